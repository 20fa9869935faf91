//! What is promised of the desk page, seen in a browser: Chromium, the shipped binary, real ttys, a real pcscd, a simulated BluSKY.
//! Whoever works here has a keyboard and cards, and no mouse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stderr, reason = "figures are for people")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/cards.rs"]
mod cards;
#[path = "support/page.rs"]
mod page;
#[path = "browser/sessions.rs"]
mod sessions;
mod support;
#[path = "browser/typing.rs"]
mod typing;

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use browser::{Browser, browser};
use cardbridge::simulator::virtual_card::VirtualCard;
use cards::pac_card;
use page::{LISTENS, ONE_IS_ENOUGH, Setup, Station, Words};
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SYSTEM, Simulator, Site, pcscd::Pcscd};

/// H10301, facility code 123, card number 4567; 31/337; and 9/21.
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";
const THIRD: &[u8] = b"1A04800A80\r";
const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
                      8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n";

/// A station with a desk page.
fn a_station(reader: &str, more: &str) -> Station {
    a_station_beside(Simulator::start(&[]), reader, more)
}

fn a_station_beside(blusky: Simulator, reader: &str, more: &str) -> Station {
    Station::beside(blusky, &Setup { name: "desk", reader, people: PEOPLE, desk: more, says: "the desk page is at http://" })
}

/// From now on its cards are of two formats, and nothing says which.
fn ties(station: &mut Station) {
    station.is_killed();
    let configured = fs::read_to_string(station.site.path("cardbridge.toml")).unwrap();
    let both = configured.replace("[site]\nformats = [\"H10301\"]\n", "").replace("[\"hid-h10301\"]", "[\"hid-h10301\", \"indala-26\"]");
    station.site.configure(&both);
    station.starts();
}

/// Kim opens the page and signs in.
fn begins(browser: &Browser, station: &Station) {
    browser.opens(&station.address);
    browser.shows("#sign-in", "cardbridge");
    browser.enters("Kim");
    browser.shows("#stage", "Ready");
}

/// Kim looks somebody up and takes the first who is found.
fn chooses(browser: &Browser, name: &str, found: &str) {
    assert!(browser.has_focus("#search"), "what is typed is a name: {}", browser.page());
    browser.types(name);
    browser.shows("#found", found);
    browser.enters("");
    browser.shows("#stage", found);
}

/// The way of a card from the name to the answer, in a language.
fn a_person_at_the_desk(language: &str) {
    let (browser, words) = (browser(), Words::of(language));
    let mut station = a_station(ONE_IS_ENOUGH, &format!("language = \"{language}\"\n"));
    browser.opens(&station.address);
    browser.shows("#sign-in", words.say("your_name"));
    browser.is_for_everybody();
    browser.enters("Kim");
    browser.shows("#stage", words.say("free_hint"));
    browser.shows("#bar", words.say("reader_up"));
    browser.is_for_everybody();
    assert!(browser.has_focus("#search"));
    browser.types("lovel");
    browser.shows("#found", "Ada Lovelace");
    browser.is_for_everybody();
    browser.enters("");
    browser.shows("#stage", words.say("show_card"));
    browser.is_for_everybody();
    station.reads(FIRST);
    browser.shows("#stage", words.say("state_accepted"));
    let accepted = browser.shows("#stage", words.say("next_accepted"));
    for told in ["Ada Lovelace (1815)", "4567", "123", words.say("evidence_checks"), words.say("decided_policy")] {
        assert!(accepted.contains(told), "{told:?}: {accepted}");
    }
    browser.shows("#today", "Ada Lovelace");
    browser.is_for_everybody();
    assert_eq!(station.entries(), [(json!(ADA), json!("accepted"))]);
    // The next name can be typed, and a card that nobody asked for is shown.
    assert!(browser.has_focus("#search"));
    station.reads(SECOND);
    browser.shows("#stage", words.say("card_shown"));
    browser.shows("#stage", "Card Not Found – Adding New");
    browser.is_for_everybody();
    station.reads(FIRST);
    browser.shows("#stage", "Pre-Registered, Assigned to Lovelace, Ada");
    browser.is_for_everybody();
    // Short: nobody types ten letters as fast as this browser is driven, and a reader does.
    browser.types("xyzzy");
    browser.shows("#found", words.say("nobody_found"));
    browser.is_for_everybody();
    assert_eq!(station.entries().len(), 1);
}

#[test]
fn who_types_a_name_and_shows_a_card_is_done() {
    a_person_at_the_desk("en");
}

#[test]
fn who_types_a_name_and_shows_a_card_is_done_in_german_too() {
    a_person_at_the_desk("de");
}

#[test]
fn a_tie_is_settled_with_one_key_and_an_answer_that_is_kept_is_not_asked_again() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    ties(&mut station);
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    let asked = browser.shows("#stage", "Several formats fit");
    assert!(asked.contains("4567") && asked.contains("471"), "{asked}");
    browser.is_for_everybody();
    let first = browser.runs("return document.querySelector('#stage .choices button').innerText;", &[]);
    let key = if first.as_str().unwrap().contains("4567") { "1" } else { "2" };
    browser.tabs_to("#keep input");
    browser.types(" ");
    browser.types(key);
    browser.shows("#stage", "Accepted");
    chooses(&browser, "grace", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(SECOND);
    browser.shows("#stage", "Accepted");
    let decided: Vec<_> =
        station.site.outbox().iter().map(|entry| (entry["decided_by"].clone(), entry["card"]["card_number"].clone())).collect();
    assert_eq!(decided, [(json!("operator"), json!(4567)), (json!("policy"), json!(337))]);
}

#[test]
fn somebody_new_is_added_and_a_lost_card_replaced_without_a_mouse() {
    let browser = browser();
    let new_people = "[new_person]\nsystem = \"309fbabb-0642-44e1-b262-67442dc491ed\"\nfacility = \"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8\"\n\
                      occupancy = \"6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d9\"\n";
    let mut station = a_station(ONE_IS_ENOUGH, new_people);
    begins(&browser, &station);
    browser.tabs_to("#new-person summary");
    browser.enters("");
    browser.is_for_everybody();
    for (field, text) in [("#first_name", "Kay"), ("#last_name", "McNulty"), ("#employee_number", "1921")] {
        browser.tabs_to(field);
        browser.types(text);
    }
    browser.enters("");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Accepted");
    browser.shows("#stage", "Kay McNulty (1921)");
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(SECOND);
    browser.shows("#stage", "Accepted");
    browser.types("ada");
    browser.shows("#found", "Ada Lovelace");
    browser.tabs_to("#found form[data-fill] button");
    browser.enters("");
    browser.shows("#found", "Card number 337");
    browser.is_for_everybody();
    assert!(browser.has_focus("#found button"), "the first card is taken with Enter");
    browser.enters("");
    browser.shows("#stage", "Show the new card now.");
    station.reads(THIRD);
    browser.shows("#stage", "Card number 21");
    browser.shows("#stage", "Accepted");
}

#[test]
fn a_list_of_twenty_people_is_a_tap_each_over_a_kill() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "rosters = \"lists\"\n");
    station.is_killed();
    let row = |number: u32| format!("{:08x}-a446-4577-8cdd-8ffdd51ab9c1,Person,Number{number},{}\n", 0x1000 + number, 5000 + number);
    let people: String = (1..=20).map(row).collect();
    let list = format!("user_id,first_name,last_name,employee_number\n{people}");
    fs::create_dir(station.site.path("lists")).unwrap();
    fs::write(station.site.path("lists/monday.csv"), &list).unwrap();
    fs::write(station.site.path("people.csv"), &list).unwrap();
    station.starts();
    begins(&browser, &station);
    browser.tabs_to("#lists button");
    browser.enters("");
    browser.shows("#found", "monday.csv");
    browser.is_for_everybody();
    assert!(browser.has_focus("#found button"), "the first list is taken with Enter");
    browser.enters("");
    for number in 1..=20 {
        browser.shows("#stage", &format!("Person Number{number} ({})\n", 5000 + number));
        browser.shows("#stage", "Show the card now.");
        if number == 2 {
            browser.is_for_everybody();
        }
        if number == 12 {
            station.is_killed();
            browser.shows("#lost", "The station does not answer.");
            station.starts();
            // What the page shows until it is connected again is from before the kill.
            browser.shows("body:has(#lost[hidden])", "11 of 20 done");
            browser.shows("#stage", "Person Number12 (5012)\n");
            browser.shows("#stage", "Show the card now.");
        }
        let frame = format!("1A{}\r", support::h10301(123, number).trim_start_matches("{26}"));
        station.reads(frame.as_bytes());
    }
    browser.shows("#roster", "20 of 20 done");
    // A card is done for whoever stands there once it is saved; BluSKY has it a moment later.
    support::wait_for("each card at BluSKY", || (station.blusky.cards().len() == 20).then_some(()));
    assert_eq!(station.entries().len(), 20);
}

#[test]
fn what_a_reader_types_into_the_page_is_no_name() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    browser.enters("0003215576");
    browser.shows("#failed", Words::of("en").say("burst"));
    browser.is_for_everybody();
    assert_eq!(browser.runs("return document.querySelector('#search').value;", &[]), json!(""));
    // Some readers end with no key at all, and one types no more than five digits.
    for burst in ["09876", "118:09876", "04A2B3C4D5E6F7"] {
        browser.types(burst);
        browser.shows("#failed", Words::of("en").say("burst"));
        assert_eq!(browser.runs("return document.querySelector('#search').value;", &[]), json!(""), "{burst}");
        // What a person types after it is theirs.
        browser.types("ada");
        browser.shows("#found", "Ada Lovelace");
        browser.runs("document.querySelector('#search').value = '';", &[]);
    }
    assert_eq!(station.entries().len(), 0);
}

/// Chooses, of what a tie could be, the card number 4567: one key is a person's.
fn presses_4567(browser: &Browser) {
    let first = browser.runs("return document.querySelector('#stage .choices button').innerText;", &[]);
    browser.types(if first.as_str().unwrap().contains("4567") { "1" } else { "2" });
}

#[test]
fn what_a_reader_types_answers_no_question() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    ties(&mut station);
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Several formats fit");
    assert!(browser.has_focus("#stage .choices button"), "one key would choose the first");
    for end in ["", "\u{E007}", "\u{E004}"] {
        browser.types(&format!("1212121212{end}"));
        browser.shows("#failed", Words::of("en").say("burst"));
        let asked = browser.shows("#stage", "Several formats fit");
        assert!(asked.contains("4567") && station.entries().is_empty(), "{asked}");
        browser.runs("document.querySelector('#failed').textContent = '';", &[]);
    }
    browser.is_for_everybody();
    presses_4567(&browser);
    browser.shows("#stage", "Accepted");
}

#[test]
fn a_second_reading_and_a_print_are_asked_for_in_place() {
    let browser = browser();
    let mut station = a_station("", "");
    begins(&browser, &station);
    chooses(&browser, "1815", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Show the card once more");
    browser.is_for_everybody();
    station.reads(FIRST);
    browser.shows("#stage", "first card with facility code 123");
    browser.is_for_everybody();
    // A print that is another one is said, and the question stays.
    assert!(browser.has_focus("#print"), "the print is typed at once");
    browser.enters("4567");
    let accepted = browser.shows("#stage", "Accepted");
    assert!(accepted.contains("read twice") && accepted.contains("number matches the print"), "{accepted}");
    // The next card of that facility code is asked for its second reading only.
    chooses(&browser, "1906", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    browser.escapes();
    browser.shows("#stage", "Cancelled");
    browser.is_for_everybody();
    assert_eq!(station.entries().len(), 1);
}

/// A BluSKY in which Ada has the card.
fn of_ada() -> Simulator {
    let blusky = Simulator::start(&[]);
    let first = Site::at(&blusky.base_url, "").run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    blusky
}

#[test]
fn what_blusky_refuses_is_shown_in_its_own_words() {
    let browser = browser();
    let mut station = a_station_beside(of_ada(), ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    chooses(&browser, "hopper", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    let refused = browser.shows("#stage", "Refused");
    assert!(refused.contains("BluSKY: “"), "{refused}");
    browser.shows("#today", "Refused");
    browser.is_for_everybody();
    assert_eq!(station.entries(), [(json!(GRACE), json!("refused"))]);
}

#[test]
fn each_way_that_a_card_can_end_sounds_different_and_is_announced() {
    let browser = browser();
    let mut station = a_station_beside(of_ada(), ONE_IS_ENOUGH, "");
    browser.opens(&station.address);
    browser.runs(LISTENS, &[]);
    browser.enters("Kim");
    browser.shows("#stage", "Ready");
    let announces = "return document.querySelector('#stage').getAttribute('aria-live') !== null;";
    assert_eq!(browser.runs(announces, &[]), json!(true), "what happens is read out");
    let mut heard = Vec::new();
    for (name, frame, ends) in [("Grace", FIRST, "Refused"), ("Ada", SECOND, "Accepted")] {
        chooses(&browser, name, name);
        browser.shows("#stage", "Show the card now.");
        station.reads(frame);
        browser.shows("#stage", ends);
        heard.push(browser.runs("const all = window.heard; window.heard = []; return all;", &[]));
    }
    station.blusky.goes();
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(THIRD);
    browser.shows("#stage", "Saved");
    heard.push(browser.runs("return window.heard;", &[]));
    let pitches = |heard: &Value, of: &[u64]| heard.as_array().unwrap().ends_with(&of.iter().map(|pitch| json!(pitch)).collect::<Vec<_>>());
    assert!(pitches(&heard[0], &[220, 180]) && pitches(&heard[1], &[880, 1320]) && pitches(&heard[2], &[880]), "{heard:?}");
}

#[test]
fn the_days_list_is_filtered_printed_and_taken_along_by_keyboard() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    browser.opens(&station.address);
    browser.runs(LISTENS, &[]);
    browser.enters("Kim");
    browser.shows("#stage", "Ready");
    for (name, frame) in [("Ada", FIRST), ("Grace", SECOND)] {
        chooses(&browser, name, name);
        browser.shows("#stage", "Show the card now.");
        station.reads(frame);
        browser.shows("#stage", "Accepted");
    }
    browser.shows("#today", "Grace Hopper");
    browser.tabs_to("#today-filter");
    browser.types("lovelace");
    let shown = browser.shows("#today", "Ada Lovelace");
    assert!(!shown.contains("Grace Hopper"), "{shown}");
    // What comes meanwhile is filtered like the rest.
    browser.runs("document.querySelector('#search').focus();", &[]);
    chooses(&browser, "hopper", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(THIRD);
    browser.shows("#stage", "Accepted");
    assert!(!browser.shows("#today", "Ada Lovelace").contains("Grace Hopper"));
    browser.is_for_everybody();
    browser.tabs_to("#today [data-print]");
    browser.enters("");
    assert_eq!(browser.runs("return window.printed;", &[]), json!(1));
    // The file goes to the browser's folder; here it is read on its way.
    let saves = "
        HTMLAnchorElement.prototype.click = function () { window.name = this.download; };
        URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; document.body.dataset.saved = 'yes'; }); return '#'; };";
    browser.runs(saves, &[]);
    browser.tabs_to("#today a[data-download]");
    browser.enters("");
    browser.shows("body[data-saved]", "Ada Lovelace");
    let file = browser.runs("return window.name + '\\n' + window.saved;", &[]).as_str().unwrap().to_owned();
    let rows: Vec<&str> = file.lines().collect();
    assert_eq!((rows[0], rows[1], rows.len()), ("cardbridge-today.csv", "saved_at,person,card,state,blusky", 5));
    assert!(rows[2].contains("Ada Lovelace (1815)") && rows[2].contains("Accepted"), "{file}");
}

#[test]
fn a_list_that_is_dropped_on_the_page_is_begun_where_the_station_finds_it() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "rosters = \"lists\"\n");
    fs::create_dir(station.site.path("lists")).unwrap();
    fs::write(station.site.path("lists/monday.csv"), PEOPLE).unwrap();
    fs::write(station.site.path("tuesday.csv"), PEOPLE).unwrap();
    begins(&browser, &station);
    browser.drops(&station.site.path("tuesday.csv"));
    browser.shows("#failed", "tuesday.csv does not lie in the folder with lists.");
    browser.drops(&station.site.path("lists/monday.csv"));
    browser.shows("#roster", "monday.csv");
    browser.shows("#stage", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Grace Hopper");
}

#[test]
fn what_is_ordered_at_a_terminal_is_on_the_page_like_everything_else() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    let ordered = station.site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(ordered.code, 0, "{ordered:?}");
    let today = browser.shows("#today", "Accepted");
    assert!(today.contains("Ada Lovelace (1815)") && today.contains("4567"), "{today}");
}

#[test]
fn somebody_elses_card_is_given_only_after_a_yes() {
    let browser = browser();
    let mut station = a_station_beside(of_ada(), ONE_IS_ENOUGH, "[enroll]\nreassign = \"ask\"\n");
    begins(&browser, &station);
    let holder = |station: &Station| station.blusky.cards()[0]["Assignment"]["UserId"].clone();
    for (says_yes, ends, has_it) in [(false, "Refused", ADA), (true, "Accepted", GRACE)] {
        chooses(&browser, "hopper", "Grace Hopper");
        browser.shows("#stage", "Show the card now.");
        station.reads(FIRST);
        browser.shows("#stage", "Somebody has this card");
        browser.shows("#stage", "Take it from its holder and give it to Grace Hopper");
        browser.is_for_everybody();
        if says_yes {
            browser.tabs_to("#stage button.danger");
            browser.enters("");
        } else {
            browser.escapes();
        }
        browser.shows("#stage", ends);
        assert_eq!(holder(&station), json!(has_it));
    }
}

#[test]
fn a_card_shown_while_blusky_is_away_is_saved_and_accepted_once_it_is_back() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    let address = station.blusky.base_url.trim_start_matches("http://").to_owned();
    station.blusky.goes();
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    let saved = browser.shows("#stage", "It is sent when BluSKY can be reached again.");
    assert!(saved.contains("Saved"), "{saved}");
    browser.shows("#bar", "BluSKY away since");
    browser.is_for_everybody();
    station.blusky = Simulator::on(&address, &[]);
    browser.shows("#stage", "Accepted");
    browser.shows("#bar", "BluSKY answers");
    assert_eq!(station.entries(), [(json!(ADA), json!("accepted"))]);
}

#[test]
fn two_tabs_show_the_same_and_one_tap_is_one_enrollment() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    let first = browser.another_tab();
    browser.opens(&station.address);
    browser.shows("#stage", "Ready");
    chooses(&browser, "ada", "Ada Lovelace");
    let second = browser.another_tab();
    browser.goes_to(first.clone());
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    for tab in [second, first] {
        browser.goes_to(tab);
        browser.shows("#stage", "Accepted");
        browser.shows("#today", "Ada Lovelace");
    }
    assert_eq!((station.entries().len(), station.blusky.sent()), (1, 1));
}

#[test]
fn a_reader_that_is_unplugged_is_named_and_goes_on_once_it_is_back() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.unplugs();
    browser.shows("#bar", "desk: not there");
    browser.shows("#stage", "No reader is ready.");
    browser.is_for_everybody();
    station.plugs_in();
    browser.shows("#bar", "desk: ready");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Accepted");
    assert_eq!(station.entries().len(), 1);
}

#[test]
fn a_page_whose_station_is_killed_says_so_and_shows_the_truth_once_it_is_back() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Accepted");
    chooses(&browser, "grace", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.is_killed();
    browser.shows("#lost", "The station does not answer.");
    browser.is_for_everybody();
    station.starts();
    // Nobody waits for Grace's card any more, which is said, and Ada's entry is on disk.
    browser.shows("#stage", "The station was started again meanwhile. The card is not waited for any more: order it again.");
    assert!(!browser.page().contains("does not answer"), "{}", browser.page());
    browser.shows("#today", "Ada Lovelace");
    chooses(&browser, "grace", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(SECOND);
    browser.shows("#stage", "Accepted");
    assert_eq!(station.entries(), [(json!(ADA), json!("accepted")), (json!(GRACE), json!("accepted"))]);
}

#[test]
fn whoever_loads_the_page_anew_at_any_moment_goes_on_where_they_were() {
    let browser = browser();
    let mut station = a_station("", "");
    let goes_on = |shown: &str| {
        browser.shows("#stage", shown);
        browser.reloads();
        browser.shows("#stage", shown);
    };
    browser.opens(&station.address);
    browser.shows("#sign-in", "Your name");
    browser.reloads();
    browser.shows("#sign-in", "Your name");
    begins(&browser, &station);
    goes_on("Ready");
    browser.types("ada");
    browser.reloads();
    browser.shows("#stage", "Ready");
    chooses(&browser, "ada", "Ada Lovelace");
    goes_on("Show the card now.");
    station.reads(FIRST);
    goes_on("Show the card once more");
    station.reads(FIRST);
    goes_on("first card with facility code 123");
    assert!(browser.has_focus("#print"));
    browser.enters("4567");
    goes_on("Accepted");
    assert_eq!((station.entries().len(), station.blusky.sent()), (1, 1));
}

#[test]
fn a_smart_card_at_a_real_pcscd_is_a_tap_like_any_other() {
    let (browser, pcscd) = (browser(), Pcscd::start(1));
    let mut station = a_station(ONE_IS_ENOUGH, "");
    station.is_killed();
    station.site.env(pcscd.env());
    station.site.configure(&format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\nshows_within_s = 1\n[site]\nformats = [\"C1k35s\"]\nfacility_codes = [123]\n\
         [[card_type]]\nblusky = 3\nformats = [\"C1k35s\"]\nsystem = \"{SYSTEM}\"\n\
         [[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\n\
         [people]\nfile = \"people.csv\"\n[desk]\nlisten = \"{}\"\n",
        station.blusky.base_url, station.address
    ));
    station.starts();
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    let _card = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    let accepted = browser.shows("#stage", "Accepted");
    assert!(accepted.contains("456789"), "{accepted}");
    assert_eq!(station.entries(), [(json!(ADA), json!("accepted"))]);
}

#[test]
fn a_name_of_one_long_word_makes_the_page_no_wider_and_the_days_list_stays_in_line() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    let long = "Donaudampfschifffahrtsgesellschaft".repeat(4);
    station.is_killed();
    let people = format!("{PEOPLE}8991f3ac-26cd-4c60-9a78-ecca8f441632,{long},{long},2002\n");
    fs::write(station.site.path("people.csv"), people).unwrap();
    station.starts();
    begins(&browser, &station);
    browser.types("donau");
    browser.shows("#found", &long);
    browser.is_for_everybody();
    browser.enters("");
    browser.shows("#stage", "Show the card now.");
    browser.is_for_everybody();
    station.reads(FIRST);
    browser.shows("#stage", "Accepted");
    browser.is_for_everybody();
    browser.runs("document.querySelector('#stage form[data-call$=undo] button').click();", &[]);
    browser.shows("#today", "Taken back");
    chooses(&browser, "grace", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(SECOND);
    browser.shows("#today", "Grace Hopper");
    browser.shows("#today", "Undo");
    let edges =
        browser.runs("return [...document.querySelectorAll('#today .state')].map((state) => state.getBoundingClientRect().left);", &[]);
    let edges = edges.as_array().unwrap();
    assert!(edges.len() >= 3 && edges.iter().all(|edge| edge == &edges[0]), "{edges:?}");
}

#[test]
fn the_page_weighs_less_than_a_hundred_kilobytes() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    let loaded = browser.runs(
        "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
           .map((entry) => [new URL(entry.name).pathname, entry.transferSize]);",
        &[],
    );
    let loaded = loaded.as_array().unwrap();
    let weight: u64 = loaded.iter().map(|file| file[1].as_u64().unwrap()).sum();
    assert!(loaded.len() >= 3 && (5_000..100_000).contains(&weight), "{weight} bytes: {loaded:?}");
}

// ---- what is made and measured by hand

/// `make screenshots`: the pictures that the README shows.
#[test]
#[ignore = "it writes into this repository: make screenshots"]
fn pictures_for_the_readme() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    let paint = |name: &str| {
        fs::write(format!("{}/packaging/pictures/{name}.png", env!("CARGO_MANIFEST_DIR")), browser.picture()).unwrap();
    };
    begins(&browser, &station);
    browser.is_sized(1000, 660);
    for (name, found, card, then) in [
        ("ada", "Ada Lovelace", FIRST, "Accepted"),
        ("grace", "Grace Hopper", FIRST, "This card was given to"),
        ("", "Grace Hopper", SECOND, "Accepted"),
    ] {
        if name.is_empty() {
            browser.is_dark(true);
            paint("desk-question");
            browser.is_dark(false);
            browser.escapes();
            browser.shows("#stage", "Not enrolled");
        }
        chooses(&browser, if name.is_empty() { "grace" } else { name }, found);
        browser.shows("#stage", "Show the card now.");
        station.reads(card);
        browser.shows("#stage", then);
    }
    browser.shows("#bar", "BluSKY answers");
    paint("desk");
}

/// A card on the screen: when it can be seen, by the clock on the wall. A frame is painted after its callbacks, and a message posted
/// there comes after that.
const WATCH: &str = "
    window.seen = {};
    const channel = new MessageChannel();
    const shown = [];
    channel.port1.onmessage = () => { const now = performance.timeOrigin + performance.now(); while (shown.length) seen[shown.pop()] = now; };
    new MutationObserver(() => {
      const numbers = [...document.querySelectorAll('#stage dd.number')].map((number) => number.innerText);
      requestAnimationFrame(() => { shown.push(numbers.slice(0, 2).join(':')); channel.port2.postMessage(0); });
    }).observe(document.querySelector('#stage'), { subtree: true, childList: true });";
const SEEN: &str = "
    const [card, done] = arguments;
    const look = () => seen[card] === undefined ? requestAnimationFrame(look) : done(seen[card]);
    look();";

/// `cargo test --release --test browser -- --ignored --nocapture figures`
#[test]
#[ignore = "a figure, and no promise on a busy machine"]
fn figures_from_the_tap_to_the_pixel() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    browser.runs(WATCH, &[]);
    let mut took: Vec<f64> = (0..300)
        .map(|number| {
            let literal = support::h10301(123, 5000 + number);
            let frame = format!("1A{}\r", literal.trim_start_matches("{26}"));
            let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0;
            station.reads(frame.as_bytes());
            browser.waits(SEEN, &[format!("123:{}", 5000 + number).into()]).as_f64().unwrap() - began
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    eprintln!("{} taps, from the frame to the pixel: p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms", took.len(), at(50), at(99), at(100));
    assert!(took[0] > 0.0 && at(99) < 100.0, "{took:?}");
}
