//! A card taken back: once, seen to be gone, never a person, and never a card that somebody mistyped.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde_json::{Value, json};

use crate::{
    CARD_ID, on_wire,
    peer::{Peer, Reply, Request},
    site,
    support::{ADA, CARD, Ended, GRACE, Simulator, Site, h10301},
};

/// Ada's card, and a BluSKY whose removals meet these faults.
fn held(faults: &[&str]) -> (Simulator, Site, String) {
    let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let blusky = Simulator::start(&arguments);
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", "[people]\nfile = \"people.csv\"\n");
    std::fs::write(site.path("people.csv"), format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,1815\n")).unwrap();
    let enrolled = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    let card = enrolled.last()["card_id"].as_str().unwrap().to_owned();
    (blusky, site, card)
}

fn remove(site: &Site, user: &str, card: &str) -> Ended {
    site.run(&["card", "remove", "--user", user, "--card", card, "--json"])
}

/// The paths of what was sent to take something away, and whose the card is now.
fn taken(blusky: &Simulator) -> (Vec<String>, Value) {
    let shows = blusky.shows();
    let requests = shows["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "DELETE");
    let paths = requests.map(|request| request["path"].as_str().unwrap().to_owned()).collect();
    (paths, blusky.cards()[0]["Assignment"].clone())
}

#[test]
fn a_card_is_taken_back_by_its_number_its_print_or_its_key_and_stays_a_card() {
    for by_key in [false, true] {
        let (blusky, site, card) = held(&[]);
        let ended = remove(&site, ADA, if by_key { &card } else { "4567" });
        assert_eq!(
            (ended.code, &ended.last()["state"], &ended.last()["call"]),
            (0, &json!("accepted"), &json!("RemoveUserCard")),
            "{ended:?}"
        );
        assert_eq!(taken(&blusky), (vec![format!("/api/v2/Users/{ADA}/UserCards/{card}")], Value::Null));
        // It can be given to somebody else, as the card that it is.
        assert_eq!(site.run(&["enroll", "--user", GRACE, "--card-id", &card, "--json"]).code, 0);
        let list = site.run(&["outbox", "list"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(list.contains(&format!("card {card} taken back from Ada Lovelace (1815)")), "{list}");
    }
}

#[test]
fn a_card_that_blusky_says_it_took_and_goes_on_showing_waits_for_a_person_and_is_not_said_to_be_taken_back() {
    let card = json!({"CardId": CARD_ID, "PersonCardId": GRACE, "CardType": 3, "InternalCardNumber": 4567, "Deleted": false});
    let blusky = Peer::start(move |request, _| match request.method.as_str() {
        "DELETE" => Reply::json(&json!({"ResultCode": 0, "Description": "Success"})),
        _ => Reply::json(&json!({"UserId": ADA, "Cards": [card]})),
    });
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", "");
    let ended = remove(&site, ADA, CARD_ID);
    assert_eq!((ended.code, &ended.last()["state"]), (3, &json!("in_doubt")), "{ended:?}");
    let why = ended.last()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("says that the card was taken back, and still shows it"), "{why}");
    let list = site.run(&["outbox", "list"]).stdout;
    assert!(!list.contains("taken back from") || list.contains("in_doubt"), "{list}");
    assert!(site.run(&["status"]).stdout.contains("still shows it"), "whoever looks is told");
}

#[test]
fn a_card_that_is_not_the_users_or_a_mistyped_number_takes_nothing() {
    let (blusky, site, card) = held(&[]);
    for (user, wanted) in [(ADA, "4568"), (GRACE, "4567"), (GRACE, card.as_str()), (ADA, "00000000-0000-0000-0000-000000000000")] {
        let ended = remove(&site, user, wanted);
        assert_eq!((ended.code, &ended.error()["code"]), (1, &json!("no_such_card")), "{ended:?}");
    }
    assert_eq!((taken(&blusky).0.len(), blusky.cards()[0]["Assignment"]["UserId"].as_str()), (0, Some(ADA)));
}

#[test]
fn a_lost_answer_is_settled_by_what_is_shown_and_a_card_that_is_still_there_is_taken_again() {
    for (fault, calls) in [("drop-after-commit:1@RemoveUserCard", 1), ("drop-before-commit:1@RemoveUserCard", 2)] {
        let (blusky, site, card) = held(&[fault]);
        let _station = site.station();
        let ended = site.run(&["card", "remove", "--user", ADA, "--card", &card, "--outcome-timeout", "60", "--json"]);
        assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{fault}: {ended:?}");
        let (paths, holder) = taken(&blusky);
        assert_eq!((paths.len(), holder), (calls, Value::Null), "{fault}");
    }
}

#[test]
fn not_found_is_looked_up_and_not_believed() {
    let answer = |still: bool| {
        let card = "d8f00538-00a9-4db3-acc8-e64d728390f2";
        let deleted = AtomicBool::new(false);
        let peer = Peer::start(move |request: &Request, _| match request.method.as_str() {
            "DELETE" => {
                deleted.store(true, Relaxed);
                Reply::json(&json!({"ResultCode": 9, "Description": "NotFound"}))
            }
            _ => {
                let is_shown = still || !deleted.load(Relaxed);
                let cards = if is_shown { json!([{"CardId": card, "PersonCardId": card, "Deleted": false}]) } else { json!([]) };
                Reply::json(&json!({"UserId": ADA, "Cards": cards}))
            }
        });
        let ended = remove(&on_wire(&peer.base_url, "json"), ADA, card);
        assert!(ended.last()["state"].is_string(), "{ended:?}");
        (ended.code, ended.last()["state"].clone(), ended.last()["warnings"].clone())
    };
    assert_eq!(answer(true), (1, json!("refused"), json!([])));
    assert_eq!(answer(false), (0, json!("accepted"), json!(["not_this_users_card"])));
}

#[test]
fn a_blusky_that_has_only_the_older_call_is_asked_by_that() {
    let card = "d8f00538-00a9-4db3-acc8-e64d728390f2";
    let deleted = AtomicBool::new(false);
    let peer = Peer::start(move |request: &Request, _| match (request.method.as_str(), request.path.contains("/v1/")) {
        ("DELETE", true) => {
            deleted.store(true, Relaxed);
            Reply::json(&json!({"ResultCode": 0, "Description": "Success"}))
        }
        ("DELETE", false) => Reply::not_found(),
        _ => {
            let cards = if !deleted.load(Relaxed) { json!([{"CardId": card, "PersonCardId": card, "Deleted": false}]) } else { json!([]) };
            Reply::json(&json!({"UserId": ADA, "Cards": cards}))
        }
    });
    let ended = remove(&on_wire(&peer.base_url, "xml"), ADA, card);
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    let sent = peer.writes();
    let paths: Vec<&str> = sent.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, [2, 1].map(|version| format!("/api/v{version}/Users/{ADA}/UserCards/{card}")));
    for request in &sent {
        assert_eq!(request.json(), json!({"CardId": card, "UserId": ADA}));
        assert!(request.header("content-type").contains("json"));
    }
}

#[test]
fn an_enrollment_is_undone_by_taking_the_card_back_and_giving_it_to_its_holder_before() {
    let (blusky, site, card) = held(&[]);
    site.configure(
        &std::fs::read_to_string(site.path("cardbridge.toml"))
            .unwrap()
            .replace("[site]", "replace_card_if_exists = true\n[enroll]\nreassign = \"always\"\n[site]"),
    );
    let taken_from_ada = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((taken_from_ada.code, &taken_from_ada.last()["previous_user_id"]), (0, &json!(ADA)), "{taken_from_ada:?}");
    let key = taken_from_ada.last()["enrollment"].as_str().unwrap().to_owned();
    let undone = site.run(&["outbox", "undo", &key, "--json"]);
    let states: Vec<(Value, Value)> = undone.lines().iter().map(|line| (line["user_id"].clone(), line["state"].clone())).collect();
    assert_eq!((undone.code, states), (0, vec![(json!(GRACE), json!("accepted")), (json!(ADA), json!("accepted"))]), "{undone:?}");
    assert_eq!((&blusky.cards()[0]["CardId"], &blusky.cards()[0]["Assignment"]["UserId"]), (&json!(card), &json!(ADA)));
    let outbox = site.outbox();
    assert_eq!((outbox.len(), &outbox[1]["state"], &outbox[1]["undone_by"]), (4, &json!("accepted"), &outbox[2]["enrollment"]));
    // Once is enough.
    assert_eq!((site.run(&["outbox", "undo", &key]).code, site.outbox().len()), (1, 4));
}

#[test]
fn a_card_goes_back_to_whom_the_refusal_and_our_own_record_name_alike() {
    let (blusky, site, card) = held(&[]);
    let configuration = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&configuration.replace("[site]", "[enroll]\nreassign = \"ask\"\n[site]"));
    let taken_from_ada = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    assert_eq!((taken_from_ada.code, &taken_from_ada.last()["previous_user_id"]), (0, &Value::Null), "{taken_from_ada:?}");
    let undone = site.run(&["outbox", "undo", taken_from_ada.last()["enrollment"].as_str().unwrap(), "--json"]);
    let states: Vec<(Value, Value)> = undone.lines().iter().map(|line| (line["user_id"].clone(), line["state"].clone())).collect();
    assert_eq!((undone.code, states), (0, vec![(json!(GRACE), json!("accepted")), (json!(ADA), json!("accepted"))]), "{undone:?}");
    assert_eq!((&blusky.cards()[0]["CardId"], &blusky.cards()[0]["Assignment"]["UserId"]), (&json!(card), &json!(ADA)));
    // Somebody whom only BluSKY's words name is not known well enough.
    let other = Site::at(&blusky.base_url, "[enroll]\nreassign = \"ask\"\n");
    let taken_from_ada = other.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    let undone = other.run(&["outbox", "undo", taken_from_ada.last()["enrollment"].as_str().unwrap()]);
    assert!(undone.code == 0 && undone.stderr.contains("nobody is given the card"), "{undone:?}");
}

#[test]
fn an_enrollment_whose_holder_before_is_not_known_is_undone_by_taking_the_card_back() {
    let (blusky, site, _) = held(&[]);
    let key = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let undone = site.run(&["outbox", "undo", &key]);
    assert!(undone.code == 0 && undone.stderr.contains("nobody is given the card"), "{undone:?}");
    assert_eq!(taken(&blusky).1, Value::Null);
    // What was undone a moment ago is no reason to ask about the same card.
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]).code, 0);
}

#[test]
fn a_blusky_that_takes_no_card_back_refuses_that_and_goes_on_giving_cards() {
    let (_blusky, site, _) = held(&["no-such-call@RemoveUserCard"]);
    let ended = remove(&site, ADA, "4567");
    assert_eq!((ended.code, &ended.last()["state"]), (1, &json!("refused")), "{ended:?}");
    let last = ended.last();
    assert!(
        last["why"].as_str().unwrap().contains("takes no card back") && last["description"].is_null(),
        "these are not BluSKY's words: {last}"
    );
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", &h10301(1, 2), "--json"]).code, 0);
}

#[test]
fn an_enrollment_whose_undoing_was_refused_can_be_undone_again() {
    let (blusky, site, _) = held(&["no-such-call@RemoveUserCard"]);
    let key = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    for entries in [2, 3] {
        let undone = site.run(&["outbox", "undo", &key, "--json"]);
        assert_eq!((undone.code, &undone.last()["state"], site.outbox().len()), (1, &json!("refused"), entries), "{undone:?}");
        assert_eq!(site.outbox()[0]["undone_by"], Value::Null, "the card is still Ada's");
        let list = site.run(&["outbox", "list"]).stdout;
        assert!(!list.contains("undone by"), "{list}");
    }
    assert_eq!(taken(&blusky).1["UserId"].as_str(), Some(ADA));
}

#[test]
fn a_card_that_was_not_taken_back_is_not_given_to_its_holder_before() {
    let (blusky, site, _) = held(&["no-such-call@RemoveUserCard"]);
    let configuration = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&configuration.replace("[site]", "replace_card_if_exists = true\n[enroll]\nreassign = \"always\"\n[site]"));
    let taken_from_ada = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((taken_from_ada.code, &taken_from_ada.last()["previous_user_id"]), (0, &json!(ADA)), "{taken_from_ada:?}");
    let key = taken_from_ada.last()["enrollment"].as_str().unwrap().to_owned();
    let given = || {
        let shows = blusky.shows();
        shows["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "POST").count()
    };
    let before = given();
    let undone = site.run(&["outbox", "undo", &key, "--json"]);
    let states: Vec<(Value, Value)> = undone.lines().iter().map(|line| (line["user_id"].clone(), line["state"].clone())).collect();
    assert_eq!((undone.code, states), (1, vec![(json!(GRACE), json!("refused")), (json!(ADA), json!("discarded"))]), "{undone:?}");
    assert_eq!((given(), taken(&blusky).1["UserId"].as_str()), (before, Some(GRACE)), "nothing was sent for Ada");
    // Taking it back alone would leave Ada without it.
    let outbox = site.outbox();
    let again = site.run(&["outbox", "retry", outbox[2]["enrollment"].as_str().unwrap(), "--json"]);
    assert!(again.code == 1 && again.error()["help"].as_str().unwrap().contains(&format!("outbox undo {key}")), "{again:?}");
    assert_eq!((&outbox[1]["undone_by"], site.run(&["outbox", "undo", &key]).code), (&Value::Null, 1));
    assert_eq!((site.outbox().len(), given()), (6, before), "it can be undone again");
}

#[test]
fn what_another_blusky_accepted_is_not_undone_at_this_one() {
    let (blusky, site, _) = held(&[]);
    let key = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let other = Simulator::start(&[]);
    let configuration = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&configuration.replace(&blusky.base_url, &other.base_url));
    for action in ["undo", "retry"] {
        let ended = site.run(&["outbox", action, &key, "--json"]);
        assert_eq!((ended.code, &ended.error()["code"]), (1, &json!("base_url")), "{ended:?}");
    }
    let outbox = site.outbox();
    assert_eq!((outbox.len(), &outbox[0]["undone_by"]), (1, &Value::Null), "the card opens doors at the other one");
    // Its address may be written otherwise.
    site.configure(&configuration.replace(&blusky.base_url, &format!("{}//", blusky.base_url.replace("http:", "HTTP:"))));
    assert_eq!((site.run(&["outbox", "undo", &key]).code, taken(&blusky).1), (0, Value::Null));
}

#[test]
fn whoever_gives_up_a_taking_back_in_doubt_is_told_that_the_card_may_be_gone() {
    let (_blusky, site, _) = held(&["drop-after-commit@RemoveUserCard", "no-such-call:after=1@UserCards"]);
    let key = |at: usize| site.outbox()[at]["enrollment"].as_str().unwrap().to_owned();
    let undone = site.run(&["outbox", "undo", &key(0), "--json"]);
    assert_eq!((undone.code, &undone.last()["state"]), (3, &json!("in_doubt")), "{undone:?}");
    let ended = site.run(&["outbox", "discard", &key(1)]);
    let told = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ended.code == 0 && told.contains("discarded: BluSKY may have taken the card back all the same"), "{ended:?}");
    let given = site.run(&["outbox", "show", &key(0)]).stdout;
    assert!(!given.contains("was not taken back"), "nobody knows that: {given}");
}

#[test]
fn what_was_not_accepted_is_not_undone() {
    let (_blusky, site, _) = held(&[]);
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    let ended = site.run(&["outbox", "undo", refused.last()["enrollment"].as_str().unwrap(), "--json"]);
    assert_eq!((ended.code, &ended.error()["code"], site.outbox().len()), (1, &json!("state"), 2), "{ended:?}");
}
