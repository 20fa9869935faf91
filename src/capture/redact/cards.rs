//! Another card for a card: its bits are others, and every known format says the same of them.
//!
//! In: card bits. Out: other bits of the same length, for the same card always the same ones. The change keeps every parity
//! of every format that reads them, so that each check passes or fails as before. Never: anything from which the real bits
//! can be told.

use super::{Redaction, random::Random};
use crate::{
    card::{Credential, Csn, Kind, PacsBits, Presentation, Reading, Reason, Verdict},
    decode::{
        drawing::Cell,
        field::Field,
        format::Format,
        masks::{Mask, mask, odd_parity},
    },
};

/// How often another card is drawn before fewer conditions are put on it.
const MOST_CARDS: usize = 300;
/// From this length on, an unknown format may have parity bits.
const HAS_PARITIES: usize = 16;

/// What the formats say of a card, without its numbers.
pub type Shape = (Verdict, Vec<(String, u8, usize)>, Vec<(String, Reason)>, Vec<String>);

/// The verdict, the formats that fit with which of them agree, the refusals, the warnings. A key has few bits, and there may be no others
/// that every other format refuses in the same words.
#[must_use]
pub fn shape(reading: &Reading) -> Shape {
    let agrees = |credential: &Credential| reading.fits.iter().position(|fit| fit.credential == *credential).unwrap_or(0);
    let fits = reading.fits.iter().map(|fit| (fit.format.to_string(), fit.checks.passed, agrees(&fit.credential)));
    let refusals =
        reading.refusals.iter().filter(|_| reading.verdict != Verdict::Keypad).map(|refusal| (refusal.format.to_string(), refusal.reason));
    (reading.verdict, fits.collect(), refusals.collect(), reading.presentation.warnings.clone())
}

impl Redaction<'_> {
    /// The bits that replace these. Those at `stays` stay; what cannot be written where they stood is not accepted.
    pub(super) fn card(&mut self, kind: Kind, old: PacsBits, stays: &[usize], accepts: &dyn Fn(&PacsBits) -> bool) -> PacsBits {
        if let Some(new) = self.stands_for.cards.get(&(kind, old)) {
            return *new;
        }
        let reading = self.read(kind, old);
        let new = self.another(kind, old, &reading, stays, accepts);
        // Each key is another one every time, so that a PIN's repeated keys are not seen either.
        if reading.verdict != Verdict::Keypad {
            self.stands_for.cards.insert((kind, old), new);
            self.stands_for.taken.extend([(kind, old), (kind, new)]);
        }
        new
    }

    fn read(&self, kind: Kind, bits: PacsBits) -> Reading {
        let csn = if kind == Kind::Csn { Csn::new(&bits.to_bytes()) } else { None };
        self.catalog.read(Presentation { bits: Some(bits), csn, ..Presentation::of(kind) })
    }

    fn another(&mut self, kind: Kind, old: PacsBits, reading: &Reading, stays: &[usize], accepts: &dyn Fn(&PacsBits) -> bool) -> PacsBits {
        let catalog = self.catalog.clone();
        let fits = |format: &&Format| format.fit(&old).is_ok();
        let all = catalog.of_kind(kind).filter(|format| format.len() == old.len());
        // Several kinds of keypad send keys of this length.
        let is_keypad = reading.verdict == Verdict::Keypad;
        let owners: Vec<&Format> =
            all.filter(|format| format.fit(&old).map_or_else(|(why, _)| !is_keypad && why != Reason::FixedBits, |_| true)).collect();
        let fitting: Vec<&Format> = owners.iter().copied().filter(fits).collect();
        let meant = if fitting.is_empty() { &owners } else { &fitting };
        let mut kept = Differences::between_cards(kind, &old, &owners);
        stays.iter().for_each(|at| kept.demand([*at], false));
        for (at, fit) in reading.fits.iter().enumerate() {
            let first = reading.fits.iter().take(at).find(|first| first.credential == fit.credential);
            let format = |id: &str| fitting.iter().find(|format| *format.id == *id);
            if let Some((first, other)) = first.and_then(|first| format(&first.format).zip(format(&fit.format))) {
                kept.agree(first, other);
            }
        }
        // Of a key's few bits there may be no others that every other format refuses in the same way.
        let (wanted, mut last, mut nearly) = (shape(reading), old, None);
        for attempt in 0..3 * MOST_CARDS {
            let mut differences = kept.clone();
            if attempt >= MOST_CARDS {
                // Formats of different widths agree on small numbers only: a small number stays one. The bit at the very
                // beginning is most often a check.
                (1..old.len()).take_while(|at| !old.get(*at)).for_each(|at| differences.demand([at], false));
            }
            for field in meant.iter().flat_map(|format| format.fields.iter()) {
                for (at, bit) in new_value(field, &old, self.random) {
                    // Where two formats want different digits of one bit, the first is heard and the shape decides.
                    differences.demand([at], bit != old.get(at));
                }
            }
            let mut new = differences.applied(&old, self.random);
            meant.iter().for_each(|format| compute_with_carry(format, &old, &mut new));
            if new == old || (attempt < 2 * MOST_CARDS && self.stands_for.taken.contains(&(kind, new))) {
                continue;
            }
            let drawn = self.read(kind, new);
            let is = shape(&drawn);
            if nearly.is_none() && (is.0, &is.1) == (wanted.0, &wanted.1) {
                nearly = Some(new);
            }
            if is == wanted && (attempt >= MOST_CARDS || no_number_stays(reading, &drawn)) && accepts(&new) {
                return new;
            }
            last = new;
        }
        nearly.unwrap_or(last)
    }
}

/// A new value for a field that cannot have every value (decimal digits, limits, dates, keys), as bits.
fn new_value(field: &Field, old: &PacsBits, random: &mut dyn Random) -> Vec<(usize, bool)> {
    // Nothing is drawn for what the field cannot have; the shape decides.
    let Some(value) = field.read(old.words()).ok().filter(|_| field.required.is_none() && (field.bcd || !field.is_plain())) else {
        return Vec::new();
    };
    let drawn = match value {
        // Enter and clear are no secret, and digits stay digits.
        key if !field.keys.is_empty() && key > 9 => key.into(),
        key if !field.keys.is_empty() => ((key + u64::from(random.between(1..=9))) % 10).into(),
        _ => field.nth(random.wide()),
    };
    field.bits_of(drawn).collect()
}

/// A checksum with a carry is no parity: it is computed anew, and wrong by as much as it was.
fn compute_with_carry(format: &Format, old: &PacsBits, new: &mut PacsBits) {
    for check in format.drawing().checks.iter().filter(|check| !check.kind.is_linear()) {
        let (before, now) = (check.computed(|at| old.get(at)), check.computed(|at| new.get(at)));
        for ((at, right), (_, bit)) in before.into_iter().zip(now) {
            new.set(at, bit != (right != old.get(at)));
        }
    }
}

/// True where no format still reads the card number or the facility code that it read before.
fn no_number_stays(old: &Reading, new: &Reading) -> bool {
    let stays = |old: &Credential, new: &Credential, name| old.number(name).is_some() && old.number(name) == new.number(name);
    let pairs = || old.fits.iter().zip(&new.fits).map(|(old, new)| (&old.credential, &new.credential));
    !["card_number", "facility_code"].iter().any(|name| pairs().any(|(old, new)| stays(old, new, name)))
}

/// In which bits the new card may differ from the old one: equations, each with a bit of its own that no other names.
#[derive(Clone, Default)]
struct Differences(Vec<(Mask, Mask, bool)>);

impl Differences {
    /// What these formats say of a card stays.
    fn between_cards(kind: Kind, old: &PacsBits, owners: &[&Format]) -> Self {
        let mut kept = Self::default();
        for format in owners {
            let drawing = format.drawing();
            let fixed = drawing.cells.iter().enumerate().filter(|(_, cell)| matches!(cell, Cell::Fixed(_))).map(|(at, _)| at);
            let required = format.fields.iter().filter(|field| field.required.is_some()).flat_map(|field| field.positions.iter().copied());
            fixed.chain(required).for_each(|at| kept.demand([at], false));
            // What makes it another thing to the format goes on doing so.
            format.excluding(old).into_iter().for_each(|at| kept.demand([at], false));
            for check in drawing.checks.iter().filter(|check| check.kind.is_linear()) {
                check.parities().for_each(|(own, covers)| kept.demand(covers.into_iter().chain([own]), false));
            }
        }
        if kind == Kind::Wiegand && old.len() >= HAS_PARITIES && owners.iter().all(|format| format.drawing().checks.is_empty()) {
            // Nobody knows its checks; most formats have a parity over all bits, or one over each half.
            kept.demand(0..old.len(), false);
            kept.demand(0..old.len().div_ceil(2), false);
        }
        if let Some(csn) = Csn::new(&old.to_bytes()).filter(|_| kind == Kind::Csn) {
            let begins = match csn.bytes() {
                // What tells a random number, the 88 of one that was cut off, a maker's code.
                [0x01 | 0x05, 0xFE, _, _, _, _, _, _] => 16,
                [0x08 | 0x88, _, _, _] => 8,
                bytes if matches!(bytes.len(), 7 | 10) => 8,
                _ => 0,
            };
            let is_filler = |at: &usize| csn.is_filled_up() && matches!(csn.bytes().get(at / 8), Some(0x00 | 0xFF));
            (0..old.len()).filter(|at| *at < begins || is_filler(at)).for_each(|at| kept.demand([at], false));
        }
        kept
    }

    /// Two formats that read the same numbers go on reading the same ones.
    fn agree(&mut self, one: &Format, other: &Format) {
        for field in one.fields.iter().filter(|field| field.is_plain() && !field.bcd) {
            let same = other.fields.iter().find(|same| same.name == field.name && same.is_plain() && !same.bcd);
            let Some(same) = same else { continue };
            let (own, others) = (|at| field.positions.iter().rev().nth(at).copied(), |at| same.positions.iter().rev().nth(at).copied());
            for at in 0..field.positions.len().max(same.positions.len()) {
                match (own(at), others(at)) {
                    (Some(own), Some(other)) if own == other => {}
                    (own, other) => self.demand(own.into_iter().chain(other), false),
                }
            }
        }
    }

    /// An odd or an even number of these bits differs. What contradicts the demands before it is left out.
    fn demand(&mut self, bits: impl IntoIterator<Item = usize>, odd: bool) {
        let given = mask(bits);
        let (mut row, mut odd) = (given, odd);
        for (_, known, is_odd) in self.0.iter().filter(|(own, ..)| overlaps(own, &given)) {
            (row, odd) = (sum(&row, known), odd != *is_odd);
        }
        let Some(at) = (0..256).find(|at| overlaps(&row, &mask([*at]))) else { return };
        let own = mask([at]);
        for (_, known, is_odd) in self.0.iter_mut().filter(|(_, known, _)| overlaps(known, &own)) {
            (*known, *is_odd) = (sum(known, &row), *is_odd != odd);
        }
        self.0.push((own, row, odd));
    }

    /// A card that differs so, each as likely as any other.
    fn applied(&self, old: &PacsBits, random: &mut dyn Random) -> PacsBits {
        let mut bits: Mask = std::array::from_fn(|_| random.draw());
        for (own, row, odd) in &self.0 {
            if odd_parity(&bits, row) != *odd {
                bits = sum(&bits, own);
            }
        }
        let mut new = *old;
        (0..old.len()).filter(|at| overlaps(&bits, &mask([*at]))).for_each(|at| new = new.flipped(at));
        new
    }
}

fn sum(a: &Mask, b: &Mask) -> Mask {
    std::array::from_fn(|at| a.get(at).zip(b.get(at)).map_or(0, |(a, b)| a ^ b))
}

fn overlaps(a: &Mask, b: &Mask) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}
