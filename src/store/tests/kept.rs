//! What was answered is there, once, and a secret for as long as it is sent.

use super::*;

#[test]
fn what_was_answered_is_there_when_the_store_is_opened_again() {
    for kind in kinds() {
        let mut store = kind.open();
        let mut saved = shown(1, 7, "wiegand {26}BD88EB80", 3);
        saved.origin = read(1, "hid-h10301", Some(123), &[What::Checks]).origin;
        store.save(&saved, Terms::default()).unwrap();
        go(store.as_mut(), saved.id, &[SENDING, no_answer()]);
        store.keep("card-types", at(4), "[1,2]").unwrap();
        store.close();
        let mut store = kind.open();
        saved.operation.take_secret();
        (saved.base_url, saved.is_sealed) = (HERE.to_owned(), true);
        let wanted = saved.after([(at(1), SENDING), (at(2), no_answer())]);
        assert_eq!(store.entry(wanted.id), Ok(wanted.clone()), "{}", kind.0);
        assert_eq!(store.secret(wanted.id), Ok(Some(Secret::new("90417"))), "{}", kind.0);
        assert_eq!((store.kept("card-types"), store.kept("systems")), (Ok(Some((at(4), "[1,2]".to_owned()))), Ok(None)), "{}", kind.0);
        assert_eq!(store.findings(), Ok(vec![]), "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(2)), Err(StoreError::NoEntry(Uuid::from_u128(2).to_string())), "{}", kind.0);
    }
}

#[test]
fn a_step_that_is_taken_and_a_key_that_is_taken_are_conflicts_and_change_nothing() {
    for kind in kinds() {
        let mut store = kind.open();
        store.save(&entry(1, 7), Terms::default()).unwrap();
        let before = store.entry(Uuid::from_u128(1)).unwrap();
        store.append(before.clone(), at(1), &SENDING).unwrap();
        assert_eq!(store.append(before, at(2), &GIVEN_UP), Err(StoreError::Conflict), "{}", kind.0);
        assert_eq!(store.save(&entry(1, 8), Terms::default()), Err(StoreError::Conflict), "{}", kind.0);
        let kept = store.entry(Uuid::from_u128(1)).unwrap();
        assert_eq!((kept.operation.user(), kept.steps()), (Some(Uuid::from_u128(7)), [(at(1), SENDING)].as_slice()), "{}", kind.0);
        assert_eq!(store.secret(kept.id), Ok(Some(Secret::new("90417"))), "{}", kind.0);
    }
}

#[test]
fn what_a_person_must_look_for_is_found_by_the_next_station_until_the_person_has_looked() {
    for kind in kinds() {
        let mut store = kind.open();
        store.save(&entry(1, 7), Terms::default()).unwrap();
        go(store.as_mut(), Uuid::from_u128(1), &[SENDING, no_answer(), Step::ReadBack(ReadBack::CannotTell)]);
        store.close();
        let mut store = kind.open();
        let open = store.open_after(0).unwrap();
        assert!(open.len() == 1 && open[0].1.progress().needs_a_person(), "{}: {open:?}", kind.0);
        store.append(open[0].1.clone(), at(9), &GIVEN_UP).unwrap();
        assert_eq!((store.open_after(0).unwrap(), store.findings()), (vec![], Ok(vec![])), "{}", kind.0);
    }
}

#[test]
fn what_is_written_together_is_there_together_and_what_fails_in_it_fails_alone() {
    for kind in kinds() {
        let mut store = kind.open();
        store.begin_group();
        store.save(&entry(1, 7), Terms::default()).unwrap();
        assert_eq!(store.save(&entry(1, 8), Terms::default()), Err(StoreError::Conflict), "{}", kind.0);
        let saved = store.entry(Uuid::from_u128(1)).unwrap();
        store.append(saved.clone(), at(1), &SENDING).unwrap();
        assert_eq!(store.append(saved, at(1), &GIVEN_UP), Err(StoreError::Conflict), "{}", kind.0);
        store.save(&entry(2, 7), Terms::default()).unwrap();
        store.end_group().unwrap();
        store.close();
        let mut store = kind.open();
        assert_eq!(ids(&store.open_after(0).unwrap()), [1, 2], "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(1)).unwrap().steps(), [(at(1), SENDING)], "{}", kind.0);
        assert_eq!(store.findings(), Ok(vec![]), "{}", kind.0);
    }
}

#[tokio::test]
async fn what_many_ask_at_once_is_all_answered_and_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, "").unwrap();
    let database = Database::open(&path, HERE, Sealer::new(folder.path().join("a.db.key"), None, FILES)).unwrap();
    let kinds: [Box<dyn Store + Send>; 2] = [Box::new(database), Box::new(Memory::default().open(HERE))];
    for kind in kinds {
        let store = StoreHandle::over(kind).unwrap();
        let asked: Vec<_> = (1..=200).map(|number| store.begin_save(Box::new(entry(number, number)), Terms::default())).collect();
        for answer in asked {
            answer.await.unwrap().unwrap();
        }
        assert_eq!(store.all().await.unwrap().len(), 200);
        let (one, other) = (store.entry(Uuid::from_u128(1)).await.unwrap(), store.entry(Uuid::from_u128(2)).await.unwrap());
        let taken = store.append(&one, at(1), GIVEN_UP);
        let written = tokio::join!(store.append(&one, at(1), SENDING), store.append(&other, at(1), SENDING), taken);
        assert_eq!(written, (Ok(()), Ok(()), Err(StoreError::Conflict)));
        let [begun, left, nobody] = [3, 4, 999].map(Uuid::from_u128);
        let sends = |entry: &Entry| entry.steps().is_empty().then(|| (at(2), SENDING));
        let (begun, again) = tokio::join!(store.first_step(begun, sends), store.first_step(begun, sends));
        let begun = begun.unwrap();
        assert_eq!((begun.0.steps(), &begun.1), ([(at(2), SENDING)].as_slice(), &Some(SENDING)));
        assert_eq!((store.entry(begun.0.id).await.unwrap(), again), (begun.0.clone(), Ok((begun.0, None))));
        let (left, nobody) = tokio::join!(store.first_step(left, |_| None), store.first_step(nobody, sends));
        let (left, step) = left.unwrap();
        assert_eq!((left.steps().len(), step), (0, None));
        assert!(matches!(nobody, Err(StoreError::NoEntry(_))));
        assert_eq!(store.findings().await, Ok(vec![]));
    }
}

#[test]
fn a_secret_is_wiped_once_nothing_of_it_is_sent_any_more() {
    let ends: [(&[Step], bool); 5] = [
        (&[SENDING], false),
        (&[SENDING, no_answer()], false),
        (&[SENDING, accepted()], true),
        (&[SENDING, refused()], true),
        (&[GIVEN_UP], true),
    ];
    for kind in kinds() {
        let mut store = kind.open();
        for (number, (steps, wiped)) in (1..).zip(&ends) {
            let id = Uuid::from_u128(number);
            store.save(&entry(number, number), Terms::default()).unwrap();
            go(store.as_mut(), id, steps);
            let wanted = if *wiped { Err(StoreError::SecretGone) } else { Ok(Some(Secret::new("90417"))) };
            assert_eq!(store.secret(id), wanted, "{}: {steps:?}", kind.0);
        }
        let mut bare = entry(99, 7);
        bare.operation.take_secret();
        store.save(&bare, Terms::default()).unwrap();
        assert_eq!(store.secret(bare.id), Ok(None), "{}", kind.0);
        assert!(matches!(store.secret(Uuid::from_u128(100)), Err(StoreError::NoEntry(_))), "{}", kind.0);
    }
}
