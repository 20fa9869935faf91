//! A compiled format as a nom parser over bits.
//!
//! In: bits. Out: the values of the fields, or why they do not fit. Never: a part of the bits left over.

use nom::{Err, Mode, OutputMode, PResult, Parser, error::ErrorKind, error::ParseError};

use super::{Format, VALUES};
use crate::card::{PacsBits, Reason};

/// A compiled format reads bits as any nom parser reads its input: it takes all of them or refuses.
impl Parser<PacsBits> for &Format {
    type Output = [u64; VALUES];
    type Error = FitError;

    fn process<OM: OutputMode>(&mut self, input: PacsBits) -> PResult<OM, PacsBits, Self::Output, Self::Error> {
        match self.fit(&input) {
            Ok(values) => Ok((PacsBits::default(), OM::Output::bind(|| values))),
            Err((reason, at)) => Err(Err::Error(OM::Error::bind(|| FitError { reason, at }))),
        }
    }
}

/// What the nom parser says of bits that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FitError {
    /// Why.
    pub reason: Reason,
    /// Which bit, field or check says so.
    pub at: u16,
}

impl ParseError<PacsBits> for FitError {
    fn from_error_kind(_: PacsBits, _: ErrorKind) -> Self {
        Self { reason: Reason::Length, at: 0 }
    }

    fn append(_: PacsBits, _: ErrorKind, other: Self) -> Self {
        other
    }
}
