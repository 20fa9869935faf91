//! The card serial number (CSN): what a card answers when it is asked who it is; the UID on contactless cards.

use arrayvec::ArrayVec;
use std::fmt;
use utoipa::ToSchema;

use super::{
    PacsBits,
    presentation::{CUT_UID, FILLED_UID, RANDOM_UID, ZERO_UID},
};

/// A card serial number of 1 to 32 bytes, in the order the card sends them.
#[derive(Clone, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String)]
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

    /// True for a number that is drawn anew at every tap (ISO 14443-3: a four-byte UID that starts with 08; FeliCa: an IDm
    /// that starts with 05 FE or 01 FE): a phone, or a card in random-ID mode.
    #[must_use]
    pub fn is_random(&self) -> bool {
        matches!(self.bytes(), [0x08, _, _, _] | [0x01 | 0x05, 0xFE, _, _, _, _, _, _])
    }

    /// Why it identifies no card, as the name of a warning; none for an ordinary one. Four, seven or ten bytes that start
    /// with 88, the cascade tag of ISO 14443-3, are the beginning of a longer number that was cut off: every card with the
    /// same next bytes reads the same.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        match self.bytes() {
            _ if self.is_random() => Some(RANDOM_UID),
            _ if self.is_all(0x00) => Some(ZERO_UID),
            _ if self.is_all(0xFF) => Some(FILLED_UID),
            [0x88, rest @ ..] if matches!(rest.len(), 3 | 6 | 9) => Some(CUT_UID),
            _ => None,
        }
    }

    /// True where the reader seems to have filled a shorter number up with 00 or FF. A card's own number may look so, but
    /// seldom does.
    #[must_use]
    pub fn is_filled_up(&self) -> bool {
        let filled = |filler: u8| {
            let bytes = self.bytes();
            // Four bytes are the shortest number there is; what fills up a longer one stands at one of its ends.
            let ends = [bytes.get(4..), bytes.len().checked_sub(4).and_then(|until| bytes.get(..until))];
            ends.into_iter().flatten().any(|end| end.len() > 2 && end.iter().all(|byte| *byte == filler))
        };
        self.is_all(0x00) || self.is_all(0xFF) || filled(0x00) || filled(0xFF)
    }

    fn is_all(&self, byte: u8) -> bool {
        self.0.iter().all(|own| *own == byte)
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

    fn flaw(bytes: &[u8]) -> Option<&'static str> {
        Csn::new(bytes).unwrap().flaw()
    }

    fn is_filled_up(bytes: &[u8]) -> bool {
        Csn::new(bytes).unwrap().is_filled_up()
    }

    #[test]
    fn a_number_that_is_not_the_cards_own_is_told() {
        assert_eq!(flaw(&[0x08, 1, 2, 3]), Some(RANDOM_UID));
        assert_eq!(flaw(&[0x05, 0xFE, 1, 2, 3, 4, 5, 6]), Some(RANDOM_UID));
        assert_eq!(flaw(&[0x88, 0x04, 0xA3, 0xC6]), Some(CUT_UID));
        assert_eq!(flaw(&[0x88, 4, 0xA3, 0xC6, 1, 2, 3]), Some(CUT_UID));
        assert_eq!((flaw(&[0; 4]), flaw(&[0xFF; 7])), (Some(ZERO_UID), Some(FILLED_UID)));
    }

    #[test]
    fn a_number_that_was_filled_up_is_told() {
        for filled in [&[0x04, 0xA3, 0xC6, 0xCA, 0, 0, 0][..], &[0xFF, 0xFF, 0xFF, 0xFF, 0x04, 0xA3, 0xC6, 0xCA], &[0; 4]] {
            assert!(is_filled_up(filled), "{filled:02X?}");
        }
    }

    #[test]
    fn a_cards_own_number_has_nothing_against_it() {
        for own in [&[0x04, 0xA3, 0xC6, 0xCA][..], &[0x18, 0x08, 1, 2], &[4, 1, 2, 3, 4, 0, 0], &[0xE0, 4, 1, 0, 0, 1, 2, 3]] {
            assert_eq!((flaw(own), is_filled_up(own)), (None, false), "{own:02X?}");
        }
    }
}
