//! What is promised of the desk page, spoken as a browser speaks: who may come in, what is shown, what can be done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
#[path = "desk/another.rs"]
mod another;
#[path = "desk/kiosk.rs"]
mod kiosk;
#[path = "desk/known.rs"]
mod known;
#[path = "desk/leaving.rs"]
mod leaving;
#[path = "desk/outbox.rs"]
mod outbox;
#[path = "desk/people.rs"]
mod people;
#[path = "desk/policy.rs"]
mod policy;
#[allow(dead_code, reason = "a part of it is enough here")]
#[path = "support/peer.rs"]
mod peer;
#[path = "desk/rosters.rs"]
mod rosters;
mod support;
#[path = "desk/tls.rs"]
mod tls;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use cards::Followed;
use serde_json::{Value, json};
use support::{ADA, SerialReader, Simulator, Site, wait_for};

/// H10301, facility code 123, card number 4567; and 31/337.
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";
const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,1815\n\
                      8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n";

/// A station with a page. It goes first: it would take whatever line gets the reader's name next.
struct Station {
    run: Option<Followed>,
    address: String,
    blusky: Simulator,
    site: Site,
    reader: SerialReader,
}

impl Station {
    fn with(reader: &str, more: &str) -> Self {
        let (blusky, plugged) = (Simulator::start(&[]), SerialReader::plug_in());
        let reader = plugged.configuration("desk", "twn3-hidprox", reader);
        let site =
            Site::at(&blusky.base_url, &format!("{reader}[people]\nfile = \"people.csv\"\n[desk]\nlisten = \"127.0.0.1:0\"\n{more}"));
        std::fs::write(site.path("people.csv"), PEOPLE).unwrap();
        let mut station = Self { run: None, address: String::new(), blusky, site, reader: plugged };
        station.start();
        station
    }

    fn start(&mut self) {
        let (run, address) = serve(&self.site);
        (self.run, self.address) = (Some(run), address);
    }

    /// Kills it, and starts it again.
    fn restart(&mut self) {
        self.run.take().unwrap().kill();
        self.start();
    }

    /// A browser whose operator has signed in.
    fn browser(&self) -> Browser {
        Browser::at(&self.address, "Kim")
    }
}

/// A station at work, and where its page is.
fn serve(site: &Site) -> (Followed, String) {
    let mut run = Followed::start(site.command(&["run"]));
    let said = run.hears("the desk page is at http://");
    let address = said.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
    run.hears("desk: there");
    (run, address)
}

#[derive(Clone)]
struct Browser {
    address: String,
    cookie: String,
    key: String,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Browser {
    /// A browser at whose page this operator has signed in.
    fn at(address: &str, name: &str) -> Self {
        let browser = Self { address: address.to_owned(), cookie: String::new(), key: String::new() };
        let answer = browser.posts("/desk/sign-in", json!({"name": name, "reader": "desk"}));
        browser.signed_in(&answer)
    }

    fn signed_in(mut self, answer: &Answer) -> Self {
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_else(|| panic!("{answer:?}"));
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        self.key = answer.json()["key"].as_str().unwrap().to_owned();
        self
    }

    /// What a browser sends by itself from this page.
    fn usual(&self) -> String {
        format!("Host: {0}\r\nOrigin: http://{0}\r\nSec-Fetch-Site: same-origin\r\n", self.address)
    }

    fn session(&self) -> String {
        format!("Cookie: {}\r\nCardbridge-Desk: {}\r\n", self.cookie, self.key)
    }

    fn sends(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is closed early is an answer too.
        drop(stream.read_to_end(&mut answer));
        Answer::of(&String::from_utf8_lossy(&answer))
    }

    fn gets(&self, path: &str) -> Answer {
        self.sends(&format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{}{}\r\n", self.usual(), self.session()))
    }

    fn posts(&self, path: &str, body: Value) -> Answer {
        self.posts_as(path, &(self.usual() + &self.session()), &body)
    }

    fn posts_as(&self, path: &str, head: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let length = body.len();
        self.sends(&format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{head}\r\n{body}"
        ))
    }

    /// The pieces of the page, as they come.
    fn looks(&self) -> Pieces {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET /desk/events HTTP/1.1\r\n{}{}\r\n", self.usual(), self.session()).unwrap();
        Pieces { lines: BufReader::new(stream), shown: json!({}) }
    }
}

struct Pieces {
    lines: BufReader<TcpStream>,
    shown: Value,
}

impl Pieces {
    /// Waits until a piece of the page says this.
    fn shows(&mut self, piece: &str, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "{text:?} is not shown: {:#}", self.shown);
            let now = self.shown[piece].as_str().unwrap_or_default();
            if now.contains(text) {
                return now.to_owned();
            }
            let mut line = String::new();
            let read = self.lines.read_line(&mut line);
            assert!(read.as_ref().is_ok_and(|count| *count > 0), "{text:?} was never shown: {read:?} {:#}", self.shown);
            let Some(event) = line.strip_prefix("data:") else { continue };
            let event: Value = serde_json::from_str(event).unwrap();
            event.as_object().unwrap().iter().for_each(|(place, html)| self.shown[place] = html.clone());
        }
    }
}

impl Pieces {
    /// Waits until nothing more comes.
    fn end(&mut self) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 && line.trim() != "0" {
            line.clear();
        }
    }
}

/// The GUID or number in a form's hidden field.
fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    html.split(&format!("name=\"{name}\" value=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{html}"))
}

// ---- what is done at the page

#[test]
fn who_is_found_by_name_and_shows_a_card_has_it_and_the_page_says_so() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    page.shows("bar", "desk: ready");
    page.shows("stage", "Ready");
    let found = browser.gets("/desk/people?q=lovel").body;
    assert!(found.contains("Ada Lovelace") && !found.contains("Grace"), "{found}");
    let ordered = browser.posts("/desk/enroll", json!({"user": hidden(&found, "user"), "person": hidden(&found, "person")}));
    assert_eq!(ordered.status, 200, "{ordered:?}");
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    let accepted = page.shows("stage", "Accepted");
    for words in ["Ada Lovelace (1815)", "Card number 4567", "Facility code 123", "within about 2 minutes", "checks passed"] {
        assert!(accepted.contains(words), "{words}: {accepted}");
    }
    assert!(page.shows("today", "Accepted").contains("Ada Lovelace"));
    let entry = &station.site.outbox()[0];
    assert_eq!((&entry["ordered_by"], &entry["user_id"]), (&json!("Kim"), &json!(ADA)));
    let table = browser.gets("/desk/today.csv").body;
    assert!(table.contains("Ada Lovelace (1815)") && table.lines().count() == 2, "{table}");
    // It is taken back with one button.
    let undo = browser.posts(&format!("/desk/entries/{}/undo", entry["enrollment"].as_str().unwrap()), json!({}));
    assert_eq!(undo.status, 200, "{undo:?}");
    page.shows("today", "Taken back");
    wait_for("the card to be nobody's", || station.blusky.cards()[0]["Assignment"].is_null().then_some(()));
}

#[test]
fn a_card_that_nobody_asked_for_is_shown_and_given_to_nobody() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    page.shows("stage", "Ready");
    station.reader.send(FIRST);
    let shown = page.shows("stage", "A card was shown");
    assert!(shown.contains("4567") && shown.contains("hid-h10301"), "{shown}");
    assert_eq!(station.site.outbox().len(), 0);
}

#[test]
fn what_is_asked_is_asked_in_place_and_two_tabs_show_the_same() {
    let mut station = Station::with("proof = 0.001", "");
    let browser = station.browser();
    let (mut page, mut other) = (browser.looks(), browser.looks());
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Show the card once more");
    other.shows("stage", "Show the card once more");
    station.reader.send(FIRST);
    let asked = page.shows("stage", "first card with facility code 123");
    // An answer to something else is none, and the question stays.
    assert_eq!(browser.posts("/desk/answer", json!({"question": "x", "printed": "4567"})).status, 400);
    let nothing = browser.posts("/desk/answer", json!({"question": hidden(&asked, "question"), "printed": " "}));
    assert_eq!((nothing.status, nothing.json()["error"]["code"].as_str()), (400, Some("answer")), "{nothing:?}");
    let answered = browser.posts("/desk/answer", json!({"question": hidden(&asked, "question"), "printed": "4567"}));
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(page.shows("stage", "Accepted").contains("number matches the print"));
    other.shows("stage", "Accepted");
    assert_eq!(station.site.outbox().len(), 1, "two tabs, one tap, one enrollment");
}

#[test]
fn choosing_somebody_else_takes_the_first_order_back() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    browser.posts("/desk/enroll", json!({"user": "1906", "person": "Grace Hopper"}));
    page.shows("stage", "Grace Hopper");
    browser.posts("/desk/enroll", json!({"user": "1815", "person": "Ada Lovelace"}));
    page.shows("stage", "Ada Lovelace");
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    station.reader.send(SECOND);
    page.shows("stage", "A card was shown");
    let users: Vec<Value> = station.site.outbox().iter().map(|entry| entry["user_id"].clone()).collect();
    assert_eq!(users, [json!(ADA)]);
}

#[test]
fn a_station_that_was_killed_knows_its_operators_and_shows_what_is_on_disk() {
    let mut station = Station::with("", "");
    let mut browser = station.browser();
    let mut page = browser.looks();
    browser.posts("/desk/enroll", json!({"user": ADA, "person": "Ada Lovelace"}));
    page.shows("stage", "Show the card now.");
    station.reader.send(FIRST);
    page.shows("stage", "Accepted");
    station.run.take().unwrap().kill();
    station.start();
    browser.address.clone_from(&station.address);
    let mut page = browser.looks();
    page.shows("today", "Ada Lovelace");
    page.shows("stage", "Ready");
}

#[test]
fn operators_have_pins_and_whoever_guesses_waits() {
    let (blusky, reader) = (Simulator::start(&[]), SerialReader::plug_in());
    let configuration = reader.configuration("desk", "twn3-hidprox", "");
    let more = format!("{configuration}[desk]\nlisten = \"127.0.0.1:0\"\n[[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n");
    let site = Site::at(&blusky.base_url, &more);
    let opens = |name: &str, mode| fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).unwrap();
    site.keep("kim.pin", "0417\n");
    opens("", 0o755);
    opens("kim.pin", 0o644);
    let public = site.run(&["run"]);
    assert!(public.code == 2 && public.stderr.contains("kim.pin holds a secret"), "{public:?}");
    opens("kim.pin", 0o600);
    let mut run = Followed::start(site.command(&["run"]));
    let said = run.hears("the desk page is at http://");
    let address = said.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
    let browser = Browser { address, cookie: String::new(), key: String::new() };
    let tries = |name: &str, pin: &str| browser.posts("/desk/sign-in", json!({"name": name, "pin": pin, "reader": ""}));
    assert_eq!((tries("Lou", "0417").status, tries("Kim", "").status), (403, 403));
    for _ in 0..2 {
        assert!(tries("Kim", "1111").body.contains("wrong"));
    }
    assert!(tries("Kim", "0417").body.contains("Wait"), "the right one has to wait too");
    let answer = wait_for("the pause to end", || Some(tries("Kim", "0417")).filter(|answer| answer.status == 200));
    browser.clone().signed_in(&answer).looks().shows("bar", "Kim");
    fs::remove_file(site.path("kim.pin")).unwrap();
    let unreadable = tries("Kim", "0417");
    assert!(
        unreadable.status == 403 && !unreadable.body.contains("kim.pin") && unreadable.body.contains("cannot be read"),
        "{unreadable:?}"
    );
}

#[test]
fn an_error_of_the_api_is_said_in_the_pages_language() {
    let station = Station::with("", "language = \"de\"\n");
    let browser = station.browser();
    let failed = |answer: Answer| (answer.status, answer.json()["error"]["message"].as_str().unwrap().to_owned());
    let unknown = failed(browser.posts("/desk/enroll", json!({"user": "Nobody Atall"})));
    assert_eq!(unknown, (409, "So ist niemand bekannt. Bitte den Namen noch einmal eingeben.".to_owned()));
    let state = failed(browser.posts("/desk/answer", json!({"question": "1", "answer": "yes"})));
    assert_eq!(state, (409, "Hier wird nichts mehr gefragt.".to_owned()));
    let key = failed(browser.posts("/desk/enroll", json!({"user": "1815", "replaces": "x"})));
    assert!(key.1.starts_with("Das ist kein Schlüssel."), "{key:?}");
    // Programs go on reading the API's own words.
    let own = failed(browser.posts("/v1/enrollments", json!({"user": "Nobody Atall"})));
    assert!(own.1.contains("Nobody Atall"), "{own:?}");
}

#[test]
fn the_page_speaks_the_sites_language_and_names_the_languages_there_are() {
    let station = Station::with("", "language = \"de\"\n");
    station.browser().looks().shows("stage", "Karte zeigen");
    station.site.configure(&std::fs::read_to_string(station.site.path("cardbridge.toml")).unwrap().replace("\"de\"", "\"tlh\""));
    drop(station.run);
    let ended = station.site.run(&["run"]);
    assert!(ended.code == 2 && ended.stderr.contains("en, de"), "{ended:?}");
}

// ---- who may come in

#[test]
fn what_another_page_or_another_user_sends_is_turned_down() {
    let station = Station::with("", "");
    let browser = station.browser();
    let port = station.address.rsplit(':').next().unwrap();
    let order = json!({"user": ADA, "person": "Ada"});
    let session = browser.session();
    let ours = &station.address;
    let heads = [
        format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
        format!("Host: 0.0.0.0:{port}\r\nOrigin: http://0.0.0.0:{port}\r\n"),
        format!("Host: [::1]:{port}\r\nOrigin: http://[::1]:{port}\r\n"),
        format!("Host: user@{ours}\r\nOrigin: http://{ours}\r\n"),
        format!("Host: {ours}.evil.example\r\nOrigin: http://{ours}\r\n"),
        format!("Host: {ours}\r\nHost: evil.example\r\nOrigin: http://{ours}\r\n"),
        format!("Origin: http://{ours}\r\n"),
        format!("Host: {ours}\r\n"),
        format!("Host: {ours}\r\nOrigin: null\r\n"),
        format!("Host: {ours}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {ours}\r\nOrigin: https://{ours}\r\n"),
        format!("Host: {ours}\r\nOrigin: http://{ours}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {ours}\r\nOrigin: http://{ours}\r\nSec-Fetch-Site: same-site\r\n"),
        format!("Host: {ours}\r\nOrigin: http://{ours}\r\nSec-Fetch-Site: cross-site\r\n"),
    ];
    for head in heads {
        for path in ["/desk/enroll", "/v1/enrollments", "/v1/station/hand-over"] {
            let answer = browser.posts_as(path, &(head.clone() + &session), &order);
            assert!(matches!(answer.status, 400 | 403), "{head} {path}: {answer:?}");
        }
    }
    let halves = [String::new(), format!("Cookie: {}\r\n", browser.cookie), format!("Cardbridge-Desk: {}\r\n", browser.key)];
    for half in halves {
        let changes =
            ["/desk/enroll", "/desk/new", "/desk/roster", "/desk/roster/key", "/desk/sign-out", "/v1/enrollments", "/v1/outbox/deliver"];
        for path in changes {
            assert_eq!(browser.posts_as(path, &(browser.usual() + &half), &order).status, 401, "{half} {path}");
        }
        let desk = ["/desk/events", "/desk/people?q=a", "/desk/cards?user=a&person=a", "/desk/rosters", "/desk/today.csv"];
        for path in desk.into_iter().chain(["/v1/station", "/v1/notices", "/v1/outbox", "/v1/people", "/v1/people/a/cards"]) {
            let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{}{half}\r\n", browser.usual());
            assert_eq!(browser.sends(&request).status, 401, "{half} {path}");
        }
    }
    for path in
        ["/../cardbridge.toml", "/desk/../../etc/passwd", "/desk/%2e%2e/token", "//etc/passwd", "/desk/desk.js/../../token", "/token"]
    {
        assert_eq!(browser.gets(path).status, 404, "{path}");
    }
    assert_eq!(station.site.outbox().len(), 0);
    assert_eq!(browser.gets("/v1/station").status, 200, "the API is for whoever has signed in");
}

#[test]
fn a_monitoring_system_on_this_machine_reads_the_numbers_without_signing_in_and_no_other_page_does() {
    let station = Station::with("", "");
    let address = &station.address;
    let reads = |head: &str| station.browser().sends(&format!("GET /metrics HTTP/1.1\r\nConnection: close\r\n{head}\r\n"));
    let answer = reads(&format!("Host: {address}\r\n"));
    assert!(answer.status == 200 && answer.body.contains("cardbridge_outbox_waiting 0\n"), "{answer:?}");
    for head in ["Host: evil.example\r\n".to_owned(), format!("Host: {address}\r\nSec-Fetch-Site: cross-site\r\n")] {
        let answer = reads(&head);
        assert!(answer.status == 403 && !answer.body.contains("cardbridge_outbox"), "{head}: {answer:?}");
    }
}

#[test]
fn every_answer_tells_the_browser_to_load_and_frame_nothing_else() {
    let station = Station::with("", "");
    let browser = station.browser();
    for path in ["/", "/desk/desk.js", "/desk/typing.js", "/desk/desk.css", "/desk/people?q=ada", "/v1/station", "/nowhere"] {
        let head = browser.gets(path).head.to_lowercase();
        for line in [
            "content-security-policy: default-src 'none'",
            "x-frame-options: deny",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(line), "{path}: {head}");
        }
        assert!(!head.contains("unsafe-inline"), "{head}");
    }
    let page = browser.gets("/").body;
    assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains(" onclick"), "{page}");
    let weight: usize = ["/", "/desk/desk.js", "/desk/typing.js", "/desk/desk.css", "/desk/icon.svg"]
        .iter()
        .map(|path| browser.gets(path).body.len())
        .sum();
    assert!(weight < 100_000, "{weight} bytes");
}

#[test]
fn what_is_large_slow_or_many_holds_up_nobody() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let large = json!({"user": "x".repeat(80 << 10), "person": ""});
    assert_eq!(browser.posts("/desk/enroll", large).status, 413);
    // Half a head, half a body, and a thousand connections that say nothing.
    let mut slow = TcpStream::connect(&station.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let mut half = TcpStream::connect(&station.address).unwrap();
    write!(half, "POST /desk/enroll HTTP/1.1\r\nContent-Length: 900\r\n{}{}\r\nabc", browser.usual(), browser.session()).unwrap();
    let mut page = browser.looks();
    page.shows("stage", "Ready");
    let silent: Vec<TcpStream> = (0..1000).filter_map(|_| TcpStream::connect(&station.address).ok()).collect();
    let ordered = station.site.start(&["enroll", "--user", ADA, "--json", "--timeout", "30"]);
    wait_for("the order", || {
        station.reader.send(FIRST);
        Some(()).filter(|()| station.blusky.cards().len() == 1)
    });
    assert_eq!(ordered.end().code, 0, "the tap works");
    page.shows("today", "Accepted");
    let began = Instant::now();
    for stream in [&mut slow, &mut half] {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
    }
    assert!(began.elapsed() < Duration::from_secs(25), "they are ended");
    drop(silent);
    let again = wait_for("the page to be free again", || Some(browser.gets("/v1/station")).filter(|answer| answer.status == 200));
    assert_eq!(again.status, 200);
}
