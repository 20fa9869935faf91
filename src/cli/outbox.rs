//! `cardbridge outbox`: what is due, in doubt and done, and a person's word on it.

mod deliver;

use std::process::ExitCode;

use chrono::{DateTime, Local, NaiveTime};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Globals,
    follow::{Follow, Order},
    out::{self, Failure},
    session::Session,
    site::{self, Look},
    table,
};
use crate::access::check::guid;
use crate::host::{Site, api::body::CallBody, client::Said};
use crate::text::cell as safe;

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
    /// The entries, oldest first
    #[command(after_help = "Examples:\n  cardbridge outbox list --today\n  cardbridge outbox list --state in_doubt --json\n  \
                            cardbridge outbox list --user 1815 --limit 5\n  \
                            cardbridge outbox list --card 4567\n  cardbridge outbox list --today --csv > today.csv")]
    List {
        /// Those that were saved today
        #[arg(long)]
        today: bool,
        /// Those in this state
        #[arg(long, value_name = "S", value_parser = state())]
        state: Option<String>,
        /// Those for this user: a GUID, or an employee number or name of [people]
        #[arg(long, value_name = "WHO", value_parser = out::some_text)]
        user: Option<String>,
        /// Those of this card: its number, its print or its GUID
        #[arg(long, value_name = "CARD", value_parser = out::some_text)]
        card: Option<String>,
        /// The last ones, so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// As a spreadsheet reads it
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// One entry with everything that has happened to it
    #[command(after_help = "Example:\n  cardbridge outbox show 0190b3a5")]
    Show {
        /// The entry's key, or its beginning
        #[arg(value_parser = out::some_text)]
        id: String,
    },
    /// Try again what was refused or waits for a person; what may have arrived is looked up first
    #[command(after_help = "Examples:\n  cardbridge outbox retry 0190b3a5\n  cardbridge outbox retry 0190b3a5 --absent\n  \
                            cardbridge outbox retry 0190b3a5 --user 0f83442e-a446-4577-8cdd-8ffdd51ab9c1")]
    Retry {
        /// The entry's key, or its beginning
        #[arg(value_parser = out::some_text)]
        id: String,
        /// Send it without looking it up: somebody has looked in BluSKY, and it is not there
        #[arg(long)]
        absent: bool,
        /// Somebody has looked in BluSKY: the user who was to be added is there, under this GUID
        #[arg(long, value_name = "GUID", value_parser = guid, conflicts_with = "absent")]
        user: Option<Uuid>,
    },
    /// Send everything that waits, and say what still waits then
    #[command(after_help = "Example:\n  cardbridge outbox deliver")]
    Deliver,
    /// Take the card of an accepted enrollment back, and give it back to its holder before, where BluSKY told who that was
    #[command(after_help = "Example:\n  cardbridge outbox undo 0190b3a5")]
    Undo {
        /// The entry's key, or its beginning
        #[arg(value_parser = out::some_text)]
        id: String,
    },
    /// Give up what was not accepted
    #[command(after_help = "Example:\n  cardbridge outbox discard 0190b3a5")]
    Discard {
        /// The entry's key, or its beginning
        #[arg(value_parser = out::some_text)]
        id: String,
    },
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    if matches!(arguments.action, Action::Deliver) {
        site::blusky(&site)?;
    }
    let mut session = match &arguments.action {
        Action::List { .. } | Action::Show { .. } => Session::to_look(&site, "outbox").await?,
        _ => Session::open(&site, "outbox", None).await?,
    };
    if let Action::Undo { id } = &arguments.action {
        let ended = undo(&mut session, &site, id, arguments.json).await;
        session.end().await;
        return ended;
    }
    let ended = act(&site, &mut session, &arguments).await;
    session.end().await;
    ended
}

async fn act(site: &Site, session: &mut Session<'_>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let json = arguments.json;
    match &arguments.action {
        Action::List { today, state, user, card, limit, csv } => {
            let user = match user {
                Some(who) => Some(site::who(site, who).await?),
                None => None,
            };
            let since = today.then(midnight).map(|at| ("since", at.to_rfc3339()));
            let wanted = [
                state.clone().map(|state| ("state", state)),
                user.map(|user| ("user", user.to_string())),
                since,
                card.clone().map(|card| ("card", card)),
                limit.map(|limit| ("limit", limit.to_string())),
            ];
            let wanted: Vec<_> = wanted.into_iter().flatten().collect();
            let outbox = session.asks(async |client| client.outbox(&wanted).await).await?;
            match csv {
                true => sheet(&outbox)?,
                false => list(&outbox, json, !wanted.is_empty()),
            }
        }
        Action::Show { id } => {
            let told = session.asks(async |client| client.entry(id).await).await?;
            // Who has a card is looked up where BluSKY refused it.
            let is_refused = !json && told.at("entry").text("state") == "refused" && told.text("call") == "AddUserCard";
            let held = if is_refused { session.client.holders(told.text("enrollment")).await.unwrap_or_default() } else { Value::Null };
            show_with(&told, held.at("holders"), json);
        }
        Action::Retry { id, absent, user } => {
            show(&session.brings(id, "saved", async |client| client.retry(id, *absent, *user).await).await?, json);
        }
        Action::Discard { id } => show(&session.brings(id, "discarded", async |client| client.discard(id).await).await?, json),
        Action::Deliver => return deliver::deliver(session, json).await,
        // It goes on at the next station where one ends meanwhile.
        Action::Undo { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes a card back, and gives it back to its holder before; each half is followed to its own end.
async fn undo(session: &mut Session<'_>, site: &Site, id: &str, json: bool) -> Result<ExitCode, Failure> {
    let undone = session.asks(async |client| client.undo(id).await).await?;
    let orders: Vec<CallBody> = serde_json::from_value(undone.at("orders").clone()).unwrap_or_default();
    let (mut first_failure, is_alone) = (ExitCode::SUCCESS, orders.len() == 1);
    for order in orders {
        let mut follow = Follow::of_last(json, site.config.wait);
        let ended = follow.order(session, &Order::Call(Box::new(order))).await?;
        if first_failure == ExitCode::SUCCESS {
            first_failure = ended.unwrap_or_else(|| follow.unfinished());
        }
    }
    match undone.at("on_their_terms").as_bool() {
        _ if is_alone => out::hint("the holder before is not known, if there was one: nobody is given the card"),
        // Nothing is given back that was not taken.
        _ if first_failure == ExitCode::from(1) => {}
        Some(true) => out::hint("whoever had it before gets it with the times and flags they had; a PIN of theirs is not known here"),
        _ => out::hint(
            "whoever had it before gets it, and on what terms they had it is not known here: look at its times, flags and PIN in BluSKY",
        ),
    }
    Ok(first_failure)
}

fn list(outbox: &Value, json: bool, is_chosen: bool) {
    let all = |name: &str| outbox.at(name).as_array().cloned().unwrap_or_default();
    all("findings").iter().filter_map(Value::as_str).for_each(out::hint);
    let entries = all("entries");
    for entry in entries.iter().filter(|entry| !entry.at("elsewhere").is_null()) {
        out::hint(&format!("entry {}: {}", entry.text("enrollment"), entry.text("elsewhere")));
    }
    if json {
        return entries.iter().for_each(|entry| out::print_json(entry.at("entry")));
    }
    if entries.is_empty() {
        return out::print(if is_chosen { "no entry is like that" } else { "the outbox is empty" });
    }
    for told in &entries {
        let entry = told.at("entry");
        let undone = Some(entry.text("undone_by")).filter(|by| !by.is_empty()).map(|by| format!(", undone by {by}")).unwrap_or_default();
        out::print(&format!("{}  {}  {}{undone}", entry.text("enrollment"), local(entry.text("saved_at")), entry.text("state")));
        let about = if told.at("about").is_null() { told.text("call") } else { told.text("about") };
        let differs = entry.at("warnings").as_array().into_iter().flatten().filter_map(Value::as_str);
        let differs = differs.filter(|warning| warning.starts_with("stored_differs")).map(ToOwned::to_owned).next();
        let said = Some(entry.text("description")).filter(|words| !words.is_empty()).map(|words| format!("BluSKY says “{words}”"));
        let why = [told.text("elsewhere"), entry.text("why")].into_iter().find(|why| !why.is_empty());
        table::indented(about);
        table::indented(differs.as_deref().or(why).or(said.as_deref()).unwrap_or_default());
    }
}

/// The members of a sheet, each by where it stands in an entry.
const COLUMNS: [(&str, &[&str]); 16] = [
    ("saved_at", &["saved_at"]),
    ("state", &["state"]),
    ("person", &["user", "name"]),
    ("employee_number", &["user", "employee_number"]),
    ("user_id", &["user_id"]),
    ("format", &["card", "format"]),
    ("facility_code", &["card", "facility_code"]),
    ("card_number", &["card", "card_number"]),
    ("printed", &["card", "printed"]),
    ("card_type", &["card_type"]),
    ("result_code", &["result_code"]),
    ("blusky_says", &["description"]),
    ("why", &["why"]),
    ("reader", &["reader"]),
    ("ordered_by", &["ordered_by"]),
    ("enrollment", &["enrollment"]),
];

/// The entries as CSV; what a sheet has no column for stands in `--json`.
fn sheet(outbox: &Value) -> Result<(), Failure> {
    let failed = |error: csv::Error| Failure::impossible("csv", error.to_string(), "");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|(name, _)| name)).map_err(failed)?;
    for told in outbox.at("entries").as_array().into_iter().flatten() {
        let cell = |path: &[&str]| match path.iter().fold(told.at("entry"), |at, name| at.at(name)) {
            Value::String(text) => safe(text),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        writer.write_record(COLUMNS.map(|(_, path)| cell(path))).map_err(failed)?;
    }
    out::print_lines(&writer.into_inner().unwrap_or_default());
    Ok(())
}

/// The states by their names.
fn state() -> impl clap::builder::TypedValueParser<Value = String> {
    clap::builder::PossibleValuesParser::new(["saved", "sending", "accepted", "refused", "in_doubt", "discarded"])
}

/// When today began by the clock on the wall.
fn midnight() -> DateTime<Local> {
    let now = Local::now();
    now.with_time(NaiveTime::MIN).earliest().unwrap_or(now)
}

fn show(told: &Value, json: bool) {
    show_with(told, &Value::Null, json);
}

/// An entry's whole way, and who has its card as far as that is known.
fn show_with(told: &Value, holders: &Value, json: bool) {
    let entry = told.at("entry");
    if !told.at("elsewhere").is_null() {
        out::hint(&format!("entry {}: {}", entry.text("enrollment"), told.text("elsewhere")));
    }
    if json {
        let mut whole = entry.clone();
        if let Some(members) = whole.as_object_mut() {
            members.insert("steps".to_owned(), told.at("steps").clone());
        }
        return out::print_json(&whole);
    }
    out::print(&format!("{} saved {}", entry.text("enrollment"), local(entry.text("saved_at"))));
    if !told.at("about").is_null() {
        table::indented(told.text("about"));
    }
    table::indented(&origin(entry));
    for step in told.at("steps").as_array().into_iter().flatten() {
        table::indented(&format!("{}  {:<9} {}", local(step.text("at")), step.text("state"), step.text("words")));
    }
    told.text("words").lines().for_each(table::text);
    holders.as_array().into_iter().flatten().for_each(|holder| table::text(holder.text("words")));
}

/// Where an entry came from: who looks for a card that reads wrong wants the reader and the bits.
fn origin(entry: &Value) -> String {
    let card = entry.at("card");
    let read = [card.text("bits"), card.text("raw")].into_iter().find(|read| !read.is_empty()).unwrap_or_default();
    let said = [("at the reader ", entry.text("reader")), ("read as ", read), ("ordered by ", entry.text("ordered_by"))];
    let said = said.into_iter().filter(|(_, what)| !what.is_empty()).map(|(words, what)| format!("{words}{what}"));
    said.collect::<Vec<_>>().join(", ")
}

/// A time as the clock on the wall shows it.
fn local(time: &str) -> String {
    let at = time.parse::<DateTime<Local>>();
    at.map_or_else(|_| time.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}
