//! The models of BluSKY's calls: one type per call, members in the order an XML writer needs them.
//!
//! Absent members are left out: an all-zero GUID is a value, and null is an error for some. Source: the contract pages
//! of AddUserCard and of the users' cards.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// The one card-user flag whose meaning is known: an active cardholder. Leaving the member out may store 0.
pub const ACTIVE_CARDHOLDER: i64 = 1;

/// `POST api/v1/Users/{id}/UserCards`. Members are sorted as a data contract is: the base class by name, then the
/// derived class.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddUserCard {
    /// The access-control system of a card that is made by this call.
    #[serde(rename = "CardACSystemId", skip_serializing_if = "Option::is_none", default)]
    pub card_ac_system_id: Option<Uuid>,
    /// When the card begins to work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_activation_start_date_time: Option<DateTime<FixedOffset>>,
    /// When the card ends to work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_deactivation_start_date_time: Option<DateTime<FixedOffset>>,
    /// An existing card; the members of a made card are left out then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_id: Option<Uuid>,
    /// The serial number of a smart card.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_serial_number: Option<u64>,
    /// BluSKY's number of the card type. Not nullable: left out with a `CardId`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_type: Option<i64>,
    /// A bit field, always sent.
    pub card_user_flags: i64,
    /// Whether the system must be the one of the user's occupancy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enforce_occupancy_system: Option<bool>,
    /// The printed number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external_card_number: Option<String>,
    /// The facility code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub facility_code: Option<u64>,
    /// The encoded number. Not nullable: left out with a `CardId`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub internal_card_number: Option<u64>,
    /// The issue code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issue_code: Option<u64>,
    /// The user the card is for. The same GUID stands in the path.
    pub user_id: Uuid,
    /// Whether a present assignment of the card is deleted first.
    pub reassign_card_if_already_assigned: bool,
}

/// Shows whose card it is, and none of its numbers.
impl fmt::Debug for AddUserCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddUserCard").field("user_id", &self.user_id).field("card_type", &self.card_type).finish_non_exhaustive()
    }
}

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
    /// The printed number.
    pub external_card_number: Option<String>,
    /// The serial number.
    pub card_serial_number: Option<u64>,
    /// The facility code; 0 where none was sent.
    pub facility_code: Option<u64>,
    /// The issue code; 0 where none was sent.
    pub issue_code: Option<u64>,
    /// The card-user flags.
    pub card_user_flags: Option<i64>,
    /// When the card begins to work.
    #[serde(default)]
    pub activation: Option<DateTime<FixedOffset>>,
    /// When it ends to work.
    #[serde(default)]
    pub deactivation: Option<DateTime<FixedOffset>>,
    /// True for an assignment that has ended.
    pub deleted: bool,
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
        let guid = |name: &str| card.get(name)?.as_str()?.parse::<Uuid>().ok().filter(|id| !id.is_nil());
        let number = |name: &str| number(card.get(name)?);
        let text = |name: &str| Some(card.get(name)?.as_str()?.to_owned());
        Self {
            user_card_id: guid("PersonCardId"),
            card_id: guid("CardId"),
            card_type: number("CardType").and_then(|n| i64::try_from(n).ok()),
            system: guid("CardACSystemId"),
            internal_card_number: number("InternalCardNumber"),
            external_card_number: text("ExternalCardNumber"),
            card_serial_number: number("CardSerialNumber"),
            facility_code: number("FacilityCode"),
            issue_code: number("IssueCode"),
            card_user_flags: number("CardUserFlags").and_then(|n| i64::try_from(n).ok()),
            activation: time(card.get("CardActivationStartDateTime")),
            deactivation: time(card.get("CardDeactivationStartDateTime")),
            deleted: card.get("Deleted").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// True where this is the card that was sent: by its key, or by type, system and numbers.
    #[must_use]
    pub fn is(&self, sent: &AddUserCard) -> bool {
        if self.deleted {
            return false;
        }
        if sent.card_id.is_some() {
            return self.card_id == sent.card_id;
        }
        let system = self.system.is_none() || self.system == sent.card_ac_system_id;
        let same = |sent: Option<u64>, stored: Option<u64>| sent.is_none_or(|sent| stored == Some(sent));
        system
            && self.card_type == sent.card_type
            && self.internal_card_number == sent.internal_card_number
            && same(sent.facility_code, self.facility_code)
            && same(sent.issue_code, self.issue_code)
    }

    /// The members that were sent and are stored otherwise.
    #[must_use]
    pub fn differences(&self, sent: &AddUserCard) -> Vec<&'static str> {
        let number = |sent: Option<u64>, stored: Option<u64>| sent.is_some_and(|sent| stored != Some(sent));
        let external = sent.external_card_number.is_some() && sent.external_card_number != self.external_card_number;
        [
            ("card_id", sent.card_id.is_some() && sent.card_id != self.card_id),
            ("card_type", sent.card_type.is_some() && sent.card_type != self.card_type),
            ("system", sent.card_ac_system_id.is_some() && sent.card_ac_system_id != self.system),
            ("internal_card_number", number(sent.internal_card_number, self.internal_card_number)),
            ("external_card_number", external),
            ("card_serial_number", number(sent.card_serial_number, self.card_serial_number)),
            ("facility_code", number(sent.facility_code, self.facility_code)),
            ("issue_code", number(sent.issue_code, self.issue_code)),
            ("card_user_flags", self.card_user_flags != Some(sent.card_user_flags)),
            ("card_activation_start_date_time", differs(sent.card_activation_start_date_time, self.activation)),
            ("card_deactivation_start_date_time", differs(sent.card_deactivation_start_date_time, self.deactivation)),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// A time with its offset; one without is taken as UTC.
fn time(value: Option<&Value>) -> Option<DateTime<FixedOffset>> {
    let text = value?.as_str()?;
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Sent and stored are different instants; databases keep whole milliseconds at best.
fn differs(sent: Option<DateTime<FixedOffset>>, stored: Option<DateTime<FixedOffset>>) -> bool {
    let coarse = |at: DateTime<FixedOffset>| at.timestamp();
    sent.is_some_and(|sent| stored.map(coarse) != Some(coarse(sent)))
}

/// An integer, written as a number or in quotes.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
