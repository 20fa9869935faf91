//! What hangs on a card that is taken back.

use super::*;
use crate::{access::RemoveUserCard, enroll::origin::Undoes};

const GIVEN: Uuid = Uuid::from_u128(1);
const TAKING: Uuid = Uuid::from_u128(2);
const GIVING_BACK: Uuid = Uuid::from_u128(3);

/// A store in which a card was given, and is to be taken back and given to somebody else.
fn taken_back(kind: &Kind) -> Box<dyn Store> {
    let mut store = kind.open();
    store.save(&entry(1, 7), Terms::default()).unwrap();
    go(store.as_mut(), GIVEN, &[SENDING, accepted(), Step::ReadBack(ReadBack::Unavailable { why: String::new() })]);
    let undoing = Some(Undoes { entry: GIVEN, gives_back: Some(GIVING_BACK) });
    let removal = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9001), user_id: Uuid::from_u128(7) });
    let origin = Origin { undoing, ..Origin::default() };
    let taking = Entry { origin, ..Entry::of(TAKING, at(5), removal, Reassign::Never) };
    let mut giving_back = entry(3, 8);
    giving_back.take_secret();
    giving_back.origin.once_taken_by = Some(TAKING);
    let given = store.entry(GIVEN).unwrap();
    store.undo(given, at(5), &[taking, giving_back]).unwrap();
    store
}

/// By what the card counts as taken back, and how giving it back stands.
fn stands(store: &mut dyn Store) -> (Option<Uuid>, State) {
    let given_back = store.entry(GIVING_BACK).unwrap().progress().state;
    (store.entry(GIVEN).unwrap().progress().undone_by, given_back)
}

#[test]
fn a_card_that_was_not_taken_back_is_given_to_nobody_and_counts_as_given() {
    let not_theirs = || Step::ReadBack(ReadBack::CannotTell);
    for steps in [vec![GIVEN_UP], vec![SENDING, refused(), not_theirs()], vec![SENDING, no_answer(), GIVEN_UP]] {
        for kind in kinds() {
            let mut store = taken_back(&kind);
            let (last, before) = steps.split_last().unwrap();
            go(store.as_mut(), TAKING, before);
            assert_eq!(stands(store.as_mut()), (Some(TAKING), State::Saved), "{}: it is not known yet: {steps:?}", kind.0);
            go(store.as_mut(), TAKING, std::slice::from_ref(last));
            assert_eq!(stands(store.as_mut()), (None, State::Discarded), "{}: {steps:?}", kind.0);
            assert!(store.entry(GIVING_BACK).unwrap().progress().why.is_some() && store.entry(GIVEN).unwrap().undo_failed());
            assert_eq!(ids(&store.open_after(0).unwrap()), [] as [u128; 0], "{}: nothing is sent any more", kind.0);
            assert_eq!(store.findings().unwrap(), [""; 0], "{}", kind.0);
        }
    }
}

#[test]
fn a_card_that_was_taken_back_goes_to_whoever_had_it_before() {
    for kind in kinds() {
        let mut store = taken_back(&kind);
        go(store.as_mut(), TAKING, &[SENDING, accepted(), Step::ReadBack(ReadBack::NotFound)]);
        assert_eq!(stands(store.as_mut()), (Some(TAKING), State::Saved), "{}", kind.0);
        assert_eq!(ids(&store.open_after(0).unwrap()), [3], "{}", kind.0);
    }
}

#[test]
fn a_new_try_to_take_a_card_back_counts_again_unless_a_later_wish_does() {
    for kind in kinds() {
        let mut store = taken_back(&kind);
        let again = Step::Retry { absent: false, user: None };
        go(store.as_mut(), TAKING, &[SENDING, refused(), Step::ReadBack(ReadBack::CannotTell), again.clone()]);
        assert_eq!(stands(store.as_mut()), (Some(TAKING), State::Discarded), "{}: what was given up stays so", kind.0);
        go(store.as_mut(), TAKING, &[SENDING, refused(), Step::ReadBack(ReadBack::CannotTell)]);
        let (given, mut later) = (store.entry(GIVEN).unwrap(), entry(4, 7));
        later.take_secret();
        store.undo(given, at(9), &[later]).unwrap();
        go(store.as_mut(), TAKING, &[again, GIVEN_UP]);
        assert_eq!(stands(store.as_mut()).0, Some(Uuid::from_u128(4)), "{}", kind.0);
    }
}
