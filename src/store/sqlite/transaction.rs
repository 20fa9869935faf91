//! Transactions: all that is done in one is on disk at its end, or nothing of it.
//!
//! In: what is to be done. Out: what came of it. Never: a transaction that is left open, but for that of a
//! `group`, which ends with it.

use rusqlite::Connection;

use super::Wrong;

/// One transaction: all that is done in it, or nothing.
pub(super) fn transacted<T>(connection: &Connection, begin: &str, work: impl FnOnce(&Connection) -> Result<T, Wrong>) -> Result<T, Wrong> {
    run(connection, begin)?;
    let worked = work(connection);
    if worked.is_ok() {
        commit(connection)?;
    } else {
        // What went wrong before is what is said; a disk that fails has ended the transaction by itself.
        drop(run(connection, "ROLLBACK"));
    }
    worked
}

/// Ends a transaction: all of it is on disk, or nothing.
pub(super) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    let ended = run(connection, "COMMIT");
    if ended.is_err() && !connection.is_autocommit() {
        drop(run(connection, "ROLLBACK"));
    }
    ended
}

/// Runs a statement that is kept ready: each change needs two of them.
pub(super) fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}
