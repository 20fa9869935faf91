//! A card for a user, a new one or one that the system has.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Moment, Secret,
    members::Members,
    model::{Identity, Model, Numbers},
};

/// The one card-user flag whose meaning is known: an active cardholder. Leaving the member out may store 0.
pub const ACTIVE_CARDHOLDER: i64 = 1;

/// A card for a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddUserCard {
    /// The access-control system of a card that is made by this call.
    pub card_ac_system_id: Option<Uuid>,
    /// When the card starts working.
    pub card_activation_start_date_time: Option<Moment>,
    /// When the card stops working.
    pub card_deactivation_start_date_time: Option<Moment>,
    /// An existing card. The members that describe a new card are left out then.
    pub card_id: Option<Uuid>,
    /// The serial number of a smart card.
    pub card_serial_number: Option<u64>,
    /// The system's number of the card type. Left out with a `card_id`.
    pub card_type: Option<i64>,
    /// A bit field, always sent.
    pub card_user_flags: i64,
    /// Whether the system must be the one of the user's occupancy.
    pub enforce_occupancy_system: Option<bool>,
    /// The printed number.
    pub external_card_number: Option<String>,
    /// The facility code.
    pub facility_code: Option<u64>,
    /// The encoded number. Left out with a `card_id`.
    pub internal_card_number: Option<u64>,
    /// The issue code.
    pub issue_code: Option<u64>,
    /// The PIN to be used with the card.
    pub pin: Option<Secret>,
    /// The user the card is for.
    pub user_id: Uuid,
    /// Whether a present assignment of the card is deleted first.
    pub reassign_card_if_already_assigned: bool,
}

/// Members that tell the system what to do. It does not store them.
const ORDERS: [&str; 3] = ["user_id", "enforce_occupancy_system", "reassign_card_if_already_assigned"];

impl Model for AddUserCard {
    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn identity(&self) -> Option<Identity> {
        let numbers = || Numbers {
            system: self.card_ac_system_id,
            card_type: self.card_type,
            internal_card_number: self.internal_card_number,
            facility_code: self.facility_code,
            issue_code: self.issue_code,
            card_serial_number: self.card_serial_number,
        };
        Some(self.card_id.map_or_else(|| Identity::Numbers(numbers()), Identity::Key))
    }

    fn answers_value(&self) -> bool {
        true
    }

    fn leaves(&self, mut members: Members) -> Members {
        members.retain(|name, _| !ORDERS.contains(&name.as_str()));
        members
    }

    fn secret(&self) -> Option<&Secret> {
        self.pin.as_ref()
    }

    fn secret_mut(&mut self) -> Option<&mut Option<Secret>> {
        Some(&mut self.pin)
    }

    fn takes(&self) -> bool {
        self.reassign_card_if_already_assigned
    }

    fn take(&mut self, take: bool) {
        self.reassign_card_if_already_assigned = take;
    }
}

/// Shows whose card it is, and none of its numbers.
impl fmt::Debug for AddUserCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddUserCard").field("user_id", &self.user_id).field("card_type", &self.card_type).finish_non_exhaustive()
    }
}
