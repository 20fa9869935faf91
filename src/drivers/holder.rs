//! Who holds a serial port: looked up in /proc, so that the message can name the program.
//!
//! In: a device's path. Out: the other processes that have it open, in words. Never: a guess; where /proc does not tell
//! (another user's process), there is no answer.

use std::{fs, path::Path};

/// The other processes that have this file open, such as `minicom (process 4711)`.
#[must_use]
pub fn holders_of(path: &str) -> Vec<String> {
    let Ok(wanted) = fs::canonicalize(path) else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id().to_string();
    let ids = processes.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && *id != own)
        .filter(|id| has_open(id, &wanted))
        .map(|id| format!("{} (process {id})", name_of(&id)))
        .collect()
}

fn has_open(process: &str, wanted: &Path) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == wanted))
}

fn name_of(process: &str) -> String {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words: Vec<String> = line.split(|byte| *byte == 0).take(2).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    match words.get(1).filter(|argument| program == "cardbridge" && argument.chars().all(char::is_alphabetic)) {
        Some(command) if !command.is_empty() => format!("{program} {command}"),
        _ => program.to_owned(),
    }
}
