//! The house rules, read from the sources: which room may name which, what the pure rooms never name, how long a file may be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every room with the rooms it may name, from the ground floor up: a room names only rooms that stand above it in this list.
const FLOORS: [(&str, &str); 25] = [
    ("card", ""),
    ("sheet", ""),
    ("file", ""),
    ("text", ""),
    ("access", ""),
    ("reader", "card"),
    ("decode", "card reader"),
    ("smartcard", "card reader decode"),
    ("protocols", "card sheet reader decode smartcard"),
    ("enroll", "card text access decode"),
    ("outbox", "card access enroll"),
    ("station", "card access reader decode smartcard enroll outbox"),
    ("roster", "text access enroll outbox station"),
    ("kiosk", "card access reader enroll outbox station"),
    ("capture", "card access reader decode smartcard protocols enroll station text"),
    ("views", "card text access reader decode enroll outbox station"),
    ("doctor", "sheet enroll views"),
    ("drivers", "card file reader smartcard"),
    ("store", "card file access enroll outbox"),
    ("blusky", "file access"),
    ("simulator", ""),
    ("config", "card sheet file access reader decode protocols enroll outbox station blusky"),
    (
        "host",
        "card sheet file text access reader decode smartcard protocols enroll outbox station roster views doctor drivers store blusky config",
    ),
    ("desk", "card text sheet file access reader enroll outbox station roster kiosk views store blusky config host"),
    ("cli", "*"),
];

const PURE: &str = "card sheet text reader access decode smartcard protocols enroll outbox station roster kiosk capture views doctor";

const IMPURE: [&str; 17] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "serialport",
    "pcsc",
    "clap",
    "axum",
    "rand",
    "std::fs",
    "std::net",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
];

/// What the pure rooms take of utoipa: what a type is in JSON, as serde says how it gets there. No call, no server.
const DESCRIBES: [&str; 3] = ["ToSchema", "PartialSchema", "openapi"];

const LONGEST: usize = 400;

#[test]
fn every_room_names_only_rooms_below_it_and_the_pure_rooms_touch_nothing() {
    for (place, (room, names)) in FLOORS.iter().enumerate() {
        let below = |name: &str| FLOORS[..place].iter().any(|(lower, _)| *lower == name);
        assert!(names.split(' ').all(|name| name.is_empty() || name == "*" || below(name)), "{room} may name a room above it");
    }
    let mut found = BTreeSet::new();
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.to_str().unwrap().to_owned();
        let lines = text.lines().count();
        if lines > LONGEST {
            found.insert((name.clone(), lines, "length".to_owned()));
        }
        if name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let room = name["src/".len()..].split(['/', '.']).next().unwrap().to_owned();
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let Some((_, may)) = FLOORS.iter().find(|(known, _)| *known == room) else { panic!("{name}: a room without a floor") };
        let code = code(&text);
        for (line, path) in paths(&code, "crate") {
            if path != room && *may != "*" && !may.split(' ').any(|other| other == path) {
                found.insert((name.clone(), line, path));
            }
        }
        if PURE.split(' ').any(|pure| pure == room) {
            found.extend(impure(&code).into_iter().map(|(line, what)| (name.clone(), line, what)));
        }
    }
    let found: Vec<String> = found.iter().map(|(file, line, what)| format!("{file}:{line}: {what}")).collect();
    assert!(found.is_empty(), "against the house rules:\n{}", found.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    files
}

/// The code of a file without its comments and its unit tests, line by line as it stood.
fn code(text: &str) -> String {
    let tests = text.find("\n#[cfg(test)]").unwrap_or(text.len());
    let bare = |line: &str| if line.trim_start().starts_with("//") { String::new() } else { line.to_owned() };
    text[..tests].lines().map(|line| bare(line) + "\n").collect()
}

/// What follows `ROOT::`, one by one where it is a list in braces, each with its line.
fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        let start = at + root.len() + 2;
        if !begins(code, at) {
            continue;
        }
        let (mut depth, mut wanted) = (0, true);
        for (offset, letter) in code[start..].char_indices() {
            let here = start + offset;
            if wanted && letter.is_alphanumeric() {
                let word = code[here..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                found.push((code[..here].matches('\n').count() + 1, word.to_owned()));
                wanted = false;
            }
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => wanted = true,
                _ => {}
            }
            if depth <= 0 && (letter == '}' || !wanted) {
                break;
            }
        }
    }
    found
}

fn impure(code: &str) -> Vec<(usize, String)> {
    let calls = paths(code, "utoipa").into_iter().filter(|(_, path)| !DESCRIBES.contains(&path.as_str()));
    let from_std = paths(code, "std").into_iter().map(|(line, path)| (line, format!("std::{path}")));
    let mut found: Vec<(usize, String)> = from_std.filter(|(_, path)| IMPURE.contains(&path.as_str())).collect();
    found.extend(calls.map(|(line, path)| (line, format!("utoipa::{path}"))));
    for word in IMPURE.iter().filter(|word| !word.starts_with("std::")) {
        let is_whole = |at: &usize| begins(code, *at) && code[at + word.len()..].starts_with(['(', ':', '!', ';']);
        let hits = code.match_indices(word).map(|(at, _)| at).filter(is_whole);
        found.extend(hits.map(|at| (code[..at].matches('\n').count() + 1, (*word).to_owned())));
    }
    found
}

/// True where a path begins, and not the middle of another.
fn begins(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}
