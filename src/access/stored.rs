//! The read-back: one card as the system shows it, and what of an operation is stored as it was sent.
//!
//! In: what is shown of a card. Out: its keys and numbers, and the members that differ from what was sent. Never: a difference left
//! out because the two sides write a value differently, and never a PIN kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Operation,
    members::NoMembers,
    model::Identity,
    shown::{Same, Shown},
};

/// A card as the read-back shows it. A member that is missing or has another type is `None`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoredCard {
    /// The key of the assignment.
    pub user_card_id: Option<Uuid>,
    /// The key of the card.
    pub card_id: Option<Uuid>,
    /// The system's number of the card type.
    pub card_type: Option<i64>,
    /// The access-control system.
    pub system: Option<Uuid>,
    /// The encoded number.
    pub internal_card_number: Option<u64>,
    /// The facility code; 0 where none was sent.
    pub facility_code: Option<u64>,
    /// The issue code; 0 where none was sent.
    pub issue_code: Option<u64>,
    /// The serial number of a smart card.
    #[serde(default)]
    pub card_serial_number: Option<u64>,
    /// The card-user flags.
    pub card_user_flags: Option<i64>,
    /// True for an assignment that has ended.
    pub deleted: bool,
    /// Members that were sent and are stored otherwise.
    #[serde(default)]
    pub differs: Vec<String>,
    /// Members that were sent and are not shown.
    #[serde(default)]
    pub not_shown: Vec<String>,
    /// Every member that was shown, for comparing: never written down.
    #[serde(skip)]
    pub shown: Shown,
    /// Everything that was shown, as it came, secrets blotted out: for programs that know the system.
    #[serde(skip)]
    pub raw: Value,
}

impl fmt::Debug for StoredCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCard").field("user_card_id", &self.user_card_id).field("card_id", &self.card_id).finish_non_exhaustive()
    }
}

/// Whether a card that is shown is the one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// Everything that says which card it is is there and equal.
    TheOne,
    /// One thing that says which card it is is there, can be read, and is different.
    AnotherOne,
    /// What can be read is equal, and the rest is missing, null or cannot be read.
    CannotBeTold,
}

impl StoredCard {
    /// A card of which this is shown.
    #[must_use]
    pub fn of(shown: Shown, raw: Value) -> Self {
        let unsigned = |name: &str| shown.number(name).and_then(|number| u64::try_from(number).ok());
        Self {
            user_card_id: shown.guid("user_card_id"),
            card_id: shown.guid("card_id"),
            card_type: shown.number("card_type"),
            system: shown.guid("card_ac_system_id"),
            internal_card_number: unsigned("internal_card_number"),
            facility_code: unsigned("facility_code"),
            issue_code: unsigned("issue_code"),
            card_serial_number: unsigned("card_serial_number"),
            card_user_flags: shown.number("card_user_flags"),
            deleted: shown.is_true("deleted"),
            differs: Vec::new(),
            not_shown: Vec::new(),
            shown,
            raw,
        }
    }

    /// Whether this is the card that was sent, by its key, or by what makes it that card: type, system, numbers. Its dates, flags and
    /// print can be stored otherwise, and make it no other card ([`Self::compare`]).
    #[must_use]
    pub fn is(&self, operation: &Operation) -> Sameness {
        match operation.identity() {
            _ if self.deleted => Sameness::AnotherOne,
            None => Sameness::AnotherOne,
            Some(Identity::Key(id)) => same_as(&[matches(Some(id), self.card_id)]),
            Some(Identity::Numbers(sent)) => same_as(&[
                matches(sent.system, self.system),
                matches(sent.card_type, self.card_type),
                matches(sent.internal_card_number, self.internal_card_number),
                matches(sent.facility_code, self.facility_code),
                matches(sent.issue_code, self.issue_code),
                matches(sent.card_serial_number, self.card_serial_number),
            ]),
        }
    }

    /// Compares it with what was sent, member by member, and keeps what differs.
    ///
    /// # Errors
    /// The operation has no members, and so was never sent.
    pub fn compare(mut self, operation: &Operation) -> Result<Self, NoMembers> {
        for (name, sent) in operation.leaves()? {
            match self.shown.is_as_sent(&name, &sent) {
                Same::Yes => {}
                Same::NotShown => self.not_shown.push(name),
                Same::No => self.differs.push(name),
            }
        }
        Ok(self)
    }
}

/// Compares what was sent with what is shown: true if nothing was sent, `None` if nothing readable is shown.
fn matches<T: PartialEq>(sent: Option<T>, shown: Option<T>) -> Option<bool> {
    match (sent, shown) {
        (None, _) => Some(true),
        (Some(_), None) => None,
        (Some(sent), Some(shown)) => Some(sent == shown),
    }
}

fn same_as(members: &[Option<bool>]) -> Sameness {
    if members.contains(&Some(false)) {
        Sameness::AnotherOne
    } else if members.contains(&None) {
        Sameness::CannotBeTold
    } else {
        Sameness::TheOne
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Secret, UpdateUserCard, shown::Is};

    #[test]
    fn dates_that_were_not_to_change_are_not_compared() {
        let body = serde_json::json!({"card_id": Uuid::from_u128(9), "user_id": Uuid::from_u128(7)});
        let sent: UpdateUserCard = serde_json::from_value(body).unwrap();
        let shown = Shown::of([("card_activation_start_date_time", Is::Text("1999-01-01T00:00:00Z".to_owned()))]);
        let differs = |modify: Option<bool>| {
            let sent = UpdateUserCard { modify_activation_dates: modify, ..sent.clone() };
            StoredCard::of(shown.clone(), Value::Null).compare(&Operation::UpdateUserCard(sent)).unwrap().differs
        };
        assert_eq!(differs(None), [""; 0]);
        assert_eq!(differs(Some(true)), ["card_activation_start_date_time"], "a time that is left out was to be taken away");
    }

    #[test]
    fn a_pin_that_is_shown_is_neither_written_down_nor_shown_again() {
        let card = StoredCard::of(Shown::of([("pin", Is::Hidden(Secret::new("90417")))]), Value::Null);
        let written = serde_json::to_string(&card).unwrap();
        assert!(!written.contains("90417") && card.shown.text("pin").is_none() && !format!("{card:?}").contains("90417"), "{written}");
    }

    #[test]
    fn a_card_is_another_one_where_one_number_differs_or_its_assignment_has_ended_and_else_what_is_missing_leaves_it_open() {
        let system = Uuid::from_u128(5);
        let body = serde_json::json!({
            "card_ac_system_id": system, "card_type": 3, "card_user_flags": 1, "facility_code": 123, "internal_card_number": 4567,
            "issue_code": 1, "card_serial_number": 77, "user_id": Uuid::from_u128(7), "reassign_card_if_already_assigned": false,
        });
        let sent = Operation::AddUserCard(serde_json::from_value(body).unwrap());
        let shown = || StoredCard {
            system: Some(system),
            card_type: Some(3),
            internal_card_number: Some(4567),
            facility_code: Some(123),
            issue_code: Some(1),
            card_serial_number: Some(77),
            ..StoredCard::default()
        };
        assert_eq!(shown().is(&sent), Sameness::TheOne);
        assert_eq!(StoredCard { deleted: true, ..shown() }.is(&sent), Sameness::AnotherOne);
        for (other, missing) in [
            (StoredCard { system: Some(Uuid::from_u128(6)), ..shown() }, StoredCard { system: None, ..shown() }),
            (StoredCard { card_type: Some(4), ..shown() }, StoredCard { card_type: None, ..shown() }),
            (StoredCard { internal_card_number: Some(1), ..shown() }, StoredCard { internal_card_number: None, ..shown() }),
            (StoredCard { facility_code: Some(1), ..shown() }, StoredCard { facility_code: None, ..shown() }),
            (StoredCard { issue_code: Some(2), ..shown() }, StoredCard { issue_code: None, ..shown() }),
            (StoredCard { card_serial_number: Some(1), ..shown() }, StoredCard { card_serial_number: None, ..shown() }),
        ] {
            assert_eq!((other.is(&sent), missing.is(&sent)), (Sameness::AnotherOne, Sameness::CannotBeTold));
        }
    }
}
