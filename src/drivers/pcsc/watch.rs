//! The watch over all PC/SC readers, in a thread of its own.
//!
//! In: which readers are sought, and what the service says about them. Out: readers that have come or gone, and to the
//! thread of each what has come or gone there. Never: a word to a card.

use std::{
    collections::HashMap,
    ffi::CString,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use pcsc::{Context, Error, ReaderState, State};

use super::{
    ReaderPattern, Shared, establish, explain, explain_later, keys,
    names::Names,
    talker::{Instruction, Talker, Talks},
};
use crate::{
    drivers::{AGAIN, Common},
    reader::{ReaderEvent, ReaderName, is_device_of},
    smartcard::reader::Model,
};

/// How long the watch waits before it lists the readers again.
const TURN: Duration = Duration::from_millis(300);
/// How often a reader is looked at that the daemon has listed and not started yet.
const STARTING: Duration = Duration::from_millis(20);
/// How long the watch leaves cards to their conversations. Whoever waits for changes is woken by each program that connects, and in the
/// way of a card that takes no longer than that.
const CONVERSATION: Duration = Duration::from_millis(10);
/// The daemon takes 16 states at most in one call.
const MOST_READERS: usize = 16;

/// A configured reader, and the one device that is wanted of those it means; none: all of them.
pub(super) type Sought = (ReaderPattern, Option<ReaderName>);

/// The watch.
pub(super) struct Watch {
    sought: Receiver<Sought>,
    wanted: Vec<ReaderPattern>,
    /// The devices that alone are wanted of a configured reader.
    only: HashMap<ReaderName, Vec<ReaderName>>,
    names: Names,
    models: Vec<Arc<Model>>,
    common: Common,
    shared: Shared,
    told: HashMap<ReaderName, String>,
}

/// Nobody wants a reader any more.
struct Unwanted;

/// A reader under watch.
struct Device {
    name: ReaderName,
    /// The event count at which a card was last seen there; none while it is empty.
    card: Option<u32>,
    /// Nobody has looked at it yet.
    is_new: bool,
    talk: Sender<Instruction>,
}

/// The readers under watch, each with the state it was seen in last.
type Devices = Vec<(Device, ReaderState)>;

impl Watch {
    /// A watch over what is sought, now and later; it ends when nobody can seek anything any more.
    pub(super) fn new(sought: Receiver<Sought>, models: Vec<Arc<Model>>, common: Common, shared: Shared) -> Self {
        let names = Names::new(models.clone());
        Self { sought, wanted: Vec::new(), only: HashMap::new(), names, models, common, shared, told: HashMap::new() }
    }

    pub(super) fn run(mut self) {
        let Err(Unwanted) = self.serve();
        self.shared.talks().clear();
    }

    fn serve(&mut self) -> Result<std::convert::Infallible, Unwanted> {
        loop {
            let why = match establish() {
                Ok(context) => self.watch(&context)?,
                Err(error) => explain(error),
            };
            *self.shared.context() = None;
            self.shared.talks().clear();
            self.take_wishes()?;
            for wanted in self.wanted.clone() {
                self.meant(&wanted).iter().for_each(|name| self.lost(name, &why));
            }
            self.pause(AGAIN)?;
        }
    }

    /// Watches until the daemon fails; says why it did.
    fn watch(&mut self, context: &Context) -> Result<String, Unwanted> {
        *self.shared.context() = Some(context.clone());
        let mut devices = Devices::new();
        let mut listed_at: Option<Instant> = None;
        loop {
            // Not after each card: others that were laid on meanwhile would wait for it.
            if self.take_wishes()? || listed_at.is_none_or(|at| at.elapsed() >= TURN) {
                let listed = match context.list_readers_owned() {
                    Ok(listed) => listed,
                    Err(Error::NoReadersAvailable) => Vec::new(),
                    Err(error) => return Ok(explain_later(error)),
                };
                listed_at = Some(Instant::now());
                devices = self.take_stock(devices, &listed);
            }
            if devices.is_empty() {
                if self.pause(TURN)? {
                    listed_at = None;
                }
                continue;
            }
            match self.look(context, &mut devices) {
                // A reader that has just gone fails the whole call: the next stock-taking finds it out.
                Err(Error::UnknownReader) => listed_at = None,
                Ok(()) | Err(Error::Timeout | Error::Cancelled) => {}
                Err(error) => return Ok(explain_later(error)),
            }
        }
    }

    /// Takes up what else is wanted by now; true where there was something.
    fn take_wishes(&mut self) -> Result<bool, Unwanted> {
        let mut is_new = false;
        loop {
            match self.sought.try_recv() {
                Ok(sought) => self.want(sought),
                Err(TryRecvError::Empty) => return Ok(is_new),
                Err(TryRecvError::Disconnected) => return Err(Unwanted),
            }
            is_new = true;
        }
    }

    /// Waits, or until something else is wanted: true then.
    fn pause(&mut self, time: Duration) -> Result<bool, Unwanted> {
        match self.sought.recv_timeout(time) {
            Ok(sought) => self.want(sought),
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => return Err(Unwanted),
        }
        Ok(true)
    }

    fn want(&mut self, (wanted, only): Sought) {
        match only {
            Some(device) => self.only.entry(wanted.name.clone()).or_default().push(device),
            None => drop(self.only.remove(&wanted.name)),
        }
        if !self.wanted.iter().any(|other| other.name == wanted.name) {
            self.wanted.push(wanted);
        }
    }

    /// Waits for a change and reports it.
    fn look(&mut self, context: &Context, devices: &mut Devices) -> Result<(), Error> {
        let (mut known, mut states): (Vec<Device>, Vec<ReaderState>) = devices.drain(..).unzip();
        let waited = context.get_status_change(TURN, &mut states);
        let mut is_starting = false;
        let (talks, silent) = channel();
        if waited.is_ok() {
            for (device, state) in known.iter_mut().zip(&mut states) {
                if has_started(state) {
                    self.changed(device, state, &talks);
                } else {
                    is_starting = true;
                }
            }
        }
        devices.extend(known.into_iter().zip(states));
        drop(talks);
        // Ends when all have let go of the other end.
        let _ = silent.recv_timeout(CONVERSATION);
        if is_starting {
            thread::sleep(STARTING);
        }
        waited
    }

    /// Takes up readers that have come and lets go of those that have gone.
    fn take_stock(&mut self, devices: Devices, listed: &[CString]) -> Devices {
        let paths: Vec<String> = listed.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let mut named = self.names.name(&self.wanted, &paths);
        named.retain(|(_, name)| self.only.iter().all(|(reader, only)| !is_device_of(name, reader) || only.contains(name)));
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
            self.shared.talks().remove(&device.name);
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
            for name in self.meant(&wanted) {
                let is_there = kept.iter().any(|(device, _)| device.name == name || is_device_of(&device.name, &name));
                if is_there || self.told.contains_key(&name) {
                    continue;
                }
                if name == wanted.name {
                    self.lost(&name, &self.names.missing(&wanted.pattern, &paths));
                } else {
                    self.lost(&name, "there are not so many readers of this name; `cardbridge readers` shows what is there");
                }
            }
        }
        kept
    }

    /// The names of what is wanted of a configured reader: its own, or those of the devices that alone are wanted.
    fn meant(&self, wanted: &ReaderPattern) -> Vec<ReaderName> {
        self.only.get(&wanted.name).cloned().unwrap_or_else(|| vec![wanted.name.clone()])
    }

    fn take_up(&mut self, path: &CString, name: &ReaderName) -> Sender<Instruction> {
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
        let talker = Talker { name: name.clone(), path: path.clone(), common: self.common.clone(), told, keys, model };
        drop(thread::Builder::new().name("card".to_owned()).spawn(move || talker.run()));
        self.shared.talks().insert(name.clone(), talk.clone());
        self.told.clear();
        talk
    }

    /// Tells a reader's own thread what has come or gone there: one thread alone speaks of a reader's cards, in their order.
    fn changed(&self, device: &mut Device, state: &mut ReaderState, talks: &Talks) {
        let (present, count) = (state.event_state().contains(State::PRESENT), state.event_count());
        let atr = state.atr().to_vec();
        // Whether somebody uses the card is no news: a state that is kept without it ends no wait when the card is let go.
        if state.event_state().contains(State::CHANGED) {
            state.sync_current_state();
        }
        if device.card.is_some_and(|seen| !present || is_another(seen, count)) {
            device.card = None;
            drop(device.talk.send(Instruction::CardOut));
        }
        let lay_there = std::mem::take(&mut device.is_new);
        // It is there once somebody has looked: a card that is put down from now on is shown.
        if lay_there {
            self.report(&device.name, ReaderEvent::Up);
        }
        if present && device.card.is_none() {
            device.card = Some(count);
            drop(device.talk.send(Instruction::CardIn { atr, lay_there, talks: talks.clone() }));
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
        drop(self.common.events.send((name.clone(), event)));
    }
}

/// True where a card has gone and another one has come between two looks, which shows in the count of such events alone. One event
/// is none: the service shows a card a moment before it counts it.
const fn is_another(seen: u32, count: u32) -> bool {
    count.wrapping_sub(seen) & 0xFFFF >= 2
}

/// False for a reader that is listed and not started yet: it is neither empty nor has it a card. libpcsclite tells only what
/// differs from the state that it is given, and would never tell that a card came there: such a state is not to be kept.
fn has_started(state: &ReaderState) -> bool {
    state.event_state().intersects(State::EMPTY | State::PRESENT | State::UNAVAILABLE | State::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::is_another;

    #[test]
    fn a_card_that_is_counted_late_is_not_read_twice_and_a_swap_is_seen() {
        assert!(!is_another(7, 7) && !is_another(7, 8) && !is_another(0xFFFF, 0));
        assert!(is_another(7, 9) && is_another(7, 10) && is_another(0xFFFF, 1));
    }
}
