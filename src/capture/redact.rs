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
mod linear;
mod mask;
mod pieces;
mod random;

use std::{sync::Arc, time::Duration};

use self::{
    answers::Answers,
    cards::{Cards, shape},
    frames::{Draw, Frames},
    mask::Masks,
};
use super::{Attached, Capture, CaptureError, Record};
use crate::{
    card::{Kind, PacsBits},
    decode::{
        catalog::SharedCatalog,
        dialect::{Cut, Dialect},
        payload::{Encoding, Piece as TemplatePiece},
    },
    enroll::policy::SitePolicy,
    protocols::Protocols,
    reader::OsdpCard,
    station::{Notice, osdp::is_source_and_type},
};
pub use random::Random;

/// So often the whole capture is drawn anew where a replay would say something else.
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
    let catalog: SharedCatalog = Arc::new(protocols.catalog(&every));
    let wanted = said(capture, protocols, &catalog)?;
    let mut redacted = drawn(capture, protocols, &every, random)?;
    for _ in 1..MOST_TRIES {
        if said(&redacted, protocols, &catalog)? == wanted {
            return Ok(Redacted { capture: redacted, says_the_same: true });
        }
        redacted = drawn(capture, protocols, &every, random)?;
    }
    let says_the_same = said(&redacted, protocols, &catalog)? == wanted;
    Ok(Redacted { capture: redacted, says_the_same })
}

/// What a replay says, without the numbers.
fn said(capture: &Capture, protocols: &Protocols, catalog: &SharedCatalog) -> Result<Vec<String>, CaptureError> {
    let notices = capture.replay(protocols, catalog.clone(), SitePolicy::default())?.flatten();
    let words = notices.map(|(at, notice)| match notice {
        Notice::Read(reading) => format!("{at} {:?} {:?}", reading.presentation.kind, shape(&reading)),
        Notice::Noise(_, count) => format!("{at} noise {count}"),
        Notice::Failed(_, why) => format!("{at} failed {why}"),
        _ => format!("{at} other"),
    });
    Ok(words.collect())
}

fn drawn(capture: &Capture, protocols: &Protocols, every: &[String], random: &mut dyn Random) -> Result<Capture, CaptureError> {
    let mut cards = Cards::new(protocols.catalog(every));
    let records = match &capture.head.attached {
        Attached::Serial(_) | Attached::Lines(_) => serial(capture, &capture.head.dialect(protocols)?, &mut cards, random),
        Attached::Osdp(_) => osdp(capture, &mut cards, random),
        Attached::Pcsc(_) => smartcards(capture, protocols, &mut cards, random),
    };
    Ok(Capture { head: capture.head.clone(), records })
}

/// The records of a serial line: the reader's stream is replaced whole, and cut into the same chunks.
fn serial(capture: &Capture, dialect: &Arc<Dialect>, cards: &mut Cards, random: &mut dyn Random) -> Vec<(Duration, Record)> {
    let chunks: Vec<(Duration, &[u8])> = capture.records.iter().filter_map(|(at, record)| Some((*at, from(record)?))).collect();
    let stream: Vec<u8> = chunks.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let mut masks = Masks::around([reserved(&dialect.cut), dialect.fill.clone()].concat());
    let mut frames = Frames::of(dialect, capture.head.told);
    let mut new = Vec::with_capacity(stream.len());
    for (range, is_frame) in pieces::pieces(dialect, &capture.head.told, &chunks) {
        let draw = &mut Draw { cards, masks: &mut masks, random };
        let old = stream.get(range).unwrap_or_default();
        new.extend(if is_frame { frames.frame(old, draw) } else { other(dialect, old, draw) });
    }
    let mut rest = new.into_iter();
    let mut replaced = |record: &Record| match record {
        Record::From(bytes) => Record::From(rest.by_ref().take(bytes.len()).collect()),
        Record::To(bytes) if !is_said(dialect, bytes) => Record::To(masks.text(bytes, random)),
        record => record.clone(),
    };
    capture.records.iter().map(|(at, record)| (*at, replaced(record))).collect()
}

/// The records of an OSDP reader, whose driver has cut and read the packets already.
fn osdp(capture: &Capture, cards: &mut Cards, random: &mut dyn Random) -> Vec<(Duration, Record)> {
    let mut masks = Masks::default();
    let mut replaced = |record: &Record| match record {
        Record::Bits(card) => Record::Bits(osdp_card(card, capture.head.told.kind, cards, &mut masks, random)),
        Record::Keys(keys) => Record::Keys(keys.iter().map(|key| osdp_key(*key, random)).collect()),
        Record::Text(text) => Record::Text(masks.text(text, random)),
        record => record.clone(),
    };
    capture.records.iter().map(|(at, record)| (*at, replaced(record))).collect()
}

fn osdp_card(card: &OsdpCard, kind: Option<Kind>, cards: &mut Cards, masks: &mut Masks, random: &mut dyn Random) -> OsdpCard {
    let header = if is_source_and_type(card) { 16 } else { 0 };
    let bytes = match PacsBits::from_left_aligned(&card.bytes, usize::from(card.length)) {
        Ok(bits) => cards.bits(kind.unwrap_or(Kind::Wiegand), bits, header, random).to_bytes(),
        Err(_) => masks.bytes(&card.bytes, random),
    };
    OsdpCard { bytes, ..card.clone() }
}

/// A digit for a digit, in either of the ways they are sent.
fn osdp_key(key: u8, random: &mut dyn Random) -> u8 {
    let digit = random.between(0..=9);
    match key {
        0..=9 => digit,
        b'0'..=b'9' => b'0' + digit,
        other => other,
    }
}

fn from(record: &Record) -> Option<&[u8]> {
    if let Record::From(bytes) = record { Some(bytes) } else { None }
}

/// True for what the dialect says to every reader.
fn is_said(dialect: &Dialect, bytes: &[u8]) -> bool {
    dialect.host.as_ref().is_some_and(|host| host.says(bytes))
}

/// Noise, half a frame, a line that says nothing known.
fn other(dialect: &Dialect, bytes: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
    if !is_binary(dialect) {
        return draw.masks.text(bytes, draw.random);
    }
    let mut new = draw.masks.bytes(bytes, draw.random);
    for at in 0..bytes.len() {
        let kept = kept_from(&dialect.cut, bytes.get(at..).unwrap_or_default());
        new.iter_mut().zip(bytes).skip(at).take(kept.start).for_each(|(new, old)| *new = *old);
        new.iter_mut().zip(bytes).skip(at + kept.end).take(kept.count).for_each(|(new, old)| *new = *old);
    }
    new
}

/// What stays where a frame may begin: its first bytes, and those that tell its length.
struct Kept {
    start: usize,
    end: usize,
    count: usize,
}

fn kept_from(cut: &Cut, bytes: &[u8]) -> Kept {
    let start = cut.start();
    match cut {
        Cut::Counted { at, width, .. } if bytes.starts_with(start) => Kept { start: start.len(), end: *at, count: *width },
        _ if !start.is_empty() && bytes.starts_with(start) => Kept { start: start.len(), end: 0, count: 0 },
        _ => Kept { start: 0, end: 0, count: 0 },
    }
}

fn is_binary(dialect: &Dialect) -> bool {
    let is_bytes = |piece: &TemplatePiece| matches!(piece, TemplatePiece::Part { encoding: Encoding::Byte | Encoding::Le, name, .. } if name != "check");
    dialect.messages.iter().any(|message| message.payload.pieces.iter().any(is_bytes))
}

/// Bytes with which frames begin, end or escape.
fn reserved(cut: &Cut) -> Vec<u8> {
    match cut {
        Cut::Line { .. } => vec![b'\r', b'\n'],
        Cut::Delimited { start, end, stuffing, .. } => {
            let escapes = stuffing.iter().flat_map(|stuffing| stuffing.escaped.iter().copied().chain([stuffing.escape]));
            start.iter().chain(end).copied().chain(escapes).collect()
        }
        Cut::Fixed { start, end, .. } => [start.as_slice(), end].concat(),
        Cut::Counted { start, .. } => start.clone(),
    }
}

/// The records of a smart-card reader. What is found in a later answer may stand in an earlier one: it is gone through twice.
fn smartcards(capture: &Capture, protocols: &Protocols, cards: &mut Cards, random: &mut dyn Random) -> Vec<(Duration, Record)> {
    let mut answers = Answers::new(&protocols.scripts, capture.head.told);
    let mut records = Vec::new();
    for _ in 0..2 {
        records = capture.records.clone();
        let mut masks = Masks::default();
        for (place, (_, record)) in capture.records.iter().enumerate() {
            match record {
                Record::To(command) => answers.asked(command),
                Record::From(answer) => {
                    for (record, at, byte) in answers.answered(place, answer, cards, &mut masks, random) {
                        if let Some((_, Record::From(bytes))) = records.get_mut(record)
                            && let Some(old) = bytes.get_mut(at)
                        {
                            *old = byte;
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let mut masks = Masks::default();
    for (_, record) in &mut records {
        match record {
            Record::To(bytes) => *bytes = answers.overlaid(bytes),
            Record::CardIn(bytes) => *bytes = answers::atr(&protocols.scripts, &answers.overlaid(bytes), &mut masks, random),
            _ => {}
        }
    }
    records
}

#[cfg(test)]
mod tests;
