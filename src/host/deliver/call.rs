//! One entry's calls: from what is due to what is written down.
//!
//! In: an entry's key. Out: its steps on disk, and what its calls say about the way to BluSKY. An entry goes on for as long as there
//! is something to do at once: sent, answered, read back.

mod way;
mod writing;

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::OptionFuture;
use tokio::sync::{mpsc::UnboundedSender, watch};
use uuid::Uuid;
use way::{Clock, Way, nothing_heard};
pub(super) use writing::is_lost;

use super::{super::holder, Directory};
use crate::{
    access::{AccessControl, AddUser, Cards, Detail, NO_SUCH_CALL, NoList, Operation, Outcome},
    card::DecidedBy,
    outbox::{Entry, Next, ReadBack, State, Step, reach::Reached},
    station::{Called, Event, Stands},
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
    /// Why something could not be read or written last, until something is.
    failed: Mutex<Option<String>>,
}

/// Where steps are told as they are written.
type Post = UnboundedSender<Event>;

impl<C: AccessControl + Send + Sync> Call<C> {
    pub(super) fn new(
        store: StoreHandle,
        system: C,
        shows_within: Duration,
        stopped: watch::Receiver<bool>,
        directory: Option<Directory>,
    ) -> Self {
        let shows_within = TimeDelta::from_std(shows_within).unwrap_or(TimeDelta::MAX);
        let (shown, sent, failed) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { store, system, shows_within, stopped, directory, shown, sent, began: Instant::now(), failed }
    }

    /// First something that changes nothing, to see whether BluSKY is back; nothing is written down for that.
    pub(super) async fn ask(&self, id: Uuid, at_least: DateTime<Utc>, post: &Post) -> Called {
        let entry = match self.store.entry(id).await {
            Ok(entry) => entry,
            Err(error) => return self.left(nothing_heard(id), &error, post).await,
        };
        let mut way = Way::of(entry, Clock::from(at_least), post);
        if let Some(user) = way.entry.operation.user().filter(|_| !self.is_stopped())
            && matches!(self.cards_of(user, Detail::Card, &mut way.called).await, Cards::Away { .. } | Cards::Later { .. })
        {
            return way.ended();
        }
        self.go_on(way, None).await
    }

    /// What is due for an entry. Where it is to be sent and nothing is to be looked at before, "sending" is written down in the same
    /// question to the store in which the entry is read.
    pub(super) async fn step(&self, id: Uuid, at_least: DateTime<Utc>, post: &Post) -> Called {
        let (clock, stopped) = (Clock::from(at_least), self.stopped.clone());
        let sending = move |entry: &Entry| match entry.due(clock.now()) {
            Next::Send { reassign } if is_sent_as_it_is(entry, reassign) && !*stopped.borrow() => {
                Some((Utc::now(), Step::Sending { reassign }))
            }
            _ => None,
        };
        match self.store.first_step(id, sending).await {
            Ok((entry, begun)) => {
                if begun.is_some() {
                    self.goes_well();
                }
                self.go_on(Way::of(entry, clock, post), begun).await
            }
            Err(error) => self.left(nothing_heard(id), &error, post).await,
        }
    }

    /// Does for an entry all that can be done now, after the step that it was begun with.
    async fn go_on<'c>(&'c self, mut way: Way<'c>, begun: Option<Step>) -> Called {
        let mut done = match begun {
            Some(Step::Sending { reassign }) => {
                way.tell();
                self.send(&mut way, reassign).await
            }
            _ if self.is_stopped() => Ok(false),
            // Its pause is over by the clock that nobody sets, whatever the wall's clock says.
            _ => self.take(&mut way, Entry::due).await,
        };
        while matches!(done, Ok(true)) && way.is_answered() && !self.is_stopped() {
            done = self.take(&mut way, Entry::next).await;
        }
        if let Err(error) = way.written().await.and(done) {
            return self.left(way.called, &error, way.post).await;
        }
        if let (true, Ok(mut sent)) = (way.entry.progress().is_settled(), self.sent.lock()) {
            sent.remove(&way.entry.id);
        }
        way.ended()
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// An entry that cannot go on. Where somebody else has gone on with it, it is read again.
    async fn left(&self, called: Called, error: &StoreError, post: &Post) -> Called {
        if *error == StoreError::Conflict {
            return match self.store.entry(called.id).await {
                Ok(entry) => Called { stands: Stands::As(Box::new(entry)), ..called },
                Err(_) => called,
            };
        }
        self.fails(error, post);
        let lost = if is_lost(error) { self.lost(called.id).await } else { None };
        Called { stands: lost.map_or(Stands::Later, |why| Stands::Lost(why.to_string())), ..called }
    }

    /// Does what is next for an entry; false where there is nothing more to do for now.
    async fn take<'c>(&'c self, way: &mut Way<'c>, next: impl Fn(&Entry, DateTime<Utc>) -> Next) -> Result<bool, StoreError> {
        match next(&way.entry, way.clock.now()) {
            Next::ReadBack => return self.read_back(way).await,
            Next::Wait(_) | Next::Person | Next::Done => {
                way.tell_answered().await;
                return way.written().await.map(|()| false);
            }
            // Writing may take long. What is done behind it is decided when it is over.
            Next::Send { .. } | Next::Reassign if way.writing.is_some() => way.written().await?,
            Next::Send { .. } if !self.is_taken_first(&way.entry).await? => {
                way.is_left = true;
                return Ok(false);
            }
            Next::Send { reassign: true } if way.entry.progress().is_held() && !way.is_looked_for => {
                way.is_looked_for = true;
                self.look_for_the_holder(way).await?;
            }
            Next::Send { reassign } => {
                self.append(way, Step::Sending { reassign }).await?;
                return self.send(way, reassign).await;
            }
            Next::Reassign => self.append(way, Step::Reassign { decided_by: DecidedBy::Operator }).await?,
        }
        Ok(true)
    }

    /// True where whoever had the card has it no more, if this entry waits for that. An entry that was erased had come to its end.
    async fn is_taken_first(&self, entry: &Entry) -> Result<bool, StoreError> {
        let Some(taken_by) = entry.origin.once_taken_by else { return Ok(true) };
        match self.store.entry(taken_by).await {
            Ok(taking) => Ok(taking.progress().state == State::Accepted && taking.progress().is_over()),
            Err(StoreError::Erased(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whoever is named as the holder is looked at before the card moves, so that it can go back to them.
    async fn look_for_the_holder(&self, way: &mut Way<'_>) -> Result<(), StoreError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        match holder::shown_now(&way.entry, directory, &self.store, &self.system).await? {
            Some(held) => self.append(way, Step::HeldBy(held)).await,
            None => Ok(()),
        }
    }

    /// Sends an entry of which it is written down that it is sent.
    async fn send<'c>(&'c self, way: &mut Way<'c>, reassign: bool) -> Result<bool, StoreError> {
        if let Ok(mut sent) = self.sent.lock() {
            sent.insert(way.entry.id, Instant::now());
        }
        let outcome = match self.whole(&way.entry).await {
            Ok(mut operation) => {
                operation.reassign(reassign);
                let outcome = self.sent(&operation).await;
                way.whole = Some(operation);
                outcome
            }
            Err(why) => Outcome::NotSent { why },
        };
        let outcome = self.beside_what_was_seen(outcome, &way.entry.operation).await;
        if let (Operation::AddUser(user), Outcome::Accepted(told)) = (&way.entry.operation, &outcome) {
            self.keep_new(user, told.value).await;
        }
        let heard = match &outcome {
            Outcome::Away { .. } => Reached::Away(None),
            Outcome::Stopped { .. } => Reached::Stopped,
            Outcome::NoAnswer { .. } | Outcome::Later { .. } => Reached::Trouble,
            _ => Reached::Answered,
        };
        let why = if let Outcome::Stopped { why } | Outcome::Away { why } = &outcome { Some(why.clone()) } else { None };
        self.hear(heard, why, &mut way.called);
        let is_lost = matches!(outcome, Outcome::NoAnswer { .. } | Outcome::Later { .. } | Outcome::Unclear { .. });
        if let (Operation::AddUser(user), true) = (way.entry.operation.clone(), is_lost) {
            // Nobody is told of a doubt that a look into the list of people ends at once.
            self.write(way, Step::Answered(outcome), false);
            return self.look_for(&user, way).await;
        }
        self.write(way, Step::Answered(outcome), true);
        Ok(true)
    }

    /// Whoever was added is in the directory from here on, before anybody hears that they were.
    async fn keep_new(&self, user: &AddUser, key: Option<Uuid>) {
        if let (Some(directory), Some(key)) = (&self.directory, key.filter(|key| !key.is_nil()))
            && let Err(error) = directory.add(key, user).await
        {
            tracing::error!("the directory lacks somebody who was added: {error}");
        }
    }

    /// Looks in BluSKY's list of people for a user whose making was not answered.
    async fn look_for<'c>(&'c self, user: &AddUser, way: &mut Way<'c>) -> Result<bool, StoreError> {
        way.written().await?;
        if self.is_stopped() {
            way.tell();
            return Ok(false);
        }
        let is_too_early = self.is_too_early(&way.entry);
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
                self.hear(Reached::Away(None), Some(why), &mut way.called);
                way.tell();
                return Ok(false);
            }
            Err(NoList::Later(why)) => Step::ReadBack(ReadBack::Failed { why }),
            Err(NoList::Missing(why) | NoList::Unreadable(why) | NoList::Stopped(why)) => Step::ReadBack(ReadBack::Unavailable { why }),
        };
        self.write(way, step, true);
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

    /// Looks at what BluSKY shows, while its answer before is still being written down: a look changes nothing. Where that took more than
    /// one try, it looks again.
    async fn read_back<'c>(&'c self, way: &mut Way<'c>) -> Result<bool, StoreError> {
        let detail = match way.entry.operation.clone() {
            Operation::AddUser(user) => return self.look_for(&user, way).await,
            Operation::AddUserCard(_) => Detail::Card,
            Operation::RemoveUserCard(_) => Detail::Ended,
            _ => Detail::Assignment,
        };
        let Some(user) = way.entry.operation.user().filter(|_| way.entry.operation.is_about_a_card()) else { return Ok(false) };
        if way.whole.is_none() {
            // Without its PIN, an entry is compared in everything else.
            way.whole = Some(self.whole(&way.entry).await.unwrap_or_else(|_| way.entry.operation.clone()));
        }
        // The list is as old as the moment it was asked for.
        let is_too_early = self.is_too_early(&way.entry);
        let written = OptionFuture::from(way.writing.take());
        let (written, cards) = tokio::join!(written, self.cards_of(user, detail, &mut way.called));
        if let Some(entry) = written.transpose()? {
            let is_late = entry.steps().last().map(|(at, _)| at) != way.entry.steps().last().map(|(at, _)| at);
            way.entry = entry;
            if is_late {
                return Ok(true);
            }
        }
        let shown = match cards {
            Cards::Shown(cards) => ReadBack::of(&way.entry, way.whole.as_ref().unwrap_or(&way.entry.operation), cards, is_too_early),
            Cards::Unavailable { why } => ReadBack::Unavailable { why },
            Cards::Later { why } | Cards::Stopped { why } => ReadBack::Failed { why },
            // All entries share this pause, so no step is written for it.
            Cards::Away { .. } => return Ok(false),
        };
        self.write(way, Step::ReadBack(shown), true);
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
}

/// True where nothing is to be looked at before it is sent.
fn is_sent_as_it_is(entry: &Entry, reassign: bool) -> bool {
    entry.origin.once_taken_by.is_none() && !(reassign && entry.progress().is_held())
}
