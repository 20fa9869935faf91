//! XML, as far as the API uses it.
//!
//! In: the bytes of a body, or an answer as a tree of values. Out: its elements in their order, flat, for no body of the API is deeper;
//! or the text of the answer. Documents with a DTD are refused, as ASP.NET refuses them. It knows no model.

use std::{borrow::Cow, fmt::Write};

use quick_xml::{
    NsReader,
    escape::resolve_predefined_entity,
    events::Event,
    name::{Namespace, ResolveResult},
};
use serde_json::Value;

/// No body that ASP.NET reads is deeper.
const DEEPEST: usize = 256;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A body.
pub struct Root {
    pub name: String,
    pub namespace: String,
    pub children: Vec<Child>,
}

/// What stands in a root, white space and comments aside.
pub enum Child {
    Element(Element),
    Text,
}

/// An element of a body.
pub struct Element {
    pub name: String,
    pub namespace: String,
    pub content: Content,
}

pub enum Content {
    Text(String),
    /// `i:nil="true"`
    Nil,
    /// Elements, where the API knows none.
    Elements,
}

/// How a model looks in XML: the names that JSON does not need.
pub struct Shape {
    pub root: Cow<'static, str>,
    /// Empty: none, and no null can be said.
    pub namespace: &'static str,
    /// The element of each item of a list. Empty: a list is written as one text.
    pub item: Cow<'static, str>,
    /// The members of derived classes, which follow those of the base class. All others are sorted.
    pub tail: &'static [&'static str],
}

/// Takes a document apart, or says why it is none.
pub fn parse(body: &[u8]) -> Result<Root, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("The body is not UTF-8: {error}."))?;
    let text = text.trim_start_matches('\u{feff}');
    if let Some(encoding) = declared(text).filter(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
        return Err(format!("The body is UTF-8, and its declaration says {encoding}."));
    }
    read(text).map_err(|error| format!("The body is not XML: {error}."))
}

/// A body under parsing.
#[derive(Default)]
struct Parsing {
    root: Option<Root>,
    /// How many elements are open.
    depth: usize,
    /// What stands in the root beside its elements, and has not come to its end.
    loose: String,
}

fn read(text: &str) -> Result<Root, String> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut parsing = Parsing::default();
    loop {
        // The parser's own words may tell a secret back.
        let at = reader.buffer_position();
        let broken = || format!("it is ill-formed at byte {at}");
        let (namespace, event) = reader.read_resolved_event().map_err(|_| broken())?;
        match event {
            Event::Start(start) => {
                let namespace = bound(&namespace)?;
                let mut is_nil = false;
                for attribute in start.attributes() {
                    let attribute = attribute.map_err(|_| broken())?;
                    let (of, name) = reader.resolver().resolve_attribute(attribute.key);
                    is_nil |= bound(&of)? == INSTANCE && name.as_ref() == "nil" && matches!(attribute.value.trim(), "true" | "1");
                }
                parsing.start(start.local_name().as_ref().to_owned(), namespace, is_nil)?;
            }
            Event::End(_) => {
                parsing.end_text();
                parsing.depth -= 1;
            }
            Event::Text(more) => parsing.text(&more.xml10_content())?,
            Event::CData(more) => parsing.text(&more.xml10_content())?,
            Event::GeneralRef(reference) => {
                let named = || resolve_predefined_entity(&reference).map(ToOwned::to_owned);
                let text = reference.resolve_char_ref().map_err(|_| broken())?.map(String::from).or_else(named);
                parsing.text(&text.ok_or("it names an entity that is not known")?)?;
            }
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::Eof => return parsing.root.filter(|_| parsing.depth == 0).ok_or_else(|| "it ends too early".to_owned()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

impl Parsing {
    fn start(&mut self, name: String, namespace: String, is_nil: bool) -> Result<(), String> {
        self.end_text();
        match (&mut self.root, self.depth) {
            (root @ None, _) => *root = Some(Root { name, namespace, children: Vec::new() }),
            (Some(_), 0) => return Err("it has a second root".to_owned()),
            (Some(_), DEEPEST..) => return Err(format!("it is more than {DEEPEST} elements deep")),
            (Some(root), 1) => {
                let content = if is_nil { Content::Nil } else { Content::Text(String::new()) };
                root.children.push(Child::Element(Element { name, namespace, content }));
            }
            (Some(root), _) => {
                if let Some(Child::Element(Element { content: content @ Content::Text(_), .. })) = root.children.last_mut() {
                    *content = Content::Elements;
                }
            }
        }
        self.depth += 1;
        Ok(())
    }

    fn text(&mut self, more: &str) -> Result<(), String> {
        if more.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r') && u32::from(c) < 0x20) {
            return Err("it holds a control character".to_owned());
        }
        match (self.depth, self.root.as_mut().and_then(|root| root.children.last_mut())) {
            (0, _) if !more.trim().is_empty() => return Err("text stands beside its root".to_owned()),
            (1, _) => self.loose.push_str(more),
            (2, Some(Child::Element(Element { content: Content::Text(text), .. }))) => text.push_str(more),
            _ => {}
        }
        Ok(())
    }

    fn end_text(&mut self) {
        let is_text = !std::mem::take(&mut self.loose).trim().is_empty();
        if let Some(root) = self.root.as_mut().filter(|_| is_text) {
            root.children.push(Child::Text);
        }
    }
}

/// The namespace of a name; empty where it has none.
fn bound(namespace: &ResolveResult<'_>) -> Result<String, String> {
    match namespace {
        ResolveResult::Bound(Namespace(namespace)) => Ok((*namespace).to_owned()),
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Unknown(_) => Err("a prefix stands for no namespace".to_owned()),
    }
}

/// The encoding of the XML declaration. A wrong one stops the real reader too, and this parser would not see it.
fn declared(text: &str) -> Option<&str> {
    let (declaration, _) = text.strip_prefix("<?xml ")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    value.split(['"', '\'']).nth(1)
}

/// Writes a body again as it was read, with other words for some elements. Attributes and comments are left out.
pub fn retold(root: &Root, told: impl Fn(&str) -> Option<&'static str>) -> String {
    let mut text = String::new();
    open(&mut text, &root.name, &root.namespace);
    for child in &root.children {
        let Child::Element(element) = child else {
            text.push_str("(text)");
            continue;
        };
        let strange = element.namespace != root.namespace;
        match strange {
            true => open(&mut text, &element.name, &element.namespace),
            false => text.extend(["<", &element.name, ">"]),
        }
        match (&element.content, told(&element.name)) {
            (Content::Nil, _) => text.push_str("(nil)"),
            (_, Some(words)) => text.push_str(words),
            (Content::Elements, None) => text.push_str("(elements)"),
            (Content::Text(content), None) => escape(&mut text, content),
        }
        text.extend(["</", &element.name, ">"]);
    }
    text.extend(["</", &root.name, ">"]);
    text
}

fn open(text: &mut String, name: &str, namespace: &str) {
    text.extend(["<", name, " xmlns=\""]);
    escape(text, namespace);
    text.push_str("\">");
}

/// Writes a model.
pub fn write(shape: &Shape, model: &Value) -> Vec<u8> {
    let mut text = String::new();
    text.extend(["<", &shape.root]);
    if !shape.namespace.is_empty() {
        text.extend([" xmlns:i=\"", INSTANCE, "\" xmlns=\"", shape.namespace, "\""]);
    }
    text.push('>');
    write_content(&mut text, shape, model);
    text.extend(["</", &shape.root, ">"]);
    text.into_bytes()
}

fn write_content(text: &mut String, shape: &Shape, value: &Value) {
    match value {
        Value::Object(members) => {
            let in_tail = |name: &str| shape.tail.contains(&name);
            let base = members.iter().filter(|(name, _)| !in_tail(name));
            let derived = shape.tail.iter().filter_map(|name| members.get_key_value(*name));
            base.chain(derived).for_each(|(name, value)| write_element(text, shape, &encoded(name), value));
        }
        Value::Array(items) if shape.item.is_empty() => items.iter().for_each(|item| write_content(text, shape, item)),
        Value::Array(items) => items.iter().for_each(|item| write_element(text, shape, &shape.item, item)),
        Value::String(content) => escape(text, content),
        Value::Null => {}
        plain => text.push_str(&plain.to_string()),
    }
}

fn write_element(text: &mut String, shape: &Shape, name: &str, value: &Value) {
    if value.is_null() {
        text.extend(["<", name, " i:nil=\"true\"/>"]);
        return;
    }
    text.extend(["<", name, ">"]);
    write_content(text, shape, value);
    text.extend(["</", name, ">"]);
}

/// A name as .NET's `EncodeLocalName` writes it: what no name can hold becomes `_x0020_`.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for (at, character) in name.chars().enumerate() {
        let first = character.is_alphabetic() || character == '_';
        match first || (at > 0 && (character.is_numeric() || matches!(character, '.' | '-'))) {
            true => text.push(character),
            false => write!(text, "_x{:04X}_", u32::from(character)).unwrap_or_default(),
        }
    }
    text
}

/// Text as a .NET writer escapes it. A control character becomes a reference, which strict readers refuse; so does .NET's.
fn escape(text: &mut String, content: &str) {
    for character in content.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\n' | '\t' => text.push(character),
            control if control.is_control() => write!(text, "&#x{:X};", u32::from(control)).unwrap_or_default(),
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_those_of_a_derived_class_follow() {
        let shape = Shape { root: "R".into(), namespace: "n", item: "I".into(), tail: &["A"] };
        let model = json!({"A": 1, "b": null, "C": [{"A": "<&>\"é😀\u{1}"}], "D": true});
        let wanted = "<R xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"n\"><C><I><A>&lt;&amp;&gt;&quot;é😀&#x1;</A></I></C>\
                      <D>true</D><b i:nil=\"true\"/><A>1</A></R>";
        assert_eq!(String::from_utf8(write(&shape, &model)).as_deref(), Ok(wanted));
    }

    #[test]
    fn names_that_xml_has_not_are_encoded() {
        assert_eq!(encoded("model.User Id<1"), "model.User_x0020_Id_x003C_1");
        assert_eq!(encoded("1é"), "_x0031_é");
    }

    #[test]
    fn no_document_brings_the_parser_down() {
        const UTF_16: &str = "<?xml version=\"1.0\" encoding='utf-16'?><a/>";
        let deep = "<a>".repeat(200_000);
        for body in ["", "<a", "<a></b>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a/><b/>", "text", UTF_16, deep.as_str()] {
            assert!(parse(body.as_bytes()).is_err(), "{}", body.get(..30).unwrap_or(body));
        }
        assert!(parse(b"<a>\xff</a>").is_err());
        let nested = |count: usize| format!("{}{}", "<a>".repeat(count), "</a>".repeat(count));
        assert!(parse(nested(256).as_bytes()).is_ok_and(|root| root.children.len() == 1));
        assert!(parse(nested(200_000).as_bytes()).is_err());
    }
}
