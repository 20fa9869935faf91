//! What happens at a reader, and what a reader can be told.
//!
//! In: a driver's report, or a machine's wish. Out: plain data. Never: a card's number in `Debug`.

use std::fmt;
use strum::IntoStaticStr;

use chrono::{DateTime, Utc};

/// What happens at a reader.
#[derive(Clone, PartialEq, Eq)]
pub enum ReaderEvent {
    /// It is there.
    Up,
    /// It is not there, or has gone; it is tried again.
    Lost {
        /// Why, and what to do.
        why: String,
    },
    /// Bytes came from a serial line.
    Bytes(Vec<u8>),
    /// Keys moved at a reader that types.
    Typed(Vec<KeyEvent>),
    /// A byte came from a serial line with a parity or framing error: what was made of it.
    Faulty(u8),
    /// A card was laid on a PC/SC reader.
    CardIn {
        /// The card's answer to reset.
        atr: Vec<u8>,
        /// The reader's own name.
        device: String,
        /// It lay there already when the reader was first looked at: nobody has shown it now.
        lay_there: bool,
    },
    /// A card answered.
    Answer(Vec<u8>),
    /// The card could not be asked.
    CardFailed {
        /// Why, and what to do.
        why: String,
    },
    /// The card has gone.
    CardOut,
    /// An OSDP reader read a card.
    OsdpCard(OsdpCard),
    /// Keys were pressed at an OSDP reader, in its codes.
    OsdpKeys(Vec<u8>),
    /// An OSDP reader read a card and decoded it itself; the text, empty where it was encrypted.
    OsdpFormatted(Vec<u8>),
    /// Something an operator has to know about the reader.
    Note(String),
}

/// What happened to the keys of a reader that types, as the kernel tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub moved: KeyMove,
}

/// What a key did; the codes are the kernel's, and no layout changes them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyMove {
    /// The key of this code was pressed.
    Pressed(u16),
    /// The key of this code was released.
    Released(u16),
    /// The kernel had to drop events.
    Dropped,
}

/// A card as an OSDP reader hands it over (osdp_RAW).
#[derive(Clone, PartialEq, Eq)]
pub struct OsdpCard {
    /// Which of the readers behind that address.
    pub reader: u8,
    /// The format code: what the reader says the bits are.
    pub format: u8,
    /// The number of bits.
    pub length: u16,
    /// The bits, left-aligned.
    pub bytes: Vec<u8>,
    /// How many bits the check of the packet has that brought it: 16 with a CRC, 8 with a checksum; 0 where nobody knows.
    pub check_bits: u8,
}

impl OsdpCard {
    /// The reader does not say what the bits are.
    pub const UNSPECIFIED: u8 = 0;
    /// The bits as on a Wiegand line, check bits included.
    pub const WIEGAND: u8 = 1;

    /// True for the same bits from the same reader, however the packet was checked.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.reader, self.format, self.length, &self.bytes) == (other.reader, other.format, other.length, &other.bytes)
    }

    /// The same card; bits behind the length, which some readers fill with noise, are 0.
    #[must_use]
    pub fn masked(mut self) -> Self {
        let length = usize::from(self.length);
        self.bytes.truncate(length.div_ceil(8));
        if let Some(last) = self.bytes.last_mut().filter(|_| length % 8 != 0) {
            *last &= 0xFF << (8 - length % 8);
        }
        self
    }
}

/// Shows that there was one; the key is a digit of a card's number.
impl fmt::Debug for KeyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEvent")
    }
}

/// Shows what the reader says about the bits, not the bits: they are the card's number.
impl fmt::Debug for OsdpCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OsdpCard({} bits, format {}, reader {})", self.length, self.format, self.reader)
    }
}

/// What a reader is to do.
#[derive(Clone, PartialEq, Eq)]
pub enum ReaderCommand {
    /// Write to the serial line, or say to the card.
    Write(Vec<u8>),
    /// Say to the card, with the site's key of this name behind it; the driver alone knows the key.
    WriteWithKey(Vec<u8>, String),
    /// Show something with its lights and its sounder, as far as it has them.
    Signal(Signal),
    /// The conversation with the card is over.
    Release,
}

/// What a reader shows: distinct for what is read, what is safe here, and what BluSKY says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Signal {
    /// A card was read.
    Read,
    /// It is on disk.
    Saved,
    /// BluSKY has it.
    Accepted,
    /// BluSKY refused it, or nothing was enrolled.
    Refused,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] = [Self::Read, Self::Saved, Self::Accepted, Self::Refused];

    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Shows what happened and how many bytes it took; the bytes are a card's number.
impl fmt::Debug for ReaderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("Up"),
            Self::Lost { why } => write!(f, "Lost({why})"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Typed(events) => write!(f, "Typed({})", events.len()),
            Self::Faulty(_) => f.write_str("Faulty"),
            Self::CardIn { device, .. } => write!(f, "CardIn({device})"),
            Self::Answer(bytes) => write!(f, "Answer({})", bytes.len()),
            Self::CardFailed { why } => write!(f, "CardFailed({why})"),
            Self::CardOut => f.write_str("CardOut"),
            Self::OsdpCard(card) => card.fmt(f),
            Self::OsdpKeys(keys) => write!(f, "OsdpKeys({})", keys.len()),
            Self::OsdpFormatted(text) => write!(f, "OsdpFormatted({})", text.len()),
            Self::Note(words) => write!(f, "Note({words})"),
        }
    }
}

/// Shows how many bytes are to be written.
impl fmt::Debug for ReaderCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(bytes) => write!(f, "Write({})", bytes.len()),
            Self::WriteWithKey(bytes, name) => write!(f, "WriteWithKey({}, {name})", bytes.len()),
            Self::Signal(signal) => write!(f, "Signal({signal:?})"),
            Self::Release => f.write_str("Release"),
        }
    }
}
