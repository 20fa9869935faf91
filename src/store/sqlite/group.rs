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
    /// Nothing is written in it yet, and SQLite knows of none.
    Empty,
    /// Something is.
    Written,
    /// SQLite could not begin it: nothing is written in it, and nothing of it is lost.
    Refused(StoreError),
    /// What was written in it is gone.
    Lost(StoreError),
}

impl Database {
    pub(super) const fn is_in_group(&self) -> bool {
        !matches!(self.group, Group::None)
    }

    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        self.find_lost();
        match mem::take(&mut self.group) {
            Group::Lost(why) => Err(why),
            Group::Written => commit(&self.connection).map_err(|error| explain(&self.path, &error)),
            Group::Empty | Group::Refused(_) | Group::None => Ok(()),
        }
    }

    /// One write of the group.
    pub(super) fn write_in_group<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, StoreError> {
        self.find_lost();
        match &self.group {
            Group::Refused(why) | Group::Lost(why) => Err(why.clone()),
            Group::Empty => self.write_first(write),
            Group::Written | Group::None => {
                let written = self.write_apart(write).map_err(|wrong| wrong.explained(&self.path));
                if let Err(why) = written.as_ref()
                    && self.connection.is_autocommit()
                {
                    self.group = Group::Lost(why.clone());
                }
                written
            }
        }
    }

    /// With the first, nothing else can be lost.
    fn write_first<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, StoreError> {
        if let Err(error) = run(&self.connection, "BEGIN IMMEDIATE") {
            let why = explain(&self.path, &error);
            self.group = Group::Refused(why.clone());
            return Err(why);
        }
        let written = write(&self.connection);
        if written.is_ok() {
            self.group = Group::Written;
        } else if !self.connection.is_autocommit() {
            drop(run(&self.connection, "ROLLBACK"));
        }
        written.map_err(|wrong| wrong.explained(&self.path))
    }

    /// A write that can be taken back alone.
    fn write_apart<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let part = self.connection.savepoint()?;
        let value = write(&part)?;
        part.commit()?;
        Ok(value)
    }

    /// SQLite has ended the transaction by itself, and nobody was told.
    fn find_lost(&mut self) {
        if matches!(self.group, Group::Written) && self.connection.is_autocommit() {
            let why = "what was written together with it could not be written".to_owned();
            self.group = Group::Lost(StoreError::Failed { path: self.path.clone(), why });
        }
    }
}
