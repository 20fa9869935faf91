//! The read-back: `GET api/v1|v2/Users/UserCards`, one card as BluSKY shows it, and what of a call is stored as it was sent.
//!
//! In: a card's members, from JSON or XML. Out: its keys and numbers, and the members that differ from what was sent. Never: a
//! difference left out because the two sides write a value differently, and never a PIN kept.

use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::AddUserCard;
use crate::blusky::{
    call::Operation,
    moment::Moment,
    secret::blotted,
    wire::{Members, WireError, any_case, named_value},
};

/// A card as the read-back shows it. Members that are missing or of another type are none.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoredCard {
    /// The key of the assignment.
    pub user_card_id: Option<Uuid>,
    /// The key of the card.
    pub card_id: Option<Uuid>,
    /// BluSKY's number of the card type.
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
    /// Everything that was shown, the PIN included: never written down.
    #[serde(skip)]
    pub(crate) members: Value,
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
    /// Reads one of the read-back's `Cards`, tolerantly.
    #[must_use]
    pub fn read(card: &Value) -> Self {
        let guid = |name: &str| any_case(card, name)?.as_str()?.trim().parse::<Uuid>().ok().filter(|id| !id.is_nil());
        let number = |name: &str| number(name, any_case(card, name)?);
        let unsigned = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
        Self {
            user_card_id: guid("PersonCardId"),
            card_id: guid("CardId"),
            card_type: number("CardType"),
            system: guid("CardACSystemId"),
            internal_card_number: unsigned("InternalCardNumber"),
            facility_code: unsigned("FacilityCode"),
            issue_code: unsigned("IssueCode"),
            card_serial_number: unsigned("CardSerialNumber"),
            card_user_flags: number("CardUserFlags"),
            deleted: any_case(card, "Deleted").is_some_and(is_true),
            differs: Vec::new(),
            not_shown: Vec::new(),
            members: card.clone(),
        }
    }

    /// A member as it was shown; a PIN never is.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        any_case(&self.members, name).filter(|value| name != PIN && !value.is_null())
    }

    /// Everything that was shown, secrets blotted out.
    #[must_use]
    pub fn shown(&self) -> Value {
        blotted(&self.members)
    }

    /// Whether this is the card that was sent, by its key, or by what makes it that card: type, system, numbers. Its dates, flags and
    /// print can be stored otherwise, and make it no other card ([`Self::compare`]).
    #[must_use]
    pub fn is(&self, operation: &Operation) -> Sameness {
        match operation {
            _ if self.deleted => Sameness::AnotherOne,
            Operation::AddUserCard(AddUserCard { card_id: Some(id), .. }) => same_as(&[matches(Some(*id), self.card_id)]),
            Operation::AddUserCard(sent) => same_as(&[
                matches(sent.card_ac_system_id, self.system),
                matches(sent.card_type, self.card_type),
                matches(sent.internal_card_number, self.internal_card_number),
                matches(sent.facility_code, self.facility_code),
                matches(sent.issue_code, self.issue_code),
                matches(sent.card_serial_number, self.card_serial_number),
            ]),
            Operation::UpdateUserCard(sent) => same_as(&[matches(Some(sent.card_id), self.card_id)]),
            Operation::AddUser(_) => Sameness::AnotherOne,
        }
    }

    /// Compares it with what was sent, member by member, and keeps what differs.
    ///
    /// # Errors
    /// The call cannot be written, and so was never sent.
    pub fn compare(mut self, operation: &Operation) -> Result<Self, WireError> {
        for (name, sent) in stored_members(operation)? {
            let shown_as = if name == "CredentialTypeId" { "CredentialType" } else { &name };
            let verdict = any_case(&self.members, shown_as).map_or(Some(Same::NotShown), |stored| same(&name, &sent, stored));
            match verdict {
                Some(Same::Yes) => {}
                Some(Same::NotShown) => self.not_shown.push(snake(&name)),
                None => self.differs.push(snake(&name)),
            }
        }
        Ok(self)
    }
}

/// What was sent beside what is shown: nothing to compare where nothing was sent; none where nothing readable is shown.
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

/// True, however a serializer writes it.
fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
        || value.as_i64() == Some(1)
        || value.as_str().is_some_and(|text| matches!(text.trim(), "true" | "True" | "TRUE" | "1"))
}

const PIN: &str = "PIN";

/// Members that say what BluSKY is to do, and are stored nowhere.
const ORDERS: [&str; 4] = ["UserId", "EnforceOccupancySystem", "ReassignCardIfAlreadyAssigned", "ModifyActivationDates"];
const DATES: [&str; 2] = ["CardActivationStartDateTime", "CardDeactivationStartDateTime"];

/// What is to be found stored: null for what is cleared.
fn stored_members(operation: &Operation) -> Result<Vec<(String, Value)>, WireError> {
    let mut members = match operation {
        Operation::AddUserCard(card) => Members::of(card)?.0,
        Operation::UpdateUserCard(card) => Members::of(card)?.0,
        Operation::AddUser(_) => Vec::new(),
    };
    if let Operation::UpdateUserCard(card) = operation {
        members.retain(|(name, _)| card.modify_activation_dates == Some(true) || !DATES.contains(&name.as_str()));
        if card.modify_activation_dates == Some(true) {
            for name in DATES {
                if members.iter().all(|(member, _)| member != name) {
                    members.push((name.to_owned(), Value::Null));
                }
            }
        }
    }
    members.retain(|(name, _)| !ORDERS.contains(&name.as_str()));
    Ok(members)
}

enum Same {
    Yes,
    NotShown,
}

/// Whether a stored value is the one sent; none where it differs. The two sides may write GUIDs, times and numbers differently.
fn same(name: &str, sent: &Value, stored: &Value) -> Option<Same> {
    let is_empty = stored.is_null() || stored == "";
    let yes = |same: bool| same.then_some(Same::Yes);
    match sent {
        // BluSKY does not have to show a PIN.
        _ if name == PIN && is_empty => Some(Same::Yes),
        Value::Null => yes(is_empty),
        Value::Number(sent) if sent.as_i64().is_some_and(i64::is_negative) && is_empty => Some(Same::Yes),
        Value::Number(sent) => match number(name, stored) {
            Some(stored) => yes(sent.as_i64() == Some(stored)),
            // An enumeration's name that nobody here knows.
            None if stored.is_string() && !is_empty => Some(Same::NotShown),
            None => None,
        },
        Value::String(sent) => yes(stored.as_str().map_or(sent.is_empty() && is_empty, |stored| is_same_text(sent, stored))),
        other => yes(other == stored),
    }
}

fn is_same_text(sent: &str, stored: &str) -> bool {
    let guids = || Some(Uuid::try_parse(sent).ok()? == Uuid::try_parse(stored).ok()?);
    let times = || Some(sent.parse::<Moment>().ok()?.is_about(time(stored)?));
    sent == stored || guids().or_else(times).unwrap_or(false)
}

/// A time with its offset; one without is taken as UTC.
fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// An integer, written as a number with or without a fraction of zero, in quotes, or as an enumeration's name.
fn number(name: &str, value: &Value) -> Option<i64> {
    let text = || value.as_str().map(str::trim);
    value
        .as_i64()
        .or_else(|| text()?.parse().ok())
        .or_else(|| whole(value.as_f64().or_else(|| text()?.parse().ok())?))
        .or_else(|| named_value(name, text()?))
}

/// An integer that was written with a fraction of zero, as far as such a number is exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// `CardACSystemId` as `card_ac_system_id`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase() && before.is_some_and(|before| before.is_lowercase() || after.is_some_and(|c| c.is_lowercase()));
        if starts {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::blusky::model::UpdateUserCard;

    fn update() -> UpdateUserCard {
        UpdateUserCard {
            card_activation_start_date_time: Some("2026-01-01T08:00:00+01:00".parse().unwrap()),
            card_deactivation_start_date_time: None,
            card_id: Uuid::from_u128(9),
            card_user_flags: Some(1),
            modify_activation_dates: Some(true),
            user_id: Uuid::from_u128(7),
            credential_type_id: Some(2),
            number_of_card_uses: Some(-1),
            public_notes: Some("Łódź <gate>".to_owned()),
        }
    }

    fn compared(shown: Value, sent: UpdateUserCard) -> (Vec<String>, Vec<String>) {
        let card = StoredCard::read(&shown).compare(&Operation::UpdateUserCard(sent)).unwrap();
        (card.differs, card.not_shown)
    }

    #[test]
    fn what_is_stored_is_compared_member_by_member_however_it_is_written() {
        let id = Uuid::from_u128(9);
        let shown = json!({
            "CardId": id.to_string().to_uppercase(), "CardUserFlags": "ActiveCardholderRecord", "NumberOfCardUses": null,
            "CardActivationStartDateTime": "2026-01-01T07:00:00.0000000", "CardDeactivationStartDateTime": null,
            "PublicNotes": "Łódź <gate>", "CredentialType": "2",
        });
        assert_eq!(compared(shown.clone(), update()), (vec![], vec![]));
        let mut otherwise = shown;
        otherwise["CardDeactivationStartDateTime"] = json!("2027-01-01T00:00:00Z");
        otherwise["CardUserFlags"] = json!(0);
        otherwise["PublicNotes"] = json!("L?dz <gate>");
        otherwise.as_object_mut().unwrap().remove("NumberOfCardUses");
        let (differs, not_shown) = compared(otherwise, update());
        assert_eq!(differs, ["card_user_flags", "public_notes", "card_deactivation_start_date_time"]);
        assert_eq!(not_shown, ["number_of_card_uses"]);
    }

    fn sent() -> Operation {
        let body = json!({
            "CardACSystemId": Uuid::from_u128(3), "CardType": 3, "CardUserFlags": 1, "ExternalCardNumber": "4567", "FacilityCode": 123,
            "InternalCardNumber": 4567, "IssueCode": 0, "UserId": Uuid::from_u128(7), "ReassignCardIfAlreadyAssigned": false,
        });
        Operation::AddUserCard(serde_json::from_value(body).unwrap())
    }

    fn shown() -> Value {
        json!({
            "CardACSystemId": Uuid::from_u128(3), "CardType": 3, "FacilityCode": 123, "InternalCardNumber": 4567, "IssueCode": 0,
            "Deleted": false, "ExternalCardNumber": "4567",
        })
    }

    #[test]
    fn a_card_is_the_one_however_its_numbers_and_names_are_written() {
        let written = [
            json!({"InternalCardNumber": "4567"}),
            json!({"InternalCardNumber": 4567.0, "CardType": "3"}),
            json!({"ExternalCardNumber": "otherwise", "CardUserFlags": 0}),
        ];
        for members in written {
            let mut card = shown();
            card.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            assert_eq!(StoredCard::read(&card).is(&sent()), Sameness::TheOne, "{card}");
        }
        let camel: Value =
            shown().as_object().unwrap().iter().map(|(name, value)| (name[..1].to_lowercase() + &name[1..], value.clone())).collect();
        assert_eq!(StoredCard::read(&camel).is(&sent()), Sameness::TheOne, "{camel}");
    }

    #[test]
    fn one_member_that_is_there_and_different_makes_it_another_card() {
        let members = ["CardType", "InternalCardNumber", "FacilityCode", "IssueCode"];
        for name in members {
            let mut card = shown();
            card[name] = json!(99);
            // What is missing beside it changes nothing.
            card.as_object_mut().unwrap().remove(if name == "CardType" { "FacilityCode" } else { "CardType" });
            assert_eq!(StoredCard::read(&card).is(&sent()), Sameness::AnotherOne, "{card}");
        }
        for deleted in [json!(true), json!("True"), json!("true"), json!(1), json!("1")] {
            let mut card = shown();
            card["Deleted"] = deleted;
            assert_eq!(StoredCard::read(&card).is(&sent()), Sameness::AnotherOne, "{card}");
        }
    }

    #[test]
    fn a_member_that_is_missing_null_or_unreadable_leaves_it_open_which_card_it_is() {
        let members = ["CardACSystemId", "CardType", "InternalCardNumber", "FacilityCode", "IssueCode"];
        for name in members {
            for strange in
                [None, Some(Value::Null), Some(json!("Prox26Bit")), Some(json!(4567.5)), Some(json!([])), Some(json!({"Value": 3}))]
            {
                let mut card = shown();
                match strange {
                    None => drop(card.as_object_mut().unwrap().remove(name)),
                    Some(value) => card[name] = value,
                }
                assert_eq!(StoredCard::read(&card).is(&sent()), Sameness::CannotBeTold, "{card}");
            }
        }
        assert_eq!(StoredCard::read(&json!({})).is(&sent()), Sameness::CannotBeTold);
    }

    #[test]
    fn dates_that_were_not_to_change_are_not_compared() {
        let sent = UpdateUserCard { modify_activation_dates: None, ..update() };
        let (differs, _) = compared(json!({"CardActivationStartDateTime": "1999-01-01T00:00:00Z"}), sent);
        assert!(differs.is_empty(), "{differs:?}");
    }

    #[test]
    fn a_pin_that_is_shown_is_neither_written_down_nor_shown_again() {
        let card = StoredCard::read(&json!({"PIN": "90417", "CardType": 3}));
        assert!(!serde_json::to_string(&card).unwrap().contains("90417"));
        assert!(!card.shown().to_string().contains("90417") && card.member("PIN").is_none() && !format!("{card:?}").contains("90417"));
    }

    #[test]
    fn members_go_by_the_names_scripts_know() {
        for (name, wanted) in [("CardACSystemId", "card_ac_system_id"), ("PIN", "pin"), ("InternalCardNumber", "internal_card_number")] {
            assert_eq!(snake(name), wanted);
        }
    }
}
