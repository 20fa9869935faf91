//! Whoever leaves a desk: what they wanted is over, and the next one begins with nothing.

use serde_json::json;

use super::{ADA, Browser, FIRST, SECOND, Station};

/// The card that is shown after Kim has left is nobody's, and Lou, who comes then, sees that.
fn the_next_card_is_nobodys(station: &mut Station) {
    let lou = Browser::at(&station.address, "Lou");
    let mut page = lou.looks();
    page.shows("stage", "Ready");
    station.reader.send(FIRST);
    page.shows("stage", "A card was shown");
    assert_eq!(station.site.outbox().len(), 0);
}

#[test]
fn who_leaves_takes_their_order_back_and_every_tab_of_theirs_ends() {
    let mut station = Station::with("", "");
    let kim = station.browser();
    let (mut page, mut other) = (kim.looks(), kim.looks());
    other.shows("stage", "Ready");
    assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"})).status, 200);
    page.shows("stage", "Show the card now.");
    assert_eq!(kim.posts("/desk/sign-out", json!({})).status, 200);
    page.end();
    other.end();
    the_next_card_is_nobodys(&mut station);
}

#[test]
fn who_leaves_while_something_is_asked_takes_the_question_with_them() {
    let mut station = Station::with("proof = 0.001", "");
    let kim = station.browser();
    let mut page = kim.looks();
    assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"})).status, 200);
    page.shows("stage", "Show the card now.");
    station.reader.send(SECOND);
    page.shows("stage", "Show the card once more");
    assert_eq!(kim.posts("/desk/sign-out", json!({})).status, 200);
    the_next_card_is_nobodys(&mut station);
}

#[test]
fn who_leaves_in_the_middle_of_a_list_ends_it() {
    let mut station = Station::with("", "");
    let kim = station.browser();
    let mut page = kim.looks();
    assert_eq!(kim.posts("/desk/roster", json!({"filter": ""})).status, 204);
    page.shows("stage", "Show the card now.");
    assert_eq!(kim.posts("/desk/sign-out", json!({})).status, 200);
    page.end();
    the_next_card_is_nobodys(&mut station);
}

#[test]
fn what_is_turned_away_at_the_door_is_said_in_the_language_of_the_page() {
    let station = Station::with("", "language = \"de\"\n");
    let nobody = Browser { address: station.address.clone(), cookie: String::new(), key: String::new() };
    let said = nobody.gets("/desk/people?q=ada").json()["error"]["message"].clone();
    assert_eq!(said, json!("Sie sind nicht mehr angemeldet. Bitte noch einmal anmelden."));
    let elsewhere = format!("Host: {}\r\nOrigin: http://elsewhere\r\nSec-Fetch-Site: cross-site\r\n", station.address);
    let said = nobody.posts_as("/desk/sign-in", &elsewhere, &json!({"name": "Kim"})).json()["error"]["message"].clone();
    assert!(said.as_str().unwrap().starts_with("Die Station nimmt dies von hier nicht an."), "{said}");
}
