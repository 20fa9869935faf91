//! The members of a request body, each with the type it must have.
//!
//! In: what a serializer found. Out: values, and what is wrong with the others. Where BluSKY may silently take another value (an integer
//! that is too wide, a number written as a string, a date without offset) this refuses. It never looks at what a value means, and
//! never tells a value back: it may be a secret.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::found::Given;

/// The members of a body that have not been asked for yet, and what was wrong with those that have.
pub struct Members {
    left: Vec<(&'static str, Given)>,
    wrong: Vec<(&'static str, String)>,
    largest: i64,
}

/// What `null` means to a member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// The same as leaving it out.
    Absent,
    /// An error: the type has no null.
    Wrong,
}

/// The one CardUserFlags whose name is known. XML has names only, JSON numbers only.
pub const ACTIVE_CARDHOLDER: (&str, i64) = ("ActiveCardholderRecord", 1);

impl Members {
    /// No integer may be beyond `largest`, nor as far below zero.
    pub fn new(found: Vec<(&'static str, Given)>, largest: i64) -> Members {
        Members { left: found, wrong: Vec::new(), largest }
    }

    /// What was wrong with those that were asked for, in that order.
    pub fn wrong(self) -> Vec<(&'static str, String)> {
        self.wrong
    }

    /// A GUID in its hyphenated form.
    pub fn guid(&mut self, name: &'static str, null: Null) -> Option<Uuid> {
        let given = self.take(name, null)?;
        let found = text(&given).and_then(|text| guid(text.trim()));
        self.must(name, &given, found, "a GUID such as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1")
    }

    /// An integer, within the width.
    pub fn integer(&mut self, name: &'static str, null: Null) -> Option<i64> {
        let given = self.take(name, null)?;
        let lowest = -self.largest - 1;
        let found = match &given {
            Given::Json(value) => value.as_i64(),
            Given::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let found = found.filter(|number| (lowest..=self.largest).contains(number));
        let width = if self.largest == i64::MAX { "Int64" } else { "Int32" };
        let what = format!("an {width}: an integer from {lowest} to {}", self.largest);
        self.must(name, &given, found, &what)
    }

    /// A string.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let given = self.take(name, Null::Absent)?;
        self.must(name, &given, text(&given).map(str::to_owned), "a string")
    }

    /// `true` or `false`; in XML also `1` or `0`.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let given = self.take(name, Null::Wrong)?;
        let found = match &given {
            Given::Json(value) => value.as_bool(),
            Given::Text(text) => match text.trim() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        self.must(name, &given, found, "true or false")
    }

    /// A date and time with its offset.
    pub fn time(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let given = self.take(name, Null::Absent)?;
        let found = text(&given).map(str::trim).filter(|text| text.as_bytes().get(10) == Some(&b'T'));
        let found = found.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc());
        self.must(name, &given, found, "a date and time with Z or an offset, such as 2026-01-31T08:00:00Z")
    }

    /// A bit field: a number in JSON, names in XML.
    pub fn flags(&mut self, name: &'static str) -> Option<i64> {
        let at = self.left.iter().position(|(known, given)| *known == name && matches!(given, Given::Text(_)));
        let Some((_, Given::Text(names))) = at.map(|at| self.left.remove(at)) else { return self.integer(name, Null::Wrong) };
        let bits = names.split_ascii_whitespace().map(|flag| (flag == ACTIVE_CARDHOLDER.0).then_some(ACTIVE_CARDHOLDER.1));
        let found = bits.sum::<Option<i64>>().map(|sum| sum.min(ACTIVE_CARDHOLDER.1));
        self.must(name, &Given::Text(names), found, &format!("{}; XML takes names, and no other is known", ACTIVE_CARDHOLDER.0))
    }

    fn take(&mut self, name: &'static str, null: Null) -> Option<Given> {
        let at = self.left.iter().position(|(known, _)| *known == name)?;
        match self.left.remove(at).1 {
            Given::Null if null == Null::Absent => None,
            Given::Null => {
                self.wrong.push((name, "The member has no null: leave it out, or give it a value.".into()));
                None
            }
            given => Some(given),
        }
    }

    /// Says what a value must be, and not what it is: it may be a secret.
    fn must<T>(&mut self, name: &'static str, given: &Given, found: Option<T>, what: &str) -> Option<T> {
        if found.is_none() {
            let hint = match given {
                Given::Text(text) if text.trim().is_empty() => "; leave an empty element out",
                _ => "",
            };
            self.wrong.push((name, format!("The value must be {what}{hint}.")));
        }
        found
    }
}

/// A GUID in its hyphenated form, and in no other.
pub fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn text(given: &Given) -> Option<&str> {
    match given {
        Given::Json(value) => value.as_str(),
        Given::Text(text) => Some(text),
        _ => None,
    }
}
