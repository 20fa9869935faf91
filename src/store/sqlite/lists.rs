//! Lists that were asked for last, each kept with its time under its name.
//!
//! In: a list as one text. Out: the same, or the same without one person. Never: a look into what a list says, but for the lines of
//! people who are to be erased.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::writing::time;
use crate::{
    access::PeopleLines,
    store::{PEOPLE, PEOPLE_DIGEST},
};

/// Keeps a list; the one kept before goes.
pub(super) fn keep(transaction: &Connection, name: &str, at: DateTime<Utc>, text: &str) -> rusqlite::Result<()> {
    let replace = "INSERT OR REPLACE INTO list (name, at, body) VALUES (?1, ?2, ?3)";
    transaction.execute(replace, params![name, time(at), text]).map(drop)
}

/// The list that was kept.
pub(super) fn kept(connection: &Connection, name: &str) -> rusqlite::Result<Option<(DateTime<Utc>, String)>> {
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let found = connection.query_row("SELECT at, body FROM list WHERE name = ?1", [name], row).optional()?;
    Ok(found.and_then(|(at, body)| Some((at.parse().ok()?, body))))
}

/// Takes a person out of the lists: their line out of the list of people, and every other list that names them, for those can be
/// asked for again.
pub(super) fn erase(transaction: &Connection, user: Uuid, names: &[String]) -> rusqlite::Result<bool> {
    let people: Option<String> = transaction.query_row("SELECT body FROM list WHERE name = ?1", [PEOPLE], |row| row.get(0)).optional()?;
    let without = people.map(PeopleLines::from).and_then(|people| people.without(user));
    if let Some(rest) = &without {
        // The next list is written down, for this one is not as it came.
        transaction.execute("DELETE FROM list WHERE name = ?1", [PEOPLE_DIGEST])?;
        transaction.execute("UPDATE list SET body = ?2 WHERE name = ?1", [PEOPLE, rest.as_str()])?;
    }
    for name in [user.to_string(), user.simple().to_string()].iter().chain(names).filter(|name| !name.is_empty()) {
        transaction.execute("DELETE FROM list WHERE name <> ?2 AND instr(lower(body), lower(?1)) > 0", [name.as_str(), PEOPLE])?;
    }
    Ok(without.is_some())
}
