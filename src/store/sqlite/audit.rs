//! The record, for whoever looks at it later: all of it told, and one person's part of it taken out.
//!
//! In: a place in the chain, or a person. Out: the records from there on, as they were written; or a store in which nothing of the
//! person is left, and the chain holds. Each entry that was erased ends in a step that says who erased it: a text that is gone without
//! such a step was not erased but destroyed. Never: a PIN, a password or a token, for the chain holds none.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Database, Wrong,
    chain::{self, ChainRecord, Head},
    evidence, lists, older, reading,
    rows::{self, StepRow},
    writing::time,
};
use crate::{
    access::Operation,
    card::to_hex,
    outbox::{Entry, State},
    store::{Anchor, StoreError},
};

/// How many records are told at once.
const PAGE: usize = 256;

/// What came of erasing a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Their entries, whose texts are gone now.
    pub entries: usize,
    /// Entries of others that name them as the holder before. Those are the others' record, and stay.
    pub of_others: usize,
    /// Their line was taken out of BluSKY's list of people, which shows them again once it is asked for while they are in BluSKY.
    pub was_listed: bool,
    /// True where the file holds nothing of it any more; false where somebody else is at work in the store, whose log may hold it still.
    pub is_gone: bool,
}

impl Database {
    /// How far the chain has come.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn anchor(&mut self) -> Result<Anchor, StoreError> {
        self.read(|connection| Ok(Head::read(connection)?.anchor()))
    }

    /// True where the chain has come at least as far as this, and the same way.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn holds(&mut self, anchor: &Anchor) -> Result<bool, StoreError> {
        self.read(|connection| chain::holds(connection, anchor))
    }

    /// The records behind this place in the chain, each with its own place, as one JSON object; an empty page is the last.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn records_after(&mut self, place: u64) -> Result<Vec<(u64, Value)>, StoreError> {
        self.read(|connection| {
            let after = i64::try_from(place).unwrap_or(i64::MAX);
            let part = chain::part(connection, after, PAGE)?;
            let records = part.into_iter().filter_map(|(place, record)| Some((u64::try_from(place).ok()?, record?)));
            records.map(|(place, record)| Ok((place, told(connection, &record)?))).collect()
        })
    }

    /// Takes the texts and salts of all entries of a person out of the record, for good.
    ///
    /// # Errors
    /// One of them has not come to its end; or nothing can be written.
    pub fn erase(&mut self, user: Uuid, by: &str, at: DateTime<Utc>) -> Result<Erased, StoreError> {
        let erased = self.write(|transaction| erase(transaction, user, by, at))?;
        // What SQLite has moved about in its pages goes too.
        let is_whole = self.connection.execute_batch("VACUUM").is_ok();
        Ok(Erased { is_gone: is_whole && self.empty_log(), ..erased })
    }
}

/// A record as it lies on disk, in words of its own.
fn told(connection: &Connection, record: &ChainRecord) -> rusqlite::Result<Value> {
    let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or(Value::Null);
    let mut told = if record.n < 0 {
        let select = "SELECT saved_at, kind, body, base_url, origin, reader, sealed FROM entry WHERE id = ?1";
        connection.prepare_cached(select)?.query_row([&record.entry], |row| {
            Ok(json!({
                "event": "saved", "at": row.get::<_, String>(0)?, "call": row.get::<_, String>(1)?,
                "sent": older::in_own_names(parsed(row.get(2)?)),
                "base_url": row.get::<_, String>(3)?, "origin": parsed(row.get(4)?), "reader": row.get::<_, Option<String>>(5)?,
                "had_secret": row.get::<_, bool>(6)?,
            }))
        })?
    } else {
        let select = "SELECT at, body FROM step WHERE entry = ?1 AND n = ?2";
        connection.prepare_cached(select)?.query_row(params![record.entry, record.n], |row| {
            let step = parsed(row.get(1)?);
            Ok(json!({ "event": step.get("step").cloned(), "at": row.get::<_, String>(0)?, "step": step }))
        })?
    };
    if let Some(members) = told.as_object_mut() {
        if record.salt.is_none() {
            members.retain(|name, _| matches!(name.as_str(), "event" | "at" | "call"));
        }
        members.insert("record".to_owned(), record.seq.into());
        members.insert("enrollment".to_owned(), record.entry.clone().into());
        members.insert("erased".to_owned(), record.salt.is_none().into());
        members.insert("digest".to_owned(), to_hex(&record.digest).into());
        members.insert("link".to_owned(), to_hex(&record.link).into());
    }
    Ok(told)
}

fn erase(transaction: &Connection, user: Uuid, by: &str, at: DateTime<Utc>) -> Result<Erased, Wrong> {
    let (mut theirs, mut of_others, mut open) = (Vec::new(), 0, Vec::new());
    reading::each(transaction, |_, entry| match entry {
        Ok(entry) if is_about(&entry, user) && is_open(&entry) => open.push(entry.id.to_string()),
        Ok(entry) if is_about(&entry, user) => theirs.push(entry),
        Ok(entry) => of_others += usize::from(was_taken_from(&entry, user)),
        Err(_) => {}
    })?;
    if !open.is_empty() {
        return Err(StoreError::NotSettled(open.join(", ")).into());
    }
    for entry in &theirs {
        let step = json!({ "step": chain::ERASED, "by": by }).to_string();
        erase_one(transaction, entry, StepRow { at: time(at), body: step, salt: chain::salt(), ..StepRow::default() })?;
    }
    let names: Vec<String> = theirs.iter().filter_map(|entry| entry.origin.person.as_ref()).map(|person| person.name.clone()).collect();
    let was_listed = lists::erase(transaction, user, &names)?;
    Ok(Erased { entries: theirs.len(), of_others, was_listed, is_gone: false })
}

/// Takes the texts and salts of one entry away, and says so in its last step.
fn erase_one(transaction: &Connection, entry: &Entry, last: StepRow) -> Result<(), Wrong> {
    let row = rows::row_of(transaction, &entry.id.to_string())?;
    let mut head = Head::read(transaction)?;
    evidence::moved(transaction, &mut head, (&row.base_url, &entry.origin), (entry.standing(), None))?;
    let mut last = StepRow { entry: row.id.clone(), n: row.steps, ..last };
    last.digest = last.digest().to_vec();
    let place = head.place_step(&last.digest);
    (last.seq, last.link) = (place.seq, place.link);
    transaction.execute("UPDATE step SET body = '', salt = NULL WHERE entry = ?1", [&row.id])?;
    (0..row.steps).try_for_each(|n| rows::mark_step(transaction, &row.id, n))?;
    last.insert(transaction)?;
    let update = "UPDATE entry SET body = '', origin = '{}', reader = NULL, card = NULL, seen_at = NULL, sealed = 0, salt = NULL,
                     steps = steps + 1, settled = 1 WHERE number = ?1";
    transaction.execute(update, [row.number])?;
    rows::mark_entry(transaction, row.number)?;
    if !row.settled {
        head.open.change(row.number, false);
    }
    transaction.execute("DELETE FROM secret WHERE entry = ?1", [&row.id])?;
    Ok(head.write(transaction)?)
}

/// True for an entry of which something may still be sent, or may have arrived.
fn is_open(entry: &Entry) -> bool {
    let progress = entry.progress();
    matches!(progress.state, State::Saved | State::Sending | State::InDoubt) || !progress.is_settled()
}

/// True for an entry for this user, and for the one that made them, whoever said that it did.
fn is_about(entry: &Entry, user: Uuid) -> bool {
    let is_new_user = || matches!(entry.operation, Operation::AddUser(_)) && entry.progress().told.value == Some(user);
    entry.operation.user() == Some(user) || is_new_user()
}

fn was_taken_from(entry: &Entry, user: Uuid) -> bool {
    let progress = entry.progress();
    progress.told.previous_user_id == Some(user) || progress.held_by.as_ref().is_some_and(|held| held.user_id == user)
}
