//! One reading call that needs no input: whether BluSKY is there, lets this site in, and goes by the same clock.
//!
//! In: a client. Out: what came of it. Of the cards that an answer holds only their number is told. Never: a call that changes
//! something, or a word of BluSKY's.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    Response,
    header::{ACCEPT, CONTENT_TYPE, DATE},
};

use super::{
    answer::AnswerRules,
    client::Client,
    http::{Failure, NOT_REACHED, bounded},
    lookup::{Kind, Listing, sort_lookup},
    wire::Document,
};

/// What came of the call.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The call.
    pub call: &'static str,
    /// What came of it.
    pub came: Came,
    /// How far this machine's clock is ahead of BluSKY's, where it says its time.
    pub clock_ahead: Option<TimeDelta>,
    /// How many cards the account has that this site signs in with.
    pub cards: Option<usize>,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub enum Came {
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// It is a page for people.
        is_page: bool,
    },
    /// An answer of success that is not what the call answers.
    Strange {
        /// Its status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// No connection, and why.
    NotReached(String),
    /// A connection and no answer, and why.
    NoAnswer(String),
    /// There is nothing to sign in with, or the sign-in was refused, and why.
    NotSignedIn(String),
}

/// No answer to it is larger.
const LARGEST_ANSWER: usize = 4 << 20;

/// The calls that are tried, one after the other, where a BluSKY has not the one before: its name and what follows the base URL.
const CALLS: [(&str, &str); 3] = [
    ("GetLoggedInUsersCards", "api/v2/Users/GetLoggedInUsersCards"),
    ("GetLoggedInUsersCards", "api/v1/Users/GetLoggedInUsersCards"),
    ("GetAllCardTypes", Kind::CardTypes.path()),
];

impl Client {
    /// Makes the call.
    pub async fn probe(&self) -> Probe {
        let mut probe = Probe { call: "", came: Came::NoAnswer(String::new()), clock_ahead: None, cards: None };
        for (call, path) in CALLS {
            probe = self.probed(call, path).await;
            if !matches!(probe.came, Came::Answer { status: 404 | 405 | 501, .. }) {
                break;
            }
        }
        probe
    }

    async fn probed(&self, call: &'static str, path: &str) -> Probe {
        let url = format!("{}/{path}", self.base_url());
        let begun = Utc::now();
        let answered = self.answer(|| self.http().get(&url).header(ACCEPT, self.accept())).await;
        let ended = Utc::now();
        let failed = |came| Probe { call, came, clock_ahead: None, cards: None };
        let response = match answered {
            Ok(response) => response,
            Err(failure) => return failed(came(failure)),
        };
        let status = response.status().as_u16();
        let clock_ahead = date(&response).map(|theirs| begun + (ended - begun) / 2 - theirs);
        let is_html = response.headers().get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/html"));
        let body = match bounded(response, LARGEST_ANSWER).await {
            Ok(body) => body,
            Err(failure) => return Probe { clock_ahead, ..failed(came(failure)) },
        };
        let answered = Probe { clock_ahead, ..failed(Came::Answer { status, is_page: is_html }) };
        match status {
            200..=299 if !is_html => match listed(call, &body, self.terms()) {
                Ok(cards) => Probe { cards, ..answered },
                Err(why) => Probe { came: Came::Strange { status, why }, ..answered },
            },
            _ => answered,
        }
    }
}

fn came(failure: Failure) -> Came {
    match failure {
        Failure::NotSent(why) => Came::NotReached(why.strip_prefix(NOT_REACHED).unwrap_or(&why).to_owned()),
        Failure::NoAnswer { why, .. } => Came::NoAnswer(why),
        Failure::Stopped(why) => Came::NotSignedIn(why),
    }
}

/// The time that a server says it is.
fn date(response: &Response) -> Option<DateTime<Utc>> {
    let date = response.headers().get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(date).ok()?.to_utc())
}

/// How many cards a list has; what is wrong with it, where it is not the list that was asked for.
fn listed(call: &str, body: &[u8], terms: AnswerRules<'_>) -> Result<Option<usize>, String> {
    let document = Document::read(body).ok_or("is neither JSON nor XML")?;
    if let Some(code) = document.integer("ResultCode").filter(|code| !terms.success.may_be(*code)) {
        return Err(format!("says result code {code}, which is none of success"));
    }
    if call == Kind::CardTypes.call() {
        let is_list = matches!(sort_lookup(Kind::CardTypes, 200, body, terms), Listing::Items(_));
        return if is_list { Ok(None) } else { Err("holds no list of card types".to_owned()) };
    }
    let cards = document.member("Cards").and_then(|cards| document.items(cards));
    cards.map(|cards| Some(cards.len())).ok_or_else(|| "holds no list of cards".to_owned())
}
