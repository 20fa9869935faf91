//! What an older program left behind, and what becomes of a secret.

use super::*;
use crate::{
    access::{Operation, Secret},
    enroll::enrollment::{Order, add_existing_card},
    outbox::{Reassign, State},
};

const BLUSKY: &str = "https://blusky.example";

/// A store of the first layout, with one card that was accepted then.
const FIRST_LAYOUT: &str = r#"
    CREATE TABLE entry (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, saved_at TEXT NOT NULL,
        kind TEXT NOT NULL, body TEXT NOT NULL, reassign TEXT NOT NULL, settled INTEGER NOT NULL);
    CREATE TABLE step (entry TEXT NOT NULL, n INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (entry, n)) WITHOUT ROWID;
    INSERT INTO entry VALUES (1, '00000000-0000-0000-0000-000000000001', '2026-01-01T00:00:00Z', 'add_user_card',
        '{"CardId":"00000000-0000-0000-0000-000000000009","CardUserFlags":1,"UserId":"00000000-0000-0000-0000-000000000007",
          "ReassignCardIfAlreadyAssigned":false}', '"never"', 1);
    INSERT INTO step VALUES ('00000000-0000-0000-0000-000000000001', 0, '2026-01-01T00:00:01Z', '{"step":"sending","reassign":false}');
    INSERT INTO step VALUES ('00000000-0000-0000-0000-000000000001', 1, '2026-01-01T00:00:02Z',
        '{"step":"read_back","shows":"found","card_id":"00000000-0000-0000-0000-000000000009","external_card_number":"7",
          "card_user_flags":1,"deleted":false}');
    PRAGMA user_version = 1;
"#;

#[test]
fn a_store_of_the_first_layout_is_taken_up_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(FIRST_LAYOUT).unwrap();
    old.pragma_update(None, "application_id", layout::APPLICATION).unwrap();
    drop(old);
    let mut store = Database::open(&path, BLUSKY, Sealer::new(folder.path().join("old.db.key"), None)).unwrap();
    let old = store.entry(Uuid::from_u128(1)).unwrap();
    assert_eq!((old.progress().state, store.secret(old.id)), (State::Accepted, Ok(None)));

    let mut order = Order::of(Uuid::from_u128(7));
    order.pin = Some(Secret::new("90417"));
    let operation = Operation::AddUserCard(add_existing_card(Uuid::from_u128(9), &order).unwrap());
    let entry = Entry::of(Uuid::from_u128(2), Utc::now(), operation, Reassign::Never);
    store.save(&entry, None).unwrap();
    assert_eq!(store.entry(entry.id).unwrap().operation.secret(), None, "a secret is not read with its entry");
    assert_eq!(store.secret(entry.id), Ok(Some(Secret::new("90417"))));
    store.append(entry.clone(), Utc::now(), &Step::Discarded).unwrap();
    assert_eq!(store.secret(entry.id), Err(StoreError::SecretGone));
}
