//! The PC/SC driver: one thread watches all readers, and one thread per reader talks to the card on it.
//!
//! A context that saw the daemon die is never used again: it would answer "no service" for ever. Readers are listed anew
//! at every turn, as the daemon's own notification is not reliable before 2.3. One thread watches, because libpcsclite
//! keeps the readers' states in one place per process without a lock.

use std::{
    collections::HashMap,
    ffi::CString,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use pcsc::{Card, Context, Disposition, Error, MAX_BUFFER_SIZE_EXTENDED, Protocols, ReaderState, Scope, ShareMode, State};

use super::{AGAIN, Events, Running};
use crate::reader::{ReaderCommand, ReaderEvent, ReaderName, is_device_of, matches};

/// How long the watch waits before it lists the readers again.
const TURN: Duration = Duration::from_millis(300);
/// How long a card may be busy elsewhere, or slow to power up, before it is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// The daemon takes 16 states at most in one call.
const MOST_READERS: usize = 16;

/// A name pattern and the reader's configured name.
pub type Wanted = Vec<(String, ReaderName)>;

/// The PC/SC readers of this machine.
///
/// # Errors
/// Why the daemon cannot be asked, and what to do.
pub fn list() -> Result<Vec<String>, String> {
    let context = establish().map_err(explain)?;
    let names = context.list_readers_owned().map_err(explain_later)?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// The configured name of each device: the first of two that one pattern matches is `NAME#1`, the second `NAME#2`.
#[must_use]
pub fn name_devices(wanted: &Wanted, devices: &[String]) -> Vec<(String, ReaderName)> {
    let mut named = Vec::new();
    for (pattern, name) in wanted {
        let meant: Vec<&String> = devices.iter().filter(|device| matches(pattern, device)).collect();
        for (at, device) in meant.iter().enumerate() {
            let own = if meant.len() == 1 { name.clone() } else { format!("{name}#{}", at + 1).into() };
            named.push(((*device).clone(), own));
        }
    }
    named
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
pub fn start(wanted: Wanted, events: Events, running: Running) -> PcscHandle {
    let handle = PcscHandle::default();
    let watch = Watch { wanted, events, running, handle: handle.clone(), told: HashMap::new() };
    drop(thread::Builder::new().name("pcsc".to_owned()).spawn(move || watch.run()));
    handle
}

/// What a talking thread is told.
enum Talk {
    /// A card is there; true where it lay there when the reader was first looked at.
    CardIn(bool),
    Command(ReaderCommand),
}

struct Watch {
    wanted: Wanted,
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
            for (_, name) in self.wanted.clone() {
                self.lost(&name, &why);
            }
            thread::sleep(AGAIN);
        }
    }

    /// Watches until the daemon fails; says why it did.
    fn watch(&mut self, context: &Context) -> String {
        let mut devices = Devices::new();
        while !self.running.ended() {
            let listed = match context.list_readers_owned() {
                Ok(listed) => listed,
                Err(Error::NoReadersAvailable) => Vec::new(),
                Err(error) => return explain_later(error),
            };
            devices = self.take_stock(devices, &listed);
            if devices.is_empty() {
                thread::sleep(TURN);
                continue;
            }
            if let Err(error) = self.look(context, &mut devices) {
                return explain_later(error);
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
        match waited {
            // A reader that has just gone fails the whole call: the next stock-taking finds it out.
            Ok(()) | Err(Error::Timeout | Error::UnknownReader) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes up readers that have come and lets go of those that have gone.
    fn take_stock(&mut self, devices: Devices, listed: &[CString]) -> Devices {
        let paths: Vec<String> = listed.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let mut named = name_devices(&self.wanted, &paths);
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
                self.take_up(&path, &name);
                kept.push((Device { name, card: None, is_new: true }, ReaderState::new(path, State::UNAWARE)));
            }
        }
        for (pattern, name) in self.wanted.clone() {
            if !kept.iter().any(|(device, _)| is_device_of(&device.name, &name)) && !self.told.contains_key(&name) {
                self.lost(&name, &format!("no PC/SC reader matches {pattern:?}; plug it in, `cardbridge readers` shows what is there"));
            }
        }
        kept
    }

    fn take_up(&mut self, path: &CString, name: &ReaderName) {
        let (talk, told) = channel();
        let talker = Talker { name: name.clone(), path: path.clone(), events: self.events.clone(), told };
        drop(thread::Builder::new().name("card".to_owned()).spawn(move || talker.run()));
        self.handle.devices().insert(name.clone(), talk);
        self.told.clear();
    }

    fn changed(&self, device: &mut Device, state: &mut ReaderState) {
        let (present, count) = (state.event_state().contains(State::PRESENT), state.event_count());
        state.sync_current_state();
        // A swap between two looks shows only in the count.
        if device.card.is_some_and(|seen| !present || seen != count) {
            device.card = None;
            self.report(&device.name, ReaderEvent::CardOut);
        }
        let lay_there = std::mem::take(&mut device.is_new);
        // It is there once somebody has looked: a card that is put down from now on is shown.
        if lay_there {
            self.report(&device.name, ReaderEvent::Up);
        }
        if present && device.card.is_none() {
            device.card = Some(count);
            if let Some(talk) = self.handle.devices().get(&device.name) {
                drop(talk.send(Talk::CardIn(lay_there)));
            }
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

/// Talks to the cards on one reader, with a context of its own: a slow card holds up nobody else.
struct Talker {
    name: ReaderName,
    path: CString,
    events: Events,
    told: Receiver<Talk>,
}

impl Talker {
    fn run(self) {
        let mut next = self.told.recv();
        while let Ok(talk) = next {
            next = match talk {
                Talk::CardIn(lay_there) => self.card(lay_there),
                Talk::Command(_) => self.told.recv(),
            };
        }
    }

    /// Serves one card until it is released, fails, or another one comes.
    fn card(&self, lay_there: bool) -> Result<Talk, std::sync::mpsc::RecvError> {
        let mut card = match self.connect() {
            Ok(card) => card,
            Err(error) => return self.failed(error),
        };
        if let Err(error) = self.announce(&card, lay_there) {
            return self.failed(error);
        }
        let mut was_reset = false;
        let next = loop {
            match self.told.recv() {
                Ok(Talk::Command(ReaderCommand::Write(command))) => match self.say(&card, &command) {
                    Ok(()) => {}
                    // Somebody else reset the card: begin anew, once.
                    Err(Error::ResetCard) if !was_reset => {
                        was_reset = true;
                        let again = card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard);
                        if let Err(error) = again.and_then(|()| self.announce(&card, lay_there)) {
                            break self.failed(error);
                        }
                    }
                    Err(error) => break self.failed(error),
                },
                // Their lights are their own.
                Ok(Talk::Command(ReaderCommand::Signal(_))) => {}
                Ok(Talk::Command(ReaderCommand::Release)) => break self.told.recv(),
                other => break other,
            }
        };
        // Dropping the card would reset it.
        drop(card.disconnect(Disposition::LeaveCard));
        next
    }

    /// Connects, with patience for a card that another program holds, or whose state was told too early.
    fn connect(&self) -> Result<Card, Error> {
        let began = Instant::now();
        let context = establish()?;
        loop {
            match context.connect(&self.path, ShareMode::Shared, Protocols::ANY) {
                Err(Error::SharingViolation) if began.elapsed() < PATIENCE => {}
                Err(Error::NoSmartcard | Error::NotTransacted) if began.elapsed() < PATIENCE / 4 => {}
                other => return other,
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn announce(&self, card: &Card, lay_there: bool) -> Result<(), Error> {
        let atr = card.status2_owned()?.atr().to_vec();
        self.report(ReaderEvent::CardIn { atr, device: self.path.to_string_lossy().into_owned(), lay_there });
        Ok(())
    }

    fn say(&self, card: &Card, command: &[u8]) -> Result<(), Error> {
        let mut buffer = vec![0; MAX_BUFFER_SIZE_EXTENDED];
        let answer = card.transmit(command, &mut buffer)?.to_vec();
        self.report(ReaderEvent::Answer(answer));
        Ok(())
    }

    fn failed(&self, error: Error) -> Result<Talk, std::sync::mpsc::RecvError> {
        self.report(ReaderEvent::CardFailed { why: explain_later(error) });
        self.told.recv()
    }

    fn report(&self, event: ReaderEvent) {
        drop(self.events.send((self.name.clone(), event)));
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
        Error::ProtoMismatch | Error::UnpoweredCard | Error::UnresponsiveCard => {
            "the card does not answer as a card should; present it again, the right way round".to_owned()
        }
        Error::ReaderUnavailable | Error::UnknownReader => "the reader was unplugged; plug it in again".to_owned(),
        other => format!("the smart-card service reports: {other}"),
    }
}
