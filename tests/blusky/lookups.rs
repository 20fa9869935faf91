//! The lists: read whatever their shape, kept with their age, and card types taken over into the configuration.

use std::fs;

use serde_json::{Value, json};

use crate::{
    on_wire,
    peer::{Peer, Reply},
    site,
    support::{SYSTEM, Simulator},
};

const KINDS: [&str; 9] = ["card-types", "systems", "facilities", "occupancies", "cards", "vendors", "owners", "integrators", "badges"];

#[test]
fn every_list_is_shown_on_both_wires_and_in_both_shapes() {
    for shape in [&[][..], &["--wrap-lookups"]] {
        let blusky = Simulator::start(shape);
        for wire in ["json", "xml"] {
            let site = on_wire(&blusky.base_url, wire);
            for kind in KINDS {
                let ended = site.run(&["lookup", kind, "--json"]);
                assert_eq!(ended.code, 0, "{wire} {kind}: {ended:?}");
                for line in ended.lines() {
                    assert!(line["id"].is_string() && line["name"].is_string() && line["raw"].is_object(), "{wire} {kind}: {line}");
                }
                assert!(!ended.lines().is_empty() || kind == "cards", "{wire} {kind} {shape:?}");
            }
            let table = site.run(&["lookup", "facilities"]);
            assert!(table.stdout.contains("NAME") && table.stdout.contains("Head office"), "{table:?}");
        }
    }
}

#[test]
fn a_list_is_kept_with_its_age_and_an_old_one_is_shown_only_to_who_asks_for_it() {
    let blusky = Peer::start(|_, count| match count {
        1 => Reply::json(&json!([{"Id": 1, "Name": "first"}])),
        2 => Reply::json(&json!([{"Id": 1, "Name": "second"}])),
        _ => Reply::Says("503 Service Unavailable", "text/html", b"<html>".to_vec()),
    });
    let site = on_wire(&blusky.base_url, "json");
    let name = |arguments: &[&str]| {
        let ended = site.run(&[&["lookup", "systems", "--json"], arguments].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        (ended.last()["name"].as_str().unwrap().to_owned(), ended.last()["as_of"].clone(), ended.stderr)
    };
    assert_eq!(name(&[]).0, "first");
    assert_eq!(name(&["--max-age", "600"]).0, "first", "it is young enough, and BluSKY is not asked");
    let (second, as_of, _) = name(&[]);
    assert_eq!(second, "second");
    let failed = site.run(&["lookup", "systems", "--json"]);
    assert_eq!((failed.code, failed.lines().len()), (1, 1), "{failed:?}");
    let error = failed.error().to_string();
    assert!(error.contains("503") && error.contains("ago") && error.contains("--stale"), "{failed:?}");
    let (kept, same, words) = name(&["--stale"]);
    assert_eq!((kept.as_str(), same), ("second", as_of));
    assert!(words.contains("503") && words.contains("ago"), "{words}");
    assert_eq!(site.run(&["lookup", "systems", "--stale", "--json"]).last()["stale"], true);
    assert_eq!(site.run(&["lookup", "systems", "--max-age", "600", "--json"]).last()["stale"], Value::Null, "it is young enough");
}

#[test]
fn an_old_list_is_never_written_into_the_configuration() {
    let blusky = Peer::start(|_, count| match count {
        1 => Reply::json(&json!([{"CardTypeId": 5, "Name": "old"}])),
        _ => Reply::Says("503 Service Unavailable", "text/html", b"<html>".to_vec()),
    });
    let site = on_wire(&blusky.base_url, "json");
    assert_eq!(site.run(&["lookup", "card-types"]).code, 0);
    let before = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    assert_eq!(site.run(&["lookup", "card-types", "--write"]).code, 1);
    assert_eq!(site.run(&["lookup", "card-types", "--write", "--stale"]).code, 2);
    assert_eq!(fs::read_to_string(site.path("cardbridge.toml")).unwrap(), before);
}

#[test]
fn what_is_no_list_is_said_and_shown_as_none() {
    for (body, words) in [("{\"ResultCode\":4,\"Description\":\"No right to see cards\"}", "No right to see cards"), ("<html>", "no list")]
    {
        let blusky = Peer::start(move |_, _| Reply::Says("200 OK", "application/json", body.as_bytes().to_vec()));
        let ended = on_wire(&blusky.base_url, "json").run(&["lookup", "cards", "--json"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.error()["message"].as_str().unwrap().contains(words), "{ended:?}");
    }
}

#[test]
fn card_types_are_taken_over_into_the_configuration_once() {
    let blusky = Peer::start(|request, _| match request.path.as_str() {
        "/api/Card/GetAllCardTypes" => Reply::json(&json!([
            {"CardTypeId": 3, "Name": "known"},
            {"CardTypeId": 5, "Name": "Smart \"card\" №5", "RequiresCardSerialNumber": true, "RequiresFacilityCode": false},
            {"CardTypeId": 6, "Name": "silent"},
        ])),
        _ => Reply::not_found(),
    });
    let site = site(&blusky.base_url, "token_file = \"token\"", "");
    let file = || fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    let before = file();
    assert_eq!(site.run(&["lookup", "card-types", "--write"]).code, 0);
    let after = file();
    let added = after.strip_prefix(&before).expect("what stood there stays as it was");
    assert_eq!(added.matches("[[card_type]]").count(), 2, "{added}");
    for line in
        ["blusky = 5", "name = \"Smart \\\"card\\\" №5\"", &format!("system = \"{SYSTEM}\""), "requires = [\"serial\"]", "requires = []"]
    {
        assert!(added.contains(line), "{line} in {added}");
    }
    assert_eq!(site.run(&["lookup", "card-types", "--write"]).code, 0);
    assert_eq!(file(), after, "once is enough");
    let shown: Value = site.run(&["outbox", "list", "--json"]).code.into();
    assert_eq!(shown, json!(0), "the configuration is still sound");
    assert_eq!(site.run(&["lookup", "systems", "--write"]).code, 2);
}

#[test]
fn a_user_s_cards_are_listed_with_what_blusky_knows_of_them() {
    use crate::support::{ADA, CARD};
    let blusky = Simulator::start(&[]);
    for wire in ["json", "xml"] {
        let site = on_wire(&blusky.base_url, wire);
        if wire == "json" {
            assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 0);
        }
        let lines = site.run(&["card", "list", "--user", ADA, "--json"]).lines();
        assert_eq!(lines.len(), 1);
        assert!(lines[0]["id"].is_string() && lines[0]["name"].is_string() && lines[0]["raw"]["CardACSystemId"] == SYSTEM, "{lines:?}");
        let table = site.run(&["card", "list", "--user", ADA]);
        assert!(table.stdout.contains("4567") && table.stdout.contains("123"), "{table:?}");
    }
}

/// A site that has BluSKY list the people of an occupancy.
fn with_people(base_url: &str) -> crate::support::Site {
    site(base_url, "token_file = \"token\"", "[people]\nblusky = { occupancy = [\"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8\"] }")
}

#[test]
fn people_are_listed_by_the_first_call_that_answers_and_of_their_records_only_what_is_named_is_kept() {
    let record = json!({"PersonId": crate::support::ADA, "FirstName": "Ada", "LastName": "Lovelace", "CompanyName": "ACME", "PIN": "90417355",
        "Cards": [{"InternalCardNumber": 4567, "PIN": "90417355"}], "Password": "s<cret"});
    let blusky = Peer::start(move |request, _| match request.path.starts_with("/api/Person/GetAllUsersByOccupancyId/") {
        true => Reply::json(&json!([record])),
        false => Reply::not_found(),
    });
    let site = with_people(&blusky.base_url);
    let ended = site.run(&["lookup", "users", "--json"]);
    assert_eq!(
        (ended.code, &ended.last()["id"], &ended.last()["name"]),
        (0, &json!(crate::support::ADA), &json!("Ada Lovelace")),
        "{ended:?}"
    );
    assert_eq!(ended.last()["raw"], json!({"FirstName": "Ada", "LastName": "Lovelace", "CompanyName": "ACME"}));
    assert!(blusky.heard().iter().all(|request| request.method == "GET"), "candidates are tried by reading only");
    for file in fs::read_dir(site.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("90417355"), "a PIN of somebody's record is kept nowhere");
    }
}

#[test]
fn a_list_of_a_hundred_thousand_people_is_read_in_little_memory() {
    let blusky = Peer::start(|_, _| {
        let pad = "x".repeat(400);
        let people: Vec<String> =
            (0..100_000).map(|at| format!("{{\"PersonId\":\"{:032x}\",\"LastName\":\"N{at}\",\"Notes\":\"{pad}\"}}", at + 1)).collect();
        Reply::Says("200 OK", "application/json", format!("[{}]", people.join(",")).into_bytes())
    });
    let site = with_people(&blusky.base_url);
    let ended = site.run(&["lookup", "users", "--json"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 100_000), "{}", ended.stderr);
}

#[test]
fn what_is_no_list_of_people_is_said_and_a_site_that_names_nobody_is_told_what_to_write() {
    let blusky = Peer::start(|_, _| Reply::Says("200 OK", "text/html", b"<html>".to_vec()));
    let ended = with_people(&blusky.base_url).run(&["lookup", "users", "--json"]);
    assert!(ended.code == 1 && ended.error()["message"].as_str().unwrap().contains("no list of people"), "{ended:?}");
    let ended = on_wire(&blusky.base_url, "json").run(&["lookup", "users", "--json"]);
    assert!(ended.code == 2 && ended.error()["help"].as_str().unwrap().contains("occupancy"), "{ended:?}");
}

#[test]
fn somebody_who_was_added_is_listed_by_the_simulator_from_then_on() {
    let blusky = Simulator::start(&[]);
    let site = with_people(&blusky.base_url);
    assert_eq!(site.run(&[&crate::USER[..], &["--json"]].concat()).code, 0);
    let ended = site.run(&["lookup", "users", "--json"]);
    assert_eq!((ended.code, &ended.last()["name"]), (0, &json!("Ada Lovelace")), "{ended:?}");
}
