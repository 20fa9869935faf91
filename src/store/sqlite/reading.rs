//! What is read of a store: one entry, a page of them, all of them.
//!
//! In: a key, or the number that a page begins after. Out: entries, each with its number; a damaged one as an error of its own. Never:
//! an index that may hide some: where every entry has to be seen, it is believed only if it leads to what the head knows of.

use rusqlite::{Connection, params};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Wrong,
    chain::{Head, Open},
    rows::{self, FoundRow},
};
use crate::{
    access::AddUser,
    outbox::{Entry, KnownBy},
    store::{Page, StoreError},
};

/// How many entries are read at once.
const PAGE: i64 = 256;

/// An entry's number, and the entry where it is not damaged.
pub(super) type Read = (u64, Result<Entry, StoreError>);

/// One entry with its steps.
pub(super) fn entry(transaction: &Connection, id: Uuid, search: Search) -> Result<Entry, Wrong> {
    let row = match search {
        Search::ByIndex => rows::row_by_index(transaction, &id.to_string()),
        Search::EveryEntry => rows::row_of(transaction, &id.to_string()),
    };
    Ok(rows::entry(transaction, row?)??)
}

/// The entries of a filter.
pub(super) fn entries(transaction: &Connection, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Read>> {
    let whole = |(number, row): FoundRow| {
        let entry = match row {
            Ok(row) => rows::entry(transaction, row)?,
            Err(error) => Err(error),
        };
        Ok((u64::try_from(number).unwrap_or_default(), entry))
    };
    rows::found(transaction, filter, values)?.into_iter().map(whole).collect()
}

/// Where an entry is found by its key, or those that are not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// By their index: it leads to those that the head knows of.
    ByIndex,
    /// By looking at every entry: the index is damaged.
    EveryEntry,
}

impl Search {
    /// The search that leads to all of them.
    pub(super) fn find(transaction: &Connection) -> Self {
        let is_whole = || -> Result<bool, Wrong> {
            // Asked as the pages are, for a damaged index may lead one search astray and not the other.
            let select = "SELECT count(*), coalesce(sum(number), 0) FROM entry INDEXED BY open_entry WHERE settled = 0 AND number > 0";
            let open = transaction.query_row(select, [], |row| Ok(Open { count: row.get(0)?, sum: row.get(1)? }))?;
            Ok(Head::read(transaction)?.open == open)
        };
        if is_whole().unwrap_or(false) { Self::ByIndex } else { Self::EveryEntry }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ByIndex => "INDEXED BY open_entry",
            Self::EveryEntry => "NOT INDEXED",
        }
    }
}

/// A page of the entries for this BluSKY that are not settled and were saved after this number.
pub(super) fn open_after(transaction: &Connection, number: u64, search: Search, base_url: &str) -> rusqlite::Result<Page> {
    let filter = format!("{} WHERE settled = 0 AND number > ?1 ORDER BY number LIMIT {PAGE}", search.name());
    let page = |number| Ok(entries(transaction, &filter, params![row_number(number)])?.into_iter().map(told).collect());
    first_sound(number, page, |entry| entry.base_url == base_url)
}

/// A page of all entries that were saved after this number.
pub(super) fn page_after(transaction: &Connection, number: u64) -> rusqlite::Result<Page> {
    first_sound(number, |number| all_after(transaction, number), |_| true)
}

/// The keys that begin so, those of damaged and erased entries too: one, or two where there are several.
pub(super) fn beginning(connection: &Connection, key: &str, search: Search) -> rusqlite::Result<Vec<String>> {
    // Behind every digit and hyphen.
    let end = format!("{key}~");
    let search = if search == Search::ByIndex { "" } else { "NOT INDEXED" };
    let select = format!("SELECT id FROM entry {search} WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2");
    connection.prepare_cached(&select)?.query_map([key, &end], |row| row.get(0))?.collect()
}

/// The newest entry that gave this card and was not refused or given up, as far as it is not damaged.
pub(super) fn last_of_card(connection: &Connection, card: &str, base_url: &str) -> rusqlite::Result<Option<Entry>> {
    let mut before = i64::MAX;
    loop {
        let filter = "WHERE card = ?1 AND number < ?2 ORDER BY number DESC LIMIT 1";
        let Some((number, found)) = entries(connection, filter, params![card, before])?.pop() else { return Ok(None) };
        match found {
            Ok(entry) if entry.gave() && entry.base_url == base_url => return Ok(Some(entry)),
            // In a damaged file one may lead back to another.
            _ if row_number(number) < before => before = row_number(number),
            _ => return Ok(None),
        }
    }
}

/// The orders of new users, newest first, as far as they are not damaged: of those who may be this one by their name or number, which are
/// compared before all that hangs on an order is read.
pub(super) fn new_users(connection: &Connection, base_url: &str, user: &AddUser) -> rusqlite::Result<Vec<Entry>> {
    let wanted = KnownBy::of(user);
    let select = "SELECT number, body FROM entry INDEXED BY new_user WHERE kind = 'add_user' ORDER BY number DESC";
    let mut select = connection.prepare_cached(select)?;
    let orders =
        select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get_ref(1)?.as_str().is_ok_and(|body| is_alike(body, &wanted)))))?;
    let alike: Vec<i64> =
        orders.filter_map(|order| order.map(|(number, is)| is.then_some(number)).transpose()).collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for number in alike {
        let orders = entries(connection, "WHERE number = ?1", [number])?;
        found.extend(orders.into_iter().filter_map(|(_, entry)| entry.ok()).filter(|entry| entry.base_url == base_url));
    }
    Ok(found)
}

/// True where an order as it lies on disk may be of somebody who is known by this. Of somebody who was erased nothing is there.
fn is_alike(body: &str, wanted: &KnownBy) -> bool {
    let called = serde_json::from_str::<NewUserRow>(body).ok();
    called.is_some_and(|it| KnownBy::new((&it.first_name, &it.last_name), it.employee_number.as_deref()).alike(wanted).is_some())
}

/// What a new user is called, in the body of an order; older programs wrote it down under BluSKY's names.
#[derive(Deserialize)]
struct NewUserRow {
    #[serde(alias = "FirstName")]
    first_name: String,
    #[serde(alias = "LastName")]
    last_name: String,
    #[serde(default, alias = "EmployeeNumber")]
    employee_number: Option<String>,
}

/// What is wrong with a page of the entries that were saved after this number, in words; and its highest number, if there is one.
pub(super) fn damaged_after(
    connection: &Connection,
    number: u64,
    mut see: impl FnMut(&Entry),
) -> rusqlite::Result<(Vec<String>, Option<u64>)> {
    let page = all_after(connection, number)?;
    let highest = highest(&page, number);
    let mut found = Vec::new();
    for (number, entry) in page {
        match entry {
            Ok(entry) => {
                see(&entry);
                let select = "SELECT settled FROM entry NOT INDEXED WHERE number = ?1";
                let is_settled: bool = connection.prepare_cached(select)?.query_row([row_number(number)], |row| row.get(0))?;
                if is_settled != entry.progress().is_closed() {
                    found.push(format!("entry {number} ({}) is kept as {}, and its steps say otherwise", entry.id, word(is_settled)));
                }
            }
            Err(error) if is_erased(&error) => {}
            Err(error) => found.push(error.to_string()),
        }
    }
    Ok((found, highest))
}

const fn word(is_settled: bool) -> &'static str {
    if is_settled { "done" } else { "open" }
}

/// Each entry, oldest first.
pub(super) fn each(transaction: &Connection, mut see: impl FnMut(u64, Result<Entry, StoreError>)) -> rusqlite::Result<()> {
    let mut last = 0;
    loop {
        let page = all_after(transaction, last)?;
        let Some(highest) = highest(&page, last) else { return Ok(()) };
        last = highest;
        page.into_iter().for_each(|(number, entry)| see(number, entry));
    }
}

/// A page of all entries that were saved after this number, the damaged ones too.
pub(super) fn all_after(transaction: &Connection, number: u64) -> rusqlite::Result<Vec<Read>> {
    let filter = format!("NOT INDEXED WHERE number > ?1 ORDER BY number LIMIT {PAGE}");
    entries(transaction, &filter, params![row_number(number)])
}

pub(super) fn row_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The first page on which an entry is sound and wanted: an empty one says that there are no more.
fn first_sound(
    mut number: u64,
    read: impl Fn(u64) -> rusqlite::Result<Vec<Read>>,
    is_wanted: impl Fn(&Entry) -> bool,
) -> rusqlite::Result<Page> {
    loop {
        let page = read(number)?;
        let Some(highest) = highest(&page, number) else { return Ok(Vec::new()) };
        let mut page = sound(page);
        page.retain(|(_, entry)| is_wanted(entry));
        if !page.is_empty() {
            return Ok(page);
        }
        number = highest;
    }
}

/// The highest number of a page, where there is one above this: in a damaged file one page can lead back to another.
pub(super) fn highest(page: &[Read], above: u64) -> Option<u64> {
    page.iter().map(|(number, _)| *number).max().filter(|highest| *highest > above)
}

fn sound(entries: Vec<Read>) -> Page {
    entries.into_iter().filter_map(|(number, entry)| Some((number, entry.ok()?))).collect()
}

/// An entry that is damaged is said, and holds up none of the others.
fn told((number, entry): Read) -> Read {
    if let Err(error) = entry.as_ref()
        && !is_erased(error)
    {
        tracing::error!("{error}");
    }
    (number, entry)
}

pub(super) const fn is_erased(error: &StoreError) -> bool {
    matches!(error, StoreError::Erased(_))
}
