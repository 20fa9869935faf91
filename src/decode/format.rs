//! A card format: its drawing folded into masks, read in both directions.
//!
//! In: bits, and out come the numbers or the reason why not; or numbers, and out come the bits. A compiled format is a
//! nom [`Parser`] over bits. Never: a word for people on the way; fits and refusals are small values, and words are
//! made when they are shown.

use std::sync::Arc;

use nom::{Err, Mode, OutputMode, PResult, Parser, error::ErrorKind, error::ParseError};

use super::{
    drawing::{Cell, Check, CheckKind, Drawing},
    masks::{Gather, Mask, mask, odd_parity, same_under},
};
use crate::card::{Checks, Credential, PacsBits, Reason};

/// The most fields a format can have.
pub const MAX_FIELDS: usize = 10;

/// One field of a format: where its bits lie and how they make a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `facility_code`, `card_number`, `issue_code`, `oem_code`, or a name of the format's own.
    pub name: Arc<str>,
    /// The positions of its bits, most significant first.
    pub positions: Vec<usize>,
    /// Four bits are one decimal digit.
    pub bcd: bool,
    /// The one value it can have.
    pub required: Option<u64>,
    /// The largest value it can have, where that is not its width's.
    pub most: Option<u64>,
}

/// A card format, compiled.
#[derive(Debug, Clone)]
pub struct Format {
    /// Its id, unique among all.
    pub id: Arc<str>,
    /// The names other tools have for it.
    pub aliases: Arc<[String]>,
    /// The SHA-256 of its file, hex; empty where it was not read from one.
    pub digest: Arc<str>,
    /// What it reads, in the order of the file.
    pub fields: Vec<Field>,
    drawing: Drawing,
    fixed: (Mask, Mask),
    parities: Vec<Parity>,
    gathers: Vec<Gather>,
    /// What each check says when it does not hold.
    objections: Vec<Arc<str>>,
}

/// One parity to hold: the bits it is taken over, and which check of the drawing it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parity {
    mask: Mask,
    odd: bool,
    check: u16,
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
    /// Which bit (fixed bits), field (digits) or check (parity, checksum), counted from 0.
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
    /// The format allows one value only.
    #[error("{field} is {value}, and in {format} it is always {required}")]
    Required {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
        /// The value asked for.
        value: u128,
        /// The one value.
        required: u64,
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

impl Format {
    /// Folds a drawing into masks. The fields' positions must lie within the drawing; loaders see to that.
    #[must_use]
    pub fn compile(id: Arc<str>, aliases: Arc<[String]>, drawing: Drawing, fields: Vec<Field>) -> Self {
        let required = fields.iter().flat_map(Field::required_bits);
        let drawn = drawing.cells.iter().enumerate().filter_map(|(at, cell)| match cell {
            Cell::Fixed(bit) => Some((at, *bit)),
            _ => None,
        });
        let fixed: Vec<(usize, bool)> = drawn.chain(required).collect();
        let fixed = (mask(fixed.iter().map(|(at, _)| *at)), mask(fixed.iter().filter(|(_, bit)| *bit).map(|(at, _)| *at)));
        // A checksum with a carry is no parity; it is computed anew.
        let linear = drawing.checks.iter().zip(0..).filter(|(check, _)| check.kind != CheckKind::Xor8Bumped);
        let parities = linear.flat_map(|(check, number)| {
            let odd = check.kind == CheckKind::Odd;
            check.parities().map(move |(own, covers)| Parity { mask: mask(covers.into_iter().chain([own])), odd, check: number })
        });
        let parities = parities.collect();
        let gathers = fields.iter().map(|field| Gather::new(&field.positions, field.bcd)).collect();
        let objections = drawing.checks.iter().map(objection).collect();
        Self { id, aliases, digest: Arc::from(""), fields, drawing, fixed, parities, gathers, objections }
    }

    /// The format as it looks through a reader that takes the check bits away; none where there are none.
    #[must_use]
    pub fn stripped(&self) -> Option<Self> {
        let drawing = self.drawing.stripped()?;
        let own: Vec<usize> = self.drawing.checks.iter().flat_map(|check| check.own.iter().copied()).collect();
        let moved = |at: &usize| at - own.iter().filter(|own| *own < at).count();
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

    /// The bits that must be so, and how.
    pub(super) const fn fixed(&self) -> (&Mask, &Mask) {
        (&self.fixed.0, &self.fixed.1)
    }

    /// The parities to hold, each with its bits.
    pub(super) fn parities(&self) -> impl Iterator<Item = (&Mask, bool)> {
        self.parities.iter().map(|parity| (&parity.mask, parity.odd))
    }

    /// The checks on a frame that fits: all present, all passed.
    #[must_use]
    pub fn checks(&self) -> Checks {
        let present = u8::try_from(self.drawing.checks.len()).unwrap_or(u8::MAX);
        Checks { present, passed: present }
    }

    /// The chance that random bits of this length fit: one half for every check bit and every bit that must be so, ten in
    /// sixteen for every decimal digit.
    #[must_use]
    pub fn odds(&self) -> f64 {
        let fixed: u32 = self.fixed.0.iter().map(|word| word.count_ones()).sum();
        let digits: usize = self.fields.iter().filter(|field| field.bcd).map(|field| field.positions.len() / 4).sum();
        let check_bits: usize = self.drawing.checks.iter().map(|check| check.own.len()).sum();
        let limited = |field: &Field| field.most.map(|most| (most as f64 + 1.0) / 2_f64.powi(field.positions.len() as i32));
        let limits: f64 = self.fields.iter().filter_map(limited).product();
        0.5_f64.powi(check_bits as i32 + fixed as i32) * 0.625_f64.powi(digits as i32) * limits
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
        if let Some(at) = self.fields.iter().zip(values).position(|(field, value)| field.most.is_some_and(|most| value > most)) {
            return Err((Reason::Range, at as u16));
        }
        if let Some(parity) = self.parities.iter().find(|parity| odd_parity(words, &parity.mask) != parity.odd) {
            return Err((self.reason(parity.check), parity.check));
        }
        match self.carried_checks().find(|(_, check)| !check.checksum_holds(|at| bits.get(at))) {
            Some((check, _)) => Err((Reason::Checksum, check)),
            None => Ok(values),
        }
    }

    /// The checksums with a carry.
    fn carried_checks(&self) -> impl Iterator<Item = (u16, &Check)> {
        (0..).zip(&self.drawing.checks).filter(|(_, check)| check.kind == CheckKind::Xor8Bumped)
    }

    /// Everything the format reads in bits that fit it.
    #[must_use]
    pub fn credential(&self, bits: &PacsBits) -> Credential {
        let mut credential = Credential::default();
        for (field, gather) in self.fields.iter().zip(&self.gathers) {
            credential.set(&field.name, gather.number(bits.words()).unwrap_or_default());
        }
        credential
    }

    /// The bits of a credential: the same drawing, read backwards. Carried bits are 0. An issue or OEM code that is not
    /// given is 0, a field with one value has it.
    ///
    /// # Errors
    /// A value that is too large, missing, or has no place in this format.
    pub fn encode(&self, credential: &Credential) -> Result<PacsBits, EncodeError> {
        if let Some((name, _)) = credential.numbers().find(|(name, _)| !self.fields.iter().any(|field| &*field.name == *name)) {
            return Err(self.unknown(name));
        }
        let mut bits = PacsBits::zeros(self.len());
        for (at, cell) in self.drawing.cells.iter().enumerate() {
            bits.set(at, *cell == Cell::Fixed(true));
        }
        for field in &self.fields {
            field.write(self.value_of(field, credential)?, &mut bits);
        }
        for check in &self.drawing.checks {
            for (own, bit) in check.computed(|at| bits.get(at)) {
                bits.set(own, bit);
            }
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
        let held = |parity: &Parity| other.parities.iter().any(|theirs| (theirs.mask, theirs.odd) == (parity.mask, parity.odd));
        let same_fixed = self.fixed.0.iter().zip(&other.fixed.0).all(|(own, others)| own & others == *own)
            && same_under(&other.fixed.1, &self.fixed.1, &self.fixed.0);
        self.len() == other.len()
            && same_fixed
            && self.parities.iter().all(held)
            && !self.fields.iter().any(|field| field.bcd || field.most.is_some())
    }

    /// A refusal's reason in words, with bit positions counted from 0 in transmission order.
    #[must_use]
    pub fn detail(&self, reason: Reason, at: u16) -> Arc<str> {
        let at = usize::from(at);
        match reason {
            Reason::Length => format!("it has {} bits", self.len()).into(),
            Reason::FixedBits => {
                let must = u8::from(PacsBits::from_words(self.fixed.1, self.len()).get(at));
                format!("bit {at} is {}, and it must be {must}", 1 - must).into()
            }
            Reason::Digits => {
                let name = self.fields.get(at).map_or("a field", |field| &*field.name);
                format!("a decimal digit of {name} is above 9").into()
            }
            Reason::Parity | Reason::Checksum => self.objections.get(at).cloned().unwrap_or_default(),
            Reason::Range => {
                let limit = |field: &Field| format!("{} is above {}", field.name, field.max());
                self.fields.get(at).map_or_else(String::new, limit).into()
            }
        }
    }

    fn reason(&self, check: u16) -> Reason {
        match self.drawing.checks.get(usize::from(check)).map(|check| check.kind) {
            Some(CheckKind::Xor8 | CheckKind::Xor8Bumped) => Reason::Checksum,
            _ => Reason::Parity,
        }
    }

    #[cold]
    pub(super) fn wrong_fixed_bit(&self, bits: &PacsBits) -> u16 {
        let must = |words: &Mask| PacsBits::from_words(*words, self.len());
        let (wanted, fixed) = (must(&self.fixed.1), must(&self.fixed.0));
        (0..self.len()).find(|at| fixed.get(*at) && wanted.get(*at) != bits.get(*at)).unwrap_or(0) as u16
    }

    fn value_of(&self, field: &Field, credential: &Credential) -> Result<u128, EncodeError> {
        let (format, name) = (self.id.clone(), field.name.clone());
        let optional = matches!(&*field.name, "issue_code" | "oem_code");
        match (credential.number(&field.name), field.required) {
            (Some(value), Some(required)) if value != u128::from(required) => {
                Err(EncodeError::Required { format, field: name, value, required })
            }
            (_, Some(required)) => Ok(required.into()),
            (Some(value), None) if value > field.max() => Err(EncodeError::TooLarge { format, field: name, value, max: field.max() }),
            (Some(value), None) => Ok(value),
            (None, None) if optional => Ok(0),
            (None, None) => Err(EncodeError::Missing { format, field: name }),
        }
    }

    fn unknown(&self, name: &str) -> EncodeError {
        let known = self.fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", ");
        EncodeError::Unknown { format: self.id.clone(), field: name.to_owned(), known }
    }
}

fn objection(check: &Check) -> Arc<str> {
    let kind = match check.kind {
        CheckKind::Even => "even parity",
        CheckKind::Odd => "odd parity",
        CheckKind::Xor8 => "the exclusive or",
        CheckKind::Xor8Bumped => "the exclusive or (one more where its low digit is F)",
    };
    let own = check.own.first().unwrap_or(&0);
    let (from, to) = (check.covers.iter().min().unwrap_or(&0), check.covers.iter().max().unwrap_or(&0));
    format!("bit {own}, {kind} over {} bits from {from} to {to}, does not hold", check.covers.len()).into()
}

impl Field {
    /// The largest value: its width in bits, or in digits.
    #[must_use]
    pub fn max(&self) -> u128 {
        if let Some(most) = self.most {
            return most.into();
        }
        let width = self.positions.len() as u32;
        if self.bcd { 10_u128.saturating_pow(width / 4) - 1 } else { 1_u128.checked_shl(width).map_or(u128::MAX, |top| top - 1) }
    }

    /// The bits a value has in this field, most significant first.
    fn bits_of(&self, value: u128) -> impl Iterator<Item = (usize, bool)> + '_ {
        let mut coded = value;
        if self.bcd {
            let digits = self.positions.len() / 4;
            coded = (0..digits).fold(0, |coded, at| coded | (value / 10_u128.pow(at as u32) % 10) << (4 * at));
        }
        self.positions.iter().rev().enumerate().map(move |(at, position)| (*position, coded >> at & 1 == 1))
    }

    fn required_bits(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.required.into_iter().flat_map(|value| self.bits_of(value.into()))
    }

    fn write(&self, value: u128, bits: &mut PacsBits) {
        for (at, bit) in self.bits_of(value) {
            bits.set(at, bit);
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

#[cfg(test)]
mod tests;
