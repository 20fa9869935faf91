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
    store::{ADDED, PEOPLE, PEOPLE_DIGEST},
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

/// Takes the lines of these people out of a list of people, and adds others behind them.
pub(super) fn change(transaction: &Connection, name: &str, at: DateTime<Utc>, gone: &[Uuid], new: &PeopleLines) -> rusqlite::Result<()> {
    let before: PeopleLines = kept(transaction, name)?.map(|(_, text)| text.into()).unwrap_or_default();
    keep(transaction, name, at, before.changed(gone, new).as_str())
}

/// Takes a person out of the lists: their line out of the lists of people, and every other list that names them, for those can be
/// asked for again.
pub(super) fn erase(transaction: &Connection, user: Uuid, names: &[String]) -> rusqlite::Result<bool> {
    let mut was_listed = false;
    for (list, people) in lists_of_people(transaction)? {
        let Some(rest) = PeopleLines::from(people).without(user) else { continue };
        // The next list is written down, for this one is not as it came.
        transaction.execute("DELETE FROM list WHERE name = ?1", [PEOPLE_DIGEST])?;
        transaction.execute("UPDATE list SET body = ?2 WHERE name = ?1", [list.as_str(), rest.as_str()])?;
        was_listed = true;
    }
    for name in [user.to_string(), user.simple().to_string()].iter().chain(names).filter(|name| !name.is_empty()) {
        let naming = "SELECT name FROM list WHERE instr(lower(body), lower(?1)) > 0";
        let found: Vec<String> =
            transaction.prepare(naming)?.query_map([name.as_str()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for list in found.iter().filter(|list| !is_of_people(list)) {
            transaction.execute("DELETE FROM list WHERE name = ?1", [list.as_str()])?;
        }
    }
    Ok(was_listed)
}

fn is_of_people(list: &str) -> bool {
    list == PEOPLE || list.starts_with(ADDED)
}

fn lists_of_people(transaction: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut all = transaction.prepare("SELECT name, body FROM list WHERE name = ?1 OR substr(name, 1, length(?2)) = ?2")?;
    all.query_map([PEOPLE, ADDED], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
