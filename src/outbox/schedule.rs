//! What is to be done next for which entry: the outbox's order, pure.
//!
//! In: each waiting entry as a [`Waiting`], what became of calls, the time. Out: [`Work`], and when to come back. One call at a time
//! for each user and each card, in the order they were saved; others at once, up to `parallel`. What it costs does not grow with the
//! number of entries. Never: two calls for one user or one card under way, or an entry overtaken by a later one of its own.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound::{Excluded, Unbounded},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    Entry, Next, State,
    reach::{Entrance, Reach, Reached},
};

/// An entry as far as its turn is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its place among all entries: those saved earlier have smaller ones.
    pub place: u64,
    /// Its key.
    pub id: Uuid,
    /// The user it is about; none where it makes one.
    pub user: Option<Uuid>,
    /// The card it is about, as a number that tells cards apart.
    pub card: Option<u64>,
    /// What is to be done next.
    pub turn: Turn,
}

/// What an entry waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Its turn, and this time.
    At(DateTime<Utc>),
    /// A person, and until then nobody knows what became of its card: later orders for that card wait.
    Person,
    /// Nothing any more.
    Over,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The entry's next step.
    Step(Uuid),
    /// First a call that changes nothing, to see whether BluSKY is back.
    Ask(Uuid),
}

/// The order.
#[derive(Debug)]
pub struct Schedule {
    parallel: usize,
    reach: Reach,
    waiting: HashMap<Uuid, Waiting>,
    /// The entries of each user and of each card, one queue behind the other, the earliest of each first.
    queues: BTreeSet<(Queue, u64, Uuid)>,
    /// The entries whose turn it is, by the time they are due at.
    ready: BTreeSet<Ready>,
    /// The entries for which calls are made, and since when.
    under_way: HashMap<Uuid, DateTime<Utc>>,
    /// Those of them whose calls have been answered, until that is written down.
    answered: HashSet<Uuid>,
    /// The entry that was begun last.
    last: Ready,
    /// Set while the store takes nothing.
    rest: Option<Rest>,
}

/// While the store takes nothing, one entry after the other would find that out: they rest.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// Nothing is begun before, and then one alone, to see.
    until: DateTime<Utc>,
    tries: u32,
}

/// When an entry's turn is, its place and its key.
type Ready = (DateTime<Utc>, u64, Uuid);

/// A line in which entries stand one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// A user's.
    User(Uuid),
    /// A card's.
    Card(u64),
}

impl Waiting {
    /// The place of an entry in the order of things.
    #[must_use]
    pub fn of(entry: &Entry, place: u64, now: DateTime<Utc>) -> Self {
        let turn = match entry.next(now) {
            Next::Wait(at) => Turn::At(at),
            Next::Send { .. } | Next::ReadBack | Next::Reassign => Turn::At(entry.saved_at.min(now)),
            Next::Person if entry.progress().state == State::InDoubt => Turn::Person,
            Next::Person | Next::Done => Turn::Over,
        };
        Self { place, id: entry.id, user: entry.operation.user(), card: entry.card(), turn }
    }

    /// The lines of its user and its card.
    pub fn queues(&self) -> impl Iterator<Item = Queue> + use<> {
        self.user.map(Queue::User).into_iter().chain(self.card.map(Queue::Card))
    }

    /// The lines in which it stands.
    pub fn stands(&self) -> impl Iterator<Item = Queue> {
        self.queues().filter(|queue| self.stands_in(*queue))
    }

    /// True where it stands in that queue: what waits for a person holds up its card and nobody's other cards.
    fn stands_in(&self, queue: Queue) -> bool {
        match self.turn {
            Turn::At(_) => true,
            Turn::Person => matches!(queue, Queue::Card(_)),
            Turn::Over => false,
        }
    }
}

impl Schedule {
    /// Nothing waits yet; so many calls may be under way at once.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        Self {
            parallel: parallel.max(1),
            reach: Reach::default(),
            waiting: HashMap::new(),
            queues: BTreeSet::new(),
            ready: BTreeSet::new(),
            under_way: HashMap::new(),
            answered: HashSet::new(),
            last: (DateTime::UNIX_EPOCH, 0, Uuid::nil()),
            rest: None,
        }
    }

    /// Takes an entry up, or what has become of it; nothing of it is under way any more.
    pub fn put(&mut self, waiting: Waiting) {
        self.under_way.remove(&waiting.id);
        self.answered.remove(&waiting.id);
        let before = self.waiting.remove(&waiting.id);
        let queues: Vec<Queue> = before.iter().flat_map(Waiting::queues).chain(waiting.queues()).collect();
        if let Some(before) = before {
            self.unready(&before);
            for queue in before.queues() {
                self.queues.remove(&(queue, before.place, before.id));
            }
        }
        for queue in waiting.stands() {
            // Who stood first there may stand behind this one now.
            if let Some(first) = self.first(queue).and_then(|first| self.waiting.get(&first)).copied() {
                self.unready(&first);
            }
            self.queues.insert((queue, waiting.place, waiting.id));
        }
        if waiting.turn != Turn::Over {
            self.waiting.insert(waiting.id, waiting);
        }
        self.make_ready(waiting.id);
        let firsts: Vec<Uuid> = queues.into_iter().filter_map(|queue| self.first(queue)).collect();
        firsts.into_iter().for_each(|first| self.make_ready(first));
    }

    /// Takes what became of a call for this entry.
    pub fn heard(&mut self, id: Uuid, heard: &Reached, now: DateTime<Utc>) {
        let user = self.waiting.get(&id).and_then(|waiting| waiting.user);
        self.reach.heard(heard, user, self.under_way.get(&id).copied().unwrap_or(now), now);
    }

    /// The way to BluSKY.
    pub const fn reach(&mut self) -> &mut Reach {
        &mut self.reach
    }

    /// What is to be done now; it is under way from here on, until the entry is put again.
    pub fn next(&mut self, now: DateTime<Utc>) -> Option<Work> {
        let entrance = self.reach.entrance(now);
        if self.rest.is_some_and(|rest| now < rest.until) || !self.has_room(entrance) {
            return None;
        }
        let ready = if entrance == Entrance::Open { self.ready.first() } else { self.another(now) };
        let (at, place, id) = ready.copied().filter(|(at, ..)| *at <= now)?;
        self.ready.remove(&(at, place, id));
        self.last = (at, place, id);
        self.under_way.insert(id, now);
        Some(if entrance == Entrance::Ask { Work::Ask(id) } else { Work::Step(id) })
    }

    /// The calls for this entry are answered. Until that is written down and the entry is put again, another entry may call instead.
    pub fn answered(&mut self, id: Uuid) {
        if self.under_way.contains_key(&id) {
            self.answered.insert(id);
        }
    }

    /// Something could not be written down.
    pub fn unwritten(&mut self, now: DateTime<Utc>) {
        let tries = self.unwritten_tries();
        if self.rest.is_none_or(|rest| rest.until <= now) {
            self.rest = Some(Rest { until: now + TimeDelta::seconds(1), tries: tries + 1 });
        }
    }

    /// Something is written down.
    pub const fn written(&mut self) {
        self.rest = None;
    }

    /// How often in a row nothing could be written down: once may be for a moment.
    #[must_use]
    pub fn unwritten_tries(&self) -> u32 {
        self.rest.map_or(0, |rest| rest.tries)
    }

    /// True where a further call may be made: at most so many at once, and none while more answers than that wait to be written down.
    fn has_room(&self, entrance: Entrance) -> bool {
        let most = if self.rest.is_some() { self.most(entrance).min(1) } else { self.most(entrance) };
        self.under_way.len() - self.answered.len() < most && self.answered.len() <= self.parallel
    }

    /// How many calls may be under way.
    const fn most(&self, entrance: Entrance) -> usize {
        match entrance {
            Entrance::Closed(_) => 0,
            Entrance::Open => self.parallel,
            // One alone, to see.
            Entrance::Ask | Entrance::Try => 1,
        }
    }

    /// Another entry than the last one, so that each try goes to another: the next that is due, and behind the last of them the first.
    fn another(&self, now: DateTime<Utc>) -> Option<&Ready> {
        // The last one has been put again, and may stand a little later than it did.
        let is_other = |(.., id): &&Ready| *id != self.last.2;
        let is_due = |(at, ..): &&Ready| *at <= now;
        let next = self.ready.range((Excluded(self.last), Unbounded)).inspect(looked_at).find(is_other).filter(is_due);
        let first = || self.ready.iter().inspect(looked_at).find(is_other).filter(is_due);
        next.or_else(first).or_else(|| self.ready.first())
    }

    /// When there may be something to do again; none while only calls under way can change that.
    #[must_use]
    pub fn deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (due, ..) = self.ready.first()?;
        let due = self.rest.map_or(*due, |rest| rest.until.max(*due));
        match self.reach.entrance(now) {
            Entrance::Closed(until) => Some(until.max(due)),
            entrance if !self.has_room(entrance) => None,
            _ => Some(due),
        }
    }

    /// True while a call for this entry is under way.
    #[must_use]
    pub fn is_under_way(&self, id: Uuid) -> bool {
        self.under_way.contains_key(&id)
    }

    /// True where the entry waits here.
    #[must_use]
    pub fn knows(&self, id: Uuid) -> bool {
        self.waiting.contains_key(&id)
    }

    /// True where it stands in a line in which somebody stands here.
    #[must_use]
    pub fn shares(&self, waiting: &Waiting) -> bool {
        waiting.queues().any(|queue| self.first(queue).is_some())
    }

    /// True where an entry of this user's stands in their line.
    #[must_use]
    pub fn has_waiting_of(&self, user: Uuid) -> bool {
        self.first(Queue::User(user)).is_some()
    }

    /// The place of an entry that waits.
    #[must_use]
    pub fn place(&self, id: Uuid) -> Option<u64> {
        self.waiting.get(&id).map(|waiting| waiting.place)
    }

    /// Nothing more can be done for this entry.
    pub fn give_up(&mut self, id: Uuid) {
        if let Some(waiting) = self.waiting.get(&id).copied() {
            self.put(Waiting { turn: Turn::Over, ..waiting });
        }
    }

    /// Nothing could be done for this entry: it is tried again a little later.
    pub fn let_go(&mut self, id: Uuid, now: DateTime<Utc>) {
        if let Some(waiting) = self.waiting.get(&id).copied() {
            self.put(Waiting { turn: Turn::At(now + TimeDelta::seconds(1)), ..waiting });
        }
    }

    /// True while a call is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// True while BluSKY takes no calls.
    #[must_use]
    pub fn is_closed(&self, now: DateTime<Utc>) -> bool {
        self.reach.entrance(now) != Entrance::Open
    }

    /// True while BluSKY is away; not where it is there and lets nothing through.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.reach.is_away()
    }

    /// How many entries wait, for whatever.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True where nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The entry that this one waits for: an earlier one of its user's or for its card.
    #[must_use]
    pub fn waits_for(&self, id: Uuid) -> Option<Uuid> {
        let waiting = self.waiting.get(&id)?;
        let mut firsts = waiting.queues().filter_map(|queue| self.first(queue));
        firsts.find(|first| *first != id)
    }

    /// Who stands first in that queue.
    fn first(&self, queue: Queue) -> Option<Uuid> {
        let (of, _, id) = self.queues.range((queue, 0, Uuid::nil())..).inspect(looked_at).next()?;
        (*of == queue).then_some(*id)
    }

    fn unready(&mut self, waiting: &Waiting) {
        if let Turn::At(at) = waiting.turn {
            self.ready.remove(&(at, waiting.place, waiting.id));
        }
    }

    /// Makes an entry ready where it is the first in each of its queues, and no call is under way for one behind it.
    fn make_ready(&mut self, id: Uuid) {
        let Some(waiting) = self.waiting.get(&id).copied() else { return };
        let Turn::At(at) = waiting.turn else { return };
        let is_first = |queue: Queue| self.first(queue).is_none_or(|first| first == id);
        let is_called = |queue: Queue| {
            let mut called = self.under_way.keys().filter_map(|id| self.waiting.get(id));
            called.any(|other| other.queues().any(|of| of == queue))
        };
        if !self.under_way.contains_key(&id) && waiting.queues().all(|queue| is_first(queue) && !is_called(queue)) {
            self.ready.insert((at, waiting.place, id));
        }
    }
}

/// Counts the entries that are looked at on the way to another one, where a test asks how many that are.
#[inline]
pub(super) fn looked_at<T>(_: &T) {
    #[cfg(test)]
    LOOKED_AT.set(LOOKED_AT.get() + 1);
}

#[cfg(test)]
thread_local! {
    pub(crate) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests;
