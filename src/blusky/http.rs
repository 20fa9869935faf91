//! HTTP as BluSKY is spoken to: how connections are made, how long they last, and how much of an answer is read.
//!
//! In: the site's settings, a request. Out: status and body, or why there is none and whether the request can have arrived. Never:
//! a redirect followed, a certificate taken on trust, or a body read without bound.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{Client as Http, Proxy, Response, redirect::Policy};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{
    secret_file,
    settings::Settings,
    tls,
    trouble::{CUT, words},
};
use crate::file;

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

/// What a failure to connect begins with.
pub(super) const NOT_REACHED: &str = "BluSKY cannot be reached: ";

/// Makes the HTTP client.
pub(super) fn client(settings: &Settings) -> Result<Http, ClientError> {
    let provider = rustls::crypto::ring::default_provider();
    // Only the first call in a process installs it; later ones find it installed.
    let _ = provider.clone().install_default();
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
                let password = secret_file::read(file).map_err(|error| ClientError::Http(error.to_string()))?;
                proxy = proxy.basic_auth(user, password.expose());
            }
            builder = builder.no_proxy().proxy(proxy);
        }
        // Plain http is for this machine; a proxy of the environment would be told the token.
        None if settings.base_url.starts_with("http:") => builder = builder.no_proxy(),
        None => {}
    }
    let speaks_tls = |address: &String| address.starts_with("https:");
    let (own, shown) = certificates(settings)?;
    if own.is_empty() && shown.is_none() {
        // The system's authorities are not read where nobody asks them: that would take longer than writing an entry down.
        if !speaks_tls(&settings.base_url) && !connecting.proxy.as_ref().is_some_and(speaks_tls) {
            builder = builder.tls_certs_only(std::iter::empty());
        }
    } else {
        let tls = tls::config(Arc::new(provider), own, shown).map_err(|error| ClientError::Http(error.to_string()))?;
        builder = builder.tls_backend_preconfigured(tls);
    }
    builder.build().map_err(|error| ClientError::Http(words(&error)))
}

/// The site's own authorities, and what this side shows of itself.
fn certificates(settings: &Settings) -> Result<(Vec<CertificateDer<'static>>, Option<tls::Identity>), ClientError> {
    let connecting = &settings.connecting;
    let own = connecting.ca_file.as_ref().map_or_else(|| Ok(Vec::new()), |path| chain("ca_file", path))?;
    let Some((certificate, key)) = &connecting.client_cert else { return Ok((own, None)) };
    let name = "client_key_file";
    let key = PrivateKeyDer::from_pem_slice(&pem(name, key)?).map_err(|error| unusable(name, key, &error))?;
    Ok((own, Some((chain("client_cert_file", certificate)?, key))))
}

/// No file of certificates is larger: the authorities of the whole world fit into a quarter of it.
const LARGEST_PEM: u64 = 1 << 20;

fn chain(name: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem(name, path)?).collect();
    let certificates = certificates.map_err(|error| unusable(name, path, &error))?;
    if certificates.is_empty() {
        return Err(unusable(name, path, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn pem(name: &'static str, path: &Path) -> Result<Vec<u8>, ClientError> {
    file::read(path, LARGEST_PEM).map_err(|error| unusable(name, path, &error))
}

fn unusable(key: &'static str, path: &Path, why: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { key, path: path.display().to_string(), why: why.to_string() }
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
        let words = words(&error);
        let help = tls::help(&words).map(|help| format!("; {help}")).unwrap_or_default();
        Failure::NotSent(format!("{NOT_REACHED}{words}{help}"))
    } else if error.is_timeout() {
        Failure::NoAnswer { why: "BluSKY did not answer in time".to_owned(), slow: true }
    } else {
        let why = match words(&error) {
            cut if cut == CUT => "the connection to BluSKY was cut".to_owned(),
            words => format!("the connection to BluSKY broke: {words}"),
        };
        Failure::NoAnswer { why, slow: false }
    }
}
