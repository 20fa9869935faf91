//! What an answer, or an ATR, yields: down through the tags to a value, and what the value is.
//!
//! In: a step's takings and the bytes. Out: what was taken, or nothing. Never: half a value; an answer that is cut off
//! yields nothing at all.

use std::ops::Range;

use nom::{
    IResult, Parser,
    bytes::complete::{take, take_while},
    combinator::rest_len,
    multi::{length_data, many0},
    number::complete::u8 as byte,
    sequence::preceded,
};

use super::script::{Step, Take, Taking};
use crate::{
    card::{Csn, Kind, PacsBits, Presentation, to_hex},
    decode::{
        dialect::Dialect,
        message::{Heard, read_frame},
    },
    reader::ReaderHints,
};

/// The bit of a tag whose value is TLVs (X.690, 8.1.2).
const CONSTRUCTED: u8 = 0x20;

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Nothing, and nothing was wanted.
    Nothing,
    /// A card, as far as this answer tells it.
    Card(Box<Presentation>),
    /// The same, of a value that is no card's own.
    Worthless(Box<Presentation>),
    /// A value for a later command.
    Kept(String, Vec<u8>),
}

/// What a step takes from its answer; none where it is not there.
#[must_use]
pub fn take_from(step: &Step, kind: Kind, answer: &[u8]) -> Option<Taken> {
    if step.takes.is_empty() {
        return Some(Taken::Nothing);
    }
    let mut worthless = None;
    for taking in &step.takes {
        let Some(value) = taking.place(answer).and_then(|place| answer.get(place)) else { continue };
        match taking.of(value, kind) {
            Some(Taken::Card(card)) if taking.worthless.iter().any(|pattern| pattern.matches(value)) => {
                worthless.get_or_insert(Taken::Worthless(card));
            }
            Some(taken) => return Some(taken),
            None => {}
        }
    }
    worthless
}

/// What stands in an ATR: its hex digits are read as a line. The way from the card is worth so many bits of a check.
#[must_use]
pub fn take_from_atr(said: &Dialect, atr: &[u8], check_bits: u8) -> Option<Presentation> {
    let mut card = payload(said, to_hex(atr).as_bytes())?;
    if card.damage.is_none() {
        card.check_bits = card.check_bits.max(check_bits);
    }
    card.raw = to_hex(atr);
    Some(card)
}

impl Taking {
    /// Where the value that is meant stands; none where the tags, or what it begins with, are not there.
    #[must_use]
    pub fn place(&self, answer: &[u8]) -> Option<Range<usize>> {
        let mut place = 0..answer.len();
        for wanted in &self.path {
            let (_, value) = tlvs(answer.get(place.clone())?)?.into_iter().find(|(tag, _)| tag == wanted)?;
            place = place.start + value.start..place.start + value.end;
        }
        let value = answer.get(place.clone())?.strip_prefix(self.begins.as_slice())?;
        let from = place.end - value.len();
        value.get(..self.bytes.unwrap_or(value.len())).map(|value| from..from + value.len())
    }

    fn of(&self, value: &[u8], kind: Kind) -> Option<Taken> {
        let kind = self.kind.unwrap_or(kind);
        let of_bits = |bits: PacsBits| Presentation { bits: Some(bits), ..Presentation::of(kind) };
        let mut card = match &self.take {
            Take::Nothing => return Some(Taken::Nothing),
            Take::Keep(name) => return Some(Taken::Kept(name.clone(), value.to_vec())),
            Take::Bytes => Presentation { csn: Some(Csn::new(value)?), ..Presentation::of(Kind::Csn) },
            Take::Bits => of_bits(bits_of(value, value.len() * 8)?),
            Take::BitString => of_bits(bit_string(value)?),
            Take::Sentinel => of_bits(behind_the_first_one(value)?),
            Take::Payload(said) => payload(said, value)?,
        };
        if card.damage.is_none() {
            card.check_bits = card.check_bits.max(self.check_bits);
        }
        Some(Taken::Card(Box::new(card)))
    }
}

/// A whole level of BER-TLVs, each as it stands: tags like PIV's 30 hold no TLVs, whatever their bits say. Zeros between
/// them are filling (ISO 7816-4, 5.2.2.2).
fn tlvs(bytes: &[u8]) -> Option<Vec<(u8, Range<usize>)>> {
    let fill = |input| take_while(|byte| byte == 0).parse(input);
    let value = |input| length_data(length).map(<[u8]>::len).parse(input);
    let ends = |input| rest_len(input).map(|(input, rest)| (input, bytes.len() - rest));
    let tlv = (tag, value, ends).map(|(tag, len, end)| (tag, end - len..end));
    let parsed: IResult<&[u8], Vec<(u8, Range<usize>)>> = many0(preceded(fill, tlv)).parse(bytes);
    let (rest, found) = parsed.ok()?;
    rest.iter().all(|byte| *byte == 0).then_some(found)
}

/// Where the values stand in bytes that are TLVs from the first to the last. Within constructed ones, and those with one of
/// these tags, stand others. None of bytes that are something else.
#[must_use]
pub fn values(bytes: &[u8], hold_others: &[u8]) -> Option<Vec<Range<usize>>> {
    let within = |(tag, value): (u8, Range<usize>)| {
        let holds_others = tag & CONSTRUCTED != 0 || hold_others.contains(&tag);
        let inner = bytes.get(value.clone()).filter(|_| holds_others).and_then(|inner| values(inner, hold_others));
        match inner {
            Some(inner) => inner.into_iter().map(|inner| value.start + inner.start..value.start + inner.end).collect(),
            None => vec![value],
        }
    };
    Some(tlvs(bytes)?.into_iter().flat_map(within).collect())
}

/// The first byte of a tag; those that follow a long one are passed over.
fn tag(input: &[u8]) -> IResult<&[u8], u8> {
    let (input, first) = byte.parse(input)?;
    if first & 0x1F != 0x1F {
        return Ok((input, first));
    }
    let (input, _) = take_while(|byte| byte & 0x80 != 0).parse(input)?;
    let (input, _) = take(1_usize).parse(input)?;
    Ok((input, first))
}

/// A BER length, also one that is longer than it need be, as OMNIKEY readers send it.
fn length(input: &[u8]) -> IResult<&[u8], usize> {
    let (input, first) = byte.parse(input)?;
    match first {
        0x81..=0x84 => {
            let (input, bytes) = take(usize::from(first & 0x7F)).parse(input)?;
            Ok((input, bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))))
        }
        0x80.. => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::LengthValue))),
        _ => Ok((input, usize::from(first))),
    }
}

fn bits_of(bytes: &[u8], len: usize) -> Option<PacsBits> {
    PacsBits::from_left_aligned(bytes, len).ok().filter(|bits| !bits.is_empty())
}

fn bit_string(value: &[u8]) -> Option<PacsBits> {
    let (unused, bytes) = value.split_first()?;
    let len = (bytes.len() * 8).checked_sub(usize::from(*unused)).filter(|_| *unused < 8)?;
    bits_of(bytes, len)
}

fn behind_the_first_one(value: &[u8]) -> Option<PacsBits> {
    let bits = value.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1));
    PacsBits::from_bits(bits.skip_while(|bit| !bit).skip(1)).ok().filter(|bits| !bits.is_empty())
}

/// What a template finds; bits whose number nobody tells, in every length they can have.
#[must_use]
pub fn payload(said: &Dialect, value: &[u8]) -> Option<Presentation> {
    let Some(Heard::Shown(mut card, _)) = read_frame(said, &ReaderHints::default(), value) else { return None };
    if card.bits.is_none() && card.numbers.is_none() && card.csn.is_none() && card.damage.is_none() {
        let parts = said.messages.iter().find_map(|message| message.payload.read(value))?;
        card.could_be = in_each_length(&parts.iter().find(|part| part.name == "bits")?.bits()?);
    }
    Some(*card)
}

/// Bits at the right of their digits, in each length that leaves none of them out.
fn in_each_length(digits: &[bool]) -> Vec<PacsBits> {
    let zeros = digits.iter().take_while(|bit| !**bit).count();
    (0..=zeros).rev().filter_map(|at| PacsBits::from_bits(digits.iter().skip(at).copied()).ok()).filter(|bits| !bits.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_look_constructed_are_taken_as_they_stand() {
        // A CHUID: 30 holds a FASC-N, which is no TLV.
        let chuid = [0x30, 0x02, 0xD4, 0xE7, 0x3E, 0x81, 0x01, 0x00, 0xFE, 0x00];
        assert_eq!(tlvs(&chuid).unwrap(), [(0x30, 2..4), (0x3E, 7..8), (0xFE, 10..10)]);
        assert_eq!(tlvs(&[0x00, 0x03, 0x01, 0xAA, 0x00, 0x00]).unwrap(), [(0x03, 3..4)]);
    }

    #[test]
    fn an_answer_that_is_cut_off_yields_nothing() {
        let whole = [0x30, 0x02, 0xD4, 0xE7, 0x34, 0x01, 0x00];
        assert!((1..whole.len()).filter(|len| *len != 4).all(|len| tlvs(&whole[..len]).is_none()));
        assert!([&[0x30, 0x80, 0x00][..], &[0x30, 0x85, 0, 0, 0, 0, 0], &[0x5F], &[0x5F, 0x81]].iter().all(|bytes| tlvs(bytes).is_none()));
    }

    #[test]
    fn bits_without_a_length_have_every_length_that_leaves_none_out() {
        let lengths: Vec<String> = in_each_length(&[false, false, true, false]).iter().map(ToString::to_string).collect();
        assert_eq!(lengths, ["{2}80", "{3}40", "{4}20"]);
    }

    #[test]
    fn behind_the_first_one_stand_the_bits() {
        assert_eq!(behind_the_first_one(&[0x00, 0x05]).unwrap().to_binary(), "01");
        assert!(behind_the_first_one(&[0x00, 0x01]).is_none() && behind_the_first_one(&[]).is_none());
    }
}
