//! The catalog: every known format laid over a presentation, with a verdict.
//!
//! In: formats when it is built, then presentations. Out: readings, every fit and every refusal with its evidence.
//! Never: a choice between fits; that is the site's ([`crate::enroll::policy`]).

use std::{collections::HashMap, sync::Arc};

use super::{
    format::{CompactFit, CompactRefusal, Format},
    narrow::{Against, Narrow},
};
use crate::card::{
    Advice, CERTAIN, Checks, Credential, Fit, Kind, MAX_BITS, Numbers, PacsBits, Presentation, Reading, Reason, Refusal, Verdict, Widths,
};

/// All formats, sorted by kind and length, the most trustworthy first: lower odds, then the id.
#[derive(Debug, Default)]
pub struct Catalog {
    formats: Vec<(Format, Kind)>,
    /// The same formats, folded where they can be.
    narrow: Vec<Option<Narrow>>,
    /// What a fit of each of them is worth.
    worth: Vec<Worth>,
    advice: Advices,
    /// For each kind, where the formats of each length begin; one more than there are lengths.
    starts: Vec<[u16; MAX_BITS + 2]>,
    names: HashMap<String, u16>,
}

/// What a format's fit is worth: the same for every frame.
#[derive(Debug)]
struct Worth {
    odds: f64,
    is_checked: bool,
    widths: Widths,
}

/// What is known of kinds of cards, and of the cards of some formats.
#[derive(Debug, Default)]
pub struct Advices {
    /// Of a kind.
    pub of_kinds: HashMap<Kind, Arc<Advice>>,
    /// Of a format, by its id.
    pub of_formats: HashMap<String, Arc<Advice>>,
}

/// Room for what the formats say, to be used again for every frame.
#[derive(Debug, Default, Clone)]
pub struct Verdicts {
    /// The formats that fit, most trustworthy first.
    pub fits: Vec<CompactFit>,
    /// The formats of that length that do not.
    pub refusals: Vec<CompactRefusal>,
}

impl Catalog {
    /// Builds a catalog of formats with the kinds they read.
    #[must_use]
    pub fn new(formats: impl IntoIterator<Item = (Format, Vec<Kind>)>) -> Self {
        let mut formats: Vec<(Format, Kind)> =
            formats.into_iter().flat_map(|(format, kinds)| kinds.into_iter().map(move |kind| (format.clone(), kind))).collect();
        let wiegand = formats.iter().filter(|(_, kind)| *kind == Kind::Wiegand);
        let stripped: Vec<_> = wiegand.filter_map(|(format, _)| Some((format.stripped()?, Kind::WiegandStripped))).collect();
        formats.extend(stripped);
        formats.sort_by(|(a, kind_a), (b, kind_b)| {
            let place = (*kind_a as u8, a.len()).cmp(&(*kind_b as u8, b.len()));
            place.then_with(|| a.odds().total_cmp(&b.odds())).then_with(|| a.id.cmp(&b.id))
        });
        let worth = |(format, _): &(Format, Kind)| Worth { odds: format.odds(), is_checked: format.is_checked(), widths: format.widths() };
        let worth = formats.iter().map(worth).collect();
        let starts = Kind::ALL.map(|kind| starts(&formats, kind)).to_vec();
        let narrow = formats.iter().map(|(format, _)| Narrow::fold(format)).collect();
        let mut names = HashMap::new();
        for (at, (format, _)) in formats.iter().enumerate().filter(|(_, (_, kind))| *kind != Kind::WiegandStripped) {
            for name in format.aliases.iter().map(String::as_str).chain([&*format.id]) {
                names.entry(name.to_lowercase()).or_insert(at as u16);
            }
        }
        Self { formats, narrow, worth, advice: Advices::default(), starts, names }
    }

    /// The same catalog, which knows what cards are worth.
    #[must_use]
    pub fn with_advice(self, advice: Advices) -> Self {
        Self { advice, ..self }
    }

    /// What is known of such a card: by the format that fits best, else by its kind.
    fn advice_on(&self, kind: Kind, fits: &[Fit]) -> Option<Arc<Advice>> {
        let best = fits.first().filter(|_| !self.advice.of_formats.is_empty());
        let of_format = best.and_then(|fit| self.advice.of_formats.get(&*fit.format));
        of_format.or_else(|| self.advice.of_kinds.get(&kind)).cloned()
    }

    /// The format of that id or alias, whatever its case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Format> {
        self.names.get(&name.to_lowercase()).and_then(|at| self.format(*at))
    }

    /// The format that a compact fit or refusal speaks of.
    #[must_use]
    pub fn format(&self, at: u16) -> Option<&Format> {
        self.formats.get(usize::from(at)).map(|(format, _)| format)
    }

    /// Lays every format of that kind and length over the bits. Nothing is allocated once the room is large enough.
    #[inline]
    pub fn lay(&self, kind: Kind, bits: &PacsBits, into: &mut Verdicts) {
        into.fits.clear();
        into.refusals.clear();
        let first = bits.words()[0];
        for at in self.candidates(kind, bits.len()) {
            let laid = match self.narrow.get(usize::from(at)) {
                Some(Some(narrow)) => narrow.fit(first).map_err(|against| match against {
                    Against::Parity(check) => (Reason::Parity, check),
                    Against::Fixed => (Reason::FixedBits, self.format(at).map_or(0, |format| format.wrong_fixed_bit(bits))),
                }),
                _ => match self.format(at) {
                    Some(format) => format.fit(bits),
                    None => continue,
                },
            };
            match laid {
                Ok(values) => into.fits.push(CompactFit { format: at, values }),
                Err((reason, place)) => into.refusals.push(CompactRefusal { format: at, reason, at: place }),
            }
        }
    }

    /// The formats of that kind and length, most trustworthy first.
    #[inline]
    fn candidates(&self, kind: Kind, len: usize) -> std::ops::Range<u16> {
        let starts = self.starts.get(kind as usize);
        match (starts.and_then(|starts| starts.get(len)), starts.and_then(|starts| starts.get(len + 1))) {
            (Some(from), Some(to)) => *from..*to,
            _ => 0..0,
        }
    }

    /// The formats that fit these bits, in words.
    #[must_use]
    pub fn fits(&self, kind: Kind, bits: &PacsBits) -> Vec<Fit> {
        let mut laid = Verdicts::default();
        self.lay(kind, bits, &mut laid);
        laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, bits)).collect()
    }

    /// Every format's verdict on a presentation, in words.
    #[must_use]
    pub fn read(&self, mut presentation: Presentation) -> Reading {
        let bits = presentation.bits.unwrap_or_default();
        let mut laid = Verdicts::default();
        if presentation.damage.is_none() && presentation.bits.is_some() {
            self.lay(presentation.kind, &bits, &mut laid);
        }
        let mut fits: Vec<Fit> = laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, &bits)).collect();
        if let Some(numbers) = presentation.numbers.as_ref().filter(|_| presentation.damage.is_none()) {
            fits = self.holders_of(numbers);
        }
        let mut refusals: Vec<Refusal> = laid.refusals.iter().filter_map(|refusal| self.refusal_in_words(*refusal)).collect();
        if let Some(damage) = &presentation.damage {
            refusals.push(Refusal { format: damage.by.as_str().into(), reason: Reason::Checksum, detail: damage.detail.as_str().into() });
        }
        if matches!(presentation.kind, Kind::WiegandStripped | Kind::Number) {
            warn(&mut presentation, "parity_not_seen");
        }
        if presentation.csn.as_ref().is_some_and(crate::card::Csn::is_random) {
            warn(&mut presentation, "random_uid");
        }
        let verdict = verdict(&presentation, &fits, &refusals);
        let advice = self.advice_on(presentation.kind, &fits);
        Reading { presentation, verdict, fits, refusals, choice: None, suggestions: Vec::new(), advice }
    }

    /// The formats that have just these numbers and room for them: the reader has decoded the card, and its bits are
    /// not there to be checked.
    fn holders_of(&self, numbers: &Numbers) -> Vec<Fit> {
        let given = &numbers.credential;
        let formats = self.formats.iter().filter(|(_, kind)| matches!(kind, Kind::Wiegand | Kind::Number)).map(|(format, _)| format);
        formats
            .filter(|format| numbers.length.is_none_or(|length| usize::from(length) == format.len()))
            .filter(|format| format.fields.iter().all(|field| field.required.is_some() || given.number(&field.name).is_some()))
            .filter_map(|format| {
                let credential = format.credential(&format.encode(given).ok()?);
                let checks = Checks { present: 0, passed: 0 };
                let (format, aliases) = (format.id.clone(), format.aliases.clone());
                Some(Fit { format, aliases, credential, checks, is_checked: false, odds: 1.0, widths: Widths::default() })
            })
            .collect()
    }

    fn fit_in_words(&self, fit: &CompactFit, bits: &PacsBits) -> Option<Fit> {
        let format = self.format(fit.format)?;
        let worth = self.worth.get(usize::from(fit.format))?;
        Some(Fit {
            format: format.id.clone(),
            aliases: format.aliases.clone(),
            credential: format.credential(bits),
            checks: format.checks(),
            is_checked: worth.is_checked,
            odds: worth.odds,
            widths: worth.widths,
        })
    }

    fn refusal_in_words(&self, refusal: CompactRefusal) -> Option<Refusal> {
        let format = self.format(refusal.format)?;
        let detail = format.detail(refusal.reason, refusal.at);
        Some(Refusal { format: format.id.clone(), reason: refusal.reason, detail })
    }

    /// Every format that reads that kind, most trustworthy first.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Format> {
        self.formats.iter().filter(move |(_, of)| *of == kind).map(|(format, _)| format)
    }
}

/// Where the formats of each length of one kind begin in the sorted list.
fn starts(formats: &[(Format, Kind)], kind: Kind) -> [u16; MAX_BITS + 2] {
    let mut starts = [0; MAX_BITS + 2];
    for (len, start) in starts.iter_mut().enumerate() {
        *start = formats.partition_point(|(format, of)| (*of as u8, format.len()) < (kind as u8, len)) as u16;
    }
    starts
}

fn warn(presentation: &mut Presentation, warning: &str) {
    if !presentation.warnings.iter().any(|known| known == warning) {
        presentation.warnings.push(warning.to_owned());
    }
}

fn verdict(presentation: &Presentation, fits: &[Fit], refusals: &[Refusal]) -> Verdict {
    match presentation.kind {
        _ if presentation.damage.is_some() => Verdict::Damaged,
        Kind::Csn if presentation.csn.is_none() => Verdict::Unreadable,
        Kind::Csn => Verdict::SerialOnly,
        Kind::Key => Verdict::Keypad,
        _ if presentation.bits.is_none() && presentation.numbers.is_none() => Verdict::UnknownLength,
        _ if !fits.is_empty() && fits.iter().all(is_key) => Verdict::Keypad,
        _ if fits.is_empty() && refusals.iter().any(|refusal| refusal.reason.is_damage()) => Verdict::Damaged,
        _ if fits.is_empty() => Verdict::NoFit,
        _ if !one_credential(fits) => Verdict::Ambiguous,
        _ if !fits.iter().any(|fit| fit.is_checked) => Verdict::Unchecked,
        _ if odds_of_one(fits) <= CERTAIN => Verdict::Certain,
        _ => Verdict::Likely,
    }
}

/// The odds of a credential that several formats agree on: the least of theirs, never their product.
///
/// Formats that agree are no independent witnesses: they read the same bits, and most of the time one format's checks are
/// the other's as well. That all of them fit cannot happen more often than that the strictest one fits; this holds whatever
/// they share, and nothing smaller does. The weaker ones take nothing away from it: the strict format's checks hold or not,
/// whoever else agrees. What it does not say is how many formats were tried: with many strict formats of one length, random
/// bits would fit one of them more often. `tests/calibration.rs` adds them up for every length.
fn odds_of_one(fits: &[Fit]) -> f64 {
    fits.iter().map(|fit| fit.odds).fold(1.0, f64::min)
}

/// A keypad's frame: a key and no card number.
fn is_key(fit: &Fit) -> bool {
    fit.credential.card_number.is_none() && fit.credential.number("key").is_some()
}

fn one_credential(fits: &[Fit]) -> bool {
    let credentials: Vec<&Credential> = fits.iter().map(|fit| &fit.credential).collect();
    credentials.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// A catalog is shared by everything that reads cards.
pub type SharedCatalog = Arc<Catalog>;
