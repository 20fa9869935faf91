//! What is asked before a card is somebody's.

use super::*;
use crate::{access::Told, outbox::Given, station::notice::Asked};

#[test]
fn what_nothing_proves_is_read_twice_and_a_person_says_what_it_is() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((order, Question { kind: QuestionKind::SecondReading(..), .. })) if order == id));
    // Another card begins anew.
    world.bytes(SECOND);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::SecondReading(..), .. }))));
    world.bytes(FIRST);
    let Some((_, question @ Question { kind: QuestionKind::FirstSeen(..), .. })) = world.asked() else { panic!("{:?}", world.asked()) };
    assert!(world.disk.is_empty());
    // An answer to another question is none.
    world.happens(Event::Answer(id, question.number + 1, Answer::Yes));
    assert!(world.disk.is_empty());
    world.happens(Event::Answer(id, question.number, Answer::Printed("4567".to_owned())));
    assert_eq!(world.state(id), Some(State::Accepted));
    let evidence: Vec<&str> = world.disk[&id].origin.evidence.iter().map(|evidence| evidence.what.name()).collect();
    assert_eq!(evidence, ["checks", "read_twice", "printed"]);
    // The next one with this facility code is read twice and asked no more.
    let next = world.order(2, false);
    world.bytes(b"1ABD88EB80\r");
    world.bytes(b"1ABD88EB80\r");
    assert_eq!(world.state(next), Some(State::Accepted), "{:?}", world.ended(next));
}

#[test]
fn a_reader_that_repeats_its_card_answers_before_the_person_is_asked() {
    let asked = |repeats_after: i64| {
        let mut world = world(PROOF);
        let every = std::time::Duration::from_millis(200);
        if let Some(ReaderSetup { kind: ReaderKind::Serial(_, hints), .. }) = world.station.setup.readers.first_mut() {
            (hints.repeats, hints.card_left) = (Some(every), Some(every * 3));
        }
        world.happens(Event::Reader("desk".into(), ReaderEvent::Up));
        world.passes(TimeDelta::seconds(1));
        world.order(1, true);
        world.bytes(FIRST);
        world.passes(TimeDelta::milliseconds(repeats_after));
        world.happens(Event::Reader("desk".into(), ReaderEvent::Bytes(FIRST.to_vec())));
        let kinds = world.told.iter().filter_map(|notice| match notice {
            Notice::Asked(_, question) => Some(question.kind.asked()),
            _ => None,
        });
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(asked(200), [Asked::FirstSeen], "it was read twice with one tap");
    assert_eq!(asked(900), [Asked::SecondReading, Asked::FirstSeen]);
}

#[test]
fn where_nobody_can_be_asked_a_first_card_is_not_enrolled() {
    let mut world = world(PROOF);
    let id = world.order(1, false);
    world.bytes(FIRST);
    world.bytes(FIRST);
    assert!(matches!(world.ended(id), Some(Ended::Unproven(..))), "{:?}", world.ended(id));
    let waits = world.order(2, false);
    world.bytes(FIRST);
    world.passes(TimeDelta::seconds(61));
    assert!(matches!(world.ended(waits), Some(Ended::Unproven(..))), "no second reading came");
    assert!(world.disk.is_empty());
}

#[test]
fn a_card_that_waits_unsent_for_somebody_goes_to_somebody_else_only_where_a_person_says_so() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let [first, unasked, asked] = [1, 2, 3].map(|number| {
        let id = world.order(number, number == 3);
        world.bytes(FIRST);
        id
    });
    assert_eq!((world.state(first), world.state(unasked)), (Some(State::Saved), None));
    assert!(
        matches!(world.ended(unasked), Some(Ended::InTheWay(InTheWay::Ordered(given))) if given.entry == first),
        "{:?}",
        world.ended(unasked)
    );
    let Some((_, Question { kind: QuestionKind::InTheWay(InTheWay::Ordered(given), _), number })) = world.asked() else {
        panic!("{:?}", world.asked())
    };
    assert_eq!((given.entry, world.disk.len()), (first, 1), "nothing is written down before the answer");
    world.happens(Event::Answer(asked, number, Answer::Yes));
    assert_eq!(world.disk[&first].progress().superseded_by, Some(asked));
    world.happens(Event::Deliver(Scope::All));
    assert_eq!((world.state(first), world.state(asked)), (Some(State::Discarded), Some(State::Accepted)));
    assert_eq!(world.calls.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [asked], "the older one is never sent");
}

/// A card that no reader shows: a literal, or one that BluSKY has already.
fn without_a_reader(world: &mut World, number: u128, is_existing: bool) -> Uuid {
    let literal = || WhichCard::Named(Box::new(Presentation::of_literal(&"{26}BD88EB80".parse().unwrap())));
    let card = if is_existing { WhichCard::Existing(Uuid::from_u128(7)) } else { literal() };
    let what = What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1000 + number))), card, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(number), what, can_be_asked: true })));
    Uuid::from_u128(number)
}

#[test]
fn a_question_about_a_card_without_a_reader_that_nobody_answers_ends_the_order_and_the_older_one_stays() {
    for is_existing in [false, true] {
        let mut world = world(1.0);
        world.happens(Event::Deliver(Scope::Nothing));
        let [first, second] = [1, 2].map(|number| without_a_reader(&mut world, number, is_existing));
        assert!(world.asked().is_some_and(|(order, _)| order == second));
        world.passes(TimeDelta::seconds(61));
        assert!(
            matches!(world.ended(second), Some(Ended::InTheWay(InTheWay::Ordered(given))) if given.entry == first),
            "{:?}",
            world.ended(second)
        );
        assert_eq!((world.state(first), world.state(second)), (Some(State::Saved), None));
    }
}

#[test]
fn an_existing_card_that_waits_unsent_for_somebody_goes_to_somebody_else_once_a_person_says_so() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let [first, second] = [1, 2].map(|number| without_a_reader(&mut world, number, true));
    let Some((_, Question { kind: QuestionKind::InTheWay(..), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    world.happens(Event::Answer(second, number, Answer::Yes));
    assert_eq!((world.disk[&first].progress().superseded_by, world.state(second)), (Some(second), Some(State::Saved)));
}

#[test]
fn a_no_to_whether_a_card_is_taken_from_its_holder_is_told_and_a_later_yes_changes_nothing() {
    let mut world = world(1.0);
    let held = "Card Already Assigned : 1 Lovelace, Ada".to_owned();
    world.outcomes.push_back(Outcome::Refused(Told { result_code: Some(2), description: Some(held), ..Told::default() }));
    let (id, order) = (Uuid::from_u128(1), Box::new(Order::of(Uuid::from_u128(1001))));
    let what = What::Enroll { order, card: WhichCard::Existing(Uuid::from_u128(7)), reassign: Reassign::Ask };
    world.happens(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
    let Some(Notice::Entry(_, Some(question))) = world.told.last().cloned() else { panic!("{:?}", world.told) };
    world.happens(Event::Answer(id, question.number, Answer::No));
    assert!(matches!(world.told.last(), Some(Notice::Entry(entry, None)) if entry.id == id), "{:?}", world.told.last());
    world.happens(Event::Answer(id, question.number, Answer::Yes));
    assert_eq!((world.state(id), world.calls.len()), (Some(State::Refused), 1));
}

#[test]
fn whoever_goes_is_asked_nothing_more_and_whoever_stays_is() {
    let mut world = world(PROOF);
    let (goes, stays) = (world.order(1, true), world.order(2, true));
    world.happens(Event::Withdraw(goes));
    world.bytes(FIRST);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((order, Question { kind: QuestionKind::FirstSeen(..), .. })) if order == stays));
    // Whoever goes while their card is being saved is not asked about what is in its way.
    let literal = Box::new(Presentation::of_literal(&"{26}BD88EB80".parse().unwrap()));
    let what =
        What::Enroll { order: Box::new(Order::of(Uuid::from_u128(1003))), card: WhichCard::Named(literal), reassign: Reassign::Never };
    let late = Uuid::from_u128(3);
    world.station.handle(Event::Order(Box::new(Request { id: late, what, can_be_asked: true })), world.now);
    world.happens(Event::Withdraw(late));
    let given = Given { entry: Uuid::nil(), user: Uuid::nil(), name: None, card: None, seconds: 1 };
    world.happens(Event::InTheWay(late, InTheWay::Given(given)));
    assert!(matches!(world.ended(late), Some(Ended::InTheWay(_))), "{:?}", world.ended(late));
}

#[test]
fn a_card_of_a_capture_that_was_read_once_is_waited_for_no_second_time() {
    let mut world = world(PROOF);
    let card = Box::new(Presentation { reader: Some("desk".to_owned()), ..Presentation::of_literal(&"{26}BD88EB80".parse().unwrap()) });
    for (number, readings, question) in [(1, 1, "second_reading"), (2, 2, "first_seen")] {
        let (id, order) = (Uuid::from_u128(number), Box::new(Order::of(Uuid::from_u128(1000 + number))));
        let what = What::Enroll { order, card: WhichCard::Captured(card.clone(), readings), reassign: Reassign::Never };
        world.happens(Event::Order(Box::new(Request { id, what, can_be_asked: false })));
        assert!(matches!(world.ended(id), Some(Ended::Unproven(_, open)) if open.name() == question), "{:?}", world.ended(id));
    }
}

#[test]
fn an_order_that_is_taken_back_while_it_is_on_its_way_takes_no_card() {
    let mut world = world(1.0);
    // Whoever else waits changes nothing.
    let other = world.order(9, true);
    world.happens(Event::Withdraw(Uuid::from_u128(1)));
    world.happens(Event::Withdraw(other));
    let (late, next) = (world.order(1, true), world.order(2, true));
    assert_eq!(world.ended(late), Some(&Ended::Withdrawn));
    world.bytes(FIRST);
    assert_eq!((world.state(late), world.state(next)), (None, Some(State::Accepted)));
    // Of many that never came only the last ones are remembered.
    (100..1000).for_each(|number| world.happens(Event::Withdraw(Uuid::from_u128(number))));
    let (forgotten, known) = (world.order(100, true), world.order(999, true));
    assert_eq!((world.ended(forgotten), world.ended(known)), (None, Some(&Ended::Withdrawn)));
}
