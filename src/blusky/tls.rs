//! Which certificates are believed: the system's authorities, those a site names, and the very certificates a site names.
//!
//! In: the site's certificates. Out: what TLS is spoken with. Never: a name or a time that is not checked, or a certificate taken on
//! trust.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

/// Certificates that are shown, the first one's key behind them.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What TLS is spoken with where a site has certificates of its own.
pub(super) fn config(
    provider: Arc<CryptoProvider>,
    own: Vec<CertificateDer<'static>>,
    shown: Option<Identity>,
) -> Result<ClientConfig, Error> {
    let verifier = Verifier::new_with_extra_roots(own.iter().cloned(), provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(OwnToo { verifier, own }));
    match shown {
        None => Ok(config.with_no_client_auth()),
        Some((chain, key)) => config.with_client_auth_cert(chain, key),
    }
}

/// Believes whatever the system's verifier does, and a server's certificate that the site itself has named, though it be marked as an
/// authority's: many that sign themselves are.
#[derive(Debug)]
struct OwnToo {
    verifier: Verifier,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for OwnToo {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.verifier.verify_server_cert(server, between, name, ocsp, now) {
            // Its times are checked before this is found.
            Err(error) if is_an_authority(&error) && self.own.contains(server) => {
                verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, server, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, server, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The only complaint is that a server shows an authority's certificate. Its type is private to rustls.
fn is_an_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// What to do about a certificate that is not believed, from the words of an error.
pub(super) fn help(words: &str) -> Option<&'static str> {
    let is_unknown = ["UnknownIssuer", "CaUsedAsEndEntity"].iter().any(|word| words.contains(word));
    is_unknown.then_some("where that is the site's own authority, or a certificate that signs itself, name its PEM file in blusky.ca_file")
}
