//! A command's station: the one that runs at the site's store, or one that this process hosts because none does.
//!
//! In: a site. Out: a client of its station, which is another one where the first has ended. Never: a way around the station.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{
    out::{Failure, hint, listen_for_signals},
    site,
};
use crate::{
    host::{
        Site,
        client::{AskError, Client, Said},
        hosting::{Host, HostError},
        place,
        platform::{access, lock::Lock},
    },
    station::Notice,
    views,
};

/// How long a station that is beginning or ending is waited for.
const STATION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to tell how an entry stands at last.
const LAST_LOOK: Duration = Duration::from_secs(3);
/// For so long nothing is said of it.
const HINT_AFTER: Duration = Duration::from_secs(1);
/// Whoever asked for this command's station has this long to take it.
const OTHERS_FIRST: Duration = Duration::from_secs(3);
/// The lock of whoever waits to be the station for good.
pub const NEXT: &str = "next";
/// How often it is looked for meanwhile.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A station, and whether it is in this process.
pub struct Session<'a> {
    site: &'a Site,
    doing: &'static str,
    ordered_by: Option<&'a str>,
    /// The way to it.
    pub client: Client,
    host: Option<Host>,
}

impl<'a> Session<'a> {
    /// The station that runs, or one here.
    pub async fn open(site: &'a Site, doing: &'static str, ordered_by: Option<&'a str>) -> Result<Self, Failure> {
        listen_for_signals();
        let (client, host) = station(site, doing, ordered_by, Duration::ZERO).await?;
        Ok(Self { site, doing, ordered_by, client, host })
    }

    /// The same for whoever only looks: where no station can be at a store, for nothing can be written there, it is shown as it is.
    pub async fn to_look(site: &'a Site, doing: &'static str) -> Result<Self, Failure> {
        let store = &site.config.store;
        let is_held = || Lock::holder(&Lock::beside(store, "station")).is_some();
        if !store.exists() || is_held() || !(place::is_read_only(store) || place::is_full(store)) {
            return Self::open(site, doing, None).await;
        }
        listen_for_signals();
        let (host, shown) = Host::show(site, doing, site::credentials()).await.map_err(failed)?;
        let why = if place::is_full(store) { "cannot grow: the disk is full. It" } else { "cannot be written, and" };
        hint(&format!("the store {} {why} is shown as it is", store.display()));
        let client = own(&shown, None).await?;
        Ok(Self { site, doing, ordered_by: None, client, host: Some(host) })
    }

    /// True where the station runs in another process.
    pub const fn is_elsewhere(&self) -> bool {
        self.host.is_none()
    }

    /// The station of this process.
    pub const fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The station has ended: another one, or one here. One that was handed over goes to whoever asked for it.
    pub async fn again(&mut self) -> Result<(), Failure> {
        let leaves = match self.host.take() {
            Some(host) => {
                host.end(false).await;
                OTHERS_FIRST
            }
            None => {
                // One that answers and is about to end is given the time for it.
                sleep(RETRY_INTERVAL).await;
                Duration::ZERO
            }
        };
        (self.client, self.host) = station(self.site, self.doing, self.ordered_by, leaves).await?;
        Ok(())
    }

    /// Asks what may be asked twice: where the station ends meanwhile, the one that comes after it, or one here.
    pub async fn asks<T>(&mut self, question: impl AsyncFn(&Client) -> Result<T, AskError>) -> Result<T, Failure> {
        let until = Instant::now() + STATION_TIMEOUT;
        loop {
            match question(&self.client).await {
                Err(AskError::Gone) if Instant::now() < until => self.again().await?,
                answer => return answer.map_err(refused),
            }
        }
    }

    /// Asks for an entry to be brought to this state. Where the station ends meanwhile, the next one is asked, which refuses what the
    /// first has done already.
    pub async fn brings(
        &mut self,
        id: &str,
        state: &str,
        question: impl AsyncFn(&Client) -> Result<Value, AskError>,
    ) -> Result<Value, Failure> {
        match question(&self.client).await {
            Err(AskError::Gone) => {}
            answer => return answer.map_err(refused),
        }
        self.again().await?;
        let answer = self.asks(question).await;
        match answer {
            Err(_) => {
                let entry = self.asks(async |client| client.entry(id).await).await?;
                if entry.at("entry").text("state") == state { Ok(entry) } else { answer }
            }
            answer => answer,
        }
    }

    /// Says no where the station does not answer any more: somebody has stopped its process.
    pub async fn answers(&self) -> Result<(), Failure> {
        let help = "end its process (it may have been stopped with Ctrl-Z), or let it go on; nothing was enrolled";
        let is_there = Client::connect(&self.site.config.store, None).await.is_some();
        if is_there { Ok(()) } else { Err(Failure::impossible("station", "the station does not answer any more", help)) }
    }

    /// Waits until another process asks for this one's place; forever where it has none.
    pub async fn handed_over(&self) {
        match &self.host {
            Some(host) => host.shared().handed_over().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the station of this process, and gives an entry as it is then.
    pub async fn end_with(self, entry: Option<Uuid>) -> Option<Value> {
        self.end_with_all(entry.as_slice()).await.pop()
    }

    /// Ends the station of this process, and gives these entries as they are then.
    pub async fn end_with_all(mut self, entries: &[Uuid]) -> Vec<Value> {
        let mut all = Vec::new();
        let Some(host) = self.host.take() else {
            for entry in entries {
                // A station that was stopped answers nothing.
                let told = timeout(LAST_LOOK, self.client.entry(&entry.to_string())).await;
                all.extend(told.ok().and_then(Result::ok));
            }
            return all;
        };
        let store = host.shared().store().clone();
        host.end(true).await;
        for entry in entries {
            if let Ok(entry) = store.entry(*entry).await {
                all.push(views::notice::json(&Notice::Entry(Box::new(entry), None), None, &self.site.config.policy));
            }
        }
        all
    }

    /// Ends the station of this process: what others have ordered here and is on its way comes to its end first. Whoever waits for a
    /// card becomes the station.
    pub async fn end(mut self) {
        if let Some(host) = self.host.take() {
            host.end(true).await;
        }
    }
}

async fn station(
    site: &Site,
    doing: &'static str,
    ordered_by: Option<&str>,
    others_first: Duration,
) -> Result<(Client, Option<Host>), Failure> {
    let (until, others_until) = (Instant::now() + STATION_TIMEOUT, Instant::now() + others_first);
    let (mut holder, mut waiting) = (String::new(), Waiting::begin());
    while Instant::now() < until {
        if let Some((client, said)) = Client::connect(&site.config.store, ordered_by).await {
            same_site(site, &said)?;
            return Ok((client, None));
        }
        // Whoever is to be the station for good goes before all that are one in passing.
        let next = Lock::holder(&Lock::beside(&site.config.store, NEXT));
        if Instant::now() < others_until || next.is_some() {
            holder = next.unwrap_or(holder);
            waiting.hint(&holder);
            sleep(RETRY_INTERVAL).await;
            continue;
        }
        match Host::become_station(site, doing, site::credentials()).await.map_err(failed)? {
            Ok(host) => return Ok((own(&site.config.store, ordered_by).await?, Some(host))),
            Err(other) => holder = other,
        }
        let socket = Lock::beside(&site.config.store, "sock");
        if socket.exists() && !access::can_write(&socket) {
            let help = "be the user that the station runs as, or name a group of yours as `group` under [station]";
            return Err(Failure::impossible("station", format!("{holder} is the station, and its socket is not open to this user"), help));
        }
        waiting.hint(&holder);
        sleep(RETRY_INTERVAL).await;
    }
    let message = format!("{holder} holds the site's store and does not answer");
    Err(Failure::impossible("station", message, "end that process (it may have been stopped with Ctrl-Z), or let it go on"))
}

/// The way to this process's own station.
async fn own(store: &Path, ordered_by: Option<&str>) -> Result<Client, Failure> {
    let connected = Client::connect(store, ordered_by).await;
    connected.map(|(client, _)| client).ok_or_else(|| Failure::impossible("station", "this process's own station does not answer", ""))
}

/// A wait for another process, which people are told of once it takes a while.
pub struct Waiting {
    since: Instant,
    is_said: bool,
}

impl Waiting {
    /// From now on.
    pub fn begin() -> Self {
        Self { since: Instant::now(), is_said: false }
    }

    /// Says who is waited for, once.
    pub fn hint(&mut self, holder: &str) {
        if self.since.elapsed() > HINT_AFTER && !std::mem::replace(&mut self.is_said, true) {
            hint(&format!("waiting for {holder}, which holds the site's store and does not answer"));
        }
    }
}

/// Why this process cannot be the station.
pub fn failed(error: HostError) -> Failure {
    match error {
        HostError::Blusky(error) => Failure::usage("blusky", error.to_string(), ""),
        HostError::Store(error) => Failure::impossible("store", error.to_string(), ""),
        // A group that is wrong.
        error @ HostError::Place(..) if error.is_configured() => Failure::usage("station", error.to_string(), ""),
        error @ HostError::Place(..) => Failure::impossible("station", error.to_string(), "check the owner and mode of that folder"),
    }
}

/// Two processes at one store have one configuration and the same protocol files.
fn same_site(site: &Site, said: &Value) -> Result<(), Failure> {
    let (ours, theirs) = (site.digests(), Client::digests(said));
    let differs = match &theirs {
        Some(theirs) if *theirs == ours => return Ok(()),
        Some(theirs) if theirs.configuration != ours.configuration => "configuration",
        _ => "protocol files",
    };
    let doing = said.text("doing");
    let message =
        format!("the station at this store (cardbridge {doing}, process {}) has another {differs} than this command", said.at("process"));
    Err(Failure::usage("other_site", message, format!("give both the same {differs}, or end that station and start it again")))
}

/// What the station refused, as a failure of this command.
pub fn refused(error: AskError) -> Failure {
    match error {
        AskError::Refused(failed) => Failure::of_error(&failed.error, if failed.status == 400 { 2 } else { 1 }),
        AskError::Gone => Failure::impossible("station_ended", "the station has ended", "start the command again"),
    }
}
