//! Bytes or keys that are no card, counted until people are to be told of them.
//!
//! In: a count, and when. Out: what is to be told, at once and then once a minute at most, and a deadline. Never: a clock.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// People are told of noise no more often than this.
const NOISE_EVERY: Duration = Duration::from_secs(60);

/// The noise at one reader.
#[derive(Debug, Clone, Default)]
pub struct Noise {
    count: usize,
    told: Option<DateTime<Utc>>,
}

impl Noise {
    /// So much more came; how much is to be told now.
    pub fn count(&mut self, more: usize, now: DateTime<Utc>) -> Option<usize> {
        self.count += more;
        let is_due = self.told.is_none_or(|told| now < told) || self.due().is_some_and(|due| now >= due);
        if self.count == 0 || !is_due {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }

    /// When people are to be told of noise that they have not been told of.
    #[must_use]
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.told.filter(|_| self.count > 0).map(|told| told + NOISE_EVERY)
    }
}
