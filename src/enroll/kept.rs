//! What a person has answered once for the whole site, so that nobody is asked again.
//!
//! In: a question, and the card for which it was answered. Out: the answer as a value and as a line of a file. Never: more than was asked:
//! a kept facility code says nothing about other codes, and a format that was chosen is chosen only among the formats shown with it.

use crate::card::Fit;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Cards with this facility code are this site's.
    FacilityCode(u64),
    /// Cards of this format, which has no facility code, are this site's.
    Format(String),
    /// Of a card that can be read as any of these, it is this format.
    Choice {
        /// The format's id.
        format: String,
        /// Those that it is not, by id.
        not: Vec<String>,
    },
}

impl Kept {
    /// The answer "cards like this one are the site's".
    #[must_use]
    pub fn first_seen(fit: &Fit) -> Self {
        fit.credential.facility_code.map_or_else(|| Self::Format(fit.format.to_string()), |code| Self::FacilityCode(code.0))
    }

    /// The answer "it is this one of the remaining fits".
    #[must_use]
    pub fn choice(chosen: &Fit, left: &[&Fit]) -> Self {
        let others = left.iter().filter(|fit| fit.credential != chosen.credential);
        let mut not: Vec<String> = others.map(|fit| fit.format.to_string()).collect();
        not.sort_unstable();
        not.dedup();
        Self::Choice { format: chosen.format.to_string(), not }
    }

    /// The table of `policy.toml` that it stands in, and its key there.
    #[must_use]
    pub fn key(&self) -> (&'static str, String) {
        match self {
            Self::FacilityCode(code) => ("facility_codes", code.to_string()),
            Self::Format(format) => ("formats", format.clone()),
            Self::Choice { format, not } => ("choices", format!("{format}{NOT}{}", not.join(", "))),
        }
    }

    /// The fit that this answer chooses among these; `None` if it is about other fits.
    #[must_use]
    pub fn chosen_of(&self, left: &[&Fit]) -> Option<usize> {
        let Self::Choice { format, not } = self else { return None };
        let at = left.iter().position(|fit| *fit.format == **format)?;
        let chosen = left.get(at)?;
        let is_beside = |fit: &&Fit| fit.credential == chosen.credential || not.iter().any(|other| **other == *fit.format);
        left.iter().all(is_beside).then_some(at)
    }
}

/// Stands between the format that was chosen and the others.
pub const NOT: &str = ", not ";
