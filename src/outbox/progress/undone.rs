//! What a person's wish to take a card back means for the entry that gave it, and for the one that gives it back.
//!
//! In: what is known so far, and a step. Out: what is known then. Never: a card that counts as taken back although nobody took it.

use super::{Phase, Progress};
use crate::outbox::{State, Step};

/// What a person is told where nothing was taken, so that nothing is given back.
const NOT_TAKEN_BACK: &str = "the card is not known to have been taken back, so it is not given to whoever had it before";

impl Progress {
    pub(super) fn of_an_undo(&mut self, step: &Step) {
        match step {
            Step::Undone { by } => self.undone_by = Some(*by),
            // A later wish may be on its way.
            Step::UndoFailed { by } => self.undone_by = self.undone_by.filter(|undone_by| undone_by != by),
            Step::NotTakenBack { .. } => self.enter(State::Discarded, Phase::End, Some(NOT_TAKEN_BACK)),
            _ => {}
        }
    }
}
