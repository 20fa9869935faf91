//! Why a number looks wrong: what may have happened to a card's bits or digits on the way, and what is read once that is
//! undone.
//!
//! In: a reading that looks wrong, and the print where somebody gave it. Out: the explanations that hold, the likeliest
//! first, each with its odds. Never: a choice; nothing is enrolled by an explanation.
//!
//! An explanation holds where a format takes the bits that it leads back to, and where the print, if there is one, is among
//! the numbers read then. Its odds are the chance that random bits are explained at least as well: the sum of the chances of
//! everything tried that is as common or more so, and among that as strict. Whatever is tried is counted, whether it holds or
//! not, so that of random readings no more than one in a thousand is explained with odds of 1 in 1000. What explains any bits
//! (odds of 1) is not shown. Two that explain equally well have the same odds and are both shown.

mod bits;
mod digits;
#[cfg(test)]
mod tests;

use super::{
    catalog::Catalog,
    format::Format,
    printed::{NOTATIONS, Print},
};
use crate::card::{Fit, Kind, PacsBits, Presentation, Reading, Suggestion};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The formats that the site names, by id; any, if there are none.
    pub named: &'a [String],
    /// The facility codes that the site lists; any, if there are none. A print says more than they do.
    pub facility_codes: &'a [u64],
    /// The number printed on the card.
    pub print: Option<&'a str>,
}

impl Ask<'_> {
    /// How much rarer random bits become because a facility code is one of the site's.
    fn listed(&self, format: &Format) -> f64 {
        let width = u32::from(format.widths().facility_code);
        if self.facility_codes.is_empty() || self.print.is_some() || width == 0 {
            return 1.0;
        }
        let possible = self.facility_codes.iter().filter(|code| code.checked_shr(width).unwrap_or(0) == 0).count();
        (possible as f64 * 0.5_f64.powi(width as i32)).min(1.0)
    }

    fn admits(&self, fit: &Fit) -> bool {
        let is_listed = |code: crate::card::FacilityCode| self.facility_codes.contains(&code.0);
        self.facility_codes.is_empty() || self.print.is_some() || fit.credential.facility_code.is_none_or(is_listed)
    }
}

/// What may explain the reading.
#[must_use]
pub fn explain(reading: &Reading, catalog: &Catalog, ask: &Ask<'_>) -> Vec<Suggestion> {
    // A frame that was damaged on its way has no bits to go by.
    if reading.presentation.damage.is_some() {
        return Vec::new();
    }
    let mut tried = Tried::default();
    if let Some(frame) = reading.presentation.bits {
        for attempt in bits::attempts(reading.presentation.kind, &frame) {
            undo(&attempt, catalog, ask, &mut tried);
        }
    }
    if let Some(print) = ask.print {
        for fit in &reading.fits {
            digits::compare(fit, print, &mut tried);
        }
    }
    tried.explanations()
}

/// One way to undo what may have happened to the bits.
struct Attempt {
    transform: &'static str,
    words: &'static str,
    /// How common it is: 0 before 1, and so on.
    rank: u8,
    kind: Kind,
    bits: PacsBits,
    /// How much likelier random bits pass because some of these bits were chosen and not received.
    chosen: f64,
}

/// Lays the formats over the bits that an attempt leads back to.
fn undo(attempt: &Attempt, catalog: &Catalog, ask: &Ask<'_>, tried: &mut Tried) {
    let is_meant = |id: &str| ask.named.is_empty() || ask.named.iter().any(|named| named == id);
    // A key explains no card.
    let is_card = |format: &Format| format.fields.iter().any(|field| &*field.name == "card_number");
    let fits = |format: &Format| format.len() == attempt.bits.len() && is_card(format) && is_meant(&format.id);
    let formats = catalog.of_kind(attempt.kind).filter(|format| fits(format));
    let chances: Vec<(&Format, f64)> = formats.map(|format| (format, chance(format, attempt, ask))).collect();
    // Without a print, a format that anything fits explains nothing.
    let chances: Vec<(&Format, f64)> = chances.into_iter().filter(|(_, chance)| *chance < 1.0).collect();
    if chances.is_empty() {
        return;
    }
    let fits = catalog.fits(attempt.kind, &attempt.bits);
    let presentation = Presentation { bits: Some(attempt.bits), ..Presentation::of(attempt.kind) };
    let print = ask.print.map(Print::parse);
    for (format, chance) in chances {
        let is_printed = |fit: &Fit| print.as_ref().is_none_or(|print| print.matches(fit, &presentation).is_some());
        let holds = |fit: &&Fit| fit.format == format.id && ask.admits(fit) && is_printed(fit);
        let found = fits.iter().find(holds).map(|fit| Suggestion {
            transform: attempt.transform,
            words: attempt.words.to_owned(),
            bits: Some(attempt.bits),
            fit: fit.clone(),
            odds: chance,
        });
        tried.add(attempt.rank, chance, found);
    }
}

/// The chance that random bits are explained by this format.
fn chance(format: &Format, attempt: &Attempt, ask: &Ask<'_>) -> f64 {
    let print = ask.print.map_or(1.0, |_| (f64::from(NOTATIONS) * 0.5_f64.powi(format.widths().card_number.into())).min(1.0));
    format.odds() * attempt.chosen * print * ask.listed(format)
}

/// Everything that was tried, with its chance, and what was found.
#[derive(Default)]
struct Tried {
    all: Vec<(u8, f64)>,
    found: Vec<(u8, Suggestion)>,
}

impl Tried {
    fn add(&mut self, rank: u8, chance: f64, found: Option<Suggestion>) {
        self.all.push((rank, chance));
        self.found.extend(found.map(|found| (rank, found)));
    }

    /// What was found, each with the odds that all that was tried leaves it, the least first; nothing twice.
    fn explanations(self) -> Vec<Suggestion> {
        let mut explanations: Vec<Suggestion> = Vec::new();
        for (rank, mut found) in self.found {
            let as_good = self.all.iter().filter(|(other, chance)| *other < rank || (*other == rank && *chance <= found.odds));
            found.odds = as_good.map(|(_, chance)| chance).sum();
            let same = |other: &Suggestion| other.transform == found.transform && other.fit.credential == found.fit.credential;
            if found.odds < 1.0 && !explanations.iter().any(same) {
                explanations.push(found);
            }
        }
        explanations.sort_by(|a, b| a.odds.total_cmp(&b.odds));
        explanations
    }
}
