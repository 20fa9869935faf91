//! Every published frame of a serial or OSDP reader, in `tests/vectors/readers.jsonl`, under its dialect's name: what its
//! source says of it is what is read, and what is no card is no card.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::sync::LazyLock;

use cardbridge::{
    card::{Literal, Reading, from_hex},
    decode::{
        catalog::Catalog,
        line::{Input, Line, Output},
    },
    protocols::Protocols,
    reader::ReaderHints,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

static PROTOCOLS: LazyLock<Protocols> = LazyLock::new(Protocols::built_in);
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| PROTOCOLS.catalog(&[]));

fn vectors() -> Vec<Value> {
    include_str!("vectors/readers.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn heard(vector: &Value, told: ReaderHints) -> Output {
    let protocol = vector["protocol"].as_str().unwrap();
    let dialect = PROTOCOLS.dialect(protocol).unwrap_or_else(|| panic!("no dialect is named {protocol}"));
    let mut line = Line::new(dialect.clone(), told);
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1);
    let mut output = line.handle(Input::Bytes(&from_hex(vector["input_hex"].as_str().unwrap()).unwrap()), now);
    let silence = line.handle(Input::Time, now + TimeDelta::seconds(10));
    output.presentations.extend(silence.presentations);
    output.noise += silence.noise;
    output
}

fn reading(vector: &Value, told: ReaderHints) -> Reading {
    let mut shown = heard(vector, told).presentations;
    assert_eq!(shown.len(), 1, "{vector}");
    CATALOG.read(shown.remove(0))
}

/// The vectors whose expectation has this member.
fn that_expect(member: &str) -> Vec<Value> {
    let found: Vec<Value> = vectors().into_iter().filter(|vector| !vector["expected"][member].is_null()).collect();
    assert!(!found.is_empty(), "no vector says {member}");
    found
}

#[test]
fn every_published_em4100_frame_is_read_as_its_40_bits() {
    for vector in that_expect("em4100_40bit_hex") {
        let wanted: Literal = format!("em4100:{}", vector["expected"]["em4100_40bit_hex"].as_str().unwrap()).parse().unwrap();
        assert_eq!(reading(&vector, ReaderHints::default()).presentation.bits, Some(wanted.bits()), "{vector}");
    }
}

#[test]
fn every_published_serial_number_is_read() {
    for member in ["id_hex", "tag_id"] {
        for vector in that_expect(member) {
            let presentation = reading(&vector, ReaderHints::default()).presentation;
            let read = presentation.csn.map(|csn| csn.bytes().to_vec());
            let bits = presentation.bits.map(|bits| bits.to_binary());
            let wanted = from_hex(vector["expected"][member].as_str().unwrap()).unwrap();
            let binary: String = wanted.iter().map(|byte| format!("{byte:08b}")).collect();
            assert!(read == Some(wanted) || bits == Some(binary), "{vector}");
        }
    }
}

#[test]
fn every_published_facility_code_and_card_number_is_read() {
    for vector in that_expect("facility_code") {
        let reading = reading(&vector, ReaderHints::default());
        let number = |name: &str| vector["expected"][name].as_u64().map(u128::from);
        let fits =
            |name: &str| number(name).is_none_or(|wanted| reading.fits.iter().any(|fit| fit.credential.number(name) == Some(wanted)));
        let payload = number("facility_code").unwrap() << 16 | number("card_number").unwrap();
        let data = reading.presentation.bits.map(|bits| bits.words()[0] >> (64 - bits.len()));
        // Of 34 bits the source prints the 32 data bits as one number; they are laid out as facility code and card number.
        assert!(fits("facility_code") && fits("card_number") || data.map(u128::from) == Some(payload), "{vector}");
    }
}

#[test]
fn every_published_decimal_number_is_read() {
    let vector = &that_expect("decimal")[0];
    let read = reading(vector, ReaderHints { bits: Some(24), ..ReaderHints::default() });
    let wanted = vector["expected"]["decimal"].as_u64().unwrap();
    assert_eq!(read.presentation.bits.map(|bits| bits.words()[0] >> (64 - bits.len())), Some(wanted));
}

#[test]
fn every_published_key_is_a_key() {
    for vector in vectors().into_iter().filter(|vector| vector["protocol"] == "s4a-keypad" || vector["expected"]["name"] == "KEYPAD") {
        let reading = reading(&vector, ReaderHints::default());
        let keys = reading.presentation.keys.clone().unwrap();
        let sent = from_hex(vector["input_hex"].as_str().unwrap()).unwrap();
        assert!(!keys.is_empty() && sent.windows(keys.len()).any(|window| window == keys.as_bytes()), "{vector}");
        assert_eq!(reading.verdict.name(), "keypad");
        assert!(reading.presentation.bits.is_none());
    }
}

#[test]
fn every_published_osdp_card_is_read_without_its_pad_bits() {
    let raw: Vec<Value> = vectors().into_iter().filter(|vector| vector["expected"]["name"] == "RAW").collect();
    assert!(!raw.is_empty());
    for vector in raw {
        assert_eq!(
            reading(&vector, ReaderHints::default()).presentation.bits.unwrap().to_binary(),
            "11001101001000101100011100",
            "{vector}"
        );
    }
}

#[test]
fn a_published_frame_that_is_wrong_is_no_card() {
    let wrong: Vec<Value> = vectors().into_iter().filter(|vector| vector["negative"] == true).collect();
    assert!(wrong.len() >= 2);
    for vector in wrong {
        let output = heard(&vector, ReaderHints::default());
        let believed = output.presentations.iter().filter(|presentation| presentation.damage.is_none()).count();
        assert_eq!(believed, 0, "{vector}");
        assert!(output.noise > 0 || !output.presentations.is_empty(), "a wrong frame is told, {vector}");
    }
}

#[test]
fn published_talk_of_readers_is_neither_a_card_nor_noise() {
    let is_talk = |vector: &Value| {
        let name = vector["expected"]["name"].as_str();
        let osdp = name.is_some_and(|name| !matches!(name, "RAW" | "KEYPAD")) && vector["negative"] != true;
        osdp || !vector["expected"]["version"].is_null()
            || vector["expected"]["body"].is_string()
            || vector["expected"]["payload_len"].is_u64()
    };
    let talk: Vec<Value> = vectors().into_iter().filter(is_talk).collect();
    assert!(talk.len() > 40);
    for vector in talk {
        let output = heard(&vector, ReaderHints::default());
        assert_eq!((output.presentations.len(), output.noise), (0, 0), "{vector}");
    }
}

#[test]
fn what_a_published_vector_says_to_a_reader_is_never_taken_for_a_card() {
    for vector in that_expect("direction") {
        assert!(heard(&vector, ReaderHints::default()).presentations.is_empty(), "{vector}");
    }
}
