//! What a kiosk orders and looks up, from within this process: no request of anybody comes this way.
//!
//! In: somebody who is there alone. Out: an order of theirs, and whether they have a card. Never: an order that takes a card from
//! anybody; the first call never does, whatever the site says, and a second one waits for the front desk's word.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Shared,
    body::{Failed, OrderBody},
    orders::order_of,
    people::called,
};
use crate::{
    access::{AccessControl as _, Cards, Detail},
    enroll::{enrollment::Order, origin::Named},
    host::directory::Meant,
    outbox::Reassign,
    station::{Event, Request, What, WhichCard},
};

/// Who orders, in the record.
const ORDERED_BY: &str = "kiosk";
/// Somebody stands there and waits.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Orders the next card at the kiosk's reader for this user, and says how the front desk calls them.
///
/// # Errors
/// The station does not take it.
pub async fn order(shared: &Arc<Shared>, id: Uuid, user: Uuid, within: TimeDelta) -> Result<Option<Named>, Failed> {
    let site = &shared.site;
    let reader = site.config.kiosk().map(|kiosk| kiosk.reader.clone());
    let person = shared.directory.people().await.ok().and_then(|people| people.person(user));
    let name = person.as_ref().map(called);
    let reassign = if site.config.reassign == Reassign::Never { Reassign::Never } else { Reassign::Ask };
    let meant = Meant { id: user, person, findings: Vec::new() };
    let order = order_of(site, OrderBody::default(), (meant, None), reassign, ORDERED_BY.to_owned())?;
    let what = What::Enroll { order: Box::new(Order { alone: true, ..order }), card: WhichCard::Shown { reader, within }, reassign };
    shared.post(Event::Order(Box::new(Request { id, what, can_be_asked: true })))?;
    Ok(name)
}

/// Withdraws it.
pub fn withdraw(shared: &Shared, id: Uuid) {
    // A station that has ended has no orders.
    drop(shared.post(Event::Withdraw(id)));
}

/// Whether somebody has a card: as BluSKY shows it now, else as the list says that it showed last; none where neither says anything.
pub async fn has_card(shared: &Shared, user: Uuid) -> Option<bool> {
    let look = async { Some(shared.directory.client().await?.cards_of(user, Detail::Card).await) };
    if let Ok(Some(Cards::Shown(cards))) = timeout(LOOK_TIMEOUT, look).await {
        return Some(cards.iter().any(|card| !card.deleted));
    }
    shared.directory.people().await.ok()?.has_card(user)
}
