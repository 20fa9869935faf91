//! The page as HTML: from what stands on a desk to what a browser shows.
//!
//! In: a desk, the board, words, the clock's offset. Out: HTML in pieces, each of which the page replaces as a whole. Never: a look at
//! anything else; the same desk gives the same HTML. What others wrote (names, BluSKY's words) is shown on one line and escaped.
//!
//! - [`shell`]: the page itself, which shows nothing of anybody;
//! - [`bar`]: readers and BluSKY; [`stage`]: what happens at this desk; [`card`]: what was read; [`today`]: the day's list;
//! - [`run`]: people who have their turn one after the other;
//! - [`front_desk`]: whoever was sent here from the kiosk; [`kiosk`]: the kiosk's own page;
//! - [`outbox`]: what waits to be sent, and how the readers are;
//! - [`people`]: who was found.

pub mod bar;
pub mod card;
pub mod front_desk;
pub mod kiosk;
pub mod outbox;
pub mod people;
pub mod run;
pub mod shell;
pub mod stage;
pub mod today;

use chrono::{DateTime, FixedOffset, Utc};
use maud::{Markup, html};
use uuid::Uuid;

use super::{
    scene::{Board, Undo},
    words::Words,
};
use crate::{access::Operation, enroll::origin::Named, outbox::Entry, text::shown, views::reading::words_of};

/// The head of a page; its style is named after it, and its scripts lie in a folder of that name.
fn head(page: &str, scripts: &[&str]) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { "cardbridge" }
            link rel="icon" href="/desk/icon.svg";
            link rel="stylesheet" href={ "/" (page) "/" (page) ".css" };
            @for script in scripts { script src={ "/" (page) "/" (script) ".js" } defer {} }
        }
    }
}

/// What the station says of itself: in the page's language where that has words for it, else in English.
fn reason(why: &str, words: &Words) -> Markup {
    match words.reason(why) {
        Some(here) => html! { (shown(&here)) },
        None => html! { span lang="en" { (shown(why)) } },
    }
}

/// What a person can do about an entry.
fn entry_button(id: Uuid, what: &str, label: &str, class: &str) -> Markup {
    entry_call(id, what, label, class, &html! {})
}

/// The same, with what the person says to it.
fn entry_call(id: Uuid, what: &str, label: &str, class: &str, fields: &Markup) -> Markup {
    html! { form data-call={ "/desk/entries/" (id) "/" (what) } { (fields) button class=(class) data-id={ (what) " " (id) " " (label) } { (label) } } }
}

/// Whom an entry is for.
fn whom(entry: &Entry) -> String {
    match (&entry.origin.person, &entry.operation, entry.operation.user()) {
        (Some(person), ..) => named(person),
        (None, Operation::AddUser(user), _) => {
            let name = format!("{} {}", user.first_name, user.last_name);
            named(&Named { name, employee_number: user.employee_number.clone(), without_access: false })
        }
        (None, _, Some(user)) => user.to_string(),
        (None, _, None) => String::new(),
    }
}

fn named(person: &Named) -> String {
    let name = shown(&person.name);
    person.employee_number.as_ref().map_or_else(|| name.clone(), |number| format!("{name} ({})", shown(number)))
}

/// Which card an entry is about, or what else is done for its person, in a line.
fn which(entry: &Entry, board: &Board, words: &Words) -> String {
    let of_card = |key: &str, id: Option<Uuid>| {
        let read = id.and_then(|id| board.read(id)).map(|card| self::card::numbers(&card.credential, words));
        let card = read.or_else(|| id.map(|id| id.to_string()));
        card.map_or_else(|| words.say(key).to_owned(), |card| format!("{}: {card}", words.say(key)))
    };
    match (&entry.origin.card, &entry.operation) {
        (Some(card), _) => self::card::numbers(&card.credential, words),
        (None, Operation::RemoveUserCard(call)) => of_card("card_taken_back", Some(call.card_id)),
        (None, Operation::AddUserCard(call)) => of_card("card_existing", call.card_id),
        (None, Operation::UpdateUserCard(_)) => words.say("card_changed").to_owned(),
        (None, Operation::AddUser(_)) => words.say("new_person").to_owned(),
        (None, Operation::AddAccessLevelGroup(group)) => words.fill("access_given", &[("group", &group.access_level_group_id)]),
        (None, Operation::RemoveAccessLevelGroup(group)) => words.fill("access_taken", &[("group", &group.access_level_group_id)]),
    }
}

/// The name of an entry's state, for its words.
fn state(entry: &Entry, board: &Board) -> &'static str {
    let progress = entry.progress();
    match progress.state.name() {
        _ if board.undo(entry) == Undo::Done => "undone",
        _ if board.undo(entry) == Undo::Goes => "undoing",
        "accepted" if progress.stored_differs() => "differs",
        "in_doubt" if progress.needs_a_person() => "person",
        state => state,
    }
}

/// What we say, in the page's language where it has words for it; else as it comes, in English.
fn ours(key: &str, english: &str, words: &Words) -> Markup {
    html! {
        @match words.find(key) {
            Some(said) => (said),
            None => span lang="en" { (shown(english)) },
        }
    }
}

/// A warning, by its name; some name members of BluSKY's behind it.
fn warning(warning: &str, words: &Words) -> Markup {
    let (name, members) = warning.split_once(": ").unwrap_or((warning, ""));
    let key = format!("warning_{name}");
    match words.find(&key) {
        Some(_) => html! { (words.fill(&key, &[("members", &shown(members))])) },
        None => ours(&key, &words_of(warning), words),
    }
}

/// How an entry stands, in a word or two.
fn say_of<'w>(entry: &Entry, board: &Board, words: &'w Words) -> &'w str {
    words.say(match state(entry, board) {
        "saved" => "state_saved",
        "sending" => "state_sending",
        "accepted" => "state_accepted",
        "differs" => "state_differs",
        "refused" => "state_refused",
        "in_doubt" => "state_in_doubt",
        "person" => "state_person",
        "undone" => "state_undone",
        "undoing" => "state_undoing",
        _ => "state_discarded",
    })
}

/// True where an entry can be undone: its card is with the person it was given to.
fn can_be_undone(entry: &Entry, board: &Board) -> bool {
    matches!(entry.operation, Operation::AddUserCard(_)) && matches!(state(entry, board), "accepted" | "differs")
}

/// A time as the clock on the wall shows it.
fn clock(at: DateTime<Utc>, offset: FixedOffset) -> String {
    at.with_timezone(&offset).format("%H:%M").to_string()
}

/// A time with its day.
fn day_and_clock(at: DateTime<Utc>, offset: FixedOffset) -> String {
    at.with_timezone(&offset).format("%Y-%m-%d %H:%M").to_string()
}
