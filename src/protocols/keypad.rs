//! `[keypad]`, in a dialect's file and in a site's `[[reader]]`: how the keys of a keypad become an entry.
//!
//! In: the table. Out: what it says, or findings. Never: a default; whoever asks has one.

use std::time::Duration;

use crate::{
    decode::keypad::KEYS,
    reader::KeypadHints,
    sheet::{At, Keys},
};

/// Reads the table, where there is one.
pub fn keypad(keys: &mut Keys<'_, '_>) -> KeypadHints {
    let Some(mut keys) = keys.table("keypad") else { return KeypadHints::default() };
    let span = keys.span();
    let (end, clear) = (key(&mut keys, "end"), key(&mut keys, "clear"));
    if let (Some(Some(end)), Some(Some(clear))) = (end, clear)
        && end == clear
    {
        keys.complain(span, format!("`{}` and `{}` are the same key", keys.name("end"), keys.name("clear")));
    }
    let time_out = keys.number("timeout_ms", 100_u64, 600_000).map(|millis| Duration::from_millis(millis.value));
    keys.finish();
    KeypadHints { end, clear, time_out }
}

/// One key; an empty text for none.
fn key(keys: &mut Keys<'_, '_>, name: &'static str) -> Option<Option<char>> {
    let At { value, span } = keys.optional_text(name)?;
    let mut chars = value.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Some(None),
        (Some(key), None) if KEYS.contains(key) => Some(Some(key)),
        _ => {
            keys.complain(span, format!("`{}` must be one of the keys {KEYS}, or \"\" for none", keys.name(name)));
            None
        }
    }
}
