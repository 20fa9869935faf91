//! Foreign text, as it may be shown to people: BluSKY's words, names of a list.
//!
//! In: text that somebody else wrote. Out: the same on one line, composed, without what moves the cursor, hides, or turns text round: it
//! cannot pretend to be a line of this program; or as a cell of a sheet, and what stood in one. Never: text for programs; in JSON it stands as it came.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The text as it may be shown.
#[must_use]
pub fn shown(text: &str) -> String {
    text.nfc().filter(|letter| !is_hidden(*letter)).map(|letter| if breaks(letter) { ' ' } else { letter }).collect::<String>()
}

/// A text as a cell of a sheet, for a spreadsheet runs what begins like a formula: that gets a ' in front. Plain numbers stay as they are.
#[must_use]
pub fn cell(text: &str) -> String {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    if runs { format!("'{text}") } else { text.to_owned() }
}

/// A line as it was before it went through a spreadsheet, which puts what holds a comma or a quotation mark between such marks.
#[must_use]
pub fn unquoted(line: &str) -> Cow<'_, str> {
    let line = line.trim();
    match line.strip_prefix('"').and_then(|line| line.trim_end_matches([',', ';', '\t']).strip_suffix('"')) {
        Some(cell) => Cow::Owned(cell.replace("\"\"", "\"").trim().to_owned()),
        None => Cow::Borrowed(line),
    }
}

/// Ends a line, moves the cursor, or begins an order to a terminal.
fn breaks(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Has no shape of its own: directions, joiners, marks.
const fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_begins_like_a_formula_is_none_and_a_number_stays_a_number() {
        for (text, written) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+49 30 1", "'+49 30 1"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("\r", "'\r"),
            ("-", "'-"),
            ("-12.5", "-12.5"),
            ("+49301", "+49301"),
            ("04567", "04567"),
            ("Ada =", "Ada ="),
            ("", ""),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    #[test]
    fn foreign_text_forges_no_line_and_turns_nothing_round() {
        assert_eq!(shown("bad\r\naccepted.\u{1b}[2J \u{202e}evil\u{2066}\u{2028}new\u{85}line"), "bad  accepted. [2J evil new line");
        assert_eq!(shown("Zoe\u{308} Müller"), "Zoë Müller");
    }
}
