//! Who may come in?
//!
//! In: the head of a request. Out: what is said to whoever may not.

use axum::http::{StatusCode, header::AUTHORIZATION, request::Parts};

use crate::simulator::{
    calls::call::Call,
    wire::{answer::Answer, media},
};

/// What is said to a wrong token or media type.
pub fn turned_away(call: Call, head: &Parts, token: &str) -> Option<Answer> {
    if call.needs_token() && !shows(head, token) {
        return Some(Answer::status(StatusCode::UNAUTHORIZED));
    }
    match media::sent(&head.headers) {
        Err(other) if call.has_body() => Some(Answer::message(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("The request entity's media type '{other}' is not supported for this resource."),
        )),
        _ => None,
    }
}

/// Whether the token is shown, with or without `Bearer` before it.
fn shows(head: &Parts, token: &str) -> bool {
    let shown = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let bare = match shown.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim_start(),
        _ => shown,
    };
    bare == token
}
