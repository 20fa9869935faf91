//! A store, asked by messages: what the rest of the program holds.
//!
//! In: a question, from any task. Out: its answer, from the store's own thread, one after the other; what comes while something is
//! written is written with it, and answered once all of it is on disk. Whoever lets go of the last handle waits until the store is closed:
//! all is on disk then, and no log lies beside it. Never: a wait for the disk in anybody's task.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    AnchorFile, Page, Store, StoreError,
    ask::{Ask, Kind, answer_together},
    count::Count,
    seal::Sealer,
    sqlite::Database,
};
use crate::{
    access::{AddUser, PeopleLines, Secret},
    enroll::{evidence::Seen, origin::Undoes},
    outbox::{Entry, Step, Terms, tally::Tally},
};

/// A store, asked by messages.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    running: Arc<Running>,
    base_url: Arc<str>,
    /// What is known to be wrong with it; none before somebody has begun to look.
    known: Arc<Mutex<Option<Vec<String>>>>,
}

/// The store's thread, which ends once it is asked nothing more.
struct Running {
    asks: Option<mpsc::UnboundedSender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Running").finish_non_exhaustive()
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
    /// what is for it is delivered. A store that has not come as far as its anchor is not opened.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open_sealed(path: &Path, base_url: &str, sealer: Sealer, anchor: Option<AnchorFile>) -> Result<Self, StoreError> {
        let database = Database::open(path, base_url, sealer)?;
        Self::over(Box::new(match anchor {
            Some(anchor) => database.anchored(anchor)?,
            None => database,
        }))
    }

    /// Gives a store a thread of its own.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn over(mut store: Box<dyn Store + Send>) -> Result<Self, StoreError> {
        let base_url: Arc<str> = store.base_url().into();
        let (ask, mut asked) = mpsc::unbounded_channel();
        let run = move || {
            let (mut put_off, mut count) = (None, Count::default());
            while let Some(first) = put_off.take().or_else(|| asked.blocking_recv()) {
                put_off = answer_together(store.as_mut(), &mut count, first, || asked.try_recv().ok());
            }
            store.close();
        };
        let spawned = thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = spawned.map_err(|error| StoreError::Failed { path: String::new(), why: error.to_string() })?;
        Ok(Self { running: Arc::new(Running { asks: Some(ask), thread: Some(thread) }), base_url, known: Arc::default() })
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
        answer(self.begin_save(Box::new(entry), Terms::default())).await.map(drop)
    }

    /// Asks for an entry to be written down on these terms; it is on disk once it has come back.
    #[must_use]
    pub fn begin_save(&self, entry: Box<Entry>, terms: Terms) -> Asked<Box<Entry>> {
        let changed = [entry.id].into_iter().chain(terms.supersedes).collect();
        self.begin(Kind::Write(changed), move |store, _| store.save(&entry, terms).map(|()| entry))
    }

    /// Writes down that the card of an entry is taken back by these entries, and these, in one moment ([`Store::undo`]).
    ///
    /// # Errors
    /// Why nothing of it is.
    pub async fn undo(&self, undone: &Entry, at: DateTime<Utc>, by: Vec<Entry>) -> Result<(), StoreError> {
        let changed = by.iter().map(|entry| entry.id).chain([undone.id]).collect();
        let undone = undone.clone();
        self.ask(Kind::Write(changed), move |store, _| store.undo(undone, at, &by)).await
    }

    /// Notes when the card of an entry was last seen at a reader.
    ///
    /// # Errors
    /// Why it is not written down.
    pub async fn seen(&self, card: String, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.ask(Kind::Write(Vec::new()), move |store, _| store.seen(&card, at)).await
    }

    /// Writes an entry's next step down.
    ///
    /// # Errors
    /// Why it is not; [`StoreError::Conflict`] where the entry has gone on in the meantime.
    pub async fn append(&self, entry: &Entry, at: DateTime<Utc>, step: Step) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.ask(Kind::Write(touched(&entry)), move |store, _| store.append(entry, at, &step)).await
    }

    /// Reads an entry; where `first` names a step and its time, that is written down in the same question. Both as they are then.
    ///
    /// # Errors
    /// There is none, or it cannot be read; or why the step is not written down.
    pub async fn first_step(
        &self,
        id: Uuid,
        first: impl FnOnce(&Entry) -> Option<(DateTime<Utc>, Step)> + Send + 'static,
    ) -> Result<(Entry, Option<Step>), StoreError> {
        self.ask(Kind::Write(Vec::new()), move |store, count| {
            let entry = store.entry(id)?;
            let Some((at, step)) = first(&entry) else { return Ok((entry, None)) };
            touched(&entry).into_iter().for_each(|id| count.changes(id));
            store.append(entry.clone(), at, &step)?;
            Ok((entry.after([(at, step.clone())]), Some(step)))
        })
        .await
    }

    /// One entry.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn entry(&self, id: Uuid) -> Result<Entry, StoreError> {
        self.ask(Kind::Quick, move |store, _| store.entry(id)).await
    }

    /// A page of the entries that are not closed and were saved after this number; each with its own.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn open_after(&self, number: u64) -> Result<Page, StoreError> {
        self.ask(Kind::Long, move |store, _| store.open_after(number)).await
    }

    /// A page of all entries that are not damaged and were saved after this number, those for another BluSKY too; each with its own. An
    /// empty page says that there are no more.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn page_after(&self, number: u64) -> Result<Page, StoreError> {
        self.ask(Kind::Long, move |store, _| store.page_after(number)).await
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

    /// How the outbox stands, today having begun then. All entries are counted at the first time, between what others ask, and then only
    /// what was written since.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn tally(&self, today: DateTime<Utc>) -> Result<Tally, StoreError> {
        loop {
            if let Some(tally) = self.ask(Kind::Long, move |store, count| count.go_on(store, today)).await? {
                return Ok(tally);
            }
        }
    }

    /// How many cards of which format and facility code were taken here ([`Store::evidence_seen`]).
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn evidence_seen(&self) -> Result<Seen, StoreError> {
        self.ask(Kind::Long, |store, _| store.evidence_seen()).await
    }

    /// Looks through all of the store, between what others ask, and tells what is wrong as it is found.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn inspect(&self, mut tell: impl FnMut(&str)) -> Result<(), StoreError> {
        let mut looking = Looking { known: &self.known, is_done: false };
        *looking.known() = Some(Vec::new());
        let mut anew = true;
        while !looking.is_done {
            let looked = self.ask(Kind::Long, move |store, _| store.look_on(anew)).await?;
            looked.found.iter().for_each(|found| tell(found));
            looking.known().get_or_insert_default().extend(looked.found);
            (anew, looking.is_done) = (false, looked.is_last);
        }
        Ok(())
    }

    /// What is wrong with the store, as far as somebody has looked; where nobody has, all of it is looked through.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn findings(&self) -> Result<Vec<String>, StoreError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known() {
            return Ok(known);
        }
        self.inspect(|_| {}).await?;
        Ok(known().unwrap_or_default())
    }

    /// The keys that begin so, whatever has become of their entries: two of them where there are several.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn beginning(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let key = key.to_owned();
        self.ask(Kind::Long, move |store, _| store.beginning(&key)).await
    }

    /// The newest entry that gave this card to somebody and was not refused or given up.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_of_card(&self, card: String) -> Result<Option<Entry>, StoreError> {
        self.ask(Kind::Long, move |store, _| store.last_of_card(&card)).await
    }

    /// An order of the same new user whose outcome is not known yet.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn open_user(&self, user: &AddUser) -> Result<Option<Entry>, StoreError> {
        let user = user.clone();
        self.ask(Kind::Long, move |store, _| store.open_user(&user)).await
    }

    /// An entry's PIN or password, unsealed; none where it has none.
    ///
    /// # Errors
    /// It is gone, or cannot be unsealed.
    pub async fn secret(&self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        self.ask(Kind::Quick, move |store, _| store.secret(id)).await
    }

    /// Keeps a list of BluSKY's with the time it was asked for; the one kept before goes.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep(&self, name: &str, at: DateTime<Utc>, text: String) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.ask(Kind::Write(Vec::new()), move |store, _| store.keep(&name, at, &text)).await
    }

    /// Takes the lines of these people out of a list of people, and adds others behind them: nobody changes it in between.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub async fn change(&self, name: &str, at: DateTime<Utc>, gone: Vec<Uuid>, new: PeopleLines) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.ask(Kind::Write(Vec::new()), move |store, _| store.change(&name, at, &gone, &new)).await
    }

    /// The list that was kept, and when it was asked for.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn kept(&self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        let name = name.to_owned();
        self.ask(Kind::Quick, move |store, _| store.kept(&name)).await
    }

    /// Why the store's anchor cannot tell whether the store is an older one ([`Store::anchor_trouble`]).
    ///
    /// # Errors
    /// The store has ended.
    pub async fn anchor_trouble(&self) -> Result<Option<StoreError>, StoreError> {
        self.ask(Kind::Long, |store, _| Ok(store.anchor_trouble())).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(&mut dyn Store, &mut Count) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        answer(self.begin(kind, work)).await
    }

    fn begin<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(&mut dyn Store, &mut Count) -> Result<T, StoreError> + Send + 'static,
    ) -> Asked<T> {
        let (ask, answer) = Ask::new(kind, work);
        // A store that has ended drops the question, and the answer says so.
        if let Some(asks) = &self.running.asks {
            drop(asks.send(ask));
        }
        answer
    }
}

/// Where the answer to a question comes.
type Asked<T> = oneshot::Receiver<Result<T, StoreError>>;

async fn answer<T>(asked: Asked<T>) -> Result<T, StoreError> {
    let gone = || StoreError::Failed { path: String::new(), why: "its thread has ended".to_owned() };
    asked.await.unwrap_or_else(|_| Err(gone()))
}

/// The entries of which a step of this one may say something.
fn touched(entry: &Entry) -> Vec<Uuid> {
    let hang_on_it = entry.origin.undoing.iter().flat_map(Undoes::entries);
    [entry.id].into_iter().chain(hang_on_it).collect()
}

/// Somebody who looks through the store. Where they stop before its end, nobody has looked.
struct Looking<'h> {
    known: &'h Mutex<Option<Vec<String>>>,
    is_done: bool,
}

impl Looking<'_> {
    fn known(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            *self.known() = None;
        }
    }
}
