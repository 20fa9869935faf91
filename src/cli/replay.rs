//! `cardbridge replay`: plays captures back through the same code, and enrolls from them where asked.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

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
    capture::{Capture, Replay, osdpcap},
    card::Presentation,
    enroll::outbox::Reassign,
    run::Site,
    store::StoreHandle,
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge replay strange-card.capture\n  cardbridge replay *.capture --json\n  \
                        cardbridge replay day.capture --enroll --user 1815")]
pub struct Arguments {
    /// Captures; packet captures of an OSDP line (osdpcap) as well
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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
    let mut enrolling = None;
    if let Some(user) = arguments.user.as_ref().filter(|_| arguments.enroll) {
        // No card is enrolled before every file is known to be a capture that can be played.
        for path in &arguments.files {
            play(&site, path, &read(path)?)?;
        }
        enrolling = Some(Enrolling::prepare(&site, user, &arguments).await?);
    }
    let mut code = ExitCode::SUCCESS;
    for path in &arguments.files {
        let capture = read(path)?;
        // An enrollment says itself how far it is.
        let progress = Progress::of(path, capture.records.len(), enrolling.is_none());
        for notices in play(&site, path, &capture)? {
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

fn read(path: &Path) -> Result<Capture, Failure> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let capture = if osdpcap::is_one(&text) { osdpcap::parse(&text) } else { Capture::parse(&text) };
    capture.map_err(|error| failed(path, &error))
}

fn play<'a>(site: &Site, path: &Path, capture: &'a Capture) -> Result<Replay<'a>, Failure> {
    capture.replay(&site.protocols, site.catalog.clone(), site.config.policy.clone()).map_err(|error| failed(path, &error))
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
        let mut order = enroll::order_of(self.site, self.user);
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
