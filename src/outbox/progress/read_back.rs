//! What the user's cards mean for an entry, as BluSKY shows them.
//!
//! In: what is known so far, and what the read-back showed. Out: what is known then. Never: "to be sent again" of what cannot be seen.

use chrono::{DateTime, Utc};

use super::{Phase, Progress, STALE};
use crate::{
    access::{ACTIVE_CARDHOLDER, Operation, StoredCard},
    outbox::{Entry, ReadBack, State},
};

/// Tries to complete an accepted card by reading it back.
const CONFIRM_TRIES: u32 = 3;
/// The seventh look comes after a minute, each further one a minute later.
const LOOKS_BEFORE_A_PERSON_IS_TOLD: u32 = 16;
/// What a person is told where BluSKY shows a card that may be the one.
pub(super) const CANNOT_TELL: &str = "BluSKY shows a card that may be this one, and not enough of it to tell; look at the user's cards";
const MAY_BE_OURS: &str = "BluSKY says that the card is assigned and does not show it as this user's, and an earlier call may have done it";

impl Entry {
    pub(super) fn read_back(&self, progress: &mut Progress, shown: &ReadBack, at: DateTime<Utc>) {
        match (shown, progress.phase) {
            (ReadBack::Found(card), Phase::Doubt | Phase::LookFirst) if !self.is_done(card) => self.not_done(progress, card, at),
            (ReadBack::Found(card), phase) => {
                progress.card_id = card.card_id;
                progress.told.value = progress.told.value.or(card.user_card_id);
                if phase == Phase::Whose || (progress.read_back_decides && progress.is_held()) {
                    progress.warn("already_assigned_to_this_user");
                    self.warn_of_what_was_not_set(progress, card);
                }
                for (warning, members) in [("stored_differs", &card.differs), ("not_shown", &card.not_shown)] {
                    if !members.is_empty() {
                        progress.warn(&format!("{warning}: {}", members.join(", ")));
                    }
                }
                if card.card_user_flags.is_some_and(|flags| flags & ACTIVE_CARDHOLDER == 0) {
                    progress.warn("inactive_card");
                }
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::NotFound | ReadBack::NotYet { .. } | ReadBack::CannotTell, Phase::Confirm) => {
                progress.unconfirmed(State::Accepted, "not_in_read_back", None);
            }
            // BluSKY has had the time to show it, whichever call might have done it.
            (ReadBack::NotFound, Phase::Whose) => self.refused(progress),
            (ReadBack::CannotTell, Phase::Whose) => self.not_ours(progress, CANNOT_TELL),
            (ReadBack::NotYet { .. }, Phase::Whose) if self.may_be_ours(progress) => {
                progress.fail(State::InDoubt, Phase::Whose, MAY_BE_OURS);
            }
            (ReadBack::NotYet { .. }, Phase::Whose) => self.refused(progress),
            (ReadBack::NotYet { why }, phase) => progress.fail(progress.state, phase, why),
            (ReadBack::CannotTell, _) => progress.enter(State::InDoubt, Phase::Stuck, Some(CANNOT_TELL)),
            (ReadBack::NotFound, Phase::Doubt) if progress.read_back_decides => {
                // BluSKY has answered, and its record shows that it did nothing.
                (progress.arrived, progress.maybe_ours) = (None, None);
                self.refused(progress);
            }
            (ReadBack::NotFound, Phase::Doubt) if progress.keyless => {
                progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY says success and shows no such card; look at the user's cards"));
            }
            // Whether an update was carried out cannot be seen where its card is not the user's.
            (ReadBack::NotFound, Phase::Doubt) if matches!(self.operation, Operation::UpdateUserCard(_)) => {
                progress.enter(
                    State::InDoubt,
                    Phase::Stuck,
                    Some("BluSKY does not show this card as the user's; look at the user's cards"),
                );
            }
            (ReadBack::NotFound, _) => progress.again(),
            (ReadBack::Unavailable { .. }, Phase::Confirm) => {
                progress.warn("read_back_unavailable");
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::Unavailable { .. }, Phase::Whose) => self.not_ours(progress, MAY_BE_OURS),
            (ReadBack::Failed { .. }, Phase::Whose) if self.may_be_ours(progress) => {
                progress.fail(State::InDoubt, Phase::Whose, MAY_BE_OURS);
            }
            (ReadBack::Failed { .. }, Phase::Whose) => self.refused(progress),
            (ReadBack::Unavailable { why }, _) => progress.enter(State::InDoubt, Phase::Stuck, Some(why)),
            (ReadBack::Failed { why }, Phase::Confirm) => progress.unconfirmed(State::Accepted, "not_read_back", Some(why)),
            (ReadBack::Failed { why }, phase) => progress.fail(progress.state, phase, why),
        }
    }

    /// True where a card that is shown proves that the call has been carried out: an update has to show what was sent.
    #[must_use]
    pub fn is_done(&self, card: &StoredCard) -> bool {
        !matches!(self.operation, Operation::UpdateUserCard(_)) || (card.differs.is_empty() && card.not_shown.is_empty())
    }

    /// The card is shown without what an update would have changed: it is sent again, unless somebody else may have changed the
    /// card meanwhile. What cannot be seen is never sent again.
    fn not_done(&self, progress: &mut Progress, card: &StoredCard, at: DateTime<Utc>) {
        if card.differs.is_empty() {
            progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY does not show the members that were to change; look at the card"));
        } else if progress.read_back_decides {
            self.refused(progress);
        } else if progress.is_stale(at) {
            progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY shows other values, and somebody may have changed them since"));
        } else {
            progress.again();
        }
    }

    /// True where a call of ours may have made the card this user's a moment ago, and nobody has seen it.
    fn may_be_ours(&self, progress: &Progress) -> bool {
        progress.maybe_ours.is_some_and(|sent| progress.sent <= sent + STALE)
    }

    /// The call was refused, so it stored nothing: what BluSKY does not show was set by an earlier call or not at all.
    fn warn_of_what_was_not_set(&self, progress: &mut Progress, card: &StoredCard) {
        if !card.not_shown.is_empty() && !self.may_be_ours(progress) {
            progress.warn(&format!("not_set: {}", card.not_shown.join(", ")));
        }
    }

    /// Somebody holds the card, and BluSKY does not show it as this user's.
    fn not_ours(&self, progress: &mut Progress, why: &str) {
        if self.may_be_ours(progress) {
            progress.enter(State::InDoubt, Phase::Stuck, Some(why));
        } else {
            self.refused(progress);
        }
    }
}

impl Progress {
    /// The read-back has not completed what was accepted: it is tried again, and then the operator is told.
    fn unconfirmed(&mut self, state: State, warning: &str, why: Option<&str>) {
        if self.fails + 1 >= CONFIRM_TRIES {
            self.warn(warning);
            self.enter(state, Phase::End, None);
        } else {
            self.fail(state, Phase::Confirm, why.unwrap_or("BluSKY does not show the card yet"));
        }
    }

    /// True where its doubt was looked at in vain for some ten minutes: it goes on by itself, and a person should know.
    #[must_use]
    pub fn is_long_in_doubt(&self) -> bool {
        self.state == State::InDoubt && self.fails >= LOOKS_BEFORE_A_PERSON_IS_TOLD
    }

    /// True where the first call that may have arrived is so old that somebody may have changed the card since.
    pub(super) fn is_stale(&self, now: DateTime<Utc>) -> bool {
        self.arrived.is_some_and(|first| now > first + STALE)
    }
}
