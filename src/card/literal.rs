//! Literals: how frames, serial numbers and EM4100 IDs are written in command lines, files and tests.
//!
//! In: one word of text. Out: a value, or an error with the place and what was expected. The notations:
//! `{26}BD88EB80` (length, left-aligned hex) · `0101…` (bits in transmission order) · `26#2F623AE` (length, right-aligned
//! hex) · `csn:04A2B3C4` (bytes as the card sends them) · `em4100:0C000621A5`.

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_while},
    character::complete::{char, digit1},
    combinator::rest,
    sequence::{delimited, preceded, terminated},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{BitsError, Csn, Kind, MAX_BITS, PacsBits};

/// What a literal stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Wiegand bits.
    Bits(PacsBits),
    /// A card serial number.
    Csn(Csn),
    /// A 40-bit EM4100 ID.
    Em4100(PacsBits),
}

/// Why a word is not a literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// Nothing there.
    #[error("the literal is empty")]
    Empty,
    /// Longer than any literal.
    #[error("the literal is longer than {0} characters")]
    TooLong(usize),
    /// A character that does not belong there.
    #[error("character {at} of the literal is {found:?}; expected {expected}")]
    Unexpected {
        /// The character's place, counted from 1.
        at: usize,
        /// The character found.
        found: char,
        /// What may stand there.
        expected: &'static str,
    },
    /// The text ends too early.
    #[error("the literal ends too early; expected {0}")]
    Incomplete(&'static str),
    /// Fewer hex digits than the length needs.
    #[error("{len} bits need {need} hex digits, and only {have} are there")]
    MissingDigit {
        /// The length in bits.
        len: usize,
        /// The digits it takes.
        need: usize,
        /// The digits given.
        have: usize,
    },
    /// The digits do not make a frame of that length.
    #[error(transparent)]
    Bits(#[from] BitsError),
    /// They do where they are aligned on the other side.
    #[error("{wrong}; or did you mean {instead}?")]
    OtherSide {
        /// What is wrong with them as they stand.
        wrong: BitsError,
        /// The literal that they make there.
        instead: String,
    },
    /// An EM4100 ID has 10 hex digits.
    #[error("an EM4100 ID has 10 hex digits, and {0} are there")]
    Em4100Length(usize),
    /// A serial number is a whole number of bytes, 1 to 32.
    #[error("a card serial number has 1 to 32 bytes of two hex digits, and {0} digits are there")]
    CsnLength(usize),
}

impl LiteralError {
    /// How to write it.
    pub const HELP: &'static str = "write bits as {26}BD88EB80 (length, left-aligned hex), as 0 and 1, or as 26#2F623AE (length, \
                                    right-aligned hex); a serial number as csn:04A2B3C4; an EM4100 ID as em4100:0C000621A5";
}

impl Literal {
    /// The literal of these bits as a thing of this kind; none where no literal stands for such a thing.
    #[must_use]
    pub fn of(kind: Kind, bits: &PacsBits) -> Option<Self> {
        match kind {
            Kind::Wiegand => Some(Self::Bits(*bits)),
            Kind::Em4100 if bits.len() == 40 => Some(Self::Em4100(*bits)),
            Kind::Csn if bits.len().is_multiple_of(8) => Csn::new(&bits.to_bytes()).map(Self::Csn),
            _ => None,
        }
    }

    /// The kind of thing it stands for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Bits(_) => Kind::Wiegand,
            Self::Csn(_) => Kind::Csn,
            Self::Em4100(_) => Kind::Em4100,
        }
    }

    /// The bits that formats of this kind are laid over.
    #[must_use]
    pub fn bits(&self) -> PacsBits {
        match self {
            Self::Bits(bits) | Self::Em4100(bits) => *bits,
            Self::Csn(csn) => csn.bits(),
        }
    }
}

impl FromStr for Literal {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        match text.chars().next() {
            None => Err(LiteralError::Empty),
            Some('{') => left_aligned(text).map(Self::Bits),
            Some('c' | 'C') => serial_number(text).map(Self::Csn),
            Some('e' | 'E') => em4100(text).map(Self::Em4100),
            Some('0'..='9') if text.contains('#') => right_aligned(text).map(Self::Bits),
            _ => binary(text).map(Self::Bits),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits(bits) => write!(f, "{bits}"),
            Self::Csn(csn) => write!(f, "csn:{csn}"),
            Self::Em4100(bits) => {
                f.write_str("em4100:")?;
                bits.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
    }
}

impl FromStr for PacsBits {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        text.parse::<Literal>().map(|literal| literal.bits())
    }
}

impl Serialize for PacsBits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.literal()).unwrap_or_default())
    }
}

impl PartialSchema for PacsBits {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).description(Some("A bit string")).examples(["{26}BD88EB80"]).into()
    }
}

impl ToSchema for PacsBits {}

impl<'de> Deserialize<'de> for PacsBits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Csn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Csn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serial_number(&format!("csn:{text}")).map_err(D::Error::custom)
    }
}

fn left_aligned(text: &str) -> Result<PacsBits, LiteralError> {
    let grammar = (delimited(char('{'), digit1, char('}')), rest);
    let (len, digits) = read(text, grammar, "{LENGTH} and hex digits, as in {26}BD88EB80")?;
    let len = length(len)?;
    let digits = hex(text, digits)?;
    let need = len.div_ceil(4);
    if digits.len() < need {
        return Err(LiteralError::MissingDigit { len, need, have: digits.len() });
    }
    PacsBits::from_left_aligned_exact(&packed(digits, Side::Left), len).map_err(|wrong| {
        let is_number = PacsBits::from_right_aligned(&packed(digits, Side::Right), len).is_ok();
        other_side(wrong, is_number.then(|| format!("{len}#{digits}")))
    })
}

/// What is wrong, with the literal that the same digits make on the other side, where they make one.
fn other_side(wrong: BitsError, instead: Option<String>) -> LiteralError {
    match instead {
        Some(instead) => LiteralError::OtherSide { wrong, instead },
        None => wrong.into(),
    }
}

fn right_aligned(text: &str) -> Result<PacsBits, LiteralError> {
    let grammar = (terminated(digit1, char('#')), rest);
    let (len, digits) = read(text, grammar, "LENGTH#HEX, as in 26#2F623AE")?;
    let len = length(len)?;
    let digits = hex(text, digits)?;
    if digits.is_empty() && len > 0 {
        return Err(LiteralError::MissingDigit { len, need: 1, have: 0 });
    }
    let mut bytes = packed(digits, Side::Right);
    // A number may be written without its leading zeros.
    while bytes.len() * 8 < len {
        bytes.insert(0, 0);
    }
    PacsBits::from_right_aligned(&bytes, len).map_err(|wrong| {
        let is_left = PacsBits::from_left_aligned_exact(&packed(digits, Side::Left), len).is_ok();
        other_side(wrong, is_left.then(|| format!("{{{len}}}{digits}")))
    })
}

fn binary(text: &str) -> Result<PacsBits, LiteralError> {
    let (_, bits) =
        take_while(|c| matches!(c, '0' | '1')).parse(text).map_err(|_: nom::Err<nom::error::Error<&str>>| LiteralError::Empty)?;
    ends_after(text, bits, "0, 1, or a literal such as {26}BD88EB80, 26#2F623AE, csn:… or em4100:…")?;
    Ok(PacsBits::from_bits(bits.chars().map(|c| c == '1'))?)
}

fn serial_number(text: &str) -> Result<Csn, LiteralError> {
    let digits = hex(text, read(text, preceded(prefix("csn:"), rest), "csn: and hex digits")?)?;
    let wrong = LiteralError::CsnLength(digits.len());
    if digits.len() % 2 != 0 {
        return Err(wrong);
    }
    Csn::new(&packed(digits, Side::Left)).ok_or(wrong)
}

fn em4100(text: &str) -> Result<PacsBits, LiteralError> {
    let digits = hex(text, read(text, preceded(prefix("em4100:"), rest), "em4100: and 10 hex digits")?)?;
    if digits.len() != 10 {
        return Err(LiteralError::Em4100Length(digits.len()));
    }
    Ok(PacsBits::from_left_aligned(&packed(digits, Side::Left), 40)?)
}

fn prefix<'a>(word: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    nom::bytes::complete::tag_no_case(word).or(tag(word))
}

/// Runs a grammar over the whole text and turns nom's error into ours, with its place.
fn read<'a, O>(
    text: &'a str,
    mut grammar: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
    expected: &'static str,
) -> Result<O, LiteralError> {
    let parsed: IResult<&str, O> = grammar.parse(text);
    match parsed {
        Ok((_, value)) => Ok(value),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(unexpected(text, error.input, expected)),
        Err(nom::Err::Incomplete(_)) => Err(LiteralError::Incomplete(expected)),
    }
}

fn unexpected(text: &str, rest: &str, expected: &'static str) -> LiteralError {
    match rest.chars().next() {
        Some(found) => {
            let at = text.chars().count() - rest.chars().count() + 1;
            LiteralError::Unexpected { at, found, expected }
        }
        None => LiteralError::Incomplete(expected),
    }
}

fn ends_after(text: &str, taken: &str, expected: &'static str) -> Result<(), LiteralError> {
    match text.get(taken.len()..) {
        None | Some("") => Ok(()),
        Some(rest) => Err(unexpected(text, rest, expected)),
    }
}

fn length(digits: &str) -> Result<usize, LiteralError> {
    let len = digits.parse().unwrap_or(usize::MAX);
    if len > MAX_BITS { Err(BitsError::TooLong(len).into()) } else { Ok(len) }
}

/// Checks that the rest of a literal is hex digits only.
fn hex<'a>(text: &str, digits: &'a str) -> Result<&'a str, LiteralError> {
    match digits.find(|c: char| !c.is_ascii_hexdigit()) {
        None => Ok(digits),
        Some(at) => Err(unexpected(text, digits.get(at..).unwrap_or_default(), "a hex digit")),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

/// Hex digits as bytes; an odd digit is filled up with a zero on the other side.
fn packed(digits: &str, aligned: Side) -> Vec<u8> {
    let mut nibbles: Vec<u8> = digits.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    if nibbles.len() % 2 == 1 {
        let at = if aligned == Side::Left { nibbles.len() } else { 0 };
        nibbles.insert(at, 0);
    }
    nibbles.chunks(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str) -> String {
        text.parse::<PacsBits>().unwrap().to_string()
    }

    fn error(text: &str) -> String {
        text.parse::<Literal>().unwrap_err().to_string()
    }

    #[test]
    fn every_notation_of_one_frame_is_the_same_frame() {
        for text in ["{26}BD88EB80", "{26}bd88eb8", "26#2F623AE", "26#02F623AE", "10111101100010001110101110"] {
            assert_eq!(bits(text), "{26}BD88EB80", "{text}");
        }
    }

    #[test]
    fn a_wrong_literal_says_where_and_what_was_expected() {
        assert_eq!(error("{26}BD88EBX"), "character 11 of the literal is 'X'; expected a hex digit");
        assert_eq!(error("{26}BD88EB"), "26 bits need 7 hex digits, and only 6 are there");
        assert_eq!(error("{26}BD88EBA0"), "bit 26 lies beyond the length and is set; a left-aligned frame ends in zero bits");
        assert_eq!(error("{257}00"), "257 bits are more than the 256 a frame can have");
        assert_eq!(error("{99999999999999999999}00"), format!("{} bits are more than the 256 a frame can have", usize::MAX));
        assert!(error("0102").starts_with("character 4 of the literal is '2'"));
        assert_eq!(error(""), "the literal is empty");
        assert_eq!(error("em4100:0C0006"), "an EM4100 ID has 10 hex digits, and 6 are there");
    }

    #[test]
    fn digits_that_are_too_many_are_told_what_is_true_of_their_side() {
        assert_eq!(error("4#1F"), "the number needs 5 bits and the length says 4; the largest number of 4 bits is F");
        assert_eq!(error("26#FFFFFFFF"), "the number needs 32 bits and the length says 26; the largest number of 26 bits is 3FFFFFF");
        assert_eq!(
            error("26#BD88EB80"),
            "the number needs 32 bits and the length says 26; the largest number of 26 bits is 3FFFFFF; or did you mean {26}BD88EB80?"
        );
        let ends = "bit 26 lies beyond the length and is set; a left-aligned frame ends in zero bits";
        assert_eq!(error("{26}FFFFFFFF"), ends);
        assert_eq!(error("{26}2F623AE"), format!("{ends}; or did you mean 26#2F623AE?"));
        for (len, largest) in [(25, "1FFFFFF"), (27, "7FFFFFF"), (28, "FFFFFFF")] {
            assert!(
                error(&format!("{len}#FFFFFFFF")).ends_with(largest)
                    && bits(&format!("{len}#{largest}")).starts_with(&format!("{{{len}}}FFFFFF"))
            );
        }
    }

    #[test]
    fn serial_numbers_and_em4100_ids_keep_their_bytes() {
        assert_eq!("csn:04a2b3c4d5e6f7".parse::<Literal>().unwrap().to_string(), "csn:04A2B3C4D5E6F7");
        assert_eq!("em4100:0C000621A5".parse::<Literal>().unwrap().to_string(), "em4100:0C000621A5");
    }
}
