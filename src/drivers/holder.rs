//! Who holds a device or uses a library: looked up in /proc, so that a message can name the program.
//!
//! In: a device's path, or a library's. Out: the other processes that have it open or locked. Never: a guess; of another user's process
//! /proc tells what it has locked, and not what it has open.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::sys::stat::{major, minor};

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

/// The other processes that have this file open, or have locked it.
#[must_use]
pub fn holders_of(path: &str) -> Vec<Holder> {
    let Ok(wanted) = fs::canonicalize(path) else { return Vec::new() };
    let locked = locked(&wanted);
    others(|process| has_open(process, &wanted) || locked.iter().any(|number| process.ends_with(number)))
}

/// The numbers of the processes that have locked this file, as everybody may read them.
fn locked(wanted: &Path) -> Vec<String> {
    let Ok(file) = fs::metadata(wanted) else { return Vec::new() };
    let id = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
    // `1: FLOCK  ADVISORY  WRITE 4711 00:05:12345 0 EOF`
    let process = |lock: &str| {
        let mut words = lock.split_whitespace().skip(4);
        words.next().filter(|_| words.next() == Some(&*id)).map(ToOwned::to_owned)
    };
    fs::read_to_string("/proc/locks").unwrap_or_default().lines().filter_map(process).collect()
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
