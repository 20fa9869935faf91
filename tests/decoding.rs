//! What is promised of decoding: published frames are read as their numbers, damaged ones are refused, numbers written are
//! read again, no input stops the program, and `decode -` answers every line with one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
};

use cardbridge::{
    card::{Credential, Csn, Fit, Kind, Literal, PacsBits, Presentation, Reading},
    decode::{catalog::Catalog, format::Format},
    protocols::Protocols,
};
use cards::{Followed, fit};
use proptest::prelude::*;
use serde_json::{Value, json};

static PROTOCOLS: LazyLock<Protocols> = LazyLock::new(Protocols::built_in);
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| PROTOCOLS.catalog(&[]));

/// The formats whose frames are among the vectors, by the names of other tools.
const ALIASES: [&str; 11] =
    ["H10301", "ind26", "H10306", "N10002", "H10302", "H10304", "C1k35s", "C1k48s", "Kastle", "Verkada40", "DataClock36"];

/// A frame with the numbers it stands for.
struct Vector {
    alias: String,
    bits: PacsBits,
    numbers: Vec<(&'static str, u128)>,
    /// The formats by which another tool reads it.
    matches: Vec<String>,
}

fn vectors() -> Vec<Vector> {
    let files = [include_str!("vectors/published.jsonl"), include_str!("vectors/corpus.jsonl")];
    let all = files.iter().flat_map(|file| file.lines()).map(|line| vector(&serde_json::from_str(line).unwrap()));
    all.filter(|vector| ALIASES.contains(&vector.alias.as_str())).collect()
}

fn vector(line: &Value) -> Vector {
    let numbers = line.get("expect").unwrap_or(line);
    let names = [("fc", "facility_code"), ("cn", "card_number"), ("issue", "issue_code"), ("oem", "oem_code")];
    let numbers = names.into_iter().filter_map(|(short, name)| Some((name, u128::from(numbers.get(short)?.as_u64()?)))).collect();
    let matches = line["matches"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
    Vector { alias: line["format"].as_str().unwrap().to_owned(), bits: line["bits"].as_str().unwrap().parse().unwrap(), numbers, matches }
}

fn read(bits: PacsBits) -> Reading {
    CATALOG.read(Presentation { bits: Some(bits), ..Presentation::of(Kind::Wiegand) })
}

fn fit_of<'r>(reading: &'r Reading, alias: &str) -> Option<&'r Fit> {
    reading.fits.iter().find(|fit| fit.aliases.iter().any(|name| name == alias))
}

fn format(name: &str) -> &'static Format {
    CATALOG.find(name).unwrap_or_else(|| panic!("no format is named {name}"))
}

fn flipped(bits: PacsBits, at: usize) -> PacsBits {
    PacsBits::from_bits(bits.iter().enumerate().map(|(place, bit)| bit != (place == at))).unwrap()
}

// ---- published frames

#[test]
fn every_published_frame_is_read_as_its_numbers_under_its_formats_name() {
    let vectors = vectors();
    for vector in &vectors {
        let reading = read(vector.bits);
        let name = &vector.alias;
        let fit = fit_of(&reading, name).unwrap_or_else(|| panic!("{name} does not fit {}: {:?}", vector.bits, reading.refusals));
        for (field, value) in &vector.numbers {
            match fit.credential.number(field) {
                Some(read) => assert_eq!(read, *value, "{field} of {name} in {}", vector.bits),
                None => assert_eq!(*value, 0, "{name} reads no {field} in {}", vector.bits),
            }
        }
        assert!(fit.checks.present > 0 && fit.checks.passed == fit.checks.present, "{name}");
    }
    for alias in ALIASES {
        assert!(vectors.iter().any(|vector| vector.alias == alias), "no vector of {alias}");
    }
}

#[test]
fn every_published_frame_is_written_from_its_numbers_again() {
    for vector in vectors() {
        let format = format(&vector.alias);
        assert!(!format.carries(), "{} has bits that nobody understands", vector.alias);
        let mut credential = Credential::default();
        for (field, value) in vector.numbers.iter().filter(|(name, _)| format.fields.iter().any(|field| &*field.name == *name)) {
            credential.set(field, *value);
        }
        assert_eq!(format.encode(&credential).unwrap(), vector.bits, "{}", vector.alias);
    }
}

#[test]
fn whatever_another_tool_reads_in_a_frame_is_among_the_fits() {
    for vector in vectors() {
        let reading = read(vector.bits);
        for name in vector.matches.iter().filter(|name| ALIASES.contains(&name.as_str())) {
            assert!(fit_of(&reading, name).is_some(), "{name} does not fit {}", vector.bits);
        }
    }
}

#[test]
fn a_flipped_bit_is_refused_by_every_format_whose_checks_cover_it() {
    for vector in vectors() {
        let format = format(&vector.alias);
        let covered = |at: usize| format.drawing().checks.iter().any(|check| check.own.contains(&at) || check.covers.contains(&at));
        let places: Vec<usize> = (0..vector.bits.len()).filter(|at| covered(*at)).collect();
        assert_eq!(places.len(), vector.bits.len(), "{} leaves bits unchecked", vector.alias);
        for at in places {
            let damaged = flipped(vector.bits, at);
            let reading = read(damaged);
            assert!(fit_of(&reading, &vector.alias).is_none(), "{} takes {damaged}, bit {at} flipped", vector.alias);
            let refusal = reading.refusals.iter().find(|refusal| *refusal.format == *format.id);
            let refusal = refusal.unwrap_or_else(|| panic!("{} says nothing about {damaged}", vector.alias));
            assert!(!refusal.detail.is_empty());
            if reading.fits.is_empty() && reading.refusals.iter().any(|refusal| refusal.reason.is_damage()) {
                assert_eq!(reading.verdict.name(), "damaged", "{damaged}");
            }
        }
    }
}

#[test]
fn a_frame_one_bit_longer_or_shorter_is_not_of_that_format() {
    for vector in vectors() {
        for len in [vector.bits.len() - 1, vector.bits.len() + 1] {
            let other = PacsBits::from_bits((0..len).map(|at| vector.bits.get(at))).unwrap();
            let reading = read(other);
            assert!(fit_of(&reading, &vector.alias).is_none(), "{} takes {other}", vector.alias);
            let id = &format(&vector.alias).id;
            assert!(!reading.refusals.iter().any(|refusal| refusal.format == *id), "refusals are of formats of that length only");
        }
    }
}

// ---- any bits, any numbers

/// Any frame, all ones, all zeros and the longest among them.
fn any_bits() -> impl Strategy<Value = PacsBits> {
    let random = prop::collection::vec(any::<bool>(), 0..=256);
    prop_oneof![
        8 => random,
        1 => (0..=256_usize).prop_map(|len| vec![true; len]),
        1 => (0..=256_usize).prop_map(|len| vec![false; len]),
    ]
    .prop_map(|bits| PacsBits::from_bits(bits).unwrap())
}

fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any_bits().prop_map(Literal::Bits),
        prop::collection::vec(any::<u8>(), 1..=32).prop_map(|bytes| Literal::Csn(Csn::new(&bytes).unwrap())),
        any::<[u8; 5]>().prop_map(|bytes| Literal::Em4100(PacsBits::from_left_aligned(&bytes, 40).unwrap())),
    ]
}

/// A format with a value for each of its fields; now and then the smallest or the largest.
fn any_numbers() -> impl Strategy<Value = (&'static Format, Vec<u128>)> {
    let free = |format: &Format| format.fields.iter().all(|field| field.required.is_none());
    let formats: Vec<&'static Format> =
        PROTOCOLS.formats.iter().filter(|format| format.is_on(&[]) && free(&format.format)).map(|format| &format.format).collect();
    prop::sample::select(formats).prop_flat_map(|format| {
        let values: Vec<_> = format
            .fields
            .iter()
            .map(|field| prop_oneof![6 => any::<u128>().prop_map(|n| field.nth(n)), 1 => Just(field.min()), 1 => Just(field.max())])
            .collect();
        (Just(format), values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_literal_is_read_as_what_was_written(literal in any_literal()) {
        let text = literal.to_string();
        prop_assert_eq!(text.parse::<Literal>().unwrap(), literal.clone(), "{}", text);
        prop_assert_eq!(text.to_lowercase().parse::<Literal>().unwrap(), literal, "{}", text);
    }

    #[test]
    fn every_notation_of_a_frame_is_that_frame(bits in any_bits()) {
        let binary = bits.to_binary();
        if !binary.is_empty() {
            prop_assert_eq!(binary.parse::<PacsBits>().unwrap(), bits);
        }
        let digits: String = binary.as_bytes().rchunks(4).rev().map(|digit| {
            let digit = std::str::from_utf8(digit).unwrap();
            char::from_digit(u32::from_str_radix(digit, 2).unwrap(), 16).unwrap()
        }).collect();
        prop_assert_eq!(format!("{}#{digits}", bits.len()).parse::<PacsBits>().unwrap(), bits);
        let left = bits.to_string();
        let needed = left.len() - left.find('}').unwrap() - 1;
        // The digits may stop at the last one needed.
        let shortest = left.len() - (needed - bits.len().div_ceil(4));
        prop_assert_eq!(left[..shortest].parse::<PacsBits>().unwrap(), bits);
    }

    #[test]
    fn no_text_stops_the_reading_of_literals(text in "\\PC*|[{}0-9a-fA-F#:]{0,20}|(csn|em4100|26)[:#{]\\PC{0,12}") {
        if let Ok(literal) = text.parse::<Literal>() {
            prop_assert_eq!(literal.to_string().parse::<Literal>().unwrap(), literal);
        }
    }

    #[test]
    fn any_bits_of_any_kind_get_a_verdict(bits in any_bits(), kind in prop::sample::select(Kind::ALL.to_vec())) {
        let reading = CATALOG.read(Presentation { bits: Some(bits), ..Presentation::of(kind) });
        for fit in &reading.fits {
            prop_assert_eq!(fit.checks.present, fit.checks.passed);
            prop_assert!(fit.odds > 0.0 && fit.odds <= 1.0);
            prop_assert!(!reading.refusals.iter().any(|refusal| refusal.format == fit.format), "{} both fits and refuses", fit.format);
            prop_assert_eq!(CATALOG.fit_of(&fit.format, kind, &bits), Some(fit.clone()), "asked for alone, it is the same");
        }
        for refusal in &reading.refusals {
            prop_assert_eq!(CATALOG.fit_of(&refusal.format, kind, &bits), None);
        }
        prop_assert!(reading.fits.windows(2).all(|pair| pair[0].odds <= pair[1].odds), "most trustworthy first");
        prop_assert!(reading.choice.is_none(), "reading is no choosing");
        // Digits are laid over the track alone, which may be shorter than what came.
        let is_track = matches!(kind, Kind::Wiegand | Kind::Track2 | Kind::Fascn) && cardbridge::decode::track::find(&bits).is_some();
        let on = PROTOCOLS.formats.iter().filter(|format| format.is_on(&[]) && format.kinds.contains(&kind));
        let of_length = on.flat_map(|format| format.formats()).filter(|format| format.len() == bits.len()).count();
        if kind != Kind::WiegandStripped && !is_track {
            prop_assert_eq!(reading.fits.len() + reading.refusals.len(), of_length, "every format of that length says something");
        }
    }

    #[test]
    fn a_frame_written_by_a_stripped_reader_has_the_same_numbers((format, values) in any_numbers()) {
        let (Some(stripped), true) = (format.stripped(), format.fields.iter().all(|field| !field.bcd)) else { return Ok(()) };
        let mut credential = Credential::default();
        for (field, value) in format.fields.iter().zip(&values) {
            credential.set(&field.name, *value);
        }
        let whole = format.encode(&credential).unwrap();
        let checks: Vec<usize> = format.drawing().checks.iter().flat_map(|check| check.own.clone()).collect();
        let data = PacsBits::from_bits(whole.iter().enumerate().filter(|(at, _)| !checks.contains(at)).map(|(_, bit)| bit)).unwrap();
        prop_assert_eq!(stripped.len(), data.len());
        let reading = CATALOG.read(Presentation { bits: Some(data), ..Presentation::of(Kind::WiegandStripped) });
        let Some(fit) = reading.fits.iter().find(|fit| fit.format == format.id) else {
            // Formats over other kinds than Wiegand are not met behind such a reader.
            prop_assert!(!PROTOCOLS.format(&format.id).unwrap().kinds.contains(&Kind::Wiegand), "{}", format.id);
            return Ok(());
        };
        prop_assert_eq!(&fit.credential, &credential);
        prop_assert_eq!((fit.checks.present, fit.checks.passed), (0, 0));
        prop_assert!(reading.presentation.warnings.contains(&"parity_not_seen".to_owned()));
    }
}

// ---- the binary

fn cardbridge(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardbridge"));
    // No configuration of this machine's.
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).env("HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("XDG_CONFIG_HOME");
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = cardbridge(arguments).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What `decode -` answers to these bytes: its lines.
fn answers(arguments: &[&str], input: &[u8]) -> Vec<String> {
    let mut child = cardbridge(&[&["decode", "-"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("what is answered is text");
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split_terminator('\n').map(ToOwned::to_owned).collect()
}

#[test]
fn every_line_is_answered_with_exactly_one_line_in_order() {
    let long = [b"{26}BD88EB80".as_slice(), &vec![b'0'; 1 << 20]].concat();
    let lines: [(&[u8], Option<&str>); 20] = [
        (b"{26}BD88EB80", Some("{26}BD88EB80")),
        (b"", None),
        (b"nonsense", None),
        (b"26#2F623AE", Some("{26}BD88EB80")),
        (b"   ", None),
        (b"\xFF\xFE\x80", None),
        (b"{26}BD88EB80\xFF", None),
        (&long, None),
        (b"10111101100010001110101110", Some("{26}BD88EB80")),
        (b"\t{35}81EDBE1560  ", Some("{35}81EDBE1560")),
        (b"em4100:0C000621A5", Some("{40}0C000621A5")),
        (b"csn:66CF4DC2", Some("{32}66CF4DC2")),
        (b"{257}00", None),
        (b"{26}BD88EB", None),
        (b"{26}BD88EBA0", None),
        (b"\x00", None),
        (b"a\rb\x0Bc\xE2\x80\xA8d\xC2\x85e", None),
        (b"{0}", Some("{0}")),
        (b"{26}BD88EB80\r", Some("{26}BD88EB80")),
        (b"{26}A181F440", Some("{26}A181F440")),
    ];
    let input = lines.map(|(line, _)| line).join(&b'\n');
    for ends in [&b""[..], b"\n"] {
        let whole = [&input[..], ends].concat();
        let answered = answers(&["--json"], &whole);
        assert_eq!(answered.len(), lines.len());
        for ((line, bits), answer) in lines.iter().zip(&answered) {
            let shown = String::from_utf8_lossy(&line[..line.len().min(60)]);
            let answer: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer} of {shown:?}"));
            match bits {
                Some(bits) => assert_eq!(answer["bits"], *bits, "of {shown:?}: {answer}"),
                None => assert!(answer["error"]["message"].is_string() && answer["error"]["code"].is_string(), "of {shown:?}: {answer}"),
            }
        }
        let people = answers(&[], &whole);
        assert_eq!(people.len(), lines.len());
        for ((line, bits), answer) in lines.iter().zip(&people) {
            if let Some(bits) = bits.filter(|_| !line.starts_with(b"csn") && !line.starts_with(b"em")) {
                assert!(answer.starts_with(bits), "{answer}");
            }
            assert!(answer.len() < 10_000, "an answer of {} bytes", answer.len());
        }
    }
}

#[test]
fn no_input_is_no_answer_and_one_line_end_is_one() {
    assert_eq!(answers(&["--json"], b"").len(), 0);
    assert_eq!(answers(&["--json"], b"\n").len(), 1);
    assert_eq!(answers(&["--json"], b"\n\n\n").len(), 3);
    assert_eq!(answers(&[], b"\n\n").len(), 2);
    assert_eq!(answers(&["--json"], b"{26}BD88EB80").len(), 1);
}

#[test]
fn ten_thousand_lines_of_anything_are_ten_thousand_answers() {
    let mut seed = 7_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as u8
    };
    let mut input = Vec::new();
    for at in 0..10_000_u32 {
        match at % 4 {
            0 => input.extend(format!("{{26}}{:08X}", (at << 6).wrapping_mul(2_654_435_761) & 0xFFFF_FFC0).bytes()),
            1 => input.extend(std::iter::repeat_with(&mut next).take((at % 300) as usize).filter(|byte| *byte != b'\n')),
            2 => {}
            _ => input.extend(format!("csn:{at:08x}").bytes()),
        }
        input.push(b'\n');
    }
    let answered = answers(&["--json"], &input);
    assert_eq!(answered.len(), 10_000);
    for (at, answer) in answered.iter().enumerate().filter(|(at, _)| at % 4 == 3) {
        assert!(answer.contains(&format!("\"csn\":\"{at:08X}\"")), "line {at}: {answer}");
    }
}

#[test]
fn the_mark_of_an_encoding_before_the_first_line_costs_no_card() {
    let answered = answers(&["--json"], "\u{feff}{26}BD88EB80\r\n".as_bytes());
    assert!(matches!(answered.as_slice(), [line] if line.starts_with("{\"input\":\"{26}BD88EB80\"")), "{answered:?}");
}

#[test]
fn an_answer_comes_at_once_while_the_input_stays_open() {
    for arguments in [&["decode", "-", "--json"][..], &["decode", "-"]] {
        let mut command = cardbridge(arguments);
        let (reading_end, mut input) = std::io::pipe().unwrap();
        command.stdin(reading_end);
        let mut decode = Followed::start(command);
        for literal in ["{26}BD88EB80", "nonsense", "", "{35}81EDBE1560", "csn:66CF4DC2"] {
            writeln!(input, "{literal}").unwrap();
            let answer = decode.line();
            assert!(answer.contains(literal), "{answer}");
        }
        // A line and the beginning of the next: the first is answered.
        input.write_all(b"{26}A181F440\n{26}BD88").unwrap();
        assert!(decode.line().contains("{26}A181F440"));
        input.write_all(b"EB80\n\n").unwrap();
        assert!(decode.line().contains("{26}BD88EB80"));
        decode.line();
        drop(input);
        let ended = decode.end();
        assert_eq!((ended.code, ended.out.len()), (Some(0), 8), "{ended:#?}");
    }
}

#[test]
fn the_json_of_a_reading_has_every_member_of_the_contract() {
    let (code, out, err) = run(&["decode", "--json", "{26}BD88EB80"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let reading: Value = serde_json::from_str(out.trim_end()).unwrap();
    let expected = [
        ("input", json!("{26}BD88EB80")),
        ("kind", json!("wiegand")),
        ("bits", json!("{26}BD88EB80")),
        ("binary", json!("10111101100010001110101110")),
        ("length", json!(26)),
        ("verdict", json!("ambiguous")),
        ("credential", Value::Null),
        ("decided_by", Value::Null),
        ("csn", Value::Null),
        ("warnings", json!([])),
        ("suggestions", json!([])),
    ];
    for (member, value) in expected {
        assert_eq!(reading.get(member), Some(&value), "{member} in {reading:#}");
    }
    let h10301 = fit(&reading, "hid-h10301");
    assert!(h10301["aliases"].as_array().unwrap().contains(&json!("H10301")), "{h10301}");
    for (member, value) in [
        ("facility_code", json!(123)),
        ("card_number", json!(4567)),
        ("issue_code", Value::Null),
        ("oem_code", Value::Null),
        ("fields", json!({})),
        ("checks", json!({"present": 2, "passed": 2})),
        ("odds", json!(0.25)),
    ] {
        assert_eq!(h10301.get(member), Some(&value), "{member} in {h10301:#}");
    }
    for absent in ["at", "reader", "transport", "raw"] {
        assert!(reading.get(absent).is_none(), "{absent} does not apply to this command");
    }

    // A refusal and a serial number.
    let (_, out, _) = run(&["decode", "--json", "{26}3D88EB80", "csn:04A2B3C4D5E6F7", "{32}7CF233ED"]);
    let readings: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(readings[0]["verdict"], "damaged");
    let refusal = readings[0]["refusals"].as_array().unwrap().iter().find(|refusal| refusal["format"] == "hid-h10301").unwrap();
    assert_eq!(refusal["reason"], "parity");
    assert!(refusal["format"].is_string() && !refusal["detail"].as_str().unwrap().is_empty(), "{refusal}");
    assert_eq!(
        (&readings[1]["csn"], &readings[1]["kind"], &readings[1]["verdict"]),
        (&json!("04A2B3C4D5E6F7"), &json!("csn"), &json!("serial_only"))
    );
    assert_eq!(fit(&readings[2], "kastle-32")["issue_code"], 30);
}

#[test]
fn a_number_wider_than_53_bits_is_also_given_as_text() {
    let (_, out, _) = run(&["decode", "--json", "csn:FFFFFFFFFFFFFF", "csn:047DAE02C84080"]);
    let readings: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wide = fit(&readings[0], "csn-7-byte");
    assert_eq!((&wide["card_number"], &wide["card_number_text"]), (&json!(0xFF_FFFF_FFFF_FFFF_u64), &json!("72057594037927935")));
    assert!(fit(&readings[1], "csn-7-byte").get("card_number_text").is_none());
}

#[test]
fn the_printed_number_decides_between_two_fits() {
    let (code, out, _) = run(&["decode", "--json", "--printed", "4567", "{26}BD88EB80"]);
    let reading: Value = serde_json::from_str(out.trim_end()).unwrap();
    assert_eq!((code, &reading["verdict"]), (0, &json!("ambiguous")));
    assert_eq!((&reading["credential"]["format"], &reading["decided_by"]), (&json!("hid-h10301"), &json!("printed")));
    let (_, out, _) = run(&["decode", "--json", "--printed", "1", "{26}BD88EB80"]);
    assert_eq!(serde_json::from_str::<Value>(out.trim_end()).unwrap()["credential"], Value::Null);
}

#[test]
fn a_literal_that_is_none_ends_with_2_and_says_where() {
    let (code, out, err) = run(&["decode", "{26}BD88EBX"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("character 11") && err.contains("'X'"), "{err}");
    let (code, out, _) = run(&["decode", "--json", "{26}BD88EBX", "{26}BD88EB80"]);
    assert_eq!((code, out.lines().count()), (2, 2));
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    for member in ["code", "message", "help"] {
        assert!(first["error"][member].is_string(), "{first}");
    }
}

#[test]
fn encode_writes_the_published_frames_and_refuses_what_is_too_large() {
    for vector in vectors() {
        let format = format(&vector.alias);
        let mut arguments = vec!["encode".to_owned(), "--json".to_owned(), "--format".to_owned(), vector.alias.clone()];
        for (field, value) in vector.numbers.iter().filter(|(name, _)| format.fields.iter().any(|field| &*field.name == *name)) {
            arguments.extend([format!("--{}", field.replace('_', "-")), value.to_string()]);
        }
        // Once for each format is enough for the command line.
        if vector.numbers.iter().all(|(_, value)| *value > 0) || vector.alias == "DataClock36" {
            let (code, out, err) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(code, 0, "{arguments:?}: {err}");
            let encoded: Value = serde_json::from_str(out.trim_end()).unwrap();
            assert_eq!(encoded["bits"], vector.bits.to_string(), "{arguments:?}");
        }
    }
    let (code, _, err) = run(&["encode", "--format", "H10301", "--facility-code", "256", "--card-number", "1"]);
    assert_eq!(code, 2);
    assert!(err.contains("facility_code is 256") && err.contains("255"), "{err}");
}

#[test]
fn lines_that_a_program_of_windows_wrote_are_read() {
    let lines = "{26}BD88EB80\r\n\"26#2F623AE\"\r\n\r\nnonsense\r\n";
    let plain = answers(&["--json"], lines.as_bytes());
    assert_eq!(plain.len(), 4);
    assert!(plain[..2].iter().all(|answer| answer.contains("hid-h10301")), "{plain:?}");
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = format!("\u{feff}{lines}").encode_utf16().flat_map(order).collect();
        assert_eq!(answers(&["--json"], &bytes), plain);
    }
}

#[test]
fn an_empty_print_is_no_print() {
    for print in ["", "  "] {
        let (code, out, err) = run(&["decode", "--printed", print, "{26}BD88EB80"]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("--printed") && err.contains("nothing stands there; leave it out"), "{err}");
    }
}

#[test]
fn an_id_of_another_list_is_said_to_be_there() {
    for (arguments, what, command) in [
        (&["formats", "ID12LA-ascii"][..], "a serial dialect", "cardbridge formats --dialects ID12LA-ascii"),
        (&["formats", "get-uid"], "a card script", "cardbridge formats --scripts get-uid"),
        (&["formats", "--dialects", "H10301"], "a card format", "cardbridge formats H10301"),
        (&["formats", "--scripts", "twn3-hidprox"], "a serial dialect", "cardbridge formats --dialects twn3-hidprox"),
    ] {
        let (code, _, err) = run(arguments);
        assert!(code == 1 && err.contains(&format!("is {what}, and not a")) && err.contains(command), "{arguments:?}: {err}");
    }
}
