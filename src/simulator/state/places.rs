//! What the lookups list: cards, and whatever calls have named.
//!
//! In: a kind of thing, and an id that a call has named. Out: the list of that kind, its members as the pages show them, else called after
//! it (`FacilityId`, `FacilityName`).

use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    recall::card,
    store::{Store, list},
};
use crate::simulator::words::card_type::CardType;

impl Store {
    /// Everything of one kind. If card types were given, they are all there are.
    pub fn listed(&self, kind: &str, card_types: &[CardType]) -> rusqlite::Result<Vec<Value>> {
        match kind {
            "Card" => {
                list(&self.lock(), "SELECT * FROM cards WHERE card_id LIKE ?1 ORDER BY seq", "%", |row| Ok(Value::Object(card(row)?)))
            }
            "CardType" if !card_types.is_empty() => {
                Ok(card_types.iter().map(|known| place("CardType", &known.number.to_string(), None)).collect())
            }
            kind => list(&self.lock(), "SELECT id, name FROM places WHERE kind = ?1 ORDER BY rowid", kind, |row| {
                Ok(place(kind, &row.get::<_, String>("id")?, Some(row.get("name")?)))
            }),
        }
    }
}

/// Remembers what a call has named, so that the lookups list it from now on.
pub fn meet(db: &Connection, kind: &str, id: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR IGNORE INTO places VALUES (?1, ?2, ?3)", params![kind, id, name(kind, id)]).map(drop)
}

/// The same for an id.
pub fn meet_id(db: &Connection, kind: &str, id: Option<Uuid>) -> rusqlite::Result<()> {
    id.map_or(Ok(()), |id| meet(db, kind, &id.to_string()))
}

fn place(kind: &str, id: &str, known_as: Option<String>) -> Value {
    let name = known_as.unwrap_or_else(|| name(kind, id));
    let id = id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number));
    match kind {
        "AccessLevel" => json!({
            "AccessLevelId": id, "Name": name, "AccessLevelStartDate": null, "AccessLevelEndDate": null, "Deleted": false,
            "ACSystemId": null, "CompanyId": null, "ApplyByDefault": false, "AccessLevelTypeId": null, "FacilityId": null,
        }),
        "AccessLevelGroup" => json!({
            "AccessLevelGroupId": id, "Name": name, "FacilityId": null, "FacilityName": null, "OccupantId": null, "OccupantName": null,
        }),
        _ => Value::Object(Map::from_iter([(format!("{kind}Id"), id), (format!("{kind}Name"), name.into())])),
    }
}

/// The name of what nobody has named.
fn name(kind: &str, id: &str) -> String {
    let kind = if kind == "ACSystem" { "System" } else { kind };
    format!("{kind} {}", id.get(..8).unwrap_or(id))
}
