//! About which user is a request?

use uuid::Uuid;

use super::{call::Call, context::Arrived, user_cards};
use crate::simulator::wire::{contract, media, members::guid, reading};

/// The user whom the body names, or the query. `None`: nobody, or not readable.
pub fn user(call: Call, arrived: &Arrived) -> Option<Uuid> {
    let contract = match call {
        Call::AddUserCard => contract::ADD_USER_CARD,
        Call::ReplaceCardIfExists => contract::REPLACE_CARD,
        Call::UpdateUserCard => contract::UPDATE_USER_CARD,
        Call::RemoveUserCard => contract::REMOVE_USER_CARD,
        Call::AddAccessLevelGroup => contract::ADD_ACCESS,
        Call::RemoveAccessLevelGroup => return guid(&arrived.id),
        Call::UserCards | Call::UserCardsV2 => return user_cards::asked(&arrived.head.uri, false).ok().map(|asked| asked.user_id),
        Call::AddUser
        | Call::AddUserV2
        | Call::RemoveUser
        | Call::LoggedInUsersCards
        | Call::Authenticate
        | Call::Users
        | Call::Lookup(_) => return None,
    };
    let media = media::sent(&arrived.head.headers).unwrap_or(media::JSON);
    reading::guid_in(&arrived.body, media.wire, &contract, "UserId")
}
