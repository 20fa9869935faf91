//! Readers that wait to be asked, and readers that a site has built itself, through real ttys: the other end of the line
//! is a reader that answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{
    io::{BufRead as _, Read as _, Write as _},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use serialport::{SerialPort as _, TTYPort};
use support::{Simulator, Site};

/// A reader that answers: whatever is said to it is noted, and its answer is the one that stands.
struct Asked {
    path: String,
    answer: Arc<Mutex<Vec<u8>>>,
    heard: Receiver<String>,
}

impl Asked {
    /// A reader whose questions end with this byte, and which first answers so.
    fn plug_in(end: u8, answer: &[u8]) -> Self {
        let (mut line, port) = TTYPort::pair().unwrap();
        line.set_timeout(Duration::from_secs(3600)).unwrap();
        let path = port.name().unwrap();
        let answer = Arc::new(Mutex::new(answer.to_vec()));
        let (say, heard) = channel();
        let answers = answer.clone();
        thread::spawn(move || {
            // Kept open, so that the line outlives the program at its other end.
            let _port = port;
            let mut question = Vec::new();
            let mut byte = [0];
            while line.read_exact(&mut byte).is_ok() {
                question.push(byte[0]);
                if byte[0] == end {
                    let said = String::from_utf8_lossy(&question).trim_end().to_owned();
                    question.clear();
                    let answer = answers.lock().unwrap().clone();
                    if say.send(said).is_err() || line.write_all(&answer).is_err() {
                        return;
                    }
                }
            }
        });
        Self { path, answer, heard }
    }

    fn answers(&self, answer: &[u8]) {
        *self.answer.lock().unwrap() = answer.to_vec();
    }

    /// Waits until this was said to it.
    fn hears(&self, wanted: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.heard.recv_timeout(Duration::from_secs(10)).is_ok_and(|said| said != wanted) {
            assert!(Instant::now() < end, "{wanted} was not said");
        }
    }

    fn configuration(&self, dialect: &str) -> String {
        format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"{dialect}\"\nproof = 1\n", self.path)
    }
}

fn site(configuration: &str) -> Site {
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(configuration);
    site
}

fn json(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Value {
    serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
}

#[test]
fn a_reader_that_waits_is_asked_and_a_card_that_lies_there_is_one() {
    let reader = Asked::plug_in(b'\r', b"0000\r");
    let site = site(&reader.configuration("twn4-simple"));
    let mut read = site.start(&["read", "--json"]);
    reader.hears("0400070000");
    // What it answers at first lay there already.
    (0..12).for_each(|_| reader.hears("050010"));
    reader.answers(b"000180200466CF4DC2\r");
    let mut lines = read.stdout().lines();
    assert_eq!(json(&mut lines)["csn"], "66CF4DC2");
    (0..5).for_each(|_| reader.hears("050010"));
    // The card goes for longer than the dialect's time, and another one comes.
    reader.answers(b"0000\r");
    (0..10).for_each(|_| reader.hears("050010"));
    reader.answers(b"000180200466CF4DC2\r");
    assert_eq!(json(&mut lines)["csn"], "66CF4DC2");
    reader.answers(b"00014028050A004D7603\r");
    let next = json(&mut lines);
    assert_eq!((&next["kind"], &next["input"]), (&Value::from("em4100"), &Value::from("em4100:0A004D7603")));
    read.kill();
}

#[test]
fn a_reader_shows_that_a_card_was_read_saved_and_accepted_and_another_that_it_is_refused() {
    let blusky = Simulator::start(&[]);
    let reader = Asked::plug_in(b'\r', b"0000\r");
    let site = Site::at(&blusky.base_url, &reader.configuration("twn4-simple"));
    let mut enroll = site.start(&["enroll", "--user", "0f83442e-a446-4577-8cdd-8ffdd51ab9c1", "--timeout", "20"]);
    enroll.wait_for_stderr("hold the card");
    // 26 bits of HID Prox: facility code 123, card number 4567.
    reader.answers(b"0001491A04BD88EB80\r");
    reader.hears("040204"); // yellow: read
    reader.hears("04076460093C000000"); // a short beep: saved
    reader.hears("040202"); // green: accepted
    reader.hears("040764600996003200"); // and its beep
    assert_eq!(enroll.end().code, 0);
    // A serial number, which no card type of this site takes, is refused: red, and a low beep.
    reader.answers(b"0000\r");
    let mut enroll = site.start(&["enroll", "--user", "0f83442e-a446-4577-8cdd-8ffdd51ab9c1", "--timeout", "20"]);
    enroll.wait_for_stderr("hold the card");
    reader.answers(b"000180200466CF4DC2\r");
    reader.hears("040201");
    reader.hears("040764F401F4013200");
    assert_eq!(enroll.end().code, 1);
}

#[test]
fn a_card_that_the_reader_still_holds_is_shown_as_such_and_never_enrolled() {
    let reader = Asked::plug_in(b'\r', b"{0x1000,2,0x0000,24;0x00000000000000153E12}\r\nRF IDeas>");
    let site = Site::at("http://127.0.0.1:9", &reader.configuration("rfideas-acp"));
    let mut read = site.start(&["read", "--json"]);
    let mut lines = read.stdout().lines();
    let held = json(&mut lines);
    assert_eq!((&held["bits"], &held["warnings"][0]), (&Value::from("{24}153E12"), &Value::from("shown_before")), "{held}");
    (0..8).for_each(|_| reader.hears("rfid:qid"));
    // The same card is shown anew: it is younger than the question before.
    reader.answers(b"{0x0001,2,0x0000,24;0x00000000000000153E12}\r\nRF IDeas>");
    let fresh = json(&mut lines);
    assert_eq!((&fresh["bits"], &fresh["warnings"]), (&Value::from("{24}153E12"), &serde_json::json!(["parity_not_seen"])), "{fresh}");
    read.kill();
    let enroll = site.start(&["enroll", "--user", "0f83442e-a446-4577-8cdd-8ffdd51ab9c1", "--timeout", "2"]);
    reader.answers(b"{0x1000,2,0x0000,24;0x00000000000000153E12}\r\nRF IDeas>");
    let enroll = enroll.end();
    assert_eq!(enroll.code, 1, "{enroll:?}");
    assert!(site.outbox().is_empty());
}

#[test]
fn a_reader_that_does_not_answer_is_told_with_what_to_look_at() {
    let (_line, port) = TTYPort::pair().unwrap();
    let path = port.name().unwrap();
    let site = site(&format!("[[reader]]\nname = \"desk\"\nserial = \"{path}\"\ndialect = \"twn3-binary\"\n"));
    drop(port);
    let mut read = site.start(&["read", "--json"]);
    read.wait_for_stderr("the reader does not answer; check its dialect, its baud rate and its cable");
    read.kill();
}

#[test]
fn a_reader_of_a_sites_own_is_one_line_of_configuration() {
    let mut reader = support::SerialReader::plug_in();
    let template = "template = \"W26:{facility_code:dec}:{card_number:dec}\"\nbits = 26\ncard_left_ms = 0";
    let site = site(&format!("[site]\nformats = [\"H10301\"]\n[[reader]]\nname = \"desk\"\nserial = \"{}\"\n{template}\n", reader.path));
    let mut read = site.start(&["read", "--json"]);
    read.wait_for_stderr("hold the card");
    let mut lines = read.stdout().lines();
    reader.send(b"W26:123:04567\r\n");
    let card = json(&mut lines);
    assert_eq!((&card["kind"], &card["verdict"], &card["decided_by"]), (&"number".into(), &"unchecked".into(), &"policy".into()), "{card}");
    let credential = &card["credential"];
    assert_eq!(
        (&credential["format"], &credential["facility_code"], &credential["card_number"]),
        (&"hid-h10301".into(), &123.into(), &4567.into())
    );
    // A facility code that 26 bits have no room for fits nothing, and is no card of this site.
    reader.send(b"W26:300:04567\r\n");
    let wide = json(&mut lines);
    assert_eq!((&wide["credential"], &wide["numbers"]["facility_code"]), (&Value::Null, &300.into()), "{wide}");
    read.kill();
}

#[test]
fn a_template_that_names_nothing_of_a_card_is_refused_with_the_line_it_stands_in() {
    let site = site("[[reader]]\nname = \"desk\"\nserial = \"/dev/null\"\ntemplate = \"W26:{_:dec}\"\n");
    let ended = site.run(&["read"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("cardbridge.toml:4:") && ended.stderr.contains("{card_number:dec}"), "{ended:?}");
    let misspelt =
        self::site("[[reader]]\nname = \"desk\"\nserial = \"/dev/null\"\ntemplate = \"W26:{facilty_code:dec}:{card_number:dec}\"\n");
    let ended = misspelt.run(&["read"]);
    assert!(ended.stderr.contains("cardbridge.toml:4:") && ended.stderr.contains("did you mean `facility_code`?"), "{ended:?}");
}
