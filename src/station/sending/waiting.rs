//! When an entry's turn is, and how old its wish to take a card is, by a clock that nobody sets.
//!
//! In: entries and both clocks. Out: when they are due by the steady clock, and what time it is for them at least. Never: a wish that a
//! clock which is set back makes young again, nor an entry that has come to its end taken up once more.

use super::*;

/// What is known of entries beside their turn.
#[derive(Default)]
pub(in crate::station) struct Known {
    /// Of those that may take a card from somebody: both clocks as they were when each was taken up.
    wishes: HashMap<Uuid, Now>,
    /// Those that have come to their end before anything is delivered: what was read from the store before that still calls them open.
    ended: HashSet<Uuid>,
    delivers: bool,
}

impl Known {
    /// Everything that the store held has been taken up.
    pub(super) fn begins(&mut self) {
        self.delivers = true;
        self.ended.clear();
    }

    pub(super) fn has_ended(&self, id: Uuid) -> bool {
        self.ended.contains(&id)
    }

    pub(super) fn take_up(&mut self, entry: &Entry, now: Now) {
        if entry.reassign != Reassign::Never {
            self.wishes.entry(entry.id).or_insert(now);
        }
    }

    pub(in crate::station) fn at_least(&self, id: Uuid, now: Now) -> DateTime<Utc> {
        self.wishes.get(&id).map_or(now.wall, |then| now.wall.max(then.wall_of(now.steady)))
    }

    /// Nothing more happens to it by itself; what a person may have tried again keeps the age of its wish.
    pub(super) fn settled(&mut self, entry: &Entry) {
        if matches!(entry.progress().state, State::Accepted | State::Discarded) {
            self.wishes.remove(&entry.id);
        }
        if !self.delivers {
            self.ended.insert(entry.id);
        }
    }
}

impl Sending {
    /// Takes up an entry that waits again. Where somebody waits for it and it is due, it stays before those that nobody waits for, and
    /// behind what has just been ordered.
    pub(super) fn put_again(&mut self, entry: &Entry, now: Now) {
        let waiting = waiting(entry, self.place(entry.id), now);
        let is_early = matches!(waiting.turn, Due::At(at) if at <= now.steady) && self.followed.contains(&entry.id);
        let turn = if is_early { Due::At(DateTime::UNIX_EPOCH + TimeDelta::seconds(1)) } else { waiting.turn };
        self.put(Waiting { turn, ..waiting });
    }
}

/// An entry's place, due by the steady clock.
pub(super) fn waiting(entry: &Entry, place: u64, now: Now) -> Waiting {
    let waiting = Waiting::of(entry, place, now.wall);
    match waiting.turn {
        Due::At(at) => Waiting { turn: Due::At(now.steady + (at - now.wall)), ..waiting },
        Due::Person | Due::Over => waiting,
    }
}
