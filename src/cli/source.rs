//! Where cards come from: this machine's readers, or a running station that holds them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::out::{Failure, hint};
use crate::{
    bridge::{Event, Notice},
    card::Presentation,
    readers::{configured_name, is_device_of},
    run::{
        Shell, Site,
        station::{Connection, Wish},
    },
    store::StoreHandle,
};

/// A shell with cards coming in.
pub struct Source {
    /// The shell.
    pub shell: Shell,
    station: Option<Connection>,
    only: Option<String>,
    configured: HashSet<String>,
    lost: HashMap<String, String>,
    give_up: Option<Instant>,
}

/// How long all readers may be gone (the smart-card service restarts, a plug is wriggled) before the command gives up.
const GRACE: Duration = Duration::from_secs(2);

impl Source {
    /// Takes cards from the station beside the store, or else opens the readers here.
    pub async fn open(site: &Site, store: Option<StoreHandle>, reader: Option<&str>, take: bool) -> Result<Self, Failure> {
        let wish = Wish { reader: reader.map(ToOwned::to_owned), take };
        let mut shell = Shell::new(site, store);
        let station = Connection::to(&site.config.store, &wish).await;
        let names: Vec<&str> = match &station {
            Some(station) => station.readers.iter().map(String::as_str).collect(),
            None => site.config.readers.iter().map(|reader| reader.name.as_str()).collect(),
        };
        known(&names, reader)?;
        let is_asked_for = |name: &&&str| reader.is_none_or(|reader| is_device_of(reader, name));
        let configured = names.iter().filter(is_asked_for).map(ToString::to_string).collect();
        let only = reader.map(ToOwned::to_owned);
        match &station {
            Some(_) => hint("a running station holds the readers; the next card is taken from it"),
            None => shell.open_readers(reader),
        }
        Ok(Self { shell, station, only, configured, lost: HashMap::new(), give_up: None })
    }

    /// True where the readers are open already, and a card can be held to one at once.
    pub fn is_ready(&self) -> bool {
        self.station.is_some()
    }

    /// The next notice. Readers that come and go are said on standard error; with all of them gone for good, it fails.
    pub async fn next(&mut self) -> Result<Notice, Failure> {
        loop {
            let give_up = self.give_up.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                numbered = self.shell.next() => match numbered.notice {
                    Notice::Up(name) => self.up(&name),
                    Notice::Lost(name, why) => self.gone(&name, why),
                    Notice::Note(name, words) => hint(&format!("{name}: {words}")),
                    Notice::Noise(name, count) => tracing::info!(reader = %name, bytes = count, "noise on the line"),
                    notice => return Ok(notice),
                },
                presentation = from(&mut self.station) => match presentation {
                    Some(presentation) if !self.is_asked_for(&presentation) => {}
                    Some(presentation) => self.shell.post(Event::Presented(Box::new(presentation))).await,
                    None => return Err(Failure::impossible("station_ended", "the station has ended", "start the command again")),
                },
                () = sleep_until(give_up), if self.give_up.is_some() => return Err(self.all_gone()),
            }
        }
    }

    fn is_asked_for(&self, presentation: &Presentation) -> bool {
        let device = presentation.reader.as_deref().unwrap_or_default();
        self.only.as_ref().is_none_or(|only| device == only || is_device_of(device, only))
    }

    fn up(&mut self, name: &str) {
        self.lost.remove(configured_name(name));
        self.give_up = None;
        tracing::info!(reader = name, "the reader is there");
    }

    fn gone(&mut self, name: &str, why: String) {
        hint(&format!("{name}: {why}"));
        // The first reason is the one that tells: after "unplugged" comes "not there".
        self.lost.entry(configured_name(name).to_owned()).or_insert(why);
        if self.configured.iter().all(|name| self.lost.contains_key(name)) {
            self.give_up.get_or_insert(Instant::now() + GRACE);
        }
    }

    fn all_gone(&self) -> Failure {
        let words: Vec<String> = self.lost.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        Failure::impossible(
            "reader_lost",
            format!("no reader is left to show a card to ({})", words.join("; ")),
            "nothing was read or enrolled",
        )
    }
}

fn known(names: &[&str], reader: Option<&str>) -> Result<(), Failure> {
    if names.is_empty() {
        let help = "configure a [[reader]], or give the card with --bits; `cardbridge readers` shows what is plugged in";
        return Err(Failure::usage("no_reader", "no reader is configured", help));
    }
    match reader {
        Some(reader) if !names.contains(&configured_name(reader)) => {
            Err(Failure::usage("unknown_reader", format!("no reader is named {reader:?}"), format!("the readers are {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

async fn from(station: &mut Option<Connection>) -> Option<Presentation> {
    match station {
        Some(station) => station.next().await,
        None => std::future::pending().await,
    }
}
