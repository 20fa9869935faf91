//! What is found again: by page, by key, as evidence.

use super::*;

#[test]
fn who_was_given_a_card_last_is_found_and_nobody_elses_card_nor_what_was_given_up() {
    for kind in kinds() {
        let mut store = kind.open();
        for (number, card) in [(1, "wiegand {26}1"), (2, "wiegand {26}2"), (3, "wiegand {26}1"), (5, "wiegand {26}1")] {
            store.save(&shown(number, number, card, 0), Terms::default()).unwrap();
        }
        (kind.1)(ELSEWHERE).save(&shown(4, 4, "wiegand {26}1", 0), Terms::default()).unwrap();
        let last = |store: &mut dyn Store| store.last_of_card("wiegand {26}1").unwrap().map(|entry| entry.id.as_u128());
        assert_eq!(last(store.as_mut()), Some(5), "{}", kind.0);
        for (given_up, left) in [(5, Some(3)), (3, Some(1)), (1, None)] {
            go(store.as_mut(), Uuid::from_u128(given_up), &[GIVEN_UP]);
            assert_eq!(last(store.as_mut()), left, "{}", kind.0);
        }
    }
}

#[test]
fn an_entry_is_found_by_the_beginning_of_its_key() {
    for kind in kinds() {
        let mut store = kind.open();
        for number in [0x1111_0000 << 96, 0x1112_0000 << 96, 0x2000_0000 << 96] {
            store.save(&entry(number, 7), Terms::default()).unwrap();
        }
        let mut found =
            |key: &str| store.beginning(key).unwrap().iter().map(|key| key.parse::<Uuid>().unwrap().as_u128() >> 112).collect::<Vec<_>>();
        let all = [found("11"), found("1112"), found("20000000-0000"), found("3"), found("%")];
        assert_eq!(all, [vec![0x1111, 0x1112], vec![0x1112], vec![0x2000], vec![], vec![]], "{}", kind.0);
    }
}

#[test]
fn an_order_of_a_new_user_is_found_by_name_until_its_outcome_is_known() {
    let user = |name: &str| -> AddUser { serde_json::from_value(new_user(name)).unwrap() };
    for kind in kinds() {
        let mut store = kind.open();
        let order = Entry::of(Uuid::from_u128(1), at(0), Operation::AddUser(Box::new(user("Ada"))), Reassign::Never);
        store.save(&order, Terms::default()).unwrap();
        let mut found = |name: &str| store.open_user(&user(name)).unwrap().map(|entry| entry.id.as_u128());
        assert_eq!((found("Ada"), found("Grace")), (Some(1), None), "{}", kind.0);
        go(store.as_mut(), order.id, &[SENDING, no_answer()]);
        assert!(store.open_user(&user("Ada")).unwrap().is_some(), "{}: it is in doubt", kind.0);
        assert_eq!((kind.1)(ELSEWHERE).open_user(&user("Ada")), Ok(None), "{}", kind.0);
        go(store.as_mut(), order.id, &[GIVEN_UP]);
        assert_eq!(store.open_user(&user("Ada")), Ok(None), "{}", kind.0);
    }
}

fn new_user(name: &str) -> serde_json::Value {
    let company = Uuid::from_u128(5);
    serde_json::json!({
        "first_name": name, "last_name": "Lovelace", "facility_id": company, "company_instance_id": company, "company_instance_type": 1,
        "ac_system_id": company, "access_rights_suspended": false, "has_login_rights": false, "web_site_rights_suspended": false,
    })
}

#[test]
fn pages_lead_to_each_entry_once_in_the_order_they_were_saved() {
    const MANY: u128 = 300;
    for kind in kinds() {
        let mut store = kind.open();
        for number in 1..=MANY {
            let mut bare = entry(number, number);
            bare.operation.take_secret();
            store.save(&bare, Terms::default()).unwrap();
            if number % 3 == 0 {
                go(store.as_mut(), bare.id, &[GIVEN_UP]);
            }
        }
        let mut through = |page: &mut dyn FnMut(&mut dyn Store, u64) -> Page| {
            let (mut all, mut last) = (Vec::new(), 0);
            loop {
                let page = page(store.as_mut(), last);
                let Some((number, _)) = page.last() else { return all };
                assert!(page.iter().all(|(number, _)| *number > last), "{}", kind.0);
                last = *number;
                all.extend(ids(&page));
            }
        };
        let all: Vec<u128> = (1..=MANY).collect();
        assert_eq!(through(&mut |store, number| store.page_after(number).unwrap()), all, "{}", kind.0);
        let open: Vec<u128> = all.iter().copied().filter(|number| number % 3 != 0).collect();
        assert_eq!(through(&mut |store, number| store.open_after(number).unwrap()), open, "{}", kind.0);
    }
}

#[test]
fn what_is_for_another_blusky_is_neither_delivered_nor_evidence_and_is_still_listed() {
    for kind in kinds() {
        let mut other = (kind.1)(ELSEWHERE);
        other.save(&read(1, "hid-h10301", Some(1), &[What::Operator]), Terms::default()).unwrap();
        other.close();
        let mut store = kind.open();
        store.save(&read(2, "hid-h10301", Some(2), &[What::Operator]), Terms::default()).unwrap();
        assert_eq!(ids(&store.open_after(0).unwrap()), [2], "{}", kind.0);
        assert_eq!(ids(&store.page_after(0).unwrap()), [1, 2], "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(1)).unwrap().base_url, ELSEWHERE, "{}", kind.0);
        let seen = store.evidence_seen().unwrap();
        let cards = |code| seen.cards("hid-h10301", Some(FacilityCode(code))).all();
        assert_eq!((cards(1), cards(2)), (0, 1), "{}", kind.0);
        go(store.as_mut(), Uuid::from_u128(1), &[GIVEN_UP]);
        let seen = (kind.1)(ELSEWHERE).evidence_seen().unwrap();
        assert_eq!(seen.cards("hid-h10301", Some(FacilityCode(1))).all(), 0, "{}: it was given up from here", kind.0);
    }
}

#[test]
fn evidence_counts_what_blusky_accepted_and_what_a_person_vouched_for_until_it_is_refused_or_given_up() {
    let printed = [What::Checks, What::Printed];
    for kind in kinds() {
        let mut store = kind.open();
        let mut number = 0;
        let mut with = |store: &mut dyn Store, code: Option<u64>, what: &[What], steps: &[Step]| {
            number += 1;
            let format = if code.is_some() { "hid-h10301" } else { "csn-serial" };
            store.save(&read(number, format, code, what), Terms::default()).unwrap();
            go(store, Uuid::from_u128(number), steps);
        };
        with(store.as_mut(), Some(1), &[What::Checks], &[]);
        with(store.as_mut(), Some(2), &printed, &[]);
        with(store.as_mut(), Some(3), &[What::Operator], &[SENDING]);
        with(store.as_mut(), Some(4), &printed, &[SENDING, no_answer()]);
        with(store.as_mut(), Some(5), &printed, &[SENDING, refused()]);
        with(store.as_mut(), Some(6), &printed, &[GIVEN_UP]);
        with(store.as_mut(), Some(7), &printed, &[SENDING, accepted()]);
        with(store.as_mut(), Some(7), &[What::Checks], &[SENDING, accepted()]);
        with(store.as_mut(), Some(7), &printed, &[]);
        with(store.as_mut(), None, &[What::TransportCheck], &[SENDING, accepted()]);
        store.save(&entry(99, 99), Terms::default()).unwrap();
        let seen = store.evidence_seen().unwrap();
        let cards = |code: u64| seen.cards("hid-h10301", Some(FacilityCode(code)));
        let counts = |accepted, vouched| CardCounts { accepted, vouched };
        let wanted = [(1, 0, 0), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 0, 0), (6, 0, 0), (7, 2, 1)];
        for (code, accepted, vouched) in wanted {
            assert_eq!(cards(code), counts(accepted, vouched), "{}: facility code {code}", kind.0);
        }
        assert_eq!(seen.cards("csn-serial", None), counts(1, 0), "{}", kind.0);
        assert_eq!(seen.accepted_codes("hid-h10301"), 1, "{}", kind.0);
    }
}
