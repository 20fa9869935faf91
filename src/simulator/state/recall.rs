//! What the simulated BluSKY shows of its memory.
//!
//! In: a user, or nothing. Out: the cards of the read-back, and of the simulator's own overview, under BluSKY's names. It only reads, and
//! no PIN ever comes out: none was stored.

use rusqlite::Row;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    late,
    store::{Store, list},
};

/// What the read-back is asked.
pub struct Asked {
    pub user_id: Uuid,
    pub include_deleted: bool,
    /// `None`: any.
    pub facility: Option<i64>,
    /// Whether by the second version of the call, which shows more.
    pub v2: bool,
}

/// `PersonCardViewModel`: one assignment, with its card.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PersonCard {
    #[serde(flatten)]
    v2: Option<PersonCardV2>,
    person_card_id: String,
    card_name: String,
    card_id: String,
    card_type: i64,
    #[serde(rename = "CardACSystemId")]
    card_ac_system_id: String,
    #[serde(rename = "CardACSystemName")]
    card_ac_system_name: String,
    internal_card_number: i64,
    external_card_number: String,
    card_serial_number: Option<i64>,
    facility_code: i64,
    issue_code: i64,
    /// Always null.
    #[serde(rename = "PIN")]
    pin: (),
    deleted: bool,
    hid_invitation_code: (),
    invitation_redeemed_date_time: (),
    date_inserted: String,
    date_updated: String,
    card_activation_start_date_time: Option<String>,
    card_deactivation_start_date_time: Option<String>,
    card_user_flags: i64,
    encrypted_mobile_credentials: [(); 0],
    credential_type: i64,
}

/// What v2 adds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PersonCardV2 {
    number_of_card_uses: Option<i64>,
    public_notes: Option<String>,
}

impl Store {
    /// A user's cards, in the order they were given. A user who is not known has none.
    pub fn user_cards(&self, asked: &Asked) -> rusqlite::Result<Vec<PersonCard>> {
        let db = self.lock();
        let late = self.habits.shows_after;
        let mut query = db.prepare(&format!(
            "SELECT * FROM {} WHERE user_id = ?1 AND (deleted = 0 OR ?2) AND (?3 IS NULL OR facility = ?3) ORDER BY seq",
            late::rows(late)
        ))?;
        let asked_for = (asked.user_id.to_string(), asked.include_deleted, asked.facility, late.as_secs_f64());
        let rows = query.query_map(asked_for, |row| person_card(row, asked.v2))?;
        rows.collect()
    }

    /// Every stored card, with its present assignment or null. Here null shows that a facility or issue code was not sent.
    pub fn cards(&self) -> rusqlite::Result<Vec<Value>> {
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
pub fn card(row: &Row) -> rusqlite::Result<Map<String, Value>> {
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
