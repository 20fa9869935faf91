//! The kiosk's page beside the desk's, spoken as a browser speaks: who is the kiosk, and what a kiosk may do.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{Answer, Browser, FIRST, SECOND, Station, hidden, support::wait_for};

const PEOPLE: &str = "user_id,first_name,last_name,employee_number,kiosk_code\n\
                      0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815,47110815\n\
                      8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906,\n";

/// A station with a kiosk at its reader.
fn lobby(reader: &str, more: &str) -> Station {
    let mut station = Station::with(reader, "kiosk = \"desk\"\n");
    let configured = fs::read_to_string(station.site.path("cardbridge.toml")).unwrap();
    station.run.take().unwrap().kill();
    station.site.configure(&configured.replace("kiosk = \"desk\"\n", &format!("kiosk = \"desk\"\n{more}")));
    fs::write(station.site.path("people.csv"), PEOPLE).unwrap();
    station.start();
    station
}

/// The kiosk's key, as its start file has it.
fn key(station: &Station) -> String {
    let start = fs::read_to_string(station.site.path("cardbridge.db.kiosk.html")).unwrap();
    start.split("const key = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The browser that has the key.
struct Kiosk {
    browser: Browser,
    key: String,
}

impl Kiosk {
    fn of(station: &Station) -> Self {
        let browser = Browser { address: station.address.clone(), cookie: String::new(), key: String::new() };
        Self { browser, key: key(station) }
    }

    fn head(&self) -> String {
        format!("{}Cardbridge-Kiosk: {}\r\n", self.browser.usual(), self.key)
    }

    /// What the page shows now: the visit and the step.
    fn shows(&self, text: &str) -> (u64, String) {
        wait_for(text, || {
            let (visit, step) = self.looks();
            step.contains(text).then_some((visit, step))
        })
    }

    fn looks(&self) -> (u64, String) {
        use std::io::{BufRead, BufReader, Write};
        let mut stream = std::net::TcpStream::connect(&self.browser.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        write!(stream, "GET /kiosk/events HTTP/1.1\r\n{}\r\n", self.head()).unwrap();
        let told = BufReader::new(stream).lines().map_while(Result::ok).find_map(|line| Some(line.strip_prefix("data:")?.to_owned()));
        let told: Value = serde_json::from_str(&told.unwrap()).unwrap();
        (told["visit"].as_u64().unwrap(), told["step"].as_str().unwrap().to_owned())
    }

    fn presses(&self, press: &str, value: &str) -> Answer {
        let (visit, _) = self.looks();
        self.browser.posts_as("/kiosk/press", &self.head(), &json!({"visit": visit, "press": press, "value": value}))
    }

    fn enters(&self, code: &str) {
        self.shows("Get your card here");
        assert_eq!(self.presses("language", "en").status, 204);
        self.shows("Who are you?");
        assert_eq!(self.presses("code", code).status, 204);
    }
}

#[test]
fn only_the_browser_with_the_kiosks_key_is_the_kiosk_and_it_is_nothing_else() {
    let mut station = lobby("proof = 1", "");
    let (kiosk, path) = (Kiosk::of(&station), station.site.path("cardbridge.db.kiosk.html"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "another user of this machine does not read it");
    assert_eq!(kiosk.key.len(), 64);
    kiosk.shows("Get your card here");
    // Without the key, with a part of it, or with another one, nobody is the kiosk.
    let stranger = &kiosk.browser;
    for key in ["", "0", &kiosk.key[..63], &kiosk.key.replace(&kiosk.key[..1], "x"), &"0".repeat(64)] {
        let head = format!("{}Cardbridge-Kiosk: {key}\r\n", stranger.usual());
        let press = stranger.posts_as("/kiosk/press", &head, &json!({"visit": 1, "press": "language", "value": "en"}));
        let look = stranger.sends(&format!("GET /kiosk/events HTTP/1.1\r\nConnection: close\r\n{head}\r\n"));
        assert_eq!((press.status, look.status), (401, 401), "{key:?}");
    }
    // The page itself and its files show nothing of anybody.
    for path in ["/kiosk", "/kiosk/kiosk.js", "/kiosk/kiosk.css"] {
        let answer = stranger.gets(path);
        assert!(answer.status == 200 && !answer.body.contains(&kiosk.key) && !answer.body.contains("Ada"), "{path}: {answer:?}");
    }
    // The kiosk's key opens no desk and no API; the kiosk's browser is let in nowhere else.
    for path in ["/v1/people?q=a", "/v1/station", "/v1/outbox", "/v1/notices", "/desk/people?q=a", "/desk/events", "/desk/today.csv"] {
        let answer = stranger.sends(&format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{}\r\n", kiosk.head()));
        assert_eq!(answer.status, 401, "{path}");
        let head = format!("{}Cookie: cardbridge_kiosk=1\r\n", kiosk.head());
        let answer = stranger.sends(&format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{head}\r\n"));
        assert_eq!(answer.status, 403, "{path}");
    }
    let head = format!("{}Cookie: other=1; cardbridge_kiosk=1\r\n", stranger.usual());
    assert_eq!(stranger.sends(&format!("GET /metrics HTTP/1.1\r\nConnection: close\r\n{head}\r\n")).status, 403);
    assert_eq!(stranger.posts_as("/desk/sign-in", &head, &json!({"name": "Kim"})).status, 403);
    assert_eq!(stranger.sends(&format!("GET / HTTP/1.1\r\nConnection: close\r\n{head}\r\n")).status, 403);
    // Another page cannot press anything, and reads nothing.
    let elsewhere = format!("Host: {}\r\nOrigin: http://evil.example\r\nCardbridge-Kiosk: {}\r\n", station.address, kiosk.key);
    let press = stranger.posts_as("/kiosk/press", &elsewhere, &json!({"visit": 1, "press": "language", "value": "en"}));
    assert_eq!(press.status, 403);
    let there =
        format!("GET /kiosk/there HTTP/1.1\r\nConnection: close\r\nHost: {}\r\nSec-Fetch-Site: cross-site\r\n\r\n", station.address);
    let there = stranger.sends(&there);
    assert!(there.status == 204 && there.body.is_empty(), "{there:?}");
    // What is no press is none, and does no harm.
    for (press, value) in [("language", "xx"), ("enroll", ""), ("", ""), ("answer", "yes")] {
        assert_eq!(kiosk.presses(press, value).status, 400, "{press}");
    }
    assert!(kiosk.looks().1.contains("Get your card here"));
    // The key stays over a restart, so that the browser goes on by itself.
    let before = kiosk.key;
    station.restart();
    assert_eq!(key(&station), before);
}

#[test]
fn a_desk_without_a_readers_name_takes_no_card_from_the_kiosk_and_a_visitor_takes_none_from_a_desk() {
    let mut station = lobby("proof = 1", "");
    let desk = Browser { address: station.address.clone(), cookie: String::new(), key: String::new() };
    let answer = desk.posts("/desk/sign-in", json!({"name": "Kim", "reader": ""}));
    let desk = desk.signed_in(&answer);
    let ordered = desk.posts("/desk/enroll", json!({"user": "1906", "person": "Grace Hopper"}));
    assert!(ordered.status == 400 && ordered.body.contains("only reader is the kiosk's"), "{ordered:?}");
    let kiosk = Kiosk::of(&station);
    kiosk.enters("47110815");
    kiosk.shows("Hold your card to the reader");
    station.reader.send(FIRST);
    kiosk.shows("Your card is ready");
    let entry = &station.site.outbox()[0];
    assert_eq!((&entry["ordered_by"], &entry["reader"]), (&json!("kiosk"), &json!("desk")));
    // Whoever names the reader has it.
    let named = station.browser();
    assert_eq!(named.posts("/desk/enroll", json!({"user": "1906", "person": "Grace Hopper"})).status, 200);
    named.looks().shows("stage", "Show the card now.");
    station.reader.send(SECOND);
    station.site.wait_for_outbox(|entries| entries.len() == 2);
}

#[test]
fn an_employee_number_is_no_code_unless_the_site_says_that_it_is_enough() {
    let station = lobby("proof = 1", "");
    let kiosk = Kiosk::of(&station);
    kiosk.enters("1906");
    kiosk.shows("This code is not known here.");
    drop(station);
    let station = lobby("proof = 1", "kiosk_without_code = true\n");
    let kiosk = Kiosk::of(&station);
    kiosk.enters("1906");
    kiosk.shows("Grace H.");
}

#[test]
fn a_card_that_was_just_given_is_a_question_for_the_front_desk_and_a_no_leaves_it_where_it_is() {
    let mut station = lobby("proof = 1", "");
    let desk = station.browser();
    assert_eq!(desk.posts("/desk/enroll", json!({"user": "1906", "person": "Grace Hopper"})).status, 200);
    let mut page = desk.looks();
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    let kiosk = Kiosk::of(&station);
    kiosk.enters("47110815");
    kiosk.shows("Hold your card to the reader");
    station.reader.send(FIRST);
    let (_, step) = kiosk.shows("Please see the front desk");
    assert!(!step.contains("Grace"), "a stranger learns no name: {step}");
    let asked = page.shows("front-desk", "Ada Lovelace (1815)");
    assert!(asked.contains("Grace Hopper"), "{asked}");
    let answer = json!({"order": hidden(&asked, "order"), "question": hidden(&asked, "question"), "answer": "no"});
    assert_eq!(desk.posts("/desk/answer", answer).status, 200);
    wait_for("the question to go", || desk.looks().shows("today", "Grace").contains("Grace").then_some(()));
    assert_eq!(station.site.outbox().len(), 1);
}

#[test]
fn a_list_without_codes_closes_the_kiosk_until_there_are_some() {
    let station = lobby("proof = 1", "");
    let kiosk = Kiosk::of(&station);
    kiosk.shows("Get your card here");
    fs::write(station.site.path("people.csv"), super::PEOPLE).unwrap();
    kiosk.shows("Please see the front desk");
    fs::write(station.site.path("people.csv"), PEOPLE).unwrap();
    kiosk.shows("Get your card here");
}
