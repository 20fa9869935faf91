//! The lists: read whatever their shape, kept with their age, and card types taken over into the configuration.

use std::fs;

use serde_json::{Value, json};

use crate::{
    on_wire,
    peer::{Peer, Reply},
    site,
    support::{SYSTEM, Simulator},
};

const KINDS: [&str; 11] = [
    "card-types",
    "systems",
    "facilities",
    "occupancies",
    "cards",
    "vendors",
    "owners",
    "integrators",
    "badges",
    "access-levels",
    "access-level-groups",
];

#[test]
fn a_list_is_asked_for_by_its_newer_and_by_its_older_call_and_what_is_deleted_is_not_in_it() {
    let blusky = Peer::start(|request, _| match request.path.as_str() {
        "/api/v1/AccessLevelGroups" => Reply::json(&json!([
            {"AccessLevelGroupId": 7, "Name": "Doors", "Deleted": false}, {"AccessLevelGroupId": 8, "Name": "Old", "Deleted": true}])),
        "/api/v1/Occupancies" => Reply::json(&json!([{"OccupantId": SYSTEM, "Name": "ACME", "ACSystemId": SYSTEM, "FacilityId": SYSTEM}])),
        "/api/v1/ACSystems" => Reply::Says("400 Bad Request", "application/json", b"{\"Message\":\"An id is required.\"}".to_vec()),
        "/api/ACSystem/GetAllSystems" => Reply::json(&json!([{"ACSystemId": SYSTEM, "ACSystemName": "Main"}])),
        _ => Reply::not_found(),
    });
    let site = on_wire(&blusky.base_url, "json");
    for (kind, id, name) in [("access-level-groups", "7", "Doors"), ("occupancies", SYSTEM, "ACME"), ("systems", SYSTEM, "Main")] {
        let ended = site.run(&["lookup", kind, "--json"]);
        let lines = ended.lines();
        assert!(lines.len() == 1 && lines[0]["id"] == id && lines[0]["name"] == name, "{kind}: {ended:?}");
    }
    let none = site.run(&["lookup", "badges", "--json"]).error().to_string();
    assert!(none.contains("no api/v1/Badges (404), no api/Badges/GetAllBadges (404)"), "{none}");
}

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
