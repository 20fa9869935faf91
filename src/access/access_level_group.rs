//! A group of access levels given to a person, or taken from them: which doors a card opens is said by these, and not by the card.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{members::Members, model::Model};

/// A group that a user is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddAccessLevelGroup {
    /// The group.
    pub access_level_group_id: i64,
    /// The user.
    pub user_id: Uuid,
}

/// A group that a user is to have no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveAccessLevelGroup {
    /// The group.
    pub access_level_group_id: i64,
    /// The user.
    pub user_id: Uuid,
}

fn wrong(user_id: Uuid, group: i64) -> Vec<String> {
    let nobody = user_id.is_nil().then(|| "user_id is all zero, which is nobody's".to_owned());
    let no_group = (group < 1).then(|| "access_level_group_id is below 1, which no group's is".to_owned());
    nobody.into_iter().chain(no_group).collect()
}

impl Model for AddAccessLevelGroup {
    fn name(&self) -> &'static str {
        "AddAccessLevelGroup"
    }

    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    /// Its success comes with a number, which is no key.
    fn answers_value(&self) -> bool {
        false
    }

    fn wrong(&self) -> Vec<String> {
        wrong(self.user_id, self.access_level_group_id)
    }

    fn leaves(&self, _: Members) -> Members {
        Members::new()
    }
}

impl Model for RemoveAccessLevelGroup {
    fn name(&self) -> &'static str {
        "RemoveAccessLevelGroup"
    }

    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn answers_value(&self) -> bool {
        false
    }

    fn wrong(&self) -> Vec<String> {
        wrong(self.user_id, self.access_level_group_id)
    }

    fn leaves(&self, _: Members) -> Members {
        Members::new()
    }
}
