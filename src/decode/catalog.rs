//! The catalog: every known format laid over a presentation, with a verdict.
//!
//! In: formats when it is built, then presentations. Out: readings, every fit and every refusal with its evidence.
//! Never: a choice between fits; that is the site's ([`crate::enroll::policy`]).

use std::{collections::HashMap, sync::Arc};

use super::{
    format::{CompactFit, CompactRefusal, Format, NEVER},
    narrow::{Against, Fields, Test},
    track,
};
use crate::card::{
    Advice, CERTAIN, Checks, Credential, FILLED_UID, Fit, Kind, MAX_BITS, Numbers, PacsBits, Presentation, Reading, Reason, Refusal,
    Verdict, Widths,
};

/// All formats, sorted by kind and length, the most trustworthy first: lower odds, then the id.
#[derive(Debug, Default)]
pub struct Catalog {
    formats: Vec<(Format, Kind)>,
    /// The same formats' fields, folded where they can be.
    fields: Vec<Option<Fields>>,
    /// What a fit of each of them is worth.
    worth: Vec<Worth>,
    advice: Advices,
    /// Formats with the same test, one after the other.
    runs: Vec<Run>,
    /// For each kind, where the runs of each length begin; one more than there are lengths.
    starts: Vec<[u16; MAX_BITS + 2]>,
    names: HashMap<String, u16>,
}

/// Formats of one kind and length that a frame is held against at once; without a test, one format that tests itself.
#[derive(Debug, Clone, Copy)]
struct Run {
    test: Option<Test>,
    from: u16,
    to: u16,
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
        let tests = sort(&mut formats);
        let runs = runs(&tests);
        let starts = Kind::ALL.map(|kind| starts(&formats, &runs, kind)).to_vec();
        let fields = formats.iter().map(|(format, _)| Fields::fold(format)).collect();
        let worth = |(format, _): &(Format, Kind)| Worth { odds: format.odds(), is_checked: format.is_checked(), widths: format.widths() };
        let worth = formats.iter().map(worth).collect();
        let mut names = HashMap::new();
        for (at, (format, _)) in formats.iter().enumerate().filter(|(_, (_, kind))| *kind != Kind::WiegandStripped) {
            for name in format.aliases.iter().map(String::as_str).chain([&*format.id]) {
                names.entry(name.to_lowercase()).or_insert(at as u16);
            }
        }
        Self { formats, fields, worth, advice: Advices::default(), runs, starts, names }
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
        let word = bits.words()[0];
        for run in self.candidates(kind, bits.len()) {
            match run.test.map(|test| test.against(word)) {
                Some(None) => into.fits.extend((run.from..run.to).map(|format| self.fitting(format, word, bits))),
                Some(Some(against)) => {
                    let reason = match against {
                        Against::Fixed(_) => Reason::FixedBits,
                        Against::Digits => Reason::Digits,
                        Against::Never => Reason::Range,
                        Against::Parity(_) => Reason::Parity,
                    };
                    let refusal = |format| CompactRefusal { format, reason, at: self.place(format, against, bits) };
                    into.refusals.extend((run.from..run.to).map(refusal));
                }
                None => match self.format(run.from).map(|format| format.fit(bits)) {
                    Some(Ok(values)) => into.fits.push(CompactFit { format: run.from, values }),
                    Some(Err((reason, at))) => into.refusals.push(CompactRefusal { format: run.from, reason, at }),
                    None => {}
                },
            }
        }
    }

    /// A format's fields of a frame that passed its test.
    #[inline]
    fn fitting(&self, format: u16, word: u64, bits: &PacsBits) -> CompactFit {
        let values = match self.fields.get(usize::from(format)) {
            Some(Some(fields)) => fields.of(word),
            _ => self.format(format).and_then(|format| format.values(bits).ok()).unwrap_or_default(),
        };
        CompactFit { format, values }
    }

    /// Which bit, field or check of the format speaks against a frame.
    #[inline]
    fn place(&self, format: u16, against: Against, bits: &PacsBits) -> u16 {
        match against {
            Against::Parity(at) | Against::Fixed(at) => at,
            Against::Never => NEVER,
            Against::Digits => self.format(format).map_or(0, |format| format.wrong_digits(bits)),
        }
    }

    /// The formats of that kind and length, most trustworthy first.
    #[inline]
    fn candidates(&self, kind: Kind, len: usize) -> &[Run] {
        let starts = self.starts.get(kind as usize);
        match (starts.and_then(|starts| starts.get(len)), starts.and_then(|starts| starts.get(len + 1))) {
            (Some(from), Some(to)) => self.runs.get(usize::from(*from)..usize::from(*to)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The formats that fit these bits, in words.
    #[must_use]
    pub fn fits(&self, kind: Kind, bits: &PacsBits) -> Vec<Fit> {
        let mut laid = Verdicts::default();
        self.lay(kind, bits, &mut laid);
        laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, bits, &mut Vec::new())).collect()
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
        let mut laid = Verdicts::default();
        let mut fitting = presentation.could_be.iter().filter(|bits| {
            self.lay(presentation.kind, bits, &mut laid);
            !laid.fits.is_empty()
        });
        presentation.bits = fitting.next().filter(|_| fitting.next().is_none()).copied();
    }

    /// Every format of every length that the bits can have; damage cannot be told from another length.
    fn fits_in_each_length(&self, kind: Kind, could_be: &[PacsBits], warnings: &mut Vec<String>) -> Vec<Fit> {
        let (mut laid, mut fits) = (Verdicts::default(), Vec::new());
        for bits in could_be {
            self.lay(kind, bits, &mut laid);
            fits.extend(laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, bits, warnings)));
        }
        fits.sort_by(|a, b| a.odds.total_cmp(&b.odds).then_with(|| a.format.cmp(&b.format)));
        fits
    }

    /// Every format's verdict on bits of that kind, in words. Digits are laid over the track alone, as it lies between its
    /// zeros; and bits that are a whole track are one, over whatever wires they came.
    fn judge(&self, kind: Kind, bits: &PacsBits, warnings: &mut Vec<String>) -> (Vec<Fit>, Vec<Refusal>) {
        let mut laid = Verdicts::default();
        let track = if matches!(kind, Kind::Wiegand | Kind::Track2 | Kind::Fascn) { track::find(bits) } else { None };
        let (over, of) = match track {
            Some(track) if kind != Kind::Wiegand => (track, kind),
            _ => (*bits, kind),
        };
        self.lay(of, &over, &mut laid);
        let mut fits: Vec<Fit> = laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, &over, warnings)).collect();
        let refusals = laid.refusals.iter().filter_map(|refusal| self.refusal_in_words(*refusal)).collect();
        if let Some(track) = track.filter(|_| kind == Kind::Wiegand) {
            self.lay(Kind::Track2, &track, &mut laid);
            let more = laid.fits.iter().filter_map(|fit| self.fit_in_words(fit, &track, warnings));
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

/// Sorts formats by kind and length, the most trustworthy first: lower odds, then those with the same test together, then
/// the id. Returns their tests.
fn sort(formats: &mut [(Format, Kind)]) -> Vec<(Option<Test>, Kind, usize)> {
    formats.sort_by(|(a, kind_a), (b, kind_b)| {
        let place = (*kind_a as u8, a.len()).cmp(&(*kind_b as u8, b.len()));
        place.then_with(|| a.odds().total_cmp(&b.odds())).then_with(|| a.id.cmp(&b.id))
    });
    let are_as_good = |(a, of_a): &(Format, Kind), (b, of_b): &(Format, Kind)| (of_a, a.len(), a.odds()) == (of_b, b.len(), b.odds());
    let mut all = Vec::new();
    for equals in formats.chunk_by_mut(are_as_good) {
        let tests: Vec<Option<Test>> = equals.iter().map(|(format, _)| Test::fold(format)).collect();
        let first = |format: &Format| {
            let test = Test::fold(format);
            tests.iter().position(|known| *known == test).unwrap_or(0)
        };
        equals.sort_by_cached_key(|(format, _)| (first(format), format.id.clone()));
        all.extend(equals.iter().map(|(format, kind)| (Test::fold(format), *kind, format.len())));
    }
    all
}

/// Formats one after the other with the same test are one run, within a length.
fn runs(tests: &[(Option<Test>, Kind, usize)]) -> Vec<Run> {
    let mut at = 0;
    let together = |a: &(Option<Test>, Kind, usize), b: &(Option<Test>, Kind, usize)| a.0.is_some() && a == b;
    let run = |of: &[(Option<Test>, Kind, usize)]| {
        let from = at;
        at += of.len() as u16;
        Run { test: of.first().and_then(|(test, ..)| *test), from, to: at }
    };
    tests.chunk_by(together).map(run).collect()
}

/// Where the runs of each length of one kind begin.
fn starts(formats: &[(Format, Kind)], runs: &[Run], kind: Kind) -> [u16; MAX_BITS + 2] {
    let mut starts = [0; MAX_BITS + 2];
    let place = |run: &Run| formats.get(usize::from(run.from)).map(|(format, of)| (*of as u8, format.len()));
    for (len, start) in starts.iter_mut().enumerate() {
        *start = runs.partition_point(|run| place(run) < Some((kind as u8, len))) as u16;
    }
    starts
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
