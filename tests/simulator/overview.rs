//! What `GET /simulator` shows.

use cardbridge::simulator::Options;
use reqwest::Method;
use serde_json::json;

use crate::blusky::{ADA, API_WEB_ROLE, card, start, with, xml};

#[tokio::test]
async fn the_overview_shows_requests_without_secrets() {
    let blusky = start(Options { token: "S3CRET-TOKEN".into(), password: "S3CRET-PASS".into(), ..Options::default() }).await;
    let answer = blusky.client.post(blusky.add_url(ADA)).header("Authorization", "Bearer S3CRET-TOKEN");
    answer.json(&with(card(ADA, 1), json!({"PIN": "S3CRET-PIN"}))).send().await.unwrap();
    let sign_in = json!({"Email": "a@b.c", "Password": "S3CRET-PASS"});
    blusky.call(Method::POST, "/api/Account/Authenticate", Some(&sign_in)).await;
    let overview = blusky.overview().await;
    assert!(!overview.to_string().contains("S3CRET"), "{overview}");
    assert_eq!((&overview["simulator"], &overview["version"]), (&json!("cardbridge"), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(overview["requests"].as_array().unwrap().len(), 2);
    let first = &overview["requests"][0];
    assert_eq!((&first["method"], &first["status"]), (&json!("POST"), &json!(200)));
    assert_eq!(first["path"], format!("/api/v1/Users/{ADA}/UserCards"));
    assert_eq!((&first["authorization"], &first["body"]["PIN"]), (&json!("(hidden)"), &json!("(hidden)")));
    assert_eq!(first["body"]["InternalCardNumber"], 1);
    assert!(first["at"].is_string());
    assert_eq!(overview["cards"][0]["Assignment"]["UserId"], ADA);
    assert_eq!(overview["cards"][0]["Assignment"]["PIN"], "(hidden)");
}

#[tokio::test]
async fn the_overview_keeps_the_last_thousand_requests() {
    let blusky = start(Options::default()).await;
    for at in 0..1005 {
        blusky.call(Method::GET, &format!("/api/{at}"), None).await;
    }
    let overview = blusky.overview().await;
    let requests = overview["requests"].as_array().unwrap();
    assert_eq!((requests.len(), &requests[0]["path"], &requests[999]["path"]), (1000, &json!("/api/5"), &json!("/api/1004")));
}

#[tokio::test]
async fn a_secret_in_the_wrong_shape_is_neither_shown_nor_told_back() {
    let blusky = start(Options { report_lost: true, ..Options::default() }).await;
    let secret = json!({"PIN": 94712386, "Password": "94712386", "NewPassword": ["94712386"]});
    let mut told = blusky.post(&with(card(ADA, 1), secret)).await.text().await.unwrap();
    let path = format!("/api/v1/Users/{ADA}/UserCards");
    for body in [
        "<PIN>94712386</PIN>",
        "<AddUserCardViewModel>94712386</AddUserCardViewModel>",
        &xml(
            "AddUserCardViewModel",
            API_WEB_ROLE,
            &[("PIN", "<a>94712386</a>"), ("Password", "94712386"), ("PIN a='94712386'", "94712386")],
        ),
        &xml("AddUserCardViewModel", API_WEB_ROLE, &[("PIN", "94712386"), ("UserId", "")]),
        "<PIN>94712386",
    ] {
        told += &blusky.xml(Method::POST, &path, body).await;
    }
    told += &blusky.call(Method::GET, &format!("/api/v1/Users/UserCards?UserId={ADA}&PIN=94712386"), None).await.text().await.unwrap();
    let shown = blusky.overview().await.to_string();
    assert!(!told.contains("94712386"), "{told}");
    assert!(!shown.contains("94712386"), "{shown}");
}
