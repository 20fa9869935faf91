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
