//! What all desks show: the readers and the way to BluSKY, the day's list, what has not come to its end.
//!
//! In: entries as they are, questions about them. Out: plain values. Never: more than a list that somebody could look through.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::FrontDesk;
use crate::{host::api::Status, outbox::Entry, station::Question};

/// So many entries stand in a list at most.
const LONGEST_LIST: usize = 500;

/// What all desks show.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Board {
    /// The readers and the way to BluSKY.
    pub status: Status,
    /// Why the store is not where it was.
    pub store_gone: Option<String>,
    /// Why what was answered for the site is not taken up.
    pub policy_wrong: Option<String>,
    /// The entries that have not come to their end, the oldest first.
    pub open: BTreeMap<Uuid, Entry>,
    /// What is asked about entries.
    pub questions: HashMap<Uuid, Question>,
    /// Who was sent here from the kiosk.
    pub front_desk: FrontDesk,
    /// The day's entries, the newest first.
    pub today: VecDeque<Entry>,
}

impl Board {
    /// An entry as it is now.
    pub fn entry(&mut self, entry: &Entry) {
        match self.today.iter_mut().find(|known| known.id == entry.id) {
            Some(known) => *known = entry.clone(),
            None => self.today.push_front(entry.clone()),
        }
        self.today.truncate(LONGEST_LIST);
        self.is_open(entry);
    }

    /// An entry that may not have come to its end, as it is now.
    pub fn is_open(&mut self, entry: &Entry) {
        let is_open = !entry.progress().is_over();
        if is_open && (self.open.len() < LONGEST_LIST || self.open.contains_key(&entry.id)) {
            self.open.insert(entry.id, entry.clone());
        } else {
            self.open.remove(&entry.id);
        }
        let open = &self.open;
        self.questions.retain(|id, _| open.contains_key(id));
    }

    /// Another day has begun, then: what was saved before is not of today.
    pub fn begins_at(&mut self, midnight: DateTime<Utc>) {
        self.today.retain(|entry| entry.saved_at >= midnight);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        access::Operation,
        enroll::enrollment::{Order, add_existing_card},
        outbox::{Reassign, Step},
    };

    fn entry(id: Uuid) -> Entry {
        let call = add_existing_card(Uuid::from_u128(8), &Order::of(Uuid::from_u128(9))).unwrap();
        Entry::of(id, Utc::now(), Operation::AddUserCard(call), Reassign::Never)
    }

    #[test]
    fn the_list_has_each_entry_once_and_the_newest_first_and_comes_to_an_end() {
        let mut board = Board::default();
        for number in 0..600_u128 {
            board.entry(&entry(Uuid::from_u128(number)));
        }
        board.entry(&entry(Uuid::from_u128(599)));
        assert_eq!((board.today.len(), board.today[0].id), (LONGEST_LIST, Uuid::from_u128(599)));
        board.begins_at(Utc::now() - TimeDelta::hours(1));
        assert_eq!(board.today.len(), LONGEST_LIST);
        board.begins_at(Utc::now() + TimeDelta::hours(1));
        assert_eq!(board.today.len(), 0, "the next day");
    }

    #[test]
    fn what_has_not_come_to_its_end_stands_in_the_outbox_until_it_has() {
        let mut board = Board::default();
        let waiting = entry(Uuid::from_u128(2));
        board.entry(&waiting);
        assert_eq!(board.open.len(), 1);
        board.entry(&waiting.after([(Utc::now(), Step::Discarded { superseded_by: None })]));
        assert_eq!((board.open.len(), board.today.len()), (0, 1));
    }
}
