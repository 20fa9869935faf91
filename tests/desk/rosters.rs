//! Many people, one after the other: a list that is chosen once, then a tap each.

use std::fs;

use serde_json::{Value, json};

use super::{
    Browser, PEOPLE, Pieces, SECOND, Station, hidden,
    support::{ADA, h10301},
    wait_for,
};

const ROSTERS: &str = "rosters = \"lists\"\n";

/// A station with lists of so many people, of whom the site's list knows all.
fn station(people: usize) -> Station {
    let mut station = Station::with("", ROSTERS);
    let row = |number: usize| format!("{:08x}-a446-4577-8cdd-8ffdd51ab9c1,Person,Number{number},{}\n", 0x1000 + number, 5000 + number);
    let all: String = (1..=people).map(row).collect();
    fs::create_dir(station.site.path("lists")).unwrap();
    fs::write(station.site.path("lists/monday.csv"), format!("user_id,first_name,last_name,employee_number\n{all}")).unwrap();
    fs::write(station.site.path("people.csv"), format!("{PEOPLE}{all}")).unwrap();
    station.restart();
    station
}

/// The frame of card number so and so.
fn frame(number: u32) -> Vec<u8> {
    let literal = h10301(123, number);
    format!("1A{}\r", literal.trim_start_matches("{26}")).into_bytes()
}

fn begins(browser: &Browser, body: &Value) {
    let begun = browser.posts("/desk/roster", body.clone());
    assert_eq!(begun.status, 204, "{begun:?}");
}

fn presses(browser: &Browser, key: &str) {
    assert_eq!(browser.posts("/desk/roster/key", json!({"key": key})).status, 204);
}

/// Whoever's turn it is shows this card.
fn shows_card(station: &mut Station, page: &mut Pieces, person: usize, number: u32) {
    page.shows("stage", &format!("Person Number{person} ("));
    page.shows("stage", "Show the card now.");
    station.reader.send(&frame(number));
}

/// Whom each card is with, by the last digits of their key.
fn holders(station: &Station) -> Vec<(u64, String)> {
    let holder =
        |card: &Value| Some((card["InternalCardNumber"].as_u64()?, card["Assignment"]["UserId"].as_str()?.get(4..8)?.to_lowercase()));
    let mut holders: Vec<(u64, String)> = station.blusky.cards().iter().filter_map(holder).collect();
    holders.sort_unstable();
    holders
}

fn of(people: impl Iterator<Item = u64>) -> Vec<(u64, String)> {
    people.map(|number| (number, format!("{:04x}", 0x1000 + number))).collect()
}

#[test]
fn twenty_people_get_their_cards_with_one_tap_each_over_a_kill_and_nothing_is_pressed_between_them() {
    let mut station = station(20);
    let mut browser = station.browser();
    let mut page = browser.looks();
    let lists = browser.gets("/desk/rosters").body;
    assert!(lists.contains("monday.csv"), "{lists}");
    begins(&browser, &json!({"list": "monday.csv"}));
    for person in 1..=12 {
        shows_card(&mut station, &mut page, person, person as u32);
    }
    page.shows("roster", "12 of 20 done");
    station.restart();
    // The page connects again, and goes on by itself.
    browser.address.clone_from(&station.address);
    let mut page = browser.looks();
    page.shows("roster", "12 of 20 done");
    for person in 13..=20 {
        shows_card(&mut station, &mut page, person, person as u32);
    }
    page.shows("roster", "20 of 20 done");
    wait_for("all cards", || (holders(&station) == of(1..=20)).then_some(()));
    assert_eq!(station.site.outbox().len(), 20);
    presses(&browser, "close");
    page.shows("roster", "");
}

#[test]
fn somebody_is_skipped_gone_back_to_and_taken_back_and_the_right_card_stays_with_each() {
    let mut station = station(4);
    let browser = station.browser();
    let mut page = browser.looks();
    begins(&browser, &json!({"list": "monday.csv"}));
    shows_card(&mut station, &mut page, 1, 1);
    page.shows("stage", "Person Number2 (5002)<");
    let next = page.shows("roster", "Next: Person Number3 (5003), Person Number4 (5004)");
    assert!(next.contains("Undo Person Number1 (5001)"), "{next}");
    presses(&browser, "skip");
    page.shows("roster", "Person Number2 (5002): skipped");
    page.shows("stage", "Person Number3 (5003)<");
    presses(&browser, "back");
    shows_card(&mut station, &mut page, 2, 2);
    page.shows("stage", "Person Number3 (5003)<");
    wait_for("two cards", || (holders(&station) == of(1..=2)).then_some(()));
    page.shows("roster", "Undo Person Number2");
    presses(&browser, "undo");
    page.shows("stage", "Person Number2 (5002)<");
    wait_for("one card less", || (holders(&station) == of(1..=1)).then_some(()));
    for person in 2..=4 {
        shows_card(&mut station, &mut page, person, person as u32 + 10);
    }
    page.shows("roster", "4 of 4 done");
    let right = [(1, 1), (12, 2), (13, 3), (14, 4)].map(|(card, person)| (card, format!("{:04x}", 0x1000 + person))).to_vec();
    wait_for("the right cards", || (holders(&station) == right).then_some(()));
}

#[test]
fn whoever_was_skipped_before_a_station_was_killed_is_not_the_next_one_after_it() {
    let mut station = station(4);
    let mut browser = station.browser();
    let mut page = browser.looks();
    begins(&browser, &json!({"list": "monday.csv"}));
    shows_card(&mut station, &mut page, 1, 1);
    page.shows("stage", "Person Number2 (5002)<");
    presses(&browser, "skip");
    page.shows("roster", "Person Number2 (5002): skipped");
    page.shows("stage", "Person Number3 (5003)<");
    page.shows("stage", "Show the card now.");
    station.restart();
    browser.address.clone_from(&station.address);
    let mut page = browser.looks();
    page.shows("roster", "Person Number2 (5002): skipped");
    shows_card(&mut station, &mut page, 3, 3);
    page.shows("stage", "Person Number4 (5004)<");
    wait_for("the right cards", || (holders(&station) == of([1, 3].into_iter())).then_some(()));
}

#[test]
fn meanwhile_nobody_else_is_chosen_and_an_earlier_run_is_offered_once_it_was_stopped() {
    let mut station = station(3);
    let browser = station.browser();
    let mut page = browser.looks();
    begins(&browser, &json!({"list": "monday.csv"}));
    shows_card(&mut station, &mut page, 1, 1);
    page.shows("stage", "Person Number2 (5002)<");
    let other = browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    assert!(other.status == 409 && other.body.contains("stop that first"), "{other:?}");
    assert_eq!(browser.posts("/desk/roster", json!({"list": "monday.csv", "how": "anew"})).status, 409);
    presses(&browser, "stop");
    page.shows("roster", "closed here");
    presses(&browser, "close");
    wait_for("it to be put away", || page_of(&browser, "roster").is_empty().then_some(()));
    let offer = browser.posts("/desk/roster", json!({"list": "monday.csv"}));
    assert!(offer.status == 200 && offer.body.contains("1 of 3 got their card"), "{offer:?}");
    begins(&browser, &json!({"list": hidden(&offer.body, "list"), "how": hidden(&offer.body, "how")}));
    let mut page = browser.looks();
    shows_card(&mut station, &mut page, 2, 2);
    shows_card(&mut station, &mut page, 3, 3);
    page.shows("roster", "3 of 3 done");
}

/// A piece of the page as it is now.
fn page_of(browser: &Browser, piece: &str) -> String {
    let mut page = browser.looks();
    page.shows("bar", "");
    page.shown[piece].as_str().unwrap_or_default().to_owned()
}

#[test]
fn only_lists_of_the_folder_are_read_and_the_sites_people_are_a_list_too() {
    let mut station = station(2);
    let browser = station.browser();
    for strange in ["people.csv", "../people.csv", "lists/monday.csv", "/etc/passwd", "..", ".", "monday.csv\0", "MONDAY.CSV"] {
        let refused = browser.posts("/desk/roster", json!({"list": strange}));
        assert!(refused.status == 409 && refused.body.contains("does not lie in the folder"), "{strange:?}: {refused:?}");
    }
    let nobody = browser.posts("/desk/roster", json!({"filter": "nobody is called so"}));
    assert!(nobody.status == 409 && nobody.body.contains("Nobody in this list"), "{nobody:?}");
    let mut page = browser.looks();
    begins(&browser, &json!({"filter": "hopper"}));
    page.shows("stage", "Grace Hopper");
    page.shows("stage", "Show the card now.");
    page.shows("roster", "people: hopper");
    station.reader.send(SECOND);
    page.shows("roster", "1 of 1 done");
    fs::write(station.site.path("lists/broken.csv"), "first_name\nAda\n").unwrap();
    presses(&browser, "close");
    let broken =
        wait_for("the list", || Some(browser.posts("/desk/roster", json!({"list": "broken.csv"}))).filter(|answer| answer.status != 409));
    assert!(broken.status == 400 && broken.body.contains("broken.csv: row 1"), "{broken:?}");
}
