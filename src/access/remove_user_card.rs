//! A card taken back from its holder. The system keeps the card itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    members::Members,
    model::{Identity, Model},
};

/// The order to take a card back from a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemoveUserCard {
    /// The card, which is one of the user's.
    pub card_id: Uuid,
    /// The user.
    pub user_id: Uuid,
}

impl Model for RemoveUserCard {
    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity::Key(self.card_id))
    }

    fn wrong(&self) -> Vec<String> {
        let named = [("user_id", self.user_id), ("card_id", self.card_id)];
        named.into_iter().filter(|(_, id)| id.is_nil()).map(|(name, _)| format!("{name} is all zero, which is nobody's")).collect()
    }

    /// Nothing: the user's cards must no longer show the card.
    fn leaves(&self, _: Members) -> Members {
        Members::new()
    }
}

/// Shows whose card it was, and which.
impl fmt::Debug for RemoveUserCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoveUserCard").field("user_id", &self.user_id).field("card_id", &self.card_id).finish()
    }
}
