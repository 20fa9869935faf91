//! What is promised of the way to the desk and away from it: who works there is seen in each tab, and whether the station is there.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::json;

use super::{
    FIRST, ONE_IS_ENOUGH, Station, Words, a_station, begins,
    browser::{Browser, browser},
    chooses,
};

const LEAVE: &str = "form[data-call='/desk/sign-out'] button";

/// Somebody else signs in where Kim was.
fn lou_begins(browser: &Browser) {
    assert!(browser.has_focus("#name"));
    browser.enters("\u{E009}a\u{E000}Lou");
    browser.shows("#bar", "Lou");
}

#[test]
fn whoever_leaves_leaves_in_all_tabs_and_the_next_card_is_not_theirs() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    let first = browser.another_tab();
    browser.opens(&station.address);
    browser.shows("#stage", "Show the card now.");
    browser.presses(LEAVE);
    browser.shows("#sign-in", "Your name");
    let second = browser.another_tab();
    browser.closes_for(first.clone());
    browser.shows("#sign-in", "Your name");
    browser.goes_to(second);
    lou_begins(&browser);
    station.reads(FIRST);
    browser.shows("#stage", "A card was shown");
    browser.goes_to(first);
    browser.shows("#bar", "Lou");
    browser.shows("#stage", "A card was shown");
    assert_eq!(station.entries(), []);
}

#[test]
fn a_session_that_has_ended_leaves_nothing_on_the_page_of_the_next_one() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    browser.is_nobodys();
    browser.types("gr");
    browser.shows("#failed", Words::of("en").say("error_signed_out"));
    browser.is_for_everybody();
    browser.runs("window.name = 'before'; window.before = true;", &[]);
    lou_begins(&browser);
    browser.shows("#stage", "Ready");
    assert_eq!(browser.runs("return [window.before, document.querySelector('#search').value];", &[]), json!([null, ""]));
}

#[test]
fn a_pin_does_not_stay_in_the_form() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    station.is_killed();
    fs::write(station.site.path("kim.pin"), "4711\n").unwrap();
    fs::set_permissions(station.site.path("kim.pin"), fs::Permissions::from_mode(0o600)).unwrap();
    let configured = fs::read_to_string(station.site.path("cardbridge.toml")).unwrap();
    station.site.configure(&format!("{configured}[[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n"));
    station.starts();
    browser.opens(&station.address);
    let pin = || browser.runs("return document.querySelector('#pin').value;", &[]);
    for (typed, place, shown) in [("1147", "#failed", "The name or the PIN is wrong."), ("4711", "#stage", "Ready")] {
        browser.shows("#sign-in", "Your PIN");
        browser.tabs_to("#pin");
        browser.enters(typed);
        browser.shows(place, shown);
        assert_eq!(pin(), json!(""), "{typed}");
    }
}

#[test]
fn what_was_not_answered_is_said_until_the_station_is_back() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    station.is_killed();
    browser.shows("#lost", "The station does not answer.");
    browser.types("ada");
    browser.shows("#failed", Words::of("en").say("unanswered"));
    station.starts();
    browser.shows("body:has(#failed[hidden])", "Ready");
    browser.shows("body:has(#lost[hidden])", "Ready");
}

/// Stops the station where it is, or lets it go on.
fn signals(station: &Station, signal: &str) {
    let id = station.run.as_ref().unwrap().id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

#[test]
fn a_station_that_hangs_is_noticed_and_a_call_that_takes_long_is_seen() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    signals(&station, "-STOP");
    browser.types("ada");
    browser.shows("#working", Words::of("en").say("working"));
    browser.is_for_everybody();
    browser.shows("#lost", "The station does not answer.");
    signals(&station, "-CONT");
    browser.shows("#found", "Ada Lovelace");
    browser.shows("body:has(#lost[hidden]):has(#working[hidden])", "Ready");
}
