//! Captures: what passed between one reader and cardbridge, as text that a person can read and write.
//!
//! In: the text of a capture, or what is tapped at a running reader. Out: records, text, and by replay the very notices
//! that the station gave at the desk, at the times of the capture. Never: a clock.
//!
//! ```text
//! cardbridge capture, version 1
//! reader: desk
//! dialect: id12la-ascii              (or `device: HID Global OMNIKEY 5427 CK` for a PC/SC reader, or `osdp: 0`, an address)
//! bits: 26                           (kind, byte_order, card_left_ms: as in the configuration)
//! recorded: 2026-01-01T00:00:00.000Z
//!
//! 0.000 < 02 30 43 30 30 30 36       from the reader
//! 0.010 > 05 00 10                   to the reader
//! 2.500 card 3B 8F 80 01             a card with its ATR
//! 3.000 card out
//! 3.100 failed the card was taken away too early
//! 4.000 bits 26 BD 88 EB 80 format 1 reader 0     from an OSDP reader: the count, the bits, what it says about them
//! 4.500 keys 31 32 0D                             keys pressed at one, in its codes
//! 5.000 text 31 32 33                             a card that it decoded itself
//! ```
//!
//! - [`osdpcap`]: packet captures of other tools.

mod osdp;
pub mod osdpcap;

pub mod redact;
mod replay;

pub use replay::Replay;

use std::{fmt::Write as _, sync::Arc, time::Duration};

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::{char, digit1, space0, space1},
    combinator::{map, map_opt, opt, recognize, rest, value},
    multi::{many1, separated_list1},
    sequence::{pair, preceded},
};

use crate::{
    access::check::IntegerWidth,
    card::Kind,
    decode::{catalog::SharedCatalog, dialect::Dialect, payload::Template},
    enroll::policy::SitePolicy,
    protocols::Protocols,
    reader::{ByteOrder, OsdpCard, ReaderEvent, ReaderHints},
    station::{ReaderKind, Station},
};

/// A capture of one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The reader's name.
    pub reader: String,
    /// How it is attached.
    pub attached: Attached,
    /// The line that says so.
    pub attached_at: usize,
    /// What the site says about it.
    pub told: ReaderHints,
    /// When it began.
    pub recorded: DateTime<Utc>,
    /// What passed, with the time since the beginning.
    pub records: Vec<(Duration, Record)>,
}

/// How the captured reader was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// A serial line that speaks this dialect.
    Serial(String),
    /// A serial line whose lines are of this template.
    Lines(String),
    /// A PC/SC reader of this name.
    Pcsc(String),
    /// An OSDP reader at this address.
    Osdp(u8),
}

/// One thing that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// From the reader or the card.
    From(Vec<u8>),
    /// To the reader or the card.
    To(Vec<u8>),
    /// A card came, with its ATR.
    CardIn(Vec<u8>),
    /// The card went.
    CardOut,
    /// The card could not be asked.
    Failed(String),
    /// An OSDP reader read a card.
    Bits(OsdpCard),
    /// Keys were pressed at an OSDP reader, in its codes.
    Keys(Vec<u8>),
    /// An OSDP reader read a card and decoded it itself.
    Text(Vec<u8>),
}

/// Why a text is no capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct CaptureError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to write.
    pub message: String,
}

const FIRST_LINE: &str = "cardbridge capture, version ";
const VERSION: u32 = 1;
/// How long after the last record a replay looks for what is still to come.
const AFTERWARDS: TimeDelta = TimeDelta::seconds(10);
/// No capture is longer than a year.
const LONGEST_S: f64 = 31_536_000.0;

impl Capture {
    /// Reads a capture.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, CaptureError> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end()));
        let first = lines.next().map_or("", |(_, line)| line);
        version(first)?;
        let mut header = Header::default();
        let mut records = Vec::new();
        for (line, text) in lines {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match text.split_once(':').filter(|_| !text.starts_with(|c: char| c.is_ascii_digit())) {
                Some((key, value)) => header.set(line, key.trim(), value.trim())?,
                None => records.push(record(line, text.split_once(" #").map_or(text, |(before, _)| before).trim_end())?),
            }
        }
        header.finish(records)
    }

    /// The text of a capture's beginning, to which [`line()`] adds.
    #[must_use]
    pub fn header(&self) -> String {
        let mut text = format!("{FIRST_LINE}{VERSION}\nreader: {}\n", self.reader);
        match &self.attached {
            Attached::Serial(dialect) => text.push_str(&format!("dialect: {dialect}\n")),
            Attached::Lines(template) => text.push_str(&format!("template: {template}\n")),
            Attached::Pcsc(device) => text.push_str(&format!("device: {device}\n")),
            Attached::Osdp(address) => text.push_str(&format!("osdp: {address}\n")),
        }
        if let Some(bits) = self.told.bits {
            text.push_str(&format!("bits: {bits}\n"));
        }
        if let Some(kind) = self.told.kind {
            text.push_str(&format!("kind: {}\n", kind.name()));
        }
        if self.told.byte_order == ByteOrder::Reversed {
            text.push_str("byte_order: reversed\n");
        }
        if let Some(left) = self.told.card_left {
            text.push_str(&format!("card_left_ms: {}\n", left.as_millis()));
        }
        text.push_str(&format!("recorded: {}\n\n", self.recorded.to_rfc3339_opts(SecondsFormat::Millis, true)));
        text
    }

    /// Plays the capture through the station, at its own times, one record after the other.
    ///
    /// # Errors
    /// A dialect that is not known here.
    pub fn replay(&self, protocols: &Protocols, catalog: SharedCatalog, policy: SitePolicy) -> Result<Replay<'_>, CaptureError> {
        let kind = match &self.attached {
            Attached::Serial(_) | Attached::Lines(_) => ReaderKind::Serial(self.dialect(protocols)?, self.told),
            Attached::Pcsc(_) => ReaderKind::Pcsc(self.told),
            Attached::Osdp(_) => ReaderKind::Osdp(self.told),
        };
        let kinds = vec![(self.reader.clone(), kind)];
        let station = Station::new(catalog, protocols.scripts.clone(), policy, IntegerWidth::Bits32, kinds);
        Ok(Replay::new(self, station))
    }

    /// What is spoken on its serial line.
    ///
    /// # Errors
    /// A dialect that is not known here, a template that is none, another kind of reader.
    pub fn dialect(&self, protocols: &Protocols) -> Result<Arc<Dialect>, CaptureError> {
        let failed = |message: String| CaptureError { line: self.attached_at, message };
        match &self.attached {
            Attached::Serial(name) => protocols
                .dialect(name)
                .cloned()
                .ok_or_else(|| failed(format!("no serial dialect is named `{name}`; `cardbridge formats --dialects` shows them all"))),
            Attached::Lines(template) => {
                let read = Template::parse(template).map_err(failed)?;
                Dialect::of_lines(read).map(Arc::new).ok_or_else(|| failed("the template names nothing of a card".to_owned()))
            }
            Attached::Pcsc(_) | Attached::Osdp(_) => Err(failed("this is no capture of a serial line".to_owned())),
        }
    }
}

/// The line of one record.
#[must_use]
pub fn line(at: Duration, record: &Record) -> String {
    let mut line = format!("{}.{:03} ", at.as_secs(), at.subsec_millis());
    let (word, bytes): (&str, &[u8]) = match record {
        Record::From(bytes) => ("<", bytes),
        Record::To(bytes) => (">", bytes),
        Record::CardIn(atr) => ("card", atr),
        Record::CardOut => ("card out", &[]),
        Record::Keys(codes) => ("keys", codes),
        Record::Text(text) => ("text", text),
        Record::Bits(card) => return line + "bits " + &osdp::words(card),
        Record::Failed(why) => {
            line.push_str(&format!("failed {}", why.replace('\n', " ")));
            return line;
        }
    };
    line.push_str(word);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(line, " {byte:02X}");
    }
    line
}

/// What a reader's event is in a capture; none for what a replay makes itself.
#[must_use]
pub fn of_event(event: &ReaderEvent) -> Option<Record> {
    match event {
        ReaderEvent::Bytes(bytes) | ReaderEvent::Answer(bytes) => Some(Record::From(bytes.clone())),
        ReaderEvent::CardIn { atr, .. } => Some(Record::CardIn(atr.clone())),
        ReaderEvent::CardOut => Some(Record::CardOut),
        ReaderEvent::CardFailed { why } => Some(Record::Failed(why.clone())),
        ReaderEvent::OsdpCard(card) => Some(Record::Bits(card.clone())),
        ReaderEvent::OsdpKeys(codes) => Some(Record::Keys(codes.clone())),
        ReaderEvent::OsdpFormatted(text) => Some(Record::Text(text.clone())),
        ReaderEvent::Up | ReaderEvent::Lost { .. } | ReaderEvent::Note(_) => None,
    }
}

#[derive(Default)]
struct Header {
    reader: Option<String>,
    attached: Option<(usize, Attached)>,
    told: ReaderHints,
    recorded: Option<DateTime<Utc>>,
}

impl Header {
    fn set(&mut self, line: usize, key: &str, value: &str) -> Result<(), CaptureError> {
        let wrong = |wanted: &str| CaptureError { line, message: format!("`{key}` must be {wanted}") };
        match key {
            "reader" => self.reader = Some(value.to_owned()),
            "dialect" => self.attached = Some((line, Attached::Serial(value.to_owned()))),
            "template" => self.attached = Some((line, Attached::Lines(value.to_owned()))),
            "device" => self.attached = Some((line, Attached::Pcsc(value.to_owned()))),
            "osdp" => self.attached = Some((line, Attached::Osdp(value.parse().map_err(|_| wrong("an address"))?))),
            "bits" => self.told.bits = Some(value.parse().map_err(|_| wrong("a number of bits"))?),
            "kind" => self.told.kind = Some(Kind::from_name(value).ok_or_else(|| wrong("a kind, such as wiegand or csn"))?),
            "byte_order" => {
                self.told.byte_order = match value {
                    "as_sent" => ByteOrder::AsSent,
                    "reversed" => ByteOrder::Reversed,
                    _ => return Err(wrong("as_sent or reversed")),
                }
            }
            "card_left_ms" => {
                self.told.card_left = Some(Duration::from_millis(value.parse().map_err(|_| wrong("a number of milliseconds"))?))
            }
            "recorded" => {
                let time: Option<DateTime<Utc>> = value.parse().ok().filter(|time: &DateTime<Utc>| (1970..=9999).contains(&time.year()));
                self.recorded = Some(time.ok_or_else(|| wrong("a time such as 2026-01-01T00:00:00.000Z"))?);
            }
            _ => {
                let known = "reader, dialect, device or osdp, bits, kind, byte_order, card_left_ms, recorded";
                return Err(CaptureError { line, message: format!("unknown header `{key}`; the headers are {known}") });
            }
        }
        Ok(())
    }

    fn finish(self, records: Vec<(Duration, Record)>) -> Result<Capture, CaptureError> {
        let missing = |key: &str| CaptureError { line: 1, message: format!("the header `{key}:` is missing") };
        let (attached_at, attached) = self.attached.ok_or_else(|| missing("dialect"))?;
        Ok(Capture {
            reader: self.reader.ok_or_else(|| missing("reader"))?,
            attached,
            attached_at,
            told: self.told,
            recorded: self.recorded.unwrap_or(DateTime::UNIX_EPOCH),
            records,
        })
    }
}

fn version(first: &str) -> Result<(), CaptureError> {
    let number = first.strip_prefix(FIRST_LINE).and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(VERSION) => Ok(()),
        Some(newer) if newer > VERSION => Err(CaptureError {
            line: 1,
            message: format!("this capture has version {newer}, and this program knows {VERSION}; use a newer cardbridge"),
        }),
        _ => Err(CaptureError { line: 1, message: format!("a capture begins with the line `{FIRST_LINE}{VERSION}`") }),
    }
}

fn record(line: usize, text: &str) -> Result<(Duration, Record), CaptureError> {
    let parsed: IResult<&str, (Duration, Record)> = (seconds, preceded(space1, what)).parse(text);
    match parsed {
        Ok(("", record)) => Ok(record),
        Ok((rest, _)) => Err(unexpected(line, text, rest)),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(unexpected(line, text, error.input)),
        Err(nom::Err::Incomplete(_)) => Err(unexpected(line, text, "")),
    }
}

fn unexpected(line: usize, text: &str, rest: &str) -> CaptureError {
    let column = text.chars().count() - rest.chars().count() + 1;
    let records = "`< HEX`, `> HEX`, `card HEX`, `card out`, `failed WORDS`, `bits COUNT HEX`, `keys HEX` or `text HEX`";
    let message = format!("column {column}: expected SECONDS, then {records}");
    CaptureError { line, message }
}

fn seconds(input: &str) -> IResult<&str, Duration> {
    let number = recognize(pair(digit1, opt(pair(char('.'), digit1))));
    let within = |seconds: &f64| *seconds <= LONGEST_S;
    map_opt(number, |number: &str| number.parse().ok().filter(within).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
        .parse(input)
}

fn what(input: &str) -> IResult<&str, Record> {
    alt((
        map(preceded((char('<'), space1), bytes), Record::From),
        map(preceded((char('>'), space1), bytes), Record::To),
        value(Record::CardOut, tag("card out")),
        map(preceded((tag("card"), space1), bytes), Record::CardIn),
        map(preceded((tag("bits"), space1), osdp::card), Record::Bits),
        map(preceded((tag("keys"), space1), bytes), Record::Keys),
        // A text that was encrypted on the line is not known.
        map(preceded(tag("text"), opt(preceded(space1, bytes))), |text| Record::Text(text.unwrap_or_default())),
        map(preceded((tag("failed"), space0), rest), |why: &str| Record::Failed(why.to_owned())),
    ))
    .parse(input)
}

fn bytes(input: &str) -> IResult<&str, Vec<u8>> {
    let pair = map_opt(take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit()), |digits| u8::from_str_radix(digits, 16).ok());
    map(separated_list1(space1, many1(pair)), |groups| groups.concat()).parse(input)
}

#[cfg(test)]
mod tests;
