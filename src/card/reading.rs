//! A reading: what all known formats say about one presentation, in words, and what was chosen from it.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::{Credential, Kind, PacsBits, Presentation, TYPED};

/// The largest odds at which one credential that fits is `certain`: one random frame in a thousand passes.
pub const CERTAIN: f64 = 0.001;

/// What the bits say, before any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// One credential fits, and random bits fit it with odds of at most [`CERTAIN`].
    Certain,
    /// One credential fits and a check of it passed, but random bits pass too often, and no table knows every format of
    /// that length.
    Likely,
    /// Several different credentials fit.
    Ambiguous,
    /// Only formats without any check fit.
    Unchecked,
    /// A check failed and nothing else fits: a damaged card, or a format that is not known here. The card is to be
    /// presented again.
    Damaged,
    /// A check failed, nothing else fits, and the same bits came twice: that is no damage.
    UnknownFormat,
    /// The length is known, and every format says "not mine".
    NoFit,
    /// The reader does not tell the length.
    UnknownLength,
    /// A card serial number, and nothing more.
    SerialOnly,
    /// A key on a keypad.
    Keypad,
    /// The card could not be read.
    Unreadable,
}

impl Verdict {
    /// True where no number was read, and something may explain that.
    #[must_use]
    pub const fn reads_nothing(self) -> bool {
        matches!(self, Self::Damaged | Self::UnknownFormat | Self::NoFit)
    }

    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Why a format refuses bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// Not mine: another number of bits.
    Length,
    /// Not mine: a bit that must be so is not.
    FixedBits,
    /// Not mine: a decimal digit above nine.
    Digits,
    /// Mine, but damaged.
    Parity,
    /// Mine, but damaged.
    Checksum,
    /// Not mine: a value outside what the format allows.
    Range,
}

impl Reason {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True where the card is of that format and this reading of it is damaged.
    #[must_use]
    pub const fn is_damage(self) -> bool {
        matches!(self, Self::Parity | Self::Checksum)
    }
}

/// How many checks a format has on these bits, and how many passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// Checks present.
    pub present: u8,
    /// Checks passed.
    pub passed: u8,
}

/// A format that fits, with what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The format's id.
    pub format: Arc<str>,
    /// The names other tools have for it.
    pub aliases: Arc<[String]>,
    /// What it reads.
    pub credential: Credential,
    /// Its checks.
    pub checks: Checks,
    /// A check of it passed; bits and values that must be so count as one.
    pub is_checked: bool,
    /// The chance that random bits of this length fit it.
    pub odds: f64,
    /// How many bits of choice its numbers have.
    pub widths: Widths,
}

/// How many bits of choice the numbers of a format have: what it is worth when one of them is the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Widths {
    /// The facility code's; 0 where the format has none or allows one value only.
    pub facility_code: u16,
    /// The card number's; the same.
    pub card_number: u16,
    /// Both are plain binary numbers, so that they can be written as one: the facility code above, the card number below.
    pub are_binary: bool,
}

/// A way to explain a number that looks wrong: what may have happened on the way, and what is read once it is undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// What happened, by name.
    pub transform: &'static str,
    /// What happened and what to do, in words.
    pub words: String,
    /// The bits once it is undone; none where the bits are right and the number is written in another way.
    pub bits: Option<PacsBits>,
    /// What is read then.
    pub fit: Fit,
    /// The chance that random bits are explained as well as this, among all the explanations that were tried.
    pub odds: f64,
}

/// A format of that length that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The format's id; the dialect's or script's where the frame itself was damaged.
    pub format: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub detail: Arc<str>,
}

/// Who chose the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DecidedBy {
    /// Nothing else fits.
    OnlyFit,
    /// The site's configuration.
    Policy,
    /// The number printed on the card.
    Printed,
    /// A person.
    Operator,
}

impl DecidedBy {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One presentation with every format's verdict on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was presented.
    pub presentation: Presentation,
    /// What its bits say.
    pub verdict: Verdict,
    /// Every format that fits, most trustworthy first.
    pub fits: Vec<Fit>,
    /// Every format of that length that does not.
    pub refusals: Vec<Refusal>,
    /// The fit that is believed, as an index into `fits`, and who chose it.
    pub choice: Option<(usize, DecidedBy)>,
    /// What may explain a number that looks wrong; empty unless somebody asked.
    pub suggestions: Vec<Suggestion>,
    /// What the card is and what that is worth; none where nothing is known.
    pub advice: Option<Arc<Advice>>,
}

/// What a kind of card is worth, as its file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Its id.
    pub id: String,
    /// What the card is and what that is worth.
    pub words: String,
}

impl Reading {
    /// The fit that is believed.
    #[must_use]
    pub fn chosen(&self) -> Option<&Fit> {
        self.choice.and_then(|(at, _)| self.fits.get(at))
    }

    /// True for what was typed on a keypad, which may be somebody's PIN.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        let presentation = &self.presentation;
        let is_said = presentation.warnings.iter().any(|warning| warning == TYPED);
        self.verdict == Verdict::Keypad || presentation.kind == Kind::Key || is_said
    }

    /// Takes into account that the same card was shown before: bits that come twice are not damaged, however many checks
    /// speak against them. Bits whose frame was damaged on its way, and different bits, say nothing.
    pub fn compare_with(&mut self, then: &Presentation) {
        let now = &self.presentation;
        let same = now.bits.is_some() && (now.kind, now.bits) == (then.kind, then.bits);
        if same && now.damage.is_none() && then.damage.is_none() && self.verdict == Verdict::Damaged {
            self.verdict = Verdict::UnknownFormat;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::Literal, protocols::Protocols};

    #[test]
    fn bits_that_a_check_speaks_against_twice_are_not_damaged() {
        let catalog = Protocols::built_in().catalog(&[]);
        let read = |literal: &str| catalog.read(Presentation::of_literal(&literal.parse::<Literal>().unwrap()));
        let first = read("{28}898E83E0");
        assert_eq!(first.verdict, Verdict::Damaged);
        let mut second = read("{28}898E83E0");
        second.compare_with(&first.presentation);
        assert_eq!(second.verdict, Verdict::UnknownFormat);
        let mut other = read("{28}898E83D0");
        let verdict = other.verdict;
        other.compare_with(&first.presentation);
        assert_eq!(other.verdict, verdict, "different bits say nothing");
        let mut intact = read("{26}BD88EB80");
        intact.compare_with(&read("{26}BD88EB80").presentation);
        assert_eq!(intact.verdict, Verdict::Ambiguous, "only what was called damaged changes");
    }
}
