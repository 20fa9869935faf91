//! A store that survives nothing: entries in memory.
//!
//! In and out: as any [`Store`]. Never: a file, or damage. It is for tests of what stands above a store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Looked, Page, Store, StoreError};
use crate::{
    access::{AddUser, Operation, PeopleLines, Secret, base_url::in_one_form},
    enroll::evidence::Seen,
    outbox::{Entry, Standing, Step, Terms},
};

/// How many entries are given at once.
const PAGE: usize = 256;

/// What is kept in memory, as a file keeps it on disk: it outlives the stores that are opened over it.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// In the order they were saved.
    entries: Vec<Entry>,
    /// None once it is wiped.
    secrets: HashMap<Uuid, Option<Secret>>,
    lists: HashMap<String, (DateTime<Utc>, String)>,
}

/// A store over it.
#[derive(Debug)]
pub struct MemoryStore {
    memory: Memory,
    base_url: String,
}

impl Memory {
    /// Opens a store over it, for the entries of this BluSKY.
    #[must_use]
    pub fn open(&self, base_url: &str) -> MemoryStore {
        MemoryStore { memory: self.clone(), base_url: in_one_form(base_url) }
    }
}

impl MemoryStore {
    fn memory(&self) -> MutexGuard<'_, Contents> {
        self.memory.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries that are wanted, a page of them, each with its number.
    fn page(&self, wanted: impl Fn(u64, &Entry) -> bool) -> Page {
        let kept = self.memory();
        let numbered = (1..).zip(&kept.entries);
        numbered.filter(|(number, entry)| wanted(*number, entry)).take(PAGE).map(|(number, entry)| (number, entry.clone())).collect()
    }
}

impl Contents {
    fn find(&mut self, id: Uuid) -> Result<&mut Entry, StoreError> {
        let found = self.entries.iter_mut().find(|entry| entry.id == id);
        found.ok_or_else(|| StoreError::NoEntry(id.to_string()))
    }

    /// Adds an entry's next step; the entry as it is then.
    fn add(&mut self, id: Uuid, at: DateTime<Utc>, step: &Step) -> Result<Entry, StoreError> {
        let found = self.find(id)?;
        found.add(at, step.clone());
        let entry = found.clone();
        if let Some(secret) = self.secrets.get_mut(&id).filter(|_| entry.is_done_with_its_secret()) {
            *secret = None;
        }
        Ok(entry)
    }
}

impl Store for MemoryStore {
    fn base_url(&self) -> &str {
        &self.base_url
    }

    fn begin_group(&mut self) {}

    fn end_group(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn save(&mut self, entry: &Entry, terms: Terms) -> Result<(), StoreError> {
        let mut entry = Entry { base_url: self.base_url.clone(), ..entry.clone() };
        let mut kept = self.memory();
        let card = |entry: &Entry| entry.source.as_ref().map(|source| source.card.clone());
        let is_rival = |other: &&Entry| card(&entry).is_some() && card(other) == card(&entry) && other.base_url == entry.base_url;
        if let Operation::AddUser(user) = &entry.operation {
            let others = kept.entries.iter().filter(|other| other.id != entry.id && other.base_url == entry.base_url);
            if let Some(not_new) = others.rev().find_map(|other| other.not_new(user, entry.origin.judged_at)) {
                return Err(StoreError::NotNew(not_new));
            }
        }
        let superseded = terms.judge(&entry, kept.entries.iter().filter(is_rival).cloned())?;
        if kept.find(entry.id).is_ok() {
            return Err(StoreError::Conflict);
        }
        if let Some(secret) = entry.take_secret() {
            kept.secrets.insert(entry.id, Some(secret));
            entry.is_sealed = true;
        }
        let (id, at) = (entry.id, entry.saved_at);
        kept.entries.push(entry);
        drop(kept);
        superseded.map_or(Ok(()), |other| self.append(other, at, &Step::Discarded { superseded_by: Some(id) }))
    }

    fn undo(&mut self, undone: Entry, at: DateTime<Utc>, by: &[Entry]) -> Result<(), StoreError> {
        let Some(first) = by.first() else { return Ok(()) };
        self.append(undone, at, &Step::Undone { by: first.id })?;
        by.iter().try_for_each(|entry| self.save(entry, Terms::default()))
    }

    fn seen(&mut self, card: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut kept = self.memory();
        let sources = kept.entries.iter_mut().rev().filter_map(|entry| entry.source.as_mut());
        if let Some(source) = sources.into_iter().find(|source| source.reader.is_some() && source.card == card && source.seen_at < at) {
            source.seen_at = at;
        }
        Ok(())
    }

    fn append(&mut self, entry: Entry, at: DateTime<Utc>, step: &Step) -> Result<(), StoreError> {
        let mut kept = self.memory();
        let found = kept.find(entry.id)?;
        if found.steps().len() != entry.steps().len() {
            return Err(StoreError::Conflict);
        }
        let before = found.progress().clone();
        for (other, step) in kept.add(entry.id, at, step)?.consequences(&before) {
            if kept.find(other).is_ok_and(|other| other.is_changed_by(&step)) {
                kept.add(other, at, &step)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, id: Uuid) -> Result<Entry, StoreError> {
        self.memory().find(id).cloned()
    }

    fn open_after(&mut self, after: u64) -> Result<Page, StoreError> {
        Ok(self.page(|number, entry| number > after && entry.base_url == self.base_url && !entry.progress().is_closed()))
    }

    fn page_after(&mut self, after: u64) -> Result<Page, StoreError> {
        Ok(self.page(|number, _| number > after))
    }

    fn evidence_seen(&mut self) -> Result<Seen, StoreError> {
        let mut seen = Seen::default();
        let kept = self.memory();
        for entry in kept.entries.iter().filter(|entry| entry.base_url == self.base_url) {
            let Some((card, standing)) = entry.origin.card.as_ref().zip(entry.standing()) else { continue };
            match standing {
                Standing::Accepted => seen.accepted(&card.format, card.credential.facility_code),
                Standing::Vouched => seen.vouched(&card.format, card.credential.facility_code),
            }
        }
        Ok(seen)
    }

    fn look_on(&mut self, _: bool) -> Result<Looked, StoreError> {
        Ok(Looked { found: Vec::new(), is_last: true })
    }

    fn beginning(&mut self, key: &str) -> Result<Vec<String>, StoreError> {
        let kept = self.memory();
        let keys = kept.entries.iter().map(|entry| entry.id.to_string());
        Ok(keys.filter(|id| id.starts_with(key)).take(2).collect())
    }

    fn last_of_card(&mut self, card: &str) -> Result<Option<Entry>, StoreError> {
        let kept = self.memory();
        let is_of = |entry: &&Entry| entry.source.as_ref().is_some_and(|source| source.card == card) && entry.base_url == self.base_url;
        Ok(kept.entries.iter().rev().filter(is_of).find(|entry| entry.gave()).cloned())
    }

    fn open_user(&mut self, user: &AddUser) -> Result<Option<Entry>, StoreError> {
        let kept = self.memory();
        let here = kept.entries.iter().filter(|entry| entry.base_url == self.base_url);
        Ok(here.rev().find(|entry| entry.not_new(user, None).is_some()).cloned())
    }

    fn secret(&mut self, id: Uuid) -> Result<Option<Secret>, StoreError> {
        let mut kept = self.memory();
        kept.find(id)?;
        kept.secrets.get(&id).map(|secret| secret.clone().ok_or(StoreError::SecretGone)).transpose()
    }

    fn keep(&mut self, name: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        self.memory().lists.insert(name.to_owned(), (at, text.to_owned()));
        Ok(())
    }

    fn change(&mut self, name: &str, at: DateTime<Utc>, gone: &[Uuid], new: &PeopleLines) -> Result<(), StoreError> {
        let before: PeopleLines = self.kept(name)?.map(|(_, text)| text.into()).unwrap_or_default();
        self.keep(name, at, before.changed(gone, new).as_str())
    }

    fn kept(&mut self, name: &str) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
        Ok(self.memory().lists.get(name).cloned())
    }

    fn close(self: Box<Self>) {}
}
