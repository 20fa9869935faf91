//! The cards of a person, so that one of them can be named as lost.
//!
//! In: a user's key. Out: their cards as BluSKY shows them now; where it cannot be asked, as our own record has them. Never: a PIN, or a
//! card that was taken back.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Shared,
    body::{Failed, InPath, key},
};
use crate::{
    access::{AccessControl, Cards, Detail, Operation, StoredCard},
    outbox::{Entry, State as Of},
    store::StoreError,
};

/// The cards of a person, as BluSKY shows them now; where it cannot be asked, as this station's own record has them.
#[utoipa::path(get, path = "/v1/people/{id}/cards", params(("id" = Uuid, Path, description = "The key of the person")), responses(
    (status = 200, description = "Cards, each with the key by which an order names the one that it replaces", body = CardsOf),
))]
pub(super) async fn cards(State(shared): State<Arc<Shared>>, InPath(id): InPath) -> Result<Response, Failed> {
    let user = key(&id)?;
    let shown = match shared.directory.client().await {
        Some(client) => client.cards_of(user, Detail::Card).await,
        None => Cards::Unavailable { why: "there is no way to BluSKY".to_owned() },
    };
    let (from, cards, why) = match shown {
        Cards::Shown(cards) => (Source::Blusky, cards.iter().filter(|card| !card.deleted).filter_map(as_shown).collect(), None),
        Cards::Unavailable { why } | Cards::Later { why } | Cards::Away { why } | Cards::Stopped { why } => {
            let own = recorded(&shared, user).await.map_err(|error| Failed::impossible("store", error.to_string(), ""))?;
            (Source::OwnRecord, own, Some(why))
        }
    };
    Ok(Json(CardsOf { cards, from, why }).into_response())
}

/// The cards of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = Cards)]
struct CardsOf {
    cards: Vec<CardOf>,
    from: Source,
    /// Why BluSKY cannot be asked.
    why: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CardSource)]
enum Source {
    Blusky,
    OwnRecord,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CardOfPerson)]
struct CardOf {
    id: Uuid,
    card_type: Option<i64>,
    card_number: Option<u64>,
    facility_code: Option<u64>,
    external_number: Option<String>,
}

fn as_shown(card: &StoredCard) -> Option<CardOf> {
    Some(CardOf {
        id: card.card_id?,
        card_type: card.card_type,
        card_number: card.internal_card_number,
        facility_code: card.facility_code,
        external_number: card.shown.text("external_card_number").map(Into::into),
    })
}

/// What was given from here and not taken back since, by the keys of the cards.
async fn recorded(shared: &Shared, user: Uuid) -> Result<Vec<CardOf>, StoreError> {
    let (mut last, mut cards) = (0, BTreeMap::new());
    loop {
        let page = shared.store.page_after(last).await?;
        let Some((number, _)) = page.last() else { return Ok(cards.into_values().collect()) };
        last = *number;
        for (_, entry) in page.iter().filter(|(_, entry)| entry.base_url == shared.store.base_url()) {
            entry.took_back().into_iter().for_each(|card| drop(cards.remove(&card)));
            cards.extend(given(entry, user));
        }
    }
}

fn given(entry: &Entry, user: Uuid) -> Option<(Uuid, CardOf)> {
    let progress = entry.progress();
    let Operation::AddUserCard(call) = &entry.operation else { return None };
    let id = progress.card_id.or(call.card_id).filter(|_| progress.state == Of::Accepted && call.user_id == user)?;
    let card = CardOf {
        id,
        card_type: call.card_type,
        card_number: call.internal_card_number,
        facility_code: call.facility_code,
        external_number: call.external_card_number.clone(),
    };
    Some((id, card))
}
