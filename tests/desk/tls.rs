//! A page for others than this machine's users: over TLS, to people with PINs, under the site's names alone.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, pki_types::CertificateDer};

use super::{
    Answer,
    cards::Followed,
    support::{SerialReader, Simulator, Site},
};

/// Sends a request over TLS to where the page listens, under this name.
fn sends(address: &str, root: &CertificateDer<'static>, request: &str) -> Answer {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "desk.example.org".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // It may be closed without a word.
    drop(stream.read_to_end(&mut answer));
    Answer::of(&String::from_utf8_lossy(&answer))
}

#[test]
fn a_page_at_another_address_speaks_tls_and_nothing_else_and_its_cookie_stays_there() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let made = rcgen::generate_simple_self_signed(vec!["desk.example.org".to_owned()]).unwrap();
    let more = reader.configuration("desk", "twn3-hidprox", "");
    let desk = "[desk]\nlisten = \"0.0.0.0:0\"\nnames = [\"desk.example.org\"]\ntls_cert = \"desk.pem\"\ntls_key = \"desk-key.pem\"\n\
                [[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n";
    let site = Site::at(&blusky.base_url, &format!("{more}{desk}"));
    site.keep("kim.pin", "0417\n");
    fs::write(site.path("desk.pem"), made.cert.pem()).unwrap();
    site.keep("desk-key.pem", "no key");
    let wrong = site.run(&["run"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("desk-key.pem"), "{wrong:?}");
    site.keep("desk-key.pem", &made.signing_key.serialize_pem());
    let mut run = Followed::start(site.command(&["run"]));
    let said = run.hears("the desk page is at https://");
    let port = said.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let address = format!("127.0.0.1:{port}");
    let root = made.cert.der().clone();
    let signs_in = |host: &str, origin: &str, pin: &str| {
        let body = format!("{{\"name\":\"Kim\",\"pin\":\"{pin}\",\"reader\":\"desk\"}}");
        let head =
            format!("Host: {host}:{port}\r\nOrigin: {origin}:{port}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        sends(&address, &root, &format!("POST /desk/sign-in HTTP/1.1\r\nConnection: close\r\n{head}\r\n\r\n{body}"))
    };
    assert_eq!(signs_in("desk.example.org", "https://desk.example.org", "1111").status, 403);
    for host in ["127.0.0.1", "0.0.0.0", "localhost", "evil.example"] {
        assert_eq!(signs_in(host, &format!("https://{host}"), "0417").status, 403, "{host}");
    }
    assert_eq!(signs_in("desk.example.org", "http://desk.example.org", "0417").status, 403);
    let inside = signs_in("desk.example.org", "https://desk.example.org", "0417");
    assert!(inside.status == 200 && inside.head.contains("; Secure"), "{inside:?}");
    let metrics = format!("GET /metrics HTTP/1.1\r\nConnection: close\r\nHost: desk.example.org:{port}\r\n\r\n");
    assert_eq!(sends(&address, &root, &metrics).status, 401, "who is not on this machine signs in for the numbers too");
    // Without TLS there is no answer at all.
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.write_all(format!("GET / HTTP/1.1\r\nHost: desk.example.org:{port}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer));
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
}
