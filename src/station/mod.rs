//! The stages joined, still pure: what happens at readers and desks in, what is to be done out.
//!
//! `handle(event, now)` answers with effects, in the order they are to be carried out. It touches no device, no file and
//! no clock, and it never says "saved" before it is told that an entry is on disk.

pub mod osdp;
mod stages;
mod takers;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    access::{Operation, check::IntegerWidth},
    card::{Csn, Kind, LAY_THERE, Presentation, Reading, Transport},
    decode::{
        catalog::SharedCatalog,
        dialect::Dialect,
        keyboard::Keyboard,
        line::{Input, Line},
        message,
    },
    enroll::{
        enrollment::{self, Order, Refused},
        origin::Origin,
        policy::{self, Hints, SitePolicy},
    },
    outbox::{Entry, Given, Reassign, Source},
    reader::{ByteOrder, ReaderCommand, ReaderEvent, ReaderHints, ReaderName, Signal, is_device_of},
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

/// A configured reader, as the station needs it.
#[derive(Debug, Clone)]
pub enum ReaderKind {
    /// A serial line that speaks a dialect.
    Serial(Arc<Dialect>, ReaderHints),
    /// A reader that types lines of a dialect.
    Keyboard(Arc<Dialect>, ReaderHints),
    /// A PC/SC reader; the site may say something about its cards.
    Pcsc(ReaderHints),
    /// A reader on an OSDP bus; the site may say something about its cards.
    Osdp(ReaderHints),
}

/// The bridge.
pub struct Station {
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

impl Station {
    /// A station with these formats, scripts and rules, for these readers.
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
    /// What the site says about it.
    #[must_use]
    pub const fn told(&self) -> ReaderHints {
        match self {
            Self::Serial(_, told) | Self::Keyboard(_, told) | Self::Pcsc(told) | Self::Osdp(told) => *told,
        }
    }
}

/// The serial number in the order the card sends it, where the site says that its reader turns it round.
fn in_byte_order(mut presentation: Presentation, told: ReaderHints) -> Presentation {
    if presentation.kind == Kind::Csn && told.byte_order == ByteOrder::Reversed {
        presentation.csn = presentation.csn.and_then(|csn| Csn::new(&message::ordered(csn.bytes().to_vec(), told.byte_order)));
        presentation.bits = presentation.csn.as_ref().map(Csn::bits);
    }
    presentation
}
