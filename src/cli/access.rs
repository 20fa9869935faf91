//! `cardbridge access`: which groups of access levels a person has. A card alone opens nothing.

use std::process::ExitCode;

use super::{
    Globals,
    follow::{self, OutcomeOptions},
    out::{self, Failure},
    site::{self, Look, who},
};
use crate::{
    access::{AccessLevelGroup, Operation},
    host::api::body::CallBody,
};

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
    #[arg(long, value_name = "WHO", value_parser = out::some_text, visible_alias = "user-id")]
    user: String,
    /// The group (`cardbridge lookup access-level-groups`)
    #[arg(long, value_name = "N", visible_alias = "access-level-group-id", value_parser = clap::value_parser!(i64).range(1..))]
    group: i64,
    #[command(flatten)]
    outcome: OutcomeOptions,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let (of, change) = match arguments.action {
        Action::Add(change) => (Operation::AddAccessLevelGroup as fn(AccessLevelGroup) -> Operation, change),
        Action::Remove(change) => (Operation::RemoveAccessLevelGroup as fn(AccessLevelGroup) -> Operation, change),
    };
    let operation = of(AccessLevelGroup { access_level_group_id: change.group, user_id: who(&site, &change.user).await? });
    operation.judge(site.config.integer_width).map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was changed"))?;
    follow::call(&site, CallBody::of(operation), change.outcome.follow()).await
}
