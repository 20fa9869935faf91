//! A card format of at most 64 bits, folded into one machine word: what nearly all formats are, and what decoding spends
//! its time on. Decides exactly as [`Format::fit`] does; a test holds the two against each other.
//!
//! In: a format. Out: its [`Test`], which many formats of a length share and a frame is held against once for all of them,
//! and its [`Fields`]. Never: a format that does not fit into a word.

use super::format::{Format, VALUES};

/// The most checks that are folded; a format with more is read by its masks over all 256 bits.
const MOST: usize = 4;

/// What a frame must be for a format to take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Which bits must be so, and how.
    fixed: (u64, u64),
    /// A frame with these bits is another thing. Where there is none such, no word has them.
    never: (u64, u64),
    /// The first bit of every decimal digit.
    digits: u64,
    /// The bits of each parity. Those that are not used cover nothing and hold.
    parities: [u64; MOST],
    /// The parities that are to be odd, one bit each.
    odd: u32,
}

/// Where the fields lie that are bits side by side: how far the word is shifted down, and what is left of it. Those that
/// are not used leave nothing.
#[derive(Debug, Clone, Copy)]
pub struct Fields([(u8, u64); VALUES]);

/// What speaks against the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// That bit must be so, and is not.
    Fixed(u16),
    /// A decimal digit is above nine.
    Digits,
    /// The bits are those of another thing.
    Never,
    /// The parity of that number does not hold.
    Parity(u16),
}

impl Test {
    /// Folds what a format demands; none where it does not fit into one word.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        let (must, wanted) = format.fixed();
        let parities: Vec<(u64, bool)> = format.parities().map(|(mask, odd)| (mask[0], odd)).collect();
        if format.len() > 64 || parities.len() > MOST || parities.len() != format.judged().count() {
            return None;
        }
        let digits = format.fields.iter().map(digits).try_fold(0, |all, one| Some(all | one?))?;
        let never = match format.excluded() {
            [] => (0, 1),
            [(mask, bits)] => (mask[0], bits[0]),
            _ => return None,
        };
        let mut test = Self { fixed: (must[0], wanted[0]), never, digits, parities: [0; MOST], odd: 0 };
        for (at, (slot, (mask, odd))) in test.parities.iter_mut().zip(parities).enumerate() {
            *slot = mask;
            test.odd |= u32::from(odd) << at;
        }
        Some(test)
    }

    /// What speaks against a frame, of which this is the first word; it must have the format's length.
    #[inline]
    #[must_use]
    pub fn against(&self, word: u64) -> Option<Against> {
        let wrong = (word & self.fixed.0) ^ self.fixed.1;
        if wrong != 0 {
            return Some(Against::Fixed(wrong.leading_zeros() as u16));
        }
        // Above nine: the first bit of the digit is set, and its second or its third.
        if word & ((word << 1) | (word << 2)) & self.digits != 0 {
            return Some(Against::Digits);
        }
        if word & self.never.0 == self.never.1 {
            return Some(Against::Never);
        }
        let [first, second, third, fourth] = self.parities;
        let mut held = is_odd(word & first) | is_odd(word & second) << 1;
        if third != 0 {
            held |= is_odd(word & third) << 2 | is_odd(word & fourth) << 3;
        }
        let broken = held ^ self.odd;
        if broken == 0 { None } else { Some(Against::Parity(broken.trailing_zeros() as u16)) }
    }
}

impl Fields {
    /// Folds a format's fields; none where one of them is not bits side by side, within the first word.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        let mut fields = [(0, 0); VALUES];
        if format.fields.len() > VALUES {
            return None;
        }
        for (slot, field) in fields.iter_mut().zip(&format.fields) {
            *slot = run(field)?;
        }
        Some(Self(fields))
    }

    /// The fields of a frame, of which this is the first word.
    #[inline]
    #[must_use]
    pub fn of(&self, word: u64) -> [u64; VALUES] {
        self.0.map(|(shift, mask)| (word >> (shift & 63)) & mask)
    }
}

/// 1 where an odd number of bits is set: folded to every fourth bit, and those added up by a multiplication. Not every
/// machine that this is built for can count bits in one step.
#[inline]
const fn is_odd(word: u64) -> u32 {
    let pairs = word ^ (word >> 1);
    let fours = (pairs ^ (pairs >> 2)) & 0x1111_1111_1111_1111;
    (fours.wrapping_mul(0x1111_1111_1111_1111) >> 60) as u32 & 1
}

/// The first bits of a field's digits, each of whose four bits lie side by side; 0 for a field that can be any number.
fn digits(field: &super::field::Field) -> Option<u64> {
    if !field.bcd && field.is_plain() {
        return Some(0);
    }
    let is_digit = |digit: &[usize]| digit.len() == 4 && digit.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let is_digits = field.bcd && field.is_plain() && field.positions.chunks(4).all(is_digit);
    is_digits.then(|| field.positions.chunks(4).filter_map(|digit| digit.first()).fold(0, |mask, at| mask | 1 << (63 - at)))
}

/// The shift and the mask that leave a field, where its bits lie side by side and every number of them is one.
fn run(field: &super::field::Field) -> Option<(u8, u64)> {
    let last = *field.positions.last()?;
    let is_run = !field.bcd && field.is_plain() && field.positions.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    (is_run && last < 64).then(|| ((63 - last) as u8, u64::MAX >> (64 - field.positions.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::{PacsBits, Reason},
        protocols::Protocols,
    };

    #[test]
    fn a_folded_format_decides_exactly_as_its_masks_do() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut folded = 0;
        for format in Protocols::built_in().formats.iter().map(|format| &format.format) {
            let Some(test) = Test::fold(format) else { continue };
            let fields = Fields::fold(format);
            folded += 1;
            for _ in 0..2000 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let bits = PacsBits::from_left_aligned(&state.to_be_bytes(), format.len()).unwrap();
                let wanted = format.fit(&bits).map_err(|(reason, at)| match reason {
                    Reason::FixedBits => Against::Fixed(at),
                    Reason::Digits => Against::Digits,
                    Reason::Range => Against::Never,
                    _ => Against::Parity(at),
                });
                let word = bits.words()[0];
                let read = || fields.map_or_else(|| format.values(&bits).unwrap(), |fields| fields.of(word));
                let found = test.against(word).map_or_else(|| Ok(read()), Err);
                assert_eq!(found, wanted, "{} {bits}", format.id);
            }
        }
        assert!(folded > 50, "{folded}");
    }
}
