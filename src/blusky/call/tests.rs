//! What goes over the wire, byte for byte, with every member of every call.

use super::*;
use crate::access::{AddUser, AddUserCard, RemoveUserCard, Secret, UpdateUserCard};

fn id(digit: u8) -> Uuid {
    Uuid::from_bytes([digit; 16])
}

const NAME: &str = "Zoë \"<O'Hara & Søn>\" 🗝";

fn card() -> AddUserCard {
    AddUserCard {
        card_ac_system_id: Some(id(1)),
        card_activation_start_date_time: Some("2025-10-12T21:13:06.7178225+02:00".parse().unwrap()),
        card_deactivation_start_date_time: Some("2026-10-12T21:13:06Z".parse().unwrap()),
        card_id: Some(id(2)),
        card_serial_number: Some(11),
        card_type: Some(3),
        card_user_flags: 1,
        enforce_occupancy_system: Some(true),
        external_card_number: Some("007 <a&b>\r\n".to_owned()),
        facility_code: Some(12),
        internal_card_number: Some(4567),
        issue_code: Some(0),
        pin: Some(Secret::new("0417")),
        user_id: id(7),
        reassign_card_if_already_assigned: true,
    }
}

fn update() -> UpdateUserCard {
    UpdateUserCard {
        card_activation_start_date_time: Some("2025-10-12T21:13:06Z".parse().unwrap()),
        card_deactivation_start_date_time: Some("2026-10-12T21:13:06Z".parse().unwrap()),
        card_id: id(2),
        card_user_flags: Some(1),
        modify_activation_dates: Some(true),
        user_id: id(7),
        credential_type_id: Some(2),
        number_of_card_uses: Some(-1),
        public_notes: Some(NAME.to_owned()),
    }
}

fn user() -> AddUser {
    let at = |text: &str| Some(text.parse().unwrap());
    AddUser {
        ac_system_id: id(1),
        access_rights_suspended: true,
        access_rights_suspended_end: at("2026-02-01T00:00:00Z"),
        access_rights_suspended_start: at("2026-01-01T00:00:00Z"),
        badge_template_id: Some(id(3)),
        company_instance_id: id(4),
        company_instance_type: 4,
        default_floor_id: Some(id(5)),
        default_floor_stop_id: Some(1),
        employee_number: Some("0017".to_owned()),
        end_datetime: at("2027-01-01T00:00:00Z"),
        facility_id: id(6),
        first_name: NAME.to_owned(),
        has_login_rights: true,
        last_name: "Łukasz".to_owned(),
        login: Some("zoe".to_owned()),
        middle_initial: Some("Q.".to_owned()),
        nickname: None,
        password: Some(Secret::new("p<&>w")),
        start_datetime: at("2026-01-01T00:00:00Z"),
        web_site_rights_suspended: true,
        web_site_rights_suspended_end: at("2026-02-01T00:00:00Z"),
        web_site_rights_suspended_start: at("2026-01-01T00:00:00Z"),
        s_gender_id: Some(3),
    }
}

fn xml(operation: &Operation) -> String {
    String::from_utf8(body(operation, Wire::Xml).unwrap()).unwrap()
}

/// The names of the elements, in order.
fn elements(xml: &str) -> Vec<&str> {
    let closing = xml.split("</").skip(1).filter_map(|rest| rest.split('>').next());
    let mut names: Vec<&str> = closing.collect();
    names.pop();
    names
}

#[test]
fn add_user_card_is_written_with_every_member_in_its_place() {
    let operation = Operation::AddUserCard(card());
    let text = "<AddUserCardViewModel xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xmlns=\"http://schemas.datacontract.org/2004/07/APIWebRole.Controllers\">\
        <CardACSystemId>01010101-0101-0101-0101-010101010101</CardACSystemId>\
        <CardActivationStartDateTime>2025-10-12T21:13:06.7178225+02:00</CardActivationStartDateTime>\
        <CardDeactivationStartDateTime>2026-10-12T21:13:06Z</CardDeactivationStartDateTime>\
        <CardId>02020202-0202-0202-0202-020202020202</CardId>\
        <CardSerialNumber>11</CardSerialNumber><CardType>3</CardType><CardUserFlags>ActiveCardholderRecord</CardUserFlags>\
        <EnforceOccupancySystem>true</EnforceOccupancySystem>\
        <ExternalCardNumber>007 &lt;a&amp;b&gt;&#13;\n</ExternalCardNumber>\
        <FacilityCode>12</FacilityCode><InternalCardNumber>4567</InternalCardNumber><IssueCode>0</IssueCode><PIN>0417</PIN>\
        <UserId>07070707-0707-0707-0707-070707070707</UserId>\
        <ReassignCardIfAlreadyAssigned>true</ReassignCardIfAlreadyAssigned></AddUserCardViewModel>";
    assert_eq!(xml(&operation), text);
    let json = String::from_utf8(body(&operation, Wire::Json).unwrap()).unwrap();
    for member in ["\"CardUserFlags\":1,", "\"PIN\":\"0417\"", "\"CardACSystemId\":\"0101", "\"ExternalCardNumber\":\"007 <a&b>\\r\\n\""] {
        assert!(json.contains(member), "{member} in {json}");
    }
}

#[test]
fn update_user_card_puts_the_base_class_first() {
    let text = xml(&Operation::UpdateUserCard(update()));
    assert!(text.starts_with("<UpdateUserCardViewModelV2 ") && text.contains("/APIWebRole.Controllers\">"), "{text}");
    let wanted = [
        "CardActivationStartDateTime",
        "CardDeactivationStartDateTime",
        "CardId",
        "CardUserFlags",
        "ModifyActivationDates",
        "UserId",
        "CredentialTypeId",
        "NumberOfCardUses",
        "PublicNotes",
    ];
    assert_eq!(elements(&text), wanted);
    assert!(text.contains("<PublicNotes>Zoë &quot;&lt;O&apos;Hara &amp; Søn&gt;&quot; 🗝</PublicNotes>"), "{text}");
}

#[test]
fn add_user_has_twenty_three_members_in_ordinal_order_and_the_older_namespace() {
    let operation = Operation::AddUser(Box::new(user()));
    let text = xml(&operation);
    assert!(text.contains("/BluSKYWebAPI.Controllers\">") && text.contains("<Password>p&lt;&amp;&gt;w</Password>"), "{text}");
    let names = elements(&text);
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!((names.len(), &names), (23, &sorted));
    let json: serde_json::Value = serde_json::from_slice(&body(&operation, Wire::Json).unwrap()).unwrap();
    let json: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(json, sorted, "JSON and XML hold the same members");
}

#[test]
fn what_is_absent_is_not_written() {
    let bare = AddUserCard {
        card_ac_system_id: None,
        card_activation_start_date_time: None,
        card_deactivation_start_date_time: None,
        card_serial_number: None,
        card_type: None,
        enforce_occupancy_system: None,
        external_card_number: None,
        facility_code: None,
        internal_card_number: None,
        issue_code: None,
        pin: None,
        ..card()
    };
    let operation = Operation::AddUserCard(bare);
    assert_eq!(elements(&xml(&operation)), ["CardId", "CardUserFlags", "UserId", "ReassignCardIfAlreadyAssigned"]);
    let json: serde_json::Value = serde_json::from_slice(&body(&operation, Wire::Json).unwrap()).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 4);
}

#[test]
fn xml_says_nothing_it_has_no_word_for() {
    let flags = Operation::AddUserCard(AddUserCard { card_user_flags: 3, ..card() });
    assert!(matches!(body(&flags, Wire::Xml), Err(WireError::NoName { .. })));
    assert!(body(&flags, Wire::Json).is_ok());
    let control = Operation::UpdateUserCard(UpdateUserCard { public_notes: Some("a\u{1}b".to_owned()), ..update() });
    assert_eq!(body(&control, Wire::Xml), Err(WireError::Control("PublicNotes".to_owned())));
}

#[test]
fn every_integer_member_keeps_to_the_width() {
    let wide = 1_u64 << 31;
    let cards = [
        AddUserCard { card_serial_number: Some(wide), ..card() },
        AddUserCard { facility_code: Some(wide), ..card() },
        AddUserCard { issue_code: Some(wide), ..card() },
        AddUserCard { internal_card_number: Some(wide), ..card() },
        AddUserCard { card_user_flags: wide as i64, ..card() },
    ];
    let updates = [
        UpdateUserCard { number_of_card_uses: Some(wide as i64), ..update() },
        UpdateUserCard { credential_type_id: Some(wide as i64), ..update() },
    ];
    let stop = AddUser { default_floor_stop_id: Some(wide as i64), ..user() };
    let all = cards.map(Operation::AddUserCard).into_iter().chain(updates.map(Operation::UpdateUserCard));
    for operation in all.chain([Operation::AddUser(Box::new(stop))]) {
        assert!(judge(&operation, IntegerWidth::Bits32, Wire::Json).is_err(), "{operation:?}");
        assert!(judge(&operation, IntegerWidth::Bits64, Wire::Json).is_ok(), "{operation:?}");
    }
    let least = UpdateUserCard { number_of_card_uses: Some(i32::MIN.into()), ..update() };
    assert_eq!(judge(&Operation::UpdateUserCard(least), IntegerWidth::Bits32, Wire::Json), Ok(()), "-2^31 is the least of 32 bits");
    let beyond = Operation::AddUserCard(AddUserCard { card_serial_number: Some(1 << 63), ..card() });
    assert!(judge(&beyond, IntegerWidth::Bits64, Wire::Json).is_err());
}

#[test]
fn a_user_is_judged_with_every_mistake_at_once() {
    let judged = |user: AddUser| {
        Operation::AddUser(Box::new(user)).judge(IntegerWidth::Bits32).err().map(|wrong| wrong.to_string()).unwrap_or_default()
    };
    assert_eq!(judged(user()), "");
    assert_eq!(judged(AddUser { first_name: "é".repeat(60), ..user() }), "");
    for (wrong, words) in [
        (AddUser { first_name: "🗝".repeat(31), ..user() }, "first_name has 62"),
        (AddUser { last_name: " ".to_owned(), ..user() }, "last_name is required"),
        (AddUser { middle_initial: Some("abc".to_owned()), ..user() }, "middle_initial has 3"),
        (AddUser { nickname: Some("é".repeat(61)), ..user() }, "nickname has 61"),
        (AddUser { login: None, ..user() }, "--login"),
        (AddUser { password: None, ..user() }, "--password-file"),
        (AddUser { has_login_rights: false, ..user() }, "--has-login-rights"),
        (AddUser { end_datetime: user().start_datetime, ..user() }, "end_datetime"),
        (AddUser { web_site_rights_suspended: false, ..user() }, "web_site_rights_suspended is false"),
        (AddUser { access_rights_suspended_end: "2025-01-01T00:00:00Z".parse().ok(), ..user() }, "access_rights_suspended_end"),
    ] {
        assert!(judged(wrong).contains(words), "{words}");
    }
    let all = judged(AddUser { first_name: String::new(), login: None, ..user() });
    assert!(all.contains("first_name") && all.contains("--login"), "{all}");
}

#[test]
fn nothing_shows_a_secret_or_a_person() {
    let mut operations = [Operation::AddUserCard(card()), Operation::AddUser(Box::new(user())), Operation::UpdateUserCard(update())];
    for operation in &mut operations {
        let shown = format!("{operation:?}");
        for secret in ["0417", "p<&>w", "4567", "Zoë", "zoe", "Łukasz"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        operation.take_secret();
        let written = serde_json::to_string(operation).unwrap();
        assert!(!written.contains("0417") && !written.contains("p<&>w"), "{written}");
    }
}

proptest::proptest! {
    /// The path that is two segments shorter deletes the person: no input leads there.
    #[test]
    fn what_takes_a_card_back_always_names_a_card(version in 1_u8..3, user in proptest::num::u128::ANY, card in proptest::num::u128::ANY, nil in 0_u8..4) {
        let user_id = Uuid::from_u128(if nil & 1 == 1 { 0 } else { user });
        let card_id = Uuid::from_u128(if nil & 2 == 2 { 0 } else { card });
        let path = removal_path(version, &RemoveUserCard { user_id, card_id });
        let ends = format!("/UserCards/{card_id}");
        proptest::prop_assert!(path == "api/nowhere" || (path.ends_with(&ends) && !card_id.is_nil() && path.matches('/').count() == 5), "{}", path);
        let is_refused = judge(&Operation::RemoveUserCard(RemoveUserCard { user_id, card_id }), IntegerWidth::Bits32, Wire::Json).is_err();
        proptest::prop_assert_eq!(is_refused, user_id.is_nil() || card_id.is_nil());
    }

    #[test]
    fn what_takes_access_always_names_a_group(user in proptest::num::u128::ANY, group in proptest::num::i64::ANY, nil in 0_u8..4) {
        let user_id = Uuid::from_u128(if nil & 1 == 1 { 0 } else { user });
        let removal = AccessLevelGroup { user_id, access_level_group_id: if nil & 2 == 2 { 0 } else { group } };
        let operation = Operation::RemoveAccessLevelGroup(removal.clone());
        let path = endpoint(&operation).path;
        let ends = format!("/AccessLevelGroups/{}", removal.access_level_group_id);
        proptest::prop_assert!(path == "api/nowhere" || (path.ends_with(&ends) && path.matches('/').count() == 5), "{}", path);
        let is_wrong = user_id.is_nil() || removal.access_level_group_id < 1;
        proptest::prop_assert_eq!((judge(&operation, IntegerWidth::Bits64, Wire::Json).is_err(), path == "api/nowhere"), (is_wrong, is_wrong));
    }
}
