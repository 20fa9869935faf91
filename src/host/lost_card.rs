//! The operation by which a lost card ends, as the site prefers it.
//!
//! In: whose card, and which. Out: the operation that is done before the new card is given. Never: a wait for BluSKY where the card is
//! simply taken back, or an order that is turned down because BluSKY is away.

use chrono::Utc;
use uuid::Uuid;

use super::{Site, directory::Directory};
use crate::{
    access::{AccessControl, Cards, Detail, Operation, StoredCard},
    enroll::lost_card::LostCard,
};

/// What is done about the card; one that is given an end is looked at first, so that what else it has is kept.
pub async fn operation(site: &Site, directory: &Directory, user_id: Uuid, card_id: Uuid) -> Operation {
    let shown = match site.config.lost_card {
        LostCard::Remove => None,
        LostCard::Deactivate => look(directory, user_id, card_id).await,
    };
    site.config.lost_card.operation(user_id, card_id, shown.as_ref(), Utc::now())
}

async fn look(directory: &Directory, user_id: Uuid, card_id: Uuid) -> Option<StoredCard> {
    let Cards::Shown(cards) = directory.client().await?.cards_of(user_id, Detail::Assignment).await else { return None };
    cards.into_iter().find(|card| card.card_id == Some(card_id) && !card.deleted)
}
