//! Enrollments: an order, how it stands, an answer to what is asked of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::ACCEPT},
    response::{IntoResponse, Response},
};
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    OrderedBy, Shared,
    again::{another_order, is_same_order, place, resumed},
    body::{AnswerBody, Failed, InPath, OrderBody, Sent, YesOrNo, key},
    calls::{groups, new_user},
    people::{called, who},
    stream,
};
use crate::{
    access::{AddUser, Operation},
    blusky::call::{self, writable},
    card::{Literal, LiteralError, Presentation},
    enroll::{
        enrollment::{Order, Refused},
        origin::Named,
        people::Finding,
    },
    host::{Site, directory::Meant, hosting::Control, lost_card},
    outbox::{self, Reassign},
    station::{Answer, Event, Notice, Request, What, WhichCard},
    views::{self, notice::NoticeJson},
};

/// How long a card is waited for where nothing is said.
const TIMEOUT_S: u64 = 60;

/// Order a card for a user: a literal, an existing card, or the next card at a reader. With Accept: text/event-stream the answer is its
/// way, as it goes; whoever hangs up before a card is taken has withdrawn it.
#[utoipa::path(post, path = "/v1/enrollments", request_body = OrderBody, responses(
    (status = 200, description = "Its way; or, of an order that was saved before, how it stands", content(
        (NoticeJson = "application/json"),
        (NoticeJson = "text/event-stream"),
    )),
    (status = 202, description = "Ordered", body = Ordered, links(
        ("stands" = (operation_id = "state", parameters(("id" = "$response.body#/enrollment")))),
        ("withdraw" = (operation_id = "withdraw", parameters(("id" = "$response.body#/enrollment")))),
        ("answer" = (operation_id = "answer", parameters(("id" = "$response.body#/enrollment")))),
        ("entry" = (operation_id = "show", parameters(("id" = "$response.body#/enrollment")))),
        ("retry" = (operation_id = "retry", parameters(("id" = "$response.body#/enrollment")))),
        ("discard" = (operation_id = "discard", parameters(("id" = "$response.body#/enrollment")))),
        ("undo" = (operation_id = "undo", parameters(("id" = "$response.body#/enrollment")))),
        ("holders" = (operation_id = "holders", parameters(("id" = "$response.body#/enrollment")))),
    )),
))]
pub(super) async fn order(
    State(shared): State<Arc<Shared>>,
    OrderedBy(ordered_by): OrderedBy,
    headers: HeaderMap,
    Sent(body): Sent<OrderBody>,
) -> Result<Response, Failed> {
    let id = body.id.unwrap_or_else(Uuid::now_v7);
    let follows = accepts(&headers, "text/event-stream");
    let listener = shared.notices.listen(shared.notices.last());
    if let Ok(before) = shared.store.entry(id).await {
        if !is_same_order(&shared, &before, &body).await {
            return Err(another_order(id));
        }
        let first = resumed(&shared, before)?;
        return Ok(if follows { stream::order(&shared, listener, id, vec![first]) } else { Json(first).into_response() });
    }
    let (reader, whose) = (body.reader.clone(), body.listener);
    let (request, findings) = request(&shared, id, body, ordered_by).await?;
    if let Some(whose) = whose {
        stream::listens(&shared, whose)?;
    }
    let waits = matches!(&request.what, What::Enroll { card: WhichCard::Shown { .. }, .. });
    if waits {
        stream::known(&shared, reader.as_deref())?;
        open(&shared, reader)?;
    }
    place(shared, request, whose, move |shared| if follows { stream::order(shared, listener, id, findings) } else { ordered(id) }).await
}

/// Opens the readers from which an order takes its card: without a name, all but the kiosk's.
fn open(shared: &Shared, reader: Option<String>) -> Result<(), Failed> {
    let config = &shared.site.config;
    let names = match (reader, config.kiosk()) {
        (None, Some(kiosk)) => {
            let others = config.readers.iter().filter(|reader| reader.name != kiosk.reader);
            let others: Vec<_> = others.map(|reader| Some(reader.name.clone())).collect();
            if others.is_empty() {
                let help = format!("name it, such as --reader {}, or configure another [[reader]]", kiosk.reader);
                return Err(Failed::usage(
                    "kiosk_reader",
                    "the only reader is the kiosk's, from which only orders that name it take cards",
                    help,
                ));
            }
            others
        }
        (reader, _) => vec![reader],
    };
    names.into_iter().for_each(|name| drop(shared.control.send(Control::Open(name))));
    Ok(())
}

/// Whoever orders something takes an answer of this kind.
pub(super) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(kind.as_bytes()))
}

/// The answer to whoever does not follow an order.
pub(super) fn ordered(id: Uuid) -> Response {
    (StatusCode::ACCEPTED, Json(Ordered { enrollment: id, state: OrderStage::Waiting })).into_response()
}

/// An order was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct Ordered {
    enrollment: Uuid,
    state: OrderStage,
}

/// Where an order stands before there is an entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OrderStage {
    Waiting,
    Question,
    NotEnrolled,
}

/// How an order stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Stands {
    #[serde(flatten)]
    #[schema(value_type = NoticeJson)]
    notice: Value,
    state: Stage,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Stage {
    Order(OrderStage),
    Entry(outbox::State),
}

/// How an order stands: the last notice about it, with its state: waiting, question or not_enrolled, or the entry's.
#[utoipa::path(
    get,
    path = "/v1/enrollments/{id}",
    params(("id" = Uuid, Path, description = "The key of the order")),
    responses((status = 200, description = "A notice", body = Stands))
)]
pub(super) async fn state(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<Json<Stands>, Failed> {
    let id = key(&id)?;
    let told = shared.notices.last_about(id);
    if let Some((numbered, state)) = told.as_ref().and_then(|numbered| Some((numbered, stage(&numbered.notice)?))) {
        return Ok(Json(Stands { notice: stream::said(&shared, numbered, false, |notice| notice.value()), state }));
    }
    let entry = shared.store.entry(id).await.map_err(|error| Failed::new(StatusCode::NOT_FOUND, "entry", error.to_string(), ""))?;
    let (state, notice) = (Stage::Entry(entry.progress().state), Notice::Entry(Box::new(entry), None));
    Ok(Json(Stands { notice: views::notice::json(&notice, None, &shared.site.config.policy), state }))
}

/// Where an order stands after this notice; none where it says what its entry waits for.
fn stage(notice: &Notice) -> Option<Stage> {
    match notice {
        Notice::Waiting { .. } => Some(Stage::Order(OrderStage::Waiting)),
        Notice::Asked(..) => Some(Stage::Order(OrderStage::Question)),
        Notice::NotEnrolled(..) => Some(Stage::Order(OrderStage::NotEnrolled)),
        Notice::Entry(entry, _) => Some(Stage::Entry(entry.progress().state)),
        _ => None,
    }
}

/// Withdraw an order; what is saved stays.
#[utoipa::path(
    delete,
    path = "/v1/enrollments/{id}",
    params(("id" = Uuid, Path, description = "The key of the order")),
    responses((status = 202, description = "Withdrawn"))
)]
pub(super) async fn withdraw(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<StatusCode, Failed> {
    shared.post(Event::Withdraw(key(&id)?))?;
    Ok(StatusCode::ACCEPTED)
}

/// Answer the question of that number.
#[utoipa::path(
    post,
    path = "/v1/enrollments/{id}/answer",
    params(("id" = Uuid, Path, description = "The key of the order")),
    request_body = AnswerBody,
    responses((status = 202, description = "Answered"))
)]
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    OrderedBy(by): OrderedBy,
    InPath(id): InPath,
    Sent(body): Sent<AnswerBody>,
) -> Result<StatusCode, Failed> {
    let answer = match (body.answer, body.printed, body.choice) {
        (Some(YesOrNo::Yes), None, None) => Answer::Yes,
        (Some(YesOrNo::No), None, None) => Answer::No,
        (None, Some(print), None) if print.trim().is_empty() => {
            return Err(Failed::usage("answer", "the print is empty", "give what is printed on the card, or answer yes or no"));
        }
        (None, Some(print), None) => Answer::Printed(print),
        (None, None, Some(choice)) => Answer::Choice(choice),
        _ => return Err(Failed::usage("answer", "an answer is one of answer (yes or no), printed and choice", "give one of them")),
    };
    let id = key(&id)?;
    is_asked(&shared, id, body.question).await?;
    if body.keep {
        shared.post(Event::Keep(id, body.question, by))?;
    }
    shared.post(Event::Answer(id, body.question, answer))?;
    Ok(StatusCode::ACCEPTED)
}

/// Says no to an answer that nobody has asked for. What is asked of an entry that is saved, the station knows.
async fn is_asked(shared: &Shared, id: Uuid, number: u64) -> Result<(), Failed> {
    match shared.stands(id).await {
        Some(Notice::Asked(_, question)) if question.number == number => Ok(()),
        None if shared.store.entry(id).await.is_ok() => Ok(()),
        Some(_) => {
            let help = format!("GET /v1/enrollments/{id} shows what is asked");
            Err(Failed::impossible("question", "that question is not asked, or not any more", help))
        }
        None => Err(Failed::new(StatusCode::NOT_FOUND, "entry", format!("there is no order {id} that waits"), "")),
    }
}

/// The station's order that follows from a body, judged as far as it can be before there is a card.
async fn request(shared: &Arc<Shared>, id: Uuid, body: OrderBody, ordered_by: String) -> Result<(Request, Vec<Value>), Failed> {
    let (site, can_be_asked) = (&shared.site, body.can_be_asked);
    let judged_at = body.new_user.is_some().then(Utc::now);
    let card = wanted(&body)?;
    let reassign = reassign(site, body.reassign)?;
    let user = match &body.new_user {
        Some(user) => added(shared, user, &body).await?,
        None => who(&shared.directory, &body.user).await?,
    };
    let before = match (&body.new_user, body.replaces) {
        (Some(user), _) => Some(Operation::AddUser(user.clone())),
        (None, Some(card)) => Some(lost_card::operation(site, &shared.directory, user.id, card).await),
        (None, None) => None,
    };
    let finding = |finding: &Finding| views::notice::note(format!("the list of people, {finding}"));
    let findings = user.findings.iter().map(finding).collect();
    let order = Box::new(Order { judged_at, ..order_of(site, body, (user, before), reassign, ordered_by)? });
    Ok((Request { id, what: What::Enroll { order, card, reassign }, can_be_asked }, findings))
}

/// A person who is added first, judged as one who is added alone.
async fn added(shared: &Arc<Shared>, user: &AddUser, body: &OrderBody) -> Result<Meant, Failed> {
    if body.replaces.is_some() || !body.user.is_empty() {
        return Err(Failed::usage(
            "user",
            "a new person is nobody whom BluSKY knows, and has no card to replace",
            "leave user and replaces out",
        ));
    }
    // Whoever waits for a card gives a long list its time.
    let waits = body.bits.is_none() && body.card_id.is_none() && body.presentation.is_none();
    new_user(shared, user, waits, body.namesake).await?;
    Ok(Meant { id: Uuid::nil(), person: None, findings: Vec::new() })
}

/// What is done beside the card. One secret is kept for an entry: a login's password or a PIN.
fn judge_beside(site: &Site, order: &Order) -> Result<(), Failed> {
    groups(&order.access_level_groups, order.before.as_deref())?;
    if order.pin.as_ref().is_some_and(|pin| !pin.is_pin()) {
        return Err(Failed::usage("pin", "it is no PIN: a PIN is 1 to 16 digits and nothing else", "leave it out where there is none"));
    }
    let Some(first) = &order.before else { return Ok(()) };
    if order.pin.is_some() && first.secret().is_some() {
        let help = "add the user with the login first (`cardbridge user add`), then enroll the card with its PIN";
        return Err(Failed::usage("pin", "one order takes a login's password or a PIN, and not both", help));
    }
    let wire = site.config.blusky.as_ref().map(|blusky| blusky.wire).unwrap_or_default();
    let judged = call::judge(first, site.config.integer_width, wire);
    judged.map_err(|wrong| Failed::usage("member", wrong.to_string(), "nothing was enrolled"))
}

fn called_new(user: &AddUser) -> Named {
    let name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
    Named { name, employee_number: user.employee_number.clone(), without_access: false }
}

fn wanted(body: &OrderBody) -> Result<WhichCard, Failed> {
    let literal = |literal: &String| {
        let literal = literal.parse::<Literal>();
        literal.map_err(|error: LiteralError| Failed::usage("literal", error.to_string(), LiteralError::HELP))
    };
    match (&body.bits, body.card_id, &body.presentation) {
        (None, None, None) => {
            let seconds = body.timeout_s.unwrap_or(TIMEOUT_S).min(31_536_000);
            Ok(WhichCard::Shown { reader: body.reader.clone(), within: TimeDelta::seconds(seconds.cast_signed()) })
        }
        (Some(bits), None, None) => Ok(WhichCard::Named(Box::new(Presentation::of_literal(&literal(bits)?)))),
        (None, Some(card), None) => Ok(WhichCard::Existing(card)),
        (None, None, Some(presentation)) => Ok(WhichCard::Captured(presentation.clone(), body.readings.unwrap_or(1))),
        _ => Err(Failed::usage("card", "a card is one of bits, card_id and presentation", "give one of them")),
    }
}

fn reassign(site: &Site, asked: bool) -> Result<Reassign, Failed> {
    match (site.config.reassign, asked) {
        (Reassign::Never, true) => {
            let message = "--reassign is refused: this site's configuration says enroll.reassign = \"never\"";
            Err(Failed::usage("reassign", message, "set enroll.reassign = \"ask\" or \"always\" to allow it"))
        }
        (Reassign::Ask, true) => Ok(Reassign::Given),
        (configured, _) => Ok(configured),
    }
}

pub(super) fn order_of(
    site: &Site,
    body: OrderBody,
    (user, before): (Meant, Option<Operation>),
    reassign: Reassign,
    ordered_by: String,
) -> Result<Order, Failed> {
    let policy = &site.config.policy;
    if let Some(number) = body.card_type.filter(|number| policy.card_type(*number).is_none()) {
        let known: Vec<String> = policy.card_types.iter().map(|card_type| card_type.blusky.to_string()).collect();
        let refused = Refused::UnknownCardType(number, known.join(", "));
        return Err(Failed::impossible("unknown_card_type", refused.to_string(), "nothing was enrolled"));
    }
    let order = Order {
        card_type: body.card_type,
        printed: body.printed,
        external_number: body.external_number,
        activate: body.activate,
        deactivate: body.deactivate,
        enforce_occupancy_system: Some(body.enforce_occupancy_system || site.config.enforce_occupancy_system),
        pin: body.pin,
        reassign: reassign == Reassign::Always,
        same_card: body.same_card,
        waits_on: body.waits_on,
        confirmed: body.confirm,
        person: user.person.as_ref().map(called).or(body.person).or_else(|| body.new_user.as_deref().map(called_new)),
        ordered_by: Some(ordered_by),
        roster: body.roster,
        before: before.map(Box::new),
        access_level_groups: body.access_level_groups,
        ..Order::of(user.id)
    };
    let order = Order { card_user_flags: body.card_user_flags.unwrap_or(order.card_user_flags), ..order };
    judge_beside(site, &order)?;
    order.window().map_err(|refused| Failed::usage("window", refused.to_string(), "nothing was enrolled"))?;
    let wire = site.config.blusky.as_ref().map(|blusky| blusky.wire).unwrap_or_default();
    let judged = order.judge(site.config.integer_width).and_then(|operation| operation.map_or(Ok(()), |call| writable(&call, wire)));
    judged.map_err(|wrong| Failed::usage("member", wrong.to_string(), "nothing was enrolled"))?;
    Ok(order)
}
