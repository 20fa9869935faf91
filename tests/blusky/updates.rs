//! A card's update: no time is taken away unasked, no flag is forgotten, and a lost answer is settled by what BluSKY shows.

use serde_json::{Value, json};

use crate::{
    CARD_ID, on_wire,
    peer::{Peer, Reply, Request},
    support::{ADA, CARD, Ended, Simulator, Site},
};

/// A card of Ada's that ends in 2027.
fn with_an_end(blusky: &Simulator, site: &Site) -> String {
    let enrolled = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--deactivate", "2027-01-01T00:00:00Z", "--json"]);
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    assert_eq!(blusky.cards().len(), 1);
    enrolled.last()["card_id"].as_str().unwrap().to_owned()
}

fn update(site: &Site, id: &str, more: &[&str]) -> Ended {
    site.run(&[&["card", "update", "--user", ADA, "--card-id", id, "--json"], more].concat())
}

fn puts(blusky: &Simulator) -> usize {
    let shows = blusky.shows();
    shows["requests"].as_array().unwrap().iter().filter(|request| request["method"] == "PUT").count()
}

fn window(blusky: &Simulator) -> (Value, Value) {
    let held = blusky.cards()[0]["Assignment"].clone();
    (held["CardActivationStartDateTime"].clone(), held["CardDeactivationStartDateTime"].clone())
}

#[test]
fn a_forgotten_date_is_refused_and_only_permanent_means_permanent() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    let id = with_an_end(&blusky, &site);
    let (start, end) = ("2026-06-01T00:00:00Z", "2028-01-01T00:00:00Z");
    for wrong in [
        &["--modify-activation-dates"][..],
        &["--modify-activation-dates", "true"],
        &["--activate", start],
        &["--permanent", "--activate", start],
        &["--permanent", "--modify-activation-dates", "false"],
        &["--activate", start, "--deactivate", end, "--modify-activation-dates", "false"],
        &["--activate", end, "--deactivate", start],
        &["--activate", start, "--no-start"],
    ] {
        let ended = update(&site, &id, wrong);
        assert_eq!(ended.code, 2, "{wrong:?}: {ended:?}");
        ended.error();
    }
    assert_eq!((puts(&blusky), window(&blusky)), (0, (Value::Null, json!("2027-01-01T00:00:00Z"))));

    // The card has no beginning, so none is forgotten.
    assert_eq!(update(&site, &id, &["--deactivate", end]).code, 0);
    assert_eq!(window(&blusky), (Value::Null, json!(end)));
    assert_eq!(update(&site, &id, &["--activate", start, "--no-end"]).code, 0);
    assert_eq!(window(&blusky), (json!(start), Value::Null));
    assert_eq!(update(&site, &id, &["--permanent"]).code, 0);
    assert_eq!(window(&blusky), (Value::Null, Value::Null));
}

#[test]
fn an_update_that_says_nothing_of_times_changes_none() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    let id = with_an_end(&blusky, &site);
    assert_eq!(update(&site, &id, &["--public-notes", "lent"]).code, 0);
    assert_eq!(window(&blusky), (Value::Null, json!("2027-01-01T00:00:00Z")));
}

/// A BluSKY that shows one card of Ada's, with these members besides.
fn showing(members: Value, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |request: &Request, count| match request.method.as_str() {
        "PUT" => answer(count),
        _ if request.path.contains("/v2/") => {
            let mut card = json!({"PersonCardId": "dddd4d04-131d-4614-bf4b-553a7b803994", "CardId": CARD_ID});
            card.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            Reply::json(&json!({"UserId": ADA, "Cards": [card]}))
        }
        _ => Reply::not_found(),
    })
}

fn done() -> Reply {
    Reply::json(&json!({"ResultCode": 0, "Description": "Success"}))
}

#[test]
fn the_flags_a_card_has_are_sent_again_and_are_never_left_out() {
    let blusky = showing(json!({"CardUserFlags": 5}), |_| done());
    let site = on_wire(&blusky.base_url, "json");
    update(&site, CARD_ID, &["--number-of-card-uses", "-1"]);
    // It goes on showing the flags that it has.
    assert_eq!(update(&site, CARD_ID, &["--card-user-flags", "1", "--number-of-card-uses", "-1"]).code, 1);
    let blind = Peer::start(|request, _| if request.method == "PUT" { done() } else { Reply::not_found() });
    let elsewhere = on_wire(&blind.base_url, "json");
    let ended = update(&elsewhere, CARD_ID, &["--public-notes", "x"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!(["read_back_unavailable"])), "{ended:?}");
    let flags = |peer: &Peer| peer.writes().iter().map(|request| request.json()["CardUserFlags"].clone()).collect::<Vec<_>>();
    assert_eq!((flags(&blusky), flags(&blind)), (vec![json!(5), json!(1)], vec![json!(1)]));
}

/// What is shown of the cards.
type Shown = fn() -> Reply;

fn says(status: &'static str, body: &str) -> Reply {
    Reply::Says(status, "application/json", body.as_bytes().to_vec())
}

#[test]
fn flags_that_cannot_be_looked_up_for_a_moment_are_not_guessed() {
    let unseen: [(&str, Shown); 6] = [
        ("card_not_shown", || says("503 Service Unavailable", "")),
        ("card_not_shown", || says("401 Unauthorized", "")),
        ("card_not_shown", || says("200 OK", "<html>")),
        ("card_not_shown", || Reply::Closes),
        ("not_this_users_card", || says("200 OK", "{\"Cards\":[]}")),
        ("card_user_flags", || Reply::json(&json!({"Cards": [{"CardId": CARD_ID}]}))),
    ];
    for (code, shown) in unseen {
        let blusky = Peer::start(move |request, _| if request.method == "PUT" { done() } else { shown() });
        let site = on_wire(&blusky.base_url, "json");
        let ended = update(&site, CARD_ID, &["--public-notes", "x"]);
        assert_eq!((ended.code, &ended.error()["code"], blusky.writes().len()), (1, &json!(code), 0), "{ended:?}");
        assert!(code == "not_this_users_card" || ended.error().to_string().contains("give --card-user-flags"), "{ended:?}");
    }
}

#[test]
fn an_update_that_changes_nothing_is_not_sent() {
    let blusky = showing(json!({"CardUserFlags": 5}), |_| done());
    let site = on_wire(&blusky.base_url, "json");
    for nothing in [&[][..], &["--modify-activation-dates", "false"]] {
        let ended = update(&site, CARD_ID, nothing);
        assert_eq!((ended.code, blusky.heard().len()), (2, 0), "{ended:?}");
        let error = ended.error().to_string();
        assert!(error.contains("nothing to change") && error.contains("--public-notes") && error.contains("--permanent"), "{ended:?}");
    }
    update(&site, CARD_ID, &["--card-user-flags", "1"]);
    assert_eq!(blusky.writes().len(), 1, "flags are a change");
}

#[test]
fn flags_that_are_not_understood_are_not_overwritten_unasked() {
    let blusky = showing(json!({"CardUserFlags": "ActiveCardholderRecord Escort"}), |_| done());
    let site = on_wire(&blusky.base_url, "json");
    let ended = update(&site, CARD_ID, &["--public-notes", "x"]);
    assert_eq!((ended.code, &ended.error()["code"], blusky.writes().len()), (2, &json!("card_user_flags"), 0), "{ended:?}");
}

#[test]
fn what_is_stored_otherwise_is_named_member_by_member() {
    let blusky = showing(json!({"CardUserFlags": 0, "PublicNotes": "L?dz", "NumberOfCardUses": 3}), |_| done());
    let site = on_wire(&blusky.base_url, "json");
    let words = ["--card-user-flags", "1", "--public-notes", "Łódź", "--number-of-card-uses", "3", "--credential-type-id", "2"];
    let ended = update(&site, CARD_ID, &words);
    let wanted = json!(["stored_differs: card_user_flags, public_notes", "not_shown: credential_type_id", "inactive_card"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (1, &wanted), "{ended:?}");
}

#[test]
fn a_lost_answer_is_settled_by_what_blusky_shows() {
    let there = showing(json!({"CardUserFlags": 1, "PublicNotes": "lent"}), |_| Reply::Closes);
    let site = on_wire(&there.base_url, "json");
    let ended = update(&site, CARD_ID, &["--public-notes", "lent"]);
    assert_eq!((ended.code, &ended.last()["attempts"]), (0, &json!(1)), "it had arrived: {ended:?}");
    let absent = showing(json!({"CardUserFlags": 1, "PublicNotes": "old"}), |count| if count == 1 { Reply::Closes } else { done() });
    let site = on_wire(&absent.base_url, "json");
    let ended = update(&site, CARD_ID, &["--public-notes", "lent"]);
    assert_eq!(
        (ended.last()["state"].clone(), &ended.last()["attempts"], absent.writes().len()),
        (json!("accepted"), &json!(2), 2),
        "it had not: {ended:?}"
    );
}

#[test]
fn a_refused_update_is_refused_in_blusky_s_words() {
    let blusky = showing(json!({"CardUserFlags": 1}), |_| Reply::json(&json!({"ResultCode": 7, "Description": "Not this user's card"})));
    let site = on_wire(&blusky.base_url, "json");
    let ended = update(&site, CARD_ID, &["--public-notes", "lent"]);
    let last = ended.last();
    assert_eq!((ended.code, &last["state"], &last["result_code"]), (1, &json!("refused"), &json!(7)), "{ended:?}");
    assert_eq!(last["description"], "Not this user's card");
}
