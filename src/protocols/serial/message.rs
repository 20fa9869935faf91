//! `[[message]]` and `[check]`: what a reader may say, and how it proves itself.

use super::template;
use crate::{
    card::Kind,
    decode::{
        check::{Check, Method, Over},
        dialect::{Align, Message},
        message::{NUMBERS, is_card_part},
        payload::{Piece, Template, Width},
    },
    sheet::{At, Keys, nearest},
};

/// Reads the messages, and the check of all that have none of their own.
pub(super) fn messages(keys: &mut Keys<'_, '_>, kind: Option<Kind>) -> (Vec<Message>, Option<Check>) {
    let of_all = Checked::read(keys);
    let tables = keys.tables("message");
    if tables.is_empty() {
        keys.missing("message");
    }
    (tables.into_iter().filter_map(|table| read(table, kind?, of_all)).collect(), of_all.check)
}

/// What a `[check]` says.
#[derive(Clone, Copy, Default)]
struct Checked {
    check: Option<Check>,
    /// Something is wrong with it, and that was told.
    is_broken: bool,
}

impl Checked {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        keys.table("check").map(check).map_or_else(Self::default, |check| Self { check, is_broken: check.is_none() })
    }
}

/// Reads a message that has no check but its own.
pub fn message(keys: Keys<'_, '_>, kind: Kind) -> Option<Message> {
    read(keys, kind, Checked::default())
}

/// Reads one message; `of_all` is the check of those that have none of their own.
fn read(mut keys: Keys<'_, '_>, kind: Kind, of_all: Checked) -> Option<Message> {
    let span = keys.span();
    let payload = template(&mut keys, "payload");
    if payload.is_none() {
        keys.missing("payload");
    }
    let own_kind = keys.optional_text("kind").and_then(|kind| crate::protocols::kind(&keys, &kind));
    let own = Checked::read(&mut keys);
    let align = align(&mut keys);
    let short = keys.flag("short").unwrap_or(false);
    let marker = keys.number("marker", 2_u16, 256).map(|most| most.value);
    let any_pad = keys.flag("any_pad").unwrap_or(false);
    let bits = keys.number("bits", 1_u16, 256).map(|bits| bits.value);
    let pressed = keys.optional_text("keys").map(|keys| keys.value);
    let damaged = keys.optional_text("damaged").map(|damaged| damaged.value);
    let payload = payload?;
    let has_check = payload.names().any(|name| name == "check");
    let check = own.check.or(of_all.check.filter(|_| has_check));
    if has_check != check.is_some() && !own.is_broken && !(has_check && of_all.is_broken) {
        keys.complain(span, "a check wants {check:…} in the payload, and a {check:…} wants a [check]".to_owned());
    }
    if let Some(unknown) = unknown_part(&payload) {
        keys.complain(span, unknown);
    }
    keys.finish();
    let kind = own_kind.unwrap_or_else(|| if pressed.is_some() { Kind::Key } else { payload.kind(kind) });
    Some(Message { payload, kind, check, align, short, marker, any_pad, bits, keys: pressed, damaged })
}

/// What is wrong with the first part whose name means nothing.
#[must_use]
pub fn unknown_part(payload: &Template) -> Option<String> {
    let unknown = unknown_parts(payload).next()?;
    let known = ["id", "bits", "count", "unused", "keys", "check", "age", "same", "seq", "counter"].into_iter().chain(NUMBERS);
    let hint = nearest(unknown, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    Some(format!("no part is named `{unknown}`; {hint}a part that means nothing is named `_`"))
}

/// Parts whose names mean nothing, and whose numbers tell no other part's width.
fn unknown_parts(payload: &Template) -> impl Iterator<Item = &str> {
    let tells_width = |name: &str| {
        let told = |piece: &Piece| matches!(piece, Piece::Part { width: Width::Told(by), .. } if by == name);
        payload.pieces.iter().any(told)
    };
    let is_known = move |name: &str| {
        is_card_part(name) || matches!(name, "count" | "unused" | "check" | "age" | "same" | "seq" | "counter" | "_") || tells_width(name)
    };
    payload.names().filter(move |name| !is_known(name))
}

/// Reads a check: its method by name, and which bytes it covers.
pub(super) fn check(mut keys: Keys<'_, '_>) -> Option<Check> {
    let method = keys.text("method");
    let over = match keys.optional_text("over") {
        None => Over::Body,
        Some(At { value, .. }) if value == "body" => Over::Body,
        Some(At { value, .. }) if value == "digits" => Over::Digits,
        Some(At { value, .. }) if value == "frame" => Over::Frame,
        Some(At { value, .. }) if value == "sent" => Over::Sent,
        Some(At { span, .. }) => {
            keys.complain(span, "`check.over` must be \"digits\", \"body\", \"frame\" or \"sent\"".to_owned());
            Over::Body
        }
    };
    let from = keys.number("from", 0_usize, 64).map_or(0, |from| from.value);
    let gap = keys.number("gap", 0_usize, 8).map_or(0, |gap| gap.value);
    let end = keys.number("end", 0_usize, 8).map_or(0, |end| end.value);
    let low_first = keys.flag("low_first").unwrap_or(false);
    let optional = keys.flag("optional").unwrap_or(false);
    let worth = keys.number("worth", 0_u8, 128);
    let sheet = keys.sheet;
    keys.finish();
    let method = method?;
    let known = Method::from_name(&method.value);
    if known.is_none() {
        let hint = nearest(&method.value, Method::names()).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        let known = "known are xor, sum, twos-complement, not-judged and every CRC by its names in the catalogue of parametrised CRCs";
        sheet.add(method.span, format!("no check is named `{}`; {hint}{known}", method.value));
    }
    let check = Check { method: known?, over, from, gap, end, low_first, optional, worth: worth.map(|worth| worth.value) };
    if let Some(worth) = worth.filter(|worth| worth.value > check.method.width()) {
        sheet.add(worth.span, format!("`check.worth` is {} bits; the check has {}", worth.value, check.method.width()));
    }
    Some(check)
}

fn align(keys: &mut Keys<'_, '_>) -> Align {
    match keys.optional_text("align") {
        None => Align::Left,
        Some(At { value, .. }) if value == "left" => Align::Left,
        Some(At { value, .. }) if value == "right" => Align::Right,
        Some(At { span, .. }) => {
            keys.complain(span, "`align` must be \"left\" or \"right\"".to_owned());
            Align::Left
        }
    }
}
