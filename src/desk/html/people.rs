//! Who was found: a button each; the first one is what Enter takes. And the cards of somebody who has lost one.

use maud::{Markup, html};
use serde_json::Value;
use uuid::Uuid;

use crate::{desk::words::Words, enroll::origin::Named, host::client::Said, text::shown};

/// So many are shown at once.
const SHOWN: usize = 8;

/// The people that the API found; where it found nobody, also what is missed of a list.
#[must_use]
pub fn found(people: &[Value], missed: Option<&str>, words: &Words) -> Markup {
    html! {
        @if people.is_empty() {
            p.hint { (words.say("nobody_found")) }
            @if let Some(missed) = missed { p.hint { (missed) } }
        }
        ol.found {
            @for person in people.iter().take(SHOWN) {
                @let called = called(person);
                li {
                    form data-call="/desk/enroll" data-with="options" {
                        (person_fields(person.text("id"), &called))
                        button {
                            (shown(person.text("name")))
                            @for more in ["employee_number", "company", "facility"] {
                                @if !person.text(more).is_empty() { " " small { (shown(person.text(more))) } }
                            }
                        }
                    }
                    form data-fill="/desk/cards" {
                        (person_fields(person.text("id"), &called))
                        button.quiet aria-label=(words.fill("lost_of", &[("person", &shown(&called))])) { (words.say("lost")) }
                    }
                }
            }
        }
        @if people.len() > SHOWN { p.hint { (words.fill("more_found", &[("count", &(people.len() - SHOWN))])) } }
    }
}

/// The name with the number that tells namesakes apart, as it stands at the desk from here on.
fn called(person: &Value) -> String {
    let (name, employee_number) = (person.text("name").to_owned(), Some(person.text("employee_number").to_owned()));
    Named { name, employee_number, without_access: false }.called()
}

fn person_fields(user: &str, person: &str) -> Markup {
    html! {
        input type="hidden" name="user" value=(user);
        input type="hidden" name="person" value=(person);
    }
}

/// The cards of somebody who has lost one of them, as the API shows them.
#[must_use]
pub fn cards(user: Uuid, person: &str, said: &Value, words: &Words) -> Markup {
    let cards = said.at("cards").as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        h2 { (words.fill("lost_which", &[("person", &shown(person))])) }
        @if said.text("from") == "own_record" { p.hint { (words.say("lost_by_us")) } }
        @if cards.is_empty() { p.hint { (words.say("lost_none")) } }
        ol.found {
            @for card in cards {
                li {
                    form data-call="/desk/enroll" data-with="options" {
                        (person_fields(&user.to_string(), person))
                        input type="hidden" name="replaces" value=(card.text("id"));
                        button { (numbers(card, words)) }
                    }
                }
            }
        }
    }
}

fn numbers(card: &Value, words: &Words) -> Markup {
    html! {
        @if let Some(number) = card.at("card_number").as_u64() { (words.say("card_number")) " " (number) }
        @else { (card.text("id")) }
        @if let Some(code) = card.at("facility_code").as_u64().filter(|code| *code > 0) { ", " (words.say("facility_code")) " " (code) }
        @if !card.text("external_number").is_empty() { " " small { (words.say("printed")) " " (shown(card.text("external_number"))) } }
    }
}
