//! What can be made to go wrong, and how it is written.
//!
//! In: the words of the command line. Out: a [`Fault`], or what to write instead; the words again. What faults do stands in `spoil.rs`.

use std::{fmt, str::FromStr, time::Duration};

use axum::http::StatusCode;

use super::{routes, schema::FORGETTABLE};

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

/// For which requests, of those a fault can meet since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// `:3`: the first three.
    First(u64),
    /// `:after=3`: all but the first three.
    After(u64),
    /// `:every=3`: the third, the sixth, and so on.
    Every(u64),
}

/// The calls a fault can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// `@AddUser`: one call, by its name. Without `@` it is AddUserCard.
    One(&'static str),
    /// `@all`: every call of the API.
    All,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// `delay=MILLIS`: waits before anything else. The work is done even if the client has left meanwhile, as a web server does it.
    Delay(Duration),
    /// `status=503`: answers this status, nothing is stored. HTML for 502 and for redirections, the API's error otherwise.
    Status(StatusCode),
    /// `retry-after=SECONDS`: 429 with this Retry-After, nothing is stored.
    RetryAfter(u64),
    /// `unauthorized`: 401, nothing is stored.
    Unauthorized,
    /// `html`: 200 with a login page, nothing is stored. `html=502`: a front end's page with this status.
    Html(StatusCode),
    /// `drop-before-commit`: the connection is closed, nothing is stored.
    DropBeforeCommit,
    /// `drop-after-commit`: the work is done, the connection is closed.
    DropAfterCommit,
    /// `status-after-commit=504`: the work is done, this status is answered: a gateway that lost patience.
    StatusAfterCommit(StatusCode),
    /// `garbage`: the work is done, the answer is 200 with broken JSON or XML.
    Garbage,
    /// `truncate`: the work is done, the answer stops in the middle, and its Content-Length agrees with that.
    Truncate,
    /// `break-off`: the work is done, the connection is closed in the middle of the answer, whose Content-Length promised more.
    BreakOff,
    /// `zero-value`: the work is done, the answer is a success with an all-zero Value.
    ZeroValue,
    /// `result-code=7`: the work is done, and the answer has this ResultCode: nobody knows which one means success.
    ResultCode(i32),
    /// `forget=FacilityCode`: a success, but this member of a card is stored as 0 or null.
    Forget(Forgettable),
}

/// A member of AddUserCard, UpdateUserCard or ReplaceCardIfExists that can be forgotten, under its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgettable(&'static str);

/// Words that name no fault.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not a fault: {problem}")]
pub struct FaultError {
    text: String,
    problem: String,
}

/// The call a fault meets that names none.
const USUAL: Calls = Calls::One("AddUserCard");

const PLAIN: [(&str, FaultKind); 8] = [
    ("unauthorized", FaultKind::Unauthorized),
    ("html", FaultKind::Html(StatusCode::OK)),
    ("drop-before-commit", FaultKind::DropBeforeCommit),
    ("drop-after-commit", FaultKind::DropAfterCommit),
    ("garbage", FaultKind::Garbage),
    ("truncate", FaultKind::Truncate),
    ("break-off", FaultKind::BreakOff),
    ("zero-value", FaultKind::ZeroValue),
];

impl Forgettable {
    /// The member's name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl When {
    /// Whether the request after `earlier` others is met.
    pub(super) fn meets(self, earlier: u64) -> bool {
        match self {
            When::Always => true,
            When::First(count) => earlier < count,
            When::After(count) => earlier >= count,
            When::Every(count) => earlier % count == count - 1,
        }
    }
}

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
        let known = routes::call_names();
        let named = known.iter().find(|name| name.eq_ignore_ascii_case(text)).map(|name| Calls::One(name));
        named.ok_or_else(|| format!("after the @ stands all, or one of {}", known.join(", ")))
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, count): (fn(u64) -> When, _) = match text.split_once('=') {
            None => (When::First, text),
            Some(("after", count)) => (When::After, count),
            Some(("every", count)) => (When::Every, count),
            Some(_) => (When::First, ""),
        };
        let count = count.parse().ok().filter(|count| *count > 0);
        count.map(of).ok_or_else(|| "after the colon stands a number of requests, 1 or more: 3, after=3 or every=3".to_owned())
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, kind)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(*kind);
        }
        match text.split_once('=') {
            Some(("delay", millis)) => whole(millis, "a delay is a whole number of milliseconds, as in delay=500")
                .map(|millis| FaultKind::Delay(Duration::from_millis(millis))),
            Some(("retry-after", seconds)) => {
                whole(seconds, "a time to retry after is a whole number of seconds, as in retry-after=5").map(FaultKind::RetryAfter)
            }
            Some(("status", code)) => status(code).map(FaultKind::Status),
            Some(("html", code)) => status(code).map(FaultKind::Html),
            Some(("status-after-commit", code)) => status(code).map(FaultKind::StatusAfterCommit),
            Some(("result-code", code)) => {
                code.parse().map(FaultKind::ResultCode).map_err(|_| "a result code is a whole number, as in result-code=7".to_owned())
            }
            Some(("forget", member)) => forgettable(member).map(FaultKind::Forget),
            _ => {
                let plain: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
                Err(format!(
                    "write one of delay=500, status=503, retry-after=5, html=502, status-after-commit=504, result-code=7, \
                     forget=FacilityCode, {}; \
                     :N after it limits it to the first N requests, :after=N spares them, :every=N meets every Nth; \
                     @CALL after that meets another call than AddUserCard, @all every call",
                    plain.join(", ")
                ))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, PLAIN.iter().find(|(_, kind)| *kind == self.kind)) {
            (_, Some((name, _))) => f.write_str(name)?,
            (FaultKind::Delay(time), _) => write!(f, "delay={}", time.as_millis())?,
            (FaultKind::Status(code), _) => write!(f, "status={}", code.as_u16())?,
            (FaultKind::RetryAfter(seconds), _) => write!(f, "retry-after={seconds}")?,
            (FaultKind::Html(code), _) => write!(f, "html={}", code.as_u16())?,
            (FaultKind::StatusAfterCommit(code), _) => write!(f, "status-after-commit={}", code.as_u16())?,
            (FaultKind::ResultCode(code), _) => write!(f, "result-code={code}")?,
            (FaultKind::Forget(member), _) => write!(f, "forget={}", member.name())?,
            // All others are plain.
            _ => {}
        }
        match self.when {
            When::Always => {}
            When::First(count) => write!(f, ":{count}")?,
            When::After(count) => write!(f, ":after={count}")?,
            When::Every(count) => write!(f, ":every={count}")?,
        }
        match self.calls {
            usual if usual == USUAL => Ok(()),
            Calls::One(name) => write!(f, "@{name}"),
            Calls::All => f.write_str("@all"),
        }
    }
}

fn whole(text: &str, problem: &str) -> Result<u64, String> {
    text.parse().map_err(|_| problem.to_owned())
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
        let valued =
            ["delay=250", "status=503", "retry-after=5", "html=502", "status-after-commit=504", "result-code=-7", "forget=FacilityCode"];
        for kind in PLAIN.iter().map(|(name, _)| *name).chain(valued) {
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

    #[test]
    fn a_fault_meets_the_requests_it_names() {
        let met = |when: When| (0..7).filter(|earlier| when.meets(*earlier)).collect::<Vec<_>>();
        assert_eq!(met(When::First(2)), [0, 1]);
        assert_eq!(met(When::After(5)), [5, 6]);
        assert_eq!(met(When::Every(3)), [2, 5]);
    }
}
