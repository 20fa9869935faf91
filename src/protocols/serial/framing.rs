//! `[frame]`: how frames are cut from the line.

use std::time::Duration;

use super::{bytes, millis};
use crate::{
    decode::dialect::{Code, Cut, Stuffing},
    sheet::Keys,
};

/// How frames are cut, and what bounds them.
pub(super) struct Framing {
    pub(super) cut: Cut,
    pub(super) fill: Vec<u8>,
    pub(super) longest: usize,
    pub(super) half_frame: Duration,
}

/// No frame is longer than this.
const LONGEST_FRAME: usize = 65_536;

pub(super) fn read(mut keys: Keys<'_, '_>) -> Option<Framing> {
    let how = keys.text("cut")?;
    let longest = keys.number("longest", 1, LONGEST_FRAME).map(|longest| longest.value);
    let half_frame = millis(&mut keys, "half_frame_ms", 500);
    let fill = bytes(&mut keys, "fill");
    let cut = match how.value.as_str() {
        "line" => Some(line(&mut keys)),
        "delimited" => delimited(&mut keys),
        "fixed" => fixed(&mut keys),
        "counted" => counted(&mut keys),
        _ => {
            keys.complain(how.span, "`frame.cut` must be \"line\", \"delimited\", \"fixed\" or \"counted\"".to_owned());
            None
        }
    };
    keys.finish();
    let cut = cut?;
    let longest = match &cut {
        Cut::Fixed { lengths, .. } => lengths.iter().max().copied().unwrap_or(1),
        _ => longest.unwrap_or(256),
    };
    let line_ends = if matches!(cut, Cut::Line { .. }) { b"\r\n".to_vec() } else { Vec::new() };
    Some(Framing { cut, fill: fill.unwrap_or(line_ends), longest, half_frame })
}

fn line(keys: &mut Keys<'_, '_>) -> Cut {
    Cut::Line { idle: keys.number("idle_ms", 1_u64, 60_000).map(|idle| Duration::from_millis(idle.value)) }
}

fn delimited(keys: &mut Keys<'_, '_>) -> Option<Cut> {
    let (start, end) = (needed(keys, "start"), needed(keys, "end"));
    let trailer = keys.number("trailer", 0_usize, 8).map_or(0, |trailer| trailer.value);
    let stuffing = stuffing(keys);
    Some(Cut::Delimited { start: start?, end: end?, trailer, stuffing })
}

/// How bytes that would look like delimiters are sent: nothing is where no escape is named.
fn stuffing(keys: &mut Keys<'_, '_>) -> Option<Stuffing> {
    let escape = bytes(keys, "escape");
    let escaped = bytes(keys, "escaped");
    let code = code(keys);
    let wrong = match (escape.as_deref(), escaped, code) {
        (None, None, None) => return None,
        (Some([escape]), Some(escaped), Some(Code::Itself)) if escaped != [*escape] => {
            "of `frame.escaped_as = \"itself\"` the escape alone is escaped: it is sent twice"
        }
        (Some([escape]), None, Some(Code::Itself)) => {
            return Some(Stuffing { escape: *escape, escaped: vec![*escape], code: Code::Itself });
        }
        (Some([escape]), Some(escaped), code) => return Some(Stuffing { escape: *escape, escaped, code: code.unwrap_or(Code::Place) }),
        _ => "`frame.escape` is one byte, and `frame.escaped` lists the bytes that are sent as the escape and another one",
    };
    keys.complain(keys.span(), wrong.to_owned());
    None
}

fn code(keys: &mut Keys<'_, '_>) -> Option<Code> {
    let code = keys.optional_text("escaped_as")?;
    match (code.value.as_str(), code.value.strip_prefix("xor ").and_then(|bits| u8::from_str_radix(bits, 16).ok())) {
        ("place", _) => Some(Code::Place),
        ("itself", _) => Some(Code::Itself),
        (_, Some(bits)) if bits != 0 => Some(Code::Xor(bits)),
        _ => {
            let message = "`frame.escaped_as` must be \"place\" (in the list), \"itself\" (the escape is sent twice) or \"xor 20\"";
            keys.complain(code.span, message.to_owned());
            None
        }
    }
}

fn fixed(keys: &mut Keys<'_, '_>) -> Option<Cut> {
    let start = bytes(keys, "start").unwrap_or_default();
    let end = bytes(keys, "end").unwrap_or_default();
    let lengths = keys.numbers("lengths");
    let least = start.len() + end.len();
    for length in &lengths {
        if usize::try_from(length.value).is_ok_and(|length| (least..=LONGEST_FRAME).contains(&length)) {
            continue;
        }
        keys.complain(length.span, format!("a length counts the whole frame, start and end too: {} to {LONGEST_FRAME}", least + 1));
    }
    if lengths.is_empty() {
        keys.missing("lengths");
    }
    let lengths = lengths.into_iter().map(|length| usize::try_from(length.value).unwrap_or(0)).collect();
    Some(Cut::Fixed { start, end, lengths })
}

fn counted(keys: &mut Keys<'_, '_>) -> Option<Cut> {
    let start = bytes(keys, "start").unwrap_or_default();
    let at = keys.number("count_at", start.len(), 64).map_or(start.len(), |at| at.value);
    let width = keys.number("count_width", 1_usize, 4).map_or(1, |width| width.value);
    let low_first = keys.flag("count_low_first").unwrap_or(false);
    let add = keys.number("count_add", 0_usize, 1024).map_or(0, |add| add.value);
    Some(Cut::Counted { start, at, width, low_first, add })
}

fn needed(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Vec<u8>> {
    let bytes = bytes(keys, key);
    if bytes.is_none() {
        keys.missing(key);
    }
    bytes
}
