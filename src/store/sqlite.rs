//! The store as an SQLite file: entries, and the steps each has gone, appended and never changed.
//!
//! - `rows`: a row and its mark, a hash over all its columns: a damaged row is found out and costs nothing but itself;
//! - `chain`: every entry and step linked to the one before;
//! - `layout`: this layout, and how older stores are brought to it;
//! - `log`: whether what a killed program left in the log is all there;
//! - `older`: what was written down in names that are not used any more;
//! - `wrong`: what SQLite says, in words that help.
//!
//! Layout 1: `entry(id, saved_at, kind, body, reassign, settled)`; `step(entry, n, at, body)`, keyed by entry and n. Layout 2 adds
//! `secret(entry, sealed)`, null once the entry has come to its end, and `list(name, at, body)`, what BluSKY was asked last. Layout 3
//! adds to an entry the BluSKY it is for, where it came from (`origin`; the `reader` and the `card`, and when that card was last seen at
//! one), whether it has a secret, how many steps it has, and which change of the store was its last (`changed`), so that whoever
//! delivers asks only for what is new; to both the mark and their place in the chain, whose salts and head are tables of their own.
//!
//! Invariants: WAL with `synchronous = FULL`, so that what is answered is on disk; steps are numbered without gaps, and
//! two processes that write the same number conflict instead of overwriting each other; `settled` is the fold of the
//! steps, kept only to find open entries quickly. The file is 0600. A PIN or password is in `secret`, sealed, and nowhere else; once it
//! is wiped there, the log that held it is emptied. A store that is closed has no log.

mod chain;
mod layout;
mod log;
mod older;
mod rows;
mod wrong;

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{StoreError, seal::Sealer};
use crate::{
    access::Secret,
    outbox::{Entry, State, Step, given_lately},
};
use chain::Head;
use rows::{Found, Record};
use wrong::{Wrong, explain};

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
    /// The BluSKY whose entries are delivered from here.
    base_url: String,
    sealer: Sealer,
    /// A secret was wiped, and the log may hold it still.
    log_holds_secrets: bool,
}

impl Database {
    /// Opens the file, making it where there is none, for the entries of this BluSKY.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(path: &Path, base_url: &str, sealer: Sealer) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        create(path).map_err(|why| StoreError::Open { path: name.clone(), why })?;
        // Whoever wrote it was killed: it may hold what was wiped since.
        let has_log = fs::metadata(log::of(path)).is_ok_and(|log| log.len() > 0);
        let left = log::Left::beside(path);
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| explain(&name, &error))?;
        let mut database = Self { connection, path: name, base_url: base_url.to_owned(), sealer, log_holds_secrets: has_log };
        // While another process makes the file, SQLite does not wait by itself.
        let until = Instant::now() + BUSY;
        loop {
            match database.take_up() {
                Err(StoreError::Locked(_)) if Instant::now() < until => thread::sleep(AGAIN),
                other => {
                    if left.is_lost(path, &database.connection) {
                        tracing::error!("the log of the store {} is cut or missing: what was saved last may be gone", database.path);
                    }
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
        let mut take_up = || -> Result<(), Wrong> {
            let is_older = layout::is_older(&self.connection, &self.path)?;
            self.connection.pragma_update(None, "journal_mode", "WAL")?;
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            // What is deleted is overwritten, sealed or not.
            self.connection.pragma_update(None, "secure_delete", "ON")?;
            self.connection.pragma_update(None, "temp_store", "MEMORY")?;
            if is_older { layout::bring_up(&mut self.connection, &self.base_url) } else { Ok(()) }
        };
        take_up().map_err(|wrong| wrong.explained(&self.path))
    }

    /// Writes an entry down.
    ///
    /// # Errors
    /// Why it is not on disk; [`StoreError::SameCard`] where its card was given to somebody else and seen within this time.
    pub fn save(&mut self, entry: &Entry, unless_given: Option<TimeDelta>) -> Result<(), StoreError> {
        let mut operation = entry.operation.clone();
        let sealed = operation.take_secret().map(|secret| self.sealer.seal(entry.id, &secret)).transpose()?;
        let broken = || StoreError::Failed { path: self.path.clone(), why: "an operation cannot be written".to_owned() };
        let (kind, body) = rows::parts(&operation).ok_or_else(broken)?;
        let (reassign, origin) = (json(&self.path, &entry.reassign)?, json(&self.path, &entry.origin)?);
        let source = entry.source.as_ref();
        let (reader, card, seen_at) =
            (source.map(|of| of.reader.as_str()), source.map(|of| of.card.as_str()), source.map(|of| time(of.seen_at)));
        let base_url = self.base_url.clone();
        self.write(|transaction| {
            let id = entry.id.to_string();
            if let Some((card, within)) = card.zip(unless_given) {
                let others = entries(transaction, "WHERE card = ?1 AND base_url = ?2", params![card, base_url])?;
                if let Some(given) = given_lately(entry, readable(others).iter(), within) {
                    return Err(StoreError::SameCard(given).into());
                }
            }
            let mut head = Head::read(transaction)?;
            if let Some(sealed) = &sealed {
                transaction.execute("INSERT INTO secret (entry, sealed) VALUES (?1, ?2)", params![id, sealed])?;
            }
            head.changed += 1;
            transaction.prepare_cached(
                "INSERT INTO entry (id, saved_at, kind, body, reassign, settled, base_url, origin, reader, card, seen_at, sealed, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                id,
                time(entry.saved_at),
                kind,
                body,
                reassign,
                base_url,
                origin,
                reader,
                card,
                seen_at,
                sealed.is_some(),
                head.changed
            ])?;
            let number = transaction.last_insert_rowid();
            head.add(transaction, Record::Entry(&id))?;
            rows::mark_entry(transaction, number)?;
            Ok(head.write(transaction)?)
        })
    }

    /// Notes when the card of the newest entry that gave it was last seen at a reader.
    ///
    /// # Errors
    /// Why it is not written down.
    pub fn seen(&mut self, card: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(|transaction| {
            let newest = "WHERE card = ?1 AND seen_at < ?2 ORDER BY number DESC LIMIT 1";
            if let Some((number, Ok(_))) = rows::found(transaction, newest, params![card, time(at)])?.pop() {
                transaction.execute("UPDATE entry SET seen_at = ?2 WHERE number = ?1", params![number, time(at)])?;
                rows::mark_entry(transaction, number)?;
            }
            Ok(())
        })
    }

    /// Writes an entry's next step down, as the one after those it has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where that step is taken; else why it is not on disk.
    pub fn append(&mut self, mut entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(), StoreError> {
        let (id, n) = (entry.id.to_string(), entry.steps.len() as i64);
        entry.steps.push((at, step.clone()));
        let progress = entry.progress();
        let (settled, has_it) = (progress.is_settled(), progress.is_over() || progress.state == State::Accepted);
        let body = json(&self.path, step)?;
        let wiped = self.write(|transaction| {
            let row = rows::row_of(transaction, &id)?;
            if row.steps != n {
                return Err(StoreError::Conflict.into());
            }
            let mut head = Head::read(transaction)?;
            let insert = "INSERT INTO step (entry, n, at, body) VALUES (?1, ?2, ?3, ?4)";
            transaction.prepare_cached(insert)?.execute(params![id, n, time(at), body])?;
            head.add(transaction, Record::Step(&id, n))?;
            head.changed += 1;
            // Nothing of it is sent any more.
            let wipe = "UPDATE secret SET sealed = NULL WHERE entry = ?1 AND sealed IS NOT NULL";
            let wiped = has_it && row.sealed && transaction.execute(wipe, [&id])? > 0;
            let settle = "UPDATE entry SET settled = ?2, changed = ?3, steps = ?4 WHERE number = ?1";
            transaction.prepare_cached(settle)?.execute(params![row.number, settled, head.changed, n + 1])?;
            rows::mark_entry(transaction, row.number)?;
            head.write(transaction)?;
            Ok(wiped)
        })?;
        self.log_holds_secrets |= wiped;
        self.empty_log_of_secrets();
        Ok(())
    }

    /// One entry with its steps.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn entry(&mut self, id: Uuid) -> Result<Entry, StoreError> {
        self.read(|transaction| {
            let row = rows::row_of(transaction, &id.to_string())?;
            Ok(rows::entry(transaction, row)??)
        })
    }

    /// An entry's secret, unsealed; none where it has none.
    ///
    /// # Errors
    /// It is gone, or cannot be unsealed.
    pub fn secret(&mut self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        let sealed = self.read(|transaction| {
            if !rows::row_of(transaction, &id.to_string())?.sealed {
                return Ok(None);
            }
            let select = "SELECT sealed FROM secret WHERE entry = ?1";
            let found = transaction.query_row(select, [id.to_string()], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?;
            let damaged = || StoreError::Damaged(format!("the PIN or password of entry {id}"));
            Ok(Some(found.ok_or_else(damaged)?.ok_or(StoreError::SecretGone)?))
        })?;
        Ok(sealed.map(|sealed| self.sealer.unseal(id, &sealed)).transpose()?)
    }

    /// Keeps a list with its time.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&mut self, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        let replace = "INSERT OR REPLACE INTO list (name, at, body) VALUES (?1, ?2, ?3)";
        self.write(|transaction| Ok(transaction.execute(replace, params![name, time(at), text]).map(|_| ())?))
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
        self.read(|transaction| Ok(Head::read(transaction)?.changed))
    }

    /// The entries that are not settled and were saved after this one, oldest first, a page of them; each with its number. Every row is
    /// looked at, once for all pages: no damaged index hides one.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open_after(&mut self, number: u64) -> Result<Vec<(u64, Entry)>, StoreError> {
        let (number, base_url) = (i64::try_from(number).unwrap_or(i64::MAX), self.base_url.clone());
        let filter = format!("NOT INDEXED WHERE settled = 0 AND number > ?1 AND base_url = ?2 ORDER BY number LIMIT {PAGE}");
        self.read(|transaction| Ok(numbered(entries(transaction, &filter, params![number, base_url])?)))
    }

    /// The entries that have changed since, in the order of their changes, a page of them; each with its number. And the last change.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn changed_after(&mut self, change: i64) -> Result<(i64, Vec<(u64, Entry)>), StoreError> {
        let base_url = self.base_url.clone();
        self.read(|transaction| {
            let last = Head::read(transaction)?.changed;
            if last <= change {
                return Ok((change, Vec::new()));
            }
            let to = last.min(change.saturating_add(PAGE));
            let filter = "WHERE changed > ?1 AND changed <= ?2 AND base_url = ?3 ORDER BY changed";
            Ok((to, numbered(entries(transaction, filter, params![change, to, base_url])?)))
        })
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn all(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.read(|transaction| Ok(readable(entries(transaction, "NOT INDEXED ORDER BY number", params![])?)))
    }

    /// What is wrong with the store, in words: which entries are damaged, what is missing, where the chain is broken. All of it is read.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn findings(&mut self) -> Result<Vec<String>, StoreError> {
        self.read(|transaction| {
            let entries = entries(transaction, "NOT INDEXED ORDER BY number", params![])?;
            let mut said: Vec<String> = entries.into_iter().filter_map(|(_, entry)| entry.err().map(|error| error.to_string())).collect();
            match chain::findings(transaction) {
                Err(Wrong::Store(error)) => said.push(error.to_string()),
                other => said.extend(other?),
            }
            Ok(said)
        })
    }

    /// One transaction, so that an entry and its steps belong together.
    fn read<T>(&mut self, read: impl FnOnce(&Transaction<'_>) -> Result<T, Wrong>) -> Result<T, StoreError> {
        let all = || read(&self.connection.transaction()?);
        all().map_err(|wrong| wrong.explained(&self.path))
    }

    fn write<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> Result<T, Wrong>) -> Result<T, StoreError> {
        let all = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        all().map_err(|wrong: Wrong| wrong.explained(&self.path))
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

/// An entry's number, and the entry where it is not damaged.
type Read = (u64, Result<Entry, StoreError>);

fn entries(transaction: &Transaction<'_>, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Read>> {
    let whole = |(number, row): Found| {
        let entry = match row {
            Ok(row) => rows::entry(transaction, row)?,
            Err(error) => Err(error),
        };
        Ok((u64::try_from(number).unwrap_or_default(), entry))
    };
    rows::found(transaction, filter, values)?.into_iter().map(whole).collect()
}

/// The entries that are not damaged: one that is, is said, and holds up none of the others.
fn numbered(entries: Vec<Read>) -> Vec<(u64, Entry)> {
    let sound = |entry: Result<Entry, StoreError>| entry.inspect_err(|error| tracing::error!("{error}")).ok();
    entries.into_iter().filter_map(|(number, entry)| Some((number, sound(entry)?))).collect()
}

fn readable(entries: Vec<Read>) -> Vec<Entry> {
    entries.into_iter().filter_map(|(_, entry)| entry.ok()).collect()
}

fn json(path: &str, value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed { path: path.to_owned(), why: error.to_string() })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests;
