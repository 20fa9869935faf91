//! Who has which group of access levels.
//!
//! In: a user and a group. Out: nothing, or a refusal. A group that somebody has already is given once.

use rusqlite::TransactionBehavior;
use uuid::Uuid;

use super::store::{Stop, Store};
use crate::simulator::words::result_code::ResultCode;

impl Store {
    /// Gives a user a group, or takes it.
    pub fn change_access(&self, user_id: Uuid, group: i64, gives: bool) -> Result<(), Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.meet_user(&tx, user_id)?;
        let (user, id) = (user_id.to_string(), group.to_string());
        let is_known = tx.prepare("SELECT 1 FROM places WHERE kind = 'AccessLevelGroup' AND id = ?1")?.exists([&id])?;
        if !is_known {
            return Err(ResultCode::NotFound.because("NotFound: there is no such access level group.").into());
        }
        let changed = match gives {
            true => tx.execute("INSERT OR IGNORE INTO access VALUES (?1, ?2)", [&user, &id])?,
            false => tx.execute("DELETE FROM access WHERE user_id = ?1 AND group_id = ?2", [&user, &id])?,
        };
        if !gives && changed == 0 {
            return Err(ResultCode::NotFound.because("NotFound: the user does not have this access level group.").into());
        }
        tx.commit()?;
        Ok(())
    }

    /// The groups that a user has.
    pub fn access_of(&self, user_id: &str) -> rusqlite::Result<Vec<i64>> {
        let db = self.lock();
        let mut select = db.prepare("SELECT group_id FROM access WHERE user_id = ?1 ORDER BY group_id")?;
        select.query_map([user_id], |row| row.get(0))?.collect()
    }
}
