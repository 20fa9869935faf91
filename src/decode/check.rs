//! How a frame proves itself: exclusive or, sums, CRCs by their names in the catalogue of parametrised CRCs.
//!
//! In: a frame, and where its check stands. Out: the bytes it covers, and the check's own bytes, most significant first.
//! Never: a judgement; that is the message's ([`super::message`]).

use crc::{Algorithm, Crc};

use crate::card::from_hex;

/// How the check is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The exclusive or of all bytes.
    Xor,
    /// The low byte of their sum.
    Sum,
    /// What the low byte of their sum lacks to nought.
    TwosComplement,
    /// A CRC of 8 bits.
    Crc8(&'static Algorithm<u8>),
    /// A CRC of 16 bits.
    Crc16(&'static Algorithm<u16>),
    /// A CRC of 32 bits.
    Crc32(&'static Algorithm<u32>),
    /// It is not known how: the check is carried and not judged.
    NotJudged,
}

/// Which bytes a check covers, up to where it stands itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The bytes that the body's hex digits stand for.
    Digits,
    /// The body's bytes as they are sent.
    Body,
    /// All bytes from the frame's first on.
    Frame,
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
    /// Its low byte is sent first.
    pub low_first: bool,
}

impl Check {
    /// The bytes a check covers that stands at `until` in the body of a frame with so many bytes before its body.
    #[must_use]
    pub fn covered(&self, until: usize, body: &[u8], frame: &[u8], before: usize) -> Option<Vec<u8>> {
        let until = until.checked_sub(self.gap)?;
        match self.over {
            Over::Body => body.get(self.from..until).map(<[u8]>::to_vec),
            Over::Frame => frame.get(self.from..before + until).map(<[u8]>::to_vec),
            Over::Digits => body.get(self.from..until).and_then(|digits| from_hex(std::str::from_utf8(digits).ok()?)),
        }
    }
}

/// The methods by their names in files.
const METHODS: [(&str, Method); 16] = [
    ("xor", Method::Xor),
    ("sum", Method::Sum),
    ("twos-complement", Method::TwosComplement),
    ("not-judged", Method::NotJudged),
    ("CRC-8/SMBUS", Method::Crc8(&crc::CRC_8_SMBUS)),
    ("CRC-8/MAXIM-DOW", Method::Crc8(&crc::CRC_8_MAXIM_DOW)),
    ("CRC-16/ARC", Method::Crc16(&crc::CRC_16_ARC)),
    ("CRC-16/GENIBUS", Method::Crc16(&crc::CRC_16_GENIBUS)),
    ("CRC-16/IBM-3740", Method::Crc16(&crc::CRC_16_IBM_3740)),
    ("CRC-16/IBM-SDLC", Method::Crc16(&crc::CRC_16_IBM_SDLC)),
    ("CRC-16/KERMIT", Method::Crc16(&crc::CRC_16_KERMIT)),
    ("CRC-16/MCRF4XX", Method::Crc16(&crc::CRC_16_MCRF4XX)),
    ("CRC-16/MODBUS", Method::Crc16(&crc::CRC_16_MODBUS)),
    ("CRC-16/SPI-FUJITSU", Method::Crc16(&crc::CRC_16_SPI_FUJITSU)),
    ("CRC-16/XMODEM", Method::Crc16(&crc::CRC_16_XMODEM)),
    ("CRC-32/ISO-HDLC", Method::Crc32(&crc::CRC_32_ISO_HDLC)),
];

impl Method {
    /// The method of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        METHODS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METHODS.iter().map(|(name, _)| *name)
    }

    /// The check of these bytes, most significant byte first; none where it is not known how.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let sum = || bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        match self {
            Self::Xor => Some(vec![bytes.iter().fold(0, |xor, byte| xor ^ byte)]),
            Self::Sum => Some(vec![sum()]),
            Self::TwosComplement => Some(vec![sum().wrapping_neg()]),
            Self::Crc8(algorithm) => Some(Crc::<u8>::new(algorithm).checksum(bytes).to_be_bytes().to_vec()),
            Self::Crc16(algorithm) => Some(Crc::<u16>::new(algorithm).checksum(bytes).to_be_bytes().to_vec()),
            Self::Crc32(algorithm) => Some(Crc::<u32>::new(algorithm).checksum(bytes).to_be_bytes().to_vec()),
            Self::NotJudged => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crc_gives_its_published_check_value() {
        for (name, method) in METHODS {
            let computed = method.of(b"123456789");
            let published: Option<u64> = match method {
                Method::Crc8(algorithm) => Some(algorithm.check.into()),
                Method::Crc16(algorithm) => Some(algorithm.check.into()),
                Method::Crc32(algorithm) => Some(algorithm.check.into()),
                _ => None,
            };
            if let Some(published) = published {
                let computed = computed.unwrap().iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
                assert_eq!(computed, published, "{name}");
            }
        }
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
