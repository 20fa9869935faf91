//! What stands on every desk: who was chosen, which card was shown, what is asked, how it ended, and the day's list.
//!
//! In: what somebody does at a desk, and the station's notices. Out: plain values that [`super::html`] writes down. Never: a time, or
//! anything that the station did not tell.

mod board;
mod front_desk;
mod orders;

use std::collections::{BTreeSet, HashMap};

pub use board::{Board, Undo};
pub use front_desk::{FrontDesk, Sent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    card::{Reading, Verdict},
    host::known::Known,
    outbox::{Entry, Source},
    reader::{ReaderName, is_device_of},
    roster::screen::Tally,
    station::{Ended, Notice, Question},
};

/// So many desks are remembered at most, each for so many hours after somebody has looked at it last: as long as a session lasts.
const MOST_DESKS: usize = 128;
const REMEMBERED_HOURS: u64 = 16;

/// All desks, and what all of them show.
#[derive(Debug, Default)]
pub struct Scene {
    /// What all desks show.
    pub board: Board,
    /// The kiosk's reader, which is at nobody's desk that has not named it.
    kiosk: Option<String>,
    desks: HashMap<Uuid, Desk>,
    ready: BTreeSet<ReaderName>,
    /// Counts the looks at desks, and the hours.
    looks: u64,
    hour: u64,
}

/// One desk.
#[derive(Debug, Clone, PartialEq)]
pub struct Desk {
    /// Who works at it.
    pub operator: String,
    /// The reader they named; none: all but the kiosk's.
    pub reader: Option<String>,
    but: Option<String>,
    /// What was ordered last.
    pub order: Option<Ordered>,
    /// How that stands.
    pub stage: Stage,
    /// The card that was shown last.
    pub card: Option<Box<Reading>>,
    /// What is known of it from before it is given to anybody.
    pub known: Option<Known>,
    /// What the operator should know about the reader.
    pub note: Option<Note>,
    /// The people who have their turn at it one after the other.
    pub run: Option<Run>,
    /// When it was looked at last, by the count of looks and by the hour.
    looked_at: (u64, u64),
}

/// Somebody for whom a card is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The order's key.
    pub id: Uuid,
    /// Their name.
    pub person: String,
    /// The card is in the place of one that is lost.
    pub replaces: bool,
}

/// How people have their turn at a desk, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The name of the list.
    pub list: String,
    /// How many of what.
    pub tally: Tally,
    /// Everybody has had their turn.
    pub rests: bool,
    /// Whoever has a card already and is looked at.
    pub looks_at: Option<String>,
    /// Who comes next.
    pub next: Vec<String>,
    /// Who is left without a card.
    pub left: Vec<(String, How)>,
    /// The entry that came last.
    pub last: Option<Uuid>,
    /// Whose card is taken back by an undo.
    pub undo: Option<String>,
    /// The keys of the terminal that do something now.
    pub keys: Vec<char>,
    /// What is wrong in the list.
    pub findings: Vec<String>,
    /// Why it was stopped.
    pub trouble: Option<String>,
    /// It is over.
    pub is_over: bool,
}

/// How somebody was left without a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// They were skipped.
    Skipped,
    /// It was left for the end, and why.
    Aside(String),
}

/// How an order stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stage {
    /// Nobody was chosen.
    #[default]
    Free,
    /// The station has not said yet that it has the order.
    Ordered,
    /// A card is waited for.
    Waits {
        /// So many others came before.
        ahead: usize,
        /// The first of those.
        first: Option<String>,
        /// A card can be held to a reader now.
        ready: bool,
    },
    /// Something is asked.
    Asked(Box<Question>),
    /// Nothing was enrolled.
    Ended(Box<Ended>),
    /// The card is waited for no more, and nobody has said that it should not be.
    Dropped(Dropped),
    /// It is on disk, and how it stands.
    Entry {
        /// The entry.
        entry: Box<Entry>,
        /// What a person can say about it.
        question: Option<Box<Question>>,
        /// It will be sent later.
        is_postponed: bool,
    },
}

/// Why a card is waited for no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The station was started again meanwhile.
    Restarted,
    /// Nobody looked at the desk for a while.
    Unwatched,
    /// What was told of it was missed.
    Missed,
}

/// What an operator should know about a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A card lay there before it was asked for.
    LayThere,
    /// A card could not be read.
    Failed(String),
    /// A card was not read whole.
    NotWhole,
    /// While something was asked, another card was shown, and what is asked stays.
    Another,
}

impl Desk {
    /// True where this desk looks at the reader.
    fn sees(&self, reader: &str) -> bool {
        let is = |named: &String| reader == named || is_device_of(reader, named);
        self.reader.as_ref().map_or_else(|| !self.but.as_ref().is_some_and(is), is)
    }

    /// True while a card or an answer is waited for.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Ordered | Stage::Waits { .. } | Stage::Asked(_))
    }

    fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::LayThere(reader) if self.sees(reader) && self.is_open() => self.note = Some(Note::LayThere),
            Notice::Failed(reader, why) if self.sees(reader) => self.note = Some(Note::Failed(why.clone())),
            Notice::Read(reading) => self.read(reading),
            _ => {}
        }
        if notice.order().is_some() && notice.order() == self.order.as_ref().map(|order| order.id) {
            self.goes_on(notice);
        }
    }

    /// True where a card for the one could be one for the other.
    fn shares_a_reader_with(&self, other: &Self) -> bool {
        let sees = |one: &Self, two: &Self| two.reader.as_ref().is_some_and(|reader| one.sees(reader));
        (self.reader.is_none() && other.reader.is_none()) || sees(self, other) || sees(other, self)
    }

    /// Readers have come or gone: a card can be held to one of this desk, or to none.
    fn can_hold(&mut self, there: &BTreeSet<ReaderName>) {
        let is_there = there.iter().any(|reader| self.sees(reader));
        if let Stage::Waits { ready, .. } = &mut self.stage {
            *ready = is_there;
        }
    }

    /// A card at a reader of this desk. What is typed at a keypad is no card, and is not shown.
    fn read(&mut self, reading: &Reading) {
        let is_here = reading.presentation.reader.as_deref().is_some_and(|reader| self.sees(reader));
        if !is_here || reading.verdict == Verdict::Keypad {
            return;
        }
        let not_whole = (self.is_open() && reading.verdict == Verdict::Damaged).then_some(Note::NotWhole);
        // What is asked is about the card that was shown before, and so is the number that stands beside it. A card that voids the
        // question comes after the station has said so.
        if matches!(self.stage, Stage::Asked(_)) && !self.shows(reading) {
            self.note = not_whole.or(Some(Note::Another));
            return;
        }
        // That it is not waited for any more is said to whoever shows their card now, too.
        if !self.is_open() && !matches!(self.stage, Stage::Dropped(_)) {
            (self.order, self.stage) = (None, Stage::Free);
        }
        self.show(reading);
        self.note = not_whole;
    }

    /// True where this card is the one that is shown.
    fn shows(&self, reading: &Reading) -> bool {
        self.card.as_ref().is_some_and(|card| card.presentation.identity() == reading.presentation.identity())
    }

    fn show(&mut self, reading: &Reading) {
        if !self.shows(reading) {
            self.known = None;
        }
        self.card = Some(Box::new(reading.clone()));
    }

    /// The order goes a step further.
    fn goes_on(&mut self, notice: &Notice) {
        match notice {
            // It stands there already why.
            Notice::NotEnrolled(_, ended) if matches!(self.stage, Stage::Dropped(_)) && **ended == Ended::Withdrawn => {}
            Notice::Waiting { ahead, first, ready, .. } => {
                self.stage = Stage::Waits { ahead: *ahead, first: first.clone(), ready: *ready };
            }
            Notice::Asked(_, question) => {
                question.kind.reading().into_iter().for_each(|reading| self.show(reading));
                self.stage = Stage::Asked(question.clone());
            }
            Notice::NotEnrolled(_, ended) => {
                ended.reading().into_iter().for_each(|reading| self.show(reading));
                self.stage = Stage::Ended(ended.clone());
            }
            Notice::Entry(entry, question) => {
                // Another card may have been shown while this one was written down.
                let is_another =
                    |of: &Source| self.card.as_ref().is_some_and(|card| card.presentation.identity().as_ref() != Some(&of.card));
                if entry.source.as_ref().is_some_and(is_another) {
                    self.card = None;
                }
                self.stage = Stage::Entry { entry: entry.clone(), question: question.clone(), is_postponed: false };
            }
            Notice::Postponed(..) => {
                if let Stage::Entry { is_postponed, .. } = &mut self.stage {
                    *is_postponed = true;
                }
            }
            _ => {}
        }
        if !matches!(self.stage, Stage::Waits { .. }) {
            self.note = None;
        }
    }
}

impl Scene {
    /// The scene beside a kiosk at this reader.
    #[must_use]
    pub fn beside(kiosk: Option<String>) -> Self {
        Self { kiosk, ..Self::default() }
    }

    /// The desk of somebody who has signed in. Where there are too many, the one that nobody has looked at for longest is forgotten.
    pub fn desk(&mut self, id: Uuid, operator: &str, reader: Option<&str>) -> &mut Desk {
        self.looks += 1;
        if self.desks.len() >= MOST_DESKS && !self.desks.contains_key(&id) {
            let oldest = self.desks.iter().min_by_key(|(_, desk)| desk.looked_at).map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| drop(self.desks.remove(&id)));
        }
        let (looked_at, but) = ((self.looks, self.hour), self.kiosk.clone());
        let desk = self.desks.entry(id).or_insert_with(|| Desk {
            operator: operator.to_owned(),
            reader: reader.map(ToOwned::to_owned),
            but,
            order: None,
            stage: Stage::Free,
            card: None,
            known: None,
            note: None,
            run: None,
            looked_at,
        });
        desk.looked_at = looked_at;
        desk
    }

    /// Who is waited for at this desk's reader by another desk: the one who was ordered first, and by whom.
    #[must_use]
    pub fn waited_for(&self, id: Uuid) -> Option<(String, String)> {
        let here = self.desks.get(&id)?;
        let others = self.desks.iter().filter(|(other, desk)| **other != id && desk.is_open() && desk.shares_a_reader_with(here));
        // The keys of orders grow with time.
        let first = others.filter_map(|(_, desk)| Some((desk.order.as_ref()?, &desk.operator))).min_by_key(|(order, _)| order.id)?;
        Some((first.0.person.clone(), first.1.clone()))
    }

    /// Another hour has passed: desks that nobody has looked at for a working day are forgotten.
    pub fn hour_passed(&mut self) {
        self.hour += 1;
        let hour = self.hour;
        self.desks.retain(|_, desk| hour - desk.looked_at.1 <= REMEMBERED_HOURS);
    }

    /// True until somebody leaves it, or it is forgotten.
    #[must_use]
    pub fn has(&self, id: Uuid) -> bool {
        self.desks.contains_key(&id)
    }

    /// How people have their turn at this desk; false where there is no such desk.
    pub fn run(&mut self, desk: Uuid, run: Option<Run>) -> bool {
        self.desks.get_mut(&desk).map(|desk| desk.run = run).is_some()
    }

    /// What is known of a card that was shown.
    pub fn known(&mut self, reading: &Reading, known: &Known) {
        let is_it = |card: &Reading| card.presentation.identity() == reading.presentation.identity();
        for desk in self.desks.values_mut().filter(|desk| desk.card.as_deref().is_some_and(is_it)) {
            desk.known = Some(known.clone());
        }
    }

    /// The station tells something.
    pub fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::Entry(entry, question) => {
                self.board.entry(entry);
                match question {
                    Some(question) => drop(self.board.questions.insert(entry.id, (**question).clone())),
                    None => drop(self.board.questions.remove(&entry.id)),
                }
            }
            Notice::StoreGone(why) => self.board.store_gone.clone_from(why),
            Notice::Policy(why) => self.board.policy_wrong.clone_from(why),
            _ => {}
        }
        self.board.front_desk.take(notice);
        self.desks.values_mut().for_each(|desk| desk.take(notice));
        match notice {
            Notice::Ready(reader) => drop(self.ready.insert(reader.clone())),
            Notice::Lost(reader, _) => drop(self.ready.remove(reader)),
            _ => return,
        }
        self.desks.values_mut().for_each(|desk| desk.can_hold(&self.ready));
    }
}

#[cfg(test)]
mod tests;
