//! What a store is asked, and how it answers.
//!
//! In: a question with the place where its answer goes. Out: the answer; of a group of writes once all of it is on disk. Never: a wait for
//! whoever asked.

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Looked, Page, Store, StoreError, count::Count};
use crate::{
    access::{AddUser, PeopleLines, Secret},
    enroll::{evidence::Seen, origin::Undoes},
    outbox::{Entry, Step, Terms, tally::Tally},
};

/// How many questions are answered together at most.
const TOGETHER: usize = 64;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The step that is to be written down of an entry first, with its time; or none.
pub(super) type First = Box<dyn FnOnce(&Entry) -> Option<(DateTime<Utc>, Step)> + Send>;

/// What a store is asked.
pub(super) enum Ask {
    Save(Box<Entry>, Terms, Reply<Box<Entry>>),
    Undo(Box<Entry>, DateTime<Utc>, Vec<Entry>, Reply<()>),
    Seen(String, DateTime<Utc>, Reply<()>),
    Append(Box<Entry>, DateTime<Utc>, Box<Step>, Reply<()>),
    Begin(Uuid, First, Reply<(Entry, Option<Step>)>),
    Entry(Uuid, Reply<Entry>),
    OpenAfter(u64, Reply<Page>),
    PageAfter(u64, Reply<Page>),
    CountOn(DateTime<Utc>, Reply<Option<Tally>>),
    EvidenceSeen(Reply<Seen>),
    LookOn(bool, Reply<Looked>),
    Beginning(String, Reply<Vec<String>>),
    LastOfCard(String, Reply<Option<Entry>>),
    OpenUser(Box<AddUser>, Reply<Option<Entry>>),
    Secret(Uuid, Reply<Option<Secret>>),
    Keep(String, DateTime<Utc>, String, Reply<()>),
    Change(String, DateTime<Utc>, Vec<Uuid>, PeopleLines, Reply<()>),
    Kept(String, Reply<Option<(DateTime<Utc>, String)>>),
    AnchorTrouble(Reply<Option<StoreError>>),
}

impl Ask {
    /// True for what may write something.
    const fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Save(..) | Self::Undo(..) | Self::Seen(..) | Self::Append(..) | Self::Begin(..) | Self::Keep(..) | Self::Change(..)
        )
    }

    /// The entries of which it writes something.
    fn changes(&self) -> Vec<Uuid> {
        match self {
            Self::Save(entry, terms, _) => [entry.id].into_iter().chain(terms.supersedes).collect(),
            Self::Undo(undone, _, by, _) => by.iter().map(|entry| entry.id).chain([undone.id]).collect(),
            Self::Append(entry, ..) => touched(entry),
            _ => Vec::new(),
        }
    }

    /// What takes no longer than a write can be answered with others.
    const fn is_quick(&self) -> bool {
        self.is_write() || matches!(self, Self::Entry(..) | Self::Secret(..) | Self::Kept(..))
    }
}

/// An answer that is given once it is known whether its group was written down.
type Answer = Box<dyn FnOnce(&Result<(), StoreError>)>;

/// Answers a question; what comes while a first one is written is written with it, and answered once all of it is on disk. Gives back
/// what has to wait for that.
pub(super) fn answer_together(store: &mut dyn Store, count: &mut Count, first: Ask, mut next: impl FnMut() -> Option<Ask>) -> Option<Ask> {
    if !first.is_write() {
        answer(store, count, first)(&Ok(()));
        return None;
    }
    store.begin_group();
    let (mut answers, mut ask) = (Vec::new(), Some(first));
    while let Some(quick) = ask.take_if(|ask| ask.is_quick()) {
        answers.push(answer(store, count, quick));
        ask = if answers.len() < TOGETHER { next() } else { None };
    }
    let ended = store.end_group();
    answers.into_iter().for_each(|answer| answer(&ended));
    ask
}

/// Whoever asked may have gone; the work is done all the same.
fn answer(store: &mut dyn Store, count: &mut Count, ask: Ask) -> Answer {
    ask.changes().into_iter().for_each(|id| count.changes(id));
    match ask {
        Ask::Save(entry, terms, reply) => answered(reply, store.save(&entry, terms).map(|()| entry)),
        Ask::Undo(undone, at, by, reply) => answered(reply, store.undo(*undone, at, &by)),
        Ask::Seen(card, at, reply) => answered(reply, store.seen(&card, at)),
        Ask::Append(entry, at, step, reply) => answered(reply, store.append(*entry, at, &step)),
        Ask::Begin(id, first, reply) => answered(reply, begin(store, count, id, first)),
        Ask::Entry(id, reply) => answered(reply, store.entry(id)),
        Ask::OpenAfter(number, reply) => answered(reply, store.open_after(number)),
        Ask::PageAfter(number, reply) => answered(reply, store.page_after(number)),
        Ask::CountOn(today, reply) => answered(reply, count.go_on(store, today)),
        Ask::EvidenceSeen(reply) => answered(reply, store.evidence_seen()),
        Ask::LookOn(anew, reply) => answered(reply, store.look_on(anew)),
        Ask::Beginning(key, reply) => answered(reply, store.beginning(&key)),
        Ask::LastOfCard(card, reply) => answered(reply, store.last_of_card(&card)),
        Ask::OpenUser(user, reply) => answered(reply, store.open_user(&user)),
        Ask::Secret(id, reply) => answered(reply, store.secret(id)),
        Ask::Keep(name, at, text, reply) => answered(reply, store.keep(&name, at, &text)),
        Ask::Change(name, at, gone, new, reply) => answered(reply, store.change(&name, at, &gone, &new)),
        Ask::Kept(name, reply) => answered(reply, store.kept(&name)),
        Ask::AnchorTrouble(reply) => answered(reply, Ok(store.anchor_trouble())),
    }
}

/// The entries of which a step of this one may say something.
fn touched(entry: &Entry) -> Vec<Uuid> {
    let hang_on_it = entry.origin.undoing.iter().flat_map(Undoes::entries);
    [entry.id].into_iter().chain(hang_on_it).collect()
}

/// The entry with the step it begins with, and that step; or as it is, where there is none.
fn begin(store: &mut dyn Store, count: &mut Count, id: Uuid, first: First) -> Result<(Entry, Option<Step>), StoreError> {
    let entry = store.entry(id)?;
    let Some((at, step)) = first(&entry) else { return Ok((entry, None)) };
    touched(&entry).into_iter().for_each(|id| count.changes(id));
    store.append(entry.clone(), at, &step)?;
    Ok((entry.after([(at, step.clone())]), Some(step)))
}

fn answered<T: 'static>(reply: Reply<T>, result: Result<T, StoreError>) -> Answer {
    Box::new(move |ended| drop(reply.send(ended.clone().and(result))))
}
