//! A credential: the numbers a card format finds in a card's bits.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The number that stands for a site or a customer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct FacilityCode(pub u64);

/// The internal, encoded number of a card. Wider than 64 bits only where a format says so (a GUID, an 80-bit CSN).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CardNumber(pub u128);

/// Counts how often a card of this number has been issued anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct IssueCode(pub u64);

/// The number of the company that sold the card.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct OemCode(pub u64);

/// What one format reads in a card.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// The facility code, where the format has one.
    pub facility_code: Option<FacilityCode>,
    /// The card number, where the format has one.
    pub card_number: Option<CardNumber>,
    /// The issue code, where the format has one.
    pub issue_code: Option<IssueCode>,
    /// The OEM code, where the format has one.
    pub oem_code: Option<OemCode>,
    /// Everything else the format reads, by the names in its file, sorted by name.
    pub fields: Vec<(String, u128)>,
}

impl Credential {
    /// The number of that name: one of the four, or one of `fields`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u128> {
        match name {
            "facility_code" => self.facility_code.map(|code| u128::from(code.0)),
            "card_number" => self.card_number.map(|number| number.0),
            "issue_code" => self.issue_code.map(|code| u128::from(code.0)),
            "oem_code" => self.oem_code.map(|code| u128::from(code.0)),
            other => self.fields.iter().find(|(name, _)| name == other).map(|(_, value)| *value),
        }
    }

    /// Sets the number of that name. A code wider than 64 bits is a format that no loader lets through; it saturates.
    pub fn set(&mut self, name: &str, value: u128) {
        let narrow = u64::try_from(value).unwrap_or(u64::MAX);
        match name {
            "facility_code" => self.facility_code = Some(FacilityCode(narrow)),
            "card_number" => self.card_number = Some(CardNumber(value)),
            "issue_code" => self.issue_code = Some(IssueCode(narrow)),
            "oem_code" => self.oem_code = Some(OemCode(narrow)),
            other => match self.fields.binary_search_by(|(name, _)| name.as_str().cmp(other)) {
                Ok(at) => {
                    if let Some(field) = self.fields.get_mut(at) {
                        field.1 = value;
                    }
                }
                Err(at) => self.fields.insert(at, (other.to_owned(), value)),
            },
        }
    }

    /// Every number that is there, with its name: the four first, then `fields`.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, u128)> {
        ["facility_code", "card_number", "issue_code", "oem_code"]
            .into_iter()
            .filter_map(|name| self.number(name).map(|value| (name, value)))
            .chain(self.fields.iter().map(|(name, value)| (name.as_str(), *value)))
    }

    /// The numbers in words: `facility code 123, card number 45`.
    #[must_use]
    pub fn words(&self) -> String {
        let words: Vec<String> = self.numbers().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
        words.join(", ")
    }
}

/// Shows which numbers are there, not what they are.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")?;
        f.debug_list().entries(self.numbers().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for FacilityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FacilityCode(hidden)")
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(hidden)")
    }
}

impl fmt::Debug for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssueCode(hidden)")
    }
}

impl fmt::Debug for OemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OemCode(hidden)")
    }
}
