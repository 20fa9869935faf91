//! What is promised of smart cards of which one reading is not enough: the reader reads the card again by itself, and no
//! person is asked.
//!
//! A card's own check is 16 bits wide. A site that wants more than that proves, or a reader that hands over text which
//! nothing checks, is such a case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

#[path = "support/cards.rs"]
mod cards;
mod support;

use std::time::Duration;

use cardbridge::simulator::virtual_card::{CardScript, VirtualCard};
use cards::{Followed, GET_UID, Outcome, slow, uid_card};
use serde_json::json;
use support::{ADA, SYSTEM, Simulator, Site, pcscd::Pcscd, wait_for};

const UID: &str = "66 CF 4D C2";
const ONCE_MORE: &str = "show the card once more";

struct Desk {
    blusky: Simulator,
    pcscd: Pcscd,
    site: Site,
}

impl Desk {
    fn with(proof: &str) -> Self {
        let (blusky, pcscd) = (Simulator::start(&[]), Pcscd::start(1));
        let mut site = Site::at(&blusky.base_url, "");
        site.env(pcscd.env());
        site.configure(&format!(
            "[[reader]]\nname = \"desk\"\npcsc = \"cardbridge virtual reader*\"\nproof = {proof}\n[blusky]\nbase_url = \"{}\"\n\
             token_file = \"token\"\n[site]\nformats = [\"csn-4-byte\"]\n\
             [[card_type]]\nblusky = 5\nname = \"cards\"\nformats = [\"csn-4-byte\"]\nsystem = \"{SYSTEM}\"\n",
            blusky.base_url
        ));
        Self { blusky, pcscd, site }
    }

    fn enroll(&self, timeout: &str) -> Followed {
        let mut enroll = Followed::start(self.site.command(&["enroll", "--user", ADA, "--json", "--timeout", timeout]));
        enroll.hears("hold the card to the reader");
        enroll
    }

    fn insert(&self, script: CardScript) -> VirtualCard {
        VirtualCard::insert(self.pcscd.addr(0), script).unwrap()
    }
}

/// How often the card was asked for its serial number.
fn asked(card: &VirtualCard) -> usize {
    card.apdus().iter().filter(|apdu| **apdu == cards::hex(GET_UID)).count()
}

fn asked_once_more(ended: &Outcome) -> usize {
    ended.err.iter().filter(|line| line.contains(ONCE_MORE)).count()
}

#[test]
fn a_card_of_which_one_reading_is_not_enough_is_read_again_with_one_tap_and_nobody_is_asked() {
    let desk = Desk::with("0.000001");
    let enroll = desk.enroll("30");
    let card = desk.insert(uid_card(UID));
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
    assert_eq!((asked(&card), asked_once_more(&ended)), (2, 0), "{ended:#?}");
    let entry = &desk.site.outbox()[0];
    let evidence: Vec<&str> = entry["evidence"].as_array().unwrap().iter().map(|evidence| evidence["what"].as_str().unwrap()).collect();
    assert_eq!(evidence, ["transport_check", "read_twice", "kind_known"]);
    assert_eq!(desk.blusky.cards().len(), 1);
}

#[test]
fn a_card_of_which_one_reading_is_enough_is_read_once() {
    let desk = Desk::with("0.001");
    let enroll = desk.enroll("30");
    let card = desk.insert(uid_card(UID));
    let ended = enroll.end();
    assert_eq!((ended.code, asked(&card)), (Some(0), 1), "{ended:#?}");
}

#[test]
fn a_card_that_is_taken_away_before_it_was_read_again_is_asked_for_once_more_and_enrolls_nothing() {
    let desk = Desk::with("0.000001");
    let mut enroll = desk.enroll("12");
    let card = desk.insert(slow(uid_card(UID), Duration::from_millis(300)));
    wait_for("the second reading to begin", || (asked(&card) == 2).then_some(()));
    card.remove();
    enroll.hears(ONCE_MORE);
    // The same card once more settles it.
    let card = desk.insert(uid_card(UID));
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["state"]), (Some(0), &json!("accepted")), "{ended:#?}");
    assert_eq!((asked(&card), desk.blusky.cards().len()), (1, 1));
}

#[test]
fn what_two_readings_do_not_prove_either_asks_the_card_no_third_time_by_itself() {
    let desk = Desk::with("0.000000000001");
    let mut enroll = desk.enroll("3");
    let card = desk.insert(uid_card(UID));
    enroll.hears(ONCE_MORE);
    let ended = enroll.end();
    assert_eq!((ended.code, &ended.last()["error"]["code"]), (Some(1), &json!("unproven")), "{ended:#?}");
    assert_eq!((asked(&card), desk.blusky.sent()), (2, 0));
}
