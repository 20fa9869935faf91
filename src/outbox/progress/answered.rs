//! What an answer of BluSKY's means for an entry.
//!
//! In: what is known so far, and what became of the sending. Out: what is known then. Never: "not done" of a call that may have arrived.

use chrono::{DateTime, Utc};

use super::{LOOK_AT_THE_ACCESS, Phase, Progress};
use crate::{
    access::{Operation, Outcome},
    outbox::{Entry, State},
};

impl Entry {
    pub(super) fn answered(&self, progress: &mut Progress, outcome: &Outcome) {
        self.answered_readably(progress, outcome);
        if progress.phase == Phase::Doubt && !self.can_be_looked_up() {
            let why = format!("{}; {LOOK_AT_THE_ACCESS}", progress.why.take().unwrap_or_default());
            progress.enter(State::InDoubt, Phase::Stuck, Some(&why));
        }
    }

    /// Its store was put back: what came of it since is not known here.
    pub(super) fn restored(&self, progress: &mut Progress, at: DateTime<Utc>) {
        progress.sent = at;
        let why = "the store was put back: this may have been sent already".to_owned();
        self.answered(progress, &Outcome::NoAnswer { why, slow: true });
    }

    fn answered_readably(&self, progress: &mut Progress, outcome: &Outcome) {
        match outcome {
            Outcome::Accepted(told) => {
                progress.told = told.clone();
                progress.fails = 0;
                progress.enter(State::Accepted, if self.operation.is_about_a_card() { Phase::Confirm } else { Phase::End }, None);
            }
            Outcome::Refused(told) => {
                progress.told = told.clone();
                progress.fails = 0;
                // Without a result code the request itself was wrong, whoever holds the card; unless BluSKY says that somebody does.
                let may_be_held = told.result_code.is_some() || progress.is_held();
                let is_looked_up = match self.operation {
                    Operation::AddUserCard(_) => may_be_held,
                    // "Not found" may be a card that is gone already.
                    Operation::RemoveUserCard(_) => true,
                    Operation::UpdateUserCard(_)
                    | Operation::AddUser(_)
                    | Operation::AddAccessLevelGroup(_)
                    | Operation::RemoveAccessLevelGroup(_) => false,
                };
                progress.enter(State::Refused, if is_looked_up { Phase::Whose } else { Phase::End }, None);
            }
            Outcome::Unclear { told, listed } => {
                progress.told = told.clone();
                progress.read_back_decides = !listed;
                progress.keyless = *listed;
                progress.may_have_arrived(false);
                // Earlier failures do not put the first look off.
                progress.fails = 0;
                progress.fail(State::InDoubt, Phase::Doubt, "BluSKY's answer does not say whether it was done");
                progress.at_once();
            }
            Outcome::NotSent { why } => progress.fail(State::Saved, Phase::Due, why),
            Outcome::Impossible { why } => progress.enter(State::Refused, Phase::End, Some(why)),
            // The pause is everybody's, and not counted here.
            Outcome::Away { why } => progress.enter(State::Saved, Phase::Due, Some(why)),
            Outcome::Stopped { why } => {
                progress.enter(State::Saved, Phase::Due, Some(why));
                progress.stopped = true;
            }
            Outcome::Denied { .. } => self.answered_readably(progress, &outcome.clone().settled(false)),
            Outcome::Later { why, slow } | Outcome::NoAnswer { why, slow } => {
                progress.may_have_arrived(*slow);
                progress.fail(State::InDoubt, Phase::Doubt, why);
            }
        }
    }
}

impl Progress {
    /// True if BluSKY says, in its console's words, that somebody holds the card.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.told.description.as_ref().is_some_and(|words| words.to_lowercase().contains("already assigned"))
    }

    /// BluSKY's words say that it has the card already, with somebody or with nobody.
    #[must_use]
    pub fn is_known_to_blusky(&self) -> bool {
        let words = self.told.description.as_deref().unwrap_or_default().to_lowercase();
        self.is_held() || words.contains("more than one card exists")
    }
}
