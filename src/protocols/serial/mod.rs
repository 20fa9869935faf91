//! Serial dialects: one TOML file each; how frames are cut, and apart from that, what they say.
//!
//! In: a file's name and text. Out: a [`Dialect`] or findings with line and column. A file that fails its own samples
//! does not load.

mod framing;
mod host;
mod message;

pub use message::{message, unknown_part};

use std::time::Duration;

use crate::{
    card::{Kind, Literal, Presentation, from_hex},
    decode::{
        dialect::{CARD_LEFT, Dialect, DialectSample, Reads},
        frame::{self, Found, is_line_end},
        message::{Heard, read_frame},
        payload::Template,
    },
    reader::{LineParity, LineSettings, ReaderHints},
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
    let (line, settle) = keys.table("line").map_or((LineSettings::EIGHT_N_ONE, Duration::ZERO), line_settings);
    let framing = keys.table("frame").map_or_else(
        || {
            keys.missing("frame");
            None
        },
        framing::read,
    );
    let (messages, check) = message::messages(&mut keys, kind);
    let talk = keys.texts("talk").into_iter().map(|talk| talk.value).collect();
    let names: Vec<String> = messages.iter().flat_map(|message| message.payload.names().map(str::to_owned)).collect();
    let host = keys.table("host").map(|keys| host::read(keys, check, &names));
    let caveat = keys.optional_text("caveat").map(|caveat| caveat.value);
    // Never nought: the same card again while it lies there is one card, at every reader.
    let card_left = keys.number("card_left_ms", 1_u64, 3_600_000).map_or(CARD_LEFT, |millis| Duration::from_millis(millis.value));
    let repeats = keys.number("repeats_ms", 1_u64, 3_600_000);
    if let Some(repeats) = repeats.as_ref().filter(|repeats| Duration::from_millis(repeats.value) >= card_left) {
        let message = "`repeats_ms` must be less than `card_left_ms`: a card that is said again has not left";
        keys.complain(repeats.span, message.to_owned());
    }
    let keypad = super::keypad(&mut keys);
    let samples = samples(&mut keys);
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let framing::Framing { cut, fill, longest, half_frame } = framing?;
    let dialect = Dialect {
        id: id?.value,
        name: name?.value,
        aliases,
        source: source?.value,
        confidence: confidence?,
        caveat,
        kind: kind?,
        line,
        cut,
        fill,
        longest,
        half_frame,
        messages,
        talk,
        host,
        card_left,
        repeats: repeats.map(|millis| Duration::from_millis(millis.value)),
        settle,
        keypad,
        samples: samples.iter().map(|(sample, _)| sample.clone()).collect(),
        file: file.to_owned(),
    };
    prove(&dialect, &samples, sheet);
    sheet.is_clean().then_some(dialect)
}

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

fn line_settings(mut keys: Keys<'_, '_>) -> (LineSettings, Duration) {
    let settings = LineSettings {
        baud: keys.number("baud", 50, 4_000_000).map_or(LineSettings::EIGHT_N_ONE.baud, |baud| baud.value),
        data_bits: keys.number("data_bits", 7, 8).map_or(8, |bits| bits.value),
        parity: parity(&mut keys).unwrap_or(LineParity::None),
        stop_bits: keys.number("stop_bits", 1, 2).map_or(1, |bits| bits.value),
        dtr: keys.flag("dtr"),
        rts: keys.flag("rts"),
    };
    let settle = millis(&mut keys, "settle_ms", 0);
    keys.finish();
    (settings, settle)
}

fn millis(keys: &mut Keys<'_, '_>, key: &'static str, default: u32) -> Duration {
    Duration::from_millis(u64::from(keys.number(key, 0, 3_600_000).map_or(default, |millis| millis.value)))
}

fn bytes(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Vec<u8>> {
    let text = keys.optional_text(key)?;
    let bytes = from_hex(&text.value).filter(|bytes| !bytes.is_empty());
    if bytes.is_none() {
        keys.complain(text.span, format!("`{}` must be bytes in hex, such as \"02\" or \"0D 0A\"", keys.name(key)));
    }
    bytes
}

/// A template that must be there or may not; what is wrong with it is told.
fn template(keys: &mut Keys<'_, '_>, key: &'static str) -> Option<Template> {
    let text = keys.optional_text(key)?;
    template_of(keys, &text)
}

/// A template as a file writes it.
pub fn template_of(keys: &Keys<'_, '_>, text: &At<String>) -> Option<Template> {
    let read = Template::parse(&text.value);
    read.map_err(|message| keys.complain(text.span, message)).ok()
}

fn samples(keys: &mut Keys<'_, '_>) -> Vec<(DialectSample, toml_span::Span)> {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() && !keys.sheet.is_proved() {
        keys.complain(top, "there is no [[sample]]; a dialect proves itself with at least one: give its `source` and its `frame` or `text`, and this check says what it reads as".to_owned());
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
            let reads = keys.optional_text("reads").map(|reads| Reads::As(reads.value));
            let mut flagged = |name, reads| keys.flag(name).unwrap_or(false).then_some(reads);
            let others = [flagged("damaged", Reads::Damaged), flagged("talk", Reads::Talk), flagged("said", Reads::ToReader)];
            let mut reads: Vec<Reads> = reads.into_iter().chain(others.into_iter().flatten()).collect();
            if frame.is_none() {
                keys.missing("frame");
            }
            if reads.len() > 1 {
                let message = "a sample says one of: what it `reads` as, `damaged = true`, `talk = true` or `said = true`";
                keys.complain(span, message.to_owned());
            }
            keys.finish();
            // What the first sample of a new dialect reads as is told by `prove`.
            let reads = reads.pop().unwrap_or_else(|| Reads::As(String::new()));
            Some((DialectSample { source: source?.value, constructed, frame: frame?, bits, reads }, span))
        })
        .collect()
}

/// A sample passes when it is cut whole and reads as it says; what is said to the reader, when the file says it.
fn prove(dialect: &Dialect, samples: &[(DialectSample, toml_span::Span)], sheet: &Sheet<'_>) {
    for (sample, span) in samples {
        if sample.reads == Reads::ToReader {
            if !dialect.host.as_ref().is_some_and(|host| host.says(&sample.frame)) {
                sheet.add(*span, "the sample is none of the things that [host] says".to_owned());
            }
            continue;
        }
        let told = ReaderHints { bits: sample.bits, ..ReaderHints::default() };
        let ended = sample.frame.last().copied().is_some_and(is_line_end);
        let known = |frame: &[u8]| read_frame(dialect, &told, frame).is_some();
        let found = frame::next(&dialect.cut, &sample.frame, dialect.longest, !ended, known);
        let is_fill = |skip: usize| sample.frame.iter().take(skip).all(|byte| dialect.fill.contains(byte));
        let (skip, len) = match found {
            Found::Frame { skip, len } if is_fill(skip) => (skip, len),
            no_frame => {
                sheet.add(*span, format!("the sample is not one whole frame of this dialect: {}", why_none(no_frame, sample.frame.len())));
                continue;
            }
        };
        let behind = sample.frame.get(skip + len..).unwrap_or_default();
        if !behind.iter().all(|byte| dialect.fill.contains(byte)) {
            sheet.add(*span, format!("a sample is one frame, and this one has {} bytes more behind its frame", behind.len()));
            continue;
        }
        let heard = sample.frame.get(skip..skip + len).and_then(|frame| read_frame(dialect, &told, frame));
        let why = heard.as_ref().and_then(why_damaged).map_or_else(String::new, |why| format!(": {why}"));
        let read = heard.map_or(Reads::As("nothing".to_owned()), reads);
        if sample.reads == Reads::As(String::new()) {
            sheet.add(*span, format!("the sample reads as {read}{why}; if that is right, write {}", as_written(&read)));
        } else if read != sample.reads {
            sheet.add(*span, format!("the sample reads as {read}, not as {}{why}", sample.reads));
        }
    }
}

/// What is wrong with so many bytes that are not one frame.
fn why_none(found: Found, bytes: usize) -> String {
    match found {
        Found::Frame { skip, .. } => format!("its first {skip} bytes are not part of the frame that is found behind them"),
        Found::Unknown { .. } => "it is a line that no [[message]] describes".to_owned(),
        Found::Overlong => "its line is longer than `frame.longest`".to_owned(),
        Found::Wait { skip } if skip >= bytes => "nothing in it is cut as [frame] says and described by a [[message]]".to_owned(),
        Found::Wait { skip } => format!("what begins at its byte {} has no end", skip + 1),
    }
}

fn why_damaged(heard: &Heard) -> Option<String> {
    match heard {
        Heard::Shown(shown, _) => shown.damage.as_ref().map(|damage| damage.detail.clone()),
        Heard::Talk => None,
    }
}

/// The line of a sample that says what it reads as.
fn as_written(reads: &Reads) -> String {
    match reads {
        Reads::As(words) => format!("`reads = {words:?}`"),
        Reads::Damaged => "`damaged = true`".to_owned(),
        Reads::Talk => "`talk = true`".to_owned(),
        Reads::ToReader => "`said = true`".to_owned(),
    }
}

/// What a frame reads as, in the words of samples.
fn reads(heard: Heard) -> Reads {
    match heard {
        Heard::Talk => Reads::Talk,
        Heard::Shown(presentation, _) => read_as(&presentation),
    }
}

/// What a presentation is, in the words of samples.
#[must_use]
pub fn read_as(presentation: &Presentation) -> Reads {
    if presentation.damage.is_some() { Reads::Damaged } else { Reads::As(words(presentation)) }
}

fn words(presentation: &Presentation) -> String {
    match (presentation.kind, presentation.bits) {
        (Kind::Csn, _) => presentation.csn.clone().map_or_else(String::new, |csn| Literal::Csn(csn).to_string()),
        (Kind::Em4100, Some(bits)) => Literal::Em4100(bits).to_string(),
        (_, Some(bits)) => bits.to_string(),
        (_, None) => {
            let numbers = presentation.numbers.iter().flat_map(|numbers| numbers.credential.numbers());
            let mut words: Vec<String> = numbers.map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
            words.extend(presentation.keys.as_ref().map(|keys| format!("keys {keys}")));
            if words.is_empty() { "unknown length".to_owned() } else { words.join(", ") }
        }
    }
}
