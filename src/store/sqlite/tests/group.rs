//! Writes that are one transaction: what becomes of them where one fails, or the whole.

use super::*;

fn new(number: u128) -> Entry {
    Entry { id: Uuid::from_u128(number), ..store_entry() }
}

fn save(store: &mut Database, number: u128) -> Result<(), StoreError> {
    store.save(&new(number), Terms::default())
}

#[test]
fn a_group_that_ended_by_itself_is_said_to_everybody_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let before = store.page_after(0).unwrap().len();
    store.begin_group();
    save(&mut store, 901).unwrap();
    // As SQLite does by itself on a full disk.
    store.connection.execute_batch("ROLLBACK").unwrap();
    assert!(save(&mut store, 902).is_err());
    assert!(store.end_group().is_err());
    save(&mut store, 903).unwrap();
    assert_eq!((store.page_after(0).unwrap().len(), store.findings()), (before + 1, Ok(vec![])));
}

#[test]
fn a_full_disk_is_the_answer_to_all_that_was_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let before = store.page_after(0).unwrap().len();
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let most = |store: &Database, pages: i64| store.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    most(&store, pages + 8);
    store.begin_group();
    save(&mut store, 1000).unwrap();
    let full = (1001..2000).find_map(|number| save(&mut store, number).err()).unwrap();
    assert!(matches!(full, StoreError::Full(_)), "{full}");
    let after = (save(&mut store, 2000), store.entry(Uuid::from_u128(1)).is_ok());
    assert_eq!(after, (Err(full.clone()), true), "what comes behind it is told the same, and what was there can be read");
    assert_eq!(store.end_group(), Err(full));
    most(&store, 1 << 20);
    save(&mut store, 1000).unwrap();
    assert_eq!((store.page_after(0).unwrap().len(), store.findings()), (before + 1, Ok(vec![])));
}

#[test]
fn a_first_write_that_fails_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let before = store.page_after(0).unwrap().len();
    store.begin_group();
    assert_eq!((save(&mut store, 1), save(&mut store, 1)), (Err(StoreError::Conflict), Err(StoreError::Conflict)));
    save(&mut store, 901).unwrap();
    store.end_group().unwrap();
    assert_eq!((store.page_after(0).unwrap().len(), store.findings()), (before + 1, Ok(vec![])));
}

#[test]
fn a_locked_store_is_waited_for_once_however_much_is_to_be_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let wait = Duration::from_millis(300);
    store.connection.busy_timeout(wait).unwrap();
    let other = Connection::open(folder.path().join("old.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    store.begin_group();
    let locked = |written: Result<(), StoreError>| matches!(written, Err(StoreError::Locked(_)));
    assert!((901..921).all(|number| locked(save(&mut store, number))));
    assert!(store.entry(Uuid::from_u128(1)).is_ok(), "what is only read is read");
    assert_eq!(store.end_group(), Ok(()), "nothing was written that could be lost");
    assert!(begun.elapsed() < wait * 10, "waited for {:?}", begun.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    save(&mut store, 901).unwrap();
}
