//! A fault: what goes wrong, for which requests of which calls.
//!
//! In: the words of the command line. Out: a [`Fault`], or what to write instead; the words again. What faults do stands in `spoil.rs`.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{kind::FaultKind, when::When};
use crate::simulator::{calls::call::Call, wire::members::guid};

/// One fault, written `KIND[:WHEN][@CALL][#GUID]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For which of the requests it can meet.
    pub when: When,
    /// Which requests it can meet.
    pub calls: Calls,
    /// `#GUID`: only requests about this user, as the body or the query names them.
    pub user: Option<Uuid>,
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

const READ_BACK: &str = "UserCards";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parsed(text).map_err(|problem| FaultError { text: text.to_owned(), problem })
    }
}

/// From the end: the user, the call, the requests, what goes wrong. The words of a message may hold each of the three marks: there,
/// what cannot be read as a limit is one of the words.
fn parsed(text: &str) -> Result<Fault, String> {
    let is_message = text.starts_with("message=");
    let (text, user) = limit(text, '#', is_message, |user| guid(user).ok_or("after the # stands a user's GUID".to_owned()))?;
    let (text, calls) = limit(text, '@', is_message, str::parse)?;
    let has_colon = is_message || text.starts_with("show=");
    let (kind, when) = limit(text, ':', has_colon, str::parse)?;
    let kind: FaultKind = kind.parse()?;
    let calls = calls.unwrap_or(usual(&kind));
    match (&kind, calls) {
        (FaultKind::Show(_), Calls::One(name)) if name != READ_BACK => Err(format!("show= is about {READ_BACK}, and meets no other call")),
        (_, Calls::One(name)) if user.is_some() && !Call::names_a_user(name) => Err(format!("{name} names no user: leave #GUID out")),
        _ => Ok(Fault { kind, when: when.unwrap_or(When::Always), calls, user }),
    }
}

/// What stands before the last mark, and the limit behind it. Where marks may be words, one that is none is left where it stands.
fn limit<'t, L>(
    text: &'t str,
    mark: char,
    may_be_words: bool,
    read: impl FnOnce(&'t str) -> Result<L, String>,
) -> Result<(&'t str, Option<L>), String> {
    let Some((rest, found)) = text.rsplit_once(mark) else { return Ok((text, None)) };
    match read(found) {
        Ok(limit) => Ok((rest, Some(limit))),
        Err(_) if may_be_words => Ok((text, None)),
        Err(problem) => Err(problem),
    }
}

/// The call a fault meets that names none.
fn usual(kind: &FaultKind) -> Calls {
    Calls::One(if matches!(kind, FaultKind::Show(_)) { READ_BACK } else { "AddUserCard" })
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
            calls if calls == usual(&self.kind) => {}
            Calls::One(name) => write!(f, "@{name}")?,
            Calls::All => f.write_str("@all")?,
        }
        self.user.map_or(Ok(()), |user| write!(f, "#{user}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_as_it_was_written() {
        let valued = [
            "delay=250",
            "status=503",
            "retry-after=5",
            "html=502",
            "status-after-commit=504",
            "result-code=-7",
            "forget=FacilityCode",
            "message=404:No @user: #1.",
        ];
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
