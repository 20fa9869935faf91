//! The memory itself: one connection behind a mutex.
//!
//! One immediate transaction for each call that writes: two posts of one card meet one after the other, in this process or another.
//! These functions block; they never run on an async thread. They never log what they are told.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, Row};
use serde_json::Value;

use crate::simulator::words::result_code::Refusal;

/// The memory.
pub struct Store {
    db: Mutex<Connection>,
    /// How it behaves.
    pub habits: Habits,
}

/// How the memory behaves.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Whether only the people of the people file exist.
    pub only_people: bool,
    /// The largest card number.
    pub largest: i64,
    /// Whether a card can be given again while somebody holds it. Then the first assignment stays, whatever is asked for.
    pub allow_double: bool,
    /// How long after a change the read-back shows it.
    pub shows_after: Duration,
}

/// Why a call did not go through.
pub enum Stop {
    /// By a rule.
    Refused(Refusal),
    /// The store failed.
    Broken(rusqlite::Error),
}

impl Store {
    /// The memory in these tables.
    pub fn new(db: Connection, habits: Habits) -> Store {
        Store { db: Mutex::new(db), habits }
    }

    /// Waits for whoever has it.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held rolled its transaction back.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of a query with one parameter.
pub fn list(db: &Connection, sql: &str, wanted: &str, shown: impl Fn(&Row) -> rusqlite::Result<Value>) -> rusqlite::Result<Vec<Value>> {
    let mut query = db.prepare(sql)?;
    query.query_map([wanted], |row| shown(row))?.collect()
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        Stop::Broken(error)
    }
}
