//! Which dialect a serial reader speaks: every known one listens to the same bytes.
//!
//! In: bytes and times, as they came from one line. Out: for each dialect what it made of them, those with the
//! least mismatch first. Never: a choice; where the mismatch is the same, it is a tie, and it is shown as one.

use std::{cmp::Reverse, sync::Arc};

use chrono::{DateTime, Utc};

mod bitcount;

pub use bitcount::BitCounts;

use super::{
    catalog::Catalog,
    check::Method,
    dialect::{Cut, Dialect, Message},
    frame,
    line::{Input, Line, Output},
    payload::Piece,
};
use crate::{
    card::{Kind, Presentation, from_hex},
    reader::{LineSettings, ReaderHints},
};

/// How many cards of each dialect are kept; all are counted.
const KEPT_CARDS: usize = 16;

/// Every dialect with what it made of the bytes so far.
#[derive(Debug, Clone)]
pub struct Detector {
    listeners: Vec<Listener>,
}

/// What one dialect made of the bytes.
#[derive(Debug, Clone)]
pub struct Listener {
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

/// What speaks against a dialect: less is better. If two have the same, the bytes do not tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mismatch {
    no_card: bool,
    damaged: usize,
    noise: usize,
    /// Whether frames prove themselves, and whether the cards in them do.
    unproven: u8,
    /// The dialect's readers are set otherwise when they come from their maker.
    otherwise_set: bool,
    /// How much of a frame must be just so.
    drawn: Reverse<usize>,
}

impl Detector {
    /// Nothing has been heard yet.
    #[must_use]
    pub fn new(dialects: impl IntoIterator<Item = Arc<Dialect>>) -> Self {
        Self { listeners: dialects.into_iter().map(Listener::new).collect() }
    }

    /// Bytes came.
    pub fn heard(&mut self, bytes: &[u8], now: DateTime<Utc>) {
        for listener in &mut self.listeners {
            listener.heard += bytes.len();
            let output = listener.line.handle(Input::Bytes(bytes), now);
            listener.add(output);
        }
    }

    /// Time passed: silence ends lines that have no other end.
    pub fn time(&mut self, now: DateTime<Utc>) {
        for listener in &mut self.listeners {
            let output = listener.line.handle(Input::Time, now);
            listener.add(output);
        }
    }

    /// The dialects that understood something, those with the least mismatch first.
    #[must_use]
    pub fn listeners(&self, at: &LineSettings, catalog: &Catalog) -> Vec<(Mismatch, &Listener)> {
        let understood = self.listeners.iter().filter(|listener| listener.understood());
        let mut listeners: Vec<(Mismatch, &Listener)> = understood.map(|listener| (listener.mismatch(at, catalog), listener)).collect();
        listeners.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.dialect.id.cmp(&other.dialect.id)));
        listeners
    }

    /// True where some dialect understood something.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.listeners.iter().any(Listener::understood)
    }

    /// How many cards the dialect that read the most has read.
    #[must_use]
    pub fn cards(&self) -> usize {
        self.listeners.iter().map(|listener| listener.cards).max().unwrap_or(0)
    }
}

impl Listener {
    fn new(dialect: Arc<Dialect>) -> Self {
        let line = Line::new(dialect.clone(), ReaderHints::default()).impatient();
        Self { dialect, shown: Vec::new(), cards: 0, damaged: 0, noise: 0, heard: 0, line }
    }

    fn add(&mut self, output: Output) {
        self.noise += output.noise;
        for presentation in output.presentations {
            let frame = from_hex(&presentation.raw).unwrap_or_default();
            let passed_over = passed_over(&self.dialect, &frame);
            if passed_over.iter().any(u8::is_ascii_graphic) {
                // At a configured reader a line may begin with noise; here it would be another dialect's text.
                self.noise += frame.len();
                continue;
            }
            self.noise += passed_over.len();
            match presentation.damage {
                Some(_) => self.damaged += 1,
                None => self.cards += 1,
            }
            if self.shown.len() < KEPT_CARDS {
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
        let knows_talk = !self.dialect.talk.is_empty() || self.dialect.messages.iter().any(is_plain_talk);
        self.cards + self.damaged == 0 && self.noise == 0 && self.heard > usize::from(is_line) && knows_talk && !self.line_is_waiting()
    }

    /// True where bytes of half a frame are still kept back.
    fn line_is_waiting(&self) -> bool {
        let mut line = self.line.clone();
        line.handle(Input::Time, DateTime::<Utc>::MAX_UTC - chrono::Duration::days(1)).noise > 0
    }

    /// What the bytes say for the dialect.
    fn mismatch(&self, at: &LineSettings, catalog: &Catalog) -> Mismatch {
        let messages = &self.dialect.messages;
        let frame_proves = messages.iter().any(|message| message.check.is_some_and(|check| check.method != Method::NotJudged));
        let proves = |shown: &Presentation| catalog.read(shown.clone()).fits.iter().any(|fit| fit.checks.passed > 0);
        let mut cards = self.shown.iter().filter(|shown| shown.damage.is_none()).peekable();
        let cards_prove = cards.peek().is_some() && cards.all(proves);
        let drawn = messages.iter().map(literal_bytes).max().unwrap_or(0) + delimiters(&self.dialect.cut);
        Mismatch {
            no_card: self.cards == 0,
            damaged: self.damaged,
            noise: self.noise,
            unproven: u8::from(!frame_proves) * 2 + u8::from(!cards_prove),
            otherwise_set: *at != self.dialect.line,
            drawn: Reverse(drawn),
        }
    }

    /// True where the device does not say how many bits its cards have: a site must.
    #[must_use]
    pub fn wants_bits(&self) -> bool {
        self.shown.iter().any(is_of_unknown_length)
    }

    /// The numbers of bits at which a known format's checks pass on every card of unknown length, and how sure that is.
    #[must_use]
    pub fn bit_counts(&self, catalog: &Catalog) -> BitCounts {
        let mut unknown: Vec<Vec<u8>> =
            self.shown.iter().filter(|shown| is_of_unknown_length(shown)).filter_map(|shown| from_hex(&shown.raw)).collect();
        unknown.sort();
        unknown.dedup();
        bitcount::of(&self.dialect, &unknown, catalog)
    }
}

fn is_of_unknown_length(presentation: &Presentation) -> bool {
    let Presentation { bits, csn, numbers, keys, damage, .. } = presentation;
    presentation.kind != Kind::Key && bits.is_none() && csn.is_none() && numbers.is_none() && keys.is_none() && damage.is_none()
}

/// The bytes of a line before what its message reads.
fn passed_over(dialect: &Dialect, frame: &[u8]) -> Vec<u8> {
    let body = frame::body(&dialect.cut, frame);
    let reads =
        |at: &usize| body.get(*at..).is_some_and(|rest| dialect.messages.iter().any(|message| message.payload.read(rest).is_some()));
    let begins = (0..body.len()).find(reads).unwrap_or(0);
    body.get(..begins).unwrap_or_default().to_vec()
}

/// Talk that is drawn so plainly that other readers' words are not taken for it.
fn is_plain_talk(message: &Message) -> bool {
    let names_a_card = message.payload.names().any(super::message::is_card_part);
    !names_a_card && (message.check.is_some() || literal_bytes(message) > 0)
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
    use crate::{decode::dialect::Reads, protocols::Protocols};

    const LINE: LineSettings = LineSettings::EIGHT_N_ONE;

    /// The dialects that understand the bytes, with how many cards they read, how many damaged ones, and the noise.
    fn heard(bytes: &[u8]) -> Vec<(String, usize, usize, usize)> {
        let protocols = Protocols::built_in();
        let detector = listening(&protocols, bytes);
        let found = detector.listeners(&LINE, &protocols.catalog(&[]));
        found.iter().map(|(_, listener)| (listener.dialect.id.clone(), listener.cards, listener.damaged, listener.noise)).collect()
    }

    fn listening(protocols: &Protocols, bytes: &[u8]) -> Detector {
        let mut detector = Detector::new(protocols.dialects.clone());
        detector.heard(bytes, DateTime::UNIX_EPOCH);
        detector.time(DateTime::UNIX_EPOCH + chrono::Duration::seconds(60));
        detector
    }

    #[test]
    fn every_dialect_is_found_by_its_own_samples() {
        let protocols = Protocols::built_in();
        for dialect in &protocols.dialects {
            let samples = dialect.samples.iter().filter(|sample| matches!(sample.reads, Reads::As(_)) && sample.bits.is_none());
            for sample in samples {
                let found = heard(&sample.frame);
                assert!(found.iter().any(|(id, cards, ..)| *id == dialect.id && *cards > 0), "{}: {}", dialect.id, sample.source);
            }
        }
    }

    #[test]
    fn a_frame_that_proves_itself_stands_before_one_that_merely_fits() {
        assert_eq!(heard(b"\x020C000621A58E\r\n\x03")[0], ("id12la-ascii".to_owned(), 1, 0, 0));
        // Nothing in the frame proves it; the parities of the card do.
        assert_eq!(heard(b"1ABD88EB80\r")[0], ("twn3-hidprox".to_owned(), 1, 0, 0));
    }

    #[test]
    fn a_damaged_frame_is_no_card_of_its_dialect() {
        let found = heard(b"\x020C000621A58F\r\n\x03");
        assert_eq!(found.iter().find(|(id, ..)| id == "id12la-ascii"), Some(&("id12la-ascii".to_owned(), 0, 1, 0)));
    }

    #[test]
    fn the_number_of_bits_is_proposed_where_the_device_does_not_tell_it_and_checks_pass() {
        let protocols = Protocols::built_in();
        let detector = listening(&protocols, b"A181F440\r\n");
        let catalog = protocols.catalog(&[]);
        let listeners = detector.listeners(&LINE, &catalog);
        let (_, own) = listeners.iter().find(|(_, listener)| listener.dialect.id == "hex-line").unwrap();
        assert!(own.wants_bits());
        let counts = own.bit_counts(&catalog);
        assert!(counts.counts.contains(&26));
        assert_eq!((counts.only(), counts.is_sure()), (None, false), "one card is not enough: {counts:?}");
    }

    #[test]
    fn the_number_of_bits_is_sure_once_enough_different_cards_pass_at_no_other() {
        let protocols = Protocols::built_in();
        let catalog = protocols.catalog(&[]);
        let card = |format: &str, number: u128| {
            let format = &protocols.formats.iter().find(|known| &*known.format.id == format).unwrap().format;
            let mut credential = crate::card::Credential::default();
            credential.set("facility_code", number * 167 % 251 + 1);
            credential.set("card_number", number * number * 40_503 % 65_521);
            format!("{}\r\n", crate::card::to_hex(&format.encode(&credential).unwrap().to_bytes()))
        };
        let of = |lines: &str| {
            let detector = listening(&protocols, lines.as_bytes());
            let listeners = detector.listeners(&LINE, &catalog);
            let (_, own) = listeners.iter().find(|(_, listener)| listener.dialect.id == "hex-line").unwrap();
            own.bit_counts(&catalog)
        };
        let cards = |format: &str, cards: u128| of(&(1..=cards).map(|number| card(format, number)).collect::<String>());
        let few = cards("hid-corporate-1000-48", 2);
        assert!(!few.is_sure() && few.more.is_some(), "{few:?}");
        let many = cards("hid-corporate-1000-48", 16);
        assert_eq!((many.only(), many.more), (Some(48), Some(0)), "{many:?}");
        // The same card again and again says nothing new.
        assert!(!of(&card("hid-corporate-1000-48", 1).repeat(16)).is_sure());
        // 26 bits with four zeros behind them pass the checks of a format of 30 bits, on however many cards.
        let two = cards("hid-h10301", 16);
        assert_eq!((two.only(), two.more, two.counts.contains(&26)), (None, None, true), "{two:?}");
    }

    #[test]
    fn bits_behind_a_marker_are_never_advised_as_a_longer_card() {
        let protocols = Protocols::built_in();
        let catalog = protocols.catalog(&[]);
        // Cards of a HID reader (stackoverflow 8591465), as its frames and as bare digits.
        let detector = listening(&protocols, b"00000602031C27\r\n00000602031F2A\r\n");
        let listeners = detector.listeners(&LINE, &catalog);
        let (_, own) = listeners.iter().find(|(_, listener)| listener.dialect.id == "hid-maxiprox").unwrap();
        let counts = own.bit_counts(&catalog);
        assert_eq!((counts.only(), counts.is_sure()), (Some(26), true), "{counts:?}");
        let detector = listening(&protocols, b"000602031C\r\n000602031F\r\n");
        let listeners = detector.listeners(&LINE, &catalog);
        for (_, listener) in listeners.iter().filter(|(_, listener)| listener.dialect.id.starts_with("hex-")) {
            let counts = listener.bit_counts(&catalog);
            assert_eq!((counts.marked, counts.is_sure()), (Some(26), false), "{}: {counts:?}", listener.dialect.id);
        }
    }

    #[test]
    fn dialects_that_the_bytes_do_not_tell_apart_have_the_same_evidence() {
        let protocols = Protocols::built_in();
        let detector = listening(&protocols, b"A181F440\r\n");
        let listeners = detector.listeners(&LINE, &protocols.catalog(&[]));
        let mismatch = |id: &str| listeners.iter().find(|(_, listener)| listener.dialect.id == id).map(|(mismatch, _)| *mismatch);
        assert!(mismatch("hex-line").is_some() && mismatch("hex-line") == mismatch("hex-number-line"));
    }

    #[test]
    fn bytes_that_nothing_frames_find_nothing() {
        assert_eq!(heard(&[0xFF, 0xE3, 0x80, 0xF1, 0xFE, 0xFC]), []);
        // The digits at the end of another dialect's text are no card of one that sends digits only.
        assert_eq!(heard(b"W26:123:04567\r\n"), []);
    }
}
