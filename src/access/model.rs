//! What every operation says of itself, beside its members: one implementation beside each of them.
//!
//! In: the members. Out: whom and which card it is about, what is wrong with it, what it leaves behind. Never: how it is sent.

use uuid::Uuid;

use super::{Secret, members::Members};

/// What tells a card from all others.
#[derive(PartialEq, Eq, Hash)]
pub enum Identity {
    /// Its key.
    Key(Uuid),
    /// Its system, type and numbers, as far as they are said.
    Numbers(Numbers),
}

/// What tells a card from all others if its key is not known.
#[derive(PartialEq, Eq, Hash)]
pub struct Numbers {
    /// The access-control system.
    pub system: Option<Uuid>,
    /// The card type.
    pub card_type: Option<i64>,
    /// The encoded number.
    pub internal_card_number: Option<u64>,
    /// The facility code.
    pub facility_code: Option<u64>,
    /// The issue code.
    pub issue_code: Option<u64>,
    /// The serial number of a smart card.
    pub card_serial_number: Option<u64>,
}

/// What an operation says of itself.
pub(super) trait Model {
    /// The user it is about; `None` if it adds one.
    fn user(&self) -> Option<Uuid>;

    /// The card it is about.
    fn identity(&self) -> Option<Identity> {
        None
    }

    /// True if a success answers with the key of the new record. The number that comes with a new group is not a key.
    fn answers_value(&self) -> bool {
        false
    }

    /// Everything that is wrong with it.
    fn wrong(&self) -> Vec<String> {
        Vec::new()
    }

    /// The members that the system must have stored once the operation is done. A cleared member is null.
    fn leaves(&self, members: Members) -> Members;

    /// Its secret.
    fn secret(&self) -> Option<&Secret> {
        None
    }

    /// Where its secret stands.
    fn secret_mut(&mut self) -> Option<&mut Option<Secret>> {
        None
    }

    /// Whether it deletes the card's present assignment.
    fn takes(&self) -> bool {
        false
    }

    /// Sets whether it does, if this operation can.
    fn take(&mut self, _: bool) {}
}
