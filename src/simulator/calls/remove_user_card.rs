//! `DELETE api/v1|v2/Users/{id}/UserCards/{cardId}`, the last of which may be left out: takes a card from its holder.
//!
//! In: a body that names a user and a card, by its key or a number. Out: success, or a refusal. It makes nothing, so it answers no key.

use uuid::Uuid;

use super::{
    context::{Arrived, Context},
    rules,
};
use crate::simulator::{
    state::{remove::Which, store::Stop},
    wire::{
        body::Body,
        contract::{self, Contract},
        members::{Members, Null, guid},
        outcome::{MAKES_NOTHING, Outcome},
        reading::Model,
    },
    words::result_code::ResultCode,
};

/// `RemoveUserCardViewModel`
pub struct RemoveUserCard {
    user_id: Uuid,
    which: Which,
}

impl Model for RemoveUserCard {
    const CONTRACT: Contract = contract::REMOVE_USER_CARD;

    fn read(members: &mut Members) -> RemoveUserCard {
        RemoveUserCard {
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            which: Which {
                card_id: members.guid("CardId", Null::Absent),
                external: members.text("ExternalCardNumber"),
                internal: members.integer("InternalCardNumber", Null::Absent),
            },
        }
    }
}

/// Takes it.
pub fn carry_out(context: &Context, RemoveUserCard { user_id, which }: RemoveUserCard, arrived: &Arrived) -> Result<Body, Stop> {
    rules::user(user_id, &arrived.id)?;
    // The card of the route may be left out.
    let in_path = Some(arrived.last_of_path()).filter(|last| !last.eq_ignore_ascii_case("UserCards"));
    if which.card_id.is_some() && in_path.is_some_and(|card| guid(card) != which.card_id) {
        return Err(ResultCode::RouteDiffersFromBody.because("The card in the route is not the CardId of the body.").into());
    }
    context.store.remove(user_id, &which)?;
    Ok(Body::Outcome(Outcome::success(&MAKES_NOTHING, None)))
}
