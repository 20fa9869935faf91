//! What a frame says: a template of literal text and named parts.
//!
//! In: the bytes a frame's delimiters enclose. Out: the parts by name, or "not of this message". Never: framing, and
//! never a meaning for a part; [`super::message`] makes a presentation of them.
//!
//! `RAW Binary={bits:bin}` · `{id:hex10}{check:hex2}` · `{=00 01}{_:byte1}{count:byte1}{len:byte1}{id:byte@len}`: text,
//! bytes in hex behind a `=` (with a mask behind a `/`), and parts: a name, an encoding, and where it is fixed the width
//! in characters (bytes for `byte` and `le`) or the name of the part that tells it in bytes. A part named `_` is passed
//! over.

mod grammar;
mod part;

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take, take_until, take_while, take_while_m_n, take_while1},
};

pub use part::{Encoding, Part};

/// How wide a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Width {
    /// As wide as its characters go.
    Open,
    /// So many characters.
    Fixed(usize),
    /// As many bytes as the part of that name says.
    Told(String),
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes that must stand there.
    Literal(Vec<u8>),
    /// A byte that must be the first under the second, a mask.
    Masked(u8, u8),
    /// A part with a name.
    Part {
        /// Its name.
        name: String,
        /// How it is written.
        encoding: Encoding,
        /// Its width.
        width: Width,
    },
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As a file writes it.
    pub text: String,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        grammar::template(text)
    }

    /// The bytes of this template with these numbers for its parts; none where one has no number or no room for it. What
    /// comes of a part goes through `stuffed`, which is told what stands before it.
    #[must_use]
    pub fn written(&self, mut number: impl FnMut(&str, &[u8]) -> Option<u64>, stuffed: impl Fn(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
        // What is meant, and what is sent for it.
        let (mut meant, mut sent) = (Vec::new(), Vec::new());
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => [&mut meant, &mut sent].into_iter().for_each(|all| all.extend_from_slice(bytes)),
                Piece::Masked(..) => return None,
                Piece::Part { name, encoding, width } => {
                    let bytes = encoding.written(number(name, &meant)?, width)?;
                    sent.extend(stuffed(&bytes));
                    meant.extend(bytes);
                }
            }
        }
        Some(sent)
    }

    /// How many bits the part of that name has room for, where that is known.
    #[must_use]
    pub fn room(&self, name: &str) -> Option<u32> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Part { name: known, encoding, width: Width::Fixed(width) } if known == name => {
                // Of decimal digits those numbers are used that as many bits hold.
                let bits = if *encoding == Encoding::Dec { 3 } else { encoding.bits()? };
                Some(u32::try_from(*width).ok()?.saturating_mul(bits))
            }
            _ => None,
        })
    }

    /// The bytes of a template that has no parts: what is said to a reader.
    #[must_use]
    pub fn literal(&self) -> Option<Vec<u8>> {
        let bytes = |piece: &Piece| if let Piece::Literal(bytes) = piece { Some(bytes.clone()) } else { None };
        self.pieces.iter().map(bytes).collect::<Option<Vec<_>>>().map(|pieces| pieces.concat())
    }

    /// Reads a frame's body. Noise before it is passed over, where it cannot have been the beginning of what was sent: of
    /// what proves itself any noise, of anything else only bytes that no flipped bit makes of a digit.
    #[must_use]
    pub fn read_after_noise<'a>(&'a self, body: &'a [u8], proves_itself: bool) -> Option<Vec<Part<'a>>> {
        let was_no_digit = |byte: &u8| !(b' '..=b'~').contains(byte) && (0..8).all(|bit| !(byte ^ 1 << bit).is_ascii_alphanumeric());
        let noise = body.iter().take_while(|byte| was_no_digit(byte)).count();
        let may_begin = |at: &usize| *at <= noise || (proves_itself && self.may_begin(body, *at));
        (0..body.len()).filter(may_begin).find_map(|at| self.read_from(body, at))
    }

    /// True where it begins with text of its own: a number that has lost its first digits does not look like it.
    #[must_use]
    pub fn has_beginning(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Literal(text)) if text.len() > 1)
    }

    /// Reads a frame's body, from its first byte to its last.
    #[must_use]
    pub fn read<'a>(&'a self, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
        self.read_from(body, 0)
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Part { name, .. } => Some(name.as_str()),
            Piece::Literal(_) | Piece::Masked(..) => None,
        })
    }

    fn read_from<'a>(&'a self, body: &'a [u8], from: usize) -> Option<Vec<Part<'a>>> {
        let (mut rest, mut parts) = (body.get(from..)?, Vec::with_capacity(self.pieces.len()));
        for (at, piece) in self.pieces.iter().enumerate() {
            let (after, text) = piece.read(rest, &parts, self.pieces.get(at + 1..)?).ok()?;
            if let Piece::Part { name, encoding, width } = piece {
                let is_fixed = *width != Width::Open;
                parts.push(Part { name, encoding: *encoding, is_fixed, at: body.len() - rest.len(), text });
            }
            rest = after;
        }
        rest.is_empty().then_some(parts)
    }

    /// Within a body the first piece may begin where the byte before could not have been part of it.
    fn may_begin(&self, body: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| body.get(before)).copied();
        before.is_some_and(|byte| match self.pieces.first() {
            Some(Piece::Part { encoding, width, .. }) => *width != Width::Open && !encoding.holds(byte),
            _ => !byte.is_ascii_alphanumeric(),
        })
    }
}

impl Piece {
    fn read<'a>(&self, bytes: &'a [u8], before: &[Part<'a>], after: &[Self]) -> IResult<&'a [u8], &'a [u8]> {
        let (encoding, width) = match self {
            Self::Literal(literal) => return tag(literal.as_slice()).parse(bytes),
            Self::Masked(value, mask) => return take_while_m_n(1, 1, |byte| byte & mask == *value).parse(bytes),
            Self::Part { encoding, width, .. } => (*encoding, width),
        };
        let holds = |byte| encoding.holds(byte);
        let count = match width {
            Width::Open => width_of(after).and_then(|after| bytes.len().checked_sub(after)),
            _ => Some(encoding.characters(width, before).ok_or_else(|| not_here(bytes))?),
        };
        match (encoding, count, after.first()) {
            (Encoding::Space, ..) => take_while(holds).parse(bytes),
            (Encoding::Text, None, Some(Self::Literal(end))) => take_until(end.as_slice()).parse(bytes),
            (Encoding::Text, Some(count), _) => take(count).parse(bytes),
            (_, Some(count), _) if count > 0 => take_while_m_n(count, count, holds).parse(bytes),
            (_, Some(_), _) => Err(not_here(bytes)),
            (_, None, _) => take_while1(holds).parse(bytes),
        }
    }

    /// How many bytes it takes, where that is always the same.
    const fn width(&self) -> Option<usize> {
        match self {
            Self::Literal(literal) => Some(literal.len()),
            Self::Masked(..) => Some(1),
            Self::Part { width: Width::Fixed(count), .. } => Some(*count),
            Self::Part { .. } => None,
        }
    }
}

/// How many bytes these pieces take, where that is always the same.
fn width_of(pieces: &[Piece]) -> Option<usize> {
    pieces.iter().map(Piece::width).sum()
}

fn not_here(bytes: &[u8]) -> nom::Err<nom::error::Error<&[u8]>> {
    nom::Err::Error(nom::error::Error::new(bytes, nom::error::ErrorKind::LengthValue))
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
    fn noise_is_passed_over_only_where_nothing_was_lost_to_it() {
        let read = |template: &str, body: &[u8]| {
            let template = Template::parse(template).unwrap();
            template.read_after_noise(body, template.has_beginning()).map(|parts| parts.last().and_then(Part::number))
        };
        assert_eq!(read("N={n:dec}", b"\x00!N=7"), Some(Some(7)));
        assert_eq!(read("{n:hex4}", b"\x00\xFF1234"), Some(Some(0x1234)));
        // A flipped bit within a number, or in front of one of any width, leaves no number.
        assert_eq!(read("{n:dec}", b"\xB13860"), None);
        assert_eq!(read("{n:dec}", b"13860\x8022627"), None);
        assert_eq!(read("{f:dec}:{n:dec}", b"1?23:4567"), None);
        assert_eq!(read("D{n:hex}", b"N12ABD6789"), None);
        assert_eq!(read("{n:hex4}", b"A1234"), None);
    }

    #[test]
    fn a_part_may_be_as_wide_as_another_part_says() {
        let template = "{=00 01}{len:byte1}{id:byte@len}{check:le2}";
        let parts = [("len".into(), Some(2)), ("id".into(), Some(0xABCD)), ("check".into(), Some(0x0201))];
        assert_eq!(read(template, &[0, 1, 2, 0xAB, 0xCD, 1, 2]), Some(parts.to_vec()));
        assert_eq!(read(template, &[0, 1, 3, 0xAB, 0xCD, 1, 2]), None);
        assert_eq!(read("{len:hex2}{id:hex@len}", b"02ABCD"), Some(vec![("len".into(), Some(2)), ("id".into(), Some(0xABCD))]));
    }

    #[test]
    fn text_goes_as_far_as_the_literal_that_follows() {
        assert_eq!(
            read("{_:text};{n:dec};{_:text}", b"ab;12;rest;of"),
            Some(vec![("_".into(), None), ("n".into(), Some(12)), ("_".into(), None)])
        );
        assert_eq!(
            read("{_:char1}{_:space}{n:hex}", b"N 12"),
            read("{_:char1}{_:space}{n:hex}", b"M12").map(|mut parts| {
                parts[0].1 = None;
                parts
            })
        );
    }

    #[test]
    fn some_bits_of_a_byte_can_be_asked_for() {
        assert_eq!(read("{=04/0C}{n:byte1}", &[0xF7, 9]), Some(vec![("n".into(), Some(9))]));
        assert_eq!(read("{=04/0C}{n:byte1}", &[0xFF, 9]), None);
    }

    #[test]
    fn a_wrong_template_says_where() {
        assert!(Template::parse("{id:hex").unwrap_err().starts_with("character 1"));
        assert!(Template::parse("a{id:oct}").unwrap_err().starts_with("character 2"));
        assert!(Template::parse("ab{=0}").unwrap_err().starts_with("character 3"));
    }
}
