//! What every serial dialect promises, shown with the samples in its file: frames are found whole, byte by byte, joined,
//! after noise and after half a frame; and through real ttys the shipped program reads them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use std::{
    io::BufRead as _,
    sync::{Arc, LazyLock},
};

use cardbridge::{
    card::Presentation,
    decode::{
        dialect::{Cut, Dialect, DialectSample, Reads},
        line::{Input, Line, Output},
    },
    protocols::{Protocols, serial::read_as},
    reader::ReaderHints,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use support::{SerialReader, Site};

static PROTOCOLS: LazyLock<Protocols> = LazyLock::new(Protocols::built_in);

/// A line with a clock that is turned by hand.
struct Bench {
    line: Line,
    now: DateTime<Utc>,
    shown: Vec<Presentation>,
    noise: usize,
    left: i64,
}

impl Bench {
    fn new(dialect: &Arc<Dialect>, sample: &DialectSample) -> Self {
        let told = ReaderHints { bits: sample.bits, ..ReaderHints::default() };
        let (now, left) = (DateTime::UNIX_EPOCH + TimeDelta::days(1), dialect.card_left.as_millis() as i64);
        Self { line: Line::new(dialect.clone(), told), now, shown: Vec::new(), noise: 0, left }
    }

    fn take(&mut self, output: Output) {
        self.shown.extend(output.presentations);
        self.noise += output.noise;
    }

    fn send(&mut self, bytes: &[u8]) {
        self.now += TimeDelta::milliseconds(1);
        let output = self.line.handle(Input::Bytes(bytes), self.now);
        self.take(output);
    }

    fn rest(&mut self, millis: i64) {
        self.now += TimeDelta::milliseconds(millis);
        let output = self.line.handle(Input::Time, self.now);
        self.take(output);
    }

    /// Waits for as long as anything could still come: a line's end, half a frame's, and a damaged frame held back.
    fn finish(&mut self) {
        (0..2).for_each(|_| self.rest(self.left + 1000));
    }

    fn read(&self) -> Vec<Reads> {
        self.shown.iter().map(read_as).collect()
    }
}

fn wanted(sample: &DialectSample) -> Vec<Reads> {
    if sample.reads == Reads::Talk { Vec::new() } else { vec![sample.reads.clone()] }
}

/// Every sample that comes from a reader, with its dialect.
fn samples() -> impl Iterator<Item = (&'static Arc<Dialect>, &'static DialectSample)> {
    let all = PROTOCOLS.dialects.iter().flat_map(|dialect| dialect.samples.iter().map(move |sample| (dialect, sample)));
    all.filter(|(_, sample)| sample.reads != Reads::ToReader)
}

/// True where every frame of a card proves itself.
fn is_checked(dialect: &Dialect) -> bool {
    let mut cards = dialect.messages.iter().filter(|message| message.is_card());
    cards.all(|message| message.check.is_some_and(|check| check.method.of(b"").is_some()))
}

/// True where only silence ends the sample.
fn ends_with_silence(dialect: &Dialect, sample: &DialectSample) -> bool {
    matches!(dialect.cut, Cut::Line { .. }) && !sample.frame.ends_with(b"\r") && !sample.frame.ends_with(b"\n")
}

#[test]
fn every_sample_is_read_when_it_comes_whole_and_when_it_comes_byte_by_byte() {
    for (dialect, sample) in samples() {
        let mut whole = Bench::new(dialect, sample);
        whole.send(&sample.frame);
        whole.finish();
        assert_eq!((whole.read(), whole.noise), (wanted(sample), 0), "{}: {}", dialect.id, sample.source);
        let mut bytewise = Bench::new(dialect, sample);
        for byte in &sample.frame {
            bytewise.send(&[*byte]);
        }
        bytewise.finish();
        assert_eq!((bytewise.read(), bytewise.noise), (wanted(sample), 0), "{} byte by byte: {}", dialect.id, sample.source);
    }
}

#[test]
fn joined_frames_are_told_apart_and_a_card_that_lies_there_is_one() {
    for (dialect, sample) in samples().filter(|(dialect, sample)| !ends_with_silence(dialect, sample)) {
        let mut bench = Bench::new(dialect, sample);
        bench.send(&sample.frame.repeat(3));
        bench.finish();
        let is_key = matches!(&sample.reads, Reads::As(words) if words.starts_with("keys"));
        let times = if is_key { 3 } else { 1 };
        assert_eq!(bench.read(), vec![wanted(sample); times].concat(), "{}: {}", dialect.id, sample.source);
        assert_eq!(bench.noise, 0, "{}: {}", dialect.id, sample.source);
        // A reader that holds its last card and tells its age is not tapped by saying the same again.
        if dialect.host.as_ref().is_some_and(|host| host.age.is_some()) {
            continue;
        }
        bench.send(&sample.frame);
        bench.finish();
        assert_eq!(bench.read().len(), wanted(sample).len() * (times + 1), "a second tap, {}: {}", dialect.id, sample.source);
    }
}

#[test]
fn a_frame_is_read_after_noise() {
    for (dialect, sample) in samples() {
        let mut bench = Bench::new(dialect, sample);
        bench.send(if matches!(dialect.cut, Cut::Line { .. }) { b"\x7e~~~\x00\r\n" } else { b"\x7e~~~\x00" });
        // Where nothing marks a beginning, only silence ends what is none.
        if dialect.cut.start().is_empty() {
            bench.rest(1000);
        }
        bench.send(&sample.frame);
        bench.finish();
        assert_eq!(bench.read(), wanted(sample), "{}: {}", dialect.id, sample.source);
        assert!(bench.noise > 0, "{} did not count its noise", dialect.id);
    }
}

#[test]
fn a_frame_cut_at_any_byte_is_no_card_and_the_next_one_is_read() {
    for (dialect, sample) in samples().filter(|(dialect, _)| !matches!(dialect.cut, Cut::Line { idle: Some(_) })) {
        for cut in 1..sample.frame.len() {
            let half = &sample.frame[..cut];
            // What is left may be nothing but the LF of CR LF: then the frame was whole.
            if sample.frame[cut..].iter().all(|byte| dialect.fill.contains(byte)) {
                continue;
            }
            let mut bench = Bench::new(dialect, sample);
            bench.send(half);
            bench.rest(dialect.half_frame.as_millis() as i64 + 1);
            assert!(bench.read().is_empty(), "{} read half a frame: {}", dialect.id, sample.source);
            bench.send(&sample.frame);
            bench.finish();
            assert_eq!(bench.read(), wanted(sample), "{} cut at {cut}: {}", dialect.id, sample.source);
        }
    }
}

#[test]
fn half_a_frame_and_a_whole_one_behind_it_are_never_another_card() {
    // A frame without a beginning of its own, proved by one byte that two equal halves cancel, can only be told by time.
    let checked = |dialect: &Dialect| is_checked(dialect) && dialect.id != "twn3-binary";
    for (dialect, sample) in samples().filter(|(dialect, sample)| checked(dialect) && sample.reads != Reads::Damaged) {
        for cut in 1..sample.frame.len() {
            let mut bench = Bench::new(dialect, sample);
            bench.send(&[&sample.frame[..cut], &sample.frame].concat());
            bench.finish();
            for read in bench.read() {
                assert!(read == sample.reads || read == Reads::Damaged, "{} cut at {cut} read {read}: {}", dialect.id, sample.source);
            }
        }
    }
}

#[test]
fn one_flipped_bit_in_a_checked_frame_is_never_another_card() {
    for (dialect, sample) in samples().filter(|(_, sample)| matches!(sample.reads, Reads::As(_))) {
        if !is_checked(dialect) {
            continue;
        }
        for bit in 0..sample.frame.len() * 8 {
            let mut frame = sample.frame.clone();
            frame[bit / 8] ^= 0x80 >> (bit % 8);
            let mut bench = Bench::new(dialect, sample);
            bench.send(&frame);
            bench.finish();
            for read in bench.read() {
                // Letters of hex digits in the other case, and bits no check covers, say the same.
                assert!(read == sample.reads || read == Reads::Damaged, "{} bit {bit} read {read}: {}", dialect.id, sample.source);
            }
        }
    }
}

#[test]
fn a_flood_of_anything_leaves_the_line_as_it_was() {
    for (dialect, sample) in samples().filter(|(_, sample)| matches!(sample.reads, Reads::As(_))) {
        let mut bench = Bench::new(dialect, sample);
        let mut random = 12345_u32;
        for _ in 0..40 {
            let flood: Vec<u8> = (0..1000)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Never the byte a frame begins with, nor digits that could be somebody's card.
                    [b'~', b'!', 0x00, 0xF0][(random >> 24) as usize % 4]
                })
                .collect();
            bench.send(&flood);
        }
        bench.send(b"\r\n");
        bench.rest(1000);
        bench.shown.clear();
        bench.send(&sample.frame);
        bench.finish();
        assert_eq!(bench.read(), wanted(sample), "{}: {}", dialect.id, sample.source);
    }
}

/// The shipped program, and one real tty for every dialect.
#[test]
fn through_real_ttys_the_shipped_program_reads_every_dialect() {
    let mut readers: Vec<(&Arc<Dialect>, SerialReader)> =
        PROTOCOLS.dialects.iter().map(|dialect| (dialect, SerialReader::plug_in())).collect();
    let configuration: String =
        readers.iter().map(|(dialect, reader)| reader.configuration(&dialect.id, &dialect.id, "card_left_ms = 0")).collect();
    let site = Site::at("http://127.0.0.1:9", "");
    site.configure(&configuration);
    let mut read = site.start(&["read", "--json"]);
    read.wait_for_stderr("hold the card");
    for (_, reader) in &readers {
        reader.wait_until_open();
    }
    let mut lines = read.stdout().lines();
    for (dialect, reader) in &mut readers {
        let shows_a_card = |sample: &&DialectSample| matches!(sample.reads, Reads::As(_) | Reads::Damaged) && sample.bits.is_none();
        // A key alone is no entry yet.
        let is_key = |sample: &&DialectSample| matches!(&sample.reads, Reads::As(words) if words.starts_with("keys"));
        for sample in dialect.samples.iter().filter(|sample| shows_a_card(sample) && !is_key(sample)) {
            reader.send(&sample.frame);
            let json: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert_eq!(json["reader"], dialect.id.as_str(), "{json}");
            assert!(json["verdict"] == "damaged" || sample.reads != Reads::Damaged, "{json}");
            let raw: String = sample.frame.iter().map(|byte| format!("{byte:02X}")).collect();
            assert!(raw.contains(json["raw"].as_str().unwrap()), "{json} is not what was sent: {raw}");
            if let Reads::As(words) = &sample.reads
                && (words.starts_with('{') || words.contains(':'))
            {
                assert_eq!(json["input"], words.as_str(), "{json}");
            }
        }
    }
    read.kill();
}
