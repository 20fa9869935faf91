//! What happened to an entry, one step at a time, for people.

use crate::{
    access::Outcome,
    outbox::{ReadBack, Step},
    text::shown,
};

/// A step.
#[must_use]
pub fn words(step: &Step) -> String {
    match step {
        Step::Sending { reassign: false } => "about to be sent".to_owned(),
        Step::Sending { reassign: true } => "about to be sent, taking the card from whoever holds it".to_owned(),
        Step::Answered(outcome) => match outcome {
            Outcome::Accepted(told) | Outcome::Refused(told) | Outcome::Unclear { told, .. } => {
                let code = told.result_code.map(|code| format!(" (code {code})")).unwrap_or_default();
                format!("BluSKY says{code}: {}", shown(told.description.as_deref().unwrap_or("nothing")))
            }
            Outcome::Denied { everybody, .. } => everybody.clone(),
            Outcome::NotSent { why }
            | Outcome::Impossible { why }
            | Outcome::Away { why }
            | Outcome::NoAnswer { why, .. }
            | Outcome::Later { why, .. }
            | Outcome::Stopped { why } => why.clone(),
        },
        Step::ReadBack(shown) => match shown {
            ReadBack::Found(_) => "BluSKY shows the card among the user's".to_owned(),
            ReadBack::NotFound => "BluSKY does not show the card among the user's".to_owned(),
            ReadBack::CannotTell => "BluSKY shows a card among the user's that may be this one".to_owned(),
            ReadBack::NotYet { why } | ReadBack::Unavailable { why } | ReadBack::Failed { why } => why.clone(),
        },
        Step::Reassign { .. } => "a person decided to take the card from its holder".to_owned(),
        Step::HeldBy(held) => format!("BluSKY shows the card with user {}", held.user_id),
        Step::Retry { user: Some(user), .. } => format!("a person looked in BluSKY: the user is there, as {user}"),
        Step::Retry { absent: false, .. } => "a person asked for another try".to_owned(),
        Step::Retry { absent: true, .. } => "a person looked in BluSKY, did not find it, and asked for another try".to_owned(),
        Step::UserFound { .. } => "BluSKY's list of people shows the user".to_owned(),
        Step::Restored => "a person took up a store that was put back: this may have been sent already".to_owned(),
        Step::Undone { by } => format!("a person had the card taken back, by entry {by}"),
        Step::UndoFailed { by } => format!("entry {by}, which was to take the card back, was refused or given up"),
        Step::NotTakenBack { by } => format!("given up, for entry {by} is not known to have taken the card from the one who has it"),
        Step::Blotted { by, .. } => format!("somebody else was erased by {}, and their name blotted out of BluSKY's words", shown(by)),
        Step::Discarded { superseded_by: None } => "a person gave it up".to_owned(),
        Step::Discarded { superseded_by: Some(entry) } => format!("a person gave it up for entry {entry}"),
    }
}
