//! A station that runs: whether it is this site's, and what it has seen of its readers.
//!
//! In: what it says of itself (`GET /v1/station`), and who holds the store where nobody answers. Out: findings. Never: a card's number.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Finding,
    store::{Outbox, judge_outbox},
    words::{detail, number, path, plain, reader, words},
};

/// What was seen of stations.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The one that runs at this store.
    pub running: Option<Running>,
    /// What it has otherwise than this command: `configuration` or `protocol files`.
    pub differs: Option<&'static str>,
    /// This program's version.
    pub version: &'static str,
    /// Who holds the store and does not answer.
    pub silent: Option<String>,
    /// The serial ports of configured readers, for `readers --listen`.
    pub paths: BTreeMap<String, String>,
}

/// What a station says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Running {
    /// The command that hosts it.
    pub doing: String,
    /// Its process.
    pub process: u32,
    /// Its version.
    pub version: String,
    /// Since when.
    pub since: String,
    /// Its readers.
    pub readers: Vec<Reader>,
    /// How the outbox stands.
    pub outbox: Option<Outbox>,
    /// The way to BluSKY.
    pub blusky: Blusky,
}

/// A reader, as a station has seen it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// It is there.
    pub up: bool,
    /// Why not.
    pub why: Option<String>,
    /// How many cards were read.
    pub cards: u64,
    /// How many bytes were no card.
    pub noise_bytes: u64,
    /// Cards by their number of bits.
    pub lengths: BTreeMap<u16, Length>,
    /// Cards of this site's formats by facility codes that it does not list.
    pub facility_codes_not_listed: BTreeMap<u64, u64>,
}

/// Cards of one length.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Length {
    /// How many were read.
    pub cards: u64,
    /// How many fit a format of the site.
    pub fit: u64,
}

/// The way to BluSKY, as a station has seen it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Blusky {
    /// Why nothing is delivered.
    pub stopped: Option<String>,
    /// Since when BluSKY is away.
    pub away_since: Option<String>,
    /// How long ago it answered.
    pub reached_s: Option<i64>,
    /// What is known of its calls.
    pub calls: Vec<Value>,
}

pub(super) fn judge(facts: &Facts, findings: &mut Vec<Finding>) {
    if let Some(holder) = &facts.silent {
        findings.push(
            Finding::broken("station_silent", words("{} holds the store and does not answer", [plain(holder)]))
                .matters("one station at a time works on a store: every other command waits for it")
                .mended_by("let it go on (it may have been stopped with Ctrl-Z: fg), or end that process"),
        );
    }
    let Some(running) = &facts.running else { return };
    another(facts, running, findings);
    running.readers.iter().for_each(|reader| judge_reader(reader, facts, findings));
    if let Some(outbox) = &running.outbox {
        judge_outbox(outbox, findings);
    }
    if let Some(why) = &running.blusky.stopped {
        findings.push(
            Finding::broken("delivery_stopped", words("the station delivers nothing: {}", [detail(why)]))
                .matters("what is saved waits until this is mended; the station tries again by itself")
                .mended_by("do what it says; cardbridge status shows when it goes on"),
        );
    } else if let Some(since) = &running.blusky.away_since {
        findings.push(
            Finding::warning("blusky_away", words("the station has not reached BluSKY since {}", [plain(since)]))
                .matters("what is saved waits, and is sent when BluSKY is back")
                .mended_by("the network of this machine, or BluSKY itself; nothing has to be done here once it is back"),
        );
    }
}

/// A station that is not what this command would be.
fn another(facts: &Facts, running: &Running, findings: &mut Vec<Finding>) {
    let station = || plain(format!("cardbridge {} (process {})", running.doing, running.process));
    if let Some(differs) = facts.differs {
        findings.push(
            Finding::broken(
                "other_site",
                words("the station at this store, {}, has another {} than this command", [station(), plain(differs)]),
            )
            .matters("commands refuse to work with it, and what you changed is not in use")
            .mended_by(words("end it and start it again: kill {}, or sudo systemctl restart cardbridge", [plain(running.process)])),
        );
    }
    if running.version != facts.version {
        let what = words("the station is cardbridge {}, and this is {}", [plain(&running.version), plain(facts.version)]);
        findings.push(
            Finding::warning("other_version", what)
                .matters("what this version knows is not in use until the station is started again")
                .mended_by("end the station and start it again"),
        );
    }
}

fn judge_reader(seen: &Reader, facts: &Facts, findings: &mut Vec<Finding>) {
    let name = || reader(&seen.name);
    if let Some(why) = &seen.why {
        findings.push(
            Finding::broken("reader_down", words("the station has lost the reader {}: {}", [name(), detail(why)]))
                .matters("no card can be read at it; it is tried again all the time")
                .mended_by("do what it says; the station takes the reader up by itself"),
        );
    }
    if seen.noise_bytes > 0 && seen.cards == 0 {
        let port = facts.paths.get(&seen.name).cloned().unwrap_or_else(|| "PORT".to_owned());
        let what = words("the reader {} has said {} bytes, and none of them was a card", [name(), plain(seen.noise_bytes)]);
        findings.push(
            Finding::broken("wrong_dialect", what)
                .matters("its dialect or its baud rate is another than the configuration says")
                .mended_by(words("end the station, then: cardbridge readers --listen {}", [path(port)])),
        );
    }
    for (bits, length) in seen.lengths.iter().filter(|(_, length)| length.fit == 0) {
        let what =
            words("{} cards of {} bits were read at {}, and none fits a format of this site", [plain(length.cards), plain(bits), name()]);
        findings.push(
            Finding::warning("length_never_fits", what)
                .matters("such cards cannot be enrolled here")
                .mended_by("cardbridge read shows which formats fit; add one to [site] formats, or check the reader's settings"),
        );
    }
    for (code, cards) in &seen.facility_codes_not_listed {
        let what =
            words("{} cards with facility code {} were read at {}, and the site does not list it", [plain(cards), number(code), name()]);
        findings.push(
            Finding::warning("facility_code_not_listed", what)
                .matters("such cards are not enrolled: they may be another customer's, or damaged")
                .mended_by("if they are yours, add the code to [site] facility_codes"),
        );
    }
}
