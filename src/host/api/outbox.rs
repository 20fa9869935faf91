//! The outbox: every entry, one entry's whole way, and a person's word on it.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    OrderedBy, Shared,
    body::{Asked, Failed, InPath, RetryBody, Sent},
    calls::nobody_yet,
    people::named,
};
use crate::{
    access::{AddUserCard, Operation, RemoveUserCard},
    enroll::{
        enrollment::{Order, add_existing_card},
        origin::{Origin, Undoes},
    },
    host::{
        holder::{self, Holder},
        hosting::Control,
    },
    outbox::{Entry, HeldBy, Reassign, State as Of, Step},
    station::{Event, Notice, Scope},
    store::{StoreError, StoreHandle},
    views::{self, notice::NoticeJson},
};

fn failed(error: &StoreError) -> Failed {
    Failed::impossible("store", error.to_string(), "")
}

/// Entries, oldest first, and what is known to be wrong with the store.
#[utoipa::path(get, path = "/v1/outbox", params(OutboxFilter), responses((status = 200, description = "Entries and findings", body = Entries)))]
pub(super) async fn list(State(shared): State<Arc<Shared>>, Asked(wanted): Asked<OutboxFilter>) -> Result<Json<Entries>, Failed> {
    let mut entries: VecDeque<EntryJson> = VecDeque::new();
    let mut last = 0;
    loop {
        let page = shared.store.page_after(last).await.map_err(|error| failed(&error))?;
        let Some((number, _)) = page.last() else { break };
        last = *number;
        entries.extend(page.iter().filter(|(_, entry)| wanted.is_met(entry)).map(|(_, entry)| told(&shared, entry)));
        let surplus = entries.len().saturating_sub(wanted.limit.unwrap_or(usize::MAX));
        entries.drain(..surplus);
    }
    let findings = shared.store.findings().await.map_err(|error| failed(&error))?;
    Ok(Json(Entries { entries, findings }))
}

/// Entries, and what is known to be wrong with the store.
#[derive(Serialize, ToSchema)]
pub(super) struct Entries {
    #[schema(value_type = Vec<EntryJson>)]
    entries: VecDeque<EntryJson>,
    findings: Vec<String>,
}

/// An entry.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub(super) struct EntryJson {
    #[serde(flatten)]
    #[schema(value_type = NoticeJson)]
    notice: Value,
    /// Why it waits for another BluSKY than this station's.
    elsewhere: Option<String>,
    /// Everything that has happened to it; absent in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    steps: Option<Vec<StepJson>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
struct StepJson {
    #[schema(format = DateTime)]
    at: String,
    state: Of,
    words: String,
}

/// Which entry is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what `InPath` reads")]
struct OfEntry {
    /// The key of the entry, or the beginning of it.
    #[param(min_length = 1)]
    id: String,
}

/// Which entries are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OutboxFilter {
    /// Those in this state.
    state: Option<Of>,
    /// Those about this user.
    user: Option<Uuid>,
    /// Those saved since this time.
    since: Option<DateTime<Utc>>,
    /// The last ones, so many.
    limit: Option<usize>,
    /// Those for rows of a roster of this name.
    roster: Option<String>,
    /// Those of the card with this number, print or key.
    card: Option<String>,
}

impl OutboxFilter {
    fn is_met(&self, entry: &Entry) -> bool {
        self.state.is_none_or(|state| entry.progress().state == state)
            && self.user.is_none_or(|user| entry.operation.user() == Some(user))
            && self.since.is_none_or(|since| entry.saved_at >= since)
            && self.card.as_ref().is_none_or(|card| entry.is_about_card(card))
            && self.roster.as_ref().is_none_or(|file| entry.origin.roster.as_ref().is_some_and(|row| row.file == *file))
    }
}

/// One entry with everything that has happened to it.
#[utoipa::path(
    get,
    path = "/v1/outbox/{id}",
    params(OfEntry),
    responses((status = 200, description = "The entry", body = EntryJson))
)]
pub(super) async fn show(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<Json<EntryJson>, Failed> {
    Ok(Json(way(&shared, &find(&shared.store, &id).await?)))
}

/// Try again what was refused or waits for a person.
#[utoipa::path(
    post,
    path = "/v1/outbox/{id}/retry",
    params(OfEntry),
    request_body = RetryBody,
    responses((status = 200, description = "The entry", body = EntryJson))
)]
pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    InPath(id): InPath,
    Sent(body): Sent<RetryBody>,
) -> Result<Json<EntryJson>, Failed> {
    let entry = find(&shared.store, &id).await?;
    is_here(&shared, &entry)?;
    if body.user.is_some() {
        let is_unknown = matches!(entry.operation, Operation::AddUser(_)) && entry.progress().state == Of::InDoubt;
        if body.absent || !is_unknown || body.user.is_some_and(|user| user.is_nil()) {
            let help = "it says that a user whom AddUser left in doubt is there; `outbox show` shows the entry";
            return Err(Failed::impossible("user", "this entry does not wait for a user's GUID; nothing was done", help));
        }
    }
    if let (Operation::AddUser(user), Of::InDoubt, false, None) = (&entry.operation, entry.progress().state, body.absent, body.user)
        && shared.directory.asks()
        && let Ok(Some(user_id)) = shared.directory.added(user).await
    {
        return settle(&shared, &id, Step::UserFound { user_id }).await;
    }
    // A user who was refused may have been added by another entry since.
    if let (Operation::AddUser(user), Of::Refused) = (&entry.operation, entry.progress().state) {
        nobody_yet(&shared, user, false).await?;
    }
    settle(&shared, &id, Step::Retry { absent: body.absent, user: body.user }).await
}

/// Give up what was not accepted.
#[utoipa::path(
    post,
    path = "/v1/outbox/{id}/discard",
    params(OfEntry),
    responses((status = 200, description = "The entry", body = EntryJson))
)]
pub(super) async fn discard(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<Json<EntryJson>, Failed> {
    settle(&shared, &id, Step::Discarded { superseded_by: None }).await
}

/// Take the card of an accepted enrollment back, and give it back to its holder before, where that is known: each an entry of its own.
#[utoipa::path(
    post,
    path = "/v1/outbox/{id}/undo",
    params(OfEntry),
    responses((status = 200, description = "The entries that do so", body = Undone))
)]
pub(super) async fn undo(
    State(shared): State<Arc<Shared>>,
    OrderedBy(ordered_by): OrderedBy,
    InPath(id): InPath,
) -> Result<Json<Undone>, Failed> {
    let entry = find(&shared.store, &id).await?;
    is_here(&shared, &entry)?;
    let progress = entry.progress();
    let undone_by = match progress.undone_by {
        Some(by) => shared.store.entry(by).await.ok().filter(|by| !by.progress().state.came_to_nothing()),
        None => None,
    };
    let (Operation::AddUserCard(call), Of::Accepted, None) = (&entry.operation, progress.state, undone_by) else {
        let help = "`outbox discard` gives up what was not accepted; `card remove` takes a card back";
        return Err(Failed::impossible("state", "only an accepted enrollment that was not undone can be undone; nothing was done", help));
    };
    let Some(card_id) = progress.card_id.or(call.card_id) else {
        let help = format!("`cardbridge card remove --user {} --card NUMBER` looks for it among the user's cards", call.user_id);
        return Err(Failed::impossible("card_unknown", "BluSKY has not shown the key of this card; nothing was done", help));
    };
    let before = holder::before(&entry, &shared.directory, &shared.store).await.map_err(|error| failed(&error))?;
    let removal = Operation::RemoveUserCard(RemoveUserCard { card_id, user_id: call.user_id });
    let giving = before.as_ref().and_then(|held| given_back(card_id, held)).map(|call| (Uuid::now_v7(), Operation::AddUserCard(call)));
    let (taken_by, now) = (Uuid::now_v7(), Utc::now());
    let undoing = Undoes { entry: entry.id, gives_back: giving.as_ref().map(|(id, _)| *id) };
    let mut by = Vec::new();
    for (id, operation) in [(taken_by, removal)].into_iter().chain(giving) {
        let person = named(&shared.directory, operation.user().unwrap_or_default()).await;
        let (undoing, once_taken_by) = if id == taken_by { (Some(undoing.clone()), None) } else { (None, Some(taken_by)) };
        let origin = Origin { ordered_by: Some(ordered_by.clone()), person, undoing, once_taken_by, ..Origin::default() };
        by.push(Entry { origin, ..Entry::of(id, now, operation, Reassign::Never) });
    }
    shared.store.undo(&entry, now, by.clone()).await.map_err(|error| failed(&error))?;
    for id in [entry.id].into_iter().chain(by.iter().map(|entry| entry.id)) {
        let entry = shared.store.entry(id).await.map_err(|error| failed(&error))?;
        shared.post(Event::Settled(Box::new(entry)))?;
    }
    let orders = by.into_iter().map(|entry| Undoing { id: entry.id, operation: entry.operation }).collect();
    drop(shared.control.send(Control::Deliver(Scope::Ordered)));
    let on_their_terms = before.is_some_and(|held| held.card_user_flags.is_some());
    Ok(Json(Undone { undone_by: taken_by, orders, on_their_terms }))
}

/// What undoes an enrollment.
#[derive(Serialize, ToSchema)]
pub(super) struct Undone {
    undone_by: Uuid,
    orders: Vec<Undoing>,
    /// The card is given back with the times and flags it had; nobody knows a PIN.
    on_their_terms: bool,
}

#[derive(Serialize, ToSchema)]
struct Undoing {
    id: Uuid,
    operation: Operation,
}

/// A card for whoever had it before, on the terms on which they had it, as far as those are known.
fn given_back(card_id: Uuid, held: &HeldBy) -> Option<AddUserCard> {
    let usual = Order::of(held.user_id);
    let card_user_flags = held.card_user_flags.unwrap_or(usual.card_user_flags);
    let order = Order { activate: held.activate, deactivate: held.deactivate, card_user_flags, ..usual };
    add_existing_card(card_id, &order).ok()
}

/// Who has the card of a refused entry, as far as it is known, how old that is, and whether BluSKY shows it there now. Nothing is moved.
#[utoipa::path(
    get,
    path = "/v1/outbox/{id}/holders",
    params(OfEntry),
    responses((status = 200, description = "Who has it", body = Holders))
)]
pub(super) async fn holders(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<Json<Holders>, Failed> {
    let entry = find(&shared.store, &id).await?;
    let holders = match entry.progress().state {
        Of::Refused => holder::of(&entry, &shared.directory, &shared.store).await.map_err(|error| failed(&error))?,
        _ => Vec::new(),
    };
    Ok(Json(Holders { holders }))
}

/// Who has a card.
#[derive(Serialize, ToSchema)]
pub(super) struct Holders {
    holders: Vec<Holder>,
}

/// Deliver everything that waits.
#[utoipa::path(post, path = "/v1/outbox/deliver", params(Deliver), responses(
    (status = 200, description = "Nothing more can be sent for a while", body = Delivered),
    (status = 202, description = "It is delivered"),
))]
pub(super) async fn deliver(State(shared): State<Arc<Shared>>, Asked(wanted): Asked<Deliver>) -> Result<Response, Failed> {
    if shared.site.config.blusky.is_none() {
        return Err(Failed::usage("no_blusky", "the configuration has no [blusky]", "add [blusky] with base_url and token_file"));
    }
    let before = shared.notices.last();
    drop(shared.control.send(Control::Deliver(Scope::All)));
    if !wanted.wait {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    // Once it answers, it has begun.
    if !shared.is_alive().await || !shared.delivered().await {
        return Err(Failed::station_ended());
    }
    Ok(Json(Delivered { last: Some(shared.notices.last()).filter(|last| *last > before) }).into_response())
}

/// How a delivery is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Deliver {
    /// Answer once nothing more can be sent for a while.
    wait: bool,
}

/// What was told of a delivery.
#[derive(Serialize, ToSchema)]
pub(super) struct Delivered {
    /// The number of the last notice since it was asked for; null where there was none.
    last: Option<u64>,
}

fn told(shared: &Shared, entry: &Entry) -> EntryJson {
    let notice = views::notice::json(&Notice::Entry(Box::new(entry.clone()), None), None, &shared.site.config.policy);
    let is_over = entry.progress().is_over();
    let elsewhere = views::enrollment::elsewhere(entry, shared.store.base_url()).filter(|_| !is_over);
    EntryJson { notice, elsewhere, steps: None }
}

/// An entry with everything that has happened to it.
fn way(shared: &Shared, entry: &Entry) -> EntryJson {
    let step = |(count, (at, step)): (usize, &(DateTime<Utc>, Step))| StepJson {
        at: at.to_rfc3339_opts(SecondsFormat::Millis, true),
        state: entry.upto(count).progress().state,
        words: views::step::words(step),
    };
    EntryJson { steps: Some((1..).zip(entry.steps()).map(step).collect()), ..told(shared, entry) }
}

/// Writes a person's word on an entry down.
async fn settle(shared: &Shared, id: &str, step: Step) -> Result<Json<EntryJson>, Failed> {
    let store = &shared.store;
    let mut entry = find(store, id).await?;
    // Nobody here is sending it: whoever was has ended.
    if let Some(abandoned) = entry.abandoned().filter(|_| !shared.status.borrow().is_sending) {
        store.append(&entry, Utc::now(), abandoned).await.map_err(|error| failed(&error))?;
        entry = store.entry(entry.id).await.map_err(|error| failed(&error))?;
    }
    let state = entry.progress().state;
    if matches!(state, Of::Accepted | Of::Discarded | Of::Sending) {
        let message = format!("the entry is {}; nothing was done", state.name().replace('_', " "));
        return Err(Failed::impossible("state", message, ""));
    }
    if matches!(step, Step::Retry { .. }) {
        once_more(&entry)?;
        store.secret(entry.id).await.map_err(|error| failed(&error))?;
    }
    store.append(&entry, Utc::now(), step).await.map_err(|error| failed(&error))?;
    let entry = store.entry(entry.id).await.map_err(|error| failed(&error))?;
    let answer = way(shared, &entry);
    shared.post(Event::Settled(Box::new(entry)))?;
    Ok(Json(answer))
}

/// Nothing is asked of one BluSKY, and nothing believed of its answer, for an entry of another.
fn is_here(shared: &Shared, entry: &Entry) -> Result<(), Failed> {
    let elsewhere = views::enrollment::elsewhere(entry, shared.store.base_url());
    let help = "set blusky.base_url to that address; `outbox discard` gives up what was not accepted";
    elsewhere.map_or(Ok(()), |elsewhere| Err(Failed::impossible("base_url", elsewhere, help)))
}

/// Whoever had the card before would not get it back by another try of the taking back alone.
fn once_more(entry: &Entry) -> Result<(), Failed> {
    match &entry.origin.undoing {
        Some(Undoes { entry: undone, gives_back: Some(_) }) if entry.progress().state == Of::Refused => {
            let message = "the card would be taken back, and not given to whoever had it before; nothing was done";
            Err(Failed::impossible("state", message, format!("`cardbridge outbox undo {undone}` orders both anew")))
        }
        _ => Ok(()),
    }
}

/// The entry with this key, or the only one whose key begins so.
async fn find(store: &StoreHandle, id: &str) -> Result<Entry, Failed> {
    if let Ok(id) = id.parse::<Uuid>() {
        return store.entry(id).await.map_err(|error| failed(&error));
    }
    let mut keys = match id {
        "" => Vec::new(),
        _ => store.beginning(&id.to_lowercase()).await.map_err(|error| failed(&error))?,
    };
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => {
            let entry = match key.parse() {
                Ok(key) => store.entry(key).await,
                Err(_) => Err(StoreError::Damaged(format!("the key {key:?}"))),
            };
            entry.map_err(|error| failed(&error))
        }
        (Some(_), false) => Err(Failed::usage("entry", format!("several entries begin with {id:?}"), "give more of the key")),
        (None, _) => Err(failed(&StoreError::NoEntry(id.to_owned()))),
    }
}
