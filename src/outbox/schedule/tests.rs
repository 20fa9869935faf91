//! Whose turn it is, and who waits for whom.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn waiting(place: u64, user: u128, card: u64, turn: Turn) -> Waiting {
    Waiting { place, id: Uuid::from_u128(place.into()), user: Some(Uuid::from_u128(user)), card: Some(card), turn }
}

fn id(place: u128) -> Work {
    Work::Step(Uuid::from_u128(place))
}

#[test]
fn entries_of_different_users_and_cards_are_under_way_at_once_up_to_the_limit() {
    let mut schedule = Schedule::new(2);
    (1..=3).for_each(|number| schedule.put(waiting(number, number.into(), number, Turn::At(at(0)))));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0)), schedule.next(at(0))], [Some(id(1)), Some(id(2)), None]);
    schedule.put(waiting(1, 1, 1, Turn::Over));
    assert_eq!(schedule.next(at(0)), Some(id(3)));
}

#[test]
fn while_an_answer_is_written_down_another_entry_calls_and_none_of_its_user_or_its_card() {
    let mut schedule = Schedule::new(1);
    // The second is of the first one's user, the third for the first one's card.
    [(1, 7, 1), (2, 7, 2), (3, 8, 1), (4, 9, 9), (5, 10, 10), (6, 11, 11)]
        .into_iter()
        .for_each(|(place, user, card)| schedule.put(waiting(place, user, card, Turn::At(at(0)))));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(1)), None]);
    schedule.answered(Uuid::from_u128(1));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(4)), None]);
    assert!(schedule.is_under_way(Uuid::from_u128(1)) && schedule.is_busy());
    schedule.answered(Uuid::from_u128(4));
    assert_eq!((schedule.next(at(0)), schedule.deadline(at(0))), (None, None), "what cannot be written down does not pile up");
    schedule.put(waiting(1, 7, 1, Turn::Over));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(2)), None]);
    // What was said of an entry that is not under way any more says nothing.
    schedule.answered(Uuid::from_u128(1));
    assert_eq!(schedule.next(at(0)), None);
}

#[test]
fn while_the_store_takes_nothing_one_entry_a_second_finds_that_out() {
    let mut schedule = Schedule::new(4);
    (1..=5).for_each(|number| schedule.put(waiting(number, number.into(), number, Turn::At(at(0)))));
    assert_eq!(schedule.next(at(0)), Some(id(1)));
    schedule.unwritten(at(0));
    schedule.let_go(Uuid::from_u128(1), at(0));
    assert_eq!((schedule.next(at(0)), schedule.deadline(at(0)), schedule.unwritten_tries()), (None, Some(at(1)), 1));
    assert_eq!([schedule.next(at(1)), schedule.next(at(1))], [Some(id(2)), None], "one alone, to see");
    schedule.unwritten(at(1));
    schedule.let_go(Uuid::from_u128(2), at(1));
    // Others that find it out too do not make the rest longer.
    schedule.unwritten(at(1) + TimeDelta::milliseconds(500));
    assert_eq!((schedule.next(at(1)), schedule.deadline(at(1)), schedule.unwritten_tries()), (None, Some(at(2)), 2));
    assert_eq!(schedule.next(at(2)), Some(id(3)));
    schedule.written();
    assert_eq!(
        [schedule.next(at(2)), schedule.next(at(2)), schedule.next(at(2)), schedule.next(at(2))],
        [Some(id(4)), Some(id(5)), Some(id(1)), None]
    );
}

#[test]
fn one_call_at_a_time_for_a_user_and_for_a_card_in_the_order_they_were_saved() {
    let mut schedule = Schedule::new(8);
    // The second is of the first one's user, the third for the first one's card.
    schedule.put(waiting(1, 7, 1, Turn::At(at(5))));
    schedule.put(waiting(2, 7, 2, Turn::At(at(0))));
    schedule.put(waiting(3, 8, 1, Turn::At(at(0))));
    schedule.put(waiting(4, 9, 9, Turn::At(at(0))));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(4)), None], "the first is not due, and the others wait for it");
    assert_eq!(schedule.waits_for(Uuid::from_u128(3)), Some(Uuid::from_u128(1)));
    assert_eq!((schedule.next(at(5)), schedule.next(at(5))), (Some(id(1)), None));
    schedule.put(waiting(1, 7, 1, Turn::Over));
    assert_eq!([schedule.next(at(5)), schedule.next(at(5)), schedule.next(at(5))], [Some(id(2)), Some(id(3)), None]);
}

#[test]
fn an_entry_that_waits_for_a_person_holds_up_its_card_and_not_its_users_other_cards() {
    let mut schedule = Schedule::new(8);
    schedule.put(waiting(1, 7, 1, Turn::Person));
    schedule.put(waiting(2, 7, 2, Turn::At(at(0))));
    schedule.put(waiting(3, 8, 1, Turn::At(at(0))));
    assert_eq!([schedule.next(at(0)), schedule.next(at(0))], [Some(id(2)), None]);
    assert_eq!(schedule.waits_for(Uuid::from_u128(3)), Some(Uuid::from_u128(1)));
    schedule.put(waiting(1, 7, 1, Turn::Over));
    assert_eq!(schedule.next(at(0)), Some(id(3)));
}

#[test]
fn an_entry_that_a_person_lets_go_on_waits_for_the_call_of_its_user_that_is_under_way() {
    let mut schedule = Schedule::new(8);
    schedule.put(waiting(1, 7, 1, Turn::Person));
    schedule.put(waiting(2, 7, 2, Turn::At(at(0))));
    assert_eq!(schedule.next(at(0)), Some(id(2)));
    schedule.put(waiting(1, 7, 1, Turn::At(at(0))));
    assert_eq!(schedule.next(at(0)), None);
    schedule.put(waiting(2, 7, 2, Turn::Over));
    assert_eq!(schedule.next(at(0)), Some(id(1)));
}

#[test]
fn while_blusky_is_away_one_entry_after_the_other_is_tried_alone() {
    let mut schedule = Schedule::new(8);
    // The third is due in the very moment of its try.
    [(1, 0), (2, 0), (3, 3)].into_iter().for_each(|(number, due)| schedule.put(waiting(number, number.into(), number, Turn::At(at(due)))));
    assert_eq!(schedule.next(at(0)), Some(id(1)));
    schedule.heard(Uuid::nil(), &Reached::Away(None), at(0));
    schedule.put(waiting(1, 1, 1, Turn::At(at(0))));
    assert_eq!((schedule.next(at(0)), schedule.deadline(at(0))), (None, Some(at(1))));
    let mut now = 1;
    for (number, pause) in [(2, 2), (3, 4), (1, 8)] {
        assert_eq!(schedule.next(at(now)), Some(Work::Ask(Uuid::from_u128(number))));
        assert_eq!((schedule.next(at(now)), schedule.deadline(at(now))), (None, None), "one alone, and nobody looks until it is back");
        schedule.heard(Uuid::nil(), &Reached::Away(None), at(now));
        let number = u64::try_from(number).unwrap();
        schedule.put(waiting(number, number.into(), number, Turn::At(at(0))));
        now += pause;
    }
}

#[test]
fn an_outage_in_the_middle_of_several_calls_is_one_try_and_a_pause_of_a_second() {
    let mut schedule = Schedule::new(4);
    (1..=4).for_each(|number| schedule.put(waiting(number, number.into(), number, Turn::At(at(0)))));
    let begun: Vec<Work> = std::iter::from_fn(|| schedule.next(at(0))).collect();
    assert_eq!(begun.len(), 4);
    for number in 1..=4 {
        schedule.heard(Uuid::from_u128(number.into()), &Reached::Away(None), at(3));
        schedule.put(waiting(number, number.into(), number, Turn::At(at(0))));
    }
    assert_eq!((schedule.deadline(at(3)), schedule.is_away()), (Some(at(4)), false));
}

proptest! {
    /// Whatever comes and goes, in whatever order it is taken up: never two of one user or one card under way, never one before
    /// an earlier one of its own, never more than the limit, and everybody's turn comes.
    #[test]
    fn every_entry_has_its_turn_and_never_two_of_one_user_or_card(
        (entries, taken_up) in prop::collection::vec((0_u128..4, 0_u64..4, 0_i64..5), 1..40)
            .prop_flat_map(|entries| { let places = (1..=entries.len() as u64).collect::<Vec<_>>(); (Just(entries), Just(places).prop_shuffle()) }),
        ends in prop::collection::vec((0_usize..8, 0_u8..4), 200),
    ) {
        let mut schedule = Schedule::new(3);
        for place in taken_up {
            let (user, card, due) = entries[usize::try_from(place).unwrap() - 1];
            schedule.put(waiting(place, user, card, Turn::At(at(due))));
        }
        let mut left: BTreeSet<u64> = (1..=entries.len() as u64).collect();
        let (mut under_way, mut answered): (Vec<(u64, u128, u64)>, BTreeSet<u64>) = (Vec::new(), BTreeSet::new());
        let (mut now, mut done) = (10, 0);
        for (which, how) in ends {
            while let Some(work) = schedule.next(at(now)) {
                let Work::Step(id) = work else { panic!("nothing closed the way") };
                let place = u64::try_from(id.as_u128()).unwrap();
                let (user, card, _) = entries[usize::try_from(place).unwrap() - 1];
                prop_assert!(under_way.iter().all(|(_, other, others_card)| *other != user && *others_card != card));
                let is_its_own = |earlier: &&u64| entries[usize::try_from(**earlier).unwrap() - 1].0 == user || entries[usize::try_from(**earlier).unwrap() - 1].1 == card;
                prop_assert_eq!(left.range(..place).find(is_its_own), None, "overtaken by {}", place);
                under_way.push((place, user, card));
                prop_assert!(under_way.len() - answered.len() <= 3 && answered.len() <= 3);
            }
            if under_way.is_empty() {
                break;
            }
            let which = which % under_way.len();
            // It is answered, and that is written down later.
            if how == 3 && answered.insert(under_way[which].0) {
                schedule.answered(Uuid::from_u128(under_way[which].0.into()));
                continue;
            }
            let (place, user, card) = under_way.remove(which);
            answered.remove(&place);
            // It ends, or is to be tried again a little later.
            done += usize::from(how > 0);
            if how > 0 {
                left.remove(&place);
            }
            schedule.put(waiting(place, user, card, if how > 0 { Turn::Over } else { Turn::At(at(now + 1)) }));
            now += 1;
        }
        // What is left ends at once.
        while !schedule.is_empty() {
            while let Some(Work::Step(id)) = schedule.next(at(now)) {
                let place = u64::try_from(id.as_u128()).unwrap();
                let (user, card, _) = entries[usize::try_from(place).unwrap() - 1];
                under_way.push((place, user, card));
            }
            prop_assert!(!under_way.is_empty(), "an entry is stuck");
            for (place, user, card) in under_way.drain(..) {
                done += 1;
                schedule.put(waiting(place, user, card, Turn::Over));
            }
            now += 10;
        }
        prop_assert_eq!(done, entries.len());
    }
}
