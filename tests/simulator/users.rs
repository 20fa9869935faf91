//! AddUser.

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, BLUSKY_WEB_API, Blusky, NIL, OTHER_SYSTEM, SYSTEM, card, people, start, with, with_faults, xml};

const PATH: &str = "/api/Person/AddUser";

/// All 23 members, as the contract page has them; its middle initial is longer than the page allows.
fn user() -> Value {
    json!({
        "FirstName": "Zoë", "LastName": "O'Néill <\"&\">", "MiddleInitial": "Q.", "sGenderId": 1,
        "DefaultFloorId": "f292df8e-d7f7-49a5-91ec-9924ea146e30", "DefaultFloorStopId": 1,
        "FacilityId": "51c1aa5c-4e2f-4033-8174-3736816cb4a3", "CompanyInstanceType": 1,
        "CompanyInstanceId": "d0978299-921c-4138-b458-6df0e7a6f8c0", "ACSystemId": SYSTEM,
        "StartDatetime": "2016-12-13T23:32:15.220453-05:00", "EndDatetime": "2017-12-13T23:32:15.220453-05:00",
        "AccessRightsSuspended": true, "AccessRightsSuspendedStart": "2016-12-13T23:32:15.220453-05:00",
        "AccessRightsSuspendedEnd": "2016-12-13T23:32:15.220453-05:00",
        "WebSiteRightsSuspended": true, "WebSiteRightsSuspendedStart": "2016-12-13T23:32:15.2244483-05:00",
        "WebSiteRightsSuspendedEnd": "2016-12-13T23:32:15.2244483-05:00",
        "BadgeTemplateId": "e1f9369b-6225-4da5-96c8-f07966533519", "EmployeeNumber": "17 🪪",
        "HasLoginRights": true, "Login": "zoe", "Password": "S3CRET",
    })
}

/// The same in XML: sorted by ordinal name, which a JSON object is too.
fn user_xml() -> String {
    let user = user();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| text.replace('&', "&amp;").replace('<', "&lt;"));
    let members: Vec<_> = user.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let members: Vec<_> = members.iter().map(|(name, value)| (*name, value.as_str())).collect();
    xml("AddUserViewModel", BLUSKY_WEB_API, &members)
}

async fn refuses(blusky: &Blusky, change: Value, code: i64, words: &str) {
    let answer = blusky.json(Method::POST, PATH, Some(&with(user(), change))).await;
    assert_eq!(answer, json!({"Value": NIL, "ResultCode": code, "Description": words}));
}

#[tokio::test]
async fn a_user_added_in_json_or_xml_is_held_with_all_members_and_without_the_password() {
    let blusky = start(Options::default()).await;
    let answer = blusky.json(Method::POST, PATH, Some(&user())).await;
    assert_eq!((&answer["ResultCode"], &answer["Description"]), (&json!(0), &json!("Success")));
    let text = blusky.xml(Method::POST, PATH, &user_xml()).await;
    let (head, value) = text.split_once("<Value>").unwrap();
    let wanted = format!(
        "<ResultWithGuid xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{BLUSKY_WEB_API}\">\
         <Description>Success</Description><ResultCode>0</ResultCode>"
    );
    assert_eq!((head, &value[36..]), (wanted.as_str(), "</Value></ResultWithGuid>"));

    let overview = blusky.overview().await;
    assert!(!overview.to_string().contains("S3CRET"));
    let users = overview["users"].as_array().unwrap();
    assert_eq!(users.len(), 2);
    for user_id in [answer["Value"].as_str().unwrap(), &value[..36]] {
        let held = users.iter().find(|user| user["user_id"] == user_id).unwrap();
        assert_eq!((&held["first_name"], &held["employee_number"]), (&json!("Zoë"), &json!("17 🪪")));
        for (member, sent) in user().as_object().unwrap() {
            let held = &held["added"]["members"][member];
            match member.as_str() {
                "Password" => assert_eq!(held, "(hidden)"),
                "WebSiteRightsSuspendedStart" => assert_eq!(held, "2016-12-14T04:32:15.224448300Z"),
                time if time.contains("tart") || time.contains("End") => assert!(held.as_str().unwrap().starts_with("201"), "{member}"),
                _ => assert_eq!(held, sent, "{member}"),
            }
        }
    }
    for user in users {
        let mut body = card(user["user_id"].as_str().unwrap(), 1);
        body["ReassignCardIfAlreadyAssigned"] = true.into();
        blusky.accepts(&body).await;
    }
}

#[tokio::test]
async fn an_added_user_exists_beside_a_people_file_and_after_a_restart() {
    let people = people(&format!("{ADA},Ada,Lovelace,17"));
    let dir = tempfile::tempdir().unwrap();
    let options = Options { people: Some(people.path.clone()), data: Some(dir.path().join("blusky.db")), ..Options::default() };
    let mut blusky = start(options.clone()).await;
    let key = blusky.json(Method::POST, PATH, Some(&user())).await["Value"].as_str().unwrap().to_owned();
    blusky.stop().await;
    let again = start(options).await;
    again.accepts(&card(&key, 1)).await;
    assert_eq!(again.overview().await["users"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_user_must_have_is_named_when_it_is_missing() {
    let blusky = start(Options::default()).await;
    let answer = blusky.json(Method::POST, PATH, Some(&json!({"EmployeeNumber": "1"}))).await;
    let all = "Required: FirstName, LastName, FacilityId, CompanyInstanceType, CompanyInstanceId, ACSystemId, AccessRightsSuspended, \
               WebSiteRightsSuspended, HasLoginRights";
    assert_eq!((&answer["ResultCode"], &answer["Description"]), (&json!(6), &json!(all)));
    refuses(&blusky, json!({"FirstName": " ", "FacilityId": null, "ACSystemId": NIL}), 6, "Required: FirstName, FacilityId, ACSystemId")
        .await;
    refuses(&blusky, json!({"Login": "", "Password": null}), 6, "Required when HasLoginRights is true: Login, Password").await;
    let without = with(user(), json!({"HasLoginRights": false, "Login": null, "Password": null}));
    assert_eq!(blusky.json(Method::POST, PATH, Some(&without)).await["ResultCode"], 0);
}

#[tokio::test]
async fn a_text_of_a_user_is_as_long_as_the_contract_allows() {
    let blusky = start(Options::default()).await;
    let fits = json!({"FirstName": "é".repeat(60), "LastName": "x".repeat(60), "MiddleInitial": "🪪"});
    assert_eq!(blusky.json(Method::POST, PATH, Some(&with(user(), fits))).await["ResultCode"], 0);
    for (change, words) in [
        (json!({"FirstName": "x".repeat(61)}), "Longer than it may be: FirstName (60)"),
        (json!({"LastName": "🪪".repeat(31)}), "Longer than it may be: LastName (60)"),
        (json!({"MiddleInitial": "sample string 3"}), "Longer than it may be: MiddleInitial (2)"),
    ] {
        refuses(&blusky, change, 11, words).await;
    }
}

#[tokio::test]
async fn a_value_no_user_can_have_is_refused() {
    let blusky = start(Options::default()).await;
    for (change, member) in [
        (json!({"sGenderId": 0}), "sGenderId"),
        (json!({"sGenderId": 4}), "sGenderId"),
        (json!({"CompanyInstanceType": 0}), "CompanyInstanceType"),
        (json!({"CompanyInstanceType": 5}), "CompanyInstanceType"),
        (json!({"BadgeTemplateId": NIL}), "BadgeTemplateId"),
    ] {
        refuses(&blusky, change, 10, &format!("No user can have this value: {member}")).await;
    }
    for period in ["", "AccessRightsSuspended", "WebSiteRightsSuspended"] {
        let (start, end) = match period {
            "" => ("StartDatetime".to_owned(), "EndDatetime".to_owned()),
            period => (format!("{period}Start"), format!("{period}End")),
        };
        let change = json!({&start: "2026-01-02T00:00:00Z", &end: "2026-01-01T00:00:00Z"});
        refuses(&blusky, change, 8, &format!("Before the start that belongs to it: {end}")).await;
    }
    for (change, member) in [
        (json!({"HasLoginRights": null}), "HasLoginRights"),
        (json!({"CompanyInstanceType": null}), "CompanyInstanceType"),
        (json!({"DefaultFloorStopId": 2147483648_i64}), "DefaultFloorStopId"),
        (json!({"EndDatetime": "2026-01-01"}), "EndDatetime"),
    ] {
        let answer = blusky.call(Method::POST, PATH, Some(&with(user(), change))).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{member}");
        assert!(answer.json::<Value>().await.unwrap()["ModelState"][format!("model.{member}")].is_array());
    }
}

#[tokio::test]
async fn an_element_of_a_user_out_of_order_is_lost() {
    let blusky = start(Options { report_lost: true, ..Options::default() }).await;
    let late = user_xml()
        .replace("<EmployeeNumber>17 🪪</EmployeeNumber>", "")
        .replace("<sGenderId>", "<EmployeeNumber>17</EmployeeNumber><sGenderId>");
    assert!(blusky.xml(Method::POST, PATH, &late).await.contains("<ResultCode>0</ResultCode>"));
    let overview = blusky.overview().await;
    assert_eq!(overview["users"][0]["employee_number"], "");
    assert_eq!(overview["requests"][0]["lost"][0]["member"], "EmployeeNumber");
    let text = overview["requests"][0]["body"].as_str().unwrap();
    assert!(text.contains("<Password>(hidden)</Password><StartDatetime>2016"), "{text}");
    let other = user_xml().replace("BluSKYWebAPI", "APIWebRole");
    assert!(blusky.xml(Method::POST, PATH, &other).await.contains("Expecting element 'AddUserViewModel' from namespace"));
}

#[tokio::test]
async fn an_occupancy_is_enforced_for_those_who_belong_to_one() {
    let blusky = start(Options::default()).await;
    let tenant = blusky.json(Method::POST, PATH, Some(&user())).await["Value"].clone();
    let vendor = blusky.json(Method::POST, PATH, Some(&with(user(), json!({"CompanyInstanceType": 2})))).await["Value"].clone();
    let elsewhere = |user: &Value, number| {
        with(card(user.as_str().unwrap(), number), json!({"CardACSystemId": OTHER_SYSTEM, "EnforceOccupancySystem": true}))
    };
    blusky.refuses(&elsewhere(&tenant, 1), 13, "CardACSystemId is not the system of the user's occupancy.").await;
    assert!(blusky.overview().await["cards"].as_array().unwrap().is_empty());
    blusky.accepts(&with(elsewhere(&tenant, 1), json!({"EnforceOccupancySystem": false}))).await;
    blusky.accepts(&with(elsewhere(&tenant, 2), json!({"CardACSystemId": SYSTEM}))).await;
    blusky.accepts(&elsewhere(&vendor, 3)).await;
}

#[tokio::test]
async fn a_fault_can_meet_a_new_user() {
    let blusky = start(with_faults(Options::default(), &["drop-after-commit:1@AddUser", "zero-value@AddUser"])).await;
    assert!(blusky.request(Method::POST, PATH).json(&user()).send().await.is_err());
    assert_eq!(blusky.json(Method::POST, PATH, Some(&user())).await, json!({"Value": NIL, "ResultCode": 0, "Description": "Success"}));
    assert_eq!(blusky.overview().await["users"].as_array().unwrap().len(), 2);
}
