//! What is promised of captures: each file in tests/captures says the same today as in the `.expect` beside it, what is
//! recorded at a reader plays back to the same readings, and a file that is none is refused at its line.
//!
//! `UPDATE_EXPECT=1 cargo test --test captures` writes the `.expect` files anew; look at the difference before you keep it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cardbridge::simulator::virtual_card::VirtualCard;
use cards::{Followed, Outcome, pac_card, slow, uid_card};
use nix::{pty::openpty, sys::stat::Mode, unistd::mkfifo};
use serde_json::{Value, json};
use support::{ADA, SerialReader, Simulator, Site, pcscd::Pcscd, wait_for};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");
const UPDATE: &str = "UPDATE_EXPECT";

fn capture_file(name: &str) -> String {
    format!("{FOLDER}/{name}.capture")
}

/// A site that says nothing of itself.
fn bare_site() -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure("");
    site
}

// ---- the files

/// What a capture says: to people, and line by line to programs.
fn said_of(site: &Site, path: &Path) -> String {
    let path = path.to_str().unwrap();
    let (people, programs) = (site.run(&["replay", path]), site.run(&["replay", path, "--json"]));
    assert_eq!((people.code, programs.code), (0, 0), "{path}: {people:?} {programs:?}");
    programs.lines();
    format!("{}\n{}", people.stdout, programs.stdout)
}

#[test]
fn every_capture_says_today_what_stands_beside_it() {
    let site = bare_site();
    let update = std::env::var_os(UPDATE).is_some_and(|value| value == "1");
    let paths: Vec<PathBuf> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    let captures: BTreeSet<&PathBuf> = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "capture")).collect();
    assert!(captures.len() >= 10, "{captures:?}");
    let mut wrong = Vec::new();
    for capture in &captures {
        let (expect, said) = (capture.with_extension("expect"), said_of(&site, capture));
        if update {
            fs::write(&expect, said).unwrap();
        } else if fs::read_to_string(&expect).unwrap_or_default() != said {
            wrong.push(format!("{} says something else than the .expect beside it:\n{said}", capture.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\n{UPDATE}=1 writes them anew", wrong.join("\n"));
    let strays = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "expect") && !captures.contains(&path.with_extension("capture")));
    assert_eq!(strays.collect::<Vec<_>>(), [""; 0], "an .expect has no capture beside it");
}

#[test]
fn captures_are_replayed_at_their_own_times() {
    let site = bare_site();
    let shown = site.run(&["replay", "--json", &capture_file("twn3-hidprox"), &capture_file("pcsc-removed-too-early")]);
    let times: Vec<Value> = shown.lines().iter().map(|reading| reading["at"].clone()).collect();
    assert_eq!(times, ["2026-01-01T08:00:00.000Z", "2026-01-01T08:00:00.900Z", "2026-01-01T08:00:02.041Z"]);
}

#[test]
fn a_capture_in_which_no_card_was_read_says_so_and_is_nothing_wrong() {
    let site = bare_site();
    for text in [HEAD.to_owned(), format!("{HEAD}0.000 < 02 30 43\n")] {
        fs::write(site.path("half.capture"), text).unwrap();
        for arguments in [&["replay", "half.capture"][..], &["replay", "--json", "half.capture"]] {
            let ended = site.run(arguments);
            assert!(ended.code == 0 && ended.stderr.contains("half.capture: no card was read in it"), "{arguments:?}: {ended:?}");
        }
    }
    let ended = site.run(&["replay", "--json", &capture_file("twn3-hidprox")]);
    assert_eq!(ended.stderr, "", "there is one");
}

#[test]
fn the_site_policy_holds_for_a_replay_too() {
    let site = bare_site();
    site.configure("[site]\nformats = [\"em4100-8-16\"]\n");
    let reading = site.run(&["replay", "--json", &capture_file("id12la-good")]).last();
    assert_eq!((&reading["credential"]["format"], &reading["decided_by"]), (&json!("em4100-8-16"), &json!("policy")));
}

/// Who may do what with a file: cards stand in a capture.
fn mode_of(site: &Site, file: &str) -> u32 {
    fs::metadata(site.path(file)).unwrap().permissions().mode() & 0o777
}

// ---- long captures

/// A capture of so many cards, all of them one frame.
fn long_capture(site: &Site, cards: usize) {
    let mut text = HEAD.to_owned();
    (0..cards).for_each(|at| text.push_str(&format!("{at}.000 < 02 30 43 30 30 30 36 32 31 41 35 38 45 0D 0A 03\n")));
    fs::write(site.path("long.capture"), text).unwrap();
}

/// Replays with standard error on a terminal; what programs get, and what the terminal shows.
fn replayed_at_a_terminal(site: &Site) -> (Vec<Value>, String) {
    let terminal = openpty(None, None).unwrap();
    let mut command = site.command(&["replay", "--json", "long.capture"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::from(terminal.slave)).spawn().unwrap();
    drop(command);
    let shown = thread::spawn(move || {
        let (mut shown, mut screen) = (Vec::new(), fs::File::from(terminal.master));
        // The terminal is gone once nobody has it open any more.
        drop(screen.read_to_end(&mut shown));
        String::from_utf8_lossy(&shown).into_owned()
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(child.wait().unwrap().success());
    (lines, shown.join().unwrap())
}

#[test]
fn a_long_replay_shows_on_a_terminal_how_far_it_is_and_a_short_one_does_not() {
    let site = bare_site();
    long_capture(&site, 1);
    let (lines, shown) = replayed_at_a_terminal(&site);
    assert_eq!((lines.len(), shown.as_str()), (1, ""));
    long_capture(&site, 30_000);
    let (lines, shown) = replayed_at_a_terminal(&site);
    assert!(shown.contains(" %, ") && shown.contains("long.capture"), "{shown:?}");
    assert_eq!(lines.len(), 30_000);
    assert!(lines.iter().all(|line| line["input"] == "em4100:0C000621A5"));
    let elsewhere = site.run(&["replay", "--json", "long.capture"]);
    assert_eq!((elsewhere.lines().len(), elsewhere.stderr.as_str()), (30_000, ""));
}

// ---- recording

/// What `capture` showed while it recorded, and what `replay` shows of the file.
fn plays_back(site: &Site, recorded: &Outcome, file: &str) -> Vec<Value> {
    assert_eq!(recorded.code, Some(0), "{recorded:#?}");
    let text = fs::read_to_string(site.path(file)).unwrap();
    let again = site.run(&["replay", file]);
    assert_eq!(again.code, 0, "{again:?}\n{text}");
    let shown: Vec<&str> = again.stdout.lines().collect();
    // What is no reading was said on standard error while it was recorded.
    let missing: Vec<&String> = recorded.out.iter().filter(|line| !shown.contains(&line.as_str())).collect();
    assert!(missing.is_empty(), "the replay does not show {missing:#?}\nbut {shown:#?}\nof\n{text}");
    let count = |lines: &mut dyn Iterator<Item = &str>| lines.filter(|line| line.starts_with("desk") && line.contains(" bits: ")).count();
    assert_eq!(count(&mut recorded.out.iter().map(String::as_str)), count(&mut shown.iter().copied()), "{shown:#?}\nof\n{text}");
    site.run(&["replay", file, "--json"]).lines()
}

#[test]
fn what_is_recorded_at_a_serial_reader_plays_back_to_the_same_readings() {
    let mut reader = SerialReader::plug_in();
    let site = bare_site();
    site.configure(&reader.configuration("desk", "id12la-ascii", "card_left_ms = 0"));
    let mut capture = Followed::start(site.command(&["capture", "--reader", "desk", "day.capture", "--count", "4"]));
    capture.hears("recording");
    for bytes in [
        &b"\x020C000621A58E\r\n\x03"[..],
        b"\x02garbage",
        b"\x020C000621A58F\r\n\x03",
        b"\x020A004D760332\r\n\x03\x020C00",
        b"0621A58E\r\n\x03",
    ] {
        reader.send(bytes);
        if bytes.ends_with(b"\x03") {
            while !capture.line().starts_with("desk: ") {}
        }
    }
    let recorded = capture.end();
    let readings = plays_back(&site, &recorded, "day.capture");
    let inputs: Vec<&str> = readings.iter().map(|reading| reading["verdict"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["ambiguous", "damaged", "ambiguous", "ambiguous"]);
    assert_eq!(mode_of(&site, "day.capture"), 0o600);
    assert_eq!(readings[2]["input"], "em4100:0A004D7603");
    let text = fs::read_to_string(site.path("day.capture")).unwrap();
    assert!(
        text.starts_with("cardbridge capture, version 1\nreader: desk\ndialect: id12la-ascii\ncard_left_ms: 0\nrecorded: 20"),
        "{text}"
    );
}

#[test]
fn what_the_site_says_of_a_reader_is_recorded_with_it() {
    let mut reader = SerialReader::plug_in();
    let site = bare_site();
    let told = "bits = 26\nbyte_order = \"reversed\"\ncard_left_ms = 3000\nkind = \"wiegand\"";
    site.configure(&reader.configuration("desk", "hex-number-line", told));
    let mut capture = Followed::start(site.command(&["capture", "--reader", "desk", "day.capture", "--count", "2"]));
    capture.hears("recording; show cards");
    reader.send(b"AE57F602\r\nAE57F602\r\nAE23F602\r\n");
    let recorded = capture.end();
    // The file alone is enough: this site knows nothing of that reader.
    site.configure("");
    let readings = plays_back(&site, &recorded, "day.capture");
    let inputs: Vec<&str> = readings.iter().map(|reading| reading["input"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["{26}BD95EB80", "{26}BD88EB80"]);
}

/// A site with a pcscd whose readers are `desk`, and `capture` at it.
fn recording(readers: usize, count: &str) -> (Pcscd, Site, Followed) {
    let pcscd = Pcscd::start(readers);
    let mut site = bare_site();
    site.env(pcscd.env());
    site.configure("[[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\n");
    let mut capture = Followed::start(site.command(&["capture", "--reader", "desk", "day.capture", "--count", count]));
    capture.hears("recording; show cards");
    (pcscd, site, capture)
}

#[test]
fn what_is_recorded_at_a_smart_card_reader_plays_back_to_the_same_readings() {
    let (pcscd, site, mut capture) = recording(1, "3");
    let card = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    assert!(capture.line().contains("{35}81EDBE1560"));
    drop(card);
    let gone = VirtualCard::insert(pcscd.addr(0), slow(pac_card(), Duration::from_secs(60))).unwrap();
    wait_for("the card to be asked", || (!gone.apdus().is_empty()).then_some(()));
    drop(gone);
    capture.hears("taken away too early");
    let card = VirtualCard::insert(pcscd.addr(0), uid_card("66 CF 4D C2")).unwrap();
    while !capture.line().contains("csn:66CF4DC2") {}
    drop(card);
    let _last = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    let recorded = capture.end();
    let readings = plays_back(&site, &recorded, "day.capture");
    let inputs: Vec<&str> = readings.iter().map(|reading| reading["input"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["{35}81EDBE1560", "csn:66CF4DC2", "{35}81EDBE1560"]);
    assert_eq!((&readings[0]["reader"], &readings[0]["transport"]), (&json!("desk"), &json!("pcsc")));
    let text = fs::read_to_string(site.path("day.capture")).unwrap();
    assert!(text.contains(&format!("\ndevice: {}\n", pcscd.name(0))), "{text}");
    assert!(text.contains(" failed the card was taken away too early") && text.contains(" card out"), "{text}");
}

#[test]
fn of_two_readers_of_one_name_one_is_recorded_by_its_own() {
    let pcscd = Pcscd::start(2);
    let mut site = bare_site();
    site.env(pcscd.env());
    site.configure("[[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\n");
    let refused = site.run(&["capture", "--reader", "desk", "day.capture"]);
    assert!(refused.code == 2 && refused.stderr.contains("desk#1"), "{refused:?}");
    let mut capture = Followed::start(site.command(&["capture", "--reader", "desk#2", "day.capture", "--count", "1"]));
    capture.hears("recording; show cards");
    let _other = VirtualCard::insert(pcscd.addr(0), uid_card("11 22 33 44")).unwrap();
    let _card = VirtualCard::insert(pcscd.addr(1), uid_card("66 CF 4D C2")).unwrap();
    let recorded = capture.end();
    assert_eq!(recorded.code, Some(0), "{recorded:#?}");
    let readings = site.run(&["replay", "day.capture", "--json"]).lines();
    assert_eq!(readings.iter().map(|reading| reading["input"].as_str().unwrap()).collect::<Vec<_>>(), ["csn:66CF4DC2"]);
}

#[test]
fn a_capture_that_is_there_already_is_left_alone() {
    let reader = SerialReader::plug_in();
    let site = bare_site();
    site.configure(&reader.configuration("desk", "id12la-ascii", ""));
    fs::write(site.path("day.capture"), "precious").unwrap();
    let ended = site.run(&["capture", "--reader", "desk", "day.capture", "--timeout", "1"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("day.capture"), "{ended:?}");
    assert_eq!(fs::read_to_string(site.path("day.capture")).unwrap(), "precious");
}

#[test]
fn a_capture_ended_by_hand_is_whole() {
    let mut reader = SerialReader::plug_in();
    let site = bare_site();
    site.configure(&reader.configuration("desk", "id12la-ascii", ""));
    for (file, shows) in [("empty.capture", false), ("day.capture", true)] {
        let mut capture = Followed::start(site.command(&["capture", "--reader", "desk", file]));
        // What came before the port was ready is nobody's card.
        capture.hears("recording");
        if shows {
            reader.send(b"\x020C000621A58E\r\n\x03");
            capture.line();
        }
        let recorded = capture.signal("INT");
        assert_eq!(plays_back(&site, &recorded, file).len(), usize::from(shows));
    }
}

#[test]
fn a_recording_at_a_reader_that_is_not_there_fails_when_its_time_is_over() {
    let site = bare_site();
    site.configure("[[reader]]\nname = \"desk\"\nserial = \"/dev/nothing-there\"\ndialect = \"id12la-ascii\"\n");
    let ended = site.run(&["capture", "--reader", "desk", "--timeout", "1", "none.capture"]);
    assert!(ended.code == 1 && ended.stderr.contains("no card was recorded (desk: "), "{ended:?}");
}

#[test]
fn a_reader_that_is_not_configured_is_refused_with_those_that_are() {
    let site = bare_site();
    site.configure("[[reader]]\nname = \"desk\"\nserial = \"/dev/null\"\ndialect = \"hex-line\"\n");
    let ended = site.run(&["capture", "--reader", "gate", "day.capture"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("gate") && ended.stderr.contains("desk"), "{ended:?}");
    assert!(!site.path("day.capture").exists());
}

// ---- what is no capture

const HEAD: &str = "cardbridge capture, version 1\nreader: desk\ndialect: id12la-ascii\nrecorded: 2026-01-01T08:00:00.000Z\n\n";

#[test]
fn a_file_that_is_no_capture_is_refused_with_its_name_and_line() {
    let site = bare_site();
    let head = |from: &str, to: &str| HEAD.replace(from, to);
    for (text, line, words) in [
        (String::new(), 1, "cardbridge capture, version 1"),
        ("something else\n".to_owned(), 1, "cardbridge capture, version 1"),
        (head("version 1", "version 2"), 1, "newer cardbridge"),
        (head("version 1", "version one"), 1, "version 1"),
        (head("reader: desk", "raeder: desk"), 2, "raeder"),
        (head("reader: desk\n", ""), 1, "reader"),
        (head("dialect: id12la-ascii\n", ""), 1, "dialect"),
        (head("dialect: id12la-ascii", "dialect: id12la-ascii\nbits: many"), 4, "bits"),
        (head("dialect: id12la-ascii", "dialect: id12la-ascii\nkind: weigand"), 4, "kind"),
        (head("dialect: id12la-ascii", "dialect: id12la-ascii\nbyte_order: backwards"), 4, "byte_order"),
        (head("2026-01-01T08:00:00.000Z", "yesterday"), 4, "recorded"),
        (format!("{HEAD}0.000 < 02 3\n"), 6, "expected"),
        (format!("{HEAD}# a comment\n0.000 < 02 30\n0.100 < 0G\n"), 8, "expected"),
        (format!("{HEAD}0.000 < 02\nnow < 03\n"), 7, "expected"),
        (format!("{HEAD}0.000 << 02\n"), 6, "expected"),
        (format!("{HEAD}0.000 <\n"), 6, "expected"),
        (format!("{HEAD}-1.000 < 02\n"), 6, "expected"),
        (format!("{HEAD}99999999999999999999999.0 < 02\n"), 6, "expected"),
    ] {
        fs::write(site.path("wrong.capture"), &text).unwrap();
        let ended = site.run(&["replay", "wrong.capture"]);
        assert_eq!(ended.code, 2, "{text}\n{ended:?}");
        assert!(ended.stderr.contains(&format!("wrong.capture: line {line}: ")), "line {line} of\n{text}\n{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{words} of\n{text}\n{}", ended.stderr);
        let as_json = site.run(&["replay", "wrong.capture", "--json"]);
        assert_eq!((as_json.code, &as_json.last()["error"]["code"]), (2, &json!("capture")), "{as_json:?}");
    }
}

#[test]
fn a_dialect_that_nobody_knows_is_refused_at_its_line() {
    let site = bare_site();
    fs::write(site.path("wrong.capture"), HEAD.replace("id12la-ascii", "id12la-asci")).unwrap();
    let ended = site.run(&["replay", "wrong.capture"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("wrong.capture: line 3: ") && ended.stderr.contains("id12la-asci"), "{}", ended.stderr);
}

#[test]
fn a_file_that_cannot_be_read_as_text_is_refused_with_its_name() {
    let site = bare_site();
    fs::write(site.path("binary.capture"), b"cardbridge capture, version 1\n\xFF\xFE").unwrap();
    for file in ["binary.capture", "not-there.capture"] {
        let ended = site.run(&["replay", file]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(file), "{ended:?}");
    }
}

#[test]
fn what_never_ends_is_refused_at_once_and_not_waited_for() {
    let site = bare_site();
    mkfifo(&site.path("pipe.capture"), Mode::S_IRWXU).unwrap();
    for arguments in [&["replay"][..], &["replay", "--json"], &["capture", "--redact"]] {
        for file in ["pipe.capture", "/dev/zero", "."] {
            let new: &[&str] = if arguments[0] == "capture" { &["new.capture"] } else { &[] };
            let ended = site.run(&[arguments, &[file], new].concat());
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(ended.code == 2 && said.contains(&format!("{file}: this is no file")), "{arguments:?} {file}: {ended:?}");
        }
    }
}

#[test]
fn a_line_that_is_no_line_of_a_capture_is_refused_with_its_number() {
    let site = bare_site();
    fs::write(site.path("long.capture"), format!("{HEAD}0.000 <{}\n", " 30".repeat(1 << 20))).unwrap();
    let ended = site.run(&["replay", "long.capture"]);
    assert!(ended.code == 2 && ended.stderr.contains("long.capture: line 6: the line is longer than"), "{}", ended.stderr);
    fs::write(site.path("late.capture"), format!("{HEAD}0.000 < 30\nbits: 26\n")).unwrap();
    let ended = site.run(&["replay", "late.capture"]);
    assert!(ended.code == 2 && ended.stderr.contains("late.capture: line 7: the header `bits:`"), "{}", ended.stderr);
}

#[test]
fn cards_before_a_wrong_line_are_shown_and_the_line_is_told() {
    let site = bare_site();
    long_capture(&site, 100);
    let text = fs::read_to_string(site.path("long.capture")).unwrap();
    fs::write(site.path("long.capture"), format!("{text}100.000 < 0\n")).unwrap();
    let ended = site.run(&["replay", "--json", "long.capture"]);
    assert_eq!((ended.code, ended.lines().len()), (2, 101), "{}", ended.stderr);
    assert!(ended.last()["error"]["message"].as_str().unwrap().contains("long.capture: line 106: column "), "{}", ended.last());
}

#[test]
fn no_card_is_enrolled_from_a_file_that_is_wrong_in_its_last_line() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let good = capture_file("twn3-hidprox");
    fs::write(site.path("wrong.capture"), format!("{HEAD}0.000 < 0\n")).unwrap();
    let ended = site.run(&["replay", "--enroll", "--user", ADA, "--json", &good, "wrong.capture"]);
    assert!(ended.code == 2 && ended.last()["error"]["message"].as_str().unwrap().contains("line 6"), "{ended:?}");
    assert_eq!((blusky.sent(), site.outbox().len()), (0, 0));
}

// ---- replay --enroll

#[test]
fn cards_of_a_capture_are_enrolled_at_a_simulator() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    // V030 twice: it was presented again after it had left. The second one is this user's already.
    let ended = site.run(&["replay", "--enroll", "--user", ADA, "--confirm", "--json", &capture_file("twn3-hidprox")]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.states(), ["saved", "sending", "accepted", "saved", "sending", "accepted"]);
    assert_eq!(ended.last()["warnings"], json!(["already_assigned_to_this_user"]));
    let cards = blusky.cards();
    assert_eq!(cards.len(), 1);
    assert_eq!((&cards[0]["FacilityCode"], &cards[0]["InternalCardNumber"]), (&json!(1), &json!(3)));
    assert!(cards[0]["Assignment"].to_string().contains(ADA));
}

#[test]
fn a_card_of_a_capture_that_nothing_proves_is_not_enrolled_unasked() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&["replay", "--enroll", "--user", ADA, "--json", &capture_file("twn3-hidprox")]);
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (1, &json!("unproven")), "{ended:?}");
    assert!(ended.last()["error"]["settle"].to_string().contains("facility_codes = [1]"), "{ended:?}");
    assert_eq!((blusky.sent(), site.outbox().len()), (0, 0));
}

#[test]
fn a_damaged_card_of_a_capture_is_not_enrolled_and_the_next_one_is() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let config = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&config.replace("\"hid-h10301\"", "\"em4100-8-16\"").replace("\"H10301\"", "\"em4100-8-16\""));
    let ended = site.run(&["replay", "--enroll", "--user", ADA, "--confirm", "--json", &capture_file("id12la-damaged")]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(ended.lines()[0]["error"]["code"], "damaged", "{ended:?}");
    assert_eq!(ended.states(), ["saved", "sending", "accepted"]);
    assert_eq!((blusky.sent(), &blusky.cards()[0]["InternalCardNumber"]), (1, &json!(8613)));
}

#[test]
fn enrolling_from_a_capture_wants_a_user() {
    let site = bare_site();
    let ended = site.run(&["replay", "--enroll", &capture_file("twn3-hidprox")]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("--user"), "{ended:?}");
}

/// A BluSKY that is no simulator: it takes every card, shows none, and remembers what it was asked.
fn a_real_blusky() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            while let Some(Ok(line)) = reader.by_ref().lines().next().filter(|line| line.as_ref().is_ok_and(|line| !line.is_empty())) {
                head.push(line);
            }
            let Some(first) = head.first() else { continue };
            let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap()));
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            heard.lock().unwrap().push(first.clone());
            let (status, answer) = if first.starts_with("POST") {
                ("200 OK", "{\"Value\":\"5d3bd0c1-2f9c-4d5b-8b45-0d0b5b3c9f10\",\"ResultCode\":0,\"Description\":\"Success\"}")
            } else {
                ("404 Not Found", "{\"Message\":\"No HTTP resource was found\"}")
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                answer.len()
            );
            reader.get_mut().write_all((head + answer).as_bytes()).unwrap();
        }
    });
    (base_url, asked)
}

#[test]
fn old_cards_are_enrolled_in_a_real_blusky_only_when_it_is_really_meant() {
    let (base_url, asked) = a_real_blusky();
    let posts = || asked.lock().unwrap().iter().filter(|request| request.starts_with("POST")).count();
    let site = Site::at(&base_url, "");
    let arguments = ["replay", "--enroll", "--user", ADA, "--confirm", "--json", &capture_file("twn3-hidprox")];
    let refused = site.run(&arguments);
    assert_eq!((refused.code, &refused.last()["error"]["code"]), (2, &json!("not_a_simulator")), "{refused:?}");
    assert!(refused.last()["error"]["help"].as_str().unwrap().contains("--really"), "{refused:?}");
    assert_eq!((posts(), site.outbox().len()), (0, 0));
    let done = site.run(&[&arguments[..], &["--really"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.last()["state"], "accepted");
    assert_eq!(posts(), 2);
}

#[test]
fn a_blusky_that_cannot_be_reached_is_no_simulator() {
    let site = Site::at("http://127.0.0.1:9", "");
    let refused = site.run(&["replay", "--enroll", "--user", ADA, &capture_file("twn3-hidprox")]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(site.outbox().len(), 0);
}

/// As programs of Windows save it: UTF-16, with a mark in front.
fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{}", text.replace('\n', "\r\n")).encode_utf16().flat_map(order).collect()
}

/// As a spreadsheet saves it: what holds a comma or a quotation mark, or all of it, between quotation marks.
fn quoted(text: &str, is_all: bool) -> String {
    let cell =
        |line: &str| if is_all || line.contains([',', '"']) { format!("\"{}\"", line.replace('"', "\"\"")) } else { line.to_owned() };
    text.lines().map(|line| cell(line) + "\r\n").collect()
}

#[test]
fn a_capture_that_went_through_programs_of_windows_says_the_same() {
    let site = bare_site();
    site.configure("[[reader]]\nname = \"desk\"\nkeyboard = \"ffff:0035\"\ntemplate = \"{card_number:dec}\"\n");
    let typed: String = [11, 2, 3, 4, 28]
        .iter()
        .enumerate()
        .flat_map(|(at, code)| [(at, code, 1), (at, code, 0)])
        .map(|(at, code, value)| format!("Event: time 1700000000.{at:03}000, type 1 (EV_KEY), code {code} (?), value {value}\n"))
        .collect();
    let osdp = format!("{}\n", r#"{"timeSec":"1700000000","timeNano":"301000000","io":"trace","data":"53ff0f000250ff011a00cd22c71667"}"#);
    let serial = fs::read_to_string(capture_file("id12la-good")).unwrap();
    for (name, text, arguments) in [("serial", serial.as_str(), &[][..]), ("osdp", &osdp, &[]), ("typed", &typed, &["--reader", "desk"])] {
        let said = |bytes: &[u8]| {
            fs::write(site.path(name), bytes).unwrap();
            let replayed = site.run(&[&["replay", name, "--json"], arguments].concat());
            assert_eq!(replayed.code, 0, "{name}: {replayed:?}");
            replayed.stdout
        };
        let before = said(text.as_bytes());
        assert!(!before.is_empty(), "{name}");
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(said(&utf_16(text, order)), before, "{name}");
            assert_eq!(said(&utf_16(&quoted(text, true), order)), before, "{name}");
        }
        for is_all in [true, false] {
            assert_eq!(said(quoted(text, is_all).as_bytes()), before, "{name}");
        }
    }
    fs::write(site.path("serial"), utf_16(&serial, u16::to_le_bytes)).unwrap();
    let redacted = site.run(&["capture", "--redact", "serial", "redacted"]);
    assert_eq!(redacted.code, 0, "{redacted:?}");
}
