//! The other side of the station's API: what a command asks, and what it hears.
//!
//! In: requests. Out: answers as JSON, notices one after the other. Never: a request repeated by itself.

use std::{path::Path, time::Duration};

use reqwest::{
    Client as Http, Method, Response,
    header::{ACCEPT, HeaderValue},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Digests,
    api::body::{AnswerBody, CallBody, Failed, OrderBody, RetryBody},
    platform::socket::SocketPlace,
};

/// What a station says, member by member.
pub trait Said {
    /// A member; null where there is none.
    fn at(&self, name: &str) -> &Value;
    /// A member that is a text; an empty one where there is none.
    fn text(&self, name: &str) -> &str {
        self.at(name).as_str().unwrap_or_default()
    }
}

impl Said for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

/// A station that is asked.
#[derive(Debug)]
pub struct Client {
    http: Http,
    _place: SocketPlace,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AskError {
    /// The station said no.
    #[error("{}", .0.error.text("message"))]
    Refused(Failed),
    /// There is no station, or it has ended.
    #[error("the station has ended")]
    Gone,
}

/// A station that is alive says what it is within this time.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// The station may take this long for an answer that is no stream.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// No line of a stream is longer.
const LARGEST_LINE: usize = 4 << 20;

impl Client {
    /// The station beside this store, if it answers, and what it says of itself.
    pub async fn connect(store: &Path, ordered_by: Option<&str>) -> Option<(Self, Value)> {
        let place = SocketPlace::beside(store).ok()?;
        let mut headers = reqwest::header::HeaderMap::new();
        let line = |name: &str| name.replace(char::is_control, " ");
        if let Some(name) = ordered_by.and_then(|name| HeaderValue::from_bytes(line(name).as_bytes()).ok()) {
            headers.insert("cardbridge-as", name);
        }
        // A local socket needs no certificate, but the library needs a provider of ciphers all the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Http::builder().unix_socket(place.path()).tls_certs_only([]).no_proxy().default_headers(headers);
        let client = Self { http: builder.build().ok()?, _place: place };
        // A station that is suspended accepts connections and answers nothing.
        let station = timeout(GREETING_TIMEOUT, client.get("v1/station?brief=true")).await.ok()?.ok()?;
        Some((client, station))
    }

    /// How it is, with all that has to be counted for it.
    ///
    /// # Errors
    /// The store cannot be read, or there is no station.
    pub async fn station(&self) -> Result<Value, AskError> {
        self.get("v1/station").await
    }

    /// What tells its site from another.
    #[must_use]
    pub fn digests(station: &Value) -> Option<Digests> {
        serde_json::from_value(station.at("digests").clone()).ok()
    }

    /// Orders a card and follows the order.
    ///
    /// # Errors
    /// It is refused, or there is no station.
    pub async fn order(&self, body: &OrderBody) -> Result<Notices, AskError> {
        self.follow(Method::POST, "v1/enrollments", Some(body)).await
    }

    /// Orders another call and follows it.
    ///
    /// # Errors
    /// It is refused, or there is no station.
    pub async fn call(&self, body: &CallBody) -> Result<Notices, AskError> {
        self.follow(Method::POST, "v1/calls", Some(body)).await
    }

    /// Orders a card that a listener of this client's hears of; gives how it stands, where it was saved before.
    ///
    /// # Errors
    /// It is refused, or there is no station.
    pub async fn place(&self, body: &OrderBody) -> Result<Value, AskError> {
        self.ask(Method::POST, "v1/enrollments", Some(body)).await
    }

    /// Withdraws an order; what is saved stays.
    ///
    /// # Errors
    /// There is no station.
    pub async fn withdraw(&self, order: Uuid) -> Result<(), AskError> {
        self.ask(Method::DELETE, &format!("v1/enrollments/{order}"), None::<&()>).await.map(drop)
    }

    /// Follows everything from now on, as a listener that has orders by this key, with this reader open, or all (`*`).
    ///
    /// # Errors
    /// There is no station.
    pub async fn listen(&self, listener: Uuid, reader: &str) -> Result<Notices, AskError> {
        self.follow(Method::GET, &format!("v1/notices?listener={listener}&reader={}", escaped(reader)), None::<&()>).await
    }

    /// Follows everything from now on, with this reader open, or all (`*`), and what is typed at their keypads.
    ///
    /// # Errors
    /// There is no such reader, or no station.
    pub async fn readings(&self, reader: &str) -> Result<Notices, AskError> {
        self.follow(Method::GET, &format!("v1/notices?keys=true&reader={}", escaped(reader)), None::<&()>).await
    }

    /// Follows everything from now on, with this reader open, or all (`*`).
    ///
    /// # Errors
    /// There is no such reader, or no station.
    pub async fn notices(&self, reader: Option<&str>) -> Result<Notices, AskError> {
        let query = reader.map(|reader| format!("?reader={}", escaped(reader))).unwrap_or_default();
        self.follow(Method::GET, &format!("v1/notices{query}"), None::<&()>).await
    }

    /// Answers a question.
    ///
    /// # Errors
    /// It is no answer, or there is no station.
    pub async fn answer(&self, order: Uuid, answer: &AnswerBody) -> Result<(), AskError> {
        self.ask(Method::POST, &format!("v1/enrollments/{order}/answer"), Some(answer)).await.map(drop)
    }

    /// The entries of this state, about this user, saved since then; the last ones, so many.
    ///
    /// # Errors
    /// The store cannot be read, or there is no station.
    pub async fn outbox(&self, wanted: &[(&str, String)]) -> Result<Value, AskError> {
        let query: Vec<String> = wanted.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.get(&format!("v1/outbox?{}", query.join("&"))).await
    }

    /// One entry with its way, by its key or the beginning of it.
    ///
    /// # Errors
    /// There is none, or several.
    pub async fn entry(&self, id: &str) -> Result<Value, AskError> {
        self.get(&format!("v1/outbox/{}", escaped(id))).await
    }

    /// Asks for another try.
    ///
    /// # Errors
    /// It is not to be tried.
    pub async fn retry(&self, id: &str, absent: bool, user: Option<Uuid>) -> Result<Value, AskError> {
        self.ask(Method::POST, &format!("v1/outbox/{}/retry", escaped(id)), Some(&RetryBody { absent, user })).await
    }

    /// Gives an entry up.
    ///
    /// # Errors
    /// It cannot be given up.
    pub async fn discard(&self, id: &str) -> Result<Value, AskError> {
        self.ask(Method::POST, &format!("v1/outbox/{}/discard", escaped(id)), None::<&()>).await
    }

    /// Has the card of an accepted enrollment taken back, and given back to its holder before, where that is known.
    ///
    /// # Errors
    /// It cannot be undone.
    pub async fn undo(&self, id: &str) -> Result<Value, AskError> {
        self.ask(Method::POST, &format!("v1/outbox/{}/undo", escaped(id)), None::<&()>).await
    }

    /// Who has the card of a refused entry, as far as that is known.
    ///
    /// # Errors
    /// The store cannot be read, or there is no station.
    pub async fn holders(&self, id: &str) -> Result<Value, AskError> {
        self.get(&format!("v1/outbox/{}/holders", escaped(id))).await
    }

    /// Has everything delivered that waits, until nothing more can be sent for a while; gives the number of the last notice since, or 0.
    ///
    /// # Errors
    /// There is no station.
    pub async fn deliver(&self) -> Result<u64, AskError> {
        let delivered = said(self.request(Method::POST, "v1/outbox/deliver?wait=true", None::<&()>)).await?;
        Ok(delivered.at("last").as_u64().unwrap_or_default())
    }

    /// Asks it to leave its place to this process.
    ///
    /// # Errors
    /// It stays.
    pub async fn hand_over(&self) -> Result<(), AskError> {
        self.ask(Method::POST, "v1/station/hand-over", None::<&()>).await.map(drop)
    }

    async fn get(&self, path: &str) -> Result<Value, AskError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Value, AskError> {
        said(self.request(method, path, body).timeout(ANSWER_TIMEOUT)).await
    }

    async fn follow(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Notices, AskError> {
        let request = self.request(method, path, body).header(ACCEPT, "text/event-stream");
        let response = answered(request.send().await.map_err(|_| AskError::Gone)?).await?;
        Ok(Notices { response, text: Vec::new() })
    }

    fn request(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("http://station/{path}"));
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

/// What is said to a request, as JSON.
async fn said(request: reqwest::RequestBuilder) -> Result<Value, AskError> {
    let response = answered(request.send().await.map_err(|_| AskError::Gone)?).await?;
    let bytes = response.bytes().await.map_err(|_| AskError::Gone)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// The answer, where it is no error.
async fn answered(response: Response) -> Result<Response, AskError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == reqwest::StatusCode::SERVICE_UNAVAILABLE {
        return Err(AskError::Gone);
    }
    let body = response.json::<Value>().await.unwrap_or_default();
    let error = match body.at("error") {
        Value::Null => json!({"code": "station", "message": format!("the station answers {status}"), "help": ""}),
        error => error.clone(),
    };
    Err(AskError::Refused(Failed { status: status.as_u16(), error }))
}

/// A name as a part of a path or query.
#[must_use]
pub fn escaped(name: &str) -> String {
    name.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

/// Notices as they come.
#[derive(Debug)]
pub struct Notices {
    response: Response,
    text: Vec<u8>,
}

impl Notices {
    /// The next notice; none once the station has ended. Nothing is lost if the wait is cancelled.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                // An event of the station's is one line of data; its number stands in it too.
                if let Some(notice) = line.strip_prefix(b"data:").and_then(|data| serde_json::from_slice(data).ok()) {
                    return Some(notice);
                }
            }
            if self.text.len() > LARGEST_LINE {
                return None;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.extend_from_slice(&chunk);
        }
    }
}
