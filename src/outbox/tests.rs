//! The promises of the outbox, with the time turned by hand.

mod again;
mod line;
mod look;
mod newcomer;
mod parts;
mod removal;
mod standing;
mod terms;
mod whys;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{progress::backoff, *};
use crate::{
    access::{Operation, Told},
    enroll::enrollment::{Order, add_existing_card},
};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn entry(reassign: Reassign, steps: Vec<Step>) -> Entry {
    let mut order = Order::of(Uuid::from_u128(7));
    order.reassign = reassign == Reassign::Always;
    let body = add_existing_card(Uuid::from_u128(9), &order).unwrap();
    let steps = steps.into_iter().enumerate().map(|(second, step)| (at(second as i64), step));
    Entry::of(Uuid::from_u128(1), at(0), Operation::AddUserCard(body), reassign).after(steps)
}

fn told(code: i64, words: &str) -> Told {
    Told { result_code: Some(code), description: Some(words.into()), value: Some(Uuid::from_u128(5)), previous_user_id: None }
}

fn found() -> Step {
    let card = StoredCard { card_id: Some(Uuid::from_u128(9)), card_user_flags: Some(1), ..StoredCard::default() };
    Step::ReadBack(ReadBack::Found(Box::new(card)))
}

const SENDING: Step = Step::Sending { reassign: false };

fn no_answer() -> Step {
    Step::Answered(Outcome::NoAnswer { why: "reset".into(), slow: false })
}

#[test]
fn what_was_never_sent_is_sent() {
    assert_eq!(entry(Reassign::Never, vec![]).next(at(0)), Next::Send { reassign: false });
    assert_eq!(entry(Reassign::Always, vec![]).next(at(0)), Next::Send { reassign: true });
}

#[test]
fn what_was_sent_and_not_answered_is_read_back_before_anything_else() {
    let doubtful = entry(Reassign::Never, vec![SENDING, no_answer()]);
    assert_eq!(doubtful.progress().state, State::InDoubt);
    assert_eq!(doubtful.next(at(60)), Next::ReadBack);
    let there = entry(Reassign::Never, vec![SENDING, no_answer(), found()]);
    assert_eq!((there.progress().state, there.next(at(60))), (State::Accepted, Next::Done));
    let absent = entry(Reassign::Never, vec![SENDING, no_answer(), Step::ReadBack(ReadBack::NotFound)]);
    assert_eq!((absent.progress().state, absent.next(at(60))), (State::Saved, Next::Send { reassign: false }));
}

const NOT_YET: fn() -> Step = || Step::ReadBack(ReadBack::NotYet { why: "not yet".into() });

#[test]
fn until_blusky_has_had_the_time_to_show_it_a_card_that_is_not_there_proves_nothing() {
    let mut early = entry(Reassign::Never, vec![SENDING, no_answer(), NOT_YET()]);
    assert_eq!(early.unproven_until(TimeDelta::seconds(60)), Some(at(60)));
    for second in [4, 8, 16] {
        assert_eq!((early.progress().state, early.next(at(second))), (State::InDoubt, Next::ReadBack));
        early.add(at(second), NOT_YET());
    }
    early.add(at(61), NOT_FOUND);
    assert_eq!((early.progress().state, early.next(at(61))), (State::Saved, Next::Send { reassign: false }));
}

#[test]
fn a_server_that_may_still_be_at_work_is_waited_for_however_promptly_it_shows_what_it_has_done() {
    let until = |slow: bool| {
        let lost = Step::Answered(Outcome::NoAnswer { why: "time-out".into(), slow });
        entry(Reassign::Never, vec![SENDING, lost]).unproven_until(TimeDelta::zero())
    };
    assert_eq!((until(true), until(false)), (Some(at(30)), Some(at(2))));
    assert_eq!(entry(Reassign::Never, vec![]).unproven_until(TimeDelta::seconds(60)), None, "nothing was sent");
}

#[test]
fn a_card_that_may_be_the_one_is_never_sent_again_and_a_person_is_told() {
    let cannot_tell = || Step::ReadBack(ReadBack::CannotTell);
    let stuck = entry(Reassign::Never, vec![SENDING, no_answer(), NOT_YET(), cannot_tell()]);
    assert_eq!((stuck.progress().state, stuck.next(at(999))), (State::InDoubt, Next::Person));
    assert!(stuck.progress().why.as_ref().unwrap().contains("look at the user's cards"));
}

#[test]
fn an_earlier_refusal_says_nothing_about_a_later_sending() {
    let refused = Step::Answered(Outcome::Refused(told(5, "Card Already Assigned : 1 Lovelace, Ada")));
    let not_found = || Step::ReadBack(ReadBack::NotFound);
    let decided = Step::Reassign { decided_by: DecidedBy::Operator };
    let mut steps = vec![SENDING, refused, not_found(), decided, Step::Sending { reassign: true }, no_answer()];
    steps.extend([not_found(), not_found()]);
    assert_eq!(entry(Reassign::Given, steps).next(at(9)), Next::Send { reassign: false });
}

/// Long after the epoch, which stands for a wait that has been served.
fn day(second: i64) -> DateTime<Utc> {
    at(86_400 + second)
}

/// The steps of an entry, each at its second of a day.
fn timed(reassign: Reassign, steps: Vec<(i64, Step)>) -> Entry {
    entry(reassign, vec![]).after(steps.into_iter().map(|(second, step)| (day(second), step)))
}

const NOT_FOUND: Step = Step::ReadBack(ReadBack::NotFound);

#[test]
fn success_without_a_key_is_looked_for_again_and_again_and_never_sent_a_second_time() {
    let keyless = || Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(1, "") }, listed: true });
    for reassign in [Reassign::Never, Reassign::Always] {
        let mut steps = vec![(0, SENDING), (0, keyless())];
        for (second, next) in [(0, 2), (2, 6), (6, 14)] {
            assert_eq!(timed(reassign, steps.clone()).next(day(second)), Next::ReadBack);
            steps.push((second, NOT_YET()));
            let behind = timed(reassign, steps.clone());
            assert_eq!((behind.progress().state, behind.next(day(second))), (State::InDoubt, Next::Wait(day(next))));
            let shown = timed(reassign, [steps.clone(), vec![(next, found())]].concat());
            assert_eq!((shown.progress().state, shown.progress().attempts), (State::Accepted, 1));
        }
        steps.push((61, NOT_FOUND));
        let never = timed(reassign, steps);
        assert_eq!((never.progress().state, never.next(day(999))), (State::InDoubt, Next::Person));
    }
}

#[test]
fn a_card_that_an_earlier_call_may_have_made_this_users_is_not_refused_because_it_is_not_shown_yet() {
    let held = || Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    for reassign in [Reassign::Never, Reassign::Ask, Reassign::Given] {
        let twice = vec![(0, SENDING), (0, no_answer()), (3, NOT_FOUND), (3, SENDING), (3, held()), (3, NOT_YET())];
        let behind = timed(reassign, twice.clone());
        assert_eq!((behind.progress().state, behind.next(day(3))), (State::InDoubt, Next::Wait(day(4))));
        let shown = timed(reassign, [twice.clone(), vec![(4, found())]].concat()).progress().clone();
        assert_eq!((shown.state, shown.warnings), (State::Accepted, vec!["already_assigned_to_this_user".to_owned()]));
        let never = timed(reassign, [twice.clone(), vec![(18, NOT_FOUND)]].concat());
        let end = if reassign == Reassign::Never { Next::Done } else { Next::Person };
        assert_eq!((never.progress().state, never.next(day(999))), (State::Refused, end), "refused, or a question; not in doubt for ever");
        let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".into() });
        let unseen = timed(reassign, [twice[..5].to_vec(), vec![(3, unavailable)]].concat());
        assert_eq!((unseen.progress().state, unseen.next(day(999))), (State::InDoubt, Next::Person));
        let looked = vec![(20, Step::Retry { absent: true, user: None }), (20, SENDING), (20, held()), (20, NOT_YET())];
        assert_eq!(timed(reassign, [twice, looked].concat()).progress().state, State::Refused, "a person has looked");
    }
}

#[test]
fn with_no_code_known_the_read_back_alone_decides() {
    let any = || Step::Answered(Outcome::Unclear { told: told(0, "whatever"), listed: false });
    let absent = entry(Reassign::Never, vec![SENDING, any(), Step::ReadBack(ReadBack::NotFound)]);
    assert_eq!((absent.progress().state, absent.next(at(99))), (State::Refused, Next::Done));
    assert_eq!(entry(Reassign::Never, vec![SENDING, any(), found()]).progress().state, State::Accepted);
}

#[test]
fn a_malformed_request_is_refused_whoever_holds_the_card() {
    let malformed = Told { description: Some("The request is invalid.".into()), ..Told::default() };
    let refused = entry(Reassign::Never, vec![SENDING, Step::Answered(Outcome::Refused(malformed))]);
    assert_eq!((refused.progress().state, refused.next(at(9))), (State::Refused, Next::Done));
}

#[test]
fn a_decision_to_take_a_card_ages_also_while_nothing_can_be_sent() {
    let away = Step::Answered(Outcome::Away { why: "no route".into() });
    let entry = entry(Reassign::Always, vec![Step::Sending { reassign: true }, away]);
    assert_eq!(entry.next(at(120)), Next::Send { reassign: true });
    for later in [121, 172_800, -1] {
        assert_eq!(entry.next(at(later)), Next::Send { reassign: false }, "{later}");
    }
}

#[test]
fn a_sending_that_nobody_finished_is_in_doubt_and_not_sent_again() {
    let mut abandoned = entry(Reassign::Never, vec![SENDING]);
    assert_eq!((abandoned.progress().state, abandoned.next(at(999))), (State::Sending, Next::Person));
    let step = abandoned.abandoned().unwrap();
    abandoned.add(at(5), step);
    assert_eq!((abandoned.progress().state, abandoned.next(at(999))), (State::InDoubt, Next::ReadBack));
}

#[test]
fn a_refused_card_that_is_this_users_already_is_accepted_with_a_warning() {
    let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    let own = entry(Reassign::Never, vec![SENDING, refused.clone(), found()]).progress().clone();
    assert_eq!((own.state, own.warnings), (State::Accepted, vec!["already_assigned_to_this_user".to_owned()]));
    let other = entry(Reassign::Never, vec![SENDING, refused, Step::ReadBack(ReadBack::NotFound)]);
    assert_eq!((other.progress().state, other.next(at(9))), (State::Refused, Next::Done));
}

#[test]
fn reassignment_is_a_decision_of_its_own() {
    let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    let steps = vec![SENDING, refused, Step::ReadBack(ReadBack::NotFound)];
    assert_eq!(entry(Reassign::Ask, steps.clone()).next(at(9)), Next::Person);
    assert_eq!(entry(Reassign::Given, steps.clone()).next(at(9)), Next::Reassign);
    let mut decided = steps;
    decided.push(Step::Reassign { decided_by: DecidedBy::Operator });
    let asked = entry(Reassign::Ask, decided);
    assert_eq!(asked.next(at(9)), Next::Send { reassign: true });
    assert_eq!(asked.next(at(200)), Next::Send { reassign: false }, "then it is asked again");
}

#[test]
fn a_yes_that_was_given_with_the_order_ages_and_is_asked_for_again() {
    let held = || Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    for (second, next) in [(1, Next::Reassign), (119, Next::Reassign), (121, Next::Person), (172_800, Next::Person)] {
        let steps = [SENDING, held(), Step::ReadBack(ReadBack::NotFound)].map(|step| (at(second), step));
        let entry = entry(Reassign::Given, vec![]).after(steps);
        assert_eq!((entry.next(at(second)), entry.progress().awaits_reassignment()), (next, next == Next::Person), "{second}");
    }
    let lost = vec![SENDING, no_answer(), Step::ReadBack(ReadBack::NotFound), SENDING, held(), Step::ReadBack(ReadBack::NotFound)];
    assert!(entry(Reassign::Given, lost).progress().awaits_reassignment(), "a call may have arrived since");
}

#[test]
fn of_a_card_that_is_this_users_already_what_was_asked_for_and_is_not_shown_is_said_not_to_be_set() {
    let refused = || Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    let warnings = |step: Step, shown: Step| entry(Reassign::Never, vec![SENDING, step, shown]).progress().warnings.clone();
    let wanted = ["already_assigned_to_this_user", "not_set: pin", "not_shown: pin"];
    assert_eq!(warnings(refused(), shown(&[], &["pin"])), wanted);
    assert_eq!(warnings(Step::Answered(Outcome::Accepted(told(0, "Success"))), shown(&[], &["pin"])), wanted[2..]);
    assert!(entry(Reassign::Never, vec![SENDING, refused(), shown(&["pin"], &[])]).progress().stored_differs());
}

#[test]
fn a_stale_repetition_never_takes_a_card_back() {
    let not_found = || Step::ReadBack(ReadBack::NotFound);
    let doubt = vec![Step::Sending { reassign: true }, no_answer(), not_found(), not_found()];
    let mut entry = entry(Reassign::Always, doubt);
    assert_eq!(entry.next(at(10)), Next::Send { reassign: false }, "a call may have arrived: it may have moved since");
    let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
    for step in [Step::Sending { reassign: false }, refused, not_found()] {
        entry.add(at(600), step);
    }
    assert!(entry.progress().awaits_reassignment());
}

#[test]
fn failures_wait_longer_and_longer_up_to_a_minute() {
    let not_sent = || Step::Answered(Outcome::NotSent { why: "no route".into() });
    let twice = entry(Reassign::Never, vec![SENDING, not_sent(), SENDING, not_sent()]);
    assert_eq!(twice.next(at(3)), Next::Wait(at(5)));
    assert_eq!(twice.next(at(5)), Next::Send { reassign: false });
    assert_eq!(backoff(7), TimeDelta::seconds(60));
    assert_eq!(backoff(200), TimeDelta::seconds(60));
}

#[test]
fn an_accepted_card_stays_accepted_where_it_cannot_be_read_back() {
    let accepted = Step::Answered(Outcome::Accepted(told(0, "Success")));
    let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".into() });
    let progress = entry(Reassign::Never, vec![SENDING, accepted.clone(), unavailable]).progress().clone();
    assert_eq!((progress.state, progress.is_over()), (State::Accepted, true));
    assert_eq!(progress.warnings, ["read_back_unavailable"]);
    let failed = || Step::ReadBack(ReadBack::Failed { why: "reset".into() });
    let progress = entry(Reassign::Never, vec![SENDING, accepted, failed(), failed(), failed()]);
    assert_eq!((progress.progress().state, progress.next(at(99))), (State::Accepted, Next::Done));
}

#[test]
fn what_cannot_be_read_back_and_is_in_doubt_waits_for_a_person() {
    let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".into() });
    let stuck = entry(Reassign::Never, vec![SENDING, no_answer(), unavailable]);
    assert_eq!((stuck.progress().state, stuck.next(at(99))), (State::InDoubt, Next::Person));
}

// ---- the calls that are not AddUserCard

fn update(steps: Vec<(i64, Step)>) -> Entry {
    let body = serde_json::json!({"card_id": Uuid::from_u128(9), "user_id": Uuid::from_u128(7), "card_user_flags": 1, "public_notes": "x"});
    let operation = Operation::UpdateUserCard(serde_json::from_value(body).unwrap());
    let steps = steps.into_iter().map(|(second, step)| (at(second), step));
    Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never).after(steps)
}

fn shown(differs: &[&str], not_shown: &[&str]) -> Step {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let card = StoredCard { differs: names(differs), not_shown: names(not_shown), ..StoredCard::default() };
    Step::ReadBack(ReadBack::Found(Box::new(card)))
}

#[test]
fn an_update_in_doubt_is_done_where_blusky_shows_it_and_sent_again_where_it_does_not() {
    let doubtful = |shown: Step| update(vec![(0, SENDING), (1, no_answer()), (5, shown)]);
    assert_eq!(doubtful(shown(&[], &[])).progress().state, State::Accepted);
    let absent = doubtful(shown(&["public_notes"], &[]));
    assert_eq!((absent.progress().state, absent.next(at(5))), (State::Saved, Next::Send { reassign: false }));
    let unseen = doubtful(shown(&[], &["public_notes"]));
    assert_eq!((unseen.progress().state, unseen.next(at(5))), (State::InDoubt, Next::Person), "what cannot be seen is never repeated");
}

#[test]
fn an_update_whose_card_is_not_shown_is_never_repeated_by_itself() {
    let gone = update(vec![(0, SENDING), (1, no_answer()), (70, NOT_FOUND)]);
    assert_eq!((gone.progress().state, gone.next(at(999))), (State::InDoubt, Next::Person));
    let looked = update(vec![(0, SENDING), (1, no_answer()), (70, NOT_FOUND), (80, Step::Retry { absent: true, user: None })]);
    assert_eq!(looked.next(at(999)), Next::Send { reassign: false });
}

#[test]
fn an_update_gone_stale_does_not_overwrite_what_may_have_changed_since() {
    let stale = update(vec![(0, SENDING), (1, no_answer()), (600, shown(&["public_notes"], &[]))]);
    assert_eq!((stale.progress().state, stale.next(at(999))), (State::InDoubt, Next::Person));
    let mut retried = stale;
    retried.add(at(700), Step::Retry { absent: false, user: None });
    assert_eq!(retried.next(at(700)), Next::ReadBack);
    retried.add(at(701), shown(&["public_notes"], &[]));
    assert_eq!(retried.next(at(701)), Next::Send { reassign: false });
}

#[test]
fn an_accepted_update_that_is_stored_otherwise_stays_accepted_and_says_so() {
    let accepted = Step::Answered(Outcome::Accepted(Told { value: None, ..told(0, "Success") }));
    let progress = update(vec![(0, SENDING), (1, accepted), (2, shown(&["public_notes"], &["credential_type_id"]))]).progress().clone();
    assert_eq!((progress.state, progress.is_over()), (State::Accepted, true));
    assert_eq!(progress.warnings, ["stored_differs: public_notes", "not_shown: credential_type_id"]);
}

#[test]
fn with_no_code_known_an_update_is_refused_where_it_is_not_stored_and_in_doubt_where_nobody_can_see() {
    let any = || Step::Answered(Outcome::Unclear { told: told(0, "whatever"), listed: false });
    let decided = |shown: Step| update(vec![(0, SENDING), (1, any()), (2, shown)]).progress().state;
    assert_eq!(decided(shown(&[], &[])), State::Accepted);
    assert_eq!(decided(shown(&["public_notes"], &[])), State::Refused);
    assert_eq!(decided(shown(&[], &["public_notes"])), State::InDoubt);
}

fn user(steps: Vec<Step>) -> Entry {
    let id = Uuid::from_u128(9);
    let body = serde_json::json!({
        "ac_system_id": id, "access_rights_suspended": false, "company_instance_id": id, "company_instance_type": 1, "facility_id": id,
        "first_name": "Ada", "has_login_rights": false, "last_name": "Lovelace", "web_site_rights_suspended": false,
    });
    let operation = Operation::AddUser(serde_json::from_value(body).unwrap());
    let steps = steps.into_iter().enumerate().map(|(second, step)| (at(second as i64), step));
    Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never).after(steps)
}

#[test]
fn a_user_whose_answer_was_lost_is_never_sent_again_without_a_persons_word() {
    let later = Step::Answered(Outcome::Later { why: "BluSKY answered 502".into(), slow: false });
    let zero = Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(0, "") }, listed: true });
    for lost in [no_answer(), later, zero] {
        let nowhere = || Step::ReadBack(ReadBack::Unavailable { why: "nobody lists people".into() });
        let mut doubtful = user(vec![SENDING, lost]);
        assert_eq!((doubtful.progress().state, doubtful.next(at(999))), (State::InDoubt, Next::ReadBack), "the list is looked into");
        doubtful.add(at(3), Step::ReadBack(ReadBack::NotYet { why: "lists can be behind".into() }));
        assert_eq!((doubtful.progress().state, doubtful.next(at(999))), (State::InDoubt, Next::ReadBack), "and again");
        doubtful.add(at(4), nowhere());
        assert_eq!(doubtful.next(at(999)), Next::Person);
        assert!(doubtful.progress().why.as_ref().unwrap().contains("--absent"));
        doubtful.add(at(5), Step::Retry { absent: false, user: None });
        assert_eq!((doubtful.progress().state, doubtful.next(at(999))), (State::InDoubt, Next::ReadBack), "nobody has looked");
        doubtful.add(at(5), nowhere());
        assert_eq!(doubtful.next(at(999)), Next::Person);
        doubtful.add(at(6), Step::Retry { absent: true, user: None });
        assert_eq!(doubtful.next(at(999)), Next::Send { reassign: false });
    }
    let abandoned = user(vec![SENDING]).abandoned().unwrap();
    assert_eq!(user(vec![SENDING, abandoned]).next(at(999)), Next::ReadBack);
}

#[test]
fn a_user_that_was_not_carried_out_is_sent_again() {
    let not_sent = Step::Answered(Outcome::NotSent { why: "no route".into() });
    assert_eq!(user(vec![SENDING, not_sent]).next(at(99)), Next::Send { reassign: false });
    let accepted = user(vec![SENDING, Step::Answered(Outcome::Accepted(told(0, "Success")))]);
    assert_eq!((accepted.progress().state, accepted.progress().is_over()), (State::Accepted, true));
    let refused = user(vec![SENDING, Step::Answered(Outcome::Refused(told(5, "No"))), Step::Retry { absent: false, user: None }]);
    assert_eq!(refused.next(at(99)), Next::Send { reassign: false }, "a refusal says that it is not there");
}
