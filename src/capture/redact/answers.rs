//! Another card's answers for a smart card's: what the scripts take from them is another card's, what nobody takes is
//! masked.
//!
//! In: the commands and answers of a capture. Out: answers of the same length, with the same status words and the same
//! TLV structure. Never: a serial number or a card's bits, wherever in an answer they stand.

use std::{ops::Range, sync::Arc};

use super::{Random, cards::Cards, mask::Masks};
use crate::{
    card::{Csn, Kind, PacsBits, from_hex, to_hex},
    decode::message::{is_card_part, ordered},
    reader::{ByteOrder, ReaderHints},
    smartcard::{
        apdu::Response,
        script::{Script, Take},
    },
};

/// Shorter sequences stand everywhere by chance.
const A_NUMBER: usize = 3;
/// Get data, PC/SC part 3: its answer is a serial number and no TLV.
const GET_DATA: [u8; 2] = [0xFF, 0xCA];

/// The conversation with a card, as far as it has been heard.
pub struct Answers<'a> {
    scripts: &'a [Arc<Script>],
    told: ReaderHints,
    /// What was asked first, and the answer so far with the record that each of its bytes stands in.
    asked: Vec<u8>,
    collected: Vec<u8>,
    places: Vec<(usize, usize)>,
    /// Real numbers, and what stands for them.
    known: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A byte of an answer: its record, its place there, what stands there now.
pub type Change = (usize, usize, u8);

impl<'a> Answers<'a> {
    /// No card has been asked yet.
    #[must_use]
    pub const fn new(scripts: &'a [Arc<Script>], told: ReaderHints) -> Self {
        Self { scripts, told, asked: Vec::new(), collected: Vec::new(), places: Vec::new(), known: Vec::new() }
    }

    /// A command: the rest of an answer is asked for, or something new.
    pub fn asked(&mut self, command: &[u8]) {
        let is_rest = command.starts_with(&[0x00, 0xC0]) && !self.collected.is_empty();
        if !is_rest {
            self.asked = command.to_vec();
            self.collected.clear();
            self.places.clear();
        }
    }

    /// An answer; what is to stand there instead, once all of it is there.
    pub fn answered(&mut self, record: usize, answer: &[u8], cards: &mut Cards, masks: &mut Masks, random: &mut dyn Random) -> Vec<Change> {
        let (data, status) = Response::parse(answer).map_or((answer, 0), |response| (response.data, response.status));
        self.collected.extend_from_slice(data);
        self.places.extend((0..data.len()).map(|at| (record, at)));
        if status >> 8 == 0x61 {
            // Masked as it is for now: if the rest never comes, nothing of it is left.
            let masked = masks.bytes(data, random);
            return masked.into_iter().enumerate().map(|(at, byte)| (record, at, byte)).collect();
        }
        let new = self.replaced(status, cards, masks, random);
        let changes = self.places.iter().zip(new).map(|((record, at), byte)| (*record, *at, byte)).collect();
        self.collected.clear();
        self.places.clear();
        changes
    }

    /// Bytes in which numbers that are known by now may stand.
    #[must_use]
    pub fn overlaid(&self, bytes: &[u8]) -> Vec<u8> {
        let mut new = bytes.to_vec();
        for (real, other) in &self.known {
            for at in places_of(real, bytes) {
                new.iter_mut().skip(at).zip(other).for_each(|(byte, other)| *byte = *other);
            }
        }
        new
    }

    fn replaced(&mut self, status: u16, cards: &mut Cards, masks: &mut Masks, random: &mut dyn Random) -> Vec<u8> {
        let data = self.collected.clone();
        let mut kept = vec![false; data.len()];
        let mut keep = |range: Range<usize>| kept.iter_mut().skip(range.start).take(range.len()).for_each(|kept| *kept = true);
        if !self.asked.starts_with(&GET_DATA) {
            structure(&data, 0..data.len()).unwrap_or_default().into_iter().for_each(&mut keep);
        }
        let mut taken = Vec::new();
        for (script, step) in self.scripts.iter().flat_map(|script| script.steps.iter().map(move |step| (script, step))) {
            if step.want != status || !step.may_say(&self.asked) {
                continue;
            }
            for taking in &step.takes {
                let Some((headers, value)) = walk(&taking.path, &data) else { continue };
                headers.into_iter().for_each(&mut keep);
                let begins = value.start + taking.begins.len();
                let ends = taking.bytes.map_or(value.end, |bytes| value.end.min(begins + bytes));
                if begins >= ends || !data.get(value.start..).is_some_and(|rest| rest.starts_with(&taking.begins)) {
                    continue;
                }
                keep(value.start..begins);
                let of_many = data.get(begins..ends).is_some_and(|value| taking.worthless.iter().any(|pattern| pattern.matches(value)));
                match taking.take {
                    // What a later command repeats, and what many cards share, is no number of this card.
                    Take::Keep(_) => keep(begins..ends),
                    _ if of_many => keep(begins..ends),
                    _ => taken.push((taking.kind.unwrap_or(script.kind), taking.take.clone(), begins..ends)),
                }
            }
        }
        let mut values = Vec::new();
        for (kind, take, range) in taken {
            let value = data.get(range.clone()).unwrap_or_default();
            let new = if matches!(take, Take::Payload(_)) {
                Some(masks.text(value, random))
            } else {
                self.another(kind, &take, value, cards, random)
            };
            values.extend(new.map(|new| (range, new)));
        }
        cards.settle();
        let leaves: Vec<u8> = data.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(byte, _)| *byte).collect();
        let mut masked = masks.bytes(&leaves, random).into_iter();
        let mut new: Vec<u8> =
            data.iter().zip(&kept).map(|(byte, kept)| if *kept { *byte } else { masked.next().unwrap_or(*byte) }).collect();
        for (real, other) in &self.known {
            for at in places_of(real, &data) {
                new.iter_mut().skip(at).zip(other).for_each(|(byte, other)| *byte = *other);
            }
        }
        for (range, value) in values {
            new.iter_mut().skip(range.start).zip(value).for_each(|(byte, value)| *byte = value);
        }
        new
    }

    /// Other bits behind the first 1, and how many bits stand before them.
    fn behind_the_first_one(&self, kind: Kind, value: &[u8], cards: &mut Cards, random: &mut dyn Random) -> Option<(PacsBits, usize)> {
        let bits: Vec<bool> = PacsBits::from_left_aligned(value, value.len() * 8).ok()?.iter().collect();
        let spare = bits.iter().position(|bit| *bit)? + 1;
        let old = PacsBits::from_bits(bits.into_iter().skip(spare)).ok()?;
        Some((cards.bits(kind, old, 0, random), spare))
    }

    /// What stands for a value that a script takes.
    fn another(&mut self, kind: Kind, take: &Take, value: &[u8], cards: &mut Cards, random: &mut dyn Random) -> Option<Vec<u8>> {
        let new = match take {
            Take::Nothing | Take::Keep(_) | Take::Payload(_) => return None,
            Take::Bits => cards.bits(kind, PacsBits::from_left_aligned(value, value.len() * 8).ok()?, 0, random).to_bytes(),
            Take::Sentinel => {
                let (new, spare) = self.behind_the_first_one(kind, value, cards, random)?;
                let sentinel = std::iter::repeat_n(false, spare - 1).chain([true]);
                PacsBits::from_bits(sentinel.chain(new.iter())).ok()?.to_bytes()
            }
            Take::Bytes => {
                let order = self.told.byte_order;
                let csn = cards.csn(&Csn::new(&ordered(value.to_vec(), order))?, random)?;
                ordered(csn.bytes().to_vec(), order)
            }
            Take::BitString => {
                let (unused, bytes) = value.split_first()?;
                let len = (bytes.len() * 8).checked_sub(usize::from(*unused)).filter(|_| *unused < 8)?;
                let old = PacsBits::from_left_aligned(bytes, len).ok()?;
                let mut new = cards.bits(kind, old, 0, random).to_bytes();
                if let (Some(last), Some(before)) = (new.last_mut(), bytes.last()) {
                    let spare = (1_u16 << unused) as u8;
                    *last |= if before % spare.max(1) == 0 { 0 } else { random.between(0..=spare.saturating_sub(1)) };
                }
                [vec![*unused], new].concat()
            }
        };
        let (old, other) = if matches!(take, Take::BitString) { (value.get(1..)?, new.get(1..)?) } else { (value, new.as_slice()) };
        if old.len() >= A_NUMBER && !self.known.iter().any(|(real, _)| real == old) {
            self.known.push((old.to_vec(), other.to_vec()));
            let turned = |bytes: &[u8]| ordered(bytes.to_vec(), ByteOrder::Reversed);
            self.known.push((turned(old), turned(other)));
        }
        Some(new)
    }
}

/// An ATR in which a reader has put a card's number, with another number; any other ATR as it is.
#[must_use]
pub fn atr(scripts: &[Arc<Script>], atr: &[u8], masks: &mut Masks, random: &mut dyn Random) -> Vec<u8> {
    let text = to_hex(atr).into_bytes();
    let messages = scripts.iter().filter_map(|script| script.atr.as_ref()).flat_map(|said| &said.messages);
    let Some((message, parts)) = messages.filter_map(|message| Some((message, message.payload.read(&text)?))).next() else {
        return atr.to_vec();
    };
    let mut new = text.clone();
    for part in parts.iter().filter(|part| is_card_part(part.name)) {
        let digits = masks.digits(part.encoding, part.text, random);
        new.iter_mut().skip(part.at).zip(digits).for_each(|(old, new)| *old = new);
    }
    let mut bytes = String::from_utf8(new).ok().and_then(|text| from_hex(&text)).unwrap_or_default();
    // The check byte of an ATR (ISO 7816-3, 8.2.5).
    if let (Some((last, rest)), Some(_)) = (bytes.split_last_mut(), message.check) {
        *last = rest.iter().skip(1).fold(0, |check, byte| check ^ byte);
    }
    bytes
}

fn places_of(wanted: &[u8], bytes: &[u8]) -> Vec<usize> {
    bytes.windows(wanted.len().max(1)).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect()
}

/// A TLV: its header, its value, whether it is constructed, its first byte.
struct Tlv {
    header: Range<usize>,
    value: Range<usize>,
    tag: u8,
}

/// The TLVs that fill a range; none where something else does.
fn tlvs(data: &[u8], range: Range<usize>) -> Option<Vec<Tlv>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let tag = *data.get(at)?;
        let mut next = at + 1;
        if tag & 0x1F == 0x1F {
            while data.get(next)? & 0x80 != 0 {
                next += 1;
            }
            next += 1;
        }
        let first = *data.get(next)?;
        next += 1;
        let len = match first {
            0..=0x7F => usize::from(first),
            0x81..=0x83 => {
                let bytes = data.get(next..next + usize::from(first & 0x7F))?;
                next += bytes.len();
                bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte))
            }
            _ => return None,
        };
        let end = next.checked_add(len).filter(|end| *end <= range.end)?;
        found.push(Tlv { header: at..next, value: next..end, tag });
        at = end;
    }
    Some(found)
}

/// The headers of all TLVs in a range that is filled with them.
fn structure(data: &[u8], range: Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut headers = Vec::new();
    for tlv in tlvs(data, range)? {
        headers.push(tlv.header);
        if tlv.tag & 0x20 != 0 {
            headers.extend(structure(data, tlv.value).unwrap_or_default());
        }
    }
    Some(headers)
}

/// Goes down through the tags: the headers on the way, and the last value.
fn walk(path: &[u8], data: &[u8]) -> Option<(Vec<Range<usize>>, Range<usize>)> {
    let (mut headers, mut range) = (Vec::new(), 0..data.len());
    for tag in path {
        let level = tlvs(data, range)?;
        headers.extend(level.iter().map(|tlv| tlv.header.clone()));
        range = level.into_iter().find(|tlv| tlv.tag == *tag)?.value;
    }
    Some((headers, range))
}
