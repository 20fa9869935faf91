//! The members of a call by their names: as they are sent, in order, and found in what is shown.
//!
//! In: a model, or an answer's members. Out: names and values. Never: a guess at an enumeration's name.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// It is no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the call cannot be written: {0}")]
pub struct NoModel(pub String);

/// The members of a model, in order, as they are written.
pub struct Members(pub Vec<(String, Value)>);

impl Members {
    /// The members of a model.
    ///
    /// # Errors
    /// It is no model.
    pub fn of(model: &impl Serialize) -> Result<Self, NoModel> {
        let failed = |error: serde_json::Error| NoModel(error.to_string());
        serde_json::from_slice(&serde_json::to_vec(model).map_err(failed)?).map_err(failed)
    }
}

/// A JSON object with its members in the order they stand in, which `serde_json::Value` does not keep.
impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A member by its name, in whatever case a serializer was told to write it.
#[must_use]
pub fn any_case<'v>(members: &'v Value, name: &str) -> Option<&'v Value> {
    let in_another_case = || members.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    members.get(name).or_else(in_another_case)
}

/// Enumerations: an integer in JSON is a name in XML. Source: the page of AddUserCard shows both forms of this one value.
pub const ENUMERATIONS: [(&str, i64, &str); 1] = [("CardUserFlags", 1, "ActiveCardholderRecord")];

/// The value of an enumeration's name.
#[must_use]
pub fn named_value(member: &str, name: &str) -> Option<i64> {
    ENUMERATIONS.iter().find(|(known, _, text)| *known == member && *text == name).map(|(_, value, _)| *value)
}
