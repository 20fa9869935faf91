//! A row of the store and its mark: from columns to a value, where the columns are those that were written.
//!
//! In: columns as they lie on disk. Out: entries and steps, or which one is damaged. Each row carries a mark, a hash over all its
//! columns, which are hashed before anything else is believed of them. Never: a damaged value.

use chrono::{DateTime, Utc};
use rusqlite::{Row, Transaction, params, types::ValueRef};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Wrong, older};
use crate::{
    access::Operation,
    enroll::origin::Origin,
    outbox::{Entry, Reassign, Source, Step},
    store::StoreError,
};

/// The columns of an entry that never change, in the order they are hashed in.
pub(super) const FIXED: &str = "id, saved_at, kind, body, reassign, base_url, origin, reader, card, sealed";
const FIXED_COUNT: usize = 10;
/// All columns of an entry before its mark.
pub(super) const COLUMNS: &str = "id, saved_at, kind, body, reassign, base_url, origin, reader, card, sealed, \
                                  number, seen_at, settled, changed, steps, seq, digest, link";
const COUNT: usize = 18;
/// All columns of a step before its mark.
pub(super) const STEP_COLUMNS: &str = "entry, n, at, body, seq, digest, link";
const STEP_FIXED_COUNT: usize = 4;
const STEP_COUNT: usize = 7;

/// A hash over columns: each with its type and its length, so that no two rows have the same bytes to hash.
#[derive(Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn bytes(mut self, tag: u8, bytes: &[u8]) -> Self {
        self.0.update([tag]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn value(self, value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => self.bytes(0, &[]),
            ValueRef::Integer(number) => self.bytes(1, &number.to_le_bytes()),
            ValueRef::Real(number) => self.bytes(2, &number.to_le_bytes()),
            ValueRef::Text(text) => self.bytes(3, text),
            ValueRef::Blob(bytes) => self.bytes(4, bytes),
        }
    }

    fn columns(row: &Row<'_>, start: Self, count: usize) -> rusqlite::Result<Self> {
        (0..count).try_fold(start, |hash, at| Ok(hash.value(row.get_ref(at)?)))
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// A mark is short: it is there for damage, not for forgers.
    fn mark(self) -> Vec<u8> {
        self.finish().iter().take(16).copied().collect()
    }
}

/// What tells a record from others of the same text: once the salt is gone, its digest tells nobody what it was.
pub(super) fn digest(transaction: &Transaction<'_>, of: Record<'_>, salt: &[u8]) -> rusqlite::Result<[u8; 32]> {
    let salted = Hash::default().bytes(5, salt);
    match of {
        Record::Entry(id) => transaction.query_row(&format!("SELECT {FIXED} FROM entry WHERE id = ?1"), [id], |row| {
            Ok(Hash::columns(row, salted, FIXED_COUNT)?.finish())
        }),
        Record::Step(id, n) => {
            let select = format!("SELECT {STEP_COLUMNS} FROM step WHERE entry = ?1 AND n = ?2");
            transaction.query_row(&select, params![id, n], |row| Ok(Hash::columns(row, salted, STEP_FIXED_COUNT)?.finish()))
        }
    }
}

/// One record of the chain.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record<'a> {
    /// The entry of this key.
    Entry(&'a str),
    /// A step of it.
    Step(&'a str, i64),
}

/// Writes the mark of an entry as it stands now.
pub(super) fn mark_entry(transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    let select = format!("SELECT {COLUMNS} FROM entry WHERE number = ?1");
    let mark = transaction.prepare_cached(&select)?.query_row([number], |row| Ok(Hash::columns(row, Hash::default(), COUNT)?.mark()))?;
    transaction.prepare_cached("UPDATE entry SET mark = ?2 WHERE number = ?1")?.execute(params![number, mark])?;
    Ok(())
}

/// Writes the mark of a step as it stands now.
pub(super) fn mark_step(transaction: &Transaction<'_>, id: &str, n: i64) -> rusqlite::Result<()> {
    let select = format!("SELECT {STEP_COLUMNS} FROM step WHERE entry = ?1 AND n = ?2");
    let hash = |row: &Row<'_>| Ok(Hash::columns(row, Hash::default(), STEP_COUNT)?.mark());
    let mark = transaction.prepare_cached(&select)?.query_row(params![id, n], hash)?;
    transaction.prepare_cached("UPDATE step SET mark = ?3 WHERE entry = ?1 AND n = ?2")?.execute(params![id, n, mark])?;
    Ok(())
}

/// A row of `entry` that is as it was written.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) base_url: String,
    pub(super) sealed: bool,
    pub(super) steps: i64,
    saved_at: String,
    kind: String,
    body: String,
    reassign: String,
    origin: String,
    source: Option<(String, String, String)>,
}

/// A row of `entry`: its number, and what it holds or what it is called.
pub(super) type Found = (i64, Result<Sound, StoreError>);

/// Reads the entries of a filter.
pub(super) fn found(transaction: &Transaction<'_>, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Found>> {
    let mut select = transaction.prepare_cached(&format!("SELECT {COLUMNS}, mark FROM entry {filter}"))?;
    let rows = select.query_map(values, |row| {
        let number: i64 = row.get(10)?;
        let sound = if is_marked(row, COUNT)? { sound(row).ok() } else { None };
        let damaged = StoreError::Damaged(format!("entry {number} ({})", key(row.get_ref(0)?)));
        Ok((number, sound.ok_or(damaged)))
    })?;
    rows.collect()
}

/// The entry of this key. Where the index does not lead to it, every row is looked at.
pub(super) fn row_of(transaction: &Transaction<'_>, id: &str) -> Result<Sound, Wrong> {
    for filter in ["WHERE id = ?1", "NOT INDEXED WHERE id = ?1"] {
        if let Some((_, row)) = found(transaction, filter, [id])?.pop() {
            let sound = row?;
            if sound.id == id {
                return Ok(sound);
            }
        }
    }
    Err(StoreError::NoEntry(id.to_owned()).into())
}

/// The whole entry of a row.
pub(super) fn entry(transaction: &Transaction<'_>, row: Sound) -> rusqlite::Result<Result<Entry, StoreError>> {
    let damaged = || StoreError::Damaged(format!("entry {} ({})", row.number, row.id));
    let steps = steps(transaction, &row)?;
    Ok(steps.and_then(|steps| whole(row.clone(), steps)).ok_or_else(damaged))
}

/// What has happened to an entry, and when.
type Steps = Vec<(DateTime<Utc>, Step)>;

/// The steps of an entry; none where one is damaged, or not all are there.
fn steps(transaction: &Transaction<'_>, row: &Sound) -> rusqlite::Result<Option<Steps>> {
    let select = format!("SELECT {STEP_COLUMNS}, mark FROM step WHERE entry = ?1 ORDER BY n");
    let mut select = transaction.prepare_cached(&select)?;
    let read = |row: &Row<'_>| -> rusqlite::Result<Option<(i64, DateTime<Utc>, Step)>> {
        if !is_marked(row, STEP_COUNT)? {
            return Ok(None);
        }
        let (at, body): (String, String) = (row.get(2)?, row.get(3)?);
        Ok(at.parse().ok().zip(serde_json::from_str(&body).ok()).zip(row.get(1).ok()).map(|((at, step), n)| (n, at, step)))
    };
    let found: Vec<Option<(i64, DateTime<Utc>, Step)>> = select.query_map([&row.id], read)?.collect::<rusqlite::Result<_>>()?;
    let is_whole = found.len() as i64 == row.steps && found.iter().flatten().map(|(n, ..)| *n).eq(0..row.steps);
    Ok(is_whole.then(|| found.into_iter().flatten().map(|(_, at, step)| (at, step)).collect()))
}

fn whole(row: Sound, steps: Steps) -> Option<Entry> {
    let body = older::in_own_names(serde_json::from_str(&row.body).ok()?);
    let source = row.source.map(|(reader, card, seen_at)| Some(Source { reader, card, seen_at: seen_at.parse().ok()? }));
    Some(Entry {
        id: row.id.parse().ok()?,
        saved_at: row.saved_at.parse().ok()?,
        operation: serde_json::from_value::<Operation>(serde_json::json!({ "kind": row.kind, "body": body })).ok()?,
        reassign: serde_json::from_str::<Reassign>(&row.reassign).ok()?,
        base_url: row.base_url,
        origin: serde_json::from_str::<Origin>(&row.origin).ok()?,
        source: source.flatten(),
        steps,
    })
}

/// The first column as a key; what is no key is shown as it can be.
fn key(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => "its key is unreadable".to_owned(),
    }
}

/// True where the columns are those that were marked; the mark stands behind them.
fn is_marked(row: &Row<'_>, count: usize) -> rusqlite::Result<bool> {
    let mark = Hash::columns(row, Hash::default(), count)?.mark();
    Ok(matches!(row.get_ref(count)?, ValueRef::Blob(bytes) if bytes == mark))
}

fn sound(row: &Row<'_>) -> rusqlite::Result<Sound> {
    let source: (Option<String>, Option<String>, Option<String>) = (row.get(7)?, row.get(8)?, row.get(11)?);
    Ok(Sound {
        id: row.get(0)?,
        saved_at: row.get(1)?,
        kind: row.get(2)?,
        body: row.get(3)?,
        reassign: row.get(4)?,
        base_url: row.get(5)?,
        origin: row.get(6)?,
        source: if let (Some(reader), Some(card), Some(seen_at)) = source { Some((reader, card, seen_at)) } else { None },
        sealed: row.get(9)?,
        number: row.get(10)?,
        steps: row.get(14)?,
    })
}

/// An operation's kind and body, which are columns of their own.
pub(super) fn parts(operation: &Operation) -> Option<(String, String)> {
    let (kind, members) = operation.parts().ok()?;
    Some((kind, Value::Object(members).to_string()))
}
