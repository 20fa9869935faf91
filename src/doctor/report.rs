//! Findings shown: for people in 80 columns, for programs one JSON object a line.
//!
//! In: findings, and what was looked at. Out: text and JSON. Never: a finding left out.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Facts, Finding, Level, blusky::Came, store::Read};
use crate::views::page::{Page, ago, count};

/// How many findings are of this level.
#[must_use]
pub fn number_of(findings: &[Finding], level: Level) -> u64 {
    findings.iter().filter(|finding| finding.level == level).count() as u64
}

/// The findings for programs, and behind them what was looked at.
#[must_use]
pub fn json(facts: &Facts, findings: &[Finding]) -> Vec<Value> {
    let finding = |finding: &Finding| {
        let (what, why, mend) = (finding.what.to_string(), finding.why.to_string(), finding.mend.to_string());
        json!({"finding": finding.code, "level": finding.level.name(), "what": what, "why": why, "mend": mend})
    };
    let calls =
        facts.blusky.calls.iter().map(|call| json!({"call": call.name, "exists": call.exists, "success_codes": call.success_codes}));
    let probe = facts.blusky.probe.as_ref().map(|probe| {
        let status = if let Came::Answer(status, _) | Came::Strange(status, _) = probe.came { Some(status) } else { None };
        json!({"call": probe.call, "status": status, "millis": probe.millis, "clock_ahead_s": probe.clock_ahead_s, "cards": probe.cards})
    });
    let summary = json!({
        "broken": number_of(findings, Level::Broken),
        "warnings": number_of(findings, Level::Warning),
        "notes": number_of(findings, Level::Note),
        "station": facts.station.running.as_ref().map(|running| running.process),
        "blusky": probe,
        "calls": calls.collect::<Vec<Value>>(),
    });
    findings.iter().map(finding).chain([summary]).collect()
}

/// The same for people.
#[must_use]
pub fn text(facts: &Facts, findings: &[Finding]) -> String {
    let mut page = Page::default();
    for finding in findings {
        page.line(0, &format!("{}: {}", finding.level.name().to_uppercase(), finding.what));
        page.line(4, &format!("why it matters: {}", finding.why));
        // A command that is cut in two cannot be copied: the terminal wraps it.
        page.whole(4, &format!("→ {}", finding.mend));
        page.gap();
    }
    looked_at(facts).iter().for_each(|(word, words)| page.row(word, words));
    page.gap();
    let (broken, others) = (number_of(findings, Level::Broken), number_of(findings, Level::Warning));
    page.line(
        0,
        &match (broken, others) {
            (0, 0) => "nothing is broken".to_owned(),
            (0, others) => format!("nothing is broken; {} to look at", count(others, "thing", "things")),
            (broken, 0) => format!("{} broken", count(broken, "thing is", "things are")),
            (broken, others) => format!("{} broken, {others} more to look at", count(broken, "thing is", "things are")),
        },
    );
    page.end()
}

/// What was looked at, and what was seen where nothing is wrong.
#[must_use]
pub fn looked_at(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut rows = vec![("looked at", files(facts))];
    let (ports, cards) = (facts.ports.ports.len() as u64, facts.smartcards.wanted.len() as u64);
    rows.push(("readers", format!("{ports} serial, OSDP or typing, {cards} PC/SC")));
    rows.extend(facts.store.as_ref().map(|store| {
        let words = match (&store.read, &facts.station.running) {
            (_, Some(_)) => "as the station tells",
            (Read::NotThere, _) => "none yet; the first command makes it",
            (Read::Stands(_), _) => "read through",
            (Read::Busy, _) => "it was written meanwhile; look again",
            (Read::Unreadable(_) | Read::Older | Read::LogLeft(_), _) => "not read through",
        };
        ("store", words.to_owned())
    }));
    rows.push((
        "station",
        match &facts.station.running {
            Some(running) => format!("cardbridge {} (process {})", running.doing, running.process),
            None => "none runs".to_owned(),
        },
    ));
    if let Some(probe) = &facts.blusky.probe {
        let cards = probe.cards.map(|cards| format!("; the account it was asked with has {}", count(cards as u64, "card", "cards")));
        let words = match &probe.came {
            Came::Answer(status, _) | Came::Strange(status, _) => {
                format!("{} answered {status} after {} ms{}", probe.call, probe.millis, cards.unwrap_or_default())
            }
            _ => "no answer".to_owned(),
        };
        rows.push(("BluSKY", words));
    }
    if let Some(age) = facts.blusky.people.as_ref().and_then(|people| people.age_s) {
        rows.push(("", format!("its list of people was asked for {} ago", ago(TimeDelta::seconds(age)))));
    }
    rows.extend(facts.blusky.calls.iter().map(|call| ("", call.words.clone())));
    rows
}

fn files(facts: &Facts) -> String {
    let configuration = &facts.configuration;
    let people = configuration.people.as_ref().map(|people| format!(", {}", count(people.people as u64, "person", "people")));
    let secrets = count(configuration.secrets.len() as u64, "file with a secret", "files with secrets");
    match &configuration.file {
        Some(_) => format!("configuration, {secrets}{}", people.unwrap_or_default()),
        None => "what is plugged in".to_owned(),
    }
}
