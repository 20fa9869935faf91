//! What is promised of `cardbridge status`: it tells how the station is and what somebody has to do, changes nothing, and shows nobody's
//! card.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use serde_json::{Value, json};
use support::{ADA, CARD, Ended, GRACE, Running, SerialReader, Simulator, Site, h10301, tells, users::as_another, wait_for};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n";

fn status(site: &Site) -> (i32, Value) {
    let ended = site.run(&["status", "--json"]);
    assert_eq!(ended.lines().len(), 1, "one object: {ended:?}");
    (ended.code, ended.last())
}

/// What people are told, in lines that a terminal of 80 columns shows whole.
fn told(site: &Site) -> (i32, String) {
    let Ended { code, stdout, .. } = site.run(&["status"]);
    let is_long = |line: &&str| line.chars().count() > 80 && line.trim().contains(' ');
    assert!(!stdout.lines().any(|line| is_long(&line)), "{stdout}");
    // A sentence is one again, wherever it was wrapped.
    (code, stdout.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn enroll(site: &Site, user: &str, bits: &str) -> Ended {
    site.run(&["enroll", "--user", user, "--bits", bits, "--outcome-timeout", "0", "--json"])
}

fn run(site: &Site, told: &str) -> Running {
    let mut station = site.station();
    station.wait_for_stderr(told);
    station
}

#[test]
fn where_no_station_runs_the_store_is_read_and_nothing_is_opened_or_delivered() {
    let blusky = Simulator::start(&[]);
    let address = blusky.base_url.trim_start_matches("http://").to_owned();
    blusky.kill();
    let reader = SerialReader::plug_in();
    let site = Site::at(&format!("http://{address}"), &reader.configuration("desk", "twn3-hidprox", ""));
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    let blusky = Simulator::on(&address, &[]);
    let (code, station) = status(&site);
    assert_eq!((code, &station["runs"], &station["process"]), (0, &json!(false), &Value::Null));
    assert_eq!((&station["outbox"]["waiting"], &station["readers"][0]["up"]), (&json!(1), &json!(false)));
    assert!(station["outbox"]["oldest_waiting"].is_string() && station["blusky"]["reached"].is_null(), "{station}");
    let (code, words) = told(&site);
    assert!(code == 0 && words.contains("none runs") && words.contains("1 waiting (the oldest since"), "{words}");
    assert!(words.contains("desk: not looked at") && words.contains("it has not answered yet"), "{words}");
    assert_eq!(blusky.shows()["requests"], json!([]), "it makes no call");
    assert_eq!(status(&site).1["outbox"]["waiting"], 1);
}

#[test]
fn a_running_station_is_named_with_its_readers_and_when_each_was_heard() {
    let (blusky, mut reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let gone = "[[reader]]\nname = \"gate\"\nserial = \"/dev/ttyNONE\"\ndialect = \"twn3-hidprox\"\n";
    let site = Site::at(&blusky.base_url, &format!("{}{gone}", reader.configuration("desk", "twn3-hidprox", "")));
    let station = run(&site, "desk: there");
    reader.send(b"1ABD88EB80\r");
    let shown = wait_for("the card", || Some(status(&site).1).filter(|station| station["readers"][0]["cards"] == 1));
    assert_eq!((&shown["runs"], &shown["doing"], &shown["process"]), (&json!(true), &json!("run"), &json!(station.id())));
    assert!(shown["since"].is_string() && shown["readers"][0]["last_heard"].is_string(), "{shown}");
    assert_eq!(shown["readers"][0]["lengths"], json!({"26": {"cards": 1, "fit": 1}}));
    let (code, words) = told(&site);
    assert_eq!(code, 1, "somebody has to plug the reader in: {words}");
    assert!(words.contains(&format!("cardbridge run runs (process {})", station.id())), "{words}");
    assert!(words.contains("desk: up, heard") && words.contains("gate: DOWN: /dev/ttyNONE is not there; plug the reader in"), "{words}");
    let without_process = words.replace(&format!("process {}", station.id()), "");
    assert!(!tells(&without_process, "4567"), "{words}");
}

#[test]
fn what_waits_for_a_person_is_shown_with_what_to_do_until_it_is_done() {
    let blusky = Simulator::start(&["--fault", "drop-after-commit@AddUser"]);
    let site = Site::at(&blusky.base_url, "");
    site.keep("password", "a secret\n");
    let help = site.run(&["user", "add", "--help"]).stdout;
    assert!(help.contains("--first-name"), "{help}");
    let new = ["user", "add", "--first-name", "Alan", "--last-name", "Turing", "--employee-number", "1912", "--json"];
    let company = "--facility-id 6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8 --company-instance-type 1 --company-instance-id \
                   6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8 --ac-system-id 309fbabb-0642-44e1-b262-67442dc491ed";
    let ordered = site.run(&[&new[..], &company.split_whitespace().collect::<Vec<_>>()].concat());
    assert_eq!(ordered.code, 3, "{ordered:?}");
    let id = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let (code, station) = status(&site);
    let waits = &station["outbox"]["for_a_person"][0];
    assert_eq!((code, &waits["enrollment"]), (1, &json!(id)), "{station}");
    assert!(waits["help"].as_str().unwrap().contains(&format!("cardbridge outbox retry {id} --absent")), "{waits}");
    let (_, words) = told(&site);
    assert!(words.contains("WAITS FOR A PERSON") && words.contains(&format!("discard {id}")), "{words}");
    assert!(!words.contains("Turing") && !tells(&words, "1912"), "nobody is named: {words}");
    assert_eq!(site.run(&["outbox", "discard", &id]).code, 0);
    assert_eq!(status(&site).0, 0);
}

#[test]
fn the_one_message_that_stops_delivery_is_shown_and_how_long_ago_blusky_answered() {
    let blusky = Simulator::start(&["--token", "another"]);
    let site = Site::at(&blusky.base_url, "");
    let _station = run(&site, "the station runs");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    let stopped = wait_for("the message", || Some(status(&site)).filter(|(_, station)| station["blusky"]["stopped"].is_string()));
    assert_eq!((stopped.0, &stopped.1["blusky"]["reached_s"], &stopped.1["outbox"]["waiting"]), (1, &Value::Null, &json!(1)));
    let (_, words) = told(&site);
    assert!(words.contains("NOTHING IS DELIVERED: BluSKY denies access (401)"), "{words}");
    fs::write(site.path("token"), "another\n").unwrap();
    // An entry's last step is on disk a moment before the station hears of it.
    let goes_on = |station: &Value| station["outbox"]["last_accepted"].is_string() && station["blusky"]["stopped"].is_null();
    let mended = wait_for("BluSKY", || Some(status(&site)).filter(|(_, station)| goes_on(station)));
    assert_eq!(mended.0, 0, "{}", mended.1);
    assert!(mended.1["blusky"]["reached_s"].as_i64().is_some_and(|seconds| seconds < 60), "{}", mended.1);
}

#[test]
fn without_a_station_what_stopped_delivery_last_is_shown_until_something_has_been_accepted_since() {
    let blusky = Simulator::start(&["--token", "another"]);
    let site = Site::at(&blusky.base_url, "");
    // It waits for the outcome, which is that nothing is let through.
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 3);
    let (code, station) = status(&site);
    assert!(code == 1 && station["blusky"]["stopped"].as_str().is_some_and(|why| why.contains("denies access (401)")), "{station}");
    site.keep("token", "another\n");
    assert_eq!(site.run(&["outbox", "deliver"]).code, 0);
    assert_eq!((status(&site).0, &status(&site).1["blusky"]["stopped"]), (0, &Value::Null));
}

#[test]
fn a_blusky_that_is_away_is_said_to_be_away_since_when() {
    let site = Site::at("http://127.0.0.1:9", "");
    let _station = run(&site, "the station runs");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    let away = wait_for("the second try", || Some(status(&site).1).filter(|station| station["blusky"]["away_since"].is_string()));
    assert_eq!(away["blusky"]["reached"], Value::Null);
    let (code, words) = told(&site);
    assert!(code == 0 && words.contains("AWAY since"), "it mends itself: {words}");
}

#[test]
fn which_calls_a_blusky_has_and_which_code_came_with_success_is_shown_as_far_as_it_was_seen() {
    let faults = ["--fault", "result-code=7:1", "--fault", "no-such-call@GetAllBadges"];
    let blusky = Simulator::start(&faults);
    let site = Site::at(&blusky.base_url, "");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("token_file", "success_codes = \"any\"\ntoken_file"));
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD]).code, 0);
    // Somebody holds it.
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD]).code, 1);
    assert_eq!(site.run(&["lookup", "badges"]).code, 1);
    assert_eq!(site.run(&["lookup", "systems"]).code, 0);
    let (code, station) = status(&site);
    let call = |name: &str| {
        let calls = station["blusky"]["calls"].as_array().unwrap().iter();
        calls.clone().find(|call| call["call"] == name).unwrap_or_else(|| panic!("{name}: {station}")).clone()
    };
    assert_eq!((code, &call("AddUserCard")["success_codes"], &call("AddUserCard")["exists"]), (0, &json!([7]), &json!(true)));
    assert!(!call("AddUserCard")["refusal_codes"].as_array().unwrap().is_empty(), "{station}");
    assert_eq!((&call("GetAllBadges")["exists"], &call("GetAllSystems")["exists"]), (&json!(false), &json!(true)));
    assert_eq!((&call("UserCards")["exists"], &station["outbox"]["refused_today"]), (&json!(true), &json!(1)));
    let (_, words) = told(&site);
    assert!(words.contains("AddUserCard: there; success came with code 7"), "{words}");
    assert!(words.contains("GetAllBadges: this BluSKY has no such call"), "{words}");
    // What another BluSKY has is not known here.
    site.configure(&fs::read_to_string(site.path("cardbridge.toml")).unwrap().replace("http://127.0.0.1", "http://localhost"));
    let calls = status(&site).1["blusky"]["calls"].clone();
    assert!(!calls.to_string().contains("AddUserCard") && !calls.to_string().contains("GetAllBadges"), "{calls}");
}

#[test]
fn a_pin_whose_key_is_gone_is_said_and_so_is_what_waits_for_another_blusky() {
    let site = Site::at("http://127.0.0.1:9", "");
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    site.keep("pin", "90417\n");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "0"]).code, 3);
    assert_eq!(status(&site).0, 0);
    fs::rename(site.path("cardbridge.db.key"), site.path("elsewhere.key")).unwrap();
    let (code, words) = told(&site);
    assert!(code == 1 && words.contains("sealed with another key"), "{words}");
    fs::rename(site.path("elsewhere.key"), site.path("cardbridge.db.key")).unwrap();
    site.configure(&fs::read_to_string(site.path("cardbridge.toml")).unwrap().replace("127.0.0.1:9", "localhost:9"));
    assert_eq!(enroll(&site, GRACE, &h10301(123, 17)).code, 3);
    let (code, station) = status(&site);
    assert_eq!((code, &station["outbox"]["waiting"], &station["outbox"]["elsewhere"]), (1, &json!(1), &json!(1)));
    assert!(told(&site).1.contains("1 entry waits for another BluSKY"));
    assert_eq!(site.run(&["outbox", "deliver"]).code, 3, "delivering leaves it where it is");
}

/// Why the anchor is in trouble as `status` says it, and what `doctor` finds of it.
fn anchor(site: &Site) -> (Value, Vec<String>) {
    let found = site.run(&["doctor", "--json"]).lines();
    let of_anchor =
        found.iter().filter(|finding| finding["finding"] == "anchor").map(|finding| finding["what"].as_str().unwrap().to_owned());
    let of_anchor = of_anchor.collect();
    (status(site).1["outbox"]["anchor"].clone(), of_anchor)
}

#[test]
fn an_anchor_that_is_missing_is_shown_with_what_to_do_beside_a_station_and_without_one() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    assert_eq!((anchor(&site), status(&site).0), ((Value::Null, vec![]), 0));
    fs::remove_file(site.path("anchor")).unwrap();
    let is_missing = |words: &str| words.contains("is missing") && words.contains("cardbridge audit accept");
    let shown = || {
        let (said, found) = anchor(&site);
        assert!(is_missing(said.as_str().unwrap()) && found.len() == 1 && is_missing(&found[0]), "{said} {found:?}");
        let (code, words) = told(&site);
        assert!(code == 1 && is_missing(&words), "{words}");
    };
    shown();
    let station = run(&site, "the station runs");
    shown();
    assert_eq!(site.run(&["audit", "accept"]).code, 0);
    assert_eq!((anchor(&site), status(&site).0), ((Value::Null, vec![]), 0));
    assert_eq!(station.signal("INT").code, 0);
}

#[test]
fn an_anchor_that_does_not_fit_its_store_is_found_by_doctor_which_changes_neither() {
    let site = Site::at("http://127.0.0.1:9", "[store]\nanchor = \"anchor\"\n");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    let [earlier, before] = ["cardbridge.db", "anchor"].map(|file| fs::read(site.path(file)).unwrap());
    assert_eq!(enroll(&site, GRACE, &h10301(123, 17)).code, 3);
    let found = |put: &str, bytes: &[u8]| {
        fs::write(site.path(put), bytes).unwrap();
        let found = site.run(&["doctor", "--json"]).lines();
        assert_eq!(fs::read(site.path(put)).unwrap(), bytes, "nothing is changed");
        found.iter().find(|finding| finding["finding"] == "anchor").expect("a finding")["what"].as_str().unwrap().to_owned()
    };
    let says = found("anchor", &before);
    assert!(says.contains("behind the store"), "{says}");
    assert_eq!((status(&site).0, anchor(&site)), (0, (Value::Null, vec![])), "the next command writes it anew");
    let says = found("cardbridge.db", &earlier);
    assert!(says.contains("is older than its anchor") && says.contains("cardbridge audit accept"), "{says}");
    let says = found("anchor", b"");
    assert!(says.contains("cannot be read") && says.contains("cardbridge audit accept"), "{says}");
    let refused = site.run(&["status", "--json"]);
    assert!(refused.code == 1 && refused.error()["message"].as_str().unwrap().contains("cardbridge audit accept"), "{refused:?}");
}

#[test]
fn a_store_that_cannot_be_written_is_shown_as_it_is_and_not_a_byte_of_it_changes() {
    let site = Site::at("http://127.0.0.1:9", "");
    assert_eq!(enroll(&site, ADA, CARD).code, 3);
    let (file, before) = (site.path("cardbridge.db"), fs::read(site.path("cardbridge.db")).unwrap());
    let by_another = |arguments: &[&str]| {
        let mut command = as_another(&site, arguments);
        // Not even its owner may write.
        let may = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        may(&file, 0o444);
        may(site.folder.path(), 0o555);
        let ended = Ended::after(&mut command);
        may(site.folder.path(), 0o755);
        ended
    };
    let shown = by_another(&["status", "--json"]);
    let (station, why) = (shown.last(), shown.last()["store"]["why"].as_str().unwrap_or_default().to_owned());
    assert_eq!((shown.code, &station["outbox"]["waiting"], &station["runs"]), (1, &json!(1), &json!(false)), "{shown:?}");
    assert!(why.contains("cannot be written") && shown.stderr.contains("is shown as it is"), "{shown:?}");
    let listed = by_another(&["outbox", "list", "--json"]);
    let id = listed.last()["enrollment"].as_str().unwrap().to_owned();
    assert_eq!((listed.code, listed.lines().len(), listed.last()["state"].as_str()), (0, 1, Some("saved")), "{listed:?}");
    assert_eq!(by_another(&["outbox", "show", &id]).code, 0);
    assert_eq!((by_another(&["audit", "verify"]).code, by_another(&["audit", "export"]).code), (0, 0));
    let refused = by_another(&["outbox", "discard", &id]);
    assert!(refused.code == 1 && refused.stderr.contains("owner and mode"), "{refused:?}");
    let names = fs::read_dir(site.folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.ends_with("-wal") || name.ends_with(".sock")));
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    if nix::unistd::geteuid().is_root() {
        let unread = Ended::after(&mut as_another(&site, &["status"]));
        assert!(unread.code == 1 && unread.stderr.contains("cannot be read; check its owner and mode"), "{unread:?}");
    }
}

#[test]
fn a_command_whose_output_cannot_be_written_says_so_and_is_no_success() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 0);
    let key = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let commands: [&[&str]; 18] = [
        &["status"],
        &["status", "--json"],
        &["outbox", "list"],
        &["outbox", "list", "--json"],
        &["outbox", "list", "--csv"],
        &["outbox", "show", &key],
        &["audit", "verify"],
        &["audit", "export"],
        &["audit", "export", "--json"],
        &["decode", CARD],
        &["decode", "--json", CARD],
        &["encode", "--format", "hid-h10301", "--facility-code", "1", "--card-number", "2"],
        &["formats"],
        &["lookup", "card-types"],
        &["card", "list", "--user", ADA],
        &["check"],
        &["--help"],
        &["--version"],
    ];
    let run = |arguments: &[&str], stdout: Stdio| Ended::after(site.command(arguments).stdout(stdout));
    for arguments in commands {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = run(arguments, full.into());
        assert!(ended.code == 1 && ended.stderr.contains("cannot be written"), "{arguments:?}: {ended:?}");
        let (gone, end) = std::io::pipe().unwrap();
        drop(gone);
        let ended = run(arguments, end.into());
        assert!(ended.code == 0 && !ended.stderr.contains("error"), "whoever reads has seen enough: {arguments:?}: {ended:?}");
    }
}
