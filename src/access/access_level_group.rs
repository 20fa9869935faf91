//! A group of access levels that a person has or is to have: which doors a card opens is said by these, and not by the card.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{members::Members, model::Model};

/// A user's group of access levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessLevelGroup {
    /// The group.
    pub access_level_group_id: i64,
    /// The user.
    pub user_id: Uuid,
}

impl Model for AccessLevelGroup {
    fn user(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn wrong(&self) -> Vec<String> {
        let nobody = self.user_id.is_nil().then(|| "user_id is all zero, which is nobody's".to_owned());
        let no_group = (self.access_level_group_id < 1).then(|| "access_level_group_id is below 1, which no group's is".to_owned());
        nobody.into_iter().chain(no_group).collect()
    }

    fn leaves(&self, _: Members) -> Members {
        Members::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_is_one_and_below_it_there_is_none() {
        let wrong = |group, user| AccessLevelGroup { access_level_group_id: group, user_id: Uuid::from_u128(user) }.wrong().len();
        assert_eq!((wrong(1, 7), wrong(0, 7), wrong(1, 0)), (0, 1, 1));
    }
}
