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

/// What a frame is, before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Nothing known.
    None,
    /// A known message whose check speaks against it.
    Damaged,
    /// A known message.
    Whole,
    /// A known message that has passed a check of so many bits.
    Proven(u8),
}

/// A check of so many bits is passed so seldom by bytes which merely stand together that it needs no beginning beside it.
pub const WIDE: u8 = 16;

/// How it is looked for frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// No frame is longer than this; what grows beyond is skipped.
    pub longest: usize,
    /// The line has been silent for so long that nothing belongs any more to what waits.
    pub silent: bool,
    /// Within a damaged frame, and behind half of one, a frame that proves itself is looked for.
    pub within: bool,
}

/// Looks for the next frame that is known; see [`find`].
#[must_use]
pub fn next(cut: &Cut, waiting: &[u8], longest: usize, silent: bool, known: impl Fn(&[u8]) -> bool) -> Found {
    let sense = |_: usize, frame: &[u8]| if known(frame) { Sense::Whole } else { Sense::None };
    find(cut, waiting, Search { longest, silent, within: false }, sense)
}

/// Looks for the next frame. Within one that says nothing known another may begin, and within a damaged one, or behind
/// half of one, a frame that proves itself; within a line none does. `sense` is asked what the bytes at a place are.
#[must_use]
pub fn find(cut: &Cut, waiting: &[u8], search: Search, sense: impl Fn(usize, &[u8]) -> Sense) -> Found {
    let is_line = matches!(cut, Cut::Line { .. });
    let mut skip = start_of(cut, waiting, 0);
    let mut behind_half = false;
    while let Some(rest) = waiting.get(skip..).filter(|rest| !rest.is_empty()) {
        match frame(cut, rest, search, &|frame| sense(skip, frame)) {
            Ok((_, len)) if len <= search.longest => match rest.get(..len).map_or(Sense::None, |frame| sense(skip, frame)) {
                Sense::None if is_line => return Found::Unknown { skip, len },
                Sense::Damaged if is_line || !search.within => return Found::Frame { skip, len },
                Sense::Damaged => match proven_within(cut, waiting, skip, len, search, &sense) {
                    _ if behind_half => skip = start_of(cut, waiting, skip + 1),
                    Some(Found::Wait { .. }) => return Found::Wait { skip },
                    found => return found.unwrap_or(Found::Frame { skip, len }),
                },
                found if found != Sense::None && (!behind_half || is_proven(cut, found)) => return Found::Frame { skip, len },
                _ => skip = start_of(cut, waiting, skip + 1),
            },
            // The end of a line that is too long is no line of its own.
            Ok((_, len)) if is_line => skip = start_of(cut, waiting, skip + len),
            Err(nom::Err::Incomplete(_)) if rest.len() <= search.longest => {
                if is_line || !search.silent || !search.within {
                    return Found::Wait { skip };
                }
                behind_half = true;
                skip = start_of(cut, waiting, skip + 1);
            }
            Err(nom::Err::Incomplete(_)) if is_line => return Found::Overlong,
            _ => skip = start_of(cut, waiting, skip + 1),
        }
    }
    Found::Wait { skip }
}

/// A frame that proves itself and begins within the damaged one at this place; `Wait` where one may be coming.
fn proven_within(
    cut: &Cut,
    waiting: &[u8],
    damaged: usize,
    len: usize,
    search: Search,
    sense: &impl Fn(usize, &[u8]) -> Sense,
) -> Option<Found> {
    let mut at = start_of(cut, waiting, damaged + 1);
    while at < damaged + len {
        let rest = waiting.get(at..).unwrap_or_default();
        match frame(cut, rest, search, &|frame| sense(at, frame)) {
            Ok((_, len)) if rest.get(..len).is_some_and(|frame| is_proven(cut, sense(at, frame))) => {
                return Some(Found::Frame { skip: at, len });
            }
            Err(nom::Err::Incomplete(_)) if !search.silent && rest.len() <= search.longest => return Some(Found::Wait { skip: at }),
            _ => at = start_of(cut, waiting, at + 1),
        }
    }
    None
}

/// True for a frame that can be believed although half of another stands before it.
fn is_proven(cut: &Cut, sense: Sense) -> bool {
    match sense {
        Sense::Proven(bits) => bits >= WIDE || !cut.start().is_empty(),
        _ => false,
    }
}

/// What the delimiters of a whole frame enclose: without start and end, and with what was stuffed as it was meant. A
/// trailer stands at its end.
#[must_use]
pub fn body<'a>(cut: &Cut, frame: &'a [u8]) -> Cow<'a, [u8]> {
    match cut {
        Cut::Delimited { start, end, trailer, stuffing: Some(stuffing) } => {
            let (inner, trailer) = enclosed(start, end, *trailer, frame);
            Cow::Owned([&unstuffed(stuffing, inner), trailer].concat())
        }
        _ => sent(cut, frame),
    }
}

/// The same, and what was stuffed is left as it was sent.
#[must_use]
pub fn sent<'a>(cut: &Cut, frame: &'a [u8]) -> Cow<'a, [u8]> {
    match cut {
        Cut::Line { .. } => {
            let ends = frame.last().copied().is_some_and(is_line_end);
            Cow::Borrowed(frame.get(..frame.len() - usize::from(ends)).unwrap_or_default())
        }
        Cut::Delimited { start, end, trailer, .. } => match enclosed(start, end, *trailer, frame) {
            (inner, []) => Cow::Borrowed(inner),
            (inner, trailer) => Cow::Owned([inner, trailer].concat()),
        },
        Cut::Fixed { start, end, .. } => Cow::Borrowed(frame.get(start.len()..frame.len().saturating_sub(end.len())).unwrap_or_default()),
        Cut::Counted { start, .. } => Cow::Borrowed(frame.get(start.len()..).unwrap_or_default()),
    }
}

fn enclosed<'a>(start: &[u8], end: &[u8], trailer: usize, frame: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let inner_end = frame.len().saturating_sub(end.len() + trailer);
    (frame.get(start.len()..inner_end).unwrap_or_default(), frame.get(inner_end + end.len()..).unwrap_or_default())
}

/// The length of the frame at the very beginning of the bytes, delimiters included.
fn frame<'a>(cut: &Cut, bytes: &'a [u8], search: Search, sense: &impl Fn(&[u8]) -> Sense) -> IResult<&'a [u8], usize> {
    match cut {
        Cut::Line { idle: Some(_) } if search.silent && !bytes.iter().copied().any(is_line_end) => Ok((&[], bytes.len())),
        Cut::Line { .. } => length_of((take_till(is_line_end), take(1_usize)), bytes),
        Cut::Delimited { start, end, trailer, stuffing: Some(stuffing) } => {
            length_of((tag(start.as_slice()), until_end(end, stuffing), tag(end.as_slice()), take(*trailer)), bytes)
        }
        Cut::Delimited { start, end, trailer, .. } => {
            length_of((tag(start.as_slice()), take_until(end.as_slice()), tag(end.as_slice()), take(*trailer)), bytes)
        }
        Cut::Fixed { start, end, lengths } => fixed(start, end, lengths, bytes, sense),
        Cut::Counted { start, at, width, low_first, add } => {
            let (_, (_, header)) = (tag(start.as_slice()), take((at + width).saturating_sub(start.len()))).parse(bytes)?;
            let counted = header.get(header.len().saturating_sub(*width)..).unwrap_or_default();
            let append = |count: usize, byte: &u8| count << 8 | usize::from(*byte);
            let count = if *low_first { counted.iter().rev().fold(0, append) } else { counted.iter().fold(0, append) };
            let len = count.saturating_add(*add);
            if len < at + width || len > search.longest {
                return Err(nom::Err::Error(nom::error::Error::new(bytes, ErrorKind::LengthValue)));
            }
            length_of(take(len), bytes)
        }
    }
}

/// What stands before the end. The end is looked for in what is meant: in a DLE sent twice no end begins.
fn until_end<'a>(end: &[u8], stuffing: &Stuffing) -> impl Parser<&'a [u8], Output = &'a [u8], Error = nom::error::Error<&'a [u8]>> {
    move |bytes: &'a [u8]| {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let shown = rest.len().min(end.len());
            at += match rest {
                _ if rest.starts_with(end) => return take(at).parse(bytes),
                _ if rest.get(..shown) == end.get(..shown) => break,
                [escape] if *escape == stuffing.escape => break,
                [escape, code, ..] if *escape == stuffing.escape => match stuffing.taken(*code, end) {
                    Some(taken) => taken,
                    None => return Err(nom::Err::Error(nom::error::Error::new(bytes, ErrorKind::Escaped))),
                },
                _ => 1,
            };
        }
        Err(nom::Err::Incomplete(nom::Needed::new(1)))
    }
}

/// The first of the lengths at which the frame ends as it should and says something known.
fn fixed<'a>(start: &[u8], end: &[u8], lengths: &[usize], bytes: &'a [u8], sense: &impl Fn(&[u8]) -> Sense) -> IResult<&'a [u8], usize> {
    tag(start).parse(bytes)?;
    let is_whole = |len: &&usize| bytes.get(..**len).is_some_and(|frame| frame.ends_with(end) && sense(frame) != Sense::None);
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
            // What stands for nothing is left as it came: the check finds it.
            Some(code) => match stuffing.meant(code) {
                Some(escaped) => meant.push(escaped),
                None => meant.extend([byte, code]),
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
