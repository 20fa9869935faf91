//! `cardbridge card list`: a user's cards as BluSKY has them. A PIN that BluSKY shows is blotted out.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::{
    blusky::{
        answer::Cards,
        client::{AccessControl, Client, Detail},
        model::StoredCard,
    },
    cli::{
        Globals,
        enroll::{blusky, who},
        out::{self, Failure},
        site::{self, Look},
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
    let name = card.member("CardName").or_else(|| card.member("ExternalCardNumber"));
    json!({
        "id": card.card_id, "name": name, "user_card_id": card.user_card_id, "card_type": card.card_type,
        "card_number": card.internal_card_number, "external_number": card.member("ExternalCardNumber"),
        "facility_code": card.facility_code, "deleted": card.deleted, "raw": card.shown(),
    })
}

/// The columns and the members they show.
const COLUMNS: [(&str, &str); 10] = [
    ("CARD", "CardId"),
    ("TYPE", "CardType"),
    ("NUMBER", "InternalCardNumber"),
    ("PRINTED", "ExternalCardNumber"),
    ("FACILITY", "FacilityCode"),
    ("FLAGS", "CardUserFlags"),
    ("FROM", "CardActivationStartDateTime"),
    ("UNTIL", "CardDeactivationStartDateTime"),
    ("USES", "NumberOfCardUses"),
    ("NOTES", "PublicNotes"),
];

fn table(cards: &[StoredCard]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(COLUMNS.map(|(title, _)| title));
    for card in cards {
        table.add_row(COLUMNS.map(|(_, member)| match card.member(member) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }));
    }
    table
}
