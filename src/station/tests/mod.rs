//! The whole way, turned by hand: no thread, no socket, no sleep.

mod alone;
mod anew;
mod delivery;
mod disk;
mod questions;
mod readers;
mod rosters;
mod shaken;
mod site;
mod smart;
mod two;
mod way;
mod words;

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;

use super::{notice::QuestionKind, *};
use crate::{
    access::Outcome,
    enroll::{evidence::PROOF, kept::Kept, policy::CardType},
    outbox::{InTheWay, Next, ReadBack, State, reach::Reached, schedule::Work},
    protocols::Protocols,
};

/// H10301, facility code 123, card number 4567; and 31/337.
pub(crate) const FIRST: &[u8] = b"1ABD88EB80\r";
pub(crate) const SECOND: &[u8] = b"1A8F80A8C0\r";

/// A station with a disk and a BluSKY that do what a test says.
pub(crate) struct World {
    pub(crate) station: Station,
    pub(crate) now: Now,
    pub(crate) disk: BTreeMap<Uuid, Entry>,
    /// What becomes of what is sent, one after the other; without one it is accepted.
    pub(crate) outcomes: VecDeque<Outcome>,
    /// What is shown, one after the other; without one the read-back is not available.
    shown: VecDeque<ReadBack>,
    pub(crate) told: Vec<Notice>,
    calls: Vec<(DateTime<Utc>, Uuid)>,
    /// What readers were told, and which cards were noted as seen.
    commands: Vec<(ReaderName, ReaderCommand)>,
    seen: Vec<(String, DateTime<Utc>)>,
    /// What was answered for the whole site, and by whom.
    kept: Vec<(Kept, String)>,
}

/// The formats and the dialect, read once.
static KNOWN: LazyLock<(SharedCatalog, Arc<Dialect>)> = LazyLock::new(|| {
    let protocols = Protocols::built_in();
    (Arc::new(protocols.catalog(&["hid-h10301".to_owned()])), protocols.dialect("twn3-hidprox").unwrap().clone())
});

fn world(proof: f64) -> World {
    world_with(proof, None, Vec::new())
}

/// The same, with a kiosk at this reader, and facility codes that are the site's own.
pub(crate) fn world_with(proof: f64, kiosk: Option<&str>, facility_codes: Vec<u64>) -> World {
    let (catalog, dialect) = KNOWN.clone();
    let formats = vec!["hid-h10301".to_owned()];
    let card_type = CardType {
        blusky: 3,
        name: "HID 26-bit".to_owned(),
        formats: formats.clone(),
        system: Uuid::from_u128(9),
        requires: Vec::new(),
        external_number: None,
    };
    let hints = ReaderHints { card_left: Some(std::time::Duration::ZERO), ..ReaderHints::default() };
    let station = Station::new(Setup {
        catalog,
        scripts: Vec::new(),
        policy: SitePolicy { formats, facility_codes, card_types: vec![card_type], ..SitePolicy::default() },
        width: IntegerWidth::Bits32,
        proof,
        parallel: 4,
        readers: vec![ReaderSetup { name: "desk".to_owned(), kind: ReaderKind::Serial(dialect, hints), proof: None }],
        kiosk: kiosk.map(ToOwned::to_owned),
    });
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let (disk, told) = (BTreeMap::new(), Vec::new());
    let (calls, commands, seen, kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut world = World { station, now, disk, outcomes: VecDeque::new(), shown: VecDeque::new(), told, calls, commands, seen, kept };
    world.happens(Event::Reader("desk".into(), ReaderEvent::Up));
    world.happens(Event::Deliver(Scope::All));
    world
}

impl World {
    /// Lets something happen, and carries out what follows until nothing does.
    pub(crate) fn happens(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.station.handle(event, self.now) {
                match effect {
                    Effect::Save(entry, terms) => {
                        let card = |entry: &Entry| entry.source.as_ref().map(|source| source.card.clone());
                        let others = self.disk.values().filter(|other| card(other) == card(&entry)).cloned().collect::<Vec<_>>();
                        let superseded = match terms.judge(&entry, others.into_iter()) {
                            Ok(superseded) => superseded,
                            Err(other) => {
                                events.push_back(Event::InTheWay(entry.id, other));
                                continue;
                            }
                        };
                        if let Some(superseded) = superseded {
                            let step = Step::Discarded { superseded_by: Some(entry.id) };
                            let given_up = superseded.after([(self.now.wall, step)]);
                            self.disk.insert(given_up.id, given_up.clone());
                            events.push_back(Event::Settled(Box::new(given_up)));
                        }
                        assert!(self.disk.insert(entry.id, (*entry).clone()).is_none(), "one order is one entry");
                        events.push_back(Event::Saved(entry));
                    }
                    Effect::Append(id, step) => {
                        self.disk.get_mut(&id).unwrap().add(self.now.wall, step);
                        events.push_back(Event::Settled(Box::new(self.disk[&id].clone())));
                    }
                    Effect::Look(id) => events.push_back(Event::Settled(Box::new(self.disk[&id].clone()))),
                    Effect::Deliver(Work::Step(id) | Work::Ask(id)) => events.push_back(Event::Called(Box::new(self.called(id)))),
                    Effect::Tell(notice) => self.told.push(notice),
                    Effect::Command(reader, command) => self.commands.push((reader, command)),
                    Effect::Seen(card, at) => self.seen.push((card, at)),
                    Effect::Keep(kept, by) => self.kept.push((kept, by)),
                    Effect::Again(_) => {}
                }
            }
        }
    }

    /// One entry's calls, as far as they can be made at once.
    fn called(&mut self, id: Uuid) -> Called {
        self.calls.push((self.now.steady, id));
        let entry = self.disk.get_mut(&id).unwrap();
        let mut next = entry.due(self.now.wall);
        let mut heard = Vec::new();
        loop {
            match next {
                Next::Send { reassign } => {
                    entry.add(self.now.wall, Step::Sending { reassign });
                    let outcome = self.outcomes.pop_front().unwrap_or_else(|| Outcome::Accepted(Default::default()));
                    let reached = match &outcome {
                        Outcome::NoAnswer { .. } => (Reached::Trouble, None),
                        Outcome::Away { why } => (Reached::Away(None), Some(why.clone())),
                        _ => (Reached::Answered, None),
                    };
                    let is_over = reached.0 != Reached::Answered;
                    heard.push(reached);
                    entry.add(self.now.wall, Step::Answered(outcome));
                    if is_over {
                        break;
                    }
                }
                Next::ReadBack => {
                    let nothing = || ReadBack::Unavailable { why: "nobody shows it".to_owned() };
                    entry.add(self.now.wall, Step::ReadBack(self.shown.pop_front().unwrap_or_else(nothing)));
                }
                Next::Reassign | Next::Wait(_) | Next::Person | Next::Done => break,
            }
            next = entry.next(self.now.wall);
        }
        Called { id, heard, stands: Stands::As(Box::new(entry.clone())) }
    }

    pub(crate) fn passes(&mut self, time: TimeDelta) {
        self.now = Now { wall: self.now.wall + time, steady: self.now.steady + time };
        self.happens(Event::Time);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.passes(TimeDelta::seconds(1));
        self.happens(Event::Reader("desk".into(), ReaderEvent::Bytes(bytes.to_vec())));
    }

    fn order(&mut self, number: u128, can_be_asked: bool) -> Uuid {
        let id = Uuid::from_u128(number);
        let order = Box::new(Order::of(Uuid::from_u128(1000 + number)));
        let card = WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked })));
        id
    }

    fn state(&self, id: Uuid) -> Option<State> {
        self.disk.get(&id).map(|entry| entry.progress().state)
    }

    /// What was asked last.
    fn asked(&self) -> Option<(Uuid, Question)> {
        self.told.iter().rev().find_map(|notice| match notice {
            Notice::Asked(order, question) => Some((*order, (**question).clone())),
            _ => None,
        })
    }

    fn ended(&self, id: Uuid) -> Option<&Ended> {
        self.told.iter().find_map(|notice| match notice {
            Notice::NotEnrolled(order, why) if *order == id => Some(&**why),
            _ => None,
        })
    }
}

pub(crate) fn lost() -> Outcome {
    Outcome::NoAnswer { why: "the connection broke".to_owned(), slow: false }
}
