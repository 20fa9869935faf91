//! What can be made to go wrong, and how it is written.
//!
//! In: the words of the command line. Out: a [`Fault`], or what to write instead; the words again. What faults do stands in `spoil.rs`.

use std::{fmt, str::FromStr, time::Duration};

use axum::http::StatusCode;

use super::schema::FORGETTABLE;

/// One fault, written `KIND` (meets every AddUserCard request) or `KIND:N` (meets the first N since the start).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For how many requests; `None`: for all.
    pub first: Option<u64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// `delay=MILLIS`: waits before anything else. The work is done even if the client has left meanwhile, as a web server does it.
    Delay(Duration),
    /// `status=503`: answers this status, nothing is stored. HTML for 502 and for redirections, JSON otherwise.
    Status(StatusCode),
    /// `unauthorized`: 401, nothing is stored.
    Unauthorized,
    /// `html`: 200 with a login page, nothing is stored.
    Html,
    /// `drop-before-commit`: the connection is closed, nothing is stored.
    DropBeforeCommit,
    /// `drop-after-commit`: the card is stored, the connection is closed.
    DropAfterCommit,
    /// `status-after-commit=504`: the card is stored, this status is answered: a gateway that lost patience.
    StatusAfterCommit(StatusCode),
    /// `garbage`: the card is stored, the answer is 200 with broken JSON.
    Garbage,
    /// `truncate`: the card is stored, the answer stops in the middle, and its Content-Length agrees with that.
    Truncate,
    /// `zero-value`: the card is stored, the answer is a success with an all-zero Value.
    ZeroValue,
    /// `forget=FacilityCode`: a success, but this member is stored as 0 or null.
    Forget(Forgettable),
}

/// A member of AddUserCard that can be forgotten, under its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgettable(&'static str);

/// Words that name no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not a fault: {problem}")]
pub struct FaultError {
    text: String,
    problem: String,
}

const PLAIN: [(&str, FaultKind); 7] = [
    ("unauthorized", FaultKind::Unauthorized),
    ("html", FaultKind::Html),
    ("drop-before-commit", FaultKind::DropBeforeCommit),
    ("drop-after-commit", FaultKind::DropAfterCommit),
    ("garbage", FaultKind::Garbage),
    ("truncate", FaultKind::Truncate),
    ("zero-value", FaultKind::ZeroValue),
];

impl Forgettable {
    /// The member's name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (kind, count) = match text.split_once(':') {
            Some((kind, count)) => (kind, Some(count)),
            None => (text, None),
        };
        let first = count.map(number_of_requests).transpose();
        first.and_then(|first| Ok(Fault { kind: kind.parse()?, first })).map_err(|problem| FaultError { text: text.to_owned(), problem })
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, kind)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(*kind);
        }
        match text.split_once('=') {
            Some(("delay", millis)) => millis
                .parse()
                .map(|millis| FaultKind::Delay(Duration::from_millis(millis)))
                .map_err(|_| "a delay is a whole number of milliseconds, as in delay=500".to_owned()),
            Some(("status", code)) => status(code).map(FaultKind::Status),
            Some(("status-after-commit", code)) => status(code).map(FaultKind::StatusAfterCommit),
            Some(("forget", member)) => forgettable(member).map(FaultKind::Forget),
            _ => {
                let plain: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
                Err(format!(
                    "write one of delay=500, status=503, status-after-commit=504, forget=FacilityCode, {}; \
                     :N after it limits it to the first N requests",
                    plain.join(", ")
                ))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::Delay(time) => write!(f, "delay={}", time.as_millis())?,
            FaultKind::Status(code) => write!(f, "status={}", code.as_u16())?,
            FaultKind::StatusAfterCommit(code) => write!(f, "status-after-commit={}", code.as_u16())?,
            FaultKind::Forget(member) => write!(f, "forget={}", member.name())?,
            plain => f.write_str(PLAIN.iter().find(|(_, kind)| *kind == plain).map_or("", |(name, _)| name))?,
        }
        self.first.map_or(Ok(()), |first| write!(f, ":{first}"))
    }
}

fn number_of_requests(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "after the colon stands the number of requests, 1 or more".to_owned())
}

fn status(text: &str) -> Result<StatusCode, String> {
    let code = text.parse().ok().filter(|code| (300..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| "a status is a number from 300 to 599, as in status=503".to_owned())
}

fn forgettable(text: &str) -> Result<Forgettable, String> {
    let known = FORGETTABLE.iter().map(|(member, _)| *member);
    known.clone().find(|member| member.eq_ignore_ascii_case(text)).map(Forgettable).ok_or_else(|| {
        let names: Vec<_> = known.collect();
        format!("write forget= and one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_as_it_was_written() {
        let valued = ["delay=250", "status=503", "status-after-commit=504", "forget=FacilityCode"];
        for kind in PLAIN.iter().map(|(name, _)| *name).chain(valued) {
            for text in [kind.to_owned(), format!("{kind}:3")] {
                assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()), Ok(text));
            }
        }
    }

    #[test]
    fn words_that_are_no_fault_are_refused() {
        for text in ["", "delay", "delay=", "status=200", "status=999", "forget=UserId", "html:0", "html:x", "html=1", "Html"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
