//! What happens at a desk, large: who a card is waited for, what is asked, how it ended.

use chrono::FixedOffset;
use maud::{Markup, html};
use uuid::Uuid;

use super::{can_be_undone, card, entry_button, reason, say_of, state, which, whom};
use crate::{
    card::Reading,
    desk::{
        scene::{Board, Desk, Dropped, Note, Stage, Undo},
        words::Words,
    },
    enroll::{enrollment::Refused, evidence},
    host::known::Is,
    outbox::{Entry, Given, InTheWay, State},
    station::{Ended, Question, notice::QuestionKind},
    text::shown,
    views::enrollment::warnings,
};

/// The stage; `other` is who is waited for at the same reader by another desk, and by whom.
#[must_use]
pub fn stage(desk: &Desk, other: Option<&(String, String)>, board: &Board, words: &Words, offset: FixedOffset) -> Markup {
    let person = desk.order.as_ref().map(|order| shown(&order.person)).unwrap_or_default();
    html! {
        @match &desk.stage {
            Stage::Free => (free(desk, other, words)),
            Stage::Ordered => div.now.waits { h2 { (person) } },
            Stage::Waits { ahead, first, ready } => (waits(desk, &person, (*ahead, first.as_deref(), *ready), words)),
            Stage::Asked(question) => (asked(question, desk.card.as_deref(), &person, &[], words)),
            Stage::Ended(ended) => (not_enrolled(ended, &person, words)),
            Stage::Dropped(why) => (dropped(*why, &person, words)),
            Stage::Entry { entry, question, is_postponed } => (entry_stage(entry, question.as_deref(), *is_postponed, board, words)),
        }
        @match &desk.note {
            Some(Note::LayThere) => p.note { (words.say("lay_there")) },
            Some(Note::Failed(why)) => p.note { (words.say("not_read")) " " (reason(why, words)) },
            Some(Note::NotWhole) => p.note { (words.say("damaged")) },
            Some(Note::Another) => p.note { (words.say("another_shown")) },
            None => {},
        }
        @if let Some(reading) = &desk.card {
            // Once it is given to somebody, it stands there how that went.
            @if let (Some(known), false) = (&desk.known, matches!(desk.stage, Stage::Entry { .. })) { (card::known(known, words, offset)) }
            (card::card(reading, desk.known.as_ref(), words))
        }
    }
}

fn free(desk: &Desk, other: Option<&(String, String)>, words: &Words) -> Markup {
    html! {
        div.now data-sound=(if desk.card.is_some() { "read" } else { "" }) {
            @if desk.card.is_some() {
                h2 { (words.say("card_shown")) }
                // Of a card that somebody has, or may have, it stands below who.
                @let is_nobodys = desk.known.as_ref().is_some_and(|known| matches!(known.is, Is::New | Is::Available));
                p { (words.say(if is_nobodys { "card_for_nobody" } else { "card_for_whom" })) }
            }
            @else { h2 { (words.say("free")) } p { (words.say("free_hint")) } }
            @if let Some((person, operator)) = other {
                p.note { (words.fill("waited_for", &[("person", &shown(person)), ("operator", &shown(operator))])) }
            }
        }
    }
}

fn waits(desk: &Desk, person: &str, (ahead, first, ready): (usize, Option<&str>, bool), words: &Words) -> Markup {
    let replaces = desk.order.as_ref().is_some_and(|order| order.replaces);
    let somebody = words.say("somebody");
    html! {
        div.now.waits {
            h2 { (person) }
            @if ahead > 0 { p { (words.fill("waits_ahead", &[("first", &first.map_or_else(|| somebody.to_owned(), shown)), ("count", &ahead)])) } }
            @else if ready { p.big { (words.say(if replaces { "show_new_card" } else { "show_card" })) } }
            @else { p.big { (words.say("no_reader_ready")) } }
            // Of a list somebody is skipped.
            @if desk.run.as_ref().is_none_or(|run| run.is_over) { (cancel(words)) }
        }
    }
}

fn asked(question: &Question, card: Option<&Reading>, person: &str, holders: &[String], words: &Words) -> Markup {
    let number = question.number;
    let card = question.kind.reading().or(card).and_then(Reading::chosen);
    html! {
        div.now.asks data-sound="ask" data-of=(number) {
            @if !person.is_empty() { p.person { (person) } }
            @if let Some(fit) = card { p.big { (card::numbers(&fit.credential, words)) } }
            @match &question.kind {
                QuestionKind::Choose(reading, choices) => (choose(reading, choices, number, words)),
                QuestionKind::SecondReading(..) => { h2 { (words.say("ask_second_reading")) } p { (words.say("ask_second_reading_why")) } (cancel(words)) },
                QuestionKind::FirstSeen(_, open) => (first_seen(open, number, words)),
                QuestionKind::InTheWay(other, _) => { h2 { (in_the_way(other, words)) } p { (words.fill("ask_instead", &[("person", &person)])) } (yes_or_no(number, words)) },
                QuestionKind::Holder(said, _) => (holder(said.as_deref(), person, holders, number, words)),
            }
        }
    }
}

fn choose(reading: &Reading, choices: &[usize], number: u64, words: &Words) -> Markup {
    let fits = choices.iter().filter_map(|choice| Some((*choice, reading.fits.get(*choice)?)));
    html! {
        h2 { (words.say("ask_choose")) }
        ol.choices {
            @for (place, (choice, fit)) in fits.enumerate() {
                li {
                    form data-call="/desk/answer" data-with="keep" {
                        input type="hidden" name="question" value=(number);
                        input type="hidden" name="choice" value=(choice);
                        button data-key=(place + 1) data-focus=[(place == 0).then_some("")] { (card::numbers(&fit.credential, words)) " " small { (fit.format) } }
                    }
                }
            }
        }
        (keep(words))
        (cancel(words))
    }
}

/// The answer is one for the whole site, where somebody says so.
fn keep(words: &Words) -> Markup {
    html! { form #keep { label.check { input type="checkbox" name="keep" value="yes"; " " (words.say("keep")) } } }
}

/// What is open about a card.
pub(super) fn title(open: &evidence::Question, words: &Words) -> String {
    match open {
        evidence::Question::FirstSeen { facility_code: Some(code), .. } => words.fill("ask_first_code", &[("code", code)]),
        evidence::Question::FirstSeen { format, .. } => words.fill("ask_first_format", &[("format", format)]),
        evidence::Question::SecondReading { .. } => words.say("ask_second_reading").to_owned(),
    }
}

fn first_seen(open: &evidence::Question, number: u64, words: &Words) -> Markup {
    html! {
        h2 { (title(open, words)) }
        form data-call="/desk/answer" data-with="keep" {
            input type="hidden" name="question" value=(number);
            label for="print" { (words.say("ask_print")) }
            input #print name="printed" autocomplete="off" required maxlength="64" data-focus="";
            button.main { (words.say("go_on")) }
        }
        form data-call="/desk/answer" data-with="keep" {
            input type="hidden" name="question" value=(number);
            input type="hidden" name="answer" value="yes";
            button { (words.say("no_print")) }
        }
        (keep(words))
        (cancel(words))
    }
}

fn holder(said: Option<&str>, person: &str, holders: &[String], number: u64, words: &Words) -> Markup {
    html! {
        h2 { (words.say("ask_holder")) }
        @if let Some(said) = said { p.said lang="en" { "BluSKY: “" (shown(said)) "”" } }
        (held(holders, words))
        p { (words.fill("ask_take", &[("person", &person)])) }
        (yes_or_no(number, words))
    }
}

/// Who has a card, as far as that is known, and who says so.
fn held(holders: &[String], words: &Words) -> Markup {
    html! { @for holder in holders { p.note { (reason(holder, words)) } } }
}

fn yes_or_no(number: u64, words: &Words) -> Markup {
    html! {
        div.answers {
            (answer(None, number, "no", ("main", "Escape"), words.say("no")))
            (answer(None, number, "yes", ("danger", ""), words.say("yes")))
        }
    }
}

/// Whether to take the card of an entry from its holder, which is asked about an entry of any time.
pub(super) fn answer_about(id: Uuid, number: u64, words: &Words) -> Markup {
    html! {
        span { (words.say("ask_holder")) }
        (answer(Some(id), number, "no", ("quiet", ""), words.say("holder_keeps")))
        (answer(Some(id), number, "yes", ("quiet danger", ""), words.say("holder_gives")))
    }
}

fn answer(order: Option<Uuid>, number: u64, answer: &str, (class, key): (&str, &str), label: &str) -> Markup {
    html! {
        form data-call="/desk/answer" {
            @if let Some(order) = order { input type="hidden" name="order" value=(order); }
            input type="hidden" name="question" value=(number);
            input type="hidden" name="answer" value=(answer);
            button class=(class) data-key=(key) { (label) }
        }
    }
}

fn cancel(words: &Words) -> Markup {
    html! { form data-call="/desk/withdraw" { button.quiet data-key="Escape" { (words.say("cancel")) } } }
}

pub(super) fn in_the_way(other: &InTheWay, words: &Words) -> String {
    let whom = |given: &Given| given.name.as_deref().map_or_else(|| given.user.to_string(), shown);
    match other {
        InTheWay::Given(given) | InTheWay::Shown(given) => {
            words.fill("same_card", &[("person", &whom(given)), ("seconds", &given.seconds)])
        }
        InTheWay::Ordered(given) => words.fill("held_by_order", &[("person", &whom(given))]),
    }
}

fn not_enrolled(ended: &Ended, person: &str, words: &Words) -> Markup {
    let (sound, says) = match ended {
        Ended::Withdrawn => ("", html! { (words.say("withdrawn")) }),
        Ended::SaidNo => ("", html! { (words.say("said_no")) }),
        Ended::NoCard(seconds) => ("", html! { (words.fill("no_card", &[("seconds", seconds)])) }),
        Ended::Unreadable(why) => ("refused", html! { (reason(why, words)) }),
        Ended::NotSaved(why) => ("refused", html! { (words.say("not_saved")) " " (reason(why, words)) }),
        Ended::InTheWay(other) => ("refused", html! { (in_the_way(other, words)) }),
        Ended::NotNew(_) => ("refused", html! { (words.say("not_new")) }),
        Ended::Unproven(..) => ("refused", html! { (words.say("unproven")) }),
        Ended::Refused(_, why) => ("refused", html! { (refused(why, words)) }),
    };
    html! {
        div.now.refused data-sound=(sound) {
            h2 { (words.say("not_enrolled")) }
            @if !person.is_empty() { p.person { (person) } }
            p { (says) }
        }
    }
}

/// A card is waited for no more, and nobody has cancelled that: it is said, for the person may still stand there.
fn dropped(why: Dropped, person: &str, words: &Words) -> Markup {
    let says = match why {
        Dropped::Restarted => "dropped_restarted",
        Dropped::Unwatched => "dropped_unwatched",
        Dropped::Missed => "dropped_missed",
    };
    html! {
        div.now.refused data-sound="refused" {
            h2 { (words.say("not_enrolled")) }
            p.person { (person) }
            p { (words.say(says)) }
        }
    }
}

/// Why a card cannot be enrolled.
fn refused(why: &Refused, words: &Words) -> String {
    match why {
        Refused::Damaged => words.say("damaged").to_owned(),
        Refused::Nothing(_) => words.say("refused_nothing").to_owned(),
        Refused::Undecided(_) => words.say("refused_undecided").to_owned(),
        Refused::OtherCardType { card_type, format } => words.fill("refused_other_type", &[("type", card_type), ("format", format)]),
        Refused::OtherNumber(print) => words.fill("refused_other_number", &[("print", &shown(print))]),
        Refused::NoCardType { format } => words.fill("refused_no_type", &[("format", format)]),
        Refused::SeveralCardTypes { format, numbers } => words.fill("refused_several_types", &[("format", format), ("numbers", numbers)]),
        Refused::UnknownCardType(number, _) => words.fill("refused_unknown_type", &[("type", number)]),
        Refused::MissingNumber { name, field, .. } => words.fill("refused_missing", &[("name", &shown(name)), ("field", field)]),
        Refused::Zero => words.say("refused_zero").to_owned(),
        Refused::TooWide { field, max, .. } => words.fill("refused_too_wide", &[("field", field), ("max", max)]),
        Refused::Template(number, _) => words.fill("refused_template", &[("type", number)]),
        Refused::Window(_) => words.say("refused_window").to_owned(),
    }
}

fn entry_stage(entry: &Entry, question: Option<&Question>, is_postponed: bool, board: &Board, words: &Words) -> Markup {
    let (state, progress, warnings) = (state(entry, board), entry.progress(), warnings(entry));
    let holders = board.holders.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
    let next = match state {
        "saved" | "sending" if board.status.blusky.stopped.is_some() => words.say("next_stopped"),
        "saved" | "sending" if is_postponed => words.say("next_postponed"),
        "saved" | "sending" => words.say("next_saved"),
        // Without any access it opens no door, and that is said.
        "accepted" if warnings.iter().any(|warning| warning == "no_access_level") => "",
        "accepted" => words.say("next_accepted"),
        "differs" => words.say("next_differs"),
        "in_doubt" => words.say("next_in_doubt"),
        "person" => words.say("next_person"),
        "refused" if progress.awaits_reassignment() => words.say("next_held"),
        "refused" if progress.is_known_to_blusky() => words.say("next_exists"),
        _ => "",
    };
    html! {
        div class={ "now " (state) } data-sound=(if state == "sending" { "saved" } else { state }) data-of=(entry.id) {
            h2 { (say_of(entry, board, words)) }
            p.person { (whom(entry)) }
            p.big { (which(entry, board, words)) }
            @if !entry.origin.evidence.is_empty() { p.evidence { (card::evidence(&entry.origin.evidence, words)) } }
            @if let Some(said) = &progress.told.description { p.said lang="en" { "BluSKY: “" (shown(said)) "”" } }
            @if !next.is_empty() { p.next { (next) } }
            @if progress.first.as_ref().is_some_and(|first| first.state == State::Refused) && progress.state == State::Accepted {
                p.note { (words.say("old_card_stays")) }
            }
            @if board.undo(entry) == Undo::Failed { p.note { (words.say("undo_failed")) } }
            @if question.is_none() && state == "refused" { (held(holders, words)) }
            @for warning in &warnings { p.note { (super::warning(warning, words)) } }
            @if can_be_undone(entry, board) { (entry_button(entry.id, "undo", words.say("undo"), "quiet")) }
        }
        @if let Some(question) = question { (asked(question, None, &whom(entry), holders, words)) }
    }
}
