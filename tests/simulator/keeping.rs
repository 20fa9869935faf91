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
