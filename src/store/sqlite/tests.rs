//! What an older program left behind, and what becomes of damaged counts.

mod addresses;
mod group;
mod log_alone;
mod work;

use rusqlite::params;

use super::*;
use crate::{
    card::{FacilityCode, What},
    host::FILES,
    outbox::{State, Terms},
    store::{Anchor, AnchorFile, Files},
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
    let mut store = open(&path);
    let old = store.entry(Uuid::from_u128(1)).unwrap();
    assert_eq!((old.progress().state, store.secret(old.id)), (State::Accepted, Ok(None)));
}

/// A copy of the store of the third layout, opened.
fn third_layout(folder: &Path) -> Database {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layout3.db");
    let path = folder.join("old.db");
    fs::copy(fixture, &path).unwrap();
    open(&path)
}

fn open(path: &Path) -> Database {
    Database::open(path, BLUSKY, Sealer::new(path.with_extension("key"), None, FILES)).unwrap()
}

/// What was taken there: a code, how many BluSKY accepted, how many somebody vouched for.
const TAKEN: [(u64, u32, u32); 7] = [(77, 0, 0), (123, 2, 1), (124, 0, 1), (125, 0, 0), (126, 0, 1), (127, 0, 0), (0, 0, 0)];

fn taken(store: &mut Database) -> Vec<(u64, u32, u32)> {
    let seen = store.evidence_seen().unwrap();
    assert_eq!((seen.cards("csn-serial", None).accepted, seen.accepted_codes("hid-h10301")), (1, 1));
    let cards = |code| seen.cards("hid-h10301", Some(FacilityCode(code)));
    TAKEN.map(|(code, ..)| (code, cards(code).accepted, cards(code).vouched)).to_vec()
}

#[test]
fn a_store_of_the_third_layout_is_taken_up_with_what_was_taken_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let all = store.page_after(0).unwrap();
    let states: Vec<State> = all.iter().map(|(_, entry)| entry.progress().state).collect();
    use State::{Accepted, Discarded, InDoubt, Refused, Saved, Sending};
    assert_eq!(states, [Saved, Saved, Sending, Accepted, Refused, InDoubt, Discarded, Accepted, Accepted, Accepted]);
    assert_eq!((taken(&mut store), store.findings()), (TAKEN.to_vec(), Ok(vec![])));
    let (_, saved) = &all[0];
    let told = saved.origin.evidence.iter().map(|evidence| (evidence.what, evidence.odds)).collect::<Vec<_>>();
    assert_eq!(told, [(What::Checks, Some(0.25)), (What::Printed, Some(0.0002))]);
    Box::new(store).close();
    assert_eq!(taken(&mut open(&folder.path().join("old.db"))), TAKEN);
}

#[test]
fn counts_that_are_damaged_missing_or_too_many_are_made_anew() {
    let damages = [
        "UPDATE evidence SET accepted = 200 WHERE facility_code = '123'",
        "UPDATE evidence SET facility_code = '77' WHERE facility_code = '123'",
        "DELETE FROM evidence WHERE facility_code = '123'",
        "DELETE FROM evidence",
        "INSERT INTO evidence SELECT base_url, format, '99', 7, 0, mark FROM evidence WHERE facility_code = '123'",
        "UPDATE evidence SET mark = x'00'",
        "UPDATE evidence SET accepted = CAST(x'FF' AS TEXT)",
    ];
    let folder = tempfile::tempdir().unwrap();
    for damage in damages {
        let mut store = third_layout(folder.path());
        store.connection.execute(damage, []).unwrap();
        assert_eq!(taken(&mut store), TAKEN, "{damage}");
        store.connection.execute_batch("PRAGMA query_only = ON").unwrap();
        let is_sound = store.read(|transaction| Ok(evidence::read(transaction, BLUSKY)?.is_some()));
        assert_eq!(is_sound, Ok(true), "{damage}: they are written down anew");
        Box::new(store).close();
    }
}

#[test]
fn damaged_counts_are_made_anew_though_they_cannot_be_written_and_a_step_is_written_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    store.connection.execute("UPDATE evidence SET accepted = 200 WHERE facility_code = '123'", []).unwrap();
    let saved = store.entry(Uuid::from_u128(1)).unwrap();
    store.append(saved, Utc::now(), &Step::Discarded { superseded_by: None }).unwrap();
    let given_up: Vec<_> =
        TAKEN.iter().map(|(code, accepted, vouched)| (*code, *accepted, if *code == 123 { 0 } else { *vouched })).collect();
    store.connection.execute_batch("PRAGMA query_only = ON").unwrap();
    assert_eq!(taken(&mut store), given_up);
}

fn store_entry() -> Entry {
    let order = crate::enroll::enrollment::Order::of(Uuid::from_u128(7));
    let card = crate::enroll::enrollment::add_existing_card(Uuid::from_u128(9), &order).unwrap();
    Entry::of(Uuid::nil(), Utc::now(), crate::access::Operation::AddUserCard(card), crate::outbox::Reassign::Never)
}

#[test]
fn an_index_that_hides_what_is_not_settled_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let open = store.open_after(0).unwrap();
    assert_eq!((store.search, open.is_empty()), (Search::ByIndex, false));
    let hide = "PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, 'settled = 0', 'settled = 0 AND number > 2') WHERE name = 'open_entry';
        PRAGMA writable_schema = RESET; REINDEX open_entry;
        PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, ' AND number > 2', '') WHERE name = 'open_entry';
        PRAGMA writable_schema = RESET;";
    store.connection.execute_batch(hide).unwrap();
    let found: i64 =
        store.connection.query_row("SELECT count(*) FROM entry INDEXED BY open_entry WHERE settled = 0", [], |row| row.get(0)).unwrap();
    assert!(found < open.len() as i64);
    assert_eq!((store.open_after(0), store.search), (Ok(open), Search::EveryEntry));
}

#[test]
fn whoever_changes_the_record_and_marks_its_rows_anew_breaks_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let spoils: [fn(&Connection); 4] = [
        |store| {
            store.execute("UPDATE entry SET body = body || ' ' WHERE number = 1", []).unwrap();
            rows::mark_entry(store, 1).unwrap();
        },
        |store| {
            let (entry, n) = first_step(store);
            store.execute("UPDATE step SET at = '2026-01-01T00:00:00Z' WHERE entry = ?1 AND n = ?2", params![entry, n]).unwrap();
            rows::mark_step(store, &entry, n).unwrap();
        },
        // The text is gone as after an erasing, and nobody says that it was one.
        |store| {
            let (entry, n) = first_step(store);
            store.execute("UPDATE step SET body = '', salt = NULL WHERE entry = ?1 AND n = ?2", params![entry, n]).unwrap();
            rows::mark_step(store, &entry, n).unwrap();
        },
        // Two entries in each other's place.
        |store| {
            store.execute("UPDATE entry SET seq = (SELECT sum(seq) FROM entry WHERE number < 3) - seq WHERE number < 3", []).unwrap();
            (1..3).for_each(|number| rows::mark_entry(store, number).unwrap());
        },
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        let mut store = third_layout(folder.path());
        assert_eq!(store.findings().unwrap(), [""; 0]);
        spoil(&store.connection);
        let found = store.findings().unwrap();
        assert!(found.iter().any(|found| found.contains("the chain")), "{at}: {found:?}");
    }
}

#[test]
fn a_text_in_which_a_name_was_blotted_out_is_held_against_what_it_was_then() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let answered = Entry { id: Uuid::from_u128(901), ..store_entry() };
    store.save(&answered, Terms::default()).unwrap();
    let told = crate::access::Told { description: Some("Card Already Assigned : 1 Lovelace, Ada".to_owned()), ..Default::default() };
    for step in
        [Step::Sending { reassign: false }, Step::Answered(crate::access::Outcome::Refused(told)), Step::Discarded { superseded_by: None }]
    {
        let entry = store.entry(answered.id).unwrap();
        store.append(entry, Utc::now(), &step).unwrap();
    }
    let erased = store.erase(Uuid::from_u128(999), &["Ada Lovelace".to_owned()], "somebody", Utc::now()).unwrap();
    assert_eq!((erased.entries, erased.blotted, store.findings()), (0, 1, Ok(vec![])));
    let id = answered.id.to_string();
    let change = "UPDATE step SET body = replace(body, 'refused', 'accepted') WHERE entry = ?1 AND n = 1";
    store.connection.execute(change, [&id]).unwrap();
    rows::mark_step(&store.connection, &id, 1).unwrap();
    let found = store.findings().unwrap();
    assert!(found.iter().any(|found| found.contains("the chain")), "{found:?}");
}

#[test]
fn what_an_older_program_kept_as_done_while_it_waits_for_a_person_holds_up_its_card_once_it_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let stuck = Entry { id: Uuid::from_u128(902), ..store_entry() };
    store.save(&stuck, Terms::default()).unwrap();
    let no_answer = crate::access::Outcome::NoAnswer { why: "the connection broke".to_owned(), slow: false };
    for step in [Step::Sending { reassign: false }, Step::Answered(no_answer), Step::ReadBack(crate::outbox::ReadBack::CannotTell)] {
        let entry = store.entry(stuck.id).unwrap();
        store.append(entry, Utc::now(), &step).unwrap();
    }
    let is_open = |store: &mut Database| store.open_after(0).unwrap().iter().any(|(_, entry)| entry.id == stuck.id);
    assert!(store.entry(stuck.id).unwrap().progress().needs_a_person() && is_open(&mut store));
    let head = Head::read(&store.connection).ok().unwrap();
    // As the fifth layout kept it.
    let number: i64 = store.connection.query_row("SELECT max(number) FROM entry", [], |row| row.get(0)).unwrap();
    store.connection.execute_batch(&format!("UPDATE entry SET settled = 1 WHERE number = {number}; PRAGMA user_version = 5;")).unwrap();
    rows::mark_entry(&store.connection, number).unwrap();
    let mut older = head.clone();
    older.lists = Vec::new();
    older.open.change(number, false);
    older.write(&store.connection).unwrap();
    store.connection.execute_batch("ALTER TABLE head DROP COLUMN lists; ALTER TABLE list DROP COLUMN mark;").unwrap();
    Box::new(store).close();
    let mut store = open(&folder.path().join("old.db"));
    assert!(is_open(&mut store) && Head::read(&store.connection).ok().unwrap() == head);
    assert_eq!(store.findings(), Ok(vec![]));
}

#[test]
fn what_an_older_program_kept_as_undone_though_that_was_refused_counts_as_given_once_it_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let ids = [903, 904].map(Uuid::from_u128);
    ids.iter().for_each(|id| store.save(&Entry { id: *id, ..store_entry() }, Terms::default()).unwrap());
    // An older program knew nothing of what hangs on the second one.
    for (id, step) in ids.into_iter().zip([Step::Undone { by: ids[1] }, Step::Discarded { superseded_by: None }]) {
        let entry = store.entry(id).unwrap();
        store.append(entry, Utc::now(), &step).unwrap();
    }
    assert_eq!(store.entry(ids[0]).unwrap().progress().undone_by, Some(ids[1]));
    store.connection.execute_batch("PRAGMA user_version = 6;").unwrap();
    Box::new(store).close();
    let mut store = open(&folder.path().join("old.db"));
    assert!(store.entry(ids[0]).unwrap().undo_failed());
    assert_eq!(store.findings(), Ok(vec![]));
    let version: i64 = store.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert!(version >= 7, "older programs do not know such a step, and leave the store alone");
}

#[test]
fn what_is_kept_beside_the_record_is_held_against_it() {
    let folder = tempfile::tempdir().unwrap();
    let spoils: [(&str, &str); 9] = [
        ("UPDATE entry SET settled = 1 WHERE number = 1", "its steps say otherwise"),
        ("UPDATE entry SET number = CASE number WHEN 1 THEN 1002 ELSE 1001 END WHERE number < 3", "the chain"),
        ("DELETE FROM evidence", "the counts of cards"),
        ("UPDATE evidence SET accepted = 200 WHERE facility_code = '123'", "the counts of cards"),
        ("INSERT INTO list (name, at, body) VALUES ('people added at https://blusky.example', '2026-01-01T00:00:00Z', '')", "the lists"),
        ("UPDATE list SET body = '[2]' WHERE name = 'card-types'", "the lists"),
        ("DELETE FROM list WHERE name = 'card-types'", "the lists"),
        ("CREATE TRIGGER x AFTER INSERT ON entry BEGIN DELETE FROM secret; END", "the trigger x"),
        ("DROP INDEX open_entry", "the index open_entry"),
    ];
    for (spoil, wanted) in spoils {
        let mut store = third_layout(folder.path());
        store.keep("card-types", Utc::now(), "[1]").unwrap();
        assert_eq!(store.findings().unwrap(), [""; 0]);
        store.connection.execute_batch(spoil).unwrap();
        let mut select = store.connection.prepare("SELECT number FROM entry").unwrap();
        let numbers: Vec<i64> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        drop(select);
        // Whoever does that can make the marks, too.
        numbers.into_iter().for_each(|number| rows::mark_entry(&store.connection, number).unwrap());
        let found = store.findings().unwrap();
        assert!(found.iter().any(|found| found.contains(wanted)), "{spoil}: {found:?}");
    }
}

fn first_step(store: &Connection) -> (String, i64) {
    store.query_row("SELECT entry, n FROM step ORDER BY seq LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn an_anchor_holds_as_long_as_the_chain_goes_on_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let anchor = store.anchor().unwrap();
    assert!(anchor.records > 0 && store.holds(&anchor).unwrap());
    assert!(store.holds(&Anchor { records: 0, link: String::new() }).unwrap(), "every store begins so");
    let further = Anchor { records: anchor.records + 1, ..anchor.clone() };
    assert!(!store.holds(&further).unwrap(), "it has not come so far");
    let other = Anchor { link: "00".repeat(32), ..anchor.clone() };
    assert!(!store.holds(&other).unwrap(), "it has come another way");
    let user = store.page_after(0).unwrap()[0].1.operation.user().unwrap();
    let erased = store.erase(user, &[], "somebody", Utc::now());
    assert!(matches!(erased, Ok(Erased { entries: 1.., .. }) | Err(StoreError::NotSettled(_))), "{erased:?}");
    assert!(store.holds(&anchor).unwrap());
}

#[test]
fn an_anchor_that_cannot_be_written_is_in_trouble_until_it_can_be() {
    static CAN_WRITE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let replace = |path: &Path, bytes: &[u8]| match CAN_WRITE.load(std::sync::atomic::Ordering::Relaxed) {
        true => fs::write(path, bytes),
        false => Err(std::io::ErrorKind::PermissionDenied.into()),
    };
    let folder = tempfile::tempdir().unwrap();
    let anchor = folder.path().join("anchor");
    fs::write(&anchor, serde_json::to_vec(&Anchor { records: 0, link: String::new() }).unwrap()).unwrap();
    let mut store = third_layout(folder.path()).anchored(AnchorFile::new(&anchor, Files { replace, ..FILES })).unwrap();
    let words = store.anchor_trouble().unwrap().to_string();
    assert!(words.contains("cannot be written: permission denied; check the owner"), "{words}");
    CAN_WRITE.store(true, std::sync::atomic::Ordering::Relaxed);
    store.seen("no card", Utc::now()).unwrap();
    assert_eq!(store.anchor_trouble(), None);
}

#[test]
fn counts_of_evidence_forget_who_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let entries: Vec<Entry> = store.page_after(0).unwrap().into_iter().map(|(_, entry)| entry).collect();
    let settled = |user| entries.iter().filter(|entry| entry.operation.user() == user).all(|entry| entry.progress().is_settled());
    let accepted = entries.iter().find(|entry| entry.standing().is_some() && settled(entry.operation.user())).unwrap();
    let before: u32 = taken(&mut store).iter().map(|(_, accepted, _)| accepted).sum();
    store.erase(accepted.operation.user().unwrap(), &[], "somebody", Utc::now()).unwrap();
    let after = store.evidence_seen().unwrap();
    let counted = evidence::count(&store.connection).unwrap();
    assert_eq!(after, evidence::seen(counted, BLUSKY), "the counts are those of what is left");
    assert!(store.findings().unwrap().is_empty());
    assert!(after.accepted_codes("hid-h10301") <= 1 && before > 0);
}

#[test]
fn a_list_that_names_an_erased_person_goes_however_the_name_is_written_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    for (list, body) in [("desk orders", "[\"ANNA  MU\u{308}LLER\"]"), ("companies", "[\"Müller & Sons\"]")] {
        store.keep(list, Utc::now(), body).unwrap();
    }
    store.erase(Uuid::from_u128(77), &["Anna Müller".to_owned()], "somebody", Utc::now()).unwrap();
    assert_eq!(store.kept("desk orders").unwrap(), None);
    assert!(store.kept("companies").unwrap().is_some(), "it names somebody else");
}

#[test]
fn an_index_in_which_one_bit_is_turned_over_hides_nothing_that_is_to_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = third_layout(folder.path());
    let due = store.open_after(0).unwrap();
    let number = |select: &str| store.connection.query_row(select, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    let (root, size) = (number("SELECT rootpage FROM sqlite_master WHERE name = 'open_entry'"), number("PRAGMA page_size"));
    Box::new(store).close();
    let path = folder.path().join("old.db");
    let mut file = fs::read(&path).unwrap();
    let page = &mut file[(root - 1) * size..root * size];
    // A header of three bytes, and in it a 0 that becomes a 1: the first entry is in the index as a settled one.
    let at = page.windows(2).rposition(|bytes| bytes == [3, 8]).unwrap();
    page[at + 1] = 9;
    fs::write(&path, file).unwrap();
    let mut store = open(&path);
    assert_eq!((store.open_after(0), store.search), (Ok(due), Search::EveryEntry));
}

#[test]
fn a_store_of_which_all_lies_in_its_log_is_not_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    fs::write(&path, "").unwrap();
    let _open = open(&path);
    let looked = Database::look(&path, BLUSKY, Sealer::new(path.with_extension("key"), None, FILES));
    let said = looked.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("in the log beside it"), "{said}");
}
