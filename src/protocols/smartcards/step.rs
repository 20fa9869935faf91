//! `[[step]]`: a command, what is wanted of its answer, what is taken from it.

use crate::{
    card::from_hex,
    decode::dialect::Message,
    sheet::{At, Keys},
    smartcard::{
        apdu,
        script::{CHECKED, Piece, Step, Take, Taking},
    },
};

pub(super) fn steps(keys: &mut Keys<'_, '_>, check_bits: Option<u8>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for table in keys.tables("step") {
        let span = table.span();
        let sheet = table.sheet;
        let Some(step) = step(table, check_bits) else { continue };
        let kept = |name: &String| {
            steps.iter().flat_map(|step| &step.takes).any(|taking| matches!(&taking.take, Take::Keep(kept) if kept == name))
        };
        let unknown = step.say.iter().find(|piece| matches!(piece, Piece::Kept(name) if !kept(name)));
        if let Some(Piece::Kept(name)) = unknown {
            sheet.add(
                span,
                format!("no step before keeps a value named `{name}`; write keep = \"{name}\" there, or {{key:{name}}} for a key"),
            );
        }
        steps.push(step);
    }
    steps
}

fn step(mut keys: Keys<'_, '_>, check_bits: Option<u8>) -> Option<Step> {
    let say = keys.text("say").and_then(|say| command(&keys, &say));
    let want = keys.optional_text("want").map_or(Some(0x9000), |want| {
        let status = from_hex(&want.value).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok()).map(u16::from_be_bytes);
        if status.is_none() {
            keys.complain(want.span, "`want` must be a status word such as \"90 00\"".to_owned());
        }
        status
    });
    let own = taking(&mut keys, check_bits);
    let others = keys.tables("or").into_iter().map(|mut keys| {
        let taking = taking(&mut keys, check_bits);
        keys.finish();
        taking
    });
    let takes = std::iter::once(own).chain(others.collect::<Vec<_>>()).flatten().collect();
    keys.finish();
    Some(Step { say: say?, want: want?, takes })
}

/// `00 A4 04 00 {name} 00`: bytes in hex, `{name}` for a value kept before, `{key:NAME}` for a key.
fn command(keys: &Keys<'_, '_>, text: &At<String>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text.value.as_str();
    while !rest.is_empty() {
        let (hex, after) = rest.split_once('{').unwrap_or((rest, ""));
        let Some(bytes) = from_hex(hex) else {
            keys.complain(text.span, "`say` must be bytes in hex, with {name} for a value kept before and {key:NAME} for a key".to_owned());
            return None;
        };
        if !bytes.is_empty() {
            pieces.push(Piece::Bytes(bytes));
        }
        if hex.len() == rest.len() {
            break;
        }
        let Some((name, after)) = after.split_once('}') else {
            keys.complain(text.span, "`say` has a { without its }".to_owned());
            return None;
        };
        pieces.push(name.strip_prefix("key:").map_or_else(|| Piece::Kept(name.to_owned()), |key| Piece::Key(key.to_owned())));
        rest = after;
    }
    if let Err(refused) = apdu::allowed(&pieces) {
        keys.complain(text.span, refused.to_string());
        return None;
    }
    Some(pieces)
}

/// What is taken, where anything is. A serial number, and what stands in a BER-TLV answer, come from a card whose frames
/// have a check, unless the file says otherwise.
fn taking(keys: &mut Keys<'_, '_>, check_bits: Option<u8>) -> Option<Taking> {
    let check_bits = super::check_bits(keys).or(check_bits);
    let path = super::bytes_of(keys, "path").map(|(path, _)| path);
    let begins = super::bytes_of(keys, "begins").map(|(begins, _)| begins);
    let bytes = keys.number("bytes", 1_usize, 32).map(|bytes| bytes.value);
    let kind = keys.optional_text("kind").and_then(|kind| crate::protocols::kind(keys, &kind));
    let worthless = keys.texts("worthless").iter().filter_map(|text| super::pattern(keys, text)).collect();
    let named = keys.optional_text("take").map(|take| match take.value.as_str() {
        "bytes" => Take::Bytes,
        "bits" => Take::Bits,
        "bit_string" => Take::BitString,
        "sentinel" => Take::Sentinel,
        _ => {
            keys.complain(take.span, "`take` must be \"bytes\", \"bits\", \"bit_string\" or \"sentinel\"".to_owned());
            Take::Nothing
        }
    });
    let payload = keys.optional_text("payload").and_then(|text| {
        let template = crate::protocols::serial::template_of(keys, &text)?;
        let kind = template.kind(kind.unwrap_or(crate::card::Kind::Wiegand));
        let said = super::said(vec![Message::of(template, kind)]);
        if said.is_none() {
            keys.complain(text.span, "`payload` names nothing of a card".to_owned());
        }
        said.map(Take::Payload)
    });
    let keep = keys.optional_text("keep").map(|keep| Take::Keep(keep.value));
    let mut wanted = [named, payload, keep].into_iter().flatten();
    let take = wanted.next();
    if wanted.next().is_some() {
        keys.complain(keys.span(), "a value is taken in one way: `take`, `payload` or `keep`".to_owned());
    }
    let is_there = take.is_some() || path.is_some() || begins.is_some();
    is_there.then(|| Taking {
        check_bits: check_bits.unwrap_or(if path.is_some() || matches!(take, Some(Take::Bytes)) { CHECKED } else { 0 }),
        path: path.unwrap_or_default(),
        begins: begins.unwrap_or_default(),
        bytes,
        take: take.unwrap_or(Take::Nothing),
        kind,
        worthless,
    })
}
