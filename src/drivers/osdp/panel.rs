//! One peripheral and the control panel that speaks to it.
//!
//! In: turns on the bus, packets heard there, signals. Out: [`ReaderEvent`]s: there, lost and why, cards, keys, and what
//! an operator has to know. Each peripheral has a panel of its own, so that starting one anew disturbs no other: libosdp
//! leaves a peripheral that went offline alone for five minutes.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use libosdp::{ControlPanel, ControlPanelBuilder, OsdpCardFormats, OsdpCommand, OsdpEvent, OsdpFlag, PdInfoBuilder};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    heard::{BusEvents, Place},
    key::Scbk,
    packet::{Packet, id},
    show,
    wire::{BusLine, Tap, lock},
};
use crate::{
    drivers::Events,
    reader::{OsdpCard, ReaderCommand, ReaderEvent, ReaderName},
};

/// A peripheral that is silent for so long is not there.
const SILENT: Duration = Duration::from_secs(3);
/// A panel that sends nothing for longer than libosdp's longest pause (800 ms) has given up.
const GIVEN_UP: Duration = Duration::from_secs(1);
/// The pause before a peripheral is tried anew doubles up to this: libosdp keeps some 100 bytes of every panel for good.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// So many lights and sounds may wait for the reader; older ones are dropped.
const MOST_WAITING: usize = 8;

/// libosdp sets its log up anew for every panel, for the whole process and without a lock.
static BUILDING: Mutex<()> = Mutex::new(());

/// One peripheral.
pub struct Panel {
    name: ReaderName,
    place: Place,
    scbk_file: Option<PathBuf>,
    commands: UnboundedReceiver<ReaderCommand>,
    events: Events,
    speaking: Option<Speaking>,
    again_at: Instant,
    pause: Duration,
    told: Option<Reported>,
    /// What has been said once and is not said again.
    notes: Vec<String>,
    shows_signals: bool,
}

/// A panel at work.
struct Speaking {
    panel: ControlPanel,
    happened: Receiver<OsdpEvent>,
    heard: BusEvents,
    since: Instant,
    was_online: bool,
    used_the_line: Instant,
    to_show: VecDeque<OsdpCommand>,
    /// How many of them libosdp has taken and not sent yet.
    taken: usize,
}

#[derive(PartialEq, Eq)]
enum Reported {
    Up,
    Lost(String),
}

impl Panel {
    pub fn new(
        name: ReaderName,
        place: Place,
        scbk_file: Option<PathBuf>,
        commands: UnboundedReceiver<ReaderCommand>,
        events: Events,
    ) -> Self {
        Self {
            name,
            place,
            scbk_file,
            commands,
            events,
            speaking: None,
            again_at: Instant::now(),
            pause: Duration::ZERO,
            told: None,
            notes: Vec::new(),
            shows_signals: true,
        }
    }

    /// The peripheral's address.
    pub const fn address(&self) -> u8 {
        self.place.address
    }

    /// The line at this path is open; the peripheral is spoken to from the beginning.
    pub fn begin(&mut self, path: &str) {
        path.clone_into(&mut self.place.path);
        (self.speaking, self.pause, self.again_at) = (None, Duration::ZERO, Instant::now());
    }

    /// The line is lost.
    pub fn end(&mut self, why: &str) {
        self.speaking = None;
        self.tell_lost(why.to_owned());
    }

    /// Something is still to be shown.
    pub fn has_to_show(&mut self) -> bool {
        self.signals();
        self.speaking.as_ref().is_some_and(|speaking| !speaking.to_show.is_empty() || speaking.taken > 0)
    }

    /// Its turn on the bus; true while a command or its reply is on the line.
    pub fn turn(&mut self, wire: &Arc<Mutex<BusLine>>, now: Instant) -> bool {
        if self.speaking.is_none() && now >= self.again_at {
            self.speak(wire, now);
        }
        self.signals();
        let Some(speaking) = &mut self.speaking else { return false };
        lock(wire).in_use = false;
        speaking.panel.refresh();
        let in_use = lock(wire).in_use;
        if in_use {
            speaking.used_the_line = now;
        }
        in_use
    }

    /// A packet from or to this peripheral passed.
    pub fn packet(&mut self, packet: &Packet, now: Instant) {
        let Some(speaking) = &mut self.speaking else { return };
        speaking.heard.packet(packet, now);
        if !packet.is_reply && matches!(packet.id, id::LED | id::BUZZER) {
            speaking.taken = speaking.taken.saturating_sub(1);
        }
        let reply = packet.data.as_deref().filter(|_| packet.is_reply);
        match (packet.id, reply) {
            // libosdp drops both.
            (id::FORMATTED, _) if packet.is_reply => {
                let text = reply.and_then(|data| data.get(3..)).unwrap_or_default().to_vec();
                self.report(ReaderEvent::OsdpFormatted(text));
            }
            (id::RAW, Some([reader, format, low, high, bytes @ ..])) if *format > OsdpCard::WIEGAND => {
                let length = u16::from_le_bytes([*low, *high]);
                let card = OsdpCard { reader: *reader, format: *format, length, bytes: bytes.to_vec(), check_bits: packet.check_bits };
                self.report(ReaderEvent::OsdpCard(card.masked()));
            }
            _ => {}
        }
    }

    /// Bytes that were no packet came while it was its turn.
    pub fn noise(&mut self, count: usize) {
        if let Some(speaking) = &mut self.speaking {
            speaking.heard.noise += count;
        }
    }

    /// Looks what has become of the peripheral and tells what is new.
    pub fn look(&mut self, now: Instant) {
        let Some(speaking) = &mut self.speaking else { return };
        let events: Vec<ReaderEvent> = speaking.happened.try_iter().filter_map(|told| event(told, speaking.heard.check_bits)).collect();
        let online = speaking.panel.is_online(0);
        let answers = speaking.heard.answers_within(SILENT, now);
        let has_given_up = !online && (speaking.was_online || now.saturating_duration_since(speaking.used_the_line) > GIVEN_UP);
        let is_silent = !answers && now.saturating_duration_since(speaking.since) > SILENT;
        speaking.was_online = online;
        if online && answers {
            self.tell_up();
        } else if has_given_up {
            self.give_up(now);
        } else if is_silent {
            let why = speaking.heard.why(&self.place, self.scbk_file.is_some());
            self.tell_lost(why);
        }
        events.into_iter().for_each(|event| self.report(event));
    }

    fn speak(&mut self, wire: &Arc<Mutex<BusLine>>, now: Instant) {
        match self.start(wire, now) {
            Ok(speaking) => self.speaking = Some(speaking),
            Err(why) => {
                self.wait_longer(now);
                self.tell_lost(why);
            }
        }
    }

    fn start(&mut self, wire: &Arc<Mutex<BusLine>>, now: Instant) -> Result<Speaking, String> {
        let failed = |error| format!("the OSDP reader at address {} cannot be spoken to: {error:?}", self.place.address);
        let peripheral = PdInfoBuilder::new().address(i32::from(self.place.address)).map_err(failed)?;
        // Without this flag a reply that libosdp does not know would take the reader offline.
        let mut peripheral = peripheral.flag(OsdpFlag::IgnoreUnsolicited);
        if let Some(path) = &self.scbk_file {
            let key = Scbk::read(path)?;
            // Secure or not at all; and a reader's own key is never changed.
            peripheral = peripheral.secure_channel_key(key.0).flag(OsdpFlag::EnforceSecure);
            key.warnings(path).into_iter().for_each(|warning| note(&mut self.notes, &self.events, &self.name, warning));
        }
        let tap = Box::new(Tap(Arc::downgrade(wire)));
        let mut panel = {
            let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
            ControlPanelBuilder::new().add_channel(tap, vec![peripheral]).build().map_err(failed)?
        };
        let (report, happened): (Sender<OsdpEvent>, _) = channel();
        panel.set_event_callback(move |_, event| i32::from(report.send(event).is_err()));
        let (heard, to_show) = (BusEvents::default(), VecDeque::new());
        Ok(Speaking { panel, happened, heard, since: now, was_online: false, used_the_line: now, to_show, taken: 0 })
    }

    fn signals(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            let ReaderCommand::Signal(signal) = command else { continue };
            let Some(speaking) = self.speaking.as_mut().filter(|_| self.shows_signals) else { continue };
            if let Some(capabilities) = &speaking.heard.capabilities {
                speaking.to_show.extend(show::commands(signal, capabilities));
            }
        }
        let Some(speaking) = &mut self.speaking else { return };
        let too_many = speaking.to_show.len().saturating_sub(MOST_WAITING);
        speaking.to_show.drain(..too_many);
        // libosdp takes a few at a time; the others wait here.
        while let Some(command) = speaking.to_show.front() {
            if speaking.panel.send_command(0, command.clone()).is_err() {
                return;
            }
            speaking.to_show.pop_front();
            speaking.taken += 1;
        }
    }

    fn give_up(&mut self, now: Instant) {
        let Some(speaking) = self.speaking.take() else { return };
        if speaking.heard.refuses_signals() {
            self.shows_signals = false;
            self.note(format!("{}: the reader refuses to use its light or its sounder; signals are not shown there", self.place.path));
        }
        self.tell_lost(speaking.heard.why(&self.place, self.scbk_file.is_some()));
        self.wait_longer(now);
    }

    fn wait_longer(&mut self, now: Instant) {
        self.again_at = now + self.pause;
        self.pause = (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    }

    fn tell_up(&mut self) {
        self.pause = Duration::ZERO;
        if self.told == Some(Reported::Up) {
            return;
        }
        self.told = Some(Reported::Up);
        self.report(ReaderEvent::Up);
        let heard = self.speaking.as_ref().map(|speaking| &speaking.heard);
        let identity = heard.and_then(|heard| heard.identity.as_ref().zip(heard.capabilities.as_ref()));
        if let Some(words) = identity.map(|(identity, can)| format!("OSDP reader at address {}: {identity}; {can}", self.place.address)) {
            self.note(words);
        }
        self.note(match self.scbk_file {
            Some(_) => "the secure channel is open".to_owned(),
            None => {
                "no scbk_file is configured: everything on the OSDP line can be read and forged by whoever reaches its wires".to_owned()
            }
        });
    }

    fn tell_lost(&mut self, why: String) {
        let told = Some(Reported::Lost(why.clone()));
        if self.told != told {
            self.told = told;
            self.report(ReaderEvent::Lost { why });
        }
    }

    fn note(&mut self, words: String) {
        note(&mut self.notes, &self.events, &self.name, words);
    }

    fn report(&self, event: ReaderEvent) {
        // Nobody listens any longer: the process is about to end the thread.
        drop(self.events.send((self.name.clone(), event)));
    }
}

/// Says something once.
fn note(said: &mut Vec<String>, events: &Events, name: &ReaderName, words: String) {
    if !said.contains(&words) {
        said.push(words.clone());
        drop(events.send((name.clone(), ReaderEvent::Note(words))));
    }
}

/// What libosdp tells that is a card or a key, of a reader whose packets have a check of so many bits.
fn event(event: OsdpEvent, check_bits: u8) -> Option<ReaderEvent> {
    match event {
        OsdpEvent::CardRead(card) => {
            let format = match card.format {
                OsdpCardFormats::Unspecified => OsdpCard::UNSPECIFIED,
                OsdpCardFormats::Wiegand => OsdpCard::WIEGAND,
            };
            let (reader, length) = (u8::try_from(card.reader_no).unwrap_or(u8::MAX), u16::try_from(card.nr_bits).ok()?);
            Some(ReaderEvent::OsdpCard(OsdpCard { reader, format, length, bytes: card.data, check_bits }.masked()))
        }
        OsdpEvent::KeyPress(keys) => Some(ReaderEvent::OsdpKeys(keys.data)),
        OsdpEvent::MfgReply(_) | OsdpEvent::Status(_) => None,
    }
}
