//! The enrollment: the call that follows from a reading, an order and the site's card types.
//!
//! In: the chosen fit and what the operator ordered. Out: an [`AddUserCard`], or what is missing and what to do. Never:
//! a number truncated, rounded, or sent as 0 by accident.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    origin::{Named, RosterRow},
    policy::{self, CardType, Hints, Required, SitePolicy},
    template,
};
use crate::{
    access::{
        ACTIVE_CARDHOLDER, AddUserCard, Moment, Operation, Secret,
        check::{self, IntegerWidth},
    },
    card::{Credential, Csn, FILLED_UID, Fit, PROTECTED, RANDOM_UID, Reading, Verdict, WORTHLESS, ZERO_UID},
};

/// What the operator asks for; [`Order::of`] begins one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The user the card is for.
    pub user_id: Uuid,
    /// The card type, where one format belongs to several.
    pub card_type: Option<i64>,
    /// The number printed on the card, to choose among fits.
    pub printed: Option<String>,
    /// The external number to send, as it stands.
    pub external_number: Option<String>,
    /// When the card starts working.
    pub activate: Option<Moment>,
    /// When it stops working.
    pub deactivate: Option<Moment>,
    /// The card-user flags.
    pub card_user_flags: i64,
    /// Whether the system must be the one of the user's occupancy.
    pub enforce_occupancy_system: Option<bool>,
    /// The PIN to be used with the card.
    pub pin: Option<Secret>,
    /// Whether a present assignment is deleted first.
    pub reassign: bool,
    /// The card may be one that was given to somebody else a moment ago.
    pub same_card: bool,
    /// A person says that the card is what it is read as.
    pub confirmed: bool,
    /// The person the card is for, as the site's list calls them.
    pub person: Option<Named>,
    /// The person or program that orders it.
    pub ordered_by: Option<String>,
    /// When it was judged whether a person who is to be added is new.
    pub judged_at: Option<DateTime<Utc>>,
    /// What is done first: a new person is added (until then `user_id` is all zero), or the user's lost card is ended.
    pub before: Option<Box<Operation>>,
    /// The groups of access levels that a new person is given.
    pub access_level_groups: Vec<i64>,
    /// The row of a roster that it is for.
    pub roster: Option<RosterRow>,
    /// The person is alone at a kiosk: what only an operator knows is asked of the front desk, and no card that is shown then is theirs.
    pub alone: bool,
    /// A card that was not read whole ends nothing: it is waited for once more.
    pub waits_on: bool,
}

/// Why nothing is enrolled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The card, or this reading of it, is damaged.
    #[error("the card was not read whole; present it again")]
    Damaged,
    /// Nothing that can be enrolled.
    #[error("this card cannot be enrolled: {0}")]
    Nothing(&'static str),
    /// None or several credentials remain.
    #[error("{0}")]
    Undecided(String),
    /// The card type that was asked for does not take what the card is read as.
    #[error("card type {card_type} does not take {format}, as which this card is read; leave --card-type out, or give the right one")]
    OtherCardType {
        /// BluSKY's number of the card type.
        card_type: i64,
        /// The format's id.
        format: String,
    },
    /// The number that was given is not the one read.
    #[error("the printed number given, {0:?}, is not that of this card as it is read; compare the print, or leave it out")]
    OtherNumber(String),
    /// The fit's format is in no card type.
    #[error(
        "no [[card_type]] takes {format}; add it to the formats of the one it belongs to:\n    [[card_type]]\n    blusky = N\n    formats = [\"{format}\"]\n    system = \"<guid>\""
    )]
    NoCardType {
        /// The format's id.
        format: String,
    },
    /// The fit's format is in several card types.
    #[error("{format} belongs to several card types; give --card-type with one of {numbers}")]
    SeveralCardTypes {
        /// The format's id.
        format: String,
        /// Their numbers.
        numbers: String,
    },
    /// No such card type.
    #[error("no [[card_type]] has blusky = {0}; the configured ones are {1}")]
    UnknownCardType(i64, String),
    /// The card type requires a number that the card does not have.
    #[error("card type {card_type} ({name}) requires {field}, and {format} has none")]
    MissingNumber {
        /// BluSKY's number of the card type.
        card_type: i64,
        /// Its name.
        name: String,
        /// What is required.
        field: &'static str,
        /// The format read.
        format: String,
    },
    /// To BluSKY zero means: choose a number automatically.
    #[error("the encoded card number is 0, and to BluSKY 0 means automatic numbering; this card cannot be sent as it is")]
    Zero,
    /// Wider than BluSKY is known to take.
    #[error("{field} is larger than {max}, and {help}")]
    TooWide {
        /// Which number.
        field: &'static str,
        /// The largest value.
        max: u64,
        /// What to do.
        help: &'static str,
    },
    /// The template names a number the card does not have.
    #[error("external_number of card type {0}: {1}")]
    Template(i64, String),
    /// The window ends before it starts.
    #[error("{0}; give --deactivate a later time")]
    Window(String),
}

/// The call for a card that was read.
///
/// # Errors
/// Why this reading cannot be enrolled, and what to do.
pub fn add_user_card(reading: &Reading, order: &Order, policy: &SitePolicy, width: IntegerWidth) -> Result<AddUserCard, Refused> {
    if let Some(number) = order.card_type.filter(|number| !policy.card_types.iter().any(|card_type| card_type.blusky == *number)) {
        let known: Vec<String> = policy.card_types.iter().map(|card_type| card_type.blusky.to_string()).collect();
        return Err(Refused::UnknownCardType(number, known.join(", ")));
    }
    let fit = reading.chosen().ok_or_else(|| undecided(reading, order, policy))?;
    let card_type = card_type(reading, fit, order, policy)?;
    let credential = &fit.credential;
    let serial = reading.presentation.csn.as_ref();
    let requires = |required: Required| card_type.requires.contains(&required);
    let missing = |required: Required| Refused::MissingNumber {
        card_type: card_type.blusky,
        name: card_type.name.clone(),
        field: required.name(),
        format: fit.format.to_string(),
    };
    let facility_code = credential.facility_code.map(|code| code.0);
    if requires(Required::FacilityCode) && facility_code.is_none() {
        return Err(missing(Required::FacilityCode));
    }
    let issue_code = credential.issue_code.map(|code| code.0);
    if requires(Required::IssueCode) && issue_code.is_none() {
        return Err(missing(Required::IssueCode));
    }
    let card_serial_number = match serial {
        Some(serial) if requires(Required::Serial) && serial.flaw().is_some() => {
            return Err(Refused::Nothing(serial.flaw().map_or("", why_nobody)));
        }
        Some(serial) if requires(Required::Serial) => Some(narrow("the card serial number", serial.number().map(u128::from), width)?),
        None if requires(Required::Serial) => return Err(missing(Required::Serial)),
        _ => None,
    };
    let Some(encoded) = credential.card_number else {
        return Err(Refused::MissingNumber {
            card_type: card_type.blusky,
            name: card_type.name.clone(),
            field: "card_number",
            format: fit.format.to_string(),
        });
    };
    let number = narrow("the card number", Some(encoded.0), width)?;
    if number == 0 {
        return Err(Refused::Zero);
    }
    let external = external_number(card_type, credential, serial, order)?;
    Ok(AddUserCard {
        card_ac_system_id: Some(card_type.system),
        card_serial_number,
        card_type: Some(card_type.blusky),
        external_card_number: Some(external),
        facility_code: facility_code.map(|code| narrow("the facility code", Some(code.into()), width)).transpose()?,
        internal_card_number: Some(number),
        issue_code: issue_code.map(|code| narrow("the issue code", Some(code.into()), width)).transpose()?,
        ..of_order(order)?
    })
}

/// The number that BluSKY is told is printed on the card: the one given for it as it stands, else what the card type's
/// template makes of the card's numbers, else the print as it was typed, else the card number.
fn external_number(card_type: &CardType, credential: &Credential, csn: Option<&Csn>, order: &Order) -> Result<String, Refused> {
    let print = || order.printed.as_ref().map(|print| print.trim().to_owned());
    let filled = |template: &str| template::render(template, credential, csn).map_err(|why| Refused::Template(card_type.blusky, why));
    match (&order.external_number, &card_type.external_number) {
        (Some(given), _) => Ok(given.clone()),
        (None, Some(template)) => filled(template),
        (None, None) => print().map_or_else(|| filled(CARD_NUMBER), Ok),
    }
}

/// The template where a card type has none.
pub const CARD_NUMBER: &str = "{card_number}";

/// The call for a card that BluSKY has already.
///
/// # Errors
/// A window that ends before it starts.
pub fn add_existing_card(card_id: Uuid, order: &Order) -> Result<AddUserCard, Refused> {
    Ok(AddUserCard { card_id: Some(card_id), ..of_order(order)? })
}

/// What follows from the order alone.
fn of_order(order: &Order) -> Result<AddUserCard, Refused> {
    order.window()?;
    Ok(AddUserCard {
        card_ac_system_id: None,
        card_activation_start_date_time: order.activate,
        card_deactivation_start_date_time: order.deactivate,
        card_id: None,
        card_serial_number: None,
        card_type: None,
        card_user_flags: order.card_user_flags,
        enforce_occupancy_system: order.enforce_occupancy_system,
        external_card_number: None,
        facility_code: None,
        internal_card_number: None,
        issue_code: None,
        pin: order.pin.clone(),
        user_id: order.user_id,
        reassign_card_if_already_assigned: order.reassign,
    })
}

impl Order {
    /// Judges the time the card is to work.
    ///
    /// # Errors
    /// It ends before it begins.
    pub fn window(&self) -> Result<(), Refused> {
        check::window("the card's activation", self.activate, "the card's deactivation", self.deactivate)
            .map_or(Ok(()), |why| Err(Refused::Window(why)))
    }

    /// Judges what is sent as it was ordered, whatever the card, and gives it, where it can be said before there is a card.
    ///
    /// # Errors
    /// What would be lost.
    pub fn judge(&self, width: IntegerWidth) -> Result<Option<Operation>, check::Wrong> {
        let Ok(call) = of_order(self) else { return Ok(None) };
        let external = self.external_number.as_ref().or(self.printed.as_ref());
        if [&self.external_number, &self.printed].into_iter().flatten().any(|number| number.trim().is_empty()) {
            return Err(check::Wrong(vec!["the printed or external number given is empty; leave it out, or give the print".to_owned()]));
        }
        let call = AddUserCard { card_type: self.card_type, external_card_number: external.cloned(), ..call };
        let operation = Operation::AddUserCard(call);
        operation.judge(width).map(|()| Some(operation))
    }

    /// An order for this user and nothing else said.
    #[must_use]
    pub fn of(user_id: Uuid) -> Self {
        Self { user_id, card_user_flags: ACTIVE_CARDHOLDER, ..Self::default() }
    }
}

/// The one card type that takes the credential: under the fit chosen, or under another format that reads the same and
/// that the site believes as well.
fn card_type<'p>(reading: &Reading, chosen: &Fit, order: &Order, policy: &'p SitePolicy) -> Result<&'p CardType, Refused> {
    let same = |fit: &&Fit| fit.credential == chosen.credential && policy.admits(fit);
    let formats: Vec<&Fit> = reading.fits.iter().filter(same).collect();
    let wanted = |card_type: &&CardType| order.card_type.is_none_or(|number| card_type.blusky == number);
    let takes = |card_type: &&CardType| formats.iter().any(|fit| card_type.takes(fit));
    let takers: Vec<&CardType> = policy.card_types.iter().filter(takes).filter(wanted).collect();
    match takers.as_slice() {
        [] => Err(Refused::NoCardType { format: chosen.format.to_string() }),
        [one] => Ok(one),
        several => {
            let numbers: Vec<String> = several.iter().map(|card_type| card_type.blusky.to_string()).collect();
            Err(Refused::SeveralCardTypes { format: chosen.format.to_string(), numbers: numbers.join(", ") })
        }
    }
}

/// Shows who gets the card, not its number.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("user_id", &self.user_id).field("card_type", &self.card_type).finish_non_exhaustive()
    }
}

/// Why a card with this flaw cannot identify anybody.
fn why_nobody(flaw: &str) -> &'static str {
    match flaw {
        RANDOM_UID => "its serial number is a new one at every tap (a phone, or a card in random-ID mode)",
        WORTHLESS => "its number is one that many cards share: a test card, or a card that nobody has personalized",
        FILLED_UID => "its serial number is filler only, which is none; present it again",
        ZERO_UID => "its serial number is all zero, which is none; present it again",
        _ => "its serial number was cut off; present it again, or use another reader",
    }
}

/// The message for a card whose own number is protected, if the site does not name the format of the serial number instead.
const PROTECTED_NUMBER: &str = "the card's number is protected by keys that are not here, and its serial number is another number; \
     enroll it by its printed number or at a door, or name the serial number's format in [site] formats if that is what doors here read";

fn undecided(reading: &Reading, order: &Order, policy: &SitePolicy) -> Refused {
    // The site uses a format that this reading is a damaged card of: what else fits it is no card of this site's.
    let is_ours = |format: &str| policy.formats.iter().any(|ours| ours == format);
    let damaged = reading.refusals.iter().any(|refusal| refusal.reason.is_damage() && is_ours(&refusal.format));
    if damaged && !reading.fits.iter().any(|fit| is_ours(&fit.format)) {
        return Refused::Damaged;
    }
    if let Some(flaw) = reading.presentation.no_identity() {
        return Refused::Nothing(why_nobody(flaw));
    }
    match reading.verdict {
        Verdict::Damaged => return Refused::Damaged,
        Verdict::UnknownFormat => return Refused::Nothing("the same bits came twice, and no known format fits them"),
        Verdict::NoFit => return Refused::Nothing("no known format fits its bits"),
        Verdict::UnknownLength => return Refused::Nothing("its reader does not tell the number of bits; set bits = N for this reader"),
        Verdict::Keypad => return Refused::Nothing("this was a key, not a card"),
        Verdict::Unreadable => return Refused::Nothing("it answers none of the known questions"),
        _ => {}
    }
    let number = order.printed.as_ref();
    if let Some(number) = number.filter(|number| !reading.fits.is_empty() && policy.prints_none(reading, number)) {
        return Refused::OtherNumber(number.clone());
    }
    // Had nothing been asked for, would the site have decided? Then it is what was asked for that excludes the card.
    let chosen = |policy: &SitePolicy| {
        let mut alone = reading.clone();
        policy::choose(&mut alone, policy, &Hints::default());
        alone.chosen().map(|fit| fit.format.to_string())
    };
    if let Some(format) = chosen(policy) {
        let taken = order.card_type.and_then(|number| policy.card_type(number)).is_none_or(|asked| asked.formats.contains(&format));
        match (order.card_type, number) {
            (Some(card_type), _) if !taken => return Refused::OtherCardType { card_type, format },
            (_, Some(number)) => return Refused::OtherNumber(number.clone()),
            _ => {}
        }
    }
    if let Some(format) = chosen(&SitePolicy { card_types: Vec::new(), ..policy.clone() })
        && !policy.card_types.iter().any(|card_type| card_type.formats.contains(&format))
    {
        return Refused::NoCardType { format };
    }
    let is_protected = reading.presentation.warnings.iter().any(|warning| warning == PROTECTED);
    let message = match reading.fits.len() {
        _ if is_protected => PROTECTED_NUMBER,
        _ if number.is_some() => "none of the fits, or several of them, match the printed number and the site's policy",
        1 => "the site's policy does not believe the only format that fits",
        _ if matches!(reading.verdict, Verdict::Certain | Verdict::Likely) => "the site's policy believes none of the formats that fit",
        _ if reading.fits.iter().all(|fit| !policy.admits(fit)) => {
            "several formats fit, and the site believes none of them with this facility code"
        }
        _ => "several formats fit, and nothing configured decides between them",
    };
    Refused::Undecided(message.to_owned())
}

fn narrow(field: &'static str, value: Option<u128>, width: IntegerWidth) -> Result<u64, Refused> {
    let (max, help) = (width.max().unsigned_abs(), width.help());
    let fits = value.and_then(|value| u64::try_from(value).ok()).filter(|value| *value <= max);
    fits.ok_or(Refused::TooWide { field, max, help })
}
