//! Random histories: taps, answers, lateness, strange read-backs, faults, crashes, clocks that are set and calls that overtake each
//! other, against the pure station and a model of BluSKY. What is promised holds in each of them: nothing is lost, nothing is done twice,
//! no stale wish takes a card, and nothing is stuck without a word to a person.
//!
//! A thousand in `make test`, always the same ones, so that what fails there was broken since; `HISTORIES` says how many others are looked
//! for (`make torture`: a hundred thousand). What a history has shown to be wrong once stands in `counterexamples` as a test of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod blusky;
mod counterexamples;
mod moves;
mod one_entry;
#[path = "../support/policy.rs"]
mod policy;
mod world;

use std::collections::HashSet;

use cardbridge::outbox::{Entry, State};
use moves::{Move, Terms, a_move, terms};
use proptest::{prelude::*, test_runner::RngSeed};
use uuid::Uuid;
use world::World;

/// Plays a history to its end and says what is wrong with it.
fn judged(terms: Terms, moves: Vec<Move>) -> Result<(), String> {
    let (mut world, mut orders) = (World::new(terms), 0);
    for next in moves {
        next.happens(&mut world, &mut orders);
    }
    world.calms_down();
    if let Some(broken) = world.blusky.broken.first() {
        return Err(broken.clone());
    }
    for entry in &world.disk {
        let (progress, user) = (entry.progress(), entry.operation.user().unwrap());
        let wrong = |what: &str| Err(format!("{what}: {} {:?}", entry.id, entry.steps().iter().take(20).collect::<Vec<_>>()));
        let own = || world.blusky.made.iter().filter(|made| made.entry.is_some_and(|(id, _)| id == entry.id));
        let was_given = world.blusky.made.iter().any(|made| made.card == entry.card() && made.user == user);
        match progress.state {
            State::Accepted if !was_given => return wrong("called accepted, and never was the user's"),
            State::Refused if own().any(|made| !made.is_gone) => return wrong("called refused, and in BluSKY's record"),
            State::Discarded if progress.superseded_by.is_some() && own().any(|made| !made.is_gone) => {
                return wrong("superseded after it was sent");
            }
            _ => {}
        }
        if !progress.is_settled() && !held_up(&world.disk).contains(&entry.id) {
            return wrong("stuck");
        }
        if progress.is_settled() && !progress.is_over() && progress.said().is_none() {
            return wrong("a person is not told why");
        }
        if progress.is_settled() && !world.is_told(entry) && !world.unheard.contains(&entry.id) {
            return wrong("a person is not told how it ended");
        }
    }
    Ok(())
}

/// The entries behind one that waits for a person: for its card, and behind those in their users' lines.
fn held_up(disk: &[Entry]) -> HashSet<Uuid> {
    let stuck = |entry: &Entry, other: &Entry| other.progress().needs_a_person() && other.card() == entry.card();
    let mut held = HashSet::new();
    loop {
        let is_behind = |entry: &&Entry| {
            let user = entry.operation.user();
            let waits = |other: &Entry| held.contains(&other.id) && (other.card() == entry.card() || other.operation.user() == user);
            !entry.progress().is_settled() && !held.contains(&entry.id) && disk.iter().any(|other| stuck(entry, other) || waits(other))
        };
        let more: Vec<Uuid> = disk.iter().filter(is_behind).map(|entry| entry.id).collect();
        if more.is_empty() {
            return held;
        }
        held.extend(more);
    }
}

fn histories() -> ProptestConfig {
    let others = std::env::var("HISTORIES").ok().map(|histories| histories.parse().unwrap());
    let rng_seed = others.map_or(RngSeed::Fixed(1), |_| RngSeed::Random);
    ProptestConfig {
        cases: others.unwrap_or(1_000),
        rng_seed,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(histories())]

    #[test]
    fn in_no_history_is_anything_lost_done_twice_taken_by_a_stale_wish_or_stuck_in_silence(
        terms in terms(), moves in prop::collection::vec(a_move(), 1..80),
    ) {
        prop_assert_eq!(judged(terms, moves), Ok(()));
    }
}
