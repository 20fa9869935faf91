//! What is promised of the kiosk page, seen in a browser: Chromium, the shipped binary, real ttys, a real pcscd, a simulated BluSKY.
//! Whoever stands here is alone, with a card and a code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stderr, reason = "figures are for people")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/cards.rs"]
mod cards;
#[path = "support/page.rs"]
mod page;
mod support;

use std::time::{Duration, Instant};

use browser::{Browser, browser};
use cardbridge::simulator::virtual_card::VirtualCard;
use cards::{pac_card, uid_card};
use page::{LISTENS, ONE_IS_ENOUGH, Setup, Station, Words};
use serde_json::{Value, json};
use support::{ADA, CARD, GRACE, SYSTEM, Simulator, Site, pcscd::Pcscd, wait_for};

/// H10301, facility code 123, card number 4567; 31/337; and the first one damaged.
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";
const DAMAGED: &[u8] = b"1ABD88EBC0\r";
const ADAS_CODE: &str = "47110815";
const GRACES_CODE: &str = "47111906";
const PEOPLE: &str = "user_id,first_name,last_name,employee_number,kiosk_code\n\
                      0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815,47110815\n\
                      8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906,47111906\n";

/// A station with a kiosk.
fn a_lobby(reader: &str, desk: &str, more: &str) -> Station {
    a_lobby_beside(Simulator::start(&[]), reader, desk, more)
}

fn a_lobby_beside(blusky: Simulator, reader: &str, desk: &str, more: &str) -> Station {
    let says = "the kiosk at lobby is opened by a browser that is started with";
    let desk = format!("kiosk = \"lobby\"\n{desk}\n{more}");
    Station::beside(blusky, &Setup { name: "lobby", reader, people: PEOPLE, desk: &desk, says })
}

/// The kiosk's browser is started.
fn opens(lobby: &Station, browser: &Browser) {
    browser.goes_on_to(&format!("file://{}", lobby.site.path("cardbridge.db.kiosk.html").display()));
    browser.is_led_on();
    browser.shows("#step", "Get your card here");
}

/// Somebody comes, takes their language and says who they are.
fn comes(browser: &Browser, language: &str, code: &str) {
    let words = Words::of(language);
    browser.shows("#step", "Get your card here");
    browser.presses(&format!("#step button[value={language}]"));
    browser.shows("#step", words.say("kiosk_who"));
    browser.enters(code);
}

/// What of somebody is left in the browser: in the page, its fields, its storage and its history. A short piece may stand in a key that is
/// drawn at random; of a person it is a word.
const LEFT: &str = "
    const left = [document.documentElement.outerHTML, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }),
      document.cookie, location.href, JSON.stringify(history.state), document.title,
      ...[...document.querySelectorAll('input')].map((field) => field.value),
      ...performance.getEntries().map((entry) => entry.name)].join('\\n');
    const word = (piece) => (piece.length < 6 ? `(?<![a-z0-9])${piece}(?![a-z0-9])` : piece);
    return arguments[0].filter((piece) => new RegExp(word(piece), 'i').test(left));";

fn nothing_is_left_of(browser: &Browser, pieces: &[&str]) {
    let pieces: Vec<Value> = pieces.iter().map(|piece| json!(piece)).collect();
    assert_eq!(browser.runs(LEFT, &[pieces.into()]), json!([]), "{}", browser.page());
}

/// One visit in a language, each step of it for everybody.
fn a_visit(language: &str) {
    let (browser, words) = (browser(), Words::of(language));
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    browser.is_for_everybody();
    comes(&browser, language, "not a code");
    browser.shows("#step", words.say("kiosk_unknown"));
    browser.is_for_everybody();
    browser.enters(ADAS_CODE);
    browser.shows("#step", words.say("kiosk_show"));
    let named = browser.shows("#step", "Ada L.");
    assert!(!named.contains("Lovelace") && !named.contains("1815"), "{named}");
    browser.is_for_everybody();
    lobby.reads(DAMAGED);
    browser.shows("#step", words.say("kiosk_damaged"));
    browser.is_for_everybody();
    lobby.reads(FIRST);
    let done = browser.shows("#step", words.say("kiosk_accepted_means"));
    assert!(!done.contains("4567") && !done.contains("123"), "no number of a card: {done}");
    browser.is_for_everybody();
    browser.shows("#step", "Get your card here");
    let entry = &lobby.site.outbox()[0];
    assert_eq!((&entry["user_id"], &entry["ordered_by"], &entry["state"]), (&json!(ADA), &json!("kiosk"), &json!("accepted")));
    // The same person again, who has done everything.
    comes(&browser, language, ADAS_CODE);
    browser.shows("#step", words.say("kiosk_already_means"));
    browser.is_for_everybody();
    assert_eq!(lobby.entries().len(), 1);
}

#[test]
fn a_code_and_a_tap_and_the_card_is_ready() {
    a_visit("en");
}

#[test]
fn a_code_and_a_tap_and_the_card_is_ready_in_german_too() {
    a_visit("de");
}

#[test]
fn what_is_wrong_and_what_is_done_sound_different() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    browser.runs(LISTENS, &[]);
    let words = Words::of("en");
    comes(&browser, "en", "not a code");
    browser.shows("#step", words.say("kiosk_unknown"));
    let heard = || browser.runs("const all = window.heard; window.heard = []; return all;", &[]);
    let wrong = heard();
    browser.enters(ADAS_CODE);
    browser.shows("#step", words.say("kiosk_show"));
    lobby.reads(FIRST);
    browser.shows("#step", words.say("kiosk_accepted_means"));
    let done = heard();
    assert!(wrong.as_array().unwrap().ends_with(&[json!(520), json!(520)]), "{wrong}");
    assert!(done.as_array().unwrap().ends_with(&[json!(880), json!(1320)]), "{done}");
}

#[test]
fn nothing_of_a_visitor_is_left_for_the_next_one_and_a_tap_is_done_within_ten_seconds() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    let steps = browser.runs("return history.length;", &[]);
    for (code, called, frame, next) in [(ADAS_CODE, "Ada L.", FIRST, GRACES_CODE), (GRACES_CODE, "Grace H.", SECOND, ADAS_CODE)] {
        comes(&browser, "de", "");
        // A slow second before the Enter, as a person types; the clock runs from there.
        browser.types(code);
        let began = Instant::now();
        browser.enters("");
        browser.shows("#step", called);
        browser.shows("#step", "Karte an den Leser halten");
        lobby.reads(frame);
        browser.shows("#step", "Ihre Karte ist fertig");
        let took = began.elapsed();
        eprintln!("from the code to done, with one tap: {} ms", took.as_millis());
        assert!(took < Duration::from_secs(10), "{took:?}");
        browser.presses("#step button[data-press=leave]");
        browser.shows("#step", "Get your card here");
        nothing_is_left_of(&browser, &["Ada", "Grace", "Lovelace", "Hopper", "1815", "1906", "0f83442e", "8991f3ac", "4567", code, next]);
        assert_eq!(browser.runs("return document.documentElement.lang;", &[]), json!("en"), "not even the language");
        assert_eq!(browser.runs("return history.length;", &[]), steps, "no step back leads to a visit");
    }
    assert_eq!(lobby.entries(), [(json!(ADA), json!("accepted")), (json!(GRACE), json!("accepted"))]);
}

#[test]
fn whoever_tries_codes_waits_longer_and_longer_and_a_right_code_in_between_is_not_taken() {
    let browser = browser();
    let lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    comes(&browser, "en", "00000001");
    browser.shows("#step", "This code is not known here.");
    // Ten tries, as fast as a machine: what comes in a pause is not looked at, be it right or wrong.
    let began = Instant::now();
    let tries = "
        const [codes, done] = arguments;
        (async () => {
          for (const code of codes) await press('code', code);
          done(true);
        })();";
    let codes: Vec<Value> = (2..=10).map(|number| json!(format!("0000000{number}"))).chain([json!(ADAS_CODE)]).collect();
    browser.waits(tries, &[codes.into()]);
    browser.shows("#step", "Too many wrong codes. Please wait");
    browser.is_for_everybody();
    assert!(!browser.page().contains("Ada"), "{}", browser.page());
    browser.shows("#step:has(#code)", "This code is not known here.");
    let first = began.elapsed();
    assert!(first >= Duration::from_secs(2), "{first:?}");
    let (began, mut last) = (Instant::now(), Duration::ZERO);
    for number in 1..=2 {
        browser.enters("4711");
        browser.shows("#step", "Please wait");
        browser.shows("#step:has(#code)", "This code is not known here.");
        let took = began.elapsed() - last;
        assert!(took >= Duration::from_secs(2 << number), "the pause grows: {took:?}");
        last = began.elapsed();
    }
    browser.enters(ADAS_CODE);
    browser.shows("#step", "Ada L.");
    assert_eq!(lobby.entries().len(), 0);
}

/// A BluSKY in which Ada has the card.
fn of_ada() -> Simulator {
    let blusky = Simulator::start(&[]);
    let first = Site::at(&blusky.base_url, "").run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    blusky
}

#[test]
fn a_card_that_somebody_holds_stays_theirs_and_whoever_has_one_gets_no_second_one() {
    let browser = browser();
    let mut lobby = a_lobby_beside(of_ada(), ONE_IS_ENOUGH, "", "[enroll]\nreassign = \"always\"\n");
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "You have a card already.");
    browser.is_for_everybody();
    browser.presses("#step button[data-press=leave]");
    comes(&browser, "en", GRACES_CODE);
    browser.shows("#step", "Hold your card to the reader");
    lobby.reads(FIRST);
    browser.shows("#step", "Please see the front desk");
    browser.shows("#step", "This card was not accepted.");
    browser.is_for_everybody();
    let takes = |body: &Value| body["ReassignCardIfAlreadyAssigned"] == true;
    assert!(lobby.blusky.bodies().len() >= 2 && !lobby.blusky.bodies().iter().any(takes), "{:#?}", lobby.blusky.bodies());
    assert_eq!(lobby.blusky.cards()[0]["Assignment"]["UserId"], json!(ADA));
    // The front desk is asked, and nobody else.
    browser.is_nobodys();
    browser.opens(&lobby.address);
    browser.shows("#sign-in", "cardbridge");
    browser.enters("Kim");
    browser.shows("#outbox", "Somebody has this card");
    browser.shows("#outbox", "Grace Hopper");
    browser.is_for_everybody();
}

#[test]
fn a_first_facility_code_is_asked_of_the_front_desk_and_answered_there() {
    let browser = browser();
    let mut lobby = a_lobby("", "", "");
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    lobby.reads(FIRST);
    browser.shows("#step", "Once more, please");
    browser.is_for_everybody();
    lobby.reads(FIRST);
    browser.shows("#step", "the front desk knows about it");
    let asked = browser.page();
    assert!(!asked.contains("123") && !asked.contains("facility"), "a stranger is asked nothing: {asked}");
    browser.is_for_everybody();
    browser.presses("#step button[data-press=leave]");
    browser.shows("#step", "Get your card here");
    // This browser is the kiosk's, and opens nothing else.
    browser.opens(&lobby.address);
    browser.shows("body", "this browser is the kiosk's");
    browser.is_nobodys();
    browser.opens(&lobby.address);
    browser.shows("#sign-in", "cardbridge");
    browser.enters("Kim");
    browser.shows("#front-desk", "Ada Lovelace (1815)");
    browser.shows("#front-desk", "first card with facility code 123");
    browser.is_for_everybody();
    browser.presses("#front-desk input[name=printed]");
    browser.enters("4567");
    browser.shows("#today", "Accepted");
    browser.shows("#today", "Ada Lovelace (1815)");
    assert_eq!(browser.runs("return document.querySelector('#front-desk').innerText;", &[]), json!(""));
    assert_eq!(lobby.entries(), [(json!(ADA), json!("accepted"))]);
    // The next visitor's card of that facility code is asked nothing any more.
    opens(&lobby, &browser);
    comes(&browser, "en", GRACES_CODE);
    browser.shows("#step", "Hold your card to the reader");
    let frame = format!("1A{}\r", support::h10301(123, 4568).trim_start_matches("{26}"));
    lobby.reads(frame.as_bytes());
    browser.shows("#step", "Your card is ready");
}

#[test]
fn a_telephone_is_told_and_a_smart_card_at_a_real_pcscd_is_taken() {
    let (browser, pcscd) = (browser(), Pcscd::start(1));
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    lobby.is_killed();
    lobby.site.env(pcscd.env());
    lobby.site.configure(&format!(
        "[blusky]\nbase_url = \"{}\"\ntoken_file = \"token\"\nshows_within_s = 1\n[site]\nformats = [\"C1k35s\"]\nfacility_codes = [123]\n\
         [[card_type]]\nblusky = 3\nformats = [\"C1k35s\"]\nsystem = \"{SYSTEM}\"\n\
         [[reader]]\nname = \"lobby\"\npcsc = \"cardbridge virtual reader*\"\n\
         [people]\nfile = \"people.csv\"\n[desk]\nlisten = \"{}\"\nkiosk = \"lobby\"\n",
        lobby.blusky.base_url, lobby.address
    ));
    lobby.starts();
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    let phone = VirtualCard::insert(pcscd.addr(0), uid_card("08 A1 B2 C3")).unwrap();
    browser.shows("#step", "That was a phone");
    browser.is_for_everybody();
    drop(phone);
    let _card = VirtualCard::insert(pcscd.addr(0), pac_card()).unwrap();
    browser.shows("#step", "Your card is ready");
    assert_eq!(lobby.entries(), [(json!(ADA), json!("accepted"))]);
}

#[test]
fn while_blusky_is_away_saved_is_enough_and_whoever_nobody_can_tell_about_goes_to_the_front_desk() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    let address = lobby.blusky.base_url.trim_start_matches("http://").to_owned();
    lobby.blusky.goes();
    lobby.reads(FIRST);
    browser.shows("#step", "It works at the doors once the network is back.");
    browser.is_for_everybody();
    browser.shows("#step", "Get your card here");
    comes(&browser, "en", GRACES_CODE);
    browser.shows("#step", "cannot be told here");
    browser.is_for_everybody();
    // Whoever is saved stays saved, and is told so.
    browser.presses("#step button[data-press=leave]");
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Your card is saved already");
    assert_eq!(lobby.entries(), [(json!(ADA), json!("saved"))]);
    lobby.blusky = Simulator::on(&address, &[]);
    lobby.site.wait_for_outbox(|entries| entries.iter().all(|entry| entry["state"] == "accepted"));
    browser.presses("#step button[data-press=leave]");
    comes(&browser, "en", GRACES_CODE);
    browser.shows("#step", "Hold your card to the reader");
    lobby.reads(SECOND);
    browser.shows("#step", "Your card is ready");
}

#[test]
fn a_power_cut_between_saved_and_shown_costs_nobody_a_card_and_the_page_comes_back_by_itself() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    comes(&browser, "de", ADAS_CODE);
    browser.shows("#step", "Karte an den Leser halten");
    // The entry is saved, and nothing more comes of it.
    let address = lobby.blusky.base_url.trim_start_matches("http://").to_owned();
    lobby.blusky.goes();
    lobby.reads(FIRST);
    wait_for("the entry to be on disk", || (!lobby.entries().is_empty()).then_some(()));
    lobby.is_killed();
    let lost = browser.shows("#lost:not([hidden])", "Bitte zum Empfang gehen");
    assert!(!lost.contains("front desk"), "in the language that was chosen: {lost}");
    browser.is_for_everybody();
    nothing_is_left_of(&browser, &["Ada", ADAS_CODE]);
    lobby.starts();
    browser.shows("#step", "Get your card here");
    comes(&browser, "de", ADAS_CODE);
    browser.shows("#step", "Ihre Karte ist schon gespeichert");
    lobby.blusky = Simulator::on(&address, &[]);
    assert_eq!(lobby.site.wait_for_outbox(|entries| entries[0]["state"] == "accepted").len(), 1);
    assert_eq!(lobby.blusky.cards().len(), 1);
}

#[test]
fn a_browser_that_is_started_before_its_station_waits_for_it() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    lobby.is_killed();
    browser.goes_on_to(&format!("file://{}", lobby.site.path("cardbridge.db.kiosk.html").display()));
    browser.shows("body", "One moment");
    browser.shows("#lost:not([hidden])", "Please see the front desk");
    browser.is_for_everybody();
    lobby.starts();
    browser.is_led_on();
    browser.shows("#step", "Get your card here");
    let key = browser.runs("return [location.hash, location.pathname];", &[]);
    assert_eq!(key, json!(["", "/kiosk"]), "the key stands in no address");
}

#[test]
fn a_page_that_has_crashed_is_told_to_whoever_starts_a_new_browser() {
    let browser = browser();
    let lobby = a_lobby(ONE_IS_ENOUGH, "kiosk_timeout_s = 5", "");
    let lost = lobby.site.path("cardbridge.db.kiosk.lost");
    let first = browser.another_tab();
    opens(&lobby, &browser);
    // What a crash looks like from the station: the page no longer listens, and its browser lives on.
    browser.closes_for(first);
    wait_for("the page to be missed", || lost.exists().then_some(()));
    opens(&lobby, &browser);
    wait_for("the page to be found", || (!lost.exists()).then_some(()));
}

#[test]
fn it_asks_whether_somebody_is_there_and_goes_back_to_its_start_by_itself() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "kiosk_timeout_s = 8", "");
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    browser.shows("#step", "Are you still there?");
    browser.is_for_everybody();
    browser.presses("#step button[data-press=stay]");
    browser.shows("#step:not(:has([data-press=stay]))", "Hold your card to the reader");
    browser.shows("#step", "Are you still there?");
    browser.shows("#step", "Get your card here");
    nothing_is_left_of(&browser, &["Ada", ADAS_CODE]);
    // A card that comes too late is nobody's.
    lobby.reads(FIRST);
    comes(&browser, "en", GRACES_CODE);
    browser.shows("#step", "Hold your card to the reader");
    lobby.reads(SECOND);
    browser.shows("#step", "Your card is ready");
    let entries = lobby.site.outbox();
    assert_eq!((entries.len(), &entries[0]["card"]["card_number"]), (1, &json!(337)), "{entries:#?}");
}

#[test]
fn a_reader_that_is_unplugged_closes_the_kiosk_in_every_language_until_it_is_back() {
    let browser = browser();
    let mut lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    lobby.unplugs();
    browser.shows("#step", "Please see the front desk");
    browser.shows("#step", "Bitte zum Empfang gehen");
    browser.is_for_everybody();
    lobby.plugs_in();
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    lobby.unplugs();
    browser.shows("#step", "The reader is not ready.");
    browser.is_for_everybody();
    lobby.plugs_in();
    browser.shows("#step", "Hold your card to the reader");
    lobby.reads(FIRST);
    browser.shows("#step", "Your card is ready");
    assert_eq!(lobby.entries(), [(json!(ADA), json!("accepted"))]);
}

#[test]
fn there_is_no_way_out_of_the_page() {
    let browser = browser();
    let lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    opens(&lobby, &browser);
    comes(&browser, "en", "");
    let ways = "
        const prevented = (type, more) => {
          const event = new (type === 'keydown' ? KeyboardEvent : MouseEvent)(type, { bubbles: true, cancelable: true, ...more });
          document.querySelector('#step').dispatchEvent(event);
          return event.defaultPrevented;
        };
        const keys = [['p', { ctrlKey: true }], ['l', { ctrlKey: true }], ['t', { ctrlKey: true }], ['ArrowLeft', { altKey: true }], ['F5', {}], ['F12', {}]];
        return [document.querySelectorAll('a, iframe, [target]').length, prevented('contextmenu', {}),
          keys.every(([key, more]) => prevented('keydown', { key, ...more })), prevented('keydown', { key: 'a' })];";
    assert_eq!(browser.runs(ways, &[]), json!([0, true, true, false]));
    let field = browser.runs("const field = document.querySelector('#code'); return [field.autocomplete, field.form.autocomplete];", &[]);
    assert_eq!(field, json!(["off", "off"]));
    // The keypad on the screen types, too.
    browser.presses("#step [data-type='4']");
    browser.presses("#step [data-type='7']");
    browser.presses("#step [data-type='']");
    assert_eq!(browser.runs("return document.querySelector('#code').value;", &[]), json!("4"));
}

/// `make screenshots`: the picture of the kiosk that the README shows.
#[test]
#[ignore = "it writes into this repository: make screenshots"]
fn pictures_for_the_readme() {
    let browser = browser();
    let lobby = a_lobby(ONE_IS_ENOUGH, "", "");
    browser.is_sized(1000, 660);
    opens(&lobby, &browser);
    comes(&browser, "en", ADAS_CODE);
    browser.shows("#step", "Hold your card to the reader");
    std::fs::write(format!("{}/packaging/pictures/kiosk.png", env!("CARGO_MANIFEST_DIR")), browser.picture()).unwrap();
}
