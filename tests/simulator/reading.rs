//! What is refused by HTTP: tokens, paths, media types, bodies.

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, SYSTEM, card, start, with};

#[tokio::test]
async fn a_wrong_token_is_denied() {
    let blusky = start(Options::default()).await;
    let url = format!("{}/api/v1/Users/UserCards?UserId={ADA}", blusky.base);
    for (token, wanted) in
        [("Bearer simulator", 200), ("bearer simulator", 200), ("simulator", 200), ("Bearer x", 401), ("Basic simulator", 401)]
    {
        let answer = blusky.client.get(&url).header("Authorization", token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), wanted, "{token}");
    }
    let answer = blusky.client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"Message": "Authorization has been denied for this request."}));
}

#[tokio::test]
async fn a_body_that_is_not_as_it_must_be_is_refused_by_member() {
    let blusky = start(Options::default()).await;
    for (change, member) in [
        (json!({"CardType": null}), "model.CardType"),
        (json!({"InternalCardNumber": null}), "model.InternalCardNumber"),
        (json!({"InternalCardNumber": 2147483648_i64}), "model.InternalCardNumber"),
        (json!({"InternalCardNumber": "4567"}), "model.InternalCardNumber"),
        (json!({"FacilityCode": 1.5}), "model.FacilityCode"),
        (json!({"CardSerialNumber": 18446744073709551615_u64}), "model.CardSerialNumber"),
        (json!({"CardACSystemId": ""}), "model.CardACSystemId"),
        (json!({"CardACSystemId": SYSTEM.replace('-', "")}), "model.CardACSystemId"),
        (json!({"ExternalCardNumber": 4567}), "model.ExternalCardNumber"),
        (json!({"ReassignCardIfAlreadyAssigned": "true"}), "model.ReassignCardIfAlreadyAssigned"),
        (json!({"CardUserFlags": "ActiveCardholderRecord"}), "model.CardUserFlags"),
        (json!({"CardActivationStartDateTime": "2025-10-12T21:13:06"}), "model.CardActivationStartDateTime"),
        (json!({"CardDeactivationStartDateTime": "2025-10-12 21:13:06Z"}), "model.CardDeactivationStartDateTime"),
    ] {
        let answer = blusky.post(&with(card(ADA, 1), change)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{member}");
        let body = answer.json::<Value>().await.unwrap();
        assert_eq!(body["Message"], "The request is invalid.");
        assert_eq!(body["ModelState"].as_object().unwrap().keys().collect::<Vec<_>>(), [member]);
        assert!(body["ModelState"][member][0].is_string());
    }
    for text in ["", "[]", "{", "null", r#"{"UserId":"#] {
        let request = blusky.client.post(blusky.add_url(ADA)).header("Authorization", "simulator").header("Content-Type", "text/json");
        let answer = request.body(text).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{text}");
    }
    assert!(blusky.cards_of(ADA).await.is_empty());
}

#[tokio::test]
async fn a_wide_integer_passes_when_the_width_is_64() {
    let blusky = start(Options { integer_width: 64, ..Options::default() }).await;
    blusky.accepts(&with(card(ADA, 1), json!({"CardSerialNumber": i64::MAX}))).await;
    assert_eq!(blusky.cards_of(ADA).await[0]["CardSerialNumber"], json!(i64::MAX));
}

#[tokio::test]
async fn wrong_paths_methods_and_media_types_are_told_apart() {
    let blusky = start(Options::default()).await;
    let unknown = blusky.call(Method::GET, "/api/v1/Nothing?x=1", None).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.headers()["x-cardbridge-simulator"], "1");
    let uri = format!("{}/api/v1/Nothing?x=1", blusky.base);
    let words = format!("No HTTP resource was found that matches the request URI '{uri}'.");
    assert_eq!(unknown.json::<Value>().await.unwrap(), json!({"Message": words}));

    let method = blusky.call(Method::PUT, &format!("/api/v1/Users/{ADA}/UserCards"), Some(&card(ADA, 1))).await;
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.headers()["allow"], "POST, DELETE");

    let request = blusky.client.post(blusky.add_url(ADA)).header("Authorization", "simulator").header("Content-Type", "text/plain");
    assert_eq!(request.body(card(ADA, 1).to_string()).send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
