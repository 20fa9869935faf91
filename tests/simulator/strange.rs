//! Answers of servers that say no in other ways, or show cards in other ways.

use cardbridge::simulator::{Fault, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::blusky::{ADA, BOB, card, start, with_faults};

fn faults(list: &[&str]) -> Options {
    with_faults(Options::default(), list)
}

#[tokio::test]
async fn a_server_can_say_no_with_a_status_and_words_of_its_own() {
    let blusky = start(faults(&["message=409:Card: used @home #2:2", "no-such-call:after=2"])).await;
    let path = format!("/api/v1/Users/{ADA}/UserCards");
    let answer = blusky.post(&card(ADA, 1)).await;
    assert_eq!(answer.status().as_u16(), 409);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"Message": "Card: used @home #2"}));
    let text = blusky.xml(Method::POST, &path, "<a/>").await;
    assert_eq!(text, "<Error><Message>Card: used @home #2</Message></Error>");

    let uri = format!("No HTTP resource was found that matches the request URI '{}{path}'.", blusky.base);
    let detail = "No type was found that matches the controller named 'Users'.";
    let answer = blusky.post(&card(ADA, 1)).await;
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"Message": uri, "MessageDetail": detail}));
    let text = blusky.xml(Method::POST, &path, "<a/>").await;
    assert_eq!(text, format!("<Error><Message>{uri}</Message><MessageDetail>{detail}</MessageDetail></Error>"));
    assert!(blusky.cards_of(ADA).await.is_empty());
}

#[tokio::test]
async fn a_fault_can_be_about_one_user_only() {
    let list = [format!("status=503:1#{ADA}"), format!("status=500@UserCards#{BOB}"), format!("status=504@UpdateUserCard#{ADA}")];
    let blusky = start(faults(&list.each_ref().map(String::as_str))).await;
    blusky.accepts(&card(BOB, 1)).await;
    assert_eq!(blusky.post(&card(ADA, 2)).await.status().as_u16(), 503);
    blusky.accepts(&card(ADA, 2)).await;
    assert_eq!(blusky.cards_of(ADA).await.len(), 1);
    let of_bob = blusky.call(Method::GET, &format!("/api/v2/Users/UserCards?UserId={BOB}"), None).await;
    assert_eq!(of_bob.status().as_u16(), 500);
    for (user, status) in [(ADA, 504), (BOB, 200)] {
        // The body tells, not the route.
        let update = blusky.call(Method::PUT, &format!("/api/v2/Users/{BOB}/UserCards"), Some(&json!({"UserId": user}))).await;
        assert_eq!(update.status().as_u16(), status, "{user}");
    }
    assert_eq!(blusky.overview().await["faults"][1], format!("status=500@UserCards#{BOB}"));
}

#[test]
fn what_limits_no_fault_is_refused() {
    for text in [
        "html#ada".to_owned(),
        format!("html@Authenticate#{ADA}"),
        "message=404".to_owned(),
        "message=200:words".to_owned(),
        "show=CardId".to_owned(),
        "show=CardId:upper".to_owned(),
        "show=Card:null".to_owned(),
        "show=Cards:missing".to_owned(),
        "show=CardId:null:0".to_owned(),
        "show=CardId:null@AddUserCard".to_owned(),
    ] {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
    for text in ["show=CardId:null:3", "show=Cards:null", "message=404:No user: none@home", "no-such-call:every=2@all"] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    assert_eq!(format!("garbage:1@all#{ADA}").parse::<Fault>().unwrap().to_string(), format!("garbage:1@all#{ADA}"));
}

#[tokio::test]
async fn the_read_back_can_write_a_member_in_a_strange_way() {
    for (style, name, value) in [
        ("null", "FacilityCode", Some(json!(null))),
        ("missing", "FacilityCode", None),
        ("float", "FacilityCode", Some(json!(123.0))),
        ("text", "FacilityCode", Some(json!("123"))),
        ("lowercase", "facilitycode", Some(json!(123))),
    ] {
        let blusky = start(faults(&[&format!("show=FacilityCode:{style}")])).await;
        blusky.accepts(&card(ADA, 1)).await;
        let shown = blusky.cards_of(ADA).await.pop().unwrap();
        assert_eq!(shown.get(name), value.as_ref(), "{style}");
        assert_eq!(shown.get("FacilityCode").is_some(), name == "FacilityCode" && value.is_some(), "{style}");
        assert_eq!(shown["InternalCardNumber"], 1);
        let path = format!("/api/v1/Users/UserCards?UserId={ADA}");
        let xml = blusky.request(Method::GET, &path).header("Accept", "text/xml").send().await.unwrap().text().await.unwrap();
        assert!(xml.contains("<FacilityCode>123</FacilityCode>"), "{xml}");
    }
}

#[tokio::test]
async fn every_member_of_the_read_back_can_be_left_out_and_the_list_can_be_null() {
    let usual = start(Options::default()).await;
    usual.accepts(&card(ADA, 1)).await;
    let path = format!("/api/v2/Users/UserCards?UserId={ADA}");
    let shown = usual.json(Method::GET, &path, None).await["Cards"][0].clone();
    let members: Vec<_> = shown.as_object().unwrap().keys().filter(|name| *name != "EncryptedMobileCredentials").collect();
    let missing: Vec<_> = members.iter().map(|name| format!("show={name}:missing")).collect();
    let mut list: Vec<_> = missing.iter().map(String::as_str).collect();
    list.push("show=Cards:null:after=1");
    let blusky = start(faults(&list)).await;
    blusky.accepts(&card(ADA, 1)).await;
    assert_eq!(blusky.json(Method::GET, &path, None).await["Cards"], json!([{"EncryptedMobileCredentials": []}]));
    assert_eq!(blusky.json(Method::GET, &path, None).await, json!({"UserId": ADA, "Cards": null}));
}
