//! Lists of every shape, and what is none.

use super::*;

fn terms(success: &SuccessCodes) -> AnswerRules<'_> {
    AnswerRules { success, key: "blusky.token_file" }
}

fn items(kind: Kind, body: &str) -> Vec<(Option<String>, Option<String>)> {
    match sort_lookup(kind, 200, body.as_bytes(), terms(&SuccessCodes::Listed(vec![0]))) {
        Listing::Items(items) => items.into_iter().map(|item| (item.id, item.name)).collect(),
        other => panic!("{other:?}"),
    }
}

fn one(id: &str, name: &str) -> Vec<(Option<String>, Option<String>)> {
    vec![(Some(id.to_owned()), Some(name.to_owned()))]
}

#[test]
fn a_list_is_found_however_it_is_wrapped_and_whatever_its_members_are_called() {
    let wanted = one("3", "HID 26-bit");
    for body in [
        r#"[{"CardTypeId":3,"CardTypeName":"HID 26-bit","FacilityId":"x"}]"#,
        r#"{"ResultCode":0,"Description":"Success","Value":[{"CardType":3,"Name":"HID 26-bit"}]}"#,
        r#"{"CardTypes":[{"id":"3","description":"HID 26-bit"}]}"#,
        "<ArrayOfCardTypeViewModel><CardTypeViewModel><CardType>3</CardType><Name>HID 26-bit</Name></CardTypeViewModel></ArrayOfCardTypeViewModel>",
        "<CardTypesViewModel><CardTypes><Item><Id>3</Id><Name>HID 26-bit</Name></Item><Item/></CardTypes></CardTypesViewModel>",
    ] {
        assert_eq!(items(Kind::CardTypes, body)[..1], wanted, "{body}");
    }
    assert_eq!(items(Kind::Systems, "[]"), []);
    assert_eq!(items(Kind::Systems, "<ArrayOfACSystem/>"), []);
    assert_eq!(items(Kind::Cards, "<CardsViewModel><Cards/><ResultCode>0</ResultCode></CardsViewModel>"), []);
    for null in [
        r#"{"CardTypes":null}"#,
        r#"{"ResultCode":0,"Description":"Success","Value":null}"#,
        "<V xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><Items i:nil=\"true\"/><ResultCode>0</ResultCode></V>",
    ] {
        assert_eq!(items(Kind::CardTypes, null), [], "{null}");
    }
    let refused = br#"{"ResultCode":5,"Description":"No right","Value":[]}"#;
    let refused = sort_lookup(Kind::Cards, 200, refused, terms(&SuccessCodes::Listed(vec![0])));
    assert!(matches!(refused, Listing::Unreadable { .. }), "a refusal is no empty list");
    assert_eq!(items(Kind::Facilities, r#"[{"Colour":"red"}, "Tower"]"#), [(None, None), (None, Some("Tower".to_owned()))]);
}

#[test]
fn what_holds_no_list_is_said_in_blusky_s_words_or_ours() {
    for (body, words) in [
        (r#"{"ResultCode":5,"Description":"No right"}"#, "code 5): No right"),
        ("<html>login</html>", "no list"),
        (r#"{"A":[],"B":[]}"#, "several"),
        ("[", "no list"),
        (r#"{"ResultCode":5,"Description":"No right","Value":null}"#, "code 5): No right"),
        (r#"{"A":null,"B":null}"#, "no list"),
    ] {
        let Listing::Unreadable { why } = sort_lookup(Kind::Systems, 200, body.as_bytes(), terms(&SuccessCodes::Any)) else {
            panic!("{body}")
        };
        assert!(why.contains(words), "{why}");
    }
    assert!(matches!(sort_lookup(Kind::Systems, 404, b"", terms(&SuccessCodes::Any)), Listing::Missing { .. }));
    assert!(matches!(sort_lookup(Kind::Systems, 401, b"", terms(&SuccessCodes::Any)), Listing::Stopped { .. }));
    assert!(matches!(sort_lookup(Kind::Systems, 503, b"", terms(&SuccessCodes::Any)), Listing::Later { .. }));
}

#[test]
fn a_lookup_that_is_turned_down_is_told_in_blusky_s_words_and_says_nothing_of_entries() {
    for (status, body, words) in [
        (400, r#"{"Message":"The request is invalid.","ModelState":{"x":["No such facility."]}}"#, "x: No such facility."),
        (422, r#"{"ResultCode":9,"Description":"Choose a facility first"}"#, "Choose a facility first"),
        (400, "<html>", "(400)"),
    ] {
        let Listing::Unreadable { why } = sort_lookup(Kind::Systems, status, body.as_bytes(), terms(&SuccessCodes::Any)) else {
            panic!("{body}")
        };
        assert!(why.contains(words) && !why.contains("no such call"), "{why}");
    }
    for status in [401, 410] {
        let Listing::Stopped { why } = sort_lookup(Kind::Systems, status, b"", terms(&SuccessCodes::Any)) else { panic!("{status}") };
        assert!(!why.contains("entries"), "{why}");
    }
}

#[test]
fn a_list_too_large_to_be_read_is_said_to_be_so() {
    let body = format!("[{}{{}}]", "{},".repeat(200_000));
    let Listing::Unreadable { why } = sort_lookup(Kind::Cards, 200, body.as_bytes(), terms(&SuccessCodes::Any)) else { panic!() };
    assert!(why.contains("too large") && why.contains("128 MiB"), "{why}");
}

#[test]
fn a_pin_in_a_list_is_blotted_out() {
    let Listing::Items(items) = sort_lookup(Kind::Cards, 200, br#"[{"CardId":"x","PIN":"90417"}]"#, terms(&SuccessCodes::Any)) else {
        panic!()
    };
    assert!(!items[0].raw.to_string().contains("90417"));
}
