//! Takes a card from its holder.
//!
//! In: a user, and which card. Out: nothing, or a refusal. The card stays, and so does its assignment, as one that has ended.

use chrono::Utc;
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use super::store::{Stop, Store};
use crate::simulator::words::{result_code::ResultCode, time::stamp};

/// By what a card is named.
pub struct Which {
    pub card_id: Option<Uuid>,
    /// Where no key is named.
    pub external: Option<String>,
    pub internal: Option<i64>,
}

impl Store {
    /// Ends the present assignment of a card to a user.
    pub fn remove(&self, user_id: Uuid, which: &Which) -> Result<(), Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.meet_user(&tx, user_id)?;
        let present = "SELECT user_card_id FROM assignments AS a JOIN cards ON cards.card_id = a.card_id
            WHERE a.user_id = ?1 AND a.deleted = 0 AND (a.card_id = ?2 OR ?2 IS NULL AND (external = ?3 OR number = ?4))";
        let values = params![user_id.to_string(), which.card_id.map(|id| id.to_string()), which.external, which.internal];
        let key: Option<String> = tx.query_row(present, values, |row| row.get(0)).optional()?;
        let key = key.ok_or_else(|| ResultCode::NotFound.because("NotFound: the card is not this user's."))?;
        tx.execute("UPDATE assignments SET deleted = 1, updated = ?2 WHERE user_card_id = ?1", [key, stamp(Utc::now())])?;
        tx.commit()?;
        Ok(())
    }
}
