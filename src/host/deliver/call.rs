//! One entry's calls: from what is due to what is written down.
//!
//! In: an entry's key. Out: its steps on disk, and what its calls say about the way to BluSKY. An entry goes on for as long as there
//! is something to do at once: sent, answered, read back.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    time::sleep,
};
use uuid::Uuid;

use super::{super::holder, Directory, once};
use crate::{
    access::{AccessControl, AddUser, Cards, Detail, NO_SUCH_CALL, NoList, Operation, Outcome},
    card::DecidedBy,
    outbox::{Entry, Next, ReadBack, State, Step, reach::Reached},
    station::{Called, Event},
    store::{StoreError, StoreHandle},
};

/// What calls are made with.
pub(super) struct Call<C> {
    store: StoreHandle,
    system: C,
    shows_within: TimeDelta,
    stopped: watch::Receiver<bool>,
    directory: Option<Directory>,
    /// A user whose cards were shown.
    shown: Mutex<Option<Uuid>>,
    /// When what may have arrived was sent from here, and when this process began, by a clock that nobody sets.
    sent: Mutex<HashMap<Uuid, Instant>>,
    began: Instant,
}

/// Where steps are told as they are written.
type Post = UnboundedSender<Event>;

impl<C: AccessControl> Call<C> {
    pub(super) fn new(
        store: StoreHandle,
        system: C,
        shows_within: Duration,
        stopped: watch::Receiver<bool>,
        directory: Option<Directory>,
    ) -> Self {
        let shows_within = TimeDelta::from_std(shows_within).unwrap_or(TimeDelta::MAX);
        Self { store, system, shows_within, stopped, directory, shown: Mutex::default(), sent: Mutex::default(), began: Instant::now() }
    }

    /// First something that changes nothing, to see whether BluSKY is back; nothing is written down for that.
    pub(super) async fn ask(&self, id: Uuid, at_least: DateTime<Utc>, post: &Post) -> Called {
        let mut called = Called { id, user: None, heard: Vec::new(), entry: None };
        let Ok(entry) = self.store.entry(id).await else { return called };
        called.user = entry.operation.user();
        if let Some(user) = called.user {
            let is_back = !matches!(self.cards_of(user, Detail::Card, &mut called).await, Cards::Away { .. } | Cards::Later { .. });
            if !is_back {
                called.entry = Some(Box::new(entry));
                return called;
            }
        }
        self.go_on(entry, at_least, called, post).await
    }

    /// What is due for an entry.
    pub(super) async fn step(&self, id: Uuid, at_least: DateTime<Utc>, post: &Post) -> Called {
        let called = Called { id, user: None, heard: Vec::new(), entry: None };
        match self.store.entry(id).await {
            Ok(entry) => self.go_on(entry, at_least, called, post).await,
            Err(error) => {
                tracing::error!(%error, "an entry is left alone");
                called
            }
        }
    }

    async fn go_on(&self, mut entry: Entry, at_least: DateTime<Utc>, mut called: Called, post: &Post) -> Called {
        called.user = entry.operation.user();
        // With its PIN, which is gone from the disk once BluSKY has it.
        let mut whole = None;
        let begun = Instant::now();
        let now = || Utc::now().max(at_least + begun.elapsed());
        // Its pause is over by the clock that nobody sets, whatever the wall's clock says.
        let mut next = entry.due(now());
        let mut is_looked_for = false;
        loop {
            let done = match next {
                Next::Send { .. } if !self.is_taken_first(&entry).await => return called,
                Next::Send { reassign: true } if entry.progress().is_held() && !is_looked_for => {
                    is_looked_for = true;
                    self.look_for_the_holder(&mut entry, post).await
                }
                Next::Send { reassign } => self.send(&mut entry, reassign, &mut whole, &mut called, post).await,
                Next::ReadBack => self.read_back(&mut entry, &mut whole, &mut called, post).await,
                Next::Reassign => {
                    self.append(&mut entry, Step::Reassign { decided_by: DecidedBy::Operator }, Some(post)).await.map(|()| true)
                }
                Next::Wait(_) | Next::Person | Next::Done => Ok(false),
            };
            match done {
                Ok(true) if called.heard.last().is_none_or(|(heard, _)| *heard == Reached::Answered) && !*self.stopped.borrow() => {}
                Ok(_) => break,
                // Somebody else has gone on with it.
                Err(StoreError::Conflict) => {
                    called.entry = self.store.entry(entry.id).await.ok().map(Box::new);
                    return called;
                }
                Err(error) => {
                    once(&mut None, &format!("the outbox cannot be written: {error}"));
                    unwritten(&error, post);
                    return called;
                }
            }
            next = entry.next(now());
        }
        if let (true, Ok(mut sent)) = (entry.progress().is_settled(), self.sent.lock()) {
            sent.remove(&entry.id);
        }
        called.entry = Some(Box::new(entry));
        called
    }

    /// True where whoever had the card has it no more, if this entry waits for that. An entry that was erased had come to its end.
    async fn is_taken_first(&self, entry: &Entry) -> bool {
        let Some(taken_by) = entry.origin.once_taken_by else { return true };
        match self.store.entry(taken_by).await {
            Ok(taking) => taking.progress().state == State::Accepted && taking.progress().is_over(),
            Err(error) => matches!(error, StoreError::Erased(_)),
        }
    }

    /// Whoever is named as the holder is looked at before the card moves, so that it can go back to them.
    async fn look_for_the_holder(&self, entry: &mut Entry, post: &Post) -> Result<bool, StoreError> {
        let Some(directory) = &self.directory else { return Ok(true) };
        if let Some(held) = holder::shown_now(entry, directory, &self.store, &self.system).await? {
            self.append(entry, Step::HeldBy(held), Some(post)).await?;
        }
        Ok(true)
    }

    async fn send(
        &self,
        entry: &mut Entry,
        reassign: bool,
        whole: &mut Option<Operation>,
        called: &mut Called,
        post: &Post,
    ) -> Result<bool, StoreError> {
        self.append(entry, Step::Sending { reassign }, Some(post)).await?;
        if let Ok(mut sent) = self.sent.lock() {
            sent.insert(entry.id, Instant::now());
        }
        let outcome = match self.whole(entry).await {
            Ok(mut operation) => {
                operation.reassign(reassign);
                let outcome = self.sent(&operation).await;
                *whole = Some(operation);
                outcome
            }
            Err(why) => Outcome::NotSent { why },
        };
        let outcome = self.beside_what_was_seen(outcome, &entry.operation).await;
        if let (Operation::AddUser(user), Outcome::Accepted(told)) = (&entry.operation, &outcome) {
            self.keep_new(user, told.value).await;
        }
        let heard = match &outcome {
            Outcome::Away { .. } => Reached::Away(None),
            Outcome::Stopped { .. } => Reached::Stopped,
            Outcome::NoAnswer { .. } | Outcome::Later { .. } => Reached::Trouble,
            _ => Reached::Answered,
        };
        let why = if let Outcome::Stopped { why } | Outcome::Away { why } = &outcome { Some(why.clone()) } else { None };
        self.hear(heard, why, called);
        let is_lost = matches!(outcome, Outcome::NoAnswer { .. } | Outcome::Later { .. } | Outcome::Unclear { .. });
        if let (Operation::AddUser(user), true) = (entry.operation.clone(), is_lost) {
            // Nobody is told of a doubt that a look into the list of people ends at once.
            self.append_whatever_happens(entry, Step::Answered(outcome), post, false).await?;
            return self.look_for(&user, entry, called, post).await;
        }
        self.append_whatever_happens(entry, Step::Answered(outcome), post, true).await?;
        Ok(true)
    }

    /// Whoever was added is in the directory from here on, before anybody hears that they were.
    async fn keep_new(&self, user: &AddUser, key: Option<Uuid>) {
        if let (Some(directory), Some(key)) = (&self.directory, key.filter(|key| !key.is_nil()))
            && let Err(error) = directory.add(key, user).await
        {
            once(&mut None, &format!("the directory lacks somebody who was added: {error}"));
        }
    }

    /// Looks in BluSKY's list of people for a user whose making was not answered.
    async fn look_for(&self, user: &AddUser, entry: &mut Entry, called: &mut Called, post: &Post) -> Result<bool, StoreError> {
        let is_too_early = self.is_too_early(entry);
        let looked = match self.directory.as_ref().filter(|directory| directory.asks()) {
            Some(directory) => directory.added(user).await,
            None => Err(NoList::Missing("BluSKY's pages name no call that shows a user".to_owned())),
        };
        let step = match looked {
            Ok(Some(user_id)) => Step::UserFound { user_id },
            Ok(None) if is_too_early => {
                Step::ReadBack(ReadBack::NotYet { why: "BluSKY's list of people does not show the user yet".to_owned() })
            }
            Ok(None) => {
                Step::ReadBack(ReadBack::Unavailable { why: "BluSKY's list of people shows nobody who must be the new user".to_owned() })
            }
            // All entries share this pause, so no step is written for it.
            Err(NoList::Away(why)) => {
                self.hear(Reached::Away(None), Some(why), called);
                drop(post.send(Event::Stepped(Box::new(entry.clone()))));
                return Ok(false);
            }
            Err(NoList::Later(why)) => Step::ReadBack(ReadBack::Failed { why }),
            Err(NoList::Missing(why) | NoList::Unreadable(why) | NoList::Stopped(why)) => Step::ReadBack(ReadBack::Unavailable { why }),
        };
        self.append_whatever_happens(entry, step, post, true).await?;
        Ok(true)
    }

    /// A call that is missing now, and was there before: somebody has changed something.
    async fn beside_what_was_seen(&self, outcome: Outcome, operation: &Operation) -> Outcome {
        match outcome {
            Outcome::Stopped { why } if why.contains(NO_SUCH_CALL) && matches!(operation, Operation::AddUserCard(_)) => {
                let was_there = self.store.evidence_seen().await.is_ok_and(|seen| seen.has_accepted());
                let changed = "; it had this call before: has its address changed, its version, or something on the way to it?";
                Outcome::Stopped { why: if was_there { why + changed } else { why } }
            }
            outcome => outcome,
        }
    }

    /// Sends it. Where access is denied, a call that changes nothing shows whether to everybody.
    async fn sent(&self, operation: &Operation) -> Outcome {
        let outcome = self.system.send(operation).await;
        if !matches!(outcome, Outcome::Denied { .. }) {
            return outcome;
        }
        let shown = self.shown.lock().ok().and_then(|shown| *shown);
        match self.system.cards_of(shown.or(operation.user()).unwrap_or_default(), Detail::Card).await {
            Cards::Shown(_) | Cards::Unavailable { .. } | Cards::Later { .. } => outcome.settled(true),
            Cards::Stopped { .. } => outcome.settled(false),
            Cards::Away { why } => Outcome::Away { why },
        }
    }

    async fn read_back(
        &self,
        entry: &mut Entry,
        whole: &mut Option<Operation>,
        called: &mut Called,
        post: &Post,
    ) -> Result<bool, StoreError> {
        let detail = match entry.operation.clone() {
            Operation::AddUser(user) => return self.look_for(&user, entry, called, post).await,
            Operation::AddUserCard(_) => Detail::Card,
            Operation::RemoveUserCard(_) => Detail::Ended,
            _ => Detail::Assignment,
        };
        let Some(user) = entry.operation.user().filter(|_| entry.operation.is_about_a_card()) else { return Ok(false) };
        if whole.is_none() {
            // Without its PIN, an entry is compared in everything else.
            *whole = Some(self.whole(entry).await.unwrap_or_else(|_| entry.operation.clone()));
        }
        let sent = whole.as_ref().unwrap_or(&entry.operation);
        // The list is as old as the moment it was asked for.
        let is_too_early = self.is_too_early(entry);
        let shown = match self.cards_of(user, detail, called).await {
            Cards::Shown(cards) => ReadBack::of(entry, sent, cards, is_too_early),
            Cards::Unavailable { why } => ReadBack::Unavailable { why },
            Cards::Later { why } | Cards::Stopped { why } => ReadBack::Failed { why },
            // All entries share this pause, so no step is written for it.
            Cards::Away { .. } => return Ok(false),
        };
        self.append_whatever_happens(entry, Step::ReadBack(shown), post, true).await?;
        Ok(true)
    }

    async fn cards_of(&self, user: Uuid, detail: Detail, called: &mut Called) -> Cards {
        let cards = self.system.cards_of(user, detail).await;
        let (heard, why) = match &cards {
            Cards::Shown(_) | Cards::Unavailable { .. } => (Reached::Answered, None),
            Cards::Away { why } => (Reached::Away(None), Some(why.clone())),
            Cards::Later { .. } => (Reached::Trouble, None),
            Cards::Stopped { why } => (Reached::Stopped, Some(why.clone())),
        };
        if let (Reached::Answered, Ok(mut shown)) = (&heard, self.shown.lock()) {
            *shown = Some(user);
        }
        self.hear(heard, why, called);
        cards
    }

    fn hear(&self, heard: Reached, why: Option<String>, called: &mut Called) {
        let asked = self.system.asked_to_wait().and_then(|time| TimeDelta::from_std(time).ok());
        // A busy BluSKY is there: it is told why it is left alone, and not that it cannot be reached.
        let is_away = matches!(heard, Reached::Away(_));
        called.heard.push(match asked {
            Some(time) => (Reached::Away(Some(time)), why.filter(|_| is_away)),
            None => (heard, why),
        });
    }

    /// The operation with its secret, which is sealed on disk.
    async fn whole(&self, entry: &Entry) -> Result<Operation, String> {
        let secret = if entry.is_sealed { self.store.secret(entry.id).await.map_err(|error| error.to_string())? } else { None };
        Ok(secret.map_or_else(|| entry.operation.clone(), |secret| entry.with_secret(secret)))
    }

    /// True until BluSKY has had the time to show what was sent: by a clock that nobody sets for what was sent from here. What was sent
    /// before this process began was sent so long ago at least; the wall's clock may know of more.
    fn is_too_early(&self, entry: &Entry) -> bool {
        let Some(until) = entry.unproven_until(self.shows_within) else { return false };
        let sent = self.sent.lock().ok().and_then(|sent| sent.get(&entry.id).copied());
        let since = TimeDelta::from_std(sent.unwrap_or(self.began).elapsed()).unwrap_or(TimeDelta::MAX);
        since < entry.unproven_for(self.shows_within) && (sent.is_some() || Utc::now() < until)
    }

    async fn append(&self, entry: &mut Entry, step: Step, post: Option<&Post>) -> Result<(), StoreError> {
        let at = Utc::now();
        self.store.append(entry, at, step.clone()).await?;
        entry.add(at, step);
        if let Some(post) = post {
            drop(post.send(Event::Stepped(Box::new(entry.clone()))));
        }
        Ok(())
    }

    /// An answer that has come is not lost to a full disk: it is written as soon as there is room, and nothing else is
    /// done for its entry until then; people learn why it does not go on.
    async fn append_whatever_happens(&self, entry: &mut Entry, step: Step, post: &Post, is_told: bool) -> Result<(), StoreError> {
        let mut told = None;
        loop {
            match self.append(entry, step.clone(), is_told.then_some(post)).await {
                Err(error) if error != StoreError::Conflict && !*self.stopped.borrow() => {
                    once(&mut told, &format!("BluSKY's answer cannot be written down yet: {error}"));
                    unwritten(&error, post);
                    sleep(Duration::from_secs(1)).await;
                }
                other => return other,
            }
        }
    }
}

/// Tells that the store takes nothing now; what is wrong with one entry is not that.
fn unwritten(error: &StoreError, post: &Post) {
    if matches!(error, StoreError::Full(_) | StoreError::ReadOnly(_) | StoreError::Locked(_) | StoreError::Failed { .. }) {
        drop(post.send(Event::Unwritten(error.to_string())));
    }
}
