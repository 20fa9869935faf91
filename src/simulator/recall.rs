//! What the simulated BluSKY shows of its memory.
//!
//! In: a user, or nothing. Out: the read-back of the API, and the simulator's own overview. It only reads, and no PIN ever comes out:
//! none was stored.

use rusqlite::{Connection, Row};
use serde_json::{Map, Value, json};

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
                    ifnull(issue, 0) AS issue, deleted, a.inserted, a.updated, activation, deactivation, flags,
                    uses, notes, credential_type
             FROM assignments AS a JOIN cards USING (card_id)
             WHERE user_id = ?1 AND (deleted = 0 OR ?2) AND (?3 IS NULL OR ifnull(facility, 0) = ?3) ORDER BY a.seq",
        )?;
        let rows = query.query_map((asked.user_id.to_string(), asked.include_deleted, asked.facility), |row| person_card(row, asked.v2))?;
        Ok(UserCards { user_id: asked.user_id, cards: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// Every stored card, with its present assignment or null. Here null shows that a facility or issue code was not sent.
    pub(super) fn cards(&self) -> rusqlite::Result<Vec<Value>> {
        let all = "SELECT *, cards.inserted AS made, cards.updated AS changed, a.inserted AS assigned
                   FROM cards LEFT JOIN assignments AS a ON a.card_id = cards.card_id AND a.deleted = 0
                   WHERE cards.card_id LIKE ?1 ORDER BY cards.seq";
        list(&self.lock(), all, "%", |row| {
            let mut members = card(row)?;
            members.remove("CardName");
            members.insert("DateInserted".into(), row.get::<_, String>("made")?.into());
            members.insert("DateUpdated".into(), row.get::<_, String>("changed")?.into());
            members.insert("Assignment".into(), assignment(row)?);
            Ok(Value::Object(members))
        })
    }
}

/// A card, whoever holds it.
pub(super) fn card(row: &Row) -> rusqlite::Result<Map<String, Value>> {
    let external: String = row.get("external")?;
    let members = [
        ("CardId", row.get::<_, String>("card_id")?.into()),
        ("CardName", card_name(&external).into()),
        ("CardType", row.get::<_, i64>("card_type")?.into()),
        ("CardACSystemId", row.get::<_, String>("system_id")?.into()),
        ("InternalCardNumber", row.get::<_, i64>("number")?.into()),
        ("ExternalCardNumber", external.into()),
        ("CardSerialNumber", row.get::<_, Option<i64>>("serial")?.into()),
        ("FacilityCode", row.get::<_, Option<i64>>("facility")?.into()),
        ("IssueCode", row.get::<_, Option<i64>>("issue")?.into()),
    ];
    Ok(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
}

fn card_name(external: &str) -> String {
    format!("Card {external}")
}

fn person_card(row: &Row, v2: bool) -> rusqlite::Result<PersonCard> {
    let system: String = row.get("system_id")?;
    let external: String = row.get("external")?;
    Ok(PersonCard {
        v2: match v2 {
            true => Some(PersonCardV2 { number_of_card_uses: row.get("uses")?, public_notes: row.get("notes")? }),
            false => None,
        },
        person_card_id: row.get("user_card_id")?,
        card_name: card_name(&external),
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
        credential_type: row.get("credential_type")?,
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
        "NumberOfCardUses": row.get::<_, Option<i64>>("uses")?,
        "PublicNotes": row.get::<_, Option<String>>("notes")?,
        "CredentialTypeId": row.get::<_, i64>("credential_type")?,
        "DateInserted": row.get::<_, String>("assigned")?,
    }))
}

/// The rows of a query with one parameter.
pub(super) fn list(
    db: &Connection,
    sql: &str,
    wanted: &str,
    shown: impl Fn(&Row) -> rusqlite::Result<Value>,
) -> rusqlite::Result<Vec<Value>> {
    let mut query = db.prepare(sql)?;
    query.query_map([wanted], |row| shown(row))?.collect()
}
