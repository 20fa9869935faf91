//! TLS for a page that others than this machine's users can reach.
//!
//! In: the site's certificate and key. Out: what connections are accepted with. Never: a certificate made up, or a page without one
//! where the site wants one.

use std::{path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use tokio_rustls::TlsAcceptor;

use crate::config::desk::Tls;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("{0}: {1}")]
    File(String, pem::Error),
    /// A file holds no certificate.
    #[error("{0} holds no certificate")]
    Empty(String),
    /// The two do not go together.
    #[error("desk.tls_cert and desk.tls_key cannot be used: {0}")]
    Pair(rustls::Error),
}

/// What accepts connections.
///
/// # Errors
/// A file cannot be read, or the two do not go together.
pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, TlsError> {
    let wrong = |path: &Path, error: pem::Error| TlsError::File(path.display().to_string(), error);
    let chain = CertificateDer::pem_file_iter(&tls.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(&tls.cert, error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(tls.cert.display().to_string()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| wrong(&tls.key, error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.map_err(TlsError::Pair)?.with_no_client_auth().with_single_cert(chain, key).map_err(TlsError::Pair)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
