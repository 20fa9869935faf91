//! `cardbridge card list`: a user's cards as BluSKY has them. A PIN that BluSKY shows is blotted out.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    access::{ACTIVE_CARDHOLDER, AccessControl, Cards, Detail, StoredCard},
    blusky::client::Client,
    cli::{
        Globals,
        out::{self, Failure},
        site::{self, Look, blusky, who},
        table,
    },
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cardbridge card list --user 'Ada Lovelace'\n  cardbridge card list --user 1815 --json")]
pub struct List {
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", value_parser = out::some_text, visible_alias = "user-id")]
    user: String,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, list: List) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let user = who(&site, &list.user).await?;
    let client = Client::new(blusky(&site)?).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let cards = match client.cards_of(user, Detail::Assignment).await {
        Cards::Shown(cards) => cards,
        Cards::Unavailable { why } => return Err(Failure::impossible("read_back_unavailable", why, "this BluSKY cannot show cards")),
        Cards::Later { why } | Cards::Away { why } => return Err(Failure::impossible("blusky", why, "try again later")),
        Cards::Stopped { why } => return Err(Failure::impossible("blusky", why, "")),
    };
    if list.json {
        cards.iter().for_each(|card| out::print_json(&as_json(card)));
    } else if cards.iter().all(|card| card.deleted) {
        out::print("this user has no cards");
    } else {
        let shown = |card: &StoredCard| {
            let inactive = if is_active(card) == Some(false) { " (inactive)" } else { "" };
            let text = |member: &str| card.shown.text(member).unwrap_or_default().into_owned();
            COLUMNS.map(|(_, member)| if member == FLAGS { text(member) + inactive } else { text(member) }).to_vec()
        };
        table::print(&COLUMNS.map(|(title, _)| title), &cards.iter().filter(|card| !card.deleted).map(shown).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(card: &StoredCard) -> Value {
    let text = |name: &str| card.shown.text(name);
    json!({
        "id": card.card_id, "name": text("card_name").or_else(|| text(PRINTED)), "user_card_id": card.user_card_id,
        "card_type": card.card_type, "card_number": card.internal_card_number, "external_number": text(PRINTED),
        "facility_code": card.facility_code, "deleted": card.deleted, "active": is_active(card), "raw": card.raw,
    })
}

/// Whether the flags say that doors take the card; none where they are not shown.
fn is_active(card: &StoredCard) -> Option<bool> {
    card.card_user_flags.map(|flags| flags & ACTIVE_CARDHOLDER != 0)
}

const FLAGS: &str = "card_user_flags";
const PRINTED: &str = "external_card_number";

/// The columns and the members they show.
const COLUMNS: [(&str, &str); 10] = [
    ("card", "card_id"),
    ("type", "card_type"),
    ("number", "internal_card_number"),
    ("printed", PRINTED),
    ("facility", "facility_code"),
    ("flags", FLAGS),
    ("from", "card_activation_start_date_time"),
    ("until", "card_deactivation_start_date_time"),
    ("uses", "number_of_card_uses"),
    ("notes", "public_notes"),
];
