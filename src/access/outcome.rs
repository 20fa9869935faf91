//! What became of a call, and what a read-back shows, sorted by what it means.
//!
//! In: an answer that was understood, or why there is none. Out: one of a few outcomes. Never: success where it is not clear.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Secret, StoredCard};

/// What is said where BluSKY has no such call; `outbox::tally` knows it again by these words.
pub const NO_SUCH_CALL: &str = "no such call";

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// BluSKY took it.
    Accepted(Told),
    /// BluSKY refused it.
    Refused(Told),
    /// BluSKY answered, and it is not clear what.
    Unclear {
        /// What it said.
        told: Told,
        /// True if the result code is one of `success_codes`; false if the site does not know its codes yet.
        listed: bool,
    },
    /// It was not carried out, and the reason concerns this call alone: it cannot be written, or BluSKY denies access to it and not to
    /// others.
    NotSent {
        /// Why.
        why: String,
    },
    /// It was not carried out, and never will be: this system has no such call, while it takes others.
    Impossible {
        /// Why.
        why: String,
    },
    /// It was not carried out, and no other call would be: BluSKY cannot be reached, or asks everybody to wait.
    Away {
        /// Why.
        why: String,
    },
    /// The system denies access; whether to everything or to this call, another call has to show. It was not carried out.
    Denied {
        /// The message if every call is denied.
        #[serde(default)]
        everybody: String,
        /// The message if only this call is denied.
        #[serde(default)]
        only_this: String,
    },
    /// It may have arrived; no answer came.
    NoAnswer {
        /// Why.
        why: String,
        /// BluSKY may still be working on it.
        slow: bool,
    },
    /// A fault of the server's, a page instead of an answer: it may have arrived all the same.
    Later {
        /// Why.
        why: String,
        /// BluSKY may still be working on it.
        slow: bool,
    },
    /// The call itself is at fault, whatever it is about: nothing goes through until somebody acts. It was not carried out.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

/// What an answer says.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// The result code.
    pub result_code: Option<i64>,
    /// BluSKY's own words. They name cards and people: shown and stored, never logged.
    pub description: Option<String>,
    /// The key of what was made.
    pub value: Option<Uuid>,
    /// The former holder, where BluSKY tells it.
    pub previous_user_id: Option<Uuid>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("result_code", &self.result_code).finish_non_exhaustive()
    }
}

/// What the read-back shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cards {
    /// The user's cards.
    Shown(Vec<StoredCard>),
    /// This BluSKY has no such call.
    Unavailable {
        /// Why.
        why: String,
    },
    /// Not now.
    Later {
        /// Why.
        why: String,
    },
    /// BluSKY cannot be reached, or asks everybody to wait.
    Away {
        /// Why.
        why: String,
    },
    /// Nothing will go through until somebody acts.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

impl Outcome {
    /// What a denied call means, once another call has shown whether BluSKY denies all of them.
    #[must_use]
    pub fn settled(self, lets_others_in: bool) -> Self {
        match self {
            Self::Denied { only_this, .. } if lets_others_in => Self::NotSent { why: only_this },
            Self::Denied { everybody, .. } => Self::Stopped { why: everybody },
            other => other,
        }
    }

    /// The same with these secrets blotted out of BluSKY's words: a server can repeat what it was sent.
    #[must_use]
    pub fn without(mut self, secrets: &[&Secret]) -> Self {
        let words = match &mut self {
            Self::Accepted(told) | Self::Refused(told) | Self::Unclear { told, .. } => told.description.as_mut(),
            Self::Denied { only_this, .. } => Some(only_this),
            Self::NotSent { .. }
            | Self::Impossible { .. }
            | Self::Away { .. }
            | Self::NoAnswer { .. }
            | Self::Later { .. }
            | Self::Stopped { .. } => None,
        };
        if let Some(words) = words {
            secrets.iter().for_each(|secret| *words = secret.blot(words));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_denied_call_means_is_shown_by_another_call() {
        let denied = || Outcome::Denied { everybody: "everybody".to_owned(), only_this: "this".to_owned() };
        assert_eq!(denied().settled(true), Outcome::NotSent { why: "this".to_owned() });
        assert_eq!(denied().settled(false), Outcome::Stopped { why: "everybody".to_owned() });
        let accepted = || Outcome::Accepted(Told::default());
        assert_eq!((accepted().settled(true), accepted().settled(false)), (accepted(), accepted()));
    }

    #[test]
    fn a_secret_that_the_system_repeats_is_blotted_out_of_its_words() {
        let told = Told { description: Some("the PIN 0417 is taken".to_owned()), ..Told::default() };
        let secret = Secret::new("0417");
        let said = |outcome: Outcome| format!("{:?}", serde_json::to_value(outcome.without(&[&secret])).unwrap());
        for outcome in [
            Outcome::Accepted(told.clone()),
            Outcome::Refused(told.clone()),
            Outcome::Unclear { told, listed: true },
            Outcome::Denied { everybody: String::new(), only_this: "0417 may not".to_owned() },
        ] {
            let said = said(outcome);
            assert!(!said.contains("0417") && said.contains("•••"), "{said}");
        }
    }
}
