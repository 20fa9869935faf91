//! How calls are written and answers read: JSON or XML, from one model.
//!
//! In: a model, whose members stand in the order of its data contract. Out: the bytes of a request; or, of an answer, a
//! [`Document`]. Never: a member that is absent, and never a guess at an enumeration's name.
//!
//! A call is written as JSON by serde; XML holds the same members, in the same order, as elements. DataContractSerializer reads
//! forward only: an element that comes too early is lost in silence, so the order of a model's members is part of its meaning.

mod document;
mod xml;

pub use document::{DEAREST, Document, any_case};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// What requests are written in and answers are asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// JSON.
    #[default]
    Json,
    /// XML, as DataContractSerializer has it.
    Xml,
}

/// Which of its two names a media type goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Media {
    /// `application/json`, `application/xml`.
    #[default]
    Application,
    /// `text/json`, `text/xml`.
    Text,
}

/// A data contract: the root element and the namespace of its XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// The root element.
    pub name: &'static str,
    /// What follows `http://schemas.datacontract.org/2004/07/`.
    pub namespace: &'static str,
}

/// Why a model cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// XML takes an enumeration by name, and the name is not known.
    #[error("{member} = {value} has no name that is known, and XML takes names only; set blusky.wire = \"json\"")]
    NoName {
        /// The member.
        member: String,
        /// Its value.
        value: String,
    },
    /// A text has a character that XML has none for.
    #[error("{0} has a control character that XML cannot carry; leave it out, or set blusky.wire = \"json\"")]
    Control(String),
    /// It is no model.
    #[error("the call cannot be written: {0}")]
    Model(String),
}

/// The value of an enumeration's name, where it is known.
pub(super) fn named_value(member: &str, name: &str) -> Option<i64> {
    xml::named_value(member, name)
}

/// The members of a model, in order, as they are written.
pub(super) struct Members(pub(super) Vec<(String, Value)>);

impl Members {
    /// The members of a model.
    pub(super) fn of(model: &impl Serialize) -> Result<Self, WireError> {
        let failed = |error: serde_json::Error| WireError::Model(error.to_string());
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

impl Wire {
    /// The media type of a request's body.
    #[must_use]
    pub const fn content_type(self, media: Media) -> &'static str {
        match (self, media) {
            (Self::Json, Media::Application) => "application/json; charset=utf-8",
            (Self::Json, Media::Text) => "text/json; charset=utf-8",
            (Self::Xml, Media::Application) => "application/xml; charset=utf-8",
            (Self::Xml, Media::Text) => "text/xml; charset=utf-8",
        }
    }

    /// The media types that answers are asked for in.
    #[must_use]
    pub const fn accept(self, media: Media) -> &'static str {
        match (self, media) {
            (Self::Json, Media::Application) => "application/json, text/json;q=0.9",
            (Self::Json, Media::Text) => "text/json, application/json;q=0.9",
            (Self::Xml, Media::Application) => "application/xml, text/xml;q=0.9",
            (Self::Xml, Media::Text) => "text/xml, application/xml;q=0.9",
        }
    }

    /// The body of a call.
    ///
    /// # Errors
    /// XML has no way to say it.
    pub fn write(self, contract: Contract, model: &impl Serialize) -> Result<Vec<u8>, WireError> {
        match self {
            Self::Json => serde_json::to_vec(model).map_err(|error| WireError::Model(error.to_string())),
            Self::Xml => xml::write(contract, &Members::of(model)?),
        }
    }
}
