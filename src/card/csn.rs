//! The card serial number (CSN): what a card answers when it is asked who it is; the UID on contactless cards.

use arrayvec::ArrayVec;
use std::fmt;

use super::PacsBits;

/// A card serial number of 1 to 32 bytes, in the order the card sends them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Csn(ArrayVec<u8, 32>);

impl Csn {
    /// The serial number of these bytes; none when there are none or more than 32.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { None } else { ArrayVec::try_from(bytes).ok().map(Self) }
    }

    /// The bytes as the card sent them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A four-byte UID that starts with 08 is drawn anew at every tap: a phone, or a card in random-ID mode
    /// (ISO 14443-3).
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.0.len() == 4 && self.0.first() == Some(&0x08)
    }

    /// What speaks against the number, where something does.
    #[must_use]
    pub fn oddity(&self) -> Option<Oddity> {
        let filled = |filler: u8| {
            let bytes = self.0.as_slice();
            // Four bytes are the shortest number there is; what fills up a longer one stands at one of its ends.
            let ends = [bytes.get(4..), bytes.len().checked_sub(4).and_then(|until| bytes.get(..until))];
            ends.into_iter().flatten().any(|end| end.len() > 2 && end.iter().all(|byte| *byte == filler))
        };
        let all_the_same = self.0.iter().all(|byte| self.0.first() == Some(byte));
        match self.0.first() {
            _ if self.is_random() => Some(Oddity::Random),
            Some(0x88) if self.0.len() == 4 => Some(Oddity::CutShort),
            Some(0x00 | 0xFF) if all_the_same => Some(Oddity::Filled),
            _ if filled(0x00) || filled(0xFF) => Some(Oddity::Filled),
            _ => None,
        }
    }

    /// The bytes as one number, the first byte most significant; none above 64 bits.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        (self.0.len() <= 8).then(|| self.0.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The bytes as a frame, eight bits each.
    #[must_use]
    pub fn bits(&self) -> PacsBits {
        PacsBits::from_left_aligned(&self.0, self.0.len() * 8).unwrap_or_default()
    }
}

/// Why a serial number may not be the card's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Drawn anew at every tap.
    Random,
    /// 88 stands before a number of seven bytes that the reader has cut (the cascade tag of ISO 14443-3): every card with
    /// the same first three bytes reads the same.
    CutShort,
    /// The reader has filled a shorter number up with 00 or FF, or has read none.
    Filled,
}

impl Oddity {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random_uid",
            Self::CutShort => "csn_cut_short",
            Self::Filled => "csn_filled_up",
        }
    }
}

/// Upper-case hex, two digits a byte.
impl fmt::Display for Csn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Shows the length only.
impl fmt::Debug for Csn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Csn({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oddity(bytes: &[u8]) -> Option<Oddity> {
        Csn::new(bytes).unwrap().oddity()
    }

    #[test]
    fn a_number_that_is_not_the_cards_own_is_told() {
        assert_eq!(oddity(&[0x08, 1, 2, 3]), Some(Oddity::Random));
        assert_eq!(oddity(&[0x88, 0x04, 0xA3, 0xC6]), Some(Oddity::CutShort));
        assert_eq!(oddity(&[0x04, 0xA3, 0xC6, 0xCA, 0, 0, 0]), Some(Oddity::Filled));
        assert_eq!(oddity(&[0xFF, 0xFF, 0xFF, 0xFF, 0x04, 0xA3, 0xC6, 0xCA]), Some(Oddity::Filled));
        assert_eq!(oddity(&[0; 4]), Some(Oddity::Filled));
    }

    #[test]
    fn a_cards_own_number_has_nothing_against_it() {
        for own in [&[0x04, 0xA3, 0xC6, 0xCA][..], &[0x88, 4, 0xA3, 0xC6, 1, 2, 3], &[4, 1, 2, 3, 4, 0, 0], &[0xE0, 4, 1, 0, 0, 1, 2, 3]] {
            assert_eq!(oddity(own), None, "{own:02X?}");
        }
    }
}
