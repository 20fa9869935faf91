//! What is taken out of the record for good: a person, or what is old.
//!
//! In: a person with the names they are known by, or a time. Out: a store in which nothing of that is left, and the chain holds. Each
//! entry that was erased ends in a step that says who erased it: a text that is gone without such a step was not erased but destroyed.
//! Never: an entry that may still be sent.

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

use super::{
    Database, Wrong, blotting,
    chain::{self, Head},
    evidence, lists, reading,
    rows::{self, StepRow},
    writing::time,
};
use crate::{
    access::Operation,
    outbox::{Entry, State},
    store::StoreError,
};

/// What came of erasing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// The entries whose texts are gone now.
    pub entries: usize,
    /// Entries of others that name the person as the holder before. Those are the others' record, and stay.
    pub of_others: usize,
    /// Entries of others in which the person's name was blotted out of BluSKY's words.
    pub blotted: usize,
    /// Entries that are as they were, for they have not come to their end: those saved before that time; those of others in which
    /// BluSKY's words name the person.
    pub open: usize,
    /// Damaged entries, of whomever, that cannot be read: they stay.
    pub damaged: usize,
    /// Their line was taken out of BluSKY's list of people, which shows them again once it is asked for while they are in BluSKY.
    pub was_listed: bool,
    /// True where the file holds nothing of it any more; false where somebody else is at work in the store, whose log may hold it still.
    pub is_gone: bool,
}

/// Who erases, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Eraser<'e> {
    pub(super) by: &'e str,
    pub(super) at: DateTime<Utc>,
}

impl Database {
    /// Takes the texts and salts of all entries of a person out of the record, for good, and their names out of the answers that others
    /// got. The names are those that are known beside the ones that stand in their entries.
    ///
    /// # Errors
    /// One of them has not come to its end; or nothing can be written.
    pub fn erase(&mut self, user: Uuid, names: &[String], by: &str, at: DateTime<Utc>) -> Result<Erased, StoreError> {
        let erased = self.write(|transaction| erase(transaction, user, names, Eraser { by, at }))?;
        Ok(Erased { is_gone: self.is_overwritten(), ..erased })
    }

    /// The same for all entries, of whomever, that were saved before this time and have come to their end. They go a page at a time: a
    /// station that runs goes on between.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn erase_before(&mut self, before: DateTime<Utc>, by: &str, at: DateTime<Utc>) -> Result<Erased, StoreError> {
        let (mut erased, mut last) = (Erased::default(), 0);
        while let Some(highest) = self.write(|transaction| erase_page(transaction, last, before, Eraser { by, at }, &mut erased))? {
            last = highest;
        }
        Ok(Erased { is_gone: self.is_overwritten(), ..erased })
    }

    /// True where what SQLite has moved about in its pages, and what its log held, is gone too.
    fn is_overwritten(&mut self) -> bool {
        let is_whole = self.connection.execute_batch("VACUUM").is_ok();
        is_whole && self.empty_log()
    }
}

fn erase(transaction: &Connection, user: Uuid, names: &[String], eraser: Eraser<'_>) -> Result<Erased, Wrong> {
    let (mut theirs, mut erased, mut open) = (Vec::new(), Erased::default(), Vec::new());
    reading::each(transaction, |_, entry| match entry {
        Ok(entry) if is_about(&entry, user) && is_open(&entry) => open.push(entry.id.to_string()),
        Ok(entry) if is_about(&entry, user) => theirs.push(entry),
        Ok(entry) => erased.of_others += usize::from(was_taken_from(&entry, user)),
        Err(error) => erased.damaged += usize::from(!reading::is_erased(&error)),
    })?;
    if !open.is_empty() {
        return Err(StoreError::NotSettled(open.join(", ")).into());
    }
    let mut names = names.to_vec();
    names.extend(theirs.iter().flat_map(names_in));
    theirs.iter().try_for_each(|entry| erase_one(transaction, entry, eraser))?;
    let (blotted, open) = blotting::blot_all(transaction, user, &names, eraser)?;
    let was_listed = lists::erase(transaction, user, &names)?;
    Ok(Erased { entries: theirs.len(), blotted, open, was_listed, ..erased })
}

/// Erases what is old of a page, and counts it; gives the highest number of the page, if there is one.
fn erase_page(
    transaction: &Connection,
    number: u64,
    before: DateTime<Utc>,
    eraser: Eraser<'_>,
    erased: &mut Erased,
) -> Result<Option<u64>, Wrong> {
    let page = reading::all_after(transaction, number)?;
    let highest = reading::highest(&page, number);
    erased.damaged += page.iter().filter(|(_, entry)| entry.as_ref().is_err_and(|error| !reading::is_erased(error))).count();
    for entry in page.into_iter().filter_map(|(_, entry)| entry.ok()).filter(|entry| entry.saved_at < before) {
        if is_open(&entry) {
            erased.open += 1;
        } else {
            erase_one(transaction, &entry, eraser)?;
            erased.entries += 1;
        }
    }
    Ok(highest)
}

/// Takes the texts and salts of one entry away, and says so in its last step.
fn erase_one(transaction: &Connection, entry: &Entry, eraser: Eraser<'_>) -> Result<(), Wrong> {
    let row = rows::row_of(transaction, &entry.id.to_string())?;
    let mut head = Head::read(transaction)?;
    evidence::moved(transaction, &mut head, (&row.base_url, &entry.origin), (entry.standing(), None))?;
    let (body, at) = (json!({ "step": chain::ERASED, "by": eraser.by }).to_string(), time(eraser.at));
    let mut last = StepRow { entry: row.id.clone(), n: row.steps, at, body, salt: chain::salt(), ..StepRow::default() };
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

/// What the person of an entry is called in it.
fn names_in(entry: &Entry) -> impl Iterator<Item = String> {
    let listed = entry.origin.person.as_ref().map(|person| person.name.clone());
    let added = entry.new_user().map(|user| format!("{} {}", user.first_name, user.last_name));
    listed.into_iter().chain(added)
}

fn was_taken_from(entry: &Entry, user: Uuid) -> bool {
    let progress = entry.progress();
    progress.told.previous_user_id == Some(user) || progress.held_by.as_ref().is_some_and(|held| held.user_id == user)
}
