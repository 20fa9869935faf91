//! An order that comes again under its key: somebody did not hear the first answer, or gives one key to two orders.
//!
//! In: an order, and what was ordered or saved under its key. Out: how that stands, or that it is another order. Never: a second entry, or
//! a yes to an order that nobody carries out.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use uuid::Uuid;

use super::{
    Shared,
    body::{Failed, OrderBody},
    people::who,
};
use crate::{
    access::{AddUserCard, Operation},
    card::{Literal, PacsBits, Presentation},
    host::hosting::Control,
    outbox::{Entry, KnownBy},
    station::{Event, Notice, Request, Scope},
    views,
};

/// So many orders are known by their keys; an older one has been saved or has ended.
const KNOWN_ORDERS: usize = 4096;

/// What the newest orders are about, by their keys. Between an order and its entry on disk nothing else knows that.
#[derive(Default)]
pub(super) struct Ordered(Mutex<VecDeque<(Uuid, About)>>);

/// What an order is about: with the same key, it is the same order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A card that is named, or the next one, for somebody.
    Card { user: Uuid, new_user: Option<KnownBy>, bits: Option<String>, raw: Option<String>, card_id: Option<Uuid> },
    /// Another call, for this user, of the card with this hash.
    Call { name: &'static str, user: Option<Uuid>, new_user: Option<KnownBy>, card: Option<u64> },
}

impl About {
    /// Of an order of a card for this user, whoever may be new.
    pub(super) fn card(user: Uuid, body: &OrderBody) -> Self {
        let (new_user, captured) = (body.new_user.as_deref(), body.presentation.as_ref());
        let bits = body.bits.clone().or_else(|| captured?.bits.map(|bits| bits.to_string()));
        Self::Card { user, new_user: new_user.map(KnownBy::of), bits, raw: captured.map(|card| card.raw.clone()), card_id: body.card_id }
    }

    /// Of another call.
    pub(super) fn call(operation: &Operation) -> Self {
        let new_user = if let Operation::AddUser(user) = operation { Some(KnownBy::of(user)) } else { None };
        Self::Call { name: operation.name(), user: operation.user(), new_user, card: operation.card() }
    }
}

/// Orders it, unless something else has been ordered under its key: of two orders that come in the same moment, one is told so.
pub(super) fn place(shared: &Shared, about: About, request: Request) -> Result<(), Failed> {
    let (id, mut newest) = (request.id, shared.ordered.0.lock().unwrap_or_else(PoisonError::into_inner));
    let is_over = || shared.notices.last_about(id).is_some_and(|last| matches!(last.notice, Notice::NotEnrolled(..)));
    match newest.iter().position(|(known, _)| *known == id) {
        Some(at) if newest.get(at).is_none_or(|(_, before)| *before == about) => {}
        Some(_) if !is_over() => return Err(another_order(id)),
        at => {
            at.map(|at| newest.remove(at));
            newest.push_back((id, about));
            let too_many = newest.len().saturating_sub(KNOWN_ORDERS);
            newest.drain(..too_many);
        }
    }
    shared.post(Event::Order(Box::new(request)))?;
    drop(newest);
    drop(shared.control.send(Control::Deliver(Scope::Ordered)));
    Ok(())
}

/// What was ordered before, and is saved, goes on from there: how it stands.
pub(super) fn resumed(shared: &Shared, entry: Entry) -> Result<Value, Failed> {
    shared.post(Event::Resume(entry.id))?;
    drop(shared.control.send(Control::Deliver(Scope::Ordered)));
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
