//! What is promised of readers that type: every published burst, in `tests/vectors/keyboards.jsonl`, played as `evtest`
//! would have printed it to the shipped binary, is the number that its source tells; typing is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Ended, Site};

/// A vector, what its reader is configured with, and what it reads as.
const READS: &[(&str, &str, &str)] = &[
    ("K001", "template = '{card_number:dec10}'", "card number 461851553"),
    ("K003", "template = '{card_number:dec10}'", "card number 563537489"),
    // The UID 51E69621, which this reader turns round.
    ("K003", "template = '{card_number:dec10}'\nbits = 32\nbyte_order = 'reversed'", "card number 1374066209"),
    ("K004", "template = '{card_number:dec10}'", "card number 9351929"),
    ("K006", "template = '{facility_code:dec3}{card_number:dec5}'", "facility code 97, card number 56356"),
    ("K009", "template = '{facility_code:dec3}{card_number:dec5}'", "facility code 93, card number 59668"),
    ("K011", "template = '{card_number:dec10}'", "card number 4372425"),
    ("K012", "template = '{id:hex8}'\nkind = 'csn'", "csn:0042B7C9"),
    ("K014", "template = '{card_number:dec10},{_:dec4},{_:dec5}'", "card number 4372425"),
    ("K015", "dialect = 'uid-with-colons'", "csn:04A22B9C114480"),
    ("K016", "template = '{card_number:dec10}'", "card number 6478258"),
    ("K018", "template = '{card_number:dec10}'", "card number 13748911"),
    ("K019", "dialect = 'magstripe-track2'", "card number 90073029910"),
    ("K021", "template = 'HA{card_number:dec3}'", "card number 112"),
    ("K026", "template = '{card_number:dec5}'", "card number 9876"),
    ("K026", "dialect = 'decimal-number-line'", "card number 9876"),
    ("K027", "template = '{card_number:dec7}'", "card number 1234567"),
    ("K028", "template = '{id:hex8}'\nkind = 'csn'", "csn:AACCBBDD"),
    ("K031", "dialect = 'magstripe-track2'", "card number 1234"),
    ("K050", "template = '{facility_code:dec3}{card_number:dec5}'", "facility code 33, card number 31943"),
    ("K052", "template = '{facility_code:dec3}{card_number:dec5}'", "facility code 33, card number 31879"),
    ("K100", "template = '{card_number:dec10}'", "card number 18226646"),
    ("K101", "template = '{card_number:dec8}'", "card number 1449430"),
    ("K103", "template = '{bits:dec14}'\nbits = 40\nkind = 'em4100'", "em4100:0801161DD6"),
    ("K104", "template = '{id:hex10}'\nkind = 'em4100'", "em4100:0801161DD6"),
    ("K106", "template = '{bits:hex6}'\nbits = 24", "{24}161DD6"),
    ("K107", "template = '{facility_code:dec3},{card_number:dec5}'", "facility code 22, card number 7638"),
    ("K109", "template = '{_:dec5}{card_number:dec5}'", "card number 7638"),
    ("K110", "template = '{_:dec5}.{card_number:dec5}'", "card number 7638"),
    ("K112", "template = '{bits:hex8}'\nbits = 32\nbyte_order = 'reversed'", "{32}01161DD6"),
    ("K113", "template = '{card_number:dec10}'\nbits = 32\nbyte_order = 'reversed'", "card number 18226646"),
    ("K201", "template = '{card_number:dec8}'", "card number 552173"),
    ("K203", "template = '{bits:dec14}'\nbits = 40\nkind = 'em4100'", "em4100:62E3086CED"),
    ("K205", "template = '{bits:hex8}'\nbits = 32", "{32}E3086CED"),
    ("K207", "template = '{facility_code:dec3},{card_number:dec5}'", "facility code 8, card number 27885"),
    ("K209", "template = '{_:dec5}{card_number:dec5}'", "card number 27885"),
    ("K211", "template = '{card_number:dec}'", "card number 3808980205"),
    ("K213", "template = '{card_number:dec10}'\nbits = 32\nbyte_order = 'reversed'", "card number 3808980205"),
    ("K302", "template = '{id:hex10}'\nkind = 'em4100'", "em4100:0801161DD6"),
    ("K303", "template = '{card_number:dec10}'", "card number 18226646"),
    ("K306", "template = '{card_number:dec10}'", "card number 13748911"),
];

/// Vectors that are not read as a card, and why.
const UNREAD: &[(&str, &str)] = &[
    ("K020", "the source tells no keys"),
    ("K023", "words, and a doubled letter is lost"),
    ("K030", "the source does not say how many digits a byte has"),
];

fn vectors() -> Vec<Value> {
    include_str!("vectors/keyboards.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn vector(id: &str) -> Value {
    vectors().into_iter().find(|vector| vector["id"] == id).unwrap_or_else(|| panic!("{id}"))
}

/// The keys of a vector: codes, and whether Shift is held.
fn keys(vector: &Value) -> Vec<(u64, bool)> {
    vector["evdev"].as_array().unwrap().iter().map(|key| (key[0].as_u64().unwrap(), key[1] == 1)).collect()
}

/// What evtest prints of keys that take so many milliseconds each, from this moment on.
fn evtest(keys: &[(u64, bool)], from: u64, each: u64) -> String {
    let line = |millis: u64, code: u64, value: u8| {
        let time = format!("{}.{:03}000", 1_700_000_000 + millis / 1000, millis % 1000);
        format!(
            "Event: time {time}, type 1 (EV_KEY), code {code} (KEY), value {value}\nEvent: time {time}, -------------- SYN_REPORT ------------\n"
        )
    };
    let mut text = String::new();
    for (at, (code, shift)) in keys.iter().enumerate() {
        let at = from + u64::try_from(at).unwrap() * each;
        let moves = if *shift { vec![(42, 1), (*code, 1), (*code, 0), (42, 0)] } else { vec![(*code, 1), (*code, 0)] };
        for (step, (code, value)) in moves.into_iter().enumerate() {
            text.push_str(&line(at + each * u64::try_from(step).unwrap() / 4, code, value));
        }
    }
    text
}

/// A site with one reader that types.
fn site(more: &str) -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(&format!("[[reader]]\nname = \"desk\"\nkeyboard = \"ffff:0035\"\n{more}\n"));
    site
}

fn replayed(site: &Site, text: &str) -> Ended {
    fs::write(site.path("typed.evtest"), format!("Input driver version is 1.0.1\n{text}")).unwrap();
    let ended = site.run(&["replay", "typed.evtest", "--reader", "desk", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

fn digits(text: &str) -> Vec<(u64, bool)> {
    let code = |digit: char| if digit == '\n' { 28 } else { u64::from((digit.to_digit(10).unwrap() + 9) % 10 + 2) };
    text.chars().map(|digit| (code(digit), false)).collect()
}

#[test]
fn every_published_burst_is_what_its_source_tells() {
    for (id, configuration, wanted) in READS {
        let vector = vector(id);
        let site = site(configuration);
        for each in [4, 16, 40] {
            let readings = replayed(&site, &evtest(&keys(&vector), 0, each)).lines();
            assert_eq!(readings.len(), 1, "{id}, {each} ms a key: {readings:?}");
            let reading = &readings[0];
            assert_eq!(
                (&reading["input"], &reading["transport"], &reading["reader"]),
                (&Value::from(*wanted), &"keyboard".into(), &"desk".into()),
                "{id}"
            );
            // Leading zeros are kept: the text stands there as it was typed.
            let typed: String = vector["typed"].as_str().unwrap().bytes().map(|byte| format!("{byte:02X}")).collect();
            if vector["host_layout"] == "us" {
                assert_eq!(reading["raw"], typed, "{id}");
            }
        }
    }
}

#[test]
fn no_vector_is_left_out_without_a_reason() {
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap();
        let is_read = READS.iter().any(|(read, ..)| *read == id);
        assert_ne!(is_read, UNREAD.iter().any(|(unread, _)| *unread == id), "{id}");
    }
}

#[test]
fn a_burst_of_another_length_or_alphabet_is_damaged_and_never_a_number() {
    let site = site("template = '{card_number:dec10}'");
    for id in ["K006", "K014", "K015", "K019", "K023", "K026", "K027", "K103", "K104", "K107"] {
        let readings = replayed(&site, &evtest(&keys(&vector(id)), 0, 16)).lines();
        let verdicts: Vec<&Value> = readings.iter().map(|reading| &reading["verdict"]).collect();
        assert_eq!(verdicts, ["damaged"], "{id}: {readings:?}");
    }
}

#[test]
fn a_person_s_typing_is_refused_and_a_card_after_it_is_read() {
    let site = site("template = '{card_number:dec10}'");
    let mut text = evtest(&digits("0461851553\n"), 0, 180);
    text.push_str(&evtest(&digits("0009351929\n"), 10_000, 40));
    let inputs: Vec<Value> = replayed(&site, &text).lines().iter().map(|reading| reading["input"].clone()).collect();
    assert_eq!(inputs, ["card number 9351929"]);
}

#[test]
fn a_card_that_is_left_on_the_reader_is_shown_once() {
    let site = site("template = '{card_number:dec10}'");
    let burst = keys(&vector("K306"));
    let text: String = (0..4).map(|again| evtest(&burst, again * 1000, 16)).collect();
    assert_eq!(replayed(&site, &text).lines().len(), 1);
}

#[test]
fn the_number_pad_types_the_same_digits() {
    let codes = [82, 82, 82, 73, 81, 76, 79, 73, 80, 73, 96];
    let text = evtest(&codes.map(|code| (code, false)), 0, 16);
    assert_eq!(replayed(&site("template = '{card_number:dec10}'"), &text).last()["input"], "card number 9351929");
}

#[test]
fn what_evtest_printed_is_played_for_a_reader_of_the_configuration_only() {
    let site = site("template = '{card_number:dec10}'");
    fs::write(site.path("typed.evtest"), evtest(&digits("0009351929\n"), 0, 16)).unwrap();
    for (arguments, words) in [
        (vec!["replay", "typed.evtest", "--json"], "--reader NAME"),
        (vec!["replay", "typed.evtest", "--reader", "other", "--json"], "no keyboard reader is named"),
    ] {
        let ended = site.run(&arguments);
        let error = ended.error();
        assert_eq!((ended.code, &error["code"]), (2, &"unknown_reader".into()), "{ended:?}");
        assert!(error["message"].as_str().unwrap().contains(words) && error["help"].as_str().unwrap().contains("desk"), "{error}");
    }
    fs::write(site.path("typed.evtest"), "Event: time 1, type 1\n").unwrap();
    let ended = site.run(&["replay", "typed.evtest", "--reader", "desk", "--json"]);
    assert!(ended.code == 2 && ended.error()["message"].as_str().unwrap().contains("line 1"), "{ended:?}");
}

#[test]
fn a_keyboard_in_the_configuration_is_an_id_a_name_or_a_path_and_never_every_keyboard() {
    let configured = |keyboard: &str, more: &str| {
        let site = Site::at("http://127.0.0.1:9", "");
        site.configure(&format!("[[reader]]\nname = \"desk\"\nkeyboard = \"{keyboard}\"\n{more}\n"));
        site.run(&["read", "--json", "--timeout", "1"])
    };
    let template = "template = \"{card_number:dec10}\"";
    for keyboard in ["0c27:3bfa", "0c27:3bfa RFIDeas*", "*Sycreader*", "/dev/input/by-id/usb-HXGCoLtd_27db-event-kbd"] {
        let ended = configured(keyboard, template);
        assert!(ended.code == 1 && ended.stderr.contains(&format!("no keyboard {keyboard} is plugged in")), "{ended:?}");
    }
    let wrong = [
        ("*", template, "would take every keyboard"),
        ("0c27:3bfa", "", "dialect"),
        ("0c27:3bfa", "dialect = \"rdm6300\"", "is nothing that a keyboard types"),
        ("0c27:3bfa", "template = \"{card_number:dec10}\"\nbaud = 9600", "a keyboard has none"),
        ("0c27:3bfa", "template = \"{card_number:dec10}\"\nserial = \"/dev/ttyS0\"", "a reader has one of"),
    ];
    for (keyboard, more, words) in wrong {
        let ended = configured(keyboard, more);
        assert!(ended.code == 2 && ended.last()["error"]["message"].as_str().unwrap().contains(words), "{keyboard} {more}: {ended:?}");
    }
}
