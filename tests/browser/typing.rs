//! What is promised to whoever types faster than the station answers, and while something is asked.

use std::fs;

use serde_json::json;

use super::{
    FIRST, GRACE, ONE_IS_ENOUGH, PEOPLE, SECOND, Words, a_station, begins,
    browser::{Browser, browser},
    chooses, presses_4567, ties,
};

/// From now on each call whose address holds a text waits until it is let go, or fails as without a network.
const HOLDS: &str = "
    const [text, fails] = arguments;
    const real = window.fetch;
    window.held = [];
    window.answered = 0;
    window.fetch = (path, options) => {
      if (!String(path).includes(text)) return real(path, options);
      if (fails) return Promise.reject(new TypeError('Failed to fetch'));
      return new Promise((resolve) => window.held.push(resolve)).then(() => real(path, options)).finally(() => { window.answered += 1; });
    };";
/// Longer than a search waits for the next letter.
const LETS_GO: &str = "
    const done = arguments[arguments.length - 1];
    setTimeout(() => { window.held.forEach((go) => go()); done(); }, 200);";
/// Lets two calls go that wait, where both do the later one first, until both are answered.
const LETS_GO_BACKWARDS: &str = "
    const done = arguments[arguments.length - 1];
    const next = () => {
      const go = window.held.pop();
      if (go) go();
      if (window.answered === 2) done(); else setTimeout(next, 50);
    };
    next();";
/// Presses a key on the first thing at the stage that the page gives the focus, at once.
const PRESSES_AT_ONCE: &str = "
    const press = (event) => {
      if (!event.target.closest('#stage')) return;
      document.removeEventListener('focusin', press);
      const key = new KeyboardEvent('keydown', { key: '1', bubbles: true, cancelable: true });
      setTimeout(() => { event.target.dispatchEvent(key); document.body.dataset.pressed = key.defaultPrevented ? 'dropped' : 'taken'; });
    };
    document.addEventListener('focusin', press);";

/// Types this in the place of what stands in the field.
fn types_anew(browser: &Browser, text: &str) {
    browser.types(&format!("\u{E009}a\u{E000}{text}"));
}

#[test]
fn enter_takes_the_first_of_whoever_was_found_for_what_stands_there_and_nobody_else() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    browser.types("ada l");
    browser.shows("#found", "Ada Lovelace");
    browser.runs(HOLDS, &[json!("q=grace"), json!(false)]);
    types_anew(&browser, "grace\u{E007}");
    browser.waits(LETS_GO, &[]);
    let stage = browser.shows("#stage", "Show the card now.");
    assert!(stage.contains("Grace Hopper"), "{stage}");
}

#[test]
fn a_search_that_fails_orders_nothing_and_says_so_in_the_words_of_the_page() {
    let browser = browser();
    let words = Words::of("de");
    let station = a_station(ONE_IS_ENOUGH, "language = \"de\"\n");
    browser.opens(&station.address);
    browser.shows("#sign-in", "cardbridge");
    browser.enters("Kim");
    browser.shows("#stage", words.say("free"));
    browser.types("ada l");
    browser.shows("#found", "Ada Lovelace");
    browser.runs(HOLDS, &[json!("/desk/people"), json!(true)]);
    browser.enters("");
    browser.shows("#failed", words.say("unanswered"));
    browser.is_for_everybody();
    assert_eq!(browser.runs("return document.querySelector('#found').innerHTML;", &[]), json!(""));
    browser.shows("#stage", words.say("free"));
}

#[test]
fn a_question_takes_nobody_away_from_a_name_that_they_type() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    ties(&mut station);
    begins(&browser, &station);
    chooses(&browser, "ada", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    browser.types("19");
    station.reads(FIRST);
    browser.shows("#stage", "Several formats fit");
    assert!(browser.has_focus("#search"), "the rest of the number is typed there");
    browser.types("06");
    browser.shows("#found", "Grace Hopper");
    browser.enters("");
    let stage = browser.shows("#stage", "Show the card now.");
    assert!(stage.contains("Grace Hopper") && station.entries().is_empty(), "{stage}");
    // Nobody types: the question has the focus, and a key that came just as it moved is no answer.
    browser.runs(PRESSES_AT_ONCE, &[]);
    station.reads(FIRST);
    browser.shows("body[data-pressed=dropped]", "Several formats fit");
    browser.is_for_everybody();
    assert!(browser.has_focus("#stage .choices button") && station.entries().is_empty());
    presses_4567(&browser);
    browser.shows("#stage", "Accepted");
}

#[test]
fn a_letter_in_the_field_for_the_print_is_no_command_to_the_list() {
    let browser = browser();
    let mut station = a_station("", "rosters = \"lists\"\n");
    fs::create_dir(station.site.path("lists")).unwrap();
    fs::write(station.site.path("lists/monday.csv"), PEOPLE).unwrap();
    begins(&browser, &station);
    browser.drops(&station.site.path("lists/monday.csv"));
    browser.shows("#stage", "Ada Lovelace");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Show the card once more");
    station.reads(FIRST);
    browser.shows("#stage", "first card with facility code 123");
    browser.is_for_everybody();
    assert!(browser.has_focus("#print"));
    browser.types("s");
    assert_eq!(browser.runs("return document.querySelector('#print').value;", &[]), json!("s"));
    browser.shows("#stage", "Ada Lovelace");
}

#[test]
fn whoever_has_no_card_to_lose_leaves_the_keyboard_in_the_search() {
    let browser = browser();
    let station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    browser.types("grace");
    browser.shows("#found", "Grace Hopper");
    browser.tabs_to("#found form[data-fill] button");
    browser.enters("");
    browser.shows("#found", "No card of theirs is known.");
    assert!(browser.has_focus("#search"));
}

#[test]
fn of_two_who_are_chosen_quickly_while_the_station_is_slow_the_later_one_is_waited_for_and_nobody_else() {
    let browser = browser();
    let mut station = a_station(ONE_IS_ENOUGH, "");
    begins(&browser, &station);
    browser.runs(HOLDS, &[json!("/desk/enroll"), json!(false)]);
    for (name, found) in [("ada", "Ada Lovelace"), ("grace", "Grace Hopper")] {
        browser.runs("document.querySelector('#search').focus();", &[]);
        types_anew(&browser, name);
        browser.shows("#found", found);
        browser.presses("#found form[data-call='/desk/enroll'] button");
    }
    browser.waits(LETS_GO_BACKWARDS, &[]);
    browser.shows("#stage", "Grace Hopper");
    browser.shows("#stage", "Show the card now.");
    station.reads(FIRST);
    browser.shows("#stage", "Accepted");
    station.reads(SECOND);
    browser.shows("#stage", "A card was shown");
    assert_eq!(station.entries(), [(json!(GRACE), json!("accepted"))]);
}
