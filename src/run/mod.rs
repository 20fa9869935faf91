//! The shell: threads and tasks that carry the bridge's effects out. Clocks, sockets and devices are here and in the
//! drivers, nowhere else.
//!
//! - [`deliver`]: the outbox's way to BluSKY;
//! - [`station`]: the socket by which other commands share the readers of a running station.

pub mod deliver;
pub mod station;

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::{Arc, mpsc::Sender},
};

use chrono::Utc;
use tokio::{net::unix::OwnedWriteHalf, sync::mpsc, time::sleep};
use uuid::Uuid;

use crate::{
    bridge::{Bridge, Effect, Event, Notice, Purpose, ReaderKind, Taker},
    config::{Attached, Config, ReaderConfig},
    decode::catalog::SharedCatalog,
    protocols::Protocols,
    readers::{ReaderCommand, ReaderEvent, ReaderName, Running, pcsc, serial},
    store::{StoreHandle, lock::Holder},
};
use station::{Client, Say, Server};

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

/// A notice with its place in the stream of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// Counted from 1.
    pub number: u64,
    /// What people are told.
    pub notice: Notice,
}

/// The shell around a bridge.
pub struct Shell {
    bridge: Bridge,
    readers: Vec<ReaderConfig>,
    events: mpsc::UnboundedSender<(ReaderName, ReaderEvent)>,
    happened: mpsc::UnboundedReceiver<(ReaderName, ReaderEvent)>,
    clients: (mpsc::UnboundedSender<Client>, mpsc::UnboundedReceiver<Client>),
    connected: HashMap<u64, (bool, OwnedWriteHalf)>,
    server: Option<Server>,
    lines: HashMap<ReaderName, Sender<ReaderCommand>>,
    cards: Option<pcsc::PcscHandle>,
    running: Running,
    store: Option<StoreHandle>,
    notices: VecDeque<Notice>,
    count: u64,
    tap: Option<mpsc::UnboundedSender<Tapped>>,
}

/// What passes between a reader and the bridge, for whoever records it.
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
        let bridge = Bridge::new(site.catalog.clone(), scripts, site.config.policy.clone(), site.config.integer_width, kinds);
        Self {
            bridge,
            readers: site.config.readers.clone(),
            events,
            happened,
            clients: mpsc::unbounded_channel(),
            connected: HashMap::new(),
            server: None,
            lines: HashMap::new(),
            cards: None,
            running: Running::default(),
            store,
            notices: VecDeque::new(),
            count: 0,
            tap: None,
        }
    }

    /// Opens the configured readers, or the one of that name only.
    pub fn open_readers(&mut self, only: Option<&str>) {
        let mut wanted = Vec::new();
        for reader in self.readers.iter().filter(|reader| only.is_none_or(|only| only == reader.name)) {
            match &reader.attached {
                Attached::Pcsc(pattern) => wanted.push((pattern.clone(), ReaderName::from(reader.name.as_str()))),
                Attached::Serial { port, line, .. } => {
                    let devices = serial::matching(port).len().max(1);
                    for index in 0..devices {
                        let name: ReaderName =
                            if devices == 1 { reader.name.as_str().into() } else { format!("{}#{}", reader.name, index + 1).into() };
                        let commands = serial::start(name.clone(), port.clone(), index, *line, self.events.clone(), self.running.clone());
                        self.lines.insert(name, commands);
                    }
                }
            }
        }
        if !wanted.is_empty() {
            self.cards = Some(pcsc::start(wanted, self.events.clone(), self.running.clone()));
        }
    }

    /// Becomes the station beside this store, or says who is.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn serve_station(&mut self, store: &Path) -> std::io::Result<Result<(), Holder>> {
        Ok(Server::bind(store, self.clients.0.clone())?.map(|server| self.server = Some(server)))
    }

    /// Reports everything that passes between readers and bridge to a channel.
    pub fn tap(&mut self, tap: mpsc::UnboundedSender<Tapped>) {
        self.tap = Some(tap);
    }

    /// Lets something happen.
    pub async fn post(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.bridge.handle(event, Utc::now()) {
                events.extend(self.carry_out(effect).await);
            }
        }
    }

    /// The next notice, waiting for one where there is none.
    pub async fn next(&mut self) -> Numbered {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                self.count += 1;
                return Numbered { number: self.count, notice };
            }
            let event = self.wait().await;
            self.post(event).await;
        }
    }

    async fn wait(&mut self) -> Event {
        let deadline = self.bridge.deadline();
        let until = async move {
            match deadline {
                Some(at) => sleep((at - Utc::now()).to_std().unwrap_or_default()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((name, event)) = self.happened.recv() => {
                self.tapped(|| Tapped::From(name.clone(), event.clone()));
                Event::Reader(name, event)
            }
            Some(client) = self.clients.1.recv() => self.client(client).await,
            () = until => Event::Time,
        }
    }

    async fn client(&mut self, client: Client) -> Event {
        match client {
            Client::Gone(id) => {
                self.connected.remove(&id);
                Event::Untake(id)
            }
            Client::Came(id, wish, mut write) => {
                let readers = self.bridge.reader_names().map(ToOwned::to_owned).collect();
                // A client that has gone already is reported as gone by its own task.
                drop(station::say(&mut write, &Say::Readers(readers)).await);
                self.connected.insert(id, (wish.take, write));
                if wish.take { Event::Take(Taker { id, reader: wish.reader, purpose: Purpose::HandOver }) } else { Event::Untake(id) }
            }
        }
    }

    /// Carries one effect out; what follows from it at once is the next event.
    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Command(name, command) => {
                self.tapped(|| Tapped::To(name.clone(), command.clone()));
                match (self.lines.get(&name), &self.cards) {
                    (Some(line), _) => drop(line.send(command)),
                    (None, Some(cards)) => cards.command(&name, command),
                    (None, None) => {}
                }
                None
            }
            // None of the readers known so far has a light or a sound that a dialect describes.
            Effect::Signal(..) => None,
            Effect::Save(entry) => Some(self.save(*entry).await),
            Effect::HandOver(id, presentation) => {
                self.hand_over(id, *presentation).await;
                None
            }
            Effect::Tell(notice) => {
                if let Notice::Read(reading) = &notice {
                    self.show_watchers(&reading.presentation).await;
                }
                self.notices.push_back(notice);
                None
            }
        }
    }

    async fn save(&self, entry: crate::enroll::outbox::Entry) -> Event {
        let id: Uuid = entry.id;
        let Some(store) = &self.store else { return Event::NotSaved(id, "there is no store".to_owned()) };
        match store.save(entry).await {
            Ok(()) => Event::Saved(id),
            Err(error) => Event::NotSaved(id, error.to_string()),
        }
    }

    async fn hand_over(&mut self, id: u64, presentation: crate::card::Presentation) {
        if let Some((_, write)) = self.connected.get_mut(&id)
            && let Err(error) = station::say(write, &Say::Presentation(Box::new(presentation))).await
        {
            tracing::warn!(%error, "a card could not be handed over; it has to be presented again");
        }
    }

    async fn show_watchers(&mut self, presentation: &crate::card::Presentation) {
        for (_, write) in self.connected.values_mut().filter(|(take, _)| !take) {
            // One that has gone is reported as gone by its own task.
            drop(station::say(write, &Say::Presentation(Box::new(presentation.clone()))).await);
        }
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

fn reader_kind(reader: &ReaderConfig) -> ReaderKind {
    match &reader.attached {
        Attached::Serial { dialect, .. } => ReaderKind::Serial(dialect.clone(), reader.told),
        Attached::Pcsc(_) => ReaderKind::Pcsc(reader.told),
    }
}
