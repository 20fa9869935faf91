//! The record, for whoever looks at it later.
//!
//! In: a place in the chain. Out: the records from there on, as they were written. Never: a PIN, a password or a token, for the chain
//! holds none.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{
    Database,
    chain::{self, ChainRecord, Head},
    older,
};
use crate::{
    card::to_hex,
    store::{Anchor, StoreError},
};

/// How many records are told at once.
const PAGE: usize = 256;

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
