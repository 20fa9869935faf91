//! Who may come in?
//!
//! In: the head of a request. Out: what is said to whoever may not.

use std::net::SocketAddr;

use axum::http::{
    StatusCode,
    header::{AUTHORIZATION, HOST, HeaderName, ORIGIN},
    request::Parts,
};

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

/// What is said to whoever may not change something by the simulator's own calls: a page of another site that a browser shows, even one
/// whose name leads here, and whoever has no token.
pub fn stranger(head: &Parts, address: Option<SocketAddr>, token: &str) -> Option<Answer> {
    foreign(head, address).or_else(|| (!shows(head, token)).then(|| Answer::status(StatusCode::UNAUTHORIZED)))
}

/// What is said to a request of the API that comes from a page of another site. Where the simulator listens beyond this machine, the
/// names that lead to it are not known here, and only the page is judged.
pub fn from_a_page(head: &Parts, address: Option<SocketAddr>) -> Option<Answer> {
    let is_here = address.is_none_or(|address| address.ip().to_canonical().is_loopback());
    if is_here || head.headers.contains_key(ORIGIN) { foreign(head, address) } else { None }
}

fn foreign(head: &Parts, address: Option<SocketAddr>) -> Option<Answer> {
    let host = text(head, HOST).unwrap_or_default();
    if !leads_here(host, address) {
        return Some(Answer::message(StatusCode::FORBIDDEN, "The Host is not the address the simulator listens on."));
    }
    let is_foreign = |origin: &str| origin.strip_prefix("http://").is_none_or(|origin| !leads_here(origin, address));
    if head.headers.contains_key(ORIGIN) && text(head, ORIGIN).is_none_or(is_foreign) {
        return Some(Answer::message(StatusCode::FORBIDDEN, "The Origin is another site's."));
    }
    None
}

/// Whether this is the address a request came to, or `localhost` with its port.
fn leads_here(host: &str, address: Option<SocketAddr>) -> bool {
    let Some(address) = address else { return false };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    let ip = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name).parse();
    let is_named = name.eq_ignore_ascii_case("localhost") || ip == Ok(address.ip().to_canonical());
    port == Some(address.port()) && is_named
}

fn text(head: &Parts, name: HeaderName) -> Option<&str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the token is shown, with or without `Bearer` before it.
fn shows(head: &Parts, token: &str) -> bool {
    let shown = text(head, AUTHORIZATION).unwrap_or_default().trim();
    let bare = match shown.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim_start(),
        _ => shown,
    };
    bare == token
}
