//! Lines that go out, and a queue for a program that must not wait for whoever reads them.
//!
//! In: lines for standard output and standard error. Out: the same, each at once; where there is a queue, as soon as somebody takes
//! them. Never: a station that stands still because nobody reads its output.

use std::{
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// So many lines wait for whoever reads them. Further ones are left out, and that is said.
const WAITING: usize = 1_000;
/// Whoever ends waits so long for whoever reads.
const PATIENCE: Duration = Duration::from_millis(300);

static QUEUE: OnceLock<SyncSender<Line>> = OnceLock::new();
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);
/// Why something did not get to standard output.
static UNWRITTEN: OnceLock<String> = OnceLock::new();
/// A line is being written.
static IS_WRITING: AtomicBool = AtomicBool::new(false);

/// What is written in one go.
#[derive(Debug)]
pub(super) enum Line {
    /// A line of people's text.
    Text(String),
    /// A word beside the result.
    Hint(String),
    /// Lines for programs.
    Json(Vec<u8>),
    /// A line of the log.
    Log(Vec<u8>),
    /// Tells that all before it is written.
    Mark(SyncSender<()>),
}

impl Line {
    /// A reader that has gone (`| head`) ends nothing but the output.
    pub(super) fn put(self) {
        match QUEUE.get() {
            None => self.write(),
            Some(queue) => {
                if queue.try_send(self).is_err() {
                    LEFT_OUT.fetch_add(1, Relaxed);
                }
            }
        }
    }

    fn write(self) {
        match self {
            Self::Text(text) => noted(writeln!(anstream::stdout().lock(), "{text}")),
            Self::Hint(text) => drop(writeln!(anstream::stderr().lock(), "{text}")),
            Self::Json(lines) => noted(write_json(&lines)),
            Self::Log(line) => drop(io::stderr().lock().write_all(&line)),
            Self::Mark(reached) => reached.try_send(()).unwrap_or_default(),
        }
    }
}

/// Lines for programs, which are copied only where they wait.
pub(super) fn put_json(lines: &[u8]) {
    match QUEUE.get() {
        None => noted(write_json(lines)),
        Some(_) => Line::Json(lines.to_vec()).put(),
    }
}

fn write_json(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines).and_then(|()| stdout.flush())
}

/// Notes whether standard output took it. A reader that has gone (`| head`) wanted no more.
pub fn noted(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        drop(UNWRITTEN.set(error.to_string()));
    }
}

/// Why not all that was to go to standard output is there. A station goes on without its reader.
pub fn unwritten() -> Option<&'static str> {
    UNWRITTEN.get().map(String::as_str).filter(|_| QUEUE.get().is_none())
}

/// From here on nothing waits for whoever reads standard output and standard error.
pub fn wait_for_nobody() {
    let (queue, lines) = sync_channel(WAITING);
    if QUEUE.set(queue).is_ok() {
        thread::spawn(move || write_all(&lines));
    }
}

fn write_all(lines: &Receiver<Line>) {
    for line in lines {
        IS_WRITING.store(true, Relaxed);
        line.write();
        IS_WRITING.store(false, Relaxed);
        match LEFT_OUT.swap(0, Relaxed) {
            0 => {}
            count => Line::Hint(format!("{count} lines were left out: nobody took them in time")).write(),
        }
    }
}

/// What waits is written, if somebody reads it. On a busy machine that takes its time; where one line takes long, nobody reads.
pub fn finish() {
    let Some(queue) = QUEUE.get() else { return };
    let (reached, mark) = sync_channel(1);
    if queue.try_send(Line::Mark(reached)).is_ok() {
        while mark.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) && !IS_WRITING.load(Relaxed) {}
    }
}

/// Where the log goes.
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        Line::Log(line.to_vec()).put();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Most of what JSON is written in are single bytes, which are appended sooner than texts.
pub(super) struct Appending<'a>(pub &'a mut Vec<u8>);

impl Write for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            more => self.0.extend_from_slice(more),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
