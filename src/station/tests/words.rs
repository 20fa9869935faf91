//! What an order and a person's words say about a card, of which card they are said, and what is told of it.

use super::{alone::torn_between_two, *};
use crate::{card::Reading, station::notice::Asked};

impl World {
    fn placed(&mut self, number: u128, card: WhichCard, change: impl FnOnce(&mut Order)) -> Uuid {
        let id = Uuid::from_u128(number);
        let mut order = Box::new(Order::of(Uuid::from_u128(1000 + number)));
        change(&mut order);
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
        id
    }

    fn readings(&self) -> Vec<&Reading> {
        self.told.iter().filter_map(|notice| if let Notice::Read(reading) = notice { Some(&**reading) } else { None }).collect()
    }

    fn questions(&self) -> Vec<Asked> {
        let asked = |notice: &Notice| if let Notice::Asked(_, question) = notice { Some(question.kind.asked()) } else { None };
        self.told.iter().filter_map(asked).collect()
    }
}

fn shown() -> WhichCard {
    WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) }
}

/// A card of a capture that was read once at the desk.
fn captured(literal: &str) -> WhichCard {
    let card = Presentation { reader: Some("desk".to_owned()), ..Presentation::of_literal(&literal.parse().unwrap()) };
    WhichCard::Captured(Box::new(card), 1)
}

#[test]
fn a_yes_given_with_the_order_holds_for_whichever_card_is_shown_and_each_is_read_twice_all_the_same() {
    for cards in [vec![FIRST, FIRST], vec![SECOND, FIRST, FIRST]] {
        let mut world = world(PROOF);
        let id = world.placed(1, shown(), |order| order.confirmed = true);
        cards.iter().for_each(|card| world.bytes(card));
        assert_eq!((world.state(id), world.questions()), (Some(State::Accepted), vec![Asked::SecondReading; cards.len() - 1]));
        assert_eq!(world.readings().len(), cards.len());
    }
}

#[test]
fn a_card_of_a_capture_that_somebody_vouches_for_is_asked_about_no_more_and_was_seen_at_no_reader() {
    let mut world = world(PROOF);
    let id = world.placed(1, captured("{26}BD88EB80"), |order| order.confirmed = true);
    assert_eq!((world.state(id), world.questions(), world.readings().len()), (Some(State::Accepted), vec![], 1));
    assert_eq!(world.disk[&id].source.as_ref().unwrap().reader, None);
    let literal = Box::new(Presentation::of_literal(&"{26}8F80A8C0".parse().unwrap()));
    let named = world.placed(2, WhichCard::Named(literal), |_| ());
    assert_eq!((world.state(named), world.readings().len()), (Some(State::Accepted), 2));
    // A damaged one is not waited for once more: it will not come again.
    let literal = WhichCard::Named(Box::new(Presentation::of_literal(&"{26}FD88EB80".parse().unwrap())));
    for (number, card) in [(3, captured("{26}FD88EB80")), (4, literal)] {
        let damaged = world.placed(number, card, |order| order.waits_on = true);
        assert!(matches!(world.ended(damaged), Some(Ended::Refused(..))), "{:?}", world.ended(damaged));
    }
}

#[test]
fn a_card_at_the_reader_does_not_void_what_is_asked_about_a_card_of_a_capture() {
    let mut world = world(PROOF);
    let WhichCard::Captured(card, _) = captured("{26}BD88EB80") else { unreachable!() };
    world.placed(1, WhichCard::Captured(card, 2), |_| ());
    let asked = world.asked();
    assert!(matches!(&asked, Some((_, Question { kind: QuestionKind::FirstSeen(..), .. }))), "{asked:?}");
    world.bytes(SECOND);
    assert_eq!(world.asked(), asked);
}

#[test]
fn a_card_is_told_once_each_time_it_is_shown_with_what_is_wrong_with_its_print() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    world.bytes(FIRST);
    let (_, question) = world.asked().unwrap();
    world.happens(Event::Answer(id, question.number, Answer::Yes));
    assert_eq!((world.state(id), world.readings().len()), (Some(State::Accepted), 2));
    let printed = world.placed(2, shown(), |order| order.printed = Some("31337".to_owned()));
    world.bytes(SECOND);
    assert!(world.ended(printed).is_some());
    assert_eq!(world.readings().last().unwrap().presentation.warnings, ["printed_not_read"]);
}

#[test]
fn a_card_that_nobody_waits_for_is_told_with_the_sites_choice_and_noted_as_seen() {
    let mut world = world(PROOF);
    world.bytes(FIRST);
    let reading = world.readings()[0];
    assert!(reading.chosen().is_some());
    assert_eq!((reading.presentation.transport, reading.presentation.at), (Some(Transport::Serial), Some(world.now.wall)));
    assert_eq!(world.seen.len(), 1);
}

#[test]
fn bits_that_fit_no_format_stay_an_unknown_format_however_often_they_come() {
    let mut world = world(PROOF);
    (0..4).for_each(|_| world.bytes(b"1A3D88EB80\r"));
    let verdicts: Vec<&str> = world.readings().iter().map(|reading| reading.verdict.name()).collect();
    assert_eq!(verdicts, ["damaged", "unknown_format", "unknown_format", "unknown_format"]);
}

#[test]
fn where_no_fit_has_the_printed_number_nobody_is_asked_to_choose_one() {
    let mut world = torn_between_two(world(1.0));
    let id = world.placed(1, shown(), |order| order.printed = Some("31337".to_owned()));
    world.bytes(FIRST);
    assert!(matches!(world.ended(id), Some(Ended::Refused(..))) && world.asked().is_none(), "{:?}", world.asked());
}

#[test]
fn the_same_order_again_is_told_again_what_is_asked() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    world.told.clear();
    world.order(1, true);
    assert!(world.asked().is_some_and(|(order, _)| order == id), "{:?}", world.told);
}

#[test]
fn a_card_that_was_given_a_moment_ago_is_the_next_ones_after_a_yes_and_a_yes_to_less_says_no_more() {
    let mut world = world(1.0);
    world.station.setup.policy.same_card = Some(std::time::Duration::from_secs(60));
    world.order(1, false);
    world.bytes(FIRST);
    let next = world.order(2, true);
    world.bytes(FIRST);
    let Some((_, Question { kind: QuestionKind::InTheWay(InTheWay::Given(_), _), number })) = world.asked() else { panic!() };
    // Nobody else answers that.
    world.happens(Event::Answer(Uuid::from_u128(9), number, Answer::Yes));
    assert_eq!(world.state(next), None);
    world.happens(Event::Answer(next, number, Answer::Yes));
    let said = |world: &World, id| world.disk.get(&id).and_then(|entry: &Entry| entry.origin.order.clone()).map(|order| order.same_card);
    assert_eq!((world.state(next), said(&world, next)), (Some(State::Accepted), Some(true)));
    let mut unsent = self::world(1.0);
    unsent.happens(Event::Deliver(Scope::Nothing));
    unsent.order(1, false);
    unsent.bytes(FIRST);
    let next = unsent.order(2, true);
    unsent.bytes(FIRST);
    let (_, question) = unsent.asked().unwrap();
    unsent.happens(Event::Answer(next, question.number, Answer::Yes));
    assert_eq!((unsent.state(next), said(&unsent, next)), (Some(State::Saved), Some(false)));
}

#[test]
fn whoever_is_asked_has_a_minute_to_answer_and_not_less_than_they_had_for_the_card() {
    for (within, still, ended) in [(60, 59, 61), (600, 540, 549)] {
        let mut world = world(PROOF);
        let card = WhichCard::Shown { reader: None, within: TimeDelta::seconds(within) };
        let id = world.placed(1, card, |_| ());
        world.passes(TimeDelta::seconds(50));
        world.bytes(FIRST);
        world.bytes(FIRST);
        world.passes(TimeDelta::seconds(still));
        assert_eq!(world.ended(id), None, "{within}");
        world.passes(TimeDelta::seconds(ended - still));
        assert!(matches!(world.ended(id), Some(Ended::Unproven(..))), "{within}");
    }
}

#[test]
fn what_is_kept_for_the_site_is_the_answer_to_the_question_it_was_said_of() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    let (_, once_more) = world.asked().unwrap();
    world.happens(Event::Keep(id, once_more.number, "Grace".to_owned()));
    world.bytes(FIRST);
    let (_, question) = world.asked().unwrap();
    world.happens(Event::Answer(id, question.number, Answer::Yes));
    assert_eq!((world.state(id), world.kept.len()), (Some(State::Accepted), 0));
    let mut torn = torn_between_two(self::world(1.0));
    let id = torn.order(1, true);
    torn.bytes(FIRST);
    let Some((_, Question { kind: QuestionKind::Choose(_, choices), number })) = torn.asked() else { panic!("{:?}", torn.asked()) };
    torn.happens(Event::Keep(id, number, "Ada".to_owned()));
    torn.happens(Event::Answer(id, number, Answer::Choice(choices[0])));
    let kept = Kept::Choice { format: "hid-h10301".to_owned(), not: vec!["indala-26".to_owned()] };
    assert_eq!((torn.state(id), torn.kept), (Some(State::Accepted), vec![(kept, "Ada".to_owned())]));
}

#[test]
fn a_tie_of_a_capture_that_somebody_vouches_for_is_chosen_from_and_proven_no_further() {
    let mut world = torn_between_two(world(PROOF));
    let id = world.placed(1, captured("{26}BD88EB80"), |order| order.confirmed = true);
    let Some((_, Question { kind: QuestionKind::Choose(_, choices), number })) = world.asked() else { panic!("{:?}", world.asked()) };
    world.happens(Event::Answer(id, number, Answer::Choice(choices[0])));
    assert_eq!(world.state(id), Some(State::Accepted), "{:?}", world.ended(id));
}
