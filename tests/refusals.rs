//! What cannot be done is refused before anything is stored or sent, in words that say what to do: one line for programs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use cards::Plugged;
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{ADA, CARD, Ended, GRACE, Running, SYSTEM, SerialReader, Simulator, Site, h10301, wait_for};

const ENROLL: [&str; 5] = ["enroll", "--user", ADA, "--bits", CARD];
/// H10306, facility code 89, card number 9765 (liblogicalaccess, test_format.cpp).
const H10306_CARD: &str = "{34}002C9312C0";

/// The command is refused with this exit code: one JSON error line for programs, the same message for people.
fn refused(site: &Site, arguments: &[&str], exit: i32) -> Value {
    let programs = site.run(&[arguments, &["--json"]].concat());
    assert_eq!(programs.code, exit, "{programs:?}");
    let error = programs.error();
    let people = site.run(arguments);
    assert_eq!(people.code, exit, "{people:?}");
    let first = error["message"].as_str().unwrap().lines().next().unwrap();
    assert!(people.stderr.contains(first), "people are told {people:?}, programs {error}");
    error
}

/// The same, and neither here nor at BluSKY is anything stored.
fn refused_and_nothing_stored(blusky: &Simulator, site: &Site, arguments: &[&str], exit: i32) -> Value {
    let error = refused(site, arguments, exit);
    assert_eq!((site.outbox().len(), blusky.sent()), (0, 0), "{error}");
    error
}

/// True where all of these words are in the error, wherever they stand.
fn says(error: &Value, words: &[&str]) -> bool {
    let text = format!("{}\n{}", error["message"].as_str().unwrap(), error["help"].as_str().unwrap()).to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}

/// A site that believes these formats, with these card types.
fn site_with(base_url: &str, formats: &[&str], card_types: &[(u32, &[&str], &str)]) -> Site {
    let site = Site::at(base_url, "");
    let mut text = format!("[blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[site]\nformats = {formats:?}\n");
    for (number, formats, more) in card_types {
        text.push_str(&format!("[[card_type]]\nblusky = {number}\nformats = {formats:?}\nsystem = \"{SYSTEM}\"\n{more}\n"));
    }
    site.configure(&text);
    site
}

// ---- the card

#[test]
fn a_tie_is_shown_with_the_lines_that_settle_it_and_each_of_them_does() {
    let card_types: [(u32, &[&str], &str); 2] = [(3, &["hid-h10301"], ""), (4, &["indala-26"], "")];
    let blusky = Simulator::start(&[]);
    let site = site_with(&blusky.base_url, &[], &card_types);
    let error = refused_and_nothing_stored(&blusky, &site, &ENROLL, 1);
    assert_eq!(error["code"], "ambiguous");
    assert!(says(&error, &["hid-h10301", "4567", "indala-26", "471"]), "both readings are shown: {error}");
    let people = site.run(&ENROLL);
    let shown = format!("{}{}", people.stdout, people.stderr);
    let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with("formats = ")).collect();
    assert_eq!(lines.len(), 2, "{shown}");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    for (line, card_type, user) in [(lines[0], 3, ADA), (lines[1], 4, GRACE)] {
        assert!(text.contains("formats = []\n"));
        site.configure(&text.replace("formats = []", line));
        let ended = site.run(&["enroll", "--user", user, "--bits", CARD, "--json"]);
        assert_eq!((ended.code, &ended.last()["card_type"]), (0, &json!(card_type)), "{line}: {ended:?}");
    }
}

#[test]
fn a_damaged_card_is_not_stored_and_is_to_be_presented_again() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--bits", "{26}BD88EBC0"], 1);
    assert_eq!(error["code"], "damaged");
    assert!(says(&error, &["present it again"]), "{error}");
}

#[test]
fn a_card_damaged_on_the_reader_ends_the_enrollment_and_the_next_one_takes_the_intact_card() {
    let blusky = Simulator::start(&[]);
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let mut damaged = site.start(&["enroll", "--user", ADA, "--json"]);
    damaged.wait_for_stderr("hold the card");
    reader.send(b"1ABD88EBC0\r");
    let damaged = damaged.end();
    assert_eq!((damaged.code, damaged.error()["code"].as_str()), (1, Some("damaged")), "{damaged:?}");
    assert_eq!((site.outbox().len(), blusky.sent()), (0, 0));
    let mut intact = site.start(&["enroll", "--user", ADA, "--json"]);
    intact.wait_for_stderr("hold the card");
    reader.send(b"1ABD88EB80\r");
    let intact = intact.end();
    assert_eq!((intact.code, blusky.sent()), (0, 1), "{intact:?}");
}

#[test]
fn a_card_number_of_zero_is_never_sent_for_it_would_mean_automatic_numbering() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--bits", &h10301(123, 0)], 1);
    assert!(says(&error, &["0", "automatic"]), "{error}");
}

#[test]
fn a_card_type_that_requires_a_number_the_card_lacks_is_named_with_it() {
    let blusky = Simulator::start(&[]);
    for required in ["issue_code", "serial"] {
        let site = site_with(&blusky.base_url, &["H10301"], &[(3, &["hid-h10301"], &format!("requires = [\"{required}\"]"))]);
        let error = refused_and_nothing_stored(&blusky, &site, &ENROLL, 1);
        assert!(says(&error, &["card type 3", required, "hid-h10301"]), "{error}");
    }
}

#[test]
fn a_card_that_no_card_type_takes_is_refused_with_the_lines_to_add() {
    let blusky = Simulator::start(&[]);
    let site = site_with(&blusky.base_url, &["H10301", "H10306"], &[(3, &["hid-h10301"], "")]);
    let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--bits", H10306_CARD], 1);
    assert_eq!(error["code"], "no_card_type");
    assert!(says(&error, &["[[card_type]]", "hid-h10306"]), "{error}");
}

#[test]
fn a_card_of_another_card_type_than_ordered_is_refused_for_that_reason() {
    let blusky = Simulator::start(&[]);
    let site = site_with(&blusky.base_url, &["H10301", "H10306"], &[(3, &["hid-h10301"], ""), (4, &["hid-h10306"], "")]);
    let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--bits", H10306_CARD, "--card-type", "3"], 1);
    let words = error["message"].as_str().unwrap().to_lowercase().replace(['-', '_'], " ");
    assert!(words.contains("card type"), "the card type that was ordered does not take it: {error}");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", H10306_CARD, "--card-type", "4", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_card_with_another_number_than_the_printed_one_is_refused_for_that_reason() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let error = refused_and_nothing_stored(&blusky, &site, &[&ENROLL[..], &["--printed", "9999"]].concat(), 1);
    assert!(error["message"].as_str().unwrap().contains("printed"), "{error}");
    assert!(!says(&error, &["formats = [\"hid-h10301\"]"]), "a line that is configured already settles nothing: {error}");
}

#[test]
fn an_unknown_card_type_is_refused_with_the_configured_ones() {
    let blusky = Simulator::start(&[]);
    let site = site_with(&blusky.base_url, &["H10301"], &[(3, &["hid-h10301"], ""), (17, &["hid-h10306"], "")]);
    let error = refused_and_nothing_stored(&blusky, &site, &[&ENROLL[..], &["--card-type", "99"]].concat(), 1);
    assert!(says(&error, &["99", "3, 17"]), "{error}");
}

#[test]
fn a_format_in_two_card_types_needs_the_operators_choice() {
    let blusky = Simulator::start(&[]);
    let site = site_with(&blusky.base_url, &["H10301"], &[(3, &["hid-h10301"], ""), (4, &["hid-h10301"], "")]);
    let error = refused_and_nothing_stored(&blusky, &site, &ENROLL, 1);
    assert!(says(&error, &["--card-type", "3, 4"]), "{error}");
    let ended = site.run(&[&ENROLL[..], &["--card-type", "4", "--json"]].concat());
    assert_eq!((ended.code, &ended.last()["card_type"]), (0, &json!(4)), "{ended:?}");
    assert_eq!(blusky.bodies()[0]["CardType"], 4);
}

/// The bits of an H10302 card, as `encode` makes them.
fn h10302(site: &Site, number: u64) -> String {
    let ended = site.run(&["encode", "--format", "hid-h10302", "--card-number", &number.to_string()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout.split_whitespace().find(|word| word.starts_with("{37}")).unwrap_or_else(|| panic!("{ended:?}")).to_owned()
}

/// A site that takes H10302, with integers of this width.
fn wide(base_url: &str, width: u32) -> Site {
    let site = site_with(base_url, &["H10302"], &[(5, &["hid-h10302"], "")]);
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("[site]", &format!("integer_width = {width}\n[site]")));
    site
}

#[test]
fn a_number_above_31_bits_is_refused_until_the_site_has_confirmed_64() {
    let blusky = Simulator::start(&["--integer-width", "64"]);
    let narrow = wide(&blusky.base_url, 32);
    let (largest, above) = (h10302(&narrow, 2_147_483_647), h10302(&narrow, 2_147_483_648));
    for card in [above.as_str(), "{37}7FFFFFFFF8"] {
        let error = refused_and_nothing_stored(&blusky, &narrow, &["enroll", "--user", ADA, "--bits", card], 1);
        assert!(says(&error, &["integer_width = 64"]), "{error}");
    }
    assert_eq!(narrow.run(&["enroll", "--user", ADA, "--bits", &largest]).code, 0);
    let site = wide(&blusky.base_url, 64);
    for card in [above.as_str(), "{37}7FFFFFFFF8"] {
        let ended = site.run(&["enroll", "--user", ADA, "--bits", card, "--json"]);
        assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!([])), "{ended:?}");
    }
    let numbers: Vec<_> = blusky.cards().iter().map(|card| card["InternalCardNumber"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2_147_483_647, 2_147_483_648, 34_359_738_367]);
}

#[test]
fn a_blusky_that_finds_a_call_malformed_is_quoted_and_the_card_is_refused() {
    let blusky = Simulator::start(&["--integer-width", "32"]);
    let site = wide(&blusky.base_url, 64);
    let ended = site.run(&["enroll", "--user", ADA, "--bits", "{37}7FFFFFFFF8", "--json"]);
    assert_eq!((ended.code, &ended.last()["state"], blusky.sent()), (1, &json!("refused"), 1), "{ended:?}");
    assert!(ended.last()["description"].as_str().unwrap().contains("InternalCardNumber"), "{ended:?}");
}

#[test]
fn a_literal_that_is_none_is_refused_with_how_to_write_one() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    for literal in ["{26}BD88EBFF", "{26}BD", "{300}00", "hello", ""] {
        let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--bits", literal], 2);
        assert!(says(&error, &["{26}BD88EB80"]), "{literal}: {error}");
    }
}

// ---- the order

#[test]
fn a_guid_that_is_malformed_or_all_zero_is_nobody_and_no_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let zero = "00000000-0000-0000-0000-000000000000";
    let (guid, blank) = ("guid", "nothing stands there");
    for (user, word) in [("0f83442e", guid), ("0f83442e-a446-4577-8cdd-8ffdd51ab9cX", guid), (zero, guid), ("", blank), (" ", blank)] {
        let error = refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", user, "--bits", CARD], 2);
        assert!(says(&error, &[word]), "{user:?}: {error}");
    }
    for card in ["4567", zero] {
        refused_and_nothing_stored(&blusky, &site, &["enroll", "--user", ADA, "--card-id", card], 2);
    }
}

#[test]
fn a_window_that_ends_before_it_begins_is_refused_alike_for_every_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    // Later by the clock on the wall, and an hour earlier in time.
    let window = ["--activate", "2026-01-01T08:00:00Z", "--deactivate", "2026-01-01T09:00:00+02:00"];
    let literal = refused_and_nothing_stored(&blusky, &site, &[&ENROLL[..], &window].concat(), 2);
    assert!(says(&literal, &["--deactivate"]), "{literal}");
    let existing = refused_and_nothing_stored(&blusky, &site, &[&["enroll", "--user", ADA, "--card-id", GRACE], &window[..]].concat(), 2);
    assert_eq!(literal["code"], existing["code"]);
}

#[test]
fn what_is_wrong_with_the_order_is_said_before_a_card_is_waited_for() {
    let blusky = Simulator::start(&[]);
    let reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    for wrong in [
        &["--user", "nobody"][..],
        &["--user", ADA, "--reader", "dsek"],
        &["--user", ADA, "--card-type", "99"],
        &["--user", ADA, "--activate", "2026-01-02T00:00:00Z", "--deactivate", "2026-01-01T00:00:00Z"],
    ] {
        let ended = site.run(&[&["enroll", "--timeout", "2", "--json"], wrong].concat());
        assert_ne!(ended.error()["code"], "no_card", "{wrong:?} is known to be wrong without a card: {ended:?}");
        assert!(matches!(ended.code, 1 | 2), "{ended:?}");
    }
    assert_eq!((site.outbox().len(), blusky.sent()), (0, 0));
}

#[test]
fn a_time_without_its_offset_is_refused() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    for option in ["--activate", "--deactivate"] {
        let error = refused_and_nothing_stored(&blusky, &site, &[&ENROLL[..], &[option, "2026-01-01T08:00:00"]].concat(), 2);
        assert!(says(&error, &[option, "offset"]), "{error}");
    }
}

#[test]
fn a_pin_file_that_holds_no_pin_is_refused_and_named() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    fs::write(site.path("empty"), "\n").unwrap();
    fs::write(site.path("two-lines"), "90417\n90418\n").unwrap();
    for file in ["absent", "empty", "two-lines"] {
        let error = refused_and_nothing_stored(&blusky, &site, &[&ENROLL[..], &["--pin-file", file]].concat(), 2);
        assert!(says(&error, &[file]) && !error.to_string().contains("90417"), "{error}");
    }
}

#[test]
fn wrong_usage_is_one_json_line_too() {
    let site = Site::at("http://127.0.0.1:9", "");
    for wrong in [
        &["enroll", "--bits", CARD][..],
        &["enroll", "--user", ADA, "--bits", CARD, "--colour", "red"],
        &["enroll", "--user", ADA, "--bits", CARD, "--card-id", GRACE],
        &["enrol", "--user", ADA],
        &["outbox", "show"],
    ] {
        let ended = site.run(&[wrong, &["--json"]].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        ended.error();
    }
}

// ---- the reader

#[test]
fn a_reader_unplugged_while_a_card_is_waited_for_ends_the_wait_and_is_named() {
    let blusky = Simulator::start(&[]);
    for arguments in [&["enroll", "--user", ADA, "--json"][..], &["enroll", "--user", ADA]] {
        let plugs = tempfile::tempdir().unwrap();
        let plug = plugs.path().join("tty");
        let reader = Plugged::plug_in(plug.clone());
        let desk = format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"twn3-hidprox\"\n", plug.display());
        let site = Site::at(&blusky.base_url, &desk);
        let log = site.path("log");
        let mut command = site.command(arguments);
        command.env("CARDBRIDGE_LOG", "info").stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let enroll = Running::begin(&mut command);
        let said = || fs::read_to_string(&log).unwrap();
        wait_for("the reader", || said().contains("the reader is there").then_some(()));
        drop(reader);
        let ended = enroll.end();
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(said().contains("desk") && said().contains("unplugged"), "{}", said());
        let last = if arguments.contains(&"--json") { ended.error()["message"].to_string() } else { said() };
        assert!(last.contains("no reader is left") && last.contains(plug.to_str().unwrap()), "{last}");
        assert_eq!((site.outbox().len(), blusky.sent()), (0, 0));
    }
}

#[test]
fn no_card_within_the_time_given_ends_the_wait() {
    let reader = SerialReader::plug_in();
    let site = Site::at("http://127.0.0.1:9", &reader.configuration("desk", "twn3-hidprox", ""));
    let before = Instant::now();
    let error = refused(&site, &["enroll", "--user", ADA, "--timeout", "1"], 1);
    assert!(says(&error, &["no card", "1 s", "--timeout"]), "{error}");
    assert!(before.elapsed() >= Duration::from_secs(2), "each of the two waited its second");
    assert!(site.outbox().is_empty());
}

#[test]
fn without_a_reader_enroll_says_how_to_go_on() {
    let site = Site::at("http://127.0.0.1:9", "");
    let error = refused(&site, &["enroll", "--user", ADA], 2);
    assert!(says(&error, &["no reader", "[[reader]]", "--bits"]), "{error}");
}

// ---- the configuration

const WRONG: &str = r#"[blusky]
base_ulr = "http://127.0.0.1:8900"
token_file = "token"
integer_width = 48
success_codes = "all"

[site]
formats = ["H10310"]
facility_codes = [-1]

[[card_type]]
blusky = "three"
formats = ["hid-h10301"]
system = "00000000-0000-0000-0000-000000000000"
requires = ["facilitycode"]
external_number = "{card_numbr}"

[enroll]
reassign = "sometimes"

[[reader]]
name = "desk"
serial = "/dev/ttyUSB0"
dialect = "id12la-asci"

[stroe]
path = "here.db"
"#;

#[test]
fn every_mistake_of_the_configuration_is_named_at_once_with_its_place_and_the_nearest_known_word() {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(WRONG);
    let error = refused(&site, &ENROLL, 2);
    let message = error["message"].as_str().unwrap();
    let file = site.path("cardbridge.toml").display().to_string();
    for (line, column, words) in [
        (2, 1, "`base_url`?"),
        (4, 17, "32 or 64"),
        (5, 18, "success_codes"),
        (8, 13, "`H10301`?"),
        (9, 19, "facility_codes"),
        (12, 11, "card_type.blusky"),
        (14, 11, "card_type.system"),
        (15, 14, "facility_code"),
        (16, 20, "card_numbr"),
        (19, 13, "reassign"),
        (24, 12, "`id12la-ascii`?"),
        (26, 2, "`store`?"),
    ] {
        let place = format!("{file}:{line}:{column}: ");
        // A place in quotes may be the quote or the letter after it.
        let next = format!("{file}:{line}:{}: ", column + 1);
        let found = message.lines().any(|finding| (finding.starts_with(&place) || finding.starts_with(&next)) && finding.contains(words));
        assert!(found, "{place}{words} is not said:\n{message}");
    }
    assert!(!site.path("cardbridge.db").exists(), "nothing is made with a wrong configuration");
}

#[test]
fn a_configuration_that_is_no_toml_is_refused_with_its_place() {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure("[site]\nformats = [\"H10301\"\n[blusky]\n");
    let error = refused(&site, &ENROLL, 2);
    let file = site.path("cardbridge.toml").display().to_string();
    assert!(error["message"].as_str().unwrap().starts_with(&format!("{file}:")) && says(&error, &["not TOML"]), "{error}");
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let site = Site::at("http://127.0.0.1:9", "");
    fs::remove_file(site.path("cardbridge.toml")).unwrap();
    let error = refused(&site, &ENROLL, 2);
    assert!(says(&error, &[site.path("cardbridge.toml").to_str().unwrap()]), "{error}");
}

#[test]
fn a_token_is_never_sent_readable_over_a_network() {
    let site = Site::at("http://127.0.0.1:9", "");
    let with = |url: &str, more: &str| site.configure(&format!("[blusky]\nbase_url = \"{url}\"\ntoken_file = \"token\"\n{more}"));
    for url in [
        "http://blusky.example.com",
        "http://192.0.2.7:8900",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://blusky.example.com",
        "blusky.example.com",
        "https://user:secret@blusky.example.com",
        "https://blusky.example.com ",
    ] {
        with(url, "");
        let error = refused(&site, &ENROLL, 2);
        let place = format!("{}:2:1", site.path("cardbridge.toml").display());
        assert!(says(&error, &["base_url", "https://"]) || says(&error, &["base_url", "address only"]), "{url}: {error}");
        assert!(error["message"].as_str().unwrap().starts_with(&place), "{url}: {error}");
    }
    for (url, more) in [
        ("http://127.0.0.1:9", ""),
        ("http://[::1]:9", ""),
        ("http://localhost:9", ""),
        ("https://blusky.example.com/x/", ""),
        ("http://192.0.2.7", "insecure_http = true\n"),
    ] {
        with(url, more);
        assert_eq!(site.run(&["outbox", "list"]).code, 0, "{url}");
    }
}

#[test]
fn a_site_without_blusky_is_refused_before_a_card_is_stored() {
    let site = Site::at("http://127.0.0.1:9", "");
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(text.split_once("[site]").map(|(_, rest)| format!("[site]{rest}")).unwrap().as_str());
    let error = refused(&site, &ENROLL, 2);
    assert!(says(&error, &["[blusky]", "base_url"]), "{error}");
    assert!(site.outbox().is_empty());
}

// ---- protocol files

/// Writes protocol files of which each is wrong in its own way.
fn wrong_protocols(folder: &Path) {
    for room in ["cards", "serial", "smartcards"] {
        fs::create_dir_all(folder.join(room)).unwrap();
    }
    let card = "id = \"site-26\"\nname = \"Ours\"\nsource = \"us\"\nconfidence = \"table\"\n";
    let short = "layout = \"\"\"\nPFFFFFFFFNNNNNNNNNNNNNNNNP\nEXXXXXXXXXXXX............\n.............XXXXXXXXXXXXO\n\"\"\"\n";
    let rest = "[fields]\nF = \"facility_code\"\nN = \"card_number\"\n[[sample]]\nsource = \"us\"\nbits = \"{26}BD88EB80\"\nfacility_code = 123\ncard_number = 4567\n";
    fs::write(folder.join("cards/short-row.toml"), format!("{card}{short}{rest}")).unwrap();
    let whole = short.replace("EXXXXXXXXXXXX............\n", "EXXXXXXXXXXXX.............\n");
    fs::write(folder.join("cards/false-sample.toml"), format!("{card}{whole}{rest}").replace("4567", "4568")).unwrap();
    fs::write(folder.join("cards/unknown-key.toml"), format!("{card}{whole}{rest}").replace("name = ", "nmae = ")).unwrap();
    fs::write(folder.join("serial/not-toml.toml"), "id = \"x\nname = \n").unwrap();
    let script = "id = \"eraser\"\nname = \"x\"\nsource = \"us\"\nconfidence = \"derived\"\nkind = \"csn\"\n[[step]]\nsay = \"FF D6 00 04 10\"\nwant = \"90 00\"\n";
    fs::write(folder.join("smartcards/writes.toml"), script).unwrap();
}

#[test]
fn check_names_every_finding_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    wrong_protocols(folder.path());
    let site = Site::at("http://127.0.0.1:9", "");
    let path = folder.path().to_str().unwrap();
    for arguments in [&["check", path][..], &["check", "--protocols", path]] {
        let ended = site.run(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        for (file, line, words) in [
            ("cards/short-row.toml", 7, "25 columns"),
            ("cards/false-sample.toml", 13, "4567"),
            ("cards/unknown-key.toml", 2, "`name`?"),
            ("serial/not-toml.toml", 1, "TOML"),
            ("smartcards/writes.toml", 7, "FF D6"),
        ] {
            let place = format!("{path}/{file}:{line}:");
            let column = |finding: &str| finding.strip_prefix(&place)?.split_once(": ")?.0.parse::<usize>().ok();
            let found = ended.stdout.lines().any(|finding| column(finding).is_some_and(|column| column > 0) && finding.contains(words));
            assert!(found, "{place}COLUMN: …{words}… is not said:\n{}", ended.stdout);
        }
    }
}

#[test]
fn check_is_content_with_what_is_built_in_and_refuses_a_folder_that_is_not_there() {
    let site = Site::at("http://127.0.0.1:9", "");
    let clean = site.run(&["check"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    let missing = site.run(&["check", "nowhere"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("nowhere"), "{missing:?}");
}

#[test]
fn wrong_protocol_files_are_left_out_and_named_and_stop_no_other_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    wrong_protocols(&site.path("protocols"));
    let protocols = site.path("protocols");
    let ended = site.run(&[&ENROLL[..], &["--json", "--protocols", protocols.to_str().unwrap()]].concat());
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    for file in ["short-row.toml:7:", "false-sample.toml:13:", "unknown-key.toml:2:", "not-toml.toml:1:", "writes.toml:7:"] {
        assert!(ended.stderr.contains(file), "{file} is not named: {}", ended.stderr);
    }
}

#[test]
fn a_protocol_folder_that_is_not_there_is_refused() {
    let site = Site::at("http://127.0.0.1:9", "");
    let error = refused(&site, &[&ENROLL[..], &["--protocols", "nowhere"]].concat(), 2);
    assert!(says(&error, &["nowhere", "cards/"]), "{error}");
}

#[test]
fn an_unknown_dialect_is_refused_with_the_nearest_one() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[[reader]]\nname = \"desk\"\nserial = \"/dev/null\"\ndialect = \"twn3-hidprx\"\n");
    let error = refused(&site, &["enroll", "--user", ADA], 2);
    assert!(says(&error, &["twn3-hidprx", "`twn3-hidprox`?"]), "{error}");
}

// ---- the store

/// The bytes of a file, to see that nothing was done to it.
fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Makes the store, and an entry in it that was accepted.
fn with_an_entry(site: &Site) {
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(7, 7), "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_store_that_another_program_holds_is_refused_and_nothing_is_sent() {
    let blusky = Simulator::start(&[]);
    let old = Site::at(&blusky.base_url, "");
    with_an_entry(&old);
    let new = Site::at(&blusky.base_url, "");
    let holders = [&old, &new].map(|site| {
        let holder = Connection::open(site.path("cardbridge.db")).unwrap();
        holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
        holder
    });
    let programs = [&old, &new].map(|site| site.start(&[&ENROLL[..], &["--json"]].concat()));
    let people = [&old, &new].map(|site| site.start(&ENROLL));
    for (site, ended) in [&old, &new].into_iter().zip(programs.map(Running::end)) {
        assert_eq!(ended.code, 1, "{ended:?}");
        let path = site.path("cardbridge.db");
        assert!(says(&ended.error(), &["locked by another program", path.to_str().unwrap()]), "{ended:?}");
    }
    for ended in people.map(Running::end) {
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stderr.contains("locked by another program"), "{ended:?}");
    }
    drop(holders);
    assert_eq!((old.outbox().len(), new.outbox().len(), blusky.sent()), (1, 0, 1));
    let ended = old.run(&ENROLL);
    assert_eq!(ended.code, 0, "once it is let go, it is as before: {ended:?}");
}

#[test]
fn a_store_that_is_held_for_a_moment_is_waited_for() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    with_an_entry(&site);
    let holder = Connection::open(site.path("cardbridge.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let enroll = site.start(&[&ENROLL[..], &["--json"]].concat());
    enroll.wait_until_open(&site.path("cardbridge.db"));
    thread::sleep(Duration::from_millis(500));
    drop(holder);
    let ended = enroll.end();
    assert_eq!((ended.code, ended.states()), (0, ["saved", "sending", "accepted"].map(ToOwned::to_owned).to_vec()), "{ended:?}");
}

#[test]
fn nothing_is_sent_while_it_cannot_be_written_down_that_it_is() {
    let blusky = Simulator::start(&["--fault", "status=429:1"]);
    let site = Site::at(&blusky.base_url, "");
    let log = site.path("log");
    let mut command = site.command(&[&ENROLL[..], &["--outcome-timeout", "60", "--json"]].concat());
    let enroll = Running::begin(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
    wait_for("the first call", || (blusky.sent() == 1).then_some(()));
    site.wait_for_outbox(|entries| entries.iter().any(|entry| entry["state"] == "saved" && entry["why"].is_string()));
    let holder = Connection::open(site.path("cardbridge.db")).unwrap();
    holder.busy_timeout(Duration::from_secs(5)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    wait_for("the words", || fs::read_to_string(&log).unwrap().contains("cannot be written").then_some(()));
    assert_eq!((blusky.sent(), blusky.cards().len()), (1, 0));
    drop(holder);
    let ended = enroll.end();
    assert_eq!((ended.code, blusky.sent(), blusky.cards().len()), (0, 2, 1), "{ended:?}");
}

#[test]
fn a_store_that_a_newer_program_made_is_left_as_it_is() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    with_an_entry(&site);
    let path = site.path("cardbridge.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = bytes(&path);
    for arguments in [&ENROLL[..], &["outbox", "list"]] {
        let error = refused(&site, arguments, 1);
        assert!(says(&error, &["99", "newer", path.to_str().unwrap()]), "{error}");
    }
    assert_eq!((bytes(&path) == before, blusky.sent()), (true, 1));
}

#[test]
fn a_file_that_is_no_store_of_ours_is_left_as_it_is() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let path = site.path("cardbridge.db");
    let sqlite = || Connection::open(&path).unwrap().execute_batch("CREATE TABLE wages (name TEXT, amount INTEGER)").unwrap();
    let text = || fs::write(&path, "minutes of the meeting\n".repeat(200)).unwrap();
    let makes: [&dyn Fn(); 2] = [&sqlite, &text];
    for make in makes {
        make();
        let before = bytes(&path);
        let error = refused(&site, &ENROLL, 1);
        assert!(says(&error, &["not a cardbridge store", "[store]", path.to_str().unwrap()]), "{error}");
        assert_eq!((bytes(&path) == before, blusky.sent()), (true, 0));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_store_whose_folder_is_not_there_is_named() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\npath = \"nowhere/cardbridge.db\"\n");
    let error = refused(&site, &ENROLL, 1);
    assert!(says(&error, &["nowhere/cardbridge.db", "folder"]), "{error}");
    assert_eq!(blusky.sent(), 0);
}

#[test]
fn a_configuration_that_names_no_store_no_group_or_a_reader_without_a_name_is_wrong() {
    let blusky = Simulator::start(&[]);
    for (more, wanted) in [
        ("[store]\npath = \"\"\n", "`store.path` is empty"),
        ("[station]\ngroup = \"nosuchgroup\"\n", "there is no group \"nosuchgroup\""),
        ("[[reader]]\nname = \" \"\npcsc = \"*\"\n", "a reader's name"),
    ] {
        let site = Site::at(&blusky.base_url, more);
        let error = refused(&site, &ENROLL, 2);
        assert!(says(&error, &[wanted]), "{error}");
    }
    assert_eq!(blusky.sent(), 0);
}

#[test]
fn a_store_is_for_its_owner_alone() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    // Somebody may have made it by hand before.
    fs::write(site.path("cardbridge.db"), "").unwrap();
    fs::set_permissions(site.path("cardbridge.db"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(site.outbox().is_empty());
    let _station = site.station();
    with_an_entry(&site);
    let modes = || {
        let files = fs::read_dir(site.folder.path()).unwrap().flatten();
        let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with("cardbridge.db"));
        // A file can go between the two looks.
        ours.filter_map(|file| Some((file.file_name(), file.metadata().ok()?.mode() & 0o777))).collect::<Vec<_>>()
    };
    // The log and the socket too, once the station is the one that has the store.
    let modes = wait_for("the station's files", || Some(modes()).filter(|modes| modes.len() >= 5));
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

// ---- the disk

/// A mount namespace with a disk in it that nobody else sees; it ends with this value.
struct Disk {
    holder: Child,
    _stdin: ChildStdin,
    as_root: bool,
}

impl Disk {
    /// Prepares it by a script that runs in the site's folder.
    fn prepared(site: &Site, script: &str) -> Self {
        let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = Command::new("unshare");
        // Root needs no user namespace, and everybody else is root in one.
        command.args(if as_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
        command.args(["sh", "-ec", &format!("{script}\necho prepared\nexec cat")]).current_dir(site.folder.path());
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare (util-linux) is installed");
        let stdin = holder.stdin.take().unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "prepared\n", "this test needs root, or user namespaces (sysctl kernel.unprivileged_userns_clone=1)");
        Self { holder, _stdin: stdin, as_root }
    }

    /// A disk of one mebibyte with this many kibibytes free, mounted at `disk`; the site's store is on it.
    fn with_room(site: &Site, kib: u32) -> Self {
        let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        site.configure(&format!("{text}\n[store]\npath = \"disk/cardbridge.db\"\n"));
        let mount = "mkdir disk\nmount -t tmpfs -o size=1024k tmpfs disk";
        Self::prepared(site, &format!("{mount}\ndd if=/dev/zero of=disk/filler bs=1024 count={} status=none", 1024 - kib))
    }

    /// A command that sees the disk.
    fn command(&self, site: &Site, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg(program).args(arguments).current_dir(site.folder.path()).stdin(Stdio::null());
        command
    }

    /// A command of the shipped binary that sees the disk.
    fn cardbridge(&self, site: &Site, arguments: &[&str]) -> Command {
        let mut command = self.command(site, env!("CARGO_BIN_EXE_cardbridge"), arguments);
        command.arg("--config").arg(site.path("cardbridge.toml"));
        command
    }

    fn run(&self, site: &Site, arguments: &[&str]) -> Ended {
        Ended::after(&mut self.cardbridge(site, arguments))
    }

    /// Fills what is left of it.
    fn fill(&self, site: &Site) {
        // The path is whole, so that it is looked up where the disk is; more than two mebibytes are never written.
        let file = format!("of={}", site.path("disk/filler").display());
        let filled = Ended::after(&mut self.command(site, "dd", &["if=/dev/zero", &file, "bs=1024", "count=2048"]));
        assert!(filled.stderr.contains("No space left"), "the disk is small and full now: {filled:?}");
    }

    fn free(&self, site: &Site) {
        let file = site.path("disk/filler");
        assert_eq!(Ended::after(&mut self.command(site, "rm", &[file.to_str().unwrap()])).code, 0);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

#[test]
fn wherever_the_disk_ends_a_card_is_refused_for_that_reason_or_stays_saved_and_is_sent_once() {
    let blusky = Simulator::start(&[]);
    let mut saved = 0;
    for (number, size) in (1..).zip((60..=180).step_by(4)) {
        let site = Site::at(&blusky.base_url, "");
        let disk = Disk::with_room(&site, size);
        let sent = blusky.sent();
        let enroll = ["enroll", "--user", ADA, "--bits", &h10301(123, number), "--outcome-timeout", "1", "--json"];
        let ended = disk.run(&site, &enroll);
        match ended.code {
            0 => {}
            1 => {
                assert!(says(&ended.error(), &["disk is full", "cardbridge.db"]), "{size}k: {ended:?}");
                assert_eq!(blusky.sent(), sent, "{size}k");
            }
            3 => {
                saved += 1;
                assert_eq!(ended.states()[0], "saved", "{size}k: {ended:?}");
                disk.free(&site);
                let _station = Running::begin(disk.cardbridge(&site, &["run"]).stderr(Stdio::null()));
                wait_for("the delivery", || {
                    let entries = disk.run(&site, &["outbox", "list", "--json"]).lines();
                    (entries.len() == 1 && entries[0]["state"] == "accepted").then_some(())
                });
            }
            _ => panic!("{size}k: {ended:?}"),
        }
        let cards = blusky.cards().iter().filter(|card| card["InternalCardNumber"] == number).count();
        assert_eq!((cards, blusky.sent() - sent), if ended.code == 1 { (0, 0) } else { (1, 1) }, "{size}k: {ended:?}");
    }
    assert!(saved > 0, "one of the disks has room for the entry and for nothing after it");
}

#[test]
fn a_disk_too_small_for_any_store_is_said_to_be_full() {
    let blusky = Simulator::start(&[]);
    for size in [4, 16, 32] {
        let site = Site::at(&blusky.base_url, "");
        let disk = Disk::with_room(&site, size);
        let ended = disk.run(&site, &[&ENROLL[..], &["--json"]].concat());
        assert_eq!((ended.code, blusky.sent()), (1, 0), "{size}k: {ended:?}");
        assert!(says(&ended.error(), &["disk is full", "cardbridge.db"]), "{size}k: {ended:?}");
    }
}

#[test]
fn a_full_disk_refuses_the_card_and_once_there_is_room_it_is_taken() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let disk = Disk::with_room(&site, 1024);
    assert_eq!(disk.run(&site, &["enroll", "--user", GRACE, "--bits", &h10301(7, 7)]).code, 0);
    disk.fill(&site);
    let programs = disk.run(&site, &[&ENROLL[..], &["--json"]].concat());
    let people = disk.run(&site, &ENROLL);
    assert_eq!((programs.code, people.code, blusky.sent()), (1, 1, 1), "{programs:?} {people:?}");
    assert!(says(&programs.error(), &["disk is full"]), "{programs:?}");
    assert!(people.stderr.contains("disk is full") && !people.stdout.contains("saved"), "{people:?}");
    for (look, code) in [(&["status"][..], 1), (&["outbox", "list"], 0)] {
        let shown = disk.run(&site, look);
        assert!(shown.code == code && shown.stdout.contains("NOTHING CAN BE SAVED") == (code == 1), "{shown:?}");
        assert!(shown.stderr.contains("the disk is full. It is shown as it is"), "{shown:?}");
    }
    disk.free(&site);
    let ended = disk.run(&site, &[&ENROLL[..], &["--json"]].concat());
    assert_eq!((ended.code, blusky.sent()), (0, 2), "{ended:?}");
    assert_eq!(disk.run(&site, &["outbox", "list", "--json"]).lines().len(), 2);
}

#[test]
fn an_answer_that_comes_while_the_disk_is_full_is_not_lost() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let disk = Disk::with_room(&site, 1024);
    let log = site.path("log");
    let mut command = disk.cardbridge(&site, &[&ENROLL[..], &["--outcome-timeout", "60", "--json"]].concat());
    let enroll = Running::begin(command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()));
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    disk.fill(&site);
    let said = wait_for("the words", || Some(fs::read_to_string(&log).unwrap()).filter(|log| log.contains("cannot be written")));
    disk.free(&site);
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    assert_eq!((blusky.sent(), blusky.cards().len()), (1, 1));
    assert!(!said.contains("nothing was enrolled"), "the card is in BluSKY, and presenting it again would be wrong: {said}");
}

#[test]
fn an_entry_that_cannot_go_on_for_a_full_disk_is_told_to_whoever_looks() {
    let blusky = Simulator::start(&["--fault", "delay=1000:1"]);
    let site = Site::at(&blusky.base_url, "");
    let disk = Disk::with_room(&site, 1024);
    let station = Running::begin(disk.cardbridge(&site, &["run"]).stdout(Stdio::null()).stderr(Stdio::null()));
    wait_for("the station", || (disk.run(&site, &["status", "--json"]).last()["runs"] == true).then_some(()));
    let enroll = Running::begin(disk.cardbridge(&site, &ENROLL).stdout(Stdio::null()).stderr(Stdio::null()));
    wait_for("the call", || (blusky.sent() == 1).then_some(()));
    disk.fill(&site);
    let status = wait_for("the words", || Some(disk.run(&site, &["status"])).filter(|status| status.code == 1));
    assert!(status.stdout.contains("NOTHING CAN BE SAVED") && status.stdout.contains("disk is full"), "{status:?}");
    disk.free(&site);
    assert_eq!(enroll.end().code, 0);
    let status = disk.run(&site, &["status"]);
    assert!(status.code == 0 && !status.stdout.contains("NOTHING CAN BE SAVED"), "{status:?}");
    drop(station);
}

#[test]
fn a_full_disk_is_not_said_over_and_over() {
    let blusky = Simulator::start(&[]);
    let on_disk = |size| {
        let site = Site::at(&blusky.base_url, "");
        Disk::with_room(&site, size).run(&site, &[&ENROLL[..], &["--outcome-timeout", "3", "--json"]].concat())
    };
    // One of them has room for the entry and for nothing after it.
    let ended = (60..=180).step_by(4).map(on_disk).find(|ended| ended.code == 3).unwrap();
    let complaints = ended.stderr.lines().filter(|line| line.contains("ERROR")).count();
    assert!(complaints <= 5, "{complaints} complaints in three seconds:\n{}", ended.stderr);
}

#[test]
fn a_read_only_place_for_the_store_is_said_to_be_one() {
    let blusky = Simulator::start(&[]);
    let of_folder = "mount --bind store store\nmount -o remount,bind,ro store";
    let of_file = "mount --bind store/cardbridge.db store/cardbridge.db\nmount -o remount,bind,ro store/cardbridge.db";
    for (has_a_store, script) in [(false, of_folder), (true, of_folder), (true, of_file)] {
        let site = Site::at(&blusky.base_url, "[store]\npath = \"store/cardbridge.db\"\n");
        fs::create_dir(site.path("store")).unwrap();
        if has_a_store {
            assert!(site.outbox().is_empty());
        }
        let disk = Disk::prepared(&site, script);
        let programs = disk.run(&site, &[&ENROLL[..], &["--json"]].concat());
        let people = disk.run(&site, &ENROLL);
        assert_eq!((programs.code, people.code, blusky.sent()), (1, 1, 0), "{programs:?} {people:?}");
        let error = programs.error();
        assert!(says(&error, &["store/cardbridge.db", "read-only"]), "{error}");
        assert!(people.stderr.to_lowercase().contains("read-only"), "{people:?}");
        drop(disk);
        assert!(site.outbox().is_empty());
    }
}

#[test]
fn a_record_that_cannot_be_written_is_verified_and_told_all_the_same() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[store]\npath = \"store/cardbridge.db\"\n");
    fs::create_dir(site.path("store")).unwrap();
    assert_eq!(site.run(&ENROLL).code, 0);
    let disk = Disk::prepared(&site, "mount --bind store store\nmount -o remount,bind,ro store");
    let verified = disk.run(&site, &["audit", "verify"]);
    assert!(verified.code == 0 && verified.stdout.contains("the record is whole"), "{verified:?}");
    let told = disk.run(&site, &["audit", "export", "--json"]);
    assert_eq!((told.code, told.lines()), (0, site.run(&["audit", "export", "--json"]).lines()));
    let erased = disk.run(&site, &["audit", "erase", "--user", ADA]);
    assert!(erased.code == 1 && erased.stderr.contains("read-only"), "{erased:?}");
}

#[test]
fn a_reader_of_our_output_that_goes_away_stops_no_enrollment() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let mut enroll = site.start(&[&ENROLL[..], &["--json"]].concat());
    drop(enroll.stdout());
    assert_eq!((enroll.end().code, blusky.cards().len()), (0, 1));
}

#[test]
fn a_file_without_end_or_a_pipe_in_place_of_a_configuration_or_a_list_is_refused_at_once() {
    let site = Site::at("http://127.0.0.1:9", "[people]\nfile = \"people.csv\"\n");
    let refused = |arguments: &[&str]| {
        let ended = site.run(arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.error()["message"].as_str().unwrap().contains("it is no file but a folder, a pipe or a device"), "{ended:?}");
    };
    nix::unistd::mkfifo(&site.path("people.csv"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    refused(&["enroll", "--user", "1815", "--bits", CARD, "--json"]);
    for endless in ["/dev/zero", "people.csv"] {
        fs::remove_file(site.path("cardbridge.toml")).unwrap();
        std::os::unix::fs::symlink(endless, site.path("cardbridge.toml")).unwrap();
        refused(&["outbox", "list", "--json"]);
    }
    fs::remove_file(site.path("cardbridge.toml")).unwrap();
    fs::create_dir(site.path("cardbridge.toml")).unwrap();
    let mut here = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
    let ended = Ended::after(here.args(["outbox", "list", "--json"]).current_dir(site.folder.path()).env("HOME", site.folder.path()));
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.error()["message"].as_str().unwrap().contains("it is no file but a folder"), "{ended:?}");
}
