//! Who holds a device or uses a library: looked up in /proc, so that a message can name the program.
//!
//! In: a device's path, or a library's. Out: the other processes that have it open. Never: a guess; where /proc does not tell
//! (another user's process), there is no answer.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// A process that has something open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub process: u32,
    /// Its program; of a cardbridge, the command too.
    pub program: String,
}

/// `minicom (process 4711)`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.program, self.process)
    }
}

/// All of them in words.
#[must_use]
pub fn words(holders: &[Holder]) -> String {
    holders.iter().map(Holder::to_string).collect::<Vec<_>>().join(" and ")
}

/// The other processes that have this file open.
#[must_use]
pub fn holders_of(path: &str) -> Vec<Holder> {
    let Ok(wanted) = fs::canonicalize(path) else { return Vec::new() };
    others(|process| has_open(process, &wanted))
}

/// The other processes that have loaded a library whose path holds this text.
#[must_use]
pub fn users_of(library: &str) -> Vec<Holder> {
    others(|process| fs::read_to_string(process.join("maps")).is_ok_and(|maps| maps.contains(library)))
}

fn others(is: impl Fn(&Path) -> bool) -> Vec<Holder> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let folder = |process: &u32| PathBuf::from(format!("/proc/{process}"));
    let found = numbers.filter(|process| *process != std::process::id() && is(&folder(process)));
    found.map(|process| Holder { process, program: program(&folder(&process)) }).collect()
}

fn has_open(process: &Path, wanted: &Path) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == wanted))
}

fn program(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<String> = line.split(|byte| *byte == 0).take(2).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    match words.get(1).filter(|argument| program == "cardbridge" && argument.chars().all(char::is_alphabetic)) {
        Some(command) if !command.is_empty() => format!("{program} {command}"),
        _ => program.to_owned(),
    }
}
