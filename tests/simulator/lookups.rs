//! The nine lookups, and what card types require.

use cardbridge::simulator::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, BLUSKY_WEB_API, OTHER_SYSTEM, SYSTEM, card, start, texts, with, with_faults};

const ALL: [(&str, &str); 9] = [
    ("Card/GetAllCards", "Card"),
    ("Card/GetAllCardTypes", "CardType"),
    ("ACSystem/GetAllSystems", "ACSystem"),
    ("Facility/GetAllFacilities", "Facility"),
    ("Occupancy/GetAllOccupancies", "Occupancy"),
    ("Vendor/GetAllVendors", "Vendor"),
    ("SystemOwner/GetAllOwners", "SystemOwner"),
    ("Integrator/GetAllIntegrators", "Integrator"),
    ("Badges/GetAllBadges", "BadgeTemplate"),
];

#[tokio::test]
async fn every_lookup_lists_ids_and_names_on_both_wires() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 1)).await;
    for (path, kind) in ALL {
        let list = blusky.json(Method::GET, &format!("/api/{path}?anything=1"), None).await;
        let items = list.as_array().unwrap();
        assert!(!items.is_empty(), "{path}");
        for item in items {
            assert!(!item[format!("{kind}Id")].is_null() && item[format!("{kind}Name")].is_string(), "{item}");
        }
        let text = blusky.xml(Method::POST, &format!("/api/v1/{path}"), "").await;
        let (root, names) = texts(&text, &format!("{kind}Name")).unwrap();
        assert_eq!(root, format!("ArrayOf{kind}ViewModel"));
        assert!(text.contains(&format!(" xmlns=\"{BLUSKY_WEB_API}\">")), "{text}");
        assert_eq!(names, items.iter().map(|item| item[format!("{kind}Name")].as_str().unwrap()).collect::<Vec<_>>(), "{path}");
    }
    assert_eq!(blusky.client.get(format!("{}/api/Card/GetAllCards", blusky.base)).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(blusky.call(Method::PUT, "/api/Card/GetAllCards", None).await.headers()["allow"], "GET, POST");
}

#[tokio::test]
async fn access_levels_and_their_groups_have_the_members_that_the_pages_show() {
    let blusky = start(Options::default()).await;
    for (path, id) in [("/api/v1/AccessLevels?IncludeDeleted=False", "AccessLevelId"), ("/api/v1/AccessLevelGroups", "AccessLevelGroupId")]
    {
        let list = blusky.json(Method::GET, path, None).await;
        let first = &list[0];
        assert!(first[id].is_i64() && first["Name"].is_string() && first.get("FacilityId").is_some(), "{path}: {list}");
    }
}

#[tokio::test]
async fn what_a_call_has_named_is_listed_from_then_on() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&with(card(ADA, 1), json!({"CardACSystemId": OTHER_SYSTEM, "CardType": 42}))).await;
    let systems = blusky.json(Method::GET, "/api/ACSystem/GetAllSystems", None).await;
    assert!(systems.as_array().unwrap().contains(&json!({"ACSystemId": OTHER_SYSTEM, "ACSystemName": "System 5323dbb1"})), "{systems}");
    let types = blusky.json(Method::GET, "/Card/GetAllCardTypes", None).await;
    assert!(types.as_array().unwrap().contains(&json!({"CardTypeId": 42, "CardTypeName": "CardType 42"})), "{types}");
    let cards = blusky.json(Method::GET, "/api/Card/GetAllCards", None).await;
    assert_eq!(cards[0]["CardId"], blusky.cards_of(ADA).await[0]["CardId"]);
    assert_eq!(blusky.overview().await["lookups"]["ACSystem"], systems);
}

#[tokio::test]
async fn a_list_can_stand_in_an_object() {
    let blusky = start(with_faults(Options { wrap_lookups: true, ..Options::default() }, &["status=503:1@GetAllBadges"])).await;
    assert_eq!(blusky.call(Method::GET, "/api/Badges/GetAllBadges", None).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let badges = blusky.json(Method::GET, "/api/Badges/GetAllBadges", None).await;
    let list = json!([{"BadgeTemplateId": "e1f9369b-6225-4da5-96c8-f07966533519", "BadgeTemplateName": "Employee badge"}]);
    assert_eq!(badges, json!({"Value": list, "ResultCode": 0, "Description": "Success"}));
    let text = blusky.xml(Method::GET, "/api/Badges/GetAllBadges", "").await;
    assert!(text.ends_with("</BadgeTemplateViewModel></Value></ResultWithArrayOfBadgeTemplateViewModel>"), "{text}");
}

#[tokio::test]
async fn a_card_type_requires_what_it_was_declared_to_require() {
    let card_types = ["3=FacilityCode,IssueCode", "5=CardSerialNumber", "6"].map(|text| text.parse().unwrap()).to_vec();
    let blusky = start(Options { card_types, ..Options::default() }).await;
    blusky.refuses(&card(ADA, 1), 6, "Required by CardType 3: IssueCode").await;
    blusky.accepts(&with(card(ADA, 1), json!({"IssueCode": 0}))).await;
    blusky.refuses(&with(card(ADA, 2), json!({"CardType": 5})), 6, "Required by CardType 5: CardSerialNumber").await;
    blusky.refuses(&with(card(ADA, 2), json!({"CardType": 4})), 10, "No card can have this value: CardType").await;
    let bare = json!({"UserId": ADA, "CardType": 6, "CardACSystemId": SYSTEM, "InternalCardNumber": 9, "ExternalCardNumber": "9"});
    blusky.accepts(&bare).await;
    let types = blusky.json(Method::GET, "/api/Card/GetAllCardTypes", None).await;
    let ids: Vec<_> = types.as_array().unwrap().iter().map(|known: &Value| known["CardTypeId"].as_i64().unwrap()).collect();
    assert_eq!(ids, [3, 5, 6]);
}
