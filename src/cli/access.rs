//! `cardbridge access`: which groups of access levels a person has. A card alone opens nothing.

use std::{process::ExitCode, time::Duration};

use uuid::Uuid;

use super::{
    Globals,
    follow::{self, Follow},
    out::{self, Failure},
    site::{self, Look, who},
};
use crate::access::{AddAccessLevelGroup, Operation, RemoveAccessLevelGroup};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge lookup access-level-groups\n  cardbridge access add --user 1815 --group 7\n  \
                        cardbridge access remove --user 1815 --group 7")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Give a user a group of access levels
    #[command(after_help = "Example:\n  cardbridge access add --user 1815 --group 7")]
    Add(Change),
    /// Take a group of access levels from a user
    #[command(after_help = "Example:\n  cardbridge access remove --user 1815 --group 7")]
    Remove(Change),
}

#[derive(Debug, clap::Args)]
struct Change {
    /// The user: a GUID, or an employee number, e-mail address or name of [people]
    #[arg(long, value_name = "WHO", visible_alias = "user-id")]
    user: String,
    /// The group (`cardbridge lookup access-level-groups`)
    #[arg(long, value_name = "N", visible_alias = "access-level-group-id", value_parser = clap::value_parser!(i64).range(1..))]
    group: i64,
    /// How long to wait for BluSKY's answer once it is written down
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = out::seconds())]
    outcome_timeout: u64,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let (adds, change) = match arguments.action {
        Action::Add(change) => (true, change),
        Action::Remove(change) => (false, change),
    };
    let user_id = who(&site, &change.user).await?;
    let operation = if adds { given(user_id, change.group) } else { taken(user_id, change.group) };
    operation.judge(site.config.integer_width).map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was changed"))?;
    follow::call(&site, operation, None, Follow::of_last(change.json, Duration::from_secs(change.outcome_timeout))).await
}

/// The group for the user.
pub fn given(user_id: Uuid, access_level_group_id: i64) -> Operation {
    Operation::AddAccessLevelGroup(AddAccessLevelGroup { access_level_group_id, user_id })
}

fn taken(user_id: Uuid, access_level_group_id: i64) -> Operation {
    Operation::RemoveAccessLevelGroup(RemoveAccessLevelGroup { access_level_group_id, user_id })
}
