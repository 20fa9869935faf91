//! Whether BluSKY takes calls now: one answer for all entries.
//!
//! In: what became of each call, and the time by a clock that nobody sets. Out: whether the next call may be made, one try of it, or nothing before some time.
//! Never: anything written down; a pause is shared by all entries and costs none of them a step.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::progress::backoff;

/// What a call says about the way to BluSKY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// It was answered, however.
    Answered,
    /// BluSKY cannot be reached, or asks to be left alone for this long.
    Away(Option<TimeDelta>),
    /// The call is at fault whatever it is about, and so is every other.
    Stopped,
    /// A server fault, or no answer: it concerns this entry alone, until several entries in a row meet it.
    Trouble,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Any.
    Open,
    /// One, for another entry than the last: a call that changes nothing where there is one, to see whether BluSKY is back.
    Ask,
    /// One, for another entry than the last.
    Try,
    /// None before this time.
    Closed(DateTime<Utc>),
}

/// After this many server faults in a row, at entries of different users, BluSKY counts as away.
const IN_A_ROW: usize = 3;
/// Whoever waits for an outcome does not wait for so long a pause.
const LONG_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// The way to BluSKY.
#[derive(Debug, Default)]
pub struct Reach {
    closed: Option<Closed>,
    /// The users whose entries met trouble since the last answer, each once.
    troubled: Vec<Option<Uuid>>,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    tries: u32,
    is_stopped: bool,
    /// BluSKY itself has asked for the pause.
    is_asked: bool,
}

impl Reach {
    /// Whether a call may be made now.
    #[must_use]
    pub fn entrance(&self, now: DateTime<Utc>) -> Entrance {
        match self.closed {
            None => Entrance::Open,
            Some(closed) if now < closed.until => Entrance::Closed(closed.until),
            Some(closed) if closed.is_stopped => Entrance::Try,
            Some(_) => Entrance::Ask,
        }
    }

    /// True while BluSKY is known to be away: two tries in a row did not reach it, or it asks to be left alone for long. Not where it is
    /// there and lets nothing through.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let is_long = |closed: &Closed| closed.until - closed.since >= LONG_PAUSE;
        self.closed.is_some_and(|closed| !closed.is_stopped && (closed.tries > 1 || is_long(&closed)))
    }

    /// Takes what became of a call for an entry that is about this user; `begun` is when the first call for it was begun.
    pub fn heard(&mut self, heard: &Reached, user: Option<Uuid>, begun: DateTime<Utc>, now: DateTime<Utc>) {
        match heard {
            Reached::Answered => *self = Self::default(),
            Reached::Away(pause) => self.close(*pause, false, begun, now),
            Reached::Stopped => self.close(None, true, begun, now),
            Reached::Trouble => {
                if !self.troubled.contains(&user) {
                    self.troubled.push(user);
                }
                if self.closed.is_some() || self.troubled.len() >= IN_A_ROW {
                    self.close(None, false, begun, now);
                }
            }
        }
    }

    /// A person asked for another try: the pause is over.
    pub fn asked_for(&mut self) {
        if let Some(closed) = &mut self.closed {
            closed.until = closed.since;
        }
    }

    /// Somebody has shown a card and waits: where BluSKY could only not be reached, it is looked at once whether it is back.
    pub fn ordered(&mut self) {
        if self.closed.is_some_and(|closed| !closed.is_stopped && !closed.is_asked) {
            self.asked_for();
        }
    }

    fn close(&mut self, pause: Option<TimeDelta>, is_stopped: bool, begun: DateTime<Utc>, now: DateTime<Utc>) {
        match &mut self.closed {
            // A call that was under way already when the way was closed is no further try. Only a pause that BluSKY asks for is news.
            Some(closed) if begun < closed.since => {
                if let Some(pause) = pause {
                    (closed.until, closed.is_asked) = (closed.until.max(now + pause), true);
                }
            }
            closed => {
                let tries = closed.map_or(0, |closed| closed.tries).saturating_add(1);
                let until = now + pause.unwrap_or_else(|| backoff(tries));
                *closed = Some(Closed { since: now, until, tries, is_stopped, is_asked: pause.is_some() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn user(number: u128) -> Option<Uuid> {
        Some(Uuid::from_u128(number))
    }

    #[test]
    fn an_absence_is_one_growing_pause_for_all_and_ends_with_the_first_answer() {
        let mut reach = Reach::default();
        let mut now = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            reach.heard(&Reached::Away(None), user(1), at(now), at(now));
            assert_eq!(reach.entrance(at(now)), Entrance::Closed(at(now + pause)));
            now += pause;
            assert_eq!(reach.entrance(at(now)), Entrance::Ask);
        }
        reach.heard(&Reached::Answered, user(2), at(now), at(now));
        assert_eq!(reach.entrance(at(now)), Entrance::Open);
    }

    #[test]
    fn a_busy_blusky_is_left_alone_for_as_long_as_it_asks() {
        let mut reach = Reach::default();
        reach.heard(&Reached::Away(Some(TimeDelta::seconds(300))), user(1), at(0), at(0));
        assert_eq!((reach.entrance(at(299)), reach.entrance(at(300))), (Entrance::Closed(at(300)), Entrance::Ask));
    }

    #[test]
    fn a_new_order_ends_a_pause_that_blusky_has_not_asked_for() {
        let entrance = |heard: Reached| {
            let mut reach = Reach::default();
            reach.heard(&heard, user(1), at(0), at(0));
            reach.ordered();
            reach.entrance(at(0))
        };
        assert_eq!(entrance(Reached::Away(None)), Entrance::Ask);
        assert_eq!(entrance(Reached::Away(Some(TimeDelta::seconds(300)))), Entrance::Closed(at(300)));
        assert_eq!(entrance(Reached::Stopped), Entrance::Closed(at(1)));
    }

    #[test]
    fn one_entrys_trouble_is_its_own_and_that_of_three_users_in_a_row_is_everybodys() {
        let mut reach = Reach::default();
        for number in [1, 1, 1, 2, 2] {
            reach.heard(&Reached::Trouble, user(number), at(0), at(0));
            assert_eq!(reach.entrance(at(0)), Entrance::Open);
        }
        reach.heard(&Reached::Answered, user(4), at(0), at(0));
        reach.heard(&Reached::Trouble, user(3), at(0), at(0));
        assert_eq!(reach.entrance(at(0)), Entrance::Open, "in a row");
        reach.heard(&Reached::Trouble, user(1), at(0), at(0));
        reach.heard(&Reached::Trouble, user(2), at(0), at(0));
        assert_eq!(reach.entrance(at(0)), Entrance::Closed(at(1)));
    }

    #[test]
    fn calls_that_were_under_way_when_blusky_went_away_are_no_further_tries() {
        let mut reach = Reach::default();
        for number in 1..=8 {
            reach.heard(&Reached::Away(None), user(number), at(0), at(5));
        }
        assert_eq!((reach.entrance(at(5)), reach.is_away()), (Entrance::Closed(at(6)), false), "nobody has tried again");
        reach.heard(&Reached::Away(None), user(9), at(6), at(7));
        assert_eq!((reach.entrance(at(7)), reach.is_away()), (Entrance::Closed(at(9)), true));
        // One of the first eight that took its time.
        reach.heard(&Reached::Trouble, user(10), at(0), at(8));
        assert_eq!(reach.entrance(at(8)), Entrance::Closed(at(9)));
        reach.heard(&Reached::Away(Some(TimeDelta::seconds(300))), user(11), at(0), at(8));
        reach.heard(&Reached::Away(None), user(12), at(0), at(8));
        assert_eq!(reach.entrance(at(8)), Entrance::Closed(at(308)), "what BluSKY asks for counts, whoever comes in after it");
    }

    #[test]
    fn trouble_with_the_try_after_a_pause_begins_the_next_pause_and_says_that_blusky_is_away() {
        let mut reach = Reach::default();
        reach.heard(&Reached::Away(None), user(1), at(0), at(0));
        reach.heard(&Reached::Trouble, user(2), at(1), at(1));
        assert_eq!((reach.entrance(at(1)), reach.entrance(at(3))), (Entrance::Closed(at(3)), Entrance::Ask));
        assert!(reach.is_away());
    }

    #[test]
    fn a_wish_for_another_try_ends_the_pause() {
        let mut reach = Reach::default();
        reach.heard(&Reached::Stopped, user(1), at(10), at(10));
        assert_eq!(reach.entrance(at(10)), Entrance::Closed(at(11)));
        reach.asked_for();
        assert_eq!(reach.entrance(at(10)), Entrance::Try);
    }
}
