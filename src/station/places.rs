//! The place of everybody who waits for a card, and how their orders stand.
//!
//! In: those who wait. Out: what they are told. Never: another order of them.

use super::{
    desks::{Desk, State},
    *,
};

impl Station {
    /// Tells everybody who waits for a card their place, where it is a new one.
    pub(super) fn tell_places(&mut self, turn: &mut Turn) {
        for at in 0..self.desks.len() {
            let told = self.desks.get(at).filter(|desk| matches!(desk.state, State::Waits)).map(|desk| desk.ahead);
            let Some((told, (place, notice))) = told.zip(self.place(at)) else { continue };
            if told != Some(place) {
                turn.tell(notice);
                self.desks.iter_mut().skip(at).take(1).for_each(|desk| desk.ahead = Some(place));
            }
        }
    }

    /// How many stand before whoever stands there, and how they are told that they wait.
    fn place(&self, at: usize) -> Option<(usize, Notice)> {
        let desk = self.desks.get(at)?;
        let others = || self.desks.iter().take(at).filter(|other| !other.is_saving() && !other.has_left && other.overlaps(desk));
        let ahead = others().count();
        let first = others().next().map(|other| other.person().unwrap_or_else(|| format!("user {}", other.order.user_id)));
        Some((ahead, Notice::Waiting { order: desk.id, person: desk.person(), ahead, first, ready: self.can_hold(desk) }))
    }

    /// How an order stands that has no entry yet, as it is told; none where it is not waited for here any more. For whoever has missed
    /// what was told.
    #[must_use]
    pub fn stands(&self, order: Uuid) -> Option<Notice> {
        let is_it = |desk: &Desk| desk.id == order;
        let at = self.desks.iter().position(is_it)?;
        match self.desks.get(at).map(|desk| &desk.state)? {
            State::Asked(_, question) => Some(Notice::Asked(order, Box::new(question.clone()))),
            // What becomes of one that is being saved is told in a moment.
            State::Waits | State::Saving(_) => self.place(at).map(|(_, notice)| notice),
        }
    }
}
