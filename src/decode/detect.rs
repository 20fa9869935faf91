//! Which dialect a serial reader speaks: every known one listens to the same bytes.
//!
//! In: bytes and times, as they came from one line. Out: for each dialect what it made of them, those with the best
//! evidence first. Never: a choice; where the evidence is the same, it is a tie, and it is shown as one.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    catalog::Catalog,
    check::Method,
    dialect::{Cut, Dialect, Message},
    line::{Input, Line, Output, Told},
    message::{Heard, read_frame},
    payload::Piece,
};
use crate::card::{Kind, MAX_BITS, Presentation, from_hex};

/// So many cards are kept of each dialect; all are counted.
const KEPT: usize = 16;

/// Every dialect with what it made of the bytes so far.
#[derive(Debug, Clone)]
pub struct Detector {
    findings: Vec<Finding>,
}

/// What one dialect made of the bytes.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The dialect.
    pub dialect: Arc<Dialect>,
    /// The first cards it read, damaged ones among them.
    pub shown: Vec<Presentation>,
    /// How many cards it read.
    pub cards: usize,
    /// How many more were damaged.
    pub damaged: usize,
    /// How many bytes were neither a frame nor talk.
    pub noise: usize,
    /// How many bytes it heard.
    pub heard: usize,
    line: Line,
}

impl Detector {
    /// Nothing has been heard yet.
    #[must_use]
    pub fn new(dialects: impl IntoIterator<Item = Arc<Dialect>>) -> Self {
        Self { findings: dialects.into_iter().map(Finding::new).collect() }
    }

    /// Bytes came.
    pub fn heard(&mut self, bytes: &[u8], now: DateTime<Utc>) {
        for finding in &mut self.findings {
            finding.heard += bytes.len();
            let output = finding.line.handle(Input::Bytes(bytes), now);
            finding.add(output);
        }
    }

    /// Time passed: silence ends lines that have no other end.
    pub fn time(&mut self, now: DateTime<Utc>) {
        for finding in &mut self.findings {
            let output = finding.line.handle(Input::Time, now);
            finding.add(output);
        }
    }

    /// The dialects that understood something, those with the best evidence first.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().filter(|finding| finding.understood()).collect();
        findings.sort_by_key(|finding| (finding.evidence(), finding.dialect.id.clone()));
        findings
    }

    /// How many cards the dialect that read the most has read.
    #[must_use]
    pub fn cards(&self) -> usize {
        self.findings.iter().map(|finding| finding.cards).max().unwrap_or(0)
    }
}

impl Finding {
    fn new(dialect: Arc<Dialect>) -> Self {
        let line = Line::new(dialect.clone(), Told::default());
        Self { dialect, shown: Vec::new(), cards: 0, damaged: 0, noise: 0, heard: 0, line }
    }

    fn add(&mut self, output: Output) {
        self.noise += output.noise;
        for presentation in output.presentations {
            match presentation.damage {
                Some(_) => self.damaged += 1,
                None => self.cards += 1,
            }
            if self.shown.len() < KEPT {
                self.shown.push(presentation);
            }
        }
    }

    /// True where it read a card or a damaged one, or knows all of it for the reader's talk.
    #[must_use]
    pub fn understood(&self) -> bool {
        self.cards + self.damaged > 0 || self.is_talk()
    }

    /// True where every byte was the reader's talk: no card, and no noise.
    #[must_use]
    pub fn is_talk(&self) -> bool {
        let is_line = matches!(self.dialect.cut, Cut::Line { .. });
        let knows_talk = !self.dialect.talk.is_empty() || self.dialect.messages.iter().any(says_nothing_of_a_card);
        self.cards + self.damaged == 0 && self.noise == 0 && self.heard > usize::from(is_line) && knows_talk && !self.line_is_waiting()
    }

    /// True where bytes of half a frame are still kept back.
    fn line_is_waiting(&self) -> bool {
        let mut line = self.line.clone();
        line.handle(Input::Time, DateTime::<Utc>::MAX_UTC - chrono::Duration::days(1)).noise > 0
    }

    /// True where the bytes speak for both dialects just as much.
    #[must_use]
    pub fn is_tied_with(&self, other: &Self) -> bool {
        self.evidence() == other.evidence()
    }

    /// What the bytes say for the dialect; less is better. Cards, then nothing left over, then a check that proves
    /// itself, then how much of the frame must be just so.
    fn evidence(&self) -> (bool, usize, usize, bool, std::cmp::Reverse<usize>) {
        let is_proven = self.dialect.messages.iter().any(|message| message.check.is_some_and(|check| check.method != Method::NotJudged));
        let drawn = self.dialect.messages.iter().map(literal_bytes).max().unwrap_or(0) + delimiters(&self.dialect.cut);
        (self.cards == 0, self.damaged, self.noise, !is_proven, std::cmp::Reverse(drawn))
    }

    /// True where the device does not say how many bits its cards have: a site must.
    #[must_use]
    pub fn wants_bits(&self) -> bool {
        self.shown.iter().any(is_of_unknown_length)
    }

    /// The numbers of bits at which a known format's checks pass on every card of unknown length.
    #[must_use]
    pub fn bit_counts(&self, catalog: &Catalog) -> Vec<u16> {
        let unknown: Vec<Vec<u8>> =
            self.shown.iter().filter(|shown| is_of_unknown_length(shown)).filter_map(|shown| from_hex(&shown.raw)).collect();
        let proves = |frame: &Vec<u8>, bits: u16| {
            let told = Told { bits: Some(bits), ..Told::default() };
            match read_frame(&self.dialect, &told, frame) {
                Some(Heard::Shown(presentation, _)) => catalog.read(*presentation).fits.iter().any(|fit| fit.checks.passed > 0),
                _ => false,
            }
        };
        let counts = 1..=u16::try_from(MAX_BITS).unwrap_or(u16::MAX);
        counts.filter(|bits| !unknown.is_empty() && unknown.iter().all(|frame| proves(frame, *bits))).collect()
    }
}

fn is_of_unknown_length(presentation: &Presentation) -> bool {
    let Presentation { bits, csn, numbers, keys, damage, .. } = presentation;
    presentation.kind != Kind::Key && bits.is_none() && csn.is_none() && numbers.is_none() && keys.is_none() && damage.is_none()
}

fn says_nothing_of_a_card(message: &Message) -> bool {
    !message.payload.names().any(super::message::is_card_part)
}

fn literal_bytes(message: &Message) -> usize {
    let len = |piece: &Piece| match piece {
        Piece::Literal(bytes) => bytes.len(),
        Piece::Masked(..) => 1,
        Piece::Part { .. } => 0,
    };
    message.payload.pieces.iter().map(len).sum()
}

const fn delimiters(cut: &Cut) -> usize {
    match cut {
        Cut::Line { .. } => 0,
        Cut::Delimited { start, end, .. } | Cut::Fixed { start, end, .. } => start.len() + end.len(),
        Cut::Counted { start, .. } => start.len() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::Protocols;

    fn listening() -> (Detector, Protocols) {
        let protocols = Protocols::built_in();
        (Detector::new(protocols.dialects.clone()), protocols)
    }

    #[test]
    fn every_dialect_is_found_by_its_own_samples() {
        let protocols = Protocols::built_in();
        for dialect in &protocols.dialects {
            use crate::decode::dialect::Reads;
            let samples = dialect.samples.iter().filter(|sample| matches!(sample.reads, Reads::As(_)) && sample.bits.is_none());
            for sample in samples {
                let mut detector = Detector::new(protocols.dialects.clone());
                detector.heard(&sample.frame, DateTime::UNIX_EPOCH);
                detector.time(DateTime::UNIX_EPOCH + chrono::Duration::seconds(60));
                let found = detector.findings();
                assert!(
                    found.iter().any(|finding| finding.dialect.id == dialect.id && finding.cards > 0),
                    "{}: {}",
                    dialect.id,
                    sample.source
                );
            }
        }
    }

    #[test]
    fn a_frame_that_proves_itself_stands_before_one_that_merely_fits() {
        let (mut detector, _) = listening();
        detector.heard(b"\x020C000621A58E\r\n\x03", DateTime::UNIX_EPOCH);
        let found = detector.findings();
        assert_eq!((found[0].dialect.id.as_str(), found[0].cards, found[0].noise), ("id12la-ascii", 1, 0));
        assert!(found.iter().skip(1).all(|other| !other.is_tied_with(found[0])));
    }

    #[test]
    fn a_damaged_frame_is_no_card_of_its_dialect() {
        let (mut detector, _) = listening();
        detector.heard(b"\x020C000621A58F\r\n\x03", DateTime::UNIX_EPOCH);
        let findings = detector.findings();
        let own = findings.iter().find(|finding| finding.dialect.id == "id12la-ascii").unwrap();
        assert_eq!((own.cards, own.damaged), (0, 1));
    }

    #[test]
    fn the_number_of_bits_is_proposed_where_the_device_does_not_tell_it_and_checks_pass() {
        let (mut detector, protocols) = listening();
        detector.heard(b"A181F440\r\n", DateTime::UNIX_EPOCH);
        let findings = detector.findings();
        let own = findings.iter().find(|finding| finding.dialect.id == "hex-line").unwrap();
        assert!(own.wants_bits());
        assert!(own.bit_counts(&protocols.catalog(&[])).contains(&26));
    }

    #[test]
    fn bytes_that_nothing_frames_find_nothing() {
        let (mut detector, _) = listening();
        detector.heard(&[0xFF, 0xE3, 0x80, 0xF1, 0xFE, 0xFC], DateTime::UNIX_EPOCH);
        assert!(detector.findings().is_empty());
    }
}
