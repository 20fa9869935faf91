//! A card as BluSKY's read-back shows it.
//!
//! In: one of the `Cards` of `GET api/v1|v2/Users/UserCards`, from JSON or XML. Out: the card in words of our own. Never: a member
//! made up, or a PIN where anybody could see it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::wire::names::{blotted, named_value};
use crate::access::{
    Secret, StoredCard,
    shown::{Is, Shown, whole},
};

/// Members that go by another name here than ours.
const OTHERWISE: [(&str, &str); 2] = [("PersonCardId", "user_card_id"), ("CredentialType", "credential_type_id")];

/// Reads a card, tolerantly.
#[must_use]
pub fn read(card: &Value) -> StoredCard {
    let members = card.as_object().into_iter().flatten();
    StoredCard::of(Shown::of(members.map(|(name, value)| (ours(name), is(name, value)))), blotted(card))
}

fn ours(name: &str) -> &str {
    OTHERWISE.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name)).map_or(name, |(_, ours)| ours)
}

/// What a member is shown as.
pub(super) fn is(name: &str, value: &Value) -> Is {
    match value {
        Value::Null => Is::Empty,
        Value::String(text) if text.is_empty() => Is::Empty,
        Value::String(text) if is_pin(name) => Is::Hidden(Secret::new(text.clone())),
        other if is_pin(name) => Is::Hidden(Secret::new(other.to_string())),
        Value::Bool(flag) => Is::Flag(*flag),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)).map_or(Is::Unreadable, Is::Number),
        Value::String(text) => named_value(name, text.trim()).map_or_else(|| Is::Text(text.clone()), Is::Number),
        Value::Array(_) | Value::Object(_) => Is::Unreadable,
    }
}

fn is_pin(name: &str) -> bool {
    name.eq_ignore_ascii_case(PIN)
}

const PIN: &str = "PIN";

/// An empty PIN says that there is none, where this BluSKY shows PINs; where it shows that of no card, it says nothing.
pub(super) fn pins(cards: &mut [StoredCard], shows_pins: &AtomicBool) {
    if cards.iter().any(|card| card.shown.shows_secret(PIN)) {
        shows_pins.store(true, Ordering::Relaxed);
    }
    if !shows_pins.load(Ordering::Relaxed) {
        cards.iter_mut().for_each(|card| card.shown.hide(PIN));
    }
}

#[cfg(test)]
mod tests;
