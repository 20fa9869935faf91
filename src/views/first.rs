//! What is done before a card, in one entry with it: a new user added, a lost card taken back.
//!
//! In: an entry. Out: JSON and words of its first half. Never: a word about the card itself.

use serde::Serialize;
use uuid::Uuid;

use crate::{
    access::AddUser,
    outbox::{Entry, First, State},
    text::shown,
};

/// What was done before a card, or is on its way.
#[derive(Debug, Serialize)]
pub(super) struct BeforeJson {
    call: &'static str,
    state: &'static str,
    result_code: Option<i64>,
    description: Option<String>,
    value: Option<Uuid>,
    why: Option<String>,
    warnings: Vec<String>,
}

impl BeforeJson {
    /// As it ended, or as it stands; none where the card is all.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        entry.origin.card_after.as_ref()?;
        let progress = entry.progress();
        let (call, state, told, why, warnings) = match &progress.first {
            Some(first) => (first.call, first.state, &first.told, &first.why, &first.warnings),
            None => (entry.operation.name(), progress.state, &progress.told, &progress.why, &progress.warnings),
        };
        let (description, why, warnings) = (told.description.clone(), why.clone(), warnings.clone());
        Some(Self { call, state: state.name(), result_code: told.result_code, description, value: told.value, why, warnings })
    }
}

/// A person whom an entry adds.
#[derive(Debug, Serialize)]
pub(super) struct NewUserJson {
    first_name: String,
    last_name: String,
    employee_number: Option<String>,
}

impl NewUserJson {
    pub(super) fn of(user: &AddUser) -> Self {
        Self { first_name: user.first_name.clone(), last_name: user.last_name.clone(), employee_number: user.employee_number.clone() }
    }
}

/// How that ended which was done before the card, as a line behind the card's own.
pub(super) fn words(first: &First) -> String {
    let said = first.told.description.as_ref().map(|words| format!(" BluSKY says “{}”.", shown(words))).unwrap_or_default();
    let why = first.why.as_ref().map(|why| format!(" {}.", shown(why))).unwrap_or_default();
    match (first.call, first.state, first.told.value) {
        ("AddUser", _, Some(user)) => format!("\n    the user was added before; their GUID is {user}"),
        (_, State::Accepted, _) => format!("\n    the old card was taken back before.{said}"),
        _ => format!("\n    the old card was not taken back.{said}{why}"),
    }
}

/// The card that follows what is done before it, and whom it is for; none where none follows.
pub(super) fn card_after(entry: &Entry) -> Option<String> {
    entry.origin.card_after.as_ref()?;
    let card = entry.origin.card.as_ref().map_or("a card".to_owned(), |read| format!("{} ({})", read.credential.words(), read.format));
    Some(format!("{card} for {}", entry.origin.person.as_ref().map_or("a new user".to_owned(), |person| shown(&person.name))))
}
