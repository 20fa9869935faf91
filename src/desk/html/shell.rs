//! The page itself: the form to sign in, and the places of the pieces. It shows nothing of anybody.

use maud::{DOCTYPE, Markup, html};

use crate::desk::words::Words;

/// What somebody can choose when they sign in.
#[derive(Debug)]
pub struct Choices<'a> {
    /// The configured readers.
    pub readers: Vec<&'a str>,
    /// The operators; with none, any name will do.
    pub operators: Vec<&'a str>,
    /// Some of them have a PIN.
    pub has_pins: bool,
    /// People can be added.
    pub has_new_people: bool,
    /// The card types, with their names.
    pub card_types: Vec<(i64, &'a str)>,
}

/// The page.
#[must_use]
pub fn page(choices: &Choices<'_>, words: &Words) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words.language) {
            (super::head("desk", &["typing", "desk"]))
            body {
                noscript { p { (words.say("needs_script")) } }
                p #lost role="alert" hidden { (words.say("station_lost")) }
                (sign_in(choices, words))
                div #desk hidden {
                    header {
                        h1 { "cardbridge" }
                        div #bar {}
                        form data-call="/desk/sign-out" { button.quiet { (words.say("sign_out")) } }
                    }
                    main {
                        (who(choices, words))
                        section #stage aria-live="polite" aria-label=(words.say("stage")) {}
                        section #front-desk aria-label=(words.say("from_kiosk")) {}
                        section #roster aria-label=(words.say("roster")) {}
                        section #outbox aria-label=(words.say("outbox")) {}
                        div #filter-today {
                            label for="today-filter" { (words.say("filter_today")) }
                            input #today-filter type="search" autocomplete="off" spellcheck="false";
                        }
                        section #today aria-label=(words.say("today")) {}
                    }
                }
                p #working role="status" hidden { (words.say("working")) }
                p #failed role="alert" data-unanswered=(words.say("unanswered")) hidden {}
                p #said.unseen aria-live="polite" data-burst=(words.say("burst")) {}
            }
        }
    }
}

fn sign_in(choices: &Choices<'_>, words: &Words) -> Markup {
    html! {
        main #sign-in hidden {
            h1 { "cardbridge" }
            form data-call="/desk/sign-in" {
                label for="name" { (words.say("your_name")) }
                @if choices.operators.is_empty() {
                    input #name name="name" autocomplete="name" required maxlength="64";
                } @else {
                    select #name name="name" required { @for name in &choices.operators { option { (name) } } }
                }
                @if choices.has_pins {
                    label for="pin" { (words.say("your_pin")) }
                    input #pin name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="16";
                }
                label for="reader" { (words.say("your_reader")) }
                select #reader name="reader" {
                    @for reader in &choices.readers { option { (reader) } }
                    @if choices.readers.len() != 1 { option value="" { (words.say("all_readers")) } }
                }
                button.main { (words.say("sign_in")) }
            }
        }
    }
}

fn who(choices: &Choices<'_>, words: &Words) -> Markup {
    html! {
        section #who aria-label=(words.say("who")) {
            form #find role="search" {
                label for="search" { (words.say("who")) }
                input #search name="q" type="search" autocomplete="off" spellcheck="false" aria-controls="found" placeholder=(words.say("who_hint"));
            }
            div #found aria-live="polite" {}
            form #lists data-fill="/desk/rosters" { button.quiet { (words.say("roster")) } }
            @if choices.has_new_people { (new_person(words)) }
            details {
                summary { (words.say("more")) }
                form #options {
                    label for="printed" { (words.say("printed")) }
                    input #printed name="printed" autocomplete="off" maxlength="64";
                    @if choices.card_types.len() > 1 {
                        label for="card_type" { (words.say("card_type")) }
                        select #card_type name="card_type" {
                            option value="" { (words.say("by_format")) }
                            @for (number, name) in &choices.card_types { option value=(number) { (name) " (" (number) ")" } }
                        }
                    }
                }
            }
        }
    }
}

fn new_person(words: &Words) -> Markup {
    html! {
        details #new-person {
            summary { (words.say("new_person")) }
            form #new data-call="/desk/new" data-with="options" {
                label for="first_name" { (words.say("first_name")) }
                input #first_name name="first_name" autocomplete="off" required maxlength="60";
                label for="last_name" { (words.say("last_name")) }
                input #last_name name="last_name" autocomplete="off" required maxlength="60";
                label for="employee_number" { (words.say("employee_number")) }
                input #employee_number name="employee_number" autocomplete="off" maxlength="64";
                button.main { (words.say("new_go_on")) }
            }
        }
    }
}
