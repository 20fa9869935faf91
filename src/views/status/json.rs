//! How a station is, as JSON: the parts of `GET /v1/station`.
//!
//! In: what was counted and seen. Out: what serializes. Never: a card's number, a person's name, or BluSKY's own words.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    outbox::tally::{ForAPerson, Overview, Tally},
    station::health::{BluskyHealth, Fitting, ReaderHealth},
};

/// A time in JSON.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A reader.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reader)]
pub struct ReaderJson<'a> {
    name: &'a str,
    up: bool,
    /// Why it, or a device of it, is not there; null where nobody has looked.
    why: Option<&'a str>,
    /// Since when it is there, or not there; null where nobody has looked.
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    last_heard: Option<String>,
    cards: u64,
    /// Bytes that were no card.
    noise_bytes: u64,
    /// By the number of bits: how many cards were read, and how many fit a format of this site.
    lengths: &'a BTreeMap<usize, Fitting>,
    /// How many cards of this site's formats were read with a facility code that the site does not list.
    facility_codes_not_listed: &'a BTreeMap<u64, u64>,
}

impl<'a> ReaderJson<'a> {
    /// A reader that is so.
    #[must_use]
    pub fn of(reader: &'a ReaderHealth) -> Self {
        Self {
            name: &reader.name,
            up: reader.up,
            why: reader.why.as_deref(),
            since: reader.since.map(time),
            last_heard: reader.last_heard.map(time),
            cards: reader.cards,
            noise_bytes: reader.noise_bytes,
            lengths: &reader.lengths,
            facility_codes_not_listed: &reader.strange_codes,
        }
    }
}

/// The outbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outbox)]
pub struct OutboxJson<'a> {
    waiting: usize,
    #[schema(format = DateTime)]
    oldest_waiting: Option<String>,
    sending: usize,
    in_doubt: usize,
    for_a_person: Vec<ForAPersonJson<'a>>,
    refused_today: usize,
    #[schema(format = DateTime)]
    last_accepted: Option<String>,
    /// Entries that wait for another BluSKY.
    elsewhere: usize,
    /// Why a PIN or password that waits cannot be sent.
    sealed: Option<&'a str>,
    /// Why the anchor cannot tell whether the store is an older one, and what to do.
    anchor: Option<&'a str>,
    findings: &'a [String],
    /// Listed by the site, and no card with them was ever accepted, where others were.
    facility_codes_never_seen: &'a [u64],
}

impl<'a> OutboxJson<'a> {
    /// An outbox that is so.
    #[must_use]
    pub fn of(outbox: &'a Overview) -> Self {
        let tally = &outbox.tally;
        Self {
            waiting: tally.waiting,
            oldest_waiting: tally.oldest_waiting.map(time),
            sending: tally.sending,
            in_doubt: tally.in_doubt,
            for_a_person: tally.for_a_person.iter().map(ForAPersonJson::of).collect(),
            refused_today: tally.refused_today,
            last_accepted: tally.last_accepted.map(time),
            elsewhere: tally.elsewhere,
            sealed: outbox.sealed.as_deref(),
            anchor: outbox.anchor.as_deref(),
            findings: &outbox.findings,
            facility_codes_never_seen: &outbox.codes_never_seen,
        }
    }
}

/// An entry that goes no further without a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForAPerson)]
struct ForAPersonJson<'a> {
    enrollment: Uuid,
    #[schema(format = DateTime)]
    saved_at: String,
    why: &'a str,
    /// What to do.
    help: String,
}

impl<'a> ForAPersonJson<'a> {
    fn of(entry: &'a ForAPerson) -> Self {
        let id = entry.id;
        let help = if entry.can_be_read_back {
            format!("look at the user's cards in BluSKY, then `cardbridge outbox retry {id}` or `discard {id}`")
        } else {
            format!("look for the user in BluSKY, then `cardbridge outbox retry {id} --absent` or `discard {id}`")
        };
        Self { enrollment: id, saved_at: time(entry.saved_at), why: &entry.why, help }
    }
}

/// The way to BluSKY, and what is known of its calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Blusky)]
pub struct BluskyJson<'a> {
    base_url: &'a str,
    #[schema(format = DateTime)]
    reached: Option<String>,
    /// How many seconds ago it answered last.
    #[schema(minimum = 0)]
    reached_s: Option<i64>,
    #[schema(format = DateTime)]
    away_since: Option<String>,
    /// Why nothing is delivered until somebody acts.
    stopped: Option<&'a str>,
    calls: Vec<CallJson<'a>>,
}

/// What is known of one of BluSKY's calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownCall)]
struct CallJson<'a> {
    call: &'a str,
    /// This BluSKY has it.
    exists: bool,
    #[schema(format = DateTime)]
    at: String,
    success_codes: &'a BTreeSet<i64>,
    refusal_codes: &'a BTreeSet<i64>,
}

impl<'a> BluskyJson<'a> {
    /// The way to the BluSKY at this address.
    #[must_use]
    pub fn of(base_url: &'a str, health: &'a BluskyHealth, tally: &'a Tally, now: DateTime<Utc>) -> Self {
        let reached = health.reached.max(tally.reached);
        let calls = tally.calls.iter().map(|(call, seen)| CallJson {
            call,
            exists: seen.exists,
            at: time(seen.at),
            success_codes: &seen.success_codes,
            refusal_codes: &seen.refusal_codes,
        });
        Self {
            base_url,
            reached: reached.map(time),
            reached_s: reached.map(|at| (now - at).num_seconds().max(0)),
            away_since: health.away_since.map(time),
            stopped: health.stopped.as_ref().or(tally.stopped()).map(String::as_str),
            calls: calls.collect(),
        }
    }
}
