//! The shell around a station: carries its effects out, and turns what happens at readers, on the disk and with time into events.
//!
//! In: events from drivers, the store, calls, and whoever asks. Out: notices, one after the other. Never: a wait for the disk; a card
//! is shown while another one's entry is being written.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{Site, deliver::Caller, notices::Numbered, place::StorePlace, policy::PolicyFile};
use crate::{
    config::ReaderConfig,
    drivers::{Drivers, Setup},
    outbox::{Entry, Terms, schedule::Work},
    reader::{ReaderCommand, ReaderEvent, ReaderName},
    smartcard::reader::Model,
    station::{Effect, Event, Notice, Now, Request, Station},
    store::{StoreError, StoreHandle},
};

/// How long readers may take to show their last signal, and how often it is looked whether they have.
const SHOWING_TIMEOUT: Duration = Duration::from_secs(1);
const SHOWING_INTERVAL: Duration = Duration::from_millis(20);
/// How long the calls under way are waited for at the end: longer than any call takes.
const LAST_CALL: Duration = Duration::from_secs(60);

/// The shell around a station.
pub struct Shell {
    station: Station,
    clock: Clock,
    readers: Vec<ReaderConfig>,
    models: Vec<Arc<Model>>,
    events: mpsc::UnboundedSender<(ReaderName, ReaderEvent)>,
    happened: mpsc::UnboundedReceiver<(ReaderName, ReaderEvent)>,
    posted: mpsc::UnboundedReceiver<Event>,
    post: mpsc::UnboundedSender<Event>,
    drivers: Option<Drivers>,
    store: Option<StoreHandle>,
    place: StorePlace,
    policy: PolicyFile,
    caller: Option<Caller>,
    effects: VecDeque<Effect>,
    notices: VecDeque<Notice>,
    /// What readers are to do, and what is to be delivered, once what is to be said has been said: both wake others, which would come
    /// before it.
    commands: VecDeque<(ReaderName, ReaderCommand)>,
    due: VecDeque<Work>,
    count: u64,
    tap: Option<mpsc::UnboundedSender<Tapped>>,
}

/// What passes between a reader and the station, for whoever records it.
#[derive(Debug, Clone)]
pub enum Tapped {
    /// From the reader.
    From(ReaderName, ReaderEvent),
    /// To the reader.
    To(ReaderName, ReaderCommand),
}

/// The two clocks. The steady one starts with the wall's time and is never set.
#[derive(Debug, Clone, Copy)]
struct Clock {
    wall: DateTime<Utc>,
    started: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Utc::now(), started: Instant::now() }
    }

    fn now(self) -> Now {
        let steady = self.wall + TimeDelta::from_std(self.started.elapsed()).unwrap_or_default();
        Now { wall: Utc::now(), steady }
    }

    /// The moment of the steady clock.
    fn instant(self, steady: DateTime<Utc>) -> Instant {
        self.started + (steady - self.wall).to_std().unwrap_or_default()
    }
}

impl Shell {
    /// A shell for a site; without a store it enrolls nothing.
    #[must_use]
    pub fn new(site: &Site, store: Option<StoreHandle>) -> Self {
        let (events, happened) = mpsc::unbounded_channel();
        let (post, posted) = mpsc::unbounded_channel();
        Self {
            station: Station::new(site.setup()),
            clock: Clock::start(),
            readers: site.config.readers.clone(),
            models: site.protocols.models.clone(),
            events,
            happened,
            posted,
            post,
            drivers: None,
            store,
            place: StorePlace::of(&site.config.store),
            policy: PolicyFile::of(site),
            caller: None,
            effects: VecDeque::new(),
            notices: VecDeque::new(),
            commands: VecDeque::new(),
            due: VecDeque::new(),
            count: 0,
            tap: None,
        }
    }

    /// Opens the configured readers, or the one of that name only; `NAME#2` is one of several devices. What is open stays open.
    pub fn open_readers(&mut self, only: Option<&str>) {
        let readers: Vec<Setup> = self.readers.iter().map(|reader| Setup::new(&reader.name, reader.port.clone())).collect();
        match &mut self.drivers {
            Some(drivers) => drivers.open_more(&readers, only),
            None => self.drivers = Some(Drivers::open(&readers, only, self.models.clone(), self.events.clone())),
        }
    }

    /// Ends the drivers once they have shown what they were told to, and the calls under way have come to their end.
    pub async fn end(&mut self) {
        for effect in self.station.end(self.clock.now()) {
            if let (Effect::Seen(card, at), Some(store)) = (effect, &self.store) {
                drop(store.seen(card, at).await);
            }
        }
        if let Some(caller) = &self.caller {
            caller.stop();
        }
        let (showing, calling) = (Instant::now() + SHOWING_TIMEOUT, Instant::now() + LAST_CALL);
        while (self.station.is_showing() && Instant::now() < showing) || (self.station.is_sending() && Instant::now() < calling) {
            // It is cancelled now and then, to look again. Nothing is lost by that.
            drop(timeout(SHOWING_INTERVAL, self.step()).await);
        }
        self.command_readers();
        if let Some(drivers) = self.drivers.take() {
            drivers.end().await;
        }
    }

    /// Sets who makes the calls; without it nothing is delivered.
    pub fn call_with(&mut self, caller: Caller) {
        self.caller = Some(caller);
    }

    /// True where calls can be made.
    #[must_use]
    pub const fn can_call(&self) -> bool {
        self.caller.is_some()
    }

    /// Where the store lies.
    pub(super) const fn place(&self) -> &StorePlace {
        &self.place
    }

    /// Takes up what somebody has changed in the site's policy.
    pub(super) fn look_at_policy(&self) {
        self.policy.changed().into_iter().for_each(|event| drop(self.post.send(event)));
    }

    /// The station.
    #[must_use]
    pub const fn station(&mut self) -> &mut Station {
        &mut self.station
    }

    /// True where nothing more will be sent by itself for a while.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.station.is_idle(self.clock.now())
    }

    /// Where whatever is to happen is posted.
    #[must_use]
    pub fn post_box(&self) -> mpsc::UnboundedSender<Event> {
        self.post.clone()
    }

    /// Reports everything that passes between readers and station to a channel.
    pub fn tap(&mut self, tap: mpsc::UnboundedSender<Tapped>) {
        self.tap = Some(tap);
    }

    /// Lets something happen.
    pub fn happens(&mut self, event: Event) {
        self.effects.extend(self.station.handle(event, self.clock.now()));
        while let Some(effect) = self.effects.pop_front() {
            self.carry_out(effect);
        }
    }

    /// Numbers its notices behind this one.
    pub const fn number_from(&mut self, before: u64) {
        self.count = before;
    }

    /// The next notice, waiting for one where there is none. Nothing is lost if the wait is cancelled.
    pub async fn next(&mut self) -> Numbered {
        loop {
            if let Some(notice) = self.next_at_hand() {
                return notice;
            }
            self.step().await;
        }
    }

    /// The next notice that is there already.
    pub fn next_at_hand(&mut self) -> Option<Numbered> {
        let notice = self.notices.pop_front()?;
        self.count += 1;
        Some(Numbered { number: self.count, notice })
    }

    /// Waits for one thing to happen, and does what follows. Nothing is lost if the wait is cancelled.
    pub async fn step(&mut self) {
        self.command_readers();
        self.deliver();
        let deadline = self.station.deadline(self.clock.now()).map(|at| self.clock.instant(at));
        let until = async move {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            // A card that came before an order is never that order's: it could be somebody else's. Whoever waits for a card was told so.
            biased;
            Some((name, event)) = self.happened.recv() => {
                self.tapped(|| Tapped::From(name.clone(), event.clone()));
                Event::Reader(name, event)
            }
            Some(event) = self.posted.recv() => event,
            () = until => Event::Time,
        };
        self.take(event);
    }

    /// Takes an order, after all that has happened before it; false where the station knows another one under its key.
    pub fn order(&mut self, request: Request) -> bool {
        while let Some(event) = self.at_hand() {
            self.take(event);
        }
        let is_taken = !self.station.knows_another(&request);
        if is_taken {
            self.take(Event::Order(Box::new(request)));
        }
        is_taken
    }

    /// What has happened already, in the order in which it is waited for.
    fn at_hand(&mut self) -> Option<Event> {
        match self.happened.try_recv() {
            Ok((name, event)) => {
                self.tapped(|| Tapped::From(name.clone(), event.clone()));
                Some(Event::Reader(name, event))
            }
            Err(_) => self.posted.try_recv().ok(),
        }
    }

    fn take(&mut self, event: Event) {
        // Whoever orders a card now has what the file says now.
        if matches!(event, Event::Order(_))
            && let Some(changed) = self.policy.changed()
        {
            self.happens(changed);
        }
        self.happens(event);
    }

    fn command_readers(&mut self) {
        for (name, command) in self.commands.drain(..) {
            if let Some(drivers) = &self.drivers {
                drivers.command(&name, command);
            }
        }
    }

    fn deliver(&mut self) {
        for work in self.due.drain(..) {
            if let Some(caller) = &self.caller {
                let (Work::Step(id) | Work::Ask(id)) = work;
                caller.begin(work, self.station.at_least(id, self.clock.now()), self.post.clone());
            }
        }
    }

    /// Carries one effect out.
    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Command(name, command) => {
                self.tapped(|| Tapped::To(name.clone(), command.clone()));
                self.commands.push_back((name, command));
            }
            Effect::Save(entry, terms) => self.save(entry, terms),
            Effect::Append(id, step) => {
                if let Some(store) = self.store.clone() {
                    self.write(async move {
                        let entry = store.entry(id).await?;
                        store.append(&entry, Utc::now(), step).await?;
                        Ok(Some(Event::Settled(Box::new(store.entry(id).await?))))
                    });
                }
            }
            Effect::Look(id) => {
                if let Some(store) = self.store.clone() {
                    self.write(async move { Ok(Some(Event::Settled(Box::new(store.entry(id).await?)))) });
                }
            }
            Effect::Keep(kept, by) => {
                let (policy, post) = (self.policy.clone(), self.post.clone());
                tokio::task::spawn_blocking(move || {
                    let event = policy.keep(&kept, &by).map_or_else(|why| Some(Event::PolicyWrong(why)), |()| policy.changed());
                    event.map(|event| post.send(event))
                });
            }
            Effect::Seen(card, at) => {
                if let Some(store) = self.store.clone() {
                    self.write(async move { store.seen(card, at).await.map(|()| None) });
                }
            }
            Effect::Deliver(work) => self.due.push_back(work),
            Effect::Again(_) => {}
            Effect::Tell(notice) => self.notices.push_back(notice),
        }
    }

    fn save(&self, mut entry: Box<Entry>, terms: Terms) {
        let post = self.post.clone();
        let Some(store) = &self.store else {
            return drop(post.send(Event::NotSaved(entry.id, "there is no store".to_owned())));
        };
        if let Some(why) = self.place.gone() {
            return drop(post.send(Event::NotSaved(entry.id, format!("the store is gone: {why}"))));
        }
        entry.base_url = store.base_url().to_owned();
        let (id, answer) = (entry.id, store.begin_save(entry, terms));
        let store = store.clone();
        tokio::spawn(async move {
            let event = match answer.await {
                Ok(Ok(entry)) => {
                    if let Some(given_up) = terms.supersedes
                        && let Ok(given_up) = store.entry(given_up).await
                    {
                        drop(post.send(Event::Settled(Box::new(given_up))));
                    }
                    Event::Saved(entry)
                }
                Ok(Err(StoreError::InTheWay(other))) => Event::InTheWay(id, other),
                Ok(Err(StoreError::NotNew(not_new))) => Event::NotNew(id, not_new),
                Ok(Err(error)) => Event::NotSaved(id, error.to_string()),
                Err(_) => Event::NotSaved(id, "the store has ended".to_owned()),
            };
            drop(post.send(event));
        });
    }

    /// Writes something beside everything else; what follows from it is posted.
    fn write(&self, writing: impl Future<Output = Result<Option<Event>, StoreError>> + Send + 'static) {
        let post = self.post.clone();
        tokio::spawn(async move {
            match writing.await {
                Ok(Some(event)) => drop(post.send(event)),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the store cannot be written"),
            }
        });
    }

    fn tapped(&self, what: impl FnOnce() -> Tapped) {
        if let Some(tap) = &self.tap {
            drop(tap.send(what()));
        }
    }
}
