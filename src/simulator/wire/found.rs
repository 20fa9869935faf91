//! What a serializer finds in a request body, and what it loses.

use serde::Serialize;
use serde_json::Value;

/// What a serializer found in a body.
#[derive(Default)]
pub struct FoundMembers {
    pub members: Vec<(&'static str, Given)>,
    pub lost: Vec<Lost>,
}

/// The value of a member, as it came.
pub enum Given {
    Json(Value),
    /// The text of an XML element.
    Text(String),
    Null,
    /// XML elements, where no member has any.
    Elements,
}

/// Something that was sent and not read, and why.
#[derive(Clone, Serialize)]
pub struct Lost {
    pub member: String,
    pub because: String,
}
