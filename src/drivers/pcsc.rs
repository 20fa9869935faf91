//! The PC/SC driver: one thread watches all readers, and one thread per reader talks to the card on it.
//!
//! A context that saw the daemon die is never used again: it would answer "no service" for ever. Readers are listed anew
//! at intervals, as the daemon's own notification is not reliable before 2.3. One thread watches, because libpcsclite
//! keeps the readers' states in one place per process without a lock.
//!
//! - `names`: which device is which configured reader; `talker`: one reader and its cards; `keys`: the site's keys.

mod keys;
mod names;
mod talker;

use std::{
    collections::HashMap,
    ffi::CString,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use pcsc::{Context, Error, ReaderState, Scope, State};

use self::{
    names::Names,
    talker::{Talk, Talker},
};
use super::{AGAIN, Events, Running};
use crate::{
    reader::{ReaderCommand, ReaderEvent, ReaderName, is_device_of},
    smartcard::reader::Model,
};

pub use self::names::name_devices;

/// How long the watch waits before it lists the readers again.
const TURN: Duration = Duration::from_millis(300);
/// The daemon takes 16 states at most in one call.
const MOST_READERS: usize = 16;

/// A configured reader.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What its PC/SC name looks like, `*` for any text.
    pub pattern: String,
    /// Its configured name.
    pub name: ReaderName,
    /// Where the site's keys for its cards stand.
    pub keys_file: Option<PathBuf>,
}

/// The PC/SC readers of this machine.
///
/// # Errors
/// Why the daemon cannot be asked, and what to do.
pub fn list() -> Result<Vec<String>, String> {
    let context = establish().map_err(explain)?;
    let names = context.list_readers_owned().map_err(explain_later)?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// The way to the threads that talk to cards.
#[derive(Clone, Default)]
pub struct PcscHandle(Arc<Mutex<HashMap<ReaderName, Sender<Talk>>>>);

impl PcscHandle {
    /// Tells a reader what to do; a reader that has gone is told nothing.
    pub fn command(&self, name: &ReaderName, command: ReaderCommand) {
        if let Some(talk) = self.devices().get(name) {
            drop(talk.send(Talk::Command(command)));
        }
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<ReaderName, Sender<Talk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the watch over all PC/SC readers that are wanted.
#[must_use]
pub fn start(wanted: Vec<Wanted>, models: Vec<Arc<Model>>, events: Events, running: Running) -> PcscHandle {
    let handle = PcscHandle::default();
    let names = Names::new(models.clone());
    let watch = Watch { wanted, names, models, events, running, handle: handle.clone(), told: HashMap::new() };
    drop(thread::Builder::new().name("pcsc".to_owned()).spawn(move || watch.run()));
    handle
}

struct Watch {
    wanted: Vec<Wanted>,
    names: Names,
    models: Vec<Arc<Model>>,
    events: Events,
    running: Running,
    handle: PcscHandle,
    told: HashMap<ReaderName, String>,
}

/// A reader under watch.
struct Device {
    name: ReaderName,
    /// The event count at which a card was last seen there; none while it is empty.
    card: Option<u32>,
    /// Nobody has looked at it yet.
    is_new: bool,
    talk: Sender<Talk>,
}

/// The readers under watch, each with the state it was seen in last.
type Devices = Vec<(Device, ReaderState)>;

impl Watch {
    fn run(mut self) {
        while !self.running.ended() {
            let why = match establish() {
                Ok(context) => self.watch(&context),
                Err(error) => explain(error),
            };
            self.handle.devices().clear();
            for wanted in self.wanted.clone() {
                self.lost(&wanted.name, &why);
            }
            thread::sleep(AGAIN);
        }
    }

    /// Watches until the daemon fails; says why it did.
    fn watch(&mut self, context: &Context) -> String {
        let mut devices = Devices::new();
        let mut listed_at: Option<Instant> = None;
        while !self.running.ended() {
            // Not after each card: others that were laid on meanwhile would wait for it.
            if listed_at.is_none_or(|at| at.elapsed() >= TURN) {
                let listed = match context.list_readers_owned() {
                    Ok(listed) => listed,
                    Err(Error::NoReadersAvailable) => Vec::new(),
                    Err(error) => return explain_later(error),
                };
                listed_at = Some(Instant::now());
                devices = self.take_stock(devices, &listed);
            }
            if devices.is_empty() {
                thread::sleep(TURN);
                continue;
            }
            match self.look(context, &mut devices) {
                // A reader that has just gone fails the whole call: the next stock-taking finds it out.
                Err(Error::UnknownReader) => listed_at = None,
                Ok(()) | Err(Error::Timeout) => {}
                Err(error) => return explain_later(error),
            }
        }
        "the reader is no longer asked for".to_owned()
    }

    /// Waits for a change and reports it.
    fn look(&mut self, context: &Context, devices: &mut Devices) -> Result<(), Error> {
        let (mut known, mut states): (Vec<Device>, Vec<ReaderState>) = devices.drain(..).unzip();
        let waited = context.get_status_change(TURN, &mut states);
        if waited.is_ok() {
            for (device, state) in known.iter_mut().zip(&mut states) {
                self.changed(device, state);
            }
        }
        devices.extend(known.into_iter().zip(states));
        waited
    }

    /// Takes up readers that have come and lets go of those that have gone.
    fn take_stock(&mut self, devices: Devices, listed: &[CString]) -> Devices {
        let paths: Vec<String> = listed.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let mut named = self.names.name(&self.wanted, &paths);
        if named.len() > MOST_READERS {
            tracing::warn!(most = MOST_READERS, "the smart-card service serves no more readers at once; the others are left out");
            named.truncate(MOST_READERS);
        }
        let is_there = |device: &Device, state: &ReaderState| {
            let path = state.name().to_string_lossy();
            named.iter().any(|(there, name)| *there == path && *name == device.name)
        };
        let (mut kept, gone): (Devices, Devices) = devices.into_iter().partition(|(device, state)| is_there(device, state));
        for (device, _) in gone {
            self.handle.devices().remove(&device.name);
            self.lost(&device.name, "the reader was unplugged; plug it in again");
        }
        for (path, name) in named {
            let is_new = !kept.iter().any(|(device, _)| device.name == name);
            if let Some(path) = CString::new(path).ok().filter(|_| is_new) {
                let talk = self.take_up(&path, &name);
                kept.push((Device { name, card: None, is_new: true, talk }, ReaderState::new(path, State::UNAWARE)));
            }
        }
        for wanted in self.wanted.clone() {
            if !kept.iter().any(|(device, _)| is_device_of(&device.name, &wanted.name)) && !self.told.contains_key(&wanted.name) {
                self.lost(&wanted.name, &self.names.missing(&wanted.pattern, &paths));
            }
        }
        kept
    }

    fn take_up(&mut self, path: &CString, name: &ReaderName) -> Sender<Talk> {
        let (talk, told) = channel();
        let wanted = self.wanted.iter().find(|wanted| is_device_of(name, &wanted.name));
        let keys = wanted.and_then(|wanted| wanted.keys_file.as_deref()).map(keys::read);
        let keys = match keys.transpose() {
            Ok(keys) => keys.unwrap_or_default(),
            Err(why) => {
                self.report(name, ReaderEvent::Note(why));
                keys::Keys::default()
            }
        };
        let device = path.to_string_lossy();
        let model = self.models.iter().find(|model| model.slot(&device).is_some()).cloned();
        let talker = Talker { name: name.clone(), path: path.clone(), events: self.events.clone(), told, keys, model };
        drop(thread::Builder::new().name("card".to_owned()).spawn(move || talker.run()));
        self.handle.devices().insert(name.clone(), talk.clone());
        self.told.clear();
        talk
    }

    /// Tells a reader's own thread what has come or gone there: one thread alone speaks of a reader's cards, in their order.
    fn changed(&self, device: &mut Device, state: &mut ReaderState) {
        let (present, count) = (state.event_state().contains(State::PRESENT), state.event_count());
        let atr = state.atr().to_vec();
        state.sync_current_state();
        // A swap between two looks shows only in the count.
        if device.card.is_some_and(|seen| !present || seen != count) {
            device.card = None;
            drop(device.talk.send(Talk::CardOut));
        }
        let lay_there = std::mem::take(&mut device.is_new);
        // It is there once somebody has looked: a card that is put down from now on is shown.
        if lay_there {
            self.report(&device.name, ReaderEvent::Up);
        }
        if present && device.card.is_none() {
            device.card = Some(count);
            drop(device.talk.send(Talk::CardIn { atr, lay_there }));
        }
    }

    /// One message for one cause, however often it is met.
    fn lost(&mut self, name: &ReaderName, why: &str) {
        if self.told.get(name).map(String::as_str) != Some(why) {
            self.told.insert(name.clone(), why.to_owned());
            self.report(name, ReaderEvent::Lost { why: why.to_owned() });
        }
    }

    fn report(&self, name: &ReaderName, event: ReaderEvent) {
        if self.events.send((name.clone(), event)).is_err() {
            self.running.end();
        }
    }
}

/// A context. A service that dies while it is asked looks like one that refuses this user: only a second refusal is one.
fn establish() -> Result<Context, Error> {
    match Context::establish(Scope::User) {
        Err(Error::SecurityViolation) => {
            thread::sleep(Duration::from_millis(50));
            Context::establish(Scope::User)
        }
        other => other,
    }
}

/// Whoever had a context was allowed to: what looks like a refusal then is a service that died.
fn explain_later(error: Error) -> String {
    explain(if error == Error::SecurityViolation { Error::NoService } else { error })
}

fn explain(error: Error) -> String {
    match error {
        Error::NoService | Error::ServiceStopped | Error::CommError => {
            "the smart-card service does not answer; start it (systemctl start pcscd.socket), it is tried again".to_owned()
        }
        Error::SecurityViolation => {
            "this user may not use the smart-card service; allow it in polkit (org.debian.pcsc-lite.access_pcsc and .access_card)"
                .to_owned()
        }
        Error::SharingViolation => {
            "another program uses the card alone (scdaemon, a browser, a middleware); close it and present the card again".to_owned()
        }
        Error::NoSmartcard | Error::RemovedCard | Error::NotTransacted | Error::ResetCard => {
            "the card was taken away too early; present it again".to_owned()
        }
        Error::UnpoweredCard | Error::UnresponsiveCard => {
            "the card does not answer as a card should: it is mute; present it again, the right way round and flat on the reader".to_owned()
        }
        Error::ProtoMismatch => {
            "what lies on the reader does not answer as a card should: its first answer is garbled, as when two cards lie there; present one \
             card alone"
                .to_owned()
        }
        Error::ReaderUnavailable | Error::UnknownReader => "the reader was unplugged; plug it in again".to_owned(),
        other => format!("the smart-card service reports: {other}"),
    }
}
