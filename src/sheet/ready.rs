//! A file that was read when the program was built: its values once more, out of JSON, in a fraction of the time that TOML takes.
//!
//! In: what the build script wrote of a file. Out: the same values; none knows its place, but that keys stand in their order. Never: a
//! file of a site's own.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use toml_span::{
    Span, Value,
    value::{Key, Table, ValueInner},
};

/// The values of a file; none where this is not what the build script writes.
pub(super) fn read(values: &str) -> Option<Value<'_>> {
    serde_json::from_str(values).ok().map(|Ready(value)| value)
}

struct Ready<'de>(Value<'de>);

impl<'de> Deserialize<'de> for Ready<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(|value| Self(Value::new(value)))
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = ValueInner<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of TOML")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(ValueInner::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(ValueInner::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(ValueInner::Integer).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(ValueInner::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(ValueInner::String(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(ValueInner::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Ready(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(ValueInner::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut table = Table::new();
        while let Some((name, Ready(value))) = entries.next_entry::<&'de str, _>()? {
            let at = table.len();
            table.insert(Key { name: Cow::Borrowed(name), span: Span::new(at, at) }, value);
        }
        Ok(ValueInner::Table(table))
    }
}
