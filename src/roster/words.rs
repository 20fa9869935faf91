//! The short words of a roster's lines: a card, what spoke for it, how it stands.
//!
//! In: what an entry says of itself. Out: words that leave room for a name on a line of 80 columns. Never: a number that was not read.

use super::{Row, Seen, Undo};
use crate::outbox::State;

/// A card in short: `123:4567 hid-h10301`, its facility code before its number.
#[must_use]
pub fn card(facility_code: Option<u64>, number: Option<&str>, format: Option<&str>) -> String {
    let number = match (facility_code, number) {
        (Some(code), Some(number)) => format!("{code}:{number}"),
        (None, Some(number)) => number.to_owned(),
        (_, None) => "a card".to_owned(),
    };
    format.map_or_else(|| number.clone(), |format| format!("{number} {format}"))
}

/// What spoke for a card, by the names of JSON.
#[must_use]
pub fn evidence<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let short = |name: &'a str| match name {
        "checks" => "parity",
        "transport_check" => "reader's check",
        "read_twice" => "read twice",
        "facility_code_listed" | "facility_code_seen" => "known code",
        "format_seen" | "kind_known" => "known format",
        "printed" => "print",
        "operator" => "your word",
        other => other,
    };
    names.map(short).collect::<Vec<_>>().join(", ")
}

/// The line of a card that has just been saved.
#[must_use]
pub fn saved(row: &Row, seen: &Seen) -> String {
    let because = if seen.evidence.is_empty() { String::new() } else { format!(" ({})", seen.evidence) };
    format!("{}: {}{because}, {}", row.called(), seen.card, state(seen, &Undo::No))
}

/// The line of a card that came to another end than it should.
#[must_use]
pub fn ended(name: &str, seen: &Seen) -> String {
    match (&seen.description, seen.state) {
        (Some(said), State::Refused) => format!("{name}: {} is refused. BluSKY says “{said}”", seen.card),
        _ => format!("{name}: {}", seen.words.lines().next().unwrap_or_default()),
    }
}

/// How a card stands, in a word or two.
#[must_use]
pub fn state(seen: &Seen, undo: &Undo) -> &'static str {
    match (undo, seen.state) {
        (Undo::Done, _) => "undone",
        (Undo::Wanted | Undo::Asked | Undo::Begun(_), _) => "being undone",
        _ if seen.is_undone => "undone",
        (Undo::Failed(_), _) => "not undone",
        (_, State::Accepted) if seen.end.as_deref() == Some("stored_differs") => "stored otherwise",
        (_, State::Saved) => "saved",
        (_, State::Sending) => "being sent",
        (_, State::Accepted) => "accepted",
        (_, State::Refused) => "refused",
        (_, State::InDoubt) => "in doubt",
        (_, State::Discarded) => "given up",
    }
}
