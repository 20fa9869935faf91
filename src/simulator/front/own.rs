//! The simulator's own calls: beyond the API, never met by a fault, and not in the journal.

use std::{net::SocketAddr, sync::Arc};

use axum::http::{StatusCode, request::Parts};
use serde_json::{Map, Value, json};

use super::{guard, routes::Own, service::Service};
use crate::simulator::{
    calls::{carry_out::blocking, context::Context, lookups::LOOKUPS},
    wire::{answer::Answer, body::Body, members::guid},
};

/// Answers one.
pub async fn answer(service: Arc<Service>, own: Own, id: String, head: &Parts, address: Option<SocketAddr>) -> Answer {
    match own {
        Own::Overview => blocking(move || overview(&service)).await,
        Own::Unassign => match guard::stranger(head, address, &service.context.token) {
            Some(refused) => refused,
            None => unassign(service, &id).await,
        },
    }
}

/// Everything it knows.
fn overview(service: &Service) -> rusqlite::Result<Body> {
    let store = &service.context.store;
    Ok(Body::Own(json!({
        "simulator": "cardbridge",
        "version": env!("CARGO_PKG_VERSION"),
        "faults": service.faults.words(),
        "users": store.users()?,
        "cards": store.cards()?,
        "lookups": places(&service.context)?,
        "requests": service.journal.list(),
    })))
}

/// What the lookups list, cards aside.
fn places(context: &Context) -> rusqlite::Result<Value> {
    let others = LOOKUPS.iter().filter(|lookup| lookup.kind != "Card");
    let lists = others.map(|lookup| Ok((lookup.kind.to_owned(), context.store.listed(lookup.kind, &context.card_types)?.into())));
    lists.collect::<rusqlite::Result<Map<_, _>>>().map(Value::Object)
}

/// Takes a card from its holder, as an operator at the console would.
async fn unassign(service: Arc<Service>, id: &str) -> Answer {
    let Some(card_id) = guid(id) else {
        return Answer::message(StatusCode::NOT_FOUND, "The path names no CardId: write /simulator/cards/<GUID>/unassign.");
    };
    blocking(move || Ok(Body::Own(json!({ "CardId": card_id, "unassigned": service.context.store.unassign(card_id)? })))).await
}
