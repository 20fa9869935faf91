//! The calls there are.

use super::lookups::{LOOKUPS, Lookup};

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    AddUserCard,
    ReplaceCardIfExists,
    UpdateUserCard,
    RemoveUserCard,
    /// The whole person, by a path that is two segments shorter: nobody who tests a desk means that.
    RemoveUser,
    AddUser,
    AddUserV2,
    AddAccessLevelGroup,
    RemoveAccessLevelGroup,
    UserCards,
    UserCardsV2,
    /// What the token's own user has.
    LoggedInUsersCards,
    Authenticate,
    Users,
    Lookup(&'static Lookup),
}

impl Call {
    /// Its name, for the journal and for faults. Both versions of the read-back are one call.
    pub fn name(self) -> &'static str {
        match self {
            Call::AddUserCard => "AddUserCard",
            Call::ReplaceCardIfExists => "ReplaceCardIfExists",
            Call::UpdateUserCard => "UpdateUserCard",
            Call::RemoveUserCard => "RemoveUserCard",
            Call::RemoveUser => "RemoveUser",
            Call::AddUser | Call::AddUserV2 => "AddUser",
            Call::AddAccessLevelGroup => "AddAccessLevelGroup",
            Call::RemoveAccessLevelGroup => "RemoveAccessLevelGroup",
            Call::UserCards | Call::UserCardsV2 => "UserCards",
            Call::LoggedInUsersCards => "GetLoggedInUsersCards",
            Call::Authenticate => "Authenticate",
            Call::Users => "Users",
            Call::Lookup(lookup) => lookup.call,
        }
    }

    /// Whether the token must be shown.
    pub fn needs_token(self) -> bool {
        self != Call::Authenticate
    }

    /// Whether a body with a media type is expected.
    pub fn has_body(self) -> bool {
        matches!(
            self,
            Call::AddUserCard
                | Call::ReplaceCardIfExists
                | Call::UpdateUserCard
                | Call::RemoveUserCard
                | Call::AddUser
                | Call::AddUserV2
                | Call::AddAccessLevelGroup
                | Call::Authenticate
        )
    }

    /// Whether the call with this name is about a user whom its request names.
    pub fn names_a_user(name: &str) -> bool {
        [
            Call::AddUserCard,
            Call::ReplaceCardIfExists,
            Call::UpdateUserCard,
            Call::RemoveUserCard,
            Call::AddAccessLevelGroup,
            Call::RemoveAccessLevelGroup,
            Call::UserCards,
        ]
        .iter()
        .any(|call| call.name() == name)
    }

    /// The names of all calls.
    pub fn names() -> Vec<&'static str> {
        let calls = [
            Call::AddUserCard,
            Call::ReplaceCardIfExists,
            Call::UpdateUserCard,
            Call::RemoveUserCard,
            Call::AddUser,
            Call::AddAccessLevelGroup,
            Call::RemoveAccessLevelGroup,
            Call::UserCards,
            Call::LoggedInUsersCards,
            Call::Authenticate,
            Call::Users,
        ];
        calls.into_iter().chain(LOOKUPS.iter().map(Call::Lookup)).map(Call::name).collect()
    }
}
