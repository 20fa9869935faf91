//! Visits at a kiosk, turned by hand: the kiosk's own machine and the station's, a disk, a BluSKY that does what a test says.

mod visits;

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;

use super::*;
use crate::{
    access::{Outcome, Told},
    enroll::{enrollment::Order, evidence::PROOF},
    outbox::{Reassign, Step},
    reader::ReaderEvent,
    station::{
        Answer, Event as Happens, Notice, Question, Request, Scope, What, WhichCard,
        notice::QuestionKind,
        tests::{World, world_with},
    },
};

const TIMEOUT: TimeDelta = TimeDelta::seconds(45);

/// A lobby: the kiosk, the station behind it, and who has a card as far as BluSKY can say.
struct Lobby {
    world: World,
    kiosk: Kiosk,
    /// Which code finds whom.
    codes: BTreeMap<String, Uuid>,
    has: Has,
    heard: usize,
    fresh: u128,
    /// What was asked of the front desk and not answered.
    questions: Vec<(Uuid, Question)>,
    /// The cards that were shown while the page named somebody, each with whom.
    shown: Vec<(Uuid, u32)>,
}

fn frame(number: u32) -> Vec<u8> {
    let data = 123 << 16 | number;
    let (even, odd) = ((data >> 12_u32).count_ones() & 1, !(data & 0xFFF_u32).count_ones() & 1);
    format!("1A{:08X}\r", (even << 25 | data << 1 | odd) << 6).into_bytes()
}

impl Lobby {
    fn open(proof: f64, facility_codes: Vec<u64>) -> Self {
        let mut lobby = Self {
            world: world_with(proof, Some("desk"), facility_codes),
            kiosk: Kiosk::new("desk", TIMEOUT),
            codes: (1..=9).map(|number: u128| (format!("code{number}"), Uuid::from_u128(1000 + number))).collect(),
            has: Has::None,
            heard: 0,
            fresh: 1,
            questions: Vec::new(),
            shown: Vec::new(),
        };
        lobby.happens(Event::Recorded);
        lobby.happens(Event::CanFind(true));
        lobby.world.passes(TimeDelta::seconds(1));
        lobby.goes_on();
        lobby
    }

    fn happens(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        loop {
            while let Some(event) = events.pop_front() {
                self.fresh += 1;
                for effect in self.kiosk.handle(event, self.world.now.steady, Uuid::from_u128(self.fresh)) {
                    events.extend(self.carry_out(effect));
                }
            }
            let Some(notice) = self.world.told.get(self.heard).cloned() else { break };
            self.heard += 1;
            self.at_front_desk(&notice);
            events.push_back(Event::Told(Box::new(notice)));
        }
        let is_idle = *self.kiosk.stage() == Stage::Start;
        assert!(is_idle || self.kiosk.deadline(self.world.now.steady).is_some(), "a dead screen: {:?}", self.kiosk);
        assert!(
            !is_idle || (self.kiosk.called().is_none() && self.kiosk.language().is_none()),
            "the last visitor is left: {:?}",
            self.kiosk
        );
    }

    fn at_front_desk(&mut self, notice: &Notice) {
        if let Some(order) = notice.order() {
            self.questions.retain(|(asked, _)| *asked != order);
        }
        match notice {
            Notice::Asked(order, question) if !matches!(question.kind, QuestionKind::SecondReading(..)) => {
                self.questions.push((*order, (**question).clone()));
            }
            Notice::Entry(entry, Some(question)) => self.questions.push((entry.id, (**question).clone())),
            _ => {}
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Find(visit, code) => {
                let user = self.codes.get(&code).copied();
                Some(Event::Found(visit, user.map(|user| Visitor { user, called: format!("User {user}") })))
            }
            Effect::Look(visit, _) => Some(Event::Looked(visit, self.has)),
            Effect::Order(id, user) => {
                let order = Box::new(Order { alone: true, ..Order::of(user) });
                let card = WhichCard::Shown { reader: Some("desk".to_owned()), within: ORDER_STANDS };
                let what = What::Enroll { order, card, reassign: Reassign::Ask };
                self.world.happens(Happens::Order(Box::new(Request { id, what, can_be_asked: true })));
                None
            }
            Effect::Withdraw(id) => {
                self.world.happens(Happens::Withdraw(id));
                None
            }
        }
    }

    /// What the station told is heard.
    fn goes_on(&mut self) {
        self.happens(Event::Time);
    }

    fn presses(&mut self, press: Press) {
        self.happens(Event::Pressed(self.kiosk.visit(), press));
    }

    fn enters(&mut self, code: &str) {
        self.presses(Press::Language("en".to_owned()));
        self.presses(Press::Code(code.to_owned()));
    }

    fn passes(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.world.passes(TimeDelta::seconds(1));
            self.goes_on();
        }
    }

    fn shows(&mut self, number: u32) {
        self.passes(1);
        if let (Stage::Show { .. }, Some(visitor)) = (self.kiosk.stage(), &self.kiosk.visitor) {
            self.shown.push((visitor.user, number));
        }
        self.world.happens(Happens::Reader("desk".into(), ReaderEvent::Bytes(frame(number))));
        self.goes_on();
    }

    fn note(&self) -> Option<Note> {
        if let Stage::Show { note, .. } = self.kiosk.stage() { *note } else { None }
    }
}

#[test]
fn a_visit_is_a_language_a_code_and_a_tap_and_nothing_of_it_is_left() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    assert!(lobby.kiosk.is_open());
    lobby.enters("code1");
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: true, is_second: false, .. }), "{:?}", lobby.kiosk);
    lobby.shows(4567);
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Accepted));
    lobby.passes(10);
    assert_eq!(lobby.kiosk.stage(), &Stage::Start);
    // The same person again has a card, and the next one is another.
    lobby.enters("code1");
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Already));
    lobby.presses(Press::Leave);
    lobby.enters("code2");
    lobby.shows(4568);
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Accepted));
    let given: Vec<_> = lobby.world.disk.values().map(|entry| entry.operation.user().unwrap()).collect();
    assert_eq!(given, [Uuid::from_u128(1001), Uuid::from_u128(1002)]);
}

#[test]
fn whoever_may_have_a_card_is_sent_to_the_front_desk_and_no_card_is_waited_for() {
    for (has, why) in [(Has::Card, Why::HasCard), (Has::Unknown, Why::Unknown)] {
        let mut lobby = Lobby::open(1.0, Vec::new());
        lobby.has = has;
        lobby.enters("code1");
        assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(why));
        lobby.shows(4567);
        assert!(lobby.world.disk.is_empty());
    }
}

#[test]
fn after_a_few_wrong_codes_no_code_is_taken_for_a_while_not_even_a_right_one() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    lobby.presses(Press::Language("en".to_owned()));
    let mut waited = 0;
    for _ in 0..10 {
        lobby.presses(Press::Code("nobody".to_owned()));
        while let Stage::Code { pause: Some(seconds), is_wrong } = lobby.kiosk.stage().clone() {
            assert!(is_wrong && seconds > 0);
            lobby.presses(Press::Code("code1".to_owned()));
            assert!(matches!(lobby.kiosk.stage(), Stage::Code { pause: Some(_), .. }), "{:?}", lobby.kiosk);
            lobby.passes(1);
            waited += 1;
        }
    }
    assert!((500..600).contains(&waited), "{waited} s");
    assert_eq!(lobby.kiosk.stage(), &Stage::Code { is_wrong: true, pause: None });
    // The next visitor's right code is taken, and a machine that goes on after it waits as long.
    lobby.presses(Press::Leave);
    lobby.enters("code1");
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { .. }));
    lobby.presses(Press::Leave);
    lobby.enters("nobody");
    assert!(matches!(lobby.kiosk.stage(), Stage::Code { pause: Some(200..), .. }), "{:?}", lobby.kiosk);
}

#[test]
fn it_asks_whether_somebody_is_there_and_goes_back_to_its_start_where_nobody_is() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    lobby.enters("code1");
    for _ in 0..12 {
        lobby.passes(26);
        assert!(lobby.kiosk.asks(), "{:?}", lobby.kiosk);
        lobby.presses(Press::Stay);
        assert!(!lobby.kiosk.asks() && matches!(lobby.kiosk.stage(), Stage::Show { .. }));
    }
    lobby.passes(45);
    assert_eq!(lobby.kiosk.stage(), &Stage::Start);
    // The card of whoever comes too late is nobody's.
    lobby.shows(4567);
    assert!(lobby.world.disk.is_empty());
    // What is pressed on a page of the visit before does nothing.
    lobby.happens(Event::Pressed(lobby.kiosk.visit() - 1, Press::Language("en".to_owned())));
    assert_eq!(lobby.kiosk.stage(), &Stage::Start);
}

#[test]
fn a_first_facility_code_goes_to_the_front_desk_and_the_next_visitor_is_not_kept_waiting() {
    let mut lobby = Lobby::open(PROOF, Vec::new());
    lobby.enters("code1");
    lobby.shows(4567);
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { is_second: true, .. }), "{:?}", lobby.kiosk);
    lobby.shows(4567);
    assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Asked));
    lobby.presses(Press::Leave);
    lobby.enters("code1");
    assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Asked), "it is still asked");
    lobby.presses(Press::Leave);
    lobby.enters("code2");
    lobby.shows(4568);
    lobby.shows(4568);
    let (order, question) = lobby.questions[0].clone();
    lobby.world.happens(Happens::Answer(order, question.number, Answer::Printed("4567".to_owned())));
    lobby.goes_on();
    assert_eq!(lobby.world.disk[&order].operation.user(), Some(Uuid::from_u128(1001)));
    // An answer that nobody gives is none, and the visitor can come again.
    lobby.passes(16 * 60);
    lobby.enters("code2");
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { .. }), "{:?}", lobby.kiosk);
}

#[test]
fn a_card_that_somebody_holds_stays_theirs_until_the_front_desk_says_otherwise() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    let held = Told { result_code: Some(5), description: Some("Card Already Assigned : 1 Lovelace, Ada".to_owned()), ..Told::default() };
    lobby.world.outcomes.push_back(Outcome::Refused(held));
    lobby.enters("code1");
    lobby.shows(4567);
    assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Refused));
    assert!(lobby.world.disk.values().all(|entry| !entry.steps().iter().any(|(_, step)| matches!(step, Step::Sending { reassign: true }))));
    assert!(matches!(lobby.questions.as_slice(), [(_, Question { kind: QuestionKind::Holder(..), .. })]), "{:?}", lobby.questions);
    // With a card of their own they are served.
    lobby.presses(Press::Leave);
    lobby.enters("code1");
    lobby.shows(4568);
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Accepted));
}

#[test]
fn a_damaged_card_is_shown_again_and_not_for_ever() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    lobby.enters("code1");
    for _ in 0..MOST_CARDS - 1 {
        lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Bytes(b"1ABD88EBC0\r".to_vec())));
        lobby.goes_on();
        assert_eq!(lobby.note(), Some(Note::Damaged), "{:?}", lobby.kiosk);
        lobby.passes(1);
    }
    lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Bytes(b"1ABD88EBC0\r".to_vec())));
    lobby.goes_on();
    assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Card));
}

#[test]
fn a_kiosk_whose_reader_or_store_is_away_says_so_and_comes_back_by_itself() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    let lose = |lobby: &mut Lobby| {
        lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Lost { why: "unplugged".to_owned() }));
        lobby.goes_on();
    };
    let find = |lobby: &mut Lobby| {
        lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Up));
        lobby.passes(2);
    };
    lose(&mut lobby);
    assert!(!lobby.kiosk.is_open());
    lobby.presses(Press::Language("en".to_owned()));
    assert_eq!(lobby.kiosk.stage(), &Stage::Start);
    find(&mut lobby);
    lobby.enters("code1");
    lose(&mut lobby);
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: false, .. }));
    find(&mut lobby);
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: true, .. }));
    lose(&mut lobby);
    lobby.passes(16);
    assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Fault));
    find(&mut lobby);
    lobby.happens(Event::Told(Box::new(Notice::StoreGone(Some("pulled out".to_owned())))));
    assert!(!lobby.kiosk.is_open());
    lobby.happens(Event::Told(Box::new(Notice::StoreGone(None))));
    assert!(lobby.kiosk.is_open());
}

#[test]
fn a_visitor_is_not_asked_for_a_card_that_somebody_at_a_desk_would_get() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    let at_desk = Uuid::from_u128(99);
    let card = WhichCard::Shown { reader: Some("desk".to_owned()), within: TimeDelta::seconds(60) };
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1099))), card, reassign: Reassign::Never };
    lobby.world.happens(Happens::Order(Box::new(Request { id: at_desk, what, can_be_asked: true })));
    lobby.enters("code1");
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: false, .. }), "{:?}", lobby.kiosk);
    lobby.world.happens(Happens::Withdraw(at_desk));
    lobby.goes_on();
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: true, .. }), "{:?}", lobby.kiosk);
    lobby.shows(4567);
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Accepted));
}

#[test]
fn while_blusky_is_away_saved_is_enough() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    lobby.world.happens(Happens::Deliver(Scope::Nothing));
    lobby.enters("code1");
    lobby.shows(4567);
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Saved));
    let entry = *lobby.world.disk.keys().next().unwrap();
    lobby.happens(Event::Told(Box::new(Notice::Postponed(entry, None))));
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::SavedForLater));
    lobby.world.happens(Happens::Deliver(Scope::All));
    lobby.goes_on();
    assert_eq!(lobby.kiosk.stage(), &Stage::Done(Done::Accepted), "it came back while the visitor stood there");
}

#[test]
fn while_blusky_is_away_for_an_hour_visitors_are_served_and_everything_is_delivered_once_it_is_back() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    lobby.codes = (0..60).map(|number: u128| (format!("code{number}"), Uuid::from_u128(1000 + number))).collect();
    lobby.world.outcomes = std::iter::repeat_n(Outcome::Away { why: "no route".to_owned() }, 10_000).collect();
    for minute in 0..60 {
        // Of every third one nobody can say whether they have a card: BluSKY's list is kept, and they are not in it.
        lobby.has = if minute % 3 == 2 { Has::Unknown } else { Has::None };
        lobby.enters(&format!("code{minute}"));
        if minute % 3 == 2 {
            assert_eq!(lobby.kiosk.stage(), &Stage::FrontDesk(Why::Unknown), "minute {minute}");
        } else {
            assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: true, .. }), "minute {minute}: {:?}", lobby.kiosk);
            lobby.shows(4000 + minute);
            let is_saved = matches!(lobby.kiosk.stage(), Stage::Done(Done::Saved | Done::SavedForLater));
            assert!(is_saved, "minute {minute}: {:?}", lobby.kiosk);
        }
        lobby.passes(58);
        assert!(*lobby.kiosk.stage() == Stage::Start && lobby.kiosk.is_open(), "minute {minute}: {:?}", lobby.kiosk);
    }
    assert_eq!(lobby.world.disk.len(), 40);
    assert!(lobby.world.disk.values().all(|entry| entry.progress().state == State::Saved));
    lobby.world.outcomes.clear();
    lobby.passes(90);
    assert!(lobby.world.disk.values().all(|entry| entry.progress().state == State::Accepted), "delivered within the longest pause");
    let holders: std::collections::BTreeSet<_> = lobby.world.disk.values().map(|entry| entry.operation.user()).collect();
    assert_eq!(holders.len(), 40, "a card each");
}

#[test]
fn nobody_is_asked_for_a_card_before_the_station_has_their_order() {
    let mut lobby = Lobby::open(1.0, Vec::new());
    let (now, visit, order) = (lobby.world.now.steady, lobby.kiosk.visit(), Uuid::from_u128(5));
    lobby.presses(Press::Language("en".to_owned()));
    let visitor = Visitor { user: Uuid::from_u128(1001), called: "Ada L.".to_owned() };
    for event in
        [Event::Pressed(visit, Press::Code("code1".to_owned())), Event::Found(visit, Some(visitor)), Event::Looked(visit, Has::None)]
    {
        lobby.kiosk.handle(event, now, order);
    }
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: false, .. }) && !lobby.kiosk.has_order(), "{:?}", lobby.kiosk);
    let waits = Notice::Waiting { order, person: None, ahead: 0, first: None, ready: true };
    lobby.kiosk.handle(Event::Told(Box::new(waits)), now, Uuid::nil());
    assert!(matches!(lobby.kiosk.stage(), Stage::Show { ready: true, .. }) && lobby.kiosk.has_order(), "{:?}", lobby.kiosk);
}
