//! The directory: who is known to a system, as far as somebody can be told by it from others.
//!
//! In: whose people are wanted. Out: people, each with the named members alone. Never: a PIN, or anything else of their records.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::PeopleLines;

/// Whose people are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Belongs {
    /// To an occupancy.
    Occupancy(Uuid),
    /// To a facility.
    Facility(Uuid),
    /// To a vendor.
    Vendor(Uuid),
    /// To anything: everybody at the address that the site has configured.
    Anywhere,
}

impl fmt::Display for Belongs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupancy(id) => write!(f, "occupancy {id}"),
            Self::Facility(id) => write!(f, "facility {id}"),
            Self::Vendor(id) => write!(f, "vendor {id}"),
            Self::Anywhere => f.write_str("the site's own path"),
        }
    }
}

/// A person whom a system or a list knows. A text that it does not give is empty.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// BluSKY's key of the user.
    pub user_id: Uuid,
    /// The given name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub first_name: String,
    /// The family name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_name: String,
    /// The nickname.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// The employee number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub employee_number: String,
    /// The e-mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The company, which tells namesakes apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub company: String,
    /// The facility, which does too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub facility: String,
    /// How many access levels and groups of them the record shows; none where it does not show any list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_levels: Option<usize>,
    /// The cards that stood in the record, where it has any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<HeldCard>,
}

/// A card of somebody's record: what names it, and nothing else.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldCard {
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_id: Option<Uuid>,
    /// The card type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_type: Option<i64>,
    /// The encoded number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_card_number: Option<i64>,
    /// The facility code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility_code: Option<i64>,
    /// The printed number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_card_number: String,
}

impl Person {
    /// The name as people say it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).nfc().collect::<String>().trim().to_owned()
    }

    /// What tells this person from a namesake, as far as it is known: the employee number, the company, the facility.
    #[must_use]
    pub fn told_apart_by(&self) -> String {
        let known = [&self.employee_number, &self.company, &self.facility];
        known.into_iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }
}

/// Shows which user, and nothing about the person.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Shows which card, and no number of it.
impl fmt::Debug for HeldCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldCard").field("card_id", &self.card_id).finish_non_exhaustive()
    }
}

/// A list of people, and where it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The people.
    pub people: PeopleLines,
    /// Their keys, in the same order.
    pub ids: Vec<Uuid>,
    /// How many records beside them name no user.
    pub unnamed: usize,
    /// The path that answered.
    pub path: String,
}

/// Why there is no list of people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// This system has no such call.
    #[error("{0}")]
    Missing(String),
    /// It refused, or answered what is no list.
    #[error("{0}")]
    Unreadable(String),
    /// It cannot be reached.
    #[error("{0}")]
    Away(String),
    /// Not now.
    #[error("{0}")]
    Later(String),
    /// Nothing will go through until somebody acts.
    #[error("{0}")]
    Stopped(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_are_told_apart_by_what_is_known_of_them_and_by_nothing_else() {
        let ada = Person { employee_number: "1815".to_owned(), facility: "North".to_owned(), ..Person::default() };
        assert_eq!(ada.told_apart_by(), "1815, North");
        assert_eq!(Person::default().told_apart_by(), "");
    }

    #[test]
    fn where_somebody_belongs_and_what_they_are_called_is_said_in_words() {
        let id = Uuid::from_u128(9);
        let said = [Belongs::Occupancy(id), Belongs::Facility(id), Belongs::Vendor(id), Belongs::Anywhere].map(|to| to.to_string());
        assert_eq!(said, [format!("occupancy {id}"), format!("facility {id}"), format!("vendor {id}"), "the site's own path".to_owned()]);
        let ada = Person { first_name: "Ada".to_owned(), ..Person::default() };
        assert_eq!((ada.name(), Person { last_name: "King".to_owned(), ..ada }.name()), ("Ada".to_owned(), "Ada King".to_owned()));
    }
}
