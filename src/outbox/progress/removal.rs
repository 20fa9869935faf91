//! What the user's cards mean for a card that was to be taken back: gone is done.
//!
//! In: what is known so far, and what the read-back showed. Out: what is known then. Never: a second removal of a card that may have been
//! given anew meanwhile.

use chrono::{DateTime, Utc};

use super::{Phase, Progress, read_back::CANNOT_TELL};
use crate::outbox::{ReadBack, State};

const STILL_SHOWN: &str = "BluSKY still shows the card as the user's";
const NOT_TAKEN: &str = "BluSKY says that the card was taken back, and still shows it as the user's: look at the user's cards, then \
     `cardbridge outbox retry ENTRY` (it is still theirs) or `discard`";
const GIVEN_ANEW: &str = "BluSKY shows the card as the user's, and somebody may have given it to them anew; look at the user's cards";

impl Progress {
    pub(super) fn removal_shown(&mut self, shown: &ReadBack, at: DateTime<Utc>) {
        match (shown, self.phase) {
            (ReadBack::NotFound, phase) => {
                if phase == Phase::Whose {
                    self.warn("not_this_users_card");
                }
                self.enter(State::Accepted, Phase::End, None);
            }
            // A refusal changed nothing, whatever is shown.
            (ReadBack::Found(_) | ReadBack::NotYet { .. } | ReadBack::CannotTell, Phase::Whose) => {
                self.enter(State::Refused, Phase::End, None);
            }
            (ReadBack::Unavailable { .. } | ReadBack::Failed { .. }, Phase::Whose) => self.enter(State::Refused, Phase::End, None),
            (ReadBack::Found(_), Phase::Confirm) => {
                // A person's retry looks at the cards first.
                self.arrived.get_or_insert(self.sent);
                self.enter(State::InDoubt, Phase::Stuck, Some(NOT_TAKEN));
            }
            (ReadBack::CannotTell | ReadBack::Unavailable { .. }, Phase::Confirm) => {
                self.warn("read_back_unavailable");
                self.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::Found(_), _) if self.is_stale(at) => self.enter(State::InDoubt, Phase::Stuck, Some(GIVEN_ANEW)),
            (ReadBack::Found(_), _) => self.again(),
            (ReadBack::NotYet { .. }, phase) => self.fail(self.state, phase, STILL_SHOWN),
            (ReadBack::CannotTell, _) => self.enter(State::InDoubt, Phase::Stuck, Some(CANNOT_TELL)),
            (ReadBack::Unavailable { why }, _) => self.enter(State::InDoubt, Phase::Stuck, Some(why)),
            (ReadBack::Failed { why }, phase) => self.fail(self.state, phase, why),
        }
    }
}
