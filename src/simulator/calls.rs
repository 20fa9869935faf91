//! The calls of the API, one after the other: what each reads, which rules judge it, and what of the memory it asks.
//!
//! In: a call that is allowed to be made. Out: its answer. The store is only touched on threads that may block.

use std::sync::Arc;

use axum::http::{HeaderName, StatusCode};
use tokio::task::spawn_blocking;

use super::{
    Forgettable,
    add_user::AddUser,
    answer::Answer,
    api::{Sent, Service},
    lookups::Lookup,
    model::{AddUserCard, Asked, Authenticate, ReplaceCard, UpdateUserCard},
    reading::{self, Lost, Model},
    routes::Call,
    rules,
    shown::{Body, Listed, Moved, Outcome, SignedIn},
    state::Stop,
    wire,
};

/// The header that names what was lost, where that is reported.
const LOST: HeaderName = HeaderName::from_static("x-cardbridge-lost");

impl Service {
    /// Carries a call out. `forget` names members that are not to be stored.
    pub(super) async fn call(self: Arc<Self>, call: Call, id: String, sent: &Sent, forget: Vec<Forgettable>) -> Answer {
        match call {
            Call::AddUserCard => self.told(call, sent, move |service, body| service.add_user_card(&body, &id, &forget)).await,
            Call::ReplaceCardIfExists => self.told(call, sent, move |service, body| service.replace_card(&body, &id, &forget)).await,
            Call::UpdateUserCard => self.told(call, sent, move |service, body| service.update_user_card(&body, &id, forget)).await,
            Call::AddUser => self.told(call, sent, |service, body| service.add_user(&body)).await,
            Call::Authenticate => self.told(call, sent, |service, body| Ok(service.sign_in(body))).await,
            Call::UserCards | Call::UserCardsV2 => match Asked::read(&sent.head.uri, call == Call::UserCardsV2) {
                Err(wrong) => Answer::invalid(wrong),
                Ok(asked) => self.blocking(call, move |service| Ok(service.store.user_cards(&asked).map(Body::UserCards)?)).await,
            },
            Call::Lookup(lookup) => self.blocking(call, move |service| service.look_up(lookup)).await,
            Call::Overview | Call::Unassign => self.own(call, id).await,
        }
    }

    fn add_user_card(&self, body: &AddUserCard, id: &str, forget: &[Forgettable]) -> Result<Body, Stop> {
        let wanted = rules::wanted(body, id, &self.card_types)?;
        let added = self.store.add_user_card(body, &wanted, forget)?;
        Ok(Body::Outcome(Outcome::success(Call::AddUserCard, Some(added.key))))
    }

    fn replace_card(&self, ReplaceCard(body): &ReplaceCard, id: &str, forget: &[Forgettable]) -> Result<Body, Stop> {
        let wanted = rules::wanted(body, id, &self.card_types)?;
        let added = self.store.add_user_card(body, &wanted, forget)?;
        let moved = Some(Moved { previous_user_id: added.previous, current_user_id: Some(body.user_id) });
        Ok(Body::Outcome(Outcome { moved, ..Outcome::success(Call::ReplaceCardIfExists, Some(added.key)) }))
    }

    fn update_user_card(&self, body: &UpdateUserCard, id: &str, mut forget: Vec<Forgettable>) -> Result<Body, Stop> {
        rules::update(body, id)?;
        // What the call does not name it cannot forget.
        let members = UpdateUserCard::CONTRACT.members();
        forget.retain(|member| members.contains(&member.name()));
        self.store.update_user_card(body, &forget)?;
        Ok(Body::Outcome(Outcome::success(Call::UpdateUserCard, None)))
    }

    fn add_user(&self, body: &AddUser) -> Result<Body, Stop> {
        body.judge()?;
        Ok(Body::Outcome(Outcome::success(Call::AddUser, Some(self.store.add_user(body)?))))
    }

    fn look_up(&self, lookup: &'static Lookup) -> Result<Body, Stop> {
        let items = self.store.lookup(lookup, &self.card_types)?;
        Ok(Body::Listed(Listed { lookup, items, is_wrapped: self.wrap_lookups }))
    }

    fn sign_in(&self, call: Authenticate) -> Body {
        let is_authenticated = !call.email.trim().is_empty() && call.password == self.password;
        let token = is_authenticated.then(|| self.token.clone());
        Body::SignedIn(SignedIn { email: call.email, is_authenticated, token })
    }

    /// Reads the body, does the work it asks for, and reports what was lost on the way.
    async fn told<M: Model + Send + 'static>(
        self: Arc<Self>,
        call: Call,
        sent: &Sent,
        work: impl FnOnce(&Service, M) -> Result<Body, Stop> + Send + 'static,
    ) -> Answer {
        let media = wire::sent(&sent.head.headers).unwrap_or(wire::JSON);
        let (model, lost) = reading::read::<M>(&sent.body, media.wire, self.largest);
        let service = self.clone();
        let answer = match model {
            Err(wrong) => Answer::invalid(wrong),
            Ok(model) => self.blocking(call, move |service| work(service, model)).await,
        };
        service.reported(sent.number, lost, answer)
    }

    fn reported(&self, number: u64, lost: Vec<Lost>, answer: Answer) -> Answer {
        if !self.report_lost || lost.is_empty() {
            return answer;
        }
        let names: Vec<_> = lost.iter().map(|lost| lost.member.as_str()).collect();
        let names = names.join(", ");
        self.journal.lost(number, lost);
        answer.with(LOST, names)
    }

    /// Asks the store, where waiting is allowed.
    pub(super) async fn blocking(
        self: Arc<Self>,
        call: Call,
        work: impl FnOnce(&Service) -> Result<Body, Stop> + Send + 'static,
    ) -> Answer {
        let failed = || Answer::status(StatusCode::INTERNAL_SERVER_ERROR);
        match spawn_blocking(move || work(&self)).await {
            Ok(Ok(done)) => Answer::ok(done),
            Ok(Err(Stop::Refused(refusal))) => Answer::ok(Body::Outcome(Outcome::refused(call, refusal))),
            Ok(Err(Stop::Broken(error))) => {
                tracing::error!(%error, "the simulator's store failed");
                failed()
            }
            Err(_) => failed(),
        }
    }
}
