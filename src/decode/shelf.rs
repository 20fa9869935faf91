//! All formats of one kind and length, and which of them a frame fits, found at once. Decides exactly as [`Format::fit`]
//! does; a test holds the two against each other.
//!
//! Each parity is a sum of the frame's bits, so all parities of all formats together are a sum of what each four bits bring
//! along: a handful of look-ups says of every parity of the length whether it holds. What is left for each format is to
//! pick its own out of them, beside its fixed bits.
//!
//! In: formats, sorted, then frames. Out: fits, in the order of the formats. Never: why the others do not fit, which the
//! format itself says; anything allocated for a frame once the list is long enough.

use super::{
    format::{CompactFit, Format},
    narrow::{Fields, Test},
};
use crate::card::PacsBits;

/// The formats of one kind and length.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What each four bits of the frame's word turn over among the parities, first sent first.
    tables: Vec<[u64; 16]>,
    /// The parities that do not hold where all bits are 0.
    odd: u64,
    /// Where the sixteen sums of a checksum with a carry begin.
    carried: Vec<u32>,
    /// What each format demands, in the order of the formats.
    demands: Vec<Demand>,
    /// What few of them demand besides.
    rarities: Vec<Rarity>,
    /// The fields of each; none of a format that tests itself.
    fields: Vec<Option<Fields>>,
    /// The number of the first format.
    from: u16,
}

/// What a format demands of a frame: bits that must be so, and how, and which parities of the shelf must hold.
#[derive(Debug, Clone, Copy, Default)]
struct Demand {
    must: u64,
    wanted: u64,
    parities: u64,
}

/// What a format demands of decimal digits, and a frame that is another thing.
#[derive(Debug, Clone, Copy)]
struct Rarity {
    format: usize,
    digits: u64,
    never: (u64, u64),
}

/// So many formats are looked at at once.
const AT_ONCE: usize = 64;

impl Shelf {
    /// Builds the shelf of formats of one length, of which the first one has the number `from`.
    #[must_use]
    pub fn new<'a>(formats: impl Iterator<Item = &'a Format>, from: u16) -> Self {
        let mut shelf = Self { from, ..Self::default() };
        let mut sums = Vec::new();
        for format in formats {
            let folded = Fields::fold(format).and_then(|fields| Some((fields, shelf.fold(&Test::fold(format)?, &mut sums)?)));
            let (fields, demand) = folded.unzip();
            shelf.fields.push(fields);
            shelf.demands.push(demand.unwrap_or_default());
        }
        let brought = |nibble: usize, bits: usize| brought(&sums, (bits as u64) << (60 - 4 * nibble));
        let tables = (0..16).map(|nibble| std::array::from_fn(|bits| brought(nibble, bits)));
        shelf.tables = if sums.is_empty() { Vec::new() } else { tables.collect() };
        shelf
    }

    /// Adds a test's parities to the sums of the shelf; none where there is no room left for them.
    fn fold(&mut self, test: &Test, sums: &mut Vec<u64>) -> Option<Demand> {
        if sums.len() + test.parities.len() + 16 * test.carried.len() > 64 {
            return None;
        }
        let mut parities = 0;
        for (mask, odd) in &test.parities {
            parities |= 1 << sums.len();
            self.odd |= u64::from(*odd) << sums.len();
            sums.push(*mask);
        }
        for carried in &test.carried {
            // What is found of all sixteen is told by the first of them.
            parities |= 1 << sums.len();
            self.carried.push(sums.len() as u32);
            sums.extend(carried.covers.iter().chain(&carried.own));
        }
        if test.digits != 0 || test.never.0 != 0 {
            self.rarities.push(Rarity { format: self.demands.len(), digits: test.digits, never: test.never });
        }
        Some(Demand { must: test.fixed.0, wanted: test.fixed.1, parities })
    }

    /// The formats that frames of this length are held against, by number.
    #[must_use]
    pub fn formats(&self) -> std::ops::Range<u16> {
        self.from..self.from + self.demands.len() as u16
    }

    /// Lays every format over bits of this length; `all` has the formats by number.
    #[inline]
    pub fn lay(&self, all: &[(Format, crate::card::Kind)], bits: &PacsBits, fits: &mut Vec<CompactFit>) {
        let word = bits.words()[0];
        let broken = self.broken(word);
        let mut from = 0;
        for demands in self.demands.chunks(AT_ONCE) {
            let mut fitting = 0_u64;
            for (at, demand) in demands.iter().enumerate() {
                let wrong = ((word & demand.must) ^ demand.wanted) | (broken & demand.parities);
                fitting |= u64::from(wrong == 0) << at;
            }
            for rarity in &self.rarities {
                fitting &= !(u64::from(rarity.refuses(word)).checked_shl(rarity.format.wrapping_sub(from) as u32).unwrap_or(0));
            }
            while fitting != 0 {
                let at = from + fitting.trailing_zeros() as usize;
                fitting &= fitting - 1;
                fits.extend(self.fit(at, all, bits));
            }
            from += AT_ONCE;
        }
    }

    /// Which parities do not hold.
    #[inline]
    fn broken(&self, word: u64) -> u64 {
        let mut broken = self.odd;
        let mut left = word;
        for table in &self.tables {
            left = left.rotate_left(4);
            broken ^= table.get((left & 15) as usize).copied().unwrap_or(0);
        }
        for first in &self.carried {
            let (folded, own) = ((broken >> first) as u8, (broken >> first >> 8) as u8);
            let wanted = folded.wrapping_add(u8::from(folded & 0x0F == 0x0F));
            broken = broken & !(0xFFFF << first) | u64::from(own != wanted) << first;
        }
        broken
    }

    /// The fields of a format of this shelf that nothing speaks against, or its own verdict where it tests itself.
    #[inline]
    fn fit(&self, at: usize, all: &[(Format, crate::card::Kind)], bits: &PacsBits) -> Option<CompactFit> {
        let number = self.from + at as u16;
        let values = match self.fields.get(at)? {
            Some(fields) => fields.of(bits.words()[0]),
            None => all.get(usize::from(number))?.0.fit(bits).ok()?,
        };
        Some(CompactFit { format: number, values })
    }
}

impl Rarity {
    /// A decimal digit is above nine where its first bit is set, and its second or its third.
    #[inline]
    const fn refuses(&self, word: u64) -> bool {
        word & ((word << 1) | (word << 2)) & self.digits != 0 || word & self.never.0 == self.never.1
    }
}

/// Which of the sums these bits turn over.
fn brought(sums: &[u64], bits: u64) -> u64 {
    sums.iter().enumerate().fold(0, |brought, (at, mask)| brought | u64::from((bits & mask).count_ones() & 1) << at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::Kind,
        decode::{catalog::Catalog, drawing::Drawing},
        protocols::Protocols,
    };

    /// Lays a format over frames, each bit of half of them taken from a frame that fits, so that every check is met.
    fn hold(format: &Format, state: &mut u64) {
        let catalog = Catalog::new([(format.clone(), vec![Kind::Wiegand])]);
        let mut laid = Vec::new();
        let mut last = PacsBits::zeros(format.len());
        for round in 0..1500 {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            let random = [*state, state.rotate_left(17), state.rotate_left(31), state.rotate_left(47)].map(u64::to_be_bytes).concat();
            let mut bits = PacsBits::from_left_aligned(&random, format.len()).unwrap();
            if round % 3 == 0 {
                // What the format itself would write for these numbers, and then with one bit turned over.
                bits = format.encode(&format.credential(&bits)).unwrap_or(bits);
            } else if round % 3 == 1 {
                bits = last.flipped(*state as usize % format.len());
            }
            last = bits;
            catalog.lay(Kind::Wiegand, &bits, &mut laid);
            let fits: Vec<_> = laid.iter().map(|fit| fit.values).collect();
            assert_eq!(fits, format.fit(&bits).into_iter().collect::<Vec<_>>(), "{} {bits}", format.id);
        }
    }

    #[test]
    fn a_format_on_a_shelf_decides_exactly_as_its_masks_do() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let protocols = Protocols::built_in();
        let formats = || protocols.formats.iter().flat_map(|format| format.formats());
        formats().for_each(|format| hold(format, &mut state));
        assert!(formats().filter(|format| Test::fold(format).is_some()).count() > 100);
    }

    #[test]
    fn formats_that_find_no_room_on_a_shelf_test_themselves() {
        let layout = format!(
            "{}N\n{}",
            "P".repeat(20),
            (0..20).map(|at| format!("{}E{}X\n", ".".repeat(at), ".".repeat(19 - at))).collect::<String>()
        );
        let drawing = Drawing::parse(&layout).unwrap();
        let format = |id: String| Format::compile(id.into(), std::sync::Arc::from([]), drawing.clone(), Vec::new());
        // Each of them differs from the others in a bit that must not be so.
        let formats: Vec<Format> = (0..5).map(|at| format(format!("f{at}")).never(&[(at, true), (at + 1, false)])).collect();
        let catalog = Catalog::new(formats.iter().map(|format| (format.clone(), vec![Kind::Wiegand])));
        let mut laid = Vec::new();
        for number in (0..1_u64 << 21).step_by(97) {
            let bits = PacsBits::from_left_aligned(&(number << 43).to_be_bytes(), 21).unwrap();
            catalog.lay(Kind::Wiegand, &bits, &mut laid);
            assert_eq!(laid.len(), formats.iter().filter(|format| format.fit(&bits).is_ok()).count(), "{bits}");
        }
    }
}
