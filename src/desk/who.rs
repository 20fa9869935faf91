//! Who a card is for: somebody who is found, somebody new, somebody whose card is lost.
//!
//! In: a session, what the page sends. Out: calls of the station's API, and who was found as HTML. Never: a person guessed.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::Method,
    response::{Html, IntoResponse as _},
};
use chrono::{DateTime, Local, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    calls::{Answer, ask, withdrawn},
    front::Desks,
    html,
    scene::Ordered,
    session::Session,
    words::Words,
};
use crate::{
    enroll::{origin::Named, people::folded},
    host::{
        api::body::{Failed, OrderBody, Sent, key},
        client::{Said as _, escaped},
    },
    text::shown,
};

#[derive(Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn people(State(desks): State<Arc<Desks>>, session: Session, Query(search): Query<Search>) -> Answer {
    let typed = search.q.trim();
    if typed.is_empty() {
        return Ok(Html(String::new()).into_response());
    }
    let answer = looked_up(&desks, &session, typed).await?;
    let people = answer.at("people").as_array().map(Vec::as_slice).unwrap_or_default();
    let missed = missed(&answer, &desks.room.words);
    Ok(Html(html::people::found(people, missed.as_deref(), &desks.room.words).into_string()).into_response())
}

async fn looked_up(desks: &Desks, session: &Session, typed: &str) -> Result<Value, Failed> {
    ask(desks, &session.operator, Method::GET, &format!("/v1/people?q={}", escaped(typed)), None).await
}

async fn found(desks: &Desks, session: &Session, typed: &str) -> Result<Vec<Value>, Failed> {
    Ok(looked_up(desks, session, typed).await?.at("people").as_array().cloned().unwrap_or_default())
}

/// What is missed of BluSKY's list, where somebody is not found: who is not in it may be in a newer one.
fn missed(answer: &Value, words: &Words) -> Option<String> {
    let why = || words.reason(answer.text("why")).unwrap_or_else(|| shown(answer.text("why")));
    match (answer.at("asks") == true, answer.text("as_of"), answer.text("why")) {
        (false, ..) => None,
        (true, "", "") => Some(words.fill("no_list", &[("why", &words.say("not_asked_yet"))])),
        (true, "", _) => Some(words.fill("no_list", &[("why", &why())])),
        (true, _, "") => None,
        (true, at, _) => Some(words.fill("old_list", &[("at", &local(at)), ("why", &why())])),
    }
}

fn local(at: &str) -> String {
    at.parse::<DateTime<Utc>>().map_or_else(|_| at.to_owned(), |at| at.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string())
}

/// Somebody whose card is lost.
#[derive(Deserialize)]
pub(super) struct Loser {
    user: String,
    person: String,
}

/// Which of somebody's cards is lost.
pub(super) async fn cards(State(desks): State<Arc<Desks>>, session: Session, Query(loser): Query<Loser>) -> Answer {
    let user = key(&loser.user)?;
    let cards = ask(&desks, &session.operator, Method::GET, &format!("/v1/people/{user}/cards"), None).await?;
    Ok(Html(html::people::cards(user, &loser.person, &cards, &desks.room.words).into_string()).into_response())
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
    /// The lost card that this one replaces.
    #[serde(default)]
    replaces: String,
}

/// Orders a card for somebody. What was ordered at this desk before and has no card yet is withdrawn.
pub(super) async fn enroll(State(desks): State<Arc<Desks>>, session: Session, Sent(wish): Sent<Enroll>) -> Answer {
    let replaces = Some(wish.replaces.as_str()).filter(|card| !card.is_empty()).map(key).transpose()?;
    let body = OrderBody { user: wish.user, replaces, ..about_card(&wish.printed, &wish.card_type) };
    order(&desks, &session, body, wish.person).await
}

fn about_card(printed: &str, card_type: &str) -> OrderBody {
    let printed = Some(printed.trim().to_owned()).filter(|print| !print.is_empty());
    OrderBody { printed, card_type: card_type.parse().ok(), ..OrderBody::default() }
}

#[derive(Deserialize)]
pub(super) struct NewPerson {
    first_name: String,
    last_name: String,
    #[serde(default)]
    employee_number: String,
    #[serde(default)]
    printed: String,
    #[serde(default)]
    card_type: String,
}

/// Orders a card for somebody who is added first. A namesake is told apart by a number.
pub(super) async fn new_person(State(desks): State<Arc<Desks>>, session: Session, Sent(new): Sent<NewPerson>) -> Answer {
    let words = &desks.room.words;
    let Some(people) = &desks.new_people else {
        return Err(Failed::impossible("new_person", words.say("no_new_people"), "add [new_person] to the configuration"));
    };
    let name = format!("{} {}", new.first_name.trim(), new.last_name.trim());
    let number = new.employee_number.trim();
    // Where there is no directory, there are no namesakes that anybody knows of.
    let known = found(&desks, &session, &name).await.unwrap_or_default();
    let numbered = if number.is_empty() { Vec::new() } else { found(&desks, &session, number).await.unwrap_or_default() };
    let is_another = |person: &Value| {
        !number.is_empty() && !matches!(person.text("employee_number"), "" | "0") && person.text("employee_number") != number
    };
    if known.iter().any(|person| folded(person.text("name")) == folded(&name) && !is_another(person)) {
        return Err(Failed::impossible("namesake", words.fill("namesake", &[("person", &name)]), ""));
    }
    if let Some(other) = numbered.iter().find(|person| number != "0" && person.text("employee_number") == number) {
        let said = words.fill("number_taken", &[("number", &number), ("person", &other.text("name"))]);
        return Err(Failed::impossible("number_taken", said, ""));
    }
    let user = people.user(&new.first_name, &new.last_name, number);
    let person = Named { name: name.clone(), employee_number: user.employee_number.clone(), without_access: false };
    let called = person.called();
    let body = OrderBody { new_user: Some(Box::new(user)), person: Some(person), ..about_card(&new.printed, &new.card_type) };
    order(&desks, &session, body, called).await
}

async fn order(desks: &Desks, session: &Session, body: OrderBody, person: String) -> Answer {
    if desks.room.desk(session).has_turns() {
        return Err(Failed::impossible("roster", desks.room.words.say("roster_first"), ""));
    }
    let id = Uuid::now_v7();
    let body = OrderBody { id: Some(id), reader: session.reader.clone(), can_be_asked: true, waits_on: true, ..body };
    let replaces = body.replaces.is_some();
    // Whoever takes its place takes it back, also where it has not come to the station yet: of several at once, one waits.
    let before = desks.room.change(|scene| scene.ordered(session.desk, Ordered { id, person, replaces }));
    let placed = async {
        withdrawn(desks, session, before).await?;
        ask(desks, &session.operator, Method::POST, "/v1/enrollments", serde_json::to_value(&body).ok()).await
    };
    let ordered = placed.await;
    if ordered.is_err() {
        desks.room.change(|scene| scene.not_ordered(session.desk, id));
    }
    ordered.map(|answer| axum::Json(answer).into_response())
}
