//! What can happen, drawn at random.

use cardbridge::outbox::Reassign;
use proptest::prelude::*;

use super::world::World;

/// What holds for a whole history.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// BluSKY gives a card that somebody holds to another one too: doubling shows.
    pub allows_double: bool,
    /// No result code is known to mean success.
    pub no_code_is_known: bool,
    /// A card that was just given to somebody is asked about.
    pub same_card: bool,
}

/// What becomes of a call that is sent.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// It arrives, is carried out or refused, and the answer says so.
    Fine,
    /// It does not arrive, and nothing does.
    Away,
    /// Turned down at the door, as everything is.
    Stopped,
    /// Turned down at the door, as nothing else is.
    NotSent,
    /// It arrives so many seconds later or never, and nobody is told.
    Lost { arrives: Option<i64>, slow: bool, fault: bool },
    /// Success without a key, carried out or not.
    Keyless(bool),
}

/// What a look at somebody's cards shows.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    Fine,
    /// Facility codes are null.
    Nulls,
    Later,
    Away,
    Unavailable,
    Stopped,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Move {
    Order {
        whose: u8,
        named: Option<u8>,
        reassign: Reassign,
        can_be_asked: bool,
    },
    Tap(u8),
    Withdraw(u128),
    Answer(bool),
    Person {
        which: u8,
        discards: bool,
    },
    Foreign {
        card: u8,
        whose: u8,
    },
    /// One call goes on by one stage.
    Goes(usize),
    /// All calls go on until none is under way.
    AllGo,
    Passes(i64),
    WallIsSet(i64),
    Dies {
        after: u32,
    },
    DiskFails(u32),
    Fate(Fate, i64),
    Look(Look),
}

pub fn terms() -> impl Strategy<Value = Terms> {
    any::<(bool, bool, bool)>().prop_map(|(allows_double, no_code_is_known, same_card)| Terms {
        allows_double,
        no_code_is_known,
        same_card,
    })
}

fn fate() -> impl Strategy<Value = Fate> {
    let arrives = prop::option::of(prop_oneof![3 => Just(0_i64), 1 => 0_i64..30]);
    prop_oneof![
        2 => Just(Fate::Fine),
        1 => Just(Fate::Away),
        1 => Just(Fate::Stopped),
        1 => Just(Fate::NotSent),
        5 => (arrives, any::<bool>(), any::<bool>()).prop_map(|(arrives, slow, fault)| Fate::Lost { arrives, slow, fault }),
        1 => any::<bool>().prop_map(Fate::Keyless),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    use Look::{Away, Fine, Later, Nulls, Stopped, Unavailable};
    prop_oneof![4 => Just(Fine), 1 => Just(Nulls), 1 => Just(Later), 1 => Just(Away), 1 => Just(Unavailable), 1 => Just(Stopped)]
}

fn reassign() -> impl Strategy<Value = Reassign> {
    prop_oneof![Just(Reassign::Never), Just(Reassign::Ask), Just(Reassign::Given), Just(Reassign::Always)]
}

pub fn a_move() -> impl Strategy<Value = Move> {
    let order = (0_u8..3, prop::option::of(0_u8..2), reassign(), any::<bool>());
    prop_oneof![
        6 => order.prop_map(|(whose, named, reassign, can_be_asked)| Move::Order { whose, named, reassign, can_be_asked }),
        5 => (0_u8..2).prop_map(Move::Tap),
        1 => (1_u128..12).prop_map(Move::Withdraw),
        3 => any::<bool>().prop_map(Move::Answer),
        2 => (0_u8..6, any::<bool>()).prop_map(|(which, discards)| Move::Person { which, discards }),
        2 => (0_u8..2, 0_u8..3).prop_map(|(card, whose)| Move::Foreign { card, whose }),
        10 => (0_usize..4).prop_map(Move::Goes),
        4 => Just(Move::AllGo),
        4 => (0_i64..4).prop_map(Move::Passes),
        3 => (4_i64..200).prop_map(Move::Passes),
        1 => Just(Move::Passes(90_000)),
        2 => prop_oneof![-200_i64..200, -90_000_i64..90_000].prop_map(Move::WallIsSet),
        3 => (1_u32..8).prop_map(|after| Move::Dies { after }),
        1 => prop_oneof![5 => 1_u32..3, 1 => 50_u32..400].prop_map(Move::DiskFails),
        8 => (fate(), 0_i64..60).prop_map(|(fate, lag)| Move::Fate(fate, lag)),
        4 => look().prop_map(Move::Look),
    ]
}

impl Move {
    /// Lets it happen; `orders` counts the orders.
    pub fn happens(self, world: &mut World, orders: &mut u128) {
        match self {
            Self::Order { whose, named, reassign, can_be_asked } => {
                *orders += 1;
                world.orders(*orders, whose, named, (reassign, can_be_asked));
            }
            Self::Tap(card) => world.taps(card),
            Self::Withdraw(number) => world.withdraws(number),
            Self::Answer(yes) => world.answers(yes),
            Self::Person { which, discards } => world.person(which, discards),
            Self::Foreign { card, whose } => world.foreign(card, whose),
            Self::Goes(which) => world.goes(which),
            Self::AllGo => {
                for _ in 0..60 {
                    world.goes(0);
                }
            }
            Self::Passes(seconds) => world.passes(seconds),
            Self::WallIsSet(seconds) => world.wall_is_set(seconds),
            Self::Dies { after } => world.dies_after = Some(after),
            Self::DiskFails(times) => world.disk_fails = times,
            Self::Fate(fate, lag) => world.fates.push_back((fate, lag)),
            Self::Look(look) => world.looks.push_back(look),
        }
    }
}
