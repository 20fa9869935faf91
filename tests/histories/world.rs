//! A station's process over a disk and the model of BluSKY: its effects are carried out one by one, its calls go on one stage at a time,
//! and it can die between any two of them. What is on the disk, and on its way to BluSKY, stays.
//!
//! In: what happens. Out: the disk, what people were told. Never: a thread, a clock, a socket.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, LazyLock},
    time::Duration,
};

use cardbridge::{
    access::{Cards, Operation, Outcome, Told, check::IntegerWidth},
    card::{DecidedBy, Literal, Presentation},
    decode::{catalog::SharedCatalog, dialect::Dialect},
    enroll::{enrollment::Order, policy::SitePolicy},
    outbox::{Entry, Next, ReadBack, Reassign, State, Step, reach::Reached, schedule::Work},
    protocols::Protocols,
    reader::{ReaderEvent, ReaderHints},
    station::{
        Answer, Called, Effect, Event, Notice, Now, ReaderKind, ReaderSetup, Request, Scope, Setup, Stands, Station, What, WhichCard,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    blusky::{self, Blusky, True},
    moves::{Fate, Look, Terms},
    policy,
};

/// H10301, facility code 123, card number 4567; and 31/337: as frames, and as somebody names them.
const CARDS: [(&[u8], &str); 2] = [(b"1ABD88EB80\r", "{26}BD88EB80"), (b"1A8F80A8C0\r", "{26}8F80A8C0")];
/// How long BluSKY's lists may be behind.
pub const SHOWS_WITHIN: TimeDelta = TimeDelta::seconds(60);
/// A wish to take a card is none any more after this time.
const STALE: TimeDelta = TimeDelta::seconds(120);

static KNOWN: LazyLock<(SharedCatalog, Arc<Dialect>)> = LazyLock::new(|| {
    let protocols = Protocols::built_in();
    (Arc::new(protocols.catalog(&["hid-h10301".to_owned()])), protocols.dialect("twn3-hidprox").unwrap().clone())
});

/// The world.
pub struct World {
    terms: Terms,
    station: Station,
    pub now: Now,
    /// In the order they were saved.
    pub disk: Vec<Entry>,
    pub blusky: Blusky,
    pub fates: VecDeque<(Fate, i64)>,
    pub looks: VecDeque<Look>,
    /// So many writes fail from here on.
    pub disk_fails: u32,
    /// The process dies after so many more things.
    pub dies_after: Option<u32>,
    events: VecDeque<Event>,
    calls: Vec<Call>,
    /// What this process has sent, and when.
    sent: HashMap<Uuid, True>,
    began: True,
    /// When each entry's order, or the last decision to take its card, was made, by both clocks.
    wished: HashMap<Uuid, Now>,
    /// What was read from the disk at the start and has not been handed over yet: nothing is delivered before.
    stock: Option<Vec<(u64, Entry)>>,
    asked: Option<(Uuid, u64)>,
    /// What people were told of each entry last.
    pub told: HashMap<Uuid, State>,
    /// The entries that the end of a process may have kept people from hearing of; the outbox shows them.
    pub unheard: HashSet<Uuid>,
    pub ended: HashSet<Uuid>,
}

/// The calls for one entry that is under way.
struct Call {
    entry: Entry,
    heard: Vec<(Reached, Option<String>)>,
    /// What time it was at least when the calls began, as the station said, and when that was.
    at_least: (DateTime<Utc>, True),
    stage: Stage,
    /// The newest step of the entry, which is not on the disk yet.
    unwritten: Option<Step>,
    /// No further call is made before that step is written: another entry may call instead.
    is_answered: bool,
}

enum Stage {
    Begin {
        asks: bool,
    },
    Due(Next),
    Answered(Outcome),
    /// And whether BluSKY had not had the time to show it yet, when it was asked.
    Shown(Cards, bool),
    /// Nothing more is done once it is written down.
    Writing,
    /// What is done next is decided anew once it is written down.
    Late,
    /// It could not be begun, and is put back for a while.
    Left,
    Over,
}

/// So many calls are made at once.
const PARALLEL: usize = 2;

fn user(number: u8) -> Uuid {
    Uuid::from_u128(1000 + u128::from(number % 3))
}

fn setup(terms: Terms) -> Setup {
    let (catalog, dialect) = KNOWN.clone();
    let hints = ReaderHints { card_left: Some(Duration::ZERO), ..ReaderHints::default() };
    let same_card = terms.same_card.then_some(Duration::from_secs(60));
    Setup {
        catalog,
        scripts: Vec::new(),
        policy: SitePolicy { same_card, ..policy::h10301() },
        width: IntegerWidth::Bits32,
        proof: 1.0,
        parallel: PARALLEL,
        kiosk: None,
        readers: vec![ReaderSetup { name: "desk".to_owned(), kind: ReaderKind::Serial(dialect, hints), proof: None }],
    }
}

impl World {
    pub fn new(terms: Terms) -> Self {
        let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let mut world = Self {
            terms,
            station: Station::new(setup(terms)),
            now,
            disk: Vec::new(),
            blusky: Blusky { allows_double: terms.allows_double, ..Blusky::default() },
            fates: VecDeque::new(),
            looks: VecDeque::new(),
            disk_fails: 0,
            dies_after: None,
            events: VecDeque::new(),
            calls: Vec::new(),
            sent: HashMap::new(),
            began: now.steady,
            wished: HashMap::new(),
            stock: None,
            asked: None,
            told: HashMap::new(),
            unheard: HashSet::new(),
            ended: HashSet::new(),
        };
        world.starts();
        world
    }

    /// The power is gone, and comes back: a new process over what is on the disk.
    pub fn dies(&mut self) {
        self.dies_after = None;
        let unheard: Vec<Uuid> = self.disk.iter().filter(|entry| !self.is_told(entry)).map(|entry| entry.id).collect();
        self.unheard.extend(unheard);
        (self.events, self.calls, self.sent, self.asked) = (VecDeque::new(), Vec::new(), HashMap::new(), None);
        (self.station, self.began) = (Station::new(setup(self.terms)), self.now.steady);
        self.starts();
    }

    fn starts(&mut self) {
        for entry in &mut self.disk {
            if let Some(step) = entry.abandoned() {
                entry.add(self.now.wall, step);
            }
        }
        let open = (1..).zip(&self.disk).filter(|(_, entry)| !entry.progress().is_closed());
        self.stock = Some(open.map(|(number, entry)| (number, entry.clone())).collect());
        self.happens(Event::Reader("desk".into(), ReaderEvent::Up));
    }

    /// Lets something happen, and carries out what follows at once. Calls go on when they are let ([`Self::goes`]).
    pub fn happens(&mut self, event: Event) {
        self.events.push_back(event);
        while let Some(event) = self.events.pop_front() {
            if self.is_dead() {
                return self.dies();
            }
            for effect in self.station.handle(event, self.now) {
                if self.is_dead() {
                    return self.dies();
                }
                self.carries_out(effect);
            }
        }
    }

    fn is_dead(&mut self) -> bool {
        self.dies_after = self.dies_after.map(|left| left.saturating_sub(1));
        self.dies_after == Some(0)
    }

    fn carries_out(&mut self, effect: Effect) {
        match effect {
            Effect::Save(entry, _) if self.fails() => self.events.push_back(Event::NotSaved(entry.id, "the disk is full".to_owned())),
            Effect::Save(entry, terms) => {
                let card = |entry: &Entry| entry.source.as_ref().map(|source| source.card.clone());
                let others = self.disk.iter().filter(|other| card(other) == card(&entry)).cloned().collect::<Vec<_>>();
                match terms.judge(&entry, others.into_iter()) {
                    Ok(superseded) => {
                        if let Some(superseded) = superseded {
                            self.writes(superseded.id, Step::Discarded { superseded_by: Some(entry.id) });
                        }
                        assert!(self.at(entry.id).is_none(), "one order is one entry");
                        self.wished.insert(entry.id, self.now);
                        self.disk.push((*entry).clone());
                        self.events.push_back(Event::Saved(entry));
                    }
                    Err(other) => self.events.push_back(Event::InTheWay(entry.id, other)),
                }
            }
            Effect::Append(id, step) if !self.fails() => self.writes(id, step),
            Effect::Look(id) => {
                let entry = self.at(id).expect("what is looked at is on the disk").clone();
                self.events.push_back(Event::Settled(Box::new(entry)));
            }
            Effect::Deliver(work) => {
                let (Work::Step(id) | Work::Ask(id)) = work;
                let entry = self.at(id).expect("what is due is on the disk").clone();
                let is_alike = |other: &Entry| other.operation.user() == entry.operation.user() || other.card() == entry.card();
                if let Some(other) = self.calls.iter().find(|call| is_alike(&call.entry)) {
                    self.blusky.broken.push(format!("two at once for one user or card: {} and {id}", other.entry.id));
                }
                if self.calls.iter().filter(|call| !call.is_answered).count() >= PARALLEL {
                    self.blusky.broken.push(format!("more calls at once than there may be, with {id}"));
                }
                let at_least = (self.station.at_least(id, self.now), self.now.steady);
                let stage = Stage::Begin { asks: matches!(work, Work::Ask(_)) };
                self.calls.push(Call { entry, heard: Vec::new(), at_least, stage, unwritten: None, is_answered: false });
            }
            Effect::Tell(Notice::Entry(entry, question)) => {
                assert!(self.at(entry.id).is_some(), "announced before it was on the disk");
                self.told.insert(entry.id, entry.progress().state);
                self.asked = question.map(|question| (entry.id, question.number)).or(self.asked);
            }
            Effect::Tell(Notice::Asked(id, question)) => self.asked = Some((id, question.number)),
            Effect::Tell(Notice::NotEnrolled(id, _)) => {
                assert!(self.at(id).is_none() && self.ended.insert(id), "an order ends once");
            }
            Effect::Append(..) | Effect::Tell(_) | Effect::Command(..) | Effect::Seen(..) | Effect::Again(_) | Effect::Keep(..) => {}
        }
    }

    /// A step that a person's word leads to.
    fn writes(&mut self, id: Uuid, step: Step) {
        if matches!(step, Step::Reassign { .. }) {
            self.wished.insert(id, self.now);
        }
        let wall = self.now.wall;
        let entry = self.disk.iter_mut().find(|entry| entry.id == id).unwrap();
        entry.add(wall, step);
        self.events.push_back(Event::Settled(Box::new(entry.clone())));
    }

    pub fn at(&self, id: Uuid) -> Option<&Entry> {
        self.disk.iter().find(|entry| entry.id == id)
    }

    pub fn is_told(&self, entry: &Entry) -> bool {
        self.told.get(&entry.id) == Some(&entry.progress().state)
    }

    fn fails(&mut self) -> bool {
        let fails = self.disk_fails > 0;
        self.disk_fails = self.disk_fails.saturating_sub(1);
        fails
    }

    // ---- the calls

    /// One of the calls under way goes on by one stage: it is sent, or its answer has come, or that is written down.
    pub fn goes(&mut self, which: usize) {
        if let Some(stock) = self.stock.take() {
            // Across a restart the wall's clock is believed: a wish that was made before it was set back counts as made later.
            for wished in self.wished.values_mut() {
                let ahead = (wished.wall - wished.steady) - (self.now.wall - self.now.steady);
                *wished = Now { steady: wished.steady + ahead.max(TimeDelta::zero()), wall: wished.wall };
            }
            self.events.push_back(Event::Stock(stock));
            return self.happens(Event::Deliver(Scope::All));
        }
        if self.calls.is_empty() {
            return;
        }
        let at = which % self.calls.len();
        let mut call = self.calls.swap_remove(at);
        call.stage = self.stage(&mut call);
        if self.is_dead() {
            return self.dies();
        }
        let id = call.entry.id;
        let stepped = Event::Stepped(Box::new(self.at(id).expect("it is on the disk").clone()));
        if matches!(call.stage, Stage::Over | Stage::Left) {
            let is_readable = matches!(call.stage, Stage::Over);
            return self.ends(call, is_readable);
        }
        let is_newly_answered = matches!(call.stage, Stage::Due(Next::Wait(_) | Next::Person | Next::Done)) && call.unwritten.is_some();
        let answered = is_newly_answered && !std::mem::replace(&mut call.is_answered, true);
        let heard = if answered { std::mem::take(&mut call.heard) } else { Vec::new() };
        self.calls.push(call);
        self.happens(stepped);
        if answered {
            self.happens(Event::Answered(id, heard));
        }
    }

    /// The calls for an entry have come to an end for now.
    fn ends(&mut self, call: Call, is_readable: bool) {
        let id = call.entry.id;
        if self.at(id).is_some_and(|entry| entry.progress().is_settled()) {
            self.sent.remove(&id);
        }
        let entry = self.at(id).cloned().filter(|_| is_readable);
        let stands = entry.map_or(Stands::Later, |entry| Stands::As(Box::new(entry)));
        self.happens(Event::Called(Box::new(Called { id, heard: call.heard, stands })));
    }

    fn stage(&mut self, call: &mut Call) -> Stage {
        let stage = std::mem::replace(&mut call.stage, Stage::Over);
        // A look is made while the step before it is written down; whatever else there is to do waits for that.
        if !matches!(stage, Stage::Due(Next::ReadBack)) && call.unwritten.is_some() {
            let (is_written, stage) = (self.writes_down(call), stage);
            return match (is_written, stage) {
                (Some(false), _) | (Some(true), Stage::Writing) => Stage::Over,
                (None, Stage::Shown(..)) => Stage::Late,
                (None, stage) | (Some(true), stage @ Stage::Shown(..)) => stage,
                (Some(true), _) => {
                    if call.is_answered {
                        Stage::Over
                    } else {
                        self.next(call)
                    }
                }
            };
        }
        match stage {
            // What is sent, and whether it takes the card, is decided in the moment in which it is written down.
            Stage::Due(Next::Send { reassign: true }) if call.entry.due(self.at_least(call)) == (Next::Send { reassign: false }) => {
                call.stage = Stage::Due(Next::Send { reassign: false });
                self.stage(call)
            }
            Stage::Begin { asks } => {
                let is_back = !asks || {
                    let cards = self.looks(call);
                    !matches!(cards, Cards::Away { .. } | Cards::Later { .. })
                };
                if is_back { Stage::Due(call.entry.due(self.at_least(call))) } else { Stage::Over }
            }
            Stage::Due(Next::Send { .. }) if self.fails() => {
                self.events.push_back(Event::Unwritten("the disk is full".to_owned()));
                Stage::Left
            }
            Stage::Due(Next::Send { reassign }) => match self.appends(call, Step::Sending { reassign }) {
                true => Stage::Answered(self.sends(call, reassign)),
                false => Stage::Over,
            },
            Stage::Due(Next::ReadBack) => {
                let is_too_early = self.is_too_early(&call.entry);
                Stage::Shown(self.looks(call), is_too_early)
            }
            Stage::Due(Next::Reassign) => match self.appends(call, Step::Reassign { decided_by: DecidedBy::Operator }) {
                true => self.next(call),
                false => Stage::Over,
            },
            Stage::Answered(outcome) => self.takes(call, Step::Answered(outcome)),
            Stage::Shown(Cards::Away { .. }, _) => Stage::Over,
            Stage::Shown(cards, is_too_early) => {
                let shown = match cards {
                    Cards::Shown(cards) => ReadBack::of(&call.entry, &call.entry.operation, cards, is_too_early),
                    Cards::Unavailable { why } => ReadBack::Unavailable { why },
                    Cards::Later { why } | Cards::Stopped { why } | Cards::Away { why } => ReadBack::Failed { why },
                };
                self.takes(call, Step::ReadBack(shown))
            }
            Stage::Due(_) | Stage::Late | Stage::Writing | Stage::Left | Stage::Over => Stage::Over,
        }
    }

    fn at_least(&self, call: &Call) -> DateTime<Utc> {
        let (then, begun) = call.at_least;
        self.now.wall.max(then + (self.now.steady - begun))
    }

    fn next(&self, call: &Call) -> Stage {
        let goes_on = call.heard.last().is_none_or(|(heard, _)| *heard == Reached::Answered);
        if goes_on { Stage::Due(call.entry.next(self.at_least(call))) } else { Stage::Writing }
    }

    /// A step that is to be written down; what follows from it is known already.
    fn takes(&mut self, call: &mut Call, step: Step) -> Stage {
        call.entry.add(self.now.wall, step.clone());
        call.unwritten = Some(step);
        self.next(call)
    }

    /// Writes down what is unwritten: true where it is on the disk, none where the disk takes nothing now. Whoever finds that somebody
    /// else has gone on with the entry leaves it to them.
    fn writes_down(&mut self, call: &mut Call) -> Option<bool> {
        if self.fails() {
            self.events.push_back(Event::Unwritten("the disk is full".to_owned()));
            return None;
        }
        let (step, wall) = (call.unwritten.take()?, self.now.wall);
        let entry = self.disk.iter_mut().find(|entry| entry.id == call.entry.id).unwrap();
        let is_next = entry.steps().len() + 1 == call.entry.steps().len();
        if is_next {
            entry.add(wall, step);
            call.entry = entry.clone();
        }
        Some(is_next)
    }

    /// Writes a step down at once, unless somebody else has gone on with the entry.
    fn appends(&mut self, call: &mut Call, step: Step) -> bool {
        let wall = self.now.wall;
        let entry = self.disk.iter_mut().find(|entry| entry.id == call.entry.id).unwrap();
        if entry.steps().len() != call.entry.steps().len() {
            return false;
        }
        entry.add(wall, step);
        call.entry = entry.clone();
        true
    }

    /// As the host judges it: by the steady clock; what was sent before this process began was sent so long ago at least.
    fn is_too_early(&self, entry: &Entry) -> bool {
        let Some(until) = entry.unproven_until(SHOWS_WITHIN) else { return false };
        let sent = self.sent.get(&entry.id).copied();
        let since = self.now.steady - sent.unwrap_or(self.began);
        since < entry.unproven_for(SHOWS_WITHIN) && (sent.is_some() || self.now.wall < until)
    }

    fn sends(&mut self, call: &mut Call, reassign: bool) -> Outcome {
        let (entry, now) = (&call.entry, self.now.steady);
        self.sent.insert(entry.id, now);
        let decisions = entry.steps().iter().filter(|(_, step)| matches!(step, Step::Reassign { .. } | Step::Retry { .. })).count();
        let mut operation = entry.operation.clone();
        operation.reassign(reassign);
        let wished = self.wished[&entry.id].steady;
        let (fate, lag) = self.fates.pop_front().unwrap_or((Fate::Fine, 0));
        let request = |after: i64| blusky::Request {
            entry: (entry.id, decisions),
            operation: operation.clone(),
            arrives: now + TimeDelta::seconds(after),
            shown_from: now + TimeDelta::seconds(lag),
            wish: (now - wished > STALE, wished),
        };
        let why = || "so it was".to_owned();
        let any = |outcome: Outcome| match outcome {
            Outcome::Accepted(told) | Outcome::Refused(told) if self.terms.no_code_is_known => {
                Outcome::Unclear { told: Told { value: None, ..told }, listed: false }
            }
            outcome => outcome,
        };
        let (outcome, heard) = match fate {
            Fate::Fine => (any(self.blusky.takes(request(0))), Reached::Answered),
            Fate::Away => (Outcome::Away { why: why() }, Reached::Away(None)),
            Fate::Stopped => (Outcome::Stopped { why: why() }, Reached::Stopped),
            Fate::NotSent => (Outcome::NotSent { why: why() }, Reached::Answered),
            Fate::Keyless(is_done) => {
                let outcome = if is_done { self.blusky.takes(request(0)) } else { Outcome::Accepted(Told::default()) };
                let outcome = match outcome {
                    Outcome::Accepted(_) => Outcome::Unclear { told: Told { result_code: Some(0), ..Told::default() }, listed: true },
                    refused => any(refused),
                };
                (outcome, Reached::Answered)
            }
            Fate::Lost { arrives, slow, fault } => {
                self.blusky.on_the_way.extend(arrives.map(|after| request(if slow { after } else { after.min(2) })));
                self.blusky.until(now);
                let outcome = if fault { Outcome::Later { why: why(), slow } } else { Outcome::NoAnswer { why: why(), slow } };
                (outcome, Reached::Trouble)
            }
        };
        let said = matches!(heard, Reached::Away(_) | Reached::Stopped).then(why);
        call.heard.push((heard, said));
        outcome
    }

    fn looks(&mut self, call: &mut Call) -> Cards {
        let why = || "so it was".to_owned();
        let user = call.entry.operation.user().unwrap();
        let (cards, heard) = match self.looks.pop_front().unwrap_or(Look::Fine) {
            Look::Fine => (Cards::Shown(self.blusky.shows(user, false, self.now.steady)), Reached::Answered),
            Look::Nulls => (Cards::Shown(self.blusky.shows(user, true, self.now.steady)), Reached::Answered),
            Look::Later => (Cards::Later { why: why() }, Reached::Trouble),
            Look::Away => (Cards::Away { why: why() }, Reached::Away(None)),
            Look::Unavailable => (Cards::Unavailable { why: why() }, Reached::Answered),
            Look::Stopped => (Cards::Stopped { why: why() }, Reached::Stopped),
        };
        call.heard.push((heard, None));
        cards
    }

    // ---- what else happens

    /// Time passes. No call lasts longer than a few seconds without an answer.
    pub fn passes(&mut self, seconds: i64) {
        let time = TimeDelta::seconds(seconds);
        if seconds > 5 {
            (0..60).for_each(|which| self.goes(which));
        }
        self.now = Now { wall: self.now.wall + time, steady: self.now.steady + time };
        self.blusky.until(self.now.steady);
        self.happens(Event::Time);
    }

    pub fn orders(&mut self, number: u128, whose: u8, named: Option<u8>, (reassign, can_be_asked): (Reassign, bool)) {
        let card = match named {
            Some(card) => {
                let literal: Literal = CARDS[usize::from(card) % CARDS.len()].1.parse().unwrap();
                WhichCard::Named(Box::new(Presentation::of_literal(&literal)))
            }
            None => WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) },
        };
        let order = Box::new(Order::of(user(whose)));
        let what = What::Enroll { order, card, reassign };
        self.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(number), what, can_be_asked })));
    }

    pub fn taps(&mut self, card: u8) {
        self.passes(1);
        let bytes = CARDS[usize::from(card) % CARDS.len()].0;
        self.happens(Event::Reader("desk".into(), ReaderEvent::Bytes(bytes.to_vec())));
    }

    pub fn answers(&mut self, yes: bool) {
        if let Some((id, question)) = self.asked.take() {
            self.happens(Event::Answer(id, question, if yes { Answer::Yes } else { Answer::No }));
        }
    }

    /// A person looks at what waits for one, and says what is to be done: they have looked into BluSKY, and they do not lie.
    pub fn person(&mut self, which: u8, discards: bool) {
        let is_mine = |entry: &&Entry| {
            let progress = entry.progress();
            let is_under_way = self.calls.iter().any(|call| call.entry.id == entry.id) || progress.state == State::Sending;
            !is_under_way && !matches!(progress.state, State::Accepted | State::Discarded) && progress.undone_by.is_none()
        };
        let waiting: Vec<&Entry> = self.disk.iter().filter(is_mine).collect();
        let Some(entry) = waiting.get(usize::from(which) % waiting.len().max(1)) else { return };
        let id = entry.id;
        let absent = !self.blusky.is_there(id, entry.card(), entry.operation.user().unwrap());
        let step = if discards { Step::Discarded { superseded_by: None } } else { Step::Retry { absent, user: None } };
        self.writes(id, step);
        self.happens(Event::Time);
    }

    /// Another program gives a card to somebody.
    pub fn foreign(&mut self, card: u8, whose: u8) {
        let card = CARDS[usize::from(card) % CARDS.len()].1;
        let Some(like) = self.disk.iter().find(|entry| entry.source.as_ref().is_some_and(|source| source.card.ends_with(card))) else {
            return;
        };
        let Operation::AddUserCard(mut call) = like.operation.clone() else { return };
        call.user_id = user(whose);
        if !self.blusky.allows_double {
            self.blusky.gives(None, Operation::AddUserCard(call), (self.now.steady, self.now.steady));
        }
    }

    pub fn withdraws(&mut self, number: u128) {
        self.happens(Event::Withdraw(Uuid::from_u128(number)));
    }

    pub fn wall_is_set(&mut self, seconds: i64) {
        // Across a restart the wall's clock is believed: of one that is set forward while something is in doubt, nothing is promised.
        let is_in_doubt = self.disk.iter().any(|entry| !entry.progress().is_settled() && entry.progress().attempts > 0);
        let seconds = if is_in_doubt { seconds.min(0) } else { seconds };
        self.now.wall += TimeDelta::seconds(seconds);
    }

    /// Nothing goes wrong any more, and there is time for everything.
    pub fn calms_down(&mut self) {
        (self.disk_fails, self.dies_after) = (0, None);
        (self.fates, self.looks) = (VecDeque::new(), VecDeque::new());
        for _ in 0..40 {
            for which in 0..200 {
                self.goes(which);
            }
            self.passes(61);
        }
    }
}
