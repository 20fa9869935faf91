//! Another frame for a frame: the same message, with another card in it.
//!
//! In: a frame and the dialect that reads it. Out: a frame of the same length that means the same. The card's place in it
//! is found by flipping one bit after the other and reading the frame again, so that nothing of how a
//! dialect lays out its frames is written here a second time. A check that was right is right, one that was wrong is wrong
//! by as much. Never: a frame that says something else than before, and never one with the real numbers.

use super::{Redaction, cards::shape, mask, random::Random};
use crate::{
    card::{Kind, Numbers, PacsBits, Presentation, Verdict},
    decode::{
        catalog::Catalog,
        dialect::{Cut, Dialect, Message},
        frame::{self, Found},
        message::{Heard, is_card_part},
        payload::{Encoding, Part},
        write,
    },
    reader::{ByteOrder, ReaderHints},
};

/// How often a part that is not the card's is drawn. If no draw leaves the meaning the same, the frame depends on it, and it stays.
const MOST_MASKS: usize = 20;
/// How often numbers are drawn. If none says the same, the frame is masked as if it were not understood.
const MOST_NUMBERS: usize = 1000;

/// How a frame is read.
#[derive(Clone, Copy)]
pub struct ReadBy<'a> {
    pub dialect: &'a Dialect,
    pub told: ReaderHints,
    /// Reads a frame of the dialect.
    pub by: fn(&Dialect, &ReaderHints, &[u8]) -> Option<Heard>,
}

/// A frame with the message that reads it.
struct KnownFrame<'a> {
    reads: ReadBy<'a>,
    message: &'a Message,
    bytes: &'a [u8],
    body: &'a [u8],
    /// Where in the body the message begins, after noise.
    begins: usize,
    parts: Vec<Part<'a>>,
    heard: Heard,
}

impl Redaction<'_> {
    /// The frame that replaces this one; `None` if no other says the same, or no message reads it.
    pub(super) fn frame(&mut self, reads: ReadBy<'_>, old: &[u8]) -> Option<Vec<u8>> {
        let name = (reads.dialect.id.clone().into_bytes(), old.to_vec());
        if let Some(known) = self.stands_for.bytes.get(&name) {
            return Some(known.clone());
        }
        let body = frame::body(&reads.dialect.cut, old);
        let frame = KnownFrame::of(reads, old, &body)?;
        let new = self.another_frame(&frame)?;
        if !frame.is_keys(&self.catalog) {
            self.stands_for.bytes.insert(name, new.clone());
        }
        Some(new)
    }

    fn another_frame(&mut self, frame: &KnownFrame<'_>) -> Option<Vec<u8>> {
        let mut body = frame.body.to_vec();
        overwrite(&mut body, 0, &mask::unknown(frame.body.get(..frame.begins)?, &self.reserved, self.random));
        for part in frame.parts.iter().filter(|part| !is_card_part(part.name)) {
            for _ in 0..MOST_MASKS {
                let mut tried = body.clone();
                overwrite(&mut tried, frame.begins + part.at, &mask::digits(part.encoding, part.text, &self.reserved, self.random));
                if frame.heard_of(&frame.framed(&tried)).as_ref() == Some(&frame.heard) {
                    body = tried;
                    break;
                }
            }
        }
        match &frame.heard {
            Heard::Talk => Some(frame.framed(&body)),
            Heard::Shown(shown, _) => match number(shown, ByteOrder::AsSent) {
                Some((kind, bits)) => self.with_bits(frame, &body, kind, bits),
                None => self.with_digits(frame, &body, shown),
            },
        }
    }

    /// Puts other bits in the place of the card's.
    fn with_bits(&mut self, frame: &KnownFrame<'_>, body: &[u8], kind: Kind, old: PacsBits) -> Option<Vec<u8>> {
        let read = |bytes: &[u8]| match frame.heard_of(bytes) {
            Some(heard) if format!("{heard:?}") == format!("{:?}", frame.heard) => number_heard(&heard).filter(|(of, _)| *of == kind),
            _ => None,
        };
        let mut digits: Vec<bool> = frame.card_digits();
        let turned = |at: usize, digits: &[bool]| {
            let turned: Vec<bool> = digits.iter().enumerate().map(|(place, bit)| *bit != (place == at)).collect();
            read(&frame.with_card(body, &turned, &old)).map(|(_, bits)| bits)
        };
        let mut places = Vec::new();
        for at in 0..digits.len() {
            match turned(at, &digits) {
                // Unused bits that may be anything are drawn.
                Some(bits) if bits == old => digits.iter_mut().skip(at).take(1).for_each(|bit| *bit ^= self.random.draw() & 1 == 1),
                bits => places.extend(bits.and_then(|bits| the_difference(&old, &bits)).map(|bit| (at, bit))),
            }
        }
        let is_written_whole = frame.parts.iter().any(|part| part.name == "bits" && part.encoding == Encoding::Dec);
        let stays = (0..old.len()).filter(|bit| !is_written_whole && !places.iter().any(|(_, place)| place == bit)).collect::<Vec<_>>();
        let written = |new: &PacsBits| {
            let mut digits = digits.clone();
            for (at, _) in places.iter().filter(|(_, bit)| new.get(*bit) != old.get(*bit)) {
                digits.iter_mut().skip(*at).take(1).for_each(|bit| *bit = !*bit);
            }
            frame.with_card(body, &digits, new)
        };
        let is_read = |new: &PacsBits| read(&written(new)).is_some_and(|(_, bits)| bits == *new);
        let new = self.card(kind, old, &stays, &is_read);
        (is_read(&new) && new != old).then(|| written(&new))
    }

    /// Puts other digits in the place of decoded numbers, of keys, and of what says that there is no card.
    fn with_digits(&mut self, frame: &KnownFrame<'_>, body: &[u8], shown: &Presentation) -> Option<Vec<u8>> {
        let of_card: Vec<&Part<'_>> = frame.parts.iter().filter(|part| is_card_part(part.name)).collect();
        let name: Vec<Vec<u8>> = of_card.iter().map(|part| part.text.to_vec()).collect();
        let required = shown.numbers.as_ref().map(|numbers| required(&self.catalog, numbers)).unwrap_or_default();
        let wanted = shape(&self.catalog.read(shown.clone()));
        let mut known = self.stands_for.numbers.get(&name).filter(|_| shown.kind != Kind::Key).cloned();
        for _ in 0..MOST_NUMBERS {
            let draw = |part: &&Part<'_>| match part.name {
                "keys" => keys(part.text, self.random),
                name if required.iter().any(|required| required == name) => part.text.to_vec(),
                _ => mask::digits(part.encoding, part.text, &self.reserved, self.random),
            };
            let texts: Vec<Vec<u8>> = known.take().unwrap_or_else(|| of_card.iter().map(draw).collect());
            let mut new = body.to_vec();
            of_card.iter().zip(&texts).for_each(|(part, text)| overwrite(&mut new, frame.begins + part.at, text));
            let new = frame.framed(&new);
            let Some(heard @ Heard::Shown(..)) = frame.heard_of(&new) else { continue };
            let says_the_same = format!("{heard:?}") == format!("{:?}", frame.heard);
            let Heard::Shown(now, _) = heard else { continue };
            if says_the_same && shape(&self.catalog.read(*now)) == wanted && (texts != name || shown.kind == Kind::Key) {
                self.stands_for.numbers.insert(name, texts);
                return Some(new);
            }
        }
        None
    }
}

impl ReadBy<'_> {
    /// What the frame says, without the raw bytes and without the details of a failed check.
    fn heard(&self, dialect: &Dialect, bytes: &[u8]) -> Option<Heard> {
        let heard = (self.by)(dialect, &self.told, bytes)?;
        let Heard::Shown(mut shown, ago) = heard else { return Some(heard) };
        shown.raw.clear();
        shown.damage.iter_mut().for_each(|damage| damage.detail.clear());
        Some(Heard::Shown(shown, ago))
    }
}

impl<'a> KnownFrame<'a> {
    fn of(reads: ReadBy<'a>, bytes: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let heard = reads.heard(reads.dialect, bytes)?;
        let only = |message: &Message| Dialect { messages: vec![message.clone()], talk: Vec::new(), ..reads.dialect.clone() };
        let is_it = |message: &&Message| reads.heard(&only(message), bytes).as_ref() == Some(&heard);
        let message = reads.dialect.messages.iter().find(is_it)?;
        let read = |at: usize| Some((at, message.payload.read(body.get(at..)?)?));
        let (begins, parts) = (0..body.len()).find_map(read)?;
        Some(Self { reads, message, bytes, body, begins, parts, heard })
    }

    /// A key, or what a keypad has sent.
    fn is_keys(&self, catalog: &Catalog) -> bool {
        matches!(&self.heard, Heard::Shown(shown, _) if catalog.read((**shown).clone()).verdict == Verdict::Keypad)
    }

    /// What other bytes say, if they are one frame as these are.
    fn heard_of(&self, bytes: &[u8]) -> Option<Heard> {
        let dialect = self.reads.dialect;
        let known = |frame: &[u8]| self.reads.heard(dialect, frame).is_some();
        let cut = |bytes: &[u8]| -> Found { frame::next(&dialect.cut, bytes, dialect.longest, true, known) };
        if bytes.len() != self.bytes.len() || cut(bytes) != cut(self.bytes) {
            return None;
        }
        self.reads.heard(dialect, bytes)
    }

    /// The digits of the card, as bits.
    fn card_digits(&self) -> Vec<bool> {
        self.of_card().filter_map(|part| part.bits()).flatten().collect()
    }

    fn of_card(&self) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(|part| matches!(part.name, "id" | "bits"))
    }

    /// The frame of a body with these digits for the card's; where it is written as a decimal number, the whole number.
    fn with_card(&self, body: &[u8], digits: &[bool], card: &PacsBits) -> Vec<u8> {
        let (mut body, mut rest) = (body.to_vec(), digits);
        for part in self.of_card() {
            let Some((own, others)) = part.bits().and_then(|bits| rest.split_at_checked(bits.len())) else { continue };
            overwrite(&mut body, self.begins + part.at, &write::digits(part, own));
            rest = others;
        }
        for part in self.parts.iter().filter(|part| matches!(part.name, "bits" | "same") && part.encoding == Encoding::Dec) {
            let bits = self.parts.iter().find(|bits| part.name == "same" && bits.name == "bits");
            let again = bits.and_then(|bits| {
                let at = self.begins + bits.at;
                Part { text: body.get(at..at + bits.text.len())?, ..bits.clone() }.number()
            });
            let number = again.map_or_else(|| card.number(0, card.len()), u128::from);
            overwrite(&mut body, self.begins + part.at, format!("{number:0width$}", width = part.text.len()).as_bytes());
        }
        self.framed(&body)
    }

    /// The frame of a body of as many bytes; a line ends as the old one did.
    fn framed(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        if let Some(own) = self.parts.iter().find(|part| part.name == "check") {
            let at = self.begins + own.at;
            let right = |body: &[u8]| write::check(self.reads.dialect, self.message, body, at);
            if let (Some(before), Some(now), Some(received)) = (right(self.body), right(&body), own.bytes()) {
                let as_wrong: Vec<u8> =
                    now.iter().zip(before).zip(received).map(|((now, before), received)| now ^ before ^ received).collect();
                overwrite(&mut body, at, &write::bytes(own, &as_wrong).unwrap_or_default());
            }
        }
        match &self.reads.dialect.cut {
            Cut::Line { .. } => [&body, self.bytes.get(body.len()..).unwrap_or_default()].concat(),
            cut => write::frame(cut, self.message, &body),
        }
    }
}

/// The number that identifies a presentation, with its bytes in this order.
pub fn number(shown: &Presentation, order: ByteOrder) -> Option<(Kind, PacsBits)> {
    match (&shown.csn, shown.bits) {
        (Some(csn), _) if shown.kind == Kind::Csn => {
            let bytes = crate::decode::message::ordered(csn.bytes().to_vec(), order);
            Some((Kind::Csn, PacsBits::from_left_aligned(&bytes, bytes.len() * 8).ok()?))
        }
        (_, bits) => Some((shown.kind, bits?)),
    }
}

/// The one bit in which the two differ.
pub fn the_difference(old: &PacsBits, new: &PacsBits) -> Option<usize> {
    let mut differences = (0..old.len()).filter(|at| old.get(*at) != new.get(*at));
    differences.next().filter(|_| old.len() == new.len() && differences.next().is_none())
}

pub fn overwrite(bytes: &mut [u8], at: usize, text: &[u8]) {
    bytes.iter_mut().skip(at).zip(text).for_each(|(byte, new)| *byte = *new);
}

fn number_heard(heard: &Heard) -> Option<(Kind, PacsBits)> {
    if let Heard::Shown(shown, _) = heard { number(shown, ByteOrder::AsSent) } else { None }
}

/// The names of numbers for which a format that has these numbers allows one value only.
fn required(catalog: &Catalog, numbers: &Numbers) -> Vec<String> {
    let read = catalog.read(Presentation { numbers: Some(numbers.clone()), ..Presentation::of(Kind::Number) });
    let formats = read.fits.iter().filter_map(|fit| catalog.find(&fit.format));
    formats.flat_map(|format| format.fields.iter()).filter(|field| field.required.is_some()).map(|field| field.name.to_string()).collect()
}

/// Other digits for typed digits, each one different; keys that are no digits (enter, clear) stay.
pub fn keys(old: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let key = |byte: &u8| match byte {
        0..=9 => (byte + random.between(1..=9)) % 10,
        b'0'..=b'9' => b'0' + (byte - b'0' + random.between(1..=9)) % 10,
        byte => *byte,
    };
    old.iter().map(key).collect()
}
