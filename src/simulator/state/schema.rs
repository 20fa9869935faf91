//! The data file: its tables.
//!
//! In: a path, or none. Out: an SQLite connection on tables of this version. It never touches a file of another program.
//!
//! `users` are people, with the members AddUser made them of in `record` (JSON, without the password). `cards` stay when nobody holds
//! them; null in `facility` or `issue` means it was not sent. `assignments` are BluSKY's UserCards, past ones with `deleted` 1, and a card
//! has two that are not only where that is allowed. `places` are what the lookups list beside cards. GUIDs are lower-case text, times are text as the API
//! answers them. A file of an earlier version is brought to this one.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rusqlite::Connection;

use crate::simulator::words::error::SimulatorError;

/// What brings a file from each version to the next; a new file begins at version 0.
const STEPS: [&str; 4] = [FIRST, SECOND, THIRD, FOURTH];

const FIRST: &str = "
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

/// Those who start to train find something to look up: the ids of the contract's samples, and names that are not all ASCII.
const SECOND: &str = "
    ALTER TABLE assignments ADD COLUMN uses INTEGER;
    ALTER TABLE assignments ADD COLUMN notes TEXT;
    ALTER TABLE assignments ADD COLUMN credential_type INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE users ADD COLUMN record TEXT;
    CREATE TABLE places (kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, id));
    INSERT INTO places VALUES
        ('CardType', '3', 'Proximity, 26 bit'),
        ('CardType', '4', 'Proximity, 37 bit'),
        ('CardType', '5', 'Smart card, serial number'),
        ('ACSystem', '309fbabb-0642-44e1-b262-67442dc491ed', 'System 309fbabb'),
        ('ACSystem', '285c612d-3ae9-4248-a4a9-b4af5d5e273d', 'System 285c612d'),
        ('Facility', '51c1aa5c-4e2f-4033-8174-3736816cb4a3', 'Head office'),
        ('Occupancy', '6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8', 'Bäckerei Zoë & Söhne'),
        ('Vendor', 'a2b94e07-13d6-4f58-b0c9-7e8d5a6124fb', 'Nettoyage \"Éclair\" <24 h>'),
        ('SystemOwner', 'c7e3d815-4a2b-46f9-9d70-1b6e8f53a04c', 'Building owner'),
        ('Integrator', 'd0978299-921c-4138-b458-6df0e7a6f8c0', 'Integrator'),
        ('BadgeTemplate', 'e1f9369b-6225-4da5-96c8-f07966533519', 'Employee badge');
    INSERT OR IGNORE INTO places SELECT DISTINCT 'ACSystem', system_id, 'System ' || substr(system_id, 1, 8) FROM cards;
    INSERT OR IGNORE INTO places SELECT DISTINCT 'CardType', card_type, 'CardType ' || card_type FROM cards;
";

/// That nobody is given a held card is a rule of a call, which can be told otherwise.
const THIRD: &str = "DROP INDEX IF EXISTS one_holder; CREATE INDEX assignments_by_card ON assignments (card_id);";

/// Which groups of access levels somebody has, and a few to give.
const FOURTH: &str = "
    CREATE TABLE access (user_id TEXT NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (user_id, group_id));
    INSERT OR IGNORE INTO places VALUES
        ('AccessLevel', '1', 'All doors, always'), ('AccessLevel', '2', 'Front door, office hours'),
        ('AccessLevelGroup', '7', 'Staff'), ('AccessLevelGroup', '8', 'Cleaners & visitors');
";

/// `CBSI`: this is how a file is known to be ours.
const APPLICATION_ID: i32 = 0x4342_5349;

/// Opens the file, or makes it. `None`: in memory.
pub fn open(path: Option<&Path>) -> Result<Connection, SimulatorError> {
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
    let is_new = number(&tx, "SELECT count(*) FROM sqlite_schema")? == 0;
    if !is_new && number(&tx, "PRAGMA application_id")? != APPLICATION_ID {
        return Ok(Some("this is an SQLite file of another program"));
    }
    let version = number(&tx, "PRAGMA user_version")?;
    let Some(steps) = usize::try_from(version).ok().and_then(|version| STEPS.get(version..)) else {
        return Ok(Some("this file was written by a later version of the simulator"));
    };
    for step in steps {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", STEPS.len() as i64)?;
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
