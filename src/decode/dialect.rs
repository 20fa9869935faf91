//! A serial dialect, as its file says it: how the line is set, how frames are cut, what a frame says.
//!
//! In: the parsed file (see [`crate::protocols::serial`]). Out: plain data. Never: a reader's name or code for one.

use std::time::Duration;

use super::payload::Template;
use crate::card::Kind;

/// How far a file's facts can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Confirmed by reads of real cards.
    Card,
    /// Confirmed by captures of real readers.
    Captured,
    /// A maker's document.
    Documented,
    /// Taken from a running implementation.
    Implementation,
    /// A published table, nothing more.
    Table,
    /// Follows from other facts.
    Derived,
}

/// The parity bit of a serial line (not of a card).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineParity {
    /// No parity bit.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// How a serial line is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Bits a second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// The line's parity bit.
    pub parity: LineParity,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// How frames are cut from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A line of text that ends with CR, LF or both.
    Line,
    /// From a start to an end.
    Delimited {
        /// The first bytes.
        start: Vec<u8>,
        /// The last bytes.
        end: Vec<u8>,
    },
    /// A fixed number of bytes from a start.
    Fixed {
        /// The first bytes; they count.
        start: Vec<u8>,
        /// All bytes.
        len: usize,
    },
}

/// Where hex digits stand for bits that do not fill them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// The first bit is the top bit of the first digit.
    Left,
    /// The last bit is the low bit of the last digit.
    Right,
}

/// How a frame proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameCheck {
    /// The exclusive or of the bytes of `id` is the byte in `check`.
    Xor,
}

/// A frame with what it is to be read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectSample {
    /// Where it comes from.
    pub source: String,
    /// Composed by us rather than found.
    pub constructed: bool,
    /// The bytes as they come from the line.
    pub frame: Vec<u8>,
    /// The bit count a site would configure.
    pub bits: Option<u16>,
    /// The literal it is to be read as; none for a frame that is to be found damaged.
    pub reads: Option<String>,
}

/// A serial dialect.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// What a frame yields.
    pub kind: Kind,
    /// How the line is set.
    pub line: LineSettings,
    /// How frames are cut.
    pub cut: Cut,
    /// The longest frame, in bytes.
    pub longest: usize,
    /// A frame that has begun and goes on for this long without a byte is dropped.
    pub half_frame: Duration,
    /// What a frame says.
    pub payload: Template,
    /// How a frame proves itself.
    pub check: Option<FrameCheck>,
    /// Where digits stand for bits.
    pub align: Align,
    /// Lines that begin so are the reader's talk: neither cards nor noise.
    pub talk: Vec<String>,
    /// A frame that comes again within this time is the same card still lying there.
    pub card_left: Duration,
    /// Its proofs.
    pub samples: Vec<DialectSample>,
    /// The file it stands in.
    pub file: String,
}

impl Confidence {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Captured => "captured",
            Self::Documented => "documented",
            Self::Implementation => "implementation",
            Self::Table => "table",
            Self::Derived => "derived",
        }
    }
}
