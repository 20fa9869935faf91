//! The card serial number (CSN): what a card answers when it is asked who it is; the UID on contactless cards.

use arrayvec::ArrayVec;
use std::fmt;

use super::{PacsBits, presentation::RANDOM_UID};

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

    /// True for a number that is drawn anew at every tap (ISO 14443-3: a four-byte UID that starts with 08; FeliCa: an IDm
    /// that starts with 05 FE or 01 FE): a phone, or a card in random-ID mode.
    #[must_use]
    pub fn is_random(&self) -> bool {
        matches!(self.bytes(), [0x08, _, _, _] | [0x01 | 0x05, 0xFE, _, _, _, _, _, _])
    }

    /// Why it identifies no card, as the name of a warning; none for an ordinary one. Four, seven or ten bytes that start
    /// with 88, the cascade tag of ISO 14443-3, are the beginning of a longer number that was cut off.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        match self.bytes() {
            _ if self.is_random() => Some(RANDOM_UID),
            bytes if bytes.iter().all(|byte| *byte == 0) => Some("zero_uid"),
            [0x88, rest @ ..] if matches!(rest.len(), 3 | 6 | 9) => Some("cut_uid"),
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
