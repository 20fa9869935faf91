//! What is promised of OSDP readers, by libosdp's own peripheral over a pty and the shipped binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
#[path = "support/osdp.rs"]
mod osdp;
mod support;

use std::{
    collections::VecDeque,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use cards::{Followed, fit};
use libosdp::{OsdpCardFormats, OsdpCommand};
use osdp::{OsdpLine, Peripheral};
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SerialReader, Simulator, Site};

const KEY: [u8; 16] = *b"\x94\x4B\x8E\xDD\xCB\xAA\x2B\x5F\xE2\xB0\x14\x8D\x1B\x2F\x95\xC9";
const PUBLISHED_KEY: [u8; 16] = *b"0123456789:;<=>?";

/// A desk: OSDP readers on a line, and `cardbridge read --json` at them.
struct Desk {
    _site: Site,
    line: OsdpLine,
    read: Followed,
}

impl Desk {
    /// A desk whose one reader, at address 0 and without a key, is there.
    fn plain(more: &str) -> Self {
        let mut desk = Self::of(OsdpLine::plug_in(&[Peripheral::at(0)]), more);
        desk.read.hears("the reader is there");
        desk
    }

    /// A desk that reads; its reader may be there or not.
    fn of(line: OsdpLine, more: &str) -> Self {
        let site = site(&line.configuration("desk", more));
        let read = start(&site, &["read", "--json"]);
        Self { _site: site, line, read }
    }

    /// A desk whose reader has a key, and so has the site.
    fn keyed(peripheral: Peripheral, key: [u8; 16], mode: u32) -> Self {
        let line = OsdpLine::plug_in(&[peripheral]);
        let site = site(&line.configuration("desk", "scbk_file = \"desk.scbk\""));
        key_file(&site.path("desk.scbk"), key, mode);
        let read = start(&site, &["read", "--json"]);
        Self { _site: site, line, read }
    }
}

fn site(configuration: &str) -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(configuration);
    site
}

fn start(site: &Site, arguments: &[&str]) -> Followed {
    let mut command = site.command(arguments);
    command.env("CARDBRIDGE_LOG", "cardbridge=info");
    Followed::start(command)
}

fn key_file(path: &Path, key: [u8; 16], mode: u32) {
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(path, digits + "\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

// ---- what is read

#[test]
fn a_card_of_26_bits_is_read_to_the_bit_with_every_member_of_the_contract() {
    let mut desk = Desk::plain("");
    // The six bits behind the 26 are noise, as real readers send them.
    desk.line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80 | 0x2A]);
    let reading = desk.read.json();
    assert_eq!((&reading["input"], &reading["kind"], &reading["transport"]), (&json!(CARD), &json!("wiegand"), &json!("osdp")));
    assert_eq!((&reading["raw"], &reading["reader"], &reading["warnings"]), (&json!("BD88EB80"), &json!("desk"), &json!([])));
    let h10301 = fit(&reading, "hid-h10301");
    assert_eq!((&h10301["facility_code"], &h10301["card_number"]), (&json!(123), &json!(4567)));
    chrono::DateTime::parse_from_rfc3339(reading["at"].as_str().unwrap()).unwrap();
}

#[test]
fn a_card_of_37_bits_is_read_to_the_bit() {
    let mut desk = Desk::plain("");
    // The sample of HID H10302, with noise behind it.
    desk.line.card(0, 37, &[0x00, 0x00, 0x18, 0x1C, 0xDF]);
    let reading = desk.read.json();
    assert_eq!((&reading["length"], &reading["bits"]), (&json!(37), &json!("{37}0000181CD8")));
    fit(&reading, "hid-h10302");
}

#[test]
fn every_report_of_a_card_counts_unless_the_site_gives_it_time_to_leave() {
    let mut desk = Desk::plain("");
    for _ in 0..2 {
        desk.line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
        assert_eq!(desk.read.json()["input"], CARD);
    }
    let mut desk = Desk::plain("card_left_ms = 60000");
    desk.line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    desk.line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    desk.line.card(0, 26, &[0x8A, 0x9F, 0x09, 0x00]);
    assert_eq!((&desk.read.json()["input"], &desk.read.json()["input"]), (&json!(CARD), &json!("{26}8A9F0900")));
}

#[test]
fn keys_are_read_as_keys_and_are_no_card() {
    let mut desk = Desk::plain("");
    // 9 and the key that clears, then 1 and 0 and the key that ends.
    desk.line.keys(0, &[0x39, 0x7F, 0x31, 0x30, 0x0D]);
    let reading = desk.read.json();
    assert_eq!((&reading["verdict"], &reading["kind"], &reading["keys"]), (&json!("keypad"), &json!("key"), &json!("10")));
}

#[test]
fn bits_that_the_reader_does_not_call_wiegand_are_read_with_a_warning_or_not_at_all() {
    let mut desk = Desk::plain("");
    desk.line.card_of(OsdpCardFormats::Unspecified, 0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    let reading = desk.read.json();
    assert_eq!((&reading["input"], &reading["warnings"]), (&json!(CARD), &json!(["format_not_told"])));
    // A number with its source (MIFARE) and its type (raw) before it, as Nedap's readers send it.
    desk.line.card_of(OsdpCardFormats::Unspecified, 0, 48, &[0x05, 0x00, 0xDE, 0xAD, 0xBE, 0xEF]);
    let reading = desk.read.json();
    assert_eq!(
        (&reading["verdict"], &reading["bits"], &reading["warnings"]),
        (&json!("unreadable"), &Value::Null, &json!(["not_wiegand"]))
    );
}

/// A peripheral that answers ID and CAP as a reader with a light and a sounder does, and the rest by a script.
fn scripted(mut script: impl FnMut(u8) -> Vec<u8> + Send + 'static) -> OsdpLine {
    OsdpLine::scripted(move |command| match command {
        // Cypress CA446C, firmware 1.7.15: a published reply.
        0x61 => vec![0x45, 0xCA, 0x44, 0x6C, 0x01, 0x00, 0xC7, 0x92, 0x02, 0x00, 0x01, 0x07, 0x0F],
        0x62 => vec![0x46, 3, 1, 1, 4, 4, 1, 5, 2, 1, 8, 0, 0, 9, 0, 0],
        other => script(other),
    })
}

/// A reader that answers its polls with these replies, and with nothing new when there are none left.
fn reports(replies: &[&[u8]]) -> OsdpLine {
    let mut replies: VecDeque<Vec<u8>> = replies.iter().map(|reply| reply.to_vec()).collect();
    scripted(move |command| if command == 0x60 { replies.pop_front().unwrap_or_else(|| vec![0x40]) } else { vec![0x40] })
}

#[test]
fn a_card_that_the_reader_decodes_itself_is_shown_as_unreadable_and_the_reader_stays_online() {
    // osdp_FMT: reader 0, forward, nine characters; then a card's bits.
    let line = reports(&[&[0x40], b"\x51\x00\x00\x09123456789", &[0x50, 0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0xBF]]);
    let mut desk = Desk::of(line, "");
    let reading = desk.read.json();
    assert_eq!((&reading["verdict"], &reading["warnings"]), (&json!("unreadable"), &json!(["formatted_card_data"])), "{reading:#}");
    assert_eq!((&reading["raw"], &reading["fits"], &reading["credential"]), (&json!("313233343536373839"), &json!([]), &Value::Null));
    assert_eq!(desk.read.json()["input"], CARD);
    let said = desk.read.signal("INT").err.join("\n");
    assert!(!said.contains("no longer answers") && !said.contains("123456789"), "{said}");
}

#[test]
fn a_card_in_a_form_that_the_standard_does_not_know_is_not_taken_for_wiegand_bits() {
    let mut desk = Desk::of(reports(&[&[0x40], &[0x50, 0, 7, 26, 0, 0xBD, 0x88, 0xEB, 0x80]]), "");
    let reading = desk.read.json();
    assert_eq!(
        (&reading["verdict"], &reading["bits"], &reading["warnings"]),
        (&json!("unreadable"), &Value::Null, &json!(["not_wiegand"]))
    );
}

#[test]
fn a_reader_that_claims_a_light_and_refuses_to_use_it_reads_on_without() {
    let cards = [0x50, 0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80];
    let mut polls = 0;
    let line = scripted(move |command| match command {
        // Unknown command.
        0x69 | 0x6A => vec![0x41, 3],
        _ => {
            polls += 1;
            if polls % 10 == 3 { cards.to_vec() } else { vec![0x40] }
        }
    });
    let mut desk = Desk::of(line, "");
    let said = desk.read.hears("signals are not shown");
    assert!(said.contains("the reader refuses to use its light or its sounder"), "{said}");
    desk.read.hears("the reader is there");
    for _ in 0..3 {
        assert_eq!(desk.read.json()["input"], CARD);
    }
    let refused = desk.read.signal("INT").err.iter().filter(|line| line.contains("refuses command")).count();
    assert_eq!(refused, 1);
}

// ---- who is there

#[test]
fn a_reader_that_comes_online_says_what_it_is_and_that_the_line_is_open_to_all() {
    let mut desk = Desk::plain("");
    let said = desk.read.hears("OSDP reader at address 0");
    assert!(said.contains("vendor CA446C, model 1, version 2, serial number 04030201, firmware 1.7.15"), "{said}");
    assert!(said.contains("light: yes, sounder: yes, secure channel: yes"), "{said}");
    desk.read.hears("no scbk_file is configured: everything on the OSDP line can be read and forged");
}

/// Two readers on one line, and a command that reads at both.
fn two() -> (Site, OsdpLine, Followed) {
    let line = OsdpLine::plug_in(&[Peripheral::at(0), Peripheral::at(5)]);
    let both = format!("{}{}", line.configuration("desk", ""), line.configuration("door", "address = 5"));
    let site = site(&both);
    let mut read = start(&site, &["read", "--json"]);
    read.hears("the reader is there");
    read.hears("the reader is there");
    (site, line, read)
}

#[test]
fn two_readers_share_a_line_and_each_card_is_that_of_its_reader() {
    let (_site, line, mut read) = two();
    for _ in 0..3 {
        line.card(5, 26, &[0xBD, 0x88, 0xEB, 0x80]);
        let reading = read.json();
        assert_eq!((&reading["reader"], &reading["input"]), (&json!("door"), &json!(CARD)));
        line.card(0, 26, &[0x8A, 0x9F, 0x09, 0x00]);
        let reading = read.json();
        assert_eq!((&reading["reader"], &reading["input"]), (&json!("desk"), &json!("{26}8A9F0900")));
    }
}

#[test]
fn a_reader_that_loses_its_power_is_lost_and_comes_back_and_its_neighbor_reads_on() {
    let (_site, line, mut read) = two();
    line.no_power(5);
    let said = read.hears("no longer answers: check its power and its wires");
    assert!(said.starts_with("door: the OSDP reader at address 5 on /dev/"), "{said}");
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(read.json()["reader"], "desk");
    line.power(Peripheral::at(5));
    read.hears("the reader is there");
    line.card(5, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(read.json()["reader"], "door");
}

#[test]
fn a_reader_that_was_never_there_is_told_from_its_neighbor_and_does_not_hold_it_up() {
    let line = OsdpLine::plug_in(&[Peripheral::at(0)]);
    let site = site(&format!("{}{}", line.configuration("door", "address = 5"), line.configuration("desk", "")));
    let mut read = start(&site, &["read", "--json"]);
    let said = read.hears("check its power");
    assert!(said.starts_with("door: the OSDP reader at address 5 on ") && said.contains("does not answer"), "{said}");
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(read.json()["reader"], "desk");
}

#[test]
fn a_line_that_is_unplugged_is_lost_and_opened_again_when_it_comes_back() {
    let first = OsdpLine::plug_in(&[Peripheral::at(0)]);
    let site = site("");
    let plug = site.path("tty");
    symlink(&first.path, &plug).unwrap();
    // A second reader, so that the command goes on without the first.
    let away = SerialReader::plug_in();
    site.configure(&format!(
        "[[reader]]\nname = \"desk\"\nosdp = \"{}\"\n{}",
        plug.display(),
        away.configuration("gate", "twn3-hidprox", "")
    ));
    let mut read = start(&site, &["read", "--json"]);
    read.hears("OSDP reader at address 0");
    // Its name goes first: the kernel gives the number of a line that ended to whoever wants one next.
    fs::remove_file(&plug).unwrap();
    first.unplug();
    read.hears("is gone: the reader was unplugged; plug it in again");
    read.hears("is not there; plug the reader in");
    let again = OsdpLine::plug_in(&[Peripheral::at(0)]);
    symlink(&again.path, &plug).unwrap();
    read.hears("the reader is there");
    again.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(read.json()["input"], CARD);
}

#[test]
fn a_reader_that_never_answers_says_what_to_check() {
    let mut desk = Desk::of(OsdpLine::plug_in(&[Peripheral::at(0)]), "address = 7\nbaud = 115200");
    let said = desk.read.hears("does not answer");
    assert!(
        said.contains("address 7") && said.contains("check its power, the wires A and B, its address and its baud rate (now 115200)"),
        "{said}"
    );
    let ended = desk.read.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("reader_lost")), "{ended:#?}");
}

#[test]
fn a_line_with_something_else_on_it_is_told_from_a_silent_one() {
    let mut desk = Desk::of(OsdpLine::plug_in(&[]), "");
    for _ in 0..100 {
        desk.line.bytes(b"rotten cable ");
    }
    desk.read.hears("is not OSDP: check the baud rate (now 9600) and whether the wires A and B are swapped");
}

// ---- the secure channel

#[test]
fn a_card_is_read_through_a_secure_channel_with_the_key_of_a_file() {
    let mut desk = Desk::keyed(Peripheral { secure_only: true, ..Peripheral::with_key(0, KEY) }, KEY, 0o600);
    desk.read.hears("the reader is there");
    desk.read.hears("the secure channel is open");
    desk.line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(desk.read.json()["input"], CARD);
    let said = desk.read.signal("INT").text();
    assert!(!said.contains("published") && !said.contains("every user"), "{said}");
    assert!(!said.to_lowercase().contains("944b8e"), "{said}");
}

#[test]
fn another_key_than_the_readers_is_said_and_nothing_is_read_in_the_clear() {
    let mut desk = Desk::keyed(Peripheral::with_key(0, KEY), *b"sixteen bytes...", 0o600);
    desk.read.hears("the OSDP reader at address 0");
    let ended = desk.read.end();
    let said = ended.text();
    assert!(said.contains("has another key than the one in scbk_file: check the key in scbk_file"), "{said}");
    assert_eq!((ended.code, ended.out.len()), (Some(1), 1), "{said}");
    assert!(!said.contains("the reader is there"), "{said}");
}

#[test]
fn a_reader_that_wants_a_secure_channel_says_that_its_key_is_missing() {
    let line = OsdpLine::plug_in(&[Peripheral { secure_only: true, ..Peripheral::with_key(0, KEY) }]);
    let mut desk = Desk::of(line, "");
    desk.read.hears("wants a secure channel: put its key into a file and name it as scbk_file");
}

#[test]
fn the_published_default_key_and_a_key_file_that_all_can_read_are_warned_about() {
    let mut desk = Desk::keyed(Peripheral::with_key(0, PUBLISHED_KEY), PUBLISHED_KEY, 0o644);
    desk.read.hears("holds the default key that the OSDP standard publishes: everybody knows it");
    let said = desk.read.hears("every user of this machine can read the key file");
    assert!(said.contains("chmod 600"), "{said}");
    desk.read.hears("the reader is there");
}

#[test]
fn a_key_file_that_is_not_there_or_no_key_is_said_by_name() {
    let mut desk = Desk::of(OsdpLine::plug_in(&[Peripheral::at(0)]), "scbk_file = \"nowhere.scbk\"");
    desk.read.hears("nowhere.scbk cannot be read: No such file");
    let line = OsdpLine::plug_in(&[Peripheral::at(0)]);
    let site = site(&line.configuration("desk", "scbk_file = \"desk.scbk\""));
    fs::write(site.path("desk.scbk"), "secret").unwrap();
    let said = start(&site, &["read"]).hears("must hold 32 hex digits");
    assert!(said.contains("desk.scbk") && !said.contains("secret"), "{said}");
}

// ---- lights and sounds

/// The colors and the beeps that a reader was told to show until it was told so many.
fn shows(line: &OsdpLine, count: usize) -> Vec<String> {
    let shown = |_| match line.shown.recv_timeout(Duration::from_secs(20)).unwrap() {
        (_, OsdpCommand::Led(led)) => format!("{:?} {}/{}", led.temporary.on_color, led.temporary.on_count, led.temporary.timer_count),
        (_, OsdpCommand::Buzzer(buzzer)) => format!("{} beeps", buzzer.rep_count),
        other => panic!("{other:?}"),
    };
    (0..count).map(shown).collect()
}

#[test]
fn a_card_that_is_enrolled_is_shown_as_read_saved_and_accepted_and_a_refused_one_as_refused() {
    let (blusky, line) = (Simulator::start(&[]), OsdpLine::plug_in(&[Peripheral::at(0)]));
    let site = Site::at(&blusky.base_url, &line.configuration("desk", ""));
    let enroll = |user, outcome: &str| {
        let mut enroll = start(&site, &["enroll", "--user", user, "--json", "--same-card"]);
        enroll.hears("the reader is there");
        line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
        assert_eq!(enroll.end().last()["state"], outcome);
    };
    enroll(ADA, "accepted");
    assert_eq!(shows(&line, 5), ["Amber 3/3", "1 beeps", "Amber 2/50", "Green 20/20", "1 beeps"]);
    // Somebody holds it now.
    enroll(GRACE, "refused");
    assert_eq!(shows(&line, 5), ["Amber 3/3", "1 beeps", "Amber 2/50", "Red 20/20", "3 beeps"]);
}

#[test]
fn a_reader_is_told_to_show_only_what_it_can() {
    let line = OsdpLine::plug_in(&[Peripheral { light: 0, ..Peripheral::at(0) }]);
    let site = site(&line.configuration("desk", ""));
    let mut read = start(&site, &["read", "--count", "2"]);
    read.hears("the reader is there");
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    assert_eq!(read.end().code, Some(0));
    assert_eq!(shows(&line, 2), ["1 beeps", "1 beeps"]);
}

#[test]
fn a_key_is_nobodys_card_while_a_card_is_waited_for() {
    let (blusky, line) = (Simulator::start(&[]), OsdpLine::plug_in(&[Peripheral::at(0)]));
    let site = Site::at(&blusky.base_url, &line.configuration("desk", ""));
    let mut enroll = start(&site, &["enroll", "--user", ADA, "--json"]);
    enroll.hears("the reader is there");
    line.keys(0, b"1234");
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    let ended = enroll.end();
    assert_eq!(ended.last()["state"], "accepted", "{ended:#?}");
}

// ---- captures

#[test]
fn what_was_captured_replays_to_the_same_readings() {
    let line = OsdpLine::plug_in(&[Peripheral::at(0)]);
    let site = site(&line.configuration("desk", "card_left_ms = 3000"));
    let mut capture = start(&site, &["capture", "--reader", "desk", "day.capture", "--count", "3"]);
    capture.hears("recording; show cards");
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    line.card(0, 26, &[0xBD, 0x88, 0xEB, 0x80]);
    line.card(0, 37, &[0x00, 0x00, 0x18, 0x1C, 0xDF]);
    line.keys(0, b"12");
    let ended = capture.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let text = fs::read_to_string(site.path("day.capture")).unwrap();
    assert!(text.contains("osdp: 0\ncard_left_ms: 3000\n"), "{text}");
    assert_eq!(text.matches(" bits 26 BD 88 EB 80 format 1 reader 0 check 16\n").count(), 2, "{text}");
    let played = site.run(&["replay", "day.capture"]);
    assert_eq!(played.stdout.trim_end(), ended.out.join("\n"), "{text}");
}

#[test]
fn a_packet_capture_of_the_conformance_tools_replays_to_the_cards_and_keys_in_it() {
    let site = site("");
    let packet = |nanos: u32, io: &str, data: &str| {
        format!(
            "{{ \"timeSec\":\"1700000000\",\"timeNano\":\"{nanos}\",\"io\":\"{io}\",\"data\":\" {data}\",\"osdpTraceVersion\":\"1\",\"osdpSource\":\"x\" }}\n"
        )
    };
    // A poll, a card, and a key, as published.
    let text = packet(0, "out", "ff 53 00 08 00 04 60 c0 66")
        + &packet(50_000_000, "in", "53 ff 10 00 05 50 ff 01 1a 00 cd 22 c7 16 00 c9")
        + &packet(100_000_000, "trace", "ff ff 53 81 0b 00 06 53 00 01 34 95 62");
    fs::write(site.path("line.osdpcap"), &text).unwrap();
    let played = site.run(&["replay", "line.osdpcap", "--json"]);
    let readings = played.lines();
    assert_eq!(readings.len(), 2, "{played:?}");
    assert_eq!((&readings[0]["binary"], &readings[0]["at"]), (&json!("11001101001000101100011100"), &json!("2023-11-14T22:13:20.050Z")));
    assert_eq!((&readings[1]["keys"], &readings[1]["verdict"]), (&json!("4"), &json!("keypad")));
    fs::write(site.path("line.osdpcap"), text + "{\n").unwrap();
    // What stands before the wrong line has been played by then.
    let error = site.run(&["replay", "line.osdpcap", "--json"]).last();
    assert!(error["error"]["message"].as_str().unwrap().contains("line.osdpcap: line 4: column 1: EOF"), "{error}");
}

// ---- the configuration

#[test]
fn what_is_wrong_about_an_osdp_reader_is_found_with_its_line() {
    let cases = [
        ("osdp = \"/dev/ttyX\"\naddress = 127", "toml:4:11: `reader.address` is 127; it must lie between 0 and 126"),
        ("osdp = \"/dev/ttyX\"\nbaud = 1200", "`reader.baud` of an OSDP reader is one of 9600, 19200"),
        ("osdp = \"/dev/ttyX\"\nbits = 26", "belong to serial readers; OSDP settles them"),
        ("osdp = \"/dev/ttyX\"\n[[reader]]\nname = \"b\"\nosdp = \"/dev/ttyX\"", "two OSDP readers on /dev/ttyX have the address 0"),
        ("osdp = \"/dev/ttyX\"\n[[reader]]\nname = \"b\"\nosdp = \"/dev/ttyX\"\nbaud = 19200", "have different `baud`"),
        ("osdp = \"0403:6001\"\n[[reader]]\nname = \"b\"\nosdp = \"0403:6001\"", "two OSDP readers on 0403:6001 have the address 0"),
        (
            "osdp = \"0403:6001\"\nusb_serial = \"A1\"\n[[reader]]\nname = \"b\"\nusb = \"0403:6001\"\nusb_serial = \"A1\"\ndialect = \"id12la-ascii\"",
            "0403:6001 with serial number A1 has an OSDP reader and a serial one",
        ),
        ("osdp = \"/dev/ttyX\"\nserial = \"/dev/ttyY\"\ndialect = \"id12la-ascii\"", "one of `serial`, `usb`, `pcsc` or `osdp`"),
        ("pcsc = \"*\"\nscbk_file = \"x\"", "`address` and `scbk_file` belong to OSDP readers"),
        (
            "osdp = \"/dev/ttyX\"\n[[reader]]\nname = \"b\"\nserial = \"/dev/ttyX\"\ndialect = \"id12la-ascii\"",
            "/dev/ttyX has an OSDP reader and a serial one",
        ),
    ];
    for (reader, words) in cases {
        let site = site(&format!("[[reader]]\nname = \"a\"\n{reader}\n"));
        let error = site.run(&["read", "--json"]).error();
        assert!(error["message"].as_str().unwrap().contains(words), "{error:#} does not say {words:?}");
    }
}
