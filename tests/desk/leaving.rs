//! Whoever leaves a desk: what they wanted is over, and the next one begins with nothing.

use std::fs;

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use super::{ADA, Browser, FIRST, PEOPLE, SECOND, Station, support::tells, wait_for};

const ROSTERS: &str = "rosters = \"lists\"\n";

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
fn what_was_waited_for_when_the_station_was_killed_is_said_to_whoever_comes_back() {
    let mut station = Station::with("", "");
    let mut kim = station.browser();
    let mut page = kim.looks();
    assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"})).status, 200);
    page.shows("stage", "Show the card now.");
    wait_for("the order to be kept", || tells(&kept(&station), "1815").then_some(()));
    station.restart();
    kim.address.clone_from(&station.address);
    let mut page = kim.looks();
    let said = page.shows("stage", "The station was started again");
    assert!(said.contains("Ada Lovelace (1815)"), "{said}");
    kim.looks().shows("stage", "The station was started again");
    // The card is nobody's, and can be given once it is ordered again.
    station.reader.send(SECOND);
    assert!(page.shows("stage", "337").contains("The station was started again"));
    assert_eq!(station.site.outbox().len(), 0);
    wait_for("it to be forgotten", || (!tells(&kept(&station), "1815")).then_some(()));
    assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"})).status, 200);
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
}

#[test]
fn what_was_cancelled_or_saved_before_a_kill_is_not_said_to_be_lost() {
    let mut station = Station::with("", "");
    let mut kim = station.browser();
    for is_saved in [false, true] {
        let mut page = kim.looks();
        assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"})).status, 200);
        page.shows("stage", "Show the card now.");
        if is_saved {
            station.reader.send(FIRST);
            page.shows("stage", "Accepted");
        } else {
            wait_for("the order to be kept", || tells(&kept(&station), "1815").then_some(()));
            assert_eq!(kim.posts("/desk/withdraw", json!({})).status, 204);
            page.shows("stage", "Cancelled");
            wait_for("it to be forgotten", || (!tells(&kept(&station), "1815")).then_some(()));
        }
        station.restart();
        kim.address.clone_from(&station.address);
        let stage = kim.looks().shows("stage", "<h2>");
        assert!(stage.contains("Ready"), "{stage}");
    }
}

/// What the station keeps of the desks' orders.
fn kept(station: &Station) -> String {
    let store = Connection::open_with_flags(station.site.path("cardbridge.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    store.query_row("SELECT body FROM list WHERE name = 'desk orders'", [], |row| row.get(0)).unwrap_or_default()
}

#[test]
fn whoever_has_closed_the_page_waits_for_no_card_and_reads_so_when_they_come_back() {
    let mut station = Station::with("", ROSTERS);
    fs::create_dir(station.site.path("lists")).unwrap();
    fs::write(station.site.path("lists/monday.csv"), PEOPLE).unwrap();
    let (kim, max) = (station.browser(), Browser::at(&station.address, "Max"));
    let (mut page, mut list) = (kim.looks(), max.looks());
    assert_eq!(kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"})).status, 200);
    page.shows("stage", "Show the card now.");
    assert_eq!(max.posts("/desk/roster", json!({"list": "monday.csv"})).status, 204);
    list.shows("stage", "Ada Lovelace (1815) is before you at this reader");
    drop((page, list));
    // A page that is loaded anew goes on.
    kim.looks().shows("stage", "Show the card now.");
    let lou = Browser::at(&station.address, "Lou");
    let mut page = lou.looks();
    wait_for("nobody to be waited for", || (!lou.looks().shows("stage", "Ready").contains("is waited for")).then_some(()));
    station.reader.send(FIRST);
    page.shows("stage", "A card was shown");
    assert_eq!(station.site.outbox().len(), 0);
    kim.looks().shows("stage", "Nobody had this page open for a while.");
    // The list goes on where it stood.
    let mut list = max.looks();
    list.shows("stage", "Ada Lovelace");
    list.shows("stage", "Show the card now.");
    station.reader.send(SECOND);
    list.shows("roster", "1 of 2 done");
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

#[test]
fn who_has_signed_out_has_signed_out_for_whoever_kept_both_halves_of_the_session() {
    let mut station = Station::with("", "");
    let (mut kept, lou) = (station.browser(), Browser::at(&station.address, "Lou"));
    assert_eq!(kept.posts("/desk/sign-out", json!({})).status, 200);
    let tries = |kept: &Browser| kept.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"})).status;
    assert_eq!(tries(&kept), 401);
    station.restart();
    kept.address.clone_from(&station.address);
    assert_eq!(tries(&kept), 401, "a station that was started again knows it too");
    let lou = Browser { address: station.address.clone(), ..lou };
    assert_eq!(tries(&lou), 200, "Lou has not signed out");
}
