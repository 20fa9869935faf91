//! `cardbridge readers --listen PORT`: what an unknown serial reader says, which dialects read it, the lines to paste.
//!
//! The line is tried as the dialects set it. It stays as it is while the bytes look right; when bytes come that nothing
//! frames, the next setting is tried and the person is asked for the card again. Nothing is written without `--ask`.

use std::{collections::VecDeque, process::ExitCode, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::{Instant, interval, sleep_until};

use super::out::{self, Failure};
use crate::{
    decode::{
        detect::{Detector, Listener},
        dialect::Dialect,
        looks,
    },
    drivers::{listening::Listening, serial},
    host::Site,
    reader::{LineParity, LineSettings},
    views::listening::{self, DialectReport, Report},
};

#[derive(Debug, Clone, clap::Args)]
#[group(id = "listening")]
pub struct Arguments {
    /// Listen to a serial port: show a card, and see which dialects read it
    #[arg(long, value_name = "PORT")]
    pub listen: Option<String>,
    /// Listen at this rate only [default: every one that a dialect names]
    #[arg(long, value_name = "N", requires = "listen", value_parser = clap::value_parser!(u32).range(50..=4_000_000))]
    baud: Option<u32>,
    /// End after this many seconds
    #[arg(long, value_name = "S", requires = "listen", default_value = "60", value_parser = out::seconds())]
    timeout: u64,
    /// End after this many cards
    #[arg(long, value_name = "N", requires = "listen", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
    /// Put to the reader what readers that do not speak by themselves want to be asked, once for each dialect
    #[arg(long, requires = "listen")]
    ask: bool,
}

/// After so much silence a burst of bytes is over.
const QUIET: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(50);

pub async fn run(site: &Site, port: &str, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let settings = settings(&site.protocols.dialects, arguments.baud);
    let Some(first) = settings.front().copied() else {
        return Err(Failure::usage("protocols", "no serial dialect is known", "the protocol files could not be read"));
    };
    let open = Listening::open(port, first).map_err(|why| Failure::impossible("port", why, "`cardbridge readers` lists the ports"))?;
    let mut ear = Ear { site, arguments, open, rest: settings, current: Hearing::at(first, site), before: Vec::new() };
    ear.rest.pop_front();
    let end = Instant::now() + Duration::from_secs(arguments.timeout);
    out::listen_for_signals();
    if arguments.ask {
        ear.ask(end).await?;
    }
    if ear.current.bytes.is_empty() {
        out::hint(&format!("listening at {}; show a card to the reader", listening::settings(&ear.current.line)));
    }
    ear.listen(end).await?;
    report(ear, port, json)
}

/// The settings that the dialects name, those of most dialects first.
fn settings(dialects: &[Arc<Dialect>], baud: Option<u32>) -> VecDeque<LineSettings> {
    let mut counted: Vec<(usize, LineSettings)> = Vec::new();
    for dialect in dialects {
        let line = LineSettings { baud: baud.unwrap_or(dialect.line.baud), ..dialect.line };
        match counted.iter_mut().find(|(_, known)| *known == line) {
            Some((count, _)) => *count += 1,
            None => counted.push((1, line)),
        }
    }
    counted.sort_by_key(|(count, line)| (std::cmp::Reverse(*count), line.baud));
    counted.into_iter().map(|(_, line)| line).collect()
}

/// What was heard while the line was set in one way.
struct Hearing {
    line: LineSettings,
    detector: Detector,
    bytes: Vec<(DateTime<Utc>, Vec<u8>)>,
    /// Where the burst begins that has not been judged yet.
    judged: usize,
    /// Bursts that look like a card and that nothing frames.
    strange: usize,
}

impl Hearing {
    fn at(line: LineSettings, site: &Site) -> Self {
        // How many data bits a reader has is its dialect's, and is not configured.
        let can_be = site.protocols.dialects.iter().filter(|dialect| dialect.line.data_bits == line.data_bits);
        Self { line, detector: Detector::new(can_be.cloned()), bytes: Vec::new(), judged: 0, strange: 0 }
    }

    fn heard(&mut self, bytes: Vec<u8>, now: DateTime<Utc>) {
        self.detector.heard(&bytes, now);
        self.bytes.push((now, bytes));
    }

    /// The burst that is over now and has not been judged.
    fn burst(&mut self, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let quiet = self.bytes.last().is_some_and(|(at, _)| (now - at).to_std().is_ok_and(|silent| silent >= QUIET));
        let burst = self.bytes.get(self.judged..).filter(|burst| quiet && !burst.is_empty())?;
        let burst = burst.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        self.judged = self.bytes.len();
        Some(burst)
    }

    fn all(&self) -> Vec<u8> {
        self.bytes.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
    }

    /// The bytes of each burst, between which the line was silent.
    fn bursts(&self) -> Vec<Vec<u8>> {
        let together = |a: &(DateTime<Utc>, Vec<u8>), b: &(DateTime<Utc>, Vec<u8>)| (b.0 - a.0).to_std().is_ok_and(|gap| gap < QUIET);
        self.bytes.chunk_by(together).map(|burst| burst.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()).collect()
    }
}

struct Ear<'a> {
    site: &'a Site,
    arguments: &'a Arguments,
    open: Listening,
    /// The settings that have not been tried.
    rest: VecDeque<LineSettings>,
    current: Hearing,
    /// What was heard at settings that were given up.
    before: Vec<Hearing>,
}

impl Ear<'_> {
    /// Listens until enough cards were read, nothing is left to try, the time is over or somebody ends it.
    async fn listen(&mut self, end: Instant) -> Result<(), Failure> {
        let mut ticks = interval(TICK);
        loop {
            tokio::select! {
                heard = self.open.heard() => self.take(heard)?,
                _ = ticks.tick() => if self.tick(Utc::now()).await? { return Ok(()) },
                () = sleep_until(end) => return Ok(()),
                () = out::interrupted() => return Ok(()),
            }
        }
    }

    fn take(&mut self, heard: Result<Vec<u8>, String>) -> Result<(), Failure> {
        self.current.heard(heard.map_err(failed)?, Utc::now());
        Ok(())
    }

    /// True when there is nothing more to wait for.
    async fn tick(&mut self, now: DateTime<Utc>) -> Result<bool, Failure> {
        self.current.detector.time(now);
        let Some(burst) = self.current.burst(now) else { return Ok(false) };
        let (cards, wanted) = (self.current.detector.cards(), usize::from(self.arguments.count));
        if cards >= wanted {
            return Ok(true);
        }
        if self.current.detector.is_understood() {
            out::hint(&format!("{cards} of {wanted} cards read; show the next one"));
            return Ok(false);
        }
        if looks::is_text(&burst) || self.rest.is_empty() {
            return Ok(self.strange(&burst));
        }
        self.try_next(burst.len()).await?;
        Ok(false)
    }

    /// Bytes that look right, or for which there is no other setting to try, and that no dialect reads.
    fn strange(&mut self, burst: &[u8]) -> bool {
        if looks::is_text(burst) && !burst.iter().any(u8::is_ascii_digit) {
            out::hint("the reader says something without a number; show a card");
            return false;
        }
        self.current.strange += 1;
        let enough = self.current.strange >= usize::from(self.arguments.count);
        if !enough {
            out::hint("no known dialect reads this; show the next card");
        }
        enough
    }

    async fn try_next(&mut self, bytes: usize) -> Result<(), Failure> {
        let Some(line) = self.rest.pop_front() else { return Ok(()) };
        let before = listening::settings(&self.current.line);
        // Whoever is asked for the card may show it at once: the port is set by then.
        self.set(line).await?;
        out::hint(&format!(
            "nothing frames these {bytes} bytes at {before}; listening at {} now: show the card again",
            listening::settings(&line)
        ));
        Ok(())
    }

    async fn set(&mut self, line: LineSettings) -> Result<(), Failure> {
        self.open.set(line).await.map_err(failed)?;
        self.before.push(std::mem::replace(&mut self.current, Hearing::at(line, self.site)));
        Ok(())
    }

    /// Puts to the reader what each dialect asks, once; ends at the first answer that a dialect knows.
    async fn ask(&mut self, end: Instant) -> Result<(), Failure> {
        for dialect in askers(&self.site.protocols.dialects) {
            let Some(host) = &dialect.host else { continue };
            let line = LineSettings { baud: self.arguments.baud.unwrap_or(dialect.line.baud), ..dialect.line };
            if line != self.current.line {
                self.set(line).await?;
            }
            for question in host.start.iter().cloned().chain(host.poll.iter().filter_map(|poll| poll.first(&dialect))) {
                let hex: Vec<String> = question.iter().map(|byte| format!("{byte:02X}")).collect();
                out::hint(&format!("asking as {} does, at {}: {}", dialect.id, listening::settings(&line), hex.join(" ")));
                self.open.say(question);
                self.hear_for(end.min(Instant::now() + host.answer + QUIET)).await?;
            }
            if self.current.detector.is_understood() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn hear_for(&mut self, end: Instant) -> Result<(), Failure> {
        loop {
            tokio::select! {
                heard = self.open.heard() => self.take(heard)?,
                () = sleep_until(end) => {
                    self.current.detector.time(Utc::now());
                    return Ok(());
                }
            }
        }
    }
}

fn failed(why: String) -> Failure {
    Failure::impossible("port", why, "")
}

/// The dialects whose readers wait to be asked, those with the same settings together.
fn askers(dialects: &[Arc<Dialect>]) -> Vec<Arc<Dialect>> {
    let polled = dialects.iter().filter(|dialect| dialect.host.as_ref().is_some_and(|host| host.poll.is_some()));
    let mut askers: Vec<Arc<Dialect>> = polled.cloned().collect();
    let parity = |line: LineSettings| match line.parity {
        LineParity::None => 0,
        LineParity::Even => 1,
        LineParity::Odd => 2,
    };
    askers.sort_by_key(|dialect| (dialect.line.baud, dialect.line.data_bits, parity(dialect.line), dialect.line.stop_bits));
    askers
}

fn report(ear: Ear<'_>, port: &str, json: bool) -> Result<ExitCode, Failure> {
    let site = ear.site;
    let asked = askers(&site.protocols.dialects);
    let silent: Vec<&str> = asked.iter().map(|dialect| dialect.id.as_str()).collect();
    let Some(best) = best(ear.before.into_iter().chain([ear.current])) else {
        return Err(silence(port, &silent, ear.arguments.ask));
    };
    let listeners = best.detector.listeners(&best.line, &site.catalog);
    let (text, strange) = (best.all(), listeners.is_empty());
    let began = best.bytes.first().map_or(DateTime::UNIX_EPOCH, |(at, _)| *at);
    let bytes: Vec<(Duration, Vec<u8>)> =
        best.bytes.iter().map(|(at, bytes)| ((*at - began).to_std().unwrap_or_default(), bytes.clone())).collect();
    let report = Report {
        port,
        attached: attached(port),
        name: free_name(site),
        line: best.line,
        bytes: &bytes,
        said: listeners
            .iter()
            .map(|(mismatch, listener)| said(listener, listeners.iter().filter(|(other, _)| other == mismatch).count() > 1, site))
            .collect(),
        looks: if strange { looks::words(&best.bursts()) } else { Vec::new() },
        template: if strange { looks::template(&text) } else { None },
        silent,
    };
    if json {
        out::print_json(&listening::json(&report));
    } else {
        out::print(&listening::text(&report));
    }
    Ok(if best.detector.cards() > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What was heard at the setting that made most of it.
fn best(heard: impl Iterator<Item = Hearing>) -> Option<Hearing> {
    let share = |hearing: &Hearing| {
        let bytes = hearing.all();
        1000 - 1000 * looks::strange(&bytes) / bytes.len().max(1)
    };
    let of = |hearing: &Hearing| (hearing.detector.cards(), hearing.detector.is_understood(), share(hearing));
    heard.filter(|hearing| !hearing.bytes.is_empty()).max_by_key(of)
}

fn said<'a>(listener: &'a Listener, tied: bool, site: &Site) -> DialectReport<'a> {
    let readings = listener.shown.iter().map(|shown| site.catalog.read(shown.clone())).collect();
    DialectReport { listener, readings, bits: listener.bit_counts(&site.catalog), tied }
}

/// Where the reader is attached, as configuration: a USB device by its identity, which stays when its path changes.
fn attached(port: &str) -> String {
    let path = std::fs::canonicalize(port).unwrap_or_else(|_| port.into());
    let found = serial::list().into_iter().find(|found| std::path::Path::new(&found.path) == path);
    match found.as_ref().and_then(|found| found.usb) {
        Some((vid, pid)) => {
            let number = found.and_then(|found| found.serial_number).map(|number| format!("usb_serial = {number:?}\n"));
            format!("usb = \"{vid:04x}:{pid:04x}\"\n{}", number.unwrap_or_default())
        }
        None => format!("serial = {port:?}\n"),
    }
}

fn free_name(site: &Site) -> String {
    let is_free = |name: &String| site.config.readers.iter().all(|reader| reader.name != *name);
    (1..).map(|number| if number == 1 { "desk".to_owned() } else { format!("desk-{number}") }).find(is_free).unwrap_or_default()
}

fn silence(port: &str, silent: &[&str], asked: bool) -> Failure {
    let help = if asked {
        "check the cable, the reader's power and the port; a reader may want RX and TX crossed".to_owned()
    } else {
        format!(
            "check the cable, the reader's power and the port; these readers do not speak before they are asked, and --ask puts their \
             question to them: {}",
            silent.join(", ")
        )
    };
    Failure::impossible("silent", format!("no byte came from {port}"), help).with("must_be_asked", json!(silent))
}
