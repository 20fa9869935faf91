//! An entry's trouble is its own: whatever BluSKY says about the entries in front, a good card behind them is not held up.

use serde_json::json;

use crate::{
    on_wire,
    peer::{Peer, Reply, Request},
    support::{ADA, CARD, Running, Site, h10301},
};

const WORDS: &str = r#"{"Message":"User not found."}"#;

/// A site with eight cards saved for eight users while nothing listened at this address.
fn with_eight_waiting(address: &str) -> Site {
    let site = on_wire(&format!("http://{address}"), "json");
    for number in 1..=8 {
        let user = format!("{number:08}-a446-4577-8cdd-8ffdd51ab9c1");
        let saved = site.run(&["enroll", "--user", &user, "--bits", &h10301(123, number), "--outcome-timeout", "0", "--json"]);
        assert_eq!((saved.code, &saved.last()["state"]), (3, &json!("saved")), "{saved:?}");
    }
    site
}

fn free_address() -> String {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    reserved.local_addr().unwrap().to_string()
}

fn is_good(request: &Request) -> bool {
    request.path.contains(ADA) || request.body.contains(ADA)
}

fn good_card_behind(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Site, Peer, Running) {
    let address = free_address();
    let site = with_eight_waiting(&address);
    let blusky = Peer::on(&address, move |request, _| match request.method.as_str() {
        "POST" if is_good(request) => Reply::success(),
        "POST" => answer(request),
        _ => Reply::json(&json!({"Cards": []})),
    });
    let station = site.station();
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "3", "--json"]);
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    assert!(blusky.writes().len() > 1, "the others are in front of it");
    (site, blusky, station)
}

#[test]
fn eight_entries_that_blusky_refuses_with_words_are_refused_and_delay_nobody() {
    for status in [
        "400 Bad Request",
        "404 Not Found",
        "409 Conflict",
        "410 Gone",
        "412 Precondition Failed",
        "413 Payload Too Large",
        "422 Unprocessable Content",
    ] {
        let (site, _blusky, _station) = good_card_behind(move |_| Reply::Says(status, "application/json", WORDS.as_bytes().to_vec()));
        let entries = site.outbox();
        for entry in entries.iter().take(8) {
            assert_eq!((&entry["state"], &entry["description"]), (&json!("refused"), &json!("User not found.")), "{status}: {entry}");
        }
    }
}

#[test]
fn eight_entries_that_blusky_turns_away_while_it_lets_others_in_wait_alone() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (site, _blusky, _station) = good_card_behind(move |_| Reply::Says(status, "application/json", WORDS.as_bytes().to_vec()));
        let entries = site.outbox();
        assert!(entries.iter().take(8).all(|entry| entry["state"] == "saved" || entry["state"] == "sending"), "{entries:#?}");
    }
}

#[test]
fn one_entry_that_meets_a_fault_of_the_servers_delays_nobody() {
    let (site, blusky, _station) = good_card_behind(|request| match request.body.contains("00000001-") {
        true => Reply::Says("500 Internal Server Error", "application/json", br#"{"Message":"An error has occurred."}"#.to_vec()),
        false => Reply::success(),
    });
    assert_eq!(site.outbox()[8]["state"], "accepted");
    assert!(blusky.writes().iter().filter(|write| write.body.contains("00000001-")).count() >= 1);
}
