//! Whoever stood at the kiosk and was sent to the front desk: what is asked about their cards.
//!
//! In: a kiosk's orders, the station's notices. Out: whose card is asked about, and what. Never: a card that is only to be shown once
//! more; that is asked of the visitor.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::station::{Notice, Question, notice::QuestionKind};

/// The kiosk's orders that have no entry yet, the oldest first.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct FrontDesk(BTreeMap<Uuid, Sent>);

/// Somebody from the kiosk.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Their name.
    pub person: String,
    /// What is asked; none while they stand at the kiosk.
    pub question: Option<Question>,
}

impl FrontDesk {
    /// A card is ordered at the kiosk for this person.
    pub fn ordered(&mut self, order: Uuid, person: String) {
        self.0.insert(order, Sent { person, question: None });
    }

    /// Those about whose cards something is asked.
    pub fn asked(&self) -> impl Iterator<Item = (Uuid, &str, &Question)> {
        self.0.iter().filter_map(|(order, sent)| Some((*order, sent.person.as_str(), sent.question.as_ref()?)))
    }

    /// The orders of those who stand at the kiosk or were sent here.
    pub(super) fn orders(&self) -> impl Iterator<Item = Uuid> {
        self.0.keys().copied()
    }

    /// What became of this order was not heard.
    pub(super) fn lost(&mut self, order: Uuid) {
        self.0.remove(&order);
    }

    pub(super) fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::Asked(order, question) if !matches!(question.kind, QuestionKind::SecondReading(..)) => {
                if let Some(sent) = self.0.get_mut(order) {
                    sent.question = Some((**question).clone());
                }
            }
            Notice::NotEnrolled(order, _) => drop(self.0.remove(order)),
            Notice::Entry(entry, _) => drop(self.0.remove(&entry.id)),
            _ => {}
        }
    }
}
