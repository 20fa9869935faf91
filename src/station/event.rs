//! What happens to a station, and what is to be done then: the words in and out of [`Station::handle`](super::Station::handle).
//!
//! In: nothing; these are words. Out: plain values. Never: a decision.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Called, Heard, Notice, Scope};
use crate::{
    access::Operation,
    card::Presentation,
    enroll::{enrollment::Order, kept::Kept, origin::Origin},
    outbox::{Entry, InTheWay, NotNew, Reassign, Step, Terms, schedule::Work},
    reader::{ReaderCommand, ReaderEvent, ReaderName},
};

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something at a reader.
    Reader(ReaderName, ReaderEvent),
    /// Somebody orders something.
    Order(Box<Request>),
    /// Somebody no longer wants what they ordered. What is saved stays.
    Withdraw(Uuid),
    /// An entry that is on disk is waited for here, where another station had the order first.
    Resume(Uuid),
    /// The answer to the question of that number about this order.
    Answer(Uuid, u64, Answer),
    /// The answer to come to this question is one for the whole site, as this person says.
    Keep(Uuid, u64, String),
    /// What people have answered for the site is this, from now on.
    Policy(Vec<Kept>),
    /// What people have answered for the site cannot be read, and why: what was known before holds.
    PolicyWrong(String),
    /// An entry is on disk.
    Saved(Box<Entry>),
    /// An entry is not on disk.
    NotSaved(Uuid, String),
    /// Something cannot be written down now, and why; the next step on disk says that it can.
    Unwritten(String),
    /// An entry is not on disk: another one for the same card is in its way.
    InTheWay(Uuid, InTheWay),
    /// An entry is not on disk: another one adds the same user.
    NotNew(Uuid, NotNew),
    /// Entries that the store holds from before, each with its place.
    Stock(Vec<(u64, Entry)>),
    /// An entry as it is now, after a person's word on it.
    Settled(Box<Entry>),
    /// A step of an entry that is being delivered is on disk.
    Stepped(Box<Entry>),
    /// The calls for an entry are answered, and say this about the way to BluSKY. What came of them is being written down; no further call
    /// is made for it before that.
    Answered(Uuid, Vec<Heard>),
    /// The calls for an entry have come to an end for now.
    Called(Box<Called>),
    /// From now on, this is delivered.
    Deliver(Scope),
    /// The store is not where it was any more, and why; none: it is there again.
    StoreGone(Option<String>),
    /// Nothing can be delivered from here, and why; none: it can again.
    CannotDeliver(Option<String>),
    /// A deadline has passed.
    Time,
}

/// What somebody orders.
#[derive(Debug, Clone)]
pub struct Request {
    /// The key that its entry will have.
    pub id: Uuid,
    /// What.
    pub what: What,
    /// Somebody is there who can be asked.
    pub can_be_asked: bool,
}

/// What can be ordered.
#[derive(Debug, Clone)]
pub enum What {
    /// A card for a user.
    Enroll {
        /// For whom, and as what.
        order: Box<Order>,
        /// Which card.
        card: WhichCard,
        /// What may be done about somebody who holds it.
        reassign: Reassign,
    },
    /// Another call.
    Call {
        /// The call.
        operation: Box<Operation>,
        /// Who orders it, whom it is about, and what follows.
        origin: Box<Origin>,
    },
}

/// Which card.
#[derive(Debug, Clone)]
pub enum WhichCard {
    /// The next one that is shown, at the reader of this name or at any, within this time.
    Shown {
        /// The reader.
        reader: Option<String>,
        /// For how long it is waited for.
        within: TimeDelta,
    },
    /// This one, which somebody names: nothing is asked.
    Named(Box<Presentation>),
    /// This one, of a capture, which was read so often.
    Captured(Box<Presentation>, u32),
    /// The one that BluSKY has under this key.
    Existing(Uuid),
}

/// What a person answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is so; do it.
    Yes,
    /// It is not; do nothing.
    No,
    /// This number is printed on the card.
    Printed(String),
    /// It is this one of the choices, counted from 0.
    Choice(usize),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A reader is to do something.
    Command(ReaderName, ReaderCommand),
    /// Write an entry down on these terms; then say what became of it, and of the entry that it supersedes.
    Save(Box<Entry>, Terms),
    /// Write a step of an entry down; then say how it stands.
    Append(Uuid, Step),
    /// Look at an entry on disk; then say how it stands.
    Look(Uuid),
    /// Write down that this person has answered this for the site; then say what holds.
    Keep(Kept, String),
    /// Write down when this card was last seen at a reader.
    Seen(String, DateTime<Utc>),
    /// Make the calls that are due for an entry; then say what came of them.
    Deliver(Work),
    /// A card that lies at a reader was read once more.
    Again(Box<Presentation>),
    /// People are to be told.
    Tell(Notice),
}
