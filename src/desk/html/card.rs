//! A card that was read: its numbers, what it is, how sure that is, what it is worth.

use chrono::FixedOffset;
use maud::{Markup, html};

use super::{day_and_clock, reason};

use crate::{
    card::{Credential, DecidedBy, Evidence, Reading},
    desk::words::Words,
    host::known::{Is, Known, Source},
    text::shown,
    views::evidence::one_in,
};

/// The numbers in a line.
#[must_use]
pub fn numbers(credential: &Credential, words: &Words) -> String {
    let mut line = String::new();
    for (name, value) in credential.numbers() {
        let gap = if line.is_empty() { "" } else { ", " };
        let name = match name {
            "facility_code" => words.say("facility_code"),
            "card_number" => words.say("card_number"),
            "issue_code" => words.say("issue_code"),
            other => other,
        };
        line.push_str(&format!("{gap}{name} {value}"));
    }
    line
}

/// What spoke for a card, in a line.
#[must_use]
pub fn evidence(evidence: &[Evidence], words: &Words) -> String {
    let said = |evidence: &Evidence| {
        let odds = evidence
            .odds
            .filter(|odds| *odds < 1.0)
            .map(|odds| format!(" ({})", words.fill("odds", &[("count", &one_in(odds).trim_start_matches("1 in "))])))
            .unwrap_or_default();
        let key = format!("evidence_{}", evidence.what.name());
        format!(
            "{}{}",
            words.fill(&key, &[("cards", &evidence.cards.unwrap_or(0))]),
            if key == "evidence_checks" { odds } else { String::new() }
        )
    };
    evidence.iter().map(said).collect::<Vec<_>>().join(", ")
}

/// What the bits say, and who chose where they leave a choice.
fn how_sure(reading: &Reading, words: &Words) -> String {
    let verdict = words.say(&format!("verdict_{}", reading.verdict.name())).to_owned();
    match reading.choice {
        None | Some((_, DecidedBy::OnlyFit)) => verdict,
        Some((_, by)) => format!("{verdict}; {}", words.say(&format!("decided_{}", by.name()))),
    }
}

/// BluSKY's state of a card, in the words of its own console; and who says so, and as of when.
#[must_use]
pub fn known(known: &Known, words: &Words, offset: FixedOffset) -> Markup {
    let as_of = known.as_of.map(|at| day_and_clock(at, offset)).unwrap_or_default();
    let source = match known.from {
        Some(Source::Blusky) => words.fill("known_by_blusky", &[("at", &as_of)]),
        Some(Source::OwnRecord) => words.fill("known_by_us", &[("at", &as_of)]),
        None => words.say("known_by_nobody").to_owned(),
    };
    let is = match &known.is {
        Is::Assigned(_) => "assigned",
        Is::Available => "available",
        Is::Listed => "listed",
        Is::New => "new",
    };
    html! {
        p.known data-known=(is) {
            @match &known.is {
                Is::Assigned(whom) => strong lang="en" { "Pre-Registered, Assigned to " (shown(whom)) },
                Is::Available => strong lang="en" { "Pre-Registered, Available" },
                Is::New => strong lang="en" { "Card Not Found – Adding New" },
                Is::Listed => strong { (words.say("known_listed")) },
            }
            " " small { (source) }
        }
    }
}

/// What was read.
#[must_use]
pub fn card(reading: &Reading, known: Option<&Known>, words: &Words) -> Markup {
    let reader = reading.presentation.reader.as_deref().unwrap_or_default();
    html! {
        dl.card {
            @match reading.chosen() {
                Some(fit) => {
                    @for (name, value) in [
                        (words.say("facility_code"), fit.credential.number("facility_code")),
                        (words.say("card_number"), fit.credential.number("card_number")),
                        (words.say("issue_code"), fit.credential.number("issue_code")),
                    ] {
                        @if let Some(value) = value { div { dt { (name) } dd.number { (value) } } }
                    }
                    @if let Some(print) = known.and_then(|known| known.print.as_ref()) { div { dt { (words.say("expected_print")) } dd.number { (shown(print)) } } }
                    div { dt { (words.say("format")) } dd { (fit.format) @if let Some(alias) = fit.aliases.first() { " (" (alias) ")" } } }
                },
                None => {
                    @if let Some(csn) = &reading.presentation.csn {
                        div { dt { (words.say("serial_number")) } dd.number { (csn.to_string()) } }
                    }
                    @for fit in reading.fits.iter().take(4) {
                        div { dt { (fit.format) } dd { (numbers(&fit.credential, words)) } }
                    }
                },
            }
            div { dt { (words.say("how_sure")) } dd { (how_sure(reading, words)) } }
            @if !reader.is_empty() { div { dt { (words.say("reader")) } dd { (reader) } } }
            @for warning in &reading.presentation.warnings { div { dt { (words.say("note")) } dd { (super::warning(warning, words)) } } }
            @for suggestion in reading.suggestions.iter().take(3) { div { dt { (words.say("perhaps")) } dd { (reason(&suggestion.words, words)) } } }
            @if let Some(advice) = &reading.advice { div { dt { (words.say("worth")) } dd { (super::ours(&format!("advice_{}", advice.id), &advice.words, words)) } } }
        }
    }
}
