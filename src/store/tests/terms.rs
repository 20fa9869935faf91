//! On what terms an entry is written down.

use super::*;

#[test]
fn a_card_that_was_given_to_somebody_else_a_moment_ago_is_not_saved_again() {
    for kind in kinds() {
        let mut store = kind.open();
        let within = Terms { given_within: Some(TimeDelta::seconds(60)), ..Terms::default() };
        store.save(&shown(1, 7, "a", 0), within).unwrap();
        let given = |result: Result<(), StoreError>| match result {
            Err(StoreError::InTheWay(InTheWay::Given(given))) => Some((given.entry.as_u128(), given.user.as_u128(), given.seconds)),
            other => panic!("{}: {other:?}", kind.0),
        };
        assert_eq!(given(store.save(&shown(2, 8, "a", 30), within)), Some((1, 7, 30)));
        assert_eq!(store.save(&shown(3, 8, "a", 61), within), Ok(()), "{}: out of sight for long enough", kind.0);
        assert_eq!(store.save(&shown(4, 8, "a", 62), within), Ok(()), "{}: its own user", kind.0);
        assert_eq!(store.save(&shown(5, 9, "b", 0), within), Ok(()), "{}: another card", kind.0);
        assert_eq!(store.save(&shown(6, 10, "a", 63), Terms::default()), Ok(()), "{}: somebody says so", kind.0);
        store.seen("b", at(50)).unwrap();
        assert_eq!(given(store.save(&shown(7, 8, "b", 100), within)), Some((5, 9, 50)), "it was still there");
        go(store.as_mut(), Uuid::from_u128(5), &[GIVEN_UP]);
        assert_eq!(store.save(&shown(8, 8, "b", 100), within), Ok(()), "{}: it was not given after all", kind.0);
        let mut store = (kind.1)(ELSEWHERE);
        assert_eq!(store.save(&shown(9, 11, "b", 101), within), Ok(()), "{}: at another BluSKY", kind.0);
    }
}

#[test]
fn a_card_that_is_ordered_and_unsent_is_taken_for_nobody_else_unless_a_person_gives_that_order_up() {
    for kind in kinds() {
        let mut store = kind.open();
        let first = Terms { is_first: true, ..Terms::default() };
        let instead_of = |id| Terms { supersedes: Some(Uuid::from_u128(id)), ..first };
        let before = |result: Result<(), StoreError>| match result {
            Err(StoreError::InTheWay(InTheWay::Ordered(given))) => (given.entry.as_u128(), given.user.as_u128()),
            other => panic!("{}: {other:?}", kind.0),
        };
        let literal = |number, user, card| {
            let entry = shown(number, user, card, 0);
            Entry { source: entry.source.map(|source| Source { reader: None, ..source }), ..entry }
        };
        store.save(&literal(1, 7, "a"), first).unwrap();
        assert_eq!(before(store.save(&shown(2, 8, "a", 9000), first)), (1, 7), "{}: however long ago, and at no reader", kind.0);
        assert_eq!(store.save(&literal(2, 7, "a"), first), Ok(()), "{}: its own user", kind.0);
        assert_eq!(before(store.save(&literal(3, 8, "a"), instead_of(1))), (2, 7), "{}: another order is in its way", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(1)).unwrap().progress().state, State::Saved, "{}: and nothing was given up", kind.0);
        go(store.as_mut(), Uuid::from_u128(2), &[GIVEN_UP]);
        store.save(&literal(3, 8, "a"), instead_of(1)).unwrap();
        let given_up = store.entry(Uuid::from_u128(1)).unwrap();
        assert_eq!(given_up.progress().superseded_by, Some(Uuid::from_u128(3)), "{}", kind.0);
        assert_eq!(store.secret(Uuid::from_u128(1)), Err(StoreError::SecretGone), "{}: nothing of it is sent any more", kind.0);
        // What has been sent cannot be given up: whoever comes later waits for it.
        go(store.as_mut(), Uuid::from_u128(3), &[SENDING]);
        store.save(&literal(4, 9, "a"), instead_of(3)).unwrap();
        assert_eq!(store.entry(Uuid::from_u128(3)).unwrap().progress().state, State::Sending, "{}", kind.0);
    }
}

#[test]
fn what_is_taken_back_and_what_takes_it_back_are_written_down_in_one_moment_or_not_at_all() {
    for kind in kinds() {
        let mut store = kind.open();
        let (given, taken) = (Uuid::from_u128(1), Uuid::from_u128(2));
        store.save(&entry(1, 7), Terms::default()).unwrap();
        let bare = |number| {
            let mut bare = entry(number, 7);
            bare.take_secret();
            bare
        };
        let stale = store.entry(given).unwrap();
        go(store.as_mut(), given, &[SENDING, accepted()]);
        assert_eq!(store.undo(stale, at(5), &[bare(2), bare(3)]), Err(StoreError::Conflict), "{}: it has gone on", kind.0);
        assert_eq!(ids(&store.page_after(0).unwrap()), [1], "{}", kind.0);
        let now = store.entry(given).unwrap();
        store.undo(now, at(5), &[bare(2), bare(3)]).unwrap();
        assert_eq!(store.entry(given).unwrap().progress().undone_by, Some(taken), "{}", kind.0);
        assert_eq!(ids(&store.page_after(0).unwrap()), [1, 2, 3], "{}", kind.0);
        assert_eq!(store.findings().unwrap(), [""; 0], "{}", kind.0);
    }
}
