//! Packet captures of an OSDP line in the conformance tools' format (osdpcap): one JSON object a line, a packet each.
//!
//! In: the text. Out: a capture of a serial line that is listened to, at the packets' own times. Never: a packet left out
//! silently; a line that is no packet is an error with its number.
//!
//! ```text
//! { "timeSec":"1700000000","timeNano":"250000000","io":"in","data":" ff 53 80 08 00 04 40 …","osdpTraceVersion":"1",… }
//! ```

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Attached, Capture, CaptureError, Record, bytes};
use crate::reader::ReaderHints;

/// The dialect that reads a listened-to OSDP line.
pub const DIALECT: &str = "osdp-v2";

/// What such a capture's reader is called.
const READER: &str = "osdp";

/// One line of the file; the members that are not needed are not asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Packet {
    time_sec: Number,
    time_nano: Number,
    io: Direction,
    data: String,
    osdp_trace_version: Option<Number>,
}

/// A number, which the format writes as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Number(u64),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// To the control panel that wrote the file.
    In,
    /// From it.
    Out,
    /// Overheard.
    Trace,
}

/// True where a text is a packet capture rather than one of cardbridge's own.
#[must_use]
pub fn is_one(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// Reads a packet capture.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(text: &str) -> Result<Capture, CaptureError> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut recorded: Option<DateTime<Utc>> = None;
    let mut records = Vec::new();
    for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
        let (at, record) = packet(line, text)?;
        let began = *recorded.get_or_insert(at);
        let since =
            (at - began).to_std().map_err(|_| wrong(line, "this packet is older than the first one; sort the lines by their times"))?;
        if since.as_secs_f64() > super::LONGEST_S {
            return Err(wrong(line, "this packet is more than a year younger than the first one"));
        }
        records.push((since, record));
    }
    let recorded = recorded.ok_or_else(|| wrong(1, "no packet is in this file"))?;
    let attached = Attached::Serial(DIALECT.to_owned());
    Ok(Capture { reader: READER.to_owned(), attached, attached_at: 1, told: ReaderHints::default(), recorded, records })
}

fn packet(line: usize, text: &str) -> Result<(DateTime<Utc>, Record), CaptureError> {
    let packet: Packet = serde_json::from_str(text).map_err(|error| {
        let column = error.column();
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or_default();
        wrong(line, &format!("column {column}: {what}; a packet is one JSON object with timeSec, timeNano, io and data"))
    })?;
    if packet.osdp_trace_version.as_ref().is_some_and(|version| version.value() != Some(1)) {
        return Err(wrong(line, "`osdpTraceVersion` is not \"1\", the only one that is known here"));
    }
    let seconds = packet.time_sec.value().and_then(|seconds| i64::try_from(seconds).ok());
    let nanos = packet.time_nano.value().and_then(|nanos| u32::try_from(nanos).ok()).filter(|nanos| *nanos < 1_000_000_000);
    let at = seconds.zip(nanos).and_then(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos));
    let at = at.ok_or_else(|| wrong(line, "`timeSec` and `timeNano` must be the time since 1970, in whole seconds and nanoseconds"))?;
    let data = match bytes(packet.data.trim()) {
        Ok(("", data)) => data,
        _ => return Err(wrong(line, "`data` must be the packet's bytes in hex, such as \"ff 53 80 08 00 04 40 …\"")),
    };
    let record = match packet.io {
        Direction::In | Direction::Trace => Record::From(data),
        Direction::Out => Record::To(data),
    };
    Ok((at, record))
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => Some(*number),
        }
    }
}

fn wrong(line: usize, message: &str) -> CaptureError {
    CaptureError { line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: &str = r#"{ "timeSec":"1700000000","timeNano":"250000000","io":"out","data":" ff 53 00 08 00 04 60 ba 00","osdpTraceVersion":"1","osdpSource":"x" }"#;
    const CARD: &str = r#"{"timeSec":"1700000000","timeNano":"301000000","io":"trace","data":"53ff0f000250ff011a00cd22c71667"}"#;

    #[test]
    fn packets_become_records_of_both_directions_at_their_times() {
        let capture = parse(&format!("{POLL}\n\n{CARD}\n{}\n", CARD.replace("trace", "in"))).unwrap();
        assert_eq!(capture.recorded.timestamp_millis(), 1_700_000_000_250);
        let times: Vec<u128> = capture.records.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(times, [0, 51, 51]);
        let kinds: Vec<&Record> = capture.records.iter().map(|(_, record)| record).collect();
        assert!(matches!(kinds.as_slice(), [Record::To(poll), Record::From(card), Record::From(_)] if poll.len() == 9 && card.len() == 15));
        assert_eq!(capture.attached, Attached::Serial("osdp-v2".to_owned()));
    }

    #[test]
    fn a_packet_capture_is_told_from_a_capture() {
        assert!(is_one(&format!("\u{feff}\n{POLL}")) && !is_one("cardbridge capture, version 1\n"));
    }

    #[test]
    fn a_wrong_line_is_named_and_says_what_to_write() {
        let cases = [
            (POLL.replace("\"out\"", "\"sideways\""), "unknown variant `sideways`"),
            (POLL.replace("timeNano", "nano"), "missing field `timeNano`"),
            (POLL.replace("ba 00\"", "ba 0\""), "`data` must be the packet's bytes in hex"),
            (POLL.replace("ff 53", "ff 5x"), "`data` must be the packet's bytes in hex"),
            (POLL.replace("250000000", "1000000000"), "nanoseconds"),
            (POLL.replace("1700000000", "-1"), "whole seconds"),
            (POLL.replace("Version\":\"1\"", "Version\":\"2\""), "the only one that is known here"),
            (POLL.replace("1700000000", "1600000000"), "older than the first"),
            (POLL.replace("1700000000", "1900000000"), "more than a year"),
            ("{".to_owned(), "column 1: EOF"),
            ("[1]".to_owned(), "a packet is one JSON object"),
        ];
        for (line, words) in cases {
            let error = parse(&format!("{CARD}\n\n{line}\n")).unwrap_err();
            assert!(error.line == 3 && error.message.contains(words), "{error} does not say {words:?}");
        }
        assert_eq!(parse("\n").unwrap_err().message, "no packet is in this file");
    }
}
