//! The short words of a roster's lines: a card, what spoke for it, how it stands.
//!
//! In: what an entry says of itself. Out: words that leave room for a name on a line of 80 columns. Never: a number that was not read.

use unicode_width::UnicodeWidthStr;

use super::{Row, SeatEntry, Undo};
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

/// The same without its format.
#[must_use]
pub fn number(card: &str) -> &str {
    let is_number = card.starts_with(|letter: char| letter.is_ascii_digit());
    card.split_once(' ').filter(|_| is_number).map_or(card, |(number, _)| number)
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

/// So much of a line of 80 columns is left for it beside its mark.
const LINE: usize = 76;

/// The line of a card that has just been saved: with what spoke for it and its format, as far as both fit into one.
#[must_use]
pub fn saved(row: &Row, seen: &SeatEntry) -> String {
    let (name, state) = (row.called(), state(seen, &Undo::No));
    let number = number(&seen.card);
    let because = if seen.evidence.is_empty() { String::new() } else { format!(" ({})", seen.evidence) };
    let lines = [(seen.card.as_str(), because.as_str()), (number, &because), (&seen.card, ""), (number, "")];
    let mut said = lines.map(|(card, because)| format!("{name}: {card}{because}, {state}")).into_iter();
    let last = said.next_back().unwrap_or_default();
    said.find(|line| line.width() <= LINE).unwrap_or(last)
}

/// What is said of a card whose person may go nowhere yet.
pub const OPENS_NOTHING: &str = "BluSKY lists no access level: the card opens no door until one is given";

/// The line of a card that came to another end than it should.
#[must_use]
pub fn ended(name: &str, seen: &SeatEntry) -> String {
    match (&seen.description, seen.state) {
        (Some(said), State::Refused) => format!("{name}: {} is refused. BluSKY says “{said}”", seen.card),
        _ => format!("{name}: {}", seen.words.lines().next().unwrap_or_default()),
    }
}

/// How a card stands, in a word or two.
#[must_use]
pub fn state(seen: &SeatEntry, undo: &Undo) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_one_line_of_80_columns_and_names_the_person_and_the_card() {
        let seen = SeatEntry {
            state: State::Saved,
            user_id: None,
            card: "123:7003 hid-corporate-1000-35".to_owned(),
            evidence: "parity, reader's check, known code".to_owned(),
            words: String::new(),
            description: None,
            saved_at: String::new(),
            end: None,
            is_undone: false,
            opens_nothing: false,
            question: None,
        };
        for (name, said) in [
            ("Jo Xu", "Jo Xu: 123:7003 (parity, reader's check, known code), saved"),
            ("Maximiliane Freifrau von Habsburg-Lothringen", "Maximiliane Freifrau von Habsburg-Lothringen: 123:7003, saved"),
            ("山田山田山田山田山田 太郎太郎太郎太郎太郎太郎太郎", "山田山田山田山田山田 太郎太郎太郎太郎太郎太郎太郎: 123:7003, saved"),
        ] {
            assert_eq!(saved(&Row { name: name.to_owned(), ..Row::default() }, &seen), said);
        }
        let short = SeatEntry { card: "123:11 hid-h10301".to_owned(), evidence: "parity, known code".to_owned(), ..seen };
        let ada = Row { name: "Ada Lovelace".to_owned(), ..Row::default() };
        assert_eq!(saved(&ada, &short), "Ada Lovelace: 123:11 hid-h10301 (parity, known code), saved");
    }
}
