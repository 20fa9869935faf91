//! People who have their turn one after the other: which lists there are, and how a run stands.

use maud::{Markup, html};

use super::{reason, say_of, state, which, whom};
use crate::{
    desk::{
        scene::{Board, How, Run},
        words::Words,
    },
    text::shown,
};

/// The lists there are; none where the site has no folder of them.
#[must_use]
pub fn lists(names: Option<&[String]>, words: &Words) -> Markup {
    html! {
        h2 { (words.say("roster_which")) }
        @match names {
            None => p.hint { (words.say("roster_nowhere")) },
            Some([]) => p.hint { (words.say("roster_no_lists")) },
            Some(names) => ol.found {
                @for name in names {
                    li { form data-call="/desk/roster" { input type="hidden" name="list" value=(name); button { (shown(name)) } } }
                }
            },
        }
        form data-call="/desk/roster" {
            label for="filter" { (words.say("roster_people")) }
            input #filter name="filter" autocomplete="off" maxlength="64";
            button.main { (words.say("roster_begin")) }
        }
    }
}

/// An earlier run of a list has not come to its end: which is meant.
#[must_use]
pub fn earlier(list: &str, filter: &str, (done, people): (usize, usize), words: &Words) -> Markup {
    let begins = |how: &str, label: String, class: &str| {
        html! {
            form data-call="/desk/roster" {
                input type="hidden" name="list" value=(list);
                input type="hidden" name="filter" value=(filter);
                input type="hidden" name="how" value=(how);
                button class=(class) { (label) }
            }
        }
    };
    html! {
        h2 { (words.fill("roster_earlier", &[("done", &done), ("people", &people)])) }
        (begins("resume", words.say("roster_resume").to_owned(), "main"))
        (begins("anew", words.say("roster_anew").to_owned(), "quiet"))
    }
}

/// How a run stands; nothing where there is none.
#[must_use]
pub fn run(run: Option<&Run>, board: &Board, words: &Words) -> Markup {
    let Some(run) = run else { return html! {} };
    let done = run.tally.accepted + run.tally.under_way;
    let last = run.last.and_then(|id| board.today.iter().find(|entry| entry.id == id));
    let sound = last.map(|entry| if state(entry, board) == "sending" { "saved" } else { state(entry, board) }).unwrap_or_default();
    html! {
        div #run.run tabindex="-1" data-sound=(sound) data-of=[last.map(|entry| entry.id)] {
            div.head {
                h2 { (words.fill("roster_title", &[("list", &shown(&run.list))])) }
                p data-say="" { (words.fill("roster_done", &[("done", &done), ("people", &run.tally.people)])) }
            }
            progress max=(run.tally.people) value=(done) aria-label=(words.say("roster_progress")) {}
            p {
                @if run.tally.under_way > 0 { (words.fill("roster_under_way", &[("count", &run.tally.under_way)])) " " }
                @if run.tally.open > 0 { (words.fill("roster_open", &[("count", &run.tally.open)])) }
            }
            @if let Some(why) = &run.trouble { p.note { (reason(why, words)) } }
            @if let Some(person) = &run.looks_at { p.big { (words.fill("roster_has", &[("person", &shown(person))])) } }
            @if run.is_over { p.big { (words.say("roster_over")) } }
            @else if !run.next.is_empty() { p.next { (words.fill("roster_next", &[("people", &run.next.join(", "))])) } }
            @else if run.rests { p.big { (words.say("roster_rest")) } }
            @if let Some(entry) = last {
                p.last class={ "last " (state(entry, board)) } { (words.say("roster_last")) " " (whom(entry)) ": " (which(entry, board, words)) " " strong.state { (say_of(entry, board, words)) } }
            }
            (keys(run, words))
            @if !run.left.is_empty() {
                h3 { (words.say("roster_left")) }
                ul { @for (person, how) in &run.left { li { (person) ": " (left(how, words)) } } }
            }
            @if !run.findings.is_empty() {
                details #findings {
                    summary { (words.fill("roster_findings", &[("count", &run.findings.len())])) }
                    ul { @for finding in &run.findings { li { (reason(finding, words)) } } }
                }
            }
        }
    }
}

fn left(how: &How, words: &Words) -> Markup {
    match how {
        How::Skipped => html! { (words.say("roster_skipped")) },
        How::Aside(why) => html! { (words.say("roster_aside")) " " (reason(why, words)) },
    }
}

/// What can be pressed now; the letters are those of the terminal.
fn keys(run: &Run, words: &Words) -> Markup {
    let label = |key: char| match key {
        's' if run.looks_at.is_some() => Some(("skip", words.say("go_on").to_owned())),
        's' => Some(("skip", words.say("roster_skip").to_owned())),
        'b' => Some(("back", words.say("roster_back").to_owned())),
        'u' => Some((
            "undo",
            run.undo.as_ref().map_or_else(|| words.say("undo").to_owned(), |who| words.fill("roster_undo", &[("person", who)])),
        )),
        'a' => Some(("aside", words.say("roster_put_aside").to_owned())),
        'r' if run.looks_at.is_some() => Some(("again", words.say("roster_one_more").to_owned())),
        'r' => Some(("again", words.say("roster_again").to_owned())),
        'q' if !run.is_over => Some(("stop", words.say("roster_stop").to_owned())),
        _ => None,
    };
    html! {
        div.keys {
            @if !run.is_over {
                @for key in &run.keys {
                    @if let Some((name, label)) = label(*key) {
                        form data-call="/desk/roster/key" {
                            input type="hidden" name="key" value=(name);
                            button.quiet data-key=(key) data-id=(name) aria-keyshortcuts=(key) { (label) " (" (key) ")" }
                        }
                    }
                }
            }
            @if run.is_over {
                form data-call="/desk/roster/key" { input type="hidden" name="key" value="close"; button.main data-id="close" { (words.say("roster_close")) } }
            }
        }
    }
}
