//! Who looks at which desk. Where nobody does any more, nothing is waited for there: the next card would be somebody else's.
//!
//! In: pages that come and go. Out: an order that is taken back, people who have their turn later. Never: what is saved; that stays.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};
use uuid::Uuid;

use super::{
    calls::withdrawn,
    front::Desks,
    session::Session,
    turns::{Pressed, press},
};
use crate::host::client::Said as _;

/// A page that is loaded anew, or has lost the station for a moment, is there again within this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// The desks that somebody looks at, or has looked at a moment ago: how many do, and how many ever did.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<HashMap<Uuid, (usize, u64)>>);

impl Watched {
    fn with<T>(&self, change: impl FnOnce(&mut HashMap<Uuid, (usize, u64)>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn comes(&self, desk: Uuid) {
        self.with(|desks| {
            let (looking, came) = desks.entry(desk).or_default();
            (*looking, *came) = (*looking + 1, *came + 1);
        });
    }

    /// Somebody has gone; where they were the last one, how many ever came.
    fn goes(&self, desk: Uuid) -> Option<u64> {
        self.with(|desks| {
            let (looking, came) = desks.get_mut(&desk)?;
            *looking = looking.saturating_sub(1);
            (*looking == 0).then_some(*came)
        })
    }

    /// True where nobody has come since.
    fn is_left(&self, desk: Uuid, since: u64) -> bool {
        self.with(|desks| {
            let is_left = desks.get(&desk) == Some(&(0, since));
            if is_left {
                desks.remove(&desk);
            }
            is_left
        })
    }
}

/// One who looks at a desk, until this is dropped.
pub(super) struct Onlooker {
    desks: Arc<Desks>,
    session: Session,
}

impl Onlooker {
    pub(super) fn begin(desks: &Arc<Desks>, session: &Session) -> Self {
        desks.watched.comes(session.desk);
        Self { desks: desks.clone(), session: session.clone() }
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        let (Some(since), Ok(runtime)) = (self.desks.watched.goes(self.session.desk), Handle::try_current()) else { return };
        let (desks, session) = (self.desks.clone(), self.session.clone());
        runtime.spawn(async move {
            sleep(PATIENCE).await;
            if desks.watched.is_left(session.desk, since) {
                left(&desks, &session).await;
            }
        });
    }
}

/// Nobody has looked at the desk for a while.
async fn left(desks: &Desks, session: &Session) {
    press(desks, session.desk, Pressed::Rest);
    let order = desks.room.change(|scene| scene.unwatched(session.desk));
    if let Err(failed) = withdrawn(desks, session, order).await {
        tracing::warn!(error = failed.error.text("message"), "what a desk waited for could not be taken back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_left_once_the_last_one_has_gone_and_nobody_has_come_since() {
        let (watched, desk) = (Watched::default(), Uuid::from_u128(1));
        watched.comes(desk);
        watched.comes(desk);
        assert_eq!(watched.goes(desk), None, "another tab is there");
        let since = watched.goes(desk).unwrap();
        watched.comes(desk);
        assert!(!watched.is_left(desk, since), "the page was loaded anew");
        let again = watched.goes(desk).unwrap();
        assert!(!watched.is_left(desk, since) && watched.is_left(desk, again), "the time counts from the last one on");
    }
}
