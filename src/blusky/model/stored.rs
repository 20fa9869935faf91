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
    wire::{Members, WireError, named_value},
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

impl StoredCard {
    /// Reads one of the read-back's `Cards`, tolerantly.
    #[must_use]
    pub fn read(card: &Value) -> Self {
        let guid = |name: &str| card.get(name)?.as_str()?.trim().parse::<Uuid>().ok().filter(|id| !id.is_nil());
        let number = |name: &str| number(name, card.get(name)?);
        let unsigned = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
        Self {
            user_card_id: guid("PersonCardId"),
            card_id: guid("CardId"),
            card_type: number("CardType"),
            system: guid("CardACSystemId"),
            internal_card_number: unsigned("InternalCardNumber"),
            facility_code: unsigned("FacilityCode"),
            issue_code: unsigned("IssueCode"),
            card_user_flags: number("CardUserFlags"),
            deleted: card.get("Deleted").is_some_and(|deleted| deleted == &Value::Bool(true) || deleted == "true"),
            differs: Vec::new(),
            not_shown: Vec::new(),
            members: card.clone(),
        }
    }

    /// A member as it was shown; a PIN never is.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| name != PIN && !value.is_null())
    }

    /// Everything that was shown, secrets blotted out.
    #[must_use]
    pub fn shown(&self) -> Value {
        blotted(&self.members)
    }

    /// True where this is the card that was sent: by its key, or by type, system and numbers.
    #[must_use]
    pub fn is(&self, operation: &Operation) -> bool {
        match operation {
            _ if self.deleted => false,
            Operation::AddUserCard(AddUserCard { card_id: Some(id), .. }) => self.card_id == Some(*id),
            Operation::AddUserCard(sent) => self.is_made_by(sent),
            Operation::UpdateUserCard(sent) => self.card_id == Some(sent.card_id),
            Operation::AddUser(_) => false,
        }
    }

    fn is_made_by(&self, sent: &AddUserCard) -> bool {
        let system = self.system.is_none() || self.system == sent.card_ac_system_id;
        let same = |sent: Option<u64>, stored: Option<u64>| sent.is_none_or(|sent| stored == Some(sent));
        system
            && self.card_type == sent.card_type
            && self.internal_card_number == sent.internal_card_number
            && same(sent.facility_code, self.facility_code)
            && same(sent.issue_code, self.issue_code)
    }

    /// Compares it with what was sent, member by member, and keeps what differs.
    ///
    /// # Errors
    /// The call cannot be written, and so was never sent.
    pub fn compare(mut self, operation: &Operation) -> Result<Self, WireError> {
        for (name, sent) in stored_members(operation)? {
            let shown_as = if name == "CredentialTypeId" { "CredentialType" } else { &name };
            let verdict = self.members.get(shown_as).map_or(Some(Same::NotShown), |stored| same(&name, &sent, stored));
            match verdict {
                Some(Same::Yes) => {}
                Some(Same::NotShown) => self.not_shown.push(snake(&name)),
                None => self.differs.push(snake(&name)),
            }
        }
        Ok(self)
    }
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

/// An integer, written as a number, in quotes, or as an enumeration's name.
fn number(name: &str, value: &Value) -> Option<i64> {
    let text = || value.as_str().map(str::trim);
    value.as_i64().or_else(|| text()?.parse().ok()).or_else(|| named_value(name, text()?))
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
