//! What is promised of keypads: what is typed is shown once for each entry, is never anybody's card, and reaches no log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::fs;

use cardbridge::{
    card::{Credential, Kind, Literal, PacsBits, Presentation, Verdict},
    decode::{catalog::Catalog, keypad},
    protocols::Protocols,
};
use cards::Followed;
use serde_json::{Value, json};
use support::{ADA, CARD, SerialReader, Simulator, Site};

/// A keypad's format, how many bits a key has, and whether the site has to say which table it is.
const TABLES: [(&str, bool); 7] = [
    ("keypad-4", false),
    ("keypad-6", true),
    ("keypad-6-rosslare", true),
    ("keypad-8", false),
    ("keypad-8-swapped", true),
    ("keypad-8-mercury", true),
    ("keypad-10-roger", false),
];

/// The frames that a keypad of that table sends for these keys.
fn frames(protocols: &Protocols, table: &str, keys: &str) -> Vec<PacsBits> {
    let format = &protocols.format(table).unwrap().format;
    let frame = |key: char| {
        let mut credential = Credential::default();
        credential.set("key", keypad::number(&key.to_string()).unwrap().into());
        format.encode(&credential).unwrap()
    };
    keys.chars().map(frame).collect()
}

/// What a replay of these frames reads, each so many milliseconds after the one before it.
fn replayed(formats: &[&str], frames: &[PacsBits], millis: u32) -> Vec<Value> {
    replayed_at(&format!("formats = {formats:?}"), "", frames, millis)
}

/// The same with these lines of `[site]`, and with these at the head of the capture.
fn replayed_at(lines: &str, head: &str, frames: &[PacsBits], millis: u32) -> Vec<Value> {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(&format!("[site]\n{lines}\n"));
    let mut text = format!("cardbridge capture, version 1\nreader: door\ndialect: wiegandng\n{head}recorded: 2026-01-01T08:00:00.000Z\n\n");
    for (at, frame) in frames.iter().enumerate() {
        let time = 1000 + at as u32 * millis;
        let bytes = format!("RAW Binary={}\r\n", frame.to_binary());
        let hex: Vec<String> = bytes.bytes().map(|byte| format!("{byte:02X}")).collect();
        text.push_str(&format!("{}.{:03} < {}\n", time / 1000, time % 1000, hex.join(" ")));
    }
    fs::write(site.path("keys.capture"), text).unwrap();
    let played = site.run(&["replay", "keys.capture", "--json"]);
    assert_eq!(played.code, 0, "{played:?}");
    played.lines()
}

#[test]
fn what_is_typed_is_shown_once_for_each_entry_in_every_table() {
    let protocols = Protocols::built_in();
    for (table, is_named) in TABLES {
        let formats: &[&str] = if is_named { &[table] } else { &[] };
        // The same key twice within a tenth of a second is two keys, a card would lie there still; * throws away what was before.
        let read = replayed(formats, &frames(&protocols, table, "98*11203#4567#"), 100);
        let entries: Vec<&Value> = read.iter().map(|reading| &reading["keys"]).collect();
        assert_eq!(entries, [&json!("11203"), &json!("4567")], "{table}");
        for reading in &read {
            assert_eq!((&reading["verdict"], &reading["credential"]), (&json!("keypad"), &Value::Null), "{table}");
            assert_eq!(reading["warnings"], json!([]), "{table}");
        }
    }
}

#[test]
fn an_entry_that_nobody_ends_is_shown_after_five_seconds_and_says_so() {
    let frames = frames(&Protocols::built_in(), "keypad-4", "123");
    let read = replayed(&[], &frames, 4000);
    assert_eq!(read.len(), 1, "{read:#?}");
    assert_eq!((&read[0]["keys"], &read[0]["warnings"]), (&json!("123"), &json!(["entry_not_ended"])));
    assert_eq!(read[0]["at"], "2026-01-01T08:00:14.000Z", "the last key came at 9 s");
    let read = replayed(&[], &frames, 5001);
    assert_eq!(read.iter().map(|reading| &reading["keys"]).collect::<Vec<_>>(), ["1", "2", "3"], "what is left lying is an entry");
}

#[test]
fn the_site_says_which_keys_end_and_clear_an_entry_and_how_long_a_pause_may_be() {
    let typed = frames(&Protocols::built_in(), "keypad-4", "12#*34");
    let read = replayed_at("", "keypad_end: *\nkeypad_clear: none\nkeypad_timeout_ms: 300\n", &typed, 100);
    assert_eq!(read.iter().map(|reading| &reading["keys"]).collect::<Vec<_>>(), ["12#", "34"], "{read:#?}");
    assert_eq!((&read[0]["warnings"], &read[1]["warnings"]), (&json!([]), &json!(["entry_not_ended"])));
    assert_eq!(read[1]["at"], "2026-01-01T08:00:01.800Z", "the last key came at 1.5 s");
    // No key ends an entry there: a pause does, and that is no flaw.
    let read = replayed_at("", "keypad_end: none\nkeypad_timeout_ms: 300\n", &typed, 100);
    assert_eq!((&read[0]["keys"], &read[0]["warnings"]), (&json!("34"), &json!([])), "{read:#?}");
    // In the configuration, as in the capture of that reader.
    let mut reader = SerialReader::plug_in();
    let keypad = "settle_ms = 0\nkeypad = { end = \"*\", clear = \"\", timeout_ms = 300 }\n";
    let site = Site::at("http://127.0.0.1:9", &reader.configuration("desk", "wiegandng-lines", keypad));
    let command = site.command(&["read", "--count", "2", "--timeout", "20", "--json"]);
    let mut read = Followed::start(command);
    read.hears("hold the card");
    types(&mut reader, "12#*34");
    assert_eq!((&read.json()["keys"], &read.json()["keys"]), (&json!("12#"), &json!("34")));
}

#[test]
fn a_keypad_that_is_described_wrongly_is_told_what_is_wrong() {
    let reader = SerialReader::plug_in();
    for (keypad, wanted) in [
        ("{ end = \"?\" }", "`reader.keypad.end` must be one of the keys 0123456789*#"),
        ("{ end = \"*\", clear = \"*\" }", "are the same key"),
        ("{ timeout_ms = 5 }", "`reader.keypad.timeout_ms`"),
        ("{ length = 4 }", "length"),
    ] {
        let site = Site::at("http://127.0.0.1:9", &reader.configuration("desk", "wiegandng-lines", &format!("keypad = {keypad}\n")));
        let read = site.run(&["read", "--count", "1", "--timeout", "1"]);
        assert!(read.code == 2 && read.stderr.contains(wanted), "{keypad}: {read:?}");
    }
    let site = Site::at("http://127.0.0.1:9", "[[reader]]\nname = \"desk\"\npcsc = \"*\"\nkeypad = { end = \"*\" }\n");
    let read = site.run(&["read", "--count", "1", "--timeout", "1"]);
    assert!(read.code == 2 && read.stderr.contains("`keypad` belongs to readers that hand over keys"), "{read:?}");
}

#[test]
fn a_whole_entry_in_a_cards_frame_is_an_entry_where_the_site_leaves_nothing_else() {
    // 311964 in the 26 bits of a card with facility code 49.
    let frame = ["{26}188CB200".parse::<Literal>().unwrap().bits()];
    let ours = "formats = [\"hid-h10301\", \"keypad-bcd-26\"]\nfacility_codes = [123]";
    let read = replayed_at(ours, "", &frame, 100);
    assert_eq!((&read[0]["credential"], &read[0]["warnings"]), (&Value::Null, &json!(["typed"])), "{read:#?}");
    // It may be a card of this site.
    for cards in [&ours.replace("123", "49"), "formats = [\"hid-h10301\", \"keypad-bcd-26\"]", ""] {
        assert_eq!(replayed_at(cards, "", &frame, 100)[0]["warnings"], json!([]), "{cards}");
    }
}

#[test]
fn a_key_that_two_tables_read_in_two_ways_is_shown_as_both_and_ends_no_entry() {
    let protocols = Protocols::built_in();
    // What keypad-6 reads as # is * for a keypad with Rosslare's own table.
    let typed = frames(&protocols, "keypad-6", "12#");
    let read = replayed(&[], &typed, 100);
    assert_eq!(read.len(), 2, "{read:#?}");
    assert_eq!((&read[0]["keys"], &read[0]["warnings"]), (&json!("12"), &json!(["entry_not_ended"])));
    assert_eq!((&read[1]["verdict"], &read[1]["keys"]), (&json!("keypad"), &Value::Null));
    let keys: Vec<&Value> = read[1]["fits"].as_array().unwrap().iter().map(|fit| &fit["fields"]["key"]).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    // The site knows.
    assert_eq!(replayed(&["keypad-6"], &typed, 100)[0]["keys"], "12");
}

#[test]
fn what_was_typed_before_a_card_is_shown_is_an_entry_of_its_own() {
    let protocols = Protocols::built_in();
    let card = CARD.parse::<Literal>().unwrap().bits();
    let typed = [frames(&protocols, "keypad-4", "12"), vec![card], frames(&protocols, "keypad-4", "34#")].concat();
    let read = replayed(&["hid-h10301"], &typed, 100);
    assert_eq!(read.len(), 3, "{read:#?}");
    assert_eq!((&read[0]["keys"], &read[1]["input"], &read[2]["keys"]), (&json!("12"), &json!(CARD), &json!("34")));
    assert_eq!((&read[0]["warnings"], &read[2]["warnings"]), (&json!(["entry_not_ended"]), &json!([])));
}

/// Types at a reader that hands over what comes on Wiegand wires, each key in a frame of its own.
fn types(reader: &mut SerialReader, keys: &str) {
    for frame in frames(&Protocols::built_in(), "keypad-4", keys) {
        reader.send(format!("RAW Binary={}\r\n", frame.to_binary()).as_bytes());
    }
}

#[test]
fn whoever_waits_for_a_card_goes_on_waiting_while_a_pin_is_typed_and_it_is_said_nowhere() {
    let (blusky, mut reader) = (Simulator::start(&[]), SerialReader::plug_in());
    // The dialect's own time: a key pressed twice is no card that lies there.
    let more = "card_left_ms = 500\nsettle_ms = 0\n";
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "wiegandng-lines", more));
    let mut command = site.command(&["enroll", "--user", ADA, "--json"]);
    command.env("CARDBRIDGE_LOG", "trace");
    let mut enroll = Followed::start(command);
    enroll.hears("hold the card to the reader");
    types(&mut reader, "8812277#");
    reader.send(format!("RAW Binary={}\r\n", CARD.parse::<Literal>().unwrap().bits().to_binary()).as_bytes());
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
    assert_eq!((site.outbox().len(), blusky.cards()[0]["Assignment"]["UserId"].as_str()), (1, Some(ADA)));
    let said = [ended.out.join("\n"), ended.err.join("\n")].concat();
    assert!(!said.contains("8812277") && !said.contains("38383132323737"), "{said}");
}

#[test]
fn a_service_writes_down_that_something_was_typed_and_not_what() {
    for json in [false, true] {
        let mut reader = SerialReader::plug_in();
        let site = Site::at("http://127.0.0.1:9", &reader.configuration("desk", "wiegandng-lines", "card_left_ms = 0\nsettle_ms = 0\n"));
        let mut command = site.command(if json { &["run", "--json"] } else { &["run"] });
        command.env("CARDBRIDGE_LOG", "trace");
        let mut run = Followed::start(command);
        run.hears("there");
        types(&mut reader, "8812277#");
        let said = run.line();
        if json {
            let said: Value = serde_json::from_str(&said).unwrap();
            assert_eq!((&said["verdict"], &said["reader"], &said["input"]), (&json!("keypad"), &json!("desk"), &json!("keypad")));
            assert_eq!((&said["keys"], &said["raw"], &said["fits"]), (&Value::Null, &Value::Null, &json!([])));
        } else {
            assert_eq!(said, "desk: something was typed on the keypad");
        }
        let ended = run.signal("TERM");
        let said = [ended.out.join("\n"), ended.err.join("\n")].concat();
        assert!(!said.contains("8812277"), "{said}");
    }
}

/// Pseudo-random numbers of a fixed seed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A PIN of so many digits.
    fn pin(&mut self, digits: u32) -> String {
        format!("{:0width$}", self.next() % 10_u64.pow(digits), width = digits as usize)
    }
}

/// Every PIN of four digits, and 3000 of each length up to eight.
fn pins() -> Vec<String> {
    let mut seeded = Seeded(0x9E37_79B9_7F4A_7C15);
    let four = (0..10_000).map(|pin| format!("{pin:04}"));
    four.chain((5..=8).flat_map(|digits| (0..3000).map(move |_| digits)).map(|digits| seeded.pin(digits))).collect()
}

fn verdict(catalog: &Catalog, kind: Kind, bits: PacsBits) -> Verdict {
    catalog.read(Presentation { bits: Some(bits), ..Presentation::of(kind) }).verdict
}

#[test]
fn no_pin_whose_keys_come_joined_to_one_frame_is_certain_as_a_card() {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    for (table, _) in TABLES {
        for pin in pins() {
            for end in ["", "#", "*"] {
                let keys = frames(&protocols, table, &format!("{pin}{end}"));
                let joined = PacsBits::from_bits(keys.iter().flat_map(|key| key.iter().collect::<Vec<_>>())).unwrap();
                assert_ne!(verdict(&catalog, Kind::Wiegand, joined), Verdict::Certain, "{pin}{end} of {table}: {joined}");
            }
        }
    }
}

#[test]
fn no_pin_that_comes_as_a_number_or_as_digits_in_one_frame_is_certain_as_a_card() {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    let whole = protocols.formats.iter().filter(|format| format.never_a_card);
    let whole = whole.filter(|format| format.format.fields.iter().any(|field| &*field.name == "pin"));
    let mut sent = 0;
    for known in whole {
        for pin in pins() {
            let mut credential = Credential::default();
            if known.format.fields.iter().any(|field| &*field.name == "facility_code") {
                credential.set("facility_code", 0_u64.into());
            }
            credential.set("pin", pin.parse::<u64>().unwrap().into());
            // Not every frame has room for every PIN.
            let Ok(bits) = known.format.encode(&credential) else { continue };
            for kind in &known.kinds {
                sent += 1;
                assert_ne!(verdict(&catalog, *kind, bits), Verdict::Certain, "{pin} of {}: {bits}", known.format.id);
            }
        }
    }
    assert!(sent > 50_000, "{sent}");
}

#[test]
fn a_pin_of_a_cdvi_keypad_on_clock_and_data_is_not_certain_as_a_card() {
    // CDVI KCPROXWLC manual, page 12: 12345, with the zeros around it.
    let bits = "{75}0034108608C92BFA800".parse::<Literal>().unwrap().bits();
    let reading = Protocols::built_in().catalog(&[]).read(Presentation { bits: Some(bits), ..Presentation::of(Kind::Track2) });
    assert_eq!(reading.verdict, Verdict::Ambiguous);
    let formats: Vec<&str> = reading.fits.iter().map(|fit| &*fit.format).collect();
    assert!(formats.contains(&"cdvi-pin-track2") && formats.contains(&"paxton-net2"), "{formats:?}");
}
