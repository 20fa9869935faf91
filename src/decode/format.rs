//! A card format: its drawing folded into masks, read in both directions.
//!
//! In: bits, and out come the numbers or the reason why not; or numbers, and out come the bits. Never: a word for people on
//! the way; fits and refusals are small values, and words are made when they are shown.

use std::sync::{Arc, OnceLock};

use super::{
    drawing::{Cell, Check, CheckKind, Drawing},
    masks::{Mask, mask, odd_parity, same_under},
};
pub use super::{encode::EncodeError, field::Field};
use crate::card::{Checks, Credential, PacsBits, Reason, Widths};

/// What a refusal by [`Format::never`] says instead of a field.
const NEVER: u16 = u16::MAX;

/// The same, in words.
const NOT_MINE: &str = "the bits are those of another thing, which the format's file names";

/// The most fields whose values a compact fit carries. Nearly all formats have no more.
pub const VALUES: usize = 4;

/// The most fields a format can have.
pub const MAX_FIELDS: usize = 10;

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
    pub fields: Arc<[Field]>,
    drawing: Arc<Drawing>,
    fixed: (Mask, Mask),
    parities: Arc<[Parity]>,
    /// Frames that are another thing, whatever the checks say: which bits, and how.
    never: Vec<(Mask, Mask)>,
    /// What each check says when it does not hold, once it was said.
    objections: Arc<[OnceLock<Arc<str>>]>,
}

/// One parity to hold: the bits it is taken over, and which check of the drawing it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parity {
    mask: Mask,
    odd: bool,
    check: u16,
}

/// A format's fit: small, copied, without words. Field `n` of the format is `values[n]`; of a field wider than 64 bits
/// only the low 64, and of more than four fields the first four ([`Format::credential`] reads all of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactFit {
    /// The format, as the catalog numbers it.
    pub format: u16,
    /// The fields' values.
    pub values: [u64; VALUES],
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
        let judged = drawing.checks.iter().zip(0..).filter(|(check, _)| !check.warns);
        let linear = judged.filter(|(check, _)| check.kind.is_linear());
        let parities = linear.flat_map(|(check, number)| {
            let odd = check.kind == CheckKind::Odd;
            check.parities().map(move |(own, covers)| Parity { mask: mask(covers.into_iter().chain([own])), odd, check: number })
        });
        let parities = parities.collect();
        let objections = drawing.checks.iter().map(|_| OnceLock::new()).collect();
        let fields = fields.into_iter().map(Field::folded).collect();
        Self { id, aliases, digest: Arc::from(""), fields, drawing: Arc::new(drawing), fixed, parities, never: Vec::new(), objections }
    }

    /// The same format, which refuses a frame that has these bits: `(position, bit)`.
    #[must_use]
    pub fn never(mut self, bits: &[(usize, bool)]) -> Self {
        let set = bits.iter().filter(|(_, bit)| *bit).map(|(at, _)| *at);
        self.never.push((mask(bits.iter().map(|(at, _)| *at)), mask(set)));
        self
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
    pub fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    /// The frames that are another thing: which bits, and how.
    pub(super) fn excluded(&self) -> &[(Mask, Mask)] {
        &self.never
    }

    /// The places of the bits that make this frame another thing.
    #[must_use]
    pub fn excluding(&self, bits: &PacsBits) -> Vec<usize> {
        let is_such = |(mask, wanted): &&(Mask, Mask)| same_under(bits.words(), wanted, mask);
        let is_in = |mask: &Mask, at: usize| PacsBits::from_words(*mask, self.len()).get(at);
        let masks = self.never.iter().filter(is_such);
        masks.flat_map(|(mask, _)| (0..self.len()).filter(move |at| is_in(mask, *at))).collect()
    }

    /// True where frames that are another thing are left out.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        !self.never.is_empty()
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
        let present = u8::try_from(self.judged().count()).unwrap_or(u8::MAX);
        Checks { present, passed: present }
    }

    /// The checks that are judged.
    pub(super) fn judged(&self) -> impl Iterator<Item = &Check> {
        self.drawing.checks.iter().filter(|check| !check.warns)
    }

    /// True where a check that is not judged does not hold on these bits.
    #[must_use]
    pub fn is_doubtful(&self, bits: &PacsBits) -> bool {
        self.drawing.checks.iter().any(|check| check.warns && !check.holds(|at| bits.get(at)))
    }

    /// The chance that random bits of this length fit: one half for every check bit and every bit that must be so, ten in
    /// sixteen for every decimal digit. What a format leaves out is little, and not counted.
    #[must_use]
    pub fn odds(&self) -> f64 {
        let ones = |mask: &Mask| mask.iter().map(|word| word.count_ones()).sum::<u32>() as i32;
        let check_bits: usize = self.judged().map(|check| check.own.len()).sum();
        let fields: f64 = self.fields.iter().map(Field::odds).product();
        0.5_f64.powi(check_bits as i32 + ones(&self.fixed.0)) * fields
    }

    /// True where something in the bits can speak against this format: a check, or bits that must be so.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.judged().next().is_some() || self.fixed.0 != [0; 4]
    }

    /// How many bits of choice its facility code and its card number have.
    #[must_use]
    pub fn widths(&self) -> Widths {
        let free = |name: &str| self.fields.iter().find(|field| &*field.name == name && field.required.is_none());
        let bits =
            |name: &str| free(name).map_or(0, |field| (field.max() - field.min()).saturating_add(1).checked_ilog2().unwrap_or(0) as u16);
        let is_binary =
            |name: &str| self.fields.iter().find(|field| &*field.name == name).is_some_and(|field| !field.bcd && field.is_plain());
        let are_binary = is_binary("facility_code") && is_binary("card_number");
        Widths { facility_code: bits("facility_code"), card_number: bits("card_number"), are_binary }
    }

    /// Lays the format over the bits.
    ///
    /// # Errors
    /// The first reason against it, and which bit, field or check says so.
    #[inline]
    pub fn fit(&self, bits: &PacsBits) -> Result<[u64; VALUES], (Reason, u16)> {
        if bits.len() != self.len() {
            return Err((Reason::Length, 0));
        }
        let words = bits.words();
        if !same_under(words, &self.fixed.1, &self.fixed.0) {
            return Err((Reason::FixedBits, self.wrong_fixed_bit(bits)));
        }
        let values = self.values(bits)?;
        if self.never.iter().any(|(mask, wanted)| same_under(words, wanted, mask)) {
            return Err((Reason::Range, NEVER));
        }
        if let Some(parity) = self.parities.iter().find(|parity| odd_parity(words, &parity.mask) != parity.odd) {
            return Err((self.reason(parity.check), parity.check));
        }
        match self.carried_checks().find(|(_, check)| !check.checksum_holds(|at| bits.get(at))) {
            Some((check, _)) => Err((Reason::Checksum, check)),
            None => Ok(values),
        }
    }

    /// The fields' numbers.
    fn values(&self, bits: &PacsBits) -> Result<[u64; VALUES], (Reason, u16)> {
        let mut values = [0; VALUES];
        for (at, field) in self.fields.iter().enumerate() {
            let value = field.read(bits.words()).map_err(|reason| (reason, at as u16))?;
            if let Some(slot) = values.get_mut(at) {
                *slot = value;
            }
        }
        Ok(values)
    }

    /// The checksums with a carry.
    fn carried_checks(&self) -> impl Iterator<Item = (u16, &Check)> {
        (0..).zip(&self.drawing.checks).filter(|(_, check)| !check.kind.is_linear())
    }

    /// Everything the format reads in bits that fit it.
    #[must_use]
    pub fn credential(&self, bits: &PacsBits) -> Credential {
        let mut credential = Credential::default();
        for field in self.fields.iter() {
            credential.set(&field.name, field.number(bits.words()));
        }
        credential
    }

    /// True where encoding writes a 0 that a real card may not carry.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.drawing.cells.contains(&Cell::Carried)
    }

    /// True where this format fits every frame that the other one fits: it has no decimal digits and no checksum with a carry of
    /// its own, and each of its checks and fixed bits is one of the other's too.
    #[must_use]
    pub fn always_fits_where(&self, other: &Self) -> bool {
        let held = |parity: &Parity| other.parities.iter().any(|theirs| (theirs.mask, theirs.odd) == (parity.mask, parity.odd));
        let same_fixed = self.fixed.0.iter().zip(&other.fixed.0).all(|(own, others)| own & others == *own)
            && same_under(&other.fixed.1, &self.fixed.1, &self.fixed.0);
        self.len() == other.len()
            && same_fixed
            && self.parities.iter().all(held)
            && self.carried_checks().next().is_none()
            && self.never.is_empty()
            && !self.fields.iter().any(|field| field.bcd || !field.is_plain())
    }

    /// True where the other one takes the same bits, by the same checks, and reads the same numbers from them.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let has_all = |one: &Self, two: &Self| {
            one.fields.iter().all(|field| two.fields.iter().any(|theirs| field.is_same_as(theirs)))
                && one.drawing.checks.iter().all(|check| two.drawing.checks.contains(check))
                && one.never.iter().all(|never| two.never.contains(never))
        };
        self.len() == other.len() && self.fixed == other.fixed && has_all(self, other) && has_all(other, self)
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
            Reason::Parity | Reason::Checksum => self.objection(at).unwrap_or_default(),
            Reason::Range => self.fields.get(at).map_or_else(|| NOT_MINE.to_owned(), Field::limits).into(),
        }
    }

    /// What a check says when it does not hold: the same words for every card.
    fn objection(&self, at: usize) -> Option<Arc<str>> {
        let check = self.drawing.checks.get(at)?;
        Some(self.objections.get(at)?.get_or_init(|| objection(check)).clone())
    }

    fn reason(&self, check: u16) -> Reason {
        match self.drawing.checks.get(usize::from(check)).map(|check| check.kind) {
            Some(CheckKind::Xor8 | CheckKind::Xor8Bumped | CheckKind::Sum8) => Reason::Checksum,
            _ => Reason::Parity,
        }
    }

    /// The first bit that must be so and is not.
    #[inline]
    fn wrong_fixed_bit(&self, bits: &PacsBits) -> u16 {
        let words = bits.words().iter().zip(&self.fixed.0).zip(&self.fixed.1);
        let mut wrong = (0..).step_by(64).zip(words.map(|((word, mask), wanted)| (word & mask) ^ wanted));
        wrong.find(|(_, wrong)| *wrong != 0).map_or(0, |(from, wrong)| from + wrong.leading_zeros() as u16)
    }
}

fn objection(check: &Check) -> Arc<str> {
    let kind = match check.kind {
        CheckKind::Even => "even parity",
        CheckKind::Odd => "odd parity",
        CheckKind::Xor8 => "the exclusive or",
        CheckKind::Xor8Bumped => "the exclusive or (one more where its low digit is F)",
        CheckKind::Sum8 => "the sum",
    };
    let own = check.own.first().unwrap_or(&0);
    let (from, to) = (check.covers.iter().min().unwrap_or(&0), check.covers.iter().max().unwrap_or(&0));
    format!("bit {own}, {kind} over {} bits from {from} to {to}, does not hold", check.covers.len()).into()
}

#[cfg(test)]
mod tests;
