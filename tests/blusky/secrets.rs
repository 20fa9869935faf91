//! PINs, passwords and tokens: in no log, no error and no file but their own, sealed while they wait, gone once they are delivered.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;

use crate::{
    USER,
    peer::{Peer, Reply},
    site,
    support::{ADA, CARD, Site},
    write,
};

const PIN: &str = "90417355";
const PASSWORD: &str = "correct-horse-77";
const SIGN_IN: &str = "battery-staple-88";
const TOKEN: &str = "tok-5f3a9c-99";
const SECRETS: [&str; 4] = [PIN, PASSWORD, SIGN_IN, TOKEN];

fn secretive(base_url: &str) -> Site {
    let mut site = site(base_url, "email = \"desk@example.org\"\npassword_file = \"sign-in\"\ntimeout_ms = 2000", "");
    write(&site, "sign-in", &format!("{SIGN_IN}\n"));
    write(&site, "pin", &format!("{PIN}\n"));
    write(&site, "password", &format!("{PASSWORD}\n"));
    site.env(("RUST_LOG".to_owned(), "trace".to_owned()));
    site
}

fn signed_in() -> Reply {
    Reply::json(&json!({"Email": "desk@example.org", "IsAuthenticated": true, "Token": TOKEN}))
}

/// A BluSKY that repeats everything it was sent in its words.
fn echo() -> Peer {
    Peer::start(|request, _| match request.path.as_str() {
        path if path.contains("Authenticate") => signed_in(),
        _ if request.method == "GET" => Reply::not_found(),
        _ => {
            let words = format!("{} {}", request.header("authorization"), request.body);
            let body = json!({"Message": "The request is invalid.", "ModelState": {"model": [words]}});
            Reply::Says("400 Bad Request", "application/json", body.to_string().into_bytes())
        }
    })
}

/// Every file of the site but those the secrets came from.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !["sign-in", "pin", "password", "token"].contains(&name.as_str()) {
            found.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    found
}

fn assert_hidden(what: &str, bytes: &[u8]) {
    for secret in SECRETS {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} in {what}");
    }
}

#[test]
fn a_trace_of_a_whole_run_holds_no_secret_even_where_blusky_repeats_them() {
    let blusky = echo();
    let site = secretive(&blusky.base_url);
    let user = [&USER[..], &["--has-login-rights", "--login", "ada", "--password-file", "password", "--json"]].concat();
    for words in [&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"][..], &user, &["outbox", "list"]] {
        let ended = site.run(words);
        assert!(ended.stderr.contains("DEBUG") || words[0] == "outbox", "the log is on: {ended:?}");
        assert_hidden("standard error", ended.stderr.as_bytes());
        assert_hidden("standard output", ended.stdout.as_bytes());
    }
    let sent = blusky.writes();
    assert_eq!((&sent[0].json()["PIN"], &sent[1].json()["Password"]), (&json!(PIN), &json!(PASSWORD)), "and yet they arrived");
    files(site.folder.path()).iter().for_each(|(name, bytes)| assert_hidden(name, bytes));
}

#[test]
fn a_token_that_a_lookup_repeats_is_blotted_out() {
    for status in ["200 OK", "400 Bad Request", "422 Unprocessable Entity"] {
        let blusky = Peer::start(move |request, _| match request.path.contains("Authenticate") {
            true => signed_in(),
            false => {
                let body = json!({"ResultCode": 5, "Description": format!("No right for {}", request.header("authorization"))});
                Reply::Says(status, "application/json", body.to_string().into_bytes())
            }
        });
        let ended = secretive(&blusky.base_url).run(&["lookup", "systems", "--json"]);
        assert!(ended.error()["message"].as_str().unwrap().contains("No right for"), "{ended:?}");
        assert_hidden("the lookup's words", ended.stdout.as_bytes());
        assert_hidden("the lookup's log", ended.stderr.as_bytes());
    }
}

#[test]
fn a_secret_that_waits_is_sealed_on_disk_and_gone_once_it_is_delivered() {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let site = secretive(&format!("http://{address}"));
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "1", "--json"]);
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("saved")), "{ended:?}");
    files(site.folder.path()).iter().for_each(|(name, bytes)| assert_hidden(name, bytes));
    let key = fs::metadata(site.path("cardbridge.db.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    fs::remove_file(site.path("pin")).unwrap();

    let blusky = Peer::on(&address.to_string(), |request, _| match request.method.as_str() {
        _ if request.path.contains("Authenticate") => signed_in(),
        "GET" => Reply::not_found(),
        _ => Reply::success(),
    });
    let station = site.station();
    site.wait_for_outbox(|entries| entries[0]["state"] == "accepted");
    drop(station);
    assert_eq!(blusky.writes().last().unwrap().json()["PIN"], PIN);
    let store = rusqlite::Connection::open(site.path("cardbridge.db")).unwrap();
    let sealed: Vec<Option<Vec<u8>>> =
        store.prepare("SELECT sealed FROM secret").unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(sealed, [None], "nothing of it is left");
}

#[test]
fn without_its_key_an_entry_waits_and_says_so_and_nothing_is_sent_without_its_pin() {
    let blusky = Peer::start(|request, count| match request.path.as_str() {
        path if path.contains("Authenticate") => signed_in(),
        _ if request.method == "GET" => Reply::not_found(),
        _ if count == 1 => Reply::Says("429 Too Many Requests", "text/html", Vec::new()),
        _ => Reply::success(),
    });
    let site = secretive(&blusky.base_url);
    let order = ["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "0", "--json"];
    assert_eq!(site.run(&order).code, 3);
    let kept = fs::read(site.path("cardbridge.db.key")).unwrap();
    fs::remove_file(site.path("cardbridge.db.key")).unwrap();
    let sent = blusky.writes().len();
    let station = site.station();
    let entries = site.wait_for_outbox(|entries| entries[0]["why"].as_str().is_some_and(|why| why.contains("sealed")));
    assert!(entries[0]["why"].as_str().unwrap().contains("cardbridge.db.key"), "{entries:?}");
    assert_eq!(blusky.writes().len(), sent);
    write(&site, "cardbridge.db.key", "");
    fs::write(site.path("cardbridge.db.key"), kept).unwrap();
    fs::set_permissions(site.path("cardbridge.db.key"), fs::Permissions::from_mode(0o600)).unwrap();
    site.wait_for_outbox(|entries| entries[0]["state"] == "accepted");
    drop(station);
    assert_eq!(blusky.writes().last().unwrap().json()["PIN"], PIN);
}

#[test]
fn a_systemd_credential_seals_instead_of_a_file_beside_the_store() {
    let mut site = secretive("http://127.0.0.1:9");
    let credentials = tempfile::tempdir().unwrap();
    fs::write(credentials.path().join("cardbridge.key"), "a7".repeat(32)).unwrap();
    site.env(("CREDENTIALS_DIRECTORY".to_owned(), credentials.path().display().to_string()));
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--outcome-timeout", "1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(!site.path("cardbridge.db.key").exists());
}

#[test]
fn a_refused_entry_whose_pin_is_gone_is_not_sent_again_without_it() {
    let blusky = echo();
    let site = secretive(&blusky.base_url);
    let refused = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"]);
    assert_eq!((refused.code, &refused.last()["state"]), (1, &json!("refused")), "{refused:?}");
    let retried = site.run(&["outbox", "retry", refused.last()["enrollment"].as_str().unwrap(), "--json"]);
    assert_eq!(retried.code, 1, "{retried:?}");
    assert!(retried.error()["message"].as_str().unwrap().contains("wiped"), "{retried:?}");
    assert_eq!(blusky.writes().len(), 1);
}

#[test]
fn a_pin_that_blusky_shows_is_not_shown_again() {
    let blusky = Peer::start(|request, _| match request.path.contains("Authenticate") {
        true => signed_in(),
        false => Reply::json(&json!({"UserId": ADA, "Cards": [{"CardId": ADA, "PIN": PIN}]})),
    });
    let site = secretive(&blusky.base_url);
    for words in [&["card", "list", "--user", ADA][..], &["card", "list", "--user", ADA, "--json"], &["lookup", "cards", "--json"]] {
        let ended = site.run(words);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_hidden("standard output", ended.stdout.as_bytes());
    }
    files(site.folder.path()).iter().for_each(|(name, bytes)| assert_hidden(name, bytes));
}

#[test]
fn a_secret_that_everybody_on_the_machine_can_read_is_refused_with_what_to_do() {
    let blusky = echo();
    let mut words = Vec::new();
    for file in ["token", "pin"] {
        let site = site(&blusky.base_url, "token_file = \"token\"", "");
        write(&site, "pin", "0417\n");
        // Others get as far as the file.
        fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(site.path(file), fs::Permissions::from_mode(0o644)).unwrap();
        let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"]);
        let error = ended.error();
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(error["help"].as_str().unwrap().contains("chmod 600 ") && error["message"].as_str().unwrap().contains(file), "{error}");
        words.push(error["code"].clone());
        // Behind a folder that is closed to others it is not theirs.
        fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_ne!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"]).code, 2);
        fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // A group that may read it is the site's own doing.
        fs::set_permissions(site.path(file), fs::Permissions::from_mode(0o640)).unwrap();
        assert_ne!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"]).code, 2);
    }
    assert_eq!(words, [json!("token_file"), json!("pin")]);
}
