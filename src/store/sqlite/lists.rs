//! Lists that were asked for last, each kept with its time under its name.
//!
//! In: a list as one text. Out: the same, or the same without one person. Each carries a mark, and the head holds all marks put
//! together, so that one that was changed, taken away or added by hand is found. Never: a look into what a list says, but for the lines
//! of people who are to be erased.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::{
    Wrong,
    chain::Head,
    evidence::{nothing, put_together},
    rows::{self, text},
    writing::time,
};
use crate::{
    access::PeopleLines,
    enroll::people::folded,
    store::{ADDED, PEOPLE, PEOPLE_DIGEST},
};

/// The columns before the mark.
const COLUMNS: &str = "name, at, body";
const COUNT: usize = 3;

/// Keeps a list; the one kept before goes.
pub(super) fn keep(transaction: &Connection, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), Wrong> {
    put(transaction, name, Some((&time(at), text)))
}

/// Puts a list in its place, or takes it away.
fn put(transaction: &Connection, name: &str, list: Option<(&str, &str)>) -> Result<(), Wrong> {
    let select = "SELECT mark FROM list WHERE name = ?1";
    let before = transaction.query_row(select, [name], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?.flatten();
    let after = match list {
        Some((at, body)) => {
            let replace = format!("INSERT OR REPLACE INTO list ({COLUMNS}, mark) VALUES (?1, ?2, ?3, ?4)");
            Some(rows::insert_marked(transaction, &replace, [text(name), text(at), text(body)], None)?)
        }
        None => transaction.execute("DELETE FROM list WHERE name = ?1", [name]).map(|_| None)?,
    };
    let Some(mut head) = Head::sound(transaction)? else { return Ok(()) };
    before.iter().chain(&after).for_each(|mark| put_together(&mut head.lists, mark));
    Ok(head.write(transaction)?)
}

/// Marks what an older program has kept.
pub(super) fn mark_all(transaction: &Connection) -> Result<(), Wrong> {
    if let Some(mut head) = Head::sound(transaction)? {
        head.lists = nothing();
        head.write(transaction)?;
    }
    let mut select = transaction.prepare(&format!("SELECT {COLUMNS} FROM list"))?;
    let all = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    // One that cannot be read has no mark then, and is damaged.
    let all: Vec<(String, String, String)> = all.filter_map(Result::ok).collect();
    all.iter().try_for_each(|(name, at, body)| put(transaction, name, Some((at, body))))
}

/// True where the lists are those that were written down.
pub(super) fn are_kept(connection: &Connection) -> Result<bool, Wrong> {
    // A damaged head is found elsewhere.
    let Some(head) = Head::sound(connection)? else { return Ok(true) };
    let mut select = connection.prepare(&format!("SELECT {COLUMNS}, mark FROM list"))?;
    let mark = |row: &Row<'_>| if rows::is_marked(row, COUNT)? { row.get(COUNT).map(Some) } else { Ok(None) };
    let marks: Option<Vec<Vec<u8>>> = select.query_map([], mark)?.collect::<rusqlite::Result<_>>()?;
    let mut together = nothing();
    marks.iter().flatten().for_each(|mark| put_together(&mut together, mark));
    Ok(marks.is_some() && together == head.lists)
}

/// The marks of all lists, put together.
pub(super) fn together(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut select = connection.prepare("SELECT mark FROM list")?;
    // What is no mark is found by whoever looks through the lists.
    let marks = select.query_map([], |row| Ok(row.get::<_, Vec<u8>>(0).ok()))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut together = nothing();
    marks.iter().flatten().for_each(|mark| put_together(&mut together, mark));
    Ok(together)
}

/// The list that was kept.
pub(super) fn kept(connection: &Connection, name: &str) -> rusqlite::Result<Option<(DateTime<Utc>, String)>> {
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let found = connection.query_row("SELECT at, body FROM list WHERE name = ?1", [name], row).optional()?;
    Ok(found.and_then(|(at, body)| Some((at.parse().ok()?, body))))
}

/// Takes the lines of these people out of a list of people, and adds others behind them.
pub(super) fn change(transaction: &Connection, name: &str, at: DateTime<Utc>, gone: &[Uuid], new: &PeopleLines) -> Result<(), Wrong> {
    let before: PeopleLines = kept(transaction, name)?.map(|(_, text)| text.into()).unwrap_or_default();
    keep(transaction, name, at, before.changed(gone, new).as_str())
}

/// Takes a person out of the lists: their line out of the lists of people, and every other list that names them, for those can be
/// asked for again.
pub(super) fn erase(transaction: &Connection, user: Uuid, names: &[String]) -> Result<bool, Wrong> {
    let mut was_listed = false;
    for (list, at, people) in lists_of_people(transaction)? {
        let Some(rest) = PeopleLines::from(people).without(user) else { continue };
        // The next list is written down, for this one is not as it came.
        put(transaction, PEOPLE_DIGEST, None)?;
        put(transaction, &list, Some((&at, rest.as_str())))?;
        was_listed = true;
    }
    let written = [user.to_string(), user.simple().to_string()].into_iter().chain(names.iter().cloned());
    let written: Vec<String> = written.map(|name| folded(&name)).filter(|name| !name.is_empty()).collect();
    for (list, body) in other_lists(transaction)? {
        let body = folded(&body);
        if written.iter().any(|name| body.contains(name)) {
            put(transaction, &list, None)?;
        }
    }
    Ok(was_listed)
}

fn other_lists(transaction: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut all = transaction.prepare("SELECT name, body FROM list")?;
    let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    Ok(all.into_iter().filter(|(list, _)| !is_of_people(list)).collect())
}

fn is_of_people(list: &str) -> bool {
    list == PEOPLE || list.starts_with(ADDED)
}

fn lists_of_people(transaction: &Connection) -> rusqlite::Result<Vec<(String, String, String)>> {
    let mut all = transaction.prepare("SELECT name, at, body FROM list WHERE name = ?1 OR substr(name, 1, length(?2)) = ?2")?;
    all.query_map([PEOPLE, ADDED], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
