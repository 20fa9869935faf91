//! What the list of people means for a user whose making was not answered, where it does not show them as somebody new.
//!
//! In: what is known so far, and what came of looking. Out: what is known then. Never: a user sent again because a list does not show
//! them, which may be behind, or show less than there is.

use super::{Phase, Progress};
use crate::outbox::{ReadBack, State};

/// What a person is told where the list cannot say.
const LOOK_FOR_THE_USER: &str = "it is not known whether the user is there: look (`cardbridge outbox retry` does, where [people] blusky lists people), then \
     `cardbridge outbox retry ENTRY --user GUID` (it is there), `retry ENTRY --absent` (it is not), or `discard`";
/// How many failures each look counts for. The list of all people is long, so it is asked for again after 4 seconds, then 16, then every
/// minute.
const SELDOM: u32 = 2;

impl Progress {
    pub(super) fn not_listed(&mut self, shown: &ReadBack) {
        match shown {
            ReadBack::NotYet { why } => {
                self.fails += SELDOM;
                self.enter(State::InDoubt, self.phase, Some(why));
            }
            ReadBack::Failed { why } => self.fail(State::InDoubt, self.phase, why),
            ReadBack::Unavailable { why } => self.enter(State::InDoubt, Phase::Stuck, Some(&format!("{why}; {LOOK_FOR_THE_USER}"))),
            // That is said of cards.
            ReadBack::Found(_) | ReadBack::NotFound | ReadBack::CannotTell => {
                self.enter(State::InDoubt, Phase::Stuck, Some(LOOK_FOR_THE_USER));
            }
        }
    }
}
