//! What is written to a store: an entry, its steps, and when its card was seen.
//!
//! In: an entry or a step, within a transaction. Out: rows, each written once, with its mark and its place in the chain. Never: a change
//! to what was written down before, but for what an entry's row says of its steps.

use std::error::Error;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    Wrong,
    chain::{self, Head},
    evidence,
    reading::{self, Search},
    rows::{self, EntryRow, StepRow},
};
use crate::{
    access::Operation,
    outbox::{Entry, Step, Terms},
    store::StoreError,
};

/// The columns of an entry to which nothing has happened, and whose secret was taken out.
pub(super) fn row(entry: &Entry, base_url: &str) -> Result<EntryRow, StoreError> {
    let (kind, body) = parts(&entry.operation)?;
    let source = entry.source.as_ref();
    Ok(EntryRow {
        id: entry.id.to_string(),
        saved_at: time(entry.saved_at),
        kind,
        body,
        reassign: json(&entry.reassign)?,
        base_url: base_url.to_owned(),
        origin: json(&entry.origin)?,
        reader: source.and_then(|source| source.reader.clone()),
        card: source.map(|source| source.card.clone()),
        seen_at: source.map(|source| time(source.seen_at)),
        ..EntryRow::default()
    })
}

/// Writes an entry down; true where a secret of what it supersedes went.
pub(super) fn save(transaction: &Connection, entry: &Entry, mut row: EntryRow, sealed: Option<&[u8]>, terms: Terms) -> Result<bool, Wrong> {
    new_here(transaction, entry, &row)?;
    let wiped = agree(transaction, entry, &row, terms)?;
    let mut head = Head::read(transaction)?;
    if let Some(sealed) = sealed {
        transaction.prepare_cached("INSERT INTO secret (entry, sealed) VALUES (?1, ?2)")?.execute(params![row.id, sealed])?;
    }
    (row.sealed, row.number) = (sealed.is_some(), next_number(transaction)?);
    row.salt = chain::salt();
    row.digest = row.digest().to_vec();
    let place = head.place_entry(&row.digest);
    (row.seq, row.link) = (place.seq, place.link);
    row.insert(transaction)?;
    head.open.change(row.number, true);
    evidence::moved(transaction, &mut head, (&row.base_url, &entry.origin), (None, entry.standing()))?;
    head.write(transaction)?;
    Ok(wiped)
}

/// Says no to a second user where another entry adds the same one, however long ago this one was ordered.
fn new_here(transaction: &Connection, entry: &Entry, row: &EntryRow) -> Result<(), Wrong> {
    let Operation::AddUser(user) = &entry.operation else { return Ok(()) };
    let others = reading::new_users(transaction, &row.base_url, user)?;
    let mut others = others.into_iter().filter(|other| other.id != entry.id);
    match others.find_map(|other| other.not_new(user, entry.origin.judged_at)) {
        Some(not_new) => Err(StoreError::NotNew(not_new).into()),
        None => Ok(()),
    }
}

/// Gives up what an entry supersedes, and says no where its terms do; true where a secret went. Of the entries for the same card those
/// are read that the terms can speak of, and none of all that gave it before.
fn agree(transaction: &Connection, entry: &Entry, row: &EntryRow, terms: Terms) -> Result<bool, Wrong> {
    let Some(card) = row.card.as_ref().filter(|_| terms != Terms::default()) else { return Ok(false) };
    let seen = entry.source.as_ref().map(|source| source.seen_at);
    // Where no card counts that was given before, none was seen late enough.
    let since = terms.given_within.zip(seen).map(|(within, seen)| seen.checked_sub_signed(within).unwrap_or(DateTime::UNIX_EPOCH));
    let filter = "WHERE card = ?1 AND (settled = 0 OR (reader IS NOT NULL AND seen_at >= ?2)) ORDER BY number";
    let others = reading::entries(transaction, filter, params![card, since.map(time)])?;
    let sound = others.into_iter().filter_map(|(_, other)| other.ok()).filter(|other| other.base_url == row.base_url);
    match terms.judge(entry, sound).map_err(StoreError::from)? {
        Some(superseded) => append(transaction, superseded, entry.saved_at, &Step::Discarded { superseded_by: Some(entry.id) }),
        None => Ok(false),
    }
}

/// Writes an entry's next step down, and what that means for the entries that hang on it; true where a secret went with it.
pub(super) fn append(transaction: &Connection, entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<bool, Wrong> {
    let before = entry.progress().clone();
    let (entry, mut wiped) = append_alone(transaction, entry, at, step)?;
    for (other, step) in entry.consequences(&before) {
        // One that was erased, or is damaged, is not sent.
        let Ok(other) = reading::entry(transaction, other, Search::EveryEntry) else { continue };
        if other.is_changed_by(&step) {
            wiped |= append_alone(transaction, other, at, &step)?.1;
        }
    }
    Ok(wiped)
}

/// Writes one entry's next step down: the entry as it is then, and whether its secret went.
fn append_alone(transaction: &Connection, mut entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(Entry, bool), Wrong> {
    let mut row = rows::row_of(transaction, &entry.id.to_string())?;
    if row.steps != entry.steps().len() as i64 {
        return Err(StoreError::Conflict.into());
    }
    let before = entry.standing();
    entry.add(at, step.clone());
    let mut head = Head::read(transaction)?;
    let mut written =
        StepRow { entry: row.id.clone(), n: row.steps, at: time(at), body: json(step)?, salt: chain::salt(), ..StepRow::default() };
    written.digest = written.digest().to_vec();
    let place = head.place_step(&written.digest);
    (written.seq, written.link) = (place.seq, place.link);
    written.insert(transaction)?;
    let progress = entry.progress();
    let wipe = "UPDATE secret SET sealed = NULL WHERE entry = ?1 AND sealed IS NOT NULL";
    let wiped = entry.is_done_with_its_secret() && row.sealed && transaction.prepare_cached(wipe)?.execute([&row.id])? > 0;
    if row.settled != progress.is_closed() {
        head.open.change(row.number, row.settled);
    }
    (row.settled, row.steps) = (progress.is_closed(), row.steps + 1);
    row.update(transaction)?;
    evidence::moved(transaction, &mut head, (&row.base_url, &entry.origin), (before, entry.standing()))?;
    head.write(transaction)?;
    Ok((entry, wiped))
}

/// Writes down that an entry is undone, by the first of these, and all of these.
pub(super) fn undo(transaction: &Connection, undone: Entry, at: DateTime<Utc>, by: &[Entry], base_url: &str) -> Result<(), Wrong> {
    let Some(first) = by.first() else { return Ok(()) };
    append(transaction, undone, at, &Step::Undone { by: first.id })?;
    by.iter().try_for_each(|entry| save(transaction, entry, row(entry, base_url)?, None, Terms::default()).map(drop))
}

/// Notes when the card of the newest entry that gave it was last seen at a reader.
pub(super) fn seen(transaction: &Connection, card: &str, at: DateTime<Utc>) -> Result<(), Wrong> {
    let newest = "WHERE card = ?1 AND reader IS NOT NULL AND seen_at < ?2 ORDER BY number DESC LIMIT 1";
    if let Some((_, Ok(mut row))) = rows::found(transaction, newest, params![card, time(at)])?.pop() {
        row.seen_at = Some(time(at));
        row.update(transaction)?;
    }
    Ok(())
}

/// The number of the next entry: no number is given twice.
fn next_number(transaction: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT 1 + max(coalesce((SELECT max(number) FROM entry), 0),
                                 coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entry'), 0))";
    transaction.prepare_cached(select)?.query_row([], |row| row.get(0))
}

/// An operation's kind and body, which are columns of their own.
fn parts(operation: &Operation) -> Result<(String, String), StoreError> {
    let (kind, members) = operation.parts().map_err(|error| unwritable(&error))?;
    Ok((kind, json(&members)?))
}

/// What is written down, as text.
pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unwritable(&error))
}

fn unwritable(error: &dyn Error) -> StoreError {
    StoreError::Failed { path: String::new(), why: error.to_string() }
}

/// A time as it lies on disk.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
