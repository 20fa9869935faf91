//! `POST api/v2/Users/{id}/UserCards/ReplaceCardIfExists`: AddUserCard and the second version's members.
//!
//! It says of itself whether it may take the card from somebody else, and answers from whom it went to whom.

use super::{
    add_user_card::{self, AddUserCard},
    context::{Arrived, Context},
    extras,
};
use crate::simulator::{
    state::store::Stop,
    wire::{
        body::Body,
        contract::{self, API_WEB_ROLE, Contract},
        members::Members,
        outcome::{Moved, Outcome, ResultModel},
        reading::Model,
    },
};

/// What it answers. No page tells the names.
pub const ANSWER: ResultModel = ResultModel {
    root: "ReplaceCardResult",
    namespace: API_WEB_ROLE,
    tail: &["Value", "CurrentUserId", "PreviousUserId"],
    has_status: true,
    has_value: true,
    has_users: true,
};

/// The body.
pub struct ReplaceCard(AddUserCard);

impl Model for ReplaceCard {
    const CONTRACT: Contract = contract::REPLACE_CARD;

    fn read(members: &mut Members) -> ReplaceCard {
        let mut call = AddUserCard::read(members);
        call.extras = extras::read(members);
        ReplaceCard(call)
    }
}

/// Gives the card.
pub fn carry_out(context: &Context, ReplaceCard(call): ReplaceCard, arrived: &Arrived) -> Result<Body, Stop> {
    let user_id = call.user_id;
    let added = add_user_card::assign(context, call, arrived)?;
    let moved = Some(Moved { previous_user_id: added.previous, current_user_id: Some(user_id) });
    let mut outcome = Outcome::success(&ANSWER, Some(added.key));
    outcome.moved = moved;
    Ok(Body::Outcome(outcome))
}
