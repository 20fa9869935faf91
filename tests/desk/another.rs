//! Another card than the one that is asked about, a card that was not read whole, and who is who.

use std::fs;

use serde_json::json;

use super::{
    Browser, FIRST, Pieces, SECOND, Station, hidden,
    support::{ADA, GRACE, tells},
};

/// The first card, with a bit of it turned round.
const DAMAGED: &[u8] = b"1AFD88EB80\r";

fn numbers(station: &Station) -> Vec<Option<u64>> {
    station.site.outbox().iter().map(|entry| entry["card"]["card_number"].as_u64()).collect()
}

/// A card is shown twice, as once is not enough.
fn twice(station: &mut Station, page: &mut Pieces, card: &[u8]) {
    station.reader.send(card);
    page.shows("stage", "Show the card once more");
    station.reader.send(card);
}

/// The first card of its facility code is shown for Ada.
fn asks(station: &mut Station, browser: &Browser, page: &mut Pieces) -> String {
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"}));
    page.shows("stage", "Show the card now.");
    twice(station, page, FIRST);
    page.shows("stage", "first card with facility code 123")
}

#[test]
fn the_number_beside_a_question_is_always_the_one_that_a_yes_enrolls() {
    let mut station = Station::with("proof = 0.001", "");
    let browser = station.browser();
    let mut page = browser.looks();
    let first = asks(&mut station, &browser, &mut page);
    assert!(first.contains("Facility code 123, Card number 4567"), "{first}");
    // A reading that is not whole says nothing about which card it is: what is asked stays, with its number.
    station.reader.send(DAMAGED);
    let stays = page.shows("stage", "The card was not read whole.");
    assert!(stays.contains("<dd class=\"number\">4567</dd>") && hidden(&stays, "question") == hidden(&first, "question"), "{stays}");
    twice(&mut station, &mut page, SECOND);
    let second = page.shows("stage", "first card with facility code 31");
    assert!(second.contains("Facility code 31, Card number 337") && !tells(&second, "4567"), "{second}");
    // A yes that was meant for the first one comes too late.
    browser.posts("/desk/answer", json!({"question": hidden(&first, "question"), "answer": "yes"}));
    let answered = browser.posts("/desk/answer", json!({"question": hidden(&second, "question"), "answer": "yes"}));
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(page.shows("stage", "Accepted").contains("Card number 337"));
    assert_eq!(numbers(&station), [Some(337)]);
}

#[test]
fn a_card_that_was_not_read_whole_is_shown_again_and_is_theirs_then() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"}));
    page.shows("stage", "Show the card now.");
    station.reader.send(DAMAGED);
    let waits = page.shows("stage", "The card was not read whole. Show it again.");
    assert!(waits.contains("Ada Lovelace (1815)") && waits.contains("Show the card now."), "{waits}");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    assert_eq!(numbers(&station), [Some(4567)]);
}

#[test]
fn namesakes_are_told_apart_from_the_first_moment_on_and_in_what_is_asked() {
    let mut station = Station::with("", "");
    let people = fs::read_to_string(station.site.path("people.csv")).unwrap();
    fs::write(station.site.path("people.csv"), format!("{people}8991f3ac-26cd-4c60-9a78-ecca8f441632,Ada,Lovelace,2002\n")).unwrap();
    station.restart();
    let browser = station.browser();
    let mut page = browser.looks();
    for number in ["1815", "2002"] {
        let found = browser.gets(&format!("/desk/people?q={number}")).body;
        browser.posts("/desk/enroll", json!({"user": hidden(&found, "user"), "person": hidden(&found, "person")}));
        page.shows("stage", &format!("Ada Lovelace ({number})"));
        page.shows("stage", "Show the card now.");
        station.reader.send(FIRST);
        if number == "1815" {
            page.shows("stage", "Accepted");
        }
    }
    let asked = page.shows("stage", "This card was given to Ada Lovelace (1815)");
    assert!(asked.contains("Give it to Ada Lovelace (2002) instead?") && asked.contains("Card number 4567"), "{asked}");
}

#[test]
fn another_operator_is_told_who_is_waited_for_at_their_reader() {
    let station = Station::with("", "");
    let (kim, lou) = (station.browser(), Browser::at(&station.address, "Lou"));
    let mut page = lou.looks();
    page.shows("stage", "Ready");
    kim.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace (1815)"}));
    page.shows("stage", "Ada Lovelace (1815) (ordered by Kim) is waited for at this reader.");
}

#[test]
fn the_days_list_begins_with_the_mark_by_which_a_spreadsheet_knows_its_letters() {
    let station = Station::with("", "");
    assert!(station.browser().gets("/desk/today.csv").body.starts_with('\u{feff}'));
}

#[test]
fn the_days_table_has_its_headings_in_the_language_of_the_page() {
    for (language, headings) in [("en", "saved_at,person,card,state,blusky\n"), ("de", "Gespeichert,Person,Karte,Stand,BluSKY sagt\n")] {
        let station = Station::with("", &format!("language = \"{language}\"\n"));
        assert_eq!(station.browser().gets("/desk/today.csv").body.trim_start_matches('\u{feff}'), headings);
    }
}

#[test]
fn of_several_people_who_are_chosen_at_once_one_waits_and_the_page_shows_who() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    let people = [(ADA, "Ada Lovelace"), (GRACE, "Grace Hopper")];
    for round in 0..6 {
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (browser, (user, person)) = (&browser, people[(number + round) % 2]);
                scope.spawn(move || browser.posts("/desk/enroll", json!({"user": user, "person": person})));
            }
        });
    }
    // The card is for whoever is shown, and nobody waits for the next one.
    let waits = page_of(&browser, "stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    let entry = station.site.outbox().remove(0);
    let shown = if waits.contains("Ada Lovelace") { ADA } else { GRACE };
    assert_eq!(entry["user_id"], json!(shown), "{waits}");
    station.reader.send(SECOND);
    page.shows("stage", "A card was shown");
    assert_eq!(numbers(&station), [Some(4567)]);
}

/// A piece of the page once it says this.
fn page_of(browser: &Browser, piece: &str, text: &str) -> String {
    browser.looks().shows(piece, text)
}

#[test]
fn whoever_begins_without_a_name_is_told_so() {
    let station = Station::with("", "");
    let nameless = Browser { address: station.address.clone(), cookie: String::new(), key: String::new() };
    let refused = nameless.posts("/desk/sign-in", json!({"reader": "desk"}));
    assert!(refused.status == 403 && refused.body.contains("Say who you are first."), "{refused:?}");
}
