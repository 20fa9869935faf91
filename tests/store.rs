//! What lies on disk: one file that is the whole store once a command has ended, and no secret that has been delivered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

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
        let station = site.station();
        wait_for("the log", || (!beside(&site).is_empty()).then_some(()));
        assert_eq!(station.signal(signal).code, 0);
        is_whole(&site, &["accepted", "refused"]);
    }
}

#[test]
fn an_interrupted_call_is_finished_and_written_down_in_one_file() {
    for signal in ["INT", "TERM"] {
        let blusky = Simulator::start(&["--fault", "delay=2000:1"]);
        let site = Site::at(&blusky.base_url, "");
        let enroll = site.start(&ENROLL);
        wait_for("the call", || (blusky.sent() == 1).then_some(()));
        assert_eq!(enroll.signal(signal).code, 0);
        is_whole(&site, &["accepted"]);
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
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
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
    let _station = site.station();
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

// ---- what is damaged, and what is gone

/// Saves the cards of Ada and Grace, which are not delivered: the token is wrong.
fn two_saved(blusky: &Simulator) -> (Site, Vec<String>) {
    let site = Site::at(&blusky.base_url, "");
    fs::write(site.path("token"), "yesterday\n").unwrap();
    let saved = [(ADA, CARD.to_owned()), (GRACE, h10301(123, 2))].map(|(user, card)| {
        let ended = site.run(&["enroll", "--user", user, "--bits", &card, "--outcome-timeout", "0", "--json"]);
        ended.last()["enrollment"].as_str().unwrap().to_owned()
    });
    fs::write(site.path("token"), "simulator\n").unwrap();
    (site, saved.to_vec())
}

#[test]
fn an_entry_that_is_no_text_any_more_is_named_and_holds_up_nobody() {
    let blusky = Simulator::start(&[]);
    let (site, keys) = two_saved(&blusky);
    let tries = blusky.sent();
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    store.execute("UPDATE entry SET body = CAST(x'FF' || CAST(body AS BLOB) AS TEXT) WHERE id = ?1", [&keys[0]]).unwrap();
    drop(store);
    let listed = site.run(&["outbox", "list", "--json"]);
    assert_eq!((listed.code, listed.lines().len()), (0, 1), "{listed:?}");
    assert!(listed.stderr.contains(&keys[0]) && listed.stderr.contains("damaged") && !listed.stderr.contains(&keys[1]), "{listed:?}");
    let shown = site.run(&["outbox", "show", &keys[0], "--json"]);
    assert_eq!((shown.code, shown.error()["code"].as_str()), (1, Some("store")), "{shown:?}");
    let _station = site.station();
    site.wait_for_outbox(|entries| entries.iter().all(|entry| entry["state"] == "accepted"));
    assert_eq!((blusky.cards().len(), blusky.sent() - tries), (1, 1));
}

#[test]
fn a_step_that_is_gone_makes_no_second_call() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let enroll = site.start(&ENROLL);
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    enroll.kill();
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    assert_eq!(store.execute("DELETE FROM step", []).unwrap(), 1);
    drop(store);
    let mut station = site.station();
    station.wait_for_stderr("1 steps that were written down are missing");
    let other = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!((other.code, blusky.sent()), (0, 2), "{other:?}");
}

#[test]
fn an_entry_that_is_gone_or_was_changed_by_hand_is_said() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(site.run(&ENROLL).code, 0);
    assert_eq!(site.run(&["outbox", "list"]).stderr, "");
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    store.execute("UPDATE step SET at = '2026-01-01T00:00:00Z' WHERE n = 1", []).unwrap();
    let listed = site.run(&["outbox", "list"]).stderr;
    assert!(listed.contains("the chain of what was written down is broken at step 1 of entry"), "{listed}");
    store.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM entry;").unwrap();
    let listed = site.run(&["outbox", "list"]).stderr;
    assert!(listed.contains("1 of 1 entries that were saved are missing"), "{listed}");
}

#[test]
fn a_log_that_is_missing_cut_or_damaged_is_said_by_the_next_command() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 4] = [
        ("nothing", |_| {}),
        ("missing", |log| fs::remove_file(log).unwrap()),
        ("cut", |log| fs::OpenOptions::new().write(true).open(log).unwrap().set_len(fs::metadata(log).unwrap().len() - 100).unwrap()),
        ("damaged", |log| {
            let mut text = fs::read(log).unwrap();
            let last = text.len() - 2000;
            text[last] ^= 1;
            fs::write(log, text).unwrap();
        }),
    ];
    for (what, spoil) in spoil {
        let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
        let site = Site::at(&blusky.base_url, "");
        assert_eq!(site.outbox().len(), 0);
        let enroll = site.start(&ENROLL);
        wait_for("the call", || (blusky.sent() == 1).then_some(()));
        enroll.kill();
        spoil(&site.path("cardbridge.db-wal"));
        let listed = site.run(&["outbox", "list"]);
        assert_eq!(listed.stderr.contains("is cut or missing"), what != "nothing", "{what}: {listed:?}");
        assert_eq!(listed.code, 0, "{what}: {listed:?}");
        assert_eq!(site.run(&["outbox", "list"]).stderr, "", "it is said once");
    }
}

// ---- whose entries these are

#[test]
fn an_entry_is_delivered_only_at_the_blusky_it_was_saved_for() {
    let first = Simulator::start(&[]);
    let (site, keys) = two_saved(&first);
    let (tries, second) = (first.sent(), Simulator::start(&[]));
    let configuration = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&configuration.replace(&first.base_url, &second.base_url));
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 3), "--json"]);
    assert_eq!((ended.code, second.sent(), first.sent()), (0, 1, tries), "{ended:?}");
    let (listed, table) = (site.run(&["outbox", "list", "--json"]), site.run(&["outbox", "list"]).stdout);
    let of: Vec<_> = listed.lines().iter().map(|entry| (entry["state"].clone(), entry["base_url"].clone())).collect();
    let saved = (json!("saved"), json!(first.base_url));
    assert_eq!(of, [saved.clone(), saved, (json!("accepted"), json!(second.base_url))]);
    let words = format!("it was saved for {}, and is delivered only there", first.base_url);
    assert!(listed.stderr.contains(&keys[0]) && listed.stderr.contains(&words), "{listed:?}");
    let table = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(table.matches(&words).count(), 2, "{table}");
    let retried = site.run(&["outbox", "retry", &keys[0], "--json"]);
    assert_eq!((retried.code, retried.error()["code"].as_str()), (1, Some("base_url")), "{retried:?}");
    assert_eq!(site.run(&["outbox", "discard", &keys[0]]).code, 0);
    site.configure(&configuration);
    let _station = site.station();
    wait_for("the card of the entry that was left", || (first.cards().len() == 1).then_some(()));
}

#[test]
fn a_store_of_the_second_layout_is_taken_up_with_entries_in_every_state() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::copy(fixtures.join("layout2.db"), site.path("cardbridge.db")).unwrap();
    fs::write(site.path("cardbridge.db.key"), fs::read(fixtures.join("layout2.db.key")).unwrap()).unwrap();
    fs::set_permissions(site.path("cardbridge.db.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let listed = site.run(&["outbox", "list", "--json"]);
    let states: Vec<_> = listed.states();
    assert_eq!(states, ["saved", "saved", "sending", "accepted", "refused", "in_doubt", "discarded"], "{listed:?}");
    assert_eq!(listed.stderr, "", "nothing is damaged, and all of it is for the BluSKY that is configured");
    assert!(listed.lines().iter().all(|entry| entry["base_url"] == blusky.base_url && entry["ordered_by"].is_null()));
    is_whole(&site, &states.iter().map(String::as_str).collect::<Vec<_>>());

    let _station = site.station();
    site.wait_for_outbox(|entries| entries.iter().filter(|entry| entry["state"] == "accepted").count() == 5);
    let sent: Vec<_> = blusky.bodies().iter().map(|body| body["InternalCardNumber"].clone()).collect();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert_eq!(blusky.bodies()[0]["PIN"], "(hidden)", "the PIN is sent with it");
}

#[test]
fn a_store_of_the_third_layout_is_taken_up_and_its_evidence_is_shown() {
    let site = Site::at("https://blusky.example", "");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::copy(fixtures.join("layout3.db"), site.path("cardbridge.db")).unwrap();
    let listed = site.run(&["outbox", "list", "--json"]);
    let wanted = ["saved", "saved", "sending", "accepted", "refused", "in_doubt", "discarded", "accepted", "accepted", "accepted"];
    assert_eq!(listed.states(), wanted, "{listed:?}");
    assert_eq!(listed.stderr, "", "nothing is damaged, and all of it is for the BluSKY that is configured");
    let evidence = json!([{"what": "checks", "odds": 0.25}, {"what": "printed", "odds": 0.0002}]);
    assert_eq!((&listed.lines()[0]["evidence"], &listed.lines()[1]["evidence"]), (&evidence, &json!([])));
    let shown = site.run(&["outbox", "show", "00000000-0000-0000-0000-000000000001"]).stdout;
    assert!(shown.contains("checks passed (1 in 4), number matches the print"), "{shown}");
}

#[test]
fn an_entry_says_where_it_came_from() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    fs::write(site.path("people.csv"), format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,1815\n")).unwrap();
    let entry = site.run(&["enroll", "--user", "1815", "--bits", CARD, "--printed", "4567", "--json"]).last();
    assert_eq!(entry["user"], json!({"id": ADA, "name": "Ada Lovelace", "employee_number": "1815"}));
    let card = json!({"format": "hid-h10301", "facility_code": 123, "card_number": 4567, "issue_code": null, "printed": "4567",
                      "raw": "", "bits": CARD});
    assert_eq!(entry["card"], card);
    let user = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    assert_eq!(entry["ordered_by"], String::from_utf8(user).unwrap().trim());
    assert_eq!((&entry["decided_by"], &entry["reader"]), (&json!("policy"), &json!(null)));
    let evidence: Vec<_> = entry["evidence"].as_array().unwrap().iter().map(|evidence| &evidence["what"]).collect();
    assert_eq!(evidence, ["checks", "printed", "operator"]);
    assert!(entry["saved_at"].as_str().unwrap().ends_with('Z'));
    for none in ["superseded_by", "undone_by"] {
        assert!(entry.get(none).is_some_and(serde_json::Value::is_null), "{none}");
    }
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    let origin: String = store.query_row("SELECT origin FROM entry", [], |row| row.get(0)).unwrap();
    let origin: serde_json::Value = serde_json::from_str(&origin).unwrap();
    assert_eq!(origin["card"]["verdict"], "ambiguous", "formats that this site does not believe fit too");
    let fits = origin["card"]["fits"].as_array().unwrap();
    assert!(fits.len() > 1 && fits.contains(&json!(["hid-h10301", "facility_code 123, card_number 4567"])), "{fits:?}");
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols/cards/hid-h10301.toml")).unwrap();
    let digest: String = ring::digest::digest(&ring::digest::SHA256, &file).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(origin["card"]["format_digest"], json!(digest));
}

#[test]
fn whoever_ordered_is_written_with_the_letters_of_their_name_and_an_empty_one_is_none() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let order = |name: &str| site.run(&["enroll", "--user", ADA, "--bits", CARD, "--as", name, "--json"]);
    let by = order("Zoë Müller").last()["ordered_by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("Zoë Müller ("), "{by}");
    let by = order("Zoë\nMüller").last()["ordered_by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("Zoë Müller ("), "{by}");
    for option in ["--as", "--user", "--reader", "--printed", "--external-number"] {
        for nothing in ["", " "] {
            let mut arguments = vec!["enroll", "--bits", CARD, "--json", option, nothing];
            arguments.extend(if option == "--user" { &[][..] } else { &["--user", ADA] });
            let refused = site.run(&arguments);
            let message = refused.last()["error"]["message"].as_str().unwrap().to_owned();
            assert!(refused.code == 2 && message.contains(option) && message.contains("nothing stands there"), "{option}: {refused:?}");
        }
    }
    let shown = site.run(&["outbox", "show", ""]);
    assert!(shown.code == 2 && shown.stderr.contains("nothing stands there"), "{shown:?}");
}

#[test]
fn no_core_is_dumped() {
    let site = Site::at("http://127.0.0.1:9", "");
    let mut station = site.station();
    let limits = format!("/proc/{}/limits", station.id());
    station.wait_for_stderr("the station runs");
    let limits = fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["1", "1"], "one byte: neither into a file nor to a program");
}
