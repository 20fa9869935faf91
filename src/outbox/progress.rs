//! An entry's progress: what is known of it, folded from its steps, and what is to be done next.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Entry, Next, ReadBack, Reassign, State, Step};
use crate::access::{Operation, Outcome, StoredCard, Told};

/// An entry's state with all that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    phase: Phase,
    fails: u32,
    last: DateTime<Utc>,
    /// When the call that may have arrived was sent, and whether the server may still be at work on it.
    sent: DateTime<Utc>,
    slow: bool,
    /// When the first one was sent that may have arrived.
    arrived: Option<DateTime<Utc>>,
    /// The present assignment is to be deleted: since when that is decided.
    take: Option<DateTime<Utc>>,
    /// When the last one was sent that may have made the card this user's without anybody having seen it there.
    maybe_ours: Option<DateTime<Utc>>,
    /// The last answer said success and gave no key.
    keyless: bool,
    /// No result code is known to mean success: the read-back alone decides.
    read_back_decides: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It may be sent.
    Due,
    /// It is being sent.
    InFlight,
    /// The read-back decides between accepted and due.
    Doubt,
    /// The read-back looks before it is sent again.
    LookFirst,
    /// The read-back completes what was accepted.
    Confirm,
    /// The read-back tells a refusal from one's own card.
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

/// Tries to complete an accepted card by reading it back.
const CONFIRM_TRIES: u32 = 3;
/// A broken connection's call may still be under way for this long, a slow server's for that long: before that, a card that BluSKY
/// does not show proves nothing, however promptly it shows what it has done.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(2);
const UNDER_WAY_SLOWLY: TimeDelta = TimeDelta::seconds(30);
/// After this time a decision to take a card is none any more, and a repeated update overwrites nothing: the card may have moved
/// meanwhile, or been changed.
const STALE: TimeDelta = TimeDelta::minutes(2);
const LONGEST_WAIT_S: i64 = 60;
/// What a person is told where BluSKY shows a card that may be the one.
const CANNOT_TELL: &str = "BluSKY shows a card that may be this one, and not enough of it to tell; look at the user's cards";
const MAY_BE_OURS: &str = "BluSKY says that the card is assigned and does not show it as this user's, and an earlier call may have done it";
/// What a person is told where BluSKY cannot be asked.
const LOOK_YOURSELF: &str =
    "BluSKY names no call that shows whether the user is there: look, then `cardbridge outbox retry --absent` or `discard`";

impl Entry {
    /// Folds the steps into what is known now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let mut progress = Progress {
            state: State::Saved,
            attempts: 0,
            told: Told::default(),
            card_id: None,
            reassigned: false,
            warnings: Vec::new(),
            why: None,
            stopped: false,
            phase: Phase::Due,
            fails: 0,
            last: self.saved_at,
            sent: self.saved_at,
            slow: false,
            arrived: None,
            take: (self.reassign == Reassign::Always).then_some(self.saved_at),
            maybe_ours: None,
            keyless: false,
            read_back_decides: false,
        };
        for (at, step) in &self.steps {
            progress.last = *at;
            progress.stopped = false;
            self.fold(&mut progress, *at, step);
        }
        progress
    }

    fn fold(&self, progress: &mut Progress, at: DateTime<Utc>, step: &Step) {
        match step {
            Step::Sending { reassign } => {
                progress.attempts += 1;
                progress.reassigned = *reassign;
                progress.sent = at;
                progress.told = Told::default();
                progress.keyless = false;
                progress.enter(State::Sending, Phase::InFlight, None);
            }
            Step::Answered(outcome) => self.answered(progress, outcome),
            Step::ReadBack(shown) => self.read_back(progress, shown, at),
            Step::Reassign { .. } => {
                progress.take = Some(at);
                (progress.arrived, progress.maybe_ours) = (None, None);
                progress.enter(State::Saved, Phase::Due, None);
                progress.fails = 0;
            }
            Step::Retry { absent } => {
                self.retried(progress, *absent);
            }
            Step::Discarded => progress.enter(State::Discarded, Phase::End, None),
        }
    }

    fn read_back(&self, progress: &mut Progress, shown: &ReadBack, at: DateTime<Utc>) {
        match (shown, progress.phase) {
            (ReadBack::Found(card), Phase::Doubt | Phase::LookFirst) if !self.is_done(card) => self.not_done(progress, card, at),
            (ReadBack::Found(card), phase) => {
                progress.card_id = card.card_id;
                progress.told.value = progress.told.value.or(card.user_card_id);
                if phase == Phase::Whose || (progress.read_back_decides && progress.is_held()) {
                    progress.warn("already_assigned_to_this_user");
                }
                for (warning, members) in [("stored_differs", &card.differs), ("not_shown", &card.not_shown)] {
                    if !members.is_empty() {
                        progress.warn(&format!("{warning}: {}", members.join(", ")));
                    }
                }
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::NotFound | ReadBack::NotYet { .. } | ReadBack::CannotTell, Phase::Confirm) => {
                progress.unconfirmed(State::Accepted, "not_in_read_back", None);
            }
            (ReadBack::NotFound, Phase::Whose) => self.not_ours(progress, MAY_BE_OURS),
            (ReadBack::CannotTell, Phase::Whose) => self.not_ours(progress, CANNOT_TELL),
            (ReadBack::NotYet { .. }, Phase::Whose) if self.may_be_ours(progress) => {
                progress.fail(State::InDoubt, Phase::Whose, MAY_BE_OURS);
            }
            (ReadBack::NotYet { .. }, Phase::Whose) => self.refused(progress),
            (ReadBack::NotYet { why }, phase) => progress.fail(progress.state, phase, why),
            (ReadBack::CannotTell, _) => progress.enter(State::InDoubt, Phase::Stuck, Some(CANNOT_TELL)),
            (ReadBack::NotFound, Phase::Doubt) if progress.read_back_decides => self.refused(progress),
            (ReadBack::NotFound, Phase::Doubt) if progress.keyless => {
                progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY says success and shows no such card; look at the user's cards"));
            }
            (ReadBack::NotFound, _) => progress.again(),
            (ReadBack::Unavailable { .. }, Phase::Confirm) => {
                progress.warn("read_back_unavailable");
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::Unavailable { .. }, Phase::Whose) => self.not_ours(progress, MAY_BE_OURS),
            (ReadBack::Failed { .. }, Phase::Whose) if self.may_be_ours(progress) => {
                progress.fail(State::InDoubt, Phase::Whose, MAY_BE_OURS);
            }
            (ReadBack::Failed { .. }, Phase::Whose) => self.refused(progress),
            (ReadBack::Unavailable { why }, _) => progress.enter(State::InDoubt, Phase::Stuck, Some(why)),
            (ReadBack::Failed { why }, Phase::Confirm) => progress.unconfirmed(State::Accepted, "not_read_back", Some(why)),
            (ReadBack::Failed { why }, phase) => progress.fail(progress.state, phase, why),
        }
    }

    /// True where a card that is shown proves that the call has been carried out: an update has to show what was sent.
    #[must_use]
    pub fn is_done(&self, card: &StoredCard) -> bool {
        !matches!(self.operation, Operation::UpdateUserCard(_)) || (card.differs.is_empty() && card.not_shown.is_empty())
    }

    /// The card is shown without what an update would have changed: it is sent again, unless somebody else may have changed the
    /// card meanwhile. What cannot be seen is never sent again.
    fn not_done(&self, progress: &mut Progress, card: &StoredCard, at: DateTime<Utc>) {
        if card.differs.is_empty() {
            progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY does not show the members that were to change; look at the card"));
        } else if progress.read_back_decides {
            self.refused(progress);
        } else if self.is_stale(progress, at) {
            progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY shows other values, and somebody may have changed them since"));
        } else {
            progress.again();
        }
    }

    /// True where a call of ours may have made the card this user's a moment ago, and nobody has seen it.
    fn may_be_ours(&self, progress: &Progress) -> bool {
        progress.maybe_ours.is_some_and(|sent| progress.sent <= sent + STALE)
    }

    /// Somebody holds the card, and BluSKY does not show it as this user's.
    fn not_ours(&self, progress: &mut Progress, why: &str) {
        if self.may_be_ours(progress) {
            progress.enter(State::InDoubt, Phase::Stuck, Some(why));
        } else {
            self.refused(progress);
        }
    }

    /// Until when a card that BluSKY does not show proves nothing: its lists may be behind by `shows_within`, and the call may be
    /// under way. None where nothing can have arrived.
    #[must_use]
    pub fn unproven_until(&self, shows_within: TimeDelta) -> Option<DateTime<Utc>> {
        let progress = self.progress();
        (progress.attempts > 0).then(|| progress.sent + self.unproven_for(shows_within))
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
        let may_be_there = progress.arrived.is_some() && !absent;
        if may_be_there && !self.can_be_read_back() {
            return progress.enter(State::InDoubt, Phase::Stuck, Some(LOOK_YOURSELF));
        }
        let is_due = absent || progress.arrived.is_none() || !self.can_be_read_back();
        progress.enter(State::Saved, if is_due { Phase::Due } else { Phase::LookFirst }, None);
        (progress.fails, progress.arrived) = (0, None);
        progress.maybe_ours = progress.maybe_ours.filter(|_| !absent);
    }

    /// BluSKY's pages name no call that shows whether a user is there.
    fn can_be_read_back(&self) -> bool {
        self.operation.user().is_some()
    }

    fn refused(&self, progress: &mut Progress) {
        // A repetition that had gone stale did not ask for the card; a person may.
        let asked_for_it = std::mem::take(&mut progress.reassigned);
        let phase = match self.reassign {
            Reassign::Never => Phase::End,
            _ if asked_for_it || !progress.is_held() => Phase::End,
            Reassign::Given if progress.take.is_none() => Phase::Given,
            _ => Phase::Held,
        };
        progress.enter(State::Refused, phase, None);
    }

    /// What is to be done with it now. An entry in flight is somebody's who holds the delivery lock; whoever takes the
    /// lock finds it abandoned and writes that down first ([`Entry::abandoned`]).
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
            Phase::Due => Next::Send { reassign: progress.takes(now) },
            Phase::Doubt | Phase::LookFirst | Phase::Confirm | Phase::Whose => Next::ReadBack,
            Phase::Given => Next::Reassign,
            Phase::InFlight | Phase::Held | Phase::Stuck => Next::Person,
            Phase::End => Next::Done,
        }
    }

    fn is_stale(&self, progress: &Progress, now: DateTime<Utc>) -> bool {
        progress.arrived.is_some_and(|first| now > first + STALE)
    }

    /// The step that says so, where whoever was sending it has ended.
    #[must_use]
    pub fn abandoned(&self) -> Option<Step> {
        let why = "the program ended before an answer came".to_owned();
        (self.progress().phase == Phase::InFlight).then_some(Step::Answered(Outcome::NoAnswer { why, slow: false }))
    }
}

impl Entry {
    fn answered(&self, progress: &mut Progress, outcome: &Outcome) {
        self.answered_readably(progress, outcome);
        if matches!(progress.phase, Phase::Doubt | Phase::LookFirst) && !self.can_be_read_back() {
            let why = format!("{}; {LOOK_YOURSELF}", progress.why.take().unwrap_or_default());
            progress.enter(State::InDoubt, Phase::Stuck, Some(&why));
        }
    }

    fn answered_readably(&self, progress: &mut Progress, outcome: &Outcome) {
        match outcome {
            Outcome::Accepted(told) => {
                progress.told = told.clone();
                progress.fails = 0;
                progress.enter(State::Accepted, if self.can_be_read_back() { Phase::Confirm } else { Phase::End }, None);
            }
            Outcome::Refused(told) => {
                progress.told = told.clone();
                progress.fails = 0;
                // Without a result code the request itself was wrong, whoever holds the card; unless BluSKY says that somebody does.
                let may_be_held = told.result_code.is_some() || progress.is_held();
                let is_about_holder = may_be_held && matches!(self.operation, Operation::AddUserCard(_));
                progress.enter(State::Refused, if is_about_holder { Phase::Whose } else { Phase::End }, None);
            }
            Outcome::Unclear { told, listed } => {
                progress.told = told.clone();
                progress.read_back_decides = !listed;
                progress.keyless = *listed;
                progress.may_have_arrived(false);
                // Earlier failures do not put the first look off.
                progress.fails = if *listed { 0 } else { progress.fails };
                progress.fail(State::InDoubt, Phase::Doubt, "BluSKY's answer does not say whether it was done");
                progress.at_once_if(progress.fails == 1);
            }
            Outcome::NotSent { why } => progress.fail(State::Saved, Phase::Due, why),
            // The pause is everybody's, and not counted here.
            Outcome::Away { why } => progress.enter(State::Saved, Phase::Due, Some(why)),
            Outcome::Stopped { why } => {
                progress.enter(State::Saved, Phase::Due, Some(why));
                progress.stopped = true;
            }
            Outcome::Denied { .. } => self.answered_readably(progress, &outcome.clone().settled(false)),
            Outcome::Later { why, slow } | Outcome::NoAnswer { why, slow } => {
                progress.may_have_arrived(*slow);
                progress.fail(State::InDoubt, Phase::Doubt, why);
            }
        }
    }
}

impl Progress {
    /// True once nothing more will happen by itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::End | Phase::Held | Phase::Stuck)
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

    /// True where the card is to be taken from its holder: the decision is fresh, and no call may have arrived since. A negative age
    /// is no fresh one.
    fn takes(&self, now: DateTime<Utc>) -> bool {
        let is_fresh = |decided: DateTime<Utc>| decided <= now && now <= decided + STALE;
        self.arrived.is_none() && self.take.is_some_and(is_fresh)
    }

    /// BluSKY's console words for a card that somebody holds.
    fn is_held(&self) -> bool {
        self.told.description.as_ref().is_some_and(|words| words.to_lowercase().contains("already assigned"))
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
        self.at_once_if(true);
    }

    fn may_have_arrived(&mut self, slow: bool) {
        self.arrived.get_or_insert(self.sent);
        self.maybe_ours = Some(self.sent);
        self.slow = slow;
    }

    /// The read-back has not completed what was accepted: it is tried again, and then the operator is told.
    fn unconfirmed(&mut self, state: State, warning: &str, why: Option<&str>) {
        if self.fails + 1 >= CONFIRM_TRIES {
            self.warn(warning);
            self.enter(state, Phase::End, None);
        } else {
            self.fail(state, Phase::Confirm, why.unwrap_or("BluSKY does not show the card yet"));
        }
    }

    /// The wait has been served already, or there is none: failures still count.
    fn at_once_if(&mut self, now: bool) {
        if now {
            self.last = DateTime::UNIX_EPOCH;
        }
    }

    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }
}

/// One second after the first failure, twice as long after every further one, a minute at most.
pub(super) fn backoff(fails: u32) -> TimeDelta {
    let seconds = 1_i64.checked_shl(fails.saturating_sub(1)).unwrap_or(LONGEST_WAIT_S).min(LONGEST_WAIT_S);
    TimeDelta::seconds(if fails > 6 { LONGEST_WAIT_S } else { seconds })
}
