//! A kind of PC/SC reader, as its file says it: which of its slots is contactless, and what lights and sounds it has.
//!
//! In: the parsed file (see [`crate::protocols::readers`]). Out: plain data. Never: a command for a card.

use crate::{
    decode::dialect::Confidence,
    reader::{Signal, matches},
};

/// A kind of PC/SC reader.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// Its slots: the first whose pattern matches a name is it.
    pub slots: Vec<(String, Slot)>,
    /// The USB vendors and products that it shows.
    pub usb: Vec<(u16, u16)>,
    /// The drivers of the Linux kernel that take it away from the smart-card service.
    pub taken_by: Vec<String>,
    /// What it is told to show, at the contactless slot.
    pub signals: Vec<(Signal, Vec<Vec<u8>>)>,
    /// The file it stands in.
    pub file: String,
}

/// What a slot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Contactless cards.
    Contactless,
    /// Cards with contacts.
    Contact,
    /// The reader's own security module.
    Sam,
}

impl Slot {
    /// Every slot with its name in files.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Contactless, "contactless"), (Self::Contact, "contact"), (Self::Sam, "sam")];

    /// The name used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(slot, _)| *slot == self).map_or("", |(_, name)| name)
    }
}

impl Model {
    /// What the slot of this PC/SC name is; none where the name is of another kind of reader.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<Slot> {
        self.slots.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, slot)| *slot)
    }
}

/// What the slot of this PC/SC name is, as the first model says that knows it.
#[must_use]
pub fn slot_of<'a>(models: impl IntoIterator<Item = &'a Model>, name: &str) -> Option<Slot> {
    models.into_iter().find_map(|model| model.slot(name))
}
