//! What waits to be sent, what waits for a person, and how the readers are: in plain words, with what can be done about it.

use chrono::FixedOffset;
use maud::{Markup, html};

use super::{clock, entry_button, entry_call, reason, say_of, which, whom};
use crate::{
    access::Operation,
    desk::{scene::Board, words::Words},
    outbox::Entry,
    station::health::ReaderHealth,
    text::shown,
};

/// The outbox and the readers.
#[must_use]
pub fn outbox(board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    let people: Vec<&Entry> = board.for_people().collect();
    let waiting: Vec<&Entry> = board.open.values().filter(|entry| !entry.progress().is_settled()).collect();
    html! {
        div {
            div.head { h2 { (words.say("outbox")) } p data-say="" { (summary(board, waiting.len(), people.len(), words, offset)) } }
            @if !people.is_empty() {
                ul.list.people { @for entry in &people { (for_person(entry, board, words, offset)) } }
            }
            @if !waiting.is_empty() {
                details #waiting {
                    summary { (words.fill("outbox_waiting", &[("count", &waiting.len())])) }
                    ul.list { @for entry in &waiting { (waits(entry, board, words, offset)) } }
                }
            }
        }
        div {
            h2 { (words.say("readers")) }
            @if board.status.readers.is_empty() { p.hint { (words.say("reader_none")) } }
            ul.readers { @for reader in &board.status.readers { (one_reader(reader, words, offset)) } }
        }
    }
}

/// How it stands, in a line.
fn summary(board: &Board, waiting: usize, people: usize, words: &Words, offset: FixedOffset) -> String {
    let blusky = &board.status.blusky;
    // What waits for a person waits for nothing else.
    let waiting = waiting.max(board.status.waiting.saturating_sub(people));
    let mut said = match (waiting, blusky.away_since) {
        (0, _) if people > 0 => String::new(),
        (0, _) => words.say("outbox_empty").to_owned(),
        (count, _) if blusky.stopped.is_some() => words.fill("outbox_stopped", &[("count", &count)]),
        (count, Some(since)) => words.fill("outbox_away", &[("count", &count), ("since", &clock(since, offset))]),
        (count, None) => words.fill("outbox_under_way", &[("count", &count)]),
    };
    if people > 0 {
        let gap = if said.is_empty() { "" } else { " " };
        said = format!("{said}{gap}{}", words.fill("outbox_people", &[("count", &people)]));
    }
    said
}

fn waits(entry: &Entry, board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    html! {
        li {
            span.time { (clock(entry.saved_at, offset)) }
            span.whom { (whom(entry)) }
            span.which { (which(entry, board, words)) }
            span.state { (say_of(entry, board, words)) }
            @if let Some(why) = &entry.progress().why { span.said { (reason(why, words)) } }
            span.can { @if entry.progress().is_unsent() { (entry_button(entry.id, "discard", words.say("discard"), "quiet")) } }
        }
    }
}

/// An entry that waits for a person, with everything that the person can say to it.
fn for_person(entry: &Entry, board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    let (id, progress) = (entry.id, entry.progress());
    let is_new_user = matches!(entry.operation, Operation::AddUser(_));
    html! {
        li.person {
            span.time { (clock(entry.saved_at, offset)) }
            span.whom { (whom(entry)) }
            span.which { (which(entry, board, words)) }
            span.state { (say_of(entry, board, words)) }
            @if let Some(said) = &progress.told.description { span.said lang="en" { "“" (shown(said)) "”" } }
            @else if let Some(why) = &progress.why { span.said { (reason(why, words)) } }
            span.can {
                @if let Some(question) = board.questions.get(&id) {
                    (super::stage::answer_about(id, question.number, words))
                } @else if progress.awaits_reassignment() {
                    span { (words.say("next_held_again")) }
                    (entry_button(id, "discard", words.say("discard"), "quiet"))
                } @else {
                    span { (words.say(to_look_at(&entry.operation))) }
                    (entry_button(id, "retry", words.say("retry"), "quiet"))
                    (entry_call(id, "retry", words.say("not_there"), "quiet", &html! { input type="hidden" name="absent" value="yes"; }))
                    @if is_new_user {
                        (entry_call(id, "retry", words.say("is_there"), "quiet", &html! {
                            label for={ "key-" (id) } { (words.say("user_key")) }
                            input id={ "key-" (id) } name="user" required autocomplete="off" maxlength="38";
                        }))
                    }
                    (entry_button(id, "discard", words.say("discard"), "quiet"))
                }
            }
        }
    }
}

/// What of an entry a person looks at in BluSKY.
const fn to_look_at(operation: &Operation) -> &'static str {
    match operation {
        Operation::AddUser(_) => "look_user",
        Operation::AddAccessLevelGroup(_) | Operation::RemoveAccessLevelGroup(_) => "look_access",
        _ => "next_person",
    }
}

fn one_reader(reader: &ReaderHealth, words: &Words, offset: FixedOffset) -> Markup {
    let since = reader.since.map(|at| clock(at, offset));
    let said = match (&reader.why, reader.up, &since) {
        (Some(_), _, Some(since)) => words.fill("reader_gone_since", &[("since", since)]),
        (Some(_), _, None) => words.say("reader_down").to_owned(),
        (None, true, Some(since)) => words.fill("reader_up_since", &[("since", since)]),
        (None, true, None) => words.say("reader_up").to_owned(),
        (None, false, _) => words.say("reader_closed").to_owned(),
    };
    html! {
        li class=(if reader.why.is_some() { "sign bad" } else if reader.up { "sign good" } else { "sign" }) {
            strong { (reader.name) } ": " (said)
            @if let Some(why) = &reader.why { " " "(" (reason(why, words)) ")" }
            @if reader.cards > 0 { ", " (words.fill("reader_cards", &[("count", &reader.cards)])) }
            @if let Some(at) = reader.last_heard { ", " (words.fill("reader_heard", &[("at", &clock(at, offset))])) }
        }
    }
}
