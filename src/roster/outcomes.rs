//! What becomes of the cards that are saved: outcomes catch up while others have their turn.
//!
//! In: what the station says about entries. Out: a line for what somebody should see. Never: a card taken back twice.

use uuid::Uuid;

use super::{
    Given, Kind, Seat, SeatState, Undo,
    machine::{Desk, Roster, Turn, Update},
    words,
};
use crate::outbox::State;

impl Roster {
    /// Takes what is said about an entry of this roster's; false where it is about none.
    pub(super) fn outcome_updated(&mut self, id: Uuid, update: &Update, turn: &mut Turn) -> bool {
        let Update::Entry(seen) = update else { return false };
        if let Some(place) = self.place(|given| given.id == id) {
            let was_over = self.given(place).is_some_and(|given| given.seen.end.is_some());
            if let Some(given) = self.given_mut(place) {
                given.seen = (**seen).clone();
            }
            self.seats.get_mut(place.0).into_iter().for_each(Seat::knows_user);
            self.goes_on(place, was_over, turn);
            return true;
        }
        match self.place(|given| matches!(&given.undo, Undo::Begun(by) if by.contains(&id))) {
            Some(place) if seen.end.is_some() => {
                let name = self.name(place.0);
                let Some(given) = self.given_mut(place) else { return true };
                let undone = format!("undone: {name}, {}", given.seen.card);
                if let Undo::Begun(by) = &mut given.undo {
                    by.retain(|other| *other != id);
                    if by.is_empty() {
                        given.undo = Undo::Done;
                    }
                }
                if seen.state == State::Accepted {
                    turn.say(Kind::Good, undone.clone());
                    self.outcome = Some(undone);
                } else {
                    given.undo = Undo::Failed(seen.words.clone());
                    turn.look(format!("{name}: not undone: {}", seen.words));
                }
                true
            }
            found => found.is_some(),
        }
    }

    /// What follows from how an entry stands now.
    fn goes_on(&mut self, place: (usize, usize), was_over: bool, turn: &mut Turn) {
        let name = self.name(place.0);
        let Some(given) = self.given(place).cloned() else { return };
        let (state, words) = (given.seen.state, words::ended(&name, &given.seen));
        if matches!(state, State::Accepted | State::Refused) {
            // Something goes through again.
            self.delivery = None;
        }
        if given.undo == Undo::Wanted && !Self::may_be_under_way(state) {
            return match state {
                State::Accepted | State::Saved => self.undo_this(place, turn),
                _ => self.undo_is(place, Undo::Done),
            };
        }
        if given.undo == Undo::Asked && state == State::Discarded {
            self.undo_is(place, Undo::Done);
        }
        if given.seen.end.is_none() || was_over || given.undo != Undo::No {
            return;
        }
        match given.seen.end.as_deref() {
            // That is everybody's trouble, and said once.
            Some("stopped") => {}
            Some("accepted") => {
                self.outcome = Some(format!("accepted: {name}, {}", given.seen.card));
                turn.say(Kind::Good, format!("{name}: accepted"));
                if given.seen.opens_nothing {
                    turn.say(Kind::Note, format!("{name}: {}", words::OPENS_NOTHING));
                }
            }
            _ if given.seen.question.is_some() => {
                turn.look(words);
                if matches!(self.desk, Desk::Rests) && self.asking.is_none() {
                    self.ask_on();
                }
            }
            _ => turn.look(words),
        }
        if given.seen.question.is_none() {
            self.may_be_without_card(place);
        }
    }

    /// Whoever got no card after all is listed at the end.
    pub(super) fn may_be_without_card(&mut self, place: (usize, usize)) {
        let Some(seat) = self.seats.get_mut(place.0) else { return };
        let Some(words) = seat.given.get(place.1).map(|given| given.seen.words.clone()) else { return };
        if seat.state == SeatState::Done && !seat.given.iter().any(Given::stands) {
            seat.state = SeatState::Aside(words);
        }
    }

    fn undo_is(&mut self, place: (usize, usize), undo: Undo) {
        if let Some(given) = self.given_mut(place) {
            given.undo = undo;
        }
    }

    /// The card of an entry is being taken back.
    pub(super) fn undone(&mut self, id: Uuid, by: Vec<Uuid>) {
        if let Some(place) = self.place(|given| given.id == id) {
            self.undo_is(place, if by.is_empty() { Undo::Done } else { Undo::Begun(by) });
        }
    }

    /// A card was not taken back: where its entry has gone on meanwhile, it is tried again as soon as that has come to its end.
    pub(super) fn not_undone(&mut self, id: Uuid, why: &str, turn: &mut Turn) {
        let Some(place) = self.place(|given| given.id == id && given.undo == Undo::Asked) else { return };
        let Some(given) = self.given(place) else { return };
        match given.seen.state {
            // Its state here may be older than the station's.
            State::Saved | State::Sending | State::InDoubt => {
                self.undo_is(place, Undo::Wanted);
            }
            _ => {
                self.undo_is(place, Undo::Failed(why.to_owned()));
                turn.look(format!("{}: not undone: {why}", self.name(place.0)));
            }
        }
    }

    fn place(&self, is: impl Fn(&Given) -> bool) -> Option<(usize, usize)> {
        let mut all = self.seats.iter().enumerate().flat_map(|(at, seat)| seat.given.iter().enumerate().map(move |given| (at, given)));
        all.find(|(_, (_, given))| is(given)).map(|(at, (place, _))| (at, place))
    }
}
