//! What a person is told where an entry goes no further without them, and what the looks mean that led there.

use super::*;
use crate::access::{AccessLevelGroup, RemoveUserCard};

fn held() -> Step {
    Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")))
}

fn accepted(words: &str) -> Step {
    Step::Answered(Outcome::Accepted(told(0, words)))
}

fn unavailable() -> Step {
    Step::ReadBack(ReadBack::Unavailable { why: "404".into() })
}

fn cannot_tell() -> Step {
    Step::ReadBack(ReadBack::CannotTell)
}

/// A call, lost.
fn lost(operation: Operation) -> Entry {
    Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never).after([(at(0), SENDING), (at(1), no_answer())])
}

fn removal() -> Operation {
    Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9), user_id: Uuid::from_u128(7) })
}

#[test]
fn whoever_must_look_is_told_what_blusky_shows_and_where_to_look() {
    let keyless = || Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(1, "") }, listed: true });
    let card = |steps| entry(Reassign::Never, steps);
    let again = |shown: Step| card(vec![SENDING, no_answer(), NOT_FOUND, SENDING, held(), shown]);
    let changed = |second, shown: Step| update(vec![(0, SENDING), (1, no_answer()), (second, shown)]);
    let Step::ReadBack(still_there) = found() else { unreachable!() };
    let taken = Entry::of(Uuid::from_u128(1), at(0), removal(), Reassign::Never).after([(at(0), SENDING), (at(1), accepted(""))]);
    for (entry, words) in [
        (taken.after([(at(70), found())]), "says that the card was taken back, and still shows it"),
        (card(vec![SENDING, no_answer(), cannot_tell()]), "a card that may be this one"),
        (card(vec![SENDING, no_answer(), unavailable()]), "404"),
        (card(vec![SENDING, keyless(), NOT_FOUND]), "says success and shows no such card"),
        (again(cannot_tell()), "a card that may be this one"),
        (again(unavailable()), "an earlier call may have done it"),
        (changed(70, NOT_FOUND), "does not show this card as the user's"),
        (changed(5, shown(&[], &["public_notes"])), "does not show the members that were to change"),
        (changed(600, shown(&["public_notes"], &[])), "somebody may have changed them since"),
        (lost(removal()).after([(at(600), Step::ReadBack(still_there))]), "somebody may have given it to them anew"),
        (lost(removal()).after([(at(2), cannot_tell())]), "a card that may be this one"),
        (lost(removal()).after([(at(2), unavailable())]), "404"),
    ] {
        let why = entry.progress().why.clone().unwrap_or_default();
        assert_eq!((entry.progress().state, entry.due(at(999))), (State::InDoubt, Next::Person), "{words}");
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn while_it_is_looked_for_it_is_said_why() {
    let failed = || Step::ReadBack(ReadBack::Failed { why: "the list is broken".into() });
    for (steps, words) in [
        (vec![SENDING, no_answer()], "reset"),
        (vec![SENDING, no_answer(), NOT_YET()], "not yet"),
        (vec![SENDING, no_answer(), failed()], "the list is broken"),
        (vec![SENDING, accepted("Success"), failed()], "the list is broken"),
        (vec![SENDING, accepted("Success"), NOT_YET()], "does not show the card yet"),
        (vec![SENDING, no_answer(), NOT_FOUND, SENDING, held(), failed()], "an earlier call may have done it"),
        (vec![SENDING, no_answer(), NOT_FOUND, SENDING, held(), NOT_YET()], "an earlier call may have done it"),
    ] {
        let entry = entry(Reassign::Never, steps);
        assert_eq!(entry.due(at(999)), Next::ReadBack, "{words}");
        assert!(entry.progress().said().is_some_and(|said| said.contains(words)), "{words}: {:?}", entry.progress().said());
    }
    let impossible = entry(Reassign::Never, vec![SENDING, Step::Answered(Outcome::Impossible { why: "no such call".into() })]);
    assert_eq!((impossible.due(at(9)), impossible.progress().said().as_deref()), (Next::Done, Some("no such call")));
}

#[test]
fn whoever_gives_up_what_may_have_been_done_is_told_what_to_look_at() {
    let access = AccessLevelGroup { access_level_group_id: 3, user_id: Uuid::from_u128(7) };
    for (operation, words) in [
        (entry(Reassign::Never, vec![]).operation, "may have given the card"),
        (removal(), "may have taken the card back"),
        (update(vec![]).operation, "may have changed the card"),
        (user(vec![]).operation, "may have added the user"),
        (Operation::AddAccessLevelGroup(access.clone()), "may have changed the user's access"),
        (Operation::RemoveAccessLevelGroup(access), "may have changed the user's access"),
    ] {
        let given_up = lost(operation).after([(at(9), Step::Discarded { superseded_by: None })]);
        let why = given_up.progress().why.clone().unwrap_or_default();
        assert!(given_up.progress().state == State::Discarded && why.contains(words), "{words}: {why}");
    }
}

#[test]
fn the_list_of_people_is_looked_into_seldom_and_a_person_is_told_where_it_cannot_say() {
    let not_yet = || Step::ReadBack(ReadBack::NotYet { why: "lists can be behind".into() });
    let mut ada = user(vec![]).after([(day(0), SENDING), (day(0), no_answer())]);
    for (second, next) in [(1, 5), (5, 21), (21, 81)] {
        ada.add(day(second), not_yet());
        assert_eq!(ada.next(day(second)), Next::Wait(day(next)));
        assert_eq!((ada.progress().state, ada.progress().said().as_deref()), (State::InDoubt, Some("lists can be behind")));
    }
    for shown in [found(), NOT_FOUND, cannot_tell(), unavailable()] {
        let looked = ada.clone().after([(day(81), shown)]);
        assert_eq!((looked.progress().state, looked.due(day(99))), (State::InDoubt, Next::Person));
        assert!(looked.progress().why.as_ref().is_some_and(|why| why.contains("--user GUID")), "{:?}", looked.progress().why);
    }
}

#[test]
fn what_blusky_says_beside_a_success_makes_the_card_nobodys_before() {
    let taken = vec![Step::Sending { reassign: true }, accepted("Card Already Assigned : 1 Lovelace, Ada; reassigned"), found()];
    assert_eq!(entry(Reassign::Always, taken).progress().warnings, [""; 0]);
}

#[test]
fn what_an_earlier_call_of_ours_may_have_set_is_not_said_to_be_unset() {
    let steps = vec![SENDING, no_answer(), NOT_FOUND, SENDING, held(), shown(&[], &["pin"])];
    assert_eq!(entry(Reassign::Never, steps).progress().warnings, ["already_assigned_to_this_user", "not_shown: pin"]);
}

#[test]
fn a_card_that_somebody_holds_and_no_call_of_ours_can_have_given_is_refused_whatever_can_be_seen() {
    for shown in [cannot_tell(), unavailable()] {
        let refused = entry(Reassign::Never, vec![SENDING, held(), shown]);
        assert_eq!((refused.progress().state, refused.due(at(9))), (State::Refused, Next::Done));
    }
}

#[test]
fn the_key_of_an_assignment_is_the_one_that_was_answered_else_the_one_that_is_shown() {
    let card = StoredCard { card_id: Some(Uuid::from_u128(9)), user_card_id: Some(Uuid::from_u128(4)), ..StoredCard::default() };
    let shown = || Step::ReadBack(ReadBack::Found(Box::new(card.clone())));
    let key = |answer: Step| entry(Reassign::Never, vec![SENDING, answer, shown()]).progress().told.value;
    assert_eq!((key(no_answer()), key(accepted(""))), (Some(Uuid::from_u128(4)), Some(Uuid::from_u128(5))));
}

#[test]
fn what_was_answered_is_no_longer_under_way_and_is_shown_within_the_time_that_blusky_takes() {
    let until = |answer: Step, seconds| entry(Reassign::Never, vec![SENDING, answer]).unproven_until(TimeDelta::seconds(seconds));
    assert_eq!((until(accepted(""), 60), until(accepted(""), 0)), (Some(at(60)), Some(at(0))));
    let unclear = Step::Answered(Outcome::Unclear { told: told(1, ""), listed: true });
    let abandoned = entry(Reassign::Never, vec![SENDING]).abandoned().unwrap();
    assert_eq!((until(unclear, 0), until(abandoned, 0)), (Some(at(2)), Some(at(2))));
}

#[test]
fn an_entry_for_another_blusky_is_counted_there_until_it_ends_also_while_it_waits_for_a_person() {
    let elsewhere = |steps| {
        let mut counting = tally::Counting::new("https://other.example");
        counting.take(&entry(Reassign::Never, steps));
        counting.tally(at(0)).elsewhere
    };
    assert_eq!(elsewhere(vec![]) + elsewhere(vec![SENDING, no_answer(), cannot_tell()]), 2);
    assert_eq!(elsewhere(vec![SENDING, accepted(""), found()]), 0);
}

#[test]
fn a_code_came_with_success_whatever_else_is_said_of_the_card() {
    let mut counting = tally::Counting::new("");
    counting.take(&entry(Reassign::Never, vec![SENDING, accepted(""), shown(&[], &["pin"])]));
    let codes = counting.tally(at(0)).calls.remove("AddUserCard").map(|seen| (seen.success_codes, seen.refusal_codes));
    assert_eq!(codes, Some(([0].into(), [].into())));
}

#[test]
fn what_is_counted_of_an_entry_is_what_stands_in_its_way() {
    let stopped = || Step::Answered(Outcome::Stopped { why: "401".into() });
    let tally = |entries: &[Entry]| {
        let mut counting = tally::Counting::new("");
        entries.iter().for_each(|entry| counting.take(entry));
        counting.tally(at(0))
    };
    let one = |steps| tally(&[entry(Reassign::Never, steps)]);
    let not_sent = Step::Answered(Outcome::NotSent { why: "no route".into() });
    assert_eq!((one(vec![SENDING, not_sent]).stopped(), one(vec![SENDING, stopped()]).stopped()), (None, Some(&"401".to_owned())));
    let impossible = one(vec![SENDING, Step::Answered(Outcome::Impossible { why: "no such call".into() })]);
    assert_eq!(impossible.calls.get("AddUserCard").map(|seen| seen.exists), Some(false));
    // A secret is kept for what may still be sent to this BluSKY.
    let sealed = |steps, base_url: &str| {
        let sealed = Entry { is_sealed: true, base_url: base_url.to_owned(), ..entry(Reassign::Never, steps) };
        tally(&[sealed]).sealed.len()
    };
    let done = vec![SENDING, accepted(""), found()];
    let refused = vec![SENDING, Step::Answered(Outcome::Refused(told(5, "No"))), NOT_FOUND];
    assert_eq!([sealed(vec![], ""), sealed(done, ""), sealed(refused, ""), sealed(vec![], "https://other.example")], [1, 0, 0, 0]);
    // Whoever has waited longest for a person is named first.
    let stuck = |id: u128, second| {
        let stuck = entry(Reassign::Never, vec![SENDING, no_answer(), cannot_tell()]);
        Entry { id: Uuid::from_u128(id), saved_at: at(second), ..stuck }
    };
    let waiting = tally(&(1..9).map(|id| stuck(id, 100 - id as i64)).collect::<Vec<_>>());
    let ids: Vec<u128> = waiting.for_a_person.iter().map(|entry| entry.id.as_u128()).collect();
    assert_eq!(ids, [8, 7, 6, 5, 4, 3, 2, 1]);
}
