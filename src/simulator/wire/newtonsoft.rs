//! Reads a JSON body as Newtonsoft's Json.NET does.
//!
//! In: the body and its contract. Out: the members it yields, and what was lost on the way. Unknown members are passed over in silence,
//! names are taken whatever their case where no member is written exactly so, and of a member that stands there twice the last counts.
//! It never looks at what a member means.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{
    contract::Contract,
    found::{FoundMembers, Given, Lost},
};

/// What the body holds of the contract.
pub fn read(body: &[u8], contract: &Contract) -> Result<FoundMembers, String> {
    let Pairs(pairs) = serde_json::from_slice(body).map_err(|error| format!("This is not a JSON object: {error}."))?;
    let names = contract.members();
    let mut found = FoundMembers::default();
    for (name, value) in pairs {
        let exact = names.iter().find(|member| **member == name);
        let Some(member) = exact.or_else(|| names.iter().find(|member| member.eq_ignore_ascii_case(&name))) else {
            found.lost.push(Lost { member: name, because: format!("{} has no such member", contract.name) });
            continue;
        };
        if let Some(earlier) = found.members.iter().position(|(known, _)| known == member) {
            found.members.remove(earlier);
            found.lost.push(Lost { member: name, because: "it stands there twice, and the last one counts".into() });
        }
        let given = if value.is_null() { Given::Null } else { Given::Json(value) };
        found.members.push((member, given));
    }
    Ok(found)
}

/// A JSON object in the order it was written, with repeated members kept.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
