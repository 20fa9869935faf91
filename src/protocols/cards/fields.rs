//! The fields of a card format's file: names for the drawing's letters, and what their numbers can be.
//!
//! In: the letters with their bits, and the tables that speak of them. Out: fields, and a finding for every letter that is
//! not drawn, not named, or given what its width cannot hold.

use toml_span::{Span, Value, value::ValueInner};

use super::text;
use crate::{
    decode::{field::Field, format::MAX_FIELDS, keypad},
    sheet::{At, Keys},
};

/// The tables and lists that name letters: read for a file that is broken elsewhere too, so that no key of them is unknown.
const LISTS: [&str; 4] = ["bcd", "hex", "dates", "last_byte_first"];
const TABLES: [&str; 8] = ["fields", "order", "require", "least", "most", "add", "xor", "keys"];

/// A letter with its bits, most significant first.
pub(super) type Letters = Vec<(char, Box<[usize]>)>;

type Named<'a> = Vec<(At<String>, Value<'a>)>;

/// A letter's field.
pub(super) type Lettered = (char, Field);

/// Passes over what cannot be judged without a drawing.
pub(super) fn pass_over(keys: &mut Keys<'_, '_>) {
    for list in LISTS {
        drop(keys.texts(list));
    }
    for table in TABLES {
        drop(keys.table(table).map(|mut table| table.rest()));
    }
}

/// The fields of these letters. In a track every letter is decimal digits, but those that `hex` names.
pub(super) fn read(keys: &mut Keys<'_, '_>, letters: &Letters, is_track: bool) -> Vec<Lettered> {
    let [bcd, hex, dates, last_byte_first] = LISTS.map(|list| keys.texts(list));
    let [names, orders, required, least, most, add, xor, pressed] =
        TABLES.map(|table| keys.table(table).map(|mut table| (table.span(), table.rest())));
    let Some((span, names)) = names else {
        keys.missing("fields");
        return Vec::new();
    };
    let mut fields = named(keys, letters, names);
    for (letter, _) in letters.iter().filter(|(letter, _)| !fields.iter().any(|(known, _)| known == letter)) {
        keys.complain(span, format!("the layout's `{letter}` has no name; add {letter} = \"…\" under [fields]"));
    }
    if fields.len() > MAX_FIELDS {
        keys.complain(span, format!("{} fields are more than the {MAX_FIELDS} a format can have", fields.len()));
    }
    for (_, field) in fields.iter_mut().filter(|(letter, _)| is_track && !hex.iter().any(|hex| hex.value == letter.to_string())) {
        field.bcd = true;
    }
    listed(keys, &mut fields, "hex", hex, |_, _| true);
    listed(keys, &mut fields, "bcd", bcd, |field, span| digits(keys, field, span));
    listed(keys, &mut fields, "dates", dates, |field, _| {
        field.date = true;
        true
    });
    listed(keys, &mut fields, "last_byte_first", last_byte_first, |field, _| turn_bytes(field));
    reorder(keys, &mut fields, rest(orders));
    whole(keys, &mut fields, "xor", rest(xor), |field, value| field.xor = value);
    shift(keys, &mut fields, rest(add));
    whole(keys, &mut fields, "least", rest(least), |field, value| field.least = Some(value));
    whole(keys, &mut fields, "most", rest(most), |field, value| field.most = Some(value));
    whole(keys, &mut fields, "require", rest(required), |field, value| field.required = Some(value));
    key_table(keys, &mut fields, pressed);
    widths(keys, &fields, span);
    fields
}

fn rest(table: Option<(Span, Named<'_>)>) -> Named<'_> {
    table.map(|(_, rest)| rest).unwrap_or_default()
}

/// `[fields]`: a name for each letter.
fn named(keys: &Keys<'_, '_>, letters: &Letters, names: Named<'_>) -> Vec<Lettered> {
    let mut fields = Vec::new();
    for (letter, mut value) in names {
        let Some(name) = text(value.take()) else {
            keys.complain(value.span, format!("`fields.{}` must be a field's name in quotes", letter.value));
            continue;
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            keys.complain(value.span, format!("`{name}` is no field name; use small letters, digits and _"));
        }
        match letters.iter().find(|(drawn, _)| letter.value == drawn.to_string()) {
            Some((drawn, positions)) => fields.push((*drawn, Field::new(&name, positions.clone()))),
            None => keys.complain(letter.span, format!("`{}` is no letter of the layout; draw it, or remove this line", letter.value)),
        }
    }
    fields
}

/// A list of letters: each is a field's, and `set` says whether its width can bear it.
fn listed(keys: &Keys<'_, '_>, fields: &mut [Lettered], list: &str, letters: Vec<At<String>>, set: impl Fn(&mut Field, Span) -> bool) {
    for letter in letters {
        match fields.iter_mut().find(|(known, _)| letter.value == known.to_string()) {
            Some((_, field)) => {
                let width = field.positions.len();
                if !set(field, letter.span) {
                    keys.complain(letter.span, format!("`{list}` cannot be said of `{}`, which has {width} bits", letter.value));
                }
            }
            None => keys.complain(letter.span, format!("`{list}` names `{}`, which is no letter of [fields]", letter.value)),
        }
    }
}

fn digits(keys: &Keys<'_, '_>, field: &mut Field, span: Span) -> bool {
    field.bcd = true;
    let width = field.positions.len();
    if !width.is_multiple_of(4) {
        keys.complain(span, format!("{} has {width} bits; decimal digits take four bits each", field.name));
    }
    true
}

fn turn_bytes(field: &mut Field) -> bool {
    let bytes: Vec<&[usize]> = field.positions.chunks(8).collect();
    let is_whole = field.positions.len().is_multiple_of(8);
    field.positions = bytes.into_iter().rev().flatten().copied().collect();
    is_whole
}

/// `[order]`: the positions of a letter's bits, most significant first, where they are not in the order drawn.
fn reorder(keys: &Keys<'_, '_>, fields: &mut [Lettered], orders: Named<'_>) {
    for (letter, mut value) in orders {
        let span = value.span;
        let ValueInner::Array(items) = value.take() else {
            keys.complain(span, format!("`order.{}` must be a list of bit positions", letter.value));
            continue;
        };
        let order: Box<[usize]> =
            items.iter().map(|item| item.as_integer().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX)).collect();
        let Some((_, field)) = fields.iter_mut().find(|(known, _)| letter.value == known.to_string()) else {
            keys.complain(letter.span, format!("`order` names `{}`, which is no letter of [fields]", letter.value));
            continue;
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted == field.positions {
            field.positions = order;
        } else {
            keys.complain(span, format!("`order.{}` must name each of its bits {:?} once", letter.value, field.positions));
        }
    }
}

/// A table of whole numbers: the one value, the least, the largest, or the bits turned over.
fn whole(keys: &Keys<'_, '_>, fields: &mut [Lettered], key: &str, table: Named<'_>, set: impl Fn(&mut Field, u64)) {
    for (letter, value) in table {
        let field = fields.iter_mut().find(|(known, _)| letter.value == known.to_string());
        let wanted = value.as_integer().and_then(|wanted| u64::try_from(wanted).ok());
        match (field, wanted) {
            (Some((_, field)), Some(wanted)) if u128::from(wanted) <= field.max() => set(field, wanted),
            (Some((_, field)), _) => {
                keys.complain(value.span, format!("`{key}.{}` must be a whole number of at most {}", letter.value, field.max()));
            }
            (None, _) => keys.complain(letter.span, format!("`{key}` names `{}`, which is no letter of [fields]", letter.value)),
        }
    }
}

/// `[add]`: what is added to a letter's bits, or, with a minus, taken from them.
fn shift(keys: &Keys<'_, '_>, fields: &mut [Lettered], table: Named<'_>) {
    for (letter, value) in table {
        match (fields.iter_mut().find(|(known, _)| letter.value == known.to_string()), value.as_integer()) {
            (Some((_, field)), Some(add)) => field.add = add,
            (Some(_), None) => keys.complain(value.span, format!("`add.{}` must be a whole number", letter.value)),
            (None, _) => keys.complain(letter.span, format!("`add` names `{}`, which is no letter of [fields]", letter.value)),
        }
    }
}

/// `[keys]`: the number that each key of a keypad sends.
fn key_table(keys: &Keys<'_, '_>, fields: &mut [Lettered], table: Option<(Span, Named<'_>)>) {
    let Some((span, table)) = table else { return };
    let Some((_, field)) = fields.iter_mut().find(|(_, field)| &*field.name == "key") else {
        keys.complain(span, "`keys` says what a field named `key` sends, and there is none".to_owned());
        return;
    };
    let mut pressed = Vec::new();
    for (key, value) in table {
        let number = keypad::number(&key.value);
        let sent = value.as_integer().and_then(|sent| u64::try_from(sent).ok()).filter(|sent| u128::from(*sent) <= field.widest());
        match (number, sent) {
            (Some(number), Some(sent)) if !pressed.iter().any(|(known, _)| *known == sent) => pressed.push((sent, number)),
            (None, _) => keys.complain(key.span, format!("`{}` is no key; the keys are {}", key.value, keypad::KEYS)),
            _ => keys.complain(value.span, format!("`keys.{}` must be a whole number that the key alone sends", key.value)),
        }
    }
    field.keys = pressed.into();
}

fn widths(keys: &Keys<'_, '_>, fields: &[Lettered], span: Span) {
    for (at, (letter, field)) in fields.iter().enumerate() {
        let most = match &*field.name {
            "facility_code" | "issue_code" | "oem_code" => 64,
            _ if field.bcd => 4 * 38,
            _ => 128,
        };
        if field.positions.len() > most {
            keys.complain(span, format!("`{letter}` has {} bits; {} has at most {most}", field.positions.len(), field.name));
        }
        if fields.iter().take(at).any(|(_, before)| before.name == field.name) {
            keys.complain(span, format!("two letters are named {}; one field has one letter", field.name));
        }
        if field.bcd && field.xor != 0 {
            keys.complain(span, format!("`{letter}` is decimal digits; `xor` turns over the bits of a binary number"));
        }
        if field.min() > field.max() {
            keys.complain(span, format!("`{letter}` can have no value at all: its least is {} and its most {}", field.min(), field.max()));
        }
    }
}
