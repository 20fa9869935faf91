//! Tests of who goes first.

use super::*;
use crate::{access::Operation, outbox::schedule::Work};

#[test]
fn a_card_that_was_just_shown_goes_before_those_that_wait_and_finds_out_whether_blusky_is_back() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let entry = |number: u128, saved_at| {
        let call = serde_json::json!({
            "user_id": Uuid::from_u128(number), "internal_card_number": number as u64, "card_user_flags": 1, "reassign_card_if_already_assigned": false,
        });
        let call = Operation::AddUserCard(serde_json::from_value(call).unwrap());
        Entry::of(Uuid::from_u128(number), saved_at, call, Reassign::Never)
    };
    let mut sending = Sending::new(1);
    sending.deliver(Scope::All, now);
    (1..=2_u64).for_each(|place| sending.put(waiting(&entry(place.into(), now.wall - TimeDelta::hours(1)), place, now)));
    sending.schedule.heard(&Reached::Away(None), None, now.steady);
    assert_eq!(sending.schedule.next(now.steady), None);
    sending.put_first(&entry(9, now.wall), now);
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Ask(Uuid::from_u128(1))));
    sending.schedule.heard(&Reached::Answered, None, now.steady);
    sending.put(waiting(&entry(1, now.wall), 1, now));
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Step(Uuid::from_u128(9))));
}
