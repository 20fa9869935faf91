//! Somebody new, and somebody whose card is lost: a form or a choice, then the tap.

use serde_json::json;

use super::{
    FIRST, SECOND, Station, hidden,
    support::{ADA, SYSTEM, tells},
    wait_for,
};

const NEW_PEOPLE: &str = "[new_person]\nsystem = \"309fbabb-0642-44e1-b262-67442dc491ed\"\nfacility = \"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8\"\n\
                          occupancy = \"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d9\"\n";

#[test]
fn somebody_new_is_added_with_the_card_that_is_shown_then_and_a_namesake_wants_a_number() {
    let mut station = Station::with("", NEW_PEOPLE);
    let browser = station.browser();
    let mut page = browser.looks();
    page.shows("stage", "Ready");
    assert!(browser.gets("/").body.contains("id=\"new-person\"") && SYSTEM.len() == 36);
    let ada = |number: &str| json!({"first_name": "ada", "last_name": "Lovelace", "employee_number": number});
    for number in ["", "1815"] {
        let known = browser.posts("/desk/new", ada(number));
        assert!(known.status == 409 && known.body.contains("is known"), "{known:?}");
    }
    let taken = browser.posts("/desk/new", json!({"first_name": "Ok", "last_name": "Person", "employee_number": "1906"}));
    assert!(taken.status == 409 && taken.body.contains("Grace Hopper") && taken.body.contains("1906"), "{taken:?}");
    let nameless = browser.posts("/desk/new", json!({"first_name": "Kay", "last_name": " "}));
    assert!(nameless.status == 400 && nameless.body.contains("last_name"), "{nameless:?}");
    page.shows("stage", "Ready");
    let ordered = browser.posts("/desk/new", json!({"first_name": "Kay", "last_name": "McNulty", "employee_number": "1921"}));
    assert_eq!(ordered.status, 200, "{ordered:?}");
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    let accepted = page.shows("stage", "Accepted");
    assert!(accepted.contains("Kay McNulty (1921)"), "{accepted}");
    let entry = &station.site.outbox()[0];
    assert_eq!((&entry["before"]["call"], &entry["ordered_by"]), (&json!("AddUser"), &json!("Kim")));
    let holder = &station.blusky.cards()[0]["Assignment"]["UserId"];
    assert_eq!(holder, &entry["user_id"]);
    // From here on they are somebody whom the page knows.
    let found = browser.gets("/desk/people?q=mcnul").body;
    assert!(found.contains("Kay McNulty") && found.contains(holder.as_str().unwrap()), "{found}");
    let again = browser.posts("/desk/new", json!({"first_name": "Kay", "last_name": "McNulty", "employee_number": "1921"}));
    assert_eq!(again.status, 409, "{again:?}");
}

#[test]
fn where_blusky_gives_no_list_of_people_the_page_says_so_beside_nobody() {
    let mut station = Station::with("", "");
    let text = std::fs::read_to_string(station.site.path("cardbridge.toml")).unwrap();
    station.site.configure(&text.replace("file = \"people.csv\"", "blusky = { path = \"api/v9/Nobody\" }"));
    station.restart();
    let browser = station.browser();
    let found = wait_for("the reason", || {
        Some(browser.gets("/desk/people?q=ada").body).filter(|body| body.contains("lists no people (it has none of api/v9/Nobody)"))
    });
    assert!(found.contains("Nobody found") && found.contains("somebody may be known all the same"), "{found}");
}

#[test]
fn without_a_place_for_new_people_the_page_offers_none() {
    let station = Station::with("", "");
    let browser = station.browser();
    assert!(!browser.gets("/").body.contains("new-person"));
    assert_eq!(browser.posts("/desk/new", json!({"first_name": "Kay", "last_name": "McNulty"})).status, 409);
}

#[test]
fn a_lost_card_is_chosen_among_the_persons_cards_and_the_new_one_takes_its_place() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    let none = browser.gets(&format!("/desk/cards?user={ADA}&person=Ada")).body;
    assert!(none.contains("No card of theirs"), "{none}");
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    let found = browser.gets("/desk/people?q=lovel").body;
    assert!(found.contains("data-fill=\"/desk/cards\""), "{found}");
    let cards = browser.gets(&format!("/desk/cards?user={ADA}&person=Ada")).body;
    assert!(cards.contains("Card number 4567, Facility code 123"), "{cards}");
    let ordered = browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace", "replaces": hidden(&cards, "replaces")}));
    assert_eq!(ordered.status, 200, "{ordered:?}");
    page.shows("stage", "Show the new card now.");
    station.reader.send(SECOND);
    page.shows("stage", "Card number 337");
    wait_for("the new card to be in the place of the old one", || {
        let holder = |number: u64| {
            station.blusky.cards().into_iter().find(|card| card["InternalCardNumber"] == number)?["Assignment"].as_object().cloned()
        };
        (holder(4567).is_none() && holder(337).is_some()).then_some(())
    });
    // Where BluSKY cannot be asked, our own record knows what was given and what was taken back.
    station.site.wait_for_outbox(|entries| entries.len() == 2 && entries[1]["card_id"].is_string());
    station.blusky.goes();
    let cards = browser.gets(&format!("/desk/cards?user={ADA}&person=Ada")).body;
    assert!(cards.contains("cannot be asked now") && tells(&cards, "337") && !tells(&cards, "4567"), "{cards}");
}
