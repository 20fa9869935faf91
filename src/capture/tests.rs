//! Captures read, written and played back.

use std::sync::Arc;

use super::*;
use crate::{enroll::policy::SitePolicy, station::Notice};

const TEXT: &str = "cardbridge capture, version 1\nreader: desk\ndialect: id12la-ascii\nrecorded: 2026-01-01T00:00:00.000Z\n\n\
    # half a frame, then the whole one\n0.000 < 02 30 43\n0.900 < 02 30 43 30 30 30 36 32 31 41 35\n0.905 < 38 45 0D 0A 03 # end\n";

#[test]
fn a_capture_is_read_and_written_as_text() {
    let capture = Capture::parse(TEXT).unwrap();
    assert_eq!(capture.records.len(), 3);
    assert_eq!(Capture::parse(&capture.text()).unwrap(), capture);
    let with_keypad = TEXT.replace("recorded:", "keypad_end: *\nkeypad_clear: none\nkeypad_timeout_ms: 300\nrecorded:");
    let capture = Capture::parse(&with_keypad).unwrap();
    assert_eq!((capture.head.told.keypad.end, capture.head.told.keypad.clear), (Some(Some('*')), Some(None)));
    assert_eq!(Capture::parse(&capture.text()).unwrap(), capture);
}

#[test]
fn a_wrong_line_is_named() {
    let wrong = |text: &str| Capture::parse(text).unwrap_err().to_string();
    assert!(wrong("something else").starts_with("line 1: a capture begins with the line"));
    assert!(wrong("cardbridge capture, version 2\n").contains("use a newer cardbridge"));
    assert!(
        wrong(&TEXT.replace("< 02 30 43\n", "< 02 3\n")).starts_with("line 7: column 11: expected"),
        "{}",
        wrong(&TEXT.replace("< 02 30 43\n", "< 02 3\n"))
    );
    assert!(wrong(&TEXT.replace("dialect", "dialekt")).contains("unknown header `dialekt`"));
    assert!(wrong(&TEXT.replace("recorded:", "keypad_end: ?\nrecorded:")).contains("`keypad_end` must be a key, or none"));
    assert!(wrong(&TEXT.replace("recorded:", "kind: csn\nkind: em4100\nrecorded:")).ends_with("line 5: `kind` must be given once"));
    let both = wrong(&TEXT.replace("recorded:", "device: reader\nrecorded:"));
    assert!(both.ends_with("line 4: `device` must be the only one of dialect, template, device and osdp"), "{both}");
}

#[test]
fn a_replay_tells_what_the_desk_was_told_at_its_times() {
    let protocols = Protocols::built_in();
    let capture = Capture::parse(TEXT).unwrap();
    let replay = capture.replay(&protocols, Arc::new(protocols.catalog(&[])), SitePolicy::default()).unwrap();
    let words: Vec<Notice> = replay.flatten().map(|(_, notice)| notice).collect();
    assert!(matches!(words.as_slice(), [Notice::Noise(_, 3), Notice::Read(_)]), "{words:?}");
}

const OSDP: &str = "cardbridge capture, version 1\nreader: door\nosdp: 3\ncard_left_ms: 500\nrecorded: 2026-01-01T00:00:00.000Z\n\n\
    0.000 bits 26 BD 88 EB 80 format 1 reader 0 check 8\n0.100 bits 26 BD 88 EB 80 format 1 reader 0 check 16\n1.000 keys 31 32\n2.000 text 31\n3.000 text\n";

#[test]
fn the_cards_and_keys_of_an_osdp_reader_are_written_and_played_back() {
    let capture = Capture::parse(OSDP).unwrap();
    assert_eq!(capture.text(), OSDP);
    let protocols = Protocols::built_in();
    let notices = capture.replay(&protocols, Arc::new(protocols.catalog(&[])), SitePolicy::default()).unwrap();
    let read: Vec<String> = notices
        .flatten()
        .map(|(_, notice)| match notice {
            Notice::Read(reading) => format!("{} {}", crate::views::reading::literal(&reading), reading.verdict.name()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, ["{26}BD88EB80 ambiguous", "keypad keypad", "31 unreadable", " unreadable"]);
}

#[test]
fn a_hand_written_card_needs_only_its_count_and_its_bits() {
    let capture = Capture::parse(&OSDP.replace(" format 1 reader 0", "")).unwrap();
    assert_eq!(capture, Capture::parse(OSDP).unwrap());
}

#[test]
fn a_replay_says_what_a_record_says_before_it_plays_the_next_one() {
    let protocols = Protocols::built_in();
    let mut capture = Capture::parse(TEXT).unwrap();
    let whole = Record::From(b"\x020C000621A58E\r\n\x03".to_vec());
    capture.records = (0..100).map(|at| (Duration::from_secs(at), whole.clone())).collect();
    let replay = capture.replay(&protocols, Arc::new(protocols.catalog(&[])), SitePolicy::default()).unwrap();
    let said: Vec<usize> = replay.map(|notices| notices.len()).collect();
    assert_eq!(said, [vec![1; 100], vec![0]].concat());
}

#[test]
fn a_capture_of_a_sites_own_lines_says_their_template_and_is_played_back_by_it() {
    let template = "cardbridge capture, version 1\nreader: desk\ntemplate: W26:{facility_code:dec}:{card_number:dec}\nbits: 26\n\
                    recorded: 2026-01-01T00:00:00.000Z\n\n";
    let capture = Capture::parse(&format!("{template}0.000 < 57 32 36 3A 31 32 33 3A 30 34 35 36 37 0D\n")).unwrap();
    assert_eq!(capture.head.text(), template);
    let protocols = Protocols::built_in();
    let notices: Vec<Notice> = capture
        .replay(&protocols, Arc::new(protocols.catalog(&[])), SitePolicy::default())
        .unwrap()
        .flatten()
        .map(|(_, notice)| notice)
        .collect();
    let [Notice::Read(reading)] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!(crate::views::reading::literal(reading), "facility code 123, card number 4567");
}
