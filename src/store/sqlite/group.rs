//! A group of writes: one transaction for all of them, and one wait for the disk.
//!
//! In: writes, one after the other. Out: what came of each; what fails in it fails alone, and where the whole is lost all of them are told
//! why. Never: a write behind a group that SQLite has ended by itself, as it does on a full disk.

use std::mem;

use rusqlite::Connection;

use super::{
    Database, Wrong,
    transaction::{commit, run},
    wrong::explain,
};
use crate::store::StoreError;

/// How far the group has come.
#[derive(Debug, Default)]
pub(super) enum Group {
    /// There is none: each write is a transaction of its own.
    #[default]
    None,
    /// Nothing is written in it yet.
    Begun,
    Written,
    /// It could not be begun, or not be begun again: nothing is written in it, and nothing of it is lost.
    Refused(StoreError),
    /// What was written in it is gone.
    Lost(StoreError),
}

impl Database {
    pub(super) const fn is_in_group(&self) -> bool {
        !matches!(self.group, Group::None)
    }

    pub(super) fn begin(&mut self) {
        let begun = run(&self.connection, "BEGIN IMMEDIATE");
        self.group = begun.map_or_else(|error| Group::Refused(explain(&self.path, &error)), |()| Group::Begun);
    }

    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        self.find_lost();
        match mem::take(&mut self.group) {
            Group::Lost(why) => Err(why),
            Group::Begun | Group::Written => commit(&self.connection).map_err(|error| explain(&self.path, &error)),
            Group::Refused(_) | Group::None => Ok(()),
        }
    }

    /// One write of the group.
    pub(super) fn write_in_group<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, StoreError> {
        self.find_lost();
        let is_first = match &self.group {
            Group::Refused(why) | Group::Lost(why) => return Err(why.clone()),
            Group::Begun => true,
            Group::Written | Group::None => false,
        };
        // Nothing else is lost with the first.
        let written = if is_first { write(&self.connection) } else { self.write_apart(write) };
        let written = written.map_err(|wrong| wrong.explained(&self.path));
        match &written {
            Ok(_) => self.group = Group::Written,
            Err(_) if is_first => self.begin_again(),
            Err(why) if self.connection.is_autocommit() => self.group = Group::Lost(why.clone()),
            Err(_) => {}
        }
        written
    }

    /// A write that can be taken back alone.
    fn write_apart<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let part = self.connection.savepoint()?;
        let value = write(&part)?;
        part.commit()?;
        Ok(value)
    }

    fn begin_again(&mut self) {
        if !self.connection.is_autocommit() {
            drop(run(&self.connection, "ROLLBACK"));
        }
        self.begin();
    }

    /// SQLite has ended the transaction by itself, and nobody was told.
    fn find_lost(&mut self) {
        if matches!(self.group, Group::Begun | Group::Written) && self.connection.is_autocommit() {
            let why = "what was written together with it could not be written".to_owned();
            self.group = Group::Lost(StoreError::Failed { path: self.path.clone(), why });
        }
    }
}
