//! Whatever happens, in whatever order.

use super::*;

#[derive(Debug, Clone)]
enum Move {
    Order(bool),
    Withdraw(u128),
    Frame(bool),
    Answer(u8),
    Passes(i64),
    WallIsSet(i64),
    Lost,
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        any::<bool>().prop_map(Move::Order),
        (1_u128..12).prop_map(Move::Withdraw),
        any::<bool>().prop_map(Move::Frame),
        (0_u8..4).prop_map(Move::Answer),
        (0_i64..90).prop_map(Move::Passes),
        (-90_000_i64..90_000).prop_map(Move::WallIsSet),
        Just(Move::Lost),
    ]
}

proptest! {
    /// Whatever happens in whatever order: an order ends once, as an entry or as none; what is saved comes to an end.
    #[test]
    fn every_order_ends_once(moves in prop::collection::vec(a_move(), 1..60), proof in prop_oneof![Just(1.0), Just(PROOF)]) {
        let mut world = world(proof);
        let mut orders = 0;
        for next in moves {
            match next {
                Move::Order(can_be_asked) => {
                    orders += 1;
                    world.order(orders, can_be_asked);
                }
                Move::Withdraw(number) => world.happens(Event::Withdraw(Uuid::from_u128(number))),
                Move::Frame(first) => world.bytes(if first { FIRST } else { SECOND }),
                Move::Answer(kind) => if let Some((order, question)) = world.asked() {
                    let answer = match kind {
                        0 => Answer::Yes,
                        1 => Answer::No,
                        2 => Answer::Printed("4567".to_owned()),
                        _ => Answer::Choice(0),
                    };
                    world.happens(Event::Answer(order, question.number, answer));
                },
                Move::Passes(seconds) => world.passes(TimeDelta::seconds(seconds)),
                Move::WallIsSet(seconds) => world.now.wall += TimeDelta::seconds(seconds),
                Move::Lost => world.outcomes.push_back(lost()),
            }
        }
        // Time enough for everybody who waits, and for every pause.
        for _ in 0..40 {
            world.passes(TimeDelta::seconds(61));
        }
        for number in 1..=orders {
            let id = Uuid::from_u128(number);
            let ends = world.told.iter().filter(|notice| matches!(notice, Notice::NotEnrolled(order, _) if *order == id)).count();
            prop_assert_eq!(ends + usize::from(world.disk.contains_key(&id)), 1, "order {}", number);
            // An entry of which nobody can tell what became of it holds up the later ones for its card until a person has looked.
            let is_held_up = world.disk.values().any(|entry| entry.progress().needs_a_person());
            prop_assert!(world.disk.get(&id).is_none_or(|entry| entry.progress().is_settled() || is_held_up), "order {}", number);
        }
        prop_assert!(!world.station.is_sending());
    }
}
