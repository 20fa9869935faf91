//! Looks at everything that can be wrong, and changes nothing: no file, no port, no entry.
//!
//! In: where the configuration and the site's own protocol files are. Out: facts, for [`crate::doctor`] to judge. Never: a device
//! opened, a lock taken, or a call to BluSKY that is not a reading one.
//!
//! One file for each family of looks: `configuration`, `ports`, `smartcards`, `store`, `station`, `blusky`; `about`: what a support
//! ticket says of this machine.

mod about;
mod blusky;
mod configuration;
mod ports;
mod smartcards;
mod station;
mod store;

use std::path::{Path, PathBuf};

use super::{Site, platform};
use crate::doctor::Facts;

pub use about::{about, secrets};

/// What was seen, and the site that it was seen of.
pub struct Seen {
    /// The facts.
    pub facts: Facts,
    /// As much of the site as its files say.
    pub site: Site,
}

/// Looks at all of it. `file` is the configuration, `folder` the site's own protocol files, `credentials` where systemd puts them.
pub async fn look(file: Option<&Path>, folder: Option<&Path>, credentials: Option<PathBuf>) -> Seen {
    let (site, configuration) = configuration::look(file, folder);
    let mut facts = Facts { configuration, ..Facts::default() };
    let running = match file {
        Some(_) => station::look(&site, &mut facts).await,
        None => None,
    };
    let user = platform::access::user();
    facts.ports = ports::look(&site, &user, facts.station.running.as_ref().map(|running| running.process));
    facts.smartcards = smartcards::look(&site, &user).await;
    if file.is_some() {
        let (store, calls) = store::look(&site, &user, running.is_some(), credentials.as_deref()).await;
        facts.store = Some(store);
        facts.blusky = blusky::look(&site, running.as_ref().or(calls.as_ref())).await;
        facts.blusky.is_configured = facts.configuration.unreadable.is_none() && facts.configuration.wrong.is_empty();
    }
    Seen { facts, site }
}
