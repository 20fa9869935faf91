//! A card taken back: done once it is no longer the user's, and never taken from them a second time by itself.

use super::*;
use crate::access::RemoveUserCard;

fn removal(steps: Vec<(i64, Step)>) -> Entry {
    let operation = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9), user_id: Uuid::from_u128(7) });
    let steps = steps.into_iter().map(|(second, step)| (at(second), step));
    Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never).after(steps)
}

fn refused() -> Step {
    Step::Answered(Outcome::Refused(Told { value: None, ..told(14, "NotFound") }))
}

fn accepted() -> Step {
    Step::Answered(Outcome::Accepted(Told { value: None, ..told(0, "Success") }))
}

fn why(words: &str) -> String {
    words.to_owned()
}

/// What became of it, what comes next, and what is said of it.
fn after(answer: Step, second: i64, shown: ReadBack) -> (State, Next, Vec<String>) {
    let entry = removal(vec![(0, SENDING), (1, answer), (second, Step::ReadBack(shown))]);
    (entry.progress().state, entry.due(at(second)), entry.progress().warnings.clone())
}

#[test]
fn a_card_that_is_no_longer_shown_is_taken_back_whatever_was_answered() {
    for answer in [accepted(), no_answer()] {
        assert_eq!(after(answer, 2, ReadBack::NotFound), (State::Accepted, Next::Done, vec![]));
    }
    let gone = vec!["not_this_users_card".to_owned()];
    assert_eq!(after(refused(), 2, ReadBack::NotFound), (State::Accepted, Next::Done, gone), "it was gone before");
}

#[test]
fn a_refusal_stands_where_the_card_is_still_shown_or_nobody_can_look() {
    let Step::ReadBack(still_there) = found() else { unreachable!() };
    let unavailable = ReadBack::Unavailable { why: why("404") };
    for shown in
        [still_there, ReadBack::NotYet { why: why("not yet") }, ReadBack::CannotTell, unavailable, ReadBack::Failed { why: why("reset") }]
    {
        assert_eq!(after(refused(), 2, shown.clone()), (State::Refused, Next::Done, vec![]), "{shown:?}");
    }
}

#[test]
fn a_card_that_blusky_says_it_took_and_still_shows_waits_for_a_person_whose_retry_looks_before_it_sends() {
    let Step::ReadBack(still_there) = found() else { unreachable!() };
    assert_eq!(after(accepted(), 70, still_there.clone()), (State::InDoubt, Next::Person, vec![]));
    let retried = |shown| {
        let retry = Step::Retry { absent: false, user: None };
        let steps = vec![(0, SENDING), (1, accepted()), (70, Step::ReadBack(still_there.clone())), (900, retry)];
        let mut entry = removal(steps);
        assert_eq!(entry.due(at(900)), Next::ReadBack, "nothing is sent before somebody has looked");
        entry.add(at(901), Step::ReadBack(shown));
        (entry.progress().state, entry.due(at(901)))
    };
    assert_eq!(retried(still_there.clone()), (State::Saved, Next::Send { reassign: false }));
    assert_eq!(retried(ReadBack::NotFound), (State::Accepted, Next::Done));
}

#[test]
fn what_blusky_has_accepted_stays_accepted_where_nobody_can_look() {
    let unseen = vec!["read_back_unavailable".to_owned()];
    assert_eq!(after(accepted(), 2, ReadBack::CannotTell), (State::Accepted, Next::Done, unseen.clone()));
    assert_eq!(after(accepted(), 2, ReadBack::Unavailable { why: why("404") }), (State::Accepted, Next::Done, unseen));
}

#[test]
fn a_removal_in_doubt_is_sent_again_while_nobody_can_have_given_the_card_anew() {
    let Step::ReadBack(still_there) = found() else { unreachable!() };
    let doubt = |second, shown| {
        let (state, next, _) = after(no_answer(), second, shown);
        (state, next)
    };
    assert_eq!(doubt(120, still_there.clone()), (State::Saved, Next::Send { reassign: false }));
    assert_eq!(doubt(121, still_there), (State::InDoubt, Next::Person), "two minutes later somebody may have");
    assert_eq!(doubt(2, ReadBack::NotYet { why: why("not yet") }), (State::InDoubt, Next::ReadBack));
    assert_eq!(doubt(2, ReadBack::Failed { why: why("reset") }), (State::InDoubt, Next::ReadBack));
    assert_eq!(doubt(2, ReadBack::CannotTell), (State::InDoubt, Next::Person));
    assert_eq!(doubt(2, ReadBack::Unavailable { why: why("404") }), (State::InDoubt, Next::Person));
}
