//! What is to be done next for which entry: the outbox's order, pure.
//!
//! In: each waiting entry as a [`Waiting`], what became of calls, the time. Out: [`Work`], and when to come back. One call at a time
//! for each user and each card, in the order they were saved; others at once, up to `parallel`. What it costs does not grow with the
//! number of entries. Never: two calls for one user or one card under way, or an entry overtaken by a later one of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    ready: BTreeSet<(DateTime<Utc>, u64, Uuid)>,
    under_way: HashMap<Uuid, Option<Uuid>>,
    /// The place of the entry that was tried last while no call may be made.
    tried: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Queue {
    User(Uuid),
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

    fn queues(&self) -> impl Iterator<Item = Queue> + use<> {
        self.user.map(Queue::User).into_iter().chain(self.card.map(Queue::Card))
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
            tried: 0,
        }
    }

    /// Takes an entry up, or what has become of it; nothing of it is under way any more.
    pub fn put(&mut self, waiting: Waiting) {
        self.under_way.remove(&waiting.id);
        let before = self.waiting.remove(&waiting.id);
        let queues: Vec<Queue> = before.iter().flat_map(Waiting::queues).chain(waiting.queues()).collect();
        if let Some(before) = before {
            self.unready(&before);
            for queue in before.queues() {
                self.queues.remove(&(queue, before.place, before.id));
            }
        }
        for queue in waiting.queues().filter(|queue| waiting.stands_in(*queue)) {
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
    pub fn heard(&mut self, heard: &Reached, user: Option<Uuid>, now: DateTime<Utc>) {
        self.reach.heard(heard, user, now);
    }

    /// The way to BluSKY.
    pub const fn reach(&mut self) -> &mut Reach {
        &mut self.reach
    }

    /// What is to be done now; it is under way from here on, until the entry is put again.
    pub fn next(&mut self, now: DateTime<Utc>) -> Option<Work> {
        let entrance = self.reach.entrance(now);
        let (most, asks) = match entrance {
            Entrance::Closed(_) => return None,
            Entrance::Open => (self.parallel, false),
            // One alone, to see.
            Entrance::Ask => (1, true),
            Entrance::Try => (1, false),
        };
        if self.under_way.len() >= most {
            return None;
        }
        let due = self.ready.iter().take_while(|(at, ..)| *at <= now);
        let (at, place, id) = if entrance == Entrance::Open {
            self.ready.first().copied().filter(|(at, ..)| *at <= now)?
        } else {
            // Each try goes to another entry than the last.
            let others: BTreeMap<u64, (DateTime<Utc>, u64, Uuid)> = due.map(|ready| (ready.1, *ready)).collect();
            *others.range(self.tried + 1..).next().or_else(|| others.iter().next()).map(|(_, ready)| ready)?
        };
        self.ready.remove(&(at, place, id));
        self.tried = place;
        self.under_way.insert(id, self.waiting.get(&id).and_then(|waiting| waiting.user));
        Some(if asks { Work::Ask(id) } else { Work::Step(id) })
    }

    /// When there may be something to do again; none while only calls under way can change that.
    #[must_use]
    pub fn deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (due, ..) = self.ready.first()?;
        match self.reach.entrance(now) {
            Entrance::Closed(until) => Some(until.max(*due)),
            _ if self.under_way.len() >= self.parallel => None,
            _ => Some(*due),
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

    /// The place of an entry that waits.
    #[must_use]
    pub fn place(&self, id: Uuid) -> u64 {
        self.waiting.get(&id).map_or(0, |waiting| waiting.place)
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
        let (of, _, id) = self.queues.range((queue, 0, Uuid::nil())..).next()?;
        (*of == queue).then_some(*id)
    }

    fn unready(&mut self, waiting: &Waiting) {
        if let Turn::At(at) = waiting.turn {
            self.ready.remove(&(at, waiting.place, waiting.id));
        }
    }

    /// Makes an entry ready where it is the first in each of its queues.
    fn make_ready(&mut self, id: Uuid) {
        let Some(waiting) = self.waiting.get(&id).copied() else { return };
        let Turn::At(at) = waiting.turn else { return };
        let is_first = |queue: Queue| self.first(queue).is_none_or(|first| first == id);
        if !self.under_way.contains_key(&id) && waiting.queues().all(is_first) {
            self.ready.insert((at, waiting.place, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn waiting(place: u64, user: u128, card: u64, turn: Turn) -> Waiting {
        Waiting { place, id: Uuid::from_u128(place.into()), user: Some(Uuid::from_u128(user)), card: Some(card), turn }
    }

    fn id(place: u128) -> Work {
        Work::Step(Uuid::from_u128(place))
    }

    #[test]
    fn entries_of_different_users_and_cards_are_under_way_at_once_up_to_the_limit() {
        let mut schedule = Schedule::new(2);
        (1..=3).for_each(|number| schedule.put(waiting(number, number.into(), number, Turn::At(at(0)))));
        assert_eq!([schedule.next(at(0)), schedule.next(at(0)), schedule.next(at(0))], [Some(id(1)), Some(id(2)), None]);
        schedule.put(waiting(1, 1, 1, Turn::Over));
        assert_eq!(schedule.next(at(0)), Some(id(3)));
    }

    #[test]
    fn one_call_at_a_time_for_a_user_and_for_a_card_in_the_order_they_were_saved() {
        let mut schedule = Schedule::new(8);
        // The second is of the first one's user, the third for the first one's card.
        schedule.put(waiting(1, 7, 1, Turn::At(at(5))));
        schedule.put(waiting(2, 7, 2, Turn::At(at(0))));
        schedule.put(waiting(3, 8, 1, Turn::At(at(0))));
        schedule.put(waiting(4, 9, 9, Turn::At(at(0))));
        assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(4)), None], "the first is not due, and the others wait for it");
        assert_eq!(schedule.waits_for(Uuid::from_u128(3)), Some(Uuid::from_u128(1)));
        assert_eq!((schedule.next(at(5)), schedule.next(at(5))), (Some(id(1)), None));
        schedule.put(waiting(1, 7, 1, Turn::Over));
        assert_eq!([schedule.next(at(5)), schedule.next(at(5)), schedule.next(at(5))], [Some(id(2)), Some(id(3)), None]);
    }

    #[test]
    fn an_entry_that_waits_for_a_person_holds_up_its_card_and_not_its_users_other_cards() {
        let mut schedule = Schedule::new(8);
        schedule.put(waiting(1, 7, 1, Turn::Person));
        schedule.put(waiting(2, 7, 2, Turn::At(at(0))));
        schedule.put(waiting(3, 8, 1, Turn::At(at(0))));
        assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(2)), None]);
        assert_eq!(schedule.waits_for(Uuid::from_u128(3)), Some(Uuid::from_u128(1)));
        schedule.put(waiting(1, 7, 1, Turn::Over));
        assert_eq!(schedule.next(at(0)), Some(id(3)));
    }

    #[test]
    fn while_blusky_is_away_one_entry_after_the_other_is_tried_alone() {
        let mut schedule = Schedule::new(8);
        (1..=3).for_each(|number| schedule.put(waiting(number, number.into(), number, Turn::At(at(0)))));
        assert_eq!(schedule.next(at(0)), Some(id(1)));
        schedule.heard(&Reached::Away(None), None, at(0));
        schedule.put(waiting(1, 1, 1, Turn::At(at(0))));
        assert_eq!((schedule.next(at(0)), schedule.deadline(at(0))), (None, Some(at(1))));
        let mut now = 1;
        for (number, pause) in [(2, 2), (3, 4), (1, 8)] {
            assert_eq!(schedule.next(at(now)), Some(Work::Ask(Uuid::from_u128(number))));
            assert_eq!(schedule.next(at(now)), None, "one alone");
            schedule.heard(&Reached::Away(None), None, at(now));
            let number = u64::try_from(number).unwrap();
            schedule.put(waiting(number, number.into(), number, Turn::At(at(0))));
            now += pause;
        }
    }

    proptest! {
        /// Whatever comes and goes, in whatever order it is taken up: never two of one user or one card under way, never one before
        /// an earlier one of its own, never more than the limit, and everybody's turn comes.
        #[test]
        fn every_entry_has_its_turn_and_never_two_of_one_user_or_card(
            (entries, taken_up) in prop::collection::vec((0_u128..4, 0_u64..4, 0_i64..5), 1..40)
                .prop_flat_map(|entries| { let places = (1..=entries.len() as u64).collect::<Vec<_>>(); (Just(entries), Just(places).prop_shuffle()) }),
            ends in prop::collection::vec((0_usize..8, 0_u8..3), 200),
        ) {
            let mut schedule = Schedule::new(3);
            for place in taken_up {
                let (user, card, due) = entries[usize::try_from(place).unwrap() - 1];
                schedule.put(waiting(place, user, card, Turn::At(at(due))));
            }
            let mut left: BTreeSet<u64> = (1..=entries.len() as u64).collect();
            let mut under_way: Vec<(u64, u128, u64)> = Vec::new();
            let (mut now, mut done) = (10, 0);
            for (which, how) in ends {
                while let Some(work) = schedule.next(at(now)) {
                    let Work::Step(id) = work else { panic!("nothing closed the way") };
                    let place = u64::try_from(id.as_u128()).unwrap();
                    let (user, card, _) = entries[usize::try_from(place).unwrap() - 1];
                    prop_assert!(under_way.iter().all(|(_, other, others_card)| *other != user && *others_card != card));
                    let is_its_own = |earlier: &&u64| entries[usize::try_from(**earlier).unwrap() - 1].0 == user || entries[usize::try_from(**earlier).unwrap() - 1].1 == card;
                    prop_assert_eq!(left.range(..place).find(is_its_own), None, "overtaken by {}", place);
                    under_way.push((place, user, card));
                    prop_assert!(under_way.len() <= 3);
                }
                if under_way.is_empty() {
                    break;
                }
                let (place, user, card) = under_way.remove(which % under_way.len());
                // It ends, or is to be tried again a little later.
                done += usize::from(how > 0);
                if how > 0 {
                    left.remove(&place);
                }
                schedule.put(waiting(place, user, card, if how > 0 { Turn::Over } else { Turn::At(at(now + 1)) }));
                now += 1;
            }
            // What is left ends at once.
            while !schedule.is_empty() {
                while let Some(Work::Step(id)) = schedule.next(at(now)) {
                    let place = u64::try_from(id.as_u128()).unwrap();
                    let (user, card, _) = entries[usize::try_from(place).unwrap() - 1];
                    under_way.push((place, user, card));
                }
                prop_assert!(!under_way.is_empty(), "an entry is stuck");
                for (place, user, card) in under_way.drain(..) {
                    done += 1;
                    schedule.put(waiting(place, user, card, Turn::Over));
                }
                now += 10;
            }
            prop_assert_eq!(done, entries.len());
        }
    }
}
