//! The sessions that have ended before their time: whoever signs out has signed out everywhere, also where somebody has kept both halves
//! of the session.
//!
//! In: a session that ends, a desk that is asked about. Out: whether its session has ended; one text in the store, for the next station.
//! Never: a session that would have ended by itself by now.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::session::Session;
use crate::store::StoreHandle;

const NAME: &str = "desk sessions ended";

/// The desk of each, with the time at which it would have ended by itself.
type Ended = BTreeMap<Uuid, DateTime<Utc>>;

/// All of them; none until the store has been asked.
#[derive(Debug, Default)]
pub(super) struct SignedOut(Mutex<Option<Ended>>);

impl SignedOut {
    async fn known(&self, store: &StoreHandle) -> MutexGuard<'_, Option<Ended>> {
        let mut ended = self.0.lock().await;
        if ended.is_none() {
            // Where the store cannot be read now, it is asked once more the next time.
            *ended =
                store.kept(NAME).await.ok().map(|kept| kept.and_then(|(_, text)| serde_json::from_str(&text).ok()).unwrap_or_default());
        }
        ended
    }

    /// True where somebody has signed out of it.
    pub(super) async fn has(&self, session: &Session, store: &StoreHandle) -> bool {
        self.known(store).await.as_ref().is_some_and(|ended| ended.contains_key(&session.desk))
    }

    /// Somebody signs out. From here on the session is none, whether that can be written down or not.
    pub(super) async fn end(&self, session: &Session, now: DateTime<Utc>, store: &StoreHandle) {
        let mut known = self.known(store).await;
        let ended = known.get_or_insert_default();
        ended.retain(|_, until| *until > now);
        ended.insert(session.desk, session.until());
        let text = serde_json::to_string(&*ended).unwrap_or_default();
        if let Err(error) = store.keep(NAME, now, text).await {
            tracing::warn!(%error, "that somebody has signed out is not kept");
        }
    }
}
