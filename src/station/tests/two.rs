//! A site with two readers: what happens at one of them says nothing about the other; and what a reader's lights say.

use super::{
    readers::{osdp, osdp_card, serial, with},
    *,
};
use crate::{enroll::origin::RosterRow, reader::OsdpCard, reader::Signal};

/// 31/337, as an OSDP reader says it.
fn second_card() -> ReaderEvent {
    ReaderEvent::OsdpCard(OsdpCard { reader: 0, format: 1, length: 26, bytes: vec![0x8F, 0x80, 0xA8, 0xC0], check_bits: 16 })
}

/// The first card with a bit turned round.
fn damaged_card() -> ReaderEvent {
    ReaderEvent::OsdpCard(OsdpCard { reader: 0, format: 1, length: 26, bytes: vec![0xFD, 0x88, 0xEB, 0x80], check_bits: 16 })
}

fn two_readers() -> World {
    let mut world = osdp();
    let ReaderSetup { kind, .. } = world.station.setup.readers[0].clone();
    world.station.setup.readers.push(ReaderSetup { name: "gate".to_owned(), kind, proof: None });
    world.station.health.push(health::ReaderHealth::of("gate"));
    world.station.setup.proof = 1e-9;
    world.at("gate", ReaderEvent::Up);
    world
}

impl World {
    fn at(&mut self, reader: &str, event: ReaderEvent) {
        self.passes(TimeDelta::seconds(1));
        self.happens(Event::Reader(reader.into(), event));
    }
}

#[test]
fn a_card_at_another_reader_neither_settles_nor_voids_what_is_asked_and_is_whoevers_who_waits_there() {
    let mut world = two_readers();
    world.order(1, true);
    world.at("desk", osdp_card());
    let asked = world.asked();
    assert!(matches!(&asked, Some((_, Question { kind: QuestionKind::SecondReading(..), .. }))), "{asked:?}");
    for card in [osdp_card(), second_card()] {
        world.at("gate", card);
        assert_eq!(world.asked(), asked, "{:?}", world.told.last());
    }
    let next = world.order(2, true);
    world.at("gate", second_card());
    assert!(world.asked().is_some_and(|(order, _)| order == next));
}

#[test]
fn whoever_has_their_turn_in_a_list_stands_at_all_readers_with_the_next_card() {
    let mut world = two_readers();
    let row = RosterRow { run: Uuid::from_u128(1), file: "monday.csv".to_owned(), row: 1 };
    let order = Box::new(Order { roster: Some(row), ..Order::of(Uuid::from_u128(1001)) });
    let what = What::Enroll { order, card: WhichCard::Shown { reader: None, within: TimeDelta::minutes(10) }, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(1), what, can_be_asked: true })));
    world.station.setup.proof = PROOF;
    world.at("desk", osdp_card());
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::FirstSeen(..), .. }))), "{:?}", world.asked());
    world.at("gate", second_card());
    let Some((_, Question { kind: QuestionKind::FirstSeen(reading, _), .. })) = world.asked() else { panic!("{:?}", world.asked()) };
    assert_eq!(reading.presentation.reader.as_deref(), Some("gate"));
}

#[test]
fn what_happens_at_one_reader_is_not_said_of_the_other() {
    let mut world = two_readers();
    world.at("gate", osdp_card());
    let cards = |world: &World| world.station.readers().iter().map(|reader| reader.cards).collect::<Vec<_>>();
    assert_eq!(cards(&world), [0, 1]);
    let before = world.station.readers()[0].clone();
    world.at("gate", ReaderEvent::Lost { why: "unplugged".to_owned() });
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Lost(name, why) if &**name == "gate" && why == "unplugged")));
    let up = world.station.readers().iter().map(|reader| reader.up).collect::<Vec<_>>();
    assert_eq!((up, world.station.readers()[0].clone()), (vec![true, false], before));
    world.order(1, false);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ready: true, .. })), "the other one is there: {:?}", world.told.last());
    world.at("desk", ReaderEvent::Lost { why: "unplugged".to_owned() });
    world.order(2, false);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ready: false, .. })), "{:?}", world.told.last());
}

#[test]
fn while_a_reader_is_being_opened_no_card_can_be_held_to_it_and_one_that_was_lost_is_not_said_to_be_ready() {
    let mut world = osdp();
    let hints = ReaderHints { card_left: Some(std::time::Duration::from_secs(2)), ..ReaderHints::default() };
    world.station.setup.readers[0].kind = ReaderKind::Osdp(hints);
    let ready = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::Ready(_))).count();
    world.told.clear();
    world.at("desk", ReaderEvent::Lost { why: "unplugged".to_owned() });
    world.at("desk", ReaderEvent::Up);
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Up(_))));
    world.order(1, false);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ready: false, .. })), "{:?}", world.told.last());
    world.at("desk", ReaderEvent::Lost { why: "unplugged".to_owned() });
    world.passes(TimeDelta::seconds(5));
    assert_eq!(ready(&world), 0);
    world.at("desk", ReaderEvent::Up);
    world.passes(TimeDelta::seconds(2));
    world.order(2, false);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ready: true, .. })) && ready(&world) == 1, "{:?}", world.told.last());
}

#[test]
fn the_light_says_refused_where_a_card_is_to_be_shown_again_or_stays_with_its_holder_and_not_for_an_order_given_up() {
    let lights = |world: &World| {
        let of = |(_, command): &(ReaderName, ReaderCommand)| match command {
            ReaderCommand::Signal(shown) => Some(*shown),
            _ => None,
        };
        world.commands.iter().filter_map(of).collect::<Vec<_>>()
    };
    let mut damaged = osdp();
    let order = Box::new(Order { waits_on: true, ..Order::of(Uuid::from_u128(1001)) });
    let shown = || WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) };
    let what = What::Enroll { order, card: shown(), reassign: Reassign::Never };
    damaged.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(1), what, can_be_asked: true })));
    damaged.at("desk", damaged_card());
    assert_eq!(lights(&damaged), [Signal::Read, Signal::Refused]);
    let mut held = osdp();
    let words = Some("Card Already Assigned : 1 Lovelace, Ada".to_owned());
    held.outcomes.push_back(Outcome::Refused(crate::access::Told { result_code: Some(2), description: words, ..Default::default() }));
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1001))), card: shown(), reassign: Reassign::Ask };
    held.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(1), what, can_be_asked: true })));
    held.at("desk", osdp_card());
    let Some(Notice::Entry(entry, Some(question))) = held.told.last().cloned() else { panic!("{:?}", held.told.last()) };
    assert_eq!(lights(&held), [Signal::Read, Signal::Saved], "somebody is asked");
    held.happens(Event::Answer(entry.id, question.number, Answer::No));
    assert_eq!(lights(&held).last(), Some(&Signal::Refused));
    let mut given_up = osdp();
    given_up.happens(Event::Deliver(Scope::Nothing));
    given_up.order(1, false);
    given_up.at("desk", osdp_card());
    let next = given_up.order(2, true);
    given_up.at("desk", osdp_card());
    let (_, question) = given_up.asked().unwrap();
    given_up.happens(Event::Answer(next, question.number, Answer::Yes));
    assert_eq!(lights(&given_up), [Signal::Read, Signal::Saved, Signal::Read, Signal::Saved], "the light is the newer order's");
    let discarded = given_up.disk[&next].clone().after([(given_up.now.wall, Step::Discarded { superseded_by: None })]);
    given_up.happens(Event::Settled(Box::new(discarded)));
    assert_eq!(lights(&given_up).last(), Some(&Signal::Refused), "a person gave it up");
}

#[test]
fn at_a_site_that_names_no_format_whatever_fits_is_one_of_its_cards() {
    let mut world = osdp();
    world.station.setup.policy = SitePolicy::default();
    world.at("desk", osdp_card());
    assert_eq!(world.station.readers()[0].lengths, BTreeMap::from([(26, health::Fitting { cards: 1, fit: 1 })]));
}

#[test]
fn how_sure_is_sure_is_said_of_each_reader_by_itself() {
    let mut world = two_readers();
    world.station.setup.readers[1].proof = Some(1.0);
    let (first, next) = (world.order(1, true), world.order(2, true));
    world.at("gate", osdp_card());
    world.at("desk", second_card());
    assert_eq!(world.state(first), Some(State::Accepted));
    assert!(world.asked().is_some_and(|(order, _)| order == next));
}

#[test]
fn a_card_that_could_not_be_read_and_a_reader_that_does_not_answer_are_told() {
    let failed = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::Failed(..))).count();
    let mut smart = with(ReaderKind::Pcsc(ReaderHints::default()));
    smart.at("desk", ReaderEvent::CardFailed { why: "it was lifted".to_owned() });
    assert_eq!(failed(&smart), 1);
    let mut silent = serial("twn4-simple");
    (0..60).for_each(|_| silent.passes(TimeDelta::seconds(1)));
    assert!(failed(&silent) > 0);
}

#[test]
fn a_card_that_lies_there_is_handed_on_each_time_its_reader_says_it_again() {
    let mut world = with(ReaderKind::Osdp(ReaderHints::default()));
    world.at("desk", ReaderEvent::Note("a word".to_owned()));
    world.passes(TimeDelta::seconds(2));
    let again = |world: &mut World| {
        let effects = world.station.handle(Event::Reader("desk".into(), osdp_card()), world.now);
        effects.iter().filter(|effect| matches!(effect, Effect::Again(_))).count()
    };
    assert_eq!([again(&mut world), again(&mut world), again(&mut world)], [0, 1, 1]);
}

#[test]
fn a_card_that_lies_at_another_reader_is_nothing_to_lift_for_whoever_waits_at_theirs() {
    let lies = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::LayThere(_))).count();
    let at = |reader: &str| {
        let mut world = with(ReaderKind::Pcsc(ReaderHints::default()));
        world.at("desk", ReaderEvent::CardIn { atr: vec![0x3B, 0x80, 0x80, 1, 1], device: "reader".to_owned(), lay_there: true });
        let order = Box::new(Order::of(Uuid::from_u128(1001)));
        let card = WhichCard::Shown { reader: Some(reader.to_owned()), within: TimeDelta::seconds(60) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(1), what, can_be_asked: true })));
        lies(&world)
    };
    assert_eq!((at("desk"), at("gate")), (1, 0));
    let mut world = with(ReaderKind::Osdp(ReaderHints { card_left: Some(std::time::Duration::from_secs(5)), ..ReaderHints::default() }));
    world.passes(TimeDelta::seconds(6));
    world.at("desk", osdp_card());
    let card = WhichCard::Shown { reader: Some("gate".to_owned()), within: TimeDelta::seconds(60) };
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1001))), card, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(1), what, can_be_asked: true })));
    (0..5).for_each(|_| world.at("desk", osdp_card()));
    assert_eq!(lies(&world), 0);
}

#[test]
fn two_taps_at_an_osdp_reader_are_two_readings_of_one_card() {
    let mut world = osdp();
    world.station.setup.proof = 1e-6;
    world.order(1, true);
    world.at("desk", osdp_card());
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::SecondReading(..), .. }))), "{:?}", world.asked());
    world.at("desk", osdp_card());
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::FirstSeen(..), .. }))), "{:?}", world.asked());
}
