//! `Result`, and the models derived from it: the answer to every call that changes something.
//!
//! In: success or a refusal. Out: the model, typed, so that a fault can change its code or its value. It decides nothing.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{contract::API_WEB_ROLE, shown::Shown, xml::Shape};
use crate::simulator::words::result_code::{Refusal, ResultCode};

/// Which model a call answers.
pub struct ResultModel {
    /// The root element of its XML.
    pub root: &'static str,
    /// The namespace of its XML.
    pub namespace: &'static str,
    /// The members of derived classes.
    pub tail: &'static [&'static str],
    /// Whether its XML names the HTTP status; the older models do not.
    pub has_status: bool,
    /// Whether it answers the key of what was made.
    pub has_value: bool,
    /// Whether it answers from whom to whom a card went.
    pub has_users: bool,
}

/// What a call answers that makes nothing, and so has no key to tell.
pub const MAKES_NOTHING: ResultModel =
    ResultModel { root: "Result", namespace: API_WEB_ROLE, tail: &[], has_status: true, has_value: false, has_users: false };

/// One answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    #[serde(skip)]
    model: &'static ResultModel,
    /// The key of what was made. All zero if nothing was; absent if the call makes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Uuid>,
    /// The same where it is a number.
    #[serde(rename = "Value", skip_serializing_if = "Option::is_none")]
    pub whole: Option<i64>,
    pub result_code: i32,
    description: String,
    #[serde(flatten)]
    pub moved: Option<Moved>,
}

/// What ReplaceCardIfExists adds.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Moved {
    pub previous_user_id: Option<Uuid>,
    pub current_user_id: Option<Uuid>,
}

impl Outcome {
    /// It worked. `value` is the key of what was made.
    pub fn success(model: &'static ResultModel, value: Option<Uuid>) -> Outcome {
        Outcome { model, value, whole: None, result_code: ResultCode::Success as i32, description: "Success".into(), moved: None }
    }

    /// The same with a number in the place of a key.
    pub fn with(self, whole: i64) -> Outcome {
        Outcome { whole: Some(whole), ..self }
    }

    /// It did not. Where a key would stand, there is an all-zero one.
    pub fn refused(model: &'static ResultModel, refusal: Refusal) -> Outcome {
        Outcome {
            model,
            value: model.has_value.then(Uuid::nil),
            whole: None,
            result_code: refusal.code as i32,
            description: refusal.description,
            moved: model.has_users.then(Moved::default),
        }
    }
}

impl Shown for Outcome {
    fn shape(&self) -> Shape {
        Shape { root: self.model.root.into(), namespace: self.model.namespace, item: "".into(), tail: self.model.tail }
    }

    fn in_xml(&self) -> Value {
        let mut model = serde_json::to_value(self).unwrap_or_default();
        if let (true, Some(members)) = (self.model.has_status, model.as_object_mut()) {
            members.insert("HttpStatusCode".into(), "OK".into());
        }
        model
    }
}
