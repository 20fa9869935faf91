//! Certificates are verified; a site's own authority and its own client certificate are taken where they are configured.

use std::{fs, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

use crate::{
    peer::{Peer, Reply},
    site,
    support::{ADA, CARD, Ended, Site},
};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this name and use, with its key.
    fn certifies(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// A BluSKY at this name; where clients have an authority, they must show a certificate of it.
fn blusky(authority: &Authority, name: &str, clients: Option<&Authority>) -> Peer {
    let (certificate, key) = authority.certifies(name, ExtendedKeyUsagePurpose::ServerAuth);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients.roots()), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let config = builder.with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
    Peer::tls(Arc::new(config), |request, _| if request.method == "POST" { Reply::success() } else { Reply::not_found() })
}

fn enroll(site: &Site) -> Ended {
    site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "2", "--json"])
}

fn at(blusky: &Peer, more: &str) -> Site {
    site(&blusky.base_url, &format!("token_file = \"token\"\n{more}"), "")
}

#[test]
fn a_certificate_nobody_vouches_for_is_refused_and_no_token_is_sent() {
    let blusky = blusky(&Authority::new(), "127.0.0.1", None);
    let ended = enroll(&at(&blusky, ""));
    assert_eq!((ended.code, blusky.heard().len()), (3, 0), "{ended:?}");
    assert!(ended.last()["why"].as_str().unwrap().contains("ertificate"), "it says why: {ended:?}");
}

#[test]
fn a_site_s_own_authority_is_trusted_where_it_is_configured_and_for_its_names_only() {
    let authority = Authority::new();
    for (name, code) in [("127.0.0.1", 0), ("other.example", 3)] {
        let blusky = blusky(&authority, name, None);
        let site = at(&blusky, "ca_file = \"ca.pem\"");
        fs::write(site.path("ca.pem"), authority.0.pem()).unwrap();
        let ended = enroll(&site);
        assert_eq!((ended.code, blusky.writes().len()), (code, usize::from(code == 0)), "{name}: {ended:?}");
    }
}

#[test]
fn a_client_certificate_is_shown_where_it_is_configured() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let blusky = blusky(&authority, "127.0.0.1", Some(&clients));
    let (certificate, key) = clients.certifies("desk", ExtendedKeyUsagePurpose::ClientAuth);
    for (more, code) in [("", 3), ("client_cert_file = \"desk.pem\"\nclient_key_file = \"desk.key\"", 0)] {
        let site = at(&blusky, &format!("ca_file = \"ca.pem\"\n{more}"));
        fs::write(site.path("ca.pem"), authority.0.pem()).unwrap();
        fs::write(site.path("desk.pem"), certificate.pem()).unwrap();
        fs::write(site.path("desk.key"), key.serialize_pem()).unwrap();
        let ended = enroll(&site);
        assert_eq!(ended.code, code, "{ended:?}");
    }
    assert_eq!(blusky.writes().len(), 1);
}
