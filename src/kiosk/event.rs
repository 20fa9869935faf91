//! What happens at a kiosk, what is to be done then, and what stands on its page: words in and out of [`Kiosk::handle`](super::Kiosk::handle).
//!
//! In: nothing; these are words. Out: plain values. Never: a decision.

use uuid::Uuid;

use crate::station::Notice;

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something was pressed on the page of that visit.
    Pressed(u64, Press),
    /// Who has the code that was typed in that visit; nobody.
    Found(u64, Option<Visitor>),
    /// Whether the visitor of that visit has a card.
    Looked(u64, Has),
    /// The station does not take the order.
    NotOrdered(Uuid),
    /// The station tells something.
    Told(Box<Notice>),
    /// All that was saved before has been looked through.
    Recorded,
    /// People can be found by what they type, or not: there is no list, or nothing in it finds anybody.
    CanFind(bool),
    /// A deadline has passed.
    Time,
}

/// What can be pressed.
#[derive(Clone, PartialEq, Eq)]
pub enum Press {
    /// The language on the first screen, by its two letters.
    Language(String),
    /// Who they are, typed or scanned.
    Code(String),
    /// They are still there.
    Stay,
    /// They go: done, or not who is named.
    Leave,
}

/// Shows what was pressed, and no code.
impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Language(_) => "Language",
            Self::Code(_) => "Code",
            Self::Stay => "Stay",
            Self::Leave => "Leave",
        })
    }
}

/// Somebody at the kiosk.
#[derive(Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Their key in BluSKY.
    pub user: Uuid,
    /// What the page calls them: enough for them to see that they are meant, and not all of their name.
    pub called: String,
}

/// Shows which user, and no name.
impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Whether somebody has a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// They have none.
    None,
    /// They have one.
    Card,
    /// Nobody can say.
    Unknown,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect {
    /// Say who has this code.
    Find(u64, String),
    /// Say whether this user has a card.
    Look(u64, Uuid),
    /// Order the next card at the kiosk's reader for this user.
    Order(Uuid, Uuid),
    /// Withdraw this order.
    Withdraw(Uuid),
}

/// Shows what, and no code.
impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Find(visit, _) => f.debug_tuple("Find").field(visit).finish_non_exhaustive(),
            Self::Look(visit, user) => f.debug_tuple("Look").field(visit).field(user).finish(),
            Self::Order(id, user) => f.debug_tuple("Order").field(id).field(user).finish(),
            Self::Withdraw(id) => f.debug_tuple("Withdraw").field(id).finish(),
        }
    }
}

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The first screen: the language.
    Start,
    /// Who are you?
    Code {
        /// What was typed last is nobody's.
        is_wrong: bool,
        /// So many seconds nothing is taken.
        pause: Option<i64>,
    },
    /// It is looked up who that is, and whether they have a card.
    Looking,
    /// The card.
    Show {
        /// The order that waits for it.
        order: Uuid,
        /// A card can be held to the reader now.
        ready: bool,
        /// It is to be shown once more.
        is_second: bool,
        /// What the visitor should know about the card before.
        note: Option<Note>,
    },
    /// It is done.
    Done(Done),
    /// The front desk helps.
    FrontDesk(Why),
}

/// What became of the card before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A card lay there before it was asked for.
    LayThere,
    /// It was not read whole.
    Damaged,
    /// It was a telephone, or a card that has another number each time.
    Phone,
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is on disk, and sent now.
    Saved,
    /// It is on disk, and sent later.
    SavedForLater,
    /// BluSKY has it.
    Accepted,
    /// It was before.
    Already,
}

/// Why the front desk helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They have a card.
    HasCard,
    /// Nobody can say whether they have one.
    Unknown,
    /// Something is asked that only an operator knows.
    Asked,
    /// This card cannot be given.
    Card,
    /// BluSKY refused it, or stored something else.
    Refused,
    /// The kiosk cannot go on.
    Fault,
}
