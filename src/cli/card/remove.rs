//! `cardbridge card remove`: takes a card back from a user. It is looked for among the user's cards first, so that a mistyped number
//! takes nothing.

use std::process::ExitCode;

use uuid::Uuid;

use crate::{
    access::{AccessControl, Cards, Detail, Operation, RemoveUserCard, StoredCard},
    blusky::client::Client,
    cli::{
        Globals,
        follow::{self, OutcomeOptions},
        out::{self, Failure},
        site::{self, Look, blusky, who},
    },
    host::{Site, api::body::CallBody},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge card remove --user 1815 --card 4567\n  cardbridge card remove --user 'Ada Lovelace' --card GUID"
)]
pub struct Remove {
    /// The user, who has the card: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", value_parser = out::some_text, visible_alias = "user-id")]
    user: String,
    /// The card: its GUID, or a number of it among the user's cards
    #[arg(long, value_name = "CARD", value_parser = out::some_text, visible_alias = "card-id")]
    card: String,
    #[command(flatten)]
    outcome: OutcomeOptions,
}

pub async fn run(globals: &Globals, remove: Remove) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let user_id = who(&site, &remove.user).await?;
    let card_id = card_of(&site, user_id, &remove.card).await?;
    let operation = Operation::RemoveUserCard(RemoveUserCard { card_id, user_id });
    operation.judge(site.config.integer_width).map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was taken back"))?;
    follow::call(&site, CallBody::of(operation), remove.outcome.follow()).await
}

/// The card of a user's that is meant, by its key or any of its numbers.
pub async fn card_of(site: &Site, user_id: Uuid, card: &str) -> Result<Uuid, Failure> {
    let client = Client::new(blusky(site)?).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    match (client.cards_of(user_id, Detail::Assignment).await, card.trim().parse::<Uuid>()) {
        (Cards::Shown(cards), _) => among(&cards, card),
        // Its key says which card it is, whatever BluSKY can show now; the call itself waits for BluSKY.
        (_, Ok(id)) => Ok(id),
        (Cards::Unavailable { why } | Cards::Later { why } | Cards::Away { why } | Cards::Stopped { why }, Err(_)) => {
            Err(Failure::impossible("blusky", why, "the user's cards cannot be looked through now; name the card by its GUID"))
        }
    }
}

/// The one card that is meant, by its key or any of its numbers.
fn among(cards: &[StoredCard], wanted: &str) -> Result<Uuid, Failure> {
    let wanted = wanted.trim();
    let is_meant = |card: &&StoredCard| {
        let key = card.card_id.map(|id| id.to_string()).is_some_and(|id| id.eq_ignore_ascii_case(wanted));
        key || ["internal_card_number", "external_card_number"].iter().any(|name| card.shown.text(name).as_deref() == Some(wanted))
    };
    let mut meant = cards.iter().filter(|card| !card.deleted).filter(is_meant).filter_map(|card| card.card_id);
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(Failure::impossible(
            "several_cards",
            format!("several of the user's cards have the number {wanted}"),
            "`cardbridge card list` shows them; name one by its GUID",
        )),
        (None, _) => Err(Failure::impossible(
            "no_such_card",
            format!("none of the user's cards is {wanted}"),
            "`cardbridge card list` shows them; nothing was taken back",
        )),
    }
}
