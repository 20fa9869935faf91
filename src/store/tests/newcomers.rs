//! Whoever is to be added is somebody new at the moment in which that is written down.

use super::*;
use crate::outbox::Known;

/// An order of a new user, judged at this second and saved at that one.
fn newcomer(number: u128, (first, last): (&str, &str), employee: Option<&str>, (judged, saved): (i64, i64)) -> Entry {
    let id = Uuid::from_u128(9);
    let body = serde_json::json!({
        "ac_system_id": id, "access_rights_suspended": false, "company_instance_id": id, "company_instance_type": 1, "facility_id": id,
        "first_name": first, "has_login_rights": false, "last_name": last, "web_site_rights_suspended": false, "employee_number": employee,
    });
    let origin = Origin { judged_at: Some(at(judged)), ..Origin::default() };
    let operation = Operation::AddUser(serde_json::from_value(body).unwrap());
    Entry { origin, ..Entry::of(Uuid::from_u128(number), at(saved), operation, Reassign::Never) }
}

fn says(result: Result<(), StoreError>) -> Option<(u128, Known)> {
    match result {
        Ok(()) => None,
        Err(StoreError::NotNew(not_new)) => Some((not_new.entry.as_u128(), not_new.how)),
        other => panic!("{other:?}"),
    }
}

const EVE: (&str, &str) = ("Eve", "New");

#[test]
fn two_orders_of_one_new_person_that_were_both_judged_before_either_was_saved_add_one() {
    for kind in kinds() {
        let mut store = kind.open();
        let mut save = |entry: Entry| says(store.save(&entry, Terms::default()));
        assert_eq!(save(newcomer(1, EVE, Some("77"), (0, 2))), None);
        assert_eq!(save(newcomer(2, EVE, Some("77"), (1, 3))), Some((1, Known::Ordered)), "{}", kind.0);
        assert_eq!(save(newcomer(2, ("Eva", "Other"), Some(" 77 "), (1, 3))), Some((1, Known::Ordered)), "{}: one number", kind.0);
        assert_eq!(save(newcomer(2, ("EVE", "new"), None, (1, 3))), Some((1, Known::Ordered)), "{}: no number tells them apart", kind.0);
        assert_eq!(save(newcomer(3, EVE, Some("78"), (1, 3))), None, "{}: a namesake with a number of their own", kind.0);
        go(store.as_mut(), Uuid::from_u128(1), &[SENDING, accepted()]);
        let mut save = |entry: Entry| says(store.save(&entry, Terms::default()));
        assert_eq!(save(newcomer(4, EVE, Some("77"), (1, 9))), Some((1, Known::Number)), "{}: added since that was judged", kind.0);
        assert_eq!(save(newcomer(4, ("Eva", "Other"), Some("79"), (1, 9))), None, "{}: somebody else", kind.0);
        // Whoever judges an order later knows whom BluSKY has.
        assert_eq!(save(newcomer(5, EVE, Some("77"), (3, 9))), None, "{}", kind.0);
        go(store.as_mut(), Uuid::from_u128(3), &[SENDING, refused()]);
        assert_eq!(says(store.save(&newcomer(6, EVE, Some("78"), (1, 9)), Terms::default())), None, "{}: nobody was added", kind.0);
        let mut store = (kind.1)(ELSEWHERE);
        assert_eq!(says(store.save(&newcomer(7, EVE, Some("77"), (1, 9)), Terms::default())), None, "{}: at another BluSKY", kind.0);
    }
}

#[test]
fn one_new_person_is_one_however_their_name_is_written() {
    for (first, again) in [
        (("Jürg", "Müller"), ("Jürg", "MÜLLER")),
        (("Jürg", "Müller"), ("Jurg", "Muller")),
        (("Zoe\u{308}", "Dvořák"), ("ZOË", "dvorak")),
        (("Anna", "Maria Lopez"), ("Anna Maria", "Lopez")),
        (("Jan", "van  Dyk"), ("Jan", "Van Dyk")),
        (("Eve \"Ev\"", "O'New\\"), ("eve \"ev\"", "O'NEW\\")),
    ] {
        for kind in kinds() {
            let mut store = kind.open();
            store.save(&newcomer(1, first, None, (0, 2)), Terms::default()).unwrap();
            let Operation::AddUser(user) = newcomer(2, again, None, (0, 3)).operation else { panic!("it is one") };
            let open = store.open_user(&user).unwrap().map(|entry| entry.id.as_u128());
            assert_eq!(open, Some(1), "{}: {first:?} and {again:?}", kind.0);
            let saved = says(store.save(&newcomer(2, again, None, (0, 3)), Terms::default()));
            assert_eq!(saved, Some((1, Known::Ordered)), "{}: {first:?} and {again:?}", kind.0);
        }
    }
}

#[test]
fn a_new_person_who_was_added_counts_though_their_card_was_refused() {
    for kind in kinds() {
        let mut store = kind.open();
        let first = newcomer(1, EVE, None, (0, 2));
        let card = add_existing_card(Uuid::from_u128(9001), &Order::of(Uuid::nil())).unwrap();
        let with_card = Entry { origin: Origin { card_after: Some(Box::new(card)), ..first.origin.clone() }, ..first };
        store.save(&with_card, Terms::default()).unwrap();
        go(store.as_mut(), Uuid::from_u128(1), &[SENDING, accepted(), SENDING, refused()]);
        assert_eq!(says(store.save(&newcomer(2, EVE, None, (1, 9)), Terms::default())), Some((1, Known::Name)), "{}", kind.0);
    }
}
