//! Delivery: carries the outbox to BluSKY, one entry after the other, while this process holds the delivery lock.
//!
//! In: the store, BluSKY, the lock. Out: steps, each on disk before the next thing is done. Never: anything sent without
//! the lock, nothing sent before "sending" is on disk, and no call cut off because this process ends.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
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
        model::{Sameness, StoredCard},
    },
    card::DecidedBy,
    enroll::outbox::{
        Entry, Next, Operation, ReadBack, State, Step,
        reach::{Entrance, Heard, Reach},
    },
    store::{StoreError, StoreHandle, lock::Lock},
};

/// How long a process without the lock waits before it tries again, and one with it before it looks for new entries.
const LOOK: Duration = Duration::from_millis(100);
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
    /// How long BluSKY's lists may lack what it has done.
    shows_within: TimeDelta,
    end: watch::Receiver<End>,
    reports: mpsc::UnboundedSender<Report>,
    reach: Reach,
    /// The entry that was tried last, and what was sent for it: its secret is gone from the disk once BluSKY has it.
    last: Option<(Uuid, Operation)>,
    /// A user whose cards BluSKY has shown.
    shown: Option<Uuid>,
    /// Why everybody is stopped, said once.
    stopped: Option<String>,
}

impl<C: AccessControl + Send + Sync + 'static> Deliverer<C> {
    /// Starts delivering from the store at this path; `doing` is what the lock file says of this process.
    #[must_use]
    pub fn start(store: StoreHandle, store_path: &Path, blusky: C, shows_within: Duration, doing: &'static str) -> Delivery {
        let (end, ends) = watch::channel(End::Not);
        let (reports, reported) = mpsc::unbounded_channel();
        let deliverer = Self {
            store,
            blusky,
            lock: Lock::beside(store_path, "delivery"),
            doing,
            shows_within: TimeDelta::from_std(shows_within).unwrap_or(TimeDelta::MAX),
            end: ends,
            reports,
            reach: Reach::default(),
            last: None,
            shown: None,
            stopped: None,
        };
        Delivery { end, task: tokio::spawn(deliverer.run()), reports: reported }
    }

    async fn run(mut self) {
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

    async fn with_lock(&mut self) {
        if let Err(error) = self.find_abandoned().await {
            tracing::error!(%error, "the outbox cannot be read");
            return;
        }
        let mut told = None;
        while *self.end.borrow() != End::Now {
            let is_finishing = *self.end.borrow() == End::WhenIdle;
            match self.turn(Utc::now()).await {
                Ok(Turn::Idle(soon)) if is_finishing && !soon => return,
                Ok(Turn::Went) => {}
                Ok(Turn::Idle(_)) => self.pause(LOOK).await,
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    once(&mut told, &format!("the outbox cannot be written: {error}"));
                    self.pause(Duration::from_secs(1)).await;
                }
            }
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

    /// Does the next thing for an entry that has one to do: the first, or while BluSKY takes no calls the one after the last.
    async fn turn(&mut self, now: DateTime<Utc>) -> Result<Turn, StoreError> {
        let entries = self.store.open_entries().await?;
        let asked = entries.iter().filter_map(|entry| entry.steps.last()).filter(|(_, step)| matches!(step, Step::Retry { .. }));
        asked.for_each(|(at, _)| self.reach.asked_for(*at));
        let entrance = self.reach.entrance(now);
        let mut soon = false;
        for entry in self.in_turn(&entries, entrance) {
            let step = match entry.next(now) {
                Next::Send { .. } | Next::ReadBack if matches!(entrance, Entrance::Closed(_)) => continue,
                Next::Send { .. } if entrance == Entrance::Ask && !self.is_back(entry).await => return Ok(Turn::Went),
                Next::Send { reassign } => {
                    self.send(entry.clone(), reassign).await?;
                    return Ok(Turn::Went);
                }
                Next::ReadBack => {
                    self.read_back(entry).await?;
                    return Ok(Turn::Went);
                }
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

    /// The entries in the order they are to be looked at: where only one can be tried, those after the last one come first.
    fn in_turn<'e>(&self, entries: &'e Arc<Vec<Entry>>, entrance: Entrance) -> impl Iterator<Item = &'e Entry> + use<'e, C> {
        let last = self.last.as_ref().filter(|_| entrance != Entrance::Open).map(|(id, _)| *id);
        let after = last.and_then(|last| entries.iter().position(|entry| entry.id == last)).map_or(0, |at| at + 1);
        let (before, then) = entries.split_at_checked(after).unwrap_or((entries, &[]));
        then.iter().chain(before)
    }

    /// Asks something that changes nothing, to see whether BluSKY is back; nothing is written down for that.
    async fn is_back(&mut self, entry: &Entry) -> bool {
        let Some(user) = entry.operation.user() else { return true };
        self.last = Some((entry.id, entry.operation.clone()));
        let heard = self.cards_of(user, Detail::Card).await;
        !matches!(heard, Cards::Away { .. } | Cards::Later { .. })
    }

    async fn cards_of(&mut self, user: Uuid, detail: Detail) -> Cards {
        let cards = self.blusky.cards_of(user, detail).await;
        let asked = self.blusky.asked_to_wait().and_then(|time| TimeDelta::from_std(time).ok());
        let heard = match &cards {
            _ if asked.is_some() => Heard::Away(asked),
            Cards::Shown(_) | Cards::Unavailable { .. } => Heard::Answered,
            Cards::Away { .. } => Heard::Away(None),
            Cards::Later { .. } => Heard::Trouble,
            Cards::Stopped { .. } => Heard::Stopped,
        };
        if heard == Heard::Answered {
            self.shown = Some(user);
        }
        self.hear(
            &heard,
            Some(user),
            match &cards {
                Cards::Stopped { why } => Some(why),
                _ => None,
            },
        );
        cards
    }

    fn hear(&mut self, heard: &Heard, user: Option<Uuid>, why: Option<&String>) {
        self.reach.heard(heard, user, Utc::now());
        match (heard, why) {
            (Heard::Stopped, Some(why)) if self.stopped.as_ref() != Some(why) => {
                self.stopped = Some(why.clone());
                drop(self.reports.send(Report::Stopped(why.clone())));
            }
            (Heard::Answered, _) => self.stopped = None,
            _ => {}
        }
    }

    async fn send(&mut self, mut entry: Entry, reassign: bool) -> Result<(), StoreError> {
        let user = entry.operation.user();
        let sending = Step::Sending { reassign };
        let at = Utc::now();
        self.store.append(&entry, at, sending.clone()).await?;
        entry.steps.push((at, sending));
        let outcome = match self.whole(&entry).await {
            Ok(mut operation) => {
                operation.reassign(reassign);
                self.last = Some((entry.id, operation.clone()));
                self.sent(&operation).await
            }
            Err(why) => Outcome::NotSent { why },
        };
        let asked = self.blusky.asked_to_wait().and_then(|time| TimeDelta::from_std(time).ok());
        let heard = match &outcome {
            _ if asked.is_some() => Heard::Away(asked),
            Outcome::Away { .. } => Heard::Away(None),
            Outcome::Stopped { .. } => Heard::Stopped,
            Outcome::NoAnswer { .. } | Outcome::Later { .. } => Heard::Trouble,
            _ => Heard::Answered,
        };
        self.hear(
            &heard,
            user,
            match &outcome {
                Outcome::Stopped { why } => Some(why),
                _ => None,
            },
        );
        self.append_whatever_happens(&entry, Step::Answered(outcome)).await
    }

    /// Sends it. Where access is denied, a call that changes nothing shows whether to everybody.
    async fn sent(&mut self, operation: &Operation) -> Outcome {
        let outcome = self.blusky.send(operation).await;
        if !matches!(outcome, Outcome::Denied { .. }) {
            return outcome;
        }
        let user = self.shown.or(operation.user()).unwrap_or_default();
        match self.blusky.cards_of(user, Detail::Card).await {
            Cards::Shown(_) | Cards::Unavailable { .. } | Cards::Later { .. } => outcome.settled(true),
            Cards::Stopped { .. } => outcome.settled(false),
            Cards::Away { why } => Outcome::Away { why },
        }
    }

    async fn read_back(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let detail = if matches!(entry.operation, Operation::AddUserCard(_)) { Detail::Card } else { Detail::Assignment };
        let Some(user) = entry.operation.user() else { return Ok(()) };
        let sent = match self.last.take().filter(|(id, _)| *id == entry.id) {
            Some((_, operation)) => operation,
            // Without its PIN an entry is compared in all else.
            None => self.whole(entry).await.unwrap_or_else(|_| entry.operation.clone()),
        };
        let shown = match self.cards_of(user, detail).await {
            Cards::Shown(cards) => find(entry, &sent, cards, self.shows_within, Utc::now()),
            Cards::Unavailable { why } => ReadBack::Unavailable { why },
            Cards::Later { why } | Cards::Stopped { why } => ReadBack::Failed { why },
            // The pause is everybody's: nothing is written down for it.
            Cards::Away { .. } => {
                self.last = Some((entry.id, sent));
                return Ok(());
            }
        };
        self.last = Some((entry.id, sent));
        self.append_whatever_happens(entry, Step::ReadBack(shown)).await
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
    async fn append_whatever_happens(&self, entry: &Entry, step: Step) -> Result<(), StoreError> {
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
        Ok(())
    }
}

enum Turn {
    Went,
    /// Nothing is due now; true where something is soon.
    Idle(bool),
}

/// One message for one cause, however often it is met.
fn once(told: &mut Option<String>, why: &str) {
    if told.as_deref() != Some(why) {
        tracing::error!("{why}");
        *told = Some(why.to_owned());
    }
}

/// The card among the user's: by the key BluSKY gave, else by what was sent; compared with what was sent. Until BluSKY has had the
/// time to show it, what is not there proves nothing.
fn find(entry: &Entry, sent: &Operation, cards: Vec<StoredCard>, shows_within: TimeDelta, now: DateTime<Utc>) -> ReadBack {
    let key = entry.progress().told.value;
    let by_key = |card: &&StoredCard| key.is_some() && card.user_card_id == key && !card.deleted;
    let is = |sameness: Sameness| cards.iter().find(|card| card.is(sent) == sameness);
    let too_early = entry.unproven_until(shows_within).is_some_and(|until| now < until);
    let (known, open) = (cards.iter().find(by_key).or_else(|| is(Sameness::TheOne)), is(Sameness::CannotBeTold));
    match known.map(|card| card.clone().compare(sent)) {
        Some(Ok(card)) if too_early && !entry.is_done(&card) && entry.progress().state == State::InDoubt => {
            ReadBack::NotYet { why: "BluSKY does not show the change yet".to_owned() }
        }
        Some(Ok(card)) => ReadBack::Found(Box::new(card)),
        Some(Err(error)) => ReadBack::Failed { why: error.to_string() },
        None if too_early => ReadBack::NotYet { why: "BluSKY does not show the card yet".to_owned() },
        None if open.is_some() => ReadBack::CannotTell,
        None => ReadBack::NotFound,
    }
}
