//! Whoever was sent here from the kiosk, and what is asked about their cards, with the answers beside it.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    card,
    stage::{in_the_way, title},
};
use crate::{
    card::Reading,
    desk::{scene::FrontDesk, words::Words},
    station::{Question, notice::QuestionKind},
    text::shown,
};

/// Everybody who was sent here; nothing where there is nobody.
#[must_use]
pub fn front_desk(sent: &FrontDesk, words: &Words) -> Markup {
    html! {
        @if let Some((last, _, question)) = sent.asked().last() {
            div.now.asks data-sound="ask" data-of={ (last) " " (question.number) } {
                h2 { (words.say("from_kiosk")) }
                p data-say="" { (words.fill("from_kiosk_count", &[("count", &sent.asked().count())])) }
                ul.sent { @for (order, person, question) in sent.asked() { li { (one(order, &shown(person), question, words)) } } }
            }
        }
    }
}

fn one(order: Uuid, person: &str, question: &Question, words: &Words) -> Markup {
    let number = question.number;
    html! {
        h3 { (person) }
        @match &question.kind {
            QuestionKind::Choose(reading, choices) => {
                p { (words.say("ask_choose")) }
                @for (choice, fit) in choices.iter().filter_map(|choice| Some((choice, reading.fits.get(*choice)?))) {
                    (answer(order, number, ("choice", &choice.to_string()), &html! { (card::numbers(&fit.credential, words)) " " small { (fit.format) } }, words))
                }
            },
            QuestionKind::FirstSeen(reading, open) => {
                p { (title(open, words)) }
                (of_card(reading, words))
                form data-call="/desk/answer" {
                    (about(order, number))
                    label for={ "print-" (order) } { (words.say("ask_print")) }
                    input id={ "print-" (order) } name="printed" autocomplete="off" required maxlength="64";
                    (keep(words))
                    button.main data-id={ (order) " print" } { (words.say("go_on")) }
                }
                (answer(order, number, ("answer", "yes"), &html! { (words.say("no_print")) }, words))
            },
            QuestionKind::InTheWay(other, _) => {
                p { (in_the_way(other, words)) }
                (answer(order, number, ("answer", "yes"), &html! { (words.fill("ask_instead", &[("person", &person)])) }, words))
            },
            // These are not asked here: a card is shown once more at the kiosk, and a holder is asked about with the entry.
            QuestionKind::SecondReading(..) | QuestionKind::Holder(..) => {},
        }
        form data-call="/desk/answer" {
            (about(order, number))
            input type="hidden" name="answer" value="no";
            button.quiet data-id={ (order) " no" } { (words.say("cancel")) }
        }
    }
}

/// The card as it was read.
fn of_card(reading: &Reading, words: &Words) -> Markup {
    html! { @if let Some(fit) = reading.chosen() { p { (card::numbers(&fit.credential, words)) } } }
}

fn about(order: Uuid, number: u64) -> Markup {
    html! { input type="hidden" name="order" value=(order); input type="hidden" name="question" value=(number); }
}

fn answer(order: Uuid, number: u64, (name, value): (&str, &str), label: &Markup, words: &Words) -> Markup {
    html! {
        form data-call="/desk/answer" {
            (about(order, number))
            input type="hidden" name=(name) value=(value);
            button data-id={ (order) " " (value) } { (label) }
            @if name == "choice" { (keep(words)) }
        }
    }
}

/// The answer is one for the whole site, where somebody says so: then it is not asked of the next visitor.
fn keep(words: &Words) -> Markup {
    html! { label.check { input type="checkbox" name="keep" value="yes"; " " (words.say("keep")) } }
}
