//! Which conditional members of AddUserCard a card type requires.
//!
//! In: the words of the command line. Out: a [`CardType`], or what to write instead; and which members a card lacks. The contract says
//! that CardSerialNumber, FacilityCode and IssueCode are required "if CardType supports it", and not which type supports what: that is
//! for whoever starts the simulator.

use std::str::FromStr;

use super::{card::Description, result_code::names};

/// A card type, written `3` (requires none of the three) or `3=FacilityCode,IssueCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardType {
    /// BluSKY's number of it.
    pub number: i64,
    serial: bool,
    facility: bool,
    issue: bool,
}

impl CardType {
    /// The members this type requires and the card has not, by name.
    pub fn missing(&self, card: &Description) -> String {
        names([
            ("CardSerialNumber", self.serial && card.serial.is_none()),
            ("FacilityCode", self.facility && card.facility.is_none()),
            ("IssueCode", self.issue && card.issue.is_none()),
        ])
    }
}

impl FromStr for CardType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = || format!("'{text}' is not a card type: write its number, and what it requires, as in 3=FacilityCode,IssueCode");
        let (number, requires) = text.split_once('=').unwrap_or((text, ""));
        let number = number.trim().parse().ok().filter(|number| *number > 0).ok_or_else(help)?;
        let mut found = CardType { number, serial: false, facility: false, issue: false };
        for member in requires.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            match member.to_ascii_lowercase().as_str() {
                "cardserialnumber" => found.serial = true,
                "facilitycode" => found.facility = true,
                "issuecode" => found.issue = true,
                _ => return Err(format!("'{member}' is not a conditional member: write CardSerialNumber, FacilityCode or IssueCode")),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_type_is_a_number_and_what_it_requires() {
        let wanted = CardType { number: 3, serial: false, facility: true, issue: true };
        assert_eq!("3=IssueCode, facilitycode".parse(), Ok(wanted));
        assert_eq!("7".parse(), Ok(CardType { number: 7, serial: false, facility: false, issue: false }));
        for text in ["", "0", "x=FacilityCode", "3=PIN"] {
            assert!(text.parse::<CardType>().is_err(), "{text}");
        }
    }
}
