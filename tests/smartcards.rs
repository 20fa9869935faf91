//! What is promised of smart cards, through the stock pcscd with virtual readers and virtual cards: each card is read
//! once, as what it is, and whatever goes wrong with one does not hinder the next.
//!
//! The exchanges are those of reader-vectors.jsonl and of PC/SC part 3; each place says which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    ffi::CString,
    io::{BufRead, BufReader, Read},
    os::unix::net::{UnixListener, UnixStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use cardbridge::simulator::virtual_card::{CardScript, VirtualCard};
use cards::{CPU_ATR, Followed, GET_PAC_BITS, GET_UID, LF_ATR, MIFARE_ATR, PAC_ANSWER, card, fit, formats, hex, pac_card, slow, uid_card};
use serde_json::{Value, json};
use support::{ADA, SYSTEM, SerialReader, Simulator, Site, pcscd::Pcscd, times, wait_for};

const DESK: &str = "[[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\n";
/// The UID of V256, and one more.
const UID: &str = "66 CF 4D C2";
const OTHER_UID: &str = "52 9D 06 E3";

/// A site with a pcscd of its own whose readers are all `desk`.
struct Desk {
    pcscd: Pcscd,
    site: Site,
}

impl Desk {
    fn with(readers: usize, configuration: &str) -> Self {
        let pcscd = Pcscd::start(readers);
        let mut site = Site::at("http://127.0.0.1:9", "");
        site.env(pcscd.env());
        site.configure(configuration);
        Self { pcscd, site }
    }

    /// One reader, and `cardbridge read --json` that has found it.
    fn reading() -> (Self, Followed) {
        let desk = Self::with(1, DESK);
        let mut read = desk.start(&["read", "--json"]);
        read.hears("the reader is there");
        (desk, read)
    }

    fn start(&self, arguments: &[&str]) -> Followed {
        let mut command = self.site.command(arguments);
        command.env("CARDBRIDGE_LOG", "cardbridge=info");
        Followed::start(command)
    }

    fn insert(&self, reader: usize, script: CardScript) -> VirtualCard {
        VirtualCard::insert(self.pcscd.addr(reader), script).unwrap()
    }
}

/// What a site with BluSKY's card types says.
fn with_card_types(base_url: &str, formats: &str) -> String {
    format!(
        "{DESK}proof = 1\n[blusky]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n[site]\nformats = [{formats}]\n\
         [[card_type]]\nblusky = 5\nname = \"cards\"\nformats = [{formats}]\nsystem = \"{SYSTEM}\"\n"
    )
}

// ---- what a card is

#[test]
fn a_mifare_card_is_its_serial_number_and_nothing_more() {
    let (desk, mut read) = Desk::reading();
    let card = desk.insert(0, uid_card(UID)); // V256
    let reading = read.json();
    assert_eq!((&reading["kind"], &reading["verdict"]), (&json!("csn"), &json!("serial_only")), "{reading:#}");
    assert_eq!((&reading["csn"], &reading["input"], &reading["raw"]), (&json!("66CF4DC2"), &json!("csn:66CF4DC2"), &json!("66CF4DC2")));
    assert_eq!((&reading["reader"], &reading["transport"]), (&json!("desk"), &json!("pcsc")));
    assert_eq!(fit(&reading, "csn-4-byte")["card_number"], 1_724_861_890);
    assert_eq!((&reading["warnings"], &reading["credential"]), (&json!([]), &Value::Null));
    chrono::DateTime::parse_from_rfc3339(reading["at"].as_str().unwrap()).unwrap();
    assert_eq!(card.apdus(), [hex(GET_UID)], "the card is asked no more than it takes");
}

#[test]
fn a_low_frequency_card_is_the_bits_it_carries() {
    let (desk, mut read) = Desk::reading();
    let card = desk.insert(0, pac_card()); // V253
    let reading = read.json();
    assert_eq!((&reading["kind"], &reading["verdict"]), (&json!("wiegand"), &json!("likely")), "{reading:#}");
    assert_eq!((&reading["input"], &reading["length"]), (&json!("{35}81EDBE1560"), &json!(35)));
    assert_eq!(reading["binary"], "10000001111011011011111000010101011");
    assert_eq!(formats(&reading), ["hid-corporate-1000-35"]);
    let corporate = &reading["fits"][0];
    assert_eq!((&corporate["facility_code"], &corporate["card_number"]), (&json!(123), &json!(456_789)));
    assert_eq!((&reading["credential"]["card_number"], &reading["decided_by"]), (&json!(456_789), &json!("only_fit")));
    assert_eq!(reading["csn"], Value::Null, "a low-frequency card has no serial number");
    assert_eq!(card.apdus(), [hex(GET_PAC_BITS)]);
}

#[test]
fn a_seven_byte_serial_number_keeps_its_bytes() {
    let (desk, mut read) = Desk::reading();
    let _card = desk.insert(0, uid_card("04 7D AE 02 C8 40 80")); // SpringCard's documentation
    let reading = read.json();
    assert_eq!((&reading["csn"], &reading["verdict"]), (&json!("047DAE02C84080"), &json!("serial_only")));
    assert_eq!(fit(&reading, "csn-7-byte")["card_number"], 1_264_086_231_302_272_u64);
}

#[test]
fn a_random_serial_number_is_warned_about_and_never_enrolled() {
    let blusky = Simulator::start(&[]);
    // Even a site that believes serial numbers does not get this one.
    let desk = Desk::with(1, &with_card_types(&blusky.base_url, "\"csn-4-byte\""));
    let mut read = desk.start(&["read", "--json", "--count", "1"]);
    read.hears("the reader is there");
    let card = desk.insert(0, uid_card("08 A1 B2 C3"));
    let reading = read.json();
    assert_eq!((&reading["verdict"], &reading["warnings"]), (&json!("serial_only"), &json!(["random_uid"])));
    assert_eq!((&reading["credential"], &reading["decided_by"]), (&Value::Null, &Value::Null), "{reading:#}");
    drop(card);

    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    let _card = desk.insert(0, uid_card("08 A1 B2 C4"));
    let ended = enroll.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.last()["error"]["message"].as_str().unwrap().contains("a new one at every tap"), "{ended:#?}");
    assert_eq!((desk.site.outbox().len(), blusky.sent(), blusky.cards().len()), (0, 0, 0));
}

#[test]
fn an_ordinary_serial_number_is_enrolled_where_the_site_believes_it() {
    let blusky = Simulator::start(&["--integer-width", "64"]);
    let configuration = with_card_types(&blusky.base_url, "\"csn-4-byte\"").replace("token_file", "integer_width = 64\ntoken_file");
    let desk = Desk::with(1, &configuration);
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    let _card = desk.insert(0, uid_card("18 08 A1 B2")); // 08 in another place is not random
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
    assert_eq!(blusky.cards()[0]["InternalCardNumber"], 0x1808_A1B2_u64);
}

#[test]
fn a_card_that_supports_nothing_is_unreadable_and_never_enrolled() {
    for atr in [CPU_ATR, LF_ATR, MIFARE_ATR] {
        let (desk, mut read) = Desk::reading();
        let shown = desk.insert(0, card(atr, &[]));
        let reading = read.json();
        assert_eq!(reading["verdict"], "unreadable", "{atr}: {reading:#}");
        assert_eq!((&reading["fits"], &reading["csn"], &reading["bits"]), (&json!([]), &Value::Null, &Value::Null));
        drop(shown);
        // The next card is read.
        let _card = desk.insert(0, uid_card(UID));
        assert_eq!(read.json()["csn"], "66CF4DC2");
    }
    let blusky = Simulator::start(&[]);
    let desk = Desk::with(1, &with_card_types(&blusky.base_url, "\"csn-4-byte\""));
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    let _card = desk.insert(0, card(CPU_ATR, &[]));
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("unreadable")), "{ended:#?}");
    assert_eq!(blusky.sent(), 0);
}

#[test]
fn a_reader_that_answers_with_an_error_in_its_own_words_yields_no_bits() {
    let (desk, mut read) = Desk::reading();
    // V270's answer: tag 9E, and still 90 00. After it, a bit string cut short, and one with too many unused bits.
    for answer in ["9E 02 00 31 90 00", "9D 08 03 06 05 81 ED 90 00", "9D 03 03 01 05 90 00", "9D 04 03 02 09 81 90 00", "90 00"] {
        let card = desk.insert(0, card(LF_ATR, &[(GET_PAC_BITS, answer)]));
        let reading = read.json();
        assert_eq!((&reading["verdict"], &reading["fits"]), (&json!("unreadable"), &json!([])), "{answer}: {reading:#}");
        drop(card);
    }
}

// ---- keys

const LOAD_KEY: &str = "FF 82 00 00 06 48 49 44 20 49 5A";
const AUTHENTICATE: &str = "FF 86 00 00 05 01 00 05 60 00";
/// proxmark3's layout of HID's sector 1: facility code 123, card number 4567.
const BLOCK: &str = "02 00 00 00 00 00 00 00 00 00 00 00 06 F6 23 AE 90 00";

#[test]
fn a_mifare_sector_is_read_with_the_sites_own_key_which_is_told_to_the_card_alone() {
    let desk = Desk::with(1, &DESK.replace("pcsc =", "keys_file = \"keys\"\npcsc ="));
    std::fs::write(desk.site.path("keys"), "hid-sector-1 = 48494420495A\n").unwrap();
    let mut capture = desk.start(&["capture", "--reader", "desk", "day.capture", "--count", "2"]);
    capture.hears("recording");
    let open = card(MIFARE_ATR, &[(LOAD_KEY, "90 00"), (AUTHENTICATE, "90 00"), ("FF B0 00 05 10", BLOCK), (GET_UID, "66 CF 4D C2 90 00")]);
    let shown = desk.insert(0, open);
    assert!(capture.line().contains("{26}BD88EB80"));
    drop(shown);
    // Another key: the serial number is what is left.
    let shown = desk.insert(0, card(MIFARE_ATR, &[(LOAD_KEY, "90 00"), (AUTHENTICATE, "63 00"), (GET_UID, "66 CF 4D C2 90 00")]));
    let ended = capture.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(shown.apdus().len(), 3);
    let captured = std::fs::read_to_string(desk.site.path("day.capture")).unwrap();
    assert!(captured.contains("> FF 82 00 00 06\n") && !captured.contains("48 49 44"), "{captured}");
    assert!(!ended.text().contains("484944"), "{ended:#?}");
    // What is recorded plays back to the same.
    let replayed = desk.site.run(&["replay", "day.capture", "--json"]).lines();
    let read: Vec<&str> = replayed.iter().map(|reading| reading["input"].as_str().unwrap()).collect();
    assert_eq!(read, ["{26}BD88EB80", "csn:66CF4DC2"]);
}

#[test]
fn a_file_of_keys_that_cannot_be_read_is_said_without_its_keys() {
    let desk = Desk::with(1, &DESK.replace("pcsc =", "keys_file = \"keys\"\npcsc ="));
    std::fs::write(desk.site.path("keys"), "hid-sector-1 = 48494420495A\nlobby 112233445566\n").unwrap();
    let mut read = desk.start(&["read", "--json"]);
    let said = read.hears("keys:2: write NAME = KEY");
    assert!(!said.contains("1122"), "{said}");
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

// ---- how a card answers

#[test]
fn data_that_waits_is_fetched() {
    let get_response = "00 C0 00 00";
    let (desk, mut read) = Desk::reading();
    let all_later = [(GET_UID, "61 04".to_owned()), (&format!("{get_response} 04"), format!("{UID} 90 00"))];
    let half_later = [(GET_UID, "66 CF 61 02".to_owned()), (&format!("{get_response} 02"), "4D C2 90 00".to_owned())];
    for answers in [all_later, half_later] {
        let answers: Vec<(&str, &str)> = answers.iter().map(|(said, answer)| (*said, answer.as_str())).collect();
        let card = desk.insert(0, card(MIFARE_ATR, &answers));
        assert_eq!(read.json()["csn"], "66CF4DC2", "{answers:?}");
        drop(card);
    }
    let later = card(LF_ATR, &[(GET_PAC_BITS, "61 0A"), ("00 C0 00 00 0A", PAC_ANSWER)]);
    let _card = desk.insert(0, later);
    assert_eq!(read.json()["input"], "{35}81EDBE1560");
}

#[test]
fn a_wrong_length_is_corrected_as_the_card_says() {
    let (desk, mut read) = Desk::reading();
    let shown = desk.insert(0, card(MIFARE_ATR, &[(GET_UID, "6C 04"), ("FF CA 00 00 04", &format!("{UID} 90 00"))]));
    assert_eq!(read.json()["csn"], "66CF4DC2");
    drop(shown);
    let exact = GET_PAC_BITS.strip_suffix("00").unwrap().to_owned() + "0A";
    let _card = desk.insert(0, card(LF_ATR, &[(GET_PAC_BITS, "6C 0A"), (&exact, PAC_ANSWER)]));
    assert_eq!(read.json()["input"], "{35}81EDBE1560");
}

#[test]
fn a_card_that_never_comes_to_an_end_is_given_up() {
    let (desk, mut read) = Desk::reading();
    for endless in ["6C 04", "61 04", "66 61 04"] {
        let mut script = card(MIFARE_ATR, &[]);
        script.otherwise = hex(endless);
        let shown = desk.insert(0, script);
        let reading = read.json();
        assert_eq!((&reading["verdict"], &reading["csn"]), (&json!("unreadable"), &Value::Null), "{endless}: {reading:#}");
        assert!(shown.apdus().len() <= 256, "{endless}: {}", shown.apdus().len());
        drop(shown);
    }
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn data_before_a_failure_is_no_answer() {
    let (desk, mut read) = Desk::reading();
    for failure in ["66 CF 4D C2 62 82", "66 CF 4D C2 63 00", "66 CF 4D C2 64 00"] {
        let card = desk.insert(0, card(MIFARE_ATR, &[(GET_UID, failure)]));
        let reading = read.json();
        assert_eq!((&reading["verdict"], &reading["csn"]), (&json!("unreadable"), &Value::Null), "{failure}: {reading:#}");
        drop(card);
    }
}

// ---- how a card comes and goes

#[test]
fn a_card_taken_away_in_the_middle_of_an_answer_is_said_clearly_and_the_next_one_is_read() {
    let (desk, mut read) = Desk::reading();
    let card = desk.insert(0, slow(pac_card(), Duration::from_secs(60)));
    wait_for("the card to be asked", || (!card.apdus().is_empty()).then_some(()));
    card.remove();
    let said = read.hears("desk: ");
    assert!(said.contains("taken away too early; present it again"), "{said}");
    let _card = desk.insert(0, uid_card(UID));
    // Of the first card there is no reading, not even half of one.
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn a_card_that_thinks_for_long_is_waited_for() {
    let (desk, mut read) = Desk::reading();
    let _card = desk.insert(0, slow(pac_card(), Duration::from_millis(1500)));
    assert_eq!(read.json()["input"], "{35}81EDBE1560");
}

#[test]
fn a_slow_card_in_one_reader_does_not_hold_up_the_other_reader() {
    let desk = Desk::with(2, DESK);
    let mut read = desk.start(&["read", "--json"]);
    let slow = desk.insert(0, slow(pac_card(), Duration::from_secs(6)));
    wait_for("the slow card to be asked", || (!slow.apdus().is_empty()).then_some(()));
    let _quick = desk.insert(1, uid_card(UID));
    let first = read.json();
    assert_eq!((&first["csn"], &first["reader"]), (&json!("66CF4DC2"), &json!("desk#2")), "{first:#}");
    assert_eq!(read.json()["input"], "{35}81EDBE1560");
}

#[test]
fn a_card_that_lies_there_from_the_start_is_read() {
    let desk = Desk::with(1, DESK);
    let card = desk.insert(0, uid_card(UID));
    let mut read = desk.start(&["read", "--json", "--count", "1"]);
    assert_eq!(read.json()["csn"], "66CF4DC2");
    assert_eq!(read.end().code, Some(0));
    drop(card);
}

#[test]
fn a_card_is_read_once_and_again_when_it_is_put_in_again() {
    let (desk, mut read) = Desk::reading();
    for _ in 0..3 {
        let card = desk.insert(0, uid_card(UID));
        assert_eq!(read.json()["csn"], "66CF4DC2");
        assert_eq!(card.apdus().len(), 1);
        drop(card);
    }
    // Nothing came in between.
    let _card = desk.insert(0, uid_card(OTHER_UID));
    assert_eq!(read.json()["csn"], "529D06E3");
}

#[test]
fn a_card_put_in_and_taken_out_many_times_in_a_row_hangs_nothing_up() {
    let (desk, mut read) = Desk::reading();
    for _ in 0..20 {
        drop(desk.insert(0, uid_card(OTHER_UID)));
    }
    let _card = desk.insert(0, uid_card(UID));
    // How many of the short ones could be read nobody knows; whatever was read is whole, and the last card is read.
    let last = std::iter::repeat_with(|| read.json()).take(21).find(|reading| reading["csn"] != "529D06E3").unwrap();
    assert_eq!(last["csn"], "66CF4DC2", "{last:#}");
}

#[test]
fn a_mute_card_is_said_clearly_and_the_next_one_is_read() {
    let (desk, mut read) = Desk::reading();
    let mute = desk.insert(0, card("", &[(GET_UID, "66 CF 4D C2 90 00")]));
    let said = read.hears("desk: ");
    assert!(said.contains("it is mute; present it again"), "{said}");
    mute.remove();
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn two_cards_that_garble_each_other_are_told_from_a_mute_one_and_the_next_one_is_read() {
    let (desk, mut read) = Desk::reading();
    let garbled = desk.insert(0, card("55 55 55 55", &[]));
    let said = read.hears("desk: ");
    assert!(said.contains("as when two cards lie there; present one card alone"), "{said}");
    garbled.remove();
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn a_card_that_breaks_off_a_conversation_is_said_clearly_and_the_next_one_is_read() {
    let (desk, mut read) = Desk::reading();
    let mut broken = card(MIFARE_ATR, &[]);
    broken.otherwise = Vec::new();
    let shown = desk.insert(0, broken);
    read.hears("desk: ");
    drop(shown);
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

/// Another program that has the card of the first reader for itself alone, as long as this is kept.
fn use_alone(desk: &Desk) -> Child {
    let (name, value) = desk.pcscd.env();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "another_program", "--ignored", "--nocapture"])
        .env(name, value)
        .env("CARD_READER", desk.pcscd.name(0))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("it is mine")), "the other program has the card");
    other
}

#[test]
#[ignore = "a program of its own, which a test below starts"]
#[allow(clippy::print_stdout, reason = "its word for the test")]
fn another_program() {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let reader = CString::new(std::env::var("CARD_READER").unwrap()).unwrap();
    let card = wait_for("the card", || context.connect(&reader, pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY).ok());
    println!("\nit is mine");
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    drop(card.disconnect(pcsc::Disposition::LeaveCard));
}

#[test]
fn a_card_that_another_program_uses_alone_is_waited_for_and_then_said_clearly() {
    let desk = Desk::with(1, DESK);
    let card = desk.insert(0, uid_card(UID));
    let mut other = use_alone(&desk);
    let mut read = desk.start(&["read", "--json"]);
    let said = read.hears("desk: another program");
    assert!(said.contains("uses the card alone") && said.contains("close it and present the card again"), "{said}");
    drop(other.stdin.take());
    other.wait().unwrap();
    drop(card);

    // One that lets go in time is not even spoken of.
    let _card = desk.insert(0, uid_card(OTHER_UID));
    assert_eq!(read.json()["csn"], "529D06E3");
    drop(read);
    let mut other = use_alone(&desk);
    let mut read = desk.start(&["read", "--json"]);
    read.hears("the reader is there");
    // A silent wait cannot be waited for; it is shorter than the patience with such a program.
    std::thread::sleep(Duration::from_millis(300));
    drop(other.stdin.take());
    assert_eq!(read.json()["csn"], "529D06E3");
    let ended = read.signal("INT");
    assert!(!ended.text().contains("another program"), "{ended:#?}");
    other.wait().unwrap();
}

#[test]
fn the_station_does_not_wait_for_a_card_that_thinks_when_it_ends() {
    let desk = Desk::with(1, &with_card_types("http://127.0.0.1:9", "\"csn-4-byte\""));
    let mut run = desk.start(&["run", "--json"]);
    run.hears("desk: there");
    let card = desk.insert(0, slow(uid_card(UID), Duration::from_secs(60)));
    wait_for("the card to be asked", || (!card.apdus().is_empty()).then_some(()));
    let began = Instant::now();
    assert_eq!(run.signal("TERM").code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

// ---- readers

#[test]
fn two_readers_that_one_pattern_matches_have_numbered_names() {
    let desk = Desk::with(2, DESK);
    let mut read = desk.start(&["read", "--json"]);
    for (at, name) in [(1, "desk#2"), (0, "desk#1")] {
        let _card = desk.insert(at, uid_card(UID));
        assert_eq!(read.json()["reader"], name);
    }
    // The pattern's own name means both.
    read.kill();
    let mut read = desk.start(&["read", "--json", "--reader", "desk"]);
    let _card = desk.insert(1, uid_card(UID));
    assert_eq!(read.json()["reader"], "desk#2");
}

#[test]
fn one_of_two_readers_that_one_pattern_matches_can_be_asked_for_by_its_own_name() {
    let desk = Desk::with(2, DESK);
    let mut read = desk.start(&["read", "--json", "--count", "1", "--reader", "desk#2"]);
    let _other = desk.insert(0, uid_card(OTHER_UID));
    read.hears("the reader is there");
    let _card = desk.insert(1, uid_card(UID));
    let reading = read.json();
    assert_eq!((&reading["reader"], &reading["csn"]), (&json!("desk#2"), &json!("66CF4DC2")), "{reading:#}");
}

#[test]
fn the_list_of_readers_says_which_configured_reader_each_one_is() {
    let desk = Desk::with(2, DESK);
    let listed = desk.site.run(&["readers", "--json"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    let lines: Vec<Value> = listed.lines().into_iter().filter(|line| line["transport"] == "pcsc").collect();
    let told: Vec<(&str, &str)> =
        lines.iter().map(|line| (line["path"].as_str().unwrap(), line["reader"].as_str().unwrap_or("nobody's"))).collect();
    let names = [desk.pcscd.name(0), desk.pcscd.name(1)];
    assert_eq!(told, [(names[0].as_str(), "desk#1"), (names[1].as_str(), "desk#2")]);

    // A reader that is not configured is listed as nobody's.
    desk.site.configure(&format!("[[reader]]\nname = \"gate\"\npcsc = \"{}\"\n", names[1]));
    let listed = desk.site.run(&["readers", "--json"]);
    let lines: Vec<Value> = listed.lines().into_iter().filter(|line| line["transport"] == "pcsc").collect();
    assert_eq!((&lines[0]["reader"], &lines[1]["reader"]), (&Value::Null, &json!("gate")), "{lines:#?}");
    let table = desk.site.run(&["readers"]);
    assert!(table.stdout.contains(&names[0]) && table.stdout.contains("gate"), "{table:?}");
}

#[test]
fn a_pattern_that_matches_no_reader_is_said_with_the_pattern() {
    let desk = Desk::with(1, "[[reader]]\nname = \"desk\"\npcsc = \"*OMNIKEY*\"\n");
    let ended = desk.start(&["read", "--json", "--count", "1"]).end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("reader_lost")), "{ended:#?}");
    assert!(ended.text().contains("*OMNIKEY*"), "{ended:#?}");
}

// ---- the service

#[test]
fn the_next_card_is_read_after_the_smart_card_service_was_killed_and_came_back() {
    let (mut desk, mut read) = Desk::reading();
    let card = desk.insert(0, uid_card(OTHER_UID));
    assert_eq!(read.json()["csn"], "529D06E3");
    drop(card);
    desk.pcscd.kill();
    desk.pcscd.restart();
    read.hears("the reader is there");
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn a_reader_that_is_left_is_read_on_while_the_smart_card_service_is_away_for_long() {
    let mut serial = SerialReader::plug_in();
    let mut desk = Desk::with(1, &format!("{DESK}{}", serial.configuration("gate", "twn3-hidprox", "")));
    let mut read = desk.start(&["read", "--json"]);
    read.hears("the reader is there");
    read.hears("the reader is there");
    desk.pcscd.kill();
    read.hears("desk: the smart-card service does not answer");
    // Longer than the grace after which a command gives up that has no reader left.
    std::thread::sleep(Duration::from_millis(2500));
    serial.send(b"1A808001C0\r");
    assert_eq!(read.json()["reader"], "gate");
    desk.pcscd.restart();
    read.hears("the reader is there");
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn the_station_outlives_the_smart_card_service_and_reads_the_next_card() {
    let mut desk = Desk::with(1, &with_card_types("http://127.0.0.1:9", "\"csn-4-byte\""));
    let mut run = desk.start(&["run", "--json"]);
    run.hears("desk: there");
    for uid in [UID, OTHER_UID] {
        desk.pcscd.kill();
        run.hears("desk: the smart-card service does not answer");
        desk.pcscd.restart();
        run.hears("desk: there");
        let _card = desk.insert(0, uid_card(uid));
        assert_eq!(run.json()["csn"], uid.replace(' ', ""));
    }
    let ended = run.signal("TERM");
    assert_eq!(ended.code, Some(0));
}

/// A site whose smart-card service is this socket, and the station on it.
fn with_service(at: &str) -> (Site, UnixListener, Followed) {
    let mut site = Site::at("http://127.0.0.1:9", DESK);
    let socket = site.path(at);
    site.env(("PCSCLITE_CSOCK_NAME".to_owned(), socket.display().to_string()));
    let service = UnixListener::bind(socket).unwrap();
    let run = Followed::start(site.command(&["run"]));
    (site, service, run)
}

/// Hangs up with a part of the question unread, by dying or by refusing: libpcsclite calls both a security violation
/// (1.9.9, winscard_msg.c, MessageReceive). The header has 8 bytes and is sent apart.
fn hang_up_on(mut asking: UnixStream) {
    asking.read_exact(&mut [0; 9]).unwrap();
}

#[test]
fn a_smart_card_service_that_dies_while_it_is_asked_is_not_said_to_be_a_matter_of_permission() {
    let (site, service, mut run) = with_service("dying.comm");
    let (asking, _) = service.accept().unwrap();
    std::fs::remove_file(site.path("dying.comm")).unwrap();
    drop(service);
    hang_up_on(asking);
    run.hears("desk: the smart-card service does not answer");
    let ended = run.signal("TERM");
    assert!(!ended.text().contains("polkit"), "{ended:#?}");
}

#[test]
fn a_smart_card_service_that_refuses_this_user_again_and_again_is_said_with_what_to_allow() {
    let (_site, service, mut run) = with_service("refusing.comm");
    // As pcscd does when polkit says no.
    std::thread::spawn(move || service.incoming().map_while(Result::ok).for_each(hang_up_on));
    let said = run.hears("desk: ");
    assert!(said.contains("org.debian.pcsc-lite.access_pcsc"), "{said}");
}

#[test]
fn a_card_that_the_service_died_with_is_not_half_read() {
    let (mut desk, mut read) = Desk::reading();
    let card = desk.insert(0, slow(pac_card(), Duration::from_secs(60)));
    wait_for("the card to be asked", || (!card.apdus().is_empty()).then_some(()));
    desk.pcscd.kill();
    drop(card);
    desk.pcscd.restart();
    read.hears("the reader is there");
    let _card = desk.insert(0, uid_card(UID));
    assert_eq!(read.json()["csn"], "66CF4DC2");
}

#[test]
fn without_a_smart_card_service_enrolling_ends_with_1_and_says_what_to_start() {
    let mut site = Site::at("http://127.0.0.1:9", DESK);
    site.env(("PCSCLITE_CSOCK_NAME".to_owned(), site.path("no-pcscd.comm").display().to_string()));
    let ended = Followed::start(site.command(&["enroll", "--user", ADA, "--json"])).end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let error = &ended.last()["error"];
    assert_eq!(error["code"], "reader_lost", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("smart-card service") && message.contains("pcscd"), "{message}");
    assert_eq!(ended.out.len(), 1, "one line of JSON and nothing else: {ended:#?}");
    assert_eq!(site.outbox().len(), 0);
}

// ---- under load

#[test]
fn sixteen_cards_laid_on_sixteen_readers_at_once_are_each_read_once() {
    let desk = Desk::with(16, DESK);
    let mut read = desk.start(&["read", "--json"]);
    (0..16).for_each(|_| drop(read.hears("the reader is there")));
    for round in 0..5 {
        let uid = |reader: usize| format!("04 {round:02X} {reader:02X} 01 02 03 04");
        let cards: Vec<VirtualCard> = (0..16).map(|reader| desk.insert(reader, uid_card(&uid(reader)))).collect();
        let mut found: Vec<String> = (0..16).map(|_| read.json()["csn"].as_str().unwrap().to_owned()).collect();
        found.sort();
        assert_eq!(found, (0..16).map(|reader| uid(reader).replace(' ', "")).collect::<Vec<_>>());
        drop(cards);
    }
}

#[test]
fn no_card_is_lost_or_doubled_while_the_smart_card_service_is_killed_under_load() {
    let mut desk = Desk::with(4, DESK);
    let mut read = desk.start(&["read", "--json"]);
    (0..4).for_each(|_| drop(read.hears("the reader is there")));
    let mut number = 0_u32;
    for round in 0..times("KILLS", 5) {
        // Four cards, one after the other, at four readers at once; then one more while the service dies.
        for _ in 0..4 {
            let laid: Vec<(String, VirtualCard)> = (0..4)
                .map(|reader| {
                    number += 1;
                    let uid = format!("04 00 {:02X} {:02X} {:02X} 55 66", number >> 16, number >> 8 & 0xFF, number & 0xFF);
                    let shown = desk.insert(reader, uid_card(&uid));
                    (uid.replace(' ', ""), shown)
                })
                .collect();
            let mut found: Vec<String> = laid.iter().map(|_| read.json()["csn"].as_str().unwrap().to_owned()).collect();
            found.sort();
            assert_eq!(found, laid.iter().map(|(uid, _)| uid.clone()).collect::<Vec<_>>(), "round {round}");
        }
        let dying = desk.insert(0, slow(uid_card(OTHER_UID), Duration::from_secs(60)));
        wait_for("the card to be asked", || (!dying.apdus().is_empty()).then_some(()));
        desk.pcscd.kill();
        drop(dying);
        desk.pcscd.restart();
        (0..4).for_each(|_| drop(read.hears("the reader is there")));
    }
}

#[test]
fn a_card_swapped_in_the_middle_of_an_answer_is_never_asked_what_was_meant_for_the_one_before() {
    let (desk, mut read) = Desk::reading();
    for _ in 0..10 {
        let first = desk.insert(0, slow(uid_card(OTHER_UID), Duration::from_millis(20)));
        wait_for("the card to be asked", || (!first.apdus().is_empty()).then_some(()));
        drop(first);
        let second = desk.insert(0, uid_card(UID));
        let reading = std::iter::repeat_with(|| read.json()).take(2).find(|reading| reading["csn"] != "529D06E3").unwrap();
        assert_eq!(reading["csn"], "66CF4DC2", "{reading:#}");
        assert_eq!(second.apdus(), [hex(GET_UID)]);
    }
}

// ---- enrolling

#[test]
fn a_low_frequency_card_shown_to_a_reader_becomes_a_card_in_blusky() {
    let blusky = Simulator::start(&[]);
    let desk = Desk::with(1, &with_card_types(&blusky.base_url, "\"hid-corporate-1000-35\""));
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    let _card = desk.insert(0, pac_card());
    let ended = enroll.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let states: Vec<Value> = ended.lines().iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["saved", "sending", "accepted"]);
    assert_eq!((&ended.last()["user_id"], &ended.last()["card_type"]), (&json!(ADA), &json!(5)));
    let cards = blusky.cards();
    assert_eq!(cards.len(), 1);
    let card = &cards[0];
    assert_eq!((&card["FacilityCode"], &card["InternalCardNumber"], &card["CardType"]), (&json!(123), &json!(456_789), &json!(5)));
    assert_eq!((&card["ExternalCardNumber"], &card["CardSerialNumber"]), (&json!("456789"), &Value::Null));
    assert!(card["Assignment"].to_string().contains(ADA), "{card:#}");
}

#[test]
fn a_card_taken_away_too_early_is_enrolled_when_it_is_presented_again() {
    let blusky = Simulator::start(&[]);
    let desk = Desk::with(1, &with_card_types(&blusky.base_url, "\"hid-corporate-1000-35\""));
    let mut enroll = desk.start(&["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    let card = desk.insert(0, slow(pac_card(), Duration::from_secs(60)));
    wait_for("the card to be asked", || (!card.apdus().is_empty()).then_some(()));
    card.remove();
    enroll.hears("taken away too early; present it again");
    let _card = desk.insert(0, pac_card());
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
    assert_eq!(blusky.cards().len(), 1);
}
