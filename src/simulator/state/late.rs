//! What the read-back shows, at once or some time after it was stored.
//!
//! `held` is one row for each assignment with its card: the present. Where changes are to be shown late, each one also leaves the new row
//! in `past`, with its time, and the read-back looks at the latest row of each assignment that is old enough. Both belong to the
//! connection and not to the file: what another process changes, or what changed before this start, is not late.

use std::time::Duration;

use rusqlite::Connection;

/// The present.
const HELD: &str = "
    CREATE TEMP VIEW held AS
    SELECT a.seq, a.user_id, user_card_id, card_id, card_type, system_id, number, external, serial, ifnull(facility, 0) AS facility,
        ifnull(issue, 0) AS issue, deleted, a.inserted, a.updated, activation, deactivation, flags, uses, notes, credential_type
    FROM main.assignments AS a JOIN main.cards USING (card_id);
";

/// The past, in seconds.
const PAST: &str = "
    CREATE TEMP TABLE past AS SELECT 0.0 AS at, * FROM held;
    CREATE TEMP TRIGGER given AFTER INSERT ON main.assignments BEGIN
        INSERT INTO past SELECT unixepoch('subsec'), * FROM held WHERE user_card_id = NEW.user_card_id;
    END;
    CREATE TEMP TRIGGER changed AFTER UPDATE ON main.assignments BEGIN
        INSERT INTO past SELECT unixepoch('subsec'), * FROM held WHERE user_card_id = NEW.user_card_id;
    END;
    CREATE TEMP TRIGGER card_changed AFTER UPDATE ON main.cards BEGIN
        INSERT INTO past SELECT unixepoch('subsec'), * FROM held WHERE card_id = NEW.card_id;
    END;
";

/// Gets ready to show.
pub fn prepare(db: &Connection, shows_after: Duration) -> rusqlite::Result<()> {
    db.execute_batch(HELD)?;
    match shows_after.is_zero() {
        true => Ok(()),
        false => db.execute_batch(PAST),
    }
}

/// The rows the read-back looks at. `?4` is the lateness in seconds.
pub fn rows(shows_after: Duration) -> &'static str {
    match shows_after.is_zero() {
        true => "(SELECT * FROM held WHERE ?4 = 0)",
        false => {
            "(SELECT * FROM past WHERE rowid IN (SELECT max(rowid) FROM past WHERE at <= unixepoch('subsec') - ?4 GROUP BY user_card_id))"
        }
    }
}
