//! Who has a card that is refused: said with where it is known from, how old that is, and whether BluSKY shows it there now.

use std::{fs, sync::Mutex};

use serde_json::{Value, json};

use crate::{
    CARD_ID, OCCUPANCY,
    peer::{Peer, Reply, Request},
    site,
    support::{ADA, CARD, Ended, GRACE, SYSTEM, Simulator, Site},
};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n";

fn give(site: &Site, user: &str) -> Ended {
    site.run(&["enroll", "--user", user, "--bits", CARD])
}

#[test]
fn our_own_record_names_the_holder_until_the_card_is_taken_back() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", "[people]\nfile = \"people.csv\"\n");
    fs::write(site.path("people.csv"), PEOPLE).unwrap();
    assert_eq!(give(&site, "1815").code, 0);
    let refused = give(&site, GRACE);
    let words = "it was given to Ada Lovelace (1815) from here";
    assert!(refused.code == 1 && refused.stderr.contains(words), "{refused:?}");
    assert!(refused.stderr.contains("and BluSKY shows it there now; the card's GUID is"), "{refused:?}");
    assert_eq!(site.run(&["card", "remove", "--user", ADA, "--card", "4567"]).code, 0);
    assert_eq!(give(&crate::on_wire(&blusky.base_url, "json"), ADA).code, 0, "another station gives it");
    let refused = give(&site, GRACE);
    assert!(refused.code == 1 && !refused.stderr.contains("given to"), "it was taken back: {refused:?}");
}

/// A BluSKY that refuses every card in these words, lists Ada with the card, and shows these cards of hers.
fn holding(words: &'static str, shown: Value) -> (Peer, Site) {
    let blusky = Peer::start(move |request, _| match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => Reply::json(&json!({"ResultCode": 2, "Description": words, "Value": null})),
        (_, path) if path.contains("Users?OccupancyId=") => Reply::json(&json!([{
            "PersonId": ADA, "FirstName": "Ada", "LastName": "Lovelace", "CompanyName": "ACME",
            "Cards": [{"CardId": CARD_ID, "InternalCardNumber": 4567, "FacilityCode": 123, "CardType": 3, "PIN": "90417355"}],
        }])),
        (_, path) if path.contains(ADA) => Reply::json(&json!({"UserId": ADA, "Cards": shown})),
        _ => Reply::json(&json!({"UserId": GRACE, "Cards": []})),
    });
    let people = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"] }}");
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", &people);
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    (blusky, site)
}

#[test]
fn blusky_s_list_names_the_holder_and_the_read_back_says_whether_that_is_so_now() {
    let card = json!({"CardId": CARD_ID, "CardType": 3, "InternalCardNumber": 4567, "FacilityCode": 123, "CardACSystemId": SYSTEM,
        "ExternalCardNumber": "4567", "CardUserFlags": 1});
    for words in ["Card Already Assigned : 4567 somebody", "More than one card exists with this number and facility code."] {
        for (shown, now) in [(json!([card]), "and BluSKY shows it there now"), (json!([]), "but BluSKY does not show it there now")] {
            let (blusky, site) = holding(words, shown);
            let refused = give(&site, GRACE);
            let said = "s ago has the card with Ada Lovelace (ACME), ";
            assert!(refused.code == 1 && refused.stderr.contains(said) && refused.stderr.contains(now), "{refused:?}");
            assert!(refused.stderr.contains(CARD_ID), "{refused:?}");
            let entry = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
            let shown = site.run(&["outbox", "show", &entry]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains("has the card with Ada Lovelace (ACME)") && shown.contains(now), "{shown}");
            assert_eq!(blusky.writes().len(), 1, "nothing is moved");
        }
    }
}

#[test]
fn a_holder_whom_the_refusal_and_the_list_name_alike_is_looked_at_once() {
    let (blusky, site) = holding("Card Already Assigned : 4567 Lovelace, Ada", json!([]));
    assert_eq!(give(&site, GRACE).code, 1);
    let entry = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let looked = || blusky.heard().iter().filter(|request| request.path.contains("UserCards") && request.path.contains(ADA)).count();
    let before = looked();
    let shown = site.run(&["outbox", "show", &entry]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("BluSKY's refusal names Ada Lovelace") && shown.contains("has the card with Ada Lovelace"), "{shown}");
    assert_eq!(looked() - before, 1);
}

/// A BluSKY in which somebody has the card. It refuses it in these words, its list shows it with Ada or shows no cards, and it gives
/// the card to whoever takes it, or to anybody once it is free.
fn held_by(holder: &str, words: &'static str, in_list: bool) -> (Peer, Site) {
    let holder = Mutex::new(Some(holder.to_owned()));
    let card = json!({"CardId": CARD_ID, "PersonCardId": CARD_ID, "CardType": 3, "InternalCardNumber": 4567, "FacilityCode": 123,
        "CardACSystemId": SYSTEM, "ExternalCardNumber": "4567", "CardUserFlags": 3, "Deleted": false,
        "CardDeactivationStartDateTime": "2031-12-01T00:00:00"});
    let listed = if in_list { json!([card.clone()]) } else { json!([]) };
    let blusky = Peer::start(move |request, _| {
        let mut holder = holder.lock().unwrap();
        let user = [ADA, GRACE].into_iter().find(|user| request.path.contains(user));
        match request.method.as_str() {
            "POST" if holder.is_some() && !takes(request) => Reply::json(&json!({"ResultCode": 2, "Description": words, "Value": null})),
            "POST" => {
                *holder = user.map(str::to_owned);
                Reply::success()
            }
            "DELETE" => {
                *holder = None;
                Reply::json(&json!({"ResultCode": 0, "Description": "Success"}))
            }
            _ if request.path.contains("Users?OccupancyId=") => {
                Reply::json(&json!([{"PersonId": ADA, "FirstName": "Ada", "LastName": "Lovelace", "Cards": listed}]))
            }
            _ => {
                // Whoever takes it has it on other terms.
                let mut theirs = card.clone();
                if user == Some(GRACE) {
                    (theirs["CardUserFlags"], theirs["CardDeactivationStartDateTime"]) = (json!(1), Value::Null);
                }
                let cards = if user.is_some() && user == holder.as_deref() { json!([theirs]) } else { json!([]) };
                Reply::json(&json!({"UserId": user, "Cards": cards}))
            }
        }
    });
    let more = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"] }}\n[enroll]\nreassign = \"ask\"\n");
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 1", &more);
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    (blusky, site)
}

fn takes(request: &Request) -> bool {
    request.json()["ReassignCardIfAlreadyAssigned"] == json!(true)
}

#[test]
fn a_named_holder_is_looked_at_before_the_card_is_taken_and_only_who_has_it_then_gets_it_back() {
    let (unnamed, named) = ("Card Already Assigned", "Card Already Assigned : 4567 Lovelace, Ada");
    for (holder, words, in_list) in [(ADA, unnamed, true), (ADA, named, false), (OCCUPANCY, unnamed, true), (OCCUPANCY, named, false)] {
        let ((blusky, site), is_shown) = (held_by(holder, words, in_list), holder == ADA);
        let taken = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
        assert_eq!((taken.code, &taken.last()["reassigned"]), (0, &json!(true)), "{taken:?}");
        let heard = blusky.heard();
        let before = heard.iter().take_while(|request| request.method != "POST" || !takes(request));
        let looks = before.filter(|request| request.path.contains(ADA) && request.path.contains("UserCards")).count();
        assert!(looks >= 1, "{heard:?}");
        let undone = site.run(&["outbox", "undo", taken.last()["enrollment"].as_str().unwrap(), "--json"]);
        let users: Vec<String> = undone.lines().iter().filter_map(|line| Some(line["user_id"].as_str()?.to_owned())).collect();
        assert_eq!((undone.code, users.iter().any(|user| user == ADA)), (0, is_shown), "{undone:?}");
        let given_back = blusky.writes().into_iter().rfind(|request| request.method == "POST" && request.path.contains(ADA));
        let Some(given_back) = given_back.map(|request| request.json()) else { continue };
        // A temporary card does not become one for ever.
        assert_eq!(given_back["CardUserFlags"], 3, "{given_back}");
        assert!(given_back["CardDeactivationStartDateTime"].as_str().unwrap().starts_with("2031-12-01"), "{given_back}");
        assert!(undone.stderr.contains("with the times and flags they had"), "{undone:?}");
    }
}

#[test]
fn a_refusal_that_is_about_something_else_names_nobody() {
    let (_blusky, site) = holding("No licence left", json!([]));
    let refused = give(&site, GRACE);
    assert!(refused.code == 1 && !refused.stderr.contains("Ada"), "{refused:?}");
}
