//! Reads the members of a request body, strictly.
//!
//! In: the bytes of a body, or a query, and names with the type each member must have. Out: values, or one message for each member that
//! is wrong, all of them at once, in ASP.NET's ModelState. Where the real BluSKY may silently take a default (an unknown member, an
//! integer that is too wide, a date without offset) this one refuses. It never looks at what a value means.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use uuid::Uuid;

use super::answer::ModelState;

/// The members of a body that have not been asked for yet, and what was wrong with those that have.
pub(super) struct Members {
    left: Vec<(String, Value)>,
    wrong: ModelState,
    names: Vec<&'static str>,
    largest: i64,
}

/// What `null` means to a member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Null {
    /// The same as leaving it out.
    Absent,
    /// An error: the type has no null.
    Wrong,
}

impl Members {
    /// Takes a JSON object apart. No integer may be beyond `largest`, nor as far below zero.
    pub(super) fn from_json(body: &[u8], largest: i64) -> Result<Members, ModelState> {
        let whole = |problem: String| ModelState::from([("model".to_owned(), vec![problem])]);
        if body.trim_ascii().is_empty() {
            return Err(whole("A JSON object is required, and the body is empty.".into()));
        }
        let Pairs(left) = serde_json::from_slice(body).map_err(|error| whole(format!("This is not a JSON object: {error}.")))?;
        Ok(Members { left, wrong: ModelState::new(), names: Vec::new(), largest })
    }

    /// A GUID in its hyphenated form.
    pub(super) fn guid(&mut self, name: &'static str, null: Null) -> Option<Uuid> {
        let value = self.take(name, null)?;
        let found = value.as_str().and_then(guid);
        self.must(name, found, "a GUID such as \"0f83442e-a446-4577-8cdd-8ffdd51ab9c1\"")
    }

    /// An integer, within the width.
    pub(super) fn integer(&mut self, name: &'static str, null: Null) -> Option<i64> {
        let value = self.take(name, null)?;
        let lowest = -self.largest - 1;
        let found = value.as_i64().filter(|number| (lowest..=self.largest).contains(number));
        let range = format!("an integer from {lowest} to {}", self.largest);
        self.must(name, found, &range)
    }

    /// A string.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name, Null::Absent)? {
            Value::String(text) => Some(text),
            _ => self.must(name, None, "a string"),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.take(name, Null::Wrong)?;
        self.must(name, value.as_bool(), "true or false")
    }

    /// A date and time with its offset.
    pub(super) fn time(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let value = self.take(name, Null::Absent)?;
        let found = value.as_str().filter(|text| text.as_bytes().get(10) == Some(&b'T'));
        let found = found.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc());
        self.must(name, found, "a date and time with Z or an offset, such as \"2026-01-31T08:00:00Z\"")
    }

    /// Everything has been asked for: what is left is unknown.
    pub(super) fn finish(mut self, model: &str) -> Result<(), ModelState> {
        for (name, _) in std::mem::take(&mut self.left) {
            let near = self.names.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let problem = match near {
                Some(known) if *known == name => "The member stands in the body more than once.".to_owned(),
                Some(known) => format!("{model} has no such member; write {known}."),
                None => format!("{model} has no such member."),
            };
            self.object(&name, problem);
        }
        match self.wrong.is_empty() {
            true => Ok(()),
            false => Err(self.wrong),
        }
    }

    fn take(&mut self, name: &'static str, null: Null) -> Option<Value> {
        self.names.push(name);
        let at = self.left.iter().position(|(known, _)| known == name)?;
        match self.left.remove(at).1 {
            Value::Null if null == Null::Absent => None,
            Value::Null => {
                self.object(name, "The member has no null: leave it out, or give it a value.".into());
                None
            }
            value => Some(value),
        }
    }

    fn must<T>(&mut self, name: &str, found: Option<T>, what: &str) -> Option<T> {
        if found.is_none() {
            self.object(name, format!("The value must be {what}."));
        }
        found
    }

    fn object(&mut self, name: &str, problem: String) {
        self.wrong.entry(format!("model.{name}")).or_default().push(problem);
    }
}

/// A GUID in its hyphenated form, and in no other.
pub(super) fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
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
