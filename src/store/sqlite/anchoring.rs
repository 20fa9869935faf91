//! The store's anchor, in step with the store: how far the chain has come, in a file outside of it.
//!
//! In: the anchor's file. Out: that file, written anew once what it says is on disk. Never: a store that has not come as far as its
//! anchor, or an anchor in the place of one that is missing: that a person has to say.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::{
    Database, Wrong,
    chain::{self, Head},
    mending, reading, writing,
};
use crate::{
    outbox::Step,
    store::{Anchor, AnchorFile, StoreError},
};

/// What it meant that a person took the store up as the right one.
#[derive(Debug)]
pub struct Accepted {
    /// What the anchor said before; none where there was none, or it could not be read.
    pub before: Option<Anchor>,
    /// What it says now.
    pub now: Anchor,
    /// The store has not come as far as the anchor, or nobody can tell.
    pub is_behind: bool,
    /// The head of its chain was damaged, and was made anew from what is there.
    pub has_new_head: bool,
    /// How many entries may have been sent since, and are looked up before anything of them is sent.
    pub in_doubt: usize,
    /// Why the anchor does not say so yet; none where it does.
    pub not_written: Option<StoreError>,
}

/// Where the store's anchor is kept.
pub(super) struct Anchored {
    file: AnchorFile,
    /// What it says; none where it could not be written.
    says: Option<Anchor>,
    /// Why it could not be written last.
    failed: Option<StoreError>,
    /// There was none for a store that holds something: nobody can tell whether the store is an older one.
    is_missing: bool,
}

impl From<AnchorFile> for Anchored {
    fn from(file: AnchorFile) -> Self {
        Self { file, says: None, failed: None, is_missing: false }
    }
}

impl Database {
    /// The same store, with an anchor in this file: where it has not come as far, it is not opened. Where there is no file, a store with
    /// nothing in it makes one; any other says that it is missing, and goes on without until a person has made it.
    ///
    /// # Errors
    /// The store is older than its anchor, or another one; or the anchor cannot be read.
    pub fn anchored(mut self, file: AnchorFile) -> Result<Self, StoreError> {
        let mut anchored = Anchored::from(file);
        match self.compare(&anchored.file) {
            Err(missing @ StoreError::NoAnchor(_)) => {
                tracing::warn!("{missing}");
                anchored.is_missing = true;
            }
            says => anchored.says = says?,
        }
        self.anchor = Some(anchored);
        self.write_anchor();
        Ok(self)
    }

    /// The same store, with an anchor in this file that is only looked at.
    #[must_use]
    pub fn beside(self, file: AnchorFile) -> Self {
        Self { anchor: Some(file.into()), ..self }
    }

    /// What the anchor in this file says of a store that has come as far; none where neither holds anything.
    fn compare(&mut self, file: &AnchorFile) -> Result<Option<Anchor>, StoreError> {
        let path = || file.path().display().to_string();
        let says = file.read()?;
        match &says {
            Some(anchor) if !self.holds(anchor)? => Err(StoreError::OlderThanAnchor(path())),
            None if self.anchor().is_ok_and(|now| now.records > 0) => Err(StoreError::NoAnchor(path())),
            _ => Ok(says),
        }
    }

    /// Why the anchor cannot tell whether this store is an older one, or was cut off; none where it can, or none is kept.
    pub(super) fn anchor_trouble(&mut self) -> Option<StoreError> {
        let Anchored { file, failed, .. } = self.anchor.as_ref()?;
        let (file, failed) = (file.clone(), failed.clone());
        let says = match self.compare(&file) {
            // What is damaged is found by whoever looks through the store.
            Err(StoreError::Damaged(_) | StoreError::DamagedHead) => return None,
            Err(wrong) => return Some(wrong),
            Ok(says) => says.map_or(0, |says| says.records),
        };
        let records = self.anchor().ok()?.records.checked_sub(says).filter(|records| *records > 0)?;
        Some(failed.unwrap_or_else(|| StoreError::AnchorBehind { path: file.path().display().to_string(), records }))
    }

    /// Takes this store up as the right one, whatever the anchor in this file said; a damaged head is made anew first. Where it has not
    /// come as far, or nobody can tell, what waits in it may have been sent since: that is written down first, and BluSKY's record
    /// decides.
    ///
    /// # Errors
    /// The store cannot be written; or more than the head is damaged.
    pub fn accept(&mut self, file: &AnchorFile, at: DateTime<Utc>) -> Result<Accepted, StoreError> {
        let (before, cannot_tell) = file.read().map_or((None, true), |before| (before, false));
        // All of it or nothing: a station that runs sends nothing of a store that is only half taken up.
        let (now, is_behind, has_new_head, in_doubt) = self.write(|transaction| {
            let has_new_head = mending::mend_head(transaction)?;
            let records = Head::read(transaction)?.anchor().records;
            let is_behind = match &before {
                // Behind a head that was made anew only an anchor that goes to its end can tell whether something is gone.
                Some(before) => !chain::holds(transaction, before)? || (has_new_head && before.records < records),
                None => cannot_tell || has_new_head,
            };
            let in_doubt = if is_behind { put_in_doubt(transaction, at)? } else { 0 };
            Ok((Head::read(transaction)?.anchor(), is_behind, has_new_head, in_doubt))
        })?;
        let not_written = file.write(&now).err();
        Ok(Accepted { before, now, is_behind, has_new_head, in_doubt, not_written })
    }

    /// Says in the anchor how far the chain has come, where that is new. What cannot be said now is said with the next record.
    pub(super) fn write_anchor(&mut self) {
        let is_in_group = self.is_in_group();
        let Some(mut anchored) = self.anchor.take_if(|_| !is_in_group) else { return };
        // One that is there again was made by a person, or lies on a disk that was away.
        if anchored.is_missing {
            let found = anchored.file.read().ok().flatten();
            anchored.is_missing = !found.is_some_and(|anchor| self.holds(&anchor) == Ok(true));
        }
        match Head::read(&self.connection).map(|head| head.anchor()) {
            Ok(now) if !anchored.is_missing && anchored.says.as_ref() != Some(&now) => match anchored.file.write(&now) {
                Ok(()) => anchored = Anchored { says: Some(now), failed: None, ..anchored },
                Err(error) => {
                    if anchored.failed.replace(error.clone()).is_none() {
                        tracing::error!("{error}");
                    }
                }
            },
            _ => {}
        }
        self.anchor = Some(anchored);
    }
}

/// What waits may have been sent since.
fn put_in_doubt(transaction: &Connection, at: DateTime<Utc>) -> Result<usize, Wrong> {
    let mut waiting = Vec::new();
    reading::each(transaction, |_, entry| waiting.extend(entry.ok().filter(|entry| !entry.progress().is_settled())))?;
    let count = waiting.len();
    waiting.into_iter().try_for_each(|entry| writing::append(transaction, entry, at, &Step::Restored).map(drop))?;
    Ok(count)
}
