//! `cardbridge card update`: changes a user's card, after a look at it where something is left unsaid that BluSKY would take for an
//! order: flags that are left out, and one end of the time the card works.

use std::process::ExitCode;

use uuid::Uuid;

use super::options::ChangeOptions;
use crate::{
    access::{ACTIVE_CARDHOLDER, AccessControl, Cards, Detail, Operation, StoredCard, UpdateUserCard},
    blusky::{client::Client, settings::Settings},
    cli::{
        Globals,
        follow::{self, OutcomeOptions},
        out::{self, Failure},
        site::{self, Look, blusky, who},
    },
    host::api::body::CallBody,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge card update --user 1815 --card-id GUID --number-of-card-uses 3 --public-notes 'lent until May'\n  \
                        cardbridge card update --user 1815 --card-id GUID --activate 2026-01-01T08:00:00+01:00 --deactivate 2026-05-01T18:00:00+02:00\n  \
                        cardbridge card update --user 1815 --card-id GUID --permanent"
)]
pub struct Update {
    /// The user, who has the card: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", value_parser = out::some_text, visible_alias = "user-id")]
    user: String,
    #[command(flatten)]
    card: ChangeOptions,
    /// Take away both times: the card works from now on and for good
    #[arg(long, conflicts_with_all = ["card_activation_start_date_time", "card_deactivation_start_date_time", "no_start", "no_end"])]
    permanent: bool,
    /// With --deactivate: the card has no time it begins to work at
    #[arg(long, requires = "card_deactivation_start_date_time", conflicts_with = "card_activation_start_date_time")]
    no_start: bool,
    /// With --activate: the card has no time it ends to work at
    #[arg(long, requires = "card_activation_start_date_time", conflicts_with = "card_deactivation_start_date_time")]
    no_end: bool,
    #[command(flatten)]
    outcome: OutcomeOptions,
}

pub async fn run(globals: &Globals, update: Update) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let mut card = changing(dated(&update, who(&site, &update.user).await?)?)?;
    card.judge().map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was changed"))?;
    let forgotten = forgotten(&update, &card);
    if card.card_user_flags.is_none() || forgotten.is_some() {
        let shown = look(blusky(&site)?, &card, forgotten.map(|(option, ..)| option)).await?;
        if let Some((option, member, none)) = forgotten {
            left_alone(shown.as_ref(), option, member, none)?;
        }
        if card.card_user_flags.is_none() {
            card.card_user_flags = Some(flags(shown.as_ref())?);
        }
    }
    follow::call(&site, CallBody::of(Operation::UpdateUserCard(card)), update.outcome.follow()).await
}

/// The change, with what it says about its times spelled out.
fn dated(update: &Update, user: Uuid) -> Result<UpdateUserCard, Failure> {
    let mut card = update.card.clone().change(user);
    let has_time = card.card_activation_start_date_time.is_some() || card.card_deactivation_start_date_time.is_some();
    if update.permanent && card.modify_activation_dates == Some(false) {
        let message = "--permanent changes when the card works, and --modify-activation-dates false forbids it";
        return Err(Failure::usage("permanent", message, "leave one of them out"));
    }
    if card.modify_activation_dates == Some(true) && !has_time && !update.permanent {
        let message = "--modify-activation-dates without a time would make the card permanently active";
        return Err(Failure::usage("forgotten_date", message, "give --activate and --deactivate, or say --permanent"));
    }
    card.modify_activation_dates.get_or_insert(has_time || update.permanent);
    Ok(card)
}

/// Refuses a change that changes nothing: BluSKY would be sent the card as it is.
fn changing(card: UpdateUserCard) -> Result<UpdateUserCard, Failure> {
    let numbers = [card.card_user_flags, card.credential_type_id, card.number_of_card_uses];
    if card.modify_activation_dates == Some(true) || card.public_notes.is_some() || numbers.iter().any(Option::is_some) {
        return Ok(card);
    }
    let help = "give --activate and --deactivate, --permanent, --number-of-card-uses, --public-notes, --credential-type-id, or \
                --card-user-flags";
    Err(Failure::usage("nothing_to_change", "there is nothing to change", help))
}

/// The option that was not given, its member, and the option that says there is none: BluSKY would take that time away.
fn forgotten(update: &Update, card: &UpdateUserCard) -> Option<(&'static str, &'static str, &'static str)> {
    match (card.card_activation_start_date_time, card.card_deactivation_start_date_time) {
        (None, Some(_)) if !update.no_start => Some(("--activate", "card_activation_start_date_time", "--no-start")),
        (Some(_), None) if !update.no_end => Some(("--deactivate", "card_deactivation_start_date_time", "--no-end")),
        _ => None,
    }
}

fn left_alone(shown: Option<&StoredCard>, option: &str, member: &str, none: &str) -> Result<(), Failure> {
    let message = match shown.map(|card| card.shown.text(member)) {
        Some(None) => return Ok(()),
        Some(Some(time)) => format!("without {option} BluSKY would take away the time the card has there ({time})"),
        None => format!("without {option} BluSKY would take away the time the card may have there, and it cannot be looked up"),
    };
    Err(Failure::usage("forgotten_date", message, format!("give {option} as well, or say {none}")))
}

/// The flags the card has: BluSKY may store 0 where they are left out.
fn flags(shown: Option<&StoredCard>) -> Result<i64, Failure> {
    let Some(card) = shown else {
        out::hint(&format!("the card's flags cannot be looked up; {ACTIVE_CARDHOLDER} is sent, an active cardholder"));
        return Ok(ACTIVE_CARDHOLDER);
    };
    let is_shown = card.shown.text("card_user_flags").is_some();
    match card.card_user_flags {
        Some(flags) => Ok(flags),
        None if is_shown => {
            let message = "the card has flags that are not understood, and BluSKY may store others where they are left out";
            Err(Failure::usage("card_user_flags", message, "give --card-user-flags; with blusky.wire = \"json\" they are numbers"))
        }
        None => {
            let message = "BluSKY shows the card without its flags, and may store others where they are left out";
            Err(Failure::impossible("card_user_flags", message, "give --card-user-flags"))
        }
    }
}

/// The card as it stands; none only where this BluSKY has no call that shows cards.
async fn look(blusky: Settings, update: &UpdateUserCard, forgotten: Option<&str>) -> Result<Option<StoredCard>, Failure> {
    let client = Client::new(blusky).map_err(|error| Failure::usage("blusky", error.to_string(), ""))?;
    let why = match client.cards_of(update.user_id, Detail::Assignment).await {
        Cards::Shown(cards) => {
            let card = cards.into_iter().find(|card| !card.deleted && card.card_id == Some(update.card_id));
            let message = "BluSKY shows this user's cards, and the card is not among them: it is not this user's";
            let help = "`cardbridge card list --user` shows the user's cards; nothing was changed";
            return card.map(Some).ok_or_else(|| Failure::impossible("not_this_users_card", message, help));
        }
        Cards::Unavailable { .. } => return Ok(None),
        Cards::Later { why } | Cards::Away { why } | Cards::Stopped { why } => why,
    };
    let unsaid = update.card_user_flags.is_none().then_some("--card-user-flags");
    let options: Vec<&str> = unsaid.into_iter().chain(forgotten).collect();
    let help = format!("give {}, or try again later; nothing was changed", options.join(" and "));
    Err(Failure::impossible("card_not_shown", format!("the card cannot be looked up now, and what it has must not be lost: {why}"), help))
}
