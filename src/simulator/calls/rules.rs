//! The rules that several calls share.
//!
//! In: what a request says about itself. Out: nothing, or a refusal. They never ask the memory.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::simulator::words::result_code::{Refusal, ResultCode};

/// The user is named, in the route as in the body.
pub fn user(user_id: Uuid, route_id: &str) -> Result<(), Refusal> {
    if user_id.is_nil() {
        return Err(ResultCode::MemberMissing.because("Required: UserId"));
    }
    match Uuid::try_parse(route_id) == Ok(user_id) {
        true => Ok(()),
        false => {
            Err(ResultCode::RouteDiffersFromBody.because("The id in the route is not the UserId of the body: send the same GUID in both."))
        }
    }
}

/// No card ends before it begins.
pub fn dates(activation: Option<DateTime<Utc>>, deactivation: Option<DateTime<Utc>>) -> Result<(), Refusal> {
    match activation.zip(deactivation) {
        Some((start, end)) if end < start => {
            Err(ResultCode::EndBeforeStart.because("CardDeactivationStartDateTime is before CardActivationStartDateTime."))
        }
        _ => Ok(()),
    }
}
