//! From a card that is sure enough to an entry on disk: on what terms it is written down, and what becomes of who waits for that.
//!
//! In: entries, and what the disk says. Out: what is to be written, and what people are told. Never: "saved" before it is said so.

use super::{
    about::About,
    desks::{Desk, Got, State},
    *,
};
use crate::card::{Evidence, What as Speaks};

impl Station {
    /// Writes an entry down, unless its card is ordered for somebody else, or was given to somebody else at a reader a moment ago.
    pub(super) fn save(&mut self, entry: Entry, can_be_asked: bool, about: About, from: Option<(Desk, Got)>, turn: &mut Turn) {
        if from.as_ref().is_some_and(|(desk, _)| desk.order.alone && self.is_served(&desk.order)) {
            return self.ended(entry.id, Ended::Withdrawn, turn);
        }
        let same_card = from.as_ref().is_some_and(|(desk, _)| desk.order.same_card);
        let within = self.same_card_within(&entry, turn.now).filter(|_| !same_card);
        let supersedes = from.as_ref().and_then(|(desk, _)| desk.supersedes);
        let counts_all = entry.origin.roster.is_some();
        let terms = Terms { given_within: within, counts_all, is_first: true, supersedes };
        let reader = entry.source.as_ref().and_then(|source| source.reader.as_deref()).map(Into::into);
        self.sending.ordered(entry.id, reader, can_be_asked, Some(about));
        turn.effects.push(Effect::Save(Box::new(entry), terms));
        if let Some((desk, got)) = from {
            self.desks.push_back(Desk { state: State::Saving(got), ..desk });
            self.tell_places(turn);
        }
    }

    /// True where another order has given somebody who is alone their card in this moment.
    fn is_served(&self, order: &Order) -> bool {
        let is_saving = |other: &Desk| matches!(other.state, State::Saving(_)) && other.order.user_id == order.user_id;
        self.sending.schedule.has_waiting_of(order.user_id) || self.desks.iter().any(is_saving)
    }

    /// An entry is on disk.
    pub(super) fn saved(&mut self, entry: Box<Entry>, turn: &mut Turn) {
        self.desks.retain(|desk| desk.id != entry.id);
        self.signal_entry(entry.id, Signal::Saved, turn);
        self.vouch(&entry);
        self.put(entry, turn);
    }

    /// What was saved after a print or a person's word is known here from now on.
    fn vouch(&mut self, entry: &Entry) {
        let is_word = |evidence: &Evidence| matches!(evidence.what, Speaks::Printed | Speaks::Operator);
        if let Some(card) = entry.origin.card.as_ref().filter(|_| entry.origin.evidence.iter().any(is_word)) {
            self.seen.vouched(&card.format, card.credential.facility_code);
        }
    }

    pub(super) fn not_saved(&mut self, id: Uuid, why: Ended, turn: &mut Turn) {
        self.desks.retain(|desk| desk.id != id);
        self.signal_entry(id, Signal::Refused, turn);
        self.sending.forget(id);
        turn.tell(Notice::NotEnrolled(id, Box::new(why)));
    }

    /// An entry is not on disk: another one for the same card is in its way, and a person decides.
    pub(super) fn in_the_way(&mut self, id: Uuid, other: InTheWay, turn: &mut Turn) {
        let desk = self.desks.iter().position(|desk| desk.id == id && desk.can_be_asked).and_then(|at| self.desks.remove(at));
        match desk.map(|mut desk| (std::mem::replace(&mut desk.state, State::Waits), desk)) {
            Some((State::Saving(got), desk)) => {
                self.sending.forget(id);
                let person = desk.person();
                self.ask(desk, got, QuestionKind::InTheWay(other, person), turn);
            }
            _ => self.not_saved(id, Ended::InTheWay(other), turn),
        }
    }

    /// An order ends without an entry.
    pub(super) fn ended(&mut self, id: Uuid, why: Ended, turn: &mut Turn) {
        if let Some(reader) = why.reader() {
            self.signal(&reader, Signal::Refused, turn);
        }
        turn.tell(Notice::NotEnrolled(id, Box::new(why)));
        self.tell_places(turn);
    }
}
