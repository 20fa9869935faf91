//! What the simulator answers, before and after it becomes HTTP.
//!
//! In: a model of `model.rs`, or an error in ASP.NET's shape. Out: an HTTP response with the simulator's header. The body stays a typed
//! model until the last moment, so that another wire format needs one more function beside [`Body::json`] and nothing else.

use std::collections::BTreeMap;

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::Response,
};
use serde::Serialize;
use serde_json::Value;

use super::model::{ResultWithGuid, SignedIn, UserCards};

/// Messages by member, in the shape of ASP.NET's ModelState: the key is `model.Member`, or `model` for the whole body.
pub(super) type ModelState = BTreeMap<String, Vec<String>>;

/// The content type of every model.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// What becomes of a request.
pub(super) enum Reply {
    /// An answer.
    Answer(Answer),
    /// The connection is closed without one.
    HangUp,
}

/// One answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Body,
    header: Option<(HeaderName, String)>,
}

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

/// ASP.NET's error.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorBody {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_state: Option<ModelState>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: Body) -> Answer {
        Answer { status: StatusCode::OK, body, header: None }
    }

    /// `{"Message": …}`.
    pub(super) fn message(status: StatusCode, message: impl Into<String>) -> Answer {
        Answer { status, body: Body::Error(ErrorBody { message: message.into(), model_state: None }), header: None }
    }

    /// A status with the message ASP.NET gives it.
    pub(super) fn status(status: StatusCode) -> Answer {
        let message = match status {
            StatusCode::BAD_REQUEST => "The request is invalid.",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Authorization has been denied for this request.",
            _ => "An error has occurred.",
        };
        match status {
            StatusCode::BAD_GATEWAY => Answer::html(status, "<h1>502 Bad Gateway</h1>"),
            _ if status.is_redirection() => Answer::html(status, "<h2>Object moved</h2>").with(LOCATION, "/Account/Login"),
            _ => Answer::message(status, message),
        }
    }

    /// 400 with the messages of each member.
    pub(super) fn invalid(model_state: ModelState) -> Answer {
        let body = Body::Error(ErrorBody { message: "The request is invalid.".into(), model_state: Some(model_state) });
        Answer { status: StatusCode::BAD_REQUEST, body, header: None }
    }

    /// A page such as a front end sends.
    pub(super) fn html(status: StatusCode, inner: &str) -> Answer {
        let page = format!("<!DOCTYPE html>\r\n<html><head><title>BluSKY</title></head><body>{inner}</body></html>\r\n");
        Answer { status, body: Body::Raw("text/html; charset=utf-8", page.into_bytes()), header: None }
    }

    /// The same answer with a header of its own.
    pub(super) fn with(self, name: HeaderName, value: impl Into<String>) -> Answer {
        Answer { header: Some((name, value.into())), ..self }
    }

    /// The HTTP response.
    pub(super) fn into_response(self) -> Response {
        let (content_type, bytes) = match self.body {
            Body::Raw(content_type, bytes) => (content_type, bytes),
            model => (JSON, model.json()),
        };
        let mut response = Response::new(bytes.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert("x-cardbridge-simulator", HeaderValue::from_static("1"));
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.insert(name, value);
        }
        response
    }
}

impl Body {
    /// The bytes on the wire.
    pub(super) fn json(&self) -> Vec<u8> {
        match self {
            Body::Raw(_, bytes) => bytes.clone(),
            // These models hold text, numbers and maps with text keys: nothing that JSON cannot say.
            model => serde_json::to_vec(model).unwrap_or_default(),
        }
    }
}
