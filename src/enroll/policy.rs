//! The site's policy: which of the fits is believed.
//!
//! In: a reading, what the site configured, what the operator said. Out: the fit chosen and who decided it, or what
//! would settle it. Never: a guess; none or several left is no choice, and nothing is hidden from the reading.

use std::time::Duration;
use strum::IntoStaticStr;

use uuid::Uuid;

use super::kept::Kept;
use crate::{
    card::{Credential, DecidedBy, Fit, Presentation, Reading, Verdict},
    decode::{
        catalog::Catalog,
        explain::{self, Ask},
        printed::{Match, Print},
    },
};

/// What a site believes.
#[derive(Debug, Clone, Default)]
pub struct SitePolicy {
    /// Ids of the formats this site uses; empty for any.
    pub formats: Vec<String>,
    /// Facility codes of this site; empty for any.
    pub facility_codes: Vec<u64>,
    /// BluSKY's card types.
    pub card_types: Vec<CardType>,
    /// For how long after it was last seen a card that was given to somebody is not given to somebody else unasked; none for never.
    pub same_card: Option<Duration>,
    /// What people have answered for the site.
    pub kept: Vec<Kept>,
}

/// One of BluSKY's card types, as the site configured it.
#[derive(Debug, Clone)]
pub struct CardType {
    /// BluSKY's number for it.
    pub blusky: i64,
    /// Its name.
    pub name: String,
    /// Ids of the formats it takes.
    pub formats: Vec<String>,
    /// The access-control system its cards belong to.
    pub system: Uuid,
    /// The numbers BluSKY requires for it.
    pub requires: Vec<Required>,
    /// How the printed number follows from the encoded ones, where the site says so.
    pub external_number: Option<String>,
}

/// A number that a card type requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Required {
    /// The facility code.
    FacilityCode,
    /// The card serial number.
    Serial,
    /// The issue code.
    IssueCode,
}

impl Required {
    /// The name used in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the operator said about the card.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The card type meant.
    pub card_type: Option<i64>,
    /// The number printed on the card.
    pub printed: Option<String>,
}

/// Chooses among a reading's fits and writes the choice into it.
pub fn choose(reading: &mut Reading, policy: &SitePolicy, hints: &Hints) {
    reading.choice = decide(reading, policy, hints);
}

/// Looks for what may explain a reading that looks wrong, and writes it into the reading: one that gives no number at all, none
/// that the site takes, or not the printed one. It does nothing to a reading that looks right. A print that is none of the
/// numbers is warned of.
pub fn explain(reading: &mut Reading, catalog: &Catalog, policy: &SitePolicy, print: Option<&str>) {
    let wrong_print = print.filter(|print| policy.prints_none(reading, print));
    if wrong_print.is_some() && !reading.fits.is_empty() {
        reading.presentation.warnings.push(PRINTED_NOT_READ.to_owned());
    }
    let is_foreign = !reading.is_typed() && !reading.fits.iter().any(|fit| policy.admits(fit) && policy.is_taken(fit));
    if wrong_print.is_some() || is_foreign {
        let named = policy.named_formats();
        let ask = Ask { named: &named, facility_codes: &policy.facility_codes, print: wrong_print };
        reading.suggestions = explain::explain(reading, catalog, &ask);
    }
}

/// The warning of a print that is none of the numbers read.
const PRINTED_NOT_READ: &str = "printed_not_read";

fn decide(reading: &Reading, policy: &SitePolicy, hints: &Hints) -> Option<(usize, DecidedBy)> {
    if reading.fits.is_empty() || reading.presentation.no_identity().is_some() || reading.verdict == Verdict::Keypad {
        return None;
    }
    let all: Vec<usize> = (0..reading.fits.len()).collect();
    let keep = |from: &[usize], wanted: &dyn Fn(&Fit) -> bool| -> Vec<usize> {
        from.iter().copied().filter(|at| reading.fits.get(*at).is_some_and(wanted)).collect()
    };
    let site = keep(&all, &|fit| policy.admits(fit) && policy.is_taken(fit));
    let typed = keep(&site, &|fit| hints.card_type.is_none_or(|number| policy.takes(number, fit)));
    let printed = match &hints.printed {
        Some(print) => printed(reading, &typed, policy, print),
        None => typed.clone(),
    };
    if !is_one(reading, &printed) {
        return policy.kept_choice(reading, &printed).map(|chosen| (chosen, DecidedBy::Policy));
    }
    let chosen = *printed.first()?;
    let fit = reading.fits.get(chosen)?;
    let unchecked = !fit.is_checked;
    // What nothing confirms is believed only where the site names it; it stands against the others all the same. Among
    // several readings of one card the print confirms the one it is a notation of.
    let confirmed = hints.printed.is_some() && reading.verdict == Verdict::Ambiguous;
    if (unchecked && !confirmed && !policy.names(fit)) || is_entry(fit) {
        return None;
    }
    let decided_by = match () {
        () if is_one(reading, &all) && !unchecked => DecidedBy::OnlyFit,
        () if is_one(reading, &site) => DecidedBy::Policy,
        () if is_one(reading, &typed) => DecidedBy::Operator,
        () => DecidedBy::Printed,
    };
    Some((chosen, decided_by))
}

/// Those of the fits that say best what is printed.
fn printed(reading: &Reading, fits: &[usize], policy: &SitePolicy, print: &str) -> Vec<usize> {
    let presentation = &reading.presentation;
    let how = |at: &usize| reading.fits.get(*at).and_then(|fit| policy.prints(fit, presentation, print));
    let best = fits.iter().filter_map(how).min();
    fits.iter().copied().filter(|at| best.is_some() && how(at) == best).collect()
}

/// True where the fits are one credential, however many formats say so.
fn is_one(reading: &Reading, fits: &[usize]) -> bool {
    let mut credentials = fits.iter().filter_map(|at| reading.fits.get(*at)).map(|fit| &fit.credential);
    let first: Option<&Credential> = credentials.next();
    first.is_some() && credentials.all(|other| Some(other) == first)
}

/// A key or a PIN from a keypad, and no card.
fn is_entry(fit: &Fit) -> bool {
    let has = |name| fit.credential.number(name).is_some();
    fit.credential.card_number.is_none() && (has("key") || has("pin"))
}

impl SitePolicy {
    /// Every format that the site or one of its card types names, by id.
    #[must_use]
    pub fn named_formats(&self) -> Vec<String> {
        let typed = self.card_types.iter().flat_map(|card_type| &card_type.formats);
        self.formats.iter().chain(typed).cloned().collect()
    }

    /// True where the site names the fit's format.
    pub(super) fn names(&self, fit: &Fit) -> bool {
        self.formats.iter().any(|format| **format == *fit.format)
    }

    /// True where the site uses the fit's format (any, if none are listed) and its facility code (the same; a fit without
    /// one passes).
    #[must_use]
    pub fn admits(&self, fit: &Fit) -> bool {
        let facility = match fit.credential.facility_code {
            None => true,
            Some(_) if self.facility_codes.is_empty() => true,
            // Facility codes speak of cards: a PIN in a card's frame is none of theirs.
            Some(_) if fit.credential.card_number.is_none() => false,
            Some(code) => self.facility_codes.contains(&code.0),
        };
        facility && (self.formats.is_empty() || self.names(fit))
    }

    /// Where card types are configured, one of them must take the format.
    fn is_taken(&self, fit: &Fit) -> bool {
        self.card_types.is_empty() || self.card_types.iter().any(|card_type| card_type.takes(fit))
    }

    fn takes(&self, number: i64, fit: &Fit) -> bool {
        self.card_types.iter().any(|card_type| card_type.blusky == number && card_type.takes(fit))
    }

    /// How well the fit says what is printed: by a card type's own template, or in any notation that the field prints.
    #[must_use]
    pub fn prints(&self, fit: &Fit, presentation: &Presentation, print: &str) -> Option<Match> {
        let templates =
            self.card_types.iter().filter(|card_type| card_type.takes(fit)).filter_map(|card_type| card_type.external_number.as_ref());
        let mut rendered =
            templates.filter_map(|template| super::template::render(template, &fit.credential, presentation.csn.as_ref()).ok());
        if rendered.any(|text| text == print.trim()) { Some(Match::Numbers) } else { Print::parse(print).matches(fit, presentation) }
    }

    /// True where a print is none of the reading's numbers, whatever the site believes.
    #[must_use]
    pub fn prints_none(&self, reading: &Reading, print: &str) -> bool {
        !reading.fits.iter().any(|fit| self.prints(fit, &reading.presentation, print).is_some())
    }

    /// The card type of that number.
    #[must_use]
    pub fn card_type(&self, number: i64) -> Option<&CardType> {
        self.card_types.iter().find(|card_type| card_type.blusky == number)
    }

    /// The fits of a tie among which a person can choose, by their place: those that the site uses, one for each credential.
    #[must_use]
    pub fn choices(&self, reading: &Reading) -> Vec<usize> {
        if reading.verdict != Verdict::Ambiguous || reading.presentation.no_identity().is_some() {
            return Vec::new();
        }
        let mut choices: Vec<usize> = Vec::new();
        let left = self.left(reading);
        for (at, fit) in reading.fits.iter().enumerate().filter(|(_, fit)| left.contains(fit)) {
            let is_same = |other: &usize| reading.fits.get(*other).is_some_and(|other| other.credential == fit.credential);
            if !choices.iter().any(is_same) {
                choices.push(at);
            }
        }
        choices
    }

    /// True where the site leaves nothing but an entry on a keypad: of the formats that fit, it names one of those that are
    /// never a card, and none of the others is a card of its own.
    #[must_use]
    pub fn leaves_an_entry(&self, reading: &Reading) -> bool {
        let is_card = |fit: &Fit| !is_entry(fit) && self.admits(fit) && self.is_taken(fit);
        reading.fits.iter().any(|fit| is_entry(fit) && self.names(fit)) && !reading.fits.iter().any(is_card)
    }

    /// The fits that are left of a tie, among which a person chooses.
    #[must_use]
    pub fn left<'r>(&self, reading: &'r Reading) -> Vec<&'r Fit> {
        reading.fits.iter().filter(|fit| self.admits(fit) && self.is_taken(fit) && !is_entry(fit)).collect()
    }

    /// Which of the fits at these places an answer says it is that was kept.
    fn kept_choice(&self, reading: &Reading, places: &[usize]) -> Option<usize> {
        let left: Vec<&Fit> = places.iter().filter_map(|at| reading.fits.get(*at)).filter(|fit| !is_entry(fit)).collect();
        let chosen = self.kept.iter().find_map(|kept| left.get(kept.chosen_of(&left)?))?;
        reading.fits.iter().position(|fit| fit == *chosen)
    }

    /// True where somebody has said that cards like this one are the site's.
    #[must_use]
    pub fn keeps(&self, fit: &Fit) -> bool {
        self.kept.contains(&Kept::first_seen(fit))
    }

    /// The facility codes that are listed, and those of which somebody has said that they are the site's.
    pub fn known_codes(&self) -> impl Iterator<Item = u64> {
        let kept = self.kept.iter().filter_map(|kept| if let Kept::FacilityCode(code) = kept { Some(*code) } else { None });
        self.facility_codes.iter().copied().chain(kept)
    }

    /// The configuration lines that would settle a reading nothing was chosen from.
    #[must_use]
    pub fn settling_lines(&self, reading: &Reading) -> Vec<String> {
        if reading.presentation.no_identity().is_some() {
            return Vec::new();
        }
        let mut lines = vec!["[site]".to_owned()];
        // Of formats that the site names, only the facility code stands in the way.
        let unlisted = reading.fits.iter().filter(|fit| self.names(fit) && self.is_taken(fit) && !self.admits(fit));
        lines.extend(unlisted.filter_map(|fit| self.with_code(fit)));
        if lines.len() > 1 {
            return lines;
        }
        for fit in &reading.fits {
            lines.push(format!("formats = [\"{}\"]   # {}", fit.format, fit.credential.words()));
        }
        let mut codes: Vec<u64> = reading.fits.iter().filter_map(|fit| fit.credential.facility_code.map(|code| code.0)).collect();
        codes.sort_unstable();
        codes.dedup();
        if codes.len() > 1 {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            lines.push(format!("facility_codes = [N]   # or: one of {}", codes.join(", ")));
        }
        if lines.len() > 1 { lines } else { Vec::new() }
    }
}

impl SitePolicy {
    /// The line that lists the fit's facility code beside those that are listed.
    fn with_code(&self, fit: &Fit) -> Option<String> {
        let codes = self.facility_codes.iter().copied().chain([fit.credential.facility_code?.0]);
        let codes: Vec<String> = codes.map(|code| code.to_string()).collect();
        Some(format!("facility_codes = [{}]   # {}: {}", codes.join(", "), fit.format, fit.credential.words()))
    }
}

impl CardType {
    /// True where this card type takes the fit's format.
    #[must_use]
    pub fn takes(&self, fit: &Fit) -> bool {
        self.formats.iter().any(|format| **format == *fit.format)
    }
}
