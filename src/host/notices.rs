//! What a station told, numbered and kept for a while, for any number of listeners.
//!
//! In: notices, one after the other. Out: the same to each listener, in order, from wherever it left off. Never: a listener that
//! holds anybody up; one that was away too long is told how much it missed.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use crate::station::Notice;

/// How many notices are kept.
const KEPT_NOTICES: usize = 1024;

/// A notice with its place among all.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// Higher than that of the one before.
    pub number: u64,
    /// What was told.
    pub notice: Notice,
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq)]
pub enum NextNotice {
    /// The next notice.
    Notice(Arc<Numbered>),
    /// How many notices are no longer kept; the next one is the oldest. None where they were an earlier station's, and nobody knows.
    Missed(Option<u64>),
}

/// The notices of a station.
#[derive(Debug)]
pub struct Notices {
    /// Higher than all numbers of the stations before.
    before: u64,
    kept: Mutex<VecDeque<Arc<Numbered>>>,
    last: watch::Sender<u64>,
    is_over: AtomicBool,
}

/// So many numbers are free for each millisecond: no station tells as much.
const NUMBERS_A_MILLISECOND: i64 = 1 << 12;
/// When 2025 began, in milliseconds: numbers stay below 2^53 for two lifetimes.
const BEGAN_MS: i64 = 1_735_689_600_000;

impl Notices {
    /// Those of a station that begins now: whoever left off at an earlier one is known by the lower number.
    #[must_use]
    pub fn of_now(now: DateTime<Utc>) -> Self {
        let number = now.timestamp_millis().saturating_sub(BEGAN_MS).saturating_mul(NUMBERS_A_MILLISECOND);
        Self::behind(u64::try_from(number).unwrap_or_default())
    }

    /// Those behind this number.
    #[must_use]
    pub fn behind(before: u64) -> Self {
        Self { before, kept: Mutex::default(), last: watch::Sender::new(before), is_over: AtomicBool::new(false) }
    }

    /// The next notice, for everybody.
    pub fn tell(&self, numbered: Numbered) {
        let number = numbered.number;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::new(numbered));
        if kept.len() > KEPT_NOTICES {
            kept.pop_front();
        }
        drop(kept);
        self.last.send_replace(number);
    }

    /// Ends it: each listener hears the notices that are left, and then the end.
    pub fn close(&self) {
        self.is_over.store(true, Ordering::Release);
        self.last.send_modify(|_| {});
    }

    /// The number of the last notice.
    #[must_use]
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// The last notice about an order, as far as it is kept.
    #[must_use]
    pub fn last_about(&self, order: Uuid) -> Option<Arc<Numbered>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|numbered| numbered.notice.order() == Some(order)).cloned()
    }

    /// A listener that goes on after the notice of that number.
    #[must_use]
    pub fn listen(self: &Arc<Self>, after: u64) -> Listener {
        Listener { changed: self.last.subscribe(), notices: self.clone(), after }
    }

    /// The first notice after that number, and how many before it are gone.
    fn after(&self, after: u64) -> Option<(u64, Arc<Numbered>)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = kept.front()?;
        let at = usize::try_from((after + 1).saturating_sub(oldest.number)).ok()?;
        let next = kept.get(at)?.clone();
        Some((next.number - after - 1, next))
    }
}

/// One who listens.
#[derive(Debug)]
pub struct Listener {
    notices: Arc<Notices>,
    changed: watch::Receiver<u64>,
    after: u64,
}

impl Listener {
    /// The next one; `None` once the station has ended. Nothing is lost if the wait is cancelled.
    pub async fn next(&mut self) -> Option<NextNotice> {
        loop {
            self.changed.borrow_and_update();
            if let Some(heard) = self.at_hand() {
                return Some(heard);
            }
            if self.notices.is_over.load(Ordering::Acquire) {
                return None;
            }
            self.changed.changed().await.ok()?;
        }
    }

    fn at_hand(&mut self) -> Option<NextNotice> {
        if self.after == self.notices.last() {
            return None;
        }
        // A number that is too low or too high is from a station that ran here before; 0 is from the beginning.
        if self.after < self.notices.before || self.after > self.notices.last() {
            let after = std::mem::replace(&mut self.after, self.notices.before);
            return if after > 0 { Some(NextNotice::Missed(None)) } else { self.at_hand() };
        }
        let (missed, next) = self.notices.after(self.after)?;
        if missed > 0 {
            self.after = next.number - 1;
            return Some(NextNotice::Missed(Some(missed)));
        }
        self.after = next.number;
        Some(NextNotice::Notice(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(notices: &Notices, numbers: std::ops::RangeInclusive<u64>) {
        numbers.for_each(|number| notices.tell(Numbered { number, notice: Notice::Away(number % 2 == 0, None) }));
    }

    fn number(heard: Option<NextNotice>) -> u64 {
        let Some(NextNotice::Notice(numbered)) = heard else { panic!("{heard:?}") };
        numbered.number
    }

    #[tokio::test]
    async fn every_listener_hears_everything_from_where_it_left_off() {
        let notices = Arc::new(Notices::behind(0));
        let mut first = notices.listen(0);
        tell(&notices, 1..=3);
        let mut second = notices.listen(2);
        assert_eq!([number(first.next().await), number(first.next().await), number(first.next().await)], [1, 2, 3]);
        assert_eq!(number(second.next().await), 3);
        tell(&notices, 4..=4);
        assert_eq!((number(first.next().await), number(second.next().await)), (4, 4));
    }

    #[tokio::test]
    async fn a_listener_that_was_away_too_long_is_told_how_much_it_missed() {
        let notices = Arc::new(Notices::behind(0));
        tell(&notices, 1..=5);
        let mut listener = notices.listen(5);
        tell(&notices, 6..=KEPT_NOTICES as u64 + 10);
        assert_eq!(listener.next().await, Some(NextNotice::Missed(Some(5))));
        assert_eq!(number(listener.next().await), 11);
    }

    #[tokio::test]
    async fn whoever_listens_hears_what_is_left_and_then_the_end() {
        let notices = Arc::new(Notices::behind(0));
        let mut listener = notices.listen(0);
        tell(&notices, 1..=1);
        notices.close();
        assert_eq!((number(listener.next().await), listener.next().await), (1, None));
    }

    #[tokio::test]
    async fn a_number_of_an_earlier_station_means_everything_of_this_one_and_that_some_of_that_one_may_be_missed() {
        let notices = Arc::new(Notices::behind(500));
        let early = notices.listen(4).next().await;
        tell(&notices, 501..=502);
        for earlier in [4, 499, 900] {
            let mut listener = notices.listen(earlier);
            assert_eq!((listener.next().await, &early), (Some(NextNotice::Missed(None)), &Some(NextNotice::Missed(None))), "{earlier}");
            assert_eq!([number(listener.next().await), number(listener.next().await)], [501, 502], "{earlier}");
        }
        let mut listener = notices.listen(0);
        assert_eq!([number(listener.next().await), number(listener.next().await)], [501, 502], "from the beginning");
    }
}
