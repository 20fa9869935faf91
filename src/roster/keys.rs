//! What an operator decides at a roster.
//!
//! In: a key. Out: effects. Never: a decision about another card than the one that is asked about.

use super::{
    Asks, Given, Key, Kind, SeatState, Undo,
    machine::{Desk, Effect, Order, Roster, Then, Turn},
};
use crate::{outbox::State, station::Answer};

impl Roster {
    pub(super) fn key(&mut self, key: Key, turn: &mut Turn) {
        // Without a station nothing can be withdrawn or asked for.
        if self.is_gone && key != Key::Stop {
            return;
        }
        match key {
            Key::Skip => self.skip(turn),
            Key::Back => self.back(turn),
            Key::Undo => self.undo(turn),
            Key::Aside => self.aside(turn),
            Key::Again => self.again(turn),
            Key::Questions => self.questions(),
            Key::Yes => self.answer(Answer::Yes, turn),
            Key::No => self.answer(Answer::No, turn),
            Key::Typed(text) => self.typed(&text, turn),
            Key::Stop => self.leave(Then::Stop, turn),
        }
    }

    /// Goes on to what comes then, once the order at the station is known to be withdrawn.
    fn leave(&mut self, then: Then, turn: &mut Turn) {
        match &self.desk {
            Desk::Ordered(_) | Desk::Waits(_) if self.is_gone => self.finish(turn),
            Desk::Ordered(order) | Desk::Waits(order) => {
                turn.effects.push(Effect::Withdraw(order.id));
                self.desk = Desk::Leaves(Order { question: None, ..order.clone() }, then);
            }
            // The last word counts.
            Desk::Leaves(_, Then::Stop) if then == Then::Stop => self.finish(turn),
            Desk::Leaves(order, _) => self.desk = Desk::Leaves(order.clone(), then),
            Desk::Looks(seat) => self.then(then, *seat, turn),
            Desk::Empty | Desk::Rests => match then {
                Then::Next => {}
                Then::To(seat) => self.turn_to(seat, turn),
                Then::Stop => self.finish(turn),
            },
            Desk::Over => {}
        }
    }

    /// The seat of the order that is at the station and stays there.
    const fn seat_ordered(&self) -> Option<usize> {
        match &self.desk {
            Desk::Ordered(order) | Desk::Waits(order) => Some(order.seat),
            _ => None,
        }
    }

    fn skip(&mut self, turn: &mut Turn) {
        if let Some(seat) = self.seat_ordered() {
            if let Some(seat) = self.seats.get_mut(seat) {
                seat.state = SeatState::Skipped;
            }
            turn.say(Kind::Note, format!("{}: skipped", self.name(seat)));
        }
        if !matches!(self.desk, Desk::Rests | Desk::Leaves(..)) {
            self.leave(Then::Next, turn);
        }
    }

    fn aside(&mut self, turn: &mut Turn) {
        if self.asking.is_some() {
            return self.ask_on();
        }
        let question = match &self.desk {
            Desk::Waits(order) => order.question.as_ref().map(|question| question.words.clone()),
            _ => None,
        };
        if let Some(words) = question {
            self.leave_aside(words, turn);
        }
    }

    /// Leaves the person who is waited for, and what is asked about their card, for the end.
    pub(super) fn leave_aside(&mut self, why: String, turn: &mut Turn) {
        if let Some(seat) = self.seat_ordered() {
            turn.say(Kind::Look, format!("{}: set aside: {why}", self.name(seat)));
            self.set_aside(seat, why);
            self.leave(Then::Next, turn);
        }
    }

    fn back(&mut self, turn: &mut Turn) {
        let at = match &self.desk {
            Desk::Ordered(order) | Desk::Waits(order) => order.seat,
            Desk::Leaves(order, then) => {
                if let Then::To(seat) = then {
                    *seat
                } else {
                    order.seat
                }
            }
            Desk::Looks(seat) => *seat,
            Desk::Rests => self.seats.len(),
            Desk::Empty | Desk::Over => return,
        };
        if let Some(before) = at.checked_sub(1) {
            self.leave(Then::To(before), turn);
        }
    }

    /// Those who were skipped and set aside once more; a second card for one who is looked at.
    fn again(&mut self, turn: &mut Turn) {
        match self.desk {
            Desk::Looks(seat) => self.order(seat, turn),
            Desk::Rests => {
                for seat in self.seats.iter_mut().filter(|seat| seat.state != SeatState::Done) {
                    seat.state = SeatState::Due;
                }
                self.next(0, turn);
            }
            _ => {}
        }
    }

    /// Takes the last card back: of the person who is looked at, else of all.
    fn undo(&mut self, turn: &mut Turn) {
        let looked_at = if let Desk::Looks(seat) = self.desk { Some(seat) } else { None };
        let is_meant =
            |place: &&(usize, usize)| looked_at.is_none_or(|seat| seat == place.0) && self.given(**place).is_some_and(Given::stands);
        let Some(place) = self.last.iter().rev().find(is_meant).copied() else {
            return turn.look("there is no card to take back");
        };
        self.undo_this(place, turn);
        if let Some(seat) = self.seats.get_mut(place.0) {
            // A second card was too many; the first one is still there.
            seat.state = if seat.given.iter().any(Given::stands) { SeatState::Done } else { SeatState::Due };
        }
        self.leave(Then::To(place.0), turn);
    }

    pub(super) fn undo_this(&mut self, place: (usize, usize), turn: &mut Turn) {
        let name = self.name(place.0);
        let Some(given) = self.given_mut(place) else { return };
        let (id, card) = (given.id, given.seen.card.clone());
        (given.undo, given.seen.question) = (Undo::Asked, None);
        match given.seen.state {
            State::Accepted => turn.effects.push(Effect::Undo(id)),
            State::Saved => turn.effects.push(Effect::Discard(id)),
            state => {
                given.undo = if Self::may_be_under_way(state) { Undo::Wanted } else { Undo::Done };
            }
        }
        turn.say(Kind::Note, format!("undo: {card} is taken back from {name}"));
    }

    /// The next question about a card that is saved, where nothing else is asked.
    fn questions(&mut self) {
        let is_asked = matches!(&self.desk, Desk::Waits(Order { question: Some(_), .. }));
        if !is_asked {
            self.ask_on();
        }
    }

    /// The next question after the one that is looked at.
    pub(super) fn ask_on(&mut self) {
        let places = self.seats.iter().enumerate().flat_map(|(at, seat)| (0..seat.given.len()).map(move |place| (at, place)));
        let open: Vec<(usize, usize)> =
            places.filter(|place| self.given(*place).is_some_and(|given| given.seen.question.is_some())).collect();
        let after = |place: &&(usize, usize)| self.asking.is_none_or(|asking| **place > asking);
        self.asking = open.iter().find(after).copied().filter(|_| !self.is_alone);
    }

    fn answer(&mut self, answer: Answer, turn: &mut Turn) {
        if let Some(place) = self.asking {
            return self.answer_about(place, answer, turn);
        }
        let Desk::Waits(order) = &mut self.desk else { return };
        let Some(question) = order.question.clone() else { return };
        // One of several is no yes or no; a card is asked of nobody else.
        let fits = matches!((&answer, question.kind), (Answer::No, _) | (Answer::Yes, Asks::YesOrNo | Asks::Print));
        if fits {
            order.question = None;
            turn.effects.push(Effect::Answer(order.id, question.number, answer));
        }
    }

    /// Whether to take the card of an entry from its holder.
    fn answer_about(&mut self, place: (usize, usize), answer: Answer, turn: &mut Turn) {
        let Some(given) = self.given_mut(place) else { return };
        let (id, Some(question)) = (given.id, given.seen.question.take()) else { return };
        if answer == Answer::Yes {
            // Its way goes on.
            given.seen.end = None;
        } else {
            self.may_be_without_card(place);
        }
        turn.effects.push(Effect::Answer(id, question.number, answer));
        self.ask_on();
    }

    /// A number, for what is asked now.
    fn typed(&mut self, text: &str, turn: &mut Turn) {
        let Desk::Waits(order) = &mut self.desk else { return };
        let Some(question) = order.question.clone() else { return };
        let answer = match question.kind {
            Asks::Print if !text.trim().is_empty() => Some(Answer::Printed(text.trim().to_owned())),
            Asks::Choice => {
                let at = text.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                at.and_then(|at| question.choices.get(at)).map(|(choice, _)| Answer::Choice(*choice))
            }
            Asks::Print | Asks::Card | Asks::YesOrNo => None,
        };
        if let Some(answer) = answer {
            order.question = None;
            turn.effects.push(Effect::Answer(order.id, question.number, answer));
        }
    }
}
