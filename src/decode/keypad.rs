//! A keypad: keys that come one after the other become what was entered.
//!
//! In: a key, or a time. Out: an entry, once the end key was pressed or nothing more came. Time
//! is an argument. Never: a card. What was entered is a secret: no `Debug` shows it.

use chrono::{DateTime, Utc};
use std::fmt;

use super::dialect::Dialect;
use crate::reader::{KeypadRules, ReaderHints};

impl ReaderHints {
    /// How keys become an entry: as the site says, else as the dialect does.
    #[must_use]
    pub fn keypad_of(&self, dialect: Option<&Dialect>) -> KeypadRules {
        let known = dialect.map_or_else(KeypadRules::default, |dialect| dialect.keypad.over(KeypadRules::default()));
        self.keypad.over(known)
    }
}

/// What stands on the keys, in the order of the numbers that a card format's `key` gives them: `*` is 10, `#` is 11.
pub const KEYS: &str = "0123456789*#ABCDEFGH";

/// The most keys of one entry; more are dropped, and the entry is none.
const LONGEST_ENTRY: usize = 32;

/// Why an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The end key was pressed; or there is none, and nothing more was.
    AsAgreed,
    /// Nobody ended it: nothing more was pressed, or a card was shown. Perhaps it was given up.
    GivenUp,
}

/// What was entered.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedEntry {
    /// The keys, the end key not among them.
    pub keys: String,
    /// Why it ended.
    pub ended: Ended,
}

/// The keys pressed so far.
#[derive(Clone, Default)]
pub struct Keypad {
    rules: KeypadRules,
    keys: String,
    last: Option<DateTime<Utc>>,
}

impl Keypad {
    /// A keypad at which nothing was pressed yet.
    #[must_use]
    pub fn new(rules: KeypadRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// A key was pressed. What was begun and left lying before it is no part of a new entry; ask [`Self::time`] first.
    pub fn press(&mut self, key: char, at: DateTime<Utc>) -> Option<TypedEntry> {
        if self.deadline().is_some_and(|deadline| at >= deadline) {
            self.keys.clear();
        }
        self.last = Some(at);
        match key {
            key if Some(key) == self.rules.end => return self.ended(Ended::AsAgreed),
            key if Some(key) == self.rules.clear => self.keys.clear(),
            key if self.keys.len() <= LONGEST_ENTRY => self.keys.push(key),
            _ => {}
        }
        None
    }

    /// When an entry ends if nothing more is pressed; none where nothing was pressed.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.last.filter(|_| !self.keys.is_empty())?.checked_add_signed(chrono::TimeDelta::from_std(self.rules.time_out).ok()?)
    }

    /// Time has passed.
    pub fn time(&mut self, now: DateTime<Utc>) -> Option<TypedEntry> {
        if self.deadline().is_some_and(|deadline| now >= deadline) { self.give_up() } else { None }
    }

    /// Something else has begun at the reader.
    pub fn give_up(&mut self) -> Option<TypedEntry> {
        self.ended(if self.rules.end.is_none() { Ended::AsAgreed } else { Ended::GivenUp })
    }

    fn ended(&mut self, ended: Ended) -> Option<TypedEntry> {
        let keys = std::mem::take(&mut self.keys);
        (!keys.is_empty() && keys.len() <= LONGEST_ENTRY).then_some(TypedEntry { keys, ended })
    }
}

/// The number of that key.
#[must_use]
pub fn number(key: &str) -> Option<u64> {
    KEYS.chars().zip(0..).find(|(known, _)| key == known.to_string()).map(|(_, number)| number)
}

/// The key of that number.
#[must_use]
pub fn key(number: u128) -> Option<char> {
    KEYS.chars().nth(usize::try_from(number).ok()?)
}

/// Shows how many keys there are, not which.
impl fmt::Debug for Keypad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypad({} keys)", self.keys.len())
    }
}

/// Shows how many keys there are, not which.
impl fmt::Debug for TypedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedEntry({} keys, {:?})", self.keys.len(), self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn press(keypad: &mut Keypad, keys: &str, seconds: i64) -> Option<TypedEntry> {
        keys.chars().map(|key| keypad.press(key, at(seconds))).last().flatten()
    }

    #[test]
    fn the_end_key_makes_keys_an_entry() {
        let mut keypad = Keypad::default();
        assert_eq!(press(&mut keypad, "1234", 0), None);
        assert_eq!(press(&mut keypad, "#", 1), Some(TypedEntry { keys: "1234".into(), ended: Ended::AsAgreed }));
        assert_eq!(press(&mut keypad, "#", 2), None, "an end key alone enters nothing");
    }

    #[test]
    fn the_clear_key_throws_away_what_was_pressed() {
        let mut keypad = Keypad::default();
        assert_eq!(press(&mut keypad, "99*1234#", 0).unwrap().keys, "1234");
    }

    #[test]
    fn an_entry_ends_when_nothing_more_is_pressed() {
        let mut keypad = Keypad::default();
        press(&mut keypad, "12", 0);
        press(&mut keypad, "3", 4);
        assert_eq!((keypad.deadline(), keypad.time(at(8))), (Some(at(9)), None));
        assert_eq!(keypad.time(at(9)), Some(TypedEntry { keys: "123".into(), ended: Ended::GivenUp }));
        assert_eq!((keypad.deadline(), keypad.time(at(99))), (None, None));
    }

    #[test]
    fn the_site_says_which_keys_end_and_clear_and_how_long_a_pause_may_be() {
        let rules = KeypadRules { end: Some('A'), clear: None, time_out: std::time::Duration::from_secs(2) };
        let mut keypad = Keypad::new(rules);
        assert_eq!(press(&mut keypad, "1*2#A", 0), Some(TypedEntry { keys: "1*2#".into(), ended: Ended::AsAgreed }));
        press(&mut keypad, "34", 10);
        assert_eq!(keypad.time(at(12)), Some(TypedEntry { keys: "34".into(), ended: Ended::GivenUp }));
        let mut endless = Keypad::new(KeypadRules { end: None, ..rules });
        assert_eq!(press(&mut endless, "12#", 20), None);
        assert_eq!(endless.time(at(22)), Some(TypedEntry { keys: "12#".into(), ended: Ended::AsAgreed }), "nothing else can end it");
    }

    #[test]
    fn keys_left_lying_are_no_part_of_the_next_entry() {
        let mut keypad = Keypad::default();
        press(&mut keypad, "99", 0);
        assert_eq!(press(&mut keypad, "1234#", 60).unwrap().keys, "1234");
    }

    #[test]
    fn a_key_that_is_stuck_enters_nothing() {
        let mut keypad = Keypad::default();
        press(&mut keypad, &"5".repeat(1000), 0);
        assert_eq!(press(&mut keypad, "#", 1), None);
    }

    #[test]
    fn what_was_entered_is_never_shown() {
        let mut keypad = Keypad::default();
        press(&mut keypad, "1234", 0);
        let shown = format!("{keypad:?} {:?}", press(&mut keypad, "#", 0).unwrap());
        assert!(!shown.contains("1234"), "{shown}");
    }
}
