//! A serial reader's line as a pure machine: bytes or a time in; presentations, bytes to write and a deadline out.
//!
//! Bytes may arrive one at a time, joined, or after noise; half a frame times out. The same card again while it lies
//! there is one presentation. Memory is bounded by the dialect's longest frame. Never: a clock; time is told.

use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};

use super::{
    dialect::{Cut, Dialect},
    frame::{self, Found},
    host::Talk,
    message::{Heard, read_frame},
};
use crate::{
    card::{Kind, Presentation, SHOWN_BEFORE},
    readers::Signal,
};

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
    /// It was opened: a reader that waits to be asked is asked.
    Opened,
    /// Bytes came.
    Bytes(&'a [u8]),
    /// The reader is to show something, if it can.
    Signal(Signal),
    /// The deadline passed.
    Time,
}

/// What follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Cards that were shown.
    pub presentations: Vec<Presentation>,
    /// Bytes to write to the reader.
    pub write: Vec<u8>,
    /// Bytes that were neither a frame nor the reader's known talk.
    pub noise: usize,
    /// The reader has stopped answering, or never did.
    pub unanswered: bool,
    /// The card that was shown last lies there still.
    pub lies_there: bool,
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
    lying_there: Option<(Presentation, DateTime<Utc>)>,
    talk: Talk,
}

impl Line {
    /// A line that speaks this dialect.
    #[must_use]
    pub fn new(dialect: Arc<Dialect>, told: Told) -> Self {
        let talk = Talk::new(dialect.clone());
        let (waiting, last_byte) = (Vec::new(), DateTime::UNIX_EPOCH);
        Self { dialect, told, waiting, last_byte, in_overlong_line: false, lying_there: None, talk }
    }

    /// Takes what happened and says what follows.
    pub fn handle(&mut self, input: Input<'_>, now: DateTime<Utc>) -> Output {
        let mut output = Output::default();
        self.let_time_pass(now, &mut output);
        match input {
            Input::Opened => self.talk.opened(now),
            Input::Signal(signal) => self.talk.signal(signal),
            Input::Time => {}
            Input::Bytes(bytes) => {
                self.last_byte = now;
                // Piecewise, so that a flood never makes the buffer longer than one frame and one piece.
                for piece in bytes.chunks(self.dialect.longest.max(1)) {
                    self.waiting.extend_from_slice(piece);
                    self.cut_frames(false, now, &mut output);
                }
            }
        }
        output.write = self.talk.say(now);
        output.unanswered = self.talk.is_unanswered();
        let half_frame = self.silence_ends().into_iter().chain(self.talk.deadline());
        output.deadline = half_frame.min();
        output
    }

    /// How long a card may be silent at the reader and still lie there.
    #[must_use]
    pub fn card_left(&self) -> Duration {
        self.told.card_left.unwrap_or(self.dialect.card_left)
    }

    /// True while the reader still has a signal to show.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.talk.has_more()
    }

    /// What silence does: it ends a line that has no other end, and drops half a frame.
    fn let_time_pass(&mut self, now: DateTime<Utc>, output: &mut Output) {
        if let Cut::Line { idle: Some(idle) } = self.dialect.cut
            && !self.waiting.is_empty()
            && now >= self.last_byte + idle
        {
            self.cut_frames(true, now, output);
        }
        // What is left of an answer that did not come whole is no beginning of the next one.
        let silent = now >= self.last_byte + self.dialect.half_frame || self.talk.is_overdue(now);
        if silent || now < self.last_byte {
            output.noise += self.waiting.len();
            self.waiting.clear();
            self.in_overlong_line = false;
        }
    }

    /// When silence does something.
    fn silence_ends(&self) -> Option<DateTime<Utc>> {
        let silence = match self.dialect.cut {
            Cut::Line { idle: Some(idle) } => idle.min(self.dialect.half_frame),
            _ => self.dialect.half_frame,
        };
        (!self.waiting.is_empty()).then(|| self.last_byte + silence)
    }

    fn cut_frames(&mut self, silent: bool, now: DateTime<Utc>, output: &mut Output) {
        loop {
            if self.in_overlong_line && !self.end_overlong_line(output) {
                return;
            }
            let (dialect, told) = (self.dialect.clone(), self.told);
            let known = |frame: &[u8]| read_frame(&dialect, &told, frame).is_some();
            match frame::next(&dialect.cut, &self.waiting, dialect.longest, silent, known) {
                Found::Frame { skip, len } => {
                    output.noise += self.noise_in(skip);
                    let bytes: Vec<u8> = self.waiting.drain(..skip + len).skip(skip).collect();
                    if let Some(heard) = read_frame(&dialect, &told, &bytes) {
                        self.heard(heard, now, output);
                    }
                }
                Found::Unknown { skip, len } => {
                    output.noise += self.noise_in(skip + len);
                    self.waiting.drain(..skip + len);
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
        output.noise += self.noise_in(dropped);
        self.waiting.drain(..dropped);
        self.in_overlong_line = end.is_none();
        end.is_some()
    }

    /// What stands between frames and means nothing is no noise.
    fn noise_in(&self, skip: usize) -> usize {
        self.waiting.iter().take(skip).filter(|byte| !self.dialect.fill.contains(byte)).count()
    }

    fn heard(&mut self, heard: Heard, now: DateTime<Utc>, output: &mut Output) {
        let since = self.talk.heard(now);
        if let Heard::Shown(presentation, ago) = heard {
            // A reader that holds its last card says the same again and again: it is shown anew where it is younger
            // than the answer before.
            let unit = self.dialect.host.as_ref().and_then(|host| host.age).unwrap_or_default();
            let is_held = ago.and_then(|ago| chrono::Duration::from_std(ago.saturating_sub(unit)).ok()).is_some_and(|ago| ago > since);
            self.shown(*presentation, is_held, now, output);
        }
    }

    /// A card: a new one, or the same one still lying there, or one that the reader holds in its memory.
    fn shown(&mut self, mut presentation: Presentation, is_held: bool, now: DateTime<Utc>, output: &mut Output) {
        let card_left = self.card_left();
        let is_there = |at: DateTime<Utc>| now >= at && now < at + card_left;
        let last = self.lying_there.as_ref().map(|(_, at)| *at);
        let before = self.lying_there.as_ref().filter(|(card, _)| is_same_card(card, &presentation)).map(|(_, at)| *at);
        // A damaged frame while a card lies there is that card, and no reason to count it anew.
        let is_its_damage = presentation.damage.is_some() && last.is_some_and(is_there);
        let again = is_held && before.is_some() || before.is_some_and(is_there) || is_its_damage;
        output.lies_there |= again && !is_held;
        if presentation.kind == Kind::Key || !again {
            presentation.at = Some(now);
            if is_held {
                presentation.warnings.push(SHOWN_BEFORE.to_owned());
            }
            output.presentations.push(presentation.clone());
        }
        if presentation.kind == Kind::Key || is_its_damage || (is_held && again) {
            return;
        }
        // A card in the reader's memory does not lie there: shown anew, it is a card.
        self.lying_there = Some((presentation, if is_held { DateTime::UNIX_EPOCH } else { now }));
    }
}

fn is_same_card(a: &Presentation, b: &Presentation) -> bool {
    (a.kind, a.bits, &a.csn, &a.numbers, &a.damage) == (b.kind, b.bits, &b.csn, &b.numbers, &b.damage)
        // Where nothing was understood, only the same bytes are the same card.
        && (a.bits.is_some() || a.csn.is_some() || a.numbers.is_some() || a.raw == b.raw)
}
