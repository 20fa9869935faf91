//! A reader that types, as a pure machine: key events or a time in; presentations and a deadline out.
//!
//! A burst of keys is a line of the same dialects that serial readers speak. Keys are read by their code, which no layout
//! changes. A reader types faster than a person, and that is how the two are told apart. There is no check on a keyboard:
//! length and alphabet are all there is, so what is not exactly a line of the dialect is damaged. Never: a clock.

mod keys;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    dialect::{Cut, Dialect, Message},
    line::{Input, Line, Output},
    noise::Noise,
    payload::{Piece, Width},
};
use crate::{
    card::{Damage, Presentation, to_hex},
    reader::{KeyEvent, KeyMove, ReaderHints},
};
use keys::{Key, Modifiers};

/// Two keys that are further apart were not typed by a reader: the slowest one known takes 40 ms a key.
const GAP: Duration = Duration::from_millis(100);
/// After a person's typing nothing is believed for so long, where a part of a number would look like a number.
const REST: Duration = Duration::from_millis(500);
/// A card that lies on a reader is typed again and again. Within this time it is the same card, unless site or dialect
/// name a longer one.
const CARD_LEFT: Duration = Duration::from_secs(2);
/// Fewer keys than these, of no line, are a person's.
const TYPING: usize = 4;

/// One reader that types.
#[derive(Debug, Clone)]
pub struct Keyboard {
    dialect: Arc<Dialect>,
    line: Line,
    modifiers: Modifiers,
    /// The last key pressed, while it is not released.
    held: Option<u16>,
    burst: Burst,
    noise: Noise,
    /// A burst that began before this is not believed.
    believed_from: DateTime<Utc>,
}

/// What has been typed without a pause.
#[derive(Clone, Default)]
struct Burst {
    text: Vec<u8>,
    /// Keys that stand for no character, or came with Ctrl or Alt; or events that the kernel had to drop.
    foreign: usize,
    began: DateTime<Utc>,
    last: DateTime<Utc>,
    /// When the last of it was told. An event may be told late, and silence is counted from here.
    told: DateTime<Utc>,
}

/// What ends a burst.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Key,
    Silence,
}

impl Keyboard {
    /// A reader whose bursts are lines of this dialect.
    #[must_use]
    pub fn new(dialect: Arc<Dialect>, mut told: ReaderHints) -> Self {
        told.card_left = told.card_left.or(Some(dialect.card_left.max(CARD_LEFT)));
        // A damaged burst is said at once, so that the person at the reader learns of it.
        let line = Line::new(dialect.clone(), told).impatient();
        let noise = Noise::default();
        Self {
            dialect,
            line,
            noise,
            modifiers: Modifiers::default(),
            held: None,
            burst: Burst::default(),
            believed_from: DateTime::UNIX_EPOCH,
        }
    }

    /// Takes what happened and says what follows.
    pub fn handle(&mut self, input: Input<'_>, now: DateTime<Utc>) -> Output {
        let mut output = Output::default();
        match input {
            // What is typed while the reader is opened may be the end of something.
            Input::Opened => self.believed_from = now + GAP,
            Input::Keys(events) => events.iter().for_each(|event| self.key(event, now, &mut output)),
            Input::Time if self.burst.is_over_at(now) => self.end(End::Silence, now, &mut output),
            Input::Time | Input::Bytes(_) | Input::Faulty(_) | Input::Signal(_) => {}
        }
        output.noise_to_tell = self.noise.count(output.noise, now);
        let burst_ends = (!self.burst.is_empty()).then(|| self.burst.told + GAP);
        output.deadline = burst_ends.into_iter().chain(self.noise.due()).min();
        output
    }

    /// How long after its opening a card may be typed that lay there already.
    #[must_use]
    pub fn opens_for(&self) -> Duration {
        self.line.opens_for()
    }

    fn key(&mut self, event: &KeyEvent, now: DateTime<Utc>, output: &mut Output) {
        let code = match event.moved {
            KeyMove::Pressed(code) => code,
            KeyMove::Released(code) => {
                self.held = self.held.filter(|held| *held != code);
                return self.modifiers.released(code);
            }
            KeyMove::Dropped => return self.dropped(event.at, now),
        };
        // Without a release between them, two equal keys are one.
        if self.held.replace(code) == Some(code) {
            return;
        }
        if !self.burst.is_empty() && !self.burst.goes_on_at(event.at) {
            self.end(End::Silence, now, output);
        }
        match self.modifiers.pressed(code) {
            Key::Modifier => self.burst.touch(event.at, now),
            Key::End if !self.is_text(b'\t') || code != keys::TAB => self.end(End::Key, now, output),
            Key::End => self.burst.push(Some(b'\t'), self.dialect.longest, event.at, now),
            Key::Character(character) => self.burst.push(Some(character), self.dialect.longest, event.at, now),
            Key::Foreign => self.burst.push(None, self.dialect.longest, event.at, now),
        }
    }

    /// The kernel has dropped events: which keys are held is not known any more, and a burst has lost some of its keys.
    fn dropped(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) {
        (self.held, self.modifiers) = (None, Modifiers::default());
        self.burst.push(None, self.dialect.longest, at, now);
    }

    /// True for a byte that a line of the dialect may hold as it stands.
    fn is_text(&self, byte: u8) -> bool {
        let holds = |piece: &Piece| matches!(piece, Piece::Literal(literal) if literal.contains(&byte));
        self.dialect.messages.iter().any(|message| message.payload.pieces.iter().any(holds))
    }

    fn end(&mut self, end: End, now: DateTime<Utc>, output: &mut Output) {
        let burst = std::mem::take(&mut self.burst);
        let (is_believed, typed) = (burst.began >= self.believed_from, burst.typed());
        if end == End::Silence && self.is_open() {
            self.believed_from = self.believed_from.max(burst.last + REST);
        }
        if !is_believed || typed == 0 {
            output.noise += typed;
        } else if let Some(why) = self.fault(&burst, end) {
            self.damaged(&burst, why, now, output);
        } else {
            let said = self.line.handle(Input::Bytes(&burst.bytes()), now);
            output.again.extend(said.again.into_iter().map(|again| Presentation { raw: to_hex(&burst.text), ..again }));
            if said.noise > 0 {
                self.damaged(&burst, "this is no line of the dialect".to_owned(), now, output);
            }
            let typed = said.presentations.into_iter().map(|shown| Presentation { raw: to_hex(&burst.text), ..shown });
            output.presentations.extend(typed);
        }
    }

    /// Why a burst cannot be a line of the dialect.
    fn fault(&self, burst: &Burst, end: End) -> Option<String> {
        if burst.foreign > 0 {
            return Some("keys came that stand for no character, or some were lost".to_owned());
        }
        if self.dialect.talk.iter().any(|talk| burst.text.starts_with(talk.as_bytes())) {
            return None;
        }
        let mut fitting = self.dialect.messages.iter().filter(|message| message.payload.read(&burst.text).is_some()).peekable();
        if fitting.peek().is_none() {
            return Some(format!("{} characters came that are no line of the dialect; {}", burst.text.len(), self.expected()));
        }
        let says_idle = matches!(self.dialect.cut, Cut::Line { idle: Some(_) });
        let is_whole = end == End::Key || says_idle || fitting.any(|message| width(message).is_some());
        (!is_whole).then(|| "no Enter came after it, so it may be the beginning of a longer number".to_owned())
    }

    fn expected(&self) -> String {
        let widths: Option<Vec<String>> =
            self.dialect.messages.iter().map(|message| width(message).map(|width| width.to_string())).collect();
        let lengths = widths.map_or_else(String::new, |widths| format!("a whole one has {}, and ", widths.join(" or ")));
        format!("{lengths}a reader set for another country's keyboard types other characters")
    }

    /// True where a part of a line may be a line.
    fn is_open(&self) -> bool {
        self.dialect.messages.iter().any(|message| width(message).is_none())
    }

    /// What a reader has typed is its card, damaged; what is too short for one was typed by a person.
    fn damaged(&mut self, burst: &Burst, detail: String, now: DateTime<Utc>, output: &mut Output) {
        if burst.typed() < TYPING {
            output.noise += burst.typed();
            return;
        }
        let mut presentation = Presentation::of(self.line.kind());
        presentation.raw = to_hex(&burst.text);
        presentation.damage = Some(Damage { by: self.dialect.id.clone(), detail });
        self.line.shown(presentation, false, now, output);
    }
}

/// How many characters a line of this message has, where that is always the same.
fn width(message: &Message) -> Option<usize> {
    let width = |piece: &Piece| match piece {
        Piece::Literal(literal) => Some(literal.len()),
        Piece::Masked(..) => Some(1),
        Piece::Part { width: Width::Fixed(count), .. } => Some(*count),
        Piece::Part { .. } => None,
    };
    message.payload.pieces.iter().map(width).sum()
}

impl Burst {
    fn is_empty(&self) -> bool {
        self.typed() == 0
    }

    fn typed(&self) -> usize {
        self.text.len() + self.foreign
    }

    fn goes_on_at(&self, at: DateTime<Utc>) -> bool {
        (TimeDelta::zero()..=TimeDelta::from_std(GAP).unwrap_or_default()).contains(&(at - self.last))
    }

    fn is_over_at(&self, now: DateTime<Utc>) -> bool {
        !self.is_empty() && (now >= self.told + GAP || now < self.told)
    }

    /// A character; none for a key that is none. What is longer than any line counts and is not kept.
    fn push(&mut self, character: Option<u8>, longest: usize, at: DateTime<Utc>, now: DateTime<Utc>) {
        if self.is_empty() {
            self.began = at;
        }
        match character.filter(|_| self.text.len() < longest) {
            Some(character) => self.text.push(character),
            None => self.foreign = self.foreign.saturating_add(1),
        }
        self.touch(at, now);
    }

    fn touch(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) {
        (self.last, self.told) = (at, now);
    }

    /// The line, with an end.
    fn bytes(&self) -> Vec<u8> {
        [self.text.as_slice(), b"\r"].concat()
    }
}

/// Shows how much was typed; what was typed is a card's number.
impl std::fmt::Debug for Burst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Burst({} keys)", self.typed())
    }
}

#[cfg(test)]
mod tests;
