//! What is done about a lost card that another one replaces, as the site prefers it: taken from its holder, or given an end.
//!
//! In: the card, as far as it is shown, and the time. Out: the operation that is done before the new card is given. Never: a card
//! deactivated by its flags: a record without the one of an active cardholder may be none to a controller.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::access::{ACTIVE_CARDHOLDER, Moment, Operation, RemoveUserCard, StoredCard, UpdateUserCard};

/// What is done about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LostCard {
    /// It is taken from the person, and can be given to somebody again once it is found.
    #[default]
    Remove,
    /// It stays the person's, and stops working.
    Deactivate,
}

impl LostCard {
    /// The operation. What else the card has is kept, where it is shown: a call that leaves it out would take it away.
    #[must_use]
    pub fn operation(self, user_id: Uuid, card_id: Uuid, shown: Option<&StoredCard>, now: DateTime<Utc>) -> Operation {
        if self == Self::Remove {
            return Operation::RemoveUserCard(RemoveUserCard { card_id, user_id });
        }
        let end: Option<Moment> = now.to_rfc3339_opts(SecondsFormat::Secs, true).parse().ok();
        let start: Option<Moment> = shown.and_then(|card| card.shown.text(START)?.parse().ok());
        Operation::UpdateUserCard(UpdateUserCard {
            // A start after the end would never come: it is left out.
            card_activation_start_date_time: start.filter(|start| end.is_some_and(|end| *start < end)),
            card_deactivation_start_date_time: end,
            card_id,
            card_user_flags: shown.and_then(|card| card.card_user_flags).or(Some(ACTIVE_CARDHOLDER)),
            modify_activation_dates: Some(true),
            user_id,
            credential_type_id: None,
            number_of_card_uses: None,
            public_notes: None,
        })
    }
}

const START: &str = "card_activation_start_date_time";

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::Value;

    use super::*;
    use crate::access::{
        check::IntegerWidth,
        shown::{Is, Shown},
    };

    #[test]
    fn a_card_that_is_given_an_end_keeps_its_flags_and_its_beginning() {
        let (user, card) = (Uuid::from_u128(7), Uuid::from_u128(9));
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let shown = |start: &str| {
            let start = ("CardActivationStartDateTime", Is::Text(start.to_owned()));
            StoredCard::of(Shown::of([start, ("CardUserFlags", Is::Number(5))]), Value::Null)
        };
        for (shown, start, flags) in [
            (Some(shown("2024-01-01T08:00:00Z")), Some("2024-01-01T08:00:00Z"), 5),
            (Some(shown("2099-01-01T08:00:00Z")), None, 5),
            (Some(shown("2024-10-04T00:00:00Z")), None, 5),
            (None, None, 1),
        ] {
            let operation = LostCard::Deactivate.operation(user, card, shown.as_ref(), now);
            operation.judge(IntegerWidth::Bits32).unwrap();
            let members = operation.members().unwrap();
            let member = |name: &str| members.get(name).cloned().unwrap_or_default();
            assert_eq!(member(START).as_str(), start);
            assert_eq!(
                (member("card_deactivation_start_date_time"), member("card_user_flags")),
                ("2024-10-04T00:00:00Z".into(), flags.into())
            );
            assert_eq!(member("modify_activation_dates"), true, "else BluSKY leaves the dates as they are");
        }
        assert!(matches!(LostCard::Remove.operation(user, card, None, now), Operation::RemoveUserCard(_)));
    }
}
