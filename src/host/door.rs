//! The door of a station: its socket, and who answers there.
//!
//! In: where the store is. Out: answers, until the door is dropped. A socket that somebody removes is made again: without it nobody reaches
//! this station, and no other one can begin while it holds the store. Never: a socket beside another store.

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::net::UnixListener;

use super::{
    api::{self, Shared},
    place::StorePlace,
    platform::socket::{self, Bound},
};

/// How often it is looked whether the socket is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A socket that is listened at, and what is let go of once it is gone: the lease of the store.
pub(super) struct Door<H> {
    place: StorePlace,
    group: Option<String>,
    listener: UnixListener,
    bound: Bound,
    holds: H,
}

impl<H> Door<H> {
    /// Listens beside this store, for this user, or for a group too.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(super) fn beside(store: &Path, group: Option<&str>, holds: H) -> io::Result<Self> {
        let (listener, bound) = socket::listen(store, group)?;
        Ok(Self { place: StorePlace::of(store), group: group.map(ToOwned::to_owned), listener, bound, holds })
    }

    /// Answers there, for as long as this is not dropped.
    pub(super) async fn answer(self, shared: Arc<Shared>) {
        // The last one is dropped first.
        let (_holds, place, group, mut bound, mut listener) = (self.holds, self.place, self.group, self.bound, self.listener);
        loop {
            tokio::select! {
                () = api::serve(listener, shared.clone()) => return std::future::pending().await,
                (again, there) = made_again(&place, group.as_deref(), &bound) => {
                    tracing::warn!("somebody has removed the station's socket; it is made again");
                    listener = again;
                    std::mem::replace(&mut bound, there).leave();
                }
            }
        }
    }
}

/// Comes back with a new socket once the old one is gone and its store is not.
async fn made_again(place: &StorePlace, group: Option<&str>, bound: &Bound) -> (UnixListener, Bound) {
    let mut said = None;
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        if !bound.is_gone() || place.gone().is_some() {
            continue;
        }
        match socket::listen(place.path(), group) {
            Ok(made) => return made,
            Err(error) => {
                let why = Some(error.to_string());
                if said != why {
                    tracing::error!(%error, "the station's socket is gone and cannot be made again: nobody reaches this station");
                    said = why;
                }
            }
        }
    }
}
