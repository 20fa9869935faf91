//! `cardbridge outbox`: what is due, in doubt and done, and a person's word on it.

use std::process::ExitCode;

use chrono::{SecondsFormat, Utc};
use comfy_table::{Table, presets};
use uuid::Uuid;

use super::{
    Globals,
    out::{self, Failure},
    site::{self, Look, open_store},
};
use crate::{
    host::{Site, platform::lock::Lock},
    outbox::{Entry, State, Step},
    store::{StoreError, StoreHandle},
    views,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge outbox list\n  cardbridge outbox show 0190b3a5\n  cardbridge outbox retry 0190b3a5\n  \
                        cardbridge outbox discard 0190b3a5")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// One JSON object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Every entry, oldest first
    #[command(after_help = "Example:\n  cardbridge outbox list --json")]
    List,
    /// One entry with everything that has happened to it
    #[command(after_help = "Example:\n  cardbridge outbox show 0190b3a5")]
    Show {
        /// The entry's key, or its beginning
        id: String,
    },
    /// Try again what was refused or waits for a person; what may have arrived is looked up first
    #[command(after_help = "Examples:\n  cardbridge outbox retry 0190b3a5\n  cardbridge outbox retry 0190b3a5 --absent")]
    Retry {
        /// The entry's key, or its beginning
        id: String,
        /// Send it without looking it up: somebody has looked in BluSKY, and it is not there
        #[arg(long)]
        absent: bool,
    },
    /// Give up what was not accepted
    #[command(after_help = "Example:\n  cardbridge outbox discard 0190b3a5")]
    Discard {
        /// The entry's key, or its beginning
        id: String,
    },
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let store = open_store(&site)?;
    let failed = |error: StoreError| Failure::impossible("store", error.to_string(), "");
    match arguments.action {
        Action::List => {
            let entries = store.all().await.map_err(failed)?;
            for finding in store.findings().await.map_err(failed)? {
                out::hint(&finding);
            }
            for entry in entries.iter().filter(|entry| !entry.progress().is_over()) {
                if let Some(elsewhere) = views::enrollment::elsewhere(entry, store.base_url()) {
                    out::hint(&format!("entry {}: {elsewhere}", entry.id));
                }
            }
            if arguments.json {
                entries.iter().for_each(|entry| out::print_json(&views::enrollment::json(entry)));
            } else {
                list(&entries, store.base_url());
            }
        }
        Action::Show { id } => show(&find(&store, &id).await?, arguments.json),
        Action::Retry { id, absent } => {
            settle(&site, &store, &id, Step::Retry { absent }, arguments.json).await?;
        }
        Action::Discard { id } => {
            settle(&site, &store, &id, Step::Discarded, arguments.json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(entries: &[Entry], base_url: &str) {
    if entries.is_empty() {
        return out::print("the outbox is empty");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ENTRY", "SAVED", "CALL", "USER", "STATE", "TRIES", "WHY"]);
    for entry in entries {
        let progress = entry.progress();
        table.add_row([
            entry.id.to_string(),
            entry.saved_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            entry.operation.name().to_owned(),
            entry.operation.user().map(|user| user.to_string()).unwrap_or_default(),
            progress.state.name().to_owned(),
            progress.attempts.to_string(),
            views::enrollment::elsewhere(entry, base_url).or_else(|| progress.said()).unwrap_or_default(),
        ]);
    }
    out::print(&table.to_string());
}

fn show(entry: &Entry, json: bool) {
    if json {
        return out::print_json(&views::enrollment::json(entry));
    }
    out::print(&format!("{} saved {}", entry.id, entry.saved_at.to_rfc3339_opts(SecondsFormat::Millis, true)));
    if !entry.origin.evidence.is_empty() {
        out::print(&format!("  {}", views::evidence::line(&entry.origin.evidence)));
    }
    for (count, (at, step)) in (1..).zip(entry.steps()) {
        let state = entry.upto(count).progress().state.name();
        out::print(&format!("  {}  {:<9} {}", at.to_rfc3339_opts(SecondsFormat::Millis, true), state, views::enrollment::step(step)));
    }
    out::print(&views::enrollment::text(entry));
}

/// Writes a person's word on an entry down.
async fn settle(site: &Site, store: &StoreHandle, id: &str, step: Step, json: bool) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::impossible("store", error.to_string(), "");
    let mut entry = find(store, id).await?;
    // Nobody delivers: whoever was sending it has ended.
    let lock = Lock::try_take(&Lock::beside(&site.config.store, "delivery"), "outbox");
    if let (Ok(Ok(_)), Some(abandoned)) = (&lock, entry.abandoned()) {
        store.append(&entry, Utc::now(), abandoned).await.map_err(failed)?;
        entry = find(store, id).await?;
    }
    let state = entry.progress().state;
    if matches!(state, State::Accepted | State::Discarded | State::Sending) {
        return Err(Failure::impossible("state", format!("the entry is {}; nothing was done", state.name().replace('_', " ")), ""));
    }
    if matches!(step, Step::Retry { .. }) {
        if let Some(elsewhere) = views::enrollment::elsewhere(&entry, store.base_url()) {
            return Err(Failure::impossible("base_url", elsewhere, "set blusky.base_url to that address, or discard the entry"));
        }
        store.secret(entry.id).await.map_err(failed)?;
    }
    store.append(&entry, Utc::now(), step).await.map_err(failed)?;
    show(&find(store, &entry.id.to_string()).await?, json);
    Ok(())
}

/// The entry with this key, or the only one whose key begins so.
async fn find(store: &StoreHandle, id: &str) -> Result<Entry, Failure> {
    let failed = |error: StoreError| Failure::impossible("store", error.to_string(), "");
    if let Ok(id) = id.parse::<Uuid>() {
        return store.entry(id).await.map_err(failed);
    }
    let mut entries = store.all().await.map_err(failed)?;
    entries.retain(|entry| !id.is_empty() && entry.id.to_string().starts_with(&id.to_lowercase()));
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(_), false) => Err(Failure::usage("entry", format!("several entries begin with {id:?}"), "give more of the key")),
        (None, _) => Err(failed(StoreError::NoEntry(id.to_owned()))),
    }
}
