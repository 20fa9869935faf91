//! A finding: what is wrong, why it matters, what mends it.
//!
//! In: words. Out: the same, as a value. Never: a finding that does not say what to do.

use super::words::Words;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work: exit code 1.
    Broken,
    /// It works, and somebody should look.
    Warning,
    /// To know.
    Note,
}

impl Level {
    /// The name used in JSON and on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name for programs.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is so.
    pub what: Words,
    /// Why it matters.
    pub why: Words,
    /// The command that mends it, or what to do.
    pub mend: Words,
}

impl Finding {
    /// A finding of this name and level.
    #[must_use]
    pub fn new(level: Level, code: &'static str, what: impl Into<Words>) -> Self {
        Self { code, level, what: what.into(), why: Words::default(), mend: Words::default() }
    }

    /// Something that does not work.
    #[must_use]
    pub fn broken(code: &'static str, what: impl Into<Words>) -> Self {
        Self::new(Level::Broken, code, what)
    }

    /// Something to look at.
    #[must_use]
    pub fn warning(code: &'static str, what: impl Into<Words>) -> Self {
        Self::new(Level::Warning, code, what)
    }

    /// Something to know.
    #[must_use]
    pub fn note(code: &'static str, what: impl Into<Words>) -> Self {
        Self::new(Level::Note, code, what)
    }

    /// Why it matters.
    #[must_use]
    pub fn matters(self, why: impl Into<Words>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// What mends it.
    #[must_use]
    pub fn mended_by(self, mend: impl Into<Words>) -> Self {
        Self { mend: mend.into(), ..self }
    }
}
