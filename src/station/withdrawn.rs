//! Orders that are wanted no more.
//!
//! In: the keys of orders that were taken back. Out: their end; where the order has not come yet, its end once it comes. Never: a card for
//! an order that was taken back while it was on its way here.

use super::*;

/// So many of those that have not come yet are remembered: an order is on its way for some seconds at most.
const REMEMBERED: usize = 64;

/// Orders that were taken back before they came.
#[derive(Default)]
pub(super) struct Withdrawn(VecDeque<Uuid>);

impl Withdrawn {
    fn remember(&mut self, id: Uuid) {
        self.0.truncate(REMEMBERED - 1);
        self.0.push_front(id);
    }

    fn forget(&mut self, id: Uuid) -> bool {
        self.0.iter().position(|known| *known == id).and_then(|at| self.0.remove(at)).is_some()
    }
}

impl Station {
    pub(super) fn withdraw(&mut self, id: Uuid, turn: &mut Turn) {
        if !self.desks.iter().any(|desk| desk.id == id) && self.sending.order(id).is_none() {
            self.withdrawn.remember(id);
        }
        if let Some(at) = self.desks.iter().position(|desk| desk.id == id && !desk.is_saving()) {
            self.desks.remove(at);
            turn.tell(Notice::NotEnrolled(id, Box::new(Ended::Withdrawn)));
            self.tell_places(turn);
        }
        // What is on its way to the disk cannot be called back, and nobody is asked about it any more.
        self.desks.iter_mut().filter(|desk| desk.id == id).for_each(|desk| desk.can_be_asked = false);
        self.sending.leave(id);
    }

    /// True where an order was taken back before it came; it ends then.
    pub(super) fn was_withdrawn(&mut self, id: Uuid, turn: &mut Turn) -> bool {
        let was_withdrawn = self.withdrawn.forget(id);
        if was_withdrawn {
            turn.tell(Notice::NotEnrolled(id, Box::new(Ended::Withdrawn)));
        }
        was_withdrawn
    }
}
