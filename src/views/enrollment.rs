//! An entry of the outbox, for programs and for people.

use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    first::{self, AccessJson, BeforeJson, NewUserJson},
    reading::words_of,
};
use crate::{
    access::{AddUserCard, Identity, Operation},
    card::{DecidedBy, Evidence},
    enroll::origin::RosterRow,
    outbox::{Entry, Progress, State},
    text::shown,
};

/// An entry as JSON.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EntryOf)]
pub enum EntryJson {
    /// A card for a user: `enroll`, `outbox`, `replay --enroll`.
    Enrollment(Box<EnrollmentJson>),
    /// Any other call: `user add`, `card update`, `outbox`.
    Call(Box<CallJson>),
}

/// A call other than AddUserCard, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallJson {
    enrollment: Uuid,
    call: &'static str,
    state: State,
    user_id: Option<Uuid>,
    card_id: Option<Uuid>,
    result_code: Option<i64>,
    /// BluSKY's own words.
    description: Option<String>,
    value: Option<Uuid>,
    attempts: u32,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<String>,
    ordered_by: Option<String>,
    #[schema(format = DateTime)]
    saved_at: String,
    base_url: String,
    /// The groups of access levels that a new user is given; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    access: Vec<AccessJson>,
    /// The person whom it adds; absent where it adds nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    new_user: Option<NewUserJson>,
}

/// A card for a user, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Enrollment)]
pub struct EnrollmentJson {
    enrollment: Uuid,
    state: State,
    /// None for a new user who is not added yet.
    user_id: Option<Uuid>,
    card_type: Option<i64>,
    /// `stored_differs`; absent where it was stored as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    user_card_id: Option<Uuid>,
    card_id: Option<Uuid>,
    result_code: Option<i64>,
    /// BluSKY's own words.
    description: Option<String>,
    attempts: u32,
    reassigned: bool,
    previous_user_id: Option<Uuid>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<String>,
    user: UserJson,
    card: CardJson,
    reader: Option<String>,
    ordered_by: Option<String>,
    decided_by: Option<DecidedBy>,
    evidence: Vec<Evidence>,
    #[schema(format = DateTime)]
    saved_at: String,
    base_url: String,
    superseded_by: Option<Uuid>,
    undone_by: Option<Uuid>,
    /// What was done before the card, and how it ended; absent where the card is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<BeforeJson>,
    /// The groups of access levels that a new user is given; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    access: Vec<AccessJson>,
    /// The person whom it adds; absent where it adds nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    new_user: Option<NewUserJson>,
    /// The row of a roster; absent where it was ordered alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    roster: Option<RosterRow>,
}

/// Whom it is for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserJson {
    id: Option<Uuid>,
    name: Option<String>,
    employee_number: Option<String>,
}

/// The card as it was read; of one that was not, what is sent of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Card)]
struct CardJson {
    format: Option<String>,
    facility_code: Option<u64>,
    card_number: Option<u128>,
    issue_code: Option<u64>,
    printed: Option<String>,
    raw: Option<String>,
    bits: Option<String>,
}

/// The JSON of an entry.
#[must_use]
pub fn json(entry: &Entry) -> EntryJson {
    match (&entry.operation, &entry.origin.card_after) {
        (Operation::AddUserCard(card), _) => EntryJson::Enrollment(Box::new(enrollment(entry, card))),
        (_, Some(card)) => EntryJson::Enrollment(Box::new(enrollment(entry, card))),
        (_, None) => EntryJson::Call(Box::new(call(entry))),
    }
}

fn call(entry: &Entry) -> CallJson {
    let progress = entry.progress();
    // A new user's groups are given in their entry, and are not what it is about.
    let operation = entry.begun_as();
    let told = progress.first.as_ref().map_or(&progress.told, |first| &first.told);
    CallJson {
        enrollment: entry.id,
        call: operation.name(),
        state: progress.state,
        user_id: operation.user(),
        card_id: match operation.identity() {
            Some(Identity::Key(id)) => Some(id),
            Some(Identity::Numbers(_)) | None => None,
        },
        result_code: told.result_code,
        description: told.description.clone(),
        value: told.value.filter(|_| operation.answers_value()),
        attempts: progress.attempts,
        warnings: warnings(entry),
        why: progress.why.clone(),
        ordered_by: entry.origin.ordered_by.clone(),
        saved_at: saved_at(entry),
        base_url: entry.base_url.clone(),
        access: AccessJson::of(entry),
        new_user: entry.new_user().map(NewUserJson::of),
    }
}

fn enrollment(entry: &Entry, card: &AddUserCard) -> EnrollmentJson {
    let progress = entry.progress();
    EnrollmentJson {
        enrollment: entry.id,
        state: progress.state,
        user_id: entry.operation.user(),
        card_type: card.card_type,
        code: progress.stored_differs().then_some("stored_differs"),
        user_card_id: progress.told.value,
        card_id: progress.card_id.or(card.card_id),
        result_code: progress.told.result_code,
        description: progress.told.description.clone(),
        attempts: progress.attempts,
        reassigned: progress.reassigned && progress.state == State::Accepted,
        previous_user_id: progress.told.previous_user_id,
        warnings: warnings(entry),
        why: progress.why.clone(),
        user: user_json(entry, entry.operation.user()),
        card: card_json(entry, card),
        reader: entry.source.as_ref().and_then(|source| source.reader.clone()),
        ordered_by: entry.origin.ordered_by.clone(),
        decided_by: entry.origin.decided_by,
        evidence: entry.origin.evidence.clone(),
        saved_at: saved_at(entry),
        base_url: entry.base_url.clone(),
        superseded_by: progress.superseded_by,
        undone_by: progress.undone_by,
        before: BeforeJson::of(entry),
        access: AccessJson::of(entry),
        new_user: entry.new_user().map(NewUserJson::of),
        roster: entry.origin.roster.clone(),
    }
}

fn user_json(entry: &Entry, id: Option<Uuid>) -> UserJson {
    let person = entry.origin.person.as_ref();
    UserJson {
        id,
        name: person.map(|person| person.name.clone()),
        employee_number: person.and_then(|person| person.employee_number.clone()),
    }
}

fn card_json(entry: &Entry, call: &AddUserCard) -> CardJson {
    let read = entry.origin.card.as_ref();
    let number = |name: &str| read.and_then(|read| read.credential.number(name));
    let narrow = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
    CardJson {
        format: read.map(|read| read.format.clone()),
        facility_code: narrow("facility_code").or(call.facility_code),
        card_number: number("card_number").or(call.internal_card_number.map(u128::from)),
        issue_code: narrow("issue_code").or(call.issue_code),
        printed: entry.origin.order.as_ref().and_then(|order| order.printed.clone()),
        raw: read.map(|read| read.raw.clone()),
        bits: read.and_then(|read| read.bits.clone()),
    }
}

/// What the operator should know: of the card, and of what it opens.
#[must_use]
pub fn warnings(entry: &Entry) -> Vec<String> {
    let is_given = matches!(entry.operation, Operation::AddUserCard(_)) && entry.progress().state == State::Accepted;
    let opens_nothing = is_given && entry.origin.person.as_ref().is_some_and(|person| person.without_access);
    let own = entry.progress().warnings.iter().cloned();
    own.chain(opens_nothing.then(|| "no_access_level".to_owned())).collect()
}

fn saved_at(entry: &Entry) -> String {
    entry.saved_at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Why an entry is not delivered from a store that is open for this BluSKY; none where it is.
#[must_use]
pub fn elsewhere(entry: &Entry, base_url: &str) -> Option<String> {
    (entry.base_url != base_url).then(|| format!("it was saved for {}, and is delivered only there", entry.base_url))
}

/// An entry for people, one line and its warnings.
#[must_use]
pub fn text(entry: &Entry) -> String {
    let progress = entry.progress();
    let said = said(progress);
    let why = progress.why.as_ref().map(|why| format!(": {}", shown(why))).unwrap_or_default();
    let line = match progress.state {
        State::Saved if progress.why.is_none() => "saved; it is on disk and will be sent".to_owned(),
        State::Saved => format!("saved, waiting{why}"),
        State::Sending => "sending".to_owned(),
        State::Accepted => accepted(entry),
        State::Refused => format!("refused{}{why}.{said}", subject(entry)),
        State::InDoubt if progress.needs_a_person() => format!("in doubt{why}"),
        State::InDoubt => format!("in doubt{why}; BluSKY's record decides before anything is sent again"),
        State::Discarded => match progress.superseded_by {
            Some(entry) => format!("discarded: its card is given to somebody else by entry {entry}"),
            None => format!("discarded{why}"),
        },
    };
    let warnings = warnings(entry).into_iter().map(|warning| format!("\n    note: {}", words_of(&warning)));
    std::iter::once(line).chain(first::lines(progress)).chain(warnings).collect()
}

const DOOR: &str = " A door may need up to 2 minutes to know the card.";

/// How an entry was accepted; what was asked for and is not there comes first.
fn accepted(entry: &Entry) -> String {
    let progress = entry.progress();
    let (said, subject) = (said(progress), subject(entry));
    let differing: Vec<&str> = differing(progress).collect();
    let not_set = progress.warnings.iter().find_map(|warning| warning.strip_prefix("not_set: "));
    match (&entry.operation, progress.told.value) {
        (Operation::AddUser(_), Some(user)) => {
            let but = first::trouble(progress).map(|trouble| format!(", but {trouble}")).unwrap_or_default();
            format!("accepted{but}.{said} The user's GUID is {user}.")
        }
        (Operation::AddUser(_), None) => format!("accepted.{said}"),
        (Operation::AddAccessLevelGroup(_) | Operation::RemoveAccessLevelGroup(_), _) => {
            format!("accepted{subject}.{said} A door may need up to 2 minutes to know it.")
        }
        (Operation::RemoveUserCard(_), _) => format!("accepted{subject}.{said} A door may know the card for up to 2 minutes more."),
        _ if !other_card(progress).is_empty() => {
            let members = other_card(progress).join(", ");
            format!("accepted, but BluSKY stored another card than was sent: {members} differ{subject}.{said}")
        }
        _ if differing.contains(&"pin") => {
            format!("accepted, but BluSKY does not show this PIN: it was not set, or another one was{subject}.{said}")
        }
        _ if !differing.is_empty() => {
            format!("accepted, but stored otherwise than it was sent: {}{subject}.{said}{DOOR}", differing.join(", "))
        }
        _ => match not_set {
            Some(members) => format!("accepted, but this call set nothing of {members}: the card was this user's already{subject}.{said}"),
            None => {
                let but = first::trouble(progress).map(|trouble| format!(", but {trouble}")).unwrap_or_default();
                format!("accepted{but}{subject}.{said}{DOOR}")
            }
        },
    }
}

/// What BluSKY said, in a sentence behind others.
fn said(progress: &Progress) -> String {
    progress.told.description.as_ref().map(|words| format!(" BluSKY says “{}”.", shown(words))).unwrap_or_default()
}

/// Which card, and for whom, behind a word.
fn subject(entry: &Entry) -> String {
    card_and_user(entry).map(|words| format!(": {words}")).unwrap_or_default()
}

/// The members that make a card the one that was sent, and are stored otherwise: no door will know that card.
fn other_card(progress: &Progress) -> Vec<&str> {
    const IDENTITY: [&str; 3] = ["internal_card_number", "facility_code", "card_ac_system_id"];
    differing(progress).filter(|member| IDENTITY.contains(member)).collect()
}

/// The members that are stored otherwise than they were sent.
fn differing(progress: &Progress) -> impl Iterator<Item = &str> {
    let members = progress.warnings.iter().filter_map(|warning| warning.strip_prefix("stored_differs: "));
    members.flat_map(|members| members.split(", "))
}

/// The card of an entry and whom it is for, in a line, with what spoke for it; none where it is another call's.
#[must_use]
pub fn about(entry: &Entry) -> Option<String> {
    let evidence = &entry.origin.evidence;
    let sure = if evidence.is_empty() { String::new() } else { format!(": {}", super::evidence::line(evidence)) };
    card_and_user(entry).map(|words| format!("{words}{sure}"))
}

fn card_and_user(entry: &Entry) -> Option<String> {
    let group = |id: i64| format!("access-level group {id}");
    let call = match &entry.operation {
        Operation::AddUserCard(call) => call,
        Operation::RemoveUserCard(call) => {
            let after = first::card_after(entry).map(|card| format!(", then {card}")).unwrap_or_default();
            return Some(format!("card {} taken back from {}{after}", call.card_id, whom(entry, call.user_id)));
        }
        Operation::UpdateUserCard(call) => {
            let after = first::card_after(entry)?;
            return Some(format!("card {} of {} deactivated, then {after}", call.card_id, whom(entry, call.user_id)));
        }
        Operation::AddUser(_) => return first::card_after(entry).or_else(|| first::new_user(entry)),
        Operation::AddAccessLevelGroup(_) if entry.origin.card_after.is_some() => return first::card_after(entry),
        Operation::AddAccessLevelGroup(to) => return Some(format!("{} for {}", group(to.access_level_group_id), whom(entry, to.user_id))),
        Operation::RemoveAccessLevelGroup(of) => {
            return Some(format!("{} taken from {}", group(of.access_level_group_id), whom(entry, of.user_id)));
        }
    };
    let card = match (&entry.origin.card, call.card_id) {
        (Some(read), _) => format!("{} ({})", read.credential.words(), read.format),
        (None, Some(card)) => format!("card {card}"),
        (None, None) => "a card".to_owned(),
    };
    Some(format!("{card} for {}", whom(entry, call.user_id)))
}

fn whom(entry: &Entry, user: Uuid) -> String {
    let Some(person) = &entry.origin.person else { return format!("user {user}") };
    let name = shown(&person.name);
    person.employee_number.as_ref().map_or_else(|| name.clone(), |number| format!("{name} ({number})"))
}
