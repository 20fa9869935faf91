//! `cardbridge decode`: literals in, every fit and refusal out.

use std::{
    io::{self, BufRead, BufWriter, Write},
    process::ExitCode,
};

use serde_json::Value;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look},
};
use crate::{
    card::{Literal, LiteralError, Presentation, Reading},
    enroll::policy::{self, Hints},
    run::Site,
    views,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge decode '{26}BD88EB80'\n  cardbridge decode 26#2F623AE em4100:0C000621A5 csn:04A2B3C4D5E6F7\n  \
                        cardbridge decode --printed 4567 '{26}BD88EB80'\n  cardbridge decode --json - < frames.txt"
)]
pub struct Arguments {
    /// {26}BD88EB80, bits as 0 and 1, 26#2F623AE, csn:04A2B3C4 or em4100:0C000621A5; `-` reads one a line
    #[arg(required = true, value_name = "LITERAL")]
    literals: Vec<String>,
    /// The number printed on the card
    #[arg(long, value_name = "S")]
    printed: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(globals: &Globals, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Anywhere)?;
    let hints = Hints { card_type: None, printed: arguments.printed.clone() };
    if arguments.literals == ["-"] {
        return match lines(&site, &hints, arguments.json) {
            // Whoever read the answers has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            other => other.map_err(|error| Failure::impossible("io", format!("the lines cannot be read or answered: {error}"), "")),
        };
    }
    let mut code = ExitCode::SUCCESS;
    for text in &arguments.literals {
        match read(&site, &hints, text.trim(), false) {
            Ok(reading) if arguments.json => out::print_json(&views::reading::json(&reading, text)),
            Ok(reading) => out::print(&views::reading::text(&reading)),
            Err(error) if arguments.json => {
                out::print_json(&error_line(text, &error));
                code = ExitCode::from(2);
            }
            Err(error) => {
                out::hint(&format!("{text}: {error}\n{}", LiteralError::HELP));
                code = ExitCode::from(2);
            }
        }
    }
    Ok(code)
}

/// Reads a literal. Explanations for what looks wrong are looked for where somebody asks: with a print, for a literal of its
/// own, or at a site that names its formats; not for every line of a long list.
fn read(site: &Site, hints: &Hints, text: &str, is_one_of_many: bool) -> Result<Reading, LiteralError> {
    let literal: Literal = text.parse()?;
    let policy = &site.config.policy;
    let mut reading = site.catalog.read(Presentation::of_literal(&literal));
    policy::choose(&mut reading, policy, hints);
    if hints.printed.is_some() || !is_one_of_many || !policy.formats.is_empty() {
        policy::explain(&mut reading, &site.catalog, policy, hints.printed.as_deref());
    }
    Ok(reading)
}

fn error_line(text: &str, error: &LiteralError) -> Value {
    let failure = Failure::usage("literal", error.to_string(), LiteralError::HELP);
    let mut line = out::error_json(&failure);
    if let Some(line) = line.as_object_mut() {
        line.insert("input".to_owned(), Value::from(text));
    }
    line
}

/// The longest line that is looked at; what is longer is answered with an error.
const LONGEST_LINE: usize = 4096;

/// Answers every line with exactly one line, in order; flushed whenever no input waits.
fn lines(site: &Site, hints: &Hints, json: bool) -> io::Result<ExitCode> {
    let mut input = io::BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    loop {
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        let Some(whole) = next_line(&mut input, &mut line)? else { break };
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let read = if whole { read(site, hints, text, true) } else { Err(LiteralError::TooLong(LONGEST_LINE)) };
        match (read, json) {
            (Ok(reading), true) => serde_json::to_writer(&mut output, &views::reading::json(&reading, text))?,
            (Ok(reading), false) => output.write_all(one_line(&reading).as_bytes())?,
            (Err(error), true) => serde_json::to_writer(&mut output, &error_line(text, &error))?,
            (Err(error), false) => write!(output, "{}: {error}", text.escape_debug())?,
        }
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a line without its end; false where it was longer than is looked at. None at the end of the input.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut whole = true;
    let mut any = false;
    loop {
        let waiting = input.fill_buf()?;
        if waiting.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = waiting.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(waiting.len());
        let room = LONGEST_LINE.saturating_sub(line.len());
        whole &= taken <= room;
        line.extend(waiting.iter().take(taken.min(room)));
        input.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

fn one_line(reading: &Reading) -> String {
    let fits: Vec<String> =
        reading.fits.iter().map(|fit| format!("{} ({})", fit.format, views::reading::numbers(&fit.credential))).collect();
    format!("{} {}: {}", views::reading::literal(reading), reading.verdict.name(), fits.join("; "))
}
