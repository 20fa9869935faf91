//! `cardbridge decode -`: a literal a line in, a line out for each, in order.
//!
//! In: standard input. Out: standard output, flushed whenever no input waits. Never: more of a line in memory than is
//! looked at.

use std::{
    io::{self, BufRead, BufWriter, Write},
    process::ExitCode,
};

use super::{error_line, read};
use crate::{
    card::{LiteralError, Reading},
    enroll::policy::Hints,
    run::Site,
    views,
};

/// The longest line that is looked at; what is longer is answered with an error.
const LONGEST_LINE: usize = 4096;

/// Answers every line with exactly one line, in order; flushed whenever no input waits.
pub fn answer(site: &Site, hints: &Hints, json: bool) -> io::Result<ExitCode> {
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
        let read = if whole { read(site, hints, text) } else { Err(LiteralError::TooLong(LONGEST_LINE)) };
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
