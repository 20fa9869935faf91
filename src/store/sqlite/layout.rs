//! The store's layouts, from the first to this one.
//!
//! In: a file that was just made, or that an older program left. Out: the same file in this layout, in one transaction. Never: a newer
//! layout, or a file of somebody else's.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    Wrong,
    chain::{self, Head, Open},
    evidence, lists,
    reading::{self, Search},
    rows::{self, EntryRow},
    writing,
};
use crate::{outbox::Step, store::StoreError};

const LAYOUT: i64 = 7;
/// "card" in ASCII: tells a cardbridge store from any other SQLite file.
pub(super) const APPLICATION: i64 = 0x6361_7264;

/// What a file of this layout is made of.
const PARTS: [(&str, &str); 11] = [
    ("table", "entry"),
    ("table", "step"),
    ("table", "secret"),
    ("table", "list"),
    ("table", "head"),
    ("table", "evidence"),
    ("index", "given_card"),
    ("index", "open_entry"),
    ("index", "new_user"),
    ("index", "entry_in_chain"),
    ("index", "step_in_chain"),
];

/// Tells a store from a foreign file and from a newer layout, before anything is written. True for an older layout, or none.
pub(super) fn is_older(connection: &Connection, path: &str) -> Result<bool, Wrong> {
    let pragma = |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    let has_table = |filter: &str| {
        let found = connection.query_row(&format!("SELECT 1 FROM sqlite_master {filter} LIMIT 1"), [], |row| row.get::<_, i64>(0));
        Ok::<_, rusqlite::Error>(found.optional()?.is_some())
    };
    let (has_head, has_evidence) = (has_table("WHERE name = 'head'")?, has_table("WHERE name = 'evidence'")?);
    if has_table("")? && pragma("application_id")? != APPLICATION {
        return Err(StoreError::Foreign(path.to_owned()).into());
    }
    match pragma("user_version")? {
        found if found > LAYOUT => Err(StoreError::Newer { path: path.to_owned(), found, known: LAYOUT }.into()),
        found if (found >= 3) != has_head || (found >= 4) != has_evidence => {
            Err(StoreError::Damaged("the number of its layout".to_owned()).into())
        }
        found => Ok(found < LAYOUT),
    }
}

/// Brings an older store, or none yet, to this layout; the entries of the first two are for this BluSKY.
pub(super) fn bring_up(connection: &mut Connection, base_url: &str) -> Result<(), Wrong> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Another process may have brought it up meanwhile.
    if found < LAYOUT {
        transaction.execute_batch(if found < 3 { TO_THIRD } else { "" })?;
        transaction.execute_batch(if found < 4 { TO_FOURTH } else { "" })?;
        transaction.execute_batch(if found < 5 { TO_FIFTH } else { "" })?;
        transaction.execute_batch(if found < 6 { TO_SIXTH } else { "" })?;
        transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {LAYOUT};"))?;
        if found < 3 {
            link_all(&transaction, base_url)?;
        }
        if found < 4 {
            count_all(&transaction)?;
        }
        if found < 6 {
            open_what_is_stuck(&transaction)?;
            lists::mark_all(&transaction)?;
        }
        say_what_was_not_undone(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// What the file has beside this layout, or lacks of it, in words: a trigger or a view that somebody added, an index that is gone.
pub(super) fn strange(connection: &Connection) -> Result<Vec<String>, Wrong> {
    let (wanted, found) = (PARTS.map(|(kind, name)| (kind.to_owned(), name.to_owned())).into(), parts(connection)?);
    let added = found.difference(&wanted).map(|(kind, name)| format!("the {kind} {name} in the store's file is not of its layout"));
    let gone = wanted.difference(&found).map(|(kind, name)| format!("the {kind} {name} of the store's file is gone"));
    Ok(added.chain(gone).collect())
}

/// What a file is made of, but for what SQLite makes by itself.
fn parts(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, String)>> {
    let mut select = connection.prepare("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'")?;
    let parts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    parts.collect()
}

/// From nothing, or from the first or second layout.
const TO_THIRD: &str = "CREATE TABLE IF NOT EXISTS entry (
       number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, saved_at TEXT NOT NULL,
       kind TEXT NOT NULL, body TEXT NOT NULL, reassign TEXT NOT NULL, settled INTEGER NOT NULL);
    DROP INDEX IF EXISTS open_entry;
    CREATE TABLE IF NOT EXISTS step (
       entry TEXT NOT NULL REFERENCES entry (id), n INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
       PRIMARY KEY (entry, n)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS secret (entry TEXT PRIMARY KEY, sealed BLOB) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS list (name TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
    ALTER TABLE entry ADD COLUMN base_url TEXT NOT NULL DEFAULT '';
    ALTER TABLE entry ADD COLUMN origin TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE entry ADD COLUMN reader TEXT;
    ALTER TABLE entry ADD COLUMN card TEXT;
    ALTER TABLE entry ADD COLUMN seen_at TEXT;
    ALTER TABLE entry ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entry ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entry ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entry ADD COLUMN seq INTEGER;
    ALTER TABLE entry ADD COLUMN digest BLOB;
    ALTER TABLE entry ADD COLUMN link BLOB;
    ALTER TABLE entry ADD COLUMN mark BLOB;
    ALTER TABLE step ADD COLUMN seq INTEGER;
    ALTER TABLE step ADD COLUMN digest BLOB;
    ALTER TABLE step ADD COLUMN link BLOB;
    ALTER TABLE step ADD COLUMN mark BLOB;
    CREATE TABLE salt (entry TEXT NOT NULL, n INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (entry, n)) WITHOUT ROWID;
    CREATE TABLE head (one INTEGER PRIMARY KEY, records INTEGER NOT NULL, entries INTEGER NOT NULL, changed INTEGER NOT NULL,
       link BLOB NOT NULL, mark BLOB NOT NULL);
    CREATE INDEX given_card ON entry (card) WHERE card IS NOT NULL;
    CREATE INDEX changed_entry ON entry (changed);";

/// What was taken here is counted, and so is what is not settled; a salt stands beside its text.
const TO_FOURTH: &str = "ALTER TABLE head ADD COLUMN evidence BLOB NOT NULL DEFAULT x'';
    ALTER TABLE head ADD COLUMN open_count INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE head ADD COLUMN open_sum INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX open_entry ON entry (settled) WHERE settled = 0;
    CREATE INDEX new_user ON entry (kind) WHERE kind = 'add_user';
    CREATE INDEX entry_in_chain ON entry (seq);
    CREATE INDEX step_in_chain ON step (seq);
    ALTER TABLE entry ADD COLUMN salt BLOB;
    ALTER TABLE step ADD COLUMN salt BLOB;
    UPDATE entry SET salt = (SELECT salt FROM salt WHERE salt.entry = entry.id AND n = -1);
    UPDATE step SET salt = (SELECT salt FROM salt WHERE salt.entry = step.entry AND salt.n = step.n);
    DROP TABLE salt;
    CREATE TABLE evidence (base_url TEXT NOT NULL, format TEXT NOT NULL, facility_code TEXT NOT NULL, accepted INTEGER NOT NULL,
       vouched INTEGER NOT NULL, mark BLOB NOT NULL, PRIMARY KEY (base_url, format, facility_code)) WITHOUT ROWID;";

/// Nobody looks for changes any more: what changes is told.
const TO_FIFTH: &str = "DROP INDEX changed_entry;";

/// The lists are held against the head, too.
const TO_SIXTH: &str = "ALTER TABLE head ADD COLUMN lists BLOB NOT NULL DEFAULT x'';
    ALTER TABLE list ADD COLUMN mark BLOB;";

/// Counts what older programs have written down.
fn count_all(transaction: &Connection) -> Result<(), Wrong> {
    // A damaged head stays damaged: nothing is added after it, and everything is counted when it is asked for.
    let Some(mut head) = Head::sound(transaction)? else { return Ok(()) };
    evidence::write(transaction, &mut head, &evidence::count(transaction)?)?;
    head.open = Open::counted(transaction)?;
    Ok(head.write(transaction)?)
}

/// What a person must look for is open: older programs kept it as done.
fn open_what_is_stuck(transaction: &Connection) -> Result<(), Wrong> {
    let mut stuck = Vec::new();
    reading::each(transaction, |number, entry| stuck.extend(entry.ok().filter(|entry| entry.progress().needs_a_person()).map(|_| number)))?;
    let mut head = Head::sound(transaction)?;
    for number in stuck {
        for (number, row) in rows::found(transaction, "NOT INDEXED WHERE number = ?1 AND settled = 1", [reading::row_number(number)])? {
            let Ok(row) = row else { continue };
            EntryRow { settled: false, ..row }.update(transaction)?;
            head.iter_mut().for_each(|head| head.open.change(number, true));
        }
    }
    Ok(head.iter().try_for_each(|head| head.write(transaction))?)
}

/// What was to be taken back, and was not, counts as given again: older programs kept it as undone.
fn say_what_was_not_undone(transaction: &Connection) -> Result<(), Wrong> {
    // A damaged head stays damaged: nothing is added after it.
    if Head::sound(transaction)?.is_none() {
        return Ok(());
    }
    let mut undone = Vec::new();
    reading::each(transaction, |_, entry| undone.extend(entry.ok().and_then(|entry| Some((entry.progress().undone_by?, entry)))))?;
    for (by, entry) in undone {
        let Ok(taking) = reading::entry(transaction, by, Search::EveryEntry) else { continue };
        if let Some((at, _)) = taking.steps().last().filter(|_| taking.progress().is_over() && taking.progress().state.came_to_nothing()) {
            writing::append(transaction, entry, *at, &Step::UndoFailed { by })?;
        }
    }
    Ok(())
}

/// Marks and links what an older program has written down.
fn link_all(transaction: &Connection, base_url: &str) -> Result<(), Wrong> {
    let mut head = Head::first();
    transaction.execute(
        "UPDATE entry SET base_url = ?1, sealed = EXISTS (SELECT 1 FROM secret WHERE entry = id),
            steps = (SELECT count(*) FROM step WHERE entry = id)",
        [base_url],
    )?;
    let mut select = transaction.prepare("SELECT number, CAST(id AS BLOB), steps FROM entry ORDER BY number")?;
    let entries = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let entries: Vec<(i64, Vec<u8>, i64)> = entries.collect::<rusqlite::Result<_>>()?;
    for (number, id, steps) in entries {
        // A key that cannot be read names nothing; its entry has no mark then, and is damaged.
        let Ok(id) = String::from_utf8(id) else { continue };
        let salt = chain::salt();
        let digest = chain::digest(transaction, (&id, -1), &salt)?;
        let place = head.place_entry(&digest);
        let link = "UPDATE entry SET seq = ?2, digest = ?3, link = ?4, salt = ?5 WHERE number = ?1";
        transaction.prepare_cached(link)?.execute(params![number, place.seq, digest.as_slice(), place.link, salt.as_slice()])?;
        for n in 0..steps {
            let salt = chain::salt();
            let digest = chain::digest(transaction, (&id, n), &salt)?;
            let place = head.place_step(&digest);
            let link = "UPDATE step SET seq = ?3, digest = ?4, link = ?5, salt = ?6 WHERE entry = ?1 AND n = ?2";
            transaction.prepare_cached(link)?.execute(params![id, n, place.seq, digest.as_slice(), place.link, salt.as_slice()])?;
            rows::mark_step(transaction, &id, n)?;
        }
        rows::mark_entry(transaction, number)?;
    }
    Ok(head.write(transaction)?)
}
