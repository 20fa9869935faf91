//! Lines of 80 columns: rows with a word before them, wrapped between words.
//!
//! In: words. Out: lines. Never: a word cut in two; what is longer than a line stands alone on one.

use chrono::TimeDelta;

/// The columns of a terminal that shows everything.
const COLUMNS: usize = 80;
/// The column that a row's text begins at.
const TEXT: usize = 10;

/// Rows under each other.
#[derive(Debug, Default)]
pub struct Page {
    lines: Vec<String>,
}

impl Page {
    /// A row: a word, and what is said about it.
    pub fn row(&mut self, word: &str, text: &str) {
        for (number, line) in wrapped(text, COLUMNS - TEXT).into_iter().enumerate() {
            let word = if number == 0 { word } else { "" };
            self.lines.push(format!("{word:<TEXT$}{line}").trim_end().to_owned());
        }
    }

    /// A line as it stands, wrapped behind so many blanks.
    pub fn line(&mut self, indent: usize, text: &str) {
        let blanks = " ".repeat(indent);
        self.lines.extend(wrapped(text, COLUMNS.saturating_sub(indent)).into_iter().map(|line| format!("{blanks}{line}")));
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.lines.push(String::new());
    }

    /// All of them.
    #[must_use]
    pub fn end(self) -> String {
        self.lines.join("\n")
    }
}

/// A text in lines that are no longer than this, where its words allow it. Its own line breaks stay.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let is_full = !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width;
            if is_full {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// A span of time as people say it.
#[must_use]
pub fn ago(span: TimeDelta) -> String {
    match span.num_seconds().max(0) {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// So many of something.
#[must_use]
pub fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal_and_no_word_is_cut() {
        let mut page = Page::default();
        page.row("word", &"seven77 ".repeat(40));
        page.line(4, &"x".repeat(100));
        page.line(4, "one\ntwo");
        let text = page.end();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("word      seven77") && lines[1].starts_with("          seven77"), "{text}");
        assert!(lines.iter().filter(|line| !line.contains("xxx")).all(|line| line.len() <= COLUMNS), "{text}");
        assert_eq!(lines[lines.len() - 3..], [&*format!("    {}", "x".repeat(100)), "    one", "    two"]);
    }
}
