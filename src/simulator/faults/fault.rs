//! A fault: what goes wrong, for which requests of which calls.
//!
//! In: the words of the command line. Out: a [`Fault`], or what to write instead; the words again. What faults do stands in `spoil.rs`.

use std::{fmt, str::FromStr};

use super::{kind::FaultKind, when::When};
use crate::simulator::calls::call::Call;

/// One fault, written `KIND[:WHEN][@CALL]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For which of the requests it can meet.
    pub when: When,
    /// Which requests it can meet.
    pub calls: Calls,
}

/// The calls a fault can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// `@AddUser`: one call, by its name. Without `@` it is AddUserCard.
    One(&'static str),
    /// `@all`: every call of the API.
    All,
}

/// Words that name no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not a fault: {problem}")]
pub struct FaultError {
    text: String,
    problem: String,
}

/// The call a fault meets that names none.
const USUAL: Calls = Calls::One("AddUserCard");

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (rest, calls) = match text.rsplit_once('@') {
            Some((rest, call)) => (rest, call.parse()),
            None => (text, Ok(USUAL)),
        };
        let (kind, when) = match rest.split_once(':') {
            Some((kind, when)) => (kind, when.parse()),
            None => (rest, Ok(When::Always)),
        };
        let fault = kind.parse().and_then(|kind| Ok(Fault { kind, when: when?, calls: calls? }));
        fault.map_err(|problem| FaultError { text: text.to_owned(), problem })
    }
}

impl FromStr for Calls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Calls::All);
        }
        let known = Call::names();
        let named = known.iter().find(|name| name.eq_ignore_ascii_case(text)).map(|name| Calls::One(name));
        named.ok_or_else(|| format!("after the @ stands all, or one of {}", known.join(", ")))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.when)?;
        match self.calls {
            usual if usual == USUAL => Ok(()),
            Calls::One(name) => write!(f, "@{name}"),
            Calls::All => f.write_str("@all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_as_it_was_written() {
        let valued =
            ["delay=250", "status=503", "retry-after=5", "html=502", "status-after-commit=504", "result-code=-7", "forget=FacilityCode"];
        for kind in super::super::kind::PLAIN.iter().map(|(name, _)| *name).chain(valued) {
            for more in ["", ":3", ":after=3", ":every=3", "@all", ":every=2@Authenticate"] {
                let text = format!("{kind}{more}");
                assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()), Ok(text));
            }
        }
    }

    #[test]
    fn words_that_are_no_fault_are_refused() {
        for text in [
            "",
            "delay",
            "delay=",
            "status=200",
            "status=999",
            "forget=UserId",
            "html:0",
            "html:x",
            "html=1",
            "Html",
            "html:every=0",
            "html:often=3",
            "html@",
            "html@AddCard",
            "html@all:3",
            "retry-after=soon",
            "result-code=",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
