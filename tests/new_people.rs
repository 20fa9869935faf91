//! What is promised of a card with something before it in one entry: a new person added, a lost card taken back. Whatever is lost and
//! whenever the power goes, nobody is added twice, and no card goes to somebody else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use cardbridge::{
    access::{AddUserCard, Operation, Outcome, RemoveUserCard, Secret, StoredCard, Told},
    enroll::{
        enrollment::{Order, add_existing_card},
        origin::Origin,
    },
    outbox::{Entry, Next, ReadBack, Reassign, State, Step},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use support::{ADA, CARD, Ended, SYSTEM, Simulator, Site, h10301, wait_for};
use uuid::Uuid;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(second)
}

const NEW: Uuid = Uuid::from_u128(77);
const OLD_CARD: Uuid = Uuid::from_u128(4);

fn add_user() -> Operation {
    let id = Uuid::from_u128(9);
    let body = json!({
        "ac_system_id": id, "access_rights_suspended": false, "company_instance_id": id, "company_instance_type": 1, "facility_id": id,
        "first_name": "Ada", "has_login_rights": false, "last_name": "Lovelace", "web_site_rights_suspended": false,
    });
    Operation::AddUser(serde_json::from_value(body).unwrap())
}

fn remove() -> Operation {
    Operation::RemoveUserCard(RemoveUserCard { card_id: OLD_CARD, user_id: NEW })
}

fn card() -> AddUserCard {
    add_existing_card(Uuid::from_u128(5), &Order::of(Uuid::nil())).unwrap()
}

fn entry(before: Operation, steps: Vec<Step>) -> Entry {
    with_groups(before, &[], steps)
}

fn with_groups(before: Operation, groups: &[i64], steps: Vec<Step>) -> Entry {
    let steps = (1..).zip(steps).map(|(second, step)| (at(second), step));
    let entry = Entry::of_card(Uuid::from_u128(1), at(0), card(), Some(before), Reassign::Never);
    let origin = Origin { groups_after: groups.to_vec(), ..entry.origin };
    Entry { origin, ..entry }.after(steps)
}

const SENDING: Step = Step::Sending { reassign: false };

fn accepted(value: Option<Uuid>) -> Step {
    Step::Answered(Outcome::Accepted(Told { result_code: Some(0), value, ..Told::default() }))
}

fn lost() -> Step {
    Step::Answered(Outcome::NoAnswer { why: "reset".to_owned(), slow: false })
}

fn found() -> Step {
    Step::ReadBack(ReadBack::Found(Box::new(StoredCard { card_id: Some(Uuid::from_u128(5)), ..StoredCard::default() })))
}

/// The whole way of a new person, and what is sent next after each step: the user once, then the card.
#[test]
fn the_card_follows_once_the_user_is_known_and_is_theirs() {
    let way = vec![SENDING, accepted(Some(NEW)), SENDING, accepted(Some(Uuid::from_u128(6))), found()];
    let done = entry(add_user(), way.clone());
    assert_eq!((done.progress().state, done.operation.user(), done.next(at(99))), (State::Accepted, Some(NEW), Next::Done));
    assert!(matches!(done.upto(1).operation, Operation::AddUser(_)), "its way is shown as it was");
    let after_user = entry(add_user(), way[..2].to_vec());
    assert_eq!((after_user.progress().state, after_user.next(at(99))), (State::Saved, Next::Send { reassign: false }));
    assert!(matches!(&after_user.operation, Operation::AddUserCard(card) if card.user_id == NEW));
    assert_eq!(after_user.progress().first.as_ref().map(|first| (first.call, first.told.value)), Some(("AddUser", Some(NEW))));
}

#[test]
fn wherever_the_power_goes_the_user_is_sent_once() {
    let way = [SENDING, accepted(Some(NEW)), SENDING, accepted(Some(Uuid::from_u128(6))), found()];
    for count in 0..=way.len() {
        // What is on disk, and then the program begins anew.
        let mut left = entry(add_user(), way[..count].to_vec());
        if let Some(step) = left.abandoned() {
            left.add(at(50), step);
        }
        let sends_user = matches!(left.operation, Operation::AddUser(_)) && matches!(left.next(at(99)), Next::Send { .. });
        assert_eq!(sends_user, count == 0, "after {count} steps");
        // Sent and not answered: the list of people is looked into, and nothing is sent.
        let is_looked_for = matches!(left.operation, Operation::AddUser(_)) && left.next(at(99)) == Next::ReadBack;
        assert_eq!(is_looked_for, count == 1, "after {count} steps");
    }
}

#[test]
fn wherever_the_power_goes_a_new_users_groups_are_given_once_each_and_before_the_card() {
    let given = || Step::Answered(Outcome::Accepted(Told { result_code: Some(0), ..Told::default() }));
    let way = [SENDING, accepted(Some(NEW)), SENDING, given(), SENDING, given(), SENDING, accepted(Some(Uuid::from_u128(6))), found()];
    for count in 0..=way.len() {
        let mut left = with_groups(add_user(), &[7, 9], way[..count].to_vec());
        if let Some(step) = left.abandoned() {
            left.add(at(50), step);
        }
        let sends = match (left.next(at(99)), &left.operation) {
            (Next::Send { .. }, Operation::AddUser(_)) => "user".to_owned(),
            (Next::Send { .. }, Operation::AddAccessLevelGroup(to)) if to.user_id == NEW => to.access_level_group_id.to_string(),
            (Next::Send { .. }, Operation::AddUserCard(card)) if card.user_id == NEW => "card".to_owned(),
            (Next::ReadBack, _) => "looks".to_owned(),
            (Next::Done, _) => "done".to_owned(),
            other => panic!("{other:?}"),
        };
        // What was on its way when the power went is not sent again: a group is in doubt then, and nothing waits for it.
        let wanted = ["user", "looks", "7", "9", "9", "card", "card", "looks", "looks", "done"];
        assert_eq!(sends, wanted[count], "after {count} steps");
    }
    let doubtful = with_groups(add_user(), &[7], vec![SENDING, accepted(Some(NEW)), SENDING, lost()]);
    assert!(matches!(&doubtful.operation, Operation::AddUserCard(card) if card.user_id == NEW));
    assert_eq!(doubtful.progress().groups.iter().map(|(group, part)| (*group, part.state)).collect::<Vec<_>>(), [(7, State::InDoubt)]);
}

#[test]
fn where_the_answer_is_lost_a_person_says_whether_the_user_is_there() {
    let nowhere = Step::ReadBack(ReadBack::Unavailable { why: "there is no list".to_owned() });
    let mut there = entry(add_user(), vec![SENDING, lost(), nowhere]);
    assert_eq!((there.progress().state, there.next(at(99))), (State::InDoubt, Next::Person));
    let mut absent = there.clone();
    there.add(at(60), Step::Retry { absent: false, user: Some(NEW) });
    assert!(matches!(&there.operation, Operation::AddUserCard(card) if card.user_id == NEW));
    assert_eq!(there.next(at(99)), Next::Send { reassign: false });
    absent.add(at(60), Step::Retry { absent: true, user: None });
    assert!(matches!(absent.operation, Operation::AddUser(_)));
    assert_eq!(absent.next(at(99)), Next::Send { reassign: false });
}

#[test]
fn a_user_who_was_refused_gets_no_card_and_a_refused_card_adds_nobody_again() {
    let no = || Step::Answered(Outcome::Refused(Told { result_code: Some(12), ..Told::default() }));
    let refused = entry(add_user(), vec![SENDING, no()]);
    assert_eq!((refused.progress().state, refused.next(at(99))), (State::Refused, Next::Done));
    let mut card_refused = entry(add_user(), vec![SENDING, accepted(Some(NEW)), SENDING, no(), Step::ReadBack(ReadBack::NotFound)]);
    assert_eq!(card_refused.progress().state, State::Refused);
    card_refused.add(at(60), Step::Retry { absent: false, user: None });
    assert!(matches!(&card_refused.operation, Operation::AddUserCard(card) if card.user_id == NEW));
    assert_eq!(card_refused.next(at(99)), Next::Send { reassign: false });
}

#[test]
fn a_lost_card_is_taken_back_first_and_the_new_one_follows_even_where_it_stays() {
    let gone = entry(remove(), vec![SENDING, accepted(None), Step::ReadBack(ReadBack::NotFound)]);
    let stays = entry(remove(), vec![SENDING, Step::Answered(Outcome::Impossible { why: "no such call".to_owned() })]);
    for (entry, state) in [(&gone, State::Accepted), (&stays, State::Refused)] {
        assert_eq!(entry.progress().first.as_ref().map(|first| first.state), Some(state));
        assert!(matches!(&entry.operation, Operation::AddUserCard(card) if card.user_id == NEW));
        assert_eq!(entry.next(at(99)), Next::Send { reassign: false });
    }
    let doubtful = entry(remove(), vec![SENDING, lost()]);
    assert!(matches!(doubtful.operation, Operation::RemoveUserCard(_)));
    assert_eq!(doubtful.next(at(99)), Next::ReadBack, "it is known first what became of the old one");
}

#[test]
fn a_pin_waits_sealed_for_its_card_and_is_never_a_password() {
    let pin = || Secret::new("90417355");
    for before in [add_user(), remove()] {
        let mut whole =
            Entry::of_card(Uuid::from_u128(1), at(0), AddUserCard { pin: Some(pin()), ..card() }, Some(before), Reassign::Never);
        assert_eq!(whole.take_secret(), Some(pin()));
        assert!(!serde_json::to_string(&whole.origin).unwrap().contains("90417355"), "what remains can be written down");
        let first = whole.with_secret(pin());
        assert_eq!(first.secret(), None, "it is nobody's password");
        let done = [SENDING, accepted(Some(NEW)), Step::ReadBack(ReadBack::NotFound)];
        (1..).zip(done).for_each(|(second, step)| whole.add(at(second), step));
        assert!(matches!(whole.operation, Operation::AddUserCard(_)) && !whole.is_done_with_its_secret(), "it is still to be sent");
        assert_eq!(whole.with_secret(pin()).secret(), Some(&pin()));
        [SENDING, accepted(Some(Uuid::from_u128(6)))].into_iter().for_each(|step| whole.add(at(9), step));
        assert!(whole.is_done_with_its_secret());
    }
}

// ---- the shipped binary

const FACILITY: &str = "f2b7d1a0-7d6e-4c55-9a43-1f2e5d0c1a01";

fn site(blusky: &Simulator, more: &str) -> Site {
    Site::at(&blusky.base_url, more)
}

fn enroll_new(site: &Site, last_name: &str, bits: &str) -> Ended {
    site.run(&new_order(last_name, bits, &[]))
}

fn new_order<'a>(last_name: &'a str, bits: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let shared = ["--facility-id", FACILITY, "--ac-system-id", SYSTEM, "--company-instance-type", "1", "--company-instance-id", FACILITY];
    let who = ["enroll", "--new-user", "--first-name", "Ada", "--last-name", last_name, "--bits", bits, "--outcome-timeout", "5", "--json"];
    [&who[..], &shared[..], more].concat()
}

/// A site that has BluSKY list the people of an occupancy.
fn listing(blusky: &Simulator) -> Site {
    site(blusky, &format!("[people]\nblusky = {{ occupancy = [\"{FACILITY}\"] }}"))
}

/// How many users of that name there are, and how many cards are somebody's.
fn there(blusky: &Simulator, last_name: &str) -> (usize, usize) {
    let shows = blusky.shows();
    let users = shows["users"].as_array().unwrap().iter().filter(|user| user["last_name"] == last_name).count();
    (users, shows["cards"].as_array().unwrap().iter().filter(|card| !card["Assignment"].is_null()).count())
}

fn key(ended: &Ended) -> String {
    ended.last()["enrollment"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_person_and_their_card_are_one_order() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "");
    let ended = enroll_new(&site, "King", CARD);
    let last = ended.last();
    assert_eq!((ended.code, &last["state"], &last["before"]["call"]), (0, &json!("accepted"), &json!("AddUser")), "{ended:?}");
    assert_eq!((last["user_id"] == last["before"]["value"], &last["user"]["name"]), (true, &json!("Ada King")), "{ended:?}");
    assert_eq!((there(&blusky, "King"), site.outbox().len()), ((1, 1), 1));
    assert_eq!(last["new_user"], json!({"first_name": "Ada", "last_name": "King", "employee_number": null}));
}

#[test]
fn a_lost_answer_waits_for_a_person_who_has_looked() {
    for (fault, is_there) in [("drop-after-commit:1@AddUser", true), ("drop-before-commit:1@AddUser", false)] {
        let blusky = Simulator::start(&["--fault", fault]);
        let site = site(&blusky, "");
        let doubtful = enroll_new(&site, "King", CARD);
        assert_eq!((doubtful.code, &doubtful.last()["state"]), (3, &json!("in_doubt")), "{doubtful:?}");
        assert_eq!((doubtful.last()["user_id"].clone(), there(&blusky, "King")), (Value::Null, (usize::from(is_there), 0)));
        let again = enroll_new(&site, "King", &h10301(123, 9));
        assert_eq!((again.code, &again.error()["code"]), (1, &json!("user_in_outbox")), "{again:?}");
        let entry = key(&doubtful);
        let settled = if is_there {
            let user =
                blusky.shows()["users"].as_array().unwrap().iter().find(|user| user["last_name"] == "King").unwrap()["user_id"].clone();
            site.run(&["outbox", "retry", &entry, "--user", user.as_str().unwrap()])
        } else {
            site.run(&["outbox", "retry", &entry, "--absent"])
        };
        assert_eq!(settled.code, 0, "{settled:?}");
        site.run(&["outbox", "deliver"]);
        site.wait_for_outbox(|entries| entries[0]["state"] == "accepted");
        assert_eq!(there(&blusky, "King"), (1, 1), "{fault}");
    }
}

#[test]
fn where_the_answer_is_lost_the_directory_is_asked_and_the_card_follows_by_itself() {
    for (more, bits) in [(&[][..], CARD), (&["--employee-number", "1815"][..], CARD)] {
        let blusky = Simulator::start(&["--fault", "drop-after-commit:1@AddUser"]);
        let site = listing(&blusky);
        let ended = site.run(&new_order("King", bits, more));
        let last = ended.last();
        assert_eq!((ended.code, &last["state"], there(&blusky, "King")), (0, &json!("accepted"), (1, 1)), "{ended:?}");
        assert_eq!((&last["before"]["warnings"], last["user_id"] == last["before"]["value"]), (&json!(["found_in_directory"]), true));
    }
}

#[test]
fn what_was_sent_when_the_program_was_killed_is_looked_for_by_the_next_one() {
    let blusky = Simulator::start(&["--fault", "delay=1500:1@AddUser"]);
    let site = listing(&blusky);
    let killed = site.start(&new_order("King", CARD, &[]));
    wait_for("the call", || blusky.shows()["requests"].as_array().unwrap().iter().any(|request| request["method"] == "POST").then_some(()));
    killed.kill();
    // At first the list does not show the user: the call is under way still.
    let station = site.station();
    let entries = site.wait_for_outbox(|entries| entries[0]["state"] == "accepted");
    station.signal("TERM");
    assert_eq!((there(&blusky, "King"), &entries[0]["before"]["warnings"]), ((1, 1), &json!(["found_in_directory"])));
}

#[test]
fn a_new_user_gets_their_groups_before_the_card_in_one_order() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "");
    let ended = site.run(&new_order("King", CARD, &["--access-level-group", "7", "--access-level-group", "99"]));
    let last = ended.last();
    assert_eq!((ended.code, &last["state"], there(&blusky, "King")), (1, &json!("accepted"), (1, 1)), "{ended:?}");
    let states: Vec<(i64, &str)> = last["access"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["access_level_group_id"].as_i64().unwrap(), group["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [(7, "accepted"), (99, "refused")], "{ended:?}");
    let shown = site.run(&["outbox", "show", &key(&ended)]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("accepted, but access-level group 99 was not given") && shown.contains("access-level group 7 was given."),
        "{shown}"
    );
    assert_eq!(site.outbox().len(), 1);
    let nobody_new = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--access-level-group", "7", "--json"]);
    assert_eq!(nobody_new.code, 2, "{nobody_new:?}");
}

#[test]
fn a_pin_goes_with_the_card_of_a_new_user_and_is_wiped_once_it_is_there() {
    let blusky = Simulator::start(&["--fault", "status=429:1@AddUserCard"]);
    let site = site(&blusky, "");
    site.keep("pin", "90417355\n");
    let ended = site.run(&new_order("King", CARD, &["--pin-file", "pin"]));
    assert_eq!(
        (ended.code, &ended.last()["state"], &ended.last()["warnings"]),
        (0, &json!("accepted"), &json!(["not_shown: pin"])),
        "{ended:?}"
    );
    assert_eq!(blusky.cards()[0]["Assignment"]["PIN"], "(hidden)", "{:?}", blusky.cards());
    for name in ["cardbridge.db", "cardbridge.db-wal"] {
        let bytes = std::fs::read(site.path(name)).unwrap_or_default();
        assert!(!bytes.windows(8).any(|part| part == b"90417355"), "{name}");
    }
}

#[test]
fn a_lost_card_is_deactivated_by_date_where_the_site_prefers_that() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "[enroll]\nlost_card = \"deactivate\"\n");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 0);
    let ended = site.run(&["enroll", "--user", ADA, "--replaces", "4567", "--bits", &h10301(123, 4568), "--json"]);
    let last = ended.last();
    let before = (&last["before"]["call"], &last["before"]["state"]);
    assert_eq!((ended.code, &last["state"], before), (0, &json!("accepted"), (&json!("UpdateUserCard"), &json!("accepted"))), "{ended:?}");
    let lost = blusky.cards().into_iter().find(|card| card["InternalCardNumber"] == 4567).unwrap();
    assert!(lost["Assignment"]["CardDeactivationStartDateTime"].is_string(), "it stays the person's, and works no more: {lost}");
    assert_eq!(lost["Assignment"]["CardUserFlags"], 1, "{lost}");
    let shown = site.run(&["outbox", "show", &key(&ended)]);
    assert!(shown.stdout.contains("the old card was deactivated before"), "{shown:?}");
}

#[test]
fn nobody_says_of_another_entry_that_its_user_is_there() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    let wrong = site.run(&["outbox", "retry", &key(&ended), "--user", ADA, "--json"]);
    assert_eq!((wrong.code, &wrong.error()["code"]), (1, &json!("user")), "{wrong:?}");
}

#[test]
fn a_lost_card_is_replaced_in_one_order_with_both_outcomes() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).code, 0);
    let wrong = site.run(&["enroll", "--user", ADA, "--replaces", "4568", "--bits", &h10301(123, 4568), "--json"]);
    assert_eq!((wrong.code, &wrong.error()["code"]), (1, &json!("no_such_card")), "{wrong:?}");
    let ended = site.run(&["enroll", "--user", ADA, "--replaces", "4567", "--bits", &h10301(123, 4568), "--json"]);
    let last = ended.last();
    assert_eq!((ended.code, &last["state"], &last["before"]["state"]), (0, &json!("accepted"), &json!("accepted")), "{ended:?}");
    let held: Vec<u64> = blusky
        .cards()
        .iter()
        .filter(|card| !card["Assignment"].is_null())
        .map(|card| card["InternalCardNumber"].as_u64().unwrap())
        .collect();
    assert_eq!(held, [4568]);
    let shown = site.run(&["outbox", "show", &key(&ended)]);
    assert!(shown.stdout.contains("the old card was taken back before"), "{shown:?}");
}

#[test]
fn while_it_is_not_known_whether_the_old_card_is_gone_the_new_one_waits() {
    let blusky = Simulator::start(&["--fault", "status=500@RemoveUserCard"]);
    let site = site(&blusky, "");
    let first = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(first.code, 0);
    // The old card is in doubt, and the new one waits for what becomes of it.
    let ended =
        site.run(&["enroll", "--user", ADA, "--replaces", "4567", "--bits", &h10301(123, 4568), "--outcome-timeout", "2", "--json"]);
    assert_eq!((ended.code, &ended.last()["before"]["call"]), (3, &json!("RemoveUserCard")), "{ended:?}");
    assert_eq!(blusky.cards().len(), 1);
}

#[test]
fn a_user_is_added_with_the_card_that_is_given_and_listed_among_those_who_were_added_here() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky, "");
    let shared = ["--facility-id", FACILITY, "--ac-system-id", SYSTEM, "--company-instance-type", "1", "--company-instance-id", FACILITY];
    let who = ["user", "add", "--first-name", "Kay", "--last-name", "McNulty", "--employee-number", "1921"];
    let added = site.run(&[&who[..], &shared[..], &["--card", "--bits", CARD, "--json"]].concat());
    assert_eq!((added.code, added.lines().len(), &added.last()["state"]), (0, 1, &json!("accepted")), "{added:?}");
    assert_eq!(there(&blusky, "McNulty"), (1, 1));
    let alone = ["user", "add", "--first-name", "Ada", "--last-name", "King", "--json"];
    assert_eq!(site.run(&[&alone[..], &shared[..]].concat()).code, 0);
    let listed = site.run(&["user", "added"]);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "user_id,first_name,last_name,employee_number"), "{listed:?}");
    assert!(lines[1].ends_with(",Kay,McNulty,1921") && lines[2].ends_with(",Ada,King,"), "{listed:?}");
    let user = added.last()["user_id"].as_str().unwrap().to_owned();
    assert!(lines[1].starts_with(&user));
}
