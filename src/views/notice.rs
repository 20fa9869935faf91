//! A station's notices, for programs (one JSON object) and for people (a line or two).
//!
//! In: a notice. Out: words, or JSON with the words in it. Never: a decision.

mod json;

use super::{enrollment, evidence, reading};
use crate::{
    outbox::{Given, InTheWay, Known, NotNew},
    station::{
        Notice,
        notice::QuestionKind::{self, Choose, FirstSeen, Holder, SecondReading},
    },
    text::shown,
};

pub use json::{ErrorJson, NoticeJson, json, missed, note};

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

/// Why somebody is nobody new: a code, the same in words, and what to do.
#[must_use]
pub fn not_new_words(not_new: &NotNew) -> (&'static str, &'static str, String) {
    let show = || format!("`cardbridge outbox show {}` says whom that entry has added", not_new.entry);
    let enroll = |user| format!("`cardbridge enroll --user {user}` gives them a card; somebody else has an employee number of their own");
    let help = || not_new.user.map_or_else(show, enroll);
    match not_new.how {
        Known::Ordered => (
            "user_in_outbox",
            "a user of this name or number is in the outbox already, and its outcome is not known yet; nobody was added",
            format!("`cardbridge outbox show {}` says what to do; a second user was not ordered", not_new.entry),
        ),
        Known::Number => ("number_taken", "somebody with this employee number was added meanwhile; nobody was added", help()),
        Known::Name => {
            ("namesake", "somebody of this name was added meanwhile, and no employee number tells the two apart; nobody was added", help())
        }
    }
}
