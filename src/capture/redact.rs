//! A capture without its numbers: what a stranger needs to see of a strange card, and nothing of whose card it is.
//!
//! In: a capture, what is known of readers and cards, a source of randomness. Out: a capture with the same records at the
//! same times, of which a replay says the same: the same formats fit and refuse, the same checks pass and fail. Each card
//! becomes another one, always the same one within one capture. Never: a number of the original; what is not understood
//! is masked.
//!
//! What stays: the reader's and the device's name, times, chunks, lengths, everything said to the reader or the card,
//! ATRs in which no reader has put a number, status words, TLV headers, the reasons of failures, the first byte of a random or a double-size UID.

mod answers;
mod cards;
mod frames;
mod mask;
mod random;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use self::{cards::shape, frames::ReadBy};
use super::{Attached, Capture, CaptureError, Record};
use crate::{
    card::{Kind, PacsBits},
    decode::{
        catalog::SharedCatalog,
        dialect::{Cut, Dialect},
        frame::{self, Found, is_line_end},
        message::read_frame,
        payload::{Encoding, Piece},
    },
    enroll::policy::SitePolicy,
    protocols::Protocols,
    reader::{OsdpCard, ReaderHints},
    station::{Notice, osdp::is_source_and_type},
};
pub use random::Random;

/// How often the whole capture is drawn, until a replay says the same.
const MOST_TRIES: usize = 8;

/// A capture without its numbers.
#[derive(Debug, Clone)]
pub struct Redacted {
    /// The capture.
    pub capture: Capture,
    /// True where a replay says the same of it as of the original, but for the numbers.
    pub says_the_same: bool,
}

/// Puts other numbers in the place of a capture's.
///
/// # Errors
/// A dialect that is not known here: its frames cannot be told from their numbers.
pub fn redact(capture: &Capture, protocols: &Protocols, random: &mut dyn Random) -> Result<Redacted, CaptureError> {
    let every: Vec<String> = protocols.formats.iter().map(|format| format.format.id.to_string()).collect();
    let catalog = SharedCatalog::new(protocols.catalog(&every));
    let wanted = said(capture, protocols, &catalog)?;
    let mut tries = 1;
    loop {
        let drawn = Redaction::new(protocols, catalog.clone(), capture.head.told, random).drawn(capture)?;
        let says_the_same = said(&drawn, protocols, &catalog)? == wanted;
        if says_the_same || tries == MOST_TRIES {
            return Ok(Redacted { capture: drawn, says_the_same });
        }
        tries += 1;
    }
}

/// What a replay says, without the numbers.
fn said(capture: &Capture, protocols: &Protocols, catalog: &SharedCatalog) -> Result<Vec<String>, CaptureError> {
    let notices = capture.replay(protocols, catalog.clone(), SitePolicy::default())?.flatten();
    let words = notices.map(|(at, notice)| match notice {
        Notice::Read(reading) => format!("{at} {:?} {:?}", reading.presentation, shape(&reading)),
        Notice::Noise(_, count) => format!("{at} noise {count}"),
        Notice::Failed(_, why) => format!("{at} failed {why}"),
        _ => format!("{at} other"),
    });
    Ok(words.collect())
}

/// One capture's numbers, and what replaces each of them.
struct Redaction<'a> {
    protocols: &'a Protocols,
    catalog: SharedCatalog,
    told: ReaderHints,
    random: &'a mut dyn Random,
    /// Bytes that frames begin with, end with or escape with: none of them is changed or drawn where nothing is understood.
    reserved: Vec<u8>,
    stands_for: StandsFor,
}

/// What replaces what.
#[derive(Default)]
struct StandsFor {
    cards: HashMap<(Kind, PacsBits), PacsBits>,
    /// The real cards and their replacements: none of them is drawn for another card.
    taken: HashSet<(Kind, PacsBits)>,
    /// Frames, by the dialect's name, and answers, by the command.
    bytes: HashMap<(Vec<u8>, Vec<u8>), Vec<u8>>,
    /// What a frame's parts say of a card that the reader has decoded.
    numbers: HashMap<Vec<Vec<u8>>, Vec<Vec<u8>>>,
    /// Numbers that may be found in commands and ATRs, too.
    anywhere: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Redaction<'a> {
    fn new(protocols: &'a Protocols, catalog: SharedCatalog, told: ReaderHints, random: &'a mut dyn Random) -> Self {
        Self { protocols, catalog, told, random, reserved: Vec::new(), stands_for: StandsFor::default() }
    }

    fn drawn(mut self, capture: &Capture) -> Result<Capture, CaptureError> {
        let records = match &capture.head.attached {
            Attached::Serial(_) | Attached::Lines(_) => self.serial(capture, &*capture.head.dialect(self.protocols)?),
            Attached::Osdp(_) => capture.records.iter().map(|(at, record)| (*at, self.osdp(record))).collect(),
            Attached::Pcsc(_) => self.smartcards(capture),
        };
        Ok(Capture { head: capture.head.clone(), records })
    }

    /// The records of a serial line: the reader's stream is replaced whole, and cut into the same chunks.
    fn serial(&mut self, capture: &Capture, dialect: &Dialect) -> Vec<(Duration, Record)> {
        self.reserved = [reserved(&dialect.cut), dialect.fill.clone()].concat();
        let from = |(at, record): &'_ (Duration, Record)| if let Record::From(bytes) = record { Some((*at, bytes.clone())) } else { None };
        let chunks: Vec<(Duration, Vec<u8>)> = capture.records.iter().filter_map(from).collect();
        let silence = match dialect.cut {
            Cut::Line { idle: Some(idle) } => idle.min(dialect.half_frame),
            _ => dialect.half_frame,
        };
        // No frame goes on after a silence.
        let is_together = |a: &(Duration, Vec<u8>), b: &(Duration, Vec<u8>)| b.0 >= a.0 && b.0 < a.0.saturating_add(silence);
        let mut stream = Vec::new();
        for heard in chunks.chunk_by(is_together) {
            let bytes: Vec<u8> = heard.iter().flat_map(|(_, bytes)| bytes).copied().collect();
            stream.extend(self.stream(dialect, &bytes));
        }
        let mut rest = stream.into_iter();
        let mut replaced = |record: &Record| match record {
            Record::From(bytes) => Record::From(rest.by_ref().take(bytes.len()).collect()),
            // A command that the dialect sends to every reader names no card.
            Record::To(bytes) if !dialect.host.as_ref().is_some_and(|host| host.says(bytes)) => {
                Record::To(mask::unknown(bytes, &self.reserved, self.random))
            }
            record => record.clone(),
        };
        capture.records.iter().map(|(at, record)| (*at, replaced(record))).collect()
    }

    /// The bytes between two silences.
    fn stream(&mut self, dialect: &Dialect, mut rest: &[u8]) -> Vec<u8> {
        let (told, mut new) = (self.told, Vec::with_capacity(rest.len()));
        while !rest.is_empty() {
            let (noise, len) =
                match frame::next(&dialect.cut, rest, dialect.longest, true, |frame| read_frame(dialect, &told, frame).is_some()) {
                    Found::Frame { skip, len } => (skip, len),
                    Found::Unknown { skip, len } => (skip + len, 0),
                    Found::Wait { .. } => (rest.len(), 0),
                    Found::Overlong => (rest.iter().position(|byte| is_line_end(*byte)).map_or(rest.len(), |end| end + 1), 0),
                };
            let (noise, after) = rest.split_at_checked(noise).unwrap_or((rest, &[]));
            let (frame, after) = after.split_at_checked(len).unwrap_or((after, &[]));
            new.extend(self.noise(dialect, noise));
            new.extend(self.frame(ReadBy { dialect, told, by: read_frame }, frame).unwrap_or_else(|| self.noise(dialect, frame)));
            rest = after;
        }
        new
    }

    /// Noise, half a frame, or an unknown line. If a line begins like a known status line of the reader, that beginning stays;
    /// if bytes may be half a frame, the bytes with its length stay.
    fn noise(&mut self, dialect: &Dialect, old: &[u8]) -> Vec<u8> {
        let start = dialect.cut.start();
        if !is_binary(dialect) {
            let begins = |talk: &&String| old.strip_prefix(start).is_some_and(|said| said.starts_with(talk.as_bytes()));
            let kept = dialect.talk.iter().find(begins).map_or(0, |talk| start.len() + talk.len());
            let (kept, rest) = old.split_at_checked(kept).unwrap_or((old, &[]));
            return [kept, &mask::unknown(rest, &self.reserved, self.random)].concat();
        }
        let mut new = mask::bytes(old, &self.reserved, self.random);
        if let Cut::Counted { at: count, width, .. } = dialect.cut {
            for at in (0..old.len()).filter(|at| old.get(*at..).is_some_and(|rest| rest.starts_with(start))) {
                let told = old.iter().enumerate().skip(at + count).take(width);
                told.for_each(|(at, byte)| frames::overwrite(&mut new, at, &[*byte]));
            }
        }
        new
    }

    /// A record of an OSDP reader, whose driver has cut and read the packets already.
    fn osdp(&mut self, record: &Record) -> Record {
        match record {
            Record::Bits(card) => {
                let header = if is_source_and_type(card) { 16 } else { 0 };
                let bytes = match PacsBits::from_left_aligned(&card.bytes, usize::from(card.length)) {
                    Ok(bits) => {
                        let stays: Vec<usize> = (0..header).collect();
                        self.card(self.told.kind.unwrap_or(Kind::Wiegand), bits, &stays, &|_| true).to_bytes()
                    }
                    Err(_) => mask::bytes(&card.bytes, &[], self.random),
                };
                Record::Bits(OsdpCard { bytes, ..card.clone() })
            }
            Record::Keys(codes) => Record::Keys(frames::keys(codes, self.random)),
            Record::Text(text) => Record::Text(mask::unknown(text, &[], self.random)),
            record => record.clone(),
        }
    }
}

fn is_binary(dialect: &Dialect) -> bool {
    let is_bytes = |piece: &Piece| matches!(piece, Piece::Part { encoding: Encoding::Byte | Encoding::Le, name, .. } if name != "check");
    dialect.messages.iter().any(|message| message.payload.pieces.iter().any(is_bytes))
}

/// Bytes with which frames begin, end or escape.
fn reserved(cut: &Cut) -> Vec<u8> {
    let escapes = match cut {
        Cut::Line { .. } => b"\r\n".to_vec(),
        Cut::Delimited { stuffing: Some(stuffing), .. } => [stuffing.escaped.as_slice(), &[stuffing.escape]].concat(),
        _ => Vec::new(),
    };
    [cut.start(), cut.end(), &escapes].concat()
}

#[cfg(test)]
mod tests;
