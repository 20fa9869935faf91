//! Which bytes of a serial line are frames, as the framer cuts them ([`crate::decode::frame`]).
//!
//! In: bytes with their times. Out: ranges of the stream, in order and without a gap. Never: a meaning.

use std::{ops::Range, time::Duration};

use crate::decode::{
    dialect::{Cut, Dialect},
    frame::{self, Found, is_line_end},
    line::Told,
    message::read_frame,
};

/// A piece of the stream: a frame that says something known, or else noise, half a frame, a line that says nothing known.
pub type Piece = (Range<usize>, bool);

/// The pieces of a stream that came in these chunks. No frame goes on after a silence.
#[must_use]
pub fn pieces(dialect: &Dialect, told: &Told, chunks: &[(Duration, &[u8])]) -> Vec<Piece> {
    let silence = match dialect.cut {
        Cut::Line { idle: Some(idle) } => idle.min(dialect.half_frame),
        _ => dialect.half_frame,
    };
    let is_together = |a: &(Duration, &[u8]), b: &(Duration, &[u8])| b.0 >= a.0 && b.0 < a.0.saturating_add(silence);
    let (mut pieces, mut from) = (Vec::new(), 0);
    for talk in chunks.chunk_by(is_together) {
        let bytes: Vec<u8> = talk.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        cut(dialect, told, &bytes, from, &mut pieces);
        from += bytes.len();
    }
    pieces
}

/// The pieces of bytes between two silences, which begin at `from`.
fn cut(dialect: &Dialect, told: &Told, bytes: &[u8], from: usize, pieces: &mut Vec<Piece>) {
    let known = |frame: &[u8]| read_frame(dialect, told, frame).is_some();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (skip, frame) = match frame::next(&dialect.cut, rest, dialect.longest, true, known) {
            Found::Frame { skip, len } => (skip, len),
            Found::Unknown { skip, len } => (skip + len, 0),
            Found::Wait { .. } => (rest.len(), 0),
            Found::Overlong => (rest.iter().position(|byte| is_line_end(*byte)).map_or(rest.len(), |end| end + 1), 0),
        };
        let begins = from + at + skip;
        pieces.extend([(from + at..begins, false), (begins..begins + frame, true)].into_iter().filter(|(range, _)| !range.is_empty()));
        at += skip + frame;
    }
}
