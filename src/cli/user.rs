//! `cardbridge user add`: a new user, written down, sent once, and waited for.

mod options;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use options::UserOptions;

use uuid::Uuid;

use super::{
    Globals, access,
    follow::{self, Follow, Order},
    out::{self, Failure},
    session::Session,
    site::{self, Look, secret},
};
use crate::{
    access::{Operation, Secret},
    host::api::body::CallBody,
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
    /// A group of access levels for the user (`cardbridge lookup access-level-groups`); can be given several times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    access_level_group: Vec<i64>,
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
    let has_nickname = site.config.blusky.as_ref().is_some_and(|blusky| blusky.add_user_v2);
    let Add { user, password_file, access_level_group: groups, outcome_timeout, json } = *add;
    let user = user.user(None);
    if user.nickname.is_some() && !has_nickname {
        let help = "leave it out, or set add_user = \"v2\" under [blusky]";
        return Err(Failure::usage("member", "only the second version of AddUser takes a nickname", help));
    }
    let password = password_file.as_deref().map(|path| secret(path, "password")).transpose()?;
    let follow = || Follow::of_last(json, Duration::from_secs(outcome_timeout));
    let operation = Operation::AddUser(Box::new(user));
    if groups.is_empty() {
        return follow::call(&site, operation, password, follow()).await;
    }
    site::blusky(&site)?;
    let mut session = Session::open(&site, "call", None).await?;
    let ended = with_access(&mut session, operation, password, &groups, follow).await;
    session.end().await;
    ended
}

/// Adds the user, and then gives the groups: each is an entry of its own, with an outcome of its own.
async fn with_access(
    session: &mut Session<'_>,
    operation: Operation,
    secret: Option<Secret>,
    groups: &[i64],
    follow: impl Fn() -> Follow,
) -> Result<ExitCode, Failure> {
    let mut adding = follow();
    let order = CallBody { id: Uuid::now_v7(), operation, secret };
    let mut code = adding.order(session, &Order::Call(Box::new(order))).await?.unwrap_or_else(|| adding.unfinished());
    let Some(user) = adding.made() else {
        let groups: Vec<String> = groups.iter().map(|group| format!("--group {group}")).collect();
        out::hint(&format!("nobody is given {} yet: once the user is there, `cardbridge access add` does it", groups.join(", ")));
        return Ok(code);
    };
    for group in groups {
        let order = CallBody { id: Uuid::now_v7(), operation: access::given(user, *group), secret: None };
        let mut giving = follow();
        let given = giving.order(session, &Order::Call(Box::new(order))).await?.unwrap_or_else(|| giving.unfinished());
        code = if code == ExitCode::SUCCESS { given } else { code };
    }
    Ok(code)
}
