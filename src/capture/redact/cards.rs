//! Another card for a card: its bits are others, and every known format says the same of them.
//!
//! In: card bits, a card serial number, numbers that a reader has decoded. Out: others of the same length, for the same
//! card always the same. The bits differ by a codeword of every format that takes them for its own, so that each check
//! passes or fails just as before. Never: a word about the real ones.

use std::collections::{HashMap, HashSet};

use super::{Random, linear::Equations};
use crate::{
    card::{Csn, Kind, Numbers, PacsBits, Presentation, Reading, Reason},
    decode::{
        catalog::Catalog,
        drawing::{Cell, CheckKind},
        format::{Field, Format},
    },
};

/// So often another card is drawn before the demands on it are lowered.
const MOST_TRIES: usize = 300;
/// Frames of unknown formats are long enough for parities from here on.
const HAS_PARITIES: usize = 16;

/// What stands for what.
pub struct Cards {
    catalog: Catalog,
    bits: HashMap<(Kind, PacsBits), PacsBits>,
    /// The real ones, and what stands for them: neither is drawn for another card.
    taken: HashSet<(Kind, PacsBits)>,
    /// Those for which nothing stands for good yet.
    fresh: Vec<(Kind, PacsBits)>,
}

/// What the formats say of a card, without its numbers.
pub type Shape = (crate::card::Verdict, Vec<(String, u8, usize)>, Vec<(String, Reason)>, Vec<String>);

impl Cards {
    /// Every format that this catalog knows is to say the same.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, bits: HashMap::new(), taken: HashSet::new(), fresh: Vec::new() }
    }

    /// The serial number that stands for this one.
    pub fn csn(&mut self, csn: &Csn, random: &mut dyn Random) -> Option<Csn> {
        Csn::new(&self.bits(Kind::Csn, csn.bits(), 0, random).to_bytes())
    }

    /// The bits that stand for these; the first `same` of them stay.
    pub fn bits(&mut self, kind: Kind, old: PacsBits, same: usize, random: &mut dyn Random) -> PacsBits {
        let reading = self.read(kind, old);
        if reading.verdict == crate::card::Verdict::Keypad {
            // Each key is another one, so that a PIN's repeated keys are not seen either.
            return self.draw(kind, old, same, &reading, random);
        }
        if let Some(new) = self.bits.get(&(kind, old)) {
            return *new;
        }
        self.taken.insert((kind, old));
        let new = self.draw(kind, old, same, &reading, random);
        self.bits.insert((kind, old), new);
        self.fresh.push((kind, old));
        new
    }

    /// What was drawn last stands for good.
    pub fn settle(&mut self) {
        for card in self.fresh.drain(..) {
            self.taken.extend(self.bits.get(&card).map(|new| (card.0, *new)));
        }
    }

    /// What was drawn last does not do, and is drawn anew.
    pub fn forget(&mut self) {
        for card in self.fresh.drain(..) {
            self.bits.remove(&card);
        }
    }

    /// The numbers' texts that stand for these: as many digits, and the same formats have room for them.
    #[must_use]
    pub fn fits_as(&self, old: &Numbers, new: &Numbers) -> bool {
        let read = |numbers: &Numbers| self.catalog.read(Presentation { numbers: Some(numbers.clone()), ..Presentation::of(Kind::Number) });
        shape(&read(old)) == shape(&read(new))
    }

    /// True where a format that has these numbers allows one value of this name only.
    #[must_use]
    pub fn is_required(&self, numbers: &Numbers, name: &str) -> bool {
        let read = self.catalog.read(Presentation { numbers: Some(numbers.clone()), ..Presentation::of(Kind::Number) });
        let formats = read.fits.iter().filter_map(|fit| self.catalog.find(&fit.format));
        formats.flat_map(|format| format.fields.iter()).any(|field| &*field.name == name && field.required.is_some())
    }

    fn read(&self, kind: Kind, bits: PacsBits) -> Reading {
        let csn = if kind == Kind::Csn { Csn::new(&bits.to_bytes()) } else { None };
        self.catalog.read(Presentation { bits: Some(bits), csn, ..Presentation::of(kind) })
    }

    fn draw(&self, kind: Kind, old: PacsBits, same: usize, reading: &Reading, random: &mut dyn Random) -> PacsBits {
        let owners = self.of_length(kind, old, Reason::is_damage);
        let fitting: Vec<&Format> = owners.iter().copied().filter(|format| format.fit(&old).is_ok()).collect();
        let limiting = if fitting.is_empty() { &owners } else { &fitting };
        let judged = match reading.verdict {
            // Several keypads send as few bits, and one of them was pressed.
            crate::card::Verdict::Keypad => fitting.clone(),
            _ => self.of_length(kind, old, |reason| !matches!(reason, Reason::Length | Reason::FixedBits)),
        };
        let mut equations = equations(kind, old, &judged);
        (0..same).for_each(|at| equations.demand([at], false));
        let wanted = shape(reading);
        let mut last = old;
        for attempt in 0..3 * MOST_TRIES {
            let mut equations = equations.clone();
            if attempt >= MOST_TRIES {
                // Formats of different widths agree on small numbers only: a small number stays one.
                (1..first_set(&old)).for_each(|at| equations.demand([at], false));
            }
            for (at, bit) in limiting.iter().flat_map(|format| limited(format, &old, random)).collect::<Vec<_>>() {
                // Where two formats want different digits of one bit, the first is heard and the shape decides.
                equations.demand([at], bit != old.get(at));
            }
            let mut new = old;
            for (at, differs) in equations.solution(random).into_iter().enumerate() {
                new.set(at, old.get(at) != differs);
            }
            owners.iter().for_each(|format| carry(format, &old, &mut new));
            if new == old || (attempt < 2 * MOST_TRIES && self.taken.contains(&(kind, new))) {
                continue;
            }
            last = new;
            let drawn = self.read(kind, new);
            if shape(&drawn) == wanted && (attempt >= MOST_TRIES || all_numbers_differ(reading, &drawn)) {
                return new;
            }
        }
        last
    }

    /// The formats of that length that fit, and those whose refusal is such.
    fn of_length(&self, kind: Kind, bits: PacsBits, counts: impl Fn(Reason) -> bool) -> Vec<&Format> {
        let is_meant =
            |format: &&Format| format.len() == bits.len() && format.fit(&bits).map_or_else(|(reason, _)| counts(reason), |_| true);
        self.catalog.of_kind(kind).filter(is_meant).collect()
    }
}

/// The first bit that is set, the one at the very beginning aside: that is most often a check.
fn first_set(bits: &PacsBits) -> usize {
    (1..bits.len()).find(|at| bits.get(*at)).unwrap_or(1)
}

/// What a reading says beside the numbers: verdict, the formats that fit with which of them agree, refusals, warnings.
#[must_use]
pub fn shape(reading: &Reading) -> Shape {
    let agrees = |credential: &crate::card::Credential| reading.fits.iter().position(|fit| fit.credential == *credential).unwrap_or(0);
    let fits = reading.fits.iter().map(|fit| (fit.format.to_string(), fit.checks.passed, agrees(&fit.credential)));
    let refusals = reading.refusals.iter().map(|refusal| (refusal.format.to_string(), refusal.reason));
    (reading.verdict, fits.collect(), refusals.collect(), reading.presentation.warnings.clone())
}

/// What the difference between the old bits and the new ones must hold.
fn equations(kind: Kind, old: PacsBits, owners: &[&Format]) -> Equations {
    let mut equations = Equations::of(old.len());
    for format in owners {
        let drawing = format.drawing();
        let fixed = drawing.cells.iter().enumerate().filter(|(_, cell)| matches!(cell, Cell::Fixed(_))).map(|(at, _)| at);
        let required = format.fields.iter().filter(|field| field.required.is_some()).flat_map(|field| field.positions.iter().copied());
        fixed.chain(required).for_each(|at| equations.demand([at], false));
        for check in drawing.checks.iter().filter(|check| check.kind != CheckKind::Xor8Bumped) {
            check.parities().for_each(|(own, covers)| equations.demand(covers.into_iter().chain([own]), false));
        }
    }
    if owners.iter().all(|format| format.drawing().checks.is_empty()) && kind == Kind::Wiegand && old.len() >= HAS_PARITIES {
        // Nobody knows its checks; most formats have a parity over all bits, or one over each half.
        equations.demand(0..old.len(), false);
        equations.demand(0..old.len().div_ceil(2), false);
    }
    if kind == Kind::Csn {
        let kept = match (old.len(), old.number(0, 8), old.number(8, 8)) {
            // What tells a random number, the 88 of one cut short, a maker's code.
            (64, 0x01 | 0x05, 0xFE) => 16,
            (32, 0x08 | 0x88, _) | (56 | 80, ..) => 8,
            _ => 0,
        };
        (0..kept).for_each(|at| equations.demand([at], false));
        if Csn::new(&old.to_bytes()).is_some_and(|csn| csn.is_filled_up()) {
            let is_filler = |at: &usize| matches!(old.number(at / 8 * 8, 8), 0x00 | 0xFF);
            (0..old.len()).filter(is_filler).for_each(|at| equations.demand([at], false));
        }
    }
    equations
}

/// New bits for the fields that cannot have every value: decimal digits, limits, dates, keys.
fn limited(format: &Format, old: &PacsBits, random: &mut dyn Random) -> Vec<(usize, bool)> {
    let fields = format.fields.iter().filter(|field| field.required.is_none() && (field.bcd || !field.is_plain()));
    fields.flat_map(|field| value(field, old, random)).collect()
}

fn value(field: &Field, old: &PacsBits, random: &mut dyn Random) -> Vec<(usize, bool)> {
    if field.bcd {
        let digits = field.positions.chunks(4).flat_map(|digit| {
            let value = random.between(0..=9);
            bits_of(digit, value.into())
        });
        return digits.collect();
    }
    let before = field.read(old.words()).ok();
    let drawn = match before {
        // Enter and clear are no secret, and digits stay digits.
        Some(key) if !field.keys.is_empty() && key > 9 => key.into(),
        Some(key) if !field.keys.is_empty() => ((key + u64::from(random.between(1..=9))) % 10).into(),
        // Nothing is drawn for what the field cannot have; the shape decides.
        None => return Vec::new(),
        Some(_) => field.nth(random.wide()),
    };
    field.bits_of(drawn).collect()
}

fn bits_of(positions: &[usize], value: u64) -> Vec<(usize, bool)> {
    positions.iter().rev().enumerate().map(|(place, at)| (*at, value.checked_shr(place as u32).unwrap_or(0) & 1 == 1)).collect()
}

/// A checksum with a carry is no parity: it is computed anew, and wrong by as much as it was.
fn carry(format: &Format, old: &PacsBits, new: &mut PacsBits) {
    for check in format.drawing().checks.iter().filter(|check| check.kind == CheckKind::Xor8Bumped) {
        let (before, now) = (check.computed(|at| old.get(at)), check.computed(|at| new.get(at)));
        for ((at, right), (_, bit)) in before.into_iter().zip(now) {
            new.set(at, bit != (right != old.get(at)));
        }
    }
}

/// True where no format still reads the card number or the key that it read before.
fn all_numbers_differ(old: &Reading, new: &Reading) -> bool {
    let differ = |name: &str| {
        old.fits.iter().zip(&new.fits).all(|(old, new)| {
            let before = old.credential.number(name);
            before.is_none() || before != new.credential.number(name)
        })
    };
    differ("card_number") && differ("facility_code")
}
