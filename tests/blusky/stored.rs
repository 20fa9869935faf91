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
    let text = |members: Value| {
        let ended = on_wire(&storing(members).base_url, "json").run(&["enroll", "--user", ADA, "--bits", CARD]);
        assert_eq!(ended.code == 1, ended.stdout.contains("stored differs"), "{ended:?}");
        ended.stdout.lines().find(|line| line.contains("accepted")).unwrap().to_owned()
    };
    for (members, name) in [
        (json!({"InternalCardNumber": 4568}), "internal_card_number"),
        (json!({"FacilityCode": 0}), "facility_code"),
        (json!({"CardACSystemId": "51c1aa5c-4e2f-4033-8174-3736816cb4a3"}), "card_ac_system_id"),
    ] {
        let line = text(members);
        assert!(line.starts_with("accepted, but BluSKY stored") && line.contains(name) && !line.contains("door"), "{line}");
    }
    for members in [json!({}), json!({"ExternalCardNumber": "other"})] {
        let line = text(members);
        assert!(line.contains("A door may need") && !line.contains("stored"), "{line}");
    }
}
