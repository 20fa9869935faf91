//! The stages joined, still pure: what happens at readers and desks in, what is to be done out.
//!
//! `handle(event, now)` answers with effects, in the order they are to be carried out. It touches no device, no file and
//! no clock, and it never says "saved" before it is told that an entry is on disk.

pub mod osdp;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    card::{Csn, Kind, LAY_THERE, Presentation, Reading, Transport},
    decode::{
        catalog::SharedCatalog,
        dialect::Dialect,
        keyboard::Keyboard,
        line::{ByteOrder, Input, Line, Told},
        message,
    },
    enroll::{
        enrollment::{self, IntegerWidth, Order, Refused},
        outbox::{Entry, Given, Operation, Origin, Reassign, Source},
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
    /// A card that the station's reader has just read.
    Presented(Box<Presentation>),
    /// A card that no reader shows: a literal, a capture.
    Given(Box<Presentation>),
    /// Somebody wants the next card.
    Take(Taker),
    /// Somebody no longer wants it.
    Untake(u64),
    /// An entry is on disk.
    Saved(Uuid),
    /// An entry is not on disk.
    NotSaved(Uuid, String),
    /// An entry is not on disk: its card was given to somebody else a moment ago.
    GivenBefore(Uuid, Given),
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
    /// Write an entry down, unless its card was given to somebody else and seen within this time; then say so.
    Save(Box<Entry>, Option<TimeDelta>),
    /// Write down when this card was last seen at a reader.
    Seen(String, DateTime<Utc>),
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
    /// Whatever lay at a reader has been seen: a card can be held to it now.
    Ready(ReaderName),
    /// A card that lay at a reader before somebody asked for one is not taken.
    LayThere(ReaderName),
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
    /// An entry is not on disk: its card was given to somebody else a moment ago.
    GivenBefore(Given),
}

/// A configured reader, as the bridge needs it.
#[derive(Debug, Clone)]
pub enum ReaderKind {
    /// A serial line that speaks a dialect.
    Serial(Arc<Dialect>, Told),
    /// A reader that types lines of a dialect.
    Keyboard(Arc<Dialect>, Told),
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
    /// Who waits for a card, each with what had happened by then.
    takers: VecDeque<(Taker, u64)>,
    entries: HashMap<Uuid, Option<ReaderName>>,
    deadlines: HashMap<ReaderName, DateTime<Utc>>,
    /// Counts what happens: what came before is told from what came after, whatever the clock says.
    happened: u64,
    /// Until when a card at a reader that has just been opened lay there already.
    opening: HashMap<ReaderName, DateTime<Utc>>,
    /// The card that was shown last at each reader, and when it was last written down that it is there.
    lying: HashMap<ReaderName, (String, DateTime<Utc>)>,
}

/// A card that lies at a reader is written down as seen this often.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(5);

enum Stage {
    Line(Box<Line>),
    Keyboard(Box<Keyboard>),
    /// The conversation with the card that lies there, what had happened when it came, and whether it lay there already.
    Card(Option<(Box<Conversation>, u64, bool)>),
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
            happened: 0,
            opening: HashMap::new(),
            lying: HashMap::new(),
        }
    }

    /// Takes what happened and says what is to be done.
    pub fn handle(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.happened += 1;
        match event {
            Event::Reader(name, event) => self.at_reader(&name, event, now, &mut effects),
            Event::Presented(presentation) => self.presented(*presentation, self.happened, now, &mut effects),
            Event::Given(presentation) => self.given(*presentation, now, &mut effects),
            Event::Take(taker) => self.takers.push_back((taker, self.happened)),
            Event::Untake(id) => self.takers.retain(|(taker, _)| taker.id != id),
            Event::Saved(id) => {
                self.signal_entry(id, Signal::Saved, now, &mut effects);
                effects.push(Effect::Tell(Notice::Saved(id)));
            }
            Event::NotSaved(id, why) => {
                self.signal_entry(id, Signal::Refused, now, &mut effects);
                effects.push(Effect::Tell(Notice::NotSaved(id, why)));
            }
            Event::GivenBefore(id, given) => {
                self.signal_entry(id, Signal::Refused, now, &mut effects);
                effects.push(Effect::Tell(Notice::GivenBefore(given)));
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
        self.deadlines.values().chain(self.opening.values()).min().copied()
    }

    /// What is to be done before it ends: the cards that lie there are seen for the last time.
    pub fn end(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        self.lying.drain().map(|(_, (card, _))| Effect::Seen(card, now)).collect()
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
                self.opened(name, now, effects);
            }
            ReaderEvent::Lost { why } => {
                self.stages.remove(name);
                self.deadlines.remove(name);
                self.opening.remove(name);
                self.left(name, now, effects);
                effects.push(Effect::Tell(Notice::Lost(name.clone(), why)));
            }
            ReaderEvent::Bytes(bytes) => self.line(name, Input::Bytes(&bytes), now, effects),
            ReaderEvent::Typed(events) => self.line(name, Input::Keys(&events), now, effects),
            ReaderEvent::Faulty(byte) => self.line(name, Input::Faulty(byte), now, effects),
            ReaderEvent::CardIn { atr, device, lay_there } => {
                let mut conversation = Conversation::new(&self.scripts, &atr, &device);
                let next = conversation.begin();
                self.stages.insert(name.clone(), Stage::Card(Some((Box::new(conversation), self.happened, lay_there))));
                self.go_on(name, next, now, effects);
            }
            ReaderEvent::Answer(answer) => {
                if let Some(Stage::Card(Some((conversation, ..)))) = self.stages.get_mut(name) {
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
                self.left(name, now, effects);
            }
            ReaderEvent::OsdpCard(card) => match self.osdp_desk(name).and_then(|(desk, told)| desk.card(card, told, now)) {
                Some(presentation) => self.shown(name, Transport::Osdp, presentation, now, effects),
                None => self.lies_there(name, now, effects),
            },
            ReaderEvent::OsdpKeys(codes) => self.shown(name, Transport::Osdp, osdp::keys(&codes), now, effects),
            ReaderEvent::OsdpFormatted(text) => self.shown(name, Transport::Osdp, osdp::formatted(&text), now, effects),
            ReaderEvent::Note(words) => effects.push(Effect::Tell(Notice::Note(name.clone(), words))),
        }
    }

    fn osdp_desk(&mut self, name: &ReaderName) -> Option<(&mut osdp::Desk, Told)> {
        let Some(ReaderKind::Osdp(told)) = self.kind(name).cloned() else { return None };
        match self.stages.entry(name.clone()).or_insert_with(|| Stage::Osdp(osdp::Desk::default())) {
            Stage::Osdp(desk) => Some((desk, told)),
            Stage::Line(_) | Stage::Keyboard(_) | Stage::Card(_) => None,
        }
    }

    fn line(&mut self, name: &ReaderName, input: Input<'_>, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if !self.stages.contains_key(name) {
            let stage = match self.kind(name).cloned() {
                Some(ReaderKind::Serial(dialect, told)) => Stage::Line(Box::new(Line::new(dialect, told))),
                Some(ReaderKind::Keyboard(dialect, told)) => Stage::Keyboard(Box::new(Keyboard::new(dialect, told))),
                _ => return,
            };
            self.stages.insert(name.clone(), stage);
        }
        let (transport, output) = match self.stages.get_mut(name) {
            Some(Stage::Line(line)) => (Transport::Serial, line.handle(input, now)),
            Some(Stage::Keyboard(keyboard)) => (Transport::Keyboard, keyboard.handle(input, now)),
            _ => return,
        };
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
        if let Some(noise) = output.noise_to_tell {
            effects.push(Effect::Tell(Notice::Noise(name.clone(), noise)));
        }
        for presentation in output.presentations {
            self.shown(name, transport, presentation, now, effects);
        }
        if output.lies_there {
            self.lies_there(name, now, effects);
        }
    }

    fn go_on(&mut self, name: &ReaderName, next: Next, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match next {
            Next::Say(command) => effects.push(Effect::Command(name.clone(), ReaderCommand::Write(command))),
            Next::SayWithKey(command, key) => effects.push(Effect::Command(name.clone(), ReaderCommand::WriteWithKey(command, key))),
            Next::Done(presentation) => {
                let came = match self.stages.insert(name.clone(), Stage::Card(None)) {
                    Some(Stage::Card(Some((_, came, lay_there)))) => (came, lay_there),
                    _ => (self.happened, false),
                };
                effects.push(Effect::Command(name.clone(), ReaderCommand::Release));
                let told = self.kind(name).map_or_else(Told::default, ReaderKind::told);
                self.shown_since(name, Transport::Pcsc, in_byte_order(*presentation, told), came, now, effects);
            }
        }
    }

    /// A reader was opened: for a while, what comes from it is a card that lay there.
    fn opened(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let window = match (self.stages.get(name), self.kind(name)) {
            (Some(Stage::Line(line)), _) => line.opens_for(),
            (Some(Stage::Keyboard(keyboard)), _) => keyboard.opens_for(),
            (_, Some(ReaderKind::Osdp(told))) => osdp::card_left(*told),
            // A driver of these says itself which card lay there.
            _ => Duration::ZERO,
        };
        match TimeDelta::from_std(window) {
            Ok(window) if window > TimeDelta::zero() => drop(self.opening.insert(name.clone(), now + window)),
            _ => effects.push(Effect::Tell(Notice::Ready(name.clone()))),
        }
    }

    /// The card that was shown last lies there still.
    fn lies_there(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if let Some((card, seen)) = self.lying.get_mut(name).filter(|(_, seen)| now >= *seen + SEEN_EVERY) {
            *seen = now;
            effects.push(Effect::Seen(card.clone(), now));
        }
    }

    /// The card that lay there has gone.
    fn left(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        effects.extend(self.lying.remove(name).map(|(card, _)| Effect::Seen(card, now)));
    }

    /// A card was shown at one of the readers.
    fn shown(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        presentation: Presentation,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let lay_there = self.opening.contains_key(name);
        self.shown_since(name, transport, presentation, (self.happened, lay_there), now, effects);
    }

    /// A card was shown at one of the readers, where it came after so much had happened, or lay there already.
    fn shown_since(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        mut presentation: Presentation,
        (came, lay_there): (u64, bool),
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        if lay_there && presentation.kind != Kind::Key {
            presentation.warnings.push(LAY_THERE.to_owned());
        }
        match presentation.identity().filter(|_| presentation.kind != Kind::Key) {
            Some(card) => drop(self.lying.insert(name.clone(), (card, now))),
            None => drop(self.lying.remove(name)),
        }
        presentation.reader = Some(name.to_string());
        presentation.transport = Some(transport);
        // A damaged frame was held back for a while.
        presentation.at.get_or_insert(now);
        // A keypad beeps by itself.
        if presentation.kind != Kind::Key {
            self.signal(name, Signal::Read, now, effects);
        }
        self.presented(presentation, came, now, effects);
    }

    /// A literal, or a card of a capture, for whoever waits.
    fn given(&mut self, presentation: Presentation, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let taker = self.takers.pop_front().map(|(taker, _)| taker);
        self.read(presentation, taker, false, now, effects);
    }

    /// A card at a reader, which came after so much had happened, for the first who has waited for it since before.
    fn presented(&mut self, presentation: Presentation, came: u64, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let reader = presentation.reader.clone();
        let here = |wanted: &String| reader.as_deref().is_some_and(|device| device == wanted || is_device_of(device, wanted));
        let wants = |(taker, _): &(Taker, u64)| taker.reader.as_ref().is_none_or(here);
        // Whoever waits for a card waits for one that is shown after that, and not for a key.
        let is_card = presentation.kind != Kind::Key;
        let is_shown = |(_, since): &(Taker, u64)| !presentation.was_shown_before() && came > *since;
        let waiting = self.takers.iter().position(|taker| is_card && wants(taker));
        let taker = waiting.and_then(|_| self.takers.iter().position(|taker| wants(taker) && is_shown(taker)));
        let taker = taker.filter(|_| is_card).and_then(|at| self.takers.remove(at)).map(|(taker, _)| taker);
        if let (Some(_), None, Some(reader)) = (waiting, &taker, &reader) {
            effects.push(Effect::Tell(Notice::LayThere(reader.as_str().into())));
        }
        if let Some(card) = presentation.identity().filter(|_| taker.is_none() && is_card && reader.is_some()) {
            effects.push(Effect::Seen(card, now));
        }
        self.read(presentation, taker, true, now, effects);
    }

    /// Every format's verdict on a card, the site's choice, and what it was wanted for.
    fn read(&mut self, presentation: Presentation, taker: Option<Taker>, at_reader: bool, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let mut reading = self.catalog.read(presentation);
        let hints = taker.as_ref().map(hints).unwrap_or_default();
        policy::choose(&mut reading, &self.policy, &hints);
        if hints.printed.is_some() {
            policy::explain(&mut reading, &self.catalog, &self.policy, hints.printed.as_deref());
        }
        effects.push(Effect::Tell(Notice::Read(Box::new(reading.clone()))));
        match taker.map(|taker| (taker.id, taker.purpose)) {
            Some((_, Purpose::Enroll(id, order, reassign))) => self.enroll(id, reading, &order, reassign, at_reader, now, effects),
            Some((id, Purpose::HandOver)) => effects.push(Effect::HandOver(id, Box::new(reading.presentation))),
            None => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one card, one order, one moment")]
    fn enroll(
        &mut self,
        id: Uuid,
        reading: Reading,
        order: &Order,
        reassign: Reassign,
        at_reader: bool,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let reader: Option<ReaderName> = reading.presentation.reader.as_deref().map(Into::into);
        match enrollment::add_user_card(&reading, order, &self.policy, self.width) {
            Ok(call) => {
                let card = reading.presentation.identity().filter(|_| at_reader);
                let source = reader.as_ref().zip(card).map(|(reader, card)| Source { reader: reader.to_string(), card, seen_at: now });
                let within = self.policy.same_card.filter(|_| !order.same_card && source.is_some());
                let operation = Operation::AddUserCard(call);
                let format = reading.chosen().and_then(|fit| self.catalog.find(&fit.format));
                let origin = Origin::of_reading(order, &reading, format.map_or("", |format| &format.digest));
                let entry = Entry { source, origin, ..Entry::of(id, now, operation, reassign) };
                self.entries.insert(entry.id, reader);
                effects.push(Effect::Save(Box::new(entry), within.and_then(|within| TimeDelta::from_std(within).ok())));
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
        let ready: Vec<ReaderName> = self.opening.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in ready {
            self.opening.remove(&name);
            effects.push(Effect::Tell(Notice::Ready(name)));
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
            Self::Serial(_, told) | Self::Keyboard(_, told) | Self::Pcsc(told) | Self::Osdp(told) => *told,
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
