//! For which requests does a fault come?

use std::{fmt, str::FromStr};

/// For which requests, of those a fault can meet since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// `:3`: the first three.
    First(u64),
    /// `:after=3`: all but the first three.
    After(u64),
    /// `:every=3`: the third, the sixth, and so on.
    Every(u64),
}

impl When {
    /// Whether the request after `earlier` others is met.
    pub fn meets(self, earlier: u64) -> bool {
        match self {
            When::Always => true,
            When::First(count) => earlier < count,
            When::After(count) => earlier >= count,
            When::Every(count) => earlier % count == count - 1,
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, count): (fn(u64) -> When, _) = match text.split_once('=') {
            None => (When::First, text),
            Some(("after", count)) => (When::After, count),
            Some(("every", count)) => (When::Every, count),
            Some(_) => (When::First, ""),
        };
        let count = count.parse().ok().filter(|count| *count > 0);
        count.map(of).ok_or_else(|| "after the colon stands a number of requests, 1 or more: 3, after=3 or every=3".to_owned())
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Always => Ok(()),
            When::First(count) => write!(f, ":{count}"),
            When::After(count) => write!(f, ":after={count}"),
            When::Every(count) => write!(f, ":every={count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_the_requests_it_names() {
        let met = |when: When| (0..7).filter(|earlier| when.meets(*earlier)).collect::<Vec<_>>();
        assert_eq!(met(When::First(2)), [0, 1]);
        assert_eq!(met(When::After(5)), [5, 6]);
        assert_eq!(met(When::Every(3)), [2, 5]);
    }
}
