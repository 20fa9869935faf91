//! The main promise: a card shown to a reader becomes a card in BluSKY, and is said to be there only when it is.

mod support;

use support::{ADA, CARD, SerialReader, Simulator, Site};

#[test]
fn a_card_shown_to_a_serial_reader_becomes_a_card_in_blusky() {
    let blusky = Simulator::start(&[]);
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let enroll = site.start(&["enroll", "--user", ADA, "--json"]);
    reader.wait_until_open();
    reader.send(b"1ABD88EB80\r");
    let ended = enroll.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.states(), ["saved", "sending", "accepted"]);
    let cards = blusky.cards();
    assert_eq!(cards.len(), 1);
    let text = cards[0].to_string();
    assert!(text.contains("4567") && text.contains("123") && text.contains(ADA), "{text}");
    assert_eq!(ended.last()["user_id"], ADA);
}

#[test]
fn a_literal_is_enrolled_like_a_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, ended.states().last().map(String::as_str)), (0, Some("accepted")), "{ended:?}");
}
