//! The client: carries calls to BluSKY over HTTP and brings back outcomes.
//!
//! In: an operation or a question, and the site's settings. Out: an [`Outcome`], the user's [`Cards`], or a list. Never: a call
//! repeated by itself, but once with a new token after a 401, which says that it was not carried out.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use reqwest::{
    Client as Http, RequestBuilder, Response,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};
use uuid::Uuid;

pub use super::http::ClientError;
use super::{
    answer::{AnswerRules, sort_cards, sort_write},
    call::{self, Method},
    cards,
    http::{self, Failure, bounded, failure},
    lookup::{Kind, Listing, sort_lookup},
    settings::Settings,
    sign_in::{Signer, Ticket},
    wire::Wire,
};
use crate::access::{AccessControl, Cards, Detail, NO_SUCH_CALL, Operation, Outcome};

/// BluSKY over HTTP.
pub struct Client {
    http: Http,
    settings: Settings,
    signer: Signer,
    /// Seconds; 0 for none.
    asked_to_wait: AtomicU64,
    /// A card of this BluSKY was shown with a PIN.
    shows_pins: AtomicBool,
}

/// No answer to a write, and no list of one user's cards, is larger.
const LARGEST_ANSWER: usize = 1 << 20;
/// Lists of everything a site has.
const LARGEST_LIST: usize = 32 << 20;
/// A server that asks for more is asked again after this time, in seconds.
const LONGEST_WAIT: u64 = 600;

impl Client {
    /// Judges what can be judged before there is anything to say: a header's name, and the files of the connection.
    ///
    /// # Errors
    /// Those of [`Client::new`].
    pub fn check(settings: &Settings) -> Result<(), ClientError> {
        let connecting = &settings.connecting;
        let has_files = connecting.ca_file.is_some() || connecting.client_cert.is_some() || connecting.proxy.is_some();
        let is_header = settings.token_header.parse::<reqwest::header::HeaderName>().is_ok();
        if has_files || !is_header { Self::new(settings.clone()).map(drop) } else { Ok(()) }
    }

    /// Makes a client.
    ///
    /// # Errors
    /// A header's name that is none, a certificate or key that cannot be used, or a TLS store that cannot be read.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        if settings.token_header.parse::<reqwest::header::HeaderName>().is_err() {
            return Err(ClientError::Header);
        }
        let http = http::client(&settings)?;
        Ok(Self { http, signer: Signer::new(&settings), settings, asked_to_wait: AtomicU64::new(0), shows_pins: AtomicBool::new(false) })
    }

    /// True where the server says that it is a simulator.
    pub async fn is_simulator(&self) -> bool {
        let asked = self.http.get(format!("{}/simulator", self.settings.base_url)).send().await;
        asked.is_ok_and(|response| response.headers().contains_key("x-cardbridge-simulator"))
    }

    /// Asks for a list of what BluSKY has, by the first call of it that answers with one.
    pub async fn lookup(&self, kind: Kind) -> Listing {
        let (mut first, mut missing) = (None, Vec::new());
        for path in kind.paths() {
            let url = format!("{}/{path}", self.settings.base_url);
            match self.call(kind.name(), LARGEST_LIST, || self.http.get(&url).header(ACCEPT, self.accept())).await {
                Ok((status, body)) => match sort_lookup(kind, status, &body, self.settings.terms()) {
                    found @ (Listing::Items(_) | Listing::Stopped { .. } | Listing::Later { .. }) => {
                        return self.without_token(found).await;
                    }
                    Listing::Missing { .. } => missing.push(format!("no {path} ({status})")),
                    other => drop(first.get_or_insert(other)),
                },
                Err(Failure::NotSent(why) | Failure::NoAnswer { why, .. }) => return self.without_token(Listing::Later { why }).await,
                Err(Failure::Stopped(why)) => return self.without_token(Listing::Stopped { why }).await,
            }
        }
        let missing = || Listing::Missing { why: format!("this BluSKY has {}", missing.join(", ")) };
        self.without_token(first.unwrap_or_else(missing)).await
    }

    async fn call(&self, name: &str, largest: usize, request: impl Fn() -> RequestBuilder) -> Result<(u16, Vec<u8>), Failure> {
        let begun = Instant::now();
        let response = self.answer(request).await?;
        let status = response.status().as_u16();
        let body = bounded(response, largest).await?;
        tracing::debug!(call = name, status, bytes = body.len(), millis = begun.elapsed().as_millis() as u64, "BluSKY answered");
        Ok((status, body))
    }

    /// An answer whose body has not been read.
    pub(super) async fn answer(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, Failure> {
        let ticket = self.signer.ticket(&self.http).await?;
        let answer = self.once(request(), &ticket).await?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        // The token may have been renewed on disk, or have run out: once more with a new one, never with the same.
        match self.signer.renewed(&self.http, &ticket).await? {
            Some(renewed) => self.once(request(), &renewed).await,
            None => Ok(answer),
        }
    }

    async fn once(&self, request: RequestBuilder, ticket: &Ticket) -> Result<Response, Failure> {
        let sent = request.header(self.settings.token_header.as_str(), ticket.header.clone()).send().await;
        let response = sent.map_err(failure)?;
        self.asked_to_wait.fetch_max(retry_after(&response), Ordering::Relaxed);
        Ok(response)
    }
}

impl AccessControl for Client {
    async fn send(&self, operation: &Operation) -> Outcome {
        let settings = &self.settings;
        let mut endpoint = call::endpoint(operation);
        let mut wire = call::spoken(operation, settings.wire);
        if settings.replace_card_if_exists && operation.takes_from_its_holder() {
            (endpoint.name, endpoint.path) = ("ReplaceCardIfExists", call::replace_path(operation));
            // The pages name no XML contract for it.
            wire = Wire::Json;
        }
        if settings.add_user_v2 && matches!(operation, Operation::AddUser(_)) {
            // The pages show no XML namespace for it.
            (endpoint.path, wire) = (call::ADD_USER_V2.to_owned(), Wire::Json);
        }
        let body = match call::body(operation, wire) {
            Ok(body) => body,
            Err(error) => return Outcome::NotSent { why: error.to_string() },
        };
        let method = match endpoint.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let media = wire.content_type(settings.media);
        let accept = wire.accept(settings.media);
        let sent = async |path: &str| {
            let url = format!("{}/{path}", settings.base_url);
            let request = || {
                let request = self.http.request(method.clone(), &url).header(ACCEPT, accept);
                if body.is_empty() { request } else { request.header(CONTENT_TYPE, media).body(body.clone()) }
            };
            match self.call(endpoint.name, LARGEST_ANSWER, request).await {
                Ok((status, body)) => sort_write(status, &body, settings.terms(), operation.answers()),
                Err(Failure::NotSent(why)) => Outcome::Away { why },
                Err(Failure::NoAnswer { why, slow }) => Outcome::NoAnswer { why, slow },
                Err(Failure::Stopped(why)) => Outcome::Stopped { why },
            }
        };
        let mut outcome = sent(&endpoint.path).await;
        // A BluSKY that lacks the one call may have the other.
        if let (Outcome::Stopped { .. }, Operation::RemoveUserCard(card)) = (&outcome, operation) {
            outcome = sent(&call::removal_path(1, card)).await;
        }
        // Where there is none, that is this entry's trouble: cards are given all the same.
        if let (Outcome::Stopped { why }, Some(lacks)) = (&outcome, self.lacks(operation))
            && why.contains(NO_SUCH_CALL)
        {
            outcome = Outcome::Impossible { why: format!("this BluSKY {lacks} ({NO_SUCH_CALL})") };
        }
        let token = self.signer.token().await;
        let secrets: Vec<_> = operation.secret().into_iter().chain(token.as_ref()).collect();
        outcome.without(&secrets)
    }

    fn asked_to_wait(&self) -> Option<Duration> {
        let seconds = self.asked_to_wait.swap(0, Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    async fn cards_of(&self, user: Uuid, detail: Detail) -> Cards {
        // A BluSKY that lacks the one may have the other.
        let (first, second) = if detail == Detail::Card { (1, 2) } else { (2, 1) };
        let ended = detail == Detail::Ended;
        match self.cards(user, first, ended).await {
            Cards::Unavailable { why } => match self.cards(user, second, ended).await {
                Cards::Unavailable { .. } => Cards::Unavailable { why },
                cards => cards,
            },
            cards => cards,
        }
    }
}

/// The seconds a busy server asks for; dates are not taken, for clocks differ.
fn retry_after(response: &Response) -> u64 {
    let is_busy = matches!(response.status().as_u16(), 429 | 503);
    let seconds = || response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok();
    seconds().filter(|_| is_busy).unwrap_or(0).min(LONGEST_WAIT)
}

impl Client {
    pub(super) const fn accept(&self) -> &'static str {
        self.settings.wire.accept(self.settings.media)
    }

    pub(super) const fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    pub(super) const fn terms(&self) -> AnswerRules<'_> {
        self.settings.terms()
    }

    /// How long a call may take.
    pub(super) const fn patience(&self) -> Duration {
        self.settings.timeout
    }

    /// The same with the token blotted out of BluSKY's words.
    pub(super) async fn without_token(&self, listing: Listing) -> Listing {
        let token = self.signer.token().await;
        listing.without(token.as_ref())
    }

    /// What is said where this BluSKY has not the call that not every one has.
    const fn lacks(&self, operation: &Operation) -> Option<&'static str> {
        match operation {
            Operation::RemoveUserCard(_) => Some("takes no card back; do it in its console"),
            Operation::AddAccessLevelGroup(_) | Operation::RemoveAccessLevelGroup(_) => {
                Some("changes nobody's access by its API; do it in its console")
            }
            Operation::AddUser(_) if self.settings.add_user_v2 => Some("has no second version of AddUser; set blusky.add_user = \"v1\""),
            Operation::AddUser(_) | Operation::AddUserCard(_) | Operation::UpdateUserCard(_) => None,
        }
    }

    async fn cards(&self, user: Uuid, version: u8, ended: bool) -> Cards {
        let url = format!("{}/api/v{version}/Users/UserCards", self.settings.base_url);
        let id = user.to_string();
        let query = [("UserId", id.as_str()), ("IncludeDeleted", if ended { "True" } else { "False" }), ("FacilityCode", "-1")];
        match self.call("UserCards", LARGEST_ANSWER, || self.http.get(&url).query(&query).header(ACCEPT, self.accept())).await {
            Ok((status, body)) => match sort_cards(status, &body, user, self.settings.terms()) {
                Cards::Shown(mut shown) => {
                    cards::pins(&mut shown, &self.shows_pins);
                    Cards::Shown(shown)
                }
                other => other,
            },
            Err(Failure::NotSent(why)) => Cards::Away { why },
            Err(Failure::NoAnswer { why, .. }) => Cards::Later { why },
            Err(Failure::Stopped(why)) => Cards::Stopped { why },
        }
    }
}
