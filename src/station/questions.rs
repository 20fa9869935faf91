//! What stands between a card and its enrollment: asked of the card or of a person, answered, or not.
//!
//! In: a card that somebody got and is not sure enough, an answer. Out: a question, or the next look at the card. Never: an answer of
//! its own.

use super::{
    desks::{Desk, Got, ShownCard, State},
    notice::QuestionKind,
    *,
};
use crate::{
    card::DecidedBy,
    enroll::{
        enrollment,
        evidence::{self, Word},
        kept::Kept,
    },
};

/// A reader that repeats its card has this many repeats to do so before the person is asked to show it once more.
const REPEATS: i32 = 4;
/// A card that is asked again has as many of these to answer.
const ASKED_AGAIN: TimeDelta = TimeDelta::seconds(1);
/// A person has at least this long to answer.
const TIME_TO_ANSWER: TimeDelta = TimeDelta::seconds(60);

impl Station {
    /// The card is asked for a second reading, a person for everything else, where one is there.
    pub(super) fn ask(&mut self, mut desk: Desk, got: Got, kind: QuestionKind, turn: &mut Turn) {
        let is_asked_of_card = matches!(kind, QuestionKind::SecondReading(..));
        // What is kept is the answer to one question, and to no other.
        desk.keeps = None;
        // Whoever was sent to the front desk is not at the reader any more: the next card there is somebody else's.
        if (!desk.can_be_asked && !is_asked_of_card) || (desk.has_left && is_asked_of_card) {
            let ended = self.unanswered(&desk, &kind);
            return self.ended(desk.id, ended, turn);
        }
        if !is_asked_of_card {
            desk.has_left = desk.order.alone;
            // A literal waits for no card, and for an answer no longer than others do.
            let answered = turn.now.steady + TIME_TO_ANSWER;
            desk.until = Some(desk.until.map_or(answered, |until| until.max(answered)));
        }
        let question = Question { number: self.happened, kind };
        // A reader that says its card again while it lies there answers by itself.
        desk.tells = self.repeats(&got).filter(|_| is_asked_of_card).map(|every| turn.now.steady + every * REPEATS);
        if desk.tells.is_none() {
            turn.tell(Notice::Asked(desk.id, Box::new(question.clone())));
        }
        desk.state = State::Asked(got, question);
        self.desks.push_front(desk);
    }

    /// What the card of somebody who is alone is asked before the front desk is: nobody shows it again then.
    pub(super) fn reads_again_first(
        &self,
        desk: &Desk,
        shown: &ShownCard,
        reading: &Reading,
        choices: &[usize],
    ) -> Option<evidence::Question> {
        let left_open = |choice: &usize| {
            let (shown, choice) = (ShownCard { choice: Some(*choice), ..shown.clone() }, Some((*choice, DecidedBy::Operator)));
            self.judge(desk, &shown, &Reading { choice, ..reading.clone() })?.question
        };
        let mut open = choices.iter().filter(|_| desk.order.alone && shown.at_reader).filter_map(left_open);
        open.find(|question| matches!(question, evidence::Question::SecondReading { .. }))
    }

    /// How often the reader of a card says it again while it lies there; none where it says it once.
    fn repeats(&self, got: &Got) -> Option<TimeDelta> {
        let Got::Card(shown) = got else { return None };
        let reader = self.reader(shown.presentation.reader.as_deref()?)?;
        let every = match &reader.kind {
            ReaderKind::Serial(dialect, hints) | ReaderKind::Keyboard(dialect, hints) => hints.repeats_of(dialect),
            // A card that can be asked again is.
            ReaderKind::Pcsc(_) => {
                let can_be_asked = matches!(self.stages.get(shown.presentation.reader.as_deref()?), Some(Stage::Read(_)));
                return can_be_asked.then_some(ASKED_AGAIN);
            }
            ReaderKind::Osdp(_) => None,
        };
        TimeDelta::from_std(every?).ok()
    }

    /// Readers that have not said their card again in time: the person is asked to show it.
    pub(super) fn ask_late(&mut self, turn: &mut Turn) {
        let now = turn.now.steady;
        for desk in self.desks.iter_mut().filter(|desk| desk.tells.is_some_and(|at| at <= now)) {
            desk.tells = None;
            if let State::Asked(_, question) = &desk.state {
                turn.tell(Notice::Asked(desk.id, Box::new(question.clone())));
            }
        }
    }

    /// How an order ends whose question has no answer.
    pub(super) fn unanswered(&self, desk: &Desk, kind: &QuestionKind) -> Ended {
        match kind {
            QuestionKind::SecondReading(reading, question) | QuestionKind::FirstSeen(reading, question) => {
                Ended::Unproven(reading.clone(), question.clone())
            }
            QuestionKind::Choose(reading, _) => {
                match enrollment::add_user_card(reading, &desk.order, &self.setup.policy, self.setup.width) {
                    Err(refused) => Ended::Refused(reading.clone(), refused),
                    Ok(_) => Ended::SaidNo,
                }
            }
            QuestionKind::InTheWay(other, _) => Ended::InTheWay(other.clone()),
            QuestionKind::Holder(..) => Ended::SaidNo,
        }
    }

    pub(super) fn answered(&mut self, id: Uuid, number: u64, answer: Answer, turn: &mut Turn) {
        let is_asked = |desk: &Desk| desk.id == id && matches!(&desk.state, State::Asked(_, question) if question.number == number);
        let Some(mut desk) = self.desks.iter().position(is_asked).and_then(|at| self.desks.remove(at)) else {
            return self.holder_answered(id, number, &answer, turn);
        };
        let State::Asked(mut got, question) = std::mem::replace(&mut desk.state, State::Waits) else { return };
        match (answer, &question.kind) {
            // Another card is waited for at once.
            (Answer::No, _) if desk.order.roster.is_some() => return self.wait_on(desk, turn),
            (Answer::No, kind) => {
                let ended = self.unanswered(&desk, kind);
                return self.ended(desk.id, ended, turn);
            }
            (Answer::Yes, QuestionKind::FirstSeen(..)) => desk.word = Word::Confirmed,
            // What was not sent is not sent then; what was, stands before it.
            (Answer::Yes, QuestionKind::InTheWay(InTheWay::Given(given) | InTheWay::Ordered(given), _)) => {
                desk.supersedes = Some(given.entry);
                desk.order.same_card |= matches!(question.kind, QuestionKind::InTheWay(InTheWay::Given(_), _));
            }
            (Answer::Yes, QuestionKind::InTheWay(InTheWay::Shown(_), _)) => desk.order.same_card = true,
            (Answer::Printed(print), _) => desk.order.printed = Some(print),
            (Answer::Choice(choice), QuestionKind::Choose(_, choices)) if choices.contains(&choice) => got.choose(choice),
            // No answer to what was asked: it stays asked.
            (_, kind) => return self.ask(desk, got, kind.clone(), turn),
        }
        if let (Got::Card(shown), Some(by)) = (&got, desk.keeps.take()) {
            turn.effects.extend(self.kept(&desk, shown, &question.kind).map(|kept| Effect::Keep(kept, by)));
        }
        match got {
            Got::Card(shown) => self.consider(desk, *shown, false, turn),
            Got::Existing(card) => self.existing(desk, card, turn),
        }
    }

    /// The answer to come to this question is one for the whole site.
    pub(super) fn keeps(&mut self, id: Uuid, number: u64, by: String) {
        let is_asked = |desk: &&mut Desk| desk.id == id && matches!(&desk.state, State::Asked(_, question) if question.number == number);
        if let Some(desk) = self.desks.iter_mut().find(is_asked) {
            desk.keeps = Some(by);
        }
    }

    /// What the answer that was just given says about other cards; none where it settles nothing, or is about this card alone.
    fn kept(&self, desk: &Desk, shown: &ShownCard, asked: &QuestionKind) -> Option<Kept> {
        let mut reading = self.setup.catalog.read(shown.presentation.clone());
        self.choose(desk, shown, &mut reading);
        let chosen = reading.chosen()?;
        match asked {
            QuestionKind::FirstSeen(..) => Some(Kept::first_seen(chosen)),
            QuestionKind::Choose(..) => Some(Kept::choice(chosen, &self.setup.policy.left(&reading))),
            QuestionKind::SecondReading(..) | QuestionKind::InTheWay(..) | QuestionKind::Holder(..) => None,
        }
    }

    /// What people have answered for the site is this, from now on.
    pub(super) fn policy(&mut self, kept: Vec<Kept>, turn: &mut Turn) {
        self.setup.policy.kept = kept;
        turn.tell(Notice::Policy(None));
    }
}
