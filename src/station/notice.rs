//! What people and programs are told by a station, one notice at a time.
//!
//! In: nothing; these are words. Out: plain values that a view turns into text and JSON. Never: a decision.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    card::Reading,
    enroll::{enrollment::Refused, evidence},
    outbox::{Entry, InTheWay, NotNew},
    reader::ReaderName,
};

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
    /// This order waits for a card, behind so many others.
    Waiting {
        /// The order.
        order: Uuid,
        /// For whom, as the site's list calls them.
        person: Option<String>,
        /// How many came before it to the same reader.
        ahead: usize,
        /// The first of those, as the site's list calls them.
        first: Option<String>,
        /// A reader is there to which a card can be held now.
        ready: bool,
    },
    /// Something is asked about this order, of its card or of a person.
    Asked(Uuid, Box<Question>),
    /// Nothing is enrolled for this order, and why.
    NotEnrolled(Uuid, Box<Ended>),
    /// An entry as it is now; the question, where somebody can be asked about it.
    Entry(Box<Entry>, Option<Box<Question>>),
    /// This entry waits for that one: an earlier one for the same user or card.
    WaitsFor(Uuid, Uuid),
    /// This entry is saved, and nothing is sent for now: BluSKY is away, or lets nothing through for this reason.
    Postponed(Uuid, Option<String>),
    /// The store is not where it was any more, and why; none: it is there again.
    StoreGone(Option<String>),
    /// What people have answered for the site holds from now on; or cannot be read, and why: what was known before holds.
    Policy(Option<String>),
    /// BluSKY cannot be reached, and why, or can be again.
    Away(bool, Option<String>),
    /// BluSKY lets nothing through until somebody acts. Told once, until something goes through again.
    Stopped(String),
}

impl Notice {
    /// The order or entry that it is about.
    #[must_use]
    pub fn order(&self) -> Option<Uuid> {
        match self {
            Self::Waiting { order, .. } | Self::Asked(order, _) => Some(*order),
            Self::NotEnrolled(order, _) | Self::WaitsFor(order, _) | Self::Postponed(order, _) => Some(*order),
            Self::Entry(entry, _) => Some(entry.id),
            _ => None,
        }
    }
}

/// A question that stands between a card and its enrollment.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its number, which an answer names.
    pub number: u64,
    /// What is asked.
    pub kind: QuestionKind,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum QuestionKind {
    /// Which of these it is: a tie, with the fits among which a person can choose by their place.
    Choose(Box<Reading>, Vec<usize>),
    /// The card is to be read once more.
    SecondReading(Box<Reading>, evidence::Question),
    /// The first card of its kind here: the number printed on it, or a person's yes.
    FirstSeen(Box<Reading>, evidence::Question),
    /// Another entry for the same card is in its way; for whom it is now, as the site's list calls them.
    InTheWay(InTheWay, Option<String>),
    /// Somebody holds it, in the system's own words; for whom it is now, as the site's list calls them.
    Holder(Option<String>, Option<String>),
}

impl QuestionKind {
    /// What it asks, by name.
    #[must_use]
    pub const fn asked(&self) -> Asked {
        match self {
            Self::Choose(..) => Asked::Choose,
            Self::SecondReading(..) => Asked::SecondReading,
            Self::FirstSeen(..) => Asked::FirstSeen,
            Self::InTheWay(InTheWay::Given(_) | InTheWay::Shown(_), _) => Asked::SameCard,
            Self::InTheWay(InTheWay::Ordered(_), _) => Asked::HeldByOrder,
            Self::Holder(..) => Asked::Holder,
        }
    }

    /// The card that it is about, as it was read; none where the question says of whom alone.
    #[must_use]
    pub fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Choose(reading, _) | Self::SecondReading(reading, _) | Self::FirstSeen(reading, _) => Some(reading),
            Self::InTheWay(..) | Self::Holder(..) => None,
        }
    }
}

/// What is asked, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Which of several formats it is.
    Choose,
    /// The card once more.
    SecondReading,
    /// What a first card of its kind is.
    FirstSeen,
    /// Whether a card that somebody else was given just now is given on.
    SameCard,
    /// Whether a card that is saved for somebody else is given on.
    HeldByOrder,
    /// Whether it is taken from its holder.
    Holder,
}

/// Why an order ended without an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The card cannot be enrolled so.
    Refused(Box<Reading>, Refused),
    /// It is not sure enough, and there was no answer to what was asked.
    Unproven(Box<Reading>, evidence::Question),
    /// Another entry for the same card is in its way.
    InTheWay(InTheWay),
    /// Another entry adds the same user, or has added them.
    NotNew(NotNew),
    /// It is not on disk.
    NotSaved(String),
    /// It was saved, and cannot be read any more.
    Unreadable(String),
    /// No card was shown in so many seconds.
    NoCard(i64),
    /// A person said no.
    SaidNo,
    /// It was withdrawn.
    Withdrawn,
}

impl Ended {
    /// The reader of the card that was not enrolled.
    #[must_use]
    pub fn reader(&self) -> Option<ReaderName> {
        self.reading()?.presentation.reader.as_deref().map(Into::into)
    }

    /// The card that was not enrolled, as it was read.
    #[must_use]
    pub fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Refused(reading, _) | Self::Unproven(reading, _) => Some(reading),
            Self::InTheWay(_)
            | Self::NotNew(_)
            | Self::NotSaved(_)
            | Self::Unreadable(_)
            | Self::NoCard(_)
            | Self::SaidNo
            | Self::Withdrawn => None,
        }
    }
}
