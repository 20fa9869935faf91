//! A reading as one JSON object.
//!
//! In: a reading. Out: every format's verdict on it, for programs. Never: which keys were typed, for whoever did not ask for them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use utoipa::ToSchema;

use super::literal;
use crate::card::{
    Credential, Csn, DecidedBy, Fit, Kind, PacsBits, Presentation, Reading, Reason, Refusal, SmartCard, Suggestion, Transport, Verdict,
};

/// A reading as the JSON of `decode`, `read` and `replay`.
#[derive(Serialize, ToSchema)]
#[schema(as = Reading)]
pub struct ReadingJson<'a> {
    input: &'a str,
    kind: Kind,
    bits: Option<PacsBits>,
    binary: Option<String>,
    length: Option<usize>,
    verdict: Verdict,
    #[serde(serialize_with = "fits")]
    #[schema(value_type = Vec<FitJson>)]
    fits: &'a [Fit],
    #[serde(serialize_with = "refusals")]
    #[schema(value_type = Vec<RefusalJson>)]
    refusals: &'a [Refusal],
    credential: Option<FitJson<'a>>,
    decided_by: Option<DecidedBy>,
    csn: Option<&'a Csn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    numbers: Option<Numbers<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    keys: Option<&'a str>,
    /// How many keys were typed, where which ones is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    smart_card: Option<&'a SmartCard>,
    warnings: &'a [String],
    #[serde(serialize_with = "suggestions")]
    #[schema(value_type = Vec<SuggestionJson>)]
    suggestions: &'a [Suggestion],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    advice: Option<AdviceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    #[schema(nullable = false)]
    at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    transport: Option<Transport>,
    /// The bytes as they came, hex.
    #[serde(skip_serializing_if = "str::is_empty")]
    raw: &'a str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Fit)]
struct FitJson<'a> {
    format: &'a str,
    aliases: &'a [String],
    #[serde(flatten)]
    numbers: Numbers<'a>,
    checks: ChecksJson,
    /// The chance that random bits fit.
    odds: f64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct SuggestionJson<'a> {
    transform: &'static str,
    words: &'a str,
    bits: Option<PacsBits>,
    fit: FitJson<'a>,
    odds: f64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Advice)]
struct AdviceJson<'a> {
    id: &'a str,
    words: &'a str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Checks)]
struct ChecksJson {
    present: u8,
    passed: u8,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Refusal)]
struct RefusalJson<'a> {
    format: &'a str,
    reason: Reason,
    detail: &'a str,
}

/// A credential's numbers: the four always there, the others under `fields`.
#[derive(Serialize, ToSchema)]
#[schema(as = CardNumbers)]
struct Numbers<'a> {
    facility_code: Option<u64>,
    card_number: Option<u64>,
    issue_code: Option<u64>,
    oem_code: Option<u64>,
    /// The same where it is too wide for a number in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    facility_code_text: Option<String>,
    /// The same where it is too wide for a number in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    card_number_text: Option<String>,
    /// The same where it is too wide for a number in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    issue_code_text: Option<String>,
    /// The same where it is too wide for a number in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    oem_code_text: Option<String>,
    /// Other numbers, by the names of the format.
    #[schema(value_type = Object)]
    fields: Fields<'a>,
}

/// The largest integer every JSON reader keeps exact.
const EXACT: u128 = 1 << 53;

impl<'a> Numbers<'a> {
    fn of(credential: &'a Credential) -> Self {
        let narrow = |name: &str| credential.number(name).and_then(|value| u64::try_from(value).ok());
        let wide = |name: &str| credential.number(name).filter(|value| *value >= EXACT).map(|value| value.to_string());
        Self {
            facility_code: narrow("facility_code"),
            card_number: narrow("card_number"),
            issue_code: narrow("issue_code"),
            oem_code: narrow("oem_code"),
            facility_code_text: wide("facility_code"),
            card_number_text: wide("card_number"),
            issue_code_text: wide("issue_code"),
            oem_code_text: wide("oem_code"),
            fields: Fields(&credential.fields),
        }
    }
}

struct Fields<'a>(&'a [(String, u128)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match u64::try_from(*value) {
                Ok(value) => map.serialize_entry(name, &value)?,
                Err(_) => map.serialize_entry(name, &value.to_string())?,
            }
        }
        map.end()
    }
}

/// The JSON of a reading; `input` is what was read, as it was written.
#[must_use]
pub fn json<'a>(reading: &'a Reading, input: &'a str) -> ReadingJson<'a> {
    let presentation = &reading.presentation;
    ReadingJson {
        input,
        kind: presentation.kind,
        bits: presentation.bits,
        binary: presentation.bits.map(|bits| bits.to_binary()),
        length: presentation.bits.map(|bits| bits.len()),
        verdict: reading.verdict,
        fits: &reading.fits,
        refusals: &reading.refusals,
        credential: reading.chosen().map(fit_json),
        decided_by: reading.choice.map(|(_, decided_by)| decided_by),
        csn: presentation.csn.as_ref(),
        numbers: presentation.numbers.as_ref().map(|numbers| Numbers::of(&numbers.credential)),
        keys: presentation.keys.as_deref(),
        key_count: None,
        smart_card: presentation.smart_card.as_deref(),
        warnings: &presentation.warnings,
        suggestions: &reading.suggestions,
        advice: reading.advice.as_deref().map(|advice| AdviceJson { id: &advice.id, words: &advice.words }),
        at: presentation.at,
        reader: presentation.reader.as_deref(),
        transport: presentation.transport,
        raw: &presentation.raw,
    }
}

/// The JSON of a reading for whoever did not ask for keys, and for a service's output, which ends up in a log: of what was typed
/// on a keypad, which may be somebody's PIN, how many keys there were and not which.
#[must_use]
pub fn json_without_keys(reading: &Reading) -> Value {
    let mut hidden = reading.clone();
    if reading.is_typed() {
        hidden.presentation = Presentation { bits: None, could_be: Vec::new(), keys: None, raw: String::new(), ..hidden.presentation };
        hidden.fits.clear();
        hidden.refusals.clear();
        hidden.suggestions.clear();
    }
    let key_count = reading.presentation.keys.as_ref().map(|keys| keys.chars().count());
    serde_json::to_value(ReadingJson { key_count, ..json(&hidden, &literal(&hidden)) }).unwrap_or(Value::Null)
}

fn fit_json(fit: &Fit) -> FitJson<'_> {
    FitJson {
        format: &fit.format,
        aliases: &fit.aliases,
        numbers: Numbers::of(&fit.credential),
        checks: ChecksJson { present: fit.checks.present, passed: fit.checks.passed },
        odds: fit.odds,
    }
}

fn suggestion_json(suggestion: &Suggestion) -> SuggestionJson<'_> {
    SuggestionJson {
        transform: suggestion.transform,
        words: &suggestion.words,
        bits: suggestion.bits,
        fit: fit_json(&suggestion.fit),
        odds: suggestion.odds,
    }
}

fn refusal_json(refusal: &Refusal) -> RefusalJson<'_> {
    RefusalJson { format: &refusal.format, reason: refusal.reason, detail: &refusal.detail }
}

fn fits<S: Serializer>(fits: &[Fit], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fits.iter().map(fit_json))
}

fn refusals<S: Serializer>(refusals: &[Refusal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(refusals.iter().map(refusal_json))
}

fn suggestions<S: Serializer>(suggestions: &[Suggestion], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(suggestions.iter().map(suggestion_json))
}

fn time<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        None => serializer.serialize_none(),
    }
}
