//! OSDP packets (IEC 60839-11-5) as they pass on the wire, as far as a listener has to know them.
//!
//! In: bytes, whole packets, halves or noise. Out: who speaks, which command or reply it is, and its data where they are
//! not encrypted. Never: a packet whose own check fails.

use std::fmt;

use crc::{CRC_16_SPI_FUJITSU, Crc};
use nom::{
    IResult, Parser,
    bytes::complete::tag,
    multi::many0,
    number::complete::{le_u16, le_u32, u8},
    sequence::preceded,
};

/// Commands and replies that the driver looks at.
pub(super) mod id {
    pub const CHALLENGE: u8 = 0x76;
    pub const SERVER_CRYPTOGRAM: u8 = 0x77;
    pub const LED: u8 = 0x69;
    pub const BUZZER: u8 = 0x6A;
    pub const NAK: u8 = 0x41;
    pub const IDENTITY: u8 = 0x45;
    pub const CAPABILITIES: u8 = 0x46;
    pub const RAW: u8 = 0x50;
    pub const FORMATTED: u8 = 0x51;
    pub const CLIENT_CRYPTOGRAM: u8 = 0x76;
}

/// One packet.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// The peripheral that is spoken to, or that speaks.
    pub address: u8,
    /// The peripheral speaks.
    pub is_reply: bool,
    /// The command or the reply.
    pub id: u8,
    /// What comes with it; none where it is encrypted.
    pub data: Option<Vec<u8>>,
    /// How many bits its check has.
    pub check_bits: u8,
}

/// The data may be a card's number.
impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({:02X} at {}, reply: {})", self.id, self.address, self.is_reply)
    }
}

/// The standard's CRC: 0x1021 from 0x1D0F, nothing reflected, low byte first.
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_SPI_FUJITSU);
const START: u8 = 0x53;
const MARK: u8 = 0xFF;
const REPLY: u8 = 0x80;
const WITH_CRC: u8 = 0x04;
const WITH_SECURITY: u8 = 0x08;
/// The header up to the control byte.
const HEADER: usize = 5;
/// A header, an ID and a checksum.
const SHORTEST: usize = HEADER + 2;
/// What a reader may send at once (OSDP profiles allow 1440 bytes).
const LONGEST: usize = 1440;

/// Cuts the packets out of what was heard; half a packet stays. The other bytes are counted, marks left out.
pub fn cut(heard: &mut Vec<u8>) -> (Vec<Packet>, usize) {
    let (mut packets, mut noise) = (Vec::new(), 0);
    let mut at = 0;
    while let Some(rest) = heard.get(at..).filter(|rest| !rest.is_empty()) {
        match first(rest) {
            First::Packet(packet, len) => {
                packets.extend(packet);
                at += len;
            }
            First::Half => break,
            First::Other => {
                noise += usize::from(!rest.starts_with(&[MARK]));
                at += 1;
            }
        }
    }
    heard.drain(..at);
    (packets, noise)
}

enum First {
    /// A whole one that passes its check, and its length; none where its inside is none of OSDP's.
    Packet(Option<Packet>, usize),
    /// The beginning of one.
    Half,
    /// No packet begins here.
    Other,
}

fn first(bytes: &[u8]) -> First {
    if bytes.first() != Some(&START) {
        return First::Other;
    }
    let Ok((_, (address, len, control))) = header(bytes) else { return First::Half };
    let len = usize::from(len);
    if !(SHORTEST..=LONGEST).contains(&len) {
        return First::Other;
    }
    let Some(whole) = bytes.get(..len) else { return First::Half };
    match checked(whole, control) {
        Some(body) => First::Packet(inside(address, control, body), len),
        None => First::Other,
    }
}

fn header(bytes: &[u8]) -> IResult<&[u8], (u8, u16, u8)> {
    preceded(tag([START].as_slice()), (u8, le_u16, u8)).parse(bytes)
}

/// What stands between header and check, where the check passes.
fn checked(whole: &[u8], control: u8) -> Option<&[u8]> {
    let body = if control & WITH_CRC != 0 {
        let (covered, received) = whole.split_last_chunk::<2>()?;
        (CRC.checksum(covered) == u16::from_le_bytes(*received)).then_some(covered)?
    } else {
        let (_, covered) = whole.split_last()?;
        (whole.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0).then_some(covered)?
    };
    body.get(HEADER..)
}

fn inside(address: u8, control: u8, body: &[u8]) -> Option<Packet> {
    let (security, body) = match body.first() {
        Some(len) if control & WITH_SECURITY != 0 => (body.get(1).copied(), body.get(usize::from(*len)..)?),
        _ => (None, body),
    };
    let (id, data) = body.split_first()?;
    let data = match security {
        Some(0x17 | 0x18) => None,
        // A message authentication code of four bytes stands at the end.
        Some(0x15 | 0x16) => data.split_last_chunk::<4>().map(|(data, _)| data.to_vec()),
        _ => Some(data.to_vec()),
    };
    let check_bits = if control & WITH_CRC != 0 { 16 } else { 8 };
    Some(Packet { address: address & !REPLY, is_reply: address & REPLY != 0, id: *id, data, check_bits })
}

/// What a reader says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    vendor: [u8; 3],
    model: u8,
    version: u8,
    serial_number: u32,
    firmware: [u8; 3],
}

impl Identity {
    /// Reads the data of the reply to ID.
    pub fn read(data: &[u8]) -> Option<Self> {
        let three = || (u8, u8, u8).map(|(a, b, c): (u8, u8, u8)| [a, b, c]);
        let parsed: IResult<&[u8], _> = (three(), u8, u8, le_u32, three()).parse(data);
        let (_, (vendor, model, version, serial_number, firmware)) = parsed.ok()?;
        Some(Self { vendor, model, version, serial_number, firmware })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([a, b, c], [major, minor, build]) = (self.vendor, self.firmware);
        write!(f, "vendor {a:02X}{b:02X}{c:02X}, model {}, version {}, ", self.model, self.version)?;
        write!(f, "serial number {:08X}, firmware {major}.{minor}.{build}", self.serial_number)
    }
}

/// What a reader says it can do: function, level and number of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<(u8, u8, u8)>);

impl Capabilities {
    const LED: u8 = 4;
    const BUZZER: u8 = 5;
    const SECURITY: u8 = 9;

    /// Reads the data of the reply to CAP.
    pub fn read(data: &[u8]) -> Option<Self> {
        let parsed: IResult<&[u8], _> = many0((u8, u8, u8)).parse(data);
        parsed.ok().map(|(_, triplets)| Self(triplets))
    }

    fn level(&self, function: u8) -> Option<u8> {
        self.0.iter().find(|(of, ..)| *of == function).map(|(_, level, _)| *level)
    }

    /// It has a light that goes out by itself.
    pub fn has_timed_light(&self) -> bool {
        self.0.iter().any(|(function, level, number)| *function == Self::LED && *level >= 2 && *number > 0)
    }

    /// It has a sounder that ends by itself.
    pub fn has_timed_sounder(&self) -> bool {
        self.level(Self::BUZZER).is_some_and(|level| level >= 2)
    }

    /// It knows the secure channel.
    pub fn has_secure_channel(&self) -> bool {
        self.level(Self::SECURITY).is_some_and(|level| level & 1 != 0)
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |has: bool| if has { "yes" } else { "no" };
        let (light, sounder) = (word(self.has_timed_light()), word(self.has_timed_sounder()));
        write!(f, "light: {light}, sounder: {sounder}, secure channel: {}", word(self.has_secure_channel()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    #[test]
    fn packets_are_cut_out_of_noise_and_half_a_packet_waits() {
        // A card with checksum, the same with CRC, a key after two marks; all three published.
        let mut heard = bytes(
            "00 53 FF 0F 00 02 50 FF 01 1A 00 CD 22 C7 16 67 53 FF 10 00 05 50 FF 01 1A 00 CD 22 C7 16 00 C9 \
             FF FF 53 81 0B 00 06 53 00 01 34 95 62 53 80 08 00",
        );
        let (packets, noise) = cut(&mut heard);
        let seen: Vec<(u8, bool, u8)> = packets.iter().map(|packet| (packet.address, packet.is_reply, packet.id)).collect();
        assert_eq!(seen, [(0x7F, true, 0x50), (0x7F, true, 0x50), (1, true, 0x53)]);
        assert_eq!(packets[0].data, packets[1].data);
        assert_eq!(packets[2].data.as_deref(), Some([0x00, 0x01, 0x34].as_slice()));
        assert_eq!((noise, heard), (1, bytes("53 80 08 00")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_heard_is_cut_and_no_more_than_one_packet_is_kept(bytes in proptest::collection::vec(0x50..0x57_u8, 0..4000)) {
            let mut heard = bytes.clone();
            let (_, noise) = cut(&mut heard);
            proptest::prop_assert!(heard.len() < LONGEST && noise + heard.len() <= bytes.len());
        }
    }

    #[test]
    fn a_packet_whose_check_fails_is_noise() {
        let (packets, noise) = cut(&mut bytes("53 FF 0F 00 02 50 FF 01 1A 00 CD 22 C7 16 68"));
        assert_eq!((packets.len(), noise > 0), (0, true));
    }

    #[test]
    fn a_reader_says_what_it_is_in_the_order_of_the_wire() {
        let (packets, _) = cut(&mut bytes("53 80 14 00 04 45 CA 44 6C 01 00 C7 92 02 00 01 07 0F C4 42"));
        let identity = Identity::read(packets[0].data.as_deref().unwrap()).unwrap();
        assert_eq!(identity.to_string(), "vendor CA446C, model 1, version 0, serial number 000292C7, firmware 1.7.15");
    }

    #[test]
    fn a_light_without_a_timer_is_not_used() {
        assert!(!Capabilities::read(&[4, 1, 1, 5, 1, 1]).unwrap().has_timed_light());
        assert!(Capabilities::read(&[4, 4, 1, 5, 2, 1]).unwrap().has_timed_light());
    }
}
