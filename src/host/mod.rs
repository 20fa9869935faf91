//! The host of a station: threads, tasks and sockets that carry its effects out. Clocks, sockets and devices are here and in the
//! drivers, nowhere else.
//!
//! - [`shell`]: carries effects out and turns what happens at readers, and time, into events;
//! - [`deliver`]: one entry's calls to BluSKY;
//! - [`notices`]: what the station told, for any number of listeners;
//! - [`hear`]: what a roster hears of the API;
//! - [`holder`]: who has a card that somebody has; [`known`]: what is known of a card before it is given to anybody;
//! - [`lost_card`]: how a card ends that another one replaces;
//! - [`hosting`]: being the station of a store: the lease, the store, the API; `door`: its socket;
//! - [`api`]: the station's API, the only way in; [`client`]: the other side of it;
//! - [`directory`]: the site's people, of its own list and of BluSKY's;
//! - [`state`]: how a store's outbox stands; [`looks`]: what can be seen of everything, for `doctor`;
//! - [`policy`]: what people have answered for the site, written down and noticed;
//! - [`protocol_files`]: a site's own, read;
//! - `place`: whether the store is where it was;
//! - [`platform`]: what only Unix has: locks, and the socket's place.

pub mod api;
pub mod client;
pub mod deliver;
pub mod directory;
mod door;
pub mod hear;
pub mod holder;
pub mod hosting;
pub mod known;
pub mod lost_card;
pub mod looks;
pub mod notices;
pub mod place;
pub mod platform;
pub mod policy;
pub mod protocol_files;
pub mod shell;
pub mod state;

use std::{path::Path, sync::Arc};

use ring::digest::SHA256;

use crate::{
    card::to_hex,
    config::{Config, ReaderConfig},
    decode::catalog::SharedCatalog,
    protocols::Protocols,
    station::{ReaderSetup, Setup},
    store::{AnchorFile, Files, StoreError, StoreHandle, seal::Sealer, sqlite::Database},
};
use platform::{files, lock::Lock};

/// What a site is: its configuration and what is known about its readers and cards.
#[derive(Debug, Clone)]
pub struct Site {
    /// The configuration.
    pub config: Config,
    /// Formats, dialects, scripts.
    pub protocols: Arc<Protocols>,
    /// The formats, ready to be laid over bits.
    pub catalog: SharedCatalog,
}

impl Site {
    /// A site of this configuration and these protocols.
    #[must_use]
    pub fn new(config: Config, protocols: Protocols) -> Self {
        let catalog = Arc::new(protocols.catalog(&config.policy.named_formats()));
        Self { config, protocols: Arc::new(protocols), catalog }
    }

    /// What a station has to know of it.
    #[must_use]
    pub fn setup(&self) -> Setup {
        let config = &self.config;
        let reader = |reader: &ReaderConfig| ReaderSetup { name: reader.name.clone(), kind: reader.kind.clone(), proof: reader.proof };
        Setup {
            catalog: self.catalog.clone(),
            scripts: self.protocols.scripts.clone(),
            policy: config.policy.clone(),
            width: config.integer_width,
            proof: config.proof,
            parallel: config.parallel,
            readers: config.readers.iter().map(reader).collect(),
            kiosk: config.kiosk().map(|kiosk| kiosk.reader.clone()),
        }
    }

    /// What tells this site from another: the digests of its configuration and of its protocol files.
    #[must_use]
    pub fn digests(&self) -> Digests {
        let digest = |text: &str| to_hex(ring::digest::digest(&SHA256, text.as_bytes()).as_ref());
        Digests { configuration: digest(&self.config.text), protocols: format!("{} {}", env!("CARGO_PKG_VERSION"), self.protocols.own) }
    }
}

/// What two processes at one store must have in common.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Digests {
    /// Of the configuration file.
    pub configuration: String,
    /// The version of the built-in protocol files, and a digest of the site's own.
    pub protocols: String,
}

/// Opens the store at this path, with the key of its secrets beside it; `credentials` is where systemd puts them, if it does.
///
/// # Errors
/// Why it cannot be opened.
pub fn open_store(path: &Path, base_url: &str, credentials: Option<&Path>, anchor: Option<&Path>) -> Result<StoreHandle, StoreError> {
    let why = |error: std::io::Error| format!("{error}; check that its folder is there and can be written");
    files::make_private(path).map_err(|error| StoreError::Open { path: path.display().to_string(), why: why(error) })?;
    StoreHandle::open_sealed(path, base_url, sealer(path, credentials), anchor.map(anchor_file))
}

/// Opens the site's store to be looked at, beside its anchor: nothing of either changes.
///
/// # Errors
/// Why it cannot be read.
pub fn look_at_store(site: &Site, credentials: Option<&Path>) -> Result<Database, StoreError> {
    let path = &site.config.store;
    let base_url = site.config.blusky.as_ref().map(|blusky| blusky.base_url.as_str()).unwrap_or_default();
    let database = Database::look(path, base_url, sealer(path, credentials))?;
    Ok(match &site.config.anchor {
        Some(anchor) => database.beside(anchor_file(anchor)),
        None => database,
    })
}

/// Opens the store at this path for whoever looks at its record, beside a station if need be; one that cannot be written can be read.
///
/// # Errors
/// There is none, or it cannot be opened.
pub fn open_record(path: &Path, base_url: &str, credentials: Option<&Path>) -> Result<Database, StoreError> {
    match Database::open(path, base_url, sealer(path, credentials)) {
        // A backup on a medium that is full, or cannot be written.
        Err(StoreError::ReadOnly(_) | StoreError::Full(_)) => Database::look(path, base_url, sealer(path, credentials)),
        opened => opened,
    }
}

/// How the files beside a store are kept here.
pub const FILES: Files = Files { make: files::make_whole, replace: files::replace, is_private: files::is_private };

/// The file of an anchor.
#[must_use]
pub fn anchor_file(path: &Path) -> AnchorFile {
    AnchorFile::new(path, FILES)
}

/// What seals the secrets of the store at this path.
fn sealer(path: &Path, credentials: Option<&Path>) -> Sealer {
    Sealer::new(Lock::beside(path, "key"), credentials, FILES)
}
