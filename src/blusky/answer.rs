//! What an answer of BluSKY's means.
//!
//! In: status, body and the site's success codes. Out: one of a few outcomes. Never: success where the answer cannot be
//! understood; what is unclear is in doubt, and the read-back decides.

use serde_json::Value;
use uuid::Uuid;

use super::{cards, wire::Document};
use crate::access::{Answers, Cards, NO_SUCH_CALL, Outcome, StoredCard, Told};

/// Which result codes mean success: BluSKY's pages do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuccessCodes {
    /// Any code; the read-back decides.
    Any,
    /// These.
    Listed(Vec<i64>),
}

impl SuccessCodes {
    /// True where a code may mean success.
    #[must_use]
    pub fn may_be(&self, code: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(codes) => codes.contains(&code),
        }
    }
}

/// The site's rules by which an answer is sorted.
#[derive(Debug, Clone, Copy)]
pub struct AnswerRules<'s> {
    /// Which result codes mean success.
    pub success: &'s SuccessCodes,
    /// What is to be checked where access is denied.
    pub key: &'static str,
}

/// Sorts the answer to a call that changes something; `answers` is what its success comes with.
#[must_use]
pub fn sort_write(status: u16, body: &[u8], terms: AnswerRules<'_>, answers: Answers) -> Outcome {
    let document = Document::read(body);
    let told = document.as_ref().and_then(told);
    let words = || document.as_ref().and_then(words);
    match (status, told) {
        (200..=299, Some(told)) => {
            let number = document.as_ref().and_then(|document| document.integer("Value")).is_some_and(|number| number != 0);
            let is_whole = match answers {
                Answers::Nothing => true,
                Answers::Key => told.value.is_some(),
                Answers::Number => number,
            };
            sort_result(told, terms.success, is_whole)
        }
        (200..=299, None) => Outcome::Later {
            why: format!("BluSKY answered {status} with something that is not its answer (a page, or a broken text)"),
            slow: false,
        },
        (401 | 403, _) => denied_write(status, words(), terms.key),
        (429, _) => Outcome::Away { why: "BluSKY answered 429, too many requests".to_owned() },
        (407, _) => Outcome::Stopped { why: "the proxy wants a user (407): check blusky.proxy_user and proxy_password_file".to_owned() },
        (300..=399, _) => {
            Outcome::Stopped { why: format!("BluSKY answered {status}, a redirection: check blusky.base_url; {ENTRIES_WAIT}") }
        }
        (406 | 415, _) => Outcome::Stopped {
            why: format!("BluSKY answered {status}, a media type it does not speak: check blusky.wire, media and base_url; {ENTRIES_WAIT}"),
        },
        (405, _) => Outcome::Stopped { why: format!("{}; {ENTRIES_WAIT}", wrong_address(status)) },
        (404, None) if document.as_ref().is_some_and(is_no_such_call) => {
            Outcome::Stopped { why: format!("{}; {ENTRIES_WAIT}", wrong_address(status)) }
        }
        (400..=499, _) if status != 408 && is_page(body) => {
            Outcome::Stopped { why: format!("BluSKY answered {status} with a page for people: check blusky.base_url; {ENTRIES_WAIT}") }
        }
        // It is about this entry, and no other.
        (400 | 404 | 409 | 410 | 412 | 413 | 422, Some(told)) => Outcome::Refused(told),
        (400 | 404 | 409 | 410 | 412 | 413 | 422, None) if words().is_some() => {
            Outcome::Refused(Told { description: words(), ..Told::default() })
        }
        _ => Outcome::Later { why: format!("BluSKY answered {status}"), slow: matches!(status, 408 | 504) },
    }
}

/// Sorts the answer to the read-back of this user's cards.
#[must_use]
pub fn sort_cards(status: u16, body: &[u8], user: Uuid, terms: AnswerRules<'_>) -> Cards {
    let later = |why: &str| Cards::Later { why: why.to_owned() };
    let document = Document::read(body);
    match status {
        200..=299 => match document {
            Some(document) if document.guid("UserId").is_some_and(|shown| shown != user) => {
                later("BluSKY shows another user's cards than those it was asked for")
            }
            // A result that is no success holds no list, whatever stands in its place.
            Some(document) if document.integer("ResultCode").is_some_and(|code| !terms.success.may_be(code)) => {
                later("BluSKY refuses to show the user's cards")
            }
            Some(document) => list(&document).map_or_else(|| later("the list of the user's cards could not be read"), Cards::Shown),
            None => later("the list of the user's cards could not be read"),
        },
        404 | 405 | 501 => Cards::Unavailable { why: format!("BluSKY answered {status} when asked for the user's cards") },
        401 | 403 => Cards::Stopped { why: denied(status, terms.key) },
        429 => Cards::Away { why: "BluSKY answered 429, too many requests".to_owned() },
        _ => later(&format!("BluSKY answered {status} when asked for the user's cards")),
    }
}

/// What becomes of the others where a call that changes something stops them all.
const ENTRIES_WAIT: &str = "saved entries wait";

/// What is said where access is denied.
pub(super) fn denied(status: u16, key: &str) -> String {
    format!("BluSKY denies access ({status}): check {key}")
}

fn denied_write(status: u16, words: Option<String>, key: &str) -> Outcome {
    let words = words.map(|words| format!(": “{words}”")).unwrap_or_default();
    Outcome::Denied {
        everybody: format!("{}; {ENTRIES_WAIT}", denied(status, key)),
        only_this: format!("BluSKY turns this entry down ({status}) and lets others in{words}; it is tried again"),
    }
}

/// The cards of a list; none where one of them is no card: then nothing can be said of the list.
fn list(document: &Document) -> Option<Vec<StoredCard>> {
    // What is missing or null is no list: "not there" counts only from one.
    document.items(document.member("Cards")?)?.into_iter().map(|item| item.is_object().then(|| cards::read(item))).collect()
}

/// What a `Result` says; none where this is no `Result`.
fn told(document: &Document) -> Option<Told> {
    let result_code = document.is_result().then(|| document.integer("ResultCode"))??;
    Some(Told {
        result_code: Some(result_code),
        description: document.text("Description").map(ToOwned::to_owned),
        value: document.guid("Value"),
        previous_user_id: document.guid("PreviousUserId"),
    })
}

fn sort_result(told: Told, success: &SuccessCodes, is_whole: bool) -> Outcome {
    match success {
        SuccessCodes::Listed(_) if !told.result_code.is_some_and(|code| success.may_be(code)) => Outcome::Refused(told),
        SuccessCodes::Listed(_) if is_whole => Outcome::Accepted(told),
        SuccessCodes::Listed(_) => Outcome::Unclear { told, listed: true },
        SuccessCodes::Any => Outcome::Unclear { told, listed: false },
    }
}

/// True where this is a page for people.
fn is_page(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(body.get(..512).unwrap_or(body)).trim_start().to_lowercase();
    start.starts_with("<!doctype") || start.starts_with("<html")
}

/// What an error says: its message, and every complaint about a member.
pub(super) fn words(document: &Document) -> Option<String> {
    let message = document.text("Message").or_else(|| document.text("Description")).map(str::trim).filter(|message| !message.is_empty());
    let state = document.member("ModelState").and_then(Value::as_object);
    let complaints: Vec<String> = state.into_iter().flatten().map(|(member, words)| format!("{member}: {}", texts(words))).collect();
    let complaints = (!complaints.is_empty()).then(|| complaints.join("; "));
    match (message, complaints) {
        (Some(message), Some(complaints)) => Some(format!("{message} {complaints}")),
        (message, complaints) => message.map(ToOwned::to_owned).or(complaints),
    }
}

/// ASP.NET's words for a path that no call has.
fn is_no_such_call(document: &Document) -> bool {
    document.member("MessageDetail").is_some() || document.text("Message").is_some_and(|words| words.contains("No HTTP resource was found"))
}

/// A text, or several.
fn texts(words: &Value) -> String {
    match words {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        one => one.as_str().unwrap_or_default().to_owned(),
    }
}

/// What the server says about it names a path, and so a user: it is left out, for these words reach a service's log.
pub(super) fn wrong_address(status: u16) -> String {
    format!("BluSKY answered {status} ({NO_SUCH_CALL}): check blusky.base_url")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Secret;

    fn terms(success: &SuccessCodes) -> AnswerRules<'_> {
        AnswerRules { success, key: "blusky.token_file" }
    }

    fn sorted(status: u16, body: &str) -> Outcome {
        sort_write(status, body.as_bytes(), terms(&SuccessCodes::Listed(vec![0])), Answers::Key)
    }

    #[test]
    fn only_a_listed_code_with_a_value_is_success() {
        let value = "\"Value\":\"dddd4d04-131d-4614-bf4b-553a7b803994\"";
        assert!(matches!(sorted(200, &format!("{{\"ResultCode\":0,{value}}}")), Outcome::Accepted(_)));
        assert!(matches!(sorted(200, &format!("{{\"ResultCode\":2,{value}}}")), Outcome::Refused(_)));
        assert!(matches!(sorted(200, "{\"ResultCode\":0,\"Value\":\"00000000-0000-0000-0000-000000000000\"}"), Outcome::Unclear { .. }));
        assert!(matches!(sorted(200, "{\"ResultCode\":0}"), Outcome::Unclear { .. }));
        assert!(matches!(sorted(200, "<html>login</html>"), Outcome::Later { .. }));
        assert!(matches!(sorted(200, "[]"), Outcome::Later { .. }));
        assert!(matches!(sorted(200, "{\"ResultCode\":\"0\"}"), Outcome::Later { .. }));
        let any = sort_write(200, format!("{{\"ResultCode\":7,{value}}}").as_bytes(), terms(&SuccessCodes::Any), Answers::Key);
        assert!(matches!(any, Outcome::Unclear { .. }));
    }

    #[test]
    fn a_group_is_given_only_where_a_number_comes_with_success() {
        let given = |body: &str| sort_write(200, body.as_bytes(), terms(&SuccessCodes::Listed(vec![0])), Answers::Number);
        assert!(matches!(given("{\"ResultCode\":0,\"Value\":7}"), Outcome::Accepted(_)));
        assert!(matches!(given("<ResultWithInt><ResultCode>0</ResultCode><Value>7</Value></ResultWithInt>"), Outcome::Accepted(_)));
        for doubtful in ["{\"ResultCode\":0,\"Value\":0}", "{\"ResultCode\":0}", "{\"ResultCode\":0,\"Value\":null}"] {
            assert!(matches!(given(doubtful), Outcome::Unclear { listed: true, .. }), "{doubtful}");
        }
        assert!(matches!(given("{\"ResultCode\":2,\"Value\":0}"), Outcome::Refused(_)));
    }

    #[test]
    fn a_bad_request_tells_every_complaint() {
        let body = "{\"Message\":\"The request is invalid.\",\"ModelState\":{\"model.CardType\":[\"Error converting.\"]}}";
        let Outcome::Refused(told) = sorted(400, body) else { panic!() };
        assert_eq!(told.description.unwrap(), "The request is invalid. model.CardType: Error converting.");
    }

    const PAGE: &str = "<!DOCTYPE html><html>";
    const WORDS: &str = "{\"Message\":\"User not found.\"}";

    #[test]
    fn an_answer_about_this_entry_refuses_it_in_its_own_words() {
        for status in [400, 404, 409, 410, 412, 413, 422] {
            let Outcome::Refused(told) = sorted(status, WORDS) else { panic!("{status}") };
            assert_eq!(told.description.as_deref(), Some("User not found."), "{status}");
            assert!(matches!(sorted(status, "<Error><Message>User not found.</Message></Error>"), Outcome::Refused(_)), "{status}");
            assert!(matches!(sorted(status, ""), Outcome::Later { .. }), "without words it is like a fault of the server's: {status}");
        }
        assert!(matches!(sorted(402, WORDS), Outcome::Later { .. }));
    }

    #[test]
    fn a_call_that_is_itself_at_fault_stops_every_entry_and_names_the_address() {
        let no_such_call = "{\"Message\":\"No HTTP resource was found that matches the request URI.\"}";
        let detail = "{\"Message\":\"x\",\"MessageDetail\":\"No type was found that matches the controller named 'Users'.\"}";
        let mut stopped = vec![(404, no_such_call), (404, detail)];
        stopped.extend([301, 302, 405, 406, 415].map(|status| (status, WORDS)));
        stopped.extend([400, 404, 409, 413, 422].map(|status| (status, PAGE)));
        for (status, body) in stopped {
            let Outcome::Stopped { why } = sorted(status, body) else { panic!("{status} {body}") };
            assert!(why.contains("base_url"), "{why}");
        }
        assert!(matches!(sorted(407, WORDS), Outcome::Stopped { .. }));
    }

    #[test]
    fn the_other_statuses_are_sorted_by_what_can_be_done() {
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(sorted(status, PAGE), Outcome::Later { .. }), "{status}");
            assert!(matches!(sorted(status, WORDS), Outcome::Later { .. }), "{status}");
        }
        assert!(matches!(sorted(429, PAGE), Outcome::Away { .. }));
        for status in [401, 403] {
            assert!(matches!(sorted(status, WORDS), Outcome::Denied { .. }) && matches!(sorted(status, PAGE), Outcome::Denied { .. }));
        }
    }

    #[test]
    fn xml_says_the_same_as_json() {
        let result = |code: &str, value: &str| {
            sorted(
                200,
                &format!(
                    "<ResultWithGuid xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" \
                     xmlns=\"http://schemas.datacontract.org/2004/07/APIWebRole.Controllers\">\
                     <Description>a &lt; b &#233;</Description><HttpStatusCode>OK</HttpStatusCode>\
                     <ResultCode>{code}</ResultCode>{value}</ResultWithGuid>"
                ),
            )
        };
        let value = "<Value>dddd4d04-131d-4614-bf4b-553a7b803994</Value>";
        let Outcome::Accepted(told) = result("0", value) else { panic!() };
        assert_eq!(told.description.unwrap(), "a < b é");
        assert!(matches!(result("5", value), Outcome::Refused(_)));
        assert!(matches!(result("0", "<Value i:nil=\"true\"/>"), Outcome::Unclear { .. }));
        assert!(matches!(result("zero", value), Outcome::Later { .. }));
        assert!(matches!(sorted(200, "<html><ResultCode>0</ResultCode></html>"), Outcome::Later { .. }));
        assert!(matches!(sorted(200, "<Result><ResultCode>0</ResultCode>"), Outcome::Later { .. }));
        for root in ["SearchResults", "ResultPage", "Answer"] {
            let named = format!("<{root}><ResultCode>0</ResultCode>{value}</{root}>");
            assert!(matches!(sorted(200, &named), Outcome::Later { .. }), "{root} is another thing");
        }
        let update =
            sort_write(200, b"<Result><ResultCode>0</ResultCode></Result>", terms(&SuccessCodes::Listed(vec![0])), Answers::Nothing);
        assert!(matches!(update, Outcome::Accepted(_)), "an update answers no key");
        let error =
            "<Error><Message>The request is invalid.</Message><ModelState><model.CardType>Error.</model.CardType></ModelState></Error>";
        let Outcome::Refused(told) = sorted(400, error) else { panic!() };
        assert_eq!(told.description.unwrap(), "The request is invalid. model.CardType: Error.");
    }

    #[test]
    fn a_nesting_too_deep_for_an_answer_is_not_understood() {
        for (open, close) in [("[", "]"), ("{\"ResultCode\":", "}"), ("<Result>", "</Result>")] {
            let body = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
            assert!(matches!(sorted(200, &body), Outcome::Later { .. }), "{open}");
        }
    }

    #[test]
    fn a_secret_that_is_repeated_is_blotted_out() {
        let echo = "{\"Message\":\"Error converting value 90417.\"}";
        let Outcome::Refused(told) = sorted(400, echo).without(&[&Secret::new("90417")]) else { panic!() };
        assert_eq!(told.description.unwrap(), "Error converting value •••.");
    }

    #[test]
    fn the_read_back_is_read_tolerantly_and_as_a_whole() {
        let user = Uuid::from_u128(7);
        let shown = |body: &str| sort_cards(200, body.as_bytes(), user, terms(&SuccessCodes::Listed(vec![0])));
        let numbers = |cards: Cards| {
            let Cards::Shown(cards) = cards else { panic!("{cards:?}") };
            cards.iter().map(|card| (card.card_type, card.internal_card_number, card.card_id)).collect::<Vec<_>>()
        };
        let json = r#"{"UserId":"x","Cards":[{"CardType":"3","InternalCardNumber":4567,"CardId":7}]}"#;
        assert_eq!(numbers(shown(json)), [(Some(3), Some(4567), None)]);
        let card = "<PersonCardViewModel><CardType>3</CardType><InternalCardNumber>4567</InternalCardNumber></PersonCardViewModel>";
        let xml = |cards: &str| shown(&format!("<PersonCardAndUserIdViewModel><Cards>{cards}</Cards></PersonCardAndUserIdViewModel>"));
        assert_eq!(numbers(xml(card)), [(Some(3), Some(4567), None)]);
        assert_eq!(numbers(xml(&card.repeat(2))).len(), 2);
        assert_eq!(numbers(xml("")).len(), 0);
        let other = "{\"UserId\":\"0f83442e-a446-4577-8cdd-8ffdd51ab9c1\",\"Cards\":[]}";
        assert_eq!(numbers(shown("{\"cards\":[],\"ResultCode\":0}")).len(), 0);
        let nil = "<V xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><Cards i:nil=\"true\"/></V>";
        let refused = "{\"ResultCode\":3,\"Cards\":[]}";
        let null = ["{\"Cards\":null}", "{\"ResultCode\":3,\"Cards\":null}", nil];
        for unreadable in
            ["<html>", "{}", "{\"UserId\":null}", "{\"Cards\":[7]}", "{\"Cards\":{}}", "[]", other, refused].iter().chain(&null)
        {
            assert!(matches!(shown(unreadable), Cards::Later { .. }), "{unreadable}");
        }
        let codes = terms(&SuccessCodes::Any);
        assert!(matches!(sort_cards(404, b"", user, codes), Cards::Unavailable { .. }));
        assert!(matches!(sort_cards(429, b"", user, codes), Cards::Away { .. }));
    }
}
