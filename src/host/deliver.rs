//! Delivery: makes the calls that the station says are due, one entry's after the other.
//!
//! In: which entry, the store, the access-control system. Out: steps; each is on disk before anything else is done, except a look, and
//! is told once it is there. What is done next, for whom, and how many at once is the station's to say. Never: a call made before "sending" is on
//! disk, or a call cut off because this process ends.

mod call;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    time::sleep,
};

use super::directory::Directory;
use crate::{
    access::AccessControl,
    outbox::{Entry, schedule::Work},
    station::Event,
    store::{Page, StoreError, StoreHandle},
};
use call::{Call, is_lost};

/// How long a store that takes nothing is left alone.
const AGAIN: Duration = Duration::from_secs(1);

type Begin = dyn Fn(Work, DateTime<Utc>, UnboundedSender<Event>) + Send + Sync;

/// Who makes the calls.
pub struct Caller {
    begin: Box<Begin>,
    stop: watch::Sender<bool>,
}

impl Caller {
    /// Calls this access-control system, whose lists may lack what it has done for so long. New users whose answer is lost are looked for in
    /// the directory, where there is one.
    #[must_use]
    pub fn new<C: AccessControl + Send + Sync + 'static>(
        store: StoreHandle,
        system: C,
        shows_within: Duration,
        directory: Option<Directory>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let call = Arc::new(Call::new(store, system, shows_within, stopped, directory));
        let begin = move |work, at_least, post: UnboundedSender<Event>| {
            let call = call.clone();
            tokio::spawn(async move {
                // Boxed: what is large is made where it stays, and not carried from place to place.
                let called = match work {
                    Work::Step(id) => Box::pin(call.step(id, at_least, &post)).await,
                    Work::Ask(id) => Box::pin(call.ask(id, at_least, &post)).await,
                };
                drop(post.send(Event::Called(Box::new(called))));
            });
        };
        Self { begin: Box::new(begin), stop }
    }

    /// Begins what is due for an entry, for which it is this late at least; what comes of it is posted.
    pub fn begin(&self, work: Work, at_least: DateTime<Utc>, post: UnboundedSender<Event>) {
        (self.begin)(work, at_least, post);
    }

    /// From here on no further call is begun; what is under way comes to its end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// The entries that are not settled, with their places. A store that cannot be read or written now is tried again until it can, and
/// `fails` hears why.
pub async fn take_stock(store: &StoreHandle, mut page: impl FnMut(Vec<(u64, Entry)>), mut fails: impl FnMut(StoreError)) {
    let mut last = 0;
    loop {
        match stock_after(store, last).await {
            Ok(None) => return,
            Ok(Some((number, entries))) => {
                last = number;
                page(entries);
            }
            Err(error) => {
                fails(error);
                sleep(AGAIN).await;
            }
        }
    }
}

/// A page of them, and the place of its last one.
async fn stock_after(store: &StoreHandle, last: u64) -> Result<Option<(u64, Page)>, StoreError> {
    let entries = store.open_after(last).await?;
    let Some((last, _)) = entries.last() else { return Ok(None) };
    let (last, mut stock) = (*last, Vec::new());
    for (number, entry) in entries {
        let id = entry.id;
        match in_doubt(store, entry).await {
            Ok(entry) => stock.push((number, entry)),
            // One that cannot be read any more holds up none of the others.
            Err(error) if store.entry(id).await.is_err_and(|error| is_lost(&error)) => tracing::error!("an entry is left alone: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(Some((last, stock)))
}

/// The entry as it is. What somebody was sending when they ended is in doubt, and that is written down first.
async fn in_doubt(store: &StoreHandle, entry: Entry) -> Result<Entry, StoreError> {
    let Some(step) = entry.abandoned() else { return Ok(entry) };
    match store.append(&entry, Utc::now(), step).await {
        Ok(()) | Err(StoreError::Conflict) => store.entry(entry.id).await,
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
