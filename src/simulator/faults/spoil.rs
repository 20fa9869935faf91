//! What faults do.
//!
//! In: each request of a call, in the order of arrival. Out: the faults that meet it, and what they make of its answer. They work in
//! the order given. Those before the commit leave nothing stored, and the first that answers ends the request; those after the commit
//! spoil the answer to something that has happened. The simulator's own calls are never met.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{StatusCode, header::RETRY_AFTER, request::Parts};
use uuid::Uuid;

use super::{
    fault::{Calls, Fault},
    kind::FaultKind,
};
use crate::simulator::{
    state::forget::Forgettable,
    wire::{
        address::{controller, whole_uri},
        answer::{Answer, Reply},
        body::Body,
        media::{Media, Wire},
    },
};

/// The faults of a running simulator, each with the number of requests it could have met.
pub struct Faults(Vec<(Fault, AtomicU64)>);

impl Faults {
    pub fn new(list: Vec<Fault>) -> Faults {
        Faults(list.into_iter().map(|fault| (fault, AtomicU64::new(0))).collect())
    }

    /// Counts one more request of the call with this name, about this user, and says what meets it.
    pub fn meet(&self, call: &str, user: Option<Uuid>) -> Vec<FaultKind> {
        let possible = self.0.iter().filter(|(fault, _)| match fault.calls {
            Calls::One(name) => name == call,
            Calls::All => true,
        });
        let possible = possible.filter(|(fault, _)| fault.user.is_none() || fault.user == user);
        let due = possible.filter(|(fault, requests)| fault.when.meets(requests.fetch_add(1, Ordering::SeqCst)));
        due.map(|(fault, _)| fault.kind.clone()).collect()
    }

    /// As on the command line.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|(fault, _)| fault.to_string()).collect()
    }
}

/// Waits, or answers in the API's place.
pub async fn before_commit(faults: &[FaultKind], head: &Parts) -> Option<Reply> {
    for fault in faults {
        let answer = match *fault {
            FaultKind::Delay(time) => {
                tokio::time::sleep(time).await;
                continue;
            }
            FaultKind::Status(code) => Answer::status(code),
            FaultKind::Message(code, ref words) => Answer::message(code, words),
            FaultKind::NoSuchCall => Answer::no_such_call(&whole_uri(head), controller(head)),
            FaultKind::Unauthorized => Answer::status(StatusCode::UNAUTHORIZED),
            FaultKind::RetryAfter(seconds) => {
                Answer::message(StatusCode::TOO_MANY_REQUESTS, "Too many requests.").with(RETRY_AFTER, seconds.to_string())
            }
            FaultKind::Html(StatusCode::OK) => Answer::html(StatusCode::OK, SIGN_IN),
            FaultKind::Html(code) => Answer::html(code, &format!("<h1>{code}</h1>")),
            FaultKind::DropBeforeCommit => return Some(Reply::HangUp),
            _ => continue,
        };
        return Some(Reply::Answer(answer));
    }
    None
}

/// What is forgotten of this request.
pub fn forgotten(faults: &[FaultKind]) -> Vec<Forgettable> {
    let member = |fault: &FaultKind| match *fault {
        FaultKind::Forget(member) => Some(member),
        _ => None,
    };
    faults.iter().filter_map(member).collect()
}

/// What is left of the answer.
pub fn after_commit(faults: &[FaultKind], mut answer: Answer, media: Media) -> Reply {
    for fault in faults {
        match *fault {
            FaultKind::DropAfterCommit => return Reply::HangUp,
            FaultKind::StatusAfterCommit(code) => answer = Answer::status(code),
            FaultKind::Garbage => answer = Answer::ok(Body::Raw(media.content_type, garbage(media.wire).to_vec())),
            FaultKind::Truncate => {
                let mut bytes = answer.body.bytes(media.wire);
                bytes.truncate(bytes.len() / 2);
                answer.body = Body::Raw(media.content_type, bytes);
            }
            FaultKind::Show(show) if media.wire == Wire::Json => {
                if let Some(bytes) = show.written(&answer.body.bytes(Wire::Json)) {
                    answer.body = Body::Raw(media.content_type, bytes);
                }
            }
            FaultKind::BreakOff => answer.breaks_off = true,
            FaultKind::ResultCode(code) => {
                if let Body::Outcome(outcome) = &mut answer.body {
                    outcome.result_code = code;
                }
            }
            FaultKind::ZeroValue => {
                if let Body::Outcome(outcome) = &mut answer.body {
                    outcome.value = outcome.value.map(|_| Uuid::nil());
                }
            }
            _ => {}
        }
    }
    Reply::Answer(answer)
}

fn garbage(wire: Wire) -> &'static [u8] {
    match wire {
        Wire::Json => br#"{"Value":,"ResultCode":oops"#,
        Wire::Xml => b"<ResultWithGuid><Value></ResultCode>oops",
    }
}

const SIGN_IN: &str = r#"<h1>Sign in to BluSKY</h1><form method="post"><input name="Email"><input name="Password" type="password"></form>"#;
