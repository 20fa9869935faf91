//! What follows at a kiosk from the station's notices.
//!
//! In: a notice. Out: what the page shows then, and what is to be done. Never: a notice about another order taken for the visitor's own.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Done, Effect, Kiosk, MOST_CARDS, Note, Stage, Why};
use crate::{
    card::RANDOM_UID,
    enroll::enrollment::Refused,
    outbox::{Entry, State},
    reader::is_device_of,
    station::{Ended, Notice, notice::QuestionKind},
};

impl Kiosk {
    pub(super) fn told(&mut self, notice: &Notice, now: DateTime<Utc>, fresh: Uuid) -> Vec<Effect> {
        match notice {
            Notice::Ready(reader) if self.is_ours(reader) => {
                self.ready.insert(reader.clone());
                self.looks_at_reader(now);
            }
            Notice::Lost(reader, _) if self.is_ours(reader) => {
                self.ready.remove(reader);
                self.looks_at_reader(now);
            }
            // The next card there is for somebody who has named this reader at a desk.
            Notice::Waiting { order, ahead, .. } if self.waits_with() == Some(*order) => {
                self.is_next = Some(*ahead == 0);
                self.looks_at_reader(now);
            }
            Notice::StoreGone(why) => self.store_gone = why.is_some(),
            Notice::LayThere(reader) if self.is_ours(reader) => self.note(Note::LayThere),
            Notice::Failed(reader, _) if self.is_ours(reader) => self.note(Note::Damaged),
            Notice::Asked(order, question) => return self.asked(*order, &question.kind, now),
            Notice::NotEnrolled(order, ended) => return self.ended(*order, ended, now, fresh),
            Notice::Entry(entry, _) => return self.entry(entry, now),
            Notice::Postponed(order, _) if self.has_saved == Some(*order) => {
                if matches!(self.stage, Stage::Done(Done::Saved)) {
                    return self.done(Done::SavedForLater, now);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn is_ours(&self, reader: &str) -> bool {
        is_device_of(reader, &self.reader)
    }

    /// A card can be held to the reader, and is the visitor's then; or not.
    fn looks_at_reader(&mut self, now: DateTime<Utc>) {
        let can_hold = !self.ready.is_empty() && self.is_next == Some(true);
        if let Stage::Show { ready, .. } = &mut self.stage {
            *ready = can_hold;
            self.away = if can_hold { None } else { Some(self.away.unwrap_or(now)) };
        }
    }

    fn note(&mut self, what: Note) {
        if let Stage::Show { note, .. } = &mut self.stage {
            *note = Some(what);
        }
    }

    /// A card is asked of the visitor once more; everything else of the front desk.
    fn asked(&mut self, order: Uuid, kind: &QuestionKind, now: DateTime<Utc>) -> Vec<Effect> {
        let Some(user) = self.visitor.as_ref().map(|visitor| visitor.user).filter(|_| self.waits_with() == Some(order)) else {
            return Vec::new();
        };
        if matches!(kind, QuestionKind::SecondReading(..)) {
            self.stands(Stage::Show { order, ready: true, is_second: true, note: None }, self.timeout, now);
            return Vec::new();
        }
        self.at_front_desk.insert(order, user);
        self.front_desk(Why::Asked, now)
    }

    fn ended(&mut self, order: Uuid, ended: &Ended, now: DateTime<Utc>, fresh: Uuid) -> Vec<Effect> {
        self.at_front_desk.remove(&order);
        if self.waits_with() != Some(order) {
            return Vec::new();
        }
        // There is nothing to withdraw any more.
        self.stage = Stage::Looking;
        let note = match ended {
            Ended::Refused(_, Refused::Damaged) => Note::Damaged,
            Ended::Refused(reading, _) if reading.presentation.warnings.iter().any(|warning| warning == RANDOM_UID) => Note::Phone,
            Ended::Refused(..) => return self.front_desk(Why::Card, now),
            Ended::InTheWay(_) | Ended::NotNew(_) | Ended::SaidNo | Ended::Unproven(..) => return self.front_desk(Why::Asked, now),
            Ended::NotSaved(_) | Ended::Unreadable(_) => return self.front_desk(Why::Fault, now),
            Ended::NoCard(_) | Ended::Withdrawn => return self.start(),
        };
        self.cards += 1;
        if self.cards >= MOST_CARDS { self.front_desk(Why::Card, now) } else { self.order(Some(note), now, fresh) }
    }

    fn entry(&mut self, entry: &Entry, now: DateTime<Utc>) -> Vec<Effect> {
        self.saw(entry);
        self.at_front_desk.remove(&entry.id);
        let user = self.visitor.as_ref().map(|visitor| visitor.user);
        if self.waits_with() != Some(entry.id) && self.has_saved != Some(entry.id) {
            // Somebody at the desk was faster.
            let is_theirs = user.is_some_and(|user| self.given.get(&entry.id) == Some(&user));
            return if is_theirs && matches!(self.stage, Stage::Show { .. }) { self.done(Done::Already, now) } else { Vec::new() };
        }
        self.has_saved = Some(entry.id);
        let progress = entry.progress();
        if self.waits_with() == Some(entry.id) {
            // It is on disk, and cannot be withdrawn.
            self.stage = Stage::Looking;
        }
        match (progress.state, &self.stage) {
            (State::Accepted, _) if progress.stored_differs() => self.front_desk(Why::Refused, now),
            (State::Accepted, _) => self.done(Done::Accepted, now),
            (State::Refused | State::Discarded, _) => self.front_desk(Why::Refused, now),
            (State::Saved | State::Sending | State::InDoubt, Stage::Looking) => self.done(Done::Saved, now),
            (State::Saved | State::Sending | State::InDoubt, _) => Vec::new(),
        }
    }
}
