//! `[host]`: what is said to a reader that does not speak by itself, or that shows signals.

use std::time::Duration;

use super::{millis, template};
use crate::{
    decode::{
        check::Check,
        dialect::{Host, HostMessage},
        payload::{Piece, Template},
    },
    reader::Signal,
    sheet::Keys,
};

/// `names` are the parts of the reader's messages: an acknowledgement may repeat those that are numbers.
pub(super) fn read(mut keys: Keys<'_, '_>, check_of_frames: Option<Check>, names: &[String]) -> Host {
    let start = said_list(&mut keys, "start");
    let own_check = keys.table("check").and_then(super::message::check);
    let check = own_check.or(check_of_frames);
    let poll = said_with_parts(&mut keys, "poll", check, &[]);
    let acknowledge = said_with_parts(&mut keys, "acknowledge", check, names);
    let every = millis(&mut keys, "every_ms", 200);
    let answer = millis(&mut keys, "answer_ms", 300);
    let age = keys.number("age_ms", 1_u64, 60_000).map(|age| Duration::from_millis(age.value));
    let signals = keys.table("signals").map(signals).unwrap_or_default();
    keys.finish();
    Host { start, poll, every, answer, acknowledge, age, check, signals }
}

/// Something with parts that are different each time: a counter, a check, and what it repeats.
fn said_with_parts(keys: &mut Keys<'_, '_>, key: &'static str, check: Option<Check>, names: &[String]) -> Option<HostMessage> {
    let span = keys.span();
    let template = template(keys, key)?;
    let wrong = template.pieces.iter().find_map(|piece| what_is_wrong(piece, &template, check, names));
    if let Some(wrong) = wrong {
        keys.complain(span, format!("`{}`: {wrong}", keys.name(key)));
        return None;
    }
    Some(HostMessage(template))
}

fn what_is_wrong(piece: &Piece, said: &Template, check: Option<Check>, names: &[String]) -> Option<String> {
    let name = match piece {
        Piece::Literal(_) => return None,
        Piece::Masked(..) => return Some("what is said has every bit".to_owned()),
        Piece::Part { name, .. } => name.as_str(),
    };
    match name {
        _ if said.room(name).is_none() => Some(format!("`{name}` needs a width, and a number's encoding: hex, dec, bin, byte or le")),
        "check" if check.is_none() => Some("{check:…} wants a [check], or a [host.check] of its own".to_owned()),
        "check" | "counter" => None,
        _ if !names.iter().any(|known| known == name) => {
            Some(format!("`{name}` is neither {{counter:…}} nor {{check:…}} nor a part of a message that can be repeated"))
        }
        _ => None,
    }
}

fn signals(mut keys: Keys<'_, '_>) -> Vec<(Signal, Vec<Vec<u8>>)> {
    let signals = Signal::ALL.into_iter().map(|signal| (signal, said_list(&mut keys, signal.name())));
    let signals = signals.filter(|(_, said)| !said.is_empty()).collect();
    keys.finish();
    signals
}

fn said_list(keys: &mut Keys<'_, '_>, key: &'static str) -> Vec<Vec<u8>> {
    let texts = keys.texts(key);
    texts.iter().filter_map(|text| super::template_of(keys, text)?.literal()).collect()
}
