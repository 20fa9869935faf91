//! The operations: what the outbox holds, and an access-control system is asked to do.
//!
//! In: a call's members. Out: whom and what it is about, and what of it is secret. Never: a decision about whether or when it is sent,
//! or how it is said.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AddUser, AddUserCard, Secret, UpdateUserCard,
    check::{IntegerWidth, Wrong},
};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Operation {
    /// A card for a user.
    AddUserCard(AddUserCard),
    /// Changes to a user's card.
    UpdateUserCard(UpdateUserCard),
    /// A new user.
    AddUser(Box<AddUser>),
}

impl Operation {
    /// Its name, as people and programs are told it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddUserCard(_) => "AddUserCard",
            Self::UpdateUserCard(_) => "UpdateUserCard",
            Self::AddUser(_) => "AddUser",
        }
    }

    /// True where success comes with the key of what was made.
    #[must_use]
    pub const fn answers_value(&self) -> bool {
        !matches!(self, Self::UpdateUserCard(_))
    }

    /// True where a present assignment is to be deleted.
    #[must_use]
    pub fn takes_from_its_holder(&self) -> bool {
        matches!(self, Self::AddUserCard(card) if card.reassign_card_if_already_assigned)
    }

    /// Says whether a present assignment is to be deleted, where there can be one.
    pub fn reassign(&mut self, take: bool) {
        if let Self::AddUserCard(card) = self {
            card.reassign_card_if_already_assigned = take;
        }
    }

    /// Judges it before it is written down.
    ///
    /// # Errors
    /// What would be refused or lost.
    pub fn judge(&self, width: IntegerWidth) -> Result<(), Wrong> {
        match self {
            Self::AddUserCard(card) => width.judge(card),
            Self::UpdateUserCard(card) => card.judge().and_then(|()| width.judge(card)),
            Self::AddUser(user) => user.judge().and_then(|()| width.judge(user)),
        }
    }

    /// The user it is about; none where it makes one.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        match self {
            Self::AddUserCard(card) => Some(card.user_id),
            Self::UpdateUserCard(card) => Some(card.user_id),
            Self::AddUser(_) => None,
        }
    }

    /// The card it is about, as a number that tells cards apart; two cards with one number only wait for each other.
    #[must_use]
    pub fn card(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::AddUserCard(AddUserCard { card_id: Some(id), .. }) => id.hash(&mut hasher),
            Self::AddUserCard(card) => {
                (card.card_ac_system_id, card.card_type, card.internal_card_number, card.facility_code, card.issue_code).hash(&mut hasher);
            }
            Self::UpdateUserCard(card) => card.card_id.hash(&mut hasher),
            Self::AddUser(_) => return None,
        }
        Some(hasher.finish())
    }

    /// Takes its secret out (a PIN, a password): what remains can be written down.
    pub fn take_secret(&mut self) -> Option<Secret> {
        self.secret_mut().and_then(Option::take)
    }

    /// Puts its secret back in.
    pub fn put_secret(&mut self, secret: Secret) {
        if let Some(place) = self.secret_mut() {
            *place = Some(secret);
        }
    }

    /// Its secret.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::AddUserCard(card) => card.pin.as_ref(),
            Self::UpdateUserCard(_) => None,
            Self::AddUser(user) => user.password.as_ref(),
        }
    }

    fn secret_mut(&mut self) -> Option<&mut Option<Secret>> {
        match self {
            Self::AddUserCard(card) => Some(&mut card.pin),
            Self::UpdateUserCard(_) => None,
            Self::AddUser(user) => Some(&mut user.password),
        }
    }
}
