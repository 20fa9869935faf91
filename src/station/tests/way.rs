//! From a frame to an answer, and who gets which card.

use super::*;
use crate::outbox::Given;

#[test]
fn a_frame_becomes_an_entry_and_a_lost_answer_is_settled_by_what_is_shown() {
    let mut world = world(1.0);
    let id = world.order(1, false);
    world.outcomes.push_back(lost());
    world.bytes(FIRST);
    assert_eq!(world.state(id), Some(State::InDoubt));
    // It is not shown, and it may be under way no longer: it is sent again.
    world.shown.push_back(ReadBack::NotFound);
    world.passes(TimeDelta::seconds(2));
    assert_eq!((world.state(id), world.calls.len()), (Some(State::Accepted), 2));
    assert_eq!(world.disk[&id].progress().attempts, 2);
    let states: Vec<State> = world
        .told
        .iter()
        .filter_map(|notice| match notice {
            Notice::Entry(entry, None) => Some(entry.progress().state),
            _ => None,
        })
        .collect();
    assert_eq!((states.first(), states.last()), (Some(&State::Saved), Some(&State::Accepted)));
}

#[test]
fn a_clock_that_is_set_neither_hurries_nor_stops_a_wait() {
    for jump in [TimeDelta::hours(25), -TimeDelta::hours(25)] {
        let mut world = world(1.0);
        let (waits, saved) = (world.order(1, false), world.order(2, false));
        world.happens(Event::Withdraw(waits));
        world.outcomes.push_back(lost());
        world.bytes(FIRST);
        assert_eq!(world.state(saved), Some(State::InDoubt));
        let (late, began) = (world.order(3, false), world.now.steady);
        world.now.wall += jump;
        world.happens(Event::Time);
        assert_eq!((world.calls.len(), world.ended(late)), (1, None), "nothing is due yet");
        world.passes(TimeDelta::milliseconds(1100));
        assert_eq!(world.calls.len(), 2, "the pause is over, whatever the wall's clock says");
        world.passes(began + TimeDelta::seconds(60) - world.now.steady);
        assert_eq!(world.ended(late), Some(&Ended::NoCard(60)));
    }
}

#[test]
fn what_fits_no_format_and_comes_twice_is_an_unknown_format_and_no_damage() {
    let mut world = world(PROOF);
    // H10301 with a wrong parity bit, twice; a good card between them makes the next one damaged again.
    for (frame, verdict) in
        [(&b"1A3D88EB80\r"[..], "damaged"), (b"1A3D88EB80\r", "unknown_format"), (FIRST, "ambiguous"), (b"1A3D88EB80\r", "damaged")]
    {
        world.bytes(frame);
        let Some(Notice::Read(reading)) = world.told.last() else { panic!("{:?}", world.told.last()) };
        assert_eq!(reading.verdict.name(), verdict);
    }
}

#[test]
fn a_card_goes_to_the_first_who_waits_and_to_nobody_who_came_after_it() {
    let mut world = world(1.0);
    world.bytes(FIRST);
    let (first, second) = (world.order(1, false), world.order(2, false));
    world.happens(Event::Withdraw(first));
    world.bytes(SECOND);
    assert_eq!((world.state(first), world.state(second)), (None, Some(State::Accepted)));
}

#[test]
fn who_ordered_first_keeps_their_place_whoever_says_it_first() {
    let mut world = world(1.0);
    let key = |second: u64| Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000 + second, 0)).as_u128();
    // The station that had both orders has ended, and the second one is quicker to say it again.
    let (second, first) = (world.order(key(2), false), world.order(key(1), false));
    world.bytes(FIRST);
    assert_eq!((world.state(first), world.state(second)), (Some(State::Accepted), None));
    let places: Vec<(Uuid, usize)> = world
        .told
        .iter()
        .filter_map(|notice| match notice {
            Notice::Waiting { order, ahead, .. } => Some((*order, *ahead)),
            _ => None,
        })
        .collect();
    assert_eq!(places, [(second, 0), (first, 0), (second, 1), (second, 0)]);
    // The same order again is the same order.
    world.order(second.as_u128(), false);
    world.bytes(SECOND);
    world.bytes(SECOND);
    assert_eq!((world.state(second), world.disk.len()), (Some(State::Accepted), 2));
}

#[test]
fn an_entry_that_the_store_shows_before_it_is_said_to_be_saved_is_called_once() {
    let mut world = world(1.0);
    let id = Uuid::from_u128(1);
    let order = Box::new(Order::of(Uuid::from_u128(7)));
    let what = What::Enroll { order, card: WhichCard::Existing(Uuid::from_u128(8)), reassign: Reassign::Never };
    let effects = world.station.handle(Event::Order(Box::new(Request { id, what, can_be_asked: false })), world.now);
    let Some(entry) = effects.into_iter().find_map(|effect| if let Effect::Save(entry, _) = effect { Some(entry) } else { None }) else {
        panic!("nothing is saved")
    };
    world.disk.insert(id, (*entry).clone());
    assert_eq!(world.station.handle(Event::Stock(vec![(1, (*entry).clone())]), world.now), []);
    world.happens(Event::Saved(entry));
    assert_eq!((world.calls.len(), world.state(id)), (1, Some(State::Accepted)));
}

#[test]
fn where_nothing_can_be_delivered_whoever_waits_is_told_why_and_the_card_stays_saved() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let before = world.order(1, false);
    world.bytes(FIRST);
    world.happens(Event::CannotDeliver(Some("no certificate".to_owned())));
    let after = world.order(2, false);
    world.bytes(SECOND);
    for id in [before, after] {
        let told = |notice: &&Notice| matches!(notice, Notice::Postponed(order, Some(why)) if *order == id && why == "no certificate");
        assert_eq!(world.told.iter().filter(told).count(), 1);
        assert_eq!(world.state(id), Some(State::Saved));
    }
}

#[test]
fn a_card_on_its_way_to_the_disk_is_neither_withdrawn_nor_given_up_and_keeps_nobody_waiting() {
    let mut world = world(1.0);
    let id = world.order(1, true);
    let frame = Event::Reader("desk".into(), ReaderEvent::Bytes(FIRST.to_vec()));
    let effects = world.station.handle(frame, world.now);
    let Some(entry) = effects.into_iter().find_map(|effect| if let Effect::Save(entry, _) = effect { Some(entry) } else { None }) else {
        panic!("nothing is saved")
    };
    world.order(2, false);
    assert!(matches!(world.told.last(), Some(Notice::Waiting { ahead: 0, .. })), "{:?}", world.told.last());
    world.happens(Event::Withdraw(id));
    world.passes(TimeDelta::seconds(61));
    assert_eq!((world.ended(id), world.ended(Uuid::from_u128(2))), (None, Some(&Ended::NoCard(60))));
    world.disk.insert(id, (*entry).clone());
    world.happens(Event::Saved(entry));
    assert_eq!(world.state(id), Some(State::Accepted));
}

#[test]
fn an_order_that_is_saved_and_said_again_takes_no_second_card() {
    let mut world = world(1.0);
    world.outcomes.push_back(lost());
    let id = world.order(1, false);
    world.bytes(FIRST);
    assert_eq!(world.state(id), Some(State::InDoubt));
    world.told.clear();
    world.order(1, false);
    assert_eq!(world.told, [], "it waits for no card");
    world.bytes(SECOND);
    assert_eq!(world.disk.len(), 1);
}

#[test]
fn a_card_that_is_not_written_down_costs_nobody_else_their_turn() {
    let first = Uuid::from_u128(1);
    let given = Given { entry: Uuid::nil(), user: Uuid::nil(), name: None, card: None, seconds: 1 };
    for why in [Event::NotSaved(first, "full".to_owned()), Event::InTheWay(first, InTheWay::Given(given))] {
        let mut world = world(1.0);
        world.order(1, false);
        let second = world.order(2, true);
        world.station.handle(Event::Reader("desk".into(), ReaderEvent::Bytes(FIRST.to_vec())), world.now);
        world.happens(why);
        world.bytes(SECOND);
        assert_eq!((world.state(first), world.state(second)), (None, Some(State::Accepted)));
    }
}
