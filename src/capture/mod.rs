//! Captures: what passed between one reader and cardbridge, as text that a person can read and write.
//!
//! In: the text of a capture, or what is tapped at a running reader. Out: records, text, and by replay the very notices
//! that the bridge gave at the desk, at the times of the capture. Never: a clock.
//!
//! ```text
//! cardbridge capture, version 1
//! reader: desk
//! dialect: id12la-ascii              (or `device: HID Global OMNIKEY 5427 CK` for a PC/SC reader, or `osdp: 0`, an address)
//! bits: 26                           (kind, byte_order, card_left_ms: as in the configuration; keypad_end, keypad_clear, keypad_timeout_ms)
//! recorded: 2026-01-01T00:00:00.000Z
//!
//! 0.000 < 02 30 43 30 30 30 36       from the reader
//! 0.010 > 05 00 10                   to the reader
//! 2.500 card 3B 8F 80 01             a card with its ATR
//! 3.000 card out
//! 3.100 failed the card was taken away too early
//! 4.000 bits 26 BD 88 EB 80 format 1 reader 0     from an OSDP reader: the count, the bits, what it says about them
//! 4.500 keys 31 32 0D                             keys pressed at one, in its codes
//! 5.000 text 31 32 33                             a card that it decoded itself
//! ```
//!
//! - [`text`]: the lines of a capture, read and written one by one; [`osdpcap`]: packet captures of other tools;
//!   [`evtest`]: what a reader types;
//! - [`replay`]: a capture played through the bridge;
//! - [`redact`]: a capture without its numbers.

pub mod evtest;
mod osdp;
pub mod osdpcap;
pub mod redact;
pub mod replay;
pub mod text;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    decode::{dialect::Dialect, payload::Template},
    protocols::Protocols,
    reader::{OsdpCard, ReaderEvent, ReaderHints},
};

/// A capture of one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Of which reader.
    pub head: Head,
    /// What passed, with the time since the beginning.
    pub records: Vec<(Duration, Record)>,
}

/// What stands at the beginning of a capture: of which reader it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The reader's name.
    pub reader: String,
    /// How it is attached.
    pub attached: Attached,
    /// The line that says so.
    pub attached_at: usize,
    /// What the site says about it.
    pub told: ReaderHints,
    /// When it began.
    pub recorded: DateTime<Utc>,
}

/// How the captured reader was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// A serial line that speaks this dialect.
    Serial(String),
    /// A serial line whose lines are of this template.
    Lines(String),
    /// A PC/SC reader of this name.
    Pcsc(String),
    /// An OSDP reader at this address.
    Osdp(u8),
}

/// One thing that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// From the reader or the card.
    From(Vec<u8>),
    /// To the reader or the card.
    To(Vec<u8>),
    /// A card came, with its ATR.
    CardIn(Vec<u8>),
    /// The card went.
    CardOut,
    /// The card could not be asked.
    Failed(String),
    /// An OSDP reader read a card.
    Bits(OsdpCard),
    /// Keys were pressed at an OSDP reader, in its codes.
    Keys(Vec<u8>),
    /// An OSDP reader read a card and decoded it itself.
    Text(Vec<u8>),
}

/// Why a text is no capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CaptureError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to write.
    pub message: String,
}

/// No capture is longer than a year.
const LONGEST_S: f64 = 31_536_000.0;

impl Head {
    /// What is spoken on its serial line.
    ///
    /// # Errors
    /// A dialect that is not known here, a template that is none, another kind of reader.
    pub fn dialect(&self, protocols: &Protocols) -> Result<Arc<Dialect>, CaptureError> {
        let failed = |message: String| CaptureError { line: self.attached_at, message };
        match &self.attached {
            Attached::Serial(name) => protocols
                .dialect(name)
                .cloned()
                .ok_or_else(|| failed(format!("no serial dialect is named `{name}`; `cardbridge formats --dialects` shows them all"))),
            Attached::Lines(template) => {
                let read = Template::parse(template).map_err(failed)?;
                Dialect::of_lines(read).map(Arc::new).ok_or_else(|| failed("the template names no part of a card".to_owned()))
            }
            Attached::Pcsc(_) | Attached::Osdp(_) => Err(failed("this is not a capture of a serial line".to_owned())),
        }
    }
}

/// What a reader's event is in a capture; none for what a replay makes itself.
#[must_use]
pub fn of_event(event: &ReaderEvent) -> Option<Record> {
    match event {
        ReaderEvent::Bytes(bytes) | ReaderEvent::Answer(bytes) => Some(Record::From(bytes.clone())),
        ReaderEvent::Faulty(byte) => Some(Record::From(vec![*byte])),
        ReaderEvent::CardIn { atr, .. } => Some(Record::CardIn(atr.clone())),
        ReaderEvent::CardOut => Some(Record::CardOut),
        ReaderEvent::CardFailed { why } => Some(Record::Failed(why.clone())),
        ReaderEvent::OsdpCard(card) => Some(Record::Bits(card.clone())),
        ReaderEvent::OsdpKeys(codes) => Some(Record::Keys(codes.clone())),
        ReaderEvent::OsdpFormatted(text) => Some(Record::Text(text.clone())),
        // What is typed is recorded as evtest prints it.
        ReaderEvent::Up | ReaderEvent::Lost { .. } | ReaderEvent::Note(_) | ReaderEvent::Typed(_) => None,
    }
}

#[cfg(test)]
mod tests;
