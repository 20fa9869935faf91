//! A serial reader's line as a pure machine: bytes or a time in; presentations, bytes to write and a deadline out.
//!
//! Bytes may arrive one at a time, joined, or after noise; half a frame times out, and what proves itself behind it is read.
//! What lies there is [`super::lying`]'s. Memory is bounded by the dialect's longest frame. Never: a clock; time is told.

use chrono::{DateTime, Utc};
use std::{cell::RefCell, sync::Arc, time::Duration};

use super::{
    dialect::{Cut, Dialect},
    frame::{self, Found, Search, Sense},
    host::Talk,
    lying::{Lying, Sight},
    message::{Checks, Heard, Judged, judge},
    noise::Noise,
};
use crate::{
    card::{Kind, Presentation},
    reader::{KeyEvent, ReaderHints, Signal},
};

impl ReaderHints {
    /// How often a card is read again while it lies there, because the reader says it again or is asked again; none where
    /// it says it once.
    #[must_use]
    pub fn repeats_of(&self, dialect: &Dialect) -> Option<Duration> {
        let asked = dialect.host.as_ref().filter(|host| host.poll.is_some()).map(|host| host.every);
        self.repeats.or(dialect.repeats).or(asked).filter(|every| !every.is_zero())
    }

    /// How long the reader takes until it reads cards, from the opening of its port.
    #[must_use]
    pub fn settle_of(&self, dialect: &Dialect) -> Duration {
        self.settle.unwrap_or(dialect.settle)
    }
}

/// What happens to a line.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// It was opened: a reader that waits to be asked is asked.
    Opened,
    /// Bytes came.
    Bytes(&'a [u8]),
    /// Keys moved: for a reader that types ([`super::keyboard`]).
    Keys(&'a [KeyEvent]),
    /// A byte came with a parity or framing error: this is what was made of it.
    Faulty(u8),
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
    /// Cards that lie there and were read once more: each is a second reading of one that was shown.
    pub again: Vec<Presentation>,
    /// Bytes to write to the reader.
    pub write: Vec<u8>,
    /// Bytes that were neither a frame nor the reader's known talk.
    pub noise: usize,
    /// The same, counted until people are to be told of it: at once, and then once a minute at most.
    pub noise_to_tell: Option<usize>,
    /// The reader has stopped answering, or never did.
    pub unanswered: bool,
    /// When to come back with [`Input::Time`].
    pub deadline: Option<DateTime<Utc>>,
}

/// So many frames without a check, and the reader sends none.
const FRAMES_WITHOUT_CHECK: u8 = 3;

/// One serial reader's line.
#[derive(Debug, Clone)]
pub struct Line {
    dialect: Arc<Dialect>,
    told: ReaderHints,
    waiting: Vec<u8>,
    /// Where in what waits a byte stands that came with an error.
    faulty: Vec<usize>,
    last_byte: DateTime<Utc>,
    in_overlong_line: bool,
    lying: Lying,
    talk: Talk,
    checks: Checks,
    without_check: u8,
    /// Until then the board restarts.
    settles: Option<DateTime<Utc>>,
    noise: Noise,
}

impl Line {
    /// A line that speaks this dialect.
    #[must_use]
    pub fn new(dialect: Arc<Dialect>, told: ReaderHints) -> Self {
        let talk = Talk::new(dialect.clone());
        let lying = Lying::new(told.card_left.unwrap_or(dialect.card_left));
        Self {
            dialect,
            told,
            waiting: Vec::new(),
            faulty: Vec::new(),
            last_byte: DateTime::UNIX_EPOCH,
            in_overlong_line: false,
            lying,
            talk,
            checks: Checks::Unknown,
            without_check: 0,
            settles: None,
            noise: Noise::default(),
        }
    }

    /// The same, and a damaged frame is said at once: whoever looks for a dialect wants to see it.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.lying.hold_nothing_back();
        self
    }

    /// Takes what happened and says what follows.
    pub fn handle(&mut self, input: Input<'_>, now: DateTime<Utc>) -> Output {
        let mut output = Output::default();
        self.let_time_pass(now, &mut output);
        match input {
            Input::Opened => self.opened(now),
            Input::Signal(signal) => self.talk.signal(signal),
            Input::Time | Input::Keys(_) => {}
            Input::Faulty(byte) => {
                self.faulty.push(self.waiting.len());
                self.bytes(&[byte], now, &mut output);
            }
            Input::Bytes(bytes) => self.bytes(bytes, now, &mut output),
        }
        if self.settles.is_none() {
            output.write = self.talk.say(now);
            output.unanswered = self.talk.is_unanswered();
        }
        output.noise_to_tell = self.noise.count(output.noise, now);
        let talk = if self.settles.is_some() { self.settles } else { self.talk.deadline() };
        output.deadline = self.silence_ends().into_iter().chain(talk).chain(self.lying.deadline()).chain(self.noise.due()).min();
        output
    }

    /// How long a card may be silent at the reader and still lie there.
    #[must_use]
    pub fn card_left(&self) -> Duration {
        self.told.card_left.unwrap_or(self.dialect.card_left)
    }

    /// How long after its opening a card may be read that lay there already.
    #[must_use]
    pub fn opens_for(&self) -> Duration {
        self.told.settle_of(&self.dialect) + self.card_left()
    }

    /// True while the reader still has a signal to show.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.talk.has_more()
    }

    /// What its cards are handed over as, unless a message says otherwise.
    pub(super) fn kind(&self) -> Kind {
        self.told.kind.unwrap_or(self.dialect.kind)
    }

    fn opened(&mut self, now: DateTime<Utc>) {
        let settle = self.told.settle_of(&self.dialect);
        let settled = now + settle;
        self.settles = (!settle.is_zero()).then_some(settled);
        self.talk.opened(settled);
    }

    fn bytes(&mut self, bytes: &[u8], now: DateTime<Utc>, output: &mut Output) {
        self.last_byte = now;
        // Piecewise, so that a flood never makes the buffer longer than two frames and one piece.
        for piece in bytes.chunks(self.dialect.longest.max(1)) {
            self.waiting.extend_from_slice(piece);
            self.cut_frames(false, now, output);
        }
    }

    /// What silence does: it ends a line that has no other end, and gives up half a frame.
    fn let_time_pass(&mut self, now: DateTime<Utc>, output: &mut Output) {
        if let Cut::Line { idle: Some(idle) } = self.dialect.cut
            && !self.waiting.is_empty()
            && now >= self.last_byte + idle
        {
            self.cut_frames(true, now, output);
        }
        let silent = now >= self.last_byte + self.dialect.half_frame || self.talk.is_overdue(now);
        if silent || now < self.last_byte {
            // What is left of an answer that did not come whole is no beginning of the next one. What proves itself in it
            // is a frame all the same.
            if silent && !self.waiting.is_empty() && !matches!(self.dialect.cut, Cut::Line { .. }) {
                self.cut_frames(true, now, output);
            }
            self.drop_as_noise(self.waiting.len(), output);
            self.in_overlong_line = false;
        }
        if self.settles.is_some_and(|settled| now >= settled) {
            self.settles = None;
        }
        output.presentations.extend(self.lying.let_time_pass(now));
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
        let dialect = self.dialect.clone();
        let search = Search { longest: dialect.longest, silent, within: dialect.looks_within() };
        loop {
            if self.in_overlong_line && !self.end_overlong_line(output) {
                return;
            }
            // What was asked last is what is found.
            let judged = RefCell::new(None);
            let sense = |at: usize, frame: &[u8]| {
                let found = self.judge(at, frame);
                let sense = found.as_ref().map_or(Sense::None, Judged::sense);
                judged.replace(found.map(|found| (at, frame.len(), found)));
                sense
            };
            match frame::find(&dialect.cut, &self.waiting, search, sense) {
                Found::Frame { skip, len } => {
                    let found = judged.into_inner().filter(|(at, long, _)| (*at, *long) == (skip, len)).map(|(.., found)| found);
                    let found = found.or_else(|| self.judge(skip, self.waiting.get(skip..skip + len)?));
                    self.drop_as_noise(skip, output);
                    self.pass(len.saturating_sub(dialect.cut.shared()));
                    if let Some(found) = found {
                        self.heard(found, now, output);
                    }
                }
                Found::Unknown { skip, len } => self.drop_as_noise(skip + len, output),
                Found::Wait { skip } => {
                    self.drop_as_noise(skip, output);
                    return;
                }
                Found::Overlong => self.in_overlong_line = true,
            }
        }
    }

    /// What the frame at this place of what waits is. One in which a byte came with an error is damaged.
    fn judge(&self, at: usize, frame: &[u8]) -> Option<Judged> {
        let judged = judge(&self.dialect, &self.told, self.checks, frame)?;
        if !self.faulty.iter().any(|faulty| (at..at + frame.len()).contains(faulty)) {
            return Some(judged);
        }
        match judged.heard {
            Heard::Talk => None,
            shown => {
                let heard = shown.damaged(&self.dialect.id, "a byte of it came with a parity or framing error");
                Some(Judged { heard, proof: 0, repeated: Vec::new() })
            }
        }
    }

    /// Drops an overlong line as far as it is there; true once its end was seen.
    fn end_overlong_line(&mut self, output: &mut Output) -> bool {
        let end = self.waiting.iter().position(|byte| frame::is_line_end(*byte));
        let dropped = end.map_or(self.waiting.len(), |end| end + 1);
        self.drop_as_noise(dropped, output);
        self.in_overlong_line = end.is_none();
        end.is_some()
    }

    /// Drops the first bytes that wait. What stands between frames and means nothing is no noise, nor is the greeting of a
    /// board that restarts.
    fn drop_as_noise(&mut self, count: usize, output: &mut Output) {
        if self.settles.is_none() {
            output.noise += self.waiting.iter().take(count).filter(|byte| !self.is_fill(**byte)).count();
        }
        self.pass(count);
    }

    fn is_fill(&self, byte: u8) -> bool {
        let shared = self.dialect.cut.end().get(..self.dialect.cut.shared()).unwrap_or_default();
        self.dialect.fill.contains(&byte) || shared == [byte]
    }

    /// Takes the first bytes that wait away.
    fn pass(&mut self, count: usize) {
        self.waiting.drain(..count.min(self.waiting.len()));
        self.faulty = self.faulty.iter().filter_map(|at| at.checked_sub(count)).collect();
    }

    fn heard(&mut self, judged: Judged, now: DateTime<Utc>, output: &mut Output) {
        self.learn(&judged);
        let since = self.talk.heard(&judged.repeated, now);
        if let Heard::Shown(presentation, ago) = judged.heard {
            // A reader that holds its last card says the same again and again: it is shown anew where it is younger
            // than the answer before.
            let unit = self.dialect.host.as_ref().and_then(|host| host.age).unwrap_or_default();
            let is_held = ago.and_then(|ago| chrono::Duration::from_std(ago.saturating_sub(unit)).ok()).is_some_and(|ago| ago > since);
            self.shown(*presentation, is_held, now, output);
        }
    }

    /// A card: a new one, or the same one still lying there, or one that the reader holds in its memory.
    pub(super) fn shown(&mut self, presentation: Presentation, is_held: bool, now: DateTime<Utc>, output: &mut Output) {
        match self.lying.shown(presentation, is_held, now) {
            Sight::New(shown) => output.presentations.push(shown),
            Sight::Again(again) => output.again.push(again),
            Sight::Nothing => {}
        }
    }

    /// Learns whether the reader sends checks, where that is a setting of it.
    fn learn(&mut self, judged: &Judged) {
        match judged.sense() {
            Sense::Proven(_) => self.checks = Checks::Sent,
            Sense::Whole if self.checks == Checks::Unknown => {
                self.without_check = self.without_check.saturating_add(1);
                if self.without_check >= FRAMES_WITHOUT_CHECK {
                    self.checks = Checks::NotSent;
                }
            }
            _ => {}
        }
    }
}
