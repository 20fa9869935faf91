//! PACS bits: what a reader puts on its wire for a card, 0 to 256 bits in transmission order.
//!
//! In: bits or bytes. Out: one small copyable value. Never: a guess about the length, which only the reader knows.

use std::fmt;

use arrayvec::ArrayVec;

/// The longest frame cardbridge takes, in bits.
pub const MAX_BITS: usize = 256;

/// `{256}` and four bits for each digit.
const LONGEST_LITERAL: usize = 5 + MAX_BITS / 4;

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// A frame of 0 to 256 bits. Bit 0 is the first bit sent; it is the top bit of the first word. Unused bits are 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PacsBits {
    words: [u64; 4],
    len: u16,
}

/// Why a value is not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BitsError {
    /// More than [`MAX_BITS`].
    #[error("{0} bits are more than the {MAX_BITS} a frame can have")]
    TooLong(usize),
    /// Fewer bytes than the length asks for.
    #[error("{len} bits need {need} bytes, and only {have} are there")]
    TooShort {
        /// The length asked for, in bits.
        len: usize,
        /// The bytes it takes.
        need: usize,
        /// The bytes given.
        have: usize,
    },
    /// A bit beyond the length is set.
    #[error("bit {0} lies beyond the length and is set; a left-aligned frame ends in zero bits")]
    UnusedBitSet(usize),
    /// A number that is too large for the length.
    #[error("the number needs {need} bits and the length says {len}; the largest number of {len} bits is {}", largest(*len))]
    TooLarge {
        /// The length, in bits.
        len: usize,
        /// The bits from the highest set one down.
        need: usize,
    },
}

/// The largest number of so many bits, in hex.
fn largest(len: usize) -> String {
    let first = ["", "1", "3", "7"].get(len % 4).copied().unwrap_or_default();
    if len == 0 { "0".to_owned() } else { format!("{first}{}", "F".repeat(len / 4)) }
}

impl PacsBits {
    /// The frame of these bits, first sent first.
    ///
    /// # Errors
    /// More than [`MAX_BITS`] bits.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Result<Self, BitsError> {
        let mut words = [0_u64; 4];
        let mut count = 0;
        for bit in bits {
            if let Some(word) = words.get_mut(count / 64) {
                *word |= u64::from(bit) << (63 - count % 64);
            }
            count += 1;
        }
        if count > MAX_BITS { Err(BitsError::TooLong(count)) } else { Ok(Self { words, len: count as u16 }) }
    }

    /// The first `len` bits of left-aligned bytes; the bits behind them are dropped (some readers fill them with noise).
    ///
    /// # Errors
    /// Too few bytes, or more than [`MAX_BITS`] bits.
    pub fn from_left_aligned(bytes: &[u8], len: usize) -> Result<Self, BitsError> {
        if len > MAX_BITS {
            return Err(BitsError::TooLong(len));
        }
        let need = len.div_ceil(8);
        if bytes.len() < need {
            return Err(BitsError::TooShort { len, need, have: bytes.len() });
        }
        let mut words = [0_u64; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.get(..need).unwrap_or_default().chunks(8)) {
            *word = bytes.iter().zip((0..64).step_by(8)).fold(0, |word, (byte, at)| word | u64::from(*byte) << (56 - at));
        }
        if let Some(last) = words.get_mut(len / 64) {
            *last &= !(u64::MAX >> (len % 64));
        }
        Ok(Self { words, len: len as u16 })
    }

    /// The same, but a set bit behind the length is an error.
    ///
    /// # Errors
    /// As [`Self::from_left_aligned`], and a set unused bit.
    pub fn from_left_aligned_exact(bytes: &[u8], len: usize) -> Result<Self, BitsError> {
        let frame = Self::from_left_aligned(bytes, len)?;
        let behind = bytes.get(len / 8..).unwrap_or_default();
        match behind.iter().flat_map(|byte| bits_of(*byte)).skip(len % 8).position(|bit| bit) {
            Some(beyond) => Err(BitsError::UnusedBitSet(len + beyond)),
            None => Ok(frame),
        }
    }

    /// The last `len` bits of right-aligned bytes (a number, most significant byte first); bits above must be 0.
    ///
    /// # Errors
    /// A set bit above the length, too few bytes, or more than [`MAX_BITS`] bits.
    pub fn from_right_aligned(bytes: &[u8], len: usize) -> Result<Self, BitsError> {
        if len > MAX_BITS {
            return Err(BitsError::TooLong(len));
        }
        let have = bytes.len() * 8;
        if have < len {
            return Err(BitsError::TooShort { len, need: len.div_ceil(8), have: bytes.len() });
        }
        let mut bits = bytes.iter().flat_map(|byte| bits_of(*byte));
        match bits.by_ref().take(have - len).position(|bit| bit) {
            Some(above) => Err(BitsError::TooLarge { len, need: have - above }),
            None => Self::from_bits(bits),
        }
    }

    /// The number of bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// True for a frame of no bits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The four words, bit 0 at the top of the first: what formats lay their masks over.
    #[must_use]
    pub const fn words(&self) -> &[u64; 4] {
        &self.words
    }

    /// Bit `at`, counted from the first sent; false beyond the end.
    #[must_use]
    pub fn get(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (63 - at % 64) & 1 == 1)
    }

    /// All bits, first sent first.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The `width` bits from `start` as a number, the first bit most significant. At most 128 bits wide.
    #[must_use]
    pub fn number(&self, start: usize, width: usize) -> u128 {
        // Within one word, which is what nearly all are, the bits are shifted out at once.
        match self.words.get(start / 64) {
            Some(word) if width > 0 && start % 64 + width <= 64 => u128::from((word << (start % 64)) >> (64 - width)),
            _ => (start..start + width).fold(0, |number, at| number << 1 | u128::from(self.get(at))),
        }
    }

    /// The frame with one bit turned over.
    #[must_use]
    pub fn flipped(mut self, at: usize) -> Self {
        self.set(at, !self.get(at));
        self
    }

    /// Sets one bit within the length.
    pub(crate) fn set(&mut self, at: usize, bit: bool) {
        if at >= self.len() {
            return;
        }
        if let Some(word) = self.words.get_mut(at / 64) {
            let mask = 1 << (63 - at % 64);
            *word = if bit { *word | mask } else { *word & !mask };
        }
    }

    /// A frame of `len` zero bits (at most [`MAX_BITS`]).
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self { words: [0; 4], len: len.min(MAX_BITS) as u16 }
    }

    /// The frame of these words' first `len` bits (at most [`MAX_BITS`]); the bits behind them must be 0.
    pub(crate) fn from_words(words: [u64; 4], len: usize) -> Self {
        Self { words, len: len.min(MAX_BITS) as u16 }
    }

    /// The bits as `0` and `1`, in transmission order.
    #[must_use]
    pub fn to_binary(&self) -> String {
        String::from_utf8((0..self.len()).map(|at| b'0' + u8::from(self.get(at))).collect()).unwrap_or_default()
    }

    /// Left-aligned bytes; the last one is filled up with zero bits.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_be_bytes()).take(self.len().div_ceil(8)).collect()
    }
}

/// The literal, `{26}BD88EB80`: length in braces, hex left-aligned and filled up to whole bytes.
impl fmt::Display for PacsBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.literal()).unwrap_or_default())
    }
}

impl PacsBits {
    /// The same, as bytes.
    pub(super) fn literal(&self) -> ArrayVec<u8, LONGEST_LITERAL> {
        // Written down several times for each card: all at once, which takes a fraction of the time that number by number does.
        let len = u64::from(self.len);
        let length = [100, 10, 1].into_iter().filter(|place| *place == 1 || len >= *place).map(|place| len / place % 10);
        let digit = |at: usize| self.words.get(at / 16).map_or(0, |word| word >> (60 - at % 16 * 4) & 15);
        let digits = (0..self.len().div_ceil(8) * 2).map(digit);
        let hex = |digit: u64| HEX.get(digit as usize).copied().unwrap_or_default();
        let text = [b'{'].into_iter().chain(length.map(hex)).chain([b'}']).chain(digits.map(hex));
        text.take(LONGEST_LITERAL).collect()
    }
}

/// Shows the length only: the bits are a card's number.
impl fmt::Debug for PacsBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PacsBits({} bits)", self.len)
    }
}

fn bits_of(byte: u8) -> impl Iterator<Item = bool> {
    (0..8).rev().map(move |at| byte >> at & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_and_right_alignment_give_the_same_frame() {
        let left = PacsBits::from_left_aligned(&[0xBD, 0x88, 0xEB, 0x80], 26).unwrap();
        let right = PacsBits::from_right_aligned(&[0x02, 0xF6, 0x23, 0xAE], 26).unwrap();
        assert_eq!(left.to_binary(), "10111101100010001110101110");
        assert_eq!(left, right);
        assert_eq!(left.to_string(), "{26}BD88EB80");
    }

    #[test]
    fn a_frame_of_any_length_is_written_and_read_back() {
        let noise: Vec<u8> = (0..=32_u8).map(|at| at.wrapping_mul(151) ^ 0x5A).collect();
        for len in 0..=MAX_BITS {
            let frame = PacsBits::from_left_aligned(&noise, len).unwrap();
            let bits: Vec<bool> = noise.iter().flat_map(|byte| bits_of(*byte)).take(len).collect();
            assert_eq!(frame, PacsBits::from_bits(bits).unwrap());
            let digits: String = frame.to_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
            assert_eq!(frame.to_string(), format!("{{{len}}}{digits}"));
            assert_eq!(PacsBits::from_left_aligned_exact(&frame.to_bytes(), len), Ok(frame));
            if len % 8 != 0 {
                let mut more = frame.to_bytes();
                *more.last_mut().unwrap() |= 1;
                let beyond = len.next_multiple_of(8) - 1;
                assert_eq!(PacsBits::from_left_aligned_exact(&more, len), Err(BitsError::UnusedBitSet(beyond)));
            }
        }
    }

    #[test]
    fn debug_output_hides_the_bits() {
        let frame = PacsBits::from_left_aligned(&[0xBD, 0x88, 0xEB, 0x80], 26).unwrap();
        assert_eq!(format!("{frame:?}"), "PacsBits(26 bits)");
    }

    #[test]
    fn numbers_cross_word_borders() {
        let frame = PacsBits::from_left_aligned(&[0, 0, 0, 0, 0, 0, 0, 0x0F, 0xF0, 0], 80).unwrap();
        assert_eq!(frame.number(56, 16), 0x0FF0);
    }
}
