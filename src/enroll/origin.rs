//! Where an entry came from: for whom, on whose word, from which card, and why this credential was believed.
//!
//! In: an order and the reading it was carried out on. Out: what is kept with the entry. Never: a PIN, a password, or a number in
//! `Debug`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::enrollment::Order;
use crate::access::AddUserCard;
use crate::card::{Credential, DecidedBy, Evidence, Reading, Transport, Verdict};

/// Where an entry came from. What is not known is left out: an older program kept nothing of it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The person it is for, as the site's list calls them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Named>,
    /// What was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Ordered>,
    /// The person or program that ordered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    /// When it was judged whether somebody who is to be added is new; kept for nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<DateTime<Utc>>,
    /// The row of a roster that it was ordered for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roster: Option<RosterRow>,
    /// The card that follows once the call before it has come to its end: for the user whom that one adds, or in the place of the card
    /// that it takes back. Whose it is says that call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_after: Option<Box<AddUserCard>>,
    /// The groups of access levels that a new user is given, one after the other, before the card.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups_after: Vec<i64>,
    /// What it undoes, where it takes a card back for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoing: Option<Undoes>,
    /// The entry that takes its card from somebody first: nothing of this one is sent before BluSKY has accepted that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_taken_by: Option<Uuid>,
    /// What was read; none for an existing card, and for another call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<CardRead>,
    /// Who chose the credential among those that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<DecidedBy>,
    /// What spoke for the card.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// A row of a roster, by which people have their turn one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterRow {
    /// The run, whose key tells when it began.
    pub run: Uuid,
    /// The name of the list's file.
    pub file: String,
    /// The row, counted from 1.
    pub row: usize,
}

impl RosterRow {
    /// When the run began; none where its key does not tell.
    #[must_use]
    pub fn began(&self) -> Option<DateTime<Utc>> {
        let (seconds, nanos) = self.run.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    }
}

/// What an entry undoes that takes a card back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoes {
    /// The entry that gave the card.
    pub entry: Uuid,
    /// The entry that gives it to whoever had it before; none where nobody is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_back: Option<Uuid>,
}

impl Undoes {
    /// The entries that hang on it.
    pub fn entries(&self) -> impl Iterator<Item = Uuid> + use<> {
        [self.entry].into_iter().chain(self.gives_back)
    }
}

/// Somebody of the site's list of people.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Given and family name.
    pub name: String,
    /// The employee number, where it is known.
    pub employee_number: Option<String>,
    /// BluSKY's list shows that they have no access level.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_access: bool,
}

impl Named {
    /// The name with the number that tells namesakes apart.
    #[must_use]
    pub fn called(&self) -> String {
        match self.employee_number.as_deref().filter(|number| !number.is_empty()) {
            Some(number) => format!("{} ({number})", self.name),
            None => self.name.clone(),
        }
    }
}

/// Shows that there is somebody, and nothing about them.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").finish_non_exhaustive()
    }
}

/// What of an order is not in the call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The card type that was asked for.
    pub card_type: Option<i64>,
    /// The number printed on the card.
    pub printed: Option<String>,
    /// The external number that was asked for.
    pub external_number: Option<String>,
    /// A present assignment was to be deleted first.
    pub reassign: bool,
    /// It might be a card that was given to somebody else a moment ago.
    pub same_card: bool,
}

/// A card as it was read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRead {
    /// How the reader is attached; none for a literal.
    pub transport: Option<Transport>,
    /// The bytes as they came, hex.
    pub raw: String,
    /// The bits, as a literal.
    pub bits: Option<String>,
    /// The format that was believed.
    pub format: String,
    /// The SHA-256 of that format's file, hex.
    pub format_digest: String,
    /// The numbers read.
    pub credential: Credential,
    /// Every format that fits, with its numbers in short.
    pub fits: Vec<(String, String)>,
    /// What the bits say.
    pub verdict: Verdict,
}

/// Shows who decided, not whose card and not which.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("decided_by", &self.decided_by).finish_non_exhaustive()
    }
}

impl Origin {
    /// The origin of an entry that was ordered so.
    #[must_use]
    pub fn of_order(order: &Order) -> Self {
        let ordered = Ordered {
            card_type: order.card_type,
            printed: order.printed.clone(),
            external_number: order.external_number.clone(),
            reassign: order.reassign,
            same_card: order.same_card,
        };
        let (person, ordered_by, roster) = (order.person.clone(), order.ordered_by.clone(), order.roster.clone());
        let groups_after = order.access_level_groups.clone();
        Self { person, order: Some(ordered), ordered_by, judged_at: order.judged_at, roster, groups_after, ..Self::default() }
    }

    /// The same, from a card that was read so; `digest` is that of the file of the format that was believed.
    #[must_use]
    pub fn of_reading(order: &Order, reading: &Reading, digest: &str) -> Self {
        let card = reading.chosen().map(|fit| CardRead {
            transport: reading.presentation.transport,
            raw: reading.presentation.raw.clone(),
            bits: reading.presentation.bits.map(|bits| bits.to_string()),
            format: fit.format.to_string(),
            format_digest: digest.to_owned(),
            credential: fit.credential.clone(),
            fits: reading.fits.iter().map(|fit| (fit.format.to_string(), in_short(&fit.credential))).collect(),
            verdict: reading.verdict,
        });
        Self { card, decided_by: reading.choice.map(|(_, by)| by), ..Self::of_order(order) }
    }
}

fn in_short(credential: &Credential) -> String {
    credential.numbers().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_run_tells_when_it_began_where_it_is_one_that_tells() {
        let row = |run: Uuid| RosterRow { run, file: "people.csv".to_owned(), row: 2 }.began();
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let key = uuid::Builder::from_unix_timestamp_millis(20_000 * 86_400_000, &[0; 10]).into_uuid();
        assert_eq!((row(key), row(Uuid::from_u128(7))), (Some(at), None));
    }
}
