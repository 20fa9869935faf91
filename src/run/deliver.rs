//! Delivery: carries the outbox to BluSKY, one entry after the other, while this process holds the delivery lock.
//!
//! In: the store, BluSKY, the lock. Out: steps, each on disk before the next thing is done. Never: anything sent without
//! the lock, nothing sent before "sending" is on disk, and no call cut off because this process ends.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    blusky::{
        answer::{Cards, Outcome},
        client::{AccessControl, Detail},
        model::StoredCard,
    },
    card::DecidedBy,
    enroll::outbox::{Entry, Next, Operation, ReadBack, State, Step},
    store::{StoreError, StoreHandle, lock::Lock},
};

/// How long a process without the lock waits before it tries again, and one with it before it looks for new entries.
const LOOK: Duration = Duration::from_millis(100);
/// After BluSKY has stopped everybody (a wrong token), how long until one entry tries again.
const STOPPED: Duration = Duration::from_secs(10);
/// What is due within this time is waited for by a process that is about to end.
const SOON: TimeDelta = TimeDelta::seconds(3);
/// How long the call under way is waited for when delivery is to end: longer than any call takes.
const LAST_CALL: Duration = Duration::from_secs(60);

/// What delivery tells, for whoever runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An entry has come to its end, or waits for a person.
    Settled(Uuid, State),
    /// BluSKY lets nothing through until somebody acts. Told once, until something goes through again.
    Stopped(String),
}

/// Delivery under way.
pub struct Delivery {
    end: watch::Sender<End>,
    task: JoinHandle<()>,
    /// What it tells.
    pub reports: mpsc::UnboundedReceiver<Report>,
}

impl Delivery {
    /// Ends it. The call that is under way is finished and written down first: cut off, it would be in doubt.
    pub async fn end(self) {
        self.end.send_replace(End::Now);
        drop(timeout(LAST_CALL, self.task).await);
    }

    /// Ends it once nothing more is due: what others have left behind is delivered first.
    pub async fn finish(self) {
        self.end.send_replace(End::WhenIdle);
        drop(timeout(LAST_CALL, self.task).await);
    }
}

/// Whether, and when, delivery is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Not,
    WhenIdle,
    Now,
}

/// Who delivers: one process among those that share a store.
pub struct Deliverer<C> {
    store: StoreHandle,
    blusky: C,
    lock: PathBuf,
    doing: &'static str,
    end: watch::Receiver<End>,
    reports: mpsc::UnboundedSender<Report>,
}

impl<C: AccessControl + Send + Sync + 'static> Deliverer<C> {
    /// Starts delivering from the store at this path; `doing` is what the lock file says of this process.
    #[must_use]
    pub fn start(store: StoreHandle, store_path: &Path, blusky: C, doing: &'static str) -> Delivery {
        let (end, ends) = watch::channel(End::Not);
        let (reports, reported) = mpsc::unbounded_channel();
        let deliverer = Self { store, blusky, lock: Lock::beside(store_path, "delivery"), doing, end: ends, reports };
        Delivery { end, task: tokio::spawn(deliverer.run()), reports: reported }
    }

    async fn run(self) {
        let mut told = None;
        // Where another process holds the lock, it is its business to finish.
        while *self.end.borrow() == End::Not {
            match Lock::try_take(&self.lock, self.doing) {
                Ok(Ok(_lock)) => self.with_lock().await,
                Ok(Err(_holder)) => {}
                Err(error) => once(&mut told, &format!("the delivery lock {} cannot be taken: {error}", self.lock.display())),
            }
            if *self.end.borrow() == End::Not {
                self.pause(LOOK).await;
            }
        }
    }

    /// Waits, but not beyond the end.
    async fn pause(&self, time: Duration) {
        let mut end = self.end.clone();
        tokio::select! {
            () = sleep(time) => {}
            _ = end.wait_for(|end| *end == End::Now) => {}
        }
    }

    async fn with_lock(&self) {
        if let Err(error) = self.find_abandoned().await {
            tracing::error!(%error, "the outbox cannot be read");
            return;
        }
        let (mut is_stopped, mut told) = (false, None);
        while *self.end.borrow() != End::Now {
            let is_finishing = *self.end.borrow() == End::WhenIdle;
            match self.turn(Utc::now()).await {
                Ok(Turn::Idle(soon)) if is_finishing && !soon => return,
                Ok(Turn::Stopped(_)) if is_finishing => return,
                Ok(Turn::Stopped(why)) => {
                    if !std::mem::replace(&mut is_stopped, true) {
                        drop(self.reports.send(Report::Stopped(why)));
                    }
                    self.pause(STOPPED).await;
                }
                Ok(Turn::Went) => {
                    is_stopped = false;
                    if let Some(time) = self.blusky.asked_to_wait()
                        && !self.waited(time).await
                    {
                        return;
                    }
                }
                Ok(Turn::Idle(_)) => self.pause(LOOK).await,
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    once(&mut told, &format!("the outbox cannot be written: {error}"));
                    self.pause(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Leaves BluSKY alone for this time; false where delivery ended before.
    async fn waited(&self, time: Duration) -> bool {
        tracing::info!(seconds = time.as_secs(), "BluSKY asks to be left alone");
        let mut end = self.end.clone();
        tokio::select! {
            () = sleep(time) => true,
            _ = end.wait_for(|end| *end != End::Not) => false,
        }
    }

    /// What somebody was sending when they ended is in doubt.
    async fn find_abandoned(&self) -> Result<(), StoreError> {
        for entry in self.store.open_entries().await?.iter() {
            if let Some(step) = entry.abandoned() {
                self.store.append(entry, Utc::now(), step).await?;
            }
        }
        Ok(())
    }

    /// Does the next thing for the first entry that has one to do.
    async fn turn(&self, now: DateTime<Utc>) -> Result<Turn, StoreError> {
        let mut soon = false;
        for entry in self.store.open_entries().await?.iter() {
            let step = match entry.next(now) {
                Next::Send { reassign } => return self.send(entry.clone(), reassign).await,
                Next::ReadBack => return self.read_back(entry).await,
                Next::Reassign => Step::Reassign { decided_by: DecidedBy::Operator },
                Next::Wait(at) => {
                    soon |= at < now + SOON;
                    continue;
                }
                Next::Person | Next::Done => continue,
            };
            self.store.append(entry, now, step).await?;
            return Ok(Turn::Went);
        }
        Ok(Turn::Idle(soon))
    }

    async fn send(&self, mut entry: Entry, reassign: bool) -> Result<Turn, StoreError> {
        let sending = Step::Sending { reassign };
        let at = Utc::now();
        self.store.append(&entry, at, sending.clone()).await?;
        entry.steps.push((at, sending));
        let outcome = match self.whole(&entry).await {
            Ok(mut operation) => {
                operation.reassign(reassign);
                self.blusky.send(&operation).await
            }
            Err(why) => Outcome::NotSent { why },
        };
        self.append_whatever_happens(&entry, Step::Answered(outcome)).await
    }

    async fn read_back(&self, entry: &Entry) -> Result<Turn, StoreError> {
        let detail = if matches!(entry.operation, Operation::AddUserCard(_)) { Detail::Card } else { Detail::Assignment };
        let Some(user) = entry.operation.user() else { return Ok(Turn::Idle(false)) };
        let (shown, stopped) = match self.blusky.cards_of(user, detail).await {
            // Without its PIN an entry is compared in all else.
            Cards::Shown(cards) => (find(entry, &self.whole(entry).await.unwrap_or_else(|_| entry.operation.clone()), cards), None),
            Cards::Unavailable { why } => (ReadBack::Unavailable { why }, None),
            Cards::Later { why } => (ReadBack::Failed { why }, None),
            Cards::Stopped { why } => (ReadBack::Failed { why: why.clone() }, Some(why)),
        };
        let turn = self.append_whatever_happens(entry, Step::ReadBack(shown)).await?;
        Ok(stopped.map_or(turn, Turn::Stopped))
    }

    /// The operation with its secret, which is sealed on disk.
    async fn whole(&self, entry: &Entry) -> Result<Operation, String> {
        let mut operation = entry.operation.clone();
        if let Some(secret) = self.store.secret(entry.id).await.map_err(|error| error.to_string())? {
            operation.put_secret(secret);
        }
        Ok(operation)
    }

    /// An answer that has come is not lost to a full disk: it is written as soon as there is room, and nothing else is
    /// done until then.
    async fn append_whatever_happens(&self, entry: &Entry, step: Step) -> Result<Turn, StoreError> {
        let mut told = None;
        loop {
            match self.store.append(entry, Utc::now(), step.clone()).await {
                Ok(()) => break,
                Err(StoreError::Conflict) => return Err(StoreError::Conflict),
                Err(error) => {
                    once(&mut told, &format!("BluSKY's answer cannot be written down yet: {error}"));
                    if *self.end.borrow() == End::Now {
                        return Err(error);
                    }
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
        let progress = self.store.entry(entry.id).await?.progress();
        if progress.is_settled() {
            drop(self.reports.send(Report::Settled(entry.id, progress.state)));
        }
        Ok(if progress.stopped { Turn::Stopped(progress.why.unwrap_or_default()) } else { Turn::Went })
    }
}

enum Turn {
    Went,
    /// Nothing is due now; true where something is soon.
    Idle(bool),
    Stopped(String),
}

/// One message for one cause, however often it is met.
fn once(told: &mut Option<String>, why: &str) {
    if told.as_deref() != Some(why) {
        tracing::error!("{why}");
        *told = Some(why.to_owned());
    }
}

/// The card among the user's: by the key BluSKY gave, else by what was sent; compared with what was sent.
fn find(entry: &Entry, sent: &Operation, cards: Vec<StoredCard>) -> ReadBack {
    let key = entry.progress().told.value;
    let by_key = |card: &&StoredCard| key.is_some() && card.user_card_id == key && !card.deleted;
    let found = cards.iter().find(by_key).or_else(|| cards.iter().find(|card| card.is(sent)));
    let Some(card) = found else { return ReadBack::NotFound };
    match card.clone().compare(sent) {
        Ok(card) => ReadBack::Found(Box::new(card)),
        Err(error) => ReadBack::Failed { why: error.to_string() },
    }
}
