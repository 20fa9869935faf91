//! What survives the power cord: the outbox on disk.
//!
//! [`Store`] says what a store does; [`StoreHandle`] gives one a thread of its own, and is what the rest of the program holds. An entry
//! exists once [`StoreHandle::save`] has answered: the bytes are on disk by then.
//!
//! - [`sqlite`]: the database file, its layout and invariants;
//! - [`memory`]: a store that survives nothing, for tests of what stands above it;
//! - [`seal`]: PINs and passwords, as they lie on disk;
//! - [`Anchor`]: how far a store had come, kept outside of it.
//!
//! What `tests` promises, every kind of store keeps.

mod anchor;
mod ask;
mod count;
mod error;
mod files;
mod handle;
pub mod memory;
pub mod seal;
pub mod sqlite;
#[cfg(test)]
mod tests;

pub use anchor::{Anchor, AnchorFile};
pub use error::StoreError;
pub use files::Files;
pub use handle::StoreHandle;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::{AddUser, PeopleLines, Secret},
    enroll::evidence::Seen,
    outbox::{Entry, Step, Terms},
};

/// Some entries, each with its number: those saved earlier have smaller ones. The last one's leads to the next page.
pub type Page = Vec<(u64, Entry)>;

/// The name of the list of people, whose lines are people.
pub const PEOPLE: &str = "people";
/// The name under which a hash of that list is kept, as it came; gone where the list is not as it came.
pub const PEOPLE_DIGEST: &str = "people digest";
/// What the names of those lists begin with that hold the people who were added from here: a list for each BluSKY.
pub const ADDED: &str = "people added at ";

/// A part of a store that was looked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// What is wrong there, in words: what is damaged or missing.
    pub found: Vec<String>,
    /// True where it was the last part.
    pub is_last: bool,
}

/// A store for the entries of one BluSKY; what it may hold of another's is neither delivered nor evidence. What it has answered survives.
pub trait Store {
    /// The BluSKY whose entries are delivered from here.
    fn base_url(&self) -> &str;

    /// Begins a group: what is written from here on is on disk once the group has ended, and not before. What fails in it fails alone;
    /// where none can be begun, each write says why.
    fn begin_group(&mut self);

    /// Ends the group.
    ///
    /// # Errors
    /// Why nothing of it is written down.
    fn end_group(&mut self) -> Result<(), StoreError>;

    /// Writes an entry down, for this BluSKY, and its PIN or password so that nobody else can read it. What it supersedes is given up in
    /// the same moment.
    ///
    /// # Errors
    /// Why it is not written down; [`StoreError::InTheWay`] where the terms say so, [`StoreError::NotNew`] where it would add somebody
    /// twice.
    fn save(&mut self, entry: &Entry, terms: Terms) -> Result<(), StoreError>;

    /// Writes down that the card of this entry is taken back, by the first of these, and all of these: all of it in one moment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the entry has gone on in the meantime; else why nothing of it is written down.
    fn undo(&mut self, undone: Entry, at: DateTime<Utc>, by: &[Entry]) -> Result<(), StoreError>;

    /// Notes when the card of the newest entry that gave it was last seen at a reader.
    ///
    /// # Errors
    /// Why it is not written down.
    fn seen(&mut self, card: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Writes an entry's next step down, as the one after those it has. A PIN or password is wiped once nothing of it is sent any more.
    /// Where it took a card back or did not, what that means for the entries that hang on it is written down in the same moment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where that step is taken; else why it is not written down.
    fn append(&mut self, entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(), StoreError>;

    /// One entry with its steps.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    fn entry(&mut self, id: Uuid) -> Result<Entry, StoreError>;

    /// The entries that are not closed and were saved after this number, oldest first, a page of them; an empty one is the last.
    ///
    /// # Errors
    /// They cannot be read.
    fn open_after(&mut self, number: u64) -> Result<Page, StoreError>;

    /// All entries that were saved after this number, those for another BluSKY too, in the same way.
    ///
    /// # Errors
    /// They cannot be read.
    fn page_after(&mut self, number: u64) -> Result<Page, StoreError>;

    /// How many cards of which format and facility code this BluSKY has accepted, and how many a print or a person has vouched for that are
    /// not settled yet. What it costs does not grow with the number of entries.
    ///
    /// # Errors
    /// It cannot be read.
    fn evidence_seen(&mut self) -> Result<Seen, StoreError>;

    /// Looks through the next part of the store, or through the first one again; behind the last one it begins anew. What it keeps in
    /// memory does not grow with the number of entries.
    ///
    /// # Errors
    /// It cannot be read.
    fn look_on(&mut self, anew: bool) -> Result<Looked, StoreError>;

    /// What is wrong with the store, in words; all of it is read for that.
    ///
    /// # Errors
    /// It cannot be read.
    fn findings(&mut self) -> Result<Vec<String>, StoreError> {
        let mut looked = self.look_on(true)?;
        while !looked.is_last {
            let next = self.look_on(false)?;
            looked.found.extend(next.found);
            looked.is_last = next.is_last;
        }
        Ok(looked.found)
    }

    /// The keys that begin so, whatever has become of their entries: two of them where there are several.
    ///
    /// # Errors
    /// They cannot be read.
    fn beginning(&mut self, key: &str) -> Result<Vec<String>, StoreError>;

    /// The newest entry for this BluSKY that gave this card to somebody and was not refused or given up. What it costs does not grow with
    /// the number of entries.
    ///
    /// # Errors
    /// It cannot be read.
    fn last_of_card(&mut self, card: &str) -> Result<Option<Entry>, StoreError>;

    /// An order of what may be the same new user for this BluSKY, whose outcome is not known yet.
    ///
    /// # Errors
    /// It cannot be read.
    fn open_user(&mut self, user: &AddUser) -> Result<Option<Entry>, StoreError>;

    /// An entry's PIN or password; none where it has none.
    ///
    /// # Errors
    /// It is gone, or cannot be read.
    fn secret(&mut self, id: Uuid) -> Result<Option<Secret>, StoreError>;

    /// Keeps a list with its time; the one kept before goes.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&mut self, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError>;

    /// Takes the lines of these people out of a list of people, and adds others behind them: nobody changes it in between.
    ///
    /// # Errors
    /// It cannot be read or written.
    fn change(&mut self, name: &str, at: DateTime<Utc>, gone: &[Uuid], new: &PeopleLines) -> Result<(), StoreError>;

    /// The list that was kept.
    ///
    /// # Errors
    /// It cannot be read.
    fn kept(&mut self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError>;

    /// Why the store's anchor cannot tell whether the store is an older one, or was cut off; none where it can, or none is kept.
    fn anchor_trouble(&mut self) -> Option<StoreError> {
        None
    }

    /// Ends it: nothing but what it keeps is left behind.
    fn close(self: Box<Self>);
}
