//! Delivery: carries the outbox to BluSKY while this process holds the delivery lock.
//!
//! In: the store, BluSKY, the lock. Out: steps, each on disk before the next thing is done. What is done next, for whom, and how many
//! at once is the [`Schedule`]'s to say. Never: anything sent without the lock, nothing sent before "sending" is on disk, and no call
//! cut off because this process ends.

mod call;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::platform::lock::Lock;
use crate::{
    access::AccessControl,
    outbox::{
        State, Step,
        reach::Heard,
        schedule::{Schedule, Waiting, Work},
    },
    store::{StoreError, StoreHandle},
};
use call::{Call, Called};

/// How long a process without the lock waits before it tries again, and one with it before it looks for what others have written.
const LOOK: Duration = Duration::from_millis(100);
/// What is due within this time is waited for by a process that is about to end.
const SOON: TimeDelta = TimeDelta::seconds(3);
/// How long the calls under way are waited for when delivery is to end: longer than any call takes.
const LAST_CALL: Duration = Duration::from_secs(60);

/// What delivery tells, for whoever runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An entry has come to its end, or waits for a person.
    Settled(Uuid, State),
    /// BluSKY lets nothing through until somebody acts. Told once, until something goes through again.
    Stopped(String),
}

/// How a site wants its outbox delivered.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How many calls may be under way at once.
    pub parallel: usize,
    /// How long BluSKY's lists may lack what it has done.
    pub shows_within: Duration,
}

/// Delivery under way.
pub struct Delivery {
    end: watch::Sender<End>,
    task: JoinHandle<()>,
    /// What it tells.
    pub reports: mpsc::UnboundedReceiver<Report>,
}

impl Delivery {
    /// Ends it. The calls that are under way are finished and written down first: cut off, they would be in doubt.
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
    call: Arc<Call<C>>,
    lock: PathBuf,
    doing: &'static str,
    parallel: usize,
    end: watch::Receiver<End>,
    reports: mpsc::UnboundedSender<Report>,
}

/// What one who holds the lock knows.
struct Known {
    schedule: Schedule,
    under_way: JoinSet<Called>,
    /// What this process writes.
    writes: watch::Receiver<u64>,
    /// The last change of the store that has been taken up.
    change: i64,
    /// Why everybody is stopped, said once.
    stopped: Option<String>,
}

impl<C: AccessControl + Send + Sync + 'static> Deliverer<C> {
    /// Starts delivering from the store at this path; `doing` is what the lock file says of this process.
    #[must_use]
    pub fn start(store: StoreHandle, store_path: &Path, blusky: C, rules: Rules, doing: &'static str) -> Delivery {
        let (end, ends) = watch::channel(End::Not);
        let (reports, reported) = mpsc::unbounded_channel();
        let call = Arc::new(Call::new(store, blusky, rules.shows_within, ends.clone()));
        let lock = Lock::beside(store_path, "delivery");
        let deliverer = Self { call, lock, doing, parallel: rules.parallel, end: ends, reports };
        Delivery { end, task: tokio::spawn(deliverer.run()), reports: reported }
    }

    async fn run(self) {
        let mut told = None;
        // Where another process holds the lock, it is its business to finish.
        while *self.end.borrow() == End::Not {
            match Lock::try_take(&self.lock, self.doing) {
                Ok(Ok(_lock)) => {
                    while let Err(error) = self.with_lock().await {
                        once(&mut told, &format!("the outbox cannot be read or written: {error}"));
                        if *self.end.borrow() != End::Not {
                            return;
                        }
                        self.pause(Duration::from_secs(1)).await;
                    }
                }
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

    async fn with_lock(&self) -> Result<(), StoreError> {
        let mut known = self.take_stock().await?;
        let mut result = Ok(());
        while *self.end.borrow() != End::Now {
            let more = self.take_up_changes(&mut known).await;
            self.begin(&mut known).await;
            if let Err(error) = more {
                result = Err(error);
                break;
            }
            if *self.end.borrow() == End::WhenIdle && is_idle(&known.schedule) {
                return Ok(());
            }
            self.wait(&mut known).await;
        }
        // What is under way is finished and written down.
        while let Some(called) = known.under_way.join_next().await {
            self.called(&mut known, called);
        }
        result
    }

    /// The entries that are not settled. What somebody was sending when they ended is in doubt.
    async fn take_stock(&self) -> Result<Known, StoreError> {
        let store = &self.call.store;
        let writes = store.writes();
        let change = store.last_change().await?;
        let (mut schedule, mut last) = (Schedule::new(self.parallel), 0);
        loop {
            let page = store.open_after(last).await?;
            let Some((number, _)) = page.last() else { break };
            last = *number;
            for (number, mut entry) in page {
                if let Some(step) = entry.abandoned() {
                    let at = Utc::now();
                    store.append(&entry, at, step.clone()).await?;
                    entry.add(at, step);
                }
                schedule.put(Waiting::of(&entry, number, Utc::now()));
            }
        }
        Ok(Known { schedule, under_way: JoinSet::new(), writes, change, stopped: None })
    }

    /// Takes up what this process and others have written since; what is under way here comes back by itself.
    async fn take_up_changes(&self, known: &mut Known) -> Result<(), StoreError> {
        loop {
            let (change, entries) = self.call.store.changed_after(known.change).await?;
            if change == known.change {
                return Ok(());
            }
            known.change = change;
            for (number, entry) in entries {
                if let Some((at, Step::Retry { .. } | Step::Reassign { .. })) = entry.steps().last() {
                    known.schedule.asked_for(*at);
                }
                if !known.schedule.is_under_way(entry.id) {
                    known.schedule.put(Waiting::of(&entry, number, Utc::now()));
                }
            }
        }
    }

    /// Begins whatever may be begun.
    async fn begin(&self, known: &mut Known) {
        while let Some(work) = known.schedule.next(Utc::now()) {
            let call = self.call.clone();
            known.under_way.spawn(async move {
                match work {
                    Work::Step(id) => call.step(id).await,
                    Work::Ask(id) => call.ask(id).await,
                }
            });
        }
    }

    /// Waits until there may be something to do.
    async fn wait(&self, known: &mut Known) {
        let now = Utc::now();
        let until = known.schedule.deadline(now).map_or(LOOK, |at| (at - now).to_std().unwrap_or_default().min(LOOK));
        let mut end = self.end.clone();
        let before = *end.borrow();
        tokio::select! {
            Some(called) = known.under_way.join_next() => self.called(known, called),
            _ = known.writes.changed() => {}
            () = sleep(until) => {}
            _ = end.wait_for(|end| *end != before) => {}
        }
    }

    fn called(&self, known: &mut Known, called: Result<Called, tokio::task::JoinError>) {
        let Ok(called) = called else { return };
        for (heard, why) in called.heard {
            match (&heard, why) {
                (Heard::Stopped, Some(why)) if known.stopped.as_ref() != Some(&why) => {
                    drop(self.reports.send(Report::Stopped(why.clone())));
                    known.stopped = Some(why);
                }
                (Heard::Answered, _) => known.stopped = None,
                _ => {}
            }
            known.schedule.heard(&heard, called.user, Utc::now());
        }
        let Some((number, entry)) = called.entry.map(|entry| (known.schedule.place(entry.id), entry)) else {
            return known.schedule.let_go(called.id, Utc::now());
        };
        let progress = entry.progress();
        if progress.is_settled() {
            drop(self.reports.send(Report::Settled(entry.id, progress.state)));
        }
        known.schedule.put(Waiting::of(&entry, number, Utc::now()));
    }
}

/// True where nothing is due soon, and nobody can do anything about it.
fn is_idle(schedule: &Schedule) -> bool {
    let now = Utc::now();
    !schedule.is_busy() && (schedule.is_closed(now) || schedule.deadline(now).is_none_or(|at| at >= now + SOON))
}

/// One message for one cause, however often it is met.
fn once(told: &mut Option<String>, why: &str) {
    if told.as_deref() != Some(why) {
        tracing::error!("{why}");
        *told = Some(why.to_owned());
    }
}
