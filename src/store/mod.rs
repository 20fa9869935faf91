//! What survives the power cord: the outbox on disk.
//!
//! Asked by messages, it answers each by one: [`StoreHandle`] is what the rest of the program holds, a thread of its own
//! holds the database. An entry exists once [`StoreHandle::save`] has answered: the bytes are on disk by then. Whoever lets go of the
//! last handle waits until the file is closed: it holds everything then, and no log lies beside it.
//!
//! - [`sqlite`]: the database file, its layout and invariants;
//! - [`seal`]: PINs and passwords, as they lie on disk.

pub mod seal;
pub mod sqlite;

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::{
    access::Secret,
    card::{Evidence, What},
    enroll::evidence::Seen,
    outbox::{Entry, Given, State, Step},
};
use seal::{SealError, Sealer};
use sqlite::Database;

/// Why the store cannot do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds it.
    #[error("the store {0} is locked by another program; close what holds it (a database browser, a backup) and try again")]
    Locked(String),
    /// It cannot be written.
    #[error("the store {0} cannot be written (read-only); check the owner and mode of the file and of its folder")]
    ReadOnly(String),
    /// The disk is full.
    #[error("the store {0} cannot grow: the disk is full; free some space")]
    Full(String),
    /// A newer program made it.
    #[error("the store {path} has layout {found}, and this program knows {known}; a newer cardbridge made it, use that one")]
    Newer {
        /// The file.
        path: String,
        /// Its layout.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// It is something else.
    #[error("{0} is not a cardbridge store; name another file under [store] path")]
    Foreign(String),
    /// It cannot be opened.
    #[error("the store {path} cannot be opened: {why}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Something in it is not as it was written.
    #[error(
        "the store is damaged: {0} is not as it was written down. Nothing of that is sent; put a backup in its place, or order it anew"
    )]
    Damaged(String),
    /// Somebody else has gone on with the entry.
    #[error("somebody else has gone on with this entry; look at it again")]
    Conflict,
    /// The card was given to somebody else a moment ago.
    #[error("this card was given to another user {} s ago", .0.seconds)]
    SameCard(Given),
    /// There is no such entry.
    #[error("there is no entry {0}; `cardbridge outbox list` shows them all")]
    NoEntry(String),
    /// A PIN or password cannot be sealed or unsealed.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// The PIN or password of an entry that has come to its end is gone.
    #[error("its PIN or password was wiped when it came to its end; order it anew")]
    SecretGone,
    /// Anything else.
    #[error("the store {path} failed: {why}")]
    Failed {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What a store is asked.
#[derive(Debug)]
enum Ask {
    Save(Box<Entry>, Option<TimeDelta>, Reply<()>),
    Seen(String, DateTime<Utc>, Reply<()>),
    Append(Box<Entry>, DateTime<Utc>, Box<Step>, Reply<()>),
    Entry(Uuid, Reply<Entry>),
    LastChange(Reply<i64>),
    OpenAfter(u64, Reply<Vec<(u64, Entry)>>),
    ChangedAfter(i64, Reply<(i64, Vec<(u64, Entry)>)>),
    All(Reply<Vec<Entry>>),
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
    /// Opens the store at this path, making it where there is none, and gives it a thread of its own. What is saved is for the BluSKY
    /// at this `base_url`, and only what is for it is delivered.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open_sealed(path: &Path, base_url: &str, sealer: Sealer) -> Result<Self, StoreError> {
        let mut database = Database::open(path, base_url, sealer)?;
        let (ask, mut asked) = mpsc::unbounded_channel();
        let (count, writes) = watch::channel(0);
        let run = move || {
            while let Some(message) = asked.blocking_recv() {
                let is_write = matches!(message, Ask::Save(..) | Ask::Append(..));
                answer(&mut database, message);
                if is_write {
                    count.send_modify(|count| *count += 1);
                }
            }
            database.close();
        };
        let spawned = thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = spawned.map_err(|error| StoreError::Open { path: path.display().to_string(), why: error.to_string() })?;
        Ok(Self { running: Arc::new(Running { asks: Some(ask), thread: Some(thread) }), writes, base_url: base_url.into() })
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
    pub async fn open_after(&self, number: u64) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.ask(|reply| Ask::OpenAfter(number, reply)).await
    }

    /// A page of the entries that have changed since, each with its number, and the change it goes to.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn changed_after(&self, change: i64) -> Result<(i64, Vec<(u64, Entry)>), StoreError> {
        self.ask(|reply| Ask::ChangedAfter(change, reply)).await
    }

    /// Counts what this process has written down: whoever keeps it is woken by every write.
    #[must_use]
    pub fn writes(&self) -> watch::Receiver<u64> {
        self.writes.clone()
    }

    /// All entries that are not damaged, oldest first, those for another BluSKY too.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn all(&self) -> Result<Vec<Entry>, StoreError> {
        self.ask(Ask::All).await
    }

    /// What was accepted under this store's BluSKY before, and what was saved on a person's word.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn evidence_seen(&self) -> Result<Seen, StoreError> {
        let mut seen = Seen::default();
        for entry in self.all().await?.iter().filter(|entry| entry.base_url == *self.base_url) {
            let Some(card) = &entry.origin.card else { continue };
            let is_word = |evidence: &Evidence| matches!(evidence.what, What::Printed | What::Operator);
            match entry.progress().state {
                State::Accepted => seen.accepted(&card.format, card.credential.facility_code),
                State::Saved | State::Sending | State::InDoubt if entry.origin.evidence.iter().any(is_word) => {
                    seen.vouched(&card.format, card.credential.facility_code);
                }
                _ => {}
            }
        }
        Ok(seen)
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
fn answer(database: &mut Database, message: Ask) {
    match message {
        Ask::Save(entry, unless_given, reply) => drop(reply.send(database.save(&entry, unless_given))),
        Ask::Seen(card, at, reply) => drop(reply.send(database.seen(&card, at))),
        Ask::Append(entry, at, step, reply) => drop(reply.send(database.append(*entry, at, &step))),
        Ask::Entry(id, reply) => drop(reply.send(database.entry(id))),
        Ask::LastChange(reply) => drop(reply.send(database.last_change())),
        Ask::OpenAfter(number, reply) => drop(reply.send(database.open_after(number))),
        Ask::ChangedAfter(change, reply) => drop(reply.send(database.changed_after(change))),
        Ask::All(reply) => drop(reply.send(database.all())),
        Ask::Findings(reply) => drop(reply.send(database.findings())),
        Ask::Secret(id, reply) => drop(reply.send(database.secret(id))),
        Ask::Keep(name, at, text, reply) => drop(reply.send(database.keep(&name, at, &text))),
        Ask::Kept(name, reply) => drop(reply.send(database.kept(&name))),
    }
}
