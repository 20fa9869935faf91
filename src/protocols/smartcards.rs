//! Smart-card scripts: one TOML file each, a read-only conversation with samples that prove it.
//!
//! In: a file's name and text. Out: a [`Script`] or findings with line and column. A command outside the allow-list is
//! refused here, so that no protocol file can do anything to a card but read it.

use std::sync::Arc;

use crate::{
    card::{Kind, Literal, from_hex},
    sheet::{Keys, Sheet},
    smartcard::{
        apdu,
        conversation::{Conversation, Next},
        script::{Condition, Script, ScriptSample, Step, Take},
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
    let order = keys.number("order", 0, 1000).map_or(500, |order| order.value);
    let when = keys.tables("when").into_iter().map(condition).collect();
    let unless = keys.tables("unless").into_iter().map(condition).collect();
    let steps: Vec<Step> = keys.tables("step").into_iter().filter_map(step).collect();
    if steps.is_empty() && sheet.is_clean() {
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
        steps,
        samples: samples.iter().map(|(sample, _)| sample.clone()).collect(),
        file: file.to_owned(),
    };
    prove(&script, &samples, sheet);
    sheet.is_clean().then_some(script)
}

fn condition(mut keys: Keys<'_, '_>) -> Condition {
    let atr = keys.optional_text("atr").and_then(|atr| {
        let pattern = atr.value.split_whitespace().map(|byte| match byte {
            ".." => Some(None),
            hex if hex.len() == 2 => u8::from_str_radix(hex, 16).ok().map(Some),
            _ => None,
        });
        let pattern: Option<Vec<_>> = pattern.collect();
        if pattern.is_none() {
            keys.complain(atr.span, "`atr` must be bytes in hex with a space between, .. for any byte".to_owned());
        }
        pattern
    });
    let reader = keys.optional_text("reader").map(|reader| reader.value);
    let standard = bytes_of(&mut keys, "standard").and_then(|(standard, span)| match standard.as_slice() {
        [one] => Some(*one),
        _ => {
            keys.complain(span, "`standard` must be one byte, such as \"40\" for low frequency".to_owned());
            None
        }
    });
    if atr.is_none() && reader.is_none() && standard.is_none() {
        keys.complain(keys.span(), "a condition names an `atr`, a `standard` or a `reader`".to_owned());
    }
    keys.finish();
    Condition { atr, standard, reader }
}

fn step(mut keys: Keys<'_, '_>) -> Option<Step> {
    let say = bytes(&mut keys, "say");
    if let Some((command, span)) = &say
        && let Err(refused) = apdu::allowed(command)
    {
        keys.complain(*span, refused.to_string());
    }
    let want = keys.optional_text("want").map_or(Some(0x9000), |want| {
        let status = from_hex(&want.value).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok()).map(u16::from_be_bytes);
        if status.is_none() {
            keys.complain(want.span, "`want` must be a status word such as \"90 00\"".to_owned());
        }
        status
    });
    let path = keys.optional_text("path").and_then(|path| {
        let tags = from_hex(&path.value);
        if tags.is_none() {
            keys.complain(path.span, "`path` must be tags in hex, outermost first, such as \"9D 03\"".to_owned());
        }
        tags
    });
    let take = keys.optional_text("take").map_or(Some(Take::Nothing), |take| match take.value.as_str() {
        "bytes" => Some(Take::Bytes),
        "bit_string" => Some(Take::BitString),
        _ => {
            keys.complain(take.span, "`take` must be \"bytes\" or \"bit_string\"".to_owned());
            None
        }
    });
    keys.finish();
    Some(Step { say: say?.0, want: want?, path: path.unwrap_or_default(), take: take? })
}

fn bytes(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<(Vec<u8>, toml_span::Span)> {
    let bytes = bytes_of(keys, key);
    if bytes.is_none() && keys.sheet.is_clean() {
        keys.missing(key);
    }
    bytes
}

fn bytes_of(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<(Vec<u8>, toml_span::Span)> {
    let text = keys.optional_text(key)?;
    let bytes = from_hex(&text.value);
    if bytes.is_none() {
        keys.complain(text.span, format!("`{}` must be bytes in hex", keys.name(key)));
    }
    bytes.map(|bytes| (bytes, text.span))
}

fn samples(keys: &mut Keys<'_, '_>) -> Vec<(ScriptSample, toml_span::Span)> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() {
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
            keys.finish();
            Some((ScriptSample { source: source?.value, constructed, atr: atr?.0, answers: answers?, reads }, span))
        })
        .collect()
}

/// A sample passes when the conversation it holds is read as it says.
fn prove(script: &Script, samples: &[(ScriptSample, toml_span::Span)], sheet: &Sheet<'_>) {
    for (sample, span) in samples {
        // The script alone, whatever reader the sample was read in.
        let alone = Script { when: Vec::new(), unless: Vec::new(), ..script.clone() };
        let mut conversation = Conversation::new(&[Arc::new(alone)], &sample.atr, "");
        let mut next = conversation.begin();
        for answer in &sample.answers {
            if matches!(next, Next::Say(_)) {
                next = conversation.answer(answer);
            }
        }
        let Next::Done(presentation) = next else {
            sheet.add(*span, "the sample has fewer answers than the script asks for".to_owned());
            continue;
        };
        let read = match (presentation.kind, presentation.csn, presentation.bits) {
            (Kind::Csn, csn, _) => csn.map(|csn| Literal::Csn(csn).to_string()),
            (_, _, bits) => bits.map(|bits| bits.to_string()),
        };
        if read != sample.reads {
            let words = |reads: &Option<String>| reads.clone().unwrap_or_else(|| "nothing".to_owned());
            sheet.add(*span, format!("the sample reads as {}, not as {}", words(&read), words(&sample.reads)));
        }
    }
}
