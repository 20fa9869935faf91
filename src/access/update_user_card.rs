//! Changes to a card's present assignment.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Moment,
    check::{Wrong, window, wrong},
    members::Members,
    model::{Identity, Model},
};

/// Changes to a user's card. What is left out stays, save the times ([`Self::modify_activation_dates`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateUserCard {
    /// When the card starts working.
    pub card_activation_start_date_time: Option<Moment>,
    /// When the card stops working.
    pub card_deactivation_start_date_time: Option<Moment>,
    /// The card, which is one of the user's.
    pub card_id: Uuid,
    /// The card-user flags.
    pub card_user_flags: Option<i64>,
    /// Whether the two times are changed. If so, a time that is left out is cleared.
    pub modify_activation_dates: Option<bool>,
    /// The user, who has the card.
    pub user_id: Uuid,
    /// The system's number of the credential type.
    pub credential_type_id: Option<i64>,
    /// How often the card can be used; a negative number clears it.
    pub number_of_card_uses: Option<i64>,
    /// Notes that everybody sees.
    pub public_notes: Option<String>,
}

const DATES: [&str; 2] = ["card_activation_start_date_time", "card_deactivation_start_date_time"];

impl UpdateUserCard {
    /// Judges it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn judge(&self) -> Result<(), Wrong> {
        wrong(self.wrong())
    }
}

impl Model for UpdateUserCard {
    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity::Key(self.card_id))
    }

    fn wrong(&self) -> Vec<String> {
        let (from, until) = (self.card_activation_start_date_time, self.card_deactivation_start_date_time);
        let [start, end] = DATES;
        let mut found: Vec<String> = window(start, from, end, until).into_iter().collect();
        if (from, until) != (None, None) && self.modify_activation_dates == Some(false) {
            found.push(
                "times are given, and --modify-activation-dates false would have BluSKY ignore them; leave out one or the other".into(),
            );
        }
        found
    }

    fn leaves(&self, mut members: Members) -> Members {
        let changes_dates = self.modify_activation_dates == Some(true);
        members.retain(|name, _| {
            let is_order = matches!(name.as_str(), "user_id" | "modify_activation_dates");
            !is_order && (changes_dates || !DATES.contains(&name.as_str()))
        });
        for name in DATES.into_iter().filter(|_| changes_dates) {
            members.entry(name).or_insert(Value::Null);
        }
        members
    }
}

/// Shows whose card it is, and nothing that is written about it.
impl fmt::Debug for UpdateUserCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateUserCard").field("user_id", &self.user_id).field("card_id", &self.card_id).finish_non_exhaustive()
    }
}
