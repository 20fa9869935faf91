//! The models of the answers, under BluSKY's own names.
//!
//! In: what a call came to. Out: the same as JSON has it (serde), and the names XML adds ([`Body::shape`]). It decides nothing.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::ErrorBody,
    contract::{API_WEB_ROLE, BLUSKY_WEB_API},
    lookups::Lookup,
    reading::ACTIVE_CARDHOLDER,
    routes::Call,
    rules::{Refusal, ResultCode},
    wire::Wire,
    xml::{self, Shape},
};

/// The body of an answer.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    Outcome(Outcome),
    UserCards(UserCards),
    SignedIn(SignedIn),
    Listed(Listed),
    Error(ErrorBody),
    /// The simulator's own answers.
    Own(Value),
    /// Bytes that are no model: a front end's page, or what a fault left of an answer.
    #[serde(skip)]
    Raw(&'static str, Vec<u8>),
}

/// `Result`, and the models derived from it: the answer to every call that changes something.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outcome {
    #[serde(skip)]
    pub(super) call: Call,
    /// The key of what was made. All zero if nothing was; absent if the call makes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Uuid>,
    pub(super) result_code: i32,
    pub(super) description: String,
    #[serde(flatten)]
    pub(super) moved: Option<Moved>,
}

/// What ReplaceCardIfExists adds.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Moved {
    pub(super) previous_user_id: Option<Uuid>,
    pub(super) current_user_id: Option<Uuid>,
}

/// The answer to a lookup.
pub(super) struct Listed {
    pub(super) lookup: &'static Lookup,
    pub(super) items: Vec<Value>,
    /// Whether the list stands in an object, as the Value of a result.
    pub(super) is_wrapped: bool,
}

/// The answer to Authenticate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignedIn {
    pub(super) email: String,
    pub(super) is_authenticated: bool,
    pub(super) token: Option<String>,
}

/// The read-back: `PersonCardAndUserIdViewModel`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserCards {
    pub(super) user_id: Uuid,
    pub(super) cards: Vec<PersonCard>,
}

/// `PersonCardViewModel`: one assignment, with its card.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PersonCard {
    #[serde(flatten)]
    pub(super) v2: Option<PersonCardV2>,
    pub(super) person_card_id: String,
    pub(super) card_name: String,
    pub(super) card_id: String,
    pub(super) card_type: i64,
    #[serde(rename = "CardACSystemId")]
    pub(super) card_ac_system_id: String,
    #[serde(rename = "CardACSystemName")]
    pub(super) card_ac_system_name: String,
    pub(super) internal_card_number: i64,
    pub(super) external_card_number: String,
    pub(super) card_serial_number: Option<i64>,
    pub(super) facility_code: i64,
    pub(super) issue_code: i64,
    /// Always null.
    #[serde(rename = "PIN")]
    pub(super) pin: (),
    pub(super) deleted: bool,
    pub(super) hid_invitation_code: (),
    pub(super) invitation_redeemed_date_time: (),
    pub(super) date_inserted: String,
    pub(super) date_updated: String,
    pub(super) card_activation_start_date_time: Option<String>,
    pub(super) card_deactivation_start_date_time: Option<String>,
    pub(super) card_user_flags: i64,
    pub(super) encrypted_mobile_credentials: [(); 0],
    pub(super) credential_type: i64,
}

/// What v2 adds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PersonCardV2 {
    pub(super) number_of_card_uses: Option<i64>,
    pub(super) public_notes: Option<String>,
}

impl Body {
    /// The bytes on the wire.
    pub(super) fn bytes(&self, wire: Wire) -> Vec<u8> {
        match (self, wire) {
            (Body::Raw(_, bytes), _) => bytes.clone(),
            // These models hold text, numbers and maps with text keys: nothing that JSON cannot say.
            (model @ Body::Own(_), _) | (model, Wire::Json) => serde_json::to_vec(model).unwrap_or_default(),
            (model, Wire::Xml) => xml::write(&model.shape(), &model.in_xml()),
        }
    }

    /// The read-back of the second version, the sign-in, ReplaceCardIfExists and the lookups have names of our own: no page tells theirs.
    /// Their namespace is that of the page whose path is built like theirs.
    fn shape(&self) -> Shape {
        let of = |root: &'static str, namespace, tail| Shape { root: root.into(), namespace, item: "".into(), tail };
        match self {
            Body::Outcome(outcome) => match outcome.call {
                Call::AddUser => of("ResultWithGuid", BLUSKY_WEB_API, &[]),
                Call::UpdateUserCard => of("Result", API_WEB_ROLE, &[]),
                Call::ReplaceCardIfExists => of("ReplaceCardResult", API_WEB_ROLE, &["Value", "CurrentUserId", "PreviousUserId"]),
                _ => of("ResultWithGuid", API_WEB_ROLE, &["Value"]),
            },
            Body::UserCards(_) => Shape { item: "PersonCardViewModel".into(), ..of("PersonCardAndUserIdViewModel", API_WEB_ROLE, V2) },
            Body::SignedIn(_) => of("AuthenticateResult", BLUSKY_WEB_API, &[]),
            Body::Listed(listed) => {
                let (list, kind) = (if listed.is_wrapped { "ResultWithArrayOf" } else { "ArrayOf" }, listed.lookup.kind);
                Shape {
                    root: format!("{list}{kind}ViewModel").into(),
                    item: format!("{kind}ViewModel").into(),
                    ..of("", BLUSKY_WEB_API, &["Value"])
                }
            }
            Body::Error(_) | Body::Own(_) | Body::Raw(..) => of("Error", "", &[]),
        }
    }

    /// The members as XML has them: with the status by its name (not in the older model of AddUser), and flags by theirs.
    fn in_xml(&self) -> Value {
        let mut model = serde_json::to_value(self).unwrap_or_default();
        if let (Body::Outcome(outcome), Some(members)) = (self, model.as_object_mut())
            && outcome.call != Call::AddUser
        {
            members.insert("HttpStatusCode".into(), "OK".into());
        }
        for card in model.get_mut("Cards").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(flags) = card.get_mut("CardUserFlags") {
                *flags = flag_names(flags);
            }
        }
        model
    }
}

impl Outcome {
    /// It worked. `value` is the key of what was made.
    pub(super) fn success(call: Call, value: Option<Uuid>) -> Outcome {
        Outcome { call, value, result_code: ResultCode::Success as i32, description: "Success".into(), moved: None }
    }

    /// It did not. Where a key would stand, there is an all-zero one.
    pub(super) fn refused(call: Call, refusal: Refusal) -> Outcome {
        Outcome {
            call,
            value: (call != Call::UpdateUserCard).then(Uuid::nil),
            result_code: refusal.code as i32,
            description: refusal.description,
            moved: (call == Call::ReplaceCardIfExists).then(Moved::default),
        }
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_wrapped {
            true => json!({ "Value": self.items, "ResultCode": 0, "Description": "Success" }).serialize(serializer),
            false => self.items.serialize(serializer),
        }
    }
}

/// What the second version of the read-back adds.
const V2: &[&str] = &["NumberOfCardUses", "PublicNotes"];

/// 0 has no name and is empty; what has no known name stays a number, where .NET would fail.
fn flag_names(flags: &Value) -> Value {
    match flags.as_i64() {
        Some(0) => "".into(),
        Some(bits) if bits == ACTIVE_CARDHOLDER.1 => ACTIVE_CARDHOLDER.0.into(),
        _ => flags.clone(),
    }
}
