//! What can go wrong, and how it is written.
//!
//! In: the words of the command line. Out: a [`FaultKind`], or what to write instead; the words again.

use std::{fmt, str::FromStr, time::Duration};

use axum::http::StatusCode;

use super::show::Show;
use crate::simulator::state::forget::Forgettable;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// `delay=MILLIS`: waits before anything else. The work is done even if the client has left meanwhile, as a web server does it.
    Delay(Duration),
    /// `status=503`: answers this status, nothing is stored. HTML for 502 and for redirections, the API's error otherwise.
    Status(StatusCode),
    /// `message=409:WORDS`: answers this status with these words, nothing is stored.
    Message(StatusCode, String),
    /// `no-such-call`: 404 as from a server that has no such call, nothing is stored.
    NoSuchCall,
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
    /// `show=FacilityCode:text`: the read-back writes this member of every card in a strange way. In JSON only.
    Show(Show),
}

pub const PLAIN: [(&str, FaultKind); 9] = [
    ("no-such-call", FaultKind::NoSuchCall),
    ("unauthorized", FaultKind::Unauthorized),
    ("html", FaultKind::Html(StatusCode::OK)),
    ("drop-before-commit", FaultKind::DropBeforeCommit),
    ("drop-after-commit", FaultKind::DropAfterCommit),
    ("garbage", FaultKind::Garbage),
    ("truncate", FaultKind::Truncate),
    ("break-off", FaultKind::BreakOff),
    ("zero-value", FaultKind::ZeroValue),
];

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, kind)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(kind.clone());
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
            Some(("message", rest)) => message(rest),
            Some(("show", rest)) => rest.parse().map(FaultKind::Show),
            Some(("forget", member)) => forgettable(member).map(FaultKind::Forget),
            _ => {
                let plain: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
                Err(format!(
                    "write one of delay=500, status=503, message=409:WORDS, retry-after=5, html=502, status-after-commit=504, result-code=7, \
                     forget=FacilityCode, show=FacilityCode:text, {}; \
                     :N after it limits it to the first N requests, :after=N spares them, :every=N meets every Nth; \
                     @CALL after that meets another call than AddUserCard, @all every call; \
                     #GUID at the end limits it to the requests about one user",
                    plain.join(", ")
                ))
            }
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = PLAIN.iter().find(|(_, kind)| kind == self) {
            return f.write_str(name);
        }
        match self {
            FaultKind::Delay(time) => write!(f, "delay={}", time.as_millis()),
            FaultKind::Status(code) => write!(f, "status={}", code.as_u16()),
            FaultKind::Message(code, words) => write!(f, "message={}:{words}", code.as_u16()),
            FaultKind::Show(show) => write!(f, "show={show}"),
            FaultKind::RetryAfter(seconds) => write!(f, "retry-after={seconds}"),
            FaultKind::Html(code) => write!(f, "html={}", code.as_u16()),
            FaultKind::StatusAfterCommit(code) => write!(f, "status-after-commit={}", code.as_u16()),
            FaultKind::ResultCode(code) => write!(f, "result-code={code}"),
            FaultKind::Forget(member) => write!(f, "forget={}", member.name()),
            // All others are plain.
            _ => Ok(()),
        }
    }
}

fn message(text: &str) -> Result<FaultKind, String> {
    let parts = text.split_once(':').filter(|(_, words)| !words.trim().is_empty());
    let (code, words) = parts.ok_or("a message is a status and words, as in message=409:No such user.")?;
    status(code).map(|code| FaultKind::Message(code, words.to_owned()))
}

fn whole(text: &str, problem: &str) -> Result<u64, String> {
    text.parse().map_err(|_| problem.to_owned())
}

fn status(text: &str) -> Result<StatusCode, String> {
    let code = text.parse().ok().filter(|code| (300..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| "a status is a number from 300 to 599, as in status=503".to_owned())
}

fn forgettable(text: &str) -> Result<Forgettable, String> {
    Forgettable::named(text).ok_or_else(|| {
        let names: Vec<_> = Forgettable::names().collect();
        format!("write forget= and one of {}", names.join(", "))
    })
}
