//! From an HTTP request to its answer.
//!
//! In: requests, as axum hands them over. Out: an answer for each, or a cut connection. The order is the real one's: path, method, token,
//! media type, body, rules. A request that has arrived is carried out even if its client does not wait for the answer. The store is only
//! touched on threads that may block. It never logs a path, a body or an answer: they name cards and people.

use std::sync::Arc;

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderName, StatusCode,
        header::{ALLOW, AUTHORIZATION, HOST},
        request::Parts,
    },
    response::Response,
};
use serde_json::json;
use tokio::{sync::watch, task::spawn_blocking};
use uuid::Uuid;

use super::{
    Forgettable, ResultCode,
    answer::{Answer, Reply},
    journal::Journal,
    line::Cut,
    model::{AddUserCard, Asked, Authenticate},
    reading::{self, Lost, Model, guid},
    routes::{self, Call, Route},
    rules,
    shown::{Body, ResultWithGuid, SignedIn},
    spoil::{self, Faults},
    state::{Stop, Store},
    wire,
};

/// The header that names what was lost, where that is reported.
const LOST: HeaderName = HeaderName::from_static("x-cardbridge-lost");

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
}

/// One request that has arrived.
struct Sent {
    head: Parts,
    body: Bytes,
    /// Its number in the journal.
    number: u64,
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
        let number = self.journal.arrived(&head, &body);
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

    async fn call(self: Arc<Self>, call: Call, id: String, sent: &Sent, forget: Vec<Forgettable>) -> Answer {
        match call {
            Call::AddUserCard => {
                self.told(sent, move |service, call: AddUserCard| {
                    let wanted = rules::wanted(&call, &id)?;
                    service.store.add_user_card(&call, &wanted, &forget).map(Body::from)
                })
                .await
            }
            Call::Authenticate => self.told(sent, |service, call| Ok(service.sign_in(call))).await,
            _ => match Asked::read(&sent.head.uri, call == Call::UserCardsV2) {
                Err(wrong) => Answer::invalid(wrong),
                Ok(asked) => self.blocking(move |service| Ok(service.store.user_cards(&asked).map(Body::UserCards)?)).await,
            },
        }
    }

    /// Reads the body, does the work it asks for, and reports what was lost on the way.
    async fn told<M: Model + Send + 'static>(
        self: Arc<Self>,
        sent: &Sent,
        work: impl FnOnce(&Service, M) -> Result<Body, Stop> + Send + 'static,
    ) -> Answer {
        let media = wire::sent(&sent.head.headers).unwrap_or(wire::JSON);
        let (model, lost) = reading::read::<M>(&sent.body, media.wire, self.largest);
        let service = self.clone();
        let answer = match model {
            Err(wrong) => Answer::invalid(wrong),
            Ok(model) => self.blocking(move |service| work(service, model)).await,
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

    fn sign_in(&self, call: Authenticate) -> Body {
        let is_authenticated = !call.email.trim().is_empty() && call.password == self.password;
        let token = is_authenticated.then(|| self.token.clone());
        Body::SignedIn(SignedIn { email: call.email, is_authenticated, token })
    }

    /// The simulator's own calls: no token, no faults, not in the journal.
    async fn own(self: Arc<Self>, call: Call, id: String) -> Answer {
        if call == Call::Overview {
            return self
                .blocking(|service| {
                    Ok(Body::Own(json!({
                        "simulator": "cardbridge",
                        "version": env!("CARGO_PKG_VERSION"),
                        "faults": service.faults.words(),
                        "users": service.store.users()?,
                        "cards": service.store.cards()?,
                        "requests": service.journal.list(),
                    })))
                })
                .await;
        }
        let Some(card_id) = guid(&id) else {
            return Answer::message(StatusCode::NOT_FOUND, "The path names no CardId: write /simulator/cards/<GUID>/unassign.");
        };
        self.blocking(move |service| Ok(Body::Own(json!({ "CardId": card_id, "unassigned": service.store.unassign(card_id)? })))).await
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

    /// Asks the store, where waiting is allowed.
    async fn blocking(self: Arc<Self>, work: impl FnOnce(&Service) -> Result<Body, Stop> + Send + 'static) -> Answer {
        let failed = || Answer::status(StatusCode::INTERNAL_SERVER_ERROR);
        match spawn_blocking(move || work(&self)).await {
            Ok(Ok(done)) => Answer::ok(done),
            Ok(Err(Stop::Refused(refusal))) => Answer::ok(Body::Result(ResultWithGuid {
                value: Uuid::nil(),
                result_code: refusal.code as u8,
                description: refusal.description,
            })),
            Ok(Err(Stop::Broken(error))) => {
                tracing::error!(%error, "the simulator's store failed");
                failed()
            }
            Err(_) => failed(),
        }
    }
}

/// A key that was made is a success.
impl From<Uuid> for Body {
    fn from(value: Uuid) -> Body {
        Body::Result(ResultWithGuid { value, result_code: ResultCode::Success as u8, description: "Success".into() })
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
