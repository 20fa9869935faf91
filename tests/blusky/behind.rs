//! What BluSKY shows may be a moment behind what it has done: that makes no second call, and no card of one's own refused.

use serde_json::{Value, json};

use crate::{
    on_wire,
    peer::{Peer, Reply},
    site,
    support::{ADA, CARD, Ended, SYSTEM},
};

const ENROLL: [&str; 6] = ["enroll", "--user", ADA, "--bits", CARD, "--json"];

/// A BluSKY that shows no card until it has been asked this often, and then Ada's.
fn behind(looks: usize, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |request, count| match (request.method.as_str(), request.path.contains("/v1/")) {
        ("POST", _) => answer(count),
        (_, false) => Reply::not_found(),
        _ if count <= looks => Reply::json(&json!({"UserId": ADA, "Cards": []})),
        _ => Reply::json(&json!({"UserId": ADA, "Cards": [{
            "PersonCardId": "dddd4d04-131d-4614-bf4b-553a7b803994", "CardType": 3, "InternalCardNumber": 4567, "FacilityCode": 123,
            "CardACSystemId": SYSTEM, "CardId": "d8f00538-00a9-4db3-acc8-e64d728390f2",
        }]})),
    })
}

fn zero_value() -> Reply {
    Reply::json(&json!({"ResultCode": 0, "Description": "Success", "Value": "00000000-0000-0000-0000-000000000000"}))
}

fn already_assigned() -> Reply {
    Reply::json(&json!({"ResultCode": 5, "Description": "Card Already Assigned : 1 Lovelace, Ada"}))
}

fn outcome(ended: &Ended) -> (i32, Value, Value) {
    (ended.code, ended.last()["state"].clone(), ended.last()["attempts"].clone())
}

#[test]
fn a_success_without_a_key_is_looked_for_and_not_sent_again() {
    for reassign in ["never", "always"] {
        let blusky = behind(2, |count| if count == 1 { zero_value() } else { already_assigned() });
        let site = site(&blusky.base_url, "token_file = \"token\"", &format!("[enroll]\nreassign = \"{reassign}\""));
        let ended = site.run(&ENROLL);
        assert_eq!(outcome(&ended), (0, json!("accepted"), json!(1)), "{ended:?}");
        assert_eq!(blusky.writes().len(), 1, "{reassign}");
    }
}

#[test]
fn a_success_without_a_key_that_is_never_shown_waits_for_a_person() {
    let blusky = behind(usize::MAX, |_| zero_value());
    let site = site(&blusky.base_url, "token_file = \"token\"\nshows_within_s = 10", "");
    let ended = site.run(&ENROLL);
    assert_eq!((outcome(&ended), blusky.writes().len()), ((3, json!("in_doubt"), json!(1)), 1), "{ended:?}");
    assert!(blusky.heard().len() > 3, "it is looked for several times");
}

#[test]
fn a_card_of_one_s_own_that_is_not_shown_yet_is_not_refused() {
    // The first answer is lost; two looks later it is sent again, and two looks later it is seen to have been there.
    let blusky = behind(4, |count| if count == 1 { Reply::Closes } else { already_assigned() });
    let site = on_wire(&blusky.base_url, "json");
    let ended = site.run(&ENROLL);
    assert_eq!(outcome(&ended), (0, json!("accepted"), json!(2)), "{ended:?}");
    assert_eq!(ended.last()["warnings"][0], "already_assigned_to_this_user");
}

#[test]
fn the_last_line_counts_every_attempt() {
    let busy = || Reply::Says("429 Too Many Requests", "text/plain", Vec::new());
    let blusky = behind(0, move |count| if count <= 2 { busy() } else { Reply::Closes });
    let site = on_wire(&blusky.base_url, "json");
    let ended = site.run(&[&ENROLL[..], &["--outcome-timeout", "2"]].concat());
    assert_eq!(ended.last()["attempts"], site.outbox()[0]["attempts"], "{ended:?}");
    assert_eq!(blusky.writes().len() as u64, ended.last()["attempts"].as_u64().unwrap(), "{ended:?}");
}

/// The card as BluSKY shows it, with these members in the place of its own.
fn shown_with(members: &Value) -> Value {
    let mut card = json!({
        "PersonCardId": "dddd4d04-131d-4614-bf4b-553a7b803994", "CardType": 3, "InternalCardNumber": 4567, "FacilityCode": 123,
        "CardACSystemId": SYSTEM, "CardId": "d8f00538-00a9-4db3-acc8-e64d728390f2", "IssueCode": 0, "Deleted": false,
    });
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::String(word) if word == "(missing)" => drop(card.as_object_mut().unwrap().remove(name)),
            value => card[name] = value.clone(),
        }
    }
    card
}

/// A BluSKY that takes the card, loses its answer, and shows this for ever after.
fn losing(shown: Value) -> Peer {
    Peer::start(move |request, _| if request.method == "POST" { Reply::Closes } else { Reply::json(&shown) })
}

#[test]
fn a_card_whose_answer_is_lost_is_sent_once_however_strangely_blusky_shows_it() {
    let strange = [
        json!({"FacilityCode": null}),
        json!({"FacilityCode": "(missing)"}),
        json!({"InternalCardNumber": null}),
        json!({"InternalCardNumber": "(missing)"}),
        json!({"InternalCardNumber": "four thousand"}),
        json!({"CardType": null}),
        json!({"CardType": "Prox26Bit"}),
        json!({"CardACSystemId": null}),
        json!({"CardACSystemId": "Main system"}),
        json!({"CardType": "(missing)", "CardACSystemId": "(missing)", "InternalCardNumber": "(missing)"}),
    ];
    let mut lists: Vec<Value> = strange.iter().map(|members| json!({"UserId": ADA, "Cards": [shown_with(members)]})).collect();
    lists.extend([
        json!({"ResultCode": 3, "Cards": null}),
        json!({"UserId": ADA, "Cards": null}),
        json!({"UserId": ADA}),
        json!({"Cards": [7]}),
    ]);
    let waiting: Vec<_> = lists
        .iter()
        .map(|list| {
            let blusky = losing(list.clone());
            let site = on_wire(&blusky.base_url, "json");
            let enroll = site.start(&[&ENROLL[..], &["--outcome-timeout", "8"]].concat());
            (list, blusky, site, enroll)
        })
        .collect();
    for (list, blusky, _site, enroll) in waiting {
        let ended = enroll.end();
        assert_eq!(outcome(&ended), (3, json!("in_doubt"), json!(1)), "{list}: {ended:?}");
        assert_eq!(blusky.writes().len(), 1, "{list}");
        assert!(ended.last()["why"].is_string(), "a person is told why: {ended:?}");
    }
}

#[test]
fn a_card_whose_answer_is_lost_is_found_however_its_members_are_written() {
    let written = [
        json!({"InternalCardNumber": 4567.0, "FacilityCode": "123"}),
        json!({"InternalCardNumber": "4567", "CardType": "3"}),
        json!({"CardACSystemId": SYSTEM.to_uppercase(), "Deleted": "False"}),
    ];
    for members in written {
        let blusky = losing(json!({"UserId": ADA, "Cards": [shown_with(&members)]}));
        let ended = on_wire(&blusky.base_url, "json").run(&ENROLL);
        assert_eq!(outcome(&ended), (0, json!("accepted"), json!(1)), "{members}: {ended:?}");
    }
    let card: Value = shown_with(&json!({}))
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name[..1].to_lowercase() + &name[1..], value.clone()))
        .collect();
    let blusky = losing(json!({"userId": ADA, "cards": [card]}));
    let ended = on_wire(&blusky.base_url, "json").run(&ENROLL);
    assert_eq!(outcome(&ended), (0, json!("accepted"), json!(1)), "{ended:?}");
}

#[test]
fn a_read_back_that_is_seconds_late_makes_no_second_call() {
    let sent = std::sync::Mutex::new(None);
    let blusky = Peer::start(move |request, _| {
        let mut sent = sent.lock().unwrap();
        match (request.method.as_str(), *sent) {
            ("POST", _) => {
                sent.get_or_insert_with(std::time::Instant::now);
                Reply::Closes
            }
            (_, Some(at)) if at.elapsed() > std::time::Duration::from_secs(6) => {
                Reply::json(&json!({"UserId": ADA, "Cards": [shown_with(&json!({}))]}))
            }
            _ => Reply::json(&json!({"UserId": ADA, "Cards": []})),
        }
    });
    let site = site(&blusky.base_url, "token_file = \"token\"", "");
    let ended = site.run(&ENROLL);
    assert_eq!(outcome(&ended), (0, json!("accepted"), json!(1)), "{ended:?}");
    assert_eq!(blusky.writes().len(), 1);
}

#[test]
fn while_no_code_is_known_a_card_that_is_shown_seconds_late_is_not_refused() {
    let success = || Reply::json(&json!({"ResultCode": 1, "Description": "OK", "Value": "dddd4d04-131d-4614-bf4b-553a7b803994"}));
    let blusky = behind(2, move |_| success());
    let site = site(&blusky.base_url, "token_file = \"token\"\nsuccess_codes = \"any\"", "");
    let ended = site.run(&ENROLL);
    assert_eq!((outcome(&ended), blusky.writes().len()), ((0, json!("accepted"), json!(1)), 1), "{ended:?}");
}
