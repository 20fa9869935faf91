//! The day's list: who got which card, how that ended, and what can be done about it.

use chrono::{FixedOffset, SecondsFormat};
use maud::{Markup, html};

use super::{can_be_undone, clock, entry_button, reason, say_of, state, which, whom};
use crate::{
    desk::{
        scene::{Board, Undo},
        words::Words,
    },
    outbox::{Entry, State},
    text::{cell, shown},
};

/// The list.
#[must_use]
pub fn today(board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    html! {
        div.head {
            h2 { (words.say("today")) " " span.count { (board.today.len()) } }
            a href="/desk/today.csv" data-download="cardbridge-today.csv" { (words.say("as_csv")) }
            button.quiet type="button" data-print="" { (words.say("print")) }
        }
        @if board.today.is_empty() { p.hint { (words.say("nothing_yet")) } }
        ul.list {
            @for entry in &board.today { (row(entry, board, words, offset)) }
        }
    }
}

fn row(entry: &Entry, board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    let (state, progress) = (state(entry, board), entry.progress());
    html! {
        li class=(state) {
            span.time { (clock(entry.saved_at, offset)) }
            span.whom { (whom(entry)) }
            span.which { (which(entry, board, words)) }
            span.state { (say_of(entry, board, words)) }
            @if let Some(said) = progress.told.description.as_deref().filter(|_| state != "accepted") { span.said lang="en" { "“" (shown(said)) "”" } }
            @else if let Some(why) = progress.why.as_deref().filter(|_| !matches!(progress.state, State::Accepted | State::Refused)) { span.said { (reason(why, words)) } }
            @if board.undo(entry) == Undo::Failed { span.said { (words.say("undo_failed")) } }
            span.can { (can(entry, board, words)) }
        }
    }
}

/// What can be done about an entry.
fn can(entry: &Entry, board: &Board, words: &Words) -> Markup {
    let id = entry.id;
    html! {
        @if can_be_undone(entry, board) { (entry_button(id, "undo", words.say("undo"), "quiet")) }
        @if state(entry, board) == "person" {
            (entry_button(id, "retry", words.say("retry"), "quiet"))
            (entry_button(id, "discard", words.say("discard"), "quiet"))
        }
        @if entry.progress().is_unsent() && state(entry, board) == "saved" { (entry_button(id, "discard", words.say("discard"), "quiet")) }
    }
}

/// An entry as a row of a table: what a spreadsheet would take for a formula begins with an apostrophe.
#[must_use]
pub fn cells(entry: &Entry, board: &Board, words: &Words) -> [String; 5] {
    let said = entry.progress().told.description.as_deref().map(shown).unwrap_or_default();
    let state = say_of(entry, board, words).to_owned();
    let cells = [entry.saved_at.to_rfc3339_opts(SecondsFormat::Secs, true), whom(entry), which(entry, board, words), state, said];
    cells.map(|text| cell(&text))
}
