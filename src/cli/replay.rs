//! `cardbridge replay`: plays captures back through the same code, and enrolls from them where asked.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use super::{
    Globals, enroll,
    out::{self, Failure},
    outcome::{self, Showing},
    site::{self, Look},
};
use crate::{
    blusky::client::Client,
    bridge::Notice,
    capture::{Capture, osdpcap},
    card::Presentation,
    enroll::{enrollment::Order, outbox::Reassign},
    run::Site,
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
    let mut cards = Vec::new();
    for path in &arguments.files {
        let failed = |message: String| Failure::usage("capture", format!("{}: {message}", path.display()), "");
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let shown = notices(&site, &text).map_err(|error| failed(error.to_string()))?;
        for notice in &shown {
            if !arguments.enroll {
                show(notice, arguments.json);
            }
            if let Notice::Read(reading) = notice {
                cards.push(reading.presentation.clone());
            }
        }
    }
    match arguments.user.filter(|_| arguments.enroll) {
        Some(user) => enroll_all(&site, cards, &user, arguments.really, arguments.json).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

fn notices(site: &Site, text: &str) -> Result<Vec<Notice>, crate::capture::CaptureError> {
    let capture = if osdpcap::is_one(text) { osdpcap::parse(text)? } else { Capture::parse(text)? };
    let shown = capture.replay(&site.protocols, site.catalog.clone(), site.config.policy.clone())?;
    Ok(shown.into_iter().map(|(_, notice)| notice).collect())
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

async fn enroll_all(site: &Site, cards: Vec<Presentation>, user: &str, really: bool, json: bool) -> Result<ExitCode, Failure> {
    let blusky = enroll::blusky(site)?;
    let client = Client::new(blusky.clone()).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    if !really && !client.is_simulator().await {
        let help = "point blusky.base_url at a simulator, or add --really";
        return Err(Failure::usage("not_a_simulator", "this would enroll old cards in a real BluSKY", help));
    }
    let user = enroll::who(site, user)?;
    let store = enroll::open_store(site)?;
    let reassign = site.config.reassign;
    let mut code = ExitCode::SUCCESS;
    for card in cards {
        let mut order = Order::of(user);
        order.enforce_occupancy_system = Some(site.config.enforce_occupancy_system);
        order.reassign = reassign == Reassign::Always;
        let done = match enroll::presented(site, &store, card, order, reassign).await {
            Ok(id) => outcome::outcome(site, &store, blusky.clone(), id, Showing::new(json, Duration::from_secs(20))).await?,
            Err(failure) => out::fail(&failure, json),
        };
        if done != ExitCode::SUCCESS {
            code = done;
        }
    }
    Ok(code)
}
