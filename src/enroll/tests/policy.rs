//! Which fit a site believes, and who decided it.

use super::*;
use crate::{
    card::{Csn, TYPED, WORTHLESS},
    decode::printed::Match,
    enroll::{
        kept::Kept,
        policy::{SitePolicy, explain},
    },
    protocols::Protocols,
};

fn by(format: &str, who: &'static str) -> Option<(String, &'static str)> {
    Some((format.to_owned(), who))
}

fn tie() -> Reading {
    read(vec![card("one", 123, 4567), card("two", 7, 89)])
}

#[test]
fn the_only_fit_is_believed_where_the_site_says_nothing_and_not_where_it_says_otherwise() {
    let alone = || read(vec![card("one", 123, 4567)]);
    let none = Hints::default();
    for (policy, decided) in [
        (site(&[], &[]), by("one", "only_fit")),
        (site(&["one"], &[]), by("one", "only_fit")),
        (site(&["two"], &[]), None),
        (site(&[], &[123, 4]), by("one", "only_fit")),
        (site(&[], &[4]), None),
        (site(&["one"], &[4]), None),
        (SitePolicy { card_types: vec![card_type(3, &["one"])], ..site(&[], &[]) }, by("one", "only_fit")),
        (SitePolicy { card_types: vec![card_type(3, &["two"])], ..site(&[], &[]) }, None),
    ] {
        assert_eq!(chosen(alone(), &policy, &none), decided, "{policy:?}");
    }
    // A fit without a facility code passes whatever is listed.
    assert_eq!(chosen(read(vec![fit("bare", &[("card_number", 5)], true)]), &site(&[], &[4]), &none), by("bare", "only_fit"));
}

#[test]
fn a_tie_is_decided_by_the_site_the_card_type_or_the_print_and_by_nothing_else() {
    let types = || vec![card_type(3, &["one"]), card_type(4, &["two"])];
    let with_types = || SitePolicy { card_types: types(), ..site(&[], &[]) };
    let of_type = |number| Hints { card_type: Some(number), printed: None };
    for (policy, hints, decided) in [
        (site(&[], &[]), Hints::default(), None),
        (site(&["two"], &[]), Hints::default(), by("two", "policy")),
        (site(&[], &[123]), Hints::default(), by("one", "policy")),
        (site(&[], &[]), print("00089"), by("two", "printed")),
        (site(&[], &[]), print("99999"), None),
        (with_types(), Hints::default(), None),
        (with_types(), of_type(4), by("two", "operator")),
        (with_types(), of_type(5), None),
        (SitePolicy { card_types: vec![card_type(3, &["one"])], ..site(&[], &[]) }, Hints::default(), by("one", "policy")),
        // What the print and the site say contradicts itself.
        (site(&["one"], &[]), print("89"), None),
    ] {
        assert_eq!(chosen(tie(), &policy, &hints), decided, "{policy:?} {hints:?}");
    }
}

#[test]
fn formats_that_read_the_same_are_one_card() {
    let same = read(vec![card("one", 123, 4567), card("again", 123, 4567)]);
    assert_eq!(chosen(same.clone(), &site(&[], &[]), &Hints::default()), by("one", "only_fit"));
    assert_eq!(chosen(same.clone(), &site(&["again"], &[]), &Hints::default()), by("again", "only_fit"));
    assert!(site(&[], &[]).choices(&same).len() == 1);
}

#[test]
fn what_nothing_checks_is_believed_only_where_the_site_names_it_or_the_print_confirms_it_among_others() {
    let bare = || fit("bare", &[("card_number", 4567)], false);
    let both = || read(vec![card("one", 123, 9), bare()]);
    assert_eq!(chosen(read(vec![bare()]), &site(&[], &[]), &Hints::default()), None);
    assert_eq!(chosen(read(vec![bare()]), &site(&[], &[]), &print("4567")), None);
    assert_eq!(chosen(read(vec![bare()]), &site(&["bare"], &[]), &Hints::default()), by("bare", "policy"));
    assert_eq!(chosen(both(), &site(&[], &[]), &print("4567")), by("bare", "printed"));
    assert_eq!(chosen(both(), &site(&[], &[]), &Hints::default()), None, "it stands against the others all the same");
    let typed = SitePolicy { card_types: vec![card_type(3, &["one"]), card_type(4, &["bare"])], ..site(&[], &[]) };
    assert_eq!(chosen(both(), &typed, &Hints { card_type: Some(4), printed: None }), None, "a card type confirms nothing");
}

#[test]
fn what_is_typed_shared_or_nobodys_is_never_chosen() {
    let pin = || fit("pin", &[("pin", 1234)], true);
    let key = || fit("key", &[("key", 5)], true);
    let card_with_pin = fit("both", &[("card_number", 5), ("pin", 1234)], true);
    for entry in [pin(), key()] {
        assert_eq!(chosen(read(vec![entry.clone()]), &site(&[&entry.format], &[]), &Hints::default()), None, "{}", entry.format);
    }
    assert_eq!(chosen(reading(Verdict::Keypad, vec![card("one", 1, 2)]), &site(&["one"], &[]), &Hints::default()), None);
    assert_eq!(chosen(read(vec![card_with_pin]), &site(&[], &[]), &Hints::default()), by("both", "only_fit"));
    let mut shared = read(vec![card("one", 1, 2)]);
    shared.presentation.warnings.push(WORTHLESS.to_owned());
    assert_eq!(chosen(shared.clone(), &site(&["one"], &[]), &Hints::default()), None);
    assert!(site(&[], &[]).settling_lines(&shared).is_empty());
    assert_eq!(chosen(reading(Verdict::NoFit, Vec::new()), &site(&[], &[]), &Hints::default()), None);
    let mut zero = reading(Verdict::SerialOnly, vec![fit("csn", &[("card_number", 1)], false)]);
    zero.presentation.kind = Kind::Csn;
    zero.presentation.csn = Csn::new(&[0, 0, 0, 0]);
    assert_eq!(chosen(zero, &site(&["csn"], &[]), &Hints::default()), None);
}

#[test]
fn an_entry_in_a_cards_frame_is_an_entry_only_where_the_site_names_it_and_has_no_card_of_its_own_there() {
    let pin = fit("pin", &[("facility_code", 1), ("pin", 1234)], true);
    let with = |other: &str| read(vec![card(other, 123, 4567), pin.clone()]);
    let typed = |policy: SitePolicy, other: &str| policy.leaves_an_entry(&with(other));
    assert!(typed(site(&["pin"], &[]), "one") && !typed(site(&["pin", "one"], &[]), "one") && !typed(site(&[], &[]), "one"));
    let no_type = SitePolicy { card_types: vec![card_type(3, &["two"])], ..site(&["pin", "one"], &[]) };
    assert!(typed(no_type, "one"), "no card type takes the other one");
    assert!(!site(&["one"], &[]).leaves_an_entry(&read(vec![card("two", 1, 2)])), "nothing is an entry");
    assert!(!site(&["one"], &[4]).leaves_an_entry(&read(vec![card("one", 123, 4567)])), "nor is a card with a strange facility code");
    assert!(!site(&["one"], &[]).leaves_an_entry(&read(vec![pin.clone()])), "nor is what the site does not name");
    // Facility codes speak of cards.
    assert!(!site(&["pin"], &[1]).admits(&pin) && site(&["pin"], &[]).admits(&pin));
}

#[test]
fn a_person_chooses_among_what_the_site_leaves_one_for_each_card() {
    let three = || read(vec![card("one", 123, 4567), card("again", 123, 4567), card("two", 7, 89), fit("pin", &[("pin", 1)], true)]);
    let formats = |policy: &SitePolicy| policy.choices(&three()).iter().map(|at| three().fits[*at].format.to_string()).collect::<Vec<_>>();
    assert_eq!(formats(&site(&[], &[])), ["one", "two"]);
    assert_eq!(formats(&site(&["again", "two"], &[])), ["again", "two"]);
    assert_eq!(formats(&site(&[], &[7])), ["two"]);
    assert_eq!(formats(&SitePolicy { card_types: vec![card_type(3, &["one"])], ..site(&[], &[]) }), ["one"]);
    assert!(site(&[], &[]).choices(&reading(Verdict::Likely, three().fits)).is_empty(), "only a tie is a choice");
    let mut shared = three();
    shared.presentation.warnings.push(WORTHLESS.to_owned());
    assert!(site(&[], &[]).choices(&shared).is_empty());
}

#[test]
fn a_kept_answer_decides_the_same_tie_and_no_other() {
    let kept = |format: &str, not: &[&str]| Kept::Choice { format: format.to_owned(), not: not.iter().map(ToString::to_string).collect() };
    let with = |answer| SitePolicy { kept: vec![answer], ..site(&[], &[]) };
    assert_eq!(chosen(tie(), &with(kept("two", &["one"])), &Hints::default()), by("two", "policy"));
    assert_eq!(chosen(tie(), &with(kept("two", &["three"])), &Hints::default()), None);
    assert_eq!(chosen(tie(), &with(kept("three", &["one", "two"])), &Hints::default()), None);
    // What could be typed at a keypad is no card, and so neither what was chosen nor what was not.
    let pin = || fit("pin", &[("pin", 1234)], true);
    let with_pin = || read(vec![card("one", 123, 4567), card("two", 7, 89), pin()]);
    assert_eq!(chosen(with_pin(), &with(kept("two", &["one"])), &Hints::default()), by("two", "policy"));
    assert_eq!(chosen(with_pin(), &with(kept("pin", &["one", "two"])), &Hints::default()), None);
    let codes: Vec<u64> = SitePolicy { kept: vec![Kept::FacilityCode(7)], ..site(&[], &[123]) }.known_codes().collect();
    assert_eq!(codes, [123, 7]);
    assert!(with(Kept::FacilityCode(7)).keeps(&card("two", 7, 89)) && !with(Kept::FacilityCode(7)).keeps(&card("two", 8, 89)));
}

#[test]
fn the_lines_that_would_settle_a_tie_name_its_formats_its_codes_or_the_code_that_is_missing() {
    let lines = |policy: SitePolicy, reading: Reading| policy.settling_lines(&reading);
    let all = lines(site(&[], &[]), tie());
    assert_eq!(all[0], "[site]");
    assert!(all[1].starts_with("formats = [\"one\"]") && all[2].starts_with("formats = [\"two\"]"), "{all:?}");
    assert!(all[3].ends_with("one of 7, 123") && all.len() == 4, "{all:?}");
    let one_code = lines(site(&[], &[]), read(vec![card("one", 5, 1), card("two", 5, 2)]));
    assert_eq!(one_code.len(), 3, "{one_code:?}");
    let listed = lines(site(&["one"], &[4]), tie());
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed[1].starts_with("facility_codes = [4, 123]") && listed[1].contains("one"), "{listed:?}");
    let not_taken = SitePolicy { card_types: vec![card_type(3, &["two"])], ..site(&["one"], &[4]) };
    assert!(lines(not_taken, tie())[1].starts_with("formats ="), "a format that no card type takes is not settled by a code");
    let both = site(&["one", "two"], &[]);
    assert!(lines(both, tie())[1].starts_with("formats ="), "nor is one whose code is no strange one");
    assert!(lines(site(&[], &[]), reading(Verdict::NoFit, Vec::new())).is_empty());
}

#[test]
fn a_print_is_compared_with_the_card_types_own_template_first() {
    let template = CardType { external_number: Some("{facility_code}-{card_number:06}".to_owned()), ..card_type(3, &["one"]) };
    let policy = SitePolicy { card_types: vec![template, card_type(4, &["two"])], ..site(&[], &[]) };
    let tie = tie();
    let prints = |print: &str| tie.fits.iter().map(|fit| policy.prints(fit, &tie.presentation, print)).collect::<Vec<_>>();
    assert_eq!(prints(" 123-004567 "), [Some(Match::Numbers), None]);
    assert_eq!(prints("89"), [None, Some(Match::Numbers)]);
    assert!(policy.prints_none(&tie, "123-4568") && !policy.prints_none(&tie, "4567"));
    // A print that only the template makes of a number is a print of that card type's cards alone.
    let own = CardType { external_number: Some("{card_number:last1}".to_owned()), ..card_type(3, &["one"]) };
    let own = SitePolicy { card_types: vec![own, card_type(4, &["two"])], ..site(&[], &[]) };
    let prints_own = |print: &str| tie.fits.iter().map(|fit| own.prints(fit, &tie.presentation, print)).collect::<Vec<_>>();
    assert_eq!((prints_own("7"), prints_own("9")), (vec![Some(Match::Numbers), None], vec![None, None]));
    assert_eq!((policy.card_type(4).map(|known| known.blusky), policy.card_type(5).is_none()), (Some(4), true));
    assert_eq!(policy.named_formats(), ["one", "two"]);
}

#[test]
fn what_looks_right_is_not_explained_and_a_print_that_is_none_of_the_numbers_is_warned_of() {
    let catalog = Protocols::built_in().catalog(&["hid-h10301".to_owned()]);
    let explained = |literal: &str, policy: &SitePolicy, print: Option<&str>| {
        let mut reading = catalog.read(Presentation::of_literal(&literal.parse().unwrap()));
        explain(&mut reading, &catalog, policy, print);
        (reading.presentation.warnings, !reading.suggestions.is_empty())
    };
    let look = |policy: &SitePolicy, print: Option<&str>| explained("{26}BD88EB80", policy, print);
    assert_eq!(look(&site(&[], &[]), None), (vec![], false));
    assert_eq!(look(&site(&["hid-h10301"], &[]), Some("4567")), (vec![], false));
    assert_eq!(look(&site(&[], &[]), Some("31337")).0, ["printed_not_read"]);
    assert!(explained("{9}BD80", &site(&[], &[]), Some("31337")).0.is_empty(), "nothing was read at all");
    assert!(look(&site(&["hid-h10301"], &[]), Some("17767")).1, "hex digits that were taken for decimal ones");
    // A card of 35 bits, with parity bits of the reader's around it.
    let doubled = |policy: &SitePolicy| explained("{37}1234567890", policy, None).1;
    let by_type = SitePolicy { card_types: vec![card_type(3, &["hid-corporate-1000-35"])], ..site(&[], &[]) };
    assert!(doubled(&site(&["hid-corporate-1000-35"], &[])) && doubled(&by_type));
    assert!(!doubled(&site(&["hid-corporate-1000-35", "hid-h10302"], &[])), "it may be a card of the site");
    let mut typed = catalog.read(Presentation::of_literal(&"{37}1234567890".parse().unwrap()));
    typed.presentation.warnings.push(TYPED.to_owned());
    explain(&mut typed, &catalog, &site(&["hid-corporate-1000-35"], &[]), None);
    assert!(typed.suggestions.is_empty(), "what was typed is no card that looks wrong");
}

#[test]
fn a_choice_is_kept_against_the_formats_that_read_another_card_and_not_against_those_that_read_the_same() {
    let (one, again, two) = (card("one", 123, 4567), card("again", 123, 4567), card("two", 7, 89));
    let kept = Kept::choice(&one, &[&one, &again, &two]);
    assert_eq!(kept, Kept::Choice { format: "one".to_owned(), not: vec!["two".to_owned()] });
    assert_eq!(kept.chosen_of(&[&again, &one, &two]), Some(1));
    // It is the same answer, and kept once, in whatever order the formats come.
    let (three, twice) = (card("three", 8, 90), card("two", 9, 91));
    let kept = Kept::choice(&one, &[&one, &two, &three, &twice]);
    assert_eq!(kept, Kept::choice(&one, &[&three, &twice, &two, &one]));
    assert_eq!(kept.key(), ("choices", "one, not three, two".to_owned()));
}
