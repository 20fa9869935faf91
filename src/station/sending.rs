//! The outbox's part of the machine: entries that are on disk, until BluSKY's record shows them.
//!
//! In: entries as they are written down, what came of calls, a person's word. Out: which calls to make now, and what people are told
//! of each entry. Never: more of a waiting entry in memory than its keys, its state and when it is due.

mod heard;
mod waiting;

use std::collections::HashSet;

use super::{about::About, notice::QuestionKind, *};
use crate::{
    card::DecidedBy,
    outbox::{
        State,
        aside::Aside,
        reach::Reached,
        schedule::{Schedule, Turn as Due, Waiting},
    },
};
use waiting::{Known, waiting};

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Nothing any more; what is under way comes to its end.
    Nothing,
    /// What is ordered here, and what stands before it in the line of its user or its card.
    Ordered,
    /// Everything.
    All,
}

/// What a call says about the way to BluSKY, and why nothing goes through.
pub type Heard = (Reached, Option<String>);

/// What came of an entry's calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// Its key.
    pub id: Uuid,
    /// What each call says about the way to BluSKY, but for what was told before ([`Event::Answered`]).
    pub heard: Vec<Heard>,
    /// How the entry stands after them.
    pub stands: Stands,
}

/// How an entry stands after its calls.
#[derive(Debug, Clone, PartialEq)]
pub enum Stands {
    /// As it is now.
    As(Box<Entry>),
    /// It could not be read or written, or its turn is after another's: it is tried again a little later.
    Later,
    /// It is damaged or gone, as this says: nothing can be done for it.
    Lost(String),
}

/// What is due within this time is waited for by whoever is about to end.
const SOON: TimeDelta = TimeDelta::seconds(3);
/// The place of what is saved here: behind everything that the store holds from before.
const HERE: u64 = 1 << 62;

/// The entries on their way.
pub(super) struct Sending {
    pub(super) schedule: Schedule,
    scope: Scope,
    /// Entries that nobody here has ordered, while only what is ordered is delivered.
    aside: Aside,
    /// What is ordered here and has not come to its end.
    ordered: HashMap<Uuid, Ordered>,
    /// Those of them for whose outcome somebody waits.
    followed: HashSet<Uuid>,
    pub(super) known: Known,
    /// So many entries have been saved here.
    saved: u64,
    /// Why BluSKY could not be reached last.
    unreached: Option<String>,
    /// Why everybody is stopped, said once.
    stopped: Option<String>,
    is_away: bool,
    /// When BluSKY answered last, by the wall's clock, and since when it is away.
    reached: Option<DateTime<Utc>>,
    away_since: Option<DateTime<Utc>>,
}

/// An entry that somebody here waits for.
#[derive(Default)]
pub(super) struct Ordered {
    reader: Option<ReaderName>,
    can_be_asked: bool,
    /// It is on its way to the disk.
    is_new: bool,
    /// The number of the question whether to take the card from its holder.
    asked: Option<u64>,
    /// What was ordered here under its key.
    pub(super) about: Option<About>,
}

impl Sending {
    pub(super) fn new(parallel: usize) -> Self {
        Self {
            schedule: Schedule::new(parallel),
            scope: Scope::Nothing,
            aside: Aside::default(),
            ordered: HashMap::new(),
            followed: HashSet::new(),
            known: Known::default(),
            saved: 0,
            unreached: None,
            stopped: None,
            is_away: false,
            reached: None,
            away_since: None,
        }
    }

    pub(super) fn deliver(&mut self, scope: Scope) {
        self.known.begins();
        self.scope = scope;
        if scope == Scope::All {
            self.schedule.reach().asked_for();
            self.aside.take_all().for_each(|waiting| self.schedule.put(waiting));
        }
    }

    pub(super) fn deadline(&self, now: Now) -> Option<DateTime<Utc>> {
        self.schedule.deadline(now.steady).filter(|_| self.scope != Scope::Nothing)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.schedule.is_busy()
    }

    /// True where nothing more will be sent by itself for a while. `is_unsaved`: the last order could not be saved.
    pub(super) fn is_idle(&self, is_unsaved: bool, now: Now) -> bool {
        let schedule = &self.schedule;
        let takes_nothing = match schedule.unwritten_tries() {
            0 => is_unsaved && !schedule.is_busy(),
            tries => tries > 1,
        };
        let is_due_soon = || schedule.deadline(now.steady).is_some_and(|at| at < now.steady + SOON);
        takes_nothing || (!schedule.is_busy() && (schedule.is_closed(now.steady) || !is_due_soon()))
    }

    pub(super) fn waiting(&self) -> usize {
        self.schedule.len() + self.aside.count()
    }

    pub(super) const fn delivers_all(&self) -> bool {
        matches!(self.scope, Scope::All)
    }

    pub(super) fn health(&self) -> BluskyHealth {
        let away_since = self.away_since.filter(|_| self.is_away);
        let fails = self.away_since.is_some();
        BluskyHealth { reached: self.reached, fails, away_since, stopped: self.stopped.clone() }
    }

    pub(super) fn has_orders(&self) -> bool {
        !self.followed.is_empty()
    }

    pub(super) fn ordered(&mut self, id: Uuid, reader: Option<ReaderName>, can_be_asked: bool, about: Option<About>) {
        self.ordered.insert(id, Ordered { reader, can_be_asked, is_new: true, asked: None, about });
        self.followed.insert(id);
    }

    pub(super) fn order(&self, id: Uuid) -> Option<&Ordered> {
        self.ordered.get(&id)
    }

    /// Somebody waits here for an entry that was ordered elsewhere.
    pub(super) fn resume(&mut self, id: Uuid) {
        self.ordered.entry(id).or_default();
        self.followed.insert(id);
        if let Some(waiting) = self.aside.take(id) {
            self.put(waiting);
        }
    }

    pub(super) fn forget(&mut self, id: Uuid) {
        self.ordered.remove(&id);
        self.followed.remove(&id);
    }

    /// Nobody waits for its outcome any more, and nobody can be asked about it.
    pub(super) fn leave(&mut self, id: Uuid) {
        if let Some(ordered) = self.ordered.get_mut(&id) {
            ordered.can_be_asked = false;
        }
        self.followed.remove(&id);
    }

    /// Takes an entry up. While only what is ordered is delivered, the others wait aside, unless they stand before it or have come to their
    /// end.
    fn put(&mut self, waiting: Waiting) {
        self.aside.take(waiting.id);
        let is_known = self.ordered.contains_key(&waiting.id) || self.schedule.knows(waiting.id) || waiting.turn == Due::Over;
        if self.scope != Scope::All && !is_known && !self.schedule.shares(&waiting) {
            return self.aside.put(waiting);
        }
        // Of those aside, whatever shares a user or a card with it, by however many steps.
        let mut found = vec![waiting];
        while let Some(waiting) = found.pop() {
            found.extend(self.aside.take_sharing(&waiting));
            self.schedule.put(waiting);
        }
    }

    /// Takes up an entry that somebody has just asked for: it goes before those that nobody waits for, and where BluSKY could only
    /// not be reached, it is looked at once whether it is back.
    fn put_first(&mut self, entry: &Entry, now: Now) {
        let waiting = waiting(entry, self.place(entry.id), now);
        let turn = if matches!(waiting.turn, Due::At(_)) { Due::At(DateTime::UNIX_EPOCH) } else { waiting.turn };
        self.schedule.reach().ordered();
        self.put(Waiting { turn, ..waiting });
    }

    fn place(&mut self, id: Uuid) -> u64 {
        self.schedule.place(id).or_else(|| self.aside.place(id)).unwrap_or_else(|| {
            self.saved += 1;
            HERE + self.saved
        })
    }
}

impl Station {
    /// Entries that the store holds from before. What somebody was sending when they ended is in doubt.
    pub(super) fn stock(&mut self, entries: Vec<(u64, Entry)>, turn: &mut Turn) {
        for (place, entry) in entries {
            // What is being saved here is taken up when that is said, and what is known here may be under way.
            let is_new = self.sending.ordered.get(&entry.id).is_some_and(|ordered| ordered.is_new);
            if is_new || self.sending.schedule.knows(entry.id) || self.sending.known.has_ended(entry.id) {
                continue;
            }
            self.sending.known.take_up(&entry, turn.now);
            self.sending.put(waiting(&entry, place, turn.now));
        }
    }

    /// An entry as it is on disk now; its way goes on from there.
    pub(super) fn put(&mut self, entry: Box<Entry>, turn: &mut Turn) {
        if let Some(ordered) = self.sending.ordered.get_mut(&entry.id) {
            ordered.is_new = false;
        }
        self.sending.known.take_up(&entry, turn.now);
        self.sending.put_first(&entry, turn.now);
        let before = self.sending.schedule.waits_for(entry.id);
        let id = entry.id;
        turn.tell(Notice::Entry(entry, None));
        if let Some(before) = before {
            turn.tell(Notice::WaitsFor(id, before));
        }
        if self.sending.is_away || self.sending.stopped.is_some() {
            turn.tell(Notice::Postponed(id, self.sending.stopped.clone()));
        }
    }

    /// A person's word on an entry is on disk.
    pub(super) fn settled(&mut self, entry: Box<Entry>, turn: &mut Turn) {
        self.sending.schedule.reach().asked_for();
        if self.sending.schedule.is_under_way(entry.id) {
            // Whoever is at work on it finds the new step, and comes back with it.
            return turn.tell(Notice::Entry(entry, None));
        }
        if entry.progress().is_settled() {
            return self.finish(entry, turn);
        }
        self.sending.ordered.entry(entry.id).or_default();
        look_at_what_hangs_on(&entry, turn);
        self.put(entry, turn);
    }

    /// A step of an entry under way is on disk. How it ends is told when it has ended.
    pub(super) fn stepped(&mut self, entry: Box<Entry>, turn: &mut Turn) {
        self.written();
        let progress = entry.progress();
        let is_passing = matches!(progress.state, State::Accepted | State::Refused);
        if !progress.is_settled() && !is_passing {
            turn.tell(Notice::Entry(entry, None));
        }
    }

    /// An entry that is not under way any more: it waits, or has come to its end.
    fn finish(&mut self, entry: Box<Entry>, turn: &mut Turn) {
        let (id, progress) = (entry.id, entry.progress());
        if !progress.is_settled() {
            return self.sending.put_again(&entry, turn.now);
        }
        if progress.state == State::Accepted
            && !entry.was_to_be_undone()
            && let Some(card) = &entry.origin.card
        {
            self.seen.accepted(&card.format, card.credential.facility_code);
        }
        look_at_what_hangs_on(&entry, turn);
        let can_be_asked = self.sending.ordered.get(&id).is_some_and(|ordered| ordered.can_be_asked);
        if progress.awaits_reassignment() && can_be_asked {
            let person = entry.origin.person.as_ref().map(|person| person.name.clone());
            let kind = QuestionKind::Holder(progress.told.description.clone(), person);
            let question = Question { number: self.happened, kind };
            if let Some(ordered) = self.sending.ordered.get_mut(&id) {
                ordered.asked = Some(question.number);
            }
            return self.over(entry, Some(Box::new(question)), turn);
        }
        // The light is the newer order's by now.
        if progress.superseded_by.is_none() {
            self.signal_entry(id, if progress.state == State::Accepted { Signal::Accepted } else { Signal::Refused }, turn);
        }
        self.sending.forget(id);
        self.over(entry, None, turn);
    }

    /// An entry of which nothing more happens by itself.
    fn over(&mut self, entry: Box<Entry>, question: Option<Box<Question>>, turn: &mut Turn) {
        let place = self.sending.place(entry.id);
        self.sending.put(waiting(&entry, place, turn.now));
        self.sending.known.settled(&entry);
        turn.tell(Notice::Entry(entry, question));
    }

    /// The answer to whether a card is to be taken from its holder.
    pub(super) fn holder_answered(&mut self, id: Uuid, number: u64, answer: &Answer, turn: &mut Turn) {
        let Some(ordered) = self.sending.ordered.get_mut(&id) else { return };
        if ordered.asked.take_if(|asked| *asked == number).is_none() {
            return;
        }
        if *answer == Answer::Yes {
            turn.effects.push(Effect::Append(id, Step::Reassign { decided_by: DecidedBy::Operator }));
        } else {
            self.signal_entry(id, Signal::Refused, turn);
            self.sending.forget(id);
            // Whoever shows the question learns that it is answered.
            turn.effects.push(Effect::Look(id));
        }
    }

    /// Begins whatever may be begun.
    pub(super) fn deliver(&mut self, turn: &mut Turn) {
        while self.sending.scope != Scope::Nothing
            && let Some(work) = self.sending.schedule.next(turn.now.steady)
        {
            turn.effects.push(Effect::Deliver(work));
        }
    }

    pub(super) fn signal_entry(&mut self, id: Uuid, shown: Signal, turn: &mut Turn) {
        if let Some(reader) = self.sending.ordered.get(&id).and_then(|ordered| ordered.reader.clone()) {
            self.signal(&reader, shown, turn);
        }
    }
}

/// Where a card was not taken back, or that is tried anew, something was written down of the entries that hang on it.
fn look_at_what_hangs_on(entry: &Entry, turn: &mut Turn) {
    let is_said = entry.progress().state != State::Accepted;
    if let Some(undoing) = entry.origin.undoing.as_ref().filter(|_| is_said) {
        turn.effects.extend(undoing.entries().map(Effect::Look));
    }
}

#[cfg(test)]
mod tests;
