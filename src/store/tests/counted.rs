//! How the outbox stands: counted once, and then kept up by what is written.

use super::*;
use crate::{
    outbox::tally::Tally,
    store::{StoreHandle, count::Count},
};

const MANY: u128 = 300;

fn counts(tally: &Tally) -> (usize, usize, usize) {
    (tally.waiting, tally.sending, tally.sealed.len())
}

#[test]
fn an_outbox_that_was_counted_is_kept_up_with_whatever_became_of_its_entries() {
    for kind in kinds() {
        let mut store = kind.open();
        let mut count = Count::default();
        let mut counted = |store: &mut dyn Store, changed: &[u128]| {
            changed.iter().for_each(|number| count.changes(Uuid::from_u128(*number)));
            loop {
                if let Some(tally) = count.go_on(store, at(0)).unwrap() {
                    return counts(&tally);
                }
            }
        };
        (1..=MANY).for_each(|number| store.save(&entry(number, number), Terms::default()).unwrap());
        assert_eq!(counted(store.as_mut(), &[]), (300, 0, 300), "{}", kind.0);
        go(store.as_mut(), Uuid::from_u128(1), &[SENDING]);
        go(store.as_mut(), Uuid::from_u128(2), &[GIVEN_UP]);
        store.save(&entry(MANY + 1, 7), Terms::default()).unwrap();
        // The last one was to be saved, and was not.
        assert_eq!(counted(store.as_mut(), &[1, 2, MANY + 1, MANY + 2]), (299, 1, 300), "{}", kind.0);
    }
}

#[tokio::test]
async fn whatever_is_asked_of_a_store_the_next_count_shows_it() {
    let handle = StoreHandle::over(Box::new(Memory::default().open(HERE))).unwrap();
    let tally = async || counts(&handle.tally(at(0)).await.unwrap());
    handle.save(shown(1, 7, "a card", 0)).await.unwrap();
    assert_eq!(tally().await, (1, 0, 1));
    let terms = Terms { supersedes: Some(Uuid::from_u128(1)), ..Terms::default() };
    handle.begin_save(Box::new(shown(2, 8, "a card", 1)), terms).await.unwrap().unwrap();
    assert_eq!(tally().await, (1, 0, 1), "the first is given up for the second");
    let second = handle.entry(Uuid::from_u128(2)).await.unwrap();
    handle.append(&second, at(2), SENDING).await.unwrap();
    assert_eq!(tally().await, (0, 1, 1));
    let second = handle.entry(second.id).await.unwrap();
    handle.append(&second, at(3), accepted()).await.unwrap();
    let second = handle.entry(second.id).await.unwrap();
    handle.undo(&second, at(4), vec![entry(3, 8)]).await.unwrap();
    assert_eq!(tally().await, (1, 0, 1), "what takes it back is counted");
}
