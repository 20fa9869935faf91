//! Why a call has no answer, for whoever sits at a desk.
//!
//! In: an error of the network with its causes. Out: a few plain words. Never: an address with a secret in it, or the names that programs
//! give to their own steps.

use std::{error::Error, io, iter::successors};

/// What the steps of a call are called, beside which only their causes say anything.
const STEPS: [&str; 4] = ["error sending request", "client error (", "tcp connect error", "error trying to connect"];

/// The other side went away in the middle.
pub(super) const CUT: &str = "the connection was cut";

/// The causes in words.
pub(super) fn words(error: &reqwest::Error) -> String {
    let causes = causes(error);
    if error.is_timeout() {
        return "it does not answer".to_owned();
    }
    if causes.iter().any(|cause| cause.to_string().starts_with("dns error")) {
        return "its name is not found in the network".to_owned();
    }
    let kind = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens at its address (connection refused)".to_owned(),
        Some(io::ErrorKind::TimedOut) => "it does not answer".to_owned(),
        Some(
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable,
        ) => "there is no way to it in the network".to_owned(),
        _ if is_cut(&causes) => CUT.to_owned(),
        _ => as_they_are(&causes),
    }
}

fn is_cut(causes: &[&(dyn Error + 'static)]) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof];
    causes.iter().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| kinds.contains(&error.kind()))
            || cause.to_string() == "connection closed before message completed"
    })
}

fn as_they_are(causes: &[&(dyn Error + 'static)]) -> String {
    let said: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let is_step = |words: &String| STEPS.iter().any(|step| words.starts_with(step));
    let telling: Vec<String> = said.iter().filter(|words| !is_step(words)).cloned().collect();
    if telling.is_empty() { said.join(": ") } else { telling.join(": ") }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).collect()
}
