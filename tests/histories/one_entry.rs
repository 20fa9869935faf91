//! A hundred random histories of lost, late and strange answers (`make torture`: a hundred thousand), against a record that is compared:
//! nothing is done twice, and nothing waits for ever without a word to a person.

use cardbridge::{
    access::{
        AccessControl, Cards, Detail, Operation, Outcome, RemoveUserCard, Sameness, Told,
        fake::{Fake, Reply},
    },
    outbox::{Entry, Next, ReadBack, Reassign, State, Step},
};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

const SHOWS_WITHIN: TimeDelta = TimeDelta::seconds(60);

fn card(user: Uuid) -> Operation {
    let body = serde_json::json!({
        "card_type": 3, "card_user_flags": 1, "internal_card_number": 4567, "facility_code": 123, "user_id": user,
        "card_ac_system_id": Uuid::from_u128(5), "reassign_card_if_already_assigned": false,
    });
    Operation::AddUserCard(serde_json::from_value(body).unwrap())
}

/// What becomes of a sending: now and then it is carried out and nobody is told.
fn reply(random: &mut StdRng, is_there: bool) -> Reply {
    let lost = Outcome::NoAnswer { why: "reset".to_owned(), slow: random.random_bool(0.3) };
    let later = Outcome::Later { why: "BluSKY answered 502".to_owned(), slow: false };
    let held = Told { result_code: Some(5), description: Some("Card Already Assigned : 1 Lovelace, Ada".to_owned()), ..Told::default() };
    match random.random_range(0..8) {
        0 => Reply::Not(Outcome::Away { why: "no route".to_owned() }),
        1 => Reply::Not(lost),
        2 => Reply::Not(later),
        3 => Reply::Not(Outcome::Denied { everybody: "check the token".to_owned(), only_this: "denied".to_owned() }),
        // A system that has the card does not take it a second time.
        _ if is_there => Reply::Not(Outcome::Refused(held)),
        4 => Reply::DoneBut(lost),
        5 => Reply::DoneBut(later),
        6 => Reply::DoneBut(Outcome::Unclear { told: Told { result_code: Some(0), ..Told::default() }, listed: true }),
        _ => Reply::Done,
    }
}

#[tokio::test]
async fn in_a_hundred_histories_of_lost_late_and_strange_answers_nothing_is_done_twice_and_nothing_is_stuck_in_silence() {
    let histories = std::env::var("HISTORIES").map_or(100, |histories| histories.parse().unwrap());
    for seed in 0..histories {
        let mut random = StdRng::seed_from_u64(seed);
        let (system, user) = (Fake::default(), Uuid::from_u128(7));
        let reassign = [Reassign::Never, Reassign::Ask, Reassign::Always][seed as usize % 3];
        let mut now: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let mut entry = Entry::of(Uuid::from_u128(1), now, card(user), reassign);
        let (mut done, mut shown_from, mut steps) = (0, now, 0);
        loop {
            steps += 1;
            assert!(steps < 500, "{seed}: it goes on for ever: {:?}", entry.progress());
            match entry.next(now) {
                Next::Wait(until) => now = until,
                Next::Reassign | Next::Person | Next::Done => break,
                Next::Send { reassign } => {
                    entry.add(now, Step::Sending { reassign });
                    let reply = reply(&mut random, done > 0);
                    if matches!(reply, Reply::Done | Reply::DoneBut(_)) {
                        done += 1;
                        shown_from = now + TimeDelta::seconds(random.random_range(0..60));
                    }
                    system.will(reply);
                    let outcome = system.send(&entry.operation).await;
                    now += TimeDelta::seconds(random.random_range(1..10));
                    entry.add(now, Step::Answered(outcome));
                }
                Next::ReadBack => {
                    let shown = look(&system, &entry, user, (now, shown_from), &mut random).await;
                    entry.add(now, Step::ReadBack(shown));
                    now += TimeDelta::seconds(1);
                }
            }
        }
        let progress = entry.progress();
        assert!(done <= 1, "{seed}: done {done} times");
        match progress.state {
            State::Accepted => assert_eq!(done, 1, "{seed}: called accepted, and not in the record"),
            State::Refused => assert_eq!(done, 0, "{seed}: called refused, and in the record: {progress:?}"),
            _ => assert!(progress.said().is_some(), "{seed}: a person is told why: {progress:?}"),
        }
    }
}

#[tokio::test]
async fn in_a_hundred_histories_a_card_that_is_taken_back_is_gone_where_that_is_said_and_is_taken_once() {
    let histories = std::env::var("HISTORIES").map_or(100, |histories| histories.parse().unwrap());
    for seed in 0..histories {
        let mut random = StdRng::seed_from_u64(seed);
        let (system, user) = (Fake::default(), Uuid::from_u128(7));
        system.send(&card(user)).await;
        let Cards::Shown(held) = system.cards_of(user, Detail::Ended).await else { panic!() };
        let removal = RemoveUserCard { card_id: held[0].card_id.unwrap(), user_id: user };
        let mut now: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let mut entry = Entry::of(Uuid::from_u128(1), now, Operation::RemoveUserCard(removal), Reassign::Never);
        let (mut done, mut shown_from, mut steps) = (0, now, 0);
        loop {
            steps += 1;
            assert!(steps < 500, "{seed}: it goes on for ever: {:?}", entry.progress());
            match entry.next(now) {
                Next::Wait(until) => now = until,
                Next::Reassign | Next::Person | Next::Done => break,
                Next::Send { reassign } => {
                    entry.add(now, Step::Sending { reassign });
                    let reply = match reply(&mut random, done > 0) {
                        // A card that is the user's no more is not found.
                        Reply::Not(Outcome::Refused(_)) => Reply::Not(Outcome::Refused(Told {
                            result_code: Some(4),
                            description: Some("Not Found".to_owned()),
                            ..Told::default()
                        })),
                        other => other,
                    };
                    if matches!(reply, Reply::Done | Reply::DoneBut(_)) {
                        done += 1;
                        shown_from = now + TimeDelta::seconds(random.random_range(0..60));
                    }
                    system.will(reply);
                    let outcome = system.send(&entry.operation).await;
                    now += TimeDelta::seconds(random.random_range(1..10));
                    entry.add(now, Step::Answered(outcome));
                }
                Next::ReadBack => {
                    if now < shown_from {
                        system.will_show(Cards::Shown(held.clone()));
                    }
                    let Cards::Shown(cards) = system.cards_of(user, Detail::Ended).await else { panic!() };
                    let is_early = entry.unproven_until(SHOWS_WITHIN).is_some_and(|until| now < until);
                    entry.add(
                        now,
                        Step::ReadBack(match cards.into_iter().next() {
                            _ if random.random_bool(0.2) => ReadBack::Failed { why: "BluSKY answered 503".to_owned() },
                            Some(_) if is_early => ReadBack::NotYet { why: "BluSKY still shows the card".to_owned() },
                            Some(card) => ReadBack::Found(Box::new(card)),
                            None => ReadBack::NotFound,
                        }),
                    );
                    now += TimeDelta::seconds(1);
                }
            }
        }
        let progress = entry.progress();
        assert!(done <= 1, "{seed}: taken {done} times");
        match progress.state {
            State::Accepted => assert_eq!(done, 1, "{seed}: called taken back, and it is still there"),
            State::Refused => assert_eq!(done, 0, "{seed}: called refused, and it is gone: {progress:?}"),
            _ => assert!(progress.said().is_some(), "{seed}: a person is told why: {progress:?}"),
        }
    }
}

/// A look at the user's cards, which may be late, fail, or show nothing that can be read.
async fn look(
    system: &Fake,
    entry: &Entry,
    user: Uuid,
    (now, shown_from): (DateTime<Utc>, DateTime<Utc>),
    random: &mut StdRng,
) -> ReadBack {
    if random.random_bool(0.2) {
        return ReadBack::Failed { why: "BluSKY answered 503".to_owned() };
    }
    if now < shown_from {
        system.will_show(Cards::Shown(Vec::new()));
    }
    let Cards::Shown(cards) = system.cards_of(user, Detail::Card).await else { panic!() };
    let found = cards.into_iter().find(|card| card.is(&entry.operation) == Sameness::TheOne);
    let is_early = entry.unproven_until(SHOWS_WITHIN).is_some_and(|until| now < until);
    match found {
        Some(card) => ReadBack::Found(Box::new(card.compare(&entry.operation).unwrap())),
        None if is_early => ReadBack::NotYet { why: "BluSKY does not show the card yet".to_owned() },
        None => ReadBack::NotFound,
    }
}
