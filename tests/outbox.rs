//! What is saved is delivered exactly once, whatever happens on the way: to this process, to the connection, to BluSKY.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{ADA, CARD, Ended, GRACE, Running, SerialReader, Simulator, Site, h10301, wait_for};

const ENROLL: [&str; 6] = ["enroll", "--user", ADA, "--bits", CARD, "--json"];

/// Exit code, last state, attempts.
fn outcome(ended: &Ended) -> (i32, Value, Value) {
    let last = ended.last();
    (ended.code, last["state"].clone(), last["attempts"].clone())
}

fn accepted_after(attempts: u32) -> (i32, Value, Value) {
    (0, json!("accepted"), json!(attempts))
}

fn all_are(entries: &[Value], state: &str) -> bool {
    !entries.is_empty() && entries.iter().all(|entry| entry["state"] == state)
}

/// What is shown, wherever its lines end.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn key(entry: &Value) -> String {
    entry["enrollment"].as_str().unwrap().to_owned()
}

/// Cards and calls at BluSKY.
fn count(blusky: &Simulator) -> (usize, usize) {
    (blusky.cards().len(), blusky.sent())
}

/// An address nobody listens on and nobody else will: one of this machine's own, named after this process.
fn own_address() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    format!("127.{}.{}.{}:8900", 1 + process / 256 % 250, process % 256, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Makes the store, so that commands started at once find it.
fn with_a_store(site: &Site) {
    assert!(site.outbox().is_empty());
}

// ---- the program is killed

/// Kills an enrollment after its call has reached BluSKY and before an answer came.
fn killed_in_flight(blusky: &Simulator, site: &Site) {
    let enroll = site.start(&ENROLL);
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    enroll.kill();
    assert!(all_are(&site.outbox(), "sending"), "{:?}", site.outbox());
}

#[test]
fn an_enrollment_killed_in_flight_is_found_by_the_station_and_sent_once() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    wait_for("the card, for the call arrived all the same", || (blusky.cards().len() == 1).then_some(()));
    let _station = site.station();
    let entries = site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(entries[0]["card_id"], blusky.cards()[0]["CardId"]);
    assert_eq!((entries[0]["attempts"].clone(), count(&blusky)), (json!(1), (1, 1)));
    let way = site.run(&["outbox", "show", &key(&entries[0])]).stdout;
    assert!(way.contains("in_doubt") && way.contains("the program ended before an answer came"), "{way}");
    assert!(way.contains(&format!("read as {}, ordered by ", entries[0]["card"]["bits"].as_str().unwrap())), "{way}");
}

#[test]
fn a_station_that_begins_while_its_store_is_locked_delivers_once_it_is_not() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    let backup = Connection::open(site.path("cardbridge.db")).unwrap();
    backup.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut station = site.start(&["run"]);
    station.wait_for_stderr("nothing is delivered");
    let ended = site.run(&["outbox", "deliver"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("locked by another program"), "{ended:?}");
    drop(backup);
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(blusky.cards().len(), 1);
}

#[test]
fn a_station_that_begins_while_its_store_is_locked_says_so_until_it_is_not_though_blusky_is_away() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    drop(blusky);
    let stopped = || {
        let text = site.run(&["status", "--json"]).stdout;
        let status: Value = serde_json::from_str(&text).unwrap_or_default();
        status["blusky"]["stopped"].as_str().map(ToOwned::to_owned)
    };
    let backup = Connection::open(site.path("cardbridge.db")).unwrap();
    backup.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let _station = site.start(&["run"]);
    wait_for("the reason", || stopped().filter(|why| why.contains("locked by another program")));
    drop(backup);
    wait_for("the end of it", || stopped().is_none().then_some(()));
}

#[test]
fn an_enrollment_killed_in_flight_is_found_by_a_delivery_that_is_asked_for_and_sent_once() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    wait_for("the card, for the call arrived all the same", || (blusky.cards().len() == 1).then_some(()));
    // The next enrollment ends with its own card, and leaves the others' to whoever delivers them.
    let next = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!(outcome(&next), accepted_after(1), "{next:?}");
    assert_eq!(site.outbox()[0]["state"], "in_doubt");
    let delivered = site.run(&["outbox", "deliver"]);
    assert_eq!(delivered.code, 0, "{delivered:?}");
    assert!(all_are(&site.outbox(), "accepted"), "{:#?}", site.outbox());
    assert_eq!(count(&blusky), (2, 2));
}

#[test]
fn an_enrollment_killed_before_blusky_stored_the_card_is_sent_again() {
    let blusky = Simulator::start(&["--fault", "delay=800:1", "--fault", "drop-before-commit:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    let _station = site.station();
    let entries = site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!((entries[0]["attempts"].clone(), count(&blusky)), (json!(2), (1, 2)));
}

#[test]
fn a_blusky_that_stores_the_card_long_after_the_kill_ends_with_one_card() {
    let blusky = Simulator::start(&["--fault", "delay=4000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    let _station = site.station();
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    wait_for("the end of the first call", || blusky.shows()["requests"][0]["status"].as_u64());
    assert_eq!(blusky.cards().len(), 1);
    assert_eq!(blusky.cards()[0]["Assignment"]["UserId"], ADA);
}

#[test]
fn a_person_can_discard_what_a_killed_enrollment_left_without_starting_anything_else() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    killed_in_flight(&blusky, &site);
    let ended = site.run(&["outbox", "discard", &key(&site.outbox()[0]), "--json"]);
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("discarded")), "nobody is sending it any more: {ended:?}");
}

#[test]
fn a_station_killed_in_flight_leaves_it_to_the_next_station() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let station = site.station();
    let enroll = site.run(&[&ENROLL[..], &["--outcome-timeout", "0"]].concat());
    assert_eq!(enroll.code, 3, "{enroll:?}");
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    station.kill();
    wait_for("the card, for the call arrived all the same", || (blusky.cards().len() == 1).then_some(()));
    let _station = site.station();
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (1, 1));
}

#[test]
fn an_interrupted_enrollment_waits_for_the_answer_that_is_under_way_and_a_second_interrupt_does_not() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let enroll = site.start(&ENROLL);
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    let ended = enroll.signal("INT");
    assert_eq!((ended.code, &ended.states()[0], &ended.last()["state"]), (0, &"saved".to_owned(), &json!("accepted")), "{ended:?}");
    // The same, in a hurry.
    let blusky = Simulator::start(&["--fault", "delay=10000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let enroll = site.start(&ENROLL);
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    let id = enroll.id().to_string();
    let interrupt = || assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    interrupt();
    thread::sleep(Duration::from_millis(300));
    let (before, ended) = (Instant::now(), enroll.signal("INT"));
    assert!(ended.code == 1 && before.elapsed() < Duration::from_secs(8), "{ended:?}");
    let _station = site.station();
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(blusky.cards().len(), 1);
}

// ---- the way to BluSKY fails

/// Enrolls a card at a BluSKY with each of these faults, all at once; each ends accepted, with one card.
fn one_card_despite(faults: &[(&str, u32)]) {
    let start = |fault: &str| {
        let blusky = Simulator::start(&["--fault", fault]);
        let site = Site::at(&blusky.base_url, "");
        let enroll = site.start(&ENROLL);
        (blusky, site, enroll)
    };
    let started: Vec<_> = faults.iter().map(|(fault, _)| start(fault)).collect();
    for ((fault, attempts), (blusky, site, enroll)) in faults.iter().zip(started) {
        let ended = enroll.end();
        assert_eq!(outcome(&ended), accepted_after(*attempts), "{fault}: {ended:?}");
        assert_eq!(count(&blusky), (1, *attempts as usize), "{fault}");
        assert_eq!(ended.last()["card_id"], blusky.cards()[0]["CardId"], "{fault}");
        assert_eq!(ended.last()["warnings"], json!([]), "{fault}: {ended:?}");
        assert!(all_are(&site.outbox(), "accepted"), "{fault}");
    }
}

#[test]
fn what_blusky_did_not_take_is_sent_again_until_it_does() {
    one_card_despite(&[("status=503:2", 3), ("status=500:1", 2), ("status=429:1", 2), ("html:1", 2), ("drop-before-commit:1", 2)]);
}

#[test]
fn what_blusky_took_without_saying_so_is_found_there_and_never_sent_twice() {
    one_card_despite(&[
        ("drop-after-commit:1", 1),
        ("status-after-commit=504:1", 1),
        ("garbage:1", 1),
        ("truncate:1", 1),
        ("zero-value:1", 1),
    ]);
}

#[test]
fn no_answer_is_said_to_be_in_doubt() {
    for fault in ["drop-after-commit:1", "zero-value:1"] {
        let blusky = Simulator::start(&["--fault", fault]);
        let ended = Site::at(&blusky.base_url, "").run(&ENROLL);
        assert_eq!(ended.states(), ["saved", "sending", "in_doubt", "accepted"], "{fault}");
    }
}

#[test]
fn a_blusky_that_answers_too_late_is_asked_what_became_of_it() {
    let blusky = Simulator::start(&["--fault", "delay=700:1"]);
    let site = Site::at(&blusky.base_url, "");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("[site]", "timeout_ms = 300\n[site]"));
    let ended = site.run(&ENROLL);
    assert_eq!(outcome(&ended), accepted_after(1), "{ended:?}");
    assert_eq!(count(&blusky), (1, 1));
}

#[test]
fn without_a_way_to_blusky_the_card_stays_saved_and_a_later_station_delivers_it() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    let ended = site.run(&[&ENROLL[..], &["--outcome-timeout", "1"]].concat());
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
    assert!(ended.last()["why"].as_str().unwrap().contains("cannot be reached"), "{ended:?}");
    assert!(all_are(&site.outbox(), "saved"));
    let blusky = Simulator::on(&address, &[]);
    let _station = site.station();
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (1, 1));
}

#[test]
fn a_station_delivers_as_soon_as_blusky_is_there() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    let _station = site.station();
    let ended = site.run(&[&ENROLL[..], &["--outcome-timeout", "1"]].concat());
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
    let blusky = Simulator::on(&address, &[]);
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (1, 1));
}

#[test]
fn an_enrollment_does_not_wait_for_a_blusky_that_is_away() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    let before = Instant::now();
    let ended = site.run(&ENROLL);
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
    assert!(ended.stderr.contains("it will be sent when BluSKY is back"), "{ended:?}");
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    // A station knows it already.
    let mut station = site.station();
    station.wait_for_stderr("BluSKY cannot be reached");
    let before = Instant::now();
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!((ended.code, before.elapsed() < Duration::from_secs(10)), (3, true), "{ended:?} {:?}", before.elapsed());
    let blusky = Simulator::on(&address, &[]);
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (2, 2));
}

#[test]
fn a_terminal_that_is_closed_leaves_one_file_that_is_the_whole_store_unless_the_command_was_to_outlive_it() {
    let site = Site::at(&format!("http://{}", own_address()), "");
    let enroll = site.start(&[&ENROLL[..], &["--outcome-timeout", "60"]].concat());
    site.wait_for_outbox(|entries| all_are(entries, "saved"));
    let ended = enroll.signal("HUP");
    assert!(ended.code >= 0 && ended.states().contains(&"saved".to_owned()), "{ended:?}");
    assert!(!site.path("cardbridge.db-wal").exists(), "{ended:?}");
    let mut command = std::process::Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_cardbridge")).args(["run", "--config"]).arg(site.path("cardbridge.toml"));
    let mut station = Running::begin(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    station.wait_for_stderr("BluSKY cannot be reached");
    assert!(std::process::Command::new("kill").args(["-HUP", &station.id().to_string()]).status().unwrap().success());
    assert_eq!(site.run(&["outbox", "list", "--json"]).code, 0);
    assert_eq!(station.signal("TERM").code, 0, "it goes on until it is told to end");
}

#[test]
fn a_delivery_ends_and_fails_where_something_is_damaged_or_nothing_can_be_written_down() {
    let blusky = Simulator::start(&[]);
    let site = Site::at("http://127.0.0.1:9", "");
    for number in 1..=2 {
        assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, number), "--json", "--outcome-timeout", "1"]).code, 3);
    }
    let shown = site.outbox().remove(0);
    site.configure(&fs::read_to_string(site.path("cardbridge.toml")).unwrap().replace("http://127.0.0.1:9", &blusky.base_url));
    for arguments in [&["outbox", "show", &key(&shown)][..], &["outbox", "show", &key(&shown), "--json"]] {
        let ended = site.run(arguments);
        assert!(ended.stderr.contains("it was saved for http://127.0.0.1:9, and is delivered only there"), "{ended:?}");
    }
    let chosen = site.run(&["outbox", "list", "--state", "refused"]);
    assert_eq!((chosen.code, chosen.stdout.trim()), (0, "no entry is like that"));
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    store
        .execute("UPDATE entry SET body = replace(body, '\"internal_card_number\":1', '\"internal_card_number\":7') WHERE number = 1", [])
        .unwrap();
    let delivered = site.run(&["outbox", "deliver", "--json"]);
    assert!(delivered.code == 1 && delivered.stderr.contains(&key(&shown)), "{delivered:?}");
    let exported = site.run(&["audit", "export"]);
    assert!(exported.code == 1 && exported.stderr.contains(&key(&shown)), "{exported:?}");
    store.execute("UPDATE head SET records = records + 1", []).unwrap();
    let delivered = site.run(&["outbox", "deliver"]);
    assert!(delivered.code != 0 && delivered.stderr.contains("the head of its chain"), "{delivered:?}");
    assert_eq!(blusky.sent(), 0);
}

#[test]
fn a_delivery_that_is_asked_for_says_what_became_of_each_card() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    for number in 1..=3 {
        let ended = site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, number), "--json"]);
        assert_eq!(ended.code, 3, "{ended:?}");
    }
    let blusky = Simulator::on(&address, &[]);
    let ended = site.run(&["outbox", "deliver", "--json"]);
    assert_eq!((ended.code, ended.states()), (0, vec!["accepted".to_owned(); 3]), "{ended:?}");
    assert_eq!(count(&blusky), (3, 3));
}

#[test]
fn a_delivery_that_is_asked_for_beside_another_command_is_that_ones_to_make_and_says_what_still_waits() {
    let (address, reader) = (own_address(), SerialReader::plug_in());
    let site = Site::at(&format!("http://{address}"), &reader.configuration("desk", "twn3-hidprox", ""));
    for number in 1..=2 {
        assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, number), "--json"]).code, 3);
    }
    let deliver = || site.run(&["outbox", "deliver", "--json"]);
    let mut enroll = site.start(&["enroll", "--user", GRACE]);
    enroll.wait_for_stderr("hold the card to the reader");
    let ended = deliver();
    assert!(ended.code == 3 && ended.stderr.contains("2 entries still wait"), "{ended:?}");
    let blusky = Simulator::on(&address, &[]);
    let ended = deliver();
    assert_eq!((ended.code, site.outbox().iter().filter(|entry| entry["state"] == "accepted").count()), (0, 2), "{ended:?}");
    assert_eq!(count(&blusky), (2, 2));
    enroll.kill();
}

#[test]
fn a_delivery_that_is_stopped_or_waits_for_a_person_does_not_end_as_if_all_were_sent() {
    for (token, faults) in
        [("yesterday\n", &[][..]), ("simulator\n", &["--fault", "drop-after-commit", "--fault", "no-such-call@UserCards"])]
    {
        let address = own_address();
        let site = Site::at(&format!("http://{address}"), "");
        assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 3);
        fs::write(site.path("token"), token).unwrap();
        let _blusky = Simulator::on(&address, faults);
        for _ in 0..2 {
            let ended = site.run(&["outbox", "deliver"]);
            assert!(ended.code == 3 && ended.stderr.contains("one entry still waits"), "{ended:?}");
        }
    }
}

#[test]
fn a_delivery_goes_on_where_the_station_that_it_follows_ends_or_another_one_takes_its_place() {
    for takes_its_place in [false, true] {
        let address = own_address();
        let site = Site::at(&format!("http://{address}"), "");
        for number in 1..=8 {
            assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", &h10301(123, number), "--json"]).code, 3);
        }
        let blusky = Simulator::on(&address, &["--fault", "delay=300@AddUserCard"]);
        let first = if takes_its_place { None } else { Some(site.station()) };
        let deliver = site.start(&["outbox", "deliver", "--json"]);
        wait_for("the first calls", || (blusky.sent() > 1).then_some(()));
        let second = if let Some(station) = first {
            assert_eq!(station.signal("TERM").code, 0);
            None
        } else {
            Some(site.station())
        };
        let ended = deliver.end();
        assert_eq!((ended.code, count(&blusky)), (0, (8, 8)), "{ended:?}");
        drop(second);
    }
}

#[test]
fn a_delivery_that_nothing_can_come_of_says_why_and_ends() {
    let site = Site::at("http://127.0.0.1:9", "");
    let whole = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    let parts: Vec<&str> = whole.splitn(2, "[site]").collect();
    fs::write(site.path("ca.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (blusky, why) in [("", "the configuration has no [blusky]"), (&format!("{}ca_file = \"ca.pem\"\n", parts[0]), "certificate")] {
        site.configure(&format!("{blusky}[site]{}", parts[1]));
        let ended = site.run(&["outbox", "deliver"]);
        assert!(ended.code == 2 && ended.stderr.contains(why), "{ended:?}");
    }
}

// ---- the token is wrong

#[test]
fn a_wrong_token_is_said_at_once_after_one_call_and_nothing_is_lost() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    fs::write(site.path("token"), "yesterday\n").unwrap();
    let before = Instant::now();
    let first = site.run(&ENROLL);
    assert_eq!((outcome(&first), blusky.sent()), ((3, json!("saved"), json!(1)), 1), "{first:?}");
    let why = first.last()["why"].to_string();
    assert!(why.contains("401") && why.contains("token_file"), "{why}");
    let second = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2)]);
    // The one tries what the other left as well.
    let tries = blusky.sent();
    assert!(second.code == 3 && tries <= 4, "{second:?}");
    assert!(second.stdout.contains("token_file") && !second.stdout.contains("yesterday"), "{second:?}");
    assert!(before.elapsed() < Duration::from_secs(10), "both ended at once, not when patience did");
    assert!(all_are(&site.outbox(), "saved"));

    fs::write(site.path("token"), "simulator\n").unwrap();
    let _station = site.station();
    site.wait_for_outbox(|entries| entries.len() == 2 && all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (2, tries + 2));
}

#[test]
fn a_missing_token_file_is_named_and_nothing_is_sent() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    fs::remove_file(site.path("token")).unwrap();
    let ended = site.run(&ENROLL);
    assert_eq!((ended.code, blusky.sent()), (3, 0), "{ended:?}");
    assert!(ended.last()["why"].as_str().unwrap().contains(site.path("token").to_str().unwrap()), "{ended:?}");
    site.keep("token", "simulator");
    let _station = site.station();
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (1, 1));
}

#[test]
fn a_refusal_that_stops_everybody_is_tried_once_and_says_what_to_check() {
    for (fault, check) in
        [("unauthorized:2@all", "token"), ("status=403:2@all", "token"), ("status=302:1", "base_url"), ("status=405:1", "base_url")]
    {
        let blusky = Simulator::start(&["--fault", fault]);
        let site = Site::at(&blusky.base_url, "");
        let ended = site.run(&ENROLL);
        assert_eq!((outcome(&ended), count(&blusky)), ((3, json!("saved"), json!(1)), (0, 1)), "{fault}: {ended:?}");
        assert!(ended.last()["why"].as_str().unwrap().contains(check), "{fault}: {ended:?}");
        let _station = site.station();
        site.wait_for_outbox(|entries| all_are(entries, "accepted"));
        assert_eq!(count(&blusky), (1, 2), "{fault}");
    }
}

#[test]
fn a_running_station_goes_on_by_itself_with_a_corrected_token_and_calls_once_a_try() {
    let wrong = Simulator::start(&[]);
    let corrected = Site::at(&wrong.base_url, "");
    fs::write(corrected.path("token"), "yesterday\n").unwrap();
    let denying = Simulator::start(&["--fault", "unauthorized:4@all"]);
    let unchanged = Site::at(&denying.base_url, "");
    let stations = [&corrected, &unchanged].map(|site| {
        let station = site.station();
        let ended = site.run(&ENROLL);
        assert_eq!((ended.code, &ended.last()["attempts"]), (3, &json!(1)), "{ended:?}");
        station
    });
    fs::write(corrected.path("token"), "simulator\n").unwrap();
    corrected.wait_for_outbox(|entries| all_are(entries, "accepted"));
    let tried = unchanged.wait_for_outbox(|entries| all_are(entries, "accepted")).remove(0);
    drop(stations);
    assert_eq!((wrong.cards().len(), denying.cards().len()), (1, 1));
    assert_eq!(tried["attempts"], denying.sent(), "one call a try with a token that has not changed: {tried}");
}

// ---- several processes at one store

#[test]
fn a_station_and_ten_enrollments_at_once_send_each_card_exactly_once() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let _station = site.station();
    ten_at_once(&blusky, &site);
}

#[test]
fn ten_enrollments_at_once_need_no_station_to_send_each_card_exactly_once() {
    let blusky = Simulator::start(&[]);
    ten_at_once(&blusky, &Site::at(&blusky.base_url, ""));
}

fn ten_at_once(blusky: &Simulator, site: &Site) {
    with_a_store(site);
    let enroll = |number: u32| site.start(&["enroll", "--user", ADA, "--bits", &h10301(123, number), "--json"]);
    let started: Vec<Running> = (1..=10).map(enroll).collect();
    for enroll in started {
        let ended = enroll.end();
        assert_eq!(outcome(&ended), accepted_after(1), "{ended:?}");
    }
    let mut numbers: Vec<u64> = blusky.cards().iter().map(|card| card["InternalCardNumber"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!((numbers, blusky.sent()), ((1..=10).collect(), 10));
    assert_eq!(site.outbox().len(), 10);
}

#[test]
fn an_enrollment_waits_while_another_command_makes_the_store() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    // As it is when two first commands meet: the file is there and empty, and the other one is about to write its tables.
    let mut other = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    let making = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let enroll = site.start(&ENROLL);
    enroll.wait_until_open(&site.path("cardbridge.db"));
    thread::sleep(Duration::from_millis(300));
    drop(making);
    let ended = enroll.end();
    assert_eq!(outcome(&ended), accepted_after(1), "{ended:?}");
}

#[test]
fn an_enrollment_that_ends_does_not_leave_anothers_call_in_doubt() {
    // The first call ends once both entries are saved; the second takes longer than its sender would stay for itself.
    let (both_saved, go) = std::sync::mpsc::channel::<()>();
    let go = Mutex::new(go);
    let blusky = StandIn::start(move |post| {
        match post {
            1 => go.lock().unwrap().recv().unwrap(),
            _ => thread::sleep(Duration::from_millis(700)),
        }
        Answer::Accept
    });
    let site = Site::at(&blusky.base_url, "");
    let first = site.start(&ENROLL);
    wait_for("the first call", || (blusky.posts().len() == 1).then_some(()));
    let second = site.start(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    site.wait_for_outbox(|entries| entries.len() == 2);
    both_saved.send(()).unwrap();
    let (first, second) = (first.end(), second.end());
    assert_eq!(outcome(&first), accepted_after(1), "{first:?}");
    assert_eq!(outcome(&second), accepted_after(1), "nothing went wrong with it: {second:?}");
    assert_eq!(blusky.posts().len(), 2);
}

#[test]
fn a_station_that_is_told_to_end_waits_for_the_answer_to_its_call() {
    let blusky = StandIn::start(|_| {
        thread::sleep(Duration::from_millis(700));
        Answer::Accept
    });
    let site = Site::at(&blusky.base_url, "");
    let station = site.station();
    site.run(&[&ENROLL[..], &["--outcome-timeout", "0"]].concat());
    wait_for("the call", || (blusky.posts().len() == 1).then_some(()));
    let ended = station.signal("TERM");
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = site.outbox().remove(0);
    assert_eq!((&told["state"], &told["result_code"]), (&json!("accepted"), &json!(0)), "its answer was on the way: {told}");
}

// ---- a BluSKY without a read-back

/// What a stand-in does with a call.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// Takes the card.
    Accept,
    /// Reads the call and closes the connection.
    Close,
}

/// A BluSKY that knows AddUserCard and no other call.
struct StandIn {
    base_url: String,
    posts: Arc<Mutex<Vec<Value>>>,
}

impl StandIn {
    /// Answers the POSTs, counted from 1, as it is told to.
    fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (posts.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heard, answer) = (heard.clone(), answer.clone());
                thread::spawn(move || serve(stream, &heard, &*answer));
            }
        });
        Self { base_url, posts }
    }

    fn posts(&self) -> Vec<Value> {
        self.posts.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, heard: &Mutex<Vec<Value>>, answer: &dyn Fn(usize) -> Answer) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, text) = if first.starts_with("POST") {
        let number = {
            let mut heard = heard.lock().unwrap();
            heard.push(serde_json::from_slice(&body).unwrap());
            heard.len()
        };
        if answer(number) == Answer::Close {
            return;
        }
        let key = format!("dddd4d04-131d-4614-bf4b-{number:012}");
        ("200 OK", json!({"Value": key, "ResultCode": 0, "Description": "Success"}))
    } else {
        ("404 Not Found", json!({"Message": "No HTTP resource was found that matches the request URI."}))
    };
    let text = text.to_string();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    // Whoever asked may have been killed.
    drop(reader.into_inner().write_all((head + &text).as_bytes()));
}

#[test]
fn an_accepted_card_stays_accepted_where_blusky_cannot_show_it() {
    let blusky = StandIn::start(|_| Answer::Accept);
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&ENROLL);
    assert_eq!(outcome(&ended), accepted_after(1), "{ended:?}");
    assert_eq!(ended.last()["warnings"], json!(["read_back_unavailable"]));
    assert_eq!(ended.last()["user_card_id"], "dddd4d04-131d-4614-bf4b-000000000001");
}

/// A card whose outcome nobody knows, at a BluSKY that takes the second call.
fn in_doubt_for_good() -> (StandIn, Site, String) {
    let blusky = StandIn::start(|post| if post == 1 { Answer::Close } else { Answer::Accept });
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&ENROLL);
    assert_eq!(outcome(&ended), (3, json!("in_doubt"), json!(1)), "{ended:?}");
    assert!(ended.last()["why"].is_string(), "{ended:?}");
    let key = key(&ended.last());
    (blusky, site, key)
}

#[test]
fn what_is_in_doubt_and_cannot_be_read_back_is_never_sent_again_by_itself() {
    let (blusky, site, key) = in_doubt_for_good();
    let _station = site.station();
    let other = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!(other.code, 0, "{other:?}");
    assert_eq!(site.outbox()[0]["state"], "in_doubt");
    // A retry without a person's word looks first, and BluSKY still cannot be asked.
    assert_eq!(site.run(&["outbox", "retry", &key]).code, 0);
    site.wait_for_outbox(|entries| entries[0]["state"] == "in_doubt");
    let users: Vec<_> = blusky.posts().iter().map(|post| post["UserId"].clone()).collect();
    assert_eq!(users, [ADA, GRACE]);
}

#[test]
fn what_a_person_did_not_find_in_blusky_is_sent_again() {
    let (blusky, site, key) = in_doubt_for_good();
    let retried = site.run(&["outbox", "retry", &key, "--absent", "--json"]);
    assert_eq!((retried.code, &retried.last()["state"]), (0, &json!("saved")), "{retried:?}");
    let _station = site.station();
    let entries = site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!((&entries[0]["attempts"], blusky.posts().len()), (&json!(2), 2));
    assert_eq!(blusky.posts()[0], blusky.posts()[1]);
}

#[test]
fn what_a_person_discards_is_never_sent_again() {
    let (blusky, site, key) = in_doubt_for_good();
    let discarded = site.run(&["outbox", "discard", &key, "--json"]);
    assert_eq!((discarded.code, &discarded.last()["state"]), (0, &json!("discarded")), "{discarded:?}");
    let _station = site.station();
    let other = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!(other.code, 0, "{other:?}");
    let users: Vec<_> = blusky.posts().iter().map(|post| post["UserId"].clone()).collect();
    assert_eq!((users, &site.outbox()[0]["state"]), (vec![json!(ADA), json!(GRACE)], &json!("discarded")));
    for action in ["retry", "discard"] {
        let again = site.run(&["outbox", action, &key, "--json"]);
        assert_eq!(again.code, 1, "{again:?}");
        assert!(again.error()["message"].as_str().unwrap().contains("discarded"), "{again:?}");
    }
}

// ---- the outbox, for people and programs

#[test]
fn an_empty_outbox_is_said_to_people_and_is_no_line_to_programs() {
    let site = Site::at("http://127.0.0.1:9", "");
    let (people, programs) = (site.run(&["outbox", "list"]), site.run(&["outbox", "list", "--json"]));
    assert_eq!((people.code, people.stdout.trim()), (0, "the outbox is empty"));
    assert_eq!((programs.code, programs.stdout.as_str()), (0, ""));
}

#[test]
fn the_outbox_shows_every_entry_in_the_order_it_was_saved() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let accepted = site.run(&ENROLL).last();
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]).last();
    assert_eq!(site.outbox(), [accepted.clone(), refused.clone()]);

    let list = one_line(&site.run(&["outbox", "list"]).stdout);
    let mut rest = list.as_str();
    for (entry, words) in [(&accepted, "BluSKY says “Success”"), (&refused, "BluSKY says “Card Already Assigned : 4567")] {
        for part in [&key(entry), entry["state"].as_str().unwrap(), entry["user_id"].as_str().unwrap(), words] {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not shown, or too late:\n{list}")).1;
        }
    }

    let shown = site.run(&["outbox", "show", &key(&refused), "--json"]);
    let mut whole = shown.last();
    let steps = whole.as_object_mut().unwrap().remove("steps").unwrap();
    assert_eq!((shown.code, whole), (0, refused.clone()), "beside its steps it is what `enroll` said");
    let states: Vec<&Value> = steps.as_array().unwrap().iter().map(|step| &step["state"]).collect();
    assert_eq!(states, ["sending", "refused", "refused"], "{steps}");
    assert!(steps.as_array().unwrap().iter().all(|step| step["at"].is_string() && step["words"].is_string()), "{steps}");
    let way = one_line(&site.run(&["outbox", "show", &key(&refused)]).stdout);
    let mut rest = way.as_str();
    for step in
        [&key(&refused), "saved", "about to be sent", "BluSKY says (code 2): Card Already Assigned", "does not show the card", "refused"]
    {
        rest = rest.split_once(step).unwrap_or_else(|| panic!("{step:?} is not shown, or too late:\n{way}")).1;
    }
}

#[test]
fn an_entry_is_named_by_the_beginning_of_its_key_where_that_is_one() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let entry = site.run(&ENROLL).last();
    let beginning = &key(&entry)[..4];
    assert_eq!(key(&site.run(&["outbox", "show", beginning, "--json"]).last()), key(&entry));
    site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    let several = site.run(&["outbox", "show", beginning, "--json"]);
    assert_eq!((several.code, several.error()["code"].as_str()), (2, Some("entry")), "{several:?}");
    let none = site.run(&["outbox", "show", "ffff", "--json"]);
    assert_eq!(none.code, 1, "{none:?}");
    assert!(none.error()["message"].as_str().unwrap().contains("ffff"), "{none:?}");
    let none = site.run(&["outbox", "discard", "0f83442e-a446-4577-8cdd-8ffdd51ab9c1", "--json"]);
    assert_eq!((none.code, none.lines().len()), (1, 1), "{none:?}");
}

#[test]
fn a_refused_card_is_tried_again_when_a_person_asks_for_it() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    site.run(&ENROLL);
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]).last();
    blusky.unassign(blusky.cards()[0]["CardId"].as_str().unwrap());
    let retried = site.run(&["outbox", "retry", &key(&refused)]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert!(retried.stdout.contains("a person asked for another try"), "{retried:?}");
    let _station = site.station();
    let entries = site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!((&entries[1]["enrollment"], &entries[1]["attempts"]), (&refused["enrollment"], &json!(2)));
    assert_eq!(blusky.cards()[0]["Assignment"]["UserId"], GRACE);
}

#[test]
fn an_accepted_card_can_neither_be_retried_nor_discarded() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let entry = site.run(&ENROLL).last();
    for action in ["retry", "discard"] {
        let ended = site.run(&["outbox", action, &key(&entry), "--json"]);
        assert_eq!((ended.code, ended.error()["code"].as_str()), (1, Some("state")), "{ended:?}");
    }
    assert_eq!((site.outbox(), blusky.sent()), (vec![entry], 1));
}

#[test]
fn a_card_discarded_before_blusky_was_reached_is_never_sent() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    let waiting = site.run(&[&ENROLL[..], &["--outcome-timeout", "1"]].concat()).last();
    let discarded = site.run(&["outbox", "discard", &key(&waiting)]);
    assert_eq!(discarded.code, 0, "{discarded:?}");
    assert!(discarded.stdout.contains("a person gave it up"), "{discarded:?}");
    let blusky = Simulator::on(&address, &[]);
    let other = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 2), "--json"]);
    assert_eq!(other.code, 0, "{other:?}");
    assert_eq!((count(&blusky), &blusky.bodies()[0]["UserId"]), ((1, 1), &json!(GRACE)));
}

#[test]
fn a_retry_does_not_wait_out_the_pause_before_the_next_try() {
    let address = own_address();
    let site = Site::at(&format!("http://{address}"), "");
    let _station = site.station();
    let entry = site.run(&ENROLL).last();
    // Fifteen seconds after the first try the pause is one of sixteen.
    thread::sleep(Duration::from_secs(17));
    let blusky = Simulator::on(&address, &[]);
    let before = Instant::now();
    assert_eq!(site.run(&["outbox", "retry", &key(&entry)]).code, 0);
    site.wait_for_outbox(|entries| all_are(entries, "accepted"));
    assert_eq!(count(&blusky), (1, 1));
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
}

#[test]
fn the_outbox_is_listed_by_state_person_and_day_in_lines_that_fit_a_terminal() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    for (user, number) in [(ADA, 1), (GRACE, 2), (ADA, 3)] {
        site.run(&["enroll", "--user", user, "--bits", &h10301(123, number), "--json"]);
    }
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(123, 1), "--json"]);
    assert_eq!(refused.last()["state"], "refused", "{refused:?}");
    let count = |arguments: &[&str]| site.run(&[&["outbox", "list", "--json"], arguments].concat()).lines().len();
    assert_eq!([count(&["--state", "refused"]), count(&["--user", ADA]), count(&["--today"])], [1, 2, 4]);
    let last = site.run(&["outbox", "list", "--limit", "1", "--user", GRACE, "--json"]).lines();
    assert_eq!((last.len(), &last[0]["state"]), (1, &json!("refused")));
    assert_eq!(site.run(&["outbox", "list", "--state", "lost"]).code, 2);
    let shown = site.run(&["outbox", "list"]).stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(one_line(&shown).contains(&format!("refused facility code 123, card number 1 (hid-h10301) for user {GRACE}")), "{shown}");
    let formats = site.run(&["formats"]).stdout;
    assert!(formats.lines().all(|line| line.chars().count() <= 80) && one_line(&formats).contains("hid-h10301 aliases H10301"));
}

#[test]
fn the_outbox_is_a_sheet_where_a_spreadsheet_asks_and_a_card_is_found_by_its_number() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let keys: Vec<String> = [(ADA, 4567), (GRACE, 4568)]
        .map(|(user, number)| {
            let ended = site.run(&["enroll", "--user", user, "--bits", &h10301(123, number), "--json"]);
            ended.last()["enrollment"].as_str().unwrap().to_owned()
        })
        .to_vec();
    let sheet = site.run(&["outbox", "list", "--csv"]);
    let mut reader = csv::Reader::from_reader(sheet.stdout.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().take(2).collect::<Vec<_>>(), ["saved_at", "state"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let numbers: Vec<(&str, &str, &str)> = rows.iter().map(|row| (&row[1], &row[6], &row[7])).collect();
    assert_eq!(numbers, [("accepted", "123", "4567"), ("accepted", "123", "4568")]);
    let found = site.run(&["outbox", "list", "--card", "4568", "--json"]).lines();
    assert_eq!(found.iter().map(|entry| entry["enrollment"].as_str().unwrap()).collect::<Vec<_>>(), [&keys[1]]);
    let by_key = site.run(&["outbox", "list", "--card", found[0]["card_id"].as_str().unwrap(), "--json"]).lines();
    assert_eq!(by_key, found);
    assert_eq!(site.run(&["outbox", "list", "--card", "1", "--csv"]).stdout.lines().count(), 1);
}
