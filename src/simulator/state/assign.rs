//! Gives a user a card, and takes it away.
//!
//! In: what was asked for, once its own rules allow it. Out: the key of the new assignment, or a refusal, which leaves nothing behind.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    cards::{known, refuse_if_held},
    forget::{Forgettable, forget},
    store::{Stop, Store},
    users,
};
use crate::simulator::words::{card::WhichCard, time::stamp};

/// A card that is to be given.
pub struct Assignment {
    pub user_id: Uuid,
    pub card: WhichCard,
    /// Whether it may be taken from somebody else.
    pub reassign: bool,
    pub enforce_occupancy: bool,
    /// Whether there was one; the PIN itself is not kept.
    pub has_pin: bool,
    pub activation: Option<DateTime<Utc>>,
    pub deactivation: Option<DateTime<Utc>>,
    pub flags: i64,
    pub extras: Extras,
}

/// What the second version of a call adds.
#[derive(Default)]
pub struct Extras {
    /// Below zero: as often as wanted.
    pub uses: Option<i64>,
    pub notes: Option<String>,
    pub credential_type: Option<i64>,
}

/// What giving a user a card came to.
pub struct Added {
    /// The key of the UserCard.
    pub key: Uuid,
    /// Who held the card before.
    pub previous: Option<Uuid>,
}

impl Store {
    /// Gives a user a card.
    pub fn assign(&self, call: &Assignment, forgotten: &[Forgettable]) -> Result<Added, Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = stamp(Utc::now());
        self.meet_user(&tx, call.user_id)?;
        let card_id = match &call.card {
            WhichCard::Known(card_id) => known(&tx, *card_id)?,
            WhichCard::Described(card) => self.described(&tx, card, call.reassign, &now)?,
        };
        if call.enforce_occupancy {
            let system = tx.query_row("SELECT system_id FROM cards WHERE card_id = ?1", [&card_id], |row| row.get::<_, String>(0))?;
            users::enforce_occupancy(&tx, call.user_id, &system)?;
        }
        let previous = match self.habits.allow_double {
            true => None,
            false => release(&tx, &card_id, call.reassign, &now)?,
        };
        let key = Uuid::new_v4();
        tx.execute(
            "INSERT INTO assignments (user_card_id, card_id, user_id, has_pin, activation, deactivation, flags, inserted, updated,
                uses, notes, credential_type)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, CASE WHEN ?9 < 0 THEN NULL ELSE ?9 END, ?10, ifnull(?11, 1))",
            params![
                key.to_string(),
                card_id,
                call.user_id.to_string(),
                call.has_pin,
                call.activation.map(stamp),
                call.deactivation.map(stamp),
                call.flags,
                now,
                call.extras.uses,
                call.extras.notes,
                call.extras.credential_type
            ],
        )?;
        forget(&tx, &key.to_string(), forgotten)?;
        tx.commit()?;
        Ok(Added { key, previous })
    }

    /// Takes a card from its holder. Answers whether there was one.
    pub fn unassign(&self, card_id: Uuid) -> rusqlite::Result<bool> {
        let now = stamp(Utc::now());
        Ok(delete_assignment(&self.lock(), &card_id.to_string(), &now)? > 0)
    }
}

/// Ends the present assignment, or refuses because of it. Answers whose it was.
fn release(tx: &Transaction, card_id: &str, reassign: bool, now: &str) -> Result<Option<Uuid>, Stop> {
    if !reassign {
        return refuse_if_held(tx, card_id).map(|()| None);
    }
    let holder = "SELECT user_id FROM assignments WHERE card_id = ?1 AND deleted = 0";
    let holder: Option<String> = tx.query_row(holder, [card_id], |row| row.get(0)).optional()?;
    delete_assignment(tx, card_id, now)?;
    Ok(holder.and_then(|holder| Uuid::try_parse(&holder).ok()))
}

fn delete_assignment(db: &Connection, card_id: &str, now: &str) -> rusqlite::Result<usize> {
    db.execute("UPDATE assignments SET deleted = 1, updated = ?2 WHERE card_id = ?1 AND deleted = 0", [card_id, now])
}
