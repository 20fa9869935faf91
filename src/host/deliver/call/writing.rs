//! What came of an entry's calls, written down.
//!
//! In: a step. Out: the step on disk, and told; or what is wrong with the store, logged once for as long as it is so. Never: an answer of
//! BluSKY's that is lost to a full disk.

use chrono::Utc;
use tokio::time::sleep;
use uuid::Uuid;

use super::{super::AGAIN, Call, Post, way::Way};
use crate::{access::AccessControl, outbox::Step, station::Event, store::StoreError};

impl<C: AccessControl + Send + Sync> Call<C> {
    pub(super) async fn append(&self, way: &mut Way<'_>, step: Step) -> Result<(), StoreError> {
        let at = Utc::now();
        self.store.append(&way.entry, at, step.clone()).await?;
        self.goes_well();
        way.entry.add(at, step);
        way.tell();
        Ok(())
    }

    /// An answer that has come is written down from when somebody waits for that ([`Way::written`]); the step before it must be on disk. It
    /// is not lost to a full disk: it is tried until there is room, and has the time of the try that succeeds. Nothing is done for its entry
    /// until then but to look, and people learn why it does not go on.
    pub(super) fn write<'c>(&'c self, way: &mut Way<'c>, step: Step, is_told: bool) {
        let (before, post, mut at) = (way.entry.clone(), way.post, Utc::now());
        way.entry.add(at, step.clone());
        way.writing = Some(Box::pin(async move {
            while let Err(error) = self.store.append(&before, at, step.clone()).await {
                let is_over = error == StoreError::Conflict || self.is_stopped();
                if is_over || (is_lost(&error) && self.lost(before.id).await.is_some()) {
                    return Err(error);
                }
                self.fails(&error, post);
                sleep(AGAIN).await;
                at = Utc::now();
            }
            self.goes_well();
            let entry = before.after([(at, step)]);
            if is_told {
                drop(post.send(Event::Stepped(Box::new(entry.clone()))));
            }
            Ok(entry)
        }));
    }

    /// Something could not be read or written: it is logged once for as long as it is so. The station hears of it where that is the store's
    /// fault, and not one entry's.
    pub(super) fn fails(&self, error: &StoreError, post: &Post) {
        let mut why = format!("an entry is left alone: {error}");
        if is_the_stores(error) {
            drop(post.send(Event::Unwritten(error.to_string())));
            why = format!("the outbox cannot be written: {error}");
        }
        if self.failed.lock().is_ok_and(|mut failed| failed.replace(why.clone()).as_ref() != Some(&why)) {
            tracing::error!("{why}");
        }
    }

    /// Why the entry itself cannot be read any more, where that is so.
    pub(super) async fn lost(&self, id: Uuid) -> Option<StoreError> {
        self.store.entry(id).await.err().filter(is_lost)
    }

    /// Something was read and written.
    pub(super) fn goes_well(&self) {
        if let Ok(mut failed) = self.failed.lock() {
            *failed = None;
        }
    }
}

/// True where the store is wrong, and not one entry.
const fn is_the_stores(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full(_)
            | StoreError::ReadOnly(_)
            | StoreError::Locked(_)
            | StoreError::Failed { .. }
            | StoreError::DamagedHead
            | StoreError::Foreign(_)
    )
}

/// True where an entry is gone or damaged; or, in a damaged file, whatever else was looked at.
pub(in crate::host::deliver) const fn is_lost(error: &StoreError) -> bool {
    matches!(error, StoreError::Damaged(_) | StoreError::Erased(_) | StoreError::NoEntry(_))
}
