//! What each desk waits for, kept beside the outbox: where a station is started again, whoever waited for a card is told that nobody waits
//! for it any more.
//!
//! In: the scene as it changes, a desk that is looked at again. Out: one text in the store, and what a desk waited for before. Never: the
//! same order once more: who holds a card to the reader by now, nobody knows.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{room::Room, scene::Ordered, session};
use crate::store::{StoreError, StoreHandle};

const NAME: &str = "desk orders";

type Orders = BTreeMap<Uuid, Ordered>;

/// What desks waited for when the station before this one ended.
#[derive(Debug, Default)]
pub(super) struct OrdersBefore(Mutex<Option<Before>>);

#[derive(Debug)]
struct Before {
    /// As long as nobody has looked at the desk since.
    orders: Orders,
    /// What stands in the store.
    written: Orders,
}

impl OrdersBefore {
    async fn known(&self, store: &StoreHandle) -> MutexGuard<'_, Option<Before>> {
        let mut before = self.0.lock().await;
        if before.is_none() {
            let text = store.kept(NAME).await.ok().flatten().map(|(_, text)| text).unwrap_or_default();
            let written: Orders = serde_json::from_str(&text).unwrap_or_default();
            let mut orders = written.clone();
            orders.retain(|_, order| is_young(order.id, Utc::now()));
            *before = Some(Before { orders, written });
        }
        before
    }

    /// What this desk waited for when the station before this one ended, where nothing became of it; said once.
    pub(super) async fn take(&self, desk: Uuid, store: &StoreHandle) -> Option<Ordered> {
        let order = self.known(store).await.as_mut()?.orders.remove(&desk)?;
        // What is on disk stands in the list.
        matches!(store.entry(order.id).await, Err(StoreError::NoEntry(_))).then_some(order)
    }
}

/// Nobody comes back to an older one: their session has ended.
fn is_young(order: Uuid, now: DateTime<Utc>) -> bool {
    let (seconds, _) = order.get_timestamp().map(|time| time.to_unix()).unwrap_or_default();
    seconds.try_into().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).is_some_and(|ordered| now - ordered < session::LASTS)
}

/// Keeps it as it changes, until it is aborted.
pub(super) async fn keep(room: Arc<Room>, store: StoreHandle) {
    let mut changed = room.changes();
    while changed.changed().await.is_ok() {
        let mut before = room.orders_before.known(&store).await;
        let Some(Before { orders: before, written }) = before.as_mut() else { continue };
        let mut orders = before.clone();
        orders.extend(room.orders());
        if *written != orders {
            let text = serde_json::to_string(&orders).unwrap_or_default();
            match store.keep(NAME, Utc::now(), text).await {
                Ok(()) => *written = orders,
                Err(error) => tracing::warn!(%error, "what desks wait for is not kept"),
            }
        }
    }
}
