//! Being the station of a store: the lease, the store, the API, until it is told to end.
//!
//! In: a site. Out: a station that everybody else asks. Never: two stations of one store; who holds the lease delivers, and nobody
//! else does.

use std::{io, mem, path::PathBuf, sync::Arc, time::Duration};

use chrono::Utc;

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};
use uuid::Uuid;

use super::{
    Site,
    api::{Shared, Status},
    deliver::{Caller, take_stock},
    directory::Directory,
    door::Door,
    look_at_store,
    notices::Notices,
    open_store, place,
    platform::lock::{Holder, Lock},
    shell::Shell,
};
use crate::{
    blusky::client::{Client, ClientError},
    station::{Event, Notice, Request, Scope},
    store::{StoreError, StoreHandle, sqlite::check_file},
};

/// Why there is no station.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The lease or the socket cannot be made.
    #[error("the station's lock and socket beside the store {0} cannot be made: {1}")]
    Place(PathBuf, io::Error),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The way to BluSKY is set up wrongly.
    #[error("{0}")]
    Blusky(#[from] ClientError),
}

impl HostError {
    /// True where the configuration is wrong, and not the machine: a group that is none, or not this user's.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        matches!(self, Self::Place(_, error) if error.kind() == io::ErrorKind::InvalidInput)
    }
}

/// What its owner and its clients tell a host.
#[derive(Debug)]
pub enum Control {
    /// Open the reader of this name, or all.
    Open(Option<String>),
    /// Deliver this from now on.
    Deliver(Scope),
    /// Take an order, and say whether it is taken: another one may be known under its key.
    Order(Box<Request>, oneshot::Sender<bool>),
    /// Answer, to show that the station is at work.
    Answer(oneshot::Sender<()>),
    /// Say how an order stands that has no entry yet; nothing where it is not waited for any more.
    Stands(Uuid, oneshot::Sender<Option<Notice>>),
    /// End: what is ordered here and on its way comes to its end first, or only what is being called.
    End(bool, oneshot::Sender<()>),
}

/// A station that this process is.
pub struct Host {
    control: mpsc::UnboundedSender<Control>,
    task: JoinHandle<()>,
    shared: Arc<Shared>,
}

impl Host {
    /// Becomes the station of the site's store, or says who is.
    ///
    /// # Errors
    /// Why it cannot be the station.
    pub async fn become_station(site: &Site, doing: &'static str, credentials: Option<PathBuf>) -> Result<Result<Self, Holder>, HostError> {
        let path = &site.config.store;
        let place = |error| HostError::Place(path.clone(), error);
        check_file(path)?;
        let lease = match Lock::try_take(&Lock::beside(path, "station"), doing).map_err(place)? {
            Ok(lease) => lease,
            Err(holder) => return Ok(Err(holder)),
        };
        let base_url = site.config.blusky.as_ref().map(|blusky| blusky.base_url.as_str()).unwrap_or_default();
        let store = open_store(path, base_url, credentials.as_deref(), site.config.anchor.as_deref())?;
        let door = Door::beside(path, site.config.group.as_deref(), lease).map_err(place)?;
        Self::over(site, doing, store, door).await.map(Ok)
    }

    /// Shows a store that cannot be written as it is: to whoever is told the second path, which stands in the store's place for its
    /// clients. Nothing is saved or delivered.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub async fn show(site: &Site, doing: &'static str, credentials: Option<PathBuf>) -> Result<(Self, PathBuf), HostError> {
        let place = |error| HostError::Place(site.config.store.clone(), error);
        let folder = tempfile::tempdir().map_err(place)?;
        let shown = folder.path().join("store");
        let door = Door::beside(&shown, None, folder).map_err(place)?;
        let store = StoreHandle::over(Box::new(look_at_store(site, credentials.as_deref())?))?;
        let host = Self::over(site, doing, store, door).await?;
        // It says so itself, as soon as it has looked.
        let (is_read_only, is_full) = (place::is_read_only(&site.config.store), place::is_full(&site.config.store));
        if is_full {
            let full = StoreError::Full(site.config.store.display().to_string());
            drop(host.shared.post(Event::Unwritten(full.to_string())));
        }
        if is_read_only || is_full {
            drop(host.shared.status().wait_for(|status| status.unsaved.is_some()).await);
        }
        Ok((host, shown))
    }

    /// A station over this store, which lets go of what its door holds as it ends.
    async fn over<H: Send + 'static>(site: &Site, doing: &'static str, store: StoreHandle, door: Door<H>) -> Result<Self, HostError> {
        let mut shell = Shell::new(site, Some(store.clone()));
        shell.station().remember(store.evidence_seen().await?);
        let (control, told) = mpsc::unbounded_channel();
        let (status, shown) = watch::channel(Status::default());
        let notices = Arc::new(Notices::of_now(Utc::now()));
        shell.number_from(notices.last());
        let shared = Arc::new(Shared::new(site, store.clone(), shell.post_box(), control.clone(), notices.clone(), shown, doing));
        let server = tokio::spawn(door.answer(shared.clone()));
        let running = Running { site: site.clone(), store, shell, told, status, notices, delivers: Scope::Nothing };
        let task = tokio::spawn(async move {
            let told = running.notices.clone();
            running.run().await;
            // Open connections stay open; what they listen to has ended.
            told.close();
            server.abort();
            drop(server.await);
        });
        Ok(Self { control, task, shared })
    }

    /// What it shows and takes.
    #[must_use]
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Tells it something.
    pub fn tell(&self, control: Control) {
        drop(self.control.send(control));
    }

    /// Ends it. What is ordered here and on its way to BluSKY comes to its end first, where that is asked for; calls under way are
    /// finished and written down in any case: cut off, they would be in doubt.
    pub async fn end(self, finish_orders: bool) {
        let (done, ended) = oneshot::channel();
        self.tell(Control::End(finish_orders, done));
        drop(ended.await);
        drop(self.shared);
        drop(self.task.await);
    }
}

/// How often an idle station looks whether its store is still there.
const STORE_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A station at work.
struct Running {
    site: Site,
    store: StoreHandle,
    shell: Shell,
    told: mpsc::UnboundedReceiver<Control>,
    status: watch::Sender<Status>,
    notices: Arc<Notices>,
    /// What is wanted to be delivered, once it can be.
    delivers: Scope,
}

impl Running {
    async fn run(mut self) {
        let (ready, mut callers) = mpsc::unbounded_channel();
        let mut place = self.shell.place().clone();
        let mut looks = tokio::time::interval(STORE_CHECK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end: Option<(bool, oneshot::Sender<()>)> = None;
        loop {
            self.tell();
            // An entry that waits for anything but its turn does not delay the end.
            let is_done = !self.shell.station().is_at_work() || self.shell.is_idle();
            if end.as_ref().is_some_and(|(finish_orders, _)| !finish_orders || is_done) {
                break;
            }
            tokio::select! {
                // After each step the station may be able to end.
                () = self.shell.step() => {}
                _ = looks.tick() => {
                    self.shell.look_at_policy();
                    place.changed().into_iter().for_each(|why| drop(self.shell.post_box().send(Event::StoreGone(why))));
                }
                Some(caller) = callers.recv() => {
                    // What the store holds has been posted before: this comes after it.
                    self.shell.call_with(caller);
                    drop(self.shell.post_box().send(Event::Deliver(self.delivers)));
                }
                Some(control) = self.told.recv() => match control {
                    Control::Open(reader) => {
                        // Whoever looks at cards from now on sees what the file says now.
                        self.shell.look_at_policy();
                        self.shell.open_readers(reader.as_deref());
                    }
                    Control::Deliver(scope) => self.deliver(scope, ready.clone()),
                    Control::Order(request, asked) => drop(asked.send(self.shell.order(*request))),
                    // The client that asked may have gone.
                    Control::Answer(asked) => drop(asked.send(())),
                    Control::Stands(order, asked) => drop(asked.send(self.shell.station().stands(order))),
                    Control::End(finish_orders, done) => end = Some((finish_orders, done)),
                },
            }
        }
        self.shell.end().await;
        self.tell();
        drop(self.store);
        if let Some((_, done)) = end {
            // The client that asked for the end may have gone.
            let _ = done.send(());
        }
    }

    /// Begins to deliver, once the way to BluSKY is made and the store has been looked through.
    fn deliver(&mut self, scope: Scope, ready: mpsc::UnboundedSender<Caller>) {
        // Whoever asks for all again wants a try now.
        if self.delivers == Scope::All && scope != Scope::All {
            return;
        }
        let (before, post) = (mem::replace(&mut self.delivers, scope), self.shell.post_box());
        if self.shell.can_call() {
            return self.shell.happens(Event::Deliver(scope));
        }
        // Nothing overtakes what the store holds: the delivery that is being made ready begins with what is wanted by then.
        if before != Scope::Nothing {
            return;
        }
        let Some(settings) = self.site.config.blusky.clone() else { return };
        let (store, directory) = (self.store.clone(), Directory::new(&self.site, self.store.clone()));
        tokio::spawn(async move {
            let shows_within = settings.shows_within;
            // This reads certificates from many files, which takes time: not on the runtime's threads.
            let client = tokio::task::spawn_blocking(move || Client::new(settings)).await;
            let why = match client {
                Ok(Ok(client)) => return begin((store, directory), client, shows_within, ready, post).await,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::error!("nothing is delivered: {why}");
            drop(post.send(Event::CannotDeliver(Some(why))));
        });
    }

    /// What has been said is told, and how it is now is shown.
    fn tell(&mut self) {
        while let Some(numbered) = self.shell.next_at_hand() {
            self.notices.tell(numbered);
        }
        let is_idle = self.shell.is_idle();
        let station = self.shell.station();
        let now = Status {
            readers: Vec::new(),
            unsaved: station.unsaved().map(ToOwned::to_owned),
            blusky: station.blusky(),
            is_idle,
            is_sending: station.is_sending(),
            waiting: station.waiting(),
            is_delivering: station.delivers_all(),
        };
        self.status.send_if_modified(|status| {
            let mut before = mem::replace(status, now);
            let readers = mem::take(&mut before.readers);
            let (is_new, is_same) = (before != *status, readers == station.readers());
            status.readers = if is_same { readers } else { station.readers().to_vec() };
            is_new || !is_same
        });
    }
}

/// Calls this client once the store has been looked through.
async fn begin(
    (store, directory): (StoreHandle, Directory),
    client: Client,
    shows_within: Duration,
    ready: mpsc::UnboundedSender<Caller>,
    post: mpsc::UnboundedSender<Event>,
) {
    let mut said = None;
    let fails = |error: StoreError| {
        if said.replace(error.clone()).as_ref() != Some(&error) {
            tracing::error!("nothing is delivered: {error}");
            drop(post.send(Event::CannotDeliver(Some(error.to_string()))));
        }
    };
    tokio::select! {
        () = take_stock(&store, |entries| drop(post.send(Event::Stock(entries))), fails) => {
            if said.is_some() {
                drop(post.send(Event::CannotDeliver(None)));
            }
            drop(ready.send(Caller::new(store, client, shows_within, Some(directory))));
        }
        // The station has ended.
        () = post.closed() => {}
    }
}
