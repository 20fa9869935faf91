//! What a station learns for the whole site, and what each of those who wait is told.

use super::*;
use crate::{
    card::FacilityCode,
    enroll::{evidence::Seen, kept::Kept, origin::Named},
};

/// Another card with facility code 123: number 4568.
const THIRD: &[u8] = b"1ABD88EC00\r";

impl World {
    fn orders(&mut self, number: u128, order: Order) -> Uuid {
        let (id, order) = (Uuid::from_u128(number), Box::new(order));
        let card = WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked: false })));
        id
    }

    /// A first card, read twice: the question, and its number.
    fn first_seen(&mut self, number: u128, card: &[u8]) -> (Uuid, u64) {
        self.order(number, true);
        self.bytes(card);
        self.bytes(card);
        match self.asked() {
            Some((order, Question { kind: QuestionKind::FirstSeen(..), number })) => (order, number),
            other => panic!("{other:?}"),
        }
    }

    /// How often the place of this order was told, with the number of those before it.
    fn places(&self, id: Uuid) -> Vec<(usize, Option<String>)> {
        let place = |notice: &Notice| match notice {
            Notice::Waiting { order, ahead, first, .. } if *order == id => Some((*ahead, first.clone())),
            _ => None,
        };
        self.told.iter().filter_map(place).collect()
    }
}

#[test]
fn an_answer_for_the_whole_site_is_kept_with_the_name_of_whoever_gave_it_and_another_answer_is_not() {
    let mut world = world(PROOF);
    let (id, number) = world.first_seen(1, FIRST);
    world.happens(Event::Keep(id, number + 1, "Grace".to_owned()));
    world.happens(Event::Keep(Uuid::from_u128(2), number, "Grace".to_owned()));
    world.happens(Event::Answer(id, number, Answer::Yes));
    assert_eq!((world.state(id), world.kept.clone()), (Some(State::Accepted), vec![]), "that was said of other questions");
    let (id, number) = world.first_seen(3, SECOND);
    world.happens(Event::Keep(id, number, "Ada".to_owned()));
    world.happens(Event::Answer(id, number, Answer::Yes));
    assert_eq!(world.kept, [(Kept::FacilityCode(31), "Ada".to_owned())]);
    world.happens(Event::Policy(vec![Kept::FacilityCode(31)]));
    assert_eq!(world.station.setup.policy.kept, [Kept::FacilityCode(31)]);
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Policy(None))));
    world.happens(Event::PolicyWrong("line 3".to_owned()));
    assert_eq!(world.told.last(), Some(&Notice::Policy(Some("line 3".to_owned()))), "and what was known holds");
    assert_eq!(world.station.setup.policy.kept, [Kept::FacilityCode(31)]);
}

#[test]
fn a_no_to_the_first_card_of_its_kind_ends_the_order_and_writes_nothing() {
    let mut world = world(PROOF);
    let (id, number) = world.first_seen(1, FIRST);
    world.happens(Event::Answer(id, number, Answer::No));
    assert!(matches!(world.ended(id), Some(Ended::Unproven(..))) && world.disk.is_empty(), "{:?}", world.ended(id));
}

#[test]
fn a_facility_code_that_was_accepted_before_the_station_began_makes_one_tap_enough() {
    let mut world = world(PROOF);
    let mut seen = Seen::default();
    seen.accepted("hid-h10301", Some(FacilityCode(123)));
    world.station.remember(seen);
    let id = world.order(1, false);
    world.bytes(FIRST);
    assert_eq!(world.state(id), Some(State::Accepted), "{:?}", world.ended(id));
}

#[test]
fn what_a_person_vouched_for_is_known_from_the_moment_it_is_on_disk() {
    for answer in [Answer::Printed("4567".to_owned()), Answer::Yes] {
        let mut world = world(PROOF);
        world.happens(Event::Deliver(Scope::Nothing));
        let (id, number) = world.first_seen(1, FIRST);
        world.happens(Event::Answer(id, number, answer));
        assert_eq!(world.state(id), Some(State::Saved));
        let next = world.order(2, false);
        world.bytes(THIRD);
        world.bytes(THIRD);
        assert_eq!(world.state(next), Some(State::Saved), "{:?}", world.ended(next));
    }
}

#[test]
fn a_card_that_was_given_a_moment_ago_is_given_to_somebody_else_only_where_the_order_says_that_this_is_meant() {
    let mut world = world(1.0);
    world.station.setup.policy.same_card = Some(std::time::Duration::from_secs(60));
    let first = world.order(1, false);
    world.bytes(FIRST);
    let second = world.order(2, false);
    world.bytes(FIRST);
    assert!(matches!(world.ended(second), Some(Ended::InTheWay(InTheWay::Given(given))) if given.entry == first));
    let meant = world.orders(3, Order { same_card: true, ..Order::of(Uuid::from_u128(1003)) });
    world.bytes(FIRST);
    assert_eq!((world.state(second), world.state(meant)), (None, Some(State::Accepted)));
}

#[test]
fn whoever_waits_is_told_who_is_before_them_by_name_and_number_and_the_same_order_is_one_order() {
    let mut world = world(1.0);
    let person = Some(Named { name: "Ada Lovelace".to_owned(), employee_number: Some("1815".to_owned()), without_access: false });
    let ada = || Order { person: person.clone(), ..Order::of(Uuid::from_u128(1001)) };
    let first = world.orders(1, ada());
    let next = world.order(2, false);
    assert_eq!(world.places(next), [(1, Some("Ada Lovelace (1815)".to_owned()))]);
    world.orders(1, ada());
    assert_eq!(world.places(first), [(0, None), (0, None)], "it is told once more");
    for card in [FIRST, SECOND, THIRD] {
        world.bytes(card);
    }
    assert_eq!((world.state(first), world.state(next), world.disk.len()), (Some(State::Accepted), Some(State::Accepted), 2));
}

#[test]
fn a_step_on_disk_is_told_while_the_entry_is_on_its_way_and_its_end_only_once_it_is_reached() {
    let told = |steps: Vec<Step>| {
        let mut world = world(1.0);
        let operation = crate::enroll::enrollment::add_existing_card(Uuid::from_u128(7), &Order::of(Uuid::from_u128(8))).unwrap();
        let entry = Entry::of(Uuid::from_u128(1), world.now.wall, crate::access::Operation::AddUserCard(operation), Reassign::Never);
        let at = world.now.wall;
        world.happens(Event::Stepped(Box::new(entry.after(steps.into_iter().map(|step| (at, step))))));
        world.told.iter().filter(|notice| matches!(notice, Notice::Entry(..))).count()
    };
    let answered = |outcome: Outcome| vec![Step::Sending { reassign: false }, Step::Answered(outcome)];
    assert_eq!(told(vec![Step::Sending { reassign: false }]), 1, "it is being sent");
    assert_eq!(told(answered(lost())), 1, "it is in doubt");
    assert_eq!(told(answered(Outcome::Stopped { why: "the token is wrong".to_owned() })), 1);
    for outcome in
        [Outcome::Accepted(Default::default()), Outcome::Refused(crate::access::Told { result_code: Some(2), ..Default::default() })]
    {
        assert_eq!(told(answered(outcome)), 0, "the read-back is still to come");
    }
    assert_eq!(told(vec![Step::Discarded { superseded_by: None }]), 0, "it has come to its end");
    assert_eq!(told(answered(Outcome::Impossible { why: "no such call".to_owned() })), 0);
}

#[test]
fn whoever_names_one_of_several_devices_takes_from_it_alone_and_stands_behind_whoever_else_can() {
    let mut world = world(1.0);
    for device in ["desk#1", "desk#2"] {
        world.happens(Event::Reader(device.into(), ReaderEvent::Up));
    }
    let orders: Vec<Uuid> = [(1, "desk#1"), (2, "desk#1"), (3, "desk"), (4, "desk#2")]
        .map(|(number, reader)| {
            let (id, order) = (Uuid::from_u128(number), Box::new(Order::of(Uuid::from_u128(1000 + number))));
            let card = WhichCard::Shown { reader: Some(reader.to_owned()), within: TimeDelta::seconds(60) };
            let what = What::Enroll { order, card, reassign: Reassign::Never };
            world.happens(Event::Order(Box::new(Request { id, what, can_be_asked: false })));
            id
        })
        .to_vec();
    let ahead: Vec<usize> = orders.iter().map(|id| world.places(*id)[0].0).collect();
    assert_eq!(ahead, [0, 1, 2, 1]);
    for (frame, whose) in [(FIRST, orders[2]), (SECOND, orders[3])] {
        world.passes(TimeDelta::seconds(1));
        world.happens(Event::Reader("desk#2".into(), ReaderEvent::Bytes(frame.to_vec())));
        assert_eq!(world.state(whose), Some(State::Accepted));
    }
    assert_eq!(world.disk.len(), 2, "those at the other device wait on");
}
