//! Taking a card back, and what hangs on it: the entry that gave the card, and the one that gives it back to whoever had it before.
//!
//! In: the entry that takes it back, before and after a step. Out: what is written down of the others in the same moment. Never: a card
//! given back that was not taken.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, Progress, State, Step};

impl Entry {
    /// What this entry means for those that hang on it, where it took a card back or did not: each with its step. `before` is what was
    /// known of it before its last step. A person's new try may take the card after all.
    #[must_use]
    pub fn consequences(&self, before: &Progress) -> Vec<(Uuid, Step)> {
        let Some(undoing) = &self.origin.undoing else { return Vec::new() };
        let failed = |progress: &Progress| progress.is_over() && progress.state.came_to_nothing();
        match (failed(before), failed(self.progress())) {
            (false, true) => {
                let given_back = undoing.gives_back.map(|id| (id, Step::NotTakenBack { by: self.id }));
                [(undoing.entry, Step::UndoFailed { by: self.id })].into_iter().chain(given_back).collect()
            }
            (true, false) => vec![(undoing.entry, Step::Undone { by: self.id })],
            _ => Vec::new(),
        }
    }

    /// True where such a step says something of this entry as it is now.
    #[must_use]
    pub fn is_changed_by(&self, step: &Step) -> bool {
        let progress = self.progress();
        match step {
            Step::UndoFailed { by } => progress.undone_by == Some(*by),
            Step::Undone { .. } => progress.undone_by.is_none() && progress.state == State::Accepted,
            // What may have arrived is a person's to look for.
            Step::NotTakenBack { .. } => progress.is_unsent(),
            _ => true,
        }
    }

    /// True where somebody wanted its card taken back at some time, whatever became of that.
    #[must_use]
    pub fn was_to_be_undone(&self) -> bool {
        self.steps().iter().any(|(_, step)| matches!(step, Step::Undone { .. }))
    }

    /// True where the last wish to take its card back came to nothing.
    #[must_use]
    pub fn undo_failed(&self) -> bool {
        self.progress().undone_by.is_none() && self.was_to_be_undone()
    }

    /// When it went on last. What is said of it later, that it was taken back or that somebody else was erased, is no step of its way.
    #[must_use]
    pub fn went_on_at(&self) -> Option<DateTime<Utc>> {
        let is_of_its_way = |step: &Step| !matches!(step, Step::Undone { .. } | Step::UndoFailed { .. } | Step::Blotted { .. });
        self.steps().iter().rfind(|(_, step)| is_of_its_way(step)).map(|(at, _)| *at)
    }
}
