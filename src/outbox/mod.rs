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
//!
//! What is promised:
//!
//! 1. "Saved" is announced only once the entry is on disk.
//! 2. What is saved ends in exactly one of accepted, refused and discarded: by a person, or by a person's newer order for its card. What
//!    is in doubt is worked off by reading back. Shown: accepted. Not there, once BluSKY has had the time to show it: sent again. What
//!    cannot be told waits for a person, who is told why, and nothing is sent.
//! 3. One enrollment makes at most one assignment, however often process, network or server die in between.
//! 4. A wish to take a card that is older than two minutes takes it from nobody who got it since, nor does a call that is repeated.
//! 5. Each step is written down with its time before the next thing is done for its entry, but for a look at what BluSKY shows, which
//!    changes nothing; what the record says of it and how that is proved is the store's to keep.
//!
//! Clocks may be set while a station runs. Across a restart the wall's clock is believed: where it was set forward while a call was in
//! doubt, "not there" may be believed too early, and then it is BluSKY that refuses the second assignment; where it was set back, a wish
//! may count as younger than it is by that time.

pub mod aside;
mod entry;
mod look;
mod newcomer;
mod progress;
pub mod reach;
pub mod schedule;
pub mod tally;
mod undoing;

pub use entry::{Entry, Given, History, InTheWay, Source, Standing, Terms};
pub use newcomer::{Known, KnownBy, NotNew};
pub use progress::{Part, Progress};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    access::{Moment, Outcome, StoredCard},
    card::DecidedBy,
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
    /// Before the card is taken, its holder as BluSKY shows them now.
    HeldBy(HeldBy),
    /// A person asked for another try.
    Retry {
        /// The person has looked: BluSKY does not have it.
        absent: bool,
        /// The person has looked: the user who was to be added is there, under this key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<Uuid>,
    },
    /// A person gave it up.
    Discarded {
        /// For this entry, which gives its card to somebody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_by: Option<Uuid>,
    },
    /// The system's list of people shows the user whose making was not answered.
    UserFound {
        /// The user.
        user_id: Uuid,
    },
    /// A person took a store up that is older than its anchor, or another one: this may have been sent already.
    Restored,
    /// A person had the card taken back, by this entry.
    Undone {
        /// The entry.
        by: Uuid,
    },
    /// It was not taken back after all: this entry, which was to do so, was refused or given up.
    UndoFailed {
        /// The entry.
        by: Uuid,
    },
    /// Its card was to be given back to whoever had it before, and this entry did not take it from the one who has it.
    NotTakenBack {
        /// The entry.
        by: Uuid,
    },
    /// Somebody else was erased: their name was blotted out of BluSKY's words in these steps.
    Blotted {
        /// The steps.
        steps: Vec<Blot>,
        /// Who erased them.
        by: String,
    },
}

/// A step in which a name was blotted out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blot {
    /// Its number among the entry's steps, the first one's being 0.
    pub n: usize,
    /// The digest of its text since then, hex.
    pub digest: String,
}

/// Somebody who has a card, and on what terms, as far as BluSKY shows them: they get it back so where that is undone. A PIN is not kept,
/// and a print belongs to the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// The user.
    pub user_id: Uuid,
    /// When it began to work.
    pub activate: Option<Moment>,
    /// When it ends to work.
    pub deactivate: Option<Moment>,
    /// The card-user flags; none where nothing is known of the terms.
    pub card_user_flags: Option<i64>,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Written down.
    #[default]
    Saved,
    /// Being sent.
    Sending,
    /// In BluSKY.
    Accepted,
    /// BluSKY refused it.
    Refused,
    /// Sent, and the result is not known.
    InDoubt,
    /// Given up by a person.
    Discarded,
}

impl State {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True where nothing came of it: BluSKY refused it, or a person gave it up.
    #[must_use]
    pub const fn came_to_nothing(self) -> bool {
        matches!(self, Self::Refused | Self::Discarded)
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
