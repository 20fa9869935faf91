//! A serial dialect, as its file says it: how the line is set, how frames are cut, what a frame says.
//!
//! In: the parsed file (see [`crate::protocols::serial`]). Out: plain data. Never: a reader's name or code for one.

mod cut;

use std::{fmt, time::Duration};
use strum::IntoStaticStr;

use super::{check::Check, frame, payload::Template};
use crate::{
    card::Kind,
    reader::{KeypadHints, LineSettings, Signal},
};
pub use cut::{Code, Cut, Stuffing};

/// How far a file's facts can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Confidence {
    /// Confirmed by reads of real cards.
    Card,
    /// Confirmed by captures of real readers.
    Captured,
    /// A maker's document.
    Documented,
    /// Taken from a running implementation.
    Implementation,
    /// A published table, nothing more.
    Table,
    /// Follows from other facts.
    Derived,
}

/// Where digits stand for bits that do not fill them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// The first bit is the top bit of the first digit.
    Left,
    /// The last bit is the low bit of the last digit.
    Right,
}

/// One thing a reader may say. A message whose payload names nothing of a card is the reader's talk.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it says.
    pub payload: Template,
    /// What kind of thing it hands over.
    pub kind: Kind,
    /// How it proves itself.
    pub check: Option<Check>,
    /// Where digits stand for bits.
    pub align: Align,
    /// Leading zeros are not sent.
    pub short: bool,
    /// Before the first bit of a card stands a 1, and before that zeros; a card of so many bits has no room for it.
    pub marker: Option<u16>,
    /// The bits that do not fill the last byte may be anything.
    pub any_pad: bool,
    /// How many bits it hands over, where that is always the same.
    pub bits: Option<u16>,
    /// The keys it stands for, where it does not say them itself.
    pub keys: Option<String>,
    /// What the reader itself found wrong when it says this.
    pub damaged: Option<String>,
}

/// What is said to a reader that does not speak by itself, or that shows signals.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Said once, one after the other, when the line is open.
    pub start: Vec<Vec<u8>>,
    /// Asked again and again.
    pub poll: Option<HostMessage>,
    /// The pause between an answer and the next question.
    pub every: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// Said after every frame that has the parts it repeats.
    pub acknowledge: Option<HostMessage>,
    /// What a part `age` counts in: the reader holds its last card and tells how long ago it was shown.
    pub age: Option<Duration>,
    /// The check of what has a part `check`.
    pub check: Option<Check>,
    /// What makes the reader show a signal.
    pub signals: Vec<(Signal, Vec<Vec<u8>>)>,
}

/// Something the host says: bytes, and parts that are different each time.
///
/// `{counter:byte1}` counts what was said in these words, `{check:byte1}` is the check over all before it, and any other
/// part repeats the one of that name in the frame that is answered. Parts are stuffed as the reader's frames are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMessage(pub Template);

/// A frame with what it is to be read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectSample {
    /// Where it comes from.
    pub source: String,
    /// Composed by us rather than found.
    pub constructed: bool,
    /// The bytes as they come from the line.
    pub frame: Vec<u8>,
    /// The bit count a site would configure.
    pub bits: Option<u16>,
    /// What it is to be read as.
    pub reads: Reads,
}

/// What a sample is to be read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// This literal, or these words of a view: `unknown length`, `facility code 1, card number 2`, `keys 12`.
    As(String),
    /// Damaged.
    Damaged,
    /// The reader's talk.
    Talk,
    /// Said by the host.
    ToReader,
}

/// A serial dialect.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// What somebody who relies on it should know.
    pub caveat: Option<String>,
    /// What its cards are handed over as, unless a message says otherwise.
    pub kind: Kind,
    /// How the line is set.
    pub line: LineSettings,
    /// How frames are cut.
    pub cut: Cut,
    /// Bytes that stand between frames and mean nothing.
    pub fill: Vec<u8>,
    /// The longest frame, in bytes.
    pub longest: usize,
    /// A frame that has begun and goes on for this long without a byte is dropped.
    pub half_frame: Duration,
    /// What the reader may say; the first that fits is it.
    pub messages: Vec<Message>,
    /// Lines that begin so are the reader's talk: neither cards nor noise.
    pub talk: Vec<String>,
    /// What is said to the reader.
    pub host: Option<Host>,
    /// A card that comes again within this time is the same card still lying there; never nought.
    pub card_left: Duration,
    /// The reader says its card again and again while it lies there, so often; none where it says it once.
    pub repeats: Option<Duration>,
    /// How long a board that restarts when its port is opened takes until it reads cards.
    pub settle: Duration,
    /// How the keys of its keypad become an entry.
    pub keypad: KeypadHints,
    /// Its proofs.
    pub samples: Vec<DialectSample>,
    /// The file it stands in.
    pub file: String,
}

impl Dialect {
    /// Lines of one template, for a device that has no file; none where the template names nothing of a card. Its numbers
    /// are the reader's own; bits are Wiegand bits, the last at the right, unless the site says otherwise.
    #[must_use]
    pub fn of_lines(payload: Template) -> Option<Self> {
        let kind = payload.kind(Kind::Wiegand);
        let name = payload.text.clone();
        let message = Message::of(payload, kind);
        message.is_card().then(|| Self {
            id: TEMPLATE.to_owned(),
            name,
            aliases: Vec::new(),
            source: "the site's configuration".to_owned(),
            confidence: Confidence::Derived,
            caveat: None,
            kind,
            line: LineSettings::EIGHT_N_ONE,
            cut: Cut::Line { idle: None },
            fill: b"\r\n".to_vec(),
            longest: LONGEST_LINE,
            half_frame: Duration::from_millis(500),
            messages: vec![message],
            talk: Vec::new(),
            host: None,
            card_left: CARD_LEFT,
            repeats: None,
            settle: Duration::ZERO,
            keypad: KeypadHints::default(),
            samples: Vec::new(),
            file: "the configuration".to_owned(),
        })
    }

    /// True for lines of a site's own template, which is its name then.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.id == TEMPLATE
    }
}

/// The id of what a site has built itself.
const TEMPLATE: &str = "template";

/// A card that comes again within this time lies there still, where a file does not say otherwise.
pub const CARD_LEFT: Duration = Duration::from_millis(1000);

/// The longest line of a template, in bytes.
const LONGEST_LINE: usize = 1024;

impl Message {
    /// A message without a check, whose digits stand for bits at the right.
    #[must_use]
    pub const fn of(payload: Template, kind: Kind) -> Self {
        Self {
            payload,
            kind,
            check: None,
            align: Align::Right,
            short: false,
            marker: None,
            any_pad: false,
            bits: None,
            keys: None,
            damaged: None,
        }
    }
}

impl Dialect {
    /// True where frames that prove themselves are looked for within what was none: they have a beginning of their own, or a
    /// check so wide that bytes which merely stand together do not pass it.
    #[must_use]
    pub fn looks_within(&self) -> bool {
        let is_wide = |message: &Message| message.check.is_some_and(|check| check.method.width() >= frame::WIDE);
        !self.cut.start().is_empty() || self.messages.iter().any(is_wide)
    }

    /// True where whether frames have a check is a setting of the reader's.
    #[must_use]
    pub fn has_optional_checks(&self) -> bool {
        self.messages.iter().any(|message| message.check.is_some_and(|check| check.optional))
    }
}

impl Host {
    /// True for something that is said to the reader.
    #[must_use]
    pub fn says(&self, bytes: &[u8]) -> bool {
        let signals = self.signals.iter().flat_map(|(_, said)| said);
        let with_parts = self.poll.iter().chain(&self.acknowledge);
        self.start.iter().chain(signals).any(|said| said == bytes) || with_parts.into_iter().any(|said| said.0.read(bytes).is_some())
    }
}

/// In the words of a file's samples.
impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::As(words) => words,
            Self::Damaged => "damaged",
            Self::Talk => "the reader's talk",
            Self::ToReader => "said to the reader",
        })
    }
}

impl Confidence {
    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
