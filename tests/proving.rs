//! How sure is sure: what is asked before a card from a reader is enrolled, who answers, and what is kept of it.
//!
//! The readers here say a bare frame that nothing checks, unless a test says otherwise: one random frame in four passes the two
//! parity bits of H10301. Every frame is a card that is shown anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::fs;

use cards::{Followed, Outcome};
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SerialReader, Simulator, Site, h10301};

const HOLD: &str = "hold the card to the reader";
const ONCE_MORE: &str = "show the card once more";
const FIRST_OF_123: &str = "the first card with facility code 123 here: type the number printed on it";
/// Facility code 123 is this site's and nobody else's: that and the parity bits are enough.
const OURS: &str = "facility_codes = [123]\n";
/// With two of them noise is twice as likely to have one.
const TWO_OF_OURS: &str = "facility_codes = [123, 201]\n";

/// A desk with one serial reader at which `proof` is what it is by itself.
struct Desk {
    blusky: Simulator,
    site: Site,
    reader: SerialReader,
    terminal: SerialReader,
}

impl Desk {
    /// `site` is added to `[site]`, `more` to the reader's lines.
    fn with(site: &str, more: &str) -> Self {
        let (blusky, reader, terminal) = (Simulator::start(&[]), SerialReader::plug_in(), SerialReader::plug_in());
        let more = if more.is_empty() { "card_left_ms = 0\n" } else { more };
        let port = &reader.path;
        let reading = format!("[[reader]]\nname = \"desk\"\nserial = \"{port}\"\ndialect = \"twn3-hidprox\"\n{more}");
        let desk = Self { site: Site::at(&blusky.base_url, &reading), blusky, reader, terminal };
        desk.rewrite("[[card_type]]", &format!("{site}[[card_type]]"));
        desk
    }

    /// A site that lists no facility codes.
    fn open() -> Self {
        Self::with("", "")
    }

    fn rewrite(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.site.path("cardbridge.toml")).unwrap();
        self.site.configure(&text.replace(from, to));
    }

    /// `enroll` for Ada, which waits for a card; nobody can be asked.
    fn enroll(&self, arguments: &[&str]) -> Followed {
        self.enroll_for(ADA, &[arguments, &["--json"]].concat())
    }

    fn enroll_for(&self, user: &str, arguments: &[&str]) -> Followed {
        let mut enroll = Followed::start(self.site.command(&[&["enroll", "--user", user], arguments].concat()));
        enroll.hears(HOLD);
        enroll
    }

    /// The same with a person at a terminal.
    fn enroll_at_terminal(&self, arguments: &[&str]) -> Followed {
        let mut command = self.site.command(&[&["enroll", "--user", ADA], arguments].concat());
        command.stdin(fs::File::open(&self.terminal.path).unwrap());
        let mut enroll = Followed::start(command);
        enroll.hears(HOLD);
        enroll
    }

    fn show(&mut self, facility_code: u32, card_number: u32) {
        let literal = h10301(facility_code, card_number);
        self.reader.send(format!("1A{}\r", literal.strip_prefix("{26}").unwrap()).as_bytes());
    }

    /// Shows the card, and once more when that is asked for.
    fn show_twice(&mut self, enroll: &mut Followed, facility_code: u32, card_number: u32) {
        self.show(facility_code, card_number);
        enroll.hears(ONCE_MORE);
        self.show(facility_code, card_number);
    }

    /// The one entry of the outbox.
    fn entry(&self) -> Value {
        let mut entries = self.site.outbox();
        assert_eq!(entries.len(), 1, "{entries:#?}");
        entries.remove(0)
    }

    fn nothing_is_enrolled(&self) {
        assert_eq!((self.site.outbox(), self.blusky.sent()), (vec![], 0));
    }
}

/// What speaks for an entry.
fn evidence(entry: &Value) -> Vec<&str> {
    entry["evidence"].as_array().unwrap_or_else(|| panic!("{entry:#}")).iter().map(|evidence| evidence["what"].as_str().unwrap()).collect()
}

fn accepted(ended: &Outcome) {
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
}

/// It ended with 1 as `unproven`; the lines that would settle it.
fn unproven(ended: &Outcome) -> String {
    let error = &ended.last()["error"];
    assert_eq!((ended.code, &error["code"]), (Some(1), &json!("unproven")), "{ended:#?}");
    error["help"].as_str().unwrap().to_owned()
}

fn asked_once_more(ended: &Outcome) -> usize {
    ended.err.iter().filter(|line| line.contains(ONCE_MORE)).count()
}

// ---- did it arrive whole?

#[test]
fn a_bare_frame_that_nothing_checks_is_not_enrolled_on_one_reading() {
    let mut desk = Desk::open();
    let enroll = desk.enroll(&["--timeout", "2"]);
    desk.show(123, 4567);
    let ended = enroll.end();
    let lines = unproven(&ended);
    for line in ["facility_codes = [123]", "repeats_ms = ", "proof = 0.25"] {
        assert!(lines.contains(line), "{line} is not said: {lines}");
        assert!(ended.text().contains(line), "{line} is not said while the card is waited for: {ended:#?}");
    }
    desk.nothing_is_enrolled();
}

#[test]
fn a_second_equal_reading_enrolls_the_card_and_is_kept_as_evidence() {
    let mut desk = Desk::with(TWO_OF_OURS, "");
    let mut enroll = desk.enroll(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    accepted(&enroll.end());
    let entry = desk.entry();
    assert_eq!(evidence(&entry), ["checks", "read_twice", "facility_code_listed"], "{entry:#}");
    assert_eq!(entry["evidence"][0]["odds"], 0.25, "{entry:#}");
    let key = entry["enrollment"].as_str().unwrap();
    let shown = desk.site.run(&["outbox", "show", key]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("checks passed (1 in 4), read twice, facility code is this site's"), "{shown}");
}

#[test]
fn a_different_second_reading_begins_anew() {
    let mut desk = Desk::with(TWO_OF_OURS, "");
    let mut enroll = desk.enroll(&[]);
    for number in [4567, 4568, 4567] {
        desk.show(123, number);
        enroll.hears(ONCE_MORE);
    }
    desk.nothing_is_enrolled();
    desk.show(123, 4567);
    let ended = enroll.end();
    accepted(&ended);
    assert_eq!((asked_once_more(&ended), &desk.blusky.bodies()[0]["InternalCardNumber"]), (3, &json!(4567)), "{ended:#?}");
}

#[test]
fn where_the_site_lists_its_facility_code_one_tap_is_enough() {
    let mut desk = Desk::with(OURS, "");
    let enroll = desk.enroll(&[]);
    desk.show(123, 4567);
    let ended = enroll.end();
    accepted(&ended);
    assert_eq!((asked_once_more(&ended), evidence(&desk.entry())), (0, vec!["checks", "facility_code_listed"]));
}

#[test]
fn a_reader_that_repeats_while_the_card_lies_there_needs_one_tap() {
    let mut desk = Desk::with(TWO_OF_OURS, "repeats_ms = 100\ncard_left_ms = 500\n");
    let enroll = desk.enroll(&[]);
    // The card lies there, and the reader says it again by itself.
    desk.show(123, 4567);
    desk.show(123, 4567);
    accepted(&enroll.end());
    assert!(evidence(&desk.entry()).contains(&"read_twice"));
}

#[test]
fn proof_1_asks_nothing() {
    let mut desk = Desk::with("", "proof = 1\ncard_left_ms = 0\n");
    desk.rewrite("[[card_type]]", "[enroll]\nproof = 0.001\n[[card_type]]");
    let enroll = desk.enroll(&[]);
    desk.show(123, 4567);
    let ended = enroll.end();
    accepted(&ended);
    assert_eq!((asked_once_more(&ended), evidence(&desk.entry())), (0, vec!["checks"]));
}

// ---- is it this format?

#[test]
fn the_first_card_of_a_facility_code_is_asked_for_its_print_and_the_print_is_sent_as_typed() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll_at_terminal(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    enroll.hears(FIRST_OF_123);
    desk.terminal.send(b"004567\n");
    let ended = enroll.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(evidence(&desk.entry()), ["checks", "read_twice", "printed"]);
    assert_eq!(desk.blusky.bodies()[0]["ExternalCardNumber"], "004567");
}

#[test]
fn a_persons_yes_is_enough_for_the_first_card_of_a_facility_code() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll_at_terminal(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    enroll.hears(FIRST_OF_123);
    desk.terminal.send(b"yes\n");
    let ended = enroll.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(evidence(&desk.entry()), ["checks", "read_twice", "operator"]);
}

#[test]
fn whoever_types_nothing_enrolls_nothing() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll_at_terminal(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    enroll.hears(FIRST_OF_123);
    desk.terminal.send(b"\n");
    let ended = enroll.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.text().contains("nothing was enrolled") && ended.text().contains("facility_codes = [123]"), "{ended:#?}");
    desk.nothing_is_enrolled();
}

#[test]
fn a_print_that_is_none_of_the_numbers_read_enrolls_nothing() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll_at_terminal(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    enroll.hears(FIRST_OF_123);
    desk.terminal.send(b"9999\n");
    let ended = enroll.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.text().contains("the number printed is none of the numbers read here"), "{ended:#?}");
    desk.nothing_is_enrolled();
}

#[test]
fn where_nobody_can_be_asked_the_first_card_of_a_facility_code_is_unproven_with_the_lines_that_settle_it() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll(&[]);
    desk.show_twice(&mut enroll, 123, 4567);
    let lines = unproven(&enroll.end());
    assert!(lines.contains("facility_codes = [123]") && !lines.contains("repeats_ms"), "{lines}");
    desk.nothing_is_enrolled();
    desk.rewrite("[[card_type]]", &format!("{OURS}[[card_type]]"));
    let enroll = desk.enroll(&[]);
    desk.show(123, 4567);
    accepted(&enroll.end());
}

#[test]
fn a_facility_code_that_blusky_has_accepted_is_not_asked_about_again_and_needs_one_tap() {
    let mut desk = Desk::open();
    let mut first = desk.enroll(&["--confirm"]);
    desk.show_twice(&mut first, 123, 4567);
    accepted(&first.end());
    let mut second = desk.enroll_for(GRACE, &["--json"]);
    desk.show(123, 4568);
    second.json();
    let ended = second.end();
    accepted(&ended);
    assert_eq!((asked_once_more(&ended), evidence(&ended.last())), (0, vec!["checks", "facility_code_seen"]), "{ended:#?}");
    // Another one is another matter.
    let mut third = desk.enroll(&[]);
    desk.show_twice(&mut third, 201, 1);
    unproven(&third.end());
}

#[test]
fn a_facility_code_that_was_refused_is_asked_about_again() {
    let mut desk = Desk::open();
    let held = desk.site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!(held.code, 0, "{held:?}");
    fs::remove_file(desk.site.path("cardbridge.db")).unwrap();
    let mut refused = desk.enroll(&["--printed", "4567"]);
    desk.show(123, 4567);
    assert_eq!(refused.json()["state"], "saved");
    assert_eq!(refused.end().last()["state"], "refused");
    let mut enroll = desk.enroll(&["--same-card", "--timeout", "2"]);
    desk.show(123, 4568);
    enroll.hears(ONCE_MORE);
    unproven(&enroll.end());
}

#[test]
fn confirm_answers_for_a_person_and_not_for_the_card() {
    let mut desk = Desk::open();
    let mut enroll = desk.enroll(&["--confirm"]);
    desk.show_twice(&mut enroll, 123, 4567);
    accepted(&enroll.end());
    assert_eq!(evidence(&desk.entry()), ["checks", "read_twice", "operator"]);
}

#[test]
fn a_print_given_with_the_order_answers_both() {
    let mut desk = Desk::open();
    let enroll = desk.enroll(&["--printed", "4567"]);
    desk.show(123, 4567);
    let ended = enroll.end();
    accepted(&ended);
    assert_eq!((asked_once_more(&ended), evidence(&desk.entry())), (0, vec!["checks", "printed"]));
}

#[test]
fn a_literal_is_somebodys_word_and_is_asked_nothing() {
    let desk = Desk::open();
    let ended = desk.site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, ended.last()["state"].as_str()), (0, Some("accepted")), "{ended:?}");
    assert!(evidence(&desk.entry()).contains(&"operator"));
}

#[test]
fn a_card_of_a_facility_code_that_is_not_listed_is_refused_with_the_line_that_takes_it() {
    let mut desk = Desk::with(OURS, "");
    let enroll = desk.enroll(&[]);
    desk.show(31, 337);
    let ended = enroll.end();
    let error = ended.last()["error"].clone();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let line = "facility_codes = [123, 31]";
    let help = error["help"].as_str().unwrap();
    assert!(help.contains(line) && !help.contains("formats ="), "{help}");
    desk.nothing_is_enrolled();
    desk.rewrite(OURS.trim(), line);
    let mut enroll = desk.enroll(&[]);
    desk.show_twice(&mut enroll, 31, 337);
    accepted(&enroll.end());
}

#[test]
fn a_card_that_reads_wrong_is_explained_to_whoever_waits_for_it() {
    let mut desk = Desk::with(OURS, "");
    let enroll = desk.enroll(&[]);
    // 123/4567 with the data wires swapped.
    desk.reader.send(b"1A42771440\r");
    let ended = enroll.end();
    let error = &ended.last()["error"];
    assert_eq!((ended.code, &error["code"]), (Some(1), &json!("damaged")), "{ended:#?}");
    let found = &error["reading"]["suggestions"][0];
    assert_eq!((&found["transform"], &found["fit"]["card_number"]), (&json!("inverted"), &json!(4567)), "{error:#}");
    assert!(error["help"].as_str().unwrap().contains("swap the two data wires"), "{error:#}");
    desk.nothing_is_enrolled();
}

// ---- which of several?

/// A site that uses two formats, and CARD is one of each.
fn undecided(more: &str) -> Desk {
    let desk = Desk::with("", more);
    desk.rewrite("\"H10301\"", "\"H10301\", \"indala-26\"");
    desk.rewrite("\"hid-h10301\"", "\"hid-h10301\", \"indala-26\"");
    desk
}

#[test]
fn a_tie_is_chosen_by_number_at_a_terminal_and_the_entry_says_that_a_person_did() {
    let mut desk = undecided("");
    let mut enroll = desk.enroll_at_terminal(&[]);
    desk.show(123, 4567);
    enroll.hears("several formats fit: which of these is it?");
    let choice = enroll.hears("card number 471").trim_start().chars().next().unwrap();
    desk.terminal.send(format!("{choice}\n").as_bytes());
    // The choice says what it is; that it arrived whole is another question, and is asked of the card.
    enroll.hears(ONCE_MORE);
    desk.show(123, 4567);
    let ended = enroll.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let entry = desk.entry();
    assert_eq!((&entry["decided_by"], evidence(&entry)), (&json!("operator"), vec!["checks", "read_twice", "operator"]), "{entry:#}");
    let body = desk.blusky.bodies().remove(0);
    assert_eq!((&body["FacilityCode"], &body["InternalCardNumber"]), (&json!(1969), &json!(471)));
}

#[test]
fn a_tie_of_which_none_is_chosen_enrolls_nothing() {
    for typed in ["\n", "3\n", "0\n", "the first\n"] {
        let mut desk = undecided("");
        let mut enroll = desk.enroll_at_terminal(&[]);
        desk.show(123, 4567);
        enroll.hears("type its number:");
        desk.terminal.send(typed.as_bytes());
        let ended = enroll.end();
        assert_eq!(ended.code, Some(1), "{typed:?}: {ended:#?}");
        desk.nothing_is_enrolled();
    }
}
