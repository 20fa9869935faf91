//! The site's files, read as far as they can be.

use std::{fs, io::ErrorKind, path::Path};

use crate::{
    blusky::{secret_file, settings::SignIn},
    config::{Config, ConfigError},
    doctor::configuration::{Facts, Kiosk, PeopleFile, SecretFile},
    host::{
        Site,
        platform::{
            files::{is_private, is_public},
            lock::Lock,
        },
        protocol_files::add_folder,
    },
    protocols::Protocols,
    reader::Port,
};

/// As much of the site as its files say, and what is wrong in them.
pub(super) fn look(file: Option<&Path>, folder: Option<&Path>) -> (Site, Facts) {
    let mut facts = Facts { file: file.map(|file| file.display().to_string()), ..Facts::default() };
    let mut protocols = Protocols::built_in();
    if let Some(Err(error)) = folder.map(|folder| add_folder(&mut protocols, folder)) {
        facts.folder = Some(error.to_string());
    }
    facts.protocols = protocols.findings.clone();
    let config = match file.map(|file| Config::look(file, &protocols)) {
        None => Config::none(),
        Some(Ok((config, wrong))) => {
            facts.wrong = wrong;
            config
        }
        Some(Err(ConfigError::Wrong(wrong))) => {
            facts.wrong = wrong;
            Config::none()
        }
        Some(Err(ConfigError::Unreadable { cause, .. })) => {
            facts.unreadable = Some(cause.to_string());
            facts.is_no_text = cause.kind() == ErrorKind::InvalidData;
            Config::none()
        }
    };
    facts.secrets = secrets(&config);
    facts.people = people(&config);
    facts.kiosk = kiosk(&config);
    (Site::new(config, protocols), facts)
}

/// Every file with a secret or a key that the configuration names.
fn secrets(config: &Config) -> Vec<SecretFile> {
    let mut files = Vec::new();
    if let Some(blusky) = &config.blusky {
        files.push(match &blusky.sign_in {
            SignIn::TokenFile(path) => secret("blusky.token_file", path),
            SignIn::Password { password_file, .. } => secret("blusky.password_file", password_file),
        });
        let connecting = &blusky.connecting;
        files.extend(connecting.proxy_user.as_ref().map(|(_, path)| secret("blusky.proxy_password_file", path)));
        files.extend(connecting.client_cert.as_ref().map(|(_, key)| key_file("blusky.client_key_file", key)));
    }
    // The station makes it when it first has a kiosk.
    let start = Lock::beside(&config.store, "kiosk.html");
    files.extend(config.kiosk().filter(|_| start.exists()).map(|_| key_file("desk.kiosk", &start)));
    for reader in &config.readers {
        files.extend(match &reader.port {
            Port::Pcsc { keys_file: Some(path), .. } => Some(key_file("reader.keys_file", path)),
            Port::Osdp { scbk_file: Some(path), .. } => Some(key_file("reader.scbk_file", path)),
            _ => None,
        });
    }
    files
}

/// A file whose whole text is a secret.
fn secret(key: &'static str, path: &Path) -> SecretFile {
    let trouble = secret_file::read(path).err().map(|error| without(path, &error.to_string()));
    SecretFile { trouble, ..key_file(key, path) }
}

/// A file that is its owner's alone.
fn key_file(key: &'static str, path: &Path) -> SecretFile {
    let opened = fs::File::open(path).err();
    let is_denied = opened.as_ref().is_some_and(|error| error.kind() == ErrorKind::PermissionDenied);
    let (trouble, is_there) = (opened.map(|error| error.to_string()), path.symlink_metadata().is_ok());
    let is_open = is_private(path).is_ok_and(|is_private| !is_private);
    SecretFile {
        key,
        path: path.display().to_string(),
        trouble,
        is_there,
        is_denied,
        is_open,
        is_public: is_public(path).unwrap_or_default(),
    }
}

/// What an error says, without the path that it begins with.
fn without(path: &Path, error: &str) -> String {
    error.strip_prefix(&path.display().to_string()).unwrap_or(error).trim().to_owned()
}

fn kiosk(config: &Config) -> Option<Kiosk> {
    let desk = config.desk.as_ref()?;
    let desk_is_open = desk.operators.is_empty() || desk.operators.iter().any(|operator| operator.pin_file.is_none());
    desk.kiosk.as_ref().map(|kiosk| Kiosk { without_code: kiosk.without_code, desk_is_open })
}

fn people(config: &Config) -> Option<PeopleFile> {
    let path = config.people.file.as_ref()?.display().to_string();
    Some(match config.people.read() {
        Ok(list) => {
            let (people, codes, short_codes) = (list.len(), list.kiosk_codes(), list.short_codes);
            let rows = list.findings.into_iter().filter(|finding| Some(finding) != short_codes.as_ref()).collect();
            PeopleFile { path, unreadable: None, people, codes, short_codes, rows }
        }
        Err(why) => {
            let why = why.strip_prefix(&format!("the list of people {path}: ")).unwrap_or(&why).to_owned();
            PeopleFile { path, unreadable: Some(why), people: 0, codes: None, short_codes: None, rows: Vec::new() }
        }
    })
}
