//! The main promise: a card shown to a reader becomes a card in BluSKY, and is said to be there only when it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod support;

use serde_json::{Value, json};
use support::{ADA, CARD, Ended, GRACE, SYSTEM, SerialReader, Simulator, Site, h10301, tells};

#[test]
fn a_card_shown_to_a_serial_reader_becomes_a_card_in_blusky() {
    let blusky = Simulator::start(&[]);
    let mut reader = SerialReader::plug_in();
    let site = Site::at(&blusky.base_url, &reader.configuration("desk", "twn3-hidprox", ""));
    let mut enroll = site.start(&["enroll", "--user", ADA, "--json"]);
    enroll.wait_for_stderr("hold the card");
    reader.send(b"1ABD88EB80\r");
    let ended = enroll.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.states(), ["saved", "sending", "accepted"]);
    let cards = blusky.cards();
    assert_eq!(cards.len(), 1);
    let text = cards[0].to_string();
    assert!(text.contains("4567") && text.contains("123") && text.contains(ADA), "{text}");
    assert_eq!(ended.last()["user_id"], ADA);
}

#[test]
fn a_literal_is_enrolled_like_a_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, ended.states().last().map(String::as_str)), (0, Some("accepted")), "{ended:?}");
}

// ---- what is said

/// Every member the contract gives an enrollment, and what it may be.
type Member = (&'static str, fn(&Value) -> bool);

const MEMBERS: [Member; 12] = [
    ("enrollment", is_guid),
    ("state", |state| state.as_str().is_some_and(|state| STATES.contains(&state))),
    ("user_id", is_guid),
    ("card_type", |number| number.is_null() || number.is_i64()),
    ("user_card_id", |key| key.is_null() || is_guid(key)),
    ("card_id", |key| key.is_null() || is_guid(key)),
    ("result_code", |code| code.is_null() || code.is_i64()),
    ("description", |words| words.is_null() || words.is_string()),
    ("attempts", Value::is_u64),
    ("reassigned", Value::is_boolean),
    ("previous_user_id", |key| key.is_null() || is_guid(key)),
    ("warnings", |warnings| warnings.as_array().is_some_and(|warnings| warnings.iter().all(Value::is_string))),
];
const STATES: [&str; 6] = ["saved", "sending", "accepted", "refused", "in_doubt", "discarded"];

fn is_guid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok_and(|id| !id.is_nil()))
}

fn has_every_member(line: &Value) {
    for (member, may_be) in MEMBERS {
        assert!(line.get(member).is_some_and(may_be), "{member} in {line}");
    }
}

#[test]
fn every_json_line_has_every_member_of_the_contract_at_every_state() {
    let dropping = Simulator::start(&["--fault", "drop-after-commit:1"]);
    let doubtful = Site::at(&dropping.base_url, "");
    let mut lines = doubtful.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).lines();

    let silent = Simulator::start(&["--fault", "status=405:1"]);
    let waiting = Site::at(&silent.base_url, "");
    let saved = waiting.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).last();
    let key = saved["enrollment"].as_str().unwrap().to_owned();
    lines.push(waiting.run(&["outbox", "discard", &key, "--json"]).last());

    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let accepted = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    lines.extend([saved].into_iter().chain(accepted.lines()).chain(refused.lines()).chain(site.outbox()));

    lines.iter().for_each(has_every_member);
    for state in STATES {
        assert!(lines.iter().any(|line| line["state"] == state), "no line shows {state}: {lines:#?}");
    }
}

#[test]
fn the_last_line_names_the_keys_that_blusky_gave() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    let card = blusky.cards().remove(0);
    let wanted = json!({
        "enrollment": ended.lines()[0]["enrollment"], "state": "accepted", "user_id": ADA, "card_type": 3,
        "user_card_id": card["Assignment"]["PersonCardId"], "card_id": card["CardId"], "result_code": 0, "description": "Success",
        "attempts": 1, "reassigned": false, "previous_user_id": null, "warnings": [],
    });
    let last = ended.last();
    for (member, value) in wanted.as_object().unwrap() {
        assert_eq!(&last[member], value, "{member}");
    }
}

#[test]
fn a_person_reads_that_the_card_is_saved_and_then_what_blusky_said() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let accepted = site.run(&["enroll", "--user", ADA, "--bits", CARD]);
    let said = |ended: &Ended, words: &[&str]| {
        let mut rest = ended.stdout.as_str();
        for words in words {
            rest = rest.split_once(words).unwrap_or_else(|| panic!("{words:?} is not said, or too late: {ended:?}")).1;
        }
    };
    assert_eq!(accepted.code, 0);
    said(&accepted, &["saved", "sending", "accepted"]);
    let refused = site.run(&["enroll", "--user", GRACE, "--bits", CARD]);
    assert_eq!(refused.code, 1);
    said(&refused, &["saved", "sending", "refused", "Card Already Assigned : 4567"]);
}

#[test]
fn no_log_holds_a_card_number_or_the_token() {
    let blusky = Simulator::start(&["--token", "Sesame-7741"]);
    let site = Site::at(&blusky.base_url, "");
    std::fs::write(site.path("token"), "Sesame-7741\n").unwrap();
    let mut command = site.command(&["enroll", "--user", ADA, "--bits", &h10301(201, 64_321), "--json"]);
    let output = command.env("CARDBRIDGE_LOG", "trace").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is on: {log}");
    assert!(!log.contains("Sesame") && !tells(&log, "64321"), "{log}");
}

// ---- what is sent

/// Enrolls the card, which must be accepted, and gives what BluSKY was sent for it.
fn sent(more: &str, arguments: &[&str]) -> Value {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, more);
    let ended = site.run(&[&["enroll", "--user", ADA, "--bits", CARD, "--json"], arguments].concat());
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    assert_eq!(blusky.sent(), 1);
    blusky.bodies().remove(0)
}

#[test]
fn a_card_is_sent_with_what_describes_it_and_nothing_made_up() {
    let wanted = json!({
        "UserId": ADA, "CardType": 3, "CardACSystemId": SYSTEM, "FacilityCode": 123, "InternalCardNumber": 4567,
        "ExternalCardNumber": "4567", "CardUserFlags": 1, "EnforceOccupancySystem": false, "ReassignCardIfAlreadyAssigned": false,
    });
    assert_eq!(sent("", &[]), wanted);
}

#[test]
fn the_external_number_follows_the_card_types_template_with_its_zeros() {
    let templated = |template: &str| sent(&format!("external_number = \"{template}\"\n"), &[])["ExternalCardNumber"].clone();
    assert_eq!(templated("{facility_code:05}-{card_number:08}"), "00123-00004567");
    assert_eq!(templated("No. {card_number}"), "No. 4567");
    assert_eq!(templated("{card_number:last3}"), "567");
}

#[test]
fn a_printed_number_that_another_facility_code_has_points_at_the_template() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let enroll = |code: u32| site.run(&["enroll", "--user", ADA, "--bits", &h10301(code, 4567)]);
    assert_eq!(enroll(1).code, 0);
    let ended = enroll(2);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("external_number = \"{facility_code}-{card_number}\""), "{ended:?}");
}

#[test]
fn a_printed_number_is_sent_with_its_leading_zeros() {
    for arguments in [["--printed", "00004567"], ["--external-number", " 0000 4567"], ["--printed", "0123-04567"]] {
        let body = sent("", &arguments);
        assert_eq!((&body["ExternalCardNumber"], &body["InternalCardNumber"]), (&json!(arguments[1]), &json!(4567)), "{arguments:?}");
    }
    let body = sent("", &["--printed", "4567", "--external-number", "Z-0017"]);
    assert_eq!(body["ExternalCardNumber"], "Z-0017", "the external number is the one to send, the printed one decides");
    let body = sent("external_number = \"No. {card_number}\"\n", &["--printed", "0123-04567"]);
    assert_eq!(body["ExternalCardNumber"], "No. 4567", "a template that the site writes comes before the print");
}

#[test]
fn an_external_number_is_sent_as_it_stands_and_compared_with_nothing() {
    let body = sent("", &["--external-number", "9999"]);
    assert_eq!((&body["ExternalCardNumber"], &body["InternalCardNumber"]), (&json!("9999"), &json!(4567)));
}

#[test]
fn the_printed_number_decides_between_two_readings_of_one_card() {
    let both = |arguments: &[&str]| {
        let blusky = Simulator::start(&[]);
        let site = Site::at(&blusky.base_url, "");
        let text = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
        site.configure(&text.replace("\"H10301\"", "\"H10301\", \"indala-26\"").replace("\"hid-h10301\"", "\"hid-h10301\", \"indala-26\""));
        let ended = site.run(&[&["enroll", "--user", ADA, "--bits", CARD, "--json"], arguments].concat());
        (ended.code, blusky.bodies().first().map(|body| (body["FacilityCode"].clone(), body["InternalCardNumber"].clone())))
    };
    assert_eq!(both(&[]), (1, None));
    assert_eq!(both(&["--printed", "4567"]), (0, Some((json!(123), json!(4567)))));
    assert_eq!(both(&["--printed", "1969 471"]), (0, Some((json!(1969), json!(471)))));
    assert_eq!(both(&["--printed", "12304567"]), (0, Some((json!(123), json!(4567)))));
    assert_eq!(both(&["--external-number", "471"]), (1, None), "what is sent decides nothing");
}

#[test]
fn the_cards_flags_are_always_sent_and_mean_active_unless_told_otherwise() {
    assert_eq!(sent("", &[])["CardUserFlags"], 1);
    assert_eq!(sent("", &["--card-user-flags", "5"])["CardUserFlags"], 5);
}

#[test]
fn blusky_checks_the_occupancys_system_where_the_operator_or_the_site_wants_it() {
    assert_eq!(sent("", &[])["EnforceOccupancySystem"], false);
    assert_eq!(sent("", &["--enforce-occupancy-system"])["EnforceOccupancySystem"], true);
    assert_eq!(sent("[enroll]\nenforce_occupancy_system = true\n", &[])["EnforceOccupancySystem"], true);
}

#[test]
fn the_time_a_card_works_is_sent_with_its_offset_and_never_in_local_time() {
    let body = sent("", &["--activate", "2026-01-01T08:00:00+01:00", "--deactivate", "2031-12-31T23:59:59Z"]);
    for (member, wanted) in
        [("CardActivationStartDateTime", "2026-01-01T08:00:00+01:00"), ("CardDeactivationStartDateTime", "2031-12-31T23:59:59+00:00")]
    {
        let text = body[member].as_str().unwrap_or_else(|| panic!("{member} in {body}"));
        assert!(text.ends_with('Z') || text.contains('+'), "{member} has no offset: {text}");
        let instant = |text: &str| text.parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap();
        assert_eq!(instant(text), instant(wanted), "{member}");
    }
    assert_eq!(sent("", &["--activate", "2026-01-01T08:00:00+01:00"])["CardActivationStartDateTime"], "2026-01-01T08:00:00+01:00");
}

#[test]
fn a_card_that_blusky_has_is_assigned_by_its_key_alone() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    let made = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]).last();
    let card = made["card_id"].as_str().unwrap();
    blusky.unassign(card);
    let ended = site.run(&["enroll", "--user", GRACE, "--card-id", card, "--deactivate", "2031-01-01T00:00:00Z", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.lines().iter().for_each(has_every_member);
    assert_eq!((&ended.last()["card_id"], &ended.last()["card_type"]), (&json!(card), &Value::Null));
    let body = blusky.bodies().pop().unwrap();
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        ["CardDeactivationStartDateTime", "CardId", "CardUserFlags", "EnforceOccupancySystem", "ReassignCardIfAlreadyAssigned", "UserId"]
    );
    assert_eq!((&body["CardId"], &body["CardUserFlags"], &body["UserId"]), (&json!(card), &json!(1), &json!(GRACE)));
    assert_eq!((blusky.cards().len(), &blusky.cards()[0]["Assignment"]["UserId"]), (1, &json!(GRACE)));
}

// ---- who gets it

const PEOPLE: &str = "user_id,first_name,last_name,employee_number\n\
    0f83442e-a446-4577-8cdd-8ffdd51ab9c1,Ada,Lovelace,01815\n\
    8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n\
    d8f00538-00a9-4db3-acc8-e64d728390f2,Grace,Hopper,1907\n";

#[test]
fn a_person_is_found_by_employee_number_or_name() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    std::fs::write(site.path("people.csv"), PEOPLE).unwrap();
    for (number, (who, user)) in
        [("01815", ADA), ("Ada Lovelace", ADA), ("lovelace, ada", ADA), ("1906", GRACE), (GRACE, GRACE)].iter().enumerate()
    {
        let ended = site.run(&["enroll", "--user", who, "--bits", &h10301(7, number as u32 + 1), "--json"]);
        assert_eq!((ended.code, &ended.last()["user_id"]), (0, &json!(user)), "{who}: {ended:?}");
    }
}

#[test]
fn nobody_is_guessed_where_a_name_is_unknown_or_means_several() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    std::fs::write(site.path("people.csv"), PEOPLE).unwrap();
    let unknown = site.run(&["enroll", "--user", "Alan Turing", "--bits", CARD, "--json"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.error()["message"].as_str().unwrap().contains("Alan Turing"), "{unknown:?}");
    let several = site.run(&["enroll", "--user", "Grace Hopper", "--bits", CARD, "--json"]);
    assert_eq!(several.code, 1);
    let message = several.error()["message"].to_string();
    for one in ["1906", "1907", GRACE, "d8f00538-00a9-4db3-acc8-e64d728390f2"] {
        assert!(message.contains(one), "{one} is not offered: {message}");
    }
    assert_eq!((site.outbox().len(), blusky.sent()), (0, 0));
}

#[test]
fn a_wrong_row_of_the_list_of_people_is_named_and_costs_nobody_else() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    let list = PEOPLE.replace(',', ";").replace("user_id", "User ID");
    std::fs::write(site.path("people.csv"), format!("{list}not-a-guid;Alan;Turing;1912\n;;;\n")).unwrap();
    let ended = site.run(&["enroll", "--user", "1906", "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["user_id"]), (0, &json!(GRACE)), "{ended:?}");
    assert!(ended.stderr.contains("row 5, column 1: the user_id is not a GUID"), "{ended:?}");
}

#[test]
fn a_list_of_people_that_cannot_be_read_stops_only_who_looks_somebody_up() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[people]\nfile = \"people.csv\"\n");
    std::fs::write(site.path("people.csv"), &PEOPLE[PEOPLE.find('\n').unwrap() + 1..]).unwrap();
    let ended = site.run(&["enroll", "--user", "1906", "--bits", CARD, "--json"]);
    let message = ended.error()["message"].to_string();
    assert!(ended.code == 2 && message.contains("people.csv") && message.contains("row 1") && message.contains("last_name"), "{message}");
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]).code, 0);
    assert_eq!(site.outbox().len(), 1);
    std::fs::remove_file(site.path("people.csv")).unwrap();
    let mut station = site.station();
    station.wait_for_stderr("people.csv");
}

// ---- a card that is somebody's already

/// A BluSKY in which the card is Ada's, and a site with this rule.
fn held(reassign: &str, more: &str) -> (Simulator, Site) {
    let blusky = Simulator::start(&[]);
    let first = Site::at(&blusky.base_url, "").run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    let site = Site::at(&blusky.base_url, &format!("[enroll]\nreassign = \"{reassign}\"\n{more}"));
    (blusky, site)
}

fn holder(blusky: &Simulator) -> String {
    let cards = blusky.cards();
    assert_eq!(cards.len(), 1);
    cards[0]["Assignment"]["UserId"].as_str().unwrap().to_owned()
}

/// What each call after the first said about reassigning.
fn takings(blusky: &Simulator) -> Vec<bool> {
    blusky.bodies().iter().skip(1).map(|body| body["ReassignCardIfAlreadyAssigned"].as_bool().unwrap()).collect()
}

#[test]
fn a_card_that_is_this_users_already_is_accepted_with_a_warning() {
    for reassign in ["never", "ask"] {
        let (blusky, site) = held(reassign, "");
        let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
        assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
        assert_eq!(ended.last()["warnings"], json!(["already_assigned_to_this_user"]));
        assert_eq!(ended.last()["card_id"], blusky.cards()[0]["CardId"]);
        assert_eq!((holder(&blusky).as_str(), takings(&blusky), &ended.last()["reassigned"]), (ADA, vec![false], &json!(false)));
    }
}

#[test]
fn somebody_elses_card_stays_theirs_where_the_site_says_never() {
    let (blusky, site) = held("never", "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["state"], &ended.last()["result_code"]), (1, &json!("refused"), &json!(2)), "{ended:?}");
    assert!(ended.last()["description"].as_str().unwrap().starts_with("Card Already Assigned : 4567"), "{ended:?}");
    assert_eq!((holder(&blusky).as_str(), takings(&blusky)), (ADA, vec![false]));
}

#[test]
fn reassign_is_refused_at_once_where_the_site_says_never_and_the_key_is_named() {
    let (blusky, site) = held("never", "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    assert_eq!(ended.code, 2);
    assert!(ended.error()["message"].as_str().unwrap().contains("enroll.reassign"), "{ended:?}");
    assert_eq!((site.outbox().len(), blusky.sent(), holder(&blusky).as_str()), (0, 1, ADA));
}

#[test]
fn somebody_elses_card_is_not_taken_before_a_person_says_so() {
    let (blusky, site) = held("ask", "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["state"]), (1, &json!("refused")), "{ended:?}");
    assert!(ended.stderr.contains("--reassign"), "{ended:?}");
    assert_eq!((holder(&blusky).as_str(), takings(&blusky)), (ADA, vec![false]));
}

#[test]
fn reassign_takes_the_card_by_a_second_call_that_is_a_decision_of_its_own() {
    let (blusky, site) = held("ask", "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    assert_eq!((ended.code, &ended.last()["state"]), (0, &json!("accepted")), "{ended:?}");
    assert_eq!((&ended.last()["reassigned"], &ended.last()["attempts"]), (&json!(true), &json!(2)));
    assert_eq!((holder(&blusky).as_str(), takings(&blusky)), (GRACE, vec![false, true]));
    let key = ended.last()["enrollment"].as_str().unwrap().to_owned();
    let way = site.run(&["outbox", "show", &key]).stdout;
    assert!(way.contains("a person decided to take the card"), "the decision is recorded: {way}");
}

#[test]
fn reassign_takes_nothing_where_nobody_holds_the_card() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "[enroll]\nreassign = \"ask\"\n");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    assert_eq!((ended.code, &ended.last()["reassigned"], blusky.sent()), (0, &json!(false), 1), "{ended:?}");
    assert_eq!(blusky.bodies()[0]["ReassignCardIfAlreadyAssigned"], false);
}

#[test]
fn a_person_at_the_terminal_is_asked_and_yes_takes_the_card() {
    let (blusky, site) = held("ask", "");
    let mut terminal = SerialReader::plug_in();
    let mut enroll = site.start_at(&terminal, &["enroll", "--user", GRACE, "--bits", CARD]);
    enroll.wait_for_stderr("take the card from its holder and give it to the other user instead?");
    terminal.send(b"y\n");
    let ended = enroll.end();
    assert_eq!((ended.code, holder(&blusky).as_str(), takings(&blusky)), (0, GRACE, vec![false, true]), "{ended:?}");
}

#[test]
fn a_person_at_the_terminal_who_does_not_say_yes_leaves_the_card_to_its_holder() {
    let (blusky, site) = held("ask", "");
    let mut terminal = SerialReader::plug_in();
    let mut enroll = site.start_at(&terminal, &["enroll", "--user", GRACE, "--bits", CARD]);
    enroll.wait_for_stderr("take the card from its holder and give it to the other user instead?");
    terminal.send(b"\n");
    let ended = enroll.end();
    assert_eq!((ended.code, holder(&blusky).as_str(), takings(&blusky)), (1, ADA, vec![false]), "{ended:?}");
}

/// A card is saved for somebody, and BluSKY is not there: nothing of it has been sent.
fn saved_for_ada() -> Site {
    let site = Site::at("http://127.0.0.1:1/", "");
    let saved = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--outcome-timeout", "0", "--json"]);
    assert_eq!((saved.code, &saved.last()["state"]), (3, &json!("saved")), "{saved:?}");
    site
}

#[test]
fn a_card_that_is_saved_and_unsent_for_somebody_else_is_a_question_and_yes_gives_the_older_order_up() {
    let site = saved_for_ada();
    let mut terminal = SerialReader::plug_in();
    let mut enroll = site.start_at(&terminal, &["enroll", "--user", GRACE, "--bits", CARD, "--outcome-timeout", "0"]);
    enroll.wait_for_stderr(&format!(
        "this card (facility code 123, card number 4567) is saved for {ADA} and was not sent yet: give it to the other user instead?"
    ));
    terminal.send(b"y\n");
    let ended = enroll.end();
    assert_eq!(ended.code, 3, "{ended:?}");
    let outbox = site.outbox();
    let states: Vec<(&str, &str)> =
        outbox.iter().map(|entry| (entry["user_id"].as_str().unwrap(), entry["state"].as_str().unwrap())).collect();
    assert_eq!(states, [(ADA, "discarded"), (GRACE, "saved")]);
    assert_eq!((&outbox[0]["superseded_by"], &outbox[1]["superseded_by"]), (&outbox[1]["enrollment"], &Value::Null));
}

#[test]
fn where_nobody_can_be_asked_a_card_that_is_saved_for_somebody_else_stays_theirs() {
    let site = saved_for_ada();
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    let error = &ended.last()["error"];
    assert_eq!((ended.code, &error["code"]), (1, &json!("held_by_order")), "{ended:?}");
    let entry = site.outbox()[0]["enrollment"].as_str().unwrap().to_owned();
    let help = error["help"].as_str().unwrap();
    assert!(error["message"].as_str().unwrap().contains(ADA) && help.contains(&format!("cardbridge outbox discard {entry}")), "{error}");
    assert_eq!(site.outbox().len(), 1);
    // Its own user may order it again, and once the older order is given up it is anybody's.
    assert_eq!(site.run(&["outbox", "discard", &entry]).code, 0);
    assert_eq!(site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--outcome-timeout", "0", "--json"]).code, 3);
}

#[test]
fn a_site_that_always_reassigns_takes_the_card_at_the_first_call() {
    let (blusky, site) = held("always", "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["reassigned"], &ended.last()["attempts"]), (0, &json!(true), &json!(1)), "{ended:?}");
    assert_eq!((holder(&blusky).as_str(), takings(&blusky)), (GRACE, vec![true]));
}

#[test]
fn a_card_with_a_key_is_taken_from_its_holder_by_the_same_rules() {
    let (blusky, site) = held("ask", "");
    let card = blusky.cards()[0]["CardId"].as_str().unwrap().to_owned();
    let ended = site.run(&["enroll", "--user", ADA, "--card-id", &card, "--json"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!(["already_assigned_to_this_user"])), "{ended:?}");
    let ended = site.run(&["enroll", "--user", GRACE, "--card-id", &card, "--json"]);
    assert_eq!((ended.code, holder(&blusky).as_str()), (1, ADA), "{ended:?}");
    let ended = site.run(&["enroll", "--user", GRACE, "--card-id", &card, "--reassign", "--json"]);
    assert_eq!((ended.code, holder(&blusky).as_str()), (0, GRACE), "{ended:?}");
}

#[test]
fn of_two_people_given_one_card_at_once_exactly_one_gets_it() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "");
    assert!(site.outbox().is_empty());
    let both = [ADA, GRACE].map(|user| site.start(&["enroll", "--user", user, "--bits", CARD, "--json"]));
    let mut ended: Vec<Ended> = both.into_iter().map(support::Running::end).collect();
    ended.sort_by_key(|ended| ended.code);
    assert_eq!(ended.iter().map(|ended| ended.code).collect::<Vec<_>>(), [0, 1], "{ended:?}");
    assert_eq!(ended[0].last()["user_id"], holder(&blusky));
}

// ---- what BluSKY stored

#[test]
fn what_blusky_stored_otherwise_than_it_was_sent_is_a_warning() {
    for (member, name) in [
        ("FacilityCode", "facility_code"),
        ("InternalCardNumber", "internal_card_number"),
        ("ExternalCardNumber", "external_card_number"),
        ("CardType", "card_type"),
        ("CardACSystemId", "system"),
        ("CardUserFlags", "card_user_flags"),
    ] {
        let warnings = warnings_where_blusky_forgets(member);
        assert!(warnings.contains(name), "{member} was forgotten, and said is {warnings}");
    }
}

#[test]
fn a_window_that_blusky_did_not_store_is_a_warning() {
    for member in ["CardActivationStartDateTime", "CardDeactivationStartDateTime"] {
        let warnings = warnings_where_blusky_forgets(member);
        assert!(warnings.contains("activation"), "{member} was forgotten, and said is {warnings}");
    }
}

fn warnings_where_blusky_forgets(member: &str) -> String {
    let blusky = Simulator::start(&["--fault", &format!("forget={member}")]);
    let site = Site::at(&blusky.base_url, "");
    let window = ["--activate", "2026-01-01T08:00:00+01:00", "--deactivate", "2031-01-01T00:00:00Z"];
    let ended = site.run(&[&["enroll", "--user", ADA, "--bits", CARD, "--json"], &window[..]].concat());
    assert_eq!((ended.code, &ended.last()["state"]), (1, &json!("accepted")), "{ended:?}");
    assert_eq!(ended.last()["code"], "stored_differs", "{ended:?}");
    ended.last()["warnings"].to_string()
}

#[test]
fn a_card_stored_as_it_was_sent_has_no_warning() {
    let blusky = Simulator::start(&[]);
    let site = Site::at(&blusky.base_url, "external_number = \"{card_number:08}\"\n");
    let window = ["--activate", "2026-01-01T08:00:00+01:00", "--deactivate", "2031-01-01T00:00:00.5Z"];
    let ended = site.run(&[&["enroll", "--user", ADA, "--bits", CARD, "--json"], &window[..]].concat());
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!([])), "{ended:?}");
}

// ---- a site that does not know yet which code means success

/// A site at this address that takes any result code.
fn any_code(base_url: &str, more: &str) -> Site {
    let site = Site::at(base_url, more);
    let text = std::fs::read_to_string(site.path("cardbridge.toml")).unwrap();
    site.configure(&text.replace("[site]", "success_codes = \"any\"\n[site]"));
    site
}

#[test]
fn with_any_success_code_the_read_back_decides_that_a_card_is_accepted() {
    let blusky = Simulator::start(&[]);
    let site = any_code(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["state"], &ended.last()["result_code"]), (0, &json!("accepted"), &json!(0)), "{ended:?}");
    assert_eq!((blusky.cards().len(), blusky.sent()), (1, 1));
}

#[test]
fn with_any_success_code_the_read_back_decides_that_a_card_is_refused() {
    let (blusky, _) = held("never", "");
    let site = any_code(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["state"], &ended.last()["result_code"]), (1, &json!("refused"), &json!(2)), "{ended:?}");
    assert_eq!((holder(&blusky).as_str(), blusky.sent()), (ADA, 2));
}

#[test]
fn with_any_success_code_a_card_that_is_this_users_already_is_accepted_with_a_warning() {
    let (blusky, _) = held("never", "");
    let site = any_code(&blusky.base_url, "");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]);
    assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!(["already_assigned_to_this_user"])), "{ended:?}");
}

#[test]
fn with_any_success_code_reassign_takes_the_card_by_a_second_call() {
    let (blusky, _) = held("never", "");
    let site = any_code(&blusky.base_url, "[enroll]\nreassign = \"ask\"\n");
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", CARD, "--reassign", "--json"]);
    assert_eq!((ended.code, &ended.last()["reassigned"]), (0, &json!(true)), "{ended:?}");
    assert_eq!((holder(&blusky).as_str(), takings(&blusky)), (GRACE, vec![false, true]));
}

#[test]
fn whoever_enrolls_is_told_at_the_end_which_card_and_for_whom_and_what_of_others_still_waits() {
    let blusky = Simulator::start(&["--fault", "status=503#8991f3ac-26cd-4c60-9a78-ecca8f441631"]);
    let site = Site::at(&blusky.base_url, "");
    let waits = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(1, 2), "--outcome-timeout", "1", "--json"]);
    assert_eq!(waits.code, 3, "{waits:?}");
    let ended = site.run(&["enroll", "--user", ADA, "--bits", CARD]);
    let last = ended.stdout.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("accepted: facility code 123, card number 4567 (hid-h10301) for user {ADA}. BluSKY says")),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("one other entry still waits; `cardbridge outbox deliver`"), "{ended:?}");
}

#[test]
fn whoever_enrolls_while_nothing_is_delivered_is_told_of_no_other_entry_than_there_is() {
    let blusky = Simulator::start(&["--fault", "status=405"]);
    let site = Site::at(&blusky.base_url, "");
    let waits = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(1, 2), "--outcome-timeout", "5"]);
    assert_eq!((waits.code, site.outbox().len()), (3, 1), "{waits:?}");
    assert!(waits.stdout.contains("check blusky.base_url") && !waits.stderr.contains("other entr"), "{waits:?}");
}

#[test]
fn words_of_blusky_s_forge_no_line_and_turn_nothing_round() {
    let people =
        "user_id,first_name,last_name,employee_number\n0f83442e-a446-4577-8cdd-8ffdd51ab9c1,\"Ada\naccepted\",Love\u{202e}lace,1815\n";
    let site = Site::at("http://127.0.0.1:1/", "[people]\nfile = \"people.csv\"\n");
    std::fs::write(site.path("people.csv"), people).unwrap();
    let ended = site.run(&["enroll", "--user", "Zoe\u{308} Nobody", "--bits", CARD]);
    assert!(ended.code == 1 && ended.stderr.contains("Zoë Nobody") && !ended.stderr.contains("\\u{"), "{ended:?}");
    // The row whose name goes on over two lines is named, where somebody is not found.
    assert!(ended.stderr.contains("row 2, column 1: a quote in it is not closed"), "{ended:?}");
}

#[test]
fn a_call_that_is_missing_and_was_there_before_is_said_to_have_been_there() {
    let blusky = Simulator::start(&["--fault", "no-such-call:after=1"]);
    let site = Site::at(&blusky.base_url, "");
    assert_eq!(site.run(&["enroll", "--user", ADA, "--bits", CARD]).code, 0);
    let ended = site.run(&["enroll", "--user", GRACE, "--bits", &h10301(1, 2)]);
    assert!(ended.code == 3 && ended.stdout.contains("no such call") && ended.stdout.contains("it had this call before"), "{ended:?}");
}
