//! How an outbox stands, counted over its entries, and what their steps tell of the BluSKY that answered them.
//!
//! In: one entry after the other, whichever BluSKY it is for, each once more when something has happened to it; when today began. Out:
//! counts, times, keys of entries, result codes. Never: a card's number, a person's name, or BluSKY's own words; nor is an entry kept that
//! has come to its end, but what it has taught.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, ReadBack, State, Step};
use crate::access::{NO_SUCH_CALL, Operation, Outcome};

/// The name of the call that the read-back makes.
pub const READ_BACK: &str = "UserCards";

/// How an outbox stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Saved, and to be sent.
    pub waiting: usize,
    /// When the oldest of them was saved.
    pub oldest_waiting: Option<DateTime<Utc>>,
    /// Being sent.
    pub sending: usize,
    /// In doubt; BluSKY's record decides by itself.
    pub in_doubt: usize,
    /// Those that go no further without a person, oldest first.
    pub for_a_person: Vec<ForAPerson>,
    /// Refused since today began.
    pub refused_today: usize,
    /// When an entry was accepted last.
    pub last_accepted: Option<DateTime<Utc>>,
    /// Not at their end, and for another BluSKY than this one.
    pub elsewhere: usize,
    /// When this BluSKY answered last.
    pub reached: Option<DateTime<Utc>>,
    /// When it last denied every call, and why.
    barred: Option<(DateTime<Utc>, String)>,
    /// The entries for this BluSKY with a PIN or password that may still be sent.
    pub sealed: Vec<Uuid>,
    /// What is known of its calls, by their names.
    pub calls: BTreeMap<String, CallSeen>,
}

/// An outbox, and what else is known of its store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// The counts.
    pub tally: Tally,
    /// What is damaged or missing, in words.
    pub findings: Vec<String>,
    /// Why a PIN or password that waits cannot be sent.
    pub sealed: Option<String>,
    /// Why the anchor cannot tell whether the store is an older one, and what to do.
    pub anchor: Option<String>,
    /// Facility codes that the site lists and with which no card was ever accepted, where others were.
    pub codes_never_seen: Vec<u64>,
}

/// An entry that goes no further without a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForAPerson {
    /// Its key.
    pub id: Uuid,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
    /// Why, and what to look at.
    pub why: String,
    /// The read-back can be asked once more.
    pub can_be_read_back: bool,
}

/// What is known of one of BluSKY's calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSeen {
    /// When it was last seen to be there, or not to be.
    pub at: DateTime<Utc>,
    /// This BluSKY has it, as far as that was seen last.
    pub exists: bool,
    /// The result codes that came with what was done.
    pub success_codes: BTreeSet<i64>,
    /// Those that came with a refusal.
    pub refusal_codes: BTreeSet<i64>,
}

/// An outbox that is being counted.
#[derive(Debug, Default)]
pub struct Counting {
    /// The BluSKY that is asked now.
    here: String,
    /// What has come to its end has taught: when an entry was accepted last, when BluSKY answered last, what is known of its calls.
    learnt: Tally,
    counted: HashMap<Uuid, Counted>,
}

/// An entry that has not come to its end, or counts for today.
#[derive(Debug)]
struct Counted {
    saved_at: DateTime<Utc>,
    is_sealed: bool,
    stands: Stands,
}

#[derive(Debug)]
enum Stands {
    Elsewhere,
    ForAPerson(Box<ForAPerson>),
    /// With when and why BluSKY lets nothing through.
    Waiting(Option<Box<(DateTime<Utc>, String)>>),
    Sending,
    InDoubt,
    Refused(DateTime<Utc>),
}

impl Counting {
    /// Nothing is counted yet; `here` is the BluSKY that is asked now.
    #[must_use]
    pub fn new(here: &str) -> Self {
        Self { here: here.to_owned(), ..Self::default() }
    }

    /// Counts an entry, or counts it anew.
    pub fn take(&mut self, entry: &Entry) {
        let (saved_at, is_here) = (entry.saved_at, entry.base_url == self.here);
        let is_sealed = entry.is_sealed && is_here && !entry.progress().is_settled();
        match self.stands(entry) {
            Some(stands) => drop(self.counted.insert(entry.id, Counted { saved_at, is_sealed, stands })),
            None => self.leave_out(entry.id),
        }
        if is_here {
            entry.steps().iter().for_each(|(at, step)| self.learnt.heard(&entry.operation, *at, step));
            self.learnt.told(entry);
        }
    }

    /// Counts an entry no more.
    pub fn leave_out(&mut self, id: Uuid) {
        self.counted.remove(&id);
    }

    /// What it is counted as; none for what has come to its end.
    fn stands(&mut self, entry: &Entry) -> Option<Stands> {
        let progress = entry.progress();
        if entry.base_url != self.here {
            return (!progress.is_settled() || progress.needs_a_person()).then_some(Stands::Elsewhere);
        }
        let last = entry.went_on_at().unwrap_or(entry.saved_at);
        match progress.state {
            _ if progress.needs_a_person() || progress.is_long_in_doubt() => Some(Stands::ForAPerson(Box::new(ForAPerson {
                id: entry.id,
                saved_at: entry.saved_at,
                why: progress.why.clone().unwrap_or_default(),
                can_be_read_back: entry.operation.user().is_some(),
            }))),
            State::Saved => Some(Stands::Waiting(progress.why.clone().filter(|_| progress.stopped).map(|why| Box::new((last, why))))),
            State::Sending => Some(Stands::Sending),
            State::InDoubt => Some(Stands::InDoubt),
            State::Refused => Some(Stands::Refused(last)),
            State::Accepted => {
                self.learnt.last_accepted = self.learnt.last_accepted.max(Some(last));
                None
            }
            State::Discarded => None,
        }
    }

    /// How the outbox stands.
    #[must_use]
    pub fn tally(&mut self, today: DateTime<Utc>) -> Tally {
        // What was refused on another day has come to its end.
        self.counted.retain(|_, counted| !matches!(counted.stands, Stands::Refused(at) if at < today));
        let mut tally = self.learnt.clone();
        for (id, counted) in &self.counted {
            tally.sealed.extend(counted.is_sealed.then_some(*id));
            match &counted.stands {
                Stands::Elsewhere => tally.elsewhere += 1,
                Stands::ForAPerson(entry) => tally.for_a_person.push((**entry).clone()),
                Stands::Waiting(barred) => {
                    tally.waiting += 1;
                    tally.oldest_waiting = Some(tally.oldest_waiting.map_or(counted.saved_at, |oldest| oldest.min(counted.saved_at)));
                    tally.barred = tally.barred.take().max(barred.as_deref().cloned());
                }
                Stands::Sending => tally.sending += 1,
                Stands::InDoubt => tally.in_doubt += 1,
                Stands::Refused(_) => tally.refused_today += 1,
            }
        }
        tally.for_a_person.sort_by_key(|entry| (entry.saved_at, entry.id));
        tally
    }
}

impl Tally {
    /// Why nothing goes through, as far as entries tell: until one has been accepted since.
    #[must_use]
    pub fn stopped(&self) -> Option<&String> {
        self.barred.as_ref().filter(|(at, _)| self.last_accepted.is_none_or(|accepted| *at >= accepted)).map(|(_, why)| why)
    }

    /// This BluSKY has that call, or has not: it answered then.
    pub fn saw(&mut self, call: &str, at: DateTime<Utc>, exists: bool) {
        self.reached = self.reached.max(Some(at));
        let seen = self.calls.entry(call.to_owned()).or_default();
        if at >= seen.at {
            (seen.at, seen.exists) = (at, exists);
        }
    }

    /// What a step says about the calls that there are.
    fn heard(&mut self, operation: &Operation, at: DateTime<Utc>, step: &Step) {
        let (call, exists) = match step {
            Step::Answered(Outcome::Accepted(_) | Outcome::Refused(_) | Outcome::Unclear { .. }) => (operation.name(), true),
            Step::Answered(Outcome::Impossible { .. }) => (operation.name(), false),
            Step::Answered(Outcome::Stopped { why }) if why.contains(NO_SUCH_CALL) => (operation.name(), false),
            Step::ReadBack(ReadBack::Found(_) | ReadBack::NotFound | ReadBack::CannotTell) => (READ_BACK, true),
            Step::ReadBack(ReadBack::Unavailable { .. }) => (READ_BACK, false),
            _ => return,
        };
        self.saw(call, at, exists);
    }

    /// What its last answer's code came with. Where a user has the card already, or it was gone before, the code is that of a refusal.
    fn told(&mut self, entry: &Entry) {
        let progress = entry.progress();
        let Some(code) = progress.told.result_code else { return };
        let was_done = |warning: &String| matches!(warning.as_str(), "already_assigned_to_this_user" | "not_this_users_card");
        let was_done = progress.warnings.iter().any(was_done);
        let seen = self.calls.entry(entry.operation.name().to_owned()).or_default();
        match progress.state {
            State::Accepted if !was_done => drop(seen.success_codes.insert(code)),
            State::Accepted | State::Refused => drop(seen.refusal_codes.insert(code)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        access::{RemoveUserCard, Told},
        enroll::enrollment::{Order, add_existing_card},
        outbox::Reassign,
    };

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn told(code: i64) -> Told {
        Told { result_code: Some(code), value: Some(Uuid::from_u128(9)), ..Told::default() }
    }

    fn entry(number: u128, saved: i64, steps: Vec<Step>) -> Entry {
        let user = Uuid::from_u128(number);
        let call = add_existing_card(Uuid::from_u128(9), &Order::of(user)).unwrap();
        let entry = Entry { base_url: "here".to_owned(), ..Entry::of(user, at(saved), Operation::AddUserCard(call), Reassign::Never) };
        entry.after((1..).zip(steps).map(|(second, step)| (at(saved + second), step)))
    }

    fn sent(outcome: Outcome) -> Vec<Step> {
        vec![Step::Sending { reassign: false }, Step::Answered(outcome)]
    }

    fn tally(entries: &[Entry]) -> Tally {
        let mut counting = Counting::new("here");
        entries.iter().for_each(|entry| counting.take(entry));
        counting.tally(at(1000))
    }

    #[test]
    fn each_entry_is_counted_once_by_what_is_to_become_of_it() {
        let found = ReadBack::Found(Box::default());
        let no_answer = || Outcome::NoAnswer { why: "lost".to_owned(), slow: false };
        let entries = [
            entry(1, 50, Vec::new()),
            entry(2, 40, vec![Step::Sending { reassign: false }]),
            entry(3, 1500, [sent(Outcome::Accepted(told(0))), vec![Step::ReadBack(found)]].concat()),
            entry(4, 900, [sent(Outcome::Refused(told(5))), vec![Step::ReadBack(ReadBack::NotFound)]].concat()),
            entry(5, 1100, [sent(Outcome::Refused(told(5))), vec![Step::ReadBack(ReadBack::NotFound)]].concat()),
            entry(6, 60, sent(no_answer())),
            entry(7, 5, [sent(no_answer()), vec![Step::ReadBack(ReadBack::CannotTell)]].concat()),
            entry(8, 70, vec![Step::Discarded { superseded_by: None }]),
            entry(9, 997, [sent(Outcome::Refused(told(5))), vec![Step::ReadBack(ReadBack::NotFound)]].concat()),
        ];
        let tally = tally(&entries);
        assert_eq!((tally.waiting, tally.oldest_waiting, tally.sending, tally.in_doubt), (1, Some(at(50)), 1, 1));
        assert_eq!(tally.refused_today, 2, "yesterday's do not count, and what comes as today begins is today's");
        assert_eq!(tally.last_accepted, Some(at(1503)));
        assert_eq!(
            tally.for_a_person.iter().map(|entry| (entry.id, entry.can_be_read_back)).collect::<Vec<_>>(),
            [(Uuid::from_u128(7), true)]
        );
        assert_eq!(tally.reached, Some(at(1503)));
    }

    #[test]
    fn an_entry_that_goes_on_is_counted_as_what_it_is_now() {
        let mut counting = Counting::new("here");
        let mut all = [entry(1, 1100, Vec::new()), entry(2, 1200, Vec::new()), Entry { is_sealed: true, ..entry(3, 1300, Vec::new()) }];
        let counts = |counting: &mut Counting, today: i64| {
            let tally = counting.tally(at(today));
            (tally.waiting, tally.sending, tally.refused_today, tally.oldest_waiting, tally.sealed.len())
        };
        all.iter().for_each(|entry| counting.take(entry));
        assert_eq!(counts(&mut counting, 1000), (3, 0, 0, Some(at(1100)), 1));
        all[0].add(at(1400), Step::Sending { reassign: false });
        counting.take(&all[0]);
        assert_eq!(counts(&mut counting, 1000), (2, 1, 0, Some(at(1200)), 1));
        for step in [Step::Answered(Outcome::Refused(told(5))), Step::ReadBack(ReadBack::NotFound)] {
            all[0].add(at(1401), step);
        }
        all[2].add(at(1402), Step::Discarded { superseded_by: None });
        all.iter().for_each(|entry| counting.take(entry));
        assert_eq!(counts(&mut counting, 1000), (1, 0, 1, Some(at(1200)), 0));
        counting.leave_out(all[1].id);
        assert_eq!(counts(&mut counting, 2000), (0, 0, 0, None, 0), "yesterday's do not count");
        assert_eq!(counting.counted.len(), 0, "and nothing is kept of what has come to its end");
    }

    #[test]
    fn what_is_taken_back_or_blotted_out_later_was_accepted_or_refused_when_it_was_and_not_then() {
        let refused = || [sent(Outcome::Refused(told(5))), vec![Step::ReadBack(ReadBack::NotFound)]].concat();
        let later = |step: Step, mut entry: Entry| {
            entry.add(at(5000), step);
            tally(&[entry])
        };
        let blotted = || Step::Blotted { steps: Vec::new(), by: "Grace".to_owned() };
        let by = Uuid::from_u128(2);
        for step in [Step::Undone { by }, Step::UndoFailed { by }, blotted()] {
            assert_eq!(later(step, entry(1, 1500, sent(Outcome::Accepted(told(0))))).last_accepted, Some(at(1502)));
        }
        assert_eq!(later(blotted(), entry(1, 900, refused())).refused_today, 0);
    }

    #[test]
    fn why_nothing_goes_through_is_said_until_an_entry_was_accepted_later() {
        let stopped = |accepted_at: i64| {
            let denied = entry(1, 100, sent(Outcome::Stopped { why: "BluSKY answered 401".to_owned() }));
            let accepted = entry(2, accepted_at - 2, sent(Outcome::Accepted(told(0))));
            tally(&[denied, accepted]).stopped().cloned()
        };
        let why = Some("BluSKY answered 401".to_owned());
        assert_eq!([stopped(101), stopped(102), stopped(103)], [why.clone(), why, None], "it was denied at 102");
    }

    #[test]
    fn an_entry_of_another_blusky_is_counted_apart_and_teaches_nothing() {
        let other = |entry: Entry| Entry { base_url: "there".to_owned(), ..entry };
        let tally = tally(&[other(entry(1, 50, Vec::new())), other(entry(2, 50, sent(Outcome::Accepted(told(0)))))]);
        assert_eq!((tally.waiting, tally.elsewhere, tally.calls.len(), tally.reached), (0, 2, 0, None));
    }

    #[test]
    fn which_calls_there_are_and_which_code_came_with_success_is_learnt_from_answers() {
        let found = || Step::ReadBack(ReadBack::Found(Box::default()));
        let no_such_call = Outcome::Stopped { why: format!("BluSKY answered 404 ({NO_SUCH_CALL}): check blusky.base_url") };
        let held = Told { description: Some("Card Already Assigned : 7".to_owned()), ..told(5) };
        let unclear = Outcome::Unclear { told: told(7), listed: false };
        let learnt = tally(&[
            entry(1, 10, [sent(unclear), vec![found()]].concat()),
            // This user has it already: the code is no success.
            entry(2, 20, [sent(Outcome::Refused(held)), vec![found()]].concat()),
        ]);
        let call = &learnt.calls["AddUserCard"];
        assert_eq!((call.exists, &call.success_codes, &call.refusal_codes), (true, &BTreeSet::from([7]), &BTreeSet::from([5])));
        let gone = [sent(Outcome::Refused(Told { value: None, ..told(14) })), vec![Step::ReadBack(ReadBack::NotFound)]].concat();
        let removal = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9), user_id: Uuid::from_u128(7) });
        let removal = Entry { operation: removal, ..entry(6, 10, Vec::new()) };
        let learnt_of_it = tally(&[removal.after(gone.into_iter().map(|step| (at(11), step)))]);
        let call = &learnt_of_it.calls["RemoveUserCard"];
        assert_eq!((call.success_codes.len(), &call.refusal_codes), (0, &BTreeSet::from([14])), "a card that was gone before");
        assert!(learnt.calls[READ_BACK].exists);
        let mut listed = Tally::default();
        listed.saw("Users", at(5), true);
        assert_eq!(listed.reached, Some(at(5)), "a list was an answer");
        listed.saw("Users", at(5), false);
        assert!(!listed.calls["Users"].exists, "what was seen last counts, also within one moment");
        let denied = Outcome::Stopped { why: "BluSKY answered 401".to_owned() };
        assert!(tally(&[entry(6, 10, sent(denied))]).calls.is_empty(), "who is denied learns nothing of the call");
        // What was seen last counts, in whatever order the entries come.
        let gone = [entry(3, 100, sent(no_such_call)), entry(4, 10, sent(Outcome::Accepted(told(0))))];
        assert!(!tally(&gone).calls["AddUserCard"].exists);
        let unavailable = [sent(Outcome::Accepted(told(0))), vec![Step::ReadBack(ReadBack::Unavailable { why: String::new() })]].concat();
        assert!(!tally(&[entry(5, 10, unavailable)]).calls[READ_BACK].exists);
    }
}
