//! What `evtest` prints of a reader that types.
//!
//! In: its lines. Out: the events of keys with their times, which a replay plays through the bridge as a reader of the
//! configuration; and of an event, its line. Never: an event left out silently; one that cannot be read is an error with
//! its line.
//!
//! ```text
//! Event: time 1700000000.143016, type 1 (EV_KEY), code 11 (KEY_0), value 1
//! ```

use chrono::{DateTime, TimeDelta, Utc};
use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_till},
    character::complete::{digit1, i32 as signed, u16 as small},
    combinator::{map_opt, opt},
    sequence::{delimited, preceded, terminated},
};

use super::CaptureError;
use crate::{
    reader::{KeyEvent, KeyMove},
    text::unquoted,
};

const EVENT: &str = "Event: time ";
const DROPPED: &str = "SYN_DROPPED";
const KEYS: u16 = 1;

/// True where a text is what evtest prints.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let is_its = |line: &str| line.starts_with(EVENT) || line.starts_with("Input driver version is ");
    text.trim_start_matches('\u{feff}').lines().any(|line| is_its(&unquoted(line)))
}

/// Reads a line of it. One that is no event, such as those of the list of the device's keys, is passed over.
///
/// # Errors
/// An event that cannot be read.
pub fn read(line: usize, text: &str) -> Result<Option<KeyEvent>, CaptureError> {
    let text = &*unquoted(text);
    if !text.starts_with(EVENT) {
        return Ok(None);
    }
    let message = || "an event of evtest is `Event: time SECONDS.MICROSECONDS, type N (…), code N (…), value N`".to_owned();
    event(text).map(|(_, event)| event).map_err(|_| CaptureError { line, message: message() })
}

/// The line of one event.
#[must_use]
pub fn line(event: &KeyEvent) -> String {
    let time = format!("{EVENT}{}.{:06}", event.at.timestamp(), event.at.timestamp_subsec_micros());
    let key = |code: u16, value: u8| format!("{time}, type {KEYS} (EV_KEY), code {code} (?), value {value}");
    match event.moved {
        KeyMove::Pressed(code) => key(code, 1),
        KeyMove::Released(code) => key(code, 0),
        KeyMove::Dropped => format!("{time}, -------------- {DROPPED} ------------"),
    }
}

/// One event; none for one that is about no key.
fn event(input: &str) -> IResult<&str, Option<KeyEvent>> {
    let (rest, at) = terminated(preceded(tag(EVENT), time), tag(", ")).parse(input)?;
    if rest.contains(DROPPED) {
        return Ok(("", Some(KeyEvent { at, moved: KeyMove::Dropped })));
    }
    if rest.starts_with('-') || rest.starts_with('+') {
        // The end of a report.
        return Ok(("", None));
    }
    let (rest, kind) = delimited(tag("type "), small, (opt(named), tag(", "))).parse(rest)?;
    if kind != KEYS {
        return Ok(("", None));
    }
    let (rest, code) = delimited(tag("code "), small, (opt(named), tag(", "))).parse(rest)?;
    let (rest, value) = nom::combinator::all_consuming(preceded(tag("value "), signed)).parse(rest)?;
    let moved = match value {
        0 => Some(KeyMove::Released(code)),
        1 => Some(KeyMove::Pressed(code)),
        // A key that is held repeats itself; that is no key.
        _ => None,
    };
    Ok((rest, moved.map(|moved| KeyEvent { at, moved })))
}

/// A name in brackets, behind a number.
fn named(input: &str) -> IResult<&str, &str> {
    delimited(tag(" ("), take_till(|c| c == ')'), tag(")")).parse(input)
}

/// Seconds since 1970, with six digits behind the point.
fn time(input: &str) -> IResult<&str, DateTime<Utc>> {
    map_opt((digit1, tag("."), digit1), |(seconds, _, micros): (&str, &str, &str)| {
        let micros = if micros.len() == 6 { micros.parse().ok()? } else { return None };
        DateTime::from_timestamp(seconds.parse().ok().filter(|seconds| *seconds <= LATEST)?, 0)?
            .checked_add_signed(TimeDelta::microseconds(micros))
    })
    .parse(input)
}

/// The year 9999 ends then.
const LATEST: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    const TAP: &str = "\
Input driver version is 1.0.1
Input device ID: bus 0x3 vendor 0xffff product 0x35 version 0x110
Testing ... (interrupt to exit)
Event: time 1700000000.143016, type 4 (EV_MSC), code 4 (MSC_SCAN), value 70027
Event: time 1700000000.143016, type 1 (EV_KEY), code 11 (KEY_0), value 1
Event: time 1700000000.143016, -------------- SYN_REPORT ------------
Event: time 1700000000.151016, type 1 (EV_KEY), code 11 (KEY_0), value 2
Event: time 1700000000.151016, type 1 (EV_KEY), code 11 (KEY_0), value 0
Event: time 1700000000.160000, >>>>>>>>>>>>>> SYN_DROPPED <<<<<<<<<<<<<<
";

    fn parse(text: &str) -> Result<Vec<KeyEvent>, CaptureError> {
        text.lines().enumerate().filter_map(|(at, text)| read(at + 1, text).transpose()).collect()
    }

    #[test]
    fn keys_are_read_with_their_times_and_written_as_they_were() {
        assert!(is_one(TAP) && !is_one("cardbridge capture, version 1\n") && !is_one("{}"));
        let typed = parse(TAP).unwrap();
        let moved: Vec<KeyMove> = typed.iter().map(|event| event.moved).collect();
        assert!(moved == [KeyMove::Pressed(11), KeyMove::Released(11), KeyMove::Dropped]);
        assert_eq!(typed[0].at.timestamp_micros(), 1_700_000_000_143_016);
        let written: Vec<String> = typed.iter().map(line).collect();
        assert_eq!(parse(&written.join("\n")).unwrap(), typed);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_named_by_its_line() {
        for (old, new) in [
            ("143016, type 1", "143, type 1"),
            ("code 11", "code x"),
            ("value 1", "value"),
            ("1700000000", "99999999999999"),
            ("type 4", "kind 4"),
        ] {
            let error = parse(&TAP.replacen(old, new, 1)).unwrap_err();
            assert!(error.line >= 4 && error.message.contains("Event: time SECONDS"), "{old}: {error}");
        }
    }
}
