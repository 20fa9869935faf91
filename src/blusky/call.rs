//! The operations on BluSKY: what the outbox holds and the client sends.
//!
//! In: a model. Out: its call's method, path, contract and body, and what of it is secret. Never: a decision about whether or when
//! it is sent.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    model::{
        AddUser, AddUserCard, UpdateUserCard,
        check::{IntegerWidth, Wrong},
    },
    secret::Secret,
    wire::{Wire, WireError},
};

/// An operation on BluSKY.
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

/// An HTTP method that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// Where a call goes, and what its answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The call's name on BluSKY's pages.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// What follows the base URL.
    pub path: String,
    /// True where success comes with the key of what was made.
    pub answers_value: bool,
}

impl Operation {
    /// Where it goes.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let cards = |version: u8, user: Uuid| format!("api/v{version}/Users/{user}/UserCards");
        let (name, method, path, answers_value) = match self {
            Self::AddUserCard(card) => ("AddUserCard", Method::Post, cards(1, card.user_id), true),
            Self::UpdateUserCard(card) => ("UpdateUserCard", Method::Put, cards(2, card.user_id), false),
            Self::AddUser(_) => ("AddUser", Method::Post, "api/Person/AddUser".to_owned(), true),
        };
        Endpoint { name, method, path, answers_value }
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

    /// Where it goes, where BluSKY is to replace the card's holder.
    pub(super) fn replace_path(&self) -> String {
        format!("api/v2/Users/{}/UserCards/ReplaceCardIfExists", self.user().unwrap_or_default())
    }

    /// Its body.
    ///
    /// # Errors
    /// The wire has no way to say it.
    pub fn body(&self, wire: Wire) -> Result<Vec<u8>, WireError> {
        match self {
            Self::AddUserCard(card) => wire.write(AddUserCard::CONTRACT, card),
            Self::UpdateUserCard(card) => wire.write(UpdateUserCard::CONTRACT, card),
            Self::AddUser(user) => wire.write(AddUser::CONTRACT, user),
        }
    }

    /// Judges it before it is written down.
    ///
    /// # Errors
    /// What BluSKY would refuse or lose.
    pub fn judge(&self, width: IntegerWidth, wire: Wire) -> Result<(), Wrong> {
        match self {
            Self::AddUserCard(card) => width.judge(card),
            Self::UpdateUserCard(card) => card.judge().and_then(|()| width.judge(card)),
            Self::AddUser(user) => user.judge().and_then(|()| width.judge(user)),
        }?;
        self.body(wire).map(drop).map_err(|error| Wrong(vec![error.to_string()]))
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

#[cfg(test)]
mod tests;
