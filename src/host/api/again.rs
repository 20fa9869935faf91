//! An order that comes again under its key: somebody did not hear the first answer, or gives one key to two orders.
//!
//! In: an order, and what was ordered or saved under its key. Out: how that stands, or that it is another order. Never: a second entry, or
//! a yes to an order that nobody carries out.

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    Shared,
    body::{Failed, OrderBody},
    people::who,
    stream,
};
use crate::{
    access::{AddUserCard, Operation},
    card::{Literal, PacsBits, Presentation},
    host::hosting::Control,
    outbox::{Entry, KnownBy},
    station::{Event, Notice, Request, Scope},
    views,
};

/// Orders it for this listener, unless the station knows another order under its key: of two that come in the same moment, one is refused.
/// Whoever hangs up meanwhile has withdrawn it as at any other time: it is ordered to the end, and then its answer is thrown away.
pub(super) async fn place(
    shared: Arc<Shared>,
    request: Request,
    listener: Option<Uuid>,
    answer: impl FnOnce(&Arc<Shared>) -> Response + Send + 'static,
) -> Result<Response, Failed> {
    let placed = tokio::spawn(async move {
        let (id, (taken, is_taken)) = (request.id, oneshot::channel());
        drop(shared.control.send(Control::Order(Box::new(request), taken)));
        if !is_taken.await.map_err(|_| Failed::station_ended())? {
            return Err(another_order(id));
        }
        drop(shared.control.send(Control::Deliver(Scope::Ordered)));
        listener.map_or(Ok(()), |whose| stream::belongs(&shared, whose, id))?;
        Ok(answer(&shared))
    });
    placed.await.unwrap_or_else(|_| Err(Failed::station_ended()))
}

/// What was ordered before, and is saved, goes on from there: how it stands.
pub(super) fn resumed(shared: &Shared, entry: Entry) -> Result<Value, Failed> {
    // Of what has come to its end nothing more is heard.
    if !entry.progress().is_settled() {
        shared.post(Event::Resume(entry.id))?;
        drop(shared.control.send(Control::Deliver(Scope::Ordered)));
    }
    Ok(views::notice::json(&Notice::Entry(Box::new(entry), None), None, &shared.site.config.policy))
}

/// The key of an order was given before, to another one.
pub(super) fn another_order(id: Uuid) -> Failed {
    Failed::impossible("another_order", format!("something else was ordered under the key {id}"), "give each order a key of its own")
}

/// True where an entry is for the person and of the card of an order.
pub(super) async fn is_same_order(shared: &Shared, entry: &Entry, body: &OrderBody) -> bool {
    is_that_card(entry, body) && is_for_them(shared, entry, body).await
}

/// True where an entry is for the person of an order, or nobody can tell who that is now.
async fn is_for_them(shared: &Shared, entry: &Entry, body: &OrderBody) -> bool {
    if let Some(user) = &body.new_user {
        return entry.new_user().is_some_and(|ordered| KnownBy::of(ordered) == KnownBy::of(user));
    }
    let is_theirs = |user: Uuid| entry.new_user().is_none() && entry.operation.user() == Some(user);
    body.user.is_empty() || who(&shared.directory, &body.user).await.map_or(true, |meant| is_theirs(meant.id))
}

/// True where the entry is of the card that an order names, or the order takes the next one at a reader.
fn is_that_card(entry: &Entry, body: &OrderBody) -> bool {
    let named = named_bits(body);
    let Some(call) = card_call(entry).filter(|_| named.is_some() || body.card_id.is_some()) else { return true };
    let read = entry.origin.card.as_ref().and_then(|card| card.bits.as_deref());
    body.card_id == call.card_id && named.zip(read).is_none_or(|(named, read)| named.to_string() == read)
}

/// The bits that an order names; none of a card of which only its number or several lengths are known.
fn named_bits(body: &OrderBody) -> Option<PacsBits> {
    let literal = body.bits.as_ref().and_then(|bits| bits.parse::<Literal>().ok());
    body.presentation.as_ref().map_or_else(|| Presentation::of_literal(&literal?).bits, |presentation| presentation.bits)
}

/// The call that gives the card, if it is one.
fn card_call(entry: &Entry) -> Option<&AddUserCard> {
    match (&entry.operation, &entry.origin.card_after) {
        (Operation::AddUserCard(call), _) => Some(call),
        (_, card_after) => card_after.as_deref(),
    }
}
