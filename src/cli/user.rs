//! `cardbridge user add`: a new user, written down, sent once, and waited for; with the card that is shown, where that is wanted.
//! `user added`: who was added here.

pub(super) mod options;

use std::{path::PathBuf, process::ExitCode};

use options::UserOptions;

use serde_json::json;
use uuid::Uuid;

use super::{
    Globals,
    ask::can_be_asked,
    follow::{self, Order, OutcomeOptions},
    out::{self, Failure},
    session::Session,
    site::{self, Look, secret},
};
use crate::{
    access::{Operation, Person},
    host::{
        Site,
        api::body::{CallBody, OrderBody},
        hear,
    },
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
                      --password-file password --json\n\nWhere the answer is lost, BluSKY's list of people is looked into, if \
                      [people] blusky names one; else the user may be there or not (exit code 3), and nothing is sent again until \
                      somebody has looked."
    )]
    Add(Box<Add>),
    /// The people who were added here, as a list that [people] and rosters take
    #[command(after_help = "Example:\n  cardbridge user added > added.csv")]
    Added {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    user: UserOptions,
    /// A file with the password; a newline at its end is not part of it
    #[arg(long, value_name = "F")]
    password_file: Option<PathBuf>,
    /// Give them the next card that is shown, too, as one entry
    #[arg(long, conflicts_with = "password_file")]
    card: bool,
    /// Take this card instead of waiting for one
    #[arg(long, value_name = "LITERAL", requires = "card")]
    bits: Option<String>,
    /// BluSKY's number of the card type, where one format belongs to several
    #[arg(long, value_name = "N", requires = "card")]
    card_type: Option<i64>,
    /// The number printed on the card
    #[arg(long, value_name = "S", value_parser = out::some_text, requires = "card")]
    printed: Option<String>,
    /// Wait at this reader only [default: all]
    #[arg(long, value_name = "NAME", value_parser = out::some_text, requires = "card")]
    reader: Option<String>,
    /// How long to wait for a card [default: 60]
    #[arg(long, value_name = "S", requires = "card", value_parser = out::seconds())]
    timeout: Option<u64>,
    /// A group of access levels for the user (`cardbridge lookup access-level-groups`); can be given several times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    access_level_group: Vec<i64>,
    /// They are somebody else than whoever is known by the same name, and no employee number says so
    #[arg(long)]
    namesake: bool,
    #[command(flatten)]
    outcome: OutcomeOptions,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let add = match arguments.action {
        Action::Added { json } => return added(&site, json).await,
        Action::Add(add) if add.card => return with_card(&site, *add).await,
        Action::Add(add) => add,
    };
    let has_nickname = site.config.blusky.as_ref().is_some_and(|blusky| blusky.add_user_v2);
    let Add { user, password_file, access_level_group: access_level_groups, namesake, outcome, .. } = *add;
    let user = user.user(None);
    if user.nickname.is_some() && !has_nickname {
        let help = "leave it out, or set add_user = \"v2\" under [blusky]";
        return Err(Failure::usage("member", "only the second version of AddUser takes a nickname", help));
    }
    let password = password_file.as_deref().map(|path| secret(path, "password")).transpose()?;
    let operation = Operation::AddUser(Box::new(user));
    let order = CallBody { id: Uuid::now_v7(), operation, secret: password, access_level_groups, namesake };
    follow::call(&site, order, outcome.follow()).await
}

/// A new user and the card that is shown, as one entry.
async fn with_card(site: &Site, add: Add) -> Result<ExitCode, Failure> {
    site::blusky(site)?;
    let order = OrderBody {
        id: Some(Uuid::now_v7()),
        new_user: Some(Box::new(add.user.user(None))),
        namesake: add.namesake,
        access_level_groups: add.access_level_group,
        bits: add.bits,
        card_type: add.card_type,
        printed: add.printed,
        reader: add.reader,
        timeout_s: add.timeout,
        can_be_asked: can_be_asked(add.outcome.json),
        ..OrderBody::default()
    };
    let session = Session::open(site, "enroll", None).await?;
    add.outcome.follow().order_alone(session, &Order::Card(Box::new(order))).await
}

/// The users whom an entry of this store has added, each once.
async fn added(site: &Site, json: bool) -> Result<ExitCode, Failure> {
    let mut session = Session::open(site, "user", None).await?;
    let outbox = session.asks(async |client| client.outbox(&[]).await).await;
    session.end().await;
    let failed = |error: csv::Error| Failure::impossible("csv", error.to_string(), "");
    let mut writer = csv::Writer::from_writer(Vec::new());
    let members = ["user_id", "first_name", "last_name", "employee_number"];
    writer.write_record(members).map_err(failed)?;
    for Person { user_id, first_name, last_name, employee_number, .. } in hear::added(&outbox?) {
        if json {
            out::print_json(
                &json!({"user_id": user_id, "first_name": first_name, "last_name": last_name, "employee_number": employee_number}),
            );
        } else {
            writer.write_record([user_id.to_string(), first_name, last_name, employee_number]).map_err(failed)?;
        }
    }
    if !json {
        out::print_lines(&writer.into_inner().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}
