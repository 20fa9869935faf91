//! `cardbridge enroll`: waits for one card, or takes the one that is given, enrolls it, and waits for the outcome.
//!
//! - `roster`: one person of a list after the other; `work`: the machine of that at the station;
//! - `keys`: its keyboard; `new_user`: who is added first; `taps`: where
//!   one tap is not enough; `who`: who is meant by what is typed; `face`: how it looks; `large`: a name in
//!   large letters.

mod face;
mod keys;
mod large;
mod new_user;
mod roster;
mod taps;
mod who;
mod work;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use uuid::Uuid;

use new_user::NewUser;

use super::{
    Globals,
    ask::can_be_asked,
    card::remove,
    follow::{Follow, Order},
    out::{self, Failure},
    session::Session,
    site::{self, Look},
};
use crate::{
    access::{Moment, check::guid},
    host::api::body::OrderBody,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge enroll --user 1815\n  cardbridge enroll --user 'Ada Lovelace' --printed 4567 --reader desk\n  \
                        cardbridge enroll --user 0f83442e-a446-4577-8cdd-8ffdd51ab9c1 --bits '{26}BD88EB80' --card-type 3 --json\n  \
                        cardbridge enroll --roster people.csv --report done.csv\n  cardbridge enroll --roster people.csv --resume\n  \
                        cardbridge enroll --user 1815 --replaces 4567\n  \
                        cardbridge enroll --new-user --first-name Ada --last-name Lovelace --facility-id GUID --ac-system-id GUID \
                        --company-instance-type 1 --company-instance-id GUID"
)]
pub struct Arguments {
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", value_parser = out::some_text, visible_alias = "user-id", required_unless_present_any = ["roster", "repeat", "new_user"])]
    user: Option<String>,
    /// The person is a new one and is added first, with the options of `user add`
    #[arg(long, conflicts_with = "user")]
    new_user: bool,
    /// The new person is somebody else than whoever is known by the same name, and no employee number says so
    #[arg(long, requires = "new_user")]
    namesake: bool,
    /// Take this card of the user's back first, a lost one, or deactivate it ([enroll] lost_card): its GUID, or a number of it among the
    /// user's cards
    #[arg(long, value_name = "CARD", value_parser = out::some_text, requires = "user", conflicts_with_all = ["roster", "repeat", "new_user"])]
    replaces: Option<String>,
    /// A group of access levels for somebody new (`cardbridge lookup access-level-groups`); can be given several times
    #[arg(long, value_name = "N", conflicts_with_all = ["user", "repeat"], value_parser = clap::value_parser!(i64).range(1..))]
    access_level_group: Vec<i64>,
    /// Go through this list, one person after the other: user_id or employee_number, first_name, last_name, and any of card_type,
    /// printed, external_number, activate, deactivate; whoever BluSKY does not have yet is added, with columns named as the options
    /// of `user add`, and what all share on the command line
    #[arg(long, value_name = "CSV", conflicts_with_all = ["user", "new_user", "bits", "card_id", "printed", "external_number", "pin_file", "same_card"])]
    roster: Option<PathBuf>,
    /// Ask who gets the next card, again and again: names are completed from [people]
    #[arg(long, conflicts_with_all = ["user", "new_user", "roster", "bits", "card_id", "printed", "external_number", "pin_file", "same_card"])]
    repeat: bool,
    /// Go on where the last run of this list stopped; who got a card in it is known from the outbox
    #[arg(long, requires = "roster")]
    resume: bool,
    /// Write what became of each person into this file
    #[arg(long, value_name = "CSV", conflicts_with = "user")]
    report: Option<PathBuf>,
    /// BluSKY's number of the card type, where one format belongs to several
    #[arg(long, value_name = "N")]
    card_type: Option<i64>,
    /// Take this card instead of waiting for one
    #[arg(long, value_name = "LITERAL", conflicts_with = "card_id")]
    bits: Option<String>,
    /// Assign this existing card
    #[arg(long, value_name = "GUID", value_parser = guid, conflicts_with_all = ["card_type", "printed", "external_number"])]
    card_id: Option<Uuid>,
    /// The number printed on the card: decides between fits, and is sent as the external number
    #[arg(long, value_name = "S", value_parser = out::some_text)]
    printed: Option<String>,
    /// The external number to send, where it is not the printed one or the card type's template
    #[arg(long, value_name = "S", value_parser = out::some_text, visible_alias = "external-card-number")]
    external_number: Option<String>,
    /// When the card begins to work, as 2026-01-01T08:00:00+01:00
    #[arg(long, value_name = "T", visible_alias = "card-activation-start-date-time")]
    activate: Option<Moment>,
    /// When the card ends to work
    #[arg(long, value_name = "T", visible_alias = "card-deactivation-start-date-time")]
    deactivate: Option<Moment>,
    /// BluSKY's CardUserFlags [default: 1, an active cardholder]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    card_user_flags: Option<i64>,
    /// Have BluSKY check that the card's system is that of the user's occupancy
    #[arg(long)]
    enforce_occupancy_system: bool,
    /// A file with the PIN to be used with the card; a newline at its end is not part of it
    #[arg(long, value_name = "F")]
    pin_file: Option<PathBuf>,
    /// Take the card from whoever holds it (where [enroll] reassign = "ask")
    #[arg(long, visible_alias = "reassign-card-if-already-assigned")]
    reassign: bool,
    /// The card is what it is read as: nothing is asked about its format
    #[arg(long)]
    confirm: bool,
    /// The card may be one that was given to somebody else a moment ago
    #[arg(long)]
    same_card: bool,
    /// The name that is recorded beside this Unix user as whoever ordered it
    #[arg(long = "as", value_name = "NAME", value_parser = out::some_text)]
    ordered_by: Option<String>,
    /// Wait at this reader only [default: all]
    #[arg(long, value_name = "NAME", value_parser = out::some_text)]
    reader: Option<String>,
    /// How long to wait for a card [default: 60; with --roster for as long as it takes]
    #[arg(long, value_name = "S", value_parser = out::seconds())]
    timeout: Option<u64>,
    /// How long to wait for BluSKY's answer once the card is saved [default: enroll.wait_s]
    #[arg(long, value_name = "S", value_parser = out::seconds())]
    outcome_timeout: Option<u64>,
    /// One JSON object a line: a line for every state, the last one final
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    person: NewUser,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    site::blusky(&site)?;
    if let Some(list) = &arguments.roster {
        return roster::run(&site, &arguments, list).await;
    }
    if arguments.repeat {
        return roster::repeat(&site, &arguments).await;
    }
    let patience = arguments.outcome_timeout.map_or(site.config.wait, Duration::from_secs);
    let mut follow = Follow::new(arguments.json, patience);
    let mut body = body(&arguments)?;
    if arguments.new_user {
        let missing = |why: String| Failure::usage("user", why, "`cardbridge user add --help` explains each of them");
        body.new_user = Some(Box::new(arguments.person.user().map_err(missing)?));
        body.access_level_groups.clone_from(&arguments.access_level_group);
        body.namesake = arguments.namesake;
    }
    if let (Some(card), Some(user)) = (&arguments.replaces, &arguments.user) {
        body.replaces = Some(remove::card_of(&site, site::who(&site, user).await?, card).await?);
    }
    let order = Order::Card(Box::new(body));
    let session = Session::open(&site, "enroll", arguments.ordered_by.as_deref()).await?;
    follow.order_alone(session, &order).await
}

/// What is ordered.
pub(super) fn body(arguments: &Arguments) -> Result<OrderBody, Failure> {
    Ok(OrderBody {
        id: Some(Uuid::now_v7()),
        user: arguments.user.clone().unwrap_or_default(),
        bits: arguments.bits.clone(),
        card_id: arguments.card_id,
        reader: arguments.reader.clone(),
        timeout_s: arguments.timeout,
        card_type: arguments.card_type,
        printed: arguments.printed.clone(),
        external_number: arguments.external_number.clone(),
        activate: arguments.activate,
        deactivate: arguments.deactivate,
        card_user_flags: arguments.card_user_flags,
        enforce_occupancy_system: arguments.enforce_occupancy_system,
        pin: arguments.pin_file.as_deref().map(site::pin).transpose()?,
        reassign: arguments.reassign,
        confirm: arguments.confirm,
        same_card: arguments.same_card,
        can_be_asked: can_be_asked(arguments.json),
        ..OrderBody::default()
    })
}
