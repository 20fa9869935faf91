//! What UpdateUserCard does to the memory.
//!
//! In: a call that its own rules allow. Out: nothing, or a refusal. Members the contract calls optional stay as they are when they are
//! left out; whether BluSKY's PublicNotes do so too is not known. It never changes a PIN: the call has none.

use chrono::Utc;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{
    Forgettable, ResultCode,
    model::{UpdateUserCard, stamp},
    state::{self, Stop, Store},
};

impl Store {
    /// Changes the present assignment of a card to a user.
    pub(super) fn update_user_card(&self, call: &UpdateUserCard, forget: &[Forgettable]) -> Result<(), Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.meet_user(&tx, call.user_id)?;
        let card_id = state::known(&tx, call.card_id)?;
        let present = "SELECT user_card_id FROM assignments WHERE card_id = ?1 AND user_id = ?2 AND deleted = 0";
        let key: Option<String> = tx.query_row(present, [card_id, call.user_id.to_string()], |row| row.get(0)).optional()?;
        let key = key.ok_or_else(|| ResultCode::NotAssigned.because("The card is not assigned to this user."))?;
        let uses = call.extras.uses;
        tx.execute(
            "UPDATE assignments SET flags = ?2, updated = ?3, notes = ifnull(?4, notes), credential_type = ifnull(?5, credential_type),
                uses = CASE WHEN ?6 < 0 THEN NULL ELSE ifnull(?6, uses) END,
                activation = CASE WHEN ?7 THEN ?8 ELSE activation END, deactivation = CASE WHEN ?7 THEN ?9 ELSE deactivation END
             WHERE user_card_id = ?1",
            params![
                key,
                call.flags,
                stamp(Utc::now()),
                call.extras.notes,
                call.extras.credential_type,
                uses,
                call.modify_dates,
                call.activation.map(stamp),
                call.deactivation.map(stamp)
            ],
        )?;
        state::forget(&tx, &key, forget)?;
        tx.commit()?;
        Ok(())
    }
}
