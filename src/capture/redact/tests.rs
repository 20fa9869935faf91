//! Redacted captures say the same, and none of their numbers.

use super::*;
use crate::{
    capture::Head,
    card::{Credential, Kind, PacsBits, Presentation},
    decode::dialect::Reads,
    smartcard::{
        conversation::{Conversation, Next},
        script::{Script, ScriptSample},
    },
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

fn from(record: &Record) -> Option<&[u8]> {
    if let Record::From(bytes) = record { Some(bytes) } else { None }
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
            let at = (random.draw() % bits.len() as u64) as usize;
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
    let cards = cards_of_every_format(&protocols, &mut random);
    let mut redaction = Redaction::new(&protocols, catalog(&protocols).into(), ReaderHints::default(), &mut random);
    for (kind, old) in cards {
        let new = redaction.card(kind, old, &[], &|_| true);
        let (before, now) = (shape(&read(kind, old)), shape(&read(kind, new)));
        let is_key = before.0 == crate::card::Verdict::Keypad;
        // Of the few bits of a key there may be no others that every other format takes or refuses in the same way: the 0 of
        // six bits is the only key that one table reads and the other has not.
        let still_fits = before.1.iter().all(|(format, ..)| now.1.iter().any(|(other, ..)| other == format));
        let says_the_same = before == now || is_key && before.0 == now.0 && still_fits;
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
    let mut redaction = Redaction::new(&protocols, catalog(&protocols).into(), ReaderHints::default(), &mut random);
    let card = |number: u8| PacsBits::from_left_aligned(&[0x8A, 0x9F, 0x09, number], 26).unwrap();
    let new: Vec<PacsBits> = (0..4).map(|number| redaction.card(Kind::Wiegand, card(number << 6), &[], &|_| true)).collect();
    let again: Vec<PacsBits> = (0..4).map(|number| redaction.card(Kind::Wiegand, card(number << 6), &[], &|_| true)).collect();
    assert_eq!(new, again);
    assert!((1..4).all(|at| !new[..at].contains(&new[at])));
}

#[test]
fn every_sample_of_every_dialect_is_redacted_to_a_frame_that_reads_the_same_way() {
    let protocols = Protocols::built_in();
    let mut random = seeded(5);
    let mut wrong = Vec::new();
    for dialect in &protocols.dialects {
        for sample in dialect.samples.iter().filter(|sample| sample.reads != Reads::ToReader) {
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

/// A card that answers as in a script's sample, and refuses whatever else it is asked.
fn of_sample(protocols: &Protocols, script: &Script, sample: &ScriptSample) -> Vec<(Duration, Record)> {
    let mut conversation = Conversation::new(&protocols.scripts, &sample.atr, "desk");
    let (mut records, mut step) = (vec![Record::CardIn(sample.atr.clone())], 0);
    let mut next = conversation.begin();
    loop {
        let command = match next {
            Next::Done(_) => break,
            // There is no such key here.
            Next::SayWithKey(..) => {
                next = conversation.answer(&[]);
                continue;
            }
            Next::Say(command) => command,
        };
        let is_meant = script.steps.get(step).is_some_and(|step| step.may_say(&command));
        let answer = sample.answers.get(step).filter(|_| is_meant).cloned();
        step += usize::from(answer.is_some());
        let answer = answer.unwrap_or_else(|| vec![0x6A, 0x81]);
        next = conversation.answer(&answer);
        records.extend([Record::To(command), Record::From(answer)]);
    }
    records.push(Record::CardOut);
    records.into_iter().zip(1..).map(|(record, at)| (Duration::from_millis(at * 10), record)).collect()
}

#[test]
fn every_sample_of_every_smart_card_is_redacted_to_one_that_reads_the_same_way_and_holds_no_number() {
    let protocols = Protocols::built_in();
    let catalog = SharedCatalog::new(catalog(&protocols));
    let mut random = seeded(13);
    let (mut count, mut wrong) = (0, Vec::new());
    for (script, sample) in protocols.scripts.iter().flat_map(|script| script.samples.iter().map(move |sample| (script, sample))) {
        let head = Head {
            reader: "desk".to_owned(),
            attached: Attached::Pcsc("desk".to_owned()),
            attached_at: 3,
            told: ReaderHints::default(),
            recorded: chrono::DateTime::UNIX_EPOCH,
        };
        let capture = Capture { head, records: of_sample(&protocols, script, sample) };
        let redacted = redact(&capture, &protocols, &mut random).unwrap();
        let now = redacted.capture.records.iter().flat_map(|(_, record)| from(record)).collect::<Vec<_>>().concat();
        let mut stays = false;
        for (_, notice) in capture.replay(&protocols, catalog.clone(), SitePolicy::default()).unwrap().flatten() {
            let Notice::Read(reading) = notice else { continue };
            let is_of_many = reading.presentation.warnings.iter().any(|warning| warning == crate::card::WORTHLESS);
            let csn = reading.presentation.csn.as_ref().map(|csn| csn.bytes().to_vec());
            let bits = reading.presentation.bits.map(|bits| bits.to_bytes()).filter(|_| !is_of_many);
            let holds = |number: &Vec<u8>| number.len() > 3 && now.windows(number.len()).any(|window| window == number);
            stays |= csn.iter().chain(&bits).any(holds);
            count += 1;
        }
        if !redacted.says_the_same || stays {
            wrong.push(format!("{}, {}:\n{}→\n{}", script.id, sample.source, capture.text(), redacted.capture.text()));
        }
    }
    assert!(wrong.is_empty(), "{} cards:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 30, "{count}");
}
