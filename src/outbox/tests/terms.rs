//! On what terms a card is somebody's although it was given to, or is ordered for, somebody else; and what a wish to take it back says.

use super::*;
use crate::access::AddUserCard;

const GIVEN_WITHIN: Terms = Terms { given_within: Some(TimeDelta::seconds(60)), counts_all: false, is_first: false, supersedes: None };
const IS_FIRST: Terms = Terms { given_within: None, is_first: true, ..GIVEN_WITHIN };

fn accepted() -> Step {
    Step::Answered(Outcome::Accepted(told(0, "Success")))
}

/// Its card, shown at this reader.
fn shown_at(reader: Option<&str>, second: i64, entry: Entry) -> Entry {
    let source = Source { reader: reader.map(ToOwned::to_owned), card: "a".to_owned(), seen_at: at(second) };
    Entry { saved_at: at(second), source: Some(source), ..entry }
}

/// The same card, ordered for somebody else.
fn for_another() -> Entry {
    let Operation::AddUserCard(call) = entry(Reassign::Never, vec![]).operation else { unreachable!() };
    let call = AddUserCard { user_id: Uuid::from_u128(8), ..call };
    Entry::of(Uuid::from_u128(2), at(0), Operation::AddUserCard(call), Reassign::Never)
}

/// The card of somebody who is to be added first.
fn of_a_newcomer(number: u128) -> Entry {
    let card = add_existing_card(Uuid::from_u128(9), &Order::of(Uuid::nil())).unwrap();
    Entry::of_card(Uuid::from_u128(number), at(0), card, Some(user(vec![]).operation), Reassign::Never)
}

fn in_the_way(terms: Terms, entry: &Entry, other: Entry) -> Option<InTheWay> {
    terms.judge(entry, [other].into_iter()).err()
}

#[test]
fn a_card_was_given_a_moment_ago_only_where_a_reader_saw_it_both_times() {
    let asked = |before: Option<&str>, now: Option<&str>| {
        let other = shown_at(before, 0, entry(Reassign::Never, vec![]));
        in_the_way(GIVEN_WITHIN, &shown_at(now, 5, for_another()), other).is_some()
    };
    let desk = Some("desk");
    assert_eq!([asked(desk, desk), asked(None, desk), asked(desk, None), asked(None, None)], [true, false, false, false]);
}

#[test]
fn a_card_of_whose_order_nothing_came_is_asked_about_only_where_all_counts() {
    let terms = |counts_all| Terms { counts_all, ..GIVEN_WITHIN };
    let given_up = || shown_at(Some("desk"), 0, entry(Reassign::Never, vec![Step::Discarded { superseded_by: None }]));
    let asked = |counts_all| in_the_way(terms(counts_all), &shown_at(Some("desk"), 5, for_another()), given_up()).is_some();
    assert_eq!((asked(true), asked(false)), (true, false));
}

#[test]
fn a_clock_that_was_set_back_makes_no_card_forgotten_and_no_time_less_than_none() {
    let other = shown_at(Some("desk"), 100, entry(Reassign::Never, vec![]));
    let Some(InTheWay::Given(given)) = in_the_way(GIVEN_WITHIN, &shown_at(Some("desk"), 50, for_another()), other) else { panic!() };
    assert_eq!((given.entry, given.user, given.seconds), (Uuid::from_u128(1), Uuid::from_u128(7), 0));
}

#[test]
fn a_card_that_is_ordered_for_one_new_person_is_asked_about_before_it_is_anothers() {
    let Some(InTheWay::Ordered(given)) = in_the_way(IS_FIRST, &of_a_newcomer(2), of_a_newcomer(1)) else { panic!() };
    assert_eq!((given.entry, given.user), (Uuid::from_u128(1), Uuid::nil()));
    assert_eq!(in_the_way(IS_FIRST, &entry(Reassign::Never, vec![]), entry(Reassign::Never, vec![])), None, "one person is one");
    let sent = || entry(Reassign::Never, vec![SENDING, no_answer()]);
    assert_eq!(in_the_way(IS_FIRST, &for_another(), sent()), None, "what was sent stands before it, and BluSKY says who has it");
    assert_eq!(in_the_way(Terms::default(), &of_a_newcomer(2), of_a_newcomer(1)), None);
}

#[test]
fn a_wish_to_take_a_card_back_is_said_of_what_gave_it_and_its_failure_only_of_the_mark_it_left() {
    let [undone, failed] = [3, 4].map(|by| (Step::Undone { by: Uuid::from_u128(by) }, Step::UndoFailed { by: Uuid::from_u128(by) }));
    let gave = entry(Reassign::Never, vec![SENDING, accepted(), found()]);
    assert!(gave.is_changed_by(&undone.0) && !gave.is_changed_by(&undone.1));
    let marked = gave.after([(at(5), undone.0.clone())]);
    assert!(!marked.is_changed_by(&failed.0), "one wish at a time");
    assert!(!marked.undo_failed() && marked.clone().after([(at(6), undone.1.clone())]).undo_failed());
    assert!(marked.is_changed_by(&undone.1) && !marked.is_changed_by(&failed.1), "a later wish stands, whatever became of another");
    let refused = Step::Answered(Outcome::Refused(told(5, "No such card type")));
    for steps in [vec![], vec![SENDING, no_answer()], vec![SENDING, refused, NOT_FOUND], vec![Step::Discarded { superseded_by: None }]] {
        assert!(!entry(Reassign::Never, steps.clone()).is_changed_by(&undone.0), "nothing was given: {steps:?}");
    }
    let not_taken = Step::NotTakenBack { by: Uuid::from_u128(3) };
    let changed = |steps| entry(Reassign::Never, steps).is_changed_by(&not_taken);
    assert_eq!((changed(vec![]), changed(vec![SENDING, no_answer()])), (true, false), "what may have arrived is a person's to look for");
}

#[test]
fn whoever_had_the_card_before_and_whoever_it_is_given_up_for_are_known() {
    let held = HeldBy { user_id: Uuid::from_u128(6), activate: None, deactivate: None, card_user_flags: Some(1) };
    assert_eq!(entry(Reassign::Never, vec![Step::HeldBy(held.clone())]).progress().held_by, Some(held));
    let superseded_by = Some(Uuid::from_u128(2));
    assert_eq!(entry(Reassign::Never, vec![Step::Discarded { superseded_by }]).progress().superseded_by, superseded_by);
}
