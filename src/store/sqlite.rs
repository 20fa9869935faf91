//! The store as an SQLite file: entries, and the steps each has gone, appended and never changed.
//!
//! - `rows`: a row and its mark, a hash over all its columns: a damaged row is found out and costs nothing but itself;
//! - `chain`: every entry and step linked to the one before; `log`: whether what a killed program left in the log is all there;
//! - `writing`, `reading`: what is written in one `transaction`, or in a `group` of writes, and what is read in one;
//! - `anchoring`: the anchor in step with the store;
//! - `audit`: the record told; `erasing`: one person's part of it erased, or what is old; `blotting`: their name in others' answers;
//! - `evidence`: how many cards of which format and facility code were taken here; `inspection`: all of it looked through for damage;
//! - `secrets`: PINs and passwords, sealed; `mending`: a damaged head made anew, on a person's word;
//! - `lists`: what BluSKY was asked last; `layout`: this layout, and how older stores are brought to it;
//! - `older`: what was written down in names that are not used any more; `wrong`: what SQLite says, in words that help.
//!
//! Layout 1: `entry(id, saved_at, kind, body, reassign, settled)`; `step(entry, n, at, body)`, keyed by entry and n. Layout 2 adds
//! `secret(entry, sealed)`, null once the entry has come to its end, and `list(name, at, body)`, what BluSKY was asked last. Layout 3
//! adds to an entry the BluSKY it is for, where it came from (`origin`; the `reader` and the `card`, and when that card was last seen at
//! one), whether it has a secret, how many steps it has, and which change of the store was its last (`changed`, counted no more); to both
//! the mark and their place in the chain, whose salts and head were tables of their own.
//! Layout 4 adds `evidence(base_url, format, facility_code, accepted, vouched)`, and to the head what its marks come to, and which
//! entries are not settled; a salt stands beside its text, and the chain has an index. Layout 5 looks for no changes: their index goes.
//! Layout 6 keeps as open what a person must look for, which was kept as done before, and marks the lists.
//! Layout 7 adds no column: its entries may end in steps that older programs do not know, and would take for damage.
//! Since then `card` stands also where it came from no reader (`reader` is null), and what was erased has empty texts and no salts.
//!
//! Invariants: WAL with `synchronous = FULL`, so that what is answered is on disk; steps are numbered without gaps, and
//! two processes that write the same number conflict instead of overwriting each other; `settled` is the fold of the
//! steps (true once an entry is closed), kept only to find open entries quickly. A PIN or password is in `secret`, sealed, and
//! nowhere else; once it is wiped there, the log that held it is emptied. A store that is closed has no log. An anchor is never ahead of
//! its store: it is written once what it says is on disk.

mod anchoring;
mod audit;
mod blotting;
mod chain;
mod erasing;
mod evidence;
mod group;
mod inspection;
mod keys;
mod layout;
mod lists;
mod log;
mod mending;
mod older;
mod reading;
mod rows;
mod secrets;
mod transaction;
mod writing;
mod wrong;

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use uuid::Uuid;

use super::{Looked, Page, Store, StoreError, seal::Sealer};
use crate::{
    access::{AddUser, PeopleLines, Secret, base_url::in_one_form},
    enroll::evidence::Seen,
    outbox::{Entry, Step, Terms},
};
pub use anchoring::Accepted;
use anchoring::Anchored;
use chain::Head;
pub use erasing::Erased;
use group::Group;
use inspection::Inspection;
use reading::Search;
use transaction::transacted;
use wrong::{Wrong, explain};

/// How long a store that is locked is waited for.
const LOCKED: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// How large a page of a new store is, in bytes.
const PAGE_SIZE: u32 = 1024;
/// How large the log grows before it is carried over into the file, in bytes: each time costs two waits for the disk, and what changes
/// often is carried over once for many changes.
const LOG_SIZE: i64 = 4 << 20;
/// Why a store is not shown of which all lies in the log.
const UNSEEN: &str = "what was saved last is in the log beside it, which cannot be taken up here; free some space, or copy both to a folder \
                      that can be written";
/// More statements than there are: none is prepared twice.
const STATEMENTS: usize = 64;

/// The database file.
pub struct Database {
    connection: Connection,
    path: String,
    /// The BluSKY whose entries are delivered from here.
    base_url: String,
    sealer: Sealer,
    /// A secret was wiped, and the log may hold it still.
    log_holds_secrets: bool,
    /// How the entries are found that are not settled, since the first page of them was asked for.
    search: Search,
    /// The index of keys leads to every entry; none before somebody has asked for a key that it does not lead to.
    has_whole_keys: Option<bool>,
    inspection: Inspection,
    group: Group,
    anchor: Option<Anchored>,
}

impl Database {
    /// Opens the file for the entries of this BluSKY. The file is there, if only an empty one: whoever makes it says who may read it, and
    /// the files beside it are like it.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(path: &Path, base_url: &str, sealer: Sealer) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        check_file(path)?;
        // Whoever wrote it was killed: it may hold what was wiped since.
        let has_log = fs::metadata(log::of(path)).is_ok_and(|log| log.len() > 0);
        // SQLite takes such a log for somebody else's, and removes it.
        if has_log && fs::metadata(path).is_ok_and(|file| file.len() == 0) {
            return Err(StoreError::LogAlone(name));
        }
        let left = log::Left::beside(path);
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, OpenFlags::default() - OpenFlags::SQLITE_OPEN_CREATE)?;
            connection.busy_timeout(LOCKED)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Nor is one planned anew for each key that is looked for.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| explain(&name, &error))?;
        let mut database = Self { log_holds_secrets: has_log, ..Self::over(connection, name, base_url, sealer) };
        // While another process makes the file, SQLite does not wait by itself.
        let until = Instant::now() + LOCKED;
        loop {
            match database.take_up() {
                Err(StoreError::Locked(_)) if Instant::now() < until => thread::sleep(TRY_AGAIN),
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

    /// Opens the file to be looked at: not a byte of it or beside it changes, nothing can be written, and what a log beside it holds is
    /// not seen. Whoever looks while another process writes may see it torn.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn look(path: &Path, base_url: &str, sealer: Sealer) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        check_file(path)?;
        let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).map_err(|error| match explain(&name, &error) {
                StoreError::ReadOnly(path) => StoreError::Open { path, why: "it cannot be read; check its owner and mode".to_owned() },
                other => other,
            })?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let has_log = fs::metadata(log::of(path)).is_ok_and(|log| log.len() > 0);
        let is_older = layout::is_older(&connection, &name).map_err(|wrong| wrong.explained(&name));
        // What was not carried over from the log yet is no damage, and makes no store an older one.
        if has_log && matches!(is_older, Err(StoreError::Damaged(_)) | Ok(true)) {
            return Err(StoreError::Open { path: name, why: UNSEEN.to_owned() });
        }
        let is_older = is_older?;
        if has_log {
            tracing::warn!("what the log beside the store {name} holds is not seen; copy both to a folder that can be written");
        }
        if is_older {
            return Err(StoreError::Older(name));
        }
        Ok(Self::over(connection, name, base_url, sealer))
    }

    fn over(connection: Connection, path: String, base_url: &str, sealer: Sealer) -> Self {
        let base_url = in_one_form(base_url);
        let (search, has_whole_keys, inspection) = (Search::EveryEntry, None, Inspection::default());
        let (log_holds_secrets, group, anchor) = (false, Group::None, None);
        Self { connection, path, base_url, sealer, log_holds_secrets, search, has_whole_keys, inspection, group, anchor }
    }

    fn take_up(&mut self) -> Result<(), StoreError> {
        let mut take_up = || -> Result<(), Wrong> {
            let is_older = layout::is_older(&self.connection, &self.path)?;
            // An enrollment changes a little of many pages, and each goes to the log whole. A store that is there keeps its own size.
            self.connection.pragma_update(None, "page_size", PAGE_SIZE)?;
            self.connection.pragma_update(None, "journal_mode", "WAL")?;
            self.connection.pragma_update(None, "synchronous", "FULL")?;
            let page: i64 = self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            self.connection.pragma_update(None, "wal_autocheckpoint", LOG_SIZE / page.max(1))?;
            // What is deleted is overwritten, sealed or not.
            self.connection.pragma_update(None, "secure_delete", "ON")?;
            self.connection.pragma_update(None, "temp_store", "MEMORY")?;
            if is_older { layout::bring_up(&mut self.connection, &self.base_url) } else { Ok(()) }
        };
        take_up().map_err(|wrong| wrong.explained(&self.path))
    }

    /// One transaction, so that an entry and its steps belong together.
    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, StoreError> {
        let is_apart = self.connection.is_autocommit();
        let all = || if is_apart { transacted(&self.connection, "BEGIN", read) } else { read(&self.connection) };
        all().map_err(|wrong| wrong.explained(&self.path))
    }

    /// One transaction, or a part of the group's that fails alone.
    fn write<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, StoreError> {
        if self.is_in_group() {
            return self.write_in_group(write);
        }
        let written = transacted(&self.connection, "BEGIN IMMEDIATE", write).map_err(|wrong| wrong.explained(&self.path))?;
        self.write_anchor();
        Ok(written)
    }
}

/// Says no to what can be no store, before it is opened: a pipe would be waited for.
///
/// # Errors
/// It is a folder, a pipe or a device.
pub fn check_file(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        let why = "it is no file but a folder, a pipe or a device; name another under [store] path".to_owned();
        return Err(StoreError::Open { path: path.display().to_string(), why });
    }
    Ok(())
}

impl Store for Database {
    fn base_url(&self) -> &str {
        &self.base_url
    }

    fn begin_group(&mut self) {
        self.group = Group::Empty;
    }

    fn end_group(&mut self) -> Result<(), StoreError> {
        let ended = self.end();
        self.empty_log_of_secrets();
        self.write_anchor();
        ended
    }

    fn save(&mut self, entry: &Entry, terms: Terms) -> Result<(), StoreError> {
        let (bare, secret) = entry.without_secret();
        let sealed = secret.map(|secret| self.sealer.seal(entry.id, &secret)).transpose()?;
        let row = writing::row(&bare, &self.base_url)?;
        let wiped = self.write(|transaction| writing::save(transaction, entry, row, sealed.as_deref(), terms))?;
        self.log_holds_secrets |= wiped;
        self.empty_log_of_secrets();
        Ok(())
    }

    fn undo(&mut self, undone: Entry, at: DateTime<Utc>, by: &[Entry]) -> Result<(), StoreError> {
        let base_url = self.base_url.clone();
        self.write(|transaction| writing::undo(transaction, undone, at, by, &base_url))
    }

    fn seen(&mut self, card: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(|transaction| writing::seen(transaction, card, at))
    }

    fn append(&mut self, entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(), StoreError> {
        self.log_holds_secrets |= self.write(|transaction| writing::append(transaction, entry, at, step))?;
        self.empty_log_of_secrets();
        Ok(())
    }

    fn entry(&mut self, id: Uuid) -> Result<Entry, StoreError> {
        self.by_key(|transaction, search| reading::entry(transaction, id, search), |_| true)
    }

    fn open_after(&mut self, number: u64) -> Result<Page, StoreError> {
        let (base_url, before) = (self.base_url.clone(), self.search);
        let (search, page) = self.read(|transaction| {
            let search = if number == 0 { Search::find(transaction) } else { before };
            match reading::open_after(transaction, number, search, &base_url) {
                Err(_) if search == Search::ByIndex => {
                    Ok((Search::EveryEntry, reading::open_after(transaction, number, Search::EveryEntry, &base_url)?))
                }
                page => Ok((search, page?)),
            }
        })?;
        self.search = search;
        Ok(page)
    }

    fn page_after(&mut self, number: u64) -> Result<Page, StoreError> {
        self.read(|transaction| Ok(reading::page_after(transaction, number)?))
    }

    fn evidence_seen(&mut self) -> Result<Seen, StoreError> {
        let base_url = self.base_url.clone();
        match self.read(|transaction| evidence::read(transaction, &base_url)) {
            Ok(Some(seen)) => return Ok(seen),
            Ok(None) | Err(StoreError::Damaged(_) | StoreError::DamagedHead) => {
                tracing::warn!("the counts of evidence in {} are damaged; all is counted anew", self.path)
            }
            Err(other) => return Err(other),
        }
        let written = self.write(|transaction| {
            let (counted, mut head) = (evidence::count(transaction)?, Head::read(transaction)?);
            evidence::write(transaction, &mut head, &counted)?;
            head.write(transaction)?;
            Ok(counted)
        });
        // What cannot be written down is counted all the same.
        let counted = written.or_else(|_| self.read(|transaction| Ok(evidence::count(transaction)?)))?;
        Ok(evidence::seen(counted, &base_url))
    }

    fn look_on(&mut self, anew: bool) -> Result<Looked, StoreError> {
        let before = std::mem::take(&mut self.inspection);
        let from = if anew { Inspection::default() } else { before };
        let (looked, next) = self.read(|connection| from.go_on(connection))?;
        self.inspection = next;
        Ok(looked)
    }

    fn beginning(&mut self, key: &str) -> Result<Vec<String>, StoreError> {
        self.by_key(|connection, search| Ok(reading::beginning(connection, key, search)?), |found| !found.is_empty())
    }

    fn last_of_card(&mut self, card: &str) -> Result<Option<Entry>, StoreError> {
        let base_url = self.base_url.clone();
        self.read(|connection| Ok(reading::last_of_card(connection, card, &base_url)?))
    }

    fn open_user(&mut self, user: &AddUser) -> Result<Option<Entry>, StoreError> {
        let base_url = self.base_url.clone();
        let orders = self.read(|connection| Ok(reading::new_users(connection, &base_url, user)?))?;
        Ok(orders.into_iter().find(|entry| entry.not_new(user, None).is_some()))
    }

    fn secret(&mut self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        let sealed = self.read(|transaction| secrets::sealed(transaction, id))?;
        Ok(sealed.map(|sealed| self.sealer.unseal(id, &sealed)).transpose()?)
    }

    fn keep(&mut self, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        self.write(|transaction| lists::keep(transaction, name, at, text))
    }

    fn change(&mut self, name: &str, at: DateTime<Utc>, gone: &[Uuid], new: &PeopleLines) -> Result<(), StoreError> {
        self.write(|transaction| lists::change(transaction, name, at, gone, new))
    }

    fn kept(&mut self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        lists::kept(&self.connection, name).map_err(|error| explain(&self.path, &error))
    }

    fn anchor_trouble(&mut self) -> Option<StoreError> {
        Self::anchor_trouble(self)
    }

    fn close(mut self: Box<Self>) {
        self.empty_log();
        drop(self.connection.close());
    }
}

#[cfg(test)]
mod tests;
