//! A second call of one entry: what the first one left behind, what is not true of it any more, and what a person's word changes.

use super::*;
use crate::access::AccessLevelGroup;

fn retry(absent: bool) -> Step {
    Step::Retry { absent, user: None }
}

fn held() -> Step {
    Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")))
}

/// An answer of a BluSKY of which no code is known to mean success.
fn any(words: &str) -> Step {
    Step::Answered(Outcome::Unclear { told: told(2, words), listed: false })
}

fn not_sent() -> Step {
    Step::Answered(Outcome::NotSent { why: "no route".into() })
}

/// Access given to somebody.
fn group(steps: Vec<Step>) -> Entry {
    let operation = Operation::AddAccessLevelGroup(AccessLevelGroup { access_level_group_id: 3, user_id: Uuid::from_u128(7) });
    Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never).after(steps.into_iter().map(|step| (at(1), step)))
}

#[test]
fn what_blusky_said_of_an_earlier_call_is_not_said_of_a_later_one() {
    let again = entry(Reassign::Never, vec![SENDING, held(), NOT_FOUND, retry(false), SENDING]);
    assert_eq!((again.progress().said(), again.progress().told.value), (None, None));
}

#[test]
fn success_without_a_key_says_nothing_about_a_later_call() {
    let keyless = Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(1, "") }, listed: true });
    let mut again = entry(Reassign::Never, vec![SENDING, keyless, NOT_FOUND]);
    assert_eq!(again.due(at(3)), Next::Person);
    for step in [retry(true), SENDING, no_answer(), NOT_FOUND] {
        again.add(at(4), step);
    }
    assert_eq!(again.due(at(4)), Next::Send { reassign: false }, "the later call was lost, and is not there");
}

#[test]
fn an_answer_that_the_cards_had_to_explain_says_nothing_about_a_later_call_that_was_lost() {
    let decided = Step::Reassign { decided_by: DecidedBy::Operator };
    let taken = Step::Sending { reassign: true };
    let lost = |shown: Step| {
        let steps = vec![SENDING, any("Card Already Assigned : 1 Lovelace, Ada"), NOT_FOUND, decided.clone(), taken.clone()];
        entry(Reassign::Ask, [steps, vec![no_answer(), shown]].concat())
    };
    assert_eq!((lost(NOT_FOUND).progress().state, lost(NOT_FOUND).due(at(9))), (State::Saved, Next::Send { reassign: false }));
    assert_eq!((lost(found()).progress().state, lost(found()).progress().warnings.len()), (State::Accepted, 0));
}

#[test]
fn a_yes_given_with_the_order_still_counts_where_the_cards_show_that_blusky_did_nothing() {
    let asked = entry(Reassign::Given, vec![SENDING, any("Card Already Assigned : 1 Lovelace, Ada"), NOT_FOUND]);
    assert_eq!((asked.due(at(3)), asked.progress().warnings.len()), (Next::Reassign, 0));
}

#[test]
fn what_may_be_there_is_looked_for_at_each_retry_until_a_person_says_that_it_is_not() {
    let cannot_tell = || Step::ReadBack(ReadBack::CannotTell);
    let mut stuck = entry(Reassign::Never, vec![SENDING, no_answer(), cannot_tell()]);
    for _ in 0..3 {
        stuck.add(at(9), retry(false));
        assert_eq!((stuck.due(at(9)), stuck.progress().is_unsent()), (Next::ReadBack, false));
        stuck.add(at(9), cannot_tell());
    }
    stuck.add(at(10), retry(true));
    assert_eq!((stuck.next(at(10)), stuck.progress().is_unsent()), (Next::Send { reassign: false }, true));
}

#[test]
fn access_that_may_have_been_given_waits_for_a_person_and_goes_on_only_at_their_word() {
    let why = |entry: &Entry| entry.progress().why.clone().unwrap_or_default();
    let lost = group(vec![SENDING, no_answer()]);
    assert_eq!((lost.progress().state, lost.due(at(9))), (State::InDoubt, Next::Person));
    assert!(why(&lost).starts_with("reset; BluSKY names no call that shows a user's access"), "{}", why(&lost));
    let unseen = group(vec![SENDING, no_answer(), retry(false)]);
    assert_eq!((unseen.progress().state, unseen.due(at(9))), (State::InDoubt, Next::Person), "nobody has looked");
    assert!(why(&unseen).contains("--absent"), "{}", why(&unseen));
    let refused = Step::Answered(Outcome::Refused(told(5, "No")));
    for steps in [vec![SENDING, no_answer(), retry(true)], vec![SENDING, refused, retry(false)]] {
        assert_eq!(group(steps.clone()).next(at(9)), Next::Send { reassign: false }, "{steps:?}");
    }
}

#[test]
fn whoever_says_yes_to_taking_a_card_waits_for_no_pause_of_the_looks_before() {
    let looks = vec![SENDING, no_answer(), NOT_FOUND, SENDING, held(), NOT_YET(), NOT_YET(), NOT_YET(), NOT_FOUND];
    let mut asked = entry(Reassign::Ask, looks);
    assert_eq!(asked.next(at(9)), Next::Person);
    asked.add(at(10), Step::Reassign { decided_by: DecidedBy::Operator });
    assert_eq!(asked.next(at(10)), Next::Send { reassign: true });
}

#[test]
fn earlier_failures_put_the_first_look_at_an_unclear_answer_off_no_more_than_they_shorten_the_looks_at_an_accepted_card() {
    let failed = || vec![SENDING, not_sent(), SENDING, not_sent(), SENDING];
    let unclear = |listed| Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(1, "") }, listed });
    for listed in [true, false] {
        let looked = entry(Reassign::Never, [failed(), vec![unclear(listed)]].concat());
        assert_eq!(looked.next(at(5)), Next::ReadBack);
        assert_eq!(looked.after([(at(6), NOT_YET())]).next(at(6)), Next::Wait(at(8)), "nor the second one");
    }
    let accepted = Step::Answered(Outcome::Accepted(told(0, "Success")));
    let mut shown = entry(Reassign::Never, [failed(), vec![accepted, NOT_YET(), NOT_YET()]].concat());
    assert_eq!((shown.due(at(9)), shown.progress().warnings.len()), (Next::ReadBack, 0));
    shown.add(at(9), NOT_YET());
    assert_eq!(shown.due(at(9)), Next::Done);
}

#[test]
fn a_clock_that_was_set_back_makes_no_entry_wait_for_it_to_come_round_again() {
    let failed = timed(Reassign::Never, vec![(100, SENDING), (100, not_sent())]);
    assert_eq!((failed.next(day(100)), failed.next(day(50))), (Next::Wait(day(101)), Next::Send { reassign: false }));
}

#[test]
fn that_blusky_lets_nothing_through_is_said_until_the_entry_is_sent_again_whoever_is_erased_meanwhile() {
    let denied = Step::Answered(Outcome::Denied { only_this: "not this one".into(), everybody: "nobody".into() });
    let erased = || Step::Blotted { steps: Vec::new(), by: "Grace".to_owned() };
    let mut barred = entry(Reassign::Never, vec![SENDING, denied]);
    barred.add(at(5), erased());
    assert_eq!((barred.progress().stopped, barred.progress().said().as_deref()), (true, Some("nobody")));
    barred.add(at(6), SENDING);
    assert!(!barred.progress().stopped);
    let paused = timed(Reassign::Never, vec![(0, SENDING), (0, not_sent()), (1, SENDING), (1, not_sent()), (2, erased())]);
    assert_eq!(paused.next(day(3)), Next::Send { reassign: false }, "nor does its pause begin again");
}

#[test]
fn a_person_is_told_only_of_what_is_in_doubt_that_it_is_so_for_long() {
    let failed = std::iter::repeat_n([SENDING, not_sent()], 20).flatten().collect();
    assert!(!entry(Reassign::Never, failed).progress().is_long_in_doubt(), "it is known not to be there");
}

#[test]
fn what_is_known_to_blusky_is_told_by_its_words() {
    let known = |words: &str| entry(Reassign::Never, vec![SENDING, any(words)]).progress().is_known_to_blusky();
    assert_eq!(["Card ALREADY assigned : 1", "More than one card exists", "No such card type", ""].map(known), [true, true, false, false]);
}
