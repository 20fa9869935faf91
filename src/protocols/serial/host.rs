//! `[host]`: what is said to a reader that does not speak by itself, or that shows signals.

use std::time::Duration;

use super::{millis, template};
use crate::{decode::dialect::Host, reader::Signal, sheet::Keys};

pub(super) fn read(mut keys: Keys<'_, '_>) -> Host {
    let start = said_list(&mut keys, "start");
    let poll = said(&mut keys, "poll");
    let acknowledge = said(&mut keys, "acknowledge").unwrap_or_default();
    let every = millis(&mut keys, "every_ms", 200);
    let answer = millis(&mut keys, "answer_ms", 300);
    let age = keys.number("age_ms", 1_u64, 60_000).map(|age| Duration::from_millis(age.value));
    let signals = keys.table("signals").map(signals).unwrap_or_default();
    keys.finish();
    Host { start, poll, every, answer, acknowledge, age, signals }
}

fn signals(mut keys: Keys<'_, '_>) -> Vec<(Signal, Vec<Vec<u8>>)> {
    let signals = Signal::ALL.into_iter().map(|signal| (signal, said_list(&mut keys, signal.name())));
    let signals = signals.filter(|(_, said)| !said.is_empty()).collect();
    keys.finish();
    signals
}

fn said(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Vec<u8>> {
    let span = keys.span();
    let said = template(keys, key)?.literal();
    if said.is_none() {
        keys.complain(span, format!("`{}` is said as it stands: text, and bytes such as {{=02 0D}}, without parts", keys.name(key)));
    }
    said
}

fn said_list(keys: &mut Keys<'_, '_>, key: &'static str) -> Vec<Vec<u8>> {
    let texts = keys.texts(key);
    texts.iter().filter_map(|text| super::template_of(keys, text)?.literal()).collect()
}
