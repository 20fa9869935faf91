//! A station's notices, for programs (one JSON object) and for people (a line or two).
//!
//! In: a notice, and the site's policy, which knows what would settle a question. Out: JSON with the words in it, so that whoever
//! listens can show them as they are. Never: a decision.

use serde_json::{Value, json};

use super::{end, enrollment, evidence, reading};
use crate::{
    card::{Reading, Verdict},
    enroll::{enrollment::Refused, policy::SitePolicy},
    outbox::{Given, InTheWay},
    station::{
        Ended, Notice, Question,
        notice::QuestionKind::{self, Choose, FirstSeen, Holder, SecondReading},
    },
    text::shown,
};

/// A notice for people; none for what a command shows in its own way.
#[must_use]
pub fn text(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Read(reading) => Some(reading::text_without_keys(reading)),
        Notice::Lost(reader, why) | Notice::Failed(reader, why) | Notice::Note(reader, why) => Some(format!("{reader}: {why}")),
        Notice::Noise(reader, count) => Some(format!("{reader}: {count} bytes that are no card")),
        Notice::LayThere(reader) => Some(format!("{reader}: a card lies there already: lift the card, then show it")),
        Notice::Asked(_, question) => Some(question_words(&question.kind)),
        Notice::WaitsFor(_, before) => {
            Some(format!("it waits for entry {before}, which is for the same user or card and was saved before"))
        }
        Notice::Postponed(_, None) => Some("saved; it will be sent when BluSKY is back".to_owned()),
        Notice::Postponed(_, Some(why)) => Some(format!("saved; nothing is delivered: {why}")),
        Notice::StoreGone(Some(why)) => Some(format!("the store is gone, and nothing can be saved: {why}")),
        Notice::StoreGone(None) => Some("the store is there again".to_owned()),
        Notice::Policy(Some(why)) => Some(format!("what was answered for the site is not taken up: {why}")),
        Notice::Policy(None) => Some("what was answered for the site has changed, and holds from now on".to_owned()),
        Notice::Away(true, why) => {
            Some(format!("{}; what is saved is sent when it is back", why.as_deref().unwrap_or("BluSKY cannot be reached")))
        }
        Notice::Away(false, _) => Some("BluSKY is there again".to_owned()),
        Notice::Stopped(why) => Some(format!("nothing is delivered: {why}")),
        Notice::Entry(entry, _) => Some(enrollment::text(entry)),
        Notice::Waiting { ahead: 0, .. } | Notice::Up(_) | Notice::Ready(_) | Notice::NotEnrolled(..) => None,
        Notice::Waiting { ahead, first, .. } => {
            let first = first.as_deref().unwrap_or("somebody");
            Some(match ahead {
                1 => format!("{first} waits for a card before this order"),
                2 => format!("{first} and 1 other wait for a card before this order"),
                ahead => format!("{first} and {} others wait for a card before this order", ahead - 1),
            })
        }
    }
}

/// A notice as JSON, without its number; of what was typed on a keypad, that it was typed and not what.
#[must_use]
pub fn json(notice: &Notice, policy: &SitePolicy) -> Value {
    let mut json = match notice {
        Notice::Up(reader) => json!({"kind": "up", "reader": **reader}),
        Notice::Ready(reader) => json!({"kind": "ready", "reader": **reader}),
        Notice::LayThere(reader) => json!({"kind": "lay_there", "reader": **reader}),
        Notice::Lost(reader, why) => json!({"kind": "lost", "reader": **reader, "why": why}),
        Notice::Note(reader, why) => json!({"kind": "note", "reader": **reader, "why": why}),
        Notice::Failed(reader, why) => json!({"kind": "failed", "reader": **reader, "why": why}),
        Notice::Noise(reader, bytes) => json!({"kind": "noise", "reader": **reader, "bytes": bytes}),
        Notice::Read(reading) => json!({"kind": "reading", "reader": reading.presentation.reader, "reading": reading_json(reading)}),
        Notice::Waiting { order, person, ahead, first, ready } => {
            json!({"kind": "waiting", "enrollment": order, "person": person, "ahead": ahead, "first": first, "ready": ready})
        }
        Notice::Asked(order, asked) => json!({"kind": "question", "enrollment": order, "question": question(asked, policy)}),
        Notice::NotEnrolled(order, ended) => json!({"kind": "not_enrolled", "enrollment": order, "error": error(ended, policy)}),
        Notice::Entry(entry, asked) => json!({
            "kind": "enrollment", "enrollment": entry.id, "entry": enrollment::json(entry), "call": entry.operation.name(), "about": enrollment::about(entry),
            "question": asked.as_ref().map(|asked| question(asked, policy)), "end": end::end(entry),
        }),
        Notice::WaitsFor(order, before) => json!({"kind": "waits_for", "enrollment": order, "before": before}),
        Notice::Postponed(order, why) => json!({"kind": "postponed", "enrollment": order, "why": why}),
        Notice::StoreGone(why) => json!({"kind": "store", "why": why}),
        Notice::Away(away, why) => json!({"kind": "away", "away": away, "why": why}),
        Notice::Policy(why) => json!({"kind": "policy", "why": why}),
        Notice::Stopped(why) => json!({"kind": "stopped", "why": why}),
    };
    if let (Some(words), Some(members)) = (text(notice), json.as_object_mut()) {
        members.insert("words".to_owned(), words.into());
    }
    json
}

fn reading_json(reading: &Reading) -> Value {
    reading::json_without_keys(reading)
}

/// A reading as a notice, with the keys that were typed, for whoever asks for them.
#[must_use]
pub fn reading_with_keys(reading: &Reading) -> Value {
    let json = serde_json::to_value(reading::json(reading, &reading::literal(reading))).unwrap_or(Value::Null);
    json!({"kind": "reading", "reader": reading.presentation.reader, "reading": json, "words": reading::text(reading)})
}

fn question(question: &Question, policy: &SitePolicy) -> Value {
    let (choices, settle): (Vec<Value>, Vec<String>) = match &question.kind {
        Choose(reading, choices) => {
            let fits = choices.iter().filter_map(|choice| Some((choice, reading.fits.get(*choice)?)));
            let choices = fits.map(|(choice, fit)| json!({"choice": choice, "format": *fit.format, "words": fit.credential.words()}));
            (choices.collect(), policy.settling_lines(reading))
        }
        SecondReading(_, open) | FirstSeen(_, open) => (Vec::new(), open.settling_lines()),
        QuestionKind::InTheWay(..) | Holder(..) => (Vec::new(), Vec::new()),
    };
    json!({
        "id": question.number, "kind": question.kind.name(), "choices": choices, "settle": settle, "words": question_words(&question.kind),
    })
}

fn question_words(kind: &QuestionKind) -> String {
    match kind {
        Choose(..) => "several formats fit: which of these is it?".to_owned(),
        SecondReading(_, open) | FirstSeen(_, open) => evidence::question(open),
        QuestionKind::InTheWay(other, person) => {
            format!("{}: give it to {} instead?", in_the_way(other), instead(person.as_deref()))
        }
        Holder(words, person) => {
            let words = words.as_deref().map(|words| format!("BluSKY says “{}”: ", shown(words))).unwrap_or_default();
            format!("{words}take the card from its holder and give it to {} instead?", instead(person.as_deref()))
        }
    }
}

fn instead(person: Option<&str>) -> &str {
    person.unwrap_or("the other user")
}

fn in_the_way(other: &InTheWay) -> String {
    let which = |given: &Given| given.card.as_ref().map_or("this card".to_owned(), |card| format!("this card ({card})"));
    let whom = |given: &Given| given.name.clone().unwrap_or_else(|| given.user.to_string());
    match other {
        InTheWay::Given(given) => format!("{} was given to {} {} s ago", which(given), whom(given), given.seconds),
        InTheWay::Ordered(given) => format!("{} is saved for {} and was not sent yet", which(given), whom(given)),
        InTheWay::Shown(given) => format!("{} was shown for {} {} s ago", which(given), whom(given), given.seconds),
    }
}

/// Why nothing is enrolled, as the `{"code","message","help"}` of an error.
#[must_use]
pub fn error(ended: &Ended, policy: &SitePolicy) -> Value {
    match ended {
        Ended::Refused(reading, refused) => {
            let lines = if matches!(refused, Refused::Undecided(_)) { policy.settling_lines(reading) } else { Vec::new() };
            about(reading, refused_code(reading, refused), &refused.to_string(), &lines)
        }
        Ended::Unproven(reading, open) => about(reading, "unproven", &evidence::unanswered(open), &open.settling_lines()),
        Ended::InTheWay(other @ (InTheWay::Given(_) | InTheWay::Shown(_))) => plain(
            "same_card",
            &format!("{}. Nothing was enrolled.", in_the_way(other)),
            "if it is meant so, say --same-card; enroll.same_card_s says for how long this is asked",
        ),
        Ended::InTheWay(other @ InTheWay::Ordered(given)) => plain(
            "held_by_order",
            &format!("{}. Nothing was enrolled.", in_the_way(other)),
            &format!("if the older order is wrong, `cardbridge outbox discard {}`, then show the card again", given.entry),
        ),
        Ended::NotSaved(why) => plain("store", why, "nothing was enrolled; present the card again once that is mended"),
        Ended::NoCard(seconds) => plain(
            "no_card",
            &format!("no card was shown within {seconds} s"),
            "hold a card to the reader, or give it more time with --timeout",
        ),
        Ended::SaidNo => plain("said_no", "a person said no", "nothing was enrolled"),
        Ended::Withdrawn => plain("withdrawn", "the order was withdrawn before a card was shown", "nothing was enrolled"),
    }
}

fn plain(code: &str, message: &str, help: &str) -> Value {
    json!({"code": code, "message": message, "help": help})
}

fn about(reading: &Reading, code: &str, why: &str, lines: &[String]) -> Value {
    let words = reading::text(reading);
    let help = match lines {
        [] => words,
        lines => format!("{words}\none of these lines in the configuration would settle it:\n{}", lines.join("\n")),
    };
    json!({"code": code, "message": format!("{why}; nothing was enrolled"), "help": help, "reading": reading_json(reading), "settle": lines})
}

fn refused_code(reading: &Reading, refused: &Refused) -> &'static str {
    match refused {
        Refused::Undecided(_) if matches!(reading.verdict, Verdict::Ambiguous) => "ambiguous",
        Refused::OtherCardType { .. } => "other_card_type",
        Refused::OtherNumber(_) => "other_number",
        Refused::Undecided(_) => "undecided",
        Refused::Damaged => "damaged",
        Refused::Nothing(_) => reading.verdict.name(),
        Refused::NoCardType { .. } => "no_card_type",
        Refused::SeveralCardTypes { .. } => "several_card_types",
        Refused::UnknownCardType(..) => "unknown_card_type",
        Refused::MissingNumber { .. } => "missing_number",
        Refused::Zero => "card_number_zero",
        Refused::TooWide { .. } => "integer_width",
        Refused::Template(..) => "external_number",
        Refused::Window(..) => "window",
    }
}
