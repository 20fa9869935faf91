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
    let why = ended.last()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("ertificate") && why.contains("blusky.ca_file"), "it says why, and what to do: {ended:?}");
}

/// A BluSKY whose certificate signs itself and is marked as an authority's, as many tools make them.
fn signed_by_itself(name: &str, years: std::ops::Range<i32>) -> (Peer, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(years.start, 1, 1), rcgen::date_time_ymd(years.end, 1, 1));
    let certificate = params.self_signed(&key).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let answer = |_: &crate::peer::Request, _| Reply::json(&serde_json::json!({"UserId": ADA, "Cards": []}));
    (Peer::tls(Arc::new(config), answer), certificate.pem())
}

#[test]
fn a_certificate_that_signs_itself_is_taken_where_the_site_names_it_and_for_its_name_and_time_only() {
    for (name, years, is_named, code) in [
        ("127.0.0.1", 2020..4000, true, 0),
        ("127.0.0.1", 2020..4000, false, 1),
        ("other.example", 2020..4000, true, 1),
        ("127.0.0.1", 2020..2021, true, 1),
    ] {
        let (blusky, pem) = signed_by_itself(name, years.clone());
        let (_, another) = signed_by_itself(name, years.clone());
        let site = at(&blusky, "ca_file = \"ca.pem\"");
        fs::write(site.path("ca.pem"), if is_named { pem } else { another }).unwrap();
        let ended = site.run(&["card", "list", "--user", ADA, "--json"]);
        assert_eq!((ended.code, blusky.heard().len()), (code, usize::from(code == 0)), "{name} {years:?}: {ended:?}");
        assert_eq!(ended.stdout.contains("blusky.ca_file"), !is_named, "{ended:?}");
    }
}

#[test]
fn a_blusky_without_tls_is_spoken_with_where_the_system_has_no_authorities() {
    let blusky = Peer::start(|request, _| if request.method == "POST" { Reply::success() } else { Reply::not_found() });
    let mut site = at(&blusky, "");
    site.env(("SSL_CERT_FILE".to_owned(), "/dev/null".to_owned()));
    site.env(("SSL_CERT_DIR".to_owned(), site.path("none").display().to_string()));
    let ended = enroll(&site);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_file_of_certificates_without_end_is_refused_in_a_word() {
    let blusky = blusky(&Authority::new(), "127.0.0.1", None);
    for (file, words) in [("/dev/zero", "no file"), ("token", "no certificate")] {
        let ended = at(&blusky, &format!("ca_file = \"{file}\"")).run(&["card", "list", "--user", ADA, "--json"]);
        assert!(ended.code == 2 && ended.error()["message"].as_str().unwrap().contains(words), "{file}: {ended:?}");
    }
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
        site.keep("desk.key", &key.serialize_pem());
        let ended = enroll(&site);
        assert_eq!(ended.code, code, "{ended:?}");
    }
    assert_eq!(blusky.writes().len(), 1);
}
