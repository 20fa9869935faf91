//! What an answer of BluSKY's means.
//!
//! In: status, body and the site's success codes. Out: one of a few outcomes. Never: success where the answer cannot be
//! understood; what is unclear is in doubt, and the read-back decides.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::model::StoredCard;

/// Which result codes mean success: BluSKY's pages do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuccessCodes {
    /// Any code; the read-back decides.
    Any,
    /// These.
    Listed(Vec<i64>),
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// BluSKY took it.
    Accepted(Told),
    /// BluSKY refused it.
    Refused(Told),
    /// BluSKY answered, and it is not clear what.
    Unclear {
        /// What it said.
        told: Told,
        /// The result code is one of success; else no code is known to mean anything.
        listed: bool,
    },
    /// It was not carried out: it never left this machine, or was turned away at the door.
    NotSent {
        /// Why.
        why: String,
    },
    /// It may have arrived; no answer came.
    NoAnswer {
        /// Why.
        why: String,
        /// BluSKY may still be working on it.
        slow: bool,
    },
    /// Not now: a fault of the server's, a page instead of an answer. It may have arrived all the same.
    Later {
        /// Why.
        why: String,
        /// BluSKY may still be working on it.
        slow: bool,
    },
    /// Nothing will go through until somebody acts: a wrong token, a wrong address. It was not carried out.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

/// What an answer says.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// The result code.
    pub result_code: Option<i64>,
    /// BluSKY's own words. They name cards and people: shown and stored, never logged.
    pub description: Option<String>,
    /// The key of what was made.
    pub value: Option<Uuid>,
    /// The former holder, where BluSKY tells it.
    pub previous_user_id: Option<Uuid>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("result_code", &self.result_code).finish_non_exhaustive()
    }
}

/// What the read-back shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cards {
    /// The user's cards.
    Shown(Vec<StoredCard>),
    /// This BluSKY has no such call.
    Unavailable {
        /// Why.
        why: String,
    },
    /// Not now.
    Later {
        /// Why.
        why: String,
    },
    /// Nothing will go through until somebody acts.
    Stopped {
        /// Why, and what to do.
        why: String,
    },
}

/// Sorts the answer to a call that changes something.
#[must_use]
pub fn sort_write(status: u16, body: &[u8], success: &SuccessCodes) -> Outcome {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    match status {
        200..=299 => sort_result(json.as_ref(), success),
        400 => Outcome::Refused(Told { description: Some(bad_request(json.as_ref())), ..Told::default() }),
        401 | 403 => Outcome::Stopped { why: denied(status) },
        429 => Outcome::NotSent { why: "BluSKY answered 429, too many requests".to_owned() },
        408 | 500..=599 => Outcome::Later { why: format!("BluSKY answered {status}"), slow: status == 504 },
        300..=399 => Outcome::Stopped { why: format!("BluSKY answered {status}, a redirection; check blusky.base_url") },
        _ => Outcome::Stopped { why: wrong_address(status, json.as_ref()) },
    }
}

/// Sorts the answer to the read-back.
#[must_use]
pub fn sort_cards(status: u16, body: &[u8]) -> Cards {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    match status {
        200..=299 => match json.as_ref().and_then(|json| json.get("Cards")).and_then(Value::as_array) {
            Some(cards) => Cards::Shown(cards.iter().map(StoredCard::read).collect()),
            None => Cards::Later { why: "the list of the user's cards could not be read".to_owned() },
        },
        404 | 405 | 501 => Cards::Unavailable { why: format!("BluSKY answered {status} when asked for the user's cards") },
        401 | 403 => Cards::Stopped { why: denied(status) },
        _ => Cards::Later { why: format!("BluSKY answered {status} when asked for the user's cards") },
    }
}

fn sort_result(json: Option<&Value>, success: &SuccessCodes) -> Outcome {
    let code = json.and_then(|json| json.get("ResultCode")).and_then(Value::as_i64);
    let (Some(json), Some(code)) = (json, code) else {
        let why = "BluSKY answered with something that is not its answer (a page, or a broken text)".to_owned();
        return Outcome::Later { why, slow: false };
    };
    let guid = |name: &str| json.get(name)?.as_str()?.parse::<Uuid>().ok().filter(|id| !id.is_nil());
    let told = Told {
        result_code: Some(code),
        description: json.get("Description").and_then(Value::as_str).map(ToOwned::to_owned),
        value: guid("Value"),
        previous_user_id: guid("PreviousUserId"),
    };
    match success {
        SuccessCodes::Listed(codes) if !codes.contains(&code) => Outcome::Refused(told),
        SuccessCodes::Listed(_) if told.value.is_some() => Outcome::Accepted(told),
        SuccessCodes::Listed(_) => Outcome::Unclear { told, listed: true },
        SuccessCodes::Any => Outcome::Unclear { told, listed: false },
    }
}

/// The words of a 400: the message and every complaint about a member.
fn bad_request(json: Option<&Value>) -> String {
    let message = json.and_then(|json| json.get("Message")).and_then(Value::as_str).unwrap_or("the request was refused as malformed (400)");
    let state = json.and_then(|json| json.get("ModelState")).and_then(Value::as_object);
    let complaints: Vec<String> = state
        .into_iter()
        .flatten()
        .map(|(member, words)| {
            let words: Vec<&str> = words.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            format!("{member}: {}", words.join(" "))
        })
        .collect();
    if complaints.is_empty() { message.to_owned() } else { format!("{message} {}", complaints.join("; ")) }
}

fn denied(status: u16) -> String {
    format!("BluSKY denies access ({status}): check blusky.token_file, token_header and token_scheme; saved entries wait")
}

fn wrong_address(status: u16, json: Option<&Value>) -> String {
    let words = json.and_then(|json| json.get("Message")).and_then(Value::as_str).unwrap_or("no such call");
    format!("BluSKY answered {status} ({words}): check blusky.base_url; saved entries wait")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(status: u16, body: &str) -> Outcome {
        sort_write(status, body.as_bytes(), &SuccessCodes::Listed(vec![0]))
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
        let any = sort_write(200, format!("{{\"ResultCode\":7,{value}}}").as_bytes(), &SuccessCodes::Any);
        assert!(matches!(any, Outcome::Unclear { .. }));
    }

    #[test]
    fn a_bad_request_tells_every_complaint() {
        let body = "{\"Message\":\"The request is invalid.\",\"ModelState\":{\"model.CardType\":[\"Error converting.\"]}}";
        let Outcome::Refused(told) = sorted(400, body) else { panic!() };
        assert_eq!(told.description.unwrap(), "The request is invalid. model.CardType: Error converting.");
    }

    #[test]
    fn statuses_are_sorted_by_what_can_be_done() {
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(sorted(status, "<html>"), Outcome::Later { .. }), "{status}");
        }
        assert!(matches!(sorted(429, ""), Outcome::NotSent { .. }));
        for status in [401, 403, 302, 404, 405, 415] {
            assert!(matches!(sorted(status, ""), Outcome::Stopped { .. }), "{status}");
        }
    }

    #[test]
    fn the_read_back_is_read_tolerantly() {
        let Cards::Shown(cards) = sort_cards(200, br#"{"UserId":"x","Cards":[{"CardType":"3","InternalCardNumber":4567,"CardId":7}]}"#)
        else {
            panic!()
        };
        assert_eq!((cards[0].card_type, cards[0].internal_card_number, cards[0].card_id), (Some(3), Some(4567), None));
        assert!(matches!(sort_cards(404, b""), Cards::Unavailable { .. }));
        assert!(matches!(sort_cards(200, b"<html>"), Cards::Later { .. }));
    }
}
