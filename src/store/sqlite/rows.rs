//! Rows of the store and their marks: from columns to values, where the columns are those that were written.
//!
//! In: columns as they lie on disk, or what is to lie there. Out: entries and steps, or which one is damaged. Each row carries a mark, a
//! hash over all its columns, which are hashed before anything else is believed of them. Never: a damaged value.

use chrono::{DateTime, Utc};
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use rusqlite::{
    Connection, Row, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{Wrong, older};
use crate::{
    access::{Operation, base_url::in_one_form},
    enroll::origin::Origin,
    outbox::{Entry, Reassign, Source, Step},
    store::StoreError,
};

/// All columns of an entry before its mark, in the order they are hashed in; the first of them never change.
pub(super) const COLUMNS: &str = "id, saved_at, kind, body, reassign, base_url, origin, reader, card, sealed, \
                                  number, seen_at, settled, changed, steps, seq, digest, link";
pub(super) const COUNT: usize = 18;
pub(super) const FIXED_COUNT: usize = 10;
/// All columns of a step before its mark.
pub(super) const STEP_COLUMNS: &str = "entry, n, at, body, seq, digest, link";
pub(super) const STEP_COUNT: usize = 7;
pub(super) const STEP_FIXED_COUNT: usize = 4;

/// A hash over columns: each with its type and its length, so that no two rows have the same bytes to hash.
pub(super) struct Hash(Context);

impl Default for Hash {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hash {
    pub(super) fn bytes(mut self, tag: u8, bytes: &[u8]) -> Self {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = (bytes.len() as u64).to_le_bytes();
        self.0.update(&[tag, b0, b1, b2, b3, b4, b5, b6, b7]);
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

    pub(super) fn values<'v>(self, values: impl IntoIterator<Item = ValueRef<'v>>) -> Self {
        values.into_iter().fold(self, Self::value)
    }

    /// The first columns of a row as it lies on disk.
    pub(super) fn columns(self, row: &Row<'_>, count: usize) -> rusqlite::Result<Self> {
        (0..count).try_fold(self, |hash, at| Ok(hash.value(row.get_ref(at)?)))
    }

    pub(super) fn finish(self) -> [u8; SHA256_OUTPUT_LEN] {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }

    /// A mark is short: it is there for damage, not for forgers.
    pub(super) fn mark(self) -> Vec<u8> {
        self.finish().iter().take(16).copied().collect()
    }
}

/// True where the columns are those that were marked; the mark stands behind them.
pub(super) fn is_marked(row: &Row<'_>, count: usize) -> rusqlite::Result<bool> {
    #[cfg(test)]
    ROWS_READ.set(ROWS_READ.get() + 1);
    let mark = Hash::default().columns(row, count)?.mark();
    Ok(matches!(row.get_ref(count)?, ValueRef::Blob(bytes) if bytes == mark))
}

#[cfg(test)]
thread_local! {
    /// So many rows were read, for the tests that count them.
    pub(super) static ROWS_READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A row of `entry`.
#[derive(Debug, Clone, Default)]
pub(super) struct EntryRow {
    pub(super) id: String,
    pub(super) saved_at: String,
    pub(super) kind: String,
    pub(super) body: String,
    pub(super) reassign: String,
    pub(super) base_url: String,
    pub(super) origin: String,
    pub(super) reader: Option<String>,
    pub(super) card: Option<String>,
    pub(super) sealed: bool,
    pub(super) number: i64,
    pub(super) seen_at: Option<String>,
    pub(super) settled: bool,
    /// Which change of an older program's store was its last; nothing counts them any more.
    pub(super) changed: i64,
    pub(super) steps: i64,
    pub(super) seq: i64,
    pub(super) digest: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Written with the row, and read by the chain alone.
    pub(super) salt: [u8; 16],
}

impl EntryRow {
    /// Reads it; the mark is somebody else's to look at.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            saved_at: row.get(1)?,
            kind: row.get(2)?,
            body: row.get(3)?,
            reassign: row.get(4)?,
            base_url: row.get(5)?,
            origin: row.get(6)?,
            reader: row.get(7)?,
            card: row.get(8)?,
            sealed: row.get(9)?,
            number: row.get(10)?,
            seen_at: row.get(11)?,
            settled: row.get(12)?,
            changed: row.get(13)?,
            steps: row.get(14)?,
            seq: row.get(15)?,
            digest: row.get(16)?,
            link: row.get(17)?,
            salt: [0; 16],
        })
    }

    fn values(&self) -> [ValueRef<'_>; COUNT] {
        [
            text(&self.id),
            text(&self.saved_at),
            text(&self.kind),
            text(&self.body),
            text(&self.reassign),
            text(&self.base_url),
            text(&self.origin),
            optional(self.reader.as_ref()),
            optional(self.card.as_ref()),
            ValueRef::Integer(self.sealed.into()),
            ValueRef::Integer(self.number),
            optional(self.seen_at.as_ref()),
            ValueRef::Integer(self.settled.into()),
            ValueRef::Integer(self.changed),
            ValueRef::Integer(self.steps),
            ValueRef::Integer(self.seq),
            ValueRef::Blob(&self.digest),
            ValueRef::Blob(&self.link),
        ]
    }

    /// What tells it from others of the same text: once the salt is gone, its digest tells nobody what it was.
    pub(super) fn digest(&self) -> [u8; 32] {
        salted(&self.salt).values(self.values().into_iter().take(FIXED_COUNT)).finish()
    }

    /// Writes it down with its mark.
    pub(super) fn insert(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let insert = format!(
            "INSERT INTO entry ({COLUMNS}, mark, salt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
        );
        insert_marked(transaction, &insert, self.values(), Some(&self.salt)).map(|_| ())
    }

    /// Writes down those of its columns that change, with its mark.
    pub(super) fn update(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let update = "UPDATE entry SET seen_at = ?2, settled = ?3, steps = ?4, mark = ?5 WHERE number = ?1";
        let mark = Hash::default().values(self.values()).mark();
        let values = rusqlite::params![self.number, self.seen_at, self.settled, self.steps, mark];
        transaction.prepare_cached(update)?.execute(values).map(|_| ())
    }
}

/// A row of `step`.
#[derive(Debug, Clone, Default)]
pub(super) struct StepRow {
    pub(super) entry: String,
    pub(super) n: i64,
    pub(super) at: String,
    pub(super) body: String,
    pub(super) seq: i64,
    pub(super) digest: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// As an entry's.
    pub(super) salt: [u8; 16],
}

impl StepRow {
    fn values(&self) -> [ValueRef<'_>; STEP_COUNT] {
        let (digest, link) = (ValueRef::Blob(&self.digest), ValueRef::Blob(&self.link));
        [text(&self.entry), ValueRef::Integer(self.n), text(&self.at), text(&self.body), ValueRef::Integer(self.seq), digest, link]
    }

    /// As an entry's.
    pub(super) fn digest(&self) -> [u8; 32] {
        salted(&self.salt).values(self.values().into_iter().take(STEP_FIXED_COUNT)).finish()
    }

    /// Writes it down with its mark.
    pub(super) fn insert(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let insert = format!("INSERT INTO step ({STEP_COLUMNS}, mark, salt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        insert_marked(transaction, &insert, self.values(), Some(&self.salt)).map(|_| ())
    }
}

/// What a record's digest begins with.
pub(super) fn salted(salt: &[u8]) -> Hash {
    Hash::default().bytes(5, salt)
}

pub(super) fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

fn optional(text: Option<&String>) -> ValueRef<'_> {
    text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
}

/// Writes a row down with its mark, and a salt behind it where it has one; gives the mark.
pub(super) fn insert_marked<const N: usize>(
    transaction: &Connection,
    insert: &str,
    values: [ValueRef<'_>; N],
    salt: Option<&[u8]>,
) -> rusqlite::Result<Vec<u8>> {
    let mark = Hash::default().values(values).mark();
    let all = values.into_iter().chain([ValueRef::Blob(&mark)]).chain(salt.map(ValueRef::Blob)).map(ToSqlOutput::Borrowed);
    transaction.prepare_cached(insert)?.execute(params_from_iter(all))?;
    Ok(mark)
}

/// A row of `entry`: its number, and what it holds or what it is called.
pub(super) type FoundRow = (i64, Result<EntryRow, StoreError>);

/// Marks an entry's row anew, as it lies there now.
pub(super) fn mark_entry(transaction: &Connection, number: i64) -> rusqlite::Result<()> {
    let select = format!("SELECT {COLUMNS} FROM entry WHERE number = ?1");
    let mark = transaction.prepare_cached(&select)?.query_row([number], |row| Ok(Hash::default().columns(row, COUNT)?.mark()))?;
    let update = "UPDATE entry SET mark = ?2 WHERE number = ?1";
    transaction.prepare_cached(update)?.execute(rusqlite::params![number, mark]).map(|_| ())
}

/// Marks a step's row anew, as it lies there now.
pub(super) fn mark_step(transaction: &Connection, entry: &str, n: i64) -> rusqlite::Result<()> {
    let select = format!("SELECT {STEP_COLUMNS} FROM step WHERE entry = ?1 AND n = ?2");
    let read = |row: &Row<'_>| Ok(Hash::default().columns(row, STEP_COUNT)?.mark());
    let mark = transaction.prepare_cached(&select)?.query_row(rusqlite::params![entry, n], read)?;
    let update = "UPDATE step SET mark = ?3 WHERE entry = ?1 AND n = ?2";
    transaction.prepare_cached(update)?.execute(rusqlite::params![entry, n, mark]).map(|_| ())
}

/// Reads the entries of a filter.
pub(super) fn found(transaction: &Connection, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<FoundRow>> {
    let mut select = transaction.prepare_cached(&format!("SELECT {COLUMNS}, mark FROM entry {filter}"))?;
    let rows = select.query_map(values, |row| {
        let number: i64 = row.get(10)?;
        let sound = if is_marked(row, COUNT)? { EntryRow::read(row).ok() } else { None };
        let damaged = || StoreError::Damaged(format!("entry {number} ({})", key(row.get_ref(0).unwrap_or(ValueRef::Null))));
        Ok((number, sound.ok_or_else(damaged)))
    })?;
    rows.collect()
}

/// The entry of this key. Where the index does not lead to it, every row is looked at.
pub(super) fn row_of(transaction: &Connection, id: &str) -> Result<EntryRow, Wrong> {
    match row_by_index(transaction, id) {
        Err(Wrong::Store(StoreError::NoEntry(_))) => row_in(transaction, "NOT INDEXED", id),
        other => other,
    }
}

/// The entry to which the index of keys leads.
pub(super) fn row_by_index(transaction: &Connection, id: &str) -> Result<EntryRow, Wrong> {
    row_in(transaction, "", id)
}

fn row_in(transaction: &Connection, way: &str, id: &str) -> Result<EntryRow, Wrong> {
    let row = found(transaction, &format!("{way} WHERE id = ?1"), [id])?.pop().map(|(_, row)| row).transpose()?;
    row.filter(|row| row.id == id).ok_or_else(|| StoreError::NoEntry(id.to_owned()).into())
}

/// The whole entry of a row.
pub(super) fn entry(transaction: &Connection, row: EntryRow) -> rusqlite::Result<Result<Entry, StoreError>> {
    if row.body.is_empty() {
        return Ok(Err(StoreError::Erased(row.id)));
    }
    let damaged = StoreError::Damaged(format!("entry {} ({})", row.number, row.id));
    let steps = steps(transaction, &row)?;
    Ok(steps.and_then(|steps| whole(row, steps)).ok_or(damaged))
}

/// What has happened to an entry, and when.
type Steps = Vec<(DateTime<Utc>, Step)>;

/// The steps of an entry; none where one is damaged, or not all are there.
fn steps(transaction: &Connection, row: &EntryRow) -> rusqlite::Result<Option<Steps>> {
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

fn whole(row: EntryRow, steps: Steps) -> Option<Entry> {
    let body = older::in_own_names(serde_json::from_str(&row.body).ok()?);
    let operation = serde_json::from_value::<Operation>(serde_json::json!({ "kind": row.kind, "body": body })).ok()?;
    let reassign = serde_json::from_str::<Reassign>(&row.reassign).ok()?;
    let source = match (row.card, row.seen_at) {
        (Some(card), Some(seen_at)) => Some(Source { reader: row.reader, card, seen_at: seen_at.parse().ok()? }),
        _ => None,
    };
    let entry = Entry {
        // Older programs kept it as it was written.
        base_url: in_one_form(&row.base_url),
        origin: serde_json::from_str::<Origin>(&row.origin).ok()?,
        source,
        is_sealed: row.sealed,
        ..Entry::of(row.id.parse().ok()?, row.saved_at.parse().ok()?, operation, reassign)
    };
    Some(entry.after(steps))
}

/// The first column as a key; what is no key is shown as it can be.
fn key(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => "its key is unreadable".to_owned(),
    }
}
