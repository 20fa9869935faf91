//! What is known of a card before it is given to anybody: BluSKY's three states of it.
//!
//! In: a reading, BluSKY's lists as they were kept last, our own record. Out: whether somebody has the card and who, who says so, and how
//! old that is. Never: a call to BluSKY for a tap; its lists are asked for in the background.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use uuid::Uuid;

use super::{api::Shared, holder};
use crate::{
    access::{HeldCard, Identity, Numbers, Person},
    blusky::{
        lookup::{Item, Kind, Listing},
        people::card,
    },
    card::Reading,
    enroll::{people::People, template::render},
    outbox::Entry,
};

/// BluSKY is asked for its list of cards so often.
const REFRESH_INTERVAL: Duration = Duration::from_secs(3600);
const RETRY_INTERVAL: Duration = Duration::from_secs(300);
/// The name under which a store keeps the list.
const LIST: &str = "known cards";

/// What is known of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How it stands.
    pub is: Is,
    /// Who says so; none where nobody has ever said anything about cards.
    pub from: Option<Source>,
    /// As of when.
    pub as_of: Option<DateTime<Utc>>,
    /// What is expected to be printed on the card.
    pub print: Option<String>,
}

/// How a card stands.
#[derive(Clone, PartialEq, Eq)]
pub enum Is {
    /// This one has it: `Last, First`, as far as the lists tell them apart.
    Assigned(String),
    /// BluSKY has it, and nobody else.
    Available,
    /// BluSKY has it, and its lists do not say whether somebody has it.
    Listed,
    /// Nothing is known of it.
    New,
}

/// Shows how, not who.
impl std::fmt::Debug for Is {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Assigned(_) => "Assigned",
            Self::Available => "Available",
            Self::Listed => "Listed",
            Self::New => "New",
        })
    }
}

/// Who says how a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// BluSKY's lists.
    Blusky,
    /// Our own record.
    OwnRecord,
}

/// What a station knows of cards.
pub struct KnownCards {
    shared: Arc<Shared>,
    /// When each card was taken back from here, by its key.
    taken: Mutex<HashMap<Uuid, DateTime<Utc>>>,
    listed: Mutex<Option<Arc<Cards>>>,
}

/// BluSKY's list of cards.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cards {
    base_url: String,
    at: DateTime<Utc>,
    cards: Vec<HeldCard>,
}

impl KnownCards {
    /// What this station knows.
    #[must_use]
    pub fn of(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), taken: Mutex::default(), listed: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Uuid, DateTime<Utc>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry as it is now.
    pub fn saw(&self, entry: &Entry) {
        if let (Some(card), Some(at)) = (entry.took_back(), entry.went_on_at()) {
            self.taken().insert(card, at);
        }
    }

    /// What is known of the card that was read; none where it has no number, or nothing can be looked at.
    pub async fn about(&self, reading: &Reading) -> Option<Known> {
        Some(Known { print: self.print(reading), ..self.state(reading).await? })
    }

    /// The number that is expected on the card: as its card type has it, where that is the same for all that take it; else its own.
    fn print(&self, reading: &Reading) -> Option<String> {
        let fit = reading.chosen()?;
        let types = self.shared.site().config.policy.card_types.iter().filter(|card_type| card_type.takes(fit));
        let own = fit.credential.number("card_number")?.to_string();
        let printed = |template: Option<&String>| {
            template.map_or_else(|| Some(own.clone()), |template| render(template, &fit.credential, reading.presentation.csn.as_ref()).ok())
        };
        let mut prints: Vec<Option<String>> = types.map(|card_type| printed(card_type.external_number.as_ref())).collect();
        prints.dedup();
        if let [print] = prints.as_slice() { print.clone() } else { None }
    }

    async fn state(&self, reading: &Reading) -> Option<Known> {
        let identity = self.identity(reading)?;
        let directory = self.shared.directory();
        let people = directory.people().await.unwrap_or_default();
        let asked = directory.asked().await.ok()?.map(|(at, _)| at);
        let own = self.recorded(reading, &people).await?;
        let listed = asked.and_then(|at| Some(Known::by_blusky(Is::Assigned(holder(&people, &identity)?), at)));
        // Of two that speak, the newer one is right: a list may have been asked for before the card was given.
        match (listed, own) {
            (Some(listed), Some(own)) => return Some(if own.as_of > listed.as_of { own } else { listed }),
            (one, other) if one.is_some() || other.is_some() => return one.or(other),
            _ => {}
        }
        let cards = self.cards().await;
        let tells_holders = asked.is_some() && people.has_cards();
        let is = match cards.as_ref().is_some_and(|cards| cards.cards.iter().any(|card| holder::is(card, &identity))) {
            true if tells_holders => Is::Available,
            true => Is::Listed,
            false => Is::New,
        };
        // What two lists say together is as old as the older one.
        let at = [cards.map(|cards| cards.at), asked.filter(|_| tells_holders)].into_iter().flatten().min();
        Some(at.map_or(Known { is: is.clone(), from: None, as_of: None, print: None }, |at| Known::by_blusky(is, at)))
    }

    fn identity(&self, reading: &Reading) -> Option<Identity> {
        let fit = reading.chosen()?;
        let number = |name: &str| fit.credential.number(name).and_then(|number| u64::try_from(number).ok());
        let mut types = self.shared.site().config.policy.card_types.iter().filter(|card_type| card_type.takes(fit));
        let card_type = types.next().filter(|_| types.next().is_none()).map(|card_type| card_type.blusky);
        Some(Identity::Numbers(Numbers {
            system: None,
            card_type,
            internal_card_number: Some(number("card_number")?),
            facility_code: number("facility_code"),
            issue_code: None,
            card_serial_number: None,
        }))
    }

    /// What this outbox last did with the card; the outer none where it cannot be read.
    async fn recorded(&self, reading: &Reading, people: &People) -> Option<Option<Known>> {
        let Some(card) = reading.presentation.identity() else { return Some(None) };
        let Some(entry) = self.shared.store().last_of_card(card).await.ok()? else { return Some(None) };
        let own = |is, as_of| Some(Some(Known { is, from: Some(Source::OwnRecord), as_of: Some(as_of), print: None }));
        let progress = entry.progress();
        let taken = progress.card_id.and_then(|card| self.taken().get(&card).copied()).filter(|at| *at > entry.saved_at);
        match (taken, progress.told.previous_user_id.filter(|_| progress.undone_by.is_some())) {
            (Some(at), Some(before)) => own(Is::Assigned(people.person(before).map_or_else(|| before.to_string(), last_first)), at),
            (Some(at), None) => own(Is::Available, at),
            (None, _) => {
                let user = entry.operation.user().unwrap_or_default();
                let called = || entry.origin.person.as_ref().map_or_else(|| user.to_string(), |person| person.name.clone());
                own(Is::Assigned(people.person(user).map_or_else(called, last_first)), entry.saved_at)
            }
        }
    }

    /// The list of cards that was kept last.
    async fn cards(&self) -> Option<Arc<Cards>> {
        let listed = || self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cards) = &*listed() {
            return Some(cards.clone());
        }
        let (_, text) = self.shared.store().kept(LIST).await.ok()??;
        let cards: Cards = serde_json::from_str(&text).ok()?;
        let cards = (cards.base_url == self.shared.store().base_url()).then(|| Arc::new(cards))?;
        *listed() = Some(cards.clone());
        Some(cards)
    }

    /// Asks BluSKY for its cards again and again, for as long as a station runs. A BluSKY without such a list is left alone.
    pub async fn keep_fresh(&self) {
        loop {
            let age = self.cards().await.map(|cards| Utc::now() - cards.at).filter(|age| *age >= TimeDelta::zero());
            sleep(age.and_then(|age| age.to_std().ok()).map_or(Duration::ZERO, |age| REFRESH_INTERVAL.saturating_sub(age))).await;
            let Some(client) = self.shared.directory().client().await else { return };
            match client.lookup(Kind::Cards).await {
                Listing::Items(items) => self.keep(&items).await,
                Listing::Missing { .. } | Listing::Unreadable { .. } => return,
                Listing::Later { .. } | Listing::Stopped { .. } => {}
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn keep(&self, items: &[Item]) {
        let cards = items.iter().filter_map(|item| card(&item.raw)).collect();
        let cards = Cards { base_url: self.shared.store().base_url().to_owned(), at: Utc::now(), cards };
        let text = serde_json::to_string(&cards).unwrap_or_default();
        match self.shared.store().keep(LIST, cards.at, text).await {
            Ok(()) => *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(cards)),
            Err(error) => tracing::warn!(%error, "BluSKY's list of cards is not kept"),
        }
    }
}

impl Known {
    const fn by_blusky(is: Is, at: DateTime<Utc>) -> Self {
        Self { is, from: Some(Source::Blusky), as_of: Some(at), print: None }
    }
}

/// Whoever has the card in BluSKY's list of people.
fn holder(people: &People, identity: &Identity) -> Option<String> {
    people.holder(|card| holder::is(card, identity)).map(last_first)
}

/// A name as BluSKY's console writes it.
fn last_first(person: Person) -> String {
    match (person.last_name.is_empty(), person.first_name.is_empty()) {
        (false, false) => format!("{}, {}", person.last_name, person.first_name),
        _ => person.name(),
    }
}
