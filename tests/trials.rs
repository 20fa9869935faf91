//! Sixty-nine cards that people asked about in public, with the answer that was found: each is read as that (`wanted`), or why
//! it is honestly not known stands beside it (`not_known`). Some are known only where the site names a format (`named`). One
//! more question was about a keyboard reader; `keyboards.rs` holds what came of it.
//!
//! `UPDATE_EXPECT=1 cargo test --test trials` writes what is read into `tests/golden/trials.txt`; look at the difference
//! before you keep it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{fs, path::Path};

use cardbridge::{
    card::{Credential, Literal, Presentation, Reading, Verdict, from_hex},
    decode::{
        catalog::Catalog,
        line::{Input, Line},
    },
    enroll::policy::{self, Hints, SitePolicy},
    protocols::Protocols,
    reader::{ByteOrder, ReaderHints},
    views::reading::literal,
};
use chrono::DateTime;
use serde_json::Value;

fn cases() -> Vec<Value> {
    include_str!("vectors/trials.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is read of a case, at a site that says nothing about formats.
fn readings(case: &Value, protocols: &Protocols, catalog: &Catalog) -> Vec<Reading> {
    let policy = SitePolicy::default();
    let print = case["printed"].as_str();
    let hints = Hints { card_type: None, printed: print.map(ToOwned::to_owned) };
    let mut readings: Vec<Reading> = presentations(case, protocols).into_iter().map(|card| catalog.read(card)).collect();
    for reading in &mut readings {
        policy::choose(reading, &policy, &hints);
        policy::explain(reading, catalog, &policy, print);
    }
    readings
}

fn presentations(case: &Value, protocols: &Protocols) -> Vec<Presentation> {
    if let Some(literals) = case["literals"].as_array() {
        let literals = literals.iter().map(|literal| literal.as_str().unwrap().parse::<Literal>().unwrap());
        return literals.map(|literal| Presentation::of_literal(&literal)).collect();
    }
    let Some(dialect) = case["dialect"].as_str().map(|name| protocols.dialect(name).unwrap()) else { return Vec::new() };
    let byte_order = if case["reversed"] == true { ByteOrder::Reversed } else { ByteOrder::AsSent };
    let told = ReaderHints { bits: case["bits"].as_u64().map(|bits| bits as u16), byte_order, ..ReaderHints::default() };
    let mut shown = Vec::new();
    for (second, frame) in case["frames"].as_array().unwrap().iter().enumerate() {
        // A reader that has just been plugged in, for each frame: no two of them are one card lying there.
        let mut line = Line::new(dialect.clone(), told);
        let at = |later: i64| DateTime::from_timestamp(1_767_225_600 + second as i64 * 60 + later, 0).unwrap();
        line.handle(Input::Opened, at(0));
        shown.extend(line.handle(Input::Bytes(&from_hex(frame.as_str().unwrap()).unwrap()), at(10)).presentations);
        shown.extend(line.handle(Input::Time, at(20)).presentations);
    }
    shown
}

fn shown(reading: &Reading) -> String {
    let mut lines = vec![format!("    {}: {}", literal(reading), reading.verdict.name())];
    for (at, fit) in reading.fits.iter().enumerate() {
        let mark = if reading.choice.is_some_and(|(chosen, _)| chosen == at) { "▶" } else { " " };
        lines.push(format!("      {mark} {} {}", fit.format, fit.credential.words()));
    }
    lines.extend(reading.presentation.warnings.iter().map(|warning| format!("        warning {warning}")));
    lines.extend(reading.suggestions.iter().map(|found| {
        let odds = 1.0 / found.odds;
        format!("        perhaps {}: {} {} (1 in {odds:.1})", found.transform, found.fit.format, found.fit.credential.words())
    }));
    lines.join("\n")
}

#[test]
fn every_trial_is_read_as_it_was_when_somebody_last_looked() {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    let mut rows = String::new();
    for case in cases() {
        rows.push_str(&format!("{}: {}\n", case["id"].as_str().unwrap(), case["source"].as_str().unwrap()));
        if let Some(format) = case["encode"].as_str() {
            let mut credential = Credential::default();
            credential.set("facility_code", case["facility_code"].as_u64().unwrap().into());
            credential.set("card_number", case["card_number"].as_u64().unwrap().into());
            rows.push_str(&format!("    {}\n", protocols.format(format).unwrap().format.encode(&credential).unwrap().to_binary()));
        }
        for reading in readings(&case, &protocols, &catalog) {
            rows.push_str(&shown(&reading));
            rows.push('\n');
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/trials.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&golden, &rows).unwrap();
    }
    assert_eq!(rows, fs::read_to_string(&golden).unwrap_or_default(), "run with UPDATE_EXPECT=1 and look at the difference");
}

/// `213/2000`, facility code and card number; `pin 1234` or another field by its name; or the card number alone.
fn says(credential: &Credential, wanted: &str) -> bool {
    let number = |name: &str| credential.number(name).map(|number| number.to_string());
    if let Some((name, value)) = wanted.split_once(' ') {
        return number(name).as_deref() == Some(value);
    }
    match wanted.split_once('/') {
        Some((code, card)) => number("facility_code").as_deref() == Some(code) && number("card_number").as_deref() == Some(card),
        None => number("card_number").as_deref() == Some(wanted),
    }
}

fn listed<'a>(case: &'a Value, member: &str) -> Vec<&'a str> {
    case[member].as_array().into_iter().flatten().map(|wanted| wanted.as_str().unwrap()).collect()
}

#[test]
fn the_numbers_that_were_found_are_among_the_readings_or_their_explanations() {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    let mut found = 0;
    for case in cases() {
        let readings = readings(&case, &protocols, &catalog);
        let fits = || readings.iter().flat_map(|reading| reading.fits.iter().chain(reading.suggestions.iter().map(|other| &other.fit)));
        for wanted in listed(&case, "wanted") {
            assert!(fits().any(|fit| says(&fit.credential, wanted)), "{}: {wanted} is not read", case["id"]);
            found += 1;
        }
        if let Some(believed) = case["believed"].as_str() {
            assert!(readings[0].chosen().is_some_and(|fit| says(&fit.credential, believed)), "{}: the print decides", case["id"]);
        }
    }
    assert!(found > 60, "{found}");
}

#[test]
fn every_trial_has_its_right_answer_or_is_said_not_to_be_known() {
    let cases = cases();
    assert_eq!(cases.len(), 69);
    for case in cases {
        assert!(!listed(&case, "wanted").is_empty() || case["believed"].is_string() || case["not_known"].is_string(), "{case}");
    }
}

#[test]
fn where_the_site_names_the_format_a_trial_is_read_as_what_was_found() {
    let protocols = Protocols::built_in();
    let mut found = 0;
    for case in cases() {
        let named: Vec<String> = listed(&case, "named").iter().map(ToString::to_string).collect();
        let catalog = protocols.catalog(&named);
        for wanted in listed(&case, "wanted_named") {
            let read = readings(&case, &protocols, &catalog);
            let mut fits = read.iter().flat_map(|reading| &reading.fits).filter(|fit| named.contains(&fit.format.to_string()));
            assert!(fits.any(|fit| says(&fit.credential, wanted)), "{}: {wanted} is not read", case["id"]);
            found += 1;
        }
    }
    assert_eq!(found, 6);
}

/// At a site that says nothing about formats.
#[test]
fn nothing_that_is_believed_of_a_trial_is_wrong() {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    let mut believed = 0;
    for case in cases() {
        let right = [listed(&case, "wanted"), case["believed"].as_str().into_iter().collect()].concat();
        for reading in readings(&case, &protocols, &catalog) {
            let is_right = |credential: &Credential| right.iter().any(|wanted| says(credential, wanted));
            assert!(reading.verdict != Verdict::Certain || reading.fits.iter().all(|fit| is_right(&fit.credential)), "{}", case["id"]);
            if let Some(fit) = reading.chosen() {
                assert!(is_right(&fit.credential), "{}: {} is believed", case["id"], fit.credential.words());
                believed += 1;
            }
        }
    }
    assert!(believed > 5, "{believed}");
}
