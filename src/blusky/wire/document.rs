//! An answer's body, read whatever its wire: JSON or XML, told apart by its first character.
//!
//! In: bytes. Out: members by name. Never: a number made of a text that JSON has in quotes (in XML everything is text), or a tree
//! that takes a hundred times the memory of its text: a few bytes make an object.

use serde_json::Value;
use uuid::Uuid;

use super::{names::any_case, xml};

/// An answer's body.
pub struct Document {
    value: Value,
    root: Option<String>,
}

/// What a tree may cost, in bytes of memory.
pub const DEAREST: usize = 128 << 20;

/// What a tree will cost at most, estimated from its text: an object is a node of a B-tree, an element has a name and a value.
fn cost(text: &str) -> usize {
    let per_byte = |byte: &u8| match byte {
        b'{' => 700,
        b'<' => 150,
        b',' | b'[' => 80,
        _ => 1,
    };
    text.as_bytes().iter().map(per_byte).sum()
}

impl Document {
    /// Reads a body; none where it is neither JSON nor XML, or too deep or too full to be an answer.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim();
        if Self::is_too_dear(body) {
            return None;
        }
        if text.starts_with('<') {
            let (root, value) = xml::read(text)?;
            return Some(Self { value, root: Some(root) });
        }
        serde_json::from_str(text).ok().map(|value| Self { value, root: None })
    }

    /// True where a body is too full to be read within [`DEAREST`].
    #[must_use]
    pub fn is_too_dear(body: &[u8]) -> bool {
        std::str::from_utf8(body).is_ok_and(|text| cost(text) > DEAREST)
    }

    /// True where this is JSON, or XML whose root element is a result: `Result`, `ResultWithGuid`, `ReplaceCardResult`; not `SearchResults`
    /// or `ResultPage`.
    #[must_use]
    pub fn is_result(&self) -> bool {
        self.root.as_ref().is_none_or(|name| name.ends_with("Result") || name.starts_with("ResultWith"))
    }

    /// The whole of it.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// A member, in whatever case a serializer was told to write its name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        any_case(&self.value, name)
    }

    /// A member that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str()
    }

    /// A member that is an integer.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        let value = self.member(name)?;
        if self.root.is_some() { value.as_str()?.trim().parse().ok() } else { value.as_i64() }
    }

    /// A member that is true or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        let value = self.member(name)?;
        match value.as_str().filter(|_| self.root.is_some()) {
            Some(text) => matches!(text.trim(), "true" | "1").then_some(true).or((text.trim() == "false").then_some(false)),
            None => value.as_bool(),
        }
    }

    /// A member that is a GUID other than the all-zero one.
    #[must_use]
    pub fn guid(&self, name: &str) -> Option<Uuid> {
        self.text(name)?.trim().parse::<Uuid>().ok().filter(|id| !id.is_nil())
    }

    /// True where the whole of it is a list by its name: XML's `ArrayOf…`.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.root.as_ref().is_some_and(|name| name.starts_with("ArrayOf"))
    }

    /// True where it came as XML, in which a list of one item looks like an object.
    #[must_use]
    pub const fn is_xml(&self) -> bool {
        self.root.is_some()
    }

    /// The items of a list: an array, or in XML the elements of an element.
    #[must_use]
    pub fn items<'v>(&self, list: &'v Value) -> Option<Vec<&'v Value>> {
        match list {
            Value::Array(items) => Some(items.iter().collect()),
            Value::Object(members) if self.root.is_some() => {
                let mut items = Vec::new();
                for member in members.values() {
                    match member {
                        Value::Array(several) => items.extend(several),
                        one => items.push(one),
                    }
                }
                Some(items)
            }
            Value::String(text) if self.root.is_some() && text.trim().is_empty() => Some(Vec::new()),
            _ => None,
        }
    }
}
