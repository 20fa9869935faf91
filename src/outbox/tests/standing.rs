//! What is known of an entry at each point of its way, and until when a person's word is good.

use super::*;
use crate::access::AddUserCard;

fn held() -> Step {
    Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")))
}

fn unavailable() -> Step {
    Step::ReadBack(ReadBack::Unavailable { why: "404".into() })
}

/// Unsent, settled, over, for a person, closed.
fn known(steps: Vec<Step>) -> [bool; 5] {
    let entry = entry(Reassign::Ask, steps);
    let progress = entry.progress();
    [progress.is_unsent(), progress.is_settled(), progress.is_over(), progress.needs_a_person(), progress.is_closed()]
}

#[test]
fn what_is_known_of_an_entry_is_what_has_happened_to_it() {
    let refused_elsewhere = Step::Answered(Outcome::Refused(told(5, "No such card type")));
    assert_eq!(known(vec![]), [true, false, false, false, false], "saved");
    assert_eq!(known(vec![SENDING]), [false, false, false, false, false], "under way");
    assert_eq!(known(vec![SENDING, no_answer()]), [false, false, false, false, false], "in doubt");
    assert_eq!(known(vec![SENDING, no_answer(), NOT_FOUND]), [false, false, false, false, false], "to be sent again: it may have arrived");
    assert_eq!(known(vec![SENDING, no_answer(), unavailable()]), [false, true, false, true, false], "stuck");
    assert_eq!(known(vec![SENDING, held(), NOT_FOUND]), [false, true, false, false, true], "somebody holds it");
    assert_eq!(known(vec![SENDING, refused_elsewhere, NOT_FOUND]), [false, true, true, false, true], "refused");
    assert_eq!(known(vec![SENDING, no_answer(), found()]), [false, true, true, false, true], "accepted");
    assert_eq!(known(vec![Step::Discarded { superseded_by: None }]), [false, true, true, false, true], "given up");
}

#[test]
fn why_it_waits_is_said_before_what_blusky_said_last() {
    let said = |steps: Vec<Step>| entry(Reassign::Never, steps).progress().said();
    assert_eq!(said(vec![]), None);
    assert_eq!(said(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, "Success")))]).as_deref(), Some("Success"));
    let away = Step::Answered(Outcome::Away { why: "BluSKY is away".into() });
    assert_eq!(said(vec![SENDING, away]).as_deref(), Some("BluSKY is away"));
}

#[test]
fn only_what_was_accepted_can_be_stored_otherwise() {
    let differs = |steps: Vec<Step>| entry(Reassign::Never, steps).progress().stored_differs();
    assert!(differs(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, ""))), shown(&["pin"], &[])]));
    assert!(!differs(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, ""))), shown(&[], &["pin"])]), "it is not shown at all");
    assert!(!differs(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, ""))), found()]));
    assert!(!differs(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, ""))), shown(&["pin"], &[]), Step::Restored]), "in doubt");
}

#[test]
fn a_word_given_two_minutes_ago_is_still_good_and_a_second_later_no_more() {
    for (second, reassign) in [(120, true), (121, false), (-1, false)] {
        assert_eq!(entry(Reassign::Always, vec![]).due(at(second)), Next::Send { reassign }, "{second}");
    }
}

#[test]
fn a_decision_that_has_aged_is_said_and_one_that_nobody_made_is_not() {
    let warned = |reassign, steps: Vec<(i64, Step)>| {
        let steps = steps.into_iter().map(|(second, step)| (at(second), step));
        entry(reassign, vec![]).after(steps).progress().warnings.contains(&"decision_aged".to_owned())
    };
    let late = || vec![(600, SENDING), (600, held()), (600, NOT_FOUND)];
    assert!(warned(Reassign::Given, late()) && warned(Reassign::Always, late()));
    assert!(!warned(Reassign::Ask, late()), "nobody has decided anything");
    assert!(!warned(Reassign::Given, vec![(1, SENDING), (1, held()), (1, NOT_FOUND)]), "it is good still");
    let took = vec![(1, Step::Sending { reassign: true }), (1, held()), (1, NOT_FOUND)];
    assert!(!warned(Reassign::Always, took), "it was asked for, and refused all the same");
    let decided = Step::Reassign { decided_by: DecidedBy::Operator };
    let aged = [vec![(1, SENDING), (1, held()), (1, NOT_FOUND), (2, decided)], late()].concat();
    assert!(warned(Reassign::Ask, aged), "a person had decided");
}

#[test]
fn what_was_asked_for_and_refused_is_refused_for_good() {
    let took = entry(Reassign::Always, vec![Step::Sending { reassign: true }, held(), NOT_FOUND]);
    assert_eq!((took.progress().state, took.next(at(9))), (State::Refused, Next::Done));
}

#[test]
fn a_refusal_without_a_code_is_looked_up_only_where_blusky_says_that_somebody_holds_the_card() {
    let refused = |words: &str| Step::Answered(Outcome::Refused(Told { result_code: None, ..told(0, words) }));
    let next = |words: &str| entry(Reassign::Never, vec![SENDING, refused(words)]).due(at(9));
    assert_eq!(next("Card Already Assigned : 1 Lovelace, Ada"), Next::ReadBack);
    assert_eq!(next("The request is invalid."), Next::Done);
}

#[test]
fn where_the_read_back_alone_decides_a_card_that_was_this_users_already_is_said_to_be() {
    let any = |words: &str| Step::Answered(Outcome::Unclear { told: told(0, words), listed: false });
    let warnings = |words: &str| entry(Reassign::Never, vec![SENDING, any(words), found()]).progress().warnings.clone();
    assert_eq!(warnings("Card Already Assigned : 1 Lovelace, Ada"), ["already_assigned_to_this_user"]);
    assert!(warnings("done").is_empty());
}

#[test]
fn a_card_that_our_earlier_call_may_have_given_is_in_doubt_for_two_minutes_while_nobody_can_look() {
    let cannot = || Step::ReadBack(ReadBack::Failed { why: "reset".into() });
    let state = |second| {
        let steps = [(0, SENDING), (0, no_answer()), (1, NOT_FOUND), (second, SENDING), (second, held()), (second, cannot())];
        let entry = entry(Reassign::Never, vec![]).after(steps.map(|(second, step)| (at(second), step)));
        (entry.progress().state, entry.due(at(second)))
    };
    assert_eq!(state(120), (State::InDoubt, Next::ReadBack));
    assert_eq!(state(121), (State::Refused, Next::Done), "whoever holds it, it is not from us");
    let first = entry(Reassign::Never, vec![SENDING, held(), cannot()]);
    assert_eq!(first.progress().state, State::Refused, "no earlier call can have given it");
}

#[test]
fn an_update_is_repeated_for_two_minutes_and_then_no_more() {
    let absent = |second| update(vec![(0, SENDING), (1, no_answer()), (second, shown(&["public_notes"], &[]))]).due(at(second));
    assert_eq!((absent(120), absent(121)), (Next::Send { reassign: false }, Next::Person));
}

#[test]
fn a_yes_at_the_question_is_good_from_then_on_and_one_with_the_order_from_the_order_on() {
    let decided = || Step::Reassign { decided_by: DecidedBy::Operator };
    let takes = |reassign, second| {
        let steps = [(100, SENDING), (100, held()), (100, NOT_FOUND), (100, decided())];
        entry(reassign, vec![]).after(steps.map(|(second, step)| (at(second), step))).due(at(second)) == Next::Send { reassign: true }
    };
    assert_eq!((takes(Reassign::Ask, 220), takes(Reassign::Ask, 221)), (true, false));
    assert_eq!((takes(Reassign::Given, 120), takes(Reassign::Given, 121)), (true, false));
}

#[test]
fn a_new_user_whom_a_person_has_found_is_that_user_and_no_cards_order_ends_by_such_a_word() {
    let found = || Step::Retry { absent: false, user: Some(Uuid::from_u128(6)) };
    let ada = user(vec![SENDING, no_answer(), found()]);
    assert_eq!((ada.progress().state, ada.progress().told.value), (State::Accepted, Some(Uuid::from_u128(6))));
    let card = entry(Reassign::Never, vec![SENDING, no_answer(), found()]);
    assert_eq!((card.progress().state, card.next(at(9))), (State::Saved, Next::ReadBack));
}

#[test]
fn a_card_is_given_away_for_as_long_as_the_site_says_unless_nothing_came_of_its_order_or_it_was_taken_back() {
    let shown = |second, mut entry: Entry| {
        entry.source = Some(Source { reader: Some("desk".to_owned()), card: "a".to_owned(), seen_at: at(second) });
        entry
    };
    let is_given = |steps: Vec<Step>, second| {
        let Operation::AddUserCard(call) = entry(Reassign::Never, vec![]).operation else { unreachable!() };
        let call = Operation::AddUserCard(AddUserCard { user_id: Uuid::from_u128(8), ..call });
        let next = shown(second, Entry::of(Uuid::from_u128(2), at(second), call, Reassign::Never));
        let terms = Terms { given_within: Some(TimeDelta::seconds(60)), ..Terms::default() };
        terms.judge(&next, [shown(0, entry(Reassign::Never, steps))].into_iter()).is_err()
    };
    let accepted = || vec![SENDING, Step::Answered(Outcome::Accepted(told(0, "Success"))), found()];
    for steps in [vec![], vec![SENDING], vec![SENDING, no_answer()], accepted()] {
        assert_eq!((is_given(steps.clone(), 60), is_given(steps.clone(), 61)), (true, false), "{steps:?}");
    }
    let refused = vec![SENDING, Step::Answered(Outcome::Refused(told(5, "No such card type"))), NOT_FOUND];
    let taken_back = [accepted(), vec![Step::Undone { by: Uuid::from_u128(3) }]].concat();
    for steps in [refused, vec![Step::Discarded { superseded_by: None }], taken_back] {
        assert!(!is_given(steps.clone(), 1), "{steps:?}");
    }
    let [undone, failed] = [3, 4].map(|by| (Step::Undone { by: Uuid::from_u128(3) }, Step::UndoFailed { by: Uuid::from_u128(by) }));
    assert!(is_given([accepted(), vec![undone.0, undone.1]].concat(), 1), "it was not taken back after all");
    assert!(!is_given([accepted(), vec![failed.0, failed.1]].concat(), 1), "that was another wish");
}

#[test]
fn what_a_store_that_was_put_back_holds_unsent_is_looked_for_before_it_is_sent() {
    let restored = entry(Reassign::Never, vec![Step::Restored]);
    assert_eq!((restored.progress().state, restored.next(at(60))), (State::InDoubt, Next::ReadBack));
    assert_eq!(restored.unproven_until(TimeDelta::zero()), Some(at(30)), "it may still be under way from there");
}

#[test]
fn a_person_is_told_of_a_doubt_that_nothing_settles_for_ten_minutes() {
    let failed = || Step::ReadBack(ReadBack::Failed { why: "the list could not be read".to_owned() });
    let for_a_person = |entry: &Entry| {
        let mut counting = tally::Counting::new(&entry.base_url);
        counting.take(entry);
        let tally = counting.tally(at(0));
        (tally.for_a_person.len(), tally.in_doubt)
    };
    let (mut steps, mut second) = (vec![(0, SENDING), (0, no_answer())], 0);
    while for_a_person(&timed(Reassign::Never, steps.clone())) == (0, 1) {
        let entry = timed(Reassign::Never, steps.clone());
        if let Next::Wait(until) = entry.next(day(second)) {
            second = (until - day(0)).num_seconds();
        }
        assert_eq!(entry.next(day(second)), Next::ReadBack);
        steps.push((second, failed()));
    }
    assert!((600..=630).contains(&second), "a person is told after {second} s");
    let told = timed(Reassign::Never, steps);
    assert_eq!(for_a_person(&told), (1, 0));
    assert_eq!(told.due(day(second)), Next::ReadBack, "it goes on by itself");
}

#[test]
fn whoever_gives_up_what_blusky_may_have_done_is_told_so_and_nobody_else() {
    let given_up = |steps: Vec<Step>| entry(Reassign::Never, [steps, vec![Step::Discarded { superseded_by: None }]].concat());
    let retry = || Step::Retry { absent: false, user: None };
    let cannot_tell = || Step::ReadBack(ReadBack::CannotTell);
    for steps in [vec![SENDING], vec![SENDING, no_answer()], vec![SENDING, no_answer(), cannot_tell(), retry()], vec![Step::Restored]] {
        let why = given_up(steps.clone()).progress().why.clone().unwrap_or_default();
        assert!(why.contains("may have given the card all the same"), "{steps:?}: {why}");
    }
    let refused = Step::Answered(Outcome::Refused(told(5, "No such card type")));
    let away = Step::Answered(Outcome::Away { why: "no connection".to_owned() });
    for steps in [vec![], vec![SENDING, away], vec![SENDING, refused, NOT_FOUND], vec![SENDING, no_answer(), NOT_FOUND]] {
        assert_eq!(given_up(steps.clone()).progress().why, None, "{steps:?}");
    }
}
