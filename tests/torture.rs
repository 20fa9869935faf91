//! The guarantee, wherever the power goes: what was announced as saved is there, becomes one assignment in BluSKY, and never two.
//!
//! `make torture` does the same more often.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "it counts")]

mod support;

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use support::{ADA, CARD, GRACE, Simulator, Site, h10301, times, wait_for};

/// The calls to the system in which an enrollment touches the world: the disk, BluSKY, whoever watches. After the number, every so
/// many of them are tried (`make torture` tries each).
const CALLS: [(&str, usize); 10] = [
    ("fsync", 1),
    ("fdatasync", 1),
    ("pwrite64", 9),
    ("writev", 2),
    ("write", 3),
    ("recvfrom", 3),
    ("ftruncate", 1),
    ("unlink", 1),
    ("rename", 1),
    ("connect", 2),
];

/// Runs an enrollment that the kernel kills as one of its threads makes this call for the Nth time; none where it came to its end.
fn killed_at(site: &Site, call: &str, nth: usize) -> Option<Output> {
    let command = site.command(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={call}:signal=KILL:when={nth}")]);
    traced.arg(command.get_program()).args(command.get_args()).current_dir(site.folder.path()).stdin(Stdio::null());
    let output = traced.output().expect("strace is there (`make test` installs it)");
    if output.status.signal() == Some(9) {
        return Some(output);
    }
    assert!(output.status.success(), "{call} {nth}: {output:?}");
    None
}

/// All entries, once each has come to its end.
fn settled(site: &Site) -> Vec<Value> {
    let ends = ["accepted", "refused", "discarded"];
    wait_for("every entry to end", || {
        site.run(&["outbox", "deliver"]);
        Some(site.outbox()).filter(|entries| entries.iter().all(|entry| ends.iter().any(|end| entry["state"] == *end)))
    })
}

/// Looks at what is left after the kill, and at what comes of it.
fn judge(site: &Site, (blusky, first): (&Simulator, &[Value]), killed: &Output, place: &str) {
    let said = String::from_utf8_lossy(&killed.stdout);
    let entries = settled(site);
    assert!(entries.len() <= 1, "{place}: {entries:#?}");
    assert!(!said.contains("\"saved\"") || entries.len() == 1, "{place}: it was announced as saved, and is gone: {said}");
    // A card is taken from somebody at most once: where that may have been carried out, it is not tried again, and stays where it is.
    let is_left =
        |entry: &&Value| entry["state"] == "refused" && entry["warnings"][0] == "decision_aged" && !entry["description"].is_null();
    let left = entries.iter().filter(is_left).count();
    let accepted = entries.iter().filter(|entry| entry["state"] == "accepted").count();
    assert_eq!(accepted + left, entries.len(), "{place}: {entries:#?}");
    let cards = blusky.cards();
    let held = cards.iter().filter(|card| card["Assignment"]["UserId"] == ADA).count();
    assert_eq!(held, accepted, "{place}: {entries:#?} {cards:#?}");
    assert_eq!(cards.len(), accepted.max(first.len()), "{place}: {cards:#?}");
}

/// Kills the enrollment at each call of each kind, and gives how often.
fn at_every_call(what: &str, blusky: impl Fn() -> Simulator + Sync) {
    let every = times("EVERY_CALL", 0) > 0;
    let kills = thread::scope(|scope| {
        let at = |(call, step): (&'static str, usize)| {
            let (blusky, step) = (&blusky, if every { 1 } else { step });
            scope.spawn(move || {
                for nth in (1..).step_by(step) {
                    let (blusky, place) = (blusky(), format!("{what}, killed at {call} {nth}"));
                    let first = blusky.cards();
                    let site = Site::at(&blusky.base_url, "[enroll]\nreassign = \"always\"\n");
                    match killed_at(&site, call, nth) {
                        Some(killed) => judge(&site, (&blusky, &first), &killed, &place),
                        None => return (call, nth / step),
                    }
                }
                (call, 0)
            })
        };
        CALLS.map(at).map(|running| running.join().unwrap())
    });
    println!("{what}: killed {} times: {kills:?}", kills.iter().map(|(_, count)| count).sum::<usize>());
    assert!(kills.iter().filter(|(_, count)| *count > 0).count() >= 7, "{kills:?}");
}

#[test]
fn wherever_an_enrollment_is_killed_what_was_announced_as_saved_becomes_one_assignment() {
    // Doubled, it would show.
    at_every_call("a free card", || Simulator::start(&["--allow-double"]));
}

#[test]
fn wherever_a_reassignment_is_killed_the_card_ends_with_whom_it_was_ordered_for_or_stays_where_it_is() {
    let held = || {
        let blusky = Simulator::start(&[]);
        let site = Site::at(&blusky.base_url, "");
        assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD]).code, 0);
        blusky
    };
    at_every_call("a card that somebody holds", held);
}

#[test]
fn of_two_stations_that_give_one_card_in_the_same_second_one_does_and_the_other_is_told_who_has_it() {
    for (first, second) in [(ADA, GRACE), (GRACE, ADA)] {
        let blusky = Simulator::start(&["--fault", "delay=200"]);
        let stations = [first, second].map(|user| (Site::at(&blusky.base_url, ""), user));
        let enroll = |(site, user): &(Site, &str)| site.start(&["enroll", "--user", user, "--bits", CARD, "--json"]);
        let running = enroll(&stations[0]);
        // The first one's call is answered while the second one's is made. An entry that is saved may still wait for the sign-in.
        stations[0].0.wait_for_outbox(|entries| entries.iter().any(|entry| entry["state"] != "saved"));
        let late = enroll(&stations[1]).end();
        let (early, cards) = (running.end(), blusky.cards());
        assert_eq!((early.code, late.code, cards.len()), (0, 1, 1), "{early:?} {late:?}");
        assert_eq!(cards[0]["Assignment"]["UserId"], first);
        // The simulator calls somebody whom it does not know by their key.
        let told = late.last()["description"].as_str().unwrap().to_owned();
        assert!(told.contains("Card Already Assigned") && told.contains(first), "{told}");
    }
}

/// So often in `make test`; `KILLS` says otherwise.
const KILLS: usize = 200;
/// So many stations are killed at once, each with a BluSKY of its own: a station lives a moment, and the machine has time for others.
const STATIONS: usize = 4;
/// So many people get the cards: one whose answer was lost holds up few.
const PEOPLE: usize = 100;

#[test]
fn a_station_that_is_killed_again_and_again_while_answers_are_lost_delivers_each_card_once() {
    let (kills, seed, began) = (times("KILLS", KILLS), times("SEED", 1), Instant::now());
    let (done, saved) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let each = |cards| {
        saved.fetch_add(cards, Relaxed);
        let count = 1 + done.fetch_add(1, Relaxed);
        if count % (kills / 20).max(1) == 0 {
            println!("{count:>6} kills {:>5} s: {} cards saved", began.elapsed().as_secs(), saved.load(Relaxed));
        }
    };
    let cards: usize = thread::scope(|scope| {
        let each = &each;
        let station = |number| scope.spawn(move || killed_again_and_again((seed + number) as u64, kills.div_ceil(STATIONS), each));
        let running: Vec<_> = (0..STATIONS).map(station).collect();
        running.into_iter().map(|running| running.join().unwrap()).sum()
    });
    println!("{} kills, {cards} cards: none lost, none twice; {} s", done.load(Relaxed), began.elapsed().as_secs());
}

/// Kills a station so often at random moments while cards are saved; gives how many were, and says each time how many more.
fn killed_again_and_again(seed: u64, kills: usize, each: &(impl Fn(usize) + Sync)) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let faults = ["drop-after-commit:every=7", "drop-before-commit:every=11", "status=503:every=13", "delay=30:every=3"];
    let faults: Vec<&str> = faults.iter().chain(&["status-after-commit=504:every=17"]).flat_map(|fault| ["--fault", fault]).collect();
    let blusky = Simulator::start(&[&["--allow-double"], &faults[..]].concat());
    let site = Site::at(&blusky.base_url, "");
    let mut ordered = BTreeMap::new();
    for kill in 0..kills {
        let before = ordered.len();
        for _ in 0..random.random_range(0..3) {
            let (code, number) = (1 + ordered.len() as u32 / 60_000, 1 + ordered.len() as u32 % 60_000);
            let user = format!("0f83442e-a446-4577-8cdd-{:012x}", ordered.len() % PEOPLE);
            let enroll = ["enroll", "--user", &user, "--bits", &h10301(code, number), "--outcome-timeout", "0", "--json"];
            let ended = site.run(&enroll);
            assert_eq!(ended.states().first().map(String::as_str), Some("saved"), "seed {seed}, kill {kill}: {ended:?}");
            ordered.insert((code, number), user);
        }
        let station = site.start(&["run"]);
        thread::sleep(Duration::from_millis(random.random_range(0..250)));
        station.kill();
        each(ordered.len() - before);
    }
    let _station = site.station();
    let is_open = |entry: &&Value| entry["state"] != "accepted";
    let end = Instant::now() + Duration::from_secs(120 + kills as u64);
    while let Some(open) = site.outbox().iter().find(is_open) {
        assert!(Instant::now() < end, "seed {seed}: {open:#}");
        thread::sleep(Duration::from_millis(500));
    }
    let entries = site.outbox();
    assert_eq!(entries.len(), ordered.len(), "seed {seed}");
    let number = |card: &Value, name: &str| card[name].as_u64().unwrap() as u32;
    let cards = blusky.cards();
    let held: BTreeMap<(u32, u32), String> = cards
        .iter()
        .map(|card| {
            let user = card["Assignment"]["UserId"].as_str().unwrap().to_owned();
            ((number(card, "FacilityCode"), number(card, "InternalCardNumber")), user)
        })
        .collect();
    assert_eq!((held, cards.len()), (ordered, entries.len()), "seed {seed}: a card of another one's, or twice");
    entries.len()
}
