//! Signing in, and the way to BluSKY: tokens renewed, certificates verified, proxies honoured, redirects not followed.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::json;

use crate::{
    peer::{Peer, Reply},
    site,
    support::{ADA, CARD, GRACE, h10301, wait_for},
    write,
};

const ENROLL: [&str; 8] = ["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "3", "--json"];

#[test]
fn a_token_that_has_run_out_is_renewed_once_and_the_call_is_carried_out() {
    for wire in ["json", "xml"] {
        let given = Arc::new(AtomicUsize::new(0));
        let counts = given.clone();
        let blusky = Peer::start(move |request, _| {
            if request.path.contains("Authenticate") {
                let token = format!("token-{}", counts.fetch_add(1, Ordering::SeqCst) + 1);
                assert_eq!(request.json(), json!({"Email": "desk@example.org", "Password": "s<cret"}));
                return Reply::json(&json!({"Email": "desk@example.org", "IsAuthenticated": true, "Token": token}));
            }
            match request.header("authorization") {
                "Bearer token-2" if request.method == "POST" => Reply::success(),
                "Bearer token-2" => Reply::not_found(),
                _ => Reply::Says("401 Unauthorized", "application/json", b"{\"Message\":\"Authorization has been denied\"}".to_vec()),
            }
        });
        let site = site(&blusky.base_url, &format!("email = \"desk@example.org\"\npassword_file = \"sign-in\"\nwire = \"{wire}\""), "");
        write(&site, "sign-in", "s<cret\n");
        let ended = site.run(&ENROLL);
        assert_eq!((ended.code, &ended.last()["attempts"]), (0, &json!(1)), "{wire}: {ended:?}");
        assert_eq!(given.load(Ordering::SeqCst), 2, "{wire}: signed in once, and once again");
    }
}

#[test]
fn a_password_that_blusky_refuses_stops_delivery_and_is_tried_once() {
    let blusky = Peer::start(|_, _| Reply::json(&json!({"Email": "desk@example.org", "IsAuthenticated": false, "Token": null})));
    let site = site(&blusky.base_url, "email = \"desk@example.org\"\npassword_file = \"sign-in\"", "");
    write(&site, "sign-in", "wrong\n");
    let ended = site.run(&ENROLL);
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
    assert!(ended.last()["why"].as_str().unwrap().contains("password_file"), "{ended:?}");
    assert_eq!((blusky.heard().len(), blusky.writes().len()), (1, 0));
}

#[test]
fn a_refused_password_is_not_sent_again_and_again_until_its_file_has_another_one() {
    let not_let_in = &b"{\"IsAuthenticated\":false}"[..];
    for (refusal, says) in [("200 OK", not_let_in), ("401 Unauthorized", not_let_in), ("400 Bad Request", b"{\"Message\":\"no\"}")] {
        let blusky = Peer::start(move |request, _| match request.path.contains("Authenticate") {
            true if request.json()["Password"] == json!("right") => {
                Reply::json(&json!({"Email": "desk@example.org", "IsAuthenticated": true, "Token": "token"}))
            }
            true => Reply::Says(refusal, "application/json", says.to_vec()),
            false if request.method == "POST" => Reply::success(),
            false => Reply::not_found(),
        });
        let site = site(&blusky.base_url, "email = \"desk@example.org\"\npassword_file = \"sign-in\"", "");
        write(&site, "sign-in", "wrong\n");
        let _station = site.station();
        assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "4", "--json"]).code, 3);
        let tried = blusky.heard().iter().filter(|request| request.path.contains("Authenticate")).count();
        assert_eq!(tried, 1, "{refusal}: an account is locked after a few");
        write(&site, "sign-in", "right\n");
        wait_for("the delivery", || (blusky.writes().len() == 1).then_some(()));
    }
}

#[test]
fn a_token_file_is_read_again_when_it_changes() {
    let blusky = Peer::start(|request, _| if request.method == "POST" { Reply::success() } else { Reply::not_found() });
    let site = site(&blusky.base_url, "token_file = \"token\"\ntoken_header = \"X-Token\"\ntoken_scheme = \"\"", "");
    let _station = site.station();
    for (token, user, number) in [("first", ADA, 1), ("second", GRACE, 2)] {
        write(&site, "token", token);
        let ended = site.run(&["enroll", "--user", user, "--bits", &h10301(1, number), "--json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let tokens: Vec<String> = blusky.writes().iter().map(|request| request.header("x-token").to_owned()).collect();
    assert_eq!(tokens, ["first", "second"]);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Peer::start(|_, _| Reply::success());
    let target = elsewhere.base_url.clone();
    let blusky = Peer::start(move |_, _| {
        Reply::Raw(format!("HTTP/1.1 302 Found\r\nLocation: {target}/Account/Login\r\nContent-Length: 0\r\n\r\n").into_bytes())
    });
    let site = site(&blusky.base_url, "token_file = \"token\"", "");
    let ended = site.run(&ENROLL);
    assert_eq!((ended.code, &ended.last()["state"], elsewhere.heard().len()), (3, &json!("saved"), 0), "{ended:?}");
}

#[test]
fn every_call_says_who_asks_and_what_it_takes() {
    let blusky = Peer::start(|request, _| if request.method == "POST" { Reply::success() } else { Reply::not_found() });
    for (wire, media, wanted) in [
        ("json", "application", "application/json; charset=utf-8"),
        ("xml", "application", "application/xml; charset=utf-8"),
        ("json", "text", "text/json; charset=utf-8"),
        ("xml", "text", "text/xml; charset=utf-8"),
    ] {
        let site = site(&blusky.base_url, &format!("token_file = \"token\"\nwire = \"{wire}\"\nmedia = \"{media}\""), "");
        assert_eq!(site.run(&ENROLL).code, 0);
        let sent = blusky.writes().pop().unwrap();
        assert_eq!((sent.header("content-type"), sent.header("authorization")), (wanted, "Bearer simulator"));
        assert!(sent.header("accept").starts_with(wanted.split(';').next().unwrap()), "{sent:?}");
        assert_eq!(sent.header("user-agent"), concat!("cardbridge/", env!("CARGO_PKG_VERSION")));
    }
}

/// A proxy that notes what it is asked and lets nothing through.
fn proxy() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (heard, hears) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut lines = String::new();
            while reader.read_line(&mut lines).unwrap() > 2 {}
            drop(heard.send(lines));
            drop(reader.into_inner().write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    (address, hears)
}

#[test]
fn a_proxy_is_asked_whether_it_is_configured_or_in_the_environment() {
    let (address, heard) = proxy();
    let configured = site("https://blusky.invalid", &format!("token_file = \"token\"\nproxy = \"{address}\""), "");
    let mut inherited = site("https://blusky.invalid", "token_file = \"token\"", "");
    inherited.env(("HTTPS_PROXY".to_owned(), address));
    for site in [configured, inherited] {
        let ended = site.run(&ENROLL);
        assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
        let asked = heard.try_recv().unwrap();
        assert!(asked.starts_with("CONNECT blusky.invalid:443"), "{asked}");
        while heard.try_recv().is_ok() {}
    }
}

#[test]
fn a_proxy_s_password_comes_from_a_file() {
    let (address, heard) = proxy();
    let table = format!("token_file = \"token\"\nproxy = \"{address}\"\nproxy_user = \"desk\"\nproxy_password_file = \"word\"");
    let site = site("http://127.0.0.1:9", &table, "");
    write(&site, "word", "open\n");
    assert_eq!(site.run(&ENROLL).code, 3);
    let asked: String = heard.try_iter().collect();
    assert!(asked.contains("Basic ZGVzazpvcGVu"), "desk:open in {asked}");
}

#[test]
fn a_file_of_the_connection_that_cannot_be_used_is_named() {
    for (table, words) in [
        ("ca_file = \"nowhere.pem\"", "nowhere.pem"),
        ("ca_file = \"token\"", "ca_file"),
        ("client_cert_file = \"token\"\nclient_key_file = \"token\"", "blusky.client_"),
        ("client_cert_file = \"token\"", "client_key_file"),
        ("proxy = \"::\"", "proxy"),
        ("proxy = \"http://user:word@127.0.0.1:9\"", "proxy_password_file"),
        ("wire = \"yaml\"", "blusky.wire"),
    ] {
        let site = site("https://blusky.invalid", &format!("token_file = \"token\"\n{table}"), "");
        let ended = site.run(&ENROLL);
        assert!(ended.code == 2 && ended.error().to_string().contains(words), "{table}: {ended:?}");
    }
}

#[test]
fn why_blusky_cannot_be_reached_is_said_in_plain_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Takes connections and answers none of them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let cut = TcpListener::bind("127.0.0.1:0").unwrap();
    let (silent_at, cut_at) = (silent.local_addr().unwrap(), cut.local_addr().unwrap());
    thread::spawn(move || cut.incoming().for_each(drop));
    for (address, said) in [
        (format!("http://{nobody}"), "BluSKY cannot be reached: nothing listens at its address"),
        (format!("http://{silent_at}"), "BluSKY did not answer in time"),
        (format!("http://{cut_at}"), "the connection to BluSKY was cut"),
    ] {
        let site = crate::support::Site::at(&address, "");
        let configuration = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        site.configure(&configuration.replace("shows_within_s", "timeout_ms = 500\nshows_within_s"));
        for command in [&["lookup", "facilities"][..], &["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "1"]] {
            let ended = site.run(command);
            let all = format!("{}{}", ended.stdout, ended.stderr);
            assert!(all.contains(said), "{address}: {ended:?}");
            for jargon in ["os error", "tcp connect", "dns error", "error sending request", "client error"] {
                assert!(!all.contains(jargon), "{jargon}: {ended:?}");
            }
        }
    }
}
