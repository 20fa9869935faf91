//! How calls are written and answers read: JSON or XML, from one model.
//!
//! In: an operation's members and the contract of its call. Out: the bytes of a request; or, of an answer, a [`Document`]. Never: a
//! member that is absent, and never a guess at an enumeration's name.
//!
//! JSON and XML hold the same members under the same [`names`]. DataContractSerializer reads forward only: an element that comes too
//! early is lost in silence. So the members stand as a data contract has them: those of the base class, then those of the derived
//! class, each sorted by the code points of their names.

mod document;
pub mod names;
mod xml;

pub use document::{DEAREST, Document};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::access::members::{Members, NoMembers};

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

/// A data contract: the root element and the namespace of its XML, and which members are not the base class's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// The root element.
    pub name: &'static str,
    /// What follows `http://schemas.datacontract.org/2004/07/`.
    pub namespace: &'static str,
    /// The members of the derived class, which come last.
    pub derived: &'static [&'static str],
}

/// The members of a call, as BluSKY names and orders them.
struct Ordered(Vec<(String, Value)>);

impl Ordered {
    fn of(contract: Contract, members: Members) -> Self {
        let mut members: Vec<_> = members.into_iter().map(|(name, value)| (names::spelled(&name), value)).collect();
        members.sort_by_cached_key(|(name, _)| (contract.derived.contains(&name.as_str()), name.clone()));
        Self(members)
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
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
    /// There is nothing to write.
    #[error("{0}")]
    Nothing(#[from] NoMembers),
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

    /// The body of a call with these members.
    ///
    /// # Errors
    /// XML has no way to say it.
    pub fn write(self, contract: Contract, members: Members) -> Result<Vec<u8>, WireError> {
        let members = Ordered::of(contract, members);
        match self {
            Self::Json => serde_json::to_vec(&members).map_err(|error| NoMembers(error.to_string()).into()),
            Self::Xml => xml::write(contract, &members.0),
        }
    }
}
