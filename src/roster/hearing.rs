//! What a roster hears: of its order, of readers, of the way to BluSKY, of the station itself.
//!
//! In: what is said. Out: whose turn it is now, and lines for people. Never: somebody's turn before the card of the one before is saved,
//! or their order withdrawn.

use uuid::Uuid;

use super::{
    Asks, Bell, Given, Kind, Question, SeatEntry, SeatState, Undo,
    machine::{Desk, Effect, Order, Roster, Then, Turn, Update},
    words,
};

impl Roster {
    pub(super) fn updated(&mut self, id: Uuid, update: Update, turn: &mut Turn) {
        if self.outcome_updated(id, &update, turn) {
            return;
        }
        match (&mut self.desk, update) {
            // After a no the same order waits on.
            (Desk::Ordered(order) | Desk::Waits(order), Update::Waiting(None)) if order.id == id => {
                self.desk = Desk::Waits(Order { question: None, ahead: None, ..order.clone() });
            }
            // The next card would be somebody else's.
            (Desk::Ordered(order) | Desk::Waits(order), Update::Waiting(first @ Some(_))) if order.id == id => {
                self.desk = Desk::Ordered(Order { ahead: first, question: None, ..order.clone() });
            }
            (Desk::Ordered(order) | Desk::Waits(order), Update::Asked(question)) if order.id == id => {
                let order = Order { question: Some(question.clone()), hint: None, ..order.clone() };
                self.desk = Desk::Waits(order);
                self.asked(&question, turn);
            }
            // It was saved after all, and something is in its way: nobody wants it any more.
            (Desk::Leaves(order, _), Update::Asked(_)) if order.id == id => turn.effects.push(Effect::Withdraw(id)),
            (Desk::Ordered(order) | Desk::Waits(order), Update::NotEnrolled(code, why)) if order.id == id => {
                let seat = order.seat;
                self.not_enrolled(seat, &code, why, turn);
            }
            (Desk::Leaves(order, then), Update::NotEnrolled(..)) if order.id == id => {
                let (seat, then) = (order.seat, *then);
                self.then(then, seat, turn);
            }
            (Desk::Ordered(order) | Desk::Waits(order) | Desk::Leaves(order, _), Update::Entry(seen)) if order.id == id => {
                let seat = order.seat;
                self.saved(id, seat, *seen, turn);
            }
            _ => {}
        }
    }

    /// Something is asked about the card that was shown.
    fn asked(&mut self, question: &Question, turn: &mut Turn) {
        turn.ring(Bell::Look);
        if self.is_alone && question.kind != Asks::Card {
            self.leave_aside(question.words.clone(), turn);
        }
    }

    /// The card cannot be this person's: another one is waited for at once.
    fn not_enrolled(&mut self, seat: usize, code: &str, why: String, turn: &mut Turn) {
        if code == "no_card" {
            turn.look(format!("{}: {why}", self.name(seat)));
            self.set_aside(seat, why);
            return self.next(seat + 1, turn);
        }
        self.order(seat, turn);
        if matches!(code, "said_no" | "withdrawn") {
            return;
        }
        turn.look(format!("{}: {why}", self.name(seat)));
        if let Desk::Ordered(order) = &mut self.desk {
            order.hint = Some(why);
        }
    }

    /// A card is on disk for the person of this seat.
    fn saved(&mut self, id: Uuid, at: usize, seen: SeatEntry, turn: &mut Turn) {
        let then = match &self.desk {
            Desk::Leaves(_, then) => Some(*then),
            _ => None,
        };
        let Some(seat) = self.seats.get_mut(at) else { return };
        seat.state = SeatState::Done;
        self.last.push((at, seat.given.len()));
        let line = words::saved(&seat.row, &seen);
        seat.given.push(Given { id, seen, undo: Undo::No });
        seat.knows_user();
        turn.ring(Bell::Saved);
        turn.say(Kind::Saved, line);
        if then.is_some() {
            turn.look(format!("{} was shown the card before that key was pressed: it is saved, u takes it back", self.name(at)));
        }
        self.then(then.unwrap_or(Then::Next), at, turn);
    }

    /// What was asked of the station cannot be done.
    pub(super) fn refused(&mut self, id: Uuid, why: &str, turn: &mut Turn) {
        match &self.desk {
            Desk::Ordered(order) if order.id == id => {
                let seat = order.seat;
                turn.look(format!("{}: {why}", self.name(seat)));
                self.set_aside(seat, why.to_owned());
                self.next(seat + 1, turn);
            }
            Desk::Leaves(order, then) if order.id == id => {
                let (seat, then) = (order.seat, *then);
                self.then(then, seat, turn);
            }
            _ => self.not_undone(id, why, turn),
        }
    }

    pub(super) fn gone(&mut self, turn: &mut Turn) {
        self.is_gone = true;
        if let Desk::Waits(order) = &self.desk {
            self.desk = Desk::Ordered(Order { question: None, ..order.clone() });
        }
        turn.say(Kind::Note, "the station has ended; another one is waited for");
    }

    /// The same order again is the same order: what was saved meanwhile is told, and what was not waits anew.
    pub(super) fn back_again(&mut self, turn: &mut Turn) {
        self.is_gone = false;
        let open = self.seats.iter().flat_map(|seat| &seat.given).filter(|given| !given.is_over());
        turn.effects.extend(open.map(|given| Effect::Follow(given.id)));
        match &self.desk {
            Desk::Ordered(order) | Desk::Waits(order) => turn.effects.push(Effect::Order(order.id, order.seat)),
            Desk::Leaves(order, _) => turn.effects.push(Effect::Follow(order.id)),
            Desk::Empty | Desk::Looks(_) | Desk::Rests | Desk::Over => {}
        }
    }

    pub(super) fn hint(&mut self, said: String, turn: &mut Turn) {
        if self.is_alone {
            turn.say(Kind::Look, said.clone());
        }
        if let Desk::Waits(order) = &mut self.desk
            && order.question.is_none()
            && order.hint.as_ref() != Some(&said)
        {
            turn.ring(Bell::Look);
            order.hint = Some(said);
        }
    }

    pub(super) fn reader_says(&mut self, said: Option<String>, turn: &mut Turn) {
        if said.is_some() && said != self.reader {
            turn.ring(Bell::Look);
        }
        if let (Some(said), true) = (&said, self.is_alone) {
            turn.say(Kind::Look, said.clone());
        }
        self.reader = said;
    }

    pub(super) fn delivery_says(&mut self, why: Option<String>, turn: &mut Turn) {
        if self.delivery == why {
            return;
        }
        match &why {
            Some(why) => turn.say(Kind::Note, why.clone()),
            None => turn.say(Kind::Note, "BluSKY is there again"),
        }
        self.delivery = why;
    }
}
