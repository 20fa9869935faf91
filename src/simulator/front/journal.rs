//! The last requests, for whoever develops against the simulator.
//!
//! In: every API request as it arrives, and its status once it is answered. Out: the list that `GET /simulator` shows. Kept in memory
//! only. It never holds a token, a password or a PIN: their places say `(hidden)`. A JSON body is shown as its value, an XML body as the
//! text of its elements in their order, and what is neither by its length.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use serde::Serialize;
use serde_json::Value;

use crate::simulator::{
    wire::{found::Lost, xml},
    words::time::stamp,
};

/// How many requests are kept.
const KEPT: usize = 1000;

const HIDDEN: &str = "(hidden)";

/// The list.
#[derive(Default)]
pub struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    next: u64,
    list: VecDeque<Entry>,
}

/// One request.
#[derive(Clone, Serialize)]
pub struct Entry {
    number: u64,
    at: String,
    /// Its name in the API.
    call: &'static str,
    method: String,
    path: String,
    query: Option<String>,
    authorization: Option<&'static str>,
    body: Value,
    /// What was sent and not read, if that is to be reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Vec<Lost>>,
    /// Null while it is being worked on, and for ever if the connection was closed without an answer.
    status: Option<u16>,
}

impl Journal {
    /// Notes a request; the number is for [`Journal::answered`].
    pub fn arrived(&self, call: &'static str, head: &axum::http::request::Parts, body: &[u8]) -> u64 {
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        if entries.list.len() == KEPT {
            entries.list.pop_front();
        }
        entries.list.push_back(Entry {
            number,
            at: stamp(Utc::now()),
            call,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(shown_query),
            authorization: head.headers.get("authorization").map(|_| HIDDEN),
            body: shown(body),
            lost: None,
            status: None,
        });
        number
    }

    /// Notes how a request ended.
    pub fn answered(&self, number: u64, status: Option<u16>) {
        self.change(number, |entry| entry.status = status);
    }

    /// Notes what a request lost on the way.
    pub fn lost(&self, number: u64, lost: Vec<Lost>) {
        self.change(number, |entry| entry.lost = Some(lost));
    }

    /// If it is still in the list.
    fn change(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().list.iter_mut().rfind(|entry| entry.number == number) {
            change(entry);
        }
    }

    /// The list, oldest first.
    pub fn list(&self) -> Vec<Entry> {
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
    if let Ok(mut value) = serde_json::from_slice(body) {
        hide(&mut value);
        return value;
    }
    match xml::parse(body) {
        Ok(root) => xml::retold(&root, |name| is_secret(name).then_some(HIDDEN)).into(),
        Err(_) => format!("(not JSON: {} bytes)", body.len()).into(),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match is_secret(name) {
                    true if !value.is_null() => *value = HIDDEN.into(),
                    _ => hide(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

/// A query without the values that nobody should have put there.
fn shown_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    });
    parameters.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pin", "token", "authorization"].contains(&name.as_str()) || name.ends_with("password")
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
        let body = b"<M xmlns='n'><!--1234--><PIN a='1234'>1234</PIN><b>&lt;</b><c><PIN>1234</PIN></c>1234</M>";
        let wanted = "<M xmlns=\"n\"><PIN>(hidden)</PIN><b>&lt;</b><c>(elements)</c>(text)</M>";
        assert_eq!(shown(body), json!(wanted));
        assert_eq!(shown_query("a=1&pin=1234&Password=x"), "a=1&pin=(hidden)&Password=(hidden)");
    }
}
