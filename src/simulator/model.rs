//! The requests, one type per call.
//!
//! In: the members of a request body, or of a query. Out: typed requests. It never decides whether a request is allowed; that is for
//! `rules.rs` and `state.rs`.

use axum::{extract::Query, http::Uri};
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::{
    answer::ModelState,
    contract::{self, Contract},
    reading::{Members, Model, Null, guid},
};

/// `AddUserCardViewModel`. A member that was left out has the value it would have in .NET.
pub(super) struct AddUserCard {
    pub(super) reassign: bool,
    pub(super) user_id: Uuid,
    pub(super) card_id: Option<Uuid>,
    pub(super) card_type: Option<i64>,
    pub(super) system_id: Option<Uuid>,
    pub(super) number: Option<i64>,
    pub(super) external: Option<String>,
    pub(super) serial: Option<i64>,
    pub(super) facility: Option<i64>,
    pub(super) issue: Option<i64>,
    /// Whether there was one; the PIN itself ends here.
    pub(super) has_pin: bool,
    pub(super) activation: Option<DateTime<Utc>>,
    pub(super) deactivation: Option<DateTime<Utc>>,
    pub(super) flags: i64,
    pub(super) enforce_occupancy: bool,
    /// Nothing, in the first version of the call.
    pub(super) extras: Extras,
}

/// ReplaceCardIfExists: AddUserCard with its extras. It says of itself whether it may take the card from somebody else.
pub(super) struct ReplaceCard(pub(super) AddUserCard);

/// `UpdateUserCardViewModelV2`
pub(super) struct UpdateUserCard {
    pub(super) user_id: Uuid,
    pub(super) card_id: Uuid,
    pub(super) modify_dates: bool,
    pub(super) activation: Option<DateTime<Utc>>,
    pub(super) deactivation: Option<DateTime<Utc>>,
    pub(super) flags: i64,
    pub(super) extras: Extras,
}

/// What the second version of a call adds.
#[derive(Default)]
pub(super) struct Extras {
    /// Below zero: as often as wanted.
    pub(super) uses: Option<i64>,
    pub(super) notes: Option<String>,
    pub(super) credential_type: Option<i64>,
}

/// The body of Authenticate.
pub(super) struct Authenticate {
    pub(super) email: String,
    pub(super) password: String,
}

/// What the read-back is asked.
pub(super) struct Asked {
    pub(super) user_id: Uuid,
    pub(super) include_deleted: bool,
    /// `None`: any.
    pub(super) facility: Option<i64>,
    /// Whether by the second version of the call, which shows more.
    pub(super) v2: bool,
}

impl Model for AddUserCard {
    const CONTRACT: Contract = contract::ADD_USER_CARD;

    fn read(members: &mut Members) -> AddUserCard {
        AddUserCard {
            reassign: members.boolean("ReassignCardIfAlreadyAssigned").unwrap_or(false),
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            card_id: members.guid("CardId", Null::Absent),
            card_type: members.integer("CardType", Null::Wrong),
            system_id: members.guid("CardACSystemId", Null::Absent),
            number: members.integer("InternalCardNumber", Null::Wrong),
            external: members.text("ExternalCardNumber"),
            serial: members.integer("CardSerialNumber", Null::Absent),
            facility: members.integer("FacilityCode", Null::Absent),
            issue: members.integer("IssueCode", Null::Absent),
            has_pin: members.text("PIN").is_some(),
            activation: members.time("CardActivationStartDateTime"),
            deactivation: members.time("CardDeactivationStartDateTime"),
            // The real one may do the same, and 0 is a card that is not active: it is for the client to always send it.
            flags: members.flags("CardUserFlags").unwrap_or(0),
            enforce_occupancy: members.boolean("EnforceOccupancySystem").unwrap_or(false),
            extras: Extras::default(),
        }
    }
}

impl Model for ReplaceCard {
    const CONTRACT: Contract = contract::REPLACE_CARD;

    fn read(members: &mut Members) -> ReplaceCard {
        let call = AddUserCard::read(members);
        ReplaceCard(AddUserCard { extras: Extras::read(members), ..call })
    }
}

impl Model for UpdateUserCard {
    const CONTRACT: Contract = contract::UPDATE_USER_CARD;

    fn read(members: &mut Members) -> UpdateUserCard {
        UpdateUserCard {
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            card_id: members.guid("CardId", Null::Wrong).unwrap_or_default(),
            modify_dates: members.boolean("ModifyActivationDates").unwrap_or(false),
            activation: members.time("CardActivationStartDateTime"),
            deactivation: members.time("CardDeactivationStartDateTime"),
            flags: members.flags("CardUserFlags").unwrap_or(0),
            extras: Extras::read(members),
        }
    }
}

impl Extras {
    fn read(members: &mut Members) -> Extras {
        Extras {
            uses: members.integer("NumberOfCardUses", Null::Absent),
            notes: members.text("PublicNotes"),
            credential_type: members.integer("CredentialTypeId", Null::Absent),
        }
    }
}

impl Model for Authenticate {
    const CONTRACT: Contract = contract::AUTHENTICATE;

    fn read(members: &mut Members) -> Authenticate {
        Authenticate { email: members.text("Email").unwrap_or_default(), password: members.text("Password").unwrap_or_default() }
    }
}

impl Asked {
    /// Reads the parameters, as strictly as a body.
    pub(super) fn read(uri: &Uri, v2: bool) -> Result<Asked, ModelState> {
        let mut wrong = ModelState::new();
        let mut object = |name: &str, problem: &str| wrong.entry(name.to_owned()).or_default().push(problem.to_owned());
        let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
        let (mut user_id, mut include_deleted, mut facility) = (None, false, None);
        for (name, value) in &parameters {
            match name.to_ascii_lowercase().as_str() {
                "userid" => user_id = guid(value),
                "includedeleted" => match value.to_ascii_lowercase().parse() {
                    Ok(whether) => include_deleted = whether,
                    Err(_) => object(name, "The value must be True or False."),
                },
                "facilitycode" => match value.parse() {
                    Ok(-1) => facility = None,
                    Ok(code) => facility = Some(code),
                    Err(_) => object(name, "The value must be an integer; -1 is any."),
                },
                _ => object(name, "The call has no such parameter; it has UserId, IncludeDeleted and FacilityCode."),
            }
        }
        if user_id.is_none() {
            object("UserId", "Required: a GUID such as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1.");
        }
        match user_id {
            Some(user_id) if wrong.is_empty() => Ok(Asked { user_id, include_deleted, facility, v2 }),
            _ => Err(wrong),
        }
    }
}

/// A time as the API writes it: up to seven fractional digits, as many as are needed.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let ticks = text.get(..text.len().saturating_sub(3)).unwrap_or_default();
    format!("{}Z", ticks.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_as_many_digits_as_it_needs() {
        for (sent, answered) in [
            ("2025-10-12T21:13:06.7178225+00:00", "2025-10-12T21:13:06.7178225Z"),
            ("2025-10-12T21:13:06.5+02:00", "2025-10-12T19:13:06.5Z"),
            ("2025-10-12T21:13:00Z", "2025-10-12T21:13:00Z"),
        ] {
            let time = DateTime::parse_from_rfc3339(sent).map(|time| stamp(time.to_utc()));
            assert_eq!(time.as_deref(), Ok(answered));
        }
    }
}
