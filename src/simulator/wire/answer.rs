//! What the simulator answers, before and after it becomes HTTP.
//!
//! In: a body, or an error in ASP.NET's shape. Out: an HTTP response with the simulator's header.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Bytes,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    },
    response::Response,
};
use http_body::Frame;

use super::{
    body::{Body, ErrorBody, ModelState},
    media::{JSON, Media},
};

/// What becomes of a request.
pub enum Reply {
    /// An answer.
    Answer(Answer),
    /// The connection is closed without one.
    HangUp,
}

/// One answer.
pub struct Answer {
    pub status: StatusCode,
    pub body: Body,
    /// Whether the connection is closed in the middle of the body.
    pub breaks_off: bool,
    headers: Vec<(HeaderName, String)>,
}

impl Answer {
    fn new(status: StatusCode, body: Body) -> Answer {
        Answer { status, body, breaks_off: false, headers: Vec::new() }
    }

    /// 200 with a body.
    pub fn ok(body: Body) -> Answer {
        Answer::new(StatusCode::OK, body)
    }

    /// `{"Message": …}`.
    pub fn message(status: StatusCode, message: impl Into<String>) -> Answer {
        Answer::new(status, Body::model(ErrorBody { message: message.into(), message_detail: None, model_state: None }))
    }

    /// 404 as from a server that has no such call.
    pub fn no_such_call(uri: &str, controller: &str) -> Answer {
        let body = ErrorBody {
            message: format!("No HTTP resource was found that matches the request URI '{uri}'."),
            message_detail: Some(format!("No type was found that matches the controller named '{controller}'.")),
            model_state: None,
        };
        Answer::new(StatusCode::NOT_FOUND, Body::model(body))
    }

    /// A status with the message ASP.NET gives it.
    pub fn status(status: StatusCode) -> Answer {
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
    pub fn invalid(model_state: ModelState) -> Answer {
        let body =
            Body::model(ErrorBody { message: "The request is invalid.".into(), message_detail: None, model_state: Some(model_state) });
        Answer::new(StatusCode::BAD_REQUEST, body)
    }

    /// A page such as a front end sends.
    pub fn html(status: StatusCode, inner: &str) -> Answer {
        let page = format!("<!DOCTYPE html>\r\n<html><head><title>BluSKY</title></head><body>{inner}</body></html>\r\n");
        Answer::new(status, Body::Raw("text/html; charset=utf-8", page.into_bytes()))
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: HeaderName, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The HTTP response.
    pub fn into_response(self, media: Media) -> Response {
        let content_type = match self.body {
            Body::Raw(content_type, _) => content_type,
            Body::Own(_) => JSON.content_type,
            _ => media.content_type,
        };
        let bytes = Bytes::from(self.body.bytes(media.wire));
        let length = bytes.len();
        let mut response = match self.breaks_off {
            true => Response::new(axum::body::Body::new(Half::of(bytes))),
            false => Response::new(bytes.into()),
        };
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert("x-cardbridge-simulator", HeaderValue::from_static("1"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A body that fails after its first half.
struct Half {
    half: Option<Bytes>,
    flushed: bool,
}

impl Half {
    fn of(mut bytes: Bytes) -> Half {
        bytes.truncate(bytes.len() / 2);
        Half { half: Some(bytes), flushed: false }
    }
}

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !std::mem::replace(&mut self.flushed, true) {
            // While nothing more is there, what was written goes out.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
