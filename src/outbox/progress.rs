//! An entry's progress: what is known of it, brought forward by each step, and what is to be done next.
//!
//! In: what is known so far, and a step. Out: what is known then. Never: a look at the steps before.
//!
//! - `answered`: what an answer of BluSKY's means;
//! - `read_back`: what the user's cards mean, as BluSKY shows them; `removal`: what they mean for a card that was taken back;
//! - `given_up`: what may have been done although a person gave it up;
//! - `undone`: whether a card was taken back by a later entry, and given back;
//! - `new_user`: what the list of people means for a user whose making was not answered.

mod answered;
mod given_up;
mod new_user;
mod read_back;
mod removal;
mod undone;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Entry, HeldBy, Next, Reassign, State, Step};
use crate::access::{Operation, Outcome, Told};

/// An entry's state with all that is known about it. The default is that of an entry to which nothing has happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The state.
    pub state: State,
    /// How often it was sent.
    pub attempts: u32,
    /// What BluSKY said last.
    pub told: Told,
    /// The key of the card.
    pub card_id: Option<Uuid>,
    /// True where the call that was accepted asked for a present assignment to be deleted.
    pub reassigned: bool,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Why it waits or cannot go on.
    pub why: Option<String>,
    /// True where BluSKY stops everybody (a wrong token, a wrong address).
    pub stopped: bool,
    /// With whom BluSKY showed the card before it was taken.
    pub held_by: Option<HeldBy>,
    /// The entry for which a person gave it up.
    pub superseded_by: Option<Uuid>,
    /// The entry by which a person had the card taken back.
    pub undone_by: Option<Uuid>,
    /// How that ended which was done before its card.
    pub first: Option<Box<Part>>,
    /// How each group of access levels ended that a new user was to have.
    pub groups: Vec<(i64, Part)>,
    phase: Phase,
    fails: u32,
    last: DateTime<Utc>,
    /// When the call that may have arrived was sent, and whether the server may still be at work on it.
    sent: DateTime<Utc>,
    slow: bool,
    /// When the first one was sent that may have arrived.
    arrived: Option<DateTime<Utc>>,
    /// When a person decided that the present assignment is to be deleted.
    take: Option<DateTime<Utc>>,
    /// When the last call was sent that may have given the card to this user, if nobody has seen it there since.
    maybe_ours: Option<DateTime<Utc>>,
    /// The last answer said success and gave no key.
    keyless: bool,
    /// No result code is known to mean success: the read-back alone decides.
    read_back_decides: bool,
}

/// A part of an entry that was done before its card or beside its user, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of its call.
    pub call: &'static str,
    /// Accepted or refused; a group of access levels may be in doubt, for nothing waits for it.
    pub state: State,
    /// What BluSKY said.
    pub told: Told,
    /// Why it was refused, where that is not BluSKY's word.
    pub why: Option<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// It may be sent.
    #[default]
    Due,
    /// It is being sent.
    InFlight,
    /// The read-back decides between accepted and due.
    Doubt,
    /// The read-back looks before it is sent again.
    LookFirst,
    /// The read-back completes what was accepted.
    Confirm,
    /// The read-back decides whether the refused card is this user's already.
    Whose,
    /// Refused because somebody holds it, and a person may decide.
    Held,
    /// The same, and the person who ordered it has decided already.
    Given,
    /// A person must act.
    Stuck,
    /// Ended.
    End,
}

/// A broken connection's call may still be under way for this long, a slow server's for that long: before that, a card that BluSKY
/// does not show proves nothing, however promptly it shows what it has done.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(2);
const UNDER_WAY_SLOWLY: TimeDelta = TimeDelta::seconds(30);
/// After this time a decision to take a card is none any more, and a repeated update overwrites nothing: the card may have moved
/// meanwhile, or been changed.
const STALE: TimeDelta = TimeDelta::minutes(2);
const LONGEST_WAIT_S: i64 = 60;
/// What a person is told where BluSKY cannot be asked.
const LOOK_AT_THE_ACCESS: &str =
    "BluSKY names no call that shows a user's access: look, then `cardbridge outbox retry --absent` or `discard`";

impl Entry {
    /// Brings what is known forward by one step.
    pub(super) fn bring_forward(&self, progress: &mut Progress, at: DateTime<Utc>, step: &Step) {
        progress.last = at;
        progress.stopped = false;
        match step {
            Step::Sending { reassign } => {
                progress.attempts += 1;
                progress.reassigned = *reassign;
                progress.sent = at;
                progress.told = Told::default();
                (progress.keyless, progress.read_back_decides) = (false, false);
                progress.enter(State::Sending, Phase::InFlight, None);
            }
            Step::Answered(outcome) => self.answered(progress, outcome),
            Step::ReadBack(shown) if matches!(self.operation, Operation::RemoveUserCard(_)) => progress.removal_shown(shown, at),
            Step::ReadBack(shown) if matches!(self.operation, Operation::AddUser(_)) => progress.not_listed(shown),
            Step::ReadBack(shown) => self.read_back(progress, shown, at),
            Step::Reassign { .. } => {
                // Who gave their yes with the order gave it then.
                progress.take = Some(if progress.phase == Phase::Given { self.saved_at } else { at });
                (progress.arrived, progress.maybe_ours) = (None, None);
                progress.enter(State::Saved, Phase::Due, None);
                progress.fails = 0;
            }
            Step::HeldBy(held) => progress.held_by = Some(held.clone()),
            Step::Retry { user: Some(user), .. } if matches!(self.operation, Operation::AddUser(_)) => {
                progress.told.value = Some(*user);
                progress.enter(State::Accepted, Phase::End, None);
            }
            Step::Retry { absent, .. } => self.retried(progress, *absent),
            Step::UserFound { user_id } => {
                progress.told.value = Some(*user_id);
                progress.warn("found_in_directory");
                progress.enter(State::Accepted, Phase::End, None);
            }
            Step::Restored => self.restored(progress, at),
            Step::Undone { .. } | Step::UndoFailed { .. } | Step::NotTakenBack { .. } => progress.of_an_undo(step),
            Step::Blotted { .. } => {}
            Step::Discarded { superseded_by } => {
                progress.superseded_by = *superseded_by;
                self.given_up(progress);
            }
        }
    }

    /// Until when a card that BluSKY does not show proves nothing: its lists may be behind by `shows_within`, and the call may be
    /// under way. None where nothing can have arrived.
    #[must_use]
    pub fn unproven_until(&self, shows_within: TimeDelta) -> Option<DateTime<Utc>> {
        let progress = self.progress();
        (progress.attempts > 0 || progress.arrived.is_some()).then(|| progress.sent + self.unproven_for(shows_within))
    }

    /// The same, from the sending on.
    #[must_use]
    pub fn unproven_for(&self, shows_within: TimeDelta) -> TimeDelta {
        let progress = self.progress();
        let under_way = if progress.slow { UNDER_WAY_SLOWLY } else { UNDER_WAY };
        shows_within.max(if progress.arrived.is_some() { under_way } else { TimeDelta::zero() })
    }

    /// A person asked for another try.
    fn retried(&self, progress: &mut Progress, absent: bool) {
        let may_be_there = !absent && progress.arrived.or(progress.maybe_ours).is_some();
        if may_be_there && !self.can_be_looked_up() {
            return progress.enter(State::InDoubt, Phase::Stuck, Some(LOOK_AT_THE_ACCESS));
        }
        // Of a user nothing is sent again by itself, whatever the look shows.
        let looks = if matches!(self.operation, Operation::AddUser(_)) { State::InDoubt } else { State::Saved };
        let (state, phase) = if may_be_there { (looks, Phase::LookFirst) } else { (State::Saved, Phase::Due) };
        progress.enter(state, phase, None);
        (progress.fails, progress.arrived) = (0, None);
        progress.maybe_ours = progress.maybe_ours.filter(|_| !absent);
    }

    /// A user's cards show what became of a card, and the list of people whether a user is there; BluSKY's pages name no call that shows
    /// what access somebody has.
    const fn can_be_looked_up(&self) -> bool {
        self.operation.is_about_a_card() || matches!(self.operation, Operation::AddUser(_))
    }

    fn refused(&self, progress: &mut Progress) {
        // A repetition that had gone stale did not ask for the card; a person may.
        let asked_for_it = std::mem::take(&mut progress.reassigned);
        let phase = match self.reassign {
            Reassign::Never => Phase::End,
            _ if asked_for_it || !progress.is_held() => Phase::End,
            Reassign::Given if progress.take.is_none() && self.is_fresh_order(progress) => Phase::Given,
            _ => Phase::Held,
        };
        let was_decided = matches!(self.reassign, Reassign::Always | Reassign::Given) || progress.take.is_some();
        if was_decided && phase == Phase::Held {
            progress.warn("decision_aged");
        }
        progress.enter(State::Refused, phase, None);
    }

    /// What is to be done with it now. An entry in flight is the station's; the next station finds it
    /// abandoned and writes that down first ([`Entry::abandoned`]).
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Next {
        let progress = self.progress();
        let due = progress.last + backoff(progress.fails);
        // A clock that was set back does not make anything wait for it to come round again.
        let waits = progress.fails > 0 && now < due && now >= progress.last;
        match self.due(now) {
            Next::Send { .. } | Next::ReadBack if waits => Next::Wait(due),
            next => next,
        }
    }

    /// The same once its pause is over.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> Next {
        let progress = self.progress();
        match progress.phase {
            Phase::Due => Next::Send { reassign: self.takes(now) },
            Phase::Doubt | Phase::LookFirst | Phase::Confirm | Phase::Whose => Next::ReadBack,
            Phase::Given => Next::Reassign,
            Phase::InFlight | Phase::Held | Phase::Stuck => Next::Person,
            Phase::End => Next::Done,
        }
    }

    /// True where the card is to be taken from its holder: the decision is fresh, and no call may have arrived since. A negative age
    /// is no fresh one.
    fn takes(&self, now: DateTime<Utc>) -> bool {
        let by_order = (self.reassign == Reassign::Always).then_some(self.saved_at);
        let progress = self.progress();
        progress.arrived.is_none() && progress.take.or(by_order).is_some_and(|decided| is_fresh(decided, now))
    }

    /// True while whoever ordered it still stands by what they said about its holder.
    fn is_fresh_order(&self, progress: &Progress) -> bool {
        progress.arrived.is_none() && is_fresh(self.saved_at, progress.last)
    }

    /// The step that says so, where whoever was sending it has ended.
    #[must_use]
    pub fn abandoned(&self) -> Option<Step> {
        let why = "the program ended before an answer came".to_owned();
        (self.progress().phase == Phase::InFlight).then_some(Step::Answered(Outcome::NoAnswer { why, slow: false }))
    }
}

impl Progress {
    /// The user for whom the next part follows, where this one has come to its end. A card that stays with its holder keeps nobody
    /// waiting, nor does a group that is in doubt; a user who was not added gets nothing.
    pub(super) fn leads_on(&self, part: &Operation) -> Option<Uuid> {
        let is_over = self.phase == Phase::End && matches!(self.state, State::Accepted | State::Refused);
        match part {
            Operation::AddUser(_) => self.told.value.filter(|user| self.state == State::Accepted && !user.is_nil()),
            Operation::AddAccessLevelGroup(_) => part.user().filter(|_| is_over || self.phase == Phase::Stuck),
            _ => part.user().filter(|_| is_over),
        }
    }

    /// The next part's own progress, behind this one.
    pub(super) fn behind(self, part: &Operation) -> Self {
        let Self { mut first, mut groups, state, told, why, warnings, attempts, last, .. } = self;
        let done = Part { call: part.name(), state, told, why, warnings };
        match part {
            Operation::AddAccessLevelGroup(group) => groups.push((group.access_level_group_id, done)),
            _ => first = Some(Box::new(done)),
        }
        Self { first, groups, attempts, last, ..Self::default() }
    }

    /// The progress of a user who was added alone, once the groups are through: it is the user's own again.
    pub(super) fn of_the_user(self) -> Self {
        let Self { first, groups, attempts, last, .. } = self;
        let (told, warnings) = first.map(|first| (first.told, first.warnings)).unwrap_or_default();
        Self { state: State::Accepted, phase: Phase::End, told, warnings, groups, attempts, last, ..Self::default() }
    }

    /// Why it waits, else what BluSKY said last.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        self.why.clone().or_else(|| self.told.description.clone())
    }

    /// True where nothing of it can have arrived, and nothing is on its way.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        // What a person lets go on may have arrived all the same, until the look at the cards has shown that it is not there.
        self.state == State::Saved && self.arrived.is_none() && self.phase != Phase::LookFirst
    }

    /// True once nothing more will happen by itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::End | Phase::Held | Phase::Stuck)
    }

    /// The same, and nothing waits for it: what a person must look for holds up later orders for its card.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_settled() && !self.needs_a_person()
    }

    /// True where it has come to its end, and nothing of it will be sent again by itself or at a person's word on its holder.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::End
    }

    /// True where BluSKY took it and stored something else than was sent.
    #[must_use]
    pub fn stored_differs(&self) -> bool {
        self.state == State::Accepted && self.warnings.iter().any(|warning| warning.starts_with("stored_differs"))
    }

    /// True where only a person can go on: BluSKY cannot be asked what became of it.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.phase == Phase::Stuck
    }

    /// True where somebody holds the card and a person may decide to take it.
    #[must_use]
    pub fn awaits_reassignment(&self) -> bool {
        self.phase == Phase::Held
    }

    fn enter(&mut self, state: State, phase: Phase, why: Option<&str>) {
        self.state = state;
        self.phase = phase;
        self.why = why.map(ToOwned::to_owned);
    }

    fn fail(&mut self, state: State, phase: Phase, why: &str) {
        self.fails += 1;
        self.enter(state, phase, Some(why));
    }

    /// It is not there: it is sent again, at once.
    fn again(&mut self) {
        self.enter(State::Saved, Phase::Due, None);
        self.at_once();
    }

    fn may_have_arrived(&mut self, slow: bool) {
        self.arrived.get_or_insert(self.sent);
        self.maybe_ours = Some(self.sent);
        self.slow = slow;
    }

    /// Go on now, and keep the failure count.
    const fn at_once(&mut self) {
        self.last = DateTime::UNIX_EPOCH;
    }

    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }
}

/// True while a decision to take a card is one.
fn is_fresh(decided: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    decided <= now && now <= decided + STALE
}

/// One second after the first failure, twice as long after every further one, a minute at most.
pub(super) fn backoff(fails: u32) -> TimeDelta {
    let seconds = 1_i64 << fails.saturating_sub(1).min(6);
    TimeDelta::seconds(seconds.min(LONGEST_WAIT_S))
}
