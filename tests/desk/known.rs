//! What BluSKY's console says of a card before it is given to anybody: in the same words, and from where that is known.

use serde_json::json;

use super::{
    Browser, FIRST, PEOPLE, SECOND, Station,
    peer::{Peer, Reply},
    serve,
    support::{ADA, SerialReader, Site, wait_for},
};

#[test]
fn what_was_given_from_here_is_assigned_until_it_is_taken_back_and_what_nobody_knows_is_new() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    page.shows("stage", "Ready");
    station.reader.send(FIRST);
    page.shows("stage", "Card Not Found – Adding New");
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    station.reader.send(FIRST);
    let known = page.shows("stage", "Pre-Registered, Assigned to Lovelace, Ada");
    assert!(known.contains("our own record of 2"), "{known}");
    let entry = station.site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    assert_eq!(browser.posts(&format!("/desk/entries/{entry}/undo"), json!({})).status, 200);
    wait_for("the card to be taken back", || station.blusky.cards()[0]["Assignment"].is_null().then_some(()));
    wait_for("the page to know", || {
        station.reader.send(FIRST);
        // Whoever looks anew sees what is known now.
        browser.looks().shows("stage", "data-known").contains("Pre-Registered, Available").then_some(())
    });
}

#[test]
fn blusky_s_lists_say_who_has_a_card_and_what_nobody_has_and_no_tap_asks_blusky() {
    let blusky = Peer::start(|request, _| match request.path.as_str() {
        path if path.contains("Users?OccupancyId=") => Reply::json(&json!([{
            "PersonId": ADA, "FirstName": "Ada", "LastName": "Lovelace",
            "Cards": [{"InternalCardNumber": 4567, "FacilityCode": 123, "CardType": 3}],
        }])),
        path if path.contains("GetAllCards") => Reply::json(&json!([
            {"CardId": "0f83442e-a446-4577-8cdd-8ffdd51ab9c9", "InternalCardNumber": 4567, "FacilityCode": 123, "CardType": 3},
            {"CardId": "0f83442e-a446-4577-8cdd-8ffdd51ab9c8", "InternalCardNumber": 337, "FacilityCode": 31, "CardType": 3},
        ])),
        _ => Reply::not_found(),
    });
    let mut reader = SerialReader::plug_in();
    let more = reader.configuration("desk", "twn3-hidprox", "");
    let people = format!("[people]\nfile = \"people.csv\"\nblusky = {{ occupancy = [\"{ADA}\"] }}\n");
    let site = Site::at(&blusky.base_url, &format!("{more}{people}[desk]\nlisten = \"127.0.0.1:0\"\n"));
    std::fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let (_run, address) = serve(&site);
    let browser = Browser::at(&address, "Kim");
    let mut page = browser.looks();
    page.shows("stage", "Ready");
    for (card, words) in [(FIRST, "Pre-Registered, Assigned to Lovelace, Ada"), (SECOND, "Pre-Registered, Available")] {
        // Its lists come in their own time.
        wait_for(words, || {
            reader.send(card);
            let known = browser.looks().shows("stage", "data-known");
            (known.contains(words) && known.contains("BluSKY’s lists of 2")).then_some(())
        });
    }
    let asked = blusky.heard().len();
    for _ in 0..20 {
        reader.send(FIRST);
        page.shows("stage", "4567");
        reader.send(SECOND);
        page.shows("stage", "337");
    }
    assert_eq!(blusky.heard().len(), asked);
}
