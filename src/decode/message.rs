//! What one whole frame hands over.
//!
//! In: a frame, the dialect's messages, and what the site says that the device does not. Out: a card, a key, or the
//! reader's talk; nothing where the frame is of no known message. Never: framing, a clock, or a number that a failed
//! check speaks against.

mod said;

use std::time::Duration;

use super::{
    dialect::{Cut, Dialect, Message},
    frame::{self, Sense},
    payload::Template,
};
use crate::{
    card::{Damage, Kind, Presentation},
    reader::ReaderHints,
};
use said::Frame;
pub use said::ordered;

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A card or a key; with how long ago the card was shown, where the reader tells it.
    Shown(Box<Presentation>, Option<Duration>),
    /// The reader's talk: neither a card nor noise.
    Talk,
}

/// The names of parts that are numbers the reader has decoded itself.
pub const NUMBERS: [&str; 4] = ["facility_code", "card_number", "issue_code", "oem_code"];

/// True for a part that hands something of a card over.
#[must_use]
pub fn is_card_part(name: &str) -> bool {
    matches!(name, "id" | "bits" | "keys") || NUMBERS.contains(&name)
}

/// What is known of a reader whose setting it is whether its frames have a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checks {
    /// Nothing yet.
    #[default]
    Unknown,
    /// A check was passed: all of its frames have one.
    Sent,
    /// Several frames had none, and none had one.
    NotSent,
}

/// A frame that was read, with what is known beside what it says.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it is.
    pub heard: Heard,
    /// How many bits of a check it has passed.
    pub proof: u8,
    /// Its parts that are numbers, where an acknowledgement may repeat them.
    pub repeated: Vec<(String, u64)>,
}

impl Judged {
    /// What it is, before it is read.
    #[must_use]
    pub fn sense(&self) -> Sense {
        match &self.heard {
            Heard::Shown(presentation, _) if presentation.damage.is_some() => Sense::Damaged,
            _ if self.proof > 0 => Sense::Proven(self.proof),
            _ => Sense::Whole,
        }
    }
}

/// The first message that is whole and whose check passes; else the first that is whole. Nothing is known of the reader.
#[must_use]
pub fn read_frame(dialect: &Dialect, told: &ReaderHints, bytes: &[u8]) -> Option<Heard> {
    judge(dialect, told, Checks::Unknown, bytes).map(|judged| judged.heard)
}

/// The same, of a reader of whose checks this is known.
#[must_use]
pub fn judge(dialect: &Dialect, told: &ReaderHints, checks: Checks, bytes: &[u8]) -> Option<Judged> {
    if !dialect.has_optional_checks() {
        return first_that_fits(dialect, told, dialect.messages.iter(), bytes);
    }
    match checks {
        Checks::Sent => first_that_fits(dialect, told, checked(dialect), bytes),
        _ => {
            let all = checked(dialect).chain(dialect.messages.iter().filter(|message| message.check.is_none()));
            let mut judged = first_that_fits(dialect, told, all, bytes)?;
            // A frame with a check, of which a bit is damaged, may look like one without.
            let is_bare = judged.proof == 0 && judged.sense() == Sense::Whole;
            if checks == Checks::Unknown && is_bare && is_one_bit_from_a_proven_one(dialect, told, bytes) {
                judged.heard = judged.heard.damaged(&dialect.id, "it is one bit away from a frame whose checksum is right");
            }
            Some(judged)
        }
    }
}

/// The digits that stand for a card's bits in a frame, as bits, where it has such.
#[must_use]
pub fn digits(dialect: &Dialect, bytes: &[u8]) -> Option<Vec<bool>> {
    let body = frame::body(&dialect.cut, bytes);
    let read = |message: &Message| message.payload.read(&body)?.iter().find(|part| part.name == "bits")?.bits();
    dialect.messages.iter().find_map(read)
}

/// True where one turned bit makes a frame of it that passes a check.
fn is_one_bit_from_a_proven_one(dialect: &Dialect, told: &ReaderHints, bytes: &[u8]) -> bool {
    (0..bytes.len() * 8).any(|bit| {
        let turn = |(at, byte): (usize, &u8)| if at == bit / 8 { byte ^ 1 << (bit % 8) } else { *byte };
        let turned: Vec<u8> = bytes.iter().enumerate().map(turn).collect();
        first_that_fits(dialect, told, checked(dialect), &turned).is_some_and(|judged| judged.proof > 0)
    })
}

fn checked(dialect: &Dialect) -> impl Iterator<Item = &Message> {
    dialect.messages.iter().filter(|message| message.check.is_some())
}

fn first_that_fits<'a>(dialect: &Dialect, told: &ReaderHints, messages: impl Iterator<Item = &'a Message>, bytes: &[u8]) -> Option<Judged> {
    let body = frame::body(&dialect.cut, bytes);
    let lenient = matches!(dialect.cut, Cut::Line { .. });
    let mut damaged = None;
    for message in messages {
        let parts = if lenient { message.payload.read_after_noise(&body, message.proves_itself()) } else { message.payload.read(&body) };
        let Some(parts) = parts else { continue };
        let frame = Frame { dialect, told, message, bytes, body: &body, parts: &parts };
        match frame.heard() {
            Some(Heard::Shown(presentation, _)) if presentation.damage.is_some() => {
                damaged = damaged.or(Some(Heard::Shown(presentation, None)));
            }
            // What has no check is no word against a frame that fits a card's check and fails it.
            Some(_) if damaged.is_some() && message.check.is_none() => {}
            Some(heard) => {
                let proof = message.check.map_or(0, |check| check.method.width());
                return Some(Judged { heard, proof, repeated: frame.repeated() });
            }
            None => {}
        }
    }
    let heard = damaged.or_else(|| is_talk(dialect, &body).then_some(Heard::Talk))?;
    Some(Judged { heard, proof: 0, repeated: Vec::new() })
}

impl Heard {
    /// The same, not to be believed: what it says is no number of a card.
    #[must_use]
    pub fn damaged(self, by: &str, detail: &str) -> Self {
        match self {
            Self::Shown(shown, _) if shown.damage.is_none() => {
                let damage = Some(Damage { by: by.to_owned(), detail: detail.to_owned() });
                Self::Shown(Box::new(Presentation { raw: shown.raw, damage, ..Presentation::of(shown.kind) }), None)
            }
            other => other,
        }
    }
}

fn is_talk(dialect: &Dialect, body: &[u8]) -> bool {
    dialect.talk.iter().any(|talk| body.starts_with(talk.as_bytes()))
}

impl Template {
    /// What a payload hands over: keys and numbers are what they are, and everything else is of the dialect's kind.
    #[must_use]
    pub fn kind(&self, otherwise: Kind) -> Kind {
        let names = |wanted: &[&str]| self.names().any(|name| wanted.contains(&name));
        match (names(&["keys"]), names(&NUMBERS)) {
            (true, _) => Kind::Key,
            (_, true) => Kind::Number,
            _ => otherwise,
        }
    }
}

impl Message {
    /// True where half of it cannot be taken for the whole: it has a check, tells its length or begins with text.
    fn proves_itself(&self) -> bool {
        self.check.is_some() || self.payload.has_beginning() || self.payload.names().any(|name| name == "count")
    }

    /// True for a message that hands something of a card over; all others are talk.
    #[must_use]
    pub fn is_card(&self) -> bool {
        self.keys.is_some() || self.payload.names().any(is_card_part)
    }
}
