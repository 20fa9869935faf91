//! `cardbridge run`: the station service. All configured readers, delivery. Without a chosen user it enrolls nothing.

use std::process::ExitCode;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look, blusky, open_store},
};
use crate::{
    blusky::client::Client,
    host::{
        Shell,
        deliver::{Deliverer, Report, Rules},
    },
    outbox::State,
    station::{Event, Notice},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge run --config /etc/cardbridge/cardbridge.toml\n  cardbridge run --json")]
pub struct Arguments {
    /// One JSON object a line for every card read, its numbers included
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::NeededOutside)?;
    let blusky = blusky(&site)?;
    let store = open_store(&site)?;
    for finding in store.findings().await.map_err(|error| Failure::impossible("store", error.to_string(), ""))? {
        out::hint(&finding);
    }
    let mut shell = Shell::new(&site, Some(store.clone()));
    let failed = |error: std::io::Error| Failure::impossible("station", format!("the station's socket cannot be made: {error}"), "");
    if let Err(holder) = shell.serve_station(&site.config.store).map_err(failed)? {
        let help = "one station at a time works on one store; end that one first";
        return Err(Failure::impossible("station", format!("{holder} is the station already"), help));
    }
    let rules = Rules { parallel: site.config.parallel, shows_within: blusky.shows_within };
    let client = Client::new(blusky).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let mut delivery = Deliverer::start(store, &site.config.store, client, rules, "run");
    // A station does without it.
    if let Err(why) = site.config.people() {
        out::hint(&why);
    }
    shell.open_readers(None);
    out::listen_for_signals();
    out::hint(&format!("the station runs with {} configured readers; Ctrl-C ends it", site.config.readers.len()));
    loop {
        tokio::select! {
            numbered = shell.next() => tell(&numbered.notice, arguments.json),
            Some(report) = delivery.reports.recv() => match report {
                Report::Settled(id, state) => {
                    out::hint(&format!("entry {id}: {}", state.name().replace('_', " ")));
                    shell.post(Event::Settled(id, state == State::Accepted)).await;
                }
                Report::Stopped(why) => out::hint(&format!("nothing is delivered: {why}")),
            },
            () = out::interrupted() => break,
        }
    }
    delivery.end().await;
    Ok(ExitCode::SUCCESS)
}

/// A service's output ends up in a log: numbers are shown only where JSON was asked for.
fn tell(notice: &Notice, json: bool) {
    match notice {
        Notice::Read(reading) if json => out::print_json(&views::reading::json(reading, &views::reading::literal(reading))),
        Notice::Read(reading) => {
            let reader = reading.presentation.reader.as_deref().unwrap_or("a reader");
            out::print(&format!("{reader}: a card was read ({})", reading.verdict.name()));
        }
        Notice::Up(reader) => out::hint(&format!("{reader}: there")),
        Notice::Lost(reader, why) | Notice::Failed(reader, why) | Notice::Note(reader, why) => out::hint(&format!("{reader}: {why}")),
        Notice::Noise(reader, count) => out::hint(&format!("{reader}: {count} bytes that are no card; wrong dialect or baud rate?")),
        Notice::Ready(_) | Notice::LayThere(_) | Notice::Saved(_) => {}
        Notice::GivenBefore(_) | Notice::NotSaved(..) | Notice::NotEnrolled(..) => {}
    }
}
