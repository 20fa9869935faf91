//! What a frame says: a template of literal text and named parts.
//!
//! In: the bytes a frame's delimiters enclose. Out: the parts by name, or "not of this dialect". Never: framing, and
//! never a meaning for a part; [`super::line`] makes a presentation of them.
//!
//! `RAW Binary={bits:bin}` · `{id:hex10}{check:hex2}` · `{count:hex2}{bits:hex}`: a name, an encoding (`hex`, `dec`,
//! `bin`, `byte`) and, where it is fixed, the number of characters (bytes for `byte`). Braces stand for nothing else.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n, take_while1},
    character::complete::{alpha1, char, digit1},
    combinator::{map, opt},
    multi::many1,
    sequence::{delimited, separated_pair},
};

/// How a part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hex digits, either case.
    Hex,
    /// Decimal digits.
    Dec,
    /// `0` and `1`.
    Bin,
    /// Bytes as they are.
    Byte,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that must stand there.
    Text(String),
    /// A part with a name.
    Part {
        /// Its name.
        name: String,
        /// How it is written.
        encoding: Encoding,
        /// Its width in characters, where it is fixed.
        width: Option<usize>,
    },
}

/// What the frames of a dialect say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

/// One part of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it is written.
    pub encoding: Encoding,
    /// Its characters.
    pub text: &'a [u8],
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rest, pieces) = many1(piece).parse(text).unwrap_or((text, Vec::new()));
        if rest.is_empty() {
            return Ok(Self { pieces });
        }
        let at = text.chars().count() - rest.chars().count() + 1;
        Err(format!("character {at} of the payload: expected text, or {{NAME:hex}}, {{NAME:dec2}}, {{NAME:bin}} or {{NAME:byte4}}"))
    }

    /// Reads a frame's body. Bytes before the body are passed over where they cannot belong to it (noise on the line).
    #[must_use]
    pub fn read<'a>(&'a self, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
        (0..body.len()).filter(|at| *at == 0 || self.may_begin(body, *at)).find_map(|at| self.read_exactly(body.get(at..)?))
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Part { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    fn read_exactly<'a>(&'a self, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
        let (mut rest, mut parts) = (body, Vec::new());
        for piece in &self.pieces {
            let (after, part) = piece.read(rest).ok()?;
            parts.extend(part);
            rest = after;
        }
        rest.is_empty().then_some(parts)
    }

    /// Within a body the first piece may begin where the byte before could not have been part of it.
    fn may_begin(&self, body: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| body.get(before)).copied();
        match self.pieces.first() {
            Some(Piece::Part { encoding, .. }) => before.is_some_and(|byte| !encoding.holds(byte)),
            _ => true,
        }
    }
}

impl Piece {
    fn read<'a>(&'a self, bytes: &'a [u8]) -> IResult<&'a [u8], Option<Part<'a>>> {
        match self {
            Self::Text(text) => map(tag(text.as_bytes()), |_| None).parse(bytes),
            Self::Part { name, encoding, width } => {
                let holds = |byte| encoding.holds(byte);
                let (rest, text) = match width {
                    Some(width) => take_while_m_n(*width, *width, holds).parse(bytes)?,
                    None => take_while1(holds).parse(bytes)?,
                };
                Ok((rest, Some(Part { name, encoding: *encoding, text })))
            }
        }
    }
}

impl Encoding {
    /// True where the byte can be part of it.
    #[must_use]
    pub const fn holds(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Dec => byte.is_ascii_digit(),
            Self::Bin => matches!(byte, b'0' | b'1'),
            Self::Byte => true,
        }
    }

    /// The bits one character stands for; none for decimal digits.
    const fn bits(self) -> Option<u32> {
        match self {
            Self::Hex => Some(4),
            Self::Bin => Some(1),
            Self::Byte => Some(8),
            Self::Dec => None,
        }
    }
}

impl Part<'_> {
    /// The part as bits, each character's in turn; none for decimal digits.
    #[must_use]
    pub fn bits(&self) -> Option<Vec<bool>> {
        let width = self.encoding.bits()?;
        let values = self.text.iter().map(|byte| self.digit(*byte));
        Some(values.flat_map(|value| (0..width).rev().map(move |at| value >> at & 1 == 1)).collect())
    }

    /// The part as bytes, where its bits fill them up.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let bits = self.bits().filter(|bits| bits.len() % 8 == 0)?;
        Some(bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect())
    }

    /// The part as a number; none above 64 bits.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let base: u64 = match self.encoding {
            Encoding::Hex => 16,
            Encoding::Dec => 10,
            Encoding::Bin => 2,
            Encoding::Byte => 256,
        };
        self.text.iter().try_fold(0_u64, |number, byte| number.checked_mul(base)?.checked_add(u64::from(self.digit(*byte))))
    }

    fn digit(&self, byte: u8) -> u32 {
        if self.encoding == Encoding::Byte { u32::from(byte) } else { char::from(byte).to_digit(16).unwrap_or(0) }
    }
}

fn piece(input: &str) -> IResult<&str, Piece> {
    let text = map(take_while1(|c| c != '{' && c != '}'), |text: &str| Piece::Text(text.to_owned()));
    alt((part, text)).parse(input)
}

fn part(input: &str) -> IResult<&str, Piece> {
    let name = take_while1(|c: char| c.is_ascii_lowercase() || c == '_');
    let (rest, (name, (word, width))) =
        delimited(char('{'), separated_pair(name, char(':'), (alpha1, opt(digit1))), char('}')).parse(input)?;
    let failed = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag));
    let encoding = match word {
        "hex" => Encoding::Hex,
        "dec" => Encoding::Dec,
        "bin" => Encoding::Bin,
        "byte" => Encoding::Byte,
        _ => return Err(failed()),
    };
    let width = width.map(str::parse).transpose().map_err(|_| failed())?;
    Ok((rest, Piece::Part { name: name.to_owned(), encoding, width }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(template: &str, body: &[u8]) -> Option<Vec<(String, Option<u64>)>> {
        let template = Template::parse(template).unwrap();
        let parts = template.read(body)?;
        Some(parts.iter().map(|part| (part.name.to_owned(), part.number())).collect())
    }

    #[test]
    fn a_template_reads_its_parts_and_nothing_else() {
        assert_eq!(read("{id:hex4}{check:hex2}", b"00ffAB"), Some(vec![("id".into(), Some(255)), ("check".into(), Some(0xAB))]));
        assert_eq!(read("{id:hex4}{check:hex2}", b"00ffABC"), None);
        assert_eq!(read("W26:{f:dec}:{n:dec}", b"W26:123:04567"), Some(vec![("f".into(), Some(123)), ("n".into(), Some(4567))]));
        assert_eq!(read("RAW Binary={bits:bin}", b"Ready"), None);
    }

    #[test]
    fn noise_before_a_part_is_passed_over_only_where_it_cannot_belong_to_it() {
        assert_eq!(read("{n:hex}", b"\x00\xFFxyz12"), Some(vec![("n".into(), Some(0x12))]));
        assert_eq!(read("{n:hex4}", b"A1234"), None);
        assert_eq!(read("N={n:dec}", b"!!N=7"), Some(vec![("n".into(), Some(7))]));
    }

    #[test]
    fn a_wrong_template_says_where() {
        assert!(Template::parse("{id:hex").unwrap_err().starts_with("character 1 of the payload"));
        assert!(Template::parse("a{id:oct}").unwrap_err().starts_with("character 2 of the payload"));
    }
}
