//! What a card opens: groups of access levels, given and taken, each once, and said where somebody has none.

use serde_json::{Value, json};

use crate::{
    OCCUPANCY, USER, on_wire,
    peer::{Peer, Reply},
    site,
    support::{ADA, CARD, Ended, Simulator, Site, h10301},
};

fn change(site: &Site, what: &str, group: &str) -> Ended {
    site.run(&["access", what, "--user", ADA, "--group", group, "--outcome-timeout", "5", "--json"])
}

/// The paths of what was sent about access.
fn paths(blusky: &Simulator) -> Vec<String> {
    let shows = blusky.shows();
    let requests = shows["requests"].as_array().unwrap().iter();
    let sent = requests.map(|request| format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap()));
    sent.filter(|sent| sent.contains("/AccessLevelGroups") && !sent.starts_with("GET")).collect()
}

#[test]
fn a_group_is_given_and_taken_on_either_wire_and_the_paths_name_it() {
    for wire in ["json", "xml"] {
        let blusky = Simulator::start(&["--report-lost-elements"]);
        let site = on_wire(&blusky.base_url, wire);
        let groups = site.run(&["lookup", "access-level-groups", "--json"]).lines();
        assert!(groups.iter().any(|group| group["id"] == "7" && group["name"] == "Staff"), "{groups:?}");
        for (what, call) in [("add", "AddAccessLevelGroup"), ("remove", "RemoveAccessLevelGroup")] {
            let ended = change(&site, what, "7");
            let last = ended.last();
            assert_eq!((ended.code, &last["state"], &last["call"]), (0, &json!("accepted"), &json!(call)), "{wire}: {ended:?}");
        }
        let (given, taken) =
            (format!("POST /api/v1/Users/{ADA}/AccessLevelGroups"), format!("DELETE /api/v1/Users/{ADA}/AccessLevelGroups/7"));
        assert_eq!(paths(&blusky), [given, taken], "{wire}");
        let list = site.run(&["outbox", "list"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(list.contains(&format!("access-level group 7 taken from user {ADA}")), "{list}");
    }
}

#[test]
fn what_is_refused_is_refused_in_blusky_s_words_and_a_number_that_is_no_groups_is_not_sent() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    let ended = change(&site, "add", "99");
    assert!(ended.code == 1 && ended.last()["description"].as_str().unwrap().contains("no such access level group"), "{ended:?}");
    assert_eq!(change(&site, "remove", "7").code, 1, "nobody has it");
    let sent = paths(&blusky).len();
    for wrong in ["0", "-1", "Staff"] {
        assert_eq!(change(&site, "add", wrong).code, 2, "{wrong}");
    }
    assert_eq!(paths(&blusky).len(), sent);
}

#[test]
fn a_lost_answer_is_in_doubt_and_nothing_is_sent_again_until_somebody_has_looked() {
    for call in ["AddAccessLevelGroup", "RemoveAccessLevelGroup"] {
        for fault in ["drop-after-commit", "drop-before-commit", "html", "truncate", "status=503"] {
            let blusky = Simulator::start(&["--fault", &format!("{fault}:1@{call}")]);
            let site = on_wire(&blusky.base_url, "json");
            let what = if call.starts_with("Add") { "add" } else { "remove" };
            let ended = change(&site, what, "7");
            assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("in_doubt")), "{fault} {call}: {ended:?}");
            assert!(ended.last()["why"].as_str().unwrap().contains("access: look"), "{fault} {call}: {ended:?}");
            assert_eq!(paths(&blusky).len(), 1, "{fault} {call}");
        }
    }
}

#[test]
fn what_was_not_carried_out_for_certain_is_sent_again() {
    let blusky = Simulator::start(&["--fault", "status=429:1@AddAccessLevelGroup"]);
    let site = on_wire(&blusky.base_url, "json");
    let ended = change(&site, "add", "7");
    assert_eq!((ended.code, &ended.last()["attempts"]), (0, &json!(2)), "{ended:?}");
}

#[test]
fn a_blusky_without_the_call_refuses_that_alone_and_cards_are_given() {
    let blusky = Peer::start(|request, _| match request.path.contains("AccessLevelGroups") {
        true => Reply::not_found(),
        false => Reply::success(),
    });
    let site = on_wire(&blusky.base_url, "json");
    let ended = change(&site, "add", "7");
    assert_eq!((ended.code, &ended.last()["state"]), (1, &json!("refused")), "{ended:?}");
    assert!(ended.last()["why"].as_str().unwrap().contains("console"), "{ended:?}");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).last()["state"], "accepted");
}

#[test]
fn a_new_user_gets_groups_as_further_steps_of_the_same_entry() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    let ended = site.run(&[&USER[..], &["--access-level-group", "7", "--access-level-group", "99", "--json"]].concat());
    let last = ended.last();
    assert_eq!(
        (ended.code, ended.lines().len(), &last["call"], &last["state"]),
        (1, 1, &json!("AddUser"), &json!("accepted")),
        "{ended:?}"
    );
    let states: Vec<&str> = last["access"].as_array().unwrap().iter().map(|group| group["state"].as_str().unwrap()).collect();
    assert_eq!((states, last["value"].is_string()), (vec!["accepted", "refused"], true), "{ended:?}");
    let shown = site.run(&["outbox", "show", last["enrollment"].as_str().unwrap()]).stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("accepted, but access-level group 99 was not given") && shown.contains("The user's GUID is"), "{shown}");
    let lost = Simulator::start(&["--fault", "drop-before-commit:1@AddUser"]);
    let ended = on_wire(&lost.base_url, "json").run(&[&USER[..], &["--access-level-group", "7", "--json"]].concat());
    assert_eq!((ended.code, &ended.last()["access"][0]["state"], paths(&lost).len()), (3, &json!("saved"), 0), "{ended:?}");
}

#[test]
fn a_card_for_somebody_without_any_access_level_is_said_to_open_nothing() {
    let blusky = Simulator::start(&[]);
    let people = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"] }}");
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", &people);
    let user: Value = site.run(&[&USER[..], &["--json"]].concat()).last()["value"].clone();
    let user = user.as_str().unwrap();
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    let ended = site.run(&["enroll", "--user", user, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!(["no_access_level"])), "{ended:?}");
    let shown = site.run(&["enroll", "--user", user, "--bits", &h10301(123, 4568)]).stdout;
    assert!(shown.contains("opens no door"), "{shown}");
    assert_eq!(site.run(&["access", "add", "--user", user, "--group", "7", "--json"]).code, 0);
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    let ended = site.run(&["enroll", "--user", user, "--bits", &h10301(123, 4569), "--json"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!([])), "{ended:?}");
}
