//! The chain: every entry and every step in the order they were written, each linked to the one before.
//!
//! A record's digest is a hash of its text and a salt of its own; its link is a hash of the link before and that digest. The head
//! holds the last link, how many records and entries there are, and what the counts of evidence come to. Whoever erases a person's text
//! and salts leaves digests and links, and the chain stays valid. Never: a record that is added behind a damaged head.

use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::{
    Wrong,
    rows::{self, COLUMNS, FIXED_COUNT, Hash, STEP_COLUMNS, STEP_FIXED_COUNT},
};
use crate::store::StoreError;

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) records: i64,
    pub(super) entries: i64,
    pub(super) changed: i64,
    /// The marks of the counts of evidence, put together; empty in the third layout, which had none.
    pub(super) evidence: Vec<u8>,
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
        Self { records: 0, entries: 0, changed: 0, evidence: Vec::new(), open: Open::default(), link: vec![0; 32] }
    }

    /// Reads it.
    pub(super) fn read(transaction: &Transaction<'_>) -> Result<Self, Wrong> {
        let select = "SELECT records, entries, changed, link, evidence, open_count, open_sum, mark FROM head WHERE one = 1";
        let row = transaction.prepare_cached(select)?.query_row([], |row| {
            let (records, entries, changed, link) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let open = Open { count: row.get(5)?, sum: row.get(6)? };
            Ok((Self { records, entries, changed, evidence: row.get(4)?, open, link }, row.get::<_, Vec<u8>>(7)?))
        });
        let found = match row.optional() {
            Err(rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..)) => None,
            other => other?,
        };
        let sound = found.filter(|(head, mark)| head.mark() == mark.as_slice()).map(|(head, _)| head);
        sound.ok_or_else(|| StoreError::Damaged("the head of its chain".to_owned()).into())
    }

    /// Writes it.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let replace = "INSERT OR REPLACE INTO head (one, records, entries, changed, link, evidence, open_count, open_sum, mark)
                       VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (open, mark) = (self.open, self.mark());
        let values = params![self.records, self.entries, self.changed, self.link, self.evidence, open.count, open.sum, mark.as_slice()];
        transaction.prepare_cached(replace)?.execute(values).map(|_| ())
    }

    fn mark(&self) -> [u8; 32] {
        let numbers = [self.records, self.entries, self.changed].map(i64::to_le_bytes).concat();
        let hash = Hash::default().bytes(6, &numbers).bytes(7, &self.link);
        if self.evidence.is_empty() {
            return hash.finish();
        }
        let open = [self.open.count, self.open.sum].map(i64::to_le_bytes).concat();
        hash.bytes(10, &self.evidence).bytes(11, &open).finish()
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

/// Makes a salt for a record and writes it down; the entry itself has the number -1.
pub(super) fn salt(transaction: &Transaction<'_>, id: &str, n: i64) -> rusqlite::Result<[u8; 16]> {
    let salt = Uuid::new_v4().into_bytes();
    let insert = "INSERT INTO salt (entry, n, salt) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(insert)?.execute(params![id, n, salt.as_slice()])?;
    Ok(salt)
}

/// The digest of a record as it lies on disk.
pub(super) fn digest(transaction: &Transaction<'_>, (id, n): (&str, i64), salt: &[u8]) -> rusqlite::Result<[u8; 32]> {
    let (select, count) = if n < 0 {
        (format!("SELECT {COLUMNS} FROM entry WHERE id = ?1 AND ?2 < 0"), FIXED_COUNT)
    } else {
        (format!("SELECT {STEP_COLUMNS} FROM step WHERE entry = ?1 AND n = ?2"), STEP_FIXED_COUNT)
    };
    let mut select = transaction.prepare_cached(&select)?;
    select.query_row(params![id, n], |row| Ok(rows::salted(salt).columns(row, count)?.finish()))
}

fn link(before: &[u8], digest: &[u8]) -> Vec<u8> {
    Hash::default().bytes(8, before).bytes(9, digest).finish().to_vec()
}

/// One link as it lies on disk: its place, its digest, its link, and what it belongs to.
type Link = (i64, Vec<u8>, Vec<u8>, String, i64);

/// What is wrong with the chain, in words: what is missing, changed, or out of place.
pub(super) fn findings(transaction: &Transaction<'_>) -> Result<Vec<String>, Wrong> {
    let head = Head::read(transaction)?;
    let mut select = transaction.prepare(
        "SELECT seq, digest, link, id, -1 FROM entry NOT INDEXED UNION ALL SELECT seq, digest, link, entry, n FROM step ORDER BY 1",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    // A row that cannot be read is missing here, and named by its own mark.
    let links: Vec<Link> = rows.filter_map(Result::ok).collect();
    let mut said = Vec::new();
    let entries = links.iter().filter(|(.., n)| *n < 0).count() as i64;
    if entries < head.entries {
        said.push(format!("{} of {} entries that were saved are missing", head.entries - entries, head.entries));
    }
    if (links.len() as i64) - entries < head.records - head.entries {
        let missing = head.records - head.entries - (links.len() as i64 - entries);
        said.push(format!("{missing} steps that were written down are missing"));
    }
    let mut before = Head::first().link;
    let mut broken = None;
    for (expected, (seq, digest, own, id, n)) in (1..).zip(&links) {
        let what = if *n < 0 { format!("entry {id}") } else { format!("step {n} of entry {id}") };
        let is_salted = is_salted(transaction, (id, *n), digest)?;
        if *seq != expected || link(&before, digest) != *own || !is_salted {
            broken = Some(what);
            break;
        }
        before.clone_from(own);
    }
    if let Some(what) = broken {
        said.push(format!("the chain of what was written down is broken at {what}"));
    } else if before != head.link && said.is_empty() {
        said.push("the chain of what was written down does not end where its head says".to_owned());
    }
    Ok(said)
}

/// True where the record's text and salt give its digest, or its salt was erased with its text.
fn is_salted(transaction: &Transaction<'_>, (id, n): (&str, i64), expected: &[u8]) -> rusqlite::Result<bool> {
    let mut select = transaction.prepare_cached("SELECT salt FROM salt WHERE entry = ?1 AND n = ?2")?;
    let salt = match select.query_row(params![id, n], |row| row.get::<_, Vec<u8>>(0)).optional() {
        Err(rusqlite::Error::InvalidColumnType(..)) => return Ok(false),
        other => other?,
    };
    match salt {
        None => {
            let body =
                if n < 0 { "SELECT body FROM entry WHERE id = ?1 AND ?2 < 0" } else { "SELECT body FROM step WHERE entry = ?1 AND n = ?2" };
            let body: Option<String> = transaction.query_row(body, params![id, n], |row| row.get(0)).optional()?;
            Ok(body.is_some_and(|body| body.is_empty()))
        }
        Some(salt) => Ok(digest(transaction, (id, n), &salt).optional()?.is_some_and(|found| found == *expected)),
    }
}
