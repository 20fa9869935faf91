//! The seam: an access-control system, whatever it is and however it is asked.
//!
//! In: operations and questions. Out: what became of them. Never: a word of how they travel.

use std::time::Duration;

use uuid::Uuid;

use super::{Cards, Operation, Outcome};

/// How much the read-back is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The members that a card is assigned with.
    Card,
    /// Also the number of uses and the notes.
    Assignment,
    /// Also the assignments that have ended.
    Ended,
}

/// What a site's access-control system is asked: BluSKY over HTTP, or a stand-in beside it.
pub trait AccessControl {
    /// Carries an operation out.
    fn send(&self, operation: &Operation) -> impl Future<Output = Outcome> + Send;
    /// Shows a user's cards.
    fn cards_of(&self, user: Uuid, detail: Detail) -> impl Future<Output = Cards> + Send;
    /// How long the system has asked everybody to wait; each such request is told once.
    fn asked_to_wait(&self) -> Option<Duration>;
}
