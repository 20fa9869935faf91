//! The client: carries calls to BluSKY over HTTP and brings back outcomes.
//!
//! In: a model and the site's settings. Out: an [`Outcome`] or the user's [`Cards`]. Never: a redirect followed on a
//! write, a body read without bound, or a token in a log or an error.

use std::{path::PathBuf, time::Duration};

use reqwest::{Client as Http, RequestBuilder, Response, header::HeaderValue, redirect::Policy};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    answer::{Cards, Outcome, SuccessCodes, sort_cards, sort_write},
    model::AddUserCard,
};

/// What a site says about its BluSKY.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What stands before `api/…`, without a slash at its end.
    pub base_url: String,
    /// How the site signs in.
    pub sign_in: SignIn,
    /// The header that carries the token.
    pub token_header: String,
    /// The word before the token; empty for the bare token.
    pub token_scheme: String,
    /// The result codes that mean success.
    pub success_codes: SuccessCodes,
    /// The time a call may take.
    pub timeout: Duration,
}

/// How a site signs in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// A token in a file.
    TokenFile(PathBuf),
    /// An e-mail address, and a password in a file.
    Password {
        /// The address.
        email: String,
        /// The file.
        password_file: PathBuf,
    },
}

/// What a site's access-control system is asked: BluSKY over HTTP, or a stand-in beside it.
pub trait AccessControl {
    /// Adds a card to a user.
    fn add_user_card(&self, card: &AddUserCard) -> impl Future<Output = Outcome> + Send;
    /// Shows a user's cards.
    fn cards_of(&self, user: Uuid) -> impl Future<Output = Cards> + Send;
}

/// BluSKY over HTTP.
pub struct Client {
    http: Http,
    settings: Settings,
    token: Mutex<Option<HeaderValue>>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A header or a TLS store that cannot be used.
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
    /// The header's name is not one.
    #[error("blusky.token_header is not a header's name")]
    Header,
}

const LARGEST_ANSWER: usize = 4 << 20;

/// Why a call has no answer: whether it can have arrived decides what is done next.
enum Failure {
    NotSent(String),
    NoAnswer { why: String, slow: bool },
    Stopped(String),
}

impl Client {
    /// Makes a client.
    ///
    /// # Errors
    /// A header's name that is none, or a TLS store that cannot be read.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        // Only the first call in a process installs it; later ones find it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if settings.token_header.parse::<reqwest::header::HeaderName>().is_err() {
            return Err(ClientError::Header);
        }
        let builder = Http::builder();
        // Plain http is for this machine; a proxy would be told the token.
        let builder = if settings.base_url.starts_with("http:") { builder.no_proxy() } else { builder };
        let http = builder
            .user_agent(concat!("cardbridge/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .timeout(settings.timeout)
            .build()?;
        Ok(Self { http, settings, token: Mutex::new(None) })
    }

    /// True where the server says that it is a simulator.
    pub async fn is_simulator(&self) -> bool {
        let asked = self.http.get(format!("{}/simulator", self.settings.base_url)).send().await;
        asked.is_ok_and(|response| response.headers().contains_key("x-cardbridge-simulator"))
    }

    async fn call(&self, request: impl Fn() -> RequestBuilder) -> Result<(u16, Vec<u8>), Failure> {
        let (token, is_fresh) = self.token().await?;
        let answer = self.once(request(), token.clone()).await?;
        if answer.0 != 401 {
            return Ok(answer);
        }
        // The token may have been renewed on disk, or have run out: once more with a new one, never with the same.
        *self.token.lock().await = None;
        if is_fresh {
            return Ok(answer);
        }
        let (renewed, _) = self.token().await?;
        if renewed == token { Ok(answer) } else { self.once(request(), renewed).await }
    }

    async fn once(&self, request: RequestBuilder, token: HeaderValue) -> Result<(u16, Vec<u8>), Failure> {
        let sent = request.header(self.settings.token_header.as_str(), token).send().await;
        let response = sent.map_err(failure)?;
        let status = response.status().as_u16();
        Ok((status, bounded(response).await?))
    }

    /// The token in use, and whether it has just been fetched.
    async fn token(&self) -> Result<(HeaderValue, bool), Failure> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref() {
            return Ok((token.clone(), false));
        }
        let token = match &self.settings.sign_in {
            SignIn::TokenFile(path) => secret(path)?,
            SignIn::Password { email, password_file } => self.sign_in(email, &secret(password_file)?).await?,
        };
        let scheme = &self.settings.token_scheme;
        let text = if scheme.is_empty() { token } else { format!("{scheme} {token}") };
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| Failure::Stopped("the token has a character that no header can carry".to_owned()))?;
        value.set_sensitive(true);
        *held = Some(value.clone());
        Ok((value, true))
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<String, Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Authenticate<'a> {
            email: &'a str,
            password: &'a str,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Authenticated {
            #[serde(default)]
            is_authenticated: bool,
            token: Option<String>,
        }
        let url = format!("{}/api/Account/Authenticate", self.settings.base_url);
        // Whatever fails here, the call that needs the token has not been sent.
        let unsent = |failure| match failure {
            Failure::NoAnswer { why, .. } => Failure::NotSent(why),
            other => other,
        };
        let response = self.http.post(url).json(&Authenticate { email, password }).send().await.map_err(failure).map_err(unsent)?;
        let status = response.status();
        let body = bounded(response).await.map_err(unsent)?;
        let answer: Option<Authenticated> = serde_json::from_slice(&body).ok();
        match answer {
            Some(Authenticated { is_authenticated: true, token: Some(token) }) => Ok(token),
            Some(_) => {
                Err(Failure::Stopped("BluSKY refuses the e-mail address or the password: check blusky.email and password_file".to_owned()))
            }
            None if status.is_server_error() => Err(Failure::NotSent(format!("BluSKY answered {status} when asked to sign in"))),
            None => Err(Failure::Stopped(format!("BluSKY answered {status} when asked to sign in: check blusky.base_url"))),
        }
    }
}

impl AccessControl for Client {
    async fn add_user_card(&self, card: &AddUserCard) -> Outcome {
        let url = format!("{}/api/v1/Users/{}/UserCards", self.settings.base_url, card.user_id);
        match self.call(|| self.http.post(&url).json(card)).await {
            Ok((status, body)) => sort_write(status, &body, &self.settings.success_codes),
            Err(Failure::NotSent(why)) => Outcome::NotSent { why },
            Err(Failure::NoAnswer { why, slow }) => Outcome::NoAnswer { why, slow },
            Err(Failure::Stopped(why)) => Outcome::Stopped { why },
        }
    }

    async fn cards_of(&self, user: Uuid) -> Cards {
        let url = format!("{}/api/v1/Users/UserCards", self.settings.base_url);
        let user = user.to_string();
        let query = [("UserId", user.as_str()), ("IncludeDeleted", "False"), ("FacilityCode", "-1")];
        match self.call(|| self.http.get(&url).query(&query)).await {
            Ok((status, body)) => sort_cards(status, &body),
            Err(Failure::NotSent(why) | Failure::NoAnswer { why, .. }) => Cards::Later { why },
            Err(Failure::Stopped(why)) => Cards::Stopped { why },
        }
    }
}

fn secret(path: &PathBuf) -> Result<String, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim_end().is_empty() => Err(Failure::Stopped(format!("{} is empty; put the secret into it", path.display()))),
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(Failure::Stopped(format!("{} cannot be read: {error}", path.display()))),
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            let why = "BluSKY's answer is larger than any answer should be".to_owned();
            return Err(Failure::NoAnswer { why, slow: false });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A failure before the connection stood cannot have reached BluSKY; any other may have.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(format!("BluSKY cannot be reached: {words}"))
    } else if error.is_timeout() {
        Failure::NoAnswer { why: "BluSKY did not answer in time".to_owned(), slow: true }
    } else {
        Failure::NoAnswer { why: format!("the connection to BluSKY broke: {words}"), slow: false }
    }
}
