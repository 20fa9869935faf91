//! Histories in which something was wrong once.

use cardbridge::outbox::Reassign;

use super::{
    judged,
    moves::{Fate, Look, Move, Terms},
};

const TERMS: Terms = Terms { allows_double: false, no_code_is_known: false, same_card: false };
const DOUBLES: Terms = Terms { allows_double: true, ..TERMS };
/// It arrives at once, and no answer comes.
const LOST: Move = Move::Fate(Fate::Lost { arrives: Some(0), slow: false, fault: false }, 40);

fn order(whose: u8, reassign: Reassign) -> Move {
    Move::Order { whose, named: Some(0), reassign, can_be_asked: true }
}

fn times(times: usize, one: &Move) -> Vec<Move> {
    vec![one.clone(); times]
}

#[test]
fn a_clock_that_was_set_back_while_the_power_was_off_keeps_nothing_in_doubt() {
    let never = Move::Fate(Fate::Lost { arrives: None, slow: false, fault: false }, 0);
    let sent = [Move::Goes(0), never, order(0, Reassign::Never), Move::Goes(0), Move::Goes(0)];
    let gone = [Move::Dies { after: 1 }, Move::Passes(1), Move::WallIsSet(-90_000)];
    assert_eq!(judged(TERMS, [&sent[..], &gone].concat()), Ok(()));
}

#[test]
fn a_list_that_was_asked_for_too_early_proves_nothing_however_late_it_comes() {
    let asked = [Move::Goes(0), LOST, order(0, Reassign::Never), Move::AllGo, Move::Passes(2), Move::Goes(0), Move::Goes(0)];
    let comes = [times(20, &Move::Passes(4)), vec![Move::AllGo]].concat();
    assert_eq!(judged(DOUBLES, [&asked[..], &comes].concat()), Ok(()));
}

#[test]
fn what_may_have_arrived_is_not_superseded_while_it_is_looked_for_at_a_persons_word() {
    let stuck = [Move::Goes(0), LOST, order(0, Reassign::Never), Move::AllGo, Move::Look(Look::Unavailable), Move::Passes(2), Move::AllGo];
    let again = [Move::Person { which: 0, discards: false }, order(1, Reassign::Never), Move::Answer(true)];
    assert_eq!(judged(TERMS, [&stuck[..], &again].concat()), Ok(()));
}

/// BluSKY is away for so many tries.
fn away(tries: usize) -> Vec<Move> {
    [times(tries, &Move::Fate(Fate::Away, 0)), times(tries, &Move::Look(Look::Away))].concat()
}

#[test]
fn a_clock_that_is_set_back_makes_no_wish_to_take_a_card_young_again() {
    let waits = [away(1), vec![Move::Goes(0), order(0, Reassign::Always), Move::AllGo, Move::Passes(3)]].concat();
    let meanwhile = [Move::Foreign { card: 0, whose: 1 }, Move::Look(Look::Away), Move::Passes(200), Move::WallIsSet(-190), Move::AllGo];
    assert_eq!(judged(TERMS, [&waits[..], &meanwhile].concat()), Ok(()));
}

#[test]
fn a_yes_that_was_given_with_the_order_is_as_old_as_the_order() {
    let ordered = [away(1), vec![Move::Goes(0), order(0, Reassign::Given), Move::AllGo, Move::Passes(3), Move::AllGo]].concat();
    // It is refused after 100 seconds, the yes is written down, and BluSKY is away once more.
    let refused =
        [Move::Foreign { card: 0, whose: 1 }, Move::Passes(100), Move::Fate(Fate::Fine, 0), Move::Fate(Fate::Away, 0), Move::AllGo];
    let later = [Move::Passes(100), Move::AllGo];
    assert_eq!(judged(TERMS, [&ordered[..], &refused, &later].concat()), Ok(()));
}

#[test]
fn what_was_given_up_while_the_store_was_being_read_holds_up_nobody() {
    let waits = |whose| Move::Order { whose, named: None, reassign: Reassign::Never, can_be_asked: false };
    let named = |whose, card| Move::Order { whose, named: Some(card), reassign: Reassign::Never, can_be_asked: true };
    let never = Move::Fate(Fate::Lost { arrives: None, slow: false, fault: false }, 0);
    let stuck = [Move::DiskFails(1), never, named(0, 0), waits(0), Move::Passes(59), waits(1), Move::Look(Look::Unavailable), Move::Tap(0)];
    let given_up = [named(1, 0), Move::AllGo, Move::Dies { after: 1 }, Move::Passes(1), named(0, 0), Move::Answer(true)];
    assert_eq!(judged(TERMS, [&stuck[..], &given_up, &[named(1, 1), Move::Goes(0), Move::Goes(0), Move::Goes(0)]].concat()), Ok(()));
}

#[test]
fn what_a_person_has_tried_again_keeps_the_age_of_its_wish_whatever_the_clock_is_set_to() {
    let terms = Terms { no_code_is_known: true, ..TERMS };
    let ordered = [Move::Fate(Fate::Fine, 1), order(1, Reassign::Given), Move::Passes(60), Move::Foreign { card: 0, whose: 0 }];
    let again = [Move::WallIsSet(-1), Move::AllGo, Move::Person { which: 0, discards: false }];
    assert_eq!(judged(terms, [&ordered[..], &again].concat()), Ok(()));
}

#[test]
fn what_a_person_lets_go_on_twice_is_looked_for_twice() {
    let lost = Move::Fate(Fate::Lost { arrives: Some(0), slow: false, fault: false }, 45);
    let again = || Move::Person { which: 0, discards: false };
    let sent = [order(0, Reassign::Never), lost, Move::AllGo, again(), Move::Passes(17), Move::AllGo];
    let unreadable = [Move::Look(Look::Nulls), Move::Passes(43), Move::Look(Look::Nulls), Move::Passes(61), again(), Move::AllGo];
    assert_eq!(judged(TERMS, [&sent[..], &unreadable].concat()), Ok(()));
}

#[test]
fn a_yes_to_what_was_asked_before_a_person_let_it_go_on_keeps_nothing_from_going_on() {
    let waits = |whose, reassign| Move::Order { whose, named: None, reassign, can_be_asked: false };
    let named = |whose| Move::Order { whose, named: Some(1), reassign: Reassign::Never, can_be_asked: false };
    let never = Move::Fate(Fate::Lost { arrives: None, slow: false, fault: false }, 0);
    let before = [Move::Dies { after: 1 }, Move::Fate(Fate::Fine, 0), Move::Fate(Fate::Fine, 0), waits(0, Reassign::Never)];
    let line = [waits(0, Reassign::Never), named(0), Move::AllGo, waits(2, Reassign::Never), named(2)];
    let more = [times(3, &waits(0, Reassign::Never)), vec![Move::AllGo, Move::Person { which: 0, discards: false }]].concat();
    let lost =
        [Move::WallIsSet(0), never.clone(), never, Move::Withdraw(1), waits(0, Reassign::Never), Move::Foreign { card: 1, whose: 2 }];
    let asked = [Move::Passes(6), Move::Order { whose: 1, named: Some(1), reassign: Reassign::Ask, can_be_asked: true }, Move::Passes(120)];
    let end = [waits(1, Reassign::Given), Move::Tap(1), Move::AllGo, Move::Person { which: 0, discards: false }, Move::Answer(true)];
    assert_eq!(judged(TERMS, [&before[..], &line, &more, &lost, &asked, &end].concat()), Ok(()));
}
