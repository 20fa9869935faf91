//! What a store is asked, and how it answers.
//!
//! In: a question: what is done with the store, and where the answer goes. Out: the answer; of a group of writes once all of it is on disk.
//! Never: a wait for whoever asked.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Store, StoreError, count::Count};

/// How many questions are answered together at most.
const TOGETHER: usize = 64;

/// What a question is for those that come after it.
pub(super) enum Kind {
    /// It may write something, of these entries.
    Write(Vec<Uuid>),
    /// It takes no longer than a write, and can be answered with some.
    Quick,
    /// It may take its time.
    Long,
}

/// An answer that is given once it is known whether its group was written down.
type Answer = Box<dyn FnOnce(&Result<(), StoreError>)>;

/// What is done with the store.
type Work = Box<dyn FnOnce(&mut dyn Store, &mut Count) -> Answer + Send>;

/// What a store is asked.
pub(super) struct Ask {
    kind: Kind,
    work: Work,
}

impl Ask {
    /// A question of this kind, and the place where its answer comes.
    pub(super) fn new<T: Send + 'static>(
        kind: Kind,
        work: impl FnOnce(&mut dyn Store, &mut Count) -> Result<T, StoreError> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        let work = move |store: &mut dyn Store, count: &mut Count| -> Answer {
            let done = work(store, count);
            // Whoever asked may have gone; the work is done all the same.
            Box::new(move |ended| drop(reply.send(ended.clone().and(done))))
        };
        (Self { kind, work: Box::new(work) }, answer)
    }

    const fn is_write(&self) -> bool {
        matches!(self.kind, Kind::Write(_))
    }

    const fn is_quick(&self) -> bool {
        matches!(self.kind, Kind::Write(_) | Kind::Quick)
    }

    fn answer(self, store: &mut dyn Store, count: &mut Count) -> Answer {
        if let Kind::Write(entries) = &self.kind {
            entries.iter().for_each(|id| count.changes(*id));
        }
        (self.work)(store, count)
    }
}

/// Answers a question; what comes while a first one is written is written with it, and answered once all of it is on disk. Gives back
/// what has to wait for that.
pub(super) fn answer_together(store: &mut dyn Store, count: &mut Count, first: Ask, mut next: impl FnMut() -> Option<Ask>) -> Option<Ask> {
    if !first.is_write() {
        first.answer(store, count)(&Ok(()));
        return None;
    }
    store.begin_group();
    let (mut answers, mut reads, mut ask) = (Vec::new(), Vec::new(), Some(first));
    while let Some(quick) = ask.take_if(|ask| ask.is_quick()) {
        if quick.is_write() {
            answers.push(quick.answer(store, count));
        } else {
            reads.push(quick);
        }
        ask = if answers.len() + reads.len() < TOGETHER { next() } else { None };
    }
    let ended = store.end_group();
    answers.into_iter().for_each(|answer| answer(&ended));
    // What is read is on disk.
    reads.into_iter().for_each(|read| read.answer(store, count)(&Ok(())));
    ask
}
