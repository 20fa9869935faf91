//! `PUT api/v2/Users/{id}/UserCards`: changes to a card's present assignment.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Moment, check::guid};

/// UpdateUserCard, and the options of `card update`. Members are sorted as a data contract is: the base class by name, then the
/// derived class.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateUserCard {
    /// When the card begins to work, as 2026-01-01T08:00:00+01:00
    #[arg(long, value_name = "T", visible_alias = "activate")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_activation_start_date_time: Option<Moment>,
    /// When the card ends to work
    #[arg(long, value_name = "T", visible_alias = "deactivate")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_deactivation_start_date_time: Option<Moment>,
    /// The card, which is one of the user's
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub card_id: Uuid,
    /// BluSKY's CardUserFlags [default: those the card has, else 1, an active cardholder]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub card_user_flags: Option<i64>,
    /// Change when the card works [default: true where a time is given]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub modify_activation_dates: Option<bool>,
    /// The user, who has the card. The same GUID stands in the path.
    #[arg(skip)]
    pub user_id: Uuid,
    /// BluSKY's number of the credential type
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential_type_id: Option<i64>,
    /// How often the card can be used; a negative number clears it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number_of_card_uses: Option<i64>,
    /// Notes that everybody sees
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_notes: Option<String>,
}

/// Shows whose card it is, and nothing that is written about it.
impl fmt::Debug for UpdateUserCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateUserCard").field("user_id", &self.user_id).field("card_id", &self.card_id).finish_non_exhaustive()
    }
}
