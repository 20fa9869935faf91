//! `POST api/v1/Users/{id}/UserCards`: a card for a user, a new one or one that BluSKY has.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Moment, Secret};

/// The one card-user flag whose meaning is known: an active cardholder. Leaving the member out may store 0.
pub const ACTIVE_CARDHOLDER: i64 = 1;

/// AddUserCard. Members are sorted as a data contract is: the base class by name, then the derived class.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddUserCard {
    /// The access-control system of a card that is made by this call.
    #[serde(rename = "CardACSystemId", skip_serializing_if = "Option::is_none", default)]
    pub card_ac_system_id: Option<Uuid>,
    /// When the card begins to work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_activation_start_date_time: Option<Moment>,
    /// When the card ends to work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_deactivation_start_date_time: Option<Moment>,
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
    /// The PIN to be used with the card.
    #[serde(rename = "PIN", skip_serializing_if = "Option::is_none", default)]
    pub pin: Option<Secret>,
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
