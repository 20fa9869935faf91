//! What is done at a desk: each a call of the station's API, as any other client makes it.
//!
//! In: a session, what the page sends. Out: what the API answers. Never: a card, or a decision that the API does not make.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Path, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{
    front::Desks,
    session::Session,
    turns::{Pressed, close, press},
};
use crate::{
    access::Secret,
    blusky::secret_file,
    host::{
        api::{
            Operator,
            body::{AnswerBody, Failed, RetryBody, Sent, key},
        },
        client::Said,
    },
    roster::Key,
    text::cell,
};

/// No answer of the API is larger.
const LARGEST_ANSWER: usize = 8 << 20;
/// The cookie with the one half of a session; the other half is a header.
const COOKIE: &str = "cardbridge_desk";
const KEY: &str = "cardbridge-desk";

pub(super) type Answer = Result<Response, Failed>;

impl FromRequestParts<Arc<Desks>> for Session {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, desks: &Arc<Desks>) -> Result<Self, Failed> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cookies = header("cookie").split(';').filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let now = Utc::now();
        let session = cookies.filter_map(|cookie| desks.seal.open(cookie, header(KEY), now)).next();
        let signed_out = || Failed::new(StatusCode::UNAUTHORIZED, "signed_out", "nobody has signed in", "sign in at the page");
        let session = session.ok_or_else(signed_out)?;
        if desks.signed_out.has(&session, desks.shared.store()).await { Err(signed_out()) } else { Ok(session) }
    }
}

/// Asks the API in the operator's name.
pub(super) async fn ask(desks: &Desks, operator: &str, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failed> {
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
    #[serde(default)]
    name: String,
    pin: Option<Secret>,
    #[serde(default)]
    reader: String,
}

pub(super) async fn sign_in(State(desks): State<Arc<Desks>>, Sent(wish): Sent<SignIn>) -> Answer {
    let words = &desks.room.words;
    let refused = |message: String| Failed::new(StatusCode::FORBIDDEN, "sign_in", message, "");
    let (name, now) = (wish.name.trim(), Utc::now());
    if name.is_empty() {
        return Err(refused(words.say("no_name").to_owned()));
    }
    let operators = &desks.settings.operators;
    let operator = operators.iter().find(|operator| operator.name == name);
    if name.len() > 64 || (operator.is_none() && !operators.is_empty()) {
        return Err(refused(words.say("wrong_sign_in").to_owned()));
    }
    if let Some(file) = operator.and_then(|operator| operator.pin_file.as_ref()) {
        if let Some(pause) = desks.tries().pause(name, now) {
            return Err(refused(words.fill("wait_sign_in", &[("seconds", &(pause.num_seconds() + 1))])));
        }
        // Where it stands is nobody's who has not signed in.
        let unreadable = |error: secret_file::SecretError| {
            tracing::error!(%error, "an operator's PIN cannot be read");
            refused(words.say("pin_unreadable").to_owned())
        };
        let pin = secret_file::read_pin(file).map_err(unreadable)?;
        let is_right = wish.pin.as_ref() == Some(&pin);
        desks.tries().tried(name, is_right, now);
        if !is_right {
            return Err(refused(words.say("wrong_sign_in").to_owned()));
        }
    }
    let reader = Some(wish.reader).filter(|reader| !reader.is_empty());
    let begun = desks.seal.begin(name.to_owned(), reader, now);
    let (session, cookie) = begun.ok_or_else(|| refused("the session could not be sealed".to_owned()))?;
    let secure = if desks.settings.tls.is_some() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={cookie}; HttpOnly; SameSite=Strict; Path=/{secure}");
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({"key": session.key}))).into_response())
}

pub(super) async fn sign_out(State(desks): State<Arc<Desks>>, session: Session) -> Answer {
    desks.signed_out.end(&session, Utc::now(), desks.shared.store()).await;
    leave(&desks, &session).await;
    let cookie = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({"signed_out": true}))).into_response())
}

/// Nobody is at this desk any more. Its run stops, and the card that it waits for is nobody's: whoever comes next would show theirs.
pub(super) async fn leave(desks: &Desks, session: &Session) {
    // A run takes its own order back.
    let is_going = desks.room.desk(session).has_turns();
    if !(close(desks, session.desk).await && is_going)
        && let Err(failed) = take_back(desks, session).await
    {
        tracing::warn!(error = failed.error.text("message"), "what a desk waited for could not be taken back");
    }
    desks.room.change(|scene| scene.leave(session.desk));
}

pub(super) async fn take_back(desks: &Desks, session: &Session) -> Result<(), Failed> {
    let desk = desks.room.desk(session);
    withdrawn(desks, session, desk.order.as_ref().filter(|_| desk.is_open()).map(|order| order.id)).await
}

/// Takes an order back, if there is one.
pub(super) async fn withdrawn(desks: &Desks, session: &Session, order: Option<Uuid>) -> Result<(), Failed> {
    if let Some(order) = order {
        ask(desks, &session.operator, Method::DELETE, &format!("/v1/enrollments/{order}"), None).await?;
    }
    Ok(())
}

pub(super) async fn withdraw(State(desks): State<Arc<Desks>>, session: Session) -> Answer {
    // One of a run is gone on without.
    let is_going = desks.room.desk(&session).has_turns();
    if !(is_going && press(&desks, session.desk, Pressed::Key(Key::Skip))) {
        take_back(&desks, &session).await?;
    }
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
    /// The order or entry that it is about; without one, the one at this desk.
    order: Option<Uuid>,
}

pub(super) async fn answer(State(desks): State<Arc<Desks>>, session: Session, Sent(said): Sent<Answered>) -> Answer {
    let Some(order) = said.order.or_else(|| desks.room.desk(&session).order.map(|order| order.id)) else {
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
    let path = format!("/v1/enrollments/{order}/answer");
    ask(&desks, &session.operator, Method::POST, &path, serde_json::to_value(&body).ok()).await.map(|answer| Json(answer).into_response())
}

/// What a person says to an entry.
#[derive(Deserialize)]
pub(super) struct SaidToEntry {
    /// They have looked, and it is not there.
    #[serde(default)]
    absent: String,
    /// They have looked, and the user is there, under this key.
    #[serde(default)]
    user: String,
}

/// A person's word on an entry.
pub(super) async fn entry(
    State(desks): State<Arc<Desks>>,
    session: Session,
    Path((id, what)): Path<(Uuid, String)>,
    Sent(said): Sent<SaidToEntry>,
) -> Answer {
    let user = Some(said.user.trim()).filter(|user| !user.is_empty()).map(key).transpose()?;
    let body = match what.as_str() {
        "retry" => serde_json::to_value(RetryBody { absent: !said.absent.is_empty(), user }).unwrap_or_default(),
        "undo" | "discard" => json!({}),
        _ => return Err(Failed::new(StatusCode::NOT_FOUND, "no_such_call", "there is no such call", "")),
    };
    let answer = ask(&desks, &session.operator, Method::POST, &format!("/v1/outbox/{id}/{what}"), Some(body)).await?;
    Ok(Json(answer).into_response())
}

/// The day's list as a table.
pub(super) async fn today(State(desks): State<Arc<Desks>>, _: Session) -> Answer {
    // Without the mark a spreadsheet takes it for another encoding, and letters for others.
    let mut table = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let titles = ["table_saved_at", "table_person", "table_card", "table_state", "table_blusky"].map(|title| desks.room.words.say(title));
    let failed = |_| Failed::impossible("csv", "the list could not be written", "");
    table.write_record(titles).map_err(failed)?;
    desks.room.rows().iter().try_for_each(|row| table.write_record(row.iter().map(|text| cell(text)))).map_err(failed)?;
    let bytes = table.into_inner().map_err(|_| Failed::impossible("csv", "the list could not be written", ""))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes).into_response())
}
