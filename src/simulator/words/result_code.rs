//! What a call came to, in a number and in words.
//!
//! The real result codes are unknown; these are the simulator's own, and 0 is success. Nothing is decided here.

/// The simulator's result codes. The Description that comes with one says it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResultCode {
    /// `Success`
    Success = 0,
    /// No such user.
    UserNotFound = 1,
    /// `Card Already Assigned : <number> <Last>, <First>`: to anybody, the same user included, and reassigning was not asked for.
    CardAlreadyAssigned = 2,
    /// `More than one card exists with this number and facility code.`
    MoreThanOneCard = 3,
    /// CardId was sent together with members that describe a card.
    CardIdWithDescription = 4,
    /// No card has this CardId.
    CardNotFound = 5,
    /// A required member was left out, and is named.
    MemberMissing = 6,
    /// Another card of that system has this external number.
    ExternalNumberTaken = 7,
    /// A card would be deactivated before it is activated, or another period would end before it begins.
    EndBeforeStart = 8,
    /// The route names another user than the body. The real BluSKY probably ignores the route.
    RouteDiffersFromBody = 9,
    /// A value that no card or user can have: a number below zero, a CardType that is none, an all-zero GUID, no automatic number left, a
    /// number outside the few that have a meaning.
    ValueNotAllowed = 10,
    /// A text is longer than the contract allows.
    TextTooLong = 11,
    /// The card that is to be updated is not this user's.
    NotAssigned = 12,
    /// EnforceOccupancySystem was asked for, and the card is of another system than the user's occupancy.
    OccupancySystemDiffers = 13,
    /// The card that is to be taken back is not this user's.
    NotFound = 14,
}

/// A refusal: HTTP 200 with this.
pub struct Refusal {
    pub code: ResultCode,
    pub description: String,
}

impl ResultCode {
    /// A refusal in these words.
    pub fn because(self, description: impl Into<String>) -> Refusal {
        Refusal { code: self, description: description.into() }
    }
}

/// The names that are marked.
pub fn names<const N: usize>(members: [(&str, bool); N]) -> String {
    let named: Vec<_> = members.into_iter().filter(|(_, named)| *named).map(|(name, _)| name).collect();
    named.join(", ")
}
