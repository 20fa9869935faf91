//! What is ordered at a desk, and what is not waited for any more.
//!
//! In: what somebody does at a desk, or that nobody is there. Out: the order that is to be taken back for it. Never: two orders of one desk
//! that wait for a card.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Desk, Dropped, Ordered, Run, Scene, Stage};
use crate::outbox::Entry;

impl Desk {
    /// True while people have their turn at it one after the other.
    #[must_use]
    pub fn has_turns(&self) -> bool {
        self.run.as_ref().is_some_and(|run: &Run| !run.is_over)
    }

    /// What it waits for.
    fn waits_for(&self) -> Option<Uuid> {
        self.order.as_ref().filter(|_| self.is_open()).map(|order| order.id)
    }
}

impl Scene {
    /// A card is ordered for somebody at this desk; with the order that waited there before, for that is to be taken back.
    pub fn ordered(&mut self, desk: Uuid, order: Ordered) -> Option<Uuid> {
        let desk = self.desks.get_mut(&desk)?;
        let before = desk.waits_for().filter(|before| *before != order.id);
        desk.order = Some(order);
        desk.stage = Stage::Ordered;
        (desk.card, desk.known, desk.note) = (None, None, None);
        before
    }

    /// The station did not take the order.
    pub fn not_ordered(&mut self, desk: Uuid, order: Uuid) {
        if let Some(desk) = self.desks.get_mut(&desk).filter(|desk| desk.order.as_ref().is_some_and(|last| last.id == order)) {
            (desk.order, desk.stage) = (None, Stage::Free);
        }
    }

    /// Somebody has left their desk.
    pub fn leave(&mut self, id: Uuid) {
        self.desks.remove(&id);
    }

    /// Nobody looks at this desk any more; with the order that waits there, for that is to be taken back. People who have their turn are
    /// not this one's.
    pub fn unwatched(&mut self, id: Uuid) -> Option<Uuid> {
        let desk = self.desks.get_mut(&id).filter(|desk| !desk.has_turns())?;
        let order = desk.waits_for()?;
        (desk.stage, desk.note) = (Stage::Dropped(Dropped::Unwatched), None);
        Some(order)
    }

    /// What a desk waited for when the station ended; where something else stands there already, that stays.
    pub fn restarted(&mut self, id: Uuid, order: Ordered) {
        if let Some(desk) = self.desks.get_mut(&id).filter(|desk| desk.order.is_none() && desk.card.is_none() && !desk.has_turns()) {
            (desk.order, desk.stage) = (Some(order), Stage::Dropped(Dropped::Restarted));
        }
    }

    /// What all desks wait for or show, and what the kiosk's visitors wait for: with the entry, as it is shown.
    #[must_use]
    pub fn shown_orders(&self) -> Vec<(Uuid, Option<Entry>)> {
        let shown = |desk: &Desk| match &desk.stage {
            Stage::Entry { entry, .. } => Some((desk.order.as_ref()?.id, Some((**entry).clone()))),
            _ => desk.waits_for().map(|order| (order, None)),
        };
        self.desks.values().filter_map(shown).chain(self.board.front_desk.orders().map(|order| (order, None))).collect()
    }

    /// An order is not waited for any more, and nobody has heard what became of it.
    pub fn lost(&mut self, order: Uuid) {
        self.board.front_desk.lost(order);
        for desk in self.desks.values_mut().filter(|desk| desk.waits_for() == Some(order)) {
            (desk.stage, desk.note) = (Stage::Dropped(Dropped::Missed), None);
        }
    }

    /// What each desk waits for, or has got last. A list goes on by itself.
    #[must_use]
    pub fn orders(&self) -> BTreeMap<Uuid, Ordered> {
        let is_kept = |desk: &Desk| !desk.has_turns() && (desk.is_open() || matches!(desk.stage, Stage::Entry { .. }));
        let kept = self.desks.iter().filter(|(_, desk)| is_kept(desk));
        kept.filter_map(|(id, desk)| Some((*id, desk.order.clone()?))).collect()
    }
}
