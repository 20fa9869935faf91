//! Whatever visitors do, and whatever fails.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::station::tests::lost;

/// A thousand visits: people who go, come too early, show another one's card, mistype; a reader, a BluSKY and a power supply that fail.
#[test]
fn in_a_thousand_random_visits_with_faults_nobody_gets_anothers_card_and_no_screen_is_dead() {
    let visits = std::env::var("VISITS").map_or(1000, |visits| visits.parse().unwrap());
    let (mut done, mut entries, mut sent_on) = (0, 0, 0);
    for seed in 0..visits / 10 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut lobby = Lobby::open(if random.random_bool(0.5) { 1.0 } else { PROOF }, vec![123; usize::from(random.random_bool(0.7))]);
        for _ in 0..10 {
            visit(&mut lobby, &mut random);
            done += u32::from(matches!(lobby.kiosk.stage(), Stage::Done(_)));
            sent_on += u32::from(matches!(lobby.kiosk.stage(), Stage::FrontDesk(_)));
            // The next one comes at once, or after a while.
            if random.random_bool(0.5) {
                lobby.presses(Press::Leave);
            }
        }
        // Nobody comes any more: it is at its start, and would help the next one.
        lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Up));
        lobby.passes(120);
        assert_eq!(lobby.kiosk.stage(), &Stage::Start, "{seed}: {:?}", lobby.kiosk);
        assert!(lobby.kiosk.is_open(), "{seed}: {:?}", lobby.kiosk);
        lobby.passes(20 * 60);
        entries += lobby.world.disk.len();
        judge(&lobby, seed);
    }
    assert!(
        u64::from(done) > visits / 8 && entries > 50 && sent_on > 20,
        "{done} done, {entries} entries, {sent_on} to the front desk: too few to say anything"
    );
}

fn visit(lobby: &mut Lobby, random: &mut StdRng) {
    if random.random_bool(0.15) {
        lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Lost { why: "unplugged".to_owned() }));
    }
    for _ in 0..random.random_range(0..3) {
        lobby.world.outcomes.push_back(match random.random_range(0..4) {
            0 => lost(),
            1 => Outcome::Away { why: "no route".to_owned() },
            2 => Outcome::Later { why: "BluSKY answered 502".to_owned(), slow: false },
            _ => Outcome::Refused(Told {
                result_code: Some(5),
                description: Some("Card Already Assigned : 1 L".to_owned()),
                ..Told::default()
            }),
        });
    }
    lobby.has = [Has::None, Has::None, Has::None, Has::None, Has::Card, Has::Unknown][random.random_range(0..6)];
    let person = random.random_range(1..=9);
    for _ in 0..random.random_range(1..12) {
        match random.random_range(0..14) {
            0 => lobby.presses(Press::Leave),
            1 => lobby.presses(Press::Stay),
            2 => lobby.enters("nobody"),
            3..6 => lobby.enters(&format!("code{person}")),
            // Their own card, and now and then one that another visitor has, too.
            6..9 => lobby.shows(4000 + person),
            9 => lobby.shows(4000 + random.random_range(1..=9)),
            10 => {
                lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Bytes(b"1ABD88EBC0\r".to_vec())));
                lobby.goes_on();
            }
            11 => {
                lobby.world.happens(Happens::Reader("desk".into(), ReaderEvent::Up));
                lobby.passes(random.random_range(0..50));
            }
            12 => power_cut(lobby, random),
            _ => {
                if let Some((order, question)) = lobby.questions.first().cloned() {
                    let answer = if random.random_bool(0.5) { Answer::Yes } else { Answer::No };
                    lobby.world.happens(Happens::Answer(order, question.number, answer));
                    lobby.questions.remove(0);
                    lobby.goes_on();
                }
            }
        }
    }
}

/// The station and the kiosk begin anew, with what is on disk.
fn power_cut(lobby: &mut Lobby, random: &mut StdRng) {
    let mut fresh = Lobby::open(if random.random_bool(0.5) { 1.0 } else { PROOF }, vec![123; usize::from(random.random_bool(0.7))]);
    fresh.world.now = lobby.world.now;
    fresh.world.disk = std::mem::take(&mut lobby.world.disk);
    let entries: Vec<_> = (1..).zip(fresh.world.disk.values().cloned()).collect();
    entries.iter().for_each(|(_, entry)| fresh.kiosk.saw(entry));
    fresh.world.happens(Happens::Stock(entries));
    (fresh.fresh, fresh.shown) = (lobby.fresh + 1000, std::mem::take(&mut lobby.shown));
    *lobby = fresh;
    lobby.passes(1);
}

/// Whose card is whose, by what the page showed when it was held there.
fn judge(lobby: &Lobby, seed: u64) {
    let mut standing = BTreeMap::new();
    for entry in lobby.world.disk.values() {
        let user = entry.operation.user().unwrap();
        let number = entry.origin.card.as_ref().unwrap().credential.number("card_number").unwrap();
        let number = u32::try_from(number).unwrap();
        assert!(lobby.shown.contains(&(user, number)), "{seed}: {number} was given to {user}, who never showed it");
        let takes = entry.steps().iter().position(|(_, step)| matches!(step, Step::Sending { reassign: true }));
        let is_said = |upto: usize| entry.steps().iter().take(upto).any(|(_, step)| matches!(step, Step::Reassign { .. }));
        assert!(takes.is_none_or(is_said), "{seed}: a card was taken and nobody said so");
        let progress = entry.progress();
        if matches!(progress.state, State::Saved | State::Sending | State::InDoubt | State::Accepted) && takes.is_none() {
            *standing.entry(user).or_insert(0) += 1;
        }
    }
    assert!(standing.values().all(|count| *count == 1), "{seed}: somebody has several cards: {standing:?}");
}
