//! What is written down of where an entry comes from.

use super::*;
use crate::enroll::{
    enrollment::Order,
    origin::{Named, Origin, Undoes},
};

#[test]
fn a_person_is_called_by_name_and_by_the_number_that_tells_namesakes_apart_where_there_is_one() {
    let called = |number: Option<&str>| {
        let employee_number = number.map(ToOwned::to_owned);
        Named { name: "Ada Lovelace".to_owned(), employee_number, without_access: false }.called()
    };
    assert_eq!([None, Some(""), Some("1815")].map(called), ["Ada Lovelace", "Ada Lovelace", "Ada Lovelace (1815)"]);
}

#[test]
fn what_is_written_down_of_a_card_names_every_format_that_fits_and_what_was_ordered() {
    let mut tie = read(vec![card("one", 123, 4567), card("two", 7, 89)]);
    choose(&mut tie, &site(&[], &[]), &print("89"));
    let order = Order { printed: Some("89".to_owned()), card_type: Some(3), same_card: true, ..Order::of(Uuid::from_u128(7)) };
    let origin = Origin::of_reading(&order, &tie, "digest");
    let read = origin.card.unwrap();
    assert_eq!((read.format.as_str(), read.format_digest.as_str(), read.verdict), ("two", "digest", Verdict::Ambiguous));
    let fits = [("one", "facility_code 123, card_number 4567"), ("two", "facility_code 7, card_number 89")];
    assert_eq!(read.fits, fits.map(|(format, numbers)| (format.to_owned(), numbers.to_owned())));
    let ordered = origin.order.unwrap();
    assert_eq!((ordered.printed.as_deref(), ordered.card_type, ordered.same_card), (Some("89"), Some(3), true));
}

#[test]
fn on_a_card_that_is_taken_back_hang_the_entry_that_gave_it_and_the_one_that_gives_it_back() {
    let (entry, gives_back) = (Uuid::from_u128(1), Some(Uuid::from_u128(2)));
    assert_eq!(Undoes { entry, gives_back }.entries().collect::<Vec<_>>(), [entry, Uuid::from_u128(2)]);
    assert_eq!(Undoes { entry, gives_back: None }.entries().collect::<Vec<_>>(), [entry]);
}
