//! One entry: what is to be done, where it came from, and what has happened to it.
//!
//! In: an operation, then one step after the other. Out: the steps, and what is known from them. Never: a step that progress does not
//! know of; [`Entry::add`] is the only way to add one.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Progress, Reassign, State, Step};
#[cfg(doc)]
use crate::card::Presentation;
use crate::{
    access::{AccessLevelGroup, AddUser, AddUserCard, Operation, Secret},
    card::What,
    enroll::origin::{Named, Origin},
};

/// One entry of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its key.
    pub id: Uuid,
    /// When it was written down.
    pub saved_at: DateTime<Utc>,
    /// What is to be done.
    pub operation: Operation,
    /// What may be done about a card that somebody holds.
    pub reassign: Reassign,
    /// The BluSKY it is for; empty until it is saved, which is for the store to say.
    pub base_url: String,
    /// Where it came from.
    pub origin: Origin,
    /// Which card it is about, and where that was seen; none for another call.
    pub source: Option<Source>,
    /// Its PIN or password is kept beside it, sealed, until it has come to its end.
    pub is_sealed: bool,
    /// What has happened to it.
    pub history: History,
}

/// The steps of an entry, with what is known from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    steps: Vec<(DateTime<Utc>, Step)>,
    progress: Progress,
    /// The parts that have come to their end while others follow, the first one first.
    done: Vec<Operation>,
}

impl Entry {
    /// An entry to which nothing has happened yet, and of whose origin nothing is said.
    #[must_use]
    pub fn of(id: Uuid, saved_at: DateTime<Utc>, operation: Operation, reassign: Reassign) -> Self {
        let (base_url, origin) = (String::new(), Origin::default());
        Self { id, saved_at, operation, reassign, base_url, origin, source: None, is_sealed: false, history: History::default() }
    }

    /// An entry of a card, and of what is done before it, where there is something: that one comes to its end first, and then the card is
    /// its user's.
    #[must_use]
    pub fn of_card(id: Uuid, saved_at: DateTime<Utc>, card: AddUserCard, before: Option<Operation>, reassign: Reassign) -> Self {
        match before {
            Some(operation) => {
                let origin = Origin { card_after: Some(Box::new(card)), ..Origin::default() };
                Self { origin, ..Self::of(id, saved_at, operation, reassign) }
            }
            None => Self::of(id, saved_at, Operation::AddUserCard(card), reassign),
        }
    }

    /// The same, after these steps.
    #[must_use]
    pub fn after(mut self, steps: impl IntoIterator<Item = (DateTime<Utc>, Step)>) -> Self {
        steps.into_iter().for_each(|(at, step)| self.add(at, step));
        self
    }

    /// Adds its next step, and brings forward what is known of it.
    pub fn add(&mut self, at: DateTime<Utc>, step: Step) {
        // Whoever was blotted out of its words was somebody else.
        if !matches!(step, Step::Blotted { .. }) {
            let mut progress = std::mem::take(&mut self.history.progress);
            self.bring_forward(&mut progress, at, &step);
            self.history.progress = progress;
        }
        self.history.steps.push((at, step));
        self.go_on();
    }

    /// A part has come to its end: from here on it is an entry of the one that follows, or of its user again where none does.
    fn go_on(&mut self) {
        let Some(user_id) = self.progress().leads_on(&self.operation) else { return };
        let (count, groups) = (self.history.done.len(), &self.origin.groups_after);
        let next = match (groups.get(count), &self.origin.card_after) {
            (Some(group), _) => Operation::AddAccessLevelGroup(AccessLevelGroup { access_level_group_id: *group, user_id }),
            (None, Some(card)) if count == groups.len() => Operation::AddUserCard(AddUserCard { user_id, ..(**card).clone() }),
            (None, None) if count > 0 && count == groups.len() => self.begun_as().clone(),
            _ => return,
        };
        let part = std::mem::replace(&mut self.operation, next);
        let behind = std::mem::take(&mut self.history.progress).behind(&part);
        self.history.progress = if matches!(self.operation, Operation::AddUser(_)) { behind.of_the_user() } else { behind };
        self.history.done.push(part);
    }

    /// What was written down to be done first.
    #[must_use]
    pub fn begun_as(&self) -> &Operation {
        self.history.done.first().unwrap_or(&self.operation)
    }

    /// The card that follows what is done now; none once it is its turn.
    fn card_to_come(&self) -> Option<&AddUserCard> {
        self.origin.card_after.as_deref().filter(|_| !matches!(self.operation, Operation::AddUserCard(_)))
    }

    /// Takes its PIN or password out, whichever part it belongs to: what remains can be written down.
    pub fn take_secret(&mut self) -> Option<Secret> {
        let of_card = self.origin.card_after.as_mut().and_then(|card| card.pin.take());
        self.operation.take_secret().or(of_card)
    }

    /// The entry as it can be written down, and its PIN or password.
    #[must_use]
    pub fn without_secret(&self) -> (Cow<'_, Self>, Option<Secret>) {
        let pin = self.origin.card_after.as_ref().and_then(|card| card.pin.as_ref());
        if self.operation.secret().or(pin).is_none() {
            return (Cow::Borrowed(self), None);
        }
        let mut bare = self.clone();
        let secret = bare.take_secret();
        (Cow::Owned(bare), secret)
    }

    /// What is done now, with the entry's PIN or password where that belongs to it: a login's password is nobody's PIN.
    #[must_use]
    pub fn with_secret(&self, secret: Secret) -> Operation {
        let mut operation = self.operation.clone();
        let is_password = self.new_user().is_some_and(|user| user.has_login_rights);
        if is_password == matches!(operation, Operation::AddUser(_)) {
            operation.put_secret(secret);
        }
        operation
    }

    /// True once nothing is sent any more that its PIN or password belongs to.
    #[must_use]
    pub fn is_done_with_its_secret(&self) -> bool {
        let is_accepted = self.progress().state == State::Accepted && self.card_to_come().is_none();
        self.progress().is_over() || is_accepted
    }

    /// The card it is about, as a number that tells cards apart.
    #[must_use]
    pub fn card(&self) -> Option<u64> {
        let after = self.card_to_come();
        after.map_or_else(|| self.operation.card(), |card| Operation::AddUserCard(card.clone()).card())
    }

    /// True where its card has this number or print, or this key.
    #[must_use]
    pub fn is_about_card(&self, card: &str) -> bool {
        let card = card.trim();
        let read = self.origin.card.as_ref().and_then(|read| read.credential.number("card_number"));
        let call = match (&self.operation, &self.origin.card_after) {
            (Operation::AddUserCard(call), _) => Some(call),
            (_, after) => after.as_deref(),
        };
        let numbers = [read, call.and_then(|call| call.internal_card_number).map(u128::from)];
        let printed = self.origin.order.as_ref().and_then(|order| order.printed.as_deref());
        let prints = [printed, call.and_then(|call| call.external_card_number.as_deref())];
        let taken = if let Operation::RemoveUserCard(call) = &self.operation { Some(call.card_id) } else { None };
        let keys = [self.progress().card_id, call.and_then(|call| call.card_id), taken];
        let is_number = numbers.into_iter().flatten().any(|number| card.parse() == Ok(number));
        is_number || prints.contains(&Some(card)) || keys.into_iter().flatten().any(|key| card.parse() == Ok(key))
    }

    /// The person whom it adds, or has added.
    #[must_use]
    pub fn new_user(&self) -> Option<&AddUser> {
        match self.begun_as() {
            Operation::AddUser(user) => Some(user),
            _ => None,
        }
    }

    /// The key of the card that it has taken back from somebody.
    #[must_use]
    pub fn took_back(&self) -> Option<Uuid> {
        let state = self.progress().first.as_ref().map_or(self.progress().state, |first| first.state);
        match self.begun_as() {
            Operation::RemoveUserCard(call) if state == State::Accepted => Some(call.card_id),
            _ => None,
        }
    }

    /// What has happened to it, in order.
    #[must_use]
    pub fn steps(&self) -> &[(DateTime<Utc>, Step)] {
        &self.history.steps
    }

    /// What is known of it now.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.history.progress
    }

    /// How its card counts for later cards of its format and facility code; none where it does not.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let is_vouched_for = || self.origin.evidence.iter().any(|evidence| matches!(evidence.what, What::Printed | What::Operator));
        match self.progress().state {
            _ if self.origin.card.is_none() => None,
            State::Accepted if self.card_to_come().is_none() => Some(Standing::Accepted),
            State::Accepted | State::Saved | State::Sending | State::InDoubt => is_vouched_for().then_some(Standing::Vouched),
            State::Refused | State::Discarded => None,
        }
    }

    /// True where it gives its card to somebody, or has given it: it was not refused or given up.
    #[must_use]
    pub fn gave(&self) -> bool {
        !self.progress().state.came_to_nothing()
    }

    fn given(&self, age: TimeDelta) -> Option<Given> {
        let name = self.origin.person.as_ref().map(Named::called);
        let card = self.origin.card.as_ref().map(|card| card.credential.words());
        Some(Given { entry: self.id, user: self.operation.user().unwrap_or_default(), name, card, seconds: age.num_seconds().max(0) })
    }

    /// The entry as it was after so many steps.
    #[must_use]
    pub fn upto(&self, count: usize) -> Self {
        let operation = self.begun_as().clone();
        let bare = Self { operation, history: History::default(), ..self.clone() };
        bare.after(self.steps().iter().take(count).cloned())
    }
}

/// How an entry's card counts for later cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// BluSKY has accepted it.
    Accepted,
    /// It was saved after a print or a person's word, and BluSKY has not accepted it yet.
    Vouched,
}

/// Which card an entry is about, and where it was seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The reader's name; none for a literal, a capture, or a card that BluSKY has.
    pub reader: Option<String>,
    /// What tells the card from others ([`Presentation::identity`]).
    pub card: String,
    /// When it was last seen.
    pub seen_at: DateTime<Utc>,
}

/// On what terms an entry is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// Not where its card was given to somebody else and seen at a reader within this time.
    pub given_within: Option<TimeDelta>,
    /// The same counts where it was refused, given up or taken back meanwhile.
    pub counts_all: bool,
    /// Not where its card is ordered for somebody else, and that has not been sent yet.
    pub is_first: bool,
    /// This entry for the same card is given up for it, as a person said; where it has been sent meanwhile, it is not.
    pub supersedes: Option<Uuid>,
}

/// Shows where, not which card.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("reader", &self.reader).field("seen_at", &self.seen_at).finish_non_exhaustive()
    }
}

/// A card that was given to somebody, or is ordered for somebody, and is about to be given to somebody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The entry that gives it.
    pub entry: Uuid,
    /// To whom; all zero for a new user whose key is not known yet.
    pub user: Uuid,
    /// The same, as the site's list calls them.
    pub name: Option<String>,
    /// The card, in words; none where it was not read.
    pub card: Option<String>,
    /// How many seconds ago it was last seen at a reader, or ordered.
    pub seconds: i64,
}

/// Shows which entry, not whose card and not which.
impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("entry", &self.entry).field("seconds", &self.seconds).finish_non_exhaustive()
    }
}

/// What stands in the way of an entry that is about to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InTheWay {
    /// Its card was given to somebody else a moment ago.
    Given(Given),
    /// Its card is ordered for somebody else, which has not been sent yet.
    Ordered(Given),
    /// Its card was shown for somebody else in the same run of a roster, and was not saved for them.
    Shown(Given),
}

impl Terms {
    /// Judges an entry among the others about the same card, the oldest first: the one that it supersedes, as far as that can be given up.
    ///
    /// # Errors
    /// What stands in its way.
    pub fn judge(self, entry: &Entry, others: impl Iterator<Item = Entry>) -> Result<Option<Entry>, InTheWay> {
        let is_superseded = |other: &Entry| Some(other.id) == self.supersedes && other.progress().is_unsent();
        let (mut superseded, mut rivals): (Vec<Entry>, Vec<Entry>) = others.partition(is_superseded);
        // Nobody knows yet who a new user is: two of them are two.
        rivals.retain(|other| other.operation.user() != entry.operation.user() || other.operation.user().is_none());
        if let Some(given) = self.given_within.and_then(|within| given_lately(entry, &rivals, within, self.counts_all)) {
            return Err(InTheWay::Given(given));
        }
        let unsent = rivals.iter().rfind(|other| self.is_first && other.progress().is_unsent());
        match unsent.and_then(|other| other.given(entry.saved_at - other.saved_at)) {
            Some(given) => Err(InTheWay::Ordered(given)),
            None => Ok(superseded.pop()),
        }
    }
}

/// The last of these entries that gave the card away, where it has been out of sight for no longer than `within`. What was refused,
/// discarded or undone gave nothing, unless all counts. A clock that was set back makes no card forgotten.
fn given_lately(entry: &Entry, rivals: &[Entry], within: TimeDelta, counts_all: bool) -> Option<Given> {
    let seen = |entry: &Entry| entry.source.as_ref().filter(|source| source.reader.is_some()).map(|source| source.seen_at);
    let now = seen(entry)?;
    let is_given = |other: &Entry| counts_all || (other.gave() && other.progress().undone_by.is_none());
    let given = |other: &Entry| seen(other).map(|before| now - before).filter(|age| *age <= within && is_given(other));
    rivals.iter().rev().find_map(|other| other.given(given(other)?))
}
