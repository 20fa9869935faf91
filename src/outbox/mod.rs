//! The outbox: every operation's way to BluSKY, folded from the steps that were written down.
//!
//! In: an entry with its steps, and a time. Out: its state, and what to do next. Never: a second sending while the first
//! one's outcome is unknown; what was sent and not answered is in doubt, and the read-back decides.
//!
//! ```text
//! saved ──▶ sending ──▶ accepted ──▶ (read-back: key of the card, differences)
//!   ▲          │ ├─────▶ refused ──▶ (read-back: is it this user's already?) ──▶ accepted or refused
//!   │          │ └─────▶ later: not now ───▶ read-back, then sent again
//!   └──────────┴───────▶ in doubt ─────────▶ read-back ──▶ accepted, or sent again
//! ```

mod progress;
pub mod reach;
pub mod schedule;

pub use progress::Progress;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(doc)]
use crate::card::Presentation;
use crate::{
    access::{Operation, Outcome, StoredCard},
    card::DecidedBy,
    enroll::origin::Origin,
};

/// When BluSKY says that somebody holds the card already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reassign {
    /// It stays theirs.
    Never,
    /// A person decides.
    Ask,
    /// A person has decided already: this user gets it.
    Given,
    /// The site has decided: the first call takes it.
    Always,
}

/// One entry of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its key.
    pub id: Uuid,
    /// When it was written down.
    pub saved_at: DateTime<Utc>,
    /// What is to be done.
    pub operation: Operation,
    /// What may be done about a card that somebody holds.
    pub reassign: Reassign,
    /// The BluSKY it is for; empty until it is saved, which is for the store to say.
    pub base_url: String,
    /// Where it came from.
    pub origin: Origin,
    /// The reader its card came from; none for a literal, a capture, an existing card, or another call.
    pub source: Option<Source>,
    /// What has happened, in order.
    pub steps: Vec<(DateTime<Utc>, Step)>,
}

impl Entry {
    /// An entry to which nothing has happened yet, and of whose origin nothing is said.
    #[must_use]
    pub fn of(id: Uuid, saved_at: DateTime<Utc>, operation: Operation, reassign: Reassign) -> Self {
        let (base_url, origin) = (String::new(), Origin::default());
        Self { id, saved_at, operation, reassign, base_url, origin, source: None, steps: Vec::new() }
    }
}

/// Where an entry's card was seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The reader's name.
    pub reader: String,
    /// What tells the card from others ([`Presentation::identity`]).
    pub card: String,
    /// When it was last seen at a reader.
    pub seen_at: DateTime<Utc>,
}

/// Shows where, not which card.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("reader", &self.reader).field("seen_at", &self.seen_at).finish_non_exhaustive()
    }
}

/// A card that was given to somebody a moment ago, and is about to be given to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The entry that gave it.
    pub entry: Uuid,
    /// To whom.
    pub user: Uuid,
    /// The same, as the site's list calls them.
    pub name: Option<String>,
    /// How many seconds ago it was last seen at a reader.
    pub seconds: i64,
}

/// The entry among these that gave the same card to another user, where the card has been out of sight for no longer than `within`.
/// What was refused or discarded gave nothing. A clock that was set back makes no card forgotten.
#[must_use]
pub fn given_lately<'e>(entry: &Entry, others: impl Iterator<Item = &'e Entry>, within: TimeDelta) -> Option<Given> {
    let source = entry.source.as_ref()?;
    let mut found = None;
    for other in others {
        let Some(before) = other.source.as_ref().filter(|before| before.card == source.card) else { continue };
        let age = source.seen_at - before.seen_at;
        let is_given = matches!(other.progress().state, State::Saved | State::Sending | State::InDoubt | State::Accepted);
        if let Some(user) = other.operation.user().filter(|user| is_given && age <= within && Some(*user) != entry.operation.user()) {
            let name = other.origin.person.as_ref().map(|person| person.name.clone());
            found = Some(Given { entry: other.id, user, name, seconds: age.num_seconds().max(0) });
        }
    }
    found
}

/// One thing that happened to an entry, written down before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It is about to be sent.
    Sending {
        /// Whether a present assignment is to be deleted.
        reassign: bool,
    },
    /// What became of the sending.
    Answered(Outcome),
    /// What the user's cards showed.
    ReadBack(ReadBack),
    /// A person decided to take the card from its holder.
    Reassign {
        /// Who decided.
        decided_by: DecidedBy,
    },
    /// A person asked for another try.
    Retry {
        /// The person has looked: BluSKY does not have it.
        absent: bool,
    },
    /// A person gave it up.
    Discarded,
}

/// What the read-back showed about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shows", rename_all = "snake_case")]
pub enum ReadBack {
    /// The card is this user's.
    Found(Box<StoredCard>),
    /// It is not: every card that is shown is another one, and BluSKY has had the time to show it.
    NotFound,
    /// Not yet, or it cannot be told yet: BluSKY's lists may be behind what it has done.
    NotYet {
        /// Why.
        why: String,
    },
    /// BluSKY has had the time, and shows a card that may be this one or another.
    CannotTell,
    /// This BluSKY cannot be asked.
    Unavailable {
        /// Why.
        why: String,
    },
    /// It could not be asked now.
    Failed {
        /// Why.
        why: String,
    },
}

/// An entry's state, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written down.
    Saved,
    /// On its way.
    Sending,
    /// In BluSKY.
    Accepted,
    /// BluSKY refused it.
    Refused,
    /// Sent, and not known what became of it.
    InDoubt,
    /// Given up by a person.
    Discarded,
}

impl State {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::InDoubt => "in_doubt",
            Self::Discarded => "discarded",
        }
    }
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send it.
    Send {
        /// Whether a present assignment is to be deleted.
        reassign: bool,
    },
    /// Ask for the user's cards.
    ReadBack,
    /// Write down that the person who ordered it has decided to reassign.
    Reassign,
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// A person must act.
    Person,
    /// Nothing more.
    Done,
}

#[cfg(test)]
mod tests;
