//! The card in BluSKY's JSON, however it is written.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::access::{Operation, Sameness, UpdateUserCard};

fn update() -> UpdateUserCard {
    UpdateUserCard {
        card_activation_start_date_time: Some("2026-01-01T08:00:00+01:00".parse().unwrap()),
        card_deactivation_start_date_time: None,
        card_id: Uuid::from_u128(9),
        card_user_flags: Some(1),
        modify_activation_dates: Some(true),
        user_id: Uuid::from_u128(7),
        credential_type_id: Some(2),
        number_of_card_uses: Some(-1),
        public_notes: Some("Łódź <gate>".to_owned()),
    }
}

fn compared(shown: Value, sent: UpdateUserCard) -> (Vec<String>, Vec<String>) {
    let card = read(&shown).compare(&Operation::UpdateUserCard(sent)).unwrap();
    (card.differs, card.not_shown)
}

#[test]
fn what_is_stored_is_compared_member_by_member_however_it_is_written() {
    let id = Uuid::from_u128(9);
    let shown = json!({
        "CardId": id.to_string().to_uppercase(), "CardUserFlags": "ActiveCardholderRecord", "NumberOfCardUses": null,
        "CardActivationStartDateTime": "2026-01-01T07:00:00.0000000", "CardDeactivationStartDateTime": null,
        "PublicNotes": "Łódź <gate>", "CredentialType": "2",
    });
    assert_eq!(compared(shown.clone(), update()), (vec![], vec![]));
    let mut otherwise = shown;
    otherwise["CardDeactivationStartDateTime"] = json!("2027-01-01T00:00:00Z");
    otherwise["CardUserFlags"] = json!(0);
    otherwise["PublicNotes"] = json!("L?dz <gate>");
    otherwise.as_object_mut().unwrap().remove("NumberOfCardUses");
    let (differs, not_shown) = compared(otherwise, update());
    assert_eq!(differs, ["card_deactivation_start_date_time", "card_user_flags", "public_notes"]);
    assert_eq!(not_shown, ["number_of_card_uses"]);
}

fn sent() -> Operation {
    let body = json!({
        "card_ac_system_id": Uuid::from_u128(3), "card_type": 3, "card_user_flags": 1, "external_card_number": "4567", "facility_code": 123,
        "internal_card_number": 4567, "issue_code": 0, "user_id": Uuid::from_u128(7), "reassign_card_if_already_assigned": false,
    });
    Operation::AddUserCard(serde_json::from_value(body).unwrap())
}

fn shown() -> Value {
    json!({
        "CardACSystemId": Uuid::from_u128(3), "CardType": 3, "FacilityCode": 123, "InternalCardNumber": 4567, "IssueCode": 0,
        "Deleted": false, "ExternalCardNumber": "4567",
    })
}

#[test]
fn a_card_is_the_one_however_its_numbers_and_names_are_written() {
    let written = [
        json!({"InternalCardNumber": "4567"}),
        json!({"InternalCardNumber": 4567.0, "CardType": "3"}),
        json!({"ExternalCardNumber": "otherwise", "CardUserFlags": 0}),
    ];
    for members in written {
        let mut card = shown();
        card.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert_eq!(read(&card).is(&sent()), Sameness::TheOne, "{card}");
    }
    let camel: Value =
        shown().as_object().unwrap().iter().map(|(name, value)| (name[..1].to_lowercase() + &name[1..], value.clone())).collect();
    assert_eq!(read(&camel).is(&sent()), Sameness::TheOne, "{camel}");
}

#[test]
fn one_member_that_is_there_and_different_makes_it_another_card() {
    let members = ["CardType", "InternalCardNumber", "FacilityCode", "IssueCode"];
    for name in members {
        let mut card = shown();
        card[name] = json!(99);
        // What is missing beside it changes nothing.
        card.as_object_mut().unwrap().remove(if name == "CardType" { "FacilityCode" } else { "CardType" });
        assert_eq!(read(&card).is(&sent()), Sameness::AnotherOne, "{card}");
    }
    for deleted in [json!(true), json!("True"), json!("true"), json!(1), json!("1")] {
        let mut card = shown();
        card["Deleted"] = deleted;
        assert_eq!(read(&card).is(&sent()), Sameness::AnotherOne, "{card}");
    }
}

#[test]
fn a_member_that_is_missing_null_or_unreadable_leaves_it_open_which_card_it_is() {
    let members = ["CardACSystemId", "CardType", "InternalCardNumber", "FacilityCode", "IssueCode"];
    for name in members {
        for strange in [None, Some(Value::Null), Some(json!("Prox26Bit")), Some(json!(4567.5)), Some(json!([])), Some(json!({"Value": 3}))]
        {
            let mut card = shown();
            match strange {
                None => drop(card.as_object_mut().unwrap().remove(name)),
                Some(value) => card[name] = value,
            }
            assert_eq!(read(&card).is(&sent()), Sameness::CannotBeTold, "{card}");
        }
    }
    assert_eq!(read(&json!({})).is(&sent()), Sameness::CannotBeTold);
}

#[test]
fn a_pin_that_is_shown_is_neither_written_down_nor_shown_again() {
    let card = read(&json!({"PIN": "90417", "CardType": 3}));
    assert!(!serde_json::to_string(&card).unwrap().contains("90417"));
    assert!(!card.raw.to_string().contains("90417") && card.shown.text("pin").is_none() && !format!("{card:?}").contains("90417"));
}

#[test]
fn a_pin_is_as_it_was_sent_only_with_the_same_digits_whether_it_is_shown_as_text_or_as_a_number() {
    let Operation::AddUserCard(mut call) = sent() else { panic!("it is a card") };
    call.pin = Some(crate::access::Secret::new("417"));
    for (pin, differs) in [(json!("417"), false), (json!(417), false), (json!("0417"), true), (json!("418"), true), (json!(418), true)] {
        let mut card = shown();
        card["PIN"] = pin.clone();
        let compared = read(&card).compare(&Operation::AddUserCard(call.clone())).unwrap();
        assert_eq!(compared.differs.contains(&"pin".to_owned()), differs, "{pin}");
    }
}

#[test]
fn an_empty_member_says_nothing_and_a_pin_is_seen_by_nobody_however_it_is_written() {
    for empty in [Value::Null, json!("")] {
        assert!(matches!(is("PublicNotes", &empty), Is::Empty), "{empty}");
    }
    for pin in [json!("90417"), json!(90417)] {
        assert!(matches!(is("pin", &pin), Is::Hidden(_)), "{pin}");
    }
    assert!(matches!(is("PIN", &json!("")), Is::Empty), "there is none");
}

#[test]
fn an_empty_pin_says_that_there_is_none_only_where_this_blusky_shows_pins() {
    let card = |pin: &str| read(&json!({ "CardId": Uuid::from_u128(9), "PIN": pin }));
    let shows_pins = AtomicBool::new(false);
    let mut cards = [card(""), card("")];
    pins(&mut cards, &shows_pins);
    assert!(cards.iter().all(|card| card.shown.get("PIN").is_none()), "nobody has seen a PIN here");
    let mut cards = [card(""), card("90417")];
    pins(&mut cards, &shows_pins);
    assert!(matches!(cards[0].shown.get("PIN"), Some(Is::Empty)));
    let mut cards = [card("")];
    pins(&mut cards, &shows_pins);
    assert!(matches!(cards[0].shown.get("PIN"), Some(Is::Empty)), "it is remembered");
}
