//! The same calls in JSON and in XML, read as the real serializers read them.

use cardbridge::simulator::Options;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::blusky::{ADA, API_WEB_ROLE, Blusky, SYSTEM, card, start, with, xml};

/// The contract page's sample, with other values.
fn sample() -> String {
    let members = [
        ("CardACSystemId", SYSTEM),
        ("CardActivationStartDateTime", "2025-10-12T21:13:06.7178225+00:00"),
        ("CardDeactivationStartDateTime", "2026-10-12T21:13:06+02:00"),
        ("CardSerialNumber", "99"),
        ("CardType", "3"),
        ("CardUserFlags", "ActiveCardholderRecord"),
        ("EnforceOccupancySystem", "false"),
        ("ExternalCardNumber", "E1"),
        ("FacilityCode", "123"),
        ("InternalCardNumber", "4567"),
        ("IssueCode", "2"),
        ("PIN", "1234"),
        ("UserId", ADA),
        ("ReassignCardIfAlreadyAssigned", "true"),
    ];
    xml("AddUserCardViewModel", API_WEB_ROLE, &members)
}

/// The sample with one element changed, or taken away.
fn changed(name: &str, element: &str) -> String {
    let text = sample();
    let (start, end) = (text.find(&format!("<{name}>")).unwrap(), text.find(&format!("</{name}>")).unwrap() + name.len() + 3);
    format!("{}{element}{}", &text[..start], &text[end..])
}

async fn post(blusky: &Blusky, xml: &str) -> Response {
    let request = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).header("Content-Type", "application/xml");
    request.body(xml.to_owned()).send().await.unwrap()
}

async fn accepted(blusky: &Blusky, xml: &str) -> Value {
    let text = post(blusky, xml).await.text().await.unwrap();
    assert!(text.contains("<ResultCode>0</ResultCode>"), "{text}");
    blusky.cards_of(ADA).await.pop().unwrap()
}

#[tokio::test]
async fn a_card_added_in_xml_is_stored_as_one_added_in_json() {
    let blusky = start(Options::default()).await;
    let answer = post(&blusky, &sample()).await;
    assert_eq!(answer.headers()["content-type"], "application/xml; charset=utf-8");
    let text = answer.text().await.unwrap();
    let stored = blusky.cards_of(ADA).await.pop().unwrap();
    let wanted = format!(
        "<ResultWithGuid xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{API_WEB_ROLE}\"><Description>Success</Description>\
         <HttpStatusCode>OK</HttpStatusCode><ResultCode>0</ResultCode><Value>{}</Value></ResultWithGuid>",
        stored["PersonCardId"].as_str().unwrap()
    );
    assert_eq!(text, wanted);

    let json = start(Options::default()).await;
    let members = json!({"ExternalCardNumber": "E1", "CardSerialNumber": 99, "IssueCode": 2, "PIN": "1234",
        "ReassignCardIfAlreadyAssigned": true, "CardActivationStartDateTime": "2025-10-12T21:13:06.7178225Z", "CardDeactivationStartDateTime": "2026-10-12T19:13:06Z"});
    json.accepts(&with(card(ADA, 4567), members)).await;
    let same = json.cards_of(ADA).await.pop().unwrap();
    for (member, value) in same.as_object().unwrap() {
        let is_new = ["PersonCardId", "CardId", "DateInserted", "DateUpdated"].contains(&member.as_str());
        assert!(is_new || stored[member] == *value, "{member}: {} {value}", stored[member]);
    }
}

#[tokio::test]
async fn an_element_out_of_order_is_lost_in_silence() {
    let blusky = start(Options::default()).await;
    // Two places late: it comes after ExternalCardNumber, which is sorted behind it.
    let late =
        changed("CardUserFlags", "").replace("<FacilityCode>", "<CardUserFlags>ActiveCardholderRecord</CardUserFlags><FacilityCode>");
    let answer = post(&blusky, &late).await;
    assert!(answer.headers().get("x-cardbridge-lost").is_none());
    assert_eq!(blusky.cards_of(ADA).await[0]["CardUserFlags"], 0);
    assert!(blusky.overview().await["requests"][0].get("lost").is_none());

    // The derived class's only member first: nothing behind it is read, and what is required is missing.
    let first = changed("ReassignCardIfAlreadyAssigned", "")
        .replace("<CardACSystemId>", "<ReassignCardIfAlreadyAssigned>true</ReassignCardIfAlreadyAssigned><CardACSystemId>");
    let text = post(&blusky, &first).await.text().await.unwrap();
    assert!(text.contains("<Description>Required: UserId</Description>"), "{text}");
}

#[tokio::test]
async fn an_element_in_another_namespace_is_lost_in_silence_and_another_root_is_an_error() {
    let blusky = start(Options::default()).await;
    let stored = accepted(&blusky, &changed("FacilityCode", "<FacilityCode xmlns=\"\">123</FacilityCode>")).await;
    assert_eq!((&stored["FacilityCode"], &stored["IssueCode"]), (&json!(0), &json!(2)));
    let prefixed = sample().replace("<", "<a:").replace("<a:/", "</a:").replace("xmlns=", "xmlns:a=");
    assert_eq!(accepted(&blusky, &prefixed.replace("E1", "E2").replace("4567", "4568")).await["FacilityCode"], 123);
    for wrong in [
        sample().replace("APIWebRole", "BluSKYWebAPI"),
        sample().replace(&format!(" xmlns=\"{API_WEB_ROLE}\""), ""),
        sample().replace("AddUserCardViewModel", "addUserCardViewModel"),
    ] {
        let answer = post(&blusky, &wrong).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
        let text = answer.text().await.unwrap();
        assert!(
            text.starts_with(
                "<Error><Message>The request is invalid.</Message><ModelState><model>Expecting element 'AddUserCardViewModel'"
            ),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_is_lost_is_reported_where_that_is_wanted() {
    let blusky = start(Options { report_lost: true, ..Options::default() }).await;
    let late = changed("CardUserFlags", "<Badge>1</Badge>")
        .replace("<PIN>", "<FacilityCode>9</FacilityCode><CardUserFlags>ActiveCardholderRecord</CardUserFlags><PIN>");
    let answer = post(&blusky, &late).await;
    assert_eq!(answer.headers()["x-cardbridge-lost"], "Badge, FacilityCode, CardUserFlags");
    blusky.post(&with(card(ADA, 2), json!({"Badge": 1}))).await;
    let requests = &blusky.overview().await["requests"];
    let wanted = json!([
        {"member": "Badge", "because": "AddUserCardViewModel has no such member"},
        {"member": "FacilityCode", "because": "it stands there twice, and the first one counts"},
        {"member": "CardUserFlags", "because": "it comes after IssueCode, and belongs before it"},
    ]);
    assert_eq!(requests[0]["lost"], wanted);
    assert_eq!(requests[1]["lost"], json!([wanted[0]]));
    assert!(post(&blusky, &sample()).await.headers().get("x-cardbridge-lost").is_none());
}

#[tokio::test]
async fn a_bad_value_in_xml_voids_the_whole_body() {
    let blusky = start(Options::default()).await;
    for (name, element) in [
        ("CardACSystemId", "<CardACSystemId/>"),
        ("CardType", "<CardType i:nil=\"true\"/>"),
        ("CardType", "<CardType/>"),
        ("CardType", "<CardType><a>3</a></CardType>"),
        ("CardUserFlags", "<CardUserFlags>1</CardUserFlags>"),
        ("CardUserFlags", "<CardUserFlags>activecardholderrecord</CardUserFlags>"),
        ("EnforceOccupancySystem", "<EnforceOccupancySystem>True</EnforceOccupancySystem>"),
        ("CardActivationStartDateTime", "<CardActivationStartDateTime>2025-10-12T21:13:06</CardActivationStartDateTime>"),
        ("InternalCardNumber", "<InternalCardNumber>2147483648</InternalCardNumber>"),
        ("IssueCode", "<IssueCode>2</IssueCode>`"),
        ("PIN", "<PIN>1&2</PIN>"),
    ] {
        let answer = post(&blusky, &changed(name, element)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{element}");
    }
    assert!(blusky.cards_of(ADA).await.is_empty());
    let nil =
        changed("CardSerialNumber", "<CardSerialNumber i:nil=\"true\"/>").replace("<IssueCode>2</IssueCode>", "<IssueCode> 2 </IssueCode>");
    let stored = accepted(&blusky, &nil).await;
    assert_eq!((&stored["CardSerialNumber"], &stored["IssueCode"]), (&Value::Null, &json!(2)));
}

#[tokio::test]
async fn an_integer_is_as_wide_as_it_is_configured_on_both_wires() {
    for (width, widest) in [(32, i64::from(i32::MAX)), (64, i64::MAX)] {
        let blusky = start(Options { integer_width: width, ..Options::default() }).await;
        let serial = |number: i128| changed("CardSerialNumber", &format!("<CardSerialNumber>{number}</CardSerialNumber>"));
        assert_eq!(accepted(&blusky, &serial(widest.into())).await["CardSerialNumber"], widest);
        let answer = post(&blusky, &serial(i128::from(widest) + 1)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("CardSerialNumber: The value must be an Int{width}")), "{text}");
        let wider: Value = serde_json::from_str(&(i128::from(widest) + 1).to_string()).unwrap();
        let answer = blusky.post(&with(card(ADA, 2), json!({"CardSerialNumber": wider}))).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(answer.text().await.unwrap().contains(&format!("\"model.CardSerialNumber\":[\"The value must be an Int{width}")));
    }
}

#[tokio::test]
async fn text_of_every_kind_comes_back_as_it_was_sent() {
    let external = "Zoë \"O'Néill\" <ça & là> ]]> 名 \u{1F4B3}";
    let escaped = external.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\u{1F4B3}', "&#x1F4B3;");
    let blusky = start(Options::default()).await;
    let stored = accepted(&blusky, &changed("ExternalCardNumber", &format!("<ExternalCardNumber>{escaped}</ExternalCardNumber>"))).await;
    assert_eq!(stored["ExternalCardNumber"], external);
    let stored = accepted(
        &blusky,
        &format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n{}",
            changed("ExternalCardNumber", "<ExternalCardNumber><![CDATA[<é>]]></ExternalCardNumber>")
        ),
    )
    .await;
    assert_eq!(stored["ExternalCardNumber"], "<é>");
    blusky.accepts(&with(card(ADA, 2), json!({"ExternalCardNumber": external}))).await;
    let read_back =
        blusky.request(Method::GET, &format!("/api/v2/Users/UserCards?UserId={ADA}")).header("Accept", "text/xml").send().await.unwrap();
    assert_eq!(read_back.headers()["content-type"], "text/xml; charset=utf-8");
    let text = read_back.text().await.unwrap();
    assert!(
        text.contains("<ExternalCardNumber>Zoë &quot;O'Néill&quot; &lt;ça &amp; là&gt; ]]&gt; 名 \u{1F4B3}</ExternalCardNumber>"),
        "{text}"
    );
}

#[tokio::test]
async fn the_read_back_in_xml_has_its_members_in_the_order_of_their_classes() {
    let blusky = start(Options::default()).await;
    accepted(&blusky, &sample()).await;
    let read_back = blusky
        .request(Method::GET, &format!("/api/v2/Users/UserCards?UserId={ADA}"))
        .header("Accept", "application/xml")
        .send()
        .await
        .unwrap();
    let text = read_back.text().await.unwrap();
    assert!(text.starts_with("<PersonCardAndUserIdViewModel"), "{text}");
    let mut from = 0;
    for wanted in [
        "<Cards><PersonCardViewModel><CardACSystemId>",
        "<CardUserFlags>ActiveCardholderRecord</CardUserFlags>",
        "<EncryptedMobileCredentials></EncryptedMobileCredentials>",
        "<PIN i:nil=\"true\"/>",
        "<PersonCardId>",
        "<NumberOfCardUses i:nil=\"true\"/><PublicNotes i:nil=\"true\"/></PersonCardViewModel></Cards>",
        "<UserId>",
    ] {
        from += text[from..].find(wanted).unwrap_or_else(|| panic!("{wanted} in {text}"));
    }
    let v1 = blusky
        .request(Method::GET, &format!("/api/v1/Users/UserCards?UserId={ADA}"))
        .header("Accept", "application/xml")
        .send()
        .await
        .unwrap();
    assert!(!v1.text().await.unwrap().contains("PublicNotes"));
}

#[tokio::test]
async fn an_error_is_told_in_the_type_that_is_accepted() {
    let blusky = start(Options::default()).await;
    let answer = blusky
        .client
        .get(format!("{}/api/v1/Users/UserCards?UserId={ADA}", blusky.base))
        .header("Accept", "application/xml")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.text().await.unwrap(), "<Error><Message>Authorization has been denied for this request.</Message></Error>");
    let answer = blusky
        .request(Method::GET, &format!("/api/v1/Users/UserCards?UserId={ADA}&a%20b=1"))
        .header("Accept", "text/xml")
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("<ModelState><a_x0020_b>The call has no such parameter"), "{text}");
}

#[tokio::test]
async fn a_json_body_is_read_as_newtonsoft_reads_it() {
    let blusky = start(Options::default()).await;
    let text = card(ADA, 1).to_string().replace("\"FacilityCode\":123", "\"facilityCode\":7,\"FACILITYCODE\":8,\"Badge\":{\"a\":[1]}");
    let request = blusky.request(Method::POST, &format!("/api/v1/Users/{ADA}/UserCards")).header("Content-Type", "application/json");
    let answer = request.body(text).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["ResultCode"], 0);
    assert_eq!(blusky.cards_of(ADA).await[0]["FacilityCode"], 8);
}

#[tokio::test]
async fn signing_in_works_in_xml_whatever_the_model_is_called() {
    let blusky = start(Options::default()).await;
    for root in ["Authenticate xmlns=\"a\"", "LoginViewModel"] {
        let end = root.split(' ').next().unwrap();
        let request = blusky.client.post(format!("{}/api/Account/Authenticate", blusky.base)).header("Content-Type", "text/xml");
        let answer = request.body(format!("<{root}><Email>a@b.c</Email><Password>simulator</Password></{end}>")).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(text.contains("<Email>a@b.c</Email><IsAuthenticated>true</IsAuthenticated><Token>simulator</Token>"), "{text}");
    }
    let shown = blusky.overview().await["requests"][0]["body"].as_str().unwrap().to_owned();
    assert_eq!(shown, "<Authenticate xmlns=\"a\"><Email>a@b.c</Email><Password>(hidden)</Password></Authenticate>");
}
