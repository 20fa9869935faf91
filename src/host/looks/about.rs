//! What a support ticket says of this machine and its configuration, in words that anybody may see; and the words that must not be in it.

use std::fs;

use crate::{
    blusky::{answer::SuccessCodes, secret_file, settings::SignIn},
    config::ReaderConfig,
    host::Site,
    reader::{LineParity, LineSettings, Port},
    station::ReaderKind,
};

/// The machine, and the shape of the configuration.
#[must_use]
pub fn about(site: &Site) -> Vec<(&'static str, String)> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let release = text("/etc/os-release");
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown").trim_matches('"').to_owned();
    let kernel = text("/proc/sys/kernel/osrelease").trim().to_owned();
    let mut rows = vec![
        ("version", format!("cardbridge {}", env!("CARGO_PKG_VERSION"))),
        ("system", format!("{system}, kernel {kernel}, {}", std::env::consts::ARCH)),
    ];
    let config = &site.config;
    if let Some(blusky) = &config.blusky {
        let scheme = blusky.base_url.split(':').next().unwrap_or_default();
        let sign_in = if matches!(blusky.sign_in, SignIn::TokenFile(_)) { "token" } else { "e-mail and password" };
        let codes = match &blusky.success_codes {
            SuccessCodes::Any => "any".to_owned(),
            SuccessCodes::Listed(codes) => format!("{codes:?}"),
        };
        let (ca, proxy) = (blusky.connecting.ca_file.is_some(), blusky.connecting.proxy.is_some());
        let wire = format!("{:?}", blusky.wire).to_lowercase();
        rows.push(("BluSKY", format!("{scheme}, {wire}, {sign_in}, success codes {codes}, own CA: {ca}, proxy: {proxy}")));
    }
    rows.extend(config.readers.iter().map(|reader| ("reader", shape(reader))));
    let policy = &config.policy;
    let counts = format!("{} facility codes, {} card types", policy.facility_codes.len(), policy.card_types.len());
    rows.push(("site", format!("formats {:?}, {counts}, proof {}, {} calls at once", policy.formats, config.proof, config.parallel)));
    rows
}

/// What a reader is, without what it is called and where it is.
fn shape(reader: &ReaderConfig) -> String {
    let speaks = match &reader.kind {
        ReaderKind::Serial(dialect, _) | ReaderKind::Keyboard(dialect, _) => format!(", {}", dialect.id),
        ReaderKind::Pcsc(_) | ReaderKind::Osdp(_) => String::new(),
    };
    let attached = match &reader.port {
        Port::Serial { line, .. } => format!("serial, {}", settings(*line)),
        Port::Keyboard { .. } => "keyboard".to_owned(),
        Port::Pcsc { .. } => "PC/SC".to_owned(),
        Port::Osdp { bus, scbk_file, .. } => format!("OSDP, {} baud, key: {}", bus.baud, scbk_file.is_some()),
    };
    format!("{attached}{speaks}")
}

fn settings(line: LineSettings) -> String {
    let parity = match line.parity {
        LineParity::None => 'N',
        LineParity::Even => 'E',
        LineParity::Odd => 'O',
    };
    format!("{} baud, {}{parity}{}", line.baud, line.data_bits, line.stop_bits)
}

/// The words that are blotted out of a ticket whatever happened: the site's secrets, its people, its address.
#[must_use]
pub fn secrets(site: &Site) -> Vec<String> {
    let config = &site.config;
    let mut words = Vec::new();
    if let Some(blusky) = &config.blusky {
        let file = match &blusky.sign_in {
            SignIn::TokenFile(path) => path,
            SignIn::Password { email, password_file } => {
                words.push(email.clone());
                password_file
            }
        };
        words.extend(secret_file::read(file).ok().map(|secret| secret.expose().trim().to_owned()));
        words.extend(blusky.base_url.split_once("://").map(|(_, host)| host.to_owned()));
    }
    if let Ok(people) = config.people.read() {
        people.all().for_each(|person| words.extend([person.name(), person.user_id.to_string()]));
    }
    words
}
