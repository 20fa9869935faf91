//! A table for people; where it is wider than the terminal, each row becomes lines.
//!
//! In: a head and rows, or text. Out: lines on standard output. Never: a line that is wrapped in the middle of a word that fits.

use comfy_table::{Table, presets};
use unicode_width::UnicodeWidthStr;

use super::out;

/// How wide it may be where no terminal says so.
const WIDTH: usize = 80;
/// What all lines of a row but the first begin with.
const INDENT: &str = "    ";

/// Prints rows under their head.
pub fn print(head: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.iter().map(|word| word.to_uppercase())).add_rows(rows);
    let width = width();
    table.set_width(u16::MAX);
    let text = table.to_string();
    if text.lines().all(|line| line.trim_end().width() <= width) {
        return text.lines().for_each(|line| out::print(line.trim_end()));
    }
    for row in rows {
        lines(head, row, width).iter().for_each(|line| out::print(line));
    }
}

/// Prints text, in lines that are no wider than the terminal.
pub fn text(text: &str) {
    wrapped(text, width(), false).iter().for_each(|line| out::print(line));
}

/// The same, indented; nothing where there is none.
pub fn indented(text: &str) {
    if !text.is_empty() {
        wrapped(text, width(), true).iter().for_each(|line| out::print(line));
    }
}

fn width() -> usize {
    Table::new().width().map_or(WIDTH, usize::from)
}

/// A row as lines: its first cell as it is, the last one as it is, those between with their names.
fn lines(head: &[&str], row: &[String], width: usize) -> Vec<String> {
    let last = row.len().saturating_sub(1);
    let cells = head.iter().zip(row).enumerate().filter(|(_, (_, cell))| !cell.is_empty());
    let named = cells.map(|(at, (name, cell))| if at == 0 || at == last { cell.clone() } else { format!("{name} {cell}") });
    let mut lines: Vec<String> = Vec::new();
    for cell in named {
        match lines.last_mut() {
            // A cell stays together where it can.
            Some(line) if line.width() + 2 + cell.width() <= width => *line = format!("{line}  {cell}"),
            _ => lines.extend(wrapped(&cell, width, !lines.is_empty())),
        }
    }
    lines
}

/// Text in lines of this width, all but the first of a row indented.
fn wrapped(text: &str, width: usize, is_indented: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let indent = if is_indented || !lines.is_empty() { INDENT } else { "" };
        if !line.trim().is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        match line.is_empty() {
            true => line = format!("{}{word}", if lines.is_empty() { indent } else { INDENT }),
            false => line = format!("{line} {word}"),
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_too_wide_becomes_lines_and_loses_nothing() {
        let row = ["hid-h10301", "H10301", "26", "", "HID H10301, the 26-bit standard"].map(str::to_owned);
        let head = ["id", "aliases", "bits", "caveat", "name"];
        assert_eq!(lines(&head, &row, 80), ["hid-h10301  aliases H10301  bits 26  HID H10301, the 26-bit standard"]);
        assert_eq!(lines(&head, &row, 30), ["hid-h10301  aliases H10301", "    bits 26", "    HID H10301, the 26-bit", "    standard"]);
    }
}
