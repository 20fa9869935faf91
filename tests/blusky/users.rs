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
        let _station = site.station();
        // It returns once nothing more will be sent by itself.
        site.run(&["outbox", "deliver"]);
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

/// A site that has BluSKY list the people of an occupancy.
fn with_people(base_url: &str) -> Site {
    let people = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"] }}");
    crate::site(base_url, "token_file = \"token\"\nshows_within_s = 1", &people)
}

#[test]
fn a_user_whose_answer_was_lost_is_found_in_blusky_s_list_and_never_guessed() {
    for fault in ["drop-after-commit:1@AddUser", "truncate:1@AddUser", "zero-value:1@AddUser"] {
        let blusky = Simulator::start(&["--fault", fault]);
        let site = with_people(&blusky.base_url);
        let ended = add(&site);
        let last = ended.last();
        assert_eq!((ended.code, &last["state"], &last["attempts"]), (0, &json!("accepted"), &json!(1)), "{fault}: {ended:?}");
        assert_eq!((&last["warnings"], added(&blusky)), (&json!(["found_in_directory"]), 1), "{fault}: {ended:?}");
        let listed = site.run(&["lookup", "users", "--json"]);
        assert_eq!(last["value"], listed.last()["id"], "{fault}: {listed:?}");
    }
    // Where somebody of the same name was there before, and only then, it is not known who is the new one.
    let blusky = Simulator::start(&["--fault", "drop-before-commit:after=1@AddUser"]);
    let site = with_people(&blusky.base_url);
    let add = |number: &str| site.run(&[&USER[..], &["--employee-number", number, "--outcome-timeout", "5", "--json"]].concat());
    assert_eq!(add("1815").code, 0);
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    let ended = add("1816");
    assert_eq!((ended.code, &ended.last()["state"], added(&blusky)), (3, &json!("in_doubt"), 1), "{ended:?}");
    let key = ended.last()["enrollment"].as_str().unwrap().to_owned();
    assert_eq!(site.run(&["outbox", "retry", &key, "--json"]).last()["state"], "in_doubt", "a namesake is not the one");
}

#[test]
fn a_user_who_shows_later_is_looked_for_again_and_found() {
    let people = |there: bool| {
        if there { json!([{"PersonId": crate::support::ADA, "FirstName": "Ada", "LastName": "Lovelace"}]) } else { json!([]) }
    };
    let blusky = Peer::start(move |request, count| match (request.method.as_str(), request.path.starts_with("/api/v2/Users?")) {
        ("GET", true) => Reply::json(&people(count > 2)),
        ("POST", _) => Reply::Closes,
        _ => Reply::not_found(),
    });
    let site = with_people(&blusky.base_url);
    let ended = add(&site);
    let found = ended.last();
    assert_eq!((ended.code, &found["state"], &found["value"]), (0, &json!("accepted"), &json!(crate::support::ADA)), "{ended:?}");
    assert_eq!(blusky.writes().len(), 1);
}

#[test]
fn the_second_version_of_the_call_takes_a_nickname_and_complains_member_by_member() {
    let blusky = Simulator::start(&["--report-lost-elements"]);
    for wire in ["json", "xml"] {
        let v2 = crate::site(&blusky.base_url, &format!("token_file = \"token\"\nadd_user = \"v2\"\nwire = \"{wire}\""), "");
        let ended = v2.run(&[&USER[..], &["--nickname", "Countess", "--json"]].concat());
        assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{wire}: {ended:?}");
    }
    let shows = blusky.shows();
    assert_eq!(shows["users"][0]["added"]["members"]["Nickname"], "Countess", "{shows}");
    let v1 = on_wire(&blusky.base_url, "json").run(&[&USER[..], &["--nickname", "Countess", "--json"]].concat());
    assert!(v1.code == 2 && v1.error()["help"].as_str().unwrap().contains("add_user = \"v2\""), "{v1:?}");
    let strict = Peer::start(|_, _| {
        let state = json!({"model.FirstName": ["The field FirstName must be a string or array type with a maximum length of '60'."]});
        let body = json!({"Message": "The request is invalid.", "ModelState": state}).to_string();
        Reply::Says("400 Bad Request", "application/json", body.into_bytes())
    });
    let refused = crate::site(&strict.base_url, "token_file = \"token\"\nadd_user = \"v2\"", "").run(&[&USER[..], &["--json"]].concat());
    assert!(refused.code == 1 && refused.last()["description"].as_str().unwrap().contains("model.FirstName"), "{refused:?}");
    assert_eq!(strict.writes()[0].path, "/api/v2/Users");
    let without = Peer::start(|_, _| Reply::not_found());
    let lacking = crate::site(&without.base_url, "token_file = \"token\"\nadd_user = \"v2\"", "").run(&[&USER[..], &["--json"]].concat());
    assert!(lacking.code == 1 && lacking.last()["why"].as_str().unwrap().contains("add_user = \"v1\""), "{lacking:?}");
}
