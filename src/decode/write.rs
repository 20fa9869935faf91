//! A frame written: the way back from what [`super::message`] and [`super::frame`] read.
//!
//! In: a body, or bits for a part of it. Out: the bytes on the line: digits, the check, stuffing, delimiters. Never: a
//! meaning; whoever writes says what the parts are to hold.

use super::{
    check::Covered,
    dialect::{Cut, Dialect, Message, Stuffing},
    payload::{Encoding, Part, Piece},
};

/// Bits as a part writes them, with digits in the case that it has.
#[must_use]
pub fn digits(part: &Part<'_>, bits: &[bool]) -> Vec<u8> {
    let value = |bits: &[bool]| bits.iter().fold(0_u8, |value, bit| value << 1 | u8::from(*bit));
    let is_lower = part.text.iter().any(u8::is_ascii_lowercase);
    let hex = |bits: &[bool]| {
        let digit = char::from_digit(u32::from(value(bits)), 16).unwrap_or('0');
        (if is_lower { digit } else { digit.to_ascii_uppercase() }) as u8
    };
    match part.encoding {
        Encoding::Bin => bits.iter().map(|bit| b'0' + u8::from(*bit)).collect(),
        Encoding::Byte => bits.chunks(8).map(value).collect(),
        Encoding::Le => bits.chunks(8).rev().map(value).collect(),
        _ => bits.chunks(4).map(hex).collect(),
    }
}

/// Bytes as a part writes them; none where they do not fill it.
#[must_use]
pub fn bytes(part: &Part<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let bits: Vec<bool> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1)).collect();
    (part.bits()?.len() == bits.len()).then(|| digits(part, &bits))
}

/// The check's bytes in the order they are sent, of a body in which it stands at `at`; none where it is not known how.
#[must_use]
pub fn check(dialect: &Dialect, message: &Message, body: &[u8], at: usize) -> Option<Vec<u8>> {
    let check = message.check?;
    let (start, end) = (dialect.cut.start(), dialect.cut.end());
    let frame = frame(&dialect.cut, message, body);
    let sent = super::frame::sent(&dialect.cut, &frame);
    check.of_bytes(&check.covered(&Covered { start, body, sent: &sent, end, until: at })?)
}

/// The frame of a body: stuffed, and between its delimiters. A line ends with CR. What every frame of a message begins with
/// is never stuffed: where it looks like a delimiter, it is one.
#[must_use]
pub fn frame(cut: &Cut, message: &Message, body: &[u8]) -> Vec<u8> {
    match cut {
        Cut::Line { .. } => [body, b"\r"].concat(),
        Cut::Delimited { start, end, trailer, stuffing } => {
            let (inner, trailer) = body.split_at_checked(body.len().saturating_sub(*trailer)).unwrap_or_default();
            let sent = stuffing.as_ref().map_or_else(|| inner.to_vec(), |stuffing| stuffed(stuffing, message, inner));
            [start, sent.as_slice(), end, trailer].concat()
        }
        Cut::Fixed { start, end, .. } => [start, body, end].concat(),
        Cut::Counted { start, .. } => [start, body].concat(),
    }
}

fn stuffed(stuffing: &Stuffing, message: &Message, body: &[u8]) -> Vec<u8> {
    let begins = if let Some(Piece::Literal(text)) = message.payload.pieces.first() { text.len() } else { 0 };
    let (begins, rest) = body.split_at_checked(begins).unwrap_or((&[], body));
    [begins, &stuffing.stuffed(rest)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{
            dialect::Reads,
            frame::{Found, body, next},
            message::read_frame,
        },
        protocols::Protocols,
        reader::ReaderHints,
    };

    /// What a message makes of a body that it reads: its parts written anew, and all of it framed.
    fn written(dialect: &Dialect, message: &Message, body: &[u8]) -> Option<Vec<u8>> {
        let mut new = body.to_vec();
        for part in message.payload.read(body)? {
            let is_mixed = part.text.iter().any(u8::is_ascii_lowercase) && part.text.iter().any(u8::is_ascii_uppercase);
            let check = (part.name == "check").then(|| check(dialect, message, body, part.at)).flatten();
            let text = match (part.bits().filter(|_| !is_mixed), check) {
                (_, Some(check)) => bytes(&part, &check)?,
                (Some(bits), None) => digits(&part, &bits),
                (None, None) => continue,
            };
            new.splice(part.at..part.at + part.text.len(), text);
        }
        Some(frame(&dialect.cut, message, &new))
    }

    #[test]
    fn every_sample_of_every_dialect_is_written_as_it_was_read() {
        let protocols = Protocols::built_in();
        let mut count = 0;
        for dialect in &protocols.dialects {
            for sample in dialect.samples.iter().filter(|sample| !matches!(sample.reads, Reads::Damaged | Reads::ToReader)) {
                let told = ReaderHints { bits: sample.bits, ..ReaderHints::default() };
                let known = |frame: &[u8]| read_frame(dialect, &told, frame).is_some();
                let found = next(&dialect.cut, &sample.frame, dialect.longest, true, known);
                let Found::Frame { skip, len } = found else { panic!("{}: {found:?}", dialect.id) };
                let frame = &sample.frame[skip..skip + len];
                let body = body(&dialect.cut, frame);
                let anew: Vec<Vec<u8>> = dialect.messages.iter().filter_map(|message| written(dialect, message, &body)).collect();
                let is_line = matches!(dialect.cut, Cut::Line { .. });
                let wanted = if is_line { [&body, &b"\r"[..]].concat() } else { frame.to_vec() };
                // What a line begins with may be noise, and talk may be known by its beginning only.
                let is_read = !anew.is_empty() || !is_line;
                count += usize::from(is_read);
                assert!(!is_read || anew.contains(&wanted), "{}: {:02X?} of {wanted:02X?}", dialect.id, anew);
            }
        }
        assert!(count > 60, "{count}");
    }
}
