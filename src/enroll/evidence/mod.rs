//! How sure is sure: what speaks for a card from a reader, and what is still to be asked before it is enrolled.
//!
//! In: a reading that the policy has chosen from, and the circumstances it was made in. Out: the evidence, and the first
//! question that it leaves open. Never: a second look at which fit is right; that is the policy's.
//!
//! How to call it, for every card from a reader:
//!
//! 1. [`policy::choose`](super::policy::choose) chooses. Where it chooses nothing, there is nothing to prove.
//! 2. [`judge`] answers. No question: enroll, and keep the evidence with the entry.
//! 3. [`Question::SecondReading`]: hold the reading back and read again. A card under PC/SC or a polled reader is asked again;
//!    a reader that repeats its frame is waited for; else the person is told to show the card once more. The next reading
//!    from the same reader goes through [`is_repeat`]: if it is one, judge again with `readings` one higher; if not, it
//!    begins anew as a first reading. This question is asked of the card: a person's word does not answer it.
//! 4. [`Question::FirstSeen`]: ask the person. A print is put into [`Hints`](super::policy::Hints) and chosen with anew; a
//!    yes, or `--confirm`, is [`Word::Confirmed`]. Where nobody can be asked: refused as `unproven`, with
//!    [`Question::settling_lines`].
//! 5. Once BluSKY has accepted the card, or it was saved after a print or a yes, tell [`Seen`].

mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use seen::{CardCounts, Seen};

use super::policy::SitePolicy;
use crate::{
    card::{Evidence, Fit, Kind, PacsBits, Presentation, Reading, What},
    decode::{catalog::Catalog, printed},
};

/// The default of `proof`: how small the chance of a mistake must be before nobody is asked.
pub const PROOF: f64 = 0.001;

/// The chance that noise comes twice in the same way. Noise does not; a reader that misreads a card may.
const REPEAT: f64 = 0.001;

/// A second reading counts when it comes within this time of the first.
pub const SECOND_READING_WITHIN: Duration = Duration::from_secs(10);

/// What is known about a reading besides its bits.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// How many bits the check of the frame or answer has; 0 where nothing checks it. The dialect says it for a serial
    /// reader; PC/SC has 16, OSDP 16 with a CRC and 8 with a checksum.
    pub check_bits: u8,
    /// How many equal readings there are, this one among them; a repeat that the reader sent by itself is one.
    pub readings: u32,
    /// What was seen at this site, under this `base_url`, before.
    pub seen: &'a Seen,
    /// The number printed on the card, where somebody gave it; the policy has chosen by it.
    pub printed: Option<&'a str>,
    /// Whether a person says what it is.
    pub word: Word,
    /// How small the chance of a mistake must be: the reader's `proof`, else that of `[enroll]`.
    pub proof: f64,
}

/// A person's word on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Word {
    /// None.
    #[default]
    None,
    /// "It is this format": `--confirm`, or a yes to the question.
    Confirmed,
    /// The whole card is somebody's word: a literal, an existing card, `replay --confirm`. Nothing is asked.
    Given,
}

/// The result: the evidence, and what is still to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What speaks for the card.
    pub evidence: Vec<Evidence>,
    /// The first question that it leaves open; none where it is enough.
    pub question: Option<Question>,
}

/// What is to be asked before the card is enrolled.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// It may not have arrived whole: the card is to be read again.
    SecondReading {
        /// The facility code whose listing would make one reading enough.
        facility_code: Option<u64>,
        /// The chance of a mistake that the site would have to accept.
        odds: f64,
    },
    /// It may be of another format: a person is to give the number printed on it, or to say yes.
    FirstSeen {
        /// The format's id.
        format: String,
        /// The facility code, where the format has one.
        facility_code: Option<u64>,
        /// The chance of a mistake that the site would have to accept.
        odds: f64,
    },
}

/// Judges a reading that the policy has chosen from; none where it has chosen nothing.
#[must_use]
pub fn judge(reading: &Reading, catalog: &Catalog, policy: &SitePolicy, about: &Circumstances<'_>) -> Option<Judgement> {
    let fit = reading.chosen()?;
    let case = Case { reading, fit, policy, about };
    let evidence = case.evidence();
    let question = match about.word {
        Word::Given => None,
        Word::None | Word::Confirmed => case.second_reading(&evidence, catalog).or_else(|| case.first_seen(&evidence)),
    };
    Some(Judgement { evidence, question })
}

/// True where the second presentation is the first one's card, shown to the same reader soon after: the same bits, and
/// nothing damaged.
#[must_use]
pub fn is_repeat(first: &Presentation, second: &Presentation) -> bool {
    let in_time = match (first.at, second.at) {
        (Some(first), Some(second)) => (second - first).to_std().is_ok_and(|between| between <= SECOND_READING_WITHIN),
        _ => false,
    };
    let same = first.reader == second.reader && first.kind == second.kind && first.bits == second.bits && first.csn == second.csn;
    in_time && same && first.numbers == second.numbers && first.damage.is_none() && second.damage.is_none()
}

/// One card with all that is known about it.
struct Case<'a> {
    reading: &'a Reading,
    fit: &'a Fit,
    policy: &'a SitePolicy,
    about: &'a Circumstances<'a>,
}

impl Case<'_> {
    fn evidence(&self) -> Vec<Evidence> {
        let about = self.about;
        let worth = |what, odds: f64| Evidence { what, odds: Some(odds.min(1.0)), cards: None };
        let word = |what| Evidence { what, odds: None, cards: None };
        let mut evidence = Vec::new();
        if self.fit.is_checked {
            evidence.push(worth(What::Checks, self.own_odds()));
        }
        if about.check_bits > 0 {
            evidence.push(worth(What::TransportCheck, 0.5_f64.powi(about.check_bits.into())));
        }
        if about.readings > 1 {
            evidence.push(worth(What::ReadTwice, REPEAT));
        }
        evidence.extend(self.listed().or_else(|| self.seen()));
        let is_told = matches!(self.reading.presentation.kind, Kind::Csn | Kind::Em4100 | Kind::Fascn | Kind::Track2);
        let is_kept = self.facility_code().is_none() && self.policy.keeps(self.fit);
        if is_kept || (is_told && self.policy.names(self.fit)) {
            evidence.push(word(What::KindKnown));
        }
        if about.printed.is_some() {
            // Every fit was compared with the print, each in all notations.
            let tried = f64::from(printed::NOTATIONS) * self.reading.fits.len() as f64;
            evidence.push(worth(What::Printed, tried * 0.5_f64.powi(self.fit.widths.card_number.into())));
        }
        if about.word != Word::None {
            evidence.push(word(What::Operator));
        }
        evidence
    }

    /// The odds of the credential: the least of those formats that read it ([`crate::decode::catalog`] says why).
    fn own_odds(&self) -> f64 {
        let same = self.reading.fits.iter().filter(|fit| fit.credential == self.fit.credential);
        same.map(|fit| fit.odds).fold(1.0, f64::min)
    }

    fn facility_code(&self) -> Option<u64> {
        self.fit.credential.facility_code.map(|code| code.0)
    }

    /// The chance that noise has one of this many facility codes.
    fn one_of(&self, codes: usize) -> f64 {
        (codes as f64 * 0.5_f64.powi(self.fit.widths.facility_code.into())).min(1.0)
    }

    /// How many of the site's facility codes a card of this format can have; at least the one it has.
    fn listed_codes(&self) -> usize {
        let width = u32::from(self.fit.widths.facility_code);
        self.policy.known_codes().filter(|code| code.checked_shr(width).unwrap_or(0) == 0).count().max(1)
    }

    fn listed(&self) -> Option<Evidence> {
        let code = self.facility_code()?;
        let is_listed = self.policy.known_codes().any(|known| known == code);
        let odds = Some(self.one_of(self.listed_codes()));
        is_listed.then_some(Evidence { what: What::FacilityCodeListed, odds, cards: None })
    }

    /// What was taken here before. Only what BluSKY accepted says something about noise: what was saved after a person's
    /// word is that word once more.
    fn seen(&self) -> Option<Evidence> {
        let format = &*self.fit.format;
        let code = self.fit.credential.facility_code;
        let cards = self.about.seen.cards(format, code);
        let what = if code.is_some() { What::FacilityCodeSeen } else { What::FormatSeen };
        let is_proof = code.is_some() && cards.accepted > 0;
        let odds = is_proof.then(|| self.one_of(self.about.seen.accepted_codes(format)));
        (cards.all() > 0).then_some(Evidence { what, odds, cards: Some(cards.all()) })
    }

    /// Did it arrive whole? The chance that noise looks like this must be small, and so must the chance that one wrong bit
    /// would go unnoticed: checks and facility codes that leave the card number alone say nothing about it.
    fn second_reading(&self, evidence: &[Evidence], catalog: &Catalog) -> Option<Question> {
        let noise: f64 = evidence.iter().filter_map(|evidence| evidence.odds).product();
        let unnoticed = self.unnoticed(catalog);
        let odds = noise.max(unnoticed);
        if odds <= self.about.proof {
            return None;
        }
        let has = |what| evidence.iter().any(|evidence| evidence.what == what);
        let is_open = !has(What::FacilityCodeListed) && !has(What::FacilityCodeSeen);
        let listed = noise * self.one_of(self.policy.known_codes().count() + 1);
        let would_settle = is_open && listed <= self.about.proof && unnoticed <= self.about.proof;
        Some(Question::SecondReading { facility_code: self.facility_code().filter(|_| would_settle), odds })
    }

    /// The share of single wrong bits that would turn this card into another one without being noticed.
    fn unnoticed(&self, catalog: &Catalog) -> f64 {
        if self.about.check_bits > 0 || self.about.readings > 1 {
            return 0.0;
        }
        let presentation = &self.reading.presentation;
        match presentation.bits {
            Some(bits) => {
                let passed = (0..bits.len()).filter(|at| self.passes(catalog, &bits.flipped(*at))).count();
                passed as f64 / bits.len() as f64
            }
            // The reader sent numbers; the print is all that can be compared.
            _ => f64::from(u8::from(self.about.printed.is_none())),
        }
    }

    /// True if these bits, too, would be accepted as a card of that format, and as a different card.
    fn passes(&self, catalog: &Catalog, bits: &PacsBits) -> bool {
        let kind = self.reading.presentation.kind;
        let Some(fit) = catalog.fit_of(&self.fit.format, kind, bits) else { return false };
        let other = || Presentation { bits: Some(*bits), ..Presentation::of(kind) };
        let printed = self.about.printed.is_none_or(|print| self.policy.prints(&fit, &other(), print).is_some());
        fit.credential != self.fit.credential && self.policy.admits(&fit) && printed
    }

    /// Is it this format?
    fn first_seen(&self, evidence: &[Evidence]) -> Option<Question> {
        let odds = self.own_odds();
        let is_answer = |evidence: &Evidence| match evidence.what {
            What::Checks | What::TransportCheck | What::ReadTwice => false,
            What::FacilityCodeListed | What::FacilityCodeSeen | What::FormatSeen | What::KindKnown | What::Printed | What::Operator => true,
        };
        if odds <= self.about.proof || evidence.iter().any(is_answer) {
            return None;
        }
        Some(Question::FirstSeen { format: self.fit.format.to_string(), facility_code: self.facility_code(), odds })
    }
}

impl Question {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SecondReading { .. } => "second_reading",
            Self::FirstSeen { .. } => "first_seen",
        }
    }

    /// The configuration lines that would answer it from now on; one group of them is enough.
    #[must_use]
    pub fn settling_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let (Self::SecondReading { facility_code, odds } | Self::FirstSeen { facility_code, odds, .. }) = self;
        if let Some(code) = facility_code {
            lines.extend(["[site]".to_owned(), format!("facility_codes = [{code}]   # this site's own")]);
        }
        lines.push("[[reader]]".to_owned());
        if matches!(self, Self::SecondReading { .. }) {
            lines.push("repeats_ms = 250   # if it is set to repeat its frame while the card lies there".to_owned());
        }
        lines.push(format!("proof = {}   # live with that chance of a mistake", rounded_up(*odds)));
        lines
    }
}

/// The odds with three digits, not smaller than they are.
fn rounded_up(odds: f64) -> f64 {
    ((odds * 1000.0).ceil() / 1000.0).min(1.0)
}
