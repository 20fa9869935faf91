//! XML, as DataContractSerializer reads and writes it.
//!
//! In: members in the order of their contract; or the text of a document. Out: the elements; or a tree of members. Never: an
//! element for what is absent, an entity from outside, or a tree deeper than [`DEEPEST`].

use quick_xml::{
    Reader, Writer,
    escape::{escape, resolve_predefined_entity},
    events::{BytesEnd, BytesStart, BytesText, Event, attributes::Attribute},
};
use serde_json::{Map, Value};

use super::{Contract, WireError, names::ENUMERATIONS};
use crate::access::members::NoMembers;

const CONTRACTS: &str = "http://schemas.datacontract.org/2004/07/";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// No answer of BluSKY's is half as deep.
const DEEPEST: usize = 64;

/// Writes a document.
pub(super) fn write(contract: Contract, members: &[(String, Value)]) -> Result<Vec<u8>, WireError> {
    let failed = |error: std::io::Error| WireError::from(NoMembers(error.to_string()));
    let mut writer = Writer::new(Vec::new());
    let namespace = format!("{CONTRACTS}{}", contract.namespace);
    let root = BytesStart::new(contract.name).with_attributes([("xmlns:i", INSTANCE), ("xmlns", namespace.as_str())]);
    writer.write_event(Event::Start(root)).map_err(failed)?;
    for (name, value) in members {
        if value.is_null() {
            continue;
        }
        let text = text(name, value)?;
        writer.write_event(Event::Start(BytesStart::new(name))).map_err(failed)?;
        writer.write_event(Event::Text(BytesText::from_escaped(text))).map_err(failed)?;
        writer.write_event(Event::End(BytesEnd::new(name))).map_err(failed)?;
    }
    writer.write_event(Event::End(BytesEnd::new(contract.name))).map_err(failed)?;
    Ok(writer.into_inner())
}

fn text(name: &str, value: &Value) -> Result<String, WireError> {
    match value {
        Value::String(text) if text.chars().any(is_unwritable) => Err(WireError::Control(name.to_owned())),
        // A carriage return is escaped as well: a reader takes a bare one for a line feed.
        Value::String(text) => Ok(escape(text).into_owned()),
        Value::Number(number) if ENUMERATIONS.iter().any(|(member, ..)| *member == name) => {
            let named = ENUMERATIONS.iter().find(|(member, value, _)| *member == name && number.as_i64() == Some(*value));
            let unknown = || WireError::NoName { member: name.to_owned(), value: number.to_string() };
            named.map(|(.., text)| (*text).to_owned()).ok_or_else(unknown)
        }
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(NoMembers(format!("{name} is no simple member")).into()),
    }
}

/// What XML 1.0 has no form for, not even an escaped one.
fn is_unwritable(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// An element under reading.
struct Open {
    name: String,
    nil: bool,
    text: String,
    children: Vec<(String, Value)>,
}

/// Reads a document: the name of its root, and the root as a tree. Texts stay texts; what is nil is null.
pub(super) fn read(text: &str) -> Option<(String, Value)> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if root.is_none() && open.len() < DEEPEST => open.push(Open {
                name: start.local_name().as_ref().to_owned(),
                nil: start.attributes().flatten().any(|attribute| is_nil(&attribute)),
                text: String::new(),
                children: Vec::new(),
            }),
            Event::Start(_) => return None,
            Event::End(_) => {
                let Open { name, nil, text, children } = open.pop()?;
                let value = if nil { Value::Null } else { value(text, children) };
                match open.last_mut() {
                    Some(parent) => parent.children.push((name, value)),
                    None => root = Some((name, value)),
                }
            }
            Event::Text(more) => push(&mut open, &more.xml10_content()),
            Event::CData(more) => push(&mut open, &more.xml10_content()),
            Event::GeneralRef(reference) => {
                let named = || resolve_predefined_entity(&reference).map(ToOwned::to_owned);
                let text = reference.resolve_char_ref().ok()?.map(String::from).or_else(named)?;
                push(&mut open, &text);
            }
            Event::Eof => return root.filter(|_| open.is_empty()),
            // A document type would be the first step to entities; BluSKY's answers have none.
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

fn push(open: &mut [Open], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn is_nil(attribute: &Attribute<'_>) -> bool {
    attribute.key.local_name().as_ref() == "nil" && matches!(&*attribute.value, "true" | "1")
}

/// An element without children is its text; one with children is an object, in which elements of one name are an array.
fn value(text: String, children: Vec<(String, Value)>) -> Value {
    if children.is_empty() {
        return Value::String(text);
    }
    let mut members = Map::new();
    for (name, value) in children {
        match members.get_mut(&name) {
            None => drop(members.insert(name, value)),
            Some(Value::Array(several)) => several.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members)
}
