//! A text for a support ticket: what was found and seen, without numbers, names and secrets.
//!
//! In: facts and findings; what this machine is; the words that must not be in it whatever happened. Out: a text. Never: a card's
//! number, a facility code, a person's or reader's name, a path, an address, a token.

use super::{
    Facts, Finding,
    report::looked_at,
    words::{Aliases, reader},
};
use crate::views::page::Page;

/// The text. `about` says what this machine and configuration are, in words that anybody may see; `secret` are words that are blotted
/// out of the whole text once more.
#[must_use]
pub fn text(facts: &Facts, findings: &[Finding], about: &[(&'static str, String)], secret: &[String]) -> String {
    let mut aliases = Aliases::default();
    let mut page = Page::default();
    page.line(0, "cardbridge doctor, for a support ticket. Numbers, names, paths, addresses and secrets are left out.");
    page.gap();
    about.iter().for_each(|(word, words)| page.row(word, words));
    page.gap();
    for finding in findings {
        page.line(0, &format!("{} {}: {}", finding.level.name(), finding.code, aliases.shown(&finding.what)));
        page.line(4, &format!("why: {}", aliases.shown(&finding.why)));
        page.line(4, &format!("mend: {}", aliases.shown(&finding.mend)));
    }
    if findings.is_empty() {
        page.line(0, "no findings");
    }
    page.gap();
    looked_at(facts).iter().for_each(|(word, words)| page.row(word, words));
    station(facts, &mut aliases, &mut page);
    blotted(page.end(), secret) + "\n"
}

fn station(facts: &Facts, aliases: &mut Aliases, page: &mut Page) {
    let Some(running) = &facts.station.running else { return };
    page.gap();
    for seen in &running.readers {
        let lengths: Vec<String> =
            seen.lengths.iter().map(|(bits, length)| format!("{bits} bits: {} read, {} fit", length.cards, length.fit)).collect();
        let name = aliases.piece(&reader(&seen.name));
        let state = if seen.up { "up" } else { "not up" };
        page.row("", &format!("{name}: {state}, {} cards, {} bytes of noise; {}", seen.cards, seen.noise_bytes, lengths.join(", ")));
    }
    if let Some(outbox) = &running.outbox {
        page.row("", &format!("outbox: {} waiting, {} in doubt, {} refused today", outbox.waiting, outbox.in_doubt, outbox.refused_today));
    }
}

/// Whatever happened before, these words are not in it.
fn blotted(text: String, secret: &[String]) -> String {
    secret.iter().filter(|word| word.chars().count() > 2).fold(text, |text, word| text.replace(word.as_str(), "•••"))
}
