//! When an entry's turn is, and how old its wish to take a card is, by a clock that nobody sets.
//!
//! In: entries and both clocks. Out: when they are due by the steady clock, and what time it is for them at least. Never: a wish that a
//! clock which is set back makes young again.

use super::*;

/// The wishes to take a card from somebody: both clocks as they were when each entry was taken up.
#[derive(Default)]
pub(in crate::station) struct Wishes(HashMap<Uuid, Now>);

impl Wishes {
    pub(super) fn take_up(&mut self, entry: &Entry, now: Now) {
        if entry.reassign != Reassign::Never {
            self.0.entry(entry.id).or_insert(now);
        }
    }

    pub(in crate::station) fn at_least(&self, id: Uuid, now: Now) -> DateTime<Utc> {
        self.0.get(&id).map_or(now.wall, |then| now.wall.max(then.wall_of(now.steady)))
    }

    pub(super) fn forget(&mut self, id: Uuid) {
        self.0.remove(&id);
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
