//! One BluSKY, however its address is or was written.

use super::*;
use crate::{
    access::Operation,
    enroll::enrollment::{Order, add_existing_card},
    outbox::{Reassign, Source},
};

/// An entry that gives a card of a reader to somebody.
fn card(number: u128, second: i64) -> Entry {
    let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000) + chrono::TimeDelta::seconds(second);
    let call = add_existing_card(Uuid::from_u128(9000), &Order::of(Uuid::from_u128(number))).unwrap();
    let source = Source { reader: Some("desk".to_owned()), card: "wiegand {26}1".to_owned(), seen_at: at };
    Entry { source: Some(source), ..Entry::of(Uuid::from_u128(number), at, Operation::AddUserCard(call), Reassign::Never) }
}

#[test]
fn what_was_saved_under_another_way_of_writing_the_same_address_is_delivered_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let path = folder.path().join("old.db");
    let seen = taken(&mut store);
    // As an older program kept it.
    store.base_url = "HTTPS://BluSKY.Example:443/".to_owned();
    store.save(&card(801, 0), Terms::default()).unwrap();
    store.base_url = "https://blusky.example:8443".to_owned();
    store.save(&card(802, 0), Terms::default()).unwrap();
    Box::new(store).close();
    let mut store = open(&path);
    assert_eq!(store.base_url, BLUSKY);
    let open = store.open_after(0).unwrap();
    let here = |number: u128| open.iter().any(|(_, entry)| entry.id == Uuid::from_u128(number) && entry.base_url == BLUSKY);
    assert_eq!((here(801), here(802)), (true, false), "another port is another BluSKY");
    let last = store.last_of_card("wiegand {26}1").unwrap().map(|entry| entry.id);
    assert_eq!((last, taken(&mut store), store.findings()), (Some(Uuid::from_u128(801)), seen, Ok(vec![])));
    let terms = Terms { given_within: Some(chrono::TimeDelta::seconds(60)), ..Terms::default() };
    assert!(matches!(store.save(&card(803, 30), terms), Err(StoreError::InTheWay(_))), "it was given to somebody else");
}
