//! `cardbridge status`: how the station is, its readers, its outbox, its way to BluSKY.

use std::process::ExitCode;

use chrono::Local;
use serde_json::Value;

use super::{
    Globals,
    out::{self, Failure},
    session::Session,
    site::{self, Look},
};
use crate::views::status;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge status\n  cardbridge status --json\n\nExit code 1 where something needs a person.")]
pub struct Arguments {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Asks the station that runs. Where none does, this process opens the store as every command does that inspects it: no reader is
/// opened and nothing is delivered.
pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let mut session = Session::to_look(&site, "status").await?;
    let asked = session.asks(async |client| client.station().await).await;
    let alone = !session.is_elsewhere();
    session.end().await;
    let mut station = asked?;
    if let Some(members) = station.as_object_mut() {
        members.insert("runs".to_owned(), (!alone).into());
        if alone {
            // It is this command, which has ended by the time this is read.
            ["doing", "process", "since"].into_iter().for_each(|name| drop(members.insert(name.to_owned(), Value::Null)));
        }
    }
    if arguments.json {
        out::print_json(&station);
    } else {
        out::print(&status::text(&station, alone, Local::now().fixed_offset()));
    }
    Ok(ExitCode::from(u8::from(status::needs_a_person(&station))))
}
