//! What BluSKY stored otherwise than it was sent is the first thing that is said.

use serde_json::{Value, json};

use crate::{
    on_wire,
    peer::{Peer, Reply},
    support::{ADA, CARD, SYSTEM},
};

/// A BluSKY that takes the card and shows it with these members instead.
fn storing(members: Value) -> Peer {
    let mut card = json!({
        "PersonCardId": "dddd4d04-131d-4614-bf4b-553a7b803994", "CardType": 3, "InternalCardNumber": 4567, "FacilityCode": 123,
        "CardACSystemId": SYSTEM, "ExternalCardNumber": "4567", "CardUserFlags": 1,
    });
    card.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Peer::start(move |request, _| match (request.method.as_str(), request.path.contains("/v1/")) {
        ("POST", _) => Reply::success(),
        (_, true) => Reply::json(&json!({"UserId": ADA, "Cards": [card]})),
        _ => Reply::not_found(),
    })
}

#[test]
fn a_card_that_is_stored_as_another_is_not_promised_to_any_door() {
    let text = |members: Value, code: i32| {
        let ended = on_wire(&storing(members).base_url, "json").run(&["enroll", "--user", ADA, "--bits", CARD]);
        assert_eq!(ended.code, code, "{ended:?}");
        ended.stdout.lines().find(|line| line.contains("accepted")).unwrap().to_owned()
    };
    for (members, name) in [
        (json!({"InternalCardNumber": 4568}), "internal_card_number"),
        (json!({"FacilityCode": 0}), "facility_code"),
        (json!({"CardACSystemId": "51c1aa5c-4e2f-4033-8174-3736816cb4a3"}), "card_ac_system_id"),
    ] {
        let line = text(members, 1);
        assert!(line.starts_with("accepted, but BluSKY stored") && line.contains(name) && !line.contains("door"), "{line}");
    }
    for (members, code, begins) in [
        (json!({}), 0, "accepted: facility code 123"),
        (
            json!({"ExternalCardNumber": "other"}),
            1,
            "accepted, but stored otherwise than it was sent: external_card_number: facility code 123",
        ),
    ] {
        let line = text(members, code);
        assert!(line.starts_with(begins) && line.contains("A door may need"), "{line}");
    }
}

/// What is said of a card with a PIN, where BluSKY refuses it as assigned or takes it, and shows these PINs: the card's and another's.
fn with_pin(takes: bool, own: Value, others: Value) -> crate::support::Ended {
    let card = |number: u64, pin: &Value| {
        json!({"CardType": 3, "InternalCardNumber": number, "FacilityCode": 123, "CardACSystemId": SYSTEM, "ExternalCardNumber": "4567",
            "CardUserFlags": 1, "PIN": pin, "CardId": uuid::Uuid::from_u128(u128::from(number))})
    };
    let cards = json!({"UserId": ADA, "Cards": [card(4567, &own), card(1, &others)]});
    let blusky = Peer::start(move |request, _| match (request.method.as_str(), takes) {
        ("POST", true) => Reply::success(),
        ("POST", false) => Reply::json(&json!({"ResultCode": 5, "Description": "Card Already Assigned : 4567 Lovelace, Ada"})),
        _ => Reply::json(&cards),
    });
    let site = on_wire(&blusky.base_url, "json");
    crate::write(&site, "pin", "00417\n");
    site.run(&["enroll", "--user", ADA, "--bits", CARD, "--pin-file", "pin", "--json"])
}

#[test]
fn a_pin_that_was_not_set_is_not_called_accepted_without_a_word() {
    for takes in [true, false] {
        for (own, differs) in [(json!(null), true), (json!(""), true), (json!("99"), true), (json!("00417"), false)] {
            let ended = with_pin(takes, own.clone(), json!("1234"));
            let warnings = ended.lines().iter().filter_map(|line| line.get("warnings").cloned()).next_back().unwrap().to_string();
            assert_eq!((ended.code, warnings.contains("stored_differs: pin")), (i32::from(differs), differs), "{takes} {own}: {ended:?}");
        }
        let ended = with_pin(takes, json!(null), json!(null));
        let warnings = ended.last()["warnings"].to_string();
        assert!(ended.code == 0 && warnings.contains("not_shown: pin"), "this BluSKY shows it for no card: {ended:?}");
        assert_eq!(warnings.contains("not_set: pin"), !takes, "a call that was refused sets nothing: {ended:?}");
    }
}

#[test]
fn a_card_that_is_stored_without_the_flag_of_an_active_cardholder_is_said_to_be_inactive() {
    for (flags, inactive) in [(json!(1), false), (json!(3), false), (json!(0), true), (json!(2), true)] {
        let site = on_wire(&storing(json!({"CardUserFlags": flags, "CardId": crate::CARD_ID})).base_url, "json");
        let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
        let warnings = ended.last()["warnings"].clone();
        assert_eq!(warnings.as_array().unwrap().contains(&json!("inactive_card")), inactive, "{flags}: {ended:?}");
        assert_eq!(site.run(&["card", "list", "--user", ADA, "--json"]).last()["active"], !inactive, "{flags}");
        assert_eq!(site.run(&["card", "list", "--user", ADA]).stdout.contains("(inactive)"), inactive, "{flags}");
    }
}

#[test]
fn a_card_that_blusky_has_already_is_explained() {
    let words = "More than one card exists with this number and facility code.";
    let blusky = Peer::start(move |request, _| match request.method.as_str() {
        "POST" => Reply::json(&json!({"ResultCode": 3, "Description": words, "Value": null})),
        _ => Reply::json(&json!({"UserId": ADA, "Cards": []})),
    });
    let ended = on_wire(&blusky.base_url, "json").run(&["enroll", "--user", ADA, "--bits", CARD]);
    assert!(ended.code == 1 && ended.stdout.contains(words) && ended.stderr.contains("--card-id GUID"), "{ended:?}");
}
