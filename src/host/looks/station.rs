//! The station that runs at the site's store, asked how it is.

use serde_json::Value;

use crate::{
    doctor::{
        Facts,
        station::{Facts as Seen, Running},
    },
    drivers::serial,
    host::{
        Site,
        client::{Client, Said},
        platform::lock::Lock,
    },
    reader::Port,
};

/// What it says of the way to BluSKY, where one runs; the rest goes to the facts.
pub(super) async fn look(site: &Site, facts: &mut Facts) -> Option<Value> {
    let mut seen = Seen { version: env!("CARGO_PKG_VERSION"), ..Seen::default() };
    for reader in &site.config.readers {
        if let Port::Serial { device, .. } = &reader.port {
            seen.paths.extend(serial::matching(device).into_iter().next().map(|path| (reader.name.clone(), path)));
        }
    }
    let mut blusky = None;
    match Client::connect(&site.config.store, None).await {
        Some((client, brief)) => {
            let (ours, theirs) = (site.digests(), Client::digests(&brief));
            // Of a configuration that is wrong there is nothing to compare.
            let is_sound = facts.configuration.wrong.is_empty();
            seen.differs = match theirs {
                Some(theirs) if is_sound && theirs.configuration != ours.configuration => Some("configuration"),
                Some(theirs) if theirs.protocols != ours.protocols => Some("set of protocol files"),
                _ => None,
            };
            // Where the store cannot be counted, the station is told of all the same.
            let whole = client.station().await.unwrap_or(brief);
            blusky = Some(whole.at("blusky").clone());
            seen.running = serde_json::from_value::<Running>(whole).ok();
        }
        None => seen.silent = Lock::holder(&Lock::beside(&site.config.store, "station")),
    }
    facts.station = seen;
    blusky
}
