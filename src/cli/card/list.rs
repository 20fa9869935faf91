//! `cardbridge card list`: a user's cards as BluSKY has them. A PIN that BluSKY shows is blotted out.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::{
    access::{AccessControl, Cards, Detail, StoredCard},
    blusky::client::Client,
    cli::{
        Globals,
        out::{self, Failure},
        site::{self, Look, blusky, who},
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge card list --user 'Ada Lovelace'\n  cardbridge card list --user 1815 --json")]
pub struct List {
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", visible_alias = "user-id")]
    user: String,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, list: List) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let user = who(&site, &list.user)?;
    let client = Client::new(blusky(&site)?).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let cards = match client.cards_of(user, Detail::Assignment).await {
        Cards::Shown(cards) => cards,
        Cards::Unavailable { why } => return Err(Failure::impossible("read_back_unavailable", why, "this BluSKY cannot show cards")),
        Cards::Later { why } | Cards::Away { why } => return Err(Failure::impossible("blusky", why, "try again later")),
        Cards::Stopped { why } => return Err(Failure::impossible("blusky", why, "")),
    };
    if list.json {
        cards.iter().for_each(|card| out::print_json(&as_json(card)));
    } else if cards.is_empty() {
        out::print("this user has no cards");
    } else {
        out::print(&table(&cards).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(card: &StoredCard) -> Value {
    let text = |name: &str| card.shown.text(name);
    json!({
        "id": card.card_id, "name": text("card_name").or_else(|| text(PRINTED)), "user_card_id": card.user_card_id,
        "card_type": card.card_type, "card_number": card.internal_card_number, "external_number": text(PRINTED),
        "facility_code": card.facility_code, "deleted": card.deleted, "raw": card.raw,
    })
}

const PRINTED: &str = "external_card_number";

/// The columns and the members they show.
const COLUMNS: [(&str, &str); 10] = [
    ("CARD", "card_id"),
    ("TYPE", "card_type"),
    ("NUMBER", "internal_card_number"),
    ("PRINTED", PRINTED),
    ("FACILITY", "facility_code"),
    ("FLAGS", "card_user_flags"),
    ("FROM", "card_activation_start_date_time"),
    ("UNTIL", "card_deactivation_start_date_time"),
    ("USES", "number_of_card_uses"),
    ("NOTES", "public_notes"),
];

fn table(cards: &[StoredCard]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(COLUMNS.map(|(title, _)| title));
    for card in cards {
        table.add_row(COLUMNS.map(|(_, member)| card.shown.text(member).unwrap_or_default().into_owned()));
    }
    table
}
