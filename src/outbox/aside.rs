//! Entries that nobody here has asked for: they wait aside, and their store with them, until one that is to be delivered stands in line
//! behind or before them.
//!
//! In: entries, each a [`Waiting`]. Out: those that share a user or a card with another one. What it costs does not grow with the number
//! of entries. Never: an entry's turn.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::schedule::{Queue, Waiting, looked_at};

/// The entries that wait aside.
#[derive(Debug, Default)]
pub struct Aside {
    waiting: HashMap<Uuid, Waiting>,
    /// The lines in which each of them would stand.
    lines: BTreeSet<(Queue, Uuid)>,
}

impl Aside {
    /// Sets an entry aside, as it is now.
    pub fn put(&mut self, waiting: Waiting) {
        self.take(waiting.id);
        self.lines.extend(waiting.queues().map(|queue| (queue, waiting.id)));
        self.waiting.insert(waiting.id, waiting);
    }

    /// Takes an entry back.
    pub fn take(&mut self, id: Uuid) -> Option<Waiting> {
        let taken = self.waiting.remove(&id)?;
        for queue in taken.queues() {
            self.lines.remove(&(queue, id));
        }
        Some(taken)
    }

    /// Takes those back that share a line with this entry, where it stands there.
    pub fn take_sharing(&mut self, with: &Waiting) -> Vec<Waiting> {
        let of = |queue: Queue| {
            let from = self.lines.range((queue, Uuid::nil())..).inspect(looked_at);
            from.take_while(move |(of, _)| *of == queue).map(|(_, id)| *id)
        };
        let sharing: Vec<Uuid> = with.stands().flat_map(of).collect();
        sharing.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// The place of one of them.
    #[must_use]
    pub fn place(&self, id: Uuid) -> Option<u64> {
        self.waiting.get(&id).map(|waiting| waiting.place)
    }

    /// Takes all of them back.
    pub fn take_all(&mut self) -> impl Iterator<Item = Waiting> {
        std::mem::take(self).waiting.into_values()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.waiting.len()
    }
}
