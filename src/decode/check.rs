//! How a frame proves itself: exclusive or, sums, every CRC by its names in the catalogue of parametrised CRCs.
//!
//! In: a frame, and where its check stands. Out: the bytes it covers, and the check's own bytes, most significant first.
//! Never: a judgement; that is the message's ([`super::message`]).

mod catalogue;

use crc::{Algorithm, Crc, NoTable};

use crate::card::from_hex;
use catalogue::CATALOGUE;

/// How the check is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The exclusive or of all bytes.
    Xor,
    /// The low byte of their sum.
    Sum,
    /// What the low byte of their sum lacks to nought.
    TwosComplement,
    /// A CRC of 8 bits at most.
    Crc8(&'static Algorithm<u8>),
    /// A CRC of 16 bits at most.
    Crc16(&'static Algorithm<u16>),
    /// A CRC of 32 bits at most.
    Crc32(&'static Algorithm<u32>),
    /// A CRC of 64 bits at most.
    Crc64(&'static Algorithm<u64>),
    /// A CRC of 128 bits at most.
    Crc128(&'static Algorithm<u128>),
    /// It is not known how: the check is carried and not judged.
    NotJudged,
}

/// Which bytes a check covers, up to where it stands itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The bytes that the body's hex digits stand for.
    Digits,
    /// The body's bytes as they are meant: what was stuffed is unstuffed.
    Body,
    /// The same, and before them the bytes that a frame begins with.
    Frame,
    /// The bytes between the delimiters as they are sent: what was stuffed is left so.
    Sent,
}

/// The check of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// How it is computed.
    pub method: Method,
    /// Over which bytes.
    pub over: Over,
    /// How many of them at the beginning it passes over.
    pub from: usize,
    /// How many bytes between them and the check it passes over.
    pub gap: usize,
    /// How many bytes of the frame's end it covers too, the last ones, after the others.
    pub end: usize,
    /// Its low byte is sent first.
    pub low_first: bool,
    /// Whether the reader sends it is a setting of the reader's: all of its messages have it, or none.
    pub optional: bool,
    /// How many bits it is worth, where that is not its width: one damaged frame in two to this power passes it.
    pub worth: Option<u8>,
}

/// A frame, as a check sees it.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'a> {
    /// The bytes a frame begins with.
    pub start: &'a [u8],
    /// What the delimiters enclose, unstuffed; a trailer stands at its end.
    pub body: &'a [u8],
    /// The same as it was sent.
    pub sent: &'a [u8],
    /// The bytes a frame ends with.
    pub end: &'a [u8],
    /// Where in the body the check stands.
    pub until: usize,
}

impl Check {
    /// A check of all bytes of a body up to itself.
    #[must_use]
    pub const fn of(method: Method) -> Self {
        Self { method, over: Over::Body, from: 0, gap: 0, end: 0, low_first: false, optional: false, worth: None }
    }

    /// The bytes it covers; none where the frame is too short for it, or holds no digits where there must be some.
    #[must_use]
    pub fn covered(&self, frame: &Covered<'_>) -> Option<Vec<u8>> {
        let until = frame.until.checked_sub(self.gap)?;
        let mut bytes = match self.over {
            Over::Body => frame.body.get(self.from..until)?.to_vec(),
            Over::Frame => [frame.start, frame.body.get(..until)?].concat().get(self.from..)?.to_vec(),
            Over::Digits => from_hex(std::str::from_utf8(frame.body.get(self.from..until)?).ok()?)?,
            Over::Sent => {
                // The check stands behind what was sent; what follows it in the body is as long in what was sent.
                let after = frame.body.len().checked_sub(until)?;
                frame.sent.get(self.from..frame.sent.len().checked_sub(after)?)?.to_vec()
            }
        };
        bytes.extend_from_slice(frame.end.get(frame.end.len().checked_sub(self.end)?..)?);
        Some(bytes)
    }

    /// The check's own bytes over these, as they are sent; none where it is not known how.
    #[must_use]
    pub fn of_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut computed = self.method.of(bytes)?;
        if self.low_first {
            computed.reverse();
        }
        Some(computed)
    }

    /// How many bits it is worth.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.worth.unwrap_or_else(|| self.method.width())
    }
}

/// The methods that are no CRC, by their names in files.
const OTHERS: [(&str, Method); 4] =
    [("xor", Method::Xor), ("sum", Method::Sum), ("twos-complement", Method::TwosComplement), ("not-judged", Method::NotJudged)];

impl Method {
    /// The method of that name; a CRC also by the other names that the catalogue has for it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let other = OTHERS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method);
        let is_named = |known: &&str| known.eq_ignore_ascii_case(name);
        let crc = || CATALOGUE.iter().find(|crc| is_named(&crc.name) || crc.aliases.iter().any(is_named));
        other.or_else(|| crc().map(|crc| crc.method))
    }

    /// All names, those that the catalogue prefers before the others.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let crcs = CATALOGUE.iter().map(|crc| crc.name);
        OTHERS.iter().map(|(name, _)| *name).chain(crcs).chain(CATALOGUE.iter().flat_map(|crc| crc.aliases.iter().copied()))
    }

    /// How many bits wide it is; nought where it is not judged.
    #[must_use]
    pub const fn width(self) -> u8 {
        match self {
            Self::Xor | Self::Sum | Self::TwosComplement => 8,
            Self::Crc8(algorithm) => algorithm.width,
            Self::Crc16(algorithm) => algorithm.width,
            Self::Crc32(algorithm) => algorithm.width,
            Self::Crc64(algorithm) => algorithm.width,
            Self::Crc128(algorithm) => algorithm.width,
            Self::NotJudged => 0,
        }
    }

    /// The check of these bytes, most significant byte first; none where it is not known how.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let sum = || bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let value: u128 = match self {
            Self::Xor => bytes.iter().fold(0, |xor, byte| xor ^ byte).into(),
            Self::Sum => sum().into(),
            Self::TwosComplement => sum().wrapping_neg().into(),
            Self::Crc8(algorithm) => Crc::<u8, NoTable>::new(algorithm).checksum(bytes).into(),
            Self::Crc16(algorithm) => Crc::<u16, NoTable>::new(algorithm).checksum(bytes).into(),
            Self::Crc32(algorithm) => Crc::<u32, NoTable>::new(algorithm).checksum(bytes).into(),
            Self::Crc64(algorithm) => Crc::<u64, NoTable>::new(algorithm).checksum(bytes).into(),
            Self::Crc128(algorithm) => Crc::<u128, NoTable>::new(algorithm).checksum(bytes),
            Self::NotJudged => return None,
        };
        let bytes = value.to_be_bytes();
        let width = usize::from(self.width()).div_ceil(8);
        bytes.get(bytes.len().checked_sub(width)?..).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crc_of_the_catalogue_gives_its_published_check_value_under_each_of_its_names() {
        for crc in &CATALOGUE {
            let published: u128 = match crc.method {
                Method::Crc8(algorithm) => algorithm.check.into(),
                Method::Crc16(algorithm) => algorithm.check.into(),
                Method::Crc32(algorithm) => algorithm.check.into(),
                Method::Crc64(algorithm) => algorithm.check.into(),
                Method::Crc128(algorithm) => algorithm.check,
                _ => panic!("{} is no CRC", crc.name),
            };
            for name in crc.aliases.iter().chain([&crc.name]) {
                let method = Method::from_name(name).unwrap();
                let computed = method.of(b"123456789").unwrap().iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
                assert_eq!(computed, published, "{name}");
            }
        }
    }

    #[test]
    fn no_name_means_two_checks() {
        let mut names: Vec<String> = Method::names().map(str::to_ascii_lowercase).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        // The names that manuals use most.
        for (manual, catalogue) in [
            ("CRC-16/CCITT-FALSE", "CRC-16/IBM-3740"),
            ("crc-16/x-25", "CRC-16/IBM-SDLC"),
            ("XMODEM", "CRC-16/XMODEM"),
            ("CRC-A", "CRC-16/ISO-IEC-14443-3-A"),
        ] {
            assert_eq!(Method::from_name(manual), Method::from_name(catalogue), "{manual}");
        }
    }

    #[test]
    fn a_check_is_worth_its_width_unless_its_file_says_less() {
        let crc = Check::of(Method::from_name("CRC-16/KERMIT").unwrap());
        assert_eq!((crc.bits(), Check { worth: Some(12), ..crc }.bits()), (16, 12));
        assert_eq!((Check::of(Method::Xor).bits(), Check::of(Method::NotJudged).bits()), (8, 0));
    }

    #[test]
    fn a_check_covers_the_bytes_its_manual_says() {
        // DLE STX, data with a doubled DLE, DLE ETX and the check behind it.
        let frame = Covered { start: &[0x10, 2], body: &[1, 0x10, 0x55], sent: &[1, 0x10, 0x10, 0x55], end: &[0x10, 3], until: 2 };
        let of = |over, end| Check { over, end, ..Check::of(Method::Xor) }.covered(&frame);
        assert_eq!(of(Over::Body, 0), Some(vec![1, 0x10]));
        assert_eq!(of(Over::Body, 1), Some(vec![1, 0x10, 3]));
        assert_eq!(of(Over::Sent, 2), Some(vec![1, 0x10, 0x10, 0x10, 3]));
        assert_eq!(of(Over::Frame, 0), Some(vec![0x10, 2, 1, 0x10]));
        assert_eq!(of(Over::Digits, 0), None);
    }

    #[test]
    fn the_checks_of_published_frames_are_computed() {
        let kermit = Method::from_name("CRC-16/KERMIT").unwrap();
        assert_eq!(kermit.of(&[0xFD, 0x3F, 0x11, 0x0B]), Some(vec![0x02, 0x57]));
        let osdp = Method::from_name("CRC-16/SPI-FUJITSU").unwrap();
        assert_eq!(osdp.of(&[0x53, 0x00, 0x09, 0x00, 0x04, 0x61, 0x00]), Some(vec![0x66, 0xC0]));
        let feig = Method::from_name("CRC-16/MCRF4XX").unwrap();
        assert_eq!(feig.of(&[0x02, 0x00, 0x09, 0xFF, 0xB0, 0x01, 0x00]), Some(vec![0x43, 0x18]));
        assert_eq!(Method::TwosComplement.of(&[0x11, 0x22, 0x33, 0x44, 0x55]), Some(vec![0x01]));
    }
}
