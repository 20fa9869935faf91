//! A card format of at most 64 bits, folded into one machine word: what nearly all formats are, and what decoding spends
//! its time on. Decides exactly as [`Format::fit`] does; a test holds the two against each other.

use super::format::{Format, MAX_FIELDS};

/// The most checks and fields that are folded; a format with more is read by its masks over all 256 bits.
const MOST: usize = 4;

/// A folded format.
#[derive(Debug, Clone, Copy)]
pub struct Narrow {
    /// Which bits must be so, and how.
    fixed: (u64, u64),
    /// A frame with these bits is another thing. Where there is none such, no word has them.
    never: (u64, u64),
    /// The bits of each parity. Those that are not used cover nothing and hold.
    parities: [u64; MOST],
    /// The parities that are to be odd, one bit each.
    odd: u32,
    /// The first bit of every decimal digit.
    digits: u64,
    /// How far the word is shifted up and down again to leave each field.
    fields: [(u8, u8); MOST],
    count: u8,
    /// Which test of its length this is: many formats have the same checks, and a frame is held against them once.
    slot: u8,
}

/// What speaks against the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// A bit that must be so is not.
    Fixed,
    /// The parity of that number does not hold.
    Parity(u16),
    /// The bits are those of another thing.
    Never,
    /// A decimal digit is above nine.
    Digits,
}

impl Narrow {
    /// Folds a format; none where it does not fit into one word.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        let (must, wanted) = format.fixed();
        let parities: Vec<(u64, bool)> = format.parities().map(|(mask, odd)| (mask[0], odd)).collect();
        if format.len() > 64 || parities.len() > MOST || parities.len() != format.judged().count() || format.fields.len() > MOST {
            return None;
        }
        let runs: Option<Vec<(u8, u8)>> = format.fields.iter().map(run).collect();
        let digits: u64 = if runs.is_some() { 0 } else { format.fields.iter().map(digits).try_fold(0, |all, one| Some(all | one?))? };
        let never = match format.excluded() {
            [] => (0, 1),
            [(mask, bits)] => (mask[0], bits[0]),
            _ => return None,
        };
        // What is not a run is read by the format itself, once nothing speaks against it.
        let count = runs.as_ref().map_or(u8::MAX, |runs| runs.len() as u8);
        let (fixed, odd, slot) = ((must[0], wanted[0]), 0, u8::MAX);
        let mut narrow = Self { fixed, never, parities: [0; MOST], odd, digits, fields: [(0, 63); MOST], count, slot };
        for (at, (slot, (mask, odd))) in narrow.parities.iter_mut().zip(parities).enumerate() {
            *slot = mask;
            narrow.odd |= u32::from(odd) << at;
        }
        for (slot, run) in narrow.fields.iter_mut().zip(runs.unwrap_or_default()) {
            *slot = run;
        }
        Some(narrow)
    }

    /// True where the other format's fixed bits and checks are just these.
    #[must_use]
    pub fn tests_as(&self, other: &Self) -> bool {
        (self.fixed, self.never, self.digits, self.parities, self.odd)
            == (other.fixed, other.never, other.digits, other.parities, other.odd)
    }

    /// The place of its test among those of its length.
    #[inline]
    #[must_use]
    pub const fn slot(&self) -> usize {
        self.slot as usize
    }

    /// Gives its test a place.
    pub fn place(&mut self, slot: usize) {
        self.slot = u8::try_from(slot).unwrap_or(u8::MAX);
    }

    /// What speaks against a frame, of which this is the first word; it must have the format's length.
    #[inline]
    #[must_use]
    pub fn against(&self, word: u64) -> Option<Against> {
        if word & self.fixed.0 != self.fixed.1 {
            return Some(Against::Fixed);
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

    /// The fields of a frame that nothing speaks against; none where the format reads them itself.
    #[inline]
    #[must_use]
    pub fn values(&self, word: u64) -> Option<[u64; MAX_FIELDS]> {
        if usize::from(self.count) > MOST {
            return None;
        }
        let mut values = [0; MAX_FIELDS];
        for (value, (up, down)) in values.iter_mut().zip(self.fields).take(usize::from(self.count)) {
            *value = (word << up) >> down;
        }
        Some(values)
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

/// The first bits of a field's digits, each of whose four bits lie side by side; 0 for a field that is a run.
fn digits(field: &super::field::Field) -> Option<u64> {
    if run(field).is_some() {
        return Some(0);
    }
    let is_digit = |digit: &[usize]| digit.len() == 4 && digit.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let is_digits = field.bcd && field.is_plain() && field.positions.chunks(4).all(is_digit);
    is_digits.then(|| field.positions.chunks(4).filter_map(|digit| digit.first()).fold(0, |mask, at| mask | 1 << (63 - at)))
}

/// The shifts that leave a field, where its bits lie side by side and are no decimal digits.
fn run(field: &super::format::Field) -> Option<(u8, u8)> {
    let (first, last) = (*field.positions.first()?, *field.positions.last()?);
    let is_run = !field.bcd && field.is_plain() && field.positions.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    (is_run && last < 64).then(|| (first as u8, (63 - (last - first)) as u8))
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
            let Some(narrow) = Narrow::fold(format) else { continue };
            folded += 1;
            for _ in 0..2000 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let bits = PacsBits::from_left_aligned(&state.to_be_bytes(), format.len()).unwrap();
                let wanted = format.fit(&bits).map_err(|(reason, at)| match reason {
                    Reason::FixedBits => Against::Fixed,
                    Reason::Digits => Against::Digits,
                    Reason::Range => Against::Never,
                    _ => Against::Parity(at),
                });
                let word = bits.words()[0];
                let found =
                    narrow.against(word).map_or_else(|| Ok(narrow.values(word).unwrap_or_else(|| format.values(&bits).unwrap())), Err);
                assert_eq!(found, wanted, "{} {bits}", format.id);
            }
        }
        assert!(folded > 50, "{folded}");
    }
}
