//! The door of a station: its socket, and who answers there.
//!
//! In: where the store is. Out: answers, until the door is dropped; a socket that somebody removes is made again, for a station that
//! nobody reaches keeps everybody else from its store all the same. Never: a socket beside another store, or in place of another socket.

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::net::UnixListener;

use super::{
    api::{self, Shared},
    place::StorePlace,
    platform::socket::{self, Bound},
};

/// How often it is looked whether the socket is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A socket that is listened at.
pub(super) struct Door {
    place: StorePlace,
    group: Option<String>,
    listener: UnixListener,
    bound: Bound,
}

impl Door {
    /// Listens beside this store, for this user, or for a group too.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(super) fn beside(store: &Path, group: Option<&str>) -> io::Result<Self> {
        let (listener, bound) = socket::listen(store, group)?;
        Ok(Self { place: StorePlace::of(store), group: group.map(ToOwned::to_owned), listener, bound })
    }

    /// Answers there, for as long as this is not dropped.
    pub(super) async fn answer(self, shared: Arc<Shared>) {
        let Self { place, group, mut listener, mut bound } = self;
        loop {
            tokio::select! {
                () = api::serve(listener, shared.clone()) => return,
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
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        if bound.is_gone()
            && place.gone().is_none()
            && let Ok(made) = socket::listen(place.path(), group)
        {
            return made;
        }
    }
}
