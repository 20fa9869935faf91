//! What is sent to a station and answered by it, as JSON.
//!
//! In: members, which are defined here alone for the server and the client. Out: the same. Never: who orders; the socket knows that.

use std::{fmt, marker::PhantomData};

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
};
use uuid::Uuid;

use crate::{
    access::{AddUser, Moment, Operation, Secret},
    card::Presentation,
    enroll::origin::{Named, RosterRow},
    roster::Row,
    views::notice::ErrorJson,
};

/// An order of a card for a user. Without `bits`, `card_id` and `presentation` it is the next card at a reader.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Order)]
pub struct OrderBody {
    /// The key of its entry; the same order again is the same order.
    pub id: Option<Uuid>,
    /// The user: a GUID, or an employee number or name of the site's list; empty with `new_user`.
    #[schema(schema_with = whom)]
    pub user: String,
    /// A literal. A card is one of bits, card_id and presentation; without them, the next one at a reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("{26}BD88EB80"))]
    pub bits: Option<String>,
    /// A card that BluSKY has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_id: Option<Uuid>,
    /// A card of a capture, and how often it was read there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation: Option<Box<Presentation>>,
    /// How often the card of a capture was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings: Option<u32>,
    /// Wait at this reader only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// How many seconds to wait for a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// BluSKY's number of the card type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_type: Option<i64>,
    /// The number printed on the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
    /// The external number to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_number: Option<String>,
    /// When it starts working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activate: Option<Moment>,
    /// When it stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deactivate: Option<Moment>,
    /// BluSKY's CardUserFlags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_user_flags: Option<i64>,
    /// Have BluSKY check the system against the user's occupancy.
    pub enforce_occupancy_system: bool,
    /// The PIN to be used with the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Secret>,
    /// Take the card from whoever holds it.
    pub reassign: bool,
    /// The card is what it is read as: a person says so.
    pub confirm: bool,
    /// The card may be one that was given to somebody else a moment ago.
    pub same_card: bool,
    /// Somebody is there who answers questions.
    pub can_be_asked: bool,
    /// A card that was not read whole does not end the order: it is waited for once more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits_on: bool,
    /// The person is a new one, who is added first; `user` is empty then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_user: Option<Box<AddUser>>,
    /// A person says that the new one is another than whoever is known by the same name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub namesake: bool,
    /// The groups of access levels that the new person is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_level_groups: Vec<i64>,
    /// This card of the user's is taken back first, or deactivated, as the site prefers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Uuid>,
    /// How the person is called, where the site's list does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Named>,
    /// The row of a roster that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roster: Option<RosterRow>,
    /// The listener (`GET /v1/notices?listener=`) whose order it is: once that one has gone, it is withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<Uuid>,
}

impl OrderBody {
    /// The order for a row of a roster; what the row does not say is as all rows have it.
    #[must_use]
    pub fn for_row(id: Uuid, row: &Row, at: RosterRow, all: &Self) -> Self {
        let is_new = row.new_user.is_some();
        let employee_number = Some(row.employee_number.clone()).filter(|number| !number.is_empty());
        // The groups of somebody new: those that all share, and their own.
        let shared = all.access_level_groups.iter().filter(|group| !row.groups.contains(group));
        Self {
            id: Some(id),
            user: if is_new { String::new() } else { row.user_id.to_string() },
            new_user: row.new_user.clone(),
            access_level_groups: if is_new { shared.chain(&row.groups).copied().collect() } else { Vec::new() },
            person: Some(Named { name: row.name.clone(), employee_number, without_access: false }),
            card_type: row.card_type.or(all.card_type),
            printed: row.printed.clone(),
            external_number: row.external_number.clone(),
            activate: row.activate.or(all.activate),
            deactivate: row.deactivate.or(all.deactivate),
            roster: Some(at),
            ..all.clone()
        }
    }
}

/// Another call.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CallOrder)]
pub struct CallBody {
    /// The key of its entry.
    pub id: Uuid,
    /// The call.
    pub operation: Operation,
    /// The password of the operation, which is nowhere in it.
    pub secret: Option<Secret>,
    /// The groups of access levels that a new user is given, once they are added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_level_groups: Vec<i64>,
    /// A person says that a new user is another than whoever is known by the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub namesake: bool,
}

impl CallBody {
    /// An order of this call and nothing else.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        Self { id: Uuid::now_v7(), operation, secret: None, access_level_groups: Vec::new(), namesake: false }
    }
}

/// An answer to a question.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Answer)]
pub struct AnswerBody {
    /// The question's number.
    pub question: u64,
    /// `yes` or `no`: one of this, printed and choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<YesOrNo>,
    /// The number printed on the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
    /// One of the choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<usize>,
    /// The answer is one for the whole site: it is kept in policy.toml beside the store, and such cards are not asked about again. It
    /// says something about `choose` and `first_seen` alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum YesOrNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// A person's wish for another try.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Retry)]
pub struct RetryBody {
    /// Somebody has looked in BluSKY, and it is not there.
    pub absent: bool,
    /// Somebody has looked in BluSKY, and the user who was to be added is there, under this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
}

fn whom() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    AnyOfBuilder::new().item(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))).item(text()).build().into()
}

/// A body of that shape; another one is an error like every other.
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let refused = |why: JsonRejection| Failed::new(why.status(), "body", why.body_text(), "GET /v1/openapi.json says what is taken");
        Json::from_request(request, state).await.map(|Json(Members(body))| Self(body)).map_err(refused)
    }
}

/// A body whose members are named: a list of values would be taken by their places.
struct Members<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object(PhantomData)).map(Self)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with members")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A query of that shape, in the same way.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let refused = |why: QueryRejection| Failed::new(why.status(), "query", why.body_text(), "GET /v1/openapi.json says what is taken");
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(refused)
    }
}

/// The values in a path, in the same way.
pub struct InPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let refused = |why: PathRejection| Failed::new(why.status(), "path", why.body_text(), "GET /v1/openapi.json says what is taken");
        Path::from_request_parts(parts, state).await.map(|Path(text)| Self(text)).map_err(refused)
    }
}

/// The key that a path names.
///
/// # Errors
/// It is none.
pub fn key(id: &str) -> Result<Uuid, Failed> {
    id.parse().map_err(|_| Failed::usage("key", format!("{id:?} is not the key of an order"), "a key is a GUID"))
}

/// Why a request was not carried out: the `{"error":…}` of `--json`.
#[derive(Debug, Clone, ToSchema)]
pub struct Failed {
    /// 400 for what is wrong in the request or the configuration, others for what cannot be done.
    #[schema(ignore)]
    pub status: u16,
    /// The error.
    #[schema(value_type = ErrorJson)]
    pub error: Value,
}

impl Failed {
    /// An error of this kind.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status: status.as_u16(), error: json!({"code": code, "message": message.into(), "help": help.into()}) }
    }

    /// Wrong in the request or the configuration.
    #[must_use]
    pub fn usage(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, help)
    }

    /// There is no station any more, and only its connections live on.
    #[must_use]
    pub fn station_ended() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "station_ended", "the station has ended", "ask the one that came after it")
    }

    /// It cannot be done.
    #[must_use]
    pub fn impossible(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, help)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(json!({"error": self.error}))).into_response();
        // A face can say it in words of its own.
        answer.extensions_mut().insert(self);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_new_of_a_row_gets_the_groups_of_all_and_their_own_and_somebody_known_gets_none() {
        let at = || RosterRow { run: Uuid::nil(), file: "people.csv".to_owned(), row: 2 };
        let all = OrderBody { access_level_groups: vec![3, 5], card_type: Some(3), ..OrderBody::default() };
        let known = Row { user_id: Uuid::from_u128(7), groups: vec![9], ..Row::default() };
        let id = Uuid::from_u128(9);
        let new_user: AddUser = serde_json::from_value(json!({
            "ac_system_id": id, "access_rights_suspended": false, "company_instance_id": id, "company_instance_type": 1, "facility_id": id,
            "first_name": "Ada", "has_login_rights": false, "last_name": "Lovelace", "web_site_rights_suspended": false,
        }))
        .unwrap();
        let new = Row { new_user: Some(Box::new(new_user)), groups: vec![5, 9], card_type: Some(4), ..Row::default() };
        let [known, new] = [&known, &new].map(|row| OrderBody::for_row(Uuid::from_u128(1), row, at(), &all));
        assert_eq!((known.access_level_groups, known.user, known.card_type), (vec![], Uuid::from_u128(7).to_string(), Some(3)));
        assert_eq!((new.access_level_groups, new.user, new.card_type), (vec![3, 5, 9], String::new(), Some(4)));
    }
}
