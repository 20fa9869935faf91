//! What BluSKY's rules say about a request before any memory is asked.
//!
//! In: a well-formed call about a card and the id of its route. Out: which card is wanted, or a refusal. The real result codes are
//! unknown; these are the simulator's own, and 0 is success. It never touches the store.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    card_types::CardType,
    model::{AddUserCard, UpdateUserCard},
};

/// The simulator's result codes. The Description that comes with one says it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResultCode {
    /// `Success`
    Success = 0,
    /// No such user.
    UserNotFound = 1,
    /// `Card Already Assigned : <number> <Last>, <First>`: to anybody, the same user included, and reassigning was not asked for.
    CardAlreadyAssigned = 2,
    /// `More than one card exists with this number and facility code.`
    MoreThanOneCard = 3,
    /// CardId was sent together with members that describe a card.
    CardIdWithDescription = 4,
    /// No card has this CardId.
    CardNotFound = 5,
    /// A required member was left out, and is named.
    MemberMissing = 6,
    /// Another card of that system has this external number.
    ExternalNumberTaken = 7,
    /// A card would be deactivated before it is activated, or another period would end before it begins.
    EndBeforeStart = 8,
    /// The route names another user than the body. The real BluSKY probably ignores the route.
    RouteDiffersFromBody = 9,
    /// A value that no card or user can have: a number below zero, a CardType that is none, an all-zero GUID, no automatic number left, a
    /// number outside the few that have a meaning.
    ValueNotAllowed = 10,
    /// A text is longer than the contract allows.
    TextTooLong = 11,
    /// The card that is to be updated is not this user's.
    NotAssigned = 12,
    /// EnforceOccupancySystem was asked for, and the card is of another system than the user's occupancy.
    OccupancySystemDiffers = 13,
}

/// A refusal: HTTP 200 with this.
pub(super) struct Refusal {
    pub(super) code: ResultCode,
    pub(super) description: String,
}

/// The card a request is about.
pub(super) enum Wanted {
    /// One that exists.
    Known(Uuid),
    /// One that is described, and may exist.
    Described(Description),
}

/// A described card.
pub(super) struct Description {
    pub(super) card_type: i64,
    pub(super) system_id: Uuid,
    /// 0: BluSKY chooses.
    pub(super) number: i64,
    pub(super) external: String,
    pub(super) serial: Option<i64>,
    pub(super) facility: Option<i64>,
    pub(super) issue: Option<i64>,
}

impl ResultCode {
    /// A refusal in these words.
    pub(super) fn because(self, description: impl Into<String>) -> Refusal {
        Refusal { code: self, description: description.into() }
    }
}

/// Judges what an AddUserCard says about itself. If card types are given, there are no others.
pub(super) fn wanted(call: &AddUserCard, route_id: &str, card_types: &[CardType]) -> Result<Wanted, Refusal> {
    user(call.user_id, route_id)?;
    dates(call.activation, call.deactivation)?;
    match call.card_id {
        Some(card_id) => known(call, card_id),
        None => described(call, card_types).map(Wanted::Described),
    }
}

/// Judges what an UpdateUserCard says about itself.
pub(super) fn update(call: &UpdateUserCard, route_id: &str) -> Result<(), Refusal> {
    user(call.user_id, route_id)?;
    match (call.card_id.is_nil(), call.modify_dates) {
        (true, _) => Err(ResultCode::MemberMissing.because("Required: CardId")),
        (false, true) => dates(call.activation, call.deactivation),
        (false, false) => Ok(()),
    }
}

fn user(user_id: Uuid, route_id: &str) -> Result<(), Refusal> {
    if user_id.is_nil() {
        return Err(ResultCode::MemberMissing.because("Required: UserId"));
    }
    match Uuid::try_parse(route_id) == Ok(user_id) {
        true => Ok(()),
        false => {
            Err(ResultCode::RouteDiffersFromBody.because("The id in the route is not the UserId of the body: send the same GUID in both."))
        }
    }
}

fn dates(activation: Option<DateTime<Utc>>, deactivation: Option<DateTime<Utc>>) -> Result<(), Refusal> {
    match activation.zip(deactivation) {
        Some((start, end)) if end < start => {
            Err(ResultCode::EndBeforeStart.because("CardDeactivationStartDateTime is before CardActivationStartDateTime."))
        }
        _ => Ok(()),
    }
}

fn known(call: &AddUserCard, card_id: Uuid) -> Result<Wanted, Refusal> {
    let sent = [
        ("CardType", call.card_type.is_some()),
        ("CardACSystemId", call.system_id.is_some()),
        ("InternalCardNumber", call.number.is_some()),
        ("ExternalCardNumber", call.external.is_some()),
        ("CardSerialNumber", call.serial.is_some()),
        ("FacilityCode", call.facility.is_some()),
        ("IssueCode", call.issue.is_some()),
    ];
    let extra = names(sent);
    match extra.is_empty() {
        true => Ok(Wanted::Known(card_id)),
        false => Err(ResultCode::CardIdWithDescription
            .because(format!("CardId names an existing card, and these members describe a new one: {extra}. Send one or the other."))),
    }
}

fn described(call: &AddUserCard, card_types: &[CardType]) -> Result<Description, Refusal> {
    let external = call.external.clone().filter(|text| !text.trim().is_empty());
    let (Some(card_type), Some(system_id), Some(number), Some(external)) = (call.card_type, call.system_id, call.number, external.clone())
    else {
        let missing = names([
            ("CardType", call.card_type.is_none()),
            ("CardACSystemId", call.system_id.is_none()),
            ("InternalCardNumber", call.number.is_none()),
            ("ExternalCardNumber", external.is_none()),
        ]);
        return Err(ResultCode::MemberMissing.because(format!("Required when CardId is null: {missing}")));
    };
    let known_type = card_types.iter().find(|known| known.number == card_type);
    let impossible = names([
        ("CardType", card_type <= 0 || (known_type.is_none() && !card_types.is_empty())),
        ("CardACSystemId", system_id.is_nil()),
        ("InternalCardNumber", number < 0),
        ("CardSerialNumber", call.serial.is_some_and(i64::is_negative)),
        ("FacilityCode", call.facility.is_some_and(i64::is_negative)),
        ("IssueCode", call.issue.is_some_and(i64::is_negative)),
    ]);
    if !impossible.is_empty() {
        return Err(ResultCode::ValueNotAllowed.because(format!("No card can have this value: {impossible}")));
    }
    let card = Description { card_type, system_id, number, external, serial: call.serial, facility: call.facility, issue: call.issue };
    match known_type.map(|known| known.missing(&card)).filter(|missing| !missing.is_empty()) {
        Some(missing) => Err(ResultCode::MemberMissing.because(format!("Required by CardType {card_type}: {missing}"))),
        None => Ok(card),
    }
}

/// The names that are marked.
pub(super) fn names<const N: usize>(members: [(&str, bool); N]) -> String {
    let named: Vec<_> = members.into_iter().filter(|(_, named)| *named).map(|(name, _)| name).collect();
    named.join(", ")
}
