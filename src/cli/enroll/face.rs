//! How a roster looks: a panel at the bottom of a terminal, or plain lines where there is none.
//!
//! In: a picture of the roster, and lines. Out: text of 80 columns, without colour where none is wanted. Never: a line that is wrapped, or
//! something that only colour says.

use std::{
    io::{Write, stdout},
    time::Duration,
};

use crossterm::{
    cursor::{MoveToColumn, MoveUp},
    queue,
    terminal::{Clear, ClearType, size},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::large;
use crate::{
    cli::out,
    roster::{
        Bell, Kind,
        screen::{Person, Screen, Tally},
    },
    text::shown,
};

/// A roster's face.
pub enum Face {
    /// A panel that is drawn anew at the bottom of a terminal.
    Panel(Panel),
    /// Lines, one after the other.
    Lines(Lines),
}

/// How far the two sounds of "look here" are apart.
const BELLS_APART: Duration = Duration::from_millis(250);
/// A panel is no wider.
const WIDEST: usize = 100;
const INDENT: &str = "  ";
/// A lower terminal has no room for who comes next.
const LOW: usize = 16;

impl Face {
    /// Shows how it stands; `typed` is what is being typed, with what is found by it.
    pub fn draw(&mut self, screen: &Screen, typed: &str, found: &[String]) {
        match self {
            Self::Panel(panel) => panel.draw(screen, typed, found),
            Self::Lines(lines) => lines.draw(screen),
        }
    }

    /// A line that stays.
    pub fn line(&mut self, kind: Kind, text: &str) {
        match self {
            Self::Panel(panel) => panel.line(kind, text),
            Self::Lines(lines) => lines.line(kind, text),
        }
    }

    /// A sound.
    pub fn ring(&self, bell: Bell) {
        if let Self::Panel(_) = self {
            sound();
            if bell == Bell::Look {
                tokio::spawn(async {
                    tokio::time::sleep(BELLS_APART).await;
                    sound();
                });
            }
        }
    }

    /// Leaves what is said, and nothing else.
    pub fn close(&mut self) {
        if let Self::Panel(panel) = self {
            panel.write(&[]);
        }
    }
}

fn sound() {
    let mut out = stdout().lock();
    drop(out.write_all(b"\x07").and_then(|()| out.flush()));
}

/// A panel at the bottom of a terminal.
#[derive(Default)]
pub struct Panel {
    /// So many lines of it stand there.
    drawn: u16,
    shown: Vec<String>,
}

impl Panel {
    fn draw(&mut self, screen: &Screen, typed: &str, found: &[String]) {
        let (columns, rows) = room();
        let lines = panel(screen, typed, found, columns, rows);
        if lines != self.shown {
            self.write(&lines);
        }
    }

    fn line(&mut self, kind: Kind, text: &str) {
        // A good outcome is counted, and said in the panel.
        if kind == Kind::Good {
            return;
        }
        let panel = std::mem::take(&mut self.shown);
        self.write(&[]);
        let mark = if kind == Kind::Look { "! " } else { INDENT };
        wrapped(text, width(), mark).iter().for_each(|line| out::print(line));
        self.write(&panel);
    }

    /// Puts these lines in the place of those that stand there.
    fn write(&mut self, lines: &[String]) {
        let mut text = Vec::new();
        if self.drawn > 0 {
            drop(queue!(text, MoveUp(self.drawn)));
        }
        drop(queue!(text, MoveToColumn(0), Clear(ClearType::FromCursorDown)));
        for line in lines {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        let mut out = stdout().lock();
        drop(out.write_all(&text).and_then(|()| out.flush()));
        self.drawn = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        self.shown = lines.to_vec();
    }
}

fn width() -> usize {
    room().0
}

/// Columns and rows. A terminal that does not know how large it is, as on a serial line, says that it has none.
fn room() -> (usize, usize) {
    let (columns, rows) = size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24));
    (usize::from(columns).min(WIDEST), usize::from(rows))
}

/// The lines of a panel, none wider than the terminal.
fn panel(screen: &Screen, typed: &str, found: &[String], width: usize, rows: usize) -> Vec<String> {
    let mut lines = vec![large::rule(width)];
    if let Some(person) = &screen.person {
        lines.extend(name(person, width, rows));
    }
    let mark = if screen.is_question { "? " } else { INDENT };
    lines.extend(wrapped(&screen.say, width, mark));
    lines.extend(screen.choices.iter().map(|choice| format!("    {choice}")));
    if screen.takes_text {
        lines.push(format!("{INDENT}> {typed}_"));
    }
    lines.extend(found.iter().map(|found| format!("    {found}")));
    lines.extend(next(screen).filter(|_| rows >= LOW).map(|next| format!("{INDENT}{next}")));
    lines.extend(screen.trouble.iter().flat_map(|trouble| wrapped(trouble, width, "! ")));
    lines.push(String::new());
    if screen.tally.people > 0 {
        lines.push(format!("{INDENT}{}", tally(&screen.tally)));
    }
    if let Some(outcome) = &screen.outcome {
        lines.push(format!("{INDENT}{outcome}"));
    }
    lines.extend(wrapped(&keys(screen), width, INDENT));
    lines.into_iter().map(|line| cut(&line, width.saturating_sub(1))).collect()
}

/// The name, as large as there is room for it.
fn name(person: &Person, width: usize, rows: usize) -> Vec<String> {
    let (at, all) = person.place;
    let number = if person.employee_number.is_empty() { String::new() } else { format!("   {}", person.employee_number) };
    let mut lines = vec![format!("{INDENT}{at} of {all}"), String::new()];
    lines.extend(large::letters(&person.name, width, rows).into_iter().map(|line| format!("{INDENT}{line}")));
    lines.extend([format!("{INDENT}{}{}", shown(&person.name), shown(&number)), String::new()]);
    lines
}

/// Who comes behind the one who is shown.
fn next(screen: &Screen) -> Option<String> {
    let is_said = screen.person.is_some() && !screen.next.is_empty();
    is_said.then(|| format!("next: {}", shown(&screen.next.join(", "))))
}

fn tally(tally: &Tally) -> String {
    let mut said = vec![format!("{} of {} accepted", tally.accepted, tally.people)];
    let more = [(tally.under_way, "on their way"), (tally.open, "left open"), (tally.questions, "to be asked")];
    said.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    said.join(", ")
}

fn keys(screen: &Screen) -> String {
    screen.keys.iter().map(|(key, what)| format!("{key}\u{a0}{}", shown(what).replace(' ', "\u{a0}"))).collect::<Vec<_>>().join("   ")
}

/// Text in lines of this width, the first one behind a mark. A key and what it does stay together.
fn wrapped(text: &str, width: usize, mark: &str) -> Vec<String> {
    let mut lines = vec![mark.to_owned()];
    for part in shown(text).split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.width() + part.width() + 1 >= width && line.trim() != mark.trim() {
            lines.push(format!("{INDENT}{part}"));
        } else {
            let is_first = line.width() <= INDENT.len();
            *line = if is_first { format!("{line}{part}") } else { format!("{line} {part}") };
        }
    }
    lines.into_iter().map(|line| line.replace('\u{a0}', " ").trim_end().to_owned()).collect()
}

fn cut(line: &str, width: usize) -> String {
    let mut used = 0;
    line.chars()
        .take_while(|letter| {
            used += letter.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Plain lines.
#[derive(Default)]
pub struct Lines {
    /// They go to standard error: standard output is for programs.
    beside: bool,
    said: String,
    next: Option<String>,
}

impl Lines {
    /// Lines that go to standard error, where standard output is for programs.
    pub fn beside(beside: bool) -> Self {
        Self { beside, ..Self::default() }
    }

    fn draw(&mut self, screen: &Screen) {
        let person = screen.person.as_ref().map(|person| {
            let number = if person.employee_number.is_empty() { String::new() } else { format!(" ({})", person.employee_number) };
            format!("{} of {}: {}{number}: ", person.place.0, person.place.1, person.name)
        });
        let now = match (&person, screen.tally.people) {
            (Some(person), _) => format!("{person}{}", screen.say),
            // What passes by in a moment is not said.
            (None, _) if screen.keys.is_empty() && !screen.takes_text && !screen.is_behind => return,
            (None, _) => screen.say.clone(),
        };
        if now != self.said {
            self.said.clone_from(&now);
            self.print(&now);
            screen.choices.iter().for_each(|choice| self.print(&format!("    {choice}")));
        }
        if let Some(next) = next(screen).filter(|next| self.next.as_ref() != Some(next)) {
            self.print(&format!("{INDENT}{next}"));
            self.next = Some(next);
        }
    }

    fn line(&self, kind: Kind, text: &str) {
        let mark = if kind == Kind::Look { "! " } else { INDENT };
        self.print(&format!("{mark}{text}"));
    }

    fn print(&self, text: &str) {
        if self.beside { out::hint(&shown(text)) } else { out::print(&shown(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(name: &str) -> Screen {
        let person = Person { name: name.to_owned(), employee_number: "1815".to_owned(), place: (17, 50) };
        let keys = [('s', "skip"), ('b', "back"), ('u', "undo Maximiliane Freifrau von Habsburg-Lothringen"), ('q', "stop")];
        Screen {
            person: Some(person),
            say: "hold the card to the reader".to_owned(),
            keys: keys.map(|(key, what)| (key, what.to_owned())).to_vec(),
            ..Screen::default()
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_whatever_the_name() {
        for name in
            ["Ada Lovelace", "Zoë Łukasiewicz-Gödel", "山田 太郎", "Maximiliane Freifrau von Habsburg-Lothringen und Sachsen-Teschen"]
        {
            for width in [20, 40, 80, 100] {
                for line in panel(&screen(name), "", &[], width, 24) {
                    assert!(line.width() < width, "{width}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn a_key_and_what_it_does_stay_in_one_line() {
        for width in 30..80 {
            let lines = panel(&screen("Ada Lovelace"), "", &[], width, 24);
            let is_alone = |line: &&String| line.ends_with(" q") || line.trim() == "q" || line.trim() == "stop";
            assert_eq!(lines.iter().find(is_alone), None, "{width}");
        }
    }

    #[test]
    fn the_panel_leaves_room_for_lines_above_it() {
        for rows in [12, 24, 40] {
            assert!(panel(&screen("Ada Lovelace"), "", &[], 80, rows).len() < rows, "{rows} rows");
        }
    }
}
