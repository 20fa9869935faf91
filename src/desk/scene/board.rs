//! What all desks show: the readers and the way to BluSKY, the day's list, what has not come to its end.
//!
//! In: entries as they are, questions about them. Out: plain values. Never: more than a list that somebody could look through.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::FrontDesk;
use crate::{
    enroll::origin::CardRead,
    host::api::Status,
    outbox::{Entry, State},
    station::Question,
};

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
    /// Who has the card of a refused entry, as far as that is known, in words.
    pub holders: HashMap<Uuid, Vec<String>>,
    /// Who was sent here from the kiosk.
    pub front_desk: FrontDesk,
    /// The day's entries, the newest first.
    pub today: VecDeque<Entry>,
}

/// How it stands with taking an entry back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Nobody wanted that.
    No,
    /// It is on its way.
    Goes,
    /// The card is taken back.
    Done,
    /// BluSKY refused it, or a person gave it up.
    Failed,
}

impl Board {
    /// How it stands with taking an entry back. The entry that does so has come to its end where it is not known here any more.
    #[must_use]
    pub fn undo(&self, entry: &Entry) -> Undo {
        let Some(by) = entry.progress().undone_by else { return if entry.undo_failed() { Undo::Failed } else { Undo::No } };
        match self.find(by).map(|by| by.progress().state) {
            None | Some(State::Accepted) => Undo::Done,
            Some(state) if state.came_to_nothing() => Undo::Failed,
            Some(_) => Undo::Goes,
        }
    }

    /// What was read of a card that BluSKY knows by this key.
    #[must_use]
    pub fn read(&self, card: Uuid) -> Option<&CardRead> {
        self.today.iter().filter(|entry| entry.progress().card_id == Some(card)).find_map(|entry| entry.origin.card.as_ref())
    }

    /// The entries that wait for a person, the oldest first: not those whose card that user has got by a newer one.
    pub fn for_people(&self) -> impl Iterator<Item = &Entry> {
        let is_got = |entry: &Entry, other: &Entry| {
            let is_same = other.card() == entry.card() && other.operation.user() == entry.operation.user();
            is_same && other.saved_at > entry.saved_at && other.progress().state == State::Accepted
        };
        self.open.values().filter(move |entry| {
            let progress = entry.progress();
            let is_got = || self.today.iter().any(|other| entry.card().is_some() && is_got(entry, other));
            progress.needs_a_person() || (progress.awaits_reassignment() && !is_got())
        })
    }

    /// Who has the card of a refused entry.
    pub fn held(&mut self, entry: Uuid, holders: Vec<String>) {
        let today = &self.today;
        self.holders.retain(|id, _| today.iter().any(|entry| entry.id == *id));
        self.holders.insert(entry, holders);
    }

    fn find(&self, id: Uuid) -> Option<&Entry> {
        self.open.get(&id).or_else(|| self.today.iter().find(|entry| entry.id == id))
    }

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
        access::{Operation, Outcome, Told},
        enroll::enrollment::{Order, add_existing_card},
        outbox::{ReadBack, Reassign, Step},
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
    fn a_card_is_called_taken_back_once_it_is_and_not_where_that_was_refused() {
        let (by, mut board) = (Uuid::from_u128(3), Board::default());
        let given = entry(Uuid::from_u128(2)).after([(Utc::now(), Step::Undone { by })]);
        assert_eq!(board.undo(&entry(by)), Undo::No);
        board.entry(&entry(by));
        assert_eq!(board.undo(&given), Undo::Goes);
        let refused = Told { result_code: Some(7), description: Some("No permission".to_owned()), ..Told::default() };
        for (outcome, undo) in [(Outcome::Accepted(Told::default()), Undo::Done), (Outcome::Refused(refused), Undo::Failed)] {
            let steps = [Step::Sending { reassign: false }, Step::Answered(outcome), Step::ReadBack(ReadBack::NotFound)];
            board.entry(&entry(by).after(steps.map(|step| (Utc::now(), step))));
            assert_eq!(board.undo(&given), undo);
        }
        assert_eq!(board.undo(&given.after([(Utc::now(), Step::UndoFailed { by })])), Undo::Failed);
    }

    #[test]
    fn a_card_that_somebody_holds_waits_for_a_person_until_this_person_has_got_it() {
        let (mut board, held) = (Board::default(), Told { description: Some("Card Already Assigned".to_owned()), ..Told::default() });
        let steps = [Step::Sending { reassign: false }, Step::Answered(Outcome::Refused(held)), Step::ReadBack(ReadBack::NotFound)];
        let refused = Entry { reassign: Reassign::Ask, ..entry(Uuid::from_u128(2)) }.after(steps.map(|step| (Utc::now(), step)));
        board.entry(&refused);
        assert_eq!(board.for_people().count(), 1);
        let later = Entry { saved_at: Utc::now() + TimeDelta::seconds(1), ..entry(Uuid::from_u128(3)) };
        let accepted = [Step::Sending { reassign: true }, Step::Answered(Outcome::Accepted(Told::default()))];
        board.entry(&later.after(accepted.map(|step| (Utc::now(), step))));
        assert_eq!(board.for_people().count(), 0);
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
