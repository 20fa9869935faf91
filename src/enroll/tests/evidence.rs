//! What speaks for a card, where each thing is taken alone.

use super::*;
use crate::{
    card::{Csn, Evidence, FacilityCode, What},
    enroll::{
        evidence::{Circumstances, Judgement, PROOF, Question, Seen, Word, judge},
        kept::Kept,
    },
    protocols::Protocols,
};

fn judged(mut reading: Reading, policy: &SitePolicy, seen: &Seen, printed: Option<&str>) -> Judgement {
    choose(&mut reading, policy, &printed.map(print).unwrap_or_default());
    let about = Circumstances { check_bits: 0, readings: 1, seen, printed, word: Word::None, proof: PROOF };
    judge(&reading, &Protocols::built_in().catalog(&[]), policy, &about).expect("the policy chooses")
}

fn evidence(reading: Reading, policy: &SitePolicy) -> Vec<Evidence> {
    judged(reading, policy, &Seen::default(), None).evidence
}

fn what(evidence: &[Evidence]) -> Vec<&'static str> {
    evidence.iter().map(|evidence| evidence.what.name()).collect()
}

fn with_odds(odds: f64, fit: Fit) -> Fit {
    Fit { odds, ..fit }
}

#[test]
fn a_number_that_only_one_kind_of_card_has_is_known_where_the_site_names_its_format() {
    let of = |kind: Kind, formats: &[&str]| {
        let mut reading = read(vec![fit("one", &[("card_number", 5)], true)]);
        (reading.presentation.kind, reading.presentation.csn) = (kind, Csn::new(&[0x04, 0xA2, 0xB3, 0xC4]));
        what(&evidence(reading, &site(formats, &[]))).contains(&"kind_known")
    };
    for kind in [Kind::Csn, Kind::Em4100, Kind::Fascn, Kind::Track2] {
        assert!(of(kind, &["one"]) && !of(kind, &[]), "{kind:?}");
    }
    assert!(!of(Kind::Wiegand, &["one"]), "bits over Wiegand may be any card's");
}

#[test]
fn a_kept_answer_counts_for_the_cards_it_was_given_for_and_for_no_others() {
    let kept = |answer: Kept| SitePolicy { kept: vec![answer], ..site(&[], &[]) };
    let of_code = |code| what(&evidence(read(vec![card("one", code, 4567)]), &kept(Kept::FacilityCode(7))));
    assert_eq!((of_code(7), of_code(8)), (vec!["checks", "facility_code_listed"], vec!["checks"]));
    let bare = |format: &str| read(vec![fit(format, &[("card_number", 5)], true)]);
    let of_format = |format: &str| what(&evidence(bare(format), &kept(Kept::Format("bare".to_owned()))));
    assert_eq!((of_format("bare"), of_format("other")), (vec!["checks", "kind_known"], vec!["checks"]));
}

#[test]
fn the_checks_are_worth_what_the_strictest_format_that_reads_this_card_is_worth_and_not_another_cards() {
    let fits =
        vec![with_odds(0.25, card("one", 123, 4567)), with_odds(0.0625, card("again", 123, 4567)), with_odds(0.001, card("two", 7, 89))];
    let checks = evidence(read(fits), &site(&["one"], &[]));
    assert_eq!(checks, [Evidence { what: What::Checks, odds: Some(0.0625), cards: None }]);
}

#[test]
fn what_was_accepted_here_before_says_which_format_or_which_facility_code() {
    let mut seen = Seen::default();
    seen.accepted("bare", None);
    seen.accepted("one", Some(FacilityCode(123)));
    let of = |fit: Fit| judged(read(vec![fit]), &site(&[], &[]), &seen, None).evidence[1];
    let bare = of(fit("bare", &[("card_number", 5)], true));
    assert_eq!((bare.what, bare.odds, bare.cards), (What::FormatSeen, None, Some(1)));
    let one = of(Fit { widths: Widths { facility_code: 8, ..Widths::default() }, ..card("one", 123, 9) });
    assert_eq!((one.what, one.odds, one.cards), (What::FacilityCodeSeen, Some(1.0 / 256.0), Some(1)));
}

#[test]
fn a_listed_facility_code_that_its_format_does_not_choose_proves_nothing() {
    let listed = evidence(read(vec![card("one", 123, 4567)]), &site(&["one"], &[123]));
    assert_eq!(listed[1], Evidence { what: What::FacilityCodeListed, odds: Some(1.0), cards: None });
}

#[test]
fn numbers_that_a_reader_has_decoded_itself_can_be_wrong_in_each_bit_until_the_print_confirms_them() {
    let numbers = || read(vec![Fit { widths: Widths { card_number: 16, ..Widths::default() }, ..card("one", 123, 4567) }]);
    let asked = |printed| judged(numbers(), &site(&["one"], &[]), &Seen::default(), printed).question;
    assert!(matches!(asked(None), Some(Question::SecondReading { odds: 1.0, .. })), "{:?}", asked(None));
    assert_eq!(asked(Some("4567")), None);
}
