//! What waits, what waits for a person, and how the readers are: said in plain words, with what can be done.

use serde_json::json;

use super::{
    Browser, FIRST, PEOPLE, Pieces, Station,
    cards::Plugged,
    hidden,
    peer::{Peer, Reply},
    serve,
    support::{ADA, GRACE, SerialReader, Simulator, Site},
};

fn orders(browser: &Browser, page: &mut Pieces, user: &str, name: &str) {
    browser.posts("/desk/enroll", json!({"user": user, "person": name}));
    page.shows("stage", name);
    page.shows("stage", "Show the card now.");
}

#[test]
fn what_waits_for_the_network_is_said_with_since_when_and_is_gone_once_it_is_sent() {
    let mut station = Station::with("", "");
    let browser = station.browser();
    let mut page = browser.looks();
    page.shows("outbox", "Everything has been sent.");
    station.blusky.goes();
    orders(&browser, &mut page, ADA, "Ada Lovelace");
    station.reader.send(FIRST);
    page.shows("stage", "Saved");
    let waiting = page.shows("outbox", "1 waiting for the network since ");
    assert!(waiting.contains("Ada Lovelace (1815)") && waiting.contains("Give up"), "{waiting}");
    let address = station.blusky.base_url.trim_start_matches("http://").to_owned();
    station.blusky = Simulator::on(&address, &[]);
    page.shows("outbox", "Everything has been sent.");
}

#[test]
fn what_nobody_can_tell_waits_for_a_person_who_says_what_blusky_shows() {
    let blusky = Peer::start(|request, count| match (request.method.as_str(), count) {
        ("POST", 1) => Reply::Closes,
        ("POST", _) => Reply::success(),
        _ => Reply::not_found(),
    });
    let mut reader = SerialReader::plug_in();
    let more = reader.configuration("desk", "twn3-hidprox", "");
    let site = Site::at(&blusky.base_url, &format!("{more}[people]\nfile = \"people.csv\"\n[desk]\nlisten = \"127.0.0.1:0\"\n"));
    std::fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let (_run, address) = serve(&site);
    let browser = Browser::at(&address, "Kim");
    let mut page = browser.looks();
    orders(&browser, &mut page, ADA, "Ada Lovelace");
    reader.send(FIRST);
    let asked = page.shows("outbox", "1 waiting for you.");
    assert!(asked.contains("Needs you") && asked.contains("It is not there: send it"), "{asked}");
    let id = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let sent = browser.posts(&format!("/desk/entries/{id}/retry"), json!({"absent": hidden(&asked, "absent")}));
    assert_eq!(sent.status, 200, "{sent:?}");
    page.shows("outbox", "Everything has been sent.");
    assert!(site.outbox()[0]["state"] == "accepted" && blusky.writes().len() == 2);
    assert_eq!(browser.posts(&format!("/desk/entries/{id}/retry"), json!({"user": "nobody"})).status, 400);
}

#[test]
fn a_card_that_somebody_holds_is_asked_about_in_the_list_long_after_its_turn() {
    let mut station = Station::with("", "[enroll]\nreassign = \"ask\"\nsame_card_s = 0\n");
    let browser = station.browser();
    let mut page = browser.looks();
    for (user, name) in [(GRACE, "Grace Hopper"), (ADA, "Ada Lovelace")] {
        orders(&browser, &mut page, user, name);
        station.reader.send(FIRST);
        page.shows("today", name);
    }
    let asked = page.shows("outbox", "Take it from its holder");
    // Somebody else has their turn meanwhile.
    orders(&browser, &mut page, GRACE, "Grace Hopper");
    let taken =
        browser.posts("/desk/answer", json!({"order": hidden(&asked, "order"), "question": hidden(&asked, "question"), "answer": "yes"}));
    assert_eq!(taken.status, 200, "{taken:?}");
    page.shows("outbox", "Everything has been sent.");
    assert!(station.blusky.cards()[0]["Assignment"]["UserId"].as_str().unwrap().eq_ignore_ascii_case(ADA));
}

#[test]
fn a_reader_that_is_unplugged_is_shown_with_since_when_and_why() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let plug = site.path("tty");
    let mut reader = Plugged::plug_in(plug.clone());
    let text = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    let desk = format!("[[reader]]\nname = \"desk\"\nserial = \"{}\"\ndialect = \"twn3-hidprox\"\ncard_left_ms = 0\n", plug.display());
    site.configure(&format!("{text}\n{desk}[desk]\nlisten = \"127.0.0.1:0\"\n"));
    let (_run, address) = serve(&site);
    let browser = Browser::at(&address, "Kim");
    let mut page = browser.looks();
    page.shows("outbox", "ready since ");
    reader.send(FIRST);
    page.shows("outbox", "cards read: 1");
    drop(reader);
    page.shows("outbox", "gone since ");
    page.shows("bar", "not there");
}
