//! The models of the answers, under BluSKY's own names.
//!
//! In: what a call came to. Out: the same as JSON has it (serde), and the names XML adds ([`Body::shape`]). It decides nothing.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    answer::ErrorBody,
    contract::API_WEB_ROLE,
    reading::ACTIVE_CARDHOLDER,
    wire::Wire,
    xml::{self, Shape},
};

/// The body of an answer.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    Result(ResultWithGuid),
    UserCards(UserCards),
    SignedIn(SignedIn),
    Error(ErrorBody),
    /// The simulator's own answers.
    Own(Value),
    /// Bytes that are no model: a front end's page, or what a fault left of an answer.
    #[serde(skip)]
    Raw(&'static str, Vec<u8>),
}

/// The answer to AddUserCard.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResultWithGuid {
    pub(super) value: Uuid,
    pub(super) result_code: u8,
    pub(super) description: String,
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
    pub(super) credential_type: u8,
}

/// What v2 adds. Until the calls that set them exist, both are null.
#[derive(Default, Serialize)]
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

    fn shape(&self) -> Shape {
        match self {
            Body::Result(_) => Shape { root: "ResultWithGuid", namespace: API_WEB_ROLE, item: "", tail: &["Value"] },
            Body::UserCards(_) => {
                Shape { root: "PersonCardAndUserIdViewModel", namespace: API_WEB_ROLE, item: "PersonCardViewModel", tail: V2 }
            }
            // No page names this model.
            Body::SignedIn(_) => Shape { root: "AuthenticateResult", namespace: API_WEB_ROLE, item: "", tail: &[] },
            Body::Error(_) | Body::Own(_) | Body::Raw(..) => Shape { root: "Error", namespace: "", item: "", tail: &[] },
        }
    }

    /// The members as XML has them: with the status by its name, and flags by theirs.
    fn in_xml(&self) -> Value {
        let mut model = serde_json::to_value(self).unwrap_or_default();
        if let (Body::Result(_), Some(members)) = (self, model.as_object_mut()) {
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
