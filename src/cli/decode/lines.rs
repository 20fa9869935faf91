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
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread,
};

use super::{error_line, read};
use crate::{
    card::{LiteralError, Reading},
    cli::out,
    enroll::policy::Hints,
    file::Utf8,
    host::Site,
    text::unquoted,
    views,
};

/// The longest line that is looked at; what is longer is answered with an error.
const LONGEST_LINE: usize = 4096;
/// The largest batch, but for the beginning of its first line.
const BATCH: usize = 1 << 12;
/// An answer has about so many times the bytes of its line.
const LONGER: usize = 64;
/// So many batches wait for each worker, and so many answers for being written.
const WAITING: usize = 2;

/// Lines, or answers; an error ends the input.
type Batch = io::Result<Vec<u8>>;

/// Answers every line with exactly one line, in order, with a worker for each of these sites; flushed whenever no input waits.
pub fn answer(sites: &[&'static Site], hints: &Hints, json: bool) -> io::Result<ExitCode> {
    let (mut questions, mut answers) = (Vec::new(), Vec::new());
    for site in sites.iter().copied() {
        let (question, hints, answered, written) = (sync_channel(WAITING), hints.clone(), sync_channel(WAITING), channel());
        thread::spawn(move || work(&question.1, &answered.0, &written.1, |batch, answers| all(site, &hints, json, batch, answers)));
        questions.push(question.0);
        answers.push((answered.1, written.0));
    }
    // Nobody waits for the reading thread: it may wait for input when nobody wants the answers any more.
    thread::spawn(move || ask(&mut Utf8::of(io::BufReader::with_capacity(BATCH, io::stdin().lock())), &questions));
    let mut output = io::stdout().lock();
    // The first turn without an answer is the end.
    for (answers, written) in answers.iter().cycle() {
        let Ok(batch) = answers.recv() else { break };
        let batch = batch?;
        output.write_all(&batch)?;
        output.flush()?;
        // Memory that is used again need not be made anew by the system, page by page.
        drop(written.send(batch));
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

/// Answers batches; what has been written is memory for further answers.
fn work(questions: &Receiver<Batch>, answers: &SyncSender<Batch>, written: &Receiver<Vec<u8>>, answer: impl Fn(&[u8], Vec<u8>) -> Vec<u8>) {
    for batch in questions {
        let answered = batch.map(|batch| answer(&batch, written.try_recv().unwrap_or_default()));
        if answers.send(answered).is_err() {
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

/// The answers to all lines of a batch, in this memory.
fn all(site: &Site, hints: &Hints, json: bool, batch: &[u8], mut answers: Vec<u8>) -> Vec<u8> {
    answers.clear();
    answers.reserve(batch.len() * LONGER);
    for line in batch.strip_suffix(b"\n").unwrap_or(batch).split(|byte| *byte == b'\n') {
        one(site, hints, json, line, &mut answers);
    }
    answers
}

fn one(site: &Site, hints: &Hints, json: bool, line: &[u8], answers: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(line.get(..LONGEST_LINE).unwrap_or(line));
    // A spreadsheet begins what it writes with a mark of its encoding.
    let text = text.trim_start_matches('\u{feff}').trim();
    let read = if line.len() > LONGEST_LINE { Err(LiteralError::TooLong(LONGEST_LINE)) } else { read(site, hints, &unquoted(text), true) };
    match (read, json) {
        (Ok(reading), true) => out::append_json(answers, &views::reading::json(&reading, text)),
        (Ok(reading), false) => answers.extend_from_slice(format!("{}\n", one_line(&reading)).as_bytes()),
        (Err(error), true) => out::append_json(answers, &error_line(text, &error)),
        (Err(error), false) => answers.extend_from_slice(format!("{}: {error}\n", text.escape_debug()).as_bytes()),
    }
}

fn one_line(reading: &Reading) -> String {
    let fits: Vec<String> = reading.fits.iter().map(|fit| format!("{} ({})", fit.format, fit.credential.words())).collect();
    format!("{} {}: {}", views::reading::literal(reading), reading.verdict.name(), fits.join("; "))
}
