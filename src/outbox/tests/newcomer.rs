//! Whether somebody who is to be added is somebody new.

use super::*;
use crate::access::AddUser;

fn ada() -> AddUser {
    let Operation::AddUser(ada) = user(vec![]).operation else { unreachable!() };
    *ada
}

#[test]
fn whoever_was_added_since_an_order_was_judged_is_nobody_new_and_whoever_was_added_before_is_on_the_list() {
    let added = Entry { saved_at: at(10), ..user(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, "Success")))]) };
    let known = |since: Option<i64>| added.not_new(&ada(), since.map(at)).map(|not_new| (not_new.how, not_new.user));
    let there = Some((Known::Name, Some(Uuid::from_u128(5))));
    assert_eq!([Some(9), Some(10), Some(11), None].map(known), [there, there, None, None]);
}

#[test]
fn a_number_that_is_none_tells_nobody_apart_and_makes_two_people_one() {
    let alike = |(first, number): (&str, Option<&str>), (other, others): (&str, Option<&str>)| {
        KnownBy::new((first, "Lovelace"), number).alike(&KnownBy::new((other, "Lovelace"), others))
    };
    for none in [None, Some(""), Some(" "), Some("0"), Some(" 0 ")] {
        assert_eq!(alike(("Ada", none), ("Grace", none)), None, "{none:?}");
        assert_eq!(alike(("Ada", none), ("ada", Some("1815"))), Some(Known::Name), "{none:?}");
        assert_eq!(alike(("Ada", none), ("Ada", none)), Some(Known::Name), "{none:?}");
    }
    assert_eq!(alike(("Ada", Some("1815")), ("Grace", Some(" 1815 "))), Some(Known::Number));
    assert_eq!(alike(("Ada", Some("1815")), ("Ada", Some("1816"))), None, "a namesake");
}
