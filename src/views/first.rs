//! What is done in one entry beside its card: a new user added, groups of access levels given to them, a lost card ended.
//!
//! In: an entry. Out: JSON and words of that. Never: a word about the card itself.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    access::{AddUser, Operation},
    outbox::{Entry, Part, Progress, State},
    text::shown,
};

/// What was done before a card, or is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Before)]
pub(super) struct BeforeJson {
    call: &'static str,
    state: State,
    result_code: Option<i64>,
    /// BluSKY's own words.
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
        Some(Self { call, state, result_code: told.result_code, description, value: told.value, why, warnings })
    }
}

/// A group of access levels that a new user is given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Access)]
pub(super) struct AccessJson {
    access_level_group_id: i64,
    state: State,
    result_code: Option<i64>,
    /// BluSKY's own words.
    description: Option<String>,
    why: Option<String>,
}

impl AccessJson {
    /// Every group in its order, as it ended or stands.
    pub(super) fn of(entry: &Entry) -> Vec<Self> {
        let progress = entry.progress();
        let groups = entry.origin.groups_after.iter().enumerate();
        let of = |(at, group): (usize, &i64)| {
            let is_now = matches!(entry.operation, Operation::AddAccessLevelGroup(_)) && at == progress.groups.len();
            let (state, told, why) = match progress.groups.get(at) {
                Some((_, part)) => (part.state, Some(&part.told), &part.why),
                None if is_now => (progress.state, Some(&progress.told), &progress.why),
                None => (State::Saved, None, &None),
            };
            let (result_code, description) = told.map(|told| (told.result_code, told.description.clone())).unwrap_or_default();
            Self { access_level_group_id: *group, state, result_code, description, why: why.clone() }
        };
        groups.map(of).collect()
    }
}

/// A person whom an entry adds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewUser)]
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

/// How that ended which was done beside the card, each as a line behind the card's own.
pub(super) fn lines(progress: &Progress) -> Vec<String> {
    let groups = progress.groups.iter().map(|(group, part)| format!("\n    {}{}", about_group(*group, part), said(part)));
    let first = progress.first.as_deref().map(|first| match first.told.value.filter(|_| first.call == ADD_USER) {
        Some(user) => format!("\n    the user was added first; their GUID is {user}"),
        None => format!("\n    {}{}", about_old_card(first), said(first)),
    });
    first.into_iter().chain(groups).collect()
}

/// What of it did not come about, or is not known.
pub(super) fn trouble(progress: &Progress) -> Option<String> {
    let old_card = progress.first.as_deref().filter(|first| first.call != ADD_USER && first.state == State::Refused).map(about_old_card);
    let group = progress.groups.iter().find(|(_, part)| part.state != State::Accepted).map(|(group, part)| about_group(*group, part));
    old_card.or(group)
}

const ADD_USER: &str = "AddUser";

fn about_old_card(first: &Part) -> String {
    let words = match (first.call, first.state) {
        ("UpdateUserCard", State::Accepted) => "the old card was deactivated before",
        ("UpdateUserCard", _) => "the old card was not deactivated",
        (_, State::Accepted) => "the old card was taken back before",
        _ => "the old card was not taken back",
    };
    words.to_owned()
}

fn about_group(group: i64, part: &Part) -> String {
    match part.state {
        State::Accepted => format!("access-level group {group} was given"),
        State::Refused => format!("access-level group {group} was not given"),
        _ => format!("whether access-level group {group} was given is not known"),
    }
}

fn said(part: &Part) -> String {
    let said = part.told.description.as_ref().map(|words| format!(" BluSKY says “{}”.", shown(words))).unwrap_or_default();
    let why = part.why.as_ref().map(|why| format!(" {}.", shown(why))).unwrap_or_default();
    format!(".{said}{why}")
}

/// Who is added.
pub(super) fn new_user(entry: &Entry) -> Option<String> {
    let user = entry.new_user()?;
    let name = shown(format!("{} {}", user.first_name, user.last_name).trim());
    let number = user.employee_number.as_deref().map(|number| format!(" ({})", shown(number))).unwrap_or_default();
    Some(format!("{name}{number}, a new user"))
}

/// The card that follows what is done before it, and whom it is for; none where none follows.
pub(super) fn card_after(entry: &Entry) -> Option<String> {
    entry.origin.card_after.as_ref()?;
    let card = entry.origin.card.as_ref().map_or("a card".to_owned(), |read| format!("{} ({})", read.credential.words(), read.format));
    let user = entry.operation.user().map_or("a new user".to_owned(), |user| format!("user {user}"));
    Some(format!("{card} for {}", entry.origin.person.as_ref().map_or(user, |person| shown(&person.name))))
}
