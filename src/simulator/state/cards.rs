//! Which card is meant?
//!
//! In: a card's id, or its description. Out: the key of the card, made if it is new; or a refusal. Cards stay when nobody holds them.

use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::{
    places,
    store::{Stop, Store},
};
use crate::simulator::words::{card::Description, result_code::ResultCode};

impl Store {
    /// Finds the card that is described, or makes it.
    pub fn described(&self, tx: &Transaction, card: &Description, reassign: bool, now: &str) -> Result<String, Stop> {
        let system = card.system_id.to_string();
        let found = match card.number {
            0 => None,
            _ => find(tx, card)?,
        };
        if let (Some(card_id), false) = (&found, reassign || self.habits.allow_double) {
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
        places::meet(tx, "ACSystem", &system)?;
        places::meet(tx, "CardType", &card.card_type.to_string())?;
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
        let next = highest.unwrap_or(0).checked_add(1).filter(|next| *next <= self.habits.largest);
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
pub fn known(tx: &Transaction, card_id: Uuid) -> Result<String, Stop> {
    let card_id = card_id.to_string();
    match tx.prepare("SELECT 1 FROM cards WHERE card_id = ?1")?.exists([&card_id])? {
        true => Ok(card_id),
        false => Err(ResultCode::CardNotFound.because("No card has this CardId.").into()),
    }
}

/// Refuses a card that somebody holds, and says who.
pub fn refuse_if_held(tx: &Transaction, card_id: &str) -> Result<(), Stop> {
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
