//! HTTP as BluSKY is spoken to: how connections are made, how long they last, and how much of an answer is read.
//!
//! In: the site's settings, a request. Out: status and body, or why there is none and whether the request can have arrived. Never:
//! a redirect followed, a certificate taken on trust, or a body read without bound.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client as Http, Identity, Proxy, Response, redirect::Policy};

use super::{client::Settings, secret::Secret};

/// The site's own say about its connections.
#[derive(Debug, Clone, Default)]
pub struct Connecting {
    /// A PEM file of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with a certificate that this side shows, and one with its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// A proxy; without one those of the environment are used.
    pub proxy: Option<String>,
    /// The proxy's user, and a file with the password.
    pub proxy_user: Option<(String, PathBuf)>,
    /// The time until a connection stands; five seconds where nothing is said.
    pub connect_timeout: Option<Duration>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Something that cannot be used; the words say what.
    #[error("the HTTP client cannot be made: {0}")]
    Http(String),
    /// The header's name is not one.
    #[error("blusky.token_header is not a header's name")]
    Header,
    /// A file of the configuration.
    #[error("blusky.{key} = {path:?}: {why}")]
    File {
        /// The configuration's key.
        key: &'static str,
        /// The file.
        path: String,
        /// Why it cannot be used. It holds nothing of the file.
        why: String,
    },
}

/// Why a call has no answer: whether it can have arrived decides what is done next.
#[derive(Debug)]
pub(super) enum Failure {
    NotSent(String),
    NoAnswer { why: String, slow: bool },
    Stopped(String),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the HTTP client.
pub(super) fn client(settings: &Settings) -> Result<Http, ClientError> {
    // Only the first call in a process installs it; later ones find it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let connecting = &settings.connecting;
    let mut builder = Http::builder()
        .user_agent(concat!("cardbridge/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(settings.timeout.min(connecting.connect_timeout.unwrap_or(CONNECT_TIMEOUT)))
        .timeout(settings.timeout);
    match &connecting.proxy {
        Some(proxy) => {
            let mut proxy = Proxy::all(proxy).map_err(|error| ClientError::Http(format!("blusky.proxy: {}", words(&error))))?;
            if let Some((user, file)) = &connecting.proxy_user {
                let password = Secret::read(file).map_err(|error| ClientError::Http(error.to_string()))?;
                proxy = proxy.basic_auth(user, password.expose());
            }
            builder = builder.no_proxy().proxy(proxy);
        }
        // Plain http is for this machine; a proxy of the environment would be told the token.
        None if settings.base_url.starts_with("http:") => builder = builder.no_proxy(),
        None => {}
    }
    if settings.base_url.starts_with("http:") {
        // The system's authorities are not read where nobody asks them: that would take longer than writing an entry down.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    if let Some(path) = &connecting.ca_file {
        let authorities = Certificate::from_pem_bundle(&file("ca_file", path)?).map_err(|error| unusable("ca_file", path, &error))?;
        if authorities.is_empty() {
            return Err(ClientError::File { key: "ca_file", path: path.display().to_string(), why: "it holds no certificate".to_owned() });
        }
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some((certificate, key)) = &connecting.client_cert {
        let mut pem = file("client_cert_file", certificate)?;
        pem.push(b'\n');
        pem.extend(file("client_key_file", key)?);
        builder = builder.identity(Identity::from_pem(&pem).map_err(|error| unusable("client_cert_file", certificate, &error))?);
    }
    builder.build().map_err(|error| ClientError::Http(words(&error)))
}

fn file(key: &'static str, path: &Path) -> Result<Vec<u8>, ClientError> {
    fs::read(path).map_err(|error| ClientError::File { key, path: path.display().to_string(), why: error.to_string() })
}

fn unusable(key: &'static str, path: &Path, error: &reqwest::Error) -> ClientError {
    ClientError::File { key, path: path.display().to_string(), why: words(error) }
}

/// The body of an answer, as far as an answer can be long.
pub(super) async fn bounded(mut response: Response, largest: usize) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::NoAnswer {
        why: format!("BluSKY's answer is larger than any answer should be (more than {} MiB)", largest >> 20),
        slow: false,
    };
    if response.content_length().is_some_and(|length| length > largest as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > largest {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A failure before the connection stood cannot have reached BluSKY; any other may have.
pub(super) fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(format!("BluSKY cannot be reached: {}", words(&error)))
    } else if error.is_timeout() {
        Failure::NoAnswer { why: "BluSKY did not answer in time".to_owned(), slow: true }
    } else {
        Failure::NoAnswer { why: format!("the connection to BluSKY broke: {}", words(&error)), slow: false }
    }
}

/// An error with its causes.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}
