//! The data file: its tables, and what may be done to them without a rule.
//!
//! In: a path, or none. Out: an SQLite connection on tables of this version. It never touches a file of another program.
//!
//! `users` are people; `origin` is `file` (stands in the people file) or `seen` (was only named by a call). `cards` stay when nobody
//! holds them; null in `facility` or `issue` means it was not sent. `assignments` are BluSKY's UserCards, past ones with `deleted` 1, and
//! no card has two that are not. GUIDs are lower-case text, times are text as the API answers them.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rusqlite::Connection;

use super::SimulatorError;

/// The members a fault can forget, and what forgetting does to the card and assignment just stored (`?1` is the UserCard).
pub(super) const FORGETTABLE: &[(&str, &str)] = &[
    ("CardType", "UPDATE cards SET card_type = 0 WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    (
        "CardACSystemId",
        "UPDATE cards SET system_id = '00000000-0000-0000-0000-000000000000' \
         WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)",
    ),
    ("InternalCardNumber", "UPDATE cards SET number = 0 WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("ExternalCardNumber", "UPDATE cards SET external = '' WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("CardSerialNumber", "UPDATE cards SET serial = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("FacilityCode", "UPDATE cards SET facility = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("IssueCode", "UPDATE cards SET issue = NULL WHERE card_id = (SELECT card_id FROM assignments WHERE user_card_id = ?1)"),
    ("PIN", "UPDATE assignments SET has_pin = 0 WHERE user_card_id = ?1"),
    ("CardActivationStartDateTime", "UPDATE assignments SET activation = NULL WHERE user_card_id = ?1"),
    ("CardDeactivationStartDateTime", "UPDATE assignments SET deactivation = NULL WHERE user_card_id = ?1"),
    ("CardUserFlags", "UPDATE assignments SET flags = 0 WHERE user_card_id = ?1"),
];

const TABLES: &str = "
    CREATE TABLE users (
        user_id TEXT PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, employee_number TEXT NOT NULL, origin TEXT NOT NULL
    );
    CREATE TABLE cards (
        seq INTEGER PRIMARY KEY, card_id TEXT NOT NULL UNIQUE, card_type INTEGER NOT NULL, system_id TEXT NOT NULL,
        number INTEGER NOT NULL, external TEXT NOT NULL, serial INTEGER, facility INTEGER, issue INTEGER,
        inserted TEXT NOT NULL, updated TEXT NOT NULL
    );
    CREATE INDEX cards_by_number ON cards (system_id, number);
    CREATE INDEX cards_by_external ON cards (system_id, external);
    CREATE TABLE assignments (
        seq INTEGER PRIMARY KEY, user_card_id TEXT NOT NULL UNIQUE, card_id TEXT NOT NULL REFERENCES cards (card_id),
        user_id TEXT NOT NULL, has_pin INTEGER NOT NULL, activation TEXT, deactivation TEXT, flags INTEGER NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0, inserted TEXT NOT NULL, updated TEXT NOT NULL
    );
    CREATE INDEX assignments_by_user ON assignments (user_id);
    CREATE UNIQUE INDEX one_holder ON assignments (card_id) WHERE deleted = 0;
";

/// `CBSI`: this is how a file is known to be ours.
const APPLICATION_ID: i32 = 0x4342_5349;
const VERSION: i32 = 1;

/// Opens the file, or makes it. `None`: in memory.
pub(super) fn open(path: Option<&Path>) -> Result<Connection, SimulatorError> {
    let name = path.unwrap_or(Path::new(":memory:"));
    let broken = |source| SimulatorError::Data { path: name.to_owned(), source };
    let mut db = match path {
        Some(path) => {
            make_private(path);
            Connection::open(path).map_err(broken)?
        }
        None => Connection::open_in_memory().map_err(broken)?,
    };
    match prepare(&mut db).map_err(broken)? {
        None => Ok(db),
        Some(problem) => Err(SimulatorError::NotOurs { path: name.to_owned(), problem }),
    }
}

/// Brings the tables to this version, or says why these cannot be ours.
fn prepare(db: &mut Connection) -> rusqlite::Result<Option<&'static str>> {
    db.busy_timeout(Duration::from_secs(10))?;
    let number = |db: &Connection, sql| db.query_row(sql, [], |row| row.get::<_, i32>(0));
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let empty = number(&tx, "SELECT count(*) FROM sqlite_schema")? == 0;
    if empty {
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", VERSION)?;
    } else if number(&tx, "PRAGMA application_id")? != APPLICATION_ID {
        return Ok(Some("this is an SQLite file of another program"));
    } else if number(&tx, "PRAGMA user_version")? != VERSION {
        return Ok(Some("this file was written by another version of the simulator"));
    }
    tx.commit()?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(None)
}

/// Makes a new file that only its owner can read: it will hold card numbers. An existing file keeps its mode, and whatever is wrong with
/// the path SQLite will say.
fn make_private(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).ok();
}
