//! Lists of people, piece by piece.

use super::*;
use crate::blusky::{
    answer::{AnswerRules, SuccessCodes},
    lookup::{Kind, Listing, sort_lookup},
};

const ADA: Uuid = Uuid::from_u128(0x0f83442e_a446_4577_8cdd_8ffdd51ab9c1);

fn read(text: &str, piece: usize) -> Result<(Vec<Person>, usize), String> {
    let mut reading = Reading::default();
    text.as_bytes().chunks(piece).try_for_each(|piece| reading.take(piece)).map_err(ToOwned::to_owned)?;
    let Read { people, unnamed, frame, .. } = reading.end()?;
    let terms = AnswerRules { success: &SuccessCodes::Listed(vec![0]), key: "" };
    match sort_lookup(Kind::Users, 200, &frame, terms) {
        Listing::Items(items) if Read::is_list(&items) => Ok((people.iter().collect(), unnamed)),
        other => Err(format!("{other:?}")),
    }
}

fn json() -> String {
    format!(
        "{{\"PersonId\":\"{ADA}\",\"FirstName\":\"A \\\"}}] da\",\"LastName\":\"Lovelace\",\"MiddleInitial\":null,\"EmployeeNumber\":1815,\
         \"DefaultEmail\":\"ada@acme.example\",\"CompanyName\":\"ACME & Sons\",\"FacilityName\":\"Head office\",\"Password\":\"90417355\",\"AccessLevels\":[],\
         \"Cards\":[{{\"CardId\":\"{ADA}\",\"InternalCardNumber\":4567,\"ExternalCardNumber\":\"04567\",\"FacilityCode\":123,\
         \"CardType\":3,\"PIN\":\"90417355\",\"Deleted\":false}},{{\"InternalCardNumber\":8,\"Deleted\":true}},{{\"PIN\":\"90417355\"}}]}}"
    )
}

fn xml() -> String {
    format!(
        "<UserViewModel><AccessLevels/><Cards><PersonCardViewModel><CardId>{ADA}</CardId><CardType>3</CardType><Deleted>false</Deleted>\
         <ExternalCardNumber>04567</ExternalCardNumber><FacilityCode>123</FacilityCode><InternalCardNumber>4567</InternalCardNumber>\
         <PIN>90417355</PIN></PersonCardViewModel></Cards><CompanyName>ACME &amp; Sons</CompanyName>\
         <DefaultEmail>ada@acme.example</DefaultEmail><EmployeeNumber>1815</EmployeeNumber><FacilityName>Head office</FacilityName>\
         <FirstName>A \"}}] da</FirstName><LastName>Lovelace</LastName><MiddleInitial i:nil=\"true\"/><Nickname/><PersonId>{ADA}</PersonId>\
         </UserViewModel>"
    )
}

fn ada() -> Person {
    let card = HeldCard {
        card_id: Some(ADA),
        card_type: Some(3),
        internal_card_number: Some(4567),
        facility_code: Some(123),
        external_card_number: "04567".to_owned(),
    };
    Person {
        user_id: ADA,
        first_name: "A \"}] da".to_owned(),
        last_name: "Lovelace".to_owned(),
        nickname: String::new(),
        employee_number: "1815".to_owned(),
        email: "ada@acme.example".to_owned(),
        company: "ACME & Sons".to_owned(),
        facility: "Head office".to_owned(),
        access_levels: Some(0),
        cards: vec![card],
    }
}

#[test]
fn a_list_is_read_in_pieces_of_any_size_on_both_wires_and_only_what_is_named_is_kept() {
    let mark = "\u{feff}";
    let root = "ArrayOfUserViewModel xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"http://x/\"";
    let lists = [
        format!("{mark} [ {0},{{\"UserId\":null}} , {0}]\n", json()),
        format!("{{\"Value\":[{0},{{}},{0}],\"ResultCode\":0,\"Description\":\"Success, all of it\"}}", json()),
        format!("<?xml version=\"1.0\"?>\n<{root}>\n  {0}\n  <UserViewModel i:nil=\"true\"/>\n  {0}\n</ArrayOfUserViewModel>", xml()),
    ];
    for text in lists {
        for piece in [1, 2, 7, 1000] {
            let (people, unnamed) = read(&text, piece).unwrap_or_else(|why| panic!("{why}: {text}"));
            assert_eq!(unnamed, 1, "{text}");
            assert!(people == [ada(), ada()], "{text}: {}", serde_json::to_string(&people).unwrap());
            let kept = format!("{people:?}{}", serde_json::to_string(&people).unwrap());
            assert!(!kept.contains("90417355") && !format!("{people:?}").contains("ACME"), "{kept}");
        }
    }
    for nobody in ["[]", "<ArrayOfUserViewModel/>", "<ArrayOfUserViewModel></ArrayOfUserViewModel>", "{\"Users\":null}"] {
        assert_eq!(read(nobody, 1).unwrap().0.len(), 0, "{nobody}");
    }
}

#[test]
fn a_record_that_is_wrong_loses_nobody_else_and_a_picture_in_one_loses_nobody() {
    let (json, xml) = (json(), xml());
    let (picture, numbers) = ("A".repeat(1 << 20), "1,".repeat(200_000));
    let wrapped = format!("{{\"TotalCount\":1,\"Users\":[{json}],\"Errors\":[]}}");
    assert_eq!(read(&wrapped, 7).unwrap().0, [ada()], "an empty second list");
    let with_picture = format!("[{}]", json.replacen('{', &format!("{{\"Photo\":\"{picture}\","), 1));
    assert_eq!(read(&with_picture, 1000).unwrap(), (vec![ada()], 0));
    let with_picture = xml.replacen("<AccessLevels/>", &format!("<Photo>{picture}</Photo><AccessLevels/>"), 1);
    assert_eq!(read(&format!("<ArrayOfUser>{with_picture}</ArrayOfUser>"), 1000).unwrap().0, [ada()]);
    for (wrong, unnamed) in [
        ("{\"PersonId\":\"\\ud800\"}".to_owned(), 1),
        (format!("{{\"Photo\":[{numbers}1]}}"), 1),
        ("null".to_owned(), 0),
        ("null,null".to_owned(), 0),
    ] {
        let listed = read(&format!("[{json},{wrong},{json}]"), 1000);
        assert_eq!(listed, Ok((vec![ada(), ada()], unnamed)), "{}", &wrong[..wrong.len().min(40)]);
    }
    // A byte of another encoding.
    let mut latin = [b"[", json.as_bytes(), b",", json.replace("Lovelace", "L~velace").as_bytes(), b"]"].concat();
    latin.iter_mut().filter(|byte| **byte == b'~').for_each(|byte| *byte = 0xF6);
    let mut reading = Reading::default();
    reading.take(&latin).unwrap();
    let names: Vec<String> = reading.end().unwrap().people.iter().map(|person| person.last_name).collect();
    assert_eq!(names, ["Lovelace", "L\u{fffd}velace"]);
}

#[test]
fn what_is_no_list_or_breaks_off_or_does_not_end_is_said_and_nobody_is_taken_from_it() {
    let (json, xml) = (json(), xml());
    let broken =
        ["", "{}", "null", "[", "[{", "[] x", "[7]", "[7,8]", "[{\"a\":]}]", "<html>login</html>", "<ArrayOfA>", "{\"A\":[],\"B\":[]}"];
    let off = [
        format!("[{json}"),
        format!("[{json},"),
        format!("{{\"Users\":[{json}],\"Others\":[{json}]}}"),
        format!("{{\"ResultCode\":5,\"Description\":\"No right\",\"Value\":[{json}]}}"),
        json.clone(),
        format!("<ArrayOfUserViewModel>{xml}"),
        format!("<ArrayOfUserViewModel>{xml}</Array"),
        format!("<ArrayOfUserViewModel>{}</ArrayOfUserViewModel>", &xml[..200]),
        xml.clone(),
    ];
    for text in broken.into_iter().map(ToOwned::to_owned).chain(off) {
        for piece in [1, 3, 1000] {
            assert!(read(&text, piece).is_err(), "{text}");
        }
    }
    assert!(read("{\"ResultCode\":5,\"Description\":\"No right\",\"Value\":null}", 9).unwrap_err().contains("No right"));
}

#[test]
fn what_does_not_end_is_not_kept_in_memory() {
    let large = "x".repeat(9 << 20);
    for endless in [
        format!("[{{\"a\":\"{large}"),
        format!("<ArrayOfA><A><B>{large}"),
        format!("<html>{large}"),
        format!("<ArrayOfA><A {large}"),
        format!("{{\"a\":\"{large}"),
        "[".repeat(100_000),
        "<a>".repeat(100_000),
    ] {
        let mut reading = Reading::default();
        assert!(endless.as_bytes().chunks(1000).try_for_each(|piece| reading.take(piece)).is_err(), "{}", &endless[..20]);
    }
    let mut reading = Reading::default();
    let many = "[".to_owned() + &"{},".repeat(MOST_PEOPLE + 1);
    assert!(reading.take(many.as_bytes()).unwrap_err().contains("250000"));
}

#[test]
fn a_site_s_own_path_takes_the_place_of_the_candidates() {
    let occupancy = Belongs::Occupancy(ADA);
    assert_eq!(paths(occupancy, None).len(), 3);
    assert_eq!(paths(occupancy, Some("api/v3/People/{id}")), [format!("api/v3/People/{ADA}")]);
    assert_eq!(paths(Belongs::Anywhere, Some("api/v2/Users")), ["api/v2/Users"]);
}
