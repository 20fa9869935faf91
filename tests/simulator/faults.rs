//! What can be made to go wrong.

use std::time::Duration;

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::blusky::{ADA, Blusky, NIL, card, start, texts, until, with, with_faults};

#[tokio::test]
async fn a_fault_before_the_commit_leaves_nothing_stored() {
    for (fault, status) in [
        ("status=503:1", Some(503)),
        ("status=502:1", Some(502)),
        ("unauthorized:1", Some(401)),
        ("html:1", Some(200)),
        ("html=502:1", Some(502)),
        ("retry-after=7:1", Some(429)),
        ("drop-before-commit:1", None),
    ] {
        let blusky = start(with_faults(Options::default(), &[fault])).await;
        let answer = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).json(&card(ADA, 1)).send().await;
        assert_eq!(answer.as_ref().ok().map(|answer| answer.status().as_u16()), status, "{fault}");
        if let Ok(answer) = answer {
            assert_eq!(answer.headers()["x-cardbridge-simulator"], "1");
            let html = answer.headers()["content-type"].to_str().unwrap().starts_with("text/html");
            assert_eq!(html, matches!(status, Some(200 | 502)), "{fault}");
        }
        assert!(blusky.cards_of(ADA).await.is_empty(), "{fault}");
        assert_eq!(blusky.overview().await["requests"][0]["status"], json!(status), "{fault}");
        blusky.accepts(&card(ADA, 1)).await;
    }
}

#[tokio::test]
async fn a_fault_after_the_commit_leaves_the_card_stored() {
    for fault in ["drop-after-commit", "garbage", "truncate", "zero-value", "status-after-commit=504"] {
        let blusky = start(with_faults(Options::default(), &[&format!("{fault}:1")])).await;
        let answer = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).json(&card(ADA, 1)).send().await;
        match (fault, answer) {
            ("drop-after-commit", answer) => assert!(answer.is_err()),
            ("zero-value", answer) => {
                let answer = answer.unwrap().json::<Value>().await.unwrap();
                assert_eq!(answer, json!({"Value": NIL, "ResultCode": 0, "Description": "Success"}));
            }
            ("status-after-commit=504", answer) => assert_eq!(answer.unwrap().status().as_u16(), 504),
            (_, answer) => {
                let answer = answer.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                let length = answer.content_length().unwrap();
                let body = answer.bytes().await.unwrap();
                assert_eq!(body.len() as u64, length);
                assert!(!body.is_empty() && serde_json::from_slice::<Value>(&body).is_err());
            }
        }
        assert_eq!(blusky.cards_of(ADA).await.len(), 1, "{fault}");
        assert_eq!(blusky.add(&card(ADA, 1)).await["ResultCode"], 2, "{fault}");
    }
}

#[tokio::test]
async fn a_dropped_connection_carries_not_one_byte() {
    for fault in ["drop-before-commit", "drop-after-commit"] {
        let blusky = start(with_faults(Options::default(), &[fault])).await;
        let answer = raw(&blusky, "*/*").await;
        assert!(answer.is_empty(), "{fault}");
        assert_eq!(blusky.cards_of(ADA).await.len(), usize::from(fault == "drop-after-commit"));
    }
}

#[tokio::test]
async fn a_forgotten_member_is_stored_as_nothing_and_answered_as_success() {
    let all = json!({"CardSerialNumber": 8, "IssueCode": 9, "PIN": "1", "CardActivationStartDateTime": "2025-01-01T00:00:00Z",
        "CardDeactivationStartDateTime": "2026-01-01T00:00:00Z"});
    for (member, left) in [
        ("CardType", json!(0)),
        ("CardACSystemId", json!(NIL)),
        ("InternalCardNumber", json!(0)),
        ("ExternalCardNumber", json!("")),
        ("CardSerialNumber", Value::Null),
        ("FacilityCode", json!(0)),
        ("IssueCode", json!(0)),
        ("CardActivationStartDateTime", Value::Null),
        ("CardDeactivationStartDateTime", Value::Null),
        ("CardUserFlags", json!(0)),
        ("PIN", Value::Null),
    ] {
        let blusky = start(with_faults(Options::default(), &[&format!("forget={member}")])).await;
        blusky.accepts(&with(card(ADA, 1), all.clone())).await;
        assert_eq!(blusky.cards_of(ADA).await[0][member], left, "{member}");
    }
}

#[tokio::test]
async fn a_delayed_card_is_stored_even_if_the_client_does_not_wait() {
    let blusky = start(with_faults(Options::default(), &["delay=400:1", "drop-after-commit:1"])).await;
    let request = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).timeout(Duration::from_millis(100));
    assert!(request.json(&card(ADA, 1)).send().await.unwrap_err().is_timeout());
    assert!(blusky.cards_of(ADA).await.is_empty());
    until(async || !blusky.cards_of(ADA).await.is_empty()).await;
}

#[tokio::test]
async fn faults_meet_the_first_requests_in_the_order_given() {
    let blusky = start(with_faults(Options::default(), &["status=429:2", "unauthorized:3"])).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(blusky.post(&card(ADA, 1)).await.status().as_u16());
    }
    assert_eq!(statuses, [429, 429, 401, 200]);
}

#[tokio::test]
async fn every_nth_request_fails_and_the_others_do_not() {
    let blusky = start(with_faults(Options::default(), &["status=503:every=3"])).await;
    let mut statuses = Vec::new();
    for number in 1..=7 {
        statuses.push(blusky.post(&card(ADA, number)).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 503, 200, 200, 503, 200]);
    assert_eq!(blusky.cards_of(ADA).await.len(), 5);
}

#[tokio::test]
async fn a_token_can_stop_working_for_every_call_at_once() {
    let blusky = start(with_faults(Options::default(), &["unauthorized:after=2@all"])).await;
    blusky.accepts(&card(ADA, 1)).await;
    blusky.cards_of(ADA).await;
    assert_eq!(blusky.post(&card(ADA, 2)).await.status(), StatusCode::UNAUTHORIZED);
    let read_back = blusky.call(Method::GET, &format!("/api/v2/Users/UserCards?UserId={ADA}"), None).await;
    assert_eq!(read_back.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(blusky.overview().await["faults"], json!(["unauthorized:after=2@all"]));
}

#[tokio::test]
async fn a_fault_meets_the_call_it_names_and_no_other() {
    let blusky = start(with_faults(Options::default(), &["html=503:1@usercards", "drop-before-commit@Authenticate"])).await;
    blusky.accepts(&card(ADA, 1)).await;
    let read_back = blusky.call(Method::GET, &format!("/api/v1/Users/UserCards?UserId={ADA}"), None).await;
    assert_eq!((read_back.status().as_u16(), &read_back.headers()["content-type"]), (503, &"text/html; charset=utf-8".parse().unwrap()));
    assert_eq!(blusky.cards_of(ADA).await.len(), 1);
    assert!(blusky.request(Method::POST, "/api/Account/Authenticate").json(&json!({})).send().await.is_err());
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let blusky = start(with_faults(Options::default(), &["retry-after=7:1"])).await;
    assert_eq!(blusky.post(&card(ADA, 1)).await.headers()["retry-after"], "7");
    blusky.accepts(&card(ADA, 1)).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_promised_more_and_the_card_is_stored() {
    let blusky = start(with_faults(Options::default(), &["break-off"])).await;
    let answer = raw(&blusky, "application/json").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let promised: usize = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap();
    assert!(!body.is_empty() && body.len() == promised / 2, "{answer}");
    assert_eq!(blusky.cards_of(ADA).await.len(), 1);
}

#[tokio::test]
async fn what_is_left_of_an_answer_in_xml_is_no_xml() {
    for fault in ["garbage", "truncate"] {
        let blusky = start(with_faults(Options::default(), &[fault])).await;
        let answer = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).header("Accept", "application/xml");
        let answer = answer.json(&card(ADA, 1)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/xml; charset=utf-8");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with("<ResultWithGuid") && texts(&text, "").is_none(), "{text}");
        assert_eq!(blusky.cards_of(ADA).await.len(), 1);
    }
}

/// The bytes of the answer to an AddUserCard, until the connection is closed.
async fn raw(blusky: &Blusky, accept: &str) -> String {
    let (body, host) = (card(ADA, 1).to_string(), blusky.base.trim_start_matches("http://"));
    let request = format!(
        "POST /api/v1/Users/{ADA}/UserCards HTTP/1.1\r\nHost: {host}\r\nAuthorization: simulator\r\nAccept: {accept}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = TcpStream::connect(host).await.unwrap();
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_success_can_have_any_result_code() {
    let blusky = start(with_faults(Options::default(), &["result-code=7:1"])).await;
    assert_eq!(blusky.add(&card(ADA, 1)).await["ResultCode"], 7);
    assert_eq!(blusky.cards_of(ADA).await.len(), 1);
    blusky.accepts(&card(ADA, 2)).await;
}
