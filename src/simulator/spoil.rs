//! What faults do.
//!
//! In: each AddUserCard request, in the order of arrival. Out: the faults that meet it, and what they make of its answer. They work in
//! the order given. Those before the commit leave nothing stored, and the first that answers ends the request; those after the commit
//! spoil the answer to something that has happened. No other call is ever met.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use uuid::Uuid;

use super::{
    Fault, FaultKind, Forgettable,
    answer::{Answer, Reply},
    shown::Body,
    wire::{Media, Wire},
};

/// The faults of a running simulator, and how many requests there were.
pub(super) struct Faults {
    list: Vec<Fault>,
    requests: AtomicU64,
}

impl Faults {
    pub(super) fn new(list: Vec<Fault>) -> Faults {
        Faults { list, requests: AtomicU64::new(0) }
    }

    /// Counts one more request, and says what meets it.
    pub(super) fn meet(&self) -> Vec<FaultKind> {
        let earlier = self.requests.fetch_add(1, Ordering::SeqCst);
        let due = self.list.iter().filter(|fault| fault.first.is_none_or(|first| earlier < first));
        due.map(|fault| fault.kind).collect()
    }

    /// As on the command line.
    pub(super) fn words(&self) -> Vec<String> {
        self.list.iter().map(Fault::to_string).collect()
    }
}

/// Waits, or answers in the API's place.
pub(super) async fn before_commit(faults: &[FaultKind]) -> Option<Reply> {
    for fault in faults {
        let answer = match *fault {
            FaultKind::Delay(time) => {
                tokio::time::sleep(time).await;
                continue;
            }
            FaultKind::Status(code) => Answer::status(code),
            FaultKind::Unauthorized => Answer::status(StatusCode::UNAUTHORIZED),
            FaultKind::Html => Answer::html(StatusCode::OK, SIGN_IN),
            FaultKind::DropBeforeCommit => return Some(Reply::HangUp),
            _ => continue,
        };
        return Some(Reply::Answer(answer));
    }
    None
}

/// What is forgotten of this request.
pub(super) fn forgotten(faults: &[FaultKind]) -> Vec<Forgettable> {
    let member = |fault: &FaultKind| match *fault {
        FaultKind::Forget(member) => Some(member),
        _ => None,
    };
    faults.iter().filter_map(member).collect()
}

/// What is left of the answer.
pub(super) fn after_commit(faults: &[FaultKind], mut answer: Answer, media: Media) -> Reply {
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
            FaultKind::ZeroValue => {
                if let Body::Result(result) = &mut answer.body {
                    result.value = Uuid::nil();
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
