//! Carries a call out: reads its body, and asks the memory on a thread that may wait.
//!
//! In: a call that is allowed to be made. Out: its answer, and what was lost of its body on the way.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::task::spawn_blocking;

use super::{
    access, add_user, add_user_card, authenticate,
    call::Call,
    context::{Arrived, Context},
    lookups, people, remove_user_card, replace_card, update_user_card, user_cards,
};
use crate::simulator::{
    state::store::Stop,
    wire::{
        answer::Answer,
        body::Body,
        found::Lost,
        media,
        outcome::{MAKES_NOTHING, Outcome, ResultModel},
        reading::{self, Model},
    },
};

/// Carries the call out.
pub async fn carry_out(context: Arc<Context>, call: Call, arrived: Arrived) -> (Answer, Vec<Lost>) {
    match call {
        Call::AddUserCard => changed(context, arrived, &add_user_card::ANSWER, add_user_card::carry_out).await,
        Call::ReplaceCardIfExists => changed(context, arrived, &replace_card::ANSWER, replace_card::carry_out).await,
        Call::UpdateUserCard => changed(context, arrived, &MAKES_NOTHING, update_user_card::carry_out).await,
        Call::RemoveUserCard => changed(context, arrived, &MAKES_NOTHING, remove_user_card::carry_out).await,
        Call::RemoveUser => {
            tracing::error!("a person was to be deleted: whoever did that meant to take a card");
            (Answer::message(StatusCode::IM_A_TEAPOT, "A person was to be deleted. Nobody who enrolls cards means that."), Vec::new())
        }
        Call::AddUser => changed(context, arrived, &add_user::ANSWER, |context, body, _| add_user::carry_out(context, body)).await,
        Call::AddUserV2 => add_user_v2(context, arrived).await,
        Call::AddAccessLevelGroup => changed(context, arrived, &access::GIVEN, access::give).await,
        Call::RemoveAccessLevelGroup => (blocking(move || refusable(access::take(&context, &arrived), &MAKES_NOTHING)).await, Vec::new()),
        Call::Authenticate => told(context, arrived, |context, body, _| Ok(authenticate::carry_out(context, body))).await,
        Call::UserCards | Call::UserCardsV2 => {
            let answer = match user_cards::asked(&arrived.head.uri, call == Call::UserCardsV2) {
                Err(wrong) => Answer::invalid(wrong),
                Ok(asked) => blocking(move || user_cards::carry_out(&context, &asked)).await,
            };
            (answer, Vec::new())
        }
        Call::LoggedInUsersCards => (Answer::ok(user_cards::of_nobody()), Vec::new()),
        Call::Users => {
            let answer = match people::asked(&arrived.head.uri, &arrived.id) {
                Err(wrong) => Answer::invalid(wrong),
                Ok(of) => blocking(move || people::carry_out(&context, of)).await,
            };
            (answer, Vec::new())
        }
        Call::Lookup(lookup) => (blocking(move || lookups::carry_out(&context, lookup)).await, Vec::new()),
    }
}

/// A call that changes something: a rule may refuse it.
async fn changed<M: Model + Send + 'static>(
    context: Arc<Context>,
    arrived: Arrived,
    model: &'static ResultModel,
    work: impl FnOnce(&Context, M, &Arrived) -> Result<Body, Stop> + Send + 'static,
) -> (Answer, Vec<Lost>) {
    told(context, arrived, move |context, body, arrived| refusable(work(context, body, arrived), model)).await
}

/// What was done, or refused by a rule.
fn refusable(done: Result<Body, Stop>, model: &'static ResultModel) -> rusqlite::Result<Body> {
    match done {
        Ok(done) => Ok(done),
        Err(Stop::Refused(refusal)) => Ok(Body::Outcome(Outcome::refused(model, refusal))),
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// The members of its model carry attributes: what breaks one is a bad request, and reaches no rule.
async fn add_user_v2(context: Arc<Context>, arrived: Arrived) -> (Answer, Vec<Lost>) {
    let media = media::sent(&arrived.head.headers).unwrap_or(media::JSON);
    let (model, lost) = reading::read::<add_user::AddUserV2>(&arrived.body, media.wire, context.largest);
    let answer = match model.and_then(add_user::AddUserV2::valid) {
        Err(wrong) => Answer::invalid(wrong),
        Ok(user) => blocking(move || refusable(add_user::carry_out(&context, user), &add_user::ANSWER_V2)).await,
    };
    (answer, lost)
}

/// Reads the body, and does the work it asks for.
async fn told<M: Model + Send + 'static>(
    context: Arc<Context>,
    arrived: Arrived,
    work: impl FnOnce(&Context, M, &Arrived) -> rusqlite::Result<Body> + Send + 'static,
) -> (Answer, Vec<Lost>) {
    let media = media::sent(&arrived.head.headers).unwrap_or(media::JSON);
    let (model, lost) = reading::read::<M>(&arrived.body, media.wire, context.largest);
    let answer = match model {
        Err(wrong) => Answer::invalid(wrong),
        Ok(model) => blocking(move || work(&context, model, &arrived)).await,
    };
    (answer, lost)
}

/// Does what may have to wait for the memory.
pub async fn blocking(work: impl FnOnce() -> rusqlite::Result<Body> + Send + 'static) -> Answer {
    let failed = || Answer::status(StatusCode::INTERNAL_SERVER_ERROR);
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Answer::ok(done),
        Ok(Err(error)) => {
            tracing::error!(%error, "the simulator's store failed");
            failed()
        }
        Err(_) => failed(),
    }
}
