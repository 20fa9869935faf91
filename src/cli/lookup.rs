//! `cardbridge lookup`: the lists BluSKY has, asked for, kept with their age, shown; card types also written into the configuration.

mod users;

use std::{fs, fs::OpenOptions, io::Write, path::Path, process::ExitCode};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look, blusky, open_store},
    table,
};
use crate::{
    access::check::guid,
    blusky::{
        client::Client,
        lookup::{Item, Kind, Listing},
    },
    config::{Config, import},
    host::Site,
    store::StoreHandle,
    views::page::ago,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge lookup systems\n  cardbridge lookup occupancies --max-age 3600 --json\n  \
                        cardbridge lookup card-types --write --system GUID")]
pub struct Arguments {
    /// What to look up
    #[arg(value_name = "WHAT")]
    kind: Kind,
    /// Be content with what was asked within the last S seconds
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = out::seconds())]
    max_age: u64,
    /// Where BluSKY cannot be asked now, show what it said last, however old it is
    #[arg(long, conflicts_with = "write")]
    stale: bool,
    /// Write the card types that are not there yet into the configuration (card-types only)
    #[arg(long)]
    write: bool,
    /// The access-control system of the card types that are written [default: the only one there is]
    #[arg(long, value_name = "GUID", value_parser = guid, requires = "write")]
    system: Option<Uuid>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// A list and when BluSKY was asked for it.
struct Listed {
    items: Vec<Item>,
    at: DateTime<Utc>,
    /// Why it is an older one.
    why: Option<String>,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    if arguments.write && arguments.kind != Kind::CardTypes {
        return Err(Failure::usage("write", "--write is for card-types", "leave it out"));
    }
    let store = open_store(&site)?;
    if arguments.kind == Kind::Users {
        return users::run(&site, store, &arguments).await;
    }
    let client = Client::new(blusky(&site)?).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let listed = list(&client, &store, arguments.kind, arguments.max_age, arguments.stale).await?;
    show(&listed, arguments.json);
    if arguments.write {
        let system = system(&client, &store, &site, arguments.system).await?;
        write(globals, &site, &listed.items, system)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was asked lately enough, or what BluSKY says now, or what it said last where somebody is content with that.
async fn list(client: &Client, store: &StoreHandle, kind: Kind, max_age: u64, stale: bool) -> Result<Listed, Failure> {
    let now = Utc::now();
    let kept = store.kept(kind.name()).await.map_err(|error| Failure::impossible("store", error.to_string(), ""))?;
    let kept = kept.and_then(|(at, text)| Some(Listed { items: serde_json::from_str(&text).ok()?, at, why: None }));
    let kept = match kept {
        Some(kept) if is_young(kept.at, max_age) => return Ok(kept),
        kept => kept,
    };
    let why = match client.lookup(kind).await {
        Listing::Items(items) => {
            let text = serde_json::to_string(&items).unwrap_or_default();
            // A list that cannot be kept is shown all the same.
            if let Err(error) = store.keep(kind.name(), now, text).await {
                out::hint(&format!("the list is not kept: {error}"));
            }
            return Ok(Listed { items, at: now, why: None });
        }
        Listing::Missing { why } => {
            // Kept for `status` and `doctor`; a command that cannot keep it says what was found all the same.
            drop(store.keep(&kind.missing(), now, store.base_url().to_owned()).await);
            return Err(Failure::impossible("lookup", why, "see BluSKY's console"));
        }
        Listing::Unreadable { why } => {
            return Err(Failure::impossible("lookup", why, "`--json` of another lookup may help; see BluSKY's console"));
        }
        Listing::Stopped { why } => return Err(Failure::impossible("blusky", why, "")),
        Listing::Later { why } => why,
    };
    match kept {
        Some(kept) if stale => Ok(Listed { why: Some(why), ..kept }),
        Some(kept) => {
            let help = format!("try again later; --stale shows what BluSKY said {} ago ({})", ago(now - kept.at), written(kept.at));
            Err(Failure::impossible("blusky", why, help))
        }
        None => Err(Failure::impossible("blusky", why, "try again later")),
    }
}

/// True where somebody is content with what was asked then.
fn is_young(at: DateTime<Utc>, max_age: u64) -> bool {
    let allowed = TimeDelta::try_seconds(i64::try_from(max_age).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
    max_age > 0 && Utc::now() - at <= allowed
}

fn show(listed: &Listed, as_json: bool) {
    let as_of = written(listed.at);
    if as_json {
        for Item { id, name, raw } in &listed.items {
            let mut line = json!({ "id": id, "name": name, "raw": raw, "as_of": as_of });
            if let Some(members) = line.as_object_mut().filter(|_| listed.why.is_some()) {
                members.insert("stale".to_owned(), true.into());
            }
            out::print_json(&line);
        }
    } else {
        let name = |item: &Item| item.name.clone().unwrap_or_else(|| json!(item.raw).to_string());
        let rows = listed.items.iter().map(|item| vec![item.id.clone().unwrap_or_default(), name(item)]);
        table::print(&["id", "name"], &rows.collect::<Vec<_>>());
    }
    let age = Utc::now() - listed.at;
    match &listed.why {
        Some(why) => out::hint(&format!("{why}; this is what BluSKY said {} ago ({as_of})", ago(age))),
        None if age > TimeDelta::seconds(2) => out::hint(&format!("asked {} ago ({as_of})", ago(age))),
        None => {}
    }
    if listed.items.iter().any(|item| item.id.is_none()) {
        out::hint("some items have no member that looks like an id; --json shows them as they came");
    }
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The system the card types belong to: the one given, or the only one there is.
async fn system(client: &Client, store: &StoreHandle, site: &Site, given: Option<Uuid>) -> Result<Uuid, Failure> {
    if let Some(system) = given {
        return Ok(system);
    }
    let mut systems: Vec<Uuid> = site.config.policy.card_types.iter().map(|card_type| card_type.system).collect();
    if systems.is_empty() {
        let listed = list(client, store, Kind::Systems, 0, false).await?;
        systems = listed.items.iter().filter_map(|item| guid(item.id.as_deref()?).ok()).collect();
    }
    systems.sort_unstable();
    systems.dedup();
    match systems.as_slice() {
        [one] => Ok(*one),
        _ => Err(Failure::usage(
            "system",
            "it is not clear which access-control system the card types belong to",
            "name it with --system; `cardbridge lookup systems` shows them",
        )),
    }
}

/// Adds the card types that are not there yet at the end of the configuration, where the whole stays sound.
fn write(globals: &Globals, site: &Site, items: &[Item], system: Uuid) -> Result<(), Failure> {
    let path = site::path(globals, Look::Needed).ok_or_else(|| Failure::usage("no_configuration", "there is no configuration file", ""))?;
    let failed =
        |error: std::io::Error| Failure::impossible("configuration", format!("{}: {error}", path.display()), "nothing was written");
    let known: Vec<i64> = site.config.policy.card_types.iter().map(|card_type| card_type.blusky).collect();
    let (tables, left) = import::card_types(items, &known, system);
    for name in left {
        out::hint(&format!("{name}: left out; it has no number that could be a card type's"));
    }
    if tables.is_empty() {
        out::hint(&format!("{}: every card type is there already", path.display()));
        return Ok(());
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    let added = tables.concat();
    let whole = format!("{text}\n{added}");
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    Config::parse(&path.display().to_string(), &whole, folder, &site.protocols)
        .map_err(|error| Failure::impossible("configuration", error.to_string(), "nothing was written"))?;
    let mut file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
    file.write_all(format!("\n{added}").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    out::hint(&format!("{}: {} card types added; name the formats each one takes", path.display(), tables.len()));
    Ok(())
}
