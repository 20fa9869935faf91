//! The record as a table: a row for each record of the chain.
//!
//! In: a record as the store tells it. Out: its columns as text. Never: a PIN, a password or a token; the record holds none.

use serde_json::Value;

/// The headings, each with where it stands in a record.
const COLUMNS: [(&str, &str); 28] = [
    ("record", "/record"),
    ("at", "/at"),
    ("enrollment", "/enrollment"),
    ("event", "/event"),
    ("erased", "/erased"),
    ("call", "/call"),
    ("user_id", "/sent/user_id"),
    ("name", "/origin/person/name"),
    ("employee_number", "/origin/person/employee_number"),
    ("format", "/origin/card/format"),
    ("facility_code", "/origin/card/credential/facility_code"),
    ("card_number", "/origin/card/credential/card_number"),
    ("issue_code", "/origin/card/credential/issue_code"),
    ("printed", "/origin/order/printed"),
    ("bits", "/origin/card/bits"),
    ("raw", "/origin/card/raw"),
    ("reader", "/reader"),
    ("transport", "/origin/card/transport"),
    ("ordered_by", "/origin/ordered_by"),
    ("decided_by", "/origin/decided_by"),
    ("evidence", "/origin/evidence"),
    ("base_url", "/base_url"),
    ("sent", "/sent"),
    ("step", "/step"),
    ("digest", "/digest"),
    ("link", "/link"),
    ("verdict", "/origin/card/verdict"),
    ("fits", "/origin/card/fits"),
];

/// The headings of the columns.
#[must_use]
pub fn headings() -> Vec<&'static str> {
    COLUMNS.iter().map(|(heading, _)| *heading).collect()
}

/// The columns of a record.
#[must_use]
pub fn row(record: &Value) -> Vec<String> {
    let text = |(_, place): &(&str, &str)| match record.pointer(place) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    COLUMNS.iter().map(text).collect()
}
