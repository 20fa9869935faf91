//! AddUserCard and the read-back.

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, BOB, NIL, OTHER_SYSTEM, SYSTEM, card, merge, people, start, with};

#[tokio::test]
async fn an_added_card_is_read_back_as_it_was_sent() {
    let blusky = start(Options::default()).await;
    let mut body = card(ADA, 4567);
    merge(
        &mut body,
        json!({"CardSerialNumber": 99, "IssueCode": 2, "PIN": "1234", "EnforceOccupancySystem": true,
        "CardActivationStartDateTime": "2025-10-12T21:13:06.7178225+02:00", "CardDeactivationStartDateTime": null}),
    );
    let answer = blusky.add(&body).await;
    assert_eq!((&answer["ResultCode"], &answer["Description"]), (&json!(0), &json!("Success")));
    assert_ne!(answer["Value"], NIL);

    let cards = blusky.cards_of(ADA).await;
    assert_eq!(cards.len(), 1);
    for (member, value) in [
        ("PersonCardId", answer["Value"].clone()),
        ("CardType", json!(3)),
        ("CardACSystemId", json!(SYSTEM)),
        ("InternalCardNumber", json!(4567)),
        ("ExternalCardNumber", json!("E4567")),
        ("CardSerialNumber", json!(99)),
        ("FacilityCode", json!(123)),
        ("IssueCode", json!(2)),
        ("PIN", Value::Null),
        ("Deleted", json!(false)),
        ("CardActivationStartDateTime", json!("2025-10-12T19:13:06.7178225Z")),
        ("CardDeactivationStartDateTime", Value::Null),
        ("CardUserFlags", json!(1)),
    ] {
        assert_eq!(cards[0][member], value, "{member}");
    }
    assert!(cards[0].get("PublicNotes").is_none());
    let v2 = blusky.json(Method::GET, &format!("/API/V2/users/usercards?userid={ADA}"), None).await;
    assert_eq!(v2["UserId"], ADA);
    assert!(v2["Cards"][0].as_object().unwrap().contains_key("PublicNotes"));
}

#[tokio::test]
async fn what_was_not_sent_reads_back_as_zero() {
    let blusky = start(Options::default()).await;
    let mut body = card(ADA, 7);
    for member in ["FacilityCode", "CardUserFlags"] {
        body.as_object_mut().unwrap().remove(member);
    }
    blusky.accepts(&body).await;
    let cards = blusky.cards_of(ADA).await;
    assert_eq!((&cards[0]["FacilityCode"], &cards[0]["IssueCode"], &cards[0]["CardUserFlags"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(cards[0]["CardSerialNumber"], Value::Null);
}

#[tokio::test]
async fn the_read_back_honours_its_filters() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 1)).await;
    blusky.accepts(&with(card(ADA, 2), json!({"FacilityCode": 9}))).await;
    blusky.accepts(&with(card(BOB, 1), json!({"ReassignCardIfAlreadyAssigned": true}))).await;
    let count = async |query: &str| {
        let answer = blusky.json(Method::GET, &format!("/api/v1/Users/UserCards?UserId={ADA}{query}"), None).await;
        answer["Cards"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 1);
    assert_eq!(count("&IncludeDeleted=False&FacilityCode=-1").await, 1);
    assert_eq!(count("&IncludeDeleted=True&FacilityCode=-1").await, 2);
    assert_eq!(count("&IncludeDeleted=true&FacilityCode=123").await, 1);
    assert_eq!(count("&FacilityCode=123").await, 0);
    for bad in ["", "?UserId=7", &format!("?UserId={ADA}&FacilityCode=x"), &format!("?UserId={ADA}&Facility=1")] {
        let answer = blusky.call(Method::GET, &format!("/api/v1/Users/UserCards{bad}"), None).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn signing_in_gives_the_token_to_whoever_has_the_password() {
    let blusky = start(Options { token: "T-1".into(), password: "P-1".into(), ..Options::default() }).await;
    let right = blusky.json(Method::POST, "/api/Account/Authenticate", Some(&json!({"Email": "a@b.c", "Password": "P-1"}))).await;
    assert_eq!(right, json!({"Email": "a@b.c", "IsAuthenticated": true, "Token": "T-1"}));
    let wrong = blusky.json(Method::POST, "/api/Account/Authenticate", Some(&json!({"Email": "a@b.c", "Password": "p-1"}))).await;
    assert_eq!(wrong, json!({"Email": "a@b.c", "IsAuthenticated": false, "Token": null}));
}

// ---- what is refused

#[tokio::test]
async fn a_card_that_somebody_else_holds_is_refused_by_name() {
    let people = people(&format!("{ADA},Ada,Lovelace,17\n{BOB},Bob,Babbage,"));
    let blusky = start(Options { people: Some(people.path.clone()), ..Options::default() }).await;
    blusky.accepts(&card(ADA, 4567)).await;
    blusky.refuses(&card(BOB, 4567), 2, "Card Already Assigned : 4567 Lovelace, Ada").await;
    assert!(blusky.cards_of(BOB).await.is_empty());
}

#[tokio::test]
async fn a_card_that_the_same_user_holds_is_refused_too() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 4567)).await;
    let words = format!("Card Already Assigned : 4567 User, {ADA}");
    blusky.refuses(&card(ADA, 4567), 2, &words).await;
    let card_id = blusky.cards_of(ADA).await[0]["CardId"].clone();
    blusky.refuses(&json!({"UserId": BOB, "CardId": card_id}), 2, &words).await;
    blusky.accepts(&with(card(ADA, 4567), json!({"FacilityCode": 124, "ExternalCardNumber": "X"}))).await;
}

#[tokio::test]
async fn reassigning_deletes_the_present_assignment_and_keeps_the_card() {
    let blusky = start(Options::default()).await;
    let first = blusky.accepts(&card(ADA, 4567)).await;
    let card_id = blusky.cards_of(ADA).await[0]["CardId"].clone();
    let second = blusky.accepts(&with(card(BOB, 4567), json!({"ReassignCardIfAlreadyAssigned": true}))).await;
    assert_ne!(first, second);
    assert!(blusky.cards_of(ADA).await.is_empty());
    assert_eq!(blusky.cards_of(BOB).await[0]["CardId"], card_id);
    blusky.accepts(&json!({"UserId": ADA, "CardId": card_id, "ReassignCardIfAlreadyAssigned": true, "CardUserFlags": 1})).await;
    assert_eq!(blusky.cards_of(ADA).await[0]["InternalCardNumber"], 4567);
    assert!(blusky.cards_of(BOB).await.is_empty());
}

#[tokio::test]
async fn a_card_that_nobody_holds_any_more_is_given_again_under_its_id() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 4567)).await;
    let card_id = blusky.cards_of(ADA).await[0]["CardId"].clone();
    let path = format!("/simulator/cards/{}/unassign", card_id.as_str().unwrap());
    assert_eq!(blusky.json(Method::POST, &path, None).await["unassigned"], true);
    assert_eq!(blusky.json(Method::POST, &path, None).await["unassigned"], false);
    assert_eq!(blusky.overview().await["cards"][0]["Assignment"], Value::Null);
    blusky.accepts(&card(BOB, 4567)).await;
    assert_eq!(blusky.cards_of(BOB).await[0]["CardId"], card_id);
    assert_eq!(blusky.overview().await["cards"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_rule_that_is_broken_is_named() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 1)).await;
    let missing = json!({"UserId": ADA, "CardType": 3, "InternalCardNumber": 5});
    blusky.refuses(&missing, 6, "Required when CardId is null: CardACSystemId, ExternalCardNumber").await;
    blusky.refuses(&json!({"UserId": ADA, "CardId": NIL}), 5, "No card has this CardId.").await;
    let both = blusky.add(&with(card(ADA, 2), json!({"CardId": SYSTEM}))).await;
    assert_eq!(both["ResultCode"], 4);
    assert_eq!(blusky.add(&with(card(ADA, 2), json!({"ExternalCardNumber": "E1"}))).await["ResultCode"], 7);
    blusky.accepts(&with(card(ADA, 2), json!({"ExternalCardNumber": "E1", "CardACSystemId": OTHER_SYSTEM}))).await;
    let dates =
        json!({"CardActivationStartDateTime": "2025-01-02T00:00:00Z", "CardDeactivationStartDateTime": "2025-01-01T23:00:00-00:30"});
    assert_eq!(blusky.add(&with(card(ADA, 3), dates)).await["ResultCode"], 8);
    assert_eq!(blusky.add(&with(card(ADA, 3), json!({"FacilityCode": -1}))).await["ResultCode"], 10);
    let other_route = blusky.json(Method::POST, &format!("/api/v1/Users/{BOB}/UserCards"), Some(&card(ADA, 3))).await;
    assert_eq!((&other_route["ResultCode"], &other_route["Value"]), (&json!(9), &json!(NIL)));
}

#[tokio::test]
async fn a_number_that_several_cards_have_is_refused_when_the_issue_code_is_left_out() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&with(card(ADA, 5), json!({"IssueCode": 1}))).await;
    blusky.accepts(&with(card(ADA, 5), json!({"IssueCode": 2, "ExternalCardNumber": "X"}))).await;
    let words = "More than one card exists with this number and facility code.";
    blusky.refuses(&with(card(BOB, 5), json!({"ExternalCardNumber": "Y"})), 3, words).await;
}

#[tokio::test]
async fn number_zero_is_an_automatic_number() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 70)).await;
    blusky.accepts(&with(card(ADA, 0), json!({"ExternalCardNumber": "A"}))).await;
    blusky.accepts(&with(card(ADA, 0), json!({"ExternalCardNumber": "B"}))).await;
    let numbers: Vec<_> = blusky.cards_of(ADA).await.iter().map(|card| card["InternalCardNumber"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [70, 71, 72]);
    blusky.accepts(&card(ADA, i64::from(i32::MAX))).await;
    assert_eq!(blusky.add(&with(card(ADA, 0), json!({"ExternalCardNumber": "C"}))).await["ResultCode"], 10);
}

#[tokio::test]
async fn only_people_of_the_people_file_exist() {
    let people = people(&format!("{ADA},Ada,Lovelace,17"));
    let blusky = start(Options { people: Some(people.path.clone()), ..Options::default() }).await;
    blusky.accepts(&card(ADA, 1)).await;
    assert_eq!(blusky.add(&card(BOB, 2)).await["ResultCode"], 1);
    let users = &blusky.overview().await["users"];
    assert_eq!(users, &json!([{"user_id": ADA, "first_name": "Ada", "last_name": "Lovelace", "employee_number": "17"}]));
}
