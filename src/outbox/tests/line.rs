//! What a schedule tells of those who wait in it, and of the way to BluSKY.

use super::{
    aside::Aside,
    reach::{Reach, Reached},
    schedule::{Schedule, Turn, Waiting, Work},
    *,
};

fn waiting(place: u64, user: u128, turn: Turn) -> Waiting {
    Waiting { place, id: Uuid::from_u128(place.into()), user: Some(Uuid::from_u128(user)), card: Some(place), turn }
}

#[test]
fn a_schedule_knows_who_waits_and_whose_call_is_under_way() {
    let mut schedule = Schedule::new(1);
    assert!(schedule.is_empty() && !schedule.is_busy());
    let (one, two, nobody) = (Uuid::from_u128(4), Uuid::from_u128(5), Uuid::from_u128(6));
    schedule.put(waiting(4, 7, Turn::At(at(0))));
    schedule.put(waiting(5, 8, Turn::At(at(0))));
    assert_eq!((schedule.len(), schedule.is_empty()), (2, false));
    assert_eq!((schedule.place(one), schedule.place(two), schedule.place(nobody)), (Some(4), Some(5), None));
    assert!(schedule.knows(one) && !schedule.knows(nobody));
    assert!(schedule.shares(&waiting(9, 7, Turn::At(at(0)))), "its user has one before it");
    assert!(!schedule.shares(&waiting(9, 10, Turn::At(at(0)))));
    assert!(!schedule.is_under_way(one));
    assert_eq!(schedule.next(at(0)), Some(Work::Step(one)));
    assert!(schedule.is_under_way(one) && !schedule.is_under_way(two) && schedule.is_busy());
    assert_eq!(schedule.deadline(at(0)), None, "one call at a time: only its end changes anything");
}

#[test]
fn what_could_not_be_done_is_tried_again_a_second_later() {
    let mut schedule = Schedule::new(2);
    schedule.put(waiting(1, 7, Turn::At(at(0))));
    assert!(schedule.next(at(0)).is_some());
    schedule.let_go(Uuid::from_u128(1), at(0));
    assert!(!schedule.is_busy());
    assert_eq!((schedule.next(at(0)), schedule.deadline(at(0))), (None, Some(at(1))));
    assert!(schedule.next(at(1)).is_some());
}

#[test]
fn blusky_is_away_after_two_tries_in_a_row_that_did_not_reach_it_and_not_where_it_lets_nothing_through() {
    let mut reach = Reach::default();
    assert!(!reach.is_away());
    reach.heard(&Reached::Away(None), None, at(0), at(0));
    assert!(!reach.is_away(), "once is nothing yet");
    reach.heard(&Reached::Away(None), None, at(1), at(1));
    assert!(reach.is_away());
    reach.heard(&Reached::Answered, None, at(2), at(2));
    assert!(!reach.is_away());
    for (pause, is_away) in [(1, false), (4, false), (5, true), (300, true)] {
        reach.heard(&Reached::Away(Some(TimeDelta::seconds(pause))), None, at(2), at(2));
        assert_eq!(reach.is_away(), is_away, "it asks to be left alone for {pause} s");
        reach.heard(&Reached::Answered, None, at(2), at(2));
    }
    let mut schedule = Schedule::new(2);
    assert!(!schedule.is_closed(at(0)) && !schedule.is_away());
    for _ in 0..2 {
        schedule.heard(Uuid::nil(), &Reached::Stopped, at(0));
    }
    assert!(schedule.is_closed(at(0)) && !schedule.is_away(), "it is there, and denies access");
    schedule.heard(Uuid::nil(), &Reached::Answered, at(1));
    for _ in 0..2 {
        schedule.heard(Uuid::nil(), &Reached::Away(None), at(1));
    }
    assert!(schedule.is_closed(at(1)) && schedule.is_away());
}

#[test]
fn a_card_that_a_person_must_look_for_holds_up_later_orders_for_it_and_one_that_somebody_holds_does_not() {
    let turn = |steps: Vec<Step>| Waiting::of(&entry(Reassign::Ask, steps), 1, at(9)).turn;
    let held = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    assert_eq!(turn(vec![SENDING, no_answer(), Step::ReadBack(ReadBack::CannotTell)]), Turn::Person);
    assert_eq!(turn(vec![SENDING, held, NOT_FOUND]), Turn::Over);
}

#[test]
fn whoever_waits_aside_shares_the_lines_of_what_they_wait_for_now_and_not_of_before() {
    let before = waiting(4, 7, Turn::At(at(0)));
    let now = Waiting { user: Some(Uuid::from_u128(8)), ..before };
    let shares = |aside: &mut Aside, user| aside.take_sharing(&waiting(9, user, Turn::At(at(0)))).len();
    let mut aside = Aside::default();
    aside.put(before);
    aside.put(now);
    assert_eq!((shares(&mut aside, 7), shares(&mut aside, 8), aside.count()), (0, 1, 0));
    aside.put(before);
    aside.take(before.id);
    aside.put(now);
    assert_eq!((shares(&mut aside, 7), shares(&mut aside, 8)), (0, 1));
}

#[test]
fn what_was_saved_by_a_clock_that_was_set_back_since_is_due_at_once() {
    let saved = Entry { saved_at: at(100), ..entry(Reassign::Never, vec![]) };
    assert_eq!(Waiting::of(&saved, 1, at(50)).turn, Turn::At(at(50)));
}

#[test]
fn the_states_are_called_as_programs_know_them() {
    let names = [State::Saved, State::Sending, State::Accepted, State::Refused, State::InDoubt, State::Discarded].map(State::name);
    assert_eq!(names, ["saved", "sending", "accepted", "refused", "in_doubt", "discarded"]);
}

#[test]
fn what_concerns_nobody_yet_has_its_turn_too_and_at_the_time_it_is_due_now() {
    let nobodys = |due| Waiting { user: None, card: None, ..waiting(4, 7, Turn::At(at(due))) };
    let mut schedule = Schedule::new(0);
    schedule.put(nobodys(0));
    schedule.put(nobodys(5));
    assert_eq!((schedule.next(at(0)), schedule.deadline(at(0))), (None, Some(at(5))));
    assert_eq!(schedule.next(at(5)), Some(Work::Step(Uuid::from_u128(4))));
}

#[test]
fn while_blusky_is_there_what_is_due_first_goes_first_whatever_was_begun_last() {
    let mut schedule = Schedule::new(1);
    let put = |schedule: &mut Schedule, place: u64, turn| schedule.put(waiting(place, place.into(), turn));
    put(&mut schedule, 2, Turn::At(at(0)));
    put(&mut schedule, 3, Turn::At(at(0)));
    assert_eq!(schedule.next(at(0)), Some(Work::Step(Uuid::from_u128(2))));
    put(&mut schedule, 1, Turn::At(at(0)));
    put(&mut schedule, 2, Turn::Over);
    assert_eq!(schedule.next(at(0)), Some(Work::Step(Uuid::from_u128(1))));
}

#[test]
fn whether_blusky_is_back_is_tried_with_what_is_due_also_while_something_else_is_due_later() {
    let mut schedule = Schedule::new(8);
    let ask = |schedule: &mut Schedule, second| schedule.next(at(second));
    let put = |schedule: &mut Schedule, place: u64, due| schedule.put(waiting(place, place.into(), Turn::At(at(due))));
    let away = |schedule: &mut Schedule, second| schedule.heard(Uuid::nil(), &Reached::Away(None), at(second));
    put(&mut schedule, 1, 0);
    put(&mut schedule, 3, 100);
    assert_eq!(ask(&mut schedule, 0), Some(Work::Step(Uuid::from_u128(1))));
    away(&mut schedule, 0);
    put(&mut schedule, 1, 0);
    assert_eq!(ask(&mut schedule, 1), Some(Work::Ask(Uuid::from_u128(1))), "the only one that is due");
    away(&mut schedule, 1);
    put(&mut schedule, 1, 0);
    put(&mut schedule, 2, 0);
    for (second, place) in [(3, 2), (7, 1), (15, 2)] {
        assert_eq!(ask(&mut schedule, second), Some(Work::Ask(Uuid::from_u128(place))), "one after the other");
        away(&mut schedule, second);
        put(&mut schedule, place as u64, 0);
    }
}
