//! The last requests, for whoever develops against the simulator.
//!
//! In: every API request as it arrives, and its status once it is answered. Out: the list that `GET /simulator` shows. Kept in memory
//! only. It never holds a token, a password or a PIN: their places say `(hidden)`, and a body that is no JSON is shown by its length.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use serde::Serialize;
use serde_json::Value;

use super::model::stamp;

/// How many requests are kept.
const KEPT: usize = 1000;

const HIDDEN: &str = "(hidden)";

/// The list.
#[derive(Default)]
pub(super) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    next: u64,
    list: VecDeque<Entry>,
}

/// One request.
#[derive(Clone, Serialize)]
pub(super) struct Entry {
    number: u64,
    at: String,
    method: String,
    path: String,
    query: Option<String>,
    authorization: Option<&'static str>,
    body: Value,
    /// Null while it is being worked on, and for ever if the connection was closed without an answer.
    status: Option<u16>,
}

impl Journal {
    /// Notes a request; the number is for [`Journal::answered`].
    pub(super) fn arrived(&self, head: &axum::http::request::Parts, body: &[u8]) -> u64 {
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        if entries.list.len() == KEPT {
            entries.list.pop_front();
        }
        entries.list.push_back(Entry {
            number,
            at: stamp(Utc::now()),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            authorization: head.headers.get("authorization").map(|_| HIDDEN),
            body: shown(body),
            status: None,
        });
        number
    }

    /// Notes how a request ended, if it is still in the list.
    pub(super) fn answered(&self, number: u64, status: Option<u16>) {
        if let Some(entry) = self.lock().list.iter_mut().rfind(|entry| entry.number == number) {
            entry.status = status;
        }
    }

    /// The list, oldest first.
    pub(super) fn list(&self) -> Vec<Entry> {
        self.lock().list.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Whoever panicked while holding it left a list that is still a list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(body) {
        Ok(mut value) => {
            hide(&mut value);
            value
        }
        Err(_) => Value::String(format!("(not JSON: {} bytes)", body.len())),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_ascii_lowercase();
                match ["pin", "password", "token", "authorization"].iter().any(|secret| name == *secret || name.ends_with("password")) {
                    true if !value.is_null() => *value = HIDDEN.into(),
                    _ => hide(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let body = json!({"Password": "x", "pin": 1234, "PIN": null, "a": [{"NewPassword": {"x": 1}}], "Shipping": 7}).to_string();
        let wanted = json!({"Password": HIDDEN, "pin": HIDDEN, "PIN": null, "a": [{"NewPassword": HIDDEN}], "Shipping": 7});
        assert_eq!(shown(body.as_bytes()), wanted);
        assert_eq!(shown(b"PIN=1234"), json!("(not JSON: 8 bytes)"));
    }
}
