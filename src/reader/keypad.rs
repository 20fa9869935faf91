//! How the keys of a keypad become an entry.
//!
//! In: what a dialect's file and a site's configuration say about a keypad. Out: the rules for it. Never: a key that was
//! pressed.

use std::time::Duration;

/// How the keys of a keypad become an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeypadRules {
    /// The key that ends an entry, and is no part of it; none where the time-out alone ends it.
    pub end: Option<char>,
    /// The key that throws away what was pressed so far; none where there is no such key.
    pub clear: Option<char>,
    /// An entry ends when no key was pressed for so long.
    pub time_out: Duration,
}

/// Nearly all keypads are printed so.
impl Default for KeypadRules {
    fn default() -> Self {
        Self { end: Some('#'), clear: Some('*'), time_out: Duration::from_secs(5) }
    }
}

/// What a file or a site says about a keypad, as far as it says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeypadHints {
    /// The key that ends an entry, or that there is none.
    pub end: Option<Option<char>>,
    /// The key that throws away what was pressed, or that there is none.
    pub clear: Option<Option<char>>,
    /// How long nothing may be pressed within an entry.
    pub time_out: Option<Duration>,
}

impl KeypadHints {
    /// The rules, where this says more than `rules` do.
    #[must_use]
    pub fn over(&self, rules: KeypadRules) -> KeypadRules {
        KeypadRules {
            end: self.end.unwrap_or(rules.end),
            clear: self.clear.unwrap_or(rules.clear),
            time_out: self.time_out.unwrap_or(rules.time_out),
        }
    }
}
