//! One part of a frame: how it is written, and the number that is written so.
//!
//! In: a part's characters, or a number. Out: bits, bytes, a number; or characters. Never: what the part means.

use super::Width;

/// How a part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hex digits, either case.
    Hex,
    /// Decimal digits.
    Dec,
    /// `0` and `1`.
    Bin,
    /// Bytes as they are, the most significant first.
    Byte,
    /// Bytes as they are, the least significant first.
    Le,
    /// A printable ASCII character.
    Char,
    /// Whatever stands before the literal that follows; nothing at all, if need be.
    Text,
    /// Blanks, or none.
    Space,
}

/// One part of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it is written.
    pub encoding: Encoding,
    /// True where the template fixes its width.
    pub is_fixed: bool,
    /// Where it begins in the body.
    pub at: usize,
    /// Its characters.
    pub text: &'a [u8],
}

impl Encoding {
    /// True where the byte can be part of it.
    #[must_use]
    pub const fn holds(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Dec => byte.is_ascii_digit(),
            Self::Bin => matches!(byte, b'0' | b'1'),
            Self::Char => byte.is_ascii_graphic(),
            Self::Space => byte == b' ',
            Self::Byte | Self::Le | Self::Text => true,
        }
    }

    /// A number as it is written; none where it has no room.
    pub(super) fn written(self, number: u64, width: &Width) -> Option<Vec<u8>> {
        let text = match self {
            Self::Hex => format!("{number:X}"),
            Self::Dec => format!("{number}"),
            Self::Bin => format!("{number:b}"),
            Self::Byte | Self::Le => String::new(),
            Self::Char | Self::Text | Self::Space => return None,
        };
        match (self, width) {
            (_, Width::Told(_)) | (Self::Byte | Self::Le, Width::Open) => None,
            (Self::Byte | Self::Le, Width::Fixed(width)) => {
                let bytes = number.to_be_bytes();
                let (above, kept) = bytes.split_at(bytes.len().saturating_sub(*width));
                let mut written = vec![0; width.saturating_sub(bytes.len())];
                written.extend_from_slice(kept);
                if self == Self::Le {
                    written.reverse();
                }
                above.iter().all(|byte| *byte == 0).then_some(written)
            }
            (_, Width::Open) => Some(text.into_bytes()),
            (_, Width::Fixed(width)) => (text.len() <= *width).then(|| format!("{text:0>width$}").into_bytes()),
        }
    }

    /// The bits one character stands for; none for what is no number in a base of two.
    pub(super) const fn bits(self) -> Option<u32> {
        match self {
            Self::Hex => Some(4),
            Self::Bin => Some(1),
            Self::Byte | Self::Le => Some(8),
            Self::Dec | Self::Char | Self::Text | Self::Space => None,
        }
    }

    /// How many characters a part has, where that is fixed or told.
    pub(super) fn characters(self, width: &Width, before: &[Part<'_>]) -> Option<usize> {
        match width {
            Width::Open => None,
            Width::Fixed(count) => Some(*count),
            Width::Told(name) => {
                let told = before.iter().find(|part| part.name == name)?.number()?;
                usize::try_from(told).ok()?.checked_mul(if self == Self::Hex { 2 } else { 1 })
            }
        }
    }
}

impl Part<'_> {
    /// The part as bits, each character's in turn; none for what has no bits.
    #[must_use]
    pub fn bits(&self) -> Option<Vec<bool>> {
        let width = self.encoding.bits()?;
        let mut bits = Vec::with_capacity(self.text.len() * width as usize);
        let mut append = |byte: &u8| {
            let digit = self.digit(*byte);
            bits.extend((0..width).rev().map(|at| digit >> at & 1 == 1));
        };
        match self.encoding {
            Encoding::Le => self.text.iter().rev().for_each(&mut append),
            _ => self.text.iter().for_each(&mut append),
        }
        Some(bits)
    }

    /// The part as bytes, where its bits fill them up.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let bits = self.bits().filter(|bits| bits.len() % 8 == 0)?;
        Some(bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect())
    }

    /// The part as a number; none above 64 bits, and none for text.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        if self.encoding == Encoding::Dec {
            let append = |number: u64, byte: &u8| number.checked_mul(10)?.checked_add(u64::from(self.digit(*byte)));
            return self.text.iter().try_fold(0, append);
        }
        let append = |number: u64, bit: bool| (number.leading_zeros() > 0).then(|| number << 1 | u64::from(bit));
        self.bits()?.into_iter().try_fold(0, append)
    }

    fn digit(&self, byte: u8) -> u32 {
        match self.encoding {
            Encoding::Byte | Encoding::Le => u32::from(byte),
            _ => char::from(byte).to_digit(16).unwrap_or(0),
        }
    }
}
