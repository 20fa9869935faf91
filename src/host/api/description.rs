//! The description of the API: what its calls, and the types that they take and answer, say of themselves.
//!
//! In: the calls, each described where it is written. Out: an OpenAPI 3.1 document, which stands in `openapi.json` and is told from there;
//! a test holds the file against the calls. Never: a word about one call or one type.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        SecurityRequirement,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
    },
};

use super::{body::Failed, calls, cards, orders, outbox, people, station, stream};

/// The description as the station tells it. The code that makes it is much larger, and only a test runs it.
pub(super) const DESCRIPTION: &str = include_str!("openapi.json");

/// The description, made of what the calls and their types say of themselves.
#[must_use]
pub fn described() -> Value {
    let document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    described_in_full(document)
}

/// The calls, and what stands above them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "cardbridge station",
        version = "1",
        description = "The only way in to a station: HTTP with JSON and server-sent events. On the Unix socket beside the store who \
                       orders is told by the socket, and the header Cardbridge-As gives a name beside it. Where the site has a page, \
                       the same calls stand at its address, for whoever has signed in there. A body is 64 KiB at most."
    ),
    paths(
        station::station,
        station::metrics,
        super::hand_over,
        stream::notices,
        orders::order,
        orders::state,
        orders::withdraw,
        orders::answer,
        calls::call,
        outbox::list,
        outbox::deliver,
        outbox::show,
        outbox::retry,
        outbox::discard,
        outbox::undo,
        outbox::holders,
        people::search,
        cards::cards,
        super::openapi,
    ),
    components(schemas(Failed)),
    modifiers(&Session)
)]
struct Described;

/// Who asks over the page's address has signed in there; who asks over the socket need not.
struct Session;

impl Modify for Session {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let half = |name, words| ApiKeyValue::with_description(name, words);
        let cookie = ApiKey::Cookie(half("cardbridge_desk", "At the page's address: one half of a session"));
        let key = ApiKey::Header(half("Cardbridge-Desk", "At the page's address: the other half"));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
        components.add_security_scheme("key", SecurityScheme::ApiKey(key));
        let none: [&str; 0] = [];
        let session = SecurityRequirement::new("cookie", none).add("key", none);
        document.security = Some(vec![SecurityRequirement::default(), session]);
    }
}

/// Adds what holds for all calls and types alike.
fn described_in_full(mut document: Value) -> Value {
    let refused = json!({
        "description": "It was not done, and why",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}},
    });
    let mut taken = BTreeSet::new();
    for call in members_mut(document.get_mut("paths")).flat_map(|(_, path)| members_mut(Some(path))).map(|(_, call)| call) {
        for status in ["4XX", "503"] {
            if let Some(answers) = call.get_mut("responses").and_then(Value::as_object_mut) {
                answers.insert(status.to_owned(), json!({"$ref": "#/components/responses/Failed"}));
            }
        }
        call.get("requestBody").into_iter().for_each(|body| names(body, &mut taken));
    }
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let mut reached = BTreeSet::new();
    while let Some(name) = taken.pop_first() {
        schemas.get(&name).into_iter().for_each(|schema| names(schema, &mut taken));
        reached.insert(name);
        taken.retain(|name| !reached.contains(name));
    }
    for (name, schema) in members_mut(document.pointer_mut("/components/schemas")) {
        if !reached.contains(name) {
            each(schema, &mut always_there);
        }
    }
    each(&mut document, &mut in_its_bounds);
    each(&mut document, &mut on_one_line);
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), json!({"Failed": refused}));
    }
    document
}

/// The types that a part of the document names.
fn names(part: &Value, found: &mut BTreeSet<String>) {
    let own = part.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/components/schemas/"));
    found.extend(own.map(ToOwned::to_owned));
    match part {
        Value::Object(members) => members.values().for_each(|part| names(part, found)),
        Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
        _ => {}
    }
}

/// A member of an answer that can be null is there then too. What is left out is not called nullable, and a member of a body can be both.
fn always_there(schema: &mut Value) {
    let is_null = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "null");
    let can_be_null = |schema: &Value| {
        let kinds = schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
        kinds || schema.get("oneOf").and_then(Value::as_array).is_some_and(|parts| parts.iter().any(is_null))
    };
    let members = schema.get("properties").and_then(Value::as_object);
    let there: Vec<Value> = members.into_iter().flatten().filter(|(_, schema)| can_be_null(schema)).map(|(name, _)| json!(name)).collect();
    if let (false, Some(members)) = (there.is_empty(), schema.as_object_mut())
        && let Some(required) = members.entry("required").or_insert(json!([])).as_array_mut()
    {
        required.extend(there);
        required.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        required.dedup();
    }
}

/// Says how large an integer can be, and of a text or null that only the text has a form.
fn in_its_bounds(schema: &mut Value) {
    let kinds: Vec<String> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(kinds) => serde_json::from_value(kinds.clone()).unwrap_or_default(),
        None => return,
    };
    let Some(members) = schema.as_object_mut() else { return };
    let format = members.get("format").and_then(Value::as_str).map(ToOwned::to_owned);
    match (kinds.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), format) {
        (["integer"] | ["integer", "null"], format) => {
            let (format, least, most) = match format.as_deref() {
                Some("u-int8") => ("uint8", json!(0), json!(u8::MAX)),
                Some("u-int32") => ("uint32", json!(0), json!(u32::MAX)),
                Some("int64") => ("int64", json!(i64::MIN), json!(i64::MAX)),
                // Where no width is said it is a count.
                _ => ("uint64", json!(0), json!(u64::MAX)),
            };
            members.insert("format".to_owned(), format.into());
            members.entry("minimum").or_insert(least);
            members.entry("maximum").or_insert(most);
        }
        (["string", "null"], Some(format)) => {
            members.retain(|name, _| name != "type" && name != "format");
            members.insert("anyOf".to_owned(), json!([{"type": "string", "format": format}, {"type": "null"}]));
        }
        _ => {}
    }
}

/// A comment's lines are no lines of what it says.
fn on_one_line(part: &mut Value) {
    for (_, words) in members_mut(Some(part)).filter(|(name, _)| matches!(name.as_str(), "summary" | "description")) {
        if let Value::String(words) = words {
            *words = words.replace('\n', " ");
        }
    }
}

/// Does something to a part of the document and to every part of it.
fn each(part: &mut Value, change: &mut impl FnMut(&mut Value)) {
    change(part);
    match part {
        Value::Object(members) => members.values_mut().for_each(|part| each(part, change)),
        Value::Array(parts) => parts.iter_mut().for_each(|part| each(part, change)),
        _ => {}
    }
}

fn members_mut(part: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    part.and_then(Value::as_object_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs, path::Path};

    use super::*;

    #[test]
    fn what_is_told_is_what_the_calls_say_of_themselves() {
        let described = serde_json::to_string_pretty(&described()).unwrap() + "\n";
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/api/openapi.json");
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&golden, &described).unwrap();
        }
        assert!(described == fs::read_to_string(&golden).unwrap(), "run with UPDATE_EXPECT=1 and look at the difference");
    }

    #[test]
    fn every_call_is_described_and_what_is_described_is_a_call() {
        let described = described();
        let paths = described["paths"].as_object().unwrap().keys().map(String::as_str);
        let calls: BTreeSet<&str> = super::super::calls().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths.collect::<BTreeSet<_>>(), calls);
    }
}
