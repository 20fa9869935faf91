//! What the simulated BluSKY remembers.
//!
//! In: typed calls. Out: BluSKY's answers to them. One connection behind a mutex, one immediate transaction per call that writes: two
//! posts of one card meet one after the other, in this process or another. A refused call leaves nothing behind. These functions block;
//! they never run on an async thread. They never log what they are told.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{
    Forgettable, ResultCode, SimulatorError, lookups,
    model::{AddUserCard, stamp},
    people::Person,
    rules::{Description, Refusal, Wanted},
    schema, users,
};

/// The memory.
pub(super) struct Store {
    db: Mutex<Connection>,
    /// Whether only the people of the people file exist.
    only_people: bool,
    largest: i64,
}

/// What giving a user a card came to.
pub(super) struct Added {
    /// The key of the UserCard.
    pub(super) key: Uuid,
    /// Who held the card before.
    pub(super) previous: Option<Uuid>,
}

/// Why a call did not go through.
pub(super) enum Stop {
    /// By a rule.
    Refused(Refusal),
    /// The store failed.
    Broken(rusqlite::Error),
}

impl Store {
    /// Opens the memory, and makes the people file's people (if there is one) the only users.
    pub(super) fn open(path: Option<&Path>, people: Option<Vec<Person>>, largest: i64) -> Result<Store, SimulatorError> {
        let mut db = schema::open(path)?;
        let only_people = people.is_some();
        users::load(&mut db, people.unwrap_or_default())
            .map_err(|source| SimulatorError::Data { path: path.unwrap_or(Path::new(":memory:")).to_owned(), source })?;
        Ok(Store { db: Mutex::new(db), only_people, largest })
    }

    /// Gives a user a card.
    pub(super) fn add_user_card(&self, call: &AddUserCard, wanted: &Wanted, forget: &[Forgettable]) -> Result<Added, Stop> {
        let mut db = self.lock();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = stamp(Utc::now());
        self.meet_user(&tx, call.user_id)?;
        let card_id = match wanted {
            Wanted::Known(card_id) => known(&tx, *card_id)?,
            Wanted::Described(card) => self.described(&tx, card, call.reassign, &now)?,
        };
        if call.enforce_occupancy {
            let system = tx.query_row("SELECT system_id FROM cards WHERE card_id = ?1", [&card_id], |row| row.get::<_, String>(0))?;
            users::enforce_occupancy(&tx, call.user_id, &system)?;
        }
        let previous = release(&tx, &card_id, call.reassign, &now)?;
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
        self::forget(&tx, &key.to_string(), forget)?;
        tx.commit()?;
        Ok(Added { key, previous })
    }

    /// Takes a card from its holder. Answers whether there was one.
    pub(super) fn unassign(&self, card_id: Uuid) -> rusqlite::Result<bool> {
        let now = stamp(Utc::now());
        Ok(delete_assignment(&self.lock(), &card_id.to_string(), &now)? > 0)
    }

    pub(super) fn only_people(&self) -> bool {
        self.only_people
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held rolled its transaction back.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the card that is described, or makes it.
    fn described(&self, tx: &Transaction, card: &Description, reassign: bool, now: &str) -> Result<String, Stop> {
        let system = card.system_id.to_string();
        let found = match card.number {
            0 => None,
            _ => find(tx, card)?,
        };
        if let (Some(card_id), false) = (&found, reassign) {
            refuse_if_held(tx, card_id)?;
        }
        let taken = tx.prepare("SELECT 1 FROM cards WHERE system_id = ?1 AND external = ?2 AND card_id IS NOT ?3")?.exists(params![
            system,
            card.external,
            found
        ])?;
        if taken {
            let words = "The external card number is already used by another card in this access control system.";
            return Err(ResultCode::ExternalNumberTaken.because(words).into());
        }
        if let Some(card_id) = found {
            tx.execute(
                "UPDATE cards SET external = ?2, serial = ifnull(?3, serial), updated = ?4 WHERE card_id = ?1",
                params![card_id, card.external, card.serial, now],
            )?;
            return Ok(card_id);
        }
        let number = match card.number {
            0 => self.next_number(tx, &system)?,
            number => number,
        };
        lookups::meet(tx, "ACSystem", &system)?;
        lookups::meet(tx, "CardType", &card.card_type.to_string())?;
        let card_id = Uuid::new_v4().to_string();
        tx.execute(
            "INSERT INTO cards (card_id, card_type, system_id, number, external, serial, facility, issue, inserted, updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            params![card_id, card.card_type, system, number, card.external, card.serial, card.facility, card.issue, now],
        )?;
        Ok(card_id)
    }

    /// The automatic number: one above the highest of the system.
    fn next_number(&self, tx: &Transaction, system: &str) -> Result<i64, Stop> {
        let highest: Option<i64> = tx.query_row("SELECT max(number) FROM cards WHERE system_id = ?1", [system], |row| row.get(0))?;
        let next = highest.unwrap_or(0).checked_add(1).filter(|next| *next <= self.largest);
        next.ok_or_else(|| ResultCode::ValueNotAllowed.because("No automatic card number is left: send InternalCardNumber.").into())
    }
}

/// The card of this system, type, number, facility and issue code; a code that was not sent is as good as 0.
fn find(tx: &Transaction, card: &Description) -> Result<Option<String>, Stop> {
    let mut query = tx.prepare(
        "SELECT card_id, ifnull(issue, 0) = ifnull(?5, 0) FROM cards
         WHERE system_id = ?1 AND card_type = ?2 AND number = ?3 AND ifnull(facility, 0) = ifnull(?4, 0)",
    )?;
    let card_is = params![card.system_id.to_string(), card.card_type, card.number, card.facility, card.issue];
    let alike = query.query_map(card_is, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
    let (same, other_issue): (Vec<_>, Vec<_>) = alike.into_iter().partition(|(_, same_issue)| *same_issue);
    // Several cards that differ by their issue code only, and none was sent: whichever is meant, it cannot be told.
    let in_question = same.len() > 1 || (same.is_empty() && card.issue.is_none() && other_issue.len() > 1);
    match in_question {
        true => Err(ResultCode::MoreThanOneCard.because("More than one card exists with this number and facility code.").into()),
        false => Ok(same.into_iter().next().map(|(card_id, _)| card_id)),
    }
}

/// The key of a card that must exist.
pub(super) fn known(tx: &Transaction, card_id: Uuid) -> Result<String, Stop> {
    let card_id = card_id.to_string();
    match tx.prepare("SELECT 1 FROM cards WHERE card_id = ?1")?.exists([&card_id])? {
        true => Ok(card_id),
        false => Err(ResultCode::CardNotFound.because("No card has this CardId.").into()),
    }
}

/// Stores 0 or null in place of these members of an assignment and its card.
pub(super) fn forget(tx: &Transaction, key: &str, members: &[Forgettable]) -> rusqlite::Result<()> {
    for (member, sql) in schema::FORGETTABLE {
        if members.iter().any(|forgotten| forgotten.name() == *member) {
            tx.execute(sql, [key])?;
        }
    }
    Ok(())
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

fn refuse_if_held(tx: &Transaction, card_id: &str) -> Result<(), Stop> {
    let holder = tx
        .query_row(
            "SELECT cards.number || ' ' || users.last_name || ', ' || users.first_name
             FROM assignments JOIN cards USING (card_id) JOIN users USING (user_id) WHERE card_id = ?1 AND deleted = 0",
            [card_id],
            |row| row.get::<_, String>(0),
        )
        .optional()?;
    match holder {
        None => Ok(()),
        Some(holder) => Err(ResultCode::CardAlreadyAssigned.because(format!("Card Already Assigned : {holder}")).into()),
    }
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
