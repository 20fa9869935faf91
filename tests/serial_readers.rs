//! What is promised of serial readers, through real ttys into `cardbridge read --json`: however the bytes come, a card
//! shown once is read once, and nothing else is.
//!
//! The frames are those of reader-vectors.jsonl and of the dialects' own samples; each place says which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    thread::sleep,
    time::{Duration, Instant},
};

use cards::{Followed, Plugged, fit, formats};
use serde_json::{Value, json};
use serialport::{SerialPort, TTYPort};
use support::{Ended, SerialReader, Site, times, users::as_another};

/// A dialect with two of its frames.
struct Dialect {
    id: &'static str,
    /// What the site says besides; every frame counts here, also the same one again.
    more: &'static str,
    frame: &'static [u8],
    reads: &'static str,
    other: &'static [u8],
    other_reads: &'static str,
}

const DIALECTS: [Dialect; 5] = [
    Dialect {
        id: "id12la-ascii",
        more: "card_left_ms = 0",
        // The datasheet's frame; the other one carries the ID of paulo-raca issue 8.
        frame: b"\x020C000621A58E\r\n\x03",
        reads: "em4100:0C000621A5",
        other: b"\x020A004D760332\r\n\x03",
        other_reads: "em4100:0A004D7603",
    },
    Dialect {
        id: "twn3-hidprox",
        more: "card_left_ms = 0",
        frame: b"1A808001C0\r", // V030
        reads: "{26}808001C0",
        other: b"1ABD88EB80\r",
        other_reads: "{26}BD88EB80",
    },
    Dialect {
        id: "wiegandng-lines",
        more: "card_left_ms = 0\nsettle_ms = 0",
        frame: b"RAW Binary=10001010100111110000100100\r\n", // V065
        reads: "{26}8A9F0900",
        other: b"RAW Binary=10001111100000001010100011\r\n", // V090
        other_reads: "{26}8F80A8C0",
    },
    Dialect {
        id: "hex-line",
        more: "bits = 26\ncard_left_ms = 0",
        frame: b"A181F440\r\n", // V073
        reads: "{26}A181F440",
        other: b"bd88eb80\n",
        other_reads: "{26}BD88EB80",
    },
    Dialect {
        id: "hex-number-line",
        more: "bits = 26\ncard_left_ms = 0",
        frame: b"02F657AE\r\n", // V095
        reads: "{26}BD95EB80",
        other: b"3C00A73\r\n", // V094
        other_reads: "{26}F0029CC0",
    },
];

/// A desk: one serial reader, and `cardbridge read --json` at it.
/// A site that says nothing of `card_left_ms`, for which tests else say 0.
const THE_DIALECTS_OWN: &str = "# card_left_ms";

struct Desk {
    _site: Site,
    reader: SerialReader,
    read: Followed,
}

impl Desk {
    /// A desk whose reader is there.
    fn of(dialect: &str, more: &str) -> Self {
        Self::with(dialect, more, "")
    }

    /// The same, with more in the site's configuration.
    fn with(dialect: &str, more: &str, configuration: &str) -> Self {
        let reader = SerialReader::plug_in();
        let site = site(&format!("{configuration}\n{}", reader.configuration("desk", dialect, more)));
        let mut read = start(&site, &["read", "--json"]);
        read.hears("the reader is there");
        Self { _site: site, reader, read }
    }

    /// Sends bytes and expects them to be read as exactly this, until now and since the last time.
    fn reads(&mut self, bytes: &[u8], literal: &str) {
        self.reader.send(bytes);
        self.expect(literal, bytes);
    }

    fn expect(&mut self, literal: &str, of: &[u8]) {
        let reading = self.read.json();
        assert_eq!(reading["input"], literal, "of {:?}", String::from_utf8_lossy(of));
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

/// The time a line takes for a byte or two: so that what is sent apart comes apart.
fn line_time() {
    sleep(Duration::from_millis(2));
}

// ---- however the bytes come

#[test]
fn a_frame_sent_whole_is_one_reading_with_every_member_of_the_contract() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        desk.reader.send(dialect.frame);
        let reading = desk.read.json();
        assert_eq!(reading["input"], dialect.reads);
        assert_eq!((&reading["reader"], &reading["transport"]), (&json!("desk"), &json!("serial")));
        let raw: String = dialect.frame.iter().map(|byte| format!("{byte:02X}")).collect();
        let shown = reading["raw"].as_str().unwrap();
        // Of CR LF the CR ends the line.
        assert!(raw.starts_with(shown) && raw.len() - shown.len() <= 2, "{shown} of {raw}");
        chrono::DateTime::parse_from_rfc3339(reading["at"].as_str().unwrap()).unwrap();
        for member in [
            "kind",
            "bits",
            "binary",
            "length",
            "verdict",
            "fits",
            "refusals",
            "credential",
            "decided_by",
            "csn",
            "warnings",
            "suggestions",
        ] {
            assert!(reading.get(member).is_some(), "{member} is missing in {reading:#}");
        }
        desk.reads(dialect.other, dialect.other_reads);
    }
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_one_reading() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        for byte in dialect.frame {
            desk.reader.send(&[*byte]);
            line_time();
        }
        desk.expect(dialect.reads, dialect.frame);
        desk.reads(dialect.other, dialect.other_reads);
    }
}

#[test]
fn two_frames_that_come_joined_are_two_readings() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        let joined = [dialect.frame, dialect.other].concat();
        desk.reads(&joined, dialect.reads);
        desk.expect(dialect.other_reads, &joined);
        let joined = [dialect.other, dialect.other, dialect.frame].concat();
        desk.reads(&joined, dialect.other_reads);
        desk.expect(dialect.other_reads, &joined);
        desk.expect(dialect.reads, &joined);
    }
}

#[test]
fn a_frame_cut_into_two_at_any_byte_is_one_reading() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        for cut in 1..dialect.frame.len() {
            let (first, second) = dialect.frame.split_at(cut);
            desk.reader.send(first);
            line_time();
            desk.reads(second, dialect.reads);
        }
        desk.reads(dialect.other, dialect.other_reads);
    }
}

#[test]
fn a_frame_after_noise_is_read_and_the_noise_is_not() {
    let noises: [&[u8]; 7] = [
        b"\x00",
        b"\x00\x01\x07\x1B[2J\x7F\xFF\xFE",
        b"firmware 1.21, rotten contact\r\n",
        b"\r\n\r\n\n\r",
        b"\x02\x02\x03\r\n",
        b"over & out: ",
        "Gr\u{fc}\u{df}e \u{2713} ".as_bytes(),
    ];
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        // Text right before a bare number may have been a part of it.
        let proves_itself = !dialect.id.starts_with("hex");
        for noise in
            noises.into_iter().filter(|noise| proves_itself || noise.len() == 1 || noise.ends_with(b"\n") || noise.ends_with(b"\r"))
        {
            desk.reads(&[noise, dialect.frame].concat(), dialect.reads);
            desk.reads(&[noise, dialect.other].concat(), dialect.other_reads);
        }
    }
}

#[test]
fn a_number_with_a_damaged_byte_in_it_is_no_shorter_number() {
    let mut desk = Desk::of("decimal-number-line", "card_left_ms = 0");
    for damaged in [&b"13860\x8022627\r\n"[..], b"\xB138602\r\n", b"Error 404\r\n", b"138?602\r\n"] {
        desk.reads(&[damaged, b"1386022627\r\n"].concat(), "card number 1386022627");
    }
}

#[test]
fn a_start_and_an_end_without_a_frame_between_them_are_noise() {
    let dialect = &DIALECTS[0];
    let mut desk = Desk::of(dialect.id, dialect.more);
    for noise in [&b"\x02ABC\r\n\x03"[..], b"\x02\r\n\x03", b"\x020C000621A58\r\n\x03", b"\x020C000621A5XX\r\n\x03", b"\x03\r\n\x03"] {
        desk.reads(&[noise, dialect.frame].concat(), dialect.reads);
    }
}

#[test]
fn a_line_that_cannot_be_as_many_bits_as_the_site_says_is_noise_and_no_card() {
    for dialect in DIALECTS.iter().filter(|dialect| dialect.more.contains("bits")) {
        let mut desk = Desk::of(dialect.id, dialect.more);
        for noise in [&b"#!D\r\n"[..], b"\x02ABC\r\n\xFF", b"rotten cable\r\n", b"7\r\n"] {
            desk.reads(&[noise, dialect.frame].concat(), dialect.reads);
        }
    }
}

#[test]
fn a_card_is_read_after_a_megabyte_of_noise() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        desk.reads(dialect.other, dialect.other_reads);
        let mut seed = 1_u32;
        let mut noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        // A digit before a line end would be a line of hex digits, which is another promise.
        .filter(|byte| !dialect.id.starts_with("hex") || !byte.is_ascii_hexdigit())
        .take(1 << 20)
        .collect();
        noise.extend(b"\r\n");
        desk.reader.send(&noise);
        desk.reads(dialect.frame, dialect.reads);
    }
}

#[test]
fn a_card_is_read_after_a_megabyte_without_a_line_end() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        desk.reader.send(&vec![b'U'; 1 << 20]);
        desk.reader.send(b"\r\n");
        desk.reads(dialect.frame, dialect.reads);
    }
}

#[test]
fn the_talk_of_a_sketch_is_neither_a_card_nor_noise() {
    let mut desk = Desk::of("wiegandng-lines", "");
    desk.reader.send(b"Ready...\r\nBits=26\r\n");
    desk.reads(b"RAW Binary=10001010100111110000100100\r\n", "{26}8A9F0900");
    let ended = desk.read.signal("INT");
    assert_eq!(ended.code, Some(0));
    assert!(!ended.err.iter().any(|line| line.contains("noise")), "{ended:#?}");
}

// ---- halves

#[test]
fn half_a_frame_is_given_up_after_a_while_and_the_next_whole_one_is_read() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        desk.reader.send(&dialect.frame[..dialect.frame.len() / 2]);
        desk.read.hears("noise on the line");
        desk.reads(dialect.frame, dialect.reads);
        desk.reads(dialect.other, dialect.other_reads);
    }
}

#[test]
fn a_card_is_read_after_a_burst_of_noise_that_had_no_line_end_once_the_line_was_silent() {
    for dialect in &DIALECTS {
        let mut desk = Desk::of(dialect.id, dialect.more);
        desk.reader.send(&[b'U'; 1000]);
        desk.read.hears("noise on the line");
        // Longer than half a frame is waited for; nothing is said at its end.
        sleep(Duration::from_millis(800));
        desk.reads(dialect.frame, dialect.reads);
    }
}

// ---- what the site says about a reader

#[test]
fn a_damaged_frame_is_damaged_with_the_checksum_as_the_reason() {
    let mut desk = Desk::of("id12la-ascii", "");
    desk.reader.send_hex("02 30 43 30 30 30 36 32 31 41 35 38 46 0D 0A 03"); // V004
    let reading = desk.read.json();
    assert_eq!(reading["verdict"], "damaged", "{reading:#}");
    assert_eq!((&reading["fits"], &reading["credential"]), (&json!([]), &Value::Null));
    let refusals = reading["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 1, "{reading:#}");
    assert_eq!(refusals[0]["reason"], "checksum");
    let detail = refusals[0]["detail"].as_str().unwrap();
    assert!(detail.contains("8E") && detail.contains("8F"), "{detail}");
    // The same card presented again is read.
    desk.reads(b"\x020C000621A58E\r\n\x03", "em4100:0C000621A5");
}

#[test]
fn a_line_of_hex_digits_is_of_unknown_length_until_the_site_says_how_many_bits() {
    for dialect in ["hex-line", "hex-number-line"] {
        let mut desk = Desk::of(dialect, "");
        desk.reader.send(b"A181F440\r\n");
        let reading = desk.read.json();
        assert_eq!(reading["verdict"], "unknown_length", "{reading:#}");
        assert_eq!((&reading["bits"], &reading["length"], &reading["fits"]), (&Value::Null, &Value::Null, &json!([])));
        assert!(reading["raw"].as_str().unwrap().starts_with("4131383146343430"), "{reading:#}");
    }
}

#[test]
fn the_byte_order_of_a_reader_can_be_reversed() {
    // V008: a W34 converter hands over 7186A61E, the phone says 1EA68671.
    let mut desk = Desk::of("hex-line", "kind = \"csn\"\nbyte_order = \"reversed\"");
    desk.reader.send(b"7186A61E\r\n");
    let reading = desk.read.json();
    assert_eq!((&reading["csn"], &reading["verdict"]), (&json!("1EA68671"), &json!("serial_only")), "{reading:#}");
    assert_eq!(fit(&reading, "csn-4-byte")["card_number"], 0x1EA6_8671_u64);

    // V007: MIFARE 529D06E3 is 1386022627 as read, and 3808861522 byte by byte from the other end.
    for (order, number) in [("as_sent", 1_386_022_627_u64), ("reversed", 3_808_861_522)] {
        let mut desk = Desk::of("hex-line", &format!("kind = \"csn\"\nbyte_order = \"{order}\""));
        desk.reader.send(b"529D06E3\r\n");
        assert_eq!(fit(&desk.read.json(), "csn-4-byte")["card_number"], number);
    }

    // A converter that sends the bytes of a 26-bit number from the last to the first.
    let mut desk = Desk::of("hex-number-line", "bits = 26\nbyte_order = \"reversed\"");
    desk.reads(b"AE57F602\r\n", "{26}BD95EB80");

    // An EM4100 ID from the other end; the frame's own check is over the bytes as they came.
    let mut desk = Desk::of("id12la-ascii", "byte_order = \"reversed\"");
    desk.reads(b"\x020C000621A58E\r\n\x03", "em4100:A52106000C");
}

#[test]
fn the_kind_of_what_a_reader_hands_over_can_be_said() {
    // V066: the sketch takes the parity bits away, FC 21, CN 15890.
    let mut desk = Desk::of("hex-line", "bits = 24\nkind = \"wiegand_stripped\"");
    desk.reader.send(b"153E12\r\n");
    let reading = desk.read.json();
    assert_eq!((&reading["kind"], &reading["length"]), (&json!("wiegand_stripped"), &json!(24)));
    assert_eq!(reading["warnings"], json!(["parity_not_seen"]));
    let h10301 = fit(&reading, "hid-h10301");
    assert_eq!((&h10301["facility_code"], &h10301["card_number"]), (&json!(21), &json!(15890)));
    assert_eq!(h10301["checks"], json!({"present": 0, "passed": 0}));

    // V006, from a reader that prints the ID as hex.
    let mut desk = Desk::of("hex-line", "bits = 40\nkind = \"em4100\"");
    desk.reader.send(b"0801161DD6\r\n");
    let reading = desk.read.json();
    assert_eq!((&reading["kind"], &reading["input"]), (&json!("em4100"), &json!("em4100:0801161DD6")));
    assert!(formats(&reading).iter().all(|format| format.starts_with("em4100")), "{reading:#}");
    let w = fit(&reading, "em4100-8-16");
    assert_eq!((&w["facility_code"], &w["card_number"]), (&json!(22), &json!(7638)));
}

#[test]
fn an_em4100_id_is_never_tried_against_wiegand_formats() {
    // Read as 40 bits the datasheet's frame passes both Verkada parities.
    let mut desk = Desk::of("id12la-ascii", "");
    desk.reader.send(DIALECTS[0].frame);
    let reading = desk.read.json();
    assert!(!formats(&reading).contains(&"verkada-40"), "{reading:#}");
    let refusals = reading["refusals"].as_array().unwrap();
    assert!(refusals.iter().all(|refusal| refusal["format"].as_str().unwrap().starts_with("em4100")), "{reading:#}");
}

#[test]
fn the_notations_of_an_em4100_id_are_a_tie_that_the_site_settles() {
    let mut desk = Desk::of("id12la-ascii", "");
    desk.reader.send(DIALECTS[0].frame);
    let reading = desk.read.json();
    assert_eq!((&reading["verdict"], &reading["credential"], &reading["decided_by"]), (&json!("ambiguous"), &Value::Null, &Value::Null));
    assert_eq!(reading["fits"].as_array().unwrap().len(), 5, "{reading:#}");

    let mut desk = Desk::with("id12la-ascii", "", "[site]\nformats = [\"em4100-8-16\"]");
    desk.reader.send(DIALECTS[0].frame);
    let reading = desk.read.json();
    assert_eq!((&reading["verdict"], &reading["decided_by"]), (&json!("ambiguous"), &json!("policy")), "{reading:#}");
    let believed = &reading["credential"];
    assert_eq!(
        (&believed["format"], &believed["facility_code"], &believed["card_number"]),
        (&json!("em4100-8-16"), &json!(6), &json!(8613))
    );
    assert_eq!(reading["fits"].as_array().unwrap().len(), 5, "policy hides nothing: {reading:#}");
}

// ---- one card, one presentation

#[test]
fn the_same_frame_again_while_the_card_lies_there_is_one_presentation() {
    let dialect = &DIALECTS[1];
    let mut desk = Desk::of(dialect.id, "card_left_ms = 60000");
    for _ in 0..5 {
        desk.reader.send(dialect.frame);
    }
    desk.expect(dialect.reads, dialect.frame);
    // Another card is another presentation at once.
    desk.reads(dialect.other, dialect.other_reads);
}

#[test]
fn two_cards_in_one_field_that_the_reader_reads_in_turn_are_one_presentation_each() {
    let dialect = &DIALECTS[1];
    let mut desk = Desk::of(dialect.id, "card_left_ms = 60000");
    for _ in 0..20 {
        desk.reader.send(&[dialect.frame, dialect.other].concat());
    }
    desk.reads(b"1AF0029CC0\r", dialect.reads);
    desk.expect(dialect.other_reads, dialect.other);
    desk.expect("{26}F0029CC0", b"the third card");
}

#[test]
fn the_same_frame_again_after_the_card_has_left_is_two_presentations() {
    let dialect = &DIALECTS[1];
    let mut desk = Desk::of(dialect.id, "card_left_ms = 100");
    desk.reads(dialect.frame, dialect.reads);
    sleep(Duration::from_millis(150));
    desk.reads(dialect.frame, dialect.reads);
    desk.reads(dialect.other, dialect.other_reads);
}

#[test]
fn a_card_that_lies_there_for_long_is_one_presentation_as_long_as_the_reader_repeats_it() {
    let dialect = &DIALECTS[1];
    let mut desk = Desk::of(dialect.id, "card_left_ms = 1000");
    for _ in 0..12 {
        desk.reader.send(dialect.frame);
        sleep(Duration::from_millis(125));
    }
    desk.expect(dialect.reads, dialect.frame);
    desk.reads(dialect.other, dialect.other_reads);
}

#[test]
fn a_dialect_knows_itself_how_long_its_card_lies_there() {
    for dialect in &DIALECTS {
        let bits = if dialect.more.contains("bits = 26") { "bits = 26" } else { "" };
        let mut desk = Desk::of(dialect.id, &format!("{THE_DIALECTS_OWN}\n{bits}"));
        desk.reader.send(&[dialect.frame, dialect.frame].concat());
        desk.expect(dialect.reads, dialect.frame);
        desk.reads(dialect.other, dialect.other_reads);
    }
    // With nought, which a site may say, each frame is a card of its own.
    let id12la = &DIALECTS[0];
    let mut desk = Desk::of(id12la.id, "card_left_ms = 0");
    desk.reads(&[id12la.frame, id12la.frame].concat(), id12la.reads);
    desk.expect(id12la.reads, id12la.frame);
}

// ---- the port

#[test]
fn a_port_that_another_program_holds_is_said_with_that_programs_name() {
    let reader = SerialReader::plug_in();
    let other = hold(&reader.path);
    let site = site(&reader.configuration("desk", "twn3-hidprox", ""));
    let ended = start(&site, &["read", "--json", "--count", "1"]).end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let own = format!("(process {})", std::process::id());
    let message = ended.err.iter().find(|line| line.contains("is held by")).unwrap_or_else(|| panic!("{ended:#?}"));
    assert!(message.starts_with("desk:") && message.contains(&reader.path) && message.contains(&own), "{message}");
    assert!(message.contains("serial_readers"), "the program's name: {message}");
    let error = &ended.last()["error"];
    assert_eq!(error["code"], "reader_lost", "{ended:#?}");
    assert!(error["message"].as_str().unwrap().contains(&own), "{error}");
    drop(other);
}

#[test]
fn a_port_that_another_users_program_holds_is_in_use_and_not_gone() {
    let reader = SerialReader::plug_in();
    fs::set_permissions(&reader.path, fs::Permissions::from_mode(0o666)).unwrap();
    let [theirs, ours] = [(); 2].map(|()| Site::at("http://127.0.0.1:9", &reader.configuration("desk", "twn3-hidprox", "")));
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&ours.folder, Some(65_534), None).unwrap();
    }
    let mut station = theirs.station();
    station.wait_for_stderr("desk: there");
    let ended = Ended::after(&mut as_another(&ours, &["read", "--count", "1"]));
    let named = format!("{} is held by cardbridge run (process {})", reader.path, station.id());
    assert!(ended.code == 1 && ended.stderr.contains(&named), "{ended:?}");
}

#[test]
fn a_port_is_read_as_soon_as_the_program_that_held_it_ends() {
    let (mut reader, second) = (SerialReader::plug_in(), SerialReader::plug_in());
    let other = hold(&reader.path);
    // With a second reader there is no hurry: the command goes on while one is left.
    let readers = format!("{}{}", reader.configuration("desk", "twn3-hidprox", ""), second.configuration("gate", "twn3-hidprox", ""));
    let site = site(&readers);
    let mut read = start(&site, &["read", "--json", "--count", "1"]);
    read.hears("is held by");
    drop(other);
    reader.wait_until_open();
    reader.send(b"1A808001C0\r");
    let reading = read.json();
    assert_eq!((&reading["input"], &reading["reader"]), (&json!("{26}808001C0"), &json!("desk")));
    assert_eq!(read.end().code, Some(0));
}

#[test]
fn an_unplugged_reader_is_read_again_once_it_is_plugged_in() {
    let (site, second) = (Site::at("http://127.0.0.1:9", ""), SerialReader::plug_in());
    let plug = site.path("tty");
    let mut first = Plugged::plug_in(plug.clone());
    let desk = format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"twn3-hidprox\"\n", plug.display());
    site.configure(&format!("{desk}{}", second.configuration("gate", "twn3-hidprox", "")));
    let mut read = start(&site, &["read", "--json"]);
    read.hears("the reader is there");
    read.hears("the reader is there");
    first.send(b"1A808001C0\r1A80");
    assert_eq!(read.json()["input"], "{26}808001C0");
    drop(first);
    read.hears("unplugged; plug it in again");
    let mut again = Plugged::plug_in(plug);
    read.hears("the reader is there");
    // The half that was left behind and the rest of it are not one card; the same card again is a new presentation.
    again.send(b"8001C0\r1A808001C0\r1ABD88EB80\r");
    assert_eq!(read.json()["input"], "{26}808001C0");
    assert_eq!(read.json()["input"], "{26}BD88EB80");
}

#[test]
fn no_card_is_lost_or_doubled_while_a_reader_is_unplugged_and_plugged_in_again_and_again_beside_a_busy_one() {
    let site = Site::at("http://127.0.0.1:9", "");
    let (plug, mut busy) = (site.path("tty"), SerialReader::plug_in());
    let mut reader = Plugged::plug_in(plug.clone());
    let desk = format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"id12la-ascii\"\ncard_left_ms = 0\n", plug.display());
    site.configure(&format!("{desk}{}", busy.configuration("gate", "id12la-ascii", "card_left_ms = 0")));
    let mut read = start(&site, &["read", "--json"]);
    read.hears("the reader is there");
    read.hears("the reader is there");
    let mut number = 0_u32;
    let mut next = || {
        number += 1;
        let id = [vec![0x0C], number.to_be_bytes().to_vec()].concat();
        let check = id.iter().fold(0, |check, byte| check ^ byte);
        let digits: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
        (format!("\x02{digits}{check:02X}\r\n\x03").into_bytes(), format!("em4100:{digits}"))
    };
    for round in 0..times("REPLUGS", 20) {
        // Five cards at each, in turn; the last one at the desk is cut off by the plug.
        let mut shown: Vec<String> = Vec::new();
        for _ in 0..5 {
            for line in [&mut |bytes: &[u8]| reader.send(bytes), &mut |bytes: &[u8]| busy.send(bytes)] as [&mut dyn FnMut(&[u8]); 2] {
                let (frame, literal) = next();
                line(&frame);
                shown.push(literal);
            }
        }
        let mut heard: Vec<String> = shown.iter().map(|_| read.json()["input"].as_str().unwrap().to_owned()).collect();
        shown.sort();
        heard.sort();
        assert_eq!(heard, shown, "round {round}");
        let (frame, _) = next();
        reader.send(&frame[..7]);
        drop(reader);
        read.hears("desk: ");
        reader = Plugged::plug_in(plug.clone());
        let began = Instant::now();
        read.hears("the reader is there");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn reading_ends_with_1_and_says_why_when_its_only_reader_is_unplugged_for_good() {
    let site = Site::at("http://127.0.0.1:9", "");
    let plug = site.path("tty");
    let reader = Plugged::plug_in(plug.clone());
    site.configure(&format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"twn3-hidprox\"\n", plug.display()));
    let mut read = start(&site, &["read", "--json"]);
    read.hears("the reader is there");
    drop(reader);
    read.hears("unplugged; plug it in again");
    let ended = read.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("reader_lost")), "{ended:#?}");
}

#[test]
fn bytes_that_are_no_card_are_said_once_with_what_they_may_mean() {
    let mut reader = SerialReader::plug_in();
    let site = site(&reader.configuration("desk", "rdm6300", ""));
    let mut read = start(&site, &["read", "--count", "1", "--timeout", "3"]);
    read.hears("hold the card to the reader");
    reader.send(b"62E3086CED\r\n");
    read.hears("noise on the line");
    reader.send(b"62E3086CED\r\n");
    let ended = read.end();
    let said = ended.err.iter().filter(|line| line.contains("bytes that are no card; wrong dialect or baud rate?")).count();
    assert_eq!((ended.code, said), (Some(1), 1), "{ended:#?}");
}

#[test]
fn a_reader_that_is_not_there_is_why_no_card_was_shown_however_short_the_wait() {
    let site = site("[[reader]]\nname = \"desk\"\nserial = \"/dev/ttyCARDBRIDGE7\"\ndialect = \"twn3-hidprox\"\n");
    let ended = start(&site, &["read", "--count", "1", "--timeout", "2", "--json"]).end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("reader_lost")), "{ended:#?}");
}

#[test]
fn a_port_that_is_not_there_is_said_with_what_to_do() {
    let site = site("[[reader]]\nname = \"desk\"\nserial = \"/dev/ttyCARDBRIDGE7\"\ndialect = \"twn3-hidprox\"\n");
    let ended = start(&site, &["read", "--count", "1"]).end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.text().contains("/dev/ttyCARDBRIDGE7 is not there; plug the reader in"), "{ended:#?}");
}

#[test]
fn reading_ends_with_1_when_no_card_was_shown_in_time() {
    let reader = SerialReader::plug_in();
    let site = site(&reader.configuration("desk", "twn3-hidprox", ""));
    let ended = start(&site, &["read", "--json", "--count", "1", "--timeout", "1"]).end();
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.last()["error"]["code"], "no_card", "{ended:#?}");
}

/// Opens a port as a terminal program would: for itself alone.
fn hold(path: &str) -> TTYPort {
    let port = serialport::new(path, 9600).open_native().unwrap();
    assert!(port.exclusive() && port.name().is_some());
    port
}
