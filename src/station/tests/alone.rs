//! Somebody who is alone at a kiosk, beside everybody else.

use super::{
    readers::{osdp, osdp_card},
    *,
};

/// An order at the kiosk.
fn at_kiosk(world: &mut World, number: u128) -> Uuid {
    let id = Uuid::from_u128(number);
    let order = Box::new(Order { alone: true, ..Order::of(Uuid::from_u128(1000 + number)) });
    let card = WhichCard::Shown { reader: Some("desk".to_owned()), within: TimeDelta::minutes(15) };
    let what = What::Enroll { order, card, reassign: Reassign::Ask };
    world.happens(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
    id
}

#[test]
fn a_card_at_a_kiosk_is_for_the_visitor_there_and_for_nobody_who_waits_at_all_readers() {
    let mut world = world_with(1.0, Some("desk"), Vec::new());
    let at_desk = world.order(1, true);
    let Some(Notice::Waiting { ready, .. }) = world.told.last() else { panic!() };
    assert!(!ready, "the kiosk's reader is none of theirs");
    let visitor = at_kiosk(&mut world, 2);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ahead: 0, ready: true, .. })), "{:?}", world.told.last());
    world.bytes(FIRST);
    assert_eq!((world.state(at_desk), world.state(visitor)), (None, Some(State::Accepted)));
    world.bytes(SECOND);
    assert_eq!(world.disk.len(), 1, "nobody else's");
    let named = Uuid::from_u128(3);
    let card = WhichCard::Shown { reader: Some("desk".to_owned()), within: TimeDelta::seconds(60) };
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1003))), card, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: named, what, can_be_asked: true })));
    world.bytes(SECOND);
    assert_eq!(world.state(named), Some(State::Accepted), "whoever names the reader has it");
}

#[test]
fn a_visitor_whose_card_is_given_at_a_desk_in_the_same_moment_gets_no_second_one_at_the_kiosk() {
    let mut world = world_with(1.0, Some("desk"), Vec::new());
    let visitor = at_kiosk(&mut world, 1);
    world.outcomes.extend(vec![Outcome::Away { why: "cut".to_owned() }; 4]);
    let at_desk = Uuid::from_u128(2);
    let card = WhichCard::Existing(Uuid::from_u128(7));
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1001))), card, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: at_desk, what, can_be_asked: false })));
    world.bytes(FIRST);
    assert_eq!((world.state(at_desk), world.state(visitor)), (Some(State::Saved), None));
    assert_eq!(world.ended(visitor), Some(&Ended::Withdrawn));
}

#[test]
fn a_visitor_whose_card_is_being_written_down_at_a_desk_gets_no_second_one_and_somebody_elses_card_stops_nobody() {
    for (user, is_served) in [(1001, true), (1009, false)] {
        let mut world = world_with(1.0, Some("desk"), Vec::new());
        let visitor = at_kiosk(&mut world, 1);
        let (order, card) = (Box::new(Order::of(Uuid::from_u128(user))), WhichCard::Existing(Uuid::from_u128(7)));
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        world.station.handle(Event::Order(Box::new(Request { id: Uuid::from_u128(2), what, can_be_asked: false })), world.now);
        world.bytes(FIRST);
        assert_eq!((world.ended(visitor).is_some(), world.state(visitor).is_none()), (is_served, is_served));
    }
}

#[test]
fn whoever_was_sent_to_the_front_desk_gets_no_card_that_is_shown_at_the_kiosk_later() {
    let mut world = world_with(PROOF, Some("desk"), Vec::new());
    let first = at_kiosk(&mut world, 1);
    world.bytes(FIRST);
    world.bytes(FIRST);
    let Some((_, question @ Question { kind: QuestionKind::FirstSeen(..), .. })) = world.asked() else { panic!("{:?}", world.asked()) };
    // The next visitor comes while the front desk is asked, and nobody stands before them.
    let second = at_kiosk(&mut world, 2);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ahead: 0, .. })), "{:?}", world.told.last());
    world.bytes(SECOND);
    world.bytes(SECOND);
    assert_eq!(world.disk.len(), 0);
    world.happens(Event::Answer(first, question.number, Answer::Printed("4567".to_owned())));
    assert_eq!((world.state(first), world.state(second)), (Some(State::Accepted), None));
    assert_eq!(world.disk[&first].origin.card.as_ref().unwrap().credential.number("card_number"), Some(4567));
}

/// A site that uses two formats which both read the first card.
pub(super) fn torn_between_two(mut world: World) -> World {
    let formats = ["hid-h10301".to_owned(), "indala-26".to_owned()];
    world.station.setup.catalog = Arc::new(Protocols::built_in().catalog(&formats));
    let policy = &mut world.station.setup.policy;
    policy.formats = formats.to_vec();
    policy.card_types[0].formats = formats.to_vec();
    world
}

#[test]
fn a_tie_at_a_desk_is_asked_about_at_once_and_stays_asked_until_one_of_its_choices_is_named() {
    let mut world = torn_between_two(world(PROOF));
    // It could be a PIN, too, which is none of the choices.
    let frame = b"1A188CB200\r";
    let id = world.order(1, true);
    world.bytes(frame);
    let Some((_, Question { kind: QuestionKind::Choose(reading, choices), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    let not_offered = (0..reading.fits.len()).find(|at| !choices.contains(at)).unwrap();
    world.happens(Event::Answer(id, number, Answer::Choice(not_offered)));
    let Some((_, Question { kind: QuestionKind::Choose(..), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    assert_eq!(world.ended(id), None);
    world.happens(Event::Answer(id, number, Answer::Choice(choices[0])));
    world.bytes(frame);
    assert_eq!(world.state(id), Some(State::Accepted), "{:?} {:?}", world.ended(id), world.asked());
}

#[test]
fn a_tie_at_a_kiosk_is_read_twice_before_the_front_desk_is_asked() {
    let mut world = torn_between_two(world_with(PROOF, Some("desk"), Vec::new()));
    let id = at_kiosk(&mut world, 1);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::SecondReading(..), .. }))), "{:?}", world.asked());
    world.bytes(FIRST);
    let Some((_, Question { kind: QuestionKind::Choose(_, choices), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    world.happens(Event::Answer(id, number, Answer::Choice(choices[0])));
    assert_eq!(world.state(id), Some(State::Accepted), "{:?} {:?}", world.ended(id), world.asked());
}

#[test]
fn a_visitor_who_shows_another_card_while_the_first_is_to_be_read_again_is_asked_for_that_one() {
    let mut world = world_with(PROOF, Some("desk"), Vec::new());
    let id = at_kiosk(&mut world, 1);
    world.bytes(FIRST);
    world.bytes(SECOND);
    let Some((order, Question { kind: QuestionKind::SecondReading(reading, _), .. })) = world.asked() else {
        panic!("{:?}", world.asked())
    };
    let number = reading.chosen().and_then(|fit| fit.credential.number("card_number"));
    assert_eq!((order, number, world.ended(id)), (id, Some(337), None));
}

#[test]
fn a_visitor_for_whom_somebody_only_waits_elsewhere_gets_the_card_at_the_kiosk() {
    let mut world = world_with(1.0, Some("desk"), Vec::new());
    let what = What::Enroll {
        order: Box::new(Order::of(Uuid::from_u128(1001))),
        card: WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) },
        reassign: Reassign::Never,
    };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(9), what, can_be_asked: false })));
    let visitor = at_kiosk(&mut world, 1);
    world.bytes(FIRST);
    assert_eq!(world.state(visitor), Some(State::Accepted), "{:?}", world.ended(visitor));
}

#[test]
fn whoever_comes_after_a_visitor_at_the_kiosk_and_waits_elsewhere_has_nobody_before_them() {
    let mut world = world_with(1.0, Some("desk"), Vec::new());
    at_kiosk(&mut world, 1);
    world.order(2, true);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ahead: 0, .. })), "{:?}", world.told.last());
}

#[test]
fn a_tie_at_a_kiosk_whose_reader_checks_what_it_says_is_asked_about_at_once() {
    let mut world = torn_between_two(osdp());
    (world.station.setup.proof, world.station.setup.kiosk) = (PROOF, Some("desk".to_owned()));
    at_kiosk(&mut world, 1);
    world.passes(TimeDelta::seconds(1));
    world.happens(Event::Reader("desk".into(), osdp_card()));
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::Choose(..), .. }))), "{:?}", world.asked());
}

#[test]
fn whoever_was_sent_to_the_front_desk_can_be_asked_there_what_else_is_in_the_way() {
    let mut world = torn_between_two(world_with(1.0, Some("desk"), Vec::new()));
    world.happens(Event::Deliver(Scope::Nothing));
    let chooses = |world: &mut World| {
        let Some((order, Question { kind: QuestionKind::Choose(_, choices), number })) = world.asked() else {
            panic!("{:?}", world.asked())
        };
        world.happens(Event::Answer(order, number, Answer::Choice(choices[0])));
    };
    let card = WhichCard::Shown { reader: Some("desk".to_owned()), within: TimeDelta::seconds(60) };
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1009))), card, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(9), what, can_be_asked: true })));
    world.bytes(FIRST);
    chooses(&mut world);
    let visitor = at_kiosk(&mut world, 1);
    world.bytes(FIRST);
    chooses(&mut world);
    let Some((order, Question { kind: QuestionKind::InTheWay(..), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    assert_eq!((order, world.ended(visitor)), (visitor, None));
    world.happens(Event::Answer(visitor, number, Answer::Yes));
    assert_eq!(world.state(visitor), Some(State::Saved));
}
