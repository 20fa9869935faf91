//! The samples of a card format's file: bits with the numbers that they are to be read as.
//!
//! In: the `[[sample]]` tables. Out: samples, and a finding for each that the format does not bear out. A sample passes
//! when its bits decode to its numbers and its numbers encode to its bits, but for bits that nobody understands.

use toml_span::{Span, value::ValueInner};

use super::CardFormat;
use crate::{
    card::{Credential, Kind, Literal, PacsBits},
    decode::{drawing::Cell, format::Format, track},
    sheet::{At, Keys, Sheet},
};

/// Bits with the numbers they are to be read as.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where it comes from.
    pub source: String,
    /// Composed by us rather than found.
    pub constructed: bool,
    /// The literal.
    pub bits: Literal,
    /// The numbers.
    pub credential: Credential,
    span: Span,
}

/// What the samples of a file say.
#[derive(Default)]
pub(super) struct Samples {
    /// Those that say both.
    pub(super) whole: Vec<Sample>,
    /// Numbers without bits, the beginning of a sample.
    begun: Vec<(Credential, Span)>,
}

pub(super) fn read(keys: &mut Keys<'_, '_>, kinds: &[Kind]) -> Samples {
    let top = keys.span();
    let tables = keys.tables("sample");
    if tables.is_empty() && !keys.sheet.is_proved() {
        let message = "there is no [[sample]]; a format proves itself with at least one: give its `source`, and the `bits` that a card \
                       sends or its numbers, and this check says the other";
        keys.complain(top, message.to_owned());
    }
    let mut samples = Samples::default();
    for table in tables {
        samples.take(table, kinds);
    }
    samples
}

impl Samples {
    fn take(&mut self, mut keys: Keys<'_, '_>, kinds: &[Kind]) {
        let (span, text) = (keys.span(), keys.optional_text("bits"));
        let Some((source, constructed, credential)) = said(&mut keys) else { return };
        match text {
            Some(text) => {
                self.whole.extend(literal(&keys, &text, kinds).map(|bits| Sample { source, constructed, bits, credential, span }))
            }
            None => self.begun.push((credential, span)),
        }
    }
}

/// Where a sample is from, whether it was composed, and its numbers.
fn said(keys: &mut Keys<'_, '_>) -> Option<(String, bool, Credential)> {
    let source = keys.text("source")?.value;
    let constructed = keys.flag("constructed").unwrap_or(false);
    let mut credential = Credential::default();
    for (name, mut value) in keys.rest() {
        match number(&value.take()) {
            Some(number) => credential.set(&name.value, number),
            None => keys.complain(value.span, format!("`{}` must be a number, in quotes above 2^63", name.value)),
        }
    }
    Some((source, constructed, credential))
}

fn literal(keys: &Keys<'_, '_>, text: &At<String>, kinds: &[Kind]) -> Option<Literal> {
    match text.value.parse::<Literal>() {
        // Bare bits prove a drawing whatever is laid under it; not every kind has a literal of its own.
        Ok(bits) if bits.kind() == Kind::Wiegand || kinds.contains(&bits.kind()) => Some(bits),
        Ok(bits) => {
            keys.complain(text.span, format!("the sample is of kind {}, which this format does not read", bits.kind().name()));
            None
        }
        Err(error) => {
            keys.complain(text.span, error.to_string());
            None
        }
    }
}

fn number(value: &ValueInner<'_>) -> Option<u128> {
    match value {
        ValueInner::Integer(number) => u128::try_from(*number).ok(),
        ValueInner::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

impl Sample {
    /// The bits that the format is laid over: of a track, without the zeros around it, and turned round where it was drawn
    /// backwards.
    #[must_use]
    pub fn frame(&self, is_track: bool) -> PacsBits {
        let bits = self.bits.bits();
        if is_track { track::find(&bits).unwrap_or(bits) } else { bits }
    }
}

/// Holds every sample against the format of its length, and says what those lack that are begun.
pub(super) fn prove(format: &CardFormat, begun: &Samples, sheet: &Sheet<'_>) {
    for (credential, span) in &begun.begun {
        match format.encode(credential) {
            Ok(bits) => sheet.add(
                *span,
                format!("the sample has no bits; its numbers are written as `bits = \"{bits}\"`: if a card sends that, say so"),
            ),
            Err(error) => sheet.add(*span, format!("the sample's numbers cannot be encoded: {error}")),
        }
    }
    for sample in &format.samples {
        let bits = sample.frame(format.is_track);
        let fitting = format.formats().find(|of_length| of_length.len() == bits.len()).unwrap_or(&format.format);
        if let Err((reason, at)) = fitting.fit(&bits) {
            let detail = fitting.detail(reason, at);
            sheet.add(sample.span, format!("the sample does not fit its own format ({}): {detail}", reason.name()));
            continue;
        }
        let found = fitting.credential(&bits);
        if found != sample.credential {
            let read: Vec<String> = found.numbers().map(|(name, value)| format!("{name} = {value}")).collect();
            let read = read.join(", ");
            let is_begun = sample.credential == Credential::default();
            let message = if is_begun { "; if that is right, write these numbers under it" } else { ", not as it says" };
            sheet.add(sample.span, format!("the sample's bits are read as {read}{message}"));
            continue;
        }
        match fitting.encode(&sample.credential) {
            Ok(encoded) => differ(fitting, &bits, &encoded, sheet, sample.span),
            Err(error) => sheet.add(sample.span, format!("the sample's numbers cannot be encoded: {error}")),
        }
    }
}

fn differ(format: &Format, bits: &PacsBits, encoded: &PacsBits, sheet: &Sheet<'_>, span: Span) {
    let drawing = format.drawing();
    let warns = |at: &usize| drawing.checks.iter().any(|check| check.warns && check.own.contains(at));
    let known = |at: &usize| !matches!(drawing.cells.get(*at), Some(Cell::Carried)) && !warns(at);
    // A check that covers a carried bit is computed over the 0 that encode writes there.
    let covers_unknown = |at: &usize| {
        let mut checks = drawing.checks.iter();
        checks.any(|check| check.own.contains(at) && check.covers.iter().any(|covered| !known(covered)))
    };
    let different = (0..bits.len()).filter(known).filter(|at| !covers_unknown(at)).find(|at| bits.get(*at) != encoded.get(*at));
    if let Some(at) = different {
        sheet.add(span, format!("the sample's numbers encode to {encoded}, which differs from its bits at bit {at}"));
    }
}
