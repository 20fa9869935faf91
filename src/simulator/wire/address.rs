//! What a request asks for, as ASP.NET says it.

use axum::http::{header::HOST, request::Parts};

/// The whole URI.
pub fn whole_uri(head: &Parts) -> String {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    match head.uri.scheme() {
        Some(_) => head.uri.to_string(),
        None => format!("http://{host}{}", head.uri),
    }
}

/// The controller that would answer: the first word after `api` and a version.
pub fn controller(head: &Parts) -> &str {
    let is_version = |word: &str| word.strip_prefix(['v', 'V']).is_some_and(|number| number.parse::<u8>().is_ok());
    let mut words = head.uri.path().split('/').filter(|word| !word.is_empty());
    words.find(|word| !word.eq_ignore_ascii_case("api") && !is_version(word)).unwrap_or_default()
}
