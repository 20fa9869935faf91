//! What it remembers: together, after a restart, and in whose file.

use std::time::Duration;

use cardbridge::simulator::{Options, Simulator};
use reqwest::Method;
use serde_json::Value;

use crate::blusky::{ADA, BOB, card, people, start, until, with_faults};

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

/// The tables of the first version, with a card that Ada holds.
const FIRST_VERSION: &str = "
    PRAGMA application_id = 1128420169; PRAGMA user_version = 1;
    CREATE TABLE users (
        user_id TEXT PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, employee_number TEXT NOT NULL, origin TEXT NOT NULL
    );
    CREATE TABLE cards (
        seq INTEGER PRIMARY KEY, card_id TEXT NOT NULL UNIQUE, card_type INTEGER NOT NULL, system_id TEXT NOT NULL,
        number INTEGER NOT NULL, external TEXT NOT NULL, serial INTEGER, facility INTEGER, issue INTEGER,
        inserted TEXT NOT NULL, updated TEXT NOT NULL
    );
    CREATE TABLE assignments (
        seq INTEGER PRIMARY KEY, user_card_id TEXT NOT NULL UNIQUE, card_id TEXT NOT NULL REFERENCES cards (card_id),
        user_id TEXT NOT NULL, has_pin INTEGER NOT NULL, activation TEXT, deactivation TEXT, flags INTEGER NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0, inserted TEXT NOT NULL, updated TEXT NOT NULL
    );
    INSERT INTO users VALUES ('0f83442e-a446-4577-8cdd-8ffdd51ab9c1', 'Ada', 'Lovelace', '', 'seen');
    INSERT INTO cards VALUES (1, 'd8f00538-00a9-4db3-acc8-e64d728390f2', 42, '5323dbb1-33ea-4c59-83db-52c5618c1f60', 7, 'E7', NULL, NULL,
        NULL, '', '');
    INSERT INTO assignments VALUES (1, 'dddd4d04-131d-4614-bf4b-553a7b803994', 'd8f00538-00a9-4db3-acc8-e64d728390f2',
        '0f83442e-a446-4577-8cdd-8ffdd51ab9c1', 0, NULL, NULL, 1, 0, '', '');
";

#[tokio::test]
async fn a_file_of_an_earlier_version_is_carried_over_and_one_of_a_later_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { data: Some(dir.path().join("blusky.db")), ..Options::default() };
    let file = rusqlite::Connection::open(options.data.as_ref().unwrap()).unwrap();
    file.execute_batch(FIRST_VERSION).unwrap();
    let mut blusky = start(options.clone()).await;
    assert_eq!(blusky.cards_of(ADA).await[0]["CredentialType"], 1);
    assert_eq!(blusky.add(&card(BOB, 7)).await["ResultCode"], 0);
    let types = blusky.json(Method::GET, "/api/Card/GetAllCardTypes", None).await;
    assert_eq!(types.as_array().unwrap().iter().filter(|known| known["CardTypeId"] == 42).count(), 1);
    blusky.stop().await;

    file.pragma_update(None, "user_version", 99).unwrap();
    let error = Simulator::open(options).unwrap_err().to_string();
    assert!(error.contains("later version") && error.contains("--data"), "{error}");
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
