//! Changes an assignment.
//!
//! In: a change, once its own rules allow it. Out: nothing, or a refusal. Members the contract calls optional stay as they are when they
//! are left out; whether BluSKY's PublicNotes do so too is not known. It never changes a PIN: the call has none.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    assign::Extras,
    cards::known,
    forget::{Forgettable, forget},
    store::{Stop, Store},
};
use crate::simulator::words::{result_code::ResultCode, time::stamp};

/// What is to be different.
pub struct Change {
    pub user_id: Uuid,
    pub card_id: Uuid,
    /// Whether the two dates are changed; none is for ever.
    pub modify_dates: bool,
    pub activation: Option<DateTime<Utc>>,
    pub deactivation: Option<DateTime<Utc>>,
    pub flags: i64,
    pub extras: Extras,
}

impl Store {
    /// Changes the present assignment of a card to a user.
    pub fn update(&self, change: &Change, forgotten: &[Forgettable]) -> Result<(), Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.meet_user(&tx, change.user_id)?;
        let card_id = known(&tx, change.card_id)?;
        let present = "SELECT user_card_id FROM assignments WHERE card_id = ?1 AND user_id = ?2 AND deleted = 0";
        let key: Option<String> = tx.query_row(present, [card_id, change.user_id.to_string()], |row| row.get(0)).optional()?;
        let key = key.ok_or_else(|| ResultCode::NotAssigned.because("The card is not assigned to this user."))?;
        let uses = change.extras.uses;
        tx.execute(
            "UPDATE assignments SET flags = ?2, updated = ?3, notes = ifnull(?4, notes), credential_type = ifnull(?5, credential_type),
                uses = CASE WHEN ?6 < 0 THEN NULL ELSE ifnull(?6, uses) END,
                activation = CASE WHEN ?7 THEN ?8 ELSE activation END, deactivation = CASE WHEN ?7 THEN ?9 ELSE deactivation END
             WHERE user_card_id = ?1",
            params![
                key,
                change.flags,
                stamp(Utc::now()),
                change.extras.notes,
                change.extras.credential_type,
                uses,
                change.modify_dates,
                change.activation.map(stamp),
                change.deactivation.map(stamp)
            ],
        )?;
        forget(&tx, &key, forgotten)?;
        tx.commit()?;
        Ok(())
    }
}
