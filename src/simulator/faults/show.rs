//! Strange ways to write the cards of the read-back, as servers of other versions might.
//!
//! In: the words of the command line; the JSON of a read-back. Out: a [`Show`]; the same JSON, written that way. A member's value is
//! never another one: it is written otherwise, or not at all.

use std::{fmt, str::FromStr};

use serde_json::{Map, Number, Value};

/// A member of the shown cards, and how it is written. `Cards` is the list itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Show {
    member: &'static str,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Null,
    Missing,
    Float,
    Text,
    /// Its name, in lower case.
    Lowercase,
}

const STYLES: [(&str, Style); 5] =
    [("null", Style::Null), ("missing", Style::Missing), ("float", Style::Float), ("text", Style::Text), ("lowercase", Style::Lowercase)];

const LIST: &str = "Cards";

const MEMBERS: [&str; 23] = [
    "PersonCardId",
    "CardName",
    "CardId",
    "CardType",
    "CardACSystemId",
    "CardACSystemName",
    "InternalCardNumber",
    "ExternalCardNumber",
    "CardSerialNumber",
    "FacilityCode",
    "IssueCode",
    "PIN",
    "Deleted",
    "HidInvitationCode",
    "InvitationRedeemedDateTime",
    "DateInserted",
    "DateUpdated",
    "CardActivationStartDateTime",
    "CardDeactivationStartDateTime",
    "CardUserFlags",
    "CredentialType",
    "NumberOfCardUses",
    "PublicNotes",
];

impl Show {
    /// Writes a read-back that way. What is no read-back stays as it is.
    pub fn written(self, json: &[u8]) -> Option<Vec<u8>> {
        let mut answer: Map<String, Value> = serde_json::from_slice(json).ok()?;
        let cards = answer.get_mut(LIST)?;
        if self.member == LIST {
            *cards = Value::Null;
        } else {
            cards.as_array_mut()?.iter_mut().filter_map(Value::as_object_mut).for_each(|card| self.write(card));
        }
        serde_json::to_vec(&answer).ok()
    }

    fn write(self, card: &mut Map<String, Value>) {
        let Some(value) = card.remove(self.member) else { return };
        let (name, value) = match self.style {
            Style::Missing => return,
            Style::Null => (self.member.to_owned(), Value::Null),
            Style::Float => (self.member.to_owned(), float(value)),
            Style::Text => (self.member.to_owned(), text(value)),
            Style::Lowercase => (self.member.to_ascii_lowercase(), value),
        };
        card.insert(name, value);
    }
}

fn float(value: Value) -> Value {
    match value.as_f64().and_then(Number::from_f64) {
        Some(number) => Value::Number(number),
        None => value,
    }
}

fn text(value: Value) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        other => other,
    }
}

impl FromStr for Show {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let (member, style) = words.split_once(':').ok_or("write a member and how it is shown, as in show=FacilityCode:text")?;
        if member.eq_ignore_ascii_case(LIST) {
            return match style {
                "null" => Ok(Show { member: LIST, style: Style::Null }),
                _ => Err("the list itself can be null only: show=Cards:null".to_owned()),
            };
        }
        let known = MEMBERS.into_iter().find(|known| known.eq_ignore_ascii_case(member));
        let style = STYLES.into_iter().find(|(name, _)| *name == style).map(|(_, style)| style);
        match known.zip(style) {
            Some((member, style)) => Ok(Show { member, style }),
            None => {
                Err(format!("write show=MEMBER: and one of null, missing, float, text, lowercase; MEMBER is one of {}", MEMBERS.join(", ")))
            }
        }
    }
}

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = STYLES.iter().find(|(_, style)| *style == self.style).map_or("", |(name, _)| name);
        write!(f, "{}:{style}", self.member)
    }
}
