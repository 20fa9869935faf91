//! A BluSKY that is away for a day, in a day that is turned by hand: the pure station and its clock, the real store on a real disk, the
//! real calls. Nothing is written for an entry and a try, a card is saved as at any time, and all is delivered as soon as it is back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "it shows the figures")]

#[path = "support/policy.rs"]
mod policy;
mod support;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use cardbridge::{
    access::{AccessControl, Cards, Detail, Operation, Outcome, check::IntegerWidth, fake::Fake},
    card::{Literal, Presentation},
    enroll::enrollment::Order,
    host::{self, deliver::Caller},
    outbox::{Reassign, State, schedule::Work},
    protocols::Protocols,
    station::{Effect, Event, Notice, Now, Request, Scope, Setup, Station, What, WhichCard},
    store::StoreHandle,
};
use chrono::{TimeDelta, Utc};
use support::h10301;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A BluSKY that can go away; how often it was called meanwhile.
#[derive(Clone, Default)]
struct Blusky {
    there: Fake,
    is_away: Arc<AtomicBool>,
    missed: Arc<AtomicUsize>,
}

impl Blusky {
    fn why(&self) -> Option<String> {
        let is_away = self.is_away.load(Relaxed);
        self.missed.fetch_add(usize::from(is_away), Relaxed);
        is_away.then(|| "no route to host".to_owned())
    }
}

impl AccessControl for Blusky {
    async fn send(&self, operation: &Operation) -> Outcome {
        match self.why() {
            Some(why) => Outcome::Away { why },
            None => self.there.send(operation).await,
        }
    }

    async fn cards_of(&self, user: Uuid, detail: Detail) -> Cards {
        match self.why() {
            Some(why) => Cards::Away { why },
            None => self.there.cards_of(user, detail).await,
        }
    }

    fn asked_to_wait(&self) -> Option<Duration> {
        None
    }
}

/// A station with its store and its calls, whose time is turned by hand.
struct Day {
    station: Station,
    store: StoreHandle,
    caller: Caller,
    post: mpsc::UnboundedSender<Event>,
    posted: mpsc::UnboundedReceiver<Event>,
    now: Now,
    /// The entries that were accepted, in that order.
    accepted: Vec<Uuid>,
    path: PathBuf,
}

impl Day {
    fn begin(folder: &std::path::Path, blusky: &Blusky) -> Self {
        let path = folder.join("cardbridge.db");
        let policy = policy::h10301();
        let station = Station::new(Setup {
            catalog: Arc::new(Protocols::built_in().catalog(&policy.formats)),
            scripts: Vec::new(),
            policy,
            width: IntegerWidth::Bits32,
            proof: 1.0,
            parallel: 4,
            readers: Vec::new(),
            kiosk: None,
        });
        let store = host::open_store(&path, "https://blusky.example", None, None).unwrap();
        let caller = Caller::new(store.clone(), blusky.clone(), Duration::from_secs(60), None);
        let (post, posted) = mpsc::unbounded_channel();
        Self { station, store, caller, post, posted, now: Now::from(Utc::now()), accepted: Vec::new(), path }
    }

    /// Lets something happen, and carries out what follows until nothing does at this time.
    async fn happens(&mut self, event: Event) {
        let (mut events, mut under_way) = (vec![event], 0);
        loop {
            let Some(event) = events.pop() else {
                if under_way == 0 {
                    return;
                }
                let event = self.posted.recv().await.unwrap();
                under_way -= usize::from(matches!(event, Event::Called(_)));
                events.push(event);
                continue;
            };
            for effect in self.station.handle(event, self.now) {
                match effect {
                    Effect::Save(mut entry, terms) => {
                        entry.base_url = self.store.base_url().to_owned();
                        events.push(Event::Saved(self.store.begin_save(entry, terms).await.unwrap().unwrap()));
                    }
                    Effect::Deliver(work) => {
                        let (Work::Step(id) | Work::Ask(id)) = work;
                        self.caller.begin(work, self.station.at_least(id, self.now), self.post.clone());
                        under_way += 1;
                    }
                    Effect::Tell(Notice::Entry(entry, _)) if entry.progress().state == State::Accepted => self.accepted.push(entry.id),
                    _ => {}
                }
            }
        }
    }

    /// Somebody's card is given to them.
    async fn gives(&mut self, number: u32) -> Uuid {
        let id = Uuid::from_u128(number.into());
        let card: Literal = h10301(1, number).parse().unwrap();
        let card = WhichCard::Named(Box::new(Presentation::of_literal(&card)));
        let order = Box::new(Order::of(Uuid::from_u128(5000 + u128::from(number))));
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked: false }))).await;
        id
    }

    /// Time passes, from one thing that is due to the next.
    async fn passes(&mut self, time: TimeDelta) {
        let end = self.now.steady + time;
        loop {
            let next = self.station.deadline(self.now).map_or(end, |at| at.max(self.now.steady + TimeDelta::milliseconds(1))).min(end);
            let passed = next - self.now.steady;
            self.now = Now { wall: self.now.wall + passed, steady: next };
            self.happens(Event::Time).await;
            if next == end {
                return;
            }
        }
    }

    /// How many steps are written down, and how many bytes the store has.
    async fn written(&self) -> (usize, u64) {
        let entries = self.store.all().await.unwrap();
        let files = ["db", "db-wal"].map(|end| fs::metadata(self.path.with_extension(end)).map_or(0, |file| file.len()));
        (entries.iter().map(|entry| entry.steps().len()).sum(), files.iter().sum())
    }
}

#[tokio::test]
async fn a_day_without_blusky_writes_nothing_and_ends_with_everything_delivered_at_once() {
    const PILE: u32 = 200;
    let (folder, blusky) = (tempfile::tempdir().unwrap(), Blusky::default());
    let mut day = Day::begin(folder.path(), &blusky);
    day.happens(Event::Deliver(Scope::All)).await;
    blusky.is_away.store(true, Relaxed);
    let (_, before) = day.written().await;
    for number in 1..=PILE {
        day.gives(number).await;
        day.passes(TimeDelta::seconds(7)).await;
    }
    let piled = day.written().await;
    assert!(piled.1 - before < 20 << 20, "{} bytes for {PILE} cards", piled.1 - before);
    assert!(day.accepted.is_empty());

    let asked = blusky.missed.load(Relaxed);
    day.passes(TimeDelta::hours(24)).await;
    let tries = blusky.missed.load(Relaxed) - asked;
    assert_eq!(day.written().await, piled, "a day of {tries} tries writes nothing");
    assert!((500..3000).contains(&tries), "about one try a minute: {tries}");

    blusky.is_away.store(false, Relaxed);
    let (began, last) = (day.now, day.gives(PILE + 1).await);
    assert_eq!(day.now, began, "no time has passed");
    assert_eq!(day.accepted.len() as u32, PILE + 1, "each once, and at once");
    let place = day.accepted.iter().position(|id| *id == last).unwrap();
    assert!(place < 8, "whoever stands there goes before those that waited: {place}");
    assert_eq!(blusky.there.sent().len() as u32, PILE + 1);
    println!(
        "{} KB for {PILE} cards; 24 h, {tries} tries: 0 bytes; drained in no time, the new card as number {}",
        (piled.1 - before) / 1024,
        place + 1
    );
}
