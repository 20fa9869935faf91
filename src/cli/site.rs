//! Finding and loading what a site has: its configuration, its protocol files, its store, its way to BluSKY.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use directories::ProjectDirs;
use uuid::Uuid;

use super::{
    Globals,
    out::{Failure, hint, listen_for_signals},
};
use crate::{
    access::Secret,
    blusky::{
        client::Client,
        secret_file,
        settings::{Settings, SignIn},
    },
    card::PacsBits,
    config::{self, Config, ConfigError},
    enroll::people::{self, Finding, People, WhoError},
    file,
    host::{
        self, Site,
        directory::{Directory, NoDirectory, NotMeant},
        platform::files,
        protocol_files::{FolderError, add_folder},
    },
    protocols::Protocols,
    store::{StoreHandle, sqlite::Database},
};

/// Where a command looks for its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The current directory, the user's, the system's; none is fine.
    Anywhere,
    /// The same; there must be one.
    Needed,
    /// The user's and the system's only; there must be one.
    NeededOutside,
}

const FILE: &str = "cardbridge.toml";

/// Loads what these bits are held against, and of readers and formats what the configuration names. None where that is not all
/// there is to know: beside files of the site's own, and a configuration in which something is wrong.
pub fn load_for(globals: &Globals, bits: &[PacsBits]) -> Option<Site> {
    if globals.protocols.is_some() {
        return None;
    }
    let Some(path) = path(globals, Look::Anywhere) else {
        return Some(Site::new(Config::none(), Protocols::proved_for(bits, |_| false)));
    };
    let text = file::text(&path, config::LARGEST_FILE).ok()?.to_lowercase();
    let protocols = Protocols::proved_for(bits, |name| text.contains(&name.to_lowercase()));
    Some(Site::new(Config::load(&path, &protocols).ok()?, protocols))
}

/// Loads protocols and configuration.
pub fn load(globals: &Globals, look: Look) -> Result<Site, Failure> {
    let protocols = with_own(globals, Protocols::proved())?;
    let config = match path(globals, look) {
        Some(path) => configuration(&path, &protocols)?,
        None if look == Look::Anywhere => Config::none(),
        None => {
            let places: Vec<String> = places(look).iter().map(|place| place.display().to_string()).collect();
            return Err(Failure::usage(
                "no_configuration",
                "there is no configuration file",
                format!("name one with --config, or put it at {}", places.join(" or ")),
            ));
        }
    };
    Ok(Site::new(config, protocols))
}

/// Reads the configuration. Its secrets are systemd's where it hands them over.
fn configuration(path: &Path, protocols: &Protocols) -> Result<Config, Failure> {
    let mut config = Config::load(path, protocols).map_err(|error| explain(&error))?;
    if let (Some(folder), Some(credentials)) = (path.parent(), credentials()) {
        config.take_credentials(folder, &credentials);
    }
    Ok(config)
}

/// Loads the built-in protocols, samples and all, and the site's own.
pub fn protocols(globals: &Globals) -> Result<Protocols, Failure> {
    with_own(globals, Protocols::built_in())
}

/// Adds the site's own files; what is wrong in one is said, and the file left out.
fn with_own(globals: &Globals, mut protocols: Protocols) -> Result<Protocols, Failure> {
    if let Some(folder) = &globals.protocols {
        let failed = |error: FolderError| Failure::usage("protocols", error.to_string(), "");
        add_folder(&mut protocols, folder).map_err(failed)?;
    }
    for finding in &protocols.findings {
        hint(&format!("{finding}; the file is left out"));
    }
    Ok(protocols)
}

/// The configuration file in use, if there is one. A link that leads nowhere is one, and so is a folder of that name: what is meant by it
/// is not passed over.
pub fn path(globals: &Globals, look: Look) -> Option<PathBuf> {
    globals.config.clone().or_else(|| places(look).into_iter().find(|path| path.symlink_metadata().is_ok()))
}

fn places(look: Look) -> Vec<PathBuf> {
    let here = (look != Look::NeededOutside).then(|| PathBuf::from(FILE));
    let user = ProjectDirs::from("", "", "cardbridge").map(|dirs| dirs.config_dir().join(FILE));
    let system = PathBuf::from("/etc/cardbridge").join(FILE);
    here.into_iter().chain(user).chain([system]).collect()
}

fn explain(error: &ConfigError) -> Failure {
    let help = match error {
        ConfigError::Unreadable { path, cause } => match cause.kind() {
            ErrorKind::InvalidData => "a configuration is a file of text".to_owned(),
            ErrorKind::PermissionDenied => format!("check its owner and mode: ls -l {}", path.display()),
            _ => "check the path given with --config, or where the file itself leads to".to_owned(),
        },
        ConfigError::Wrong(_) => "correct the file; every finding is listed".to_owned(),
    };
    Failure::usage("configuration", error.to_string(), help)
}

/// A file with a secret is none that everybody on this machine may read. One that is not there is somebody else's to say.
pub fn private(path: &Path, code: &str) -> Result<(), Failure> {
    if files::is_public(path).unwrap_or(false) {
        let shown = path.display();
        let help = format!("chmod 600 {shown}; where others use this machine, take a new secret");
        return Err(Failure::usage(code, format!("{shown} holds a secret, and everybody on this machine can read it"), help));
    }
    Ok(())
}

/// A PIN or password, which comes from a file.
pub fn secret(path: &Path, code: &str) -> Result<Secret, Failure> {
    private(path, code)?;
    secret_file::read(path).map_err(|error| Failure::usage(code, error.to_string(), "write it into a file that only you can read"))
}

/// A PIN, which comes from a file.
pub fn pin(path: &Path) -> Result<Secret, Failure> {
    private(path, "pin")?;
    secret_file::read_pin(path).map_err(|error| Failure::usage("pin", error.to_string(), "write it into a file that only you can read"))
}

impl From<NoDirectory> for Failure {
    fn from(error: NoDirectory) -> Self {
        match error {
            NoDirectory::List(why) => Self::usage("people", why, "correct the file named under [people]"),
            NoDirectory::Store(error) => Self::impossible("store", error.to_string(), ""),
        }
    }
}

/// The user that is meant. The directory is looked into for a name or a number only; what is wrong in the site's own list is said.
pub async fn who(site: &Site, who: &str) -> Result<Uuid, Failure> {
    let failed = |error: WhoError, more: Option<String>| match error.is_usage() {
        true => Failure::usage("user", error.to_string(), more.unwrap_or_default()),
        false => Failure::impossible("unknown_user", error.to_string(), more.unwrap_or_default()),
    };
    let tell = |findings: &[Finding]| findings.iter().for_each(|finding| hint(&format!("the list of people, {finding}")));
    if let Some(id) = people::key(who).map_err(|error| failed(error, None))? {
        return Ok(id);
    }
    if site.config.people.of.is_empty() {
        let list = site.config.people.read().map_err(NoDirectory::List)?;
        let found = list.find(who);
        // Who was added from here stands in the store.
        if !(found.as_ref().is_err_and(WhoError::is_unknown) && site.config.store.exists()) {
            tell(&list.findings);
            return found.map_err(|error| failed(error, None));
        }
    }
    match Directory::new(site, open_store(site)?).who(who).await {
        Ok(meant) => {
            tell(&meant.findings);
            Ok(meant.id)
        }
        Err(NotMeant::NoDirectory(error)) => Err(error.into()),
        Err(NotMeant::Who { error, findings, more }) => {
            tell(&findings);
            Err(failed(error, more))
        }
    }
}

/// Everybody whom the site knows, as far as it is known here: nobody is asked.
pub async fn people(site: &Site) -> Result<Arc<People>, Failure> {
    if site.config.people.of.is_empty() {
        return Ok(site.config.people.read().map(Arc::new).map_err(NoDirectory::List)?);
    }
    Ok(Directory::new(site, open_store(site)?).of_lists().await?)
}

/// The way to BluSKY that the site configured.
pub fn blusky(site: &Site) -> Result<Settings, Failure> {
    let missing = || Failure::usage("no_blusky", "the configuration has no [blusky]", "add [blusky] with base_url and token_file");
    let settings = site.config.blusky.clone().ok_or_else(missing)?;
    match &settings.sign_in {
        SignIn::TokenFile(file) => private(file, "token_file")?,
        SignIn::Password { password_file, .. } => private(password_file, "password_file")?,
    }
    if let Some((_, key)) = &settings.connecting.client_cert {
        private(key, "client_key")?;
    }
    Client::check(&settings).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    Ok(settings)
}

/// The site's store. From here on a signal ends the command as its end does: with the store closed.
pub fn open_store(site: &Site) -> Result<StoreHandle, Failure> {
    listen_for_signals();
    let base_url = site.config.blusky.as_ref().map(|blusky| blusky.base_url.as_str()).unwrap_or_default();
    host::open_store(&site.config.store, base_url, credentials().as_deref(), site.config.anchor.as_deref())
        .map_err(|error| Failure::impossible("store", error.to_string(), ""))
}

/// The site's store for whoever looks at its record, beside a station if need be.
pub fn open_record(site: &Site) -> Result<Database, Failure> {
    let path = &site.config.store;
    if !path.exists() {
        let help = "it is made with the first enrollment; a store elsewhere is named under [store] path";
        return Err(Failure::impossible("store", format!("there is no store {}", path.display()), help));
    }
    let base_url = site.config.blusky.as_ref().map(|blusky| blusky.base_url.as_str()).unwrap_or_default();
    host::open_record(path, base_url, credentials().as_deref()).map_err(|error| Failure::impossible("store", error.to_string(), ""))
}

/// Where systemd puts this service's credentials, if it does.
pub fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
