//! What a look at the user's cards proves, and what it does not prove yet.

use super::*;
use crate::access::{
    RemoveUserCard,
    shown::{Is, Shown},
};

/// A card with this key and, where it is told, the key of its assignment; and whether that has ended.
fn card(key: u128, assignment: Option<u128>, ended: bool) -> StoredCard {
    let text = |id: u128| Is::Text(Uuid::from_u128(id).to_string());
    let members = [
        ("card_id", Some(text(key))),
        ("user_card_id", assignment.map(text)),
        ("deleted", Some(Is::Flag(ended))),
        ("card_user_flags", Some(Is::Number(1))),
    ];
    let told = members.into_iter().filter_map(|(name, is)| Some((name, is?)));
    StoredCard::of(Shown::of(told), serde_json::Value::Null)
}

/// A card of which nothing can be read.
fn unreadable() -> StoredCard {
    StoredCard::of(Shown::of([("card_id", Is::Unreadable)]), serde_json::Value::Null)
}

fn looked(entry: &Entry, cards: Vec<StoredCard>, too_early: bool) -> &'static str {
    match ReadBack::of(entry, &entry.operation, cards, too_early) {
        ReadBack::Found(_) => "found",
        ReadBack::NotFound => "not found",
        ReadBack::NotYet { .. } => "not yet",
        ReadBack::CannotTell => "cannot tell",
        ReadBack::Unavailable { .. } | ReadBack::Failed { .. } => "failed",
    }
}

fn given() -> Entry {
    entry(Reassign::Never, vec![SENDING, no_answer()])
}

fn taken_back() -> Entry {
    let removal = RemoveUserCard { card_id: Uuid::from_u128(9), user_id: Uuid::from_u128(7) };
    Entry::of(Uuid::from_u128(1), at(0), Operation::RemoveUserCard(removal), Reassign::Never).after([(at(0), SENDING)])
}

#[test]
fn a_card_is_not_there_only_where_all_others_are_other_ones_and_blusky_has_had_the_time_to_show_it() {
    for (cards, early, late) in [
        (vec![card(9, None, false), card(8, None, false)], "found", "found"),
        (vec![card(8, None, false)], "not yet", "not found"),
        (vec![], "not yet", "not found"),
        (vec![card(8, None, false), unreadable()], "not yet", "cannot tell"),
    ] {
        assert_eq!((looked(&given(), cards.clone(), true), looked(&given(), cards.clone(), false)), (early, late), "{cards:?}");
    }
}

#[test]
fn a_card_that_was_taken_back_is_gone_only_where_all_others_are_other_ones_whenever_that_is_seen() {
    for (cards, early, late) in [
        (vec![card(9, None, false)], "not yet", "found"),
        (vec![card(8, None, false)], "not found", "not found"),
        (vec![unreadable()], "cannot tell", "cannot tell"),
    ] {
        assert_eq!((looked(&taken_back(), cards.clone(), true), looked(&taken_back(), cards.clone(), false)), (early, late), "{cards:?}");
    }
}

#[test]
fn the_card_with_the_key_that_blusky_gave_is_the_one_unless_that_assignment_has_ended() {
    // The answer named assignment 5, and what is shown there is another card than was sent.
    let keyed = entry(Reassign::Never, vec![SENDING, Step::Answered(Outcome::Accepted(told(0, "Success")))]);
    assert_eq!(looked(&keyed, vec![card(8, Some(5), false)], false), "found");
    assert_eq!(looked(&keyed, vec![card(8, Some(5), true)], false), "not found");
    assert_eq!(looked(&keyed, vec![card(8, Some(6), false)], false), "not found");
    assert_eq!(looked(&given(), vec![card(8, None, false)], false), "not found", "no key is not the same as none");
}

#[test]
fn an_update_that_is_not_shown_yet_is_waited_for_only_while_it_is_in_doubt() {
    let seen = |answer: Step, early: bool| looked(&update(vec![(0, SENDING), (1, answer)]), vec![card(9, None, false)], early);
    let accepted = Step::Answered(Outcome::Accepted(told(0, "Success")));
    assert_eq!([seen(no_answer(), true), seen(no_answer(), false), seen(accepted, true)], ["not yet", "found", "found"]);
}

#[test]
fn a_card_in_doubt_that_is_shown_with_other_values_than_were_sent_is_done_and_never_sent_again() {
    let entry = entry(Reassign::Never, vec![SENDING, no_answer(), shown(&["card_activation_start_date_time"], &[])]);
    assert_eq!((entry.progress().state, entry.next(at(60))), (State::Accepted, Next::Done));
    assert!(entry.progress().stored_differs());
}

#[test]
fn a_card_whose_holder_is_not_active_is_accepted_with_a_warning() {
    let with = |flags| {
        let card = StoredCard { card_user_flags: flags, ..StoredCard::default() };
        let steps = vec![SENDING, no_answer(), Step::ReadBack(ReadBack::Found(Box::new(card)))];
        entry(Reassign::Never, steps).progress().warnings.clone()
    };
    assert_eq!((with(Some(0)), with(Some(1)), with(None)), (vec!["inactive_card".to_owned()], vec![], vec![]));
}

#[test]
fn an_accepted_card_that_is_not_shown_is_looked_for_three_times_and_then_it_is_said() {
    let accepted = || Step::Answered(Outcome::Accepted(told(0, "Success")));
    let mut looked = entry(Reassign::Never, vec![SENDING, accepted(), NOT_YET(), NOT_YET()]);
    assert_eq!((looked.due(at(9)), looked.progress().warnings.len()), (Next::ReadBack, 0));
    looked.add(at(9), NOT_YET());
    assert_eq!((looked.due(at(9)), looked.progress().warnings.clone()), (Next::Done, vec!["not_in_read_back".to_owned()]));
}

#[test]
fn of_an_entry_whose_store_was_put_back_nothing_is_proven_before_a_call_of_that_moment_could_show() {
    let restored = timed(Reassign::Never, vec![(0, Step::Restored)]);
    assert_eq!((restored.due(day(0)), restored.unproven_until(TimeDelta::zero())), (Next::ReadBack, Some(day(30))));
}

#[test]
fn a_persons_yes_takes_the_card_also_where_an_earlier_call_was_lost() {
    let held = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    let mut lost = entry(Reassign::Ask, vec![SENDING, no_answer(), NOT_FOUND, SENDING, held, NOT_FOUND]);
    assert_eq!(lost.next(at(9)), Next::Person);
    lost.add(at(10), Step::Reassign { decided_by: DecidedBy::Operator });
    assert_eq!(lost.next(at(11)), Next::Send { reassign: true });
}
