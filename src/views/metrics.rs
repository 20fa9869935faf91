//! How a station is, for a monitoring system: the Prometheus text that `GET /metrics` answers.
//!
//! In: what was counted and seen, the time. Out: OpenMetrics text. Never: a card's number, a person's name, or BluSKY's own words; the
//! only label is a reader's name.

use std::fmt;

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    outbox::tally::Overview,
    station::health::{BluskyHealth, ReaderHealth},
};

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a station is.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// Its readers.
    pub readers: &'a [ReaderHealth],
    /// Why nothing can be saved.
    pub unsaved: Option<&'a str>,
    /// Its outbox.
    pub outbox: &'a Overview,
    /// The way to BluSKY.
    pub blusky: &'a BluskyHealth,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    reader: String,
}

/// The metrics, each with its meaning and its unit.
///
/// # Errors
/// None that is known: the text is written to memory.
pub fn text(seen: Measured<'_>, now: DateTime<Utc>) -> Result<String, fmt::Error> {
    let mut all = Registry::with_prefix("cardbridge");
    readers(&mut all, seen.readers);
    gauge(
        &mut all,
        "store_writable",
        "Whether the last order could be saved, and the store is where it was",
        seen.unsaved.is_none().into(),
    );
    outbox(&mut all, seen.outbox, now);
    blusky(&mut all, seen, now);
    let mut text = String::new();
    encode(&mut text, &all).map(|()| text)
}

fn readers(all: &mut Registry, readers: &[ReaderHealth]) {
    let (up, cards, noise) = (Family::<At, Gauge>::default(), Family::<At, Counter>::default(), Family::<At, Counter>::default());
    for reader in readers {
        let at = At { reader: reader.name.clone() };
        up.get_or_create(&at).set(reader.up.into());
        cards.get_or_create(&at).inc_by(reader.cards);
        noise.get_or_create(&at).inc_by(reader.noise_bytes);
    }
    all.register("reader_up", "Whether the reader is there", up);
    all.register("reader_cards", "Cards read since the station began", cards);
    all.register("reader_noise_bytes", "Bytes that were no card, since the station began", noise);
}

fn outbox(all: &mut Registry, outbox: &Overview, now: DateTime<Utc>) {
    let tally = &outbox.tally;
    gauge(all, "outbox_waiting", "Entries that are saved and not yet sent", tally.waiting);
    gauge(all, "outbox_sending", "Entries that are being sent", tally.sending);
    gauge(all, "outbox_in_doubt", "Entries sent without a clear answer; BluSKY's record decides", tally.in_doubt);
    gauge(all, "outbox_for_a_person", "Entries that go no further without a person", tally.for_a_person.len());
    gauge(all, "outbox_elsewhere", "Entries that wait for another BluSKY than the configured one", tally.elsewhere);
    gauge(all, "outbox_refused_today", "Entries that BluSKY refused since midnight", tally.refused_today);
    let damages = outbox.findings.len() + usize::from(outbox.sealed.is_some()) + usize::from(outbox.anchor.is_some());
    gauge(all, "store_damages", "Parts of the store that are damaged or missing", damages);
    age(all, "outbox_oldest_waiting_age_seconds", "Since the oldest waiting entry was saved", tally.oldest_waiting, now);
    age(all, "outbox_last_accepted_age_seconds", "Since an entry was accepted last", tally.last_accepted, now);
}

fn blusky(all: &mut Registry, seen: Measured<'_>, now: DateTime<Utc>) {
    let (tally, health) = (&seen.outbox.tally, seen.blusky);
    gauge(all, "blusky_away", "Whether BluSKY is known not to answer", usize::from(health.away_since.is_some()));
    let is_stopped = health.stopped.is_some() || tally.stopped().is_some();
    gauge(all, "blusky_stopped", "Whether nothing is delivered until somebody acts", usize::from(is_stopped));
    age(all, "blusky_reached_age_seconds", "Since BluSKY answered last", health.reached.max(tally.reached), now);
}

fn gauge(all: &mut Registry, name: &str, help: &str, value: usize) {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    all.register(name, help, gauge);
}

/// How long ago something was; left out where it never was. A clock that was set back counts as now.
fn age(all: &mut Registry, name: &str, help: &str, at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    let gauge = Gauge::<i64>::default();
    let Some(at) = at else { return };
    gauge.set((now - at).num_seconds().max(0));
    all.register(name, help, gauge);
}
