//! UpdateUserCard and ReplaceCardIfExists.

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, API_WEB_ROLE, BOB, Blusky, NIL, SYSTEM, card, start, with, with_faults, xml};

fn path(user: &str) -> String {
    format!("/api/v2/Users/{user}/UserCards")
}

async fn with_a_card(options: Options) -> (Blusky, Value) {
    let blusky = start(options).await;
    let dates = json!({"CardActivationStartDateTime": "2026-01-01T00:00:00Z", "CardDeactivationStartDateTime": "2027-01-01T00:00:00Z"});
    blusky.accepts(&with(card(ADA, 1), dates)).await;
    let card_id = blusky.cards_of(ADA).await[0]["CardId"].clone();
    (blusky, card_id)
}

async fn updated(blusky: &Blusky, card_id: &Value, change: Value) -> Value {
    let body = with(json!({"UserId": ADA, "CardId": card_id, "CardUserFlags": 1}), change);
    let answer = blusky.json(Method::PUT, &path(ADA), Some(&body)).await;
    assert_eq!(answer, json!({"ResultCode": 0, "Description": "Success"}));
    shown(blusky, ADA).await
}

async fn shown(blusky: &Blusky, user: &str) -> Value {
    blusky.json(Method::GET, &format!("/api/v2/Users/UserCards?UserId={user}"), None).await["Cards"][0].clone()
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_leaves_the_rest() {
    let (blusky, card_id) = with_a_card(Options::default()).await;
    let first = updated(
        &blusky,
        &card_id,
        json!({"NumberOfCardUses": 5, "PublicNotes": "Türe <3> \"&\" 🚪", "CredentialTypeId": 7, "CardUserFlags": 3}),
    )
    .await;
    for (member, value) in [
        ("NumberOfCardUses", json!(5)),
        ("PublicNotes", json!("Türe <3> \"&\" 🚪")),
        ("CredentialType", json!(7)),
        ("CardUserFlags", json!(3)),
    ] {
        assert_eq!(first[member], value, "{member}");
    }
    let second = updated(&blusky, &card_id, json!({"CardDeactivationStartDateTime": "2030-01-01T00:00:00Z"})).await;
    assert_eq!((&second["NumberOfCardUses"], &second["CredentialType"], &second["CardUserFlags"]), (&json!(5), &json!(7), &json!(1)));
    assert_eq!(second["CardDeactivationStartDateTime"], "2027-01-01T00:00:00Z");
    assert_eq!(updated(&blusky, &card_id, json!({"NumberOfCardUses": -1})).await["NumberOfCardUses"], Value::Null);
}

#[tokio::test]
async fn dates_change_only_when_that_is_asked_for_and_none_at_all_is_for_ever() {
    let (blusky, card_id) = with_a_card(Options::default()).await;
    let moved =
        updated(&blusky, &card_id, json!({"ModifyActivationDates": true, "CardActivationStartDateTime": "2028-01-01T00:00:00+01:00"}))
            .await;
    assert_eq!(
        (&moved["CardActivationStartDateTime"], &moved["CardDeactivationStartDateTime"]),
        (&json!("2027-12-31T23:00:00Z"), &Value::Null)
    );
    let for_ever = updated(&blusky, &card_id, json!({"ModifyActivationDates": true})).await;
    assert_eq!((&for_ever["CardActivationStartDateTime"], &for_ever["CardDeactivationStartDateTime"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_update_in_xml_is_the_same_and_its_order_is_meaning() {
    let (blusky, card_id) = with_a_card(Options::default()).await;
    let members = [
        ("CardDeactivationStartDateTime", "2029-01-01T00:00:00Z"),
        ("CardId", card_id.as_str().unwrap()),
        ("CardUserFlags", "ActiveCardholderRecord"),
        ("ModifyActivationDates", "true"),
        ("UserId", ADA),
        ("CredentialTypeId", "2"),
        ("NumberOfCardUses", "9"),
        ("PublicNotes", "é&lt;"),
    ];
    let text = blusky.xml(Method::PUT, &path(ADA), &xml("UpdateUserCardViewModelV2", API_WEB_ROLE, &members)).await;
    let wanted = format!(
        "<Result xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{API_WEB_ROLE}\"><Description>Success</Description>\
         <HttpStatusCode>OK</HttpStatusCode><ResultCode>0</ResultCode></Result>"
    );
    assert_eq!(text, wanted);
    let card = shown(&blusky, ADA).await;
    assert_eq!((&card["NumberOfCardUses"], &card["PublicNotes"], &card["CredentialType"]), (&json!(9), &json!("é<"), &json!(2)));
    assert_eq!(
        (&card["CardActivationStartDateTime"], &card["CardDeactivationStartDateTime"]),
        (&Value::Null, &json!("2029-01-01T00:00:00Z"))
    );

    // A member of the derived class before those of the base class: they are lost, and UserId with them.
    let mut derived_first = members;
    derived_first.rotate_right(1);
    let text = blusky.xml(Method::PUT, &path(ADA), &xml("UpdateUserCardViewModelV2", API_WEB_ROLE, &derived_first)).await;
    assert!(text.contains("<Description>Required: UserId</Description>"), "{text}");
}

#[tokio::test]
async fn an_update_of_a_card_the_user_does_not_hold_is_refused() {
    let (blusky, card_id) = with_a_card(Options::default()).await;
    for (user, change, code, words) in [
        (BOB, json!({"UserId": BOB, "CardId": card_id}), 12, "The card is not assigned to this user."),
        (ADA, json!({"UserId": ADA, "CardId": SYSTEM}), 5, "No card has this CardId."),
        (ADA, json!({"UserId": ADA}), 6, "Required: CardId"),
        (ADA, json!({"CardId": card_id}), 6, "Required: UserId"),
        (
            BOB,
            json!({"UserId": ADA, "CardId": card_id}),
            9,
            "The id in the route is not the UserId of the body: send the same GUID in both.",
        ),
        (
            ADA,
            json!({"UserId": ADA, "CardId": card_id, "ModifyActivationDates": true, "CardActivationStartDateTime": "2026-01-02T00:00:00Z",
                "CardDeactivationStartDateTime": "2026-01-01T00:00:00Z"}),
            8,
            "CardDeactivationStartDateTime is before CardActivationStartDateTime.",
        ),
    ] {
        let answer = blusky.json(Method::PUT, &path(user), Some(&change)).await;
        assert_eq!(answer, json!({"ResultCode": code, "Description": words}));
    }
    let answer = blusky.call(Method::PUT, &path(ADA), Some(&json!({"UserId": ADA, "CardId": null}))).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let answer = blusky.call(Method::POST, &path(ADA), Some(&card(ADA, 1))).await;
    assert_eq!((answer.status(), &answer.headers()["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"PUT, DELETE".parse().unwrap()));
    assert_eq!(shown(&blusky, ADA).await["CardDeactivationStartDateTime"], "2027-01-01T00:00:00Z");
}

#[tokio::test]
async fn an_update_can_forget_what_it_was_told() {
    let faults = ["forget=PublicNotes@UpdateUserCard", "forget=CardType@UpdateUserCard", "drop-after-commit:after=1@UpdateUserCard"];
    let (blusky, card_id) = with_a_card(with_faults(Options::default(), &faults)).await;
    let card = updated(&blusky, &card_id, json!({"PublicNotes": "a", "NumberOfCardUses": 1})).await;
    assert_eq!((&card["PublicNotes"], &card["NumberOfCardUses"], &card["CardType"]), (&Value::Null, &json!(1), &json!(3)));
    let body = json!({"UserId": ADA, "CardId": card_id, "NumberOfCardUses": 2});
    assert!(blusky.request(Method::PUT, &path(ADA)).json(&body).send().await.is_err());
    assert_eq!(shown(&blusky, ADA).await["NumberOfCardUses"], 2);
}

#[tokio::test]
async fn a_replaced_card_tells_whose_it_was() {
    let blusky = start(Options::default()).await;
    let replace = |user: &str| format!("{}/ReplaceCardIfExists", path(user));
    let extras = json!({"NumberOfCardUses": 4, "PublicNotes": "n", "CredentialTypeId": 2});
    let answer = blusky.json(Method::POST, &replace(ADA), Some(&with(card(ADA, 1), extras))).await;
    assert_eq!((&answer["ResultCode"], &answer["PreviousUserId"], &answer["CurrentUserId"]), (&json!(0), &Value::Null, &json!(ADA)));
    let held = shown(&blusky, ADA).await;
    assert_eq!(held["PersonCardId"], answer["Value"]);
    assert_eq!((&held["NumberOfCardUses"], &held["PublicNotes"], &held["CredentialType"]), (&json!(4), &json!("n"), &json!(2)));

    let refused = blusky.json(Method::POST, &replace(BOB), Some(&card(BOB, 1))).await;
    let words = format!("Card Already Assigned : 1 User, {ADA}");
    assert_eq!(refused, json!({"Value": NIL, "ResultCode": 2, "Description": words, "PreviousUserId": null, "CurrentUserId": null}));

    let members = [
        ("CardACSystemId", SYSTEM),
        ("CardType", "3"),
        ("CardUserFlags", "ActiveCardholderRecord"),
        ("ExternalCardNumber", "E1"),
        ("FacilityCode", "123"),
        ("InternalCardNumber", "1"),
        ("UserId", BOB),
        ("ReassignCardIfAlreadyAssigned", "true"),
        ("NumberOfCardUses", "6"),
    ];
    // No page names the model: any root is taken.
    let text = blusky.xml(Method::POST, &replace(BOB), &xml("ReplaceUserCardViewModel", API_WEB_ROLE, &members)).await;
    assert!(
        text.ends_with(&format!("<CurrentUserId>{BOB}</CurrentUserId><PreviousUserId>{ADA}</PreviousUserId></ReplaceCardResult>")),
        "{text}"
    );
    assert!(blusky.cards_of(ADA).await.is_empty());
    assert_eq!(shown(&blusky, BOB).await["NumberOfCardUses"], 6);
}
