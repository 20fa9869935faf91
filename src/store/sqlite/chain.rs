//! The chain: every entry and every step in the order they were written, each linked to the one before.
//!
//! A record's digest is a hash of its text and a salt of its own; its link is a hash of the link before and that digest. The head
//! holds the last link, how many records and entries there are, and what the counts of evidence come to. Whoever erases a person's text
//! and salts leaves digests and links, and the chain stays valid. Never: a record that is added behind a damaged head.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    Wrong,
    rows::{self, COLUMNS, FIXED_COUNT, Hash, STEP_COLUMNS, STEP_FIXED_COUNT},
};
use crate::{
    card::to_hex,
    outbox::Step,
    store::{Anchor, StoreError},
};

/// What the last step of an entry is called whose text was erased.
pub(super) const ERASED: &str = "erased";

/// How many records of the chain are followed at once.
pub(super) const RECORDS: usize = 512;

/// What is said of a damaged head.
const HEAD: &str = "the head of its chain is not as it was written down, and nothing is sent; `cardbridge audit accept` makes it anew \
                    where the rest is whole";

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) records: i64,
    pub(super) entries: i64,
    pub(super) changed: i64,
    /// The marks of the counts of evidence, put together; empty in the third layout, which had none.
    pub(super) evidence: Vec<u8>,
    /// The marks of the kept lists, put together; empty before the sixth layout.
    pub(super) lists: Vec<u8>,
    /// How many entries are not settled, and what their numbers come to: an index that leads to other ones is damaged.
    pub(super) open: Open,
    link: Vec<u8>,
}

/// The entries that are not settled: how many, and the sum of their numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) count: i64,
    pub(super) sum: i64,
}

impl Open {
    /// Those that the rows say are not settled.
    pub(super) fn counted(connection: &Connection) -> rusqlite::Result<Self> {
        let select = "SELECT count(*), coalesce(sum(number), 0) FROM entry NOT INDEXED WHERE settled = 0";
        connection.query_row(select, [], |row| Ok(Self { count: row.get(0)?, sum: row.get(1)? }))
    }

    /// An entry is no longer settled, or is settled now.
    pub(super) const fn change(&mut self, number: i64, is_open: bool) {
        let by = if is_open { 1 } else { -1 };
        self.count = self.count.wrapping_add(by);
        self.sum = self.sum.wrapping_add(number.wrapping_mul(by));
    }
}

/// A record's place in the chain.
pub(super) struct Place {
    pub(super) seq: i64,
    pub(super) link: Vec<u8>,
}

impl Head {
    /// The head of an empty store.
    pub(super) fn first() -> Self {
        Self { records: 0, entries: 0, changed: 0, evidence: Vec::new(), lists: Vec::new(), open: Open::default(), link: vec![0; 32] }
    }

    /// Reads it.
    pub(super) fn read(transaction: &Connection) -> Result<Self, Wrong> {
        let select = "SELECT records, entries, changed, link, evidence, open_count, open_sum, lists, mark FROM head WHERE one = 1";
        let row = transaction.prepare_cached(select)?.query_row([], |row| {
            let (records, entries, changed, link) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let open = Open { count: row.get(5)?, sum: row.get(6)? };
            Ok((Self { records, entries, changed, evidence: row.get(4)?, lists: row.get(7)?, open, link }, row.get::<_, Vec<u8>>(8)?))
        });
        let found = match row.optional() {
            Err(rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..)) => None,
            other => other?,
        };
        let sound = found.filter(|(head, mark)| head.mark() == mark.as_slice()).map(|(head, _)| head);
        sound.ok_or_else(|| StoreError::DamagedHead.into())
    }

    /// Reads it; none where it is damaged.
    pub(super) fn sound(transaction: &Connection) -> Result<Option<Self>, Wrong> {
        match Self::read(transaction) {
            Err(Wrong::Store(StoreError::DamagedHead)) => Ok(None),
            head => head.map(Some),
        }
    }

    /// Writes it.
    pub(super) fn write(&self, transaction: &Connection) -> rusqlite::Result<()> {
        let replace = "INSERT OR REPLACE INTO head (one, records, entries, changed, link, evidence, open_count, open_sum, lists, mark)
                       VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (open, mark) = (self.open, self.mark());
        let values =
            params![self.records, self.entries, self.changed, self.link, self.evidence, open.count, open.sum, self.lists, mark.as_slice()];
        transaction.prepare_cached(replace)?.execute(values).map(|_| ())
    }

    /// How far the chain has come, for a file outside of the store.
    pub(super) fn anchor(&self) -> Anchor {
        Anchor { records: u64::try_from(self.records).unwrap_or_default(), link: to_hex(&self.link) }
    }

    fn mark(&self) -> [u8; 32] {
        let numbers = [self.records, self.entries, self.changed].map(i64::to_le_bytes).concat();
        let hash = Hash::default().bytes(6, &numbers).bytes(7, &self.link);
        if self.evidence.is_empty() {
            return hash.finish();
        }
        let open = [self.open.count, self.open.sum].map(i64::to_le_bytes).concat();
        let hash = hash.bytes(10, &self.evidence).bytes(11, &open);
        if self.lists.is_empty() { hash.finish() } else { hash.bytes(12, &self.lists).finish() }
    }

    /// Gives an entry its place.
    pub(super) fn place_entry(&mut self, digest: &[u8]) -> Place {
        self.entries += 1;
        self.place(digest)
    }

    /// Gives a step its place.
    pub(super) fn place_step(&mut self, digest: &[u8]) -> Place {
        self.place(digest)
    }

    fn place(&mut self, digest: &[u8]) -> Place {
        self.records += 1;
        self.link = link(&self.link, digest);
        Place { seq: self.records, link: self.link.clone() }
    }
}

/// A new salt for a record.
pub(super) fn salt() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// The digest of a record as it lies on disk.
pub(super) fn digest(transaction: &Connection, (id, n): (&str, i64), salt: &[u8]) -> rusqlite::Result<[u8; 32]> {
    let (select, count) = if n < 0 {
        (format!("SELECT {COLUMNS} FROM entry WHERE id = ?1 AND ?2 < 0"), FIXED_COUNT)
    } else {
        (format!("SELECT {STEP_COLUMNS} FROM step WHERE entry = ?1 AND n = ?2"), STEP_FIXED_COUNT)
    };
    let mut select = transaction.prepare_cached(&select)?;
    select.query_row(params![id, n], |row| Ok(rows::salted(salt).columns(row, count)?.finish()))
}

/// True where the chain has come at least as far as the anchor, and the same way.
pub(super) fn holds(connection: &Connection, anchor: &Anchor) -> Result<bool, Wrong> {
    let (head, place) = (Head::read(connection)?, i64::try_from(anchor.records).unwrap_or(i64::MAX));
    if place == 0 || place > head.records {
        return Ok(place == 0);
    }
    let select = "SELECT link FROM entry WHERE seq = ?1 UNION ALL SELECT link FROM step WHERE seq = ?1";
    let link = connection.prepare_cached(select)?.query_row([place], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(link.is_some_and(|link| to_hex(&link) == anchor.link))
}

fn link(before: &[u8], digest: &[u8]) -> Vec<u8> {
    Hash::default().bytes(8, before).bytes(9, digest).finish().to_vec()
}

/// How far the chain was followed.
#[derive(Debug, Clone)]
pub(in crate::store) struct Walk {
    seq: i64,
    link: Vec<u8>,
    entries: i64,
    records: i64,
    /// The number of the entry that was met last: those saved later have higher ones.
    number: i64,
    broken: Option<String>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { seq: 0, link: Head::first().link, entries: 0, records: 0, number: i64::MIN, broken: None }
    }
}

/// One record as it lies on disk: its place, its digest, its link, what it belongs to, its salt, and whether its text was erased.
pub(super) struct ChainRecord {
    pub(super) seq: i64,
    pub(super) digest: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) entry: String,
    /// The step's number; -1 for the entry itself.
    pub(super) n: i64,
    /// None once the text was erased.
    pub(super) salt: Option<Vec<u8>>,
    is_erased: bool,
    /// The entry's number; none for a step.
    number: Option<i64>,
}

impl Walk {
    /// Follows the chain for so many records; what is wrong with it is said at its end, and then it is over.
    pub(super) fn go_on(&mut self, connection: &Connection, count: usize) -> Result<Option<Vec<String>>, Wrong> {
        if self.follow(connection, count)? { Ok(None) } else { self.end(connection).map(Some) }
    }

    /// Follows the chain for so many records; false at its end.
    pub(super) fn follow(&mut self, connection: &Connection, count: usize) -> Result<bool, Wrong> {
        let records = part(connection, self.seq, count)?;
        let Some(last) = records.iter().map(|(seq, _)| *seq).max().filter(|last| *last > self.seq) else {
            return Ok(false);
        };
        // A row that cannot be read is missing here, and named by its own mark.
        for record in records.into_iter().filter_map(|(_, record)| record) {
            self.see(connection, &record)?;
        }
        self.seq = last;
        Ok(true)
    }

    /// The head of a chain that was followed to its end, but for what is counted beside it; or where it is broken.
    pub(super) fn head(self) -> Result<Head, String> {
        let Self { records, entries, link, broken, .. } = self;
        broken.map_or_else(|| Ok(Head { records, entries, link, ..Head::first() }), Err)
    }

    fn see(&mut self, connection: &Connection, record: &ChainRecord) -> rusqlite::Result<()> {
        self.records += 1;
        self.entries += i64::from(record.n < 0);
        if self.broken.is_some() {
            return Ok(());
        }
        let is_next = record.seq == self.records && link(&self.link, &record.digest) == record.link;
        let is_behind = record.number.is_none_or(|number| number > self.number);
        self.number = record.number.unwrap_or(self.number);
        if !is_next || !is_behind || !is_salted(connection, record)? {
            let ChainRecord { entry, n, .. } = record;
            self.broken = Some(if *n < 0 { format!("entry {entry}") } else { format!("step {n} of entry {entry}") });
        }
        self.link.clone_from(&record.link);
        Ok(())
    }

    fn end(&self, connection: &Connection) -> Result<Vec<String>, Wrong> {
        let broken = self.broken.as_ref().map(|what| format!("the chain of what was written down is broken at {what}"));
        let Some(head) = Head::sound(connection)? else {
            return Ok([HEAD.to_owned()].into_iter().chain(broken).collect());
        };
        let mut said = Vec::new();
        if self.entries < head.entries {
            said.push(format!("{} of {} entries that were saved are missing", head.entries - self.entries, head.entries));
        }
        let missing = (head.records - head.entries) - (self.records - self.entries);
        if missing > 0 {
            said.push(format!("{missing} steps that were written down are missing"));
        }
        if broken.is_none() && self.link != head.link && said.is_empty() {
            said.push("the chain of what was written down does not end where its head says".to_owned());
        }
        said.extend(broken);
        Ok(said)
    }
}

/// The next `count` records of the chain after a place, each with its place.
pub(super) fn part(connection: &Connection, after: i64, count: usize) -> rusqlite::Result<Vec<(i64, Option<ChainRecord>)>> {
    let mut select = connection.prepare_cached(
        "SELECT seq, digest, link, id, -1, salt, body = '', number FROM entry WHERE seq > ?1
         UNION ALL SELECT seq, digest, link, entry, n, salt, body = '', NULL FROM step WHERE seq > ?1 ORDER BY 1 LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| -> rusqlite::Result<ChainRecord> {
        let (seq, digest, link, entry, n) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(ChainRecord { seq, digest, link, entry, n, salt: row.get(5)?, is_erased: row.get(6)?, number: row.get(7)? })
    };
    // A place that is no number stands behind all numbers.
    let rows = select.query_map(params![after, count as i64], |row| Ok((row.get(0).unwrap_or(i64::MAX), read(row).ok())))?;
    rows.collect()
}

/// True where the record's text and salt give its digest, or the one that the entry says it has since somebody was blotted out of it; or
/// where its salt was erased with its text and the entry says by whom.
fn is_salted(connection: &Connection, record: &ChainRecord) -> rusqlite::Result<bool> {
    let Some(salt) = &record.salt else { return Ok(record.is_erased && says_who_erased_it(connection, &record.entry)?) };
    let Some(found) = digest(connection, (&record.entry, record.n), salt).optional()? else { return Ok(false) };
    Ok(found == *record.digest || blotted_digest(connection, record)?.is_some_and(|digest| digest == to_hex(&found)))
}

/// What the entry says last of a step that was blotted.
fn blotted_digest(connection: &Connection, record: &ChainRecord) -> rusqlite::Result<Option<String>> {
    let select = "SELECT body FROM step WHERE entry = ?1 AND n > ?2 AND ?2 >= 0 ORDER BY n DESC";
    let mut select = connection.prepare_cached(select)?;
    let bodies: Vec<String> = select.query_map(params![record.entry, record.n], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let blots = bodies.iter().filter_map(|body| match serde_json::from_str(body) {
        Ok(Step::Blotted { steps, .. }) => Some(steps),
        _ => None,
    });
    Ok(blots.flatten().find(|blot| i64::try_from(blot.n) == Ok(record.n)).map(|blot| blot.digest))
}

fn says_who_erased_it(connection: &Connection, entry: &str) -> rusqlite::Result<bool> {
    let select = "SELECT body FROM step WHERE entry = ?1 ORDER BY n DESC LIMIT 1";
    let last = connection.prepare_cached(select)?.query_row([entry], |row| row.get::<_, String>(0)).optional()?;
    let step = last.and_then(|body| serde_json::from_str::<serde_json::Value>(&body).ok());
    Ok(step.is_some_and(|step| step.get("step").and_then(serde_json::Value::as_str) == Some(ERASED)))
}
