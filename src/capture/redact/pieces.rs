//! Which bytes of a serial line are frames, as the line itself cuts them ([`crate::decode::line`]).
//!
//! In: bytes with their times. Out: ranges of the stream, in order and without a gap. Never: a meaning.

use std::{ops::Range, time::Duration};

use crate::{
    decode::{
        dialect::{Cut, Dialect},
        frame::{self, Found, is_line_end},
        message::read_frame,
    },
    reader::ReaderHints,
};

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A frame that says something known.
    Frame(Range<usize>),
    /// Everything else: noise, half frames, lines that say nothing known.
    Other(Range<usize>),
}

/// The pieces of a stream that came in these chunks.
#[must_use]
pub fn pieces(dialect: &Dialect, told: &ReaderHints, chunks: &[(Duration, &[u8])]) -> Vec<Piece> {
    let stream: Vec<u8> = chunks.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let mut cutter = Cutter { dialect, told, stream: &stream, from: 0, end: 0, in_overlong_line: false, pieces: Vec::new() };
    let mut last: Option<Duration> = None;
    for (at, bytes) in chunks {
        if let Some(last) = last {
            cutter.silence(last, *at);
        }
        for piece in bytes.chunks(dialect.longest.max(1)) {
            cutter.end += piece.len();
            cutter.cut(false);
        }
        last = Some(*at);
    }
    cutter.silence(Duration::ZERO, Duration::MAX);
    cutter.other(stream.len());
    cutter.pieces
}

struct Cutter<'a> {
    dialect: &'a Dialect,
    told: &'a ReaderHints,
    stream: &'a [u8],
    /// Where the bytes that wait begin and end.
    from: usize,
    end: usize,
    in_overlong_line: bool,
    pieces: Vec<Piece>,
}

impl Cutter<'_> {
    fn silence(&mut self, last: Duration, now: Duration) {
        if let Cut::Line { idle: Some(idle) } = self.dialect.cut
            && self.from < self.end
            && now >= last.saturating_add(idle)
        {
            self.cut(true);
        }
        if now >= last.saturating_add(self.dialect.half_frame) || now < last {
            self.other(self.end);
            self.in_overlong_line = false;
        }
    }

    fn cut(&mut self, silent: bool) {
        loop {
            if self.in_overlong_line {
                let waiting = self.stream.get(self.from..self.end).unwrap_or_default();
                let line_end = waiting.iter().position(|byte| is_line_end(*byte));
                self.in_overlong_line = line_end.is_none();
                self.other(line_end.map_or(self.end, |at| self.from + at + 1));
                if line_end.is_none() {
                    return;
                }
            }
            let waiting = self.stream.get(self.from..self.end).unwrap_or_default();
            let known = |frame: &[u8]| read_frame(self.dialect, self.told, frame).is_some();
            match frame::next(&self.dialect.cut, waiting, self.dialect.longest, silent, known) {
                Found::Frame { skip, len } => {
                    self.other(self.from + skip);
                    self.pieces.push(Piece::Frame(self.from..self.from + len));
                    self.from += len;
                }
                Found::Unknown { skip, len } => self.other(self.from + skip + len),
                Found::Wait { skip } => {
                    self.other(self.from + skip);
                    return;
                }
                Found::Overlong => self.in_overlong_line = true,
            }
        }
    }

    /// What waits before this place is no frame.
    fn other(&mut self, until: usize) {
        if until <= self.from {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Other(range)) => range.end = until,
            _ => self.pieces.push(Piece::Other(self.from..until)),
        }
        self.from = until;
    }
}
