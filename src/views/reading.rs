//! A reading, for programs (one JSON object) and for people (a few lines).

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::card::{
    Credential, Csn, DecidedBy, Fit, Kind, Literal, PacsBits, Presentation, Reading, Refusal, SmartCard, Suggestion, Verdict,
};

/// A reading as the JSON of `decode`, `read` and `replay`.
#[derive(Serialize)]
pub struct ReadingJson<'a> {
    input: &'a str,
    kind: Kind,
    bits: Option<PacsBits>,
    binary: Option<String>,
    length: Option<usize>,
    verdict: Verdict,
    #[serde(serialize_with = "fits")]
    fits: &'a [Fit],
    #[serde(serialize_with = "refusals")]
    refusals: &'a [Refusal],
    credential: Option<FitJson<'a>>,
    decided_by: Option<DecidedBy>,
    csn: Option<&'a Csn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smart_card: Option<&'a SmartCard>,
    warnings: &'a [String],
    #[serde(serialize_with = "suggestions")]
    suggestions: &'a [Suggestion],
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<AdviceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    raw: &'a str,
}

#[derive(Serialize)]
struct FitJson<'a> {
    format: &'a str,
    aliases: &'a [String],
    #[serde(flatten)]
    numbers: Numbers<'a>,
    checks: ChecksJson,
    odds: f64,
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    transform: &'static str,
    words: &'a str,
    bits: Option<PacsBits>,
    fit: FitJson<'a>,
    odds: f64,
}

#[derive(Serialize)]
struct AdviceJson<'a> {
    id: &'a str,
    words: &'a str,
}

#[derive(Serialize)]
struct ChecksJson {
    present: u8,
    passed: u8,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    format: &'a str,
    reason: &'static str,
    detail: &'a str,
}

/// A credential's numbers: the four always there, the others under `fields`.
struct Numbers<'a>(&'a Credential);

/// The largest integer every JSON reader keeps exact.
const EXACT: u128 = 1 << 53;

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in ["facility_code", "card_number", "issue_code", "oem_code"] {
            let value = self.0.number(name);
            map.serialize_entry(name, &value.and_then(|value| u64::try_from(value).ok()))?;
            if let Some(wide) = value.filter(|value| *value >= EXACT) {
                map.serialize_entry(&format!("{name}_text"), &wide.to_string())?;
            }
        }
        map.serialize_entry("fields", &Fields(&self.0.fields))?;
        map.end()
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
        numbers: presentation.numbers.as_ref().map(|numbers| Numbers(&numbers.credential)),
        keys: presentation.keys.as_deref(),
        smart_card: presentation.smart_card.as_deref(),
        warnings: &presentation.warnings,
        suggestions: &reading.suggestions,
        advice: reading.advice.as_deref().map(|advice| AdviceJson { id: &advice.id, words: &advice.words }),
        at: presentation.at,
        reader: presentation.reader.as_deref(),
        transport: presentation.transport.map(crate::card::Transport::name),
        raw: &presentation.raw,
    }
}

fn fit_json(fit: &Fit) -> FitJson<'_> {
    FitJson {
        format: &fit.format,
        aliases: &fit.aliases,
        numbers: Numbers(&fit.credential),
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
    RefusalJson { format: &refusal.format, reason: refusal.reason.name(), detail: &refusal.detail }
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

/// What was presented, as a literal.
#[must_use]
pub fn literal(reading: &Reading) -> String {
    let presentation = &reading.presentation;
    match (presentation.kind, &presentation.csn, presentation.bits) {
        (Kind::Csn, Some(csn), _) => Literal::Csn(csn.clone()).to_string(),
        (Kind::Em4100, _, Some(bits)) if bits.len() == 40 => Literal::Em4100(bits).to_string(),
        (_, _, Some(bits)) => bits.to_string(),
        // What is pressed on a keypad may be somebody's PIN.
        _ if reading.is_typed() => "keypad".to_owned(),
        _ => presentation.numbers.as_ref().map_or_else(|| presentation.raw.clone(), |read| read.credential.words()),
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
    let mut json = serde_json::to_value(json(&hidden, &literal(&hidden))).unwrap_or(Value::Null);
    if let (Some(keys), Some(members)) = (&reading.presentation.keys, json.as_object_mut()) {
        members.insert("key_count".to_owned(), keys.chars().count().into());
    }
    json
}

/// The same for people.
#[must_use]
pub fn text_without_keys(reading: &Reading) -> String {
    if !reading.is_typed() {
        return text(reading);
    }
    let reader = reading.presentation.reader.as_deref().map(|reader| format!("{reader}: ")).unwrap_or_default();
    match reading.presentation.keys.as_ref().map(|keys| keys.chars().count()) {
        Some(1) => format!("{reader}1 key was typed on the keypad"),
        Some(count) => format!("{reader}{count} keys were typed on the keypad"),
        None => format!("{reader}something was typed on the keypad"),
    }
}

/// A reading for people: a headline, a line for every fit, the reasons where nothing fits.
#[must_use]
pub fn text(reading: &Reading) -> String {
    let presentation = &reading.presentation;
    let reader = presentation.reader.as_ref().map(|reader| format!("{reader}: ")).unwrap_or_default();
    let length = match presentation.bits {
        Some(bits) if presentation.kind != Kind::Csn => format!(", {} bits", bits.len()),
        _ => String::new(),
    };
    let mut lines = vec![format!("{reader}{}{length}: {}", literal(reading), headline(reading))];
    for (at, fit) in reading.fits.iter().enumerate() {
        let mark = if reading.choice.is_some_and(|(chosen, _)| chosen == at) { "▶" } else { " " };
        lines.push(format!("  {mark} {:<24} {:<44} {}", fit.format, fit.credential.words(), evidence(fit)));
    }
    if let Some((_, decided_by)) = reading.choice {
        lines.push(format!("    decided by: {}", decision(decided_by)));
    }
    let damaged_only = !reading.fits.is_empty();
    for refusal in reading.refusals.iter().filter(|refusal| refusal.reason.is_damage() || !damaged_only) {
        lines.push(format!("    not {}: {} ({})", refusal.format, refusal.detail, refusal.reason.name()));
    }
    if let Some(card) = &presentation.smart_card {
        lines.extend(card.is.iter().map(|is| format!("    card: {is}")));
        if reading.verdict == Verdict::Unreadable {
            let tried = if card.tried.is_empty() { "nothing is known to ask it".to_owned() } else { card.tried.join("; ") };
            lines.push(format!("    ATR {}, tried: {tried}", card.atr));
        }
    }
    if let Some(csn) = presentation.csn.as_ref().filter(|_| presentation.kind != Kind::Csn) {
        lines.push(format!("    card serial number {csn}"));
    }
    lines.extend(presentation.warnings.iter().map(|warning| format!("    note: {}", words_of(warning))));
    lines.extend(reading.suggestions.iter().map(|suggestion| format!("    perhaps {}", suggestion_text(suggestion))));
    lines.extend(reading.advice.iter().map(|advice| format!("    worth: {}", advice.words)));
    lines.join("\n")
}

/// What the bits say; where the site or somebody has settled it, that.
fn headline(reading: &Reading) -> String {
    let Some((chosen, decided_by)) = reading.choice.filter(|(_, by)| *by != DecidedBy::OnlyFit) else {
        return verdict(reading.verdict).to_owned();
    };
    let Some(fit) = reading.fits.get(chosen) else { return verdict(reading.verdict).to_owned() };
    format!("{}, {} ({}; by itself {})", fit.credential.words(), fit.format, decision(decided_by), verdict(reading.verdict))
}

/// An explanation for people: what happened and what to do, what is read then, and what that is worth.
#[must_use]
pub fn suggestion_text(suggestion: &Suggestion) -> String {
    let fit = &suggestion.fit;
    format!("{}: then {} is {} ({})", suggestion.words, fit.credential.words(), fit.format, chance(suggestion.odds))
}

/// Odds in words: `1 in 4`.
#[must_use]
pub fn chance(odds: f64) -> String {
    if odds > 0.5 { format!("{:.0} in 100 by chance", odds * 100.0) } else { format!("1 in {:.0} by chance", 1.0 / odds) }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Certain => "certain",
        Verdict::Likely => "likely: one credential fits, but so do many random bits",
        Verdict::Ambiguous => "ambiguous, several different credentials fit",
        Verdict::Unchecked => "unchecked, only formats without any check fit",
        Verdict::Damaged => "damaged, or of a format not known here; present the card again",
        Verdict::UnknownFormat => "of a format not known here: the same bits came twice, so it is not damaged",
        Verdict::NoFit => "no known format fits",
        Verdict::UnknownLength => "the reader does not tell the number of bits; set bits = N for it",
        Verdict::SerialOnly => "a card serial number only",
        Verdict::Keypad => "typed on a keypad, and no card",
        Verdict::Unreadable => "the card answers none of the known questions",
    }
}

fn evidence(fit: &Fit) -> String {
    let chance = if fit.odds >= 1.0 { "any bits fit it".to_owned() } else { chance(fit.odds) };
    match fit.checks.passed {
        0 => format!("no check, {chance}"),
        1 => format!("1 check passed, {chance}"),
        passed => format!("{passed} checks passed, {chance}"),
    }
}

const fn decision(decided_by: DecidedBy) -> &'static str {
    match decided_by {
        DecidedBy::OnlyFit => "nothing else fits",
        DecidedBy::Policy => "the site's policy",
        DecidedBy::Printed => "the printed number",
        DecidedBy::Operator => "the operator",
    }
}

/// A warning's name in words.
#[must_use]
pub fn words_of(warning: &str) -> String {
    match warning {
        "random_uid" => {
            "the serial number is a new one at every tap: a phone, or a card in random-ID mode; it cannot be enrolled".to_owned()
        }
        "filled_uid" => "the reader seems to have filled a shorter serial number up with 00 or FF".to_owned(),
        "zero_uid" => "the serial number is all zero, which is none".to_owned(),
        "cut_uid" => "the serial number is the beginning of a longer one: the reader did not read all of it".to_owned(),
        "protected" => {
            "the card's number is protected by keys that are not here; the serial number is another number, which doors may not know"
                .to_owned()
        }
        "worthless_number" => {
            "the number is one that many cards share: a test card, or a card that nobody has personalized; it cannot be enrolled".to_owned()
        }
        "parity_not_seen" => "the reader takes the parity bits away: a damaged card cannot be told from an intact one".to_owned(),
        "shown_before" => {
            "the reader still holds this card in its memory: it was shown before anybody asked, and is not enrolled".to_owned()
        }
        "lay_there" => "the card lay there already when the reader was opened: it is not enrolled; lift it, then show it".to_owned(),
        "printed_not_read" => "the number printed is none of the numbers read here".to_owned(),
        "check_not_judged" => "the frame's check bytes are not documented and were not judged".to_owned(),
        "bits_do_not_fit" => "the frame's number needs more bits than the configured bits = N".to_owned(),
        "format_not_told" => {
            "the reader does not say that these are Wiegand bits; kind = \"wiegand\" (or \"csn\") for it settles that".to_owned()
        }
        "not_wiegand" => "the reader does not send Wiegand bits; set it to raw Wiegand data, or say kind = \"...\" for it".to_owned(),
        "formatted_card_data" => {
            "the reader decodes cards itself and sends text, which the standard has given up; set it to send raw bits".to_owned()
        }
        "too_many_bits" => "the card has more bits than any card format".to_owned(),
        "entry_not_ended" => "the key that ends an entry did not come: it may have been given up".to_owned(),
        "typed" => "typed on a keypad, and no card".to_owned(),
        "unknown_key" => "the reader sent a key code that the standard does not name".to_owned(),
        "decision_aged" => {
            "whoever holds the card keeps it: the decision to take it was more than 2 minutes old, or an earlier call may have \
                            arrived; order it again to decide anew"
                .to_owned()
        }
        "no_access_level" => {
            "BluSKY's list shows no access level for this person: the card opens no door until `cardbridge access add` gives one".to_owned()
        }
        "found_in_directory" => "BluSKY's answer was lost; its list of people shows the user, who was not there before".to_owned(),
        "inactive_card" => "BluSKY stores this card without the flag of an active cardholder (1): no door takes it".to_owned(),
        "not_this_users_card" => "the card was not this user's, or not any more".to_owned(),
        "already_assigned_to_this_user" => "the card was this user's already".to_owned(),
        "read_back_unavailable" => "BluSKY cannot show the user's cards: what it stored was not checked".to_owned(),
        "not_read_back" => "BluSKY did not show the user's cards: what it stored was not checked".to_owned(),
        "not_in_read_back" => "BluSKY took the card and does not show it among the user's; look it up".to_owned(),
        // Which members, for people, with what it means.
        other => match other.split_once(": ") {
            Some(("not_set", members)) => format!("{members}: the card was this user's already, and this call set nothing"),
            Some(("not_shown", members)) => format!("{members}: BluSKY does not show this for any card, so it was not checked"),
            Some(("stored_differs", members)) => format!("{members}: BluSKY stored something else than was sent"),
            _ => other.replace('_', " "),
        },
    }
}
