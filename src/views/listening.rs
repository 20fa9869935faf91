//! What was heard at an unknown reader: the bytes, the dialects that read a card in them, the lines to paste.
//!
//! In: a [`Report`]. Out: text for people, one JSON object for programs. Never: a choice between dialects.

use std::time::Duration;

use serde_json::{Value, json};

use super::reading;
use crate::{
    card::{Reading, to_hex},
    decode::detect::{BitCounts, Listener},
    reader::{LineParity, LineSettings},
};

/// So many formats are named in a line.
const MOST_FORMATS: usize = 3;

/// Everything that was heard at a port.
pub struct Report<'a> {
    /// The port's path.
    pub port: &'a str,
    /// The lines of `[[reader]]` that say where the reader is attached.
    pub attached: String,
    /// A name for the reader that no other has.
    pub name: String,
    /// How the line was set.
    pub line: LineSettings,
    /// The bytes, each piece with its time since the first.
    pub bytes: &'a [(Duration, Vec<u8>)],
    /// What the dialects made of them, those with the best evidence first.
    pub said: Vec<DialectReport<'a>>,
    /// What the bytes look like; said where nothing frames them.
    pub looks: Vec<String>,
    /// A template to try where nothing frames them.
    pub template: Option<String>,
    /// The dialects whose readers do not speak before they are asked.
    pub silent: Vec<&'a str>,
}

/// What one dialect made of the bytes.
pub struct DialectReport<'a> {
    /// The dialect, and what it made of the bytes.
    pub listener: &'a Listener,
    /// What the known formats say of each card.
    pub readings: Vec<Reading>,
    /// The numbers of bits at which known formats pass their checks, and how sure that is.
    pub bits: BitCounts,
    /// Another dialect has the same evidence.
    pub tied: bool,
}

/// A line's settings in the usual shorthand, such as 9600 8N1.
#[must_use]
pub fn settings(line: &LineSettings) -> String {
    format!("{} {}{}{}", line.baud, line.data_bits, parity(line).to_ascii_uppercase().get(..1).unwrap_or_default(), line.stop_bits)
}

const fn parity(line: &LineSettings) -> &'static str {
    match line.parity {
        LineParity::None => "none",
        LineParity::Even => "even",
        LineParity::Odd => "odd",
    }
}

/// The report for people.
#[must_use]
pub fn text(report: &Report<'_>) -> String {
    let mut lines = vec![format!("{} at {}:", report.port, settings(&report.line))];
    lines.extend(report.bytes.iter().flat_map(|(at, bytes)| dump(*at, bytes)));
    lines.push(String::new());
    let (readers, others): (Vec<&DialectReport<'_>>, Vec<&DialectReport<'_>>) =
        report.said.iter().partition(|said| said.listener.cards > 0);
    lines.extend(readers.iter().flat_map(|said| words(said)));
    for Listener { dialect, damaged, .. } in others.iter().map(|said| said.listener) {
        match damaged {
            0 if readers.is_empty() => lines.push(format!("{}: this is its talk, without a card; show a card", dialect.id)),
            0 => {}
            _ => lines.push(format!("{}: {damaged} damaged and no whole card; show the card again", dialect.id)),
        }
    }
    if readers.is_empty() {
        lines.extend(unread(report));
    } else {
        lines.push(format!("\n{}", before_the_lines(&readers)));
        lines.extend(readers.iter().map(|said| format!("\n{}", configuration(report, said).trim_end())));
    }
    lines.join("\n")
}

fn before_the_lines(readers: &[&DialectReport<'_>]) -> &'static str {
    match readers {
        [_] => "To paste into cardbridge.toml:",
        [first, ..] if first.tied => {
            "To paste into cardbridge.toml, one of these. The bytes do not tell the first ones apart; the reader's name or its manual does:"
        }
        _ => "To paste into cardbridge.toml, one of these, the one with the most evidence first:",
    }
}

/// What is said where no dialect reads a card.
fn unread(report: &Report<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if report.said.is_empty() {
        lines.push("no known dialect reads a card in these bytes. They look like this:".to_owned());
        lines.extend(report.looks.iter().map(|looks| format!("  - {looks}")));
    }
    match &report.template {
        Some(template) => {
            lines.push("\nA line to try; compare what it reads with the numbers printed on the card:".to_owned());
            lines.push(format!("\n{}", with_template(report, template).trim_end()));
        }
        None if report.said.is_empty() => {
            let help = "write the reader down as a dialect (protocols/README.md), or send a capture: give it any dialect in cardbridge.toml, \
                        then `cardbridge capture --redact --reader NAME strange.capture`";
            lines.push(help.to_owned());
        }
        None => {}
    }
    lines
}

fn dump(at: Duration, bytes: &[u8]) -> Vec<String> {
    let row = |(number, row): (usize, &[u8])| {
        let when = if number == 0 { format!("{:>8} ms", at.as_millis()) } else { " ".repeat(11) };
        let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{when}  {:<48} {}", hex.join(" "), printable(row))
    };
    bytes.chunks(16).enumerate().map(row).collect()
}

fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '·' }).collect()
}

fn words(said: &DialectReport<'_>) -> Vec<String> {
    let listener = said.listener;
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut counted = vec![count(listener.cards, "card")];
    counted.extend((listener.damaged > 0).then(|| format!("{} damaged", listener.damaged)));
    counted.extend((listener.noise > 0).then(|| format!("{} left over", count(listener.noise, "byte"))));
    let dialect = &listener.dialect;
    let mut lines = vec![format!("{} ({}; {}): {}", dialect.id, dialect.name, dialect.confidence.name(), counted.join(", "))];
    lines.extend(said.readings.iter().map(|reading| format!("    {}", in_one_line(reading))));
    if listener.wants_bits() {
        lines.push(format!("    its reader does not tell the number of bits; {}", bits_hint(&said.bits)));
    }
    lines
}

/// What a dialect says of a card: what kind of thing it is, how long, and what the formats say.
fn in_one_line(reading: &Reading) -> String {
    let (kind, text) = (reading.presentation.kind.name(), reading::text(reading));
    let headline = text.lines().next().unwrap_or_default();
    let formats: Vec<&str> = reading.fits.iter().take(MOST_FORMATS).map(|fit| &*fit.format).collect();
    match (formats.join(", "), reading.fits.len().saturating_sub(MOST_FORMATS)) {
        (formats, _) if formats.is_empty() => format!("{kind}: {headline}"),
        (formats, 0) => format!("{kind}: {headline} ({formats})"),
        (formats, more) => format!("{kind}: {headline} ({formats} and {more} more)"),
    }
}

/// What is known of the number of bits, and what it takes to be sure of it.
fn bits_hint(bits: &BitCounts) -> String {
    let otherwise = "the reader's manual says it, or the numbers printed on several cards do";
    if let Some(marked) = bits.marked {
        return format!(
            "on every card a 1 stands before the last {marked} bits and zeros before it, and checks of {marked} bits pass behind it: a \
             marker, which this dialect does not know, so that its cards must not be read as longer ones; write it down as a dialect with `marker`"
        );
    }
    let passed = match bits.counts.as_slice() {
        [] => return format!("no known format's checks pass at any number; {otherwise}"),
        counts => format!("checks of known formats pass at {}", list(counts)),
    };
    let cards = if bits.cards == 1 { "one card".to_owned() } else { format!("{} different cards", bits.cards) };
    match bits.more {
        Some(0) => format!("{passed} on {cards}, and chance does not explain that"),
        Some(more) => format!("{passed} on {cards}, which may be chance: to be sure, show {more} or more other cards; or {otherwise}"),
        None => format!("{passed} on {cards}, which more cards do not settle; {otherwise}"),
    }
}

fn list(counts: &[u16]) -> String {
    counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// The `[[reader]]` of a dialect.
#[must_use]
pub fn configuration(report: &Report<'_>, said: &DialectReport<'_>) -> String {
    let own = said.listener.dialect.line;
    let mut lines = format!("[[reader]]\nname = {:?}\n{}dialect = {:?}\n", report.name, report.attached, said.listener.dialect.id);
    lines.push_str(&line_keys(&report.line, &own));
    if said.listener.wants_bits() {
        match said.bits.only() {
            Some(only) => lines.push_str(&format!("bits = {only}\n")),
            None => lines.push_str(&format!("# bits = N       # {}\n", bits_hint(&said.bits))),
        }
    }
    lines
}

fn with_template(report: &Report<'_>, template: &str) -> String {
    let usual = LineSettings::EIGHT_N_ONE;
    let keys = line_keys(&report.line, &usual);
    let bits = if template.contains("{bits:hex}") {
        "# bits = N       # these lines do not tell it, and with another number another card is read: the reader's manual says it, or the \
         numbers printed on several cards do\n"
    } else {
        "# bits = 26      # the number of bits, where it is known\n"
    };
    format!("[[reader]]\nname = {:?}\n{}template = {template:?}\n{keys}{bits}", report.name, report.attached)
}

/// The keys of a line that is set otherwise than it would be.
fn line_keys(line: &LineSettings, usual: &LineSettings) -> String {
    let baud = (line.baud != usual.baud).then(|| format!("baud = {}\n", line.baud));
    let data_bits = (line.data_bits != usual.data_bits).then(|| format!("data_bits = {}\n", line.data_bits));
    let parity = (line.parity != usual.parity).then(|| format!("parity = {:?}\n", parity(line)));
    let stop_bits = (line.stop_bits != usual.stop_bits).then(|| format!("stop_bits = {}\n", line.stop_bits));
    [baud, data_bits, parity, stop_bits].into_iter().flatten().collect()
}

/// The report for programs: one object.
#[must_use]
pub fn json(report: &Report<'_>) -> Value {
    let line = &report.line;
    let bytes: Vec<Value> = report
        .bytes
        .iter()
        .map(|(at, bytes)| {
            let hex = to_hex(bytes);
            json!({"ms": u64::try_from(at.as_millis()).unwrap_or(u64::MAX), "hex": hex, "text": printable(bytes)})
        })
        .collect();
    let dialects: Vec<Value> = report.said.iter().map(|said| dialect_json(report, said)).collect();
    let template = report.template.as_ref().map(|template| json!({"template": template, "configuration": with_template(report, template)}));
    json!({
        "port": report.port,
        "line": {"baud": line.baud, "data_bits": line.data_bits, "parity": parity(line), "stop_bits": line.stop_bits},
        "bytes": bytes, "dialects": dialects, "looks": report.looks, "template": template, "must_be_asked": report.silent,
    })
}

fn dialect_json(report: &Report<'_>, said: &DialectReport<'_>) -> Value {
    let Listener { dialect, cards, damaged, noise, .. } = said.listener;
    let readings: Vec<Value> =
        said.readings.iter().filter_map(|read| serde_json::to_value(reading::json(read, &reading::literal(read))).ok()).collect();
    json!({
        "dialect": dialect.id, "name": dialect.name, "confidence": dialect.confidence.name(), "cards": cards, "damaged": damaged,
        "noise": noise, "tied": said.tied, "readings": readings, "wants_bits": said.listener.wants_bits(), "bits": said.bits.counts,
        "bits_are_sure": said.bits.is_sure(), "cards_wanted": said.bits.more, "marked": said.bits.marked,
        "configuration": (*cards > 0).then(|| configuration(report, said)),
    })
}
