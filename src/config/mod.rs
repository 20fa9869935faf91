//! The site's configuration: one TOML file, read whole, with every complaint at once.
//!
//! In: the file's path and the protocols it names. Out: a [`Config`], or findings with line, column and key. Never: a
//! secret; those stand in files of their own, which are read when they are needed.

mod blusky;
pub mod desk;
pub mod import;
pub mod new_people;
mod people;
pub mod policy;
mod readers;
mod secrets;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use people::PeopleLists;
use uuid::Uuid;

use crate::{
    access::check::IntegerWidth,
    blusky::settings::Settings,
    enroll::{
        evidence::PROOF,
        lost_card::LostCard,
        policy::{CardType, Required, SitePolicy},
    },
    file,
    outbox::Reassign,
    protocols::Protocols,
    reader::Port,
    sheet::{At, Finding, Keys, Sheet, nearest},
    station::ReaderKind,
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
    /// What is done about a lost card that another one replaces.
    pub lost_card: LostCard,
    /// Whether the system must be the one of the user's occupancy.
    pub enforce_occupancy_system: bool,
    /// Where the site's people are listed.
    pub people: PeopleLists,
    /// The desk page; none where the site wants none.
    pub desk: Option<desk::Desk>,
    /// Where people belong who are added at the page; none where nobody is.
    pub new_people: Option<new_people::NewPeople>,
    /// How many calls may be under way at once.
    pub parallel: usize,
    /// How small the chance of a mistake must be before nobody is asked.
    pub proof: f64,
    /// The store.
    pub store: PathBuf,
    /// Where it is kept how far the store had come; none where nobody keeps it.
    pub anchor: Option<PathBuf>,
    /// The group whose members may use the station's socket; none where it is this user's alone.
    pub group: Option<String>,
    /// How long a command waits for the outcome once an entry is saved.
    pub wait: Duration,
    /// The file's text; empty where there is none.
    pub text: String,
}

/// One reader.
#[derive(Debug, Clone)]
pub struct ReaderConfig {
    /// Its name.
    pub name: String,
    /// Where it is attached.
    pub port: Port,
    /// What it is to the station: what it speaks, and what the site says about it.
    pub kind: ReaderKind,
    /// How small the chance of a mistake must be at this reader; none where `[enroll]` says it.
    pub proof: Option<f64>,
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

/// No configuration is larger.
pub const LARGEST_FILE: u64 = 256 << 10;
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

impl Config {
    /// Reads the file. Relative paths in it start from its folder.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong: all of it, at once.
    pub fn load(path: &Path, protocols: &Protocols) -> Result<Self, ConfigError> {
        let text = file::text(path, LARGEST_FILE).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let mut config = Self::parse(&path.display().to_string(), &text, &folder, protocols)?;
        config.policy.kept = policy::read(&policy::path(&config.store), protocols)?;
        Ok(config)
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(file: &str, text: &str, folder: &Path, protocols: &Protocols) -> Result<Self, ConfigError> {
        let sheet = Sheet::new(file, text);
        let config = sheet.root().map(|keys| read(keys, folder, protocols));
        match (config, sheet.into_findings()) {
            (Some(config), findings) if findings.is_empty() => Ok(Self { text: text.to_owned(), ..config }),
            (_, findings) => Err(ConfigError::Wrong(findings)),
        }
    }

    /// Reads as much of the file as can be read, and says what is wrong in it: for whoever looks, and does nothing with it.
    ///
    /// # Errors
    /// It cannot be read at all.
    pub fn look(path: &Path, protocols: &Protocols) -> Result<(Self, Vec<Finding>), ConfigError> {
        let text = file::text(path, LARGEST_FILE).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let (file, sheet_text) = (path.display().to_string(), text.clone());
        let sheet = Sheet::new(&file, &sheet_text);
        let mut config = sheet.root().map_or_else(Self::none, |keys| read(keys, &folder, protocols));
        let mut findings = sheet.into_findings();
        match policy::read(&policy::path(&config.store), protocols) {
            Ok(kept) => config.policy.kept = kept,
            Err(ConfigError::Wrong(wrong)) => findings.extend(wrong),
            Err(unreadable) => return Err(unreadable),
        }
        Ok((Self { text, ..config }, findings))
    }

    /// The kiosk page; none where the site wants none.
    #[must_use]
    pub fn kiosk(&self) -> Option<&desk::Kiosk> {
        self.desk.as_ref()?.kiosk.as_ref()
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
            lost_card: LostCard::Remove,
            enforce_occupancy_system: false,
            people: PeopleLists::default(),
            desk: None,
            new_people: None,
            parallel: PARALLEL,
            proof: PROOF,
            store: PathBuf::from(DEFAULT_STORE),
            anchor: None,
            group: None,
            wait: Duration::from_secs(WAIT_S),
            text: String::new(),
        }
    }
}

const PARALLEL: usize = 4;
const SAME_CARD_S: u64 = 60;
const WAIT_S: u64 = 20;
const DEFAULT_STORE: &str = "cardbridge.db";

/// The store itself, where its path is a link: what lies beside it is found by its path, and two paths would be two stations.
fn followed(mut path: PathBuf) -> PathBuf {
    // A link that leads to itself ends, and cannot be opened.
    for _ in 0..MOST_LINKS {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(target);
    }
    path
}

fn read(mut keys: Keys<'_, '_>, folder: &Path, protocols: &Protocols) -> Config {
    let mut config = Config::none();
    config.policy.same_card = Some(Duration::from_secs(SAME_CARD_S));
    config.store = folder.join(DEFAULT_STORE);
    if let Some(table) = keys.table("blusky") {
        (config.blusky, config.integer_width) = blusky::blusky(table, folder);
    }
    config.readers = readers::readers(&mut keys, folder, protocols);
    if let Some(mut site) = keys.table("site") {
        config.policy.formats = formats(&mut site, protocols);
        config.policy.facility_codes = site.numbers("facility_codes").into_iter().map(|code| code.value).collect();
        site.finish();
    }
    config.policy.card_types = card_types(&mut keys, protocols);
    if let Some(mut enroll) = keys.table("enroll") {
        config.reassign = reassign(&mut enroll);
        config.lost_card = lost_card(&mut enroll);
        let seconds = enroll.number("same_card_s", 0_u64, 86_400).map_or(SAME_CARD_S, |seconds| seconds.value);
        config.policy.same_card = (seconds > 0).then(|| Duration::from_secs(seconds));
        config.wait = enroll.number("wait_s", 0_u64, 31_536_000).map_or(config.wait, |seconds| Duration::from_secs(seconds.value));
        config.enforce_occupancy_system = enroll.flag("enforce_occupancy_system").unwrap_or(false);
        config.proof = proof(&mut enroll).unwrap_or(PROOF);
        enroll.finish();
    }
    if let Some(mut delivery) = keys.table("delivery") {
        config.parallel = delivery.number("parallel", 1_usize, 64).map_or(PARALLEL, |calls| calls.value);
        delivery.finish();
    }
    if let Some(table) = keys.table("people") {
        config.people = people::people(table, folder);
    }
    config.desk = desk::desk(&mut keys, folder, &config);
    config.new_people = new_people::new_people(&mut keys);
    if let Some(mut station) = keys.table("station") {
        config.group = station.optional_text("group").map(|group| group.value).filter(|group| !group.is_empty());
        station.finish();
    }
    if let Some(mut store) = keys.table("store") {
        if let Some(path) = store.optional_text("path") {
            if path.value.is_empty() {
                store.complain(path.span, "`store.path` is empty; name the file, or leave the line out".to_owned());
            }
            config.store = followed(folder.join(path.value));
        }
        config.anchor = store.optional_text("anchor").map(|anchor| folder.join(anchor.value));
        store.finish();
    }
    keys.finish();
    config
}

/// `formats`, by id or alias; kept by id.
fn formats(keys: &mut Keys<'_, '_>, protocols: &Protocols) -> Vec<String> {
    let names = keys.texts("formats");
    names
        .iter()
        .filter_map(|name| {
            let found = protocols.format(&name.value).map(|format| format.format.id.to_string());
            if let Some(file) = protocols.broken_file(&name.value) {
                keys.complain(
                    name.span,
                    format!("`{}` stands in {file}, or is replaced there, and that file has findings; correct it first", name.value),
                );
            } else if found.is_none() {
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
    let external_number = external.as_ref().map(|template| template.value.clone());
    let at = external.map_or(span, |template| template.span);
    for format in formats.iter().filter_map(|id| protocols.format(id)) {
        let mut numbers = crate::card::Credential::default();
        format.format.fields.iter().for_each(|field| numbers.set(&field.name, 0));
        let template = external_number.as_deref().unwrap_or(crate::enroll::enrollment::CARD_NUMBER);
        let csn = crate::card::Csn::new(&[1, 2, 3, 4]);
        if let Err(why) = crate::enroll::template::render(template, &numbers, csn.as_ref()) {
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

/// `lost_card`: what `--replaces` does about the card that is lost.
fn lost_card(keys: &mut Keys<'_, '_>) -> LostCard {
    match keys.optional_text("lost_card") {
        Some(At { value, .. }) if value == "deactivate" => LostCard::Deactivate,
        Some(At { value, span }) if value != "remove" => {
            keys.complain(span, "`enroll.lost_card` must be \"remove\" or \"deactivate\"".to_owned());
            LostCard::Remove
        }
        _ => LostCard::Remove,
    }
}

/// `proof`, which may stand in `[enroll]` and in a `[[reader]]`.
fn proof(keys: &mut Keys<'_, '_>) -> Option<f64> {
    let value = keys.any("proof")?;
    let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    let proof = number.filter(|proof| *proof > 0.0 && *proof <= 1.0);
    if proof.is_none() {
        let name = keys.name("proof");
        keys.complain(value.span, format!("`{name}` must be a number above 0 and not above 1; 1 asks nothing, 0.001 is the default"));
    }
    proof
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        Config::parse("site.toml", text, Path::new(""), &Protocols::built_in()).map_err(|error| error.to_string())
    }

    #[test]
    fn proof_stands_in_enroll_and_in_a_reader_and_is_a_chance() {
        let reader = "[[reader]]\nname = \"desk\"\npcsc = \"*\"\nproof = 0.25\n";
        let config = parsed(&format!("{reader}[enroll]\nproof = 1\n")).unwrap();
        assert_eq!((config.proof, config.readers[0].proof), (1.0, Some(0.25)));
        let config = parsed("[[reader]]\nname = \"desk\"\npcsc = \"*\"\n").unwrap();
        assert_eq!((config.proof, config.readers[0].proof), (PROOF, None));
        for wrong in ["0", "-0.5", "1.5", "\"much\"", "nan"] {
            let why = parsed(&format!("[enroll]\nproof = {wrong}\n")).unwrap_err();
            assert!(why.contains("`enroll.proof` must be a number above 0"), "{wrong}: {why}");
        }
    }
}
