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
    /// The bits of each parity. Those that are not used cover nothing and hold.
    parities: [u64; MOST],
    /// The parities that are to be odd, one bit each.
    odd: u32,
    /// How far the word is shifted up and down again to leave each field.
    fields: [(u8, u8); MOST],
    count: u8,
}

/// What speaks against the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// A bit that must be so is not.
    Fixed,
    /// The parity of that number does not hold.
    Parity(u16),
}

impl Narrow {
    /// Folds a format; none where it does not fit into one word.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        let (must, wanted) = format.fixed();
        let parities: Vec<(u64, bool)> = format.parities().map(|(mask, odd)| (mask[0], odd)).collect();
        let runs: Option<Vec<(u8, u8)>> = format.fields.iter().map(run).collect();
        let runs = runs.filter(|runs| runs.len() <= MOST)?;
        if format.len() > 64 || parities.len() > MOST || parities.len() != format.drawing().checks.len() {
            return None;
        }
        let mut narrow =
            Self { fixed: (must[0], wanted[0]), parities: [0; MOST], odd: 0, fields: [(0, 63); MOST], count: runs.len() as u8 };
        for (at, (slot, (mask, odd))) in narrow.parities.iter_mut().zip(parities).enumerate() {
            *slot = mask;
            narrow.odd |= u32::from(odd) << at;
        }
        for (slot, run) in narrow.fields.iter_mut().zip(runs) {
            *slot = run;
        }
        Some(narrow)
    }

    /// Lays the format over a frame's first word; the frame must have the format's length.
    ///
    /// # Errors
    /// The first thing against it.
    #[inline]
    pub fn fit(&self, word: u64) -> Result<[u64; MAX_FIELDS], Against> {
        if word & self.fixed.0 != self.fixed.1 {
            return Err(Against::Fixed);
        }
        let held = self.parities.iter().rev().fold(0, |bits, mask| (bits << 1) | ((word & mask).count_ones() % 2));
        let broken = held ^ self.odd;
        if broken != 0 {
            return Err(Against::Parity(broken.trailing_zeros() as u16));
        }
        let mut values = [0; MAX_FIELDS];
        for (value, (up, down)) in values.iter_mut().zip(self.fields).take(usize::from(self.count)) {
            *value = (word << up) >> down;
        }
        Ok(values)
    }
}

/// The shifts that leave a field, where its bits lie side by side and are no decimal digits.
fn run(field: &super::format::Field) -> Option<(u8, u8)> {
    let (first, last) = (*field.positions.first()?, *field.positions.last()?);
    let is_run = !field.bcd && field.most.is_none() && field.positions.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
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
                    _ => Against::Parity(at),
                });
                assert_eq!(narrow.fit(bits.words()[0]), wanted, "{} {bits}", format.id);
            }
        }
        assert!(folded > 50, "{folded}");
    }
}
