//! The promises of the simulated BluSKY, kept over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{path::PathBuf, time::Duration};

use cardbridge::simulator::{Options, Simulator};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const ADA: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";
const BOB: &str = "8991f3ac-26cd-4c60-9a78-ecca8f441631";
const SYSTEM: &str = "309fbabb-0642-44e1-b262-67442dc491ed";
const OTHER_SYSTEM: &str = "5323dbb1-33ea-4c59-83db-52c5618c1f60";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

// ---- success and the read-back

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

// ---- what is refused by HTTP

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
        (json!({"facilityCode": 1}), "model.facilityCode"),
        (json!({"Badge": 1}), "model.Badge"),
    ] {
        let answer = blusky.post(&with(card(ADA, 1), change)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{member}");
        let body = answer.json::<Value>().await.unwrap();
        assert_eq!(body["Message"], "The request is invalid.");
        assert_eq!(body["ModelState"].as_object().unwrap().keys().collect::<Vec<_>>(), [member]);
        assert!(body["ModelState"][member][0].is_string());
    }
    for text in ["", "[]", "{", "null", r#"{"UserId":"#, r#"{"CardType":3,"CardType":4}"#] {
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
    assert_eq!(method.headers()["allow"], "POST");

    let request = blusky.client.post(blusky.add_url(ADA)).header("Authorization", "simulator").header("Content-Type", "text/plain");
    assert_eq!(request.body(card(ADA, 1).to_string()).send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

// ---- what is refused by a result code

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

// ---- concurrency and restart

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_simultaneous_posts_of_one_card_exactly_one_succeeds() {
    let blusky = start(Options::default()).await;
    for number in 1..=10 {
        let posts: Vec<_> = (0..8)
            .map(|at| {
                let request = blusky.request(Method::POST, &format!("/api/v1/Users/{}/UserCards", [ADA, BOB][at % 2]));
                tokio::spawn(request.json(&card([ADA, BOB][at % 2], number)).send())
            })
            .collect();
        let mut codes = Vec::new();
        for post in posts {
            codes.push(post.await.unwrap().unwrap().json::<Value>().await.unwrap()["ResultCode"].as_i64().unwrap());
        }
        codes.sort_unstable();
        assert_eq!(codes, [0, 2, 2, 2, 2, 2, 2, 2]);
    }
    assert_eq!(blusky.overview().await["cards"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn everything_is_still_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { data: Some(dir.path().join("blusky.db")), ..Options::default() };
    let mut blusky = start(options.clone()).await;
    let key = blusky.accepts(&card(ADA, 4567)).await;
    let before = blusky.cards_of(ADA).await;
    blusky.stop().await;

    let again = start(options).await;
    assert_eq!(again.cards_of(ADA).await, before);
    assert_eq!(before[0]["PersonCardId"], key);
    assert_eq!(again.add(&card(BOB, 4567)).await["ResultCode"], 2);
}

#[tokio::test]
async fn stopping_cuts_what_is_under_way_and_does_not_carry_it_out() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { data: Some(dir.path().join("blusky.db")), ..Options::default() };
    let mut blusky = start(with_faults(options.clone(), &["delay=60000"])).await;
    let waiting = tokio::spawn(blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).json(&card(ADA, 1)).send());
    until(async || !blusky.overview().await["requests"].as_array().unwrap().is_empty()).await;
    blusky.stop().await;
    assert!(tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().is_err());
    assert!(start(options).await.cards_of(ADA).await.is_empty());
}

#[test]
fn a_file_that_is_not_the_simulators_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other");
    std::fs::write(&path, "not a database, but long enough to be looked at as one".repeat(100)).unwrap();
    let error = Simulator::open(Options { data: Some(path.clone()), ..Options::default() }).unwrap_err().to_string();
    assert!(error.contains("--data"), "{error}");
    let error = Simulator::open(Options { integer_width: 16, ..Options::default() }).unwrap_err().to_string();
    assert!(error.contains("32"), "{error}");
    let people = people("1234,Ada,Lovelace,17");
    let error = Simulator::open(Options { people: Some(people.path.clone()), ..Options::default() }).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("GUID"), "{error}");
}

// ---- faults

#[tokio::test]
async fn a_fault_before_the_commit_leaves_nothing_stored() {
    for (fault, status) in [
        ("status=503:1", Some(503)),
        ("status=502:1", Some(502)),
        ("unauthorized:1", Some(401)),
        ("html:1", Some(200)),
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
        let body = card(ADA, 1).to_string();
        let request = format!(
            "POST /api/v1/Users/{ADA}/UserCards HTTP/1.1\r\nHost: here\r\nAuthorization: simulator\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut line = TcpStream::connect(blusky.base.trim_start_matches("http://")).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
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

// ---- the overview

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

// ---- helpers

struct Blusky {
    base: String,
    client: Client,
    server: Option<JoinHandle<()>>,
}

async fn start(options: Options) -> Blusky {
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::open(options).unwrap();
    let server = tokio::spawn(async move { simulator.serve(listener).await.unwrap() });
    Blusky { base, client: Client::builder().no_proxy().build().unwrap(), server: Some(server) }
}

impl Blusky {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header("Authorization", "Bearer simulator")
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["x-cardbridge-simulator"], "1");
        answer.json().await.unwrap()
    }

    fn add_url(&self, user: &str) -> String {
        format!("{}/api/v1/Users/{user}/UserCards", self.base)
    }

    async fn post(&self, body: &Value) -> Response {
        self.call(Method::POST, &format!("/api/v1/Users/{}/UserCards", body["UserId"].as_str().unwrap()), Some(body)).await
    }

    async fn add(&self, body: &Value) -> Value {
        let answer = self.post(body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// The key of the UserCard.
    async fn accepts(&self, body: &Value) -> Value {
        let answer = self.add(body).await;
        assert_eq!(answer["ResultCode"], 0, "{answer}");
        answer["Value"].clone()
    }

    async fn refuses(&self, body: &Value, code: i64, words: &str) {
        assert_eq!(self.add(body).await, json!({"Value": NIL, "ResultCode": code, "Description": words}));
    }

    async fn cards_of(&self, user: &str) -> Vec<Value> {
        let path = format!("/api/v1/Users/UserCards?UserId={user}&IncludeDeleted=False&FacilityCode=-1");
        self.json(Method::GET, &path, None).await["Cards"].as_array().unwrap().clone()
    }

    async fn overview(&self) -> Value {
        self.client.get(format!("{}/simulator", self.base)).send().await.unwrap().json().await.unwrap()
    }

    async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            server.await.ok();
        }
    }
}

impl Drop for Blusky {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

fn card(user: &str, number: i64) -> Value {
    json!({"UserId": user, "CardType": 3, "CardACSystemId": SYSTEM, "InternalCardNumber": number,
        "ExternalCardNumber": format!("E{number}"), "FacilityCode": 123, "CardUserFlags": 1})
}

fn with(mut body: Value, change: Value) -> Value {
    merge(&mut body, change);
    body
}

fn merge(body: &mut Value, change: Value) {
    let Value::Object(change) = change else { panic!("a change is an object") };
    body.as_object_mut().unwrap().extend(change);
}

fn with_faults(options: Options, faults: &[&str]) -> Options {
    Options { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..options }
}

struct People {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn people(rows: &str) -> People {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.csv");
    std::fs::write(&path, format!("\u{feff}user_id,first_name,last_name,employee_number\r\n{rows}\r\n")).unwrap();
    People { path, _dir: dir }
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited five seconds in vain");
}
