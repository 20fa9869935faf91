//! How a station is, for programs (JSON) and for people (lines of 80 columns).
//!
//! In: what was counted and seen; for people, the JSON of `GET /v1/station`. Out: JSON, text, whether somebody has to act. Never: a
//! card's number, a person's name, or BluSKY's own words.

mod json;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde_json::Value;

use super::page::{Page, ago, count};

pub use json::{BluskyJson, OutboxJson, ReaderJson, time};

/// What time it is, by the clock on the wall.
pub type Now = DateTime<FixedOffset>;

/// True where somebody has to act: nothing can be saved, delivery is stopped, an entry waits for a person, a reader is missed, the store is damaged.
#[must_use]
pub fn needs_a_person(station: &Value) -> bool {
    let some = |pointer: &str| {
        station.pointer(pointer).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty()))
    };
    let is_missed = |reader: &Value| reader.get("why").is_some_and(Value::is_string);
    let readers = station.get("readers").and_then(Value::as_array);
    let waits_elsewhere = station.pointer("/outbox/elsewhere").and_then(Value::as_u64).is_some_and(|count| count > 0);
    ["/store/why", "/blusky/stopped", "/outbox/for_a_person", "/outbox/sealed", "/outbox/anchor", "/outbox/findings"].into_iter().any(some)
        || waits_elsewhere
        || readers.is_some_and(|readers| readers.iter().any(is_missed))
}

/// The station for people; `alone` where none runs, and this is the store by itself.
#[must_use]
pub fn text(station: &Value, alone: bool, now: Now) -> String {
    let mut page = Page::default();
    let words = |pointer: &str| station.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let since = |pointer: &str| words(pointer).parse::<DateTime<Utc>>().ok();
    if alone {
        page.row("station", "none runs; this is the store read by itself. `cardbridge run` is the station");
    } else {
        let process = station.get("process").and_then(Value::as_u64).unwrap_or_default();
        let began = since("/since").map(|at| format!(", since {} ({} ago)", clock(at, now), ago(age(at, now)))).unwrap_or_default();
        page.row("station", &format!("cardbridge {} runs (process {process}){began}", words("/doing")));
    }
    readers(&mut page, station, alone, now);
    if let Some(why) = station.pointer("/store/why").and_then(Value::as_str) {
        page.row("store", &format!("NOTHING CAN BE SAVED: {why}"));
    }
    outbox_text(&mut page, station, now);
    blusky_text(&mut page, station, now);
    page.end()
}

fn readers(page: &mut Page, station: &Value, alone: bool, now: Now) {
    let readers = station.get("readers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if readers.is_empty() {
        return page.row("readers", "none is configured");
    }
    for reader in readers {
        let text = |name: &str| reader.get(name).and_then(Value::as_str).unwrap_or_default();
        let heard = match text("last_heard").parse::<DateTime<Utc>>() {
            Ok(at) => format!("heard {} ago", ago(age(at, now))),
            Err(_) => "nothing heard yet".to_owned(),
        };
        let is_up = reader.get("up").and_then(Value::as_bool).unwrap_or_default();
        let state = match (is_up, text("why")) {
            (true, "") => format!("up, {heard}"),
            (true, why) => format!("up, {heard}; one of its devices is down: {why}"),
            (false, "") if alone => "not looked at, as no station runs".to_owned(),
            (false, "") => "not open".to_owned(),
            (false, why) => format!("DOWN: {why}"),
        };
        page.row("reader", &format!("{}: {state}", text("name")));
    }
}

fn outbox_text(page: &mut Page, station: &Value, now: Now) {
    let at = |pointer: &str| station.pointer(&format!("/outbox/{pointer}"));
    let number = |pointer: &str| at(pointer).and_then(Value::as_u64).unwrap_or_default();
    let when = |pointer: &str| at(pointer).and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let oldest =
        when("oldest_waiting").map(|at| format!(" (the oldest since {}, {})", clock(at, now), ago(age(at, now)))).unwrap_or_default();
    page.row(
        "outbox",
        &format!("{} waiting{oldest}, {} being sent, {} in doubt", number("waiting"), number("sending"), number("in_doubt")),
    );
    let accepted = when("last_accepted")
        .map_or_else(|| "none was accepted yet".to_owned(), |at| format!("the last was accepted {} ago", ago(age(at, now))));
    page.row("", &format!("{} refused today; {accepted}", number("refused_today")));
    if number("elsewhere") > 0 {
        page.row(
            "",
            &format!(
                "{} for another BluSKY; `cardbridge outbox list` says which",
                count(number("elsewhere"), "entry waits", "entries wait")
            ),
        );
    }
    let all = |pointer: &str| at(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for entry in all("for_a_person") {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        page.row("", &format!("WAITS FOR A PERSON: {}: {}", text("enrollment"), text("why")));
        page.row("", &format!("→ {}", text("help")));
    }
    for words in ["sealed", "anchor"].into_iter().filter_map(at).chain(all("findings")).filter_map(Value::as_str) {
        page.row("", &format!("WRONG: {words}"));
    }
}

fn blusky_text(page: &mut Page, station: &Value, now: Now) {
    let at = |pointer: &str| station.pointer(&format!("/blusky/{pointer}"));
    let text = |pointer: &str| at(pointer).and_then(Value::as_str).unwrap_or_default();
    let when = |pointer: &str| text(pointer).parse::<DateTime<Utc>>().ok();
    let base_url = Some(text("base_url")).filter(|url| !url.is_empty()).unwrap_or("none is configured");
    page.row("BluSKY", base_url);
    let reached =
        when("reached").map_or_else(|| "it has not answered yet".to_owned(), |at| format!("it answered {} ago", ago(age(at, now))));
    let away = when("away_since").map(|at| format!("; AWAY since {} ({})", clock(at, now), ago(age(at, now)))).unwrap_or_default();
    page.row("", &format!("{reached}{away}"));
    if !text("stopped").is_empty() {
        page.row("", &format!("NOTHING IS DELIVERED: {}", text("stopped")));
    }
    for call in at("calls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        page.row("", &call_text(call));
    }
}

/// What is known of a call.
#[must_use]
pub fn call_text(call: &Value) -> String {
    let name = call.get("call").and_then(Value::as_str).unwrap_or_default();
    if call.get("exists").and_then(Value::as_bool) == Some(false) {
        return format!("{name}: this BluSKY has no such call");
    }
    let codes = |of: &str| {
        let codes = call.get(of).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        codes.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
    };
    let with = |words: &str, codes: String| if codes.is_empty() { String::new() } else { format!("; {words} came with code {codes}") };
    format!("{name}: there{}{}", with("success", codes("success_codes")), with("refusals", codes("refusal_codes")))
}

fn age(at: DateTime<Utc>, now: Now) -> TimeDelta {
    now.to_utc() - at
}

/// A time as the clock on the wall shows it.
fn clock(at: DateTime<Utc>, now: Now) -> String {
    at.with_timezone(now.offset()).format("%Y-%m-%d %H:%M").to_string()
}
