//! An order's way, followed at its station: shown state by state, asked about where a person is there, and waited for.
//!
//! In: the station's notices about it. Out: lines, and an exit code. Never: an answer that nobody gave.

use std::{
    collections::BTreeMap,
    io::{BufRead, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    out::{self, Failure, hint, interrupted},
    session::{self, Session},
    site,
};
use crate::{
    access::{Operation, Secret},
    host::{
        Site,
        api::body::{AnswerBody, CallBody, OrderBody, YesOrNo},
        client::{AskError, Client, Notices},
    },
    reader::configured_name,
    views,
};

const HOLD: &str = "hold the card to the reader";
/// Said beside a station that runs.
pub const HELD: &str = "a running station holds the readers; the next card is taken from it";
const STAYS: &str =
    "what is saved stays, and is delivered by `cardbridge run` or `cardbridge outbox deliver`; `cardbridge outbox list` shows it";

/// How long all readers may be gone (the smart-card service restarts, a plug is wriggled) before the command gives up.
const GRACE: Duration = Duration::from_secs(2);

/// How an order's way is shown, and how long its outcome is waited for.
pub struct Follow {
    json: bool,
    /// Of JSON only the last line.
    last: bool,
    patience: Duration,
    shown: Option<(String, String)>,
    /// The last line of JSON.
    printed: Option<Value>,
    /// The entry as it was told last.
    entry: Option<Value>,
    person: Option<String>,
    hold_said: bool,
    readers: Readers,
}

/// The readers that a card is waited for at.
#[derive(Default)]
pub struct Readers {
    there: BTreeMap<String, Result<(), String>>,
    give_up: Option<Instant>,
}

/// What came of listening.
enum Heard {
    Ended(ExitCode),
    OutOfPatience,
    StationGone,
}

/// What is ordered.
pub enum Order {
    /// A card for a user.
    Card(Box<OrderBody>),
    /// Another call.
    Call(Box<CallBody>),
}

impl Order {
    const fn id(&self) -> Option<Uuid> {
        match self {
            Self::Card(body) => body.id,
            Self::Call(body) => Some(body.id),
        }
    }

    async fn begin(&self, client: &Client) -> Result<Notices, AskError> {
        match self {
            Self::Card(body) => client.order(body).await,
            Self::Call(body) => client.call(body).await,
        }
    }
}

/// Orders another call than an enrollment, and follows it.
pub async fn call(site: &Site, operation: Operation, secret: Option<Secret>, mut follow: Follow) -> Result<ExitCode, Failure> {
    site::blusky(site)?;
    let session = Session::open(site, "call", None).await?;
    follow.order_alone(session, &Order::Call(Box::new(CallBody { id: Uuid::now_v7(), operation, secret }))).await
}

/// True where a person at a terminal can be asked.
pub fn can_be_asked(json: bool) -> bool {
    !json && std::io::stdin().is_terminal()
}

impl Follow {
    /// Nothing shown yet.
    pub fn new(json: bool, patience: Duration) -> Self {
        let readers = Readers::default();
        Self { json, last: false, patience, shown: None, printed: None, entry: None, person: None, hold_said: false, readers }
    }

    /// The same, with one line of JSON when all is over.
    pub fn of_last(json: bool, patience: Duration) -> Self {
        Self { last: true, ..Self::new(json, patience) }
    }

    /// Orders it, follows it to its end and leaves the station.
    pub async fn order_alone(&mut self, mut session: Session<'_>, order: &Order) -> Result<ExitCode, Failure> {
        let ended = self.order(&mut session, order).await;
        let shared = session.host().map(|host| host.shared().clone());
        let policy = session.policy().clone();
        session.end().await;
        match (ended?, order.id()) {
            (Some(code), _) => Ok(code),
            (None, id) => {
                // The answer to the call that was under way may have come meanwhile.
                if let Some(last) = shared.zip(id).and_then(|(shared, id)| shared.notices().last_about(id)) {
                    let last = views::notice::json(&last.notice, &policy);
                    self.entry = Some(last).filter(|last| last["kind"] == "enrollment").or(self.entry.take());
                }
                Ok(self.unfinished())
            }
        }
    }

    /// It is saved, and its outcome is not known yet.
    pub fn unfinished(&mut self) -> ExitCode {
        let is_end = self.entry.as_ref().is_some_and(|entry| !entry["end"].is_null());
        let code = self.end();
        if !is_end {
            hint(STAYS);
        }
        code
    }

    /// Orders it and follows it to its end; at the next station where one ends meanwhile. None where it takes too long.
    pub async fn order(&mut self, session: &mut Session<'_>, order: &Order) -> Result<Option<ExitCode>, Failure> {
        let began = Instant::now();
        let mut order = order;
        let mut shorter;
        loop {
            let heard = match order.begin(&session.client).await {
                Ok(notices) => self.listen(session, notices).await?,
                Err(AskError::Gone) => Heard::StationGone,
                Err(error) => return Err(session::refused(error)),
            };
            match heard {
                Heard::Ended(code) => return Ok(Some(code)),
                Heard::OutOfPatience => return Ok(None),
                Heard::StationGone => session.again().await?,
            }
            if let Order::Card(body) = order {
                let timeout_s = body.timeout_s.map(|seconds| seconds.saturating_sub(began.elapsed().as_secs()));
                shorter = Order::Card(Box::new(OrderBody { timeout_s, ..(**body).clone() }));
                order = &shorter;
            }
        }
    }

    async fn listen(&mut self, session: &Session<'_>, mut notices: Notices) -> Result<Heard, Failure> {
        let mut until: Option<Instant> = None;
        loop {
            let far = Instant::now() + Duration::from_secs(86_400);
            let notice = tokio::select! {
                notice = notices.next() => match notice {
                    Some(notice) => notice,
                    None => return Ok(Heard::StationGone),
                },
                () = sleep_until(until.unwrap_or(far)), if until.is_some() => return Ok(Heard::OutOfPatience),
                () = sleep_until(self.readers.give_up.unwrap_or(far)), if self.readers.give_up.is_some() => return Err(self.readers.all_gone()),
                () = session.handed_over() => return Ok(Heard::StationGone),
                () = interrupted() => return self.interrupted(),
            };
            if let Some(code) = self.take(session, &notice).await? {
                return Ok(Heard::Ended(code));
            }
            if self.entry.is_some() {
                // Its card has been taken; what becomes of the reader is another matter.
                until.get_or_insert(Instant::now() + self.patience);
                self.readers.give_up = None;
            }
        }
    }

    /// Takes a notice; gives the exit code where it is the last one.
    async fn take(&mut self, session: &Session<'_>, notice: &Value) -> Result<Option<ExitCode>, Failure> {
        let words = notice["words"].as_str().unwrap_or_default();
        match notice["kind"].as_str().unwrap_or_default() {
            "waiting" => self.waiting(session, notice),
            "ready" => self.hold(),
            "up" => self.readers.up(&notice["reader"]),
            "lost" => {
                hint(words);
                self.readers.lost(notice, session.is_elsewhere() || self.entry.is_some());
            }
            "failed" | "note" | "lay_there" | "waits_for" => hint(words),
            "question" => drop(self.ask(session, &notice["enrollment"], &notice["question"]).await?),
            "not_enrolled" => return Err(Failure::of_error(&notice["error"], 1)),
            "enrollment" => return self.entry(session, notice).await,
            "postponed" => {
                self.end();
                hint(words);
                hint(STAYS);
                return Ok(Some(ExitCode::from(3)));
            }
            _ => {}
        }
        Ok(None)
    }

    fn waiting(&mut self, session: &Session<'_>, notice: &Value) {
        self.person = notice["person"].as_str().map(ToOwned::to_owned);
        if session.is_elsewhere() {
            hint(HELD);
        }
        if notice["ahead"].as_u64().unwrap_or(0) > 0 {
            hint(notice["words"].as_str().unwrap_or_default());
        }
        if notice["ready"] == true || session.is_elsewhere() {
            self.hold();
        }
    }

    fn hold(&mut self) {
        if self.entry.is_none() && !std::mem::replace(&mut self.hold_said, true) {
            match &self.person {
                Some(person) => hint(&format!("{HOLD} ({person})")),
                None => hint(HOLD),
            }
        }
    }

    async fn entry(&mut self, session: &Session<'_>, notice: &Value) -> Result<Option<ExitCode>, Failure> {
        let is_end = !notice["end"].is_null();
        self.entry = Some(notice.clone());
        self.show(notice);
        if !is_end {
            return Ok(None);
        }
        // A yes leads on from here; after a no, this is the end.
        if !notice["question"].is_null() && self.ask(session, &notice["enrollment"], &notice["question"]).await? {
            return Ok(None);
        }
        Ok(Some(self.end()))
    }

    /// The last line says all that is known.
    fn end(&mut self) -> ExitCode {
        let Some(notice) = self.entry.clone() else { return ExitCode::from(1) };
        if self.json {
            self.print(&notice["entry"]);
        } else {
            self.show(&notice);
        }
        if let Some(help) = notice["end"]["help"].as_str() {
            hint(help);
        }
        ExitCode::from(notice["end"]["exit"].as_u64().and_then(|exit| u8::try_from(exit).ok()).unwrap_or(3))
    }

    fn interrupted(&mut self) -> Result<Heard, Failure> {
        match self.entry {
            Some(_) => Ok(Heard::Ended(self.unfinished())),
            None => Err(Failure::impossible("interrupted", "interrupted before a card was shown", "nothing was enrolled")),
        }
    }

    /// Shows a state, but not the same failure again at every further try.
    fn show(&mut self, notice: &Value) {
        let text = |name: &str| notice["entry"][name].as_str().unwrap_or_default().to_owned();
        let now = (text("state"), text("why"));
        let is_another_try = now.0 == "sending" && matches!(&self.shown, Some((state, why)) if state == "saved" && !why.is_empty());
        if is_another_try || self.shown.as_ref() == Some(&now) {
            return;
        }
        self.shown = Some(now);
        match (self.json, self.last) {
            (true, true) => {}
            (true, false) => self.print(&notice["entry"]),
            (false, _) => out::print(notice["words"].as_str().unwrap_or_default()),
        }
    }

    /// Prints a line of JSON, but not the same one twice.
    fn print(&mut self, entry: &Value) {
        if self.printed.as_ref() != Some(entry) {
            out::print_json(entry);
            self.printed = Some(entry.clone());
        }
    }

    /// Asks whoever can answer: the card by a hint, a person at a terminal. True where the answer leads on.
    async fn ask(&self, session: &Session<'_>, order: &Value, question: &Value) -> Result<bool, Failure> {
        let words = question["words"].as_str().unwrap_or_default();
        let (Some(order), Some(number)) = (order.as_str().and_then(|id| id.parse().ok()), question["id"].as_u64()) else {
            return Ok(false);
        };
        let nothing = AnswerBody { question: number, answer: Some(YesOrNo::No), printed: None, choice: None };
        let answer = match question["kind"].as_str().unwrap_or_default() {
            "second_reading" => {
                hint(words);
                settling(&question["settle"]);
                return Ok(true);
            }
            _ if !can_be_asked(self.json) => nothing,
            "first_seen" => match line(&format!("{words}, or \"yes\" if you know that it is right:")).await {
                Some(yes) if is_yes(&yes) => AnswerBody { answer: Some(YesOrNo::Yes), ..nothing },
                Some(print) if !print.is_empty() => AnswerBody { answer: None, printed: Some(print), ..nothing },
                _ => nothing,
            },
            "choose" => match line(&choices(words, &question["choices"])).await.and_then(|line| line.parse::<usize>().ok()) {
                Some(chosen) => {
                    let choice = chosen.checked_sub(1).and_then(|at| question["choices"][at]["choice"].as_u64());
                    let choice = choice.and_then(|choice| usize::try_from(choice).ok());
                    AnswerBody { answer: choice.is_none().then_some(YesOrNo::No), choice, ..nothing }
                }
                None => nothing,
            },
            _ => match line(&format!("{words} [y/N]")).await {
                Some(yes) if is_yes(&yes) => AnswerBody { answer: Some(YesOrNo::Yes), ..nothing },
                _ => nothing,
            },
        };
        let leads_on = answer.answer != Some(YesOrNo::No);
        session.client.answer(order, &answer).await.map_err(session::refused)?;
        Ok(leads_on)
    }
}

impl Readers {
    /// When the command gives up, because all of them are gone.
    pub const fn give_up(&self) -> Option<Instant> {
        self.give_up
    }

    /// One is there.
    pub fn up(&mut self, reader: &Value) {
        self.there.insert(configured(reader), Ok(()));
        self.give_up = None;
    }

    /// The first reason is the one that tells: after "unplugged" comes "not there".
    pub fn lost(&mut self, notice: &Value, is_elsewhere: bool) {
        let why = notice["why"].as_str().unwrap_or_default().to_owned();
        let reader = self.there.entry(configured(&notice["reader"])).or_insert(Ok(()));
        if reader.is_ok() {
            *reader = Err(why);
        }
        if !is_elsewhere && self.there.values().all(Result::is_err) {
            self.give_up.get_or_insert(Instant::now() + GRACE);
        }
    }

    /// Why the command gives up.
    pub fn all_gone(&self) -> Failure {
        let gone = self.there.iter().filter_map(|(name, why)| Some(format!("{name}: {}", why.as_ref().err()?)));
        let words: Vec<String> = gone.collect();
        Failure::impossible(
            "reader_lost",
            format!("no reader is left to show a card to ({})", words.join("; ")),
            "nothing was read or enrolled",
        )
    }
}

fn configured(reader: &Value) -> String {
    configured_name(reader.as_str().unwrap_or_default()).to_owned()
}

fn settling(lines: &Value) {
    let lines: Vec<&str> = lines.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !lines.is_empty() {
        hint(&format!("one of these in the configuration would make one tap enough:\n{}", lines.join("\n")));
    }
}

fn choices(words: &str, choices: &Value) -> String {
    let choices = choices.as_array().into_iter().flatten().enumerate();
    let lines = choices.map(|(at, choice)| {
        let text = |name: &str| choice[name].as_str().unwrap_or_default().to_owned();
        format!("\n  {}  {} ({})", at + 1, text("words"), text("format"))
    });
    format!("{words}{}\ntype its number:", lines.collect::<String>())
}

fn is_yes(line: &str) -> bool {
    matches!(line, "y" | "Y" | "yes")
}

/// What the person at the terminal types.
async fn line(question: &str) -> Option<String> {
    hint(question);
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => answer.ok()?.ok().map(|line| line.trim().to_owned()),
        () = interrupted() => None,
    }
}
