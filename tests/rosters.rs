//! A thousand random histories of taps, lifts, repeats and keys at a roster, over the real machine of the station, with every message
//! between the two late by as much as it likes: nobody ever gets another one's card, and nobody gets two unasked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/policy.rs"]
mod policy;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, LazyLock},
    time::Duration,
};

use cardbridge::{
    access::{Operation, check::IntegerWidth},
    decode::{catalog::SharedCatalog, dialect::Dialect},
    enroll::{
        enrollment::Order,
        origin::{Named, RosterRow},
        policy::SitePolicy,
    },
    outbox::{Entry, InTheWay, Next, ReadBack, Reassign, State, Step, Terms, reach::Reached, schedule::Work},
    protocols::Protocols,
    reader::{ReaderEvent, ReaderHints},
    roster::{Asks, Effect as Does, Event as Happens, Key, Question, Roster, Row, SeatEntry, Update},
    station::{
        Called, Effect, Event, Notice, Now, ReaderKind, ReaderSetup, Request, Scope, Setup, Stands, Station, What, WhichCard,
        notice::QuestionKind,
    },
};
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

const PEOPLE: usize = 5;

static KNOWN: LazyLock<(SharedCatalog, Arc<Dialect>)> = LazyLock::new(|| {
    let protocols = Protocols::built_in();
    (Arc::new(protocols.catalog(&["hid-h10301".to_owned()])), protocols.dialect("twn3-hidprox").unwrap().clone())
});

/// The frame of the card that is this person's: H10301, facility code 123.
fn frame(person: usize) -> Vec<u8> {
    let data = 123 << 16 | (1000 + u32::try_from(person).unwrap());
    let (even, odd) = ((data >> 12).count_ones() & 1, !(data & 0xFFF).count_ones() & 1);
    format!("1A{:08X}\r", (even << 25 | data << 1 | odd) << 6).into_bytes()
}

fn user(person: usize) -> Uuid {
    Uuid::from_u128(100 + person as u128)
}

/// A desk with everything that is on its way between its parts.
struct World {
    station: Station,
    roster: Roster,
    now: Now,
    disk: BTreeMap<Uuid, Entry>,
    keys: u128,
    to_station: VecDeque<Event>,
    to_roster: VecDeque<Happens>,
    /// The card that lies at the reader, whose it is.
    lies: Option<usize>,
    /// The card that was shown last.
    shown: Option<usize>,
    /// Frames come again while a card lies there.
    repeats: bool,
    /// A person has said yes to giving a card to another one.
    said_yes: bool,
    saved: Vec<Uuid>,
    run: Uuid,
}

impl World {
    fn new(proof: f64, repeats: bool) -> Self {
        let (catalog, dialect) = KNOWN.clone();
        let every = Duration::from_millis(250);
        let hints = ReaderHints { card_left: Some(every * 2), repeats: repeats.then_some(every), ..ReaderHints::default() };
        let (same_card, facility_codes) = (Some(Duration::from_secs(60)), vec![123]);
        let station = Station::new(Setup {
            catalog,
            scripts: Vec::new(),
            policy: SitePolicy { same_card, facility_codes, ..policy::h10301() },
            width: IntegerWidth::Bits32,
            proof,
            parallel: 2,
            readers: vec![ReaderSetup { name: "desk".to_owned(), kind: ReaderKind::Serial(dialect, hints), proof: None }],
            kiosk: None,
        });
        let row = |person: usize| Row { number: person + 2, user_id: user(person), name: format!("Person {person}"), ..Row::default() };
        let began = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let run = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, began.timestamp().unsigned_abs(), 0));
        let mut world = Self {
            station,
            roster: Roster::new((0..PEOPLE).map(row).collect(), Vec::new()),
            now: Now::from(began),
            disk: BTreeMap::new(),
            keys: 1_000,
            to_station: VecDeque::new(),
            to_roster: VecDeque::new(),
            lies: None,
            shown: None,
            repeats,
            said_yes: false,
            saved: Vec::new(),
            run,
        };
        world.station(Event::Reader("desk".into(), ReaderEvent::Up));
        world.station(Event::Deliver(Scope::All));
        world.passes(TimeDelta::seconds(5));
        world.roster(Happens::Begin);
        world
    }

    fn key(&mut self) -> Uuid {
        self.keys += 1;
        Uuid::from_u128(self.keys)
    }

    fn roster(&mut self, event: Happens) {
        let fresh = self.key();
        for does in self.roster.handle(event, fresh) {
            match does {
                Does::Order(id, seat) => {
                    let row = &self.roster.seats()[seat].row;
                    let roster = Some(RosterRow { run: self.run, file: "people.csv".to_owned(), row: row.number });
                    let person = Some(Named { name: row.name.clone(), employee_number: None, without_access: false });
                    let order = Box::new(Order { roster, person, ..Order::of(row.user_id) });
                    let card = WhichCard::Shown { reader: None, within: TimeDelta::days(1) };
                    let what = What::Enroll { order, card, reassign: Reassign::Never };
                    self.to_station.push_back(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
                }
                Does::Withdraw(id) => self.to_station.push_back(Event::Withdraw(id)),
                Does::Answer(id, number, answer) => self.to_station.push_back(Event::Answer(id, number, answer)),
                // As the API does both: a word on the entry as it stands, or why not.
                Does::Discard(id) if self.state(id) == State::Saved => {
                    self.disk.get_mut(&id).unwrap().add(self.now.wall, Step::Discarded { superseded_by: None });
                    self.to_station.push_back(Event::Settled(Box::new(self.disk[&id].clone())));
                }
                Does::Undo(id) if self.state(id) == State::Accepted => {
                    self.disk.get_mut(&id).unwrap().add(self.now.wall, Step::Undone { by: Uuid::from_u128(1) });
                    self.to_roster.push_back(Happens::Undone(id, Vec::new()));
                }
                Does::Discard(id) | Does::Undo(id) => self.to_roster.push_back(Happens::Refused(id, "not now".to_owned())),
                Does::Follow(_) | Does::Say(..) | Does::Ring(_) | Does::Finish => {}
            }
        }
    }

    fn state(&self, id: Uuid) -> State {
        self.disk[&id].progress().state
    }

    fn station(&mut self, event: Event) {
        for effect in self.station.handle(event, self.now) {
            match effect {
                Effect::Save(entry, terms) => {
                    let judged = self.judge(&entry, terms);
                    self.to_station.push_back(match judged {
                        Ok(None) => {
                            self.saved.push(entry.id);
                            self.disk.insert(entry.id, (*entry).clone());
                            Event::Saved(entry)
                        }
                        Ok(Some(_)) => panic!("nobody said that an older order is wrong"),
                        Err(other) => Event::InTheWay(entry.id, other),
                    });
                }
                Effect::Append(..) | Effect::Look(_) => panic!("nobody takes a card from its holder"),
                Effect::Deliver(Work::Step(id) | Work::Ask(id)) => {
                    let called = self.called(id);
                    self.to_station.push_back(Event::Called(Box::new(called)));
                }
                Effect::Seen(card, at) => {
                    for entry in self.disk.values_mut() {
                        if let Some(source) = entry.source.as_mut().filter(|source| source.card == card) {
                            source.seen_at = source.seen_at.max(at);
                        }
                    }
                }
                Effect::Tell(notice) => self.to_roster.extend(heard(&notice)),
                Effect::Command(..) | Effect::Again(_) | Effect::Keep(..) => {}
            }
        }
    }

    fn judge(&self, entry: &Entry, terms: Terms) -> Result<Option<Entry>, InTheWay> {
        let card = |entry: &Entry| entry.source.as_ref().map(|source| source.card.clone());
        let others: Vec<Entry> = self.disk.values().filter(|other| card(other) == card(entry)).cloned().collect();
        terms.judge(entry, others.into_iter())
    }

    fn called(&mut self, id: Uuid) -> Called {
        let (at, entry) = (self.now.wall, self.disk.get_mut(&id).unwrap());
        loop {
            match entry.due(at) {
                Next::Send { reassign } => {
                    entry.add(at, Step::Sending { reassign });
                    entry.add(at, Step::Answered(cardbridge::access::Outcome::Accepted(Default::default())));
                }
                Next::ReadBack => entry.add(at, Step::ReadBack(ReadBack::Unavailable { why: "nobody shows it".to_owned() })),
                Next::Reassign | Next::Wait(_) | Next::Person | Next::Done => break,
            }
        }
        Called { id, heard: vec![(Reached::Answered, None)], stands: Stands::As(Box::new(entry.clone())) }
    }

    fn passes(&mut self, time: TimeDelta) {
        self.now = Now { wall: self.now.wall + time, steady: self.now.steady + time };
        self.station(Event::Time);
    }

    fn bytes(&mut self, person: usize) {
        self.station(Event::Reader("desk".into(), ReaderEvent::Bytes(frame(person))));
    }

    /// Time passes; a card that lies there is said again and again.
    fn lets_pass(&mut self, mut time: TimeDelta) {
        while let Some(person) = self.lies.filter(|_| self.repeats && time > TimeDelta::milliseconds(250)) {
            self.passes(TimeDelta::milliseconds(250));
            self.bytes(person);
            time -= TimeDelta::milliseconds(250);
        }
        self.passes(time);
    }

    fn show(&mut self, person: usize) {
        (self.lies, self.shown) = (Some(person), Some(person));
        self.bytes(person);
    }

    /// One of what somebody at the desk, the reader, or the machine may do next.
    fn does(&mut self, what: u8) {
        let screen = self.roster.screen();
        match what {
            // Whoever is at the desk shows the card of the one whose name is there, and of nobody else.
            0..=49 => {
                let is_asked_for =
                    screen.say.contains("hold") || screen.say.contains("how the card once more") || screen.say.contains("another");
                if let Some(person) = screen.person.filter(|_| is_asked_for) {
                    self.lies = None;
                    self.lets_pass(TimeDelta::milliseconds(300));
                    self.show(person.place.0 - 1);
                }
            }
            // Or the last one once more by mistake.
            50..=64 => {
                if let Some(person) = self.shown {
                    self.lies = None;
                    self.lets_pass(TimeDelta::seconds(1));
                    self.show(person);
                }
            }
            65..=89 => self.lies = None,
            90..=109 => self.lets_pass(TimeDelta::milliseconds(400)),
            110..=119 => self.lets_pass(TimeDelta::seconds(5)),
            120..=122 => self.lets_pass(TimeDelta::seconds(70)),
            123..=179 => self.one_to_roster(),
            180..=229 => self.one_to_station(),
            230..=233 => self.roster(Happens::Key(Key::Skip)),
            234..=237 => self.roster(Happens::Key(Key::Back)),
            238..=241 => self.roster(Happens::Key(Key::Undo)),
            242..=244 => self.roster(Happens::Key(Key::Aside)),
            245..=247 => self.roster(Happens::Key(Key::Again)),
            248..=250 => self.roster(Happens::Key(Key::No)),
            _ => (0..20).for_each(|_| {
                self.one_to_station();
                self.one_to_roster();
            }),
        }
    }

    fn one_to_station(&mut self) {
        if let Some(event) = self.to_station.pop_front() {
            self.station(event);
        }
    }

    fn one_to_roster(&mut self) {
        if let Some(event) = self.to_roster.pop_front() {
            self.roster(event);
        }
    }

    fn settles(&mut self) {
        while !self.to_station.is_empty() || !self.to_roster.is_empty() {
            self.one_to_station();
            self.one_to_roster();
        }
    }

    /// Whose card each entry gives to whom.
    fn given(&self) -> Vec<(u64, usize)> {
        let given = self.saved.iter().map(|id| match &self.disk[id].operation {
            Operation::AddUserCard(call) => {
                (call.internal_card_number.unwrap() - 1000, usize::try_from(call.user_id.as_u128() - 100).unwrap())
            }
            _ => panic!("another call"),
        });
        given.collect()
    }
}

/// What a roster hears of a notice.
fn heard(notice: &Notice) -> Option<Happens> {
    let (id, heard) = match notice {
        Notice::Ready(_) => return Some(Happens::Ready(true)),
        Notice::Waiting { order, ahead, .. } => (*order, Update::Waiting((*ahead > 0).then(|| "somebody".to_owned()))),
        Notice::Asked(order, question) => {
            let kind = match question.kind {
                QuestionKind::SecondReading(..) => Asks::Card,
                QuestionKind::FirstSeen(..) => Asks::Print,
                QuestionKind::Choose(..) => Asks::Choice,
                QuestionKind::InTheWay(..) | QuestionKind::Holder(..) => Asks::YesOrNo,
            };
            let words = if kind == Asks::Card { "show the card once more" } else { "is it so?" }.to_owned();
            (*order, Update::Asked(Question { number: question.number, kind, words, choices: Vec::new() }))
        }
        Notice::NotEnrolled(order, why) => {
            (*order, Update::NotEnrolled("refused".to_owned(), format!("{why:?}").chars().take(9).collect()))
        }
        Notice::Entry(entry, _) => {
            let progress = entry.progress();
            let end = progress.is_settled().then(|| progress.state.name().to_owned());
            let seen = SeatEntry {
                state: progress.state,
                user_id: None,
                card: String::new(),
                evidence: String::new(),
                words: String::new(),
                description: None,
                saved_at: String::new(),
                end,
                is_undone: progress.undone_by.is_some(),
                opens_nothing: false,
                question: None,
            };
            (entry.id, Update::Entry(Box::new(seen)))
        }
        _ => return None,
    };
    Some(Happens::Update(id, heard))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn in_a_thousand_histories_nobody_gets_another_ones_card(history in prop::collection::vec(any::<u8>(), 1..150), how in 0..4) {
        let mut world = World::new(if how < 2 { 0.001 } else { 1.0 }, how % 2 == 0);
        for what in history {
            world.does(what);
            let wrong: Vec<(u64, usize)> = world.given().into_iter().filter(|(card, person)| *card != *person as u64).collect();
            prop_assert!(wrong.is_empty(), "the card of one for another: {wrong:?}");
        }
        world.settles();
        prop_assert!(world.given().into_iter().all(|(card, person)| card == person as u64));
    }
}

#[test]
fn whoever_shows_each_card_when_the_name_is_there_presses_no_key() {
    for (proof, repeats) in [(0.001, true), (0.001, false), (1.0, true), (1.0, false)] {
        let mut world = World::new(proof, repeats);
        world.settles();
        for person in 0..PEOPLE {
            assert_eq!(world.roster.screen().person.unwrap().place.0, person + 1);
            world.lies = None;
            world.lets_pass(TimeDelta::seconds(1));
            world.show(person);
            world.settles();
            // The card lies there for a while yet, and is the next one's for all that.
            world.lets_pass(TimeDelta::seconds(2));
            world.settles();
        }
        assert_eq!(world.given(), (0..PEOPLE).map(|person| (person as u64, person)).collect::<Vec<_>>());
        assert!(world.roster.is_complete(), "{:?}", world.roster.screen());
        assert!(!world.said_yes);
    }
}
