//! From an HTTP request to its answer.
//!
//! In: requests, as axum hands them over. Out: an answer for each, or a cut connection. The order is the real one's: path, method, token,
//! media type; then `calls` reads the body and carries it out. A request that has arrived is carried out even if its client does not
//! wait for the answer. It never logs a path, a body or an answer: they name cards and people.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::{Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, StatusCode, header::ALLOW, request::Parts},
    response::Response,
};
use tokio::sync::watch;

use super::{
    guard,
    line::Connection,
    own,
    routes::{self, Route},
    service::Service,
};
use crate::simulator::{
    calls::{call::Call, carry_out::carry_out, context::Arrived, whose},
    faults::spoil,
    wire::{
        address::whole_uri,
        answer::{Answer, Reply},
        found::Lost,
        media,
    },
};

/// A body beyond this is refused.
const LARGEST_BODY: usize = 1 << 20;

/// The header that names what was lost, where that is reported.
const LOST: HeaderName = HeaderName::from_static("x-cardbridge-lost");

/// The service, and the sign that serving is over.
#[derive(Clone)]
pub struct Front {
    pub service: Arc<Service>,
    pub stopped: watch::Receiver<()>,
}

/// Answers one request, or cuts its connection.
pub async fn answer(State(front): State<Front>, ConnectInfo(connection): ConnectInfo<Connection>, request: Request) -> Response {
    let Front { service, mut stopped } = front;
    let (head, body) = request.into_parts();
    let media = media::wanted(&head.headers);
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Answer::message(StatusCode::PAYLOAD_TOO_LARGE, "The request body is incomplete, or larger than 1 MiB.")
            .into_response(media);
    };
    // A task of its own: it goes on when the client hangs up, but not when the simulator is stopped.
    let work = tokio::spawn(async move {
        tokio::select! {
            reply = reply(service, connection.address, head, body) => reply,
            _ = stopped.changed() => Reply::HangUp,
        }
    });
    match work.await.unwrap_or_else(|_| Reply::Answer(Answer::status(StatusCode::INTERNAL_SERVER_ERROR))) {
        Reply::Answer(answer) => answer.into_response(media),
        Reply::HangUp => {
            connection.cut.now();
            Response::default()
        }
    }
}

async fn reply(service: Arc<Service>, address: Option<SocketAddr>, head: Parts, body: Bytes) -> Reply {
    let route = routes::find(head.method.as_str(), head.uri.path());
    if let Route::Own(own, id) = route {
        return Reply::Answer(own::answer(service, own, id, &head, address).await);
    }
    let name = route.name();
    let number = service.journal.arrived(name, &head, &body);
    let reply = match route {
        Route::Call(call, id) => match guard::from_a_page(&head, address).filter(|_| call.has_body()) {
            Some(refused) => Reply::Answer(refused),
            None => met(&service, call, Arrived { id, head, body, forgotten: Vec::new() }, number).await,
        },
        Route::WrongMethod(allowed) => {
            let message = format!("The requested resource does not support http method '{}'.", head.method);
            Reply::Answer(Answer::message(StatusCode::METHOD_NOT_ALLOWED, message).with(ALLOW, allowed.join(", ")))
        }
        Route::Own(..) | Route::Unknown => {
            let message = format!("No HTTP resource was found that matches the request URI '{}'.", whole_uri(&head));
            Reply::Answer(Answer::message(StatusCode::NOT_FOUND, message))
        }
    };
    let status = match &reply {
        Reply::Answer(answer) => Some(answer.status.as_u16()),
        Reply::HangUp => None,
    };
    service.journal.answered(number, status);
    tracing::debug!(?status, call = name, "simulator request");
    reply
}

/// One call of the API, with the faults that meet it.
async fn met(service: &Service, call: Call, arrived: Arrived, number: u64) -> Reply {
    let faults = service.faults.meet(call.name(), whose::user(call, &arrived));
    if let Some(reply) = spoil::before_commit(&faults, &arrived.head).await {
        return reply;
    }
    let media = media::wanted(&arrived.head.headers);
    let answer = match guard::turned_away(call, &arrived.head, &service.context.token) {
        Some(refused) => refused,
        None => {
            let arrived = Arrived { forgotten: spoil::forgotten(&faults), ..arrived };
            let (answer, lost) = carry_out(service.context.clone(), call, arrived).await;
            reported(service, number, lost, answer)
        }
    };
    spoil::after_commit(&faults, answer, media)
}

/// Says what was lost, where that is wanted.
fn reported(service: &Service, number: u64, lost: Vec<Lost>, answer: Answer) -> Answer {
    if !service.report_lost || lost.is_empty() {
        return answer;
    }
    let names: Vec<_> = lost.iter().map(|lost| lost.member.as_str()).collect();
    let names = names.join(", ");
    service.journal.lost(number, lost);
    answer.with(LOST, names)
}
