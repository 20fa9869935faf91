//! A card format: its drawing folded into masks, read in both directions.
//!
//! In: bits, and out come the numbers or the reason why not; or numbers, and out come the bits. A compiled format is a
//! nom [`Parser`] over bits. Never: a word for people on the way; fits and refusals are small values, and words are
//! made when they are shown.

use std::sync::Arc;

use nom::{Err, Mode, OutputMode, PResult, Parser, error::ErrorKind, error::ParseError};

use super::drawing::{Cell, Drawing};
use crate::card::{Checks, Credential, PacsBits, Reason};

/// The most fields a format can have.
pub const MAX_FIELDS: usize = 8;

/// One field of a format: where its bits lie and how they make a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `facility_code`, `card_number`, `issue_code`, `oem_code`, or a name of the format's own.
    pub name: Arc<str>,
    /// The positions of its bits, most significant first.
    pub positions: Vec<usize>,
    /// Four bits are one decimal digit.
    pub bcd: bool,
}

/// A card format, compiled.
#[derive(Debug, Clone)]
pub struct Format {
    /// Its id, unique among all.
    pub id: Arc<str>,
    /// The names other tools have for it.
    pub aliases: Arc<[String]>,
    /// What it reads, in the order of the file.
    pub fields: Vec<Field>,
    drawing: Drawing,
    fixed: (Mask, Mask),
    checks: Vec<(Mask, bool)>,
    gathers: Vec<Gather>,
}

/// A format's fit: small, copied, without words. Field `n` of the format is `values[n]`; of a field wider than 64 bits
/// only the low 64 ([`Format::credential`] reads all of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactFit {
    /// The format, as the catalog numbers it.
    pub format: u16,
    /// The fields' values.
    pub values: [u64; MAX_FIELDS],
}

/// A format's refusal: small, copied, without words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactRefusal {
    /// The format, as the catalog numbers it.
    pub format: u16,
    /// Why.
    pub reason: Reason,
    /// Which bit (fixed bits), field (digits) or check (parity), counted from 0.
    pub at: u16,
}

/// Why numbers cannot be written in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The value is wider than its field.
    #[error("{field} is {value}, and {format} holds at most {max}")]
    TooLarge {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
        /// The value asked for.
        value: u128,
        /// The largest value.
        max: u128,
    },
    /// The format needs a field that was not given.
    #[error("{format} needs {field}, and it was not given")]
    Missing {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
    },
    /// The format has no such field.
    #[error("{format} has no {field}; its fields are {known}")]
    Unknown {
        /// The format's id.
        format: Arc<str>,
        /// The name given.
        field: String,
        /// What the format has.
        known: String,
    },
}

type Mask = [u64; 4];

/// A field's bits as runs, most significant first.
#[derive(Debug, Clone, Default)]
struct Gather {
    runs: Vec<(u16, u16)>,
    bcd: bool,
}

impl Format {
    /// Folds a drawing into masks. The fields' positions must lie within the drawing; loaders see to that.
    #[must_use]
    pub fn compile(id: Arc<str>, aliases: Arc<[String]>, drawing: Drawing, fields: Vec<Field>) -> Self {
        let fixed = |wanted: &[Cell]| mask(places(&drawing.cells, |cell| wanted.contains(&cell)));
        let fixed = (fixed(&[Cell::Fixed(false), Cell::Fixed(true)]), fixed(&[Cell::Fixed(true)]));
        let checks = drawing.checks.iter().map(|check| (mask(check.covers.iter().copied().chain([check.at])), check.odd)).collect();
        let gathers = fields.iter().map(Gather::new).collect();
        Self { id, aliases, fields, drawing, fixed, checks, gathers }
    }

    /// The format as it looks through a reader that takes the check bits away; none where there are none.
    #[must_use]
    pub fn stripped(&self) -> Option<Self> {
        let drawing = self.drawing.stripped()?;
        let moved = |at: &usize| at - self.drawing.checks.iter().filter(|check| check.at < *at).count();
        let fields =
            self.fields.iter().map(|field| Field { positions: field.positions.iter().map(moved).collect(), ..field.clone() }).collect();
        Some(Self::compile(self.id.clone(), self.aliases.clone(), drawing, fields))
    }

    /// The number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drawing.cells.len()
    }

    /// True for a format of no bits, which no loader lets through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drawing.cells.is_empty()
    }

    /// The drawing.
    #[must_use]
    pub const fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    /// The checks on a frame that fits: all present, all passed.
    #[must_use]
    pub fn checks(&self) -> Checks {
        let present = u8::try_from(self.checks.len()).unwrap_or(u8::MAX);
        Checks { present, passed: present }
    }

    /// The chance that random bits of this length fit: one half for every check and every bit that must be so, ten in
    /// sixteen for every decimal digit.
    #[must_use]
    pub fn odds(&self) -> f64 {
        let fixed = places(&self.drawing.cells, |cell| matches!(cell, Cell::Fixed(_))).count();
        let digits: usize = self.fields.iter().filter(|field| field.bcd).map(|field| field.positions.len() / 4).sum();
        0.5_f64.powi((self.checks.len() + fixed) as i32) * 0.625_f64.powi(digits as i32)
    }

    /// Lays the format over the bits.
    ///
    /// # Errors
    /// The first reason against it, and which bit, field or check says so.
    #[inline]
    pub fn fit(&self, bits: &PacsBits) -> Result<[u64; MAX_FIELDS], (Reason, u16)> {
        if bits.len() != self.len() {
            return Err((Reason::Length, 0));
        }
        let words = bits.words();
        if !same_under(words, &self.fixed.1, &self.fixed.0) {
            return Err((Reason::FixedBits, self.wrong_fixed_bit(bits)));
        }
        let mut values = [0; MAX_FIELDS];
        for (at, (value, gather)) in values.iter_mut().zip(&self.gathers).enumerate() {
            *value = gather.low_64(words).ok_or((Reason::Digits, at as u16))?;
        }
        match self.checks.iter().position(|(mask, odd)| odd_parity(words, mask) != *odd) {
            Some(at) => Err((Reason::Parity, at as u16)),
            None => Ok(values),
        }
    }

    /// Everything the format reads in bits that fit it.
    #[must_use]
    pub fn credential(&self, bits: &PacsBits) -> Credential {
        let mut credential = Credential::default();
        for (field, gather) in self.fields.iter().zip(&self.gathers) {
            credential.set(&field.name, gather.number(bits).unwrap_or_default());
        }
        credential
    }

    /// The bits of a credential: the same drawing, read backwards. Carried bits are 0. An issue or OEM code that is not
    /// given is 0.
    ///
    /// # Errors
    /// A value that is too large, missing, or has no place in this format.
    pub fn encode(&self, credential: &Credential) -> Result<PacsBits, EncodeError> {
        if let Some((name, _)) = credential.numbers().find(|(name, _)| !self.fields.iter().any(|field| &*field.name == *name)) {
            return Err(self.unknown(name));
        }
        let mut bits = PacsBits::zeros(self.len());
        for at in places(&self.drawing.cells, |cell| cell == Cell::Fixed(true)) {
            bits.set(at, true);
        }
        for field in &self.fields {
            let value = self.value_of(field, credential)?;
            field.write(value, &mut bits);
        }
        for check in &self.drawing.checks {
            let ones = check.covers.iter().filter(|at| bits.get(**at)).count();
            bits.set(check.at, (ones % 2 == 1) != check.odd);
        }
        Ok(bits)
    }

    /// True where encoding writes a 0 that a real card may not carry.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.drawing.cells.contains(&Cell::Carried)
    }

    /// True where this format fits every frame that the other one fits: it has no decimal digits of its own, and each of
    /// its checks and fixed bits is one of the other's too.
    #[must_use]
    pub fn always_fits_where(&self, other: &Self) -> bool {
        let checks = self.checks.iter().all(|check| other.checks.contains(check));
        let same_fixed = self.fixed.0.iter().zip(&other.fixed.0).all(|(own, others)| own & others == *own)
            && self.fixed.1.iter().zip(&other.fixed.1).zip(&self.fixed.0).all(|((own, others), mask)| *own == others & mask);
        self.len() == other.len() && checks && same_fixed && !self.fields.iter().any(|field| field.bcd)
    }

    /// A refusal's reason in words, with bit positions counted from 0 in transmission order.
    #[must_use]
    pub fn detail(&self, reason: Reason, at: u16) -> String {
        let at = usize::from(at);
        match reason {
            Reason::Length => format!("it has {} bits", self.len()),
            Reason::FixedBits => {
                let wanted = u8::from(self.drawing.cells.get(at) == Some(&Cell::Fixed(true)));
                format!("bit {at} is {}, and it must be {wanted}", 1 - wanted)
            }
            Reason::Digits => {
                let name = self.fields.get(at).map_or("a field", |field| &*field.name);
                format!("a decimal digit of {name} is above 9")
            }
            Reason::Parity | Reason::Checksum => self.drawing.checks.get(at).map_or_else(String::new, |check| {
                let kind = if check.odd { "odd" } else { "even" };
                let (from, to) = (check.covers.iter().min().unwrap_or(&0), check.covers.iter().max().unwrap_or(&0));
                format!("bit {}, {kind} parity over {} bits from {from} to {to}, does not hold", check.at, check.covers.len())
            }),
            Reason::Range => "a value lies outside what the format allows".to_owned(),
        }
    }

    fn wrong_fixed_bit(&self, bits: &PacsBits) -> u16 {
        let wrong = |(at, cell): &(usize, &Cell)| matches!(cell, Cell::Fixed(wanted) if bits.get(*at) != *wanted);
        self.drawing.cells.iter().enumerate().find(wrong).map_or(0, |(at, _)| at as u16)
    }

    fn value_of(&self, field: &Field, credential: &Credential) -> Result<u128, EncodeError> {
        let optional = matches!(&*field.name, "issue_code" | "oem_code");
        let value = match credential.number(&field.name) {
            Some(value) => value,
            None if optional => 0,
            None => return Err(EncodeError::Missing { format: self.id.clone(), field: field.name.clone() }),
        };
        let max = field.max();
        if value > max {
            return Err(EncodeError::TooLarge { format: self.id.clone(), field: field.name.clone(), value, max });
        }
        Ok(value)
    }

    fn unknown(&self, name: &str) -> EncodeError {
        let known = self.fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", ");
        EncodeError::Unknown { format: self.id.clone(), field: name.to_owned(), known }
    }
}

impl Field {
    /// The largest value: its width in bits, or in digits.
    #[must_use]
    pub fn max(&self) -> u128 {
        let width = self.positions.len() as u32;
        if self.bcd { 10_u128.saturating_pow(width / 4) - 1 } else { 1_u128.checked_shl(width).map_or(u128::MAX, |top| top - 1) }
    }

    fn write(&self, value: u128, bits: &mut PacsBits) {
        let mut coded = value;
        if self.bcd {
            let digits = self.positions.len() / 4;
            coded = (0..digits).fold(0, |coded, at| coded | (value / 10_u128.pow(at as u32) % 10) << (4 * at));
        }
        for (at, position) in self.positions.iter().rev().enumerate() {
            bits.set(*position, coded >> at & 1 == 1);
        }
    }
}

/// A compiled format reads bits as any nom parser reads its input: it takes all of them or refuses.
impl Parser<PacsBits> for &Format {
    type Output = [u64; MAX_FIELDS];
    type Error = FitError;

    fn process<OM: OutputMode>(&mut self, input: PacsBits) -> PResult<OM, PacsBits, Self::Output, Self::Error> {
        match self.fit(&input) {
            Ok(values) => Ok((PacsBits::default(), OM::Output::bind(|| values))),
            Err((reason, at)) => Err(Err::Error(OM::Error::bind(|| FitError { reason, at }))),
        }
    }
}

/// What the nom parser says of bits that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FitError {
    /// Why.
    pub reason: Reason,
    /// Which bit, field or check says so.
    pub at: u16,
}

impl ParseError<PacsBits> for FitError {
    fn from_error_kind(_: PacsBits, _: ErrorKind) -> Self {
        Self { reason: Reason::Length, at: 0 }
    }

    fn append(_: PacsBits, _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl Gather {
    fn new(field: &Field) -> Self {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for (index, at) in field.positions.iter().enumerate() {
            // A run stays within one word, and within one digit.
            let joins = |(start, width): &(u16, u16)| usize::from(start + width) == *at && at % 64 != 0 && !(field.bcd && index % 4 == 0);
            match runs.last_mut() {
                Some(run) if joins(run) => run.1 += 1,
                _ => runs.push((*at as u16, 1)),
            }
        }
        Self { runs, bcd: field.bcd }
    }

    /// The value, or its low 64 bits; none where a digit is above nine.
    #[inline]
    fn low_64(&self, words: &Mask) -> Option<u64> {
        if self.bcd {
            return self.decimal(|start, width| run(words, start, width)).map(|value| value as u64);
        }
        Some(
            self.runs
                .iter()
                .fold(0_u64, |value, (start, width)| value.checked_shl(u32::from(*width)).unwrap_or(0) | run(words, *start, *width)),
        )
    }

    fn number(&self, bits: &PacsBits) -> Option<u128> {
        let words = bits.words();
        if self.bcd {
            return self.decimal(|start, width| run(words, start, width));
        }
        Some(self.runs.iter().fold(0, |value, (start, width)| value << width | u128::from(run(words, *start, *width))))
    }

    /// Digits may be scattered: bits are collected until four make a digit.
    fn decimal(&self, run: impl Fn(u16, u16) -> u64) -> Option<u128> {
        let (mut value, mut digit, mut held) = (0_u128, 0_u64, 0);
        for (start, width) in &self.runs {
            digit = digit << width | run(*start, *width);
            held += width;
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

#[inline]
fn run(words: &Mask, start: u16, width: u16) -> u64 {
    let word = words.get(usize::from(start / 64)).copied().unwrap_or(0);
    (word << (start % 64)) >> (64 - width)
}

#[inline]
fn odd_parity(words: &Mask, mask: &Mask) -> bool {
    let folded = words.iter().zip(mask).fold(0, |folded, (word, mask)| folded ^ word & mask);
    folded.count_ones() % 2 == 1
}

#[inline]
fn same_under(words: &Mask, wanted: &Mask, mask: &Mask) -> bool {
    words.iter().zip(wanted).zip(mask).all(|((word, wanted), mask)| word & mask == *wanted)
}

fn places(cells: &[Cell], wanted: impl Fn(Cell) -> bool) -> impl Iterator<Item = usize> {
    cells.iter().enumerate().filter(move |(_, cell)| wanted(**cell)).map(|(at, _)| at)
}

fn mask(positions: impl IntoIterator<Item = usize>) -> Mask {
    let mut mask = [0; 4];
    for at in positions {
        if let Some(word) = mask.get_mut(at / 64) {
            *word |= 1 << (63 - at % 64);
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(layout: &str, fields: &[(char, &str, bool)]) -> Format {
        let drawing = Drawing::parse(layout).unwrap();
        let fields = fields
            .iter()
            .map(|(letter, name, bcd)| Field { name: (*name).into(), positions: drawing.positions(*letter), bcd: *bcd })
            .collect();
        Format::compile("test".into(), Arc::from([]), drawing, fields)
    }

    fn bits(text: &str) -> PacsBits {
        text.parse().unwrap()
    }

    #[test]
    fn a_format_reads_as_a_nom_parser() {
        let format = format("PFFN\nEXXX\n", &[('F', "facility_code", false), ('N', "card_number", false)]);
        let (rest, values) = (&format).parse(bits("0101")).unwrap();
        assert!(rest.is_empty());
        assert_eq!(values[..2], [2, 1]);
        assert_eq!((&format).parse(bits("1101")), Err(Err::Error(FitError { reason: Reason::Parity, at: 0 })));
    }

    #[test]
    fn decimal_digits_read_and_write_as_digits() {
        let format = format("NNNNNNNN", &[('N', "card_number", true)]);
        assert_eq!(format.fit(&bits("01000010")).unwrap()[0], 42);
        assert_eq!(format.fit(&bits("10100010")), Err((Reason::Digits, 0)));
        let mut credential = Credential::default();
        credential.set("card_number", 42);
        assert_eq!(format.encode(&credential).unwrap(), bits("01000010"));
        credential.set("card_number", 100);
        assert_eq!(format.encode(&credential).unwrap_err().to_string(), "card_number is 100, and test holds at most 99");
    }

    #[test]
    fn a_field_of_128_bits_keeps_all_of_them() {
        let format = format(&"N".repeat(128), &[('N', "card_number", false)]);
        let mut credential = Credential::default();
        credential.set("card_number", u128::MAX - 5);
        let frame = format.encode(&credential).unwrap();
        assert_eq!(format.credential(&frame), credential);
    }

    #[test]
    fn a_stripped_format_lies_over_the_data_bits() {
        let format = format("PFPN\nEX..\n..OX\n", &[('F', "facility_code", false), ('N', "card_number", false)]);
        let stripped = format.stripped().unwrap();
        assert_eq!(stripped.len(), 2);
        assert_eq!(stripped.fit(&bits("01")).unwrap()[..2], [0, 1]);
        assert_eq!(stripped.checks().present, 0);
    }
}
