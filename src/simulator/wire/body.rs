//! The body of an answer, before it is written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    media::Wire,
    outcome::Outcome,
    shown::{Shown, Written},
    xml::Shape,
};

/// Messages by member, in the shape of ASP.NET's ModelState: the key is `model.Member`, or `model` for the whole body.
pub type ModelState = BTreeMap<String, Vec<String>>;

/// What an answer says.
pub enum Body {
    /// What a call that changes something came to.
    Outcome(Outcome),
    /// Any other model.
    Model(Box<dyn Written>),
    /// The simulator's own answers: JSON, whatever was asked for.
    Own(Value),
    /// Bytes that are no model: a front end's page, or what a fault left of an answer. With their media type.
    Raw(&'static str, Vec<u8>),
}

/// ASP.NET's error.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorBody {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_state: Option<ModelState>,
}

impl Body {
    /// A model other than an outcome.
    pub fn model(model: impl Shown + Send + 'static) -> Body {
        Body::Model(Box::new(model))
    }

    /// The bytes on the wire.
    pub fn bytes(&self, wire: Wire) -> Vec<u8> {
        match self {
            Body::Outcome(outcome) => outcome.bytes(wire),
            Body::Model(model) => model.bytes(wire),
            Body::Own(value) => value.to_string().into_bytes(),
            Body::Raw(_, bytes) => bytes.clone(),
        }
    }
}

impl Shown for ErrorBody {
    fn shape(&self) -> Shape {
        Shape { root: "Error".into(), namespace: "", item: "".into(), tail: &[] }
    }
}
