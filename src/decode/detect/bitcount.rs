//! How many bits a card has whose reader does not tell: what the known formats' checks say of it, and how sure that is.
//!
//! In: different frames of one dialect, and the known formats. Out: numbers of bits, and how many more cards would settle
//! them. Never: a number of bits that chance, or a marker in front of the bits, explains as well.

use crate::{
    card::{Kind, MAX_BITS, PacsBits, Presentation},
    decode::{
        catalog::Catalog,
        dialect::Dialect,
        line::Told,
        message::{Heard, digits, read_frame},
    },
};

/// A number of bits is believed where chance explains it at most so often.
const SURE: f64 = 0.001;

/// So many random frames of a length are tried to see how many pass the checks of its formats.
const TRIED: u32 = 400;

/// More cards than this are asked of nobody.
const MOST_CARDS: usize = 40;

/// What is known of the number of bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BitCounts {
    /// The numbers at which checks pass on every card.
    pub counts: Vec<u16>,
    /// How many different cards were seen.
    pub cards: usize,
    /// How many more different cards would settle it, if they pass too; none where cards do not settle it.
    pub more: Option<usize>,
    /// On every card a 1 stands before so many last bits and zeros before it, and behind it checks pass: a marker, perhaps.
    pub marked: Option<u16>,
}

impl BitCounts {
    /// The number, where there is only one and the cards are enough.
    #[must_use]
    pub fn only(&self) -> Option<u16> {
        match self.counts.as_slice() {
            [only] if self.is_sure() => Some(*only),
            _ => None,
        }
    }

    /// True where nothing else explains the number.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.more == Some(0)
    }
}

/// What these frames, all of them different, say.
pub(super) fn of(dialect: &Dialect, frames: &[Vec<u8>], catalog: &Catalog) -> BitCounts {
    let Some(first) = frames.first() else { return BitCounts::default() };
    let proves = |frame: &Vec<u8>, bits: u16| {
        let told = Told { bits: Some(bits), ..Told::default() };
        match read_frame(dialect, &told, frame) {
            Some(Heard::Shown(presentation, _)) => is_checked(catalog, *presentation),
            _ => false,
        }
    };
    let all = 1..=u16::try_from(MAX_BITS).unwrap_or(u16::MAX);
    let counts: Vec<u16> = all.filter(|bits| frames.iter().all(|frame| proves(frame, *bits))).collect();
    let has_marker = dialect.messages.iter().any(|message| message.marker.is_some());
    let marked = if has_marker { None } else { marked(dialect, frames, catalog) };
    let digits = digits(dialect, first).map_or(MAX_BITS, |digits| digits.len());
    let more = match counts.as_slice() {
        [only] if marked.is_none() => {
            let spare = digits.saturating_sub(usize::from(*only));
            more(chance(*only, catalog), digits, if has_marker { spare } else { 0 }, frames.len())
        }
        // More cards rule out those at which their checks fail. Where chance does not explain any of them any more, they are
        // one and the same: a format with zeros behind it can be another one.
        counts if counts.len() > 1 && marked.is_none() => {
            let all = counts.iter().map(|bits| more(chance(*bits, catalog), digits, 0, frames.len()));
            all.collect::<Option<Vec<usize>>>().and_then(|all| all.into_iter().max()).filter(|more| *more > 0)
        }
        _ => None,
    };
    BitCounts { counts, cards: frames.len(), more, marked }
}

/// How many more cards it takes until chance explains the number no more. `marked`: so many bits, zeros and a 1, say it too.
fn more(chance: f64, lengths: usize, marked: usize, cards: usize) -> Option<usize> {
    let tries = u32::try_from(lengths.max(1)).map_or(f64::MAX, f64::from);
    let mut by_chance = tries * 0.5_f64.powi(i32::try_from(marked).unwrap_or(i32::MAX));
    for needed in 1..=MOST_CARDS {
        by_chance *= chance;
        if by_chance <= SURE {
            return Some(needed.saturating_sub(cards));
        }
    }
    None
}

/// How many random frames of that length pass the checks of a known format.
fn chance(bits: u16, catalog: &Catalog) -> f64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let passed = (0..TRIED).filter(|_| {
        let bytes: Vec<u8> = (0..MAX_BITS.div_ceil(64)).flat_map(|_| random().to_be_bytes()).collect();
        let bits = PacsBits::from_left_aligned(&masked(bytes, bits.into()), bits.into()).ok();
        is_checked(catalog, Presentation { bits, ..Presentation::of(Kind::Wiegand) })
    });
    // A chance that was not seen in so many tries may be as great as one of them.
    f64::from(u32::try_from(passed.count()).unwrap_or(TRIED).max(1)) / f64::from(TRIED)
}

/// The first bits, and zeros behind them.
fn masked(mut bytes: Vec<u8>, bits: usize) -> Vec<u8> {
    bytes.truncate(bits.div_ceil(8));
    if let Some(last) = bytes.last_mut().filter(|_| !bits.is_multiple_of(8)) {
        *last &= 0xFF << (8 - bits % 8);
    }
    bytes
}

/// The number of bits behind a 1 that stands at the same place on every card, where checks pass behind it on every card.
fn marked(dialect: &Dialect, frames: &[Vec<u8>], catalog: &Catalog) -> Option<u16> {
    let all: Vec<Vec<bool>> = frames.iter().map(|frame| digits(dialect, frame)).collect::<Option<_>>()?;
    let behind = |digits: &Vec<bool>| {
        let marker = digits.iter().position(|bit| *bit)?;
        Some((digits.len() - marker - 1, digits.get(marker + 1..)?.to_vec()))
    };
    let cards: Vec<(usize, Vec<bool>)> = all.iter().map(behind).collect::<Option<_>>()?;
    let (count, _) = cards.first()?;
    let passes = |(known, bits): &(usize, Vec<bool>)| {
        let bits = PacsBits::from_bits(bits.iter().copied()).ok();
        known == count && bits.is_some() && is_checked(catalog, Presentation { bits, ..Presentation::of(dialect.kind) })
    };
    cards.iter().all(passes).then(|| u16::try_from(*count).ok()).flatten()
}

fn is_checked(catalog: &Catalog, presentation: Presentation) -> bool {
    catalog.read(presentation).fits.iter().any(|fit| fit.checks.passed > 0)
}
