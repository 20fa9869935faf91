//! How a reader's line is cut into frames, as its file says it.
//!
//! In: the parsed file. Out: plain data, and bytes as they are sent. Never: a stream; [`crate::decode::frame`] cuts one.

use std::time::Duration;

/// How frames are cut from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A line of text that ends with CR, LF or both; after this silence too, where the device sends no line end.
    Line {
        /// The silence.
        idle: Option<Duration>,
    },
    /// From a start to an end.
    Delimited {
        /// The first bytes.
        start: Vec<u8>,
        /// The last bytes.
        end: Vec<u8>,
        /// How many bytes follow the end and belong to the frame: its check.
        trailer: usize,
        /// How bytes that would look like delimiters are sent.
        stuffing: Option<Stuffing>,
    },
    /// A fixed number of bytes from a start.
    Fixed {
        /// The first bytes; they count.
        start: Vec<u8>,
        /// The last bytes; they count.
        end: Vec<u8>,
        /// All bytes: the lengths that occur.
        lengths: Vec<usize>,
    },
    /// A number of bytes that the frame itself tells.
    Counted {
        /// The first bytes; they count.
        start: Vec<u8>,
        /// Where the count stands, from the frame's first byte.
        at: usize,
        /// Its width in bytes.
        width: usize,
        /// Its low byte comes first.
        low_first: bool,
        /// How many bytes the frame has beside those that are counted.
        add: usize,
    },
}

/// A byte that would look like a delimiter is sent as two: the escape, and a byte that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuffing {
    /// The escape.
    pub escape: u8,
    /// The bytes that are sent so.
    pub escaped: Vec<u8>,
    /// What follows the escape.
    pub code: Code,
}

/// What stands behind an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The byte's place in the list.
    Place,
    /// The byte itself: a DLE is sent twice.
    Itself,
    /// The byte with these bits turned over, as in HDLC; any byte may be sent so.
    Xor(u8),
}

impl Stuffing {
    /// The byte that the escape and this one stand for; none where they stand for nothing.
    #[must_use]
    pub fn meant(&self, code: u8) -> Option<u8> {
        match self.code {
            Code::Place => self.escaped.get(usize::from(code)).copied(),
            Code::Itself => self.escaped.contains(&code).then_some(code),
            Code::Xor(bits) => Some(code ^ bits),
        }
    }

    /// How many bytes an escape and what follows it are, where they are not the end: two, or the escape alone. None where
    /// they stand for nothing: another frame begins there, or this one was given up.
    #[must_use]
    pub fn taken(&self, code: u8, end: &[u8]) -> Option<usize> {
        let may_end = end.starts_with(&[code]);
        match self.code {
            // A place that is not in the list may be damaged: the check finds it.
            Code::Place => Some(if may_end { 1 } else { 2 }),
            Code::Itself => self.escaped.contains(&code).then_some(2),
            Code::Xor(_) => (!may_end).then_some(2),
        }
    }

    /// Bytes as they are sent.
    #[must_use]
    pub fn stuffed(&self, bytes: &[u8]) -> Vec<u8> {
        let mut sent = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match self.escaped.iter().position(|escaped| escaped == byte) {
                Some(place) => {
                    let code = match self.code {
                        Code::Place => u8::try_from(place).unwrap_or_default(),
                        Code::Itself => *byte,
                        Code::Xor(bits) => byte ^ bits,
                    };
                    sent.extend([self.escape, code]);
                }
                None => sent.push(*byte),
            }
        }
        sent
    }
}

impl Cut {
    /// The bytes a frame begins with; none for a line.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        match self {
            Self::Line { .. } => &[],
            Self::Delimited { start, .. } | Self::Fixed { start, .. } | Self::Counted { start, .. } => start,
        }
    }

    /// The bytes a frame ends with, as far as they are always the same.
    #[must_use]
    pub fn end(&self) -> &[u8] {
        match self {
            Self::Line { .. } | Self::Counted { .. } => &[],
            Self::Delimited { end, .. } | Self::Fixed { end, .. } => end,
        }
    }

    /// How many bytes of a frame's end may be the beginning of the next one.
    #[must_use]
    pub fn shared(&self) -> usize {
        match self {
            Self::Delimited { start, end, trailer: 0, .. } if start == end => end.len(),
            _ => 0,
        }
    }

    /// How bytes that would look like delimiters are sent.
    #[must_use]
    pub const fn stuffing(&self) -> Option<&Stuffing> {
        match self {
            Self::Delimited { stuffing, .. } => stuffing.as_ref(),
            _ => None,
        }
    }
}
