//! A reading, for programs (one JSON object) and for people (a few lines).

mod json;

use crate::card::{DecidedBy, Fit, Kind, Literal, Reading, Suggestion, Verdict};

pub use json::{ReadingJson, json, json_without_keys};

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

/// A reading for people, of what was typed how many keys there were.
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
