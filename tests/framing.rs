//! What dialects promise that an outsider writes with `protocols/README.md` alone: stuffed frames, every check by its name,
//! sequence numbers that are repeated, boards that restart, settings that a reader may have or not, and bytes that came
//! with an error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::sync::{Arc, LazyLock};

use cardbridge::{
    card::{Damage, Presentation},
    decode::{
        check::Method,
        dialect::{Dialect, Reads},
        line::{Input, Line, Output},
    },
    protocols::{
        Protocols,
        serial::{self, read_as},
    },
    reader::{KeypadHints, KeypadRules, LineParity, ReaderHints},
    sheet::Sheet,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(1)
}

fn ms(millis: i64) -> DateTime<Utc> {
    start() + TimeDelta::milliseconds(millis)
}

/// The dialect of a file, or what is wrong with it.
fn read(text: &str) -> Result<Arc<Dialect>, Vec<String>> {
    let text = format!("id = \"ours\"\nname = \"Ours\"\nsource = \"its manual\"\nconfidence = \"documented\"\n{text}");
    let sheet = Sheet::new("ours.toml", &text);
    let dialect = serial::read("ours.toml", &sheet);
    let findings: Vec<String> = sheet.into_findings().iter().map(ToString::to_string).collect();
    if findings.is_empty() { Ok(Arc::new(dialect.unwrap())) } else { Err(findings) }
}

fn dialect(text: &str) -> Arc<Dialect> {
    read(text).unwrap_or_else(|findings| panic!("{}", findings.join("\n")))
}

fn hex(text: &str) -> Vec<u8> {
    cardbridge::card::from_hex(text).unwrap()
}

fn line(dialect: &Arc<Dialect>) -> Line {
    Line::new(dialect.clone(), ReaderHints::default())
}

/// What these bytes read as, each piece a millisecond after the other, and then silence; with the noise.
fn heard(line: &mut Line, pieces: &[&[u8]]) -> (Vec<String>, usize) {
    let (mut shown, mut noise) = (Vec::new(), 0);
    let mut take = |output: Output| {
        shown.extend(output.presentations.iter().map(words));
        noise += output.noise;
    };
    for (at, piece) in pieces.iter().enumerate() {
        take(line.handle(Input::Bytes(piece), ms(at as i64)));
    }
    (1..3).for_each(|minute| take(line.handle(Input::Time, ms(minute * 60_000))));
    (shown, noise)
}

fn words(shown: &Presentation) -> String {
    read_as(shown).to_string()
}

// ---- stuffing

/// DLE STX … DLE ETX, a DLE sent twice, and a CRC over what is meant and the ETX behind it.
const DLE: &str = r#"
kind = "csn"
[frame]
cut = "delimited"
start = "10 02"
end = "10 03"
trailer = 2
escape = "10"
escaped_as = "itself"
[check]
method = "CRC-16/ARC"
low_first = true
end = 1
[[message]]
payload = "{id:byte4}{check:byte2}"
[[sample]]
source = "composed"
constructed = true
frame = "10 02 04 10 10 03 AB 10 03 3A 31"
reads = "csn:041003AB"
"#;

/// A DLE frame of these bytes with its check.
fn dle(id: &[u8]) -> Vec<u8> {
    let mut crc = Method::from_name("CRC-16/ARC").unwrap().of(&[id, &[3]].concat()).unwrap();
    crc.reverse();
    let stuffed: Vec<u8> = id.iter().flat_map(|byte| if *byte == 0x10 { vec![0x10, 0x10] } else { vec![*byte] }).collect();
    [&[0x10, 2][..], &stuffed, &[0x10, 3], &crc].concat()
}

#[test]
fn a_dle_that_is_sent_twice_ends_no_frame_and_is_one_byte_of_the_card() {
    let dialect = dialect(DLE);
    for id in ["041003AB", "10101010", "02031002", "10031003", "03100310"] {
        let frame = dle(&hex(id));
        assert_eq!(heard(&mut line(&dialect), &[&frame]), (vec![format!("csn:{id}")], 0));
        let bytewise: Vec<&[u8]> = frame.chunks(1).collect();
        assert_eq!(heard(&mut line(&dialect), &bytewise), (vec![format!("csn:{id}")], 0));
        // Half of it, then all of it: the beginning of a frame is no byte of another.
        for cut in 1..frame.len() - 2 {
            let (read, _) = heard(&mut line(&dialect), &[&frame[..cut], &frame]);
            assert!(read == [format!("csn:{id}")] || read == ["damaged"], "{id} cut at {cut}: {read:?}");
        }
    }
}

/// HDLC: 7E … 7E, where one 7E may end a frame and begin the next.
const HDLC: &str = r#"
kind = "csn"
[frame]
cut = "delimited"
start = "7E"
end = "7E"
escape = "7D"
escaped = "7E 7D"
escaped_as = "xor 20"
[check]
method = "X-25"
low_first = true
[[message]]
payload = "{id:byte4}{check:byte2}"
[[sample]]
source = "composed"
constructed = true
frame = "7E 01 02 03 04 91 39 7E"
reads = "csn:01020304"
"#;

fn hdlc(id: &[u8]) -> Vec<u8> {
    let mut crc = Method::from_name("CRC-16/IBM-SDLC").unwrap().of(id).unwrap();
    crc.reverse();
    let stuff = |byte: &u8| if matches!(byte, 0x7D | 0x7E) { vec![0x7D, byte ^ 0x20] } else { vec![*byte] };
    [id, &crc].concat().iter().flat_map(stuff).collect()
}

#[test]
fn frames_of_hdlc_are_unstuffed_and_may_share_the_flag_between_them() {
    let dialect = dialect(HDLC);
    let (one, two) = (hdlc(&hex("7E7D0102")), hdlc(&hex("04A27D7E")));
    let both = || vec!["csn:7E7D0102".to_owned(), "csn:04A27D7E".to_owned()];
    let flag = [0x7E];
    let shared = [&flag[..], &one, &flag, &two, &flag].concat();
    assert_eq!(heard(&mut line(&dialect), &[&shared]), (both(), 0));
    let bytewise: Vec<&[u8]> = shared.chunks(1).collect();
    assert_eq!(heard(&mut line(&dialect), &bytewise), (both(), 0));
    // A flag each, flags that fill the time between, and a frame that its sender gave up with 7D 7E.
    let filled = [&flag[..], &one, &flag, &flag, &flag, &flag, &two, &flag].concat();
    assert_eq!(heard(&mut line(&dialect), &[&filled]), (both(), 0));
    let given_up = [&flag[..], &one[..3], &[0x7D], &flag, &one, &flag, &two, &flag].concat();
    assert_eq!(heard(&mut line(&dialect), &[&given_up]).0, both());
}

#[test]
fn what_stuffing_and_checks_a_dialect_asks_for_is_told_where_it_is_wrong() {
    for (wrong, said) in [
        (DLE.replace("\"itself\"", "\"twice\""), "`frame.escaped_as` must be"),
        (DLE.replace("escape = \"10\"\n", ""), "`frame.escape` is one byte"),
        (DLE.replace("CRC-16/ARC", "CRC-16/ARK"), "did you mean `CRC-16/ARC`?"),
        (DLE.replace("low_first = true", "worth = 17"), "`check.worth` is 17 bits; the check has 16"),
        (format!("{DLE}[keypad]\nend = \"?\"\n"), "`keypad.end` must be one of the keys"),
        (format!("{DLE}[line]\ndata_bits = 6\n"), "`line.data_bits` is 6; it must lie between 7 and 8"),
        (HDLC.replace("kind =", "card_left_ms = 0\nkind ="), "it must lie between 1 and"),
        (HDLC.replace("kind =", "repeats_ms = 1000\nkind ="), "`repeats_ms` must be less than `card_left_ms`"),
    ] {
        let findings = read(&wrong).unwrap_err();
        assert!(findings.iter().any(|finding| finding.contains(said)), "{said}: {findings:?}");
    }
    assert_eq!(read(&DLE.replace("CRC-16/ARC", "CRC-16/ARK")).unwrap_err().len(), 1, "one mistake is one finding");
}

// ---- what the host says

/// Every frame has a sequence number, which the host repeats.
const SEQUENCED: &str = r#"
kind = "csn"
[frame]
cut = "delimited"
start = "10 02"
end = "10 03"
escape = "10"
escaped_as = "itself"
[check]
method = "xor"
[[message]]
payload = "C{seq:byte1}{id:byte4}{check:byte1}"
[[message]]
payload = "S{check:byte1}"
[host]
poll = "{=10 02}P{counter:byte1}{check:byte1}{=10 03}"
acknowledge = "{=10 02}A{seq:byte1}{check:byte1}{=10 03}"
[[sample]]
source = "composed"
constructed = true
frame = "10 02 43 07 01 02 03 04 40 10 03"
reads = "csn:01020304"
[[sample]]
source = "composed"
constructed = true
frame = "10 02 41 07 46 10 03"
said = true
"#;

#[test]
fn an_acknowledgement_repeats_the_sequence_number_with_its_own_check_and_stuffed_as_frames_are() {
    let dialect = dialect(SEQUENCED);
    let mut line = line(&dialect);
    let asked = line.handle(Input::Opened, ms(0)).write;
    assert_eq!(asked, hex("1002 50 00 50 1003"));
    let said = line.handle(Input::Bytes(&hex("1002 43 07 01020304 40 1003")), ms(10));
    assert_eq!((said.presentations.len(), said.write), (1, hex("1002 41 07 46 1003")));
    // A number that is a DLE is stuffed, and so is a check.
    let said = line.handle(Input::Bytes(&hex("1002 43 1010 01020304 57 1003")), ms(20));
    assert_eq!(said.write, hex("1002 41 1010 51 1003"));
    // What has no number to repeat is not acknowledged: the next question comes instead, and counts on.
    assert_eq!(line.handle(Input::Bytes(&hex("1002 53 53 1003")), ms(30)).write, Vec::<u8>::new());
    assert_eq!(line.handle(Input::Time, ms(230)).write, hex("1002 50 01 51 1003"));
}

#[test]
fn what_the_host_says_names_only_parts_that_can_be_said() {
    for (wrong, said) in [
        (SEQUENCED.replace("A{seq:byte1}", "A{sec:byte1}"), "`sec` is neither"),
        (SEQUENCED.replace("A{seq:byte1}", "A{seq:byte}"), "`seq` needs a width"),
        (SEQUENCED.replace("P{counter:byte1}", "P{seq:byte1}"), "`seq` is neither"),
    ] {
        let findings = read(&wrong).unwrap_err();
        assert!(findings.iter().any(|finding| finding.contains(said)), "{said}: {findings:?}");
    }
}

// ---- a check that is a setting

#[test]
fn a_damaged_frame_with_a_check_is_never_a_card_of_a_message_without_one() {
    let protocols = Protocols::built_in();
    for (with, without) in [("twn4-simple-crc", "twn4-simple"), ("twn4-simple-binary-crc", "twn4-simple-binary")] {
        let (with, without) = (protocols.dialect(with).unwrap(), protocols.dialect(without).unwrap());
        let cards = with.samples.iter().filter(|sample| matches!(sample.reads, Reads::As(_)));
        for sample in cards {
            let Reads::As(reads) = &sample.reads else { unreachable!() };
            assert_eq!(heard(&mut line(without), &[&sample.frame]).0, [reads.as_str()], "{}", without.id);
            for bit in 0..sample.frame.len() * 8 {
                let mut frame = sample.frame.clone();
                frame[bit / 8] ^= 0x80 >> (bit % 8);
                let (read, _) = heard(&mut line(without), &[&frame]);
                assert!(read.iter().all(|read| read == reads || read == "damaged"), "{} bit {bit}: {read:?}", without.id);
            }
        }
    }
}

#[test]
fn a_reader_that_has_sent_a_check_sends_one_always() {
    let dialect = Protocols::built_in().dialect("twn4-simple").unwrap().clone();
    let mut line = line(&dialect);
    let no_card = b"0000B8F0\r";
    assert_eq!(line.handle(Input::Bytes(no_card), ms(0)).noise, 0);
    // Three bits of a checked frame are damaged, and what is left looks like one without a check.
    assert!(line.handle(Input::Bytes(b"000180200466CF4DC2\r"), ms(1)).presentations.is_empty());
    assert_eq!(line.handle(Input::Bytes(b"000180200466CF4DC2E960\r"), ms(2)).presentations.len(), 1);
}

#[test]
fn a_check_says_what_it_is_worth_and_so_does_a_card_that_passed_it() {
    let protocols = Protocols::built_in();
    for (id, bits) in [("id12la-ascii", 8), ("rdm6300", 0), ("feig-obid", 16), ("hex-line", 0), ("gunnebo", 0), ("twn4-simple", 0)] {
        let dialect = protocols.dialect(id).unwrap();
        let sample = dialect.samples.iter().find(|sample| matches!(sample.reads, Reads::As(_))).unwrap();
        let shown = line(dialect).handle(Input::Bytes(&sample.frame), ms(0)).presentations;
        assert_eq!(shown[0].check_bits, bits, "{id}");
    }
    let rdm6300 = protocols.dialect("rdm6300").unwrap();
    assert_eq!(ReaderHints::default().repeats_of(rdm6300), Some(std::time::Duration::from_millis(65)));
    assert!(ReaderHints::default().repeats_of(protocols.dialect("hid-maxiprox").unwrap()).is_some(), "it reads again and again");
    assert!(ReaderHints::default().repeats_of(protocols.dialect("feig-obid").unwrap()).is_some(), "it is asked again");
    assert_eq!(ReaderHints::default().repeats_of(protocols.dialect("id12la-ascii").unwrap()), None);
}

#[test]
fn every_dialect_knows_how_long_a_card_lies_there() {
    let protocols = Protocols::built_in();
    assert!(protocols.dialects.iter().all(|dialect| !dialect.card_left.is_zero()));
    let template = cardbridge::decode::payload::Template::parse("{bits:hex}").unwrap();
    assert!(!Dialect::of_lines(template).unwrap().card_left.is_zero());
}

// ---- halves, late answers, damage

#[test]
fn behind_half_a_frame_and_a_late_answer_the_whole_one_is_read() {
    let protocols = Protocols::built_in();
    let feig = protocols.dialect("feig-obid").unwrap();
    let whole = hex("02 00 13 00 B0 00 01 04 00 FF 77 66 55 44 33 22 11 A2 55");
    // What is counted reaches into the frame behind it.
    for cut in 1..whole.len() {
        let (read, _) = heard(&mut line(feig), &[&whole[..cut], &whole]);
        assert_eq!(read, ["csn:77665544332211"], "cut at {cut}");
    }
    // Half of a frame that counts more than ever comes.
    let (read, noise) = heard(&mut line(feig), &[&hex("02 02 00 00 B0"), &whole]);
    assert_eq!((read, noise), (vec!["csn:77665544332211".to_owned()], 5));
    // An answer that is late: the first half came before it was given up, the second with the next answer.
    let standard = protocols.dialect("feig-obid-standard").unwrap();
    let answer = &standard.samples.iter().find(|sample| matches!(sample.reads, Reads::As(_))).unwrap();
    let mut line = line(standard);
    line.handle(Input::Opened, ms(0));
    line.handle(Input::Bytes(&answer.frame[..5]), ms(10));
    let late = [&answer.frame[5..], &answer.frame].concat();
    let mut shown = line.handle(Input::Bytes(&late), ms(900)).presentations;
    shown.extend(line.handle(Input::Time, ms(2000)).presentations);
    assert_eq!(shown.iter().map(words).collect::<Vec<_>>(), [answer.reads.to_string()]);
}

const ID12LA: &[u8] = b"\x020C000621A58E\r\n\x03";
const DAMAGED: &[u8] = b"\x020C000621A58F\r\n\x03";

fn id12la() -> Line {
    line(Protocols::built_in().dialect("id12la-ascii").unwrap())
}

#[test]
fn a_damaged_frame_is_held_back_and_the_good_one_behind_it_is_the_card() {
    let mut line = id12la();
    let first = line.handle(Input::Bytes(DAMAGED), ms(0));
    assert_eq!((first.presentations.len(), first.deadline), (0, Some(ms(300))));
    let good = line.handle(Input::Bytes(ID12LA), ms(65)).presentations;
    assert_eq!(good.iter().map(words).collect::<Vec<_>>(), ["em4100:0C000621A5"]);
    assert!(line.handle(Input::Time, ms(10_000)).presentations.is_empty());
}

#[test]
fn a_damaged_frame_behind_which_no_good_one_comes_is_said_once_with_the_time_it_came() {
    let mut line = id12la();
    for at in [0, 65, 130] {
        assert!(line.handle(Input::Bytes(DAMAGED), ms(at)).presentations.is_empty());
    }
    let shown = line.handle(Input::Time, ms(300)).presentations;
    assert_eq!((shown.len(), shown[0].at), (1, Some(ms(0))));
    assert!(shown[0].damage.is_some());
    assert!(line.handle(Input::Bytes(DAMAGED), ms(350)).presentations.is_empty(), "it lies there still");
    assert!(line.handle(Input::Time, ms(2000)).presentations.is_empty());
}

#[test]
fn a_card_that_lies_there_and_is_read_once_more_is_a_second_reading_and_no_second_card() {
    let mut line = id12la();
    assert_eq!(line.handle(Input::Bytes(ID12LA), ms(0)).presentations.len(), 1);
    let again = line.handle(Input::Bytes(ID12LA), ms(65));
    assert_eq!((again.presentations.len(), again.again.iter().map(words).collect::<Vec<_>>()), (0, vec!["em4100:0C000621A5".to_owned()]));
    assert_eq!(line.handle(Input::Bytes(DAMAGED), ms(130)).again, []);
}

#[test]
fn cards_that_a_reader_reads_in_turn_are_one_presentation_each_however_long_they_lie_there() {
    let mut line = id12la();
    let other: &[u8] = b"\x020A004D760332\r\n\x03";
    let mut shown = 0;
    for round in 0..100 {
        for (place, frame) in [ID12LA, other].into_iter().enumerate() {
            shown += line.handle(Input::Bytes(frame), ms(round * 130 + place as i64 * 65)).presentations.len();
        }
    }
    assert_eq!(shown, 2);
    // One of them leaves and comes back.
    (0..10).for_each(|at| drop(line.handle(Input::Bytes(other), ms(13_000 + at * 65))));
    assert_eq!(line.handle(Input::Bytes(ID12LA), ms(13_700)).presentations.len(), 1);
}

#[test]
fn a_frame_in_which_a_byte_came_with_an_error_is_damaged_whatever_its_check_says() {
    for at in 0..ID12LA.len() {
        let mut line = id12la();
        line.handle(Input::Bytes(&ID12LA[..at]), ms(0));
        line.handle(Input::Faulty(ID12LA[at]), ms(1));
        line.handle(Input::Bytes(&ID12LA[at + 1..]), ms(2));
        let shown = line.handle(Input::Time, ms(400)).presentations;
        assert_eq!(shown.iter().map(words).collect::<Vec<_>>(), ["damaged"], "byte {at}");
        let Some(Damage { detail, .. }) = &shown[0].damage else { panic!() };
        assert!(detail.contains("parity or framing error"), "{detail}");
        // The next frame is as good as any.
        assert_eq!(line.handle(Input::Bytes(ID12LA), ms(2000)).presentations.len(), 1);
    }
}

// ---- noise, and boards that restart

#[test]
fn noise_is_counted_and_told_at_once_and_then_once_a_minute_at_most() {
    let mut line = id12la();
    let told: Vec<(i64, usize)> =
        (0..1800).filter_map(|at| Some((at * 100, line.handle(Input::Bytes(b"~~"), ms(at * 100)).noise_to_tell?))).collect();
    assert_eq!(told, [(0, 2), (60_000, 1200), (120_000, 1200)]);
    // What is left is told in the end, when nothing comes any more.
    let last = line.handle(Input::Time, ms(179_950));
    assert_eq!(last.deadline, Some(ms(180_000)));
    assert_eq!(line.handle(Input::Time, ms(180_000)).noise_to_tell, Some(1198));
}

#[test]
fn a_board_that_restarts_is_asked_nothing_before_it_is_ready_and_its_greeting_is_no_noise() {
    let dialect = dialect(
        r#"
kind = "csn"
[line]
settle_ms = 2000
data_bits = 7
parity = "even"
dtr = true
[frame]
cut = "line"
[[message]]
payload = "UID {id:hex8}"
[host]
poll = "?{=0D}"
[[sample]]
source = "composed"
constructed = true
text = "UID 04A2B3C4\r\n"
reads = "csn:04A2B3C4"
"#,
    );
    let set = dialect.line;
    assert_eq!((set.data_bits, set.parity, set.dtr, set.rts), (7, LineParity::Even, Some(true), None));
    let mut line = line(&dialect);
    let opened = line.handle(Input::Opened, ms(0));
    assert_eq!((opened.write, opened.deadline), (Vec::new(), Some(ms(2000))));
    let greeting = line.handle(Input::Bytes(b"\xFE\x80ets Jun  8 2016\r\nboot: half a l"), ms(100));
    assert_eq!((greeting.noise, greeting.write), (0, Vec::new()));
    let ready = line.handle(Input::Time, ms(2000));
    assert_eq!((ready.noise, ready.write), (0, b"?\r".to_vec()));
    assert_eq!(line.handle(Input::Bytes(b"UID 04A2B3C4\r\n"), ms(2010)).presentations.len(), 1);
    // The site knows its board better.
    let told = ReaderHints { settle: Some(std::time::Duration::ZERO), ..ReaderHints::default() };
    assert_eq!(Line::new(dialect, told).handle(Input::Opened, ms(0)).write, b"?\r");
}

#[test]
fn of_a_keypad_the_site_has_the_last_word_and_the_dialect_the_one_before() {
    let dialect = dialect(&format!("{DLE}[keypad]\nend = \"A\"\ntimeout_ms = 9000\n"));
    let told = |keypad| ReaderHints { keypad, ..ReaderHints::default() };
    let second = std::time::Duration::from_secs;
    let of_dialect = KeypadRules { end: Some('A'), clear: Some('*'), time_out: second(9) };
    assert_eq!(told(KeypadHints::default()).keypad_of(Some(&dialect)), of_dialect);
    let site = KeypadHints { end: Some(None), clear: Some(Some('#')), time_out: None };
    assert_eq!(told(site).keypad_of(Some(&dialect)), KeypadRules { end: None, clear: Some('#'), time_out: second(9) });
    assert_eq!(told(site).keypad_of(None).time_out, second(5));
}

// ---- a length behind a marker

#[test]
fn a_marker_tells_the_length_of_a_short_card_and_the_site_says_which_it_is() {
    let protocols = Protocols::built_in();
    let maxiprox = protocols.dialect("hid-maxiprox").unwrap();
    let read = |bits: Option<u16>, text: &str| {
        let mut line = Line::new(maxiprox.clone(), ReaderHints { bits, ..ReaderHints::default() });
        line.handle(Input::Bytes(text.as_bytes()), ms(0)).presentations.iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(read(Some(26), "00000602031C27\r\n"), ["{26}8080C700"]);
    assert_eq!(read(Some(26), "00000602031F2A\r\n"), ["{26}8080C7C0"]);
    // The marker contradicts every other number, and a card of 37 bits has no room for one.
    for bits in (1..=64).filter(|bits| !matches!(bits, 26 | 37)) {
        assert_eq!(read(Some(bits), "00000602031C27\r\n"), ["unknown length"], "{bits}");
    }
    assert_eq!(read(None, "00000602031C27\r\n"), ["unknown length"]);
    assert_eq!(read(Some(37), "0001234ABCDE08\r\n"), ["{37}091A55E6F0"]);
}

// ---- the first sample of a new dialect

#[test]
fn the_check_of_a_new_dialect_says_what_its_first_sample_reads_as_and_which_checksum_is_right() {
    let first = DLE.replace("reads = \"csn:041003AB\"\n", "");
    let findings = read(&first).unwrap_err();
    assert!(findings[0].contains("reads as csn:041003AB; if that is right, write `reads = \"csn:041003AB\"`"), "{findings:?}");
    let unproven = read(&first.replace("3A 31", "00 00")).unwrap_err();
    assert!(unproven[0].contains("the checksum computed is 3A31 and the one received is 0000"), "{unproven:?}");
    let none = read(DLE.split("[[sample]]").next().unwrap()).unwrap_err();
    assert!(none[0].contains("there is no [[sample]]"), "{none:?}");
}

// ---- whatever comes

/// What a line makes of these bytes in pieces of that length, and of silence behind them.
fn played(dialect: &Arc<Dialect>, bytes: &[u8], piece: usize) -> (Vec<Presentation>, usize) {
    let (mut line, mut shown, mut noise) = (line(dialect), Vec::new(), 0);
    let mut take = |output: Output| {
        shown.extend(output.presentations);
        noise += output.noise;
    };
    bytes.chunks(piece.max(1)).for_each(|piece| take(line.handle(Input::Bytes(piece), ms(0))));
    (1..4).for_each(|minute| take(line.handle(Input::Time, ms(minute * 60_000))));
    (shown, noise)
}

/// Frames, halves of frames, turned bits and noise, one behind the other.
fn stream(frames: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..frames.len(), 0..4_u8, any::<prop::sample::Index>(), any::<u8>()).prop_map(move |(which, kind, at, byte)| {
        let mut frame = frames[which].clone();
        match kind {
            0 => frame.truncate(at.index(frame.len())),
            1 => {
                let at = at.index(frame.len());
                frame[at] ^= 1 << (byte % 8);
            }
            2 => return vec![byte; at.index(7)],
            _ => {}
        }
        frame
    });
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

fn streams() -> impl Strategy<Value = (usize, Vec<u8>, usize)> {
    let samples = |dialect: &Arc<Dialect>| dialect.samples.iter().map(|sample| sample.frame.clone()).collect::<Vec<_>>();
    let all: Vec<Vec<Vec<u8>>> = DIALECTS.iter().map(samples).collect();
    (0..DIALECTS.len()).prop_flat_map(move |which| (Just(which), stream(all[which].clone()), 1..9_usize))
}

static DIALECTS: LazyLock<Vec<Arc<Dialect>>> =
    LazyLock::new(|| [DLE, HDLC, SEQUENCED].into_iter().map(dialect).chain(Protocols::built_in().dialects).collect());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_read_does_not_depend_on_how_the_bytes_are_cut_and_nothing_damaged_has_a_number((which, bytes, piece) in streams()) {
        let dialect = &DIALECTS[which];
        let (whole, pieces) = (played(dialect, &bytes, bytes.len()), played(dialect, &bytes, piece));
        prop_assert_eq!(&whole, &pieces, "{}", &dialect.id);
        prop_assert!(whole.1 <= bytes.len());
        for shown in &whole.0 {
            let has_number = shown.bits.is_some() || shown.csn.is_some() || shown.numbers.is_some();
            prop_assert!(shown.damage.is_none() || !has_number);
        }
    }
}
