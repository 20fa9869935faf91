//! One machine over all that a station does: its readers, the people who wait at them, and the outbox.
//!
//! `handle(event, now)` answers with effects, in the order they are to be carried out. It touches no device, no file and
//! no clock, and it never says "saved" before it is told that an entry is on disk.
//!
//! - `stages`: what happens at readers, up to a card; `keypads`: what is typed there, which is never a card;
//! - `desks`: who waits for a card, and what becomes of it; `about`: what an order is about; `questions`: what is still asked of them; `saving`: up to the disk;
//! - `places`: who stands before whom, and how each order stands;
//! - `rosters`: which card was shown for whom while people have their turn; `anew`: another card, where one is asked about;
//! - `withdrawn`: orders that are wanted no more;
//! - `event`: what happens, and what is to be done then;
//! - [`health`]: how readers and the way to BluSKY are, as was seen so far;
//! - [`notice`]: what people and programs are told;
//! - `sending`: the outbox's way to BluSKY: what is due, for whom, how many at once;
//! - [`osdp`]: what an OSDP reader hands over.

mod about;
mod anew;
mod desks;
mod event;
pub mod health;
mod keypads;
pub mod notice;
pub mod osdp;
mod places;
mod questions;
mod rosters;
mod saving;
mod sending;
mod stages;
#[cfg(test)]
pub(crate) mod tests;
mod withdrawn;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    access::check::IntegerWidth,
    card::{Kind, LAY_THERE, Presentation, Reading, Transport},
    decode::{
        catalog::SharedCatalog,
        dialect::Dialect,
        keyboard::Keyboard,
        line::{Input, Line},
    },
    enroll::{enrollment::Order, evidence::Seen, policy::SitePolicy},
    outbox::{Entry, InTheWay, Reassign, Step, Terms},
    reader::{ReaderCommand, ReaderEvent, ReaderHints, ReaderName, Signal, is_device_of},
    smartcard::{
        conversation::{Conversation, Next},
        script::Script,
    },
};
use desks::Desk;
pub use event::{Answer, Effect, Event, Request, What, WhichCard};
use health::{BluskyHealth, ReaderHealth, StoreHealth};
use keypads::Typing;
use notice::QuestionKind;
pub use notice::{Ended, Notice, Question};
use rosters::Rosters;
use sending::Sending;
pub use sending::{Called, Heard, Scope, Stands};
use withdrawn::Withdrawn;

/// What time it is, twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall's clock: for records, and for ages across a restart. It can be set, forward and back.
    pub wall: DateTime<Utc>,
    /// A clock that nobody sets: for waits. Only differences of it mean something.
    pub steady: DateTime<Utc>,
}

/// A record's time, played back: it stands for both.
impl From<DateTime<Utc>> for Now {
    fn from(at: DateTime<Utc>) -> Self {
        Self { wall: at, steady: at }
    }
}

impl Now {
    /// The wall's time of a steady moment.
    fn wall_of(self, steady: DateTime<Utc>) -> DateTime<Utc> {
        self.wall + (steady - self.steady)
    }
}

/// A configured reader, as the station needs it.
#[derive(Debug, Clone)]
pub struct ReaderSetup {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ReaderKind,
    /// How small the chance of a mistake must be at it, where that is not the site's.
    pub proof: Option<f64>,
}

/// What a reader is.
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

/// What a station knows from the beginning.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The formats.
    pub catalog: SharedCatalog,
    /// The conversations with smart cards.
    pub scripts: Vec<Arc<Script>>,
    /// The site's rules.
    pub policy: SitePolicy,
    /// How wide BluSKY's numbers are.
    pub width: IntegerWidth,
    /// How small the chance of a mistake must be before nobody is asked.
    pub proof: f64,
    /// How many calls may be under way at once.
    pub parallel: usize,
    /// The readers.
    pub readers: Vec<ReaderSetup>,
    /// The reader of the kiosk page, from which only orders that name it take cards.
    pub kiosk: Option<String>,
}

/// The station.
pub struct Station {
    setup: Setup,
    stages: BTreeMap<ReaderName, Stage>,
    /// Who waits for a card, in the order they came.
    desks: VecDeque<Desk>,
    sending: Sending,
    /// What was accepted here before.
    seen: Seen,
    deadlines: BTreeMap<ReaderName, DateTime<Utc>>,
    /// Counts what happens: what came before is told from what came after, whatever the clock says.
    happened: u64,
    /// Until when a card at a reader that has just been opened lay there already.
    opening: BTreeMap<ReaderName, DateTime<Utc>>,
    /// The readers that are there.
    up: Vec<ReaderName>,
    /// How the configured readers are.
    health: Vec<ReaderHealth>,
    store: StoreHealth,
    /// The last card at each reader that fitted no format, with a check that failed.
    damaged: BTreeMap<String, Presentation>,
    /// The card that was shown last at each reader, and when it was last written down that it is there.
    lying: BTreeMap<ReaderName, (String, DateTime<Utc>)>,
    /// The readers at which a smart card lies that nobody waited for when it was shown.
    unclaimed: BTreeSet<ReaderName>,
    /// The cards that were shown at rosters, each for whom.
    rosters: Rosters,
    /// What is being typed at each reader.
    keypads: BTreeMap<ReaderName, Typing>,
    /// The orders that are wanted no more and have not come yet.
    withdrawn: Withdrawn,
}

/// A card that lies at a reader is written down as seen this often.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(5);

enum Stage {
    Line(Box<Line>),
    Keyboard(Box<Keyboard>),
    /// The conversation with the card that lies there; none once it is over.
    Card(Option<Box<CardConversation>>),
    /// The card that lies there has been read, and could be read again by this.
    Read(Box<CardConversation>),
    Osdp(osdp::LastCard),
}

/// The conversation with a card.
struct CardConversation {
    conversation: Conversation,
    /// What had happened when the card came.
    came: u64,
    /// It lay there already when the reader was first looked at.
    lay_there: bool,
    /// The card is read a second time.
    is_second: bool,
}

/// One step of the machine: when it is, and what it leads to.
struct Turn {
    now: Now,
    effects: Vec<Effect>,
}

impl Turn {
    fn tell(&mut self, notice: Notice) {
        self.effects.push(Effect::Tell(notice));
    }
}

impl Station {
    /// A station at which nothing has happened yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            sending: Sending::new(setup.parallel),
            store: StoreHealth::default(),
            health: setup.readers.iter().map(|reader| ReaderHealth::of(&reader.name)).collect(),
            setup,
            stages: BTreeMap::new(),
            desks: VecDeque::new(),
            seen: Seen::default(),
            deadlines: BTreeMap::new(),
            happened: 0,
            opening: BTreeMap::new(),
            up: Vec::new(),
            damaged: BTreeMap::new(),
            lying: BTreeMap::new(),
            unclaimed: BTreeSet::new(),
            rosters: Rosters::default(),
            keypads: BTreeMap::new(),
            withdrawn: Withdrawn::default(),
        }
    }

    /// Tells it what was accepted at this site before.
    pub fn remember(&mut self, seen: Seen) {
        self.seen = seen;
    }

    /// Takes what happened and says what is to be done.
    pub fn handle(&mut self, event: Event, now: impl Into<Now>) -> Vec<Effect> {
        let mut turn = Turn { now: now.into(), effects: Vec::new() };
        self.happened += 1;
        match event {
            Event::Reader(name, event) => {
                health::happens(&mut self.health, &name, &event, turn.now.wall);
                self.at_reader(&name, event, &mut turn);
                health::there(&mut self.health, &name, &self.up);
            }
            Event::Order(request) => self.order(*request, &mut turn),
            Event::Resume(id) => self.sending.resume(id),
            Event::Withdraw(id) => self.withdraw(id, &mut turn),
            Event::Answer(id, question, answer) => self.answered(id, question, answer, &mut turn),
            Event::Keep(id, question, by) => self.keeps(id, question, by),
            Event::Policy(kept) => self.policy(kept, &mut turn),
            Event::PolicyWrong(why) => turn.tell(Notice::Policy(Some(why))),
            Event::Saved(entry) => {
                self.written();
                self.saved(entry, &mut turn);
            }
            Event::NotSaved(id, why) => {
                self.store.unsaved = Some(why.clone());
                self.not_saved(id, Ended::NotSaved(why), &mut turn);
            }
            Event::Unwritten(why) => self.unwritten(why, turn.now),
            Event::InTheWay(id, other) => self.in_the_way(id, other, &mut turn),
            Event::NotNew(id, not_new) => self.not_saved(id, Ended::NotNew(not_new), &mut turn),
            Event::Stock(entries) => self.stock(entries, &mut turn),
            Event::Settled(entry) => self.settled(entry, &mut turn),
            Event::Stepped(entry) => self.stepped(entry, &mut turn),
            Event::Answered(id, heard) => self.calls_answered(id, heard, &mut turn),
            Event::Called(called) => self.called(*called, &mut turn),
            Event::Deliver(scope) => self.sending.deliver(scope),
            Event::StoreGone(why) => {
                self.store.gone.clone_from(&why);
                turn.tell(Notice::StoreGone(why));
            }
            Event::CannotDeliver(why) => self.cannot_deliver(why, &mut turn),
            Event::Time => self.time(&mut turn),
        }
        self.deliver(&mut turn);
        for effect in &turn.effects {
            if let Effect::Tell(notice) = effect {
                health::told(&mut self.health, notice, &self.setup.policy);
            }
        }
        turn.effects
    }

    /// When to come back with [`Event::Time`], by the steady clock.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<DateTime<Utc>> {
        let desks = self.desks.iter().flat_map(|desk| [desk.until, desk.tells]).flatten();
        let keypads = self.keypads.values().filter_map(Typing::deadline);
        self.deadlines.values().chain(self.opening.values()).copied().chain(desks).chain(keypads).chain(self.sending.deadline(now)).min()
    }

    /// What is to be done before it ends: the cards that lie there are seen for the last time, and nothing more is sent.
    pub fn end(&mut self, now: Now) -> Vec<Effect> {
        self.sending.deliver(Scope::Nothing);
        std::mem::take(&mut self.lying).into_iter().map(|(_, (card, _))| Effect::Seen(card, now.wall)).collect()
    }

    /// True while a reader still has a signal to show.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.stages.values().any(|stage| matches!(stage, Stage::Line(line) if line.is_showing()))
    }

    /// What time it is at least for an entry that is being delivered: a clock that is set back makes no wish to take a card young again.
    #[must_use]
    pub fn at_least(&self, id: Uuid, now: Now) -> DateTime<Utc> {
        self.sending.known.at_least(id, now)
    }

    /// True while a call is under way.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.sending.is_busy()
    }

    /// True where nothing more will be sent by itself for a while: nothing is due soon, BluSKY is away, or nothing can be written down.
    #[must_use]
    pub fn is_idle(&self, now: Now) -> bool {
        self.sending.is_idle(self.store.unsaved.is_some(), now)
    }

    /// How many entries wait, for whatever.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sending.waiting()
    }

    /// True where everything that waits is delivered from here.
    #[must_use]
    pub const fn delivers_all(&self) -> bool {
        self.sending.delivers_all()
    }

    /// True while something that was ordered here is on its way to the disk or to BluSKY.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.sending.has_orders() || self.desks.iter().any(Desk::is_saving)
    }

    /// How the configured readers are, in their order.
    #[must_use]
    pub fn readers(&self) -> &[ReaderHealth] {
        &self.health
    }

    /// Why nothing can be saved.
    #[must_use]
    pub fn unsaved(&self) -> Option<&str> {
        self.store.why()
    }

    /// How the way to BluSKY is.
    #[must_use]
    pub fn blusky(&self) -> BluskyHealth {
        self.sending.health()
    }

    fn time(&mut self, turn: &mut Turn) {
        let now = turn.now.steady;
        let due: Vec<ReaderName> = self.deadlines.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            self.deadlines.remove(&name);
            self.line(&name, Input::Time, turn);
        }
        let ready: Vec<ReaderName> = self.opening.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
        for name in ready {
            self.opening.remove(&name);
            turn.tell(Notice::Ready(name));
        }
        self.left_typing(turn);
        self.ask_late(turn);
        self.give_up(turn);
    }

    /// A reader on a serial line is told in its own language; other drivers know how theirs show it.
    fn signal(&mut self, reader: &ReaderName, shown: Signal, turn: &mut Turn) {
        match self.stages.get(reader) {
            Some(Stage::Line(_)) => self.line(reader, Input::Signal(shown), turn),
            _ => turn.effects.push(Effect::Command(reader.clone(), ReaderCommand::Signal(shown))),
        }
    }

    fn reader(&self, name: &str) -> Option<&ReaderSetup> {
        self.setup.readers.iter().find(|reader| is_device_of(name, &reader.name))
    }
}

impl ReaderKind {
    /// What the site says about the reader.
    #[must_use]
    pub const fn told(&self) -> ReaderHints {
        match self {
            Self::Serial(_, hints) | Self::Keyboard(_, hints) | Self::Pcsc(hints) | Self::Osdp(hints) => *hints,
        }
    }
}
