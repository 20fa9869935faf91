//! A user is added once, whatever becomes of the answer.

use serde_json::json;

use crate::{
    FACILITY, OCCUPANCY, USER, on_wire,
    peer::{Peer, Reply},
    support::{SYSTEM, Simulator, Site},
    write,
};

/// How many users were added.
fn added(blusky: &Simulator) -> usize {
    let shows = blusky.shows();
    shows["users"].as_array().unwrap().iter().filter(|user| user["last_name"] == "Lovelace").count()
}

fn add(site: &Site) -> crate::support::Ended {
    site.run(&[&USER[..], &["--outcome-timeout", "5", "--json"]].concat())
}

#[test]
fn a_lost_answer_never_makes_a_second_user() {
    for fault in
        ["drop-after-commit:1@AddUser", "drop-before-commit:1@AddUser", "html:1@AddUser", "truncate:1@AddUser", "zero-value:1@AddUser"]
    {
        let blusky = Simulator::start(&["--fault", fault]);
        let site = on_wire(&blusky.base_url, "json");
        let doubtful = add(&site);
        assert_eq!((doubtful.code, &doubtful.last()["state"]), (3, &json!("in_doubt")), "{fault}: {doubtful:?}");
        assert!(doubtful.last()["why"].as_str().unwrap().contains("look"), "{fault}: {doubtful:?}");
        let there = added(&blusky);
        let again = add(&site);
        assert_eq!((again.code, &again.error()["code"]), (1, &json!("user_in_outbox")), "{fault}: {again:?}");
        let key = doubtful.last()["enrollment"].as_str().unwrap().to_owned();
        site.run(&["outbox", "retry", &key]);
        let _station = site.start(&["run"]);
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!((added(&blusky), &site.outbox()[0]["state"]), (there, &json!("in_doubt")), "{fault}: nobody has looked");
        assert_eq!(site.run(&["outbox", "retry", &key, "--absent"]).code, 0);
        site.wait_for_outbox(|entries| entries[0]["state"] == "accepted");
        assert_eq!(added(&blusky), there + 1, "{fault}: a person looked, and said it is not there");
    }
}

#[test]
fn a_user_that_could_not_be_sent_is_sent_later_and_once() {
    let blusky = Simulator::start(&["--fault", "status=429:1@AddUser"]);
    let site = on_wire(&blusky.base_url, "json");
    let ended = add(&site);
    assert_eq!((ended.code, &ended.last()["attempts"], added(&blusky)), (0, &json!(2), 1), "{ended:?}");
}

#[test]
fn the_last_line_and_the_exit_code_say_what_is_known_when_the_command_ends() {
    let blusky = Simulator::start(&["--fault", "delay=2000:1@AddUser"]);
    let site = on_wire(&blusky.base_url, "json");
    let ended = site.run(&[&USER[..], &["--outcome-timeout", "1", "--json"]].concat());
    assert_eq!((ended.code, ended.lines().len(), &ended.last()["state"]), (0, 1, &json!("accepted")), "{ended:?}");
    assert_eq!(site.outbox()[0]["state"], "accepted");
}

#[test]
fn a_call_is_judged_before_what_is_in_the_outbox_is_looked_at() {
    let blusky = Simulator::start(&["--fault", "html:1@AddUser"]);
    let site = on_wire(&blusky.base_url, "json");
    assert_eq!(add(&site).code, 3);
    let wrong = site.run(&[&USER[..], &["--default-floor-stop-id", "4294967296", "--json"]].concat());
    assert_eq!((wrong.code, &wrong.error()["code"]), (2, &json!("member")), "{wrong:?}");
}

#[test]
fn a_refused_user_is_refused_in_blusky_s_own_words() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    let mut words = USER;
    words[3] = "A\u{1f600}";
    let ended = site.run(&[&words[..], &["--json"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let refusing = Peer::start(|_, _| Reply::json(&json!({"ResultCode": 12, "Description": "No licence left", "Value": null})));
    let site = on_wire(&refusing.base_url, "json");
    let refused = add(&site);
    let last = refused.last();
    assert_eq!((refused.code, &last["state"], &last["result_code"]), (1, &json!("refused"), &json!(12)), "{refused:?}");
    assert_eq!((&last["description"], refusing.writes().len()), (&json!("No licence left"), 1));
    // A refusal says that the user is not there: it may be ordered again.
    assert_eq!(add(&site).code, 1);
    assert_eq!(refusing.writes().len(), 2);
}

#[test]
fn a_company_of_another_kind_than_its_type_says_is_refused_once_the_lists_are_known() {
    let blusky = Simulator::start(&[]);
    let site = on_wire(&blusky.base_url, "json");
    assert_eq!(site.run(&["lookup", "occupancies"]).code, 0);
    let mut words = USER;
    words[11] = "2";
    let ended = site.run(&[&words[..], &["--json"]].concat());
    assert_eq!((ended.code, &ended.error()["code"], added(&blusky)), (2, &json!("company"), 0), "{ended:?}");
    assert_eq!(add(&site).code, 0);
}

#[test]
fn what_the_page_demands_is_checked_before_anything_is_saved() {
    let site = on_wire("http://127.0.0.1:9", "json");
    write(&site, "password", "secret-4711\n");
    let nil = "00000000-0000-0000-0000-000000000000";
    let with = |more: &[&'static str]| [&USER[..], more].concat();
    let instead = |option: &str, value: &'static str| {
        let mut words = USER.to_vec();
        let at = words.iter().position(|word| *word == option).unwrap();
        words[at + 1] = value;
        words
    };
    for (wrong, words) in [
        (with(&["--has-login-rights"]), "--login"),
        (with(&["--has-login-rights", "--login", "ada"]), "--password-file"),
        (with(&["--login", "ada"]), "--has-login-rights"),
        (with(&["--middle-initial", "abc"]), "middle_initial"),
        (instead("--first-name", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "first_name"),
        (instead("--last-name", ""), "last_name"),
        (instead("--company-instance-type", "5"), "company-instance-type"),
        (instead("--facility-id", nil), "all-zero"),
        (instead("--ac-system-id", "x"), "GUID"),
        (with(&["--s-gender-id", "4"]), "gender"),
        (with(&["--default-floor-stop-id", "4294967296"]), "default_floor_stop_id"),
        (with(&["--start-datetime", "2026-01-02T00:00:00Z", "--end-datetime", "2026-01-01T00:00:00Z"]), "end_datetime"),
        (with(&["--start-datetime", "2026-01-02T00:00:00"]), "offset"),
        (with(&["--access-rights-suspended-start", "2026-01-02T00:00:00Z"]), "access_rights_suspended"),
        (with(&["--password-file", "nowhere"]), "nowhere"),
    ] {
        let ended = site.run(&[wrong, vec!["--json"]].concat());
        assert_eq!(ended.code, 2, "{words}: {ended:?}");
        assert!(ended.error().to_string().contains(words), "{words}: {ended:?}");
    }
    assert_eq!(site.outbox().len(), 0);
    assert!(![FACILITY, OCCUPANCY, SYSTEM].contains(&nil));
}
