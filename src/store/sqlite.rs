//! The store as an SQLite file: entries, and the steps each has gone, appended and never changed.
//!
//! Layout 1: `entry(id, saved_at, kind, body, reassign, settled)`; `step(entry, n, at, body)`, keyed by entry and n. Layout 2 adds
//! `secret(entry, sealed)`, null once the entry has come to its end, and `list(name, at, body)`, what BluSKY was asked last. Layout 3
//! adds to an entry the `reader` and the `card` it came from, and when that card was last seen at one (`seen_at`), and
//! counts every change of an entry (`changed`), so that whoever delivers asks only for what is new.
//!
//! Invariants: WAL with `synchronous = FULL`, so that what is answered is on disk; steps are numbered without gaps, and
//! two processes that write the same number conflict instead of overwriting each other; `settled` is the fold of the
//! steps, kept only to find open entries quickly. The file is 0600. A PIN or password is in `secret`, sealed, and nowhere else; once it
//! is wiped there, the log that held it is emptied. A store that is closed has no log.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, seal::Sealer};
use crate::{
    blusky::secret::Secret,
    enroll::outbox::{Entry, Operation, Reassign, Source, State, Step, given_lately},
};

const LAYOUT: i64 = 3;
/// "card" in ASCII: tells a cardbridge store from any other SQLite file.
const APPLICATION: i64 = 0x6361_7264;
const BUSY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(20);
/// How long others are waited for before the log is emptied at the next occasion.
const PATIENCE: Duration = Duration::from_millis(200);
/// So many entries are read at once.
const PAGE: i64 = 256;

/// The database file.
pub struct Database {
    connection: Connection,
    path: String,
    sealer: Sealer,
    /// A secret was wiped, and the log may hold it still.
    log_holds_secrets: bool,
}

impl Database {
    /// Opens the file, making it where there is none.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(path: &Path, sealer: Sealer) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        create(path).map_err(|why| StoreError::Open { path: name.clone(), why })?;
        // Whoever wrote it was killed: it may hold what was wiped since.
        let has_log = fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| explain(&name, &error))?;
        let mut database = Self { connection, path: name, sealer, log_holds_secrets: has_log };
        // While another process makes the file, SQLite does not wait by itself.
        let until = Instant::now() + BUSY;
        loop {
            match database.take_up() {
                Err(StoreError::Locked(_)) if Instant::now() < until => thread::sleep(AGAIN),
                other => {
                    database.empty_log_of_secrets();
                    return other.map(|()| database);
                }
            }
        }
    }

    /// Brings everything into the one file, and closes it.
    pub fn close(mut self) {
        self.empty_log();
        drop(self.connection.close());
    }

    /// Brings what the log holds into the file, and the log down to nothing; false where others are at work in it.
    fn empty_log(&mut self) -> bool {
        let empty = || -> rusqlite::Result<bool> {
            self.connection.busy_timeout(PATIENCE)?;
            let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            self.connection.busy_timeout(BUSY)?;
            Ok(busy == 0)
        };
        empty().unwrap_or(false)
    }

    fn empty_log_of_secrets(&mut self) {
        if self.log_holds_secrets {
            self.log_holds_secrets = !self.empty_log();
        }
    }

    fn take_up(&mut self) -> Result<(), StoreError> {
        let is_older = self.judge()?;
        self.prepare(is_older).map_err(|error| explain(&self.path, &error))
    }

    /// Writes an entry down.
    ///
    /// # Errors
    /// Why it is not on disk; [`StoreError::SameCard`] where its card was given to somebody else and seen within this time.
    pub fn save(&mut self, entry: &Entry, unless_given: Option<TimeDelta>) -> Result<(), StoreError> {
        loop {
            let card = entry.source.as_ref().map(|source| source.card.as_str()).filter(|_| unless_given.is_some());
            let others = card.map(|card| self.entries("WHERE card = ?1", params![card])).transpose()?.map(readable).unwrap_or_default();
            if let Some(given) = unless_given.and_then(|within| given_lately(entry, others.iter(), within)) {
                return Err(StoreError::SameCard(given));
            }
            // Another process may have given it meanwhile: then it is looked at again.
            match self.insert(entry, card.map(|card| (card, others.len()))) {
                Err(StoreError::Conflict) if card.is_some() => {}
                other => return other,
            }
        }
    }

    fn insert(&mut self, entry: &Entry, others: Option<(&str, usize)>) -> Result<(), StoreError> {
        let mut operation = entry.operation.clone();
        let sealed = operation.take_secret().map(|secret| self.sealer.seal(entry.id, &secret)).transpose()?;
        let (kind, body) = parts(&self.path, &operation)?;
        let reassign = json(&self.path, &entry.reassign)?;
        let source = entry.source.as_ref().map(|source| (&source.reader, &source.card, time(source.seen_at)));
        let source = (source.as_ref().map(|of| of.0), source.as_ref().map(|of| of.1), source.as_ref().map(|of| &of.2));
        let write = |transaction: &Transaction<'_>| {
            let id = entry.id.to_string();
            if let Some((card, count)) = others
                && transaction.query_row("SELECT count(*) FROM entry WHERE card = ?1", [card], |row| row.get::<_, i64>(0))? != count as i64
            {
                return Err(rusqlite::Error::StatementChangedRows(count));
            }
            if let Some(sealed) = &sealed {
                transaction.execute("INSERT INTO secret (entry, sealed) VALUES (?1, ?2)", params![id, sealed])?;
            }
            transaction.execute(
                "INSERT INTO entry (id, saved_at, kind, body, reassign, settled, reader, card, seen_at, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, (SELECT ifnull(max(changed), 0) + 1 FROM entry))",
                params![id, time(entry.saved_at), kind, body, reassign, source.0, source.1, source.2],
            )
        };
        self.write(write).map(|_| ())
    }

    /// Notes when the card of the newest entry that gave it was last seen at a reader.
    ///
    /// # Errors
    /// Why it is not written down.
    pub fn seen(&mut self, card: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let newest = "SELECT id FROM entry WHERE card = ?1 AND seen_at < ?2 ORDER BY number DESC LIMIT 1";
        let found = self.connection.query_row(newest, params![card, time(at)], |row| row.get::<_, String>(0)).optional();
        let Some(id) = found.map_err(|error| explain(&self.path, &error))? else { return Ok(()) };
        self.write(|transaction| transaction.execute("UPDATE entry SET seen_at = ?2 WHERE id = ?1", params![id, time(at)])).map(|_| ())
    }

    /// Writes an entry's next step down, as the one after those it has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where that step is taken; else why it is not on disk.
    pub fn append(&mut self, mut entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(), StoreError> {
        let (id, count) = (entry.id, entry.steps.len());
        entry.steps.push((at, step.clone()));
        let progress = entry.progress();
        let (settled, has_it) = (progress.is_settled(), progress.is_over() || progress.state == State::Accepted);
        let body = json(&self.path, step)?;
        let mut wiped = false;
        let write = |transaction: &Transaction<'_>| {
            let id = id.to_string();
            transaction
                .execute("INSERT INTO step (entry, n, at, body) VALUES (?1, ?2, ?3, ?4)", params![id, count as i64, time(at), body])?;
            // Nothing of it is sent any more.
            if has_it {
                wiped = transaction.execute("UPDATE secret SET sealed = NULL WHERE entry = ?1 AND sealed IS NOT NULL", [&id])? > 0;
            }
            let settle = "UPDATE entry SET settled = ?2, changed = (SELECT ifnull(max(changed), 0) + 1 FROM entry) WHERE id = ?1";
            transaction.execute(settle, params![id, settled])
        };
        self.write(write)?;
        self.log_holds_secrets |= wiped;
        self.empty_log_of_secrets();
        Ok(())
    }

    /// One entry with its steps.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn entry(&mut self, id: Uuid) -> Result<Entry, StoreError> {
        let mut entries = self.entries("WHERE id = ?1", params![id.to_string()])?;
        entries.pop().map(|(_, entry)| entry).ok_or_else(|| StoreError::NoEntry(id.to_string()))?
    }

    /// An entry's secret, unsealed; none where it has none.
    ///
    /// # Errors
    /// It is gone, or cannot be unsealed.
    pub fn secret(&mut self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        let select = "SELECT sealed FROM secret WHERE entry = ?1";
        let found = self.connection.query_row(select, [id.to_string()], |row| row.get::<_, Option<Vec<u8>>>(0)).optional();
        match found.map_err(|error| explain(&self.path, &error))? {
            None => Ok(None),
            Some(None) => Err(StoreError::SecretGone),
            Some(Some(sealed)) => Ok(Some(self.sealer.unseal(id, &sealed)?)),
        }
    }

    /// Keeps a list with its time.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&mut self, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        let write = |transaction: &Transaction<'_>| {
            transaction.execute("INSERT OR REPLACE INTO list (name, at, body) VALUES (?1, ?2, ?3)", params![name, time(at), text])
        };
        self.write(write).map(|_| ())
    }

    /// The list that was kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn kept(&mut self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
        let found = self.connection.query_row("SELECT at, body FROM list WHERE name = ?1", [name], row).optional();
        let found = found.map_err(|error| explain(&self.path, &error))?;
        Ok(found.and_then(|(at, body)| Some((at.parse().ok()?, body))))
    }

    /// The count of the last change of any entry.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last_change(&mut self) -> Result<i64, StoreError> {
        let last = self.connection.query_row("SELECT ifnull(max(changed), 0) FROM entry", [], |row| row.get(0));
        last.map_err(|error| explain(&self.path, &error))
    }

    /// The entries that are not settled and were saved after this one, oldest first, a page of them; each with its number.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open_after(&mut self, number: u64) -> Result<Vec<(u64, Entry)>, StoreError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.entries(&format!("WHERE settled = 0 AND number > ?1 ORDER BY number LIMIT {PAGE}"), params![number]).map(numbered)
    }

    /// The entries that have changed since, in the order of their changes, a page of them; each with its number. And the last change.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn changed_after(&mut self, change: i64) -> Result<(i64, Vec<(u64, Entry)>), StoreError> {
        let last = self.last_change()?;
        if last <= change {
            return Ok((change, Vec::new()));
        }
        let to = last.min(change.saturating_add(PAGE));
        let found = self.entries("WHERE changed > ?1 AND changed <= ?2 ORDER BY changed", params![change, to])?;
        Ok((to, numbered(found)))
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn all(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.entries("ORDER BY number", params![]).map(readable)
    }

    fn entries(&mut self, filter: &str, values: impl rusqlite::Params) -> Result<Vec<Read>, StoreError> {
        let path = self.path.clone();
        let read = || -> rusqlite::Result<Vec<Read>> {
            // One transaction, so that an entry and its steps belong together.
            let transaction = self.connection.transaction()?;
            let mut select = transaction
                .prepare_cached(&format!("SELECT id, saved_at, kind, body, reassign, reader, card, seen_at, number FROM entry {filter}"))?;
            let mut steps = transaction.prepare_cached("SELECT at, body FROM step WHERE entry = ?1 ORDER BY n")?;
            let rows = select.query_map(values, |row| {
                let source: (Option<String>, Option<String>, Option<String>) = (row.get(5)?, row.get(6)?, row.get(7)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, source, row.get::<_, i64>(8)?))
            })?;
            let mut entries = Vec::new();
            for row in rows {
                let (id, saved_at, kind, body, reassign, source, number): (String, String, String, String, String, _, i64) = row?;
                let gone = steps.query_map([&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let gone: Vec<(String, String)> = gone.collect::<rusqlite::Result<_>>()?;
                let entry = entry(&path, &id, &saved_at, (&kind, &body), &reassign, &gone);
                let number = u64::try_from(number).unwrap_or_default();
                entries.push((number, entry.map(|entry| Entry { source: origin(source), ..entry })));
            }
            Ok(entries)
        };
        read().map_err(|error| explain(&path, &error))
    }

    fn write<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let path = &self.path;
        let all = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        all(&mut self.connection).map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => StoreError::Conflict,
            None if matches!(error, rusqlite::Error::StatementChangedRows(_)) => StoreError::Conflict,
            _ => explain(path, &error),
        })
    }

    /// Tells a store from a foreign file and from a newer layout, before anything is written. True for an older layout, or none.
    fn judge(&self) -> Result<bool, StoreError> {
        let pragma = |name: &str| -> rusqlite::Result<i64> { self.connection.pragma_query_value(None, name, |row| row.get(0)) };
        let read = || -> rusqlite::Result<(i64, i64, Option<String>)> {
            let table = self.connection.query_row("SELECT name FROM sqlite_master LIMIT 1", [], |row| row.get(0)).optional()?;
            Ok((pragma("application_id")?, pragma("user_version")?, table))
        };
        let (application, layout, table) = read().map_err(|error| explain(&self.path, &error))?;
        if table.is_some() && application != APPLICATION {
            return Err(StoreError::Foreign(self.path.clone()));
        }
        if layout > LAYOUT {
            return Err(StoreError::Newer { path: self.path.clone(), found: layout, known: LAYOUT });
        }
        Ok(layout < LAYOUT)
    }

    fn prepare(&mut self, is_older: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        // What is deleted is overwritten, sealed or not.
        self.connection.pragma_update(None, "secure_delete", "ON")?;
        self.connection.pragma_update(None, "temp_store", "MEMORY")?;
        if !is_older {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have brought it up meanwhile.
        if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == LAYOUT {
            return transaction.commit();
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
             ALTER TABLE entry ADD COLUMN reader TEXT;
             ALTER TABLE entry ADD COLUMN card TEXT;
             ALTER TABLE entry ADD COLUMN seen_at TEXT;
             CREATE INDEX given_card ON entry (card) WHERE card IS NOT NULL;
             ALTER TABLE entry ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
             CREATE INDEX changed_entry ON entry (changed);
             PRAGMA application_id = {APPLICATION};
             PRAGMA user_version = {LAYOUT};"
        ))?;
        transaction.commit()
    }
}

/// Makes the file with its mode before SQLite does; the files beside it inherit it.
fn create(path: &Path) -> Result<(), String> {
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("{error}; check that its folder is there and can be written")),
    }
}

/// SQLite's write-ahead log beside the file.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// An entry's number, and the entry where it can be read.
type Read = (u64, Result<Entry, StoreError>);

/// The entries that can be read: one that cannot is said, and holds up none of the others.
fn numbered(entries: Vec<Read>) -> Vec<(u64, Entry)> {
    let readable = |entry: Result<Entry, StoreError>| entry.inspect_err(|error| tracing::error!(%error, "an entry is left alone")).ok();
    entries.into_iter().filter_map(|(number, entry)| Some((number, readable(entry)?))).collect()
}

fn readable(entries: Vec<Read>) -> Vec<Entry> {
    numbered(entries).into_iter().map(|(_, entry)| entry).collect()
}

fn entry(
    path: &str,
    id: &str,
    saved_at: &str,
    (kind, body): (&str, &str),
    reassign: &str,
    steps: &[(String, String)],
) -> Result<Entry, StoreError> {
    let broken = |what: &str| StoreError::Failed { path: path.to_owned(), why: format!("entry {id} has {what} that cannot be read") };
    let steps = steps.iter().map(|(at, step)| {
        let at = at.parse().map_err(|_| broken("a time"))?;
        Ok((at, serde_json::from_str::<Step>(step).map_err(|_| broken("a step"))?))
    });
    Ok(Entry {
        id: id.parse().map_err(|_| broken("a key"))?,
        saved_at: saved_at.parse().map_err(|_| broken("a time"))?,
        operation: whole(kind, body).map_err(|_| broken("a kind or a body"))?,
        reassign: serde_json::from_str::<Reassign>(reassign).map_err(|_| broken("a reassignment rule"))?,
        source: None,
        steps: steps.collect::<Result<_, StoreError>>()?,
    })
}

fn origin(columns: (Option<String>, Option<String>, Option<String>)) -> Option<Source> {
    let (reader, card, seen_at) = columns;
    Some(Source { reader: reader?, card: card?, seen_at: seen_at?.parse().ok()? })
}

/// An operation's kind and body, which are columns of their own.
fn parts(path: &str, operation: &Operation) -> Result<(String, String), StoreError> {
    let broken = || StoreError::Failed { path: path.to_owned(), why: "an operation cannot be written".to_owned() };
    let whole = serde_json::to_value(operation).map_err(|_| broken())?;
    let kind = whole.get("kind").and_then(Value::as_str).ok_or_else(broken)?;
    Ok((kind.to_owned(), whole.get("body").ok_or_else(broken)?.to_string()))
}

fn whole(kind: &str, body: &str) -> serde_json::Result<Operation> {
    serde_json::from_value(serde_json::json!({ "kind": kind, "body": serde_json::from_str::<Value>(body)? }))
}

fn json(path: &str, value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed { path: path.to_owned(), why: error.to_string() })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn explain(path: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    if error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        return StoreError::Full(path);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(path),
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(path),
        Some(ErrorCode::DiskFull) => StoreError::Full(path),
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(path),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::ReadOnly(path),
        _ => StoreError::Failed { path, why: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
