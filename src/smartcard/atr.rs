//! The answer to reset (ATR): the first bytes a card, or the reader on its behalf, says (ISO 7816-3; PC/SC part 3).
//!
//! In: bytes. Out: interface bytes, historical bytes, and for contactless storage cards what PC/SC part 3 puts there.
//! Never: a refusal of a card because its ATR is odd; what cannot be parsed is an error value, and scripts still run.

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take},
    number::complete::u8 as byte,
};

/// An ATR that could be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atr {
    /// The protocols offered (0 for T=0, 1 for T=1), in the order offered.
    pub protocols: Vec<u8>,
    /// The historical bytes.
    pub historical: Vec<u8>,
    /// True where a check byte (TCK) is there and right; false where it is wrong; none where there is none.
    pub check: Option<bool>,
}

/// What PC/SC part 3 says of a contactless storage card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageCard {
    /// The standard (SS): 03 is ISO 14443 A part 3, 40 is low frequency.
    pub standard: u8,
    /// The card's name (NN NN).
    pub name: u16,
}

/// What class of card an ATR speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A contactless card without a processor: its ATR names it (PC/SC part 3, 3.1.3.2.3.2).
    Storage,
    /// A contactless card with a processor: `3B 8n 80 01`, then its historical bytes.
    Contactless,
    /// Anything else: a card with contacts, or what a reader makes up.
    Other,
}

impl Class {
    /// The class of an ATR.
    #[must_use]
    pub fn of(atr: &[u8]) -> Self {
        match Atr::parse(atr) {
            Ok(parsed) if parsed.storage_card().is_some() => Self::Storage,
            Ok(_) if matches!(atr, [0x3B, t0, 0x80, 0x01, ..] if t0 >> 4 == 8) => Self::Contactless,
            _ => Self::Other,
        }
    }
}

/// Why bytes are no ATR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ATR cannot be parsed at byte {at}: it ends too early or does not begin with 3B or 3F")]
pub struct AtrError {
    /// Where parsing stopped, counted from 0.
    pub at: usize,
}

impl Atr {
    /// Parses an ATR.
    ///
    /// # Errors
    /// Bytes that end too early, or do not begin as an ATR does.
    pub fn parse(bytes: &[u8]) -> Result<Self, AtrError> {
        match atr(bytes) {
            Ok((rest, (protocols, historical))) => {
                // T=0 alone has no check byte (ISO 7816-3, 8.2.5).
                let checked = protocols.iter().any(|protocol| *protocol != 0);
                let check = checked.then(|| rest.len() == 1 && bytes.iter().skip(1).fold(0, |xor, byte| xor ^ byte) == 0);
                let protocols = if protocols.is_empty() { vec![0] } else { protocols };
                Ok(Self { protocols, historical: historical.to_vec(), check })
            }
            Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(AtrError { at: bytes.len() - error.input.len() }),
            Err(nom::Err::Incomplete(_)) => Err(AtrError { at: bytes.len() }),
        }
    }

    /// The storage card it speaks for, where its historical bytes are those of PC/SC part 3.
    #[must_use]
    pub fn storage_card(&self) -> Option<StorageCard> {
        let parsed: IResult<&[u8], (&[u8], u8, u16)> =
            (tag(&[0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06][..]), byte, nom::number::complete::be_u16).parse(&self.historical);
        parsed.ok().map(|(_, (_, standard, name))| StorageCard { standard, name })
    }
}

fn atr(input: &[u8]) -> IResult<&[u8], (Vec<u8>, &[u8])> {
    let (input, _) = tag(&[0x3B][..]).or(tag(&[0x3F][..])).parse(input)?;
    let (mut input, t0) = byte.parse(input)?;
    let (mut indicator, mut protocols) = (t0 >> 4, Vec::new());
    // Each TDi says which interface bytes follow, a further TD among them.
    while indicator != 0 {
        let (rest, _) = take((indicator & 0b0111).count_ones() as usize).parse(input)?;
        input = rest;
        if indicator & 0b1000 == 0 {
            break;
        }
        let (rest, td) = byte.parse(input)?;
        input = rest;
        if !protocols.contains(&(td & 0x0F)) {
            protocols.push(td & 0x0F);
        }
        indicator = td >> 4;
    }
    let (input, historical) = take(usize::from(t0 & 0x0F)).parse(input)?;
    Ok((input, (protocols, historical)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contactless_storage_card_says_its_standard_and_name() {
        let bytes = [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 0x0A, 0, 0x1A, 0, 0, 0, 0, 0x78];
        let atr = Atr::parse(&bytes).unwrap();
        assert_eq!(atr.storage_card(), Some(StorageCard { standard: 0x0A, name: 0x001A }));
        assert_eq!((atr.protocols.as_slice(), atr.check), (&[0_u8, 1][..], Some(true)));
    }

    #[test]
    fn an_atr_says_what_class_of_card_it_speaks_for() {
        let storage = [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 0x0A, 0, 0x1A, 0, 0, 0, 0, 0x78];
        assert_eq!(Class::of(&storage), Class::Storage);
        assert_eq!(Class::of(&[0x3B, 0x81, 0x80, 0x01, 0x80, 0x80]), Class::Contactless);
        assert_eq!(Class::of(&[0x3B, 0x05, 0x00, 0x00, 0x02, 0x25, 0x64]), Class::Other);
        assert_eq!(Class::of(&[]), Class::Other);
    }

    #[test]
    fn an_atr_without_check_byte_and_a_short_one_are_told_apart() {
        let prox = Atr::parse(&[0x3B, 0x05, 0x00, 0x00, 0x02, 0x25, 0x64]).unwrap();
        assert_eq!((prox.historical.as_slice(), prox.check), (&[0, 0, 2, 0x25, 0x64][..], None));
        assert_eq!(Atr::parse(&[0x3B, 0x8F, 0x80]).unwrap_err(), AtrError { at: 3 });
        assert!(Atr::parse(&[]).is_err());
    }
}
