//! A name in large letters, to be read from two steps away.
//!
//! In: a name, and the room there is. Out: lines. Never: a letter left out or made up: where the font lacks one, or the terminal has no
//! blocks to draw with, the name stands there spaced out.

use std::env;

use font8x8::{BASIC_FONTS, BLOCK_FONTS, LATIN_FONTS, UnicodeFonts};
use unicode_width::UnicodeWidthStr;

use crate::text::shown;

/// How wide and how high a large letter is.
const WIDE: usize = 4;
const HIGH: usize = 4;
/// The lines of a panel beside the name, and what stays free above it.
const BESIDE: usize = 14;
/// A quarter of a cell is there or not: the upper left one is 1, the upper right one 2, the lower left one 4, the lower right one 8.
const QUARTERS: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

/// The name in lines of this width, in a terminal of so many rows.
pub fn letters(name: &str, width: usize, rows: usize) -> Vec<String> {
    let (name, room) = (shown(name), width.saturating_sub(4));
    let drawn = if has_blocks() { drawn(&name, room / WIDE, rows.saturating_sub(BESIDE) / HIGH) } else { None };
    drawn.unwrap_or_else(|| spaced(&name, room))
}

/// A line across.
pub fn rule(width: usize) -> String {
    if has_blocks() { "─" } else { "-" }.repeat(width.saturating_sub(1))
}

/// True where the terminal can draw with blocks.
fn has_blocks() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| env::var(name).ok()).find(|value| !value.is_empty());
    let is_utf_8 = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    is_utf_8 && env::var("TERM").is_ok_and(|term| term != "linux")
}

/// The name in drawn letters; none where it has no room, or a letter is not in the font.
fn drawn(name: &str, letters: usize, lines: usize) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for word in name.split_whitespace() {
        match words.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => *line = format!("{line} {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    if words.len() > lines || words.iter().any(|word| word.chars().count() > letters) {
        return None;
    }
    let drawn: Option<Vec<Vec<String>>> = words.iter().map(|word| line(word)).collect();
    Some(drawn?.into_iter().flatten().collect())
}

/// One line of letters, four rows high; the last ones are often empty.
fn line(word: &str) -> Option<Vec<String>> {
    let glyphs: Vec<[u8; 8]> = word.chars().map(glyph).collect::<Option<_>>()?;
    let row = |at: usize| {
        let cells = glyphs.iter().flat_map(|glyph| {
            let (upper, lower) = (glyph.get(2 * at).copied().unwrap_or(0), glyph.get(2 * at + 1).copied().unwrap_or(0));
            (0..WIDE).map(move |column| usize::from(upper >> (2 * column) & 3 | (lower >> (2 * column) & 3) << 2))
        });
        cells.filter_map(|cell| QUARTERS.get(cell)).collect::<String>().trim_end().to_owned()
    };
    Some((0..HIGH).map(row).collect())
}

fn glyph(letter: char) -> Option<[u8; 8]> {
    // An apostrophe of typesetters is one.
    let letter = if letter == '’' { '\'' } else { letter };
    BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter)).or_else(|| BLOCK_FONTS.get(letter))
}

/// `A d a   L o v e l a c e`; as it is where that is too wide.
fn spaced(name: &str, room: usize) -> Vec<String> {
    let wide: String = name.chars().flat_map(|letter| [letter, ' ']).collect();
    vec![if wide.trim_end().width() <= room { wide.trim_end().to_owned() } else { name.to_owned() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_drawn_whole_or_not_at_all() {
        let ada = drawn("Ada Lovelace", 19, 2).unwrap();
        assert_eq!(ada.len(), HIGH);
        assert!(ada.iter().all(|line| line.width() <= 12 * WIDE) && ada[0].contains('█'), "{ada:#?}");
        assert_eq!(drawn("Zoë Müller-Lüdenscheidtsau", 19, 2).map(|lines| lines.len()), None, "one word is too long");
        assert_eq!(drawn("Zoë Müller von Bernstorff", 19, 2).map(|lines| lines.len()), Some(2 * HIGH));
        assert_eq!(drawn("Łukasz", 19, 2), None, "the font has no such letter");
        assert_eq!(spaced("Łukasz", 76), ["Ł u k a s z"]);
        assert_eq!(spaced("山田 太郎", 76), ["山 田   太 郎"]);
    }
}
