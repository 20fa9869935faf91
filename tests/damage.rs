//! Whatever bit of the store is turned over: nothing is sent that was not ordered, and what is lost is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]
#![allow(clippy::print_stdout, reason = "it counts")]

use std::{fs, path::Path};

use cardbridge::{
    access::{Operation, Outcome, Secret, Told},
    card::{Credential, Evidence, FacilityCode, Verdict, What},
    enroll::{
        enrollment::{Order, add_existing_card},
        evidence::Seen,
        origin::{CardRead, Origin},
    },
    host::FILES,
    outbox::{Entry, ReadBack, Reassign, Source, Step, Terms},
    store::{Store, StoreError, seal::Sealer, sqlite::Database},
};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

const BLUSKY: &str = "https://blusky.example";

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn open(path: &Path) -> Result<Database, StoreError> {
    Database::open(path, BLUSKY, Sealer::new(path.with_extension("key"), None, FILES))
}

/// What was ordered: entries as they are on disk, each with its PIN where it has one.
type Ordered = Vec<(Entry, Option<Secret>)>;

/// A small store: a card with a PIN, one from a reader, one in doubt, one that was discarded, and two that were accepted.
fn small_store(path: &Path) -> Ordered {
    // Small pages: several of each kind.
    let empty = rusqlite::Connection::open(path).unwrap();
    empty.execute_batch("PRAGMA page_size = 512; PRAGMA user_version = 0; VACUUM;").unwrap();
    drop(empty);
    let mut store = open(path).unwrap();
    let mut ordered = Vec::new();
    let sending = || Step::Sending { reassign: false };
    let closed = || Step::Answered(Outcome::NoAnswer { why: "the connection was closed".to_owned(), slow: false });
    let accepted = || {
        let told = Told { result_code: Some(0), description: None, value: Some(Uuid::from_u128(5)), previous_user_id: None };
        let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "no such call".to_owned() });
        vec![sending(), Step::Answered(Outcome::Accepted(told)), unavailable]
    };
    for (number, steps) in
        (1..).zip([vec![], vec![], vec![sending(), closed()], vec![Step::Discarded { superseded_by: None }], accepted(), accepted()])
    {
        let mut order = Order::of(Uuid::from_u128(100 + number));
        order.pin = (number == 1).then(|| Secret::new("90417"));
        let operation = Operation::AddUserCard(add_existing_card(Uuid::from_u128(200 + number), &order).unwrap());
        let mut entry = Entry::of(Uuid::from_u128(number), at(1), operation, Reassign::Never);
        entry.origin = read(number as u64);
        entry.source =
            (number == 2).then(|| Source { reader: Some("desk".to_owned()), card: "wiegand {26}BD88EB80".to_owned(), seen_at: at(1) });
        store.save(&entry, Terms::default()).unwrap();
        for step in steps {
            store.append(entry.clone(), at(2), &step).unwrap();
            entry.add(at(2), step);
        }
        ordered.push((store.entry(entry.id).unwrap(), order.pin));
    }
    assert_eq!((store.findings(), taken(&store.evidence_seen().unwrap())), (Ok(Vec::new()), TAKEN.to_vec()));
    Box::new(store).close();
    ordered
}

/// A card of a facility code of its own, with somebody's word for it.
fn read(code: u64) -> Origin {
    let credential = Credential { facility_code: Some(FacilityCode(code)), ..Credential::default() };
    let (raw, format, format_digest) = (String::new(), "hid-h10301".to_owned(), "00".to_owned());
    let card = CardRead { transport: None, raw, bits: None, format, format_digest, credential, fits: vec![], verdict: Verdict::Likely };
    let evidence = vec![Evidence { what: What::Operator, odds: None, cards: None }];
    Origin { card: Some(card), evidence, ..Origin::default() }
}

/// What was taken there, by facility code: accepted by BluSKY, and vouched for by somebody.
fn taken(seen: &Seen) -> Vec<(u32, u32)> {
    let cards = |code| seen.cards("hid-h10301", Some(FacilityCode(code)));
    (0..=8).map(|code| (cards(code).accepted, cards(code).vouched)).chain([(seen.accepted_codes("hid-h10301") as u32, 0)]).collect()
}

const TAKEN: [(u32, u32); 10] = [(0, 0), (0, 1), (0, 1), (0, 1), (0, 0), (1, 0), (1, 0), (0, 0), (0, 0), (2, 0)];

/// How a turned bit ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    /// Nothing came of it.
    harmless: usize,
    /// Said, and everything is delivered.
    said: usize,
    /// Said, and the rest is delivered.
    rest: usize,
    /// The store was refused as damaged.
    refused: usize,
}

/// Opens a store with one bit turned over, and looks at all that would be sent from it.
fn judge(path: &Path, ordered: &Ordered, counts: &mut Counts) -> Result<(), String> {
    let looked = || -> Result<(Vec<Entry>, Vec<String>), StoreError> {
        let mut store = open(path)?;
        let mut due = Vec::new();
        for (_, shown) in store.open_after(0)? {
            // A step is made from what is read then, and with the PIN that is read then.
            let (Ok(entry), Ok(pin)) = (store.entry(shown.id), store.secret(shown.id)) else { continue };
            if !ordered.contains(&(shown.clone(), pin.clone())) || !ordered.contains(&(entry.clone(), pin)) {
                return Ok((vec![entry], vec!["wrong".to_owned()]));
            }
            due.push(entry);
        }
        if let Some(seen) = store.evidence_seen().ok().filter(|seen| taken(seen) != TAKEN) {
            return Ok((vec![], vec!["wrong".to_owned(), format!("{:?}", taken(&seen))]));
        }
        let mut said = match store.findings() {
            Ok(said) => said,
            Err(error) => vec![error.to_string()],
        };
        said.extend(
            ordered
                .iter()
                .filter_map(|(entry, _)| store.secret(entry.id).err())
                .filter(|error| *error != StoreError::SecretGone)
                .map(|error| error.to_string()),
        );
        Ok((due, said))
    };
    match looked() {
        Err(StoreError::Damaged(_) | StoreError::Foreign(_) | StoreError::Newer { .. }) => counts.refused += 1,
        Err(other) => return Err(format!("refused without a clear word: {other}")),
        Ok((due, said)) if said.first().is_some_and(|said| said == "wrong") => {
            return Err(format!("this would be sent, and nobody ordered it, or counts as evidence, and is none: {due:?} {said:?}"));
        }
        Ok((due, said)) => match (due.len(), said.is_empty()) {
            (3, true) => counts.harmless += 1,
            (3, false) => counts.said += 1,
            (_, false) => counts.rest += 1,
            (few, true) => return Err(format!("{few} of 3 would be sent, and nothing is said")),
        },
    }
    Ok(())
}

/// Turns over each bit of every `step`th byte, all eight or one.
fn turn_over(step: usize, all_bits: bool) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cardbridge.db");
    let ordered = small_store(&path);
    let sound = fs::read(&path).unwrap();
    let mut counts = Counts::default();
    let from = std::env::var("FROM").ok().and_then(|from| from.parse().ok()).unwrap_or(0);
    for place in (from..sound.len()).step_by(step) {
        let bits = if all_bits { 0..8 } else { place / step % 8..place / step % 8 + 1 };
        for bit in bits {
            let mut damaged = sound.clone();
            damaged[place] ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            for beside in ["cardbridge.db-wal", "cardbridge.db-shm", "cardbridge.db-journal"] {
                drop(fs::remove_file(folder.path().join(beside)));
            }
            judge(&path, &ordered, &mut counts).unwrap_or_else(|why| panic!("byte {place}, bit {bit} of {}: {why}", sound.len()));
        }
    }
    println!("{} bytes: {counts:?}", sound.len());
    counts
}

#[test]
fn a_bit_turned_over_sends_nothing_that_was_not_ordered_and_what_is_lost_is_said() {
    let counts = turn_over(11, false);
    assert!(counts.rest > 0 && counts.said > 0 && counts.refused > 0, "{counts:?}");
}

/// `make damage`.
#[test]
#[ignore = "takes minutes"]
fn each_bit_turned_over_sends_nothing_that_was_not_ordered_and_what_is_lost_is_said() {
    turn_over(1, true);
}
