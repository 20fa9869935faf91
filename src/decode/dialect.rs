//! A serial dialect, as its file says it: how the line is set, how frames are cut, what a frame says.
//!
//! In: the parsed file (see [`crate::protocols::serial`]). Out: plain data. Never: a reader's name or code for one.

use std::{fmt, time::Duration};

use super::{check::Check, payload::Template};
use crate::{
    card::Kind,
    reader::{LineSettings, Signal},
};

/// How far a file's facts can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// How frames are cut from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A line of text that ends with CR, LF or both; after this silence too, where the device sends no line end.
    Line {
        /// The silence.
        idle: Option<Duration>,
    },
    /// From a start to an end.
    Delimited {
        /// The first bytes.
        start: Vec<u8>,
        /// The last bytes.
        end: Vec<u8>,
        /// How many bytes follow the end and belong to the frame: its check.
        trailer: usize,
        /// How bytes that would look like delimiters are sent.
        stuffing: Option<Stuffing>,
    },
    /// A fixed number of bytes from a start.
    Fixed {
        /// The first bytes; they count.
        start: Vec<u8>,
        /// The last bytes; they count.
        end: Vec<u8>,
        /// All bytes: the lengths that occur.
        lengths: Vec<usize>,
    },
    /// A number of bytes that the frame itself tells.
    Counted {
        /// The first bytes; they count.
        start: Vec<u8>,
        /// Where the count stands, from the frame's first byte.
        at: usize,
        /// Its width in bytes.
        width: usize,
        /// Its low byte comes first.
        low_first: bool,
        /// How many bytes the frame has beside those that are counted.
        add: usize,
    },
}

/// A byte that would look like a delimiter is sent as two: the escape, and its place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuffing {
    /// The escape.
    pub escape: u8,
    /// The bytes that are sent so.
    pub escaped: Vec<u8>,
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
    pub poll: Option<Vec<u8>>,
    /// The pause between an answer and the next question.
    pub every: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// Said after every frame.
    pub acknowledge: Vec<u8>,
    /// What a part `age` counts in: the reader holds its last card and tells how long ago it was shown.
    pub age: Option<Duration>,
    /// What makes the reader show a signal.
    pub signals: Vec<(Signal, Vec<Vec<u8>>)>,
}

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
    Said,
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
    /// A card that comes again within this time is the same card still lying there.
    pub card_left: Duration,
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
            card_left: Duration::ZERO,
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

/// The longest line of a template, in bytes.
const LONGEST_LINE: usize = 1024;

impl Message {
    /// A message without a check, whose digits stand for bits at the right.
    #[must_use]
    pub const fn of(payload: Template, kind: Kind) -> Self {
        Self { payload, kind, check: None, align: Align::Right, short: false, any_pad: false, bits: None, keys: None, damaged: None }
    }
}

impl Cut {
    /// The bytes a frame begins with; none for a line.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        match self {
            Self::Line { .. } => &[],
            Self::Delimited { start, .. } | Self::Fixed { start, .. } | Self::Counted { start, .. } => start,
        }
    }
}

impl Host {
    /// True for something that is said to the reader.
    #[must_use]
    pub fn says(&self, bytes: &[u8]) -> bool {
        let signals = self.signals.iter().flat_map(|(_, said)| said);
        self.start.iter().chain(&self.poll).chain([&self.acknowledge]).chain(signals).any(|said| said == bytes)
    }
}

/// In the words of a file's samples.
impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::As(words) => words,
            Self::Damaged => "damaged",
            Self::Talk => "the reader's talk",
            Self::Said => "said to the reader",
        })
    }
}

impl Confidence {
    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Captured => "captured",
            Self::Documented => "documented",
            Self::Implementation => "implementation",
            Self::Table => "table",
            Self::Derived => "derived",
        }
    }
}
