//! The call that follows from a card and an order, or why there is none.

use super::*;
use crate::{
    access::{AddUserCard, check::IntegerWidth},
    card::{Csn, DecidedBy, PROTECTED, RANDOM_UID, WORTHLESS},
    enroll::{
        enrollment::{Order, Refused, add_existing_card, add_user_card},
        policy::Required,
    },
};

fn order() -> Order {
    Order::of(Uuid::from_u128(7))
}

fn policy() -> SitePolicy {
    SitePolicy { card_types: vec![card_type(3, &["one"]), card_type(4, &["two"])], ..site(&["one", "two"], &[]) }
}

/// The site chooses, and the call follows.
fn enrolled(mut reading: Reading, order: &Order, policy: &SitePolicy) -> Result<AddUserCard, Refused> {
    choose(&mut reading, policy, &Hints { card_type: order.card_type, printed: order.printed.clone() });
    add_user_card(&reading, order, policy, IntegerWidth::Bits32)
}

fn one() -> Reading {
    read(vec![card("one", 123, 4567)])
}

fn time(hour: u32) -> Option<crate::access::Moment> {
    Some(format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap())
}

#[test]
fn a_card_is_sent_with_its_numbers_its_type_and_what_was_ordered_and_nothing_else() {
    let ordered = Order {
        activate: time(8),
        deactivate: time(9),
        card_user_flags: 5,
        reassign: true,
        enforce_occupancy_system: Some(true),
        ..order()
    };
    let call = enrolled(one(), &ordered, &policy()).unwrap();
    assert_eq!((call.card_type, call.card_ac_system_id, call.card_id), (Some(3), Some(Uuid::from_u128(9)), None));
    assert_eq!(
        (call.facility_code, call.internal_card_number, call.issue_code, call.card_serial_number),
        (Some(123), Some(4567), None, None)
    );
    assert_eq!((call.external_card_number.as_deref(), call.user_id, call.card_user_flags), (Some("4567"), ordered.user_id, 5));
    assert_eq!((call.card_activation_start_date_time, call.card_deactivation_start_date_time), (time(8), time(9)));
    assert!(call.reassign_card_if_already_assigned && call.enforce_occupancy_system == Some(true));
    let existing = add_existing_card(Uuid::from_u128(4), &ordered).unwrap();
    assert_eq!((existing.card_id, existing.card_type, existing.internal_card_number), (Some(Uuid::from_u128(4)), None, None));
}

#[test]
fn the_printed_number_is_what_was_given_then_the_template_then_the_print_then_the_card_number() {
    let template = CardType { external_number: Some("{card_number:08}".to_owned()), ..card_type(3, &["one"]) };
    let (plain, templated) = (policy(), SitePolicy { card_types: vec![template], ..policy() });
    let given = |external: Option<&str>, printed: Option<&str>| Order {
        external_number: external.map(ToOwned::to_owned),
        printed: printed.map(ToOwned::to_owned),
        ..order()
    };
    for (policy, ordered, sent) in [
        (&plain, given(None, None), "4567"),
        (&plain, given(None, Some(" 04567 ")), "04567"),
        (&plain, given(Some(" H 9 "), Some("04567")), " H 9 "),
        (&templated, given(None, Some("4567")), "00004567"),
        (&templated, given(Some("9"), None), "9"),
    ] {
        assert_eq!(enrolled(one(), &ordered, policy).unwrap().external_card_number.as_deref(), Some(sent));
    }
    let lacking = CardType { external_number: Some("{issue_code}".to_owned()), ..card_type(3, &["one"]) };
    let lacking = SitePolicy { card_types: vec![lacking], ..policy() };
    assert_eq!(enrolled(one(), &order(), &lacking), Err(Refused::Template(3, "the card has no issue_code".to_owned())));
}

#[test]
fn a_number_that_a_card_type_requires_and_the_card_lacks_is_named() {
    let requiring = |required| SitePolicy {
        card_types: vec![CardType { requires: vec![required], ..card_type(3, &["one", "bare"]) }],
        ..site(&["one", "bare"], &[])
    };
    let bare = || read(vec![fit("bare", &[("card_number", 5)], true)]);
    for (required, field) in [(Required::FacilityCode, "facility_code"), (Required::IssueCode, "issue_code"), (Required::Serial, "serial")]
    {
        let Err(Refused::MissingNumber { field: named, card_type: 3, .. }) = enrolled(bare(), &order(), &requiring(required)) else {
            panic!("{field}")
        };
        assert_eq!(named, field);
    }
    let no_number = read(vec![fit("bare", &[("facility_code", 5)], true)]);
    assert!(matches!(
        enrolled(no_number, &order(), &requiring(Required::FacilityCode)),
        Err(Refused::MissingNumber { field: "card_number", .. })
    ));
    assert!(enrolled(one(), &order(), &requiring(Required::FacilityCode)).is_ok());
    let issued = read(vec![fit("one", &[("card_number", 5), ("issue_code", 2)], true)]);
    assert_eq!(enrolled(issued, &order(), &requiring(Required::IssueCode)).unwrap().issue_code, Some(2));
    // A serial number goes only where it is required, and only where it is one.
    let with_serial = |bytes: &[u8]| {
        let mut reading = one();
        reading.presentation.csn = Csn::new(bytes);
        reading
    };
    let whole: &[u8] = &[0x04, 0xA2, 0xB3, 0xC4];
    assert_eq!(enrolled(with_serial(whole), &order(), &policy()).unwrap().card_serial_number, None);
    assert_eq!(enrolled(with_serial(whole), &order(), &requiring(Required::Serial)).unwrap().card_serial_number, Some(77_771_716));
    assert!(matches!(enrolled(with_serial(&[0, 0, 0, 0]), &order(), &requiring(Required::Serial)), Err(Refused::Nothing(_))));
    assert!(enrolled(with_serial(&[0, 0, 0, 0]), &order(), &policy()).is_ok(), "where nobody asks for it, it stops no card");
}

#[test]
fn a_number_that_blusky_would_take_for_something_else_is_not_sent() {
    let numbered = |number| read(vec![card("one", 123, number)]);
    assert_eq!(enrolled(numbered(0), &order(), &policy()), Err(Refused::Zero));
    let widest = u128::from(i32::MAX.unsigned_abs());
    assert!(enrolled(numbered(widest), &order(), &policy()).is_ok());
    for (reading, wide) in [(numbered(widest + 1), "the card number"), (read(vec![card("one", widest + 1, 5)]), "the facility code")] {
        assert!(matches!(enrolled(reading, &order(), &policy()), Err(Refused::TooWide { field, .. }) if field == wide), "{wide}");
    }
    let backwards = Order { activate: time(9), deactivate: time(8), ..order() };
    assert!(matches!(enrolled(one(), &backwards, &policy()), Err(Refused::Window(_))));
    assert!(matches!(add_existing_card(Uuid::from_u128(4), &backwards), Err(Refused::Window(_))));
    assert_eq!(backwards.judge(IntegerWidth::Bits32), Ok(None), "its window is said elsewhere");
    for (external, printed) in [(Some(" "), None), (None, Some(""))] {
        let empty = Order { external_number: external.map(ToOwned::to_owned), printed: printed.map(ToOwned::to_owned), ..order() };
        assert!(empty.judge(IntegerWidth::Bits32).unwrap_err().to_string().contains("is empty"));
    }
    for ordered in [order(), Order { external_number: Some("H 9".to_owned()), printed: Some("9".to_owned()), ..order() }] {
        assert!(ordered.judge(IntegerWidth::Bits32).unwrap().is_some());
    }
}

#[test]
fn a_card_that_no_type_or_several_types_take_is_not_guessed() {
    let none = SitePolicy { card_types: vec![card_type(4, &["two"])], ..site(&["one", "two"], &[]) };
    assert_eq!(enrolled(one(), &order(), &none), Err(Refused::NoCardType { format: "one".to_owned() }));
    let two = SitePolicy { card_types: vec![card_type(3, &["one"]), card_type(5, &["one"])], ..policy() };
    assert_eq!(enrolled(one(), &order(), &two), Err(Refused::SeveralCardTypes { format: "one".to_owned(), numbers: "3, 5".to_owned() }));
    assert_eq!(enrolled(one(), &Order { card_type: Some(5), ..order() }, &two).unwrap().card_type, Some(5));
    let unknown = enrolled(one(), &Order { card_type: Some(8), ..order() }, &two);
    assert_eq!(unknown, Err(Refused::UnknownCardType(8, "3, 5".to_owned())));
    // Also where a person has chosen a fit that no type takes.
    let forced = Reading { choice: Some((0, DecidedBy::Operator)), ..one() };
    let refused = add_user_card(&forced, &order(), &none, IntegerWidth::Bits32);
    assert_eq!(refused, Err(Refused::NoCardType { format: "one".to_owned() }));
    // The type takes the card under the name of another format that reads the same.
    let same = read(vec![card("one", 123, 4567), card("again", 123, 4567)]);
    let by_other = SitePolicy { card_types: vec![card_type(6, &["again"])], ..site(&["one", "again"], &[]) };
    assert_eq!(enrolled(same, &order(), &by_other).unwrap().card_type, Some(6));
}

#[test]
fn why_nothing_is_enrolled_names_what_is_in_the_way() {
    let with_print = |print: &str| Order { printed: Some(print.to_owned()), ..order() };
    let of_type = |number| Order { card_type: Some(number), ..order() };
    let undecided = |refused: Refused| match refused {
        Refused::Undecided(words) => words,
        other => panic!("{other:?}"),
    };
    let refused = |reading: Reading, order: &Order, policy: &SitePolicy| enrolled(reading, order, policy).unwrap_err();
    let tie = || read(vec![card("one", 123, 4567), card("two", 7, 89)]);

    assert_eq!(refused(one(), &of_type(4), &policy()), Refused::OtherCardType { card_type: 4, format: "one".to_owned() });
    assert_eq!(refused(one(), &with_print("9"), &policy()), Refused::OtherNumber("9".to_owned()));
    // Both are asked for: the type takes it, and the number is another.
    let both = Order { printed: Some("9".to_owned()), ..of_type(3) };
    assert_eq!(refused(one(), &both, &policy()), Refused::OtherNumber("9".to_owned()));
    let wrong_type = Order { printed: Some("4567".to_owned()), ..of_type(4) };
    assert_eq!(refused(one(), &wrong_type, &policy()), Refused::OtherCardType { card_type: 4, format: "one".to_owned() });

    assert_eq!(refused(tie(), &with_print("9"), &policy()), Refused::OtherNumber("9".to_owned()), "no card here has this number");
    // The print is that of a format that the site does not use: the type is right, and the number is not.
    let others = Order { printed: Some("89".to_owned()), ..of_type(3) };
    let ours = SitePolicy { card_types: policy().card_types, ..site(&["one"], &[]) };
    assert_eq!(refused(tie(), &others, &ours), Refused::OtherNumber("89".to_owned()));

    assert!(undecided(refused(tie(), &order(), &policy())).contains("nothing configured decides"));
    assert!(undecided(refused(tie(), &order(), &SitePolicy { facility_codes: vec![55], ..policy() })).contains("with this facility code"));
    assert!(
        undecided(refused(one(), &order(), &SitePolicy { facility_codes: vec![55], ..policy() })).contains("the only format that fits")
    );
    let same = read(vec![card("one", 123, 4567), card("again", 123, 4567)]);
    for verdict in [Verdict::Certain, Verdict::Likely] {
        let sure = Reading { verdict, ..same.clone() };
        let words = undecided(refused(sure, &order(), &SitePolicy { facility_codes: vec![55], ..policy() }));
        assert!(words.contains("none of the formats that fit"), "{words}");
    }
    let twins = read(vec![card("one", 123, 4567), card("two", 7, 4567)]);
    assert!(undecided(refused(twins, &with_print("4567"), &policy())).contains("match the printed number"));
    let mut protected = tie();
    protected.presentation.warnings.push(PROTECTED.to_owned());
    assert!(undecided(refused(protected.clone(), &order(), &policy())).contains("protected by keys"));
    let unread = Reading { fits: Vec::new(), verdict: Verdict::SerialOnly, ..protected };
    assert!(undecided(refused(unread, &with_print("9"), &policy())).contains("protected by keys"), "it is not the print that is wrong");
    let mut warned = tie();
    warned.presentation.warnings.push("printed_not_read".to_owned());
    assert!(undecided(refused(warned, &order(), &policy())).contains("nothing configured decides"), "another warning");
}

#[test]
fn a_card_type_takes_a_card_only_under_a_format_that_the_site_believes_and_that_reads_the_same_card() {
    let types = || vec![card_type(3, &["one"]), card_type(4, &["two"])];
    let twice = || read(vec![card("one", 123, 4567), card("two", 123, 4567)]);
    let believed = SitePolicy { card_types: types(), ..site(&["one"], &[]) };
    assert_eq!(enrolled(twice(), &order(), &believed).unwrap().card_type, Some(3));
    let tie = read(vec![card("one", 123, 4567), card("two", 7, 89)]);
    let both = SitePolicy { card_types: types(), ..site(&["one", "two"], &[]) };
    let printed = Order { printed: Some("4567".to_owned()), ..order() };
    assert_eq!(enrolled(tie, &printed, &both).unwrap().card_type, Some(3));
}

#[test]
fn a_damaged_card_of_the_sites_own_is_damaged_whatever_else_its_bits_fit() {
    let foreign = |ours: &[&str]| {
        let mut reading = read(vec![card("two", 7, 89)]);
        reading.refusals = vec![damaged("one")];
        enrolled(reading, &order(), &SitePolicy { card_types: vec![card_type(3, &["one"])], ..site(ours, &[]) })
    };
    assert_eq!(foreign(&["one"]), Err(Refused::Damaged));
    assert_ne!(foreign(&["three"]), Err(Refused::Damaged), "a format that the site does not use says nothing about its cards");
    assert_ne!(foreign(&["one", "two"]), Err(Refused::Damaged), "what fits is a card of the site's");
    let mut longer = read(vec![card("two", 7, 89)]);
    longer.refusals = vec![Refusal { reason: Reason::Length, ..damaged("one") }];
    let refused = enrolled(longer, &order(), &SitePolicy { card_types: vec![card_type(3, &["one"])], ..site(&["one"], &[]) });
    assert_ne!(refused, Err(Refused::Damaged), "a card of another length is no damaged one");
    for (verdict, words) in [
        (Verdict::UnknownFormat, "the same bits came twice"),
        (Verdict::NoFit, "no known format fits"),
        (Verdict::UnknownLength, "does not tell the number of bits"),
        (Verdict::Keypad, "a key, not a card"),
        (Verdict::Unreadable, "answers none"),
    ] {
        let refused = enrolled(reading(verdict, Vec::new()), &order(), &policy()).unwrap_err();
        assert!(matches!(refused, Refused::Nothing(why) if why.contains(words)), "{words}");
    }
    assert_eq!(enrolled(reading(Verdict::Damaged, Vec::new()), &order(), &policy()), Err(Refused::Damaged));
    let mut phone = reading(Verdict::SerialOnly, Vec::new());
    phone.presentation.kind = Kind::Csn;
    phone.presentation.csn = Csn::new(&[0x08, 1, 2, 3]);
    let refused = enrolled(phone.clone(), &order(), &policy()).unwrap_err();
    assert_eq!(phone.presentation.no_identity(), Some(RANDOM_UID));
    assert!(matches!(refused, Refused::Nothing(why) if why.contains("a phone")));
    for (bytes, words) in [([0; 4], "all zero"), ([0xFF; 4], "filler only"), ([0x88, 4, 0xA3, 0xC6], "cut off")] {
        phone.presentation.csn = Csn::new(&bytes);
        let refused = enrolled(phone.clone(), &order(), &policy()).unwrap_err();
        assert!(matches!(refused, Refused::Nothing(why) if why.contains(words)), "{words}");
    }
    let mut shared = one();
    shared.presentation.warnings.push(WORTHLESS.to_owned());
    assert!(matches!(enrolled(shared, &order(), &policy()), Err(Refused::Nothing(why)) if why.contains("many cards share")));
}
