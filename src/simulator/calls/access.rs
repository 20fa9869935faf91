//! `POST api/v1/Users/{id}/AccessLevelGroups` and `DELETE api/v1/Users/{id}/AccessLevelGroups/{group}`: what doors somebody may open.
//!
//! In: a body that names a user and a group; or a path that does, and no body. Out: success, or a refusal.

use uuid::Uuid;

use super::{
    context::{Arrived, Context},
    rules,
};
use crate::simulator::{
    state::store::Stop,
    wire::{
        body::Body,
        contract::{self, API_WEB_ROLE, Contract},
        members::{Members, Null, guid},
        outcome::{MAKES_NOTHING, Outcome, ResultModel},
        reading::Model,
    },
    words::result_code::ResultCode,
};

/// What giving answers: with a number where others answer a key.
pub const GIVEN: ResultModel =
    ResultModel { root: "ResultWithInt", namespace: API_WEB_ROLE, tail: &["Value"], has_status: true, has_value: false, has_users: false };

/// The body of giving.
pub struct Gives {
    user_id: Uuid,
    group: i64,
}

impl Model for Gives {
    const CONTRACT: Contract = contract::ADD_ACCESS;

    fn read(members: &mut Members) -> Gives {
        Gives {
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            group: members.integer("AccessLevelGroupId", Null::Wrong).unwrap_or_default(),
        }
    }
}

/// Gives it.
pub fn give(context: &Context, Gives { user_id, group }: Gives, arrived: &Arrived) -> Result<Body, Stop> {
    rules::user(user_id, &arrived.id)?;
    context.store.change_access(user_id, group, true)?;
    Ok(Body::Outcome(Outcome::success(&GIVEN, None).with(group)))
}

/// Takes it.
pub fn take(context: &Context, arrived: &Arrived) -> Result<Body, Stop> {
    let (Some(user_id), Ok(group)) = (guid(&arrived.id), arrived.last_of_path().parse()) else {
        return Err(ResultCode::MemberMissing.because("The route must name a user and an access level group.").into());
    };
    rules::user(user_id, &arrived.id)?;
    context.store.change_access(user_id, group, false)?;
    Ok(Body::Outcome(Outcome::success(&MAKES_NOTHING, None)))
}
