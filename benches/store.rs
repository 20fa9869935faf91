//! What a store costs that holds many delivered entries, and what a save and a step cost beside a bare commit of the same bytes:
//! `cargo bench --bench store [-- ENTRIES ...]`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "a benchmark may stop")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cardbridge::{
    access::{Operation, Outcome, Told},
    card::{Credential, Evidence, FacilityCode, Verdict, What},
    enroll::origin::{CardRead, Named, Origin},
    host::{FILES, platform::files},
    outbox::{Entry, ReadBack, Reassign, Source, Step, Terms},
    store::{Page, Store, StoreError, seal::Sealer, sqlite::Database},
};
use chrono::Utc;
use uuid::Uuid;

const ONES: u32 = 500;

fn main() {
    let asked: Vec<u32> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let folder = tempfile::tempdir().unwrap();
    let counts = if asked.is_empty() { vec![1000, 100_000] } else { asked };
    let files: Vec<PathBuf> = counts.iter().map(|entries| filled(*entries, folder.path())).collect();
    for (entries, path) in counts.iter().zip(files) {
        println!("{entries} delivered entries, {} KB on disk", fs::metadata(&path).unwrap().len() / 1024);
        look_at(&path);
    }
}

fn look_at(path: &Path) {
    let mut store = timed("open", || open(path));
    timed("take stock", || pages(|last| store.open_after(last)));
    timed("what was taken here", || store.evidence_seen().unwrap());
    timed("all, in pages", || pages(|last| store.page_after(last)));
    timed("marks and chain", || assert_eq!(store.findings(), Ok(Vec::new())));
    let new: Vec<Entry> = (0..ONES).map(|number| entry(u128::from(number) << 80 | 1)).collect();
    let save = each(&new, |entry| store.save(entry, Terms::default()).unwrap());
    let steps: Vec<Entry> = new.iter().map(|entry| store.entry(entry.id).unwrap()).collect();
    let append = each(&steps, |entry| store.append(entry.clone(), Utc::now(), &Step::Sending { reassign: false }).unwrap());
    let read = each(&new, |entry| drop(store.entry(entry.id).unwrap()));
    let bare = bare(path);
    for (what, time) in [("a bare commit", bare), ("one save", save), ("one step", append), ("one entry read", read)] {
        println!("  {what:<22} {:>9.3} ms   {:>5.2} bare commits", time.as_secs_f64() * 1e3, time.as_secs_f64() / bare.as_secs_f64());
    }
    Box::new(store).close();
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    println!("  {what:<22} {:>9.3} ms   {:>5} MB at most", begun.elapsed().as_secs_f64() * 1e3, memory() / 1024);
    done
}

/// The time of one of many.
fn each(entries: &[Entry], mut work: impl FnMut(&Entry)) -> Duration {
    let begun = Instant::now();
    entries.iter().for_each(&mut work);
    begun.elapsed() / ONES
}

fn pages(mut page: impl FnMut(u64) -> Result<Page, StoreError>) -> usize {
    let (mut count, mut last) = (0, 0);
    loop {
        let page = page(last).unwrap();
        let Some((number, _)) = page.last() else { return count };
        last = *number;
        count += page.len();
    }
}

fn open(path: &Path) -> Database {
    Database::open(path, "https://blusky.example", Sealer::new(path.with_extension("key"), None, FILES)).unwrap()
}

/// An entry as a reader's card makes one.
fn entry(id: u128) -> Entry {
    let number = id as u64 & 0xFFFF;
    let body = serde_json::json!({
        "card_ac_system_id": "309fbabb-0642-44e1-b262-67442dc491ed", "card_type": 3, "card_user_flags": 1, "facility_code": 123,
        "external_card_number": number.to_string(), "internal_card_number": number, "user_id": Uuid::from_u128(id),
        "reassign_card_if_already_assigned": false,
    });
    let operation = Operation::AddUserCard(serde_json::from_value(body).unwrap());
    let mut credential = Credential { facility_code: Some(FacilityCode(id as u64 % 50)), ..Credential::default() };
    credential.set("card_number", number.into());
    let fits = ["hid-h10301", "indala-26", "wiegand-26-generic"]
        .map(|format| (format.to_owned(), "facility_code 123, card_number 4567".to_owned()));
    let card = CardRead {
        transport: None,
        raw: "0D0A30343031".repeat(4),
        bits: Some("{26}BD88EB80".to_owned()),
        format: "hid-h10301".to_owned(),
        format_digest: "A5".repeat(32),
        credential,
        fits: fits.to_vec(),
        verdict: Verdict::Ambiguous,
    };
    let person = Named { name: "Ada Lovelace".to_owned(), employee_number: Some("1815".to_owned()), without_access: false };
    let evidence = vec![Evidence { what: What::Checks, odds: Some(0.25), cards: None }];
    let origin = Origin { person: Some(person), ordered_by: Some("desk".to_owned()), card: Some(card), evidence, ..Origin::default() };
    let source = Source { reader: Some("desk".to_owned()), card: format!("wiegand {id}"), seen_at: Utc::now() };
    Entry { origin, source: Some(source), ..Entry::of(Uuid::from_u128(id), Utc::now(), operation, Reassign::Never) }
}

/// A store of so many entries that were accepted, made in memory where there is such a folder.
fn filled(entries: u32, folder: &Path) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let quick = tempfile::tempdir_in(if memory.is_dir() { memory } else { folder }).unwrap();
    let path = quick.path().join("a.db");
    files::make(&path).unwrap();
    let mut store = open(&path);
    for number in 1..=entries {
        let mut entry = entry(u128::from(number) << 64 | u128::from(number));
        store.save(&entry, Terms::default()).unwrap();
        let told = Told { result_code: Some(0), description: Some("Success".to_owned()), value: Some(entry.id), previous_user_id: None };
        let shown = ReadBack::Unavailable { why: "no such call".to_owned() };
        for step in [Step::Sending { reassign: false }, Step::Answered(Outcome::Accepted(told)), Step::ReadBack(shown)] {
            store.append(entry.clone(), Utc::now(), &step).unwrap();
            entry.add(Utc::now(), step);
        }
    }
    Box::new(store).close();
    let to = folder.join(format!("{entries}.db"));
    fs::copy(&path, &to).unwrap();
    to
}

/// A commit of a row of some hundred bytes, beside that store.
fn bare(path: &Path) -> Duration {
    let connection = rusqlite::Connection::open(path.with_extension("bare")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE step (n INTEGER PRIMARY KEY, body TEXT)").unwrap();
    let text = "x".repeat(300);
    let begun = Instant::now();
    for _ in 0..ONES {
        connection.execute("INSERT INTO step (body) VALUES (?1)", [&text]).unwrap();
    }
    begun.elapsed() / ONES
}

/// The most memory that this process has had, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
