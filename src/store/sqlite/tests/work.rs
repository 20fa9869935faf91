//! How much there is to do for one card in a store that is full: steps of SQLite, and rows that are read.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use chrono::TimeDelta;

use super::*;
use crate::{
    access::{Operation, Outcome, Told},
    enroll::enrollment::{Order, add_existing_card},
    outbox::{ReadBack, Reassign, Source, Step},
    store::sqlite::rows::ROWS_READ,
};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(second)
}

/// An entry that gives this card of a reader to a user of its own.
fn card(number: u128, card: &str, second: i64) -> Entry {
    let call = add_existing_card(Uuid::from_u128(9000 + number), &Order::of(Uuid::from_u128(number))).unwrap();
    let source = Source { reader: Some("desk".to_owned()), card: card.to_owned(), seen_at: at(second) };
    Entry { source: Some(source), ..Entry::of(Uuid::from_u128(number), at(second), Operation::AddUserCard(call), Reassign::Never) }
}

fn new_user(number: u128, name: &str) -> Entry {
    let company = Uuid::from_u128(5);
    let user = serde_json::json!({
        "first_name": "Ada", "last_name": name, "facility_id": company, "company_instance_id": company, "company_instance_type": 1,
        "ac_system_id": company, "access_rights_suspended": false, "has_login_rights": false, "web_site_rights_suspended": false,
    });
    Entry::of(Uuid::from_u128(number), at(0), Operation::AddUser(serde_json::from_value(user).unwrap()), Reassign::Never)
}

/// A store in which one card was given to so many people, one after the other, and as many others wait, some of them to be made.
fn filled(folder: &Path, many: u128) -> Database {
    let path = folder.join("full.db");
    fs::write(&path, "").unwrap();
    let mut store = open(&path);
    store.begin_group();
    for number in 0..many {
        let given = card(1_000_000 + number, "the same", number as i64 * 10);
        store.save(&given, Terms::default()).unwrap();
        let told = Told { value: Some(Uuid::from_u128(5)), ..Told::default() };
        let not_shown = Step::ReadBack(ReadBack::Unavailable { why: String::new() });
        for step in [Step::Sending { reassign: false }, Step::Answered(Outcome::Accepted(told)), not_shown] {
            let before = store_entry(&mut store, given.id);
            store.append(before, at(number as i64 * 10 + 1), &step).unwrap();
        }
        store.save(&card(2_000_000 + number, &number.to_string(), 0), Terms::default()).unwrap();
        store.save(&new_user(3_000_000 + number, &number.to_string()), Terms::default()).unwrap();
    }
    store.end_group().unwrap();
    store
}

fn store_entry(store: &mut Database, id: Uuid) -> Entry {
    store.entry(id).unwrap()
}

/// How many rows are read, and how many steps SQLite takes.
fn work(store: &mut Database, does: impl FnOnce(&mut Database)) -> (usize, usize) {
    let steps = Arc::new(AtomicUsize::new(0));
    let counter = steps.clone();
    let count = move || {
        counter.fetch_add(1, Relaxed);
        false
    };
    store.connection.progress_handler(1, Some(count)).unwrap();
    ROWS_READ.set(0);
    does(store);
    store.connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    (ROWS_READ.get(), steps.load(Relaxed))
}

#[test]
fn what_is_to_be_done_for_a_card_does_not_grow_with_what_the_store_holds() {
    let terms = Terms { given_within: Some(TimeDelta::seconds(60)), is_first: true, ..Terms::default() };
    let measured = [20, 600].map(|many| {
        let folder = tempfile::tempdir().unwrap();
        let mut store = filled(folder.path(), many);
        let late = many as i64 * 10 + 100_000;
        // Whoever orders first is whom the index of keys is judged for.
        store.entry(Uuid::from_u128(1)).unwrap_err();
        [
            ("an order whose key is new", work(&mut store, |store| drop(store.entry(Uuid::from_u128(2)).unwrap_err()))),
            ("a card that nobody had", work(&mut store, |store| store.save(&card(2, "new", late), terms).unwrap())),
            ("a step of it", {
                let entry = store_entry(&mut store, Uuid::from_u128(2));
                work(&mut store, |store| store.append(entry, at(late), &Step::Sending { reassign: false }).unwrap())
            }),
            ("what became of a card that many had", work(&mut store, |store| drop(store.last_of_card("the same").unwrap().unwrap()))),
            ("a card that many had", work(&mut store, |store| store.save(&card(3, "the same", late), terms).unwrap())),
            ("a person who is new", {
                let Operation::AddUser(user) = new_user(4, "Lovelace").operation else { panic!("it is one") };
                work(&mut store, |store| assert_eq!(store.open_user(&user), Ok(None)))
            }),
        ]
    });
    let [few, many] = measured;
    for ((what, (rows, steps)), (_, (rows_then, steps_then))) in few.into_iter().zip(many) {
        assert!(rows_then <= rows + 2, "{what}: {rows} rows are read behind 20, {rows_then} behind 600");
        // Those of one card, and the new people, are gone through by SQLite, row by row and without being read.
        let is_gone_through = what.contains("many had") || what.contains("new") && what.contains("person");
        assert!(is_gone_through || steps_then <= steps * 2 + 20, "{what}: {steps} steps behind 20, {steps_then} behind 600");
    }
}

#[test]
fn an_index_of_keys_that_is_damaged_hides_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path(), 3);
    let number = |select: &str| store.connection.query_row(select, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    let root = number("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_entry_1'");
    let size = number("PRAGMA page_size");
    let hidden = Uuid::from_u128(1_000_001);
    assert!(store.entry(hidden).is_ok() && store.has_whole_keys.is_none());
    Box::new(store).close();
    let path = folder.path().join("full.db");
    let mut file = fs::read(&path).unwrap();
    let (page, key) = (&mut file[(root - 1) * size..root * size], hidden.to_string());
    let found = page.windows(key.len()).position(|bytes| bytes == key.as_bytes()).unwrap();
    page[found + 7] ^= 1;
    fs::write(&path, file).unwrap();
    let mut store = open(&path);
    assert_eq!(store.entry(hidden).map(|entry| entry.id), Ok(hidden));
    assert_eq!(store.has_whole_keys, Some(false));
    assert_eq!(store.beginning(&hidden.to_string()).unwrap().len(), 1);
}
