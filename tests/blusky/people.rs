//! The directory: people of BluSKY's and of the site's own list, found whether BluSKY can be asked now or not.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    CARD_ID, FACILITY, OCCUPANCY, USER,
    peer::{Peer, Reply, Request},
    site,
    support::{ADA, CARD, Ended, GRACE, Simulator, Site, wait_for},
};

const TWIN: &str = "51c1aa5c-4e2f-4033-8174-3736816cb4a4";
const PIN: &str = "90417355";

/// A site that has BluSKY list the people of an occupancy.
fn with_people(base_url: &str, more: &str) -> Site {
    let people = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"] }}\n{more}");
    site(base_url, "token_file = \"token\"\nshows_within_s = 1", &people)
}

fn ada() -> Value {
    json!({"PersonId": ADA, "FirstName": "Ada", "LastName": "Lovelace", "Nickname": "Countess", "EmployeeNumber": "1815",
        "DefaultEmail": "ada@acme.example", "CompanyName": "ACME", "FacilityName": "Head office", "Password": "s<cret", "PIN": PIN,
        "Cards": [{"CardId": CARD_ID, "InternalCardNumber": 4567, "PIN": PIN}]})
}

fn twins() -> [Value; 2] {
    let twin = |id: &str, company: &str| json!({"PersonId": id, "FirstName": "Grace", "LastName": "Hopper", "CompanyName": company});
    [twin(GRACE, "ACME"), twin(TWIN, "Umbrella")]
}

fn is_list(request: &Request) -> bool {
    request.path.starts_with("/api/v2/Users?OccupancyId=")
}

/// A BluSKY that lists these people, and has no cards.
fn listing(people: Vec<Value>) -> Peer {
    Peer::start(move |request, _| match request.path.as_str() {
        _ if is_list(request) => Reply::json(&json!(people)),
        path if path.contains("UserCards?") => Reply::json(&json!({"UserId": ADA, "Cards": []})),
        _ => Reply::not_found(),
    })
}

fn lists(blusky: &Peer) -> usize {
    blusky.heard().iter().filter(|request| is_list(request)).count()
}

fn error(ended: &Ended) -> (i32, String) {
    (ended.code, ended.error().to_string())
}

#[test]
fn people_are_listed_by_the_first_call_that_answers_and_of_their_records_only_what_is_named_is_kept() {
    let blusky = Peer::start(move |request, _| match request.path.starts_with("/api/Person/GetAllUsersByOccupancyId/") {
        true => Reply::json(&json!([ada()])),
        false => Reply::not_found(),
    });
    let site = with_people(&blusky.base_url, "");
    let ended = site.run(&["lookup", "users", "--json"]);
    assert_eq!((ended.code, &ended.last()["id"], &ended.last()["name"]), (0, &json!(ADA), &json!("Ada Lovelace")), "{ended:?}");
    let raw = json!({"FirstName": "Ada", "LastName": "Lovelace", "Nickname": "Countess", "EmployeeNumber": "1815",
        "DefaultEmail": "ada@acme.example", "CompanyName": "ACME", "FacilityName": "Head office"});
    assert_eq!(ended.last()["raw"], raw);
    assert!(ended.stderr.contains("1 people, as api/Person/GetAllUsersByOccupancyId/"), "it says which path: {ended:?}");
    assert!(blusky.heard().iter().all(|request| request.method == "GET"), "candidates are tried by reading only");
    let table = site.run(&["lookup", "users", "--max-age", "600"]).stdout;
    assert!(table.contains("ACME") && table.contains("Head office") && table.contains("1815"), "{table}");
    for file in fs::read_dir(site.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(PIN), "a PIN of somebody's record is kept nowhere");
    }
}

#[test]
fn who_is_in_a_list_that_was_kept_is_found_while_blusky_is_away() {
    let blusky = Peer::start(move |request, count| match count {
        1 if is_list(request) => Reply::json(&json!([ada()])),
        _ => Reply::Says("503 Service Unavailable", "text/html", b"<html>".to_vec()),
    });
    let site = with_people(&blusky.base_url, "");
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    for who in ["Ada Lovelace", "1815", "ADA@acme.example", "Countess", "lovelace"] {
        let ended = site.run(&["enroll", "--user", who, "--bits", CARD, "--outcome-timeout", "0", "--json"]);
        let last = ended.last();
        assert_eq!((&last["user_id"], &last["user"]["name"]), (&json!(ADA), &json!("Ada Lovelace")), "{who}: {ended:?}");
    }
    assert_eq!(lists(&blusky), 1, "nobody waits for BluSKY where somebody is found");
    let (code, said) = error(&site.run(&["lookup", "users", "--json"]));
    assert!(code == 1 && said.contains("503") && said.contains("--stale"), "{said}");
    let stale = site.run(&["lookup", "users", "--stale", "--json"]);
    assert_eq!((stale.code, &stale.last()["stale"], &stale.last()["id"]), (0, &json!(true), &json!(ADA)), "{stale:?}");
}

#[test]
fn who_is_not_in_the_kept_list_is_asked_for_once_more_and_who_cannot_be_is_told_how_old_it_is() {
    let blusky = listing(vec![ada()]);
    let site = with_people(&blusky.base_url, "");
    let ended = site.run(&["card", "list", "--user", "Ada Lovelace", "--json"]);
    assert_eq!((ended.code, lists(&blusky)), (0, 1), "a list that was never asked for is asked for: {ended:?}");
    let (code, said) = error(&site.run(&["card", "list", "--user", "Nobody", "--json"]));
    assert!(code == 1 && said.contains("unknown_user") && lists(&blusky) == 1, "the list is seconds old: {said}");
    let unreachable = with_people("http://127.0.0.1:9", "");
    let (code, said) = error(&unreachable.run(&["card", "list", "--user", "Ada Lovelace", "--json"]));
    assert!(code == 1 && said.contains("unknown_user") && said.contains("cannot be asked for: BluSKY cannot be reached"), "{said}");
}

#[test]
fn who_stands_in_both_lists_is_one_person_and_a_list_of_another_blusky_is_none() {
    let blusky = listing(vec![ada()]);
    let with_file = |site: &Site| {
        let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        site.configure(&text.replace("[people]", "[people]\nfile = \"people.csv\""));
        fs::write(site.path("people.csv"), format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,King,0042\n")).unwrap();
    };
    let site = with_people(&blusky.base_url, "");
    with_file(&site);
    assert_eq!(site.run(&["lookup", "users"]).code, 0);
    for who in ["Ada King", "Ada Lovelace", "0042", "1815"] {
        let ended = site.run(&["enroll", "--user", who, "--bits", CARD, "--outcome-timeout", "0", "--json"]);
        assert_eq!(ended.last()["user_id"], ADA, "{who}: {ended:?}");
    }
    let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace(&blusky.base_url, "http://127.0.0.1:9"));
    let (code, said) = error(&site.run(&["card", "list", "--user", "Ada Lovelace", "--json"]));
    assert!(code == 1 && said.contains("unknown_user"), "who is known to another BluSKY is nobody here: {said}");
}

#[test]
fn namesakes_are_told_apart_by_their_company_and_never_guessed() {
    let blusky = listing(twins().to_vec());
    let site = with_people(&blusky.base_url, "");
    let (code, said) = error(&site.run(&["card", "list", "--user", "Grace Hopper", "--json"]));
    assert!(code == 1 && said.contains("several people") && said.contains("ACME") && said.contains("Umbrella"), "{said}");
    let order = ["enroll", "--user", "Grace Hopper (Umbrella)", "--bits", CARD, "--outcome-timeout", "0", "--json"];
    assert_eq!(site.run(&order).last()["user_id"], TWIN);
}

#[test]
fn a_station_asks_for_the_list_by_itself_and_shows_people_on_its_socket() {
    let blusky = listing([vec![ada()], twins().to_vec()].concat());
    let site = with_people(&blusky.base_url, "");
    let station = site.station();
    wait_for("the list", || (lists(&blusky) == 1).then_some(()));
    let ask = |query: &str| -> Value {
        let url = format!("http://station/v1/people?{query}");
        let ended =
            Ended::after(Command::new("curl").args(["-s", "--unix-socket", "cardbridge.db.sock", &url]).current_dir(site.folder.path()));
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    };
    let found = wait_for("people", || Some(ask("q=COUNT")).filter(|found| found["people"] != json!([])));
    let ada = json!({"id": ADA, "name": "Ada Lovelace", "employee_number": "1815", "nickname": "Countess",
        "email": "ada@acme.example", "company": "ACME", "facility": "Head office"});
    assert_eq!((&found["people"], found["as_of"].is_string()), (&json!([ada]), true), "{found}");
    let few = ask("q=hopper&limit=1");
    assert_eq!((few["people"].as_array().unwrap().len(), &few["left_off"]), (1, &json!(1)));
    let ended = site.run(&["enroll", "--user", "ada@acme.example", "--bits", CARD, "--outcome-timeout", "0", "--json"]);
    assert_eq!(ended.last()["user"]["name"], "Ada Lovelace", "{ended:?}");
    assert_eq!(lists(&blusky), 1, "once an hour is often enough");
    let logged = station.signal("TERM");
    assert!(!format!("{logged:?}").contains("Lovelace"), "a log names nobody: {logged:?}");
}

#[test]
fn a_list_that_is_wrong_or_empty_does_not_take_the_place_of_the_last_good_one() {
    for (status, body, words) in [
        ("200 OK", "[]", "lists nobody now"),
        ("200 OK", "[{\"PersonId\":", "no list"),
        ("200 OK", "{\"ResultCode\":5,\"Description\":\"No right to see people\",\"Value\":null}", "No right to see people"),
        ("403 Forbidden", "{\"Message\":\"Denied\"}", "403"),
        ("404 Not Found", "", "lists no people"),
    ] {
        let blusky = Peer::start(move |request, count| match count {
            1 if is_list(request) => Reply::json(&json!([ada()])),
            _ => Reply::Says(status, "application/json", body.as_bytes().to_vec()),
        });
        let site = with_people(&blusky.base_url, "");
        assert_eq!(site.run(&["lookup", "users"]).code, 0);
        let (code, said) = error(&site.run(&["lookup", "users", "--json"]));
        assert!(code == 1 && said.contains(words), "{body}: {said}");
        let kept = site.run(&["lookup", "users", "--max-age", "600", "--json"]);
        assert_eq!((kept.code, &kept.last()["id"]), (0, &json!(ADA)), "{body}: {kept:?}");
    }
}

#[test]
fn one_of_several_lists_that_is_suddenly_empty_takes_nobody_away_and_is_named() {
    let lists = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"], facility = [\"{FACILITY}\"] }}");
    let both = Peer::start(move |request, count| match request.path.contains(FACILITY) {
        true => Reply::json(&json!([ada()])),
        false if count == 1 && is_list(request) => Reply::json(&json!([twins()[0].clone()])),
        false => Reply::json(&json!([])),
    });
    let site = site(&both.base_url, "token_file = \"token\"", &lists);
    assert_eq!(site.run(&["lookup", "users", "--json"]).lines().len(), 2);
    let (code, said) = error(&site.run(&["lookup", "users", "--json"]));
    assert!(code == 1 && said.contains(&format!("nobody now of occupancy {OCCUPANCY}, where it listed 1")), "{said}");
    assert_eq!(site.run(&["lookup", "users", "--max-age", "600", "--json"]).lines().len(), 2, "the list before stays");
}

#[test]
fn a_path_in_trouble_does_not_keep_the_others_from_being_tried_and_all_that_are_missing_are_named() {
    let blusky = Peer::start(move |request, _| match request.path.as_str() {
        path if path.starts_with("/api/Person/GetAllUsersByOccupancyId/") => Reply::json(&json!([ada()])),
        path if path.starts_with("/api/v1/") => Reply::Says("500 Internal Server Error", "application/json", Vec::new()),
        _ => Reply::not_found(),
    });
    let ended = with_people(&blusky.base_url, "").run(&["lookup", "users", "--json"]);
    assert_eq!((ended.code, &ended.last()["id"]), (0, &json!(ADA)), "{ended:?}");
    let none = Peer::start(|_, _| Reply::not_found());
    let (_, said) = error(&with_people(&none.base_url, "").run(&["lookup", "users", "--json"]));
    assert!(["api/v2/Users?", "api/v1/Users?", "api/Person/GetAllUsersByOccupancyId/"].iter().all(|path| said.contains(path)), "{said}");
}

#[test]
fn who_was_added_here_is_found_at_once_by_number_and_name_and_is_not_added_again() {
    let blusky = Simulator::start(&[]);
    // A list that does not show them, and one that is not asked for at all.
    let behind = Peer::start(move |request, _| match is_list(request) {
        true => Reply::json(&json!([ada()])),
        false if request.path.ends_with("AddUser") => Reply::json(&json!({"ResultCode": 0, "Description": "Success", "Value": TWIN})),
        false if request.path.contains("UserCards?") => Reply::json(&json!({"UserId": TWIN, "Cards": []})),
        false => Reply::not_found(),
    });
    let alone = site(&blusky.base_url, "token_file = \"token\"", "");
    for site in [with_people(&behind.base_url, ""), alone] {
        let new = |first: &str, number: &str| {
            let names = ["--first-name", first, "--last-name", "Angelegt"];
            let number = if number.is_empty() { vec![] } else { vec!["--employee-number", number] };
            site.run(&[&USER[..2], &names[..], &number[..], &USER[6..], &["--json"][..]].concat())
        };
        let added = new("Frisch", "7070");
        assert_eq!(added.code, 0, "{added:?}");
        let key = added.last()["value"].as_str().unwrap().to_owned();
        for who in ["7070", "frisch angelegt", "Angelegt"] {
            let ended = site.run(&["enroll", "--user", who, "--bits", CARD, "--outcome-timeout", "0", "--json"]);
            assert_eq!(ended.last()["user_id"], key.as_str(), "{who}: {ended:?}");
            assert_ne!(site.run(&["card", "list", "--user", who, "--json"]).code, 2, "{who}");
        }
        for (first, number, code) in [("Other", "7070", "number_taken"), ("frisch", "", "namesake"), ("Frisch", "7070", "number_taken")] {
            let (status, said) = error(&new(first, number));
            assert!(status == 1 && said.contains(code) && said.contains(&key), "{first} {number}: {said}");
        }
        let order =
            ["enroll", "--new-user", "--first-name", "Frisch", "--last-name", "Angelegt", "--employee-number", "7070", "--bits", CARD];
        let (status, said) = error(&site.run(&[&order[..], &USER[6..], &["--json"]].concat()));
        assert!(status == 1 && said.contains("number_taken"), "{said}");
    }
}

#[test]
fn a_namesake_without_a_number_is_added_only_where_a_person_says_that_it_is_somebody_else() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky.base_url, "token_file = \"token\"", "");
    let add = |number: &[&str], more: &[&str]| site.run(&[&USER[..6], number, &USER[6..], more, &["--json"]].concat());
    let keys = [&["--employee-number", "7070"][..], &[]].map(|number| add(number, &["--namesake"]).last()["value"].clone());
    assert!(keys[0].is_string() && keys[1].is_string() && keys[0] != keys[1], "{keys:?}");
    let (code, said) = error(&add(&[], &[]));
    assert!(code == 1 && said.contains("namesake") && said.contains("--namesake says that it is somebody else"), "{said}");
    let (code, said) = error(&add(&["--employee-number", "7070"], &["--namesake"]));
    assert!(code == 1 && said.contains("number_taken"), "a number is nobody else's, whatever is said: {said}");
    let order = [&["enroll", "--new-user", "--namesake", "--bits", CARD][..], &USER[2..], &["--json"]].concat();
    let third = site.run(&order);
    assert_eq!((third.code, &third.last()["state"], site.outbox().len()), (0, &json!("accepted"), 3), "{third:?}");
}

#[test]
fn who_was_added_here_and_is_erased_is_in_no_list_any_more() {
    let blusky = Simulator::start(&[]);
    let site = site(&blusky.base_url, "token_file = \"token\"", "");
    let added = site.run(&[&USER[..], &["--json"]].concat());
    let key = added.last()["value"].as_str().unwrap().to_owned();
    assert_eq!(site.run(&["audit", "erase", "--user", &key]).code, 0);
    let (code, said) = error(&site.run(&["enroll", "--user", "Ada Lovelace", "--bits", CARD, "--json"]));
    assert!(code > 0 && said.contains("user"), "{said}");
    for file in fs::read_dir(site.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("Lovelace"), "a name stays behind");
    }
}

#[test]
fn a_list_is_whole_only_where_everybody_was_asked_for() {
    let blusky = Peer::start(move |request, _| match request.path.contains(FACILITY) {
        true => Reply::Says("500 Internal Server Error", "application/json", Vec::new()),
        false => Reply::json(&json!([ada()])),
    });
    let lists = format!("[people]\nblusky = {{ occupancy = [\"{OCCUPANCY}\"], facility = [\"{FACILITY}\"] }}");
    let site = site(&blusky.base_url, "token_file = \"token\"", &lists);
    let (code, said) = error(&site.run(&["lookup", "users", "--json"]));
    assert!(code == 1 && said.contains("500"), "{said}");
    assert_eq!(site.run(&["lookup", "users", "--stale", "--json"]).code, 1, "half a list is none");
}

#[test]
fn a_site_names_its_own_path() {
    let blusky = Peer::start(move |request, _| match request.path.as_str() {
        "/api/v3/Everybody" => Reply::json(&json!({"Users": [ada()]})),
        _ => Reply::not_found(),
    });
    let own = site(&blusky.base_url, "token_file = \"token\"", "[people]\nblusky = { path = \"api/v3/Everybody\" }");
    assert_eq!(own.run(&["lookup", "users", "--json"]).last()["id"], ADA);
    assert_eq!(blusky.heard().len(), 1, "no other is tried");
    let ended = site(&blusky.base_url, "token_file = \"token\"", "").run(&["lookup", "users", "--json"]);
    assert!(ended.code == 2 && ended.error()["help"].as_str().unwrap().contains("occupancy"), "{ended:?}");
}

#[test]
fn a_hundred_thousand_people_are_listed_kept_and_found_in_bounded_memory() {
    let blusky = Peer::start(|_, _| {
        let pad = "x".repeat(400);
        let person = |at: u32| {
            format!(
                "{{\"PersonId\":\"{:032x}\",\"FirstName\":\"F\",\"LastName\":\"N{at}\",\"EmployeeNumber\":\"{at:06}\",\"Notes\":\"{pad}\"}}",
                at + 1
            )
        };
        let people: Vec<String> = (0..100_000).map(person).collect();
        Reply::Says("200 OK", "application/json", format!("[{}]", people.join(",")).into_bytes())
    });
    let site = with_people(&blusky.base_url, "");
    let within = |arguments: &[&str]| {
        let command = site.command(arguments);
        let script = "ulimit -v 600000; exec \"$0\" \"$@\"";
        let mut limited = Command::new("sh");
        limited.args(["-c", script]).arg(command.get_program()).args(command.get_args()).current_dir(site.folder.path());
        Ended::after(&mut limited)
    };
    let ended = within(&["lookup", "users", "--json"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 100_000), "{}", ended.stderr);
    let order = ["enroll", "--user", "F N99999", "--bits", CARD, "--outcome-timeout", "0", "--json"];
    let ended = within(&order);
    assert_eq!(ended.last()["user"]["employee_number"], "099999", "{}", ended.stderr);
}

#[test]
fn somebody_who_was_added_is_listed_by_the_simulator_from_then_on_on_both_wires_and_in_both_shapes() {
    for (shape, wire) in [(&[][..], "json"), (&[][..], "xml"), (&["--wrap-lookups"][..], "json")] {
        let blusky = Simulator::start(shape);
        let site = with_people(&blusky.base_url, "");
        let text = fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        site.configure(&text.replace("token_file", &format!("wire = \"{wire}\"\ntoken_file")));
        assert_eq!(site.run(&[&USER[..], &["--json"]].concat()).code, 0);
        let ended = site.run(&["lookup", "users", "--json"]);
        assert_eq!((ended.code, &ended.last()["name"]), (0, &json!("Ada Lovelace")), "{wire}: {ended:?}");
        assert!(ended.last()["raw"]["CompanyName"].is_string(), "{ended:?}");
        assert_eq!(site.run(&["card", "list", "--user", "Ada Lovelace", "--json"]).code, 0);
    }
}

#[test]
fn a_record_with_a_pin_leaves_no_trace_of_it_in_a_log_an_error_or_a_store_however_the_list_is_broken() {
    let good = ada().to_string();
    let broken = good.replace("\"FirstName\"", "\"FirstName\":]");
    let xml =
        format!("<ArrayOfUserViewModel><UserViewModel><PIN>{PIN}</PIN><PersonId>{ADA}</PersonId></UserViewModel></ArrayOfUserViewModel>");
    for (body, code) in [
        (format!("[{good}]"), 0),
        (xml, 0),
        (format!("[{broken}]"), 1),
        (format!("[{good},{}", &good[..good.len() - 9]), 1),
        (good.clone(), 1),
        (format!("[{{\"PIN\":\"{PIN}\"}}]"), 1),
        (format!("{{\"A\":[{good}],\"B\":[{good}]}}"), 1),
    ] {
        let said = body.clone();
        let blusky = Peer::start(move |request, _| match is_list(request) {
            true => Reply::Says("200 OK", "application/json", said.clone().into_bytes()),
            false => Reply::not_found(),
        });
        let mut site = with_people(&blusky.base_url, "");
        site.env(("RUST_LOG".to_owned(), "trace".to_owned()));
        for command in [&["lookup", "users", "--json"][..], &["lookup", "users", "--stale"], &["status"], &["doctor"]] {
            let ended = site.run(command);
            assert!(ended.code == code || command.len() < 3, "{body}: {ended:?}");
            assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(PIN), "{command:?}, {body}: {ended:?}");
            assert!(
                !ended.stderr.contains("panicked") && (ended.stderr.contains("DEBUG") || command.len() < 2),
                "the log is on: {ended:?}"
            );
        }
        for file in fs::read_dir(site.folder.path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(PIN), "{body}");
        }
    }
}
