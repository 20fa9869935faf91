//! What is done at a desk: each a call of the station's API, as any other client makes it.
//!
//! In: a session, what the page sends. Out: what the API answers. Never: a card, or a decision that the API does not make.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Path, Query, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{front::Desks, html, scene::Ordered, session::Session};
use crate::{
    access::Secret,
    blusky::secret_file,
    host::{
        api::{
            Operator,
            body::{AnswerBody, Failed, OrderBody, Sent},
        },
        client::{Said, escaped},
    },
};

/// No answer of the API is larger.
const LARGEST_ANSWER: usize = 8 << 20;
/// The cookie with the one half of a session; the other half is a header.
const COOKIE: &str = "cardbridge_desk";
const KEY: &str = "cardbridge-desk";

type Answer = Result<Response, Failed>;

impl FromRequestParts<Arc<Desks>> for Session {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, desks: &Arc<Desks>) -> Result<Self, Failed> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cookies = header("cookie").split(';').filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let now = Utc::now();
        let session = cookies.filter_map(|cookie| desks.seal.open(cookie, header(KEY), now)).next();
        session.ok_or_else(|| Failed::new(StatusCode::UNAUTHORIZED, "signed_out", "nobody has signed in", "sign in at the page"))
    }
}

/// Asks the API in the operator's name.
async fn ask(desks: &Desks, operator: &str, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failed> {
    let gone = || Failed::new(StatusCode::SERVICE_UNAVAILABLE, "station_ended", "the station has ended", "");
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).map_err(|_| gone())?;
    request.extensions_mut().insert(Operator(operator.to_owned()));
    let answer = desks.api.clone().oneshot(request).await.map_err(|_| gone())?;
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), LARGEST_ANSWER).await.map_err(|_| gone())?;
    let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match status.is_success() {
        true => Ok(said),
        false => Err(Failed { status: status.as_u16(), error: said.at("error").clone() }),
    }
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    name: String,
    pin: Option<Secret>,
    #[serde(default)]
    reader: String,
}

pub(super) async fn sign_in(State(desks): State<Arc<Desks>>, Sent(wish): Sent<SignIn>) -> Answer {
    let words = &desks.room.words;
    let refused = |message: String| Failed::new(StatusCode::FORBIDDEN, "sign_in", message, "");
    let (name, now) = (wish.name.trim(), Utc::now());
    let operators = &desks.settings.operators;
    let operator = operators.iter().find(|operator| operator.name == name);
    if name.is_empty() || name.len() > 64 || (operator.is_none() && !operators.is_empty()) {
        return Err(refused(words.say("wrong_sign_in").to_owned()));
    }
    if let Some(file) = operator.and_then(|operator| operator.pin_file.as_ref()) {
        if let Some(pause) = desks.tries().pause(name, now) {
            return Err(refused(words.fill("wait_sign_in", &[("seconds", &(pause.num_seconds() + 1))])));
        }
        let pin = secret_file::read_pin(file).map_err(|error| refused(error.to_string()))?;
        let is_right = wish.pin.as_ref() == Some(&pin);
        desks.tries().tried(name, is_right, now);
        if !is_right {
            return Err(refused(words.say("wrong_sign_in").to_owned()));
        }
    }
    let reader = Some(wish.reader).filter(|reader| !reader.is_empty());
    let begun = desks.seal.begin(name.to_owned(), reader, now);
    let (session, cookie) = begun.ok_or_else(|| refused("the session could not be sealed".to_owned()))?;
    let cookie = format!("{COOKIE}={cookie}; HttpOnly; SameSite=Strict; Path=/");
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({"key": session.key}))).into_response())
}

pub(super) async fn sign_out(State(desks): State<Arc<Desks>>, session: Session) -> Answer {
    desks.room.change(|scene| scene.leave(session.desk));
    let cookie = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({"signed_out": true}))).into_response())
}

#[derive(Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn people(State(desks): State<Arc<Desks>>, session: Session, Query(search): Query<Search>) -> Answer {
    let typed = search.q.trim();
    if typed.is_empty() {
        return Ok(axum::response::Html(String::new()).into_response());
    }
    let query = escaped(typed);
    let answer = ask(&desks, &session.operator, Method::GET, &format!("/v1/people?q={query}"), None).await?;
    let people = answer.at("people").as_array().cloned().unwrap_or_default();
    Ok(axum::response::Html(html::people::found(&people, &desks.room.words).into_string()).into_response())
}

#[derive(Deserialize)]
pub(super) struct Enroll {
    user: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    printed: String,
    #[serde(default)]
    card_type: String,
}

/// Orders a card for somebody. What was ordered at this desk before and has no card yet is withdrawn.
pub(super) async fn enroll(State(desks): State<Arc<Desks>>, session: Session, Sent(wish): Sent<Enroll>) -> Answer {
    take_back(&desks, &session).await?;
    let id = Uuid::now_v7();
    let body = OrderBody {
        id: Some(id),
        user: wish.user,
        reader: session.reader.clone(),
        printed: Some(wish.printed.trim().to_owned()).filter(|print| !print.is_empty()),
        card_type: wish.card_type.parse().ok(),
        can_be_asked: true,
        ..OrderBody::default()
    };
    desks.room.change(|scene| scene.ordered(session.desk, Ordered { id, person: wish.person }));
    let ordered = ask(&desks, &session.operator, Method::POST, "/v1/enrollments", serde_json::to_value(&body).ok()).await;
    if ordered.is_err() {
        desks.room.change(|scene| scene.not_ordered(session.desk, id));
    }
    ordered.map(|answer| Json(answer).into_response())
}

async fn take_back(desks: &Desks, session: &Session) -> Result<(), Failed> {
    let desk = desks.room.desk(session);
    if let Some(order) = desk.order.as_ref().filter(|_| desk.is_open()) {
        ask(desks, &session.operator, Method::DELETE, &format!("/v1/enrollments/{}", order.id), None).await?;
    }
    Ok(())
}

pub(super) async fn withdraw(State(desks): State<Arc<Desks>>, session: Session) -> Answer {
    take_back(&desks, &session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a form sends: all members are text.
#[derive(Deserialize)]
pub(super) struct Answered {
    question: String,
    answer: Option<String>,
    printed: Option<String>,
    choice: Option<String>,
    #[serde(default)]
    keep: String,
}

pub(super) async fn answer(State(desks): State<Arc<Desks>>, session: Session, Sent(said): Sent<Answered>) -> Answer {
    let Some(order) = desks.room.desk(&session).order else {
        return Err(Failed::impossible("question", "nothing is asked at this desk", ""));
    };
    let wrong = || Failed::usage("answer", "this is no answer to what is asked", "");
    let body = AnswerBody {
        question: said.question.parse().map_err(|_| wrong())?,
        answer: said.answer.map(|answer| serde_json::from_value(answer.into())).transpose().map_err(|_| wrong())?,
        printed: said.printed,
        choice: said.choice.map(|choice| choice.parse()).transpose().map_err(|_| wrong())?,
        keep: !said.keep.is_empty(),
    };
    let path = format!("/v1/enrollments/{}/answer", order.id);
    ask(&desks, &session.operator, Method::POST, &path, serde_json::to_value(&body).ok()).await.map(|answer| Json(answer).into_response())
}

/// A person's word on an entry.
pub(super) async fn entry(State(desks): State<Arc<Desks>>, session: Session, Path((id, what)): Path<(Uuid, String)>) -> Answer {
    if !["undo", "retry", "discard"].contains(&what.as_str()) {
        return Err(Failed::new(StatusCode::NOT_FOUND, "no_such_call", "there is no such call", ""));
    }
    let answer = ask(&desks, &session.operator, Method::POST, &format!("/v1/outbox/{id}/{what}"), Some(json!({}))).await?;
    Ok(Json(answer).into_response())
}

/// The day's list as a table.
pub(super) async fn today(State(desks): State<Arc<Desks>>, _: Session) -> Answer {
    let mut table = csv::Writer::from_writer(Vec::new());
    let titles = ["saved_at", "person", "card", "state", "blusky"];
    let failed = |_| Failed::impossible("csv", "the list could not be written", "");
    table.write_record(titles).map_err(failed)?;
    desks.room.rows().iter().try_for_each(|row| table.write_record(row)).map_err(failed)?;
    let bytes = table.into_inner().map_err(|_| Failed::impossible("csv", "the list could not be written", ""))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes).into_response())
}
