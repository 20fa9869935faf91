//! `cardbridge replay`: plays captures back through the same code, and enrolls from them where asked.

use std::{
    mem,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{channel, sync_channel},
    thread,
    time::Duration,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Globals,
    ask::can_be_asked,
    capture_file::{self, Keys, Records, RecordsAhead},
    follow::{Follow, Order},
    out::{self, Failure},
    progress::Progress,
    session::Session,
    site::{self, Look},
};
use crate::{
    blusky::client::Client,
    capture::{
        Head,
        replay::{Player, TimedNotices},
    },
    card::{Presentation, Reading},
    config::ReaderConfig,
    host::{Site, api::body::OrderBody},
    reader::is_device_of,
    station::{Notice, ReaderKind},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge replay strange-card.capture\n  cardbridge replay *.capture --json\n  \
                        cardbridge replay typed.evtest --reader desk\n  \
                        cardbridge replay day.capture --enroll --user 1815")]
pub struct Arguments {
    /// Captures; packet captures of an OSDP line (osdpcap) and, with --reader, what evtest prints of a reader that types
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configured keyboard reader that typed what evtest printed
    #[arg(long, value_name = "NAME", value_parser = out::some_text)]
    reader: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Enroll every card for --user
    #[arg(long, requires = "user")]
    enroll: bool,
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", value_parser = out::some_text)]
    user: Option<String>,
    /// The cards are what they are read as: nothing is asked about them
    #[arg(long, requires = "enroll")]
    confirm: bool,
    /// Enroll even though the configured BluSKY is not a simulator
    #[arg(long)]
    really: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, if arguments.enroll { Look::Needed } else { Look::Anywhere })?;
    let typist = arguments.reader.as_deref();
    let mut enrolling = None;
    if let Some(user) = arguments.user.as_ref().filter(|_| arguments.enroll) {
        // No card is enrolled before every file is known to be a capture that can be played.
        for path in &arguments.files {
            judge(&site, path, typist)?;
        }
        enrolling = Some(Enrolling::prepare(&site, user, &arguments).await?);
    }
    let mut code = ExitCode::SUCCESS;
    for path in &arguments.files {
        match &mut enrolling {
            None => shown(&site, path, typist, arguments.json)?,
            Some(enrolling) => {
                let mut playing = Playing::open(&site, path, typist)?;
                while let Some(said) = playing.next()? {
                    for (_, notice) in said {
                        if let Notice::Read(reading) = notice {
                            let done = enrolling.enroll(reading.presentation, 1).await?;
                            code = if done == ExitCode::SUCCESS { code } else { done };
                        }
                    }
                }
            }
        }
    }
    if let Some(enrolling) = enrolling {
        enrolling.session.end().await;
    }
    Ok(code)
}

/// So many readings are written at once, as input never waits.
const MANY: usize = 256;
/// So many such batches wait for being written.
const WAITING: usize = 4;

/// Shows what a capture says. Lines for programs are written beside the playing.
fn shown(site: &Site, path: &Path, typist: Option<&str>, json: bool) -> Result<(), Failure> {
    let mut playing = Playing::open(site, path, typist)?;
    let progress = &Progress::of(path, playing.bytes().0);
    let has_cards = thread::scope(|scope| {
        let (lines, waiting) = sync_channel::<Vec<Box<Reading>>>(WAITING);
        let (written, unneeded) = channel();
        scope.spawn(move || {
            // Memory that is used again need not be made anew by the system, page by page.
            let mut text = Vec::new();
            for readings in waiting {
                write(&readings, &mut text, progress);
                drop(written.send(readings));
            }
        });
        let (mut readings, mut has_cards) = (Vec::new(), false);
        let ended = loop {
            let said = match playing.next() {
                Ok(Some(said)) => said,
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure),
            };
            has_cards |= said.iter().any(|(_, notice)| matches!(notice, Notice::Read(_)));
            if json {
                readings.extend(said.into_iter().filter_map(reading));
            } else {
                let words = said.iter().filter_map(|(_, notice)| views::notice::text(notice));
                words.for_each(|words| progress.aside(|| out::print(&words)));
            }
            if readings.len() >= MANY && lines.send(mem::take(&mut readings)).is_err() {
                break Ok(());
            }
            // Two threads that take and give back the same memory wait for each other.
            unneeded.try_iter().for_each(drop);
            progress.is_at(playing.bytes().1);
        };
        drop(lines.send(readings));
        ended.map(|()| has_cards)
    })?;
    if !has_cards {
        out::hint(&format!("{}: no card was read in it", path.display()));
    }
    Ok(())
}

fn reading((_, notice): (DateTime<Utc>, Notice)) -> Option<Box<Reading>> {
    if let Notice::Read(reading) = notice { Some(reading) } else { None }
}

/// A line for each reading, all of them at once.
fn write(readings: &[Box<Reading>], lines: &mut Vec<u8>, progress: &Progress) {
    lines.clear();
    for reading in readings {
        out::append_json(lines, &views::reading::json(reading, &views::reading::literal(reading)));
    }
    progress.aside(|| out::print_lines(lines));
}

/// Reads a whole file and plays nothing.
fn judge(site: &Site, path: &Path, typist: Option<&str>) -> Result<(), Failure> {
    if let Some(mut keys) = capture_file::keys(path)? {
        typing_reader(site, typist)?;
        while keys.next()?.is_some() {}
        return Ok(());
    }
    let mut records = Records::open(path)?;
    while records.next()?.is_some() {}
    player(site, path, &records.end()?).map(drop)
}

fn player(site: &Site, path: &Path, head: &Head) -> Result<Player, Failure> {
    let policy = site.config.policy.clone();
    Player::of(head, &site.protocols, site.catalog.clone(), policy).map_err(|error| capture_file::failed(path, &error))
}

/// The configured reader that typed what evtest printed, which does not say what the keys mean.
fn typing_reader<'a>(site: &'a Site, name: Option<&str>) -> Result<&'a ReaderConfig, Failure> {
    let is_typist = |reader: &&ReaderConfig| matches!(reader.kind, ReaderKind::Keyboard(..));
    let known: Vec<&str> = site.config.readers.iter().filter(is_typist).map(|reader| reader.name.as_str()).collect();
    let help = match known.as_slice() {
        [] => "configure one: [[reader]] with name, keyboard, and a dialect or a template".to_owned(),
        known => format!("the keyboard readers are {}", known.join(", ")),
    };
    let Some(name) = name else {
        return Err(Failure::usage("unknown_reader", "name the reader that typed this: --reader NAME", help));
    };
    let found = site.config.readers.iter().filter(is_typist).find(|reader| is_device_of(name, &reader.name));
    found.ok_or_else(|| Failure::usage("unknown_reader", format!("no keyboard reader is named {name:?}"), help))
}

/// A file being played, record by record.
struct Playing<'a> {
    site: &'a Site,
    path: &'a Path,
    input: Played,
    player: Option<Player>,
    has_ended: bool,
}

/// What is played.
enum Played {
    Records(RecordsAhead),
    Keys(Keys),
}

impl<'a> Playing<'a> {
    fn open(site: &'a Site, path: &'a Path, typist: Option<&str>) -> Result<Self, Failure> {
        let (input, player) = match capture_file::keys(path)? {
            Some(keys) => {
                let reader = typing_reader(site, typist)?;
                let (catalog, policy) = (site.catalog.clone(), site.config.policy.clone());
                let player = Player::of_keys((&reader.name, reader.kind.clone()), &site.protocols, catalog, policy);
                (Played::Keys(keys), Some(player))
            }
            None => (Played::Records(RecordsAhead::open(path)?), None),
        };
        Ok(Self { site, path, input, player, has_ended: false })
    }

    /// The file's bytes: all, and those that have been read.
    const fn bytes(&self) -> (u64, u64) {
        match &self.input {
            Played::Records(records) => (records.size, records.done),
            Played::Keys(keys) => (keys.file.size, keys.file.done),
        }
    }

    /// What the next record says; once more at the end of the file, and then nothing.
    fn next(&mut self) -> Result<Option<TimedNotices>, Failure> {
        if self.has_ended {
            return Ok(None);
        }
        let said = match &mut self.input {
            Played::Keys(keys) => keys.next()?.and_then(|event| self.player.as_mut().map(|player| player.play_key(event))),
            Played::Records(records) => {
                let record = records.next()?;
                if self.player.is_none()
                    && let Some(head) = records.head()
                {
                    self.player = Some(player(self.site, self.path, head)?);
                }
                record.and_then(|(at, record)| self.player.as_mut().map(|player| player.play(at, record)))
            }
        };
        self.has_ended = said.is_none();
        Ok(said.or_else(|| self.player.take().map(Player::end)))
    }
}

/// What it takes to enroll the cards of a capture.
struct Enrolling<'a> {
    session: Session<'a>,
    user: String,
    confirm: bool,
    json: bool,
    patience: Duration,
}

impl<'a> Enrolling<'a> {
    async fn prepare(site: &'a Site, user: &str, arguments: &Arguments) -> Result<Self, Failure> {
        let blusky = site::blusky(site)?;
        let client = Client::new(blusky).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
        if !arguments.really && !client.is_simulator().await {
            let help = "point blusky.base_url at a simulator, or add --really";
            return Err(Failure::usage("not_a_simulator", "this would enroll old cards in a real BluSKY", help));
        }
        let session = Session::open(site, "replay", None).await?;
        let (confirm, json) = (arguments.confirm, arguments.json);
        Ok(Self { session, user: user.to_owned(), confirm, json, patience: site.config.wait })
    }

    async fn enroll(&mut self, card: Presentation, readings: u32) -> Result<ExitCode, Failure> {
        let body = OrderBody {
            id: Some(Uuid::now_v7()),
            user: self.user.clone(),
            presentation: Some(Box::new(card)),
            readings: Some(readings),
            confirm: self.confirm,
            can_be_asked: can_be_asked(self.json),
            ..OrderBody::default()
        };
        let mut follow = Follow::new(self.json, self.patience);
        match follow.order(&mut self.session, &Order::Card(Box::new(body))).await {
            Ok(Some(code)) => Ok(code),
            Ok(None) => Ok(follow.unfinished()),
            Err(failure) if failure.is_usage() => Err(failure),
            Err(failure) => Ok(out::fail(&failure, self.json)),
        }
    }
}
