//! The catalog: every known format laid over a presentation, with a verdict.
//!
//! In: formats when it is built, then presentations. Out: readings, every fit and every refusal with its evidence.
//! Never: a choice between fits; that is the site's ([`crate::enroll::policy`]).

use std::{collections::HashMap, sync::Arc};

use super::{
    format::{CompactFit, Format},
    shelf::Shelf,
    track,
};
use crate::card::{
    Advice, CERTAIN, Checks, Credential, FILLED_UID, Fit, Kind, MAX_BITS, Numbers, PacsBits, Presentation, Reading, Reason, Refusal,
    Verdict, Widths,
};

/// All formats, sorted by kind and length, the most trustworthy first: lower odds, then the id.
#[derive(Debug, Default)]
pub struct Catalog {
    formats: Box<[(Format, Kind)]>,
    /// What a fit of each of them is worth.
    worth: Box<[Worth]>,
    advice: Advices,
    /// The formats of each kind and length; the first shelf is empty.
    shelves: Vec<Shelf>,
    /// For each kind, the shelf of each length.
    places: Vec<[u16; MAX_BITS + 1]>,
    names: HashMap<String, u16>,
}

/// What a format's fit is worth: the same for every frame.
#[derive(Debug)]
struct Worth {
    odds: f64,
    is_checked: bool,
    /// It names a card, and is no key of a keypad.
    is_card: bool,
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

impl Catalog {
    /// Builds a catalog of formats with the kinds they read.
    #[must_use]
    pub fn new(formats: impl IntoIterator<Item = (Format, Vec<Kind>)>) -> Self {
        let mut formats: Vec<(Format, Kind)> =
            formats.into_iter().flat_map(|(format, kinds)| kinds.into_iter().map(move |kind| (format.clone(), kind))).collect();
        let wiegand = formats.iter().filter(|(_, kind)| *kind == Kind::Wiegand);
        let stripped: Vec<_> = wiegand.filter_map(|(format, _)| Some((format.stripped()?, Kind::WiegandStripped))).collect();
        formats.extend(stripped);
        // Odds are not negative, and so their bits sort as they do.
        formats.sort_by_cached_key(|(format, kind)| (*kind as u8, format.len(), format.odds().to_bits(), format.id.clone()));
        let (shelves, places) = shelves(&formats);
        let worth = |(format, _): &(Format, Kind)| {
            let has = |name: &str| format.fields.iter().any(|field| *field.name == *name);
            let is_card = has("card_number") || !(has("key") || has("pin"));
            Worth { odds: format.odds(), is_checked: format.is_checked(), is_card, widths: format.widths() }
        };
        let worth = formats.iter().map(worth).collect();
        let mut names = HashMap::new();
        for (at, (format, _)) in formats.iter().enumerate().filter(|(_, (_, kind))| *kind != Kind::WiegandStripped) {
            for name in format.aliases.iter().map(String::as_str).chain([&*format.id]) {
                names.entry(name.to_lowercase()).or_insert(at as u16);
            }
        }
        Self { formats: formats.into(), worth, advice: Advices::default(), shelves, places, names }
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

    /// Lays every format of that kind and length over the bits: those that fit, most trustworthy first. Nothing is allocated
    /// once the list is long enough.
    #[inline]
    pub fn lay(&self, kind: Kind, bits: &PacsBits, fits: &mut Vec<CompactFit>) {
        fits.clear();
        if let Some(shelf) = self.shelf(kind, bits.len()) {
            shelf.lay(&self.formats, bits, fits);
        }
    }

    #[inline]
    fn shelf(&self, kind: Kind, len: usize) -> Option<&Shelf> {
        let place = self.places.get(kind as usize)?.get(len)?;
        self.shelves.get(usize::from(*place))
    }

    /// True where a format of cards fits these bits: then they are not typed on a keypad, whatever else fits.
    #[must_use]
    pub fn is_card(&self, presentation: &Presentation) -> bool {
        let Some(bits) = presentation.bits else { return false };
        let mut fits = Vec::new();
        self.lay(presentation.kind, &bits, &mut fits);
        fits.iter().any(|fit| self.worth.get(usize::from(fit.format)).is_some_and(|worth| worth.is_card))
    }

    /// True where the format of this name reads what is typed on a keypad, and no card.
    #[must_use]
    pub fn is_of_entries(&self, name: &str) -> bool {
        let at = self.names.get(&name.to_lowercase());
        at.and_then(|at| self.worth.get(usize::from(*at))).is_some_and(|worth| !worth.is_card)
    }

    /// The formats that fit these bits, in words.
    #[must_use]
    pub fn fits(&self, kind: Kind, bits: &PacsBits) -> Vec<Fit> {
        let mut laid = Vec::new();
        self.lay(kind, bits, &mut laid);
        laid.iter().filter_map(|fit| self.fit_in_words(fit, bits, &mut Vec::new())).collect()
    }

    /// Every format's verdict on a presentation, in words.
    #[must_use]
    pub fn read(&self, mut presentation: Presentation) -> Reading {
        if presentation.bits.is_none() && presentation.damage.is_none() {
            self.settle_length(&mut presentation);
        }
        let (mut fits, mut refusals) = match presentation.bits.filter(|_| presentation.damage.is_none()) {
            Some(bits) => self.judge(presentation.kind, &bits, &mut presentation.warnings),
            None if presentation.bits.is_none() => {
                let fits = self.fits_in_each_length(presentation.kind, &presentation.could_be, &mut presentation.warnings);
                (fits, Vec::new())
            }
            None => Default::default(),
        };
        if let Some(numbers) = presentation.numbers.as_ref().filter(|_| presentation.damage.is_none()) {
            fits = self.holders_of(numbers);
        }
        if let Some(damage) = &presentation.damage {
            refusals.push(Refusal { format: damage.by.as_str().into(), reason: Reason::Checksum, detail: damage.detail.as_str().into() });
        }
        if matches!(presentation.kind, Kind::WiegandStripped | Kind::Number) {
            warn(&mut presentation.warnings, "parity_not_seen");
        }
        if let Some(csn) = &presentation.csn {
            let warning = csn.flaw().or_else(|| csn.is_filled_up().then_some(FILLED_UID));
            warning.into_iter().for_each(|warning| warn(&mut presentation.warnings, warning));
        }
        let verdict = verdict(&presentation, &fits, &refusals);
        let advice = self.advice_on(presentation.kind, &fits);
        Reading { presentation, verdict, fits, refusals, choice: None, suggestions: Vec::new(), advice }
    }

    /// Where formats of one length only fit, that is the length.
    fn settle_length(&self, presentation: &mut Presentation) {
        let mut laid = Vec::new();
        let mut fitting = presentation.could_be.iter().filter(|bits| {
            self.lay(presentation.kind, bits, &mut laid);
            !laid.is_empty()
        });
        presentation.bits = fitting.next().filter(|_| fitting.next().is_none()).copied();
    }

    /// Every format of every length that the bits can have; damage cannot be told from another length.
    fn fits_in_each_length(&self, kind: Kind, could_be: &[PacsBits], warnings: &mut Vec<String>) -> Vec<Fit> {
        let (mut laid, mut fits) = (Vec::new(), Vec::new());
        for bits in could_be {
            self.lay(kind, bits, &mut laid);
            fits.extend(laid.iter().filter_map(|fit| self.fit_in_words(fit, bits, warnings)));
        }
        fits.sort_by(|a, b| a.odds.total_cmp(&b.odds).then_with(|| a.format.cmp(&b.format)));
        fits
    }

    /// The fit of the format of this id, if it is one of those that [`Self::read`] finds in bits of that kind.
    #[must_use]
    pub fn fit_of(&self, id: &str, kind: Kind, bits: &PacsBits) -> Option<Fit> {
        let mut laid = Vec::new();
        let (whole, track) = layers(kind, bits);
        [Some(whole), track].into_iter().flatten().find_map(|(kind, over)| {
            self.lay(kind, &over, &mut laid);
            let fit = laid.iter().find(|fit| self.format(fit.format).is_some_and(|format| *format.id == *id))?;
            self.fit_in_words(fit, &over, &mut Vec::new())
        })
    }

    /// Every format's verdict on bits of that kind, in words.
    fn judge(&self, kind: Kind, bits: &PacsBits, warnings: &mut Vec<String>) -> (Vec<Fit>, Vec<Refusal>) {
        let mut laid = Vec::new();
        let ((of, over), track) = layers(kind, bits);
        self.lay(of, &over, &mut laid);
        let mut fits: Vec<Fit> = laid.iter().filter_map(|fit| self.fit_in_words(fit, &over, warnings)).collect();
        let refusals = self.refusals(of, &over, &laid);
        if let Some((of, track)) = track {
            self.lay(of, &track, &mut laid);
            let more = laid.iter().filter_map(|fit| self.fit_in_words(fit, &track, warnings));
            let more: Vec<Fit> = more.filter(|fit| !fits.iter().any(|known: &Fit| known.format == fit.format)).collect();
            fits.extend(more);
            fits.sort_by(|a, b| a.odds.total_cmp(&b.odds));
        }
        (fits, refusals)
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

    fn fit_in_words(&self, fit: &CompactFit, bits: &PacsBits, warnings: &mut Vec<String>) -> Option<Fit> {
        let format = self.format(fit.format)?;
        let worth = self.worth.get(usize::from(fit.format))?;
        if format.is_doubtful(bits) {
            warn(warnings, "check_not_judged_fails");
        }
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

    /// Why the formats of that kind and length that do not fit do not.
    fn refusals(&self, kind: Kind, bits: &PacsBits, fits: &[CompactFit]) -> Vec<Refusal> {
        let all = self.shelf(kind, bits.len()).map(Shelf::formats).unwrap_or_default();
        let mut refusals = Vec::with_capacity(all.len());
        let others = all.filter(|format| !fits.iter().any(|fit| fit.format == *format)).filter_map(|format| self.format(format));
        let refusal = |format: &Format| {
            let (reason, at) = format.fit(bits).err()?;
            Some(Refusal { format: format.id.clone(), reason, detail: format.detail(reason, at) })
        };
        refusals.extend(others.filter_map(refusal));
        refusals
    }

    /// Every format that reads that kind, most trustworthy first.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Format> {
        self.formats.iter().filter(move |(_, of)| *of == kind).map(|(format, _)| format)
    }
}

/// What formats of which kind are laid over. Digits are laid over the track alone, as it lies between its zeros; and bits that are a
/// whole track are one, over whatever wires they came.
fn layers(kind: Kind, bits: &PacsBits) -> ((Kind, PacsBits), Option<(Kind, PacsBits)>) {
    let track = if matches!(kind, Kind::Wiegand | Kind::Track2 | Kind::Fascn) { track::find(bits) } else { None };
    match track {
        Some(track) if kind == Kind::Wiegand => ((kind, *bits), Some((Kind::Track2, track))),
        Some(track) => ((kind, track), None),
        None => ((kind, *bits), None),
    }
}

/// A shelf for the formats of each kind and length, behind an empty one; and where each stands.
fn shelves(formats: &[(Format, Kind)]) -> (Vec<Shelf>, Vec<[u16; MAX_BITS + 1]>) {
    let (mut shelves, mut places) = (vec![Shelf::default()], vec![[0; MAX_BITS + 1]; Kind::ALL.len()]);
    let mut from = 0;
    for alike in formats.chunk_by(|(a, of_a), (b, of_b)| (of_a, a.len()) == (of_b, b.len())) {
        let place = alike.first().and_then(|(format, kind)| places.get_mut(*kind as usize)?.get_mut(format.len()));
        if let Some(place) = place {
            *place = shelves.len() as u16;
        }
        shelves.push(Shelf::new(alike.iter().map(|(format, _)| format), from));
        from += alike.len() as u16;
    }
    (shelves, places)
}

fn warn(warnings: &mut Vec<String>, warning: &str) {
    if !warnings.iter().any(|known| known == warning) {
        warnings.push(warning.to_owned());
    }
}

fn verdict(presentation: &Presentation, fits: &[Fit], refusals: &[Refusal]) -> Verdict {
    match presentation.kind {
        _ if presentation.damage.is_some() => Verdict::Damaged,
        Kind::Csn if presentation.csn.is_none() => Verdict::Unreadable,
        Kind::Csn => Verdict::SerialOnly,
        Kind::Key => Verdict::Keypad,
        _ if presentation.bits.is_none() && presentation.numbers.is_none() && fits.is_empty() => Verdict::UnknownLength,
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

/// A keypad's frame: a key or a PIN, and no card number.
fn is_key(fit: &Fit) -> bool {
    let has = |name| fit.credential.number(name).is_some();
    fit.credential.card_number.is_none() && (has("key") || has("pin"))
}

fn one_credential(fits: &[Fit]) -> bool {
    let credentials: Vec<&Credential> = fits.iter().map(|fit| &fit.credential).collect();
    credentials.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// A catalog is shared by everything that reads cards.
pub type SharedCatalog = Arc<Catalog>;
