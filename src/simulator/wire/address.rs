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
