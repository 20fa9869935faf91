//! What is promised of redacted captures: a replay says the same of them, and no number of the original is in them, in
//! no notation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{fs, os::unix::fs::PermissionsExt};

use cards::Followed;
use serde_json::{Value, json};
use support::{SerialReader, Site};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");

fn bare_site() -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure("");
    site
}

/// What a replay says of a capture, without the numbers.
fn said(site: &Site, file: &str) -> Vec<Value> {
    let replayed = site.run(&["replay", file, "--json"]);
    assert_eq!(replayed.code, 0, "{replayed:?}");
    let said = |reading: &Value| {
        let fits: Vec<Value> = reading["fits"].as_array().unwrap().iter().map(|fit| json!([fit["format"], fit["checks"]])).collect();
        let refusals = reading["refusals"].as_array().unwrap().iter();
        let refusals: Vec<Value> = refusals.map(|refusal| json!([refusal["format"], refusal["reason"]])).collect();
        json!([
            reading["kind"],
            reading["length"],
            reading["verdict"],
            fits,
            refusals,
            reading["warnings"],
            reading["at"],
            reading["reader"]
        ])
    };
    replayed.lines().iter().map(said).collect()
}

/// Every way in which the numbers of a replay can be written, where they are long enough not to stand anywhere by chance.
fn notations(site: &Site, file: &str) -> Vec<String> {
    let mut notations = Vec::new();
    for reading in site.run(&["replay", file, "--json"]).lines() {
        notations.extend(reading["binary"].as_str().map(ToOwned::to_owned));
        let hex = reading["bits"].as_str().and_then(|bits| bits.split('}').nth(1)).map(ToOwned::to_owned);
        let csn = reading["csn"].as_str().map(ToOwned::to_owned);
        let turned =
            |hex: &String| hex.as_bytes().chunks(2).rev().map(|byte| String::from_utf8_lossy(byte).into_owned()).collect::<String>();
        for number in [hex, csn].into_iter().flatten() {
            notations.extend([turned(&number), number]);
        }
        for fit in reading["fits"].as_array().unwrap() {
            if let Some(number) = fit["card_number"].as_u64() {
                notations.extend([format!("{number}"), format!("{number:X}"), format!("{number:08X}")]);
            }
        }
    }
    notations.retain(|notation| notation.len() >= 6);
    notations
}

/// A capture as anybody could search it: its text, its bytes as hex and as characters.
fn searchable(text: &str) -> String {
    let records: Vec<&str> = text.lines().filter_map(|line| line.split_once(['<', '>']).map(|(_, bytes)| bytes)).collect();
    let hex: String = records.concat().split_whitespace().collect();
    let bytes = (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok());
    let characters: String = bytes.map(char::from).collect();
    format!("{text}\n{hex}\n{}", characters.to_uppercase())
}

#[test]
fn a_redacted_capture_says_the_same_and_holds_none_of_the_numbers() {
    let site = bare_site();
    for (at, entry) in fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).enumerate() {
        if entry.extension().is_none_or(|end| end != "capture") {
            continue;
        }
        let (old, new) = (entry.to_str().unwrap(), format!("{at}.capture"));
        let redacted = site.run(&["capture", "--redact", old, &new]);
        assert_eq!(redacted.code, 0, "{old}: {redacted:?}");
        assert!(!redacted.stderr.contains("something else"), "{old}: {redacted:?}");
        assert_eq!(said(&site, old), said(&site, &new), "{old}");
        let written = fs::read_to_string(site.path(&new)).unwrap();
        let text = searchable(&written);
        let found: Vec<String> = notations(&site, old).into_iter().filter(|number| text.contains(number)).collect();
        assert!(found.is_empty(), "{old}: {found:?} in\n{text}");
        assert_eq!(fs::metadata(site.path(&new)).unwrap().permissions().mode() & 0o777, 0o600, "{old}");
        assert!(!written.contains('#'), "a comment may say whose card it is: {written}");
    }
}

#[test]
fn half_frames_and_talk_of_a_redacted_capture_hold_no_digits_of_the_card() {
    let site = bare_site();
    site.run(&["capture", "--redact", &format!("{FOLDER}/id12la-half-frame.capture"), "new.capture"]);
    let text = fs::read_to_string(site.path("new.capture")).unwrap();
    // The half frame keeps its start and its length.
    let half = text.lines().find(|line| line.starts_with("0.000 < ")).unwrap();
    assert!(half.starts_with("0.000 < 02 ") && half.len() == "0.000 < 02 30 43 30 30 30 36".len(), "{text}");
    assert!(!searchable(&text).contains("0C0006"), "{text}");
}

/// The bytes that came from the reader.
fn heard(text: &str) -> Vec<u8> {
    let bytes = text.lines().filter_map(|line| line.split_once(" < ")).flat_map(|(_, bytes)| bytes.split(' '));
    bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn a_reader_that_speaks_another_language_than_the_site_believes_gives_none_of_its_cards_away() {
    let site = bare_site();
    let head = |dialect: &str| format!("cardbridge capture, version 1\nreader: desk\ndialect: {dialect}\n\n");
    for (dialect, record, stays) in [
        ("hex-line", "7B 11 D7 0A", &b"\n"[..]),
        ("rdm6300", "AA BB 7B 11 D7 5A C3 99", b""),
        ("hex-line", "41 64 61 20 4C 6F 76 65 0D 0A", b"\r\n"),
        ("rdm6300", "4B 58 51 20 7B 2D", b""),
        ("id12la-ascii", "02 4B 58 51 7B 11 D7 99 03", b"\x02\x03"),
    ] {
        let old = format!("{}0.000 < {record}\n", head(dialect));
        fs::write(site.path("old.capture"), &old).unwrap();
        // A byte is drawn as if the old one were not known, and may come out as it was, but not always.
        let drawn: Vec<Vec<u8>> = (0..6)
            .map(|at| {
                let redacted = site.run(&["capture", "--redact", "old.capture", &format!("{at}.capture")]);
                assert_eq!(redacted.code, 0, "{redacted:?}");
                let text = fs::read_to_string(site.path(&format!("{at}.capture"))).unwrap();
                fs::remove_file(site.path(&format!("{at}.capture"))).unwrap();
                heard(&text)
            })
            .collect();
        for (at, byte) in heard(&old).into_iter().enumerate() {
            let always = drawn.iter().all(|new| new[at] == byte);
            assert_eq!(always, stays.contains(&byte), "{dialect} {record}, byte {at}: {drawn:02X?}");
            assert_eq!(drawn[0].len(), heard(&old).len());
        }
    }
}

#[test]
fn what_is_recorded_with_redact_never_stands_on_disk() {
    let mut reader = SerialReader::plug_in();
    let site = bare_site();
    site.configure(&reader.configuration("desk", "id12la-ascii", ""));
    let mut capture = Followed::start(site.command(&["capture", "--reader", "desk", "--redact", "day.capture"]));
    capture.hears("recording");
    reader.send(b"\x020C000621A58E\r\n\x03");
    assert!(capture.line().contains("em4100:0C000621A5"), "whoever records sees the card itself");
    assert_eq!(fs::read_to_string(site.path("day.capture")).unwrap(), "");
    let recorded = capture.signal("INT");
    assert_eq!(recorded.code, Some(0), "{recorded:#?}");
    let text = searchable(&fs::read_to_string(site.path("day.capture")).unwrap());
    assert!(text.starts_with("cardbridge capture, version 1\nreader: desk\ndialect: id12la-ascii\n"), "{text}");
    assert!(!text.contains("0C000621A5"), "{text}");
    assert_eq!(said(&site, "day.capture").len(), 1);
}

#[test]
fn what_cannot_be_redacted_is_refused_and_nothing_is_overwritten() {
    let site = bare_site();
    let old = format!("{FOLDER}/id12la-good.capture");
    fs::write(site.path("there.capture"), "precious").unwrap();
    assert_eq!(site.run(&["capture", "--redact", &old, "there.capture"]).code, 1);
    assert_eq!(fs::read_to_string(site.path("there.capture")).unwrap(), "precious");
    fs::write(site.path("strange.capture"), "cardbridge capture, version 1\nreader: desk\ndialect: nobodys\n\n0.000 < 31\n").unwrap();
    let refused = site.run(&["capture", "--redact", "strange.capture", "new.capture"]);
    assert!(refused.code == 2 && refused.stderr.contains("strange.capture: line 3: "), "{refused:?}");
    assert!(!site.path("new.capture").exists());
    for wrong in [&["capture", "--redact", "one.capture"][..], &["capture", "--reader", "desk", "a.capture", "b.capture"]] {
        assert_eq!(site.run(wrong).code, 2, "{wrong:?}");
    }
}
