//! The stages joined, still pure: what happens at readers and desks in, what is to be done out.
//!
//! `handle(event, now)` answers with effects, in the order they are to be carried out. It touches no device, no file and
//! no clock, and it never says "saved" before it is told that an entry is on disk.

pub mod osdp;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    card::{Csn, Kind, Presentation, Reading, Transport},
    decode::{
        catalog::SharedCatalog,
        dialect::Dialect,
        line::{ByteOrder, Input, Line, Told},
        message,
    },
    enroll::{
        enrollment::{self, IntegerWidth, Order, Refused},
        outbox::{Entry, Operation, Reassign},
        policy::{self, Hints, SitePolicy},
    },
    readers::{ReaderCommand, ReaderEvent, ReaderName, Signal, is_device_of},
    smartcard::{
        conversation::{Conversation, Next},
        script::Script,
    },
};

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something at a reader.
    Reader(ReaderName, ReaderEvent),
    /// A card that was read elsewhere: a literal, a capture, the station's reader.
    Presented(Box<Presentation>),
    /// Somebody wants the next card.
    Take(Taker),
    /// Somebody no longer wants it.
    Untake(u64),
    /// An entry is on disk.
    Saved(Uuid),
    /// An entry is not on disk.
    NotSaved(Uuid, String),
    /// What became of an entry.
    Settled(Uuid, bool),
    /// A deadline has passed.
    Time,
}

/// Somebody who wants the next card.
#[derive(Debug, Clone)]
pub struct Taker {
    /// To tell takers apart.
    pub id: u64,
    /// At this reader only.
    pub reader: Option<String>,
    /// What for.
    pub purpose: Purpose,
}

/// What a card is taken for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// To be enrolled, as the entry of this key.
    Enroll(Uuid, Box<Order>, Reassign),
    /// To be handed to another process.
    HandOver,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A reader is to do something.
    Command(ReaderName, ReaderCommand),
    /// Write an entry down, then say so.
    Save(Box<Entry>),
    /// Hand a card to the taker of that id.
    HandOver(u64, Box<Presentation>),
    /// People are to be told.
    Tell(Notice),
}

/// What people are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A reader is there.
    Up(ReaderName),
    /// A reader is not there.
    Lost(ReaderName, String),
    /// Something to know about a reader.
    Note(ReaderName, String),
    /// Bytes that were no card.
    Noise(ReaderName, usize),
    /// A card could not be read.
    Failed(ReaderName, String),
    /// A card was read.
    Read(Box<Reading>),
    /// The card that was taken to be enrolled is not, and why.
    NotEnrolled(Box<Reading>, Refused),
    /// An entry is on disk.
    Saved(Uuid),
    /// An entry is not on disk.
    NotSaved(Uuid, String),
}

/// A configured reader, as the bridge needs it.
#[derive(Debug, Clone)]
pub enum ReaderKind {
    /// A serial line that speaks a dialect.
    Serial(Arc<Dialect>, Told),
    /// A PC/SC reader; the site may say something about its cards.
    Pcsc(Told),
    /// A reader on an OSDP bus; the site may say something about its cards.
    Osdp(Told),
}

/// The bridge.
pub struct Bridge {
    catalog: SharedCatalog,
    scripts: Vec<Arc<Script>>,
    policy: SitePolicy,
    width: IntegerWidth,
    kinds: Vec<(String, ReaderKind)>,
    stages: HashMap<ReaderName, Stage>,
    takers: VecDeque<Taker>,
    entries: HashMap<Uuid, Option<ReaderName>>,
    deadlines: HashMap<ReaderName, DateTime<Utc>>,
}

enum Stage {
    Line(Box<Line>),
    Card(Option<Box<Conversation>>),
    Osdp(osdp::Desk),
}

impl Bridge {
    /// A bridge with these formats, scripts and rules, for these readers.
    #[must_use]
    pub fn new(
        catalog: SharedCatalog,
        scripts: Vec<Arc<Script>>,
        policy: SitePolicy,
        width: IntegerWidth,
        kinds: Vec<(String, ReaderKind)>,
    ) -> Self {
        Self {
            catalog,
            scripts,
            policy,
            width,
            kinds,
            stages: HashMap::new(),
            takers: VecDeque::new(),
            entries: HashMap::new(),
            deadlines: HashMap::new(),
        }
    }

    /// Takes what happened and says what is to be done.
    pub fn handle(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Reader(name, event) => self.at_reader(&name, event, now, &mut effects),
            Event::Presented(presentation) => self.presented(*presentation, now, &mut effects),
            Event::Take(taker) => self.takers.push_back(taker),
            Event::Untake(id) => self.takers.retain(|taker| taker.id != id),
            Event::Saved(id) => {
                self.signal_entry(id, Signal::Saved, now, &mut effects);
                effects.push(Effect::Tell(Notice::Saved(id)));
            }
            Event::NotSaved(id, why) => {
                self.signal_entry(id, Signal::Refused, now, &mut effects);
                effects.push(Effect::Tell(Notice::NotSaved(id, why)));
            }
            Event::Settled(id, accepted) => {
                self.signal_entry(id, if accepted { Signal::Accepted } else { Signal::Refused }, now, &mut effects);
                self.entries.remove(&id);
            }
            Event::Time => self.time(now, &mut effects),
        }
        effects
    }

    /// When to come back with [`Event::Time`].
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.deadlines.values().min().copied()
    }

    /// True while a reader still has a signal to show.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.stages.values().any(|stage| matches!(stage, Stage::Line(line) if line.is_showing()))
    }

    /// The names of the configured readers.
    pub fn reader_names(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(|(name, _)| name.as_str())
    }

    fn at_reader(&mut self, name: &ReaderName, event: ReaderEvent, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match event {
            ReaderEvent::Up => {
                self.stages.remove(name);
                effects.push(Effect::Tell(Notice::Up(name.clone())));
                self.line(name, Input::Opened, now, effects);
            }
            ReaderEvent::Lost { why } => {
                self.stages.remove(name);
                self.deadlines.remove(name);
                effects.push(Effect::Tell(Notice::Lost(name.clone(), why)));
            }
            ReaderEvent::Bytes(bytes) => self.line(name, Input::Bytes(&bytes), now, effects),
            ReaderEvent::CardIn { atr, device } => {
                let mut conversation = Conversation::new(&self.scripts, &atr, &device);
                let next = conversation.begin();
                self.stages.insert(name.clone(), Stage::Card(Some(Box::new(conversation))));
                self.go_on(name, next, now, effects);
            }
            ReaderEvent::Answer(answer) => {
                if let Some(Stage::Card(Some(conversation))) = self.stages.get_mut(name) {
                    let next = conversation.answer(&answer);
                    self.go_on(name, next, now, effects);
                }
            }
            ReaderEvent::CardFailed { why } => {
                // A partial read is never submitted.
                self.stages.insert(name.clone(), Stage::Card(None));
                effects.push(Effect::Tell(Notice::Failed(name.clone(), why)));
            }
            ReaderEvent::CardOut => {
                self.stages.insert(name.clone(), Stage::Card(None));
            }
            ReaderEvent::OsdpCard(card) => {
                if let Some(presentation) = self.osdp_desk(name).and_then(|(desk, told)| desk.card(card, told, now)) {
                    self.shown(name, Transport::Osdp, presentation, now, effects);
                }
            }
            ReaderEvent::OsdpKeys(codes) => self.shown(name, Transport::Osdp, osdp::keys(&codes), now, effects),
            ReaderEvent::OsdpFormatted(text) => self.shown(name, Transport::Osdp, osdp::formatted(&text), now, effects),
            ReaderEvent::Note(words) => effects.push(Effect::Tell(Notice::Note(name.clone(), words))),
        }
    }

    fn osdp_desk(&mut self, name: &ReaderName) -> Option<(&mut osdp::Desk, Told)> {
        let Some(ReaderKind::Osdp(told)) = self.kind(name).cloned() else { return None };
        match self.stages.entry(name.clone()).or_insert_with(|| Stage::Osdp(osdp::Desk::default())) {
            Stage::Osdp(desk) => Some((desk, told)),
            Stage::Line(_) | Stage::Card(_) => None,
        }
    }

    fn line(&mut self, name: &ReaderName, input: Input<'_>, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if !self.stages.contains_key(name) {
            let Some(ReaderKind::Serial(dialect, told)) = self.kind(name).cloned() else { return };
            self.stages.insert(name.clone(), Stage::Line(Box::new(Line::new(dialect, told))));
        }
        let Some(Stage::Line(line)) = self.stages.get_mut(name) else { return };
        let output = line.handle(input, now);
        match output.deadline {
            Some(deadline) => self.deadlines.insert(name.clone(), deadline),
            None => self.deadlines.remove(name),
        };
        if !output.write.is_empty() {
            effects.push(Effect::Command(name.clone(), ReaderCommand::Write(output.write)));
        }
        if output.unanswered {
            let why = "the reader does not answer; check its dialect, its baud rate and its cable".to_owned();
            effects.push(Effect::Tell(Notice::Failed(name.clone(), why)));
        }
        if output.noise > 0 {
            effects.push(Effect::Tell(Notice::Noise(name.clone(), output.noise)));
        }
        for presentation in output.presentations {
            self.shown(name, Transport::Serial, presentation, now, effects);
        }
    }

    fn go_on(&mut self, name: &ReaderName, next: Next, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match next {
            Next::Say(command) => effects.push(Effect::Command(name.clone(), ReaderCommand::Write(command))),
            Next::Done(presentation) => {
                self.stages.insert(name.clone(), Stage::Card(None));
                effects.push(Effect::Command(name.clone(), ReaderCommand::Release));
                let told = self.kind(name).map_or_else(Told::default, ReaderKind::told);
                self.shown(name, Transport::Pcsc, in_byte_order(*presentation, told), now, effects);
            }
        }
    }

    /// A card was shown at one of the readers.
    fn shown(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        mut presentation: Presentation,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        presentation.reader = Some(name.to_string());
        presentation.transport = Some(transport);
        presentation.at = Some(now);
        // A keypad beeps by itself.
        if presentation.kind != Kind::Key {
            self.signal(name, Signal::Read, now, effects);
        }
        self.presented(presentation, now, effects);
    }

    fn presented(&mut self, presentation: Presentation, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let reader = presentation.reader.clone();
        let mut reading = self.catalog.read(presentation);
        let here = |wanted: &String| reader.as_deref().is_some_and(|device| device == wanted || is_device_of(device, wanted));
        let wants = |taker: &Taker| taker.reader.as_ref().is_none_or(here);
        // Whoever waits for a card waits for one that is shown now, and not for a key.
        let is_card = reading.presentation.kind != Kind::Key && !reading.presentation.was_shown_before();
        let taker = self.takers.iter().position(wants).filter(|_| is_card).and_then(|at| self.takers.remove(at));
        let hints = taker.as_ref().map(hints).unwrap_or_default();
        policy::choose(&mut reading, &self.policy, &hints);
        if hints.printed.is_some() {
            policy::explain(&mut reading, &self.catalog, &self.policy, hints.printed.as_deref());
        }
        effects.push(Effect::Tell(Notice::Read(Box::new(reading.clone()))));
        match taker.map(|taker| (taker.id, taker.purpose)) {
            Some((_, Purpose::Enroll(id, order, reassign))) => self.enroll(id, reading, &order, reassign, now, effects),
            Some((id, Purpose::HandOver)) => effects.push(Effect::HandOver(id, Box::new(reading.presentation))),
            None => {}
        }
    }

    fn enroll(&mut self, id: Uuid, reading: Reading, order: &Order, reassign: Reassign, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let reader: Option<ReaderName> = reading.presentation.reader.as_deref().map(Into::into);
        match enrollment::add_user_card(&reading, order, &self.policy, self.width) {
            Ok(call) => {
                let entry = Entry { id, saved_at: now, operation: Operation::AddUserCard(call), reassign, steps: Vec::new() };
                self.entries.insert(entry.id, reader);
                effects.push(Effect::Save(Box::new(entry)));
            }
            Err(refused) => {
                if let Some(reader) = reader {
                    self.signal(&reader, Signal::Refused, now, effects);
                }
                effects.push(Effect::Tell(Notice::NotEnrolled(Box::new(reading), refused)));
            }
        }
    }

    fn time(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let due: Vec<ReaderName> = self.deadlines.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            self.deadlines.remove(&name);
            self.line(&name, Input::Time, now, effects);
        }
    }

    fn signal_entry(&mut self, id: Uuid, shown: Signal, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if let Some(Some(reader)) = self.entries.get(&id).cloned() {
            self.signal(&reader, shown, now, effects);
        }
    }

    /// A reader on a serial line is told in its own language; other drivers know how theirs show it.
    fn signal(&mut self, reader: &ReaderName, shown: Signal, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match self.stages.get(reader) {
            Some(Stage::Line(_)) => self.line(reader, Input::Signal(shown), now, effects),
            _ => effects.push(Effect::Command(reader.clone(), ReaderCommand::Signal(shown))),
        }
    }

    fn kind(&self, name: &str) -> Option<&ReaderKind> {
        self.kinds.iter().find(|(configured, _)| is_device_of(name, configured)).map(|(_, kind)| kind)
    }
}

impl ReaderKind {
    const fn told(&self) -> Told {
        match self {
            Self::Serial(_, told) | Self::Pcsc(told) | Self::Osdp(told) => *told,
        }
    }
}

/// The serial number in the order the card sends it, where the site says that its reader turns it round.
fn in_byte_order(mut presentation: Presentation, told: Told) -> Presentation {
    if presentation.kind == Kind::Csn && told.byte_order == ByteOrder::Reversed {
        presentation.csn = presentation.csn.and_then(|csn| Csn::new(&message::ordered(csn.bytes().to_vec(), told.byte_order)));
        presentation.bits = presentation.csn.as_ref().map(Csn::bits);
    }
    presentation
}

fn hints(taker: &Taker) -> Hints {
    match &taker.purpose {
        Purpose::Enroll(_, order, _) => Hints { card_type: order.card_type, printed: order.printed.clone() },
        Purpose::HandOver => Hints::default(),
    }
}
