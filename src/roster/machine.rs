//! The machine: what happens at a roster, and what is to be done then.
//!
//! In: an event, and a key that no order has yet. Out: effects, in the order they are to be carried out. Never: an order before the one
//! before it is saved or known to be withdrawn.

use uuid::Uuid;

use super::{Bell, Given, Key, Kind, Question, Row, Seat, SeatEntry, SeatState};
use crate::{outbox::State, station::Answer};

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// It begins.
    Begin,
    /// An operator's key.
    Key(Key),
    /// The turn of somebody who was added.
    Turn(usize),
    /// The station says something about an order or entry.
    Update(Uuid, Update),
    /// The station took no order of this key, knows no entry of it, or did not do what was asked of it, and why.
    Refused(Uuid, String),
    /// The card of this entry is being taken back by these entries.
    Undone(Uuid, Vec<Uuid>),
    /// The station has ended.
    Gone,
    /// There is a station again.
    Back,
    /// A card can be held to a reader now, or not yet.
    Ready(bool),
    /// Something about the card that was shown, or one that lies there.
    Hint(String),
    /// Something about a reader that somebody should see; none: all is well there.
    Reader(Option<String>),
    /// Why nothing goes to BluSKY for now; none: it does.
    Delivery(Option<String>),
    /// Nobody is there who could press a key: what waits for one is set aside.
    Alone,
}

/// News from the station about an order or entry.
#[derive(Debug, Clone)]
pub enum Update {
    /// The order waits for its card; where somebody else's comes first, who.
    Waiting(Option<String>),
    /// Something is asked.
    Asked(Question),
    /// Nothing is enrolled: the code, and why.
    NotEnrolled(String, String),
    /// The entry as it is now.
    Entry(Box<SeatEntry>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Order the next card for the person of this seat.
    Order(Uuid, usize),
    /// Withdraw an order.
    Withdraw(Uuid),
    /// Answer the question of that number.
    Answer(Uuid, u64, Answer),
    /// Have the card of an accepted entry taken back.
    Undo(Uuid),
    /// Give up an entry that has not been sent.
    Discard(Uuid),
    /// Ask how an entry stands, and follow it.
    Follow(Uuid),
    /// A line for people.
    Say(Kind, String),
    /// A sound.
    Ring(Bell),
    /// It is over.
    Finish,
}

/// Whose turn it is, and how far it has come.
#[derive(Debug, Clone)]
pub(super) enum Desk {
    /// Nobody's yet.
    Empty,
    /// The order is on its way to the station.
    Ordered(Order),
    /// It waits for the card; the name is shown.
    Waits(Order),
    /// It is being withdrawn.
    Leaves(Order, Then),
    /// Somebody who has had their turn; nothing is ordered.
    Looks(usize),
    /// All have had their turn.
    Rests,
    /// It is over.
    Over,
}

/// An order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: Uuid,
    pub(super) seat: usize,
    /// What is asked about its card.
    pub(super) question: Option<Question>,
    /// What is to be seen about the card that was shown last.
    pub(super) hint: Option<String>,
    /// Who comes before it.
    pub(super) ahead: Option<String>,
}

/// What comes after an order is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Next,
    To(usize),
    Stop,
}

/// A roster at work.
#[derive(Debug, Clone)]
pub struct Roster {
    /// The people in their order.
    pub(super) seats: Vec<Seat>,
    pub(super) desk: Desk,
    /// The seat whose turn comes first, where an earlier part of this run was cut off there.
    pub(super) begins_at: Option<usize>,
    /// The cards that were given, by seat and place, the last one last.
    pub(super) last: Vec<(usize, usize)>,
    /// There is no station.
    pub(super) is_gone: bool,
    /// People are added as they come, and it ends when somebody stops it.
    pub(super) is_open_ended: bool,
    /// Nobody is there who could press a key.
    pub(super) is_alone: bool,
    /// A card can be held to a reader now.
    pub(super) is_ready: bool,
    pub(super) reader: Option<String>,
    pub(super) delivery: Option<String>,
    /// The outcome that came last, in a line.
    pub(super) outcome: Option<String>,
    /// The entry whose question a person looks at.
    pub(super) asking: Option<(usize, usize)>,
}

/// One step of the machine.
pub(super) struct Turn {
    pub(super) fresh: Uuid,
    pub(super) effects: Vec<Effect>,
}

impl Turn {
    pub(super) fn say(&mut self, kind: Kind, text: impl Into<String>) {
        self.effects.push(Effect::Say(kind, text.into()));
    }

    pub(super) fn look(&mut self, text: impl Into<String>) {
        self.effects.push(Effect::Ring(Bell::Look));
        self.say(Kind::Look, text);
    }

    pub(super) fn ring(&mut self, bell: Bell) {
        self.effects.push(Effect::Ring(bell));
    }
}

impl Roster {
    /// The people of a list; `given` are the cards that they got in an earlier part of this run, each with the number of its row.
    #[must_use]
    pub fn new(rows: Vec<Row>, given: Vec<(usize, Given)>) -> Self {
        let mut seats: Vec<Seat> = rows.into_iter().map(|row| Seat { row, state: SeatState::Due, given: Vec::new() }).collect();
        let mut last = Vec::new();
        for (row, given) in given {
            let Some((at, seat)) = seats.iter_mut().enumerate().find(|(_, seat)| seat.row.number == row) else { continue };
            if given.stands() {
                seat.state = SeatState::Done;
                last.push((at, seat.given.len()));
            }
            seat.given.push(given);
            seat.knows_user();
        }
        let (desk, reader, delivery, outcome, asking) = (Desk::Empty, None, None, None, None);
        Self {
            seats,
            desk,
            begins_at: None,
            last,
            is_gone: false,
            is_open_ended: false,
            is_alone: false,
            is_ready: false,
            reader,
            delivery,
            outcome,
            asking,
        }
    }

    /// Nobody yet: people are added as they come.
    #[must_use]
    pub fn open_ended() -> Self {
        Self { is_open_ended: true, ..Self::new(Vec::new(), Vec::new()) }
    }

    /// The people in their order, each with what became of them.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Adds somebody, whose turn comes last.
    pub fn add(&mut self, row: Row) -> usize {
        self.seats.push(Seat { row, state: SeatState::Due, given: Vec::new() });
        self.seats.len() - 1
    }

    /// True once all is known and nothing waits for anybody.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_done = |seat: &Seat| seat.state == SeatState::Done && seat.given.iter().all(Given::is_over);
        matches!(self.desk, Desk::Rests | Desk::Over) && self.seats.iter().all(is_done)
    }

    /// True once all have had their turn.
    #[must_use]
    pub const fn is_at_rest(&self) -> bool {
        matches!(self.desk, Desk::Rests | Desk::Over)
    }

    /// True while an outcome is still to come.
    #[must_use]
    pub fn awaits_outcomes(&self) -> bool {
        self.seats.iter().flat_map(|seat| &seat.given).any(|given| given.seen.question.is_none() && !given.is_over())
    }

    /// True where nobody is there who could press a key.
    #[must_use]
    pub const fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// True while nothing goes to BluSKY.
    #[must_use]
    pub const fn is_held_up(&self) -> bool {
        self.delivery.is_some()
    }

    /// True for an order or entry of this roster.
    #[must_use]
    pub fn knows(&self, id: Uuid) -> bool {
        let is_ordered = matches!(&self.desk, Desk::Ordered(order) | Desk::Waits(order) | Desk::Leaves(order, _) if order.id == id);
        is_ordered || self.seats.iter().flat_map(|seat| &seat.given).any(|given| given.id == id)
    }

    /// Takes what happened and says what is to be done; `fresh` is the key of the order that may follow.
    pub fn handle(&mut self, event: Event, fresh: Uuid) -> Vec<Effect> {
        let mut turn = Turn { fresh, effects: Vec::new() };
        match event {
            Event::Begin => self.begin(&mut turn),
            Event::Key(key) => self.key(key, &mut turn),
            Event::Turn(seat) => self.turn_to(seat, &mut turn),
            Event::Update(id, update) => self.updated(id, update, &mut turn),
            Event::Refused(id, why) => self.refused(id, &why, &mut turn),
            Event::Undone(id, by) => self.undone(id, by),
            Event::Gone => self.gone(&mut turn),
            Event::Back => self.back_again(&mut turn),
            Event::Ready(is_ready) => self.is_ready = is_ready,
            Event::Hint(said) => self.hint(said, &mut turn),
            Event::Reader(said) => self.reader_says(said, &mut turn),
            Event::Delivery(why) => self.delivery_says(why, &mut turn),
            Event::Alone => self.is_alone = true,
        }
        let is_over = matches!(self.desk, Desk::Rests) && self.is_complete() && !self.is_open_ended;
        if is_over {
            self.finish(&mut turn);
        }
        turn.effects
    }

    fn begin(&mut self, turn: &mut Turn) {
        let open = self.seats.iter().flat_map(|seat| &seat.given).filter(|given| !given.is_over());
        turn.effects.extend(open.map(|given| Effect::Follow(given.id)));
        // Whoever was skipped comes again at the end: now it is the turn of the one who stands there.
        let behind = || self.last.iter().map(|(at, _)| at + 1).max().unwrap_or(0);
        self.next(self.begins_at.unwrap_or_else(behind).min(self.seats.len()), turn);
    }

    /// The turn of the first one to come, from this seat on and then from the first one.
    pub(super) fn next(&mut self, from: usize, turn: &mut Turn) {
        let is_due = |at: &usize| self.seats.get(*at).is_some_and(|seat| seat.state == SeatState::Due);
        match (from..self.seats.len()).chain(0..from).find(is_due) {
            Some(seat) => self.order(seat, turn),
            None => self.rest(),
        }
    }

    fn rest(&mut self) {
        self.desk = Desk::Rests;
        self.ask_on();
    }

    pub(super) fn order(&mut self, seat: usize, turn: &mut Turn) {
        self.asking = None;
        self.desk = Desk::Ordered(Order { id: turn.fresh, seat, question: None, hint: None, ahead: None });
        turn.effects.push(Effect::Order(turn.fresh, seat));
    }

    /// The turn of this seat; whoever has had theirs is only looked at.
    pub(super) fn turn_to(&mut self, seat: usize, turn: &mut Turn) {
        match self.seats.get(seat).map(|seat| seat.state == SeatState::Done) {
            Some(true) => self.desk = Desk::Looks(seat),
            Some(false) => self.order(seat, turn),
            None => self.next(0, turn),
        }
    }

    pub(super) fn then(&mut self, then: Then, from: usize, turn: &mut Turn) {
        match then {
            Then::Next => self.next(from + 1, turn),
            Then::To(seat) => self.turn_to(seat, turn),
            Then::Stop => self.finish(turn),
        }
    }

    pub(super) fn finish(&mut self, turn: &mut Turn) {
        self.desk = Desk::Over;
        turn.effects.push(Effect::Finish);
    }

    pub(super) fn set_aside(&mut self, seat: usize, why: String) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.state = SeatState::Aside(why);
        }
    }

    pub(super) fn name(&self, seat: usize) -> String {
        self.seats.get(seat).map(|seat| seat.row.called()).unwrap_or_default()
    }

    pub(super) fn given(&self, (seat, place): (usize, usize)) -> Option<&Given> {
        self.seats.get(seat)?.given.get(place)
    }

    pub(super) fn given_mut(&mut self, (seat, place): (usize, usize)) -> Option<&mut Given> {
        self.seats.get_mut(seat)?.given.get_mut(place)
    }

    /// True where nothing can be said yet of what became of this state.
    pub(super) const fn may_be_under_way(state: State) -> bool {
        matches!(state, State::Sending | State::InDoubt)
    }
}
