//! The site's configuration: one TOML file, read whole, with every complaint at once.
//!
//! In: the file's path and the protocols it names. Out: a [`Config`], or findings with line, column and key. Never: a
//! secret; those stand in files of their own, which are read when they are needed.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use toml_span::value::ValueInner;
use uuid::Uuid;

use crate::{
    blusky::{
        answer::SuccessCodes,
        client::{Settings, SignIn},
    },
    decode::{
        dialect::{Dialect, LineSettings},
        line::{ByteOrder, Told},
    },
    enroll::{
        enrollment::IntegerWidth,
        outbox::Reassign,
        people::People,
        policy::{CardType, Required, SitePolicy},
    },
    protocols::{self, Protocols},
    sheet::{At, Finding, Keys, Sheet, nearest},
};

/// Everything a site has configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The way to BluSKY; none where the file says nothing about it.
    pub blusky: Option<Settings>,
    /// How wide BluSKY's integers are.
    pub integer_width: IntegerWidth,
    /// The readers.
    pub readers: Vec<ReaderConfig>,
    /// What the site believes.
    pub policy: SitePolicy,
    /// What is done about a card that somebody holds.
    pub reassign: Reassign,
    /// Whether the system must be the one of the user's occupancy.
    pub enforce_occupancy_system: bool,
    /// The list of people.
    pub people: People,
    /// The store.
    pub store: PathBuf,
}

/// One reader.
#[derive(Debug, Clone)]
pub struct ReaderConfig {
    /// Its name.
    pub name: String,
    /// Where it is attached.
    pub attached: Attached,
    /// A site's own time until a card counts as gone.
    pub told: Told,
}

/// Where a reader is attached.
#[derive(Debug, Clone)]
pub enum Attached {
    /// A serial line.
    Serial {
        /// Which line.
        port: Port,
        /// How it is set.
        line: LineSettings,
        /// What is spoken on it.
        dialect: Arc<Dialect>,
    },
    /// A PC/SC reader whose name matches this pattern, `*` for any text.
    Pcsc(String),
}

/// Which serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// The one at this path.
    Path(String),
    /// The USB device with this vendor, product and, where given, serial number.
    Usb {
        /// Vendor.
        vid: u16,
        /// Product.
        pid: u16,
        /// Serial number.
        serial: Option<String>,
    },
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Finding>),
}

impl Config {
    /// Reads the file. Relative paths in it start from its folder.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong: all of it, at once.
    pub fn load(path: &Path, protocols: &Protocols) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        Self::parse(&path.display().to_string(), &text, &folder, protocols)
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(file: &str, text: &str, folder: &Path, protocols: &Protocols) -> Result<Self, ConfigError> {
        let sheet = Sheet::new(file, text);
        let config = sheet.root().map(|keys| read(keys, folder, protocols));
        match (config, sheet.into_findings()) {
            (Some(config), findings) if findings.is_empty() => Ok(config),
            (_, findings) => Err(ConfigError::Wrong(findings)),
        }
    }

    /// What holds where there is no file at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            blusky: None,
            integer_width: IntegerWidth::Bits32,
            readers: Vec::new(),
            policy: SitePolicy::default(),
            reassign: Reassign::Never,
            enforce_occupancy_system: false,
            people: People::default(),
            store: PathBuf::from(DEFAULT_STORE),
        }
    }
}

const DEFAULT_STORE: &str = "cardbridge.db";

fn read(mut keys: Keys<'_, '_>, folder: &Path, protocols: &Protocols) -> Config {
    let mut config = Config::none();
    config.store = folder.join(DEFAULT_STORE);
    if let Some(table) = keys.table("blusky") {
        (config.blusky, config.integer_width) = blusky(table, folder);
    }
    config.readers = readers(&mut keys, protocols);
    if let Some(mut site) = keys.table("site") {
        config.policy.formats = formats(&mut site, protocols);
        config.policy.facility_codes = site.numbers("facility_codes").into_iter().map(|code| code.value).collect();
        site.finish();
    }
    config.policy.card_types = card_types(&mut keys, protocols);
    if let Some(mut enroll) = keys.table("enroll") {
        config.reassign = reassign(&mut enroll);
        config.enforce_occupancy_system = enroll.flag("enforce_occupancy_system").unwrap_or(false);
        enroll.finish();
    }
    if let Some(table) = keys.table("people") {
        config.people = people(table, folder);
    }
    if let Some(mut store) = keys.table("store") {
        if let Some(path) = store.optional_text("path") {
            config.store = folder.join(path.value);
        }
        store.finish();
    }
    keys.finish();
    config
}

fn blusky(mut keys: Keys<'_, '_>, folder: &Path) -> (Option<Settings>, IntegerWidth) {
    let insecure = keys.flag("insecure_http").unwrap_or(false);
    let base_url = keys.text("base_url").and_then(|url| base_url(&keys, &url, insecure));
    let sign_in = sign_in(&mut keys, folder);
    let token_header = keys.optional_text("token_header").map_or_else(|| "Authorization".to_owned(), |header| header.value);
    let token_scheme = keys.optional_text("token_scheme").map_or_else(|| "Bearer".to_owned(), |scheme| scheme.value);
    if let Some(wire) = keys.optional_text("wire").filter(|wire| wire.value != "json") {
        keys.complain(wire.span, "`blusky.wire` must be \"json\"; this version does not write XML yet".to_owned());
    }
    let width = match keys.number("integer_width", 0, 128) {
        None | Some(At { value: 32, .. }) => IntegerWidth::Bits32,
        Some(At { value: 64, .. }) => IntegerWidth::Bits64,
        Some(At { span, .. }) => {
            keys.complain(span, "`blusky.integer_width` must be 32 or 64".to_owned());
            IntegerWidth::Bits32
        }
    };
    let success_codes = success_codes(&mut keys);
    let timeout = Duration::from_millis(keys.number("timeout_ms", 100_u64, 600_000).map_or(10_000, |millis| millis.value));
    keys.finish();
    let settings =
        base_url.zip(sign_in).map(|(base_url, sign_in)| Settings { base_url, sign_in, token_header, token_scheme, success_codes, timeout });
    (settings, width)
}

/// `https`, or `http` to this machine; anything else only where the site insists.
fn base_url(keys: &Keys<'_, '_>, url: &At<String>, insecure: bool) -> Option<String> {
    let complain = |message: &str| {
        keys.complain(url.span, format!("`blusky.base_url` {message}"));
        None
    };
    let Ok(parsed) = reqwest::Url::parse(&url.value) else { return complain("is no URL; write https://HOST/") };
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() || parsed.fragment().is_some() {
        return complain("must be an address only: no user, password, query or fragment");
    }
    let local = parsed.host_str().is_some_and(|host| {
        host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    match parsed.scheme() {
        "https" => {}
        "http" if local || insecure => {}
        "http" => return complain("must begin with https:// (http would send the token readable; insecure_http = true insists on it)"),
        _ => return complain("must begin with https://"),
    }
    Some(url.value.trim_end_matches('/').to_owned())
}

fn sign_in(keys: &mut Keys<'_, '_>, folder: &Path) -> Option<SignIn> {
    let path = |file: At<String>| folder.join(file.value);
    let token_file = keys.optional_text("token_file");
    let email = keys.optional_text("email");
    let password_file = keys.optional_text("password_file");
    match (token_file, email, password_file) {
        (Some(file), None, None) => Some(SignIn::TokenFile(path(file))),
        (None, Some(email), Some(file)) => Some(SignIn::Password { email: email.value, password_file: path(file) }),
        _ => {
            keys.complain(keys.span(), "`blusky` needs either `token_file`, or `email` and `password_file`".to_owned());
            None
        }
    }
}

fn success_codes(keys: &mut Keys<'_, '_>) -> SuccessCodes {
    let Some(mut value) = keys.any("success_codes") else { return SuccessCodes::Listed(vec![0]) };
    let span = value.span;
    let listed = match value.take() {
        ValueInner::String(word) if word == "any" => return SuccessCodes::Any,
        ValueInner::Array(items) => items.iter().map(toml_span::Value::as_integer).collect::<Option<Vec<i64>>>(),
        _ => None,
    };
    match listed.filter(|codes| !codes.is_empty()) {
        Some(codes) => SuccessCodes::Listed(codes),
        None => {
            keys.complain(span, "`blusky.success_codes` must be a list of whole numbers such as [0], or \"any\"".to_owned());
            SuccessCodes::Listed(vec![0])
        }
    }
}

fn readers(keys: &mut Keys<'_, '_>, protocols: &Protocols) -> Vec<ReaderConfig> {
    let mut readers: Vec<ReaderConfig> = Vec::new();
    for table in keys.tables("reader") {
        let span = table.span();
        let Some(reader) = reader(table, protocols) else { continue };
        if readers.iter().any(|other| other.name == reader.name) {
            keys.complain(span, format!("two readers are named {:?}; give each its own name", reader.name));
        }
        readers.push(reader);
    }
    readers
}

fn reader(mut keys: Keys<'_, '_>, protocols: &Protocols) -> Option<ReaderConfig> {
    let span = keys.span();
    let name = keys.text("name");
    if let Some(name) = name.as_ref().filter(|name| name.value.contains('#')) {
        keys.complain(name.span, "a reader's name has no #; that is how the second of two devices is told from the first".to_owned());
    }
    let serial = keys.optional_text("serial");
    let usb = keys.optional_text("usb");
    let usb_serial = keys.optional_text("usb_serial").map(|serial| serial.value);
    let pcsc = keys.optional_text("pcsc");
    for unbuilt in ["osdp", "keyboard"] {
        if let Some(value) = keys.optional_text(unbuilt) {
            keys.complain(value.span, format!("`reader.{unbuilt}`: this version reads serial and pcsc readers only"));
        }
    }
    let dialect = keys.optional_text("dialect");
    let baud = keys.number("baud", 50, 4_000_000);
    let parity = protocols::serial::parity(&mut keys);
    let stop_bits = keys.number("stop_bits", 1, 2);
    let told = told(&mut keys);
    let port = match (serial, usb) {
        (Some(path), None) => Some(Port::Path(path.value)),
        (None, Some(usb)) => usb_port(&keys, &usb, usb_serial),
        (Some(_), Some(_)) => {
            keys.complain(span, "a reader has a `serial` path or a `usb` identity, not both".to_owned());
            None
        }
        (None, None) => None,
    };
    let attached = match (port, pcsc) {
        (Some(port), None) => {
            let dialect = dialect_named(&keys, dialect, protocols)?;
            let mut line = dialect.line;
            line.baud = baud.map_or(line.baud, |baud| baud.value);
            line.parity = parity.unwrap_or(line.parity);
            line.stop_bits = stop_bits.map_or(line.stop_bits, |bits| bits.value);
            Some(Attached::Serial { port, line, dialect })
        }
        (None, Some(pattern)) => {
            if dialect.is_some() || baud.is_some() || parity.is_some() || stop_bits.is_some() || told.bits.is_some() || told.kind.is_some()
            {
                let message = "`dialect`, `baud`, `parity`, `stop_bits`, `bits` and `kind` belong to serial readers; a PC/SC reader tells them itself";
                keys.complain(span, message.to_owned());
            }
            Some(Attached::Pcsc(pattern.value))
        }
        _ => {
            keys.complain(span, "a reader has one of `serial`, `usb` or `pcsc`".to_owned());
            None
        }
    };
    keys.finish();
    Some(ReaderConfig { name: name?.value, attached: attached?, told })
}

fn told(keys: &mut Keys<'_, '_>) -> Told {
    let bits = keys.number("bits", 1, 256).map(|bits| bits.value);
    let kind = keys.optional_text("kind").and_then(|kind| protocols::kind(keys, &kind));
    let byte_order = match keys.optional_text("byte_order") {
        None => ByteOrder::AsSent,
        Some(At { value, .. }) if value == "as_sent" => ByteOrder::AsSent,
        Some(At { value, .. }) if value == "reversed" => ByteOrder::Reversed,
        Some(At { span, .. }) => {
            keys.complain(span, "`reader.byte_order` must be \"as_sent\" or \"reversed\"".to_owned());
            ByteOrder::AsSent
        }
    };
    let card_left = keys.number("card_left_ms", 0_u64, 3_600_000).map(|millis| Duration::from_millis(millis.value));
    Told { bits, kind, byte_order, card_left }
}

fn usb_port(keys: &Keys<'_, '_>, usb: &At<String>, serial: Option<String>) -> Option<Port> {
    let ids =
        usb.value.split_once(':').and_then(|(vid, pid)| Some((u16::from_str_radix(vid, 16).ok()?, u16::from_str_radix(pid, 16).ok()?)));
    if ids.is_none() {
        keys.complain(usb.span, "`reader.usb` must be vendor and product in hex, such as \"0403:6001\"".to_owned());
    }
    ids.map(|(vid, pid)| Port::Usb { vid, pid, serial })
}

fn dialect_named(keys: &Keys<'_, '_>, name: Option<At<String>>, protocols: &Protocols) -> Option<Arc<Dialect>> {
    let Some(name) = name else {
        keys.missing("dialect");
        return None;
    };
    let found = protocols.dialect(&name.value).cloned();
    if found.is_none() {
        let names = protocols.dialects.iter().flat_map(|dialect| dialect.aliases.iter().map(String::as_str).chain([dialect.id.as_str()]));
        let hint = nearest(&name.value, names)
            .map_or_else(|| "`cardbridge formats --dialects` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
        keys.complain(name.span, format!("no serial dialect is named `{}`; {hint}", name.value));
    }
    found
}

/// `formats`, by id or alias; kept by id.
fn formats(keys: &mut Keys<'_, '_>, protocols: &Protocols) -> Vec<String> {
    let names = keys.texts("formats");
    names
        .iter()
        .filter_map(|name| {
            let found = protocols.format(&name.value).map(|format| format.format.id.to_string());
            if found.is_none() {
                let known = protocols
                    .formats
                    .iter()
                    .flat_map(|format| format.format.aliases.iter().map(String::as_str).chain([&*format.format.id]));
                let hint = nearest(&name.value, known)
                    .map_or_else(|| "`cardbridge formats` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
                keys.complain(name.span, format!("no card format is named `{}`; {hint}", name.value));
            }
            found
        })
        .collect()
}

fn card_types(keys: &mut Keys<'_, '_>, protocols: &Protocols) -> Vec<CardType> {
    let mut card_types: Vec<CardType> = Vec::new();
    for table in keys.tables("card_type") {
        let span = table.span();
        let Some(card_type) = card_type(table, protocols) else { continue };
        if card_types.iter().any(|other| other.blusky == card_type.blusky) {
            keys.complain(span, format!("two card types have blusky = {}; put their formats into one", card_type.blusky));
        }
        card_types.push(card_type);
    }
    card_types
}

fn card_type(mut keys: Keys<'_, '_>, protocols: &Protocols) -> Option<CardType> {
    let blusky = keys.number("blusky", 0_i64, i64::from(i32::MAX));
    if blusky.is_none() {
        keys.missing("blusky");
    }
    let name = keys.optional_text("name").map(|name| name.value).unwrap_or_default();
    let span = keys.span();
    let formats = formats(&mut keys, protocols);
    let system = keys.text("system").and_then(|system| match Uuid::try_parse(&system.value) {
        Ok(id) if !id.is_nil() => Some(id),
        _ => {
            keys.complain(system.span, "`card_type.system` must be the GUID of the access-control system, and not all zero".to_owned());
            None
        }
    });
    let requires = keys.texts("requires").iter().filter_map(|name| required(&keys, name)).collect();
    let external = keys.optional_text("external_number");
    let external_number = external.as_ref().map_or_else(|| "{card_number}".to_owned(), |template| template.value.clone());
    let at = external.map_or(span, |template| template.span);
    for format in formats.iter().filter_map(|id| protocols.format(id)) {
        let mut numbers = crate::card::Credential::default();
        format.format.fields.iter().for_each(|field| numbers.set(&field.name, 0));
        if let Err(why) = crate::enroll::enrollment::render(&external_number, &numbers) {
            keys.complain(at, format!("`card_type.external_number` does not suit {}: {why}", format.format.id));
        }
    }
    keys.finish();
    Some(CardType { blusky: blusky?.value, name, formats, system: system?, requires, external_number })
}

fn required(keys: &Keys<'_, '_>, name: &At<String>) -> Option<Required> {
    let known = [Required::FacilityCode, Required::Serial, Required::IssueCode];
    let found = known.into_iter().find(|required| required.name() == name.value);
    if found.is_none() {
        let names = known.map(Required::name).join(", ");
        keys.complain(name.span, format!("`card_type.requires` names `{}`; it can name {names}", name.value));
    }
    found
}

fn reassign(keys: &mut Keys<'_, '_>) -> Reassign {
    match keys.optional_text("reassign") {
        None => Reassign::Never,
        Some(At { value, .. }) if value == "never" => Reassign::Never,
        Some(At { value, .. }) if value == "ask" => Reassign::Ask,
        Some(At { value, .. }) if value == "always" => Reassign::Always,
        Some(At { span, .. }) => {
            keys.complain(span, "`enroll.reassign` must be \"never\", \"ask\" or \"always\"".to_owned());
            Reassign::Never
        }
    }
}

fn people(mut keys: Keys<'_, '_>, folder: &Path) -> People {
    let mut people = People::default();
    if let Some(file) = keys.text("file") {
        let path = folder.join(&file.value);
        match fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| People::parse(&text)) {
            Ok(list) => people = list,
            Err(why) => keys.complain(file.span, format!("the list of people {}: {why}", path.display())),
        }
    }
    keys.finish();
    people
}
