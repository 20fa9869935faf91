//! What the simulated BluSKY shows of its memory.
//!
//! In: a user, or nothing. Out: the read-back of the API, and the simulator's own overview. It only reads, and no PIN ever comes out:
//! none was stored.

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::{
    model::Asked,
    shown::{PersonCard, PersonCardV2, UserCards},
    state::Store,
};

impl Store {
    /// A user's cards, in the order they were given. A user who is not known has none.
    pub(super) fn user_cards(&self, asked: &Asked) -> rusqlite::Result<UserCards> {
        let db = self.lock();
        let mut query = db.prepare(
            "SELECT user_card_id, card_id, card_type, system_id, number, external, serial, ifnull(facility, 0) AS facility,
                    ifnull(issue, 0) AS issue, deleted, a.inserted, a.updated, activation, deactivation, flags
             FROM assignments AS a JOIN cards USING (card_id)
             WHERE user_id = ?1 AND (deleted = 0 OR ?2) AND (?3 IS NULL OR ifnull(facility, 0) = ?3) ORDER BY a.seq",
        )?;
        let rows = query.query_map((asked.user_id.to_string(), asked.include_deleted, asked.facility), |row| person_card(row, asked.v2))?;
        Ok(UserCards { user_id: asked.user_id, cards: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// All users: with a people file those who stand in it, else those whom a call has named.
    pub(super) fn users(&self) -> rusqlite::Result<Vec<Value>> {
        let wanted = if self.only_people() { "file" } else { "%" };
        list(&self.lock(), "SELECT * FROM users WHERE origin LIKE ?1 ORDER BY last_name, first_name, user_id", wanted, |row| {
            Ok(json!({
                "user_id": row.get::<_, String>("user_id")?,
                "first_name": row.get::<_, String>("first_name")?,
                "last_name": row.get::<_, String>("last_name")?,
                "employee_number": row.get::<_, String>("employee_number")?,
            }))
        })
    }

    /// Every stored card, with its present assignment or null. Here null shows that a facility or issue code was not sent.
    pub(super) fn cards(&self) -> rusqlite::Result<Vec<Value>> {
        let all = "SELECT *, cards.inserted AS made, cards.updated AS changed, a.inserted AS assigned
                   FROM cards LEFT JOIN assignments AS a ON a.card_id = cards.card_id AND a.deleted = 0
                   WHERE cards.card_id LIKE ?1 ORDER BY cards.seq";
        list(&self.lock(), all, "%", |row| {
            Ok(json!({
                "CardId": row.get::<_, String>("card_id")?,
                "CardType": row.get::<_, i64>("card_type")?,
                "CardACSystemId": row.get::<_, String>("system_id")?,
                "InternalCardNumber": row.get::<_, i64>("number")?,
                "ExternalCardNumber": row.get::<_, String>("external")?,
                "CardSerialNumber": row.get::<_, Option<i64>>("serial")?,
                "FacilityCode": row.get::<_, Option<i64>>("facility")?,
                "IssueCode": row.get::<_, Option<i64>>("issue")?,
                "DateInserted": row.get::<_, String>("made")?,
                "DateUpdated": row.get::<_, String>("changed")?,
                "Assignment": assignment(row)?,
            }))
        })
    }
}

fn person_card(row: &Row, v2: bool) -> rusqlite::Result<PersonCard> {
    let system: String = row.get("system_id")?;
    let external: String = row.get("external")?;
    Ok(PersonCard {
        v2: v2.then(PersonCardV2::default),
        person_card_id: row.get("user_card_id")?,
        card_name: format!("Card {external}"),
        card_id: row.get("card_id")?,
        card_type: row.get("card_type")?,
        card_ac_system_name: format!("System {}", system.get(..8).unwrap_or_default()),
        card_ac_system_id: system,
        internal_card_number: row.get("number")?,
        external_card_number: external,
        card_serial_number: row.get("serial")?,
        facility_code: row.get("facility")?,
        issue_code: row.get("issue")?,
        pin: (),
        deleted: row.get("deleted")?,
        hid_invitation_code: (),
        invitation_redeemed_date_time: (),
        date_inserted: row.get("inserted")?,
        date_updated: row.get("updated")?,
        card_activation_start_date_time: row.get("activation")?,
        card_deactivation_start_date_time: row.get("deactivation")?,
        card_user_flags: row.get("flags")?,
        encrypted_mobile_credentials: [],
        credential_type: 1,
    })
}

fn assignment(row: &Row) -> rusqlite::Result<Value> {
    let Some(key) = row.get::<_, Option<String>>("user_card_id")? else { return Ok(Value::Null) };
    Ok(json!({
        "PersonCardId": key,
        "UserId": row.get::<_, String>("user_id")?,
        "PIN": row.get::<_, bool>("has_pin")?.then_some("(hidden)"),
        "CardActivationStartDateTime": row.get::<_, Option<String>>("activation")?,
        "CardDeactivationStartDateTime": row.get::<_, Option<String>>("deactivation")?,
        "CardUserFlags": row.get::<_, i64>("flags")?,
        "DateInserted": row.get::<_, String>("assigned")?,
    }))
}

fn list(db: &Connection, sql: &str, wanted: &str, shown: impl Fn(&Row) -> rusqlite::Result<Value>) -> rusqlite::Result<Vec<Value>> {
    let mut query = db.prepare(sql)?;
    query.query_map([wanted], |row| shown(row))?.collect()
}
