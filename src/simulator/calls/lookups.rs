//! The nine lookups that the contract pages name.
//!
//! In: a path. Out: the lookup; its list. The pages tell the names only. That they are asked with GET or POST below `api/`, with or
//! without a version, and answer a list of objects whose members are called after what they list (`FacilityId`, `FacilityName`) is a
//! guess: parameters are ignored, and whoever reads the answer should be as tolerant.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::context::Context;
use crate::simulator::wire::{body::Body, contract::BLUSKY_WEB_API, shown::Shown, xml::Shape};

/// One lookup.
#[derive(Debug, PartialEq, Eq)]
pub struct Lookup {
    pub path: &'static str,
    /// The name of the call.
    pub call: &'static str,
    /// What it lists.
    pub kind: &'static str,
}

pub const LOOKUPS: [Lookup; 9] = [
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
pub fn find(path: &str) -> Option<&'static Lookup> {
    let path = without(without(path.trim_matches('/'), &["api/"]), &["v1/", "v2/"]);
    LOOKUPS.iter().find(|lookup| lookup.path.eq_ignore_ascii_case(path))
}

fn without<'p>(path: &'p str, heads: &[&str]) -> &'p str {
    let head = heads.iter().find(|head| path.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)));
    head.and_then(|head| path.get(head.len()..)).unwrap_or(path)
}

/// The answer.
pub struct Listed {
    pub kind: &'static str,
    pub items: Vec<Value>,
    /// Whether the list stands in an object, as the Value of a result.
    pub is_wrapped: bool,
}

/// Lists them.
pub fn carry_out(context: &Context, lookup: &'static Lookup) -> rusqlite::Result<Body> {
    let items = context.store.listed(lookup.kind, &context.card_types)?;
    Ok(Body::model(Listed { kind: lookup.kind, items, is_wrapped: context.wrap_lookups }))
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_wrapped {
            true => json!({ "Value": self.items, "ResultCode": 0, "Description": "Success" }).serialize(serializer),
            false => self.items.serialize(serializer),
        }
    }
}

impl Shown for Listed {
    fn shape(&self) -> Shape {
        let list = if self.is_wrapped { "ResultWithArrayOf" } else { "ArrayOf" };
        Shape {
            root: format!("{list}{}ViewModel", self.kind).into(),
            namespace: BLUSKY_WEB_API,
            item: format!("{}ViewModel", self.kind).into(),
            tail: &["Value"],
        }
    }
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
