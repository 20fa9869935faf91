//! How an outbox stands, counted over its entries, and what their steps tell of the BluSKY that answered them.
//!
//! In: one entry after the other, whichever BluSKY it is for, and when today began. Out: counts, times, keys of entries, result codes.
//! Never: a card's number, a person's name, or BluSKY's own words.

use std::collections::{BTreeMap, BTreeSet};

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

impl Tally {
    /// Counts one entry; `here` is the BluSKY that is asked now.
    pub fn take(&mut self, entry: &Entry, here: &str, today: DateTime<Utc>) {
        let progress = entry.progress();
        if entry.base_url != here {
            self.elsewhere += usize::from(!progress.is_settled() || progress.needs_a_person());
            return;
        }
        let last = entry.steps().last().map_or(entry.saved_at, |(at, _)| *at);
        match progress.state {
            _ if progress.needs_a_person() => self.for_a_person.push(ForAPerson {
                id: entry.id,
                saved_at: entry.saved_at,
                why: progress.why.clone().unwrap_or_default(),
                can_be_read_back: entry.operation.user().is_some(),
            }),
            State::Saved => {
                if let Some(why) = progress.why.clone().filter(|_| progress.stopped) {
                    self.barred = self.barred.take().max(Some((last, why)));
                }
                self.waiting += 1;
                self.oldest_waiting = Some(self.oldest_waiting.map_or(entry.saved_at, |oldest| oldest.min(entry.saved_at)));
            }
            State::Sending => self.sending += 1,
            State::InDoubt => self.in_doubt += 1,
            State::Refused => self.refused_today += usize::from(last >= today),
            State::Accepted => self.last_accepted = self.last_accepted.max(Some(last)),
            State::Discarded => {}
        }
        entry.steps().iter().for_each(|(at, step)| self.heard(&entry.operation, *at, step));
        self.told(entry);
    }

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
        let mut tally = Tally::default();
        entries.iter().for_each(|entry| tally.take(entry, "here", at(1000)));
        tally
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
        ];
        let tally = tally(&entries);
        assert_eq!((tally.waiting, tally.oldest_waiting, tally.sending, tally.in_doubt), (1, Some(at(50)), 1, 1));
        assert_eq!(tally.refused_today, 1, "yesterday's do not count");
        assert_eq!(tally.last_accepted, Some(at(1503)));
        assert_eq!(
            tally.for_a_person.iter().map(|entry| (entry.id, entry.can_be_read_back)).collect::<Vec<_>>(),
            [(Uuid::from_u128(7), true)]
        );
        assert_eq!(tally.reached, Some(at(1503)));
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
        // What was seen last counts, in whatever order the entries come.
        let gone = [entry(3, 100, sent(no_such_call)), entry(4, 10, sent(Outcome::Accepted(told(0))))];
        assert!(!tally(&gone).calls["AddUserCard"].exists);
        let unavailable = [sent(Outcome::Accepted(told(0))), vec![Step::ReadBack(ReadBack::Unavailable { why: String::new() })]].concat();
        assert!(!tally(&[entry(5, 10, unavailable)]).calls[READ_BACK].exists);
    }
}
