//! `cardbridge decode -`: a literal a line in, a line out for each, in order.
//!
//! In: standard input. Out: standard output, flushed whenever no input waits. Never: more of a line in memory than is
//! looked at.
//!
//! One thread reads batches of whole lines, each as large as what waits; the workers take turns at answering them, and
//! the answers are written in the same turns. So the order stays, and a slow typist's line is a batch of its own.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use super::{error_line, read};
use crate::{
    card::{LiteralError, Reading},
    enroll::policy::Hints,
    host::Site,
    views,
};

/// The longest line that is looked at; what is longer is answered with an error.
const LONGEST_LINE: usize = 4096;
/// The largest batch, but for the beginning of its first line.
const BATCH: usize = 1 << 12;
const WORKERS: usize = 2;
/// An answer has about so many times the bytes of its line.
const LONGER: usize = 64;
/// So many batches wait for each worker, and so many answers for being written.
const WAITING: usize = 2;

/// Lines, or answers; an error ends the input.
type Batch = io::Result<Vec<u8>>;

/// Answers every line with exactly one line, in order; flushed whenever no input waits.
pub fn answer(site: &'static Site, hints: Hints, json: bool) -> io::Result<ExitCode> {
    let asked = Arc::new((site, hints));
    let (mut questions, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..WORKERS {
        let (question, asked, answered) = (sync_channel(WAITING), asked.clone(), sync_channel(WAITING));
        thread::spawn(move || work(&question.1, &answered.0, |batch| all(asked.0, &asked.1, json, batch)));
        questions.push(question.0);
        answers.push(answered.1);
    }
    // Nobody waits for the reading thread: it may wait for input when nobody wants the answers any more.
    thread::spawn(move || ask(&mut io::BufReader::with_capacity(BATCH, io::stdin().lock()), &questions));
    let mut output = io::stdout().lock();
    // The first turn without an answer is the end.
    for batch in answers.iter().cycle().map_while(|answers| answers.recv().ok()) {
        output.write_all(&batch?)?;
        output.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands the batches to the workers in turn, until the input ends or nobody wants an answer.
fn ask(input: &mut impl BufRead, questions: &[SyncSender<Batch>]) {
    for questions in questions.iter().cycle() {
        let batch = next_batch(input);
        let (is_end, is_broken) = (batch.as_ref().is_ok_and(Vec::is_empty), batch.is_err());
        if is_end || questions.send(batch).is_err() || is_broken {
            return;
        }
    }
}

fn work(questions: &Receiver<Batch>, answers: &SyncSender<Batch>, answer: impl Fn(&[u8]) -> Batch) {
    for batch in questions {
        if answers.send(batch.and_then(|batch| answer(&batch))).is_err() {
            return;
        }
    }
}

/// All whole lines that wait, or the next one; of an overlong line no more than shows that it is too long. Empty at the
/// end of the input.
fn next_batch(input: &mut impl BufRead) -> Batch {
    let mut batch = Vec::new();
    loop {
        let waiting = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            waiting => waiting?,
        };
        let lines = waiting.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
        let taken = lines.unwrap_or(waiting.len());
        let room = if lines.is_some() { taken } else { (LONGEST_LINE + 1).saturating_sub(batch.len()) };
        batch.extend_from_slice(waiting.get(..taken.min(room)).unwrap_or_default());
        input.consume(taken);
        if lines.is_some() || taken == 0 {
            return Ok(batch);
        }
    }
}

/// The answers to all lines of a batch.
fn all(site: &Site, hints: &Hints, json: bool, batch: &[u8]) -> Batch {
    let mut answers = Vec::with_capacity(batch.len() * LONGER);
    for line in batch.strip_suffix(b"\n").unwrap_or(batch).split(|byte| *byte == b'\n') {
        one(site, hints, json, line, &mut answers)?;
        answers.push(b'\n');
    }
    Ok(answers)
}

fn one(site: &Site, hints: &Hints, json: bool, line: &[u8], answers: &mut Vec<u8>) -> io::Result<()> {
    let text = String::from_utf8_lossy(line.get(..LONGEST_LINE).unwrap_or(line));
    let text = text.trim();
    let read = if line.len() > LONGEST_LINE { Err(LiteralError::TooLong(LONGEST_LINE)) } else { read(site, hints, text, true) };
    match (read, json) {
        (Ok(reading), true) => serde_json::to_writer(answers, &views::reading::json(&reading, text))?,
        (Ok(reading), false) => answers.write_all(one_line(&reading).as_bytes())?,
        (Err(error), true) => serde_json::to_writer(answers, &error_line(text, &error))?,
        (Err(error), false) => write!(answers, "{}: {error}", text.escape_debug())?,
    }
    Ok(())
}

fn one_line(reading: &Reading) -> String {
    let fits: Vec<String> = reading.fits.iter().map(|fit| format!("{} ({})", fit.format, fit.credential.words())).collect();
    format!("{} {}: {}", views::reading::literal(reading), reading.verdict.name(), fits.join("; "))
}
