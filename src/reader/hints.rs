//! What a site says about a reader that the reader itself does not.
//!
//! In: the configuration, or a capture's head. Out: plain data. Never: a guess.

use std::time::Duration;

use super::KeypadHints;
use crate::card::Kind;

/// In which order a device sends the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrder {
    /// The first byte is the most significant.
    #[default]
    AsSent,
    /// The first byte is the least significant.
    Reversed,
}

/// What a site says about a reader that the device itself does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReaderHints {
    /// The number of bits.
    pub bits: Option<u16>,
    /// What kind of thing it hands over.
    pub kind: Option<Kind>,
    /// The order of its bytes.
    pub byte_order: ByteOrder,
    /// A site's own time until a card counts as gone.
    pub card_left: Option<Duration>,
    /// The reader is set to say its card again and again while it lies there, so often.
    pub repeats: Option<Duration>,
    /// How long a board takes that restarts when its port is opened.
    pub settle: Option<Duration>,
    /// How the keys of its keypad become an entry.
    pub keypad: KeypadHints,
}
