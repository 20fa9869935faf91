//! How a store's outbox stands: all of it is counted once, and then only what was written since.
//!
//! In: a store, and the keys of the entries that something was written of. Out: a tally. Never: more of the store's time at once than a
//! page of entries takes.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::outbox::tally::{Counting, Tally};

/// So many entries are looked at again at once.
const PAGE: usize = 256;
/// After so many that nobody has asked about, all is counted anew.
const MOST_CHANGED: usize = 1 << 14;

/// What has been counted so far.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// None as long as nobody asks.
    counting: Option<Counting>,
    /// The entries up to this number are counted.
    last: u64,
    is_whole: bool,
    changed: HashSet<Uuid>,
}

impl Count {
    /// Something is written of this entry.
    pub(super) fn changes(&mut self, id: Uuid) {
        if self.counting.is_none() {
            return;
        }
        self.changed.insert(id);
        if self.changed.len() > MOST_CHANGED {
            *self = Self::default();
        }
    }

    /// Counts on for a while; the tally once all is counted.
    pub(super) fn go_on(&mut self, store: &mut dyn Store, today: DateTime<Utc>) -> Result<Option<Tally>, StoreError> {
        let counting = self.counting.get_or_insert_with(|| Counting::new(store.base_url()));
        if !self.is_whole {
            let page = store.page_after(self.last)?;
            page.iter().for_each(|(_, entry)| counting.take(entry));
            match page.last() {
                Some((number, _)) => self.last = *number,
                None => self.is_whole = true,
            }
        }
        let some: Vec<Uuid> = self.changed.iter().take(PAGE).copied().collect();
        for id in some {
            match store.entry(id) {
                Ok(entry) => counting.take(&entry),
                // It was not written down, or cannot be read any more.
                Err(StoreError::NoEntry(_) | StoreError::Erased(_) | StoreError::Damaged(_)) => counting.leave_out(id),
                Err(other) => return Err(other),
            }
            self.changed.remove(&id);
        }
        Ok((self.is_whole && self.changed.is_empty()).then(|| counting.tally(today)))
    }
}
