//! `GET api/v1/Users/UserCards` and `api/v2/Users/UserCards`: the read-back of a user's cards.
//!
//! In: a query, read as strictly as a body. Out: the user's cards.

use axum::{extract::Query, http::Uri};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::context::Context;
use crate::simulator::{
    state::recall::{Asked, PersonCard},
    wire::{
        body::{Body, ModelState},
        contract::API_WEB_ROLE,
        members::{ACTIVE_CARDHOLDER, guid},
        shown::Shown,
        xml::Shape,
    },
};

/// `PersonCardAndUserIdViewModel`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserCards {
    user_id: Uuid,
    cards: Vec<PersonCard>,
}

/// Shows them.
pub fn carry_out(context: &Context, asked: &Asked) -> rusqlite::Result<Body> {
    Ok(Body::model(UserCards { user_id: asked.user_id, cards: context.store.user_cards(asked)? }))
}

/// `GET api/v1|v2/Users/GetLoggedInUsersCards`: the user whom the token stands for is nobody's here, and has no cards.
pub fn of_nobody() -> Body {
    Body::model(UserCards { user_id: LOGGED_IN, cards: Vec::new() })
}

/// The user whom the token stands for.
const LOGGED_IN: Uuid = Uuid::from_u128(0x51aa_7c90_0000_4000_8000_0000_0000_0001);

/// Reads the parameters, as strictly as a body.
pub fn asked(uri: &Uri, v2: bool) -> Result<Asked, ModelState> {
    let mut wrong = ModelState::new();
    let mut object = |name: &str, problem: &str| wrong.entry(name.to_owned()).or_default().push(problem.to_owned());
    let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
    let (mut user_id, mut include_deleted, mut facility) = (None, false, None);
    for (name, value) in &parameters {
        match name.to_ascii_lowercase().as_str() {
            "userid" => user_id = guid(value),
            "includedeleted" => match value.to_ascii_lowercase().parse() {
                Ok(whether) => include_deleted = whether,
                Err(_) => object(name, "The value must be True or False."),
            },
            "facilitycode" => match value.parse() {
                Ok(-1) => facility = None,
                Ok(code) => facility = Some(code),
                Err(_) => object(name, "The value must be an integer; -1 is any."),
            },
            _ => object(name, "The call has no such parameter; it has UserId, IncludeDeleted and FacilityCode."),
        }
    }
    if user_id.is_none() {
        object("UserId", "Required: a GUID such as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1.");
    }
    match user_id {
        Some(user_id) if wrong.is_empty() => Ok(Asked { user_id, include_deleted, facility, v2 }),
        _ => Err(wrong),
    }
}

impl Shown for UserCards {
    fn shape(&self) -> Shape {
        Shape {
            root: "PersonCardAndUserIdViewModel".into(),
            namespace: API_WEB_ROLE,
            item: "PersonCardViewModel".into(),
            tail: &["NumberOfCardUses", "PublicNotes"],
        }
    }

    /// Flags have names there.
    fn in_xml(&self) -> Value {
        let mut model = serde_json::to_value(self).unwrap_or_default();
        for card in model.get_mut("Cards").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(flags) = card.get_mut("CardUserFlags") {
                *flags = flag_names(flags);
            }
        }
        model
    }
}

/// 0 has no name and is empty; what has no known name stays a number, where .NET would fail.
fn flag_names(flags: &Value) -> Value {
    match flags.as_i64() {
        Some(0) => "".into(),
        Some(bits) if bits == ACTIVE_CARDHOLDER.1 => ACTIVE_CARDHOLDER.0.into(),
        _ => flags.clone(),
    }
}
