//! An operation's members by their names, whatever operation it is.
//!
//! In: an operation. Out: the members that it says something in, each with its value. Never: how a system spells them, or a member
//! that is absent: to a system an all-zero GUID is a value, and null an error.

use serde_json::{Map, Value};

use super::Operation;

/// Members by their names.
pub type Members = Map<String, Value>;

/// It has no members.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the call cannot be written: {0}")]
pub struct NoMembers(pub String);

impl Operation {
    /// What kind of operation it is, and its members.
    ///
    /// # Errors
    /// The operation has no members. No operation is like that.
    pub fn parts(&self) -> Result<(String, Members), NoMembers> {
        let failed = |why: String| NoMembers(why);
        let mut whole = serde_json::to_value(self).map_err(|error| failed(error.to_string()))?;
        let (kind, body) = (whole.get_mut("kind").map(Value::take), whole.get_mut("body").map(Value::take));
        match (kind, body) {
            (Some(Value::String(kind)), Some(Value::Object(mut members))) => {
                members.retain(|_, value| !value.is_null());
                Ok((kind, members))
            }
            _ => Err(failed("it has no members".to_owned())),
        }
    }

    /// Its members.
    ///
    /// # Errors
    /// The operation has no members. No operation is like that.
    pub fn members(&self) -> Result<Members, NoMembers> {
        self.parts().map(|(_, members)| members)
    }
}
