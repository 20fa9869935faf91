//! An answer that is kept for the site: nobody is asked again, over a restart, until its line is deleted.

use std::fs;

use serde_json::json;

use super::{Browser, FIRST, Pieces, SECOND, Station, hidden, support::ADA};

/// The next card for Ada.
fn orders(browser: &Browser, page: &mut Pieces) {
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    page.shows("stage", "Show the card now.");
}

fn shows_twice(station: &mut Station, page: &mut Pieces) {
    station.reader.send(FIRST);
    page.shows("stage", "Show the card once more");
    station.reader.send(FIRST);
}

fn policy(station: &Station) -> String {
    fs::read_to_string(station.site.path("policy.toml")).unwrap_or_default()
}

/// The same, once it says this.
fn policy_says(station: &Station, text: &str) -> String {
    super::wait_for(text, || Some(policy(station)).filter(|policy| policy.contains(text)))
}

#[test]
fn a_choice_that_is_kept_is_not_asked_again_after_a_restart_and_is_asked_again_once_its_line_is_deleted() {
    let mut station = Station::with("proof = 1", "");
    let text = fs::read_to_string(station.site.path("cardbridge.toml")).unwrap();
    let both = text
        .replace("[site]\nformats = [\"H10301\"]\n", "")
        .replace("formats = [\"hid-h10301\"]", "formats = [\"hid-h10301\", \"indala-26\"]");
    station.site.configure(&both);
    station.restart();
    let browser = station.browser();
    let mut page = browser.looks();
    orders(&browser, &mut page);
    station.reader.send(FIRST);
    let asked = page.shows("stage", "Several formats fit");
    assert!(asked.contains("id=\"keep\"") && asked.contains("1969"), "{asked}");
    let (question, choice) = (hidden(&asked, "question"), hidden(&asked, "choice"));
    browser.posts("/desk/answer", json!({"question": question, "choice": choice, "keep": "yes"}));
    page.shows("stage", "Accepted");
    let kept = policy_says(&station, "choices.\"hid-h10301, not indala-26\" = \"20");
    assert!(kept.contains("Z Kim\"") && kept.lines().filter(|line| !line.starts_with('#')).count() == 1, "{kept}");
    // The running station has taken it up, and so does the next one.
    for restarts in [false, true] {
        if restarts {
            station.restart();
        }
        let browser = station.browser();
        let mut page = browser.looks();
        orders(&browser, &mut page);
        station.reader.send(SECOND);
        let accepted = page.shows("stage", "Accepted");
        assert!(accepted.contains("337"), "{accepted}");
    }
    assert_eq!(station.site.outbox()[1]["decided_by"], "policy");
    let read = station.site.run(&["decode", "{26}BD88EB80", "--json"]);
    assert!(read.stdout.contains("\"decided_by\":\"policy\""), "whoever reads the configuration reads the answers: {read:?}");
    // A line that is deleted is an answer taken back, at once.
    fs::write(station.site.path("policy.toml"), "# nothing\n").unwrap();
    let browser = station.browser();
    let mut page = browser.looks();
    orders(&browser, &mut page);
    station.reader.send(FIRST);
    page.shows("stage", "Several formats fit");
}

#[test]
fn a_facility_code_that_is_kept_is_known_and_makes_no_other_one_strange() {
    let mut station = Station::with("proof = 0.001", "");
    let browser = station.browser();
    let mut page = browser.looks();
    orders(&browser, &mut page);
    station.reader.send(FIRST);
    page.shows("stage", "Show the card once more");
    station.reader.send(FIRST);
    let asked = page.shows("stage", "first card with facility code 123");
    browser.posts("/desk/answer", json!({"question": hidden(&asked, "question"), "printed": "4567", "keep": "yes"}));
    page.shows("stage", "Accepted");
    policy_says(&station, "facility_codes.\"123\" = ");
    let browser = station.browser();
    let mut page = browser.looks();
    orders(&browser, &mut page);
    station.reader.send(SECOND);
    page.shows("stage", "Show the card once more");
    station.reader.send(SECOND);
    page.shows("stage", "first card with facility code 31");
}

#[test]
fn an_answer_that_nobody_keeps_is_about_one_card_alone() {
    let mut station = Station::with("proof = 0.001", "");
    let browser = station.browser();
    let mut page = browser.looks();
    orders(&browser, &mut page);
    shows_twice(&mut station, &mut page);
    let asked = page.shows("stage", "first card with facility code 123");
    browser.posts("/desk/answer", json!({"question": hidden(&asked, "question"), "answer": "yes"}));
    page.shows("stage", "Accepted");
    assert_eq!(policy(&station), "");
}

#[test]
fn a_damaged_file_of_answers_is_named_with_its_line_and_a_running_station_goes_on_with_what_it_knew() {
    let mut station = Station::with("proof = 0.001", "");
    let browser = station.browser();
    let mut page = browser.looks();
    fs::write(station.site.path("policy.toml"), "# answers\nfacility_codes.\"123\" = \"2026-01-01T00:00:00Z Kim\"\n").unwrap();
    orders(&browser, &mut page);
    fs::write(station.site.path("policy.toml"), "# answers\nfacility_codes.\"many\" = \"2026-01-01T00:00:00Z Kim\"\n").unwrap();
    page.shows("bar", "policy.toml:2:17");
    // A code that is known makes one reading enough.
    station.reader.send(FIRST);
    let accepted = page.shows("stage", "Accepted");
    assert!(accepted.contains("facility code is this site"), "{accepted}");
    drop(station.run.take());
    let ended = station.site.run(&["run"]);
    assert!(ended.code == 2 && ended.stderr.contains("policy.toml:2:17") && ended.stderr.contains("delete the line"), "{ended:?}");
}
