//! An order's way, followed at its station: shown state by state, asked about where a person is there, and waited for.
//!
//! In: the station's notices about it. Out: lines, and an exit code. Never: an answer that nobody gave.

use std::{process::ExitCode, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    ask::ask,
    out::{self, Failure, hint, interrupted},
    session::{self, Session},
    site,
    wait::Readers,
};
use crate::host::{
    Site,
    api::body::{CallBody, OrderBody},
    client::{AskError, Client, Notices, Said},
};

/// How much later than its timeout an order's end is waited for, before the station is asked whether it is still there.
const LATE: Duration = Duration::from_secs(3);
/// Said once a reader can take a card.
pub const HOLD: &str = "hold the card to the reader";
/// Said beside a station that runs.
pub const HELD: &str = "a running station holds the readers; the next card is taken from it";
/// Said where a station ends while a command waits at it.
pub const GONE: &str = "the station has ended; this command goes on without it";
const STAYS: &str =
    "what is saved stays, and is delivered by `cardbridge run` or `cardbridge outbox deliver`; `cardbridge outbox list` shows it";

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
    held_said: bool,
    readers: Readers,
}

/// How long the outcome of a call is waited for, and how it is shown.
#[derive(Debug, clap::Args)]
pub struct OutcomeOptions {
    /// How long to wait for BluSKY's answer once it is written down
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = out::seconds())]
    outcome_timeout: u64,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

impl OutcomeOptions {
    /// Nothing shown yet.
    pub fn follow(&self) -> Follow {
        Follow::of_last(self.json, Duration::from_secs(self.outcome_timeout))
    }
}

/// What came of listening.
enum Followed {
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
pub async fn call(site: &Site, order: CallBody, mut follow: Follow) -> Result<ExitCode, Failure> {
    site::blusky(site)?;
    let session = Session::open(site, "call", None).await?;
    follow.order_alone(session, &Order::Call(Box::new(order))).await
}

impl Follow {
    /// Nothing shown yet.
    pub fn new(json: bool, patience: Duration) -> Self {
        let readers = Readers::default();
        Self {
            json,
            last: false,
            patience,
            shown: None,
            printed: None,
            entry: None,
            person: None,
            hold_said: false,
            held_said: false,
            readers,
        }
    }

    /// The same, with one line of JSON when all is over.
    pub fn of_last(json: bool, patience: Duration) -> Self {
        Self { last: true, ..Self::new(json, patience) }
    }

    /// Orders it, follows it to its end and leaves the station.
    pub async fn order_alone(&mut self, mut session: Session<'_>, order: &Order) -> Result<ExitCode, Failure> {
        let ended = self.order(&mut session, order).await;
        let id = order.id().filter(|_| !matches!(ended, Ok(Some(_))));
        let is_over = self.entry.as_ref().is_some_and(|notice| !notice.at("end").is_null());
        // Its own may still wait, where nothing is delivered to anybody.
        let is_open = |notice: &Value| ["saved", "sending", "in_doubt"].contains(&notice.at("entry").text("state"));
        let own = usize::from(self.entry.as_ref().is_some_and(is_open));
        let others = session.host().map_or(0, |host| host.shared().waiting().saturating_sub(own));
        if is_over && others > 0 {
            let entries = if others == 1 { "one other entry still waits".to_owned() } else { format!("{others} other entries still wait") };
            hint(&format!("{entries}; `cardbridge outbox deliver` sends what can be sent, `cardbridge outbox list` shows it"));
        }
        // Its entry may be on its way to the disk, and the answer to its call may come while the station ends.
        match (session.end_with(id).await, ended) {
            (Some(last), _) => {
                self.entry = Some(last);
                Ok(self.unfinished())
            }
            (None, ended) => Ok(ended?.unwrap_or_else(|| self.unfinished())),
        }
    }

    /// It is saved, and its outcome is not known yet; or BluSKY has it, and the read-back is still to come.
    pub fn unfinished(&mut self) -> ExitCode {
        let about = self.entry.as_ref().map(|notice| (notice.at("end").is_null(), notice.at("entry").at("state") == "accepted"));
        let code = self.end();
        match about {
            Some((true, true)) => ExitCode::SUCCESS,
            Some((true, false)) => {
                hint(STAYS);
                code
            }
            _ => code,
        }
    }

    /// Orders it and follows it to its end; at the next station where one ends meanwhile. None where it takes too long.
    pub async fn order(&mut self, session: &mut Session<'_>, order: &Order) -> Result<Option<ExitCode>, Failure> {
        let (began, whole) = (Instant::now(), order);
        let mut order = order;
        let mut shorter;
        loop {
            let heard = match order.begin(&session.client).await {
                Ok(notices) => {
                    let timeout = if let Order::Card(body) = order { body.timeout_s } else { None };
                    self.listen(session, notices, timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds) + LATE)).await?
                }
                Err(AskError::Gone) => Followed::StationGone,
                Err(error) => return Err(session::refused(error)),
            };
            match heard {
                Followed::Ended(code) => return Ok(Some(code)),
                Followed::OutOfPatience => return Ok(None),
                Followed::StationGone => {
                    hint(GONE);
                    session.again().await?;
                    (self.hold_said, self.held_said) = (false, false);
                }
            }
            if let Order::Card(body) = whole {
                let timeout_s = body.timeout_s.map(|seconds| seconds.saturating_sub(began.elapsed().as_secs()));
                shorter = Order::Card(Box::new(OrderBody { timeout_s, ..(**body).clone() }));
                order = &shorter;
            }
        }
    }

    /// By the time that it is late, the station has said that no card was shown.
    async fn listen(&mut self, session: &Session<'_>, mut notices: Notices, mut late: Option<Instant>) -> Result<Followed, Failure> {
        let mut until: Option<Instant> = None;
        loop {
            let far = Instant::now() + Duration::from_secs(86_400);
            let notice = tokio::select! {
                notice = notices.next() => match notice {
                    Some(notice) => notice,
                    None => return Ok(Followed::StationGone),
                },
                () = sleep_until(until.unwrap_or(far)), if until.is_some() => return Ok(Followed::OutOfPatience),
                () = sleep_until(self.readers.give_up().unwrap_or(far)), if self.readers.give_up().is_some() => return Err(self.readers.all_gone()),
                () = session.handed_over() => return Ok(Followed::StationGone),
                () = sleep_until(late.unwrap_or(far)), if late.is_some() && self.entry.is_none() && session.is_elsewhere() => {
                    session.answers().await?;
                    late = Some(Instant::now() + LATE);
                    continue;
                }
                () = interrupted() => return self.interrupted(),
            };
            if let Some(code) = self.take(session, &notice).await? {
                return Ok(Followed::Ended(code));
            }
            if self.entry.is_some() {
                // Its card has been taken; what becomes of the reader is another matter.
                until.get_or_insert(Instant::now() + self.patience);
                self.readers.forget();
            }
        }
    }

    /// Takes a notice; gives the exit code where it is the last one.
    async fn take(&mut self, session: &Session<'_>, notice: &Value) -> Result<Option<ExitCode>, Failure> {
        let words = notice.text("words");
        match notice.text("kind") {
            "waiting" => self.waiting(session, notice),
            "ready" => self.hold(),
            "up" => self.readers.up(notice.at("reader")),
            "lost" => {
                hint(words);
                self.readers.lost(notice, session.is_elsewhere() || self.entry.is_some());
            }
            "noise" => self.readers.noise(notice),
            "failed" | "note" | "lay_there" | "waits_for" => hint(words),
            "question" => drop(ask(session, self.json, notice.at("enrollment"), notice.at("question")).await?),
            "not_enrolled" => return Err(Failure::of_error(notice.at("error"), 1)),
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
        self.person = notice.at("person").as_str().map(ToOwned::to_owned);
        if session.is_elsewhere() {
            hint(HELD);
        }
        if notice.at("ahead").as_u64().unwrap_or(0) > 0 {
            hint(notice.text("words"));
        }
        if notice.at("ready") == true || session.is_elsewhere() {
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
        let is_end = !notice.at("end").is_null();
        self.entry = Some(notice.clone());
        self.show(notice);
        if !is_end {
            return Ok(None);
        }
        self.holders(session, notice).await;
        // A yes leads on from here; after a no, this is the end.
        if !notice.at("question").is_null() && ask(session, self.json, notice.at("enrollment"), notice.at("question")).await? {
            return Ok(None);
        }
        Ok(Some(self.end()))
    }

    /// Who has the card that BluSKY refused, as far as that is known.
    async fn holders(&self, session: &Session<'_>, notice: &Value) {
        if notice.at("end").text("code") == "refused" && notice.text("call") == "AddUserCard" {
            let found = session.client.holders(notice.text("enrollment")).await.unwrap_or_default();
            let lines = found.at("holders").as_array().into_iter().flatten();
            lines.for_each(|holder| hint(holder.text("words")));
        }
    }

    /// The last line says all that is known.
    fn end(&mut self) -> ExitCode {
        let Some(notice) = self.entry.clone() else { return ExitCode::from(1) };
        if self.json {
            self.print(notice.at("entry"));
        } else {
            self.show(&notice);
        }
        if let Some(help) = notice.at("end").at("help").as_str() {
            hint(help);
        }
        ExitCode::from(notice.at("end").at("exit").as_u64().and_then(|exit| u8::try_from(exit).ok()).unwrap_or(3))
    }

    fn interrupted(&mut self) -> Result<Followed, Failure> {
        match self.entry {
            Some(_) => Ok(Followed::OutOfPatience),
            None => Err(Failure::impossible("interrupted", "interrupted before a card was shown", "nothing was enrolled")),
        }
    }

    /// Shows a state, but not the same failure again at every further try.
    fn show(&mut self, notice: &Value) {
        let text = |name: &str| notice.at("entry").text(name).to_owned();
        let now = (text("state"), text("why"));
        let is_another_try = now.0 == "sending" && matches!(&self.shown, Some((state, why)) if state == "saved" && !why.is_empty());
        if is_another_try || self.shown.as_ref() == Some(&now) {
            return;
        }
        let is_first = self.shown.replace(now).is_none();
        match (self.json, self.last) {
            (true, true) => {}
            (true, false) => self.print(notice.at("entry")),
            (false, _) => {
                // Which card, and for whom, is said once, before what becomes of it.
                if is_first && !notice.at("about").is_null() {
                    out::print(notice.text("about"));
                }
                out::print(notice.text("words"));
            }
        }
    }

    /// Prints a line of JSON, but not the same one twice.
    fn print(&mut self, entry: &Value) {
        if self.printed.as_ref() != Some(entry) {
            out::print_json(entry);
            self.printed = Some(entry.clone());
        }
    }
}
