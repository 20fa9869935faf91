//! Delivery: makes the calls that the station says are due, one entry's after the other.
//!
//! In: which entry, the store, the access-control system. Out: steps; each is on disk before anything else is done, except a look, and
//! is told once it is there. What is done next, for whom, and how many at once is the station's to say. Never: a call made before "sending" is on
//! disk, or a call cut off because this process ends.

mod call;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::directory::Directory;
use crate::{
    access::AccessControl,
    outbox::{Entry, schedule::Work},
    station::Event,
    store::{StoreError, StoreHandle},
};
use call::Call;

type Begin = dyn Fn(Work, DateTime<Utc>, UnboundedSender<Event>) + Send + Sync;

/// Who makes the calls.
pub struct Caller {
    begin: Box<Begin>,
    stop: watch::Sender<bool>,
}

impl Caller {
    /// Calls this access-control system, whose lists may lack what it has done for so long.
    #[must_use]
    pub fn new<C: AccessControl + Send + Sync + 'static>(store: StoreHandle, system: C, shows_within: Duration) -> Self {
        Self::with(store, system, shows_within, None)
    }

    /// The same; new users whose answer is lost are looked for in this directory.
    #[must_use]
    pub fn with<C: AccessControl + Send + Sync + 'static>(
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

    /// From here on no further call is begun for an entry that is under way.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// The entries that are not settled, with their places. What somebody was sending when they ended is in doubt, and that is written
/// down first.
///
/// # Errors
/// The store cannot be read or written.
pub async fn take_stock(store: &StoreHandle, mut page: impl FnMut(Vec<(u64, Entry)>)) -> Result<(), StoreError> {
    let mut last = 0;
    loop {
        let mut entries = store.open_after(last).await?;
        let Some((number, _)) = entries.last() else { return Ok(()) };
        last = *number;
        for (_, entry) in &mut entries {
            if let Some(step) = entry.abandoned() {
                match store.append(entry, Utc::now(), step).await {
                    Ok(()) | Err(StoreError::Conflict) => *entry = store.entry(entry.id).await?,
                    Err(error) => return Err(error),
                }
            }
        }
        page(entries);
    }
}

/// One message for one cause, however often it is met.
fn once(told: &mut Option<String>, why: &str) {
    if told.as_deref() != Some(why) {
        tracing::error!("{why}");
        *told = Some(why.to_owned());
    }
}

#[cfg(test)]
mod tests;
