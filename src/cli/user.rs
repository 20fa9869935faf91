//! `cardbridge user add`: a new user, written down, sent once, and waited for.

pub(super) mod options;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use options::UserOptions;

use super::{
    Globals,
    follow::{self, Follow},
    out::{self, Failure},
    site::{self, Look, secret},
};
use crate::access::Operation;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cardbridge user add --first-name Ada --last-name Lovelace --facility-id GUID --ac-system-id GUID \
                        --company-instance-type 1 --company-instance-id GUID")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a user
    #[command(
        after_help = "Examples:\n  cardbridge user add --first-name Ada --last-name Lovelace --facility-id GUID --ac-system-id GUID \
                      --company-instance-type 1 --company-instance-id GUID\n  cardbridge user add … --has-login-rights --login ada \
                      --password-file password --json\n\nBluSKY names no call that shows a user: where its answer is lost, the \
                      user may be there or not (exit code 3), and nothing is sent again until somebody has looked."
    )]
    Add(Box<Add>),
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    user: UserOptions,
    /// A file with the password; a newline at its end is not part of it
    #[arg(long, value_name = "F")]
    password_file: Option<PathBuf>,
    /// How long to wait for BluSKY's answer once the user is written down
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = out::seconds())]
    outcome_timeout: u64,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let Action::Add(add) = arguments.action;
    let site = site::load(globals, Look::Needed)?;
    let password = add.password_file.as_deref().map(|path| secret(path, "password")).transpose()?;
    let operation = Operation::AddUser(Box::new(add.user.user(None)));
    follow::call(&site, operation, password, Follow::of_last(add.json, Duration::from_secs(add.outcome_timeout))).await
}
