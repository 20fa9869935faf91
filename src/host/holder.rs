//! Who has a card that BluSKY says somebody has: no call tells it by a card's number, so it is put together from what is known.
//!
//! In: a refused entry, the directory, the store. Out: whoever BluSKY's words, its list or our own record name, how old that is, and
//! whether BluSKY shows the card there now. Never: a holder that nothing names, or anything moved.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::directory::Directory;
use crate::{
    access::{AccessControl, Cards, Detail, HeldCard, Identity, Operation, Outcome, Person, Sameness, StoredCard, shown::moment},
    enroll::people::folded,
    outbox::{Entry, HeldBy, State, Step},
    store::{StoreError, StoreHandle},
    text::shown,
    views::page::ago,
};

/// So many are looked at in BluSKY.
const MOST: usize = 5;

/// Somebody who has the card, as far as one source says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Holder {
    /// The user.
    user_id: Uuid,
    /// As the source calls them.
    name: Option<String>,
    /// What tells them from namesakes.
    told_apart_by: Option<String>,
    /// The key of the card, where the source has it.
    card_id: Option<Uuid>,
    /// Who says so.
    from: Source,
    /// Since when that is so, or when it was seen.
    as_of: DateTime<Utc>,
    /// Whether BluSKY shows the card there now; none where it cannot be asked or told.
    shown_now: Option<bool>,
    /// The same in words.
    pub words: String,
}

/// Who names a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// BluSKY's words as it refused the card, and they are the name or key of somebody in the directory.
    Refusal,
    /// The cards in BluSKY's list of people.
    Directory,
    /// An entry of this outbox.
    OwnRecord,
}

/// Whoever is named as the holder of an entry's card.
///
/// # Errors
/// The store cannot be read.
pub async fn of(entry: &Entry, directory: &Directory, store: &StoreHandle) -> Result<Vec<Holder>, StoreError> {
    if !entry.progress().is_known_to_blusky() || !matches!(entry.operation, Operation::AddUserCard(_)) {
        return Ok(Vec::new());
    }
    let mut holders = named(entry, directory, store).await?;
    holders.truncate(MOST);
    if let Some(client) = if holders.is_empty() { None } else { directory.client().await } {
        // Several sources may name the same person.
        let mut looked = HashMap::new();
        for holder in &mut holders {
            let (shown_now, card_id) = match looked.get(&holder.user_id) {
                Some(seen) => *seen,
                None => {
                    let (shown_now, card) = look(&client, holder.user_id, &entry.operation).await;
                    let seen = (shown_now, card.and_then(|card| card.card_id));
                    looked.insert(holder.user_id, seen);
                    seen
                }
            };
            (holder.shown_now, holder.card_id) = (shown_now, card_id.or(holder.card_id));
        }
    }
    holders.iter_mut().for_each(|holder| holder.words = said(holder));
    Ok(holders)
}

/// The one whom a list or our own record names, and with whom BluSKY shows the card now. None where that is nobody, or several.
///
/// # Errors
/// The store cannot be read.
pub async fn shown_now(
    entry: &Entry,
    directory: &Directory,
    store: &StoreHandle,
    system: &impl AccessControl,
) -> Result<Option<HeldBy>, StoreError> {
    let mut named = named(entry, directory, store).await?;
    named.sort_by_key(|holder| holder.user_id);
    named.dedup_by_key(|holder| holder.user_id);
    let mut found = None;
    for holder in named.iter().take(MOST) {
        let (Some(true), card) = look(system, holder.user_id, &entry.operation).await else { continue };
        if found.replace(held_by(holder.user_id, card.as_ref())).is_some() {
            return Ok(None);
        }
    }
    Ok(found)
}

/// Somebody who has a card, and on what terms, as far as BluSKY shows them.
fn held_by(user_id: Uuid, card: Option<&StoredCard>) -> HeldBy {
    let shown = card.map(|card| &card.shown);
    let time = |name: &str| moment(&shown?.text(name)?);
    HeldBy {
        user_id,
        activate: time("card_activation_start_date_time"),
        deactivate: time("card_deactivation_start_date_time"),
        card_user_flags: card.and_then(|card| card.card_user_flags),
    }
}

/// Who had the card before this entry took it from them: whom BluSKY named in its answer, with whom it showed the card a moment before,
/// or whom its refusal's words and a list or our own record name alike. None where nobody did, or only one of these last says so.
///
/// # Errors
/// The store cannot be read.
pub async fn before(entry: &Entry, directory: &Directory, store: &StoreHandle) -> Result<Option<HeldBy>, StoreError> {
    let progress = entry.progress();
    let told = progress.told.previous_user_id.filter(|user| !user.is_nil() && Some(*user) != entry.operation.user());
    match (told, &progress.held_by) {
        (None, Some(held)) => return Ok(Some(held.clone())),
        (Some(user), held) => return Ok(held.clone().filter(|held| held.user_id == user).or_else(|| Some(held_by(user, None)))),
        (None, None) => {}
    }
    let Some((_, words)) = refusal(entry) else { return Ok(None) };
    let words = format!(" {} ", folded(words));
    let is_named = |holder: &Holder| {
        let name = holder.name.as_deref().map(folded).filter(|name| name.contains(' '));
        words.contains(&holder.user_id.to_string()) || name.is_some_and(|name| words.contains(&format!(" {name} ")))
    };
    let mut holders = named(entry, directory, store).await?;
    holders.retain(|holder| holder.from != Source::Refusal && is_named(holder));
    holders.dedup_by_key(|holder| holder.user_id);
    Ok(if let [only] = holders.as_slice() { Some(held_by(only.user_id, None)) } else { None })
}

/// When BluSKY refused the card last, and in what words.
fn refusal(entry: &Entry) -> Option<(DateTime<Utc>, &str)> {
    entry.steps().iter().rev().find_map(|(at, step)| match step {
        Step::Answered(Outcome::Refused(told)) => Some((*at, told.description.as_deref()?)),
        _ => None,
    })
}

/// Whom BluSKY's list and our own record name, others than the user whom the entry is for.
async fn named(entry: &Entry, directory: &Directory, store: &StoreHandle) -> Result<Vec<Holder>, StoreError> {
    let mut holders = said_to_have(entry, directory).await;
    holders.extend(listed(entry, directory).await?);
    holders.extend(recorded(entry, store).await?);
    holders.retain(|holder| Some(holder.user_id) != entry.operation.user());
    Ok(holders)
}

/// Whom BluSKY's words name as they refuse the card.
async fn said_to_have(entry: &Entry, directory: &Directory) -> Vec<Holder> {
    let (Some((as_of, words)), Ok(people)) = (refusal(entry), directory.people().await) else { return Vec::new() };
    people.named_in(words).into_iter().map(|person| holder(&person, None, (Source::Refusal, as_of))).collect()
}

/// Somebody of the directory.
fn holder(person: &Person, card_id: Option<Uuid>, (from, as_of): (Source, DateTime<Utc>)) -> Holder {
    Holder {
        user_id: person.user_id,
        name: Some(person.name()),
        told_apart_by: Some(person.told_apart_by()).filter(|apart| !apart.is_empty()),
        card_id,
        from,
        as_of,
        shown_now: None,
        words: String::new(),
    }
}

/// Those whose record in BluSKY's list has the card.
async fn listed(entry: &Entry, directory: &Directory) -> Result<Vec<Holder>, StoreError> {
    let (Some((as_of, _)), Some(identity)) = (directory.asked().await?, entry.operation.identity()) else { return Ok(Vec::new()) };
    let people = directory.listed().await?;
    let has_it = |person: Person| {
        let card = person.cards.iter().find(|card| is(card, &identity))?;
        Some(holder(&person, card.card_id, (Source::Directory, as_of)))
    };
    Ok(people.iter().filter_map(has_it).collect())
}

/// Whom this outbox gave the card last before this entry, where it has not been taken back since.
async fn recorded(entry: &Entry, store: &StoreHandle) -> Result<Option<Holder>, StoreError> {
    let (mut last, mut found) = (0, None);
    let mut key = key_of(entry);
    loop {
        let page = store.page_after(last).await?;
        let Some((number, _)) = page.last() else { return Ok(found) };
        last = *number;
        let earlier = |other: &Entry| other.id != entry.id && other.saved_at <= entry.saved_at && other.base_url == store.base_url();
        for (_, other) in page.iter().filter(|(_, other)| earlier(other)) {
            let is_same_key = key.is_some() && key_of(other) == key;
            let is_same = is_same_key || (other.operation.card().is_some() && other.operation.card() == entry.operation.card());
            if !is_same || other.progress().state != State::Accepted {
                continue;
            }
            match (&other.operation, other.operation.user()) {
                (Operation::AddUserCard(_), Some(user)) => {
                    key = key.or(key_of(other));
                    found = other.progress().undone_by.is_none().then(|| given(other, user));
                }
                (Operation::RemoveUserCard(_), _) => found = None,
                _ => {}
            }
        }
    }
}

fn given(entry: &Entry, user_id: Uuid) -> Holder {
    let person = entry.origin.person.as_ref();
    Holder {
        user_id,
        name: person.map(|person| person.name.clone()),
        told_apart_by: person.and_then(|person| person.employee_number.clone()),
        card_id: key_of(entry),
        from: Source::OwnRecord,
        as_of: entry.saved_at,
        shown_now: None,
        words: String::new(),
    }
}

/// The key of an entry's card, as it was named or as BluSKY showed it.
fn key_of(entry: &Entry) -> Option<Uuid> {
    match entry.operation.identity() {
        Some(Identity::Key(id)) => Some(id),
        _ => entry.progress().card_id,
    }
}

/// True where a card of a record may be this one: its key, or its number and whatever else both say.
pub(super) fn is(card: &HeldCard, identity: &Identity) -> bool {
    let agree = |theirs: Option<i64>, ours: Option<i64>| theirs.zip(ours).is_none_or(|(theirs, ours)| theirs == ours);
    let narrow = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    match identity {
        Identity::Key(id) => card.card_id == Some(*id),
        Identity::Numbers(ours) => {
            let number = narrow(ours.internal_card_number);
            number.is_some()
                && card.internal_card_number == number
                && agree(card.facility_code, narrow(ours.facility_code))
                && agree(card.card_type, ours.card_type)
        }
    }
}

/// Whether BluSKY shows the card among this user's now, and the card as it is shown.
async fn look(system: &impl AccessControl, user: Uuid, operation: &Operation) -> (Option<bool>, Option<StoredCard>) {
    let Cards::Shown(mut cards) = system.cards_of(user, Detail::Card).await else { return (None, None) };
    match cards.iter().position(|card| card.is(operation) == Sameness::TheOne) {
        Some(at) => (Some(true), Some(cards.swap_remove(at))),
        None if cards.iter().any(|card| card.is(operation) == Sameness::CannotBeTold) => (None, None),
        None => (Some(false), None),
    }
}

fn said(holder: &Holder) -> String {
    let name = holder.name.as_deref().map_or_else(|| format!("user {}", holder.user_id), shown);
    let apart = holder.told_apart_by.as_deref().map(|apart| format!(" ({})", shown(apart))).unwrap_or_default();
    let age = ago(Utc::now() - holder.as_of);
    let says = match holder.from {
        Source::Refusal => format!("BluSKY's refusal names {name}{apart}"),
        Source::Directory => format!("BluSKY's list of {age} ago has the card with {name}{apart}"),
        Source::OwnRecord => format!("it was given to {name}{apart} from here {age} ago"),
    };
    let now = match holder.shown_now {
        Some(true) => "and BluSKY shows it there now",
        Some(false) => "but BluSKY does not show it there now",
        None => "and whether BluSKY shows it there now cannot be told",
    };
    let key = holder.card_id.map(|id| format!("; the card's GUID is {id}")).unwrap_or_default();
    format!("{says}, {now}{key}")
}
