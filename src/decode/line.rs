//! A serial reader's line as a pure machine: bytes or a time in; presentations, bytes to write and a deadline out.
//!
//! Bytes may arrive one at a time, joined, or after noise; half a frame times out. The same frame again while the card
//! lies there is one presentation. Memory is bounded by the dialect's longest frame. Never: a clock; time is told.

use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};

use super::{
    dialect::{Align, Cut, Dialect, FrameCheck},
    frame::{self, Found},
    payload::Part,
};
use crate::card::{Csn, Damage, Kind, PacsBits, Presentation};

/// In which order a device sends the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrder {
    /// The first byte is the most significant.
    #[default]
    AsSent,
    /// The first byte is the least significant.
    Reversed,
}

/// What a site says about a reader that the device itself does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// The number of bits.
    pub bits: Option<u16>,
    /// What kind of thing it hands over.
    pub kind: Option<Kind>,
    /// The order of its bytes.
    pub byte_order: ByteOrder,
    /// A site's own time until a card counts as gone.
    pub card_left: Option<Duration>,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Bytes came.
    Bytes(&'a [u8]),
    /// The deadline passed.
    Time,
}

/// What follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Cards that were shown.
    pub presentations: Vec<Presentation>,
    /// Bytes to write to the reader: nothing yet, as no dialect that listens speaks.
    pub write: Vec<u8>,
    /// Bytes that were neither a frame nor the reader's known talk.
    pub noise: usize,
    /// When to come back with [`Input::Time`].
    pub deadline: Option<DateTime<Utc>>,
}

/// One serial reader's line.
#[derive(Debug, Clone)]
pub struct Line {
    dialect: Arc<Dialect>,
    told: Told,
    waiting: Vec<u8>,
    last_byte: DateTime<Utc>,
    in_overlong_line: bool,
    lying_there: Option<(Vec<u8>, DateTime<Utc>)>,
}

impl Line {
    /// A line that speaks this dialect.
    #[must_use]
    pub const fn new(dialect: Arc<Dialect>, told: Told) -> Self {
        Self { dialect, told, waiting: Vec::new(), last_byte: DateTime::UNIX_EPOCH, in_overlong_line: false, lying_there: None }
    }

    /// Takes what happened and says what follows.
    pub fn handle(&mut self, input: Input<'_>, now: DateTime<Utc>) -> Output {
        let mut output = Output::default();
        if now >= self.last_byte + self.dialect.half_frame || now < self.last_byte {
            output.noise += self.waiting.len();
            self.waiting.clear();
            self.in_overlong_line = false;
        }
        if let Input::Bytes(bytes) = input {
            self.last_byte = now;
            // Piecewise, so that a flood never makes the buffer longer than one frame and one piece.
            for piece in bytes.chunks(self.dialect.longest.max(1)) {
                self.waiting.extend_from_slice(piece);
                self.cut_frames(now, &mut output);
            }
        }
        output.deadline = (!self.waiting.is_empty()).then(|| self.last_byte + self.dialect.half_frame);
        output
    }

    fn cut_frames(&mut self, now: DateTime<Utc>, output: &mut Output) {
        loop {
            if self.in_overlong_line && !self.end_overlong_line(output) {
                return;
            }
            match frame::next(&self.dialect.cut, &self.waiting, self.dialect.longest) {
                Found::Frame { skip, len } => {
                    output.noise += self.noise_in(skip);
                    let bytes: Vec<u8> = self.waiting.drain(..skip + len).skip(skip).collect();
                    self.frame(&bytes, now, output);
                }
                Found::Wait { skip } => {
                    output.noise += self.noise_in(skip);
                    self.waiting.drain(..skip);
                    return;
                }
                Found::Overlong => self.in_overlong_line = true,
            }
        }
    }

    /// Drops an overlong line as far as it is there; true once its end was seen.
    fn end_overlong_line(&mut self, output: &mut Output) -> bool {
        let end = self.waiting.iter().position(|byte| frame::is_line_end(*byte));
        let dropped = end.map_or(self.waiting.len(), |end| end + 1);
        output.noise += dropped;
        self.waiting.drain(..dropped);
        self.in_overlong_line = end.is_none();
        end.is_some()
    }

    /// Line ends between lines are no noise.
    fn noise_in(&self, skip: usize) -> usize {
        let skipped = self.waiting.iter().take(skip);
        if self.dialect.cut == Cut::Line { skipped.filter(|byte| !frame::is_line_end(**byte)).count() } else { skip }
    }

    fn frame(&mut self, bytes: &[u8], now: DateTime<Utc>, output: &mut Output) {
        let mut bytes = bytes;
        loop {
            if let Some(presentation) = read_frame(&self.dialect, &self.told, bytes) {
                return self.shown(presentation, bytes, now, output);
            }
            // Within a frame that is not of this dialect, a whole one may still begin; within a line, none does.
            let body = frame::body(&self.dialect.cut, bytes);
            if self.dialect.talk.iter().any(|talk| body.starts_with(talk.as_bytes())) {
                return;
            }
            let inner = bytes.get(1..).unwrap_or_default();
            match frame::next(&self.dialect.cut, inner, self.dialect.longest) {
                Found::Frame { skip, len } if self.dialect.cut != Cut::Line => {
                    output.noise += skip + 1;
                    bytes = inner.get(skip..skip + len).unwrap_or_default();
                }
                _ => {
                    output.noise += bytes.len();
                    return;
                }
            }
        }
    }

    /// A card: a new one, or the same one still lying there.
    fn shown(&mut self, mut presentation: Presentation, raw: &[u8], now: DateTime<Utc>, output: &mut Output) {
        let card_left = self.told.card_left.unwrap_or(self.dialect.card_left);
        let still_there = |(last, at): &(Vec<u8>, DateTime<Utc>)| last == raw && now >= *at && now < *at + card_left;
        let again = self.lying_there.as_ref().is_some_and(still_there);
        self.lying_there = Some((raw.to_vec(), now));
        if !again {
            presentation.at = Some(now);
            output.presentations.push(presentation);
        }
    }
}

/// What one whole frame presents; none when it is not of this dialect.
#[must_use]
pub fn read_frame(dialect: &Dialect, told: &Told, bytes: &[u8]) -> Option<Presentation> {
    let parts = dialect.payload.read(frame::body(&dialect.cut, bytes))?;
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    let kind = told.kind.unwrap_or(dialect.kind);
    let mut presentation = Presentation::of(kind);
    presentation.raw = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    match part("bits").or_else(|| part("id"))? {
        id if id.name == "id" || kind == Kind::Csn => identify(&mut presentation, kind, &id.bytes()?, told.byte_order)?,
        bits => presentation.bits = count(part("count"), told, bits).and_then(|count| frame_bits(dialect.align, bits, count, told)),
    }
    // Digits that cannot be as many bits as the device or the site says are not this dialect's frame.
    if (part("count").is_some() || told.bits.is_some()) && presentation.bits.is_none() {
        return None;
    }
    if let Some(check) = dialect.check {
        presentation.damage = damage(check, dialect, part("id")?, part("check")?)?;
    }
    if presentation.damage.is_some() {
        // What a damaged frame says is no number of a card.
        (presentation.bits, presentation.csn) = (None, None);
    }
    Some(presentation)
}

fn identify(presentation: &mut Presentation, kind: Kind, id: &[u8], order: ByteOrder) -> Option<()> {
    let id = ordered(id.to_vec(), order);
    if kind == Kind::Csn {
        presentation.csn = Some(Csn::new(&id)?);
    }
    presentation.bits = PacsBits::from_left_aligned(&id, id.len() * 8).ok();
    presentation.bits.map(|_| ())
}

/// The bit count: the device's word, else the site's, else what binary digits show themselves.
fn count(counted: Option<&Part<'_>>, told: &Told, bits: &Part<'_>) -> Option<usize> {
    let binary = || (bits.encoding == super::payload::Encoding::Bin).then_some(bits.text.len());
    match counted {
        Some(part) => part.number().and_then(|count| usize::try_from(count).ok()),
        None => told.bits.map(usize::from).or_else(binary),
    }
}

fn frame_bits(align: Align, part: &Part<'_>, count: usize, told: &Told) -> Option<PacsBits> {
    let mut digits = part.bits()?;
    if told.byte_order == ByteOrder::Reversed && digits.len() % 8 == 0 {
        digits = digits.chunks(8).rev().flatten().copied().collect();
    }
    let spare = digits.len().checked_sub(count).filter(|spare| *spare < 8)?;
    let (kept, unused) = match align {
        Align::Left => digits.split_at_checked(count)?,
        Align::Right => digits.split_at_checked(spare).map(|(unused, kept)| (kept, unused))?,
    };
    let clean = !unused.iter().any(|bit| *bit);
    clean.then(|| PacsBits::from_bits(kept.iter().copied()).ok()).flatten()
}

/// Bytes in the site's order.
#[must_use]
pub fn ordered(mut bytes: Vec<u8>, order: ByteOrder) -> Vec<u8> {
    if order == ByteOrder::Reversed {
        bytes.reverse();
    }
    bytes
}

/// Whether the frame's check speaks against it; none where there is nothing to check, which is no frame of this dialect.
fn damage(check: FrameCheck, dialect: &Dialect, id: &Part<'_>, received: &Part<'_>) -> Option<Option<Damage>> {
    let FrameCheck::Xor = check;
    let computed = id.bytes()?.iter().fold(0, |xor, byte| xor ^ byte);
    let received = received.number()?;
    let detail = format!("the checksum computed is {computed:02X} and the one received is {received:02X}");
    Some((u64::from(computed) != received).then(|| Damage { by: dialect.id.clone(), detail }))
}
