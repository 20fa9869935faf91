//! How the readers and the way to BluSKY are, as the station has seen them since it began.
//!
//! In: what happens at readers, the notices told about them, what became of calls. Out: plain values that `GET /v1/station` shows.
//! Never: a card's number; of a card its length and its facility code are kept, as counts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    card::Reading,
    enroll::policy::SitePolicy,
    reader::{ReaderEvent, ReaderName, configured_name},
};

use super::Notice;

/// So many facility codes are counted apart at most.
const MOST_CODES: usize = 16;

/// How a configured reader is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReaderHealth {
    /// Its name.
    pub name: String,
    /// It is there; of several devices, one of them is.
    pub up: bool,
    /// Why it is not there, or a device of it is not; none where nobody has looked.
    pub why: Option<String>,
    /// Since when it is there, or not there; none where nobody has looked.
    pub since: Option<DateTime<Utc>>,
    /// When it was heard last.
    pub last_heard: Option<DateTime<Utc>>,
    /// How many bytes came that were no card.
    pub noise_bytes: u64,
    /// How many cards were read.
    pub cards: u64,
    /// The cards whose bits were told, by their number.
    pub lengths: BTreeMap<usize, Fitting>,
    /// The cards of this site's formats, by facility codes that the site does not list, where it lists any.
    pub strange_codes: BTreeMap<u64, u64>,
}

/// Cards of one length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fitting {
    /// How many were read.
    pub cards: u64,
    /// How many of them fit a format that the site uses.
    pub fit: u64,
}

/// Whether the store takes what is ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// Why it is not where it was.
    pub gone: Option<String>,
    /// Why the last order, or what came of one, could not be written down; none once something was.
    pub unsaved: Option<String>,
}

impl StoreHealth {
    /// Why nothing can be saved.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.gone.as_deref().or(self.unsaved.as_deref())
    }
}

/// How the way to BluSKY is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BluskyHealth {
    /// When it answered last.
    pub reached: Option<DateTime<Utc>>,
    /// It answered with errors, or not at all, since it answered last; so it may be away.
    pub fails: bool,
    /// Since when it is known to be away.
    pub away_since: Option<DateTime<Utc>>,
    /// Why nothing is delivered until somebody acts.
    pub stopped: Option<String>,
}

impl ReaderHealth {
    /// A reader of which nothing has been seen.
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Something happens at the reader.
    fn happens(&mut self, event: &ReaderEvent, now: DateTime<Utc>) {
        match event {
            ReaderEvent::Up => (self.why, self.since) = (None, Some(now)),
            ReaderEvent::Lost { why } => {
                // It was gone before, and why may be said anew.
                if self.why.is_none() {
                    self.since = Some(now);
                }
                self.why = Some(why.clone());
            }
            ReaderEvent::Note(_) => {}
            // A reader that is asked all the time answers all the time: to the second is enough.
            _ if self.last_heard.is_some_and(|last| (TimeDelta::zero()..TimeDelta::seconds(1)).contains(&(now - last))) => {}
            _ => self.last_heard = Some(now),
        }
    }

    fn read(&mut self, reading: &Reading, policy: &SitePolicy) {
        self.cards += 1;
        let used = policy.named_formats();
        let is_used = |format: &str| used.is_empty() || used.iter().any(|name| name == format);
        if let Some(bits) = &reading.presentation.bits {
            let fitting = self.lengths.entry(bits.len()).or_default();
            fitting.cards += 1;
            fitting.fit += u64::from(reading.fits.iter().any(|fit| is_used(&fit.format)));
        }
        let codes = || reading.fits.iter().filter(|fit| is_used(&fit.format)).filter_map(|fit| fit.credential.facility_code);
        let is_listed = policy.facility_codes.is_empty() || codes().any(|code| policy.facility_codes.contains(&code.0));
        for code in codes().filter(|_| !is_listed) {
            if self.strange_codes.len() < MOST_CODES || self.strange_codes.contains_key(&code.0) {
                *self.strange_codes.entry(code.0).or_default() += 1;
            }
        }
    }
}

/// The reader of these that a device belongs to.
fn of<'h>(readers: &'h mut [ReaderHealth], device: &str) -> Option<&'h mut ReaderHealth> {
    readers.iter_mut().find(|reader| reader.name == configured_name(device))
}

/// Something happens at a reader.
pub(super) fn happens(readers: &mut [ReaderHealth], device: &str, event: &ReaderEvent, now: DateTime<Utc>) {
    if let Some(reader) = of(readers, device) {
        reader.happens(event, now);
    }
}

/// These devices are there, after something happened at that one.
pub(super) fn there(readers: &mut [ReaderHealth], device: &str, up: &[ReaderName]) {
    if let Some(reader) = of(readers, device) {
        reader.up = up.iter().any(|name| configured_name(name) == reader.name);
    }
}

/// People are told something about a reader.
pub(super) fn told(readers: &mut [ReaderHealth], notice: &Notice, policy: &SitePolicy) {
    match notice {
        Notice::Noise(device, count) => {
            if let Some(reader) = of(readers, device) {
                reader.noise_bytes += *count as u64;
            }
        }
        // What is typed is no card, and a PIN's digits are no facility code.
        Notice::Read(reading) if !reading.is_typed() => {
            let device = reading.presentation.reader.as_deref().unwrap_or_default();
            if let Some(reader) = of(readers, device) {
                reader.read(reading, policy);
            }
        }
        _ => {}
    }
}
