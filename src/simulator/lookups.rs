//! The nine lookups that the contract pages name, and what they list.
//!
//! In: a path; a kind of thing, and an id that a call has named. Out: the lookup; its list. The pages tell the names only. That they are
//! asked with GET or POST below `api/`, with or without a version, and answer a list of objects whose members are called after what they
//! list (`FacilityId`, `FacilityName`) is a guess: parameters are ignored, and whoever reads the answer should be as tolerant.

use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    card_types::CardType,
    recall::{card, list},
    state::Store,
};

/// One lookup.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lookup {
    pub(super) path: &'static str,
    /// The name of the call.
    pub(super) call: &'static str,
    /// What it lists.
    pub(super) kind: &'static str,
}

pub(super) const LOOKUPS: [Lookup; 9] = [
    Lookup { path: "Card/GetAllCards", call: "GetAllCards", kind: "Card" },
    Lookup { path: "Card/GetAllCardTypes", call: "GetAllCardTypes", kind: "CardType" },
    Lookup { path: "ACSystem/GetAllSystems", call: "GetAllSystems", kind: "ACSystem" },
    Lookup { path: "Facility/GetAllFacilities", call: "GetAllFacilities", kind: "Facility" },
    Lookup { path: "Occupancy/GetAllOccupancies", call: "GetAllOccupancies", kind: "Occupancy" },
    Lookup { path: "Vendor/GetAllVendors", call: "GetAllVendors", kind: "Vendor" },
    Lookup { path: "SystemOwner/GetAllOwners", call: "GetAllOwners", kind: "SystemOwner" },
    Lookup { path: "Integrator/GetAllIntegrators", call: "GetAllIntegrators", kind: "Integrator" },
    Lookup { path: "Badges/GetAllBadges", call: "GetAllBadges", kind: "BadgeTemplate" },
];

/// The lookup of a path.
pub(super) fn find(path: &str) -> Option<&'static Lookup> {
    let path = without(without(path.trim_matches('/'), &["api/"]), &["v1/", "v2/"]);
    LOOKUPS.iter().find(|lookup| lookup.path.eq_ignore_ascii_case(path))
}

fn without<'p>(path: &'p str, heads: &[&str]) -> &'p str {
    let head = heads.iter().find(|head| path.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)));
    head.and_then(|head| path.get(head.len()..)).unwrap_or(path)
}

impl Store {
    /// What a lookup lists. If card types were given, they are all there are.
    pub(super) fn lookup(&self, lookup: &Lookup, card_types: &[CardType]) -> rusqlite::Result<Vec<Value>> {
        match lookup.kind {
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

    /// What the lookups list, cards aside.
    pub(super) fn places(&self, card_types: &[CardType]) -> rusqlite::Result<Value> {
        let others = LOOKUPS.iter().filter(|lookup| lookup.kind != "Card");
        let lists = others.map(|lookup| Ok((lookup.kind.to_owned(), self.lookup(lookup, card_types)?.into())));
        lists.collect::<rusqlite::Result<Map<_, _>>>().map(Value::Object)
    }
}

/// Remembers what a call has named, so that the lookups list it from now on.
pub(super) fn meet(db: &Connection, kind: &str, id: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR IGNORE INTO places VALUES (?1, ?2, ?3)", params![kind, id, name(kind, id)]).map(drop)
}

/// The same for an id.
pub(super) fn meet_id(db: &Connection, kind: &str, id: Option<Uuid>) -> rusqlite::Result<()> {
    id.map_or(Ok(()), |id| meet(db, kind, &id.to_string()))
}

fn place(kind: &str, id: &str, known_as: Option<String>) -> Value {
    let name = known_as.unwrap_or_else(|| name(kind, id));
    let id = id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number));
    Value::Object(Map::from_iter([(format!("{kind}Id"), id), (format!("{kind}Name"), name.into())]))
}

/// The name of what nobody has named.
fn name(kind: &str, id: &str) -> String {
    let kind = if kind == "ACSystem" { "System" } else { kind };
    format!("{kind} {}", id.get(..8).unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_is_found_with_and_without_what_stands_before_its_name() {
        for path in ["/Card/GetAllCardTypes", "/api/card/getallcardtypes/", "/API/v1/Card/GetAllCardTypes", "/api/V2/Card/GetAllCardTypes"]
        {
            assert_eq!(find(path).map(|lookup| lookup.kind), Some("CardType"), "{path}");
        }
        assert_eq!(find("/api/v3/Card/GetAllCardTypes"), None);
    }
}
