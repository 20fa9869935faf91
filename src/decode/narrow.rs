//! A card format of at most 64 bits, folded into machine words: what nearly all formats are, and what decoding spends its
//! time on.
//!
//! In: a format. Out: its [`Test`] and its [`Fields`]. Never: a format that does not fit into a word, or whose numbers have
//! limits, or which has a sum; such a format tests itself.

use super::{
    drawing::{Check, CheckKind},
    field::Field,
    format::{Format, VALUES},
};

/// What a frame must be for a format to take it.
#[derive(Debug, Clone)]
pub struct Test {
    /// Which bits must be so, and how.
    pub fixed: (u64, u64),
    /// A frame with these bits is another thing. Where there is none such, no word has them.
    pub never: (u64, u64),
    /// The first bit of every decimal digit.
    pub digits: u64,
    /// The parities to hold: the bits of each, its own among them, and whether their number is odd.
    pub parities: Vec<(u64, bool)>,
    /// The checksums with a carry.
    pub carried: Vec<Carried>,
}

/// A checksum with a carry: each of its eight bits with the bits it is taken over, the last bit first.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    /// What the exclusive or is taken over.
    pub covers: [u64; 8],
    /// Its own bits.
    pub own: [u64; 8],
}

/// How a format reads its numbers from one word.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// Of a field whose bits lie side by side: how far the word is shifted down, and what is left of it then. Nothing is
    /// left for any other, or for none.
    runs: [(u8, u64); VALUES],
    /// The pieces of all others.
    pieces: Vec<Piece>,
}

/// Bits side by side that are a part of a field: a decimal digit, or what lies between two gaps.
#[derive(Debug, Clone, Copy)]
struct Piece {
    field: u8,
    shift: u8,
    mask: u64,
    /// What one of them counts in the field's number.
    weight: u64,
}

impl Test {
    /// Folds what a format demands.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        let (must, wanted) = format.fixed();
        if format.len() > 64 || format.judged().any(|check| check.kind == CheckKind::Sum8) {
            return None;
        }
        let digits = format.fields.iter().map(digits).try_fold(0, |all, one| Some(all | one?))?;
        let never = match format.excluded() {
            [] => (0, 1),
            [(mask, bits)] => (mask[0], bits[0]),
            _ => return None,
        };
        let parities = format.parities().map(|(mask, odd)| (mask[0], odd)).collect();
        let carried = format.judged().filter(|check| check.kind == CheckKind::Xor8Bumped).map(carried).collect();
        Some(Self { fixed: (must[0], wanted[0]), never, digits, parities, carried })
    }
}

impl Fields {
    /// Folds a format's fields.
    #[must_use]
    pub fn fold(format: &Format) -> Option<Self> {
        if format.fields.len() > VALUES || format.len() > 64 || !format.fields.iter().all(Field::is_plain) {
            return None;
        }
        let mut folded = Self::default();
        for ((at, field), slot) in (0..).zip(format.fields.iter()).zip(&mut folded.runs) {
            let pieces = pieces(at, field);
            match pieces.as_slice() {
                [Piece { shift, mask, weight: 1, .. }] => *slot = (*shift, *mask),
                _ => folded.pieces.extend(pieces),
            }
        }
        Some(folded)
    }

    /// The fields of a frame, of which this is the first word.
    #[inline]
    #[must_use]
    pub fn of(&self, word: u64) -> [u64; VALUES] {
        let mut values = self.runs.map(|(shift, mask)| (word >> (shift & 63)) & mask);
        for piece in &self.pieces {
            if let Some(value) = values.get_mut(usize::from(piece.field)) {
                *value += ((word >> (piece.shift & 63)) & piece.mask) * piece.weight;
            }
        }
        values
    }
}

fn carried(check: &Check) -> Carried {
    let bit = |at: &usize| 1_u64.checked_shl(63_u32.saturating_sub(*at as u32)).unwrap_or(0);
    let mut folded = Carried { covers: [0; 8], own: [0; 8] };
    for (at, slot) in folded.covers.iter_mut().rev().enumerate() {
        *slot = check.covers.iter().skip(at).step_by(8).fold(0, |mask, place| mask | bit(place));
    }
    for (slot, place) in folded.own.iter_mut().rev().zip(&check.own) {
        *slot = bit(place);
    }
    folded
}

/// The first bits of a field's digits, each of whose four bits lie side by side; 0 for a field that can be any number.
fn digits(field: &Field) -> Option<u64> {
    if !field.bcd && field.is_plain() {
        return Some(0);
    }
    let is_digit = |digit: &[usize]| digit.len() == 4 && digit.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let is_digits = field.bcd && field.is_plain() && field.positions.chunks(4).all(is_digit);
    is_digits.then(|| field.positions.chunks(4).filter_map(|digit| digit.first()).fold(0, |mask, at| mask | 1 << (63 - at)))
}

/// A field's bits as pieces.
fn pieces(field: u8, of: &Field) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (place, at) in of.positions.iter().rev().enumerate() {
        let shift = 63_usize.saturating_sub(*at) as u8;
        let is_next = |piece: &Piece| usize::from(piece.shift) + piece.mask.count_ones() as usize == usize::from(shift);
        match pieces.last_mut() {
            Some(piece) if is_next(piece) && !(of.bcd && place.is_multiple_of(4)) => piece.mask = piece.mask << 1 | 1,
            _ => {
                let weight = if of.bcd { 10_u64.saturating_pow(place as u32 / 4) } else { 1_u64.checked_shl(place as u32).unwrap_or(0) };
                pieces.push(Piece { field, shift, mask: 1, weight });
            }
        }
    }
    pieces
}
