//! Redacted captures say the same, and none of their numbers.

use super::*;
use crate::{
    capture::Head,
    card::{Credential, Kind, PacsBits, Presentation},
    decode::dialect::Reads,
};

/// Numbers that are the same in every run (splitmix64).
pub(super) fn seeded(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

fn catalog(protocols: &Protocols) -> crate::decode::catalog::Catalog {
    let every: Vec<String> = protocols.formats.iter().map(|format| format.format.id.to_string()).collect();
    protocols.catalog(&every)
}

/// Cards of every format: its samples, and random numbers in it; intact, and with one bit wrong.
fn cards_of_every_format(protocols: &Protocols, random: &mut dyn Random) -> Vec<(Kind, PacsBits)> {
    let mut cards = Vec::new();
    for format in &protocols.formats {
        for _ in 0..4 {
            let mut credential = Credential::default();
            for field in format.format.fields.iter() {
                credential.set(&field.name, field.nth(random.wide()));
            }
            let bits = format.format.encode(&credential).unwrap();
            let mut wrong = bits;
            let at = random.below(bits.len());
            wrong.set(at, !bits.get(at));
            cards.extend(format.kinds.iter().map(|kind| (*kind, bits)));
            // Of a key's few bits, with one of them wrong, there may be no others of which the same is said.
            if !(format.never_a_card && bits.len() <= 10) {
                cards.extend(format.kinds.iter().map(|kind| (*kind, wrong)));
            }
        }
    }
    cards
}

#[test]
fn for_every_card_of_every_format_another_one_of_which_every_format_says_the_same() {
    let protocols = Protocols::built_in();
    let (catalog_of_all, mut random) = (catalog(&protocols), seeded(11));
    let read = |kind, bits: PacsBits| {
        let csn = if kind == Kind::Csn { crate::card::Csn::new(&bits.to_bytes()) } else { None };
        catalog_of_all.read(Presentation { bits: Some(bits), csn, ..Presentation::of(kind) })
    };
    let mut wrong = Vec::new();
    let mut cards = Cards::new(catalog(&protocols));
    for (kind, old) in cards_of_every_format(&protocols, &mut random) {
        let new = cards.bits(kind, old, 0, &mut random);
        cards.settle();
        let (before, now) = (shape(&read(kind, old)), shape(&read(kind, new)));
        // Of the few bits of a key there may be no others that every other format refuses in the same words.
        let is_key = before.0 == crate::card::Verdict::Keypad;
        let says_the_same = before == now || is_key && (before.0, &before.1) == (now.0, &now.1);
        if (new == old && !is_key) || !says_the_same {
            wrong.push(format!("{kind:?} {old} → {new}: {before:?} → {now:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cards:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_card_becomes_the_same_card_every_time_and_another_one_another() {
    let protocols = Protocols::built_in();
    let mut random = seeded(3);
    let mut cards = Cards::new(catalog(&protocols));
    let card = |number: u8| PacsBits::from_left_aligned(&[0x8A, 0x9F, 0x09, number], 26).unwrap();
    let new: Vec<PacsBits> = (0..4).map(|number| cards.bits(Kind::Wiegand, card(number << 6), 0, &mut random)).collect();
    let again: Vec<PacsBits> = (0..4).map(|number| cards.bits(Kind::Wiegand, card(number << 6), 0, &mut random)).collect();
    assert_eq!(new, again);
    assert!((1..4).all(|at| !new[..at].contains(&new[at])));
}

#[test]
fn every_sample_of_every_dialect_is_redacted_to_a_frame_that_reads_the_same_way() {
    let protocols = Protocols::built_in();
    let mut random = seeded(5);
    let mut wrong = Vec::new();
    for dialect in &protocols.dialects {
        for sample in dialect.samples.iter().filter(|sample| sample.reads != Reads::Said) {
            let told = crate::reader::ReaderHints { bits: sample.bits, ..Default::default() };
            let half = sample.frame.len() / 2;
            let (first, rest) = sample.frame.split_at(half);
            let bytes = [&sample.frame, first, rest, &sample.frame, first];
            let records = bytes.iter().zip([0, 5, 5, 30, 60]).map(|(bytes, at)| (Duration::from_secs(at), Record::From(bytes.to_vec())));
            let head = Head {
                reader: "desk".to_owned(),
                attached: Attached::Serial(dialect.id.clone()),
                attached_at: 3,
                told,
                recorded: chrono::DateTime::UNIX_EPOCH,
            };
            let records = records.filter(|(_, record)| from(record).is_some_and(|bytes| !bytes.is_empty())).collect();
            let capture = Capture { head, records };
            let redacted = redact(&capture, &protocols, &mut random).unwrap();
            let lengths =
                |capture: &Capture| capture.records.iter().map(|(at, record)| (*at, from(record).map(<[u8]>::len))).collect::<Vec<_>>();
            assert_eq!(lengths(&capture), lengths(&redacted.capture));
            let is_card = matches!(&sample.reads, Reads::As(words) if !words.starts_with("keys")) || sample.reads == Reads::Damaged;
            if !redacted.says_the_same || (is_card && redacted.capture.records[0] == capture.records[0]) {
                let text = |capture: &Capture| from(&capture.records[0].1).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                wrong.push(format!("{} {}: {:?} → {:?}", dialect.id, sample.reads, text(&capture), text(&redacted.capture)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} frames:\n{}", wrong.len(), wrong.join("\n"));
}
