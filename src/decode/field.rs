//! One field of a card format: where its bits lie, how they make a number, and which numbers it can be.
//!
//! In: a frame's words, and out comes the number, or why it is none; or a number, and out come its bits. Reading and
//! writing are the same steps in both directions: the bits, their digits, `xor`, `add`, and what the number may be.

use std::sync::Arc;

use super::masks::{Gather, Mask};
use crate::card::Reason;

/// The years that a date on a card can have. A card that is in use expires in this century.
const YEARS: std::ops::RangeInclusive<u64> = 2000..=2099;

/// One field of a format.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// `facility_code`, `card_number`, `issue_code`, `oem_code`, or a name of the format's own.
    pub name: Arc<str>,
    /// The positions of its bits, most significant first.
    pub positions: Box<[usize]>,
    /// Four bits are one decimal digit.
    pub bcd: bool,
    /// The one value it can have.
    pub required: Option<u64>,
    /// The least value it can have.
    pub least: Option<u64>,
    /// The largest value it can have, where that is not its width's.
    pub most: Option<u64>,
    /// It is a day of this century, as the number YYYYMMDD.
    pub date: bool,
    /// The bits that the card has turned over.
    pub xor: u64,
    /// What is added to the card's bits to make the number.
    pub add: i64,
    /// For keys of a keypad: the number that each key sends, and the number it stands for. Empty for anything else.
    pub keys: Arc<[(u64, u64)]>,
    pub(crate) gather: Gather,
}

impl Field {
    /// A field of that name with these bits, most significant first; any number of that width.
    #[must_use]
    pub fn new(name: &str, positions: impl Into<Box<[usize]>>) -> Self {
        Self { name: name.into(), positions: positions.into(), ..Self::default() }.folded()
    }

    /// The same, made ready to read. To be called once nothing changes any more.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.gather = Gather::new(&self.positions, self.bcd);
        self
    }

    /// True where the other one makes the same number, of the same name, of the same bits.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let shape = |of: &Self| (of.bcd, of.required, of.least, of.most, of.date, of.xor, of.add);
        (&self.name, &self.positions, &self.keys) == (&other.name, &other.positions, &other.keys) && shape(self) == shape(other)
    }

    /// The number, or its low 64 bits.
    ///
    /// # Errors
    /// A digit above nine, or a number that this field cannot have.
    #[inline]
    pub(crate) fn read(&self, words: &Mask) -> Result<u64, Reason> {
        let raw = self.gather.low_64(words).ok_or(Reason::Digits)?;
        if self.is_plain() {
            return Ok(raw);
        }
        if !self.keys.is_empty() {
            return self.key(raw).ok_or(Reason::Range);
        }
        let value = (raw ^ self.xor).checked_add_signed(self.add).ok_or(Reason::Range)?;
        if self.allows(value.into()) { Ok(value) } else { Err(Reason::Range) }
    }

    /// The whole number, up to 128 bits, of bits that the field has read.
    pub(super) fn number(&self, words: &Mask) -> u128 {
        let raw = self.gather.number(words).unwrap_or_default();
        if !self.keys.is_empty() {
            return self.key(raw as u64).unwrap_or_default().into();
        }
        (raw ^ u128::from(self.xor)).saturating_add_signed(self.add.into())
    }

    /// The key that a keypad sends as that number.
    fn key(&self, sent: u64) -> Option<u64> {
        self.keys.iter().find(|(number, _)| *number == sent).map(|(_, key)| *key)
    }

    /// True where every number of its width is one, as it stands.
    pub(crate) fn is_plain(&self) -> bool {
        self.least.is_none() && self.most.is_none() && !self.date && self.xor == 0 && self.add == 0 && self.keys.is_empty()
    }

    /// True where the field can have that number.
    #[must_use]
    pub fn allows(&self, value: u128) -> bool {
        let is_day = || u64::try_from(value).is_ok_and(is_day);
        if !self.keys.is_empty() {
            return self.keys.iter().any(|(_, key)| u128::from(*key) == value);
        }
        (self.min()..=self.max()).contains(&value) && (!self.date || is_day())
    }

    /// The least number.
    #[must_use]
    pub fn min(&self) -> u128 {
        match (self.least, self.date) {
            (Some(least), _) => least.into(),
            (None, true) => u128::from(*YEARS.start()) * 10_000 + 101,
            (None, false) => u128::try_from(self.add).unwrap_or(0),
        }
    }

    /// The largest number: its width in bits, or in digits, where nothing else is said.
    #[must_use]
    pub fn max(&self) -> u128 {
        if let Some(key) = self.keys.iter().map(|(_, key)| *key).max() {
            return key.into();
        }
        match (self.most, self.date) {
            (Some(most), _) => most.into(),
            (None, true) => u128::from(*YEARS.end()) * 10_000 + 1231,
            (None, false) => self.widest().saturating_add_signed(self.add.into()),
        }
    }

    /// The largest number of its bits alone.
    #[must_use]
    pub fn widest(&self) -> u128 {
        let width = self.positions.len() as u32;
        if self.bcd { 10_u128.saturating_pow(width / 4) - 1 } else { 1_u128.checked_shl(width).map_or(u128::MAX, |top| top - 1) }
    }

    /// One of the numbers that the field can have: a different one for every `n`, until they are all used up.
    #[must_use]
    pub fn nth(&self, n: u128) -> u128 {
        if let Some(required) = self.required {
            return required.into();
        }
        if !self.keys.is_empty() {
            return self.keys.get((n % self.keys.len() as u128) as usize).map_or(0, |(_, key)| (*key).into());
        }
        if self.date {
            let (year, month, day) = (n % 100, n / 100 % 12, n / 1200 % 28);
            return (u128::from(*YEARS.start()) + year) * 10_000 + (month + 1) * 100 + day + 1;
        }
        let count = (self.max() - self.min()).checked_add(1);
        self.min() + count.map_or(n, |count| n % count)
    }

    /// The chance that random bits are a number of this field.
    #[must_use]
    pub fn odds(&self) -> f64 {
        let digits = if self.bcd { 0.625_f64.powi((self.positions.len() / 4) as i32) } else { 1.0 };
        if !self.keys.is_empty() {
            return self.keys.len() as f64 / (self.widest() as f64 + 1.0);
        }
        let allowed = match (self.date, self.is_plain() || self.required.is_some()) {
            (true, _) => YEARS.flat_map(|year| (1..=12).map(move |month| days_in(year, month))).sum::<u64>() as f64,
            (_, true) => return digits,
            _ => (self.max().saturating_sub(self.min())) as f64 + 1.0,
        };
        digits * (allowed / (self.widest() as f64 + 1.0)).min(1.0)
    }

    /// The bits that a number has in this field, each with its position.
    pub(crate) fn bits_of(&self, value: u128) -> impl Iterator<Item = (usize, bool)> + '_ {
        let sent = self.keys.iter().find(|(_, key)| u128::from(*key) == value).map(|(sent, _)| u128::from(*sent));
        let raw = sent.unwrap_or_else(|| value.saturating_add_signed(-i128::from(self.add)) ^ u128::from(self.xor));
        let digit = move |at: usize| raw / 10_u128.saturating_pow(at as u32) % 10;
        let bcd = self.bcd;
        let bit = move |at: usize| if bcd { digit(at / 4) >> (at % 4) & 1 == 1 } else { raw >> at & 1 == 1 };
        self.positions.iter().rev().enumerate().map(move |(at, position)| (*position, bit(at)))
    }

    /// The bits that must be so, because the field has one value only.
    pub(super) fn required_bits(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.required.into_iter().flat_map(|value| self.bits_of(value.into()))
    }

    /// What the field says of a number that it cannot have.
    #[must_use]
    pub fn limits(&self) -> String {
        match (self.date, self.min()) {
            _ if !self.keys.is_empty() => format!("{} is no key of this keypad", self.name),
            (true, _) => format!("{} is no day from {} to {}", self.name, YEARS.start(), YEARS.end()),
            (false, 0) => format!("{} is above {}", self.name, self.max()),
            (false, least) => format!("{} is not from {least} to {}", self.name, self.max()),
        }
    }
}

/// True for a day of these years, as the number YYYYMMDD.
fn is_day(value: u64) -> bool {
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    YEARS.contains(&year) && (1..=days_in(year, month)).contains(&day)
}

/// The days of a month; none of a month that there is not.
const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_that_there_is() {
        for day in [20000229, 20240229, 20301231, 20990101] {
            assert!(is_day(day), "{day}");
        }
        for none in [0, 20001301, 20230229, 20300431, 20300100, 20300001, 19991231, 21000101, 33554431] {
            assert!(!is_day(none), "{none}");
        }
    }

    #[test]
    fn a_number_is_written_as_it_is_read() {
        let field = Field { add: 1000, xor: 0b1010, ..Field::new("card_number", vec![0, 1, 2, 3]) };
        assert_eq!(field.read(&[0b1010 << 60, 0, 0, 0]), Ok(1000));
        assert_eq!(field.read(&[0b0101 << 60, 0, 0, 0]), Ok(1015));
        assert_eq!((field.min(), field.max()), (1000, 1015));
        let bits: Vec<bool> = field.bits_of(1015).map(|(_, bit)| bit).collect();
        assert_eq!(bits, [true, false, true, false], "least significant first");
    }

    #[test]
    fn a_number_outside_its_limits_is_out_of_range() {
        let field = Field { least: Some(3), most: Some(9), ..Field::new("key", vec![0, 1, 2, 3]) };
        assert_eq!(field.read(&[2 << 60, 0, 0, 0]), Err(Reason::Range));
        assert_eq!(field.read(&[9 << 60, 0, 0, 0]), Ok(9));
        assert_eq!(field.odds(), 7.0 / 16.0);
        let below = Field { add: -3, ..Field::new("card_number", vec![0, 1, 2, 3]) };
        assert_eq!(below.read(&[2 << 60, 0, 0, 0]), Err(Reason::Range));
    }
}
