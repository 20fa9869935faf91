//! Another card while something is asked, and a card that was not read whole.

use super::*;

/// The first card, with a bit of it turned round.
const DAMAGED: &[u8] = b"1AFD88EB80\r";

fn kind(world: &World) -> Option<(&'static str, Option<u128>)> {
    let (_, question) = world.asked()?;
    let reading = question.kind.reading().cloned();
    let number = reading.and_then(|reading| reading.chosen()?.credential.number("card_number"));
    let asked = match question.kind {
        QuestionKind::SecondReading(..) => "once more",
        QuestionKind::FirstSeen(..) => "first seen",
        QuestionKind::InTheWay(..) => "in the way",
        QuestionKind::Choose(..) | QuestionKind::Holder(..) => "another",
    };
    Some((asked, number))
}

fn numbers(world: &World) -> Vec<Option<u128>> {
    world.disk.values().map(|entry| entry.origin.card.as_ref()?.credential.number("card_number")).collect()
}

#[test]
fn a_question_is_always_about_the_card_that_was_shown_last_and_a_yes_to_an_older_one_enrolls_nothing() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    world.bytes(FIRST);
    assert_eq!(kind(&world), Some(("first seen", Some(4567))));
    let (_, older) = world.asked().unwrap();
    world.told.clear();
    world.bytes(SECOND);
    assert!(matches!(world.told.first(), Some(Notice::Waiting { order, ahead: 0, ready: true, .. }) if *order == id), "{:?}", world.told);
    assert_eq!(kind(&world), Some(("once more", Some(337))));
    world.happens(Event::Answer(id, older.number, Answer::Yes));
    assert!(world.disk.is_empty());
    world.bytes(SECOND);
    assert_eq!(kind(&world), Some(("first seen", Some(337))));
    let (_, question) = world.asked().unwrap();
    world.happens(Event::Answer(id, question.number, Answer::Yes));
    assert_eq!(numbers(&world), [Some(337)]);
}

#[test]
fn another_card_answers_whether_the_one_before_is_taken_from_somebody() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    world.order(1, true);
    world.bytes(FIRST);
    let next = world.order(2, true);
    world.bytes(FIRST);
    assert_eq!(kind(&world), Some(("in the way", None)));
    world.bytes(SECOND);
    assert_eq!((world.state(next), world.disk.len()), (Some(State::Saved), 2));
    assert_eq!(world.disk[&next].origin.card.as_ref().unwrap().credential.number("card_number"), Some(337));
}

#[test]
fn a_reading_that_is_not_whole_takes_back_no_question() {
    let mut world = world(PROOF);
    world.order(1, true);
    world.bytes(FIRST);
    world.bytes(FIRST);
    let asked = world.asked();
    world.bytes(DAMAGED);
    assert_eq!((world.asked(), kind(&world)), (asked, Some(("first seen", Some(4567)))));
}

#[test]
fn a_card_that_was_not_read_whole_is_waited_for_once_more_where_the_order_says_so() {
    for waits_on in [true, false] {
        let mut world = world(1.0);
        let (id, order) = (Uuid::from_u128(1), Box::new(Order { waits_on, ..Order::of(Uuid::from_u128(1001)) }));
        let card = WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        world.happens(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
        world.bytes(DAMAGED);
        assert_eq!(world.ended(id).is_none(), waits_on);
        assert_eq!(matches!(world.told.last(), Some(Notice::Waiting { order, .. }) if *order == id), waits_on);
        world.bytes(FIRST);
        assert_eq!(world.state(id), waits_on.then_some(State::Accepted));
    }
}

#[test]
fn the_card_that_is_asked_about_is_nobody_elses_when_it_is_shown_again_or_not_read_whole() {
    for again in [FIRST, DAMAGED] {
        let mut world = world(PROOF);
        let (asked, waits) = (world.order(1, true), world.order(2, false));
        world.bytes(FIRST);
        world.bytes(FIRST);
        assert_eq!(kind(&world), Some(("first seen", Some(4567))));
        world.bytes(again);
        assert_eq!(world.ended(waits), None, "whoever waits goes on waiting");
        assert!(world.asked().is_some_and(|(order, _)| order == asked));
        let (_, question) = world.asked().unwrap();
        world.happens(Event::Answer(asked, question.number, Answer::Yes));
        world.bytes(SECOND);
        world.bytes(SECOND);
        assert_eq!(numbers(&world), [Some(4567)]);
        assert!(matches!(world.ended(waits), Some(Ended::Unproven(..))), "the next card is theirs: {:?}", world.ended(waits));
    }
}
