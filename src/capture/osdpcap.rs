//! Packet captures of an OSDP line in the conformance tools' format (osdpcap): one JSON object a line, a packet each.
//!
//! In: lines. Out: records of a serial line that is listened to, at the packets' own times. Never: a packet left out
//! silently; a line that is no packet is an error with its number.
//!
//! ```text
//! { "timeSec":"1700000000","timeNano":"250000000","io":"in","data":" ff 53 80 08 00 04 40 …","osdpTraceVersion":"1",… }
//! ```

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Attached, CaptureError, Head, Record, text::bytes};
use crate::decode::line::Told;

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

/// Reads a packet capture line by line.
#[derive(Default)]
pub(super) struct Packets {
    head: Option<Head>,
}

impl Packets {
    /// The packet of a line, with its time; nothing of an empty one.
    pub fn read(&mut self, line: usize, text: &str) -> Result<Option<(Duration, Record)>, CaptureError> {
        if text.is_empty() {
            return Ok(None);
        }
        let (at, record) = packet(line, text)?;
        let began = self.head.get_or_insert_with(|| head(at)).recorded;
        let since =
            (at - began).to_std().map_err(|_| wrong(line, "this packet is older than the first one; sort the lines by their times"))?;
        if since.as_secs_f64() > super::LONGEST_S {
            return Err(wrong(line, "this packet is more than a year younger than the first one"));
        }
        Ok(Some((since, record)))
    }

    /// The line that is listened to; there once a packet has been read.
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The capture has ended.
    pub fn end(&self) -> Result<Head, CaptureError> {
        self.head.clone().ok_or_else(|| wrong(1, "no packet is in this file"))
    }
}

fn head(recorded: DateTime<Utc>) -> Head {
    let attached = Attached::Serial(DIALECT.to_owned());
    Head { reader: READER.to_owned(), attached, attached_at: 1, told: Told::default(), recorded }
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
    use crate::capture::Capture;

    const POLL: &str = r#"{ "timeSec":"1700000000","timeNano":"250000000","io":"out","data":" ff 53 00 08 00 04 60 ba 00","osdpTraceVersion":"1","osdpSource":"x" }"#;
    const CARD: &str = r#"{"timeSec":"1700000000","timeNano":"301000000","io":"trace","data":"53ff0f000250ff011a00cd22c71667"}"#;

    #[test]
    fn packets_become_records_of_both_directions_at_their_times() {
        let capture = Capture::parse(&format!("{POLL}\n\n{CARD}\n{}\n", CARD.replace("trace", "in"))).unwrap();
        assert_eq!(capture.head.recorded.timestamp_millis(), 1_700_000_000_250);
        let times: Vec<u128> = capture.records.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(times, [0, 51, 51]);
        let kinds: Vec<&Record> = capture.records.iter().map(|(_, record)| record).collect();
        assert!(matches!(kinds.as_slice(), [Record::To(poll), Record::From(card), Record::From(_)] if poll.len() == 9 && card.len() == 15));
        assert_eq!(capture.head.attached, Attached::Serial("osdp-v2".to_owned()));
    }

    #[test]
    fn a_packet_capture_is_told_from_a_capture() {
        let head = Capture::parse(&format!("\u{feff}\n{POLL}")).unwrap().head;
        assert_eq!((head.reader.as_str(), head.recorded.timestamp()), (READER, 1_700_000_000));
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
            let error = Capture::parse(&format!("{CARD}\n\n{line}\n")).unwrap_err();
            assert!(error.line == 3 && error.message.contains(words), "{error} does not say {words:?}");
        }
    }
}
