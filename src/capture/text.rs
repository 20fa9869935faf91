//! The text of a capture, line by line.
//!
//! In: lines. Out: what each of them says; or a head and records, and the lines of them. Never: a capture as a whole in
//! memory, unless whoever asks keeps it; a line left out silently.

use std::{fmt::Write as _, time::Duration};

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::tag,
    character::complete::{anychar, char, digit1, space0, space1},
    combinator::{map, map_opt, opt, recognize, rest, value},
    multi::fold_many1,
    sequence::{pair, preceded},
};

use super::{Attached, Capture, CaptureError, Head, LONGEST_S, Record, osdp, osdpcap::Packets};
use crate::{
    card::Kind,
    decode::keypad::KEYS,
    reader::{ByteOrder, ReaderHints},
    text::unquoted,
};

const FIRST_LINE: &str = "cardbridge capture, version ";
const VERSION: u32 = 1;

/// The headers that say how the reader is attached.
const ATTACHED: [&str; 4] = ["dialect", "template", "device", "osdp"];

/// Reads a capture line by line: one of cardbridge's own, or a packet capture of an OSDP line.
#[derive(Default)]
pub struct Lines {
    /// The line that was read last, counted from 1.
    number: usize,
    format: Option<CaptureFormat>,
}

enum CaptureFormat {
    Own { header: Header, head: Option<Head> },
    Packets(Packets),
}

impl Lines {
    /// Reads the next line: a record with its time, or nothing where it is none.
    ///
    /// # Errors
    /// A line that is wrong.
    pub fn read(&mut self, text: &str) -> Result<Option<(Duration, Record)>, CaptureError> {
        self.number += 1;
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        let text = &*unquoted(text);
        match &mut self.format {
            None if text.starts_with('{') => self.format.insert(CaptureFormat::Packets(Packets::default())).read(self.number, text),
            // A packet capture may begin with empty lines.
            None if text.is_empty() => Ok(None),
            None => {
                version(if self.number == 1 { text } else { "" })?;
                self.format = Some(CaptureFormat::Own { header: Header::default(), head: None });
                Ok(None)
            }
            Some(format) => format.read(self.number, text),
        }
    }

    /// Of which reader the records are; there once a record has been read.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        match &self.format {
            Some(CaptureFormat::Own { head, .. }) => head.as_ref(),
            Some(CaptureFormat::Packets(packets)) => packets.head(),
            None => None,
        }
    }

    /// The text has ended.
    ///
    /// # Errors
    /// A text that was no capture.
    pub fn end(&self) -> Result<Head, CaptureError> {
        match &self.format {
            Some(CaptureFormat::Own { head: Some(head), .. }) => Ok(head.clone()),
            Some(CaptureFormat::Own { header, head: None }) => header.finish(),
            Some(CaptureFormat::Packets(packets)) => packets.end(),
            None => Err(not_one()),
        }
    }
}

impl CaptureFormat {
    fn read(&mut self, line: usize, text: &str) -> Result<Option<(Duration, Record)>, CaptureError> {
        let (header, head) = match self {
            Self::Packets(packets) => return packets.read(line, text),
            Self::Own { header, head } => (header, head),
        };
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        match text.split_once(':').filter(|_| !text.starts_with(|c: char| c.is_ascii_digit())) {
            Some((key, _)) if head.is_some() => {
                let message = format!("the header `{key}:` comes after a record; headers come before the first one");
                Err(CaptureError { line, message })
            }
            Some((key, value)) => header.set(line, key.trim(), value.trim()).map(|()| None),
            None => {
                let record = record(line, text.split_once(" #").map_or(text, |(before, _)| before).trim_end())?;
                if head.is_none() {
                    *head = Some(header.finish()?);
                }
                Ok(Some(record))
            }
        }
    }
}

impl Capture {
    /// Reads a capture.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, CaptureError> {
        let (mut lines, mut records) = (Lines::default(), Vec::new());
        for line in text.lines() {
            records.extend(lines.read(line)?);
        }
        Ok(Self { head: lines.end()?, records })
    }

    /// The text of a capture.
    #[must_use]
    pub fn text(&self) -> String {
        let records = self.records.iter().map(|(at, record)| line(*at, record) + "\n");
        self.head.text() + &records.collect::<String>()
    }
}

impl Head {
    /// The text of a capture's beginning, to which [`line()`] adds.
    #[must_use]
    pub fn text(&self) -> String {
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
        for (name, key) in [("keypad_end", self.told.keypad.end), ("keypad_clear", self.told.keypad.clear)] {
            text.extend(key.map(|key| format!("{name}: {}\n", key.map_or("none".to_owned(), String::from))));
        }
        if let Some(time_out) = self.told.keypad.time_out {
            text.push_str(&format!("keypad_timeout_ms: {}\n", time_out.as_millis()));
        }
        text.push_str(&format!("recorded: {}\n\n", self.recorded.to_rfc3339_opts(SecondsFormat::Millis, true)));
        text
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

#[derive(Default)]
struct Header {
    /// The keys that were given.
    keys: Vec<String>,
    reader: Option<String>,
    attached: Option<(usize, Attached)>,
    told: ReaderHints,
    recorded: Option<DateTime<Utc>>,
}

/// A key of a keypad, or that there is none.
fn key_of(value: &str) -> Option<Option<char>> {
    let is_key = |key: &char| KEYS.contains(*key);
    if value == "none" { Some(None) } else { value.parse().ok().filter(is_key).map(Some) }
}

impl Header {
    fn set(&mut self, line: usize, key: &str, value: &str) -> Result<(), CaptureError> {
        let wrong = |wanted: &str| CaptureError { line, message: format!("`{key}` must be {wanted}") };
        if self.keys.iter().any(|given| given == key) {
            return Err(wrong("given once"));
        }
        if self.attached.is_some() && ATTACHED.contains(&key) {
            return Err(wrong("the only one of dialect, template, device and osdp"));
        }
        self.keys.push(key.to_owned());
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
            "keypad_end" => self.told.keypad.end = Some(key_of(value).ok_or_else(|| wrong("a key, or none"))?),
            "keypad_clear" => self.told.keypad.clear = Some(key_of(value).ok_or_else(|| wrong("a key, or none"))?),
            "keypad_timeout_ms" => {
                self.told.keypad.time_out = Some(Duration::from_millis(value.parse().map_err(|_| wrong("a number of milliseconds"))?))
            }
            "recorded" => {
                let time: Option<DateTime<Utc>> = value.parse().ok().filter(|time: &DateTime<Utc>| (1970..=9999).contains(&time.year()));
                self.recorded = Some(time.ok_or_else(|| wrong("a time such as 2026-01-01T00:00:00.000Z"))?);
            }
            _ => {
                let known = "reader, dialect, device or osdp, bits, kind, byte_order, card_left_ms, keypad_end, keypad_clear, \
                             keypad_timeout_ms, recorded";
                return Err(CaptureError { line, message: format!("unknown header `{key}`; the headers are {known}") });
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Head, CaptureError> {
        let missing = |key: &str| CaptureError { line: 1, message: format!("the header `{key}:` is missing") };
        let (attached_at, attached) = self.attached.clone().ok_or_else(|| missing("dialect"))?;
        Ok(Head {
            reader: self.reader.clone().ok_or_else(|| missing("reader"))?,
            attached,
            attached_at,
            told: self.told,
            recorded: self.recorded.unwrap_or(DateTime::UNIX_EPOCH),
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
        _ => Err(not_one()),
    }
}

fn not_one() -> CaptureError {
    CaptureError { line: 1, message: format!("a capture begins with the line `{FIRST_LINE}{VERSION}`") }
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

pub(super) fn bytes(input: &str) -> IResult<&str, Vec<u8>> {
    let pair = map((digit, digit), |(high, low)| high << 4 | low);
    let grown = |mut bytes: Vec<u8>, byte| {
        bytes.push(byte);
        bytes
    };
    // Two digits and a blank are a byte.
    fold_many1(preceded(space0, pair), || Vec::with_capacity(input.len() / 3 + 1), grown).parse(input)
}

fn digit(input: &str) -> IResult<&str, u8> {
    map_opt(anychar, |c| c.to_digit(16).map(|digit| digit as u8)).parse(input)
}
