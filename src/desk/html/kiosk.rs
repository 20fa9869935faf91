//! The kiosk's page as HTML: one step at a time, in huge type, in the visitor's language.
//!
//! In: the kiosk, the words of all languages. Out: the page itself, which shows nothing of anybody, and the step that it is at. Never: more
//! of a name than its owner needs to see that they are meant, a number of a card, a link.

use maud::{DOCTYPE, Markup, html};

use crate::{
    desk::words::Words,
    kiosk::{Done, Kiosk, Note, Stage, Why},
    text::shown,
};

/// The page. What it shows without a station stands in it, in every language.
#[must_use]
pub fn page(all: &[Words]) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(all.first().map_or("en", |words| words.language)) translate="no" {
            (super::head("kiosk", &["kiosk"]))
            body {
                noscript { @for words in all { p lang=(words.language) { (words.say("kiosk_front_desk")) } } }
                main #step aria-live="polite" {}
                main #lost hidden {
                    div.step.bad {
                        p.mark aria-hidden="true" { "!" }
                        @for words in all {
                            div data-language=(words.language) lang=(words.language) {
                                h1 { (words.say("kiosk_front_desk")) }
                                p { (words.say("kiosk_comes_back")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a browser of the kiosk begins with, before it is known that the station is there.
#[must_use]
pub fn start_page(all: &[Words], style: &str, script: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(all.first().map_or("en", |words| words.language)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "cardbridge" }
                style { (maud::PreEscaped(style)) }
            }
            body {
                main {
                    div #moment .step { @for words in all { div lang=(words.language) { h1 { (words.say("kiosk_moment")) } } } }
                    div #lost .step hidden {
                        @for words in all {
                            div lang=(words.language) { h1 { (words.say("kiosk_front_desk")) } p { (words.say("kiosk_comes_back")) } }
                        }
                    }
                }
                script { (maud::PreEscaped(script)) }
            }
        }
    }
}

/// The step at which the kiosk is.
#[must_use]
pub fn step(kiosk: &Kiosk, all: &[Words]) -> Markup {
    let chosen = kiosk.language().and_then(|language| all.iter().find(|words| words.language == language));
    let Some(words) = chosen.or_else(|| all.first()) else { return html! {} };
    html! {
        @match kiosk.stage() {
            Stage::Start if kiosk.is_open() => (start(all)),
            Stage::Start => (closed(all)),
            Stage::Code { is_wrong, pause } => (code(*is_wrong, *pause, words)),
            Stage::Looking => div.step { h1 { (words.say("kiosk_moment")) } },
            Stage::Show { ready, is_second, note, .. } => (show(kiosk, (*ready, *is_second, *note), words)),
            Stage::Done(done) => (end("good", "✓", done_words(*done), words)),
            Stage::FrontDesk(why) => (end("bad", "!", ("kiosk_front_desk", why_words(*why)), words)),
        }
        @if kiosk.asks() {
            div.asks role="alert" data-sound="ask" {
                p { (words.say("kiosk_still_there")) }
                button data-press="stay" { (words.say("kiosk_stay")) }
            }
        }
    }
}

/// Each language in its own words.
fn start(all: &[Words]) -> Markup {
    html! {
        div.step {
            h1 { @for words in all { span lang=(words.language) { (words.say("kiosk_welcome")) } } }
            div.choices {
                @for (place, words) in all.iter().enumerate() {
                    button lang=(words.language) data-press="language" value=(words.language) data-focus=[(place == 0).then_some("")] { (words.say("kiosk_language")) }
                }
            }
        }
    }
}

fn closed(all: &[Words]) -> Markup {
    html! {
        div.step.bad {
            p.mark aria-hidden="true" { "!" }
            @for words in all {
                div lang=(words.language) { h1 { (words.say("kiosk_front_desk")) } p { (words.say("kiosk_comes_back")) } }
            }
        }
    }
}

fn code(is_wrong: bool, pause: Option<i64>, words: &Words) -> Markup {
    html! {
        div.step data-sound=(if is_wrong { "again" } else { "" }) {
            h1 { (words.say("kiosk_who")) }
            @if is_wrong { p.warn role="alert" { span aria-hidden="true" { "▲ " } (words.say("kiosk_unknown")) } }
            @if let Some(seconds) = pause {
                p.big { (words.fill("kiosk_wait", &[("seconds", &seconds)])) }
            } @else {
                form data-press="code" autocomplete="off" {
                    label for="code" { (words.say("kiosk_code")) }
                    input #code name="value" inputmode="none" autocomplete="off" autocorrect="off" autocapitalize="off" spellcheck="false"
                        maxlength="64" data-focus="";
                    div.keypad {
                        @for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] { button type="button" tabindex="-1" data-type=(digit) { (digit) } }
                        button type="button" tabindex="-1" data-type="" aria-label=(words.say("kiosk_delete")) { "⌫" }
                        button type="button" tabindex="-1" data-type="0" { "0" }
                        button.main aria-label=(words.say("go_on")) { "✓" }
                    }
                }
            }
            (leave("quiet", words.say("cancel")))
        }
    }
}

fn show(kiosk: &Kiosk, (ready, is_second, note): (bool, bool, Option<Note>), words: &Words) -> Markup {
    let note = match note {
        None => None,
        Some(Note::LayThere) => Some("kiosk_lay_there"),
        Some(Note::Damaged) => Some("kiosk_damaged"),
        Some(Note::Phone) => Some("kiosk_phone"),
    };
    let sound = if is_second || note.is_some() { "again" } else { "step" };
    html! {
        div.step.card data-sound=(sound) data-of={ (is_second) (note.unwrap_or_default()) } {
            p.person { (kiosk.called().map(shown).unwrap_or_default()) }
            @if !kiosk.has_order() { h1 { (words.say("kiosk_moment")) } }
            @else if !ready { h1 { (words.say("kiosk_reader_away")) } }
            @else { h1 { (words.say(if is_second { "kiosk_show_again" } else { "kiosk_show" })) } }
            @if let Some(note) = note { p.warn { span aria-hidden="true" { "▲ " } (words.say(note)) } }
            @if ready { div.tap aria-hidden="true" { div.reader {} div.plastic {} } }
            (leave("quiet", words.say("kiosk_not_me")))
        }
    }
}

/// How it ended: the word first, then what it means.
fn end(kind: &str, mark: &str, (word, means): (&'static str, &'static str), words: &Words) -> Markup {
    html! {
        div class={ "step " (kind) } data-sound=(kind) data-of={ (word) (means) } {
            p.mark aria-hidden="true" { (mark) }
            h1 { (words.say(word)) }
            p.big { (words.say(means)) }
            (leave("main", words.say("kiosk_done")))
        }
    }
}

fn leave(class: &str, label: &str) -> Markup {
    html! { button class=(class) data-press="leave" { (label) } }
}

const fn done_words(done: Done) -> (&'static str, &'static str) {
    match done {
        Done::Saved => ("kiosk_saved", "kiosk_saved_means"),
        Done::SavedForLater => ("kiosk_saved", "kiosk_later_means"),
        Done::Accepted => ("kiosk_accepted", "kiosk_accepted_means"),
        Done::Already => ("kiosk_already", "kiosk_already_means"),
    }
}

const fn why_words(why: Why) -> &'static str {
    match why {
        Why::HasCard => "kiosk_has_card",
        Why::Unknown => "kiosk_cannot_tell",
        Why::Asked => "kiosk_asked",
        Why::Card => "kiosk_card",
        Why::Refused => "kiosk_refused",
        Why::Fault => "kiosk_fault",
    }
}
