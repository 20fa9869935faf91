//! From an HTTP request to its answer.
//!
//! In: requests, as axum hands them over. Out: an answer for each, or a cut connection. The order is the real one's: path, method, token,
//! media type; then `calls.rs` reads the body and carries it out. A request that has arrived is carried out even if its client does not
//! wait for the answer. It never logs a path, a body or an answer: they name cards and people.

use std::sync::Arc;

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{
        StatusCode,
        header::{ALLOW, AUTHORIZATION, HOST},
        request::Parts,
    },
    response::Response,
};
use serde_json::json;
use tokio::sync::watch;

use super::{
    CardType,
    answer::{Answer, Reply},
    journal::Journal,
    line::Cut,
    reading::guid,
    routes::{self, Call, Route},
    shown::Body,
    spoil::{self, Faults},
    state::Store,
    wire,
};

/// A body beyond this is refused.
const LARGEST_BODY: usize = 1 << 20;

/// Everything a request can reach.
pub(super) struct Service {
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    pub(super) token: String,
    pub(super) password: String,
    /// The largest integer a body may hold.
    pub(super) largest: i64,
    pub(super) report_lost: bool,
    /// Empty: any number is a card type, and requires nothing.
    pub(super) card_types: Vec<CardType>,
    pub(super) wrap_lookups: bool,
}

/// One request that has arrived.
pub(super) struct Sent {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    /// Its number in the journal.
    pub(super) number: u64,
}

/// The service, and the sign that serving is over.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) service: Arc<Service>,
    pub(super) stopped: watch::Receiver<()>,
}

/// Answers one request, or cuts its connection.
pub(super) async fn answer(State(front): State<Front>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let Front { service, mut stopped } = front;
    let (head, body) = request.into_parts();
    let media = wire::wanted(&head.headers);
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Answer::message(StatusCode::PAYLOAD_TOO_LARGE, "The request body is incomplete, or larger than 1 MiB.")
            .into_response(media);
    };
    // A task of its own: it goes on when the client hangs up, but not when the simulator is stopped.
    let work = tokio::spawn(async move {
        tokio::select! {
            reply = service.reply(head, body) => reply,
            _ = stopped.changed() => Reply::HangUp,
        }
    });
    match work.await.unwrap_or_else(|_| Reply::Answer(Answer::status(StatusCode::INTERNAL_SERVER_ERROR))) {
        Reply::Answer(answer) => answer.into_response(media),
        Reply::HangUp => {
            cut.now();
            Response::default()
        }
    }
}

impl Service {
    async fn reply(self: Arc<Self>, head: Parts, body: Bytes) -> Reply {
        let route = routes::find(head.method.as_str(), head.uri.path());
        if let Route::Call(call @ (Call::Overview | Call::Unassign), id) = route {
            return Reply::Answer(self.own(call, id).await);
        }
        let number = self.journal.arrived(call_name(&route), &head, &body);
        let sent = Sent { head, body, number };
        let reply = match &route {
            Route::Call(call, id) => self.clone().met(*call, id.clone(), &sent).await,
            Route::WrongMethod(allowed) => {
                let message = format!("The requested resource does not support http method '{}'.", sent.head.method);
                Reply::Answer(Answer::message(StatusCode::METHOD_NOT_ALLOWED, message).with(ALLOW, allowed.join(", ")))
            }
            Route::Unknown => {
                let message = format!("No HTTP resource was found that matches the request URI '{}'.", whole_uri(&sent.head));
                Reply::Answer(Answer::message(StatusCode::NOT_FOUND, message))
            }
        };
        let status = match &reply {
            Reply::Answer(answer) => Some(answer.status.as_u16()),
            Reply::HangUp => None,
        };
        self.journal.answered(number, status);
        tracing::debug!(?status, call = call_name(&route), "simulator request");
        reply
    }

    /// One call of the API, with the faults that meet it.
    async fn met(self: Arc<Self>, call: Call, id: String, sent: &Sent) -> Reply {
        let faults = self.faults.meet(call.name());
        if let Some(reply) = spoil::before_commit(&faults).await {
            return reply;
        }
        let media = wire::wanted(&sent.head.headers);
        let answer = match self.turned_away(call, &sent.head) {
            Some(refused) => refused,
            None => self.call(call, id, sent, spoil::forgotten(&faults)).await,
        };
        spoil::after_commit(&faults, answer, media)
    }

    /// The simulator's own calls: no token, no faults, not in the journal.
    pub(super) async fn own(self: Arc<Self>, call: Call, id: String) -> Answer {
        if call == Call::Overview {
            return self
                .blocking(call, |service| {
                    Ok(Body::Own(json!({
                        "simulator": "cardbridge",
                        "version": env!("CARGO_PKG_VERSION"),
                        "faults": service.faults.words(),
                        "users": service.store.users()?,
                        "cards": service.store.cards()?,
                        "lookups": service.store.places(&service.card_types)?,
                        "requests": service.journal.list(),
                    })))
                })
                .await;
        }
        let Some(card_id) = guid(&id) else {
            return Answer::message(StatusCode::NOT_FOUND, "The path names no CardId: write /simulator/cards/<GUID>/unassign.");
        };
        self.blocking(call, move |service| Ok(Body::Own(json!({ "CardId": card_id, "unassigned": service.store.unassign(card_id)? }))))
            .await
    }

    /// What is said to a wrong token or media type.
    fn turned_away(&self, call: Call, head: &Parts) -> Option<Answer> {
        let shown = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
        let bare = match shown.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim_start(),
            _ => shown,
        };
        if call.needs_token() && bare != self.token {
            return Some(Answer::status(StatusCode::UNAUTHORIZED));
        }
        match wire::sent(&head.headers) {
            Err(other) if call.has_body() => Some(Answer::message(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("The request entity's media type '{other}' is not supported for this resource."),
            )),
            _ => None,
        }
    }
}

fn call_name(route: &Route) -> &'static str {
    match route {
        Route::Call(call, _) => call.name(),
        Route::WrongMethod(_) => "wrong method",
        Route::Unknown => "unknown path",
    }
}

fn whole_uri(head: &Parts) -> String {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    match head.uri.scheme() {
        Some(_) => head.uri.to_string(),
        None => format!("http://{host}{}", head.uri),
    }
}
