//! `cardbridge replay`: plays captures back through the same code, and enrolls from them where asked.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Globals, enroll,
    out::{self, Failure},
    outcome::{self, Showing},
    progress::Progress,
    site::{self, Look},
};
use crate::{
    blusky::client::{Client, Settings},
    bridge::Notice,
    capture::{Capture, evtest, osdpcap},
    card::Presentation,
    config::{Attached, ReaderConfig},
    enroll::{enrollment::Order, outbox::Reassign},
    readers::is_device_of,
    run::{Site, reader_kind},
    store::StoreHandle,
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
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Enroll every card for --user
    #[arg(long, requires = "user")]
    enroll: bool,
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO")]
    user: Option<String>,
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
            drop(play(&site, path, &read(path)?, typist)?);
        }
        enrolling = Some(Enrolling::prepare(&site, user, &arguments).await?);
    }
    let mut code = ExitCode::SUCCESS;
    for path in &arguments.files {
        let recorded = read(path)?;
        // An enrollment says itself how far it is.
        let progress = Progress::of(path, recorded.len(), enrolling.is_none());
        for notices in play(&site, path, &recorded, typist)? {
            for (_, notice) in notices {
                match (&enrolling, notice) {
                    (None, notice) => progress.aside(|| show(&notice, arguments.json)),
                    (Some(enrolling), Notice::Read(reading)) => {
                        let done = enrolling.enroll(reading.presentation).await?;
                        code = if done == ExitCode::SUCCESS { code } else { done };
                    }
                    _ => {}
                }
            }
            progress.one_more();
        }
    }
    Ok(code)
}

/// A file that can be played.
enum Recorded {
    Capture(Capture),
    Typed(evtest::Typed),
}

impl Recorded {
    fn len(&self) -> usize {
        match self {
            Self::Capture(capture) => capture.records.len(),
            Self::Typed(typed) => typed.events.len(),
        }
    }
}

fn read(path: &Path) -> Result<Recorded, Failure> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let recorded = if osdpcap::is_one(&text) {
        osdpcap::parse(&text).map(Recorded::Capture)
    } else if evtest::is_one(&text) {
        evtest::parse(&text).map(Recorded::Typed)
    } else {
        Capture::parse(&text).map(Recorded::Capture)
    };
    recorded.map_err(|error| failed(path, &error))
}

type Played<'a> = Box<dyn Iterator<Item = Vec<(DateTime<Utc>, Notice)>> + 'a>;

fn play<'a>(site: &Site, path: &Path, recorded: &'a Recorded, typist: Option<&str>) -> Result<Played<'a>, Failure> {
    let (catalog, policy) = (site.catalog.clone(), site.config.policy.clone());
    match recorded {
        Recorded::Capture(capture) => {
            let replay = capture.replay(&site.protocols, catalog, policy).map_err(|error| failed(path, &error))?;
            Ok(Box::new(replay))
        }
        Recorded::Typed(typed) => {
            let reader = typing_reader(site, typist)?;
            let replay = typed.replay((&reader.name, reader_kind(reader)), &site.protocols, catalog, policy);
            Ok(Box::new(replay))
        }
    }
}

/// The configured reader that typed what evtest printed, which does not say what the keys mean.
fn typing_reader<'a>(site: &'a Site, name: Option<&str>) -> Result<&'a ReaderConfig, Failure> {
    let is_typist = |reader: &&ReaderConfig| matches!(reader.attached, Attached::Keyboard { .. });
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

fn failed(path: &Path, why: &impl Display) -> Failure {
    Failure::usage("capture", format!("{}: {why}", path.display()), "")
}

fn show(notice: &Notice, json: bool) {
    match notice {
        Notice::Read(reading) if json => out::print_json(&views::reading::json(reading, &views::reading::literal(reading))),
        notice if !json => {
            if let Some(words) = views::notice(notice) {
                out::print(&words);
            }
        }
        _ => {}
    }
}

/// What it takes to enroll the cards of a capture.
struct Enrolling<'a> {
    site: &'a Site,
    blusky: Settings,
    store: StoreHandle,
    user: Uuid,
    json: bool,
}

impl<'a> Enrolling<'a> {
    async fn prepare(site: &'a Site, user: &str, arguments: &Arguments) -> Result<Self, Failure> {
        let blusky = enroll::blusky(site)?;
        let client = Client::new(blusky.clone()).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
        if !arguments.really && !client.is_simulator().await {
            let help = "point blusky.base_url at a simulator, or add --really";
            return Err(Failure::usage("not_a_simulator", "this would enroll old cards in a real BluSKY", help));
        }
        let user = enroll::who(site, user)?;
        Ok(Self { site, blusky, store: enroll::open_store(site)?, user, json: arguments.json })
    }

    async fn enroll(&self, card: Presentation) -> Result<ExitCode, Failure> {
        let reassign = self.site.config.reassign;
        let mut order = Order::of(self.user);
        order.enforce_occupancy_system = Some(self.site.config.enforce_occupancy_system);
        order.reassign = reassign == Reassign::Always;
        match enroll::presented(self.site, &self.store, card, order, reassign).await {
            Ok(id) => {
                let showing = Showing::new(self.json, Duration::from_secs(20));
                outcome::outcome(self.site, &self.store, self.blusky.clone(), id, showing).await
            }
            Err(failure) => Ok(out::fail(&failure, self.json)),
        }
    }
}
