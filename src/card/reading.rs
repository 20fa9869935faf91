//! A reading: what all known formats say about one presentation, in words, and what was chosen from it.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::{Credential, Presentation};

/// What the bits say, before any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One credential fits, and one of its checks passed.
    Certain,
    /// Several different credentials fit.
    Ambiguous,
    /// Only formats without any check fit.
    Unchecked,
    /// A check failed and nothing else fits: the card is to be presented again.
    Damaged,
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
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Ambiguous => "ambiguous",
            Self::Unchecked => "unchecked",
            Self::Damaged => "damaged",
            Self::NoFit => "no_fit",
            Self::UnknownLength => "unknown_length",
            Self::SerialOnly => "serial_only",
            Self::Keypad => "keypad",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Why a format refuses bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::FixedBits => "fixed_bits",
            Self::Digits => "digits",
            Self::Parity => "parity",
            Self::Checksum => "checksum",
            Self::Range => "range",
        }
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
    /// The chance that random bits of this length fit it.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnlyFit => "only_fit",
            Self::Policy => "policy",
            Self::Printed => "printed",
            Self::Operator => "operator",
        }
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
}

impl Reading {
    /// The fit that is believed.
    #[must_use]
    pub fn chosen(&self) -> Option<&Fit> {
        self.choice.and_then(|(at, _)| self.fits.get(at))
    }
}
