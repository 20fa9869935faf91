//! The records of an OSDP reader in a capture: `bits 26 BD 88 EB 80 format 1 reader 0 check 16`, `keys 31 32 0D`, `text 31 32`.
//!
//! In: a card, or the rest of a line. Out: the line, or the card. Never: bits behind the count.

use nom::{
    IResult, Parser,
    bytes::complete::tag,
    character::complete::{space1, u8, u16},
    combinator::{map, opt},
    sequence::{preceded, terminated},
};

use super::text::bytes;
use crate::reader::OsdpCard;

/// A card as a record; what stands behind `bits`.
pub(super) fn words(card: &OsdpCard) -> String {
    let hex: Vec<String> = card.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let check = if card.check_bits > 0 { format!(" check {}", card.check_bits) } else { String::new() };
    format!("{} {} format {} reader {}{check}", card.length, hex.join(" "), card.format, card.reader)
}

/// Reads what follows `bits`. Without a `format`, the reader calls them Wiegand bits.
pub(super) fn card(input: &str) -> IResult<&str, OsdpCard> {
    let number = |word| map(opt(preceded((space1, tag(word), space1), u8)), Option::unwrap_or_default);
    let format = map(opt(preceded((space1, tag("format"), space1), u8)), |format| format.unwrap_or(OsdpCard::WIEGAND));
    let parts = (terminated(u16, space1), bytes, format, number("reader"), number("check"));
    map(parts, |(length, bytes, format, reader, check_bits)| OsdpCard { reader, format, length, bytes, check_bits }.masked()).parse(input)
}
