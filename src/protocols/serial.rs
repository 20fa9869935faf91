//! Serial dialects: one TOML file each; how frames are cut, and apart from that, what they say.
//!
//! In: a file's name and text. Out: a [`Dialect`] or findings with line and column. A file that fails its own samples
//! does not load.

use std::time::Duration;

use crate::{
    card::{Kind, Literal},
    decode::{
        dialect::{Align, Cut, Dialect, DialectSample, FrameCheck, LineParity, LineSettings},
        frame::{self, Found},
        line::{self, Told},
        payload::Template,
    },
    sheet::{At, Keys, Sheet},
};

/// Reads one file. Findings go to the sheet.
#[must_use]
pub fn read(file: &str, sheet: &Sheet<'_>) -> Option<Dialect> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let name = keys.text("name");
    let source = keys.text("source");
    let confidence = super::confidence(&mut keys);
    let aliases = keys.texts("aliases").into_iter().map(|alias| alias.value).collect();
    let kind = keys.text("kind");
    let kind = kind.and_then(|kind| super::kind(&keys, &kind));
    let line = keys.table("line").map(line_settings).unwrap_or(EIGHT_N_ONE);
    let cut = keys.table("frame").map_or_else(
        || {
            keys.missing("frame");
            None
        },
        framing,
    );
    let payload = payload(&mut keys);
    let check = check(&mut keys, payload.as_ref());
    let align = align(&mut keys);
    let talk = keys.texts("talk").into_iter().map(|talk| talk.value).collect();
    let card_left = millis(&mut keys, "card_left_ms", 0);
    let samples = samples(&mut keys);
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let (cut, longest, half_frame) = cut?;
    let dialect = Dialect {
        id: id?.value,
        name: name?.value,
        aliases,
        source: source?.value,
        confidence: confidence?,
        kind: kind?,
        line,
        cut,
        longest,
        half_frame,
        payload: payload?,
        check,
        align,
        talk,
        card_left,
        samples: samples.iter().map(|(sample, _)| sample.clone()).collect(),
        file: file.to_owned(),
    };
    prove(&dialect, &samples, sheet);
    sheet.is_clean().then_some(dialect)
}

const EIGHT_N_ONE: LineSettings = LineSettings { baud: 9600, data_bits: 8, parity: LineParity::None, stop_bits: 1 };

/// Reads a parity by its name; shared with a reader's own configuration.
pub fn parity(keys: &mut Keys<'_, '_>) -> Option<LineParity> {
    let parity = keys.optional_text("parity")?;
    match parity.value.as_str() {
        "none" => Some(LineParity::None),
        "even" => Some(LineParity::Even),
        "odd" => Some(LineParity::Odd),
        _ => {
            keys.complain(parity.span, format!("`{}` must be \"none\", \"even\" or \"odd\"", keys.name("parity")));
            None
        }
    }
}

fn line_settings(mut keys: Keys<'_, '_>) -> LineSettings {
    let settings = LineSettings {
        baud: keys.number("baud", 50, 4_000_000).map_or(EIGHT_N_ONE.baud, |baud| baud.value),
        data_bits: keys.number("data_bits", 7, 8).map_or(8, |bits| bits.value),
        parity: parity(&mut keys).unwrap_or(LineParity::None),
        stop_bits: keys.number("stop_bits", 1, 2).map_or(1, |bits| bits.value),
    };
    keys.finish();
    settings
}

fn framing(mut keys: Keys<'_, '_>) -> Option<(Cut, usize, Duration)> {
    let how = keys.text("cut");
    let start = bytes(&mut keys, "start");
    let end = bytes(&mut keys, "end");
    let length = keys.number("length", 1_usize, 4096).map(|length| length.value);
    let longest = keys.number("longest", 1_usize, 4096).map(|longest| longest.value);
    let half_frame = millis(&mut keys, "half_frame_ms", 500);
    let cut = how.and_then(|how| match (how.value.as_str(), start, end, length) {
        ("line", None, None, None) => Some(Cut::Line),
        ("delimited", Some(start), Some(end), None) => Some(Cut::Delimited { start, end }),
        ("fixed", Some(start), None, Some(len)) if len > start.len() => Some(Cut::Fixed { start, len }),
        _ => {
            let message = "`frame.cut` is \"line\" alone, \"delimited\" with start and end, or \"fixed\" with start and length";
            keys.complain(how.span, message.to_owned());
            None
        }
    });
    keys.finish();
    let cut = cut?;
    let longest = longest.unwrap_or(if let Cut::Fixed { len, .. } = cut { len } else { 256 });
    Some((cut, longest, half_frame))
}

fn payload(keys: &mut Keys<'_, '_>) -> Option<Template> {
    let text = keys.text("payload")?;
    match Template::parse(&text.value) {
        Ok(template) if template.names().any(|name| name == "id" || name == "bits") => Some(template),
        Ok(_) => {
            keys.complain(text.span, "`payload` has neither {id:…} nor {bits:…}; one of them is the card".to_owned());
            None
        }
        Err(message) => {
            keys.complain(text.span, message);
            None
        }
    }
}

fn check(keys: &mut Keys<'_, '_>, payload: Option<&Template>) -> Option<FrameCheck> {
    let check = keys.optional_text("check")?;
    if check.value != "xor" {
        keys.complain(check.span, "`check` must be \"xor\": the exclusive or of the bytes of {id:…} is {check:…}".to_owned());
        return None;
    }
    let is_there = |name| payload.is_none_or(|payload| payload.names().any(|part| part == name));
    if !is_there("id") || !is_there("check") {
        keys.complain(check.span, "`check` needs {id:…} and {check:…} in the payload".to_owned());
    }
    Some(FrameCheck::Xor)
}

fn align(keys: &mut Keys<'_, '_>) -> Align {
    match keys.optional_text("align") {
        None => Align::Left,
        Some(At { value, .. }) if value == "left" => Align::Left,
        Some(At { value, .. }) if value == "right" => Align::Right,
        Some(At { span, .. }) => {
            keys.complain(span, "`align` must be \"left\" or \"right\"".to_owned());
            Align::Left
        }
    }
}

fn millis(keys: &mut Keys<'_, '_>, key: &'static str, default: u32) -> Duration {
    Duration::from_millis(u64::from(keys.number(key, 0, 3_600_000).map_or(default, |millis| millis.value)))
}

fn bytes(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Vec<u8>> {
    let text = keys.optional_text(key)?;
    let bytes = super::hex(&text.value).filter(|bytes| !bytes.is_empty());
    if bytes.is_none() {
        keys.complain(text.span, format!("`{}` must be bytes in hex, such as \"02\" or \"0D 0A\"", keys.name(key)));
    }
    bytes
}

fn samples(keys: &mut Keys<'_, '_>) -> Vec<(DialectSample, toml_span::Span)> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() {
        keys.complain(top, "there is no [[sample]]; a dialect proves itself with at least one".to_owned());
    }
    tables
        .into_iter()
        .filter_map(|mut keys| {
            let span = keys.span();
            let source = keys.text("source");
            let constructed = keys.flag("constructed").unwrap_or(false);
            let frame = match keys.optional_text("text") {
                Some(text) => Some(text.value.into_bytes()),
                None => bytes(&mut keys, "frame"),
            };
            let bits = keys.number("bits", 1_u16, 256).map(|bits| bits.value);
            let reads = keys.optional_text("reads").map(|reads| reads.value);
            let damaged = keys.flag("damaged").unwrap_or(false);
            if frame.is_none() {
                keys.missing("frame");
            }
            if damaged == reads.is_some() {
                keys.complain(span, "a sample either `reads` as a literal or is `damaged = true`".to_owned());
            }
            keys.finish();
            Some((DialectSample { source: source?.value, constructed, frame: frame?, bits, reads }, span))
        })
        .collect()
}

/// A sample passes when it is cut whole and reads as it says.
fn prove(dialect: &Dialect, samples: &[(DialectSample, toml_span::Span)], sheet: &Sheet<'_>) {
    for (sample, span) in samples {
        let told = Told { bits: sample.bits, ..Told::default() };
        let found = frame::next(&dialect.cut, &sample.frame, dialect.longest);
        let Found::Frame { skip: 0, len } = found else {
            sheet.add(*span, format!("the sample is not one whole frame of this dialect ({found:?})"));
            continue;
        };
        let presentation = sample.frame.get(..len).and_then(|frame| line::read_frame(dialect, &told, frame));
        let read = presentation.map(|presentation| match (&presentation.damage, presentation.kind, presentation.bits) {
            (Some(_), _, _) => "damaged".to_owned(),
            (None, Kind::Csn, _) => presentation.csn.map_or_else(String::new, |csn| Literal::Csn(csn).to_string()),
            (None, Kind::Em4100, Some(bits)) => Literal::Em4100(bits).to_string(),
            (None, _, Some(bits)) => bits.to_string(),
            (None, _, None) => "unknown length".to_owned(),
        });
        let wanted = sample.reads.clone().unwrap_or_else(|| "damaged".to_owned());
        if read.as_ref() != Some(&wanted) {
            let read = read.unwrap_or_else(|| "not of this dialect".to_owned());
            sheet.add(*span, format!("the sample reads as {read}, not as {wanted}"));
        }
    }
}
