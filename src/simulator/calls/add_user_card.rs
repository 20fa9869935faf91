//! `POST api/v1/Users/{id}/UserCards`: gives a user a card.
//!
//! In: a body that names a card or describes one. Out: the key of the UserCard, or a refusal. The PIN ends here: it is only known that
//! there was one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    context::{Arrived, Context},
    rules,
};
use crate::simulator::{
    state::{
        assign::{Added, Assignment, Extras},
        store::Stop,
    },
    wire::{
        body::Body,
        contract::{self, API_WEB_ROLE, Contract},
        members::{Members, Null},
        outcome::{Outcome, ResultModel},
        reading::Model,
    },
    words::{
        card::{Description, WhichCard},
        card_type::CardType,
        result_code::{Refusal, ResultCode, names},
    },
};

/// What it answers.
pub const ANSWER: ResultModel =
    ResultModel { root: "ResultWithGuid", namespace: API_WEB_ROLE, tail: &["Value"], has_status: true, has_value: true, has_users: false };

/// `AddUserCardViewModel`. A member that was left out has the value it would have in .NET.
pub struct AddUserCard {
    reassign: bool,
    pub user_id: Uuid,
    card_id: Option<Uuid>,
    card_type: Option<i64>,
    system_id: Option<Uuid>,
    number: Option<i64>,
    external: Option<String>,
    serial: Option<i64>,
    facility: Option<i64>,
    issue: Option<i64>,
    /// Whether there was one; the PIN itself ends here.
    has_pin: bool,
    activation: Option<DateTime<Utc>>,
    deactivation: Option<DateTime<Utc>>,
    flags: i64,
    enforce_occupancy: bool,
    /// Nothing, in the first version of the call.
    pub extras: Extras,
}

impl Model for AddUserCard {
    const CONTRACT: Contract = contract::ADD_USER_CARD;

    fn read(members: &mut Members) -> AddUserCard {
        AddUserCard {
            reassign: members.boolean("ReassignCardIfAlreadyAssigned").unwrap_or(false),
            user_id: members.guid("UserId", Null::Wrong).unwrap_or_default(),
            card_id: members.guid("CardId", Null::Absent),
            card_type: members.integer("CardType", Null::Wrong),
            system_id: members.guid("CardACSystemId", Null::Absent),
            number: members.integer("InternalCardNumber", Null::Wrong),
            external: members.text("ExternalCardNumber"),
            serial: members.integer("CardSerialNumber", Null::Absent),
            facility: members.integer("FacilityCode", Null::Absent),
            issue: members.integer("IssueCode", Null::Absent),
            has_pin: members.text("PIN").is_some(),
            activation: members.time("CardActivationStartDateTime"),
            deactivation: members.time("CardDeactivationStartDateTime"),
            // The real one may do the same, and 0 is a card that is not active: it is for the client to always send it.
            flags: members.flags("CardUserFlags").unwrap_or(0),
            enforce_occupancy: members.boolean("EnforceOccupancySystem").unwrap_or(false),
            extras: Extras::default(),
        }
    }
}

/// Gives the card.
pub fn carry_out(context: &Context, call: AddUserCard, arrived: &Arrived) -> Result<Body, Stop> {
    let added = assign(context, call, arrived)?;
    Ok(Body::Outcome(Outcome::success(&ANSWER, Some(added.key))))
}

/// Judges the call, and asks the memory.
pub fn assign(context: &Context, call: AddUserCard, arrived: &Arrived) -> Result<Added, Stop> {
    let card = wanted(&call, &arrived.id, &context.card_types)?;
    let assignment = Assignment {
        user_id: call.user_id,
        card,
        reassign: call.reassign,
        enforce_occupancy: call.enforce_occupancy,
        has_pin: call.has_pin,
        activation: call.activation,
        deactivation: call.deactivation,
        flags: call.flags,
        extras: call.extras,
    };
    context.store.assign(&assignment, &arrived.forgotten)
}

/// Judges what the body says about itself. If card types are given, there are no others.
fn wanted(call: &AddUserCard, route_id: &str, card_types: &[CardType]) -> Result<WhichCard, Refusal> {
    rules::user(call.user_id, route_id)?;
    rules::dates(call.activation, call.deactivation)?;
    match call.card_id {
        Some(card_id) => known(call, card_id),
        None => described(call, card_types).map(WhichCard::Described),
    }
}

fn known(call: &AddUserCard, card_id: Uuid) -> Result<WhichCard, Refusal> {
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
        true => Ok(WhichCard::Known(card_id)),
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
