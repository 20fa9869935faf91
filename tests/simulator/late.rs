//! Lists that lag behind, and cards that are given twice.

use std::time::{Duration, Instant};

use cardbridge::simulator::Options;
use reqwest::Method;
use serde_json::json;

use crate::blusky::{ADA, BOB, card, start, until, with};

const LATE: Duration = Duration::from_millis(700);

#[tokio::test]
async fn the_read_back_shows_each_change_only_some_time_after_it_was_made() {
    let blusky = start(Options { shows_after: LATE, ..Options::default() }).await;
    // Each change is made, is not seen at once, and is seen in the end; never earlier than it may be.
    let made = Instant::now();
    let key = blusky.accepts(&card(ADA, 1)).await;
    assert!(blusky.cards_of(ADA).await.is_empty());
    assert_eq!(blusky.add(&card(BOB, 1)).await["ResultCode"], 2, "what is not shown is stored all the same");
    until(async || !blusky.cards_of(ADA).await.is_empty()).await;
    assert!(made.elapsed() >= LATE);

    let shown = blusky.cards_of(ADA).await.remove(0);
    assert_eq!(shown["PersonCardId"], key);
    let made = Instant::now();
    let update = json!({"UserId": ADA, "CardId": shown["CardId"], "CardUserFlags": 3});
    blusky.json(Method::PUT, &format!("/api/v2/Users/{ADA}/UserCards"), Some(&update)).await;
    assert_eq!(blusky.cards_of(ADA).await, [shown]);
    until(async || blusky.cards_of(ADA).await[0]["CardUserFlags"] == 3).await;
    assert!(made.elapsed() >= LATE);

    let made = Instant::now();
    blusky.accepts(&with(card(BOB, 1), json!({"ReassignCardIfAlreadyAssigned": true}))).await;
    assert_eq!((blusky.cards_of(ADA).await.len(), blusky.cards_of(BOB).await.len()), (1, 0));
    until(async || blusky.cards_of(ADA).await.is_empty() && blusky.cards_of(BOB).await.len() == 1).await;
    assert!(made.elapsed() >= LATE);
}

#[tokio::test]
async fn a_card_that_is_given_twice_is_shown_twice_where_that_is_allowed() {
    let blusky = start(Options { allow_double: true, ..Options::default() }).await;
    let first = blusky.accepts(&card(ADA, 1)).await;
    let second = blusky.accepts(&card(ADA, 1)).await;
    let third = blusky.accepts(&with(card(BOB, 1), json!({"ReassignCardIfAlreadyAssigned": true}))).await;
    let cards = blusky.cards_of(ADA).await;
    assert_eq!(cards.iter().map(|card| card["PersonCardId"].clone()).collect::<Vec<_>>(), [first, second]);
    assert_eq!(cards[0]["CardId"], cards[1]["CardId"]);
    assert_eq!(blusky.cards_of(BOB).await[0]["PersonCardId"], third);
    assert_eq!(blusky.overview().await["cards"].as_array().unwrap().len(), 3);
}
