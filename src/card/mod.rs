//! The words: what a reader hands over and what a card says, as plain values.
//!
//! Nothing here knows a format, a reader or a file. Everything is a value that can be copied or compared, and whatever
//! holds a card's number keeps it out of `Debug`, so that no log can show one by accident.

mod bits;
mod credential;
mod csn;
mod evidence;
mod hex;
mod kind;
mod literal;
mod presentation;
mod reading;

pub use bits::{BitsError, MAX_BITS, PacsBits};
pub use credential::{CardNumber, Credential, FacilityCode, IssueCode, OemCode};
pub use csn::Csn;
pub use evidence::{Evidence, What};
pub use hex::{from_hex, to_hex};
pub use kind::Kind;
pub use literal::{Literal, LiteralError};
pub use presentation::{
    CUT_UID, Damage, FILLED_UID, LAY_THERE, Numbers, PROTECTED, Presentation, RANDOM_UID, SHOWN_BEFORE, SmartCard, TYPED, Transport,
    WORTHLESS, ZERO_UID,
};
pub use reading::{Advice, CERTAIN, Checks, DecidedBy, Fit, Reading, Reason, Refusal, Suggestion, Verdict, Widths};
