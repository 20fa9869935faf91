//! Smart-card scripts: one TOML file each, a read-only conversation with samples that prove it.
//!
//! In: a file's name and text. Out: a [`Script`] or findings with line and column. A command outside the allow-list is
//! refused here, so that no protocol file can do anything to a card but read it.

mod step;

use std::sync::Arc;

use toml_span::Span;

use crate::{
    card::{Kind, Literal, Presentation, from_hex},
    decode::dialect::{Cut, Dialect, Message},
    sheet::{At, Keys, Sheet},
    smartcard::{
        atr::Class,
        conversation::{Conversation, Next},
        pattern::Pattern,
        script::{Chips, Condition, Script, ScriptSample},
    },
};

/// Reads one file. Findings go to the sheet.
#[must_use]
pub fn read(file: &str, sheet: &Sheet<'_>) -> Option<Script> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let name = keys.text("name");
    let source = keys.text("source");
    let confidence = super::confidence(&mut keys);
    let kind = keys.text("kind");
    let kind = kind.and_then(|kind| super::kind(&keys, &kind));
    let check_bits = check_bits(&mut keys);
    let order = keys.number("order", 0, 1000).map_or(500, |order| order.value);
    let when = keys.tables("when").into_iter().map(condition).collect();
    let unless = keys.tables("unless").into_iter().map(condition).collect();
    let card = keys.optional_text("card").map(|card| card.value);
    let protected = keys.flag("protected").unwrap_or(false);
    let chips = Chips { standards: words(&mut keys, "standards"), names: words(&mut keys, "chips") };
    let messages: Vec<Message> = keys.tables("atr").into_iter().filter_map(|table| super::serial::message(table, kind?)).collect();
    let atr = (!messages.is_empty()).then(|| said(messages)).flatten();
    let steps = step::steps(&mut keys, check_bits);
    if steps.is_empty() && atr.is_none() && card.is_none() && chips.is_empty() && sheet.is_clean() {
        keys.missing("[[step]]");
    }
    let samples = samples(&mut keys);
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let script = Script {
        id: id?.value,
        name: name?.value,
        source: source?.value,
        confidence: confidence?,
        kind: kind?,
        order,
        when,
        unless,
        card,
        protected,
        chips,
        atr,
        atr_check_bits: check_bits.unwrap_or(0),
        steps,
        samples: samples.iter().map(|(sample, _)| sample.clone()).collect(),
        file: file.to_owned(),
    };
    prove(&script, &samples, sheet);
    sheet.is_clean().then_some(script)
}

/// How many bits of a check the way from the card to the reader has, where the file says it.
fn check_bits(keys: &mut Keys<'_, '_>) -> Option<u8> {
    keys.number("check_bits", 0_u8, 32).map(|bits| bits.value)
}

/// Messages that are read as they stand, from the first byte to the last.
fn said(messages: Vec<Message>) -> Option<Arc<Dialect>> {
    let mut said = Dialect::of_lines(messages.first()?.payload.clone())?;
    said.cut = Cut::Fixed { start: Vec::new(), end: Vec::new(), lengths: Vec::new() };
    said.messages = messages;
    Some(Arc::new(said))
}

/// A table of bytes in hex with the words for each.
fn words<T: TryFrom<u32>>(keys: &mut Keys<'_, '_>, key: &'static str) -> Vec<(T, String)> {
    let Some(mut table) = keys.table(key) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, mut value) in table.rest() {
        let number = u32::from_str_radix(&name.value, 16).ok().and_then(|number| T::try_from(number).ok());
        match (number, value.take_string(None)) {
            (Some(number), Ok(words)) => found.push((number, words.into_owned())),
            _ => table.complain(name.span, format!("`{}` must be bytes in hex, and what stands behind it a text", name.value)),
        }
    }
    found
}

fn condition(mut keys: Keys<'_, '_>) -> Condition {
    let atr = keys.optional_text("atr").and_then(|atr| pattern(&keys, &atr));
    let reader = keys.optional_text("reader").map(|reader| reader.value);
    let standard = bytes_of(&mut keys, "standard").and_then(|(standard, span)| match standard.as_slice() {
        [one] => Some(*one),
        _ => {
            keys.complain(span, "`standard` must be one byte, such as \"40\" for low frequency".to_owned());
            None
        }
    });
    let class = keys.optional_text("class").and_then(|class| match class.value.as_str() {
        "storage" => Some(Class::Storage),
        "contactless" => Some(Class::Contactless),
        "other" => Some(Class::Other),
        _ => {
            keys.complain(class.span, "`class` must be \"storage\", \"contactless\" or \"other\"".to_owned());
            None
        }
    });
    if atr.is_none() && reader.is_none() && standard.is_none() && class.is_none() {
        keys.complain(keys.span(), "a condition names an `atr`, a `standard`, a `class` or a `reader`".to_owned());
    }
    keys.finish();
    Condition { atr, standard, class, reader }
}

fn pattern(keys: &Keys<'_, '_>, text: &At<String>) -> Option<Pattern> {
    let pattern = Pattern::parse(&text.value);
    if pattern.is_none() {
        keys.complain(
            text.span,
            format!("{:?} must be bytes in hex with a space between, .. for any byte, * at the end for any more", text.value),
        );
    }
    pattern
}

fn bytes(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<(Vec<u8>, Span)> {
    let bytes = bytes_of(keys, key);
    if bytes.is_none() && keys.sheet.is_clean() {
        keys.missing(key);
    }
    bytes
}

fn bytes_of(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<(Vec<u8>, Span)> {
    let text = keys.optional_text(key)?;
    let bytes = from_hex(&text.value);
    if bytes.is_none() {
        keys.complain(text.span, format!("`{}` must be bytes in hex", keys.name(key)));
    }
    bytes.map(|bytes| (bytes, text.span))
}

fn samples(keys: &mut Keys<'_, '_>) -> Vec<(ScriptSample, Span)> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() && !keys.sheet.is_proved() {
        keys.complain(top, "there is no [[sample]]; a script proves itself with at least one".to_owned());
    }
    tables
        .into_iter()
        .filter_map(|mut keys| {
            let span = keys.span();
            let source = keys.text("source");
            let constructed = keys.flag("constructed").unwrap_or(false);
            let atr = bytes(&mut keys, "atr");
            let texts = keys.texts("answers");
            let answers: Option<Vec<Vec<u8>>> = texts.iter().map(|answer| from_hex(&answer.value)).collect();
            if answers.is_none() {
                keys.complain(span, "`answers` must be bytes in hex".to_owned());
            }
            let reads = keys.optional_text("reads").map(|reads| reads.value);
            let warns = keys.texts("warns").into_iter().map(|warning| warning.value).collect();
            let card = keys.optional_text("card").map(|card| card.value);
            keys.finish();
            Some((ScriptSample { source: source?.value, constructed, atr: atr?.0, answers: answers?, reads, warns, card }, span))
        })
        .collect()
}

/// A sample passes when the conversation it holds is read as it says.
fn prove(script: &Script, samples: &[(ScriptSample, Span)], sheet: &Sheet<'_>) {
    for (sample, span) in samples {
        if !script.may_apply(&sample.atr) {
            sheet.add(*span, "the script is not for this card: the sample's `atr` fits no [[when]], or it fits an [[unless]]".to_owned());
        }
        // The script alone, whatever reader the sample was read in.
        let alone = Script { when: Vec::new(), unless: Vec::new(), ..script.clone() };
        let mut conversation = Conversation::new(&[Arc::new(alone)], &sample.atr, "");
        let mut next = conversation.begin();
        for answer in &sample.answers {
            if !matches!(next, Next::Done(_)) {
                next = conversation.answer(answer);
            }
        }
        let Next::Done(read) = next else {
            sheet.add(*span, "the sample has fewer answers than the script asks for".to_owned());
            continue;
        };
        let could_be = |literal: &String| read.could_be.iter().any(|bits| bits.to_string() == *literal);
        let found = literal(&read);
        if found != sample.reads && !sample.reads.as_ref().is_some_and(could_be) {
            let words = |reads: &Option<String>| reads.clone().unwrap_or_else(|| "nothing".to_owned());
            sheet.add(*span, format!("the sample reads as {}, not as {}", words(&found), words(&sample.reads)));
        }
        if read.warnings != sample.warns {
            sheet.add(*span, format!("the sample reads with the warnings {:?}, not {:?}", read.warnings, sample.warns));
        }
        let is = read.smart_card.and_then(|card| card.is);
        if sample.card.is_some() && is != sample.card {
            sheet.add(*span, format!("the sample's card is called {:?}", is.unwrap_or_default()));
        }
    }
}

/// What was read, as a sample writes it.
fn literal(read: &Presentation) -> Option<String> {
    match (read.kind, &read.csn, read.bits, &read.numbers) {
        (Kind::Csn, csn, ..) => csn.clone().map(|csn| Literal::Csn(csn).to_string()),
        (_, _, _, Some(read)) => Some(read.credential.words()),
        (_, _, bits, None) => bits.map(|bits| bits.to_string()),
    }
}
