//! How a roster stands, as a terminal or a page draws it.
//!
//! In: the machine. Out: plain values: whose turn it is, what is asked, what can be pressed, how many are done. Never: a name as the one
//! whose turn it is before the station takes the next card for them.

use super::{
    Asks, Given, Question, SeatState,
    machine::{Desk, Order, Roster},
    words,
};
use crate::outbox::State;

/// A picture of a roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    /// Whose card is waited for, or who is looked at.
    pub person: Option<Person>,
    /// Who comes next, at most two.
    pub next: Vec<String>,
    /// What to do now.
    pub say: String,
    /// The station has the order, and somebody else's comes first: that is what is said.
    pub is_behind: bool,
    /// The same is urgent: a question, or a card that was not taken.
    pub is_question: bool,
    /// Among what can be chosen.
    pub choices: Vec<String>,
    /// A number is waited for that a person types.
    pub takes_text: bool,
    /// The keys that do something now, each with what it does.
    pub keys: Vec<(char, String)>,
    /// How the outcomes stand.
    pub tally: Tally,
    /// What came last of an entry.
    pub outcome: Option<String>,
    /// What is wrong with a reader, or on the way to BluSKY.
    pub trouble: Vec<String>,
}

/// Whoever is shown large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The employee number.
    pub employee_number: String,
    /// Their place, counted from 1, and how many there are.
    pub place: (usize, usize),
}

/// How many of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub people: usize,
    /// Those whose card is in BluSKY.
    pub accepted: usize,
    /// Those whose card is saved, and nothing is known of it yet.
    pub under_way: usize,
    /// Those for whom a card is in doubt or refused, or who were skipped or set aside.
    pub open: usize,
    /// Cards about which a person is asked.
    pub questions: usize,
}

impl Roster {
    /// How it stands.
    #[must_use]
    pub fn screen(&self) -> Screen {
        let mut screen = Screen { tally: self.tally(), outcome: self.outcome.clone(), next: self.next_ones(), ..Screen::default() };
        screen.trouble.extend(self.reader.clone());
        screen.trouble.extend(self.delivery.as_deref().map(in_short));
        match &self.desk {
            Desk::Empty | Desk::Over => {}
            _ if self.is_gone => screen.say = "waiting for the station".to_owned(),
            Desk::Ordered(Order { ahead: Some(ahead), .. }) => (screen.say, screen.is_behind) = (ahead.clone(), true),
            Desk::Ordered(_) | Desk::Leaves(..) => screen.say = "one moment".to_owned(),
            Desk::Waits(order) => self.show_waiting(order, &mut screen),
            Desk::Looks(seat) => self.show_done(*seat, &mut screen),
            Desk::Rests if self.is_open_ended => self.show_who(&mut screen),
            Desk::Rests => self.show_rest(&mut screen),
        }
        if let Some(given) = self.asking.and_then(|place| Some((self.name(place.0), self.given(place)?)))
            && let Some(question) = &given.1.seen.question
        {
            screen.say = format!("{}: {}", given.0, question.words);
            screen.is_question = true;
            screen.keys = vec![('y', "yes".to_owned()), ('n', "no".to_owned()), ('a', "later".to_owned())];
        }
        screen
    }

    /// Who comes behind the one whose turn it is.
    fn next_ones(&self) -> Vec<String> {
        // Until the station takes the next card for somebody, they come next themselves.
        let (now, behind) = match &self.desk {
            Desk::Waits(Order { seat, .. }) | Desk::Looks(seat) => (Some(*seat), seat + 1),
            Desk::Ordered(order) | Desk::Leaves(order, _) => (None, order.seat),
            Desk::Rests | Desk::Over => return Vec::new(),
            Desk::Empty => (None, 0),
        };
        let is_due = |at: &usize| Some(*at) != now && self.seats.get(*at).is_some_and(|seat| seat.state == SeatState::Due);
        (behind..self.seats.len()).chain(0..behind).filter(is_due).take(2).map(|at| self.name(at)).collect()
    }

    fn person(&self, at: usize) -> Option<Person> {
        let row = &self.seats.get(at)?.row;
        Some(Person { name: row.name.clone(), employee_number: row.employee_number.clone(), place: (at + 1, self.seats.len()) })
    }

    fn show_waiting(&self, order: &Order, screen: &mut Screen) {
        screen.person = self.person(order.seat);
        screen.keys = self.keys_beside();
        match (&order.question, &order.hint) {
            (Some(question), _) => ask(question, screen),
            (None, Some(hint)) => {
                screen.say.clone_from(hint);
                screen.is_question = true;
            }
            (None, None) if !self.is_ready => screen.say = "the reader is not ready yet".to_owned(),
            (None, None) => screen.say = self.hold(order.seat),
        }
    }

    /// What to hold to the reader; whoever comes again because of a card that BluSKY refused is told which.
    fn hold(&self, seat: usize) -> String {
        let last = self.seats.get(seat).and_then(|seat| seat.given.last());
        match last.filter(|given| given.seen.state == State::Refused) {
            Some(given) => format!("hold another card to the reader ({} was refused)", words::number(&given.seen.card)),
            None => "hold the card to the reader".to_owned(),
        }
    }

    fn show_done(&self, seat: usize, screen: &mut Screen) {
        screen.person = self.person(seat);
        let cards: Vec<&str> = self
            .seats
            .get(seat)
            .into_iter()
            .flat_map(|seat| &seat.given)
            .filter(|given| given.stands())
            .map(|given| given.seen.card.as_str())
            .collect();
        screen.say = format!("has {}", cards.join(" and "));
        screen.keys = vec![
            ('u', "undo, and show another".to_owned()),
            ('r', "one more card".to_owned()),
            ('b', "back".to_owned()),
            ('s', "go on".to_owned()),
            ('q', "stop".to_owned()),
        ];
    }

    fn show_who(&self, screen: &mut Screen) {
        screen.say = "who gets the next card? (Enter takes the marked one, Tab the next, Esc ends)".to_owned();
        screen.takes_text = true;
        let last = self.last.iter().rev().find(|place| self.given(**place).is_some_and(Given::stands));
        screen.keys.extend(last.and_then(|place| self.seats.get(place.0)).map(|seat| ('-', format!("undo {}", seat.row.name))));
    }

    fn show_rest(&self, screen: &mut Screen) {
        let left = self.seats.iter().filter(|seat| seat.state != SeatState::Done).count();
        screen.say = match (left, self.awaits_outcomes()) {
            (0, true) => "all have had their turn; the last outcomes are waited for".to_owned(),
            (0, false) => "all are done".to_owned(),
            (1, _) => "all have had their turn, and one is left without a card".to_owned(),
            (left, _) => format!("all have had their turn, and {left} are left without a card"),
        };
        screen.keys = if left > 0 { vec![('r', "their turn again".to_owned())] } else { Vec::new() };
        screen.keys.extend([('b', "back".to_owned()), ('u', "undo".to_owned()), ('q', "end with the report".to_owned())]);
    }

    /// What can be pressed while a card is waited for.
    fn keys_beside(&self) -> Vec<(char, String)> {
        let last = self.last.iter().rev().find(|place| self.given(**place).is_some_and(Given::stands));
        let mut keys = vec![('s', "skip".to_owned()), ('b', "back".to_owned())];
        keys.extend(last.and_then(|place| self.seats.get(place.0)).map(|seat| ('u', format!("undo {}", seat.row.name))));
        if self.tally().questions > 0 {
            keys.push(('o', "questions".to_owned()));
        }
        keys.push(('q', "stop".to_owned()));
        keys
    }

    /// How many of what.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { people: self.seats.len(), ..Tally::default() };
        for seat in &self.seats {
            let standing = seat.given.iter().rev().find(|given| given.stands());
            match standing.map(|given| given.seen.state) {
                Some(State::Accepted) => tally.accepted += 1,
                Some(State::InDoubt) if standing.is_some_and(|given| given.seen.end.is_some()) => tally.open += 1,
                Some(_) => tally.under_way += 1,
                None => tally.open += usize::from(seat.state != SeatState::Due),
            }
            tally.questions += seat.given.iter().filter(|given| given.seen.question.is_some()).count();
        }
        tally
    }
}

/// Why nothing goes to BluSKY, as it stands there all the while: what the network said was a line once.
fn in_short(why: &str) -> String {
    let parts = why.split_once(": ").and_then(|(what, why)| Some((what, why.rsplit_once("; ")?.1)));
    parts.filter(|(what, _)| what.starts_with("BluSKY")).map_or_else(|| why.to_owned(), |(what, then)| format!("{what}; {then}"))
}

/// A question about the card that was shown.
fn ask(question: &Question, screen: &mut Screen) {
    screen.is_question = true;
    screen.say.clone_from(&question.words);
    let mut keys = Vec::new();
    match question.kind {
        Asks::Card => {}
        Asks::Print => {
            screen.takes_text = true;
            screen.say += " and press Enter, or y if you know that it is right";
            keys.push(('y', "it is right".to_owned()));
        }
        Asks::Choice => {
            screen.choices = (1..).zip(&question.choices).map(|(number, (_, words))| format!("{number}  {words}")).collect();
            screen.takes_text = question.choices.len() > 9;
        }
        Asks::YesOrNo => keys.push(('y', "yes".to_owned())),
    }
    if question.kind != Asks::Card {
        screen.say += match (question.kind, screen.say.ends_with('?')) {
            (Asks::Choice, true) => " Press its number, or show another card.",
            (_, true) => " Or show another card.",
            (_, false) => "; or show another card",
        };
        keys.extend([('n', "no".to_owned()), ('a', "set aside".to_owned())]);
    }
    keys.append(&mut screen.keys);
    screen.keys = keys;
}
