//! What `card update` takes: every member of a change to a card as an option.
//!
//! In: the command line. Out: the change, for a user. Never: a look at the card.

use uuid::Uuid;

use crate::access::{Moment, UpdateUserCard, check::guid};

/// The options of a change to a card. A member that has no option here does not compile below.
#[derive(Debug, Clone, clap::Args)]
pub struct ChangeOptions {
    /// When the card begins to work, as 2026-01-01T08:00:00+01:00
    #[arg(long, value_name = "T", visible_alias = "activate")]
    pub card_activation_start_date_time: Option<Moment>,
    /// When the card ends to work
    #[arg(long, value_name = "T", visible_alias = "deactivate")]
    pub card_deactivation_start_date_time: Option<Moment>,
    /// The card, which is one of the user's
    #[arg(long, value_name = "GUID", value_parser = guid)]
    pub card_id: Uuid,
    /// BluSKY's CardUserFlags [default: those the card has, else 1, an active cardholder]
    #[arg(long, value_name = "N")]
    pub card_user_flags: Option<i64>,
    /// Change when the card works [default: true where a time is given]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub modify_activation_dates: Option<bool>,
    /// BluSKY's number of the credential type
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub credential_type_id: Option<i64>,
    /// How often the card can be used; a negative number clears it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub number_of_card_uses: Option<i64>,
    /// Notes that everybody sees
    #[arg(long, value_name = "TEXT")]
    pub public_notes: Option<String>,
}

impl ChangeOptions {
    /// The change to this user's card.
    pub fn change(self, user_id: Uuid) -> UpdateUserCard {
        UpdateUserCard {
            card_activation_start_date_time: self.card_activation_start_date_time,
            card_deactivation_start_date_time: self.card_deactivation_start_date_time,
            card_id: self.card_id,
            card_user_flags: self.card_user_flags,
            modify_activation_dates: self.modify_activation_dates,
            credential_type_id: self.credential_type_id,
            number_of_card_uses: self.number_of_card_uses,
            public_notes: self.public_notes,
            user_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn every_member_of_a_change_has_an_option_of_its_name() {
        let id = Uuid::from_u128(1);
        let command = ChangeOptions::augment_args(Command::new("x"));
        let longs: Vec<String> = command.get_arguments().filter_map(|argument| argument.get_long().map(ToOwned::to_owned)).collect();
        let matches = command.get_matches_from(["x", "--card-id", &id.to_string()]);
        let change = ChangeOptions::from_arg_matches(&matches).unwrap().change(id);
        let members = serde_json::to_value(&change).unwrap();
        let members: Vec<String> = members.as_object().unwrap().keys().map(|name| name.replace('_', "-")).collect();
        let missing: Vec<&String> = members.iter().filter(|name| *name != "user-id" && !longs.contains(name)).collect();
        assert!(missing.is_empty() && members.len() == 9, "{missing:?}");
    }
}
