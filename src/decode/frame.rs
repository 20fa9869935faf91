//! Framing: where a frame begins and ends in a stream of bytes that may hold anything.
//!
//! In: the bytes that wait, a dialect's cut, and whether a frame says anything that is known. Out: a frame with what
//! must be skipped before it, or "wait". Never: a meaning. The grammar is nom's, streaming: `Incomplete` means wait for
//! more.

use std::borrow::Cow;

use nom::{
    IResult, Parser,
    bytes::streaming::{tag, take, take_till, take_until},
    combinator::consumed,
    error::ErrorKind,
};

use super::dialect::{Cut, Stuffing};

/// What the bytes that wait hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A frame of `len` bytes after `skip` bytes that are not part of one.
    Frame {
        /// Bytes before it.
        skip: usize,
        /// Its bytes.
        len: usize,
    },
    /// A whole line of `len` bytes that says nothing known, after `skip` bytes.
    Unknown {
        /// Bytes before it.
        skip: usize,
        /// Its bytes.
        len: usize,
    },
    /// No frame yet; `skip` bytes can never be part of one.
    Wait {
        /// Bytes to drop.
        skip: usize,
    },
    /// A line that is too long already: all of it is to be dropped, up to and with its end.
    Overlong,
}

/// Looks for the next frame that is known. A frame is never longer than `longest` bytes: what grows beyond is skipped.
/// Within a frame that is not known a known one may begin; within a line none does. `silent`: the line has been silent
/// for so long that a line without an end has ended.
#[must_use]
pub fn next(cut: &Cut, waiting: &[u8], longest: usize, silent: bool, known: impl Fn(&[u8]) -> bool) -> Found {
    let is_line = matches!(cut, Cut::Line { .. });
    let mut skip = start_of(cut, waiting, 0);
    while let Some(rest) = waiting.get(skip..).filter(|rest| !rest.is_empty()) {
        match frame(cut, rest, longest, silent, &known) {
            Ok((_, len)) if len <= longest => {
                let known = rest.get(..len).is_some_and(&known);
                match (known, is_line) {
                    (true, _) => return Found::Frame { skip, len },
                    (false, true) => return Found::Unknown { skip, len },
                    (false, false) => skip = start_of(cut, waiting, skip + 1),
                }
            }
            // The end of a line that is too long is no line of its own.
            Ok((_, len)) if is_line => skip = start_of(cut, waiting, skip + len),
            Err(nom::Err::Incomplete(_)) if rest.len() <= longest => return Found::Wait { skip },
            Err(nom::Err::Incomplete(_)) if is_line => return Found::Overlong,
            _ => skip = start_of(cut, waiting, skip + 1),
        }
    }
    Found::Wait { skip }
}

/// What the delimiters of a whole frame enclose: without start and end, and with what was stuffed as it was meant.
#[must_use]
pub fn body<'a>(cut: &Cut, frame: &'a [u8]) -> Cow<'a, [u8]> {
    match cut {
        Cut::Line { .. } => {
            let ends = frame.last().copied().is_some_and(is_line_end);
            Cow::Borrowed(frame.get(..frame.len() - usize::from(ends)).unwrap_or_default())
        }
        Cut::Delimited { start, end, trailer, stuffing } => {
            let inner_end = frame.len().saturating_sub(end.len() + trailer);
            let inner = frame.get(start.len()..inner_end).unwrap_or_default();
            match (stuffing, trailer) {
                (Some(stuffing), _) => Cow::Owned(unstuffed(stuffing, inner)),
                (None, 0) => Cow::Borrowed(inner),
                (None, _) => Cow::Owned([inner, frame.get(inner_end + end.len()..).unwrap_or_default()].concat()),
            }
        }
        Cut::Fixed { start, end, .. } => Cow::Borrowed(frame.get(start.len()..frame.len().saturating_sub(end.len())).unwrap_or_default()),
        Cut::Counted { start, .. } => Cow::Borrowed(frame.get(start.len()..).unwrap_or_default()),
    }
}

/// The length of the frame at the very beginning of the bytes, delimiters included.
fn frame<'a>(cut: &Cut, bytes: &'a [u8], longest: usize, silent: bool, known: &impl Fn(&[u8]) -> bool) -> IResult<&'a [u8], usize> {
    match cut {
        Cut::Line { idle: Some(_) } if silent && !bytes.iter().copied().any(is_line_end) => Ok((&[], bytes.len())),
        Cut::Line { .. } => length_of((take_till(is_line_end), take(1_usize)), bytes),
        Cut::Delimited { start, end, trailer, .. } => {
            length_of((tag(start.as_slice()), take_until(end.as_slice()), tag(end.as_slice()), take(*trailer)), bytes)
        }
        Cut::Fixed { start, end, lengths } => fixed(start, end, lengths, bytes, known),
        Cut::Counted { start, at, width, low_first, add } => {
            let (_, (_, header)) = (tag(start.as_slice()), take((at + width).saturating_sub(start.len()))).parse(bytes)?;
            let counted = header.get(header.len().saturating_sub(*width)..).unwrap_or_default();
            let append = |count: usize, byte: &u8| count << 8 | usize::from(*byte);
            let count = if *low_first { counted.iter().rev().fold(0, append) } else { counted.iter().fold(0, append) };
            let len = count.saturating_add(*add);
            if len < at + width || len > longest {
                return Err(nom::Err::Error(nom::error::Error::new(bytes, ErrorKind::LengthValue)));
            }
            length_of(take(len), bytes)
        }
    }
}

/// The first of the lengths at which the frame ends as it should and says something known.
fn fixed<'a>(start: &[u8], end: &[u8], lengths: &[usize], bytes: &'a [u8], known: &impl Fn(&[u8]) -> bool) -> IResult<&'a [u8], usize> {
    tag(start).parse(bytes)?;
    let is_whole = |len: &&usize| bytes.get(..**len).is_some_and(|frame| frame.ends_with(end) && known(frame));
    if let Some(len) = lengths.iter().find(is_whole) {
        return length_of(take(*len), bytes);
    }
    let longest = lengths.iter().max().copied().unwrap_or(0);
    take(longest).parse(bytes).and_then(|_: (&[u8], &[u8])| Err(nom::Err::Error(nom::error::Error::new(bytes, ErrorKind::Tag))))
}

fn length_of<'a, O>(
    grammar: impl Parser<&'a [u8], Output = O, Error = nom::error::Error<&'a [u8]>>,
    bytes: &'a [u8],
) -> IResult<&'a [u8], usize> {
    consumed(grammar).map(|(taken, _): (&[u8], O)| taken.len()).parse(bytes)
}

fn unstuffed(stuffing: &Stuffing, bytes: &[u8]) -> Vec<u8> {
    let mut meant = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        match (byte == stuffing.escape).then(|| rest.next()).flatten() {
            // What is not in the list is left as it came: the check finds it.
            Some(place) => match stuffing.escaped.get(usize::from(place)) {
                Some(escaped) => meant.push(*escaped),
                None => meant.extend([byte, place]),
            },
            None => meant.push(byte),
        }
    }
    meant
}

/// True for the bytes a line ends with. Of CR LF the CR ends the line, and the LF begins none.
#[must_use]
pub const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The first place from `from` on where a frame of this cut may begin.
fn start_of(cut: &Cut, bytes: &[u8], from: usize) -> usize {
    let start = cut.start();
    let begins = |at: &usize| match cut {
        Cut::Line { .. } => !bytes.get(*at).copied().is_some_and(is_line_end),
        _ => {
            let rest = bytes.get(*at..).unwrap_or_default();
            let shown = rest.len().min(start.len());
            rest.get(..shown) == start.get(..shown)
        }
    };
    (from..bytes.len()).find(begins).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
