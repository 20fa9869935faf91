//! The kiosk: somebody stands there alone with a new card in the hand, and the next one must not see anything of the last.
//!
//! In: what is pressed on the page, what was looked up, the station's notices, a time. Out: what is to be looked up, ordered and
//! withdrawn, and what stands on the page. Never: a card taken from anybody, an answer to what only an operator knows, a person shown
//! to anybody who has not said their code; and nothing of a visit is left once it is over.
//!
//! - [`event`]: the words in and out; `hearing`: what follows from the station's notices; `tries`: codes that are nobody's.

pub mod event;
mod hearing;
#[cfg(test)]
mod tests;
mod tries;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    outbox::{Entry, State},
    reader::ReaderName,
};
pub use event::{Done, Effect, Event, Has, Note, Press, Stage, Visitor, Why};
use tries::Tries;

/// A card is ordered for longer than anybody stands at a kiosk, so that the front desk has the time to answer what is asked about it.
pub const ORDER_STANDS: TimeDelta = TimeDelta::minutes(15);
/// How long it may take to look somebody up.
const LOOKS_FOR: TimeDelta = TimeDelta::seconds(15);
/// How long the last word stands there.
const LAST_WORD: TimeDelta = TimeDelta::seconds(10);
/// How long before the end the page asks whether somebody is there.
const ASKS_BEFORE: TimeDelta = TimeDelta::seconds(20);
/// How long a reader may be away while somebody stands there with a card.
const READER_AWAY: TimeDelta = TimeDelta::seconds(15);
/// So many cards that are none are shown in one visit.
const MOST_CARDS: u32 = 5;
const LONGEST_CODE: usize = 64;

/// One kiosk.
#[derive(Debug)]
pub struct Kiosk {
    /// Its reader.
    reader: String,
    /// How long nothing may happen at it.
    timeout: TimeDelta,
    /// Counts the visits: what belongs to an earlier one is told by that.
    visit: u64,
    language: Option<String>,
    visitor: Option<Visitor>,
    stage: Stage,
    /// When this stage is over, where nothing happens.
    until: Option<DateTime<Utc>>,
    /// The page asks whether somebody is there.
    asks: bool,
    /// The entry of this visit, once it is on disk.
    has_saved: Option<Uuid>,
    /// So many cards of this visit were none.
    cards: u32,
    /// Whether the next card at the reader is the visitor's; none before the station has said so.
    is_next: Option<bool>,
    /// Since when no card can be held there in this visit.
    away: Option<DateTime<Utc>>,
    tries: Tries,
    /// For whom each order is that the front desk is asked about.
    at_front_desk: HashMap<Uuid, Uuid>,
    /// For whom each entry is that gives a card.
    given: HashMap<Uuid, Uuid>,
    /// Its devices that are there.
    ready: BTreeSet<ReaderName>,
    store_gone: bool,
    is_recorded: bool,
    can_find: bool,
}

impl Kiosk {
    /// A kiosk at this reader, which goes back to its start once nothing has happened for so long.
    #[must_use]
    pub fn new(reader: &str, timeout: TimeDelta) -> Self {
        Self {
            reader: reader.to_owned(),
            timeout,
            visit: 1,
            language: None,
            visitor: None,
            stage: Stage::Start,
            until: None,
            asks: false,
            has_saved: None,
            cards: 0,
            is_next: None,
            away: None,
            tries: Tries::default(),
            at_front_desk: HashMap::new(),
            given: HashMap::new(),
            ready: BTreeSet::new(),
            store_gone: false,
            is_recorded: false,
            can_find: false,
        }
    }

    /// The number of the visit.
    #[must_use]
    pub const fn visit(&self) -> u64 {
        self.visit
    }

    /// What the page shows.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The language that was chosen.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// What the visitor is called.
    #[must_use]
    pub fn called(&self) -> Option<&str> {
        self.visitor.as_ref().map(|visitor| visitor.called.as_str())
    }

    /// True while the page asks whether somebody is there.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.asks
    }

    /// True where the station has said that it has the visitor's order.
    #[must_use]
    pub const fn has_order(&self) -> bool {
        self.is_next.is_some()
    }

    /// True where somebody could be helped.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_recorded && self.can_find && !self.store_gone && !self.ready.is_empty()
    }

    /// When to come back with [`Event::Time`], by the clock that `handle` is given.
    #[must_use]
    pub fn deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let asks = self.until.map(|until| until - self.asks_before()).filter(|_| !self.asks && self.can_be_asked());
        let pause = self.tries.until(now).filter(|_| matches!(self.stage, Stage::Code { pause: Some(_), .. }));
        [self.until, asks, pause, self.away.map(|since| since + READER_AWAY)].into_iter().flatten().min()
    }

    /// Takes an entry as it is now: whoever has one that gives them a card is not served.
    pub fn saw(&mut self, entry: &Entry) {
        let progress = entry.progress();
        let stands = matches!(progress.state, State::Saved | State::Sending | State::InDoubt | State::Accepted);
        let gives = matches!(entry.operation, crate::access::Operation::AddUserCard(_)) && stands && progress.undone_by.is_none();
        match entry.operation.user().filter(|_| gives) {
            Some(user) => drop(self.given.insert(entry.id, user)),
            None => drop(self.given.remove(&entry.id)),
        }
    }

    /// Takes what happened and says what is to be done. `fresh` is the key of an order, should one follow.
    pub fn handle(&mut self, event: Event, now: DateTime<Utc>, fresh: Uuid) -> Vec<Effect> {
        let effects = match event {
            Event::Pressed(visit, press) if visit == self.visit => self.pressed(press, now),
            Event::Found(visit, found) if visit == self.visit => self.found(found, now),
            Event::Looked(visit, has) if visit == self.visit => self.looked(has, now, fresh),
            Event::Pressed(..) | Event::Found(..) | Event::Looked(..) => Vec::new(),
            Event::NotOrdered(order) if self.waits_with() == Some(order) => self.front_desk(Why::Fault, now),
            Event::NotOrdered(_) => Vec::new(),
            Event::Told(notice) => self.told(&notice, now, fresh),
            Event::Recorded => {
                self.is_recorded = true;
                Vec::new()
            }
            Event::CanFind(can) => {
                self.can_find = can;
                Vec::new()
            }
            Event::Time => self.time(now),
        };
        self.show_pause(now);
        effects
    }

    fn pressed(&mut self, press: Press, now: DateTime<Utc>) -> Vec<Effect> {
        match (press, &self.stage) {
            (Press::Language(language), Stage::Start) if self.is_open() => {
                self.language = Some(language);
                self.stands(Stage::Code { is_wrong: false, pause: None }, self.timeout, now);
                Vec::new()
            }
            (Press::Code(code), Stage::Code { .. }) => {
                let code = code.trim();
                if code.is_empty() || self.tries.until(now).is_some() {
                    return Vec::new();
                }
                // A code that nobody can have is looked for like every other.
                let code: String = code.chars().take(LONGEST_CODE).collect();
                self.stands(Stage::Looking, LOOKS_FOR, now);
                vec![Effect::Find(self.visit, code)]
            }
            (Press::Stay, Stage::Code { .. } | Stage::Show { .. }) => {
                self.again(self.timeout, now);
                Vec::new()
            }
            (Press::Leave, stage) if *stage != Stage::Start => self.start(),
            _ => Vec::new(),
        }
    }

    fn found(&mut self, found: Option<Visitor>, now: DateTime<Utc>) -> Vec<Effect> {
        if self.stage != Stage::Looking || self.visitor.is_some() {
            return Vec::new();
        }
        let Some(visitor) = found else {
            self.tries.wrong(now);
            self.stands(Stage::Code { is_wrong: true, pause: None }, self.timeout, now);
            return Vec::new();
        };
        let user = visitor.user;
        self.visitor = Some(visitor);
        if self.is_given(user) {
            return self.done(Done::Already, now);
        }
        if self.at_front_desk.values().any(|theirs| *theirs == user) {
            return self.front_desk(Why::Asked, now);
        }
        self.stands(Stage::Looking, LOOKS_FOR, now);
        vec![Effect::Look(self.visit, user)]
    }

    fn looked(&mut self, has: Has, now: DateTime<Utc>, fresh: Uuid) -> Vec<Effect> {
        let Some(user) = self.visitor.as_ref().map(|visitor| visitor.user).filter(|_| self.stage == Stage::Looking) else {
            return Vec::new();
        };
        match has {
            // What was saved in the meantime is known here first.
            _ if self.is_given(user) => self.done(Done::Already, now),
            Has::Card => self.front_desk(Why::HasCard, now),
            Has::Unknown => self.front_desk(Why::Unknown, now),
            Has::None => self.order(None, now, fresh),
        }
    }

    /// Orders the next card for the visitor.
    fn order(&mut self, note: Option<Note>, now: DateTime<Utc>, fresh: Uuid) -> Vec<Effect> {
        let Some(user) = self.visitor.as_ref().map(|visitor| visitor.user) else { return self.start() };
        (self.is_next, self.away) = (None, Some(now));
        self.stands(Stage::Show { order: fresh, ready: false, is_second: false, note }, self.timeout, now);
        vec![Effect::Order(fresh, user)]
    }

    fn time(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        if self.away.is_some_and(|since| since + READER_AWAY <= now) {
            return self.front_desk(Why::Fault, now);
        }
        let Some(until) = self.until else { return Vec::new() };
        if until <= now {
            return if self.stage == Stage::Looking { self.front_desk(Why::Unknown, now) } else { self.start() };
        }
        self.asks |= self.can_be_asked() && until - self.asks_before() <= now;
        Vec::new()
    }

    /// The page shows for how long no code is taken.
    fn show_pause(&mut self, now: DateTime<Utc>) {
        let until = self.tries.until(now);
        if let Stage::Code { pause, .. } = &mut self.stage {
            match (until, &pause) {
                (None, _) => *pause = None,
                (Some(until), None) => *pause = Some((until - now).num_seconds().max(1)),
                (Some(_), Some(_)) => {}
            }
            // Whoever waits is not sent away meanwhile.
            if let Some(until) = until {
                (self.until, self.asks) = (self.until.map(|end| end.max(until + self.timeout)), false);
            }
        }
    }

    fn done(&mut self, done: Done, now: DateTime<Utc>) -> Vec<Effect> {
        let withdrawn = self.withdraw();
        self.stands(Stage::Done(done), LAST_WORD, now);
        withdrawn
    }

    fn front_desk(&mut self, why: Why, now: DateTime<Utc>) -> Vec<Effect> {
        let withdrawn = self.withdraw();
        self.stands(Stage::FrontDesk(why), LAST_WORD * 2, now);
        withdrawn
    }

    /// The next visitor: nothing is left of the last one.
    fn start(&mut self) -> Vec<Effect> {
        let withdrawn = self.withdraw();
        self.visit += 1;
        (self.language, self.visitor, self.stage, self.has_saved) = (None, None, Stage::Start, None);
        (self.until, self.asks, self.cards, self.away) = (None, false, 0, None);
        withdrawn
    }

    /// The order that waits for a card here is wanted no more. What the front desk is asked about stays.
    fn withdraw(&self) -> Vec<Effect> {
        self.waits_with().filter(|order| !self.at_front_desk.contains_key(order)).map(Effect::Withdraw).into_iter().collect()
    }

    const fn waits_with(&self) -> Option<Uuid> {
        match &self.stage {
            Stage::Show { order, .. } => Some(*order),
            _ => None,
        }
    }

    fn is_given(&self, user: Uuid) -> bool {
        self.given.values().any(|theirs| *theirs == user)
    }

    fn stands(&mut self, stage: Stage, within: TimeDelta, now: DateTime<Utc>) {
        self.away = self.away.filter(|_| matches!(stage, Stage::Show { .. }));
        self.stage = stage;
        self.again(within, now);
    }

    fn again(&mut self, within: TimeDelta, now: DateTime<Utc>) {
        (self.until, self.asks) = (Some(now + within), false);
    }

    const fn can_be_asked(&self) -> bool {
        matches!(self.stage, Stage::Code { .. } | Stage::Show { .. })
    }

    fn asks_before(&self) -> TimeDelta {
        ASKS_BEFORE.min(self.timeout / 2)
    }
}
