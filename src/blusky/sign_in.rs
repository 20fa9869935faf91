//! Signing in: a token from a file, read again before every call, or one that `api/Account/Authenticate` gives for an e-mail
//! address and a password, kept until BluSKY no longer takes it.
//!
//! In: the site's settings. Out: the header a call carries. Never: a token or password in an error, the same token tried
//! twice, or a refused password again and again.

use std::time::Duration;

use reqwest::{Client as Http, header::ACCEPT, header::CONTENT_TYPE, header::HeaderValue};
use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};

use super::{
    http::{Failure, bounded, failure},
    secret_file,
    settings::{Settings, SignIn},
    wire::{Document, Wire},
};
use crate::access::Secret;

/// Authenticate. No page names its XML, so it is written as JSON, whatever the wire of the other calls.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Authenticate<'a> {
    email: &'a str,
    password: &'a Secret,
}

/// What a call is let in with.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) header: HeaderValue,
    token: Secret,
}

/// Who signs in.
pub(super) struct Signer {
    settings: Settings,
    held: Mutex<Option<Ticket>>,
    /// The password that BluSKY refused last, with its words, and when.
    refused: Mutex<Option<(Secret, String, Instant)>>,
}

/// So long a refused password is not tried again: a few more, and BluSKY would lock the account.
const REFUSED: Duration = Duration::from_secs(15 * 60);
const WRONG: &str = "BluSKY refuses the e-mail address or the password: check blusky.email and password_file; a password that was refused \
                     is tried again as soon as its file has another one, and after a quarter of an hour";

/// No answer to a sign-in is larger.
const LARGEST_ANSWER: usize = 1 << 20;

impl Signer {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), held: Mutex::new(None), refused: Mutex::new(None) }
    }

    /// The ticket for a call.
    pub(super) async fn ticket(&self, http: &Http) -> Result<Ticket, Failure> {
        let mut held = self.held.lock().await;
        match (&self.settings.sign_in, held.as_ref()) {
            (SignIn::Password { .. }, Some(ticket)) => return Ok(ticket.clone()),
            (SignIn::Password { email, password_file }, None) => {
                let password = secret(password_file)?;
                *held = Some(self.make(self.sign_in_once(http, email, &password).await?)?);
            }
            (SignIn::TokenFile(path), _) => *held = Some(self.make(secret(path)?)?),
        }
        held.clone().ok_or_else(|| Failure::Stopped("there is no token".to_owned()))
    }

    /// Another ticket than this one, which BluSKY did not take; none where there is no other.
    pub(super) async fn renewed(&self, http: &Http, refused: &Ticket) -> Result<Option<Ticket>, Failure> {
        *self.held.lock().await = None;
        let renewed = self.ticket(http).await?;
        Ok((renewed.token != refused.token).then_some(renewed))
    }

    /// The token in use.
    pub(super) async fn token(&self) -> Option<Secret> {
        self.held.lock().await.as_ref().map(|ticket| ticket.token.clone())
    }

    fn make(&self, token: Secret) -> Result<Ticket, Failure> {
        let scheme = &self.settings.token_scheme;
        let text = if scheme.is_empty() { token.expose().to_owned() } else { format!("{scheme} {}", token.expose()) };
        let unusable = |_| Failure::Stopped("the token has a character that no header can carry".to_owned());
        let mut header = HeaderValue::from_str(&text).map_err(unusable)?;
        header.set_sensitive(true);
        Ok(Ticket { header, token })
    }

    /// Signs in, unless BluSKY has just refused this very password.
    async fn sign_in_once(&self, http: &Http, email: &str, password: &Secret) -> Result<Secret, Failure> {
        let mut refused = self.refused.lock().await;
        if let Some((_, why, _)) = refused.as_ref().filter(|(wrong, _, at)| wrong == password && at.elapsed() < REFUSED) {
            return Err(Failure::Stopped(why.clone()));
        }
        let answer = self.sign_in(http, email, password).await?;
        *refused = answer.as_ref().err().map(|why| (password.clone(), why.clone(), Instant::now()));
        answer.map_err(Failure::Stopped)
    }

    /// The token that BluSKY gives, or why it refuses the address or the password.
    async fn sign_in(&self, http: &Http, email: &str, password: &Secret) -> Result<Result<Secret, String>, Failure> {
        let Settings { base_url, media, .. } = &self.settings;
        let body = serde_json::to_vec(&Authenticate { email, password }).map_err(|error| Failure::Stopped(error.to_string()))?;
        let request = http.post(format!("{base_url}/api/Account/Authenticate")).header(ACCEPT, Wire::Json.accept(*media));
        // Whatever fails here, the call that needs the token has not been sent.
        let unsent = |failure| match failure {
            Failure::NoAnswer { why, .. } => Failure::NotSent(why),
            other => other,
        };
        let sent = request.header(CONTENT_TYPE, Wire::Json.content_type(*media)).body(body).send().await;
        let response = sent.map_err(failure).map_err(unsent)?;
        let status = response.status();
        let body = bounded(response, LARGEST_ANSWER).await.map_err(unsent)?;
        tracing::debug!(call = "Authenticate", status = status.as_u16(), "BluSKY answered");
        let answer = Document::read(&body).filter(|answer| answer.member("IsAuthenticated").is_some() || answer.member("Token").is_some());
        let Some(answer) = answer else {
            return match status.as_u16() {
                401 | 403 => Ok(Err(WRONG.to_owned())),
                // That may be said of a wrong password as well, and of an account that is locked already.
                400 | 422 | 423 => Ok(Err(format!(
                    "BluSKY answered {status} when asked to sign in: check blusky.email and password_file; a password that was refused is \
                     tried again as soon as its file has another one, and after a quarter of an hour"
                ))),
                429 | 500.. => Err(Failure::NotSent(format!("BluSKY answered {status} when asked to sign in"))),
                _ => Err(Failure::Stopped(format!(
                    "BluSKY answered {status} when asked to sign in: check blusky.base_url, email and password_file"
                ))),
            };
        };
        let token = answer.text("Token").map(str::trim).filter(|token| !token.is_empty());
        let is_let_in = status.is_success() && answer.flag("IsAuthenticated") == Some(true);
        Ok(token.filter(|_| is_let_in).map(Secret::new).ok_or_else(|| WRONG.to_owned()))
    }
}

fn secret(path: &std::path::Path) -> Result<Secret, Failure> {
    secret_file::read(path).map_err(|error| Failure::Stopped(error.to_string()))
}
