//! `cardbridge enroll`: waits for one card, or takes the one that is given, enrolls it, and waits for the outcome.

use std::{path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use chrono::Utc;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    Globals,
    out::{self, Failure, interrupted},
    outcome::{self, Showing},
    site::{self, Look},
    source::Source,
};
use crate::{
    access::{Moment, Operation, check::guid},
    blusky::{call::writable, settings::Settings},
    card::{Literal, LiteralError, Presentation, Reading, Verdict},
    enroll::{
        enrollment::{self, Order, Refused},
        origin::Origin,
        people::Person,
    },
    host::{Shell, Site},
    outbox::{Entry, Given, Reassign},
    station::{Event, Notice, Purpose, Taker},
    store::StoreHandle,
    views,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cardbridge enroll --user 1815\n  cardbridge enroll --user 'Ada Lovelace' --printed 4567 --reader desk\n  \
                        cardbridge enroll --user 0f83442e-a446-4577-8cdd-8ffdd51ab9c1 --bits '{26}BD88EB80' --card-type 3 --json"
)]
pub struct Arguments {
    /// The user: a GUID, or an employee number or name of [people]
    #[arg(long, value_name = "WHO", visible_alias = "user-id")]
    user: String,
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
    #[arg(long, value_name = "S")]
    printed: Option<String>,
    /// The external number to send, where it is not the printed one or the card type's template
    #[arg(long, value_name = "S", visible_alias = "external-card-number")]
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
    /// The card may be one that was given to somebody else a moment ago
    #[arg(long)]
    same_card: bool,
    /// Wait at this reader only [default: all]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// How long to wait for a card
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = out::seconds())]
    timeout: u64,
    /// How long to wait for BluSKY's answer once the card is saved
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = out::seconds())]
    outcome_timeout: u64,
    /// One JSON object a line: a line for every state, the last one final
    #[arg(long)]
    json: bool,
}

pub async fn run(globals: &Globals, arguments: Arguments) -> Result<ExitCode, Failure> {
    let site = site::load(globals, Look::Needed)?;
    let (order, reassign) = order(&site, &arguments)?;
    let blusky = site::blusky(&site)?;
    let store = site::open_store(&site)?;
    let showing = Showing::new(arguments.json, Duration::from_secs(arguments.outcome_timeout));
    let entry = match (&arguments.card_id, &arguments.bits) {
        (Some(card), _) => existing(&store, *card, &order, reassign).await?,
        (None, Some(literal)) => given(&site, &store, literal, order, reassign).await?,
        (None, None) => {
            let mut source = Source::open(&site, Some(store.clone()), arguments.reader.as_deref(), true).await?;
            let ended = enroll_shown(&site, &store, &arguments, &mut source, (order, reassign), (blusky, showing)).await;
            // The reader shows what became of the card before it is let go.
            source.shell.end().await;
            return ended;
        }
    };
    outcome::outcome(&site, &store, blusky, entry, showing).await
}

/// Enrolls the card that is shown, and has the reader show what became of it.
async fn enroll_shown(
    site: &Site,
    store: &StoreHandle,
    arguments: &Arguments,
    source: &mut Source,
    (order, reassign): (Order, Reassign),
    (blusky, showing): (Settings, Showing),
) -> Result<ExitCode, Failure> {
    let entry = shown(site, source, arguments, order, reassign).await?;
    let mut outcome = pin!(outcome::outcome(site, store, blusky, entry, showing));
    let code = loop {
        tokio::select! {
            code = &mut outcome => break code?,
            // The reader shows that the card is saved while BluSKY is waited for.
            _ = source.shell.next() => {}
        }
    };
    let accepted = code == ExitCode::SUCCESS;
    if accepted || code == ExitCode::from(1) {
        source.shell.post(Event::Settled(entry, accepted)).await;
    }
    Ok(code)
}

/// Who gets the card, and what may be done if somebody holds it.
fn order(site: &Site, arguments: &Arguments) -> Result<(Order, Reassign), Failure> {
    let user = site::who(site, &arguments.user)?;
    let policy = &site.config.policy;
    if let Some(number) = arguments.card_type.filter(|number| policy.card_type(*number).is_none()) {
        let known: Vec<String> = policy.card_types.iter().map(|card_type| card_type.blusky.to_string()).collect();
        let refused = Refused::UnknownCardType(number, known.join(", "));
        return Err(Failure::impossible("unknown_card_type", refused.to_string(), "nothing was enrolled"));
    }
    let reassign = match (site.config.reassign, arguments.reassign) {
        (Reassign::Never, true) => {
            let message = "--reassign is refused: this site's configuration says enroll.reassign = \"never\"";
            return Err(Failure::usage("reassign", message, "set enroll.reassign = \"ask\" or \"always\" to allow it"));
        }
        (Reassign::Ask, true) => Reassign::Given,
        (configured, _) => configured,
    };
    let mut order = site::order_of(site, user);
    order.card_type = arguments.card_type;
    order.printed.clone_from(&arguments.printed);
    order.external_number.clone_from(&arguments.external_number);
    order.activate = arguments.activate;
    order.deactivate = arguments.deactivate;
    order.card_user_flags = arguments.card_user_flags.unwrap_or(order.card_user_flags);
    order.enforce_occupancy_system = Some(arguments.enforce_occupancy_system || site.config.enforce_occupancy_system);
    order.pin = arguments.pin_file.as_deref().map(site::pin).transpose()?;
    order.reassign = reassign == Reassign::Always;
    order.same_card = arguments.same_card;
    order.window().map_err(|refused| Failure::usage("window", refused.to_string(), "nothing was enrolled"))?;
    let wire = site.config.blusky.as_ref().map(|blusky| blusky.wire).unwrap_or_default();
    let judged = order.judge(site.config.integer_width).and_then(|operation| operation.map_or(Ok(()), |call| writable(&call, wire)));
    judged.map_err(|wrong| Failure::usage("member", wrong.to_string(), "nothing was enrolled"))?;
    Ok((order, reassign))
}

async fn existing(store: &StoreHandle, card: Uuid, order: &Order, reassign: Reassign) -> Result<Uuid, Failure> {
    let call = enrollment::add_existing_card(card, order).map_err(|refused| Failure::usage("window", refused.to_string(), ""))?;
    let id = Uuid::now_v7();
    let origin = Origin::of_order(order);
    let entry = Entry { origin, ..Entry::of(id, Utc::now(), Operation::AddUserCard(call), reassign) };
    store.save(entry).await.map_err(|error| Failure::impossible("store", error.to_string(), ""))?;
    Ok(id)
}

/// Enrolls the card of a literal; its entry is on disk then.
pub async fn given(site: &Site, store: &StoreHandle, literal: &str, order: Order, reassign: Reassign) -> Result<Uuid, Failure> {
    let literal: Literal =
        literal.parse().map_err(|error: LiteralError| Failure::usage("literal", error.to_string(), LiteralError::HELP))?;
    presented(site, store, Presentation::of_literal(&literal), order, reassign).await
}

/// Enrolls a card that has been read; its entry is on disk then.
pub async fn presented(
    site: &Site,
    store: &StoreHandle,
    presentation: Presentation,
    order: Order,
    reassign: Reassign,
) -> Result<Uuid, Failure> {
    let mut shell = Shell::new(site, Some(store.clone()));
    shell.post(take(order, reassign)).await;
    shell.post(Event::Given(Box::new(presentation))).await;
    loop {
        if let Some(decided) = decided(site, shell.next().await.notice) {
            return decided;
        }
    }
}

/// Waits for a card and enrolls it; its entry is on disk then.
async fn shown(site: &Site, source: &mut Source, arguments: &Arguments, order: Order, reassign: Reassign) -> Result<Uuid, Failure> {
    source.shell.post(take(order.clone(), reassign)).await;
    let mut is_asked = source.is_ready();
    if is_asked {
        out::hint(HOLD);
    }
    let mut card: Option<Presentation> = None;
    let end = Instant::now() + Duration::from_secs(arguments.timeout);
    let ended = loop {
        let notice = tokio::select! {
            notice = source.next() => notice?,
            () = sleep_until(end) => {
                let message = format!("no card was shown within {} s", arguments.timeout);
                break Failure::impossible("no_card", message, "hold a card to the reader, or give it more time with --timeout");
            }
            () = interrupted() => break Failure::impossible("interrupted", "interrupted before a card was shown", "nothing was enrolled"),
        };
        match &notice {
            Notice::Failed(reader, why) => out::hint(&format!("{reader}: {why}")),
            Notice::LayThere(reader) => out::hint(&format!("{reader}: a card lies there already: lift the card, then show it")),
            Notice::Ready(_) if !std::mem::replace(&mut is_asked, true) => out::hint(HOLD),
            Notice::Read(reading) => card = Some(reading.presentation.clone()),
            Notice::GivenBefore(given) if !arguments.json && outcome::confirmed(&given_words(site, given)).await => {
                source.shell.post(take(Order { same_card: true, ..order.clone() }, reassign)).await;
                if let Some(card) = card.take() {
                    source.shell.post(Event::Presented(Box::new(card))).await;
                }
                continue;
            }
            _ => {}
        }
        if let Some(decided) = decided(site, notice) {
            return decided;
        }
    };
    // A card that was shown at the last moment may be on its way to the disk.
    source.shell.post(Event::Untake(0)).await;
    while let Some(numbered) = source.shell.next_at_hand() {
        if let Some(decided) = decided(site, numbered.notice) {
            return decided;
        }
    }
    Err(ended)
}

const HOLD: &str = "hold the card to the reader";

/// The question that a card raises which was given to somebody else a moment ago.
fn given_words(site: &Site, given: &Given) -> String {
    let person = site.config.people().ok().and_then(|people| people.person(given.user).map(Person::name));
    let who = person.unwrap_or_else(|| given.user.to_string());
    format!("this card was given to {who} {} s ago: give it to somebody else instead?", given.seconds)
}

fn take(order: Order, reassign: Reassign) -> Event {
    Event::Take(Taker { id: 0, reader: None, purpose: Purpose::Enroll(Uuid::now_v7(), Box::new(order), reassign) })
}

/// What a notice decides about the one card that is waited for.
fn decided(site: &Site, notice: Notice) -> Option<Result<Uuid, Failure>> {
    match notice {
        Notice::Saved(id) => Some(Ok(id)),
        Notice::NotSaved(_, why) => {
            Some(Err(Failure::impossible("store", why, "nothing was enrolled; present the card again once that is mended")))
        }
        Notice::GivenBefore(given) => {
            let message = format!("{} Nothing was enrolled.", given_words(site, &given));
            Some(Err(Failure::impossible(
                "same_card",
                message,
                "if it is meant so, say --same-card; enroll.same_card_s says for how long this is asked",
            )))
        }
        Notice::NotEnrolled(reading, refused) => Some(Err(not_enrolled(site, &reading, &refused))),
        _ => None,
    }
}

fn not_enrolled(site: &Site, reading: &Reading, refused: &Refused) -> Failure {
    let lines = if matches!(refused, Refused::Undecided(_)) { site.config.policy.settling_lines(reading) } else { Vec::new() };
    let code = match refused {
        Refused::Undecided(_) if reading.verdict == Verdict::Ambiguous => "ambiguous",
        Refused::OtherCardType { .. } => "other_card_type",
        Refused::OtherNumber(_) => "other_number",
        Refused::Undecided(_) => "undecided",
        Refused::Damaged => "damaged",
        Refused::Nothing(_) => reading.verdict.name(),
        Refused::NoCardType { .. } => "no_card_type",
        Refused::SeveralCardTypes { .. } => "several_card_types",
        Refused::UnknownCardType(..) => "unknown_card_type",
        Refused::MissingNumber { .. } => "missing_number",
        Refused::Zero => "card_number_zero",
        Refused::TooWide { .. } => "integer_width",
        Refused::Template(..) => "external_number",
        Refused::Window(..) => "window",
    };
    let settle = if lines.is_empty() {
        String::new()
    } else {
        format!("one of these lines in the configuration would settle it:\n{}", lines.join("\n"))
    };
    let literal = views::reading::literal(reading);
    let message = format!("{refused}; nothing was enrolled");
    let words = if settle.is_empty() { views::reading::text(reading) } else { format!("{}\n{settle}", views::reading::text(reading)) };
    Failure::impossible(code, message, words)
        .with("reading", serde_json::to_value(views::reading::json(reading, &literal)).unwrap_or(Value::Null))
        .with("settle", json!(lines))
}
