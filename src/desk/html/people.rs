//! Who was found: a button each; the first one is what Enter takes.

use maud::{Markup, html};
use serde_json::Value;

use crate::{desk::words::Words, host::client::Said, text::shown};

/// So many are shown at once.
const SHOWN: usize = 8;

/// The people that the API found.
#[must_use]
pub fn found(people: &[Value], words: &Words) -> Markup {
    html! {
        @if people.is_empty() { p.hint { (words.say("nobody_found")) } }
        ol.found {
            @for person in people.iter().take(SHOWN) {
                li {
                    form data-call="/desk/enroll" data-with="options" {
                        input type="hidden" name="user" value=(person.text("id"));
                        input type="hidden" name="person" value=(person.text("name"));
                        button {
                            (shown(person.text("name")))
                            @for more in ["employee_number", "company", "facility"] {
                                @if !person.text(more).is_empty() { " " small { (shown(person.text(more))) } }
                            }
                        }
                    }
                }
            }
        }
        @if people.len() > SHOWN { p.hint { (words.fill("more_found", &[("count", &(people.len() - SHOWN))])) } }
    }
}
