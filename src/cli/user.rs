//! `cardbridge user add`: a new user, written down, sent once, and waited for.

mod options;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use options::UserOptions;

use super::{
    Globals,
    out::{self, Failure},
    outcome::{self, Showing},
    site::{self, Look, open_store, secret},
};
use crate::{
    access::{AddUser, Operation, check::guid},
    blusky::lookup::{Item, Kind},
    outbox::{Entry, State},
    store::StoreHandle,
};

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
    let user = add.user.user(add.password_file.as_deref().map(|path| secret(path, "password")).transpose()?);
    let operation = Operation::AddUser(Box::new(user.clone()));
    outcome::judge(&site, &operation)?;
    let store = open_store(&site)?;
    unordered(&store, &user).await?;
    company(&store, &user).await?;
    let showing = Showing::of_last(add.json, Duration::from_secs(add.outcome_timeout));
    outcome::order(&site, &store, operation, showing).await
}

/// Refuses a second order of a user whose first one has not come to its end.
async fn unordered(store: &StoreHandle, user: &AddUser) -> Result<(), Failure> {
    let entries = store.all().await.map_err(|error| Failure::impossible("store", error.to_string(), ""))?;
    let Some(open) = entries.iter().find(|entry| is_open(entry, user)) else { return Ok(()) };
    let message = format!("a user of this name is in the outbox already ({}), and its outcome is not known yet", open.id);
    let help = format!("`cardbridge outbox show {}` says what to do; a second user of the same name was not ordered", open.id);
    Err(Failure::impossible("user_in_outbox", message, help))
}

/// The kinds of companies, in the order of CompanyInstanceType.
const COMPANIES: [Kind; 4] = [Kind::Occupancies, Kind::Vendors, Kind::Owners, Kind::Integrators];

/// Refuses a company of another kind than its type says, where a list that was looked up shows it.
async fn company(store: &StoreHandle, user: &AddUser) -> Result<(), Failure> {
    let mut holders = Vec::new();
    for (number, kind) in (1..).zip(COMPANIES) {
        let kept = store.kept(kind.name()).await.map_err(|error| Failure::impossible("store", error.to_string(), ""))?;
        let items: Vec<Item> = kept.and_then(|(_, text)| serde_json::from_str(&text).ok()).unwrap_or_default();
        let is_meant = |item: &Item| item.id.as_deref().and_then(|id| guid(id).ok()) == Some(user.company_instance_id);
        if items.iter().any(is_meant) {
            holders.push((number, kind.name()));
        }
    }
    match holders.as_slice() {
        [(number, kind), ..] if holders.iter().all(|(number, _)| *number != user.company_instance_type) => {
            let message =
                format!("the company is in BluSKY's list of {kind}, and CompanyInstanceType {} is another", user.company_instance_type);
            Err(Failure::usage("company", message, format!("give --company-instance-type {number}, or look the company up again")))
        }
        _ => Ok(()),
    }
}

/// An order of the same user that has not come to its end: a second one would be a second user.
fn is_open(entry: &Entry, user: &AddUser) -> bool {
    let Operation::AddUser(other) = &entry.operation else { return false };
    let is_same =
        (&other.first_name, &other.last_name, &other.employee_number) == (&user.first_name, &user.last_name, &user.employee_number);
    is_same && matches!(entry.progress().state, State::Saved | State::Sending | State::InDoubt)
}
