//! A store, asked by messages: what the rest of the program holds.
//!
//! In: a question, from any task. Out: its answer, from the store's own thread, one after the other. Whoever lets go of the last handle
//! waits until the store is closed: all is on disk then, and no log lies beside it. Never: a wait for the disk in anybody's task.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{Page, Store, StoreError, seal::Sealer, sqlite::Database};
use crate::{
    access::Secret,
    enroll::evidence::Seen,
    outbox::{Entry, Step},
};

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What a store is asked.
#[derive(Debug)]
enum Ask {
    Save(Box<Entry>, Option<TimeDelta>, Reply<()>),
    Seen(String, DateTime<Utc>, Reply<()>),
    Append(Box<Entry>, DateTime<Utc>, Box<Step>, Reply<()>),
    Entry(Uuid, Reply<Entry>),
    LastChange(Reply<i64>),
    OpenAfter(u64, Reply<Page>),
    PageAfter(u64, Reply<Page>),
    ChangedAfter(i64, Reply<(i64, Page)>),
    EvidenceSeen(Reply<Seen>),
    Findings(Reply<Vec<String>>),
    Secret(Uuid, Reply<Option<Secret>>),
    Keep(String, DateTime<Utc>, String, Reply<()>),
    Kept(String, Reply<Option<(DateTime<Utc>, String)>>),
}

/// A store, asked by messages.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    running: Arc<Running>,
    writes: watch::Receiver<u64>,
    base_url: Arc<str>,
}

/// The store's thread, which ends once it is asked nothing more.
#[derive(Debug)]
struct Running {
    asks: Option<mpsc::UnboundedSender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn send(&self, message: Ask) -> Result<(), StoreError> {
        let gone = || StoreError::Failed { path: String::new(), why: "its thread has ended".to_owned() };
        self.asks.as_ref().ok_or_else(gone)?.send(message).map_err(|_| gone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl StoreHandle {
    /// Opens the SQLite store at this path, where at least an empty file is. What is saved is for the BluSKY at this `base_url`, and only
    /// what is for it is delivered.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open_sealed(path: &Path, base_url: &str, sealer: Sealer) -> Result<Self, StoreError> {
        Self::over(Box::new(Database::open(path, base_url, sealer)?))
    }

    /// Gives a store a thread of its own.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn over(mut store: Box<dyn Store + Send>) -> Result<Self, StoreError> {
        let base_url: Arc<str> = store.base_url().into();
        let (ask, mut asked) = mpsc::unbounded_channel();
        let (count, writes) = watch::channel(0);
        let run = move || {
            while let Some(message) = asked.blocking_recv() {
                let is_write = matches!(message, Ask::Save(..) | Ask::Append(..));
                answer(store.as_mut(), message);
                if is_write {
                    count.send_modify(|count| *count += 1);
                }
            }
            store.close();
        };
        let spawned = thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = spawned.map_err(|error| StoreError::Failed { path: String::new(), why: error.to_string() })?;
        Ok(Self { running: Arc::new(Running { asks: Some(ask), thread: Some(thread) }), writes, base_url })
    }

    /// The BluSKY whose entries are delivered from here.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Writes an entry down; it is on disk once this returns.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn save(&self, entry: Entry) -> Result<(), StoreError> {
        self.ask(|reply| Ask::Save(Box::new(entry), None, reply)).await
    }

    /// Asks for an entry to be written down, unless its card was given to somebody else and seen within this time; it is on disk once
    /// the answer has come.
    #[must_use]
    pub fn begin_save(&self, entry: Entry, unless_given: Option<TimeDelta>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, answer) = oneshot::channel();
        // A store that has ended drops the message, and the answer says so.
        drop(self.running.send(Ask::Save(Box::new(entry), unless_given, reply)));
        answer
    }

    /// Notes when the card of an entry was last seen at a reader.
    ///
    /// # Errors
    /// Why it is not written down.
    pub async fn seen(&self, card: String, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.ask(|reply| Ask::Seen(card, at, reply)).await
    }

    /// Writes an entry's next step down.
    ///
    /// # Errors
    /// Why it is not; [`StoreError::Conflict`] where the entry has gone on in the meantime.
    pub async fn append(&self, entry: &Entry, at: DateTime<Utc>, step: Step) -> Result<(), StoreError> {
        self.ask(|reply| Ask::Append(Box::new(entry.clone()), at, Box::new(step), reply)).await
    }

    /// One entry.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn entry(&self, id: Uuid) -> Result<Entry, StoreError> {
        self.ask(|reply| Ask::Entry(id, reply)).await
    }

    /// The count of the last change of any entry.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_change(&self) -> Result<i64, StoreError> {
        self.ask(Ask::LastChange).await
    }

    /// A page of the entries that are not settled and were saved after this number; each with its own.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn open_after(&self, number: u64) -> Result<Page, StoreError> {
        self.ask(|reply| Ask::OpenAfter(number, reply)).await
    }

    /// A page of the entries that have changed since, each with its number, and the change it goes to.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn changed_after(&self, change: i64) -> Result<(i64, Page), StoreError> {
        self.ask(|reply| Ask::ChangedAfter(change, reply)).await
    }

    /// Counts what this process has written down: whoever keeps it is woken by every write.
    #[must_use]
    pub fn writes(&self) -> watch::Receiver<u64> {
        self.writes.clone()
    }

    /// A page of all entries that are not damaged and were saved after this number, those for another BluSKY too; each with its own. An
    /// empty page says that there are no more.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn page_after(&self, number: u64) -> Result<Page, StoreError> {
        self.ask(|reply| Ask::PageAfter(number, reply)).await
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn all(&self) -> Result<Vec<Entry>, StoreError> {
        let (mut all, mut last) = (Vec::new(), 0);
        loop {
            let page = self.page_after(last).await?;
            let Some((number, _)) = page.last() else { return Ok(all) };
            last = *number;
            all.extend(page.into_iter().map(|(_, entry)| entry));
        }
    }

    /// How many cards of which format and facility code were taken here ([`Store::evidence_seen`]).
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn evidence_seen(&self) -> Result<Seen, StoreError> {
        self.ask(Ask::EvidenceSeen).await
    }

    /// What is wrong with the store, in words; all of it is read for that.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn findings(&self) -> Result<Vec<String>, StoreError> {
        self.ask(Ask::Findings).await
    }

    /// An entry's PIN or password, unsealed; none where it has none.
    ///
    /// # Errors
    /// It is gone, or cannot be unsealed.
    pub async fn secret(&self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        self.ask(|reply| Ask::Secret(id, reply)).await
    }

    /// Keeps a list of BluSKY's with the time it was asked for; the one kept before goes.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep(&self, name: &str, at: DateTime<Utc>, text: String) -> Result<(), StoreError> {
        self.ask(|reply| Ask::Keep(name.to_owned(), at, text, reply)).await
    }

    /// The list that was kept, and when it was asked for.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn kept(&self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        self.ask(|reply| Ask::Kept(name.to_owned(), reply)).await
    }

    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Ask) -> Result<T, StoreError> {
        let gone = || StoreError::Failed { path: String::new(), why: "its thread has ended".to_owned() };
        let (reply, answer) = oneshot::channel();
        self.running.send(message(reply))?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Whoever asked may have gone; the work is done all the same.
fn answer(store: &mut dyn Store, message: Ask) {
    match message {
        Ask::Save(entry, unless_given, reply) => drop(reply.send(store.save(&entry, unless_given))),
        Ask::Seen(card, at, reply) => drop(reply.send(store.seen(&card, at))),
        Ask::Append(entry, at, step, reply) => drop(reply.send(store.append(*entry, at, &step))),
        Ask::Entry(id, reply) => drop(reply.send(store.entry(id))),
        Ask::LastChange(reply) => drop(reply.send(store.last_change())),
        Ask::OpenAfter(number, reply) => drop(reply.send(store.open_after(number))),
        Ask::ChangedAfter(change, reply) => drop(reply.send(store.changed_after(change))),
        Ask::PageAfter(number, reply) => drop(reply.send(store.page_after(number))),
        Ask::EvidenceSeen(reply) => drop(reply.send(store.evidence_seen())),
        Ask::Findings(reply) => drop(reply.send(store.findings())),
        Ask::Secret(id, reply) => drop(reply.send(store.secret(id))),
        Ask::Keep(name, at, text, reply) => drop(reply.send(store.keep(&name, at, &text))),
        Ask::Kept(name, reply) => drop(reply.send(store.kept(&name))),
    }
}
