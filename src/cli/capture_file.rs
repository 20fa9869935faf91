//! The file of a capture: read record by record, or made anew for this user alone.
//!
//! In: a path. Out: records, or a file to write to. Never: more of a capture in memory than one line, or a pipe or a
//! device that is waited for.

use std::{
    fmt::Display,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
    vec,
};

use super::out::Failure;
use crate::{
    capture::{Capture, CaptureError, Head, Record, evtest, text::Lines},
    file::Utf8,
    reader::KeyEvent,
};

/// No line of a capture is longer: an answer of 64 KiB has three characters for each byte.
const LONGEST_LINE: u64 = 1 << 20;
/// What is redacted is held in memory as a whole.
const LARGEST_REDACTED: u64 = 1 << 26;

/// What evtest prints of a device is known by a line among the first so many bytes.
const BEGINNING: u64 = 1 << 16;

/// The lines of a file, one after the other.
pub struct FileLines {
    path: PathBuf,
    input: Utf8<BufReader<File>>,
    line: Vec<u8>,
    number: usize,
    /// The file's bytes: all, and those that have been read.
    pub size: u64,
    /// Those that have been read.
    pub done: u64,
}

impl FileLines {
    /// Opens a file, where it is one.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let (file, size) = open(path).map_err(|error| failed(path, &error))?;
        let input = Utf8::of(BufReader::with_capacity(1 << 16, file));
        Ok(Self { path: path.to_owned(), input, line: Vec::new(), number: 0, size, done: 0 })
    }

    /// The next line with its number, counted from 1; none at the end.
    pub fn next(&mut self) -> Result<Option<(usize, &str)>, Failure> {
        self.line.clear();
        let read = self.input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| failed(&self.path, &error))?;
        self.number += 1;
        self.done = (self.done + read as u64).min(self.size);
        let wrong = |message: String| failed(&self.path, &CaptureError { line: self.number, message });
        if self.line.len() as u64 > LONGEST_LINE {
            return Err(wrong(format!("the line is longer than {LONGEST_LINE} bytes, and no line of a capture is")));
        }
        match std::str::from_utf8(&self.line) {
            Ok(_) if read == 0 => Ok(None),
            Ok(text) => Ok(Some((self.number, text))),
            Err(error) => {
                let at = error.valid_up_to() + 1;
                Err(wrong(format!("column {at}: this is no text in UTF-8; save the file as UTF-8 in the program that wrote it")))
            }
        }
    }
}

/// The records of a capture's file.
pub struct Records {
    /// The file.
    pub file: FileLines,
    lines: Lines,
}

impl Records {
    /// Opens a file, where it is one.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { file: FileLines::open(path)?, lines: Lines::default() })
    }

    /// The next record, with its time.
    pub fn next(&mut self) -> Result<Option<(Duration, Record)>, Failure> {
        while let Some((_, text)) = self.file.next()? {
            let read = self.lines.read(text);
            if let Some(record) = read.map_err(|error| failed(&self.file.path, &error))? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Of which reader the records are; there once one has been read.
    pub const fn head(&self) -> Option<&Head> {
        self.lines.head()
    }

    /// Of which reader the capture is, once there are no more records.
    pub fn end(&self) -> Result<Head, Failure> {
        self.lines.end().map_err(|error| failed(&self.file.path, &error))
    }
}

/// So many records are read at once, and so many such batches wait at most.
const MANY: usize = 256;
const WAITING: usize = 4;

/// The records of a capture's file, read in a thread of its own ahead of what is made of them.
pub struct RecordsAhead {
    /// The file's bytes: all, and those that have been read.
    pub size: u64,
    /// Those that have been read.
    pub done: u64,
    batches: Receiver<Result<Batch, Failure>>,
    records: vec::IntoIter<(Duration, Record)>,
    head: Option<Head>,
}

/// Some records, with what is known once they have been read.
struct Batch {
    records: Vec<(Duration, Record)>,
    head: Option<Head>,
    done: u64,
}

impl RecordsAhead {
    /// Opens a file, where it is one.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let records = Records::open(path)?;
        let size = records.file.size;
        let (read, batches) = sync_channel(WAITING);
        // Nobody waits for it: it ends when nobody wants more.
        thread::spawn(move || read_ahead(records, &read));
        Ok(Self { size, done: 0, batches, records: Vec::new().into_iter(), head: None })
    }

    /// The next record, with its time.
    pub fn next(&mut self) -> Result<Option<(Duration, Record)>, Failure> {
        loop {
            if let Some(record) = self.records.next() {
                return Ok(Some(record));
            }
            let Ok(batch) = self.batches.recv() else { return Ok(None) };
            let batch = batch?;
            (self.records, self.done) = (batch.records.into_iter(), batch.done);
            self.head = self.head.take().or(batch.head);
        }
    }

    /// Of which reader the records are; there once one has been read, or none is left.
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }
}

/// Reads until the file ends, is wrong, or nobody wants more. What stands before a wrong line is handed over first.
fn read_ahead(mut records: Records, read: &SyncSender<Result<Batch, Failure>>) {
    let mut is_known = false;
    loop {
        let mut many = Vec::with_capacity(MANY);
        let ended = loop {
            match records.next() {
                Ok(Some(record)) if many.len() + 1 < MANY => many.push(record),
                Ok(Some(record)) => {
                    many.push(record);
                    break None;
                }
                Ok(None) => break Some(records.end()),
                Err(failure) => break Some(Err(failure)),
            }
        };
        let head = if is_known { None } else { records.head().or(ended.as_ref().and_then(|ended| ended.as_ref().ok())).cloned() };
        is_known = head.is_some() || is_known;
        let is_wanted = read.send(Ok(Batch { records: many, head, done: records.file.done })).is_ok();
        match ended {
            None if is_wanted => {}
            // Whoever wanted it may have gone.
            Some(Err(failure)) => return drop(read.send(Err(failure))),
            _ => return,
        }
    }
}

/// The keys of a file that evtest wrote.
pub struct Keys {
    /// The file.
    pub file: FileLines,
}

impl Keys {
    /// The next one.
    pub fn next(&mut self) -> Result<Option<KeyEvent>, Failure> {
        while let Some((line, text)) = self.file.next()? {
            let read = evtest::read(line, text);
            if let Some(event) = read.map_err(|error| failed(&self.file.path, &error))? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

/// The keys of a file, where evtest wrote it.
pub fn keys(path: &Path) -> Result<Option<Keys>, Failure> {
    let mut beginning = Vec::new();
    let read = open(path).and_then(|(file, _)| Utf8::of(BufReader::new(file)).take(BEGINNING).read_to_end(&mut beginning));
    read.map_err(|error| failed(path, &error))?;
    let is_typed = evtest::is_one(&String::from_utf8_lossy(&beginning));
    is_typed.then(|| FileLines::open(path).map(|file| Keys { file })).transpose()
}

/// A capture as a whole, which must not be large.
pub fn whole(path: &Path) -> Result<Capture, Failure> {
    let mut records = Records::open(path)?;
    if records.file.size > LARGEST_REDACTED {
        let help = "cut out the lines that show the card, and keep the headers";
        let message = format!("{}: a capture of more than {} MiB is not redacted", path.display(), LARGEST_REDACTED >> 20);
        return Err(Failure::usage("capture", message, help));
    }
    let mut all = Vec::new();
    while let Some(record) = records.next()? {
        all.push(record);
    }
    Ok(Capture { head: records.end()?, records: all })
}

/// What is wrong with a capture's file.
pub fn failed(path: &Path, why: &impl Display) -> Failure {
    Failure::usage("capture", format!("{}: {why}", path.display()), "")
}

/// A pipe would be waited for, and a device may never end.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let about = path.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("this is no file but a folder, a pipe or a device"));
    }
    Ok((File::open(path)?, about.len()))
}
