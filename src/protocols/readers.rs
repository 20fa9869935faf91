//! Kinds of PC/SC readers: one TOML file each, with samples that prove which slot is which.
//!
//! In: a file's name and text. Out: a [`Model`] or findings with line and column. Only documented commands for lights and
//! sounds are let through.

use super::keyboards::usb_ids;
use crate::{
    card::from_hex,
    reader::Signal,
    sheet::{Keys, Sheet, nearest},
    smartcard::{
        apdu,
        reader::{Model, Slot},
    },
};

/// Reads one file. Findings go to the sheet.
#[must_use]
pub fn read(file: &str, sheet: &Sheet<'_>) -> Option<Model> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let name = keys.text("name");
    let source = keys.text("source");
    let confidence = super::confidence(&mut keys);
    let usb = keys.texts("usb").iter().filter_map(|text| usb_ids(&keys, text)).collect();
    let taken_by = keys.texts("taken_by").into_iter().map(|driver| driver.value).collect();
    let slots: Vec<(String, Slot)> = keys.tables("slot").into_iter().filter_map(slot).collect();
    if slots.is_empty() && sheet.is_clean() {
        keys.missing("[[slot]]");
    }
    let signals = keys.table("signals").map(signals).unwrap_or_default();
    let samples = samples(&mut keys);
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let (id, name, source, confidence) = (id?.value, name?.value, source?.value, confidence?);
    let model = Model { id, name, source, confidence, slots, usb, taken_by, signals, file: file.to_owned() };
    for (name, is, span) in samples {
        if model.slot(&name) != Some(is) {
            let found = model.slot(&name).map_or("nothing", Slot::name);
            sheet.add(span, format!("the sample {name:?} is {found} here, not {}", is.name()));
        }
    }
    sheet.is_clean().then_some(model)
}

fn slot(mut keys: Keys<'_, '_>) -> Option<(String, Slot)> {
    let name = keys.text("name");
    let is = is(&mut keys);
    keys.finish();
    Some((name?.value, is?))
}

fn is(keys: &mut Keys<'_, '_>) -> Option<Slot> {
    let is = keys.text("is")?;
    let found = Slot::ALL.iter().find(|(_, name)| *name == is.value).map(|(slot, _)| *slot);
    if found.is_none() {
        keys.complain(is.span, "`is` must be \"contactless\", \"contact\" or \"sam\"".to_owned());
    }
    found
}

fn signals(mut keys: Keys<'_, '_>) -> Vec<(Signal, Vec<Vec<u8>>)> {
    let mut found = Vec::new();
    for signal in Signal::ALL {
        let mut said = Vec::new();
        for text in keys.texts(signal.name()) {
            match from_hex(&text.value) {
                None => keys.complain(text.span, format!("`signals.{}` must be bytes in hex", signal.name())),
                Some(command) => match apdu::shows(&command) {
                    Ok(()) => said.push(command),
                    Err(refused) => keys.complain(text.span, refused.to_string()),
                },
            }
        }
        if !said.is_empty() {
            found.push((signal, said));
        }
    }
    for (key, _) in keys.rest() {
        let hint = nearest(&key.value, Signal::ALL.iter().map(|signal| signal.name()))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        keys.complain(key.span, format!("no signal is named `{}`{hint}", key.value));
    }
    found
}

fn samples(keys: &mut Keys<'_, '_>) -> Vec<(String, Slot, toml_span::Span)> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() && !keys.sheet.is_proved() {
        keys.complain(top, "there is no [[sample]]; a reader's file proves itself with at least one".to_owned());
    }
    let sample = |mut keys: Keys<'_, '_>| {
        let span = keys.span();
        let source = keys.text("source");
        let name = keys.text("name");
        let is = is(&mut keys);
        keys.finish();
        source.and(Some((name?.value, is?, span)))
    };
    tables.into_iter().filter_map(sample).collect()
}
