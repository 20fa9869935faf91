//! Tests of who goes first, and of how much there is to do for one.

use super::*;
use crate::{
    access::{Operation, Outcome},
    outbox::schedule::{LOOKED_AT, Work},
};

/// An entry of its own user and card.
fn entry(number: u128, saved_at: DateTime<Utc>) -> Entry {
    let call = serde_json::json!({
        "user_id": Uuid::from_u128(number), "internal_card_number": number as u64, "card_user_flags": 1, "reassign_card_if_already_assigned": false,
    });
    let call = Operation::AddUserCard(serde_json::from_value(call).unwrap());
    Entry::of(Uuid::from_u128(number), saved_at, call, Reassign::Never)
}

#[test]
fn a_card_that_was_just_shown_goes_before_those_that_wait_and_finds_out_whether_blusky_is_back() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut sending = Sending::new(1);
    sending.deliver(Scope::All);
    (1..=2_u64).for_each(|place| sending.put(waiting(&entry(place.into(), now.wall - TimeDelta::hours(1)), place, now)));
    sending.schedule.heard(Uuid::nil(), &Reached::Away(None), now.steady);
    assert_eq!(sending.schedule.next(now.steady), None);
    sending.put_first(&entry(9, now.wall), now);
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Ask(Uuid::from_u128(9))));
    sending.schedule.heard(Uuid::nil(), &Reached::Answered, now.steady);
    sending.put(Waiting { turn: Due::Over, ..waiting(&entry(9, now.wall), 3, now) });
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Step(Uuid::from_u128(1))));
}

#[test]
fn whoever_stood_there_as_blusky_went_away_still_goes_before_those_that_nobody_waits_for() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let later = Now::from(now.wall + TimeDelta::seconds(2));
    let (shown, mut sending) = (entry(9, now.wall), Sending::new(1));
    sending.deliver(Scope::All);
    (1..=2_u64).for_each(|place| sending.put(waiting(&entry(place.into(), now.wall - TimeDelta::hours(1)), place, now)));
    sending.ordered(shown.id, None, false, None);
    sending.put_first(&shown, now);
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Step(shown.id)));
    sending.schedule.heard(shown.id, &Reached::Away(None), now.steady);
    sending.put_again(&shown, now);
    // Another one finds out that it is back.
    assert_eq!(sending.schedule.next(later.steady), Some(Work::Ask(Uuid::from_u128(1))));
    sending.schedule.heard(Uuid::from_u128(1), &Reached::Answered, later.steady);
    sending.put(Waiting { turn: Due::Over, ..waiting(&entry(1, now.wall), 1, later) });
    assert_eq!(sending.schedule.next(later.steady), Some(Work::Step(shown.id)));
}

/// Whose entries wait, and for what.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pile {
    OneUsers,
    OneCards,
    Everybodys,
    ForAPerson,
}

/// How many entries are looked at from the moment a card is saved until it is delivered, behind so many others.
fn looked_at(pile: Pile, many: u64, (scope, is_away): (Scope, bool)) -> usize {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let (user, card) = (Some(Uuid::from_u128(1)), Some(1));
    let others = |place: u64| {
        let due = Due::At(now.steady - TimeDelta::hours(1));
        let of = Waiting {
            place,
            id: Uuid::from_u128(u128::from(place) << 64),
            user: Some(Uuid::from_u128(place.into())),
            card: Some(place),
            turn: due,
        };
        match pile {
            Pile::OneUsers => Waiting { user, ..of },
            Pile::OneCards => Waiting { card, ..of },
            Pile::Everybodys => of,
            Pile::ForAPerson => Waiting { user, card, turn: Due::Person, ..of },
        }
    };
    let mut sending = Sending::new(4);
    sending.deliver(scope);
    (100..100 + many).for_each(|place| sending.put(others(place)));
    if is_away {
        (0..2).for_each(|_| sending.schedule.heard(Uuid::nil(), &Reached::Away(None), now.steady));
    }
    LOOKED_AT.set(0);
    // Two, for the one of them may go on where the other has left off.
    for number in [1, 2] {
        sending.ordered(Uuid::from_u128(number), None, false, None);
        sending.put_first(&entry(number, now.wall), now);
        let begun: Vec<Work> = std::iter::from_fn(|| sending.schedule.next(now.steady)).collect();
        for Work::Step(id) | Work::Ask(id) in begun {
            sending.schedule.heard(Uuid::nil(), &if is_away { Reached::Away(None) } else { Reached::Answered }, now.steady);
            sending.schedule.let_go(id, now.steady);
        }
    }
    LOOKED_AT.get()
}

#[test]
fn what_is_to_be_done_for_a_card_does_not_grow_with_those_that_wait_for_its_user_its_card_blusky_or_a_person() {
    for pile in [Pile::OneUsers, Pile::OneCards, Pile::Everybodys, Pile::ForAPerson] {
        for how in [(Scope::All, false), (Scope::All, true)] {
            let [few, many] = [20, 2000].map(|many| looked_at(pile, many, how));
            assert!(few > 0 && many <= few + 8, "{pile:?} {how:?}: {few} are looked at behind 20, {many} behind 2,000");
        }
    }
}

#[test]
fn what_waits_aside_is_not_looked_at_for_a_card_that_has_nothing_to_do_with_it() {
    for how in [(Scope::Ordered, false), (Scope::Ordered, true)] {
        let [few, many] = [20, 2000].map(|many| looked_at(Pile::Everybodys, many, how));
        assert!(few > 0 && many <= few + 8, "{how:?}: {few} are looked at behind 20, {many} behind 2,000");
    }
}

#[test]
fn an_entry_that_waits_aside_and_is_tried_again_keeps_its_place_before_later_ones_of_its_user() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut sending = Sending::new(4);
    sending.deliver(Scope::Ordered);
    let earlier = entry(1, now.wall);
    let user = earlier.operation.user();
    sending.put(waiting(&earlier, 1, now));
    sending.put(Waiting { user, ..waiting(&entry(2, now.wall), 2, now) });
    sending.ordered(earlier.id, None, false, None);
    sending.put_first(&earlier, now);
    assert_eq!(sending.schedule.next(now.steady), Some(Work::Step(earlier.id)));
    assert_eq!((sending.schedule.next(now.steady), sending.waiting()), (None, 2), "the later one waits for it");
}

#[test]
fn a_store_full_of_what_waits_is_taken_up_with_a_few_looks_at_each() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut sending = Sending::new(4);
    LOOKED_AT.set(0);
    (1..=2000).for_each(|number| sending.put(waiting(&entry(number, now.wall), number as u64, now)));
    assert!(LOOKED_AT.get() < 2000 * 8, "{} looks before anything is wanted", LOOKED_AT.get());
    sending.deliver(Scope::Ordered);
    assert_eq!((sending.schedule.len(), sending.waiting()), (0, 2000), "nobody asked for them");
    // Those that share its user, or its card with one that shares its user, go before it.
    let like = |id: u128, of: u128, card: u64| Waiting {
        id: Uuid::from_u128(id),
        card: Some(card),
        ..waiting(&entry(of, now.wall), id as u64, now)
    };
    sending.put(like(3000, 7, 4000));
    sending.put(like(3001, 8, 4000));
    sending.ordered(Uuid::from_u128(3002), None, false, None);
    sending.put(like(3002, 8, 4001));
    assert_eq!((sending.schedule.len(), sending.waiting()), (5, 2003), "7, 8, and the three of them");
}

#[test]
fn a_wish_to_take_a_card_grows_old_by_a_clock_that_nobody_sets_until_its_entry_is_accepted_or_given_up() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut known = Known::default();
    let (wish, none) = (Entry { reassign: Reassign::Always, ..entry(1, now.wall) }, entry(2, now.wall));
    [&wish, &none].into_iter().for_each(|entry| known.take_up(entry, now));
    // The wall's clock is set back, and three minutes have passed.
    let later = Now { wall: now.wall - TimeDelta::hours(1), steady: now.steady + TimeDelta::minutes(3) };
    let old = now.wall + TimeDelta::minutes(3);
    assert_eq!((known.at_least(wish.id, later), known.at_least(none.id, later)), (old, later.wall));
    let refused = Step::Answered(Outcome::Refused(Default::default()));
    known.settled(&wish.clone().after([(later.wall, refused)]));
    assert_eq!(known.at_least(wish.id, later), old, "a person may still say that it is to be taken");
    known.settled(&wish.clone().after([(later.wall, Step::Discarded { superseded_by: None })]));
    assert_eq!(known.at_least(wish.id, later), later.wall);
}

#[test]
fn what_came_to_its_end_while_the_store_is_still_being_read_is_known_until_all_of_it_was_read() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let [before, after] = [1, 2].map(|number| entry(number, now.wall));
    let mut known = Known::default();
    known.settled(&before);
    assert_eq!((known.has_ended(before.id), known.has_ended(after.id)), (true, false));
    known.begins();
    known.settled(&after);
    assert_eq!((known.has_ended(before.id), known.has_ended(after.id)), (false, false));
}

#[test]
fn whoever_is_about_to_end_waits_for_what_is_due_within_three_seconds() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    for (millis, is_idle) in [(2999, false), (3000, true)] {
        let mut sending = Sending::new(1);
        sending.deliver(Scope::All);
        sending.put(Waiting { turn: Due::At(now.steady + TimeDelta::milliseconds(millis)), ..waiting(&entry(1, now.wall), 1, now) });
        assert_eq!(sending.is_idle(false, now), is_idle, "{millis}");
    }
}

#[test]
fn what_nobody_ordered_goes_first_where_it_stands_before_an_order_of_its_user_whichever_is_known_first() {
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut sending = Sending::new(4);
    sending.deliver(Scope::Ordered);
    let ordered = entry(1, now.wall);
    sending.ordered(ordered.id, None, false, None);
    sending.put(waiting(&ordered, 5, now));
    sending.put(Waiting { user: ordered.operation.user(), ..waiting(&entry(2, now.wall), 1, now) });
    assert_eq!((sending.schedule.next(now.steady), sending.schedule.next(now.steady)), (Some(Work::Step(Uuid::from_u128(2))), None));
}
