//! Masks over bits: parity as a population count, a field as a gather. Nothing here is allocated once built.

/// One bit for every bit of a frame, bit 0 at the top of the first word.
pub type Mask = [u64; 4];

/// The mask of these positions.
#[must_use]
pub fn mask(positions: impl IntoIterator<Item = usize>) -> Mask {
    let mut mask = [0; 4];
    for at in positions {
        if let Some(word) = mask.get_mut(at / 64) {
            *word |= 1 << (63 - at % 64);
        }
    }
    mask
}

/// True where an odd number of the masked bits is set.
#[inline]
#[must_use]
pub fn odd_parity(words: &Mask, mask: &Mask) -> bool {
    let folded = words.iter().zip(mask).fold(0, |folded, (word, mask)| folded ^ word & mask);
    folded.count_ones() % 2 == 1
}

/// True where the bits under the mask are the wanted ones.
#[inline]
#[must_use]
pub fn same_under(words: &Mask, wanted: &Mask, mask: &Mask) -> bool {
    words.iter().zip(wanted).zip(mask).all(|((word, wanted), mask)| word & mask == *wanted)
}

/// A field's bits as runs within words, most significant first.
#[derive(Debug, Clone, Default)]
pub struct Gather {
    runs: Box<[Run]>,
    bcd: bool,
}

/// Bits next to each other within one word.
#[derive(Debug, Clone, Copy)]
struct Run {
    word: u16,
    /// How far the word is shifted up, so that the run's first bit stands at its top.
    up: u16,
    width: u16,
}

impl Gather {
    /// The gather of a field with these positions, most significant first.
    #[must_use]
    pub fn new(positions: &[usize], bcd: bool) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for (index, at) in positions.iter().enumerate() {
            // A run stays within one word, and within one decimal digit.
            let joins = |run: &Run| {
                usize::from(run.word * 64 + run.up + run.width) == *at && !at.is_multiple_of(64) && !(bcd && index.is_multiple_of(4))
            };
            match runs.last_mut() {
                Some(run) if joins(run) => run.width += 1,
                _ => runs.push(Run { word: (at / 64) as u16, up: (at % 64) as u16, width: 1 }),
            }
        }
        Self { runs: runs.into(), bcd }
    }

    /// The value, or its low 64 bits; none where a decimal digit is above nine.
    #[inline]
    #[must_use]
    pub fn low_64(&self, words: &Mask) -> Option<u64> {
        match &*self.runs {
            _ if self.bcd => self.decimal(words).map(|value| value as u64),
            [run] => Some(run.of(words)),
            runs => Some(runs.iter().fold(0, |value, run| value << (run.width % 64) | run.of(words))),
        }
    }

    /// The whole value, up to 128 bits; none where a decimal digit is above nine.
    #[must_use]
    pub fn number(&self, words: &Mask) -> Option<u128> {
        if self.bcd {
            return self.decimal(words);
        }
        Some(self.runs.iter().fold(0, |value, run| value << run.width | u128::from(run.of(words))))
    }

    /// Digits may be scattered: bits are collected until four make a digit.
    fn decimal(&self, words: &Mask) -> Option<u128> {
        let (mut value, mut digit, mut held) = (0_u128, 0_u64, 0);
        for run in &self.runs {
            digit = digit << run.width | run.of(words);
            held += run.width;
            if held == 4 {
                if digit > 9 {
                    return None;
                }
                value = value * 10 + u128::from(digit);
                (digit, held) = (0, 0);
            }
        }
        Some(value)
    }
}

impl Run {
    #[inline]
    fn of(self, words: &Mask) -> u64 {
        let word = words.get(usize::from(self.word)).copied().unwrap_or(0);
        (word << self.up) >> (64 - self.width)
    }
}
