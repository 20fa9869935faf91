//! What is promised to whoever had a card before: a card that lies at a reader, or was there a moment ago, does not go to the next
//! person unasked. Through real ttys and a real pcscd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use cardbridge::simulator::virtual_card::VirtualCard;
use cards::{Followed, Outcome, pac_card};
use serde_json::{Value, json};
use support::{ADA, GRACE, SYSTEM, SerialReader, Simulator, Site, pcscd::Pcscd};

/// H10301, facility code 123, card number 4567.
const CARD: &[u8] = b"1ABD88EB80\r";
const LIFT: &str = "lift the card, then show it";
const HOLD: &str = "hold the card to the reader";

fn serial(more: &str) -> (Simulator, SerialReader, Site) {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let site =
        Site::at(&blusky.base_url, &format!("[enroll]\nreassign = \"always\"\n{}", reader.configuration("desk", "twn3-hidprox", more)));
    (blusky, reader, site)
}

fn start(site: &Site, arguments: &[&str]) -> Followed {
    Followed::start(site.command(arguments))
}

/// Enrolls the card that is shown once it is asked for.
fn shown_for(site: &Site, reader: &mut SerialReader, user: &str, more: &[&str]) -> Outcome {
    let mut enroll = start(site, &[&["enroll", "--user", user, "--json"], more].concat());
    enroll.hears(HOLD);
    reader.send(CARD);
    enroll.end()
}

fn state(ended: &Outcome) -> (Option<i32>, Value) {
    (ended.code, ended.last()["state"].clone())
}

fn holder(blusky: &Simulator) -> Value {
    assert_eq!(blusky.cards().len(), 1);
    blusky.cards()[0]["Assignment"]["UserId"].clone()
}

#[test]
fn a_card_that_repeats_its_frame_while_it_lies_there_is_not_taken_for_the_next_person() {
    let (blusky, mut reader, site) = serial("card_left_ms = 500");
    assert_eq!(state(&shown_for(&site, &mut reader, ADA, &[])), (Some(0), json!("accepted")));
    let mut next = start(&site, &["enroll", "--user", GRACE, "--json", "--timeout", "3"]);
    reader.wait_until_open();
    // It lies there: the reader says so every tenth of a second.
    let repeats = std::thread::spawn(move || {
        for _ in 0..25 {
            reader.send(CARD);
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        reader
    });
    next.hears(LIFT);
    let ended = next.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("no_card")), "{ended:#?}");
    assert_eq!((holder(&blusky), site.outbox().len()), (json!(ADA), 1));
    drop(repeats.join());
}

#[test]
fn a_card_that_was_given_a_moment_ago_is_not_given_to_somebody_else_even_where_the_site_always_reassigns() {
    let (blusky, mut reader, site) = serial("");
    assert_eq!(state(&shown_for(&site, &mut reader, ADA, &[])), (Some(0), json!("accepted")));
    let ended = shown_for(&site, &mut reader, GRACE, &[]);
    let error = &ended.last()["error"];
    assert_eq!((ended.code, &error["code"]), (Some(1), &json!("same_card")), "{ended:#?}");
    assert!(error["message"].as_str().unwrap().contains(ADA) && error["help"].as_str().unwrap().contains("--same-card"), "{error}");
    assert_eq!((holder(&blusky), site.outbox().len()), (json!(ADA), 1));
    // Whoever has it may be given it once more, and a person's word gives it to somebody else.
    assert_eq!(state(&shown_for(&site, &mut reader, ADA, &[])), (Some(0), json!("accepted")));
    assert_eq!(state(&shown_for(&site, &mut reader, GRACE, &["--same-card"])), (Some(0), json!("accepted")));
    assert_eq!(holder(&blusky), GRACE);
}

#[test]
fn a_card_that_was_refused_or_discarded_a_moment_ago_can_be_given_to_somebody_else() {
    let nobody = tempfile::NamedTempFile::new().unwrap();
    let blusky = Simulator::start(&["--fault", "result-code=9:1", "--people", nobody.path().to_str().unwrap()]);
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let refused = shown_for(&site, &mut reader, ADA, &[]);
    assert_eq!(state(&refused), (Some(1), json!("refused")), "{refused:#?}");
    let next = shown_for(&site, &mut reader, GRACE, &[]);
    assert_ne!(next.last()["error"]["code"], "same_card", "{next:#?}");
}

#[test]
fn after_the_time_that_the_site_gives_it_a_card_may_go_to_somebody_else() {
    let (blusky, mut reader, site) = serial("");
    let text = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("reassign = \"always\"", "reassign = \"always\"\nsame_card_s = 2"));
    assert_eq!(state(&shown_for(&site, &mut reader, ADA, &[])), (Some(0), json!("accepted")));
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(state(&shown_for(&site, &mut reader, GRACE, &[])), (Some(0), json!("accepted")));
    assert_eq!(holder(&blusky), GRACE);
}

#[test]
fn at_a_running_station_a_card_that_came_before_it_was_asked_for_stays_with_whom_it_is() {
    let (blusky, mut reader, site) = serial("card_left_ms = 300");
    let mut run = start(&site, &["run"]);
    run.hears("desk: there");
    let enroll = |user: &str| {
        let mut enroll = start(&site, &["enroll", "--user", user, "--json", "--timeout", "3"]);
        enroll.hears(HOLD);
        enroll
    };
    std::thread::sleep(std::time::Duration::from_millis(400));
    let first = enroll(ADA);
    reader.send(CARD);
    assert_eq!(state(&first.end()), (Some(0), json!("accepted")));
    let second = enroll(GRACE);
    // It is lifted for longer than a card may be silent and still lie there.
    std::thread::sleep(std::time::Duration::from_millis(400));
    reader.send(CARD);
    let ended = second.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("same_card")), "{ended:#?}");
    assert_eq!(holder(&blusky), ADA);
}

#[test]
fn a_smart_card_left_lying_is_not_taken_for_the_next_person_before_and_after_it_is_lifted() {
    let blusky = Simulator::start(&[]);
    let pcscd = Pcscd::start(1);
    let mut site = Site::at(&blusky.base_url, "");
    site.env(pcscd.env());
    site.configure(&format!(
        "[[reader]]\nname = \"desk\"\nproof = 1\npcsc = \"cardbridge virtual reader*\"\n[enroll]\nreassign = \"always\"\n\
         [blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\n[site]\nformats = [\"hid-corporate-1000-35\"]\n\
         [[card_type]]\nblusky = 5\nformats = [\"hid-corporate-1000-35\"]\nsystem = \"{SYSTEM}\"\n",
        blusky.base_url
    ));
    let mut first = start(&site, &["enroll", "--user", ADA, "--json"]);
    first.hears(HOLD);
    let card = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    assert_eq!(state(&first.end()), (Some(0), json!("accepted")));
    // It stays there. `read` shows it all the same, and the next person is asked to lift it.
    let read = start(&site, &["read", "--json", "--count", "1"]).end();
    assert_eq!(read.last()["warnings"], json!(["lay_there"]));
    let mut next = start(&site, &["enroll", "--user", GRACE, "--json", "--timeout", "10"]);
    next.hears(LIFT);
    drop(card);
    let _again = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    let ended = next.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("same_card")), "{ended:#?}");
    assert_eq!((holder(&blusky), site.outbox().len()), (json!(ADA), 1));
}
