//! A roster: one person after the other gets a card. Which of them it is now, what was decided, and how it all ended.
//!
//! In: the rows of a list ([`Rows`]), keys, and what the station says about orders. Out: what is to be ordered, withdrawn, answered and
//! taken back, lines for people, and a picture of how it stands ([`screen::Screen`]), which a terminal or a page draws. Never: two orders
//! at once; a name shown as the one whose turn it is while the station would give the next card to another.
//!
//! ```text
//! due ──▶ ordered ──▶ waits (the name is shown) ──▶ saved: the next one's turn
//!   ▲        │          │ ▲
//!   │        │          └─┘ a question, answered by a key or by another card
//!   └────────┴── withdrawn (skip, back, set aside, stop); what was saved first stays saved
//! ```
//!
//! - [`rows`]: the list as a spreadsheet writes it; `added`: who of it was added before; [`words`]: the short words of its lines;
//! - [`machine`]: what happens, and what is to be done then; `hearing`: what the station says;
//!   `keys`: what an operator decides; `outcomes`: what becomes of what was saved;
//! - [`screen`]: how it stands; `standing`: where it goes on once its station has ended; [`report`]: how it ended.

mod added;
mod hearing;
mod keys;
pub mod machine;
mod outcomes;
pub mod report;
pub mod rows;
pub mod screen;
mod standing;
pub mod words;

pub use machine::{Effect, Event, Roster, Update};
pub use rows::{Row, Rows};
pub use standing::Standing;

use uuid::Uuid;

use crate::outbox::State;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Go on without this person.
    Skip,
    /// Go back to the one before.
    Back,
    /// Take the last card back.
    Undo,
    /// Leave the question for the end.
    Aside,
    /// Go through those again that were skipped; a second card for one who has one.
    Again,
    /// Look at the questions about cards that are saved.
    Questions,
    /// Yes to what is asked.
    Yes,
    /// No to what is asked.
    No,
    /// A number that is printed on a card, or the one of a choice.
    Typed(String),
    /// End it here.
    Stop,
}

/// An entry of the outbox, as far as a roster looks at it.
#[derive(Clone, PartialEq, Eq)]
pub struct SeatEntry {
    /// Its state.
    pub state: State,
    /// The user's key; none for somebody new who is not added yet.
    pub user_id: Option<Uuid>,
    /// The card in short words.
    pub card: String,
    /// What spoke for it, in short words.
    pub evidence: String,
    /// How it stands, in a sentence.
    pub words: String,
    /// What BluSKY said.
    pub description: Option<String>,
    /// When it was saved.
    pub saved_at: String,
    /// How it ended, as a word for programs; none while it is on its way.
    pub end: Option<String>,
    /// It was taken back.
    pub is_undone: bool,
    /// BluSKY lists no access level of the person.
    pub opens_nothing: bool,
    /// Whether to take the card from its holder.
    pub question: Option<Question>,
}

/// Shows how it stands, not which card.
impl std::fmt::Debug for SeatEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeatEntry").field("state", &self.state).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A question of the station's.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// Its number, which an answer names.
    pub number: u64,
    /// What is asked.
    pub kind: Asks,
    /// The same in words.
    pub words: String,
    /// Among which a person can choose, each with its place at the station.
    pub choices: Vec<(usize, String)>,
}

/// Shows what is asked, not about which card.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("number", &self.number).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Of whom, and how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Of the card: it is to be shown once more.
    Card,
    /// The number printed on it, or a yes.
    Print,
    /// One of the choices.
    Choice,
    /// Yes or no.
    YesOrNo,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A card is saved.
    Saved,
    /// It came out well.
    Good,
    /// Somebody should look.
    Look,
    /// Beside the matter.
    Note,
}

/// What is heard without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// Saved: go on.
    Saved,
    /// Look here.
    Look,
}

/// A card that somebody got.
#[derive(Debug, Clone)]
pub struct Given {
    /// The key of its entry.
    pub id: Uuid,
    /// How it stands.
    pub seen: SeatEntry,
    /// Whether it is taken back.
    pub undo: Undo,
}

/// Whether a card that was given is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Undo {
    /// No.
    #[default]
    No,
    /// As soon as it is known what became of it.
    Wanted,
    /// The station was asked to.
    Asked,
    /// By these entries, which have not come to their end.
    Begun(Vec<Uuid>),
    /// It is done.
    Done,
    /// It could not be, and why.
    Failed(String),
}

impl Given {
    /// True while the person has the card, or gets it, as far as is known.
    #[must_use]
    pub fn stands(&self) -> bool {
        let is_live = matches!(self.seen.state, State::Saved | State::Sending | State::InDoubt | State::Accepted);
        is_live && !self.seen.is_undone && self.undo == Undo::No
    }

    /// True where nothing more is expected of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.seen.end.is_some() && self.seen.question.is_none() && !matches!(self.undo, Undo::Wanted | Undo::Asked | Undo::Begun(_))
    }
}

/// Somebody's place in a roster.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Who.
    pub row: Row,
    /// Whether their turn is over.
    pub state: SeatState,
    /// The cards they got in this run, the first one first.
    pub given: Vec<Given>,
}

impl Seat {
    /// Somebody new who was added with a card gets the next one as the user they are, and is not added again.
    fn knows_user(&mut self) {
        if self.row.new_user.is_some()
            && let Some(id) = self.given.iter().rev().find_map(|given| given.seen.user_id)
        {
            self.row.is_user(id);
        }
    }
}

/// Whether somebody's turn is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeatState {
    /// It is to come.
    Due,
    /// A card is saved for them.
    Done,
    /// They were skipped.
    Skipped,
    /// It was left for the end, and why.
    Aside(String),
}

#[cfg(test)]
mod tests;
