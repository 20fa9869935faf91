//! Counts codes that are nobody's: whoever tries many waits longer and longer, and a right one between them does not help.
//!
//! In: a try, a time. Out: how long nothing is taken. Never: which code it was.

use chrono::{DateTime, TimeDelta, Utc};

/// So many wrong codes are free.
const FREE: u32 = 3;
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// After this time without a wrong code, one less counts.
const FORGIVES: TimeDelta = TimeDelta::minutes(5);

/// The wrong codes of late.
#[derive(Debug, Default)]
pub(super) struct Tries {
    wrong: u32,
    last: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl Tries {
    /// A code that is nobody's.
    pub(super) fn wrong(&mut self, now: DateTime<Utc>) {
        let quiet = self.last.map_or(TimeDelta::zero(), |last| now - last).num_seconds().max(0) / FORGIVES.num_seconds();
        self.wrong = self.wrong.saturating_sub(u32::try_from(quiet).unwrap_or(u32::MAX)) + 1;
        self.last = Some(now);
        let pause = self.wrong.checked_sub(FREE).map(|more| TimeDelta::seconds(2_i64 << more.min(10)).min(LONGEST_PAUSE));
        self.until = pause.map(|pause| now + pause);
    }

    /// Until when nothing is taken.
    pub(super) fn until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.until.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_tries_codes_waits_longer_and_longer_and_a_person_who_mistypes_twice_does_not() {
        let (mut tries, mut now, mut pauses) = (Tries::default(), DateTime::UNIX_EPOCH, Vec::new());
        for _ in 0..12 {
            tries.wrong(now);
            let pause = tries.until(now).map_or(TimeDelta::zero(), |until| until - now);
            pauses.push(pause.num_seconds());
            now += pause;
        }
        assert_eq!(pauses, [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        // An hour later one more is like one of a person's.
        now += TimeDelta::hours(2);
        tries.wrong(now);
        assert_eq!(tries.until(now), None);
        // However patient the machine is, in a day it gets through some hundred codes.
        let (end, mut tried) = (now + TimeDelta::days(1), 0);
        while now < end {
            tries.wrong(now);
            tried += 1;
            now = tries.until(now).unwrap_or(now + TimeDelta::seconds(1));
        }
        assert!((100..400).contains(&tried), "{tried}");
    }
}
