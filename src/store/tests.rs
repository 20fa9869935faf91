//! What every kind of store promises.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::{memory::Memory, seal::Sealer, sqlite::Database, *};
use crate::{
    access::{AddUser, Operation, Outcome, Secret, Told},
    card::{Credential, Evidence, FacilityCode, Verdict, What},
    enroll::{
        enrollment::{Order, add_existing_card},
        evidence::Cards,
        origin::{CardRead, Origin},
    },
    outbox::{Reassign, Source},
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
        let sealer = Sealer::new(folder.path().join("a.db.key"), None, |_| Ok(true));
        Box::new(Database::open(&folder.path().join("a.db"), base_url, sealer).unwrap())
    };
    [Kind("sqlite", Box::new(sqlite)), Kind("memory", Box::new(move |base_url: &str| Box::new(memory.open(base_url))))]
}

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
    let source = Source { reader: "desk".to_owned(), card: card.to_owned(), seen_at: at(second) };
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

#[test]
fn what_was_answered_is_there_when_the_store_is_opened_again() {
    for kind in kinds() {
        let mut store = kind.open();
        let mut saved = shown(1, 7, "wiegand {26}BD88EB80", 3);
        saved.origin = read(1, "hid-h10301", Some(123), &[What::Checks]).origin;
        store.save(&saved, None).unwrap();
        go(store.as_mut(), saved.id, &[SENDING, no_answer()]);
        store.keep("card-types", at(4), "[1,2]").unwrap();
        store.close();
        let mut store = kind.open();
        saved.operation.take_secret();
        (saved.base_url, saved.is_sealed) = (HERE.to_owned(), true);
        let wanted = saved.after([(at(1), SENDING), (at(2), no_answer())]);
        assert_eq!(store.entry(wanted.id), Ok(wanted.clone()), "{}", kind.0);
        assert_eq!(store.secret(wanted.id), Ok(Some(Secret::new("90417"))), "{}", kind.0);
        assert_eq!((store.kept("card-types"), store.kept("systems")), (Ok(Some((at(4), "[1,2]".to_owned()))), Ok(None)), "{}", kind.0);
        assert_eq!(store.findings(), Ok(vec![]), "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(2)), Err(StoreError::NoEntry(Uuid::from_u128(2).to_string())), "{}", kind.0);
    }
}

#[test]
fn a_step_that_is_taken_and_a_key_that_is_taken_are_conflicts_and_change_nothing() {
    for kind in kinds() {
        let mut store = kind.open();
        store.save(&entry(1, 7), None).unwrap();
        let before = store.entry(Uuid::from_u128(1)).unwrap();
        store.append(before.clone(), at(1), &SENDING).unwrap();
        assert_eq!(store.append(before, at(2), &Step::Discarded), Err(StoreError::Conflict), "{}", kind.0);
        assert_eq!(store.save(&entry(1, 8), None), Err(StoreError::Conflict), "{}", kind.0);
        let kept = store.entry(Uuid::from_u128(1)).unwrap();
        assert_eq!((kept.operation.user(), kept.steps()), (Some(Uuid::from_u128(7)), [(at(1), SENDING)].as_slice()), "{}", kind.0);
        assert_eq!((store.last_change(), store.secret(kept.id)), (Ok(2), Ok(Some(Secret::new("90417")))), "{}", kind.0);
    }
}

#[test]
fn what_is_written_together_is_there_together_and_what_fails_in_it_fails_alone() {
    for kind in kinds() {
        let mut store = kind.open();
        store.begin_group().unwrap();
        store.save(&entry(1, 7), None).unwrap();
        assert_eq!(store.save(&entry(1, 8), None), Err(StoreError::Conflict), "{}", kind.0);
        let saved = store.entry(Uuid::from_u128(1)).unwrap();
        store.append(saved.clone(), at(1), &SENDING).unwrap();
        assert_eq!(store.append(saved, at(1), &Step::Discarded), Err(StoreError::Conflict), "{}", kind.0);
        store.save(&entry(2, 7), None).unwrap();
        store.end_group().unwrap();
        store.close();
        let mut store = kind.open();
        assert_eq!(ids(&store.open_after(0).unwrap()), [1, 2], "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(1)).unwrap().steps(), [(at(1), SENDING)], "{}", kind.0);
        assert_eq!(store.findings(), Ok(vec![]), "{}", kind.0);
    }
}

#[test]
fn an_entry_is_found_by_the_beginning_of_its_key() {
    for kind in kinds() {
        let mut store = kind.open();
        for number in [0x1111_0000 << 96, 0x1112_0000 << 96, 0x2000_0000 << 96] {
            store.save(&entry(number, 7), None).unwrap();
        }
        let mut found = |key: &str| store.beginning(key).unwrap().iter().map(|entry| entry.id.as_u128() >> 112).collect::<Vec<_>>();
        let all = [found("11"), found("1112"), found("20000000-0000"), found("3"), found("%")];
        assert_eq!(all, [vec![0x1111, 0x1112], vec![0x1112], vec![0x2000], vec![], vec![]], "{}", kind.0);
    }
}

#[test]
fn an_order_of_a_new_user_is_found_by_name_until_its_outcome_is_known() {
    let user = |name: &str| -> AddUser { serde_json::from_value(new_user(name)).unwrap() };
    for kind in kinds() {
        let mut store = kind.open();
        let order = Entry::of(Uuid::from_u128(1), at(0), Operation::AddUser(Box::new(user("Ada"))), Reassign::Never);
        store.save(&order, None).unwrap();
        let mut found = |name: &str| store.open_user(&user(name)).unwrap().map(|entry| entry.id.as_u128());
        assert_eq!((found("Ada"), found("Grace")), (Some(1), None), "{}", kind.0);
        go(store.as_mut(), order.id, &[SENDING, no_answer()]);
        assert!(store.open_user(&user("Ada")).unwrap().is_some(), "{}: it is in doubt", kind.0);
        assert_eq!((kind.1)(ELSEWHERE).open_user(&user("Ada")), Ok(None), "{}", kind.0);
        go(store.as_mut(), order.id, &[Step::Discarded]);
        assert_eq!(store.open_user(&user("Ada")), Ok(None), "{}", kind.0);
    }
}

fn new_user(name: &str) -> serde_json::Value {
    let company = Uuid::from_u128(5);
    serde_json::json!({
        "first_name": name, "last_name": "Lovelace", "facility_id": company, "company_instance_id": company, "company_instance_type": 1,
        "ac_system_id": company, "access_rights_suspended": false, "has_login_rights": false, "web_site_rights_suspended": false,
    })
}

#[tokio::test]
async fn what_many_ask_at_once_is_all_answered_and_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, "").unwrap();
    let database = Database::open(&path, HERE, Sealer::new(folder.path().join("a.db.key"), None, |_| Ok(true))).unwrap();
    let kinds: [Box<dyn Store + Send>; 2] = [Box::new(database), Box::new(Memory::default().open(HERE))];
    for kind in kinds {
        let store = StoreHandle::over(kind).unwrap();
        let asked: Vec<_> = (1..=200).map(|number| store.begin_save(entry(number, number), None)).collect();
        for answer in asked {
            assert_eq!(answer.await.unwrap(), Ok(()));
        }
        assert_eq!(store.all().await.unwrap().len(), 200);
        let (one, other) = (store.entry(Uuid::from_u128(1)).await.unwrap(), store.entry(Uuid::from_u128(2)).await.unwrap());
        let taken = store.append(&one, at(1), Step::Discarded);
        let written = tokio::join!(store.append(&one, at(1), SENDING), store.append(&other, at(1), SENDING), taken);
        assert_eq!(written, (Ok(()), Ok(()), Err(StoreError::Conflict)));
        assert_eq!(store.findings().await, Ok(vec![]));
    }
}

#[test]
fn a_card_that_was_given_to_somebody_else_a_moment_ago_is_not_saved_again() {
    for kind in kinds() {
        let mut store = kind.open();
        let within = Some(TimeDelta::seconds(60));
        store.save(&shown(1, 7, "a", 0), within).unwrap();
        let given = |result: Result<(), StoreError>| match result {
            Err(StoreError::SameCard(given)) => Some((given.entry.as_u128(), given.user.as_u128(), given.seconds)),
            other => panic!("{}: {other:?}", kind.0),
        };
        assert_eq!(given(store.save(&shown(2, 8, "a", 30), within)), Some((1, 7, 30)));
        assert_eq!(store.save(&shown(3, 8, "a", 61), within), Ok(()), "{}: out of sight for long enough", kind.0);
        assert_eq!(store.save(&shown(4, 8, "a", 62), within), Ok(()), "{}: its own user", kind.0);
        assert_eq!(store.save(&shown(5, 9, "b", 0), within), Ok(()), "{}: another card", kind.0);
        assert_eq!(store.save(&shown(6, 10, "a", 63), None), Ok(()), "{}: somebody says so", kind.0);
        store.seen("b", at(50)).unwrap();
        assert_eq!(given(store.save(&shown(7, 8, "b", 100), within)), Some((5, 9, 50)), "it was still there");
        go(store.as_mut(), Uuid::from_u128(5), &[Step::Discarded]);
        assert_eq!(store.save(&shown(8, 8, "b", 100), within), Ok(()), "{}: it was not given after all", kind.0);
        let mut store = (kind.1)(ELSEWHERE);
        assert_eq!(store.save(&shown(9, 11, "b", 101), within), Ok(()), "{}: at another BluSKY", kind.0);
    }
}

#[test]
fn a_secret_is_wiped_once_nothing_of_it_is_sent_any_more() {
    let ends: [(&[Step], bool); 5] = [
        (&[SENDING], false),
        (&[SENDING, no_answer()], false),
        (&[SENDING, accepted()], true),
        (&[SENDING, refused()], true),
        (&[Step::Discarded], true),
    ];
    for kind in kinds() {
        let mut store = kind.open();
        for (number, (steps, wiped)) in (1..).zip(&ends) {
            let id = Uuid::from_u128(number);
            store.save(&entry(number, number), None).unwrap();
            go(store.as_mut(), id, steps);
            let wanted = if *wiped { Err(StoreError::SecretGone) } else { Ok(Some(Secret::new("90417"))) };
            assert_eq!(store.secret(id), wanted, "{}: {steps:?}", kind.0);
        }
        let mut bare = entry(99, 7);
        bare.operation.take_secret();
        store.save(&bare, None).unwrap();
        assert_eq!(store.secret(bare.id), Ok(None), "{}", kind.0);
        assert!(matches!(store.secret(Uuid::from_u128(100)), Err(StoreError::NoEntry(_))), "{}", kind.0);
    }
}

#[test]
fn pages_lead_to_each_entry_once_in_the_order_they_were_saved() {
    const MANY: u128 = 300;
    for kind in kinds() {
        let mut store = kind.open();
        for number in 1..=MANY {
            let mut bare = entry(number, number);
            bare.operation.take_secret();
            store.save(&bare, None).unwrap();
            if number % 3 == 0 {
                go(store.as_mut(), bare.id, &[Step::Discarded]);
            }
        }
        let mut through = |page: &mut dyn FnMut(&mut dyn Store, u64) -> Page| {
            let (mut all, mut last) = (Vec::new(), 0);
            loop {
                let page = page(store.as_mut(), last);
                let Some((number, _)) = page.last() else { return all };
                assert!(page.iter().all(|(number, _)| *number > last), "{}", kind.0);
                last = *number;
                all.extend(ids(&page));
            }
        };
        let all: Vec<u128> = (1..=MANY).collect();
        assert_eq!(through(&mut |store, number| store.page_after(number).unwrap()), all, "{}", kind.0);
        let open: Vec<u128> = all.iter().copied().filter(|number| number % 3 != 0).collect();
        assert_eq!(through(&mut |store, number| store.open_after(number).unwrap()), open, "{}", kind.0);
        let (mut changed, mut change) = (Vec::new(), 0);
        while change < store.last_change().unwrap() {
            let (to, page) = store.changed_after(change).unwrap();
            assert!(to > change, "{}", kind.0);
            change = to;
            changed.extend(ids(&page));
        }
        assert_eq!(changed, all, "{}: in the order of their last changes", kind.0);
        go(store.as_mut(), Uuid::from_u128(1), &[SENDING]);
        let (to, page) = store.changed_after(change).unwrap();
        assert_eq!((to, ids(&page)), (change + 1, vec![1]), "{}", kind.0);
        assert_eq!(store.changed_after(to), Ok((to, vec![])), "{}", kind.0);
    }
}

#[test]
fn what_is_for_another_blusky_is_neither_delivered_nor_evidence_and_is_still_listed() {
    for kind in kinds() {
        let mut other = (kind.1)(ELSEWHERE);
        other.save(&read(1, "hid-h10301", Some(1), &[What::Operator]), None).unwrap();
        other.close();
        let mut store = kind.open();
        store.save(&read(2, "hid-h10301", Some(2), &[What::Operator]), None).unwrap();
        assert_eq!((ids(&store.open_after(0).unwrap()), ids(&store.changed_after(0).unwrap().1)), (vec![2], vec![2]), "{}", kind.0);
        assert_eq!(ids(&store.page_after(0).unwrap()), [1, 2], "{}", kind.0);
        assert_eq!(store.entry(Uuid::from_u128(1)).unwrap().base_url, ELSEWHERE, "{}", kind.0);
        let seen = store.evidence_seen().unwrap();
        let cards = |code| seen.cards("hid-h10301", Some(FacilityCode(code))).all();
        assert_eq!((cards(1), cards(2)), (0, 1), "{}", kind.0);
        go(store.as_mut(), Uuid::from_u128(1), &[Step::Discarded]);
        let seen = (kind.1)(ELSEWHERE).evidence_seen().unwrap();
        assert_eq!(seen.cards("hid-h10301", Some(FacilityCode(1))).all(), 0, "{}: it was given up from here", kind.0);
    }
}

#[test]
fn evidence_counts_what_blusky_accepted_and_what_a_person_vouched_for_until_it_is_refused_or_given_up() {
    let printed = [What::Checks, What::Printed];
    for kind in kinds() {
        let mut store = kind.open();
        let mut number = 0;
        let mut with = |store: &mut dyn Store, code: Option<u64>, what: &[What], steps: &[Step]| {
            number += 1;
            let format = if code.is_some() { "hid-h10301" } else { "csn-serial" };
            store.save(&read(number, format, code, what), None).unwrap();
            go(store, Uuid::from_u128(number), steps);
        };
        with(store.as_mut(), Some(1), &[What::Checks], &[]);
        with(store.as_mut(), Some(2), &printed, &[]);
        with(store.as_mut(), Some(3), &[What::Operator], &[SENDING]);
        with(store.as_mut(), Some(4), &printed, &[SENDING, no_answer()]);
        with(store.as_mut(), Some(5), &printed, &[SENDING, refused()]);
        with(store.as_mut(), Some(6), &printed, &[Step::Discarded]);
        with(store.as_mut(), Some(7), &printed, &[SENDING, accepted()]);
        with(store.as_mut(), Some(7), &[What::Checks], &[SENDING, accepted()]);
        with(store.as_mut(), Some(7), &printed, &[]);
        with(store.as_mut(), None, &[What::TransportCheck], &[SENDING, accepted()]);
        store.save(&entry(99, 99), None).unwrap();
        let seen = store.evidence_seen().unwrap();
        let cards = |code: u64| seen.cards("hid-h10301", Some(FacilityCode(code)));
        let counts = |accepted, vouched| Cards { accepted, vouched };
        let wanted = [(1, 0, 0), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 0, 0), (6, 0, 0), (7, 2, 1)];
        for (code, accepted, vouched) in wanted {
            assert_eq!(cards(code), counts(accepted, vouched), "{}: facility code {code}", kind.0);
        }
        assert_eq!(seen.cards("csn-serial", None), counts(1, 0), "{}", kind.0);
        assert_eq!(seen.accepted_codes("hid-h10301"), 1, "{}", kind.0);
    }
}

/// One thing that happens to a store: to which entry, and what.
fn happens() -> impl Strategy<Value = (u128, u8)> {
    (0_u128..6, 0_u8..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is asked, all kinds of stores answer the same.
    #[test]
    fn all_kinds_of_stores_answer_the_same(happenings in prop::collection::vec(happens(), 1..30)) {
        let mut answers: Vec<Vec<String>> = Vec::new();
        for kind in kinds() {
            let mut store = kind.open();
            let mut said = Vec::new();
            for (second, (number, what)) in (0..).zip(&happenings) {
                let id = Uuid::from_u128(*number);
                let step = match what {
                    0 | 1 => None,
                    2 | 3 => Some(SENDING),
                    4 => Some(accepted()),
                    5 => Some(refused()),
                    6 => Some(no_answer()),
                    _ => Some(Step::Discarded),
                };
                let source = shown(*number, number % 3, &(number % 2).to_string(), second).source;
                let saved = Entry { source, ..read(*number, "hid-h10301", Some(*what as u64 % 2), &[What::Printed]) };
                said.push(match step {
                    None => format!("{:?}", store.save(&saved, Some(TimeDelta::seconds(5)))),
                    Some(step) => format!("{:?}", store.entry(id).and_then(|entry| store.append(entry, at(second), &step))),
                });
                said.push(format!("{:?} {:?}", store.secret(id), store.entry(id).map(|entry| entry.progress().clone())));
                said.push(format!("{:?} {:?}", ids(&store.open_after(0).unwrap()), store.last_change()));
                said.push(format!("{:?}", store.changed_after(i64::from(*what)).map(|(to, page)| (to, ids(&page)))));
                let seen = store.evidence_seen().unwrap();
                said.push(format!("{:?}", [0, 1].map(|code| seen.cards("hid-h10301", Some(FacilityCode(code))))));
            }
            answers.push(said);
        }
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}
