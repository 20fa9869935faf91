//! The store's layouts, from the first to this one.
//!
//! In: a file that was just made, or that an older program left. Out: the same file in this layout, in one transaction. Never: a newer
//! layout, or a file of somebody else's.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::{
    Wrong,
    chain::Head,
    rows::{self, Record},
};
use crate::store::StoreError;

const LAYOUT: i64 = 3;
/// "card" in ASCII: tells a cardbridge store from any other SQLite file.
pub(super) const APPLICATION: i64 = 0x6361_7264;

/// Tells a store from a foreign file and from a newer layout, before anything is written. True for an older layout, or none.
pub(super) fn is_older(connection: &Connection, path: &str) -> Result<bool, Wrong> {
    let pragma = |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    let has_table = |filter: &str| {
        let found = connection.query_row(&format!("SELECT 1 FROM sqlite_master {filter} LIMIT 1"), [], |row| row.get::<_, i64>(0));
        Ok::<_, rusqlite::Error>(found.optional()?.is_some())
    };
    let has_head = has_table("WHERE name = 'head'")?;
    if has_table("")? && pragma("application_id")? != APPLICATION {
        return Err(StoreError::Foreign(path.to_owned()).into());
    }
    match pragma("user_version")? {
        found if found > LAYOUT => Err(StoreError::Newer { path: path.to_owned(), found, known: LAYOUT }.into()),
        found if (found == LAYOUT) != has_head => Err(StoreError::Damaged("the number of its layout".to_owned()).into()),
        found => Ok(found < LAYOUT),
    }
}

/// Brings an older store, or none yet, to this layout; its entries are for this BluSKY.
pub(super) fn bring_up(connection: &mut Connection, base_url: &str) -> Result<(), Wrong> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have brought it up meanwhile.
    if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == LAYOUT {
        return Ok(transaction.commit()?);
    }
    transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS entry (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, saved_at TEXT NOT NULL,
            kind TEXT NOT NULL, body TEXT NOT NULL, reassign TEXT NOT NULL, settled INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS open_entry ON entry (settled) WHERE settled = 0;
         CREATE TABLE IF NOT EXISTS step (
            entry TEXT NOT NULL REFERENCES entry (id), n INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (entry, n)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS secret (entry TEXT PRIMARY KEY, sealed BLOB) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS list (name TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
         DROP INDEX open_entry;
         ALTER TABLE entry ADD COLUMN base_url TEXT NOT NULL DEFAULT '';
         ALTER TABLE entry ADD COLUMN origin TEXT NOT NULL DEFAULT '{{}}';
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
         CREATE INDEX changed_entry ON entry (changed);
         PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {LAYOUT};"
    ))?;
    link_all(&transaction, base_url)?;
    Ok(transaction.commit()?)
}

/// Marks and links what an older program has written down.
fn link_all(transaction: &Transaction<'_>, base_url: &str) -> Result<(), Wrong> {
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
        head.add(transaction, Record::Entry(&id))?;
        for n in 0..steps {
            head.add(transaction, Record::Step(&id, n))?;
        }
        rows::mark_entry(transaction, number)?;
    }
    head.write(transaction)?;
    Ok(())
}
