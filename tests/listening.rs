//! What is promised of `cardbridge readers --listen`: through real ttys, an unknown reader's bytes are shown, the dialects
//! that read a card in them are named with their evidence, and the lines it prints can be pasted and work.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::{io::Read, time::Duration};

use cards::{Followed, Outcome, hex};
use serde_json::{Value, json};
use serialport::{SerialPort, TTYPort};
use support::Site;

/// An unknown reader, and a site that knows nothing of it.
struct Unknown {
    site: Site,
    reader: TTYPort,
    path: String,
}

impl Unknown {
    fn plug_in() -> Self {
        let (mut reader, port) = TTYPort::pair().unwrap();
        reader.set_timeout(Duration::from_secs(5)).unwrap();
        let site = Site::at("http://127.0.0.1:9", "");
        site.configure("");
        Self { site, reader, path: port.name().unwrap() }
    }

    /// Listens as these options say.
    fn listen(&self, options: &[&str]) -> Followed {
        Followed::start(self.site.command(&[&["readers", "--listen", &self.path], options].concat()))
    }

    /// Shows these bytes once it is listened to; what was said in the end.
    fn shown(&mut self, bytes: &[u8], options: &[&str]) -> Outcome {
        let mut listening = self.listen(options);
        listening.hears("show a card");
        self.send(bytes);
        listening.end()
    }

    fn send(&mut self, bytes: &[u8]) {
        use std::io::Write;
        self.reader.write_all(bytes).unwrap();
    }

    /// What a reader would be asked so far.
    fn asked(&mut self, patience: Duration) -> Vec<u8> {
        self.reader.set_timeout(patience).unwrap();
        let mut buffer = [0; 256];
        self.reader.read(&mut buffer).map(|count| buffer[..count].to_vec()).unwrap_or_default()
    }
}

fn dialects(report: &Value) -> Vec<&str> {
    report["dialects"].as_array().unwrap().iter().map(|said| said["dialect"].as_str().unwrap()).collect()
}

const ID12LA: &[u8] = b"\x020C000621A58E\r\n\x03";

#[test]
fn the_lines_printed_for_an_unknown_reader_can_be_pasted_and_read_its_card() {
    for (bytes, dialect, reads) in [(ID12LA, "id12la-ascii", "em4100:0C000621A5"), (b"1ABD88EB80\r", "twn3-hidprox", "{26}BD88EB80")] {
        let mut unknown = Unknown::plug_in();
        let ended = unknown.shown(bytes, &["--json"]);
        assert_eq!((ended.code, ended.out.len()), (Some(0), 1), "{ended:#?}");
        let report = ended.last();
        assert_eq!(report["dialects"][0]["dialect"], dialect, "{:?}", dialects(&report));
        assert_eq!(report["line"], json!({"baud": 9600, "data_bits": 8, "parity": "none", "stop_bits": 1}));
        unknown.site.configure(report["dialects"][0]["configuration"].as_str().unwrap());
        let mut command = unknown.site.command(&["read", "--json", "--count", "1"]);
        command.env("CARDBRIDGE_LOG", "cardbridge=info");
        let mut read = Followed::start(command);
        read.hears("the reader is there");
        unknown.send(bytes);
        assert_eq!(read.json()["input"], reads);
    }
}

#[test]
fn people_see_the_bytes_what_each_dialect_says_and_lines_to_paste() {
    let mut unknown = Unknown::plug_in();
    let ended = unknown.shown(b"1ABD88EB80\r", &[]);
    let text = ended.out.join("\n");
    for wanted in [
        "0 ms  31 41 42 44 38 38 45 42 38 30 0D                 1ABD88EB80·",
        "twn3-hidprox (Elatec TWN3",
        "{26}BD88EB80, 26 bits: ambiguous",
        "hid-h10301, indala-26",
        "[[reader]]\nname = \"desk\"\n",
        "dialect = \"twn3-hidprox\"",
    ] {
        assert!(text.contains(wanted), "{wanted:?} in\n{text}");
    }
}

#[test]
fn dialects_that_the_bytes_do_not_tell_apart_are_shown_as_a_tie_with_the_numbers_of_bits_that_fit() {
    let mut unknown = Unknown::plug_in();
    let report = unknown.shown(b"A181F440\r\n", &["--json"]).last();
    let of = |id: &str| report["dialects"].as_array().unwrap().iter().find(|said| said["dialect"] == id).cloned().unwrap();
    let (left, right) = (of("hex-line"), of("hex-number-line"));
    assert_eq!((&left["tied"], &right["tied"], &left["wants_bits"]), (&json!(true), &json!(true), &json!(true)));
    assert!(left["bits"].as_array().unwrap().contains(&json!(26)), "{left:#}");
    // Several fit: none is chosen.
    assert!(left["configuration"].as_str().unwrap().contains("# bits = N"), "{left:#}");
}

#[test]
fn bytes_that_nothing_frames_move_the_line_to_the_next_setting_and_the_person_is_asked_again() {
    let mut unknown = Unknown::plug_in();
    let mut listening = unknown.listen(&["--json"]);
    listening.hears("listening at 9600 8N1");
    unknown.send(&[0xE3, 0x80, 0xFE, 0xF1, 0x00, 0xFC]);
    let said = listening.hears("show the card again");
    assert!(said.contains("6 bytes at 9600 8N1"), "{said}");
    unknown.send(ID12LA);
    let report = listening.end().last();
    assert_ne!(report["line"]["baud"], 9600);
    let configuration = report["dialects"][0]["configuration"].as_str().unwrap();
    assert!(configuration.contains(&format!("baud = {}\n", report["line"]["baud"])), "{configuration}");
}

#[test]
fn the_rate_that_was_asked_for_is_kept() {
    let mut unknown = Unknown::plug_in();
    let ended = unknown.shown(&[0xE3, 0x80, 0xFE, 0xF1, 0x00, 0xFC], &["--baud", "57600", "--json", "--timeout", "3"]);
    assert_eq!((ended.code, &ended.last()["line"]["baud"]), (Some(1), &json!(57600)), "{ended:#?}");
}

#[test]
fn text_that_no_dialect_reads_is_described_and_gets_a_template_to_try() {
    let mut unknown = Unknown::plug_in();
    let ended = unknown.shown(b"W26:123:04567\r\n", &["--json"]);
    let report = ended.last();
    assert_eq!((ended.code, dialects(&report).len()), (Some(1), 0), "{ended:#?}");
    assert_eq!(report["template"]["template"], "W26:{facility_code:dec}:{card_number:dec}");
    assert_eq!(report["looks"][0], "lines that end with CR LF");
    let text = unknown.shown(b"W26:123:04567\r\n", &[]).out.join("\n");
    assert!(text.contains("template = \"W26:{facility_code:dec}:{card_number:dec}\""), "{text}");
}

#[test]
fn a_damaged_frame_is_said_to_be_damaged_and_its_dialect_stays_in_the_list() {
    let mut unknown = Unknown::plug_in();
    let mut listening = unknown.listen(&["--json", "--count", "3"]);
    listening.hears("show a card");
    unknown.send(b"\x020C000621A58F\r\n\x03");
    listening.hears("show the next one");
    unknown.send(ID12LA);
    listening.hears("show the next one");
    unknown.send(b"\x020A004D760332\r\n\x03");
    let report = listening.end().last();
    let own = report["dialects"].as_array().unwrap().iter().find(|said| said["dialect"] == "id12la-ascii").unwrap();
    assert_eq!((&own["cards"], &own["damaged"], &own["noise"]), (&json!(2), &json!(1), &json!(0)));
    let verdicts: Vec<&Value> = own["readings"].as_array().unwrap().iter().map(|reading| &reading["verdict"]).collect();
    assert_eq!(verdicts, ["damaged", "ambiguous", "ambiguous"]);
}

#[test]
fn a_silent_reader_is_asked_nothing_and_those_that_want_to_be_asked_are_named() {
    let mut unknown = Unknown::plug_in();
    let ended = unknown.listen(&["--timeout", "1", "--json"]).end();
    let error = &ended.last()["error"];
    assert_eq!((ended.code, &error["code"]), (Some(1), &json!("silent")), "{ended:#?}");
    assert!(error["must_be_asked"].as_array().unwrap().contains(&json!("aeg-are")), "{error:#}");
    assert!(error["help"].as_str().unwrap().contains("--ask"));
    assert_eq!(unknown.asked(Duration::from_millis(200)), Vec::<u8>::new());
}

#[test]
fn with_ask_each_question_is_put_once_and_said_and_the_answer_is_read() {
    let mut unknown = Unknown::plug_in();
    let mut listening = unknown.listen(&["--ask", "--baud", "9600", "--timeout", "20", "--json"]);
    listening.hears("asking as ");
    // AEG ARE: get tag, and the answer of its manual (table 3.2).
    let (question, answer) = (hex("47 54 0D"), b"001F37BD92\r");
    let mut asked = Vec::new();
    while !asked.ends_with(&question) {
        let more = unknown.asked(Duration::from_secs(8));
        assert!(!more.is_empty(), "nothing more is asked; so far {asked:02X?}");
        asked.extend(more);
    }
    unknown.send(answer);
    let said = listening.hears("asking as aeg-are does");
    assert!(said.contains("47 54 0D"), "{said}");
    let report = listening.end().last();
    let own = report["dialects"].as_array().unwrap().iter().find(|said| said["dialect"] == "aeg-are").unwrap();
    assert_eq!(own["readings"][0]["input"], "csn:001F37BD92");
    assert_eq!(asked.windows(question.len()).filter(|window| **window == *question).count(), 1);
}

#[test]
fn a_port_that_is_not_there_is_refused_with_what_to_do() {
    let unknown = Unknown::plug_in();
    let ended = unknown.site.run(&["readers", "--listen", "/dev/not-there", "--json"]);
    assert_eq!((ended.code, &ended.error()["code"]), (1, &json!("port")), "{ended:?}");
    let alone = unknown.site.run(&["readers", "--baud", "9600"]);
    assert_eq!(alone.code, 2, "{alone:?}");
}
