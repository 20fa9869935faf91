//! An entry while calls are made for it.
//!
//! In: the entry, and each step that it takes. Out: what came of its calls. Never: an entry put back while its newest step is not on disk.

use std::{mem, pin::Pin, time::Instant};

use chrono::{DateTime, Utc};
use futures_util::future::OptionFuture;
use tokio::task::yield_now;
use uuid::Uuid;

use super::Post;
use crate::{
    access::Operation,
    outbox::{Entry, reach::Reached},
    station::{Called, Event, Stands},
    store::StoreError,
};

/// What is being written down: the entry once it is on disk, with the time of that.
type Writing<'c> = Pin<Box<dyn Future<Output = Result<Entry, StoreError>> + Send + 'c>>;

/// An entry on its way.
pub(super) struct Way<'c> {
    /// With all its steps, also the one that is being written down.
    pub(super) entry: Entry,
    pub(super) called: Called,
    pub(super) post: &'c Post,
    pub(super) clock: Clock,
    /// What is sent, with its PIN, which is gone from the disk once BluSKY has it.
    pub(super) whole: Option<Operation>,
    /// The newest step, until it is on disk.
    pub(super) writing: Option<Writing<'c>>,
    /// Somebody has looked for the holder.
    pub(super) is_looked_for: bool,
    /// It waits for another entry.
    pub(super) is_left: bool,
}

impl<'c> Way<'c> {
    pub(super) fn of(entry: Entry, clock: Clock, post: &'c Post) -> Self {
        let called = nothing_heard(entry.id);
        Self { entry, called, post, clock, whole: None, writing: None, is_looked_for: false, is_left: false }
    }

    /// Tells how the entry is now, which is on disk.
    pub(super) fn tell(&self) {
        drop(self.post.send(Event::Stepped(Box::new(self.entry.clone()))));
    }

    /// True where BluSKY has answered whatever it was asked last.
    pub(super) fn is_answered(&self) -> bool {
        self.called.heard.last().is_none_or(|(heard, _)| *heard == Reached::Answered)
    }

    /// Waits until the newest step is on disk.
    pub(super) async fn written(&mut self) -> Result<(), StoreError> {
        if let Some(entry) = OptionFuture::from(self.writing.take()).await.transpose()? {
            self.entry = entry;
        }
        Ok(())
    }

    /// Tells that no further call is made before the newest step is on disk. It yields, so that the station can begin another entry before
    /// this step is written: both are then written together.
    pub(super) async fn tell_answered(&mut self) {
        if self.writing.is_some() {
            let heard = mem::take(&mut self.called.heard);
            drop(self.post.send(Event::Answered(self.entry.id, heard)));
            yield_now().await;
        }
    }

    /// What came of it.
    pub(super) fn ended(self) -> Called {
        Called { stands: if self.is_left { Stands::Later } else { Stands::As(Box::new(self.entry)) }, ..self.called }
    }
}

/// What time it is for an entry, by the wall's clock, and so late at least.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    at_least: DateTime<Utc>,
    begun: Instant,
}

impl Clock {
    pub(super) fn from(at_least: DateTime<Utc>) -> Self {
        Self { at_least, begun: Instant::now() }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now().max(self.at_least + self.begun.elapsed())
    }
}

/// Nothing came of it yet.
pub(super) const fn nothing_heard(id: Uuid) -> Called {
    Called { id, heard: Vec::new(), stands: Stands::Later }
}
