//! The outbox: every operation's way to BluSKY, folded from the steps that were written down.
//!
//! In: an entry with its steps, and a time. Out: its state, and what to do next. Never: a second sending while the first
//! one's outcome is unknown; what was sent and not answered is in doubt, and the read-back decides.
//!
//! ```text
//! saved ──▶ sending ──▶ accepted ──▶ (read-back: key of the card, differences)
//!   ▲          │ ├─────▶ refused ──▶ (read-back: is it this user's already?) ──▶ accepted or refused
//!   │          │ └─────▶ later: not now ───▶ read-back, then sent again
//!   └──────────┴───────▶ in doubt ─────────▶ read-back ──▶ accepted, or sent again
//! ```

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    blusky::{
        answer::{Outcome, Told},
        model::{AddUserCard, StoredCard},
    },
    card::DecidedBy,
};

/// An operation on BluSKY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Operation {
    /// A card for a user.
    AddUserCard(AddUserCard),
}

/// When BluSKY says that somebody holds the card already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reassign {
    /// It stays theirs.
    Never,
    /// A person decides.
    Ask,
    /// A person has decided already: this user gets it.
    Given,
    /// The site has decided: the first call takes it.
    Always,
}

/// One entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub id: Uuid,
    /// When it was written down.
    pub saved_at: DateTime<Utc>,
    /// What is to be done.
    pub operation: Operation,
    /// What may be done about a card that somebody holds.
    pub reassign: Reassign,
    /// What has happened, in order.
    pub steps: Vec<(DateTime<Utc>, Step)>,
}

/// One thing that happened to an entry, written down before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It is about to be sent.
    Sending {
        /// Whether a present assignment is to be deleted.
        reassign: bool,
    },
    /// What became of the sending.
    Answered(Outcome),
    /// What the user's cards showed.
    ReadBack(ReadBack),
    /// A person decided to take the card from its holder.
    Reassign {
        /// Who decided.
        decided_by: DecidedBy,
    },
    /// A person asked for another try.
    Retry {
        /// The person has looked: BluSKY does not have it.
        absent: bool,
    },
    /// A person gave it up.
    Discarded,
}

/// What the read-back showed about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shows", rename_all = "snake_case")]
pub enum ReadBack {
    /// The card is this user's.
    Found(Box<StoredCard>),
    /// It is not.
    NotFound,
    /// This BluSKY cannot be asked.
    Unavailable {
        /// Why.
        why: String,
    },
    /// It could not be asked now.
    Failed {
        /// Why.
        why: String,
    },
}

/// An entry's state, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written down.
    Saved,
    /// On its way.
    Sending,
    /// In BluSKY.
    Accepted,
    /// BluSKY refused it.
    Refused,
    /// Sent, and not known what became of it.
    InDoubt,
    /// Given up by a person.
    Discarded,
}

impl State {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::InDoubt => "in_doubt",
            Self::Discarded => "discarded",
        }
    }
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send it.
    Send {
        /// Whether a present assignment is to be deleted.
        reassign: bool,
    },
    /// Ask for the user's cards.
    ReadBack,
    /// Write down that the person who ordered it has decided to reassign.
    Reassign,
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// A person must act.
    Person,
    /// Nothing more.
    Done,
}

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
    /// When the call that may have arrived was sent, and for how long it may still be under way.
    sent: DateTime<Utc>,
    under_way: TimeDelta,
    /// When the first one was sent that may have arrived.
    arrived: Option<DateTime<Utc>>,
    /// The present assignment is to be deleted.
    take: bool,
    /// Answers that said success and gave no key.
    keyless: u32,
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
/// Answers of success without a key before a person must look.
const KEYLESS_TRIES: u32 = 3;
/// A broken connection's call may still be under way for this long, a slow server's for that long: only then does a card
/// that BluSKY does not show prove that it never arrived.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(2);
const UNDER_WAY_SLOWLY: TimeDelta = TimeDelta::seconds(30);
/// After this time a repeated sending no longer takes a card from anybody: it may have moved meanwhile.
const STALE: TimeDelta = TimeDelta::minutes(2);
const LONGEST_WAIT_S: i64 = 60;

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
            under_way: TimeDelta::zero(),
            arrived: None,
            take: self.reassign == Reassign::Always,
            keyless: 0,
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
                progress.enter(State::Sending, Phase::InFlight, None);
            }
            Step::Answered(outcome) => answered(progress, outcome),
            Step::ReadBack(shown) => self.read_back(progress, shown, at),
            Step::Reassign { .. } => {
                progress.take = true;
                progress.arrived = None;
                progress.enter(State::Saved, Phase::Due, None);
                progress.fails = 0;
            }
            Step::Retry { absent } => {
                let phase = if *absent || progress.attempts == 0 { Phase::Due } else { Phase::LookFirst };
                progress.enter(State::Saved, phase, None);
                (progress.fails, progress.keyless, progress.arrived) = (0, 0, None);
            }
            Step::Discarded => progress.enter(State::Discarded, Phase::End, None),
        }
    }

    fn read_back(&self, progress: &mut Progress, shown: &ReadBack, at: DateTime<Utc>) {
        let Operation::AddUserCard(sent) = &self.operation;
        match (shown, progress.phase) {
            (ReadBack::Found(card), phase) => {
                progress.card_id = card.card_id;
                progress.told.value = progress.told.value.or(card.user_card_id);
                if phase == Phase::Whose || (progress.read_back_decides && progress.is_held()) {
                    progress.warn("already_assigned_to_this_user");
                }
                let differences = card.differences(sent);
                if !differences.is_empty() {
                    progress.warn(&format!("stored_differs: {}", differences.join(", ")));
                }
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::NotFound, Phase::Confirm) => progress.unconfirmed(State::Accepted, "not_in_read_back", None),
            (ReadBack::NotFound, Phase::Whose) => self.refused(progress),
            (ReadBack::NotFound, Phase::Doubt) if progress.read_back_decides => self.refused(progress),
            (ReadBack::NotFound, Phase::Doubt) if progress.keyless >= KEYLESS_TRIES => {
                progress.enter(State::InDoubt, Phase::Stuck, Some("BluSKY says success and shows no such card"));
            }
            // It may still be under way: not there yet is not the same as not there.
            (ReadBack::NotFound, phase) if at < progress.sent + progress.under_way => {
                let why = progress.why.clone().unwrap_or_default();
                progress.fail(progress.state, phase, &why);
            }
            (ReadBack::NotFound, _) => {
                progress.enter(State::Saved, Phase::Due, None);
                progress.at_once_if(true);
            }
            (ReadBack::Unavailable { .. }, Phase::Confirm) => {
                progress.warn("read_back_unavailable");
                progress.enter(State::Accepted, Phase::End, None);
            }
            (ReadBack::Unavailable { .. } | ReadBack::Failed { .. }, Phase::Whose) => self.refused(progress),
            (ReadBack::Unavailable { why }, _) => progress.enter(State::InDoubt, Phase::Stuck, Some(why)),
            (ReadBack::Failed { why }, Phase::Confirm) => progress.unconfirmed(State::Accepted, "not_read_back", Some(why)),
            (ReadBack::Failed { why }, phase) => progress.fail(progress.state, phase, why),
        }
    }

    fn refused(&self, progress: &mut Progress) {
        // A repetition that had gone stale did not ask for the card; a person may.
        let asked_for_it = std::mem::take(&mut progress.reassigned);
        let phase = match self.reassign {
            Reassign::Never => Phase::End,
            _ if asked_for_it || !progress.is_held() => Phase::End,
            Reassign::Given if !progress.take => Phase::Given,
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
        match progress.phase {
            Phase::Due | Phase::Doubt | Phase::LookFirst | Phase::Confirm if waits => Next::Wait(due),
            Phase::Due => Next::Send { reassign: progress.take && !self.is_stale(&progress, now) },
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

fn answered(progress: &mut Progress, outcome: &Outcome) {
    match outcome {
        Outcome::Accepted(told) => {
            progress.told = told.clone();
            progress.fails = 0;
            progress.enter(State::Accepted, Phase::Confirm, None);
        }
        Outcome::Refused(told) => {
            progress.told = told.clone();
            progress.fails = 0;
            // Without a result code the request itself was wrong, whoever holds the card.
            let phase = if told.result_code.is_some() { Phase::Whose } else { Phase::End };
            progress.enter(State::Refused, phase, None);
        }
        Outcome::Unclear { told, listed } => {
            progress.told = told.clone();
            progress.read_back_decides = !listed;
            progress.keyless += u32::from(*listed);
            progress.may_have_arrived(TimeDelta::zero());
            progress.fail(State::InDoubt, Phase::Doubt, "BluSKY's answer does not say whether it took the card");
            progress.at_once_if(progress.fails == 1);
        }
        Outcome::NotSent { why } => progress.fail(State::Saved, Phase::Due, why),
        Outcome::Stopped { why } => {
            progress.fail(State::Saved, Phase::Due, why);
            progress.stopped = true;
        }
        Outcome::Later { why, slow } => {
            progress.may_have_arrived(if *slow { UNDER_WAY_SLOWLY } else { UNDER_WAY });
            progress.fail(State::Saved, Phase::LookFirst, why);
        }
        Outcome::NoAnswer { why, slow } => {
            progress.may_have_arrived(if *slow { UNDER_WAY_SLOWLY } else { UNDER_WAY });
            progress.fail(State::InDoubt, Phase::Doubt, why);
        }
    }
}

impl Progress {
    /// True once nothing more will happen by itself.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::End | Phase::Held | Phase::Stuck)
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

    fn may_have_arrived(&mut self, under_way: TimeDelta) {
        self.arrived.get_or_insert(self.sent);
        self.under_way = under_way;
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
fn backoff(fails: u32) -> TimeDelta {
    let seconds = 1_i64.checked_shl(fails.saturating_sub(1)).unwrap_or(LONGEST_WAIT_S).min(LONGEST_WAIT_S);
    TimeDelta::seconds(if fails > 6 { LONGEST_WAIT_S } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enroll::enrollment::{Order, add_existing_card};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn entry(reassign: Reassign, steps: Vec<Step>) -> Entry {
        let mut order = Order::of(Uuid::from_u128(7));
        order.reassign = reassign == Reassign::Always;
        let body = add_existing_card(Uuid::from_u128(9), &order).unwrap();
        let steps = steps.into_iter().enumerate().map(|(second, step)| (at(second as i64), step)).collect();
        Entry { id: Uuid::from_u128(1), saved_at: at(0), operation: Operation::AddUserCard(body), reassign, steps }
    }

    fn told(code: i64, words: &str) -> Told {
        Told { result_code: Some(code), description: Some(words.into()), value: Some(Uuid::from_u128(5)), previous_user_id: None }
    }

    fn found() -> Step {
        let card = StoredCard { card_id: Some(Uuid::from_u128(9)), card_user_flags: Some(1), ..StoredCard::default() };
        Step::ReadBack(ReadBack::Found(Box::new(card)))
    }

    const SENDING: Step = Step::Sending { reassign: false };

    fn no_answer() -> Step {
        Step::Answered(Outcome::NoAnswer { why: "reset".into(), slow: false })
    }

    #[test]
    fn what_was_never_sent_is_sent() {
        assert_eq!(entry(Reassign::Never, vec![]).next(at(0)), Next::Send { reassign: false });
        assert_eq!(entry(Reassign::Always, vec![]).next(at(0)), Next::Send { reassign: true });
    }

    #[test]
    fn what_was_sent_and_not_answered_is_read_back_before_anything_else() {
        let doubtful = entry(Reassign::Never, vec![SENDING, no_answer()]);
        assert_eq!(doubtful.progress().state, State::InDoubt);
        assert_eq!(doubtful.next(at(60)), Next::ReadBack);
        let there = entry(Reassign::Never, vec![SENDING, no_answer(), found()]);
        assert_eq!((there.progress().state, there.next(at(60))), (State::Accepted, Next::Done));
        let absent = entry(Reassign::Never, vec![SENDING, no_answer(), Step::ReadBack(ReadBack::NotFound)]);
        assert_eq!((absent.progress().state, absent.next(at(60))), (State::Saved, Next::Send { reassign: false }));
    }

    #[test]
    fn what_may_still_be_under_way_is_not_sent_again_because_it_is_not_there_yet() {
        let slow = Step::Answered(Outcome::NoAnswer { why: "time-out".into(), slow: true });
        let not_found = || Step::ReadBack(ReadBack::NotFound);
        let mut early = entry(Reassign::Never, vec![SENDING, slow, not_found()]);
        assert_eq!((early.progress().state, early.next(at(20))), (State::InDoubt, Next::ReadBack));
        early.steps.push((at(31), not_found()));
        assert_eq!((early.progress().state, early.next(at(31))), (State::Saved, Next::Send { reassign: false }));
    }

    #[test]
    fn an_earlier_refusal_says_nothing_about_a_later_sending() {
        let refused = Step::Answered(Outcome::Refused(told(5, "Card Already Assigned : 1 Lovelace, Ada")));
        let not_found = || Step::ReadBack(ReadBack::NotFound);
        let decided = Step::Reassign { decided_by: DecidedBy::Operator };
        let mut steps = vec![SENDING, refused, not_found(), decided, Step::Sending { reassign: true }, no_answer()];
        steps.extend([not_found(), not_found()]);
        assert_eq!(entry(Reassign::Given, steps).next(at(9)), Next::Send { reassign: true });
    }

    #[test]
    fn success_without_a_key_and_without_a_card_is_not_repeated_for_ever() {
        let keyless = || Step::Answered(Outcome::Unclear { told: Told { value: None, ..told(1, "") }, listed: true });
        let not_found = || Step::ReadBack(ReadBack::NotFound);
        let once = entry(Reassign::Never, vec![SENDING, keyless(), not_found()]);
        assert_eq!(once.next(at(9)), Next::Send { reassign: false });
        let steps = (0..3).flat_map(|_| [SENDING, keyless(), not_found()]).collect();
        let thrice = entry(Reassign::Never, steps);
        assert_eq!((thrice.progress().state, thrice.next(at(99))), (State::InDoubt, Next::Person));
    }

    #[test]
    fn with_no_code_known_the_read_back_alone_decides() {
        let any = || Step::Answered(Outcome::Unclear { told: told(0, "whatever"), listed: false });
        let absent = entry(Reassign::Never, vec![SENDING, any(), Step::ReadBack(ReadBack::NotFound)]);
        assert_eq!((absent.progress().state, absent.next(at(99))), (State::Refused, Next::Done));
        assert_eq!(entry(Reassign::Never, vec![SENDING, any(), found()]).progress().state, State::Accepted);
    }

    #[test]
    fn a_malformed_request_is_refused_whoever_holds_the_card() {
        let malformed = Told { description: Some("The request is invalid.".into()), ..Told::default() };
        let refused = entry(Reassign::Never, vec![SENDING, Step::Answered(Outcome::Refused(malformed))]);
        assert_eq!((refused.progress().state, refused.next(at(9))), (State::Refused, Next::Done));
    }

    #[test]
    fn an_outage_does_not_make_the_sites_decision_stale() {
        let not_sent = Step::Answered(Outcome::NotSent { why: "no route".into() });
        let entry = entry(Reassign::Always, vec![Step::Sending { reassign: true }, not_sent]);
        assert_eq!(entry.next(at(600)), Next::Send { reassign: true });
    }

    #[test]
    fn a_sending_that_nobody_finished_is_in_doubt_and_not_sent_again() {
        let mut abandoned = entry(Reassign::Never, vec![SENDING]);
        assert_eq!((abandoned.progress().state, abandoned.next(at(999))), (State::Sending, Next::Person));
        let step = abandoned.abandoned().unwrap();
        abandoned.steps.push((at(5), step));
        assert_eq!((abandoned.progress().state, abandoned.next(at(999))), (State::InDoubt, Next::ReadBack));
    }

    #[test]
    fn a_refused_card_that_is_this_users_already_is_accepted_with_a_warning() {
        let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
        let own = entry(Reassign::Never, vec![SENDING, refused.clone(), found()]).progress();
        assert_eq!((own.state, own.warnings), (State::Accepted, vec!["already_assigned_to_this_user".to_owned()]));
        let other = entry(Reassign::Never, vec![SENDING, refused, Step::ReadBack(ReadBack::NotFound)]);
        assert_eq!((other.progress().state, other.next(at(9))), (State::Refused, Next::Done));
    }

    #[test]
    fn reassignment_is_a_decision_of_its_own() {
        let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
        let steps = vec![SENDING, refused, Step::ReadBack(ReadBack::NotFound)];
        assert_eq!(entry(Reassign::Ask, steps.clone()).next(at(9)), Next::Person);
        assert_eq!(entry(Reassign::Given, steps.clone()).next(at(9)), Next::Reassign);
        let mut decided = steps;
        decided.push(Step::Reassign { decided_by: DecidedBy::Operator });
        assert_eq!(entry(Reassign::Ask, decided).next(at(9)), Next::Send { reassign: true });
    }

    #[test]
    fn a_stale_repetition_never_takes_a_card_back() {
        let not_found = || Step::ReadBack(ReadBack::NotFound);
        let doubt = vec![Step::Sending { reassign: true }, no_answer(), not_found(), not_found()];
        let mut entry = entry(Reassign::Always, doubt);
        assert_eq!(entry.next(at(10)), Next::Send { reassign: true });
        assert_eq!(entry.next(at(600)), Next::Send { reassign: false });
        let refused = Step::Answered(Outcome::Refused(told(2, "Card Already Assigned : 1 Lovelace, Ada")));
        for step in [Step::Sending { reassign: false }, refused, not_found()] {
            entry.steps.push((at(600), step));
        }
        assert!(entry.progress().awaits_reassignment());
    }

    #[test]
    fn failures_wait_longer_and_longer_up_to_a_minute() {
        let not_sent = || Step::Answered(Outcome::NotSent { why: "no route".into() });
        let twice = entry(Reassign::Never, vec![SENDING, not_sent(), SENDING, not_sent()]);
        assert_eq!(twice.next(at(3)), Next::Wait(at(5)));
        assert_eq!(twice.next(at(5)), Next::Send { reassign: false });
        assert_eq!(backoff(7), TimeDelta::seconds(60));
        assert_eq!(backoff(200), TimeDelta::seconds(60));
    }

    #[test]
    fn an_accepted_card_stays_accepted_where_it_cannot_be_read_back() {
        let accepted = Step::Answered(Outcome::Accepted(told(0, "Success")));
        let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".into() });
        let progress = entry(Reassign::Never, vec![SENDING, accepted.clone(), unavailable]).progress();
        assert_eq!((progress.state, progress.warnings), (State::Accepted, vec!["read_back_unavailable".to_owned()]));
        let failed = || Step::ReadBack(ReadBack::Failed { why: "reset".into() });
        let progress = entry(Reassign::Never, vec![SENDING, accepted, failed(), failed(), failed()]);
        assert_eq!((progress.progress().state, progress.next(at(99))), (State::Accepted, Next::Done));
    }

    #[test]
    fn what_cannot_be_read_back_and_is_in_doubt_waits_for_a_person() {
        let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".into() });
        let stuck = entry(Reassign::Never, vec![SENDING, no_answer(), unavailable]);
        assert_eq!((stuck.progress().state, stuck.next(at(99))), (State::InDoubt, Next::Person));
    }
}
