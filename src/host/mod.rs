//! The shell: threads and tasks that carry the station's effects out. Clocks, sockets and devices are here and in the
//! drivers, nowhere else.
//!
//! - [`deliver`]: the outbox's way to BluSKY;
//! - [`protocol_files`]: a site's own, read;
//! - [`platform`]: what only Unix has: the locks, and the socket by which other commands share the readers of a running station.

pub mod deliver;
pub mod platform;
pub mod protocol_files;

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use chrono::Utc;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{
    card::Presentation,
    config::{Attached, Config, ReaderConfig},
    decode::catalog::SharedCatalog,
    drivers::{
        Running, keyboard,
        osdp::{self, Peripheral},
        pcsc, serial,
    },
    protocols::Protocols,
    reader::{Bus, ReaderCommand, ReaderEvent, ReaderName, is_device_of},
    smartcard::reader::Model,
    station::{Effect, Event, Notice, Purpose, ReaderKind, Station, Taker},
    store::{StoreError, StoreHandle, seal::Sealer},
};
use platform::{
    files,
    lock::{Holder, Lock},
    socket::{Client, Say, Server},
};

/// What a site is: its configuration and what is known about its readers and cards.
#[derive(Debug, Clone)]
pub struct Site {
    /// The configuration.
    pub config: Config,
    /// Formats, dialects, scripts.
    pub protocols: Protocols,
    /// The formats, ready to be laid over bits.
    pub catalog: SharedCatalog,
}

impl Site {
    /// A site of this configuration and these protocols.
    #[must_use]
    pub fn new(config: Config, protocols: Protocols) -> Self {
        let catalog = Arc::new(protocols.catalog(&config.policy.named_formats()));
        Self { config, protocols, catalog }
    }
}

/// Opens the store at this path, with the key of its secrets beside it; `credentials` is where systemd puts them, if it does.
///
/// # Errors
/// Why it cannot be opened.
pub fn open_store(path: &Path, base_url: &str, credentials: Option<&Path>) -> Result<StoreHandle, StoreError> {
    let why = |error: std::io::Error| format!("{error}; check that its folder is there and can be written");
    files::make(path).map_err(|error| StoreError::Open { path: path.display().to_string(), why: why(error) })?;
    StoreHandle::open_sealed(path, base_url, Sealer::new(Lock::beside(path, "key"), credentials, files::is_private))
}

/// A notice with its place in the stream of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// Counted from 1.
    pub number: u64,
    /// What people are told.
    pub notice: Notice,
}

/// How long readers may take to show their last signal, and how often it is looked whether they have.
const SHOWING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);

/// The shell around a station.
pub struct Shell {
    station: Station,
    readers: Vec<ReaderConfig>,
    models: Vec<Arc<Model>>,
    events: mpsc::UnboundedSender<(ReaderName, ReaderEvent)>,
    happened: mpsc::UnboundedReceiver<(ReaderName, ReaderEvent)>,
    clients: (mpsc::UnboundedSender<Client>, mpsc::UnboundedReceiver<Client>),
    connected: HashMap<u64, (bool, mpsc::Sender<Say>)>,
    server: Option<Server>,
    lines: HashMap<ReaderName, mpsc::UnboundedSender<ReaderCommand>>,
    cards: Option<pcsc::PcscHandle>,
    drivers: Vec<JoinHandle<()>>,
    running: Running,
    store: Option<StoreHandle>,
    /// What has happened and is not yet handled, what is to be done and is not yet done, and the entry that is being
    /// written: kept here, so that whoever stops waiting loses nothing of it.
    queue: VecDeque<Event>,
    effects: VecDeque<Effect>,
    saving: Option<(Uuid, oneshot::Receiver<Result<(), StoreError>>)>,
    notices: VecDeque<Notice>,
    count: u64,
    tap: Option<mpsc::UnboundedSender<Tapped>>,
    only_device: Option<String>,
}

/// What passes between a reader and the station, for whoever records it.
#[derive(Debug, Clone)]
pub enum Tapped {
    /// From the reader.
    From(ReaderName, ReaderEvent),
    /// To the reader.
    To(ReaderName, ReaderCommand),
}

impl Shell {
    /// A shell for a site; without a store it enrolls nothing.
    #[must_use]
    pub fn new(site: &Site, store: Option<StoreHandle>) -> Self {
        let (events, happened) = mpsc::unbounded_channel();
        let kinds = site.config.readers.iter().map(|reader| (reader.name.clone(), reader_kind(reader))).collect();
        let scripts = site.protocols.scripts.clone();
        let station = Station::new(site.catalog.clone(), scripts, site.config.policy.clone(), site.config.integer_width, kinds);
        Self {
            station,
            readers: site.config.readers.clone(),
            models: site.protocols.models.clone(),
            events,
            happened,
            clients: mpsc::unbounded_channel(),
            connected: HashMap::new(),
            server: None,
            lines: HashMap::new(),
            cards: None,
            drivers: Vec::new(),
            running: Running::default(),
            store,
            queue: VecDeque::new(),
            effects: VecDeque::new(),
            saving: None,
            notices: VecDeque::new(),
            count: 0,
            tap: None,
            only_device: None,
        }
    }

    /// Opens the configured readers, or the one of that name only; `NAME#2` is one of several devices.
    pub fn open_readers(&mut self, only: Option<&str>) {
        let mut wanted = Vec::new();
        let mut buses: Vec<(&Bus, Vec<Peripheral>)> = Vec::new();
        self.only_device = only.filter(|only| only.contains('#')).map(ToOwned::to_owned);
        for reader in self.readers.iter().filter(|reader| only.is_none_or(|only| is_device_of(only, &reader.name))) {
            match &reader.attached {
                Attached::Pcsc { pattern, keys_file } => {
                    let (pattern, keys_file) = (pattern.clone(), keys_file.clone());
                    wanted.push(pcsc::Wanted { pattern, name: reader.name.as_str().into(), keys_file });
                }
                Attached::Osdp { bus, address, scbk_file } => {
                    let name = reader.name.as_str().into();
                    let peripheral = Peripheral { name, address: *address, scbk_file: scbk_file.clone() };
                    match buses.iter_mut().find(|(other, _)| *other == bus) {
                        Some((_, peripherals)) => peripherals.push(peripheral),
                        None => buses.push((bus, vec![peripheral])),
                    }
                }
                Attached::Keyboard { device, .. } => {
                    let devices = keyboard::matching(device, &keyboard::list()).len().max(1);
                    for index in 0..devices {
                        let name = device_name(&reader.name, index, devices);
                        let commands = keyboard::start(name.clone(), device.clone(), index, self.events.clone());
                        self.lines.insert(name, commands);
                    }
                }
                Attached::Serial { port, line, .. } => {
                    let devices = serial::matching(port).len().max(1);
                    for index in 0..devices {
                        let name = device_name(&reader.name, index, devices);
                        let commands = serial::start(name.clone(), port.clone(), index, *line, self.events.clone());
                        self.lines.insert(name, commands);
                    }
                }
            }
        }
        for (bus, peripherals) in buses {
            let driver = osdp::start(bus.clone(), peripherals, &self.events, self.running.clone());
            self.lines.extend(driver.ways);
            self.drivers.extend(driver.thread);
        }
        if !wanted.is_empty() {
            self.cards = Some(pcsc::start(wanted, self.models.clone(), self.events.clone(), self.running.clone()));
        }
    }

    /// Ends the drivers once they have shown what they were told to.
    pub async fn end(&mut self) {
        let end = Instant::now() + SHOWING;
        while self.station.is_showing() && Instant::now() < end {
            // Cancelled every now and then to look again; it loses nothing by that.
            drop(timeout(LOOK, self.next()).await);
        }
        for effect in self.station.end(Utc::now()) {
            if let (Effect::Seen(card, at), Some(store)) = (effect, &self.store) {
                drop(store.seen(card, at).await);
            }
        }
        self.running.end();
        let drivers = std::mem::take(&mut self.drivers);
        let ended = tokio::task::spawn_blocking(|| drivers.into_iter().for_each(|driver| drop(driver.join())));
        drop(ended.await);
    }

    /// Becomes the station beside this store, or says who is.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn serve_station(&mut self, store: &Path) -> std::io::Result<Result<(), Holder>> {
        Ok(Server::bind(store, self.clients.0.clone())?.map(|server| self.server = Some(server)))
    }

    /// Reports everything that passes between readers and station to a channel.
    pub fn tap(&mut self, tap: mpsc::UnboundedSender<Tapped>) {
        self.tap = Some(tap);
    }

    /// Lets something happen. Whoever stops waiting for it loses nothing: the next call goes on with it.
    pub async fn post(&mut self, event: Event) {
        self.queue.push_back(event);
        self.settle().await;
    }

    /// Handles all that has happened and does all that is to be done.
    async fn settle(&mut self) {
        loop {
            if let Some((id, answer)) = &mut self.saving {
                let (id, answer) = (*id, answer.await);
                self.saving = None;
                self.queue.push_front(saved(id, answer));
            } else if let Some(effect) = self.effects.pop_front() {
                self.carry_out(effect);
            } else if let Some(event) = self.queue.pop_front() {
                self.effects.extend(self.station.handle(event, Utc::now()));
            } else {
                return;
            }
        }
    }

    /// The next notice, waiting for one where there is none.
    pub async fn next(&mut self) -> Numbered {
        loop {
            self.settle().await;
            if let Some(notice) = self.next_at_hand() {
                return notice;
            }
            let event = self.wait().await;
            self.queue.push_back(event);
        }
    }

    /// The next notice that is there already.
    pub fn next_at_hand(&mut self) -> Option<Numbered> {
        let notice = self.notices.pop_front()?;
        self.count += 1;
        Some(Numbered { number: self.count, notice })
    }

    async fn wait(&mut self) -> Event {
        let deadline = self.station.deadline();
        let until = async move {
            match deadline {
                Some(at) => sleep((at - Utc::now()).to_std().unwrap_or_default()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((name, event)) = self.happened.recv() => {
                if self.is_unwanted(&name, &event) {
                    return Event::Time;
                }
                self.tapped(|| Tapped::From(name.clone(), event.clone()));
                Event::Reader(name, event)
            }
            Some(client) = self.clients.1.recv() => self.client(client),
            () = until => Event::Time,
        }
    }

    /// A card at another device of the same name than the one that is asked for.
    fn is_unwanted(&self, name: &ReaderName, event: &ReaderEvent) -> bool {
        let about_reader = matches!(event, ReaderEvent::Up | ReaderEvent::Lost { .. });
        !about_reader && self.only_device.as_ref().is_some_and(|only| **only != **name)
    }

    fn client(&mut self, client: Client) -> Event {
        match client {
            Client::Gone(id) => {
                self.connected.remove(&id);
                Event::Untake(id)
            }
            Client::Came(id, wish, say) => {
                let readers = self.station.reader_names().map(ToOwned::to_owned).collect();
                // A client that has gone already is reported as gone by its own task.
                drop(say.try_send(Say::Readers(readers)));
                self.connected.insert(id, (wish.take, say));
                if wish.take { Event::Take(Taker { id, reader: wish.reader, purpose: Purpose::HandOver }) } else { Event::Untake(id) }
            }
        }
    }

    /// Carries one effect out.
    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Command(name, command) => {
                self.tapped(|| Tapped::To(name.clone(), command.clone()));
                match (self.lines.get(&name), &self.cards) {
                    (Some(line), _) => drop(line.send(command)),
                    (None, Some(cards)) => cards.command(&name, command),
                    (None, None) => {}
                }
            }
            Effect::Save(entry, unless_given) => match &self.store {
                Some(store) => self.saving = Some((entry.id, store.begin_save(*entry, unless_given))),
                None => self.queue.push_front(Event::NotSaved(entry.id, "there is no store".to_owned())),
            },
            Effect::Seen(card, at) => {
                if let Some(store) = self.store.clone() {
                    tokio::spawn(async move { store.seen(card, at).await });
                }
            }
            Effect::HandOver(id, presentation) => self.hand_over(id, *presentation),
            Effect::Tell(notice) => {
                if let Notice::Read(reading) = &notice {
                    self.show_watchers(&reading.presentation);
                }
                self.notices.push_back(notice);
            }
        }
    }

    fn hand_over(&mut self, id: u64, presentation: Presentation) {
        let said = self.connected.get(&id).map(|(_, say)| say.try_send(Say::Presentation(Box::new(presentation))));
        if !matches!(said, Some(Ok(()))) {
            tracing::warn!("a card could not be handed over; it has to be presented again");
        }
    }

    /// Shows a card to those who watch; one that does not read is let go, so that it holds up nobody.
    fn show_watchers(&mut self, presentation: &Presentation) {
        let shown = |say: &mpsc::Sender<Say>| say.try_send(Say::Presentation(Box::new(presentation.clone()))).is_ok();
        self.connected.retain(|_, (take, say)| *take || shown(say));
    }

    fn tapped(&self, what: impl FnOnce() -> Tapped) {
        if let Some(tap) = &self.tap {
            drop(tap.send(what()));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.running.end();
    }
}

fn saved(id: Uuid, answer: Result<Result<(), StoreError>, oneshot::error::RecvError>) -> Event {
    match answer {
        Ok(Ok(())) => Event::Saved(id),
        Ok(Err(StoreError::SameCard(given))) => Event::GivenBefore(id, given),
        Ok(Err(error)) => Event::NotSaved(id, error.to_string()),
        Err(_) => Event::NotSaved(id, "the store has ended".to_owned()),
    }
}

/// The name of one of the devices that a configured reader means.
fn device_name(name: &str, index: usize, devices: usize) -> ReaderName {
    if devices == 1 { name.into() } else { format!("{name}#{}", index + 1).into() }
}

/// What a configured reader is to the bridge.
#[must_use]
pub fn reader_kind(reader: &ReaderConfig) -> ReaderKind {
    match &reader.attached {
        Attached::Keyboard { dialect, .. } => ReaderKind::Keyboard(dialect.clone(), reader.told),
        Attached::Serial { dialect, .. } => ReaderKind::Serial(dialect.clone(), reader.told),
        Attached::Pcsc { .. } => ReaderKind::Pcsc(reader.told),
        Attached::Osdp { .. } => ReaderKind::Osdp(reader.told),
    }
}
