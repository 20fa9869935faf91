//! `PUT api/v2/Users/{id}/UserCards`: changes an assignment.
//!
//! In: a body that names a user and a card. Out: success, or a refusal. It makes nothing, so it answers no key.

use super::{
    context::{Arrived, Context},
    extras, rules,
};
use crate::simulator::{
    state::{store::Stop, update::Change},
    wire::{
        body::Body,
        contract::{self, Contract},
        members::{Members, Null},
        outcome::{MAKES_NOTHING, Outcome},
        reading::Model,
    },
    words::result_code::{Refusal, ResultCode},
};

/// `UpdateUserCardViewModelV2`
pub struct UpdateUserCard(Change);

impl Model for UpdateUserCard {
    const CONTRACT: Contract = contract::UPDATE_USER_CARD;

    fn read(members: &mut Members) -> UpdateUserCard {
        UpdateUserCard(Change {
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            card_id: members.guid("CardId", Null::Wrong).unwrap_or_default(),
            modify_dates: members.boolean("ModifyActivationDates").unwrap_or(false),
            activation: members.time("CardActivationStartDateTime"),
            deactivation: members.time("CardDeactivationStartDateTime"),
            flags: members.flags("CardUserFlags").unwrap_or(0),
            extras: extras::read(members),
        })
    }
}

/// Changes it.
pub fn carry_out(context: &Context, UpdateUserCard(change): UpdateUserCard, arrived: &Arrived) -> Result<Body, Stop> {
    judge(&change, &arrived.id)?;
    // What the call does not name it cannot forget.
    let members = UpdateUserCard::CONTRACT.members();
    let forgotten: Vec<_> = arrived.forgotten.iter().copied().filter(|member| members.contains(&member.name())).collect();
    context.store.update(&change, &forgotten)?;
    Ok(Body::Outcome(Outcome::success(&MAKES_NOTHING, None)))
}

/// Judges what the body says about itself.
fn judge(change: &Change, route_id: &str) -> Result<(), Refusal> {
    rules::user(change.user_id, route_id)?;
    match (change.card_id.is_nil(), change.modify_dates) {
        (true, _) => Err(ResultCode::MemberMissing.because("Required: CardId")),
        (false, true) => rules::dates(change.activation, change.deactivation),
        (false, false) => Ok(()),
    }
}
