//! What is asked of which card.

use std::sync::LazyLock;

use super::*;
use crate::{
    card::{Csn, FacilityCode, Literal, Transport},
    enroll::policy::{self, Hints},
    protocols::Protocols,
};

/// FC 123, CN 4567 in H10301; two parity bits.
const H10301: &str = "{26}BD88EB80";
/// A 40-bit card with four fixed bits and a checksum of eight: its odds are 1 in 4096.
const P10001: &str = "{40}FC28609024";
/// 32 bits that nothing checks.
const BARE: &str = "{32}12345678";
/// Its facility code in the format `wiegand-32`.
const CODE: u64 = 564;

struct Card<'a> {
    literal: &'a str,
    formats: &'a [&'a str],
    codes: &'a [u64],
    about: Circumstances<'a>,
}

fn protocols() -> &'static Protocols {
    static BUILT_IN: LazyLock<Protocols> = LazyLock::new(Protocols::built_in);
    &BUILT_IN
}

fn nothing_seen() -> &'static Seen {
    static NOTHING: LazyLock<Seen> = LazyLock::new(Seen::default);
    &NOTHING
}

fn card<'a>(literal: &'a str, formats: &'a [&'a str]) -> Card<'a> {
    let about = Circumstances { check_bits: 0, readings: 1, seen: nothing_seen(), printed: None, word: Word::None, proof: PROOF };
    Card { literal, formats, codes: &[], about }
}

impl Card<'_> {
    fn judged(&self) -> Judgement {
        let literal: Literal = self.literal.parse().unwrap();
        let formats: Vec<String> = self.formats.iter().map(ToString::to_string).collect();
        let catalog = protocols().catalog(&formats);
        let policy = SitePolicy { formats, facility_codes: self.codes.to_vec(), card_types: Vec::new(), ..SitePolicy::default() };
        let mut reading = catalog.read(Presentation::of_literal(&literal));
        let hints = Hints { card_type: None, printed: self.about.printed.map(ToOwned::to_owned) };
        policy::choose(&mut reading, &policy, &hints);
        judge(&reading, &catalog, &policy, &self.about).expect("the policy chooses")
    }

    fn asked(&self) -> Option<&'static str> {
        self.judged().question.map(|question| question.name())
    }

    fn what(&self) -> Vec<&'static str> {
        self.judged().evidence.iter().map(|evidence| evidence.what.name()).collect()
    }
}

#[test]
fn two_parity_bits_are_no_proof_and_the_card_is_read_again_then_a_person_is_asked() {
    let mut card = card(H10301, &["hid-h10301"]);
    assert_eq!(card.asked(), Some("second_reading"));
    card.about.readings = 2;
    assert_eq!(card.asked(), Some("first_seen"), "a level shifter that misreads does so twice");
    card.about.printed = Some("123-04567");
    assert_eq!(card.asked(), None);
    assert_eq!(card.what(), ["checks", "read_twice", "printed"]);
}

#[test]
fn a_listed_facility_code_makes_one_tap_enough() {
    let mut card = card(H10301, &["hid-h10301"]);
    let Some(Question::SecondReading { facility_code, .. }) = card.judged().question else { panic!("one reading was enough") };
    assert_eq!(facility_code, Some(123), "the question names what would make one tap enough");
    card.codes = &[123];
    assert_eq!(card.asked(), None);
    let odds: Vec<Option<f64>> = card.judged().evidence.iter().map(|evidence| evidence.odds).collect();
    assert_eq!(odds, [Some(0.25), Some(1.0 / 256.0)]);
    // Two codes are twice as likely in noise: one in 512 is too often.
    card.codes = &[123, 124];
    assert_eq!(card.asked(), Some("second_reading"));
    // One that no 26-bit card can have is not.
    card.codes = &[123, 4000];
    assert_eq!(card.asked(), None);
}

#[test]
fn a_facility_code_that_was_accepted_here_counts_and_one_that_was_only_vouched_for_answers_the_person_alone() {
    let mut seen = Seen::default();
    seen.vouched("hid-h10301", Some(FacilityCode(123)));
    let mut card = card(H10301, &["hid-h10301"]);
    card.about.seen = &seen;
    assert_eq!(card.asked(), Some("second_reading"));
    card.about.readings = 2;
    assert_eq!(card.asked(), None);
    let mut seen = seen.clone();
    seen.accepted("hid-h10301", Some(FacilityCode(123)));
    let mut card = Card { about: Circumstances { seen: &seen, readings: 1, ..card.about }, ..card };
    assert_eq!(card.asked(), None);
    assert_eq!(card.judged().evidence[1].cards, Some(2));
    let mut other = Seen::default();
    other.accepted("hid-h10301", Some(FacilityCode(7)));
    card.about.seen = &other;
    card.about.readings = 2;
    assert_eq!(card.asked(), Some("first_seen"), "another facility code says nothing");
    let mut other = Seen::default();
    other.accepted("indala-26", Some(FacilityCode(123)));
    card.about.seen = &other;
    assert_eq!(card.asked(), Some("first_seen"), "nor does another format");
}

#[test]
fn a_bare_frame_that_nothing_checks_is_never_enrolled_on_one_reading_unless_proof_is_one() {
    let mut card = card(BARE, &["wiegand-32"]);
    assert_eq!(card.asked(), Some("second_reading"));
    card.codes = &[CODE];
    assert_eq!(card.asked(), Some("second_reading"), "a listed facility code says nothing about the card number's bits");
    card.about.readings = 2;
    assert_eq!(card.asked(), None);
    card.about.readings = 1;
    card.codes = &[];
    card.about.proof = 1.0;
    assert_eq!(card.asked(), None);
}

#[test]
fn the_chance_of_a_mistake_is_the_share_of_bits_that_could_be_wrong_without_being_noticed() {
    let odds = |card: &Card<'_>| match card.judged().question {
        Some(Question::SecondReading { odds, .. }) => odds,
        other => panic!("{other:?}"),
    };
    let mut card = card(BARE, &["wiegand-32"]);
    card.codes = &[CODE];
    assert_eq!(odds(&card), 16.0 / 32.0, "the bits of the card number");
    card.codes = &[];
    card.about.printed = Some("22136");
    assert_eq!(odds(&card), 12.0 / 32.0, "the bits of the facility code, where the number is printed");
}

#[test]
fn a_question_names_the_facility_code_only_where_listing_it_would_make_one_tap_enough() {
    let named = |card: &Card<'_>| match card.judged().question {
        Some(Question::SecondReading { facility_code, .. }) => facility_code,
        other => panic!("{other:?}"),
    };
    let mut listed = card(H10301, &["hid-h10301"]);
    listed.codes = &[123, 124];
    assert_eq!(named(&listed), None, "it is listed, and that is not enough");
    assert_eq!(named(&card(BARE, &["wiegand-32"])), None, "nothing checks the card number");
    let mut just_enough = card(H10301, &["hid-h10301"]);
    just_enough.about.proof = 1.0 / 1024.0;
    assert_eq!(named(&just_enough), Some(123));
    just_enough.about.proof = 1.0 / 1025.0;
    assert_eq!(named(&just_enough), None, "and that would not be enough");
}

#[test]
fn the_check_of_the_transport_is_worth_its_bits() {
    let mut card = card("csn:04A2B3C4D5E6F7", &["csn-7-byte"]);
    card.about.check_bits = 8;
    assert_eq!(card.asked(), Some("second_reading"));
    card.about.check_bits = 16;
    assert_eq!(card.asked(), None, "a serial number over PC/SC, of a format that the site names");
    assert_eq!(card.what(), ["transport_check", "kind_known"]);
}

#[test]
fn wiegand_bits_of_a_format_that_the_site_names_are_still_asked_for() {
    let mut card = card(BARE, &["csn-4-byte"]);
    card.about.readings = 2;
    assert_eq!(card.asked(), Some("first_seen"), "any 32 bits would do");
    card.about.word = Word::Confirmed;
    assert_eq!(card.asked(), None);
    card.about.readings = 1;
    assert_eq!(card.asked(), Some("second_reading"), "a second reading is asked of the card, not of a person");
    card.about.word = Word::Given;
    assert_eq!(card.asked(), None, "a literal is somebody's word");
}

#[test]
fn strict_checks_answer_both_questions() {
    let card = card(P10001, &["hid-p10001"]);
    assert_eq!(card.asked(), None);
    assert_eq!(card.judged().evidence, [Evidence { what: What::Checks, odds: Some(1.0 / 4096.0), cards: None }]);
}

#[test]
fn a_print_is_worth_its_number_of_bits_and_no_more() {
    let mut card = card(H10301, &[]);
    card.about.printed = Some("4567");
    let printed = card.judged().evidence.iter().find(|evidence| evidence.what == What::Printed).and_then(|evidence| evidence.odds);
    // Ten notations, two fits, sixteen bits.
    assert_eq!(printed, Some(20.0 / 65536.0));
    assert_eq!(card.asked(), None);
}

#[test]
fn a_proof_of_a_readers_own_is_kept_to() {
    let mut card = card(H10301, &["hid-h10301"]);
    card.about.proof = 0.25;
    assert_eq!(card.asked(), None);
    card.about.proof = 0.2;
    assert_eq!(card.asked(), Some("second_reading"));
}

#[test]
fn where_the_policy_chooses_nothing_there_is_nothing_to_prove() {
    let literal: Literal = H10301.parse().unwrap();
    let catalog = protocols().catalog(&[]);
    let reading = catalog.read(Presentation::of_literal(&literal));
    assert_eq!(judge(&reading, &catalog, &SitePolicy::default(), &card(H10301, &[]).about), None);
}

#[test]
fn an_unanswered_question_names_the_lines_that_would_settle_it() {
    let card = card(H10301, &["hid-h10301"]);
    let lines = card.judged().question.unwrap().settling_lines();
    assert!(lines.iter().any(|line| line.starts_with("facility_codes = [123]")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("repeats_ms")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("proof = 0.25 ")), "{lines:?}");
    let mut seen_twice = card;
    seen_twice.about.readings = 2;
    let lines = seen_twice.judged().question.unwrap().settling_lines();
    assert_eq!(
        lines.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["[site]", "facility_codes", "[[reader]]", "proof"]
    );
}

#[test]
fn a_second_reading_is_the_same_card_at_the_same_reader_within_ten_seconds() {
    let literal: Literal = H10301.parse().unwrap();
    let at = |second: i64, reader: &str| Presentation {
        at: chrono::DateTime::from_timestamp(1_767_225_600 + second, 0),
        reader: Some(reader.to_owned()),
        transport: Some(Transport::Serial),
        ..Presentation::of_literal(&literal)
    };
    let first = at(0, "desk");
    assert!(is_repeat(&first, &at(10, "desk")));
    assert!(!is_repeat(&first, &at(11, "desk")), "too late");
    assert!(!is_repeat(&first, &at(1, "gate")), "another reader");
    let bits = first.bits.map(|bits| bits.flipped(5));
    assert!(!is_repeat(&first, &Presentation { bits, ..at(1, "desk") }), "another card");
    let damage = Some(crate::card::Damage { by: "a dialect".to_owned(), detail: String::new() });
    let damaged = |second| Presentation { damage: damage.clone(), ..at(second, "desk") };
    assert!(!is_repeat(&first, &damaged(1)) && !is_repeat(&damaged(0), &at(1, "desk")), "a damaged frame");
    let serial = |number: u8, second| Presentation { csn: Csn::new(&[0x04, 0xA2, 0xB3, number]), ..at(second, "desk") };
    assert!(is_repeat(&serial(1, 0), &serial(1, 1)) && !is_repeat(&serial(1, 0), &serial(2, 1)), "another serial number");
    assert!(!is_repeat(&first, &Presentation { kind: Kind::Em4100, ..at(1, "desk") }), "another kind of thing");
    let numbers = Some(crate::card::Numbers { credential: crate::card::Credential::default(), length: None });
    assert!(!is_repeat(&first, &Presentation { numbers, ..at(1, "desk") }), "other numbers");
    assert!(!is_repeat(&first, &Presentation { at: None, ..at(1, "desk") }), "nobody knows when");
}
