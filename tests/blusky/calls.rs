//! Every member of every call arrives, on both wires, whatever people are called.

use serde_json::{Value, json};

use crate::{
    FACILITY, OCCUPANCY, on_wire,
    support::{ADA, CARD, Ended, SYSTEM, Simulator, Site},
    write,
};

const NOTES: &str = "Łódź \"<gate>\" & O'Hara ]]> 🗝\u{fe0f}\nsecond line";

fn strict() -> Simulator {
    Simulator::start(&["--report-lost-elements"])
}

/// What the simulator was sent and passed over.
fn lost(blusky: &Simulator) -> Vec<Value> {
    let shows = blusky.shows();
    shows["requests"].as_array().unwrap().iter().filter(|request| !request["lost"].is_null()).cloned().collect()
}

fn accepted(ended: &Ended) -> Value {
    assert_eq!((ended.code, &ended.last()["state"], &ended.last()["warnings"]), (0, &json!("accepted"), &json!([])), "{ended:?}");
    ended.last()
}

fn on_both_wires(check: impl Fn(&Simulator, &Site)) {
    for wire in ["json", "xml"] {
        let blusky = strict();
        let site = on_wire(&blusky.base_url, wire);
        check(&blusky, &site);
        assert_eq!(lost(&blusky), Vec::<Value>::new(), "{wire}: nothing is passed over");
    }
}

#[test]
fn a_card_arrives_with_everything_that_was_ordered() {
    on_both_wires(|blusky, site| {
        write(site, "pin", "00417\n");
        let order = [
            "enroll",
            "--user-id",
            ADA,
            "--bits",
            CARD,
            "--external-card-number",
            "0004567",
            "--pin-file",
            "pin",
            "--card-activation-start-date-time",
            "2026-01-01T08:00:00.1234567+01:00",
            "--card-deactivation-start-date-time",
            "2027-01-01T00:00:00Z",
            "--card-user-flags",
            "1",
            "--enforce-occupancy-system",
            "--json",
        ];
        // The simulator shows the PIN of no card.
        let ended = site.run(&order);
        assert_eq!((ended.code, &ended.last()["warnings"]), (0, &json!(["not_shown: pin"])), "{ended:?}");
        let card = blusky.cards().remove(0);
        assert_eq!((&card["ExternalCardNumber"], &card["InternalCardNumber"]), (&json!("0004567"), &json!(4567)));
        assert_eq!((&card["CardType"], &card["FacilityCode"], &card["CardACSystemId"]), (&json!(3), &json!(123), &json!(SYSTEM)));
        let held = &card["Assignment"];
        assert_eq!((&held["UserId"], &held["PIN"], &held["CardUserFlags"]), (&json!(ADA), &json!("(hidden)"), &json!(1)));
        assert_eq!(held["CardActivationStartDateTime"], "2026-01-01T07:00:00.1234567Z");
        assert_eq!(held["CardDeactivationStartDateTime"], "2027-01-01T00:00:00Z");
    });
}

#[test]
fn an_existing_card_is_assigned_by_its_key_alone() {
    on_both_wires(|blusky, site| {
        let made = accepted(&site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]));
        let id = made["card_id"].as_str().unwrap().to_owned();
        blusky.unassign(&id);
        let again = accepted(&site.run(&["enroll", "--user", crate::support::GRACE, "--card-id", &id, "--json"]));
        assert_eq!((&again["card_id"], again["card_type"].is_null()), (&json!(id), true));
        assert_eq!(blusky.cards()[0]["Assignment"]["UserId"], crate::support::GRACE);
    });
}

#[test]
fn an_update_arrives_with_everything_that_was_said() {
    on_both_wires(|blusky, site| {
        let made = accepted(&site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]));
        let id = made["card_id"].as_str().unwrap();
        let update = [
            "card",
            "update",
            "--user-id",
            ADA,
            "--card-id",
            id,
            "--number-of-card-uses",
            "3",
            "--public-notes",
            NOTES,
            "--credential-type-id",
            "2",
            "--card-activation-start-date-time",
            "2026-01-01T08:00:00+01:00",
            "--card-deactivation-start-date-time",
            "2027-01-01T00:00:00Z",
            "--card-user-flags",
            "1",
            "--modify-activation-dates",
            "--json",
        ];
        let ended = site.run(&update);
        let said = accepted(&ended);
        assert_eq!(ended.lines().len(), 1, "one line: {ended:?}");
        for (member, wanted) in [("call", json!("UpdateUserCard")), ("result_code", json!(0)), ("value", Value::Null)] {
            assert_eq!(said[member], wanted, "{member}: {said}");
        }
        assert!(said["description"].is_string(), "{said}");
        let held = blusky.cards()[0]["Assignment"].clone();
        assert_eq!((&held["NumberOfCardUses"], &held["PublicNotes"], &held["CredentialTypeId"]), (&json!(3), &json!(NOTES), &json!(2)));
        assert_eq!(held["CardActivationStartDateTime"], "2026-01-01T07:00:00Z");
        assert_eq!(held["CardDeactivationStartDateTime"], "2027-01-01T00:00:00Z");
        let cleared = ["card", "update", "--user", ADA, "--card-id", id, "--number-of-card-uses", "-1", "--json"];
        accepted(&site.run(&cleared));
        let held = blusky.cards()[0]["Assignment"].clone();
        assert_eq!((&held["NumberOfCardUses"], &held["PublicNotes"]), (&Value::Null, &json!(NOTES)), "what is left out stays: {held}");
        assert_eq!(held["CardDeactivationStartDateTime"], "2027-01-01T00:00:00Z");
    });
}

#[test]
fn a_user_arrives_with_all_twenty_three_members() {
    on_both_wires(|blusky, site| {
        write(site, "password", "p<&>\"w é🗝\n");
        let members = [
            ("first-name", "Zoë \"<O'Hara & Søn>\" 🗝"),
            ("last-name", "Łukasz-Müller"),
            ("middle-initial", "Q."),
            ("s-gender-id", "3"),
            ("default-floor-id", "f292df8e-d7f7-49a5-91ec-9924ea146e30"),
            ("default-floor-stop-id", "-2"),
            ("facility-id", FACILITY),
            ("company-instance-type", "1"),
            ("company-instance-id", OCCUPANCY),
            ("ac-system-id", SYSTEM),
            ("start-datetime", "2026-01-01T00:00:00+02:00"),
            ("end-datetime", "2030-01-01T00:00:00Z"),
            ("access-rights-suspended", "true"),
            ("access-rights-suspended-start", "2026-02-01T00:00:00Z"),
            ("access-rights-suspended-end", "2026-03-01T00:00:00Z"),
            ("web-site-rights-suspended", "true"),
            ("web-site-rights-suspended-start", "2026-04-01T00:00:00Z"),
            ("web-site-rights-suspended-end", "2026-05-01T00:00:00Z"),
            ("badge-template-id", "e1f9369b-6225-4da5-96c8-f07966533519"),
            ("employee-number", "0017"),
            ("has-login-rights", "true"),
            ("login", "zoë@example.org"),
            ("password-file", "password"),
        ];
        let options: Vec<String> = members.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]).collect();
        let words: Vec<&str> = ["user", "add", "--json"].into_iter().chain(options.iter().map(String::as_str)).collect();
        let ended = site.run(&words);
        let said = accepted(&ended);
        assert_eq!((ended.lines().len(), &said["call"], &said["result_code"]), (1, &json!("AddUser"), &json!(0)));
        let users = blusky.shows()["users"].as_array().unwrap().clone();
        let user = users.iter().find(|user| user["user_id"] == said["value"]).unwrap_or_else(|| panic!("{said} in {users:?}"));
        let stored = &user["added"]["members"];
        let wanted = json!({
            "FirstName": members[0].1, "LastName": members[1].1, "MiddleInitial": "Q.", "sGenderId": 3,
            "DefaultFloorId": members[4].1, "DefaultFloorStopId": -2, "FacilityId": FACILITY, "CompanyInstanceType": 1,
            "CompanyInstanceId": OCCUPANCY, "ACSystemId": SYSTEM, "StartDatetime": "2025-12-31T22:00:00Z",
            "EndDatetime": "2030-01-01T00:00:00Z", "AccessRightsSuspended": true,
            "AccessRightsSuspendedStart": "2026-02-01T00:00:00Z", "AccessRightsSuspendedEnd": "2026-03-01T00:00:00Z",
            "WebSiteRightsSuspended": true, "WebSiteRightsSuspendedStart": "2026-04-01T00:00:00Z",
            "WebSiteRightsSuspendedEnd": "2026-05-01T00:00:00Z", "BadgeTemplateId": members[18].1, "EmployeeNumber": "0017",
            "HasLoginRights": true, "Login": "zoë@example.org", "Password": "(hidden)",
        });
        assert_eq!(stored, &wanted);
    });
}

#[test]
fn text_media_types_do_as_well() {
    for wire in ["json", "xml"] {
        let blusky = strict();
        let site = crate::site(&blusky.base_url, &format!("token_file = \"token\"\nwire = \"{wire}\"\nmedia = \"text\""), "");
        accepted(&site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]));
    }
}

#[test]
fn a_card_is_taken_from_its_holder_by_replace_card_if_exists_where_the_site_wants_it() {
    for wire in ["json", "xml"] {
        let blusky = strict();
        let blusky_table = format!("token_file = \"token\"\nwire = \"{wire}\"\nreplace_card_if_exists = true");
        let site = crate::site(&blusky.base_url, &blusky_table, "[enroll]\nreassign = \"ask\"\n");
        accepted(&site.run(&["enroll", "--user", ADA, "--bits", CARD, "--json"]));
        let taken = accepted(&site.run(&["enroll", "--user", crate::support::GRACE, "--bits", CARD, "--reassign", "--json"]));
        assert_eq!((&taken["previous_user_id"], &taken["reassigned"]), (&json!(ADA), &json!(true)), "{taken}");
        let paths: Vec<Value> = blusky.shows()["requests"].as_array().unwrap().iter().map(|request| request["path"].clone()).collect();
        assert!(paths.iter().any(|path| path.as_str().unwrap().ends_with("ReplaceCardIfExists")), "{paths:?}");
    }
}

#[test]
fn what_xml_has_no_word_for_is_refused_before_anything_is_saved() {
    let site = on_wire("http://127.0.0.1:9", "xml");
    for (wrong, words) in [
        (vec!["enroll", "--user", ADA, "--bits", CARD, "--card-user-flags", "3"], "CardUserFlags"),
        (vec!["enroll", "--user", ADA, "--bits", CARD, "--external-number", "a\u{1}b"], "ExternalCardNumber"),
        ([&crate::USER[..], &["--employee-number", "\u{7}"]].concat(), "EmployeeNumber"),
    ] {
        let ended = site.run(&[wrong, vec!["--json"]].concat());
        let error = ended.error();
        assert!(ended.code == 2 && error["message"].as_str().unwrap().contains(words), "{ended:?}");
    }
    assert_eq!(site.outbox().len(), 0);
}
