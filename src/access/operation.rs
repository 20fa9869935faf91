//! The operations: what the outbox holds, and an access-control system is asked to do.
//!
//! In: an operation's members. Out: whom and what it is about, and what of it is secret. Never: a decision about whether or when it is
//! sent, or how it is said.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AccessLevelGroup, AddUser, AddUserCard, RemoveUserCard, Secret, UpdateUserCard,
    check::{IntegerWidth, Wrong, wrong},
    members::{Members, NoMembers},
    model::{Identity, Model},
};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Operation {
    /// A card for a user.
    AddUserCard(AddUserCard),
    /// Changes to a user's card.
    UpdateUserCard(UpdateUserCard),
    /// A card taken back from its holder.
    RemoveUserCard(RemoveUserCard),
    /// A new user.
    AddUser(Box<AddUser>),
    /// A group of access levels for a user.
    AddAccessLevelGroup(AccessLevelGroup),
    /// A group of access levels taken from a user.
    RemoveAccessLevelGroup(AccessLevelGroup),
}

impl Operation {
    fn model(&self) -> &dyn Model {
        match self {
            Self::AddUserCard(card) => card,
            Self::UpdateUserCard(card) => card,
            Self::RemoveUserCard(card) => card,
            Self::AddUser(user) => user.as_ref(),
            Self::AddAccessLevelGroup(group) | Self::RemoveAccessLevelGroup(group) => group,
        }
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        match self {
            Self::AddUserCard(card) => card,
            Self::UpdateUserCard(card) => card,
            Self::RemoveUserCard(card) => card,
            Self::AddUser(user) => user.as_mut(),
            Self::AddAccessLevelGroup(group) | Self::RemoveAccessLevelGroup(group) => group,
        }
    }

    /// Its name, as people and programs are told it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddUserCard(_) => "AddUserCard",
            Self::UpdateUserCard(_) => "UpdateUserCard",
            Self::RemoveUserCard(_) => "RemoveUserCard",
            Self::AddUser(_) => "AddUser",
            Self::AddAccessLevelGroup(_) => "AddAccessLevelGroup",
            Self::RemoveAccessLevelGroup(_) => "RemoveAccessLevelGroup",
        }
    }

    /// True where success comes with the key of what was made.
    #[must_use]
    pub fn answers_value(&self) -> bool {
        self.model().answers_value()
    }

    /// True where the user's cards show whether it was done.
    #[must_use]
    pub const fn is_about_a_card(&self) -> bool {
        match self {
            Self::AddUserCard(_) | Self::UpdateUserCard(_) | Self::RemoveUserCard(_) => true,
            Self::AddUser(_) | Self::AddAccessLevelGroup(_) | Self::RemoveAccessLevelGroup(_) => false,
        }
    }

    /// True where a present assignment is to be deleted.
    #[must_use]
    pub fn takes_from_its_holder(&self) -> bool {
        self.model().takes()
    }

    /// Says whether a present assignment is to be deleted, where there can be one.
    pub fn reassign(&mut self, take: bool) {
        self.model_mut().take(take);
    }

    /// Judges it before it is written down.
    ///
    /// # Errors
    /// What would be refused or lost.
    pub fn judge(&self, width: IntegerWidth) -> Result<(), Wrong> {
        wrong(self.model().wrong())?;
        width.judge(&self.members().map_err(|error| Wrong(vec![error.to_string()]))?)
    }

    /// The user it is about; none where it makes one.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        self.model().user()
    }

    /// What makes the card it is about that one; none where it is about no card.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.model().identity()
    }

    /// The card it is about, as a number that tells cards apart; two cards with one number only wait for each other.
    #[must_use]
    pub fn card(&self) -> Option<u64> {
        self.identity().map(|identity| {
            let mut hasher = DefaultHasher::new();
            identity.hash(&mut hasher);
            hasher.finish()
        })
    }

    /// The members that are to be found stored once it is done; one that is cleared is null.
    ///
    /// # Errors
    /// It has none, which no operation is.
    pub fn leaves(&self) -> Result<Members, NoMembers> {
        Ok(self.model().leaves(self.members()?))
    }

    /// Takes its secret out (a PIN, a password): what remains can be written down.
    pub fn take_secret(&mut self) -> Option<Secret> {
        self.model_mut().secret_mut().and_then(Option::take)
    }

    /// Puts its secret back in.
    pub fn put_secret(&mut self, secret: Secret) {
        if let Some(place) = self.model_mut().secret_mut() {
            *place = Some(secret);
        }
    }

    /// Its secret.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.model().secret()
    }
}
