//! What every kind of store promises.

mod alike;
mod counted;
mod found;
mod kept;
mod newcomers;
mod terms;
mod undone;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::{memory::Memory, seal::Sealer, sqlite::Database, *};
use crate::{
    access::{AddUser, Operation, Outcome, Secret, Told},
    card::{Credential, Evidence, FacilityCode, Verdict, What},
    enroll::{
        enrollment::{Order, add_existing_card},
        evidence::CardCounts,
        origin::{CardRead, Origin},
    },
    host::FILES,
    outbox::{InTheWay, ReadBack, Reassign, Source, State, Terms},
};

const HERE: &str = "https://blusky.example";
const ELSEWHERE: &str = "https://other.example";

/// A kind of store. What it keeps is there again when it is opened again.
struct Kind(&'static str, Open);

/// Opens a store for the BluSKY at this address.
type Open = Box<dyn Fn(&str) -> Box<dyn Store>>;

impl Kind {
    fn open(&self) -> Box<dyn Store> {
        (self.1)(HERE)
    }
}

/// Each kind of store, with nothing in it.
fn kinds() -> [Kind; 2] {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.db"), "").unwrap();
    let memory = Memory::default();
    let sqlite = move |base_url: &str| -> Box<dyn Store> {
        let sealer = Sealer::new(folder.path().join("a.db.key"), None, FILES);
        Box::new(Database::open(&folder.path().join("a.db"), base_url, sealer).unwrap())
    };
    [Kind("sqlite", Box::new(sqlite)), Kind("memory", Box::new(move |base_url: &str| Box::new(memory.open(base_url))))]
}

const GIVEN_UP: Step = Step::Discarded { superseded_by: None };

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(second)
}

/// A card for a user, with a PIN.
fn entry(number: u128, user: u128) -> Entry {
    let mut order = Order::of(Uuid::from_u128(user));
    order.pin = Some(Secret::new("90417"));
    let operation = Operation::AddUserCard(add_existing_card(Uuid::from_u128(9000 + number), &order).unwrap());
    Entry::of(Uuid::from_u128(number), at(0), operation, Reassign::Never)
}

/// The same, with its card from a reader.
fn shown(number: u128, user: u128, card: &str, second: i64) -> Entry {
    let source = Source { reader: Some("desk".to_owned()), card: card.to_owned(), seen_at: at(second) };
    Entry { source: Some(source), ..entry(number, user) }
}

/// The same, of a format and facility code, with this to speak for it.
fn read(number: u128, format: &str, code: Option<u64>, what: &[What]) -> Entry {
    let mut credential = Credential { facility_code: code.map(FacilityCode), ..Credential::default() };
    credential.set("card_number", number);
    let (format, digest) = (format.to_owned(), "00".to_owned());
    let card = CardRead {
        transport: None,
        raw: String::new(),
        bits: None,
        format,
        format_digest: digest,
        credential,
        fits: vec![],
        verdict: Verdict::Likely,
    };
    let evidence = what.iter().map(|what| Evidence { what: *what, odds: Some(0.25), cards: None }).collect();
    Entry { origin: Origin { card: Some(card), evidence, ..Origin::default() }, ..entry(number, number) }
}

const SENDING: Step = Step::Sending { reassign: false };

fn told() -> Told {
    Told { result_code: Some(0), description: Some("so".to_owned()), value: Some(Uuid::from_u128(5)), previous_user_id: None }
}

fn accepted() -> Step {
    Step::Answered(Outcome::Accepted(told()))
}

fn refused() -> Step {
    Step::Answered(Outcome::Refused(Told { result_code: None, ..told() }))
}

fn no_answer() -> Step {
    Step::Answered(Outcome::NoAnswer { why: "closed".to_owned(), slow: false })
}

/// Writes the steps of an entry that is saved.
fn go(store: &mut dyn Store, id: Uuid, steps: &[Step]) {
    for (second, step) in (1..).zip(steps) {
        let entry = store.entry(id).unwrap();
        store.append(entry, at(second), step).unwrap();
    }
}

fn ids(page: &Page) -> Vec<u128> {
    page.iter().map(|(_, entry)| entry.id.as_u128()).collect()
}
