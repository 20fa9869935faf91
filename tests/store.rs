//! What lies on disk: one file that is the whole store once a command has ended, and no secret that has been delivered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{fs, path::Path};

use serde_json::json;
use support::{ADA, CARD, GRACE, Simulator, Site, h10301, wait_for};

const ENROLL: [&str; 6] = ["enroll", "--user", ADA, "--bits", CARD, "--json"];
const PIN: &str = "9041763";

/// The files that SQLite keeps beside an open store.
fn beside(site: &Site) -> Vec<String> {
    let names = fs::read_dir(site.folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with("-wal") || name.ends_with("-shm")).collect()
}

/// A copy of the one file holds what the store held.
fn is_whole(site: &Site, states: &[&str]) {
    assert_eq!(beside(site), [""; 0], "nothing is left beside the store");
    let copy = Site::at("http://127.0.0.1:9", "");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    copy.configure(&text);
    fs::copy(site.path("cardbridge.db"), copy.path("cardbridge.db")).unwrap();
    let entries = copy.outbox();
    let found: Vec<_> = entries.iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(found, states);
    assert_eq!(entries, site.outbox());
    assert_eq!(beside(site), [""; 0], "looking leaves nothing either");
}

#[test]
fn after_every_ending_but_a_kill_a_copy_of_the_one_file_is_the_whole_store() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(site.run(&ENROLL).code, 0);
    is_whole(&site, &["accepted"]);
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD]).code, 1, "the card is Ada's");
    is_whole(&site, &["accepted", "refused"]);
    assert_eq!(site.run(&["outbox", "show", "ffff"]).code, 1, "there is no such entry");
    is_whole(&site, &["accepted", "refused"]);

    for signal in ["INT", "TERM"] {
        let station = site.start(&["run"]);
        wait_for("the log", || (!beside(&site).is_empty()).then_some(()));
        assert_eq!(station.signal(signal).code, 0);
        is_whole(&site, &["accepted", "refused"]);
    }
}

#[test]
fn an_interrupted_call_leaves_one_file_that_says_it_is_under_way() {
    for signal in ["INT", "TERM"] {
        let blusky = Simulator::start(&["--fault", "delay=2000:1"]);
        let site = Site::at(&blusky.base_url, "");
        let enroll = site.start(&ENROLL);
        wait_for("the call", || (blusky.sent() == 1).then_some(()));
        assert_eq!(enroll.signal(signal).code, 3);
        is_whole(&site, &["sending"]);
    }
}

#[test]
fn what_a_killed_command_left_in_the_log_is_taken_up_by_the_next() {
    let blusky = Simulator::start(&["--fault", "delay=2000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let enroll = site.start(&ENROLL);
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    enroll.kill();
    assert!(!beside(&site).is_empty(), "a kill leaves the log");
    site.outbox();
    is_whole(&site, &["sending"]);
}

/// The files of this folder that hold these bytes.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let holds = |path: &Path| fs::read(path).is_ok_and(|text| text.windows(bytes.len()).any(|part| part == bytes));
    files.filter(|path| holds(path)).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_delivered_pin_is_in_no_file_while_the_station_goes_on() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let elsewhere = tempfile::tempdir().unwrap();
    let pin = elsewhere.path().join("pin");
    fs::write(&pin, PIN).unwrap();
    let saved = |user: &str, card: &str| {
        let all = ["enroll", "--user", user, "--bits", card, "--pin-file", pin.to_str().unwrap(), "--outcome-timeout", "0", "--json"];
        site.run(&all)
    };
    // Nothing is delivered while the token is wrong.
    fs::write(site.path("token"), "yesterday\n").unwrap();
    assert_eq!(saved(ADA, CARD).code, 3);
    assert_eq!(saved(GRACE, &h10301(123, 2)).code, 3);
    let sealed: Vec<Vec<u8>> = {
        let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
        let mut select = store.prepare("SELECT sealed FROM secret").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!((sealed.len(), holding(site.folder.path(), &sealed[0])), (2, vec!["cardbridge.db".to_owned()]));

    fs::write(site.path("token"), "simulator\n").unwrap();
    let _station = site.start(&["run"]);
    // No other command is run meanwhile: it would empty the log when it ends.
    wait_for("the cards", || (blusky.cards().len() == 2).then_some(()));
    let shown: Vec<_> = blusky.cards().iter().map(|card| card["Assignment"]["PIN"].clone()).collect();
    assert!(shown.iter().all(|shown| *shown == json!("(hidden)")), "it was sent: {shown:?}");
    for bytes in sealed.iter().map(Vec::as_slice).chain([PIN.as_bytes()]) {
        wait_for("the PIN to be gone", || holding(site.folder.path(), bytes).is_empty().then_some(()));
    }
    assert!(!beside(&site).is_empty(), "the station has it open still");
    assert!(site.outbox().iter().all(|entry| entry["state"] == "accepted"));
}

#[test]
fn no_core_is_dumped() {
    let site = Site::at("http://127.0.0.1:9", "");
    let mut station = site.start(&["run"]);
    let limits = format!("/proc/{}/limits", station.id());
    station.wait_for_stderr("the station runs");
    let limits = fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["1", "1"], "one byte: neither into a file nor to a program");
}
